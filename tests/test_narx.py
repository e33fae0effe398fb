"""NARXRegressor: open and closed loop, three ways to train, measured starts."""

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
