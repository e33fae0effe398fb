"""Minimal gated unit: one gate, and a product that waits for it.

    f   = sigmoid(W_f x_t + U_f h_{t-1} + b_f)
    n   = tanh(W_n x_t + b_n + U (f * h_{t-1}))
    h_t = h_{t-1} + f * (n - h_{t-1})

Zhou, Wu, Zhang & Zhou, Int. J. Automation and Computing 13 (2016), eq. 4.
"""

from numpy import add, log, multiply, subtract, tanh

from sk_rnn.layers import Cell


class MinimalGatedCell(Cell):
    gates = {"f": "hx", "n": "x"}
    halved = ("f",)
    products = {"u": "a"}  # u = U a, a = f * h_{t-1}
    blocks = ("move",)
    derivatives = "h_prev", "da_dz", "da_dh"

    def initialise_memory(self, recurrent, bias, time_scale):
        bias["f"][...] = -log(time_scale - 1)

    def forward(self, b, h_prev, h, c):
        f, a, u, n, move = b.f, b.a, b.u, b.n, b.move

        def gate():
            tanh(f, f)
            multiply(f, 0.5, f)
            add(f, 0.5, f)
            multiply(f, h_prev, a)

        def candidate():
            add(n, u, n)
            tanh(n, n)
            subtract(n, h_prev, move)
            multiply(f, move, move)
            add(h_prev, move, h)

        return gate, candidate

    def derive(self, b, h_prev, h, d):
        def local():
            multiply(b.n, b.n, d.n)
            subtract(1, d.n, d.n)
            multiply(d.n, b.f, d.n)  # dh/dz_n = f (1 - n^2)
            subtract(1, b.f, d.h_prev)
            multiply(d.h_prev, b.move, d.f)  # dh/dz_f = (1 - f) f (n - h_{t-1})
            multiply(d.h_prev, b.a, d.da_dz)  # (1 - f) f h_{t-1}
            d.da_dh[...] = b.f

        return local

    def backward(self, d, dh, dc_next, dc):
        def candidate():
            for block in (d.n, d.f, d.h_prev):
                multiply(block, dh, block)
            d.u[...] = d.n

        def gate():  # d.a is known now
            multiply(d.da_dz, d.a, d.da_dz)
            add(d.f, d.da_dz, d.f)
            multiply(d.da_dh, d.a, d.da_dh)
            add(d.h_prev, d.da_dh, d.h_prev)

        return candidate, gate
