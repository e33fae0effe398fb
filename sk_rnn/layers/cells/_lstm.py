"""Long short-term memory.

    o, i, f = sigmoid(W_{o,i,f} x_t + U_{o,i,f} h_{t-1} + b_{o,i,f})
    g       = tanh(W_g x_t + U_g h_{t-1} + b_g)
    c_t     = f * c_{t-1} + i * g
    h_t     = o * tanh(c_t)

Hochreiter & Schmidhuber, Neural Computation 9 (1997); forget gate: Gers, Schmidhuber &
Cummins, Neural Computation 12 (2000).
"""

from numpy import add, log, multiply, subtract, tanh

from ._base import Cell, constant


class LSTMCell(Cell):
    gates = {"o": "hx", "i": "hx", "f": "hx", "g": "hx"}
    halved = "o", "i", "f"
    blocks = "c", "tanh_c", "ig", "fc"
    derivatives = "c_prev", "c"

    def initialise(self, bias, vectors):
        bias["f"][...] = 1  # remember at first (Jozefowicz, Zaremba & Sutskever 2015)

    def initialise_memory(self, recurrent, bias, time_scale):
        # Chrono initialisation (Tallec & Ollivier 2018): f = 1 - 1 / tau, i = 1 / tau.
        bias["f"][...] = log(time_scale - 1)
        bias["i"][...] = -bias["f"]

    def forward(self, b, h_prev, h, c):
        gates, oif, i_f, g_c = b["o":"g"], b["o":"f"], b["i":"f"], b["g":"c"]
        o, ig, fc, ig_fc, tanh_c = b.o, b.ig, b.fc, b["ig":"fc"], b.tanh_c
        half = constant(0.5, o)

        def step():
            tanh(gates, gates)
            multiply(oif, half, oif)
            add(oif, half, oif)
            multiply(i_f, g_c, ig_fc)
            add(ig, fc, c)
            tanh(c, tanh_c)
            multiply(o, tanh_c, h)

        return step

    def derive(self, b, h_prev, h, d):
        def local():
            subtract(1, b["o":"f"], d["o":"f"])
            multiply(d["i":"f"], b["ig":"fc"], d["i":"f"])  # (1 - i) i g, (1 - f) f c
            multiply(d.o, h, d.o)  # dh/dz_o = (1 - o) o tanh(c)
            multiply(h, b.tanh_c, d.c)
            subtract(b.o, d.c, d.c)  # dh/dc = o (1 - tanh(c)^2)
            multiply(b.ig, b.g, d.g)
            subtract(b.i, d.g, d.g)  # dc/dz_g = i (1 - g^2)
            d.c_prev[...] = b.f  # dc_t/dc_{t-1}

        return local

    def backward(self, d, dh, dc_next, dc):
        d_c, d_o, others = d.c, d.o, d.stacked("i", "c_prev")

        def back():
            multiply(d_c, dh, d_c)
            multiply(d_o, dh, d_o)
            add(dc_next, d_c, dc)
            multiply(others, dc, others)

        return back
