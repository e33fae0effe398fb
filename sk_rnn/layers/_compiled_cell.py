"""The functions of a cell as compiled loops, from the same definition as NumPy's."""

from functools import lru_cache

import numpy as np

from ..numerics._program import Stages, can_compile
from ..numerics._trace import Tape
from .cells._base import Blocks, stages


def compiled_cell(layout, dtype):
    """The compiled functions of a cell, or None where NumPy is to run them.

    That is where there is no compiler, and for cells that do something else than
    element-wise operations on their blocks.

    Parameters
    ----------
    layout : Layout
    dtype : dtype
    """
    dtype = np.dtype(dtype)
    return _compiled_cell(layout, dtype) if can_compile(dtype) else None


@lru_cache(maxsize=64)
def _compiled_cell(layout, dtype):
    try:
        recorded, again = (record(layout, dtype) for _ in range(2))
        if recorded != again:  # by chance, or as it counts: that is no program
            return None
        return CompiledCell(layout, dtype, recorded)
    except MemoryError:
        raise
    except Exception:  # where the cell is at fault, NumPy will say so
        return None


def record(layout, dtype):
    """The stages of a step in training, of its way back, and of a step in inference.

    In training, the local derivatives are part of the last stage.
    """
    cell, tape = layout.cell, Tape(dtype)
    apart = *cell.products.values(), *cell.vectors
    others = {name: tape.symbol(f"b.{name}") for name in apart}
    b, d = (
        Blocks(tape.stretch([f"{prefix}.{name}" for name in names]), names, more)
        for prefix, names, more in (
            ("b", layout.values, others),
            ("d", layout.derivatives, ()),
        )
    )
    h_prev, h, dh = (tape.symbol(name) for name in ("h_prev", "h", "dh"))
    c = dc_next = None
    if cell.n_states > 1:
        c, dc_next = tape.symbol("c"), tape.symbol("dc_next")
    *before, last = stages(cell, cell.forward(b, h_prev, h, c))
    derive = cell.derive(b, h_prev, h, d)
    back = stages(cell, cell.backward(d, dh, dc_next, tape.symbol("dc")))
    early = [tape.record(function) for function in before]
    training = [*early, tape.record(last, derive)]
    inference = [*early, tape.record(last)]
    return training, [tape.record(function) for function in back], inference


class CompiledCell:
    """Makes operations of programs where a cell makes functions without arguments."""

    def __init__(self, layout, dtype, recorded):
        training, back, inference = recorded
        operands = {f"b.{name}" for name in layout.cell.products.values()}
        derivatives = {f"d.{name}" for name in layout.derivatives}
        states = operands | {"h", "c"}
        self._training = Stages(dtype, training, states | derivatives)
        self._back = Stages(dtype, back, derivatives)
        self._inference = Stages(dtype, inference, states)

    def forward(self, b, h_prev, h, c, d=None):
        """As `Cell.forward`, and with d as `Cell.derive` behind it, of one step."""
        places = {"b": b, "h_prev": h_prev, "h": h, "c": c, "d": d}
        code = self._inference if d is None else self._training
        return tuple(code.operations(lambda name: _block(places, name)))

    def backward(self, d, dh, dc_next, dc):
        """As `Cell.backward`."""
        places = {"d": d, "dh": dh, "dc_next": dc_next, "dc": dc}
        return tuple(self._back.operations(lambda name: _block(places, name)))


def _block(places, name):
    place, _, block = name.partition(".")
    return getattr(places[place], block) if block else places[place]
