"""An initial state that is estimated from the outputs measured in the warm-up."""

import warnings

import numpy as np
import pytest
from estimators import SMALL
from helpers import assert_near, complex_step, optional
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold

import sk_rnn
from sk_rnn.data._dataset import Dataset
from sk_rnn.inspection import attribution, gradient_flow
from sk_rnn.model_selection import backtest
from sk_rnn.training._losses import LOSSES
from sk_rnn.training._objective import Objective
from sk_rnn.training._residuals import MOST

pd = optional("pandas")

NAMES = ["RNNRegressor", "GRURegressor", "LSTMRegressor"]
each = pytest.mark.parametrize("name", NAMES)
NOTHING = "begin without a state, or the 3 measured outputs"


def make(name, **params):
    defaults = SMALL | {"hidden_layer_sizes": 3, "max_iter": 8, "washout": 3}
    return getattr(sk_rnn, name)(**defaults | {"initial_state": "estimated"} | params)


def tank_of(u, level):
    levels = []
    for u_t in u[:, 0]:
        level = 0.98 * level + 0.1 * np.tanh(u_t)
        levels.append(level)
    return np.array(levels)


def tank(lengths, seed=0, n_outputs=1):
    """Levels that leak, filled through a saturating valve, from any beginning."""
    rng, X, y = np.random.default_rng(seed), [], []
    for n in lengths:
        X.append(rng.standard_normal((n, 1)))
        y.append(tank_of(X[-1], rng.uniform(-3, 3)))
    if n_outputs > 1:
        y = [
            np.stack([level * (1 - k) + 2 for k in range(n_outputs)], 1) for level in y
        ]
    return X, y


LENGTHS = [9, 5, 12, 7, 4]


def heads(parts, n):
    return [part[:n] for part in parts]


def table(n=90, seed=0):
    (u,), (y,) = tank([n], seed)
    return u, y


# ------------------------------------------------------------------------- learning
def test_levels_that_nobody_told_are_found():
    X, y = tank([40] * 40)
    scores = {}
    for kind in ("zero", "learned", "estimated"):
        model = make("GRURegressor", washout=8, time_scale=50, max_iter=150, alpha=0.1)
        model.set_params(initial_state=kind).fit(X[:30], y[:30])
        scores[kind] = model.score(X[30:], y[30:])
    assert scores["estimated"] > 0.98
    assert max(scores["zero"], scores["learned"]) < 0.5


@pytest.mark.parametrize("more", [{}, {"n_init": 2}], ids=str)
def test_levels_of_one_long_record(more):
    u = np.repeat(np.random.default_rng(0).standard_normal(40), 20)[:, None]
    y = tank_of(u, 2.0)
    params = {"washout": 20, "bptt_steps": 120, "time_axis": 0, "time_scale": 50}
    model = make("GRURegressor", max_iter=60, alpha=0.1, **params, **more)
    model.fit(u[:600], y[:600])
    assert model.score(u[600:], y[600:]) > 0.9
    assert r2_score(y[600:], model.predict(u[600:])) > 0.9


# ------------------------------------------------------------------------- gradient
def seen(x, y, early):
    """Rows as the network is to see them, written down once more."""
    rows = []
    for x_t, y_t, is_early in zip(x, y, early, strict=True):
        told = is_early and not np.isnan(y_t).any()
        rows.append([*x_t, *(y_t if told else np.zeros(len(y_t))), told])
    return np.array(rows, float)


def cells(name, w, n):
    """Function (h, c, x) -> (h, c) of one hidden layer with weights w."""

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def step(h, c, x):
        z, U = x @ w["weight_input"] + w["bias"], w["weight_recurrent"]
        if name == "GRURegressor":
            r, k = np.split(sigmoid(z[: 2 * n] + h @ U[:, : 2 * n]), 2)
            new = np.tanh(z[2 * n :] + r * (h @ U[:, 2 * n :] + w["bias_recurrent"]))
            return (1 - k) * new + k * h, c
        z = z + h @ U
        if name == "LSTMRegressor":
            o, i, f = np.split(sigmoid(z[: 3 * n]), 3)
            c = f * c + i * np.tanh(z[3 * n :])
            return o * np.tanh(c), c
        return np.tanh(z), c

    return step


