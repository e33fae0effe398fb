"""What each change of the defaults, and each of the newer parameters, is worth.

Before and after, point by point, with nothing else changed, on public data (sunspots,
the Santa Fe laser, airline passengers, and with ``--data-dir`` coupled electric drives)
and one long record that is exactly defined (NARMA). Errors are those behind the
training part, in standard deviations of what is predicted. "Before" is what the
defaults were, but that the parameters of the best iteration are kept, where the last
ones used to be.
"""

import warnings
from pathlib import Path

import numpy as np
from _common import PLAIN, Table, header, parser
from _league_data import given, laser, sktime, sunspots
from _problems import records, system, table, windows

import sk_rnn
from sk_rnn.datasets import make_narma

OLD = {**PLAIN, "n_iter_no_change": 10}
WARM_UP = 50
OLD_RECURRENT = {**OLD, "bptt_steps": None}
ADAM = {**OLD_RECURRENT, "solver": "adam"}
CONSTANT = {**ADAM, "learning_rate": "constant", "batch_size": 200}


# ----------------------------------------------------------------------------- problems
def long_record():
    """NARMA of order 10, 20,000 steps to learn from."""
    u, y = make_narma(24_000, random_state=0)
    return system(u, y, 10, 4000)


def drives(folder):
    """Two records of the coupled electric drives to learn from, one to simulate."""
    columns = given(folder, "ced_prbs")
    pairs = [(u[:, None], y) for u, y in zip(columns[::2], columns[1::2], strict=True)]
    return records(pairs[:2], pairs[2:], WARM_UP + 1)


def points(folder):
    """Title, problem, and for each row an estimator with two settings of it."""
    lasers, tables = windows(laser(1000), 10, 400), table(sunspots(), 11, 60)
    spots = windows(sunspots(), 11, 60)
    planes = windows(sktime("Airline").iloc[:, -1], 12, 36)
    gru = "GRURegressor"
    yield "1. how Adam ends", lasers, [(gru, CONSTANT, {"solver": "adam"})]
    falls = {"solver": "adam", "learning_rate": "constant"}, {"solver": "adam"}
    yield "2. a rate that falls", lasers, [(gru, *falls)]
    yield "3. L-BFGS that may finish", lasers, [(gru, OLD_RECURRENT, {})]
    recurrent = [(f"{k}Regressor", OLD_RECURRENT, {}) for k in ("RNN", "GRU", "LSTM")]
    yield "4. penalty, held-out data", spots, [("TDNNRegressor", OLD, {}), *recurrent]
    mean = {"n_init": 3, "n_ensemble": 3}
    yield "5. a mean of three", spots, [(gru, {}, mean), ("LSTMRegressor", {}, mean)]
    if folder is not None:
        start = {"washout": WARM_UP, "hidden_layer_sizes": 8, "alpha": 1.0}
        estimated = {**start, "initial_state": "estimated"}
        yield "6. an estimated start", drives(folder), [(gru, start, estimated)]
    levels = {"standardize": True}, {}
    pairs = [(gru, *levels), ("TDNNRegressor", *levels)]
    yield "7. levels (windows)", planes, pairs
    yield "7. a linear path (table)", tables, [(gru, {}, {"skip": "linear"})]
    batches = {"solver": "adam", "batch_size": 200}, {"solver": "adam"}
    yield "8. batches", lasers, [(gru, *batches)]
    limit = {"max_time": 20}
    whole = {**limit, "bptt_steps": None, "solver": "lbfgs"}
    yield "8. one long record, 20 s", long_record(), [(gru, whole, limit)]


# ---------------------------------------------------------------------------------- run
def errors(problem, name, settings, seeds):
    """Test errors of some seeds, and how many of the fits warned."""
    found, warned = [], 0
    for seed in seeds:
        model = getattr(sk_rnn, name)(random_state=seed)
        model.set_params(**problem.params["all"] | problem.params.get(name, {}))
        model.set_params(**settings)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(problem.X_train, problem.y_train)
        warned += bool(caught)
        known = {}
        if settings.get("initial_state") == "estimated":
            known = {"y_start": [y[:WARM_UP] for y in problem.y_test]}
        y_pred = model.predict(problem.X_test, **known)
        found.append(problem.error(problem.scored(y_pred)))
    return found, warned


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--data-dir", type=Path)
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--points", nargs="+", default=[*"12345678"])
    options = arguments.parse_args()
    seeds = range(1 if options.quick else options.seeds)
    header("Defaults")
    columns = [
        "point".ljust(26),
        "model".ljust(14),
        "before, median",
        "worst",
        "warned",
    ]
    report = Table("before and after", *columns, "after, median", "worst", "warned")
    for title, problem, rows in points(options.data_dir):
        if title[0] not in options.points:
            continue
        for name, *both in rows:
            cells = []
            for settings in both:
                found, warned = errors(problem, name, settings, seeds)
                cells += [f"{np.median(found):.3f}", f"{max(found):.3f}"]
                cells += [f"{warned} of {len(found)}"]
            report.row(title, name, *cells)
    report.end()


if __name__ == "__main__":
    main()
