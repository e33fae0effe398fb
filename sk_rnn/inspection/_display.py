"""Pictures of the diagnostics."""

from collections.abc import Sequence
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from sklearn.utils import Bunch

from .._typing import ArrayLike, Int
from ._attribution import attribution
from ._drawing import (
    Display,
    check_index,
    free_colors,
    log_scale,
    names_for,
    styled,
    whole_numbers,
)
from ._gradient_flow import gradient_flow

Quantity: TypeAlias = Literal["delta", "state"]
LABELS = {"delta": "dL_t / dz_k", "state": "dL_t / dh_k"}


class GradientFlowDisplay(Display):
    r"""Norm of the gradient by distance in time, on a logarithmic scale.

    A geometric law, norm = C gamma^(t - k), is a straight line; the label tells gamma.
    Best made by `from_estimator`.

    Parameters
    ----------
    flow : :class:`~sklearn.utils.Bunch`
        From `gradient_flow`.
    name : str, default=None
        Of the model, for the label.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure around it.
    line_ : matplotlib Line2D
        The norms.

    See Also
    --------
    gradient_flow : The numbers, and what they mean.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import GRURegressor, RNNRegressor
    >>> from sk_rnn.inspection import GradientFlowDisplay
    >>> X = np.random.default_rng(0).standard_normal((20, 15))
    >>> ax = None
    >>> for estimator in (RNNRegressor, GRURegressor):
    ...     model = estimator(hidden_layer_sizes=4, random_state=0).fit(X, X[:, 0])
    ...     ax = GradientFlowDisplay.from_estimator(model, X, ax=ax).ax_
    >>> len(ax.lines)
    2
    """

    def __init__(self, flow: Bunch, *, name: str | None = None) -> None:
        self.flow = flow
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        max_distance: Int | None = None,
        n_targets: Int = 1,
        quantity: Quantity = "delta",
        layer: Int = 0,
        name: str | None = None,
        ax: Any = None,
        **line_kwargs: Any,
    ) -> Self:
        """Compute the gradient flow of a fitted estimator and draw it.

        Parameters
        ----------
        estimator : estimator
            A fitted network with a hidden layer; see `gradient_flow`.
        X : array-like or list of array-like
            Sequences in the form that `fit` saw.
        y : array-like or list of array-like, default=None
            Targets; see `gradient_flow`.
        max_distance : int, default=None
            The largest distance; see `gradient_flow`.
        n_targets : int, default=1
            How many steps of each sequence; see `gradient_flow`.
        quantity : {"delta", "state"}, default="delta"
            Which gradient; see `plot`.
        layer : int, default=0
            Which hidden layer; see `plot`.
        name : str, default=None
            Of the model; None is the name of its class.
        ax : matplotlib Axes, default=None
            Where to draw; see `plot`.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``.

        Returns
        -------
        display : GradientFlowDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError, sklearn.exceptions.NotFittedError
            See `gradient_flow` and `plot`.
        """
        cls._pyplot()
        options: dict[str, Any] = {"max_distance": max_distance, "n_targets": n_targets}
        flow = gradient_flow(estimator, X, y, n_singular_values=0, **options)
        display = cls(flow, name=type(estimator).__name__ if name is None else name)
        return display.plot(ax, quantity=quantity, layer=layer, **line_kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        quantity: Quantity = "delta",
        layer: Int = 0,
        name: str | None = None,
        **line_kwargs: Any,
    ) -> Self:
        """Draw one line. Distances at which the gradient is zero are left out.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, beside the lines that are there; None makes a new figure.
        quantity : {"delta", "state"}, default="delta"
            Gradient with respect to the pre-activations, or to the outputs.
        layer : int, default=0
            Which hidden layer: the first is next to the inputs, where gradients come
            last. -1 is the one next to the output.
        name : str, default=None
            Instead of the one of the display.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``; a ``label`` among them replaces name and
            gamma.

        Returns
        -------
        display : GradientFlowDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `quantity` or `layer` does not exist.
        """
        if quantity not in LABELS:
            raise ValueError(f"quantity must be one of {[*LABELS]}; got {quantity!r}")
        flow, n_layers = self.flow, len(self.flow.layers)
        check_index("layer", layer, n_layers, "hidden layer")
        norm = flow[f"{quantity}_norm"][layer]
        gamma = flow["gamma" if quantity == "delta" else "state_gamma"][layer]
        name = self.name if name is None else name
        # The law is told where there is one: two distances at least.
        law = f"gamma = {gamma:.3g}" if np.isfinite(gamma) else ""
        label = ", ".join(part for part in (name, law) if part)
        (ax,) = self._panels(ax)
        shown = np.where(norm > 0, norm, np.nan)
        # A line shows no point that stands alone.
        marker = "o" if np.count_nonzero(norm > 0) == 1 else None
        style = {"label": label or None, "marker": marker, "color": free_colors(ax)[0]}
        (self.line_,) = ax.plot(flow.distance, shown, **styled(style, line_kwargs))
        whole_numbers(ax.xaxis)
        log_scale(ax)
        ax.set(xlabel="distance t - k, steps", ylabel=f"norm of {LABELS[quantity]}")
        if self.line_.get_label()[:1] not in ("", "_"):
            ax.legend()
        return self


