"""Gated recurrent unit, with the recurrent bias inside the reset gate.

    r   = sigmoid(W_r x_t + U_r h_{t-1} + b_r)
    z   = sigmoid(W_z x_t + U_z h_{t-1} + b_z)
    u   = U_n h_{t-1} + b_u
    n   = tanh(W_n x_t + b_n + r * u)
    h_t = n + z * (h_{t-1} - n)

Cho et al., EMNLP 2014, in the form of cuDNN (ONNX: linear_before_reset=1), whose
recurrent product does not wait for the reset gate.
"""

from numpy import add, log, multiply, subtract, tanh

from ._base import Cell, constant


class GRUCell(Cell):
    gates = {"r": "hx", "z": "hx", "u": "h", "n": "x"}
    halved = "r", "z"
    blocks = "ru", "diff", "z_diff"  # r * u, h_{t-1} - n, z * (h_{t-1} - n)
    derivatives = ("h_prev",)

    def initialise_memory(self, recurrent, bias, time_scale):
        # Chrono initialisation (Tallec & Ollivier 2018): z = 1 - 1 / tau.
        bias["z"][...] = log(time_scale - 1)

    def forward(self, b, h_prev, h, c):
        rz, r, z, u, n = b["r":"z"], b.r, b.z, b.u, b.n
        ru, diff, z_diff, half = b.ru, b.diff, b.z_diff, constant(0.5, b.r)

        def step():
            tanh(rz, rz)
            multiply(rz, half, rz)
            add(rz, half, rz)
            multiply(r, u, ru)
            add(ru, n, n)
            tanh(n, n)
            subtract(h_prev, n, diff)
            multiply(z, diff, z_diff)
            add(n, z_diff, h)

        return step

    def derive(self, b, h_prev, h, d):
        def local():
            subtract(1, b["r":"z"], d["r":"z"])
            multiply(b.n, b.n, d.n)
            subtract(1, d.n, d.n)
            multiply(d.n, d.z, d.n)  # dh/dz_n = (1 - z) (1 - n^2)
            multiply(d.z, b.z_diff, d.z)  # dh/dz_z = (1 - z) z (h_{t-1} - n)
            multiply(d.n, b.r, d.u)  # dh/du = dh/dz_n r
            multiply(d.r, b.ru, d.r)
            multiply(d.r, d.n, d.r)  # dh/dz_r = dh/dz_n u (1 - r) r
            d.h_prev[...] = b.z

        return local

    def backward(self, d, dh, dc_next, dc):
        everything = d.stacked("r", "h_prev")
        return lambda: multiply(everything, dh, everything)
