"""Cells: one step of a recurrent network and its derivative, a file each."""

from ._base import Cell
from ._elman import ElmanCell, IntegratorCell, ResidualCell
from ._gru import GRUCell
from ._lstm import LSTMCell

#: Cells by name; every test of the cells runs over this registry.
CELLS = {
    "simple": ElmanCell,
    "integrator": IntegratorCell,
    "residual": ResidualCell,
    "gru": GRUCell,
    "lstm": LSTMCell,
}

__all__ = ["CELLS", "Cell"]
