"""Data that fits the contract and probably means something else: warnings at fit."""

import numpy as np

from .._warnings import warn_caller
from ._arrays import few
from ._frames import is_frame
from ._future import COMPARED, share_of_next
from ._index import counts_time, read_index
from ._layout import lags_of, no_lags

#: Columns of windows are the same series, shifted: but for this share of its variance,
#: which leaves room for columns that were scaled one by one.
SAME_SERIES = 0.01

#: Share of steps in which a table in time order does not jump.
MANY_JUMPS = 0.05

DISORDER = (
    "The rows of {} are not consecutive steps in order of time, as if they had been "
    "shuffled or drawn from a table (by a shuffled KFold, or by "
    "HalvingRandomSearchCV), or were of several sequences: with time_axis=0 the model "
    "reads each row as the step behind the one before it. Sort them, and name the "
    "sequence_column, if there are several; split with TimeSeriesSplit or "
    "PanelTimeSeriesSplit; for searches that halve, let resource='max_iter' grow."
)


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
    others = _are_no_steps(records, names)
    if others:
        warn_caller(
            f"Columns of X are named as lags, and {few(others)} is no lag: with "
            "time_axis=1 a row is one sequence, and so it is read as one of its steps. "
            "Leave it out, or put its value beside each lag, as a channel of its own "
            "(n_channels). If it is meant so, pass X without names, as an array."
        )
    if not warn_of_disorder(records) and _is_drawn(records, targets):
        warn_caller(DISORDER.format("X"))
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


def warn_of_disorder(records, name="X"):
    """Warn of a table that is not in the order of time, by its index."""
    is_out_of_order = records.is_table and _is_out_of_order(records)
    if is_out_of_order:
        warn_caller(DISORDER.format(name))
    return is_out_of_order


def _is_table_in_rows(records, names):
    """Whether rows that were read as sequences are rather steps of one table."""
    if records.form != "rows" or not counts_time(records.index):
        return False
    return lags_of(names) is None and not _are_windows(records)


def _are_no_steps(records, names):
    """Names of columns that are read as steps of windows, and are none."""
    if names is None or records.form != "rows" or records.fixed_steps == 1:
        return []
    return no_lags(names)


def _is_out_of_order(records):
    """Whether an index of dates, or of row numbers, runs back or jumps time and again.

    Dates must not stand still. They may jump (nights, holidays), and numbers may be
    anything that rises; but row numbers, of which most follow one another, do not.
    """
    found = read_index(records.index)
    if found is None or (found[0] == "numbers" and not records.is_one_table):
        return False
    inside = np.ones(len(found[1]) - 1, bool)
    inside[records.starts[1:] - 1] = False
    steps = np.diff(found[1])[inside]
    if (steps < 0).any() or (found[0] != "numbers" and (steps == 0).any()):
        return True
    jumps = (steps != 1).mean() if len(steps) else 0
    return found[0] == "numbers" and MANY_JUMPS < jumps < 0.5


def _is_drawn(records, targets):
    """Whether targets are the next values of X in most rows, and in many not."""
    share = share_of_next(records, targets)
    if share is None or not 0.5 < share < 1 - MANY_JUMPS:
        return False
    rows = records.rows[:COMPARED]
    stays = (rows[1:] == rows[:-1]).mean()
    return stays < MANY_JUMPS  # or they may be equal by chance


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
