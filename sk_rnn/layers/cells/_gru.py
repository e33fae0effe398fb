"""Gated recurrent unit, with the recurrent bias inside the reset gate.

    r   = sigmoid(W_r x_t + U_r h_{t-1} + b_r)
    z   = sigmoid(W_z x_t + U_z h_{t-1} + b_z)
    n   = tanh(W_n x_t + b_n + r * (U_n h_{t-1} + b_un))
    h_t = n + z * (h_{t-1} - n)

Cho et al., EMNLP 2014, in the form of cuDNN (ONNX: linear_before_reset=1), whose
recurrent product does not wait for the reset gate. Gate order: r, z, n.
"""

from numpy import add, log, multiply, subtract, tanh

from ._base import Cell, block, constant


class GRUCell(Cell):
    n_full, n_recurrent, n_input, n_sigmoids = 2, 1, 1, 2
    n_record = 7  # r, z, U_n h + b_un, r * (...), n, h_{t-1} - n, z * (h_{t-1} - n)
    n_local, through = 5, 4  # n, r, z, U_n h + b_un, h_{t-1}

    def start_memory(self, weight_recurrent, bias, time_scale):
        # Chrono initialisation (Tallec & Ollivier 2018): z = 1 - 1 / tau.
        n_units = len(time_scale)
        bias[n_units : 2 * n_units] = log(time_scale - 1)

    def operands(self, record, x_part, h_prev, h, c):
        return (
            block(record, 0, 2),
            *(block(record, 0), block(record, 2), block(record, 3), x_part),
            *(block(record, 4), h_prev, block(record, 5), block(record, 1)),
            *(block(record, 6), h, constant(0.5, record)),
        )

    def step(self, rz, r, u, ru, x_part, n, h_prev, diff, z, z_diff, h, half):
        tanh(rz, rz)
        multiply(rz, half, rz)
        add(rz, half, rz)
        multiply(r, u, ru)
        add(ru, x_part, n)
        tanh(n, n)
        subtract(h_prev, n, diff)
        multiply(z, diff, z_diff)
        add(n, z_diff, h)

    def local_operands(self, record, h, local):
        r, d = record, local
        return (
            *(block(r, 0, 2), block(d, 1, 3), block(r, 4), block(d, 0), block(d, 2)),
            *(block(r, 6), block(r, 0), block(d, 3), block(d, 1), block(r, 3)),
            *(block(d, 4), block(r, 1)),
        )

    def local(self, rz, d_rz, n, d_n, d_z, z_diff, r, d_u, d_r, ru, through, z):
        subtract(1, rz, d_rz)
        multiply(n, n, d_n)
        subtract(1, d_n, d_n)
        multiply(d_n, d_z, d_n)  # dh/dz_n = (1 - z) (1 - n^2)
        multiply(d_z, z_diff, d_z)  # dh/dz_z = (1 - z) z (h_{t-1} - n)
        multiply(d_n, r, d_u)  # dh/du = dh/dz_n r
        multiply(d_r, ru, d_r)
        multiply(d_r, d_n, d_r)  # dh/dz_r = dh/dz_n u (1 - r) r
        through[...] = z

    def back_operands(self, local, dh, dc_next, dc):
        return local, dh

    def back(self, local, dh):
        multiply(local, dh, local)
