"""standardize="differences": changes are learnt, and added to the newest value."""

import pickle

import numpy as np
import pytest
from estimators import NAMES, forms
from estimators import make as small
from helpers import assert_near, central_difference
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import sk_rnn
from sk_rnn import AutoRegressor, GRURegressor, NARXRegressor, TDNNRegressor
from sk_rnn.data._dataset import Dataset
from sk_rnn.data._level import _told_by_level, wanders
from sk_rnn.datasets import load_air_passengers
from sk_rnn.inspection import AttributionDisplay, attribution, gradient_flow
from sk_rnn.model_selection import backtest
from sk_rnn.preprocessing import make_windows

NAMES = [name for name in NAMES if name != "NARXRegressor"]
NETWORKS = [name for name in NAMES if name != "AutoRegressor"]
each = pytest.mark.parametrize("name", NAMES)
each_form = pytest.mark.parametrize("form", forms())


def make(name, **params):
    return small(name, **{"standardize": "differences"} | params)


#: Lags in the shortest sequences of `forms`, of 3 steps: 2 changes.
SHORT = {"TDNNRegressor": {"n_lags": 1}}


def data(form, n_outputs=1, own=None):
    """X, y, parameters; sequences (n_steps_i, n_channels) of X, and y of each.

    With one output, the channel `own` is the one that it is taken for a value of, and
    the other an input whose level matters.
    """
    X, y, params = forms(n_outputs)[form]
    if n_outputs == 1:
        column = 2 if form == "table of records" and own else own
        params = params | {"target_columns": column}
    sequences, targets = X, y
    if form.startswith(("rows", "array")):
        sequences = list(np.reshape(X, (len(X), 6, 2)))
    elif form == "table":
        sequences, targets = [X], [y]
    elif form == "table of records":
        sequences = [X[X[:, 1] == k][:, [0, 2]] for k in (3, 1, 2)]
        targets = [y[X[:, 1] == k] for k in (3, 1, 2)]
    return X, y, params | {"lags": True}, sequences, targets


def by_hand(sequences, y, channels):
    """Changes in standard units, and how outputs in such units become levels."""
    columns = sorted(set(channels))
    known, changes = [], []
    for x in sequences:
        d = np.array(x)
        d[1:, columns] = np.diff(x[:, columns], axis=0)
        known.append(d[1:])
        changes.append(d)
    mean, scale = (f(np.concatenate(known), axis=0) for f in (np.mean, np.std))
    for k in set(range(2)) - set(columns):
        of_all = np.concatenate(sequences)[:, k]
        mean[k], scale[k] = of_all.mean(), of_all.std()
    changes = [(d - mean) / scale for d in changes]
    for d in changes:
        d[0, columns] = 0
    is_last = np.ndim(y[0]) == 0 or len(y[0]) != len(sequences[0])
    newest = [x[-1:, channels] if is_last else x[:, channels] for x in sequences]
    rises = [np.reshape(b, a.shape) - a for a, b in zip(newest, y, strict=True)]
    shift, unit = (f(np.concatenate(rises), axis=0) for f in (np.mean, np.std))
    rises = [(rise - shift) / unit for rise in rises]

    def levels(outputs):
        outputs = [np.reshape(o, a.shape) for o, a in zip(outputs, newest, strict=True)]
        pairs = zip(outputs, newest, strict=True)
        return np.concatenate([o * unit + shift + a for o, a in pairs])

    targets = np.concatenate(rises) if is_last else rises
    return changes, targets, levels


def flat(y, n_outputs):
    return np.concatenate([np.reshape(part, (-1, n_outputs)) for part in y])


# -------------------------------------------------------------------------- by hand
@pytest.mark.parametrize("name", NETWORKS)
@each_form
@pytest.mark.parametrize("own", [0, 1, None])
def test_it_is_a_plain_fit_of_changes_made_by_hand(name, form, own):
    n_outputs = 2 if own is None else 1
    X, y, params, sequences, targets = data(form, n_outputs, own)
    channels = [0, 1] if own is None else [own]
    changes, rises, levels = by_hand(sequences, targets, channels)
    lags = {"lags": True} | SHORT.get(name, {})
    plain = small(name, standardize=False, **lags).fit(changes, rises)
    expected = levels(plain.predict(changes))
    model = make(name, carry_state=False, **params | lags).fit(X, y)
    assert_near(flat(model.predict(X), n_outputs), expected, 1e-6)
    assert_near(model.loss_, plain.loss_, 1e-6)


