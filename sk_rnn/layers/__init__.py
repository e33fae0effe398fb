"""Layers: packed rows in, packed rows out, and the exact gradient back."""

from ._activations import ACTIVATIONS
from ._base import Chain, Layer
from ._delay import Delay
from ._dense import Dense, Dropout
from ._elman import ElmanCell, IntegratorCell, ResidualCell
from ._feedback import BOUND, Feedback
from ._gru import GRUCell
from ._lstm import LSTMCell
from ._recurrent import Recurrent
from ._threads import one_thread

#: Cells by name; every test of the cells runs over this registry.
CELLS = {
    "simple": ElmanCell,
    "integrator": IntegratorCell,
    "residual": ResidualCell,
    "gru": GRUCell,
    "lstm": LSTMCell,
}

__all__ = [
    "ACTIVATIONS",
    "BOUND",
    "CELLS",
    "Chain",
    "Delay",
    "Dense",
    "Dropout",
    "ElmanCell",
    "Feedback",
    "GRUCell",
    "IntegratorCell",
    "LSTMCell",
    "Layer",
    "Recurrent",
    "ResidualCell",
    "one_thread",
]
