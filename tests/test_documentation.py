"""Docstrings, as help(), a web page and the picture of an estimator in a notebook."""

import ast
import inspect
import re
from doctest import DocTestParser
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

import numpy as np
import pytest
import sklearn
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate
from sklearn.utils.fixes import parse_version

import sk_rnn
from sk_rnn.export import NotExportableError
from sk_rnn.solvers import SOLVERS

SVG = "{http://www.w3.org/2000/svg}"
ESTIMATORS = [
    getattr(sk_rnn, name) for name in sk_rnn.__all__ if name.endswith("Regressor")
]
API = Path(__file__).parents[1] / "doc" / "api.rst"

#: What users import from. `__all__` of all but the first stands in doc/api.rst with the
#: name of its module before it.
MODULES = ("datasets", "export", "inspection", "metrics")
MODULES += ("model_selection", "preprocessing")
PUBLIC = {"": sk_rnn} | {
    f"{name}.": import_module(f"sk_rnn.{name}") for name in MODULES
}
OBJECTS = {
    f"sk_rnn.{prefix}{name}": getattr(module, name)
    for prefix, module in PUBLIC.items()
    for name in module.__all__
    if inspect.isclass(getattr(module, name))
    or inspect.isroutine(getattr(module, name))
}

#: numpydoc's checks that scikit-learn leaves out, too, for the same reasons.
NOT_CHECKED = {
    "GL01",  # Summaries begin on the line of the quotes, as PEP 257 has them.
    "GL02",  # Quotes follow the text of a docstring of one line.
    "RT02",  # What is returned has a name, which others refer to.
}
#: Extended summary, See Also and Examples of a method are those of its class.
OF_THE_CLASS = {"ES01", "SA01", "EX01"}


def own_members(cls):
    """Names of the public methods and properties that are not scikit-learn's."""
    for name in dir(cls):
        member = getattr(cls, name)
        member = getattr(member, "fget", member)
        module = getattr(member, "__module__", None) or ""
        if name[0] != "_" and inspect.isroutine(member) and module[:6] == "sk_rnn":
            yield name


METHODS = {
    f"{path}.{name}": getattr(cls, name)
    for path, cls in OBJECTS.items()
    if inspect.isclass(cls)
    for name in own_members(cls)
}
DOCUMENTED = OBJECTS | METHODS


def docstring(path):
    return NumpyDocString(inspect.getdoc(DOCUMENTED[path]))


def parameters(path):
    thing = DOCUMENTED[path]
    has_none = isinstance(thing, property) or thing is NotExportableError
    return {} if has_none else inspect.signature(thing).parameters


def concerns(path, code):
    """Whether a check of numpydoc holds for such an object."""
    if code in NOT_CHECKED or (code in OF_THE_CLASS and path in METHODS):
        return False
    # Keyword-only parameters have no order: docstrings begin with what is special.
    if code == "PR03" and path in OBJECTS:
        return any(p.kind is not p.KEYWORD_ONLY for p in parameters(path).values())
    # Results are made by functions, and have attributes in place of parameters.
    return not (code == "PR01" and is_result(path))


def is_result(path):
    is_made_here = inspect.isclass(OBJECTS.get(path)) and parameters(path)
    return is_made_here and not docstring(path)["Parameters"]


@pytest.mark.parametrize("path", DOCUMENTED)
def test_numpydoc_validates(path):
    errors = validate(path)["errors"]
    assert [f"{code}: {text}" for code, text in errors if concerns(path, code)] == []


SECTIONS = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns")


@pytest.mark.parametrize("path", DOCUMENTED)
def test_every_entry_is_described(path):
    sections = docstring(path)
    for section in SECTIONS:
        for name, kind, description in sections[section]:
            assert kind, (section, name)
            assert description, (section, name)
    if path in OBJECTS:
        examples = DocTestParser().get_examples(inspect.getdoc(OBJECTS[path]))
        assert any(example.want for example in examples)


