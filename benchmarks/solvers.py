"""Levenberg-Marquardt against L-BFGS: training loss in equal time, and its worth.

Small networks on the sunspot numbers (one year ahead; trained on 1700 to 1948, judged
on 1949 to 2008) and, with ``--data-dir``, on the Cascaded Tanks, as one record and as
windows (free run over the test record behind 50 steps of warm-up). "lm" runs for 40
iterations, "lbfgs" for as many as take the same time; both from the same starts.
"""

import time
import warnings
from pathlib import Path

import numpy as np
from _common import PLAIN, Table, header, parser
from cascaded_tanks import cascaded_tanks, windows
from sklearn.exceptions import ConvergenceWarning

from sk_rnn import (
    GRURegressor,
    LSTMRegressor,
    NARXRegressor,
    RNNRegressor,
    TDNNRegressor,
)
from sk_rnn.datasets import load_sunspots

FOREVER = PLAIN | {"tol": 0.0, "n_iter_no_change": 10**6}
FIRST_TEST_YEAR = 249


def timed_fit(make, settings, X, y):
    start = time.perf_counter()
    model = make(**FOREVER | settings).fit(X, y)
    return model, time.perf_counter() - start


def in_equal_time(make, settings, X, y, n_iter):
    """Models fitted by both solvers, and the seconds that each took."""
    lm, seconds = timed_fit(make, settings | {"solver": "lm", "max_iter": n_iter}, X, y)
    quick = settings | {"solver": "lbfgs", "max_iter": 30}
    per_iteration = timed_fit(make, quick, X, y)[1] / 30
    longer = quick | {"max_iter": max(int(seconds / per_iteration), 30)}
    lbfgs, same = timed_fit(make, longer, X, y)
    return (lm, lbfgs), (seconds, same)


def sunspots():
    """Yield (name, estimator, settings, X, y, error of a model on the test years)."""
    series = load_sunspots().data
    X, y, n = series[:-1, None], series[1:], FIRST_TEST_YEAR

    def error(model):
        return np.sqrt(np.mean((model.predict(X[n:]) - y[n:]) ** 2))

    common = {"hidden_layer_sizes": 4, "alpha": 1.0, "time_axis": 0}
    for name, make, settings in (
        ("TDNN", TDNNRegressor, {"n_lags": 10, "activation": "tanh"}),
        ("NARX", NARXRegressor, {"n_input_lags": 10, "n_output_lags": 0}),
        ("RNN", RNNRegressor, {}),
        ("GRU", GRURegressor, {}),
        ("LSTM", LSTMRegressor, {}),
    ):
        yield f"sunspots, {name}", make, common | settings, X[:n], y[:n], error


def tanks(folder):
    """The same for the Cascaded Tanks."""
    train, test, warm_up = cascaded_tanks(folder)
    common = {"hidden_layer_sizes": 8, "alpha": 1.0, "washout": warm_up}
    mean = np.mean(np.concatenate([y for _, y in train]))

    def with_outputs(record):
        """Input, output as long as it is measured (then its mean), and which it is."""
        u, y = record
        given = np.arange(len(u)) < warm_up
        return np.column_stack([u, np.where(given, y, mean), given])

    for form, n_steps, inputs in (
        ("record", None, lambda record: record[0][:, None]),
        ("windows", 6 * warm_up, with_outputs),
    ):
        records = windows(train, n_steps, warm_up)
        X, y = [inputs(record) for record in records], [y for _, y in records]

        def error(model, inputs=inputs):
            runs = model.predict([inputs(record) for record in test])
            pairs = zip(runs, test, strict=True)
            behind = np.concatenate([(run - y)[warm_up:] for run, (_, y) in pairs])
            return np.sqrt(np.mean(behind**2))

        for name, make, settings in (
            ("RNN", RNNRegressor, {"activation": "relu"}),
            ("GRU", GRURegressor, {}),
            ("LSTM", LSTMRegressor, {}),
        ):
            settings = common | settings | {"time_scale": 50.0}
            yield f"tanks, {form}, {name}", make, settings, X, y, error


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--data-dir", type=Path)
    options = arguments.parse_args()
    header("Levenberg-Marquardt and L-BFGS")
    warnings.simplefilter("ignore", ConvergenceWarning)
    n_seeds, n_iter = (1, 10) if options.quick else (3, 40)
    table = Table(
        f"Equal time; median of {n_seeds} starts",
        *("problem".ljust(20), "time, lm", "lbfgs", "training loss, lm", "lbfgs"),
        *("lm lower", "test RMSE, lm", "lbfgs"),
    )
    cases = [*sunspots(), *(tanks(options.data_dir) if options.data_dir else ())]
    for name, make, settings, X, y, error in cases:
        rows = []
        for seed in range(n_seeds):
            seeded = settings | {"random_state": seed}
            models, seconds = in_equal_time(make, seeded, X, y, n_iter)
            rows.append([*seconds, *(m.loss_ for m in models), *map(error, models)])
        rows = np.array(rows)
        t_lm, t_lbfgs, lm, lbfgs, e_lm, e_lbfgs = np.median(rows, axis=0)
        table.row(
            *(name, f"{t_lm:.2f} s", f"{t_lbfgs:.2f} s", f"{lm:.2e}", f"{lbfgs:.2e}"),
            f"{np.sum(rows[:, 2] < rows[:, 3])} of {n_seeds}",
            *(f"{e_lm:.3g}", f"{e_lbfgs:.3g}"),
        )
    table.end()


if __name__ == "__main__":
    main()
