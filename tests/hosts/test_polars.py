"""Frames, lazy ones collected, in searches and scalers, are those of pandas."""

import numpy as np
import pandas as pd
import pytest
from series import ROOTS, mse, network
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import AutoRegressor
from sk_rnn.datasets import load_sunspots

polars = pytest.importorskip("polars", reason="polars is not installed")
FRAME = pd.DataFrame({"sunspots": ROOTS[:-1], "year": load_sunspots().year[:-1]})
NEXT = pd.Series(ROOTS[1:], name="next")
FRAMES = polars.from_pandas(FRAME), polars.from_pandas(NEXT)
MODEL = network(time_axis=0, target_columns="sunspots")


def test_fits_and_forecasts_are_those_of_pandas():
    X, y = FRAME[["sunspots"]], FRAMES[0].select("sunspots")
    expected = AutoRegressor(n_lags=9, time_axis=0).fit(X[:250], NEXT[:250])
    found = AutoRegressor(n_lags=9, time_axis=0).fit(y[:250], FRAMES[1][:250])
    assert list(found.feature_names_in_) == ["sunspots"]
    assert np.array_equal(found.predict(y[250:]), expected.predict(X[250:]))
    ahead = found.forecast(y[:251], 12)
    assert np.array_equal(ahead, expected.forecast(X[:251], 12))
    assert mse(ROOTS[251:263], ahead) < 0.5 * mse(ROOTS[251:263], ROOTS[250])


def test_cross_validation_behind_a_scaler():
    pipeline = make_pipeline(StandardScaler().set_output(transform="polars"), MODEL)
    expected = cross_val_score(pipeline, FRAME, NEXT, cv=TimeSeriesSplit(3))
    found = cross_val_score(pipeline, *FRAMES, cv=TimeSeriesSplit(3))
    assert np.array_equal(found, expected) and found[-1] > 0.5


def test_a_lazy_frame_is_collected_by_whoever_has_it():
    model, lazy = MODEL, FRAMES[0].lazy()
    with pytest.raises((TypeError, ValueError), match="LazyFrame"):
        model.fit(lazy, FRAMES[1])
    expected = model.fit(FRAME, NEXT).predict(FRAME)
    model.fit(lazy.collect(), FRAMES[1])
    assert np.array_equal(model.predict(lazy.collect()), expected)
