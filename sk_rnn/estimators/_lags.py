"""Lags as hyper-parameters, and how many steps they ask of a sequence."""

from numbers import Integral

import numpy as np

from .._compat import are_counts
from ..layers import Delay, Difference, flattened

EACH_INPUT = "one for each input channel"


def integers(name, values, n, each):
    """The n ints >= 0 of a sequence, as Python's own.

    Parameters
    ----------
    name, each : str
        Of the hyper-parameter, and what each is for, for the message.
    values : object
    n : int
    """
    found = list(values) if np.iterable(values) else [values]
    if len(found) != n or not are_counts(found, 0):
        raise ValueError(
            f"{name} must be an int, or a sequence of {n} non-negative ints, {each}; "
            f"got {values!r}."
        )
    return [int(k) for k in found]


def per_channel(name, value, n, each):
    """An int for each of n channels; a single one is that of all."""
    if isinstance(value, Integral):
        return [int(value)] * n
    return integers(name, value, n, each)


def input_lags(n_lags, delay, n_channels, n_steps):
    """The lags of each input channel, from its dead time on.

    Parameters
    ----------
    n_lags : int, sequence of int, or None
        How many lags lie behind the dead time; None: those that the row has.
    delay : int or sequence of int
        The dead time.
    n_channels : int
    n_steps : int or None
        Steps of every sequence where their number is fixed.
    """
    first = per_channel("input_delay", delay, n_channels, EACH_INPUT)
    if n_lags is not None:
        n_lags = per_channel("n_input_lags", n_lags, n_channels, EACH_INPUT)
        return [range(d, d + n + 1) for d, n in zip(first, n_lags, strict=True)]
    last = lags_or_all("n_input_lags", None, n_steps)
    if max(first) > last:
        raise ValueError(
            f"input_delay={delay!r} reaches beyond the rows, which have {n_steps} "
            f"step(s): it must be at most {last}."
        )
    return [range(d, last + 1) for d in first]


def lags_or_all(name, n_lags, n_steps):
    """`n_lags`, or as many as a row has earlier steps if it is None."""
    if n_lags is not None:
        return int(n_lags)
    if n_steps is None:
        raise ValueError(
            f"{name}=None means every step of the row, but these records have no "
            f"fixed number of steps (a list, or time_axis=0): set {name}."
        )
    return n_steps - 1


def check_lengths(records, estimator, before=0):
    """Refuse sequences too short to fill the delay lines, steps before included."""
    layers = list(flattened(estimator._network.layers))
    delays = [layer for layer in layers if isinstance(layer, Delay)]
    needed = 1 + max((layer.reach for layer in delays), default=0)
    if needed == 1:
        return
    needed += any(isinstance(layer, Difference) for layer in layers)
    short = records.lengths + before < needed
    if not short.any():
        return
    first = np.flatnonzero(short)[0]
    n_steps = records.lengths[first]
    name = f"Record {first} has {n_steps} step(s)"
    if records.is_one_table:
        name = f"X has n_samples={n_steps} step(s)"
    told = [f"{key}={getattr(estimator, key)!r}" for key in estimator._lags]
    raise ValueError(
        f"{name}, but the lags reach over {needed} ({', '.join(told)}): take fewer "
        "lags, or longer records."
    )
