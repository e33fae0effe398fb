"""Steps in compiled code are those of NumPy, from the same functions of the cells."""

import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cells import NEW_CELLS
from estimators import make
from helpers import assert_near

from sk_rnn import GRURegressor, LSTMRegressor, NARXRegressor, RNNRegressor
from sk_rnn.data._steps import Steps
from sk_rnn.datasets import load_sunspots
from sk_rnn.layers import ACTIVATIONS, CELLS, Chain, Dense, Feedback, Recurrent
from sk_rnn.layers._compiled_cell import compiled_cell
from sk_rnn.layers._kernels import Layout
from sk_rnn.numerics import _compiler
from sk_rnn.numerics._compiler import SWITCH, status
from sk_rnn.numerics._products import outer_product, products, weights
from sk_rnn.numerics._program import (
    Program,
    Stages,
    elementwise,
    product,
    transposition,
)
from sk_rnn.numerics._trace import CannotTrace, Tape
from sk_rnn.numerics._workspace import Workspace

pytest.importorskip(
    "llvmlite", reason="the extra 'fast' is not installed: there is no compiled code"
)

ALL_CELLS = {**CELLS, **NEW_CELLS}
DTYPES = [np.float32, np.float64]

#: Relative to the largest number: what is left of rounding after some hundred steps.
TOLERANCE = {np.float32: 2e-5, np.float64: 5e-14}


@pytest.fixture
def without(monkeypatch):
    """Run a function without compiled code."""

    def run(function):
        with monkeypatch.context() as context:
            context.setenv(SWITCH, "0")
            return function()

    return run


def passes(layer, steps, dtype, last=False):
    """A forward and a backward pass, inference, and a tangent where that is small."""
    rng = np.random.RandomState(0)
    theta = np.zeros(layer.size)
    layer.initialise(theta, rng)
    theta = (theta + 0.1 * rng.standard_normal(layer.size)).astype(dtype)
    x = rng.standard_normal((steps.n_rows, layer.n_in)).astype(dtype)
    out = steps.tail(1) if last else steps
    dy = rng.standard_normal((out.n_rows, layer.n_out)).astype(dtype)
    found = [*layer.forward(theta, x, steps, out)[:2]]
    y, _, cache = layer.forward(theta, x, steps, out, workspace=Workspace())
    found += [y, layer.tangent(theta, cache, None)]
    gradient = np.zeros_like(theta)
    dx = layer.backward(theta, dy, cache, gradient)
    return [*found[:1], *found[1], *found[2:], gradient, dx]


# ------------------------------------------------------------------- what is compiled
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ALL_CELLS)
def test_all_cells_are_compiled(name, dtype):
    layout = Layout(ALL_CELLS[name](), 2, 3)
    assert compiled_cell(layout, dtype) is not None
    assert compiled_cell(layout, complex) is None


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_all_activations_are_compiled(activation):
    layout = Layout(CELLS["simple"](activation), 2, 3)
    assert compiled_cell(layout, np.float64) is not None


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("lengths", [[9] * 5, [7], [40, 33, 33, 2, 1]])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ALL_CELLS)
def test_passes_are_those_of_numpy(name, dtype, lengths, last, without):
    layer = Recurrent(ALL_CELLS[name](), 2, 5, learned_state=True)
    steps = Steps(lengths)
    expected = without(lambda: passes(layer, steps, dtype, last))
    for one, other in zip(passes(layer, steps, dtype, last), expected, strict=True):
        assert one.dtype == other.dtype == dtype
        assert_near(one, other, TOLERANCE[dtype])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_activations_are_those_of_numpy(activation, dtype, without):
    layer = Recurrent(CELLS["simple"](activation), 1, 4)
    expected = without(lambda: passes(layer, Steps([6, 6]), dtype))
    for one, other in zip(passes(layer, Steps([6, 6]), dtype), expected, strict=True):
        assert_near(one, other, TOLERANCE[dtype])


