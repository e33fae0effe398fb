"""Each layer in ONNX.

A function ``(op, layer, theta, x, name)`` adds the nodes of a layer to the graph `op`
and returns the tensor of its outputs. Tensors of steps have the shape (n_steps,
n_sequences, n_columns). `theta` are the parameters of the layer, and `name` is its name
within the network, by which it finds the parts of its state: what it was before the
first step in ``op.states_before``, and where what it is after the last one belongs, in
``op.states_after``. ONNX_LAYERS is the registry.
"""

import numpy as np

from ..layers import (
    BOUND,
    Chain,
    Delay,
    Dense,
    Difference,
    Dropout,
    Feedback,
    Mean,
    Newest,
    Recurrent,
    Skip,
)
from ._fitted import entry_for, joined
from ._graph import END
from ._onnx_cells import activated, recurrent


def convert(op, layer, theta, x, name=""):
    """Add a layer to the graph."""
    where = "sk_rnn.export.ONNX_LAYERS"
    function = entry_for(ONNX_LAYERS, type(layer), "layer", where)
    return function(op, layer, theta, x, name)


def chain(op, layer, theta, x, name):
    """Layers one after another."""
    for own, inner, part in zip(layer.names, layer.layers, layer.parts, strict=True):
        x = convert(op, inner, theta[part], x, joined(name, own))
    return x


def mean(op, layer, theta, x, name):
    """The mean of the members."""
    outputs = [
        convert(op, member, theta[part], x, joined(name, f"member{k}"))
        for k, (member, part) in enumerate(zip(layer.members, layer.parts, strict=True))
    ]
    return op("Div", op("Sum", *outputs), np.array(float(len(outputs))))


def beside(op, layer, theta, x, name):
    """A network, and a linear path beside it."""
    y = convert(op, layer.network, theta[: layer.network.size], x, name)
    if layer.n_straight < layer.n_in:
        x = op.slice(x, 0, layer.n_straight, axis=2)
    return op("Add", y, op("MatMul", x, layer._weight(theta)))


def dense(op, layer, theta, x, name):
    """``f(x W + b)``."""
    return dense_of(op, layer, layer.views(theta), x)


def dense_of(op, layer, p, x):
    """The same, of parameters by name."""
    z = op("Add", op("MatMul", x, p["weight"]), p["bias"])
    return activated(op, layer.activation, z)


def dropout(op, layer, theta, x, name):
    """Dropout rests outside training."""
    return x


def delay(op, layer, theta, x, name):
    """Slices of the past and the present, one for each lag."""
    reach = layer.reach
    if reach:
        part = joined(name, "past")
        x = op.join([op.swap(op.states_before[part]), x], axis=0)
        op.states_after[part] = op.swap(op.slice(x, -reach, END, axis=0))
    pieces = []
    for columns, lags in layer._groups():
        group = x
        if columns != slice(0, layer.n_in) and lags:
            group = op.slice(x, columns.start, columns.stop, axis=2)
        for lag in lags:
            alone = not reach
            stop = -lag if lag else END
            piece = group if alone else op.slice(group, reach - lag, stop, axis=0)
            pieces.append(piece)
    return op.join(pieces, axis=2)


def difference(op, layer, theta, x, name):
    """``x_t - x_{t-1} - drift`` in some columns, 0 where the step before is unknown."""
    part, columns = joined(name, "before"), np.array(layer.columns)
    levels = op("Gather", x, columns, axis=2)
    known = op("Unsqueeze", op.states_before[part], np.array([0]))
    before = op.join([known, op.slice(levels, 0, -1, axis=0)], axis=0)
    changes = op("Sub", op("Sub", levels, before), layer.drift)
    first = op.slice(changes, 0, 1, axis=0)
    first = op("Where", op("IsNaN", known), np.array(0.0), first)
    changes = op.join([first, op.slice(changes, 1, END, axis=0)], axis=0)
    last = op.slice(levels, -1, END, axis=0)
    op.states_after[part] = op("Squeeze", last, np.array([0]))
    # Changes in the places of the levels, the other columns as they are.
    source = np.arange(layer.n_in)
    source[columns] = layer.n_in + np.arange(len(columns))
    return op("Gather", op.join([x, changes], axis=2), source, axis=2)


def feedback(op, layer, theta, x, name):
    """The closed loop: a Scan whose state is the line of outputs that return."""
    named, w_in, w_line = layer._parameters(theta)
    first, *others = layer.core.layers
    z = op("Add", op("MatMul", x, w_in), named[0]["bias"])

    def output(op, z):
        y = activated(op, first.activation, z)
        for inner, p in zip(others, named[1:], strict=True):
            y = dense_of(op, inner, p, y)
        return op("Clip", y, np.array(-BOUND), np.array(BOUND))

    if not layer.n_line:
        return output(op, z)
    source = _line_behind(layer)

    def step(op, states, z):
        y = output(op, op("Add", z, op("MatMul", states[0], w_line)))
        line = op("Gather", op.join([y, states[0]], axis=-1), source, axis=-1)
        return [line], y

    part = joined(name, "line")
    (op.states_after[part],), y = op.scan(step, [op.states_before[part]], z)
    return y


def _line_behind(layer):
    """Where each value that returns comes from: the outputs, then the line before."""
    returning = [tuple(pair) for pair in layer.returning.T.tolist()]
    places = {pair: layer.n_out + k for k, pair in enumerate(returning)}
    return np.array(
        [output if lag == 1 else places[lag - 1, output] for lag, output in returning]
    )


ONNX_LAYERS = {
    Chain: chain,
    Delay: delay,
    Dense: dense,
    Difference: difference,
    Dropout: dropout,
    Feedback: feedback,
    Mean: mean,
    Newest: beside,
    Recurrent: recurrent,
    Skip: beside,
}
