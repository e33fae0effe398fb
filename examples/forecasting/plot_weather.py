"""
Forecast the temperature six hours ahead from a table of measurements
=====================================================================

Rows are hours, with temperature, pressure and humidity; the target is the temperature
six rows further down, ``shift(-6)``. The weather is simulated, and `simulate` is its
whole law. Low pressure brings clouds ten hours later, which dampen the daily cycle, and
other air, whose effect saturates: none of this is linear.

Each model is a pipeline. Hour and day of the year enter as sines and cosines, for a
column of dates is no feature. Hyper-parameters are chosen by ``GridSearchCV`` over
``TimeSeriesSplit`` on the first part of the table. The penalty is among them, for
``alpha="auto"`` holds out the newest tenth of the rows, which tell most of the season
to come; with a number all rows are trained on. The last part of the table is looked at
once, at the end.

The last six rows have no target, and when the last part begins, the temperatures that
are the targets of the five rows before it have not come yet. Both are NaN, and
``missing_targets="ignore"`` reads the inputs of such rows and leaves their targets out.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import AutoRegressor, TDNNRegressor

plt.style.use("seaborn-v0_8-colorblind")

AHEAD, N_ROWS, N_TEST = 6, 4000, 1000
TABLE = {"time_axis": 0, "missing_targets": "ignore"}
MODELS = {
    "linear (AR)": (AutoRegressor(**TABLE), {"n_lags": [1, 6, 12, 24]}),
    "TDNN": (
        TDNNRegressor(hidden_layer_sizes=16, tol=1e-3, random_state=0, **TABLE),
        {"n_lags": [6, 12, 23], "alpha": ["auto", 1, 10]},
    ),
}


# %%
# The weather
# -----------
# This is its law; the models see the table alone.


def simulate(n_rows, random_state):
    """Hourly weather in degrees Celsius, hPa and per cent, from January on."""
    rng = np.random.default_rng(random_state)
    index = pd.date_range("2023-01-01", periods=n_rows, freq="h")
    hour, day = 2 * np.pi * index.hour / 24, 2 * np.pi * index.day_of_year / 365
    pressure, trend, air, moisture, storm = np.zeros(n_rows), 0.0, 0.0, 0.0, False
    table = np.empty((n_rows, 3))
    for k in range(1, n_rows):
        # Settled and stormy weather take turns, every four days or so.
        storm ^= rng.random() < 1 / 96
        noise = (2.5 if storm else 1) * rng.standard_normal(2)
        # The pressure swings around 1013 hPa and comes back within a few days.
        trend += -0.012 * pressure[k - 1] - 0.1 * trend + 0.25 * noise[0]
        pressure[k] = pressure[k - 1] + trend
        cloud = 1 / (1 + np.exp(0.6 * pressure[max(k - 10, 0)]))
        moisture += 0.1 * (cloud - moisture) + 0.02 * rng.standard_normal()
        # Mild air behind high pressure, cold air behind low; it stays for a day.
        air += -0.04 * air + 0.3 * np.tanh(pressure[max(k - 8, 0)] / 4)
        air += 0.12 * noise[1]
        sun = 8 * (1 - 0.9 * cloud) * (max(0, -np.cos(hour[k] - 0.5)) - 0.3)
        temperature = 10 - 9 * np.cos(day[k]) + sun + air
        humidity = 42 + 35 * moisture - 1.2 * (temperature - 10)
        humidity += 2 * rng.standard_normal()
        table[k] = temperature, 1013 + pressure[k], np.clip(humidity, 5, 100)
    table[0] = table[1]
    names = ["temperature", "pressure", "humidity"]
    return pd.DataFrame(table.round(1), index=index, columns=names)


def with_calendar(weather):
    """Hour and day of the year as points on circles, beside the measurements."""
    hour = 2 * np.pi * weather.index.hour / 24
    day = 2 * np.pi * weather.index.day_of_year / 365
    return weather.assign(
        hour_sin=np.sin(hour),
        hour_cos=np.cos(hour),
        day_sin=np.sin(day),
        day_cos=np.cos(day),
    )


weather = simulate(N_ROWS, random_state=0)
X, y = with_calendar(weather), weather["temperature"].shift(-AHEAD)
print(weather.head(3))

# %%
# Choose on the first part
# ------------------------
# Targets that have not come when the last part begins are NaN.


def search(model, grid):
    """Choose by the R^2 of later parts than those that were fitted."""
    # A frame goes on to the model, which heeds its dates.
    scaler = StandardScaler().set_output(transform="pandas")
    return GridSearchCV(
        Pipeline([("scale", scaler), ("model", model)]),
        {f"model__{name}": values for name, values in grid.items()},
        cv=TimeSeriesSplit(n_splits=4, test_size=400),
    )


n = N_ROWS - N_TEST
known = y[:n].where(np.arange(n) + AHEAD <= n)  # when row n has been measured
models = {}
for name, one in MODELS.items():
    models[name] = search(*one).fit(X[:n], known)
    print(f"{name}: {models[name].best_params_}")

# %%
# Judge on the last part
# ----------------------
# Two naive forecasts stand beside the models.
ahead = {"persistence": X["temperature"][n:]}
ahead["24 hours before"] = weather["temperature"].shift(24 - AHEAD)[n:]
ahead |= {name: model.predict(X[n:]) for name, model in models.items()}
came = y[n:].notna().to_numpy()
print(f"{'six hours ahead':<18}{'RMSE':>8}{'R2':>8}")
for name, forecast in ahead.items():
    pair = y[n:][came], forecast[came]
    error = root_mean_squared_error(*pair)
    print(f"{name:<18}{error:>8.2f}{r2_score(*pair):>8.3f}")

# %%
# Two weeks of it:
figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
part = slice(200, 200 + 14 * 24)
time = y[n:].index[part] + pd.Timedelta(hours=AHEAD)
axes.plot(time, y[n:][part], "k", label="what happened")
for name in MODELS:
    label = f"{name}, {AHEAD} hours before"
    axes.plot(time, ahead[name][part], lw=1, label=label)
axes.set(xlabel="date", ylabel="temperature (degrees Celsius)", xlim=time[[0, -1]])
axes.legend(fontsize="small", ncols=3)
figure.savefig("weather.png", dpi=120)
