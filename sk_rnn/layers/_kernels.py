"""From the parameters of a recurrent layer to operands of matrix products, and back.

Inside a pass, storage is feature-major: a step is ``[h_{t-1}; x_t; 1]``, of shape
(n_units + n_in + 1, n_sequences), so that one product gives all gates that see h, input
projection and bias included. Gates that see x alone come from another product, which
serves many steps at once.
"""

from typing import NamedTuple

import numpy as np

from ..numerics._products import products, weights
from .cells._base import check_cell


class Kernels(NamedTuple):
    """Weights as the products want them.

    Attributes
    ----------
    gates : ndarray of shape (gates that see h * n_units, n_units + n_in + 1)
        From [h; x; 1].
    inputs : ndarray of shape (gates that see x alone * n_units, n_in + 1)
        From [x; 1].
    products : dict of str to ndarray of shape (n_units, n_units)
        The products behind gates, by result.
    vectors : dict of str to ndarray of shape (n_units * n_sequences,)
        The vectors, as blocks.
    """

    gates: np.ndarray
    inputs: np.ndarray
    products: dict
    vectors: dict


def step_actions(layout, kernels, step, values, b, functions):
    """What a step does: arguments of gemm, the function behind them, and so on.

    Parameters
    ----------
    layout : Layout
    kernels : Kernels
    step : ndarray of shape (height, n_sequences)
        [h_{t-1}; x_t; 1].
    values : ndarray of shape (n_blocks, n_units * n_sequences)
        The blocks of the cell, by name in `b`.
    functions : tuple
        Those of the cell, or the operations that they are compiled to.
    """
    n = step.shape[1]
    actions = products(kernels.gates, step, values.reshape(-1, n)[: layout.see_h])
    behind = layout.cell.products.items()
    for function, (result, operand) in zip(functions[:-1], behind, strict=True):
        a, u = (getattr(b, name).reshape(-1, n) for name in (operand, result))
        actions += [function, *products(kernels.products[result], a, u)]
    return [*actions, functions[-1]]


