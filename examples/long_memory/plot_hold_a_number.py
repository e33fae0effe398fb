"""
Hold a number until the next one comes: which cell can?
=======================================================

Numbers pass by, one at each step, and now and then one of them is marked. The model has
to answer with the number that was marked last, at every step, until another is. So it
must take in what matters, hold it for as long as it takes, and let nothing else in.
That is what gates are for.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import r2_score

from sk_rnn import AutoRegressor, GRURegressor, LSTMRegressor, RNNRegressor

plt.style.use("seaborn-v0_8-colorblind")
N_STEPS, GAP = 60, 20

# %%
# The task
# --------
# The first number is marked, and each later one with a chance of 1 to 20.


def make(n_sequences, rng):
    """Number and mark; what was marked last; how many steps ago that was."""
    number = rng.uniform(-1, 1, (n_sequences, N_STEPS))
    mark = rng.random((n_sequences, N_STEPS)) < 1 / GAP
    mark[:, 0] = True
    when = np.maximum.accumulate(np.where(mark, np.arange(N_STEPS), 0), axis=1)
    target = np.take_along_axis(number, when, axis=1)
    X = np.stack([number, mark.astype(float)], axis=2)
    return X, target[..., None], np.arange(N_STEPS) - when


X, y, _ = make(120, np.random.default_rng(0))
X_test, y_test, age = make(200, np.random.default_rng(1))
print("X", X.shape, "y", y.shape)

# %%
# The models
# ----------
# Recurrent models of 8 units, with the same settings. The linear model sees the last 20
# steps, and cannot multiply a number by its mark. Persistence is told the right answer
# of the step before.
SETTINGS = {"hidden_layer_sizes": 8, "tol": 1e-2, "random_state": 0}
models = {
    "linear (AR)": AutoRegressor(n_lags=GAP, washout=GAP),
    "simple RNN": RNNRegressor(**SETTINGS),
    "LSTM": LSTMRegressor(**SETTINGS),
    "GRU": GRURegressor(**SETTINGS),
    "GRU, time_scale": GRURegressor(time_scale=GAP, **SETTINGS),
}

# %%
# New sequences
# -------------
answers = {"persistence": np.concatenate([0 * y_test[:, :1], y_test[:, :-1]], axis=1)}
for name, model in models.items():
    answers[name] = model.fit(X, y).predict(X_test)
print(f"{'':<18}{'R2':>8}{'RMSE by steps since the mark':>32}")
steps = (0, 1, 5, 20, 40)
print(f"{'':<26}" + "".join(f"{k:>8}" for k in steps))


def errors(y_pred):
    """RMSE by the number of steps since the mark."""
    squares = ((y_test - y_pred) ** 2)[..., 0]
    return np.sqrt([squares[age == k].mean() for k in range(50)])


for name, y_pred in answers.items():
    score, by_age = r2_score(y_test.ravel(), y_pred.ravel()), errors(y_pred)
    print(f"{name:<18}{score:>8.3f}" + "".join(f"{by_age[k]:>8.3f}" for k in steps))

# %%
# A linear model cannot select, however many lags it has. Persistence is perfect but at
# the marks, of which it knows nothing before they come. The simple network selects, but
# what it holds leaks away. The gates hold it, the GRU's better than those of the LSTM
# here, and best where they begin with the memory that is wanted.
figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4), layout="constrained", width_ratios=[1.5, 1]
)
left.plot(y_test[2], color="silver", lw=5, label="marked last")
marks = np.flatnonzero(X_test[2, :, 1])
left.plot(X_test[2, :, 0], ".", color="gray", label="numbers")
left.plot(marks, X_test[2, marks, 0], "ko", label="marked")
for name, colour in {"simple RNN": "C0", "GRU, time_scale": "C1"}.items():
    left.plot(answers[name][2], color=colour, label=name)
left.set(xlabel="step", ylabel="number", title="A new sequence", ylim=(-1.1, 1.7))
left.legend(ncols=3, fontsize="small", loc="upper left")
colours = ["gray", "C0", "C2", "C3", "C1"]
for name, colour in zip(models, colours, strict=True):
    right.semilogy(errors(answers[name]), color=colour, label=name)
right.axhline(y_test.std(), color="gray", ls=":")
right.set(xlabel="steps since the mark", ylabel="RMSE", ylim=(1e-3, 30))
right.set_title("dotted: always the mean")
right.legend(fontsize="small", loc="upper center", ncols=2)
figure.savefig("hold_a_number.png", dpi=120)
