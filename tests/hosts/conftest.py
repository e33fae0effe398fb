"""A table at the end: which library, in which version, and what was checked with it."""

import ast
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Names of distributions that are not those of the modules.
DISTRIBUTIONS = {"dask": "distributed"}


def pytest_terminal_summary(terminalreporter):
    counts = {}
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.getreports(outcome):
            folder, _, name = report.nodeid.partition("::")[0].rpartition("/")
            if folder == "tests/hosts":
                module = counts.setdefault(name.removesuffix(".py"), {})
                module[outcome] = module.get(outcome, 0) + 1
    terminalreporter.section("other libraries")
    for name, found in sorted(counts.items()):
        library = name.removeprefix("test_")
        told = ", ".join(f"{count} {outcome}" for outcome, count in found.items())
        terminalreporter.line(
            f"{library:<12}{_version(library):<12}{told:<24}{_what(name, found)}"
        )


def _version(library):
    try:
        return version(DISTRIBUTIONS.get(library, library))
    except PackageNotFoundError:
        return "-"


def _what(name, found):
    """The first line of a module that was run."""
    if "passed" not in found:
        return ""
    source = Path(__file__).with_name(f"{name}.py").read_text()
    return ast.get_docstring(ast.parse(source)).partition("\n")[0]
