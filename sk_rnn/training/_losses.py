"""Losses of predictions against targets, and their derivatives.

A loss knows no model. It is a dataclass, whose fields are hyper-parameters of the
estimators. To add one: write the class, docstring included, and register it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from .._compat import Number, above
from .._typing import Float


@dataclass
class Loss:
    """Loss of each row, summed over its outputs.

    Targets may be missing (NaN) where there is one prediction for each output: the loss
    then sees those observed alone, as so many rows of one output (`Observed`).

    Attributes
    ----------
    constraints : dict
        What the fields may be, in scikit-learn's terms.
    """

    constraints: ClassVar[dict] = {}

    #: Function (y_pred, y) -> ndarray of shape (n_rows, n_predictions), where the loss
    #: is half the sum of squares of such numbers and each has the derivative 1 by its
    #: prediction: what least-squares solvers take. None for other losses.
    residual: ClassVar[Callable[..., np.ndarray] | None] = None

    def value(self, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Loss of each row.

        Parameters
        ----------
        y_pred : ndarray of shape (n_rows, n_predictions)
            As many predictions as outputs, or what else the loss makes of them: a mean
            and a variance, a score for each class.
        y : ndarray of shape (n_rows, n_outputs)

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        raise NotImplementedError

    def gradient(self, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Derivative of `value` by y_pred, (n_rows, n_predictions), a new array."""
        raise NotImplementedError


@dataclass
class SquaredError(Loss):
    """``(y_pred - y)^2 / 2``; its minimiser is the conditional mean."""

    def value(self, y_pred, y):
        r = y_pred - y
        return (0.5 * r * r).sum(axis=1)

    def gradient(self, y_pred, y):
        return y_pred - y

    residual = gradient


@dataclass
class AbsoluteError(Loss):
    """``|y_pred - y|``; its minimiser is the conditional median."""

    def value(self, y_pred, y):
        r = y_pred - y
        return (r * np.sign(r.real)).sum(axis=1)

    def gradient(self, y_pred, y):
        r = y_pred - y
        return np.sign(r.real).astype(r.dtype)


@dataclass
class Huber(Loss):
    """Half a square up to `huber_delta`, linear beyond (Huber 1964).

    Parameters
    ----------
    huber_delta : float > 0, default=1.35
        Residual at which ``loss="huber"`` turns from quadratic to linear.
    """

    huber_delta: Float = 1.35
    constraints: ClassVar[dict] = {"huber_delta": [above(0)]}

    def value(self, y_pred, y):
        r = y_pred - y
        size = r * np.sign(r.real)
        far = self.huber_delta * (size - 0.5 * self.huber_delta)
        near = size.real <= self.huber_delta
        return np.where(near, 0.5 * r * r, far).sum(axis=1)

    def gradient(self, y_pred, y):
        r = y_pred - y
        far = np.sign(r.real) * self.huber_delta
        return np.where(np.abs(r.real) <= self.huber_delta, r, far).astype(r.dtype)


@dataclass
class Quantile(Loss):
    """Pinball loss; its minimiser is the conditional `quantile` (Koenker 1978).

    Parameters
    ----------
    quantile : float in (0, 1), default=0.5
        The quantile that ``loss="quantile"`` estimates.
    """

    quantile: Float = 0.5
    constraints: ClassVar[dict] = {"quantile": [Number(Real, 0, 1, closed="neither")]}

    def value(self, y_pred, y):
        return ((y_pred - y) * self.gradient(y_pred, y)).sum(axis=1)

    def gradient(self, y_pred, y):
        # An observation above the prediction pulls with weight `quantile`.
        r = y_pred - y
        return np.where(r.real < 0, -self.quantile, 1 - self.quantile).astype(r.dtype)


class Observed(Loss):
    """A loss over the targets that were observed: NaN carries no loss, no gradient.

    Parameters
    ----------
    loss : Loss
        With one prediction for each output.
    """

    def __init__(self, loss):
        self.loss = loss

    def value(self, y_pred, y):
        return self._spread(self.loss.value, y_pred, y).sum(axis=1)

    def gradient(self, y_pred, y):
        return self._spread(self.loss.gradient, y_pred, y)

    def residual(self, y_pred, y):
        return self._spread(self.loss.residual, y_pred, y)

    @staticmethod
    def _spread(function, y_pred, y):
        """What a function of one output makes of those observed; 0 for the others."""
        found, seen = np.zeros_like(y_pred), ~np.isnan(y)
        entries = function(y_pred[seen][:, None], y[seen][:, None])
        found[seen] = entries.reshape(-1)
        return found


LOSSES = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
}
