"""Back-propagation through time: `sk_rnn.layers.Recurrent` against torch.nn.

One layer, forward and backward with a gradient at every step (``--last``: at the last
step alone), or forward alone; the cell, the batch and the weights are the same. With
one thread, and with all, as estimators take them: where it is worth it, parts of the
batch run side by side. "NumPy" is what we take without the extra "fast", relative to
what we take with it, and "products" the share of our time that the same matrix products
take alone: what is left is the most that better code around them could win. Both with
one thread.

``--others`` adds onnxruntime (inference, float32) and JAX (jit and scan), where they
are installed. ``--busy`` measures processor time, of one thread for everybody: for a
machine on which other things run.
"""

import os
import time
from contextvars import copy_context
from functools import partial
from unittest import mock

import numpy as np
from _common import CLOCK, Table, duration, header, interleave, parser, peer, ratio
from threadpoolctl import threadpool_limits

from sk_rnn.data._dataset import tiles
from sk_rnn.data._steps import Steps
from sk_rnn.layers import CELLS, Recurrent, one_thread
from sk_rnn.numerics._compiler import SWITCH, status
from sk_rnn.numerics._products import gemm
from sk_rnn.numerics._program import Calls, Program, can_compile
from sk_rnn.numerics._threads import pools, side_by_side
from sk_rnn.numerics._threads import threads as blas_threads
from sk_rnn.numerics._workspace import Workspace
from sk_rnn.training._inference import TILE_ROWS

#: Steps, sequences, inputs, units.
GRID = [
    (10, 32, 1, 16),
    (50, 1, 1, 16),
    (24, 32, 1, 32),
    (50, 32, 8, 64),
    (100, 64, 8, 128),
    (100, 32, 1, 256),
    (50, 256, 8, 64),
    (200, 8, 4, 32),
    (24, 1000, 1, 32),
]
QUICK = [(24, 32, 1, 32), (50, 32, 8, 64), (100, 32, 1, 256)]

NAMES = {"lstm": ("lstm", "LSTM"), "gru": ("gru", "GRU"), "rnn": ("simple", "RNN")}


def our_cell(name):
    kind = CELLS[NAMES[name][0]]
    return kind("tanh") if name == "rnn" else kind()


def ours(name, case, dtype, last, train):
    """A pass of our layer over one batch, as a call without arguments.

    As many parts of it run side by side as the threads allow.
    """
    n_steps, n_sequences, n_in, n_units = case
    rng = np.random.RandomState(0)
    layer = Recurrent(our_cell(name), n_in, n_units)
    theta = np.zeros(layer.size, dtype)
    layer.initialise(theta, rng)
    lengths = np.full(n_sequences, n_steps)
    n_parts = layer.n_parts(np.dtype(dtype), lengths, train)
    grads = np.zeros((n_parts, layer.size), dtype)
    workspaces = [Workspace() for _ in range(n_parts)]
    batches = []
    for tile in tiles(lengths, n_parts, None if train else TILE_ROWS):
        steps = Steps(lengths[tile])
        out = steps.tail(1) if last else steps
        x = rng.standard_normal((steps.n_rows, n_in)).astype(dtype)
        dy = rng.standard_normal((out.n_rows, n_units)).astype(dtype)
        batches.append((x, steps, out, dy))

    def training(k, part):
        x, steps, out, dy = batches[k]
        workspace = workspaces[part]
        _, _, cache = layer.forward(theta, x, steps, out, workspace=workspace)
        layer.backward(theta, dy, cache, grads[part], need_dx=False)

    forward = layer.bind(theta)  # as a fitted estimator does, once

    def inference(k, part):
        forward(*batches[k][:3])

    loads = [steps.n_rows for _, steps, *_ in batches]

    def run():
        grads[...] = 0
        side_by_side(training if train else inference, loads, n_parts)
        grads.sum(axis=0)

    return run


