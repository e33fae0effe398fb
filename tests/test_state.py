"""A model lives in time: what it knows of the past is a value, handed in and out."""

import pickle
from copy import deepcopy

import numpy as np
import pytest
from estimators import NAMES, NETWORKS, filtered, forms, make
from helpers import assert_near, optional
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import TimeSeriesSplit, cross_validate

from sk_rnn import State

pd = optional("pandas")

each = pytest.mark.parametrize("name", NAMES)
PER_STEP = ["array, y per step", "list, y per step", "table", "table of records"]


def cut(X, first, stop):
    """Steps first to stop of every sequence, in any form."""
    if isinstance(X, list):
        return [x[first : min(stop, len(x))] for x in X]
    return X[:, first:stop] if X.ndim == 3 else X[first:stop]


def joined(parts):
    """Pieces of predictions, put together in time."""
    if isinstance(parts[0], list):
        return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    return np.concatenate(parts, axis=1 if parts[0].ndim == 3 else 0)


def flat(y):
    return np.concatenate([np.ravel(part) for part in y]) if type(y) is list else y


def fitted(name, form, **more):
    X, y, params = forms()[form]
    params = {"lags": True} | params | more
    return make(name, **params).fit(X, y), X, y


# ------------------------------------------------------------------------ any cutting
@each
@pytest.mark.parametrize("form", ["array, y per step", "list, y per step", "table"])
@pytest.mark.parametrize("cuts", [(1,), (2,), (1, 2)], ids=str)
def test_a_block_is_any_cutting_of_it_with_the_state_handed_on(name, form, cuts):
    model, X, _ = fitted(name, form, carry_state=False)
    whole, end = model.predict(X, return_state=True)
    state, parts = model.warm_up(cut(X, 0, 3)), [model.predict(cut(X, 0, 3))]
    _, same = model.predict(cut(X, 0, 3), return_state=True)
    edges = [3 + k for k in (0, *cuts)] if form != "list, y per step" else [3]
    if form == "list, y per step":  # the shortest has three steps: go on with the rest
        long = [x for x in X if len(x) > 3]
        state = model.warm_up(cut(long, 0, 3))
        rest = model.predict([x[3:] for x in long], state=state)
        expected = [p[3:] for p, x in zip(whole, X, strict=True) if len(x) > 3]
        assert_near(flat(rest), flat(expected), 1e-12)
        return
    for first, stop in zip(edges, [*edges[1:], 10_000], strict=True):
        part, state = model.predict(cut(X, first, stop), state=state, return_state=True)
        if first == 3:
            again = model.predict(cut(X, first, stop), state=same)
            assert_near(part, again, 1e-12)
        parts.append(part)
    assert_near(joined(parts), whole, 1e-12)
    later = cut(X, 0, 2)
    assert_near(
        flat(model.predict(later, state=state)),
        flat(model.predict(later, state=end)),
        1e-12,
    )


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_row_at_a_time(name, dtype):
    X, y, params = forms()["table"]
    X = X.astype(dtype)
    model = make(name, **params).fit(X[:40], y[:40])
    block = model.predict(X[40:])
    state, rows = model.warm_up(X[:40], y[:40]), []
    for row in X[40:]:
        one, state = model.predict(row[None], state=state, return_state=True)
        rows.append(one[0])
    assert_near(rows, block, 1e-12 if dtype == np.float64 else 1e-5)


@each
def test_last_values_with_a_past(name):
    """One target per sequence: the window is what came before and X together."""
    model, X, _ = fitted(name, "list")
    long = [x for x in X if len(x) > 4]
    state = model.warm_up([x[:4] for x in long])
    assert_near(
        model.predict([x[4:] for x in long], state=state), model.predict(long), 1e-12
    )


# ------------------------------------------------------------------------------ tables
def panel(n=60, seed=0):
    rng = np.random.default_rng(seed)
    tables, targets = {}, {}
    for store in ("a", "b", "c"):
        u = rng.standard_normal((n, 2))
        tables[store] = pd.DataFrame(u, columns=["u", "v"]).assign(store=store)
        targets[store] = filtered(u)
    return tables, targets


