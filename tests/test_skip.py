"""A linear path beside a network: it begins at the linear solution, and goes on."""

import pickle

import numpy as np
import pytest
from estimators import SMALL, forms
from helpers import assert_near
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

import sk_rnn
from sk_rnn import AutoRegressor, GRURegressor, TDNNRegressor
from sk_rnn.inspection import attribution, gradient_flow
from sk_rnn.training._objective import penalised

NAMES = ["TDNNRegressor", "RNNRegressor", "GRURegressor", "LSTMRegressor"]
each = pytest.mark.parametrize("name", NAMES)
each_form = pytest.mark.parametrize("form", forms())

#: One step that is too short to be one: the parameters are those of the start.
AT_START = {"solver": "adam", "learning_rate_init": 1e-30, "max_iter": 1, "tol": 0}


def make(name, n_lags=2, **params):
    lags = "n_lags" if name == "TDNNRegressor" else "skip_lags"
    params = (
        SMALL
        | {"hidden_layer_sizes": 3, "max_iter": 10}
        | {"skip": "linear", lags: n_lags}
        | params
    )
    return getattr(sk_rnn, name)(**params)


def flat(y):
    return np.concatenate([np.ravel(part) for part in y])


def data(form, n_outputs=1):
    X, y, params = forms(n_outputs)[form]
    return X, y, {key: value for key, value in params.items() if key != "lags"}


def series(n, rng, strength=0.1):
    """An AR(2) with a bend, by default a slight one."""
    y = np.zeros(n + 50)
    for t in range(3, n + 50):
        bend = strength * np.tanh(2 * y[t - 3]) * np.cos(y[t - 1])
        y[t] = 1.2 * y[t - 1] - 0.5 * y[t - 2] + bend + rng.standard_normal()
    return y[50:, None]


# ------------------------------------------------------------------------- the start
@each
@each_form
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_it_begins_at_the_linear_solution(name, form, n_outputs):
    X, y, params = data(form, n_outputs)
    model = make(name, **AT_START, **params).fit(X, y)
    linear = AutoRegressor(n_lags=3, **params).fit(X, y)
    coef = linear.lag_coef_ * linear._x_scaler.scale / linear._y_scaler.scale[:, None]
    found = model.weights_["output.skip"].reshape(3, -1, n_outputs)
    assert_near(found.transpose(0, 2, 1), coef, 1e-8)
    y_pred, expected = flat(model.predict(X)), flat(linear.predict(X))
    assert_near(y_pred, expected, 1e-8)


@each
def test_weights_count(name):
    X, y, params = data("rows")
    weight = np.random.default_rng(1).uniform(size=len(X))
    model = make(name, 5, **AT_START, **params).fit(X, y, weight)
    # More columns than rows: the smallest of the exact solutions.
    assert_near(model.predict(X), y, 1e-10)
    weight[::3] = 0
    model = make(name, 0, **AT_START, **params).fit(X, y, weight)
    linear = LinearRegression().fit(X[:, -2:], y, weight)
    assert_near(model.predict(X), linear.predict(X[:, -2:]), 1e-10)


def test_each_output_begins_with_what_was_observed_of_it():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    y = X @ rng.standard_normal((4, 2)) + rng.standard_normal((60, 2))
    y[::3, 0], y[1::4, 1] = np.nan, np.nan
    params = {"missing_targets": "ignore", "n_channels": 1}
    y_pred = make("GRURegressor", 3, **AT_START, **params).fit(X, y).predict(X)
    for k in range(2):
        seen = ~np.isnan(y[:, k])
        linear = LinearRegression().fit(X[seen], y[seen, k])
        assert_near(y_pred[:, k], linear.predict(X), 1e-10)


