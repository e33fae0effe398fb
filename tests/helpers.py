"""What several test files share."""

import importlib
import tracemalloc

import numpy as np
import pytest

#: Ragged sets of lengths, longest first.
LENGTHS = ([1], [1, 1], [4], [5, 5, 5], [3, 1], [7, 5, 5, 2, 1])

#: How many last steps of each sequence are wanted; None for all.
TAILS = (None, 1, 3)


def peak_memory(call):
    """Bytes that a call takes at the most, arrays of NumPy included."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def complex_step(function, values, step=1e-30):
    """Gradient of a real function of an array, exact to rounding.

    Of a function that returns an array, one for each entry: their axes come first.
    Squire & Trapp, SIAM Review 40 (1998): a step along the imaginary axis needs no
    difference, so nothing cancels.
    """
    columns, shifted = [], values.astype(complex)
    for index in np.ndindex(values.shape):
        shifted[index] += 1j * step
        columns.append(np.imag(function(shifted)) / step)
        shifted[index] = values[index]
    return _gradient(columns, values)


def central_difference(function, values, step=1e-6):
    """The same to about ten digits, where numbers cannot be complex."""
    columns, shifted = [], values.copy()
    for index in np.ndindex(values.shape):
        shifted[index] = values[index] + step
        above = function(shifted)
        shifted[index] = values[index] - step
        columns.append((above - function(shifted)) / (2 * step))
        shifted[index] = values[index]
    return _gradient(columns, values)


def _gradient(columns, values):
    if not columns:
        return np.empty(values.shape)
    return np.stack(columns, axis=-1).reshape(*np.shape(columns[0]), *values.shape)


def assert_near(actual, desired, tolerance):
    """Compare arrays relative to the largest entry."""
    actual, desired = np.asarray(actual), np.asarray(desired)
    assert actual.shape == desired.shape
    scale = max(float(np.abs(desired).max(initial=0)), 1e-300)
    error = float(np.abs(actual - desired).max(initial=0)) / scale
    assert error <= tolerance, f"relative error {error:.2e} > {tolerance:g}"


def optional(name):
    """A package, or where it is not installed what skips the tests that use it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return _Missing(name)


class _Missing:
    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        if attribute.startswith("_"):  # pytest looks at what modules hold
            raise AttributeError(attribute)
        pytest.skip(f"{self._name} is not installed", allow_module_level=True)
