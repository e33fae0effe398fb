# Each command makes the virtual environment and installs what it needs, once.
PYTHON ?= python3
VENV ?= .venv
PY = $(VENV)/bin/python
export MPLBACKEND = Agg
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo examples test lint format doc dist clean
.NOTPARALLEL:
.SECONDARY:

demo: $(VENV)/plot.stamp
	$(PY) examples/plot_sunspots.py

# In a temporary folder, for each saves a picture. A warning is a failure.
examples: $(VENV)/plot.stamp
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cd "$$folder" && \
	for example in $(CURDIR)/examples/plot_*.py; do \
		echo "== $${example##*/}"; \
		OMP_NUM_THREADS=1 $(abspath $(PY)) -W error "$$example" || exit 1; \
	done

# Two workers, one thread each: the matrices are small, and more threads only wait.
test: $(VENV)/tests.stamp
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist=worksteal

lint: $(VENV)/lint.stamp
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: $(VENV)/lint.stamp
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

# A warning is a failure.
doc: $(VENV)/doc.stamp
	$(PY) -m sphinx -W --keep-going -q -b html doc doc/_build/html

# Source archive and wheel, tried in a new environment.
dist: $(VENV)/dist.stamp
	.ci/dist $(PY)

clean:
	rm -rf $(VENV) build dist doc/_build doc/generated .pytest_cache .ruff_cache .mypy_cache sunspots_forecast.png
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# X.stamp: the package is installed, editable, with its extra X.
$(VENV)/%.stamp: pyproject.toml
	$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --quiet --editable '.[$*]'
	touch $@
