"""
What residuals tell of two tanks
================================

Water is pumped into a tank, runs out of it into a second one, and out of that. Both
levels are measured. Residuals of a model that has learnt all there is are white noise,
and have nothing to do with the inputs. This page looks at three models, each of which
mends what the residuals of the one before showed.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import r2_score

from sk_rnn import NARXRegressor
from sk_rnn.inspection import ResidualDisplay

plt.style.use("seaborn-v0_8-colorblind")
N_TRAIN, N_TEST = 1500, 700

# %%
# The tanks
# ---------
# What runs out grows with the square root of the level (Torricelli). The water from the
# pump arrives six steps late. Evaporation and splashing are noise that stays in the
# tank.


def simulate(n_steps, rng):
    """Inflow (litres in a step), and the levels of both tanks (cm)."""
    flow = np.repeat(rng.uniform(0.3, 3, n_steps), rng.integers(5, 40, n_steps))
    flow, levels = flow[:n_steps], np.empty((n_steps, 2))
    first, second = 5.0, 5.0
    for t in range(n_steps):
        for _ in range(4):
            between, out = 0.8 * np.sqrt(first), 0.7 * np.sqrt(second)
            first += 0.25 * (flow[max(t - 6, 0)] - between)
            second += 0.25 * (between - out)
        first, second = np.abs([first, second] + 0.1 * rng.standard_normal(2))
        levels[t] = first, second
    return flow[:, None], levels


rng = np.random.default_rng(0)
X, y = simulate(N_TRAIN, rng)
X_test, y_test = simulate(N_TEST, rng)

# %%
# Three models
# ------------
# The first is linear, with the levels of the step before, and with the inflow of now
# and of the step before. The second knows the dead time. The third is a network, for
# the square roots.
SETTINGS = {"time_axis": 0, "n_output_lags": 1, "washout": 20, "solver": "lm"}
SETTINGS |= {"alpha": 0.01, "tol": 1e-4, "random_state": 0}
models = {
    "linear, no dead time": NARXRegressor(
        hidden_layer_sizes=(), n_input_lags=1, **SETTINGS
    ),
    "linear, dead time": NARXRegressor(
        hidden_layer_sizes=(), input_delay=6, n_input_lags=1, **SETTINGS
    ),
    "network, dead time": NARXRegressor(
        hidden_layer_sizes=6, input_delay=6, n_input_lags=1, **SETTINGS
    ),
}
after = slice(20, None)
ahead = {}
print(f"{'R2, new record':<22}{'one step':>10}{'free run':>10}")
last = r2_score(y_test[20:], y_test[19:-1])
print(f"{'persistence':<22}{last:>10.4f}{'-':>10}")
for name, model in models.items():
    model.fit(X, y)
    ahead[name] = model.predict_ahead(X_test, y_test, horizon=1)
    one_step = r2_score(y_test[after], ahead[name][after])
    free = r2_score(y_test[after], model.predict(X_test)[after])
    print(f"{name:<22}{one_step:>10.4f}{free:>10.4f}")

# %%
# Residuals one step ahead
# ------------------------
# Those of a free run are correlated even if the model is true, so that whiteness is a
# matter of one step. All of this is on the new record; shown is the level of the first
# tank.
figure, axes = plt.subplots(
    3, 2, figsize=(10, 8), sharex="col", sharey="col", layout="constrained"
)
displays = {}
for panels, (name, model) in zip(axes, models.items(), strict=True):
    displays[name] = ResidualDisplay.from_estimator(
        model,
        X_test,
        y_test,
        horizon=1,
        n_lags=25,
        kinds=["autocorrelation", "cross_correlation"],
        ax=panels,
    )
    panels[0].set_ylabel(f"{name}\n{panels[0].get_ylabel()}")
figure.savefig("residuals.png", dpi=120)

# %%
# The same in numbers:
print(f"{'':<22}{'Ljung-Box p':>14}{'input missed most':>22}")
for name, display in displays.items():
    across = np.abs(display.cross_correlation_[0])
    lag, size = across.argmax(), across.max()
    missed = f"lag {lag} ({size:.2f})" if size > 1.5 * display.band_ else "none"
    print(f"{name:<22}{display.ljung_box_[1]:>14.1e}{missed:>22}")

# %%
# Without the dead time, the residuals go with the inflow of six steps before: that is
# where to look. With it, that peak is gone, but the residuals still go together over
# twenty steps: the linear model is wrong for as long as the level is far from its mean.
# Those of the network are white. What is left of the correlation with the inflow, 0.12
# at the most, is spread over many lags, as the inflow itself is slow.
