"""Data that fits the contract and probably means something else: warnings at fit."""

import numpy as np

from .._warnings import warn_caller
from ._frames import is_frame
from ._index import counts_time, goes_back
from ._layout import lags_of

#: Columns of windows are the same series, shifted: but for this share of its variance,
#: which leaves room for columns that were scaled one by one.
SAME_SERIES = 0.01


def warn_of_traps(records, targets, y, names):
    """Warn of what is probably a misunderstanding, and say how to resolve it.

    Parameters
    ----------
    records : Records
    targets : Targets
    y : object
        What they were made of.
    names : ndarray of str or None
        Of the columns of X.
    """
    if _is_table_in_rows(records, names):
        warn_caller(
            "The index of X counts time, as if its rows were consecutive steps, but "
            "time_axis=1 reads each row as a sequence of its own. For rows that are "
            "steps set time_axis=0. If each row is a sequence, drop the index: "
            "X.reset_index(drop=True)."
        )
    warn_of_disorder(records)
    if _may_be_steps(records, targets, y):
        n = targets.values.shape[1]
        warn_caller(
            f"y is 2-D with {n} columns, and X has {n} steps: y is read as {n} outputs "
            "after the last step. For a target at each step pass y[..., None], of "
            "shape (n_sequences, n_steps, 1). If they are outputs after the last step, "
            "pass y as a DataFrame, whose columns can be nothing else."
        )
    channel = _copied_channel(records, targets)
    if channel is not None:
        warn_caller(
            f"y is the newest value of channel {channel} of X, in every sequence and "
            "at every step that has a target: all there is to learn is to copy it. To "
            "predict the next value, y must be the value after it: X = series[:-1] "
            "and y = series[1:] as a table (time_axis=0), or y = series[n_steps:] for "
            "windows of n_steps."
        )


def warn_of_disorder(records):
    """Warn of a table that is not in the order of time, by its index."""
    row = goes_back(records)
    if row is not None:
        where = "each sequence" if records.ids is not None else "the table"
        advice = "X.sort_index() sorts them, y alike"
        if records.ids is None:
            advice += "; where they are of several sequences, name a sequence_column"
        warn_caller(
            f"The rows of {where} are taken as consecutive steps, but by the index of "
            f"X row {row} ({records.index[row]}) does not come after row {row - 1} "
            f"({records.index[row - 1]}). {advice}."
        )


def _is_table_in_rows(records, names):
    """Whether rows that were read as sequences are rather steps of one table."""
    if records.form != "rows" or not counts_time(records.index):
        return False
    return lags_of(names) is None and not _are_windows(records)


def _are_windows(records):
    """Whether each sequence is the one before it, one step on, in either order."""
    cube = records.rows.reshape(len(records.lengths), records.fixed_steps, -1)
    if records.fixed_steps == 1:
        return False
    far = SAME_SERIES * cube.var()
    older, newer = cube[1:, :-1] - cube[:-1, 1:], cube[1:, 1:] - cube[:-1, :-1]
    return bool(min((older**2).mean(), (newer**2).mean()) <= far)


def _may_be_steps(records, targets, y):
    """Whether there are as many outputs as steps; a frame says what its columns are."""
    n_outputs = targets.values.shape[1]
    if not targets.last or n_outputs == 1 or records.form == "rows" or is_frame(y):
        return False
    return bool((records.lengths == n_outputs).all())


def _copied_channel(records, targets):
    """A channel of X whose newest values are an output in y; None if there is none."""
    rows, values = records.rows, targets.values
    if targets.last:
        rows = rows[records.starts + records.lengths - 1]
    few = [0, len(rows) // 2, -1]  # most pairs differ there already
    pairs = (rows[few][:, :, None] == values[few][:, None, :]).all(axis=0)
    for channel, output in np.argwhere(pairs):
        same = (rows[:, channel] == values[:, output]).all()
        if same and (values[:, output] != values[0, output]).any():
            return int(channel)
    return None