def loss_by_hand(name, network, theta, windows, n=3):
    """Mean over the targets of half the squared errors behind each warm-up."""
    named = network.views(theta)
    w = {k.partition(".")[2]: v for k, v in named.items() if k.startswith("hidden0")}
    step, total, count = cells(name, w, n), 0, 0
    straight = named.get("output.skip")
    for x, y, n_early in windows:
        h, c = np.zeros(n), np.zeros(n)
        rows = seen(x, y, np.arange(len(x)) < n_early)
        for t, row in enumerate(rows):
            h, c = step(h, c, row)
            out = h @ named["output.weight"] + named["output.bias"]
            if straight is not None:
                lags = range(len(straight) // x.shape[1])
                past = [x[t - k] if t >= k else 0 * x[0] for k in lags]
                out = out + np.concatenate(past) @ straight
            if t >= n_early:
                error = (out - y[t])[~np.isnan(y[t])]
                total, count = total + 0.5 * (error * error).sum(), count + 1
    return total / count


@each
@pytest.mark.parametrize("bptt_steps", [None, 8])
@pytest.mark.parametrize("skip", [{}, {"skip": "linear", "skip_lags": 2}], ids=str)
def test_gradient_is_the_complex_step_of_the_equations(name, bptt_steps, skip):
    rng, lengths, washout = np.random.default_rng(1), np.array([20, 9, 3, 15]), 3
    starts = np.cumsum(lengths) - lengths
    x, y = rng.standard_normal((47, 2)), rng.standard_normal((47, 2))
    y[[1, 22, 30], [0, 1, 0]] = np.nan
    model = make(name, bptt_steps=bptt_steps, washout=washout, **skip)
    network = model._build(2, 2, None)
    weight = (np.arange(47) - np.repeat(starts, lengths) >= washout).astype(float)
    data = Dataset(
        np.pad(x, ((0, 0), (0, 3))), starts, lengths, y, weight, False,
        np.full(4, washout), warm_up=washout,
    )  # fmt: skip
    windows = []
    for start, length in zip(starts, lengths, strict=True):
        size = bptt_steps or length
        for first in range(0, max(length - washout, 1), max(size - washout, 1)):
            part = slice(start + first, start + min(first + size, length))
            windows.append((x[part], y[part], washout))
    objective = Objective(
        network, LOSSES["squared_error"](), 0, data.windows(bptt_steps)
    )
    theta = 0.6 * rng.standard_normal(network.size)
    value, grad = objective.loss_and_grad(theta)

    def by_hand(theta):
        return loss_by_hand(name, network, theta, windows)

    assert value == pytest.approx(by_hand(theta), rel=1e-12)
    assert_near(grad, complex_step(by_hand, theta), 1e-10)
    assert_near(objective.jacobian(theta).T @ objective.residuals(theta), grad, 1e-10)
    batches = list(Objective(
        network, LOSSES["squared_error"](), 0, data.windows(bptt_steps), 2
    ).minibatches())  # fmt: skip
    total = sum(w * v for w, v, _ in (batch(theta) for batch in batches))
    assert total / data.weight_sum == pytest.approx(value, rel=1e-12)


@each
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "lm"])
def test_the_loss_of_a_fit_is_that_of_the_equations(name, solver):
    X, y = tank(LENGTHS, n_outputs=2)
    y[0][1, 1] = np.nan
    params = {"alpha": 0.0, "solver": solver, "standardize": False}
    if solver == "adam":
        params |= {"batch_size": 5}
    model = make(name, missing_targets="ignore", max_iter=1, **params).fit(X, y)
    windows = [(x, out, 3) for x, out in zip(X, y, strict=True)]
    expected = loss_by_hand(name, model._network, model._theta, windows)
    if solver != "adam":  # whose loss is that before the step
        assert model.loss_ == pytest.approx(expected, rel=1e-10)
    w = model.weights_["hidden0.weight_input"]
    assert len(w) == 1 + 2 + 1 and w.all()
    found = r2_score(
        np.concatenate([out[3:] for out in y]),
        np.concatenate([p[3:] for p in model.predict(X, y_start=heads(y, 3))]),
    )
    assert model.score(X, y) == pytest.approx(found, rel=1e-10)


def test_dropout_and_stacks_learn_it_too():
    X, y = tank(LENGTHS * 3)
    model = make("GRURegressor", hidden_layer_sizes=(3, 2), solver="adam", dropout=0.2)
    model.fit(X, y)
    assert model.weights_["hidden0.weight_input"].shape[0] == 3
    assert model.weights_["hidden1.weight_input"].shape[0] == 3
    assert np.isfinite(model.score(X, y))


# ----------------------------------------------------------------- what is held out
def held_out(lengths, washout):
    n = sum(lengths)
    data = Dataset(
        np.zeros((n, 3)), np.cumsum(lengths) - lengths, np.array(lengths),
        1.0 + np.arange(n)[:, None], np.ones(n), False,
        np.full(len(lengths), washout), warm_up=washout,
    )  # fmt: skip
    return data.hold_out(0.25, None)


