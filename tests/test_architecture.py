"""Imports point down, and siblings do not know each other."""

import ast
import inspect
from pathlib import Path

import pytest

import sk_rnn
from sk_rnn.layers import CELLS

ROOT = Path(sk_rnn.__file__).parent

#: From the ground up. A folder may import those in the lines below its own.
FLOORS = [
    {"_typing"},
    {"_compat", "_packages", "_version", "_warnings", "numerics"},
    {"_show_versions", "data", "datasets", "layers", "solvers"},
    {"training"},
    {"estimators"},
    {"__init__"},
    {"export", "inspection", "metrics", "model_selection", "preprocessing"},
]
FLOOR_OF = {part: k for k, parts in enumerate(FLOORS) for part in parts}

#: What these may import of the package at the most, besides their own.
ONLY = {
    "numerics": set(),
    "data": {"_compat", "_warnings", "numerics"},
    "datasets": {"_compat", "_typing"},
    "export": {"_packages", "_compat", "_typing", "data", "estimators", "layers"},
    "layers": {"_typing", "numerics"},
    "metrics": {"_compat", "data", "estimators"},
    "preprocessing": {"_compat", "_typing", "data"},
    "solvers": {"_compat", "_typing", "_warnings"},
    "training": {"_compat", "_typing", "data", "layers", "numerics"},
}

FILES = sorted(ROOT.rglob("*.py"))


def modules_imported(path):
    """Absolute names of all modules that a file imports, wherever it does so."""
    package = ("sk_rnn", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) + 1 - node.level] if node.level else ()
            module = [*parents, *([node.module] if node.module else [])]
            # "from . import x" may import the module x.
            names = [alias.name for alias in node.names] if not node.module else [""]
            yield from (".".join([*module, name]).rstrip(".") for name in names)


def part_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    part = part_of(path)
    assert part in FLOOR_OF, f"give {part} a place in FLOORS"
    parts = {
        name.split(".")[1] if "." in name else "__init__"
        for name in modules_imported(path)
        if name.split(".")[0] == "sk_rnn"
    } - {part}
    upwards = {other for other in parts if FLOOR_OF[other] >= FLOOR_OF[part]}
    assert not upwards, f"{part} imports {upwards}"
    assert parts <= ONLY.get(part, parts)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_knows_neither_time_nor_parameters(name):
    path = Path(inspect.getsourcefile(CELLS[name]))
    cell = {"sk_rnn.layers.cells._base", "sk_rnn.numerics._activations"}
    assert set(modules_imported(path)) <= cell | {"numpy"}


def test_solvers_know_the_numbers_alone():
    outside = {
        name.split(".")[0]
        for path in FILES
        if part_of(path) == "solvers"
        for name in modules_imported(path)
    }
    standard = {"collections", "dataclasses", "math", "numbers", "time", "typing"}
    assert outside <= {"sk_rnn", "numpy", "scipy", "sklearn"} | standard


def test_what_is_private_to_scikit_learn_is_met_in_one_place():
    for path in FILES:
        private = {
            name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and not node.level
            if (node.module or "").partition(".")[0] == "sklearn"
            for name in (*node.module.split("."), *(a.name for a in node.names))
            if name.startswith("_") or name == "callback"
        }
        assert not private or path.name == "_compat.py", (path, private)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_runs_code_of_others_or_opens_a_connection(path):
    """What SECURITY.md promises."""
    unsafe = {"pickle", "marshal", "shelve", "subprocess", "socket", "ssl"}
    unsafe |= {"urllib", "http", "ftplib", "requests", "asyncio"}
    assert not unsafe & {name.split(".")[0] for name in modules_imported(path)}
    calls = (
        n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if type(n) is ast.Call
    )
    assert not {"eval", "exec", "compile", "__import__"} & {
        call.func.id for call in calls if isinstance(call.func, ast.Name)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            documented = ast.get_docstring(node) is not None
            first = node.body[documented].lineno if node.body[documented:] else 0
            length = node.end_lineno - (first or node.end_lineno)
            assert length < 60, f"{node.name} has {length} lines"
