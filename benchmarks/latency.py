"""What one feels at the keyboard: import, one-row predict, size of a fitted model."""

import pickle
import statistics
import subprocess
import sys
import warnings

import numpy as np
from _common import Table, duration, header, interleave, parser, peer, ratio, size
from fit import windows
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from sk_rnn import AutoRegressor, LSTMRegressor

#: Times its imports one after the other, in a process of its own.
IMPORTS = """
import importlib, sys, time
for name in sys.argv[1:]:
    start = time.perf_counter()
    importlib.import_module(name)
    print(time.perf_counter() - start)
"""


def import_times(*names):
    """Seconds of importing modules one after the other in a new process."""
    command = [sys.executable, "-c", IMPORTS, *names]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [float(line) for line in output.split()]


def imports(repeats):
    cases = [
        ("sklearn.neural_network",),
        ("sk_rnn",),
        ("sklearn.neural_network", "sk_rnn"),
        ("torch",),
        ("skorch",),
    ]
    found = {names: [] for names in cases}
    for names in cases:
        import_times(*names)  # from disk, and to byte code
    for _ in range(repeats):
        for names in cases:
            found[names].append(import_times(*names))
    table = Table("Import", *("module".ljust(36), "median", "to scikit-learn"))
    base = statistics.median(seconds for (seconds,) in found[cases[0]])
    for names in cases:
        median = statistics.median(seconds[-1] for seconds in found[names])
        title = names[-1] + (f" after {names[0]}" if len(names) > 1 else "")
        table.row(title, duration(median), f"{median / base:.1%}")
    table.end()


def models(n_steps, n_units):
    """Fitted models, and one row in the form that each wants."""
    import _torch

    X, y = windows(300, n_steps, np.float32)
    tensor = X[..., None]
    net = _torch.skorch_net(X.dtype, n_units, 32, 1)
    lstm = LSTMRegressor(hidden_layer_sizes=n_units, max_iter=5).fit(X, y)
    module = net.fit(tensor, y[:, None]).module_
    row = peer("torch").from_numpy(tensor[:1])

    def torch_forward():
        with peer("torch").inference_mode():
            return module(row).numpy()

    hidden = {"hidden_layer_sizes": n_units, "max_iter": 5}
    mlp = MLPRegressor(**hidden).fit(X, y)
    ar = AutoRegressor().fit(X, y)
    return {
        "sk_rnn, LSTMRegressor": (lstm, lambda: lstm.predict(X[:1])),
        "skorch, LSTM": (net, lambda: net.predict(tensor[:1])),
        "torch, module alone": (module, torch_forward),
        "sklearn, MLPRegressor": (mlp, lambda: mlp.predict(X[:1])),
        "sk_rnn, AutoRegressor": (ar, lambda: ar.predict(X[:1])),
    }


def rows(repeats, threads):
    torch = peer("torch")
    found = models(24, 32)
    table = Table(
        "Predict one row of 24 steps, 32 units, float32, and pickle the model",
        *("model".ljust(22), "predict", "ratio", "with torch at 1 thread", "pickled"),
    )
    calls = {name: call for name, (_, call) in found.items()}
    columns = []
    for n_threads in (threads, 1):
        torch.set_num_threads(n_threads)
        columns.append(interleave(calls, repeats))
    ours = columns[0]["sk_rnn, LSTMRegressor"]
    for name, (model, _) in found.items():
        table.row(
            *(name, duration(columns[0][name]), ratio(columns[0][name], ours)),
            *(duration(columns[1][name]), size(len(pickle.dumps(model)))),
        )
    table.end()


def main():
    options = parser(__doc__).parse_args()
    torch = peer("torch")
    peer("skorch")
    header("Latency")
    warnings.simplefilter("ignore", ConvergenceWarning)
    imports(3 if options.quick else 11)
    rows(7 if options.quick else 51, torch.get_num_threads())


if __name__ == "__main__":
    main()
