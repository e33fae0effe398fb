"""What is kept of a table that is learnt block by block, for the next rows of it."""

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import NamedTuple

import numpy as np


class End(NamedTuple):
    """Of a sequence.

    Attributes
    ----------
    rows, values : ndarray of shape (n_kept, n_channels) and (n_kept, n_outputs)
        Its last rows of X and y.
    last : ndarray of shape (n_outputs,)
        Its last row of y.
    n_first, first : int and bytes
        Length and hash of the rows of X with which it began.
    """

    rows: np.ndarray
    values: np.ndarray
    last: np.ndarray
    n_first: int
    first: bytes


@dataclass
class Trail:
    """Of all sequences that were seen.

    Attributes
    ----------
    ids : tuple
        Their names; (None,) for a table that is one sequence.
    ends : list of End
    """

    ids: tuple
    ends: list

    @classmethod
    def behind(cls, records, targets, n_kept, before):
        """The trail behind the rows of a table.

        Parameters
        ----------
        records : Records
        targets : Targets
        n_kept : int
            How many rows of each sequence to keep.
        before : dict of object to End
            What is known of the sequences of which more is known than these rows.
        """
        here = records.ids or (None,)
        found = {one: end for one, end in before.items() if one not in set(here)}
        pieces = zip(
            records.split(records.rows), records.split(targets.values), strict=True
        )
        for one, (rows, values) in zip(here, pieces, strict=True):
            found[one] = _end(rows, values, n_kept, before.get(one))
        return cls(tuple(found), list(found.values()))

    @classmethod
    def unknown(cls, ids, n_channels, last):
        """That of sequences of which the last rows of y alone are known."""
        nothing = np.empty((0, n_channels), last.dtype), last[:0]
        return cls(ids or (None,), [End(*nothing, row, 0, b"") for row in last])

    @property
    def _by_name(self):
        return dict(zip(self.ids, self.ends, strict=True))

    def of(self, ids):
        """The ends of some sequences, by name."""
        known = self._by_name
        return {one: known[one] for one in ids or (None,)}

    def begun_again(self, records):
        """The names of the sequences whose rows begin with those they once began with.

        These rows are read once more, and do not follow themselves.
        """
        known, again = self._by_name, set()
        parts = records.split(records.rows)
        for one, rows in zip(records.ids or (None,), parts, strict=True):
            end = known.get(one)
            if end is not None and len(rows) >= end.n_first:
                if _hash(rows[: end.n_first]) == end.first:
                    again.add(one)
        return again


def behind_kept_rows(samples, before):
    """Samples of a table behind the rows that were kept of its sequences.

    These are read once more, and do not count.

    Parameters
    ----------
    samples : Samples
    before : dict of object to End
    """
    records, targets = samples.records, samples.targets
    ends = [before.get(one) for one in records.ids or (None,)]
    nothing = records.rows[:0], targets.values[:0]
    kept = [nothing if end is None else (end.rows, end.values) for end in ends]
    rows, values = zip(*kept, strict=True)
    n_kept = [len(part) for part in rows]
    weight = [np.zeros(n, samples.weight.dtype) for n in n_kept]

    def joined(kept, own):
        pairs = zip(kept, records.split(own), strict=True)
        return np.concatenate([part for pair in pairs for part in pair])

    rows = joined(rows, records.rows)
    lengths = records.lengths + n_kept
    return replace(
        samples,
        records=replace(records, rows=rows, lengths=lengths, index=None),
        targets=replace(targets, values=joined(values, targets.values)),
        weight=joined(weight, samples.weight),
    )


def _end(rows, values, n_kept, before):
    """The end of a sequence behind some rows, and behind what was known before."""
    kept = rows, values
    if before is None:
        beginning = len(rows), _hash(rows)
    else:
        beginning = before.n_first, before.first
        if len(rows) < n_kept:
            pairs = zip((before.rows, before.values), kept, strict=True)
            kept = [np.concatenate(pair) for pair in pairs]
    first = max(len(kept[0]) - n_kept, 0)
    kept = [np.array(part[first:]) for part in kept]
    return End(*kept, np.array(values[-1]), *beginning)


def _hash(rows):
    return blake2b(np.ascontiguousarray(rows), digest_size=16).digest()
