"""Samples as a weighted set: no order, no repetition."""

from hashlib import blake2b

import numpy as np

from ._input import Records, Targets


def merge_equal(records, targets, weight):
    """Equal samples once, with the sum of their weights, in an order of their own.

    What follows then cannot tell a sample of weight 2 from one that is there twice, nor
    one order of the samples from another, not even in the last digit (which training
    would amplify). The order is that of a hash of the values: as good as random.

    Rows of a table are steps in time, not samples, and stay as they are.
    """
    if records.form == "table":
        return records, targets, weight
    stops = np.cumsum(records.lengths)
    steps = [slice(a, b) for a, b in zip(records.starts, stops, strict=True)]
    targets_of = [slice(i, i + 1) for i in range(len(steps))] if targets.last else steps
    first, total = {}, weight.copy()
    for i, (own, target) in enumerate(zip(steps, targets_of, strict=True)):
        if not weight[target].any():
            continue
        digest = blake2b(np.ascontiguousarray(records.rows[own]), digest_size=16)
        digest.update(np.ascontiguousarray(targets.values[target]))
        same = first.setdefault(digest.digest(), i)
        if same != i:
            total[targets_of[same]] += weight[target]
    order = [first[key] for key in sorted(first)]
    rows = np.concatenate([np.arange(steps[i].start, steps[i].stop) for i in order])
    target_rows = order if targets.last else rows
    return (
        Records(records.rows[rows], records.lengths[order], records.form),
        Targets(targets.values[target_rows], targets.last, targets.flat),
        total[target_rows],
    )
