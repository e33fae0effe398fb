"""
Tune four models on the sunspot numbers and judge them on later years
=====================================================================

Rows are years, the one column is the sunspot number, and the target is the number of
the next year. Each model is a pipeline; its lags, or the units of the GRU, are tuned by
``GridSearchCV`` on earlier years only, and it is then judged on later years that
neither the fit nor the search has seen. Penalty and end of training are left to the
defaults, which hold out the last tenth of the years that `fit` is given. The square
root evens out the noise, which grows with the number of spots.

The skill is 1 - MSE / MSE of persistence ("next year is like this year"): a model that
only repeats the last value has skill 0.

`sk_rnn.forecast` then looks two cycles ahead, through search, square root and all.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

import sk_rnn
from sk_rnn import AutoRegressor, GRURegressor, NARXRegressor, TDNNRegressor
from sk_rnn.datasets import load_sunspots

plt.style.use("seaborn-v0_8-colorblind")

sunspots = load_sunspots()
data, year = sunspots.data, sunspots.year

# %%
# Four models
# -----------
# Each stands beside what a search may change of it.

MSE = "neg_mean_squared_error"
NETWORK = {
    "time_axis": 0,
    "hidden_layer_sizes": (8,),
    "random_state": 0,
}
MODELS = {
    "AR": (AutoRegressor(time_axis=0), {"n_lags": [2, 9, 11]}),
    "TDNN": (TDNNRegressor(**NETWORK), {"n_lags": [(8, 0), (10, 0)]}),
    "NARX": (
        NARXRegressor(**NETWORK, feedback="predicted"),
        {"n_input_lags": [8, 10]},
    ),
    "GRU": (GRURegressor(**NETWORK), {"hidden_layer_sizes": [4, 8]}),
}


# %%
# The search wraps the pipeline, so that each of its fits sees the past alone.


def search(model, grid):
    """Tune a model on the square roots; it sees only the rows it is fitted to."""
    pipeline = Pipeline([("sqrt", FunctionTransformer(np.sqrt)), ("model", model)])
    return GridSearchCV(
        TransformedTargetRegressor(pipeline, func=np.sqrt, inverse_func=np.square),
        {f"regressor__model__{name}": values for name, values in grid.items()},
        cv=TimeSeriesSplit(n_splits=3, test_size=30),
        scoring=MSE,
        n_jobs=2,
    )


# %%
# One year ahead
# --------------
# The outer splits judge what the inner ones have chosen. They are the last 60 years, in
# three parts of 20.


def one_step_errors(X, y):
    """Print the out-of-sample errors of the last 60 years."""
    outer = TimeSeriesSplit(n_splits=3, test_size=20)
    tests = [test for _, test in outer.split(X)]
    persistence = np.mean([np.mean((y[test] - X[test, 0]) ** 2) for test in tests])
    candidates = {"mean of the past": DummyRegressor()}
    candidates |= {name: search(*model) for name, model in MODELS.items()}
    print(f"{'one year ahead':<18}{'RMSE':>8}{'skill':>8}")
    print(f"{'persistence':<18}{np.sqrt(persistence):>8.1f}{0:>8.2f}")
    for name, candidate in candidates.items():
        mse = -cross_val_score(candidate, X, y, cv=outer, scoring=MSE).mean()
        print(f"{name:<18}{np.sqrt(mse):>8.1f}{1 - mse / persistence:>8.2f}")


one_step_errors(data[:-1, None], data[1:])

# %%
# Two cycles ahead
# ----------------
# The last 22 years are forecast from those before them, by the autoregression and by
# the network that did best in the search. The band is for four of five years.

N_FORECAST = 22
QUANTILES = (0.1, 0.9)


def forecasts(data):
    """Forecast the last years from those before them, each with a band.

    Returns the forecast and the band of the AR model, and those of the network which
    did best in the search.
    """
    history = data[:-N_FORECAST, None]
    X, y = history[:-1], history[1:, 0]
    searches = {name: search(*model).fit(X, y) for name, model in MODELS.items()}
    for name, fitted in searches.items():
        chosen = {k.split("__")[-1]: v for k, v in fitted.best_params_.items()}
        print(f"{name}: {chosen}")
    networks = [name for name in searches if name != "AR"]
    best = max(networks, key=lambda name: searches[name].best_score_)
    return {
        name: sk_rnn.forecast(
            searches[name], history, N_FORECAST, quantiles=QUANTILES, random_state=0
        )
        for name in ("AR", best)
    }


print(f"{N_FORECAST} years ahead, from {year[-N_FORECAST - 1]}; chosen:")
found = forecasts(data)
actual = data[-N_FORECAST:]
print(f"{'':<18}{'RMSE':>8}{'inside the 80 % band':>24}")
for name, (curve, band) in found.items():
    inside = np.mean((band[:, 0] <= actual) & (actual <= band[:, 1]))
    error = np.sqrt(np.mean((actual - curve) ** 2))
    print(f"{name:<18}{error:>8.1f}{inside:>24.0%}")

# %%
# The picture. Two cycles are one draw each: the table above, of 60 years, says more.
figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
future = year[-N_FORECAST:]
axes.plot(year[-66:], data[-66:], "k.-", label="what happened")
for name, (curve, band) in found.items():
    (line,) = axes.plot(future, curve, label=f"{name} forecast of {future[0] - 1}")
    axes.fill_between(future, *band.T, color=line.get_color(), alpha=0.2)
axes.set(xlabel="year", ylabel="sunspot number", xlim=(year[-66], year[-1]))
figure.legend(loc="outside upper center", fontsize="small", ncols=3)
figure.savefig("sunspots_forecast.png", dpi=120)
