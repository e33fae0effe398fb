"""
A backtest with a search inside: how far can the Lorenz system be foreseen?
===========================================================================

One error, one step ahead, says little of a forecast. `backtest` forecasts from many
origins, up to a horizon, and each time knows what was known by then. If lags and units
have to be chosen, the search belongs inside: it is an estimator like any other, and
chooses anew in each split, on the training part alone.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import AutoRegressor, TDNNRegressor
from sk_rnn.datasets import make_lorenz
from sk_rnn.model_selection import BacktestDisplay, backtest

plt.style.use("seaborn-v0_8-colorblind")
HORIZON = 30

# %%
# The series
# ----------
# The first coordinate of the Lorenz system, every 0.06 units of time, with a little
# noise. Small errors grow by a factor of e in about 1.1 units of time, or 18 steps.
rng = np.random.default_rng(0)
series = make_lorenz(1600, dt=0.06, random_state=0)[:, 0]
series = series + 0.1 * rng.standard_normal(len(series))
X, y = series[:-1, None], series[1:]

# %%
# Two searches
# ------------
# The inner splits test on the last parts of whatever rows they are given.


def search(model, **grid):
    name = type(model).__name__.lower()
    pipeline = make_pipeline(StandardScaler(), model)
    grid = {f"{name}__{key}": values for key, values in grid.items()}
    return GridSearchCV(pipeline, grid, cv=TimeSeriesSplit(2, test_size=150))


network = TDNNRegressor(time_axis=0, hidden_layer_sizes=16, tol=1e-3, random_state=0)
searches = {
    "AR": search(AutoRegressor(time_axis=0), n_lags=[3, 8, 20]),
    "TDNN": search(network, n_lags=[5, 9]),
}

# %%
# The backtest
# ------------
# Three times the models are chosen and fitted, and then forecast from each origin in
# the 150 rows behind.
outer = TimeSeriesSplit(n_splits=3, test_size=150)
results = {
    name: backtest(model, X, y, horizon=HORIZON, cv=outer)
    for name, model in searches.items()
}
one = results["AR"]
results["persistence"] = replace(one, y_pred=X[one.origin, 0])
print(f"{len(np.unique(one.origin))} origins")

# %%
# Errors in units of the standard deviation of the series; 1 is no better than its mean.
spread = series.std()
steps = (1, 5, 10, 20, 30)
print(f"{'RMSE / spread':<16}" + "".join(f"{k:>4} steps" for k in steps))
for name, result in results.items():
    errors = result.by_horizon()[1] / spread
    print(f"{name:<16}" + "".join(f"{errors[k - 1]:>10.2f}" for k in steps))

# %%
# The searches chose by the error of one step; whether that is what is wanted, the
# backtest tells. The scores inside of a search are no substitute for it: they are the
# best of several, of one step, and of rows that the choice has seen.
for name, model in searches.items():
    model.fit(X[:-150], y[:-150])
    inside, outside = model.best_score_, model.score(X[-150:], y[-150:])
    print(f"{name:<8}one step, R2: {inside:.4f} in the search, {outside:.4f} behind it")

# %%
# The linear model has given up after six steps, and forecasts the mean of the series.
# The network is better than that up to 25 steps, one and a half times the time in which
# an error grows by a factor of e. Beyond, a wrong path of the attractor is worse than
# the mean.
#
# The picture: errors by horizon, and forecasts over what came.
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4), layout="constrained", width_ratios=[1, 1.4]
)
for name, result in results.items():
    BacktestDisplay(result, name=name).plot(left)
left.axhline(spread, color="gray", ls=":")
left.set(ylabel="RMSE", title="dotted: standard deviation of the series")
BacktestDisplay(results["TDNN"], name="TDNN").plot(right, kind="forecast", horizon=10)
right.set(xlim=(len(X) - 142, len(X) - 20), ylabel="x", title="ten steps ahead")
right.legend(loc="lower left", bbox_to_anchor=(0, 0), fontsize="small")
right.set_ylim(-24, 18)
figure.savefig("nested_backtest.png", dpi=120)
