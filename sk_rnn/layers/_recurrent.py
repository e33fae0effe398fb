"""The recurrent layer: parameters, and the passes over time.

Inside, storage is feature-major. Step t owns one contiguous block
``[h_{t-1}; x_t; 1]`` of shape (H + D + 1, n_t), n_t being the number of living
sequences, so that *one* matrix product gives all gates with input projection and bias,
and h_t is written straight into the block of step t + 1. The other layers see rows.
"""

from functools import partial

import numpy as np
from scipy.linalg import get_blas_funcs

from ._base import Layer
from ._dense import glorot_uniform
from ._tape import Tape


class Recurrent(Layer):
    """Drive a cell over the steps of packed rows.

    Parameters ``weight_input`` (n_in, gates that see x * n_units), ``weight_recurrent``
    (n_units, gates that see h * n_units), ``bias`` (gates that see x * n_units), and
    ``bias_recurrent`` where gates see h alone. Gates lie in the order of the cell.

    Parameters
    ----------
    cell : Cell
    n_in, n_units : int
    """

    reach = None

    def __init__(self, cell, n_in, n_units):
        self.cell, self.n_in, self.n_out = cell, n_in, n_units
        n_x = (cell.n_full + cell.n_input) * n_units
        n_h = (cell.n_full + cell.n_recurrent) * n_units
        self.shapes = {"weight_input": (n_in, n_x)}
        if n_h:
            self.shapes["weight_recurrent"] = (n_units, n_h)
        self.shapes["bias"] = (n_x,)
        if cell.n_recurrent:
            self.shapes["bias_recurrent"] = (cell.n_recurrent * n_units,)

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

    def kernels(self, theta):
        """Weights as the products want them: [h; x; 1] -> gates, [x; 1] -> x part."""
        p, cell, n = self.views(theta), self.cell, self.n_out
        full = cell.n_full * n
        kernel = np.zeros(
            ((cell.n_full + cell.n_recurrent) * n, n + self.n_in + 1), theta.dtype
        )
        if len(kernel):
            kernel[:, :n] = p["weight_recurrent"].T
        kernel[:full, n:-1] = p["weight_input"][:, :full].T
        kernel[:full, -1] = p["bias"][:full]
        if cell.n_recurrent:
            kernel[full:, -1] = p["bias_recurrent"]
        kernel[: cell.n_sigmoids * n] *= 0.5  # see Cell.n_sigmoids
        x_kernel = np.empty((cell.n_input * n, self.n_in + 1), theta.dtype)
        x_kernel[:, :-1] = p["weight_input"][:, full:].T
        x_kernel[:, -1] = p["bias"][full:]
        return kernel, x_kernel

    def forward(self, theta, x, steps, out, state=None, train=False):
        dtype = np.result_type(theta, x)
        gemm = get_blas_funcs("gemm", dtype=dtype)
        kernel, x_kernel = self.kernels(theta.astype(dtype, copy=False))
        if not train:
            return *self._run(gemm, kernel, x_kernel, x, steps, out, state), None
        tape = self._tape(steps, out, dtype)
        tape.start(x, state)
        y = np.empty((out.n_rows, self.n_out), dtype)
        for stretch in tape.stretches:
            for target, source in stretch.before:
                target[...] = source
            if len(x_kernel):
                np.matmul(x_kernel, stretch.inputs, out=stretch.x_part)
            for s_t, z, operands in stretch.steps:
                if z is not None:
                    gemm(1.0, s_t, kernel.T, 0.0, z, 0, 0, 1)
                self.cell.step(*operands)
            self.cell.local(*stretch.local)
            for target, source in stretch.after:
                target[...] = source
        tape.emit(y)
        return y, None, (tape, kernel)

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        tape, kernel = cache
        gemm = get_blas_funcs("gemm", dtype=tape.dtype)
        p, cell, n = self.views(theta), self.cell, self.n_out
        back = p["weight_recurrent"].T if len(kernel) else None
        d_kernel = np.zeros(
            ((cell.n_input + cell.n_full + cell.n_recurrent) * n, kernel.shape[1]),
            tape.dtype,
        )
        tape.receive(dy)
        for operands, s_t, delta, delta_h, target, beta, after in tape.back:
            cell.back(*operands)
            if s_t is not None:
                gemm(1.0, s_t, delta, 1.0, d_kernel.T, 1, 0, 1)
            if target is not None and back is not None:
                gemm(1.0, delta_h, back, beta, target, 0, 0, 1)
            for function, *arguments in after:
                function(*arguments)
        for delta, inputs in tape.single_sequence_products():
            d_kernel += delta.T @ inputs
        self._add_gradient(d_kernel, dtheta)
        return tape.input_gradient(self._weight_x(p)) if need_dx else None

    def _weight_x(self, p):
        """Input weights in the order of the deltas: gates of x alone, then full."""
        full = self.cell.n_full * self.n_out
        weight = p["weight_input"]
        return np.concatenate([weight[:, full:], weight[:, :full]], axis=1)

    def _add_gradient(self, d_kernel, dtheta):
        g, n = self.views(dtheta), self.n_out
        first = self.cell.n_input * n
        full = self.cell.n_full * n
        for source, columns in (
            (d_kernel[first : first + full], slice(0, full)),
            (d_kernel[:first], slice(full, None)),
        ):
            g["weight_input"][:, columns] += source[:, n:-1].T
            g["bias"][columns] += source[:, -1]
        if "weight_recurrent" in g:
            g["weight_recurrent"] += d_kernel[first:, :n].T
        if "bias_recurrent" in g:
            g["bias_recurrent"] += d_kernel[first + full :, -1]

    def _tape(self, steps, out, dtype):
        key = (self, out, dtype)
        if key not in steps.scratch:
            steps.scratch[key] = Tape(
                self.cell, self.n_in, self.n_out, steps, out, dtype
            )
        return steps.scratch[key]

    def _run(self, gemm, kernel, x_kernel, x, steps, out, state):
        """Inference: memory for two steps, whatever their number."""
        cell, n_h, n_x = self.cell, self.n_out, self.n_in
        dtype = kernel.dtype
        y = np.empty((out.n_rows, n_h), dtype)
        if state is None:
            zeros = np.zeros((steps.n_sequences, n_h), dtype)
            state = (zeros,) * cell.n_states
        final = tuple(np.array(s, dtype) for s in state)
        living = [s.T for s in final]
        emissions = None if out is steps else steps.emissions(out)
        for first, stop in steps.runs:
            n = int(steps.sizes[first])
            s = np.empty((2, n_h + n_x + 1, n), dtype)
            s[:, -1] = 1
            s[0, :n_h] = living[0][:, :n]
            record = np.empty((max(cell.n_record, 1), n_h * n), dtype)
            memory = None if cell.memory is None else record[cell.memory]
            if memory is not None:
                memory.reshape(n_h, n)[...] = living[1][:, :n]
            x_part = np.empty((cell.n_input * n_h, n), dtype)
            calls = []
            for now, then in ((0, 1), (1, 0)):
                h_prev, h = (s[k, :n_h].reshape(-1) for k in (now, then))
                z = record[: cell.n_full + cell.n_recurrent] if cell.n_record else h
                operands = cell.operands(record, x_part.reshape(-1), h_prev, h, memory)
                product = partial(
                    *(gemm, 1.0, s[now].T, kernel.T, 0.0),
                    *(z.reshape(len(kernel), n).T, 0, 0, 1),
                )
                calls.append((s[now, n_h:], product, operands, s[then, :n_h]))
            for t in range(first, stop):
                inputs, product, operands, h = calls[(t - first) % 2]
                inputs[:-1] = x[steps.slices[t]].T
                if len(x_kernel):
                    np.matmul(x_kernel, inputs, out=x_part)
                if len(kernel):
                    product()
                cell.step(*operands)
                if emissions is None:
                    y[steps.slices[t]] = h.T
                elif t in emissions:
                    low, rows = emissions[t]
                    y[rows] = h[:, low:].T
            living = [h] if memory is None else [h, memory.reshape(n_h, n)]
            alive = int(steps.sizes[stop]) if stop < steps.n_steps else 0
            for target, source in zip(final, living, strict=True):
                target[alive:n] = source[:, alive:].T
        return y, final
