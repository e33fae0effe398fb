"""How time and memory of our own estimators grow.

Each table varies one size. "exponent" is b of the law a x^b that fits the column best:
1 is linear, 0 flat. Peak memory is what Python's allocations add during the call,
NumPy's arrays included, so that the data themselves do not count.
"""

import tracemalloc
import warnings

import numpy as np
from _common import PLAIN, Table, duration, header, interleave, parser, size, slope
from sklearn.exceptions import ConvergenceWarning

from sk_rnn import LSTMRegressor

FOREVER = PLAIN | {"tol": 0.0, "n_iter_no_change": 10**6}


def data(n_sequences, n_steps):
    """White noise, and a moving average of it as the target of every step."""
    X = np.random.default_rng(0).standard_normal((n_sequences, n_steps, 1))
    weights = np.array([0.5, 0.3, 0.2])
    return X, np.apply_along_axis(np.convolve, 1, X[..., 0], weights)[:, :n_steps]


def lstm(solver="lbfgs", n_units=32, n_layers=1, n_iter=3):
    return LSTMRegressor(
        hidden_layer_sizes=(n_units,) * n_layers,
        random_state=0,
        **FOREVER | {"solver": solver, "max_iter": n_iter},
    )


def peak(call):
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def sweep(title, name, cases, repeats):
    """A table of fits and predictions.

    `cases` holds for each value of what varies: the value, a model, X and y.
    """
    table = Table(
        title, name, *("fit", "its peak", "predict", "its peak", "X in memory")
    )
    columns = []
    for value, model, X, y in cases:
        model.fit(X, y)
        calls = {
            "fit": lambda m=model, X=X, y=y: m.fit(X, y),
            "predict": lambda m=model, X=X: m.predict(X),
        }
        times = interleave(calls, repeats)
        peaks = {key: peak(call) for key, call in calls.items()}
        n_bytes = sum(part.nbytes for part in X)
        numbers = [times["fit"], peaks["fit"], times["predict"], peaks["predict"]]
        columns.append([value, *numbers, n_bytes])
        table.row(
            *(value, duration(numbers[0]), size(numbers[1])),
            *(duration(numbers[2]), size(numbers[3]), size(n_bytes)),
        )
    x, *others = np.array(columns, float).T
    if len(x) > 1 and x[0] != x[-1]:
        table.row("exponent", *(f"{slope(x, y):.2f}" for y in others))
    table.end()


def main():
    options = parser(__doc__).parse_args()
    header("Scaling of LSTMRegressor")
    warnings.simplefilter("ignore", ConvergenceWarning)
    quick, repeats = options.quick, 3 if options.quick else 5

    def upto(*values):
        return values[: 3 if quick else None]

    steps = upto(100, 200, 400, 800, 1600)
    sequences = upto(128, 256, 512, 1024, 2048, 4096)
    units = upto(8, 16, 32, 64, 128)
    sweep(
        "Steps: 32 sequences, 32 units, target at every step, 3 L-BFGS iterations",
        "steps",
        [(t, lstm(), *data(32, t)) for t in steps],
        repeats,
    )
    last = [(t, *data(32, t)) for t in steps]
    sweep(
        "Steps, target at the last one",
        "steps",
        [(t, lstm(), X, y[:, -1]) for t, X, y in last],
        repeats,
    )
    for solver in ("lbfgs", "adam"):
        sweep(
            f"Sequences of 24 steps, 32 units, {solver}, 3 iterations",
            "sequences",
            [(n, lstm(solver), *data(n, 24)) for n in sequences],
            repeats,
        )
    sweep(
        "Units: 64 sequences of 24 steps, L-BFGS",
        "units",
        [(n, lstm(n_units=n), *data(64, 24)) for n in units],
        repeats,
    )
    sweep(
        "Layers of 32 units: 64 sequences of 24 steps, L-BFGS",
        "layers",
        [(n, lstm(n_layers=n), *data(64, 24)) for n in upto(1, 2, 3, 4)],
        repeats,
    )
    for solver in ("lbfgs", "adam"):
        raggedness(solver, repeats, 128 if quick else 512)
    inference(upto(1_000, 4_000, 16_000, 64_000, 256_000), repeats)


def raggedness(solver, repeats, n_records):
    """Records of `shortest` to 100 steps: time per step that is there."""
    table = Table(
        f"Ragged: {n_records} records of some to 100 steps, 32 units, {solver}, "
        "3 iterations",
        *("shortest", "mean", "lengths", "fit", "per step", "predict", "per step"),
    )
    X, y = data(n_records, 100)
    for shortest in (100, 95, 50, 5):
        lengths = np.random.default_rng(0).integers(shortest, 101, n_records)
        pairs = [
            (x[:n], target[:n]) for x, target, n in zip(X, y, lengths, strict=True)
        ]
        records, targets = map(list, zip(*pairs, strict=True))
        model = lstm(solver).fit(records, targets)
        times = interleave(
            {
                "fit": lambda m=model, X=records, y=targets: m.fit(X, y),
                "predict": lambda m=model, X=records: m.predict(X),
            },
            repeats,
        )
        table.row(
            *(shortest, f"{lengths.mean():.0f}", len(np.unique(lengths))),
            *(duration(times["fit"]), duration(times["fit"] / lengths.sum())),
            *(duration(times["predict"]), duration(times["predict"] / lengths.sum())),
        )
    table.end("100 is the padded form of all of them.")


def inference(steps, repeats):
    """The recurrent layer alone: what it needs besides the rows it reads and writes."""
    from sk_rnn.data._steps import Steps
    from sk_rnn.layers import CELLS, Recurrent, one_thread

    table = Table(
        "Inference of one recurrent layer, 4 sequences, 32 units, last step",
        *("steps", "time", "per step", "peak"),
    )
    layer = Recurrent(CELLS["lstm"](), 1, 32)
    theta = np.zeros(layer.size)
    layer.initialise(theta, np.random.RandomState(0))
    for n_steps in steps:
        structure = Steps(np.full(4, n_steps))
        out = structure.tail(1)
        x = np.random.default_rng(0).standard_normal((structure.n_rows, 1))

        def call(x=x, structure=structure, out=out):
            layer.forward(theta, x, structure, out)

        with one_thread():
            seconds = interleave({"": call}, repeats)[""]
        table.row(
            *(f"{n_steps:,}", duration(seconds), duration(seconds / n_steps)),
            size(peak(call)),
        )
    table.end()


if __name__ == "__main__":
    main()
