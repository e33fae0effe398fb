"""
The mean of two forecasts is often better than each
===================================================

An autoregression and a network make different errors. Their mean has less of both,
needs no choice between them, and no weights that would have to be learnt. This page
puts the mean to the test: six panels of eight series, forecast ten years ahead from
many origins.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnn import AutoRegressor, GRURegressor
from sk_rnn.model_selection import PanelTimeSeriesSplit, backtest

plt.style.use("seaborn-v0_8-colorblind")
N_PANELS, N_SERIES, N_YEARS, HORIZON = 6, 8, 60, 10

# %%
# The panels
# ----------
# Each series is the number of animals in a valley, by a law of the kind that H. Tong
# fitted to the trapped lynx of Canada (*Non-linear Time Series*, Oxford University
# Press 1990): two autoregressions of the logarithm, one where there were many two years
# before, and one where there were few.


def simulate(n_years, rng):
    """Numbers of one valley, year by year."""
    x = [2.5, 2.5]
    for shock in 0.2 * rng.standard_normal(n_years + 50):
        if x[-2] <= 3.25:
            x.append(0.62 + 1.25 * x[-1] - 0.43 * x[-2] + shock)
        else:
            x.append(2.25 + 1.52 * x[-1] - 1.24 * x[-2] + shock)
    return 10 ** np.array(x[-n_years:])


def panel(seed):
    """A table of all valleys; the target is the number of the next year."""
    rng = np.random.default_rng(seed)
    tables = []
    for k in range(N_SERIES):
        number = simulate(N_YEARS + 1, rng)
        columns = {"valley": f"V{k}", "number": number[:-1], "next": number[1:]}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


print(panel(0).round().head(3))

# %%
# Two models
# ----------
# Both are fitted to the logarithms of all series of a panel. Eight lags are a cycle;
# the GRU finds its penalty by what it holds out.
PANEL = {"time_axis": 0, "sequence_column": "valley", "washout": 8}


def of_logarithms(model):
    columns = ColumnTransformer(
        [
            ("valley", "passthrough", ["valley"]),
            ("log", FunctionTransformer(np.log), ["number"]),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    pipeline = make_pipeline(columns, model)
    return TransformedTargetRegressor(pipeline, func=np.log, inverse_func=np.exp)


models = {
    "AR": of_logarithms(AutoRegressor(n_lags=8, **PANEL)),
    "GRU": of_logarithms(GRURegressor(hidden_layer_sizes=8, random_state=0, **PANEL)),
}

# %%
# Six backtests
# -------------
# In each panel the models forecast the last 42 years, refitted every 14. The mean is
# that of the logarithms, as are the errors.
cv = PanelTimeSeriesSplit(n_splits=3, test_size=14)
found = {name: [] for name in ("persistence", "AR", "GRU", "mean of both")}
for seed in range(N_PANELS):
    table = panel(seed)
    X, y = table[["valley", "number"]], table["next"]
    results = {
        name: backtest(model, X, y, horizon=HORIZON, cv=cv)
        for name, model in models.items()
    }
    one = results["AR"]
    results["mean of both"] = replace(
        one, y_pred=np.sqrt(one.y_pred * results["GRU"].y_pred)
    )
    results["persistence"] = replace(one, y_pred=X["number"].to_numpy()[one.origin])
    for name, result in results.items():
        logs = replace(result, y=np.log10(result.y), y_pred=np.log10(result.y_pred))
        found[name].append(logs.by_horizon(root_mean_squared_error)[1])

# %%
# The verdict
# -----------
# A number for each panel: the mean over the ten steps of the RMSE of the decimal
# logarithm.
errors = {name: np.array(values) for name, values in found.items()}
titles = "".join(f"{f'panel {k}':>10}" for k in range(N_PANELS))
print(f"{'':<14}{titles}{'mean':>8}")
for name, values in errors.items():
    row = "".join(f"{value:>10.3f}" for value in values.mean(axis=1))
    print(f"{name:<14}{row}{values.mean():>8.3f}")
mean = errors["mean of both"].mean(axis=1)
for name in models:
    better = (mean < errors[name].mean(axis=1)).sum()
    print(f"the mean is better than the {name} in {better} of {N_PANELS} panels")

# %%
# On the average over the panels neither model is better than the other; the network is
# better in the first years, and the autoregression later on. Their mean is better than
# both in every panel, by three to four per cent. That is little, and it costs nothing.
# Where one of two models is far worse than the other, leave it out.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
styles = {"persistence": "k:", "AR": "o-", "GRU": "s-", "mean of both": "D-"}
for name, values in errors.items():
    by_step = values.mean(axis=0)
    left.plot(np.arange(1, HORIZON + 1), by_step, styles[name], ms=4, label=name)
    if name != "persistence":
        right.plot(values.mean(axis=1), styles[name][0], label=name)
left.set(xlabel="years ahead", ylabel="RMSE of log10", title="mean of six panels")
left.legend(fontsize="small")
right.set(xlabel="panel", ylabel="RMSE of log10", title="mean of ten years")
right.legend(fontsize="small")
figure.savefig("mean_of_two.png", dpi=120)
