"""A league of estimators at their defaults, on many small problems of several kinds.

It is there to decide defaults. Of each problem the estimators are told what the data
demands and nothing else (the axis of time, how many lags where rows have no fixed
number, channels, the column of sequences). Errors are those on the test part, behind
the training part in time, relative to the better of two linear models, AutoRegressor
and Ridge, on the same lags.

The problems fall into two halves by a hash of the names of their data sets: settings
are tried on "tuning", and what was decided is judged on "reported". For example

    league.py --half tuning --estimators --set networks:alpha=1 GRURegressor:max_iter=500

measures two candidates alone; without --estimators the defaults stand beside them.
"""

import fnmatch
import time
import warnings
from ast import literal_eval
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _common import Table, duration, header, parser
from _league_data import problems
from _problems import is_tuning
from joblib import Parallel, delayed
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import sk_rnn

NETWORKS = [f"{name}Regressor" for name in ("TDNN", "NARX", "RNN", "GRU", "LSTM")]
LINEAR = ["AutoRegressor", "Ridge"]
PEERS = ["MLPRegressor", "HistGradientBoostingRegressor", "persistence"]
TORCH = {"torch GRU": "GRURegressor", "torch LSTM": "LSTMRegressor"}


# --------------------------------------------------------------------------- contenders
@dataclass
class Contender:
    """An estimator by name, and what is not default."""

    estimator: str
    settings: dict = field(default_factory=dict)

    @property
    def name(self):
        settings = ", ".join(f"{k}={v}" for k, v in self.settings.items())
        return f"{self.estimator}({settings})" if settings else self.estimator

    def run(self, problem, seed):
        """Predictions for the test part."""
        if self.estimator == "persistence":
            return problem.naive
        if self.estimator not in [*NETWORKS, "AutoRegressor"]:
            X, y, X_test = problem.flat
            return self._peer(seed).fit(X, y).predict(X_test)
        params = problem.params["all"] | problem.params.get(self.estimator, {})
        model = getattr(sk_rnn, self.estimator)(**params | self.settings)
        if self.estimator in NETWORKS:
            model.set_params(random_state=seed)
        y = model.fit(problem.X_train, problem.y_train).predict(problem.X_test)
        return problem.scored(y)

    def _peer(self, seed):
        """A model of scikit-learn, with X and y standardised, as ours do inside."""
        kinds = {
            "Ridge": Ridge,
            "MLPRegressor": partial(MLPRegressor, random_state=seed),
            "HistGradientBoostingRegressor": partial(
                HistGradientBoostingRegressor, random_state=seed
            ),
        }
        model = make_pipeline(StandardScaler(), kinds[self.estimator](**self.settings))
        return TransformedTargetRegressor(model, transformer=StandardScaler())

    def can(self, problem):
        if self.estimator == "persistence":
            return problem.naive is not None
        is_single = np.ndim(problem.flat[1]) == 1
        return self.estimator != "HistGradientBoostingRegressor" or is_single


def contenders(names, overrides):
    """The estimators asked for, the linear ones in any case, and the overrides."""
    found = [Contender(name) for name in [*LINEAR, *NETWORKS, *PEERS]]
    found = [c for c in found if c.estimator in LINEAR or c.estimator in names]
    for override in overrides:
        name, _, text = override.partition(":")
        pairs = (pair.split("=") for pair in text.split(","))
        settings = {key: _value(value) for key, value in pairs}
        for each in NETWORKS if name == "networks" else [name]:
            found.append(Contender(each, settings))
    return found


def _value(text):
    with suppress(ValueError, SyntaxError):
        return literal_eval(text)
    return text


# ---------------------------------------------------------------------------------- run
def play(name, make, contenders, seed, with_torch):
    """Rows of the results of all contenders on one problem with one seed."""
    problem, rows = make(), []
    with threadpool_limits(1):
        for contender in contenders:
            if contender.can(problem):
                call = partial(contender.run, problem, seed)
                rows.append({"contender": contender.name, **measure(call, problem)})
        if with_torch and isinstance(problem.X_train, np.ndarray):
            seconds = {row["contender"]: row["seconds"] for row in rows}
            for peer, ours in TORCH.items():
                call = partial(torch_fit, peer, problem, seed, seconds[ours])
                rows.append({"contender": peer, **measure(call, problem)})
    return [{"problem": name, "seed": seed, **row} for row in rows]


