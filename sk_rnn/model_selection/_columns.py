"""What the columns of a table are to a backtest: sequences, and outputs fed back."""

import numpy as np

from ..data._arrays import n_dims
from ..data._frames import column, is_frame, names_of, positions
from ..data._future import next_columns
from ..data._records import Records
from ..data._targets import Targets


def check_table(estimator, X):
    """Refuse models of separate sequences, and frames that are not of pandas."""
    if is_frame(X) and not hasattr(X, "iloc"):
        raise TypeError(
            "backtest takes X as an array or a pandas frame: X.to_pandas()."
        )
    if _parameter(estimator, "time_axis") == 1:
        raise ValueError(
            "backtest takes tables in time order, time_axis=0; this model is one of "
            "separate sequences. Stack these and name a sequence_column."
        )


def sequences_of(estimator, X):
    """The value of sequence_column of each row, or None."""
    k = _sequence_position(estimator, X)
    return None if k is None else column(X if is_frame(X) else np.asarray(X), k)


def fed_back(estimator, X, y, sequences):
    """The columns of X that are fed back where nobody names them; None if none are.

    Raises
    ------
    ValueError
        Where outputs are the next values of some of the columns. To simulate from these
        would be to know what was to be forecast.
    """
    if _parameter(estimator, "target_columns") is not None or _dims(X) != 2:
        return None
    found = next_columns(*_next_values(X, y, sequences))
    ids = _sequence_position(estimator, X)
    inputs = [k for k in range(X.shape[1]) if k != ids]
    if len(inputs) == len(found) and all(
        k in columns for k, columns in zip(inputs, found, strict=True)
    ):
        return inputs
    if any(found):
        names = names_of(X) or range(X.shape[1])
        seen = [[names[k] for k in columns] for columns in found]
        raise ValueError(
            f"y holds the next values of columns of X, output by output {seen}. To "
            "simulate from these inputs would be to know in advance what is to be "
            "forecast. Name the columns that the outputs are the next values of, "
            "target_columns=..., or leave these columns out."
        )
    return None


def _next_values(X, y, sequences):
    """Records and targets of what are numbers in X and y."""
    columns = (column(X, k) for k in range(X.shape[1]))
    rows = np.column_stack([_numbers(values) for values in columns])
    y = np.asarray(y, float)
    lengths = np.array([len(rows)])
    if sequences is not None:
        edges = np.flatnonzero(sequences[1:] != sequences[:-1]) + 1
        lengths = np.diff([0, *edges, len(rows)])
    return Records(rows, lengths, "table"), Targets(y.reshape(len(y), -1), False, True)


def _numbers(values):
    """A column as numbers, NaN where it holds none."""
    try:
        return np.asarray(values, float)
    except (TypeError, ValueError):
        return np.full(len(values), np.nan)


def _dims(X):
    return 3 if isinstance(X, list | tuple) else n_dims(X)


def _sequence_position(estimator, X):
    given = _parameter(estimator, "sequence_column")
    if given is None:
        return None
    return positions(given, names_of(X), np.shape(X)[1], "sequence_column")[0]


def _parameter(estimator, name):
    """A hyper-parameter of the model, wherever in the estimator it stands; or None."""
    given = [
        value
        for where, value in estimator.get_params().items()
        if where.rpartition("__")[2] == name and value is not None
    ]
    return given[0] if given else None
