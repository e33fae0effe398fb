"""Delay lines: each row beside the rows that came before it."""

import numpy as np

from ._base import Layer


class Delay(Layer):
    """Put the values of earlier steps beside each other.

    Parameters
    ----------
    taps : sequence of (int, sequence of int)
        Groups of adjacent input columns, as (number of columns, their lags in rising
        order). The output holds group by group and lag by lag the columns of the group
        that many steps earlier. Steps before the start of a sequence count as zero,
        which is the mean of standardised data.
    """

    fixed = True

    def __init__(self, taps):
        self.taps = list(taps)
        self.n_in = sum(width for width, _ in self.taps)
        self.n_out = sum(width * len(lags) for width, lags in self.taps)
        self.reach = max((lags[-1] for _, lags in self.taps if lags), default=0)

    def initial_state(self, theta, n_sequences):
        return np.zeros((n_sequences, self.reach, self.n_in), theta.dtype)

    def forward(self, theta, x, steps, wanted, state=None, workspace=None):
        pieces = []
        for columns, lags in self._groups():
            source, early, back = steps.lagged(wanted, lags)
            piece = x[:, columns][source]
            if len(back):
                piece[early] = 0
                if state is not None:
                    piece[early] = state[wanted.sequence[early[0]], back, columns]
            pieces.append(piece.reshape(wanted.n_rows, len(lags) * piece.shape[2]))
        y = pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)
        if workspace is None:
            return y, self._last_rows(x, steps, state), None
        return y, None, (steps, wanted)

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        if not need_dx:
            return None
        steps, wanted = cache
        dx, first = np.zeros((steps.n_rows, self.n_in), dy.dtype), 0
        for columns, lags in self._groups():
            source, early, _ = steps.lagged(wanted, lags)
            known = np.ones(source.shape, bool)
            known[early] = False
            width = columns.stop - columns.start
            for k in range(len(lags)):
                # Rows of one lag have different sources, so += loses nothing.
                rows = known[:, k]
                dx[source[rows, k], columns] += dy[rows, first : first + width]
                first += width
        return dx

    def tangent(self, theta, cache, dx):
        if dx is None:
            return None
        steps, wanted = cache
        pieces = []
        for columns, lags in self._groups():
            source, early, _ = steps.lagged(wanted, lags)
            piece = dx[:, columns][source]
            piece[early] = 0
            pieces.append(piece.reshape(wanted.n_rows, -1, dx.shape[2]))
        return np.concatenate(pieces, axis=1)

    def _groups(self):
        """Yield (input columns, lags) of every group of taps."""
        first = 0
        for width, lags in self.taps:
            yield slice(first, first + width), lags
            first += width

    def _last_rows(self, x, steps, state):
        """The last `reach` rows of each sequence, (n_sequences, reach, n_in)."""
        n, reach = steps.n_sequences, self.reach
        past = np.zeros((n, reach, self.n_in), x.dtype)
        if reach == 0:
            return past
        if state is not None:
            # What was past before moves back by the length of the sequence.
            slot = np.arange(reach) + steps.lengths[:, None]
            slot = np.minimum(slot, reach - 1)  # what lies behind is overwritten
            past[...] = np.take_along_axis(state, slot[:, :, None], axis=1)
        last = steps.tail(reach)
        slot = last.step - last.lengths[last.sequence]
        past[last.sequence, slot] = x[steps.rows_of(last)]
        return past


def taps_of(lags):
    """The taps of columns that have lags of their own.

    Where all have the same, they are one group, whose output is lag by lag; else each
    is a group, and the output is column by column.

    Parameters
    ----------
    lags : list of range
        The lags of each column.
    """
    if all(own == lags[0] for own in lags):
        return [(len(lags), lags[0])]
    return [(1, own) for own in lags]
