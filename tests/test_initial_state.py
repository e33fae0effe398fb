"""A learned initial state: where all sequences begin that nothing is known before.

Gradients and tangents of such layers are those of `test_layers.py`.
"""

import pickle

import numpy as np
import pytest
from estimators import SMALL
from helpers import assert_near
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.utils._param_validation import InvalidParameterError

import sk_rnn
from sk_rnn.inspection import attribution, gradient_flow
from sk_rnn.model_selection import backtest

NAMES = ["RNNRegressor", "GRURegressor", "LSTMRegressor"]
each = pytest.mark.parametrize("name", NAMES)
START = np.array([1.5, -1.0])

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}"
)


def system(lengths, seed=0):
    """Sequences of a tanh system of second order that all begin in START."""
    rng = np.random.default_rng(seed)
    A, b, c = np.array([[0.9, 0.3], [-0.3, 0.9]]), [0.3, 0.1], [1.0, 0.5]
    X, y = [], []
    for n in lengths:
        h, u, out = START, rng.standard_normal((n, 1)), []
        for u_t in u:
            h = np.tanh(A @ h + u_t * b)
            out.append(h @ c)
        X.append(u)
        y.append(np.array(out))
    return X, y


LENGTHS = [8, 5, 1, 7, 8, 3, 2, 6, 4, 8]


def make(name, **params):
    defaults = SMALL | {"hidden_layer_sizes": 3, "max_iter": 20}
    return getattr(sk_rnn, name)(initial_state="learned", **defaults | params)


def initial(model):
    return {k: v for k, v in model.weights_.items() if ".initial" in k}


def table(n=60, seed=0):
    u = np.random.default_rng(seed).standard_normal((n, 1))
    return u, 1 + np.convolve(u[:, 0], 0.7 ** np.arange(20))[:n]


# -------------------------------------------------------------------------- learning
@pytest.mark.parametrize("solver", ["lbfgs", "lm"])
def test_sequences_that_begin_alike_are_learnt_better(solver):
    """The network has the form of the system: with h_0 it is found, without not."""
    X, y = system([8] * 100)
    X_test, y_test = system([8] * 50, seed=1)
    errors = {}
    for kind in ("zero", "learned"):
        model = make("RNNRegressor", hidden_layer_sizes=2, solver=solver, max_iter=200)
        model.set_params(initial_state=kind, alpha=1e-6, tol=1e-9).fit(X, y)
        errors[kind] = 1 - model.score(X_test, y_test)
    assert errors["zero"] > 0.01 and errors["learned"] < 1e-4


@each
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "lm"])
def test_every_layer_has_one_of_each_state(name, solver):
    X, y = system(LENGTHS)
    model = make(name, hidden_layer_sizes=(3, 2), solver=solver, max_iter=3).fit(X, y)
    states = "hc" if name == "LSTMRegressor" else "h"
    found = {k: v.shape for k, v in initial(model).items()}
    assert found == {
        f"hidden{k}.initial_{s}": (n,) for k, n in enumerate((3, 2)) for s in states
    }
    assert all(v.all() for v in initial(model).values())  # they have left zero
    assert len(model.intercepts_) == sum("bias" in k for k in model.weights_)


@each
def test_they_start_at_zero_beside_the_same_weights(name):
    network = make(name)._build(1, 1, None)
    plain = make(name).set_params(initial_state="zero")._build(1, 1, None)
    thetas = [np.full(n.size, np.nan) for n in (network, plain)]
    for n, theta in zip((network, plain), thetas, strict=True):
        n.initialise(theta, np.random.RandomState(0))
    named, expected = network.views(thetas[0]), plain.views(thetas[1])
    assert list(expected) == [k for k in named if ".initial" not in k]
    for key, value in named.items():
        assert np.array_equal(value, expected.get(key, 0 * value))


def test_dropout_and_the_early_end_have_them_too():
    X, y = system(LENGTHS * 3)
    model = make("GRURegressor", solver="adam", dropout=0.2, early_stopping=True)
    model.fit(X, y)
    assert initial(model)["hidden0.initial_h"].all()


