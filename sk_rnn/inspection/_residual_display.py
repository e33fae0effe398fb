"""The picture of residuals."""

from collections.abc import Sequence
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from scipy.stats import norm

from .._compat import at_least, check_parameters
from .._typing import ArrayLike, Int
from ..data._state import State
from ._correlation import correlation, ljung_box
from ._drawing import (
    BLUE,
    COLORS,
    GREY,
    Display,
    check_index,
    draw_histogram,
    names_for,
    whole_numbers,
)
from ._scored import scored
from ._series import as_sequences, label_time, timeline

Kind: TypeAlias = Literal["time", "autocorrelation", "cross_correlation", "histogram"]
KINDS: tuple[Kind, ...] = ("time", "autocorrelation", "cross_correlation", "histogram")

#: In standard deviations, half the width of a band that holds 95 % of a normal number.
WIDTH = norm.ppf(0.975)


class ResidualDisplay(Display):
    """Whether anything is left in the residuals, y_true - y_pred, of a model.

    Four panels: residuals in time; their autocorrelation, with the Ljung-Box test in
    the title; their correlation with each input of so many steps before; their
    histogram and the normal density of the same mean and standard deviation. Sequences
    are not joined across their ends. Best made by `from_estimator`, or of numbers by
    `from_predictions`.

    Parameters
    ----------
    residuals : list of ndarray of shape (n_steps_i, n_outputs)
        Sequence by sequence; NaN where nothing was measured.
    inputs : list of ndarray of shape (n_steps_i, n_channels), default=None
        None: there is no panel of them.
    time : ndarray of shape (n_steps,), default=None
        Dates or numbers of the steps of a single sequence. None: they are counted.
    output_names, input_names : list of str, default=None
        None is "output 0" and "channel 0" and so on.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_panels,)
        The panels.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure around it.
    autocorrelation_ : ndarray of shape (n_lags + 1,)
        Of the residuals, lag 0 with it.
    cross_correlation_ : ndarray of shape (n_channels, n_lags + 1) or None
        Of the residuals with the inputs that many steps before; None without inputs.
    band_ : float
        Within 0 +- this number lie 95 % of the correlations of white noise.
    ljung_box_ : tuple of float
        Statistic and p value, over `n_lags` lags.

    See Also
    --------
    SimulationDisplay : What was measured and what is simulated, in time.

    Notes
    -----
    Correlations are those of one series: sums of products of deviations from the mean
    of all residuals, divided by their sum of squares. The p value takes none of the
    parameters of the model into account; of residuals of its training data it is
    somewhat too large. The band of the input panel holds where residuals are white.

    References
    ----------
    G. M. Ljung & G. E. P. Box, "On a measure of lack of fit in time series models",
    Biometrika 65 (1978), 297-303.

    Examples
    --------
    A model that sees one lag of a series that has two:

    >>> import numpy as np
    >>> from sk_rnn import AutoRegressor
    >>> from sk_rnn.inspection import ResidualDisplay
    >>> noise = np.random.default_rng(0).standard_normal(500)
    >>> series = np.zeros((500, 1))
    >>> for t in range(2, 500):
    ...     series[t] = 0.5 * series[t - 1] - 0.5 * series[t - 2] + noise[t]
    >>> X, y = series[:-1], series[1:, 0]
    >>> for n_lags in (1, 2):
    ...     model = AutoRegressor(n_lags=n_lags, time_axis=0).fit(X, y)
    ...     display = ResidualDisplay.from_estimator(model, X, y, n_lags=20)
    ...     print(bool(display.ljung_box_[1] < 0.001))
    True
    False
    """

    autocorrelation_: np.ndarray
    cross_correlation_: np.ndarray | None
    band_: float
    ljung_box_: tuple[float, float]

    def __init__(
        self,
        residuals: Sequence[np.ndarray],
        *,
        inputs: Sequence[np.ndarray] | None = None,
        time: np.ndarray | None = None,
        output_names: Sequence[str] | None = None,
        input_names: Sequence[str] | None = None,
    ) -> None:
        self.residuals = residuals
        self.inputs = inputs
        self.time = time
        self.output_names = output_names
        self.input_names = input_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        horizon: Int | None = None,
        state: State | None = None,
        output: Int = 0,
        n_lags: Int | None = None,
        kinds: Sequence[Kind] | None = None,
        ax: Any = None,
    ) -> Self:
        """Predict with a fitted estimator, or a pipeline around it; draw the residuals.

        Predictions begin as those of `score`, and the first ``washout`` steps of each
        sequence are left out. Where there is one target for each sequence, these are
        taken in their order, as the steps of one series.

        Parameters
        ----------
        estimator : estimator
            A fitted one, or a pipeline around it.
        X, y : array-like or list of array-like
            As in `score`.
        horizon : int, default=None
            Of a `NARXRegressor`: residuals of `predict_ahead` with this horizon. None:
            those of `predict`, which is the free run.
        state : State, default=None
            As in `score`.
        output : int, default=0
            Which output.
        n_lags : int, default=None
            The largest lag; see `plot`.
        kinds : sequence of str, default=None
            Which panels, of "time", "autocorrelation", "cross_correlation" and
            "histogram"; see `plot`.
        ax : matplotlib Axes or array of as many as `kinds`, default=None
            Where to draw; see `plot`.

        Returns
        -------
        display : ResidualDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            For an estimator that is not of this package, or a `horizon` of one that
            cannot predict ahead.
        ValueError, sklearn.exceptions.NotFittedError
            See `score` and `plot`; if the washout leaves nothing.
        """
        cls._pyplot()
        data = scored(estimator, X, y, horizon, state)
        residuals = data.split(data.y_true - data.y_pred)
        n_steps = len(data.y_true)
        time = timeline(data.labels(0, n_steps)) if len(residuals) == 1 else None
        first = data.washout
        display = cls(
            _behind(residuals, first),
            inputs=_behind(data.split(data.x), first),
            time=None if time is None else time[first:],
            output_names=data.output_names,
            input_names=data.input_names,
        )
        return display.plot(ax, output=output, n_lags=n_lags, kinds=kinds)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        X: ArrayLike | None = None,
        *,
        output: Int = 0,
        n_lags: Int | None = None,
        kinds: Sequence[Kind] | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the residuals of predictions that are there.

        Parameters
        ----------
        y_true, y_pred : array-like or list of array-like
            One sequence, (n_steps,) or (n_steps, n_outputs); several as a list of such
            arrays or a 3-D array.
        X : array-like or list of array-like, default=None
            Inputs of the same steps, in the same forms, with a column for each channel.
            None: there is no panel of them.
        output : int, default=0
            Which output.
        n_lags : int, default=None
            The largest lag; see `plot`.
        kinds : sequence of str, default=None
            Which panels, of "time", "autocorrelation", "cross_correlation" and
            "histogram"; see `plot`.
        ax : matplotlib Axes or array of as many as `kinds`, default=None
            Where to draw; see `plot`.

        Returns
        -------
        display : ResidualDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            For shapes that do not fit together, and by `plot`.
        """
        cls._pyplot()
        true, index = as_sequences("y_true", y_true)
        pred, _ = as_sequences("y_pred", y_pred, like=true, same_width=True)
        inputs = None if X is None else as_sequences("X", X, like=true)[0]
        residuals = [one - other for one, other in zip(true, pred, strict=True)]
        display = cls(residuals, inputs=inputs, time=timeline(index))
        return display.plot(ax, output=output, n_lags=n_lags, kinds=kinds)

    def plot(
        self,
        ax: Any = None,
        *,
        output: Int = 0,
        n_lags: Int | None = None,
        kinds: Sequence[Kind] | None = None,
    ) -> Self:
        """Draw, one panel for each kind.

        Parameters
        ----------
        ax : matplotlib Axes or array of as many as `kinds`, default=None
            Where to draw; None makes a new figure.
        output : int, default=0
            Which output.
        n_lags : int, default=None
            The largest lag. None: ten times the decimal logarithm of the number of
            residuals; less where the longest sequence has fewer steps.
        kinds : sequence of str, default=None
            Which panels, of "time", "autocorrelation", "cross_correlation" and
            "histogram". None: all; that of the inputs only if they are known.

        Returns
        -------
        display : ResidualDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `output` or one of `kinds` does not exist, if no sequence has more than
            `n_lags` steps, or if fewer than two residuals are known.
        """
        check_index("output", output, self.residuals[0].shape[1], "output")
        kinds = self._known_kinds(kinds)
        residuals = [part[:, output] for part in self.residuals]
        known = np.concatenate(residuals)
        known = known[~np.isnan(known)]
        self._correlate(residuals, len(known), n_lags)
        n_columns = min(2, len(kinds))
        size = (5 * n_columns, 3.2 * -(-len(kinds) // 2))
        axes = self._panels(ax, len(kinds), n_columns, figsize=size)
        name = names_for(self.output_names, self.residuals[0].shape[1], "output")
        label = f"residual of {name[output]}"
        for panel, kind in zip(axes, kinds, strict=True):
            if kind == "time":
                self._draw_time(panel, residuals, label)
            elif kind == "autocorrelation":
                self._draw_autocorrelation(panel)
            elif kind == "cross_correlation":
                self._draw_cross_correlation(panel)
            else:
                draw_histogram(panel, known, label)
        return self

    def _known_kinds(self, kinds):
        if kinds is None:
            return [k for k in KINDS if k != "cross_correlation" or self.inputs]
        kinds = [kinds] if isinstance(kinds, str) else list(kinds)
        if not kinds or not set(kinds) <= set(KINDS):
            raise ValueError(f"kinds must be some of {[*KINDS]}; got {kinds!r}.")
        if "cross_correlation" in kinds and not self.inputs:
            raise ValueError(
                "kinds asks for 'cross_correlation', but no inputs X are known."
            )
        return kinds

    def _correlate(self, residuals, n, n_lags):
        counts = {"n_lags": [at_least(1), None]}
        check_parameters("ResidualDisplay.plot", counts, n_lags=n_lags)
        longest = max(map(len, residuals))
        if n < 2 or longest < 2:
            raise ValueError(
                f"{n} residual(s) are known and the longest sequence has {longest} "
                "step(s): there is nothing to correlate."
            )
        if n_lags is None:
            n_lags = min(max(1, int(10 * np.log10(n))), longest - 1)
        if n_lags >= longest:
            raise ValueError(
                f"n_lags={n_lags}, but the longest sequence has {longest} step(s)."
            )
        found, n_pairs = correlation(residuals, residuals, int(n_lags))
        self.autocorrelation_, self.ljung_box_ = found, ljung_box(found, n_pairs)
        self.band_, self.cross_correlation_ = float(WIDTH / np.sqrt(n)), None
        if self.inputs:
            self.cross_correlation_ = np.array(
                [
                    correlation(residuals, [x[:, c] for x in self.inputs], n_lags)[0]
                    for c in range(self.inputs[0].shape[1])
                ]
            )

    def _draw_time(self, ax, residuals, label):
        lengths = [len(part) for part in residuals]
        time = np.arange(sum(lengths)) if self.time is None else self.time
        # A line that is broken at the ends of sequences.
        ends = np.cumsum(lengths)[:-1]
        values = np.insert(np.concatenate(residuals), ends, np.nan)
        ax.axhline(0, color=GREY, lw=1)
        marker = "." if len(values) < 200 else None
        ax.plot(np.insert(time, ends, time[ends]), values, lw=1, marker=marker)
        for end in ends if len(ends) < 50 else []:
            ax.axvline(end - 0.5, color=GREY, ls=":", lw=1)
        what = "step" if len(lengths) == 1 else f"step, {len(lengths)} sequences"
        label_time(ax, time, what)
        ax.set(ylabel=label, title="In time")

    def _draw_band(self, ax, n_lags):
        ax.axhspan(-self.band_, self.band_, color=GREY, alpha=0.25, lw=0, label="95 %")
        ax.axhline(0, color=GREY, lw=1)
        whole_numbers(ax.xaxis)
        ax.set(xlabel="lag, steps", xlim=(-0.5, n_lags + 0.5))

    def _draw_autocorrelation(self, ax):
        r = self.autocorrelation_
        self._draw_band(ax, len(r) - 1)
        lag = np.arange(1, len(r))
        ax.vlines(lag, 0, r[1:], color=BLUE)
        ax.plot(lag, r[1:], "o", ms=4, color=BLUE)
        statistic, p = self.ljung_box_
        told = f"Ljung-Box Q({len(lag)}) = {statistic:.3g}, p = {p:.2g}"
        ax.set(ylabel="autocorrelation", title=told)
        ax.legend(fontsize="small")

    def _draw_cross_correlation(self, ax):
        found = self.cross_correlation_
        names = names_for(self.input_names, len(found), "channel")
        self._draw_band(ax, found.shape[1] - 1)
        lag = np.arange(found.shape[1])
        for k, (name, r) in enumerate(zip(names, found, strict=True)):
            color = COLORS[k % len(COLORS)]
            ax.plot(lag, r, "o-", ms=4, lw=1, color=color, label=name)
        title = "Residual with earlier inputs"
        ax.set(ylabel="correlation", title=title)
        if len(names) <= 8:
            ax.legend(fontsize="small")


def _behind(parts, washout):
    """Sequences without their first steps; those that have no others are left out."""
    found = [part[washout:] for part in parts if len(part) > washout]
    if not found:
        raise ValueError(
            f"washout={washout} leaves no residual: the longest sequence has "
            f"{max(map(len, parts))} step(s)."
        )
    return found
