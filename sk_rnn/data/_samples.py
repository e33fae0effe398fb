"""Samples: sequences, their targets and weights, as one object."""

from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np

from ._records import Records
from ._runs import Runs, find_runs
from ._targets import Targets
from ._weights import read_weight


@dataclass
class Samples:
    """What a fit learns from.

    Attributes
    ----------
    records : Records
    targets : Targets
    weight : ndarray of shape (n,)
        One for each row of the targets.
    runs : Runs or None
        Where the sequences lie, if `in_runs` found them to be windows of series.
    """

    records: Records
    targets: Targets
    weight: np.ndarray
    runs: Runs | None = None

    @classmethod
    def weighted(cls, records, targets, sample_weight, washout, before=0):
        """Samples with the weights that users hand over, zero where nothing counts.

        See `read_weight`.
        """
        weight = read_weight(sample_weight, records, targets, washout, before)
        return cls(records, targets, weight)

    @property
    def x_weight(self):
        """Weight of each row of X: the largest in its sequence; in tables all count 1.

        All inputs of a sequence enter what is predicted at its steps, whichever of them
        count; so a gap in y, or a washout, does not change how X is standardised.
        """
        records = self.records
        if self.targets.last:
            return np.repeat(self.weight, records.lengths)
        if records.is_table:
            return np.ones(len(records.rows))
        largest = np.maximum.reduceat(self.weight, records.starts)
        return np.repeat(largest, records.lengths)

    def complete(self):
        """These samples, but that rows of targets count only if all is observed."""
        gaps = np.isnan(self.targets.values)
        if not gaps.any():
            return self
        weight = self.weight * ~gaps.any(axis=1)
        if not weight.any():
            raise ValueError(
                "No step that counts has all outputs of y observed, and this model "
                "needs all of them: fit the outputs one by one, or fill the gaps."
            )
        values = np.where(gaps, 0, self.targets.values)
        return replace(
            self, targets=replace(self.targets, values=values), weight=weight
        )

    def in_runs(self):
        """These samples, and where they lie if they are overlapping windows."""
        records = self.records
        if records.fixed_steps is None:
            return self
        shape = len(records.lengths), records.fixed_steps, -1
        return replace(self, runs=find_runs(records.rows.reshape(shape)))

    def merged(self):
        """Equal samples once, with the sum of their weights, in an order of their own.

        What follows then cannot tell a sample of weight 2 from one that is there twice,
        nor one order of the samples from another, not even in the last digit (which
        training would amplify). The order is that of a hash of the values: as good as
        random. Rows of a table are steps in time, not samples, and stay as they are.
        """
        records, targets, weight = self.records, self.targets, self.weight
        if records.is_table:
            return self
        starts = records.starts
        stops = starts + records.lengths
        bounds = np.arange(len(starts)), np.arange(len(starts)) + 1
        target_starts, target_stops = bounds if targets.last else (starts, stops)
        counts = np.add.reduceat(weight, target_starts) > 0
        first, total = {}, weight.copy()
        pieces = _cut(records.rows, starts, stops)
        target_pieces = _cut(targets.values, target_starts, target_stops)
        for i, key in enumerate(_digests(pieces, target_pieces)):
            if counts[i]:
                same = first.setdefault(key, i)
                if same != i:
                    own = slice(target_starts[same], target_stops[same])
                    total[own] += weight[target_starts[i] : target_stops[i]]
        order = np.array([first[key] for key in sorted(first)])
        rows = _rows(starts[order], records.lengths[order])
        target_rows = order if targets.last else rows
        return Samples(
            Records(records.rows[rows], records.lengths[order], records.form),
            Targets(targets.values[target_rows], targets.last, targets.flat),
            total[target_rows],
            None if self.runs is None else self.runs.take(order),
        )


def _cut(values, starts, stops):
    """The bytes of consecutive rows, piece by piece."""
    values = np.ascontiguousarray(values)
    size, data = values.strides[0], memoryview(values.reshape(-1)).cast("B")
    edges = zip((starts * size).tolist(), (stops * size).tolist(), strict=True)
    return (data[a:b] for a, b in edges)


def _digests(*pieces):
    """A hash of each tuple of pieces."""
    for first, second in zip(*pieces, strict=True):
        digest = blake2b(first, digest_size=16)
        digest.update(second)
        yield digest.digest()


def _rows(starts, lengths):
    """Row numbers of stretches, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1]) + np.repeat(starts - (ends - lengths), lengths)
