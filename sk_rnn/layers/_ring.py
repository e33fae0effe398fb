"""Memory for inference: two steps, used in turn."""

import numpy as np

from ._products import gemm, products


class Ring:
    """Steps of a cell whose results nobody will differentiate.

    Parameters
    ----------
    cell : Cell
    kernel, x_kernel : ndarray
        See `Recurrent.fill`.
    n : int
        Number of sequences.
    states : list of ndarray of shape (n_units, >= n)
        h, and c where the cell has one, before the first step.
    """

    def __init__(self, cell, kernel, x_kernel, n, states):
        self.cell, self.x_kernel = cell, x_kernel
        dtype, n_units = kernel.dtype, len(states[0])
        self.gemm = gemm(dtype)
        s = np.empty((2, kernel.shape[1], n), dtype)
        s[:, -1] = 1
        s[0, :n_units] = states[0][:, :n]
        record = np.empty((max(cell.n_record, 1), n_units * n), dtype)
        self.memory = None
        if cell.memory is not None:
            self.memory = record[cell.memory].reshape(n_units, n)
            self.memory[...] = states[1][:, :n]
        self.x_part = np.empty((len(x_kernel), n), dtype)
        self.calls = []
        for now, then in ((0, 1), (1, 0)):
            h_prev, h = (s[k, :n_units].reshape(-1) for k in (now, then))
            z = record[: cell.n_full + cell.n_recurrent] if cell.n_record else h
            calls = products(kernel, s[now], z.reshape(len(kernel), n))
            c = None if cell.memory is None else record[cell.memory]
            operands = cell.operands(record, self.x_part.reshape(-1), h_prev, h, c)
            inputs = s[now, n_units:]
            self.calls.append((inputs, inputs[:-1], calls, operands, s[then, :n_units]))
        self.h = s[0, :n_units]

    def step(self, x):
        """Advance by inputs (n_in, n); return h (n_units, n)."""
        inputs, place, calls, operands, self.h = self.calls[0]
        self.calls.reverse()
        np.copyto(place, x)
        if len(self.x_kernel):
            np.matmul(self.x_kernel, inputs, out=self.x_part)
        for call in calls:
            self.gemm(*call)
        self.cell.step(*operands)
        return self.h

    def states(self):
        """The states after the last step, as given to a new ring."""
        return [self.h] if self.memory is None else [self.h, self.memory]
