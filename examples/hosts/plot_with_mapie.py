"""Conformal bands of sunspot numbers with MAPIE, adapted as the years come.

Rows are the numbers of the eleven years before, square-rooted; the target is the next
year. MAPIE's EnbPI trains twenty models on blocks of the past, takes its band from
their errors on what each did not see, and updates these errors year by year. The band
asks for 80 % of the years. Beside the GRU stand an `AutoRegressor` and persistence,
whose band is the quantile of its own past errors.

It prints a table and saves with_mapie.png in the current folder.
"""

import numpy as np
from mapie.regression import TimeSeriesRegressor
from mapie.subsample import BlockBootstrap

from sk_rnn import AutoRegressor, GRURegressor
from sk_rnn.datasets import load_sunspots
from sk_rnn.preprocessing import make_windows

N_LAGS, N_TEST, CONFIDENCE = 11, 80, 0.8
MODELS = {
    "AR": AutoRegressor(),
    "GRU": GRURegressor(
        hidden_layer_sizes=8,
        skip="linear",
        skip_lags=N_LAGS - 1,
        random_state=0,
    ),
}


def one_year_ahead(model, X, y):
    """Predictions of the last years and their bounds; errors are learnt on the way."""
    blocks = BlockBootstrap(n_resamplings=20, n_blocks=10, random_state=0)
    host = TimeSeriesRegressor(model, method="enbpi", cv=blocks)
    host.fit(X[:-N_TEST], y[:-N_TEST])
    found = []
    for k in range(len(X) - N_TEST, len(X)):
        row, target = X[[k]], y[[k]]
        y_pred, band = host.predict(row, confidence_level=CONFIDENCE, ensemble=True)
        host.update(row, target, ensemble=True)
        found.append([y_pred[0], *band[0, :, 0]])
    return np.array(found)


def persistence(X, y):
    """The last value, and the quantile of its errors in the past."""
    width = np.quantile(abs(y - X[:, -1])[:-N_TEST], CONFIDENCE)
    last = X[-N_TEST:, -1]
    return np.column_stack([last, last - width, last + width])


def plot(years, y, found):
    """Draw predictions and bands in units of the data, and save the figure."""
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(
        len(found), figsize=(9, 6), sharex=True, layout="constrained"
    )
    for axes, (name, one) in zip(rows, found.items(), strict=True):
        y_pred, lower, upper = np.square(np.maximum(one, 0)).T
        axes.fill_between(years, lower, upper, alpha=0.3)
        axes.plot(years, y_pred)
        axes.plot(years, np.square(y), "k.")
        axes.set(ylabel="sunspot number", title=name)
    figure.savefig("with_mapie.png", dpi=120)


if __name__ == "__main__":
    import warnings

    # MAPIE tells in each update what the method did in earlier versions.
    warnings.filterwarnings("ignore", r"\s*This function behavior has been changed")
    sunspots = load_sunspots()
    X, y = make_windows(np.sqrt(sunspots.data), n_steps=N_LAGS)
    found = {"persistence": persistence(X, y)}
    found |= {name: one_year_ahead(model, X, y) for name, model in MODELS.items()}

    test = y[-N_TEST:]
    print(f"{'one year ahead':<16}{'RMSE':>8}{'skill':>8}{'inside':>8}{'width':>8}")
    base = np.mean((test - X[-N_TEST:, -1]) ** 2)
    for name, (y_pred, lower, upper) in ((k, v.T) for k, v in found.items()):
        mse = np.mean((test - y_pred) ** 2)
        inside = np.mean((lower <= test) & (test <= upper))
        skill, width = 1 - mse / base, np.mean(upper - lower)
        row = f"{name:<16}{np.sqrt(mse):>8.2f}{skill:>8.2f}{inside:>8.0%}"
        print(f"{row}{width:>8.2f}")
    plot(sunspots.year[-N_TEST:], test, found)
    print("saved with_mapie.png")
