"""
Forecast eight weeks of sales in fifty stores, with prices known in advance
===========================================================================

One DataFrame holds all stores; ``sequence_column`` says which rows belong to one. A row
is a week: its sales, and what is known of the *next* week when it ends, the price and
the time of the year. The target is the sales of the next week. Sales are simulated, and
`simulate` is their whole law. Stores differ in size. Customers hardly notice a price
near the usual one, and buy much more when it is well below; the stock that they have
then laid in they do not buy in the week that follows.

One model is fitted to all stores, to the logarithm of their sales, in a pipeline. Its
lags are chosen by ``GridSearchCV`` over `PanelTimeSeriesSplit`, which cuts each store
in time; the penalty is left to the default, which holds out the last stores to choose
it. The last eight weeks are looked at once, at the end: `sk_rnn.forecast` feeds sales
back and takes the prices from ``X_future``. The same model then forecasts a store that
it has never seen, from a year of history.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnn import AutoRegressor, TDNNRegressor, forecast
from sk_rnn.model_selection import PanelTimeSeriesSplit

plt.style.use("seaborn-v0_8-colorblind")

N_STORES, N_WEEKS, N_AHEAD = 50, 156, 8
PANEL = {"time_axis": 0, "sequence_column": "store", "target_columns": "sales"}
MODELS = {
    "linear (AR)": (AutoRegressor(**PANEL), {"n_lags": [4, 8, 16, 26]}),
    "TDNN": (
        TDNNRegressor(hidden_layer_sizes=16, random_state=0, **PANEL),
        {"n_lags": [1, 3, 7]},
    ),
}


# %%
# The data
# --------
# Sales follow this law, and no model is told of it.


def appeal(price):
    """How far a price lifts the logarithm of sales; the usual price is 4."""
    return 1.2 / (1 + np.exp(6 * (price - 3)))


def simulate(store, n_weeks, rng):
    """Weeks of a store: the sales of each, and price and day of the next one."""
    week = pd.date_range("2021-01-03", periods=n_weeks + 1, freq="W")
    price = rng.normal(4, 0.1, n_weeks + 1)
    is_offer = rng.random(n_weeks + 1) < 0.3
    price[is_offer] *= rng.uniform(0.5, 0.9, is_offer.sum())
    drift = np.zeros(n_weeks + 1)
    for k in range(1, n_weeks + 1):
        drift[k] = 0.7 * drift[k - 1] + 0.06 * rng.standard_normal()
    laid_in = 0.5 * appeal(np.append(4, price[:-1]))
    season = 0.2 * np.cos(2 * np.pi * week.day_of_year / 365)
    log_sales = rng.normal(6, 0.5) + season + appeal(price) - laid_in + drift
    return pd.DataFrame(
        {
            "store": store,
            "sales": np.exp(log_sales[:-1]).round(1),
            "next_price": price[1:].round(2),
            "next_day": week[1:].day_of_year,
        },
        index=week[:-1],
    )


def cut(X, n_ahead):
    """The table up to some weeks before its end, and behind, store by store."""
    left = X.groupby("store").cumcount(ascending=False)
    return X[left >= n_ahead], X[left < n_ahead]


rng = np.random.default_rng(0)
names = [f"store {k}" for k in range(1, N_STORES + 1)]
X = pd.concat([simulate(name, N_WEEKS, rng) for name in names])
new = simulate("a new store", 52 + N_AHEAD, rng)
print(X.head(3))

# %%
# One model for all stores
# ------------------------
# It is chosen on all weeks but the last eight.


def on_a_circle(day):
    """Days of the year, as points on a circle: December is near January."""
    angle = 2 * np.pi * day["next_day"] / 365
    return pd.DataFrame({"season_sin": np.sin(angle), "season_cos": np.cos(angle)})


def search(model, grid):
    """A model of the logarithm of the sales, chosen by later weeks of all stores."""
    columns = ColumnTransformer(
        [
            ("log", FunctionTransformer(np.log), ["sales"]),
            ("season", FunctionTransformer(on_a_circle), ["next_day"]),
        ],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    pipeline = Pipeline([("columns", columns), ("model", model)])
    return GridSearchCV(
        TransformedTargetRegressor(pipeline, func=np.log, inverse_func=np.exp),
        {f"regressor__model__{name}": values for name, values in grid.items()},
        cv=PanelTimeSeriesSplit(n_splits=3, test_size=N_AHEAD),
    )


past, _ = cut(X, N_AHEAD)
y = past.groupby("store")["sales"].shift(-1)
known = y.notna()  # the last week of each store has no target yet
models = {}
for name, one in MODELS.items():
    models[name] = search(*one)
    models[name].fit(past[known], y[known], groups=past.loc[known, "store"])
    print(f"{name}: {models[name].best_params_}")

# %%
# Eight weeks ahead
# -----------------
# Prices of these weeks are known, sales are not.


def ahead(fitted, X, X_future):
    """Sales of the next weeks, a frame with a band of 80 %."""
    return forecast(
        fitted,
        X,
        N_AHEAD,
        X_future,
        target_columns="sales",
        quantiles=(0.1, 0.9),
        random_state=0,
        as_frame=True,
    )


def report(title, X, models):
    """Forecast the last weeks of a table, and print how well."""
    past, future = cut(X, N_AHEAD)
    came = future["sales"].to_numpy()
    last = past.groupby("store")["sales"].last()
    found = {"persistence": future["store"].map(last)}
    frames = {
        name: ahead(fitted, past, future.drop(columns="sales"))
        for name, fitted in models.items()
    }
    found |= {name: frame["sales"] for name, frame in frames.items()}
    print(f"\n{title:<22}{'RMSE':>8}{'R2':>8}{'coverage':>10}")
    for name, y_pred in found.items():
        error, r2 = root_mean_squared_error(came, y_pred), r2_score(came, y_pred)
        covered = "-"
        if name in frames:
            low, high = (frames[name][f"sales_{q}"] for q in (0.1, 0.9))
            covered = f"{np.mean((low <= came) & (came <= high)):.0%}"
        print(f"{name:<22}{error:>8.1f}{r2:>8.3f}{covered:>10}")
    return frames


frames = [
    report(f"{N_STORES} stores, {N_AHEAD} weeks", X, models)["TDNN"],
    report(f"a new store, {N_AHEAD} weeks", new, models)["TDNN"],
]

# %%
# The picture shows the first of the fifty stores, and the one that is new.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, table, frame in zip(axes, [X, new], frames, strict=True):
    store = frame["store"].iloc[0]
    sales = table.loc[table["store"] == store, "sales"].iloc[-32:]
    ax.plot(sales, "k.-", label="what happened")
    of_store = frame[frame["store"] == store]
    (line,) = ax.plot(of_store["sales"], ".-", label=f"TDNN, {N_AHEAD} weeks")
    bounds = of_store["sales_0.1"], of_store["sales_0.9"]
    colour = line.get_color()
    ax.fill_between(of_store.index, *bounds, alpha=0.2, color=colour, label="80 %")
    ax.set(title=store, xlabel="week")
    ax.tick_params("x", rotation=30)
axes[0].set_ylabel("sales in a week")
axes[0].legend(fontsize="small")
figure.savefig("fifty_stores.png", dpi=120)
