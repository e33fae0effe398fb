"""Gradient flow: against differences of plain loops, forms of data, errors."""

import copy
import pickle

import numpy as np
import pytest
from estimators import forms, make
from flow_reference import (
    MODELS,
    PLAIN,
    expected_norms,
    fitted,
    gates,
    layer_values,
    narx_values,
    parts,
    records,
    recurrent,
    recurrent_step,
    unroll,
)
from helpers import assert_near, central_difference, optional
from sklearn.exceptions import NotFittedError

from sk_rnn import AutoRegressor, NARXRegressor, RNNRegressor
from sk_rnn.data._steps import Steps
from sk_rnn.inspection import gradient_flow
from sk_rnn.layers import CELLS, Recurrent
from sk_rnn.numerics._workspace import Workspace

pd = optional("pandas")

each_model = pytest.mark.parametrize("name", MODELS)


# ---------------------------------------------------------------- against the reference
@each_model
def test_the_loop_here_is_the_model(name):
    X, y = records()
    model = fitted(name, X, y)
    for x, found in zip(X, model.predict(X), strict=True):
        assert_near(found, np.array(unroll(model, x)), 1e-13)


@each_model
@pytest.mark.parametrize("quantity", ["delta", "state"])
def test_norms_are_those_of_the_complex_step(name, quantity):
    X, y = records()
    model = fitted(name, X, y)
    flow = gradient_flow(model, X)
    pairs = [(k, len(x) - 1) for k, x in enumerate(X)]
    assert flow.layers == ["hidden0", "hidden1"]
    assert flow.distance.tolist() == list(range(8))
    assert flow.n_pairs.tolist() == [4, 4, 4, 3, 2, 2, 1, 1]
    for layer in (0, 1):
        desired = expected_norms(
            *(model, X, pairs, [np.sum] * len(pairs), layer, quantity)
        )
        assert_near(flow[f"{quantity}_norm"][layer], desired, 1e-12)


@each_model
@pytest.mark.parametrize("quantity", ["delta", "state"])
def test_norms_are_those_of_central_differences_of_the_loss(name, quantity):
    X, y = records((5, 3))
    model = fitted(name, X, y)
    flow = gradient_flow(model, X, y, n_targets=10)
    pairs = [(k, t) for k, x in enumerate(X) for t in range(len(x))]
    losses = [lambda o, r=y[k][t]: 0.5 * ((o - r) ** 2).sum() for k, t in pairs]
    for layer in (0, 1):
        desired = expected_norms(
            *(model, X, pairs, losses, layer, quantity), gradient=central_difference
        )
        assert_near(flow[f"{quantity}_norm"][layer], desired, 1e-7)


@pytest.mark.parametrize("loss", ["huber", "quantile", "absolute_error"])
def test_loss_is_that_of_the_estimator_in_standard_units(loss):
    X, y = records((7, 5, 6), n_outputs=1)
    y = [50 + 9 * part[:, 0] for part in y]
    model = fitted("gru", X, y, loss=loss, standardize=True, huber_delta=0.3)
    mean, std = model._y_scaler.mean, model._y_scaler.scale
    slopes = {
        "huber": lambda r: np.clip(r, -0.3, 0.3),
        "quantile": lambda r: np.where(r < 0, -0.5, 0.5),
        "absolute_error": np.sign,
    }
    scaled = [(x - model._x_scaler.mean) / model._x_scaler.scale for x in X]
    pairs = [(k, len(x) - 1) for k, x in enumerate(X)]
    losses = []
    for k, t in pairs:
        residual = unroll(model, scaled[k])[t] - (y[k][t] - mean) / std
        slope = slopes[loss](residual)
        losses.append(lambda o, s=slope: (s * o).sum())
    desired = expected_norms(model, scaled, pairs, losses, 0, "delta")
    assert_near(gradient_flow(model, X, y).delta_norm[0], desired, 1e-12)


@each_model
def test_singular_values_are_those_of_the_jacobian_by_differences(name):
    """For stacked layers by the impulse in h; for the LSTM see the next test."""
    X, y = records()
    model = fitted(name, X, y)
    found = gradient_flow(model, X, n_singular_values=2).singular_values
    if name == "tdnn":
        assert found.shape == (0, 6, 0)
        return
    if name.startswith("narx"):
        assert found.shape == (1, 6, 2)
        for t in range(6):
            assert_near(found[0, t], narx_values(model, X[0], t)[:2], 1e-7)
        return
    assert found.shape == (2, 6, 2)
    assert (found[..., 0] >= found[..., 1]).all() and np.isfinite(found).all()
    w, x, states = parts(model), X[0], None
    for layer in (0, 1):
        p = w[f"hidden{layer}"]
        n = len(p["bias"]) // gates(model)
        states = [np.zeros(n)] * (2 if name == "lstm" else 1)
        outputs = []
        for t, a in enumerate(x):
            desired = layer_values(model, p, a, states)
            assert_near(found[layer, t], desired[:2], 1e-7)
            zero = np.zeros(gates(model) * n), np.zeros(n)
            states = list(recurrent_step(model, p, a, states, *zero))
            outputs.append(states[0])
        x = outputs


