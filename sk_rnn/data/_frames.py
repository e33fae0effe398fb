"""Data frames of pandas, polars and pyarrow, by what they have in common.

Only their own public methods are used, so that none of these packages is needed.
"""

from contextlib import contextmanager

import numpy as np

DATES = (
    "holds dates. Turn them into numbers, such as the hour and the day of the year; a "
    "column of dates can also be left out, or in pandas become the index."
)
#: How scikit-learn begins.
COMPLEX = "Complex data not supported"
DURATIONS = "holds time differences. Turn them into numbers, such as seconds."


def is_frame(values):
    """Whether it is a table with names of columns."""
    return hasattr(type(values), "columns")


def names_of(frame):
    """The names of the columns of a frame; none of what is no frame."""
    if hasattr(type(frame), "column_names"):  # pyarrow, whose columns are columns
        return list(frame.column_names)
    return list(getattr(frame, "columns", []))


def positions(columns, names, n_columns, what="target_columns"):
    """Positions of columns that are given by name or by number.

    Parameters
    ----------
    columns : str, int or sequence of them
    names : sequence of str or None
    n_columns : int
    what : str
        What they are, for the message.

    Returns
    -------
    list of int
    """
    if isinstance(columns, str) or not np.iterable(columns):
        columns = [columns]
    found = [_position(column, names, n_columns, what) for column in columns]
    if len(set(found)) < len(found) or not found:
        raise ValueError(f"{what} must name different columns; got {columns!r}.")
    return found


def _position(column, names, n_columns, what):
    if isinstance(column, str):
        names = [] if names is None else list(names)
        if column not in names:
            raise ValueError(
                f"{what}={column!r} is not a column of X, which has "
                f"{names if names else 'no column names'}. Behind a transformer "
                "that drops names, give its position, or use "
                "set_output(transform='pandas')."
            )
        return names.index(column)
    if not isinstance(column, int | np.integer) or isinstance(column, bool):
        raise TypeError(f"{what} holds names or positions of columns; got {column!r}.")
    if not -n_columns <= column < n_columns:
        raise ValueError(
            f"{what}={column} is out of range for X with {n_columns} columns."
        )
    return int(column) % n_columns


def index_of(frame):
    """The index of a pandas frame, or None."""
    return frame.index if hasattr(frame, "iloc") else None


def column(X, k):
    """One column of a frame, or of a 2-D array, as an array."""
    if hasattr(X, "iloc"):
        return np.asarray(X.iloc[:, k])
    return np.asarray(X[names_of(X)[k]]) if is_frame(X) else X[:, k]


def without(X, k):
    """A frame, or a 2-D array, without one of its columns."""
    keep = [j for j in range(X.shape[1]) if j != k]
    if hasattr(X, "iloc"):
        return X.iloc[:, keep]
    if not is_frame(X):
        return X[:, keep]
    names = names_of(X)
    return X.select([names[j] for j in keep])


def unframed(values):
    """A frame of polars or pyarrow as one array; scikit-learn forgets their float32."""
    foreign = is_frame(values) and not hasattr(values, "iloc")
    return np.asarray(values) if foreign else values


@contextmanager
def numbers_of(values, name):
    """Where values do not become numbers, say which column and what can be done.

    scikit-learn's own words stay in front. Dates are refused beforehand: it would take
    them for a count of days, or of nanoseconds.
    """
    _refuse_dates(values, name)
    try:
        # scikit-learn sums up values to see whether they are finite.
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except OverflowError as error:
        told = f"{name} holds a number beyond the floats: {error}."
        raise ValueError(told) from error
    except (ValueError, TypeError) as error:
        if str(error).startswith(COMPLEX):  # and shows all of the array
            raise ValueError(
                f"{COMPLEX}: {name} holds complex numbers. Pass real and imaginary "
                "parts as columns of their own."
            ) from error
        advice = _advice(values, name)
        if advice is None:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{error}. {advice}") from error


def _refuse_dates(values, name):
    try:  # the types of columns show in the first row
        rows = values.iloc if hasattr(values, "iloc") else values
        first = list(_parts(rows[:1], name))
    except (TypeError, ValueError, LookupError, NotImplementedError):
        return  # it has no rows to show, as some sparse matrices
    for where, part in first:
        if part.dtype.kind == "M" or any(map(_is_date, part)):
            raise ValueError(f"{where} {DATES}")
        if part.dtype.kind == "m":
            raise ValueError(f"{where} {DURATIONS}")


def _advice(values, name):
    """What to do with the first entry that is no number, if there is one."""
    try:
        parts = [part for part in _parts(values, name) if part[1].dtype.kind in "OSU"]
    except (TypeError, ValueError):
        return None
    for where, part in parts:
        for value in filter(_is_no_number, part):
            if _is_date(value):
                return f"{where} {DATES}"
            if isinstance(value, str | bytes):
                return (
                    f"{where} holds text, such as {str(value)!r}: encode it as numbers "
                    "first, for example by OrdinalEncoder or OneHotEncoder of "
                    "scikit-learn."
                )
            return f"{where} holds a value of type {type(value).__name__}."
    return None


def _parts(values, name):
    """The columns of a table, each with its name in words; or an array as it is."""
    if is_frame(values):
        for k, title in enumerate(names_of(values)):
            yield f"Column {title!r} of {name}", column(values, k)
        return
    array = np.asarray(values)
    if array.dtype.kind not in "OSUmM":
        return
    if array.ndim == 2:
        for k in range(array.shape[1]):
            yield f"Column {k} of {name}", array[:, k]
    else:
        yield name, array.ravel()


def _is_date(value):
    """Whether it is a date or a period of Python or pandas, which all have a year."""
    return hasattr(value, "year")


def _is_no_number(value):
    try:
        float(value)
    except OverflowError:
        return False
    except (TypeError, ValueError):
        return value is not None  # None becomes NaN, of which scikit-learn speaks
    return False