@each_form
@pytest.mark.parametrize("own", [0, 1, None])
def test_autoregressor_is_least_squares_of_changes(form, own):
    n_outputs = 2 if own is None else 1
    X, y, params, sequences, targets = data(form, n_outputs, own)
    columns = [0, 1] if own is None else [own]
    model = make("AutoRegressor", carry_state=False, **params).fit(X, y)
    rows, wanted, newest = [], [], []
    for x, part in zip(sequences, targets, strict=True):
        d = np.array(x)
        d[1:, columns] -= x[:-1, columns]
        is_last = np.size(part) == n_outputs
        part = np.reshape(part, (-1, n_outputs))
        for t in [len(x) - 1] if is_last else range(2, len(x)):
            rows.append([*d[t], *d[t - 1], 1])
            wanted.append(part[0 if is_last else t] - x[t, columns])
            newest.append([*x[t], *x[t - 1], *x[t - 2]])
    beta = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    residual = np.array(wanted) - rows @ beta
    assert_near(model.noise_covariance_, residual.T @ residual / len(rows), 1e-9)
    # The same model of levels, with one lag more.
    assert model.lag_coef_.shape == (3, n_outputs, 2)
    coef = model.lag_coef_.transpose(0, 2, 1).reshape(6, n_outputs)
    expected = rows @ beta + np.array(newest)[:, columns]
    found = newest @ coef + model.intercept_
    assert_near(found, expected, 1e-9)
    if form == "rows":
        y_pred = X @ np.atleast_2d(model.coef_).T + model.intercept_
        assert_near(y_pred, model.predict(X).reshape(-1, n_outputs), 1e-10)


#: statsmodels 0.15, log of the air passengers: AutoReg(np.diff(log), 3).fit() has
#: these params, sigma2, aic and bic; with them ARIMA(log, order=(3, 1, 0), trend="t")
#: forecasts these means and standard errors.
STORED = [0.0094414952, 0.22161137, -0.14938801, -0.09901213]
STORED_CRITERIA = [0.010535152399662906, -230.1224979142883, -215.41428580124176]
STORED_MEAN = [6.135131013910495, 6.160635863476368, 6.155637685235551]
STORED_ERROR = [0.10264089048553167, 0.16204049484302332, 0.19875597851438656]


def passengers():
    return np.log(load_air_passengers().data.reshape(-1, 1))


def test_stored_results_of_statsmodels():
    series = passengers()
    model = table_of("AutoRegressor", series, n_lags=3, target_columns=0)
    steps = np.cumsum(model.lag_coef_[:3, 0, 0] - [1, 0, 0])
    assert_near([model.intercept_, *steps], STORED, 1e-7)
    found = [*model.noise_variance_, model.aic_, model.bic_]
    assert_near(found, STORED_CRITERIA, 1e-10)
    y, std = model.forecast(series, 3, return_std=True)
    assert_near(y, STORED_MEAN, 1e-10)
    assert_near(std, STORED_ERROR, 1e-10)
    band = model.forecast(series, 3, quantiles=(0.025, 0.975))[1]
    assert_near(band[:, 1] - band[:, 0], 2 * 1.959963984540054 * std, 1e-12)


@pytest.mark.parametrize("n_lags", [1, 2, 12])
def test_forecast_law_is_that_of_arima(n_lags):
    arima = pytest.importorskip(
        "statsmodels.tsa.arima.model", reason="the live comparison needs statsmodels"
    )
    series = passengers()
    model = table_of("AutoRegressor", series, n_lags=n_lags)
    steps = np.cumsum(model.lag_coef_[:-1, 0, 0] - np.eye(n_lags)[0])
    params = [model.intercept_[0] / (1 - steps.sum()), *steps]
    theirs = arima.ARIMA(series, order=(n_lags, 1, 0), trend="t")
    theirs = theirs.filter([*params, model.noise_variance_[0]]).get_forecast(24)
    y, std = model.forecast(series, 24, return_std=True)
    assert_near(y[:, 0], theirs.predicted_mean, 1e-8)
    assert_near(std[:, 0], theirs.se_mean, 1e-8)


