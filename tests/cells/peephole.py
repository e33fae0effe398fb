"""Long short-term memory whose gates see the memory itself.

    i, f = sigmoid(W_{i,f} x_t + U_{i,f} h_{t-1} + p_{i,f} * c_{t-1} + b_{i,f})
    g    = tanh(W_g x_t + U_g h_{t-1} + b_g)
    c_t  = f * c_{t-1} + i * g
    o    = sigmoid(W_o x_t + U_o h_{t-1} + p_o * c_t + b_o)
    h_t  = o * tanh(c_t)

Gers & Schmidhuber, "Recurrent nets that time and count", IJCNN 2000.
"""

from numpy import add, log, multiply, subtract, tanh

from sk_rnn.layers import ACTIVATIONS, Cell

sigmoid = ACTIVATIONS["logistic"].apply


class PeepholeCell(Cell):
    gates = {"o": "hx", "i": "hx", "f": "hx", "g": "hx"}
    blocks = "c", "tanh_c", "ig", "fc"
    derivatives = "c_prev", "c"
    vectors = "peep_i", "peep_f", "peep_o"

    def initialise(self, bias, vectors):
        bias["f"][...] = 1

    def initialise_memory(self, recurrent, bias, time_scale):
        bias["f"][...] = log(time_scale - 1)
        bias["i"][...] = -bias["f"]

    def forward(self, b, h_prev, h, c):
        o, i, f, g, c_prev = b.o, b.i, b.f, b.g, b.c
        ig, fc, tanh_c = b.ig, b.fc, b.tanh_c
        peep_i, peep_f, peep_o = b.peep_i, b.peep_f, b.peep_o

        def step():
            multiply(peep_i, c_prev, ig)
            add(i, ig, i)
            multiply(peep_f, c_prev, fc)
            add(f, fc, f)
            sigmoid(i, i)
            sigmoid(f, f)
            tanh(g, g)
            multiply(i, g, ig)
            multiply(f, c_prev, fc)
            add(ig, fc, c)
            multiply(peep_o, c, tanh_c)
            add(o, tanh_c, o)
            sigmoid(o, o)
            tanh(c, tanh_c)
            multiply(o, tanh_c, h)

        return step

    def derive(self, b, h_prev, h, d):
        def local():
            subtract(1, b["o":"f"], d["o":"f"])
            multiply(d["i":"f"], b["ig":"fc"], d["i":"f"])
            multiply(d.o, h, d.o)
            multiply(b.ig, b.g, d.g)
            subtract(b.i, d.g, d.g)
            # dh/dc_t and dc_t/dc_{t-1}, on both ways each.
            d.c[...] = b.o - h * b.tanh_c + b.peep_o * d.o
            d.c_prev[...] = b.f + b.peep_i * d.i + b.peep_f * d.f
            d.peep_i[...] = d.peep_f[...] = b.c
            add(b.ig, b.fc, d.peep_o)

        return local

    def backward(self, d, dh, dc_next, dc):
        by_c, peeps = d.stacked("i", "c_prev"), d.stacked("peep_i", "peep_f")
        gates = d.stacked("i", "f")

        def back():
            multiply(d.c, dh, d.c)
            multiply(d.o, dh, d.o)
            add(dc_next, d.c, dc)
            multiply(by_c, dc, by_c)
            multiply(peeps, gates, peeps)
            multiply(d.peep_o, d.o, d.peep_o)

        return back
