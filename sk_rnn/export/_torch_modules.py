"""Each layer as a torch module; imported where torch is known to be there.

Tensors of steps have the shape (n_sequences, n_steps, n_columns). A function ``(layer,
theta)`` makes the module of a layer with its parameters. MODULES is the registry, and
CELLS that of the recurrent layers which torch has.
"""

import numpy as np
import torch
from torch import nn

from ..layers import (
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
from ..layers.cells._elman import ElmanCell, IntegratorCell, ResidualCell
from ..layers.cells._gru import GRUCell
from ..layers.cells._lstm import LSTMCell
from ._fitted import NotExportableError, activation_name, entry_for
from ._gates import GateParameters, gate_parameters

ACTIVATIONS = {"logistic": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}

#: torch's order of gates: of those that see x, and of those that see h.
ORDERS = {
    nn.RNN: (("z",), ("z",)),
    nn.GRU: (("r", "z", "n"), ("r", "z", "u")),
    nn.LSTM: (tuple("ifgo"), tuple("ifgo")),
}


class Model(nn.Module):
    """Sequences in units of the data to predictions in units of the data.

    Parameters
    ----------
    network : nn.Module
    x_scaler, y_scaler : Scaler
    last : bool
        Whether only the outputs of last steps are wanted.
    flat : bool
        Whether there is no axis of outputs.
    """

    def __init__(self, network, x_scaler, y_scaler, last, flat):
        super().__init__()
        self.network, self.last, self.flat = network, last, flat
        for name, scaler in (("x", x_scaler), ("y", y_scaler)):
            self.register_buffer(f"{name}_mean", torch.tensor(scaler.mean))
            self.register_buffer(f"{name}_scale", torch.tensor(scaler.scale))

    def forward(self, x):
        """Predict: x of shape (n_sequences, n_steps, n_channels)."""
        y = self.network((x - self.x_mean) / self.x_scale)
        y = y[:, -1] if self.last else y
        y = y * self.y_scale + self.y_mean
        return y[..., 0] if self.flat else y


class Stateful(nn.Module):
    """A recurrent layer of torch that begins in states of its own.

    Parameters
    ----------
    cells : nn.RNN, nn.GRU or nn.LSTM
    initial : list of ndarray of shape (n_units,)
    """

    def __init__(self, cells, initial):
        super().__init__()
        self.cells = cells
        self.initial = nn.ParameterList(torch.tensor(part) for part in initial)

    def forward(self, x):
        """Outputs of all steps."""
        state = [part.expand(1, len(x), -1).contiguous() for part in self.initial]
        return self.cells(x, state[0] if len(state) == 1 else tuple(state))[0]


class Lines(nn.Module):
    """Delay lines; see `Delay`."""

    def __init__(self, layer):
        super().__init__()
        self.reach, self.groups = layer.reach, list(layer._groups())

    def forward(self, x):
        """Columns of steps before beside each other, zero before the first."""
        n_steps = x.shape[1]
        x = nn.functional.pad(x, (0, 0, self.reach, 0))
        pieces = [
            x[:, self.reach - lag : self.reach - lag + n_steps, columns]
            for columns, lags in self.groups
            for lag in lags
        ]
        return torch.cat(pieces, dim=2)


class Changes(nn.Module):
    """Changes in place of levels; see `Difference`."""

    def __init__(self, layer, dtype):
        super().__init__()
        self.columns = layer.columns
        self.register_buffer("drift", torch.tensor(layer.drift.astype(dtype)))

    def forward(self, x):
        """Replace some columns by their changes, which are 0 at the first step."""
        levels, y = x[..., self.columns], x.clone()
        changes = levels[:, 1:] - levels[:, :-1] - self.drift
        y[..., self.columns] = nn.functional.pad(changes, (0, 0, 1, 0))
        return y


class WithLinearPath(nn.Module):
    """A network, and a linear path beside it; see `Beside`."""

    def __init__(self, network, straight, n_straight):
        super().__init__()
        self.network, self.straight = network, straight
        self.n_straight = n_straight

    def forward(self, x):
        """Outputs of both together."""
        return self.network(x) + self.straight(x[..., : self.n_straight])


class Average(nn.Module):
    """The mean of several networks."""

    def __init__(self, members):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x):
        """Outputs of all members, averaged."""
        return sum(member(x) for member in self.members) / len(self.members)


# --------------------------------------------------------------------------- functions
def module_of(layer, theta):
    """The module of a layer."""
    where = "MODULES in sk_rnn/export/_torch_modules.py"
    return entry_for(MODULES, type(layer), "layer", where)(layer, theta)


