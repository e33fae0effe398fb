"""Training data as sequences of rows: windows, hold-out, tiles and mini-batches."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ._runs import Runs
from ._steps import Steps

#: A pass over all data goes in tiles of this many steps times sequences, which keeps
#: its memory independent of the number of sequences.
TILE_ROWS = 2**14

#: So many sequences of about the same length make a tile, however long they are: one
#: matrix product per step for all of them pays more than a smaller tile.
TILE_SEQUENCES = 128
ALIKE = 0.75

#: So many sequences make a tile, however different they are, if it is not too large.
FEWEST = 64

#: Mini-batches are made of sequences of similar lengths out of so many batches at
#: random.
POOL = 50


def tiles(lengths, n_parts=1, n_rows=None):
    """Indices of sequences, longest first, in tiles of bounded size.

    Tiles of sequences of one length are of equal size, others powers of two, so that a
    few blocks of working memory serve all of them; but none is more than its share,
    where they are to be run in parts, side by side.

    Parameters
    ----------
    lengths : ndarray of int of shape (n_sequences,)
    n_parts : int, default=1
    n_rows : int, default=None
        In place of TILE_ROWS.

    Returns
    -------
    list of ndarray
    """
    if not len(lengths):
        return []
    n_rows = n_rows or TILE_ROWS
    order = np.argsort(-lengths, kind="stable")
    longest = int(lengths[order[0]])
    if longest != lengths[order[-1]]:
        return list(_ragged_tiles(order, lengths[order], n_parts, n_rows))
    size = n_parts * max(TILE_SEQUENCES, n_rows // longest)
    n_tiles = n_parts * -(-len(order) // size)
    return [order] if n_tiles == 1 else np.array_split(order, n_tiles)  # which is slow


def _ragged_tiles(order, ordered, n_parts, n_rows):
    behind, first = np.cumsum(ordered), 0
    share = -(-behind[-1] // n_parts)
    while first < len(order):
        longest, n_left = int(ordered[first]), len(order) - first
        alike = np.searchsorted(-ordered[first:], -ALIKE * longest, side="right")
        fitting = min(max(alike, FEWEST), n_rows // longest)
        size = max(min(alike, TILE_SEQUENCES), fitting, 1)
        size = n_left if size >= n_left else 1 << (int(size).bit_length() - 1)
        end = int(np.searchsorted(behind, behind[first] - longest + share, "right"))
        size = min(size, max(end - first, 1))  # always all, where there is one part
        yield order[first : first + size]
        first += size


class Batch(NamedTuple):
    """Packed rows of some sequences, with the targets of the rows that have one."""

    x: np.ndarray
    steps: Steps
    wanted: Steps
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
    runs : Runs or None
        Where the sequences lie, if they are overlapping windows of series.
    warm_up : int
        Number of steps from whose targets the network estimates its state. Where there
        are any, the last columns of `x` are zero, to be filled with the targets of the
        steps that carry no loss and a 1 that tells them (see `show`).
    """

    x: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    last: bool
    skip: np.ndarray
    runs: Runs | None = None
    warm_up: int = 0

    @property
    def n_sequences(self):
        return len(self.starts)

    @property
    def n_steps(self):
        return int(self.lengths.sum())

    @property
    def n_targets(self):
        """Number of steps with a target that counts."""
        return int(np.count_nonzero(self.counts.any(axis=1)))

    @property
    def weight_sum(self):
        """Sum of the weights of all targets that count."""
        if self.last:
            return self.weight.sum(dtype=float)
        total = np.concatenate([[0.0], np.cumsum(self.weight, dtype=float)])
        first = self.starts + np.minimum(self.skip, self.lengths)
        return float((total[self.starts + self.lengths] - total[first]).sum())

    @property
    def counts(self):
        """Which targets were observed and count, of the shape of `y`."""
        behind = np.ones(len(self.weight), bool)
        if not self.last:
            first = self.starts + np.minimum(self.skip, self.lengths)
            edges = np.zeros(len(self.weight) + 1, int)
            np.add.at(edges, first, 1)
            np.add.at(edges, self.starts + self.lengths, -1)
            behind = np.cumsum(edges[:-1]) > 0
        return (behind & (self.weight > 0))[:, None] & ~np.isnan(self.y)

    def subset(self, indices):
        """Some of the sequences."""
        picked = self.starts[indices], self.lengths[indices], self.skip[indices]
        starts, lengths, skip = picked
        y, weight = self.y, self.weight
        if self.last:
            y, weight = y[indices], weight[indices]
        return replace(
            self,
            starts=starts,
            lengths=lengths,
            skip=skip,
            y=y,
            weight=weight,
            runs=None,
        )

    def behind(self, n_steps):
        """Without the first steps of each sequence, and without those of no more.

        `n_steps` is a number for all of them, or one for each.
        """
        longer = np.flatnonzero(self.lengths > n_steps)
        data = self.subset(longer)
        n_steps = np.broadcast_to(n_steps, self.lengths.shape)[longer]
        return replace(
            data,
            starts=data.starts + n_steps,
            lengths=data.lengths - n_steps,
            skip=np.maximum(data.skip - n_steps, 0),
        )

    def windows(self, n_steps):
        """Cut longer sequences into windows of at most `n_steps` steps.

        Each window but the first of a sequence begins with a warm-up: a quarter of it
        repeats the end of the window before, carries no loss, and gives the state time
        to build up (`warm_up` steps where there is such a number). Every step that
        counts, counts in exactly one window. Where only the last step has a target, its
        last `n_steps` steps are the window.
        """
        if n_steps is None or n_steps >= self.lengths.max():
            return self
        if self.last:
            cut = np.maximum(self.lengths - n_steps, 0)
            return replace(self, starts=self.starts + cut, lengths=self.lengths - cut)
        warm_up = self.warm_up or n_steps // 4
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

    def hold_out(self, fraction, rng, n_before=None):
        """Split into (training, validation) data.

        Whole sequences are held out: at random, or the last ones if `rng` is None; of
        overlapping windows the last ones of each series, with a gap before them. Of
        sequences so few that a whole one is far more than its share, each gives its
        last stretch.
        """
        n_held = round(fraction * self.n_sequences)
        few = self.n_sequences == 1 or (n_held == 0 and self.runs is None)
        if few and not self.last and self.lengths.max() > 1:
            return self._without_ends(fraction, n_before)
        if self.n_sequences == 1:
            n_steps = int(self.lengths[0])
            raise ValueError(
                "early_stopping=True needs more than one sequence, or one sequence of "
                f"several steps with a target at each; got 1 sequence of {n_steps} "
                f"step(s) with {'one target' if self.last else 'a target at each'}."
            )
        n_held = min(max(1, n_held), self.n_sequences - 1)
        training, held = self._split(n_held, rng)
        return _both_count(self.subset(np.sort(training)), self.subset(np.sort(held)))

    def _without_ends(self, fraction, n_before):
        """The beginnings of all sequences to train on, their ends to validate with.

        Validation runs through the whole of each, or begins `n_before` steps before its
        end, which alone counts. Where the network estimates its state, it begins with a
        warm-up, as in training.
        """
        long = self.subset(np.flatnonzero(self.lengths > 1))
        n_held = np.maximum(1, np.round(fraction * long.lengths).astype(int))
        cut = long.lengths - np.minimum(n_held, long.lengths - 1)
        begin = np.maximum(cut - (self.warm_up or n_before or cut), 0)
        lengths = self.lengths.copy()
        lengths[self.lengths > 1] = cut
        return _both_count(
            replace(self, lengths=lengths),
            replace(long, skip=np.maximum(long.skip, cut)).behind(begin),
        )

    def _split(self, n_held, rng):
        """Indices of the sequences to train on, and of those that are held out."""
        if self.runs is not None:
            # Outputs may be values at so many steps behind the window, or each step.
            n_steps, n_outputs = int(self.lengths[0]), self.y.shape[1]
            span = max(n_steps, n_outputs) if self.last else n_steps + n_outputs - 1
            return self.runs.split(n_held, span)
        indices = np.arange(self.n_sequences)
        if rng is not None:
            indices = rng.permutation(indices)
        return indices[:-n_held], indices[-n_held:]

    def inputs(self, rows, early):
        """Some rows as the network sees them; those that are early are in warm-up."""
        x = self.x[rows]
        return show(x, self.y[rows], early) if self.warm_up else x

    def batch(self, indices, make_steps=Steps):
        """Pack some sequences, in a structure that `make_steps` makes of lengths."""
        indices = np.asarray(indices)
        lengths = self.lengths[indices]
        if (lengths[1:] > lengths[:-1]).any():
            indices = indices[np.argsort(-lengths, kind="stable")]
        steps = make_steps(self.lengths[indices])
        rows = steps.packing(self.starts[indices])
        if self.last:
            y, weight = self.y[indices], self.weight[indices]
            return Batch(self.x[rows], steps, steps.tail(1), y, weight, indices)
        y, weight, early = self.y[rows], self.weight[rows], False
        skip = self.skip[indices]
        if skip.any():
            early = steps.step < skip[steps.sequence]
            weight = weight * ~early
        x = self.inputs(rows, early)
        return Batch(x, steps, steps, y, weight, indices)

    def tiles(self, n_parts=1):
        """Pack all sequences, longest first, in batches of bounded size."""
        return [self.batch(part) for part in tiles(self.lengths, n_parts)]

    def minibatches(self, size, rng, make_steps=Steps):
        """Batches of `size` sequences as lists of tiles.

        In order if `rng` is None; else in random order, but sequences of similar
        lengths share a batch: it takes as long as its longest sequence does.
        """
        order = np.arange(self.n_sequences)
        if rng is not None:
            order = rng.permutation(order)
        parts = [order[a : a + size] for a in range(0, len(order), size)]
        if rng is not None and self.lengths.min() < self.lengths.max():
            pools = [
                order[a : a + POOL * size] for a in range(0, len(order), POOL * size)
            ]
            pools = [p[np.argsort(-self.lengths[p], kind="stable")] for p in pools]
            parts = [p[a : a + size] for p in pools for a in range(0, len(p), size)]
            parts = [parts[k] for k in rng.permutation(len(parts))]
        for part in parts:
            yield [
                self.batch(part[tile], make_steps) for tile in tiles(self.lengths[part])
            ]


def show(x, y, which=True):
    """Write outputs, and a 1 that tells them, into the last columns of rows, in place.

    A row in which an output is missing (NaN) shows none of them.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_channels + n_outputs + 1)
        With zeros in these columns.
    y : ndarray of shape (n_rows, n_outputs)
    which : ndarray of bool of shape (n_rows,), default=True
        The rows that show them.

    Returns
    -------
    x : ndarray
    """
    shown = which & ~np.isnan(y).any(axis=1)
    x[shown, -1 - y.shape[1] : -1] = y[shown]
    x[shown, -1] = 1
    return x


def _both_count(training, validation):
    """Training and validation data, if both hold steps that count, of each output."""
    for name, data in (("training", training), ("validation", validation)):
        if not data.weight_sum > 0:
            raise ValueError(
                f"early_stopping=True: no step of the {name} part of the data has a "
                "positive weight. Change validation_fraction, washout or sample_weight."
            )
        never = ~data.counts.any(axis=0)
        if never.any():
            raise ValueError(
                f"early_stopping=True: output {np.flatnonzero(never)[0]} of y is "
                f"missing (NaN) throughout the {name} part of the data. Change "
                "validation_fraction, or set early_stopping=False."
            )
    return training, validation
