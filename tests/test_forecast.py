"""Forecasts: outputs come back as inputs, beside what is known in advance."""

import numpy as np
import pytest
from estimators import NAMES, NETWORKS, filtered, make
from helpers import assert_near, optional
from scipy.stats import norm
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import sk_rnn
from sk_rnn.model_selection import backtest

pd = optional("pandas")

each = pytest.mark.parametrize("name", NAMES)
each_network = pytest.mark.parametrize("name", NETWORKS)


def driven(n, rng):
    """Sales that hang on their past and on a price: columns price, sales."""
    price, sales = rng.uniform(1, 2, n + 1), np.zeros(n + 1)
    for t in range(1, n + 1):
        sales[t] = 0.6 * sales[t - 1] - price[t - 1] + 0.1 * rng.standard_normal()
    return np.column_stack([price, sales])


def cases():
    """X (sales and a known price), y the next sales, the future, and parameters."""
    rng = np.random.default_rng(0)
    whole = [driven(30, rng) for _ in range(4)]
    past = [part[:24] for part in whole]
    y = [part[1:25, 1] for part in whole]
    future = [part[24:30] for part in whole]
    stack, ids = np.concatenate, np.repeat([7.0, 3.0, 5.0, 1.0], 24)
    later = np.repeat([3.0, 1.0, 7.0, 5.0], 6)  # in another order
    moved = [future[k] for k in (1, 3, 0, 2)]
    table = {"time_axis": 0, "target_columns": 1}
    return {
        "table": (past[0], y[0], future[0], table),
        "table of records": (
            np.insert(stack(past), 0, ids, axis=1),
            stack(y),
            np.insert(stack(moved), 0, later, axis=1),
            table | {"sequence_column": 0, "target_columns": 2},
        ),
        "array": (
            np.stack(past),
            np.stack(y)[..., None],
            np.stack(future),
            {"target_columns": 1},
        ),
        "list": (past, y, future, {"target_columns": [1]}),
        "rows": (
            np.stack(past).reshape(4, -1),
            np.array([part[-1] for part in y]),
            np.stack(future),
            {"n_channels": 2, "target_columns": -1},
        ),
    }


each_form = pytest.mark.parametrize("form", cases())


def cut(X, form, rows, sales=slice(None)):
    """Some steps of every sequence."""
    if form == "table":
        return X[rows, sales]
    if form == "table of records":
        part = X.reshape(4, -1, 3)[:, rows, sales if sales == slice(None) else 2]
        return part.reshape(-1, *part.shape[2:])
    if form == "array":
        return X[:, rows, sales]
    return [part[rows, sales] for part in X]


def by_hand(model, form, X, future, n_steps):
    """The loop that users write: predict a step, put it into the next row, go on."""

    def step(k, y):
        if form == "table of records":
            rows = np.array([future[k + 6 * i] for i in (2, 0, 3, 1)])
            rows[:, 2] = y
            return rows
        rows = np.array(future[k : k + 1] if form == "table" else future[:, k])
        rows[:, 1] = y
        return {"array": rows[:, None], "list": [*rows[:, None]]}.get(form, rows)

    future = np.stack(future) if form == "list" else future
    if type(model).__name__ == "NARXRegressor":
        # Its past has measured outputs: the next values of X.
        y = cut(X, form, slice(1, None), 1)
        y = y[..., None] if form == "array" else y
        state = model.warm_up(cut(X, form, slice(-1)), y)
        last = cut(X, form, slice(-1, None))
        y, state = model.predict(last, state=state, return_state=True)
    else:
        y, state = model.predict(X, return_state=True)
    last = {
        "table": lambda y: y[-1:],
        "table of records": lambda y: y.reshape(4, -1)[:, -1],
        "array": lambda y: y[:, -1, 0],
        "list": lambda y: np.array([part[-1] for part in y]),
    }[form]
    found = [last(y)]
    for k in range(n_steps - 1):
        y, state = model.predict(step(k, found[-1]), state=state, return_state=True)
        found.append(last(y))
    return np.stack(found, axis=1)[0 if form == "table" else slice(None)]


