"""Forecasts from many origins are those that a loop by hand makes."""

import numpy as np
import pytest
from estimators import NAMES, filtered, make
from helpers import assert_near, optional
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_forecast import driven

import sk_rnn
from sk_rnn.model_selection import BacktestDisplay, PanelTimeSeriesSplit, backtest

pd = optional("pandas")

each = pytest.mark.parametrize("name", NAMES)
CV = TimeSeriesSplit(2, test_size=8)


def sales(n=50, seed=0):
    X = driven(n, np.random.default_rng(seed))
    return X[:-1], X[1:, 1]


@each
def test_outputs_are_fed_back_as_by_forecast(name):
    X, y = sales()
    model = make(name, lags=True, time_axis=0, target_columns=1)
    result = backtest(model, X, y, horizon=3, cv=CV, stride=2)
    found = []
    for fold, (train, test) in enumerate(CV.split(X)):
        model.fit(X[train], y[train])
        for origin in test[:-2:2]:
            ahead = model.forecast(X[: origin + 1], 3, X[origin + 1 : origin + 3])
            for h, value in enumerate(ahead):
                found.append((fold, origin, h + 1, y[origin + h], value))
    names = ["fold", "origin", "horizon", "y", "y_pred"]
    for name, column in zip(names, zip(*found, strict=True), strict=True):
        assert_near(getattr(result, name), np.array(column), 1e-10)
    assert result.to_frame().columns.tolist() == names


@each
def test_other_models_are_simulated_from_their_inputs(name):
    u = np.random.default_rng(0).standard_normal((60, 2))
    y = filtered(u)
    model = make(name, lags=True, time_axis=0)
    result = backtest(model, u, y, horizon=4, cv=CV)
    k = 0
    for train, test in CV.split(u):
        model.fit(u[train], y[train])
        for origin in test[:-3]:
            state = model.warm_up(u[:origin], y[:origin])
            ahead = model.predict(u[origin : origin + 4], state=state)
            assert_near(result.y_pred[k : k + 4], ahead, 1e-10)
            k += 4
    assert k == len(result.y)
    with pytest.raises(ValueError, match="quantiles and paths are those"):
        backtest(model, u, y, horizon=4, cv=CV, quantiles=(0.1, 0.9))
    with pytest.raises(ValueError, match="quantiles and paths are those"):
        backtest(model, u, y, horizon=4, cv=CV, return_paths=True)


@pytest.mark.parametrize("wrapped", ["pipeline", "both ways", "search"])
def test_through_wrappers(wrapped):
    X, y = sales()
    model = make("GRURegressor", time_axis=0, target_columns=1)
    pipe = make_pipeline(StandardScaler(), model)
    estimator = {
        "pipeline": pipe,
        "both ways": TransformedTargetRegressor(pipe, transformer=StandardScaler()),
        "search": GridSearchCV(pipe, {"gruregressor__alpha": [1e-3]}, cv=CV),
    }[wrapped]
    result = backtest(estimator, X, y, horizon=3, cv=CV, stride=4)
    train, test = list(CV.split(X))[1]
    estimator.fit(X[train], y[train])
    origin = test[4]
    ahead = sk_rnn.forecast(estimator, X[: origin + 1], 3, X[origin + 1 : origin + 3])
    assert_near(result.y_pred[result.origin == origin], ahead, 1e-10)


@each
def test_panels(name):
    parts = [sales(40, seed) for seed in range(3)]
    X = pd.concat(
        [
            pd.DataFrame(u, columns=["price", "sales"]).assign(store=s)
            for s, (u, _) in zip("cab", parts, strict=True)
        ],
        ignore_index=True,
    )
    y = np.concatenate([part for _, part in parts])
    model = make(
        name,
        lags=True,
        time_axis=0,
        sequence_column="store",
        target_columns="sales",
    )
    cv = PanelTimeSeriesSplit(2)
    result = backtest(model, X, y, horizon=3, cv=2, stride=5)
    train, test = list(cv.split(X, groups=X["store"]))[1]
    model.fit(X.iloc[train], y[train])
    of = result.fold == 1
    assert dict.fromkeys(result.sequence[of].tolist()) == dict.fromkeys("cab")
    for store in "cab":
        rows = test[X["store"].iloc[test] == store]
        origin = rows[5]
        one = X[X["store"] == store]
        ahead = model.forecast(
            one.loc[:origin], 3, one.loc[origin + 1 :, ["price", "store"]]
        )
        assert_near(result.y_pred[of & (result.origin == origin)], ahead[0], 1e-10)
    assert_near(result.y, y[result.origin + result.horizon - 1], 0)
    assert "sequence" in result.to_frame()


