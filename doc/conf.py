"""Sphinx configuration."""

from pathlib import Path

import sk_rnn

project = "sk_rnn"
author = copyright = "The sk_rnn developers"
release = version = sk_rnn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
]
exclude_patterns = ["_build"]
html_theme = "alabaster"
autosummary_generate = True
# scikit-learn documents its own methods, in terms that are not defined here.
THEIRS = (
    *("get_metadata_routing", "set_fit_request", "set_predict_request"),
    "set_partial_fit_request",
    *("set_predict_ahead_request", "set_score_request", "set_forecast_request"),
    *("get_params", "set_params", "set_callbacks", "set_split_request"),
)
autodoc_default_options = {
    "members": True,
    "inherited-members": True,
    "exclude-members": ",".join(THEIRS),
}
autodoc_typehints = "none"  # docstrings say more
numpydoc_show_class_members = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_working_directory = str(Path(__file__).parent / "_build")  # examples save there
Path(plot_working_directory).mkdir(exist_ok=True)
default_role = "py:obj"