# --------------------------------------------------------------------- known channels
@each
@each_form
def test_known_channels_are_read_beside_what_is_fed_back(name, form):
    X, y, future, params = cases()[form]
    model = make(name, lags=form != "rows" or name != "NARXRegressor", **params)
    if form == "rows":  # by the windows moved on
        lags = {"n_output_lags": 0} if name == "NARXRegressor" else {}
        model = make(name, **params, **lags).fit(X, y)
        assert_near(
            model.forecast(X, 4, future),
            model.forecast(X, 4, future[:, :, :1].reshape(4, -1)),
            0,
        )
        same = make(name, lags=True, target_columns=1)
        X = X.reshape(4, -1, 2)
        same.fit(X, y)
        states = same.warm_up(X)
        first = same.predict(X)
        step = np.stack([future[:, 0, 0], first], axis=1)[:, None]
        second = same.predict(step, state=states)
        assert_near(same.forecast(X, 2, future), np.stack([first, second], 1), 1e-12)
        return
    model.fit(X, y)
    ahead = model.forecast(X, 5, future)
    assert_near(
        ahead[..., 0] if form == "array" else ahead,
        by_hand(model, form, X, future, 5),
        1e-12,
    )
    only = {
        "list": lambda: [part[:, :1] for part in future],
        "table of records": lambda: future[:, :2],
    }.get(form, lambda: future[..., :1])()
    assert_near(model.forecast(X, 5, only), ahead, 0)
    one = model.forecast(X, 1)
    assert_near(one, ahead[..., :1, :] if form == "array" else ahead[..., :1], 1e-12)


@each
@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "wrapped"])
def test_layouts_are_the_same_data(name, wrapped):
    X, y, future, params = cases()["array"]
    per_step = {"hidden_layer_sizes": 3} if name != "AutoRegressor" else {}

    def ahead(X, y, future, **layout):
        model = make(name, lags=True, **params | per_step | layout)
        if wrapped:
            model = make_pipeline(FunctionTransformer(), model)
        return sk_rnn.forecast(model.fit(X, y), X, 4, future)

    def turned(cube):
        return cube.transpose(0, 2, 1)

    expected = ahead(X, y, future)
    first = {"data_format": "channels_first"}
    assert_near(ahead(turned(X), y, turned(future), **first), expected, 1e-12)
    price = turned(future[..., :1])
    assert_near(ahead(turned(X), y, price, **first), expected, 1e-12)
    rows = {"n_channels": 2}
    expected = ahead(X.reshape(4, -1), y, future, **rows)
    others = {
        "blocks": (turned(X), first),
        "newest": (X[:, ::-1], {"lag_order": "newest_first"}),
        "both": (turned(X[:, ::-1]), first | {"lag_order": "newest_first"}),
    }
    for cube, layout in others.values():
        found = ahead(cube.reshape(4, -1), y, future, **rows | layout)
        assert_near(found, expected, 1e-12)


@each
def test_a_dataframe_is_read_by_names(name):
    X, y, future, params = cases()["table"]
    names = ["price", "sales"]
    params = params | {"target_columns": "sales"}
    frame = pd.DataFrame(X, columns=names)
    model = make(name, lags=True, **params).fit(frame, y)
    expected = model.forecast(frame, 5, pd.DataFrame(future, columns=names))
    price = pd.DataFrame(future[:, :1], columns=["price"])
    assert_near(model.forecast(frame, 5, price), expected, 0)
    plain = make(name, lags=True, **cases()["table"][3]).fit(X, y)
    assert_near(plain.forecast(X, 5, future), expected, 0)
    with pytest.raises(ValueError, match=r"lacks \['price'\]"):
        model.forecast(frame, 5, price.rename(columns={"price": "cost"}))
    with pytest.raises(ValueError, match=r"has \['cost'\], which X has not"):
        model.forecast(frame, 5, price.assign(cost=1.0))
    with pytest.raises(TypeError, match="X_future must be one"):
        model.forecast(frame, 5, future)


@each_form
def test_target_columns_that_contradict_the_targets_are_refused(form):
    X, y, _, params = cases()[form]
    if form == "rows":  # windows that move on step by step
        series = driven(40, np.random.default_rng(0))
        X = np.lib.stride_tricks.sliding_window_view(series, 6, axis=0)
        X, y = X.transpose(0, 2, 1).reshape(len(X), -1)[:-1], series[6:, 1]
    column = {"table of records": 1, "list": [0]}.get(form, 0)
    more = {} if form == "rows" else {"lags": True}
    model = make("AutoRegressor", **params | {"target_columns": column}, **more)
    with pytest.raises(ValueError, match="channel 0 of X for an output .* channel 1"):
        model.fit(X, y)
    model.set_params(**params).fit(X, y)


@each_form
def test_what_is_wrong_with_x_future(form):
    X, y, future, params = cases()[form]
    more = {} if form == "rows" else {"lags": True}
    model = make("AutoRegressor", **params, **more).fit(X, y)
    with pytest.raises(ValueError, match="hand in what is known"):
        model.forecast(X, 3)
    few = [part[:2] for part in future] if form == "list" else future[..., :2, :]
    if form == "table of records":
        few = future.reshape(4, 6, 3)[:, :2].reshape(-1, 3)
    with pytest.raises(ValueError, match=r"2 step\(s\); to forecast 4 steps, 3 are"):
        model.forecast(X, 4, few)
    wide = [np.ones((6, 4))] * 4 if form == "list" else np.ones((*future.shape[:-1], 5))
    with pytest.raises(ValueError, match="X_future has shape"):
        model.forecast(X, 4, wide)
    missing = [part * np.nan for part in future] if form == "list" else future * np.nan
    with pytest.raises(ValueError, match="NaN"):
        model.forecast(X, 4, missing)