def test_sampled_paths_have_the_law_of_changes():
    series = passengers()
    model = table_of("AutoRegressor", series, n_lags=3)
    _, std = model.forecast(series, 8, return_std=True)
    params = {"n_paths": 20000, "random_state": 0, "return_paths": True}
    _, paths = model.forecast(series, 8, **params)
    assert_near(paths.std(axis=-1), std, 0.02)


# ------------------------------------------------------------------ level and trend
def walk(n=150, n_channels=1, seed=0):
    steps = np.random.default_rng(seed).standard_normal((n, n_channels))
    return np.cumsum(steps, axis=0)


def table_of(name, series, **params):
    lags = {"lags": name in ("TDNNRegressor", "AutoRegressor"), "time_axis": 0}
    y = series[1:, 0] if "target_columns" in params else series[1:]
    return make(name, **lags, **params).fit(series[:-1], y)


@each
@each_form
def test_a_constant_goes_straight_through(name, form):
    """To series seen in fit and to others; not to the inputs whose level matters."""
    X, y, params, *_ = data(form, own=0)
    params |= SHORT.get(name, {})
    model = make(name, carry_state=False, **params).fit(X, y)
    shift = np.zeros(3 if form == "table of records" else 2)
    shift[0] = 1e4
    shift = np.tile(shift, 6) if form.startswith("rows") else shift
    moved = [x + shift for x in X] if isinstance(X, list) else X + shift
    y_pred = flat(model.predict(X), 1)
    assert_near(flat(model.predict(moved), 1) - 1e4, y_pred, 1e-10)
    moved_y = [part + 1e4 for part in y] if isinstance(y, list) else y + 1e4
    again = clone(model).fit(moved, moved_y)
    assert_near(flat(again.predict(X), 1), y_pred, 1e-6)
    assert_near(flat(again.predict(moved), 1) - 1e4, y_pred, 1e-6)
    other = shift / 1e4
    other = np.roll(other, 1 if len(other) == 2 or len(other) == 12 else 2)
    moved = [x + other for x in X] if isinstance(X, list) else X + other
    assert np.abs(flat(model.predict(moved), 1) - y_pred).max() > 1e-3


@each
def test_forecasts_rise_with_the_history(name):
    series = walk()
    model = table_of(name, series)
    more = {"quantiles": (0.1, 0.9), "random_state": 0, "n_paths": 50}
    y, band = model.forecast(series, 12, **more)
    moved, moved_band = model.forecast(series + 1e3, 12, **more)
    assert_near(moved - 1e3, y, 1e-10)
    assert_near(moved_band - 1e3, band, 1e-10)
    # They are predictions fed back, one by one.
    state, fed = model.warm_up(series[:-1]), [series[-1:]]
    for _ in range(12):
        y_pred, state = model.predict(fed[-1], state=state, return_state=True)
        fed.append(y_pred)
    assert_near(y, np.concatenate(fed[1:]), 1e-12)


@each
def test_a_trend_goes_on_beyond_what_was_seen(name):
    t = np.arange(300)
    series = (0.5 * t + 3 * np.sin(0.4 * t))[:, None]
    params = {"time_axis": 0, "lags": name in ("TDNNRegressor", "AutoRegressor")}
    params |= {} if name == "AutoRegressor" else {"max_iter": 150}
    model = make(name, **params).fit(series[:149], series[1:150])
    error = np.abs(model.predict(series[149:-1])[:, 0] - series[150:, 0]).max()
    assert error < 2.5  # of a series that rises by 75 meanwhile
    n_steps = 10 if name == "TDNNRegressor" else 60
    y = model.forecast(series[:150], n_steps)[:, 0]
    assert np.abs(y - series[150 : 150 + n_steps, 0]).max() < 3
    if name != "AutoRegressor":  # which is linear, and goes on in any units
        plain = small(name, standardize=True, **params).fit(series[:149], series[1:150])
        y_pred = plain.predict(series[149:-1])[:, 0]
        assert np.abs(y_pred - series[150:, 0]).max() > 5 * error


def test_a_line_has_changes_without_variation():
    series = 1e3 + 0.1 * np.arange(60)[:, None]
    model = table_of("GRURegressor", series)
    # What rounding makes of them is none.
    assert model._x_scaler.scale == 1 and model._y_scaler.scale == 1
    assert_near(model.forecast(series, 5)[:, 0], 1006 + 0.1 * np.arange(5), 1e-8)


