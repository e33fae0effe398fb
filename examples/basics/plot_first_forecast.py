"""
A first forecast: how many lynx will be trapped?
================================================

From 1821 to 1934 the Hudson's Bay Company counted the lynx that were trapped on the
Mackenzie River. Their number rises and falls with that of the hares, in cycles of nine
to ten years. This page goes the shortest way from such a list of numbers to a forecast
of the last 14 years, through a pipeline, beside a forecast that needs no model.

The numbers are those of the data set ``lynx`` of R (M. J. Campbell & A. M. Walker,
Journal of the Royal Statistical Society A 140 (1977), 411-431).
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import exp10
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnn import AutoRegressor, GRURegressor, forecast
from sk_rnn.inspection import ForecastDisplay

plt.style.use("seaborn-v0_8-colorblind")
TRAPPED = """
269 321 585 871 1475 2821 3928 5943 4950 2577 523 98 184 279 409 2285 2685 3409 1824
409 151 45 68 213 546 1033 2129 2536 957 361 377 225 360 731 1638 2725 2871 2119 684
299 236 245 552 1623 3311 6721 4254 687 255 473 358 784 1594 1676 2251 1426 756 299 201
229 469 736 2042 2811 4431 2511 389 73 39 49 59 188 377 1292 4031 3495 587 105 153 387
758 1307 3465 6991 6313 3794 1836 345 382 808 1388 2713 3800 3091 2985 3790 674 81 80
108 229 399 1132 2432 3574 2935 1537 529 485 662 1000 1590 2657 3396
"""
lynx = np.array(TRAPPED.split(), float)
year = np.arange(1821, 1935)
print(f"{len(lynx)} years, from {lynx.min():.0f} to {lynx.max():.0f} lynx")

# %%
# A table in time order
# ---------------------
# A row is a year, its one column is the number of that year, and the target is the
# number of the next year. The last 14 targets are kept for the end.
X, y = lynx[:-1, None], lynx[1:]
N_TEST = 14
X_train, y_train = X[:-N_TEST], y[:-N_TEST]

# %%
# Two pipelines
# -------------
# Numbers that range from 39 to 6991 are better seen through their logarithm, inputs and
# targets alike. ``time_axis=0`` says that the rows are consecutive steps. Lags, units
# and penalty are chosen on the years before 1921, by splits that test on what comes
# later.


def tuned(model, **grid):
    """A pipeline around the model, chosen on the rows it is fitted to."""
    pipeline = make_pipeline(FunctionTransformer(np.log10), model)
    regressor = TransformedTargetRegressor(
        pipeline, func=np.log10, inverse_func=exp10, check_inverse=False
    )
    name = type(model).__name__.lower()
    grid = {f"regressor__{name}__{key}": values for key, values in grid.items()}
    cv = TimeSeriesSplit(n_splits=4, test_size=14)
    return GridSearchCV(regressor, grid, cv=cv).fit(X_train, y_train)


models = {
    "AR": tuned(AutoRegressor(time_axis=0), n_lags=[1, 2, 11]),
    "GRU": tuned(
        GRURegressor(time_axis=0, washout=8, random_state=0),
        hidden_layer_sizes=[4, 8],
        alpha=[1, 3, 10],
    ),
}
for name, search in models.items():
    chosen = {key.split("__")[-1]: v for key, v in search.best_params_.items()}
    print(f"{name}: {chosen}")

# %%
# One year ahead
# --------------
# `predict` goes on behind the rows of `fit`: the models remember the years before 1921.
# Errors are of the decimal logarithm, so that 0.3 is a factor of two.
y_test = y[-N_TEST:]
ahead = {"persistence": X[-N_TEST:, 0]}
ahead |= {name: search.predict(X[-N_TEST:]) for name, search in models.items()}
print(f"{'RMSE of log10':<16}{'one year ahead':>16}")
for name, y_pred in ahead.items():
    error = root_mean_squared_error(np.log10(y_test), np.log10(y_pred))
    print(f"{name:<16}{error:>16.3f}")

# %%
# Fourteen years ahead
# --------------------
# `sk_rnn.forecast` feeds the forecasts back, through pipeline and logarithms. It sees
# nothing from 1921 on.
past = X[: len(X_train) + 1]
print(f"{'RMSE of log10':<16}{'14 years ahead':>16}")
found = {"persistence": np.full(N_TEST, past[-1, 0])}
found["ten years before"] = lynx[-N_TEST - 10 :][np.r_[:10, :4]]
found |= {name: forecast(search, past, N_TEST) for name, search in models.items()}
for name, y_pred in found.items():
    error = root_mean_squared_error(np.log10(y_test), np.log10(y_pred))
    print(f"{name:<16}{error:>16.3f}")

# %%
# The network is the worse one year ahead, and the better 14 years ahead: of one series
# with 14 years to judge by, neither says much. Both are far better than what needs no
# model. The picture has a band that is meant to hold four of five years.
figure, axes = plt.subplots(2, figsize=(10, 6), sharex=True, layout="constrained")
for ax, (name, search) in zip(axes, models.items(), strict=True):
    ForecastDisplay.from_estimator(
        search,
        past,
        N_TEST,
        y_true=y_test,
        n_history=50,
        name=name,
        random_state=0,
        ax=ax,
    )
    ax.set(ylabel="lynx trapped", yscale="log", xlabel="", title=f"{name}, from 1920")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
axes[1].set_xlabel("years after 1920")
figure.savefig("first_forecast.png", dpi=120)
