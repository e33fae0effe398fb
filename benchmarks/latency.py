"""What one feels at the keyboard: import, one row or step, size of a fitted model."""

import pickle
import statistics
import subprocess
import sys
import warnings

import numpy as np
from _common import (
    PLAIN,
    Table,
    duration,
    header,
    interleave,
    parser,
    peer,
    ratio,
    size,
)
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
    few = PLAIN | {"max_iter": 5}
    lstm = LSTMRegressor(hidden_layer_sizes=n_units, **few).fit(X, y)
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


# ------------------------------------------------------------------------- streaming
def our_step(model, row, state):
    """A function that takes one step, the state being handed on."""

    def step():
        nonlocal state
        y, state = model.predict(row, state=state, return_state=True)
        return y

    return step


def torch_step(model, row, hidden):
    """The same with the weights of a model, from standardised (h, c)."""
    import _torch

    torch = peer("torch")
    net = _torch.with_weights(model.weights_, _torch.kind(row.dtype))
    hidden = [torch.from_numpy(part)[None] for part in hidden]
    x = model._x_scaler.transform(row)

    def step():
        nonlocal hidden
        with torch.inference_mode():
            out, hidden = net.lstm(torch.from_numpy(x)[None], hidden)
            return net.output(out[:, -1]).numpy()

    return step


def onnx_step(model, row, hidden):
    """The same in a graph of one LSTM and one linear node; None where there is none."""
    if row.dtype != np.float32:
        print("(onnxruntime has no LSTM in double precision: left out)\n")
        return None
    onnx, runtime = peer("onnx", optional=True), peer("onnxruntime", optional=True)
    if onnx is None or runtime is None:
        return None
    make, n, dtype = onnx.helper, len(hidden[0][0]), row.dtype
    kind = make.np_dtype_to_tensor_dtype(dtype)
    w = model.weights_
    o, i, f, g = np.arange(4 * n).reshape(4, -1)
    order = np.concatenate([i, o, f, g])  # of onnx
    bias = np.concatenate([w["hidden0.bias"][order], np.zeros(4 * n, dtype)])
    values = {
        "W": w["hidden0.weight_input"].T[None, order],
        "R": w["hidden0.weight_recurrent"].T[None, order],
        "B": bias[None],
        "V": w["output.weight"],
        "b": w["output.bias"],
    }
    shapes = {"x": (1, 1, 1), "h": (1, 1, n), "c": (1, 1, n)}
    lstm_inputs = ["x", "W", "R", "B", "", "h", "c"]
    graph = make.make_graph(
        [
            make.make_node("LSTM", lstm_inputs, ["", "H", "C"], hidden_size=n),
            make.make_node("Squeeze", ["H", "zero"], ["last"]),
            make.make_node("Gemm", ["last", "V", "b"], ["y"]),
        ],
        "step",
        [make.make_tensor_value_info(k, kind, shape) for k, shape in shapes.items()],
        [make.make_tensor_value_info(k, kind, None) for k in ("y", "H", "C")],
        [
            onnx.numpy_helper.from_array(np.array(value), name)
            for name, value in (values | {"zero": np.array([0])}).items()
        ],
    )
    opset = [make.make_opsetid("", 14)]
    proto = make.make_model(graph, opset_imports=opset, ir_version=8)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(proto.SerializeToString(), options)
    x = model._x_scaler.transform(row)[None]
    h, c = (part[None] for part in hidden)

    def step():
        nonlocal h, c
        y, h, c = session.run(["y", "H", "C"], {"x": x, "h": h, "c": c})
        return y

    return step


def streaming(repeats, n_units=32):
    """One step of a model in use: a row in, a prediction out, the state handed on."""
    peer("torch").set_num_threads(1)
    for dtype in (np.float32, np.float64):
        X, y = windows(1, 301, dtype)
        table, target = X[0, :-1, None], X[0, 1:]
        few = PLAIN | {"time_axis": 0, "max_iter": 5}
        model = LSTMRegressor(hidden_layer_sizes=n_units, **few)
        model.fit(table, target)
        state = model.warm_up(table[:100])
        hidden = state._parts[0]
        row = table[100:101]
        calls = {
            "sk_rnn, predict with state": our_step(model, row, state),
            "torch, LSTM and Linear": torch_step(model, row, hidden),
            "onnxruntime, LSTM and Gemm": onnx_step(model, row, hidden),
        }
        calls = {name: call for name, call in calls.items() if call is not None}
        firsts = {name: call() for name, call in calls.items()}
        ours = model._y_scaler.transform(firsts.pop("sk_rnn, predict with state"))
        medians = interleave(calls, repeats)
        table = Table(
            f"One streaming step, {n_units} units, {np.dtype(dtype)}, one thread",
            *("model".ljust(26), "step", "ratio", "difference"),
        )
        base = next(iter(medians.values()))
        for name, seconds in medians.items():
            error = np.abs(firsts.get(name, ours) - ours).max()
            table.row(name, duration(seconds), ratio(seconds, base), f"{error:.0e}")
        table.end()


def main():
    options = parser(__doc__).parse_args()
    torch = peer("torch")
    peer("skorch")
    header("Latency")
    warnings.simplefilter("ignore", ConvergenceWarning)
    imports(3 if options.quick else 11)
    rows(7 if options.quick else 51, torch.get_num_threads())
    streaming(7 if options.quick else 51)


if __name__ == "__main__":
    main()
