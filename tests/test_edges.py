"""What stands at the edge: odd types, huge numbers, errors in the midst of a fit."""

import os
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from fractions import Fraction
from itertools import count
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from estimators import NAMES, NETWORKS, filtered, make
from helpers import optional
from sklearn.exceptions import ConvergenceWarning

from sk_rnn._compat import CallbackSupportMixin
from sk_rnn.data._records import read_X
from sk_rnn.data._scaling import Scaler
from sk_rnn.data._targets import read_y
from sk_rnn.estimators import _memory, _network
from sk_rnn.layers import Delay
from sk_rnn.numerics import _threads
from sk_rnn.solvers import SOLVERS, Monitor
from sk_rnn.training import _inference

pd = optional("pandas")

needs_callbacks = pytest.mark.skipif(
    not hasattr(CallbackSupportMixin, "set_callbacks"),
    reason="callbacks came with scikit-learn 1.9",
)

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((8, 6))
TABLE = RNG.standard_normal((280, 2))
TABLE_Y = filtered(TABLE)

#: Counts near the end of what a narrow type holds: (estimator, parameters).
COUNTS = [
    ("AutoRegressor", {"n_channels": np.uint16(2)}),
    ("AutoRegressor", {"n_lags": np.int8(127)}),
    ("TDNNRegressor", {"n_lags": np.int8(127)}),
    ("TDNNRegressor", {"n_lags": (np.int8(100), np.uint8(100))}),
    ("NARXRegressor", {"n_input_lags": np.int8(127), "n_output_lags": np.uint8(255)}),
    ("NARXRegressor", {"n_input_lags": 1, "input_delay": np.int8(127)}),
    ("GRURegressor", {"bptt_steps": np.uint64(9)}),
    ("GRURegressor", {"bptt_steps": np.uint8(255), "washout": np.int8(9)}),
    ("GRURegressor", {"skip": "linear", "skip_lags": np.int8(127)}),
    ("GRURegressor", {"initial_state": "estimated", "washout": np.uint8(255)}),
    ("GRURegressor", {"time_scale": np.int8(127)}),
    ("RNNRegressor", {"hidden_layer_sizes": (np.int8(3), np.uint8(4))}),
    ("LSTMRegressor", {"max_iter": np.int8(3), "n_init": np.int8(2)}),
    (
        "GRURegressor",
        {"solver": "adam", "batch_size": np.uint8(8), "bptt_steps": np.uint8(6)},
    ),
]


def plain(value):
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return int(value) if isinstance(value, np.integer) else value


@pytest.mark.filterwarnings("ignore:initial_state=.estimated.")
@pytest.mark.parametrize("name, params", COUNTS)
def test_narrow_integers_are_as_good_as_ints(name, params):
    """Sums and products of a type of eight bits end at 127 or 255."""
    form = {} if "n_channels" in params else {"time_axis": 0}
    params |= {} if name == "AutoRegressor" else {"max_iter": params.get("max_iter", 3)}
    X, y = (TABLE, TABLE_Y) if form else (ROWS, ROWS[:, 0])
    found = make(name, **params, **form).fit(X, y).predict(X)
    params = {key: plain(value) for key, value in params.items()}
    np.testing.assert_array_equal(
        found, make(name, **params, **form).fit(X, y).predict(X)
    )


def test_narrow_integers_as_arguments():
    model = make("NARXRegressor", n_input_lags=1, time_axis=0).fit(TABLE, TABLE_Y)
    np.testing.assert_array_equal(
        model.predict_ahead(TABLE, TABLE_Y, horizon=np.int8(127)),
        model.predict_ahead(TABLE, TABLE_Y, horizon=127),
    )
    model = make("AutoRegressor", n_lags=2, time_axis=0).fit(TABLE[:-1], TABLE[1:])
    np.testing.assert_array_equal(
        model.forecast(TABLE, np.uint8(255)), model.forecast(TABLE, 255)
    )


COUNTED = ["hidden_layer_sizes", "n_init", "max_iter", "batch_size", "washout"]
REAL = ["alpha", "tol", "max_time", "learning_rate_init", "huber_delta", "time_scale"]
REFUSED = [
    *((name, value) for name in COUNTED for value in (True, 10**20, Fraction(4, 2))),
    *((name, value) for name in REAL for value in (True, 10**400, Fraction(9, 2))),
    ("hidden_layer_sizes", np.array(3)),
    ("hidden_layer_sizes", (3, True)),
    ("hidden_layer_sizes", (3, 10**20)),
    ("validation_fraction", Fraction(1, 2)),
    ("quantile", Fraction(1, 2)),
    ("n_channels", True),
    ("bptt_steps", 10**20),
    ("time_axis", True),
]


