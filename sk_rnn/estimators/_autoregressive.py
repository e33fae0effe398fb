"""AutoRegressor."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar, Literal, overload

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._compat import at_least
from .._typing import ArrayLike, Float, Found, Int, Seed, Yes
from ..data._layout import rows_of_steps
from ..data._state import State
from ..layers import Chain, Delay, Dense
from ._documentation import document
from ._forecast import Options, forecast
from ._lagged_rows import LaggedRows
from ._lags import lags_or_all
from ._outside import Outside
from ._regressor import SequenceRegressor


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
        fixed number of steps. With ``standardize="differences"`` K changes enter, from
        K + 1 values: that is ARI(K, 1), or ARIMA(K, 1, 0).
    alpha : float >= 0, default=0.0
        Ridge penalty: sum of squared residuals plus alpha times the squared
        coefficients, in standard units if `standardize`.
    [data parameters]

    Attributes
    ----------
    coef_ : ndarray of shape (n_columns,) or (n_outputs, n_columns)
        The weights w_k as those of a linear model over the columns of a 2-D X, in their
        order and in units of the data: the prediction after a row is ``X @ coef_.T +
        intercept_``. Columns older than the lags of `lag_coef_` have weight 0, and
        n_columns is ``n_features_in_``. For other forms of X the columns are those of a
        row of so many steps, oldest first, and n_columns is their number times
        n_channels. Without the first axis where y has no axis of outputs.
    intercept_ : float or ndarray of shape (n_outputs,)
        w_0; a float where y has no axis of outputs.
    lag_coef_ : ndarray of shape (n_lags, n_outputs, n_channels)
        The same weights by lag: ``lag_coef_[k - 1]`` is w_k, the weight of the value k
        steps back. With ``standardize="differences"`` there are n_lags + 1, for they
        are those of values here, too.
    noise_covariance_ : ndarray of shape (n_outputs, n_outputs)
        Mean of the squared residuals, and of their products between outputs.
    noise_variance_ : ndarray of shape (n_outputs,)
        Its diagonal, sigma^2.
    aic_, bic_ : float
        Information criteria -2 log L + 2 p and -2 log L + p log n of Akaike and of
        Schwarz. The p parameters are the coefficients, the intercepts and the distinct
        entries of the noise covariance; n is the sum of the weights of the steps that
        enter. Criteria can be compared only if all models are judged on the same steps:
        a `washout` of the largest `n_lags` leaves the same first steps out for each.
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

    n_lags: Int | None = None
    alpha: Float = 0.0

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

    def _train(self, network, data, validation, theta, report):
        report.begin(0)
        theta = np.zeros(network.size, data.x.dtype)
        p = network.views(theta)
        n_lags = network.layers[0].reach + 1
        # The change of a first step is not known.
        rows = LaggedRows(data.behind(1) if self._differencing else data, n_lags)
        solution = rows.solve(float(self.alpha))
        # The delay line puts the newest value first.
        coef = solution[:-1].reshape(n_lags, -1, solution.shape[1])[::-1]
        p["output.weight"][...] = coef.reshape(-1, solution.shape[1])
        p["output.bias"][...] = solution[-1]
        self._set_results(rows, solution, coef)
        return theta

    def _set_results(self, rows, solution, coef):
        n_outputs = solution.shape[1]
        x_scaler, y_scaler = self._x_scaler, self._y_scaler
        if self._differencing:
            x_scaler, y_scaler = self._differencing.x, self._differencing.y
        units = y_scaler.scale[:, None] / x_scaler.scale
        self.lag_coef_ = coef.transpose(0, 2, 1) * units
        mean_part = np.einsum("koc,c->o", self.lag_coef_, x_scaler.mean)
        intercept = y_scaler.mean + solution[-1] * y_scaler.scale - mean_part
        if self._differencing:
            self.lag_coef_ = self._differencing.of_levels(self.lag_coef_)
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
    @overload
    def predict(
        self, X: ArrayLike, return_std: Yes, *, state: State | None = ...
    ) -> tuple[Found, Found]: ...
    @overload
    def predict(
        self,
        X: ArrayLike,
        return_std: Literal[False] = ...,
        *,
        state: State | None = ...,
        return_state: Yes,
    ) -> tuple[Found, State]: ...
    @overload
    def predict(
        self,
        X: ArrayLike,
        return_std: bool = ...,
        *,
        state: State | None = ...,
        return_state: bool = ...,
    ) -> Found: ...
    @document
    def predict(
        self,
        X: ArrayLike,
        return_std: bool = False,
        *,
        state: State | None = None,
        return_state: bool = False,
    ) -> Found:
        """Predict the value after each sequence, or after each step.

        Parameters
        ----------
        [predicted sequences]
        return_std : bool, default=False
            Whether to return the standard deviation of the noise, too.
        [predict state]

        Returns
        -------
        [predictions]
        y_std : ndarray or list of ndarray
            Standard deviation of the prediction error, in the same form; only if
            `return_std`.
        [state behind]
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
        X: ArrayLike,
        n_steps: Int,
        X_future: ArrayLike | None = None,
        *,
        quantiles: Sequence[Float] | np.ndarray | None = None,
        n_paths: Int = 500,
        random_state: Seed = None,
        state: State | None = None,
        return_paths: bool = False,
        as_frame: bool = False,
        return_std: bool = False,
    ) -> Found:
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
