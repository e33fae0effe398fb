"""Lags as hyper-parameters, and how many steps they ask of a sequence."""

import numpy as np

from ..layers import Delay


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


def check_lengths(records, network, before=0):
    """Refuse sequences too short to fill the delay lines, steps before included."""
    delays = [layer for layer in network.layers if isinstance(layer, Delay)]
    needed = 1 + max((layer.reach for layer in delays), default=0)
    if needed == 1:
        return
    short = records.lengths + before < needed
    if not short.any():
        return
    first = np.flatnonzero(short)[0]
    n_steps = records.lengths[first]
    name = f"Record {first} has {n_steps} step(s)"
    if records.is_one_table:
        name = f"X has n_samples={n_steps} step(s)"
    raise ValueError(
        f"{name}, but the lags reach over {needed}: take fewer lags, or longer records."
    )