@pytest.mark.parametrize("name", ["GRURegressor", "TDNNRegressor", "AutoRegressor"])
def test_single_precision_keeps_a_small_signal_on_a_large_offset(name):
    series = np.round(8 * walk(200)) / 8
    far = (series + 2**20).astype(np.float32)  # exact, in eighths
    model = table_of(name, far, carry_state=False)
    assert model._theta.dtype == np.float32
    y_pred = model.predict(far)
    assert y_pred.dtype == np.float32
    double = table_of(name, series + 2**20, carry_state=False)
    assert_near(double._differencing.x.scale, model._differencing.x.scale, 1e-6)
    expected = double.predict(series + 2**20)
    # A number of this size is given to an eighth; training in float32 is another.
    assert np.abs(y_pred.astype(float) - expected).max() < 0.5


def test_what_has_no_weight_leaves_no_trace():
    X = [walk(n, seed=n) for n in (9, 8, 12, 7, 6, 10)]
    y = np.array([x[-1, 0] + np.sin(x[-2, 0]) for x in X])
    far, far_y = [1e20 * x for x in X[:2]], 1e20 * y[:2]
    weight = np.array([1.0] * 6 + [0, 0])
    model = make("AutoRegressor", n_lags=1)
    alone = clone(model).fit(X, y)
    model.fit(X + far, [*y, *far_y], weight)
    assert_near(model.lag_coef_, alone.lag_coef_, 1e-12)
    assert_near(model._x_scaler.scale, alone._x_scaler.scale, 1e-12)
    single = [x[:1] for x in X]
    with pytest.raises(ValueError, match=r"more than one step\. Set"):
        model.fit(single + far, [*y, *far_y], weight)


def test_data_behind_the_first_steps():
    starts, lengths, skip = np.array([[0, 1, 4], [1, 3, 2], [0, 2, 0]])
    arrays = {"x": np.zeros((6, 1)), "y": np.zeros((6, 1)), "weight": np.ones(6)}
    data = Dataset(**arrays, starts=starts, lengths=lengths, last=False, skip=skip)
    found = data.behind(1)
    assert found.starts.tolist() == [2, 5] and found.lengths.tolist() == [2, 1]
    assert found.skip.tolist() == [1, 0]


# ----------------------------------------------------------------------- many outputs
def test_horizons_of_one_channel():
    series = walk(120)[:, 0]
    X, y = make_windows(series, 8, horizon=[1, 2, 5])
    model = make("TDNNRegressor").fit(X, y)
    assert_near(model.predict(X + 500) - 500, model.predict(X), 1e-10)
    rises = y - X[:, -1:]
    assert_near(model._y_scaler.scale, rises.std(axis=0), 1e-12)
    # Of several channels it is to be named, once for all.
    two = np.stack([X, X[::-1]], axis=2)
    with pytest.raises(ValueError, match=r"2 channels, y 3 output.*target_columns"):
        make("GRURegressor").fit(two, y)
    model = make("GRURegressor", target_columns=0).fit(two, y)
    assert_near(model.predict(two + [500, 0]) - 500, model.predict(two), 1e-10)
    with pytest.raises(ValueError, match="one column of X for each output"):
        model.forecast(two, 2)


def test_channels_may_be_named_in_any_order():
    series = walk(120, 3)
    params = {"time_axis": 0, "target_columns": [2, 0], "carry_state": False}
    model = make("GRURegressor", **params).fit(series[:-1], series[1:, [2, 0]])
    moved = model.predict(series + [10, 0, 200])
    assert_near(moved - [200, 10], model.predict(series), 1e-10)
    known = walk(9, 3, seed=1)
    y = model.forecast(series, 10, known)
    moved = model.forecast(series + [10, 0, 200], 10, known)
    assert_near(moved - [200, 10], y, 1e-10)
    with pytest.raises(ValueError, match="next value of channel 2"):
        make("GRURegressor", time_axis=0).fit(series[:-1], series[1:, [2, 1, 0]])