def test_the_end_of_a_sequence_is_held_out_behind_a_warm_up():
    training, validation = held_out([40], 5)
    batch = validation.batch([0])
    assert validation.starts == [25] and validation.lengths == [15]
    shown = np.arange(15) < 5
    assert np.array_equal(batch.x[:, 2], shown)
    assert np.array_equal(batch.x[:, 1], np.where(shown, 26.0 + np.arange(15), 0))
    assert np.array_equal(batch.weight > 0, ~shown)
    assert np.array_equal(training.batch([0]).x[:, 2], np.arange(30) < 5)


def test_whole_sequences_are_held_out_behind_their_washout():
    _, validation = held_out([10, 10, 10, 8], 2)
    assert np.array_equal(validation.batch([0]).x[:, 2], np.arange(8) < 2)


def test_residuals_are_those_behind_the_warm_up():
    X, y = tank(LENGTHS)
    model = make("GRURegressor").fit(X, y)
    predicted = model.predict(X, y_start=heads(y, 3))
    expected = [(a - b)[3:] for a, b in zip(y, predicted, strict=True)]
    found = model._residuals.values[:, 0] * model._y_scaler.scale
    assert_near(np.sort(found), np.sort(np.concatenate(expected)), 1e-10)
    # Of a very long sequence the end is looked at, behind a warm-up of that length.
    (u,), (out,) = tank([2 * MOST + 100])
    model.set_params(max_iter=1).fit([u], [out])
    rest = model.predict([u[100:]], y_start=[out[100:103]])[0][3:]
    expected = (out[103:] - rest) / model._y_scaler.scale
    assert_near(model._residuals.values[:, 0], expected, 1e-10)


