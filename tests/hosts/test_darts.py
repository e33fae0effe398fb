"""SKLearnModel: recursive, several steps at once, covariates; historical forecasts."""

import numpy as np
import pytest
from series import N_LAGS, N_TRAIN, PAST, ROOTS, network, recursive, skill, windows

from sk_rnn import AutoRegressor
from sk_rnn.datasets import load_sunspots

pytest.importorskip("darts", reason="darts is not installed")
from darts import TimeSeries
from darts.models import SKLearnModel

SERIES = TimeSeries.from_values(ROOTS)


def test_recursive_is_the_loop_by_hand():
    host = SKLearnModel(lags=N_LAGS, model=network()).fit(SERIES[:N_TRAIN])
    expected = recursive(network().fit(*windows()), PAST, 12)
    np.testing.assert_allclose(host.predict(12).values()[:, 0], expected, rtol=1e-9)


def test_several_steps_are_several_outputs_of_one_network():
    """It says that it has several outputs; darts wraps models that have one each."""
    host = SKLearnModel(lags=N_LAGS, output_chunk_length=3, model=network())
    host.fit(SERIES[:N_TRAIN])
    by_hand = network().fit(*windows(horizon=[1, 2, 3]))
    assert isinstance(host.model, type(by_hand))
    expected = by_hand.predict(PAST[None, -N_LAGS:])[0]
    np.testing.assert_allclose(host.predict(3).values()[:, 0], expected, rtol=1e-9)


def test_historical_forecasts():
    """One year ahead, 59 times: better than persistence, as good as linear."""
    found = {}
    for name, model in {"gru": network(), "ar": AutoRegressor()}.items():
        host = SKLearnModel(lags=N_LAGS, model=model).fit(SERIES[:N_TRAIN])
        found[name] = host.historical_forecasts(SERIES, start=N_TRAIN, retrain=False)
        X, _ = windows(ROOTS)
        expected = model.fit(*windows()).predict(X[N_TRAIN - N_LAGS :])
        np.testing.assert_allclose(found[name].values()[:, 0], expected, rtol=1e-9)
    skills = {name: skill(series.values()) for name, series in found.items()}
    assert skills["gru"] > 0.5 and skills["gru"] > skills["ar"] - 0.1


def _cubes():
    angle = 2 * np.pi * load_sunspots().year / 11
    pair = np.column_stack([ROOTS, np.sin(angle)])
    cubes = np.stack([pair[k : k + N_LAGS] for k in range(N_TRAIN - N_LAGS)])
    return pair, cubes, pair[None, N_TRAIN - N_LAGS : N_TRAIN]


def test_covariates_come_in_blocks():
    pair, cubes, last = _cubes()
    model = network(n_channels=2, data_format="channels_first")
    host = SKLearnModel(lags=N_LAGS, lags_past_covariates=N_LAGS, model=model)
    covariates = TimeSeries.from_values(pair[:, 1])
    host.fit(SERIES[:N_TRAIN], past_covariates=covariates)
    expected = network().fit(cubes, ROOTS[N_LAGS:N_TRAIN]).predict(last)
    np.testing.assert_allclose(host.predict(1).values()[0], expected, rtol=1e-9)


def test_several_series_come_step_by_step():
    pair, cubes, last = _cubes()
    both = TimeSeries.from_values(pair)
    host = SKLearnModel(lags=N_LAGS, model=network(n_channels=2)).fit(both[:N_TRAIN])
    expected = network().fit(cubes, pair[N_LAGS:N_TRAIN]).predict(last)
    np.testing.assert_allclose(host.predict(1).values(), expected, rtol=1e-9)