@pytest.mark.parametrize(
    "name, value", REFUSED, ids=[f"{n}={v!r:.20}" for n, v in REFUSED]
)
def test_what_is_no_number_of_numpy_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name}.* must be"):
        make("GRURegressor", **{name: value}).fit(ROWS, ROWS[:, 0])


LAGS = ("AutoRegressor", "n_lags"), ("TDNNRegressor", "n_lags")
LAGS += ("NARXRegressor", "n_input_lags"), ("NARXRegressor", "n_output_lags")
LAGS += (("NARXRegressor", "input_delay"),)


@pytest.mark.parametrize("name, lags", LAGS)
@pytest.mark.parametrize("value", [True, 10**20, np.array(3), (True,), (10**20,)])
def test_lags_that_are_no_count_are_refused_by_name(name, lags, value):
    with pytest.raises(ValueError, match=f"{lags}.* must be"):
        make(name, **{lags: value}).fit(ROWS, ROWS[:, 0])


@pytest.mark.parametrize("value", [True, 10**20])
def test_steps_ahead_that_are_no_count_are_refused_by_name(value):
    model = make("NARXRegressor", n_input_lags=1, time_axis=0).fit(TABLE, TABLE_Y)
    with pytest.raises(ValueError, match="'horizon' parameter"):
        model.predict_ahead(TABLE, TABLE_Y, horizon=value)
    model = make("AutoRegressor", n_lags=2, time_axis=0).fit(TABLE[:-1], TABLE[1:])
    with pytest.raises(ValueError, match="'n_steps' parameter"):
        model.forecast(TABLE, value)


@pytest.mark.parametrize("name", NAMES)
def test_a_penalty_beyond_the_integers_of_numpy(name):
    weak, strong = (make(name, alpha=a).fit(ROWS, ROWS[:, 0]) for a in (0, 2**64))
    assert np.ptp(strong.predict(ROWS)) < 1e-3 * np.ptp(weak.predict(ROWS))


CUBE = RNG.standard_normal((8, 6, 2))
RECORDS = list(CUBE)
HUGE = 10**400
FEW = ROWS.astype(object).copy()
FEW[1, 2] = HUGE


@pytest.mark.parametrize(
    "weight", [np.nan, np.inf, HUGE, {"a": 1}, "a", (1.0 for _ in "a")]
)
def test_a_weight_that_is_no_finite_number_is_refused_by_name(weight):
    with pytest.raises(
        (ValueError, TypeError), match=r"sample_weight (contains|holds)"
    ):
        make("GRURegressor").fit(ROWS, ROWS[:, 0], sample_weight=weight)


def test_a_single_weight_is_that_of_all():
    def fit(weight):
        return make("GRURegressor").fit(ROWS, ROWS[:, 0], weight).predict(ROWS)

    for weight in (3.0, np.array(3.0), np.float32(3)):
        np.testing.assert_array_equal(fit(weight), fit(np.full(8, 3.0)))


@pytest.mark.parametrize("name", NAMES)
def test_weights_too_large_to_be_squared_are_refused(name):
    with pytest.raises(ValueError, match=r"sample_weight sums up to 8e\+200"):
        make(name).fit(ROWS, ROWS[:, 0], sample_weight=np.full(8, 1e200))
    with pytest.raises(ValueError, match=r"sample_weight sums up to 8e\+20.* float32"):
        make(name).fit(ROWS.astype("f"), ROWS[:, 0], sample_weight=np.full(8, 1e20))


