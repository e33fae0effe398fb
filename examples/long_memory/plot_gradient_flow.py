"""
See how far back in time gradients reach, in six recurrent models
=================================================================

The adding problem (Hochreiter & Schmidhuber 1997): of 100 random numbers two are
marked, anywhere, and their sum is wanted after the last step. To learn it, a gradient
must come from the last step to the marks, up to 99 steps before it.

The picture shows the norm of the gradient by distance in time, after one iteration of
training and after a hundred. Lines are straight where a geometric law, gamma^(t - k),
rules; gamma is their slope. Near the start the simple network, but also GRU and LSTM,
lose the gradient on the way, and the integrator keeps it; gates learn to keep it, or do
so from the start with ``time_scale``. In the residual form it may grow.

It takes about ten seconds.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.exceptions import ConvergenceWarning

from sk_rnn import GRURegressor, LSTMRegressor, RNNRegressor
from sk_rnn.datasets import make_adding_problem
from sk_rnn.inspection import GradientFlowDisplay

plt.style.use("seaborn-v0_8-colorblind")

# %%
# Six models
# ----------
# All have 16 units.

N_STEPS = 100
SETTINGS = {"hidden_layer_sizes": 16, "tol": 0, "random_state": 0}
MODELS = {
    "simple": RNNRegressor(**SETTINGS),
    "integrator": RNNRegressor(recurrence="integrator", **SETTINGS),
    "residual": RNNRegressor(recurrence="residual", **SETTINGS),
    "GRU": GRURegressor(**SETTINGS),
    "LSTM": LSTMRegressor(**SETTINGS),
    "LSTM, time_scale": LSTMRegressor(time_scale=N_STEPS, **SETTINGS),
}


# %%
# One iteration and a hundred
# ---------------------------
# The same models are trained for so long. The table has gamma, and R^2 on new
# sequences.


def draw(ax, max_iter, train, test):
    """Train all models for so many iterations; one line for each."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped on purpose
    for name, model in MODELS.items():
        model.set_params(max_iter=max_iter).fit(*train)
        display = GradientFlowDisplay.from_estimator(model, test[0], ax=ax, name=name)
        gamma, score = display.flow.gamma[0], model.score(*test)
        print(f"{name:<18}{max_iter:>12}{gamma:>8.3f}{score:>9.2f}")
    ax.legend(fontsize="small", loc="lower left")
    ax.set_title(f"{max_iter} iteration{'s' * (max_iter > 1)}")


train = make_adding_problem(200, N_STEPS, random_state=0)
test = make_adding_problem(100, N_STEPS, random_state=1)
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
print(f"{'model':<18}{'iterations':>12}{'gamma':>8}{'R^2':>9}")
for ax, max_iter in zip(axes, (1, 100), strict=True):
    draw(ax, max_iter, train, test)
figure.savefig("gradient_flow.png", dpi=120)

# %%
# The gates have learnt to stay open, and the integrator, which keeps its gradient by
# construction, has learnt the task, too. The simple network has learnt nothing: its
# gradient still vanishes. Nor has the residual form, whose gradient does arrive: that
# is necessary, and does not suffice.
