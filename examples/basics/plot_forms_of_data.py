"""
Four forms of the same data, and one model
==========================================

Twenty batches were run, of fifty steps each. Two inputs were set, and one output was
measured at every step. Such data comes as a 3-D array, as a list of records, as rows of
a 2-D array, or as one long table. This page hands over all four, and shows that the
model is the same.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from sk_rnn import AutoRegressor, GRURegressor

plt.style.use("seaborn-v0_8-colorblind")
N_BATCHES, N_STEPS = 20, 50

# %%
# The data
# --------
# A stirred vessel is fed and heated. What has been heated reacts faster: the output
# follows the product of both inputs, with an inertia of some steps.


def simulate(n_batches, n_steps, rng):
    """Inputs (n_batches, n_steps, 2) and output (n_batches, n_steps) of the vessel."""
    inputs = np.repeat(rng.uniform(0, 1, (n_batches, -(-n_steps // 5), 2)), 5, axis=1)
    inputs = inputs[:, :n_steps]
    output, level = np.zeros((n_batches, n_steps)), np.full(n_batches, 0.25)
    for t in range(n_steps):
        level = level + 0.2 * (inputs[:, t].prod(axis=1) - level)
        output[:, t] = level
    return inputs, output + 0.01 * rng.standard_normal(output.shape)


rng = np.random.default_rng(0)
X, y = simulate(N_BATCHES, N_STEPS, rng)
X_new, y_new = simulate(10, N_STEPS, rng)
print("X", X.shape, "y", y.shape)

# %%
# The forms
# ---------
# *A 3-D array*: sequences, steps, channels. Targets at every step are 3-D, too.
cube = X, y[..., None]

# %%
# *A list of records*, each a 2-D array. They may differ in length, and nothing is
# padded.
records = list(X), list(y)

# %%
# *Rows*: a row is a sequence, step by step; ``n_channels=2`` reads two columns as one
# step.
rows = X.reshape(N_BATCHES, -1), y[..., None]

# %%
# *A table*: the rows are consecutive steps, and a column names the batch of each.
frame = pd.DataFrame(X.reshape(-1, 2), columns=["feed", "heat"])
frame["batch"] = np.repeat(np.arange(N_BATCHES), N_STEPS)
table = frame, y.reshape(-1)
print(frame.head(3))

# %%
# Four fits
# ---------
# The penalty is given, so that nothing is held out to choose it by: which part that
# would be, depends on the form.
SETTINGS = {"hidden_layer_sizes": 8, "alpha": 0.1, "tol": 1e-3, "random_state": 0}
forms = {
    "3-D array": (cube, {}),
    "list of records": (records, {}),
    "rows": (rows, {"n_channels": 2}),
    "table": (table, {"time_axis": 0, "sequence_column": "batch"}),
}
models = {
    name: GRURegressor(**SETTINGS, **options).fit(*data)
    for name, (data, options) in forms.items()
}

# %%
# New batches, in each form once more:
new_frame = pd.DataFrame(X_new.reshape(-1, 2), columns=["feed", "heat"])
new_frame["batch"] = np.repeat(np.arange(10) + N_BATCHES, N_STEPS)
asked = {
    "3-D array": X_new,
    "list of records": list(X_new),
    "rows": X_new.reshape(10, -1),
    "table": new_frame,
}
answers = {
    name: np.reshape(model.predict(asked[name]), y_new.shape)
    for name, model in models.items()
}
print(f"{'GRU, fitted to':<18}{'R2, new batches':>18}{'other than 3-D by':>20}")
for name, answer in answers.items():
    difference = np.abs(answer - answers["3-D array"]).max()
    print(f"{name:<18}{r2_score(y_new.ravel(), answer.ravel()):>18.3f}", end="")
    print(f"{difference:>20.0e}")

# %%
# The first three are the same to the last bit. A table takes its sums in another order,
# and what that does to the last digit has grown over some hundred iterations of the
# training: far below the noise, but not zero.
#
# Is the network worth it? The value before, and a linear model of ten lags, know less:
# the product of two inputs is not linear.
linear = AutoRegressor(n_lags=10).fit(*records)
fitted = np.array(linear.predict(list(X_new)))
print(f"{'linear (AR)':<18}{r2_score(y_new.ravel(), fitted.ravel()):>18.3f}")
behind = r2_score(y_new[:, 1:].ravel(), y_new[:, :-1].ravel())
print(f"{'persistence':<18}{behind:>18.3f}  (is told each output, one step late)")

# %%
# In the picture of one new batch the four answers lie on top of each other.
figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
ax.plot(y_new[0], ".", color="black", label="measured")
for k, (name, answer) in enumerate(answers.items()):
    width, style = 7 - 1.8 * k, ["-", "-", "-", "--"][k]
    ax.plot(answer[0], style, lw=width, label=f"GRU, {name}")
ax.plot(fitted[0], ":", color="gray", lw=2, label="linear (AR)")
ax.set(xlabel="step", ylabel="output", title="A new batch", ylim=(0, None))
ax.legend(ncols=2, fontsize="small")
figure.savefig("forms_of_data.png", dpi=120)

# %%
# Take the form that the data has: nothing is gained by changing it. A table keeps names
# and dates, and passes through every transformer; a list takes records of any lengths.
