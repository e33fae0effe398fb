"""Back-propagation through time: `sk_rnn.layers.Recurrent` against torch.nn.

One layer, forward and backward with a gradient at every step (``--last``: at the last
step alone), or forward alone; the cell, the batch and the weights are the same. BLAS is
limited to one thread for us, as estimators do. "products" is the share of our time that
the same matrix products take alone: what is left is the most that better code around
them could win.
"""

import sys
from contextlib import ExitStack
from unittest import mock

import numpy as np
from _common import Table, duration, header, interleave, parser, peer, ratio

from sk_rnn.data._steps import Steps
from sk_rnn.layers import CELLS, Recurrent, one_thread
from sk_rnn.numerics._products import gemm
from sk_rnn.numerics._threads import pools
from sk_rnn.numerics._threads import threads as blas_threads
from sk_rnn.numerics._workspace import Workspace

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
    """A pass of our layer over one batch, as a call without arguments."""
    n_steps, n_sequences, n_in, n_units = case
    rng = np.random.RandomState(0)
    layer = Recurrent(our_cell(name), n_in, n_units)
    theta = np.zeros(layer.size, dtype)
    layer.initialise(theta, rng)
    steps = Steps(np.full(n_sequences, n_steps))
    out = steps.tail(1) if last else steps
    x = rng.standard_normal((steps.n_rows, n_in)).astype(dtype)
    dy = rng.standard_normal((out.n_rows, n_units)).astype(dtype)
    dtheta, workspace = np.zeros_like(theta), Workspace()

    def training():
        _, _, cache = layer.forward(theta, x, steps, out, workspace=workspace)
        dtheta[...] = 0
        layer.backward(theta, dy, cache, dtheta, need_dx=False)

    def inference():
        layer.forward(theta, x, steps, out)

    return training if train else inference


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


def products_alone(call, dtype):
    """The matrix products that a call hands to BLAS, without all that is around."""
    product, seen, numbers = gemm(dtype), [], {1}

    def record(*arguments):
        seen.append(arguments)
        numbers.update(pool.num_threads for pool in pools().lib_controllers)
        return product(*arguments)

    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("sk_rnn.layers.") and hasattr(module, "gemm"):
                fake = mock.patch.object(module, "gemm", lambda dtype: record)
                stack.enter_context(fake)
        call()

    def replay():
        with blas_threads(max(numbers)):
            for arguments in seen:
                product(*arguments)

    return replay


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--last", action="store_true", help="last-step losses")
    arguments.add_argument("--cells", nargs="+", choices=NAMES, default=list(NAMES))
    arguments.add_argument("--repeats", type=int)
    options = arguments.parse_args()
    torch = peer("torch")
    header("BPTT: torch.nn / sk_rnn")
    threads = torch.get_num_threads()
    repeats = options.repeats or (5 if options.quick else 9)
    before = {
        "torch 1": lambda: torch.set_num_threads(1),
        "torch": lambda: torch.set_num_threads(threads),
    }
    with one_thread():
        for train in (True, False):
            for name in options.cells:
                compare(name, train, options, threads, repeats, before)


def compare(name, train, options, threads, repeats, before):
    many = f"{threads} threads"
    where = "last step" if options.last else "every step"
    table = Table(
        f"{name}, {f'training, gradient at {where}' if train else 'inference'}",
        *("T, B, D, H".rjust(15), "dtype", "sk_rnn", "products"),
        *("torch, 1 thread", "ratio", f"torch, {many}", "ratio"),
    )
    for case in QUICK if options.quick else GRID:
        for dtype in (np.float32, np.float64):
            our = ours(name, case, dtype, options.last, train)
            their = theirs(name, case, dtype, options.last, train)
            times = interleave(
                {
                    "sk_rnn": our,
                    "products": products_alone(our, dtype),
                    "torch 1": their,
                    "torch": their,
                },
                repeats,
                before,
            )
            mine = times["sk_rnn"]
            table.row(
                *(", ".join(map(str, case)), np.dtype(dtype).name, duration(mine)),
                f"{times['products'] / mine:.0%}",
                *(duration(times["torch 1"]), ratio(times["torch 1"], mine)),
                *(duration(times["torch"]), ratio(times["torch"], mine)),
            )
    table.end()


if __name__ == "__main__":
    main()
