"""What a fitted model knows of the past, as a value."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class State:
    """What a fitted model knows of the past of some sequences.

    It comes from `warm_up` or from ``predict(..., return_state=True)``, and is handed
    back as ``state=``. It can be pickled and kept, and nothing changes it. Only the
    fitted estimator that made it takes it, or a copy of that one.

    Attributes
    ----------
    n_sequences : int
        How many sequences it holds.
    n_steps : tuple of int of length n_sequences
        How many steps of each were read so far.
    ids : tuple or None
        Their values of ``sequence_column``, where there is such a column, in the order
        of ``n_steps``, which may be another one after each call.

    See Also
    --------
    GRURegressor.warm_up : Reads a past.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import AutoRegressor
    >>> series = np.sin(0.3 * np.arange(50))[:, None]
    >>> model = AutoRegressor(n_lags=2, time_axis=0).fit(series[:-1], series[1:, 0])
    >>> state = model.warm_up(series[:49])
    >>> y_pred, state = model.predict(series[49:], state=state, return_state=True)
    >>> state.n_steps
    (50,)
    >>> print(y_pred.round(3), np.sin(0.3 * 50).round(3))
    [0.65] 0.65
    """

    n_sequences: int
    n_steps: tuple[int, ...] = field(repr=False)
    ids: tuple[Any, ...] | None
    _model: str = field(repr=False)
    _parts: Any = field(repr=False)
    _index_end: Any = field(repr=False)

    def _without(self, ids):
        """The state of the sequences but for some; None where none is left."""
        if not ids:
            return self
        kept = [k for k, one in enumerate(self.ids or (None,)) if one not in ids]
        if not kept:
            return None
        return replace(
            self,
            n_sequences=len(kept),
            n_steps=tuple(self.n_steps[k] for k in kept),
            ids=tuple(self.ids[k] for k in kept),
            _parts=take(self._parts, kept),
            _index_end=self._index_end and self._index_end.some(kept),
        )


def take(parts, indices):
    """Some sequences of nested parts: lists, tuples and arrays, or None."""
    if parts is None:
        return None
    if isinstance(parts, np.ndarray):
        return parts[indices]
    return _like(parts, [take(part, indices) for part in parts])


def put(parts, indices, new):
    """Parts with some of their sequences replaced, in place."""
    if isinstance(parts, np.ndarray):
        parts[indices] = new
    elif parts is not None:
        for whole, replacement in zip(parts, new, strict=True):
            put(whole, indices, replacement)
    return parts


def join(several):
    """Parts of several groups of sequences as one."""
    if several[0] is None:
        return None
    if isinstance(several[0], np.ndarray):
        return np.concatenate(several)
    return _like(several[0], [join(parts) for parts in zip(*several, strict=True)])


def _like(parts, new):
    """New parts as the kind of tuple or list that they belong to."""
    return type(parts)(*new) if hasattr(parts, "_fields") else new