def test_sequences_of_x_future_are_those_of_x():
    X, y, future, params = cases()["table of records"]
    model = make("AutoRegressor", lags=True, **params).fit(X, y)
    with pytest.raises(ValueError, match="only one of the two has 3.0"):
        model.forecast(X, 3, future[6:])
    few = [part for part in cases()["list"][2]][:3]
    X, y, _, params = cases()["list"]
    model = make("AutoRegressor", lags=True, **params).fit(X, y)
    with pytest.raises(ValueError, match="one element for each of the 4 sequences"):
        model.forecast(X, 3, few)


def test_nothing_is_known_where_all_channels_are_forecast():
    series = np.sin(0.3 * np.arange(60))[:, None]
    model = make("GRURegressor", time_axis=0).fit(series[:-1], series[1:, 0])
    with pytest.raises(ValueError, match="X_future holds channels"):
        model.forecast(series, 3, series[:2])


@pytest.mark.parametrize(
    "columns, error",
    [
        ("sales", "not a column of X"),
        (2, "out of range"),
        ([0, 1], "one column"),
        ([1, 1], "different columns"),
    ],
    ids=str,
)
def test_target_columns_are_checked_by_fit(columns, error):
    X, y, _, params = cases()["table"]
    model = make("AutoRegressor", lags=True, **params | {"target_columns": columns})
    with pytest.raises(ValueError, match=error):
        model.fit(X, y)
    assert not hasattr(model, "coef_")


def test_the_index_of_x_future_follows_that_of_x():
    X, y, future, params = cases()["table"]
    days = pd.date_range("2024-01-01", periods=40)
    frame = pd.DataFrame(X, days[:24], columns=["price", "sales"])
    later = pd.DataFrame(future[:, :1], days[24:30], columns=["price"])
    model = make("AutoRegressor", lags=True, **params).fit(frame, y)
    model.forecast(frame, 5, later)
    behind = "The index of X_future begins at 2024-01-24.*behind the last row of X"
    with pytest.raises(ValueError, match=behind):
        model.forecast(frame, 5, later.set_axis(days[23:29]))
    with pytest.warns(UserWarning, match="rows are missing"):
        model.forecast(frame, 5, later.set_axis(days[30:36]))


@each
def test_targets_that_are_not_next_values_are_not_fed_back(name):
    rng = np.random.default_rng(0)
    u = rng.standard_normal((60, 1))
    y = np.convolve(u[:, 0], [1, 0.5])[:60]
    model = make(name, lags=True, time_axis=0).fit(u, y)
    with pytest.raises(ValueError, match="is not the next value of X"):
        model.forecast(u, 3)
    model.set_params(target_columns=0).forecast(u, 3)  # who says so, may
    windows = np.lib.stride_tricks.sliding_window_view(u[:, 0], 6)
    ahead = make(name).fit(windows[:-4], u[9:, 0])  # four steps ahead
    with pytest.raises(ValueError, match="is not the next value of X"):
        ahead.forecast(windows, 3)


def test_targets_that_are_not_next_values_are_told_behind_a_scaler_too():
    series = autoregression(200, np.random.default_rng(0))
    model = make("AutoRegressor", lags=True, time_axis=0)
    for outside in (
        make_pipeline(StandardScaler(), model),
        TransformedTargetRegressor(model, transformer=StandardScaler()),
        make_pipeline(FunctionTransformer(lambda X: -np.exp(X)), model),
    ):
        outside.fit(series[:-6], series[6:, 0])
        with pytest.raises(ValueError, match="is not the next value of X"):
            sk_rnn.forecast(outside, series, 3)
        sk_rnn.forecast(outside, series, 3, target_columns=0)  # who says so, may
        sk_rnn.forecast(outside.fit(series[:-1], series[1:, 0]), series, 3)


def test_target_columns_of_the_function_are_heeded_by_a_bare_model():
    u = np.random.default_rng(0).standard_normal((60, 1))
    model = make("AutoRegressor", lags=True, time_axis=0).fit(u, filtered(u))
    with pytest.raises(ValueError, match="is not the next value of X"):
        sk_rnn.forecast(model, u, 3)
    expected = model.set_params(target_columns=0).forecast(u, 3)
    model.set_params(target_columns=None)
    assert_near(sk_rnn.forecast(model, u, 3, target_columns=0), expected, 0)


