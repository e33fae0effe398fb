"""Two lengths of the property tests, and how many cases were run."""

import pytest
from counting import COUNT
from hypothesis import HealthCheck, Phase, settings

#: No deadline: a machine that is shared may take a second for what takes milliseconds.
#: Failures are made small and told with a line that brings them back; to explain them
#: would take as long as to find them. A property may refuse many cases
#: (filter_too_much), and some take longer than others (too_slow).
EITHER = {
    "deadline": None,
    "phases": [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    "suppress_health_check": [
        HealthCheck.filter_too_much,
        HealthCheck.too_slow,
    ],
}
settings.register_profile(
    "short", derandomize=True, max_examples=20, database=None, **EITHER
)
settings.register_profile("long", max_examples=1200, print_blob=True, **EITHER)
settings.load_profile("short")  # --hypothesis-profile is heeded after this


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["cases"] = dict(COUNT)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_testnodedown(node):
    COUNT.update(getattr(node, "workeroutput", {}).get("cases", {}))


def pytest_terminal_summary(terminalreporter):
    if COUNT:
        terminalreporter.section("property tests")
        for name, n in sorted(COUNT.items()):
            terminalreporter.write_line(f"{n:7d} cases: {name.replace('_', ' ')}")
        terminalreporter.write_line(f"{COUNT.total():7d} cases in all")
