"""The door for X: what users hand over becomes records, or an error.

Whatever the form of X, its records end up one after the other in the rows of a single
table of numbers (`Records`).
"""

from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

FLOATS = (np.float64, np.float32)

FORMS = (
    "X may be a 2-D array (n_sequences, n_columns), a 3-D array (n_sequences, n_steps, "
    "n_channels), a list of 2-D arrays (n_steps_i, n_channels), or, with time_axis=0, "
    "a 2-D array or DataFrame whose rows are consecutive steps"
)


@dataclass
class Records:
    """Records, one after the other, in the rows of a table.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_channels)
    lengths : ndarray of int of shape (n_records,)
    form : {"rows", "array", "list", "table"}
        Which line of the data contract X came in on.
    is_one_table : bool
        Whether they are all the rows of a table without a column of sequences.
    ids : tuple or None
        The value of that column for each record, where there is one.
    index : pandas Index or None
        Of the rows of a table, where it was a DataFrame.
    is_boxed : bool
        Whether a list of sequences came as a 1-D array of objects.
    """

    rows: np.ndarray
    lengths: np.ndarray
    form: str
    is_one_table: bool = False
    ids: tuple | None = None
    index: object = None
    is_boxed: bool = False

    @property
    def starts(self):
        return np.cumsum(self.lengths) - self.lengths

    @property
    def is_table(self):
        """Whether the samples are rows of a table in time order."""
        return self.form == "table"

    @property
    def is_list(self):
        """Whether X was a list of sequences, of any lengths."""
        return self.form == "list"

    @property
    def fixed_steps(self):
        """Steps of every sequence, where X fixes their number; else None."""
        return int(self.lengths[0]) if self.form in ("rows", "array") else None

    @property
    def n_samples(self):
        """What the first axis of y and of the weights must count."""
        return len(self.rows) if self.is_table else len(self.lengths)

    def digest(self):
        """A hash of all that was handed over."""
        found = blake2b(repr((self.ids, self.lengths.tolist())).encode())
        found.update(np.ascontiguousarray(self.rows))
        return found.digest()

    def split(self, values):
        """Cut rows into one array per record."""
        return np.split(values, np.cumsum(self.lengths)[:-1])


def unboxed(values):
    """A list in place of a 1-D array of arrays: NumPy holds ragged ones so."""
    boxed = isinstance(values, np.ndarray) and values.dtype == object
    if boxed and values.ndim == 1 and len(values) and np.ndim(values[0]):
        return list(values)
    return values


def boxed(parts):
    """The inverse: a 1-D array of arrays in place of a list."""
    return np.fromiter(parts, object, len(parts))


def is_list_of_records(X):
    """A list whose first element is 2-D; but nested lists of numbers are an array."""
    if not isinstance(X, list | tuple) or not len(X):
        return False
    try:
        is_2d = np.ndim(X[0]) == 2
    except ValueError:  # a ragged nested list
        return False
    return is_2d and (hasattr(X[0], "ndim") or not is_regular(X))


def is_regular(nested):
    """Whether a nested list has the same length everywhere on each level."""
    try:
        np.ndim(nested)
    except ValueError:
        return False
    return True


def read_X(estimator, X, form=None):
    """Bring X into the form of records.

    Parameters
    ----------
    estimator : estimator
        Its ``time_axis``, ``n_channels`` and ``sequence_column`` say how to read X; its
        ``n_features_in_`` and ``feature_names_in_`` are set, or compared.
    X : object
    form : str, default=None
        The form of the X that `fit` saw, to be compared with; None in `fit`.

    Returns
    -------
    Records
    """
    given, reset = X, form is None
    X = unboxed(X)
    if estimator.time_axis == 0:
        return _read_table(estimator, X, reset)
    if estimator.sequence_column is not None:
        raise ValueError(
            f"sequence_column={estimator.sequence_column!r} needs time_axis=0: only "
            "there are rows the steps of sequences. Pass separate sequences as a list "
            "of 2-D arrays."
        )
    if is_list_of_records(X):
        return replace(_read_list(estimator, X, reset), is_boxed=X is not given)
    if n_dims(X) == 3:
        return _read_array(estimator, X, reset)
    if form in ("array", "list"):
        raise ValueError(
            f"X is 2-D, {np.shape(X)}, but fit saw a list of records or a 3-D X. A "
            "single record X is passed as [X]."
        )
    return _read_rows(estimator, X, reset)


