"""Ctrl-C at random moments of fits: what is left is the old model or a usable new one.

    python tests/interrupts.py --tries 3000

Each try sends this process a SIGINT at a random moment of a fit, in the first
milliseconds more often than later, and looks at the model, at the number of threads of
BLAS, and at NumPy's state of errors. `test_edges.py` runs it for some tens of tries.
"""

import argparse
import os
import signal
import time
import warnings
from threading import Timer

import numpy as np
from threadpoolctl import threadpool_limits

import sk_rnn
from sk_rnn.numerics import _threads

RNG = np.random.default_rng(0)
X, OTHER = RNG.standard_normal((2, 60, 5, 2))

COMMON = {"hidden_layer_sizes": 4, "max_iter": 6, "random_state": 0, "tol": 0}
MODELS = {
    "AutoRegressor": {},
    "TDNNRegressor": COMMON | {"n_lags": 2, "early_stopping": True},
    "RNNRegressor": COMMON | {"solver": "lbfgs", "n_init": 2},
    "GRURegressor": COMMON
    | {"solver": "adam", "target_columns": 0}
    | {"standardize": "differences"},
    "LSTMRegressor": COMMON | {"solver": "lm", "max_iter": 3},
    "NARXRegressor": COMMON
    | {"n_input_lags": 1, "feedback": "measured_then_predicted", "solver": "lm"},
}


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
    """Look at a model whose fit was interrupted."""
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=600, help="for each model")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, params in MODELS.items():
        found = {"old": 0, "new": 0}
        model = getattr(sk_rnn, name)(**params)
        model.fit(X, targets(name, X))  # what is made once, is made
        began = time.perf_counter()
        model.fit(X, targets(name, X))
        whole = time.perf_counter() - began
        for _ in range(options.tries):
            delay = whole * rng.uniform(0, 1.1) ** rng.choice([1, 4])
            model.fit(X, targets(name, X))
            expected, before = model.predict(X), vars(model).copy()
            state = numerical_state()
            was_error = interrupted(delay, model.fit, OTHER, targets(name, OTHER))
            assert numerical_state() == state, (name, delay, numerical_state(), state)
            found[check(model, name, before, expected, was_error)] += 1
        print(f"{name}: {found['old']} as before, {found['new']} new")


if __name__ == "__main__":
    with threadpool_limits(2, user_api="blas"):
        main()