# ------------------------------------------------------------------ fresh, everywhere
def by_hand(model, u):
    """The outputs of one hidden layer for one sequence, in standard units."""
    w = {k.partition(".")[2]: v for k, v in model.weights_.items() if "hidden0" in k}
    h, c = w["initial_h"], w.get("initial_c")
    n, out = len(h), []

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    for x in u:
        z = x @ w["weight_input"] + w["bias"]
        if isinstance(model, sk_rnn.GRURegressor):
            U = w["weight_recurrent"]
            r, k = np.split(sigmoid(z[: 2 * n] + h @ U[:, : 2 * n]), 2)
            inner = h @ U[:, 2 * n :] + w["bias_recurrent"]
            h = (1 - k) * np.tanh(z[2 * n :] + r * inner) + k * h
        elif isinstance(model, sk_rnn.LSTMRegressor):
            z = z + h @ w["weight_recurrent"]
            o, i, f = np.split(sigmoid(z[: 3 * n]), 3)
            c = f * c + i * np.tanh(z[3 * n :])
            h = o * np.tanh(c)
        else:
            h = np.tanh(z + h @ w["weight_recurrent"])
        out.append(h @ model.weights_["output.weight"] + model.weights_["output.bias"])
    return np.array(out)[:, 0]


@each
def test_predictions_follow_the_equations_from_there(name):
    X, y = system(LENGTHS)
    model = make(name, standardize=False).fit(X, y)
    for u, out in zip(X, model.predict(X), strict=True):
        assert_near(out, by_hand(model, u), 1e-12)


@each
def test_windows_of_truncated_bptt_begin_there(name):
    """The loss is that of windows of 8 steps, each from the initial state."""
    u, y = table()
    model = make(name, standardize=False, alpha=0.0, bptt_steps=8).fit([u], [y])
    total = 0.0
    for first in range(0, 60 - 2, 6):
        window = slice(first, min(first + 8, 60))
        error = (by_hand(model, u[window]) - y[window])[2 if first else 0 :]
        total += 0.5 * (error**2).sum()
    assert model.loss_ == pytest.approx(total / 60, rel=1e-10)
    assert initial(model)["hidden0.initial_h"].all()


@each
@pytest.mark.parametrize("n_ensemble", [1, 2])
def test_steps_with_a_state_are_one_run(name, n_ensemble):
    u, y = table()
    model = make(name, time_axis=0, n_init=2, n_ensemble=n_ensemble).fit(u, y)
    whole, state, rows = model.predict(u), None, []
    state = model.warm_up(u[:1])
    for row in u[1:]:
        y_pred, state = model.predict(row[None], state=state, return_state=True)
        rows.append(y_pred)
    assert_near(np.concatenate(rows), whole[1:], 1e-12)
    # Behind the rows of fit it goes on; it does not begin again.
    more, _ = table(20, seed=1)
    goes_on = model.predict(more)
    both = model.set_params(carry_state=False).predict(np.concatenate([u, more]))
    assert_near(goes_on, both[60:], 1e-12)


@each
@pytest.mark.parametrize("n_ensemble", [1, 2])
def test_a_sequence_that_fit_did_not_see_begins_there(name, n_ensemble):
    u, y = table()
    ids = np.repeat([1.0, 2.0], 30)
    params = {"time_axis": 0, "sequence_column": 1, "n_init": 2}
    model = make(name, n_ensemble=n_ensemble, **params)
    model.fit(np.column_stack([u, ids]), y)
    more, _ = table(20, seed=1)
    new = np.column_stack([more, np.repeat([2.0, 3.0], 10)])
    found = model.predict(new)
    fresh = model.set_params(carry_state=False).predict(new)
    assert_near(found[10:], fresh[10:], 1e-12)
    assert np.abs(found[:10] - fresh[:10]).max() > 1e-6