# -------------------------------------------------------------------------- quantiles
def autoregression(n, rng, phi=(1.2, -0.5)):
    y = np.zeros(n + 50)
    noise = rng.standard_normal(n + 50)
    for t in range(2, n + 50):
        y[t] = phi[0] * y[t - 1] + phi[1] * y[t - 2] + noise[t]
    return y[50:, None]


LINEAR = {
    "TDNNRegressor": {"hidden_layer_sizes": (), "n_lags": 1},
    "NARXRegressor": {
        "hidden_layer_sizes": (),
        "n_input_lags": 0,
        "n_output_lags": 2,
    },
}


@pytest.mark.parametrize("name", LINEAR)
def test_sampled_quantiles_of_a_linear_network_are_those_of_the_law(name):
    series = autoregression(3000, np.random.default_rng(1))
    X, y, quantiles = series[:-1], series[1:, 0], (0.1, 0.5, 0.9)
    law = sk_rnn.AutoRegressor(n_lags=2, time_axis=0).fit(X, y)
    mean, std, exact = law.forecast(series, 8, return_std=True, quantiles=quantiles)
    assert_near(exact, mean[:, None] + std[:, None] * norm.ppf(quantiles), 1e-12)
    # What comes back in a NARX is, in standard units, the input once more.
    model = make(name, time_axis=0, max_iter=300, tol=0, **LINEAR[name]).fit(X, y)
    point, found = model.forecast(
        series, 8, quantiles=quantiles, n_paths=4000, random_state=0
    )
    np.testing.assert_allclose(point, mean, atol=0.02 * std.max())
    np.testing.assert_allclose(found, exact, atol=0.1 * std.max())


@pytest.mark.parametrize("name", ["AutoRegressor", "GRURegressor"])
def test_paths_have_the_quantiles(name):
    series = autoregression(300, np.random.default_rng(1))
    model = make(name, lags=True, time_axis=0).fit(series[:-1], series[1:, 0])
    ask = {"quantiles": (0.1, 0.9), "n_paths": 3000, "random_state": 0}
    y, band, paths = model.forecast(series, 6, return_paths=True, **ask)
    assert paths.shape == (6, 3000)
    of_paths = np.quantile(paths, (0.1, 0.9), axis=1).T
    if name == "GRURegressor":
        assert_near(of_paths, band, 1e-12)
    np.testing.assert_allclose(of_paths, band, atol=0.2)
    assert np.corrcoef(paths)[0, 1] > 0.5  # steps of a path belong together
    only = model.forecast(series, 6, return_paths=True, n_paths=10, random_state=0)
    assert only[1].shape == (6, 10)


@each_network
@each_form
def test_quantiles_in_every_form(name, form):
    X, y, future, params = cases()[form]
    model = make(name, lags=form != "rows", **params).fit(X, y)
    ask = {"quantiles": [0.05, 0.5, 0.95], "n_paths": 50, "random_state": 3}
    point, found = model.forecast(X, 4, future, **ask)
    assert found.shape == (*point.shape, 3)
    assert (np.diff(found, axis=-1) > 0).all()
    assert_near(model.forecast(X, 4, future), point, 0)
    assert_near(model.forecast(X, 4, future, **ask)[1], found, 0)
    other = model.forecast(X, 4, future, **ask | {"random_state": 4})[1]
    assert not np.array_equal(other, found)


@each
def test_a_band_covers_what_it_says(name):
    series = autoregression(4000, np.random.default_rng(5))
    params = {"hidden_layer_sizes": 6, "max_iter": 60, "alpha": 1.0}
    params = {} if name == "AutoRegressor" else params
    result = backtest(
        make(name, lags=True, time_axis=0, **params),
        series[:-1],
        series[1:, 0],
        horizon=8,
        cv=[(range(1500), range(1500, 3999))],
        stride=8,
        quantiles=(0.1, 0.9),
        n_paths=200,
        random_state=0,
    )
    assert abs(result.coverage() - 0.8) < 0.05


def test_early_stopping_keeps_the_residuals_of_what_was_held_out():
    series = autoregression(400, np.random.default_rng(2))
    X, y = series[:-1], series[1:, 0]
    # As many weights as this fit the noise of the training data, not of the rest.
    size = {"hidden_layer_sizes": 100, "alpha": 0, "max_iter": 300, "n_lags": 9}
    both = [
        make("TDNNRegressor", time_axis=0, **size, **more).fit(X[:200], y[:200])
        for more in ({}, {"early_stopping": True})
    ]
    widths = [
        np.diff(m.forecast(series, 1, quantiles=(0.1, 0.9), random_state=0)[1]).item()
        for m in both
    ]
    assert widths[0] < 0.5 * widths[1]


