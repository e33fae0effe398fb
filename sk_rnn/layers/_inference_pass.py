"""Inference: memory for one step, whatever their number."""

import numpy as np

from ..numerics._products import gemm, products


class Stepper:
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
        # A new h takes the place of the old one, unless the product itself writes it.
        n_blocks = 1 if cell.n_record else 2
        s = np.empty((n_blocks, kernel.shape[1], n), dtype)
        s[:, -1] = 1
        s[0, :n_units] = states[0][:, :n]
        record = np.empty((max(cell.n_record, 1), n_units * n), dtype)
        self.memory = None
        if cell.memory is not None:
            self.memory = record[cell.memory].reshape(n_units, n)
            self.memory[...] = states[1][:, :n]
        self.x_part = np.empty((len(x_kernel), n), dtype)
        self.places = []
        for now in range(n_blocks):
            then = (now + 1) % n_blocks
            h_prev, h = (s[k, :n_units].reshape(-1) for k in (now, then))
            z = record[: cell.n_full + cell.n_recurrent] if cell.n_record else h
            calls = products(kernel, s[now], z.reshape(len(kernel), n))
            c = None if cell.memory is None else record[cell.memory]
            operands = cell.operands(record, self.x_part.reshape(-1), h_prev, h, c)
            inputs = s[now, n_units:]
            place = inputs, inputs[:-1], calls, operands, s[then, :n_units]
            self.places.append(place)
        self.h = s[0, :n_units]

    def steps(self, inputs):
        """Advance by inputs (n_steps, n_in, n); yield every h (n_units, n).

        The memory of h is that of the next one: what is to stay must be copied.
        """
        x_kernel, x_part, places = self.x_kernel, self.x_part, self.places
        product, step = gemm(x_part.dtype), self.cell.step
        apart, several = len(x_kernel) > 0, len(places) > 1
        for x in inputs:
            seen, place, calls, operands, self.h = places[0]
            place[...] = x
            if apart:
                np.matmul(x_kernel, seen, out=x_part)
            for call in calls:
                product(*call)
            step(*operands)
            if several:
                places.reverse()
            yield self.h

    def states(self):
        """The states after the last step, as given to a new stepper."""
        return [self.h] if self.memory is None else [self.h, self.memory]
