"""Linear least squares over lagged rows."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import linalg

#: Numbers in a block of lagged rows (8 MB).
BLOCK_SIZE = 2**20

#: The Gram matrix is trusted while its reciprocal condition number is above this: its
#: solution then has at least the digits of float32; below, QR keeps twice as many.
WELL_CONDITIONED = 1e-9

#: Sums of squared residuals below this share of the squares themselves have lost
#: digits to cancellation, and are summed up from the residuals instead.
CANCELLED = 1e-4


class NothingToSolve(ValueError):
    """No step that counts has as many steps before it as there are lags."""


class LaggedRows:
    """Lagged rows and targets in blocks; the whole lag matrix is never in memory.

    A row holds the values of the last `n_lags` steps, oldest first, and a 1.

    Parameters
    ----------
    data : Dataset
    n_lags : int
        Only steps with so many values up to them enter.
    """

    def __init__(self, data, n_lags):
        self.data, self.n_lags = data, n_lags
        self.n_columns = n_lags * data.x.shape[1] + 1
        self.n_rows, self.weight_sum = 0, 0.0
        self.gram = np.zeros((self.n_columns, self.n_columns))
        self.cross = np.zeros((self.n_columns, data.y.shape[1]))
        self.squares = np.zeros((data.y.shape[1], data.y.shape[1]))
        for z, y, weight_sum in self.blocks():
            self.n_rows += len(z)
            self.weight_sum += weight_sum
            self.gram += z.T @ z
            self.cross += z.T @ y
            self.squares += y.T @ y
        if not np.isfinite(self.gram).all() or not np.isfinite(self.squares).all():
            raise ValueError(
                "The values of X and y, times the roots of their weights, are too "
                "large to square: rescale them, or set standardize=True."
            )
        if not self.weight_sum:
            raise NothingToSolve(
                f"No step with a positive weight has n_lags={n_lags} values before it."
            )

    def blocks(self):
        """Yield rows and targets times the roots of their weights, and their sum.

        All in double precision.
        """
        data, n_rows = self.data, max(1, BLOCK_SIZE // self.n_columns)
        pieces = self._last_windows() if data.last else self._windows()
        for windows, y, weight in pieces:
            for first in range(0, len(y), n_rows):
                part = slice(first, first + n_rows)
                z = np.ones((len(y[part]), self.n_columns))
                z[:, :-1] = windows[part].reshape(len(z), -1)
                targets, w = y[part].astype(float), weight[part].astype(float)
                if not (w == 1).all():
                    root = np.sqrt(w)[:, None]
                    z *= root
                    targets *= root
                yield z, targets, float(w.sum())

    def _windows(self):
        """Windows of every record, (n, n_lags, n_channels), as a view."""
        data = self.data
        for first, length in zip(data.starts, data.lengths, strict=True):
            if length < self.n_lags:
                continue  # what is left of a sequence whose end is held out
            x = data.x[first : first + length]
            windows = sliding_window_view(x, self.n_lags, axis=0).transpose(0, 2, 1)
            ends = slice(first + self.n_lags - 1, first + length)
            yield windows, data.y[ends], data.weight[ends]

    def _last_windows(self):
        """The last window of all records of the same length."""
        data = self.data
        for length in np.unique(data.lengths):
            which = np.flatnonzero(data.lengths == length)
            ends = data.starts[which] + length
            in_order = np.arange(len(which)) * length
            if len(data.x) == length * len(which) and (data.starts == in_order).all():
                windows = data.x.reshape(len(which), length, -1)[:, -self.n_lags :]
            else:
                lags = np.arange(-self.n_lags, 0)
                windows = data.x[ends[:, None] + lags]
            yield windows, data.y[which], data.weight[which]

    def solve(self, alpha):
        """Minimise sum w |y - z beta|^2 + alpha |beta without intercept|^2."""
        gram = self.gram.copy()
        gram[np.diag_indices(self.n_columns - 1)] += alpha
        with np.errstate(all="ignore"):
            well = 1 / np.linalg.cond(gram) > WELL_CONDITIONED
        if well:
            return linalg.cho_solve(linalg.cho_factor(gram), self.cross)
        return self._solve_by_qr(alpha)

    def _solve_by_qr(self, alpha):
        """The same from a triangular factor built up block by block.

        Where several solutions are equally good, the smallest one.
        """
        penalty = np.sqrt(float(alpha)) * np.eye(self.n_columns)
        penalty[-1] = 0
        factor = np.hstack([penalty, np.zeros_like(self.cross)])
        for z, y, _ in self.blocks():
            stacked = np.vstack([factor, np.hstack([z, y])])
            factor = np.linalg.qr(stacked, mode="r")
        # The rank is judged as for the lag matrix itself, not for its small factor.
        negligible = np.finfo(float).eps * max(self.n_rows, self.n_columns)
        left, right = factor[:, : self.n_columns], factor[:, self.n_columns :]
        return linalg.lstsq(left, right, cond=negligible)[0]

    def residual_covariance(self, solution):
        """Weighted mean of the outer products of the residuals."""
        explained = solution.T @ (2 * self.cross - self.gram @ solution)
        total = self.squares - (explained + explained.T) / 2
        if (np.diag(total) < CANCELLED * np.diag(self.squares)).any():
            total = 0.0
            for z, y, _ in self.blocks():
                residual = y - z @ solution
                total = total + residual.T @ residual
        return total / self.weight_sum
