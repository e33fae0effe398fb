"""The recurrent layer: parameters, and the passes over time.

Inside, storage is feature-major. Step t owns one contiguous block
``[h_{t-1}; x_t; 1]`` of shape (H + D + 1, n_t), n_t being the number of living
sequences, so that *one* matrix product gives all gates with input projection and bias,
and h_t is written straight into the block of step t + 1. The other layers see rows.
"""

from math import prod

import numpy as np

from ..numerics._memory import small_buffer
from ..numerics._products import gemm
from ..numerics._threads import threads, worth
from ._base import Layer
from ._dense import glorot_uniform
from ._inference_pass import Stepper
from ._tangent import recurrent_tangent
from ._training_pass import Tape

#: Where only the last step has a gradient, it is looked at every so many steps.
WATCH = 16


class Recurrent(Layer):
    """Drive a cell over the steps of packed rows.

    Parameters ``weight_input`` (n_in, gates that see x * n_units), ``weight_recurrent``
    (n_units, gates that see h * n_units), ``bias`` (gates that see x * n_units), and
    ``bias_recurrent`` where gates see h alone. Gates lie in the order of the cell.

    Parameters
    ----------
    cell : Cell
    n_in, n_units : int
    time_scale : float, default=None
        Longest memory of units at the start, in steps.
    """

    reach = None

    def __init__(self, cell, n_in, n_units, time_scale=None):
        self.cell, self.n_in, self.n_out = cell, n_in, n_units
        self.time_scale = time_scale
        n_x = (cell.n_full + cell.n_input) * n_units
        n_h = (cell.n_full + cell.n_recurrent) * n_units
        self.shapes = {"weight_input": (n_in, n_x)}
        if n_h:
            self.shapes["weight_recurrent"] = (n_units, n_h)
        self.shapes["bias"] = (n_x,)
        if cell.n_recurrent:
            self.shapes["bias_recurrent"] = (cell.n_recurrent * n_units,)
        self._kernel_shape = n_h, n_units + n_in + 1

    def start(self, theta, rng):
        """Glorot input weights; recurrent ones orthogonal, so that norms persist."""
        p, cell, n = self.views(theta), self.cell, self.n_out
        for gate in range(cell.n_full + cell.n_input):
            columns = slice(gate * n, (gate + 1) * n)
            glorot_uniform(p["weight_input"][:, columns], self.n_in, n, rng)
        for gate in range(cell.n_full + cell.n_recurrent):
            columns = slice(gate * n, (gate + 1) * n)
            q, r = np.linalg.qr(rng.standard_normal((n, n)))
            q *= np.sign(np.diag(r)) * cell.recurrent_gain
            p["weight_recurrent"][:, columns] = q
        cell.start_bias(p["bias"], n)
        if "bias_recurrent" in p:
            p["bias_recurrent"][...] = 0
        if self.time_scale is not None and "weight_recurrent" in p:
            time_scale = rng.uniform(1 + 1e-3, self.time_scale, n)
            cell.start_memory(p["weight_recurrent"], p["bias"], time_scale)

    def fill(self, theta, kernel, x_kernel):
        """Write the weights as the products want them.

        Parameters
        ----------
        theta : ndarray of shape (size,)
        kernel : ndarray of shape (gates that see h * n_units, n_units + n_in + 1)
            From [h; x; 1] to these gates.
        x_kernel : ndarray of shape (gates that see x alone * n_units, n_in + 1)
            From [x; 1] to these.
        """
        p, cell, n = self.views(theta), self.cell, self.n_out
        full = cell.n_full * n
        if len(kernel):
            kernel[:, :n] = p["weight_recurrent"].T
        kernel[:full, n:-1] = p["weight_input"][:, :full].T
        kernel[:full, -1] = p["bias"][:full]
        kernel[: cell.n_sigmoids * n] *= 0.5  # see Cell.n_sigmoids
        if cell.n_recurrent:
            kernel[full:, n:-1] = 0
            kernel[full:, -1] = p["bias_recurrent"]
        x_kernel[:, :-1] = p["weight_input"][:, full:].T
        x_kernel[:, -1] = p["bias"][full:]

    def forward(self, theta, x, steps, out, state=None, train=False):
        dtype = np.result_type(theta, x)
        theta = theta.astype(dtype, copy=False)
        if not train:
            with threads(worth(prod(self._kernel_shape) * steps.n_sequences)):
                return *self._run(theta, x, steps, out, state), None
        tape = self._tape(steps, out, dtype)
        self.fill(theta, tape.kernel, tape.x_kernel)
        shape = steps.n_steps, steps.n_sequences
        with small_buffer(), threads(tape.n_threads):
            tape.start(_spread(x, _cells(steps, steps), shape), state)
            self._forward(tape, steps.n_steps)
            if tape.every:
                y = _gather(tape.h(0, steps.n_steps), _cells(steps, out))
            else:
                y = tape.h(steps.n_steps - 1, steps.n_steps)[0].copy()
            if steps.ragged:
                tape.clear_ended(steps.sizes)
        return y, None, (tape, steps, out)

    def _forward(self, tape, n_steps):
        product, step, local = gemm(tape.dtype), self.cell.step, self.cell.local
        for first, stop in tape.stretches(n_steps):
            if len(tape.x_kernel):
                inputs = tape.s[first:stop, self.n_out :]
                np.matmul(tape.x_kernel, inputs, out=tape.x_part[first:stop])
            for calls, operands in tape.steps[first:stop]:
                for call in calls:
                    product(*call)
                step(*operands)
            local(*tape.local_operands(first, stop))

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        (tape, steps, out), p = cache, self.views(theta)
        n_steps, n = steps.n_steps, steps.n_sequences
        if len(tape.kernel):
            tape.back_kernel[...] = p["weight_recurrent"]
        tape.d_kernel[...] = 0
        if tape.every:
            dy = _spread(dy, _cells(steps, out), (n_steps, n))
        with small_buffer(), threads(tape.n_threads):
            tape.receive(dy, n_steps)
            first = self._backward(tape, n_steps)
        if n == 1:
            tape.d_kernel += tape.of_one_sequence(first, n_steps)
        self._add_gradient(tape.d_kernel, dtheta)
        if not need_dx:
            return None
        dx = np.zeros((n_steps, n, self.n_in), dy.dtype)
        dx[first:] = tape.input_gradient(self._weight_x(p), first, n_steps)
        return _gather(dx, _cells(steps, steps))

    def unit_gradients(self, theta, dy, cache):
        tape, steps, _ = cache
        cells = _cells(steps, steps)
        return [tuple(_gather(d, cells) for d in tape.unit_gradients(steps.n_steps))]

    def _backward(self, tape, n_steps):
        """Run back in time; return the step at which the gradient had vanished, or 0.

        It is not looked for where every step adds to it.
        """
        product, back = gemm(tape.dtype), self.cell.back
        n_rest = 0 if tape.every else WATCH
        for stop in range(n_steps, 0, -(n_rest or n_steps)):
            first = max(stop - n_rest, 0) if n_rest else 0
            for operands, calls, add in tape.back[first:stop][::-1]:
                back(*operands)
                for call in calls:
                    product(*call)
                if add:
                    np.add(*add)
            if n_rest and tape.vanished(first):
                return first
        return 0

    def n_tangents(self, steps, out):
        n_steps = steps.n_steps if _every(steps, out) else self.cell.n_states
        return n_steps * steps.n_sequences * self.n_out

    def tangent(self, theta, cache, dx):
        (tape, steps, out), p = cache, self.views(theta)
        shape = steps.n_steps, steps.n_sequences
        n_before = 0 if dx is None else dx.shape[2]
        if dx is not None:
            flat = dx.reshape(len(dx), -1)
            dx = _spread(flat, _cells(steps, steps), shape)
            dx = dx.reshape(*shape, self.n_in, n_before)
        dh = recurrent_tangent(
            *(self.cell, tape, steps.n_steps),
            *(p.get("weight_recurrent"), self._weight_x(p), dx),
        )
        if tape.every:
            dh = _gather(dh.reshape(*shape, -1), _cells(steps, out))
        dh = dh.reshape(out.n_rows, self.n_out, -1)
        dy = np.zeros((*dh.shape[:2], n_before + self.size), dh.dtype)
        dy[..., :n_before] = dh[..., :n_before]
        d_kernel = dh[..., n_before:].reshape(*dh.shape[:2], *tape.d_kernel.shape)
        self._add_gradient(d_kernel, dy[..., n_before:])
        return dy

    def _weight_x(self, p):
        """Input weights in the order of the deltas: gates of x alone, then full."""
        full = self.cell.n_full * self.n_out
        weight = p["weight_input"]
        return np.concatenate([weight[:, full:], weight[:, :full]], axis=1)

    def _add_gradient(self, d_kernel, dtheta):
        """Add the gradient of the kernels to that of the parameters.

        Both may have axes before: there are as many gradients.
        """
        g, n = self.views(dtheta), self.n_out
        d_kernel = d_kernel.swapaxes(-1, -2)
        first = self.cell.n_input * n
        full = self.cell.n_full * n
        for source, columns in (
            (d_kernel[..., first : first + full], slice(0, full)),
            (d_kernel[..., :first], slice(full, None)),
        ):
            g["weight_input"][..., columns] += source[..., n:-1, :]
            g["bias"][..., columns] += source[..., -1, :]
        if "weight_recurrent" in g:
            g["weight_recurrent"] += d_kernel[..., :n, first:]
        if "bias_recurrent" in g:
            g["bias_recurrent"] += d_kernel[..., -1, first + full :]

    def _tape(self, steps, out, dtype):
        """The tape for such steps, from the memory that they share with others."""
        n, n_steps = steps.n_sequences, steps.n_steps
        every = _every(steps, out)
        key = (self, n, every, dtype)
        tape = steps.workspace.get(key)
        if tape is None or tape.n_steps < n_steps:
            tape = Tape(self.cell, self.n_in, self.n_out, n_steps, n, dtype, every)
            steps.workspace.put(key, tape)
        return tape

    def _run(self, theta, x, steps, out, state):
        """Inference: memory for one step, whatever their number."""
        n_units, dtype = self.n_out, theta.dtype
        kernel = np.empty(self._kernel_shape, dtype)
        x_kernel = np.empty((self.cell.n_input * n_units, self.n_in + 1), dtype)
        self.fill(theta, kernel, x_kernel)
        y = np.empty((out.n_rows, n_units), dtype)
        if state is None:
            zeros = np.zeros((steps.n_sequences, n_units), dtype)
            state = (zeros,) * self.cell.n_states
        final = tuple(np.array(part, dtype) for part in state)
        living = [part.T for part in final]
        emissions = None if out is steps else steps.emissions(out)
        for first, stop in steps.runs:
            n = int(steps.sizes[first])
            stepper = Stepper(self.cell, kernel, x_kernel, n, living)
            rows = slice(int(steps.offsets[first]), int(steps.offsets[stop]))
            inputs = x[rows].reshape(stop - first, n, -1).transpose(0, 2, 1)
            if emissions is None:
                outputs = y[rows].reshape(stop - first, n, -1).transpose(0, 2, 1)
                for y_t, h in zip(outputs, stepper.steps(inputs), strict=True):
                    y_t[...] = h
            else:
                for t, h in enumerate(stepper.steps(inputs), start=first):
                    if t in emissions:
                        low, targets = emissions[t]
                        y[targets] = h[:, low:].T
            living = stepper.states()
            alive = int(steps.sizes[stop]) if stop < steps.n_steps else 0
            for target, source in zip(final, living, strict=True):
                target[alive:n] = source[:, alive:].T
        return y, final


def _every(steps, out):
    """Whether outputs of more than the last step of the rectangle are wanted."""
    return out is steps or steps.ragged or out.n_steps > 1


def _cells(steps, tail):
    """Where the rows of a tail lie in the rectangle of steps and sequences.

    Numbers of its cells, step by step; None where they are all of them in order.
    """
    if tail is steps and not steps.ragged:
        return None
    step = (steps.lengths - tail.lengths)[tail.sequence] + tail.step
    return step * steps.n_sequences + tail.sequence


def _spread(rows, cells, shape):
    """Rows as a rectangle (n_steps, n_sequences, n_columns), zero between them."""
    if cells is None:
        return rows.reshape(*shape, -1)
    rectangle = np.zeros((shape[0] * shape[1], rows.shape[1]), rows.dtype)
    rectangle[cells] = rows
    return rectangle.reshape(*shape, -1)


def _gather(rectangle, cells):
    """Rows of a rectangle, copied."""
    n_columns = rectangle.shape[2]
    if cells is None:
        return rectangle.copy(order="C").reshape(-1, n_columns)
    return rectangle.reshape(-1, n_columns)[cells]