@pytest.mark.parametrize("lengths", [[30] * 4, [50], [60, 40, 40, 20]])
@pytest.mark.parametrize("sizes", [(4,), (3, 2)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_closed_loops_are_those_of_numpy(dtype, sizes, lengths, without):
    def run():
        chain, n_in = {}, 1 + 2 * 2
        for size in sizes:
            chain[f"hidden_{size}"] = Dense(n_in, size, "tanh")
            n_in = size
        layer = Feedback(Chain({**chain, "output": Dense(n_in, 2)}), 2)
        y, after, *rest = passes_of_loop(layer, Steps(lengths), dtype)
        return [y, after, *rest]

    expected = without(run)
    for one, other in zip(run(), expected, strict=True):
        assert_near(one, other, 20 * TOLERANCE[dtype])


def passes_of_loop(layer, steps, dtype):
    rng = np.random.RandomState(0)
    theta = np.zeros(layer.size)
    layer.initialise(theta, rng)
    theta = (theta + 0.1).astype(dtype)
    x = rng.standard_normal((steps.n_rows, layer.n_in)).astype(dtype)
    dy = rng.standard_normal((steps.n_rows, layer.n_out)).astype(dtype)
    y, state, _ = layer.forward(theta, x, steps, steps)
    _, _, cache = layer.forward(theta, x, steps, steps, workspace=Workspace())
    assert (cache[1].program is None) == (os.environ.get(SWITCH) == "0")
    gradient = np.zeros_like(theta)
    dx = layer.backward(theta, dy, cache, gradient)
    return y, state.line, gradient, dx


def test_a_loop_that_diverges_is_held_as_by_numpy(without):
    def run():
        layer = Feedback(Chain({"a": Dense(2, 1, "identity"), "b": Dense(1, 1)}), 1)
        theta = np.array([1.0, 3.0, 0.0, 1.0, 0.0])  # y_t = u_t + 3 y_{t-1}
        steps = Steps([40])
        y, state, _ = layer.forward(theta, np.ones((40, 1)), steps, steps)
        return y, state.diverged

    for one, other in zip(run(), without(run), strict=True):
        assert np.array_equal(one, other)


# ------------------------------------------------------------------ what is refused
class Odd(CELLS["gru"]):
    """A cell whose forward step does something else."""

    def __init__(self, what):
        self.what = what

    def forward(self, b, h_prev, h, c):
        step = super().forward(b, h_prev, h, c)

        def odd():
            step()
            self.what(h)

        return odd


RNG = np.random.default_rng(0)

ODD = {
    "an array of its own": lambda h: np.multiply(h, np.ones(len(h)), h),
    "another function": lambda h: np.cumsum(h, out=h),
    "a part of a block": lambda h: h[:1].fill(0),
    "a reduction": lambda h: np.multiply(h, np.add.reduce(h), h),
    "a mask": lambda h: np.multiply(h, 0.5, out=h, where=h > 0),
    "a decision": lambda h: h.fill(0) if h.max() > 2 else None,
    "chance": lambda h: np.multiply(h, RNG.uniform(0.9, 1), h),
    "another ufunc": lambda h: np.arctan(h, h),
    "a truth": lambda h: np.add(h > 0, h > 1, h),
    "a question": lambda h: h.fill(0) if h > 2 else None,
    "a shape": lambda h: np.multiply(h, len(h), h),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_no_program_is_left_to_numpy(what):
    layout = Layout(Odd(ODD[what]), 2, 3)
    assert compiled_cell(layout, np.float64) is None


def test_a_cell_with_something_odd_runs(without):
    layer = Recurrent(Odd(ODD["another ufunc"]), 1, 3)
    expected = without(lambda: passes(layer, Steps([6, 4]), float))
    for one, other in zip(passes(layer, Steps([6, 4]), float), expected, strict=True):
        assert np.array_equal(one, other)


def test_results_without_a_name_are_followed():
    tape = Tape(np.float64)
    a, b, out = (tape.symbol(name) for name in "abo")

    def function():
        out[...] = (a + b) * (a - b) - 2 * a**2

    stage = tape.record(function)
    assert stage.reads == ["a", "b"] and "o" in stage.writes
    rng = np.random.default_rng(0)
    x, y, z = rng.standard_normal((3, 37))

    def same(x, y, z):
        z[...] = (x + y) * (x - y) - 2 * x**2

    Program([elementwise(float, same, x, y, z)]).run(0, 1)
    assert np.array_equal(z, (x + y) * (x - y) - 2 * x**2)


def test_a_function_that_does_nothing_is_refused():
    with pytest.raises(CannotTrace, match="nothing"):
        Stages(np.dtype(float), [Tape(float).record(lambda: None)], set())


def test_a_value_without_a_name_does_not_reach_another_function():
    tape, kept = Tape(float), []
    x = tape.symbol("x")
    tape.record(lambda: kept.append(x + 1))
    with pytest.raises(CannotTrace, match="unnamed"):
        tape.record(lambda: np.add(kept[0], x, x))


def test_a_stretch_of_blocks_has_the_rules_of_numpy():
    tape = Tape(np.float64)
    rows, one = tape.stretch("abc"), tape.symbol("x")
    flat = rows.reshape(-1)
    tape.record(lambda: np.multiply(rows, one, rows))
    for left, right, out in (
        (flat, one, flat),
        (rows, flat, rows),
        (rows, one, one),
    ):
        with pytest.raises((CannotTrace, ValueError)):
            tape.record(lambda a=left, b=right, c=out: np.add(a, b, c))
    with pytest.raises(CannotTrace, match="Parts"):
        one[0]
    with pytest.raises(CannotTrace, match="values yet"):
        np.asarray(one)


# ------------------------------------------------------------------------ arithmetic
def every_size(dtype):
    """Numbers of all sizes, and the odd ones."""
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    powers = np.exp2(rng.uniform(info.minexp - info.nmant, 8, 200_000))
    even = rng.uniform(-12, 12, 200_000)
    tiny = [info.smallest_subnormal, info.tiny, info.tiny / 2, info.eps]
    odd = [0.0, *tiny, 1.0, 9.01, 10, 20, 89, info.max, np.inf]
    x = np.concatenate([powers, even, odd]).astype(dtype)
    return np.concatenate([x, -x])


@pytest.mark.parametrize("dtype", DTYPES)
@np.errstate(under="ignore")
def test_tanh_is_exact_to_three_units_in_the_last_place(dtype):
    x = every_size(dtype)
    y = np.empty_like(x)
    Program([elementwise(dtype, np.tanh, x, y)]).run(0, 1)
    expected = np.tanh(x.astype(np.longdouble))
    unit = np.spacing(np.abs(expected).astype(dtype)).astype(np.longdouble)
    assert (np.abs(y - expected) / unit).max() <= 3
    assert np.abs(y).max() == 1
    assert np.array_equal(np.signbit(x), np.signbit(y))
    assert np.array_equal(y[: len(y) // 2], -y[len(y) // 2 :])
    nothing = np.full(3, np.nan, dtype)
    Program([elementwise(dtype, np.tanh, nothing, nothing)]).run(0, 1)
    assert np.isnan(nothing).all()


def test_tanh_does_not_depend_on_the_place_in_a_block():
    """Whether a number is in the last, shorter part of a block changes no bit."""
    x = np.random.default_rng(0).standard_normal(41)
    whole = np.empty_like(x)
    Program([elementwise(float, np.tanh, x, whole)]).run(0, 1)
    for k in range(len(x)):
        one = np.empty(1)
        Program([elementwise(float, np.tanh, x[k : k + 1], one)]).run(0, 1)
        assert one[0] == whole[k]


UFUNCS = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]
ODD_ONES = [0.0, -0.0, 1.5, -3.0, 1e-310, np.inf, -np.inf, np.nan, 1e308]


@pytest.mark.parametrize("name", [*UFUNCS, "negative", "square", "absolute", "sqrt"])
def test_other_operations_are_those_of_numpy_to_the_last_bit(name):
    ufunc = getattr(np, name)
    a, b = (np.ravel(x).copy() for x in np.meshgrid(ODD_ONES, ODD_ONES))
    blocks = (a, b)[: ufunc.nin]
    out = np.empty_like(a)

    def function(*operands):
        ufunc(*operands[:-1], out=operands[-1])

    Program([elementwise(float, function, *blocks, out)]).run(0, 1)
    with np.errstate(all="ignore"):
        assert np.array_equal(out, ufunc(*blocks), equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("n", "k", "m"), [(5, 3, 7), (64, 20, 1), (1, 1, 1), (4, 9, 64)]
)
def test_products_are_those_of_scipy(n, k, m, dtype):
    rng = np.random.default_rng(0)
    left, right = weights(n, k, m, dtype), rng.standard_normal((k, m)).astype(dtype)
    left[...] = rng.standard_normal((n, k))
    out, back = np.ones((n, m), dtype), np.ones((n, k), dtype)
    calls = [*products(left, right, out, 1.0), outer_product(out, right, back)]
    Program([product(call) for call in calls]).run(0, 1)
    expected = 1 + left @ right
    assert_near(out, expected, TOLERANCE[dtype])
    assert_near(back, 1 + expected @ right.T, TOLERANCE[dtype])


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (17, 33), (16, 16)])
def test_transposition(shape):
    source, target = (
        np.random.default_rng(0).standard_normal(shape),
        np.empty(shape[::-1]),
    )
    operation = transposition(source, None)
    Program([operation], given=[(operation, 1, 0)]).run(0, 1, target.ctypes.data)
    assert np.array_equal(target, source.T)


def test_a_program_moves_over_memory():
    x = np.arange(12.0).reshape(6, 2)
    total = np.zeros(2)

    def make(period):
        step = [elementwise(float, np.add, total, x[0], total)]
        return Program(step, [(x, x.strides[0], period)])

    program, around = make(None), make(4)
    program.run(0, 6)
    assert np.array_equal(total, x.sum(axis=0))
    program.run(2, 4)
    program.run(3, 3)
    assert np.array_equal(total, x.sum(axis=0) + x[2:4].sum(axis=0))
    total[...] = 0
    around.run(5, 6)
    assert np.array_equal(total, x[1])


# ------------------------------------------------------------------------ estimators
SERIES = load_sunspots().data

ALIKE = dict(time_axis=0, hidden_layer_sizes=8, max_iter=30, random_state=0)
MODELS = {
    "gru": GRURegressor(**ALIKE),
    "lstm": LSTMRegressor(**ALIKE),
    "rnn": RNNRegressor(**ALIKE),
    "narx": NARXRegressor(
        n_input_lags=2, n_output_lags=3, feedback="predicted", **ALIKE
    ),
}


def fit_and_predict(name):
    model = MODELS[name]
    X, y = SERIES[:-1, None], SERIES[1:]
    return model.fit(X, y).predict(X)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_fitted_models_predict_the_same(name, without):
    assert_near(fit_and_predict(name), without(lambda: fit_and_predict(name)), 1e-5)
    assert np.array_equal(fit_and_predict(name), fit_and_predict(name))


def test_threads_of_python_do_not_meet():
    X = np.random.default_rng(0).standard_normal((40, 30, 2))
    model = make("LSTMRegressor").fit(X, X.sum(axis=(1, 2)))
    expected = model.predict(X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda k: model.predict(X), range(40)):
            assert np.array_equal(found, expected)


def test_a_fitted_model_is_saved_without_its_code():
    X = np.random.default_rng(0).standard_normal((40, 30, 2))
    model = make("GRURegressor").fit(X, X.sum(axis=(1, 2)))
    expected = model.predict(X)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), expected)


