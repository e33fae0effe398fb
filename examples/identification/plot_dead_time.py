"""
Identify a heated tank behind a long pipe, dead time included
=============================================================

Water of 15 degrees flows through a tank with a heater. The thermometer is at the end of
a pipe, so that flow and power show in its readings 8 steps late. The gain of the heater
and the speed of the tank both depend on the flow: a linear model can be right at one
flow alone.

The dead time is estimated, and all else chosen, on the training record alone, by the
error of the free run (the simulation) on later stretches of it. That holds for the
penalty, too: of so short a record ``alpha="auto"`` would have little to choose by. The
models are then judged on a record of another day, the first 40 rows of which are taken
as its past. Errors are in degrees; what no model can foresee is the noise of the
thermometer.
"""

from copy import deepcopy
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from sk_rnn import NARXRegressor
from sk_rnn.model_selection import BacktestDisplay, backtest

plt.style.use("seaborn-v0_8-colorblind")

DEAD_TIME, NOISE = 8, 0.2
N_TRAIN, N_PAST, N_FIRST = 1200, 40, 20
DELAYS = range(14)
GRID = {"feedback": ["measured", "measured_then_predicted"], "alpha": [0.1, 1]}
SETTINGS = {
    "time_axis": 0,
    "n_input_lags": 0,  # the dead time alone; then the tank is of first order
    "n_output_lags": 1,
    "washout": max(DELAYS) + 1,  # the same rows count with any dead time
    "solver": "lm",
    "tol": 1e-3,
    "alpha": 1,  # for the search of the dead time
    "random_state": 0,
}
MODELS = {
    "linear ARX": NARXRegressor(hidden_layer_sizes=(), **SETTINGS),
    "NARX": NARXRegressor(hidden_layer_sizes=6, **SETTINGS),
}


# %%
# The tank
# --------
# One record is for training, and one of another day for the verdict.


def simulate(n_steps, rng):
    """Flow and power, held for 5 to 29 steps each, and the temperature measured."""

    def levels(low, high):
        hold = rng.integers(5, 30, n_steps)
        return np.repeat(rng.uniform(low, high, n_steps), hold)[:n_steps]

    flow, power = levels(0.6, 2.0), levels(0.0, 1.0)
    target, kept = 15 + 30 * power / flow, np.exp(-flow / 20)
    tank = np.full(DEAD_TIME + n_steps, 25.0)
    for t in range(n_steps):
        before = tank[DEAD_TIME + t - 1]
        tank[DEAD_TIME + t] = target[t] + (before - target[t]) * kept[t]
    measured = tank[:n_steps] + NOISE * rng.standard_normal(n_steps)
    return np.column_stack([flow, power]), measured


def rmse(y, y_pred):
    return np.sqrt(np.mean((y - y_pred) ** 2))


rng = np.random.default_rng(0)
(X, y), (X_test, y_test) = simulate(N_TRAIN, rng), simulate(600 + N_PAST, rng)

# %%
# Choose on the training record
# -----------------------------
# Three later stretches of it are simulated by models that saw what comes before.


def tune(model, X, y):
    """Estimate the dead time, then choose feedback and penalty.

    With measured outputs fed back in training there is no loop over time: the dead time
    takes 14 quick fits for each split. `score` is that of the free run in any case.
    """
    cv = TimeSeriesSplit(3, test_size=200)
    dead_time = GridSearchCV(model, {"input_delay": DELAYS}, cv=cv).fit(X, y)
    return dead_time, GridSearchCV(dead_time.best_estimator_, GRID, cv=cv).fit(X, y)


print(f"{'chosen in training':<20}{'dead time':>10}  training")
searches, models = {}, {}
for name, model in MODELS.items():
    searches[name], search = tune(model, X, y)
    models[name] = search.best_estimator_
    chosen = ", ".join(f"{k}={v}" for k, v in search.best_params_.items())
    print(f"{name:<20}{models[name].input_delay:>10}  {chosen}")