def n_dims(X):
    """Number of dimensions of an array or a list; 2 of what scikit-learn will judge."""
    if hasattr(X, "ndim"):
        return X.ndim
    if not isinstance(X, list | tuple):
        return 2
    if not is_regular(X):
        dims = sorted({np.ndim(x) for x in X if is_regular(x)})
        seen = f"that mixes elements of {dims} dimensions"
        if len(dims) < 2:
            seen = f"of elements of lengths {few([len(x) for x in X])}"
        raise ValueError(f"X is a list {seen}. {FORMS}.")
    return np.ndim(X)


def few(items):
    """The first few items as text."""
    text = ", ".join(str(item) for item in items[:4])
    return text + (", ..." if len(items) > 4 else "")


def _read_rows(estimator, X, reset):
    X = _validated(estimator, X, reset)
    n_channels = estimator.n_channels
    if X.shape[1] % n_channels:
        raise ValueError(
            f"n_channels={n_channels} does not divide the {X.shape[1]} columns of X: a "
            "row holds n_columns / n_channels steps of n_channels values, step by step."
        )
    steps = steps_of_rows(X, n_channels)
    lengths = np.full(len(X), steps.shape[1])
    return Records(steps.reshape(-1, n_channels), lengths, "rows")


def steps_of_rows(rows, n_channels):
    """Rows (n, n_columns) of a 2-D X as steps (n, n_steps, n_channels), oldest first.

    The order of columns is decided here, and in the inverse below.
    """
    return rows.reshape(len(rows), -1, n_channels)


def rows_of_steps(steps):
    """The inverse: steps (n, n_steps, n_channels), oldest first, as rows."""
    return steps.reshape(len(steps), -1)


def _validated(estimator, X, reset):
    """A checked 2-D array; what is clean is not checked at length."""
    known = not reset and not hasattr(estimator, "feature_names_in_")
    if known and is_clean(X) and X.flags.c_contiguous and len(X):
        if X.shape[1:] == (estimator.n_features_in_,):
            return X
    return validate_data(estimator, X, dtype=FLOATS, order="C", reset=reset)


def _read_array(estimator, X, reset):
    X = check_array(
        X, dtype=FLOATS, order="C", allow_nd=True, estimator=estimator, input_name="X"
    )
    if 0 in X.shape:
        raise ValueError(
            f"X has an empty axis: shape {X.shape}, expected (n_sequences, n_steps, "
            "n_channels) with a minimum of 1 is required along each."
        )
    _check_channels(estimator, X[0], reset)
    lengths = np.full(len(X), X.shape[1])
    return Records(X.reshape(-1, X.shape[2]), lengths, "array")


def _read_list(estimator, X, reset):
    records = []
    for i, record in enumerate(X):
        if np.ndim(record) != 2:
            raise ValueError(
                f"X is a list of records, but element {i} has {np.ndim(record)} "
                f"dimension(s), not 2. {FORMS}."
            )
        if 0 in np.shape(record):
            raise ValueError(f"X[{i}] is empty: shape {np.shape(record)}.")
        if not is_clean(record):
            record = check_array(
                record, dtype=FLOATS, estimator=estimator, input_name=f"X[{i}]"
            )
        records.append(record)
        if records[i].shape[1] != records[0].shape[1]:
            raise ValueError(
                f"The records of X differ in their number of channels: X[0] has "
                f"{records[0].shape[1]}, X[{i}] has {records[i].shape[1]}."
            )
    _check_channels(estimator, X[0], reset)
    for record in X[1:]:
        if not (type(record) is type(X[0]) is np.ndarray):
            _check_columns(estimator, record, reset=False)
    lengths = np.array([len(record) for record in records])
    return Records(np.concatenate(records), lengths, "list")


