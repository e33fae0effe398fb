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
    spacing : tuple of n_sequences
        How far rows are apart: a number, the name of a frequency, or None.
    is_plain : bool
        Whether it is what pandas gives rows that have no index of their own.
    ids : tuple or None
        The sequences.
    """

    kind: str
    last: np.ndarray
    next: np.ndarray
    spacing: tuple
    is_plain: bool
    ids: tuple | None

    @classmethod
    def of(cls, records, before=None):
        """The ends of records, or None where there is no index that tells an order.

        `before` are the ends that they go on from, or None.
        """
        found = read_index(records.index) if records.is_table else None
        if found is None:
            return None
        kind, numbers = found
        if kind == "numbers" and not records.is_one_table:
            return None  # they number the rows of all sequences together
        is_same = before is not None and before.kind == kind
        known = before._spacings() if is_same else {}
        seen, last, following, apart = {}, [], [], []
        for one, first, n in zip(
            records.ids or [None], records.starts, records.lengths, strict=True
        ):
            part, step = numbers[first : first + n], known.get(one)
            if not (np.diff(part) > 0).all():
                return None
            same = part.tobytes(), step  # as in many sequences of a panel
            if same not in seen:
                index = records.index[first : first + n]
                step = _spacing(index, part, step)
                seen[same] = step, _next(index, part[-1], step)
            last.append(part[-1])
            apart.append(seen[same][0])
            following.append(seen[same][1])
        ends = np.array(last), np.array(following), tuple(apart)
        return cls(kind, *ends, _is_plain(records.index), records.ids)

    def _spacings(self):
        """How far the rows of each sequence are apart, by its id."""
        return dict(zip(self.ids or [None], self.spacing, strict=True))

    def joined(self, others, which):
        """These ends, and some (`which`) of others before them; None if they differ."""
        if others is None or others.kind != self.kind:
            return None
        others = others.some(which)
        return IndexEnd(
            self.kind,
            np.concatenate([others.last, self.last]),
            np.concatenate([others.next, self.next]),
            (*others.spacing, *self.spacing),
            self.is_plain,
            (*others.ids, *self.ids),
        )

    def some(self, which):
        """Those of some of the sequences, by their places."""
        ids = tuple(self.ids[k] for k in which)
        last, following = self.last[which], self.next[which]
        spacing = tuple(self.spacing[k] for k in which)
        return replace(self, last=last, next=following, spacing=spacing, ids=ids)

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
    if hasattr(index, "ordinal") or _counts_periods(index):
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
    if _counts_periods(index):
        steps = np.diff(index.asi8) if len(index) > 1 else np.ones(1, int)
        return index[-1:].shift(n * steps[0]) if (steps == steps[0]).all() else None
    freq = _frequency(index)
    return None if freq is None else index[-1:].shift(n, freq=freq)


def _frequency(index):
    """The frequency of dates that pandas knows or infers, or None."""
    freq = None if _counts_periods(index) else getattr(index, "freq", None)
    if freq is None and len(index) > 2:
        with warnings.catch_warnings():  # pandas 3 says that it will be an offset
            warnings.simplefilter("ignore")
            freq = getattr(index, "inferred_freq", None)
    return freq


def _spacing(index, numbers, before):
    """How far rows are apart: a number, the name of a frequency, or None.

    Rows that go on from others are as far apart as these (`before`), where they are too
    few to tell, or agree with it: five days in a row may be business days.
    """
    own = _own_spacing(index, numbers)
    if before is None or own == before:
        return own
    if len(numbers) < 3:
        return before
    following = _shifted(index[:-1], numbers[:-1], before)
    return before if np.array_equal(following, numbers[1:]) else own


def _own_spacing(index, numbers):
    freq = _frequency(index)
    if freq is not None:
        return _name(index, freq)
    steps = np.diff(numbers)
    if len(steps) > 1 and (steps == steps[0]).all():
        return steps[0].item()
    return 1 if _counts_periods(index) and not len(steps) else None


def _name(index, freq):
    """The name of a frequency, by which pandas finds it again; None if it cannot.

    The holidays of a calendar, for example, are in no name.
    """
    if isinstance(freq, str):
        return freq
    try:
        found = type(index)([], freq=freq.freqstr).freq
    except ValueError:
        return None
    return freq.freqstr if found == freq else None


def _shifted(index, numbers, spacing):
    """What comes next behind each row, as numbers; None where it is not known."""
    if not isinstance(spacing, str):
        return numbers + spacing
    try:
        return read_index(index.shift(1, freq=spacing))[1]
    except ValueError:  # the name is one of another version of pandas
        return None


def _next(index, last, spacing):
    """What comes behind the last row, as a number; where not known, the last."""
    if spacing is None:
        freq = _frequency(index)  # which has no name
        found = None if freq is None else read_index(behind(index, 1))[1]
    else:
        found = _shifted(index[-1:], np.array([last]), spacing)
    return last if found is None else found[0]


def _counts_periods(index):
    return type(index).__name__ == "PeriodIndex"


def _is_plain(index):
    return type(index).__name__ == "RangeIndex" and index[0] == 0


def counts_time(index):
    """Whether it holds dates or periods at regular distances, in order, of pandas."""
    if type(index).__name__ not in ("DatetimeIndex", "PeriodIndex") or len(index) < 3:
        return False
    steps = np.diff(read_index(index)[1])
    if _counts_periods(index):
        return bool((steps == 1).all())
    return bool((steps > 0).all()) and behind(index, 1) is not None