def rows_of(parts, stores, first, stop):
    frames = [parts[s][first:stop] for s in stores]
    return (
        pd.concat(frames, ignore_index=True)
        if isinstance(frames[0], pd.DataFrame)
        else np.concatenate(frames)
    )


@each
def test_known_stores_go_on_and_new_ones_start_fresh(name):
    tables, targets = panel()
    model = make(name, lags=True, time_axis=0, sequence_column="store")
    model.fit(rows_of(tables, "ab", 0, 40), rows_of(targets, "ab", 0, 40))
    fresh = clone(model).set_params(carry_state=False)
    fresh.fit(rows_of(tables, "ab", 0, 40), rows_of(targets, "ab", 0, 40))
    found = model.predict(rows_of(tables, "bca", 40, 60)).reshape(3, 20)
    for k, store in enumerate("bca"):
        alone = rows_of(tables, store, 40, 60)
        if store == "c":
            expected = fresh.predict(alone)
        else:
            state = fresh.warm_up(tables[store][:40], targets[store][:40])
            expected = fresh.predict(alone, state=state)
            assert not np.allclose(fresh.predict(alone), expected)
        assert_near(found[k], expected, 1e-12)


@each
def test_stores_that_are_not_in_X_are_kept(name):
    tables, targets = panel()
    model = make(name, lags=True, time_axis=0, sequence_column="store")
    model.fit(rows_of(tables, "abc", 0, 40), rows_of(targets, "abc", 0, 40))
    expected = model.predict(rows_of(tables, "abc", 40, 60)).reshape(3, 20)
    state = None
    for k, store in enumerate("abc"):  # one store after the other
        part, state = model.predict(
            tables[store][40:50], state=state, return_state=True
        )
        assert_near(part, expected[k, :10], 1e-12)
    assert sorted(state.ids) == ["a", "b", "c"] and state.n_sequences == 3
    after = model.predict(rows_of(tables, "cab", 50, 60), state=state).reshape(3, 10)
    assert_near(after, expected[[2, 0, 1], 10:], 1e-12)


@each
@pytest.mark.parametrize("form", ["table", "table of records"])
def test_training_rows_start_fresh(name, form):
    model, X, y = fitted(name, form)
    fresh, _, _ = fitted(name, form, carry_state=False)
    assert np.array_equal(model.predict(X), fresh.predict(X))
    assert model.score(X, y) == fresh.score(X, y)
    changed = X.copy()
    changed[-1, 0] += 1e-9
    assert not np.allclose(model.predict(changed)[:5], fresh.predict(X)[:5])


def test_a_training_score_is_one():
    X, y, params = forms()["table"]
    model = make("GRURegressor", **params, max_iter=100)
    scores = cross_validate(model, X, y, cv=TimeSeriesSplit(2), return_train_score=True)
    fold, _ = next(TimeSeriesSplit(2).split(X))
    fresh = clone(model).set_params(carry_state=False).fit(X[fold], y[fold])
    assert scores["train_score"][0] == fresh.score(X[fold], y[fold])


# ----------------------------------------------------------------------------- the past
def test_a_past_of_narx_holds_inputs_and_outputs():
    rng = np.random.default_rng(0)
    u = rng.standard_normal((400, 1))
    y = np.zeros(400)
    for t in range(4, 400):
        y[t] = 0.6 * y[t - 1] + u[t - 4, 0]
    model = make(
        "NARXRegressor",
        hidden_layer_sizes=(),
        n_input_lags=4,
        n_output_lags=1,
        alpha=0.0,
        max_iter=2000,
        tol=0,
        washout=5,  # whose past is not known
    ).fit([u[:300]], [y[:300]])
    state = model.warm_up([u[300:320]], [y[300:320]])
    (free,) = model.predict([u[320:]], state=state)
    np.testing.assert_allclose(free, y[320:], atol=1e-3)
    (known,) = model.predict_ahead([u[320:]], [y[320:]], state=state)
    np.testing.assert_allclose(known, y[320:], atol=1e-3)
    with pytest.warns(UserWarning, match=r"looks 4 step\(s\) back"):
        (alone,) = model.predict([u[320:]], y_init=[y[300:320]])
    assert np.abs(alone - y[320:])[:4].max() > 0.5


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_predict_ahead_goes_on_from_a_state(horizon):
    model, X, y = fitted("NARXRegressor", "array, y per step")
    whole = model.predict_ahead(X, y, horizon)
    state = model.warm_up(X[:, :3], y[:, :3])
    rest = model.predict_ahead(X[:, 3:], y[:, 3:], 1, state=state)
    expected = model.predict_ahead(X, y, 1)[:, 3:]
    assert_near(rest, expected, 1e-12)
    assert whole.shape == y.shape