@each
def test_all_starts_begin_there_and_members_are_averaged(name):
    X, y, params = data("table")
    more = {"n_init": 3, "n_ensemble": 2, "washout": 3}
    model = make(name, **AT_START, **params, **more).fit(X, y)
    linear = AutoRegressor(n_lags=3, washout=3, **params).fit(X, y)
    assert_near(model.predict(X), linear.predict(X), 1e-10)
    members = [w for key, w in model.weights_.items() if key.endswith("output.skip")]
    assert len(members) == 2 and np.array_equal(*members)
    hidden = [w for key, w in model.weights_.items() if "hidden0.weight" in key]
    assert not np.array_equal(hidden[0], hidden[len(hidden) // 2])


@each
@pytest.mark.parametrize("form", ["rows", "list, y per step", "table"])
def test_the_start_is_kept_where_nothing_validates_better(name, form):
    X, y, params = data(form)
    stop = {"early_stopping": True, "validation_fraction": 0.3} | params
    begun = make(name, **AT_START | stop).fit(X, y)
    wild = {"solver": "adam", "learning_rate_init": 3.0, "max_iter": 3}
    model = make(name, **wild, **stop).fit(X, y)
    assert min(model.validation_loss_curve_) > begun.restarts_[0]["validation_loss"]
    assert_near(flat(model.predict(X)), flat(begun.predict(X)), 1e-12)
    # What is held out has no part in it.
    other = y.copy()
    if form == "table":
        other[-10:] += 1
        begun.set_params(standardize=False).fit(X, y)
        again = make(name, **AT_START | stop, standardize=False).fit(X, other)
        assert_near(again._theta, begun._theta, 1e-12)


def test_warm_start_goes_on():
    X, y, params = data("rows")
    model = make("GRURegressor", warm_start=True, alpha=0.1, **params).fit(X, y)
    before = model.weights_["output.skip"].copy()
    model.set_params(solver="adam", learning_rate_init=1e-30, max_iter=1).fit(X, y)
    assert np.array_equal(model.weights_["output.skip"], before)


# ------------------------------------------------------------------------- training
@each
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "lm"])
def test_training_goes_on_from_there(name, solver):
    X, y, params = data("rows")
    y = y + 0.5 * X[:, -1] * X[:, -2]
    begun = make(name, alpha=0, **AT_START, **params).fit(X, y)
    model = make(name, alpha=0, solver=solver, **params).fit(X, y)
    assert model.loss_ < begun.loss_
    assert np.ptp(model.predict(X) - begun.predict(X)) > 0


@each
def test_the_penalty_spares_the_path(name):
    X, y, params = data("rows")
    model = make(name, **params).fit(X, y)
    mask = model._network.views(penalised(model._network))
    spared = {key for key, part in mask.items() if not part.all()}
    assert spared == {key for key in mask if "bias" in key or key == "output.skip"}
    assert not mask["output.skip"].any()
    model.set_params(alpha=1e6, max_iter=100).fit(X, y)
    linear = AutoRegressor(n_lags=3, **params).fit(X, y)
    assert_near(model.predict(X), linear.predict(X), 1e-4)


@pytest.mark.parametrize("name", ["TDNNRegressor", "GRURegressor"])
def test_nearly_linear_series_are_predicted_at_least_as_well(name):
    errors = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        past, future = series(120, rng), series(2000, rng)
        params = {"alpha": 10.0, "hidden_layer_sizes": 8, "max_iter": 100}
        fresh = {"time_axis": 0, "carry_state": False, "washout": 3}
        models = [
            AutoRegressor(n_lags=4, **fresh),
            make(name, 3, **params, **fresh),
            make(name, 3, skip=None, **params, **fresh),
        ]
        for model in models:
            y_pred = model.fit(past[:-1], past[1:, 0]).predict(future[:-1])
            errors.append(np.mean((y_pred - future[1:, 0]) ** 2))
    linear, with_path, without = np.reshape(errors, (5, 3)).T
    assert (with_path <= 1.02 * linear).all()
    assert (with_path < 0.97 * without).all()


@pytest.mark.parametrize("solver", ["lbfgs", "lm"])
def test_what_is_not_linear_is_learnt_beside_it(solver):
    rng = np.random.default_rng(0)
    past, future = (series(n, rng, strength=2.0) for n in (800, 2000))
    fresh = {"time_axis": 0, "carry_state": False, "washout": 3}
    linear = AutoRegressor(n_lags=4, **fresh).fit(past[:-1], past[1:, 0])
    params = {"hidden_layer_sizes": 6, "max_iter": 100, "solver": solver, "alpha": 1.0}
    model = make("TDNNRegressor", 3, **params, **fresh).fit(past[:-1], past[1:, 0])
    errors = [
        np.mean((one.predict(future[:-1]) - future[1:, 0]) ** 2)
        for one in (model, linear)
    ]
    assert errors[0] < 0.8 * errors[1]


# ------------------------------------------------------------------------- the forms
@each
@each_form
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_forms_and_precisions(name, form, dtype):
    X, y, params = data(form, 2)
    X = [x.astype(dtype) for x in X] if isinstance(X, list) else X.astype(dtype)
    model = make(name, **params).fit(X, y)
    assert {w.dtype for w in model.weights_.values()} == {np.dtype(dtype)}
    assert list(model.weights_)[-1] == "output.skip"
    assert model.weights_["output.skip"].shape == (3 * 2, 2)
    y_pred = flat(model.predict(X))
    assert y_pred.dtype == dtype
    assert y_pred.shape == flat(y).shape
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(flat(again.predict(X)), y_pred)


