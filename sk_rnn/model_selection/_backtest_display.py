"""Pictures of a backtest."""

from typing import Any, Literal, Self, TypeAlias

import numpy as np
from sklearn.metrics import root_mean_squared_error

from .._packages import required
from .._typing import ArrayLike, Int
from ._backtest import backtest
from ._backtest_result import BacktestResult, Metric

Kind: TypeAlias = Literal["error", "forecast"]


class BacktestDisplay:
    """What was forecast beside what came, or the error by steps ahead.

    Best made by `from_estimator`, or of a result by ``BacktestDisplay(result).plot()``.

    Parameters
    ----------
    result : BacktestResult
        What `backtest` returned.
    name : str, default=None
        Of the model, for the label.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure around it.
    lines_ : list of matplotlib Line2D
        The error; or what came, then what was forecast.

    See Also
    --------
    backtest : The numbers.

    Examples
    --------
    >>> from sk_rnn import AutoRegressor
    >>> from sk_rnn.datasets import load_sunspots
    >>> from sk_rnn.model_selection import BacktestDisplay
    >>> series = load_sunspots().data[:, None]
    >>> ax = None
    >>> for n_lags in (2, 9):
    ...     display = BacktestDisplay.from_estimator(
    ...         AutoRegressor(n_lags=n_lags, time_axis=0),
    ...         series[:-1],
    ...         series[1:, 0],
    ...         horizon=10,
    ...         name=f"AR({n_lags})",
    ...         ax=ax,
    ...     )
    ...     ax = display.ax_
    >>> len(ax.lines)
    2
    """

    def __init__(self, result: BacktestResult, *, name: str | None = None) -> None:
        self.result = result
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        kind: Kind = "error",
        name: str | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Backtest an estimator and draw the result.

        Parameters
        ----------
        estimator : estimator
            With ``time_axis=0``; see `backtest`.
        X : array-like of shape (n_rows, n_columns)
            Rows in time order.
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            The target of each row.
        kind : {"error", "forecast"}, default="error"
            What is drawn; see `plot`.
        name : str, default=None
            Of the model; None is the name of its class.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **options : dict
            For `backtest`: `horizon`, and more.

        Returns
        -------
        display : BacktestDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        required("matplotlib.pyplot", cls.__name__, "plot")
        result = backtest(estimator, X, y, **options)
        name = type(estimator).__name__ if name is None else name
        return cls(result, name=name).plot(ax, kind=kind)

    def plot(
        self,
        ax: Any = None,
        *,
        kind: Kind = "error",
        metric: Metric = root_mean_squared_error,
        horizon: Int | None = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        kind : {"error", "forecast"}, default="error"
            "error": `metric` by number of steps ahead. "forecast": what came and what
            was forecast `horizon` steps before, over the rows of X, with the band of
            the lowest and the highest quantile, for the first output and sequence.
        metric : callable, default=root_mean_squared_error
            Function (y_true, y_pred) -> float.
        horizon : int, default=None
            Steps ahead of "forecast"; None is the longest.

        Returns
        -------
        display : BacktestDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `kind` or `horizon` does not exist.
        """
        plt = required("matplotlib.pyplot", type(self).__name__, "plot")
        if kind not in ("error", "forecast"):
            raise ValueError(f"kind must be 'error' or 'forecast'; got {kind!r}.")
        steps = np.unique(self.result.horizon)
        horizon = steps[-1] if horizon is None else horizon
        if horizon not in steps:
            raise ValueError(f"horizon={horizon}, but 1 to {steps[-1]} were forecast.")
        if ax is None:
            _, ax = plt.subplots()
        if kind == "error":
            self.lines_ = ax.plot(
                *self.result.by_horizon(metric), marker="o", label=self.name
            )
            ax.set(xlabel="steps ahead", ylabel=getattr(metric, "__name__", "error"))
        else:
            self.lines_ = self._plot_forecast(ax, horizon)
        if any(line.get_label()[:1] != "_" for line in self.lines_):
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_forecast(self, ax, horizon):
        result = self.result
        which = result.horizon == horizon
        if result.sequence is not None:
            which &= result.sequence == result.sequence[0]
        row = result.origin + horizon - 1 if result.label is None else result.label
        n = len(result.y)
        row, y = row[which], result.y.reshape(n, -1)[which, 0]
        y_pred = result.y_pred.reshape(n, -1)[which, 0]
        label = f"{self.name or 'forecast'}, {horizon} step(s) ahead"
        lines = ax.plot(row, y, color="black", label="what came")
        lines += ax.plot(row, y_pred, label=label)
        if result.y_quantiles is not None:
            band = result.y_quantiles.reshape(n, -1, len(result.quantiles))[which, 0]
            low, high = band.min(axis=1), band.max(axis=1)
            ax.fill_between(row, low, high, color=lines[-1].get_color(), alpha=0.2)
        ax.set(xlabel="row" if result.label is None else "", ylabel="target")
        return lines
