"""What is minimised: network + loss + L2. The only place that knows all three."""

import numpy as np

#: How often derivatives are copied: into another order, weighted, decomposed.
COPIES = 3

#: Numbers that fixed layers may put out and that are kept for the next pass (128 MB).
KEPT = 2**24


class Objective:
    r"""Weighted mean loss with an L2 penalty.

    .. math:: \frac{1}{\sum_r w_r} \Big( \sum_r w_r \sum_o \ell(\hat y_{ro} - y_{ro})
              + \frac{\alpha}{2} \|W\|^2 \Big)

    over the rows r that have a target and the outputs o, with biases left free: the
    function whose gradient MLPRegressor descends.

    Parameters
    ----------
    network : Layer
    loss : object with methods ``value`` and ``slope``
    alpha : float
    data : Dataset
    batch_size : int, default=None
        Sequences in a mini-batch.
    rng : RandomState, default=None
        Shuffles the mini-batches; None leaves them in order.
    """

    def __init__(self, network, loss, alpha, data, batch_size=None, rng=None):
        self.network, (self.front, self.rest) = network, network.split()
        self.loss, self.alpha = loss, alpha
        self.data, self.batch_size, self.rng = data, batch_size, rng
        self.weight_sum = data.weight_sum
        self.dtype = data.x.dtype
        self.penalised = penalised(network).astype(self.dtype)
        self._tiles = None

    def loss_and_grad(self, theta):
        """Value and gradient over all data."""
        theta = theta.astype(self.dtype, copy=False)
        grad = np.zeros_like(theta)
        value = sum(self._add(theta, tile, grad) for tile in self._all())
        grad /= self.weight_sum
        return value / self.weight_sum + self._penalty(theta, grad), grad

    def value(self, theta):
        """Mean loss over all data, without the penalty."""
        theta = theta.astype(self.dtype, copy=False)
        total = 0.0
        for tile in self._all():
            y_pred, _, _ = self.rest.forward(theta, *tile[:3])
            losses = self.loss.value(y_pred - tile.y).sum(axis=1)
            total += float(tile.weight @ losses)
        return total / self.weight_sum

    def residuals(self, theta):
        """Whose halved sum of squares is the squared loss with its penalty."""
        theta = theta.astype(self.dtype, copy=False)
        found = []
        for tile in self._all():
            y_pred, _, _ = self.rest.forward(theta, *tile[:3])
            found.append(self._weighted(y_pred - tile.y, tile))
        strength = np.sqrt(self.alpha / self.weight_sum)
        found.append(strength * (theta * self.penalised)[self.penalised > 0])
        return np.concatenate(found).astype(float)

    def jacobian(self, theta):
        """Derivatives of the residuals, of shape (n_residuals, network.size)."""
        theta = theta.astype(self.dtype, copy=False)
        found = []
        for tile in self._all():
            _, _, cache = self.rest.forward(theta, *tile[:3], train=True)
            found.append(self._weighted(self.rest.tangent(theta, cache), tile))
        strength = np.sqrt(self.alpha / self.weight_sum)
        found.append(np.diag(strength * self.penalised)[self.penalised > 0])
        return np.concatenate(found).astype(float)

    def _weighted(self, values, tile):
        """Values of the rows that count, times the root of their share, flat."""
        counts = tile.weight > 0
        root = np.sqrt(tile.weight[counts] / self.weight_sum)
        values = values[counts].reshape(len(root), self.rest.n_out, -1)
        flat = (values * root[:, None, None]).reshape(-1, values.shape[2])
        return flat[:, 0] if values.shape[2] == 1 else flat

    @property
    def n_derivatives(self):
        """Numbers that `jacobian` and what is made of it hold at once."""
        tiles = list(self._all())
        targets = sum(tile.out.n_rows for tile in tiles) * self.rest.n_out
        most = max(self.rest.n_tangents(tile.steps, tile.out) for tile in tiles)
        return COPIES * max(targets, most) * self.network.size

    def minibatches(self):
        """Functions theta -> (weight, value, gradient), one for each mini-batch."""
        for tiles in self.data.minibatches(self.batch_size, self.rng):
            weight = sum(float(tile.weight.sum(dtype=float)) for tile in tiles)
            tiles = [self._prepare(tile) for tile in tiles]
            if weight > 0:
                yield lambda theta, t=tiles, w=weight: self._of_batch(theta, t, w)

    def _of_batch(self, theta, tiles, weight):
        grad = np.zeros_like(theta)
        value = sum(self._add(theta, tile, grad) for tile in tiles) / weight
        grad /= weight
        return weight, value + self._penalty(theta, grad), grad

    def _all(self):
        """Tiles of all data, as the network sees them."""
        if self._tiles is None:
            self._tiles = self.data.tiles()
            n_rows = sum(tile.out.n_rows for tile in self._tiles)
            self._keep = self.front and n_rows * self.front.n_out < KEPT
            if self._keep:
                self._tiles = [self._prepare(tile) for tile in self._tiles]
        for tile in self._tiles:
            yield tile if self._keep else self._prepare(tile)
            if not self._keep:
                tile.steps.scratch.clear()

    def _prepare(self, batch):
        """Run the fixed layers, whose output is the same for all parameters."""
        if self.front is None:
            return batch
        x, steps, out = batch[:3]
        theta = np.empty(0, x.dtype)
        middle = self.rest.structures(steps, out)[0]
        x, _, _ = self.front.forward(theta, x, steps, middle, train=True)
        out = middle if out is middle else middle.tail(out.n_steps)
        return batch._replace(x=x, steps=middle, out=out)

    def _add(self, theta, batch, grad):
        """Sum of the losses of a batch; its gradient is added to `grad`."""
        y_pred, _, cache = self.rest.forward(theta, *batch[:3], train=True)
        residual = y_pred - batch.y
        value = batch.weight @ self.loss.value(residual).sum(axis=1)
        dy = self.loss.slope(residual) * batch.weight[:, None]
        self.rest.backward(theta, dy, cache, grad, need_dx=False)
        return value

    def _penalty(self, theta, grad):
        strength = self.alpha / self.weight_sum
        weights = theta * self.penalised
        grad += strength * weights
        return 0.5 * strength * (weights @ weights)


def penalised(network):
    """Which parameters the penalty holds, shape (network.size,), of bool."""
    mask = np.ones(network.size, bool)
    for name, view in network.views(mask).items():
        view[...] = not name.rpartition(".")[2].startswith("bias")
    return mask
