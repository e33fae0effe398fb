"""Activation functions and their derivatives.

A derivative is written as a function of the *output* ``a = f(z)``, so that no layer has
to keep the pre-activations. To add one: write the two functions and register them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Activation(NamedTuple):
    """A nonlinearity: ``apply(z, out)``, where out may be z, and ``slope(a, out)``."""

    apply: Callable
    slope: Callable


def _identity(z, out):
    if out is not z:
        out[...] = z


def _identity_slope(a, out):
    out[...] = 1


def _tanh(z, out):
    np.tanh(z, out)


def _tanh_slope(a, out):
    np.multiply(a, a, out)
    np.subtract(1, out, out)


def _logistic(z, out):
    # (1 + tanh(z / 2)) / 2 neither overflows nor leaves NumPy's vectorised tanh.
    np.multiply(z, 0.5, out)
    np.tanh(out, out)
    out *= 0.5
    out += 0.5


def _logistic_slope(a, out):
    np.subtract(1, a, out)
    np.multiply(out, a, out)


def _relu(z, out):
    if z.dtype.kind == "c":  # np.maximum would lose a complex step
        np.multiply(z, z.real > 0, out)
    else:
        np.maximum(z, 0, out=out)


def _relu_slope(a, out):
    np.greater(a.real, 0, out=out, casting="unsafe")


ACTIVATIONS = {
    "identity": Activation(_identity, _identity_slope),
    "logistic": Activation(_logistic, _logistic_slope),
    "tanh": Activation(_tanh, _tanh_slope),
    "relu": Activation(_relu, _relu_slope),
}
