"""The closed loop: outputs return as delayed inputs."""

import numpy as np

from ._base import Layer

#: A free run is held at this many standard deviations of the output. Beyond it the
#: model has diverged: squares stay finite in single precision, and so do gradients.
BOUND = 1e8


class Feedback(Layer):
    """Feed the outputs of a chain of Dense layers back as its last inputs.

    ``y_t = core([u_t, y_{t-1}, ..., y_{t-K}])``. The parameters are those of the core:
    the same vector drives the open loop (the core on measured outputs) and the closed
    one. Gradients pass through the feedback (BPTT).

    Parameters
    ----------
    core : Chain of Dense
        Its first ``core.n_in - K * core.n_out`` inputs come from outside.
    n_lags : int
        K, how many earlier outputs return.
    """

    reach = None

    def __init__(self, core, n_lags):
        self.core, self.n_lags = core, n_lags
        self.n_line = n_lags * core.n_out
        self.n_in, self.n_out = core.n_in - self.n_line, core.n_out
        self.shapes = core.shapes

    def start(self, theta, rng):
        self.core.start(theta, rng)

    def _weights(self, theta):
        """Per layer: (weight, bias, activation); the first weight split in two."""
        dense = [
            (*layer.views(theta[part]).values(), layer.activation)
            for layer, part in zip(self.core.layers, self.core.parts, strict=True)
        ]
        first = dense[0][0]
        return first[: self.n_in], first[self.n_in :], dense

    def forward(self, theta, x, steps, out, state=None, train=False):
        w_in, w_line, dense = self._weights(theta)
        dtype = np.result_type(theta, x)
        outputs = [
            np.empty((steps.n_rows, layer.n_out), dtype) for layer in self.core.layers
        ]
        # All that comes from outside is one product for all steps; the loop is left
        # with the feedback alone.
        np.matmul(x, w_in, out=outputs[0])
        outputs[0] += dense[0][1]
        lines = np.zeros((steps.n_rows, self.n_line), dtype)
        if state is None:
            state = self.state(np.zeros((steps.n_sequences, self.n_line), dtype))
        line, last = state[0], state[0].copy()
        held = np.zeros((steps.n_rows, self.n_out), bool)
        for t, rows in enumerate(steps.slices):
            lines[rows] = line
            y = outputs[0][rows]
            y += line @ w_line
            dense[0][2].apply(y)
            for k, (weight, bias, activation) in enumerate(dense[1:], start=1):
                y = np.matmul(y, weight, out=outputs[k][rows])
                y += bias
                activation.apply(y)
            self._hold(y, held[rows])
            alive = steps.sizes[t + 1] if t + 1 < steps.n_steps else 0
            line = np.concatenate([y, line], axis=1)[:, : self.n_line]
            last[alive : len(line)] = line[alive:]
            line = line[:alive]
        y = outputs[-1] if out is steps else outputs[-1][steps.rows_of(out)]
        if not train:
            return y, self._after(last, held, steps, state), None
        return y, None, (x, lines, outputs, held, steps, out)

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        x, lines, outputs, held, steps, out = cache
        w_in, w_line, dense = self._weights(theta)
        slopes = [np.empty_like(a) for a in outputs]
        for a, slope, (_, _, activation) in zip(outputs, slopes, dense, strict=True):
            activation.slope(a, slope)
        slopes[-1][held] = 0
        deltas = slopes  # each slope becomes dL/dz in its place
        wide = np.zeros_like(outputs[-1])
        wide[steps.rows_of(out)] = dy
        d_line = np.zeros((0, self.n_line), wide.dtype)
        for rows in reversed(steps.slices):
            d = wide[rows]
            n = len(d_line)
            if self.n_lags:
                d[:n] += d_line[:, : self.n_out]
            for k in range(len(dense) - 1, 0, -1):
                deltas[k][rows] *= d
                d = deltas[k][rows] @ dense[k][0].T
            deltas[0][rows] *= d
            back = deltas[0][rows] @ w_line.T
            # line_{t+1} = [y_t, line_t without its oldest entry]
            back[:n, : self.n_line - self.n_out] += d_line[:, self.n_out :]
            d_line = back
        inputs = [np.concatenate([x, lines], axis=1), *outputs[:-1]]
        for a, delta, layer, part in zip(
            inputs, deltas, self.core.layers, self.core.parts, strict=True
        ):
            g = layer.views(dtheta[part])
            g["weight"] += a.T @ delta
            g["bias"] += delta.sum(axis=0)
        return deltas[0] @ w_in.T if need_dx else None

    @staticmethod
    def state(line):
        """The state (line, age, diverged) before the first step.

        Parameters
        ----------
        line : ndarray of shape (n_sequences, n_lags * n_out)
            Outputs before the first step, the newest first.

        Returns
        -------
        list of ndarray
            The line; how many steps have been run, (n_sequences,); and the step from
            which on outputs were held at BOUND (from 0, or -1 for none),
            (n_sequences,).
        """
        n = len(line)
        return [line, np.zeros(n, int), np.full(n, -1)]

    @staticmethod
    def _after(line, held, steps, state):
        """The state after the last step."""
        _, age, diverged = state
        first = np.full(steps.n_sequences, -1)
        rows = np.flatnonzero(held.any(axis=1))[::-1]  # the earliest is written last
        first[steps.sequence[rows]] = steps.step[rows]
        now = np.where(first >= 0, first + age, -1)
        return [line, age + steps.lengths, np.where(diverged >= 0, diverged, now)]

    @staticmethod
    def _hold(y, held):
        """Keep a diverging run finite, and mark its rows."""
        bad = ~(np.abs(y) <= BOUND)
        if bad.any():
            held[...] = bad
            y[bad] = np.sign(np.nan_to_num(y[bad].real)) * BOUND
