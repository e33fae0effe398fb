"""Exports to ONNX, run by onnxruntime, against predict.

onnxruntime knows nothing of this package: its operators RNN, GRU and LSTM, and in
double precision plain nodes, are a second way to the same numbers.
"""

from copy import copy
from functools import cache

import numpy as np
import pytest
from cells import NEW_CELLS
from estimators import NAMES, SMALL, forms, make
from helpers import assert_near
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sk_rnn import GRURegressor, LSTMRegressor, NARXRegressor, RNNRegressor
from sk_rnn.estimators._recurrent import RecurrentRegressor
from sk_rnn.layers import CELLS

pytest.importorskip("onnx", reason="onnx makes the graphs")
ort = pytest.importorskip("onnxruntime", reason="onnxruntime runs the graphs")

from sk_rnn.export import (  # noqa: E402
    ONNX_CELLS,
    register_skl2onnx,
    state_from_onnx,
    state_to_onnx,
    to_onnx,
)

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}

each = pytest.mark.parametrize("name", NAMES)
each_form = pytest.mark.parametrize("form", forms())
each_dtype = pytest.mark.parametrize("dtype", TOLERANCE)

#: Hyper-parameters that change the network.
OPTIONS = [
    ("AutoRegressor", {"standardize": False}),
    ("AutoRegressor", {"standardize": "differences", "target_columns": 0}),
    ("TDNNRegressor", {"n_lags": (2, 0, 3), "hidden_layer_sizes": (4, 3)}),
    ("TDNNRegressor", {"skip": "linear", "activation": "relu"}),
    ("TDNNRegressor", {"dropout": 0.3, "solver": "adam", "activation": "logistic"}),
    ("TDNNRegressor", {"standardize": "differences", "target_columns": 1}),
    ("TDNNRegressor", {"n_init": 3, "n_ensemble": 3, "activation": "identity"}),
    ("TDNNRegressor", {"n_lags": 0}),
    ("NARXRegressor", {"n_output_lags": 0}),
    ("NARXRegressor", {"n_output_lags": 3, "hidden_layer_sizes": ()}),
    ("NARXRegressor", {"n_output_lags": (0, 3), "hidden_layer_sizes": (4, 3)}),
    ("NARXRegressor", {"n_output_lags": (3, 1), "feedback": "predicted"}),
    ("NARXRegressor", {"n_input_lags": (0, 2), "input_delay": (2, 1)}),
    (
        "NARXRegressor",
        {"n_init": 2, "n_ensemble": 2, "activation": "relu", "input_delay": 1},
    ),
    *[("RNNRegressor", {"activation": f}) for f in ("relu", "logistic", "identity")],
    ("RNNRegressor", {"recurrence": "integrator", "hidden_layer_sizes": (4, 3)}),
    ("RNNRegressor", {"recurrence": "residual", "activation": "logistic"}),
    *[
        (name, params)
        for name in ("RNNRegressor", "GRURegressor", "LSTMRegressor")
        for params in (
            {"hidden_layer_sizes": (4, 1, 3), "dropout": 0.2, "solver": "adam"},
            {"initial_state": "learned", "max_iter": 60, "alpha": 0.0},
            {"skip": "linear"},
            {"skip": "linear", "skip_lags": 2, "n_init": 2, "n_ensemble": 2},
            {"standardize": "differences", "target_columns": 0, "skip": "linear"},
            {"loss": "quantile", "quantile": 0.9, "solver": "adam"},
        )
    ],
]
each_option = pytest.mark.parametrize(
    ("name", "params"), OPTIONS, ids=lambda part: str(part).replace(" ", "")
)


def run(graph, **tensors):
    """All outputs of a graph by name."""
    session = ort.InferenceSession(graph.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, tensors), strict=True))


def fitted(name, params, n_outputs=2, form="array, y per step"):
    """An estimator that several tests look at, and the X that it was fitted to."""
    return _fitted(name, tuple(params.items()), n_outputs, form)


@cache
def _fitted(name, params, n_outputs, form):
    X, y, of_form = forms(n_outputs)[form]
    lags = {"lags": True} if name in ("NARXRegressor", "TDNNRegressor") else {}
    if name == "AutoRegressor":
        lags = {"n_lags": 2}
    return make(name, **lags | of_form | dict(params)).fit(X, y), X


