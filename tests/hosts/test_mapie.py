"""Split, cross and time-series conformal intervals hold their nominal share."""

import numpy as np
import pandas as pd
import pytest
from series import N_LAGS, N_TRAIN, ROOTS, covers, network, windows

from sk_rnn import AutoRegressor

pytest.importorskip("mapie", reason="mapie is not installed")
from mapie.regression import (
    CrossConformalRegressor,
    SplitConformalRegressor,
    TimeSeriesRegressor,
)
from mapie.subsample import BlockBootstrap

# It probes what was fitted to a DataFrame with an array, and tells of its own history.
pytestmark = pytest.mark.filterwarnings(
    "ignore:X does not have valid feature names",
    r"ignore:\s*This function behavior has been changed",
)
RNG = np.random.default_rng(0)
CUBE = RNG.standard_normal((1500, 6, 2))
Y = np.tanh(CUBE[:, -1, 0] + 0.5 * CUBE[:, -2, 1]) + 0.3 * RNG.standard_normal(1500)
ROWS = CUBE.reshape(1500, 12)
FORMS = {
    "rows": (ROWS, 2),
    "table": (pd.DataFrame(ROWS).add_prefix("c"), 2),
    "array": (CUBE, 1),
}
each_form = pytest.mark.parametrize("form", FORMS)
FIT, CALIBRATE, TEST = slice(300), slice(300, 700), slice(700, None)


def plain(**params):
    return network(skip=None, max_iter=20, **params)


def bounds(intervals):
    return intervals[:, 0, 0], intervals[:, 1, 0]


@each_form
def test_split(form):
    """The half width is the quantile of the errors, by hand."""
    X, n_channels = FORMS[form]
    model = plain(n_channels=n_channels)
    host = SplitConformalRegressor(model, confidence_level=0.9, prefit=False)
    host.fit(X[FIT], Y[FIT]).conformalize(X[CALIBRATE], Y[CALIBRATE])
    y_pred, intervals = host.predict_interval(X[TEST])
    model.fit(X[FIT], Y[FIT])
    assert np.array_equal(y_pred, model.predict(X[TEST]))
    errors = np.sort(abs(Y[CALIBRATE] - model.predict(X[CALIBRATE])))
    width = errors[int(np.ceil(0.9 * 401)) - 1]
    lower, upper = bounds(intervals)
    np.testing.assert_allclose([y_pred - lower, upper - y_pred], width, rtol=1e-9)
    assert covers(lower, upper, Y[TEST], 0.9)


@each_form
def test_cross(form):
    X, n_channels = FORMS[form]
    model = plain(n_channels=n_channels)
    host = CrossConformalRegressor(model, confidence_level=0.9, cv=3, random_state=0)
    host.fit_conformalize(X[CALIBRATE], Y[CALIBRATE])
    _, intervals = host.predict_interval(X[TEST])
    lower, upper = bounds(intervals)
    inside = np.mean((lower <= Y[TEST]) & (Y[TEST] <= upper))
    assert 0.87 < inside < 0.97  # at least 0.9, and hardly more (method "plus")
    assert (
        upper - lower
    ).mean() < 2 * 1.645 * 0.3 * 1.5  # the noise has a sigma of 0.3


@pytest.mark.parametrize("model", [AutoRegressor(), network()], ids=["ar", "gru"])
def test_windows_of_a_series(model):
    """EnbPI, of the next year: 59 years, in whose course the errors are updated."""
    X, y = windows(ROOTS)
    first = N_TRAIN - N_LAGS
    blocks = BlockBootstrap(n_resamplings=10, n_blocks=10, random_state=0)
    host = TimeSeriesRegressor(model, method="enbpi", cv=blocks, agg_function="mean")
    host.fit(X[:first], y[:first])
    lower, upper = [], []
    for k in range(first, len(X)):
        _, intervals = host.predict(X[[k]], confidence_level=0.8, ensemble=True)
        host.update(X[[k]], y[[k]], ensemble=True)
        lower.append(intervals[0, 0, 0])
        upper.append(intervals[0, 1, 0])
    assert covers(lower, upper, y[first:], 0.8)
    assert np.mean(upper) - np.mean(lower) < 2 * 1.28 * np.diff(ROOTS).std()


def test_a_table_in_time_order_is_read_once():
    """Each piece begins afresh, in mapie's probe of a single row, too."""
    table = ROOTS[:, None]
    model = network(skip=None, time_axis=0, carry_state=False)
    model.fit(table[:200], ROOTS[1:201])
    host = SplitConformalRegressor(model, confidence_level=0.8, prefit=True)
    host.conformalize(table[: N_TRAIN - 1], ROOTS[1:N_TRAIN])
    y_pred, intervals = host.predict_interval(table[:-1])
    assert np.array_equal(y_pred, model.predict(table[:-1]))
    lower, upper = (bound[N_TRAIN - 1 :] for bound in bounds(intervals))
    assert covers(lower, upper, ROOTS[N_TRAIN:], 0.8)
