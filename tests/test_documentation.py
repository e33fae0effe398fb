"""Docstrings, as help(), a web page and the picture of an estimator in a notebook."""

import ast
import inspect
import re

import pytest
import sklearn
from sklearn.utils.fixes import parse_version

import sk_rnn

ESTIMATORS = [
    getattr(sk_rnn, name) for name in sk_rnn.__all__ if name.endswith("Regressor")
]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_parameter_is_documented_with_its_default(cls):
    told = dict(re.findall(r"^(\w+) : (.*)$", inspect.getdoc(cls), re.MULTILINE))
    for name, value in cls().get_params().items():
        default = told[name].partition(", default=")[2]
        default, _, own = default.partition(" (")
        if own.startswith(f"{cls.__name__}: "):
            default = own.removesuffix(")").partition(": ")[2]
        assert ast.literal_eval(default) == value, name


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="descriptions of parameters came to scikit-learn's pictures with 1.8",
)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_picture_describes_every_parameter(cls, monkeypatch):
    """Where there is an address to link to; without one scikit-learn shows names."""
    names = sorted(cls().get_params())
    shown = re.findall(r'<td class="param">(\w+)</td>', cls()._repr_html_())
    assert sorted(shown) == names
    monkeypatch.setattr(cls, "_doc_link_module", "sk_rnn")
    address = "https://docs.invalid/{estimator_module}.{estimator_name}.html"
    monkeypatch.setattr(cls, "_doc_link_template", address)
    page = cls()._repr_html_()
    found = re.findall(r'param-doc-description"[^>]*>\s*(\w+): (.*?)<br><br>', page)
    assert sorted(name for name, _ in found) == names
    assert ("washout", "int, default=0") in found
    assert "steps of each sequence carry no loss and no score (burn-in)." in page
    link = f"https://docs.invalid/sk_rnn.estimators.{cls.__name__}.html#:~:text=washout"
    assert link in page