# ----------------------------------------------------------------------------- states
@each
@pytest.mark.parametrize("n_ensemble", [1, 2])
def test_states_go_on_in_any_cutting(name, n_ensemble):
    if name == "AutoRegressor" and n_ensemble > 1:
        return  # is no mean of several
    more = {} if name == "AutoRegressor" else {"n_init": 2, "n_ensemble": n_ensemble}
    series = walk(60, 2)
    model = table_of(name, series[:40], **more)
    whole = model.predict(series[39:])  # behind the rows of fit
    state = model.warm_up(series[:39])
    for cuts in ([39, 60], [39, 40, 41, 50, 60], list(range(39, 61))):
        found, own = [], state
        for a, b in zip(cuts, cuts[1:], strict=False):
            y, own = model.predict(series[a:b], state=own, return_state=True)
            found.append(y)
        assert_near(np.concatenate(found), whole, 1e-12)
    fresh = pickle.loads(pickle.dumps(model)).set_params(carry_state=False)
    assert_near(fresh.predict(series)[39:], whole, 1e-12)


def test_new_sequences_of_a_table_start_afresh_and_others_go_on():
    X, y, params, *_ = data("table of records", own=0)
    model = make("GRURegressor", **params).fit(X, y)
    more = np.array([[5.0, 1, 0.3], [6.0, 1, 0.1], [100.0, 9, 0.2]])
    found = model.predict(more)
    alone = clone(model).set_params(carry_state=False).fit(X, y)
    assert_near(alone.predict(more[[2]]), found[[2]], 1e-12)
    joined = np.concatenate([X[X[:, 1] == 1], more[:2]])
    assert_near(alone.predict(joined)[-2:], found[:2], 1e-12)


def test_sequences_of_single_steps_among_others():
    X = [walk(n, seed=n) for n in (1, 5, 1, 9, 2)]
    y = [x[:, 0] + 1 for x in X]
    for name in ("GRURegressor", "LSTMRegressor"):
        y_pred = make(name, alpha=0, max_iter=100).fit(X, y).predict(X)
        assert_near(flat(y_pred, 1)[:, 0], np.concatenate(y), 0.01)


# --------------------------------------------------------------- with all else there is
def test_backtest_and_its_paths():
    series = walk(80)
    model = make("GRURegressor", time_axis=0, target_columns=0)
    params = {"horizon": 4, "stride": 3, "quantiles": (0.1, 0.9), "n_paths": 30}
    found = backtest(model, series[:-1], series[1:, 0], random_state=0, **params)
    moved = backtest(
        model, series[:-1] + 50, series[1:, 0] + 50, random_state=0, **params
    )
    assert_near(moved.y_pred - 50, found.y_pred, 1e-4)
    assert_near(moved.y_quantiles - 50, found.y_quantiles, 1e-3)
    # Once fitted, it forecasts from all that came before.
    seen = found.origin.min()
    model.fit(series[:seen], series[1 : seen + 1, 0])
    y = model.forecast(series[: seen + 1], 4)
    assert_near(found.y_pred[found.origin == seen], y, 1e-12)


@each
@pytest.mark.parametrize("form", ["rows", "list, y per step", "table"])
def test_what_was_not_observed_does_not_count(name, form):
    X, y, params, *_ = data(form, own=0)
    params |= SHORT.get(name, {})
    gone = [part.copy() for part in y] if isinstance(y, list) else y.copy()
    weight = [np.ones(len(p)) for p in y] if isinstance(y, list) else np.ones(len(y))
    for part, w in (
        zip(gone, weight, strict=True) if isinstance(y, list) else ((gone, weight),)
    ):
        part[3::4], w[3::4] = np.nan, 0
    model = make(name, missing_targets="ignore", **params)
    y_pred = flat(model.fit(X, gone).predict(X), 1)
    weighted = flat(make(name, **params).fit(X, y, weight).predict(X), 1)
    if form != "rows":  # a row without weight is none, and has no part in the units
        assert_near(y_pred, weighted, 1e-6)
    assert np.isfinite(y_pred).all()