# -------------------------------------------------------------------- all that predicts
@each
@each_form
@pytest.mark.parametrize(("dtype", "n_outputs"), [("float32", 1), ("float64", 2)])
def test_it_predicts_the_same(name, form, dtype, n_outputs):
    X, y, params = forms(n_outputs)[form]
    model = make(name, carry_state=False, **params).fit(X, y)
    graph, tolerance = to_onnx(model, dtype=dtype), TOLERANCE[dtype]
    expected = model.predict(X)
    if form.startswith("list"):
        found = [run(graph, X=x[None].astype(dtype))["y"] for x in X]
        assert all(part.dtype == dtype for part in found)
        expected = np.concatenate([np.ravel(part) for part in expected])
        found = np.concatenate([np.ravel(part) for part in found])
    else:
        X = {
            "table": X[None],
            "table of records": np.stack(np.split(np.delete(X, 1, axis=1), 3)),
        }.get(form, X)
        found = run(graph, X=X.astype(dtype))["y"]
        if form.startswith("table"):
            found = found.reshape(expected.shape)
    assert_near(found, expected, tolerance)


@each_option
def test_options(name, params):
    model, X = fitted(name, params)
    X = np.concatenate([X, X], axis=1)  # of other lengths than in fit
    parts = [X, X[:1], X[3:5, :6]]
    if isinstance(model, RecurrentRegressor) and not model.skip_lags:
        parts += [X[:, :1]]  # others are shorter than the lags
    for dtype, tolerance in TOLERANCE.items():
        graph = to_onnx(model, dtype=dtype)
        for part in parts:
            found = run(graph, X=part.astype(dtype))["y"]
            assert_near(found, model.predict(part), tolerance)


@pytest.mark.parametrize(
    ("name", "params"),
    [case for case in OPTIONS if case[0] in ("AutoRegressor", "TDNNRegressor")],
    ids=lambda part: str(part).replace(" ", ""),
)
def test_last_steps_of_long_sequences(name, params):
    """Of which the graph reads no more than the model looks back at."""
    model, X = fitted(name, params, form="array")
    X = np.concatenate([X, X[::-1]], axis=1)
    for part in (X, X[:, :7], X[:, :6]):
        found = run(to_onnx(model, dtype="float64"), X=part)["y"]
        assert_near(found, model.predict(part), 1e-10)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("lag_order", ["oldest_first", "newest_first"])
@pytest.mark.parametrize("form", ["rows", "rows, y per step", "array"])
def test_layouts_of_columns(form, lag_order, data_format):
    if form == "array" and lag_order == "newest_first":
        return  # an array is in time order
    X, y, params = forms()[form]
    params = params | {"lag_order": lag_order, "data_format": data_format}
    if form == "array" and data_format == "channels_first":
        X = X.transpose(0, 2, 1)
    model = make("GRURegressor", **params).fit(X, y)
    found = run(to_onnx(model, dtype="float64"), X=X)["y"]
    assert_near(found, model.predict(X), 1e-10)


def test_operators_are_those_of_onnx():
    """In single precision; double is a Scan, for onnxruntime has no such kernels."""
    kinds = {"RNNRegressor": "RNN", "GRURegressor": "GRU", "LSTMRegressor": "LSTM"}
    for name, kind in kinds.items():
        model, _ = fitted(name, {"hidden_layer_sizes": (3, 2)})
        nodes = [node.op_type for node in to_onnx(model).graph.node]
        assert nodes.count(kind) == 2 and "Scan" not in nodes
        nodes = [node.op_type for node in to_onnx(model, dtype="float64").graph.node]
        assert nodes.count("Scan") == 2 and kind not in nodes


def test_a_diverging_run_is_held():
    model, X = fitted("NARXRegressor", {"hidden_layer_sizes": (), "n_output_lags": 1})
    model = copy(model)
    model._theta = model._theta * 50
    with pytest.warns(ConvergenceWarning, match="diverged"):
        expected = model.predict(X)
    found = run(to_onnx(model, dtype="float64"), X=X)["y"]
    assert np.abs(expected).max() > 1e7
    assert_near(found, expected, 1e-10)


