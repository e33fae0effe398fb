"""Cut series into windows, with the values that follow them as targets."""

from numbers import Integral

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from .._compat import at_least, check_parameters
from .._typing import ArrayLike, Columns, Int, Ints
from ..data._arrays import is_regular, unboxed
from ..data._frames import positions
from ..data._tables import run_lengths
from ._sequences import check_alike


def make_windows(
    X: ArrayLike,
    n_steps: Int,
    horizon: Ints = 1,
    *,
    target_columns: Columns | None = None,
    stride: Int = 1,
    groups: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut series into windows of `n_steps` steps, and the values that follow them.

    A window of x_t, ..., x_{t+n-1}, oldest first, has the target x_{t+n-1+h}, which is
    the value h steps behind its last one, for each h of `horizon`. The estimators read
    X in this order, and y as wanted after the last step. No window reaches from one
    sequence into the next, nor does its target.

    Parameters
    ----------
    X : array-like or list of array-like
        One series (n_steps_all,); or one table (n_steps_all, n_channels), an array or a
        DataFrame, whose rows are steps in the order of time; or several sequences: a
        list of such arrays of any lengths (or a 1-D array of objects), or a 3-D array
        (n_sequences, n_steps_all, n_channels). NaN is passed on.
    n_steps : int
        Length of a window.
    horizon : int or sequence of int, default=1
        How many steps ahead the target is: 1 is the value right behind the window, 3
        the third one behind it. Several, like ``range(1, 4)``, give a column each, for
        a model that predicts all of them at once (direct forecasts).
    target_columns : int, str or sequence of these, default=None
        The channels, by position or by the name that a DataFrame gives them, that are
        targets; None: all. X keeps all channels in any case. A single one, not in a
        sequence, takes no axis in y.
    stride : int, default=1
        Steps from the beginning of a window to that of the next one.
    groups : array-like of shape (n_steps_all,), default=None
        The sequence of each row of a series or table. Rows of a sequence are adjacent.

    Returns
    -------
    X : ndarray of shape (n_windows, n_steps) or (n_windows, n_steps, n_channels)
        2-D for 1-D series: rows, the simplest form that the estimators read. 3-D for
        tables, even of a single channel. Of a single sequence this is a read-only view,
        which takes no memory of its own; of several it is a copy.
    y : ndarray of shape (n_windows,) or (n_windows, n_columns)
        A column for each target at each horizon, horizon by horizon: first all targets
        at the first horizon. 1-D if `horizon` is an int and the targets have no axis: X
        is 1-D, or `target_columns` a single one. A copy.

    Raises
    ------
    ValueError, TypeError
        If a sequence has fewer than n_steps + max(horizon) steps, sequences have
        different channels, the rows of a group are not adjacent, or a parameter is
        outside of what is said above.

    See Also
    --------
    ChannelTransformer : Scales 3-D windows channel by channel.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn.preprocessing import make_windows
    >>> X, y = make_windows(np.arange(6), n_steps=3)
    >>> print(X, y)
    [[0 1 2]
     [1 2 3]
     [2 3 4]] [3 4 5]
    >>> X, y = make_windows(np.arange(6), n_steps=3, horizon=(1, 2))
    >>> print(X, y)
    [[0 1 2]
     [1 2 3]] [[3 4]
     [4 5]]

    Two sequences of two channels, of which the second is the target:

    >>> table = np.column_stack([np.arange(6), 10 * np.arange(6)])
    >>> sequence = ["a", "a", "a", "b", "b", "b"]
    >>> X, y = make_windows(table, n_steps=2, target_columns=1, groups=sequence)
    >>> X.shape
    (2, 2, 2)
    >>> y
    array([20, 50])
    """
    check_parameters(
        "make_windows",
        {
            "n_steps": [at_least(1)],
            "horizon": [at_least(1), "array-like"],
            "target_columns": [Integral, str, "array-like", None],
            "stride": [at_least(1)],
        },
        n_steps=n_steps,
        horizon=horizon,
        target_columns=target_columns,
        stride=stride,
    )
    ahead = _horizons(horizon)
    rows, lengths, columns = _read(X, groups, target_columns)
    span = n_steps + ahead.max()
    starts = _starts(lengths, span, stride)
    targets = rows[starts[:, None] + (n_steps - 1 + ahead)]
    if columns is not None:
        targets = targets[..., columns]
    y = targets.reshape(len(starts), -1)
    flat = np.ndim(horizon) == 0 and (
        rows.ndim == 1 or isinstance(target_columns, Integral | str)
    )
    if len(lengths) > 1:
        windows = rows[starts[:, None] + np.arange(n_steps)]
    else:
        windows = np.moveaxis(sliding_window_view(rows, int(n_steps), axis=0), -1, 1)
        windows = windows[: starts[-1] + 1 : stride]
    return windows, y[:, 0] if flat else y


def _horizons(horizon):
    ahead = np.atleast_1d(np.asarray(horizon))
    if ahead.ndim > 1 or not ahead.size or ahead.dtype.kind not in "iu":
        raise ValueError(
            f"horizon must be an int or a sequence of ints; got {horizon!r}."
        )
    if ahead.min() < 1:
        raise ValueError(
            f"horizon={horizon!r} reaches back to the window itself: horizons count "
            "steps behind its last one, and must be at least 1."
        )
    return ahead.astype(np.intp)


def _read(X, groups, target_columns):
    """All steps in one array, the lengths of the sequences, positions of the targets.

    Positions are None for 1-D series, which have no columns.
    """
    X = unboxed(X)
    if getattr(X, "ndim", 0) == 3 or _is_list_of_sequences(X):
        if groups is not None:
            raise ValueError(
                "groups name the sequences in the rows of one series or table; here X "
                "has several sequences already."
            )
        check_alike(X)
        parts = [_numbers(part, f"X[{i}]") for i, part in enumerate(X)]
        lengths, rows = [len(part) for part in parts], np.concatenate(parts)
        first = X[0]
    else:
        first, rows = X, _numbers(X, "X")
        lengths = [len(rows)]
    if groups is not None:
        groups = column_or_1d(groups)
        check_consistent_length(rows, groups)
        lengths = run_lengths(groups, "groups")
    return rows, lengths, _positions(first, rows, target_columns)


def _is_list_of_sequences(X):
    """A list of arrays, or of lists; but regular nested lists of numbers are a table.

    A list of 1-D arrays is several series.
    """
    if not isinstance(X, list | tuple) or not len(X) or np.isscalar(X[0]):
        return False
    return getattr(X[0], "ndim", 0) > 0 or not is_regular(X) or np.ndim(X) == 3


def _numbers(X, name):
    X = check_array(
        X, ensure_2d=False, allow_nd=True, ensure_all_finite=False, input_name=name
    )
    if X.ndim > 2:
        raise ValueError(
            f"{name} has {X.ndim} dimensions. X must be a series (n_steps_all,), a "
            "table (n_steps_all, n_channels), a list of these, or 3-D."
        )
    return X


def _positions(X, rows, target_columns):
    """Positions of the targets among the columns of X."""
    if rows.ndim == 1:
        if target_columns is not None:
            raise ValueError(
                f"target_columns={target_columns!r}, but X is 1-D and has no columns."
            )
        return None
    n_columns = rows.shape[1]
    if target_columns is None:
        return list(range(n_columns))
    names = getattr(X, "columns", None)
    return positions(target_columns, names, n_columns)


def _starts(lengths, span, stride):
    """The row at which each window begins."""
    short = [(i, n) for i, n in enumerate(lengths) if n < span]
    if short:
        i, n = short[0]
        which = f"Sequence {i} (from 0)" if len(lengths) > 1 else "X"
        raise ValueError(
            f"{which} has {n} step(s), but a window and the target behind it take "
            f"n_steps + max(horizon) = {span}."
        )
    firsts = np.cumsum(lengths) - lengths
    return np.concatenate(
        [
            first + np.arange(0, n - span + 1, stride)
            for first, n in zip(firsts, lengths, strict=True)
        ]
    )
