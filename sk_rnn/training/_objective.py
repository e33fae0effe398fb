"""What is minimised: network + loss + L2. The only place that knows all three."""

from functools import cached_property

import numpy as np

from ..data._steps import Steps
from ..layers import BOUND
from ..numerics._threads import side_by_side
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
        self.n_parts = self.trained.n_parts(self.dtype, data.lengths)
        self.workspaces = [Workspace() for _ in range(self.n_parts)]

    @cached_property
    def tiles(self):
        """All data, packed, and run through the fixed layers if that takes no room."""
        tiles = self.data.tiles(self.n_parts)
        if not self._prepares_each_time:
            tiles = [self._prepare(tile, self.workspaces[0]) for tile in tiles]
        return tiles

    @cached_property
    def _prepares_each_time(self):
        """Whether what the fixed layers put out is too much to be kept."""
        if self.fixed is None:
            return False
        n_targets = self.data.n_sequences if self.data.last else self.data.n_steps
        return n_targets * self.fixed.n_out >= KEPT

    def _each_tile(self, function, n_parts=None):
        """What a function of (tile, part) returns for each of the tiles, in order."""

        def call(k, part):
            tile = self.tiles[k]
            if self._prepares_each_time:
                tile = self._prepare(tile, self.workspaces[part])
            return function(tile, part)

        loads = [tile.steps.n_steps * tile.steps.n_sequences for tile in self.tiles]
        return side_by_side(call, loads, n_parts or self.n_parts)

    def _each_prediction(self, theta, function):
        """What a function of (tile, outputs of the network) returns for each tile."""
        forward = self.trained.bind(theta.astype(self.dtype, copy=False))
        return self._each_tile(
            lambda tile, _: function(tile, forward(tile.x, tile.steps, tile.wanted)[0])
        )

    def loss_and_grad(self, theta):
        """Value and gradient over all data."""
        theta = theta.astype(self.dtype, copy=False)
        grads = np.zeros((self.n_parts, len(theta)), theta.dtype)

        def of_tile(tile, part):
            return self._add(theta, tile, self.workspaces[part], grads[part])

        value = sum(self._each_tile(of_tile)) / self.weight_sum
        grad, *others = grads
        for other in others:
            grad += other
        grad /= self.weight_sum
        return value + self._penalty(theta, grad), grad

    def value(self, theta):
        """Mean loss over all data, without the penalty; infinite if a run diverged."""

        def of_tile(tile, y_pred):
            if np.abs(y_pred).max() >= BOUND:  # where Feedback holds it
                return np.inf
            return float(tile.weight @ self.loss.value(y_pred, tile.y))

        return sum(self._each_prediction(theta, of_tile)) / self.weight_sum

    def residuals(self, theta):
        """Whose halved sum of squares is the loss with its penalty."""
        found = self._each_prediction(
            theta,
            lambda tile, y_pred: self._weighted(
                self.loss.residual(y_pred, tile.y), tile
            ),
        )
        strength = np.sqrt(self.alpha / self.weight_sum)
        theta = theta.astype(self.dtype, copy=False)
        found.append(strength * (theta * self.penalised)[self.penalised > 0])
        return np.concatenate(found).astype(float)

    def jacobian(self, theta):
        """Derivatives of the residuals, of shape (n_residuals, network.size)."""
        theta = theta.astype(self.dtype, copy=False)

        def of_tile(tile, part):
            _, _, cache = self._forward(theta, tile, self.workspaces[part])
            return self._weighted(self.trained.tangent(theta, cache), tile)

        found = self._each_tile(of_tile, n_parts=1)  # most of it is Python
        strength = np.sqrt(self.alpha / self.weight_sum)
        found.append(np.diag(strength * self.penalised)[self.penalised > 0])
        return np.concatenate(found).astype(float)

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
        targets = sum(tile.wanted.n_rows for tile in self.tiles) * self.trained.n_out
        most = max(
            self.trained.n_tangents(tile.steps, tile.wanted) for tile in self.tiles
        )
        return COPIES * max(targets, most) * self.network.size

    def minibatches(self):
        """Functions theta -> (weight, value, gradient), one for each mini-batch."""
        for tiles in self.data.minibatches(self.batch_size, self.rng, self._steps):
            weight = sum(float(tile.weight.sum(dtype=float)) for tile in tiles)
            tiles = [self._prepare(tile, self.workspaces[0]) for tile in tiles]
            if weight > 0:
                yield lambda theta, t=tiles, w=weight: self._of_batch(theta, t, w)

    def _of_batch(self, theta, tiles, weight):
        grad, workspace = np.zeros_like(theta), self.workspaces[0]
        value = sum(self._add(theta, tile, workspace, grad) for tile in tiles) / weight
        grad /= weight
        return weight, value + self._penalty(theta, grad), grad

    def _steps(self, lengths):
        """The structure of such lengths, which mini-batches share."""
        return self.workspaces[0].recall(lengths.tobytes(), lambda: Steps(lengths))

    def _prepare(self, batch, workspace):
        """Run the fixed layers, whose output is the same for all parameters."""
        if self.fixed is None:
            return batch
        x, steps, wanted = batch[:3]
        middle = self.trained.between(steps, wanted)[0]
        theta = np.empty(0, x.dtype)
        x, _, _ = self.fixed.forward(theta, x, steps, middle, workspace=workspace)
        wanted = middle if wanted is middle else middle.tail(wanted.n_steps)
        return batch._replace(x=x, steps=middle, wanted=wanted)

    def _forward(self, theta, batch, workspace):
        return self.trained.forward(
            theta, batch.x, batch.steps, batch.wanted, workspace=workspace
        )

    def _add(self, theta, tile, workspace, grad):
        """Sum of the losses of a tile; its gradient is added to `grad`."""
        y_pred, _, cache = self._forward(theta, tile, workspace)
        value = tile.weight @ self.loss.value(y_pred, tile.y)
        dy = self.loss.gradient(y_pred, tile.y)
        dy *= tile.weight[:, None]
        self.trained.backward(theta, dy, cache, grad, need_dx=False)
        return value

    def _penalty(self, theta, grad):
        strength = float(self.alpha / self.weight_sum)  # one of NumPy's is a double
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
