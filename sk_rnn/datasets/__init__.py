"""Small data sets and standard tasks, for examples, tests and benchmarks."""

from ._air_passengers import load_air_passengers
from ._sunspots import load_sunspots
from ._tasks import (
    make_adding_problem,
    make_copy_memory,
    make_lorenz,
    make_mackey_glass,
    make_narma,
)

__all__ = [
    "load_air_passengers",
    "load_sunspots",
    "make_adding_problem",
    "make_copy_memory",
    "make_lorenz",
    "make_mackey_glass",
    "make_narma",
]
