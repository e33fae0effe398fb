"""
Forecast airline passengers for two years, with a band that tells the truth
===========================================================================

The numbers grow, and the seasonal swing grows with them. What is stationary is the
growth over a year, log x_t - log x_{t-12}: it is the column of the table, and its next
value is the target. 24 months of growth, fed back, add up to the passengers of two
years. The band has the quantiles of sampled paths that are added up in the same way.

Number of lags, hidden units and penalty are those with the smallest error in a backtest
on the data up to 1958: models are fitted at the end of four years, and each forecasts
24 months from every month of the year that follows. The last two years, 1959 and 1960,
are looked at once, at the end. They are a single draw, for the errors of neighbouring
months go together; whether the band holds 80 % is better judged by the 37 origins of
the backtest.

A short series that is nearly linear, such as this one, leaves little to a network: it
does a little better than the autoregression in the backtest, and worse in the last two
years.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import ParameterGrid

from sk_rnn import AutoRegressor, TDNNRegressor
from sk_rnn.datasets import load_air_passengers
from sk_rnn.model_selection import backtest

plt.style.use("seaborn-v0_8-colorblind")

YEAR, HORIZON = 12, 24
QUANTILES = (0.1, 0.9)
PASSENGERS = load_air_passengers().data
MONTH = load_air_passengers().month

# %%
# The models
# ----------
# Each stands beside what is to be chosen.

# A quarter, half a year and a year of values; a TDNN counts its lags from 0.
MODELS = {
    "AR": (AutoRegressor(time_axis=0), {"n_lags": [3, 6, 12]}),
    "TDNN": (
        # Growth returns to its mean, which a model of its changes would not know.
        TDNNRegressor(time_axis=0, standardize=True, random_state=0),
        {
            "n_lags": [2, 5, 11],
            "hidden_layer_sizes": [4, 8],
            "alpha": ["auto", 1, 3, 10, 30],
        },
    ),
}


# %%
# From growth to passengers
# -------------------------
# A backtest of growth becomes one of passengers: every forecast, and every sampled
# path, is added up from the last year that was known.


def added_up(growth, origin):
    """Passengers in the 24 months behind each origin, from the growth of each month.

    Parameters
    ----------
    growth : ndarray of shape (24 * n_origins, ...)
    origin : ndarray of int of shape (n_origins,)
        Row k of the table ends with month 12 + k.
    """
    last_year = PASSENGERS[origin[:, None] + np.arange(1, YEAR + 1)]
    total = growth.reshape(len(origin), 2, YEAR, -1).cumsum(axis=1)
    return (last_year[:, None, :, None] * np.exp(total)).reshape(growth.shape)


def forecasts(model, X, y, splits):
    """A backtest in passengers; the model forecasts growth."""
    ask = {"return_paths": True, "random_state": 0}
    result = backtest(model, X, y, horizon=HORIZON, cv=splits, **ask)
    names, origin = ("y", "y_pred", "y_paths"), result.origin[::HORIZON]
    found = {name: added_up(getattr(result, name), origin) for name in names}
    bounds = np.quantile(found["y_paths"], QUANTILES, axis=1).T
    return replace(result, **found, quantiles=QUANTILES, y_quantiles=bounds)


# %%
# Choose on the years up to 1958
# ------------------------------
# Models are fitted at the end of four years, and forecast from every month of the year
# behind.


def error_of_logs(model, X, y, splits):
    """All years count alike, however many passengers they had."""
    result = forecasts(model, X, y, splits)
    return root_mean_squared_error(np.log(result.y), np.log(result.y_pred))


def tuned(model, grid, X, y, splits):
    """The model whose backtest has the smallest error."""
    candidates = [clone(model).set_params(**p) for p in ParameterGrid(grid)]
    return min(candidates, key=lambda one: error_of_logs(one, X, y, splits))


growth = np.log(PASSENGERS[YEAR:] / PASSENGERS[:-YEAR])
X, y = growth[:-1, None], growth[1:]
n = len(X) - HORIZON  # the last target of row n - 1 is December 1958
ends = range(n - 5 * YEAR, n - YEAR, YEAR)
# Fitted to the rows before; 24 months from each of the 12 origins fit in behind.
past = [(range(k), range(k, min(k + YEAR - 1 + HORIZON, n))) for k in ends]
models = {name: tuned(*one, X[:n], y[:n], past) for name, one in MODELS.items()}
for name, model in models.items():
    print(f"{name}: {model}")

# %%
# Judge on the two years behind them
# ----------------------------------
# Beside the models are two forecasts that need none.


def naive_forecasts(result):
    """Without a model: the last month, and the same month of the last year."""
    origin = result.origin[::HORIZON]
    last = np.repeat(PASSENGERS[origin + YEAR], HORIZON)
    same_month = added_up(np.zeros_like(result.y), origin)
    return {"persistence": last, "seasonal naive": same_month}


def show(earlier, last):
    """Print errors and coverage, in the backtest and in the last two years."""
    print(f"{'24 months ahead':<16}{'backtest to 1958':>20}{'1959 and 1960':>20}")
    print(f"{'':<16}" + f"{'RMSE':>10}{'coverage':>10}" * 2)
    pairs = [naive_forecasts(results["AR"]) for results in (earlier, last)]
    for name in pairs[0]:
        print(f"{name:<16}", end="")
        for naive, results in zip(pairs, (earlier, last), strict=True):
            error = root_mean_squared_error(results["AR"].y, naive[name])
            print(f"{error:>10.1f}{'-':>10}", end="")
        print()
    for name in MODELS:
        print(f"{name:<16}", end="")
        for result in (earlier[name], last[name]):
            error = root_mean_squared_error(result.y, result.y_pred)
            print(f"{error:>10.1f}{result.coverage():>10.0%}", end="")
        print()


earlier = {k: forecasts(model, X[:n], y[:n], past) for k, model in models.items()}
split = [(range(n), range(n, len(X)))]
last = {k: forecasts(model, X, y, split) for k, model in models.items()}
show(earlier, last)

# %%
# The picture shows the two years that were looked at once.
figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
axes.plot(MONTH[-72:], PASSENGERS[-72:], "k.-", label="what happened")
future = MONTH[-HORIZON:]
for name, result in last.items():
    (line,) = axes.plot(future, result.y_pred, label=f"{name}, from December 1958")
label = f"{name}, 80 % band"
bounds = result.y_quantiles.T
axes.fill_between(future, *bounds, alpha=0.2, color=line.get_color(), label=label)
axes.set(xlabel="month", ylabel="passengers (thousands)", xlim=(MONTH[-72], MONTH[-1]))
axes.legend(loc="upper left", fontsize="small")
figure.savefig("air_passengers.png", dpi=120)
