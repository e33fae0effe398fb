"""Memory of one training pass of a recurrent layer, and views of its every step.

All views are made once for a structure of steps and serve every pass over it. Steps
with equally many sequences form stretches, whose local derivatives are computed in one
go while the records of the stretch are still in the processor's cache.
"""

from typing import NamedTuple

import numpy as np

from ._memory import aligned, round_up
from ._products import outer_product, products

#: Bytes of forward records that a stretch may fill: about half a level-2 cache.
STRETCH_BYTES = 600_000


class Blocks:
    """One contiguous (height, n_t) block for every step, all in one buffer."""

    def __init__(self, height, steps, dtype):
        self.height, self.sizes = height, steps.sizes.tolist()
        self.stride = [round_up(height * n, dtype) for n in self.sizes]
        self.starts = np.cumsum([0, *self.stride]).tolist()
        self.flat = aligned(self.starts[-1], dtype)

    def __getitem__(self, t):
        return self.over(t, t + 1)[0]

    def over(self, first, stop):
        """Steps of equally many sequences as one array (n_steps, height, n)."""
        n, flat = self.sizes[first], self.flat[self.starts[first] : self.starts[stop]]
        rows = flat.reshape(stop - first, self.stride[first])[:, : self.height * n]
        return rows.reshape(stop - first, self.height, n)


class Stretch(NamedTuple):
    """Views for the forward pass over steps of equally many sequences."""

    before: list  # (target, source) to copy before the loop
    inputs: np.ndarray  # [x; 1] of every step
    x_part: np.ndarray  # where the gates of x alone belong
    steps: list  # per step: arguments of gemm, operands of Cell.step
    local: tuple  # operands of Cell.local
    after: list  # (target, source) to copy after the loop


class BackStep(NamedTuple):
    """What to do in one step of the backward pass."""

    operands: tuple  # of Cell.back
    products: list  # arguments of gemm
    after: list  # (function, *arguments) to call after the products