# ------------------------------------------------------------------------ data and form
def test_every_form_of_the_data():
    for kind, (X, y, params) in forms(n_outputs=2).items():
        for name in ("LSTMRegressor", "TDNNRegressor", "NARXRegressor"):
            params = {"lags": False} | params
            model = make(name, **params).fit(X, y)
            flow = gradient_flow(model, X, y)
            assert np.isfinite(flow.delta_norm).all(), kind
            assert flow.delta_norm.shape == (1, len(flow.distance)), kind


def test_all_forms_of_the_same_records_give_the_same():
    rng = np.random.default_rng(0)
    cube, y = rng.standard_normal((6, 8, 2)), rng.standard_normal(6)
    model = make("GRURegressor", **PLAIN).fit(cube, y)
    desired = gradient_flow(model, cube, y, n_targets=1)
    rows = make("GRURegressor", n_channels=2, **PLAIN)
    rows.fit(cube.reshape(6, 16), y)
    per_row = np.repeat(y, 8)
    table = np.column_stack([cube.reshape(48, 2), np.repeat(np.arange(6), 8)])
    as_table = make("GRURegressor", time_axis=0, sequence_column=2, **PLAIN)
    as_table.fit(table, per_row)
    rows._theta = as_table._theta = model._theta
    for other, X, targets in (
        (model, list(cube), y),
        (rows, cube.reshape(6, 16), y),
        (as_table, table, per_row),
    ):
        flow = gradient_flow(other, X, targets)
        for key in ("delta_norm", "state_norm", "gamma", "singular_values"):
            assert_near(flow[key], desired[key], 1e-12)


def test_data_frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((40, 2)), columns=["u", "v"])
    y = frame["u"] - frame["v"]
    model = make("LSTMRegressor", time_axis=0).fit(frame, y)
    flow = gradient_flow(model, frame, y, n_targets=4, max_distance=6)
    array = frame.to_numpy()
    again = make("LSTMRegressor", time_axis=0).fit(array, y.to_numpy())
    desired = gradient_flow(again, array, y.to_numpy(), n_targets=4).delta_norm
    assert flow.n_pairs.tolist() == [4] * 7
    assert_near(flow.delta_norm, desired[:, :7], 1e-12)


@pytest.mark.parametrize("name", ["GRURegressor", "NARXRegressor", "TDNNRegressor"])
def test_a_table_goes_on_from_the_training_rows_as_predict_does(name):
    X, y, params = forms()["table"]
    model = make(name, **params).fit(X[:40], y[:40])
    flow = gradient_flow(model, X[40:45], max_distance=2)
    model._end = None
    fresh = gradient_flow(model, X[40:45], max_distance=2)
    whole = gradient_flow(model, X[:45], max_distance=2)
    if name == "NARXRegressor":  # goes on from measured outputs, here from its own
        assert not np.array_equal(flow.delta_norm, fresh.delta_norm)
        return
    assert name == "TDNNRegressor" or flow.gamma != fresh.gamma
    for key in ("delta_norm", "state_norm", "singular_values"):
        assert_near(flow[key], whole[key], 1e-12)


@pytest.mark.parametrize("name", ["RNNRegressor", "GRURegressor", "LSTMRegressor"])
def test_one_record_one_unit_one_step(name):
    X, y = np.ones((1, 1)), np.ones(1)
    model = make(name, hidden_layer_sizes=1).fit(X, y)
    flow = gradient_flow(model, X, y)
    assert flow.delta_norm.shape == flow.state_norm.shape == (1, 1)
    assert flow.singular_values.shape == (1, 1, 1 + (name == "LSTMRegressor"))
    assert np.isnan(flow.gamma).all()


@each_model
def test_max_distance_cuts_and_changes_nothing_else(name):
    X, y = records()
    model = fitted(name, X, y)
    whole = gradient_flow(model, X, y, n_targets=3)
    part = gradient_flow(model, X, y, n_targets=3, max_distance=3)
    assert part.distance.tolist() == [0, 1, 2, 3]
    assert_near(part.delta_norm, whole.delta_norm[:, :4], 1e-13)
    assert_near(part.state_norm, whole.state_norm[:, :4], 1e-13)
    assert np.array_equal(part.n_pairs, whole.n_pairs[:4])
    assert_near(part.singular_values, whole.singular_values[:, -4:], 1e-13)


