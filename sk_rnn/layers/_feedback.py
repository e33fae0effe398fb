"""The closed loop: outputs return as delayed inputs."""

from typing import NamedTuple

import numpy as np

from ..numerics._activations import ACTIVATIONS
from ..numerics._program import can_compile
from ._base import Layer
from ._delay import taps_of
from ._dense import Dense
from ._free_run import FreeRun
from ._loop_program import PAYS
from ._tangent import dense_tangent

#: A free run is held at this many standard deviations of the output. Beyond it the
#: model has diverged: squares stay finite in single precision, and so do gradients.
BOUND = 1e8


class LoopState(NamedTuple):
    """State of a closed loop.

    Attributes
    ----------
    line : ndarray of shape (n_sequences, n_line)
        The outputs before that return, in the order of the inputs of the core.
    age : ndarray of int of shape (n_sequences,)
        How many steps have been simulated.
    diverged : ndarray of int of shape (n_sequences,)
        The step from which on outputs were held at BOUND (from 0; -1 for none).
    """

    line: np.ndarray
    age: np.ndarray
    diverged: np.ndarray


class Feedback(Layer):
    """Feed the outputs of a chain of Dense layers back as its last inputs.

    ``y_t = core([u_t, y_{t-1}, ..., y_{t-K}])``. The parameters are those of the core:
    the same vector drives the open loop (the core on measured outputs) and the closed
    one. Gradients pass through the feedback (BPTT).

    Where the outputs return over different numbers of steps, the core has inputs for
    those values alone that return. The loop runs on whole lines of ``n_lags * n_out``
    values all the same, with weights of zero for the others.

    Parameters
    ----------
    core : Chain of Dense
        Its last `n_line` inputs are the values that return; those before come from
        outside.
    n_lags : int or sequence of int
        K, over how many steps the outputs return, all alike or each.

    Attributes
    ----------
    n_lags : int
        The largest K.
    n_line : int
        How many values return.
    taps : list of (int, range)
        The delay line of the outputs that would give these values; see `Delay`.
    """

    reach = None

    def __init__(self, core, n_lags):
        each = [int(n) for n in np.broadcast_to(n_lags, core.n_out)]
        self.core, self.n_lags, self.n_line = core, max(each), sum(each)
        self.taps = taps_of([range(1, n + 1) for n in each])
        self.n_in, self.n_out = core.n_in - self.n_line, core.n_out
        self.shapes = core.shapes
        if core.layers[-1].activation is not ACTIVATIONS["identity"]:
            raise ValueError("The last layer of a closed loop must be linear.")

    @property
    def returning(self):
        """Lag and output of each value that returns, (2, n_line)."""
        found, first = [], 0
        for width, lags in self.taps:
            columns = range(first, first + width)
            found += [(lag, column) for lag in lags for column in columns]
            first += width
        return np.array(found, int).reshape(-1, 2).T

    @property
    def _used(self):
        """The places in a whole line of the values that return."""
        if len(self.taps) == 1:
            return slice(None)
        lag, output = self.returning
        return (lag - 1) * self.n_out + output

    def _whole(self, values):
        """One entry for each value of a whole line, along the first axis.

        Those that do not return are zero.
        """
        if len(self.taps) == 1:
            return values
        whole = np.zeros((self.n_lags * self.n_out, *values.shape[1:]), values.dtype)
        whole[self._used] = values
        return whole

    def outputs_before(self, line):
        """The outputs before a step, (n, n_lags, n_out), the newest first.

        Zero where they do not return, so that nothing is known of them.
        """
        return self._whole(line.T).T.reshape(len(line), self.n_lags, self.n_out)

    def line_behind(self, y, line):
        """The line (n_line,) behind outputs y (n, n_out) that follow `line`."""
        newest_first = y[::-1][: self.n_lags].reshape(-1)
        now = np.concatenate([newest_first, self._whole(line)])
        return now[: self.n_lags * self.n_out][self._used]

    def runs_beside(self, dtype, lengths):
        pays = lengths.max() >= PAYS * len(np.unique(lengths))
        runs_compiled = len(self.core.layers) > 1 and self.n_line > 0
        return pays and runs_compiled and can_compile(dtype)

    def initialise(self, theta, rng):
        self.core.initialise(theta, rng)

    def _parameters(self, theta):
        """Parameters of each layer by name, and the first weight in two parts."""
        named = [
            layer.views(theta[part])
            for layer, part in zip(self.core.layers, self.core.parts, strict=True)
        ]
        first = named[0]["weight"]
        return named, first[: self.n_in], first[self.n_in :]

    def initial_state(self, theta, n_sequences):
        return self.state(np.zeros((n_sequences, self.n_line), theta.dtype))

    def forward(self, theta, x, steps, wanted, state=None, workspace=None):
        if state is None:
            state = self.initial_state(theta, steps.n_sequences)
        state = LoopState(*state)
        memory = self._memory(steps, np.result_type(theta, x, state.line), workspace)
        ticket = memory.begin()
        held = self._simulate(theta, x, memory, state.line, hold=False)
        if not np.abs(memory.past).max(initial=0) <= BOUND:
            held = self._simulate(theta, x, memory, state.line, hold=True)
        y = memory.past[memory.places]
        y = y if wanted is steps else y[steps.rows_of(wanted)]
        if workspace is None:
            return y, self._after(memory, held, state), None
        return y, None, (x, memory, ticket, held, wanted)

    def _memory(self, steps, dtype, workspace):
        """Memory for a simulation; in training that of an earlier one."""
        *hidden, _ = self.core.layers
        widths = [layer.n_out for layer in self.core.layers]
        activations = [layer.activation for layer in hidden]

        def make():
            return FreeRun(widths, self.n_lags, steps, dtype, activations)

        if workspace is None:
            return make()
        return workspace.recall((self, steps, dtype), make)

    def _simulate(self, theta, x, memory, line, hold):
        """Run all steps.

        Returns
        -------
        held : ndarray of shape (n_rows, n_out), of bool, or None
            Which outputs were held at BOUND, if `hold`.
        """
        named, w_in, w_line = self._parameters(theta)
        *hidden, _ = self.core.layers
        held = np.zeros((len(x), self.n_out), bool) if hold else None
        memory.load(self._whole(line.T).T)
        w_line = self._whole(w_line)
        with np.errstate(over="ignore", invalid="ignore"):  # told by the state
            # All that comes from outside is one product for all steps; the loop is
            # left with the feedback alone. The last bias is added on the way to `past`.
            first = np.matmul(x, w_in, out=memory.layers[0])
            if hidden:
                first += named[0]["bias"]
            if memory.program and not hold:
                memory.program.forward(w_line, named[1:])
                return None
            for rows, line, fed_back, layers, output, newest, *_ in memory.steps:
                y = layers[0]
                y += np.matmul(line, w_line, out=fed_back)
                if hidden:
                    hidden[0].activation.apply(y, y)
                    for k in range(1, len(hidden)):
                        hidden[k].compute(named[k], y, layers[k])
                        y = layers[k]
                    y = np.matmul(y, named[-1]["weight"], out=output)
                np.add(y, named[-1]["bias"], newest)
                if hold:
                    self._hold(newest, held[rows])
        return held

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        x, memory, ticket, held, wanted = cache
        memory.check(ticket)
        steps, deltas = memory.structure, memory.deltas
        named, w_in, w_line = self._parameters(theta)
        *hidden, _ = self.core.layers
        for layer, a, d in zip(hidden, memory.layers, deltas, strict=False):
            layer.activation.slope(a, d)
        where = memory.places
        if wanted is not steps:
            where = tuple(place[steps.rows_of(wanted)] for place in where)
        memory.d_past[...] = 0
        memory.d_past[where] = dy
        if memory.program and held is None:
            memory.program.backward()
        else:
            weights = [p["weight"] for p in named[:0:-1]]
            self._go_back(memory, weights, self._whole(w_line), held)
        deltas = [*(deltas if hidden else ()), memory.d_past[memory.places]]
        lines = memory.lines(steps.step, steps.sequence)
        (first, *rest), g_in, g_line = self._parameters(dtheta)
        Dense.add_gradient({"weight": g_in, "bias": first["bias"]}, x, deltas[0])
        g_line += (lines.T @ deltas[0])[self._used]
        for g, a, delta in zip(rest, memory.layers, deltas[1:], strict=False):
            Dense.add_gradient(g, a, delta)
        return deltas[0] @ w_in.T if need_dx else None

    @staticmethod
    def _go_back(memory, weights, w_line, held):
        """Turn slopes into gradients, and add to dL/dy, from the last step on."""
        w_back = np.ascontiguousarray(w_line.T)
        for rows, *_, slopes, d, back, d_line in reversed(memory.steps):
            if held is not None:
                d[held[rows]] = 0
            for weight, slope in zip(weights, slopes[::-1], strict=False):
                slope *= _through(d, weight)
                d = slope
            d_line += np.matmul(d, w_back, out=back)

    @property
    def n_kept(self):
        return self.core.n_kept

    def n_tangents(self, steps, wanted):
        return steps.n_sequences * (self.n_lags + steps.n_steps) * self.n_out

    def tangent(self, theta, cache, dx):
        x, memory, ticket, held, wanted = cache
        memory.check(ticket)
        steps = memory.structure
        used, n_before = self._used, 0 if dx is None else dx.shape[2]
        size = n_before + self.size
        # In the order of `past`, so that the tangent of a line is a view here, too.
        d_past = np.zeros((*memory.past.shape, size), memory.past.dtype)
        shape = steps.n_rows, self.n_in, size
        d_in = np.zeros(shape if dx is not None else (0, *shape[1:]), memory.past.dtype)
        d_in[..., :n_before] = 0 if dx is None else dx
        slopes = [np.empty_like(a) for a in memory.layers]
        for a, slope, layer in zip(
            memory.layers, slopes, self.core.layers, strict=False
        ):
            layer.activation.slope(a, slope)
        for t, rows in enumerate(steps.slices):
            n, first = int(steps.sizes[t]), (steps.n_steps - t) * self.n_out
            line = slice(first, first + memory.n_line)
            y, d_y = memory.past[:n, line], d_past[:n, line]
            y = np.concatenate([x[rows], y[:, used]], axis=1)
            d_x = np.zeros((n, *d_in.shape[1:])) if dx is None else d_in[rows]
            dy, begin = np.concatenate([d_x, d_y[:, used]], axis=1), n_before
            for k, layer in enumerate(self.core.layers):
                weight = layer.views(theta[self.core.parts[k]])["weight"]
                linear = k == len(self.core.layers) - 1
                slope = None if linear else slopes[k][rows]
                dy = dense_tangent(weight, y, slope, dy, begin, size)
                begin += layer.size
                y = memory.layers[k][rows] if not linear else None
            if held is not None:
                dy[held[rows]] = 0
            d_past[:n, first - self.n_out : first] = dy
        found = d_past[memory.places]
        return found if wanted is steps else found[steps.rows_of(wanted)]

    def unit_gradients(self, theta, dy, cache):
        memory, (named, _, _) = cache[1], self._parameters(theta)
        memory.check(cache[2])
        weights = [p["weight"] for p in named[1:]]
        hidden = memory.deltas if weights else []
        deltas = [*hidden, memory.d_past[memory.places]]
        found = [
            (delta, behind @ weight.T)
            for delta, behind, weight in zip(hidden, deltas[1:], weights, strict=True)
        ]
        return [*found, (deltas[-1], deltas[-1])]

    @staticmethod
    def state(line):
        """The state before the first step, the line being known."""
        n = len(line)
        return LoopState(line, np.zeros(n, int), np.full(n, -1))

    def _after(self, memory, held, state):
        """The state after the last step."""
        _, age, diverged = state
        steps = memory.structure
        first = np.full(steps.n_sequences, -1)
        if held is not None:
            rows = np.flatnonzero(held.any(axis=1))[::-1]  # the earliest comes last
            first[steps.sequence[rows]] = steps.step[rows]
        now = np.where(first >= 0, first + age, -1)
        lines = memory.lines(steps.lengths, np.arange(steps.n_sequences))
        return LoopState(
            lines[:, self._used],
            age + steps.lengths,
            np.where(diverged >= 0, diverged, now),
        )

    @staticmethod
    def _hold(y, held):
        """Keep a diverging run finite, and mark its rows."""
        bad = ~(np.abs(y) <= BOUND)
        if bad.any():
            held[...] = bad
            y[bad] = np.sign(np.nan_to_num(y[bad].real)) * BOUND


def _through(delta, weight):
    """``delta @ weight.T``; for a single output as the multiplication that it is."""
    return delta * weight[:, 0] if weight.shape[1] == 1 else delta @ weight.T