# ------------------------------------------------------------------------------- state
@each_option
def test_pieces_with_a_state(name, params):
    model, X = fitted(name, params)
    X = X[:5]
    expected, state = model.predict(X, return_state=True)
    go_on = model.predict(X, state=state)
    for dtype, tolerance in TOLERANCE.items():
        graph = to_onnx(model, dtype=dtype, with_state=True)
        found, fed = [], {}
        for piece in np.split(X, [3, 4], axis=1):
            tensors = run(graph, X=piece.astype(dtype), **fed)
            found.append(tensors.pop("y"))
            fed = {key.removeprefix("next_"): part for key, part in tensors.items()}
        assert_near(np.concatenate(found, axis=1), expected, tolerance)
        # The State of the estimator, and the tensors, there and back.
        as_tensors = state_to_onnx(model, state, dtype)
        assert list(as_tensors) == list(fed)
        for key, part in as_tensors.items():
            assert part.dtype == dtype
            assert_near(fed[key], part, 10 * tolerance)
        back = state_from_onnx(model, tensors, n_steps=[6] * 5)
        assert back.n_steps == state.n_steps
        assert_near(model.predict(X, state=back), go_on, 10 * tolerance)
        y = run(graph, X=X.astype(dtype), **as_tensors)["y"]
        assert_near(y, go_on, tolerance)


@each_dtype
def test_one_target_per_sequence_with_a_state(dtype):
    model, X = fitted("TDNNRegressor", {}, form="array")
    graph = to_onnx(model, dtype=dtype, with_state=True)
    tensors = run(graph, X=X[:, :4].astype(dtype))
    fed = {"state.delay0.past": tensors["next_state.delay0.past"]}
    y = run(graph, X=X[:, 4:].astype(dtype), **fed)["y"]
    assert_near(y, model.predict(X), TOLERANCE[dtype])


@each_dtype
def test_an_estimated_state_is_fed(dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 12, 2))
    y = np.cumsum(X[..., :1], axis=1)
    model = GRURegressor(initial_state="estimated", washout=4, **SMALL).fit(X, y)
    with pytest.raises(ValueError, match="with_state=True"):
        to_onnx(model)
    graph = to_onnx(model, dtype=dtype, with_state=True)
    state = model.warm_up(X[:, :6], y[:, :6])
    rest = X[:, 6:]
    found = run(graph, X=rest.astype(dtype), **state_to_onnx(model, state, dtype))
    assert_near(found["y"], model.predict(rest, state=state), TOLERANCE[dtype])


def test_states_that_do_not_fit():
    model, X = fitted("LSTMRegressor", {})
    other, _ = fitted("LSTMRegressor", {"random_state": 1})
    with pytest.raises(ValueError, match="another model"):
        state_to_onnx(model, other.warm_up(X))
    tensors = run(to_onnx(model, with_state=True), X=X.astype(np.float32))
    with pytest.raises(ValueError, match="hidden0.c"):
        state_from_onnx(model, {"next_state.hidden0.h": np.zeros((12, 4))}, 6)
    with pytest.raises(ValueError, match=r"\(12, 4\); that of 3"):
        wrong = tensors | {"next_state.hidden0.h": np.zeros((3, 4))}
        state_from_onnx(model, wrong, 6)
    with pytest.raises(ValueError, match="ids"):
        state_from_onnx(model, tensors, 6, ids=range(12))
    with pytest.raises(ValueError, match="n_steps has 2"):
        state_from_onnx(model, tensors, [6, 6])


def test_the_state_of_a_table_of_sequences():
    X, y, params = forms()["table of records"]
    model = make("GRURegressor", **params).fit(X, y)
    graph = to_onnx(model, dtype="float64", with_state=True)
    state = model.warm_up(X)
    cube = np.stack(np.split(np.delete(X, 1, axis=1), 3))
    found = run(graph, X=cube)
    with pytest.raises(ValueError, match="sequence_column=1"):
        state_from_onnx(model, found, 20)
    back = state_from_onnx(model, found, 20, ids=[3.0, 1.0, 2.0])
    expected = model.predict(X[::-1], state=state)
    assert_near(model.predict(X[::-1], state=back), expected, 1e-10)


# ----------------------------------------------------------------------------- refusals
def test_a_cell_without_an_entry_is_refused(monkeypatch):
    class OwnGRU(CELLS["gru"]):
        """A subclass may compute something else."""

    class OwnRegressor(RecurrentRegressor):
        cell = "own"

    monkeypatch.setitem(CELLS, "own", OwnGRU)
    X, y, _ = forms()["array"]
    model = OwnRegressor(**SMALL).fit(X, y)
    for dtype in TOLERANCE:
        with pytest.raises(ValueError, match=r"OwnGRU .*ONNX_CELLS"):
            to_onnx(model, dtype=dtype)


