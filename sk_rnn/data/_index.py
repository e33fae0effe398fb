"""What the index of a DataFrame tells of rows that are to follow those of a fit."""

from .._warnings import warn_caller


class IndexEnd:
    """The end of a sorted index.

    Parameters
    ----------
    index : pandas Index
    """

    def __init__(self, index):
        self.last, self.next, self.plain = index[-1], None, _is_plain(index)
        if getattr(index, "freq", None) is not None:
            self.next = self.last + index.freq
        elif len(index) > 1:
            steps = index[1:] - index[:-1]
            if (steps == steps[0]).all():
                self.next = self.last + steps[0]

    @classmethod
    def of(cls, index):
        """The end of an index, or None where there is none that tells an order."""
        if index is None or not len(index):
            return None
        if not (index.is_monotonic_increasing and index.is_unique):
            return None
        try:
            return cls(index)
        except TypeError:  # names, say, which have no distance
            return None

    def check(self, index):
        """Refuse rows that do not come behind this end; warn of a gap before them."""
        if index is None or not len(index) or (self.plain and _is_plain(index)):
            return
        try:
            behind = index[0] > self.last
        except TypeError:  # another kind of index
            return
        if not behind or not index.is_monotonic_increasing:
            order = f"begins at {index[0]}" if not behind else "is not sorted"
            raise ValueError(
                f"The index of X {order}, but fit saw rows up to {self.last}, and "
                "predict goes on behind them, in order. For other rows hand in what "
                "came before, state=warm_up(...), or set carry_state=False."
            )
        if self.next is not None and index[0] > self.next:
            warn_caller(
                f"X begins at {index[0]}, but the row behind those of fit is "
                f"{self.next}: rows are missing, and predict goes on as if they had "
                "not been. Read them with warm_up, and hand in its state."
            )


def _is_plain(index):
    """Whether it is what pandas gives rows that have no index of their own."""
    return type(index).__name__ == "RangeIndex" and index[0] == 0


def counts_time(index):
    """Whether it holds dates or periods at regular distances, in order, of pandas."""
    kind = type(index).__name__
    if kind not in ("DatetimeIndex", "PeriodIndex") or len(index) < 3:
        return False
    end = IndexEnd.of(index)
    if end is None or end.next is None:
        return False
    # Periods have a length, whether or not some are left out.
    return kind == "DatetimeIndex" or index[0] + (len(index) - 1) == end.last
