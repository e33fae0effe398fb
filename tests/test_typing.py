"""Whatever is public says its types; tests/typing_cases.py says what they are worth."""

import ast
import inspect
from dataclasses import fields
from importlib import import_module, resources
from pathlib import Path

import pytest

import sk_rnn
from sk_rnn.estimators import _network
from sk_rnn.layers import Cell, Layer
from sk_rnn.layers.cells._base import Blocks
from sk_rnn.solvers import Monitor, Solver
from sk_rnn.training._losses import Loss

PACKAGES = (
    "sk_rnn",
    *(f"sk_rnn.{name}" for name in ("datasets", "estimators", "export", "inspection")),
    *(f"sk_rnn.{name}" for name in ("metrics", "model_selection", "preprocessing")),
)
PUBLIC = {
    f"{package}.{name}": getattr(module, name)
    for package in PACKAGES
    for module in [import_module(package)]
    for name in module.__all__
}
#: Those that doc/extending.rst shows.
CONTRACTS = {
    kind.__name__: kind for kind in (Blocks, Cell, Layer, Loss, Monitor, Solver)
}


def functions_of(thing):
    """A function, or those of ours that users of a class call, by name."""
    if inspect.isfunction(thing):
        return {"": thing}
    if not inspect.isclass(thing):
        return {}
    found = {"": thing.__init__}
    for name in dir(thing):
        member = inspect.getattr_static(thing, name)
        if isinstance(member, property):
            member = member.fget
        elif not inspect.isfunction(member):
            member = getattr(thing, name)
        if not name.startswith("_") and inspect.isroutine(member):
            found[name] = inspect.unwrap(member)
    return {
        name: member
        for name, member in found.items()
        if getattr(member, "__module__", None) and "sk_rnn" in member.__module__
    }


#: What takes no annotation.
SELF = ("self", "cls")


@pytest.mark.parametrize("name", [*PUBLIC, *CONTRACTS])
def test_public_functions_are_annotated(name):
    for member, function in functions_of((PUBLIC | CONTRACTS)[name]).items():
        signature, empty = inspect.signature(function), inspect.Parameter.empty
        bare = [
            parameter.name
            for k, parameter in enumerate(signature.parameters.values())
            if parameter.annotation is empty and (k or parameter.name not in SELF)
        ]
        made = function.__qualname__.endswith("__init__")
        assert not bare, f"{name}.{member}: {bare}"
        assert made or signature.return_annotation is not empty, f"{name}.{member}"


def test_methods_are_found():
    """The test above would pass over what it does not find."""
    assert {"fit", "predict", "score", "forecast", "warm_up", "weights_"} < set(
        functions_of(sk_rnn.GRURegressor)
    )
    assert "from_estimator" in functions_of(sk_rnn.inspection.AttributionDisplay)


def test_type_checkers_know_the_hyper_parameters_of_losses_and_solvers():
    """They cannot see what is collected from the registries, and are told besides."""
    tree = ast.parse(Path(_network.__file__).read_text(encoding="utf-8"))
    (shown,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name == "OfLossesAndSolvers"
    )
    told = {
        line.target.id: ast.literal_eval(line.value)
        for line in shown.body
        if isinstance(line, ast.AnnAssign) and line.value is not None
    }
    known = {field.name: field.default for field in fields(_network.OfLossesAndSolvers)}
    assert told == known


def test_type_checkers_are_told_of_the_types():
    assert resources.files("sk_rnn").joinpath("py.typed").is_file()