@each
def test_forecast_goes_on_from_a_state(name):
    series = np.sin(0.3 * np.arange(60))[:, None]
    model = make(name, lags=True, time_axis=0).fit(series[:-1], series[1:, 0])
    if name == "NARXRegressor":  # what it feeds back are outputs, not forecasts
        state = model.warm_up(series[:50])
    else:
        state = model.warm_up(series[:50], series[1:51, 0])
    expected = model.forecast(series, 7)
    assert_near(model.forecast(series[50:], 7, state=state), expected, 1e-12)


def test_standard_deviation_and_state():
    model, X, _ = fitted("AutoRegressor", "table")
    y, std, state = model.predict(X, return_std=True, return_state=True)
    assert y.shape == std.shape and isinstance(state, State)


# -------------------------------------------------------------------------- a value
@each
def test_a_state_is_a_value(name):
    model, X, _ = fitted(name, "array, y per step")
    before = pickle.dumps(model)
    state = model.warm_up(X)
    kept = pickle.dumps(state)
    expected = model.predict(X, state=state)
    assert np.array_equal(model.predict(X, state=pickle.loads(kept)), expected)
    assert np.array_equal(deepcopy(model).predict(X, state=state), expected)
    assert pickle.dumps(state) == kept and pickle.dumps(model) == before
    assert len(kept) < 5000
    assert repr(state) == "State(n_sequences=12, ids=None)"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_state_of_another_model_is_refused(name):
    model, X, y = fitted(name, "array, y per step")
    other, _, _ = fitted(name, "array, y per step", random_state=1)
    state = other.warm_up(X)
    for use in (model.predict, model.warm_up):
        with pytest.raises(ValueError, match="state belongs to another model"):
            use(X, state=state)
    own = model.warm_up(X)
    with pytest.raises(ValueError, match="belongs to another model.*fitted again"):
        model.set_params(max_iter=3).fit(X, y).predict(X, state=own)


def test_bad_states_are_refused():
    model, X, y = fitted("GRURegressor", "array, y per step")
    state = model.warm_up(X)
    with pytest.raises(ValueError, match=r"state holds 12 sequence\(s\), but X has 5"):
        model.predict(X[:5], state=state)
    with pytest.raises(TypeError, match="must come from warm_up.*got list"):
        model.predict(X, state=[1])
    with pytest.raises(ValueError, match="a past needs the 1 measured output"):
        model.warm_up(X, y[:, -1, 0])
    narx, X, y = fitted("NARXRegressor", "array, y per step")
    with pytest.raises(ValueError, match="as y_init or as state, not as both"):
        narx.predict(X, y_init=y[:, :2], state=narx.warm_up(X, y))


def test_a_past_that_diverges_is_told():
    model, X, _ = fitted("NARXRegressor", "array, y per step", hidden_layer_sizes=())
    theta = model._theta.copy()
    model._network.views(theta)["output.weight"][...] = 50
    model._theta = theta
    with pytest.warns(ConvergenceWarning, match="free run diverged at step"):
        state = model.warm_up(X)
    with pytest.warns(ConvergenceWarning, match="free run diverged at step"):
        model.predict(X, state=state)


def test_sequences_too_short_are_told_where_nothing_came_before():
    tables, targets = panel()
    model = make("TDNNRegressor", n_lags=4, time_axis=0, sequence_column="store")
    model.fit(rows_of(tables, "ab", 0, 40), rows_of(targets, "ab", 0, 40))
    assert len(model.predict(rows_of(tables, "ab", 40, 41))) == 2
    with pytest.raises(ValueError, match="Record 1 has 1 step"):
        model.predict(rows_of(tables, "ac", 40, 41))


