"""AutoRegressor against statsmodels, Ridge and least squares."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.feature_selection import RFE, RFECV, SelectFromModel
from sklearn.linear_model import LinearRegression, Ridge

from sk_rnn import AutoRegressor
from sk_rnn.datasets import load_sunspots

SUNSPOTS = load_sunspots().data

#: statsmodels 0.15, AutoReg(sunspots, 3).fit(): params, sigma2, aic, bic.
STORED = [
    16.94434518547298,
    1.301721390086372,
    -0.5099488082014273,
    -0.13025038862106766,
    271.2726058768965,
    2592.946400073515,
    2611.564325583277,
]


def fit(series, n_lags, **params):
    series = np.asarray(series)
    X = series.reshape(len(series), -1)
    return AutoRegressor(n_lags=n_lags, time_axis=0, **params).fit(X[:-1], series[1:])


def lag_matrix(series, n_lags):
    windows = np.lib.stride_tricks.sliding_window_view(series[:-1], n_lags)
    return windows[:, ::-1], series[n_lags:]


def test_stored_results_of_statsmodels():
    model = fit(SUNSPOTS, 3)
    got = [model.intercept_, *model.lag_coef_.ravel(), *model.noise_variance_]
    got += [model.aic_, model.bic_]
    np.testing.assert_allclose(got, STORED, rtol=1e-10)


@pytest.mark.parametrize("n_lags", [1, 2, 9, 40])
@pytest.mark.parametrize("standardize", [False, True])
def test_against_statsmodels(n_lags, standardize):
    ar_model = pytest.importorskip(
        "statsmodels.tsa.ar_model", reason="the live comparison needs statsmodels"
    )
    theirs = ar_model.AutoReg(SUNSPOTS, n_lags).fit()
    ours = fit(SUNSPOTS, n_lags, standardize=standardize)
    np.testing.assert_allclose(ours.intercept_, theirs.params[0], rtol=1e-10)
    np.testing.assert_allclose(ours.lag_coef_[:, 0, 0], theirs.params[1:], rtol=1e-10)
    np.testing.assert_allclose(ours.noise_variance_, theirs.sigma2, rtol=1e-10)
    criteria = [ours.aic_, ours.bic_]
    np.testing.assert_allclose(criteria, [theirs.aic, theirs.bic], rtol=1e-10)
    y, std = ours.forecast(SUNSPOTS[:, None], 12, return_std=True)
    forecast = theirs.get_prediction(len(SUNSPOTS), len(SUNSPOTS) + 11)
    np.testing.assert_allclose(y, forecast.predicted_mean, rtol=1e-9)
    np.testing.assert_allclose(std**2, forecast.var_pred_mean, rtol=1e-9)
    assert (np.diff(std) > 0).all()


def test_vector_autoregression_against_statsmodels():
    var_model = pytest.importorskip(
        "statsmodels.tsa.vector_ar.var_model",
        reason="the live comparison needs statsmodels",
    )
    rng = np.random.default_rng(0)
    series = np.zeros((300, 2))
    for t in range(1, 300):
        series[t] = series[t - 1] @ [[0.6, -0.2], [0.3, 0.5]] + rng.standard_normal(2)
    series += [5, -3]
    theirs = var_model.VAR(series).fit(3, trend="c")
    ours = fit(series, 3)
    np.testing.assert_allclose(ours.lag_coef_, theirs.coefs, atol=1e-10)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept, atol=1e-10)
    np.testing.assert_allclose(ours.noise_covariance_, theirs.sigma_u_mle, atol=1e-10)
    y, std = ours.forecast(series, 8, return_std=True)
    np.testing.assert_allclose(y, theirs.forecast(series[-3:], 8), atol=1e-10)
    variance = np.array([np.diag(m) for m in theirs.mse(8)])
    ratio = np.diag(theirs.sigma_u) / np.diag(theirs.sigma_u_mle)
    np.testing.assert_allclose(std**2 * ratio, variance, rtol=1e-9)


def walk(n, n_channels=2, seed=0):
    """A damped random walk in several channels."""
    rng = np.random.default_rng(seed)
    series = rng.standard_normal((n, n_channels))
    for t in range(1, n):
        series[t] += 0.5 * series[t - 1] - 0.2 * series[t - 1, ::-1]
    return series


def test_information_criteria_are_those_of_the_gaussian_likelihood():
    series = walk(150)
    model = fit(series, 2)
    # Row 0 goes on from the training rows; the others know two lags of their own.
    residual = series[2:] - model.predict(series[:-1])[1:]
    log_likelihood = multivariate_normal.logpdf(
        residual, cov=model.noise_covariance_
    ).sum()
    n_parameters = 2 * (2 * 2 + 1) + 3
    aic = -2 * log_likelihood + 2 * n_parameters
    bic = -2 * log_likelihood + np.log(148) * n_parameters
    np.testing.assert_allclose([model.aic_, model.bic_], [aic, bic], rtol=1e-10)


@pytest.mark.parametrize("standardize", [False, True])
def test_weights_are_repetitions(standardize):
    series = walk(60)
    cut = [series[k : k + 12] for k in range(0, 60, 12)]
    X, y = [part[:-1] for part in cut], [part[1:] for part in cut]
    weight = np.array([2, 0, 1, 3, 1])
    again = np.repeat(np.arange(5), weight)
    model = AutoRegressor(n_lags=2, standardize=standardize)
    one = clone(model).fit(X, y, sample_weight=weight)
    two = clone(model).fit([X[k] for k in again], [y[k] for k in again])
    for name in ("coef_", "intercept_", "noise_covariance_", "aic_", "bic_"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-10)


def test_a_row_of_weight_0_has_no_residual_but_is_a_lag():
    weight = np.ones(len(SUNSPOTS) - 1)
    weight[50:80] = 0
    X, y = SUNSPOTS[:-1, None], SUNSPOTS[1:]
    model = AutoRegressor(n_lags=3, time_axis=0).fit(X, y, sample_weight=weight)
    Z, target = lag_matrix(SUNSPOTS, 3)
    Z1 = np.column_stack([Z, np.ones(len(Z))])[weight[2:] > 0]
    expected = np.linalg.lstsq(Z1, target[weight[2:] > 0], rcond=None)[0]
    np.testing.assert_allclose(model.lag_coef_[:, 0, 0], expected[:-1], rtol=1e-9)
    np.testing.assert_allclose(model.intercept_, expected[-1], rtol=1e-9)


def test_a_small_noise_variance_keeps_its_digits():
    """A sum of squares less the explained part would be all rounding."""
    rng = np.random.default_rng(0)
    series = np.sin(0.3 * np.arange(400)) + 1e-7 * rng.standard_normal(400)
    model = fit(series, 2)
    Z, y = lag_matrix(series, 2)
    Z1 = np.column_stack([Z, np.ones(len(Z))])
    residual = y - Z1 @ np.linalg.lstsq(Z1, y, rcond=None)[0]
    np.testing.assert_allclose(model.noise_variance_, np.mean(residual**2), rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.5, 30.0])
def test_ridge(alpha):
    Z, y = lag_matrix(SUNSPOTS, 5)
    theirs = Ridge(alpha).fit(Z, y)
    ours = fit(SUNSPOTS, 5, alpha=alpha, standardize=False)
    np.testing.assert_allclose(ours.lag_coef_[:, 0, 0], theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)


def test_ridge_on_lags_that_are_all_alike():
    """Ridge decides what the data do not, by the stable solution as well."""
    wave = np.sin(0.3 * np.arange(200)) + 5
    Z, y = lag_matrix(wave, 6)
    theirs = Ridge(1e-9, solver="svd").fit(Z, y)
    ours = fit(wave, 6, alpha=1e-9, standardize=False)
    np.testing.assert_allclose(ours.lag_coef_[:, 0, 0], theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict(wave[:-1, None])[5:], theirs.predict(Z))


@pytest.mark.parametrize("n_lags", [2, 5, 20])
def test_more_lags_than_the_series_can_tell_apart(n_lags):
    """A sinusoid satisfies a recursion of two lags; of all solutions, the smallest."""
    wave = np.sin(0.3 * np.arange(200))
    model = fit(wave, n_lags, standardize=False)
    Z, y = lag_matrix(wave, n_lags)
    Z1 = np.column_stack([Z, np.ones(len(Z))])
    expected = np.linalg.lstsq(Z1, y, rcond=1e-12)[0]
    np.testing.assert_allclose(model.lag_coef_[:, 0, 0], expected[:-1], atol=1e-6)
    ahead = model.forecast(wave[:, None], 50)
    np.testing.assert_allclose(ahead, np.sin(0.3 * np.arange(200, 250)), atol=1e-6)


def test_a_constant_series():
    model = fit(np.full(30, 7.0), 3)
    np.testing.assert_allclose(model.forecast(np.full((30, 1), 7.0), 5), 7.0)
    assert model.noise_variance_[0] == pytest.approx(0, abs=1e-20)


def test_a_large_offset_costs_few_digits():
    plain, shifted = fit(SUNSPOTS, 4), fit(SUNSPOTS + 1e6, 4)
    np.testing.assert_allclose(shifted.coef_, plain.coef_, rtol=1e-7)
    np.testing.assert_allclose(shifted.noise_variance_, plain.noise_variance_)


def test_ill_conditioned_lags_keep_their_digits():
    """A slow ramp with a little noise: the Gram matrix alone would lose everything."""
    rng = np.random.default_rng(0)
    series = np.arange(500) + 1e-4 * rng.standard_normal(500)
    model = fit(series, 3, standardize=False)
    Z, y = lag_matrix(series, 3)
    scaled = np.column_stack([Z, np.ones(len(Z))])
    expected = np.linalg.lstsq(scaled, y, rcond=None)[0]
    np.testing.assert_allclose(model.lag_coef_[:, 0, 0], expected[:-1], rtol=1e-5)


def test_memory_is_far_from_the_lag_matrix():
    series = np.random.default_rng(0).standard_normal(100_000)
    n_lags = 200
    tracemalloc.start()
    fit(series, n_lags)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(series) * n_lags * 8 / 4


def test_rows_with_the_next_value():
    Z, y = lag_matrix(SUNSPOTS, 6)
    one = AutoRegressor().fit(Z[:, ::-1], y)
    np.testing.assert_allclose(one.coef_, fit(SUNSPOTS, 6).coef_, rtol=1e-9)
    np.testing.assert_allclose(one.noise_variance_, fit(SUNSPOTS, 6).noise_variance_)


def test_records_are_not_joined():
    """Each record gives its own rows; none has lags in another record."""
    cut = [SUNSPOTS[:100], SUNSPOTS[100:180], SUNSPOTS[180:]]
    X, y = [part[:-1, None] for part in cut], [part[1:] for part in cut]
    model = AutoRegressor(n_lags=4, standardize=False).fit(X, y)
    rows = [lag_matrix(part, 4) for part in cut]
    Z = np.concatenate([z for z, _ in rows])
    expected = np.linalg.lstsq(
        np.column_stack([Z, np.ones(len(Z))]),
        np.concatenate([b for _, b in rows]),
        rcond=None,
    )[0]
    np.testing.assert_allclose(model.lag_coef_[:, 0, 0], expected[:-1], rtol=1e-9)


@pytest.mark.parametrize("kind", ["list", "array", "table"])
def test_standard_deviations_have_the_form_of_the_predictions(kind):
    series = np.random.default_rng(0).standard_normal((40, 2)).cumsum(axis=0)
    X, y = {
        "list": ([series[:19], series[20:-1]], [series[1:20], series[21:]]),
        "array": (
            np.stack([series[:19], series[20:39]]),
            np.stack([series[1:20], series[21:40]]),
        ),
        "table": (series[:-1], series[1:]),
    }[kind]
    model = AutoRegressor(n_lags=1, time_axis=0 if kind == "table" else 1).fit(X, y)
    y_pred, y_std = model.predict(X, return_std=True)
    parts = zip(y_pred, y_std, strict=True) if kind == "list" else [(y_pred, y_std)]
    for values, deviations in parts:
        assert values.shape == deviations.shape
        expected = np.sqrt(model.noise_variance_)
        assert np.array_equal(deviations, np.broadcast_to(expected, values.shape))
    ahead, ahead_std = model.forecast(X, 4, return_std=True)
    assert ahead.shape == ahead_std.shape == ((4, 2) if kind == "table" else (2, 4, 2))


# ------------------------------------------------------------- coef_, as others read it
def rows(n_outputs, rng, n_channels=2, n_steps=5):
    """Rows, and targets made of their last two steps; flat for n_outputs=0."""
    X = rng.standard_normal((80, n_steps * n_channels)) * 3 + 1
    weights = rng.standard_normal((max(n_outputs, 1), X.shape[1]))
    weights[:, : -2 * n_channels] = 0
    y = 7 + X @ weights.T + 0.1 * rng.standard_normal((80, len(weights)))
    return X, y if n_outputs else y[:, 0]


@pytest.mark.parametrize("n_outputs", [0, 1, 3])
@pytest.mark.parametrize("standardize", [False, True])
def test_coef_is_that_of_a_linear_model_over_the_columns(n_outputs, standardize):
    X, y = rows(n_outputs, np.random.default_rng(0))
    theirs = LinearRegression().fit(X, y)
    ours = AutoRegressor(n_channels=2, standardize=standardize).fit(X, y)
    assert ours.coef_.shape == theirs.coef_.shape
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-12)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-12)
    assert isinstance(ours.intercept_, float) == (n_outputs == 0)


@pytest.mark.parametrize("n_outputs", [0, 2])
def test_columns_older_than_the_lags_have_weight_0(n_outputs):
    X, y = rows(n_outputs, np.random.default_rng(1))
    model = AutoRegressor(n_lags=2, n_channels=2).fit(X, y)
    theirs = LinearRegression().fit(X[:, -4:], y)
    assert model.coef_.shape[-1] == model.n_features_in_ == 10
    assert not model.coef_[..., :-4].any()
    np.testing.assert_allclose(model.coef_[..., -4:], theirs.coef_, atol=1e-12)
    y_pred = X @ model.coef_.T + model.intercept_
    np.testing.assert_allclose(model.predict(X), y_pred, rtol=1e-10)


@pytest.mark.parametrize("form", ["array", "list", "table"])
def test_coef_of_other_forms_is_that_of_a_row_of_the_lags(form):
    series = walk(59)
    X, y = series[:-1], series[1:, :1]
    X, y = {
        "table": (X, y),
        "list": ([X[:30], X[30:]], [y[:30, 0], y[30:, 0]]),
        "array": (X.reshape(2, 29, 2), y.reshape(2, 29, 1)),
    }[form]
    params = {"time_axis": 0, "carry_state": False} if form == "table" else {}
    model = AutoRegressor(n_lags=3, **params).fit(X, y)
    assert model.coef_.shape == ((6,) if form == "list" else (1, 6))
    assert model.lag_coef_.shape == (3, 1, 2)
    past = {"table": series, "list": [series], "array": series[None]}[form]
    last = np.reshape(model.predict(past), -1)[-1]
    expected = model.coef_ @ series[-3:].reshape(-1) + model.intercept_
    np.testing.assert_allclose([last], np.reshape(expected, -1), rtol=1e-10)


def test_lag_coef_is_by_lag_output_and_channel():
    X, y = rows(3, np.random.default_rng(2))
    model = AutoRegressor(n_channels=2).fit(X, y)
    by_step = model.coef_.reshape(3, 5, 2)
    np.testing.assert_array_equal(model.lag_coef_, by_step[:, ::-1].swapaxes(0, 1))


def test_features_are_selected_by_coef():
    """Which changes the number of steps: with n_lags=None they are all lags."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 6))
    y = 3 * X[:, 2] + 0.1 * rng.standard_normal(100)
    selected = RFE(AutoRegressor(), n_features_to_select=1).fit(X, y)
    assert selected.support_.tolist() == [False, False, True, False, False, False]
    np.testing.assert_allclose(
        selected.predict(X), LinearRegression().fit(X[:, [2]], y).predict(X[:, [2]])
    )
    chosen = SelectFromModel(AutoRegressor(), threshold="mean").fit(X, np.c_[y, -y])
    assert chosen.get_support().tolist() == selected.support_.tolist()
    assert RFECV(AutoRegressor(), cv=3).fit(X, y).support_[2]
