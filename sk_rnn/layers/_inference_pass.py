"""The inference pass of a recurrent layer, with memory for a single step."""

import numpy as np

from ..numerics._products import SMALL, gemm
from ._kernels import step_parts
from .cells._base import Blocks

#: To make the memory of a step takes longer than a step of few sequences: of up to so
#: many it is kept for the next pass.
FEW = 8


class InferencePass:
    """Runs over packed rows, whose results nobody will differentiate.

    Parameters
    ----------
    layout : Layout
        Of the cell and its parameters.
    p : dict of str to ndarray
        The parameters.
    """

    def __init__(self, layout, p):
        self.layout, self.p = layout, p
        self.dtype = p["weight_input"].dtype
        self.kernels = layout.allocate(self.dtype)
        layout.fill(p, self.kernels)
        self.idle = {}

    def forward(self, x, steps, wanted, state):
        """Return the rows that are wanted, and the state after each sequence.

        Parameters
        ----------
        x : ndarray of shape (steps.n_rows, n_in)
        steps, wanted : Steps
            Structure of x, and of the rows that are wanted.
        state : sequence of ndarray of shape (n_sequences, n_units)
        """
        n_units = self.layout.n_units
        y = np.empty((wanted.n_rows, n_units), self.dtype)
        final = tuple(np.array(part, self.dtype) for part in state)
        emissions = None if wanted is steps else steps.emissions(wanted)
        for first, stop in steps.spans:
            n = int(steps.sizes[first])
            walk = self._begin(n, final)
            rows = slice(int(steps.offsets[first]), int(steps.offsets[stop]))
            inputs = x[rows].reshape(stop - first, n, -1).transpose(0, 2, 1)
            if emissions is None:
                outputs = y[rows].reshape(stop - first, n, -1).transpose(0, 2, 1)
                for y_t, h in zip(outputs, walk.steps(inputs), strict=True):
                    y_t[...] = h
            else:
                for t, h in enumerate(walk.steps(inputs), start=first):
                    if t in emissions:
                        low, targets = emissions[t]
                        y[targets] = h[:, low:].T
            for target, source in zip(final, walk.states, strict=True):
                target[:n] = source.T  # of those that go on, until they end
            self._end(n, walk)
        return y, final

    def _begin(self, n, states):
        """A walk of n sequences, in memory that no other thread has."""
        walk = self.idle.pop(n, None) or _Walk(self, n)
        for own, given in zip(walk.states, states, strict=True):
            own[...] = given[:n].T
        return walk

    def _end(self, n, walk):
        """Keep the memory of a walk where it is worth it."""
        if n <= FEW and n * self.kernels.gates.size <= SMALL:
            self.idle[n] = walk


class _Walk:
    """Steps of a fixed number of sequences, each in the memory of the one before.

    Parameters
    ----------
    parent : InferencePass
    n : int
        Number of sequences.

    Attributes
    ----------
    states : list of ndarray of shape (n_units, n)
        h, and c where the cell has one, of the last step.
    """

    def __init__(self, parent, n):
        layout, kernels = parent.layout, parent.kernels
        cell, n_units, dtype = layout.cell, layout.n_units, parent.dtype
        self.dtype, self.x_kernel = dtype, kernels.inputs
        self.s = np.empty((layout.height, n), dtype)  # [h; x; 1]
        self.s[-1] = 1
        values = np.empty((len(layout.values), n_units * n), dtype)
        others = {
            operand: np.empty(n_units * n, dtype) for operand in cell.products.values()
        } | {name: np.repeat(parent.p[name], n) for name in cell.vectors}
        b = Blocks(values, layout.values, others)
        self.h = self.s[:n_units]
        self.states = [self.h] if cell.n_states == 1 else [self.h, b.c.reshape(-1, n)]
        self.x_alone = values.reshape(-1, n)[layout.see_h : layout.n_rows]
        flat = self.h.reshape(-1)
        functions = cell.forward(b, flat, flat, b.c if cell.n_states > 1 else None)
        self.parts = step_parts(layout, kernels, self.s, values, b, functions)

    def steps(self, inputs):
        """Advance by inputs (n_steps, n_in, n); yield every h (n_units, n).

        The memory of h is that of the next one: what is to stay must be copied.
        """
        product, h, parts = gemm(self.dtype), self.h, self.parts
        seen = self.s[len(h) :]
        place, apart = seen[:-1], len(self.x_kernel) > 0
        for x in inputs:
            place[...] = x
            if apart:
                np.matmul(self.x_kernel, seen, out=self.x_alone)
            for calls, function in parts:
                for call in calls:
                    product(*call)
                function()
            yield h
