"""What a backtest returns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from sklearn.metrics import root_mean_squared_error

from .._typing import Int

Metric: TypeAlias = Callable[..., float]


@dataclass
class BacktestResult:
    """What was forecast, from where, and what came: one entry for each.

    `backtest` returns it. All arrays have their entries in the same order: split by
    split, sequence by sequence, origin by origin.

    Attributes
    ----------
    origin : ndarray of int of shape (n,)
        The row of X from which it was forecast, the last one that was known. Its target
        is the first that was not.
    horizon : ndarray of int of shape (n,)
        How many steps ahead: 1 is the target of the row `origin` itself.
    y, y_pred : ndarray of shape (n,) or (n, n_outputs)
        What came, the target of the row ``origin + horizon - 1``, and its forecast.
    fold : ndarray of int of shape (n,)
        Number of the split.
    sequence : ndarray of shape (n,) or None
        Its value of ``sequence_column``, where there is one.
    quantiles : tuple of float or None
        Which were asked for.
    y_quantiles : ndarray of shape (..., n_quantiles) or None
        As y_pred, with one more axis.
    y_paths : ndarray of shape (..., n_paths) or None
        Sampled paths, with ``return_paths=True``: as y_pred, with one more axis. The
        quantiles of what depends on several steps, such as their sum, can be computed
        from them.
    label : ndarray of shape (n,) or None
        Of the row whose target it is, in the index of X, where X is a DataFrame.

    See Also
    --------
    backtest : Makes it.
    BacktestDisplay : Draws it.

    Examples
    --------
    >>> from sk_rnn import AutoRegressor
    >>> from sk_rnn.datasets import load_sunspots
    >>> from sk_rnn.model_selection import backtest
    >>> series = load_sunspots().data[:, None]
    >>> model = AutoRegressor(n_lags=9, time_axis=0)
    >>> result = backtest(
    ...     model, series[:-1], series[1:, 0], horizon=2, cv=3, quantiles=(0.1, 0.9)
    ... )
    >>> print(result.origin[:4], result.horizon[:4])
    [77 77 78 78] [1 2 1 2]
    >>> 0.7 < result.coverage() < 0.9
    True
    """

    origin: np.ndarray
    horizon: np.ndarray
    y: np.ndarray
    y_pred: np.ndarray
    fold: np.ndarray
    sequence: np.ndarray | None = None
    quantiles: tuple[float, ...] | None = None
    y_quantiles: np.ndarray | None = None
    y_paths: np.ndarray | None = None
    label: np.ndarray | None = None

    def by_horizon(
        self, metric: Metric = root_mean_squared_error
    ) -> tuple[np.ndarray, np.ndarray]:
        """A metric for each number of steps ahead, over targets that were observed.

        Parameters
        ----------
        metric : callable, default=root_mean_squared_error
            Function (y_true, y_pred) -> float.

        Returns
        -------
        horizon : ndarray of int
            Numbers of steps ahead, in rising order.
        value : ndarray of float
            The metric for each of them.
        """
        steps = np.unique(self.horizon)
        which = [self._observed & (self.horizon == h) for h in steps]
        return steps, np.array([metric(self.y[w], self.y_pred[w]) for w in which])

    def coverage(self, low: Int = 0, high: Int = -1) -> float:
        """Share of what came that lies between two of the quantiles.

        Parameters
        ----------
        low : int, default=0
            Position of the lower one among `quantiles`.
        high : int, default=-1
            Position of the upper one.

        Returns
        -------
        share : float
            Between 0 and 1.

        Raises
        ------
        ValueError
            If no quantiles were forecast.
        """
        if self.y_quantiles is None:
            raise ValueError("There is no band: call backtest(..., quantiles=...).")
        above = self.y_quantiles[..., low] <= self.y
        inside = above & (self.y <= self.y_quantiles[..., high])
        return float(inside[self._observed].mean())

    @property
    def _observed(self):
        return ~np.isnan(self.y.reshape(len(self.y), -1)).any(axis=1)

    def to_frame(self) -> Any:
        """Make a DataFrame of it, a row for each forecast.

        Returns
        -------
        frame : DataFrame
            With a column for each attribute that is not None, but for `y_paths`; its
            index is `label`. There is a column for each quantile and each output.
        """
        import pandas as pd

        columns = {"fold": self.fold}
        if self.sequence is not None:
            columns["sequence"] = self.sequence
        columns |= {"origin": self.origin, "horizon": self.horizon}
        columns |= _named("y", self.y) | _named("y_pred", self.y_pred)
        if self.quantiles is not None and self.y_quantiles is not None:
            for k, quantile in enumerate(self.quantiles):
                columns |= _named(f"y_{quantile:g}", self.y_quantiles[..., k])
        return pd.DataFrame(columns, index=self.label)


def _named(name, values):
    """Columns of a frame, numbered if there are several outputs."""
    if values.ndim == 1:
        return {name: values}
    return {f"{name}_{k}": values[:, k] for k in range(values.shape[1])}
