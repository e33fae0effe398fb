"""One-step residuals of a fitted network, and noise that is drawn from them."""

from dataclasses import dataclass

import numpy as np

from ..data._records import Records
from ..layers import Forward
from ._inference import infer

#: Residuals that are kept, at the most (of one output, 64 kB).
MOST = 2**13


@dataclass
class Residuals:
    """Residuals in standard units, stretch by stretch in the order of time.

    Attributes
    ----------
    values : ndarray of shape (n, n_outputs)
    lengths : ndarray of int
        Of the stretches; 1 where samples have one target each, and no order.
    """

    values: np.ndarray
    lengths: np.ndarray

    def paths(self, rng, n_paths, n_steps):
        r"""Draw noise by the moving-block bootstrap (Kuensch, Ann. Stat. 17, 1989).

        Blocks of about the cube root of their number keep what correlation in time the
        residuals have.

        Returns
        -------
        ndarray of shape (n_paths, n_steps, n_outputs)
        """
        if not len(self.values):
            raise ValueError(
                "There are no residuals to draw paths from: at no step that counts "
                "were all outputs observed."
            )
        longest = int(self.lengths.max())
        size = min(longest, int(np.ceil(len(self.values) ** (1 / 3))), n_steps)
        # Row numbers with so many rows of their stretch from there on.
        left = np.repeat(np.cumsum(self.lengths), self.lengths)
        first = np.flatnonzero(left - np.arange(len(self.values)) >= size)
        n_blocks = -(-n_steps // size)
        starts = first[rng.randint(len(first), size=(n_paths, n_blocks))]
        rows = starts[:, :, None] + np.arange(size)
        return self.values[rows.reshape(n_paths, -1)[:, :n_steps]]


def residuals(network, data, theta):
    """Residuals of targets that count, of as many sequences as there is room for.

    Parameters
    ----------
    network : Layer
    data : Dataset
    theta : ndarray

    Returns
    -------
    Residuals
    """
    # Of a very long sequence the end, behind a stretch to warm up.
    cut = np.maximum(data.lengths - 2 * MOST, 0)
    n_picked = max(1, min(data.n_sequences, MOST // min(int(data.lengths.max()), MOST)))
    picked = np.linspace(0, data.n_sequences - 1, n_picked).round().astype(int)
    starts = (data.starts + cut)[picked]
    lengths = (data.lengths - cut)[picked]
    skip = np.maximum(data.skip - cut, np.where(cut > 0, data.warm_up or MOST, 0))[
        picked
    ]
    records = Records(np.empty((0, 0)), lengths, "list")
    step = np.arange(lengths.sum()) - np.repeat(records.starts, lengths)
    rows = np.repeat(starts, lengths) + step
    x = data.inputs(rows, step < np.repeat(skip, lengths))
    y_pred, _ = infer(Forward(network, theta.view()), x, records, None, data.last)
    which = picked if data.last else rows
    counts = (data.weight[which] > 0) & ~np.isnan(data.y[which]).any(axis=1)
    if not data.last:
        counts &= step >= np.repeat(skip, lengths)
        lengths = np.add.reduceat(counts, records.starts)
    found = (data.y[which] - y_pred)[counts]
    lengths = np.ones(len(found), int) if data.last else lengths[lengths > 0]
    return Residuals(found, lengths)
