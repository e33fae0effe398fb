"""Whether the newest part of series lies apart from what came before it."""

import numpy as np

#: Which part of a series is its newest one, and how much of it must lie beyond all that
#: was before.
NEWEST, BEYOND = 0.1, 0.25


def has_moved_on(records, last, channels):
    """Whether most series have moved to levels that they did not use to have.

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
        True if more than a quarter of the newest tenth, and more than one row of it,
        lies outside the range of the rest, in one of the channels, of half of the
        series.
    """
    if None in channels:
        return False
    if last:
        series = [records.rows[records.starts + records.lengths - 1]]
    else:
        series = records.split(records.rows)
    shares = [_share_beyond(rows[:, channels]) for rows in series if len(rows) > 1]
    return bool(shares) and bool((np.median(shares, axis=0) > BEYOND).any())


def _share_beyond(rows):
    """The share of the newest rows outside the range of the others, by column."""
    n_new = max(round(NEWEST * len(rows)), 1)
    new, old = rows[-n_new:], rows[:-n_new]
    n_beyond = ((new < old.min(axis=0)) | (new > old.max(axis=0))).sum(axis=0)
    return np.where(n_beyond > 1, n_beyond, 0) / n_new
