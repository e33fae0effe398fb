"""Forecasts of a panel equal loops by hand; bands, cross-validation in numbers."""

import numpy as np
import pandas as pd
import pytest
from series import N_LAGS, N_TRAIN, ROOTS, mse, network, recursive, windows

from sk_rnn import AutoRegressor

pytest.importorskip("mlforecast", reason="mlforecast is not installed")
from mlforecast import MLForecast
from mlforecast.utils import PredictionIntervals

PANEL = {"a": ROOTS[:N_TRAIN], "b": ROOTS[-N_TRAIN:]}
FRAME = pd.concat(
    pd.DataFrame({"unique_id": name, "ds": np.arange(N_TRAIN), "y": series})
    for name, series in PANEL.items()
)


def host(**models):
    return MLForecast(models=models, freq=1, lags=range(1, N_LAGS + 1))


def by_hand(horizon=1):
    """The windows of all series, one under the other."""
    parts = [windows(series, horizon) for series in PANEL.values()]
    return map(np.concatenate, zip(*parts, strict=True))


def test_recursive_is_the_loop_by_hand():
    models = {"gru": network(), "ar": AutoRegressor()}
    lagged = {k: m.__class__(**m.get_params()) for k, m in models.items()}
    lagged = {k: m.set_params(lag_order="newest_first") for k, m in lagged.items()}
    found = host(**lagged).fit(FRAME).predict(12)
    for name, model in models.items():
        model.fit(*by_hand())
        for series, rows in found.groupby("unique_id"):
            expected = recursive(model, PANEL[series], 12)
            np.testing.assert_allclose(rows[name], expected, rtol=1e-6)


def test_direct_is_a_model_for_each_step():
    found = host(gru=network(lag_order="newest_first")).fit(FRAME, max_horizon=3)
    found = found.predict(3).set_index("unique_id")["gru"]
    for h in (1, 2, 3):
        model = network().fit(*by_hand(h))
        for name, series in PANEL.items():
            expected = model.predict(series[None, -N_LAGS:])[0]
            assert found[name].iloc[h - 1] == pytest.approx(expected, rel=1e-6)


def test_lags_in_another_order_are_refused():
    with pytest.raises(ValueError, match="set lag_order='newest_first'"):
        host(gru=network()).fit(FRAME)


def test_what_is_no_lag_is_warned_of():
    frame = FRAME.assign(price=np.arange(2.0 * N_TRAIN) % 7)
    model = network(lag_order="newest_first")
    with pytest.warns(UserWarning, match="price is no lag"):
        host(gru=model).fit(frame, static_features=[])


def test_cross_validation():
    """Three years, from ten origins: better than persistence, as good as linear."""
    models = {"gru": network(), "ar": AutoRegressor()}
    for model in models.values():
        model.set_params(lag_order="newest_first")
    found = host(**models).cross_validation(FRAME, n_windows=10, h=3, refit=False)
    series = FRAME.set_index(["unique_id", "ds"])["y"]
    origins = pd.MultiIndex.from_frame(found[["unique_id", "cutoff"]])
    persistence = mse(found["y"], series[origins])
    assert mse(found["y"], found["gru"]) < 0.5 * persistence
    assert mse(found["y"], found["gru"]) < 1.2 * mse(found["y"], found["ar"])


def test_bands_hold_the_future():
    """Conformal bands: wider with the steps, and about the nominal share inside."""
    past = FRAME[FRAME["ds"] < N_TRAIN - 12]
    model = host(gru=network(lag_order="newest_first"))
    intervals = PredictionIntervals(n_windows=12, h=12)
    found = model.fit(past, prediction_intervals=intervals).predict(12, level=[80])
    width = (found["gru-hi-80"] - found["gru-lo-80"]).to_numpy().reshape(2, 12)
    assert width[:, 6:].mean() > width[:, 0].mean()
    y = FRAME[FRAME["ds"] >= N_TRAIN - 12]["y"].to_numpy()
    inside = (found["gru-lo-80"] <= y) & (y <= found["gru-hi-80"])
    assert 0.5 < inside.mean() <= 1  # steps of one path are not independent


def test_frames_of_polars():
    polars = pytest.importorskip("polars", reason="polars is not installed")
    model = network(lag_order="newest_first")
    expected = host(gru=model).fit(FRAME).predict(6)["gru"]
    found = host(gru=model).fit(polars.from_pandas(FRAME)).predict(6)["gru"]
    assert np.array_equal(found, expected)
