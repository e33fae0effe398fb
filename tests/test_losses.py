"""Losses: their slope is their derivative, and they are minimal where they should."""

from dataclasses import fields

import numpy as np
import pytest
from scipy.optimize import brentq

from sk_rnn.estimators._network import NetworkRegressor
from sk_rnn.training._losses import LOSSES

SETTINGS = {
    "huber": [{"huber_delta": 0.3}, {"huber_delta": 2.0}],
    "quantile": [{"quantile": 0.1}, {"quantile": 0.5}, {"quantile": 0.85}],
}
CASES = [
    pytest.param(name, setting, id=f"{name}-{setting}")
    for name in LOSSES
    for setting in SETTINGS.get(name, [{}])
]
each_loss = pytest.mark.parametrize("name, setting", CASES)


def residuals(seed=0):
    return 2 * np.random.RandomState(seed).standard_normal((200, 2))


def _of_residuals(loss, r):
    """Value and slope of a single output."""
    y = np.linspace(1, 2, len(r))[:, None]
    y_pred = y + r[:, None]
    r[...] = (y_pred - y)[:, 0]
    return loss.value(y_pred, y), loss.gradient(y_pred, y)[:, 0]


def minimiser(loss, y):
    """The constant that minimises the mean loss: where the mean slope changes sign."""

    def slope(m):
        return loss.gradient(np.full((len(y), 1), m), y[:, None]).mean()

    return brentq(slope, y.min() - 1, y.max() + 1, xtol=1e-13)


@each_loss
def test_slope_is_the_derivative(name, setting):
    loss, r = LOSSES[name](**setting), residuals()
    y = residuals(1)
    y_pred, gradient = y + r, loss.gradient(y + r, y)
    for k in range(y.shape[1]):
        step = np.eye(y.shape[1])[k]
        complex_step = loss.value(y_pred + 1e-30j * step, y).imag / 1e-30
        np.testing.assert_allclose(gradient[:, k], complex_step, rtol=1e-14)
        ends = [loss.value(y_pred + sign * 1e-6 * step, y) for sign in (1, -1)]
        central = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(gradient[:, k], central, rtol=1e-6, atol=1e-8)


@each_loss
def test_loss_is_convex_and_zero_at_zero_alone(name, setting):
    loss = LOSSES[name](**setting)
    r = np.linspace(-5, 5, 1001)
    value, slope = _of_residuals(loss, r)
    assert loss.value(np.ones((1, 2)), np.ones((1, 2))) == 0
    assert (value[r != 0] > 0).all()
    assert (np.diff(slope) >= 0).all()
    # Continuous: no piece jumps away from its neighbour.
    assert np.abs(np.diff(value)).max() <= np.abs(slope).max() * 0.01 * (1 + 1e-9)


@each_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(name, setting, dtype):
    loss, r = LOSSES[name](**setting), residuals().astype(dtype)
    before = r.copy()
    y = np.zeros_like(r)
    assert loss.value(r, y).dtype == loss.gradient(r, y).dtype == dtype
    assert np.array_equal(r, before) and not y.any()


def test_squared_error_is_least_at_the_mean():
    y = residuals(1)[:, 0]
    assert minimiser(LOSSES["squared_error"](), y) == pytest.approx(y.mean())


def test_absolute_error_is_least_at_the_median():
    y = residuals(1)[:101, 0]
    assert minimiser(LOSSES["absolute_error"](), y) == pytest.approx(np.median(y))


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.9])
def test_quantile_loss_is_least_at_the_quantile(quantile):
    y = residuals(1)[:101, 0]  # 101 * quantile is no integer: one minimiser
    found = minimiser(LOSSES["quantile"](quantile), y)
    expected = np.quantile(y, quantile, method="inverted_cdf")
    assert found == pytest.approx(expected)
    share_below = (y < found - 1e-9).mean()
    assert share_below <= quantile <= share_below + 1 / 101


def test_median_is_the_half_quantile():
    r = residuals()
    median, half = LOSSES["absolute_error"](), LOSSES["quantile"](0.5)
    y = np.zeros_like(r)
    np.testing.assert_allclose(half.value(r, y), 0.5 * median.value(r, y), rtol=1e-15)


def test_huber_lies_between_mean_and_median():
    y = np.append(residuals(1)[:100, 0], 1e3)  # with an outlier
    assert minimiser(LOSSES["huber"](1e6), y) == pytest.approx(y.mean())
    assert minimiser(LOSSES["huber"](1e-9), y) == pytest.approx(np.median(y), abs=1e-8)
    delta = 1.35
    found = minimiser(LOSSES["huber"](delta), y)
    # Huber's estimating equation: the clipped residuals sum to zero.
    assert np.clip(y - found, -delta, delta).sum() == pytest.approx(0, abs=1e-9)
    assert abs(found - np.median(y)) < 1 < y.mean()


@pytest.mark.parametrize("name", LOSSES)
def test_hyper_parameters_are_those_of_the_estimators(name):
    defaults = {field.name: field.default for field in fields(NetworkRegressor)}
    for field in fields(LOSSES[name]):
        assert field.default == defaults[field.name]
        constraint = LOSSES[name].constraints[field.name]
        assert NetworkRegressor._parameter_constraints[field.name] == constraint


@each_loss
def test_what_has_residuals_is_half_their_square(name, setting):
    loss, y = LOSSES[name](**setting), residuals(1)
    if loss.residual is None:
        return
    r = loss.residual(y + residuals(), y)
    expected = loss.value(y + residuals(), y)
    np.testing.assert_allclose(0.5 * (r * r).sum(axis=1), expected, rtol=1e-14)
