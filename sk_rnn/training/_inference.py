"""Run a fitted network over sequences, in batches of bounded size."""

from contextlib import nullcontext
from functools import lru_cache

import numpy as np

from ..data._dataset import tiles
from ..data._state import join, put, take
from ..data._steps import Steps
from ..layers import one_thread

#: Long records are run in pieces of about this many rows, which bounds the memory that
#: layers need on the way.
PIECE_ROWS = 2**15

#: At most so many rows take little time, and what is around them counts: to set the
#: number of threads takes longer than a small product could lose.
FEW_ROWS = 1000

#: To make the structure of one sequence of 24 steps takes a sixth of the time to
#: predict it, so the last ones of at most so many rows are remembered.
VERY_FEW_ROWS = 100


def infer(network, theta, x, records, state=None, last=False):
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
    with one_thread() if len(x) > FEW_ROWS else nullcontext():
        return _by_tiles(network, theta, x, records, state, last)


def _by_tiles(network, theta, x, records, state, last):
    starts, lengths = records.starts, records.lengths
    n_rows = len(lengths) if last else len(x)
    rows = np.empty((n_rows, network.n_out), x.dtype)
    states, orders, steps = [], [], None
    for order in tiles(lengths):
        if steps is None or not np.array_equal(steps.lengths, lengths[order]):
            steps = _steps(lengths[order])
        source = steps.packing(starts[order])
        part = take(state, order)
        if last:
            wanted = steps.tail(1)
            rows[order], after, _ = network.forward(
                theta, x[source], steps, wanted, part
            )
        else:
            rows[source], after = _in_pieces(network, theta, x[source], steps, part)
        states.append(after)
        orders.append(order)
    if len(states) == 1 and not steps.ragged:
        return rows, after
    back = np.argsort(np.concatenate(orders), kind="stable")
    return rows, take(join(states), back)


def _steps(lengths):
    if lengths.sum() > VERY_FEW_ROWS:
        return Steps(lengths)
    return _few_rows(tuple(lengths.tolist()))


@lru_cache(maxsize=16)
def _few_rows(lengths):
    return Steps(lengths)


def _in_pieces(network, theta, x, steps, state):
    """Outputs of all steps, and the state after them, stretch of time by stretch."""
    n_steps = max(1, PIECE_ROWS // steps.n_sequences)
    if n_steps >= steps.n_steps:
        return network.forward(theta, x, steps, steps, state)[:2]
    y, final = np.empty((steps.n_rows, network.n_out), x.dtype), None
    for first in range(0, steps.n_steps, n_steps):
        stop = min(first + n_steps, steps.n_steps)
        alive = slice(int(steps.sizes[first]))
        piece = Steps(np.minimum(steps.lengths[alive], stop) - first)
        rows = slice(int(steps.offsets[first]), int(steps.offsets[stop]))
        state = take(state, alive)
        y[rows], state, _ = network.forward(theta, x[rows], piece, piece, state)
        final = state if final is None else put(final, alive, state)
    return y, final