def test_blocks_keep_what_correlation_there_is():
    rng = np.random.RandomState(0)
    from sk_rnn.training._residuals import Residuals

    slow = np.cumsum(rng.standard_normal(3000))[:, None]
    drawn = Residuals(slow, np.array([3000])).paths(rng, 200, 15)[..., 0]
    assert np.abs(np.diff(drawn, axis=1)).mean() < 3  # they lie some 30 apart
    each_alone = Residuals(slow, np.ones(3000, int)).paths(rng, 200, 15)[..., 0]
    assert np.abs(np.diff(each_alone, axis=1)).mean() > 10
    # No block crosses from one stretch into the next.
    marks = np.repeat([0.0, 1.0], 500)[:, None]
    drawn = Residuals(marks, np.array([500, 500])).paths(rng, 500, 10)[..., 0]
    assert set(drawn.sum(axis=1)) == {0, 10}


@pytest.mark.parametrize(
    "quantiles",
    ["x", ["a"], {0.1, 0.9}, 0.5, [], [0, 0.5], [1.0], [[0.1, 0.9]]],
    ids=str,
)
def test_quantiles_are_checked(quantiles):
    X, y, future, params = cases()["table"]
    model = make("RNNRegressor", **params).fit(X, y)
    with pytest.raises(ValueError, match="quantiles must be"):
        model.forecast(X, 2, future, quantiles=quantiles)
    with pytest.raises(ValueError, match="n_paths"):
        model.forecast(X, 2, future, quantiles=[0.5], n_paths=1)


@each_network
def test_a_quantile_is_not_fed_back(name):
    X, y, future, params = cases()["table"]
    params = params | {"loss": "quantile", "quantile": 0.9, "lags": True}
    if name == "NARXRegressor":
        params["n_output_lags"] = 0  # with output lags fit warns
    model = make(name, **params).fit(X, y)
    model.forecast(X, 1)
    with pytest.raises(ValueError, match="0.9 quantile"):
        model.forecast(X, 2, future)
    make(name, **params | {"quantile": 0.5}).fit(X, y).forecast(X, 2, future)


@pytest.mark.parametrize("name", ["AutoRegressor", "TDNNRegressor"])
def test_a_forecast_that_diverges_is_told(name):
    """The other models are bounded, or tell it like the NARX."""
    growing = np.geomspace(1, 1e30, 100)[:, None]
    params = {"n_lags": 1}
    if name == "TDNNRegressor":
        params = {"n_lags": 0, "hidden_layer_sizes": (), "max_iter": 100}
    model = make(name, time_axis=0, standardize=True, **params)
    model.fit(growing[:-1], growing[1:, 0])
    with pytest.warns(ConvergenceWarning, match=r"1 of 1 forecast\(s\) are not finite"):
        y = model.forecast(growing, 1500)
    assert np.isinf(y[-1])
    with pytest.warns(ConvergenceWarning, match=r"5 of 5 sampled path\(s\)") as told:
        model.forecast(growing, 1500, return_paths=True, n_paths=5)
    assert told[0].filename == __file__
    pipe = make_pipeline(StandardScaler(), model).fit(growing[:-1], growing[1:, 0])
    with pytest.raises(ValueError, match="not finite, and cannot pass through"):
        sk_rnn.forecast(pipe, growing, 1500)


# --------------------------------------------------------------------------- wrappers
def loop(estimator, X, future, n_steps):
    """A pipeline over a table, step by step: all that was, and one row more."""
    found, rows = [], X
    for k in range(n_steps):
        found.append(estimator.predict(rows)[-1])
        if k < n_steps - 1:
            step = future[k : k + 1].copy()
            step[:, 1] = found[-1]
            rows = np.concatenate([rows, step])
    return np.array(found)


@each
@pytest.mark.parametrize("outside", ["scaler", "target", "both ways", "search"])
def test_wrappers_are_as_by_hand(name, outside):
    X, y, future, params = cases()["table"]
    X, y, future = X + [0, 9], y + 9, future + [0, 9]
    # What a NARX feeds back within a history is told by the test above.
    lags = {"n_output_lags": 0} if name == "NARXRegressor" else {}
    model = make(name, lags=True, carry_state=False, **params | lags)
    log = {"func": np.log, "inverse_func": np.exp}
    scaled = make_pipeline(StandardScaler(), model)
    estimator = {
        "scaler": scaled,
        "target": TransformedTargetRegressor(model, transformer=StandardScaler()),
        "both ways": TransformedTargetRegressor(scaled, **log),
        "search": GridSearchCV(
            make_pipeline(
                FunctionTransformer(np.log1p), TransformedTargetRegressor(model, **log)
            ),
            {"functiontransformer__kw_args": [None]},
            cv=TimeSeriesSplit(2),
        ),
    }[outside]
    estimator.fit(X, y)
    expected = loop(estimator, X, future, 5)
    found = sk_rnn.forecast(estimator, X, 5, future)
    assert_near(found, expected, 1e-9)
    assert_near(sk_rnn.forecast(estimator, X, 5, future[:, :1]), expected, 1e-9)
    _, band = sk_rnn.forecast(
        estimator, X, 5, future, quantiles=(0.1, 0.9), n_paths=20, random_state=0
    )
    assert band.shape == (5, 2) and (band[:, 0] < band[:, 1]).all()


