"""Paths straight from the inputs to the outputs, beside a network."""

import numpy as np

from ._base import Layer


class Beside(Layer):
    """``y = network(x) + x V``: inputs also go straight to the outputs.

    Parameters
    ----------
    network : Chain
    n_straight : int, default=None
        How many of the inputs do so, the first ones; None: all.
    """

    def __init__(self, network, n_straight=None):
        self.network = network
        self.n_in, self.n_out, self.reach = network.n_in, network.n_out, network.reach
        self.n_straight = self.n_in if n_straight is None else n_straight
        self.shapes = network.shapes

    def _weight(self, theta):
        """V, of shape (n_straight, n_out)."""
        raise NotImplementedError

    def runs_beside(self, dtype, lengths):
        return self.network.runs_beside(dtype, lengths)

    def initialise(self, theta, rng):
        self.network.initialise(theta[: self.network.size], rng)

    def initial_state(self, theta, n_sequences):
        return self.network.initial_state(theta[: self.network.size], n_sequences)

    def forward(self, theta, x, steps, wanted, state=None, workspace=None):
        of_network = theta[: self.network.size]
        y, state, cache = self.network.forward(
            of_network, x, steps, wanted, state, workspace
        )
        x = self._straight(x, steps, wanted)
        y = y + x @ self._weight(theta)
        return y, state, None if workspace is None else (cache, x, steps, wanted)

    def bind(self, theta):
        forward = self.network.bind(theta[: self.network.size])
        weight = self._weight(theta)

        def run(x, steps, wanted, state=None):
            y, state, _ = forward(x, steps, wanted, state)
            return y + self._straight(x, steps, wanted) @ weight, state, None

        return run

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        cache, x, steps, wanted = cache
        n = self.network.size
        straight = dy @ self._weight(theta).T if need_dx else None
        dx = self.network.backward(theta[:n], dy, cache, dtheta[:n], need_dx)
        if need_dx:
            rows = slice(None) if wanted is steps else steps.rows_of(wanted)
            dx[rows, : self.n_straight] += straight
        return dx

    @property
    def n_kept(self):
        return super().n_kept + self.network.n_kept

    def n_tangents(self, steps, wanted):
        of_network = self.network.n_tangents(steps, wanted)
        return max(of_network, super().n_tangents(steps, wanted))

    def tangent(self, theta, cache, dx):
        cache, x, steps, wanted = cache
        of_network = self.network.tangent(theta[: self.network.size], cache, dx)
        if dx is not None:
            weight, dx = self._weight(theta), self._straight(dx, steps, wanted)
            of_network[..., : dx.shape[2]] += weight.T @ dx
        return of_network

    def _straight(self, x, steps, wanted):
        """What of the inputs goes straight to the outputs, of the rows wanted."""
        return rows_wanted(x, steps, wanted)[:, : self.n_straight]


class Skip(Beside):
    """A path that is trained.

    V has no bias, for the network has one, and no penalty. Its parameters come last.

    Parameters
    ----------
    network : Chain
    n_straight : int, default=None
        As in `Beside`.
    """

    def __init__(self, network, n_straight=None):
        super().__init__(network, n_straight)
        self.shapes = network.shapes | {"output.skip": (self.n_straight, self.n_out)}

    def _weight(self, theta):
        return self.views(theta)["output.skip"]

    def initialise(self, theta, rng):
        super().initialise(theta, rng)
        self.views(theta)["output.skip"][...] = 0

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        _, x, _, _ = cache
        self.views(dtheta)["output.skip"][...] += x.T @ dy
        return super().backward(theta, dy, cache, dtheta, need_dx)

    def tangent(self, theta, cache, dx):
        of_network = super().tangent(theta, cache, dx)
        _, x, _, _ = cache
        own = np.zeros((len(x), self.n_out, self.n_straight, self.n_out), x.dtype)
        k = np.arange(self.n_out)
        own[:, k, :, k] = x
        own = own.reshape(len(x), self.n_out, -1)
        return np.concatenate([of_network, own], axis=2)


class Newest(Beside):
    """A path that is fixed: the newest values come on top of what the network says.

    Parameters
    ----------
    network : Chain
    weight : ndarray of shape (n_in, n_out)
        V.
    """

    def __init__(self, network, weight):
        super().__init__(network)
        self.weight = weight

    def _weight(self, theta):
        return self.weight.astype(theta.dtype)


def flattened(layers):
    """Layers in order, those of a network with a path beside it in its place."""
    for layer in layers:
        if isinstance(layer, Beside):
            yield from flattened(layer.network.layers)
        else:
            yield layer


def rows_wanted(x, steps, wanted):
    """The rows of some steps that are wanted."""
    return x if wanted is steps else x[steps.rows_of(wanted)]