@pytest.mark.parametrize("washout", [0, 2])
def test_targets_are_evenly_spaced_and_spare_the_washout(washout):
    X, y = records((9, 4, 2))
    model = fitted("gru", X, y, washout=washout)
    seen = {0: [2, 5, 8], 2: [4, 6, 8]}[washout]
    pairs = [(0, t) for t in seen]
    pairs += {0: [(1, 1), (1, 2), (1, 3), (2, 0), (2, 1)], 2: [(1, 2), (1, 3)]}[washout]
    flow = gradient_flow(model, X, n_targets=3)
    desired = expected_norms(model, X, pairs, [np.sum] * len(pairs), 0, "delta")
    assert flow.n_pairs[0] == len(pairs)
    assert_near(flow.delta_norm[0], desired, 1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_single_precision_is_computed_in_double(name):
    X, y = records()
    single = [x.astype(np.float32) for x in X], [v.astype(np.float32) for v in y]
    model = MODELS[name]().set_params(standardize=True).fit(*single)
    assert model._theta.dtype == np.float32
    double = copy.deepcopy(model)
    double._theta = model._theta.astype(float)
    X = [x.astype(float) for x in single[0]]
    flow, desired = gradient_flow(model, single[0]), gradient_flow(double, X)
    assert flow.delta_norm.dtype == np.float64
    for key in ("delta_norm", "state_norm", "singular_values"):
        assert_near(flow[key], desired[key], 1e-12)


@each_model
def test_the_estimator_stays_as_it_was(name):
    X, y = records()
    model = fitted(name, X, y)
    before = pickle.dumps(model)
    gradient_flow(model, X, y, n_targets=3)
    assert pickle.dumps(model) == before


def test_dropout_rests_and_draws_nothing():
    X, y = records()
    model = recurrent("GRURegressor", solver="adam", dropout=0.5).fit(X, y)
    before = pickle.dumps(model)
    flow = gradient_flow(model, X)
    assert pickle.dumps(model) == before
    without = recurrent("GRURegressor").fit(X, y)
    without._theta = model._theta
    desired = gradient_flow(without, X)
    assert np.array_equal(flow.delta_norm, desired.delta_norm)
    assert np.array_equal(flow.singular_values, desired.singular_values)


@pytest.mark.parametrize("name", CELLS)
def test_deltas_of_any_cell_sum_to_the_gradient_of_its_biases(name):
    """Also of cells to come, for which nobody wrote a loop above."""
    rng, steps = np.random.default_rng(0), Steps([7, 5, 5, 1])
    layer = Recurrent(CELLS[name](), 2, 3)
    theta, dtheta = rng.standard_normal(layer.size), np.zeros(layer.size)
    x, dy = (rng.standard_normal((steps.n_rows, n)) for n in (2, 3))
    _, _, cache = layer.forward(theta, x, steps, steps, workspace=Workspace())
    layer.backward(theta, dy.copy(), cache, dtheta)
    ((dz, dh),) = layer.unit_gradients(theta, dy, cache)
    assert_near(dz.sum(axis=0), layer.views(dtheta)["bias"], 1e-13)
    assert_near(dh[steps.ends], dy[steps.ends], 1e-14)


# ------------------------------------------------------------------------------ errors
def test_only_networks():
    X = np.random.default_rng(0).standard_normal((20, 5))
    with pytest.raises(TypeError, match="hidden layers.*AutoRegressor"):
        gradient_flow(AutoRegressor().fit(X, X[:, 0]), X)
    with pytest.raises(NotFittedError):
        gradient_flow(RNNRegressor(), X)
    model = NARXRegressor(hidden_layer_sizes=(), n_input_lags=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="no hidden layer"):
        gradient_flow(model, X)


def test_bad_arguments():
    X = np.random.default_rng(0).standard_normal((20, 5))
    model = make("RNNRegressor").fit(X, X[:, 0])
    for name, value in (
        ("max_distance", -1),
        ("n_targets", 0),
        ("n_targets", 1.5),
        ("n_singular_values", -1),
    ):
        with pytest.raises(ValueError, match=name):
            gradient_flow(model, X, **{name: value})
    with pytest.raises(ValueError, match="n_targets=2"):
        gradient_flow(model, X, X[:, 0], n_targets=2)
    with pytest.raises(ValueError, match="y has 2 output"):
        gradient_flow(model, X, X[:, :2])
    with pytest.raises(ValueError, match="washout=5"):
        gradient_flow(model.set_params(washout=5), X)
