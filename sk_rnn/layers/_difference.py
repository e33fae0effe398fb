"""Changes from step to step in place of levels."""

import numpy as np

from ._base import Layer
from ._skip import rows_wanted


class Difference(Layer):
    """``y_t = x_t - x_{t-1} - drift`` in some columns; the others pass as they are.

    At the first step of a sequence the step before is not known, and y is 0: the mean
    of changes in standard units.

    Parameters
    ----------
    n_columns : int
    columns : sequence of int
        Those that are replaced by their changes.
    drift : ndarray of shape (len(columns),)
        Their mean changes.
    """

    fixed = True
    reach = 1

    def __init__(self, n_columns, columns, drift):
        self.n_in = self.n_out = n_columns
        self.columns, self.drift = list(columns), drift

    def initial_state(self, theta, n_sequences):
        return np.full((n_sequences, len(self.columns)), np.nan, theta.dtype)

    def forward(self, theta, x, steps, wanted, state=None, workspace=None):
        source, (early, _), _ = steps.lagged(wanted, (1,))
        y = np.array(rows_wanted(x, steps, wanted))
        before = x[source[:, 0]][:, self.columns]
        before[early] = 0
        first = early
        if state is not None:
            before[early] = state[wanted.sequence[early]]
            first = early[np.isnan(before[early]).any(axis=1)]
        y[:, self.columns] -= before + self.drift.astype(x.dtype)
        y[np.ix_(first, self.columns)] = 0
        if workspace is None:
            return y, x[steps.ends][:, self.columns], None
        return y, None, (steps, wanted, first)

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        if not need_dx:
            return None
        steps, wanted, first = cache
        source, (early, _), _ = steps.lagged(wanted, (1,))
        dy = np.array(dy)
        dy[np.ix_(first, self.columns)] = 0
        dx = np.zeros((steps.n_rows, self.n_in), dy.dtype)
        dx[slice(None) if wanted is steps else steps.rows_of(wanted)] = dy
        later = np.delete(np.arange(wanted.n_rows), early)
        # No two rows have the same row before them, so -= loses nothing.
        dx[np.ix_(source[later, 0], self.columns)] -= dy[np.ix_(later, self.columns)]
        return dx

    def tangent(self, theta, cache, dx):
        if dx is None:
            return None
        steps, wanted, first = cache
        source, (early, _), _ = steps.lagged(wanted, (1,))
        dy, before = np.array(rows_wanted(dx, steps, wanted)), dx[source[:, 0]]
        before[early] = 0
        dy[:, self.columns] -= before[:, self.columns]
        dy[np.ix_(first, self.columns)] = 0
        return dy
