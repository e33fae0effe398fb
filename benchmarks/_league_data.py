"""The problems of the league, by kind. Nothing is downloaded.

Data comes with sk_rnn and with the wheels of statsmodels, sktime, vega_datasets, arch
and reservoirpy (all in the extra `benchmarks`), from the folder of `--data-dir`, or is
exactly defined. Long series are cut: a fit of any estimator takes seconds. The data of
a problem is the same for every seed. (The hours of Seattle are means over thirty years,
and as smooth as that.)
"""

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from sys import exit

import numpy as np
import pandas as pd
from _problems import panel, records, rows, system, table, windows
from scipy.signal import lfilter

from sk_rnn.datasets import (
    load_sunspots,
    make_adding_problem,
    make_copy_memory,
    make_lorenz,
    make_mackey_glass,
    make_narma,
)


# ------------------------------------------------------------------------------ reading
def path(package, *parts):
    """A file inside of an installed package, which is not imported."""
    spec = find_spec(package)
    if spec is None:
        exit(f"The league needs {package}: pip install 'sk_rnn[benchmarks]'")
    return Path(spec.submodule_search_locations[0], *parts)


def statsmodels(name, file=None):
    return pd.read_csv(path("statsmodels", "datasets", name, f"{file or name}.csv"))


def sktime(name):
    return pd.read_csv(path("sktime", "datasets", "data", name, f"{name}.csv"))


def vega(name):
    return pd.read_csv(path("vega_datasets", "_data", f"{name}.csv"))


def ts(name, part):
    """Sequences of a file in sktime's format, each (n_steps, n_channels)."""
    file = path("sktime", "datasets", "data", name, f"{name}_{part}.ts")
    for line in file.read_text().splitlines():
        if line and line[0] not in "#@":
            channels = line.split(":")[:-1]  # the last is the class
            yield np.array([c.split(",") for c in channels], float).T


def given(folder, name):
    """Columns of a file of `--data-dir`."""
    return np.loadtxt(folder / f"{name}.csv", delimiter=",", skiprows=1).T


# ------------------------------------------------------------------------------- series
def sunspots():
    return load_sunspots().data


def elnino():
    """Monthly temperatures of the sea, 1950 to 2010."""
    return statsmodels("elnino").iloc[:, 1:].to_numpy().ravel()


def co2():
    """Monthly means of the weekly record, gaps interpolated."""
    weeks = statsmodels("co2")
    month = weeks["date"].astype(str).str[:6]
    return weeks["co2"].interpolate().groupby(month).mean().to_numpy()


def laser(n):
    return np.load(path("reservoirpy", "datasets", "santafe_laser.npy"))[:n, 0]


def mackey_glass(n):
    return make_mackey_glass(n, random_state=0)


def vix(n):
    days = pd.read_csv(path("arch", "data", "vix", "vix.csv.gz"), na_values=".")
    return days["vix"].dropna().to_numpy()[:n]


def lorenz(n):
    return make_lorenz(n, dt=0.05, random_state=0)


WINDOWS = {
    "sunspots/windows": lambda: windows(sunspots(), 11, 60),
    "airline/windows": lambda: windows(
        sktime("Airline").iloc[:, -1], 12, 36, season=12
    ),
    "co2/windows": lambda: windows(co2(), 12, 120, season=12),
    "nile/windows": lambda: windows(statsmodels("nile")["volume"], 5, 30),
    "elec_equip/windows": lambda: windows(
        statsmodels("elec_equip").iloc[:, 1], 12, 60, season=12
    ),
    "elnino/windows": lambda: windows(elnino(), 12, 120, season=12),
    "lynx/windows": lambda: windows(np.log10(sktime("Lynx").iloc[:, -1]), 10, 34),
    "prescriptions/windows": lambda: windows(sktime("PBS_dataset").iloc[:, -1], 12, 48),
    "seatbelts/windows": lambda: windows(sktime("seatbelts")["KSI"], 12, 48, season=12),
    "laser/windows": lambda: windows(laser(1000), 10, 400),
    "mackey_glass/windows": lambda: windows(mackey_glass(1000), 20, 400, horizon=6),
    "ecg/windows": lambda: windows(sktime("mitdb")["data"][:1000], 20, 400),
    "seattle_hours/windows": lambda: windows(
        vega("seattle-temps")["temp"][:1000], 24, 400, horizon=(1, 6, 24), season=24
    ),
    "solar/windows": lambda: windows(sktime("solar").iloc[:, -1], 24, 96),
    "vix/windows": lambda: windows(vix(900), 5, 300),
    "italy_power/windows": lambda: italy_power(),
}


