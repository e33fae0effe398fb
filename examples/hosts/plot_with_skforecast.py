"""Forecast air passengers with skforecast: backtests and bands of a network.

skforecast cuts the series into lags, newest first, feeds predictions back, and draws
bands from residuals; the model inside is a GRU of this package with ``lag_order`` set
to match. From the logarithms of the first eight years twelve months are forecast, four
times, each time with all that was known then. Beside it stand an `AutoRegressor` in the
same harness, and the seasonal naive forecast: next year's month is like this year's.

skforecast draws both bands from errors on the training data, and they are too
narrow here: the share inside is printed.

It prints a table and saves with_skforecast.png in the current folder.
"""

import numpy as np
import pandas as pd
from skforecast.model_selection import TimeSeriesFold, backtesting_forecaster
from skforecast.recursive import ForecasterRecursive

from sk_rnn import AutoRegressor, GRURegressor
from sk_rnn.datasets import load_air_passengers

N_LAGS, N_TRAIN, YEAR = 13, 96, 12
MODELS = {
    "AR": AutoRegressor(lag_order="newest_first"),
    "GRU": GRURegressor(
        lag_order="newest_first",
        hidden_layer_sizes=8,
        standardize="differences",
        skip="linear",
        skip_lags=N_LAGS - 2,
        n_init=3,
        n_ensemble=3,
        random_state=0,
    ),
}


def backtest(model, y):
    """Forecasts of four years, each from what came before, with a band for 80 %."""
    host = ForecasterRecursive(estimator=model, lags=N_LAGS)
    cv = TimeSeriesFold(steps=YEAR, initial_train_size=N_TRAIN, refit=True)
    _, found = backtesting_forecaster(
        host,
        y=y,
        cv=cv,
        metric="mean_squared_error",
        interval=[0.1, 0.9],
        n_boot=100,
        show_progress=False,
    )
    return np.exp(found[["pred", "lower_bound", "upper_bound"]])


def plot(series, found):
    """Draw the forecasts over what happened, and save the figure."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    axes.plot(series.index[N_TRAIN - 24 :], series[N_TRAIN - 24 :], "k.-", label="true")
    for name, one in found.items():
        (line,) = axes.plot(one.index, one["pred"], label=name)
        axes.fill_between(
            one.index,
            one["lower_bound"],
            one["upper_bound"],
            color=line.get_color(),
            alpha=0.2,
        )
    axes.set(xlabel="month", ylabel="thousands of passengers")
    figure.legend(loc="outside upper center", ncols=3)
    figure.savefig("with_skforecast.png", dpi=120)


if __name__ == "__main__":
    data = load_air_passengers()
    series = pd.Series(np.asarray(data.data, float), name="passengers")
    test = series[N_TRAIN:]
    found = {name: backtest(model, np.log(series)) for name, model in MODELS.items()}

    print(f"{'months 1 to 12 ahead':<22}{'RMSE':>8}{'skill':>8}{'inside 80 %':>14}")
    naive = series.shift(YEAR)[N_TRAIN:]
    base = np.mean((test - naive) ** 2)
    print(f"{'year before':<22}{np.sqrt(base):>8.1f}{0:>8.2f}")
    for name, one in found.items():
        mse = np.mean((test - one["pred"]) ** 2)
        inside = np.mean((one["lower_bound"] <= test) & (test <= one["upper_bound"]))
        print(f"{name:<22}{np.sqrt(mse):>8.1f}{1 - mse / base:>8.2f}{inside:>14.0%}")
    plot(series, found)
    print("saved with_skforecast.png")
