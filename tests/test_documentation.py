"""Docstrings, as help(), a web page and the picture of an estimator in a notebook."""

import ast
import inspect
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sklearn
from sklearn.utils.fixes import parse_version

import sk_rnn

SVG = "{http://www.w3.org/2000/svg}"
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


DOC = Path(__file__).parent.parent / "doc"


@pytest.mark.parametrize(
    "path", sorted(DOC.glob("_static/*.svg")), ids=lambda p: p.name
)
def test_drawings_are_told_in_words_and_have_the_colours_of_the_page(path):
    """A reader of the screen hears title and description; themes give the colours."""
    root = ElementTree.parse(path).getroot()
    title, described = (root.find(f"{SVG}{part}") for part in ("title", "desc"))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [title.get("id"), described.get("id")]
    assert title.text and described.text
    for part in root.iter():
        assert not {"fill", "stroke", "style", "color"} & set(part.keys()), part.attrib


def shared(classes):
    """The parameters that some classes have in common, each with its defaults."""
    defaults = [cls().get_params() for cls in classes]
    names = set.intersection(*map(set, defaults))
    return {name: [found[name] for found in defaults] for name in names}


def test_the_page_of_shared_parameters_has_each_with_its_default():
    page = DOC.joinpath("user_guide", "shared_parameters.rst").read_text("utf-8")
    entries = re.findall(
        r"^``(\w+)=(.+?)``(?: \((\w+): ``(.+)``\))?$", page, re.MULTILINE
    )
    networks = [cls for cls in ESTIMATORS if cls is not sk_rnn.AutoRegressor]
    recurrent = [sk_rnn.RNNRegressor, sk_rnn.GRURegressor, sk_rnn.LSTMRegressor]
    by_all, by_recurrent = shared(networks), shared(recurrent)
    assert sorted(name for name, *_ in entries) == sorted(by_all | by_recurrent)
    for name, default, exception, other in entries:
        classes = networks if name in by_all else recurrent
        told = [other if cls.__name__ == exception else default for cls in classes]
        known = by_all[name] if name in by_all else by_recurrent[name]
        assert list(map(ast.literal_eval, told)) == known, name


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
