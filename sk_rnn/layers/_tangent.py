"""Forward mode: derivatives of outputs with respect to the parameters, step by step.

Back-propagation gives the gradient of one number at a time. Least squares wants the
derivative of every output; for small networks it is cheapest to carry that of the state
along (real-time recurrent learning: Williams & Zipser, Neural Computation 1 (1989)).
"""

import numpy as np

from ..numerics._parameters import size_of, views
from .cells._base import Blocks, stages


def dense_tangent(weight, x, slope, dx, first, size):
    """Tangent of rows ``f(x W + b)``.

    Parameters
    ----------
    weight : ndarray of shape (n_in, n_out)
    x : ndarray of shape (n_rows, n_in)
    slope : ndarray of shape (n_rows, n_out) or None
        f' of every entry; None where f is the identity.
    dx : ndarray of shape (n_rows, n_in, n_before) or None
        Tangent of x with respect to the first `n_before` parameters.
    first, size : int
        Where the own parameters, W and b, begin, and how many there are in all.

    Returns
    -------
    ndarray of shape (n_rows, n_out, size)
    """
    n_in, n_out = weight.shape
    shape = len(x), n_out, size
    dz = np.zeros(shape, x.dtype)
    if dx is not None:
        np.matmul(weight.T, dx, out=dz[:, :, : dx.shape[2]])
    last = first + n_in * n_out
    own = np.zeros((len(x), n_out, n_in, n_out), x.dtype)
    k = np.arange(n_out)
    own[:, k, :, k] = x
    dz[:, :, first:last] += own.reshape(len(x), n_out, n_in * n_out)
    dz[:, k, last + k] += 1
    if slope is not None:
        dz *= slope[:, :, None]
    return dz


def recurrent_tangent(training, p, dx, fresh):
    """Tangent of h after a forward pass.

    Parameters
    ----------
    training : TrainingPass
    p : dict of str to ndarray
        The parameters.
    dx : ndarray of shape (n_steps, n, n_in, n_before) or None
        Tangent of the inputs with respect to parameters of layers before.
    fresh : bool
        Whether the pass began in the initial state, which may be a parameter.

    Returns
    -------
    ndarray of shape (n_steps or 1, n, n_units, n_before + n_parameters)
        At every step, or at the last alone, as the pass has it.
    """
    n_steps, n, layout = training.length, training.n, training.layout
    n_before = 0 if dx is None else dx.shape[3]
    n_states = training.cell.n_states * layout.n_units
    shapes, see_x = layout.shapes(), layout.gates("x")
    size = n_before + size_of(shapes)
    tangent = np.zeros((n, n_states, size), training.dtype)
    if fresh and layout.initial:
        # They lie at the end, in the order of the states: each is its own derivative.
        tangent[..., -n_states:] = np.eye(n_states)
    n_found = n_steps if training.every else 1
    found = np.empty((n_found, n, layout.n_units, size), training.dtype)
    for first, stop in training.stretches(n_steps):
        a, d = _transitions(training, p, first, stop)
        for k, t in enumerate(range(first, stop)):
            tangent = np.matmul(a[k], tangent)
            own = views(tangent[..., n_before:], shapes)
            _add_own(training, t, {name: part[k] for name, part in d.items()}, own)
            if n_before:
                of_gates = np.concatenate([d[gate][k] for gate in see_x], axis=-1)
                of_x = of_gates @ p["weight_input"].T
                tangent[..., :n_before] += np.matmul(of_x, dx[t])
            found[t if training.every else 0] = tangent[:, : layout.n_units]
    return found


def _add_own(training, t, d, g):
    """Add what the parameters do within step t to derivatives by name.

    Parameters
    ----------
    d : dict of str to ndarray of shape (n, n_states, n_units)
        Derivatives of the states with respect to each block of this step.
    g : dict of str to ndarray of shape (n, n_states, ...)
    """
    layout, cell = training.layout, training.cell

    def outer(name, operand):
        return d[name][..., None] * operand.T[:, None, None, :]

    d_gates = np.concatenate([outer(gate, training.s[t]) for gate in cell.gates], -2)
    d_products = {
        result: outer(result, training.operands[operand][t])
        for result, operand in cell.products.items()
    }
    d_vectors = {name: d[name] for name in cell.vectors}
    layout.add_gradient(d_gates, d_products, d_vectors, g)


def _transitions(training, p, first, stop):
    """How the states of some steps depend on what goes into them.

    The backward step of a cell is linear; it is applied to every unit vector, for all
    steps at once. A state is h, or h and c.

    Returns
    -------
    a : ndarray of shape (n_steps, n, n_states, n_states)
        Derivatives with respect to the states before.
    d : dict of str to ndarray of shape (n_steps, n, n_states, n_units)
        With respect to every block of the derivative.
    """
    layout, cell, n = training.layout, training.cell, training.n
    n_units, names, count = layout.n_units, layout.derivatives, stop - first
    n_states = cell.n_states * n_units
    local = training.derivatives[first:stop].reshape(count, len(names), n_units, n)
    wide = np.repeat(local.transpose(1, 2, 0, 3)[..., None], n_states, axis=-1)
    shape = n_units, count, n, n_states
    unit = np.zeros((2, *shape), wide.dtype)
    k = np.arange(n_units)
    unit[0, k, ..., k] = 1
    if cell.n_states > 1:
        unit[1, k, ..., n_units + k] = 1
    dh, dc = unit.reshape(2, -1)
    blocks = Blocks(wide.reshape(len(names), -1), names)
    functions = cell.backward(blocks, dh, dc, np.empty_like(dc))
    *before, last = stages(cell, functions)
    products = reversed(cell.products.items())
    for function, (result, operand) in zip(before, products, strict=True):
        function()
        delta = getattr(blocks, result).reshape(n_units, -1)
        getattr(blocks, operand)[...] = (p[f"weight_{result}"] @ delta).reshape(-1)
    last()
    found = wide.reshape(len(names), *shape).transpose(0, 2, 3, 4, 1)
    d = dict(zip(names, found, strict=True))
    a = np.zeros((count, n, n_states, n_states), wide.dtype)
    if layout.see_h:
        see_h = [d[gate] for gate in layout.gates("h")]
        a[..., :n_units] = np.concatenate(see_h, axis=-1) @ p["weight_recurrent"].T
    if "h_prev" in d:
        a[..., :n_units] += d["h_prev"]
    if cell.n_states > 1:
        a[..., n_units:] = d["c_prev"]
    return a, d
