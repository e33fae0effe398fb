"""Shapley values: exact for the linear model, sums of predictions for networks."""

import numpy as np
import pytest
from series import network

from sk_rnn import AutoRegressor
from sk_rnn.inspection import attribution

# matplotlib announces what will be deprecated to whoever imports shap.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 6))
Y = np.tanh(X @ [0, 0, 0.5, -1, 2, 1]) + 0.1 * RNG.standard_normal(200)
BACKGROUND, EXPLAINED = X[:40], X[40:48]


@pytest.fixture(scope="module")
def shap():
    pytest.importorskip("shap", reason="shap is not installed")
    import shap

    return shap


@pytest.mark.parametrize("kind", ["kernel", "linear", "chosen"])
def test_linear_model(shap, kind):
    """A coefficient times the distance from the mean of the background."""
    model = AutoRegressor().fit(X, Y)
    explainer = {
        "kernel": lambda: shap.KernelExplainer(model.predict, BACKGROUND),
        "linear": lambda: shap.LinearExplainer(model, BACKGROUND),
        "chosen": lambda: shap.Explainer(model, BACKGROUND),  # by coef_ and intercept_
    }[kind]()
    expected = (EXPLAINED - BACKGROUND.mean(axis=0)) * model.coef_
    np.testing.assert_allclose(
        explainer.shap_values(EXPLAINED), expected, rtol=1e-9, atol=1e-12
    )


def test_values_sum_to_the_prediction(shap):
    model = network(skip=None, alpha=1e-3).fit(X, Y)
    explainer = shap.KernelExplainer(model.predict, BACKGROUND)
    values = explainer.shap_values(EXPLAINED)  # all 62 coalitions: exact
    total = explainer.expected_value + values.sum(axis=1)
    np.testing.assert_allclose(total, model.predict(EXPLAINED), rtol=1e-9, atol=1e-9)
    # Large where the gradient is large: the newest three steps, not the first two.
    mean = abs(values).mean(axis=0)
    slope = abs(attribution(model, EXPLAINED)).mean(axis=0).ravel()[::-1]  # by lag
    assert set(np.argsort(mean)[-3:]) == set(np.argsort(slope)[-3:]) == {3, 4, 5}
    assert mean[:2].max() < 0.2 * mean[4]


def test_sequences_of_channels(shap):
    """A model of a 3-D array is probed with the same values as rows."""
    model = network(skip=None, alpha=1e-3).fit(X.reshape(200, 3, 2), Y)
    explainer = shap.KernelExplainer(model.predict, BACKGROUND)
    values = explainer.shap_values(EXPLAINED)
    total = explainer.expected_value + values.sum(axis=1)
    expected = model.predict(EXPLAINED.reshape(8, 3, 2))
    np.testing.assert_allclose(total, expected, rtol=1e-9, atol=1e-9)
