"""
Mackey-Glass: 84 steps of chaos, fed back
=========================================

The Mackey-Glass series has been a test of predictors since the 1980s. A model learns
the next value from 1500 values; its outputs are then fed back, and the error 84 steps
later is compared with the standard deviation of the series. This measure, NRMSE84, is
that of H. Jaeger & H. Haas, "Harnessing nonlinearity", Science 304 (2004), 78-80.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import AutoRegressor, TDNNRegressor
from sk_rnn.datasets import make_mackey_glass
from sk_rnn.model_selection import backtest

plt.style.use("seaborn-v0_8-colorblind")
N_TRAIN, N_TEST, HORIZON = 1500, 1500, 200

# %%
# The series
# ----------
# tau is 17, one value comes every unit of time, and there is no noise.
series = make_mackey_glass(N_TRAIN + N_TEST + 1, random_state=0)
X, y = series[:-1, None], series[1:]

# %%
# Two models
# ----------
# A delay line that reaches back over the delay, with eight hidden units, and a linear
# model whose lags are chosen by the error of one step. Data without noise needs hardly
# a penalty, and a training that goes far, for which Levenberg-Marquardt is made.
train = slice(N_TRAIN)
linear = GridSearchCV(
    make_pipeline(StandardScaler(), AutoRegressor(time_axis=0)),
    {"autoregressor__n_lags": [5, 20, 50, 100]},
    cv=TimeSeriesSplit(2, test_size=300),
).fit(X[train], y[train])
print(linear.best_params_)
network = TDNNRegressor(
    n_lags=18,
    hidden_layer_sizes=8,
    time_axis=0,
    alpha=1e-6,
    solver="lm",
    tol=1e-2,
    random_state=0,
)
models = {
    "linear (AR)": linear.best_estimator_,
    "TDNN": make_pipeline(StandardScaler(), network),
}

# %%
# The free run
# ------------
# From every 20th of the later values: 200 steps on, nothing but the past known.
split = [(range(N_TRAIN), range(N_TRAIN, N_TRAIN + N_TEST))]
results = {
    name: backtest(model, X, y, horizon=HORIZON, cv=split, stride=20)
    for name, model in models.items()
}
one = results["TDNN"]
results["persistence"] = replace(one, y_pred=X[one.origin, 0])
spread = series[train].std()
print(f"{len(np.unique(one.origin))} origins")
print(f"{'NRMSE':<14}" + "".join(f"{k:>10}" for k in (1, 10, 84, 200)))
curves = {}
for name, result in results.items():
    curves[name] = result.by_horizon()[1] / spread
    row = "".join(f"{curves[name][k - 1]:>10.4f}" for k in (1, 10, 84, 200))
    print(f"{name:<14}{row}")

# %%
# The valid time
# --------------
# How long a forecast stays within 0.4 standard deviations of the truth, origin by
# origin; the longest time that was looked at is 200.
print(f"{'valid time':<14}{'median':>8}{'lowest':>8}")
for name, result in results.items():
    wrong = np.abs(result.y - result.y_pred).reshape(-1, HORIZON) > 0.4 * spread
    first = np.where(wrong.any(axis=1), wrong.argmax(axis=1), HORIZON)
    print(f"{name:<14}{np.median(first):>8.0f}{first.min():>8}")

# %%
# One step ahead both models are nearly perfect. Fed back, the linear one is lost after
# twenty steps. The network is right for all of the 200 steps, from every origin, and 84
# steps ahead its error is half a per cent of the standard deviation. Without noise,
# chaos is a matter of digits: from ten to two hundred steps the error grows tenfold,
# and the smaller it begins, the longer it stays small.
figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4), layout="constrained", width_ratios=[1, 1.5]
)
steps = np.arange(1, HORIZON + 1)
styles = {"persistence": "k:", "linear (AR)": "C0--", "TDNN": "C2-"}
for name, style in styles.items():
    left.semilogy(steps, curves[name], style, label=name)
left.axvline(84, color="gray", lw=0.8)
left.text(86, left.get_ylim()[0] * 1.3, "84", color="gray")
left.set(xlabel="steps ahead", ylabel="RMSE / standard deviation")
left.legend(fontsize="small")
first = slice(0, HORIZON)
right.plot(steps, one.y[first], color="silver", lw=5, label="what came")
for name in ("linear (AR)", "TDNN"):
    right.plot(steps, results[name].y_pred[first], styles[name], label=name)
right.set(xlabel="steps ahead", ylabel="x", title="From the first origin")
right.legend(fontsize="small", ncols=3, loc="upper center")
right.set_ylim(0.2, 1.6)
figure.savefig("mackey_glass.png", dpi=120)