def test_without_refit_the_first_model_forecasts_all():
    X, y = sales()
    model = make("AutoRegressor", lags=True, time_axis=0, target_columns=1)
    result = backtest(model, X, y, horizon=2, cv=CV, refit=False)
    train, test = list(CV.split(X))[1]
    model.fit(X[: train[-1] + 1 - 8], y[: train[-1] + 1 - 8])
    ahead = model.forecast(X[: test[0] + 1], 2, X[test[0] + 1 :])
    assert_near(result.y_pred[result.origin == test[0]], ahead, 1e-10)


def test_splits_may_be_given():
    X, y = sales()
    model = make("AutoRegressor", lags=True, time_axis=0, target_columns=1)
    expected = backtest(model, X, y, horizon=3, cv=CV)
    for splits in (list(CV.split(X)), CV.split(X)):
        found = backtest(model, X, y, horizon=3, cv=splits)
        assert_near(found.y_pred, expected.y_pred, 0)
    with pytest.raises(ValueError, match="an iterable"):
        backtest(model, X, y, horizon=3, cv="half")


def test_bands_metrics_and_labels():
    rng = np.random.default_rng(0)
    series = np.zeros(600)
    for t in range(1, 600):
        series[t] = 0.7 * series[t - 1] + rng.standard_normal()
    days = pd.date_range("2024-01-01", periods=599)
    X = pd.DataFrame({"y": series[:-1]}, index=days)
    model = make("RNNRegressor", time_axis=0, alpha=10.0)
    ask = {"quantiles": (0.1, 0.9), "n_paths": 100, "random_state": 0}
    result = backtest(model, X, series[1:], horizon=4, cv=3, stride=3, **ask)
    assert 0.72 < result.coverage() < 0.88
    steps, error = result.by_horizon(mean_absolute_error)
    assert steps.tolist() == [1, 2, 3, 4] and error[0] < error[3]
    first = result.horizon == 1
    by_hand = np.abs(result.y[first] - result.y_pred[first]).mean()
    assert error[0] == pytest.approx(by_hand)
    frame = result.to_frame()
    assert frame.columns.tolist()[-2:] == ["y_0.1", "y_0.9"]
    assert (frame.index == days[result.origin + result.horizon - 1]).all()
    with pytest.raises(ValueError, match="There is no band"):
        backtest(model, X, series[1:], horizon=1, cv=3).coverage()


@each
def test_paths_and_splits_given_as_rows(name):
    X, y = sales()
    model = make(name, lags=True, time_axis=0, target_columns=1)
    ask = {"n_paths": 40, "random_state": 0, "return_paths": True}
    cv = [(range(40), range(40, 43)), (range(44), range(44, 47))]
    result = backtest(model, X, y, horizon=3, cv=cv, quantiles=(0.3,), **ask)
    assert result.origin.tolist() == [40] * 3 + [44] * 3
    assert result.y_paths.shape == (6, 40)
    ahead = model.fit(X[:44], y[:44]).forecast(X[:45], 3, X[45:47], **ask)
    for values, by_hand in zip((result.y_pred, result.y_paths), ahead, strict=True):
        assert_near(values[3:], by_hand, 1e-10)
    if name != "AutoRegressor":  # whose quantiles are exact
        quantile = np.quantile(result.y_paths, 0.3, axis=1)
        assert_near(result.y_quantiles[:, 0], quantile, 1e-12)


def test_two_outputs():
    X = np.random.default_rng(0).standard_normal((60, 2))
    model = make("AutoRegressor", lags=True, time_axis=0)
    result = backtest(model, X[:-1], X[1:], horizon=2, cv=CV, quantiles=[0.2])
    assert result.y.shape == result.y_pred.shape == (len(result.origin), 2)
    assert result.y_quantiles.shape == (len(result.origin), 2, 1)
    names = ["y_0", "y_1", "y_pred_0", "y_pred_1", "y_0.2_0", "y_0.2_1"]
    assert result.to_frame().columns.tolist()[3:] == names


def test_splits_are_computed_side_by_side():
    X, y = sales()
    model = make("RNNRegressor", time_axis=0, target_columns=1)
    one = backtest(model, X, y, horizon=3, cv=3)
    two = backtest(model, X, y, horizon=3, cv=3, n_jobs=2)
    assert np.array_equal(one.y_pred, two.y_pred)


def test_what_is_refused():
    X, y = sales()
    model = make("RNNRegressor", time_axis=0, target_columns=1)
    with pytest.raises(ValueError, match="follow the training rows"):
        backtest(model, X, y, horizon=2, cv=KFold(3))
    with pytest.raises(ValueError, match="horizon=9 is longer .* 8 row"):
        backtest(model, X, y, horizon=9, cv=CV)
    with pytest.raises(ValueError, match="horizon"):
        backtest(model, X, y, horizon=0, cv=CV)
    windows = np.lib.stride_tricks.sliding_window_view(y, 5)
    with pytest.raises(ValueError, match="time_axis=0"):
        backtest(make("RNNRegressor"), windows[:-1], y[5:], horizon=2, cv=CV)


