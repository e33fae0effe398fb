"""RNN, GRU and LSTM against torch, with the same weights.

torch has the gates of an LSTM in the order i, f, g, o (here: o, i, f, g) and those of a
GRU in the order r, z, n (here too); weights of shape (gates, inputs) (here transposed);
and two biases everywhere (here only where they are not merely added).
"""

import numpy as np
import pytest
import torch_reference
from helpers import assert_near
from torch_reference import KINDS, LENGTHS, inputs, reference

from sk_rnn.data._steps import Steps
from sk_rnn.layers import CELLS, Chain, Recurrent
from sk_rnn.numerics._workspace import Workspace

CELL_OF = {"RNN": "simple", "GRU": "gru", "LSTM": "lstm"}
ORDER = {"RNN": [0], "GRU": [0, 1, 2], "LSTM": [3, 0, 1, 2]}  # torch's, in our order

each_kind = pytest.mark.parametrize("kind", KINDS)


def gates(array, kind):
    """Blocks of gates along the first axis, in our order."""
    blocks = np.split(array, len(ORDER[kind]))
    return np.concatenate([blocks[k] for k in ORDER[kind]])


def our_weights(arrays, kind):
    """torch's weights by our names."""
    named = {}
    for layer in (0, 1):
        w_in, w_rec, b_in, b_rec = (
            gates(arrays[f"{part}_l{layer}"], kind)
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        named[f"{layer}.weight_input"] = w_in.T
        named[f"{layer}.weight_recurrent"] = w_rec.T
        if kind == "GRU":
            inner = slice(2 * (len(b_in) // 3), None)  # the bias inside the reset gate
            named[f"{layer}.bias_recurrent"] = b_rec[inner].copy()
            b_rec = b_rec.copy()
            b_rec[inner] = 0
        named[f"{layer}.bias"] = b_in + b_rec
    return named


def our_gradients(results, kind):
    """torch's gradients by our names; those of both biases are the same."""
    named = {}
    for layer in (0, 1):
        parts = {
            part: gates(results[f"d_{part}_l{layer}"], kind)
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        named[f"{layer}.weight_input"] = parts["weight_ih"].T
        named[f"{layer}.weight_recurrent"] = parts["weight_hh"].T
        named[f"{layer}.bias"] = parts["bias_ih"]
        if kind == "GRU":
            n_units = len(parts["bias_hh"]) // 3
            named[f"{layer}.bias_recurrent"] = parts["bias_hh"][2 * n_units :]
    return named


def check(kind, lengths, arrays, results, tolerance=1e-10):
    """Run our layers on torch's weights; compare outputs and all gradients."""
    n_in, n_units = arrays["x"].shape[1], arrays["dy"].shape[1]
    network = Chain(
        {
            "0": Recurrent(CELLS[CELL_OF[kind]](), n_in, n_units),
            "1": Recurrent(CELLS[CELL_OF[kind]](), n_units, n_units),
        }
    )
    theta = np.full(network.size, np.nan)
    named = our_weights(arrays, kind)
    assert set(named) == set(network.shapes)
    for name, view in network.views(theta).items():
        view[...] = named[name]
    steps = Steps(lengths)
    rows = steps.packing(np.cumsum(lengths) - lengths)
    x, dy = arrays["x"][rows], arrays["dy"][rows]
    inference, _, _ = network.forward(theta, x, steps, steps)
    y, _, cache = network.forward(theta, x, steps, steps, workspace=Workspace())
    dtheta = np.zeros_like(theta)
    dx = network.backward(theta, dy, cache, dtheta)
    assert_near(inference, results["y"][rows], tolerance)
    assert_near(y, results["y"][rows], tolerance)
    assert_near(dx, results["d_x"][rows], tolerance)
    expected = our_gradients(results, kind)
    for name, gradient in network.views(dtheta).items():
        assert_near(gradient, expected[name], tolerance)


@pytest.fixture(scope="module")
def stored():
    with np.load(torch_reference.PATH) as archive:
        return dict(archive)


def stored_case(stored, kind, case):
    prefix = f"{kind}/{case}/"
    return {
        key.removeprefix(prefix): values
        for key, values in stored.items()
        if key.startswith(prefix)
    }


@each_kind
@pytest.mark.parametrize("case", LENGTHS)
def test_same_as_torch_stored(stored, kind, case):
    arrays = stored_case(stored, kind, case)
    check(kind, LENGTHS[case], arrays, arrays)


def import_torch():
    return pytest.importorskip(
        "torch", reason="torch is not installed; its stored results were compared"
    )


@each_kind
@pytest.mark.parametrize("case", LENGTHS)
def test_stored_results_are_those_of_the_script(stored, kind, case):
    import_torch()
    arrays = inputs(kind, LENGTHS[case])
    found = arrays | reference(kind, LENGTHS[case], arrays)
    expected = stored_case(stored, kind, case)
    assert set(found) == set(expected)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-12, atol=1e-13)


@each_kind
@pytest.mark.parametrize("lengths", [(30, 30, 17, 2), (80,)], ids=str)
def test_same_as_torch_live(kind, lengths):
    import_torch()
    arrays = inputs(kind, lengths, n_in=2, n_units=7, seed=1)
    check(kind, lengths, arrays, reference(kind, lengths, arrays))