# %%
# Judge on another day
# --------------------
# Its first 40 rows are the past; errors are of the rows behind them.


def print_errors(models, X, y):
    """Print errors on the record of the other day; return the free runs."""
    past, rest = slice(N_PAST), slice(N_PAST, None)
    rows = {"persistence": (y[N_PAST - 1 : -1], y[N_PAST - 10 : -10], y[N_PAST - 1])}
    for name, model in models.items():
        state = model.warm_up(X[past], y[past])
        rows[name] = (
            model.predict_ahead(X[rest], y[rest], horizon=1, state=state),
            model.predict_ahead(X, y, horizon=10)[rest],
            model.predict(X[rest], state=state),
        )
    print(f"{'RMSE, another day':<20}{'1 step':>10}{'10 steps':>10}{'free run':>10}")
    for name, found in rows.items():
        errors = [f"{rmse(y[rest], y_pred):>10.2f}" for y_pred in found]
        print(f"{name:<20}" + "".join(errors))
    return {name: rows[name][2] for name in models}


runs = print_errors(models, X_test, y_test)

# %%
# What the past is worth
# ----------------------
# The same model begins with a past that was measured, one that is unknown, and a wrong
# one.


def print_pasts(model, X, y):
    """Print how the free run of a model begins, by what it knows of the past."""
    past, rest = slice(N_PAST), slice(N_PAST, None)
    fresh = deepcopy(model).set_params(carry_state=False)
    runs = {
        "measured": model.predict(X[rest], state=model.warm_up(X[past], y[past])),
        "unknown": fresh.predict(X[rest]),
        "end of training": model.predict(X[rest]),  # what a table is taken to follow
    }
    title = f"first {N_FIRST} steps"
    print(f"{'NARX, past is':<20}{title:>16}{'later':>10}")
    for name, y_pred in runs.items():
        first = rmse(y[rest][:N_FIRST], y_pred[:N_FIRST])
        later = rmse(y[rest][N_FIRST:], y_pred[N_FIRST:])
        print(f"{name:<20}{first:>16.2f}{later:>10.2f}")
    return runs["unknown"]


runs["NARX, past unknown"] = print_pasts(models["NARX"], X_test, y_test)

# %%
# The picture: the free run, the search of the dead time, and errors by horizon.


def plot_horizons(models, X, y, ax):
    """Draw the error by steps ahead, over many origins in the other day."""
    n = N_TRAIN + N_PAST
    split = [(np.arange(N_TRAIN), np.arange(n, len(X)))]
    for name, model in models.items():
        result = backtest(model, X, y, horizon=30, cv=split)
        BacktestDisplay(result, name=name).plot(ax)
    # What was measured last, the row before the origin.
    last = replace(result, y_pred=y[result.origin - 1])
    BacktestDisplay(last, name="persistence").plot(ax)
    ax.axhline(NOISE, color="gray", linestyle=":")
    ax.set(ylabel="RMSE", title="backtest (dotted: noise)")


figure, axes = plt.subplot_mosaic(
    [["run", "run"], ["delay", "horizon"]], figsize=(10, 7), layout="constrained"
)
axes["run"].plot(y_test[N_PAST:][:200], ".", color="gray", label="measured")
for name, run in runs.items():
    style = "--" if "unknown" in name else "-"
    axes["run"].plot(run[:200], style, label=name)
axes["run"].set(xlabel="step", ylabel="temperature (degrees Celsius)")
axes["run"].set(title="free run, another day")
axes["run"].legend(ncols=4, fontsize="small")
for name, search in searches.items():
    scores = search.cv_results_["mean_test_score"]
    axes["delay"].plot(DELAYS, scores, "o-", label=name)
axes["delay"].set(xlabel="input_delay", ylabel="R² of the free run", ylim=(0, 1))
axes["delay"].set(title="cross-validation in the training record")
axes["delay"].legend()
both = np.concatenate([X, X_test]), np.concatenate([y, y_test])
plot_horizons(models, *both, axes["horizon"])
figure.savefig("dead_time.png", dpi=120)