# ------------------------------------------------------------------------- streaming
@each
@pytest.mark.parametrize("n_ensemble", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_past_in_any_cutting_is_one_past(name, n_ensemble, dtype):
    X, y = tank([12] * 6, n_outputs=2)
    X, y = np.array(X, dtype), np.array(y, dtype)
    model = make(name, n_init=2, n_ensemble=n_ensemble).fit(X, y)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    # Beginning at step 2, of which the state is made of steps 2 to 4
    whole, end = model.predict(X[:, 2:], y_start=y[:, 2:5], return_state=True)
    assert whole.dtype == dtype and np.array_equal(whole[:, :3], y[:, 2:5])
    for first in (0, 1, 2):
        state = model.warm_up(X[:, first:5], y[:, first:5])
        assert_near(model.predict(X[:, 5:], state=state), whole[:, 3:], tolerance)
    before = model.warm_up(X[:, :3], y[:, :3])
    state = model.warm_up(X[:, 2:5], y[:, 2:5], state=before)
    rows = []
    for t in range(5, 12):
        part, state = model.predict(X[:, t : t + 1], state=state, return_state=True)
        rows.append(part)
    assert_near(np.concatenate(rows, axis=1), whole[:, 3:], tolerance)
    assert end.n_steps == (10,) * 6 and state.n_steps == (13,) * 6

    # A score is that of these predictions, behind the washout.
    def r2(y_pred, first):
        return r2_score(y[:, first:].reshape(-1, 2), y_pred.reshape(-1, 2))

    fresh = model.predict(X, y_start=y[:, :3])[:, 3:]
    assert model.score(X, y) == pytest.approx(r2(fresh, 3), abs=100 * tolerance)
    state = model.warm_up(X[:, 2:5], y[:, 2:5])
    found = model.score(X[:, 5:], y[:, 5:], state=state)
    assert found == pytest.approx(r2(whole[:, 6:], 8), abs=100 * tolerance)


@each
def test_predictions_follow_the_equations(name):
    X, y = tank(LENGTHS)
    model = make(name, standardize=False).fit(X, y)
    named = model.weights_
    w = {k.partition(".")[2]: v for k, v in named.items() if k.startswith("hidden0")}
    step = cells(name, w, 3)
    start = [out[: k % 3 + 1] for k, out in enumerate(y)]
    with pytest.warns(UserWarning, match=f"4 of 5 sequence.s. {NOTHING}"):
        predicted = model.predict(X, y_start=start)
    for k, (x, out) in enumerate(zip(X, y, strict=True)):
        h, c, n = np.zeros(3), np.zeros(3), k % 3 + 1
        for t, row in enumerate(seen(x, out[:, None], np.arange(len(x)) < n)):
            h, c = step(h, c, row)
            if t >= n:
                expected = h @ named["output.weight"] + named["output.bias"]
                assert predicted[k][t] == pytest.approx(expected[0], rel=1e-10)


def test_outputs_that_are_missing_are_not_shown():
    X, y = tank([12] * 6, n_outputs=2)
    y[0][1, 0] = np.nan
    model = make("GRURegressor", missing_targets="ignore").fit(X, y)
    start = np.array(heads(y, 3))
    found = model.predict(X, y_start=start)
    assert np.isfinite(found[0]).all() and found[0][1, 1] == y[0][1, 1]
    start[0, 1] = np.nan  # of a step with a gap nothing is seen
    assert np.array_equal(model.predict(X, y_start=start)[0][4:], found[0][4:])
    start[0, 1] = 0.0
    assert np.abs(model.predict(X, y_start=start)[0][4:] - found[0][4:]).max() > 1e-6


# ---------------------------------------------------------------------------- tables
def test_the_end_of_a_table_is_remembered_with_its_outputs():
    u, y = table()
    frame = pd.DataFrame({"u": u[:, 0]}, index=pd.RangeIndex(90))
    model = make("LSTMRegressor", time_axis=0).fit(frame[:60], y[:60])
    state = model.warm_up(frame[:60], y[:60])
    expected = model.predict(frame[60:], state=state)
    assert np.array_equal(model.predict(frame[60:]), expected)
    expected = r2_score(y[63:], model.predict(frame[60:], y_start=y[60:63])[3:])
    assert model.score(frame[60:], y[60:]) == pytest.approx(expected)
    with pytest.warns(UserWarning, match=f"1 of 1 sequence.s. {NOTHING}"):
        model.predict(frame[:60])  # the rows of fit begin anew
    with pytest.warns(UserWarning, match=NOTHING):
        model.set_params(carry_state=False).predict(frame[60:])


def test_sequences_of_a_table():
    u, y = table()
    X = np.column_stack([u, np.repeat([1.0, 2.0, 3.0], 30)])
    model = make("GRURegressor", time_axis=0, sequence_column=1).fit(X[:60], y[:60])
    rows = np.array([[0.3, 2.0], [0.1, 3.0], [0.2, 3.0]])
    with pytest.warns(UserWarning, match=f"1 of 2 sequence.s. {NOTHING}"):
        model.predict(rows)
    with pytest.warns(UserWarning, match=f"1 of 2 sequence.s. {NOTHING}"):
        found = model.predict(rows, y_start=[[0.5], [0.4]])
    assert found.shape == (3,) and found[0] == 0.5 and found[1] == 0.4


@pytest.mark.parametrize("column", [{}, {"sequence_column": 1}], ids=str)
def test_backtests_show_what_was_measured(column):
    u, y = table()
    X = np.column_stack([u, np.repeat([1.0, 2.0], 45)]) if column else u
    model = make("GRURegressor", time_axis=0, **column)
    test = np.arange(45 if column else 60, 90)
    splits, origins = [(np.arange(test[0]), test)], test[:-2:3]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        result = backtest(model, X, y, horizon=3, cv=splits, stride=3)
    # The second sequence begins with its first origin.
    assert sum(NOTHING in str(w.message) for w in told) == bool(column)
    model.fit(X[: test[0]], y[: test[0]])
    for k, origin in enumerate(origins):
        if not column or k:
            past = slice(origin - 3, origin)
            state = model.warm_up(X[past], y[past])
            expected = model.predict(X[origin : origin + 3], state=state)
            assert_near(result.y_pred[3 * k : 3 * k + 3], expected, 1e-12)


def test_forecasts_are_refused():
    u, y = table()
    model = make("GRURegressor", time_axis=0).fit(y[:-1, None], y[1:])
    with pytest.raises(ValueError, match="X itself holds what was measured"):
        model.forecast(y[:-1, None], 3)
    with pytest.raises(ValueError, match="X itself holds what was measured"):
        backtest(model, y[:-1, None], y[1:], horizon=3, cv=2)


# ----------------------------------------------------------------------- diagnostics
@pytest.mark.parametrize("params", [{}, {"n_init": 2, "n_ensemble": 2}], ids=str)
def test_attribution_is_the_derivative_of_predictions(params):
    u, y = table()
    model = make("GRURegressor", time_axis=0, skip="linear", skip_lags=1, **params)
    model.fit(u[:60], y[:60])
    rows = u[60:66]
    gradient = attribution(model, rows)
    assert gradient.shape == (1, 1, 6, 1)
    for lag in range(6):
        ends = []
        for shift in (1e-5, -1e-5):
            moved = rows.copy()
            moved[5 - lag] += shift
            ends.append(model.predict(moved)[-1])
        numeric = (ends[0] - ends[1]) / 2e-5
        assert gradient[0, 0, lag, 0] == pytest.approx(numeric, abs=1e-8)
    if not params:
        assert np.isfinite(gradient_flow(model, rows, y[60:66]).delta_norm).all()
    with pytest.warns(UserWarning, match=NOTHING):
        attribution(model, u[:60])


def test_the_linear_path_sees_the_channels_alone():
    X, y = tank([30] * 8)
    params = {"skip": "linear", "skip_lags": 2, "washout": 4}
    model = make("RNNRegressor", **params, max_iter=1, alpha=1e12).fit(X, y)
    plain = make("RNNRegressor", initial_state="zero", **params, max_iter=1, alpha=1e12)
    assert model.weights_["output.skip"].shape == (3, 1)
    expected = plain.fit(X, y).weights_["output.skip"]
    assert_near(model.weights_["output.skip"], expected, 1e-3)


# ----------------------------------------------------------------- refused, warned of
def test_what_fit_refuses():
    X, y = tank(LENGTHS)
    with pytest.raises(ValueError, match="measured during the washout, and washout=0"):
        make("GRURegressor", washout=0, bptt_steps=8).fit(X, y)
    with pytest.raises(ValueError, match="bptt_steps=3 leaves nothing"):
        make("GRURegressor", bptt_steps=3).fit(X, y)
    with pytest.raises(ValueError, match="skip_lags=4 reaches beyond the warm-up"):
        make("GRURegressor", skip="linear", skip_lags=4).fit(X, y)
    make("GRURegressor", skip="linear", skip_lags=3, bptt_steps=6).fit(X, y)
    with pytest.raises(ValueError, match="one target per sequence"):
        make("GRURegressor").fit(X, [out[-1] for out in y])
    model = make("GRURegressor").fit(X, y)
    with pytest.raises(ValueError, match="the fitted model has"):
        model.set_params(warm_start=True, initial_state="zero").fit(X, y)
    assert model.predict(X, y_start=heads(y, 3))[0].shape == (9,)  # as it was fitted


def test_what_predict_refuses():
    X, y = tank(LENGTHS)
    model = make("GRURegressor").fit(X, y)
    with pytest.raises(ValueError, match="y_start holds 4 outputs for sequence 0"):
        model.predict(X, y_start=heads(y, 4))
    with pytest.raises(ValueError, match="y_start or the state before X, not both"):
        model.predict(X, y_start=heads(y, 3), state=model.warm_up(X, y))
    with pytest.raises(ValueError, match="the last 3 steps of a past alone.*X has 2"):
        model.warm_up(heads(X, 2), heads(y, 2), state=model.warm_up(X, y))
    with pytest.raises(ValueError, match="y_start must hold the outputs at the first"):
        model.predict(X, y_start=y[0][:2])
    with pytest.raises(ValueError, match=r"shape \(2, 2\); expected \(n_start, 1\)"):
        model.predict(X, y_start=[np.zeros((2, 2))] * 5)
    with pytest.raises(ValueError, match="NaN"):
        model.predict(X, y_start=[[np.nan]] * 5)
    with pytest.raises(ValueError, match="lags reach over 4"):
        lagged = make("GRURegressor", skip="linear", skip_lags=3).fit(X, y)
        lagged.predict(heads(X, 3), y_start=heads(y, 3))
    with pytest.raises(ValueError, match="has no use for it"):
        make("GRURegressor", initial_state="zero").fit(X, y).predict(X, y_start=y)


def test_a_beginning_that_nobody_told_is_warned_of():
    X, y = tank(LENGTHS)
    model = make("GRURegressor").fit(X, y)
    everything = f"5 of 5 sequence.s. {NOTHING}"
    for call in (
        lambda: model.predict(X),
        lambda: model.warm_up(X),
        lambda: model.predict(X, y_start=[[]] * 5),
        lambda: model.warm_up(heads(X, 2), heads(y, 2)),
    ):
        with pytest.warns(UserWarning, match=everything):
            call()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.warm_up(X, state=model.warm_up(X, y))
        model.score(X, y)


def test_searches_over_records():
    X, y = tank([20] * 12)
    X, y = np.array(X), np.array(y)[..., None]
    grid = {"initial_state": ["zero", "estimated"]}
    search = GridSearchCV(make("GRURegressor", max_iter=40), grid, cv=KFold(3))
    assert search.fit(X, y).best_params_ == {"initial_state": "estimated"}
