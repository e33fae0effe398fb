"""NaN in y: what was not observed carries no loss and no score."""

from dataclasses import replace

import numpy as np
import pytest
from estimators import NAMES, NETWORKS, forms, make
from helpers import assert_near, central_difference, complex_step, optional
from sklearn.metrics import r2_score
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from test_objective import NETWORKS as BUILDS
from test_objective import each_network, each_target, objective, parameters, ragged

from sk_rnn import NARXRegressor, TDNNRegressor
from sk_rnn.data._scaling import Scaler
from sk_rnn.inspection import gradient_flow
from sk_rnn.solvers import SOLVERS
from sk_rnn.training._losses import LOSSES

pd = optional("pandas")

each = pytest.mark.parametrize("name", NAMES)
FREE = {"NARXRegressor": {"feedback": "predicted"}}


def observing(name, **params):
    """A small estimator that leaves out what is missing."""
    return make(name, missing_targets="ignore", **FREE.get(name, {}), **params)


def with_gaps(y, rng=None, share=0.3):
    """y with some entries missing, in its own form."""
    rng = np.random.default_rng(5) if rng is None else rng
    if isinstance(y, list):
        return [with_gaps(part, rng, share) for part in y]
    y = y.copy()
    y[rng.random(y.shape) < share] = np.nan
    return y


def joined(parts):
    """The rows of y in any form, (n, n_outputs)."""
    if isinstance(parts, list):
        return np.concatenate([joined(part) for part in parts])
    return parts.reshape(-1, parts.shape[-1]) if parts.ndim > 1 else parts[:, None]


def gaps_in(data, seed=2):
    """Data with half of the entries missing, and one row of them altogether."""
    gaps = np.random.default_rng(seed).random(data.y.shape) < 0.5
    gaps[3] = True
    weight = np.where(gaps.all(axis=1), 0, data.weight)
    return replace(data, y=np.where(gaps, np.nan, data.y), weight=weight)


# ------------------------------------------------------------------------ objective
@each_network
@each_target
@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_is_the_complex_step(name, last, loss):
    data = gaps_in(ragged(last))
    real = objective(name, data, loss)
    theta = parameters(real.network.size)
    value, grad = real.loss_and_grad(theta)
    shifted = objective(name, replace(data, x=data.x.astype(complex)), loss)
    numeric = complex_step(lambda v: shifted.loss_and_grad(v)[0], theta)
    assert np.isfinite(value) and np.abs(grad).max() > 0
    assert_near(grad, numeric, 1e-12)


@each_target
def test_value_is_that_of_the_entries_observed(last):
    """By hand: each output from data of its own, in which the others do not count."""
    data = gaps_in(ragged(last))
    whole = objective("gru", data)
    theta = parameters(whole.network.size)

    def of_tile(tile, y_pred):
        squares = np.nan_to_num((y_pred - tile.y) ** 2, nan=0.0)
        return tile.weight @ (0.5 * squares).sum(axis=1)

    total = sum(whole._each_prediction(theta, of_tile))
    assert whole.value(theta) == pytest.approx(total / data.weight_sum, rel=1e-13)


@each_network
@each_target
def test_residuals_and_their_derivatives_are_those_of_the_loss(name, last):
    whole = objective(name, gaps_in(ragged(last)))
    theta = parameters(whole.network.size)
    value, grad = whole.loss_and_grad(theta)
    residuals, jacobian = whole.residuals(theta), whole.jacobian(theta)
    assert 0.5 * residuals @ residuals == pytest.approx(value, rel=1e-13)
    assert_near(jacobian.T @ residuals, grad, 1e-12)


@pytest.mark.parametrize("name", ["gru", "narx"])
def test_every_residual_has_its_row_of_derivatives(name):
    whole = objective(name, gaps_in(ragged()))
    theta = parameters(whole.network.size)
    assert_near(whole.jacobian(theta), central_difference(whole.residuals, theta), 1e-6)


def test_what_is_complete_takes_the_plain_loss():
    assert type(objective("gru", ragged()).loss) is LOSSES["squared_error"]
    assert set(BUILDS) >= {"gru", "narx"}


# --------------------------------------------------------------------- equivalences
@each
@pytest.mark.parametrize("form", ["rows", "list", "table", "table of records"])
def test_missing_is_weight_0(name, form):
    """To the last bit, whatever the dropped targets are."""
    X, y, params = forms()[form]
    gaps = with_gaps(y)
    wrong = np.where(np.isnan(gaps), 1e3, y)
    weight = np.random.default_rng(3).uniform(0.5, 2, len(y))
    one = observing(name, **params).fit(X, gaps, weight)
    seen = np.where(np.isnan(gaps), 0, weight)
    two = observing(name, **params).fit(X, wrong, seen)
    assert np.array_equal(one.predict(X), two.predict(X))
    assert np.array_equal(one._theta, two._theta)
    assert one.score(X, gaps, weight) == two.score(X, wrong, seen)
    other = observing(name, **params).fit(X, y, weight)
    assert not np.array_equal(one._theta, other._theta)