def chain(layer, theta):
    """Layers one after another, under their own names."""
    found = nn.Sequential()
    for name, inner, part in zip(layer.names, layer.layers, layer.parts, strict=True):
        found.add_module(name or "network", module_of(inner, theta[part]))
    return found


def mean(layer, theta):
    """The mean of members."""
    pairs = zip(layer.members, layer.parts, strict=True)
    return Average([module_of(member, theta[part]) for member, part in pairs])


def linear(weight, bias=None):
    """A linear map of given weights, (n_in, n_out)."""
    found = nn.utils.skip_init(nn.Linear, *weight.shape, bias=bias is not None)
    _write(found.to(_dtype(weight)), weight=weight.T, bias=bias)
    return found


def dense(layer, theta):
    """A linear map, and a nonlinearity behind it."""
    p, name = layer.views(theta), activation_name(layer.activation)
    found = linear(p["weight"], p["bias"])
    if name == "identity":
        return found
    where = "ACTIVATIONS in sk_rnn/export/_torch_modules.py"
    return nn.Sequential(found, entry_for(ACTIVATIONS, name, "activation", where)())


def skip(layer, theta):
    """A path that is trained."""
    network = module_of(layer.network, theta[: layer.network.size])
    return WithLinearPath(network, linear(layer._weight(theta)), layer.n_straight)


def newest(layer, theta):
    """A path that is fixed."""
    found = skip(layer, theta)
    found.straight.requires_grad_(False)
    return found


def recurrent(layer, theta):
    """A recurrent layer that torch has."""
    where = "CELLS in sk_rnn/export/_torch_modules.py"
    kind, options = entry_for(CELLS, type(layer.cell), "cell", where)(layer.cell)
    p = layer.views(theta)
    cells = kind(layer.n_in, layer.n_out, batch_first=True, **options)
    own = gate_parameters(layer, p, *ORDERS[kind])
    _write(
        cells.to(_dtype(theta)),
        weight_ih_l0=own.weight_x,
        weight_hh_l0=own.weight_h,
        bias_ih_l0=own.bias_x,
        bias_hh_l0=own.bias_h,
    )
    initial = [part[0] for part in layer.initial_state(theta, 1)]
    found = Stateful(cells, initial)
    found.initial.requires_grad_(bool(layer.layout.initial))
    return found


def closed_loop(layer, theta):
    """Refused: what torch has no layer for."""
    raise NotExportableError(
        "A NARXRegressor feeds its outputs back step by step, and torch has no layer "
        "that does. Export it with to_onnx, which holds the loop."
    )


def elman_cell(cell):
    """nn.RNN, for the nonlinearities that it has."""
    name = activation_name(cell.activation)
    if name not in ("tanh", "relu"):
        raise NotExportableError(
            f"torch.nn.RNN computes tanh or relu, and activation={name!r} is neither. "
            "Export it with to_onnx, or fit with one of these."
        )
    return nn.RNN, {"nonlinearity": name}


def additive_cell(cell):
    """Refused: what torch has no layer for."""
    raise NotExportableError(
        "torch has no layer for recurrence='integrator' or 'residual': its nn.RNN is "
        "the simple recurrence. Export it with to_onnx."
    )


CELLS = {
    ElmanCell: elman_cell,
    IntegratorCell: additive_cell,
    ResidualCell: additive_cell,
    GRUCell: lambda cell: (nn.GRU, {}),
    LSTMCell: lambda cell: (nn.LSTM, {}),
}

MODULES = {
    Chain: chain,
    Delay: lambda layer, theta: Lines(layer),
    Dense: dense,
    Difference: lambda layer, theta: Changes(layer, theta.dtype),
    Dropout: lambda layer, theta: nn.Dropout(layer.rate),
    Feedback: closed_loop,
    Mean: mean,
    Newest: newest,
    Recurrent: recurrent,
    Skip: skip,
}


def _dtype(array):
    return torch.float64 if array.dtype == np.float64 else torch.float32


def _write(module, **arrays):
    """Write arrays into parameters of these names."""
    with torch.no_grad():
        for name, values in arrays.items():
            if values is not None:
                getattr(module, name).copy_(torch.tensor(np.ascontiguousarray(values)))


# -------------------------------------------------------------------------- from torch
def gates_of(module, k):
    """The parameters of layer k of a recurrent module, and its orders of gates."""
    names = [f"{part}_l{k}" for part in ("weight_ih", "weight_hh")]
    weights = [getattr(module, name).detach().cpu().numpy() for name in names]
    biases = [np.zeros(len(weights[0]), weights[0].dtype)] * 2
    if module.bias:
        names = [f"{part}_l{k}" for part in ("bias_ih", "bias_hh")]
        biases = [getattr(module, name).detach().cpu().numpy() for name in names]
    return ORDERS[type(module)], GateParameters(*weights, *biases)