def leaky_step(op, cell, z, states, p):
    (h,) = states
    move = op("Sub", op("Tanh", z["z"]), h)
    return [op("Add", h, op("Mul", np.array(cell.leak), move))]


def minimal_gated_step(op, cell, z, states, p):
    (h,) = states
    f = op("Sigmoid", z["f"])
    u = op("MatMul", op("Mul", f, h), p["weight_u"])
    n = op("Tanh", op("Add", z["n"], u))
    return [op("Add", h, op("Mul", f, op("Sub", n, h)))]


def peephole_step(op, cell, z, states, p):
    def gate(name, seen):
        peep = op("Mul", seen, p[f"peep_{name}"])
        return op("Sigmoid", op("Add", z[name], peep))

    _, c = states
    new = op("Mul", gate("i", c), op("Tanh", z["g"]))
    c = op("Add", op("Mul", gate("f", c), c), new)
    return [op("Mul", gate("o", c), op("Tanh", c)), c]


NEW_STEPS = {
    "leaky": leaky_step,
    "minimal gated": minimal_gated_step,
    "peephole": peephole_step,
}


@each_dtype
@pytest.mark.parametrize("name", NEW_CELLS)
def test_a_cell_of_your_own(name, dtype, monkeypatch):
    class OwnRegressor(RecurrentRegressor):
        cell = name

    monkeypatch.setitem(CELLS, name, NEW_CELLS[name])
    monkeypatch.setitem(ONNX_CELLS, NEW_CELLS[name], NEW_STEPS[name])
    X, y, _ = forms()["array, y per step"]
    model = OwnRegressor(**SMALL).fit(X, y)
    found = run(to_onnx(model, dtype=dtype), X=X.astype(dtype))["y"]
    assert_near(found, model.predict(X), TOLERANCE[dtype])


def test_arguments_are_checked():
    model, _ = fitted("GRURegressor", {})
    for wrong in (
        {"dtype": "float16"},
        {"opset": 9},
        {"opset": 99},
        {"with_state": "yes"},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            to_onnx(model, **wrong)


@pytest.mark.parametrize("opset", [14, 18])
def test_operator_sets(opset):
    for kind in (RNNRegressor, GRURegressor, LSTMRegressor, NARXRegressor):
        model, X = fitted(kind.__name__, {})
        found = run(to_onnx(model, opset=opset), X=X.astype(np.float32))["y"]
        assert_near(found, model.predict(X), 1e-5)


# --------------------------------------------------------------------------- pipelines
@pytest.fixture
def skl2onnx():
    found = pytest.importorskip("skl2onnx", reason="skl2onnx exports pipelines")
    register_skl2onnx()
    return found


@each
@pytest.mark.parametrize(
    ("form", "dtype"),
    [("rows", "float32"), ("rows, y per step", "float64"), ("table", "float32")],
)
def test_pipelines(skl2onnx, name, form, dtype):
    X, y, params = forms(2)[form]
    model = make(name, carry_state=False, **params)
    model = make_pipeline(MinMaxScaler(), model).fit(X, y)
    X = X.astype(dtype)
    graph = skl2onnx.to_onnx(model, X[:1])
    (found,) = run(graph, X=X).values()
    assert found.dtype == dtype
    assert_near(found, model.predict(X.astype(float)), 10 * TOLERANCE[dtype])


def test_a_single_output_of_a_pipeline_has_an_axis(skl2onnx):
    X, y, params = forms()["rows"]
    first, second = (make("GRURegressor", random_state=k, **params) for k in (0, 1))
    model = VotingRegressor([("first", first), ("second", second)]).fit(X, y)
    X = X.astype(np.float32)
    graph = skl2onnx.to_onnx(model, X[:1])  # two of them in one graph
    (found,) = run(graph, X=X).values()
    assert_near(found[:, 0], model.predict(X), 1e-5)


@pytest.mark.parametrize("form", ["array", "table of records"])
def test_forms_that_pipelines_do_not_hold(skl2onnx, form):
    X, y, params = forms()[form]
    model = make("GRURegressor", **params).fit(X, y)
    with pytest.raises(ValueError, match=r"sk_rnn\.export\.to_onnx"):
        skl2onnx.to_onnx(model, np.zeros((1, 3), np.float32))
