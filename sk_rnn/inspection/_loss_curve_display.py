"""The picture of a training."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import numpy as np

from ..estimators._through import unwrap
from ._drawing import Display, free_colors, log_scale, styled, whole_numbers

Scale: TypeAlias = Literal["log", "linear"]


class LossCurve(NamedTuple):
    """How one training went.

    `LossCurveDisplay` holds one for each of its models, under their names.

    Attributes
    ----------
    loss : ndarray of shape (n_iter,)
        Training loss by iteration.
    validation_loss : ndarray of shape (n_iter,) or None
        Validation loss by iteration; None if nothing was held out.
    kept : int or None
        The iteration, from 1, whose parameters were kept; 0 if those it began with;
        None if that is not known.
    restarts : list of dict
        As in ``restarts_``: iterations, losses, and which were kept.

    See Also
    --------
    LossCurveDisplay : The picture.

    Examples
    --------
    >>> from sk_rnn.inspection import LossCurveDisplay
    >>> display = LossCurveDisplay.from_predictions([3.0, 2.0, 1.5], [4.0, 3.0, 3.5])
    >>> curve = display.curves["loss"]
    >>> print(curve.loss, curve.validation_loss, curve.kept)
    [3.  2.  1.5] [4.  3.  3.5] None
    """

    loss: np.ndarray
    validation_loss: np.ndarray | None = None
    kept: int | None = None
    restarts: Sequence[Mapping[str, Any]] = ()


class LossCurveDisplay(Display):
    """Training and validation loss by iteration, of one or several estimators.

    A ring marks the iteration whose parameters were kept; crosses are the ends of the
    trainings from other starts (`n_init`), where there were any. Best made by
    `from_estimator`, or of numbers by `from_predictions`.

    Parameters
    ----------
    curves : dict of str to LossCurve
        By name of the model.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure around it.
    lines_, validation_lines_ : dict of str to matplotlib Line2D
        By name of the model; without validation there is none of the latter.
    marks_ : dict of str to matplotlib Line2D
        The iterations kept.
    restart_marks_ : dict of str to matplotlib Line2D
        The ends of the other starts.

    See Also
    --------
    GradientFlowDisplay : Whether gradients reach what is to be learnt.
    sklearn.model_selection.LearningCurveDisplay : Scores by size of the training data.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import GRURegressor
    >>> from sk_rnn.inspection import LossCurveDisplay
    >>> X = np.random.default_rng(0).standard_normal((50, 10, 1))
    >>> model = GRURegressor(
    ...     hidden_layer_sizes=4, early_stopping=True, n_init=2, random_state=0
    ... ).fit(X, X[:, -2, 0])
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> [line.get_label() for line in display.ax_.lines[:3]]
    ['GRURegressor, training', 'GRURegressor, validation', 'parameters kept']
    """

    lines_: dict[str, Any]
    validation_lines_: dict[str, Any]
    marks_: dict[str, Any]
    restart_marks_: dict[str, Any]

    def __init__(self, curves: Mapping[str, LossCurve]) -> None:
        self.curves = curves

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        name: str | None = None,
        scale: Scale = "log",
        ax: Any = None,
        **line_kwargs: Any,
    ) -> Self:
        """Draw what fitted estimators remember of their training.

        Parameters
        ----------
        estimator : estimator, list or dict of them
            Fitted networks, or pipelines and the like around them; a dict names them.
            All losses are in standard units of y, and compare if `loss` is the same.
        name : str, default=None
            Of a single estimator; None is the name of its class.
        scale : {"log", "linear"}, default="log"
            Of the losses. On a logarithmic one, zeros are left out.
        ax : matplotlib Axes, default=None
            Where to draw; see `plot`.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of the training and validation losses.

        Returns
        -------
        display : LossCurveDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If there is an estimator that has no loss curve, such as `AutoRegressor`,
            which is solved in one go, or one taken from torch.
        ValueError
            If there is none, or a name for several.
        sklearn.exceptions.NotFittedError
            If one is not fitted.
        """
        cls._pyplot()
        models = _named(estimator, name)
        curves = {name: _curve(model, name) for name, model in models.items()}
        return cls(curves).plot(ax, scale=scale, **line_kwargs)

    @classmethod
    def from_predictions(
        cls,
        loss: Sequence[float] | np.ndarray,
        validation_loss: Sequence[float] | np.ndarray | None = None,
        *,
        kept: int | None = None,
        name: str = "loss",
        scale: Scale = "log",
        ax: Any = None,
        **line_kwargs: Any,
    ) -> Self:
        """Draw curves that are there.

        Parameters
        ----------
        loss : array-like of shape (n_iter,)
            Training loss by iteration.
        validation_loss : array-like of shape (n_iter,), default=None
            Validation loss by iteration. None: there is no such curve.
        kept : int, default=None
            The iteration, from 1, whose parameters were kept; 0 for the start. None:
            it is not marked.
        name : str, default="loss"
            Of the model, for the labels.
        scale : {"log", "linear"}, default="log"
            Of the losses. On a logarithmic one, zeros are left out.
        ax : matplotlib Axes, default=None
            Where to draw; see `plot`.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of the training and validation losses.

        Returns
        -------
        display : LossCurveDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            For curves that are empty, not 1-D, or differ in length; if `kept` is no
            iteration of them.
        """
        cls._pyplot()
        curve = _as_curve("loss", loss)
        n_iter, watched = len(curve), None
        if validation_loss is not None:
            watched = _as_curve("validation_loss", validation_loss)
            if len(watched) != n_iter:
                raise ValueError(
                    f"validation_loss has {len(watched)} iteration(s), loss {n_iter}."
                )
        if kept is not None and kept not in range(n_iter + 1):
            raise ValueError(f"kept={kept!r}, but there are iterations 0 to {n_iter}.")
        curves = {name: LossCurve(curve, watched, kept)}
        return cls(curves).plot(ax, scale=scale, **line_kwargs)

    def plot(self, ax: Any = None, *, scale: Scale = "log", **line_kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, beside what is there; None makes a new figure.
        scale : {"log", "linear"}, default="log"
            Of the losses. On a logarithmic one, zeros are left out.
        **line_kwargs : dict
            For matplotlib's ``Axes.plot``, of the training and validation losses.

        Returns
        -------
        display : LossCurveDisplay
            With what was drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, ValueError
            If `ax` is no Axes, or `scale` does not exist.
        """
        if scale not in ("log", "linear"):
            raise ValueError(f"scale must be 'log' or 'linear'; got {scale!r}.")
        (ax,) = self._panels(ax, figsize=(7, 4.2))
        self.lines_, self.validation_lines_ = {}, {}
        self.marks_, self.restart_marks_ = {}, {}
        for name, curve in self.curves.items():
            style = styled({"color": free_colors(ax)[0]}, line_kwargs)
            self._draw(ax, name, curve, style)
        if scale == "log":
            log_scale(ax)
        whole_numbers(ax.xaxis)
        ax.set(xlabel="iteration", ylabel="loss, standard units of y")
        ax.legend()
        return self

    def _draw(self, ax, name, curve, style):
        iteration = np.arange(1, len(curve.loss) + 1)
        alone = {"marker": "." if len(iteration) == 1 else None}
        labels = f"{name}, training", f"{name}, validation"
        options = alone | {"label": labels[0]} | style
        (self.lines_[name],) = ax.plot(iteration, _seen(curve.loss), **options)
        watched = curve.validation_loss
        if watched is not None:
            options = alone | {"label": labels[1], "linestyle": "--"} | style
            lines = ax.plot(iteration, _seen(watched), **options)
            self.validation_lines_[name] = lines[0]
        color, is_first = self.lines_[name].get_color(), len(self.lines_) == 1
        marks = {"color": color, "ls": "", "mfc": "none", "mew": 1.5}
        if curve.kept:
            loss = (curve.loss if watched is None else watched)[curve.kept - 1]
            label = "parameters kept" if is_first else None
            (self.marks_[name],) = ax.plot(
                *(curve.kept, loss), **marks, marker="o", ms=9, label=label
            )
        others = _other_ends(curve)
        if len(others):
            label = "other starts" if not self.restart_marks_ else None
            (self.restart_marks_[name],) = ax.plot(
                *others.T, **marks, marker="x", ms=7, label=label
            )


