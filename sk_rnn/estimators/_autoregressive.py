"""AutoRegressor."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import linalg
from sklearn.utils.validation import check_is_fitted

from .._compat import at_least
from ..data._layout import rows_of_steps
from ..layers import Chain, Delay, Dense
from ._documentation import document
from ._forecast import Options, forecast
from ._lags import lags_or_all
from ._outside import Outside
from ._regressor import SequenceRegressor

#: Numbers in a block of lagged rows (8 MB).
BLOCK_SIZE = 2**20

#: The Gram matrix is trusted while its reciprocal condition number is above this: its
#: solution then has at least the digits of float32; below, QR keeps twice as many.
WELL_CONDITIONED = 1e-9


#: Sums of squared residuals below this share of the squares themselves have lost
#: digits to cancellation, and are summed up from the residuals instead.
CANCELLED = 1e-4


@document
@dataclass(kw_only=True, eq=False, repr=False)
class AutoRegressor(SequenceRegressor):
    r"""Linear autoregression, in closed form.

    .. math:: y_t = w_0 + \sum_{k=1}^{K} w_k \, y_{t-k} + \varepsilon_t, \qquad
              \varepsilon_t \sim N(0, \sigma^2)

    X holds the past, the newest value last, and y the value that comes next: the last
    step of a sequence is y_{t-1}. Several channels make it a vector autoregression
    (VAR). Only steps with K values up to them enter the fit (conditional least
    squares). The lag matrix is never in memory as a whole: normal equations are
    accumulated in blocks, or, where they are ill-conditioned, a QR factor. Steps at
    which an output is missing (``missing_targets="ignore"``) are left out as a whole.

    Parameters
    ----------
    n_lags : int or None, default=None
        K, how many past values enter. None: every step of the row, where rows have a
        fixed number of steps.
    alpha : float >= 0, default=0.0
        Ridge penalty: sum of squared residuals plus alpha times the squared
        coefficients, in standard units if `standardize`.
    [data parameters]

    Attributes
    ----------
    coef_ : ndarray of shape (n_columns,) or (n_outputs, n_columns)
        The weights w_k as those of a linear model over the columns of a 2-D X, in their
        order and in units of the data: the prediction after a row is ``X @ coef_.T +
        intercept_``. Columns older than `n_lags` steps have weight 0, and n_columns is
        ``n_features_in_``. For other forms of X the columns are those of a row of
        `n_lags` steps, oldest first, and n_columns is n_lags * n_channels. Without the
        first axis where y has no axis of outputs.
    intercept_ : float or ndarray of shape (n_outputs,)
        w_0; a float where y has no axis of outputs.
    lag_coef_ : ndarray of shape (n_lags, n_outputs, n_channels)
        The same weights by lag: ``lag_coef_[k - 1]`` is w_k, the weight of the value k
        steps back.
    noise_covariance_ : ndarray of shape (n_outputs, n_outputs)
        Mean of the squared residuals, and of their products between outputs.
    noise_variance_ : ndarray of shape (n_outputs,)
        Its diagonal, sigma^2.
    aic_, bic_ : float
        Information criteria -2 log L + 2 p and -2 log L + p log n of Akaike and of
        Schwarz. The p parameters are the coefficients, the intercepts and the distinct
        entries of the noise covariance; n is the sum of the weights of the steps that
        enter.
    [data attributes]

    See Also
    --------
    TDNNRegressor : The nonlinear counterpart.
    NARXRegressor : With inputs besides the series itself.

    References
    ----------
    H. Luetkepohl, "New Introduction to Multiple Time Series Analysis", Springer 2005,
    chapters 2 and 3.

    Examples
    --------
    >>> from sk_rnn import AutoRegressor
    >>> from sk_rnn.datasets import load_sunspots
    >>> series = load_sunspots().data[:, None]
    >>> model = AutoRegressor(n_lags=9, time_axis=0).fit(series[:-1], series[1:, 0])
    >>> y, y_std = model.forecast(series, n_steps=3, return_std=True)
    >>> y.shape, bool(y_std[0] < y_std[1] < y_std[2])
    ((3,), True)
    """

    n_lags: int | None = None
    alpha: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        **SequenceRegressor._parameter_constraints,
        "n_lags": [at_least(1), None],
        "alpha": [at_least(0, Real)],
    }

    def _build(self, n_channels, n_outputs, n_steps):
        if self.n_lags is None:
            n_lags = 1 + lags_or_all("n_lags", None, n_steps)
        else:
            n_lags = int(self.n_lags)
        delay = Delay([(n_channels, range(n_lags))])
        return Chain({"delay": delay, "output": Dense(delay.n_out, n_outputs)})

    # ------------------------------------------------------------------- fitting
    def _distinct(self, samples):
        return samples.complete()

    def _train(self, network, data, theta, report):
        report.begin(0)
        theta = np.zeros(network.size, data.x.dtype)
        p = network.views(theta)
        n_lags = network.layers[0].reach + 1
        rows = _Rows(data, n_lags)
        solution = rows.solve(self.alpha)
        # The delay line puts the newest value first.
        coef = solution[:-1].reshape(n_lags, -1, solution.shape[1])[::-1]
        p["output.weight"][...] = coef.reshape(-1, solution.shape[1])
        p["output.bias"][...] = solution[-1]
        self._set_results(rows, solution, coef)
        return theta

    def _set_results(self, rows, solution, coef):
        n_outputs = solution.shape[1]
        x_scaler, y_scaler = self._x_scaler, self._y_scaler
        units = y_scaler.scale[:, None] / x_scaler.scale
        self.lag_coef_ = coef.transpose(0, 2, 1) * units
        mean_part = np.einsum("koc,c->o", self.lag_coef_, x_scaler.mean)
        intercept = y_scaler.mean + solution[-1] * y_scaler.scale - mean_part
        coef = self._by_column(self.lag_coef_)
        self.coef_ = coef[0] if self._flat else coef
        self.intercept_ = float(intercept[0]) if self._flat else intercept
        covariance = rows.residual_covariance(solution)
        covariance *= y_scaler.scale[:, None] * y_scaler.scale
        self.noise_covariance_ = covariance
        self.noise_variance_ = np.diag(covariance).copy()
        n = rows.weight_sum
        sign, log_det = np.linalg.slogdet(covariance)
        log_det = log_det if sign > 0 else -np.inf
        log_likelihood = -0.5 * n * (n_outputs * (np.log(2 * np.pi) + 1) + log_det)
        n_parameters = solution.size + n_outputs * (n_outputs + 1) / 2
        self.aic_ = float(-2 * log_likelihood + 2 * n_parameters)
        self.bic_ = float(-2 * log_likelihood + np.log(n) * n_parameters)

    def _by_column(self, lag_coef):
        """Weights by lag as those of the columns of a row, (n_outputs, n_columns)."""
        n_lags, n_outputs, n_channels = lag_coef.shape
        is_rows = self._form == "rows"
        n_steps = self.n_features_in_ // n_channels if is_rows else n_lags
        window = np.zeros((n_outputs, n_steps, n_channels))
        window[:, n_steps - n_lags :] = lag_coef[::-1].transpose(1, 0, 2)
        return rows_of_steps(self, window)

    # ---------------------------------------------------------------- prediction
    def predict(self, X, return_std=False, *, state=None, return_state=False):
        """Predict the value after each sequence, or after each step.

        Parameters
        ----------
        X : array-like or list of array-like
            Sequences in the form that `fit` saw. With ``time_axis=0`` the rows are
            taken to follow the training rows, sequence by sequence, unless they are
            the training rows themselves, or ``carry_state=False``.
        return_std : bool, default=False
            Also return the standard deviation of the noise.
        state : State, default=None
            What is known of the past of these sequences, from `warm_up` or from an
            earlier `predict`. Rows may so come one by one.
        return_state : bool, default=False
            Also return the state behind X.

        Returns
        -------
        y : ndarray or list of ndarray
            In the form of the y that `fit` saw.
        y_std : ndarray or list of ndarray
            Standard deviation of the prediction error, in the same form; only if
            `return_std`.
        state : State
            Only if `return_state`.
        """
        found = super().predict(X, state=state, return_state=return_state)
        if not return_std:
            return found
        y, *after = found if return_state else (found,)
        return y, self._noise_std(y), *after

    def _noise_std(self, y):
        """Standard deviation of the noise in the form of predictions y."""
        deviation = np.sqrt(self.noise_variance_)
        deviation = deviation[0] if self._flat else deviation
        if isinstance(y, list):
            return [np.full_like(part, deviation) for part in y]
        return np.full_like(y, deviation)

    @document
    def forecast(
        self,
        X,
        n_steps,
        X_future=None,
        *,
        return_std=False,
        quantiles=None,
        n_paths=500,
        random_state=None,
        state=None,
        return_paths=False,
        as_frame=False,
    ):
        """Forecast each sequence `n_steps` steps ahead.

        Parameters
        ----------
        [forecast parameters]
        return_std : bool, default=False
            Also return the standard deviation of the forecast error: the square root of
            the diagonal of ``sum_{j<h} Psi_j S Psi_j'`` for step h, where S is
            ``noise_covariance_`` and Psi_j the response after j steps (Luetkepohl, New
            Introduction to Multiple Time Series Analysis, 2005, eq. 2.2.11).

        Returns
        -------
        [forecast results]
        y_std : ndarray
            In the same form, behind y; only if `return_std`.

        Raises
        ------
        ValueError
            If the targets are not the next values of channels of X, or X_future does
            not fit.
        """
        check_is_fitted(self)
        options = Options(
            quantiles, n_paths, random_state, return_paths, as_frame, return_std
        )
        return forecast(Outside(self), X, n_steps, X_future, state, options)

    def _forecast_std(self, n_steps, places):
        q = self.n_outputs_
        response, coefs = [np.eye(q)], self.lag_coef_[:, :, places]
        while len(response) < n_steps:
            # Psi_j = sum_k A_k Psi_{j-k}
            newest_first = response[: -len(coefs) - 1 : -1]
            pairs = zip(coefs, newest_first, strict=False)
            response.append(sum(a @ psi for a, psi in pairs))
        response = np.array(response)
        variances = np.einsum(
            "hij,jk,hik->hi", response, self.noise_covariance_, response
        )
        return np.sqrt(np.cumsum(variances, axis=0))

    def _noise(self, rng, n_paths, n_steps):
        q = self.n_outputs_
        units = np.outer(self._y_scaler.scale, self._y_scaler.scale)
        values, vectors = np.linalg.eigh(self.noise_covariance_ / units)
        root = vectors * np.sqrt(np.maximum(values, 0))
        return rng.standard_normal((n_paths, n_steps, q)) @ root.T


class _Rows:
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
        if not self.weight_sum:
            raise ValueError(
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
            if len(which) == data.n_sequences:
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
        penalty = np.sqrt(alpha) * np.eye(self.n_columns)
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
