"""Long short-term memory.

    o, i, f = sigmoid(W_{o,i,f} x_t + U_{o,i,f} h_{t-1} + b_{o,i,f})
    g       = tanh(W_g x_t + U_g h_{t-1} + b_g)
    c_t     = f * c_{t-1} + i * g
    h_t     = o * tanh(c_t)

Hochreiter & Schmidhuber, Neural Computation 9 (1997); forget gate: Gers, Schmidhuber &
Cummins, Neural Computation 12 (2000). Gate order: o, i, f, g.
"""

from numpy import add, log, multiply, subtract, tanh

from ._base import Cell, block, constant


class LSTMCell(Cell):
    n_full, n_sigmoids = 4, 3
    n_record, memory = 8, 4  # o, i, f, g, c_{t-1}, tanh(c_t), i * g, f * c_{t-1}
    n_local, first_delta, kept = 6, 1, 5  # dh -> dc, then o, i, f, g, f

    def start_bias(self, bias, n_units):
        # Remember at first (Jozefowicz, Zaremba & Sutskever 2015).
        bias[...] = 0
        bias[2 * n_units : 3 * n_units] = 1

    def start_memory(self, weight_recurrent, bias, time_scale):
        # Chrono initialisation (Tallec & Ollivier 2018): f = 1 - 1 / tau, i = 1 / tau.
        n_units = len(time_scale)
        keep = log(time_scale - 1)
        bias[n_units : 2 * n_units] = -keep
        bias[2 * n_units : 3 * n_units] = keep

    def operands(self, record, x_part, h_prev, h, c):
        return (
            block(record, 0, 4),
            block(record, 0, 3),
            block(record, 1, 3),
            block(record, 3, 5),
            block(record, 6, 8),
            block(record, 6),
            block(record, 7),
            block(record, 5),
            block(record, 0),
            h,
            c,
            constant(0.5, record),
        )

    def step(self, z, oif, i_f, g_c, ig_fc, ig, fc, tanh_c, o, h, c, half):
        tanh(z, z)
        multiply(oif, half, oif)
        add(oif, half, oif)
        multiply(i_f, g_c, ig_fc)
        add(ig, fc, c)
        tanh(c, tanh_c)
        multiply(o, tanh_c, h)

    def local_operands(self, record, h, local):
        r, d = record, local
        return (
            *(block(r, 0, 3), block(d, 1, 4), block(d, 2, 4), block(r, 6, 8)),
            *(block(d, 1), h, block(r, 5), block(d, 0), block(r, 0)),
            *(block(r, 6), block(r, 3), block(d, 4), block(r, 1)),
            *(block(d, 5), block(r, 2)),
        )

    def local(
        self, oif, d_oif, d_if, ig_fc, d_o, h, tanh_c, d_c, o, ig, g, d_g, i, keep, f
    ):
        subtract(1, oif, d_oif)
        multiply(d_if, ig_fc, d_if)  # dc/dz_i = (1 - i) i g, dc/dz_f = (1 - f) f c
        multiply(d_o, h, d_o)  # dh/dz_o = (1 - o) o tanh(c)
        multiply(h, tanh_c, d_c)
        subtract(o, d_c, d_c)  # dh/dc = o (1 - tanh(c)^2)
        multiply(ig, g, d_g)
        subtract(i, d_g, d_g)  # dc/dz_g = i (1 - g^2)
        keep[...] = f  # dc_t/dc_{t-1}

    def back_operands(self, local, dh, dc_next, dc):
        d = local
        deltas = d[2:6]
        return dh, block(d, 0), block(d, 1), dc_next, dc, deltas

    def back(self, dh, d_c, d_o, dc_next, dc, d_ifg_keep):
        multiply(d_c, dh, d_c)
        multiply(d_o, dh, d_o)
        add(dc_next, d_c, dc)
        multiply(d_ifg_keep, dc, d_ifg_keep)
