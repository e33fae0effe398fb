"""What the index of a DataFrame tells of rows that are to follow others."""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from .._warnings import warn_caller


@dataclass(frozen=True)
class IndexEnd:
    """Where the sorted index of each sequence of a table ends, as plain numbers.

    Attributes
    ----------
    kind : str
        What the numbers count; only the same is compared.
    last : ndarray of shape (n_sequences,)
    next : ndarray of shape (n_sequences,)
        What would come next where the index is evenly spaced, else `last`.
    is_plain : bool
        Whether it is what pandas gives rows that have no index of their own.
    ids : tuple or None
        The sequences.
    """

    kind: str
    last: np.ndarray
    next: np.ndarray
    is_plain: bool
    ids: tuple | None

    @classmethod
    def of(cls, records):
        """The ends of records, or None where there is no index that tells an order."""
        found = read_index(records.index) if records.is_table else None
        if found is None:
            return None
        kind, numbers = found
        if kind == "numbers" and not records.is_one_table:
            return None  # they number the rows of all sequences together
        last, behind = [], []
        for first, n in zip(records.starts, records.lengths, strict=True):
            part = numbers[first : first + n]
            steps = np.diff(part)
            if not (steps > 0).all():
                return None
            even = len(steps) and (steps == steps[0]).all()
            last.append(part[-1])
            behind.append(part[-1] + steps[0] if even else part[-1])
        if records.is_one_table:
            behind = [_next(records.index, behind[0])]
        plain = _is_plain(records.index)
        return cls(kind, np.array(last), np.array(behind), plain, records.ids)

    def joined(self, others, which):
        """These ends, and some (`which`) of others before them; None if they differ."""
        if others is None or others.kind != self.kind:
            return None
        others = others.some(which)
        return IndexEnd(
            self.kind,
            np.concatenate([others.last, self.last]),
            np.concatenate([others.next, self.next]),
            self.is_plain,
            (*others.ids, *self.ids),
        )

    def some(self, which):
        """Those of some of the sequences, by their places."""
        ids = tuple(self.ids[k] for k in which)
        return replace(self, last=self.last[which], next=self.next[which], ids=ids)

    def check(self, records, name="X"):
        """Refuse rows that do not come behind these ends; warn of a gap before them."""
        found = read_index(records.index)
        if found is None or found[0] != self.kind:
            return
        if self.is_plain and _is_plain(records.index):
            return
        places = {one: k for k, one in enumerate(self.ids or [None])}
        for one, first, n in zip(
            records.ids or [None], records.starts, records.lengths, strict=True
        ):
            if one in places:
                part = found[1][first : first + n]
                what = name if one is None else f"Sequence {one} of {name}"
                self._check(places[one], what, part, records.index[first])

    def _check(self, k, what, part, label):
        is_sorted = (np.diff(part) > 0).all()
        if part[0] <= self.last[k] or not is_sorted:
            order = f"begins at {label}" if is_sorted else "is not sorted"
            raise ValueError(
                f"The index of {what} {order}, but the rows that it is to follow go up "
                f"to {self._text(self.last[k])}." + self._advice(what)
            )
        if self.last[k] < self.next[k] < part[0]:
            warn_caller(
                f"{what} begins at {label}, but the row to come next is "
                f"{self._text(self.next[k])}: rows are missing, and the model goes on "
                "as if they had not been. Read them with warm_up, and hand in its "
                "state."
            )

    @staticmethod
    def _advice(what):
        if what.endswith("X_future"):
            return " X_future must begin behind the last row of X."
        return (
            " For other rows hand in what came before them, state=warm_up(...), or set "
            "carry_state=False."
        )

    def _text(self, number):
        if self.kind.startswith("datetime"):
            return str(np.datetime64(int(number), "ns")).removesuffix(".000000000")
        return f"{number}"


def read_index(index):
    """What an index counts, and its numbers; None where it tells no order."""
    if index is None or not len(index):
        return None
    if hasattr(index, "ordinal") or type(index).__name__ == "PeriodIndex":
        return f"periods of {index.freqstr}", index.asi8
    if hasattr(index, "asi8"):
        kind = index.dtype.kind if hasattr(index.dtype, "kind") else "M"
        kind = {"M": "datetime", "m": "timedelta"}.get(kind, "datetime")
        aware = " with time zone" if getattr(index, "tz", None) is not None else ""
        return kind + aware, index.as_unit("ns").asi8
    numbers = np.asarray(index)
    if numbers.dtype.kind in "iu":
        numbers = numbers.astype(np.int64)  # whose differences have a sign
    return ("numbers", numbers) if numbers.dtype.kind in "if" else None


def behind(index, n):
    """The label n steps behind an index of dates or periods, as an index of one.

    None where pandas neither knows nor infers how far these are apart.
    """
    if type(index).__name__ == "PeriodIndex":
        steps = np.diff(index.asi8) if len(index) > 1 else np.ones(1, int)
        return index[-1:].shift(n * steps[0]) if (steps == steps[0]).all() else None
    freq = getattr(index, "freq", None)
    if freq is None and len(index) > 2:
        with warnings.catch_warnings():  # pandas 3 says that it will be an offset
            warnings.simplefilter("ignore")
            freq = getattr(index, "inferred_freq", None)
    return None if freq is None else index[-1:].shift(n, freq=freq)


def _next(index, otherwise):
    """What comes behind an index of calendar dates, as a number."""
    found = behind(index, 1)
    return otherwise if found is None else read_index(found)[1][0]


def _is_plain(index):
    return type(index).__name__ == "RangeIndex" and index[0] == 0


def counts_time(index):
    """Whether it holds dates or periods at regular distances, in order, of pandas."""
    if type(index).__name__ not in ("DatetimeIndex", "PeriodIndex") or len(index) < 3:
        return False
    steps = np.diff(read_index(index)[1])
    if type(index).__name__ == "PeriodIndex":
        return bool((steps == 1).all())
    return bool((steps > 0).all()) and behind(index, 1) is not None
