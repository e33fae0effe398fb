"""Parameters of recurrent layers as other libraries hold them, and back."""

from typing import NamedTuple

import numpy as np


class GateParameters(NamedTuple):
    """Parameters of a recurrent layer as other libraries have them.

    Gates lie along the first axis, (n_gates * n_units, ...).
    """

    weight_x: np.ndarray
    weight_h: np.ndarray
    bias_x: np.ndarray
    bias_h: np.ndarray


def gate_parameters(layer, p, gates_x, gates_h):
    """Parameters of a recurrent layer in an order of its gates.

    The biases of gates that see x and h are one here, and stand in `bias_x`.

    Parameters
    ----------
    layer : Recurrent
    p : dict of str to ndarray
    gates_x, gates_h : sequence of str
        The order of the gates that see x, and of those that see h.
    """
    layout = layer.layout

    def stacked(array, what, order):
        by_gate = layout.by_gate(array, what)
        return np.concatenate([by_gate[gate].T for gate in order])

    bias_h = np.zeros(layout.see_h, p["bias"].dtype)
    bias_h[layout.full :] = p.get("bias_recurrent", ())
    return GateParameters(
        stacked(p["weight_input"], "x", gates_x),
        stacked(p["weight_recurrent"], "h", gates_h),
        stacked(p["bias"], "x", gates_x),
        stacked(bias_h, "h", gates_h),
    )


def set_gate_parameters(layer, p, gates_x, gates_h, given):
    """Write parameters in an order of gates into those of a layer; the inverse.

    Parameters
    ----------
    layer, p, gates_x, gates_h
        As above.
    given : GateParameters
    """
    layout = layer.layout
    places = [
        (p["weight_input"], "x", gates_x, given.weight_x),
        (p["weight_recurrent"], "h", gates_h, given.weight_h),
        (p["bias"], "x", gates_x, given.bias_x),
    ]
    for array, what, order, values in places:
        by_gate = layout.by_gate(array, what)
        for gate, block in zip(order, np.split(values, len(order)), strict=True):
            by_gate[gate][...] = block.T
    bias_h = np.empty(layout.see_h, p["bias"].dtype)
    by_gate = layout.by_gate(bias_h, "h")
    for gate, block in zip(gates_h, np.split(given.bias_h, len(gates_h)), strict=True):
        by_gate[gate][...] = block
    p["bias"][: layout.full] += bias_h[: layout.full]
    if "bias_recurrent" in p:
        p["bias_recurrent"][...] = bias_h[layout.full :]
