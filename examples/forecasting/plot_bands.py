"""
Does a band hold what it promises?
==================================

A band from the 10 % to the 90 % quantile should hold four of five values. One forecast
cannot tell whether it does; a backtest can. This page draws bands of 50, 80 and 95 per
cent around forecasts of the sunspot number, counts what they held, and looks at their
width, for a band can hold everything by being wide.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnn import AutoRegressor, GRURegressor
from sk_rnn.datasets import load_sunspots
from sk_rnn.inspection import ForecastDisplay
from sk_rnn.model_selection import backtest

plt.style.use("seaborn-v0_8-colorblind")
HORIZON = 11  # a cycle
QUANTILES = (0.025, 0.1, 0.25, 0.75, 0.9, 0.975)
sunspots = load_sunspots()
series = sunspots.data
X, y = series[:-1, None], series[1:]

# %%
# Three models
# ------------
# The bands of an autoregression follow from the normal distribution of its errors;
# those of a network are quantiles of paths that are drawn with its residuals. The noise
# grows with the number of spots. The square root evens it out, and a band of roots
# becomes a band of numbers that is wide where there are many, and never below zero.


def of_roots(model):
    pipeline = make_pipeline(FunctionTransformer(np.sqrt), model)
    return TransformedTargetRegressor(pipeline, func=np.sqrt, inverse_func=np.square)


linear = AutoRegressor(n_lags=8, time_axis=0)
models = {
    "AR, numbers": linear,
    "AR, roots": of_roots(linear),
    "GRU, roots": of_roots(
        GRURegressor(hidden_layer_sizes=8, time_axis=0, random_state=0)
    ),
}

# %%
# The backtest
# ------------
# Four times the models are fitted to all years so far, and forecast 11 years from each
# year of the 40 that follow.
cv = TimeSeriesSplit(n_splits=4, test_size=40)
ask = {"horizon": HORIZON, "cv": cv, "quantiles": QUANTILES, "random_state": 0}
results = {name: backtest(model, X, y, **ask) for name, model in models.items()}
last = replace(results["AR, roots"], y_pred=X[results["AR, roots"].origin, 0])
print(f"{'RMSE':<14}{'1 year':>8}{'5 years':>9}{'11 years':>10}")
for name, result in {"persistence": last, **results}.items():
    error = result.by_horizon(root_mean_squared_error)[1]
    print(f"{name:<14}{error[0]:>8.1f}{error[4]:>9.1f}{error[10]:>10.1f}")

# %%
# What the bands held
# -------------------
# The share of values inside of each band, and the mean width of that of 80 per cent.
BANDS = {"50 %": (2, 3), "80 %": (1, 4), "95 %": (0, 5)}


def inside(result, low, high):
    """Whether each value lies in the band between two of the quantiles."""
    bounds = result.y_quantiles
    return (bounds[:, low] <= result.y) & (result.y <= bounds[:, high])


print(f"{'band of':<14}" + "".join(f"{band:>8}" for band in BANDS) + f"{'width':>9}")
for name, result in results.items():
    shares = "".join(f"{inside(result, *b).mean():>8.0%}" for b in BANDS.values())
    width = np.mean(result.y_quantiles[:, 4] - result.y_quantiles[:, 1])
    print(f"{name:<14}{shares}{width:>9.0f}")

# %%
# The same where the sun is quiet, and where it is active, by what was forecast. A band
# that is right on the average may be too wide in the one case and too narrow in the
# other.
print(f"{'80 % band':<14}{'forecast < 30':>16}{'> 80':>8}")
for name, result in results.items():
    held = inside(result, *BANDS["80 %"])
    quiet, active = held[result.y_pred < 30].mean(), held[result.y_pred > 80].mean()
    print(f"{name:<14}{quiet:>16.0%}{active:>8.0%}")

# %%
# On the average the bands of the first model hold nearly what they promise, but too
# much where the sun is quiet, and too little where it is active. The roots mend that,
# at the same width. The band of the network is too narrow: its residuals in the years
# of the training, of which its paths are made, are smaller than its errors in later
# years. It is the best of the three one year ahead, and the worst at the end of the
# cycle, where persistence, for once, is better than all of them: eleven years are a
# whole cycle.
figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4), layout="constrained", width_ratios=[1, 1.4]
)
for (name, result), style in zip(results.items(), "os^", strict=True):
    held = inside(result, *BANDS["80 %"])
    steps = np.unique(result.horizon)
    share = [100 * held[result.horizon == k].mean() for k in steps]
    left.plot(steps, share, f"{style}-", label=name)
left.axhline(80, color="gray", ls=":")
left.set(xlabel="years ahead", ylabel="inside the 80 % band (per cent)", ylim=(50, 100))
left.legend(fontsize="small", loc="lower left")
n = len(series) - 2 * HORIZON
ForecastDisplay.from_estimator(
    models["AR, roots"].fit(X[: n - 1], y[: n - 1]),
    series[:n, None],
    2 * HORIZON,
    y_true=series[n:],
    quantiles=QUANTILES,
    n_history=33,
    name="AR, roots",
    random_state=0,
    ax=right,
)
right.set(xlabel=f"years after {sunspots.year[n - 1]}", ylabel="sunspot number")
right.set(title="Two cycles", ylim=(0, 330))
right.legend(fontsize="small", ncols=3, loc="upper left")
figure.savefig("bands.png", dpi=120)
