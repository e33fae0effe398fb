"""Forward mode: derivatives of outputs with respect to the parameters, step by step.

Back-propagation gives the gradient of one number at a time. Least squares wants the
derivative of every output; for small networks it is cheapest to carry that of the state
along (real-time recurrent learning: Williams & Zipser, Neural Computation 1 (1989)).
"""

import numpy as np


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


def transitions(cell, tape, first, stop, weight_recurrent):
    """How the state of each step depends on what goes into it.

    The backward step of the cell is linear; it is applied to every unit vector, for
    all steps at once. A state is h, or h and c.

    Returns
    -------
    a : ndarray of shape (n_steps, n, n_states, n_states)
        Of the state before.
    g : ndarray of shape (n_steps, n, n_states, n_gates * n_units)
        Of the pre-activations, in the order of the deltas.
    """
    n_units, n, count = tape.n_units, tape.n, stop - first
    n_states = cell.n_states * n_units
    local = tape.local[first:stop].reshape(count, cell.n_local, n_units, n)
    wide = np.repeat(local.transpose(1, 2, 0, 3)[..., None], n_states, axis=-1)
    shape = n_units, count, n, n_states
    unit = np.zeros((2, *shape), wide.dtype)
    k = np.arange(n_units)
    unit[0, k, ..., k] = 1
    if cell.memory is not None:
        unit[1, k, ..., n_units + k] = 1
    dh, dc = unit.reshape(2, -1)
    record = wide.reshape(cell.n_local, -1)
    cell.back(*cell.back_operands(record, dh, dc, np.empty_like(dc)))
    blocks = record.reshape(cell.n_local, *shape)
    n_gates = cell.n_input + cell.n_full + cell.n_recurrent
    deltas = blocks[cell.first_delta : cell.first_delta + n_gates]
    g = deltas.transpose(2, 3, 4, 0, 1).reshape(count, n, n_states, -1)
    a = np.zeros((count, n, n_states, n_states), g.dtype)
    if weight_recurrent is not None:
        see_h = cell.n_input * n_units
        a[..., :n_units] = g[..., see_h:] @ weight_recurrent.T
    if cell.through is not None:
        a[..., :n_units] += blocks[cell.through].transpose(1, 2, 3, 0)
    if cell.kept is not None:
        a[..., n_units:] = blocks[cell.kept].transpose(1, 2, 3, 0)
    return a, g


def recurrent_tangent(cell, tape, n_steps, weight_recurrent, weight_x, dx):
    """Tangent of h after a forward pass with ``train=True``.

    At every step, or at the last alone, as the tape has it.

    Parameters
    ----------
    weight_recurrent : ndarray of shape (n_units, gates that see h * n_units) or None
    weight_x : ndarray of shape (n_in, gates that see x * n_units)
        In the order of the deltas.
    dx : ndarray of shape (n_steps, n, n_in, n_before) or None
        Tangent of the inputs with respect to parameters of layers before.

    Returns
    -------
    ndarray of shape (n_steps or 1, n, n_units, n_before + n_gates * n_units * n_rows)
        With respect to the parameters before, and to the kernel, in the layout of
        `Tape.d_kernel`.
    """
    n_units, n = tape.n_units, tape.n
    height = tape.s.shape[1]
    n_before = 0 if dx is None else dx.shape[3]
    n_kernel = len(tape.d_kernel) * height
    n_states = cell.n_states * n_units
    tangent = np.zeros((n, n_states, n_before + n_kernel), tape.dtype)
    n_found = n_steps if tape.every else 1
    found = np.empty((n_found, n, n_units, n_before + n_kernel), tape.dtype)
    for first, stop in tape.stretches(n_steps):
        a, g = transitions(cell, tape, first, stop, weight_recurrent)
        x_of = g[..., : weight_x.shape[1]] @ weight_x.T
        for k, t in enumerate(range(first, stop)):
            tangent = np.matmul(a[k], tangent)
            own = g[k][..., None] * tape.s[t].T[:, None, None, :]
            tangent[..., n_before:] += own.reshape(n, n_states, n_kernel)
            if n_before:
                tangent[..., :n_before] += np.matmul(x_of[k], dx[t])
            found[t if tape.every else 0] = tangent[:, :n_units]
    return found