@each
def test_one_step_one_channel_one_sample(name):
    model = make(name, 0).fit([[1.0]], [2.0])
    assert_near(model.predict([[1.0]]), [2.0], 1e-12)


@each
def test_rows_one_by_one_are_the_block(name):
    X, y, params = data("table")
    model = make(name, **params).fit(X[:40], y[:40])
    block = model.predict(X[40:])
    state, found = model.warm_up(X[:40]), []
    for row in X[40:]:
        y_pred, state = model.predict(row[None], state=state, return_state=True)
        found.append(y_pred)
    assert_near(np.concatenate(found), block, 1e-12)


@each
def test_forecast_is_that_of_the_linear_model_at_the_start(name):
    past = series(100, np.random.default_rng(0))
    X, y = past[:-1], past[1:, 0]
    model = make(name, time_axis=0, **AT_START).fit(X, y)
    linear = AutoRegressor(n_lags=3, time_axis=0).fit(X, y)
    assert_near(model.forecast(past, 6), linear.forecast(past, 6), 1e-10)
    y_pred, band = model.forecast(past, 6, quantiles=(0.1, 0.9), random_state=0)
    assert (band[:, 0] < y_pred).all() and (y_pred < band[:, 1]).all()


@pytest.mark.parametrize("name", NAMES[1:])
def test_windows_of_truncated_gradients(name):
    X, y, params = data("table")
    whole = make(name, **AT_START, **params).fit(X, y)
    model = make(name, **AT_START, **params, bptt_steps=12).fit(X, y)
    assert_near(model.predict(X), whole.predict(X), 1e-12)
    make(name, **params, bptt_steps=12).fit(X, y)
    with pytest.raises(ValueError, match="skip_lags=4 reaches beyond the warm-up"):
        make(name, 4, **params, bptt_steps=12).fit(X, y)


@each
def test_sequences_too_short_and_other_names_are_refused(name):
    with pytest.raises(ValueError, match="lags reach over 4"):
        make(name, 3).fit(np.ones((5, 3)), np.ones(5))
    with pytest.raises(ValueError, match="'skip' parameter"):
        make(name, skip="quadratic").fit(np.ones((5, 3)), np.ones(5))


def test_lags_of_all_layers_must_be_filled():
    model = make("TDNNRegressor", (1, 4), time_axis=0)
    with pytest.raises(ValueError, match="lags reach over 5"):
        model.fit(np.ones((4, 1)), np.ones(4))


def test_a_search_tells_whether_it_pays():
    past = series(100, np.random.default_rng(0))
    grid = {"skip": [None, "linear"]}
    model = make("GRURegressor", time_axis=0, alpha=100.0)
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(3))
    search.fit(past[:-1], past[1:, 0])
    assert search.best_params_ == {"skip": "linear"}


def test_a_linear_filter_with_a_path_is_linear_least_squares():
    X, y, params = data("rows")
    model = TDNNRegressor(hidden_layer_sizes=(), skip="linear", alpha=1e3, **params)
    model.set_params(n_lags=2).fit(X, y)
    linear = AutoRegressor(n_lags=3, **params).fit(X, y)
    assert_near(model.predict(X), linear.predict(X), 1e-8)


# ------------------------------------------------------------------------ inspection
@each
def test_attribution_sees_the_path(name):
    X, y, params = data("rows")
    model = make(name, **AT_START, **params).fit(X, y)
    linear = AutoRegressor(n_lags=3, **params).fit(X, y)
    found = attribution(model, X, n_lags=3).mean(axis=0)
    assert_near(found, linear.lag_coef_.transpose(1, 0, 2), 1e-8)


@pytest.mark.parametrize("n_lags", [0, 2])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_gradient_flow_sees_the_network(n_lags, dropout):
    X, y, params = data("array")
    params |= {"dropout": dropout, "solver": "adam"}
    model = make("GRURegressor", n_lags, **params).fit(X, y)
    plain = GRURegressor(hidden_layer_sizes=3, max_iter=1, **params).fit(X, y)
    plain._theta = model._theta[: plain._network.size].copy()
    found, expected = gradient_flow(model, X), gradient_flow(plain, X)
    assert found.layers == expected.layers == ["hidden0"]
    for key in ("delta_norm", "state_norm", "singular_values", "gamma"):
        assert_near(found[key], expected[key], 1e-12)
    # The loss is that of both together.
    error = model.predict(X[:1]) - y[:1]
    of_loss = gradient_flow(model, X[:1], y[:1]).delta_norm
    slope = np.abs(error / model._y_scaler.scale)
    assert_near(of_loss, gradient_flow(model, X[:1]).delta_norm * slope, 1e-10)