def test_early_stopping_restarts_bptt_and_solvers():
    series = walk(200)
    for name, more in [
        ("GRURegressor", {"early_stopping": True, "n_init": 2, "n_ensemble": 2}),
        ("RNNRegressor", {"bptt_steps": 20, "solver": "adam", "dropout": 0.1}),
        ("LSTMRegressor", {"solver": "lm", "max_iter": 5}),
        ("TDNNRegressor", {"solver": "lm", "skip": "linear", "max_iter": 5}),
        ("GRURegressor", {"skip": "linear", "skip_lags": 2}),
    ]:
        model = table_of(name, series, carry_state=False, **more)
        assert model.score(series[:-1], series[1:]) > 0.9
        assert_near(model.predict(series + 99) - 99, model.predict(series), 1e-10)
        y, band = model.forecast(series, 3, quantiles=(0.05, 0.95), n_paths=200)
        spread = band[0, 0, 1] - band[0, 0, 0]
        assert 2 < spread < 5  # 3.3 standard deviations of a change


@pytest.mark.parametrize("name", ["GRURegressor", "TDNNRegressor"])
def test_the_linear_path_begins_at_the_solution_for_changes(name):
    series = walk(80, 2)
    lags = "n_lags" if name == "TDNNRegressor" else "skip_lags"
    start = {"solver": "adam", "learning_rate_init": 1e-30, "max_iter": 1, "tol": 0}
    params = start | {"skip": "linear", lags: 2, "hidden_layer_sizes": 3}
    model = table_of(name, series, carry_state=False, **params)
    linear = table_of("AutoRegressor", series, carry_state=False, n_lags=3)
    assert_near(model.predict(series), linear.predict(series), 1e-10)


def test_warm_start_goes_on_and_refuses_other_differences():
    series = walk(100, 2)
    params = {"warm_start": True, "target_columns": 0, "standardize": "differences"}
    more = {"time_axis": 0, "carry_state": False, "max_iter": 5}
    model = make("GRURegressor", **params | more)
    model.fit(series[:-1], series[1:, 0])
    first = model.loss_
    model.fit(series[:-1], series[1:, 0])
    assert model.loss_ < first
    before = model.predict(series)
    for other in ({"target_columns": 1}, {"standardize": True}):
        changed = pickle.loads(pickle.dumps(model)).set_params(**other)
        y = series[1:, other.get("target_columns", 0)]
        with pytest.raises(ValueError, match="Training cannot go on: the fitted"):
            changed.fit(series[:-1], y)
        assert np.array_equal(changed.set_params(**params).predict(series), before)


def test_logs_outside_of_it_make_growth_rates():
    t = np.arange(120)
    series = np.exp(0.05 * t + 0.1 * np.sin(0.5 * t))[:, None]
    model = make("GRURegressor", time_axis=0, max_iter=100)
    model = make_pipeline(FunctionTransformer(np.log), model)
    model = TransformedTargetRegressor(model, func=np.log, inverse_func=np.exp)
    model.fit(series[:79], series[1:80, 0])
    y = sk_rnn.forecast(model, series[:80], 20)
    assert np.abs(np.log(y / series[80:100, 0])).max() < 0.15


# ------------------------------------------------------------------------- inspection
@each
def test_attribution_is_the_derivative_of_predict(name):
    X, y, params, *_ = data("list, y per step", own=0)
    model = make(name, **params | SHORT.get(name, {})).fit(X, y)
    found = attribution(model, X, n_lags=12)
    for x, gradient in zip(X, found, strict=True):
        numeric = central_difference(lambda v: model.predict([v])[0][-1], x, 1e-5)
        assert_near(gradient[0, : len(x)], numeric[::-1], 1e-6)
        assert not gradient[0, len(x) :].any()
    # A constant added to the series is added to the prediction.
    assert_near(found[:, 0, :, 0].sum(axis=1), np.ones(len(X)), 1e-10)
    model = table_of(name, walk(50), carry_state=False)
    assert attribution(model, walk(50), n_lags=4, n_targets=5).shape == (5, 1, 4, 1)


def test_diagnostics_run_through_it():
    X, y, params, *_ = data("list, y per step", own=0)
    more = {"skip": "linear", "solver": "adam", "dropout": 0.2}
    model = make("GRURegressor", **params | more).fit(X, y)
    before = pickle.dumps(model)
    flow = gradient_flow(model, X, y)
    assert pickle.dumps(model) == before
    assert flow.layers == ["hidden0"] and np.isfinite(flow.delta_norm).all()
    assert np.isfinite(flow.singular_values).all()
    pytest.importorskip("matplotlib", reason="draws a picture")
    AttributionDisplay.from_estimator(model, X)


