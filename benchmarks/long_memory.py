"""Standard tasks of long memory, beside published results.

Sections: `adding` (the adding problem over 100 to 600 steps), `starts` (the same over
200 steps, with each cure taken away), `mackey_glass` (84 steps ahead, free-running) and
`narma` (NARMA-10, from its input alone). Every row is the median and the worst of
several seeds, which draw data, starting weights and batches.
"""

import time
import warnings
from contextlib import nullcontext
from functools import partial
from unittest import mock

import numpy as np
from _common import PLAIN, Table, duration, header, parser
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.exceptions import ConvergenceWarning

from sk_rnn import (
    GRURegressor,
    LSTMRegressor,
    NARXRegressor,
    RNNRegressor,
    TDNNRegressor,
)
from sk_rnn.datasets import make_adding_problem, make_mackey_glass, make_narma
from sk_rnn.layers import CELLS, Recurrent

FOREVER = {"tol": 0.0, "n_iter_no_change": 10**6}

#: Mean squared errors at 600 steps: Bai, Kolter & Koltun 2018, arXiv 1803.01271.
ADDING = {"GRU": "5.3e-5", "LSTM": "0.164", "RNN": "0.177"}


def repeated(task, n_seeds):
    """Median and worst error over seeds, and the median seconds of one."""
    errors, seconds = [], []
    for seed in range(n_seeds):
        start = time.perf_counter()
        errors.append(float(task(seed)))
        seconds.append(time.perf_counter() - start)
    return f"{np.median(errors):.1e}", f"{max(errors):.1e}", np.median(seconds)


# ------------------------------------------------------------------------------ adding
def add(make, n_steps, n_epochs, seed):
    """Mean squared error on 1,000 new sequences after training on 4,000."""
    X, y = make_adding_problem(5000, n_steps, random_state=seed)
    X, y = X.astype(np.float32), y.astype(np.float32)
    model = make(
        hidden_layer_sizes=32,
        solver="adam",
        early_stopping=False,
        batch_size=64,
        max_iter=n_epochs,
        alpha=0.0,
        random_state=seed,
        **FOREVER,
    )
    with np.errstate(over="ignore", invalid="ignore"):  # some starts diverge
        model.fit(X[:4000], y[:4000])
        return np.mean((model.predict(X[4000:]) - y[4000:]) ** 2)


def adding(options):
    n_epochs, n_seeds = (3, 1) if options.quick else (15, 3)
    table = Table(
        f"Adding problem: 32 units, {n_epochs} epochs over 4,000 sequences, MSE "
        "(predicting 1: 0.167)",
        *("steps", "model".ljust(34), "median", "worst"),
        *("published, 600 steps", "time of a fit"),
    )
    for n_steps in options.steps or ((100,) if options.quick else (100, 200, 400, 600)):
        for name, make in adders(float(n_steps)).items():
            if not name.startswith(tuple(options.models)):
                continue
            task = partial(add, make, n_steps, n_epochs)
            *errors, seconds = repeated(task, n_seeds)
            published = ADDING[name.split(",")[0]] if n_steps == 600 else ""
            table.row(n_steps, name, *errors, published, duration(seconds))
    table.end()


def adders(time_scale):
    """Models by name; recurrences without gates want a smaller learning rate."""
    gru = partial(GRURegressor, learning_rate_init=5e-3)
    lstm = partial(LSTMRegressor, learning_rate_init=5e-3)
    relu = partial(RNNRegressor, learning_rate_init=1e-3, activation="relu")
    return {
        "GRU, time_scale=T": partial(gru, time_scale=time_scale),
        "LSTM, time_scale=T": partial(lstm, time_scale=time_scale),
        "RNN, residual, relu, time_scale=T": partial(
            relu, recurrence="residual", time_scale=time_scale
        ),
        "RNN, integrator, relu": partial(relu, recurrence="integrator"),
        "RNN, simple": partial(RNNRegressor, learning_rate_init=1e-3),
        "GRU": gru,
        "LSTM": lstm,
    }


# ------------------------------------------------------------------------------ starts
def glorot():
    """Recurrent weights that start uniform with the variance of Glorot & Bengio."""
    initialise = Recurrent.initialise

    def not_orthogonal(layer, theta, rng):
        initialise(layer, theta, rng)
        weight = layer.views(theta)["weight_recurrent"]
        bound = np.sqrt(3 / layer.n_out)
        weight[...] = rng.uniform(-bound, bound, weight.shape)

    return mock.patch.object(Recurrent, "initialise", not_orthogonal)


def closed_gate():
    """Forget gates that start half open, as do all others."""

    def zero(cell, bias, vectors):
        """Leave the biases at 0."""

    return mock.patch.object(CELLS["lstm"], "initialise", zero)