# ---------------------------------------------------------------------------- switch
def test_the_switch_and_what_runs(monkeypatch):
    assert status().startswith("compiled for ")
    layout = Layout(CELLS["gru"](), 2, 3)
    monkeypatch.setenv(SWITCH, "0")
    assert status() == f"NumPy ({SWITCH}=0)"
    assert compiled_cell(layout, np.float64) is None


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        ("sys.modules['llvmlite'] = None", "llvmlite is not installed"),
        ("import llvmlite; llvmlite.__version__ = '0.44.0'", "is older than 0.45"),
        (
            "import llvmlite.binding as b; b.create_mcjit_compiler = None",
            "does not work here",
        ),
    ],
)
def test_where_nothing_can_be_compiled_numpy_runs(hidden, said):
    code = f"""
import sys
{hidden}
import numpy as np
from sk_rnn import GRURegressor
from sk_rnn.numerics._compiler import status
X = np.random.default_rng(0).standard_normal((20, 5))
GRURegressor(hidden_layer_sizes=3, max_iter=2).fit(X, X[:, 0]).predict(X)
print(status())
"""
    run = [sys.executable, "-W", "ignore", "-c", code]
    shown = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("NumPy (llvmlite ") and said in shown


def test_the_compiler_is_not_loaded_before_it_is_needed():
    code = "import sys, sk_rnn; print('llvmlite' in sys.modules)"
    run = [sys.executable, "-c", code]
    shown = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert shown == "False\n"


