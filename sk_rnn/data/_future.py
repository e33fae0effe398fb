"""The door for X_future: channels that are known of the steps to be forecast."""

import numpy as np

from ._arrays import is_regular, unboxed
from ._frames import is_frame
from ._records import is_list_of_records

#: Rows in which targets are compared with the next values of the channels.
COMPARED = 1000

#: Fewer of them are not enough to compare orders.
ENOUGH = 30


def container(X):
    """What holds sequences, as one of three kinds: an array, a frame or a list.

    A list is one of sequences. Boxed ones become such a list, nested lists of numbers
    an array. Whatever else there is, is left for `read_X` to refuse.
    """
    X = unboxed(X)
    is_nested = isinstance(X, list | tuple) and not is_list_of_records(X)
    return np.asarray(X) if is_nested and is_regular(X) else X


def complete(X_future, X, targets, axis=-1):
    """X_future with all the columns of X.

    Parameters
    ----------
    X_future : array, frame or list of them
        Its columns are those of X, or those of X without the targets.
    X : of the same kind
    targets : list of int
        Positions of the columns that are forecast. They are filled with the first
        value that X has there, to be replaced.
    axis : int
        That of the columns, of arrays.

    Returns
    -------
    array, frame or list of them
    """
    X_future = container(X_future)
    if isinstance(X, list | tuple):
        if getattr(X_future, "ndim", None) == 3:
            X_future = list(X_future)
        if not isinstance(X_future, list | tuple) or len(X_future) != len(X):
            seen = type(X_future).__name__
            if isinstance(X_future, list | tuple):
                seen += f" of {len(X_future)}"
            raise ValueError(
                f"X_future must be a list with one element for each of the {len(X)} "
                f"sequences of X; got {seen}."
            )
        pairs = zip(X_future, X, strict=True)
        return [complete(future, past, targets) for future, past in pairs]
    if hasattr(X, "iloc"):
        return _complete_frame(X_future, X, targets)
    if isinstance(X_future, list | tuple) and not is_regular(X_future):
        raise ValueError(
            "X is an array, so X_future must be one, too; got sequences of different "
            "lengths or widths."
        )
    arrays = np.asarray(X_future), np.asarray(X)
    if axis == -1 or arrays[0].ndim != arrays[1].ndim:
        return _complete_array(*arrays, targets)
    full = _complete_array(*(np.moveaxis(a, axis, -1) for a in arrays), targets)
    return np.moveaxis(full, -1, axis)


def _complete_frame(X_future, X, targets):
    if not (is_frame(X_future) and hasattr(X_future, "iloc")):
        raise TypeError(
            "X is a DataFrame, so X_future must be one with the same column names; "
            f"got {type(X_future).__name__}."
        )
    names = list(X.columns)
    known = [name for k, name in enumerate(names) if k not in targets]
    given = list(X_future.columns)
    missing = [name for name in known if name not in given]
    unknown = [name for name in given if name not in names]
    if missing or unknown or len(set(given)) < len(given):
        seen = f"lacks {missing}" if missing else f"has {unknown}, which X has not"
        if not (missing or unknown):
            seen = f"has columns of the same name, {given}"
        raise ValueError(
            f"X_future {seen}. It must have the columns {known}, which are not "
            "forecast, and may have the others, which are not read."
        )
    full = X_future.reindex(columns=names).copy()
    for k in targets:
        full[names[k]] = X[names[k]].iloc[0]
    return full


def _complete_array(X_future, X, targets):
    n_columns = X.shape[-1]
    known = [k for k in range(n_columns) if k not in targets]
    if X_future.ndim != X.ndim or X_future.shape[-1] not in (n_columns, len(known)):
        raise ValueError(
            f"X_future has shape {X_future.shape}; it must have {X.ndim} axes, the "
            f"last with the {len(known)} column(s) {known} of X, which are not "
            f"forecast, or with all {n_columns}, of which the others are not read."
        )
    if X_future.dtype.kind in "mM":
        raise ValueError("X_future holds dates or time differences, but X has numbers.")
    full = np.empty((*X_future.shape[:-1], n_columns), np.result_type(X_future, X))
    if X_future.shape[-1] == len(known):
        full[..., known] = X_future
    else:
        full[...] = X_future
    full[..., targets] = X.reshape(-1, n_columns)[0, targets]
    return full


def share_of_next(records, targets, alike=None):
    """In which share of rows targets are the next values of the channels.

    Parameters
    ----------
    records : Records
    targets : Targets
    alike : callable, default=None
        The share of two columns that is the same; None: `share_of_equals`.

    Returns
    -------
    float or None
        Of the output that agrees least; None where it is not seen.
    """
    pairs = _pairs(records, targets)
    if pairs is None or targets.values.shape[1] != records.rows.shape[1]:
        return None
    columns = zip(*map(np.transpose, pairs), strict=True)
    shares = [(alike or share_of_equals)(a, b) for a, b in columns]
    return None if None in shares else float(min(shares))


def next_columns(records, targets):
    """For each output the channels whose next values it clearly is, as a list."""
    pairs = _pairs(records, targets)
    if pairs is None:
        return [[] for _ in range(targets.values.shape[1])]
    channels, outputs = map(np.transpose, pairs)
    shares = [share_of_equals(channels, b) for b in outputs]
    return [
        [] if share is None else np.flatnonzero(share > 0.5).tolist()
        for share in shares
    ]


def _pairs(records, targets):
    """Next values of the channels, and the targets that they may be; or None.

    There are some where sequences have a target at each step, and where rows are
    windows that move on step by step.
    """
    if not targets.last:
        edges = np.cumsum(records.lengths)[:-1] - 1
        same = np.setdiff1d(np.arange(min(len(records.rows), COMPARED) - 1), edges)
        return records.rows[same + 1], targets.values[same]
    if records.fixed_steps is None or records.fixed_steps == 1:
        return None
    shape = -1, records.fixed_steps, records.rows.shape[1]
    windows = records.rows.reshape(shape)[:COMPARED]
    if not np.array_equal(windows[1:, :-1], windows[:-1, 1:]):
        return None
    return windows[1:, -1], targets.values[: len(windows) - 1]


def share_of_equals(a, b):
    """The share of b that is in a, too; None where there is nothing to be seen.

    Of several a, (n_columns, n), the share of each.
    """
    # What is most of a series says nothing: the zeros of sales that are rare.
    told = ~np.isnan(b) & (b != np.nanmedian(b)) if not np.isnan(b).all() else []
    if not np.any(told):
        return None
    a, b = a[..., told], b[told]
    return (np.abs(a - b) <= 1e-5 * b.std()).mean(axis=-1)


def share_in_order(a, b):
    """The share in which a rises (or falls) with b, as it does if one is scaled."""
    told = ~np.isnan(b)
    if told.sum() < ENOUGH:
        return None
    steps = np.diff(a[told][np.argsort(b[told], kind="stable")])
    return float(max((steps >= 0).mean(), (steps <= 0).mean()))