class AttributionDisplay(Display):
    r"""Mean size of the gradient of predictions by lag, one line for each channel.

    Of linear models, the size of their coefficients. Best made by `from_estimator`.

    Parameters
    ----------
    gradient : ndarray of shape (n, n_outputs, n_lags, n_channels)
        From `attribution`.
    scale : ndarray of shape (n_outputs, n_channels), default=None
        Standard deviation of each channel divided by that of each output, by which
        gradients are multiplied to be comparable. None: units of the data.
    channel_names : list of str of length n_channels, default=None
        For the labels; None is "channel 0" and so on.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure around it.
    lines_ : list of matplotlib Line2D
        One for each channel.

    See Also
    --------
    attribution : The numbers, and what they mean.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import GRURegressor
    >>> from sk_rnn.inspection import AttributionDisplay
    >>> X = np.random.default_rng(0).standard_normal((20, 15, 2))
    >>> model = GRURegressor(hidden_layer_sizes=4, random_state=0).fit(X, X[:, -3, 0])
    >>> display = AttributionDisplay.from_estimator(model, X, n_lags=10)
    >>> [line.get_label() for line in display.lines_]
    ['channel 0', 'channel 1']
    """

    def __init__(
        self,
        gradient: np.ndarray,
        *,
        scale: np.ndarray | None = None,
        channel_names: Sequence[str] | None = None,
    ) -> None:
        self.gradient = gradient
        self.scale = scale
        self.channel_names = channel_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        n_lags: Int | None = None,
        n_targets: Int = 1,
        output: Int = 0,
        ax: Any = None,
        **line_kwargs: Any,
    ) -> Self:
        """Compute the gradients of a fitted estimator and draw them.

        They are in units of standard deviations, those learnt in `fit`; in units of the
        data if the estimator does not `standardize`.

        Parameters
        ----------
        estimator : estimator
            One of the six fitted regressors.
        X : array-like or list of array-like
            Sequences in the form that `fit` saw.
        n_lags : int, default=None
            How many steps are looked at; see `attribution`.
        n_targets : int, default=1
            How many steps of each sequence; see `attribution`.
        output : int, default=0
            Which output.
        ax : matplotlib Axes, default=None
            Where to draw; see `plot`.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of all lines.

        Returns
        -------
        display : AttributionDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError, sklearn.exceptions.NotFittedError
            See `attribution` and `plot`.
        """
        cls._pyplot()
        gradient = attribution(estimator, X, n_lags=n_lags, n_targets=n_targets)
        scale = None
        if estimator.standardize:
            scale = estimator._x_scaler.scale / estimator._y_scaler.scale[:, None]
        names = estimator._channel_names()
        display = cls(gradient, scale=scale, channel_names=names)
        return display.plot(ax, output=output, **line_kwargs)

    def plot(self, ax: Any = None, *, output: Int = 0, **line_kwargs: Any) -> Self:
        r"""Draw one line for each channel: the mean over the targets of \|dy / dx\|.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, beside what is there; None makes a new figure.
        output : int, default=0
            Which output.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of all lines.

        Returns
        -------
        display : AttributionDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `output` does not exist.
        """
        _, n_outputs, n_lags, n_channels = self.gradient.shape
        check_index("output", output, n_outputs, "output")
        mean = np.abs(self.gradient[:, output]).mean(axis=0)
        unit = ""
        if self.scale is not None:
            mean, unit = mean * self.scale[output], ", in standard deviations"
        names = names_for(self.channel_names or None, n_channels, "channel")
        (ax,) = self._panels(ax)
        # A line shows no point that stands alone.
        style = {"marker": "o" if n_lags == 1 else None}
        self.lines_ = []
        for name, values in zip(names, mean.T, strict=True):
            own = style | {"label": name, "color": free_colors(ax)[0]}
            own = styled(own, line_kwargs)
            self.lines_ += ax.plot(np.arange(n_lags), values, **own)
        whole_numbers(ax.xaxis)
        ax.set(xlabel="lag, steps", ylabel=f"mean |dy / dx|{unit}")
        ax.legend()
        return self
