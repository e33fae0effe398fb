"""When a cluster pays: grid searches in one process, with loky, on Dask and on ray."""

import os
import time
import warnings
from contextlib import ExitStack, contextmanager

import joblib
import numpy as np
from _common import PLAIN, Table, duration, header, interleave, parser, peer, ratio
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sk_rnn import GRURegressor

#: Processes, of each kind of cluster.
N_WORKERS = 2

#: Windows and iterations of a fit: some 0.05 s, 0.5 s and 2 s on one processor.
SIZES = {"small": (100, 10), "medium": (1000, 15), "large": (2500, 30)}


def search(n_windows, max_iter, backend):
    """Eight fits of a GRU of 16 units to windows of 24 steps."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_windows, 24))
    y = np.tanh(X.sum(axis=1))
    params = PLAIN | {"max_iter": max_iter, "tol": 0, "random_state": 0}
    model = GRURegressor(hidden_layer_sizes=16, **params)
    grid = {"alpha": [1e-4, 1e-3, 1e-2, 1e-1]}
    n_jobs = None if backend == "sequential" else N_WORKERS

    def call():
        with joblib.parallel_config(backend), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = GridSearchCV(model, grid, cv=2, refit=False, n_jobs=n_jobs)
            return found.fit(X, y).cv_results_["mean_test_score"]

    return call


@contextmanager
def dask():
    """A local cluster of Dask."""
    distributed = peer("distributed")
    options = {"n_workers": N_WORKERS, "threads_per_worker": 1}
    with (
        distributed.LocalCluster(**options, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        yield


@contextmanager
def ray():
    """A local cluster of ray."""
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # no key in the home folder
    library = peer("ray")
    library.init(num_cpus=N_WORKERS, include_dashboard=False, log_to_driver=False)
    from ray.util.joblib import register_ray

    register_ray()
    try:
        yield
    finally:
        library.shutdown()


def start(stack, clusters):
    """Start clusters, and print how long this and a first search take."""
    table = Table("Start", "backend".ljust(12), "cluster", "first search, small")
    for name, cluster in {"loky": None, **clusters}.items():
        begin = time.perf_counter()
        if cluster is not None:
            stack.enter_context(cluster())
        ready = time.perf_counter()
        search(*SIZES["small"], name)()
        first = time.perf_counter() - ready
        started = "-" if cluster is None else duration(ready - begin)
        table.row(name.ljust(12), started, duration(first))
    table.end()


def compare(backends, sizes, repeats):
    names = [name.ljust(12) for name in backends]
    table = Table("Eight fits", "fits".ljust(8), "serial", *names)
    for size in sizes:
        calls = {name: search(*SIZES[size], name) for name in ["sequential", *backends]}
        scores = [call() for call in calls.values()]
        assert all(np.array_equal(scores[0], other) for other in scores)
        times = interleave(calls, repeats)
        serial = times.pop("sequential")
        cells = [f"{duration(t)}, {ratio(serial, t)}" for t in times.values()]
        table.row(size.ljust(8), duration(serial), *cells)
    table.end("Behind each time: serial / it. More than 1 means that it pays.")


def main():
    options = parser(__doc__)
    options.add_argument("--ray", action="store_true", help="with ray, if installed")
    args = options.parse_args()
    header("Clusters on one machine")
    clusters = {"dask": dask, **({"ray": ray} if args.ray else {})}
    sizes = list(SIZES)[:2] if args.quick else SIZES
    with ExitStack() as stack:
        start(stack, clusters)
        compare(["loky", *clusters], sizes, repeats=2 if args.quick else 5)


if __name__ == "__main__":
    main()