def test_splits_may_be_given_as_such():
    X, y = sales()
    model = make("RNNRegressor", time_axis=0, target_columns=1)
    expected = backtest(model, X, y, horizon=3, cv=CV)
    for cv in (list(CV.split(X)), CV.split(X)):
        assert_near(backtest(model, X, y, horizon=3, cv=cv).y_pred, expected.y_pred, 0)
    with pytest.raises(ValueError, match="Expected `?cv`? as"):
        backtest(model, X, y, horizon=3, cv="time")


def test_a_driven_model_behind_a_scaler_is_simulated_all_the_same():
    u = np.random.default_rng(0).standard_normal((60, 1))
    y = filtered(u)
    model = make("NARXRegressor", lags=True, time_axis=0)
    bare = backtest(model, u, y, horizon=4, cv=CV)
    scaled = make_pipeline(StandardScaler(with_mean=False, with_std=False), model)
    assert_near(backtest(scaled, u, y, horizon=4, cv=CV).y_pred, bare.y_pred, 1e-10)


@pytest.mark.parametrize(
    "kind", [np.asarray, lambda X: pd.DataFrame(X)], ids=["array", "frame"]
)
def test_what_is_to_be_forecast_is_not_simulated_from(kind):
    """The inputs of the steps ahead hold the very sales that are to be forecast."""
    X, y = sales()
    model = make("AutoRegressor", lags=True, time_axis=0)
    with pytest.raises(ValueError, match=r"next values of columns of X.* \[\[1\]\]"):
        backtest(model, kind(X), y, horizon=3, cv=CV)
    model.set_params(sequence_column=0)
    both = np.column_stack([np.repeat([1, 2], len(X)), np.tile(X, (2, 1))])
    with pytest.raises(ValueError, match=r"next values of columns of X.* \[\[2\]\]"):
        backtest(model, both, np.tile(y, 2), horizon=3, cv=2)


def test_a_series_behind_a_rotation_is_fed_back():
    X = np.random.default_rng(0).standard_normal((60, 2)).cumsum(axis=0)
    model = make("AutoRegressor", lags=True, time_axis=0)
    bare = backtest(model, X[:-1], X[1:], horizon=3, cv=CV)
    rotated = make_pipeline(PCA(2), model)
    found = backtest(rotated, X[:-1], X[1:], horizon=3, cv=CV)
    assert_near(found.y_pred, bare.y_pred, 1e-8)


def test_rare_sales_are_not_mistaken_for_a_rare_promotion():
    """Both are zero at most steps, which does not make them the same."""
    rng = np.random.default_rng(0)
    promotion = (rng.random(80) < 0.1) * 1.0
    y = (rng.random(80) < 0.1) * rng.uniform(1, 2, 80)
    model = make("TDNNRegressor", lags=True, time_axis=0)
    X = promotion[:, None]
    result = backtest(model, X, y, horizon=2, cv=CV)
    last = list(CV.split(X))[1][0]
    model.fit(X[last], y[last])
    state = model.warm_up(X[last])
    ahead = model.predict(X[len(last) : len(last) + 2], state=state)
    found = result.y_pred[(result.fold == 1) & (result.origin == len(last))]
    assert_near(found, ahead, 1e-10)


# --------------------------------------------------------------------------- pictures
def test_pictures():
    X, y = sales()
    pytest.importorskip("matplotlib").use("Agg")
    model = make("AutoRegressor", lags=True, time_axis=0, target_columns=1)
    display = BacktestDisplay.from_estimator(model, X, y, horizon=3, cv=CV)
    steps, error = display.result.by_horizon()
    assert_near(display.lines_[0].get_xydata(), np.column_stack([steps, error]), 0)
    assert display.ax_.get_legend().get_texts()[0].get_text() == "AutoRegressor"
    result = backtest(model, X, y, horizon=3, cv=CV, quantiles=(0.1, 0.9))
    display = BacktestDisplay(result, name="AR").plot(kind="forecast", horizon=2)
    what_came, forecast = display.lines_
    which = result.horizon == 2
    assert_near(what_came.get_xdata(), result.origin[which] + 1, 0)
    assert_near(forecast.get_ydata(), result.y_pred[which], 0)
    assert len(display.ax_.collections) == 1
    with pytest.raises(ValueError, match="kind"):
        display.plot(kind="bars")
    with pytest.raises(ValueError, match="horizon=7"):
        display.plot(kind="forecast", horizon=7)
