"""Run a network over records, in batches of bounded size."""

import numpy as np

from ._dataset import Dataset


def run(network, theta, x, records, state=None, last=False):
    """Outputs of a network for standardised rows.

    Parameters
    ----------
    network : Layer
    theta : ndarray of shape (network.size,)
    x : ndarray of shape (n_rows, n_in)
    records : Records
        How the rows of `x` fall into records.
    state : object or None
        State before the first step, with one entry per record.
    last : bool
        Whether only the outputs of last steps are wanted.

    Returns
    -------
    rows : ndarray of shape (n, n_out)
        One row per record where `last`, else one per row of `x`.
    state : object
        The state after each record.
    """
    n = len(records.lengths)
    n_rows = n if last else len(x)
    data = Dataset(
        *(x, records.starts, records.lengths),
        *(np.empty((n_rows, 0)), np.empty(n_rows)),
        *(last, np.zeros(n, int)),
    )
    rows = np.empty((n_rows, network.n_out), x.dtype)
    states, orders = [], []
    for batch in data.tiles():
        part = _take(state, batch.order)
        y, after, _ = network.forward(theta, batch.x, batch.steps, batch.out, part)
        if last:
            rows[batch.order] = y
        else:
            rows[batch.steps.packing(data.starts[batch.order])] = y
        states.append(after)
        orders.append(batch.order)
    back = np.argsort(np.concatenate(orders), kind="stable")
    return rows, _take(_join(states), back)


def _take(state, indices):
    """Some sequences of a state: nested lists and tuples of arrays, or None."""
    if state is None:
        return None
    if isinstance(state, np.ndarray):
        return state[indices]
    return [_take(part, indices) for part in state]


def _join(states):
    """States of several batches as one."""
    if states[0] is None:
        return None
    if isinstance(states[0], np.ndarray):
        return np.concatenate(states)
    return [_join(parts) for parts in zip(*states, strict=True)]
