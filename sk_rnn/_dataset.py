"""Training data as sequences of rows: windows, hold-out, tiles and mini-batches."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ._sequences import Steps

#: A pass over all data goes in tiles of about this many rows, which stay in cache and
#: keep the memory of a pass independent of the number of sequences.
TILE_ROWS = 2**14
TILE_SEQUENCES = 128

#: How many structures of mini-batches are remembered, with their working memory.
STRUCTURES = 4


class Batch(NamedTuple):
    """Packed rows of some sequences, with the targets of the rows that have one."""

    x: np.ndarray
    steps: Steps
    out: Steps
    y: np.ndarray
    weight: np.ndarray
    order: np.ndarray


@dataclass
class Dataset:
    """Sequences, one after the other, in the rows of a table.

    Attributes
    ----------
    x : ndarray of shape (n_rows, n_channels)
    starts, lengths : ndarray of int of shape (n_sequences,)
        First row and number of steps of each sequence. Sequences may overlap.
    y, weight : ndarray of shape (n, n_outputs) and (n,)
        One row per sequence where `last`, else one per row of `x`.
    last : bool
        Whether the targets belong to the last step of each sequence alone.
    skip : ndarray of int of shape (n_sequences,)
        How many first steps of each sequence carry no loss.
    """

    x: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    last: bool
    skip: np.ndarray

    def __post_init__(self):
        self._structures = OrderedDict()

    @property
    def n_sequences(self):
        return len(self.starts)

    @property
    def weight_sum(self):
        """Sum of the weights of all targets that count."""
        if self.last:
            return self.weight.sum(dtype=float)
        total = np.concatenate([[0.0], np.cumsum(self.weight, dtype=float)])
        first = self.starts + np.minimum(self.skip, self.lengths)
        return float((total[self.starts + self.lengths] - total[first]).sum())

    def subset(self, indices):
        """Some of the sequences."""
        picked = self.starts[indices], self.lengths[indices], self.skip[indices]
        starts, lengths, skip = picked
        if not self.last:
            return replace(self, starts=starts, lengths=lengths, skip=skip)
        y, weight = self.y[indices], self.weight[indices]
        return replace(
            self, starts=starts, lengths=lengths, skip=skip, y=y, weight=weight
        )

    def windows(self, n_steps):
        """Cut longer sequences into windows of at most `n_steps` steps.

        Each window but the first of a sequence begins with a warm-up: a quarter of it
        repeats the end of the window before, carries no loss, and gives the state time
        to build up. Every step that counts, counts in exactly one window. Where only
        the last step has a target, its last `n_steps` steps are the window.
        """
        if n_steps is None or n_steps >= self.lengths.max():
            return self
        if self.last:
            cut = np.maximum(self.lengths - n_steps, 0)
            return replace(self, starts=self.starts + cut, lengths=self.lengths - cut)
        warm_up = n_steps // 4
        starts, lengths, skip = [], [], []
        for start, length, skipped in zip(
            self.starts, self.lengths, self.skip, strict=True
        ):
            stride = n_steps - warm_up
            first = np.arange(0, max(length - warm_up, 1), stride)
            starts.append(start + first)
            lengths.append(np.minimum(n_steps, length - first))
            skip.append(np.maximum(skipped - first, np.where(first > 0, warm_up, 0)))
        return replace(
            self,
            starts=np.concatenate(starts),
            lengths=np.concatenate(lengths),
            skip=np.concatenate(skip),
        )

    def hold_out(self, fraction, rng):
        """Split into (training, validation) data.

        Whole sequences are held out: at random, or the last ones if `rng` is None. A
        single sequence gives its last stretch; validation then runs through all of it,
        and only the last stretch counts.
        """
        if self.n_sequences > 1:
            n_held = max(1, round(fraction * self.n_sequences))
            n_held = min(n_held, self.n_sequences - 1)
            indices = np.arange(self.n_sequences)
            if rng is not None:
                indices = rng.permutation(indices)
            return _both_count(
                self.subset(np.sort(indices[:-n_held])),
                self.subset(np.sort(indices[-n_held:])),
            )
        n_steps = int(self.lengths[0])
        cut = n_steps - max(1, round(fraction * n_steps))
        if self.last or cut < 1:
            raise ValueError(
                "early_stopping=True needs more than one sequence, or one sequence of "
                f"several steps with a target at each; got 1 sequence of {n_steps} "
                f"step(s) with {'one target' if self.last else 'a target at each'}."
            )
        skip = np.maximum(self.skip, cut)
        return _both_count(
            replace(self, lengths=np.array([cut])), replace(self, skip=skip)
        )

    def batch(self, indices):
        """Pack some sequences."""
        lengths = self.lengths[indices]
        order = np.argsort(-lengths, kind="stable")
        indices = np.asarray(indices)[order]
        steps = self._structure(lengths[order])
        rows = steps.packing(self.starts[indices])
        out = steps.tail(1) if self.last else steps
        if self.last:
            y, weight = self.y[indices], self.weight[indices]
        else:
            y, weight = self.y[rows], self.weight[rows]
            skip = self.skip[indices]
            if skip.any():
                weight = weight * (steps.step >= skip[steps.sequence])
        return Batch(self.x[rows], steps, out, y, weight, indices)

    def tiles(self):
        """Pack all sequences, longest first, in batches of bounded size."""
        order = np.argsort(-self.lengths, kind="stable")
        batches, first = [], 0
        while first < len(order):
            longest = int(self.lengths[order[first]])
            stop = first + max(TILE_SEQUENCES, TILE_ROWS // longest)
            batches.append(self.batch(order[first:stop]))
            first = stop
        return batches

    def minibatches(self, size, rng):
        """Batches of `size` sequences; in random order unless `rng` is None."""
        order = np.arange(self.n_sequences)
        if rng is not None:
            order = rng.permutation(order)
        for first in range(0, len(order), size):
            yield self.batch(order[first : first + size])

    def _structure(self, lengths):
        """The Steps of sorted lengths, with their scratch memory if seen lately."""
        key = lengths.tobytes()
        if key in self._structures:
            self._structures.move_to_end(key)
        else:
            self._structures[key] = Steps(lengths)
            if len(self._structures) > STRUCTURES:
                self._structures.popitem(last=False)
        return self._structures[key]


def _both_count(training, validation):
    """Training and validation data, if both hold steps that count."""
    for name, data in (("training", training), ("validation", validation)):
        if not data.weight_sum > 0:
            raise ValueError(
                f"early_stopping=True: no step of the {name} part of the data has a "
                "positive weight. Change validation_fraction, washout or sample_weight."
            )
    return training, validation