#: name: (parameters, X of fit in single precision, y)
FORMS = {
    "rows": ({}, ROWS.astype("f"), ROWS[:, 0]),
    "array": ({}, CUBE.astype("f"), ROWS[:, 0]),
    "list": ({"lags": True}, [u.astype("f") for u in RECORDS], list(CUBE.sum(axis=2))),
    "table": ({"lags": True, "time_axis": 0}, TABLE.astype("f"), TABLE_Y),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", FORMS)
def test_what_single_precision_cannot_hold_is_refused_by_name(name, form):
    params, X, y = FORMS[form]
    model = make(name, **params).fit(X, y)
    large = (
        [1e39 * x.astype(float) for x in X]
        if form == "list"
        else 1e39 * X.astype(float)
    )
    large_y = [1e39 * part for part in y] if form == "list" else 1e39 * y
    with pytest.raises(ValueError, match=r"^X holds values up to .*e\+39, .* float32"):
        model.predict(large)
    for method in (model.score, model.fit):
        with pytest.raises(
            ValueError, match=r"^y(\[0\])? holds values up to .* float32"
        ):
            method(X, large_y)


def test_what_single_precision_cannot_hold_as_other_arguments():
    X, y = ROWS.astype("f"), ROWS[:, 0]
    with pytest.raises(ValueError, match="^X_val holds values up to"):
        model = make("GRURegressor", early_stopping=True)
        model.fit(X, y, X_val=1e39 * ROWS, y_val=y)
    model = make("NARXRegressor", n_input_lags=0).fit(
        X[..., None], np.cumsum(X, 1)[..., None]
    )
    with pytest.raises(ValueError, match=r"^y_init\[0\] holds values up to 1e\+39"):
        model.predict(X[..., None], y_init=np.full((8, 1), 1e39))


@pytest.mark.parametrize("X", [None, 3.0, np.array(3.0), {"a": [1]}, (u for u in ROWS)])
@pytest.mark.parametrize("params", [{}, {"time_axis": 0}])
def test_an_X_that_is_no_array_is_refused_by_name(X, params):
    model = make("RNNRegressor", **params)
    with pytest.raises(TypeError, match=rf"X is a {type(X).__name__}\. X may be a 2-D"):
        model.fit(X, ROWS[:, 0])
    fitted = model.fit(ROWS, ROWS[:, 0] ** 2)
    with pytest.raises(TypeError, match=f"X is a {type(X).__name__}"):
        fitted.predict(X)


@pytest.mark.parametrize("y", [3.0, np.array(3.0), {"a": 1}, (u for u in ROWS), "a"])
def test_a_y_that_is_no_array_is_refused_by_name(y):
    with pytest.raises((TypeError, ValueError), match=r"\by (must|holds)"):
        make("RNNRegressor").fit(ROWS, y)


@pytest.mark.parametrize("X", [FEW, FEW.tolist(), [ROWS, FEW]])
def test_integers_beyond_the_floats_are_refused_by_name(X):
    refused = r"\bX(\[1\])? holds a number beyond the floats"
    with pytest.raises(ValueError, match=refused):
        make("RNNRegressor").fit(X, np.ones(len(X)))
    with pytest.raises(ValueError, match=refused):
        make("RNNRegressor").fit(ROWS, np.ones(8)).predict(FEW)
    with pytest.raises(ValueError, match="^y holds a number beyond the floats"):
        make("RNNRegressor").fit(ROWS, [HUGE] * 8)
    with pytest.raises(ValueError, match="^sample_weight holds a number beyond"):
        make("RNNRegressor").fit(ROWS, ROWS[:, 0], [1] * 7 + [HUGE])


@pytest.mark.parametrize("y_init", [[[HUGE]] * 8, [["a"]] * 8, 3.0, (u for u in ROWS)])
def test_a_y_init_that_is_no_array_is_refused_by_name(y_init):
    model = make("NARXRegressor", n_input_lags=0)
    model.fit(ROWS[..., None], np.cumsum(ROWS, axis=1)[..., None])
    with pytest.raises(ValueError, match=r"y_init(\[0\])? (must hold|holds)"):
        model.predict(ROWS[..., None], y_init=y_init)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("standardize, size", [(True, 1.7e308), (False, 1e160)])
def test_values_too_large_to_square_are_refused_by_name(name, standardize, size):
    model = make(name, standardize=standardize)
    with pytest.raises(ValueError, match="values of X are too large to square: up to"):
        model.fit(size * np.sign(ROWS), ROWS[:, 0])
    with pytest.raises(ValueError, match="values of y are too large to square: up to"):
        model.fit(ROWS, size * np.sign(ROWS[:, 0]))


def test_squares_too_large_for_normal_equations_are_refused():
    model = make("AutoRegressor", standardize=False)
    with pytest.raises(ValueError, match="X and y, times the roots of their weights"):
        model.fit(1e100 * ROWS, ROWS[:, 0], sample_weight=np.full(8, 1e120))


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_that_overflow_are_an_error(name):
    model = make(name, activation="identity") if name == "TDNNRegressor" else make(name)
    model.fit(ROWS, ROWS[:, 0])
    for X in (1e306 * ROWS, 1e308 * np.sign(ROWS)):
        try:
            assert np.isfinite(model.predict(X)).all()
        except ValueError as error:
            assert "values of X, up to" in str(error)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_user_may_have_all_errors_of_numpy_raised(name, solver):
    def run():
        X, y = TABLE[:50], TABLE_Y[:50]
        model = make(name, solver=solver, lags=True, time_axis=0).fit(X, y)
        found = [model.predict(1e3 * X), [model.score(X, y)]]
        if name == "NARXRegressor":
            found.append(model.predict_ahead(X, y, horizon=3))
        return np.concatenate(found)

    expected = run()
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(run(), expected)
        assert set(np.geterr().values()) == {"raise"}


@needs_callbacks
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("error", [StopIteration, np.linalg.LinAlgError, OSError])
def test_what_a_callback_raises_is_never_taken_for_an_end(solver, error):
    """SciPy ends in silence at a StopIteration, and so do we where LAPACK fails."""
    model = make("RNNRegressor", solver=solver).set_callbacks(Raising(error("mine")))
    with pytest.raises(error, match="mine"):
        model.fit(ROWS, ROWS[:, 0])
    assert not hasattr(model, "loss_")


class Raising:
    """A callback that raises at the end of iterations, or of the fit."""

    def __init__(self, error, at="iteration"):
        self.error, self.at = error, at

    def setup(self, estimator, context):
        pass

    teardown = on_fit_task_begin = setup

    def on_fit_task_end(self, estimator, context):
        if context.task_name == self.at:
            raise self.error


@needs_callbacks
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("name", NAMES)
def test_an_error_at_the_very_end_leaves_the_estimator_as_it_was(name, error):
    model = make(name).fit(ROWS, ROWS[:, 0])
    expected, before = model.predict(ROWS), vars(model).copy()
    model.set_callbacks(Raising(error("mine"), at="fit"))
    with pytest.raises(error, match="mine"):
        model.fit(ROWS, ROWS[:, 1])
    assert all(getattr(model, key) is value for key, value in before.items())
    np.testing.assert_array_equal(model.predict(ROWS), expected)


@pytest.mark.parametrize("method", ["_tell", "is_better", "_judge", "_ask_callback"])
@pytest.mark.parametrize("n_before", [0, 2])
def test_ctrl_c_within_an_iteration_leaves_what_belongs_together(
    monkeypatch, method, n_before
):
    original, calls = getattr(Monitor, method), []

    def interrupted(self, *arguments):
        calls.append(method)
        if len(calls) == n_before + 1:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(Monitor, method, interrupted)
    model = make("GRURegressor", early_stopping=True, verbose=method == "_tell")
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(CUBE, CUBE.sum(axis=(1, 2)))
    (start,) = model.restarts_
    curve = model.validation_loss_curve_
    assert len(model.loss_curve_) == len(curve) == model.n_iter_
    kept = [(np.inf, model.loss_), *zip(curve, model.loss_curve_, strict=True)]
    assert (start["validation_loss"], model.loss_) in kept


def test_ctrl_c_while_delay_lines_are_filled_leaves_no_half_of_them(monkeypatch):
    """In the first pass over all data they are filled once for all."""
    forward, calls = Delay.forward, []

    def interrupted(self, *arguments, **keywords):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return forward(self, *arguments, **keywords)

    monkeypatch.setattr(Delay, "forward", interrupted)
    X = [RNG.standard_normal((n, 2)) for n in (6000, 5000, 4000, 3000)]
    model = make("TDNNRegressor", n_lags=2, solver="lbfgs", max_iter=2)
    with pytest.warns(UserWarning, match="interrupted by user after iteration 0"):
        model.fit(X, [filtered(u) for u in X])
    assert np.isfinite(model.loss_)


@needs_callbacks
@pytest.mark.parametrize("n_iterations", [1, 3])
def test_ctrl_c_in_the_first_of_two_trainings_ends_the_fit(n_iterations):
    params = {"feedback": "measured_then_predicted", "n_input_lags": 1, "time_axis": 0}
    model = make("NARXRegressor", **params)
    raising = Raising(KeyboardInterrupt())
    raising.setup = raising.on_fit_task_begin = lambda estimator, context: None
    seen = []

    def on_fit_task_end(estimator, context):
        seen.append(context.task_name)
        if len(seen) == n_iterations:
            raise KeyboardInterrupt

    raising.on_fit_task_end = on_fit_task_end
    with pytest.warns(UserWarning, match=f"after iteration {n_iterations}"):
        model.set_callbacks(raising).fit(TABLE, TABLE_Y)
    assert model.n_iter_ == n_iterations
    assert seen == ["iteration"] * n_iterations + ["fit"]


LONG = RNG.standard_normal((20000, 1))


@pytest.mark.parametrize(
    "params, named",
    [
        ({"bptt_steps": None}, r"sizes, or bptt_steps \(now windows of 20000 steps\)"),
        ({"hidden_layer_sizes": 2000}, "lower hidden_layer_sizes"),
        ({"hidden_layer_sizes": 10**18}, "hidden_layer_sizes, or n_init"),
        ({"n_init": 10**9}, "hidden_layer_sizes, or n_init"),
        ({"bptt_steps": None, "solver": "adam"}, r"windows of 20000 steps"),
    ],
)
def test_a_fit_beyond_the_memory_of_the_machine_is_refused_before(
    monkeypatch, params, named
):
    monkeypatch.setattr(_memory, "machine_memory", lambda: 60 * 2**20)
    model = make("GRURegressor", hidden_layer_sizes=32, time_axis=0).set_params(
        **params
    )
    began = monotonic()
    with pytest.raises(ValueError, match=f"would take about .* GiB.*{named}"):
        model.fit(LONG, LONG[:, 0] ** 2)
    assert monotonic() - began < 5
    model.set_params(hidden_layer_sizes=2, bptt_steps="auto", n_init=1, max_iter=1)
    model.fit(LONG[:1000], LONG[:1000, 0] ** 2)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_estimate_of_memory_is_about_what_a_pass_takes(monkeypatch, name, dtype):
    """Which `tracemalloc` counts, arrays of NumPy included."""
    estimates = []

    def check(*arguments):
        estimates.append(_memory._estimate(*arguments))
        tracemalloc.start()

    monkeypatch.setattr(_network, "check_memory", check)
    X = [RNG.standard_normal((200, 2)).astype(dtype) for _ in range(50)]
    model = make(name, hidden_layer_sizes=32, lags=True, max_iter=1, solver="lbfgs")
    with pytest.warns(ConvergenceWarning):
        model.fit(X, [filtered(u) ** 2 for u in X])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.4 < sum(estimates[0]) / peak < 2


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="this system does not tell")
def test_the_memory_of_the_machine_is_known():
    assert 2**28 < _memory.machine_memory() < 2**50