def theirs(name, case, dtype, last, train):
    """The same in torch."""
    torch = peer("torch")
    n_steps, n_sequences, n_in, n_units = case
    torch.manual_seed(0)
    kind = getattr(torch, np.dtype(dtype).name)
    layer = getattr(torch.nn, NAMES[name][1])(n_in, n_units, dtype=kind)
    x = torch.randn(n_steps, n_sequences, n_in, dtype=kind)
    shape = (n_sequences, n_units) if last else (n_steps, n_sequences, n_units)
    dy = torch.randn(shape, dtype=kind)

    def training():
        layer.zero_grad()
        y, _ = layer(x)
        (y[-1] if last else y).backward(dy)

    def inference():
        with torch.inference_mode():
            layer(x)

    return training if train else inference


def without_compiler():
    """A context in which passes are made that NumPy runs."""
    return mock.patch.dict(os.environ, {SWITCH: "0"})


def in_numpy(make):
    """What `make` returns, after a first call, with NumPy."""
    with without_compiler():
        call = make()
        call()
    return call


def products_alone(make, dtype):
    """The matrix products that a call hands to BLAS, without all that is around."""
    product, seen, numbers = gemm(dtype), [], {1}

    def record(*arguments):
        seen.append(arguments)
        numbers.update(pool.num_threads for pool in pools().lib_controllers)
        return product(*arguments)

    with mock.patch("sk_rnn.numerics._program.gemm", lambda dtype: record):
        call = in_numpy(make)
        seen.clear()
        call()

    program = Program(seen) if can_compile(dtype) else Calls([seen], dtype)

    def replay():
        with blas_threads(max(numbers)):
            program.run(0, 1)

    return replay


# ------------------------------------------------------------------- with --others
def jax_pass(name, case, dtype, last, train):
    """The same in JAX: a compiled scan, and its derivative."""
    jax = peer("jax", optional=True)
    if jax is None:
        return None
    jax.config.update("jax_enable_x64", True)
    n_steps, n_sequences, n_in, n_units = case
    n_gates = {"lstm": 4, "gru": 3, "rnn": 1}[name]
    rng = np.random.RandomState(0)
    sizes = ((n_in, n_gates * n_units), (n_units, n_gates * n_units))
    p = [0.1 * rng.standard_normal(size).astype(dtype) for size in sizes]
    p += [np.zeros(n_gates * n_units, dtype) for _ in range(2)]
    x = rng.standard_normal((n_steps, n_sequences, n_in)).astype(dtype)
    np_, sigmoid = jax.numpy, jax.nn.sigmoid

    def step(p, state, x_t):
        h, c = state
        seen, recalled = x_t @ p[0] + p[2], h @ p[1] + p[3]
        if name == "rnn":
            h = np_.tanh(seen + recalled)
        elif name == "gru":
            (r, z, n), (r_h, z_h, u) = (np_.split(v, 3, 1) for v in (seen, recalled))
            n, z = np_.tanh(n + sigmoid(r + r_h) * u), sigmoid(z + z_h)
            h = n + z * (h - n)
        else:
            i, f, g, o = np_.split(seen + recalled, 4, 1)
            c = sigmoid(f) * c + sigmoid(i) * np_.tanh(g)
            h = sigmoid(o) * np_.tanh(c)
        return (h, c), h

    def outputs(p):
        zero = np_.zeros((n_sequences, n_units), dtype)
        (h, _), all_h = jax.lax.scan(lambda s, x_t: step(p, s, x_t), (zero, zero), x)
        return h if last else all_h

    p = [jax.device_put(array) for array in p]
    run = jax.jit(outputs)
    dy = np.ones_like(run(p))
    if train:
        run = jax.jit(lambda p: jax.vjp(outputs, p)[1](dy))
    return lambda: jax.block_until_ready(run(p))


