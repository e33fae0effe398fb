"""The recurrent layer: its parameters, and packed rows for its two passes."""

import numpy as np

from ..numerics._threads import threads, worth
from ._base import Layer
from ._compiled_cell import compiled_cell
from ._dense import glorot_uniform
from ._inference_pass import InferencePass
from ._kernels import Layout
from ._training_pass import TrainingPass


class Recurrent(Layer):
    """A cell over the steps of packed rows.

    Parameters ``weight_input`` (n_in, gates that see x * n_units), ``weight_recurrent``
    (n_units, gates that see h * n_units), ``bias`` (gates that see x * n_units), and
    ``bias_recurrent`` where gates see h alone. Gates lie in the order of the cell.
    Products behind gates and vectors of the cell come on top. If the state before the
    first step is learnt, ``initial_h`` (n_units,) comes last, followed by ``initial_c``
    where the cell has c: all sequences that start afresh begin there.

    Parameters
    ----------
    cell : Cell
    n_in, n_units : int
    time_scale : float, default=None
        Longest memory of units at initialisation, in steps.
    learned_state : bool, default=False
        Whether the state before the first step is a parameter, which starts at zero, or
        always zero.
    """

    reach = None

    def __init__(self, cell, n_in, n_units, time_scale=None, learned_state=False):
        self.cell, self.n_in, self.n_out = cell, n_in, n_units
        self.time_scale = time_scale
        self.layout = Layout(cell, n_in, n_units, learned_state)
        self.shapes = self.layout.shapes()

    def initialise(self, theta, rng):
        """Glorot input weights; recurrent ones orthogonal, so that norms persist."""
        p, cell, n = self.views(theta), self.cell, self.n_out
        bias = self.layout.by_gate(p["bias"], "x")
        for weight in self.layout.by_gate(p["weight_input"], "x").values():
            glorot_uniform(weight, self.n_in, n, rng)
        recurrent = {}
        if "weight_recurrent" in p:
            recurrent = self.layout.by_gate(p["weight_recurrent"], "h")
        products = [p[f"weight_{result}"] for result in cell.products]
        for weight in (*recurrent.values(), *products):
            q, r = np.linalg.qr(rng.standard_normal((n, n)))
            q *= np.sign(np.diag(r)) * cell.recurrent_gain
            weight[...] = q
        for name in ("bias", "bias_recurrent", *cell.vectors, *self.layout.initial):
            if name in p:
                p[name][...] = 0
        cell.initialise(bias, {name: p[name] for name in cell.vectors})
        if self.time_scale is not None and recurrent:
            time_scale = rng.uniform(1 + 1e-3, self.time_scale, n)
            cell.initialise_memory(recurrent, bias, time_scale)

    def initial_state(self, theta, n_sequences):
        state = np.zeros((self.cell.n_states, n_sequences, self.n_out), theta.dtype)
        if self.layout.initial:
            p = self.views(theta)
            for part, name in zip(state, self.layout.initial, strict=True):
                part[...] = p[name]
        return tuple(state)

    def forward(self, theta, x, steps, wanted, state=None, workspace=None):
        dtype = np.result_type(theta, x)
        theta = theta.astype(dtype, copy=False)
        if workspace is None:
            return self.bind(theta)(x, steps, wanted, state)
        fresh = state is None
        if fresh:
            state = self.initial_state(theta, steps.n_sequences)
        training = self._training_pass(steps, wanted, dtype, workspace)
        ticket, shape = training.begin(), (steps.n_steps, steps.n_sequences)
        training.load(self.views(theta))
        with training.surroundings():
            rectangle = _spread(x, steps.cells(steps), shape)
            h = training.forward(rectangle, state, steps.sizes)
        y = _gather(h, steps.cells(wanted) if training.every else None)
        return y, None, (training, ticket, steps, wanted, fresh)

    def bind(self, theta):
        inference = InferencePass(self.layout, self.views(theta))
        one = self.layout.see_h * self.layout.height

        def forward(x, steps, wanted, state=None):
            if state is None:
                state = self.initial_state(theta, steps.n_sequences)
            with threads(worth(one * steps.n_sequences)):
                return *inference.forward(x, steps, wanted, state), None

        return forward

    def runs_beside(self, dtype, lengths):
        return compiled_cell(self.layout, dtype) is not None

    def _training_pass(self, steps, wanted, dtype, workspace):
        """Memory for such steps; of more than the last step if more is wanted."""
        every = _every(steps, wanted)
        n_steps, n = steps.n_steps, steps.n_sequences
        return workspace.recall(
            (self, n, every, dtype),
            lambda: TrainingPass(self.layout, n_steps, n, dtype, every),
            serves=lambda made: made.n_steps >= n_steps,
        )

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        training, ticket, steps, wanted, fresh = cache
        training.check(ticket)
        cells = steps.cells(wanted) if training.every else None
        n_steps = steps.n_steps if training.every else 1
        dy = _spread(dy, cells, (n_steps, steps.n_sequences))
        with training.surroundings():
            training.backward(dy)
        training.add_gradient(self.views(dtheta), fresh)
        if not need_dx:
            return None
        dx = training.input_gradient(self.views(theta)["weight_input"])
        return _gather(dx, steps.cells(steps))

    def unit_gradients(self, theta, dy, cache):
        training, ticket, steps, *_ = cache
        training.check(ticket)
        cells = steps.cells(steps)
        return [tuple(_gather(d, cells) for d in training.unit_gradients())]

    @property
    def n_kept(self):
        blocks = len(self.layout.derivatives) + len(self.cell.products) + 3
        return self.layout.height + blocks * self.layout.n_units

    def n_tangents(self, steps, wanted):
        n_steps = steps.n_steps if _every(steps, wanted) else self.cell.n_states
        return n_steps * steps.n_sequences * self.n_out

    def tangent(self, theta, cache, dx):
        training, ticket, steps, wanted, fresh = cache
        training.check(ticket)
        shape = steps.n_steps, steps.n_sequences
        if dx is not None:
            n_before = dx.shape[2]
            dx = _spread(dx.reshape(len(dx), -1), steps.cells(steps), shape)
            dx = dx.reshape(*shape, self.n_in, n_before)
        dh = training.tangent(self.views(theta), dx, fresh)
        n_columns = dh.shape[-1]
        cells = steps.cells(wanted) if training.every else None
        return _gather(dh, cells).reshape(wanted.n_rows, self.n_out, n_columns)


def _every(steps, wanted):
    """Whether outputs of more than the last step of the rectangle are wanted."""
    return wanted is steps or steps.ragged or wanted.n_steps > 1


def _spread(rows, cells, shape):
    """Rows as a rectangle (n_steps, n_sequences, n_columns), zero between them."""
    if cells is None:
        return rows.reshape(*shape, -1)
    rectangle = np.zeros((shape[0] * shape[1], rows.shape[1]), rows.dtype)
    rectangle[cells] = rows
    return rectangle.reshape(*shape, -1)


def _gather(rectangle, cells):
    """Rows of a rectangle (n_steps, n_sequences, ...)."""
    rows = np.ascontiguousarray(rectangle)
    rows = rows.reshape(rows.shape[0] * rows.shape[1], *rows.shape[2:])
    return rows if cells is None else rows[cells]
