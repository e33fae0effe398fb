# Each command makes the virtual environment and installs what it needs, once.
PYTHON ?= python3
VENV ?= .venv
PY = $(VENV)/bin/python
# An environment of its own for libraries that need a hundred others.
HOSTS = $(VENV)-hosts
# What they tell their own authors.
THEIRS = -W ignore::FutureWarning -W ignore::DeprecationWarning \
	-W ignore::PendingDeprecationWarning
export MPLBACKEND = Agg
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test fuzz mutation test-hosts lint format doc notebooks check-site dist clean
.NOTPARALLEL:
.SECONDARY:

demo: $(VENV)/plot.stamp
	$(PY) examples/cross_validation/plot_sunspots.py

# Two workers, one thread each: the matrices are small, and more threads only wait.
test: $(VENV)/tests.stamp
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist=worksteal

# 20,000 cases out of all inputs that are accepted, others each time.
fuzz: $(VENV)/tests.stamp
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 tests/fuzz --hypothesis-profile=long

# Which changes of the code the tests notice.
mutation: $(VENV)/tests,mutation.stamp
	OMP_NUM_THREADS=1 $(PY) tests/mutation.py

# What other libraries do with our estimators. Examples save pictures where they are run.
test-hosts: $(HOSTS)/tests,hosts.stamp
	OMP_NUM_THREADS=1 $(HOSTS)/bin/python -m pytest -n 2 --dist=loadfile $(THEIRS) \
		tests/hosts doc/user_guide/other_libraries.rst
	OMP_NUM_THREADS=1 $(HOSTS)/bin/python -m pytest tests/test_input_forms.py \
		-k array_api_strict
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cd "$$folder" && \
	for example in $(CURDIR)/examples/hosts/plot_*.py; do \
		echo "== $${example##*/}"; \
		OMP_NUM_THREADS=1 $(abspath $(HOSTS))/bin/python -W error $(THEIRS) "$$example" \
			|| exit 1; \
	done

lint: $(VENV)/lint.stamp
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(VENV)/lint.stamp
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

# With the gallery, for which all examples are run. A warning is a failure.
doc: $(VENV)/doc.stamp
	OMP_NUM_THREADS=1 $(PY) -m sphinx -W --keep-going -q -b html doc doc/_build/html
	@echo "The site is in doc/_build/html/index.html"

# The notebooks that readers of the gallery download, run as such, two at a time.
notebooks: doc
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	cp -R doc/gallery/. "$$folder" && find "$$folder" -name '*.ipynb' -print0 | \
		OMP_NUM_THREADS=1 xargs -0 -n 1 -P 2 $(VENV)/bin/jupyter-execute

# Links, pictures, formulas and widths of all pages; in Chromium, where it is installed.
check-site: doc
	$(PY) doc/check_site.py

# Source archive and wheel, tried in a new environment.
dist: $(VENV)/dist.stamp
	.ci/dist $(PY)

clean:
	rm -rf $(VENV) $(HOSTS) build dist doc/_build doc/generated doc/gallery doc/sg_execution_times.rst .pytest_cache .hypothesis .ruff_cache .mypy_cache sunspots_forecast.png
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# E/X.stamp: in the environment E the package is installed, editable, with its extras X.
%.stamp: pyproject.toml
	$(@D)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --editable '.[$(*F)]'
	touch $@