class Layout:
    """Where each gate of a cell lies, in parameters and kernels alike.

    The order of gates is that of the cell: those that see h and x, those that see h
    alone, those that see x alone.

    Parameters
    ----------
    cell : Cell
    n_in, n_units : int
    learned_state : bool, default=False
        Whether the state before the first step is a parameter.
    """

    def __init__(self, cell, n_in, n_units, learned_state=False):
        check_cell(cell)
        sees = list(cell.gates.values())
        self.cell, self.n_in, self.n_units = cell, n_in, n_units
        self.height = n_units + n_in + 1
        self.full = sees.count("hx") * n_units
        self.see_h = self.full + sees.count("h") * n_units
        self.n_rows = len(sees) * n_units
        #: Rows of the kernels that see x, with their columns of the input weights.
        parts = [
            (slice(0, self.full), slice(0, self.full)),
            (slice(self.see_h, self.n_rows), slice(self.full, None)),
        ]
        self.x_parts = [(rows, cols) for rows, cols in parts if rows.start < rows.stop]
        #: Stretches of rows whose weights are halved, of either kernel.
        rows = [
            slice(k * n_units, (k + 1) * n_units)
            for k, name in enumerate(cell.gates)
            if name in cell.halved
        ]
        self.halved = _joined([r for r in rows if r.stop <= self.see_h], 0)
        self.halved_inputs = _joined(
            [r for r in rows if r.start >= self.see_h], self.see_h
        )
        results, operands = tuple(cell.products), tuple(cell.products.values())
        self.values = (*cell.gates, *cell.blocks, *results)
        own = (*cell.derivatives, *cell.vectors, *results, *operands)
        self.derivatives = (*cell.gates, *own)
        #: The names of the states before the first step that are parameters.
        self.initial = ("initial_h", "initial_c")[: cell.n_states * learned_state]

    def shapes(self):
        """The parameters: matrices, biases, vectors, initial states."""
        n, n_x = self.n_units, self.full + self.n_rows - self.see_h
        shapes = {"weight_input": (self.n_in, n_x)}
        if self.see_h:
            shapes["weight_recurrent"] = (n, self.see_h)
        shapes |= {f"weight_{result}": (n, n) for result in self.cell.products}
        shapes["bias"] = (n_x,)
        if self.see_h > self.full:
            shapes["bias_recurrent"] = (self.see_h - self.full,)
        return shapes | {name: (n,) for name in (*self.cell.vectors, *self.initial)}

    def gates(self, what):
        """The names of the gates that see h, or x."""
        return [name for name, sees in self.cell.gates.items() if what in sees]

    def by_gate(self, array, what):
        """Views of the columns of the gates that see h, or x."""
        names = self.gates(what)
        parts = np.split(array, len(names), axis=-1) if names else []
        return dict(zip(names, parts, strict=True))

    def allocate(self, dtype, n_sequences=None):
        """Memory for kernels; the fastest order where many passes will follow."""
        n, n_inputs = self.n_units, self.n_rows - self.see_h
        if n_sequences is None:
            gates = np.empty((self.see_h, self.height), dtype)
        else:
            gates = weights(self.see_h, self.height, n_sequences, dtype)
        return Kernels(
            gates,
            np.empty((n_inputs, self.n_in + 1), dtype),
            {result: np.empty((n, n), dtype) for result in self.cell.products},
            {
                name: np.empty(n * (n_sequences or 0), dtype)
                for name in self.cell.vectors
            },
        )

    def fill(self, p, kernels):
        """Write the parameters into kernels."""
        gates, inputs, n, full = kernels.gates, kernels.inputs, self.n_units, self.full
        if len(gates):
            gates[:, :n] = p["weight_recurrent"].T
        gates[:full, n:-1] = p["weight_input"][:, :full].T
        gates[:full, -1] = p["bias"][:full]
        if self.see_h > full:
            gates[full:, n:-1] = 0
            gates[full:, -1] = p["bias_recurrent"]
        inputs[:, :-1] = p["weight_input"][:, full:].T
        inputs[:, -1] = p["bias"][full:]
        for rows in self.halved:
            gates[rows] *= 0.5
        for rows in self.halved_inputs:
            inputs[rows] *= 0.5
        for result, kernel in kernels.products.items():
            kernel[...] = p[f"weight_{result}"].T
        for name, block in kernels.vectors.items():
            block.reshape(n, -1)[...] = p[name][:, None]

    def add_gradient(self, d_gates, d_products, d_vectors, g):
        """Add gradients of the kernels to those of the parameters.

        Parameters
        ----------
        d_gates : ndarray of shape (..., n_rows, height)
            Of all gates, with respect to [h; x; 1]. Axes before the last two: there
            are so many gradients.
        d_products : dict of str to ndarray of shape (..., n_units, n_units)
        d_vectors : dict of str to ndarray of shape (..., n_units)
        g : dict of str to ndarray
        """
        n, d_gates = self.n_units, d_gates.swapaxes(-1, -2)
        for rows, columns in self.x_parts:
            g["weight_input"][..., columns] += d_gates[..., n:-1, rows]
            g["bias"][..., columns] += d_gates[..., -1, rows]
        if self.see_h:
            g["weight_recurrent"] += d_gates[..., :n, : self.see_h]
        if self.see_h > self.full:
            g["bias_recurrent"] += d_gates[..., -1, self.full : self.see_h]
        for result, d in d_products.items():
            g[f"weight_{result}"] += d.swapaxes(-1, -2)
        for name, d in d_vectors.items():
            g[name] += d


def _joined(slices, first):
    """Slices, counted from `first`, where neighbours are one."""
    found = []
    for part in slices:
        begin, end = part.start - first, part.stop - first
        if found and found[-1].stop == begin:
            begin = found.pop().start
        found.append(slice(begin, end))
    return found
