"""
Serve a network row by row: fitted on a table, pickled, loaded, with its state
==============================================================================

The series is that of Mackey & Glass, a model of the number of blood cells, with a
little noise; each row is one value, and the next is wanted. One value does not tell
what comes: the model has to remember. In service the rows come one by one, and with
each of them the state is handed in and comes out again, through the pipeline.

The trap is a service that forgets to. Without a state, `predict` takes each row to
follow the training rows, every time anew (or, with ``carry_state=False``, to be the
first of all), and answers wrongly, without complaint.

Persistence ("the next value is like this one") and the linear model stand beside the
network. The times are those of the machine it runs on.
"""

import pickle
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_rnn import AutoRegressor, GRURegressor
from sk_rnn.datasets import make_mackey_glass

plt.style.use("seaborn-v0_8-colorblind")

N_TRAIN, N_COLD = 1400, 40
GRU = GRURegressor(
    hidden_layer_sizes=16,
    time_axis=0,
    bptt_steps=50,
    washout=20,
    random_state=0,
)
MODELS = {
    "AR": (AutoRegressor(time_axis=0), {"n_lags": [2, 5, 10, 20, 50, 100]}),
    "GRU": (GRU, {}),  # finds its penalty by what it holds out
}


# %%
# The series, and the models
# --------------------------
# The last 600 values are what the service will see.


def load(n_steps=2000):
    """The series, one value every six units of time: a third of its delay."""
    series = make_mackey_glass(n_steps, sampling=60, discard=100, random_state=0)
    series *= np.exp(0.01 * np.random.default_rng(0).standard_normal(n_steps))
    return series[:-1, None], series[1:]


def tuned(model, grid, X, y):
    """A pipeline, tuned on the rows that it is given."""
    pipeline = Pipeline([("log", FunctionTransformer(np.log)), ("model", model)])
    grid = {f"model__{name}": values for name, values in grid.items()}
    search = GridSearchCV(pipeline, grid, cv=TimeSeriesSplit(3, test_size=200))
    return search.fit(X, y).best_estimator_


X, y = load()
train, test = slice(N_TRAIN), slice(N_TRAIN, None)
models = {name: tuned(*one, X[train], y[train]) for name, one in MODELS.items()}

# %%
# The service
# -----------
# Model and state are two byte strings. In the middle it is stopped and started again.


def serve(pickled, state, rows):
    """What a service does: read model and state, then answer each row as it comes.

    Returns the answers, the pickled state behind the last row, and the median time of a
    row in microseconds.
    """
    model, state = pickle.loads(pickled), pickle.loads(state)
    answers, times = [], []
    for row in rows:
        start = perf_counter()
        y_pred, state = model.predict(row[None], state=state, return_state=True)
        times.append(1e6 * (perf_counter() - start))
        answers.append(y_pred[0])
    return np.array(answers), pickle.dumps(state), np.median(times)


print(f"{'':<30}{'R2':>8}")
print(f"{'persistence':<30}{r2_score(y[test], X[test, 0]):>8.3f}")
served = {}
for name, model in models.items():
    # The training rows are known again, and read from their beginning.
    _, state = model.predict(X[train], return_state=True)
    pickled, state = pickle.dumps(model), pickle.dumps(state)
    block = model.predict(X[test])
    first, kept, _ = serve(pickled, state, X[test][:250])
    rest, kept, micros = serve(pickled, kept, X[test][250:])
    rows = np.concatenate([first, rest])
    print(f"{name + ', one block':<30}{r2_score(y[test], block):>8.3f}")
    print(f"{name + ', row by row, with state':<30}{r2_score(y[test], rows):>8.3f}")
    difference = np.abs(rows - block).max()
    served[name] = len(pickled), len(kept), micros, difference

# %%
# What it takes, and that the rows give what the block gives:
print(f"{'':<6}{'model':>10}{'state':>10}{'a row, about':>16}{'block - rows':>16}")
for name, (size, kept, micros, difference) in served.items():
    print(f"{name:<6}{size:>8} B{kept:>8} B{micros:>13.0f} µs{difference:>16.0e}")

# %%
# The trap, and a cold start
# --------------------------
# Each row alone is answered wrongly. A state that has read some rows is soon as good as
# one that has read them all.


def forgetful(model, rows):
    """The trap: each row alone."""
    return np.array([model.predict(row[None])[0] for row in rows])


def cold_starts(model, X, y):
    """RMSE by the number of rows read since a start from nothing."""
    transform, last = model[:-1].transform, model[-1]
    errors = []
    for first in range(0, len(X) - N_COLD, 5):
        part = slice(first + 1, first + N_COLD)
        state = last.warm_up(transform(X[first : first + 1]))
        errors.append(y[part] - model.predict(X[part], state=state))
    return np.sqrt(np.mean(np.square(errors), axis=0))


gru = models["GRU"]
alone = forgetful(gru, X[test])
print(f"{'GRU, each row alone (wrong)':<30}{r2_score(y[test], alone):>8.3f}")
errors = cold_starts(gru, X[test], y[test])

# %%
# The picture: answers with and without the state, and what a cold start costs.
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4), layout="constrained", width_ratios=[2, 1]
)
left.plot(y[test][:80], "k.", label="what came")
for name, curve in {"state handed on": rows, "each row alone": alone}.items():
    left.plot(curve[:80], label=name)
left.set(xlabel="row", ylabel="next value", ylim=(0, 1.8))
left.legend(loc="upper left", ncols=3, fontsize="small")
right.semilogy(np.arange(2, N_COLD + 1), errors, ".-", label="GRU, from nothing")
known = np.sqrt(np.mean((y[test] - rows) ** 2))
last = np.sqrt(np.mean((y[test] - X[test, 0]) ** 2))
right.axhline(last, color="gray", linestyle=":", label="persistence")
right.axhline(known, color="gray", linestyle="--", label="GRU, past known")
right.set(xlabel="rows read since the start", ylabel="RMSE")
right.legend(fontsize="small")
figure.savefig("streaming.png", dpi=120)
