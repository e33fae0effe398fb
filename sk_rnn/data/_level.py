"""Whether the changes of series are to be learnt rather than their levels."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

#: Which part of a series is its newest one, and how much of it must lie beyond all that
#: was before.
NEWEST, BEYOND = 0.1, 0.25

#: The regression of a change on the changes before it: on how many, and of which share
#: of what they leave the level must tell, or the series wanders. A random walk has 0,
#: an autoregression of order 1 with the coefficient c has about (1 - c) / 2.
CHANGES_BEFORE, TOLD_BY_LEVEL = 2, 0.075

#: A part of the variance as small as this is a matter of rounding.
ROUNDING = 1e-10


def has_no_level(records, last, channels):
    """Whether series have left the levels they used to have, or have none to return to.

    Parameters
    ----------
    records : Records
        A table, or windows of one series in the order of time.
    last : bool
        Whether they are windows, of which the newest steps make the series.
    channels : list of int or None
        Of which series the targets are the next values; None where they are not.

    Returns
    -------
    bool
        See `has_moved_on` and `wanders`.
    """
    if None in channels:
        return False
    if last:
        series = [records.rows[records.starts + records.lengths - 1]]
    else:
        series = records.split(records.rows)
    series = [rows[:, channels].astype(float) for rows in series]
    return has_moved_on(series) or wanders(series)


def has_moved_on(series):
    """Whether most series have moved to levels that they did not use to have.

    Parameters
    ----------
    series : list of ndarray of shape (n_steps_i, n_channels)

    Returns
    -------
    bool
        True if more than a quarter of the newest tenth, and more than one row of it,
        lies outside the range of the rest, in one of the channels, of half of the
        series.
    """
    shares = [_share_beyond(rows) for rows in series if len(rows) > 1]
    return bool(shares) and bool((np.median(shares, axis=0) > BEYOND).any())


def _share_beyond(rows):
    """The share of the newest rows outside the range of the others, by column."""
    n_new = max(round(NEWEST * len(rows)), 1)
    new, old = rows[-n_new:], rows[:-n_new]
    n_beyond = ((new < old.min(axis=0)) | (new > old.max(axis=0))).sum(axis=0)
    return np.where(n_beyond > 1, n_beyond, 0) / n_new


def wanders(series):
    """Whether the levels of series tell next to nothing of their next changes.

    It is the regression of Dickey and Fuller's test of a unit root, of all series
    together, as one network is to learn them all. What decides is how much the level
    explains, not whether it is significant: of a long series, little is.

    Parameters
    ----------
    series : list of ndarray of shape (n_steps_i, n_channels)

    Returns
    -------
    bool
        True if that is so in each of the channels.
    """
    n_rows = CHANGES_BEFORE + 2
    series = [rows for rows in series if len(rows) >= n_rows]
    if not series:
        return False
    pieces = np.concatenate([sliding_window_view(x, n_rows, axis=0) for x in series])
    return all(_told_by_level(piece) < TOLD_BY_LEVEL for piece in pieces.swapaxes(0, 1))


def _told_by_level(pieces):
    """Which share of the changes at the end of pieces the level before them explains.

    The share is of what a constant and the changes before leave; 1 where they leave
    nothing.
    """
    pieces = pieces - pieces.mean()
    pieces /= np.abs(pieces).max() or 1  # squares must not overflow
    changes = np.diff(pieces)
    known = np.column_stack([np.ones(len(pieces)), changes[:, :-1]])
    sought = np.column_stack([pieces[:, -2], changes[:, -1]])
    level, change = (sought - known @ np.linalg.lstsq(known, sought, rcond=None)[0]).T
    if change @ change <= ROUNDING * (changes[:, -1] @ changes[:, -1]):
        return 1.0
    if level @ level <= ROUNDING * (pieces[:, -2] @ pieces[:, -2]):
        return 1.0
    return (level @ change) ** 2 / ((level @ level) * (change @ change))
