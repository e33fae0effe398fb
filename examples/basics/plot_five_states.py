"""
Five ways to hand on what a model remembers
===========================================

A model with memory is fitted once and then lives in time. What it knows of the past is
its state. This page has a house that is heated, and five tasks which differ in nothing
but what becomes of the state: a long record in pieces, a warm-up, rows that come one by
one, the night between two days, and several houses at once.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import AutoRegressor, GRURegressor
from sk_rnn.preprocessing import ChannelTransformer

plt.style.use("seaborn-v0_8-colorblind")
DAY = 96  # quarters of an hour

# %%
# The house
# ---------
# Heating power and outside temperature are known, the room temperature is wanted. The
# walls store heat for a day. When the window is open, heat is lost five times as fast.


def simulate(n_days, rng):
    """Power (kW), outside temperature, window; and the temperature of the room."""
    n = n_days * DAY
    hour = np.arange(n) * 24 / DAY
    weather = np.repeat(rng.normal(5, 4, n_days + 1), DAY)
    weather = np.convolve(weather, np.ones(DAY) / DAY, "valid")[:n]
    outside = weather - 4 * np.cos(2 * np.pi * (hour - 3) / 24)
    power = np.repeat(rng.choice([0, 2, 4, 6], n_days * 12), DAY // 12)
    window = np.repeat(rng.random(n_days * 24) < 0.08, DAY // 24)
    room, wall, found = 18.0, 17.0, np.empty(n)
    for t in range(n):
        loss = (0.02 + 0.08 * window[t]) * (room - outside[t])
        flow = 0.15 * (room - wall)
        room += 0.08 * power[t] - loss - flow
        wall += 0.1 * flow - 0.004 * (wall - outside[t])
        found[t] = room
    X = np.column_stack([power, outside, window])
    return X, found + 0.1 * rng.standard_normal(n)


rng = np.random.default_rng(0)
X, y = simulate(40, rng)
X_test, y_test = simulate(8, rng)  # another house-week: a record of its own

# %%
# Forty days are cut into records of four days, of which the first is washout: it is
# read, but does not count. The penalty is chosen by the records held out.
records = np.split(X, 10), np.split(y, 10)
GRU = GRURegressor(
    hidden_layer_sizes=8,
    time_scale=DAY,
    washout=DAY,
    tol=1e-3,
    random_state=0,
)
pipeline = make_pipeline(ChannelTransformer(StandardScaler()), GRU)
search = GridSearchCV(pipeline, {"gruregressor__alpha": [0.1, 1]}, cv=2).fit(*records)
model, linear = search.best_estimator_, AutoRegressor(n_lags=DAY).fit(*records)
print(search.best_params_)


def error(y_pred, first=DAY):
    return root_mean_squared_error(y_test[first:], y_pred[first:])


print(f"{'from the second day on':<26}{'RMSE, degrees':>14}")
print(f"{'mean of training':<26}{error(np.full(len(y_test), y.mean())):>14.2f}")
print(f"{'linear (FIR, 24 hours)':<26}{error(linear.predict([X_test])[0]):>14.2f}")
whole = model.predict([X_test])[0]
print(f"{'GRU':<26}{error(whole):>14.2f}")

# %%
# 1. A long record in pieces
# --------------------------
# The state that comes out of one piece goes into the next. The result is that of the
# whole.
parts, state = [], None
for piece in np.split(X_test, 4):
    (y_pred,), state = model.predict([piece], state=state, return_state=True)
    parts.append(y_pred)
print(f"whole - pieces: {np.abs(np.concatenate(parts) - whole).max():.0e}")

# %%
# 2. A warm-up before the forecast
# --------------------------------
# `warm_up` reads what came before, and returns the state. The longer the past, the
# better the next six hours: the walls are slow, and what they hold is in no input.
# (`warm_up` is a method of the model: what comes before it in the pipeline is applied
# by hand.)
transform, last = model[:-1].transform, model[-1]
starts = range(2 * DAY, 7 * DAY, DAY // 4)
pasts = (0, 4, 12, 24, 48, 96, 144, 192)
by_past = []
for n_past in pasts:
    errors = []
    for k in starts:
        state = None
        if n_past:
            state = last.warm_up(transform([X_test[k - n_past : k]]))
        ahead = slice(k, k + DAY // 4)
        (y_pred,) = model.predict([X_test[ahead]], state=state)
        errors.append(y_test[ahead] - y_pred)
    by_past.append(np.sqrt(np.mean(np.square(errors))))
    print(f"{n_past / 4:>4.0f} hours of warm-up: RMSE {by_past[-1]:.2f}")

# %%
# 3. Rows that come one by one
# ----------------------------
# A controller gets one row every quarter of an hour, and answers at once.
state, answers = None, []
for row in X_test:
    (y_pred,), state = model.predict([row[None]], state=state, return_state=True)
    answers.append(y_pred[0])
print(f"whole - row by row: {np.abs(np.array(answers) - whole).max():.0e}")

# %%
# 4. From one day to the next
# ---------------------------
# The model was trained on records of four days, and each day of the test is asked for
# separately. Without the state of the evening before, every morning begins with a room
# of which nothing is known.
days = np.split(X_test, 8)
fresh = np.concatenate(model.predict(days))
carried, state = [], None
for day in days:
    (y_pred,), state = model.predict([day], state=state, return_state=True)
    carried.append(y_pred)
carried = np.concatenate(carried)
print(f"each day alone: RMSE {error(fresh):.2f}, carried over: {error(carried):.2f}")

# %%
# 5. Several houses at once
# -------------------------
# Sequences of one batch are independent: each has its own entry in the state, and gets
# the answers it would get alone, whatever stands beside it.
houses = [simulate(n_days, rng)[0] for n_days in (2, 4, 3)]
state = last.warm_up(transform([house[:DAY] for house in houses]))
together = model.predict([house[DAY:] for house in houses], state=state)
alone = [model.predict([house])[0][DAY:] for house in houses]
worst = max(np.abs(a - b).max() for a, b in zip(together, alone, strict=True))
print(f"{len(houses)} houses; together - alone: {worst:.0e}")

# %%
# The picture: three days of the fourth task, and the second by length of the past.
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4), layout="constrained", width_ratios=[2, 1]
)
shown = slice(2 * DAY, 5 * DAY)
hours = np.arange(3 * DAY) / 4
left.plot(hours, y_test[shown], ".", ms=3, color="black", label="measured")
left.plot(hours, carried[shown], label="state carried over midnight")
left.plot(hours, fresh[shown], "--", color="C2", label="each day alone")
left.set(xlabel="hour", ylabel="room temperature (degrees Celsius)")
left.set(title="Three days", xticks=range(0, 73, 12))
left.legend(fontsize="small")
right.plot(np.array(pasts) / 4, by_past, "o-")
right.set(xlabel="hours of warm-up", ylabel="RMSE of the next 6 hours (degrees)")
right.set(title="What the past is worth", ylim=(0, None), xticks=range(0, 49, 12))
figure.savefig("five_states.png", dpi=120)