@pytest.mark.parametrize("path", DOCUMENTED)
def test_defaults_are_told(path):
    told = {
        name.lstrip("*"): kind
        for names, kind, _ in docstring(path)["Parameters"]
        for name in names.split(", ")
    }
    for name, parameter in parameters(path).items():
        if name not in told or OBJECTS.get(path) in ESTIMATORS:  # see below
            continue
        _, is_optional, default = told[name].partition("default=")
        value = parameter.default
        assert bool(is_optional) == (value is not inspect.Parameter.empty), name
        if is_optional:
            name_of_value = getattr(value, "__name__", None)
            assert default == name_of_value or eval(default, {}) == value, name


@pytest.mark.parametrize("path", DOCUMENTED)
def test_what_is_raised_is_told(path):
    thing = DOCUMENTED[path]
    if not inspect.isclass(thing) and not isinstance(thing, property):
        tree = ast.parse(dedent(inspect.getsource(thing)))
        raises = any(isinstance(node, ast.Raise) for node in ast.walk(tree))
        assert docstring(path)["Raises"] or not raises


@pytest.mark.parametrize("path", [*filter(is_result, OBJECTS)])
def test_results_describe_their_attributes(path):
    told = ", ".join(entry.name for entry in docstring(path)["Attributes"]).split(", ")
    assert sorted(told) == sorted(name for name in parameters(path) if name[0] != "_")


def test_the_pages_are_those_of_all_public_names():
    found = re.findall(r"^   (?=\w)(\S+)$|^\.\. data:: (\S+)$", API.read_text(), re.M)
    listed = sorted("".join(names) for names in found)
    names = [p + name for p, module in PUBLIC.items() for name in module.__all__]
    assert listed == sorted(name for name in names if name != "__version__")


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


DRAWINGS = sorted({*DOC.glob("_static/*.svg")} - {DOC / "_static" / "favicon.svg"})


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda p: p.name)
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


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_attribute_of_a_fit_is_documented(cls):
    X = np.random.default_rng(0).standard_normal((60, 4))
    model = cls()
    if "max_iter" in model.get_params():
        model.set_params(max_iter=2, hidden_layer_sizes=2)
    model.fit(X, X[:, 0])
    sections = NumpyDocString(inspect.getdoc(cls))
    told = ", ".join(entry.name for entry in sections["Attributes"]).split(", ")
    found = [name for name in dir(model) if name[0] != "_" and name[-1] == "_"]
    assert sorted({*told} - {"feature_names_in_"}) == sorted(found)
    assert "feature_names_in_" in told


#: Parameters of the training, with another value that shows in the weights, if the
#: solver heeds it at all.
OTHER = {
    "batch_size": 5,
    "learning_rate_init": 0.01,
    "learning_rate": "cooldown",
    "max_grad_norm": 1e-3,
    "shuffle": False,
    "alpha": 3.0,
    "max_iter": 3,
    "random_state": 1,
}


@pytest.mark.parametrize("name", OTHER)
def test_parameters_of_some_solvers_name_them(name):
    X = np.random.default_rng(0).standard_normal((30, 4))

    def weights(solver, **other):
        given = {"hidden_layer_sizes": 2, "max_iter": 6, "random_state": 0, "alpha": 1}
        model = sk_rnn.RNNRegressor(solver=solver, **given | other)
        return model.fit(X, X[:, 0]).coefs_[0]

    heeding = [
        solver
        for solver in SOLVERS
        if not np.array_equal(weights(solver), weights(solver, **{name: OTHER[name]}))
    ]
    assert heeding
    entries = NumpyDocString(inspect.getdoc(sk_rnn.RNNRegressor))["Parameters"]
    (text,) = (" ".join(desc) for entry, _, desc in entries if entry == name)
    for solver in heeding if len(heeding) < len(SOLVERS) else ():
        assert f'"{solver}"' in text


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
