"""Delay lines: each row beside the rows that came before it."""

import numpy as np

from ._base import Layer


class Delay(Layer):
    """Put the values of earlier steps beside each other.

    Parameters
    ----------
    taps : sequence of (int, sequence of int)
        Groups of adjacent input columns, as (number of columns, their lags). The output
        holds group by group and lag by lag the columns of the group that many steps
        earlier. Steps before the start of a sequence count as zero, which is the mean
        of standardised data.
    """

    def __init__(self, taps):
        self.taps = [(width, tuple(lags)) for width, lags in taps]
        self.n_in = sum(width for width, _ in self.taps)
        self.n_out = sum(width * len(lags) for width, lags in self.taps)
        self.reach = max((lag for _, lags in self.taps for lag in lags), default=0)

    def _columns(self):
        """Yield (lag, input columns, output columns) for every tap."""
        first_in = first_out = 0
        for width, lags in self.taps:
            for lag in lags:
                yield (
                    lag,
                    slice(first_in, first_in + width),
                    slice(first_out, first_out + width),
                )
                first_out += width
            first_in += width

    def forward(self, theta, x, steps, out, state=None, train=False):
        y = np.empty((out.n_rows, self.n_out), x.dtype)
        for lag, columns, target in self._columns():
            source, known, early = self._source(steps, out, lag)
            y[known, target] = x[source[known], columns]
            if len(early) and state is not None:
                past = state[out.sequence[early], source[early], columns]
                y[early, target] = past
            elif len(early):
                y[early, target] = 0
        if not train:
            return y, self._last_rows(x, steps, state), None
        return y, None, (steps, out)

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        if not need_dx:
            return None
        steps, out = cache
        dx = np.zeros((steps.n_rows, self.n_in), dy.dtype)
        for lag, columns, target in self._columns():
            source, known, _ = self._source(steps, out, lag)
            # Rows of one lag have different sources, so += loses nothing.
            dx[source[known], columns] += dy[known, target]
        return dx

    def _source(self, steps, out, lag):
        """Source rows (negative before the start), which are known, which are not."""
        key = (out, lag)
        if key not in steps.scratch:
            source = steps.at_lag(out, lag)
            known = source >= 0
            early = np.flatnonzero(~known)
            steps.scratch[key] = source, known if len(early) else slice(None), early
        return steps.scratch[key]

    def _last_rows(self, x, steps, state):
        """The last `reach` rows of each sequence, (n_sequences, reach, n_in)."""
        n, reach = steps.n_sequences, self.reach
        past = np.zeros((n, reach, self.n_in), x.dtype)
        if reach == 0:
            return past
        if state is not None:
            # What was past before moves back by the length of the sequence.
            slot = np.arange(reach) + steps.lengths[:, None]
            moved = np.take_along_axis(
                state, np.minimum(slot, reach - 1)[:, :, None], axis=1
            )
            past[...] = np.where((slot < reach)[:, :, None], moved, 0)
        last = steps.tail(reach)
        slot = last.step - last.lengths[last.sequence]
        past[last.sequence, slot] = x[steps.rows_of(last)]
        return past
