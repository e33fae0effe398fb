"""NARXRegressor: open and closed loop, three ways to train, measured starts."""

import time
import tracemalloc
import warnings

import numpy as np
import pytest
from helpers import assert_near
from sklearn.exceptions import ConvergenceWarning

from sk_rnn import NARXRegressor


def system(n, seed=0, noise=0.0):
    """y_t = 0.6 y_{t-1} - 0.2 y_{t-2} + 0.5 x_t + 0.3 x_{t-1} + 1, and its input."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal(n), np.zeros(n)
    for t in range(n):
        back = [y[t - k] if t >= k else 0.0 for k in (1, 2)]
        y[t] = 0.6 * back[0] - 0.2 * back[1] + 0.5 * x[t] + 1
        y[t] += 0.3 * x[t - 1] if t else 0.0
    return x[:, None], y + noise * rng.standard_normal(n)


def model(**params):
    params = {
        "hidden_layer_sizes": 6,
        "n_input_lags": 1,
        "n_output_lags": 2,
        "max_iter": 40,
        "random_state": 0,
    } | params
    return NARXRegressor(**params)


def records(n_inputs=2, n_outputs=2):
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((n, n_inputs)) for n in (12, 7, 20)]
    mix = rng.standard_normal((n_inputs, n_outputs))
    return X, [np.cumsum(np.tanh(x @ mix), axis=0) for x in X]


# ------------------------------------------------------------------ open, closed loop
def test_one_step_ahead_on_its_own_outputs_is_the_free_run():
    X, Y = records()
    fitted = model().fit(X, Y)
    free = fitted.predict(X)
    for one, two in zip(fitted.predict_ahead(X, free), free, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)


@pytest.mark.parametrize("horizon", [1, 2, 3, 6])
def test_predict_ahead_is_a_short_free_run_from_measured_outputs(horizon):
    """y_t from outputs up to t - horizon: a free run begun there, step by step."""
    x, y = system(40)
    fitted = model().fit([x], [y])
    (ahead,) = fitted.predict_ahead([x], [y], horizon=horizon)
    for t in range(horizon + 2, 40):
        start = t - horizon + 1
        # One input lag: the run begins a step early, with its output overridden.
        run = _free_run(fitted, x, y, start, t)
        assert ahead[t] == pytest.approx(run, abs=1e-12)


def _free_run(fitted, x, y, start, stop):
    """Prediction at `stop` of a run that knows the outputs before `start`."""
    known = list(y[:start])
    for t in range(start, stop + 1):
        (one_ahead,) = fitted.predict_ahead(
            [x[: t + 1]], [np.array([*known, 0.0])], horizon=1
        )
        known.append(one_ahead[t])
    return known[-1]


def test_a_horizon_beyond_the_record_is_the_free_run():
    X, Y = records()
    fitted = model().fit(X, Y)
    far = fitted.predict_ahead(X, Y, horizon=25)
    for one, two in zip(far, fitted.predict(X), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-12)


@pytest.mark.parametrize("n_known", [1, 2, 5])
def test_measured_outputs_before_the_first_step(n_known):
    x, y = system(30)
    fitted = model(n_input_lags=0).fit([x], [y])
    (run,) = fitted.predict([x[10:]], y_init=[y[10 - n_known : 10]])
    (whole,) = fitted.predict_ahead([x], [y])
    if n_known >= 2:  # both output lags known: the first step is one step ahead
        assert run[0] == pytest.approx(whole[10], abs=1e-12)
    (cold,) = fitted.predict([x[10:]])
    assert abs(run[0] - whole[10]) < abs(cold[0] - whole[10])
    (column,) = fitted.predict([x[10:]], y_init=[y[10 - n_known : 10, None]])
    assert np.array_equal(column, run)


def test_measured_outputs_for_one_table():
    x, y = system(60)
    fitted = model(time_axis=0).fit(x[:40], y[:40])
    on = fitted.predict(x[40:])
    past = fitted.warm_up(x[:40], y[:40])
    assert np.array_equal(fitted.predict(x[40:], state=past), on)
    # y_init is a fresh start: the input before the first step is not known.
    with pytest.warns(UserWarning, match="taken to be their mean"):
        fresh = fitted.predict(x[40:], y_init=y[38:40])
    unknown = fitted.warm_up(np.full((2, 1), x[:40].mean()), y[38:40])
    assert_near(fresh, fitted.predict(x[40:], state=unknown), 1e-12)
    with pytest.warns(UserWarning, match="taken to be their mean"):
        other = fitted.predict(x[40:], y_init=y[38:40] + 1)
    assert not np.array_equal(other, fresh)
    ahead = fitted.predict_ahead(x[40:], y[40:])
    assert ahead[0] == pytest.approx(on[0], abs=1e-12)


@pytest.mark.parametrize(
    "y_init, message",
    [
        ([[1.0]], "2 sequences; got 1"),
        (
            [[1.0], [[1.0, 2.0]]],
            r"sequence 1 has shape \(1, 2\); expected \(n_init, 1\)",
        ),
        ([[1.0], [np.nan]], "NaN"),
        (3.0, "y_init must hold the outputs"),
        ([1.0, 2.0], "y_init for sequence 0"),
    ],
)
def test_bad_measured_outputs(y_init, message):
    x, y = system(20)
    fitted = model().fit([x, x], [y, y])
    with pytest.raises(ValueError, match=message):
        fitted.predict([x, x], y_init=y_init)


@pytest.mark.parametrize("horizon", [1, 3])
def test_a_table_of_records_is_predicted_ahead_as_the_list(horizon):
    X, Y = records()
    ids = np.repeat([2, 0, 1], [len(x) for x in X])
    table = np.column_stack([np.concatenate(X), ids])
    y_init = [part[:3] for part in Y]
    by_list = model().fit(X, Y)
    by_table = model(time_axis=0, sequence_column=-1).fit(table, np.concatenate(Y))
    for part in ("_theta", "_x_scaler", "_y_scaler"):
        setattr(by_list, part, getattr(by_table, part))
    with pytest.warns(UserWarning, match="taken to be their mean"):
        starts = (
            by_table.predict(table, y_init=y_init),
            by_list.predict(X, y_init=y_init),
        )
    for one, two in (
        (
            by_table.predict_ahead(table, np.concatenate(Y), horizon=horizon),
            by_list.predict_ahead(X, Y, horizon=horizon),
        ),
        starts,
    ):
        assert np.array_equal(one, np.concatenate(two))


@pytest.mark.parametrize("horizon", [1, 2, 4])
def test_predict_ahead_of_later_rows_knows_the_training_rows(horizon):
    x, y = system(60)
    fitted = model(time_axis=0).fit(x[:40], y[:40])
    whole = model().fit([x], [y])
    for part in ("_theta", "_x_scaler", "_y_scaler"):
        setattr(whole, part, getattr(fitted, part))
    ahead = fitted.predict_ahead(x[40:], y[40:], horizon=horizon)
    # Up to the last training row all is measured, however long the horizon.
    known = list(y[:40])
    for t in range(40, 40 + horizon):
        (run,) = whole.predict_ahead([x[: t + 1]], [np.array([*known, 0.0])])
        known.append(run[-1])
        assert ahead[t - 40] == pytest.approx(run[-1], abs=1e-12)


def test_predict_ahead_needs_an_output_at_every_step():
    X = np.random.default_rng(0).standard_normal((10, 5))
    fitted = model(n_input_lags=None).fit(X, X.sum(axis=1))
    with pytest.raises(ValueError, match="output at every step"):
        fitted.predict_ahead(X, X.sum(axis=1))
    x, y = system(20)
    with pytest.raises(ValueError, match="horizon"):
        model().fit([x], [y]).predict_ahead([x], [y], horizon=0)


# ------------------------------------------------------------------------- training
@pytest.mark.parametrize("feedback", ["measured", "predicted"])
def test_linear_arx_finds_the_system(feedback):
    x, y = system(400)
    arx = model(
        hidden_layer_sizes=(),
        feedback=feedback,
        alpha=0,
        standardize=False,
        max_iter=2000,
        tol=1e-12,
    ).fit([x], [y])
    np.testing.assert_allclose(
        arx.weights_["output.weight"][:, 0], [0.5, 0.3, 0.6, -0.2], atol=1e-4
    )
    np.testing.assert_allclose(arx.weights_["output.bias"], 1, atol=1e-3)
    assert arx.score([x], [y]) > 0.999999


def test_training_on_predictions_simulates_better_under_output_noise():
    """Noise of the measured outputs biases one-step-ahead training, not simulation."""
    x, y = system(300, noise=0.5)
    new_x, new_y = system(300, seed=1)
    params = {"hidden_layer_sizes": (), "max_iter": 300, "tol": 1e-8}
    scores = {
        feedback: model(feedback=feedback, **params)
        .fit([x], [y])
        .score([new_x], [new_y])
        for feedback in ("measured", "predicted", "measured_then_predicted")
    }
    assert scores["predicted"] > scores["measured"] + 0.01
    assert scores["measured_then_predicted"] > scores["measured"] + 0.01


@pytest.mark.parametrize("feedback", ["predicted", "measured_then_predicted"])
def test_a_free_run_is_trained_by_its_own_error(feedback):
    """The loss is that of the simulation, not of the prediction one step ahead."""
    X, Y = records()
    fitted = model(feedback=feedback, alpha=0, standardize=False).fit(X, Y)
    error = np.concatenate(fitted.predict(X)) - np.concatenate(Y)
    loss = 0.5 * (error**2).sum(axis=1).mean()
    assert fitted.loss_ == pytest.approx(loss, rel=1e-9)
    one_ahead = model(feedback="measured", alpha=0, standardize=False).fit(X, Y)
    starts_alike = fitted.loss_curve_[0] == one_ahead.loss_curve_[0]
    assert starts_alike == (feedback == "measured_then_predicted")


def test_training_in_two_phases_goes_on_from_the_first():
    X, Y = records()
    first = model(feedback="measured").fit(X, Y)
    both = model(feedback="measured_then_predicted").fit(X, Y)
    assert both.loss_curve_[: first.n_iter_] == first.loss_curve_
    assert both.n_iter_ == len(both.loss_curve_) > first.n_iter_
    second = both.loss_curve_[first.n_iter_ :]
    assert both.loss_ == second[-1]


def test_only_last_outputs_are_trained_by_predictions():
    X = np.random.default_rng(0).standard_normal((30, 6))
    y = X @ 0.5 ** np.arange(6)
    measured, predicted = (
        model(n_input_lags=0, feedback=feedback).fit(X, y)
        for feedback in ("measured", "predicted")
    )
    assert np.array_equal(measured._theta, predicted._theta)


def test_several_inputs_and_outputs():
    X, Y = records(n_inputs=3, n_outputs=2)
    fitted = model(max_iter=300).fit(X, Y)
    assert fitted.weights_["hidden0.weight"].shape == (2 * 3 + 2 * 2, 6)
    one_ahead = np.concatenate(fitted.predict_ahead(X, Y))
    truth = np.concatenate(Y)
    assert (
        1 - ((one_ahead - truth) ** 2).sum() / truth.var(axis=0).sum() / len(truth)
        > 0.9
    )


def test_without_output_lags_it_is_a_tdnn():
    from sk_rnn import TDNNRegressor

    X, Y = records()
    params = {"hidden_layer_sizes": 5, "max_iter": 20, "random_state": 0}
    narx = NARXRegressor(n_input_lags=2, n_output_lags=0, **params).fit(X, Y)
    tdnn = TDNNRegressor(n_lags=2, **params).fit(X, Y)
    for one, two in zip(narx.predict(X), tdnn.predict(X), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


# ---------------------------------------------------------------------- divergence
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_diverging_free_run_warns_of_sequence_and_step(dtype):
    x, y = system(50)
    arx = model(hidden_layer_sizes=(), standardize=False, n_output_lags=1)
    arx.fit([x.astype(dtype)], [y])
    arx._theta = np.array([1, 0, 10, 0], dtype)  # y_t = x_t + 10 y_{t-1}
    ones = np.ones((30, 1), dtype)
    with pytest.warns(
        ConvergenceWarning, match="at step 8 of sequence 1 .* in 0 other"
    ):
        short, long = arx.predict([ones[:4], ones])
    assert np.isfinite(long).all() and long[-1] == 1e8
    np.testing.assert_allclose(short, [1, 11, 111, 1111])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        arx.predict([ones[:4]])


@pytest.mark.parametrize("horizon", [1, 3, 100])
def test_predict_ahead_without_output_lags_is_predict(horizon):
    """There is nothing to be fed back, whatever the horizon."""
    x, y = system(30)
    fitted = model(n_output_lags=0).fit([x], [y])
    (ahead,) = fitted.predict_ahead([x], [y], horizon=horizon)
    assert_near(ahead, fitted.predict([x])[0], 1e-14)


# ------------------------------------------------------------ dead time, lags for each
EACH = {"input_delay": (3, 1), "n_input_lags": (1, 2), "n_output_lags": (0, 2)}
#: (lag, channel) of the inputs of a network with these.
X_ORDER = [(3, 0), (4, 0), (1, 1), (2, 1), (3, 1)]
Y_ORDER = [(1, 1), (2, 1)]


def by_hand(fitted, x, y, n_measured):
    """Outputs of a tanh network with `EACH`; y holds for the first n_measured steps."""
    w, mean, scale = fitted.weights_, fitted._y_scaler.mean, fitted._y_scaler.scale
    x = (x - fitted._x_scaler.mean) / fitted._x_scaler.scale
    y = list((y[:n_measured] - mean) / scale)
    for t in range(n_measured, len(x)):
        seen = [x[t - lag, c] if t >= lag else 0.0 for lag, c in X_ORDER]
        seen += [y[t - lag][o] if t >= lag else 0.0 for lag, o in Y_ORDER]
        a = np.tanh(seen @ w["hidden0.weight"] + w["hidden0.bias"])
        y.append(a @ w["output.weight"] + w["output.bias"])
    return np.array(y) * scale + mean


@pytest.mark.parametrize("feedback", ["measured", "predicted"])
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "lm"])
def test_a_closed_loop_with_lags_for_each_is_the_loop_by_hand(solver, feedback):
    X, Y = records()
    fitted = model(solver=solver, feedback=feedback, max_iter=8, **EACH).fit(X, Y)
    assert fitted.weights_["hidden0.weight"].shape == (len(X_ORDER + Y_ORDER), 6)
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]
    for x, y, found in zip(X, Y, fitted.predict(X), strict=True):
        assert_near(found, by_hand(fitted, x, y, 0), 1e-12)


@pytest.mark.parametrize("horizon", [1, 2, 3, 9])
def test_predict_ahead_with_lags_for_each_is_the_loop_by_hand(horizon):
    X, Y = records()
    fitted = model(max_iter=8, **EACH).fit(X, Y)
    state = fitted.warm_up([x[:5] for x in X], [y[:5] for y in Y])
    later = [x[5:] for x in X], [y[5:] for y in Y]
    whole = fitted.predict_ahead(X, Y, horizon)
    for k, found in enumerate(fitted.predict_ahead(*later, horizon, state=state)):
        for t in range(len(X[k])):
            known = max(t - horizon + 1, 0)
            run = by_hand(fitted, X[k][: t + 1], Y[k], known)[t]
            assert_near(whole[k][t], run, 1e-12)
            if t >= 5:  # up to the state all is measured
                known = max(known, 5)
                run = by_hand(fitted, X[k][: t + 1], Y[k], known)[t]
                assert_near(found[t - 5], run, 1e-12)


def test_a_past_with_lags_for_each_is_the_loop_by_hand():
    X, Y = records()
    fitted = model(max_iter=8, **EACH).fit(X, Y)
    expected = [by_hand(fitted, x, y, 6) for x, y in zip(X, Y, strict=True)]
    state = fitted.warm_up([x[:6] for x in X], [y[:6] for y in Y])
    block = fitted.predict([x[6:] for x in X], state=state)
    for found, run in zip(block, expected, strict=True):
        assert_near(found, run[6:], 1e-12)
    state = fitted.warm_up([X[2][:6]], [Y[2][:6]])
    for t in range(6, len(X[2])):  # step by step
        ((row,),), state = fitted.predict(
            [X[2][t : t + 1]], state=state, return_state=True
        )
        assert_near(row, expected[2][t], 1e-12)


def test_measured_outputs_with_lags_for_each():
    """Only of the outputs that return; the inputs before count as their mean."""
    X, Y = records()
    fitted = model(max_iter=8, **EACH).fit(X, Y)
    x, y, before = X[2], Y[2], np.tile(fitted._x_scaler.mean, (4, 1))
    run = by_hand(fitted, np.concatenate([before, x]), y[:4], 4)[4:]
    with pytest.warns(UserWarning, match=r"looks 4 step\(s\) back.*warm_up") as seen:
        (found,) = fitted.predict([x], y_init=[y[:4]])
        (other,) = fitted.predict([x], y_init=[y[:4] + [7, 0]])
    assert len(seen) == 2 and all(one.filename == __file__ for one in seen)
    assert_near(found, run, 1e-12)
    assert np.array_equal(other, found)


def test_single_precision_with_lags_for_each():
    X, Y = records()
    single = [x.astype(np.float32) for x in X], [y.astype(np.float32) for y in Y]
    for feedback in ("measured", "predicted"):
        for solver in ("lbfgs", "lm"):
            fitted = model(feedback=feedback, solver=solver, max_iter=3, **EACH)
            fitted.fit(*single)
            assert fitted._theta.dtype == np.float32
            state = fitted.warm_up(*single)
            found = fitted.predict(single[0], state=state)
            ahead = fitted.predict_ahead(*single, horizon=2)
            assert {part.dtype for part in found + ahead} == {np.dtype(np.float32)}
            run = by_hand(fitted, X[0], Y[0], 0)
            assert_near(fitted.predict(single[0])[0], run, 1e-4)


def test_a_table_with_lags_for_each_goes_on_behind_its_end():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 2))
    y = np.cumsum(np.tanh(x), axis=0)
    fitted = model(time_axis=0, max_iter=8, **EACH).fit(x[:40], y[:40])
    assert_near(fitted.predict(x[40:]), by_hand(fitted, x, y, 40)[40:], 1e-12)


@pytest.mark.parametrize("solver", ["lbfgs", "lm"])
@pytest.mark.parametrize("feedback", ["measured", "predicted"])
def test_linear_arx_with_dead_times_is_least_squares(solver, feedback):
    """Coefficients of lstsq on the lag matrix; without noise also of the free run."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((500, 2)), np.zeros((500, 2))
    for t in range(4, 500):
        y[t, 0] = 0.5 * x[t - 3, 0] - 0.3 * x[t - 4, 0] + 0.4 * y[t - 1, 1] + 1
        y[t, 1] = x[t - 1, 1] + 0.2 * x[t - 3, 1]
        y[t, 1] += 0.6 * y[t - 1, 1] - 0.3 * y[t - 2, 1]
        if feedback == "measured":
            y[t] += 0.3 * rng.standard_normal(2)
    params = {"alpha": 0, "standardize": False, "max_iter": 2000, "tol": 1e-15}
    params |= {"early_stopping": False}
    arx = model(
        hidden_layer_sizes=(),
        feedback=feedback,
        solver=solver,
        washout=4 if feedback == "measured" else 60,  # until the start is forgotten
        **params,
        **EACH,
    ).fit([x], [y])
    t = np.arange(4, 500)
    columns = [x[t - lag, c] for lag, c in X_ORDER] + [y[t - lag, 1] for lag in (1, 2)]
    lags = np.column_stack([*columns, np.ones(len(t))])
    expected = np.linalg.lstsq(lags, y[t], rcond=None)[0]
    np.testing.assert_allclose(arx.weights_["output.weight"], expected[:-1], atol=1e-6)
    np.testing.assert_allclose(arx.weights_["output.bias"], expected[-1], atol=1e-6)


