"""Activation functions and their derivatives.

Every function works in place on arrays of any floating type. A derivative is
written as a function of the *output* ``a = f(z)``, so that no layer has to keep the
pre-activations. To add one: write the two functions and register them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Activation(NamedTuple):
    """A nonlinearity: ``apply(z)`` in place, ``slope(a, out)`` from its output."""

    apply: Callable
    slope: Callable


def _identity(z):
    return z


def _identity_slope(a, out):
    out[...] = 1


def _tanh(z):
    return np.tanh(z, z)


def _tanh_slope(a, out):
    np.multiply(a, a, out)
    np.subtract(1, out, out)


def _logistic(z):
    # (1 + tanh(z / 2)) / 2 neither overflows nor leaves NumPy's vectorised tanh.
    z *= 0.5
    np.tanh(z, z)
    z *= 0.5
    z += 0.5
    return z


def _logistic_slope(a, out):
    np.subtract(1, a, out)
    np.multiply(out, a, out)


def _relu(z):
    if z.dtype.kind == "c":  # np.maximum would lose a complex step
        z *= z.real > 0
        return z
    return np.maximum(z, 0, out=z)


def _relu_slope(a, out):
    np.greater(a.real, 0, out=out, casting="unsafe")


ACTIVATIONS = {
    "identity": Activation(_identity, _identity_slope),
    "logistic": Activation(_logistic, _logistic_slope),
    "tanh": Activation(_tanh, _tanh_slope),
    "relu": Activation(_relu, _relu_slope),
}
