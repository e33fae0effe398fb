"""Several starts of one model: what choosing one brings, early or late, and their mean.

The five networks, at their defaults, from several seeds on the problems of the league's
tuning half. Starts are then taken in groups. Of a group, one can be chosen by its
held-out loss once all of it is trained, or after a few iterations, so that only one of
them is trained to its end (successive halving); or all of them predict together. Errors
are relative to those of single starts (geometric means), seconds to those of one start.
"Spread" counts the problems where the worst of the groups is more than 1.2 times worse
than the median of them.
"""

import time
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
from _common import Table, header, parser
from _league_data import problems
from _problems import is_tuning
from joblib import Parallel, delayed
from league import NETWORKS, Contender
from threadpoolctl import threadpool_limits

#: After how many iterations one start of a group is chosen, if not at the end.
AFTER = (10, 50)


def fits(name, make, seed):
    """A fit of each network: its held-out losses, seconds, predictions, their error."""
    problem, found = make(), {}
    for network in NETWORKS:
        contender = Contender(network)
        model = contender.model(seed).set_params(**contender.demanded(problem))
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = time.process_time()
            model.fit(problem.X_train, problem.y_train)
            seconds = time.process_time() - start
            y = problem.scored(model.predict(problem.X_test))
        watched = model.validation_loss_curve_ or model.loss_curve_
        losses = np.minimum.accumulate(watched)
        found[name, network] = (losses, seconds, y, problem.error(y))
    return found


def choose(group, after):
    """Logarithm of the error, and seconds, where one of a group is chosen."""
    iterations = [int(min(after, len(losses))) for losses, *_ in group]
    reached = [f[0][k - 1] for f, k in zip(group, iterations, strict=True)]
    best = int(np.argmin(reached))
    seconds = [f[1] * k / len(f[0]) for f, k in zip(group, iterations, strict=True)]
    seconds[best] = group[best][1]
    return np.log(group[best][3]), sum(seconds)


def together(group, error):
    """The same of the mean of their predictions."""
    mean = np.mean([f[2] for f in group], axis=0)
    return np.log(error(mean)), sum(f[1] for f in group)


def ways(size, error):
    """What can be done with a group, by name."""
    found = {
        f"best of {size} after {after} iterations": lambda g, k=after: choose(g, k)
        for after in AFTER
    }
    found[f"best of {size} at the end"] = lambda g: choose(g, np.inf)
    found[f"mean of {size}"] = lambda g: together(g, error)
    return found


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--data-dir", type=Path, help="folder of more records")
    arguments.add_argument("--only", default="", help="problems whose names hold this")
    arguments.add_argument("--size", type=int, default=2, help="of a group")
    arguments.add_argument("--jobs", type=int, default=2)
    options = arguments.parse_args()
    header("Restarts")
    makers = {
        name: make
        for name, make in problems(options.data_dir)[0].items()
        if is_tuning(name) and options.only in name
    }
    n_seeds = 3 * options.size
    calls = [
        delayed(fits)(name, make, seed)
        for name, make in makers.items()
        for seed in range(n_seeds)
    ]
    starts = defaultdict(list)
    for found in Parallel(options.jobs)(calls):
        for key, fit in found.items():
            starts[key].append(fit)
    for network in NETWORKS:
        report(network, makers, starts, options.size)


def report(network, makers, starts, size):
    table = Table(network, "what".rjust(32), "error", "seconds", "spread")
    rows = defaultdict(list)
    for name, make in makers.items():
        own = starts[name, network]
        base = np.mean([np.log(f[3]) for f in own]), np.mean([f[1] for f in own])
        groups = [own[k : k + size] for k in range(0, len(own), size)]
        singles = {"one": lambda g: (np.log(g[0][3]), g[0][1])}
        for what, way in (singles | ways(size, make().error)).items():
            errors, seconds = np.transpose([way(group) for group in groups])
            spread = errors.max() - np.median(errors) > np.log(1.2)
            rows[what].append(
                (errors.mean() - base[0], seconds.mean() / base[1], spread)
            )
    for what, values in rows.items():
        error, seconds, spread = np.transpose(values)
        ratios = f"{np.exp(error.mean()):.3f}", f"{seconds.mean():.2f}"
        table.row(what, *ratios, f"{int(spread.sum())} of {len(values)}")
    table.end()


if __name__ == "__main__":
    main()