@each
@pytest.mark.parametrize("form", ["array, y per step", "list, y per step"])
def test_a_missing_step_is_a_step_of_weight_0(name, form):
    X, y, params = forms()[form]
    X, y = X[:1], y[:1]  # equal samples come in the order of a hash of the values
    gaps = with_gaps(y)
    weight = [1.0 - np.isnan(joined([part])[:, 0]) for part in gaps]
    one = observing(name, **params).fit(X, gaps)
    two = observing(name, **params).fit(X, y, weight)
    assert np.array_equal(one._theta, two._theta)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("form", ["rows", "table"])
def test_every_solver_and_loss(solver, loss, form):
    if solver == "lm" and loss != "squared_error":
        return
    X, y, params = forms()[form]
    gaps = with_gaps(y)
    weight = 1.0 - np.isnan(gaps)
    model = observing("GRURegressor", solver=solver, loss=loss, **params)
    one = model.fit(X, gaps)._theta
    two = model.fit(X, y, weight)._theta
    assert np.array_equal(one, two)
    # What is observed of two outputs counts.
    X, y, params = forms(n_outputs=2)[form]
    model = observing("GRURegressor", solver=solver, loss=loss, **params)
    model.fit(X, with_gaps(y))
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize("solver", ["lbfgs", "lm"])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("form", ["table", "list, y per step"])
def test_outputs_are_fitted_as_if_each_were_alone(solver, standardize, form):
    """A linear filter has no parameter that two outputs share."""
    X, y, params = forms(n_outputs=2)[form]
    options = {"hidden_layer_sizes": (), "alpha": 0.0, "tol": 0.0, "max_iter": 500}
    options |= {"missing_targets": "ignore", "solver": solver, "n_lags": 2}
    options |= {"standardize": standardize, "n_iter_no_change": 500}
    options |= {"early_stopping": False}
    options |= {"time_axis": params.get("time_axis", 1)}
    gaps = with_gaps(y, share=0.4)
    both = joined(TDNNRegressor(**options).fit(X, gaps).predict(X))
    assert np.isnan(joined(gaps)).all(axis=1).any()
    for k in range(2):
        own = [part[:, k] for part in gaps] if isinstance(y, list) else gaps[:, k]
        alone = TDNNRegressor(**options).fit(X, own)
        np.testing.assert_allclose(both[:, [k]], joined(alone.predict(X)), atol=1e-6)


def test_a_linear_filter_is_least_squares_of_what_was_observed():
    X, y, _ = forms(n_outputs=2)["table"]
    gaps = with_gaps(y)
    model = TDNNRegressor(
        hidden_layer_sizes=(), n_lags=0, alpha=0.0, time_axis=0, solver="lm"
    ).set_params(missing_targets="ignore", tol=0, early_stopping=False)
    y_pred = model.fit(X, gaps).predict(X)
    Z = np.column_stack([X, np.ones(len(X))])
    for k in range(2):
        seen = ~np.isnan(gaps[:, k])
        beta = np.linalg.lstsq(Z[seen], gaps[seen, k], rcond=None)[0]
        np.testing.assert_allclose(y_pred[:, k], Z @ beta, atol=1e-8)


def test_ar_leaves_out_rows_with_a_gap():
    X, y, params = forms(n_outputs=2)["table"]
    gaps = with_gaps(y)
    whole = ~np.isnan(gaps).any(axis=1)
    one = make("AutoRegressor", missing_targets="ignore", **params).fit(X, gaps)
    two = make("AutoRegressor", **params).fit(X, y, whole.astype(float))
    for attribute in ("coef_", "intercept_", "noise_covariance_", "aic_", "bic_"):
        np.testing.assert_array_equal(getattr(one, attribute), getattr(two, attribute))
    broken = y.copy()
    broken[::2, 0] = broken[1::2, 1] = np.nan
    with pytest.raises(ValueError, match="No step that counts has all outputs"):
        one.fit(X, broken)


