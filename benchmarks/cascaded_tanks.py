"""Identification of real systems: free-run simulation against published results.

Records of an input and an output; models are fitted to the training part and simulate
the test part from its input and, at most, the first outputs of it (the warm-up). What
is chosen, is chosen on the training part alone: settings by cross-validation over
stretches of time, then the restart whose free run over the whole training part is best.
The test part is looked at once for each of three independent sets of restarts.

One recipe for all records: recurrent models learn from overlapping windows; in the
warm-up of a window the measured output is a further input (its mean afterwards, and a
third input tells the two apart), so that the state can begin where the system is.
"""

import os
import time
import warnings
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _common import Table, duration, header, parser, ratio
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ParameterGrid

from sk_rnn import (
    GRURegressor,
    LSTMRegressor,
    NARXRegressor,
    RNNRegressor,
    TDNNRegressor,
)

SETS, FOLDS, CV_SEEDS = 3, 4, 3

#: RMSE in volt on rows 50 to the end, the best of 250 runs of each: Champneys,
#: Beintema, Toth, Schoukens & Rogers 2024, arXiv 2405.10779.
PUBLISHED = {
    **{"linear ARX": 0.697, "TDNN": 1.43, "MLP-NARX": 2.08},
    **{"RNN": 0.555, "GRU": 0.401, "LSTM": 0.493},
}


class Record(NamedTuple):
    u: np.ndarray
    y: np.ndarray

    def part(self, first, stop):
        return Record(self.u[first:stop], self.y[first:stop])


class Problem(NamedTuple):
    """Training records, test records, and steps of warm-up."""

    train: list
    test: list
    warm_up: int


# ---------------------------------------------------------------------------- records
def read(folder, name):
    """A table of numbers below a line of names."""
    return np.loadtxt(folder / f"{name}.csv", delimiter=",", skiprows=1, ndmin=2)


def cascaded_tanks(folder):
    train, test = (
        Record(*read(folder, f"cascaded_tanks_{part}").T) for part in ("train", "test")
    )
    return Problem([train], [test], 50)


def halves(name, warm_up, folder):
    record = Record(*read(folder, name).T)
    middle = len(record.u) // 2
    return Problem([record.part(0, middle)], [record.part(middle, None)], warm_up)


def ced_prbs(folder):
    table = read(folder, "ced_prbs").T
    records = [Record(*pair) for pair in zip(table[::2], table[1::2], strict=True)]
    return Problem(records[:2], records[2:], 50)


PROBLEMS = {
    "cascaded_tanks": cascaded_tanks,
    "dryer": partial(halves, "dryer", 50),
    "gas_furnace": partial(halves, "gas_furnace", 14),
    "ced_prbs": ced_prbs,
}


# ------------------------------------------------------------------------------ models
class Plain:
    """The input alone; whole records."""

    def __init__(self, make, grid):
        self.make, self.grid = make, list(ParameterGrid(grid))

    def inputs(self, record, problem, mean):
        return record.u[:, None]

    def training(self, records, problem):
        return records

    def fit(self, settings, records, problem, seed):
        """A fitted model, which knows the mean output of what it was fitted to."""
        records = self.training(records, problem)
        mean = np.mean(np.concatenate([record.y for record in records]))
        model = self.make(washout=problem.warm_up, random_state=seed, **settings)
        X = [self.inputs(record, problem, mean) for record in records]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, [record.y for record in records])
        model.mean_ = mean
        return model

    def simulate(self, model, records, problem):
        """Squared errors of the free run behind the warm-up."""
        X = [self.inputs(record, problem, model.mean_) for record in records]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            outputs = model.predict(X)
        pairs = zip(outputs, records, strict=True)
        return np.concatenate([(p - r.y)[problem.warm_up :] ** 2 for p, r in pairs])


class WarmedUp(Plain):
    """Windows, and the measured output as a further input in their warm-up."""

    def inputs(self, record, problem, mean):
        given = np.arange(len(record.u)) < problem.warm_up
        return np.column_stack([record.u, np.where(given, record.y, mean), given])

    def training(self, records, problem):
        stride, n = problem.warm_up, 6 * problem.warm_up
        return [
            record.part(first, first + n)
            for record in records
            for first in range(0, max(len(record.u) - n, 0) + 1, stride)
        ]


