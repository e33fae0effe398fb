"""The picture of a simulation."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from .._typing import ArrayLike, Int
from ..data._state import State
from ..estimators._through import unwrap
from ._drawing import BLACK, GREY, Display, check_index, free_colors, names_for, styled
from ._scored import scored
from ._series import as_steps, index_of, label_time, timeline


class SimulationDisplay(Display):
    """What a driven model simulates beside what was measured, in time.

    One panel for each output; the steps of the `washout` are shaded. The title tells
    the error of the simulation behind them: RMSE in units of y, and NRMSE, which is
    this divided by the standard deviation of what was measured at the same steps (1 is
    no better than the mean). Best made by `from_estimator`, or of numbers by
    `from_predictions`.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_steps, n_outputs)
        Measured, with NaN where it was not, and simulated.
    y_ahead : ndarray of shape (n_steps, n_outputs), default=None
        Predicted `horizon` steps ahead from what was measured.
    horizon : int, default=None
        How many steps ahead `y_ahead` is.
    washout : int, default=0
        How many first steps do not count.
    time : ndarray of shape (n_steps,), default=None
        Dates or numbers of the steps. None: they are counted.
    output_names : list of str of length n_outputs, default=None
        None is "output 0" and so on.
    name : str, default=None
        Of the model, for the labels; None is "simulated".

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_outputs,)
        The panels.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure around it.
    true_lines_, lines_, ahead_lines_ : list of matplotlib Line2D
        One for each output; none where there is nothing to draw.
    rmse_, nrmse_ : ndarray of shape (n_outputs,)
        NaN where nothing counts, or what was measured is constant.

    See Also
    --------
    ResidualDisplay : What is left between the two.
    ForecastDisplay : Models whose outputs are the next values of their inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import NARXRegressor
    >>> from sk_rnn.inspection import SimulationDisplay
    >>> u = np.random.default_rng(0).uniform(-1, 1, (400, 1))
    >>> y = np.zeros(400)
    >>> for t in range(1, 400):
    ...     y[t] = 0.7 * np.sin(y[t - 1]) + u[t, 0] ** 3
    >>> model = NARXRegressor(
    ...     hidden_layer_sizes=4, n_input_lags=0, tol=1e-2, time_axis=0, random_state=0
    ... )
    >>> model = model.fit(u[:300], y[:300])
    >>> display = SimulationDisplay.from_estimator(model, u[300:], y[300:], horizon=1)
    >>> [line.get_label() for line in display.ax_.lines]
    ['measured', 'NARXRegressor, 1 step(s) ahead', 'NARXRegressor, simulated']
    >>> print(display.nrmse_ < 0.2)
    [ True]
    """

    true_lines_: list[Any]
    lines_: list[Any]
    ahead_lines_: list[Any]
    rmse_: np.ndarray
    nrmse_: np.ndarray

    def __init__(
        self,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        *,
        y_ahead: np.ndarray | None = None,
        horizon: Int | None = None,
        washout: Int = 0,
        time: np.ndarray | None = None,
        output_names: Sequence[str] | None = None,
        name: str | None = None,
    ) -> None:
        self.y_true = y_true
        self.y_pred = y_pred
        self.y_ahead = y_ahead
        self.horizon = horizon
        self.washout = washout
        self.time = time
        self.output_names = output_names
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        horizon: Int | None = None,
        sequence: Int = 0,
        state: State | None = None,
        name: str | None = None,
        show_measured: bool = True,
        ax: Any = None,
        **line_kwargs: Any,
    ) -> Self:
        """Simulate with a fitted estimator, or a pipeline around it, and draw it.

        The simulation is what `predict` makes of X, and begins as that of `score`. Of a
        `NARXRegressor` this is the free run. The index of a DataFrame that holds dates,
        periods or numbers is the axis of time.

        Parameters
        ----------
        estimator : estimator
            With a target at every step.
        X, y : array-like or list of array-like
            As in `score`.
        horizon : int, default=None
            Of a `NARXRegressor`: a second line, of `predict_ahead` with this horizon.
        sequence : int, default=0
            Which sequence of X is shown, by its position; -1 is the last one.
        state : State, default=None
            As in `score`.
        name : str, default=None
            Of the model; None is the name of its class.
        show_measured : bool, default=True
            Whether what was measured is drawn; see `plot`.
        ax : matplotlib Axes or array of n_outputs of them, default=None
            Where to draw; see `plot`.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of the simulation.

        Returns
        -------
        display : SimulationDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            For an estimator that is not of this package, or a `horizon` of one that
            cannot predict ahead.
        ValueError, sklearn.exceptions.NotFittedError
            See `score` and `plot`; if y has one value per sequence, or X has no such
            `sequence`.
        """
        cls._pyplot()
        data = scored(estimator, X, y, None, state)
        if data.last:
            raise ValueError(
                "y has one value per sequence, for its last step; a simulation in time "
                "needs one at every step."
            )
        check_index("sequence", sequence, len(data.lengths), "sequence")
        ahead = None
        if horizon is not None:
            ahead = scored(estimator, X, y, horizon, state).y_pred
            ahead = data.split(ahead)[sequence]
        if name is None:
            name = type(unwrap(estimator).model).__name__
        y_true, y_pred = (
            data.split(values)[sequence] for values in (data.y_true, data.y_pred)
        )
        first = int(data.lengths[: sequence % len(data.lengths)].sum())
        display = cls(
            y_true,
            y_pred,
            y_ahead=ahead,
            horizon=horizon,
            washout=data.washout,
            time=timeline(data.labels(first, len(y_true))),
            output_names=data.output_names,
            name=name,
        )
        return display.plot(ax, show_measured=show_measured, **line_kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        y_ahead: ArrayLike | None = None,
        horizon: Int | None = None,
        washout: Int = 0,
        output_names: Sequence[str] | None = None,
        name: str | None = None,
        show_measured: bool = True,
        ax: Any = None,
        **line_kwargs: Any,
    ) -> Self:
        """Draw a simulation that is there.

        Parameters
        ----------
        y_true : array-like of shape (n_steps,) or (n_steps, n_outputs)
            Measured; NaN where it was not. The index of a Series or DataFrame is the
            axis of time.
        y_pred : array-like of the same shape
            Simulated.
        y_ahead : array-like of the same shape, default=None
            Predicted `horizon` steps ahead.
        horizon : int, default=None
            Needed beside `y_ahead`, for the label.
        washout : int, default=0
            How many first steps do not count.
        output_names : list of str of length n_outputs, default=None
            None is "output 0" and so on.
        name : str, default=None
            Of the model, for the labels; None is "simulated".
        show_measured : bool, default=True
            Whether what was measured is drawn; see `plot`.
        ax : matplotlib Axes or array of n_outputs of them, default=None
            Where to draw; see `plot`.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of the simulation.

        Returns
        -------
        display : SimulationDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            For shapes that do not fit together, a `y_ahead` without `horizon` or the
            reverse, a negative `washout`, and by `plot`.
        """
        cls._pyplot()
        true = as_steps("y_true", y_true)
        pred = _like(true, "y_pred", y_pred)
        if (y_ahead is None) != (horizon is None):
            missing = "y_ahead" if y_ahead is None else "horizon"
            raise ValueError(f"y_ahead and horizon go together; {missing} is None.")
        if washout < 0:
            raise ValueError(f"washout={washout!r}, but it counts steps: 0 or more.")
        display = cls(
            true,
            pred,
            y_ahead=None if y_ahead is None else _like(true, "y_ahead", y_ahead),
            horizon=horizon,
            washout=washout,
            time=timeline(index_of(y_true)),
            output_names=names_for(output_names, true.shape[1], "output"),
            name=name,
        )
        return display.plot(ax, show_measured=show_measured, **line_kwargs)

    def plot(
        self, ax: Any = None, *, show_measured: bool = True, **line_kwargs: Any
    ) -> Self:
        """Draw, one panel for each output.

        Parameters
        ----------
        ax : matplotlib Axes or array of n_outputs of them, default=None
            Where to draw, beside what is there; None makes a new figure.
        show_measured : bool, default=True
            Whether what was measured, and the washout, are drawn; False is for a
            further model in the same picture.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of the simulation.

        Returns
        -------
        display : SimulationDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If `ax` does not hold Axes, one for each output.
        """
        n_steps, n_outputs = self.y_true.shape
        self._measure()
        size = (8, 2.2 * n_outputs + 1.6)
        axes = self._panels(ax, n_outputs, figsize=size, sharex=True)
        self.true_lines_, self.lines_, self.ahead_lines_ = [], [], []
        time = np.arange(n_steps) if self.time is None else self.time
        style = {"marker": "o" if n_steps == 1 else None}
        label = ", ".join(part for part in (self.name, "simulated") if part)
        names = names_for(self.output_names, n_outputs, "output")
        for k, panel in enumerate(axes):
            if show_measured:
                self._draw_washout(panel, time)
                black = style | {"color": BLACK, "lw": 1, "label": "measured"}
                self.true_lines_ += panel.plot(time, self.y_true[:, k], **black)
            color, other = free_colors(panel, 2)
            if self.y_ahead is not None:
                self._draw_ahead(panel, time, k, style | {"color": other})
            options = styled(style | {"label": label, "color": color}, line_kwargs)
            self.lines_ += panel.plot(time, self.y_pred[:, k], **options)
            panel.set(ylabel=names[k], title=self._title(k))
        label_time(axes[-1], time)
        axes[0].legend(fontsize="small")
        return self

    def _measure(self):
        """RMSE and NRMSE of the steps that count."""
        true, pred = self.y_true[self.washout :], self.y_pred[self.washout :]
        self.rmse_ = np.full(true.shape[1], np.nan)
        self.nrmse_ = self.rmse_.copy()
        for k, (one, other) in enumerate(zip(true.T, pred.T, strict=True)):
            known = ~np.isnan(one)
            if not known.any():
                continue
            self.rmse_[k] = np.sqrt(np.mean((one - other)[known] ** 2))
            if np.ptp(one[known]) > 0:
                self.nrmse_[k] = self.rmse_[k] / one[known].std()

    def _title(self, output):
        if np.isnan(self.rmse_[output]):
            return "no step counts"
        told = f"RMSE {self.rmse_[output]:.3g}"
        if not np.isnan(self.nrmse_[output]):
            told += f", NRMSE {self.nrmse_[output]:.3g}"
        return told

    def _draw_washout(self, ax, time):
        n = min(self.washout, len(time))
        if n:
            options = {"color": GREY, "alpha": 0.25, "lw": 0, "label": "washout"}
            ax.axvspan(time[0], time[n - 1], **options)

    def _draw_ahead(self, ax, time, output, style):
        parts = self.name, f"{self.horizon} step(s) ahead"
        label = ", ".join(part for part in parts if part)
        style = style | {"ls": "--", "label": label}
        self.ahead_lines_ += ax.plot(time, self.y_ahead[:, output], **style)


def _like(true, name, values):
    found = as_steps(name, values, true.shape[1])
    if len(found) != len(true):
        raise ValueError(f"{name} has {len(found)} step(s), y_true {len(true)}.")
    return found