# ------------------------------------------------------------------------ all forms
@each
@pytest.mark.parametrize("form", forms())
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_score_is_that_of_what_was_observed(name, form, n_outputs, dtype):
    X, y, params = forms(n_outputs)[form]
    X = [x.astype(dtype) for x in X] if isinstance(X, list) else X.astype(dtype)
    gaps = with_gaps(y)
    model = observing(name, **params).fit(X, gaps)
    assert model._theta.dtype == dtype
    wanted, got = joined(gaps), joined(model.predict(X))
    assert np.isfinite(got).all() and np.isnan(wanted).any()
    scores = []
    for k in range(n_outputs):
        seen = ~np.isnan(wanted[:, k])
        scores.append(r2_score(wanted[seen, k], got[seen, k]))
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    assert model.score(X, gaps) == pytest.approx(np.mean(scores), abs=tolerance)


@each
def test_washout(name):
    X, y, params = forms()["table"]
    gaps = with_gaps(y)
    first = gaps.copy()
    first[:5] = np.nan
    one = observing(name, washout=5, **params).fit(X, gaps)
    two = observing(name, **params).fit(X, first)
    assert np.array_equal(one._theta, two._theta)
    assert one.score(X, gaps) == two.score(X, first)


@pytest.mark.parametrize("form", ["table", "list, y per step", "rows"])
def test_early_stopping_windows_and_a_warm_start(form):
    X, y, params = forms(n_outputs=2)[form]
    gaps = with_gaps(y)
    options = {"early_stopping": True, "bptt_steps": 4, "validation_fraction": 0.3}
    model = observing("GRURegressor", **options, **params).fit(X, gaps)
    assert np.isfinite(model.validation_loss_curve_).all()
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    model.set_params(early_stopping=False, warm_start=True)
    before = model._theta
    assert not np.array_equal(model.fit(X, gaps)._theta, before)


@pytest.mark.parametrize("part, fraction", [("training", 0.7), ("validation", 0.3)])
def test_early_stopping_wants_each_output_in_both_parts(part, fraction):
    X, y, params = forms(n_outputs=2)["table"]
    y[-30:, 1] = np.nan
    if part == "training":
        y[:30, 1], y[-30:, 1] = np.nan, 1.0
    model = observing("GRURegressor", early_stopping=True, **params)
    model.set_params(validation_fraction=fraction)
    with pytest.raises(ValueError, match=f"output 1 of y is missing .* {part} part"):
        model.fit(X, y)


@each
@pytest.mark.parametrize("form", ["rows", "list, y per step"])
def test_equal_samples_with_gaps_are_one(name, form):
    """NaN is many bit patterns, and no two of them are equal."""
    X, y, params = forms(n_outputs=2)[form]
    gaps = with_gaps(y, share=0.2)
    other = [-part for part in gaps] if isinstance(y, list) else -gaps  # other bits
    again = [np.where(np.isnan(a), b, a) for a, b in zip(gaps, other, strict=True)]
    weighted = observing(name, **params).fit(X, gaps, np.full(len(X), 2.0))
    if isinstance(X, list):
        repeated = observing(name, **params).fit(X + X, list(gaps) + again)
    else:
        repeated = observing(name, **params).fit(np.r_[X, X], np.r_[gaps, again])
    if name != "AutoRegressor":  # which needs no order
        assert np.array_equal(weighted._theta, repeated._theta)
    np.testing.assert_allclose(weighted._theta, repeated._theta, atol=1e-9)


def test_scaler_takes_each_column_where_it_was_observed():
    rng = np.random.default_rng(0)
    values, weight = with_gaps(rng.standard_normal((50, 3)) + 5), rng.random(50)
    scaler = Scaler(values, weight, True, "y")
    for k in range(3):
        seen = ~np.isnan(values[:, k])
        mean = np.average(values[seen, k], weights=weight[seen])
        square = (values[seen, k] - mean) ** 2
        scale = np.sqrt(np.average(square, weights=weight[seen]))
        assert scaler.mean[k] == pytest.approx(mean, rel=1e-13)
        assert scaler.scale[k] == pytest.approx(scale, rel=1e-13)


def test_series_frames_masks_and_read_only_arrays():
    X, y, params = forms(n_outputs=2)["table"]
    gaps = with_gaps(y)
    frozen = np.asfortranarray(gaps)
    frozen.flags.writeable = False
    masked = np.ma.array(y, mask=np.isnan(gaps))
    nullable = pd.DataFrame(gaps).astype("Float64")
    expected = observing("TDNNRegressor", **params).fit(X, gaps)._theta
    for form in (pd.DataFrame(gaps), nullable, masked, frozen, gaps.tolist()):
        found = observing("TDNNRegressor", **params).fit(X, form)._theta
        assert np.array_equal(found, expected)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        make("TDNNRegressor", **params).fit(X, masked)
    assert np.isnan(gaps).any()


