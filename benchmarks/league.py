"""A league of estimators at their defaults, on many small problems of several kinds.

It is there to decide defaults. Of each problem the estimators are told what the data
demands and nothing else (the axis of time, how many lags where rows have no fixed
number, channels, the column of sequences). Errors are those on the test part, behind
the training part in time, relative to the better of two linear models, AutoRegressor
and Ridge, on the same lags. "best of ours" is the one that cross-validates best on the
training part.

The problems fall into two halves by a hash of the names of their data sets: settings
are tried on "tuning", and what was decided is judged on "reported". For example

    league.py --half tuning --estimators --set networks:alpha=1 --out one.csv
    league.py --half tuning --estimators --set GRURegressor:solver=adam,batch_size=32
              --join one.csv

measure candidates alone (without --estimators the defaults run, too), and the second
reports both. Seconds are those of the processor, with one thread.
"""

import fnmatch
import time
import warnings
from ast import literal_eval
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from sys import stderr

import numpy as np
import pandas as pd
from _common import Table, duration, header, parser
from _league_data import problems
from _problems import is_tuning
from joblib import Parallel, delayed
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, TimeSeriesSplit, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import sk_rnn
from sk_rnn.model_selection import PanelTimeSeriesSplit

NETWORKS = [f"{name}Regressor" for name in ("TDNN", "NARX", "RNN", "GRU", "LSTM")]
LINEAR = ["AutoRegressor", "Ridge"]
PEERS = {
    "Ridge": Ridge,
    "MLPRegressor": MLPRegressor,
    "HistGradientBoostingRegressor": HistGradientBoostingRegressor,
}
BEST = "best of ours"
LEARNT = ["MLPRegressor", "HistGradientBoostingRegressor"]
DEFAULT = [*NETWORKS, BEST, *LEARNT, "persistence"]
HALVES = {"tuning": [True], "reported": [False], "both": [True, False]}
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
        """Predictions for the test part, those that are scored."""
        if self.estimator == "persistence":
            return problem.naive
        if self.estimator == BEST:
            return best_of_ours(problem, seed).run(problem, seed)
        model = self.model(seed)
        if self.estimator in PEERS:
            X, y, X_test = problem.flat
            return model.fit(X, y).predict(X_test)
        model.set_params(**self.demanded(problem) | self.settings)
        y = model.fit(problem.X_train, problem.y_train).predict(problem.X_test)
        return problem.scored(y)

    def demanded(self, problem):
        """What a problem demands of this estimator."""
        return problem.params["all"] | problem.params.get(self.estimator, {})

    def model(self, seed):
        """A new estimator; around those of scikit-learn X and y are standardised.

        Inside of ours they are.
        """
        kind = getattr(sk_rnn, self.estimator, None) or PEERS[self.estimator]
        model = kind(**self.settings)
        if "random_state" in model.get_params():
            model.set_params(random_state=seed)
        if hasattr(sk_rnn, self.estimator):
            return model
        pipeline = make_pipeline(StandardScaler(), model)
        return TransformedTargetRegressor(pipeline, transformer=StandardScaler())

    def can(self, problem):
        if self.estimator in ("persistence", BEST):
            return self.estimator == BEST or problem.naive is not None
        is_single = np.ndim(problem.flat[1]) == 1
        return self.estimator != "HistGradientBoostingRegressor" or is_single


def best_of_ours(problem, seed):
    """The estimator of ours whose defaults cross-validate best on the training part."""
    X, y, groups, cv = problem.X_train, problem.y_train, None, TimeSeriesSplit(3)
    if isinstance(X, list):
        cv = KFold(3)
        if len(X) < 3:  # stretches of records
            X, y = ([p for v in each for p in np.array_split(v, 4)] for each in (X, y))
    elif "sequence_column" in problem.params["all"]:
        groups, cv = (
            X[:, problem.params["all"]["sequence_column"]],
            PanelTimeSeriesSplit(3),
        )
    ours = [Contender(name) for name in ("AutoRegressor", *NETWORKS)]
    scores = []
    for contender in ours:
        model = contender.model(seed).set_params(**contender.demanded(problem))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters is what it then predicts
            found = cross_val_score(model, X, y, groups=groups, cv=cv)
        scores.append(found.mean())
    return ours[int(np.nanargmax(scores))]


