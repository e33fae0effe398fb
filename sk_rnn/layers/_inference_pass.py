"""The inference pass of a recurrent layer, with memory for a single step."""

from functools import cache
from threading import Lock

import numpy as np

from ..numerics._memory import aligned
from ..numerics._products import FEW_COLUMNS, products
from ..numerics._program import Calls, Program, address, transposition
from ._compiled_cell import compiled_cell
from ._kernels import step_actions
from .cells._base import Blocks, stages

#: To make the memory of a step, and its program, takes as long as several steps: of up
#: to so many numbers (2 MB) that of the last few passes is kept for the next one.
KEPT_NUMBERS, KEPT_WALKS = 2**18, 8


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
        self.compiled = compiled_cell(layout, self.dtype)
        self._lock, self.idle, self._kernels = Lock(), [], {}

    def kernels(self, n):
        """Kernels for n sequences: few columns want another order of the weights."""
        order = 1 if n <= FEW_COLUMNS else None
        if order not in self._kernels:
            kernels = self.layout.allocate(self.dtype, order)
            self.layout.fill(self.p, kernels)
            self._kernels[order] = kernels
        return self._kernels[order]

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
            inputs = x[rows].reshape(stop - first, n, -1)
            if emissions is None:
                walk.advance(inputs, y[rows].reshape(stop - first, n, -1))
            else:
                done = first
                for t in (t for t in emissions if first <= t < stop):
                    walk.advance(inputs[done - first : t + 1 - first])
                    low, targets = emissions[t]
                    y[targets] = walk.h[:, low:].T
                    done = t + 1
                walk.advance(inputs[done - first :])
            for target, source in zip(final, walk.states, strict=True):
                target[:n] = source.T  # of those that go on, until they end
            self._end(walk)
        return y, final

    def _begin(self, n, states):
        """A walk of n sequences, in memory that no other thread has."""
        with self._lock:
            walk = next((walk for walk in self.idle if walk.n == n), None)
            if walk is not None:
                self.idle.remove(walk)
        walk = walk or _Walk(self, n)
        for own, given in zip(walk.states, states, strict=True):
            own[...] = given[:n].T
        return walk

    def _end(self, walk):
        """Keep the memory of a walk where it is worth it."""
        layout = self.layout
        height = layout.height + len(layout.values) * layout.n_units
        if walk.n * height <= KEPT_NUMBERS:
            with self._lock:
                self.idle.append(walk)
                del self.idle[:-KEPT_WALKS]


class _Walk:
    """Steps of a fixed number of sequences, each in the memory of the one before.

    Parameters
    ----------
    parent : InferencePass
    n : int
        Number of sequences.

    Attributes
    ----------
    h : ndarray of shape (n_units, n)
        Of the last step.
    states : list of ndarray of shape (n_units, n)
        h, and c where the cell has one.
    """

    def __init__(self, parent, n):
        layout, kernels = parent.layout, parent.kernels(n)
        cell, n_units, dtype = layout.cell, layout.n_units, parent.dtype
        self.n, self.dtype, compiled = n, dtype, parent.compiled
        size, names = n_units * n, layout.values
        s = aligned(layout.height * n, dtype).reshape(-1, n)  # [h; x; 1]
        s[-1] = 1
        values = aligned(len(names) * size, dtype).reshape(-1, size)
        others = {
            operand: aligned(size, dtype) for operand in cell.products.values()
        } | {name: np.repeat(parent.p[name], n) for name in cell.vectors}
        b = Blocks(values, names, others)
        self.h, self.x = s[:n_units], s[n_units:-1]
        self.states = [self.h] if cell.n_states == 1 else [self.h, b.c.reshape(-1, n)]
        flat = self.h.reshape(-1)
        given = b, flat, flat, b.c if cell.n_states > 1 else None
        if compiled:
            functions = compiled.forward(*given)
        else:
            functions = stages(cell, cell.forward(*given))
        x_alone = values.reshape(-1, n)[layout.see_h : layout.n_rows]
        actions = [
            *products(kernels.inputs, s[n_units:], x_alone),
            *step_actions(layout, kernels, s, values, b, functions),
        ]
        self.advance = (self._compile if compiled else self._call)(actions)

    def _call(self, actions):
        """Let Python take the steps."""
        run = Calls([actions], self.dtype).run

        def advance(inputs, outputs=None):
            """Go on by inputs (n_steps, n, n_in); write every h to outputs."""
            x, h = self.x.T, self.h.T
            for t, x_t in enumerate(inputs):
                x[...] = x_t
                run(0, 1)
                if outputs is not None:
                    outputs[t] = h

        return advance

    def _compile(self, actions):
        """Let compiled code take the steps, with what is read and written."""
        (n_in, n), n_units = self.x.shape, len(self.h)
        size = self.dtype.itemsize * n
        read, write = transposition(None, self.x), transposition(self.h, None)
        given = [(read, 0, size * n_in), (write, 1, size * n_units)]
        actions = [read, *actions] if n_in else actions

        @cache
        def program(tells):
            if tells:
                return Program([*actions, write], given=given)
            return Program(actions, given=given[:1])

        def advance(inputs, outputs=None):
            inputs = np.ascontiguousarray(inputs, self.dtype)
            places = [address(x) for x in (inputs, outputs) if x is not None]
            program(outputs is not None).run(0, len(inputs), *places)

        return advance