def variants(n_steps):
    """Models and, for each, what is done differently."""
    made = adders(float(n_steps))
    relu = partial(RNNRegressor, learning_rate_init=1e-3, activation="relu")
    long, free = {"time_scale": float(n_steps)}, {"max_grad_norm": None}
    each = [
        ("orthogonal, clipped (default)", {}, nullcontext),
        ("Glorot-uniform", {}, glorot),
        ("not clipped", free, nullcontext),
        ("time_scale=T", long, nullcontext),
        ("time_scale=T, not clipped", long | free, nullcontext),
    ]
    return {
        "LSTM": (made["LSTM"], [*each, ("forget bias 0", {}, closed_gate)]),
        "GRU": (made["GRU"], each),
        "RNN, simple, tanh": (made["RNN, simple"], each),
        "RNN, simple, relu": (relu, each),
        "RNN, residual, relu": (partial(relu, recurrence="residual"), each),
    }


def starts(options):
    n_steps, n_epochs, n_seeds = (100, 3, 1) if options.quick else (200, 15, 3)
    table = Table(
        f"Adding problem over {n_steps} steps, {n_epochs} epochs: starts and clipping",
        *("model".ljust(20), "start or training".ljust(30), "median MSE", "worst"),
    )
    for name, (make, cases) in variants(n_steps).items():
        if not name.startswith(tuple(options.models)):
            continue
        for title, params, context in cases:
            with context():
                task = partial(add, partial(make, **params), n_steps, n_epochs)
                *errors, _ = repeated(task, n_seeds)
            table.row(name, title, *errors)
    table.end()


# ------------------------------------------------------------------------ Mackey-Glass
def free_run(make, n_lags, n_iter, seed):
    """NRMSE 84 steps ahead, from 100 places behind 3,000 training points."""
    x = make_mackey_glass(11_000, random_state=seed)
    train, test = x[:3000], x[3000:]
    model = make(
        random_state=seed, **PLAIN | FOREVER | {"alpha": 0.0, "max_iter": n_iter}
    )
    model.fit(sliding_window_view(train[:-1], n_lags + 1), train[n_lags + 1 :])
    starts = np.linspace(n_lags + 1, len(test) - 84, 100).astype(int)
    history = np.array([test[s - n_lags - 1 : s] for s in starts])
    error = model.forecast(history, 84)[:, -1] - test[starts + 83]
    return np.sqrt(np.mean(error**2) / x.var())


def mackey_glass(options):
    quick = options.quick
    table = Table(
        "Mackey-Glass, tau = 17: NRMSE 84 steps ahead",
        *("model".ljust(40), "median", "worst", "published", "time of a fit"),
    )
    n_iter = 200 if quick else 5000
    make = partial(TDNNRegressor, activation="tanh")
    task = partial(free_run, make, 19, n_iter)
    *errors, seconds = repeated(task, 1 if quick else 5)
    name = f"TDNN, 20 taps, 32 units, {n_iter} iterations"
    table.row(name, *errors, "0.0088, 0.00028", duration(seconds))
    table.end(
        "Published: Jaeger & Haas 2004; the best before them, and their echo state "
        "network of 1,000 units, from as many points."
    )


# ------------------------------------------------------------------------------- NARMA
def simulate(make, n_steps, n_iter, seed):
    """NMSE of 2,000 steps behind 3,000 training steps, from the input alone."""
    u, y = make_narma(5000, random_state=seed)
    pieces = range(0, 3000, n_steps)
    model = make(random_state=seed, washout=40, **PLAIN | {"max_iter": n_iter})
    model.fit(
        [u[k : k + n_steps] for k in pieces], [y[k : k + n_steps] for k in pieces]
    )
    y_pred = model.predict([u])[0][3000:]
    return np.mean((y_pred - y[3000:]) ** 2) / y[3000:].var()


def narma(options):
    n_iter, n_seeds = (50, 1) if options.quick else (500, 5)
    table = Table(
        "NARMA-10: NMSE (best linear filter: 0.16)",
        *("model".ljust(44), "median", "worst", "time of a fit"),
    )
    lags = {"n_input_lags": 10, "n_output_lags": 10}
    narx = partial(NARXRegressor, feedback="measured_then_predicted", **lags)
    tdnn = partial(TDNNRegressor, n_lags=40, activation="tanh")
    for name, make in (
        ("NARX, 10 lags, measured then predicted", narx),
        ("TDNN, 40 lags, tanh", tdnn),
    ):
        task = partial(simulate, make, 1000, n_iter)
        *errors, seconds = repeated(task, n_seeds)
        table.row(name, *errors, duration(seconds))
    table.end()


SECTIONS = {
    **{"adding": adding, "starts": starts},
    **{"mackey_glass": mackey_glass, "narma": narma},
}


def main():
    arguments = parser(__doc__)
    arguments.add_argument("sections", nargs="*", help=", ".join(SECTIONS))
    arguments.add_argument("--steps", type=int, nargs="+", help="of `adding`")
    arguments.add_argument(
        "--models", nargs="+", default=[""], help="of `adding`, `starts`"
    )
    options = arguments.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        arguments.error(f"unknown sections {sorted(unknown)}; there are {[*SECTIONS]}")
    header("Long memory")
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name in options.sections or SECTIONS:
        SECTIONS[name](options)


if __name__ == "__main__":
    main()
