"""Pictures of the diagnostics."""

from numbers import Integral

import numpy as np

from .._plot import pyplot
from ._gradient_flow import gradient_flow

LABELS = {"delta": "dL_t / dz_k", "state": "dL_t / dh_k"}


class GradientFlowDisplay:
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
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D

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

    def __init__(self, flow, *, name=None):
        self.flow = flow
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        max_distance=None,
        n_targets=1,
        quantity="delta",
        layer=0,
        name=None,
        ax=None,
        **line_kwargs,
    ):
        """Compute the gradient flow of a fitted estimator and draw it.

        Parameters
        ----------
        estimator, X, y, max_distance, n_targets
            See `gradient_flow`.
        quantity, layer, ax, line_kwargs
            See `plot`.
        name : str, default=None
            Of the model; None is the name of its class.

        Returns
        -------
        display : GradientFlowDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError, sklearn.exceptions.NotFittedError
            See `gradient_flow` and `plot`.
        """
        pyplot(cls.__name__)
        options = {"max_distance": max_distance, "n_targets": n_targets}
        flow = gradient_flow(estimator, X, y, n_singular_values=0, **options)
        display = cls(flow, name=type(estimator).__name__ if name is None else name)
        return display.plot(ax, quantity=quantity, layer=layer, **line_kwargs)

    def plot(self, ax=None, *, quantity="delta", layer=0, name=None, **line_kwargs):
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

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `quantity` or `layer` does not exist.
        """
        plt = pyplot(type(self).__name__)
        if quantity not in LABELS:
            raise ValueError(f"quantity must be one of {[*LABELS]}; got {quantity!r}")
        flow, n_layers = self.flow, len(self.flow.layers)
        if not isinstance(layer, Integral) or not -n_layers <= layer < n_layers:
            raise ValueError(
                f"layer={layer!r}, but an index of {n_layers} hidden layer(s) is wanted"
            )
        norm = flow[f"{quantity}_norm"][layer]
        gamma = flow["gamma" if quantity == "delta" else "state_gamma"][layer]
        name = self.name if name is None else name
        # The law is told where there is one: two distances at least.
        law = f"gamma = {gamma:.3g}" if np.isfinite(gamma) else ""
        label = ", ".join(part for part in (name, law) if part)
        if ax is None:
            _, ax = plt.subplots()
        shown = np.where(norm > 0, norm, np.nan)
        # A line shows no point that stands alone.
        marker = "o" if np.count_nonzero(norm > 0) == 1 else None
        style = {"label": label or None, "marker": marker}
        (self.line_,) = ax.plot(flow.distance, shown, **(style | line_kwargs))
        ax.set_yscale("log")
        ax.set(xlabel="distance t - k, steps", ylabel=f"norm of {LABELS[quantity]}")
        if self.line_.get_label()[:1] not in ("", "_"):
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
