"""Benchmarks in the form of airspeed velocity: `time_*`, `peakmem_*` and `track_*`.

For following the library from version to version. Run as a script it prints a table of
the times and the scores.
"""

import itertools
import statistics
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sk_rnn import (
    AutoRegressor,
    GRURegressor,
    LSTMRegressor,
    NARXRegressor,
    RNNRegressor,
    TDNNRegressor,
)

#: A plain minimisation, so that the times of all versions are those of the same.
PLAIN = {"alpha": 1e-4, "early_stopping": False, "random_state": 0}


def waves(n_sequences, n_steps, dtype=np.float64):
    """Noisy sines, and their next values at every step."""
    rng = np.random.default_rng(0)
    t = np.arange(n_steps + 1) + rng.uniform(0, 30, (n_sequences, 1))
    series = np.sin(0.2 * t) + 0.1 * rng.standard_normal(t.shape)
    series = series.astype(dtype)
    return series[:, :-1, None], series[:, 1:, None]


class _Estimator:
    """What is measured of an estimator: subclasses make model, X and y."""

    def setup(self, *params):
        warnings.simplefilter("ignore", ConvergenceWarning)  # iterations are given
        self.model, self.X, self.y = self.make(*params)
        self.fitted = self.make(*params)[0].fit(self.X, self.y)

    def time_fit(self, *params):
        self.model.fit(self.X, self.y)

    def peakmem_fit(self, *params):
        self.model.fit(self.X, self.y)

    def time_predict(self, *params):
        self.fitted.predict(self.X)

    def peakmem_predict(self, *params):
        self.fitted.predict(self.X)

    def track_score(self, *params):
        return self.fitted.score(self.X, self.y)


class Recurrent(_Estimator):
    params = (["rnn", "gru", "lstm"], ["adam", "lbfgs"], ["float32", "float64"])
    param_names = ("cell", "solver", "dtype")
    kinds = {"rnn": RNNRegressor, "gru": GRURegressor, "lstm": LSTMRegressor}

    def make(self, cell, solver, dtype):
        X, y = waves(200, 24, dtype)
        return self.kinds[cell](solver=solver, max_iter=5, **PLAIN), X, y


class Ragged(_Estimator):
    params = (["adam", "lbfgs"], ["ragged", "padded"])
    param_names = ("solver", "form")

    def make(self, solver, form):
        X, y = waves(100, 100)
        lengths = np.random.default_rng(0).integers(5, 101, len(X))
        if form == "ragged":
            X, y = ([a[:n] for a, n in zip(b, lengths, strict=True)] for b in (X, y))
        model = LSTMRegressor(solver=solver, batch_size=32, max_iter=3, **PLAIN)
        return model, X, y


class Delayed(_Estimator):
    params = (["tdnn", "narx", "narx, free run"], ["adam", "lbfgs"])
    param_names = ("model", "solver")

    def make(self, name, solver):
        X, y = waves(50, 100)
        same = dict(solver=solver, batch_size=2, max_iter=5, **PLAIN)
        if name == "tdnn":
            return TDNNRegressor(n_lags=10, **same), X, y
        feedback = "measured" if name == "narx" else "predicted"
        lags = dict(n_input_lags=5, n_output_lags=5)
        return NARXRegressor(feedback=feedback, **lags, **same), X, y


class Linear(_Estimator):
    params = ([10_000, 100_000], [10, 50])
    param_names = ("rows", "lags")

    def make(self, n_rows, n_lags):
        X, y = waves(1, n_rows)
        return AutoRegressor(n_lags=n_lags, time_axis=0), X[0], y[0, :, 0]


class OneRow:
    """Predictions for a single sequence: what a service would wait for."""

    params = ["ar", "tdnn", "rnn", "gru", "lstm"]
    param_names = ("model",)
    kinds = Recurrent.kinds | {"ar": AutoRegressor, "tdnn": TDNNRegressor}

    def setup(self, name):
        warnings.simplefilter("ignore", ConvergenceWarning)
        X, y = waves(100, 24)
        model = self.kinds[name]()
        if name != "ar":
            model.set_params(solver="lbfgs", max_iter=3, **PLAIN)
        self.model, self.row = model.fit(X[..., 0], y[:, -1, 0]), X[:1, :, 0]

    def time_predict(self, name):
        self.model.predict(self.row)


def main():
    from _common import Table, duration, header, parser

    options = parser(__doc__).parse_args()
    header("Suite")
    table = Table("Times and scores", "benchmark".ljust(44), "result")
    for kind in (Recurrent, Ragged, Delayed, Linear, OneRow):
        several = isinstance(kind.params, tuple)
        for params in itertools.product(*(kind.params if several else [kind.params])):
            case = kind()
            case.setup(*params)
            for name in dir(case):
                method, title = getattr(case, name), f"{kind.__name__}.{name}{params}"
                if name.startswith("time_"):
                    times = []
                    for _ in range(2 if options.quick else 7):
                        start = time.perf_counter()
                        method(*params)
                        times.append(time.perf_counter() - start)
                    table.row(title, duration(statistics.median(times)))
                elif name.startswith("track_"):
                    table.row(title, f"{method(*params):.4f}")
    table.end()


if __name__ == "__main__":
    main()
