"""
How much data does a network need? Learning curves of scikit-learn
==================================================================

A linear model learns from little data, and soon has learnt all it can. A network needs
more, and goes on. At which size the one overtakes the other, and whether more data
would still help, is seen in learning curves. `LearningCurveDisplay` of scikit-learn
draws them of any estimator. Here a sample is a sequence, so that its splits and its
sizes count whole sequences.
"""

import matplotlib.pyplot as plt
from sklearn.metrics import r2_score
from sklearn.model_selection import LearningCurveDisplay, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import AutoRegressor, GRURegressor, TDNNRegressor
from sk_rnn.datasets import make_narma
from sk_rnn.preprocessing import ChannelTransformer

plt.style.use("seaborn-v0_8-colorblind")
N_STEPS, WASHOUT = 60, 20

# %%
# The task
# --------
# NARMA: the output depends on its own past, on the input, and on a product of the
# inputs of one and of ten steps before. A model sees the inputs alone. One long series
# is cut into 100 sequences, which do not overlap.
u, y = make_narma(100 * N_STEPS, random_state=0)
X, y = u.reshape(100, N_STEPS, 1), y.reshape(100, N_STEPS, 1)
print("X", X.shape, "y", y.shape)

# %%
# The models
# ----------
# The past of a sequence is not known: its first 20 steps are washout, and neither train
# nor score. The settings are the same for all sizes.
models = {
    "linear (AR)": AutoRegressor(n_lags=WASHOUT - 1, washout=WASHOUT),
    "TDNN": TDNNRegressor(
        n_lags=WASHOUT - 1, hidden_layer_sizes=16, washout=WASHOUT, random_state=0
    ),
    "GRU": GRURegressor(
        hidden_layer_sizes=12, time_scale=10, washout=WASHOUT, tol=1e-3, random_state=0
    ),
}

# %%
# The curves
# ----------
# Each point is the mean of two fits, to sequences drawn at random, scored on 20 others.
# Sequences may be drawn, for none overlaps with another; rows of a table may not.
sizes = [3, 6, 12, 25, 50, 80]
figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
curves = {}
for name, model in models.items():
    pipeline = make_pipeline(ChannelTransformer(StandardScaler()), model)
    curves[name] = LearningCurveDisplay.from_estimator(
        pipeline,
        X,
        y,
        train_sizes=sizes,
        cv=ShuffleSplit(2, test_size=20, random_state=0),
        score_type="test",
        score_name="R² of sequences held out",
        std_display_style="errorbar",
        ax=ax,
    )
ax.legend(ax.get_legend_handles_labels()[0], list(models), loc="lower right")
ax.set(xlabel="sequences of 60 steps to train on", xscale="log", ylim=(0, 1))
ax.set_xticks(sizes, sizes, minor=False)
ax.minorticks_off()
ax.set_title("NARMA: what more data brings")
figure.savefig("learning_curve.png", dpi=120)

# %%
# In numbers:
print(f"{'R2':<14}" + "".join(f"{size:>8}" for size in sizes))
for name, display in curves.items():
    scores = display.test_scores.mean(axis=1)
    print(f"{name:<14}" + "".join(f"{score:>8.2f}" for score in scores))
last = r2_score(y[:, WASHOUT:].ravel(), y[:, WASHOUT - 1 : -1].ravel())
print(f"persistence, which is told the output of the step before: {last:.2f}")

# %%
# The linear model has learnt all it can from a dozen sequences. The delay line sees the
# right lags from the start, and is ahead of it at every size. The GRU has to learn to
# hold a value for ten steps; it gains most from more data, and at 80 sequences is only
# level with the linear model.