# ------------------------------------------------------------------------------ errors
def test_what_it_cannot_do_is_refused():
    series = walk(30, 2)
    with pytest.raises(ValueError, match="among {'auto'}"):
        NARXRegressor(standardize="differences", time_axis=0).fit(
            series[:-1, :1], series[1:, 0]
        )
    with pytest.raises(ValueError, match=r"more than one step \(n_features=1\)"):
        make("GRURegressor").fit(series[:, :1], series[:, 1])
    with pytest.raises(ValueError, match="2 channels, y 1 output"):
        make("GRURegressor", time_axis=0).fit(series[:-1], series[1:, 0])
    with pytest.raises(ValueError, match="the lags reach over 4"):
        make("TDNNRegressor", n_lags=2).fit(series[:-3].reshape(-1, 3), series[:18, 0])
    with pytest.raises(ValueError, match="'standardize' parameter"):
        GRURegressor(standardize="levels").fit(series, series[:, 0])


def test_outputs_of_other_units_are_warned_of():
    series = 1000 + 100 * walk(50)
    with pytest.warns(UserWarning, match="no value of that channel, in its units"):
        make("GRURegressor", time_axis=0).fit(series[:-1], np.log(series[1:, 0]))


def test_no_lags_means_all_changes_of_a_row():
    X = np.random.default_rng(0).standard_normal((40, 6))
    y = X[:, -1] + 0.5 * (X[:, 1] - X[:, 0])
    model = AutoRegressor(standardize="differences").fit(X, y)
    assert_near(model.coef_, [-0.5, 0.5, 0, 0, 0, 1], 1e-10)
    model = TDNNRegressor(standardize="differences", max_iter=5).fit(X, y)
    assert model.weights_["hidden0.weight"].shape == (5, 32)


# ------------------------------------------------------------------------------- "auto"
RISING = (np.arange(60) + np.sin(0.4 * np.arange(60)))[:, None]
WINDOWS = make_windows(RISING[:, 0], n_steps=6)


def auto(name, X, y, **params):
    return small(name, standardize="auto", **params).fit(X, y)


@pytest.mark.parametrize("name", NETWORKS)
def test_auto_learns_changes_where_the_newest_values_lie_beyond_all_before(name):
    table = {"time_axis": 0, "lags": name == "TDNNRegressor"}
    for X, y, params in ((RISING[:-1], RISING[1:, 0], table), (*WINDOWS, {})):
        model = auto(name, X, y, **params)
        assert model.standardize_ == "differences"
        expected = make(name, **params).fit(X, y).predict(X)
        assert np.array_equal(model.predict(X), expected)
        # Far from there, a warm start stays with what was learnt.
        model.set_params(warm_start=True, max_iter=1).fit(X[:20], y[:20])
        assert model.standardize_ == "differences"


def test_auto_takes_the_channel_whose_next_value_is_learnt():
    other = np.random.default_rng(0).standard_normal(60)
    X = np.column_stack([other, RISING[:, 0]])[:-1]
    model = auto("GRURegressor", X, RISING[1:, 0], time_axis=0)
    expected = make("GRURegressor", target_columns=1, time_axis=0)
    assert np.array_equal(model.predict(X), expected.fit(X, RISING[1:, 0]).predict(X))
    model = auto("GRURegressor", X, np.append(other[1:-1], 0.0), time_axis=0)
    assert model.standardize_ is True  # that one stays where it was


def test_auto_is_true_where_levels_do_not_change_or_changes_cannot_be_learnt():
    rows, ends = WINDOWS
    order = np.random.default_rng(0).permutation(len(rows))
    stationary = np.sin(0.7 * np.arange(60))[:, None]
    table = {"time_axis": 0}
    for name, X, y, params in (
        ("GRURegressor", stationary[:-1], stationary[1:, 0], table),
        ("GRURegressor", RISING[:-1], np.sin(RISING[1:, 0]), table),  # no next value
        (
            "GRURegressor",
            rows[order],
            ends[order],
            {},
        ),  # nothing tells which is the newest
        ("GRURegressor", [RISING[:30], RISING[:20]], [RISING[1:31], RISING[1:21]], {}),
        ("TDNNRegressor", rows, ends, {"n_lags": 5}),  # as many as the rows have
        ("RNNRegressor", rows, ends, {"skip": "linear", "skip_lags": 5}),
        ("NARXRegressor", RISING[:-1], RISING[1:, 0], table | {"lags": True}),
        (
            "LSTMRegressor",
            RISING[:-1],
            RISING[1:, 0],
            table | {"initial_state": "estimated", "washout": 3},
        ),
    ):
        assert auto(name, X, y, **params).standardize_ is True
    with pytest.raises(ValueError, match="n_lags must be an int, or a sequence of 2"):
        auto("TDNNRegressor", RISING[:-1], RISING[1:, 0], n_lags=("a", 1), **table)
    with pytest.raises(ValueError, match="'standardize' parameter of AutoRegressor"):
        AutoRegressor(standardize="auto").fit(rows, ends)


