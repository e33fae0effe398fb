"""Layers: packed rows in, packed rows out, and the exact gradient back."""

from ..numerics._activations import ACTIVATIONS
from ..numerics._threads import one_thread
from ._base import Chain, Forward, Layer
from ._delay import Delay, taps_of
from ._dense import Dense, Dropout
from ._difference import Difference
from ._feedback import BOUND, Feedback
from ._mean import Mean
from ._recurrent import Recurrent
from ._skip import Beside, Newest, Skip, flattened
from .cells import CELLS, Cell

__all__ = [
    "ACTIVATIONS",
    "BOUND",
    "Beside",
    "CELLS",
    "Cell",
    "Chain",
    "Delay",
    "Dense",
    "Difference",
    "Dropout",
    "Feedback",
    "Forward",
    "Layer",
    "Mean",
    "Newest",
    "Recurrent",
    "Skip",
    "flattened",
    "one_thread",
    "taps_of",
]
