"""The door: what users hand over becomes records, targets and weights, or an error.

Whatever the form of X, its records end up one after the other in the rows of a single
table of numbers (`Records`); y becomes one row of targets per record, or one per row of
that table (`Targets`).
"""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    validate_data,
)

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
    """

    rows: np.ndarray
    lengths: np.ndarray
    form: str

    @property
    def starts(self):
        return np.cumsum(self.lengths) - self.lengths

    @property
    def n_samples(self):
        """What the first axis of y and of the weights must count."""
        return len(self.rows) if self.form == "table" else len(self.lengths)

    def split(self, values):
        """Cut rows into one array per record."""
        return np.split(values, np.cumsum(self.lengths)[:-1])


@dataclass
class Targets:
    """Targets and their form.

    Attributes
    ----------
    values : ndarray of shape (n, n_outputs)
        One row per record where `last`, else one per row of the records.
    last : bool
        Whether there is one target per record, at its last step.
    flat : bool
        Whether y came without an axis for the outputs.
    """

    values: np.ndarray
    last: bool
    flat: bool


def is_list_of_records(X):
    """A list whose first element is 2-D; but nested lists of numbers are an array."""
    if not isinstance(X, list | tuple) or not len(X):
        return False
    try:
        is_2d = np.ndim(X[0]) == 2
    except ValueError:  # a ragged nested list
        return False
    return is_2d and (hasattr(X[0], "ndim") or not _is_regular(X))


def _is_regular(nested):
    """Whether a nested list has the same length everywhere on each level."""
    try:
        np.ndim(nested)
    except ValueError:
        return False
    return True


def read_X(estimator, X, *, reset):
    """Bring X into the form of records.

    Parameters
    ----------
    estimator : estimator
        Its ``time_axis``, ``n_channels`` and ``sequence_column`` say how to read X; its
        ``n_features_in_`` and ``feature_names_in_`` are set if `reset`, else compared.
    X : object
    reset : bool

    Returns
    -------
    Records
    """
    if estimator.time_axis == 0:
        return _read_table(estimator, X, reset)
    if estimator.sequence_column is not None:
        raise ValueError(
            f"sequence_column={estimator.sequence_column!r} needs time_axis=0: only "
            "there are rows the steps of sequences. Pass separate sequences as a list "
            "of 2-D arrays."
        )
    if is_list_of_records(X):
        return _read_list(estimator, X, reset)
    if _n_dims(X) == 3:
        return _read_array(estimator, X, reset)
    return _read_rows(estimator, X, reset)


def _n_dims(X):
    """Number of dimensions of an array or a list; 2 of what scikit-learn will judge."""
    if hasattr(X, "ndim"):
        return X.ndim
    if not isinstance(X, list | tuple):
        return 2
    if not _is_regular(X):
        dims = sorted({np.ndim(x) for x in X if _is_regular(x)})
        seen = f"that mixes elements of {dims} dimensions"
        if len(dims) < 2:
            seen = f"of elements of lengths {_few([len(x) for x in X])}"
        raise ValueError(f"X is a list {seen}. {FORMS}.")
    return np.ndim(X)


def _few(items):
    """The first few items as text."""
    text = ", ".join(str(item) for item in items[:4])
    return text + (", ..." if len(items) > 4 else "")


def _read_rows(estimator, X, reset):
    X = validate_data(estimator, X, dtype=FLOATS, order="C", reset=reset)
    n_channels = estimator.n_channels
    if X.shape[1] % n_channels:
        raise ValueError(
            f"n_channels={n_channels} does not divide the {X.shape[1]} columns of X: a "
            "row holds n_columns / n_channels steps of n_channels values, step by step."
        )
    n_steps = X.shape[1] // n_channels
    lengths = np.full(len(X), n_steps)
    return Records(X.reshape(-1, n_channels), lengths, "rows")


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
        if not _is_clean(record):
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
            _check_feature_names(estimator, record, reset=False)
    lengths = np.array([len(record) for record in records])
    return Records(np.concatenate(records), lengths, "list")


def _is_clean(array):
    """Whether check_array would return it as it is; told in a tenth of the time."""
    return (
        type(array) is np.ndarray and array.dtype in FLOATS and np.isfinite(array).all()
    )


def _check_channels(estimator, record, reset):
    """Set or compare the number and names of the channels of one record."""
    _check_feature_names(estimator, record, reset=reset)
    record = record if hasattr(record, "shape") else np.asarray(record)
    _check_n_features(estimator, record, reset=reset)
    if estimator.n_channels not in (1, record.shape[1]):
        raise ValueError(
            f"n_channels={estimator.n_channels}, but the records have "
            f"{record.shape[1]} channels. n_channels describes the rows of a 2-D X."
        )


def _read_table(estimator, X, reset):
    if is_list_of_records(X) or _n_dims(X) == 3:
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
    if estimator.sequence_column is None:
        X = validate_data(estimator, X, dtype=FLOATS, order="C", reset=reset)
        return Records(X, np.array([len(X)]), "table")
    if not hasattr(X, "iloc"):
        X = np.asarray(X)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(
            f"With time_axis=0, X must be a non-empty 2-D table; got shape {X.shape}."
        )
    _check_feature_names(estimator, X, reset=reset)
    _check_n_features(estimator, X, reset=reset)
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
    return Records(features, _run_lengths(ids), "table")


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


def _run_lengths(ids):
    """Lengths of the stretches of equal ids; an id must not come back."""
    if any(v is None or is_scalar_nan(v) or is_pandas_na(v) for v in ids):
        raise ValueError("The sequence column contains NaN or another missing value.")
    changes = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    edges = np.concatenate([[0], changes, [len(ids)]])
    seen = set()
    for first in edges[:-1]:
        if ids[first] in seen:
            raise ValueError(
                f"The sequence column returns to {ids[first]} at row {first}, after "
                "other sequences. The rows of a sequence must be adjacent."
            )
        seen.add(ids[first])
    return np.diff(edges)


def read_y(y, records, dtype):
    """Bring y into the form of targets.

    Parameters
    ----------
    y : object
    records : Records
        What `read_X` made of X.
    dtype : dtype
        Of the result.

    Returns
    -------
    Targets
    """
    if y is None:
        raise ValueError(
            "This estimator requires y to be passed, but the target y is None."
        )
    if _is_list_of_arrays(y, records):
        if records.form != "list":
            accepted = "(n_sequences,), (n_sequences, n_outputs) or 3-D"
            if records.form == "table":
                accepted = "(n_steps,) or (n_steps, n_outputs)"
            raise ValueError(
                f"y is a list of arrays of shapes {_few([np.shape(p) for p in y])}, "
                f"which goes with X as a list of records; here y must be {accepted}."
            )
        return _targets_of_records(y, records, dtype)
    if records.form == "table":
        y = _check_y(y, dtype)
        if y.ndim > 2:
            raise ValueError(
                f"With time_axis=0, y must be (n_steps,) or (n_steps, n_outputs); got "
                f"shape {y.shape}."
            )
        _check_length(y, records, "rows")
        return Targets(y.reshape(len(y), -1), False, y.ndim == 1)
    is_3d = isinstance(y, list | tuple) and _is_regular(y) and np.ndim(y) == 3
    if is_3d or getattr(y, "ndim", None) == 3:
        return _targets_of_records(y, records, dtype)
    y = _check_y(y, dtype)
    if y.ndim > 2:
        raise ValueError(
            f"y has {y.ndim} dimensions: shape {y.shape}; accepted are (n_sequences,), "
            "(n_sequences, n_outputs) and (n_sequences, n_steps, n_outputs)."
        )
    _check_length(y, records, "sequences")
    return Targets(y.reshape(len(y), -1), True, y.ndim == 1)


def _is_list_of_arrays(y, records):
    """Whether y is a list with an array for each record, a target for each step.

    Beside X as a list, every list but that of numbers is; else an array of targets may
    come as nested lists or as a list of equal rows.
    """
    if not isinstance(y, list | tuple):
        return False
    is_number = [not isinstance(p, list | tuple) and np.ndim(p) == 0 for p in y]
    if all(is_number):
        return False
    if any(is_number):
        k = is_number.index(not is_number[0])
        raise ValueError(
            "y is a list that mixes numbers and arrays: y[0] is of type "
            f"{type(y[0]).__name__}, y[{k}] of type {type(y[k]).__name__}."
        )
    arrays = [part for part in y if hasattr(part, "ndim")]
    return records.form == "list" or (
        len(arrays) > 0 and (arrays[0].ndim > 1 or not _is_regular(y))
    )


def _check_y(y, dtype, name="y"):
    if not _is_clean(y):
        y = check_array(
            y, dtype=FLOATS, ensure_2d=False, allow_nd=True, order="C", input_name=name
        )
    if y.ndim == 0 or 0 in y.shape:
        raise ValueError(f"{name} must have at least one entry; got shape {y.shape}.")
    return y.astype(dtype, copy=False)


def _check_length(y, records, what):
    if len(y) != records.n_samples:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"X has {records.n_samples} {what}, y has {len(y)}."
        )


def _targets_of_records(y, records, dtype):
    if len(y) != len(records.lengths):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: X has "
            f"{len(records.lengths)} sequences, y has {len(y)}."
        )
    parts = [_check_y(part, dtype, f"y[{i}]") for i, part in enumerate(y)]
    flat = parts[0].ndim == 1
    for i, (part, length) in enumerate(zip(parts, records.lengths, strict=True)):
        if len(part) != length:
            raise ValueError(
                f"Record {i}: X has {length} steps, y has {len(part)}. A list (or 3-D "
                "array) y holds a target for every step; for one target per sequence "
                "pass an array (n_sequences,) or (n_sequences, n_outputs)."
            )
        if part.shape[1:] != parts[0].shape[1:] or part.ndim > 2:
            raise ValueError(
                f"Record {i} of y has shape {part.shape}, record 0 {parts[0].shape}; "
                "all must be (n_steps_i,), or (n_steps_i, n_outputs) with the same "
                "n_outputs."
            )
    values = np.concatenate(parts).reshape(int(records.lengths.sum()), -1)
    return Targets(values, False, flat)


def read_weight(sample_weight, records, targets, washout):
    """One weight per row of the targets, zero in the washout.

    A sample is a sequence, or a row with ``time_axis=0``; every step of a sequence gets
    the sequence's weight.
    """
    n = records.n_samples
    weight = _check_sample_weight(
        sample_weight,
        np.empty((n, 1), targets.values.dtype),
        dtype=targets.values.dtype,
        ensure_non_negative=True,
    )
    if not weight.any():
        raise ValueError("All sample weights are zero: there is nothing to learn from.")
    if not targets.last and records.form != "table":
        weight = np.repeat(weight, records.lengths)
    weight = weight * _behind(washout, records, targets)
    if not weight.any():
        raise ValueError(
            f"washout={washout} leaves no step that counts: the longest record has "
            f"{records.lengths.max()} step(s)."
        )
    return weight


def _behind(washout, records, targets):
    """Which rows of the targets lie behind the washout."""
    if targets.last:
        return records.lengths > washout
    step = np.arange(len(records.rows)) - np.repeat(records.starts, records.lengths)
    return step >= washout