def test_code_is_made_once(monkeypatch):
    made = []
    machine = _compiler._machine()
    compile_ = machine.compile
    monkeypatch.setattr(
        machine, "compile", lambda text: made.append(1) or compile_(text)
    )
    cell = NEW_CELLS["leaky"](0.123)  # a number that no other test has
    for _ in range(3):
        assert compiled_cell(Layout(cell, 2, 3), np.float64) is not None
    assert 1 <= len(made) <= 3  # training, back, inference, where not known before


def test_the_compiler_runs_where_ctrl_c_does_not_come(monkeypatch):
    """It would leave llvmlite's lock closed, at which other threads wait for ever."""
    where, machine = [], _compiler._machine()
    compile_ = machine.compile

    def watched(text):
        where.append(threading.current_thread())
        return compile_(text)

    monkeypatch.setattr(machine, "compile", watched)
    _compiler.compiled("define void @one_of_a_test() { ret void }")
    assert len(where) == 1
    assert where[0] is not threading.main_thread()


def test_several_threads_may_be_the_first_ones():
    """Code that two of them made at once was let go of while one of them ran it."""
    code = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from sk_rnn import LSTMRegressor
X = np.random.default_rng(0).standard_normal((40, 5))
def fit(k):
    model = LSTMRegressor(hidden_layer_sizes=3, max_iter=2, random_state=0)
    return model.fit(X, X[:, 0]).predict(X)
with ThreadPoolExecutor(8) as pool:
    first, *others = pool.map(fit, range(8))
assert all(np.array_equal(first, other) for other in others)
"""
    for _ in range(3):
        run = [sys.executable, "-W", "ignore", "-c", code]
        subprocess.run(run, capture_output=True, text=True, check=True)


def test_a_thread_may_fit_when_the_main_one_has_ended():
    """Pools of `concurrent.futures` take no work any more then."""
    code = """
import threading
import numpy as np
from sk_rnn import GRURegressor
from sk_rnn.numerics._compiler import status
X = np.random.default_rng(0).standard_normal((20, 5))
def fit():
    threading.main_thread().join()
    GRURegressor(hidden_layer_sizes=3, max_iter=2).fit(X, X[:, 0])
    print(status())
threading.Thread(target=fit).start()
"""
    run = [sys.executable, "-W", "ignore", "-c", code]
    shown = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("compiled for ")
