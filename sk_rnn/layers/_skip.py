"""A linear path beside a network."""

import numpy as np

from ._base import Layer


class Skip(Layer):
    """``y = network(x) + x V``: inputs also go straight to the outputs.

    V has no bias, for the network has one, and no penalty. Its parameters come last.

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
        self.shapes = network.shapes | {"output.skip": (self.n_straight, self.n_out)}

    def initialise(self, theta, rng):
        self.network.initialise(theta[: self.network.size], rng)
        self.views(theta)["output.skip"][...] = 0

    def initial_state(self, theta, n_sequences):
        return self.network.initial_state(theta[: self.network.size], n_sequences)

    def forward(self, theta, x, steps, wanted, state=None, workspace=None):
        of_network = theta[: self.network.size]
        y, state, cache = self.network.forward(
            of_network, x, steps, wanted, state, workspace
        )
        x = self._straight(x, steps, wanted)
        y = y + x @ self.views(theta)["output.skip"]
        return y, state, None if workspace is None else (cache, x, steps, wanted)

    def bind(self, theta):
        forward = self.network.bind(theta[: self.network.size])
        weight = self.views(theta)["output.skip"]

        def run(x, steps, wanted, state=None):
            y, state, _ = forward(x, steps, wanted, state)
            return y + self._straight(x, steps, wanted) @ weight, state, None

        return run

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        cache, x, steps, wanted = cache
        n = self.network.size
        self.views(dtheta)["output.skip"][...] += x.T @ dy
        straight = dy @ self.views(theta)["output.skip"].T if need_dx else None
        dx = self.network.backward(theta[:n], dy, cache, dtheta[:n], need_dx)
        if need_dx:
            rows = slice(None) if wanted is steps else steps.rows_of(wanted)
            dx[rows, : self.n_straight] += straight
        return dx

    def n_tangents(self, steps, wanted):
        of_network = self.network.n_tangents(steps, wanted)
        return max(of_network, super().n_tangents(steps, wanted))

    def tangent(self, theta, cache, dx):
        cache, x, steps, wanted = cache
        of_network = self.network.tangent(theta[: self.network.size], cache, dx)
        if dx is not None:
            weight = self.views(theta)["output.skip"]
            of_network[..., : dx.shape[2]] += weight.T @ self._straight(
                dx, steps, wanted
            )
        own = np.zeros((len(x), self.n_out, self.n_straight, self.n_out), x.dtype)
        k = np.arange(self.n_out)
        own[:, k, :, k] = x
        own = own.reshape(len(x), self.n_out, -1)
        return np.concatenate([of_network, own], axis=2)

    def _straight(self, x, steps, wanted):
        """What of the inputs goes straight to the outputs, of the rows wanted."""
        x = x if wanted is steps else x[steps.rows_of(wanted)]
        return x[:, : self.n_straight]


def flattened(layers):
    """Layers in order, those of the network beside a linear path in its place."""
    for layer in layers:
        if isinstance(layer, Skip):
            yield from flattened(layer.network.layers)
        else:
            yield layer