def test_cross_validation():
    X, y, params = forms()["table"]
    model = observing("TDNNRegressor", **params)
    scores = cross_val_score(model, X, with_gaps(y), cv=TimeSeriesSplit(3))
    assert np.isfinite(scores).all()


# ------------------------------------------------------------------------- refusals
@each
def test_what_is_refused(name):
    X, y, params = forms(n_outputs=2)["table"]
    model, strict = observing(name, **params), make(name, **params)
    with pytest.raises(ValueError, match="y contains NaN.*missing_targets='ignore'"):
        strict.fit(X, with_gaps(y))
    assert not hasattr(strict, "_theta")
    with pytest.raises(ValueError, match="contains infinity"):
        model.fit(X, np.where(np.isnan(with_gaps(y)), np.inf, y))
    with pytest.raises(ValueError, match="X contains NaN"):
        model.fit(with_gaps(X), y)
    with pytest.raises(ValueError, match=r"^y is missing \(NaN\) at every step"):
        model.fit(X, np.full_like(y, np.nan))
    never = y.copy()
    never[1:, 1] = np.nan
    weight = np.r_[0, np.ones(len(y) - 1)]
    with pytest.raises(ValueError, match="^Output 1 of y is missing"):
        model.fit(X, never, weight)
    model.fit(X, y)
    with pytest.raises(ValueError, match="^Output 1 of y is missing"):
        model.score(X, never, weight)
    with pytest.raises(ValueError, match="missing_targets"):
        make(name, missing_targets="drop", **params).fit(X, y)


def test_gradient_flow_wants_the_targets_it_looks_at():
    X, y, params = forms()["table"]
    y[0] = np.nan
    model = observing("GRURegressor", **params).fit(X, y)
    assert np.isfinite(gradient_flow(model, X, y).delta_norm).all()
    y[-1] = np.nan
    with pytest.raises(ValueError, match=r"y is missing \(NaN\) at a step"):
        gradient_flow(model, X, y)


# ----------------------------------------------------------------------------- NARX
@pytest.mark.parametrize("feedback", ["measured", "measured_then_predicted"])
def test_measured_outputs_are_wanted_where_they_are_fed_back(feedback):
    message = "Fill the gaps, or fit with feedback='predicted'"
    for form in ("array, y per step", "list, y per step", "table"):
        X, y, params = forms()[form]
        gaps = with_gaps(y)
        model = make("NARXRegressor", missing_targets="ignore", **params)
        model.set_params(feedback=feedback)
        with pytest.raises(ValueError, match=message):
            model.fit(X, gaps)
    model.fit(X, y)
    assert np.isfinite(model.score(X, gaps))
    with pytest.raises(ValueError, match=message):
        model.warm_up(X, gaps)
    with pytest.raises(ValueError, match=message):
        model.predict_ahead(X, gaps)
    # Nothing is fed back: without output lags, or with one target per sequence.
    model.set_params(n_output_lags=0).fit(X, gaps)
    model.warm_up(X, gaps)
    assert np.isfinite(model.predict_ahead(X, gaps)).all()
    rows, y, _ = forms()["rows"]
    model.set_params(time_axis=1, n_output_lags=1).fit(rows, with_gaps(y))


def test_the_free_run_stands_in_for_what_was_not_measured():
    X, y, params = forms()["table"]
    X, rest, y = X[:50], X[50:], y[:50]
    gaps = with_gaps(y)
    gaps[-2:] = y[-2], np.nan
    model = NARXRegressor(
        hidden_layer_sizes=4, n_input_lags=1, n_output_lags=2, time_axis=0
    )
    model.set_params(feedback="predicted", missing_targets="ignore", random_state=0)
    model.fit(X, gaps)
    filled = np.where(np.isnan(gaps), model.predict(X), gaps)
    expected = model.predict(rest, state=model.warm_up(X, filled))
    found = model.predict(rest, state=model.warm_up(X, gaps))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(model.predict(rest), expected, atol=1e-12)
    for horizon in (1, 3, 100):
        np.testing.assert_allclose(
            model.predict_ahead(X, gaps, horizon),
            model.predict_ahead(X, filled, horizon),
            atol=1e-12,
        )
    assert not np.allclose(expected[0], model.predict(rest, state=model.warm_up(X))[0])


@pytest.mark.parametrize("name", [name for name in NETWORKS if name[:4] != "NARX"])
def test_others_do_not_use_the_y_of_a_past(name):
    X, y, params = forms()["table"]
    model = observing(name, **params).fit(X, with_gaps(y))
    one = model.predict(X, state=model.warm_up(X, with_gaps(y)))
    assert np.array_equal(one, model.predict(X, state=model.warm_up(X)))