def models(quick, warm_up):
    """Every model with the grid of its settings; memories in units of the warm-up."""
    iterations = 100 if quick else 1000
    gated = {
        **{"alpha": [1.0, 10.0], "time_scale": [1.0 * warm_up, 4.0 * warm_up]},
        "max_iter": [100] if quick else [100, 500],
    }
    free = {"feedback": "measured_then_predicted", "max_iter": iterations // 2}
    rnn = partial(RNNRegressor, solver="lm", max_iter=iterations // 16)
    kinds = [{"activation": ["relu"]}, {"recurrence": ["residual"]}]
    lags = [{"n_input_lags": [n], "n_output_lags": [n]} for n in (2, 4, 8)]
    return {
        "linear ARX": Plain(
            partial(NARXRegressor, hidden_layer_sizes=(), **free), lags
        ),
        "TDNN": Plain(
            partial(TDNNRegressor, activation="tanh", max_iter=iterations),
            {
                "n_lags": [warm_up, 2 * warm_up],
                **{"alpha": [1.0, 10.0], "hidden_layer_sizes": [8]},
            },
        ),
        "MLP-NARX": WindowedNARX(
            partial(NARXRegressor, hidden_layer_sizes=8, **free),
            [{**pair, "alpha": [0.1, 1.0]} for pair in lags],
        ),
        "RNN": WarmedUp(
            partial(rnn, hidden_layer_sizes=8),
            [
                {**kind, "alpha": [1.0, 10.0], "time_scale": [1.0 * warm_up]}
                for kind in kinds
            ],
        ),
        "GRU": WarmedUp(partial(GRURegressor, hidden_layer_sizes=8), gated),
        "LSTM": WarmedUp(partial(LSTMRegressor, hidden_layer_sizes=8), gated),
    }


class WindowedNARX(WarmedUp):
    """Windows of the input alone."""

    inputs = Plain.inputs


# --------------------------------------------------------------------------- selection
def folds(records):
    """Pairs (training stretches, held-out stretch) over stretches of time."""
    per_record = max(FOLDS // len(records), 1)
    for k, record in enumerate(records):
        edges = np.linspace(0, len(record.u), per_record + 1).astype(int)
        for first, stop in zip(edges, edges[1:], strict=False):
            rest = [record.part(0, first), record.part(stop, None)]
            others = [other for j, other in enumerate(records) if j != k]
            yield [r for r in rest if len(r.u)] + others, record.part(first, stop)


def cross_validate(model, settings, problem):
    """Root of the mean squared error of held-out stretches."""
    errors = []
    for seed in range(CV_SEEDS):
        for rest, held_out in folds(problem.train):
            # Stretches beside the held-out one may be shorter than a window.
            rest = [r for r in rest if len(r.u) > 2 * problem.warm_up]
            fitted = model.fit(settings, rest, problem, seed)
            errors.append(model.simulate(fitted, [held_out], problem))
    return _root_mean(errors)


def restart(model, settings, problem, seed):
    """Errors on the training part and on the test part of one fit."""
    fitted = model.fit(settings, problem.train, problem, seed)
    return [
        _root_mean([model.simulate(fitted, records, problem)])
        for records in (problem.train, problem.test)
    ]


def _root_mean(errors):
    mean = float(np.mean(np.concatenate(errors)))
    return np.sqrt(mean) if np.isfinite(mean) else np.inf


def select(model, problem, n_restarts, pool):
    """Settings by cross-validation; the test error of the best of each set of restarts.

    Returns
    -------
    settings : dict
    cv : float
    errors : list of float
        Of SETS sets of restarts, each with seeds of its own.
    n_fits : int
    """
    grid = model.grid
    scores = [1.0]
    if len(grid) > 1:
        scores = pool(delayed(cross_validate)(model, s, problem) for s in grid)
    best = int(np.argmin(scores))
    n_sets = SETS if n_restarts > 1 else 1
    found = pool(
        delayed(restart)(model, grid[best], problem, 100 * k + seed)
        for k in range(n_sets)
        for seed in range(n_restarts)
    )
    sets = np.array(found).reshape(n_sets, n_restarts, 2)
    errors = [each[np.argmin(each[:, 0]), 1] for each in sets]
    n_cv = sum(1 for _ in folds(problem.train)) * CV_SEEDS * len(grid)
    return grid[best], scores[best], errors, n_cv + len(found)


def compare(name, problem, options):
    pool = Parallel(options.jobs)
    published = name == "cascaded_tanks"
    columns = ["model".ljust(10), "test RMSE, median", "worst"]
    columns += ["published", "published / median"] if published else []
    columns += ["in CV", "fits", "time", "settings"]
    n_test = sum(len(r.u) - problem.warm_up for r in problem.test)
    table = Table(f"{name}: free run over {n_test} rows", *columns)
    begin, medians = time.perf_counter(), []
    for kind, model in models(options.quick, problem.warm_up).items():
        if options.models and kind not in options.models:
            continue
        start = time.perf_counter()
        n_restarts = 2 if options.quick else options.restarts
        settings, cv, errors, n_fits = select(model, problem, n_restarts, pool)
        median = np.median(errors)
        medians.append(median)
        cells = [kind, f"{median:.3f}", f"{max(errors):.3f}"]
        if published:
            cells += [f"{PUBLISHED[kind]:.3f}", ratio(PUBLISHED[kind], median)]
        cells += [f"{cv:.3f}", n_fits, duration(time.perf_counter() - start)]
        table.row(*cells, ", ".join(f"{k}={v}" for k, v in settings.items()))
    table.end(
        f"{duration(time.perf_counter() - begin)} in all. Of {SETS} sets of "
        f"{n_restarts} restarts, each with the best free run over the training part."
    )


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--data-dir", type=Path, required=True)
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("--restarts", type=int, default=8)
    arguments.add_argument("--models", nargs="+", choices=PUBLISHED)
    arguments.add_argument(
        "--problems", nargs="+", choices=PROBLEMS, default=["cascaded_tanks"]
    )
    options = arguments.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # of the workers: each has a core
    header("System identification")
    for name in options.problems:
        compare(name, PROBLEMS[name](options.data_dir), options)


if __name__ == "__main__":
    main()
