"""A series, a panel, and by hand what forecasting libraries do with windows of them."""

import numpy as np

from sk_rnn import GRURegressor
from sk_rnn.datasets import load_sunspots
from sk_rnn.preprocessing import make_windows

#: Sunspot numbers of 309 years; their square roots have even noise.
ROOTS = np.sqrt(load_sunspots().data)
N_TRAIN, N_LAGS = 250, 9
PAST, FUTURE = ROOTS[:N_TRAIN], ROOTS[N_TRAIN:]


def network(**params):
    """A network that is trained in a tenth of a second, alike each time."""
    small = {"hidden_layer_sizes": 4, "alpha": 0.1, "max_iter": 60, "random_state": 0}
    skip = {"skip": "linear", "skip_lags": N_LAGS - 1}
    return GRURegressor(**{**small, **skip, **params})


def windows(series=PAST, horizon=1):
    """Rows of lags, the oldest left, and the values behind them."""
    return make_windows(series, n_steps=N_LAGS, horizon=horizon)


def recursive(model, past, n_steps):
    """Forecasts of a fitted model: each is the newest value of the next window."""
    past = list(past)
    for _ in range(n_steps):
        past.append(model.predict(np.array([past[-N_LAGS:]]))[0])
    return np.array(past[-n_steps:])


def mse(y, y_pred):
    return np.mean((np.ravel(y) - np.ravel(y_pred)) ** 2)


def skill(y_pred, series=ROOTS):
    """Share of the error of persistence that forecasts of the next value save."""
    n = len(np.ravel(y_pred))
    return 1 - mse(series[-n:], y_pred) / mse(series[-n:], series[-n - 1 : -1])


def covers(lower, upper, y, confidence):
    """Whether as many values are inside as should be, but for the sampling error."""
    lower, upper, y = map(np.ravel, (lower, upper, y))
    inside = np.mean((lower <= y) & (y <= upper))
    error = np.sqrt(confidence * (1 - confidence) / np.size(y))
    return abs(inside - confidence) < 3 * error
