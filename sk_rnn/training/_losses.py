"""Losses of one residual ``r = y_pred - y``, and their derivatives.

A loss knows no model. Its ``parameters`` name the hyper-parameters it is made with.
To add one: write the class and register it.
"""

import numpy as np


class SquaredError:
    """``r^2 / 2``; its minimiser is the conditional mean."""

    parameters = ()

    def value(self, r):
        return 0.5 * r * r

    def slope(self, r):
        return r


class AbsoluteError:
    """``|r|``; its minimiser is the conditional median."""

    parameters = ()

    def value(self, r):
        return r * np.sign(r.real)

    def slope(self, r):
        return np.sign(r.real).astype(r.dtype)


class Huber:
    """``r^2 / 2`` up to `huber_delta`, linear beyond (Huber 1964)."""

    parameters = ("huber_delta",)

    def __init__(self, huber_delta=1.35):
        self.delta = huber_delta

    def value(self, r):
        size = r * np.sign(r.real)
        far = self.delta * (size - 0.5 * self.delta)
        return np.where(size.real <= self.delta, 0.5 * r * r, far)

    def slope(self, r):
        far = np.sign(r.real) * self.delta
        return np.where(np.abs(r.real) <= self.delta, r, far).astype(r.dtype)


class Quantile:
    """Pinball loss; its minimiser is the conditional `quantile` (Koenker 1978)."""

    parameters = ("quantile",)

    def __init__(self, quantile=0.5):
        self.quantile = quantile

    def value(self, r):
        return r * self.slope(r)

    def slope(self, r):
        # d/dy_pred: an observation above the prediction pulls with weight `quantile`.
        return np.where(r.real < 0, -self.quantile, 1 - self.quantile).astype(r.dtype)


LOSSES = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
}