def contenders(names, overrides):
    """The estimators asked for, the linear ones in any case, and the overrides."""
    found = [Contender(name) for name in [*LINEAR, *names]]
    for override in overrides:
        name, _, text = override.partition(":")
        pairs = (pair.split("=") for pair in text.split(","))
        settings = {key: _value(value) for key, value in pairs}
        for each in NETWORKS if name == "networks" else [name]:
            found.append(Contender(each, settings))
            found[-1].model(0)  # an error here, and not in every fit, if misspelt
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
        if with_torch and "n_channels" in problem.params["all"]:
            import _torch  # noqa: F401, not to be timed

            seconds = {row["contender"]: row["seconds"] for row in rows}
            for peer, ours in TORCH.items():
                if ours in seconds:
                    call = partial(torch_fit, peer, problem, seed, seconds[ours])
                    rows.append({"contender": peer, **measure(call, problem)})
    return [{"problem": name, "seed": seed, **row} for row in rows]


def measure(call, problem):
    """Error, seconds of processor time and warnings of a fit and its predictions."""
    start, failure = time.process_time(), ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            error = problem.error(call())
        except Exception as exception:  # goes into the table: the league goes on
            error, failure = np.inf, f"{type(exception).__name__}: {exception}"
    return {
        "error": error if np.isfinite(error) else np.inf,
        "seconds": time.process_time() - start,
        "warnings": len(caught),
        "message": failure or (str(caught[0].message) if caught else ""),
    }


def torch_fit(peer, problem, seed, seconds):
    """Predictions of torch's layer after as many seconds of training as ours took."""
    from _torch import fit_for

    n_channels = problem.params["all"]["n_channels"]
    X, X_test = (
        X.reshape(len(X), -1, n_channels) for X in (problem.X_train, problem.X_test)
    )
    return fit_for(seconds, peer.split()[1], X, problem.y_train, X_test, seed)


# ------------------------------------------------------------------------------- report
def relative(results):
    """Median and worst of the seeds, by problem and contender, relative to linear."""
    errors = results.groupby(["problem", "contender"])["error"].agg(["median", "max"])
    linear = errors["median"].unstack()[LINEAR].min(axis=1)
    return [errors[each].unstack().div(linear, axis=0) for each in ("median", "max")]


def report(results, kinds, title):
    """Print what each contender reached, in all and on each problem."""
    order = list(dict.fromkeys(results["contender"]))
    median, worst = (each[order] for each in relative(results))
    spread, ranks = (worst / median).median(), median.rank(axis=1).mean()
    by_kind = median.groupby(kinds).median().T
    columns = ["contender".ljust(max(map(len, order))), *SUMMARY]
    columns += ["worst seed / median", "mean rank", *by_kind]
    table = Table(f"{title}: error relative to linear", *columns)
    for name, fits in results.groupby("contender", sort=False):
        more = spread[name], ranks[name], *by_kind.loc[name]
        cells = summary(median[name].dropna(), fits)
        table.row(name, *cells, *(number(value) for value in more))
    table.end()
    report_settings(results, median, title)
    is_linear = results["contender"].isin(LINEAR)
    linear = results[is_linear].groupby("problem")["error"].min()
    table = Table(f"{title}: each problem", "problem".ljust(25), "linear", *order)
    for name, row in median.iterrows():
        table.row(name, *(number(value) for value in (linear[name], *row)))
    table.end()


