"""Sequences that are overlapping windows of series, found by their values."""

from typing import NamedTuple

import numpy as np

#: Windows must follow one another in so many more pairs than chance has it follow, in
#: standard deviations of a fair coin.
SIGMAS = 3


class Runs(NamedTuple):
    """Where in which series the windows lie.

    Attributes
    ----------
    series : ndarray of int of shape (n_windows,)
        The number of the series that a window is of.
    first : ndarray of int of shape (n_windows,)
        At which step of it the window begins. Only differences within a series count.
    """

    series: np.ndarray
    first: np.ndarray

    def take(self, indices):
        """Some of the windows."""
        return Runs(self.series[indices], self.first[indices])

    def split(self, n_held, span):
        """Hold out the last windows of each series.

        Parameters
        ----------
        n_held : int
            How many to hold out in all.
        span : int
            So many steps must lie between the first steps of two windows that share
            nothing.

        Returns
        -------
        training, held : ndarray of int
            Windows between them are in neither, unless they are more than those in
            `training`: then there is no gap, and they are in `training`.
        """
        order = np.lexsort([self.first, self.series])
        sizes = np.bincount(self.series)
        ends = np.cumsum(sizes)[self.series[order]]
        from_end = (ends - np.arange(len(order)) - 0.5) / sizes[self.series[order]]
        order = order[np.argsort(from_end, kind="stable")]
        held, rest = order[:n_held], order[n_held:]
        edge = np.full(len(sizes), np.iinfo(np.intp).max)
        np.minimum.at(edge, self.series[held], self.first[held])
        apart = rest[self.first[rest] <= edge[self.series[rest]] - span]
        return (apart if 2 * len(apart) >= len(rest) else rest), held


def find_runs(windows):
    """Where windows lie in their series; None if they are not windows in order.

    A window follows another if it begins with the steps of that one from its second
    step on, or from a later one (the stride), with equal values in all channels. Most
    windows must follow the one before them. And it must be the order that makes them
    do so: constant rows, and rows of few different values, follow each other by chance,
    and do so in the opposite order just as often.

    Parameters
    ----------
    windows : ndarray of shape (n_windows, n_steps, n_channels)

    Returns
    -------
    Runs or None
    """
    older, newer = windows[:-1], windows[1:]
    strides = _strides(older, newer)
    follows = strides > 0
    if 2 * follows.sum() <= len(follows):
        return None
    either = _strides(newer, older) > 0
    tells, contradicts = (follows & ~either).sum(), (either & ~follows).sum()
    if tells - contradicts <= SIGMAS * np.sqrt(tells + contradicts):
        return None
    # Where a series stands still, several strides would do.
    usual = np.bincount(strides[follows & ~either]).argmax()
    strides[_ahead_by(usual, older, newer, np.flatnonzero(follows))] = usual
    series = np.concatenate([[0], np.cumsum(~follows)])
    return Runs(series, np.concatenate([[0], np.cumsum(strides)]))


def _strides(older, newer):
    """By how many steps each newer window is ahead of its older one; 0 for unknown."""
    strides = np.zeros(len(older), int)
    for stride in range(1, older.shape[1]):
        unknown = np.flatnonzero(strides == 0)
        strides[_ahead_by(stride, older, newer, unknown)] = stride
    return strides


def _ahead_by(stride, older, newer, which):
    """Those pairs of windows whose newer one is ahead by so many steps."""
    for step in range(older.shape[1] - stride):
        same = newer[which, step] == older[which, step + stride]
        which = which[same.all(axis=1)]
        if not len(which):
            break
    return which
