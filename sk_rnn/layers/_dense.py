"""A layer without memory."""

import numpy as np

from ..numerics._activations import ACTIVATIONS
from ._base import Layer
from ._tangent import dense_tangent


def glorot_uniform(array, fan_in, fan_out, rng):
    """Fill with U(-b, b), b = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    bound = np.sqrt(6.0 / (fan_in + fan_out))
    array[...] = rng.uniform(-bound, bound, array.shape)


class Dense(Layer):
    """``y = f(x W + b)`` for every row, W of shape (n_in, n_out)."""

    def __init__(self, n_in, n_out, activation="identity"):
        self.n_in, self.n_out = n_in, n_out
        self.activation = ACTIVATIONS[activation]
        self.shapes = {"weight": (n_in, n_out), "bias": (n_out,)}

    def initialise(self, theta, rng):
        p = self.views(theta)
        glorot_uniform(p["weight"], self.n_in, self.n_out, rng)
        p["bias"][...] = 0

    def forward(self, theta, x, steps, wanted, state=None, workspace=None):
        a, _, _ = self.bind(theta)(x, steps, wanted)
        return a, None, None if workspace is None else (x, a)

    def bind(self, theta):
        p = self.views(theta)

        def forward(x, steps, wanted, state=None):
            a = np.empty((len(x), self.n_out), np.result_type(theta, x))
            self.compute(p, x, a)
            return a, None, None

        return forward

    def compute(self, p, x, out):
        """Write f(x W + b) into given memory."""
        np.matmul(x, p["weight"], out=out)
        out += p["bias"]
        self.activation.apply(out, out)

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        x, a = cache
        dz = self._delta(dy, a)
        self.add_gradient(self.views(dtheta), x, dz)
        return dz @ self.views(theta)["weight"].T if need_dx else None

    @staticmethod
    def add_gradient(g, x, dz):
        """Add the gradients of the parameters, given that of x W + b."""
        g["weight"] += x.T @ dz
        g["bias"] += dz.sum(axis=0)

    def unit_gradients(self, theta, dy, cache):
        return [(self._delta(dy, cache[1]), dy)]

    def _delta(self, dy, a):
        """dL/dz of outputs a = f(z)."""
        slope = self.slope(a)
        return dy if slope is None else np.multiply(slope, dy, out=slope)

    def slope(self, a):
        """f'(z) of outputs a = f(z); None where f is the identity."""
        if self.activation is ACTIVATIONS["identity"]:
            return None
        slope = np.empty_like(a)
        self.activation.slope(a, slope)
        return slope

    def tangent(self, theta, cache, dx):
        x, a = cache
        first = 0 if dx is None else dx.shape[2]
        weight = self.views(theta)["weight"]
        return dense_tangent(weight, x, self.slope(a), dx, first, first + self.size)


class Dropout(Layer):
    """Zero a share `rate` of the entries in training, scale up the rest.

    Srivastava et al., *Dropout: a simple way to prevent neural networks from
    overfitting*, JMLR 15 (2014).
    """

    def __init__(self, n_in, rate, rng):
        self.n_in = self.n_out = n_in
        self.rate, self.rng = rate, rng

    def runs_beside(self, dtype, lengths):
        return False

    def forward(self, theta, x, steps, wanted, state=None, workspace=None):
        if workspace is None:
            return x, None, None
        keep = self.rng.uniform(size=x.shape) >= self.rate
        scale = (keep / (1 - self.rate)).astype(x.real.dtype)
        return x * scale, None, scale

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        return dy * cache