def italy_power():
    """The demand of the evening hours after the first twelve hours of a day."""
    days = [
        np.array(list(ts("ItalyPowerDemand", p)))[..., 0] for p in ("TRAIN", "TEST")
    ]
    (X, y), (X_test, y_test) = ((d[:, :12], d[:, 18:21]) for d in days)
    return rows(X, y, X_test, y_test, naive=np.repeat(X_test[:, -1:], 3, axis=1))


TABLES = {
    "sunspots/table": lambda: table(sunspots(), 11, 60),
    "elnino/table": lambda: table(elnino()[-480:], 12, 120, season=12),
    "laser/table": lambda: table(laser(700), 10, 300),
    "mackey_glass/table": lambda: table(mackey_glass(700), 20, 300, horizon=6),
    "lorenz/table": lambda: table(lorenz(700)[:, 0], 10, 300, horizon=4),
    "vix/table": lambda: table(vix(700), 5, 300),
    "nile/table": lambda: table(statsmodels("nile")["volume"], 5, 30),
    "solar/table": lambda: table(sktime("solar").iloc[:, -1], 24, 96),
}


# ----------------------------------------------------------------- multivariate, panels
def macrodata():
    """Unemployment of the next quarter from itself, growth, inflation and interest."""
    data = statsmodels("macrodata")
    growth = 100 * np.diff(np.log(data[["realgdp", "realcons", "realinv"]]), axis=0)
    return table(
        np.column_stack([data[["unemp", "infl", "tbilrate"]][1:], growth]), 4, 50
    )


def seattle_days():
    """The highest temperature of tomorrow from the weather of today."""
    columns = ["temp_max", "temp_min", "precipitation", "wind"]
    return table(vega("seattle-weather")[columns][:800], 7, 300)


MULTIVARIATE = {
    "macrodata/table": macrodata,
    "german_rates/table": lambda: table(
        statsmodels("interest_inflation", "E6")[["Dp", "R"]], 4, 27
    ),
    "danish_money/table": lambda: table(
        statsmodels("danish_data", "data")[["lrm", "lry", "lpy", "ibo", "ide"]], 2, 15
    ),
    "us_change/table": lambda: table(sktime("Uschange").iloc[:, 2:], 4, 47),
    "seattle_days/table": seattle_days,
    "lorenz3/table": lambda: table(
        make_lorenz(700, random_state=1), 5, 300, horizon=10
    ),
}


def grunfeld():
    """Investment of eleven firms in the next year."""
    firms = statsmodels("grunfeld").groupby("firm", sort=False)
    return [firm[["invest", "value", "capital"]] for _, firm in firms]


def employment():
    """Monthly growth of employment, by sector."""
    sectors = ["mining_and_logging", "construction", "manufacturing", "wholesale_trade"]
    sectors += ["retail_trade", "utilities", "information", "government"]
    return 100 * np.diff(np.log(vega("us-employment")[sectors]), axis=0).T


def stocks():
    """Monthly returns."""
    prices = vega("stocks").groupby("symbol")["price"]
    return [100 * np.diff(np.log(price)) for _, price in prices]


def thresholds():
    """Twenty series of a threshold autoregression of order 2."""
    rng = np.random.RandomState(0)
    x, noise = np.zeros((20, 70)), 0.3 * rng.standard_normal((20, 70))
    for t in range(2, 70):
        low = 0.5 + 0.9 * x[:, t - 1]
        high = -0.5 + 0.5 * x[:, t - 1] - 0.8 * x[:, t - 2]
        x[:, t] = np.where(x[:, t - 2] <= 0, low, high) + noise[:, t]
    return x[:, 10:]


def vowels():
    """The first of twelve coefficients of speech one frame ahead, in new utterances."""
    parts = [list(ts("JapaneseVowels", part)) for part in ("TRAIN", "TEST")]
    train, test = ([(x[:-1], x[1:, 0]) for x in part[::3]] for part in parts)
    naive = np.concatenate([x[2:, 0] for x, _ in test])
    return records(train, test, 3, naive)


PANELS = {
    "grunfeld/panel": lambda: panel(grunfeld(), 2, 5),
    "employment/panel": lambda: panel(employment(), 12, 36),
    "stocks/panel": lambda: panel(stocks(), 3, 24),
    "thresholds/panel": lambda: panel(thresholds(), 2, 20),
    "vowels/records": vowels,
}


