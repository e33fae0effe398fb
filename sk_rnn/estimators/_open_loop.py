"""The open loop of a NARX: measured outputs come in beside the inputs."""

import numpy as np

from .._warnings import quiet
from ..layers import Chain, Delay, Forward
from ..training._inference import infer


def open_loop(network, separate=False):
    """The network on rows [x | y], y being what is fed back.

    It has the same parameters as the closed loop. With `separate`, y has a column for
    each value that returns, to be delayed by its own lag.
    """
    delay, loop = network.layers
    taps = loop.taps
    if separate:
        taps = [(1, (lag,)) for lag in loop.returning[0].tolist()]
    return Chain({"delay": Delay(delay.taps + taps), "": loop.core})


def _state(network, parts):
    """State of the open loop with a column for each value that returns."""
    (inputs, loop_state), (_, loop) = parts, network.layers
    n, n_x, n_in = inputs.shape
    outputs = loop.outputs_before(loop_state.line)[:, ::-1]
    reach = max(n_x, loop.n_lags)
    rows = np.zeros((n, reach, n_in + loop.n_line), inputs.dtype)
    rows[:, reach - n_x :, :n_in] = inputs
    rows[:, reach - loop.n_lags :, n_in:] = outputs[..., loop.returning[1]]
    return [rows, None]


def rows_ahead(network, theta, x, y, records, parts, horizon):
    """Outputs predicted `horizon` steps ahead, from outputs y measured up to there.

    Parameters
    ----------
    network : Chain
        The closed loop.
    theta : ndarray
    x, y : ndarray of shape (n_rows, n_channels) and (n_rows, n_outputs)
        Standardised.
    records : Records
    parts : state of the closed loop before them
    horizon : int

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
    """
    _, loop = network.layers
    forward = Forward(open_loop(network, separate=True), theta)
    state = _state(network, parts)
    known = [y]  # known[j]: predictions j steps ahead
    # A horizon beyond the first step of a record is the free run. Without feedback,
    # every horizon is the first.
    longest = min(int(horizon), int(records.lengths.max())) if loop.n_lags else 1
    for ahead in range(1, longest + 1):
        fed_back = [
            known[max(ahead - lag, 0)][:, [output]]
            for lag, output in loop.returning.T.tolist()
        ]
        rows = np.concatenate([x, *fed_back], axis=1)
        with quiet():
            known.append(infer(forward, rows, records, state)[0])
        if ahead > loop.n_lags > 0:
            known[ahead - loop.n_lags] = None  # too old to be fed back again
    return known[-1]
