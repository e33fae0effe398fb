"""The door for y.

y becomes one row of targets per record, or one per row of the records (`Targets`).
"""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array

from ._arrays import FLOATS, few, in_precision, is_clean, is_regular, unboxed
from ._frames import numbers_of


@dataclass
class Targets:
    """Targets and their form.

    Attributes
    ----------
    values : ndarray of shape (n, n_outputs)
        One row per record where `last`, else one per row of the records. NaN is what
        was not observed.
    last : bool
        Whether there is one target per record, at its last step.
    flat : bool
        Whether y came without an axis for the outputs.
    """

    values: np.ndarray
    last: bool
    flat: bool


def read_y(y, records, dtype, missing="error"):
    """Bring y into the form of targets.

    Parameters
    ----------
    y : object
    records : Records
        What `read_X` made of X.
    dtype : dtype
        Of the result.
    missing : {"error", "ignore"}, default="error"
        Whether NaN is refused, or is a target that was not observed.

    Returns
    -------
    Targets
    """
    if y is None:
        raise ValueError(
            "This estimator requires y to be passed, but the target y is None."
        )
    y = unboxed(y)
    if _is_list_of_arrays(y, records):
        if not records.is_list:
            accepted = "(n_sequences,), (n_sequences, n_outputs) or 3-D"
            if records.is_table:
                accepted = "(n_steps,) or (n_steps, n_outputs)"
            raise ValueError(
                f"y is a list of arrays of shapes {few([np.shape(p) for p in y])}, "
                f"which goes with X as a list of records; here y must be {accepted}."
            )
        return _targets_of_records(y, records, dtype, missing)
    if records.is_table:
        y = _check_y(y, dtype, missing)
        if y.ndim > 2:
            raise ValueError(
                f"With time_axis=0, y must be (n_steps,) or (n_steps, n_outputs); got "
                f"shape {y.shape}."
            )
        _check_length(y, records, "rows")
        return Targets(y.reshape(len(y), -1), False, y.ndim == 1)
    is_3d = isinstance(y, list | tuple) and is_regular(y) and np.ndim(y) == 3
    if is_3d or getattr(y, "ndim", None) == 3:
        return _targets_of_records(y, records, dtype, missing)
    y = _check_y(y, dtype, missing)
    if y.ndim > 2:
        raise ValueError(
            f"y has {y.ndim} dimensions: shape {y.shape}; accepted are (n_sequences,), "
            "(n_sequences, n_outputs) and (n_sequences, n_steps, n_outputs)."
        )
    _check_length(y, records, "sequences")
    return Targets(y.reshape(len(y), -1), True, y.ndim == 1)


def _is_list_of_arrays(y, records):
    """Whether y is a list with one array per record, which holds a target per step.

    Where X is a list of records, any list that does not hold plain numbers is taken for
    one. Where X is an array, nested lists and lists of equal rows are arrays, too.
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
    return records.is_list or (
        len(arrays) > 0 and (arrays[0].ndim > 1 or not is_regular(y))
    )


def _check_y(y, dtype, missing, name="y"):
    if not (is_clean(y) and y.flags.c_contiguous):
        if np.ma.isMaskedArray(y):  # check_array would take what the mask hides
            y = y.astype(float).filled(np.nan)
        with numbers_of(y, name):
            y = check_array(
                y,
                dtype=FLOATS,
                ensure_2d=False,
                allow_nd=True,
                order="C",
                ensure_all_finite="allow-nan",
                ensure_min_samples=0,
                input_name=name,
            )
    if y.ndim == 0 or 0 in y.shape:
        raise ValueError(f"{name} must have at least one entry; got shape {y.shape}.")
    y = in_precision(y, dtype, name)
    unknown = np.isnan(y)
    if not unknown.any():
        return y
    if missing == "error":
        raise ValueError(
            f"Input {name} contains NaN. Fill the gaps, or have them left out of loss "
            "and score with missing_targets='ignore'."
        )
    # NaN is many bit patterns; what is equal is to have equal bytes.
    return np.where(unknown, y.dtype.type(np.nan), y)


def _check_length(y, records, what):
    if len(y) != records.n_samples:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"X has {records.n_samples} {what}, y has {len(y)}."
        )


def _targets_of_records(y, records, dtype, missing):
    if len(y) != len(records.lengths):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: X has "
            f"{len(records.lengths)} sequences, y has {len(y)}."
        )
    parts = [_check_y(part, dtype, missing, f"y[{i}]") for i, part in enumerate(y)]
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


def read_measured(name, place, y, records, n_outputs, dtype, missing="error"):
    """Some measured outputs of each record, oldest first.

    Parameters
    ----------
    name, place : str
        Of the parameter, and of the outputs: "before the first step".
    y : object
    records, dtype, missing
        See `read_y`.
    n_outputs : int

    Returns
    -------
    list of ndarray of shape (n_i, n_outputs)
    """
    n = len(records.lengths)
    if records.is_one_table:
        y = [y]
    n_given = len(y) if hasattr(y, "__len__") and np.iterable(y) else 0
    if n_given != n:
        raise ValueError(
            f"{name} must hold the outputs {place} of each of the {n} sequences; got "
            f"{n_given} entries."
        )
    size, finite = f"n{name[1:]}", True if missing == "error" else "allow-nan"
    parts = []
    for k, part in enumerate(y):
        with numbers_of(part, f"{name}[{k}]"):
            part = check_array(
                part,
                dtype=FLOATS,
                ensure_2d=False,
                ensure_all_finite=finite,
                ensure_min_samples=0,
                input_name=f"{name}[{k}]",
            )
        part = in_precision(part, dtype, f"{name}[{k}]")
        if part.ndim == 1 and n_outputs == 1:
            part = part[:, None]
        if part.ndim != 2 or part.shape[1] != n_outputs:
            raise ValueError(
                f"{name} for sequence {k} has shape {part.shape}; expected "
                f"({size}, {n_outputs})"
                + (f" or ({size},)." if n_outputs == 1 else ".")
            )
        parts.append(part)
    return parts
