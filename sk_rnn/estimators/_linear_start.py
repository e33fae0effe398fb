"""The linear path beside a network, and its least-squares solution to begin with."""

from dataclasses import replace

import numpy as np

from ..layers import Chain, Delay, Skip
from ._lagged_rows import LaggedRows, NothingToSolve


def beside(layers, skip, n_straight=None):
    """A chain of layers, with a linear path beside them if `skip` says so.

    What comes in through a delay line at the front is what the path sees, too. A delay
    line decides its output alone, so it stays in front of both, and is run once. Of
    what the network sees, the path sees the first `n_straight` columns (None: all).
    """
    if skip is None:
        return Chain(layers)
    front = {}
    name, first = next(iter(layers.items()))
    if isinstance(first, Delay):
        front = {name: first}
        layers = {key: layer for key, layer in layers.items() if key != name}
    return Chain(front | {"": Skip(Chain(layers), n_straight)})


def begin_linear(network, data, thetas):
    """Write the linear solution into parameters; the network adds nothing to it yet.

    Where no step that counts fills the lags, there is none, and they stay as they are.

    Parameters
    ----------
    network : Chain
        With a linear path at its end.
    data : Dataset
    thetas : list of ndarray of shape (network.size,)
    """
    n_lags = 1 + sum(layer.reach for layer in network.layers[:-1])
    n_straight = network.views(thetas[0])["output.skip"].shape[0]
    own = replace(data, x=data.x[:, : n_straight // n_lags])
    try:
        solution = _solve(own, n_lags)
    except NothingToSolve:
        return
    n_outputs = solution.shape[1]
    # The delay line puts the newest value first.
    coef = solution[:-1].reshape(n_lags, -1, n_outputs)[::-1]
    for theta in thetas:
        p = network.views(theta)
        p["output.skip"][...] = coef.reshape(-1, n_outputs)
        p["output.bias"][...] = solution[-1]
        p["output.weight"][...] = 0


def _solve(data, n_lags):
    """Weights of the lagged values, oldest first, and intercepts."""
    missing = np.isnan(data.y)
    if not missing.any():
        return LaggedRows(data, n_lags).solve(0.0)
    found = []
    for y, lost in zip(data.y.T, missing.T, strict=True):
        weight = np.where(lost, 0, data.weight)
        own = replace(data, y=np.where(lost, 0, y)[:, None], weight=weight)
        found.append(LaggedRows(own, n_lags).solve(0.0))
    return np.hstack(found)
