"""Memory of a free run: a closed loop over packed steps."""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..numerics._workspace import PassMemory
from ._loop_program import loop_program


class LoopStep(NamedTuple):
    """Views of what one step reads and writes."""

    rows: slice
    line: np.ndarray
    fed_back: np.ndarray  # the line times its weights
    layers: list  # outputs of the hidden layers
    output: np.ndarray
    newest: np.ndarray  # place of y_t
    deltas: list  # slopes, then dL/dz, of the hidden layers
    d_newest: np.ndarray
    back: np.ndarray
    d_line: np.ndarray


class FreeRun(PassMemory):
    """Memory of a free run over packed steps, and views of its every step.

    Outputs lie the newest first in `past`, of shape (n_sequences, (n_steps + n_lags) *
    n_out), so that the line of a step, ``[y_{t-1}, ..., y_{t-K}]``, is a view right
    behind the place of y_t. `d_past` holds dL/dy in the same order.

    Parameters
    ----------
    widths : list of int
        Units of the hidden layers, and outputs.
    n_lags : int
    steps : Steps
    dtype : dtype
    activations : list of Activation
        Those of the hidden layers.
    """

    def __init__(self, widths, n_lags, steps, dtype, activations):
        *self.widths, self.n_out = widths
        self.n_line, self.structure = n_lags * self.n_out, steps
        n, n_steps = steps.n_sequences, steps.n_steps
        # The first layer comes from outside; it is the output where none is hidden.
        hidden = self.widths or [self.n_out]
        self.layers = [np.empty((steps.n_rows, width), dtype) for width in hidden]
        self.deltas = [np.empty_like(a) for a in self.layers]
        self.past = np.empty((n, n_steps * self.n_out + self.n_line), dtype)
        self.d_past = np.empty_like(self.past)
        self.fed_back = np.empty((n, hidden[0]), dtype)
        self.output = np.empty((n, self.n_out), dtype)
        self.back = np.empty((n, self.n_line), dtype)
        column = (n_steps - 1 - steps.step) * self.n_out
        self.places = steps.sequence[:, None], column[:, None] + np.arange(self.n_out)
        self.program = loop_program(self, activations)

    @cached_property
    def steps(self):
        """All steps."""
        return [self.step(t) for t in range(self.structure.n_steps)]

    def step(self, t):
        """Views of one step."""
        n, rows = int(self.structure.sizes[t]), self.structure.slices[t]
        first = (self.structure.n_steps - t) * self.n_out
        newest = slice(first - self.n_out, first)
        line = slice(first, first + self.n_line)
        return LoopStep(
            rows,
            self.past[:n, line],
            self.fed_back[:n],
            [a[rows] for a in self.layers],
            self.output[:n],
            self.past[:n, newest],
            [d[rows] for d in self.deltas],
            self.d_past[:n, newest],
            self.back[:n],
            self.d_past[:n, line],
        )

    def load(self, line):
        """Write the outputs before the first step, the newest first."""
        self.past[:, self.past.shape[1] - self.n_line :] = line

    def lines(self, step, sequence):
        """The lines before some steps of some sequences, (n, n_line)."""
        if not self.n_line:
            return np.empty((len(step), 0), self.past.dtype)
        windows = sliding_window_view(self.past, self.n_line, axis=1)
        return windows[:, :: self.n_out][sequence, self.structure.n_steps - step]