class Tape:
    """Buffers for packed steps.

    Parameters
    ----------
    cell : Cell
    n_in, n_units : int
    steps, out : Steps
        Structure of the input rows and of the wanted output rows.
    dtype : dtype
    """

    def __init__(self, cell, n_in, n_units, steps, out, dtype):
        self.cell, self.n_units, self.structure = cell, n_units, steps
        self.dtype, self.sizes = np.dtype(dtype), steps.sizes.tolist()
        self.n_steps, n_first = steps.n_steps, self.sizes[0]
        self.emissions = None if out is steps else steps.emissions(out)
        self.s = Blocks(n_units + n_in + 1, steps, dtype)
        self.s.flat[...] = 1  # the row of ones stays; all else is overwritten
        self.x_part = Blocks(cell.n_input * n_units, steps, dtype)
        self.local = Blocks(cell.n_local * n_units, steps, dtype)
        # h_t lies in the block of step t + 1, or apart where sequences end at t.
        self.h = [
            np.empty((n_units, n), dtype) if self._ends(t) else self.s[t + 1][:n_units]
            for t, n in enumerate(self.sizes)
        ]
        self.memory = np.empty((n_units, n_first), dtype)
        self._weights(n_units, n_in)
        self._record_size = max(cell.n_record, 1) * n_units
        self._capacity = int(
            STRETCH_BYTES // (self._record_size * n_first * self.dtype.itemsize)
        )
        self._capacity = min(max(self._capacity, 1), self.n_steps)
        stride = round_up(self._record_size * n_first, dtype)
        self._records = aligned((self._capacity + 1) * stride, dtype)
        bounds = list(self._bounds())
        self.stretches = [self._stretch(*pair) for pair in bounds]
        self._emitted = list(self._outputs(bounds))
        self._start_back(steps, n_first)
        self.back = [self._back_step(t) for t in reversed(range(self.n_steps))]

    def _weights(self, n_units, n_in):
        """Memory for the weights and their gradient; see `Recurrent.fill`."""
        cell, dtype, height = self.cell, self.dtype, n_units + n_in + 1
        see_h = (cell.n_full + cell.n_recurrent) * n_units
        self.kernel = aligned(see_h * height, dtype).reshape(see_h, height)
        self.x_kernel = np.empty((cell.n_input * n_units, n_in + 1), dtype)
        self.back_kernel = aligned(n_units * see_h, dtype).reshape(n_units, see_h)
        rows = see_h + cell.n_input * n_units
        self.d_kernel = aligned(rows * height, dtype).reshape(rows, height)

    def _ends(self, t):
        """Whether sequences end at step t."""
        return t + 1 == self.n_steps or self.sizes[t + 1] < self.sizes[t]

    def _rows(self, first, stop):
        offsets = self.structure.offsets
        return slice(int(offsets[first]), int(offsets[stop]))

    # --------------------------------------------------------------- forward pass
    def _bounds(self):
        """Cut runs into stretches; a step at which sequences end stands alone."""
        for first, stop in self.structure.runs:
            for a in range(first, stop - 1, self._capacity):
                yield a, min(a + self._capacity, stop - 1)
            yield stop - 1, stop

    def _h_over(self, first, stop):
        """h of a stretch, (n_steps, n_units, n)."""
        if stop - first == 1:
            return self.h[first][None]
        return self.s.over(first + 1, stop + 1)[:, : self.n_units]

    def _stretch(self, first, stop):
        cell, n_units, n = self.cell, self.n_units, self.sizes[first]
        count, n_gates = stop - first, cell.n_full + cell.n_recurrent
        size = self._record_size * n
        stride = round_up(size, self.dtype)
        records = self._records[: (count + 1) * stride].reshape(-1, stride)
        records = records[:, :size].reshape(count + 1, -1, n_units * n)
        x_part = self.x_part.over(first, stop)
        steps = []
        for k, t in enumerate(range(first, stop)):
            s_t, h = self.s[t], self.h[t].reshape(-1)
            h_prev = s_t[:n_units].reshape(-1)
            c = None if cell.memory is None else records[k + 1, cell.memory]
            z = records[k, :n_gates] if cell.n_record else h
            z = z.reshape(n_gates * n_units, n)
            operands = cell.operands(records[k], x_part[k].reshape(-1), h_prev, h, c)
            steps.append((products(self.kernel, s_t, z), operands))
        before, after = [], []
        if cell.memory is not None:
            carried = self.memory[:, :n]
            here = records[0, cell.memory].reshape(n_units, n)
            there = records[count, cell.memory].reshape(n_units, n)
            before.append((here, carried))
            after.append((carried, there))
        if stop < self.n_steps and self._ends(stop - 1):
            alive = self.h[stop - 1][:, : self.sizes[stop]]
            after.append((self.s[stop][:n_units], alive))
        h = self._h_over(first, stop).reshape(count, -1)
        local = cell.local_operands(records[:count], h, self._local(first, stop))
        inputs = self.s.over(first, stop)[:, n_units:]
        return Stretch(before, inputs, x_part, steps, local, after)

    def _local(self, first, stop):
        """Local records, (n_steps, n_local, n_units * n)."""
        records = self.local.over(first, stop)
        return records.reshape(stop - first, self.cell.n_local, -1)

    def _outputs(self, bounds):
        """Pairs (wanted output rows, view of their h)."""
        if self.emissions is None:
            for first, stop in bounds:
                h = self._h_over(first, stop)
                yield self._rows(first, stop), h.transpose(0, 2, 1)
        else:
            for t, (low, rows) in self.emissions.items():
                yield rows, self.h[t][:, low:].T

    def start(self, x, state):
        """Write the inputs and the initial state."""
        n_units = self.n_units
        for first, stop in self.structure.runs:
            rows = x[self._rows(first, stop)].reshape(stop - first, -1, x.shape[1])
            self.s.over(first, stop)[:, n_units:-1] = rows.transpose(0, 2, 1)
        self.s[0][:n_units] = 0 if state is None else state[0].T
        self.memory[...] = 0 if state is None or len(state) < 2 else state[1].T

    def emit(self, y):
        """Write the wanted hidden states into the output rows."""
        for rows, h in self._emitted:
            y[rows] = h.reshape(-1, self.n_units)

    # -------------------------------------------------------------- backward pass
    def _start_back(self, steps, n_first):
        """Memory of the backward pass: dL/dh where the output feeds one, and two more.

        Where sequences end an output is wanted, so gradients of fewer sequences are
        always met by a block of their own.
        """
        n_units, dtype = self.n_units, self.dtype
        if self.emissions is None:
            dh = Blocks(n_units, steps, dtype)
            self.dh = {t: dh[t] for t in range(self.n_steps)}
            self._received = [
                (self._rows(a, b), dh.over(a, b).transpose(0, 2, 1))
                for a, b in steps.runs
            ]
        else:
            self.dh = {
                t: np.empty((n_units, self.sizes[t]), dtype) for t in self.emissions
            }
        size = n_units * n_first
        self.ring = aligned(2 * round_up(size, dtype), dtype).reshape(2, -1)[:, :size]
        self.dc = aligned(size, dtype)
        self._wide = {}

    def receive(self, dy):
        """Write the gradient of the output rows into the blocks of dL/dh."""
        if self.emissions is None:
            for rows, target in self._received:
                target[...] = dy[rows].reshape(target.shape)
            return
        for t, (low, rows) in self.emissions.items():
            self.dh[t][:, :low] = 0
            self.dh[t][:, low:] = dy[rows].T

    def _dh(self, t):
        """Where dL/dh_t is, once the steps after t are done."""
        passed = self.cell.through is not None and not self._ends(t)
        if passed:
            return self._local(t + 1, t + 2)[0, self.cell.through]
        if t in self.dh:
            return self.dh[t].reshape(-1)
        return self.ring[t % 2, : self.n_units * self.sizes[t]]

    def _dc_next(self, t):
        """dL/dc_t of the steps after t: their block, wider where sequences end."""
        if not self._ends(t):
            return self._local(t + 1, t + 2)[0, self.cell.kept]
        self._wide[t] = np.zeros((self.n_units, self.sizes[t]), self.dtype)
        return self._wide[t].reshape(-1)

    def _back_step(self, t):
        cell, n = self.cell, self.sizes[t]
        local = self._local(t, t + 1)[0]
        dc_next = None if cell.kept is None else self._dc_next(t)
        dc = self.dc[: self.n_units * n]
        operands = cell.back_operands(local, self._dh(t), dc_next, dc)
        first = cell.first_delta
        see_h = first + cell.n_input
        last = see_h + cell.n_full + cell.n_recurrent
        calls = []
        if n > 1:  # else left to single_sequence_products
            delta = local[first:last].reshape(-1, n)
            calls.append(outer_product(delta, self.s[t], self.d_kernel))
        target, beta, after = self._link(t, local) if t else (None, 0.0, [])
        if t and last > see_h:
            delta = local[see_h:last].reshape(-1, n)
            calls += products(self.back_kernel, delta, target, beta)
        return BackStep(operands, calls, after)

    def _link(self, t, local):
        """How dL/dh and dL/dc go on from step t to step t - 1."""
        cell, n, ends = self.cell, self.sizes[t], self._ends(t - 1)
        own, shape, after = self.dh.get(t - 1), (self.n_units, n), []
        if cell.through is not None:
            target, beta = local[cell.through].reshape(shape), 1.0
        elif own is not None and not ends:
            target, beta = own, 1.0
        else:
            target = self.ring[(t - 1) % 2, : self.n_units * n].reshape(shape)
            beta = 0.0
        if ends:
            after.append((np.add, own[:, :n], target, own[:, :n]))
        elif cell.through is not None and own is not None:
            after.append((np.add, target, own, target))
        if ends and cell.kept is not None:
            # The step before is not built yet; its wide block is made here.
            after.append((self._widen, t - 1, local[cell.kept].reshape(shape)))
        return target, beta, after

    def _widen(self, t, dc):
        self._wide[t][:, : dc.shape[1]] = dc

    def single_sequence_products(self):
        """(deltas, inputs) of the stretches left to one product: those of n = 1."""
        first = self.cell.first_delta * self.n_units
        for a, b in self.structure.runs:
            if self.sizes[a] == 1:
                yield (
                    self.local.over(a, b)[:, first : self._last_delta, 0],
                    (self.s.over(a, b)[:, :, 0]),
                )

    @property
    def _last_delta(self):
        cell = self.cell
        n_gates = cell.n_input + cell.n_full + cell.n_recurrent
        return (cell.first_delta + n_gates) * self.n_units

    def input_gradient(self, weight):
        """dL/dx of all rows; `weight` (n_in, gates that see x) in the deltas' order."""
        first = self.cell.first_delta * self.n_units
        dx = np.empty((self.structure.n_rows, len(weight)), self.dtype)
        for a, b in self.structure.runs:
            deltas = self.local.over(a, b)[:, first : first + weight.shape[1]]
            rows = (weight @ deltas).transpose(0, 2, 1)
            dx[self._rows(a, b)] = rows.reshape(-1, len(weight))
        return dx