def measure(call, problem):
    """Error, seconds and warnings of a fit and its predictions."""
    start, failure = time.perf_counter(), ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            error = problem.error(call())
        except Exception as exception:  # goes into the table: the league goes on
            error, failure = np.inf, f"{type(exception).__name__}: {exception}"
    return {
        "error": error if np.isfinite(error) else np.inf,
        "seconds": time.perf_counter() - start,
        "warnings": len(caught),
        "message": failure or (str(caught[0].message) if caught else ""),
    }


def torch_fit(peer, problem, seed, seconds):
    """What torch's layer reaches in the same time, written as its users write it."""
    from _torch import fit_for

    if "time_axis" in problem.params["all"]:
        X, y, X_test = problem.flat
    return fit_for(peer.split()[1], X, y, X_test, seed, seconds)


# ------------------------------------------------------------------------------- report
def relative(results):
    """Medians and worst of the seeds by problem and contender, relative to linear."""
    errors = results.groupby(["problem", "contender"])["error"].agg(["median", "max"])
    linear = errors["median"].unstack()[LINEAR].min(axis=1)
    median = errors["median"].unstack().div(linear, axis=0)
    return median, errors["max"].unstack().div(linear, axis=0)


def report(results, kinds, title, order):
    order = [name for name in order if name in set(results["contender"])]
    median, worst = (each[order] for each in relative(results))
    spread = (worst / median).median()
    ranks = median.rank(axis=1).mean()
    by_kind = median.groupby(kinds).median().T
    sums = results.groupby("contender")
    seconds = sums["seconds"].sum() / results["seed"].nunique()
    warned = sums["warnings"].apply(lambda n: (n > 0).sum())
    columns = ["contender".ljust(max(map(len, order))), "problems", "median", "worst"]
    columns += ["worst seed / median", "mean rank", "beat linear", "seconds", "warned"]
    table = Table(f"{title}: error relative to linear", *columns, *by_kind)
    for name in order:
        found = median[name].dropna()
        table.row(
            *(name, len(found), f"{found.median():.3f}", number(found.max())),
            *(number(spread[name]), f"{ranks[name]:.1f}", f"{(found < 1).mean():.0%}"),
            *(duration(seconds[name]), f"{warned[name]} of {sums.size()[name]}"),
            *(number(value) for value in by_kind.loc[name]),
        )
    table.end()
    linear = results[results["contender"].isin(LINEAR)].groupby("problem")["error"].min()
    table = Table(f"{title}: each problem", "problem".ljust(25), "linear", *order)
    for name, row in median.iterrows():
        table.row(name, f"{linear[name]:.3f}", *(number(value) for value in row))
    table.end()


def number(value):
    if not np.isfinite(value):
        return "" if np.isnan(value) else "inf"
    return f"{value:.2f}" if value < 100 else f"{value:.0e}"


def main():
    arguments = parser(__doc__)
    add = arguments.add_argument
    add("--half", choices=["tuning", "reported", "both"], default="both")
    add("--only", nargs="+", default=["*"], help="patterns of names: 'sunspots/*'")
    add("--data-dir", type=Path, help="folder of four more records; else without them")
    add("--estimators", nargs="*", default=[*NETWORKS, *PEERS])
    add("--set", nargs="+", default=[], help="GRURegressor:alpha=1.0,solver=adam")
    add("--seeds", type=int, default=3)
    add("--torch", action="store_true", help="also torch's layers, in the same time")
    add("--jobs", type=int, default=1)
    add("--out", type=Path, help="write all results to this CSV file")
    options = arguments.parse_args()
    header("League")
    makers, kinds = problems(options.data_dir)
    if options.data_dir is None:
        print("(Without --data-dir: dryer, gas_furnace, drives, cascaded_tanks.)\n")
    halves = {"tuning": [True], "reported": [False], "both": [True, False]}
    names = [
        name
        for name in makers
        if is_tuning(name) in halves[options.half]
        and any(fnmatch.fnmatch(name, pattern) for pattern in options.only)
    ]
    field = contenders(options.estimators, options.set)
    seeds = range(1 if options.quick else options.seeds)
    found = Parallel(options.jobs)(
        delayed(play)(name, makers[name], field, seed, options.torch)
        for name in names
        for seed in seeds
    )
    results = pd.DataFrame([row for rows in found for row in rows])
    if options.out:
        results.to_csv(options.out, index=False)
    order = [*(contender.name for contender in field), *TORCH]
    for tuning in halves[options.half]:
        part = results[results["problem"].map(is_tuning) == tuning]
        if len(part):
            title = "tuning" if tuning else "reported"
            report(part, kinds, title, order)


if __name__ == "__main__":
    main()
