"""What is minimised: network + loss + L2. The only place that knows all three."""

from functools import cached_property

import numpy as np

from ..data._steps import Steps
from ..layers import BOUND
from ..numerics._workspace import Workspace
from ._losses import Observed

#: How often derivatives are copied: into another order, weighted, decomposed.
COPIES = 3

#: Numbers that fixed layers may put out and that are kept for the next pass (128 MB).
KEPT = 2**24


class Objective:
    r"""Weighted mean loss with an L2 penalty.

    .. math:: \frac{1}{\sum_r w_r} \Big( \sum_r w_r \ell(\hat y_r, y_r)
              + \frac{\alpha}{2} \|W\|^2 \Big)

    over the rows r that have a target, with biases, initial states and linear paths
    left free: the function whose gradient MLPRegressor descends. Where some outputs of
    a row were not observed (NaN), the others make up its loss.

    Parameters
    ----------
    network : Layer
    loss : Loss
    alpha : float
    data : Dataset
    batch_size : int, default=None
        Sequences in a mini-batch.
    rng : RandomState, default=None
        Shuffles the mini-batches; None leaves them in order.
    """

    def __init__(self, network, loss, alpha, data, batch_size=None, rng=None):
        self.network, (self.fixed, self.trained) = network, network.split()
        self.loss = Observed(loss) if np.isnan(data.y).any() else loss
        self.alpha = alpha
        self.data, self.batch_size, self.rng = data, batch_size, rng
        self.weight_sum = data.weight_sum
        self.dtype = data.x.dtype
        self.penalised = penalised(network).astype(self.dtype)
        self.workspace = Workspace()

    @cached_property
    def tiles(self):
        """All data, packed, and run through the fixed layers if that takes no room."""
        tiles = self.data.tiles()
        if not self._prepares_each_time:
            tiles = [self._prepare(tile) for tile in tiles]
        return tiles

    @cached_property
    def _prepares_each_time(self):
        """Whether what the fixed layers put out is too much to be kept."""
        if self.fixed is None:
            return False
        n_targets = self.data.n_sequences if self.data.last else self.data.n_steps
        return n_targets * self.fixed.n_out >= KEPT

    def _tiles(self):
        """Yield the tiles as the trained layers see them."""
        for tile in self.tiles:
            yield self._prepare(tile) if self._prepares_each_time else tile

    def loss_and_grad(self, theta):
        """Value and gradient over all data."""
        theta = theta.astype(self.dtype, copy=False)
        grad = np.zeros_like(theta)
        value = sum(self._add(theta, tile, grad) for tile in self._tiles())
        grad /= self.weight_sum
        return value / self.weight_sum + self._penalty(theta, grad), grad

    def value(self, theta):
        """Mean loss over all data, without the penalty; infinite if a run diverged."""
        total = 0.0
        for tile, y_pred in self._predictions(theta):
            if np.abs(y_pred).max() >= BOUND:  # where Feedback holds it
                return np.inf
            total += float(tile.weight @ self.loss.value(y_pred, tile.y))
        return total / self.weight_sum

    def residuals(self, theta):
        """Whose halved sum of squares is the loss with its penalty."""
        found = [
            self._weighted(self.loss.residual(y_pred, tile.y), tile)
            for tile, y_pred in self._predictions(theta)
        ]
        strength = np.sqrt(self.alpha / self.weight_sum)
        theta = theta.astype(self.dtype, copy=False)
        found.append(strength * (theta * self.penalised)[self.penalised > 0])
        return np.concatenate(found).astype(float)

    def jacobian(self, theta):
        """Derivatives of the residuals, of shape (n_residuals, network.size)."""
        theta = theta.astype(self.dtype, copy=False)
        found = []
        for tile in self._tiles():
            _, _, cache = self._forward(theta, tile)
            found.append(self._weighted(self.trained.tangent(theta, cache), tile))
        strength = np.sqrt(self.alpha / self.weight_sum)
        found.append(np.diag(strength * self.penalised)[self.penalised > 0])
        return np.concatenate(found).astype(float)

    def _predictions(self, theta):
        """Yield each tile with the outputs of the network."""
        theta = theta.astype(self.dtype, copy=False)
        for tile in self._tiles():
            yield tile, self.trained.forward(theta, tile.x, tile.steps, tile.wanted)[0]

    def _weighted(self, values, tile):
        """Values of the targets that count, times the root of their share, flat."""
        counts = (tile.weight > 0)[:, None] & ~np.isnan(tile.y)
        row, _ = np.nonzero(counts)
        root = np.sqrt(tile.weight[row] / self.weight_sum)
        flat = values.reshape(*counts.shape, -1)[counts] * root[:, None]
        return flat[:, 0] if flat.shape[1] == 1 else flat

    @property
    def n_derivatives(self):
        """Numbers that `jacobian` and what is made of it hold at once."""
        tiles = list(self._tiles())
        targets = sum(tile.wanted.n_rows for tile in tiles) * self.trained.n_out
        most = max(self.trained.n_tangents(tile.steps, tile.wanted) for tile in tiles)
        return COPIES * max(targets, most) * self.network.size

    def minibatches(self):
        """Functions theta -> (weight, value, gradient), one for each mini-batch."""
        for tiles in self.data.minibatches(self.batch_size, self.rng, self._steps):
            weight = sum(float(tile.weight.sum(dtype=float)) for tile in tiles)
            tiles = [self._prepare(tile) for tile in tiles]
            if weight > 0:
                yield lambda theta, t=tiles, w=weight: self._of_batch(theta, t, w)

    def _of_batch(self, theta, tiles, weight):
        grad = np.zeros_like(theta)
        value = sum(self._add(theta, tile, grad) for tile in tiles) / weight
        grad /= weight
        return weight, value + self._penalty(theta, grad), grad

    def _steps(self, lengths):
        """The structure of such lengths, which mini-batches share."""
        return self.workspace.recall(lengths.tobytes(), lambda: Steps(lengths))

    def _prepare(self, batch):
        """Run the fixed layers, whose output is the same for all parameters."""
        if self.fixed is None:
            return batch
        x, steps, wanted = batch[:3]
        middle = self.trained.between(steps, wanted)[0]
        theta = np.empty(0, x.dtype)
        x, _, _ = self.fixed.forward(theta, x, steps, middle, workspace=self.workspace)
        wanted = middle if wanted is middle else middle.tail(wanted.n_steps)
        return batch._replace(x=x, steps=middle, wanted=wanted)

    def _forward(self, theta, batch):
        return self.trained.forward(
            theta, batch.x, batch.steps, batch.wanted, workspace=self.workspace
        )

    def _add(self, theta, batch, grad):
        """Sum of the losses of a batch; its gradient is added to `grad`."""
        y_pred, _, cache = self._forward(theta, batch)
        value = batch.weight @ self.loss.value(y_pred, batch.y)
        dy = self.loss.gradient(y_pred, batch.y)
        dy *= batch.weight[:, None]
        self.trained.backward(theta, dy, cache, grad, need_dx=False)
        return value

    def _penalty(self, theta, grad):
        strength = self.alpha / self.weight_sum
        weights = theta * self.penalised
        grad += strength * weights
        return 0.5 * strength * (weights @ weights)


def penalised(network):
    """Which parameters the penalty holds, shape (network.size,), of bool.

    All but biases and initial states: where a sequence begins says nothing of how
    complex the function is.
    """
    mask = np.ones(network.size, bool)
    for name, view in network.views(mask).items():
        view[...] = not name.rpartition(".")[2].startswith(("bias", "initial", "skip"))
    return mask