def report_settings(results, median, title):
    """Print what each setting reached over all the networks that were given it."""
    estimator, _, settings = results["contender"].str.partition("(").to_numpy().T
    part = results.assign(settings=settings)[np.isin(estimator, NETWORKS)]
    order = list(dict.fromkeys(part["settings"]))
    if len(order) < 2:
        return
    columns = ["settings".ljust(max(map(len, order))), "networks", *SUMMARY]
    table = Table(f"{title}: settings, over the networks", *columns)
    for settings, fits in part.groupby("settings", sort=False):
        names = fits["contender"].unique()
        errors = median[names].stack().dropna()
        table.row(settings.strip(")") or "default", len(names), *summary(errors, fits))
    table.end()


SUMMARY = ["problems", "median", "geometric mean", "worst", "beat linear"]
SUMMARY += ["seconds", "warned"]


def summary(errors, fits):
    """Cells of errors relative to linear; seconds of one seed, fits that warned."""
    seconds = fits["seconds"].sum() / fits["seed"].nunique()
    warned = f"{(fits['warnings'] > 0).sum()} of {len(fits)}"
    numbers = errors.median(), np.exp(np.log(errors).mean()), errors.max()
    cells = [number(value) for value in numbers]
    return [
        len(errors),
        *cells,
        f"{(errors < 1).mean():.0%}",
        duration(seconds),
        warned,
    ]


def number(value):
    if np.isnan(value):
        return ""
    return f"{value:.3f}" if value < 100 else f"{value:.0e}"


# --------------------------------------------------------------------------------- main
def options():
    arguments = parser(__doc__)
    add = arguments.add_argument
    add("--half", choices=[*HALVES], default="both")
    add("--only", nargs="+", default=["*"], help="patterns of names: 'sunspots/*'")
    add("--data-dir", type=Path, help="folder of four more records; else without them")
    add("--estimators", nargs="*", choices=DEFAULT, default=DEFAULT)
    add("--set", nargs="+", default=[], help="GRURegressor:alpha=1.0,solver=adam")
    add("--seeds", type=int, default=3)
    add("--torch", action="store_true", help="also torch's layers, in the same time")
    add("--jobs", type=int, default=1)
    add("--join", type=Path, nargs="+", default=[], help="CSV files of earlier runs")
    add("--out", type=Path, help="write all results to this CSV file")
    return arguments.parse_args()


def run(names, makers, options):
    """A table with a row for each problem, contender and seed."""
    field = contenders(options.estimators, options.set)
    seeds = range(1 if options.quick else options.seeds)
    games = Parallel(options.jobs, return_as="generator")(
        delayed(play)(name, makers[name], field, seed, options.torch)
        for name in names
        for seed in seeds
    )
    parts = [pd.read_csv(file, keep_default_na=False) for file in options.join]
    for k, rows in enumerate(games, 1):
        print(f"{k}/{len(names) * len(seeds)} {rows[0]['problem']}", file=stderr)
        parts.append(pd.DataFrame(rows))
        if options.out:  # every time, for a run may be stopped
            pd.concat(parts).to_csv(options.out, index=False)
    # What several files have measured, such as the linear models, counts once.
    return pd.concat(parts).drop_duplicates(["problem", "contender", "seed"])


def main():
    chosen = options()
    header("League")
    makers, kinds = problems(chosen.data_dir)
    if chosen.data_dir is None:
        print("(Without --data-dir: dryer, gas_furnace, drives, cascaded_tanks.)\n")
    halves = HALVES[chosen.half]
    names = [
        name
        for name in makers
        if is_tuning(name) in halves
        and any(fnmatch.fnmatch(name, pattern) for pattern in chosen.only)
    ]
    results = run(names, makers, chosen)
    for message in results["message"][np.isinf(results["error"])].unique():
        print(f"(Failed: {message})\n")
    for half in halves:
        part = results[results["problem"].map(is_tuning) == half]
        if len(part):
            report(part, kinds, "tuning" if half else "reported")


if __name__ == "__main__":
    main()