@each_form
def test_no_wrapper_is_the_method_itself(form):
    X, y, future, params = cases()[form]
    model = make("GRURegressor", **params).fit(X, y)
    ask = {"quantiles": (0.2,), "n_paths": 10, "random_state": 0}
    for one, other in zip(
        sk_rnn.forecast(model, X, 4, future, **ask),
        model.forecast(X, 4, future, **ask),
        strict=True,
    ):
        assert_near(one, other, 0)


@pytest.mark.parametrize("form", ["array", "list", "table of records"])
def test_transformers_that_do_nothing_change_nothing(form):
    X, y, future, params = cases()[form]
    model = make("GRURegressor", **params)
    pipe = make_pipeline(FunctionTransformer(), model).fit(X, y)
    bare = make("GRURegressor", **params).fit(X, y)
    assert_near(sk_rnn.forecast(pipe, X, 4, future), bare.forecast(X, 4, future), 1e-12)


def test_windows_move_on_behind_a_scaler():
    series = autoregression(80, np.random.default_rng(0))[:, 0] + 5
    windows = np.lib.stride_tricks.sliding_window_view(series, 6)
    pipe = make_pipeline(StandardScaler(), make("LSTMRegressor"))
    pipe.fit(windows[:-1], series[6:])
    window, expected = windows[-1], []
    for _ in range(5):
        expected.append(pipe.predict(window[None])[0])
        window = np.append(window[1:], expected[-1])
    assert_near(sk_rnn.forecast(pipe, windows[-1:], 5)[0], expected, 1e-12)
    with pytest.raises(ValueError, match="state="):
        state = pipe[-1].warm_up(windows[-1:])
        sk_rnn.forecast(pipe, windows[-1:], 5, state=state)


