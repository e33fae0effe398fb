"""Tables in time order: their sequences, and what is no feature."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from ._arrays import FLOATS, check_columns
from ._frames import (
    column,
    is_frame,
    names_of,
    numbers_of,
    positions,
    unframed,
    without,
)


def read_sequences(estimator, X, reset):
    """Cut a table where the value of its ``sequence_column`` changes.

    Returns
    -------
    features : ndarray of shape (n_rows, n_columns - 1)
    lengths : ndarray of int of shape (n_sequences,)
    ids : tuple
        The value of the column for each sequence.
    """
    if issparse(X):
        check_array(X, estimator=estimator, input_name="X")  # tells what to do
    if not is_frame(X):
        X = np.asarray(X)
    if len(X.shape) != 2 or 0 in X.shape:
        raise ValueError(
            f"With time_axis=0, X must be a non-empty 2-D table; got shape {X.shape}."
        )
    check_columns(estimator, X, reset)
    (which,) = positions(
        estimator.sequence_column, names_of(X), X.shape[1], "sequence_column"
    )
    if X.shape[1] == 1:
        raise ValueError("X has no column besides sequence_column.")
    ids, features = column(X, which), without(X, which)
    if ids.dtype.kind == "M":  # the same identifiers in whatever unit of time
        ids = ids.astype("datetime64[us]")
    with numbers_of(features, "X"):
        features = check_array(
            unframed(features),
            dtype=FLOATS,
            order="C",
            estimator=estimator,
            input_name="X",
        )
    lengths = run_lengths(ids, "The sequence column")
    return features, lengths, tuple(ids[np.cumsum(lengths) - 1].tolist())


def run_lengths(ids, name):
    """Lengths of the stretches of equal ids; an id must not come back."""
    if any(map(is_missing, ids)):
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


def is_missing(value):
    """NaN and NaT are not equal to themselves; pandas' NA has no answer to that."""
    return value is None or type(value).__name__ == "NAType" or bool(value != value)
