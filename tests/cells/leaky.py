"""Leaky units: Elman's network in continuous time, by Euler steps of length `leak`.

    h_t = h_{t-1} + leak * (tanh(W x_t + U h_{t-1} + b) - h_{t-1})

Jaeger, Lukosevicius, Popovici & Siewert, Neural Networks 20 (2007), eq. 2.
"""

from numpy import add, diag, multiply, subtract, tanh

from sk_rnn.layers import Cell


class LeakyCell(Cell):
    gates = {"z": "hx"}
    blocks = ("move",)
    derivatives = ("h_prev",)

    def __init__(self, leak=0.3):
        self.leak = leak

    def initialise_memory(self, recurrent, bias, time_scale):
        # Of a linear unit 1 - leak + leak * U is left of the state: 1 - 1 / tau.
        recurrent["z"][...] = diag(1 - 1 / (self.leak * time_scale))

    def forward(self, b, h_prev, h, c):
        z, move = b.z, b.move

        def step():
            tanh(z, z)
            subtract(z, h_prev, move)
            multiply(move, self.leak, move)
            add(h_prev, move, h)

        return step

    def derive(self, b, h_prev, h, d):
        def local():
            multiply(b.z, b.z, d.z)
            subtract(1, d.z, d.z)
            multiply(d.z, self.leak, d.z)
            d.h_prev[...] = 1 - self.leak

        return local

    def backward(self, d, dh, dc_next, dc):
        both = d.stacked("z", "h_prev")
        return lambda: multiply(both, dh, both)