def test_a_machine_that_does_not_know_its_memory(monkeypatch):
    """As in WebAssembly, where a fit was refused for less than nothing."""
    monkeypatch.setattr(os, "sysconf", lambda name: -1, raising=False)
    assert _memory.machine_memory() == np.inf


@pytest.mark.parametrize(
    "name, params, told",
    [
        ("AutoRegressor", {"n_lags": 7}, r"\(n_lags=7\)"),
        ("TDNNRegressor", {"n_lags": (7, 2)}, r"\(n_lags=\(7, 2\)\)"),
        (
            *("NARXRegressor", {"n_input_lags": 3, "input_delay": 4}),
            r"\(n_input_lags=3, input_delay=4\)",
        ),
        ("LSTMRegressor", {"skip": "linear", "skip_lags": 7}, r"\(skip_lags=7\)"),
    ],
)
def test_lags_beyond_the_sequence_are_named(name, params, told):
    with pytest.raises(ValueError, match=f"6 step.* the lags reach over .* {told}"):
        make(name, **params).fit(CUBE, CUBE.sum(axis=(1, 2)))


def test_a_warm_start_with_other_channels_of_as_many_parameters_is_refused():
    """6 columns of one channel and 3 steps of two have as many weights."""
    model = make("TDNNRegressor", warm_start=True, n_channels=2).fit(ROWS, ROWS[:, 0])
    before = vars(model).copy()
    model.set_params(n_channels=1)
    with pytest.raises(ValueError, match=r"1 channel\(s\) at each step; fit saw 2"):
        model.fit(ROWS, ROWS[:, 0])
    assert vars(model) == before | {"n_channels": 1}


