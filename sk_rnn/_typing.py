"""Types that many signatures share."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

#: Numbers of Python and of NumPy.
Int: TypeAlias = int | np.integer
Float: TypeAlias = float | np.integer | np.floating

#: One for all, or one for each.
Ints: TypeAlias = Int | Sequence[int] | Sequence[np.integer] | np.ndarray

#: Columns of a table, by name or by position.
Columns: TypeAlias = str | Ints | Sequence[str]

#: What draws random numbers.
Seed: TypeAlias = Int | np.random.RandomState | None

#: A parameter that the data chooses, unless it is given.
Auto: TypeAlias = Literal["auto"]

#: An array; and where the arguments ask for it a list of arrays, or a frame.
Found: TypeAlias = np.ndarray | Any

#: Parameters by name, and their shapes.
Arrays: TypeAlias = Mapping[str, np.ndarray]
Shapes: TypeAlias = Mapping[str, tuple[int, ...]]

#: A flag that is set, and so decides what is returned.
Yes: TypeAlias = Literal[True]

__all__ = [
    "ArrayLike",
    "Arrays",
    "Auto",
    "Columns",
    "Float",
    "Found",
    "Int",
    "Ints",
    "Seed",
    "Shapes",
    "Yes",
]
