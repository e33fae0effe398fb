"""
Next week of known machines, or a machine never seen: two ways to split a panel
===============================================================================

A panel has several sequences in one table. What comes next in a sequence that is known,
and what happens in one that is not, are two questions, and cross-validation answers the
one that its splits ask. This page chooses a model by both, and judges both choices on
later weeks and on new machines.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sk_rnn import AutoRegressor, TDNNRegressor
from sk_rnn.model_selection import PanelTimeSeriesSplit

plt.style.use("seaborn-v0_8-colorblind")
N_KNOWN, N_NEW, N_ROWS, N_LATER = 24, 12, 120, 30

# %%
# The machines
# ------------
# The vibration of a machine is wanted one hour ahead. It follows the load with a delay
# and a saturation, around a level of its own.


def simulate(name, rng):
    """One machine, hour by hour, and its vibration of the next hour."""
    load = np.repeat(rng.uniform(0, 1, N_ROWS // 6 + 1), 6)[: N_ROWS + 1]
    level, gain = rng.normal(5, 1), rng.uniform(0.5, 1.5)
    heat, vibration = 0.5, np.empty(N_ROWS + 1)
    for t in range(N_ROWS + 1):
        vibration[t] = level + gain * np.tanh(6 * (heat - 0.5))
        heat += 0.3 * (load[t] - heat)
    vibration += 0.3 * rng.standard_normal(N_ROWS + 1)
    columns = {"machine": name, "load": load[:-1], "vibration": vibration[:-1]}
    return pd.DataFrame(columns | {"next": vibration[1:]})


rng = np.random.default_rng(0)
names = [f"M{k:02}" for k in range(N_KNOWN + N_NEW)]
tables = [simulate(name, rng) for name in names]
known = [table[:-N_LATER] for table in tables[:N_KNOWN]]
later = [table[-N_LATER:] for table in tables[:N_KNOWN]]
train, later, new = (
    pd.concat(part, ignore_index=True) for part in (known, later, tables[N_KNOWN:])
)
print(train.groupby("machine").mean().round(2).head(3))

# %%
# Candidates
# ----------
# Some are told *which* machine it is, and learn its level by heart. The others see what
# it did in the hours before.
PANEL = {"time_axis": 0, "sequence_column": "machine", "n_lags": 6, "washout": 6}


def candidate(model, told):
    """A pipeline that passes on the load, and the name or the past."""
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = {
        "name": [("name", one_hot, ["machine"]), ("rest", "passthrough", ["load"])],
        "past": [("rest", "passthrough", ["load", "vibration"])],
    }[told]
    columns = [("machine", "passthrough", ["machine"]), *columns]
    chosen = ColumnTransformer(columns, verbose_feature_names_out=False)
    return make_pipeline(chosen.set_output(transform="pandas"), model)


linear = AutoRegressor(**PANEL)
network = TDNNRegressor(hidden_layer_sizes=8, alpha=1, random_state=0, **PANEL)
models = {
    "AR, name": candidate(linear, "name"),
    "AR, past": candidate(linear, "past"),
    "TDNN, name": candidate(network, "name"),
    "TDNN, past": candidate(network, "past"),
}

# %%
# Two ways to split
# -----------------
# `PanelTimeSeriesSplit` cuts every machine in time. `GroupKFold` keeps machines whole.
# Both need the groups.
X, y, groups = train.drop(columns="next"), train["next"], train["machine"]
splits = {
    "PanelTimeSeriesSplit": PanelTimeSeriesSplit(n_splits=3, test_size=20),
    "GroupKFold": GroupKFold(n_splits=3),
}
estimates = {
    (name, way): cross_val_score(model, X, y, groups=groups, cv=cv).mean()
    for name, model in models.items()
    for way, cv in splits.items()
}

# %%
# What comes true
# ---------------
# Later hours of the known machines, and all hours of new ones. The washout of the new
# machines, six hours, does not count.
results = {}
counts = new.groupby("machine").cumcount() >= 6
for name, model in models.items():
    model.fit(X, y)
    ahead = [model.predict(part.drop(columns="next")) for part in (later, new)]
    results[name] = (
        r2_score(later["next"], ahead[0]),
        r2_score(new["next"][counts], ahead[1][counts]),
    )
results["persistence"] = (
    r2_score(later["next"], later["vibration"]),
    r2_score(new["next"][counts], new["vibration"][counts]),
)
print(f"{'R2':<14}{'PanelTimeSeriesSplit':>22}{'later':>8}{'GroupKFold':>14}{'new':>8}")
for name, (on_later, on_new) in results.items():
    found = [estimates.get((name, way), np.nan) for way in splits]
    print(f"{name:<14}{found[0]:>22.2f}{on_later:>8.2f}{found[1]:>14.2f}{on_new:>8.2f}")

# %%
# Splits in time foretell the later hours, and splits by machine the new machines. The
# order of the candidates differs: names are a good thing to know of machines that were
# seen, and worthless for others. The picture has the splits above, and below the
# estimates beside what came true.
figure, axes = plt.subplots(2, 2, figsize=(10, 6.5), layout="constrained")
for ax, (way, cv) in zip(axes[0], splits.items(), strict=True):
    for k, (fitted, tested) in enumerate(cv.split(X, y, groups)):
        ax.plot(fitted, np.full(len(fitted), k), "|", ms=14, color="C0")
        ax.plot(tested, np.full(len(tested), k), "|", ms=14, color="C2")
    ax.set(title=f"{way} (blue: training, red: test)", xlabel="row of the table")
    ax.set(yticks=range(3), ylabel="split", ylim=(2.6, -0.6))
    for edge in range(0, len(X), N_ROWS - N_LATER):
        ax.axvline(edge, color="gray", lw=0.5)
questions = "later hours", "new machines"
position = np.arange(len(models))
for k, (ax, way) in enumerate(zip(axes[1], splits, strict=True)):
    estimate = [max(estimates[name, way], -0.5) for name in models]
    true = [max(results[name][k], -0.5) for name in models]
    ax.bar(position - 0.2, estimate, 0.4, label=f"estimate by {way}")
    ax.bar(position + 0.2, true, 0.4, color="C2", label=f"R² of {questions[k]}")
    ax.axhline(0, color="black", lw=0.5)
    ax.set(ylim=(-0.5, 1.6), ylabel="R² (cut at -0.5)")
    ax.set_xticks(position, list(models))
    ax.legend(fontsize="small", loc="upper left")
figure.savefig("panel_splits.png", dpi=120)
