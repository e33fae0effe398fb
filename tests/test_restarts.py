"""Several starts: the best is kept, or the mean of several predicts."""

import pickle

import numpy as np
import pytest
from estimators import NETWORKS, forms, make
from helpers import assert_near

from sk_rnn.inspection import attribution, gradient_flow

each = pytest.mark.parametrize("name", NETWORKS)
FORMS = ["rows", "array, y per step", "list, y per step", "table", "table of records"]


def fitted(name, form, **more):
    X, y, params = forms()[form]
    return make(name, **{"lags": True} | params | more).fit(X, y), X, y


def flat(y):
    return np.concatenate([np.ravel(part) for part in y])


@each
@pytest.mark.parametrize("form", FORMS)
def test_an_ensemble_predicts_the_mean_of_its_members(name, form):
    model, X, _ = fitted(name, form, n_init=3, n_ensemble=2)
    members = model._members(None)
    assert len(members) == 2
    expected = 0
    single, _, _ = fitted(name, form)
    for network, theta, _ in members:
        single._network, single._end = network, None
        single._theta = theta.copy()
        single.carry_state = False
        expected = expected + flat(single.predict(X)) / 2
    assert_near(flat(model.predict(X)), expected, 1e-12)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(flat(again.predict(X)), flat(model.predict(X)))


@each
def test_the_first_start_is_that_of_a_single_one(name):
    one, X, _ = fitted(name, "array, y per step")
    three, _, _ = fitted(name, "array, y per step", n_init=3, n_ensemble=3)
    losses = [start["loss"] for start in three.restarts_]
    assert losses[0] == one.loss_ and len(set(losses)) == 3
    assert any(
        np.array_equal(theta, one._theta) for _, theta, _ in three._members(None)
    )
    assert len(one.restarts_) == 1 and one.restarts_[0]["kept"]


@each
def test_the_best_start_is_kept(name):
    model, X, _ = fitted(name, "array, y per step", n_init=4)
    losses = [start["loss"] for start in model.restarts_]
    assert model.loss_ == min(losses) and model.loss_curve_[-1] == min(losses)
    assert [start["kept"] for start in model.restarts_].index(True) == np.argmin(losses)
    held, _, _ = fitted(name, "array, y per step", n_init=3, early_stopping=True)
    found = [start["validation_loss"] for start in held.restarts_]
    assert min(held.validation_loss_curve_) == min(found)


@each
def test_side_by_side_is_one_by_one(name):
    X, y, params = forms()["array, y per step"]
    params = params | {"lags": True, "n_init": 3, "n_ensemble": 2, "max_iter": 3}
    for solver in ("lbfgs", "adam"):
        params["solver"] = solver
        if name != "NARXRegressor" and solver == "adam":
            params["dropout"] = 0.5
        one, two = (make(name, n_jobs=n, **params).fit(X, y) for n in (1, 2))
        assert np.array_equal(one._theta, two._theta)
        assert one.restarts_ == two.restarts_


@each
def test_what_follows_fit_holds_for_ensembles(name):
    rng = np.random.default_rng(0)
    series = np.cumsum(rng.standard_normal((60, 1)), axis=0)
    X, y = series[:-1], series[1:, 0]
    params = {"n_init": 2, "n_ensemble": 2, "time_axis": 0, "lags": True}
    model = make(name, **params).fit(X[:40], y[:40])
    block = model.predict(X[40:])
    first, state = model.predict(X[40:45], return_state=True)
    rest = model.predict(X[45:], state=state)
    assert_near(np.concatenate([first, rest]), block, 1e-12)
    ask = {"quantiles": (0.1, 0.9), "n_paths": 20, "random_state": 0}
    ahead, band = model.forecast(series, 5, **ask)
    assert np.isfinite(ahead).all() and (band[:, 0] < band[:, 1]).all()
    model.set_params(carry_state=False)
    gradient = attribution(model, X, n_lags=3)[0, 0, :, 0]
    moved = X.copy()
    moved[-1] += 1e-6
    change = model.predict(moved)[-1] - model.predict(X)[-1]
    assert change / 1e-6 == pytest.approx(gradient[0], rel=1e-4)
    with pytest.raises(ValueError, match="the mean of 2"):
        gradient_flow(model, X)
    if name == "NARXRegressor":
        members = model._members(None)
        ahead = model.predict_ahead(X, y, horizon=2)
        single = make(name, time_axis=0, lags=True, carry_state=False).fit(X, y)
        single._x_scaler, single._y_scaler = model._x_scaler, model._y_scaler
        total = 0
        for network, theta, _ in members:
            single._network, single._theta = network, theta.copy()
            total = total + single.predict_ahead(X, y, horizon=2) / 2
        assert_near(ahead, total, 1e-12)


@each
def test_warm_start_goes_on_with_every_member(name):
    X, y, params = forms()["array, y per step"]
    params = params | {"lags": True, "n_init": 2, "n_ensemble": 2, "warm_start": True}
    model = make(name, **params).fit(X, y)
    before = sorted(start["loss"] for start in model.restarts_)
    model.fit(X, y)
    after = sorted(start["loss"] for start in model.restarts_)
    assert len(after) == 2 and all(b < a for a, b in zip(before, after, strict=True))
    with pytest.raises(ValueError, match="the fitted model has"):
        model.set_params(n_ensemble=1).fit(X, y)


def test_more_cannot_be_kept_than_are_trained():
    X, y, _ = forms()["rows"]
    with pytest.raises(ValueError, match="n_ensemble=3 .* n_init=2"):
        make("RNNRegressor", n_init=2, n_ensemble=3).fit(X, y)
