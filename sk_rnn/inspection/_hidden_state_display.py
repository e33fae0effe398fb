"""The picture of the hidden units."""

from collections.abc import Mapping
from typing import Any, Literal, Self, TypeAlias

import numpy as np

from .._typing import ArrayLike, Int
from ..data._records import Records
from ..estimators._network import NetworkRegressor
from ..estimators._through import unwrap
from ..layers import Feedback
from ..numerics._workspace import Workspace
from ._drawing import COLORS, Display, check_index, whole_numbers
from ._model import Model, check_kind, hidden_layers
from ._series import label_time, timeline

Kind: TypeAlias = Literal["auto", "heatmap", "lines"]
KINDS = ("auto", "heatmap", "lines")


class HiddenStateDisplay(Display):
    """What the hidden units of a network do in the course of one sequence.

    One panel for each hidden layer, the one next to the inputs on top: a line for each
    of few units, a heat map of many, with a row for each. Best made by
    `from_estimator`.

    Parameters
    ----------
    states : dict of str to ndarray of shape (n_steps, n_units)
        Outputs of the units, h_t, by name of the layer.
    time : ndarray of shape (n_steps,), default=None
        Dates or numbers of the steps. None: they are counted.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_layers,)
        The panels.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
        The figure around it.
    lines_ : dict of str to list of matplotlib Line2D
        By name of the layer, where it is drawn so.
    heatmaps_ : dict of str to matplotlib QuadMesh
        By name of the layer, where it is drawn so.

    See Also
    --------
    gradient_flow : How far back in time the units learn.
    SimulationDisplay : The outputs in time.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import GRURegressor
    >>> from sk_rnn.inspection import HiddenStateDisplay
    >>> X = np.random.default_rng(0).standard_normal((20, 15))
    >>> model = GRURegressor(hidden_layer_sizes=(12, 3), random_state=0)
    >>> display = HiddenStateDisplay.from_estimator(model.fit(X, X[:, -3]), X)
    >>> {name: states.shape for name, states in display.states.items()}
    {'hidden0': (15, 12), 'hidden1': (15, 3)}
    >>> list(display.heatmaps_), list(display.lines_)
    (['hidden0'], ['hidden1'])
    """

    lines_: dict[str, Any]
    heatmaps_: dict[str, Any]

    def __init__(
        self, states: Mapping[str, np.ndarray], *, time: np.ndarray | None = None
    ) -> None:
        self.states = states
        self.time = time

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        sequence: Int = 0,
        layer: Int | None = None,
        kind: Kind = "auto",
        ax: Any = None,
    ) -> Self:
        """Run a fitted network over one sequence and draw its hidden units.

        Parameters
        ----------
        estimator : estimator
            A fitted `RNNRegressor`, `GRURegressor`, `LSTMRegressor`, `TDNNRegressor` or
            `NARXRegressor` with a hidden layer, or a pipeline and the like around one.
        X : array-like or list of array-like
            Sequences in the form that `fit` saw. Initial state and feedback are those
            of `predict`, so that a `NARXRegressor` runs free.
        sequence : int, default=0
            Which sequence of X is shown, by its position; -1 is the last one.
        layer : int, default=None
            Which hidden layer; None: all.
        kind : {"auto", "heatmap", "lines"}, default="auto"
            How they are drawn; see `plot`.
        ax : matplotlib Axes or array of as many as layers are drawn, default=None
            Where to draw; see `plot`.

        Returns
        -------
        display : HiddenStateDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If the estimator is not one of these networks.
        ValueError, sklearn.exceptions.NotFittedError
            If it is not fitted, has no hidden layer, or is the mean of several
            networks; if X does not fit what `fit` saw, or has no such `sequence`; and
            by `plot`.
        """
        cls._pyplot()
        outside = unwrap(estimator)
        model = outside.model
        needs = (
            "HiddenStateDisplay needs a network of this package (an RNN, GRU, LSTM, "
            "TDNN or NARXRegressor)"
        )
        check_kind(model, NetworkRegressor, needs)
        names = hidden_layers(model, cls.__name__)
        records = model._read(outside.transform(X))
        check_index("sequence", sequence, len(records.lengths), "sequence")
        sequence = int(sequence) % len(records.lengths)
        states = dict(zip(names, _outputs(model, records, sequence), strict=True))
        display = cls(states, time=_time(records, sequence))
        return display.plot(ax, layer=layer, kind=kind)

    def plot(
        self, ax: Any = None, *, layer: Int | None = None, kind: Kind = "auto"
    ) -> Self:
        """Draw, one panel for each layer.

        Parameters
        ----------
        ax : matplotlib Axes or array of as many as layers are drawn, default=None
            Where to draw; None makes a new figure.
        layer : int, default=None
            Which hidden layer; 0 is next to the inputs, -1 next to the output. None:
            all.
        kind : {"auto", "heatmap", "lines"}, default="auto"
            "auto": lines for layers of up to six units.

        Returns
        -------
        display : HiddenStateDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `layer` or `kind` does not exist.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {[*KINDS]}; got {kind!r}.")
        names = list(self.states)
        if layer is not None:
            check_index("layer", layer, len(names), "hidden layer")
            names = [names[int(layer)]]
        size = (8, 2.4 * len(names) + 1)
        axes = self._panels(ax, len(names), figsize=size, sharex=True)
        self.lines_, self.heatmaps_ = {}, {}
        n_steps = len(self.states[names[0]])
        time = np.arange(n_steps) if self.time is None else self.time
        for panel, name in zip(axes, names, strict=True):
            n_units = self.states[name].shape[1]
            few = kind == "auto" and n_units <= len(COLORS)
            if kind == "lines" or few:
                self._draw_lines(panel, name, time)
            else:
                self._draw_heatmap(panel, name, time)
            panel.set_title(f"{name}, {n_units} unit(s)")
        label_time(axes[-1], time)
        return self

    def _draw_lines(self, ax, name, time):
        states = self.states[name]
        marker = "o" if len(states) == 1 else None
        self.lines_[name] = ax.plot(time, states, marker=marker)
        for k, line in enumerate(self.lines_[name]):
            line.set_label(f"unit {k}")
        ax.set_ylabel("output of the unit")
        if len(self.lines_[name]) <= len(COLORS):
            ax.legend(fontsize="small", ncols=2)

    def _draw_heatmap(self, ax, name, time):
        states = self.states[name]
        largest = np.abs(states[np.isfinite(states)]).max(initial=0) or 1
        edges = _edges(time), np.arange(states.shape[1] + 1) - 0.5
        # Blue and red are told apart by all; white is no output.
        colors = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        mesh = ax.pcolormesh(*edges, states.T, rasterized=True, **colors)
        self.heatmaps_[name] = mesh
        ax.figure.colorbar(mesh, ax=ax, label="output of the unit")
        whole_numbers(ax.yaxis)
        ax.set_ylabel("unit")


def _outputs(estimator, records, sequence):
    """Outputs of the hidden layers at all steps of one sequence, layer by layer."""
    model = Model(estimator, records)
    n_steps = int(model.lengths[sequence])
    record, last = np.array([sequence]), np.array([n_steps - 1])
    (window,) = model.windows(record, last, n_steps)
    rows, steps, found = window.x, window.steps, []
    for layer, theta, own in model.layers(window.state):
        # With a workspace, a closed loop keeps what passes through its layers.
        workspace = Workspace()
        rows, _, cache = layer.forward(theta, rows, steps, steps, own, workspace)
        if isinstance(layer, Feedback):
            n_hidden = len(layer.core.layers) - 1
            found += [np.array(part) for part in cache[1].layers[:n_hidden]]
        if layer.size:
            found.append(np.array(rows))
    return found[:-1]  # the last is the output


def _time(records: Records, sequence: int) -> np.ndarray | None:
    """Labels of the steps of one sequence, where they are rows of a frame."""
    if not records.is_table or records.index is None:
        return None
    first = records.starts[sequence]
    index: Any = records.index
    return timeline(index[first : first + records.lengths[sequence]])


def _edges(time):
    """Where cells around some times begin and end, (n_steps + 1,)."""
    if len(time) == 1:
        half = np.timedelta64(12, "h") if time.dtype.kind == "M" else 0.5
        return np.array([time[0] - half, time[0] + half])
    half = np.diff(time) / 2
    first, last = time[0] - half[0], time[-1] + half[-1]
    return np.concatenate([[first], time[:-1] + half, [last]])
