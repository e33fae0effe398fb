"""The picture of a forecast."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from .._compat import at_least, check_parameters
from .._typing import ArrayLike, Columns, Float, Int, Seed
from ..data._frames import index_of
from ..data._future import container
from ..data._state import State
from ..estimators._forecast import target_positions
from ..estimators._through import forecast as forecast_through
from ..estimators._through import unwrap
from ._drawing import (
    Display,
    check_index,
    draw_bands,
    draw_history,
    free_colors,
    names_for,
    styled,
)
from ._series import (
    as_bands,
    as_steps,
    history_of,
    index_of_future,
    label_time,
    target_names,
    timeline,
)


class ForecastDisplay(Display):
    """A series, its forecast with prediction bands, and what came, if that is known.

    One panel for each output. Best made by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    history : ndarray of shape (n_history, n_outputs)
        What was known.
    forecast : ndarray of shape (n_steps, n_outputs)
        What is predicted.
    quantile_forecast : ndarray of shape (n_steps, n_outputs, n_quantiles), default=None
        As `forecast` of the estimators returns it.
    quantiles : sequence of float, default=None
        Of which these are the values.
    y_true : ndarray of shape (n_steps, n_outputs), default=None
        What came.
    history_time, forecast_time : ndarray, default=None
        Dates or numbers of the steps, of shape (n_history,) and (n_steps,). None: they
        are counted from the newest step that is known, which is 0.
    output_names : list of str of length n_outputs, default=None
        None is "output 0" and so on.
    name : str, default=None
        Of the model, for the label.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_outputs,)
        The panels.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure around it.
    history_lines_, forecast_lines_, true_lines_ : list of matplotlib Line2D
        One for each output; none where there is nothing to draw.
    bands_ : list of matplotlib PolyCollection
        Output by output, the widest band first.

    See Also
    --------
    sk_rnn.forecast : The numbers.
    sk_rnn.model_selection.BacktestDisplay : Forecasts from many origins.

    Examples
    --------
    >>> from sk_rnn import AutoRegressor
    >>> from sk_rnn.datasets import load_sunspots
    >>> from sk_rnn.inspection import ForecastDisplay
    >>> series = load_sunspots().data[:, None]
    >>> past, later = series[:-12], series[-12:]
    >>> model = AutoRegressor(n_lags=9, time_axis=0).fit(past[:-1], past[1:, 0])
    >>> display = ForecastDisplay.from_estimator(
    ...     model, past, n_steps=12, y_true=later, n_history=50
    ... )
    >>> [line.get_label() for line in display.ax_.lines]
    ['history', 'newest known step', 'AutoRegressor', 'what came']
    >>> [band.get_label() for band in display.bands_]
    ['10 % to 90 %']
    """

    history_lines_: list[Any]
    forecast_lines_: list[Any]
    true_lines_: list[Any]
    bands_: list[Any]

    def __init__(
        self,
        history: np.ndarray,
        forecast: np.ndarray,
        *,
        quantile_forecast: np.ndarray | None = None,
        quantiles: Sequence[Float] | np.ndarray | None = None,
        y_true: np.ndarray | None = None,
        history_time: np.ndarray | None = None,
        forecast_time: np.ndarray | None = None,
        output_names: Sequence[str] | None = None,
        name: str | None = None,
    ) -> None:
        self.history = history
        self.forecast = forecast
        self.quantile_forecast = quantile_forecast
        self.quantiles = quantiles
        self.y_true = y_true
        self.history_time = history_time
        self.forecast_time = forecast_time
        self.output_names = output_names
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        n_steps: Int,
        X_future: ArrayLike | None = None,
        *,
        y_true: ArrayLike | None = None,
        quantiles: Sequence[Float] | np.ndarray | None = (0.1, 0.9),
        sequence: Int = 0,
        target_columns: Columns | None = None,
        n_paths: Int = 500,
        random_state: Seed = None,
        state: State | None = None,
        n_history: Int | None = None,
        show_history: bool = True,
        name: str | None = None,
        ax: Any = None,
        **line_kwargs: Any,
    ) -> Self:
        """Forecast with a fitted estimator, or with a pipeline around it, and draw it.

        The index of a DataFrame is the axis of time where it holds dates, periods or
        numbers and goes on evenly.

        Parameters
        ----------
        estimator : estimator
            A fitted one, or what stands around it; see :func:`sk_rnn.forecast`.
        X : array-like or list of array-like
            Histories, from a fresh start (or from `state`).
        n_steps : int
            How many steps to forecast.
        X_future : array-like or list of array-like, default=None
            The channels that are not forecast; see :func:`sk_rnn.forecast`.
        y_true : array-like of shape (n_steps,) or (n_steps, n_outputs), default=None
            What came, in that sequence. Where it is of pandas, its index is that of the
            forecast.
        quantiles : sequence of float, default=(0.1, 0.9)
            Between the outermost two lies the widest band, and so on inwards; a median,
            0.5, is a line. None draws no bands.
        sequence : int, default=0
            Which sequence of X is shown, by its position; -1 is the last one.
        target_columns : str, int or sequence of them, default=None
            The columns of X whose next values the outputs are; see
            :func:`sk_rnn.forecast`.
        n_paths : int, default=500
            How many paths to sample for the bands.
        random_state : int, RandomState instance or None, default=None
            Draws the paths.
        state : State, default=None
            What is known of the past before X.
        n_history : int, default=None
            How many of the newest known steps are drawn; None: all of them.
        show_history : bool, default=True
            Whether history, cutoff and what came are drawn.
        name : str, default=None
            Of the model; None is the name of its class.
        ax : matplotlib Axes or array of n_outputs of them, default=None
            Where to draw; see `plot`.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of the forecast.

        Returns
        -------
        display : ForecastDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError, sklearn.exceptions.NotFittedError
            See :func:`sk_rnn.forecast` and `plot`; for a `sequence` that X does not
            hold, or a `y_true` of another shape than the forecast.
        """
        cls._pyplot()
        outside, X = unwrap(estimator), container(X)
        given: dict[str, Any] = {"target_columns": target_columns, "n_paths": n_paths}
        given |= {"quantiles": quantiles, "random_state": random_state, "state": state}
        found = forecast_through(estimator, X, n_steps, X_future, **given)
        y, bands = (found, None) if quantiles is None else found
        model = outside.model
        if np.ndim(y) == 3 - model._flat:  # of several sequences
            check_index("sequence", sequence, len(y), "sequence")
            y, bands = y[sequence], None if bands is None else bands[sequence]
        elif sequence not in (0, -1):
            check_index("sequence", sequence, 1, "sequence")
        targets = target_positions(outside, X, target_columns)
        history, index = history_of(outside, X, targets, sequence)
        if bands is not None and model._flat:
            bands = bands[:, None]
        names = target_names(model, X, targets)
        name = type(model).__name__ if name is None else name
        parts = history, y, bands, quantiles, y_true
        display = cls._checked(*parts, names, name)
        display._set_time(index, index_of_future(index, y_true, len(y)))
        options: dict[str, Any] = {"n_history": n_history, "show_history": show_history}
        return display.plot(ax, **options, **line_kwargs)

    @classmethod
    def from_predictions(
        cls,
        history: ArrayLike,
        forecast: ArrayLike,
        *,
        quantile_forecast: ArrayLike | None = None,
        quantiles: Sequence[Float] | np.ndarray | None = None,
        y_true: ArrayLike | None = None,
        output_names: Sequence[str] | None = None,
        n_history: Int | None = None,
        show_history: bool = True,
        name: str | None = None,
        ax: Any = None,
        **line_kwargs: Any,
    ) -> Self:
        """Draw a forecast that is there.

        Parameters
        ----------
        history : array-like of shape (n_history,) or (n_history, n_outputs)
            What was known. The index of a Series or DataFrame is the axis of time.
        forecast : array-like of shape (n_steps,) or (n_steps, n_outputs)
            Where `history` has an index, so must this or `y_true`, or it must go on
            evenly: else steps are counted.
        quantile_forecast : array-like, default=None
            Quantiles of the forecast, along the last axis: of shape (n_steps,
            n_quantiles) or (n_steps, n_outputs, n_quantiles).
        quantiles : sequence of float, default=None
            Which they are; as many as the last axis has.
        y_true : array-like of the shape of `forecast`, default=None
            What came.
        output_names : list of str, default=None
            None is "output 0" and so on.
        n_history : int, default=None
            How many of the newest known steps are drawn; None: all of them.
        show_history : bool, default=True
            Whether history, cutoff and what came are drawn.
        name : str, default=None
            Of the model; None is "forecast".
        ax : matplotlib Axes or array of n_outputs of them, default=None
            Where to draw; see `plot`.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of the forecast.

        Returns
        -------
        display : ForecastDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            For shapes that do not fit together, and by `plot`.
        """
        cls._pyplot()
        parts = history, forecast, quantile_forecast, quantiles, y_true
        display = cls._checked(*parts, output_names, name)
        index, n_steps = index_of(history), len(display.forecast)
        later = index_of(forecast)
        if later is None:
            later = index_of_future(index, y_true, n_steps)
        display._set_time(index, later)
        options: dict[str, Any] = {"n_history": n_history, "show_history": show_history}
        return display.plot(ax, **options, **line_kwargs)

    @classmethod
    def _checked(cls, history, forecast, bands, quantiles, y_true, names, name):
        """A display of parts that fit together."""
        history = as_steps("history", history)
        n_outputs = history.shape[1]
        forecast = as_steps("forecast", forecast, n_outputs)
        if y_true is not None:
            y_true = as_steps("y_true", y_true, n_outputs)
            if len(y_true) != len(forecast):
                raise ValueError(
                    f"y_true has {len(y_true)} step(s), the forecast {len(forecast)}."
                )
        return cls(
            history,
            forecast,
            quantile_forecast=as_bands(bands, quantiles, forecast),
            quantiles=quantiles,
            y_true=y_true,
            output_names=names_for(names, n_outputs, "output"),
            name=name,
        )

    def _set_time(self, index, later):
        """Show the labels of time, if those of both parts are known."""
        past, future = timeline(index), timeline(later)
        if past is None or future is None or past.dtype.kind != future.dtype.kind:
            return
        if len(past) == len(self.history) and len(future) == len(self.forecast):
            self.history_time, self.forecast_time = past, future

    def plot(
        self,
        ax: Any = None,
        *,
        n_history: Int | None = None,
        show_history: bool = True,
        name: str | None = None,
        **line_kwargs: Any,
    ) -> Self:
        """Draw, one panel for each output.

        Parameters
        ----------
        ax : matplotlib Axes or array of n_outputs of them, default=None
            Where to draw, beside what is there; None makes a new figure.
        n_history : int, default=None
            How many of the newest known steps are drawn; None: all of them.
        show_history : bool, default=True
            Whether history, cutoff and what came are drawn; False is for a further
            model in the same picture.
        name : str, default=None
            Instead of the one of the display.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of the forecast.

        Returns
        -------
        display : ForecastDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If `ax` does not hold Axes, one for each output, or if `n_history` is no
            positive number.
        """
        counts = {"n_history": [at_least(1), None]}
        check_parameters("ForecastDisplay.plot", counts, n_history=n_history)
        n_outputs, time = self.forecast.shape[1], self._times[1]
        shown = len(self.history) if n_history is None else n_history
        size = (8, 2.2 * n_outputs + 1.6)
        axes = self._panels(ax, n_outputs, figsize=size, sharex=True)
        self.history_lines_, self.forecast_lines_ = [], []
        self.true_lines_, self.bands_ = [], []
        name = (self.name or "forecast") if name is None else name
        for k, panel in enumerate(axes):
            if show_history:
                known = self._times[0][-shown:], self.history[-shown:, k]
                self.history_lines_ += draw_history(panel, *known)
            style = {"label": name, "color": free_colors(panel)[0]}
            self._draw_forecast(panel, k, styled(style, line_kwargs))
            if show_history and self.y_true is not None:
                style = {"color": "black", "ls": "--", "label": "what came"}
                self.true_lines_ += panel.plot(time, self.y_true[:, k], **style)
            panel.set_ylabel(names_for(self.output_names, n_outputs, "output")[k])
        label_time(axes[-1], self._times[0], "step, the newest known one is 0")
        axes[0].legend()
        return self

    @property
    def _times(self):
        """Of the history and of the forecast."""
        if self.history_time is not None and self.forecast_time is not None:
            return self.history_time, self.forecast_time
        n = len(self.history)
        return np.arange(1 - n, 1), np.arange(1, 1 + len(self.forecast))

    def _draw_forecast(self, ax, output, style):
        time, values = self._times[1], self.forecast[:, output]
        alone = {"marker": "o" if len(values) == 1 else None}
        (line,) = ax.plot(time, values, **(alone | style))
        self.forecast_lines_.append(line)
        if self.quantile_forecast is not None:
            bands, color = self.quantile_forecast[:, output], line.get_color()
            self.bands_ += draw_bands(ax, time, bands, self.quantiles, color)