def test_a_pipeline_that_encodes_names():
    """Fifty stores would do as well: a store, a promotion by name, and sales."""
    rng = np.random.default_rng(0)
    frames = []
    for store in ("north", "south"):
        promotion = rng.choice(["none", "poster", "radio"], 61)
        sales = np.zeros(61)
        effect = {"none": 0.0, "poster": 1.0, "radio": 2.0}
        for t in range(1, 61):
            sales[t] = 0.5 * sales[t - 1] + effect[promotion[t - 1]]
        frames.append(pd.DataFrame({"store": store, "ad": promotion, "sales": sales}))
    past = pd.concat([f[:50] for f in frames], ignore_index=True)
    y = pd.concat([f["sales"].shift(-1)[:50] for f in frames], ignore_index=True)
    future = pd.concat([f[50:] for f in frames], ignore_index=True)[["store", "ad"]]
    encode = ColumnTransformer(
        [("ad", OneHotEncoder(sparse_output=False), ["ad"])],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    model = make(
        "TDNNRegressor",
        hidden_layer_sizes=(),
        n_lags=0,
        time_axis=0,
        max_iter=200,
        sequence_column="store",
    )
    pipe = make_pipeline(encode, model).fit(past, y)
    with pytest.raises(ValueError, match="target_columns=..."):
        sk_rnn.forecast(pipe, past, 8, future)
    ahead = sk_rnn.forecast(pipe, past, 8, future, target_columns="sales")
    truth = np.stack([f["sales"][50:58] for f in frames])
    np.testing.assert_allclose(ahead, truth, atol=0.05)
    frame = sk_rnn.forecast(
        pipe, past, 3, future, target_columns="sales", as_frame=True
    )
    assert frame.columns.tolist() == ["store", "sales"]
    np.testing.assert_allclose(frame["sales"], ahead[:, :3].ravel())


def test_a_transformer_that_looks_back_is_refused():
    X, y, future, params = cases()["table"]
    mean = FunctionTransformer(lambda X: X - np.mean(X, axis=0))
    pipe = make_pipeline(mean, make("RNNRegressor", **params)).fit(X, y)
    with pytest.raises(ValueError, match="something else of the last step"):
        sk_rnn.forecast(pipe, X, 3, future)


def test_what_holds_no_model_is_refused():
    X, y, _, params = cases()["table"]
    for nothing in (None, "passthrough", 3):
        with pytest.raises(TypeError, match="estimator must be a regressor of sk_rnn"):
            sk_rnn.forecast(nothing, X, 3)
    with pytest.raises(TypeError, match="regressor Ridge"):
        sk_rnn.forecast(make_pipeline(StandardScaler(), Ridge()).fit(X, y), X, 3)
    with pytest.raises(NotFittedError):
        sk_rnn.forecast(make_pipeline(make("RNNRegressor", **params)), X, 3)
    search = GridSearchCV(make("RNNRegressor", **params), {"alpha": [1.0]})
    with pytest.raises(NotFittedError):
        sk_rnn.forecast(search, X, 3)


# ----------------------------------------------------------------------------- frames
def dated(freq, n=30):
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-01-31", periods=n, freq=freq)
    return pd.DataFrame(driven(n - 1, rng), index, columns=["price", "sales"])


@pytest.mark.parametrize(
    "freq", ["D", pd.offsets.MonthEnd(), "B"], ids=["days", "months", "business days"]
)
@pytest.mark.parametrize("lost", [False, True], ids=["known", "inferred"])
def test_a_frame_goes_on_with_its_index(freq, lost):
    X = dated(freq)
    expected = pd.date_range("2024-01-31", periods=34, freq=freq)[30:]
    if lost:
        X.index = pd.DatetimeIndex(X.index.to_numpy())
        assert X.index.freq is None
    y = X["sales"].shift(-1)[:-1]
    model = make("AutoRegressor", lags=True, time_axis=0, target_columns="sales")
    model.fit(X[:-1], y)
    price = pd.DataFrame({"price": [1.0, 2.0, 1.5]}, expected[:3])
    ask = {"quantiles": (0.1, 0.9), "return_std": True}
    frame = model.forecast(X, 4, price, as_frame=True, **ask)
    y_pred, std, band = model.forecast(X, 4, price, **ask)
    assert frame.index.equals(expected)
    names = ["sales", "sales_std", "sales_0.1", "sales_0.9"]
    assert frame.columns.tolist() == names
    np.testing.assert_array_equal(frame, np.column_stack([y_pred, std, band]))


@pytest.mark.parametrize(
    "index, behind",
    [
        (pd.RangeIndex(30), [30, 31]),
        (pd.Index(np.arange(30) * 0.5), [15.0, 15.5]),
        (pd.Index(np.arange(30, dtype="u1")), [30, 31]),
        (pd.period_range("2020-01", periods=90, freq="M")[::3], ["2027-07", "2027-10"]),
        (pd.period_range("2020Q1", periods=30, freq="Q"), ["2027Q3", "2027Q4"]),
    ],
    ids=["rows", "numbers", "small", "every third", "periods"],
)
def test_other_indices_go_on(index, behind):
    X = dated("D").set_axis(index)[["sales"]]
    model = make("AutoRegressor", lags=True, time_axis=0)
    model.fit(X.iloc[:-1], X["sales"].to_numpy()[1:])
    frame = model.forecast(X, 2, as_frame=True)
    assert [str(label) for label in frame.index] == list(map(str, behind))
    assert frame.columns.tolist() == ["sales"]


def test_an_index_of_tenths_goes_on():
    """Its steps are even but for rounding."""
    X = dated("D").set_axis(np.arange(30) * 0.1)[["sales"]]
    model = make("AutoRegressor", lags=True, time_axis=0)
    model.fit(X.iloc[:-1], X["sales"].to_numpy()[1:])
    assert_near(model.forecast(X, 2, as_frame=True).index.to_numpy(), [3, 3.1], 1e-9)


@pytest.mark.parametrize(
    "reordered",
    [
        lambda days: days[::-1],
        lambda days: days.to_period()[::-1],
        lambda days: days.to_period()[[*range(0, 28), 29, 28]],
        lambda days: pd.Index(np.arange(30, dtype="u1")[::-1]),
        lambda days: pd.Index([3] * 30),
        lambda _: pd.period_range("2024-01", periods=40, freq="M").delete(range(5, 15)),
    ],
    ids=["backwards", "periods back", "unsorted", "small back", "same", "gap"],
)
@pytest.mark.filterwarnings("ignore:The rows of X are not")
def test_an_index_that_does_not_rise_evenly_does_not_go_on(reordered):
    index = reordered(pd.date_range("2024-01-01", periods=30))
    X = dated("D").set_axis(index)[["sales"]]
    model = make("AutoRegressor", lags=True, time_axis=0)
    model.fit(X[:-1], X["sales"].to_numpy()[1:])
    with pytest.raises(ValueError, match="numbers that rise evenly"):
        model.forecast(X, 2, as_frame=True)


def test_frames_of_panels():
    parts = [dated("D").assign(store=s) for s in "ab"]
    X = pd.concat([p[:-1] for p in parts])
    y = pd.concat([p["sales"].shift(-1)[:-1].rename("next") for p in parts])
    model = make(
        "RNNRegressor", time_axis=0, sequence_column="store", target_columns="sales"
    ).fit(X, y)
    day = pd.DatetimeIndex(["2024-02-29", "2024-03-01"])
    future = pd.concat(
        [pd.DataFrame({"price": 1.0, "store": s}, day[:1]) for s in "ba"]
    )
    frame = model.forecast(X, 2, future, as_frame=True)
    assert frame.columns.tolist() == ["store", "next"]
    assert frame["store"].tolist() == ["a", "a", "b", "b"]
    assert frame.index.equals(pd.DatetimeIndex([*day, *day]))


def test_frames_need_frames_and_a_frequency():
    X = dated("D")[["sales"]]
    model = make("RNNRegressor", time_axis=0).fit(X[:-1], X["sales"].to_numpy()[1:])
    with pytest.raises(ValueError, match="X as a DataFrame"):
        with pytest.warns(UserWarning, match="feature names"):
            model.forecast(X.to_numpy(), 2, as_frame=True)
    with pytest.raises(ValueError, match="no room for paths"):
        model.forecast(X, 2, as_frame=True, return_paths=True)
    with pytest.raises(ValueError, match="a known frequency"):
        model.forecast(X.iloc[[0, 1, 5, 7]], 2, as_frame=True)


@each
def test_float32_stays(name):
    series = autoregression(60, np.random.default_rng(0)).astype(np.float32)
    model = make(name, lags=True, time_axis=0).fit(series[:-1], series[1:, 0])
    ask = {"quantiles": (0.1, 0.9), "n_paths": 20, "random_state": 0}
    found = model.forecast(series, 5, return_paths=True, **ask)
    assert [part.dtype for part in found] == [np.float32] * 3
    assert np.isfinite(found[1]).all()


@each
def test_two_outputs_two_known(name):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4))
    model = make(name, lags=True, time_axis=0, target_columns=[2, 0])
    model.fit(X[:-1], X[1:, [2, 0]])
    future = rng.standard_normal((4, 2))
    ahead = model.forecast(X, 4, future)
    assert ahead.shape == (4, 2)
    state = model.warm_up(X[:-1], X[1:, [2, 0]] if name == "NARXRegressor" else None)
    y, state = model.predict(X[-1:], state=state, return_state=True)
    step = np.array([[y[0, 1], future[0, 0], y[0, 0], future[0, 1]]])
    assert_near(ahead[0], y[0], 1e-12)
    assert_near(ahead[1], model.predict(step, state=state)[0], 1e-12)
    _, band = model.forecast(
        X, 4, future, quantiles=(0.1, 0.9), n_paths=30, random_state=0
    )
    assert band.shape == (4, 2, 2) and (band[..., 0] < band[..., 1]).all()


