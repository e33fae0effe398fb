"""Samples as a weighted set: no order, no repetition."""

from hashlib import blake2b

import numpy as np

from ._records import Records
from ._targets import Targets


def merge_equal(records, targets, weight):
    """Equal samples once, with the sum of their weights, in an order of their own.

    What follows then cannot tell a sample of weight 2 from one that is there twice, nor
    one order of the samples from another, not even in the last digit (which training
    would amplify). The order is that of a hash of the values: as good as random.

    Rows of a table are steps in time, not samples, and stay as they are.
    """
    if records.form == "table":
        return records, targets, weight
    starts = records.starts
    stops = starts + records.lengths
    bounds = np.arange(len(starts)), np.arange(len(starts)) + 1
    target_starts, target_stops = bounds if targets.last else (starts, stops)
    counts = np.add.reduceat(weight, target_starts) > 0
    first, total = {}, weight.copy()
    for i, key in enumerate(
        _digests(
            _cut(records.rows, starts, stops),
            _cut(targets.values, target_starts, target_stops),
        )
    ):
        if counts[i]:
            same = first.setdefault(key, i)
            if same != i:
                own, again = (
                    slice(target_starts[k], target_stops[k]) for k in (same, i)
                )
                total[own] += weight[again]
    order = np.array([first[key] for key in sorted(first)])
    rows = _rows(starts[order], records.lengths[order])
    target_rows = order if targets.last else rows
    return (
        Records(records.rows[rows], records.lengths[order], records.form),
        Targets(targets.values[target_rows], targets.last, targets.flat),
        total[target_rows],
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