def test_a_warm_start_from_a_table_with_ids_to_a_list():
    table = np.column_stack([np.repeat([0, 1], 140), TABLE])
    params = {"time_axis": 0, "sequence_column": 0, "warm_start": True}
    model = make("GRURegressor", **params).fit(table, TABLE_Y)
    model.set_params(time_axis=1, sequence_column=None)
    with pytest.raises(ValueError, match=r"3 channel\(s\) at each step; fit saw 2"):
        model.fit([table], [TABLE_Y])
    assert len(model.fit([TABLE], [TABLE_Y]).predict([TABLE])[0]) == len(TABLE)


@pytest.mark.parametrize("n_output_lags", [0, 1, 5])
def test_a_fitted_narx_knows_its_lags_whatever_the_hyper_parameters(n_output_lags):
    params = {"n_input_lags": 1, "n_output_lags": 2, "time_axis": 0}
    params |= {"feedback": "predicted", "missing_targets": "ignore"}
    model = make("NARXRegressor", **params).fit(TABLE, TABLE_Y)
    gaps = np.where(np.arange(280) % 9 == 8, np.nan, TABLE_Y)

    def predictions():
        state = model.warm_up(TABLE, gaps)
        return [
            model.predict(TABLE, y_init=[1.0, 2.0]),
            model.predict_ahead(TABLE, gaps, horizon=2),
            model.predict(TABLE, state=state),
        ]

    with pytest.warns(UserWarning, match="y_init holds outputs alone"):
        expected = predictions()
        model.set_params(n_output_lags=n_output_lags)
        with pytest.raises(ValueError, match="X contains NaN"):
            model.fit(TABLE * np.nan, TABLE_Y)
        np.testing.assert_array_equal(predictions(), expected)
    assert np.isfinite(expected).all()


