"""Gradient flow where the answer is known: linear recurrences, integrators, TDNN."""

import numpy as np
import pytest
from estimators import make
from flow_reference import PLAIN, fitted, records
from helpers import assert_near

from sk_rnn.inspection import gradient_flow


def rotation(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def linear(recurrence, U, n_steps=30, activation="identity"):
    """A linear recurrent model with recurrent weights U; records of such a length."""
    X = list(np.random.default_rng(1).standard_normal((5, n_steps, 1)))
    params = {"recurrence": recurrence, "activation": activation, **PLAIN}
    model = make("RNNRegressor", hidden_layer_sizes=4, **params)
    model.fit([x[:4] for x in X], np.arange(5.0))
    if recurrence != "integrator":
        theta = model._theta.copy()
        model._network.views(theta)["hidden0.weight_recurrent"][...] = U
        model._theta = theta
    return model, X


@pytest.mark.parametrize("gamma", [0.5, 0.97, 1.0, 1.3])
def test_linear_recurrence_with_scaled_rotation(gamma):
    U = gamma * rotation(4)
    model, X = linear("simple", U)
    flow = gradient_flow(model, X, n_targets=3, n_singular_values=9)
    first = np.linalg.norm(model.weights_["output.weight"])
    desired = first * gamma ** np.arange(30)
    assert_near(flow.delta_norm[0] / desired, np.ones(30), 1e-12)
    assert_near(flow.state_norm[0] / desired, np.ones(30), 1e-12)
    assert_near(flow.gamma, [gamma], 1e-12)
    assert_near(flow.state_gamma, [gamma], 1e-12)
    assert_near(flow.scale, [first], 1e-11)
    assert_near(flow.singular_values, np.full((1, 30, 4), gamma), 1e-12)


@pytest.mark.parametrize("recurrence", ["simple", "residual"])
def test_linear_recurrence_with_any_weights(recurrence):
    U = np.random.default_rng(0).standard_normal((4, 4)) / 3
    model, X = linear(recurrence, U)
    flow = gradient_flow(model, X, n_singular_values=4)
    A = U + (np.eye(4) if recurrence == "residual" else 0)
    back, desired = model.weights_["output.weight"][:, 0], []
    for _ in range(30):
        desired.append(np.linalg.norm(back))
        back = A @ back
    assert_near(flow.delta_norm[0] / desired, np.ones(30), 1e-12)
    values = np.linalg.svd(A, compute_uv=False)
    assert_near(flow.singular_values[0], np.tile(values, (30, 1)), 1e-12)


def test_gamma_is_the_dominant_eigenvalue_in_the_long_run():
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((4, 4))
    U = basis @ np.diag([0.9, 0.3, -0.2, 0.1]) @ np.linalg.inv(basis)
    model, X = linear("simple", U, n_steps=120)
    assert gradient_flow(model, X).gamma[0] == pytest.approx(0.9, abs=5e-3)


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_integrator_keeps_the_gradient(activation):
    model, X = linear("integrator", None, activation=activation)
    flow = gradient_flow(model, X)
    first = np.linalg.norm(model.weights_["output.weight"])
    assert_near(flow.state_norm, np.full((1, 30), first), 1e-12)
    assert_near(flow.state_gamma, [1.0], 1e-12)
    assert_near(flow.singular_values, np.ones((1, 30, 3)), 1e-12)
    if activation == "identity":
        assert_near(flow.delta_norm, np.full((1, 30), first), 1e-12)
        assert_near(flow.gamma, [1.0], 1e-12)


def test_tdnn_is_zero_beyond_its_reach():
    X, y = records((12, 9))
    model = fitted("tdnn", X, y)  # lags 2, 0, 1
    flow = gradient_flow(model, X)
    for layer, reach in ((0, 1), (1, 1)):
        assert (flow.delta_norm[layer, : reach + 1] > 0).all()
        assert (flow.delta_norm[layer, reach + 1 :] == 0).all()
        assert (flow.state_norm[layer, reach + 1 :] == 0).all()
    assert np.isnan(flow.gamma).all()  # one distance is no law


def test_zero_norms_are_left_out_of_the_fit():
    X, y = records((12, 9))
    model = make("TDNNRegressor", n_lags=(0, 6), **PLAIN).fit(X, y)
    flow = gradient_flow(model, X)
    slope = np.polyfit(np.arange(1, 7), np.log(flow.delta_norm[0, 1:7]), 1)[0]
    assert (flow.delta_norm[0, 7:] == 0).all()
    assert flow.gamma[0] == pytest.approx(np.exp(slope))


@pytest.mark.parametrize("gamma", [0.01, 100.0])
def test_norms_beyond_the_numbers(gamma):
    """What lies below or above the range of numbers does not spoil the rest."""
    model, X = linear("simple", gamma * np.eye(4), n_steps=200)
    with np.errstate(all="raise", under="ignore"):
        flow = gradient_flow(model, X, n_singular_values=0)
    first = np.linalg.norm(model.weights_["output.weight"])
    steps = np.arange(1, 150)
    desired = np.log(first) + steps * np.log(gamma)
    np.testing.assert_allclose(np.log(flow.delta_norm[0, 1:150]), desired, rtol=1e-10)
    last = flow.delta_norm[0, -1]
    assert last == 0 if gamma < 1 else not np.isfinite(last)
    assert flow.gamma[0] == pytest.approx(gamma)
