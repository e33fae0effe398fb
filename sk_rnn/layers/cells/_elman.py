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
from ._base import Cell, block


class ElmanCell(Cell):
    n_full = n_local = 1

    def __init__(self, activation="tanh"):
        self.activation = ACTIVATIONS[activation]

    def start_memory(self, weight_recurrent, bias, time_scale):
        # The identity (Le, Jaitly & Hinton 2015), with a leak.
        weight_recurrent[...] = np.diag(1 - 1 / time_scale)

    def operands(self, record, x_part, h_prev, h, c):
        return (h,)

    def step(self, h):
        self.activation.apply(h)

    def local_operands(self, record, h, local):
        return h, block(local, 0)

    def local(self, h, d_z):
        self.activation.slope(h, d_z)

    def back_operands(self, local, dh, dc_next, dc):
        return block(local, 0), dh

    def back(self, d_z, dh):
        np.multiply(d_z, dh, d_z)


class ResidualCell(ElmanCell):
    n_record = 1  # f(z)
    n_local, through = 2, 1  # z, h_{t-1}
    recurrent_gain = 0.1

    def start_memory(self, weight_recurrent, bias, time_scale):
        weight_recurrent[...] = np.diag(-1 / time_scale)

    def operands(self, record, x_part, h_prev, h, c):
        return block(record, 0), h_prev, h

    def step(self, z, h_prev, h):
        self.activation.apply(z)
        np.add(h_prev, z, h)

    def local_operands(self, record, h, local):
        return block(record, 0), block(local, 0), block(local, 1)

    def local(self, a, d_z, through):
        self.activation.slope(a, d_z)
        through[...] = 1

    def back_operands(self, local, dh, dc_next, dc):
        return local, dh

    def back(self, local, dh):
        np.multiply(local, dh, local)


class IntegratorCell(ResidualCell):
    n_full, n_input = 0, 1

    def operands(self, record, x_part, h_prev, h, c):
        return x_part, block(record, 0), h_prev, h

    def step(self, x_part, a, h_prev, h):
        a[...] = x_part
        super().step(a, h_prev, h)
