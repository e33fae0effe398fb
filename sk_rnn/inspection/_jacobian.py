"""The Jacobian of one step: how a state depends on the state before it."""

import numpy as np

from ..data._state import take
from ..data._steps import Steps

#: Length of the step along the imaginary axis. No difference is taken, so it may be so
#: short that the result is exact (Squire & Trapp, SIAM Review 40, 1998).
STEP = 1e-30

#: Numbers in the states of one pass.
NUMBERS = 2**20


def parts_of_state(state):
    """Which parts of a state are differentiable: not its counters."""
    return [k for k, part in enumerate(state) if part.dtype.kind == "f"]


def trajectory(layer, theta, x, state, n_last):
    """States before each of the last steps of one record, and its outputs.

    Parameters
    ----------
    layer : Layer
    theta : ndarray of shape (layer.size,)
    x : ndarray of shape (n_steps, layer.n_in)
    state : object or None
        Before the first step; None is a fresh start.
    n_last : int
        At most n_steps.

    Returns
    -------
    states : list of ndarray of shape (n_last, ...)
    y : ndarray of shape (n_steps, layer.n_out)
    """
    first, found, y = len(x) - n_last, [], []
    if first:
        steps = Steps([first])
        rows, state, _ = layer.forward(theta, x[:first], steps, steps, state)
        y.append(rows)
    one = Steps([1])
    for t in range(first, len(x)):
        found.append(state)
        rows, state, _ = layer.forward(theta, x[t : t + 1], one, one, state)
        y.append(rows)
    if found[0] is None:
        found[0] = layer.initial_state(theta, 1)
    states = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    return states, np.concatenate(y)


def step_jacobians(layer, theta, x, states):
    """Derivative of the state after a step with respect to the state before it.

    Parameters
    ----------
    layer : Layer
    theta : ndarray of shape (layer.size,)
    x : ndarray of shape (n, layer.n_in)
        Inputs of single steps.
    states : list of ndarray of shape (n, ...)
        The states before them.

    Returns
    -------
    ndarray of shape (n, n_state, n_state)
        Entry [t, i, j] is the derivative of number i after step t with respect to
        number j before it.
    """
    parts = parts_of_state(states)
    before = np.concatenate([states[k] for k in parts], axis=1)
    n, n_state = before.shape
    shifted = np.repeat(before[:, None], n_state, axis=1).astype(complex)
    k = np.arange(n_state)
    shifted[:, k, k] += 1j * STEP
    cuts = np.cumsum([states[k].shape[1] for k in parts])[:-1]
    pieces = np.split(shifted.reshape(-1, n_state), cuts, axis=1)
    repeated = [np.repeat(part, n_state, axis=0) for part in states]
    for k, piece in zip(parts, pieces, strict=True):
        repeated[k] = piece
    steps = Steps(np.ones(n * n_state, int))
    x = np.repeat(x, n_state, axis=0).astype(complex)
    _, after, _ = layer.forward(theta, x, steps, steps, repeated)
    after = np.concatenate([after[k] for k in parts], axis=1).imag / STEP
    return after.reshape(n, n_state, n_state).transpose(0, 2, 1)


def state_singular_values(layer, theta, x, state, n_last, n_values):
    """Largest singular values of the step Jacobian along the last steps of a record.

    Returns
    -------
    values : ndarray of shape (n_last, min(n_values, n_state))
        In falling order; nan where the Jacobian is not finite.
    y : ndarray of shape (n_steps, layer.n_out)
    """
    states, y = trajectory(layer, theta, x, state, n_last)
    x = x[len(x) - n_last :]
    n_state = sum(states[k].shape[1] for k in parts_of_state(states))
    values = np.full((n_last, min(n_values, n_state)), np.nan)
    if not values.size:
        return values, y
    size = max(1, NUMBERS // n_state**2)
    for first in range(0, n_last, size):
        part = np.arange(first, min(first + size, n_last))
        jacobians = step_jacobians(layer, theta, x[part], take(states, part))
        finite = np.isfinite(jacobians).all(axis=(1, 2))
        found = np.linalg.svd(jacobians[finite], compute_uv=False)
        values[part[finite]] = found[:, :n_values]
    return values, y