def test_predict_ahead_without_feedback_is_predict():
    model = make("NARXRegressor", n_input_lags=1, n_output_lags=0, time_axis=0)
    model.fit(TABLE, TABLE_Y)
    for horizon in (1, 3):
        found = model.predict_ahead(TABLE, TABLE_Y, horizon)
        np.testing.assert_allclose(found, model.predict(TABLE), rtol=1e-12)


@pytest.mark.parametrize("name", ["AutoRegressor", "TDNNRegressor", "RNNRegressor"])
def test_an_unstable_forecast_says_from_which_step_on_it_is_not_finite(name):
    growth = 2.0 ** np.arange(40)[:, None]
    params = {"n_lags": 1} if name != "RNNRegressor" else {"skip": "linear"}
    params |= {"activation": "identity"} if name == "TDNNRegressor" else {}
    model = make(name, time_axis=0, **params).fit(growth[:-1], growth[1:, 0])
    with pytest.warns(ConvergenceWarning, match="not finite from .* step") as caught:
        y = model.forecast(growth, 1500)
    first = int(str(caught[0].message).split("from ")[1].split()[0])
    assert np.isfinite(y[: first - 1]).all()
    assert not np.isfinite(y[first - 1])
    assert len(caught) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("per_step", [False, True])
def test_equal_sequences_of_different_targets_are_not_one(name, per_step):
    """Samples are merged where X and y are equal, and not where X alone is."""
    X = np.ones((4, 3))
    y = np.array([0.0, 1.0, 1.0, 0.0])
    params = {} if name == "AutoRegressor" else {"alpha": 0, "max_iter": 50}
    model = make(name, **params)
    if per_step:
        y = np.repeat(y, 3).reshape(4, 3, 1)
        if name == "AutoRegressor":
            model.set_params(n_lags=1)
    model.fit(X, y, sample_weight=[1, 2, 1, 2])
    np.testing.assert_allclose(model.predict(X), 0.5, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_records_run_in_pieces_are_those_run_at_once(name, monkeypatch):
    X = [RNG.standard_normal((n, 2)) for n in (23, 9, 23, 5, 14)]
    model = make(name, lags=True).fit(X, [filtered(u) for u in X])

    def run():
        y, state = model.predict(X, return_state=True)
        return [*y, *model.predict(X, state=state)]

    expected = run()
    for rows in (1, 7, 12, 30):  # stretches of 1 to 6 steps of 5 sequences
        monkeypatch.setattr(_inference, "PIECE_ROWS", rows)
        for found, one in zip(run(), expected, strict=True):
            np.testing.assert_allclose(found, one, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["GRURegressor", "TDNNRegressor"])
def test_a_long_record_is_that_of_its_pieces(name):
    n = _inference.PIECE_ROWS
    X = np.sin(np.arange(n + 5000))[:, None]
    model = make(name, lags=True).fit([X[:60]], [filtered(X[:60])])
    (whole,), end = model.predict([X], return_state=True)
    (first,), state = model.predict([X[: n - 3000]], return_state=True)
    (rest,), after = model.predict([X[n - 3000 :]], state=state, return_state=True)
    np.testing.assert_allclose(np.concatenate([first, rest]), whole, rtol=1e-9)
    assert after.n_steps == end.n_steps == (n + 5000,)
    (one,), (other,) = (model.predict([X[:9]], state=s) for s in (end, after))
    np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_standard_units_are_the_weighted_moments_of_what_counts(dtype):
    rng = np.random.default_rng(1)
    values = (1e4 + rng.standard_normal((50, 3)) * [1, 10, 0]).astype(dtype)
    values[:, 2] = 1e4 / 3
    values[::2, 2] = np.nextafter(values[1, 2], 0)  # the next number of this type
    weight = rng.uniform(0.5, 2, 50)
    weight[:5], values[:5] = 0, 1e9  # what does not count leaves no trace
    scaler = Scaler(values, weight, True, "X")
    mean = np.average(values[5:].astype(float), axis=0, weights=weight[5:])
    spread = np.average((values[5:] - mean) ** 2, axis=0, weights=weight[5:]) ** 0.5
    np.testing.assert_allclose(scaler.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(scaler.scale[:2], spread[:2], rtol=1e-9)
    assert scaler.scale[2] == 1  # it does not vary, but for rounding
    units = scaler.transform(values)
    assert units.dtype == values.dtype
    tolerance = 1e-2 if dtype == "f4" else 1e-11
    for power, moment in ((1, 0), (2, 1)):
        found = weight[5:] @ units[5:, :2].astype(float) ** power / weight.sum()
        np.testing.assert_allclose(found, moment, atol=tolerance)
    np.testing.assert_allclose(scaler.inverse_transform(units), values, rtol=1e-6)


def test_a_large_offset_costs_the_standard_deviation_no_digits():
    noise = np.random.default_rng(2).standard_normal(101)
    noise[-1] = -noise[:-1].sum()
    values = 1e9 + np.round(noise * 2**13) / 2**26  # all of them exact
    scaler = Scaler(values[:, None], np.ones(101), True, "X")
    np.testing.assert_allclose(scaler.scale, np.std(values - 1e9), rtol=1e-12)


def test_standard_units_leave_gaps_out_column_by_column():
    values = np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, 9.0], [2.0, 7.0]])
    weight = np.array([1.0, 1.0, 2.0, 2.0])
    scaler = Scaler(values, weight, True, "y")
    np.testing.assert_allclose(scaler.mean, [2.0, 7.4])
    np.testing.assert_allclose(scaler.scale**2, [0.5, (5.76 + 2 * 2.56 + 2 * 0.16) / 5])
    identity = Scaler(values, weight, False, "y")
    np.testing.assert_array_equal(identity.transform(values), values)
    np.testing.assert_array_equal(identity.inverse_transform(values), values)