def test_a_dead_time_is_worth_as_many_lags():
    """The same number of parameters, spent where the input has an effect."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((600, 1)), np.zeros(600)
    for t in range(6, 600):
        y[t] = 0.5 * y[t - 1] + np.tanh(x[t - 5, 0]) + 0.5 * x[t - 6, 0]
    y += 0.05 * rng.standard_normal(600)
    with_it, without = (
        model(input_delay=d, n_output_lags=1, time_axis=0).fit(x[:400], y[:400])
        for d in (5, 0)
    )
    assert with_it._theta.shape == without._theta.shape
    assert with_it.score(x[400:], y[400:]) > 0.97
    assert without.score(x[400:], y[400:]) < 0.2


def test_one_value_is_that_of_every_channel():
    X, Y = records()
    params = {"input_delay": 1, "n_input_lags": 2, "n_output_lags": 3}
    one = model(**params).fit(X, Y)
    for make_sequence in (lambda n: (n, n), lambda n: np.array([n, n], np.int8)):
        each = model(**{k: make_sequence(n) for k, n in params.items()}).fit(X, Y)
        assert np.array_equal(each._theta, one._theta)
        for a, b in zip(each.predict(X), one.predict(X), strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int64])
def test_lags_are_any_kind_of_integer(kind):
    rng = np.random.default_rng(0)
    x, n = rng.standard_normal((300, 3)), 127
    y = np.cumsum(x, axis=0)
    params = {"input_delay": 100, "n_input_lags": n, "n_output_lags": n}
    found = [
        model(time_axis=0, hidden_layer_sizes=(), max_iter=2)
        .set_params(**{name: as_kind(value) for name, value in params.items()})
        .fit(x, y)
        for as_kind in (int, kind, lambda v: [kind(v)] * 3)
    ]
    for other in found[1:]:
        assert np.array_equal(other._theta, found[0]._theta)
        assert np.array_equal(
            other.predict_ahead(x, y, horizon=kind(2)), found[0].predict_ahead(x, y, 2)
        )


def test_a_dead_time_leaves_the_rest_of_the_row():
    X = np.random.default_rng(0).standard_normal((20, 2 * 6))
    y = X[:, 0] - X[:, 5]  # five steps ago the first channel, three the second
    delayed = model(n_channels=2, n_input_lags=None, input_delay=(4, 2)).fit(X, y)
    given = model(n_channels=2, n_input_lags=(1, 3), input_delay=(4, 2)).fit(X, y)
    assert np.array_equal(delayed._theta, given._theta)
    last = model(n_channels=2, n_input_lags=None, input_delay=5).fit(X, y)
    assert last.weights_["hidden0.weight"].shape == (2 + 2, 6)
    with pytest.raises(ValueError, match=r"input_delay=6 .* 6 step\(s\).* at most 5"):
        model(n_channels=2, n_input_lags=None, input_delay=6).fit(X, y)


@pytest.mark.parametrize("name", ["input_delay", "n_input_lags", "n_output_lags"])
@pytest.mark.parametrize(
    "value", [(1,), (1, 2, 3), (1, -1), (1, 1.5), [[1, 2]], np.array(2), ("a", 1)]
)
def test_lags_that_do_not_fit_the_channels(name, value):
    X, Y = records()
    fitted = model().fit(X, Y)
    before = dict(vars(fitted)) | {name: value}
    each = "output" if name == "n_output_lags" else "input channel"
    message = f"{name} must be an int, or a sequence of 2 .* one for each {each}; got"
    with pytest.raises(ValueError, match=message):
        fitted.set_params(**{name: value}).fit(X, Y)
    assert all(vars(fitted)[key] is before[key] for key in before)
    with pytest.raises(ValueError, match=name):
        model(**{name: -1}).fit(X, Y)
    with pytest.raises(ValueError, match=name):
        model(**{name: 1.5}).fit(X, Y)


def test_lags_beyond_the_data_are_refused_before_they_cost_anything():
    from sk_rnn import AutoRegressor, TDNNRegressor

    X, most = np.random.default_rng(0).standard_normal((40, 6)), 10**9
    far = [
        (model(n_input_lags=most), "the lags reach over 1000000001"),
        (model(input_delay=most, n_input_lags=0), "the lags reach over 1000000001"),
        (model(n_output_lags=most), r"n_output_lags=1000000000 .* 6 step\(s\)"),
        (model(n_output_lags=(most,)), r"n_output_lags=\(1000000000,\) .* 6 step\(s\)"),
        (model(n_output_lags=7), r"n_output_lags=7 is more than the 6 step\(s\)"),
        (TDNNRegressor(n_lags=most), "the lags reach over 1000000001"),
        (TDNNRegressor(n_lags=(most, 0)), "the lags reach over 1000000001"),
        (AutoRegressor(n_lags=most), "the lags reach over 1000000000"),
    ]
    tracemalloc.start()
    start = time.perf_counter()
    for estimator, message in far:
        with pytest.raises(ValueError, match=message):
            estimator.fit(X, X[:, 0])
    assert tracemalloc.get_traced_memory()[1] < 1e7
    tracemalloc.stop()
    assert time.perf_counter() - start < 5
    model(n_input_lags=0, n_output_lags=6).fit(X, X[:, 0])


# ---------------------------------------------------------------- quantiles fed back
def noisy(n, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, 1)), np.zeros(n)
    for t in range(1, n):
        y[t] = 0.5 * y[t - 1] + 0.5 * x[t - 1, 0] + 0.3 * rng.standard_normal()
    return [x], [y]


def test_quantiles_that_are_fed_back_are_warned_of():
    """The warnings say where the shares are wrong, and what they advise is right."""
    params = {"loss": "quantile", "hidden_layer_sizes": (), "n_output_lags": 1}
    data, new = noisy(2000, 0), noisy(2000, 1)
    params |= {"alpha": 1e-4, "max_iter": 300}
    quantile = model(quantile=0.1, **params)

    def share(predictions):
        return (new[1][0] < predictions[0]).mean()

    with pytest.warns(UserWarning, match="feeds the model's own quantiles back") as one:
        quantile.fit(*data)
    assert len(one) == 1 and one[0].filename == __file__
    assert share(quantile.predict(new[0])) < 0.05
    assert share(quantile.predict_ahead(*new)) == pytest.approx(0.1, abs=0.03)
    quantile.set_params(feedback="predicted").fit(*data)
    assert share(quantile.predict(new[0])) == pytest.approx(0.1, abs=0.03)
    with pytest.warns(UserWarning, match="predict_ahead gives it measured") as one:
        found = quantile.predict_ahead(*new)
    assert len(one) == 1 and one[0].filename == __file__
    assert share(found) > 0.15


@pytest.mark.parametrize(
    "params", [{"quantile": 0.5}, {"n_output_lags": 0}, {"loss": "absolute_error"}]
)
def test_what_is_no_quantile_fed_back_is_not_warned_of(params):
    x, y = noisy(60, 0)
    params = {"loss": "quantile", "quantile": 0.2} | params
    for feedback in ("measured", "predicted"):
        fitted = model(max_iter=2, feedback=feedback, **params).fit(x, y)
        fitted.predict_ahead(x, y)