# ---------------------------------------------------------- identification, long memory
def narendra():
    """y_t+1 = y_t / (1 + y_t^2) + u_t^3, model III of Narendra & Parthasarathy 1990.

    The input is uniform in [-2, 2); noise of 0.05 is added to the measured output.
    """
    rng = np.random.RandomState(0)
    u, y = rng.uniform(-2, 2, 700), np.zeros(700)
    for t in range(1, 700):
        y[t] = y[t - 1] / (1 + y[t - 1] ** 2) + u[t - 1] ** 3
    return system(u, y + 0.05 * rng.standard_normal(700), 5, 300)


def hammerstein_wiener():
    """A resonance of second order between two saturations, and noise."""
    rng = np.random.RandomState(0)
    u = np.repeat(rng.uniform(-2, 2, 140), 5)
    z = lfilter([0.1, 0.05], [1, -1.5, 0.65], np.tanh(u))
    return system(u, np.tanh(z) + 0.02 * rng.standard_normal(700), 15, 300)


def observer():
    """The coordinate z of the Lorenz attractor at every step, seen x alone."""
    x = lorenz(700)
    return system(x[:, 0], x[:, 2], 10, 300)


def cascaded_tanks(folder):
    pairs = (given(folder, f"cascaded_tanks_{part}") for part in ("train", "test"))
    train, test = ([(u[:, None], y)] for u, y in pairs)
    return records(train, test, 51)


def drives(folder):
    """The first record of the coupled drives, cut in half."""
    u, y = given(folder, "ced_prbs")[:2]
    return system(u, y, 20, 250)


def half(name, n_lags, folder):
    u, y = given(folder, name)
    return system(u, y, n_lags, len(u) // 2)


IDENTIFICATION = {
    "narma/system": lambda: system(*make_narma(800, random_state=0), 10, 400),
    "narendra/system": narendra,
    "hammerstein_wiener/system": hammerstein_wiener,
    "lorenz/observer": observer,
}
#: These take the folder of the records.
GIVEN = {
    "dryer/system": partial(half, "dryer", 20),
    "gas_furnace/system": partial(half, "gas_furnace", 14),
    "drives/system": drives,
    "cascaded_tanks/records": cascaded_tanks,
}


def adding():
    X, y = make_adding_problem(700, 40, random_state=0)
    X = X.reshape(700, -1)
    return rows(X[:400], y[:400], X[400:], y[400:], n_channels=2)


def copying():
    """Three of four symbols, after ten blanks, beyond the lags."""
    X, y = make_copy_memory(500, 10, n_symbols=4, n_memory=3, random_state=0)
    pairs = list(zip(X, y, strict=True))
    return records(pairs[:300], pairs[300:], 5)


def delayed():
    """The product of the inputs 12 and 13 steps ago, beyond the lags."""
    u = np.random.RandomState(0).uniform(-1, 1, 713)
    return system(u[13:], u[1:-12] * u[:-13], 8, 300)


def hold():
    """The value at the last marker, of which one comes in ten steps on average."""
    rng = np.random.RandomState(0)
    u, marked = rng.uniform(-1, 1, 700), rng.uniform(size=700) < 0.1
    marked[0] = True
    last = np.maximum.accumulate(np.where(marked, np.arange(700), 0))
    return system(np.column_stack([u, marked]), u[last], 8, 300)


def slow():
    """A slow mean of the squared input, time constant 50 steps."""
    u = np.random.RandomState(0).standard_normal(800)
    return system(u, lfilter([0.02], [1, -0.98], u**2), 10, 300)


MEMORY = {
    "adding/rows": adding,
    "copying/records": copying,
    "delayed/system": delayed,
    "hold/system": hold,
    "slow/system": slow,
}

KINDS = {
    "windows": WINDOWS,
    "tables": TABLES,
    "multivariate": MULTIVARIATE,
    "panels": PANELS,
    "identification": IDENTIFICATION,
    "memory": MEMORY,
}


def problems(folder=None):
    """Functions that make the problems, by name, and the kind of each."""
    makers = {name: make for kind in KINDS.values() for name, make in kind.items()}
    kinds = {name: kind for kind, each in KINDS.items() for name in each}
    if folder is not None:
        makers |= {name: partial(make, folder) for name, make in GIVEN.items()}
        kinds |= dict.fromkeys(GIVEN, "identification")
    return makers, kinds
