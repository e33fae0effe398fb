"""The simple recurrent network and its two long-memory forms.

    simple      h_t = f(W x_t + U h_{t-1} + b)
    integrator  h_t = h_{t-1} + f(W x_t + b)
    residual    h_t = h_{t-1} + f(W x_t + U h_{t-1} + b)

Elman, Cognitive Science 14 (1990). In the integrator dh_t/dh_{t-1} is the identity, so
that gradients neither vanish nor explode on their way back; in the residual form it
starts near to it.
"""

import numpy as np

from ...numerics._activations import ACTIVATIONS
from ._base import Cell


class ElmanCell(Cell):
    gates = {"z": "hx"}

    def __init__(self, activation="tanh"):
        self.activation = ACTIVATIONS[activation]

    def initialise_memory(self, recurrent, bias, time_scale):
        # The identity (Le, Jaitly & Hinton 2015), with a leak.
        recurrent["z"][...] = np.diag(1 - 1 / time_scale)

    def forward(self, b, h_prev, h, c):
        apply, z = self.activation.apply, b.z
        return lambda: apply(z, h)

    def derive(self, b, h_prev, h, d):
        return lambda: self.activation.slope(h, d.z)

    def backward(self, d, dh, dc_next, dc):
        d_z = d.z
        return lambda: np.multiply(d_z, dh, d_z)


class ResidualCell(ElmanCell):
    derivatives = ("h_prev",)
    recurrent_gain = 0.1

    def initialise_memory(self, recurrent, bias, time_scale):
        recurrent["z"][...] = np.diag(-1 / time_scale)

    def forward(self, b, h_prev, h, c):
        apply, z = self.activation.apply, b.z

        def step():
            apply(z, z)
            np.add(h_prev, z, h)

        return step

    def derive(self, b, h_prev, h, d):
        def local():
            self.activation.slope(b.z, d.z)
            d.h_prev[...] = 1

        return local

    def backward(self, d, dh, dc_next, dc):
        both = d.stacked("z", "h_prev")
        return lambda: np.multiply(both, dh, both)


class IntegratorCell(ResidualCell):
    gates = {"z": "x"}

    def initialise_memory(self, recurrent, bias, time_scale):
        """Units remember for ever as they are."""