@pytest.mark.skipif(sys.platform == "win32", reason="there a SIGINT ends the process")
def test_ctrl_c_at_random_moments_leaves_the_old_model_or_a_usable_new_one():
    """In a process of its own, as pytest has its own way with SIGINT."""
    script = Path(__file__).with_name("interrupts.py")
    command = [sys.executable, str(script), "--tries", "3", "--seed", "0"]
    path = os.pathsep.join([str(script.parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("as before") == 9


#: What the package calls by name, and what allocates memory.
ALLOCATIONS = ["empty", "zeros", "concatenate", "zeros_like", "empty_like", "array"]


@pytest.mark.filterwarnings("ignore:The solver stopped")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("function", ALLOCATIONS)
def test_memory_that_runs_out_within_fit_leaves_the_estimator_as_it_was(
    monkeypatch, name, function
):
    model = make(name, **({} if name == "AutoRegressor" else {"max_iter": 3}))
    model.fit(CUBE, CUBE.sum(axis=(1, 2)))
    expected, before = model.predict(CUBE), vars(model).copy()
    allocate, state = getattr(np, function), (np.geterr(), np.getbufsize())
    left = 0

    def failing(*arguments, **keywords):
        nonlocal left
        left -= 1
        if left == 0:
            raise MemoryError("here")
        return allocate(*arguments, **keywords)

    for at in count(1):
        left = at
        with monkeypatch.context() as patch, suppress(MemoryError):
            patch.setattr(np, function, failing)
            model.fit(2 * CUBE, CUBE[:, 0, 0] ** 2)
        assert state == (np.geterr(), np.getbufsize())
        assert not _threads._inside
        if left > 0:
            break  # so many are not allocated in all
        assert vars(model).keys() == before.keys()
        assert all(vars(model)[key] is value for key, value in before.items())
        np.testing.assert_array_equal(model.predict(CUBE), expected)


@pytest.mark.parametrize("unit", ["ns", "s", "D"])
@pytest.mark.parametrize("as_frame", [False, True])
def test_a_sequence_without_a_date_is_refused(unit, as_frame):
    """NaT is not equal to itself, so that each such row would be a sequence."""
    days = np.array(["2020-01-01", "2020-01-02", "NaT"], f"M8[{unit}]")
    table = {"day": np.repeat(days, 10), "u": TABLE[:30, 0], "v": TABLE[:30, 1]}
    X = pd.DataFrame(table)
    X = X if as_frame else X.astype(object).to_numpy()
    params = {"time_axis": 0, "sequence_column": "day" if as_frame else 0}
    with pytest.raises(ValueError, match="sequence column contains NaN or another"):
        make("GRURegressor", **params).fit(X, TABLE_Y[:30])


@pytest.mark.parametrize("params", [{}, {"sequence_column": "run"}])
def test_a_frame_in_the_other_order_of_bytes_is_computed_in_ours(params):
    """scikit-learn leaves it as it is; another order of bytes is slow, and rounds."""
    frame = pd.DataFrame(TABLE[:30], columns=["u", "v"]).assign(run=1.0)
    swapped = frame.astype(">f8")
    try:
        swapped.iloc[:, [0, 1]]
    except ValueError as error:
        if params:
            pytest.skip(f"this version of pandas cannot choose columns of it: {error}")
    model = make("LSTMRegressor", time_axis=0, **params)
    expected = model.fit(frame, TABLE_Y[:30]).predict(frame)
    found = model.fit(swapped, TABLE_Y[:30]).predict(swapped)
    np.testing.assert_array_equal(found, expected)
    assert read_X(model, swapped).rows.dtype.isnative


@pytest.mark.parametrize("name", NAMES)
def test_complex_numbers_are_refused_by_name(name):
    model, y = make(name), ROWS[:, 0]
    with pytest.raises(ValueError, match="Complex data not supported: X holds"):
        model.fit(ROWS + 1j, y)
    with pytest.raises(ValueError, match="Complex data not supported: y holds"):
        model.fit(ROWS, y + 1j)
    with pytest.raises(ValueError, match=r"not supported: X\[1\] holds"):
        make(name, lags=True).fit([RECORDS[0], RECORDS[1] + 1j], y[:2])


def test_an_array_of_too_many_dimensions_is_refused_by_name():
    with pytest.raises(ValueError, match=r"X has 4 dimensions, \(8, 1, 6, 1\); it may"):
        make("GRURegressor").fit(ROWS[:, None, :, None], ROWS[:, 0])


def test_no_weights_are_refused_by_name():
    with pytest.raises(ValueError, match=r"sample_weight is empty; expected \(8,\)"):
        make("GRURegressor").fit(ROWS, ROWS[:, 0], sample_weight=[])


@pytest.mark.parametrize("name", ["TDNNRegressor", "GRURegressor"])
def test_a_linear_path_without_steps_to_begin_with(name):
    """Of a first step no lag is known, and where it alone counts, nothing to solve."""
    y = CUBE.sum(axis=2, keepdims=True)
    weight = np.zeros(y.shape[:2])
    weight[:, 0] = 1
    params = {"n_lags": 1} if name == "TDNNRegressor" else {"skip_lags": 1}
    model = make(name, skip="linear", **params).fit(CUBE, y, weight)
    assert model.score(CUBE, y, weight) > 0.9


def test_targets_in_another_order_of_memory_are_brought_into_ours():
    """Sums along columns are rounded otherwise along rows."""
    y = np.asfortranarray(np.column_stack([TABLE_Y, -TABLE_Y]))
    model = make("TDNNRegressor", n_lags=1, time_axis=0)
    records = read_X(model, TABLE)
    assert read_y(y, records, np.float64).values.flags.c_contiguous
    one, other = (model.fit(TABLE, v).predict(TABLE) for v in (y, y.copy("C")))
    np.testing.assert_array_equal(one, other)
