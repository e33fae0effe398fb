"""What the benchmark scripts share: timing, peak memory, tables."""

import argparse
import datetime
import importlib
import math
import os
import platform
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

#: Seconds of calls that are not timed, before those that are: the second processor of a
#: virtual machine, once asleep, takes some milliseconds to come back.
WARM_UP = 0.03

#: A call that takes less is repeated until this time is full, and the mean is taken.
SHORTEST = 5e-3

#: What is measured: time, unless a script sets processor time.
CLOCK = {"seconds": time.perf_counter}

#: Seconds between the turns: threads of BLAS and OpenMP keep spinning when their work
#: is done, and made the first call of the next contender up to twice as slow.
PAUSE = 0.05

#: A first call after the pause that takes less is not timed.
SHORT = 0.1

#: No further round begins when all so far took this many seconds.
LONGEST = 20.0

#: A plain minimisation, in place of the defaults of the networks: one solver, one
#: penalty, all data, and no more iterations than these.
PLAIN = {"solver": "lbfgs", "alpha": 1e-4, "early_stopping": False, "max_iter": 200}

LIBRARIES = (
    *("numpy", "scipy", "scikit-learn", "torch", "skorch", "keras", "tensorflow"),
    *("statsmodels", "fastcan", "sysidentpy", "onnxruntime", "jax", "llvmlite"),
    *("sktime", "vega_datasets", "arch", "reservoirpy", "joblib", "distributed", "ray"),
)


def parser(doc):
    """A command line that begins with the first line of a docstring."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer cases and repeats")
    return parser


def peer(name, optional=False):
    """Import a library to compare with; where it is missing, say how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        message = (
            f"{name} is not installed"
            if optional
            else f"This comparison needs {name}: pip install 'sk_rnn[benchmarks]'"
        )
        if not optional:
            sys.exit(message)
        print(f"({message}: left out)\n")
        return None


# -------------------------------------------------------------------------- timing
def interleave(calls, repeats, before=None):
    """Median seconds of several calls, taken in turns, so that drift hits them alike.

    Parameters
    ----------
    calls : dict of str to callable
    repeats : int
        Rounds, fewer where they are long; every other one goes backwards.
    before : dict of str to callable, default=None
        What to call, untimed, before the turn of some of them.

    Returns
    -------
    dict of str to float
    """
    before, times = before or {}, {name: [] for name in calls}
    loops, warm = {}, {}
    order = list(calls)
    for name in order:
        before.get(name, _nothing)()
        seconds = _clock(calls[name], 1)
        if seconds < SHORT:  # else the first call, which may prepare things, will do
            seconds = _clock(calls[name], 1)
        loops[name] = max(1, math.ceil(SHORTEST / seconds))
        warm[name] = math.ceil(WARM_UP / seconds) if seconds < SHORT else 0
    end = time.perf_counter() + LONGEST
    for k in range(repeats):
        if k and time.perf_counter() > end:
            break
        for name in order:
            time.sleep(PAUSE)
            before.get(name, _nothing)()
            for _ in range(warm[name]):
                calls[name]()
            times[name].append(_clock(calls[name], loops[name]))
        order.reverse()
    return {name: statistics.median(values) for name, values in times.items()}


def _clock(call, loops):
    clock = CLOCK["seconds"]
    start = clock()
    for _ in range(loops):
        call()
    return (clock() - start) / loops


def _nothing():
    pass


# -------------------------------------------------------------------------- memory
def peak_memory(prepare, *args):
    """Bytes that a call adds to the resident memory of a new process, at the peak.

    Parameters
    ----------
    prepare : callable
        ``prepare(*args)`` returns the call; what it imports and makes is not counted.
        A function of a module, so that the new process finds it.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_added, prepare, args).result()


def _added(prepare, args):
    call = prepare(*args)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the peak so far
    before = _peak()
    call()
    return max(_peak() - before, 0)


def _peak():
    """Peak of this process: that of its memory map, not inherited from the parent."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(1024 * int(x.split()[1]) for x in lines if x.startswith("VmHWM"))


# -------------------------------------------------------------------------- output
def header(title):
    """Print date, machine, versions and numbers of threads."""
    print(f"# {title}\n")
    print(f"{datetime.date.today()}, {_processor()}, {os.cpu_count()} CPUs", end="")
    # Two threads of torch that have to share a processor wait for each other: where
    # anything else runs, they can be a hundred times slower.
    print(
        f", load before {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    )
    import sk_rnn  # perhaps not installed, but found

    installed = [f"Python {platform.python_version()}", f"sk_rnn {sk_rnn.__version__}"]
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            installed.append(f"{name} {metadata.version(name)}")
    print(", ".join(installed))
    threads = [
        f"{library['internal_api']} {library['num_threads']} ({library['prefix']})"
        for library in threadpool_info()
    ]
    if "torch" in sys.modules:
        threads.append(f"torch {sys.modules['torch'].get_num_threads()}")
    print("Threads: " + ", ".join(threads) + "\n")


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


class Table:
    """A Markdown table, printed row by row."""

    def __init__(self, title, *columns):
        self.widths = [max(len(column), 8) for column in columns]
        print(f"## {title}\n")
        self.row(*columns)
        print("|" + "|".join("-" * (width + 2) for width in self.widths) + "|")

    def row(self, *cells):
        cells = [str(c).rjust(w) for c, w in zip(cells, self.widths, strict=True)]
        print("| " + " | ".join(cells) + " |", flush=True)

    def end(self, *notes):
        print()
        for note in notes:
            print(note + "\n")


def duration(seconds):
    """Three digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            return f"{_three(seconds / size)} {unit}"


def size(n_bytes):
    """Three digits, in MB."""
    return f"{_three(n_bytes / 1e6)} MB"


def ratio(peer, ours):
    """How many times faster, or smaller, ours is."""
    return _three(peer / ours)


def _three(value):
    return f"{value:.{max(0, 2 - int(math.log10(max(value, 1))))}f}"


def slope(x, y):
    """Exponent b of the law y = a x^b that fits best."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