def test_backtests_read_each_record_from_there():
    u, y = table()
    model, cv = make("LSTMRegressor", time_axis=0), TimeSeriesSplit(2, test_size=8)
    result, k = backtest(model, u, y, horizon=3, cv=cv), 0
    for train, test in cv.split(u):
        model.fit(u[train], y[train])
        for origin in test[:-2]:
            fresh = model.set_params(carry_state=False).predict(u[: origin + 3])
            assert_near(result.y_pred[k : k + 3], fresh[-3:], 1e-10)
            k += 3
    assert k == len(result.y)


def test_forecasts_of_windows_go_on_from_there():
    series = 1 + np.sin(0.4 * np.arange(200))
    X = np.lib.stride_tricks.sliding_window_view(series[:-1], 6)
    model = make("GRURegressor", standardize=False).fit(X, series[6:])
    steps, found = list(X[0]), []
    for _ in range(4):
        found.append(by_hand(model, np.array(steps)[:, None])[-1])
        steps.append(found[-1])
    assert_near(model.forecast(X[:1], 4)[0], np.array(found), 1e-10)


# ------------------------------------------------------------------------ precision
@each
def test_single_precision_stays_single(name):
    X, y = system(LENGTHS)
    model = make(name, hidden_layer_sizes=(3, 2), max_iter=3)
    double = model.fit(X, y).predict(X)
    model.fit([u.astype(np.float32) for u in X], y)
    single = model.predict([u.astype(np.float32) for u in X])
    assert {v.dtype for v in initial(model).values()} == {np.dtype(np.float32)}
    for one, two in zip(single, double, strict=True):
        assert one.dtype == np.float32
        assert_near(one, two, 1e-3)


# ------------------------------------------------------------------------ diagnostics
@each
@pytest.mark.parametrize("n_ensemble", [1, 2])
def test_attribution_is_the_derivative_of_predictions(name, n_ensemble):
    X, y = system([6] * 8)
    model = make(name, n_init=2, n_ensemble=n_ensemble).fit(X, y)
    gradient = attribution(model, X[:1])
    for lag in range(6):
        ends = []
        for shift in (1e-5, -1e-5):
            moved = X[0].copy()
            moved[5 - lag] += shift
            ends.append(model.predict([moved])[0][-1])
        numeric = (ends[0] - ends[1]) / 2e-5
        assert gradient[0, 0, lag, 0] == pytest.approx(numeric, abs=1e-8)


def test_the_first_step_jacobian_is_that_at_the_initial_state():
    X, y = system(LENGTHS)
    model = make("RNNRegressor", standardize=False).fit(X, y)
    w = model.weights_
    h = w["hidden0.initial_h"]
    U = w["hidden0.weight_recurrent"]
    flow = gradient_flow(model, X)
    for k, x in enumerate(X[0]):
        h = np.tanh(x @ w["hidden0.weight_input"] + h @ U + w["hidden0.bias"])
        expected = np.linalg.svd(np.diag(1 - h**2) @ U.T, compute_uv=False)
        assert_near(flow.singular_values[0, k], expected, 1e-12)


# --------------------------------------------------------------------- scikit-learn
def test_searches_pickles_and_warm_starts():
    X, y = system([8] * 24)
    X, y = np.array(X), np.array(y)[..., None]
    grid = {"initial_state": ["zero", "learned"]}
    model = make("RNNRegressor", hidden_layer_sizes=2, max_iter=200, alpha=1e-6)
    search = GridSearchCV(model, grid, cv=3).fit(X, y)
    assert search.best_params_ == {"initial_state": "learned"}
    model = search.best_estimator_
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X))
    loss, before = model.loss_, initial(model)["hidden0.initial_h"].copy()
    model.set_params(warm_start=True, max_iter=1).fit(X, y)
    assert model.loss_ <= loss
    assert_near(initial(model)["hidden0.initial_h"], before, 0.2)
    model.set_params(initial_state="zero")
    with pytest.raises(ValueError, match="the fitted model has 13 parameters.* 11"):
        model.fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def test_anything_else_is_refused():
    X, y = system(LENGTHS)
    with pytest.raises(InvalidParameterError, match="'initial_state' parameter.*among"):
        make("RNNRegressor").set_params(initial_state="random").fit(X, y)
