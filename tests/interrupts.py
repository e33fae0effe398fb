"""Ctrl-C at random moments of fits: what is left is the old model or a usable new one.

    python tests/interrupts.py --tries 3000

Each try sends this process a SIGINT at a random moment of a training, in the first
milliseconds more often than later, and looks at the model, at the number of threads of
BLAS, and at NumPy's state of errors. Passes over all data run side by side, in two
threads. `test_edges.py` runs it for some tens of tries.
"""

import argparse
import os
import signal
import time
import warnings
from copy import deepcopy
from threading import Timer

import numpy as np
from threadpoolctl import threadpool_limits

import sk_rnn
from sk_rnn.layers import Feedback, Recurrent
from sk_rnn.numerics import _threads

RNG = np.random.default_rng(0)
X, OTHER = RNG.standard_normal((2, 60, 5, 2))

COMMON = {"hidden_layer_sizes": 4, "max_iter": 6, "random_state": 0, "tol": 0}
#: What is interrupted: an estimator, its parameters, a method.
CASES = [
    ("AutoRegressor", {}, "fit"),
    ("TDNNRegressor", {"n_lags": 2, "early_stopping": True}, "fit"),
    ("RNNRegressor", {"solver": "lbfgs", "n_init": 2}, "fit"),
    (
        "GRURegressor",
        {"solver": "adam", "target_columns": 0, "standardize": "differences"},
        "fit",
    ),
    ("LSTMRegressor", {"solver": "lm", "max_iter": 3}, "fit"),
    (
        "NARXRegressor",
        {"n_input_lags": 1, "feedback": "measured_then_predicted", "solver": "lm"},
        "fit",
    ),
    ("TDNNRegressor", {"n_lags": 2, "n_init": 3, "n_ensemble": 2}, "fit"),
    ("TDNNRegressor", {"n_lags": 2, "solver": "adam"}, "partial_fit"),
    ("GRURegressor", {"solver": "adam", "dropout": 0.2}, "partial_fit"),
]


def targets(name, X):
    """Targets at every step for a NARX, whose two trainings need them."""
    y = 2 * X[:, :, 0] + np.roll(X[:, :, 1], 1, axis=1)
    return y[..., None] if name == "NARXRegressor" else y[:, -1]


def numerical_state():
    """What belongs to the thread or the process, and must be as before."""
    pools = [pool.num_threads for pool in _threads.pools().lib_controllers]
    inside = len(_threads._inside), _threads._allowed.get()
    return pools, inside, np.geterr(), np.getbufsize()


def interrupted(delay, call, *arguments):
    """Run a call; return whether Ctrl-C after so many seconds left it as an error."""
    timer = Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        call(*arguments)
        timer.cancel()
        timer.join()
        time.sleep(0)
    except KeyboardInterrupt:
        return True
    return False


def check(model, name, before, expected, was_error):
    """Look at a model whose training was interrupted."""
    after = vars(model)
    if was_error and all(after.get(key) is value for key, value in before.items()):
        assert after.keys() == before.keys()
        np.testing.assert_array_equal(model.predict(X), expected)
        return "old"
    # The signal may come behind the last line of fit, too.
    y = model.predict(OTHER)
    assert y.shape == targets(name, OTHER).shape
    assert np.isfinite(y).all()
    if name != "AutoRegressor":
        assert model.n_iter_ == len(model.loss_curve_)
        curve = model.validation_loss_curve_
        assert curve is None or len(curve) == model.n_iter_
        assert model.loss_ == model.restarts_[0]["loss"] or model.n_init > 1
    return "new"


def goes_on(model, twin, name):
    """An epoch taken back is as if it had never begun: moments, random numbers."""
    for each in (model, twin):
        each.partial_fit(OTHER, targets(name, OTHER))
    np.testing.assert_array_equal(model.predict(X), twin.predict(X))


def one_try(model, name, method, delay):
    """Interrupt once; return whether the old model or a new one is left."""
    model.fit(X, targets(name, X))
    if method == "partial_fit":
        model.partial_fit(X, targets(name, X))
    expected, twin, before = model.predict(X), deepcopy(model), vars(model).copy()
    state = numerical_state()
    call = getattr(model, method)
    was_error = interrupted(delay, call, OTHER, targets(name, OTHER))
    assert numerical_state() == state, (name, delay, numerical_state(), state)
    found = check(model, name, before, expected, was_error)
    if found == "old" and method == "partial_fit":
        goes_on(model, twin, name)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=600, help="for each case")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, params, method in CASES:
        found = {"old": 0, "new": 0}
        params = params if name == "AutoRegressor" else COMMON | params
        model = getattr(sk_rnn, name)(**params)
        model.fit(X, targets(name, X))  # what is made once, is made
        began = time.perf_counter()
        getattr(model, method)(X, targets(name, X))
        whole = time.perf_counter() - began
        for _ in range(options.tries):
            delay = whole * rng.uniform(0, 1.1) ** rng.choice([1, 4])
            found[one_try(model, name, method, delay)] += 1
        print(f"{name}.{method}: {found['old']} as before, {found['new']} new")


def pass_side_by_side():
    """Let networks run in parts that are too small to be worth it."""
    _threads.WORTH_A_PART = _threads.FEWEST_OF_A_PART = 1
    Recurrent.runs_beside = Feedback.runs_beside = lambda *arguments: True


if __name__ == "__main__":
    pass_side_by_side()
    with threadpool_limits(2, user_api="blas"):
        main()