def _named(estimator, name):
    """Models by name."""
    if isinstance(estimator, Mapping):
        found = {str(key): unwrap(one).model for key, one in estimator.items()}
    elif isinstance(estimator, list | tuple):
        models = [unwrap(one).model for one in estimator]
        names = [type(model).__name__ for model in models]
        found = {
            one if names.count(one) == 1 else f"{one} {k}": model
            for k, (one, model) in enumerate(zip(names, models, strict=True))
        }
    else:
        model = unwrap(estimator).model
        return {type(model).__name__ if name is None else name: model}
    if name is not None:
        raise ValueError(
            f"name={name!r} is for a single estimator; name several by a dict."
        )
    if not found:
        raise ValueError("estimator holds no estimator: there is nothing to draw.")
    return found


def _curve(model, name):
    """What a fitted network remembers of its training."""
    if not getattr(model, "loss_curve_", None):
        raise TypeError(
            f"{name} has no loss curve: {type(model).__name__} was not trained step by "
            "step. Networks fitted here have one (RNN, GRU, LSTM, TDNN and "
            "NARXRegressor)."
        )
    loss, watched = np.array(model.loss_curve_), model.validation_loss_curve_
    if watched is not None:
        watched = np.array(watched)
    # The monitor takes loss and parameters together, so the one tells the other.
    found = np.flatnonzero(loss == model.loss_)
    kept = int(found[0]) + 1 if len(found) else 0
    return LossCurve(loss, watched, kept, model.restarts_)


def _as_curve(name, values):
    found = np.asarray(values, float)
    if found.ndim != 1 or not len(found):
        raise ValueError(
            f"{name} must hold one number for each iteration; got shape {found.shape}."
        )
    return found


def _seen(loss):
    """Losses, but what no axis shows: an infinite one."""
    return np.where(np.isfinite(loss), loss, np.nan)


def _other_ends(curve):
    """Iterations and losses at the ends of all trainings but the one drawn, (n, 2)."""
    key = "loss" if curve.validation_loss is None else "validation_loss"
    ends = [(one["n_iter"], one[key]) for one in curve.restarts]
    if ends:
        ends.pop(int(np.argmin([loss for _, loss in ends])))
    return np.array(ends, float).reshape(-1, 2)