def onnx_pass(name, case, dtype, last, train):
    """The operator of ONNX in onnxruntime."""
    if train or dtype == np.float64:  # which its recurrent operators do not have
        return None
    if (runtime := peer("onnxruntime", optional=True)) is None:
        return None
    from onnx import helper, numpy_helper

    n_steps, n_sequences, n_in, n_units = case
    n_gates = {"lstm": 4, "gru": 3, "rnn": 1}[name]
    rng = np.random.RandomState(0)
    shapes = {"W": (1, n_gates * n_units, n_in), "R": (1, n_gates * n_units, n_units)}
    weights = [
        numpy_helper.from_array(0.1 * rng.standard_normal(shape).astype(dtype), key)
        for key, shape in shapes.items()
    ]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    more = {"linear_before_reset": 1} if name == "gru" else {}
    node = helper.make_node(
        name.upper(), ["x", *shapes], ["y", "h"], hidden_size=n_units, **more
    )
    x = rng.standard_normal((n_steps, n_sequences, n_in)).astype(dtype)
    given = [helper.make_tensor_value_info("x", kind, x.shape)]
    wanted = [helper.make_tensor_value_info("h" if last else "y", kind, None)]
    graph = helper.make_graph([node], "pass", given, wanted, weights)
    opset = [helper.make_opsetid("", 14)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    options = runtime.SessionOptions()
    if CLOCK["seconds"] is time.process_time:
        options.intra_op_num_threads = 1
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"x": x})


#: Their times are shown relative to ours.
OTHERS = {"JAX": jax_pass, "onnxruntime": onnx_pass}


def with_threads(times):
    """Our time, torch's, and their ratio, if there was more than one thread."""
    if "threads" not in times:
        return ()
    ours, peers = times["threads"], times["torch"]
    return duration(ours), duration(peers), ratio(peers, ours)


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--last", action="store_true", help="last-step losses")
    arguments.add_argument("--cells", nargs="+", choices=NAMES, default=list(NAMES))
    arguments.add_argument("--busy", action="store_true", help="processor time")
    arguments.add_argument("--others", action="store_true", help="JAX, onnxruntime")
    arguments.add_argument("--repeats", type=int)
    options = arguments.parse_args()
    if options.busy:
        CLOCK["seconds"] = time.process_time
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["XLA_FLAGS"] = flags
    torch = peer("torch")
    header("BPTT: torch.nn / sk_rnn")
    print(f"Steps of networks: {status()}\n")
    threads = 1 if options.busy else torch.get_num_threads()
    repeats = options.repeats or (5 if options.quick else 9)
    before = {
        "torch 1": lambda: torch.set_num_threads(1),
        "torch": lambda: torch.set_num_threads(threads),
    }
    contexts = {}
    for n in (1, threads):
        with threadpool_limits(n), one_thread():
            contexts[n] = copy_context()
    with one_thread():
        for train in (True, False):
            for name in options.cells:
                compare(name, train, options, contexts, repeats, before)


def compare(name, train, options, contexts, repeats, before):
    threads = max(contexts)
    where = "last step" if options.last else "every step"
    table = Table(
        f"{name}, {f'training, gradient at {where}' if train else 'inference'}",
        *("T, B, D, H".rjust(15), "dtype", "sk_rnn, 1 thread", "NumPy", "products"),
        *("torch, 1 thread", "ratio"),
        *((f"sk_rnn, {threads} threads",) if threads > 1 else ()),
        *((f"torch, {threads} threads", "ratio") if threads > 1 else ()),
        *(OTHERS if options.others else ()),
    )
    for case in QUICK if options.quick else GRID:
        for dtype in (np.float32, np.float64):
            make = partial(ours, name, case, dtype, options.last, train)
            their = theirs(name, case, dtype, options.last, train)
            with_one = contexts[1].run
            calls = {
                "sk_rnn": partial(with_one, with_one(make)),
                "NumPy": partial(with_one, with_one(in_numpy, make)),
                "products": with_one(products_alone, make, dtype),
                "torch 1": their,
            }
            if threads > 1:
                with_all = contexts[threads].run
                calls["threads"] = partial(with_all, with_all(make))
                calls["torch"] = their
            for other, of in OTHERS.items() if options.others else ():
                call = of(name, case, dtype, options.last, train)
                calls |= {other: call} if call else {}
            times = interleave(calls, repeats, before)
            mine = times["sk_rnn"]
            table.row(
                *(", ".join(map(str, case)), np.dtype(dtype).name, duration(mine)),
                ratio(times["NumPy"], mine),
                f"{times['products'] / mine:.0%}",
                *(duration(times["torch 1"]), ratio(times["torch 1"], mine)),
                *with_threads(times),
                *(
                    ratio(times[other], mine) if other in times else ""
                    for other in (OTHERS if options.others else ())
                ),
            )
    table.end()


if __name__ == "__main__":
    main()
