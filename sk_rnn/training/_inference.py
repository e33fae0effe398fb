"""Run a fitted network over sequences, in batches of bounded size."""

from contextlib import nullcontext
from functools import lru_cache

import numpy as np

from ..data._dataset import tiles
from ..data._state import join, put, take
from ..data._steps import Steps
from ..layers import one_thread
from ..numerics._threads import side_by_side

#: Long records are run in pieces of about this many rows, which bounds the memory that
#: layers need on the way.
PIECE_ROWS = 2**15

#: Networks with memory run in tiles of this many steps times sequences, smaller ones
#: than in training: nothing is kept of a step, which fits into the nearest cache then.
#: With 32 units 10 to 25 % faster than tiles of 2**14.
TILE_ROWS = 2**11

#: At most so many rows take little time, and what is around them counts: to set the
#: number of threads takes longer than a small product could lose.
FEW_ROWS = 1000

#: To make the structure of one sequence of 24 steps takes a sixth of the time to
#: predict it, so the last ones of at most so many rows are remembered.
VERY_FEW_ROWS = 100


def infer(forward, x, records, state=None, last=False):
    """Outputs of a network for standardised rows.

    Parameters
    ----------
    forward : Forward
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
        if records.lengths[0] == len(x):  # a single record is packed as it is
            return _of_tile(forward, x, _steps(records.lengths), state, last)
        return _by_tiles(forward, x, records, state, last)


def _by_tiles(forward, x, records, state, last):
    starts, lengths, network = records.starts, records.lengths, forward.network
    n_parts = network.n_parts(x.dtype, lengths, training=False)
    n_rows = TILE_ROWS if network.reach is None else None
    orders, latest = tiles(lengths, n_parts, n_rows), {}
    rows = np.empty((len(lengths) if last else len(x), network.n_out), x.dtype)

    def of_tile(k, part):
        order, steps = orders[k], latest.get(part)
        if steps is None or not np.array_equal(steps.lengths, lengths[order]):
            steps = latest[part] = _steps(lengths[order])
        source, before = steps.packing(starts[order]), take(state, order)
        y, after = _of_tile(forward, x[source], steps, before, last)
        rows[order if last else source] = y
        return after

    states = side_by_side(of_tile, [lengths[order].sum() for order in orders], n_parts)
    if len(states) == 1 and not latest[0].ragged:
        return rows, states[0]
    back = np.argsort(np.concatenate(orders), kind="stable")
    return rows, take(join(states), back)


def _of_tile(forward, x, steps, state, last):
    """Outputs of packed rows, at all steps or at the last ones, and the state after."""
    if last:
        return forward(x, steps, steps.tail(1), state)[:2]
    return _in_pieces(forward, x, steps, state)


def _steps(lengths):
    if lengths.sum() > VERY_FEW_ROWS:
        return Steps(lengths)
    return _few_rows(tuple(lengths.tolist()))


@lru_cache(maxsize=16)
def _few_rows(lengths):
    return Steps(lengths)


def _in_pieces(forward, x, steps, state):
    """Outputs of all steps, and the state after them, stretch of time by stretch."""
    n_steps = max(1, PIECE_ROWS // steps.n_sequences)
    if n_steps >= steps.n_steps:
        return forward(x, steps, steps, state)[:2]
    y, final = None, None
    for first in range(0, steps.n_steps, n_steps):
        stop = min(first + n_steps, steps.n_steps)
        alive = slice(int(steps.sizes[first]))
        piece = Steps(np.minimum(steps.lengths[alive], stop) - first)
        rows = slice(int(steps.offsets[first]), int(steps.offsets[stop]))
        state = take(state, alive)
        out, state, _ = forward(x[rows], piece, piece, state)
        if y is None:
            y = np.empty((steps.n_rows, out.shape[1]), x.dtype)
        y[rows] = out
        final = state if final is None else put(final, alive, state)
    return y, final
