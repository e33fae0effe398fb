"""Recursive and direct forecasts equal loops by hand; backtests, bands in numbers."""

import numpy as np
import pandas as pd
import pytest
from series import (
    FUTURE,
    N_LAGS,
    N_TRAIN,
    PAST,
    ROOTS,
    covers,
    mse,
    network,
    recursive,
    skill,
    windows,
)

from sk_rnn import (
    AutoRegressor,
    LSTMRegressor,
    NARXRegressor,
    RNNRegressor,
    TDNNRegressor,
)

pytest.importorskip("skforecast", reason="skforecast is not installed")
from skforecast.direct import ForecasterDirect
from skforecast.model_selection import TimeSeriesFold, backtesting_forecaster
from skforecast.recursive import ForecasterRecursive

# Lag 1 is left in the rows of skforecast.
NEWEST = {"lag_order": "newest_first"}
SMALL = {"hidden_layer_sizes": 4, "max_iter": 20, "random_state": 0}


@pytest.mark.parametrize(
    "model",
    [
        AutoRegressor(),
        TDNNRegressor(**SMALL),
        NARXRegressor(**SMALL),
        RNNRegressor(**SMALL),
        LSTMRegressor(**SMALL),
        network(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_recursive_is_the_loop_by_hand(model):
    expected = recursive(model.fit(*windows()), PAST, 12)
    host = ForecasterRecursive(estimator=model.set_params(**NEWEST), lags=N_LAGS)
    host.fit(pd.Series(PAST))
    np.testing.assert_allclose(host.predict(12), expected, rtol=1e-9)


def test_lags_in_another_order_cannot_be_refused():
    """Columns come without names: what is fitted reads the newest value first."""
    host = ForecasterRecursive(estimator=network(skip=None), lags=N_LAGS)
    X, y = windows()
    reversed_rows = network(skip=None).fit(X[:, ::-1], y)
    expected = reversed_rows.predict(PAST[None, : -N_LAGS - 1 : -1])
    host.fit(pd.Series(PAST))
    np.testing.assert_allclose(host.predict(1), expected, rtol=1e-9)


def test_direct_is_a_model_for_each_step():
    host = ForecasterDirect(estimator=network(**NEWEST), lags=N_LAGS, steps=3)
    host.fit(pd.Series(PAST))
    X, y = windows(horizon=[1, 2, 3])
    expected = [network().fit(X, t).predict(PAST[None, -N_LAGS:])[0] for t in y.T]
    np.testing.assert_allclose(host.predict(), expected, rtol=1e-9)


def test_importances_are_the_coefficients():
    host = ForecasterRecursive(estimator=AutoRegressor(**NEWEST), lags=N_LAGS)
    host.fit(pd.Series(PAST))
    found = host.get_feature_importances(sort_importance=False)["importance"]
    expected = AutoRegressor().fit(*windows()).coef_[::-1]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_backtest():
    """Of the next year, from 59 origins: the error by hand, less than persistence."""
    host = ForecasterRecursive(estimator=network(**NEWEST), lags=N_LAGS)
    metric, found = backtesting_forecaster(
        host,
        y=pd.Series(ROOTS),
        cv=TimeSeriesFold(steps=1, initial_train_size=N_TRAIN, refit=False),
        metric="mean_squared_error",
        show_progress=False,
    )
    X, y = windows(ROOTS)
    expected = network().fit(*windows()).predict(X[-len(FUTURE) :])
    np.testing.assert_allclose(found["pred"], expected, rtol=1e-9)
    assert metric.iloc[0, 0] == pytest.approx(mse(y[-len(FUTURE) :], expected))
    linear = AutoRegressor().fit(*windows()).predict(X[-len(FUTURE) :])
    assert skill(expected) > 0.5 and skill(expected) > skill(linear) - 0.1


@pytest.mark.parametrize("method", ["bootstrapping", "conformal"])
def test_bands(method):
    host = ForecasterRecursive(estimator=network(**NEWEST), lags=N_LAGS)
    _, found = backtesting_forecaster(
        host,
        y=pd.Series(ROOTS),
        cv=TimeSeriesFold(steps=1, initial_train_size=N_TRAIN, refit=False),
        metric="mean_squared_error",
        interval=[0.1, 0.9],
        interval_method=method,
        n_boot=100,
        show_progress=False,
    )
    assert covers(found["lower_bound"], found["upper_bound"], FUTURE, 0.8)
