"""
A fitted GRU in ten lines of NumPy, and in C
============================================

A network that was trained here can run where there is no Python: on a controller, in a
spreadsheet, in a PLC. All it takes is in ``weights_``, beside the means and the
standard deviations of the training data. This page writes the equations down by hand,
compares them with `predict`, rounds the numbers, and prints a header for C.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import AutoRegressor, GRURegressor

plt.style.use("seaborn-v0_8-colorblind")
N_TRAIN, N_TEST = 1500, 500

# %%
# A motor
# -------
# The voltage is set, the speed is wanted. The friction is stronger at rest, so that a
# small voltage moves nothing.


def simulate(n_steps, rng):
    """Voltage (V) in steps of 10 ms, and speed (turns per second)."""
    voltage = np.repeat(rng.uniform(-12, 12, n_steps), rng.integers(8, 40, n_steps))
    voltage, speed, w = voltage[:n_steps], np.empty(n_steps), 0.0
    for t in range(n_steps):
        w = w + 0.12 * (5 * (voltage[t] - 3 * np.tanh(2 * w)) - w)
        speed[t] = w
    return voltage[:, None], speed + 0.2 * rng.standard_normal(n_steps)


rng = np.random.default_rng(0)
X, y = simulate(N_TRAIN, rng)
X_test, y_test = simulate(N_TEST, rng)

# %%
# The model
# ---------
# Scaling is left to the pipeline, whose means and deviations are public. A table is
# fitted that begins at rest; ``carry_state=False`` begins each `predict` at rest, too.
SETTINGS = {"time_axis": 0, "carry_state": False}
gru = GRURegressor(
    hidden_layer_sizes=6,
    standardize=False,
    bptt_steps=150,
    tol=1e-3,
    random_state=0,
    **SETTINGS,
)
model = TransformedTargetRegressor(
    make_pipeline(StandardScaler(), gru), transformer=StandardScaler()
)
model.fit(X, y)
linear = AutoRegressor(n_lags=30, **SETTINGS).fit(X, y)
score = r2_score(y_test[1:], y_test[:-1])
print(f"{'R2, new record':<16}")
print(f"{'persistence':<16}{score:>8.3f}  (is told the speed)")
print(f"{'linear (AR)':<16}{linear.score(X_test, y_test):>8.3f}")
print(f"{'GRU':<16}{model.score(X_test, y_test):>8.3f}")

# %%
# What is in it
# -------------
# Columns are gates, one after the other: reset, update and candidate. The recurrent
# bias is that of the candidate.
scaler, fitted = model.regressor_
weights = fitted.weights_
for name, weight in weights.items():
    print(f"{name:<26}{weight.shape}")
x_mean, x_scale = scaler.mean_, scaler.scale_
y_mean, y_scale = model.transformer_.mean_, model.transformer_.scale_

# %%
# The equations
# -------------
# These are all of them.


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def step(x, h, W, U, b, c, V, d):
    """One row: the output, and the next state."""
    x = (x - x_mean) / x_scale
    n = len(h)
    from_x, from_h = x @ W + b, h @ U
    r = sigmoid(from_x[:n] + from_h[:n])
    z = sigmoid(from_x[n : 2 * n] + from_h[n : 2 * n])
    candidate = np.tanh(from_x[2 * n :] + r * (from_h[2 * n :] + c))
    h = candidate + z * (h - candidate)
    return (h @ V + d) * y_scale + y_mean, h


def run(X, parameters):
    """All rows, from rest."""
    h, found = np.zeros(6, parameters[0].dtype), []
    for x in X:
        y, h = step(x, h, *parameters)
        found.append(y[0])
    return np.array(found)


by_hand = run(X_test, list(weights.values()))
expected = model.predict(X_test)
print(f"by hand - predict: {np.abs(by_hand - expected).max():.0e} turns per second")

# %%
# In single precision, and in bytes
# ---------------------------------
# A controller has few digits. Seven are plenty. Then each array is rounded to 255
# levels, which is what 8 bits for each number can hold.
single = [value.astype(np.float32) for value in weights.values()]


def rounded(value):
    unit = np.abs(value).max() / 127
    return np.round(value / unit) * unit


bytes_ = [rounded(value) for value in weights.values()]
runs = {"double": by_hand, "single": run(X_test, single), "bytes": run(X_test, bytes_)}
n_numbers = sum(value.size for value in weights.values())
print(f"{n_numbers} numbers")
print(f"{'numbers':<10}{'R2':>8}{'largest change':>18}")
for name, found in runs.items():
    change = np.abs(found - expected).max()
    print(f"{name:<10}{r2_score(y_test, found):>8.4f}{change:>18.1e}")

# %%
# A header for C
# --------------
# The arrays, row by row, as a compiler reads them; the function `step` is written the
# same way there.
names = "W", "U", "b", "c", "V", "d"
arrays = dict(zip(names, single, strict=True))
arrays |= {"x_mean": x_mean, "x_scale": x_scale, "y_mean": y_mean, "y_scale": y_scale}
lines = [
    f"static const float {name}[{value.size}] = {{"
    + ", ".join(f"{number:.8g}f" for number in value.ravel())
    + "};"
    for name, value in arrays.items()
]
for line in lines:
    print(line if len(line) < 80 else line[:76] + " ...")

# %%
# Single precision changes nothing that could be measured, and even bytes cost less than
# the noise of the speed, 0.2 turns per second. The linear model misses the friction.
#
# The picture: what was measured, the network by hand, and what rounding does.
figure, (upper, lower) = plt.subplots(
    2, figsize=(9, 6), sharex=True, layout="constrained", height_ratios=[2, 1]
)
time = np.arange(N_TEST) / 100
upper.plot(time, y_test, ".", color="gray", ms=4, label="measured")
upper.plot(time, by_hand, label="GRU by hand, double precision")
upper.plot(time, runs["bytes"], "--", color="C2", label="GRU by hand, bytes")
upper.plot(time, linear.predict(X_test), ":", color="black", label="linear (AR)")
upper.set(ylabel="speed (turns per second)", ylim=(None, 1.5 * y_test.max()))
upper.legend(ncols=2, fontsize="small", loc="upper left")
for name, style in {"bytes": "C2-", "single": "C1-"}.items():
    lower.plot(time, np.abs(runs[name] - expected) + 1e-16, style, label=name)
lower.set(xlabel="time (s)", ylabel="change of the speed\n(turns per second)")
lower.set(yscale="log", ylim=(1e-10, 10))
lower.legend(ncols=2, fontsize="small", loc="lower right")
figure.savefig("gru_by_hand.png", dpi=120)
