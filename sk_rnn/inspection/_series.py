"""Series as the pictures hold them: rows of steps, and the labels of their time."""

from typing import Any

import numpy as np

from .._packages import required
from .._typing import Int
from ..data._arrays import few, is_regular, unboxed
from ..data._frames import column, index_of, names_of
from ..data._index import read_index
from ..estimators._future_index import future_labels

STEP = "step"


def as_steps(name: str, values: Any, n_outputs: int | None = None) -> np.ndarray:
    """Values of steps as (n_steps, n_outputs), or an error with the name of them."""
    try:
        found = np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers: {error}.") from error
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(
            f"{name} must be an array (n_steps,) or (n_steps, n_outputs); got shape "
            f"{np.shape(values)}."
        )
    if n_outputs is not None and found.shape[1] != n_outputs:
        raise ValueError(
            f"{name} has {found.shape[1]} output(s), but {n_outputs} were expected."
        )
    return found


def as_bands(bands: Any, quantiles: Any, forecast: np.ndarray) -> np.ndarray | None:
    """Quantiles as (n_steps, n_outputs, n_quantiles), or None without."""
    if (bands is None) != (quantiles is None):
        missing = "quantile_forecast" if bands is None else "quantiles"
        raise ValueError(
            "quantile_forecast and quantiles go together: the values, and of which "
            f"quantiles they are; {missing} is None."
        )
    if bands is None:
        return None
    found, n = np.asarray(bands, float), np.size(quantiles)
    if found.ndim == 2 and forecast.shape[1] == 1:
        found = found[:, None]
    if np.ndim(quantiles) != 1 or found.shape != (*forecast.shape, n):
        raise ValueError(
            f"quantile_forecast of {n} quantile(s) must have shape "
            f"{(*forecast.shape, n)}; got {np.shape(bands)}."
        )
    return found


def timeline(index: Any) -> np.ndarray | None:
    """Labels of an index as an axis can show them; None where they tell no time."""
    found = read_index(index)
    if found is None or found[0].startswith("timedelta"):
        return None
    if type(index).__name__ == "PeriodIndex":
        index = index.to_timestamp()
    if getattr(index, "tz", None) is not None:
        index = index.tz_localize(None)
    return np.asarray(index)


def label_time(ax: Any, time: np.ndarray, otherwise: str = STEP) -> None:
    """Dates are told as briefly as they can be; of numbers it is said what they are."""
    if time.dtype.kind != "M":
        ax.set_xlabel(otherwise)
        return
    dates = required("matplotlib.dates", "an axis of dates", "plot")
    locator = dates.AutoDateLocator()
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def history_of(outside: Any, X: Any, targets: list[int], sequence: Int) -> Any:
    """What one sequence of X was in the columns that are forecast.

    Returns
    -------
    values : ndarray of shape (n_steps, n_targets)
    index : pandas Index or None
    """
    model, records = outside.model, outside.model._read(outside.transform(X))
    if records.is_list:
        rows = X[sequence]
    elif records.is_table:
        first = records.starts[sequence]
        stop = first + records.lengths[sequence]
        rows = X.iloc[first:stop] if hasattr(X, "iloc") else X[first:stop]
    else:
        rows = model._in_time(X).reshape(len(records.lengths), -1, model._n_columns)
        rows = rows[sequence]
    rows = rows if names_of(rows) else np.asarray(rows)
    values = np.column_stack([column(rows, k) for k in targets])
    return values.astype(float), index_of(rows)


def index_of_future(index: Any, y_true: Any, n_steps: int) -> Any:
    """The labels of the steps to come, or None where nothing tells them."""
    known = index_of(y_true)
    if known is not None or index is None or timeline(index) is None:
        return known
    try:
        return future_labels(index, n_steps)
    except ValueError:
        return None


def as_sequences(
    name: str,
    values: Any,
    like: list[np.ndarray] | None = None,
    same_width: bool = False,
) -> tuple[list[np.ndarray], Any]:
    """Values of one sequence or of several as a list of (n_steps_i, n_columns).

    Parameters
    ----------
    name : str
    values : array-like or list of array-like
        One sequence, (n_steps,) or (n_steps, n_columns); a list of such arrays, or a
        3-D array.
    like : list of ndarray, default=None
        Sequences that they must have the lengths of.
    same_width : bool, default=False
        Whether they must have their columns, too.

    Returns
    -------
    sequences : list of ndarray
    index : pandas Index or None
        Of a single one.
    """
    values = unboxed(values)
    parts = list(values) if _are_several(values) else [values]
    names = [f"{name}[{k}]" for k in range(len(parts))] if len(parts) > 1 else [name]
    found = [as_steps(*pair) for pair in zip(names, parts, strict=True)]
    wanted = found if like is None else like
    lengths = [[len(part) for part in both] for both in (found, wanted)]
    if lengths[0] != lengths[1]:
        raise ValueError(
            f"{name} must hold sequences of {few(lengths[1])} step(s); got "
            f"{few(lengths[0])}."
        )
    n_columns = (wanted if same_width else found)[0].shape[1]
    for own, part in zip(names, found, strict=True):
        if part.shape[1] != n_columns:
            raise ValueError(
                f"{own} has {part.shape[1]} column(s), but {n_columns} were expected."
            )
    return found, index_of(parts[0]) if len(parts) == 1 else None


def _are_several(values):
    """Whether they are sequences: a list of arrays, or of other lengths, or 3-D."""
    if not isinstance(values, list | tuple):
        return np.ndim(values) == 3
    arrays = [part for part in values if hasattr(part, "shape") and np.ndim(part)]
    return bool(arrays) or not is_regular(values) or np.ndim(values) == 3


def target_names(model, X, targets):
    """Names of the outputs: those of y, or of the columns of X they are; or None."""
    names = model._target_names
    columns = names_of(X[0] if isinstance(X, list | tuple) else X)
    if names is None and len(columns) > max(targets) and model._form != "rows":
        return [str(columns[k]) for k in targets]
    return names
