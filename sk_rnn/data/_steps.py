"""Packed steps: ragged sequences as one table of rows, without padding or masks.

Sequences are sorted longest first and laid out step by step, so the sequences that are
alive at step t are the first ``sizes[t]`` of them and occupy the contiguous rows
``offsets[t]:offsets[t + 1]``::

    lengths 3, 2, 1       step    0      1    2
                          rows  0 1 2   3 4   5
                          of    a b c   a b   a
"""

from functools import cached_property

import numpy as np

from ..numerics._workspace import LRU

#: How many tables of lagged rows a structure remembers.
TABLES = 8


class Steps:
    """The time structure of packed rows: a value, which nobody changes.

    Parameters
    ----------
    lengths : array-like of int of shape (n_sequences,)
        Number of steps of each sequence, longest first, none of them zero.

    Attributes
    ----------
    sizes : ndarray of shape (n_steps,)
        Number of sequences alive at each step.
    offsets : ndarray of shape (n_steps + 1,)
        First row of each step; the last entry is the number of rows.
    ragged : bool
        Whether the lengths differ.
    """

    def __init__(self, lengths):
        self.lengths = np.asarray(lengths, dtype=np.intp)
        self.n_sequences, self.n_steps = len(self.lengths), int(self.lengths[0])
        self.ragged = bool((self.lengths != self.n_steps).any())
        if self.lengths[-1] < 1 or (self.ragged and np.any(np.diff(self.lengths) > 0)):
            raise ValueError("lengths must be sorted, longest first, and positive")
        if self.ragged:
            ends = np.bincount(self.lengths, minlength=self.n_steps + 1)
            self.sizes = self.n_sequences - np.cumsum(ends)[:-1]
            self.offsets = np.concatenate([[0], np.cumsum(self.sizes)])
        else:
            self.sizes = np.full(self.n_steps, self.n_sequences)
            self.offsets = np.arange(self.n_steps + 1) * self.n_sequences
        self.n_rows = int(self.offsets[-1])
        self._tails, self._tables = {}, LRU(TABLES)

    @cached_property
    def slices(self):
        """The rows of each step."""
        edges = self.offsets.tolist()
        return [slice(a, b) for a, b in zip(edges, edges[1:], strict=False)]

    @cached_property
    def step(self):
        """The step of each row, shape (n_rows,)."""
        return np.repeat(np.arange(self.n_steps), self.sizes)

    @cached_property
    def sequence(self):
        """The sequence of each row, shape (n_rows,)."""
        return np.arange(self.n_rows) - self.offsets[self.step]

    @cached_property
    def spans(self):
        """Stretches ``(first step, last step + 1)`` of equally many sequences."""
        if not self.ragged:
            return [(0, self.n_steps)]
        cuts = (np.flatnonzero(np.diff(self.sizes)) + 1).tolist()
        edges = [0, *cuts, self.n_steps]
        return list(zip(edges, edges[1:], strict=False))

    def tail(self, n_last):
        """The structure of the last `n_last` steps of each sequence (None: of all)."""
        if n_last is None or n_last >= self.n_steps:
            return self
        if n_last not in self._tails:
            lengths = np.minimum(self.lengths, n_last)
            self._tails[n_last] = Steps(lengths)
        return self._tails[n_last]

    def rows_of(self, tail):
        """The rows of this structure that a tail of it holds, in the tail's order."""
        first = (self.lengths - tail.lengths)[tail.sequence]
        return self.offsets[first + tail.step] + tail.sequence

    def emissions(self, tail):
        """Where the rows of a tail come from, step by step.

        Returns
        -------
        dict of int to (int, ndarray or slice)
            For each step that has any: the first of the sequences (the others follow)
            and the index of their rows in the tail.
        """
        found, n_last = {}, tail.n_steps
        if not self.ragged:
            first = self.n_steps - n_last
            return {first + k: (0, rows) for k, rows in enumerate(tail.slices)}
        low = np.append(self.sizes[n_last:], np.zeros(n_last, int))
        for t in np.flatnonzero(low < self.sizes).tolist():
            sequences = np.arange(low[t], self.sizes[t])
            step = t - (self.lengths - tail.lengths)[sequences]
            found[t] = int(low[t]), tail.offsets[step] + sequences
        return found

    def lagged(self, tail, lags):
        """Where the rows of a tail find the rows some steps before them.

        Returns
        -------
        source : ndarray of int of shape (tail.n_rows, n_lags)
            Rows of this structure; any row for what lies before the first step.
        early : tuple of ndarray
            Indices of the entries that lie before the first step.
        back : ndarray of int
            How far: -1 is the step before the first.
        """
        return self._tables.recall(
            (tail.n_steps, tuple(lags)), lambda: self._lagged(tail, lags)
        )

    def _lagged(self, tail, lags):
        first = (self.lengths - tail.lengths)[tail.sequence]
        step = (first + tail.step)[:, None] - np.asarray(lags, np.intp)
        source = self.offsets[np.maximum(step, 0)]
        source += tail.sequence[:, None]
        early = np.nonzero(step < 0)
        source[early] = 0
        return source, early, step[early]

    def cells(self, tail):
        """Where the rows of a tail lie in the rectangle of steps and sequences.

        Numbers of its cells, step by step; None where they are all of them in order.
        """
        if tail is self and not self.ragged:
            return None
        step = (self.lengths - tail.lengths)[tail.sequence] + tail.step
        return step * self.n_sequences + tail.sequence

    @property
    def ends(self):
        """The row of each sequence's last step, shape (n_sequences,)."""
        return self.offsets[self.lengths - 1] + np.arange(self.n_sequences)

    def packing(self, starts):
        """Source rows for packing sequences that begin at the rows `starts` of a table.

        ``table[steps.packing(starts)]`` is packed; assigning to it unpacks.
        """
        return np.asarray(starts)[self.sequence] + self.step