def is_clean(array):
    """Whether check_array would return it as it is; told in a tenth of the time."""
    return (
        type(array) is np.ndarray and array.dtype in FLOATS and np.isfinite(array).all()
    )


def _check_channels(estimator, record, reset):
    """Set or compare the number and names of the channels of one record."""
    record = record if hasattr(record, "shape") else np.asarray(record)
    _check_columns(estimator, record, reset)
    if estimator.n_channels not in (1, record.shape[1]):
        raise ValueError(
            f"n_channels={estimator.n_channels}, but the records have "
            f"{record.shape[1]} channels. n_channels describes the rows of a 2-D X."
        )


def _check_columns(estimator, X, reset):
    """Set or compare the number and names of columns, and no more."""
    validate_data(estimator, X, reset=reset, skip_check_array=True)


def _read_table(estimator, X, reset):
    if is_list_of_records(X) or n_dims(X) == 3:
        raise ValueError(
            "With time_axis=0, X must be one 2-D array or DataFrame whose rows are "
            "consecutive steps; got a 3-D array or a list of records. Leave "
            "time_axis=1 for those, or stack the records and name a sequence_column."
        )
    if estimator.n_channels != 1:
        raise ValueError(
            f"n_channels={estimator.n_channels} describes rows that hold several steps;"
            " with time_axis=0 a row is one step, and its columns are the channels."
        )
    index = X.index if hasattr(X, "iloc") else None
    if estimator.sequence_column is None:
        X = _validated(estimator, X, reset)
        lengths = np.array([len(X)])
        return Records(X, lengths, "table", is_one_table=True, index=index)
    if issparse(X):
        check_array(X, estimator=estimator, input_name="X")  # tells what to do
    if not hasattr(X, "iloc"):
        X = np.asarray(X)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(
            f"With time_axis=0, X must be a non-empty 2-D table; got shape {X.shape}."
        )
    _check_columns(estimator, X, reset)
    column = _column_position(X, estimator.sequence_column)
    if X.shape[1] == 1:
        raise ValueError("X has no column besides sequence_column.")
    keep = [k for k in range(X.shape[1]) if k != column]
    if hasattr(X, "iloc"):
        ids, features = np.asarray(X.iloc[:, column]), X.iloc[:, keep]
    else:
        ids, features = X[:, column], X[:, keep]
    features = check_array(
        features, dtype=FLOATS, order="C", estimator=estimator, input_name="X"
    )
    lengths = run_lengths(ids, "The sequence column")
    ids = tuple(ids[np.cumsum(lengths) - 1].tolist())
    return Records(features, lengths, "table", ids=ids, index=index)


def _column_position(X, column):
    if isinstance(column, str):
        names = list(getattr(X, "columns", []))
        if column not in names:
            raise ValueError(
                f"sequence_column={column!r} is not a column of X, which has "
                f"{names if names else 'no column names'}. Behind a transformer that "
                "drops names, give its index, or use set_output(transform='pandas')."
            )
        return names.index(column)
    if not -X.shape[1] <= column < X.shape[1]:
        raise ValueError(
            f"sequence_column={column} is out of range for X with {X.shape[1]} columns."
        )
    return column % X.shape[1]


def run_lengths(ids, name):
    """Lengths of the stretches of equal ids; an id must not come back."""
    if any(map(_is_missing, ids)):
        raise ValueError(f"{name} contains NaN or another missing value.")
    changes = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    edges = np.concatenate([[0], changes, [len(ids)]])
    seen = set()
    for first in edges[:-1]:
        if ids[first] in seen:
            raise ValueError(
                f"{name} returns to {ids[first]} at row {first}, after other "
                "sequences. The rows of a sequence must be adjacent."
            )
        seen.add(ids[first])
    return np.diff(edges)


def _is_missing(value):
    """NaN and NaT are not equal to themselves; pandas' NA has no answer to that."""
    return value is None or type(value).__name__ == "NAType" or bool(value != value)
