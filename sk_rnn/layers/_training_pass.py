"""The training pass of a recurrent layer: forward, backward, tangent.

It runs on a rectangle of steps and sequences; a sequence that ends early is carried on
with input zero, and no gradient comes from there. Memory, views of it and the functions
of the cell are made once, and serve every pass of up to so many steps over that many
sequences.
"""

from contextlib import contextmanager
from functools import partial

import numpy as np

from ..numerics._memory import aligned, round_up, small_buffer
from ..numerics._products import outer_product, products, weights
from ..numerics._program import Calls, Program
from ..numerics._threads import threads, worth
from ..numerics._workspace import PassMemory
from ._compiled_cell import compiled_cell
from ._kernels import step_actions
from ._tangent import recurrent_tangent
from .cells._base import Blocks, stages

#: Bytes of the blocks of the steps whose local derivatives are computed in one go,
#: while they are still in the processor's cache: about half a level-2 cache.
STRETCH_BYTES = 600_000

#: Where the loss is one of the last step alone, its gradient may fade on the way back:
#: every so many steps it is checked whether any of it is left.
WATCH = 16


class TrainingPass(PassMemory):
    """Passes over a rectangle.

    Parameters
    ----------
    layout : Layout
        Of the cell and its parameters.
    n_steps : int
        Largest number of steps.
    n : int
        Number of sequences.
    dtype : dtype
    every : bool
        Whether the loss depends on every step, or on the last one alone.
    """

    def __init__(self, layout, n_steps, n, dtype, every):
        self.layout, self.cell = layout, layout.cell
        self.n_steps, self.n = n_steps, n
        self.dtype, self.every = np.dtype(dtype), every
        n_units = layout.n_units
        size = n_units * n
        self._allocate_weights()
        # Step t sees [h_{t-1}; x_t; 1] in block t, so h_t belongs into block t + 1.
        self.s = self._rows(n_steps + 1, layout.height)
        self.s[...] = 1  # the row of ones stays; all else is overwritten
        # One step behind the last takes what would come from there.
        names = layout.derivatives
        self.derivatives = _blocks(n_steps + 1, len(names), size, dtype)
        self.operands = {
            name: self._rows(n_steps, n_units) for name in self.cell.products.values()
        }
        self.dh = self._rows(n_steps if every else 1, n_units)
        self.dc = aligned(size, dtype)
        step_bytes = len(layout.values) * size * self.dtype.itemsize
        self.stretch = min(max(STRETCH_BYTES // step_bytes, 1), n_steps)
        self.values = _blocks(self.stretch + 1, len(layout.values), size, dtype)
        self.compiled = compiled_cell(layout, dtype)
        if self.compiled:
            self._make_programs()
        else:
            forward = [self._step(t) for t in range(n_steps)]
            backward = [self._back_step(t) for t in range(n_steps - 1, -1, -1)]
            self._forward, self._backward = (
                Calls(steps, dtype) for steps in (forward, backward)
            )
        self._derive = {}

    def _make_programs(self):
        """One step forward and one back, which move over the memory of all."""
        arrays = [self.s, self.derivatives, *self.operands.values()]
        values = self.values, self.values.strides[0], self.stretch
        steps = [(array, array.strides[0], None) for array in arrays]
        self._forward = Program(self._step(0), [*steps, values])
        if self.every:
            arrays.append(self.dh)
        back = [(array, -array.strides[0], None) for array in arrays]
        last = self.n_steps - 1
        self._backward = Program(self._back_step(last), back)
        self._first_step = Program(self._back_step(0))

    def _rows(self, n_steps, height):
        return _blocks(n_steps, height, self.n, self.dtype)

    def _allocate_weights(self):
        layout, dtype, n_units = self.layout, self.dtype, self.layout.n_units
        self.kernels = layout.allocate(dtype, self.n)
        self.back_kernel = weights(n_units, layout.see_h, self.n, dtype)
        flat = aligned(layout.n_rows * layout.height, dtype)
        self.d_gates = flat.reshape(layout.n_rows, layout.height)
        square = n_units, n_units
        self.back_products = {k: np.empty(square, dtype) for k in self.cell.products}
        self.d_products = {k: np.empty(square, dtype) for k in self.cell.products}
        self.n_threads = worth(self.kernels.gates.size * self.n)

    def surroundings(self):
        """What a pass runs in: a context."""
        return threads(self.n_threads) if self.compiled else self._in_numpy()

    @contextmanager
    def _in_numpy(self):
        with small_buffer(), threads(self.n_threads):
            yield

    def load(self, p):
        """Take over the parameters, by name."""
        self.layout.fill(p, self.kernels)
        if self.layout.see_h:
            self.back_kernel[...] = p["weight_recurrent"]
        for result, kernel in self.back_products.items():
            kernel[...] = p[f"weight_{result}"]

    # --------------------------------------------------------------- forward pass
    def _step(self, t):
        """The actions of step t."""
        cell, layout, k = self.cell, self.layout, t % self.stretch
        n_units, operands = layout.n_units, self._operands(t)
        h_prev, h = (self.s[i, :n_units].reshape(-1) for i in (t, t + 1))
        c = self._c(k + 1) if cell.n_states > 1 else None
        b = Blocks(self.values[k], layout.values, operands | self.kernels.vectors)
        if self.compiled:
            d = Blocks(self.derivatives[t], layout.derivatives)
            functions = self.compiled.forward(b, h_prev, h, c, d)
        else:
            functions = stages(cell, cell.forward(b, h_prev, h, c))
        return step_actions(
            layout, self.kernels, self.s[t], self.values[k], b, functions
        )

    def _operands(self, t):
        """Operands of the products behind gates, of one step or of several."""
        return {
            name: rows[t].reshape(*rows[t].shape[:-2], -1)
            for name, rows in self.operands.items()
        }

    def _c(self, k):
        return self.values[k, self.layout.values.index("c")]

    def forward(self, x, state, sizes):
        """Run; return h of every step, or of the last, as (n_steps or 1, n, n_units).

        Parameters
        ----------
        x : ndarray of shape (n_steps, n, n_in)
        state : sequence of ndarray of shape (n, n_units)
        sizes : ndarray of int of shape (n_steps,)
            How many of the sequences are alive at each step.
        """
        n_units, n_steps = self.layout.n_units, len(x)
        self.length = n_steps
        self.s[:n_steps, n_units:-1] = x.transpose(0, 2, 1)
        self.s[0, :n_units] = state[0].T
        if self.cell.n_states > 1:
            self._c(0)[...] = state[1].T.reshape(-1)
        for first, stop in self.stretches(n_steps):
            self._see_x_alone(first, stop)
            self._forward.run(first, stop)
            if not self.compiled:  # else part of the steps
                self._local_derivatives(first, stop)()
        found = self.s[1 : n_steps + 1] if self.every else self.s[n_steps, None]
        h = found[:, :n_units].transpose(0, 2, 1)
        if self.every:
            h = h.copy()
            self._clear_ended(sizes)
        return h

    def stretches(self, n_steps):
        """Yield (first, stop) of stretches whose blocks are kept together."""
        for first in range(0, n_steps, self.stretch):
            if first and self.cell.n_states > 1:
                self._c(0)[...] = self._c(self.stretch)
            yield first, min(first + self.stretch, n_steps)

    def _see_x_alone(self, first, stop):
        """The gates that see x alone, for a stretch of steps."""
        if not len(self.kernels.inputs):
            return
        layout, count = self.layout, stop - first
        rows = self.values.reshape(len(self.values), -1, self.n)
        z = rows[:count, layout.see_h : layout.n_rows]
        np.matmul(self.kernels.inputs, self.s[first:stop, layout.n_units :], out=z)

    def _local_derivatives(self, first, stop):
        """The cell's function for a stretch."""
        if (first, stop) not in self._derive:
            layout, steps, count = self.layout, slice(first, stop), stop - first
            h_prev, h = (
                self.s[first + k : stop + k, : layout.n_units].reshape(count, -1)
                for k in (0, 1)
            )
            others = self._operands(steps) | self.kernels.vectors
            b = Blocks(self.values[:count], layout.values, others)
            d = Blocks(self.derivatives[steps], layout.derivatives)
            self._derive[first, stop] = self.cell.derive(b, h_prev, h, d)
        return self._derive[first, stop]

    def _clear_ended(self, sizes):
        """Forget the states of sequences behind their ends, which may have diverged."""
        for t in range(int(np.searchsorted(-sizes, -self.n, "right")), len(sizes)):
            self.s[t, : self.layout.n_units, sizes[t] :] = 0

    # -------------------------------------------------------------- backward pass
    def _back_step(self, t):
        """The actions of step t of the way back."""
        cell, layout, n = self.cell, self.layout, self.n
        d = Blocks(self.derivatives[t], layout.derivatives)
        after = Blocks(self.derivatives[t + 1], layout.derivatives)
        passes_on = "h_prev" in cell.derivatives
        dh = after.h_prev if passes_on else self._dh(t).reshape(-1)
        dc_next = after.c_prev if cell.n_states > 1 else None
        if self.compiled:
            functions = self.compiled.backward(d, dh, dc_next, self.dc)
        else:
            functions = stages(cell, cell.backward(d, dh, dc_next, self.dc))
        actions = []
        for function, (result, operand) in zip(
            functions, reversed(cell.products.items()), strict=False
        ):
            delta, given = (getattr(d, k).reshape(-1, n) for k in (result, operand))
            actions += [function, *products(self.back_products[result], delta, given)]
            if n > 1:  # else left to `_of_one_sequence`
                own = self.operands[operand][t], self.d_products[result]
                actions.append(outer_product(delta, *own))
        deltas = self.derivatives[t].reshape(-1, n)
        actions.append(functions[-1])
        if n > 1:
            delta = deltas[: layout.n_rows]
            actions.append(outer_product(delta, self.s[t], self.d_gates))
        if t:
            outside = target = self._dh(t - 1)
            if passes_on:
                target = d.h_prev.reshape(-1, n)
            if layout.see_h:
                beta = 1.0 if passes_on or self.every else 0.0
                delta = deltas[: layout.see_h]
                actions += products(self.back_kernel, delta, target, beta)
            if passes_on and self.every:
                actions.append(partial(np.add, target, outside, target))
        return actions

    def _dh(self, t):
        return self.dh[t if self.every else 0]

    def backward(self, dy):
        """Run back, and remember from which step on there is a gradient.

        Parameters
        ----------
        dy : ndarray of shape (n_steps or 1, n, n_units)
            Gradient with respect to what `forward` returned; may be overwritten.
        """
        self.d_gates[...] = 0
        for d_product in self.d_products.values():
            d_product[...] = 0
        self._receive(dy)
        self.first = self._propagate()
        if self.n == 1:
            self._of_one_sequence()

    def _receive(self, dy):
        """Write dL/dh where the last step looks for it."""
        last, names = self.length - 1, self.layout.derivatives
        after = self.derivatives[self.length]
        if self.every:
            self.dh[: self.length] = dy.transpose(0, 2, 1)
        else:
            self._dh(last)[...] = dy[0].T
        if "h_prev" in names:
            after[names.index("h_prev")] = self._dh(last).reshape(-1)
        if "c_prev" in names:
            after[names.index("c_prev")] = 0

    def _propagate(self):
        """Return the step at which the gradient had vanished, or 0.

        It is not looked for where every step adds to it.
        """
        n_rest = self.length if self.every else WATCH
        for stop in range(self.length, 0, -n_rest):
            first = max(stop - n_rest, 0)
            self._go_back(stop, first)
            if first and not self.every and self._vanished(first):
                return first
        return 0

    def _go_back(self, stop, first):
        """Take the steps before `stop` back, down to the first."""
        n_steps = self.n_steps
        if self.compiled and not first:  # nothing goes further back from there
            self._backward.run(n_steps - stop, n_steps - 1)
            self._first_step.run(0, 1)
        else:
            self._backward.run(n_steps - stop, n_steps - first)

    def _vanished(self, t):
        """Whether so little of the gradient came to step t that it is lost to rounding.

        Numbers below the normal range are ten times slower.
        """
        tiny = np.finfo(self.dtype).tiny ** 0.65
        return np.abs(self.derivatives[t]).max() < tiny

    def _of_one_sequence(self):
        """The gradient of the weights of all steps, where n = 1, as one product."""
        steps, layout = slice(self.first, self.length), self.layout
        deltas = self._deltas(steps)[:, : layout.n_rows, 0]
        self.d_gates += deltas.T @ self.s[steps, :, 0]
        for result, operand in self.cell.products.items():
            delta = self._derivative(result, steps)[:, :, 0]
            self.d_products[result] += delta.T @ self.operands[operand][steps, :, 0]

    def _deltas(self, steps):
        """Derivatives of some steps as rows, those of the gates first."""
        return self.derivatives[steps].reshape(steps.stop - steps.start, -1, self.n)

    def _derivative(self, name, steps):
        """One derivative, of shape (steps, n_units, n)."""
        k = self.layout.derivatives.index(name)
        n_units = self.layout.n_units
        return self._deltas(steps)[:, k * n_units : (k + 1) * n_units]

    def add_gradient(self, g, fresh):
        """Add the gradients of the parameters to those given by name.

        Where the pass began in the initial state (`fresh`), they include that of it.
        """
        steps = slice(self.first, self.length)
        d_vectors = {
            name: self._derivative(name, steps).sum(axis=(0, 2))
            for name in self.cell.vectors
        }
        self.layout.add_gradient(self.d_gates, self.d_products, d_vectors, g)
        if fresh and not self.first:
            for name, d in zip(self.layout.initial, self._d_state(), strict=False):
                g[name] += d.sum(axis=1)

    def _d_state(self):
        """Yield dL/dh_0, and dL/dc_0, where the way back ends: (n_units, n)."""
        dh = self.back_kernel @ self._deltas(slice(0, 1))[0, : self.layout.see_h]
        if "h_prev" in self.layout.derivatives:
            dh += self._derivative("h_prev", slice(0, 1))[0]
        yield dh
        if self.cell.n_states > 1:
            yield self._derivative("c_prev", slice(0, 1))[0]

    def input_gradient(self, weight_input):
        """dL/dx, (n_steps, n, n_in)."""
        steps = slice(self.first, self.length)
        dx = np.zeros((self.length, self.n, len(weight_input)), self.dtype)
        deltas = self._deltas(steps)
        for rows, columns in self.layout.x_parts:
            part = weight_input[:, columns] @ deltas[:, rows]
            dx[steps] += part.transpose(0, 2, 1)
        return dx

    def unit_gradients(self):
        """dL/dz of the gates that see x, and dL/dh, after a pass with `every` step.

        Rectangles of shape (n_steps, n, n_gates * n_units) and (n_steps, n, n_units).
        """
        deltas = self._deltas(slice(0, self.length))
        parts = [deltas[:, rows] for rows, _ in self.layout.x_parts]
        dh = self.dh[: self.length]
        if "h_prev" in self.layout.derivatives:
            dh = self._derivative("h_prev", slice(1, self.length + 1))
        dz = np.concatenate(parts, axis=1)
        return [part.transpose(0, 2, 1) for part in (dz, dh)]

    # ----------------------------------------------------------------- tangent
    def tangent(self, p, dx, fresh):
        """Derivatives of what `forward` returned; see `recurrent_tangent`."""
        return recurrent_tangent(self, p, dx, fresh)


def _blocks(n_steps, height, n, dtype):
    """A contiguous, aligned (height, n) block for every step."""
    size = height * n
    flat = aligned(n_steps * round_up(size, dtype), dtype).reshape(n_steps, -1)
    return flat[:, :size].reshape(n_steps, height, n)
