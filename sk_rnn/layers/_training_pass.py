"""Memory of one training pass of a recurrent layer, and views of its every step.

The pass runs on a rectangle of steps and sequences; a sequence that ends early is
carried on with input zero, and no gradient comes from there. Views are made once and
serve every pass of up to so many steps over that many sequences.
"""

from typing import NamedTuple

import numpy as np

from ..numerics._memory import aligned, round_up
from ..numerics._products import outer_product, products, weights
from ..numerics._threads import worth

#: Bytes of forward records of the steps whose local derivatives are computed in one go,
#: while they are still in the processor's cache: about half a level-2 cache.
STRETCH_BYTES = 600_000


def blocks(n_steps, height, n, dtype):
    """A contiguous, aligned (height, n) block for every step."""
    size = height * n
    flat = aligned(n_steps * round_up(size, dtype), dtype).reshape(n_steps, -1)
    return flat[:, :size].reshape(n_steps, height, n)


class BackStep(NamedTuple):
    """What to do in one step of the backward pass."""

    operands: tuple  # of Cell.back
    products: list  # arguments of gemm
    add: tuple | None  # operands of an addition behind them


class Tape:
    """Buffers for a rectangle.

    Parameters
    ----------
    cell : Cell
    n_in, n_units : int
    n_steps : int
        Largest number of steps of a pass.
    n : int
        Number of sequences.
    dtype : dtype
    every : bool
        Whether gradients come from every step, or from the last alone.
    """

    def __init__(self, cell, n_in, n_units, n_steps, n, dtype, every):
        self.cell, self.n_units, self.n_steps, self.n = cell, n_units, n_steps, n
        self.dtype, self.every = np.dtype(dtype), every
        # Step t sees [h_{t-1}; x_t; 1] in block t, so h_t belongs into block t + 1.
        self.s = blocks(n_steps + 1, n_units + n_in + 1, n, dtype)
        self.s[...] = 1  # the row of ones stays; all else is overwritten
        self.x_part = blocks(n_steps, cell.n_input * n_units, n, dtype)
        # A block behind the last takes what would come from the step after it.
        self.local = blocks(n_steps + 1, cell.n_local, n_units * n, dtype)
        self.dh = blocks(n_steps if every else 2, n_units, n, dtype)
        self.dc = aligned(n_units * n, dtype)
        self._weights(n_units, n_in)
        self.n_threads = worth(self.kernel.size * n)
        n_record = max(cell.n_record, 1)
        size = n_record * n_units * n * self.dtype.itemsize
        self.stretch = min(max(STRETCH_BYTES // size, 1), n_steps)
        self.records = blocks(self.stretch + 1, n_record, n_units * n, dtype)
        self.steps = [self._step(t) for t in range(n_steps)]
        self.back = [self._back_step(t) for t in range(n_steps)]
        self._locals = {}

    def _weights(self, n_units, n_in):
        """Memory for the weights and their gradient; see `Recurrent.fill`."""
        cell, dtype, height = self.cell, self.dtype, n_units + n_in + 1
        see_h = (cell.n_full + cell.n_recurrent) * n_units
        self.kernel = weights(see_h, height, self.n, dtype)
        self.x_kernel = np.empty((cell.n_input * n_units, n_in + 1), dtype)
        self.back_kernel = weights(n_units, see_h, self.n, dtype)
        rows = see_h + cell.n_input * n_units
        self.d_kernel = aligned(rows * height, dtype).reshape(rows, height)

    # --------------------------------------------------------------- forward pass
    def _step(self, t):
        """Arguments of gemm and operands of Cell.step."""
        cell, n_units, k = self.cell, self.n_units, t % self.stretch
        n_gates = cell.n_full + cell.n_recurrent
        h_prev, h = (self.s[i, :n_units].reshape(-1) for i in (t, t + 1))
        z = self.records[k, :n_gates] if cell.n_record else h
        z = z.reshape(n_gates * n_units, self.n)
        c = None if cell.memory is None else self.records[k + 1, cell.memory]
        x_part = self.x_part[t].reshape(-1)
        operands = cell.operands(self.records[k], x_part, h_prev, h, c)
        return products(self.kernel, self.s[t], z), operands

    def stretches(self, n_steps):
        """Yield (first, stop) of stretches whose records are kept together."""
        for first in range(0, n_steps, self.stretch):
            if first and self.cell.memory is not None:
                self.records[0, self.cell.memory] = self.records[-1, self.cell.memory]
            yield first, min(first + self.stretch, n_steps)

    def local_operands(self, first, stop):
        """Operands of Cell.local for a stretch."""
        if (first, stop) not in self._locals:
            h = self.s[first + 1 : stop + 1, : self.n_units]
            self._locals[first, stop] = self.cell.local_operands(
                self.records[: stop - first],
                h.reshape(stop - first, -1),
                self.local[first:stop],
            )
        return self._locals[first, stop]

    def start(self, x, state):
        """Write the inputs (n_steps, n, n_in) and the initial state."""
        n_units = self.n_units
        self.s[: len(x), n_units:-1] = x.transpose(0, 2, 1)
        self.s[0, :n_units] = 0 if state is None else state[0].T
        if self.cell.memory is not None:
            start = 0 if state is None else state[1].T.reshape(-1)
            self.records[0, self.cell.memory] = start

    def h(self, first, stop):
        """Hidden states as rows, (stop - first, n, n_units)."""
        return self.s[first + 1 : stop + 1, : self.n_units].transpose(0, 2, 1)

    def clear_ended(self, sizes):
        """Forget the states of sequences behind their ends, which may have diverged."""
        for t in range(int(np.searchsorted(-sizes, -self.n, "right")), len(sizes)):
            self.s[t, : self.n_units, sizes[t] :] = 0

    # -------------------------------------------------------------- backward pass
    def _back_step(self, t):
        cell, local, n = self.cell, self.local, self.n
        through = cell.through is not None
        dh = local[t + 1, cell.through] if through else self._dh(t).reshape(-1)
        dc_next = None if cell.kept is None else local[t + 1, cell.kept]
        operands = cell.back_operands(local[t], dh, dc_next, self.dc)
        first, see_h, last = self._gates()
        calls, add = [], None
        if n > 1:  # else left to `of_one_sequence`
            delta = local[t, first:last].reshape(-1, n)
            calls.append(outer_product(delta, self.s[t], self.d_kernel))
        if t:
            target = self._dh(t - 1)
            if through:
                own, target = target, local[t, cell.through].reshape(-1, n)
                add = (target, own, target) if self.every else None
            if last > see_h:
                beta = 1.0 if through or self.every else 0.0
                delta = local[t, see_h:last].reshape(-1, n)
                calls += products(self.back_kernel, delta, target, beta)
        return BackStep(operands, calls, add)

    def _gates(self):
        """First block of the deltas, first of those that see h, and their end."""
        cell = self.cell
        see_h = cell.first_delta + cell.n_input
        return cell.first_delta, see_h, see_h + cell.n_full + cell.n_recurrent

    def _dh(self, t):
        return self.dh[t if self.every else t % 2]

    def receive(self, dy, n_steps):
        """Write dL/dh: of every step, (n_steps, n, n_units), or of the last alone."""
        cell, last = self.cell, n_steps - 1
        if self.every:
            self.dh[:n_steps] = dy.transpose(0, 2, 1)
        else:
            self._dh(last)[...] = dy.T
        if cell.through is not None:
            self.local[n_steps, cell.through] = self._dh(last).reshape(-1)
        if cell.kept is not None:
            self.local[n_steps, cell.kept] = 0

    def vanished(self, t):
        """Whether so little of the gradient came to step t that it is lost to rounding.

        Numbers below the normal range are ten times slower.
        """
        tiny = np.finfo(self.dtype).tiny ** 0.65
        return np.abs(self.local[t]).max() < tiny

    def of_one_sequence(self, first, stop):
        """The gradient of the weights over some steps, where n = 1, as one product."""
        begin, _, end = self._gates()
        deltas = self.local[first:stop, begin:end].reshape(stop - first, -1)
        return deltas.T @ self.s[first:stop, :, 0]

    def unit_gradients(self, n_steps):
        """dL/dz of the gates that see x, and dL/dh, after a pass with `every` step.

        Rectangles of shape (n_steps, n, n_gates * n_units) and (n_steps, n, n_units).
        """
        cell, shape = self.cell, (n_steps, -1, self.n)
        begin = cell.first_delta
        deltas = self.local[:n_steps, begin : begin + cell.n_input + cell.n_full]
        dh = self.dh[:n_steps]
        if cell.through is not None:
            dh = self.local[1 : n_steps + 1, cell.through]
        return [part.reshape(shape).transpose(0, 2, 1) for part in (deltas, dh)]

    def input_gradient(self, weight, first, stop):
        """dL/dx of some steps, (stop - first, n, n_in).

        `weight` (n_in, gates that see x * n_units) is in the deltas' order.
        """
        begin = self.cell.first_delta
        n_blocks = weight.shape[1] // self.n_units
        deltas = self.local[first:stop, begin : begin + n_blocks]
        deltas = deltas.reshape(stop - first, -1, self.n)
        return (weight @ deltas).transpose(0, 2, 1)
