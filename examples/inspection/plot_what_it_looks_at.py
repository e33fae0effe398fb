"""
What a model looks at: rain today, snow melting weeks later
===========================================================

A river rises two days after rain. Snow that falls in winter comes down as water when it
is warm. Such knowledge is in no score. This page looks for it in a fitted network:
which inputs of how many days ago move the output, and what its hidden units hold.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from sk_rnn import AutoRegressor, GRURegressor
from sk_rnn.inspection import HiddenStateDisplay, attribution

plt.style.use("seaborn-v0_8-colorblind")
N_YEARS, N_TEST = 8, 2

# %%
# The river
# ---------
# Precipitation falls as snow below 0 degrees. A tenth of the snow melts on a warm day.
# What is liquid arrives over the next days, most of it after two.


def simulate(n_years, rng):
    """Daily precipitation (mm), temperature (degrees Celsius), flow, and snow."""
    n = 365 * n_years
    day = np.arange(n)
    noise = np.convolve(rng.standard_normal(n + 9), np.ones(10), "valid")
    temperature = 6 - 11 * np.cos(2 * np.pi * day / 365) + noise
    rain = rng.gamma(0.7, 8, n) * (rng.random(n) < 0.35)
    snow, stored, water = np.zeros(n), 0.0, np.zeros(n)
    for t in range(n):
        cold = temperature[t] < 0
        melt = 0.0 if cold else min(stored, 0.1 * stored + 0.5)
        stored += rain[t] * cold - melt
        snow[t], water[t] = stored, melt + rain[t] * (not cold)
    response = np.array([0.1, 0.25, 0.3, 0.15, 0.1, 0.06, 0.04])
    flow = 5 + np.convolve(water, response)[:n] + 0.3 * rng.standard_normal(n)
    X = pd.DataFrame({"precipitation": rain, "temperature": temperature})
    return X, flow, snow


rng = np.random.default_rng(0)
X, flow, snow = simulate(N_YEARS + N_TEST, rng)
train, test = slice(365 * N_YEARS), slice(365 * N_YEARS, None)

# %%
# Two models
# ----------
# Both see precipitation and temperature alone; nobody measures the snow. The linear
# model has the lags of a month.
linear = AutoRegressor(n_lags=30, time_axis=0).fit(X[train], flow[train])
network = GRURegressor(
    hidden_layer_sizes=6,
    time_scale=60,
    time_axis=0,
    bptt_steps=365,
    washout=60,
    tol=1e-3,
    random_state=0,
)
network.fit(X[train], flow[train])
previous = flow[test.start - 1 : -1]
print(f"{'R2, last two years':<24}")
print(f"{'persistence':<24}{r2_score(flow[test], previous):>8.3f}  (is told the flow)")
for name, model in {"linear (AR)": linear, "GRU": network}.items():
    print(f"{name:<24}{r2_score(flow[test], model.predict(X[test])):>8.3f}")

# %%
# Which inputs, of how many days ago?
# -----------------------------------
# `attribution` is the derivative of the flow by each input before it. Of the linear
# model it is the same on all days; of the network it depends on the day. Here it is
# averaged over a month, in units of the data: flow by millimetre of precipitation.
day = np.arange(len(X)) % 365
years = X[test]
by_day = attribution(network, years, n_lags=30, n_targets=len(years) - 29)[:, 0]
first = len(years) - len(by_day)
seasons = {
    "winter (January)": day[test][first:] < 31,
    "snow melt (April)": abs(day[test][first:] - 105) < 15,
    "summer (July)": abs(day[test][first:] - 196) < 15,
}
by_rain = {name: by_day[which, :, 0].mean(axis=0) for name, which in seasons.items()}
by_rain["linear (AR), always"] = linear.lag_coef_.reshape(-1, 2)[:, 0]
lags = (0, 1, 2, 3, 5, 10)
print(f"{'by mm of rain before':<24}" + "".join(f"{k:>4} d" for k in lags))
for name, values in by_rain.items():
    print(f"{name:<24}" + "".join(f"{values[k]:>6.2f}" for k in lags))

# %%
# What the units hold
# -------------------
# A unit that is said to hold the snow should move with it. The correlation with the
# snow that lies, over the last two years:
figure, axes = plt.subplots(3, figsize=(9, 9), layout="constrained")
display = HiddenStateDisplay.from_estimator(network, X, ax=axes[1])
states = display.states["hidden0"]
with_snow = [np.corrcoef(unit[test], snow[test])[0, 1] for unit in states.T]
print("correlation with the snow:", np.round(with_snow, 2))
for (name, values), style in zip(by_rain.items(), ["-", "--", "-", ":"], strict=True):
    axes[0].plot(values, style, marker=".", label=name)
axes[0].set(xlabel="days before", ylabel="d flow / d precipitation", xlim=(-0.3, 20))
axes[0].set_xticks(range(0, 21, 5))
axes[0].set_title("What a millimetre of precipitation does to the flow")
axes[0].legend()
axes[1].set(xlim=(test.start, len(X)), xlabel="", ylabel="output of the unit")
axes[1].set_title("The hidden units of the GRU, over the last two years")
axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
axes[2].fill_between(np.arange(len(X))[test], snow[test], color="silver", label="snow")
axes[2].set(
    xlim=(test.start, len(X)), xlabel="day", ylabel="snow that lies (mm of water)"
)
axes[2].set_title("The snow, which the network has never seen")
figure.savefig("what_it_looks_at.png", dpi=120)

# %%
# In July a millimetre counts for some days, with its peak after one to two, and so it
# does in April. In January it hardly counts at once, for it is snow. The linear model,
# which must answer alike in all months, is far worse. One unit goes with the snow, and
# hardly moves in summer. A correlation is no proof: the seasons go with the snow, too.