@pytest.mark.parametrize(("n_rising", "expected"), [(1, True), (2, "differences")])
def test_of_a_panel_half_of_the_series_must_have_left_their_range(n_rising, expected):
    series = [RISING] * n_rising + [np.sin(RISING)] * (3 - n_rising)
    X = np.concatenate([s[:-1] for s in series])
    X = np.column_stack([X, np.repeat(np.arange(3), 59)])
    y = np.concatenate([s[1:, 0] for s in series])
    model = auto("GRURegressor", X, y, time_axis=0, sequence_column=1)
    assert model.standardize_ == expected


@pytest.mark.parametrize("name", NETWORKS)
def test_auto_learns_changes_of_series_that_wander(name):
    """Within their range: the walk ends where it has often been."""
    series = walk(150, seed=4)
    assert series[:-15].min() < series[-15:].min()
    assert series[-15:].max() < series[:-15].max()
    table = {"time_axis": 0, "lags": name == "TDNNRegressor"}
    windows = make_windows(series[:, 0], n_steps=6)
    for X, y, params in ((series[:-1], series[1:, 0], table), (*windows, {})):
        model = auto(name, X, y, **params)
        assert model.standardize_ == "differences"
        expected = make(name, **params).fit(X, y).predict(X)
        assert np.array_equal(model.predict(X), expected)


def returning(coef, n=400, seed=0):
    """An autoregression of order 1."""
    x = np.random.default_rng(seed).standard_normal((n, 1))
    for t in range(1, n):
        x[t] += coef * x[t - 1]
    return x


@pytest.mark.parametrize("move", [lambda x: x, lambda x: 1e150 * x, lambda x: x + 1e6])
def test_what_wanders_is_told_by_how_much_the_level_explains(move):
    for coef, expected in ((1, True), (0.95, True), (0.7, False), (0, False)):
        for seed in range(5):
            assert wanders([move(returning(coef, seed=seed))]) is expected
    # In every channel: the level of one that returns is of use.
    both = np.hstack([returning(1), returning(0.5, seed=1)])
    assert not wanders([move(both)])
    assert wanders([move(np.hstack([returning(1), returning(1, seed=1)]))])


def test_series_of_a_panel_are_judged_together():
    """Each may be too short alone, and has a level of its own."""
    walks = [returning(1, 22, seed) for seed in range(20)]
    assert wanders(walks)
    assert not all(wanders([x]) for x in walks)
    assert not wanders([returning(0.5, 22, seed) for seed in range(20)])
    pieces = [x[k : k + 4] for x in walks for k in range(19)]
    assert wanders(pieces) and wanders([*pieces, np.zeros((3, 1))])


def test_series_without_noise_do_not_wander():
    t = np.arange(60.0)[:, None]
    for x in (0 * t, 0 * t + 0.1, 0.1 * t, np.sin(0.7 * t), t**2, t[:3], t[:0]):
        assert not wanders([x])
    assert not wanders([])


def test_the_share_of_the_level_is_what_a_regression_without_it_leaves_more():
    for coef in (0.5, 0.95, 1):
        x = returning(coef, 100)[:, 0]
        d = np.diff(x)
        before = np.column_stack([np.ones(97), d[1:-1], d[:-2]])
        whole = np.column_stack([before, x[2:-1]])
        solved = (np.linalg.lstsq(A, d[2:], rcond=None) for A in (before, whole))
        without, rest = (squares.item() for _, squares, *_ in solved)
        pieces = np.lib.stride_tricks.sliding_window_view(x, 4)
        assert_near(_told_by_level(pieces), 1 - rest / without, 1e-8)
