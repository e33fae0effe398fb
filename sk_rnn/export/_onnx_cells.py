"""One step of each cell in ONNX, and the operators that ONNX has for some of them.

To export a cell of your own, write the function of a step and put it into ONNX_CELLS:
``step(op, cell, z, states, p)`` returns the new states, given

- `op`, the graph of a step (see `Graph`);
- `cell`, for its options;
- `z`, the pre-activations of the gates by name, each of shape (n_sequences, n_units),
  and none of them halved;
- `states`, ``[h]`` or ``[h, c]`` of the step before, in the same shape;
- `p`, the parameters of the layer by name, for what the cell owns beyond its gates.
"""

from typing import NamedTuple

import numpy as np

from ..layers.cells._elman import ElmanCell, IntegratorCell, ResidualCell
from ..layers.cells._gru import GRUCell
from ..layers.cells._lstm import LSTMCell
from ._fitted import activation_name, entry_for
from ._gates import gate_parameters

#: Operators by the names of activations; None computes nothing.
ACTIVATION_OPERATORS = {
    "identity": None,
    "logistic": "Sigmoid",
    "tanh": "Tanh",
    "relu": "Relu",
}


def activated(op, activation, z):
    """f(z)."""
    name = activation_name(activation)
    where = "ACTIVATION_OPERATORS of sk_rnn/export/_onnx_cells.py"
    kind = entry_for(ACTIVATION_OPERATORS, name, "activation", where)
    return z if kind is None else op(kind, z)


# --------------------------------------------------------------------------- one step
def simple_step(op, cell, z, states, p):
    """``h = f(z)``."""
    return [activated(op, cell.activation, z["z"])]


def additive_step(op, cell, z, states, p):
    """``h = h + f(z)``: the integrator, and the residual recurrence."""
    return [op("Add", states[0], activated(op, cell.activation, z["z"]))]


def gru_step(op, cell, z, states, p):
    """See `GRUCell`."""
    r, update = op("Sigmoid", z["r"]), op("Sigmoid", z["z"])
    n = op("Tanh", op("Add", z["n"], op("Mul", r, z["u"])))
    return [op("Add", n, op("Mul", update, op("Sub", states[0], n)))]


def lstm_step(op, cell, z, states, p):
    """See `LSTMCell`."""
    o, i, f = (op("Sigmoid", z[gate]) for gate in "oif")
    kept, new = op("Mul", f, states[1]), op("Mul", i, op("Tanh", z["g"]))
    c = op("Add", kept, new)
    return [op("Mul", o, op("Tanh", c)), c]


ONNX_CELLS = {
    ElmanCell: simple_step,
    IntegratorCell: additive_step,
    ResidualCell: additive_step,
    GRUCell: gru_step,
    LSTMCell: lstm_step,
}


# -------------------------------------------------------------------------- operators
class Operator(NamedTuple):
    """An operator of ONNX for a cell.

    Attributes
    ----------
    kind : str
    gates_x, gates_h : tuple of str
        The gates in the order of the operator: from x, and from h.
    attributes : dict
    """

    kind: str
    gates_x: tuple
    gates_h: tuple
    attributes: dict


def rnn_operator(cell):
    """The operator for Elman's cell; None for f = identity, which it does not know."""
    kind = ACTIVATION_OPERATORS.get(activation_name(cell.activation))
    return kind and Operator("RNN", ("z",), ("z",), {"activations": [kind]})


def gru_operator(cell):
    """The operator for the GRU."""
    gates_x, gates_h = ("z", "r", "n"), ("z", "r", "u")
    return Operator("GRU", gates_x, gates_h, {"linear_before_reset": 1})


def lstm_operator(cell):
    """The operator for the LSTM."""
    gates = tuple("iofg")
    return Operator("LSTM", gates, gates, {})


OPERATORS = {ElmanCell: rnn_operator, GRUCell: gru_operator, LSTMCell: lstm_operator}


# ------------------------------------------------------------------------- all steps
def recurrent(op, layer, theta, x, name):
    """A recurrent layer: ONNX's operator, or a Scan over plain nodes.

    onnxruntime has the operators in single precision alone.
    """
    cell, p = layer.cell, layer.views(theta)
    parts = [f"{name}.{part}" for part in "hc"[: cell.n_states]]
    states = [op.states_before[part] for part in parts]
    operator = OPERATORS.get(type(cell), lambda cell: None)(cell)
    if operator is None or op.dtype != np.float32:
        after, y = _scanned(op, layer, p, x, states)
    else:
        after, y = _operated(op, operator, layer, p, x, states)
    op.states_after.update(zip(parts, after, strict=True))
    return y


def _operated(op, operator, layer, p, x, states):
    own = gate_parameters(layer, p, operator.gates_x, operator.gates_h)
    y, *after = op(
        operator.kind,
        x,
        own.weight_x[None],
        own.weight_h[None],
        np.concatenate([own.bias_x, own.bias_h])[None],
        op.lengths(x),
        *(op("Unsqueeze", state, np.array([0])) for state in states),
        n_results=1 + len(states),
        hidden_size=layer.n_out,
        **operator.attributes,
    )
    axis = np.array([1])  # of the directions, for y
    after = [op("Squeeze", state, np.array([0])) for state in after]
    return after, op("Squeeze", y, axis)


def _scanned(op, layer, p, x, states):
    cell = layer.cell
    where = "sk_rnn.export.ONNX_CELLS"
    step = entry_for(ONNX_CELLS, type(cell), "cell", where)
    # All that comes from the input is one product for all steps.
    z_x = op("Add", op("MatMul", x, p["weight_input"]), p["bias"])

    def one(op, states, z_x):
        z = _gates(op, layer.layout, p, z_x, states[0])
        states = step(op, cell, z, states, p)
        return states, states[0]

    return op.scan(one, states, z_x)


def _gates(op, layout, p, z_x, h):
    """Pre-activations by gate."""
    n, of_x, of_h = layout.n_units, layout.gates("x"), layout.gates("h")
    z = dict(zip(of_x, op.split(z_x, len(of_x), n), strict=True))
    if not of_h:
        return z
    z_h = op("MatMul", h, p["weight_recurrent"])
    if "bias_recurrent" in p:
        z_h = op("Add", z_h, np.pad(p["bias_recurrent"], (layout.full, 0)))
    for gate, part in zip(of_h, op.split(z_h, len(of_h), n), strict=True):
        z[gate] = op("Add", z[gate], part) if gate in z else part
    return z
