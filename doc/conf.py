"""Sphinx configuration."""

import os
import shutil
import warnings
from pathlib import Path

from numpydoc.docscrape_sphinx import SphinxDocString

import sk_rnn

HERE = Path(__file__).parent

project = "sk_rnn"
author = copyright = "The sk_rnn developers"
release = version = sk_rnn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # formulas without a network
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
default_role = "py:obj"
python_maximum_signature_line_length = 80

# The site is built without a network, and then has no links to other projects:
# SK_RNN_DOC_LINKS=1 makes them.
LINKED = {
    "sklearn": "https://scikit-learn.org/stable/",
    "numpy": "https://numpy.org/doc/stable/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "pandas": "https://pandas.pydata.org/docs/",
    "matplotlib": "https://matplotlib.org/stable/",
}
if os.environ.get("SK_RNN_DOC_LINKS"):
    intersphinx_mapping = {name: (address, None) for name, address in LINKED.items()}

# ------------------------------------------------------------------------- the theme
html_theme = "pydata_sphinx_theme"
html_title = "sk_rnn"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_theme_options = {
    "logo": {"text": "sk_rnn"},
    "header_links_before_dropdown": 5,
    "secondary_sidebar_items": ["page-toc", "sg_download_links"],
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
}
ALONE = ("index", "getting_started", "extending", "benchmarks", "changelog")
html_sidebars = {page: [] for page in (*ALONE, "contributing", "security")}
# Where the site has an address: "switcher": {"json_url": ADDRESS + "/switcher.json",
# "version_match": release}, and "version-switcher" in "navbar_end".

# Prompts and printed output are not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# ----------------------------------------------------------------- pages of the API
autosummary_generate = True
# scikit-learn documents its own methods, in terms that are not defined here.
THEIRS = (
    *("get_metadata_routing", "set_fit_request", "set_predict_request"),
    "set_partial_fit_request",
    *("set_predict_ahead_request", "set_score_request", "set_forecast_request"),
    *("get_params", "set_params", "set_callbacks", "set_split_request"),
    *("add_note", "with_traceback"),  # of Python's exceptions
)
autodoc_default_options = {
    "members": True,
    "inherited-members": True,
    "exclude-members": ",".join(THEIRS),
}
autodoc_typehints = "none"  # docstrings say more
numpydoc_show_class_members = False

# numpydoc puts the docstring of a property in the place of what the section
# "Attributes" of its class says, and ours say more: layouts and orders of the weights.
_param_list = SphinxDocString._str_param_list
SphinxDocString._str_param_list = lambda self, name, **_: _param_list(self, name)

# ----------------------------------------------------------------------- the gallery
# Examples save their pictures where they are run. That is a copy.
EXAMPLES = HERE / "_build" / "examples"
shutil.rmtree(EXAMPLES, ignore_errors=True)
shutil.copytree(HERE.parent / "examples", EXAMPLES, dirs_exist_ok=True)
FILTERS = list(warnings.filters)


def warnings_as_errors(gallery_conf, file, when):
    """While an example runs, a warning is a failure."""
    warnings.filters[:] = FILTERS
    if when == "before":
        warnings.simplefilter("error")


suppress_warnings = ["config.cache"]  # it holds this function
# examples/hosts has no README.rst, and is left out: it needs another environment.
SECTIONS = (
    *("basics", "cross_validation", "forecasting", "identification", "long_memory"),
    *("inspection", "export", "from_papers"),
)
sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES),
    "subsection_order": [f"_build/examples/{name}" for name in SECTIONS],
    "gallery_dirs": "gallery",
    "reset_modules": ("matplotlib", warnings_as_errors),
    "reset_modules_order": "both",
    "parallel": 2,  # as workers of joblib
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "write_computation_times": False,  # a page that needs a network
}
