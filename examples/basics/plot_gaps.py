"""
Gaps: a laboratory that reports once a shift, and sensors that fail
===================================================================

A reactor is measured every ten minutes. Its temperature comes from a sensor that fails
now and then, its concentration from a laboratory that analyses one sample in four
hours. One network with two outputs learns both, with ``missing_targets="ignore"``. This
page puts it beside two ways out that are often taken: to leave out all rows in which
something is missing, and to fill the gaps with the value before.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sk_rnn import AutoRegressor, GRURegressor

plt.style.use("seaborn-v0_8-colorblind")
N_ROWS, N_TRAIN = 2600, 2000

# %%
# The reactor
# -----------
# Feed and cooling are known. What flows in reacts the faster the hotter it is, and
# heats the reactor by reacting.


def simulate(n_rows, rng):
    """Inputs and outputs at every row, nothing missing."""
    feed = np.repeat(rng.uniform(0.5, 1.5, n_rows // 15 + 1), 15)[:n_rows]
    cooling = np.repeat(rng.uniform(0, 1, n_rows // 20 + 1), 20)[:n_rows]
    table, concentration, temperature = np.empty((n_rows, 2)), 0.5, 60.0
    for t in range(n_rows):
        reacted = 0.12 * concentration * np.exp((temperature - 60) / 12)
        concentration += 0.1 * feed[t] * (1 - concentration) - reacted
        temperature += 20 * reacted - 0.06 * (temperature - 45) - cooling[t]
        table[t] = temperature, 100 * concentration
    X = pd.DataFrame({"feed": feed, "cooling": cooling})
    noise = rng.standard_normal(table.shape) * [0.2, 0.5]
    return X, pd.DataFrame(table + noise, columns=["temperature", "concentration"])


rng = np.random.default_rng(0)
X, complete = simulate(N_ROWS, rng)
y = complete.copy()
y.loc[np.arange(N_ROWS) % 24 != 0, "concentration"] = np.nan
for start in rng.integers(0, N_ROWS, 25):
    y.loc[start : start + rng.integers(5, 40), "temperature"] = np.nan
X.loc[rng.random(N_ROWS) < 0.05, "cooling"] = np.nan
train, test = slice(N_TRAIN), slice(N_TRAIN, None)
print(y.notna().mean().rename("share that is there").round(3))

# %%
# Inputs
# ------
# No estimator takes NaN in X: fill them first, by what was known at the time. Here the
# pipeline puts the mean of the training rows; the value before would do as well.
# Missing *targets* are another matter.
SETTINGS = {"time_axis": 0, "hidden_layer_sizes": 8, "alpha": 0.1, "washout": 30}
SETTINGS |= {"bptt_steps": 200, "tol": 1e-3, "random_state": 0}


def gru(**options):
    imputer = SimpleImputer().set_output(transform="pandas")
    return make_pipeline(imputer, GRURegressor(**SETTINGS, **options))


# %%
# Three ways
# ----------
# *Ignore* reads the inputs of every row, and each output carries a loss where it was
# observed.
models = {"ignore": gru(missing_targets="ignore").fit(X[train], y[train])}

# %%
# *Leave out* breaks the order of time: rows that are four hours apart become
# neighbours. (Of a DataFrame `fit` would warn of it, for the index shows the gaps; as
# arrays nothing can tell.)
known = y[train].notna().all(axis=1).to_numpy()
kept = X[train][known].reset_index(drop=True), y[train][known].reset_index(drop=True)
print(f"{known.sum()} of {N_TRAIN} rows are left")
models["leave out"] = gru().fit(*kept)

# %%
# *Fill* tells the model that the concentration moves in steps of four hours.
filled = y[train].ffill()
models["fill"] = gru().fit(X[train], filled)

# %%
# A linear model of the inputs stands beside them. It solves for all outputs at once, so
# that each gets a model of its own, with the lags and the penalty that do best on later
# parts of the training rows.
pipeline = make_pipeline(
    SimpleImputer().set_output(transform="pandas"),
    AutoRegressor(time_axis=0, missing_targets="ignore"),
)
grid = {"autoregressor__n_lags": [6, 12, 30], "autoregressor__alpha": [1, 10, 100]}
search = GridSearchCV(pipeline, grid, cv=TimeSeriesSplit(3, test_size=300))
linear = {name: clone(search).fit(X[train], y.loc[: N_TRAIN - 1, name]) for name in y}
for name, fitted in linear.items():
    print(name, fitted.best_params_)

# %%
# The verdict
# -----------
# In a simulation the truth is known at every row, and the test is on all of it. All
# models read the inputs of the training rows first, so that they know where the
# reactor stands.
answers = {}
for name, model in models.items():
    last, transform = model[-1], model[:-1].transform
    state = last.warm_up(transform(X[train]))
    answers[name] = model.predict(X[test], state=state)
answers["linear (AR)"] = np.column_stack([m.predict(X[test]) for m in linear.values()])
last_known = y.ffill().shift(1)[test]
answers["persistence"] = last_known.to_numpy()
print(f"{'R2, later rows':<16}" + "".join(f"{name:>15}" for name in y))
for name, y_pred in answers.items():
    scores = r2_score(complete[test], y_pred, multioutput="raw_values")
    print(f"{name:<16}" + "".join(f"{score:>15.3f}" for score in scores))

# %%
# Persistence is told the last measurements, and the models see inputs alone. From 84
# values of the laboratory the network has learnt the concentration nearly as well as
# the temperature, which is there four times in five. Filling teaches it a delay that is
# none of the reactor's; leaving rows out destroys what it could have learnt.
#
# In the picture the laboratory's values are black: no model has seen these.
figure, axes = plt.subplots(2, figsize=(9, 6), sharex=True, layout="constrained")
shown = slice(N_TRAIN + 100, N_TRAIN + 400)
hours = np.arange(300) / 6
units = "temperature (degrees Celsius)", "concentration (per cent)"
for k, (ax, name, unit) in enumerate(zip(axes, y, units, strict=True)):
    ax.plot(hours, complete[name][shown], color="silver", lw=4, label="truth")
    ax.plot(hours, y[name][shown], "k.", ms=3 if k == 0 else 8, label="reported")
    for style, way in zip(["-", "--", ":"], models, strict=True):
        y_pred = answers[way][100:400, k]
        ax.plot(hours, y_pred, style, label=f"GRU, {way}")
    ax.set_ylabel(unit)
axes[1].set_xlabel("hour")
axes[0].legend(ncols=5, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1))
figure.savefig("gaps.png", dpi=120)