# ------------------------------------------------------------------ what an index tells
def dated(kind, n=60):
    index = {
        "days": pd.date_range("2024-01-01", periods=n, freq="D"),
        "months": pd.date_range("2020-01-01", periods=n, freq="MS"),
        "numbers": pd.Index(np.arange(5, n + 5)),
        "irregular": pd.DatetimeIndex(
            pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n) ** 2, "h")
        ),
    }[kind]
    u = np.random.default_rng(0).standard_normal(n)
    return pd.DataFrame({"u": u}, index=index), filtered(u[:, None])


each_index = pytest.mark.parametrize("kind", ["days", "months", "numbers", "irregular"])


@each_index
def test_rows_that_follow_are_predicted(kind):
    X, y = dated(kind)
    model = make("GRURegressor", time_axis=0).fit(X[:40], y[:40])
    expected = model.predict(X[40:], state=model.warm_up(X[:40]))
    assert_near(model.predict(X[40:]), expected, 1e-12)
    model.predict(X[:40])  # the rows of fit


@each_index
def test_rows_that_cannot_follow_are_refused(kind):
    X, y = dated(kind)
    model = make("GRURegressor", time_axis=0).fit(X[:40], y[:40])
    for rows, message in ((X[10:20], "begins at"), (X[:41:-1], "is not sorted")):
        with pytest.raises(ValueError, match=f"The index of X {message}.*warm_up"):
            model.predict(rows)
    state = model.warm_up(X[:10])
    assert len(model.predict(X[10:20], state=state)) == 10
    model.set_params(carry_state=False).predict(X[10:20])


@each_index
def test_missing_rows_are_warned_of(kind):
    X, y = dated(kind)
    model = make("GRURegressor", time_axis=0).fit(X[:40], y[:40])
    if kind == "irregular":  # nobody knows which row comes next
        model.predict(X[43:])
        return
    with pytest.warns(UserWarning, match="rows are missing.*warm_up") as told:
        model.predict(X[43:])
    assert told[0].filename == __file__
    between = model.warm_up(X[:43])
    model.predict(X[43:], state=between)  # silenced by doing it


def test_an_index_that_tells_nothing():
    X, y = dated("numbers")
    X = X.reset_index(drop=True)
    model = make("GRURegressor", time_axis=0).fit(X[:40], y[:40])
    again = X[40:].reset_index(drop=True)
    assert_near(model.predict(again), model.predict(X[40:]), 0)
    named = X.set_axis([f"row {k}" for k in range(60)])
    make("GRURegressor", time_axis=0).fit(named[:40], y[:40]).predict(named[40:])


def test_folds_that_look_into_the_future_are_refused():
    X, y = dated("days")
    model = make("GRURegressor", time_axis=0)
    with pytest.raises(ValueError, match="The index of X begins at"):
        cross_validate(model, X, y, cv=3, error_score="raise")
    scores = cross_validate(model, X, y, cv=TimeSeriesSplit(3), error_score="raise")
    assert len(scores["test_score"]) == 3
    with pytest.warns(UserWarning, match="rows are missing"):
        cross_validate(model, X, y, cv=TimeSeriesSplit(3, gap=5))


@pytest.mark.parametrize("missing", ["NaT", None, "NA", np.nan])
def test_a_missing_id_is_refused(missing):
    missing = getattr(pd, missing) if isinstance(missing, str) else missing
    days = pd.to_datetime(["2024-01-01", "2024-01-02"])
    ids = [days[0]] * 5 + [missing] * 5 + [days[1]] * 5
    X = pd.DataFrame({"u": np.arange(15.0), "day": ids})
    for column in (X["day"], X["day"].astype(object)):
        table = X.assign(day=column)
        model = make("GRURegressor", time_axis=0, sequence_column="day")
        with pytest.raises(ValueError, match="sequence column contains NaN or another"):
            model.fit(table, np.arange(15.0))