# ------------------------------------------------------------- what stands for a form
@each
def test_boxed_sequences_are_forecast_as_a_list(name):
    X, y, future, params = cases()["list"]
    X = [part[: 24 - k] for k, part in enumerate(X)]
    y = [part[: 24 - k] for k, part in enumerate(y)]
    model = make(name, lags=True, **params).fit(X, y)
    expected = model.forecast(X, 4, future)
    boxes = [np.empty(4, object) for _ in range(2)]
    boxes[0][:], boxes[1][:] = X, [part[:5] for part in future]
    assert_near(model.forecast(boxes[0], 4, boxes[1]), expected, 0)
    assert_near(model.forecast(boxes[0], 4, np.stack(future)), expected, 0)


@each
def test_nested_lists_are_forecast_as_arrays(name):
    X, y, future, params = cases()["table"]
    model = make(name, lags=True, **params).fit(X, y)
    ahead = model.forecast(X.tolist(), 4, future.tolist())
    assert_near(ahead, model.forecast(X, 4, future), 0)
    X, y, future, params = cases()["array"]
    model = make(name, lags=True, **params).fit(X, y)
    ahead = model.forecast(X.tolist(), 4, future.tolist())
    assert_near(ahead, model.forecast(X, 4, future), 0)
    ragged = [*future[:3], future[3][:4]]
    with pytest.raises(ValueError, match="X is an array, so X_future must be one"):
        model.forecast(X, 4, ragged)


def test_what_no_frame_of_x_future_can_be():
    X, y, future, params = cases()["table"]
    frame = pd.DataFrame(X, columns=["price", "sales"])
    model = make("RNNRegressor", **params).fit(frame, y)
    later = pd.DataFrame(future, columns=["price", "sales"])
    with pytest.raises(TypeError, match="must be one with the same.*got Series"):
        model.forecast(frame, 3, later["price"])
    with pytest.raises(ValueError, match="columns of the same name"):
        model.forecast(frame, 3, later[["price", "price"]])
    model.fit(X, y)
    with pytest.raises(ValueError, match="X_future holds dates"):
        model.forecast(X, 3, np.array([["2024-01-01"]] * 3, "M8[D]"))
