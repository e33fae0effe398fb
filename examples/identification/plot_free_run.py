"""
One step ahead is easy: judge a model of an oscillator by its free run
======================================================================

A mass on a spring that hardens, the Duffing oscillator, is driven by a force. Sampled
often, its position hardly changes from one step to the next, and any model that is told
the last positions predicts the next one. Whether it has learnt the spring shows in the
free run: the model is told the force alone, and feeds its own outputs back.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import NARXRegressor
from sk_rnn.inspection import SimulationDisplay

plt.style.use("seaborn-v0_8-colorblind")
DT, N_TRAIN, N_TEST = 0.25, 900, 500

# %%
# The oscillator
# --------------
# x'' + 0.4 x' + x + x^3 = u, with forces u that are held for one to five units of time,
# integrated by the classical Runge-Kutta method.


def simulate(n_steps, rng):
    """The force, and the position at the end of each step, measured with noise."""
    hold = rng.integers(4, 20, n_steps)
    force = np.repeat(rng.uniform(-2, 2, n_steps), hold)[:n_steps]
    state, position, h = np.zeros(2), np.empty(n_steps), DT / 5

    def slope(s, u):
        return np.array([s[1], u - 0.4 * s[1] - s[0] - s[0] ** 3])

    for t, u in enumerate(force):
        for _ in range(5):
            k1 = slope(state, u)
            k2 = slope(state + h / 2 * k1, u)
            k3 = slope(state + h / 2 * k2, u)
            k4 = slope(state + h * k3, u)
            state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        position[t] = state[0]
    return force[:, None], position + 0.005 * rng.standard_normal(n_steps)


rng = np.random.default_rng(0)
X, y = simulate(N_TRAIN, rng)
X_test, y_test = simulate(N_TEST, rng)  # another record

# %%
# Candidates
# ----------
# A linear model, and a network trained in two ways: with measured outputs fed back, and
# with its own, from where the first training ended. The penalty of the first two is
# chosen by the free run over later parts of the training record: that is what `score`
# is. The third takes that of the second.
SETTINGS = {
    "time_axis": 0,
    "n_input_lags": 2,
    "n_output_lags": 3,
    "washout": 20,
    "solver": "lm",
    "tol": 1e-3,
    "random_state": 0,
}


def tuned(**options):
    pipeline = make_pipeline(StandardScaler(), NARXRegressor(**SETTINGS, **options))
    grid = {"narxregressor__alpha": [1e-3, 0.1]}
    search = GridSearchCV(pipeline, grid, cv=TimeSeriesSplit(2, test_size=200))
    search.fit(X, y)
    print(f"{search.best_params_}, R2 {search.best_score_:.3f} in the search")
    return search.best_estimator_


models = {
    "linear ARX": tuned(hidden_layer_sizes=()),
    "NARX, one step": tuned(hidden_layer_sizes=6, feedback="measured"),
}
free_run = clone(models["NARX, one step"])
free_run.set_params(narxregressor__feedback="measured_then_predicted")
models["NARX, free run"] = free_run.fit(X, y)

# %%
# One step, and a free run
# ------------------------
# The new record is another day: its first 20 steps are washout, and the free run begins
# from a position that is unknown.
after = slice(SETTINGS["washout"], None)


def one_step(model):
    """Predict each position from those measured before it."""
    return model[-1].predict_ahead(model[0].transform(X_test), y_test, horizon=1)


print(f"{'R2, new record':<18}{'one step':>10}{'free run':>10}")
last = y_test[after.start - 1 : -1]
print(f"{'persistence':<18}{r2_score(y_test[after], last):>10.4f}{'-':>10}")
for name, model in models.items():
    found = one_step(model), model.predict(X_test)
    scores = [r2_score(y_test[after], y_pred[after]) for y_pred in found]
    print(f"{name:<18}{scores[0]:>10.4f}{scores[1]:>10.4f}")

# %%
# One step ahead the linear model seems nearly perfect, with persistence not far behind.
# In the free run it misses an eighth of the variance: one stiffness cannot be right for
# small and for large swings. The network has learnt the spring; training its free run,
# which takes longer, brings a little more. A score of one step would have told none of
# this.
figure, axes = plt.subplots(
    3, figsize=(9, 8), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, model) in zip(axes, models.items(), strict=True):
    SimulationDisplay.from_estimator(model, X_test, y_test, name=name, ax=ax)
    ax.set_title(f"{name}: {ax.get_title()}")
    ax.set(xlabel="", ylabel="position", xlim=(0, 250))
    ax.legend(loc="upper right", ncols=2, fontsize="small")
axes[-1].set_xlabel(f"step of {DT} units of time")
figure.savefig("free_run.png", dpi=120)
