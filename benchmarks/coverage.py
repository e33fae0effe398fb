"""Share of what came that lies in bands of 80 %, on simulated and public series.

    python benchmarks/coverage.py [--origins 200]

Each model is fitted to the first half of a series, and forecasts bands from many
origins in the rest, on which no setting was chosen. `AutoRegressor` has its Gaussian
law; the networks sample paths, with the residuals of all data in `fit`, also where
``early_stopping`` held some of it out. Simulated series are the mean of several seeds.
"""

import argparse
import time
import warnings

import numpy as np
from _common import PLAIN
from sklearn.exceptions import ConvergenceWarning

from sk_rnn import AutoRegressor, GRURegressor, NARXRegressor, TDNNRegressor
from sk_rnn.datasets import load_air_passengers, load_sunspots
from sk_rnn.model_selection import backtest

HORIZON, BAND = 8, (0.1, 0.9)


def autoregression(seed, n=2000):
    noise, y = np.random.default_rng(seed).standard_normal(n + 50), np.zeros(n + 50)
    for t in range(2, n + 50):
        y[t] = 1.2 * y[t - 1] - 0.5 * y[t - 2] + noise[t]
    return y[50:]


def threshold(seed, n=2000):
    """A self-exciting threshold autoregression (Tong 1983): two regimes."""
    noise, y = np.random.default_rng(seed).standard_normal(n + 50), np.zeros(n + 50)
    for t in range(1, n + 50):
        low = y[t - 1] < 0
        y[t] = (0.9 if low else -0.5) * y[t - 1] + (0.5 if low else 1) * noise[t]
    return y[50:]


def growth(seed):
    """Growth of the airline passengers over the same month of the year before."""
    log = np.log(load_air_passengers().data)
    return log[12:] - log[:-12]


SERIES = {
    "AR(2), simulated": (autoregression, 6),
    "threshold AR, simulated": (threshold, 6),
    "sunspots, square roots": (lambda seed: np.sqrt(load_sunspots().data), 1),
    "airline passengers, growth": (growth, 1),
}


def models():
    network = PLAIN | {"time_axis": 0, "hidden_layer_sizes": 8, "random_state": 0}
    network |= {"alpha": 10}
    held = network | {"early_stopping": True, "validation_fraction": 0.25}
    return {
        "AR": AutoRegressor(n_lags=9, time_axis=0),
        "TDNN": TDNNRegressor(n_lags=8, **network),
        "TDNN, held out": TDNNRegressor(n_lags=8, **held),
        "NARX": NARXRegressor(n_input_lags=8, n_output_lags=0, **network),
        "GRU": GRURegressor(**network),
        "GRU, held out": GRURegressor(**held),
    }


def covered(model, series, n_origins):
    """Share inside the band over all steps of the second half of a series."""
    half, n = len(series) // 2, len(series) - 1
    X, y = series[:-1, None], series[1:]
    split = [(np.arange(half), np.arange(half, n))]
    stride = max(1, (n - half - HORIZON) // n_origins)
    options = {"horizon": HORIZON, "cv": split, "stride": stride}
    result = backtest(model, X, y, quantiles=BAND, random_state=0, **options)
    return result.coverage()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--origins", type=int, default=200)
    n_origins = parser.parse_args().origins
    warnings.simplefilter("ignore", ConvergenceWarning)
    names = list(models())
    print(f"share in a band of 80 %, 1 to {HORIZON} steps ahead")
    print(" " * 28 + "".join(f"{name:>16}" for name in names))
    for title, (load, n_seeds) in SERIES.items():
        start, several = time.perf_counter(), [load(seed) for seed in range(n_seeds)]
        shares = [
            np.mean([covered(model, series, n_origins) for series in several])
            for model in models().values()
        ]
        row = "".join(f"{share:>16.0%}" for share in shares)
        print(f"{title:<28}{row}   {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
