"""The door for X: what users hand over becomes records, or an error.

Whatever the form of X, its records end up one after the other in the rows of a single
table of numbers (`Records`).
"""

from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from sklearn.utils import check_array

from ._arrays import (
    FLOATS,
    check_columns,
    few,
    is_clean,
    is_regular,
    n_dims,
    unboxed,
    validated,
)
from ._frames import index_of, numbers_of, unframed
from ._layout import check_in_time, check_names, rows_in_time
from ._tables import read_sequences

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
        Of the rows of X where it was a DataFrame.
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

    def __post_init__(self):
        # scikit-learn leaves numbers of a DataFrame in their order of bytes.
        native = self.rows.dtype.newbyteorder("=")
        self.rows = self.rows.astype(native, copy=False)

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


def is_list_of_records(X):
    """A list whose first element is 2-D; but nested lists of numbers are an array."""
    if not isinstance(X, list | tuple) or not len(X):
        return False
    try:
        is_2d = n_dims(X[0]) == 2
    except ValueError:  # a ragged nested list
        return False
    return is_2d and (hasattr(X[0], "shape") or not is_regular(X))


def read_X(estimator, X, form=None):
    """Bring X into the form of records.

    Parameters
    ----------
    estimator : estimator
        Its ``time_axis``, ``n_channels``, ``lag_order``, ``data_format`` and
        ``sequence_column`` say how to read X; its ``n_features_in_`` and
        ``feature_names_in_`` are set, or compared.
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
        return replace(_read_list(estimator, X, form), is_boxed=X is not given)
    if dims_of(X) > 3:
        raise ValueError(
            f"X has {dims_of(X)} dimensions, {np.shape(X)}; it may have three: "
            "(n_sequences, n_steps, n_channels)."
        )
    if dims_of(X) == 3:
        return _read_array(estimator, X, reset)
    if form == "array" and np.shape(X)[1] == estimator.n_features_in_:
        return _read_array(estimator, _cube_of_rows(estimator, X), reset)
    if form in ("array", "list"):
        raise ValueError(
            f"X is 2-D, {np.shape(X)}, but fit saw a list of records or a 3-D array. "
            "A single record X is passed as [X]."
        )
    return _read_rows(estimator, X, reset)


def _cube_of_rows(estimator, X):
    """The 3-D X of rows that hold the same, as fit saw it."""
    n_channels = estimator._n_channels
    if estimator.data_format == "channels_first":
        return np.reshape(X, (len(X), n_channels, -1))
    return np.reshape(X, (len(X), -1, n_channels))


def dims_of(X):
    """Number of dimensions; what is ragged, lazy, or a single series, is refused."""
    if hasattr(type(X), "collect"):
        raise TypeError(f"X is a {type(X).__name__}, without data yet: X.collect().")
    if isinstance(X, list | tuple) and not is_regular(X):
        dims = sorted({np.ndim(x) for x in X if is_regular(x)})
        seen = f"that mixes elements of {dims} dimensions"
        if len(dims) < 2:
            seen = f"of elements of lengths {few([len(x) for x in X])}"
        raise ValueError(f"X is a list {seen}. {FORMS}.")
    found = n_dims(X)
    if found == 0:
        raise TypeError(f"X is a {type(X).__name__}. {FORMS}.")
    if found == 1:  # the beginning is in scikit-learn's words
        raise ValueError(
            f"Expected 2D array, got 1D array instead: X is a series of {len(X)} "
            "values. Reshape your data: with time_axis=0 a series is a table of one "
            "column, X[:, None] or X.to_frame(); with time_axis=1 cut it into windows, "
            "one in each row (numpy.lib.stride_tricks.sliding_window_view)."
        )
    return found


def _read_rows(estimator, X, reset):
    index, X = index_of(X), validated(estimator, X, reset)
    if reset:
        check_names(estimator, getattr(estimator, "feature_names_in_", None))
    rows = rows_in_time(estimator, X)
    lengths = np.full(len(X), len(rows) // len(X))
    return Records(rows, lengths, "rows", index=index)


def _read_array(estimator, X, reset):
    check_in_time(estimator, "a 3-D X", reverse="X[:, ::-1]")
    with numbers_of(X, "X"):
        X = check_array(
            X, dtype=FLOATS, allow_nd=True, estimator=estimator, input_name="X"
        )
    if estimator.data_format == "channels_first":
        X = X.transpose(0, 2, 1)
    if 0 in X.shape:
        raise ValueError(
            f"X has an empty axis: shape {X.shape}, expected (n_sequences, n_steps, "
            "n_channels) with a minimum of 1 is required along each."
        )
    if reset:  # as rows that hold the same
        check_columns(estimator, X.reshape(len(X), -1), reset)
    _check_n_channels(estimator, X.shape[2])
    lengths, X = np.full(len(X), X.shape[1]), np.ascontiguousarray(X)
    return Records(X.reshape(-1, X.shape[2]), lengths, "array")


def _read_list(estimator, X, form):
    check_in_time(
        estimator,
        "each record of a list",
        reverse="[x[::-1] for x in X]",
        transpose="[x.T for x in X]",
    )
    records = []
    for i, record in enumerate(X):
        if n_dims(record) != 2:
            raise ValueError(
                f"X is a list of records, but element {i} has {n_dims(record)} "
                f"dimension(s), not 2. {FORMS}."
            )
        if 0 in np.shape(record):
            raise ValueError(f"X[{i}] is empty: shape {np.shape(record)}.")
        if not is_clean(record):
            with numbers_of(record, f"X[{i}]"):
                record = check_array(
                    unframed(record),
                    dtype=FLOATS,
                    estimator=estimator,
                    input_name=f"X[{i}]",
                )
        records.append(record)
        if records[i].shape[1] != records[0].shape[1]:
            raise ValueError(
                f"The records of X differ in their number of channels: X[0] has "
                f"{records[0].shape[1]}, X[{i}] has {records[i].shape[1]}."
            )
    if form != "array":  # where columns were counted as those of rows
        _check_channels(estimator, X[0], reset=form is None)
        for record in X[1:]:
            if not (type(record) is type(X[0]) is np.ndarray):
                check_columns(estimator, record, reset=False)
    lengths = np.array([len(record) for record in records])
    rows = np.ascontiguousarray(np.concatenate(records))
    return Records(rows, lengths, "list")


def _check_channels(estimator, record, reset):
    """Set or compare the number and names of the channels of one record."""
    record = record if hasattr(record, "shape") else np.asarray(record)
    check_columns(estimator, record, reset)
    _check_n_channels(estimator, record.shape[1])


def _check_n_channels(estimator, n_channels):
    if estimator.n_channels not in (1, n_channels):
        raise ValueError(
            f"n_channels={estimator.n_channels}, but the records have "
            f"{n_channels} channels. n_channels describes the rows of a 2-D X."
        )


def _read_table(estimator, X, reset):
    if is_list_of_records(X) or dims_of(X) == 3:
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
    check_in_time(
        estimator, "a table (time_axis=0)", reverse="X[::-1]", transpose="X.T"
    )
    index = index_of(X)
    if estimator.sequence_column is None:
        X = validated(estimator, X, reset)
        lengths = np.array([len(X)])
        return Records(X, lengths, "table", is_one_table=True, index=index)
    features, lengths, ids = read_sequences(estimator, X, reset)
    return Records(features, lengths, "table", ids=ids, index=index)
