"""The door for the weights: one for each row of the targets."""

from numbers import Number

import numpy as np

from .._compat import _check_sample_weight
from ._arrays import few, is_regular, unboxed
from ._frames import numbers_of


def read_weight(sample_weight, records, targets, washout, before=0):
    """One weight per row of the targets; zero where nothing counts.

    A sample is a sequence, or a row with ``time_axis=0``; every step of a sequence gets
    the sequence's weight, unless each has one of its own. Nothing counts in the
    washout, nor where no output was observed.

    Parameters
    ----------
    sample_weight : object
    records : Records
    targets : Targets
    washout : int
    before : int or ndarray of int of shape (n_records,), default=0
        How many steps of each record were read before: the washout is that of them all.

    Returns
    -------
    ndarray of shape (n,)
    """
    weight = _per_row(unboxed(sample_weight), records, targets)
    if not weight.any():
        raise ValueError("All sample weights are zero: there is nothing to learn from.")
    weight = weight * behind_washout(washout, records, targets.last, before)
    if not weight.any():
        raise ValueError(
            f"washout={washout} leaves no step that counts: the longest record has "
            f"{records.lengths.max()} step(s)."
        )
    observed = ~np.isnan(targets.values)
    if observed.all():
        return weight
    never = ~observed[weight > 0].any(axis=0)
    if never.any():
        which = "y" if never.all() else f"Output {np.flatnonzero(never)[0]} of y"
        raise ValueError(
            f"{which} is missing (NaN) at every step that counts: there is nothing to "
            "learn from, or to score."
        )
    return weight * observed.any(axis=1)


def _per_row(sample_weight, records, targets):
    """What users hand over, checked, for each row of the targets."""
    per_step = not targets.last and not records.is_table
    dtype, n_rows = targets.values.dtype, len(targets.values)
    if _is_nested(sample_weight):
        parts = sample_weight
        if not isinstance(parts, list | tuple):
            parts = np.asarray(parts)
        shapes = [np.shape(part) if is_regular(part) else "ragged" for part in parts]
        if not per_step or shapes != [(n,) for n in records.lengths.tolist()]:
            raise ValueError(_refusal(shapes, records, per_step))
        return checked(np.concatenate(parts), n_rows, dtype)
    weight = checked(sample_weight, records.n_samples, dtype)
    return np.repeat(weight, records.lengths) if per_step else weight


def _is_nested(weight):
    """Whether it holds weights of steps within sequences."""
    if isinstance(weight, list | tuple):
        return any(np.iterable(part) for part in weight)
    return getattr(weight, "ndim", 1) > 1


def checked(weight, n, dtype):
    """One weight that is not negative for each of n rows."""
    with numbers_of(weight, "sample_weight"):
        if isinstance(weight, Number) or getattr(weight, "ndim", 1) == 0:
            weight = np.full(n, weight, float)  # to be checked as any other
        if hasattr(weight, "__len__") and len(weight) == 0:
            raise ValueError(f"sample_weight is empty; expected {(n,)}.")
        weight = _check_sample_weight(
            weight, np.empty((n, 1)), ensure_non_negative=True
        )
        total = weight.sum()
    if total > np.sqrt(np.finfo(dtype).max):
        raise ValueError(
            f"sample_weight sums up to {total:g}, too much for sums of squares in "
            f"{np.dtype(dtype).name}: divide all weights by a number."
        )
    return weight.astype(dtype)


def _refusal(shapes, records, per_step):
    each = "row" if records.is_table else "sequence"
    accepted = f"one number per {each}, {records.n_samples} in all"
    if per_step:
        accepted += ", or one for each of its steps"
        if records.is_list:
            accepted += ", as a list of arrays (n_steps_i,)"
        else:
            accepted += f", {(records.n_samples, records.fixed_steps)}"
    elif not records.is_table:
        accepted += " (weights of steps need a y with a target at every step)"
    return (
        f"sample_weight must hold {accepted}; got {len(shapes)} elements of shapes "
        f"{few(shapes)}."
    )


def behind_washout(washout, records, last, before=0):
    """Which rows of targets (at last steps only, or at all) lie behind the washout."""
    if last:
        return records.lengths > washout
    begun = np.repeat(records.starts - before, records.lengths)
    step = np.arange(len(records.rows)) - begun
    return step >= washout
