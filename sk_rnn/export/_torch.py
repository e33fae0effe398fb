"""To torch, and from torch."""

from typing import Any

import numpy as np

from .._compat import check_parameters
from .._packages import required
from ..data._records import read_X
from ..data._samples import Samples
from ..data._targets import read_y
from ..estimators import GRURegressor, LSTMRegressor, RNNRegressor
from ._fitted import NotExportableError, check_exportable
from ._gates import set_gate_parameters

#: Estimators for the layers of torch.
ESTIMATORS = {"RNN": RNNRegressor, "GRU": GRURegressor, "LSTM": LSTMRegressor}


def to_torch(estimator: Any) -> Any:
    """Turn a fitted estimator into a torch module.

    The module computes what `predict` does from a fresh start, in units of the data, by
    torch's own layers: nn.RNN, nn.GRU or nn.LSTM, nn.Linear, and slices for delay
    lines. It is in evaluation mode, can be trained on, and is written in the precision
    of the estimator (``module.float()`` changes it).

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of this package.

    Returns
    -------
    torch.nn.Module
        From (n_sequences, n_steps, n_channels), in time order, to what `predict`
        returns for it: (n_sequences,) or (n_sequences, n_outputs) where there is one
        target per sequence, else (n_sequences, n_steps) or (n_sequences, n_steps,
        n_outputs). The rows of a 2-D X have to be brought into this shape, for instance
        by ``X[..., None]`` where there is one channel.

    Raises
    ------
    ImportError
        If torch is not installed.
    TypeError
        If `estimator` is none of this package.
    NotExportableError
        A ValueError, for what torch has no layer for: a `NARXRegressor`, an
        `RNNRegressor` with another `recurrence` than "simple" or another activation
        than "tanh" and "relu", a cell of your own; and for
        ``initial_state="estimated"``.

    See Also
    --------
    from_torch : The other way.
    to_onnx : Holds what torch has no layer for.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sk_rnn import GRURegressor
    >>> from sk_rnn.export import to_torch
    >>> X = np.random.default_rng(0).standard_normal((50, 12, 2))
    >>> model = GRURegressor(hidden_layer_sizes=8, random_state=0).fit(X, X[:, 3, 0])
    >>> module = to_torch(model)
    >>> module.network
    Sequential(
      (hidden0): Stateful(
        (cells): GRU(2, 8, batch_first=True)
        (initial): ParameterList(  (0): Parameter containing: [torch.float64 of size 8])
      )
      (output): Linear(in_features=8, out_features=1, bias=True)
    )
    >>> with torch.no_grad():
    ...     y = module(torch.from_numpy(X)).numpy()
    >>> bool(np.allclose(y, model.predict(X), rtol=1e-10))
    True
    """
    check_exportable(estimator, "to_torch")
    required("torch", "to_torch", "torch")
    from . import _torch_modules

    network, theta = estimator._network, estimator._theta
    if network.n_in > estimator._n_channels:
        raise NotExportableError(
            "initial_state='estimated': the state is estimated from outputs measured "
            "before, which are no input of the module. Export it with to_onnx(..., "
            "with_state=True)."
        )
    module = _torch_modules.Model(
        _torch_modules.module_of(network, theta),
        estimator._x_scaler,
        estimator._y_scaler,
        estimator._last,
        estimator._flat,
    )
    return module.to(_torch_modules._dtype(theta)).eval()


def from_torch(recurrent: Any, linear: Any, *, last_step: bool = False) -> Any:
    """Turn a recurrent layer of torch, and a linear one behind it, into an estimator.

    The estimator is fitted: it predicts what ``linear(recurrent(x)[0])`` computes.

    Parameters
    ----------
    recurrent : torch.nn.RNN, torch.nn.GRU or torch.nn.LSTM
        With any number of layers, in one direction, and without projections. Its
        dropout rests in prediction, and is not taken over.
    linear : torch.nn.Linear
        From the outputs of the last layer to those of the model.
    last_step : bool, default=False
        Whether only the output at the last step of each sequence is wanted, as in
        ``linear(recurrent(x)[0][:, -1])``, or those at all steps.

    Returns
    -------
    RNNRegressor, GRURegressor or LSTMRegressor
        With ``standardize=False``, for what the layers were trained on is in the units
        in which they take it. It takes lists of sequences and 3-D arrays (n_sequences,
        n_steps, n_channels), whatever `batch_first` says, and predicts with an axis of
        outputs, as torch does. What tells of training (``loss_``, ``solver_``) is
        missing, and there are no residuals for the quantiles of a forecast. With
        ``warm_start=True`` `fit` goes on from these parameters, without a penalty
        unless you set `alpha`.

    Raises
    ------
    ImportError
        If torch is not installed.
    TypeError
        For modules of other kinds.
    NotExportableError
        A ValueError, for layers in two directions, with projections, or in another
        precision than float32 and float64.
    ValueError
        For layers that do not fit each other.

    See Also
    --------
    to_torch : The other way.

    Examples
    --------
    >>> import torch
    >>> from sk_rnn.export import from_torch
    >>> gru = torch.nn.GRU(2, 8, num_layers=2, batch_first=True)
    >>> linear = torch.nn.Linear(8, 1)
    >>> model = from_torch(gru, linear)
    >>> model
    GRURegressor(alpha=0.0, hidden_layer_sizes=(8, 8), standardize=False)
    >>> x = torch.randn(5, 20, 2)
    >>> y = linear(gru(x)[0]).detach().numpy()
    >>> bool((abs(model.predict(x.numpy()) - y) < 1e-5).all())
    True
    """
    torch = required("torch", "from_torch", "torch")
    from . import _torch_modules

    check_parameters("from_torch", {"last_step": ["boolean"]}, last_step=last_step)
    _check_modules(torch, recurrent, linear)
    kind = type(recurrent).__name__
    options = {"activation": recurrent.nonlinearity} if kind == "RNN" else {}
    estimator = ESTIMATORS[kind](
        hidden_layer_sizes=(recurrent.hidden_size,) * recurrent.num_layers,
        alpha=0.0,
        standardize=False,
        **options,
    )
    sizes = recurrent.input_size, linear.out_features
    network = estimator._build(*sizes, None)
    theta = np.zeros(network.size, str(linear.weight.dtype).removeprefix("torch."))
    for name, layer, part in zip(
        network.names, network.layers, network.parts, strict=True
    ):
        p = layer.views(theta[part])
        if name == "output":
            p["weight"][...] = linear.weight.detach().cpu().numpy().T
            if linear.bias is not None:
                p["bias"][...] = linear.bias.detach().cpu().numpy()
        else:
            k = int(name.removeprefix("hidden"))
            (of_x, of_h), given = _torch_modules.gates_of(recurrent, k)
            set_gate_parameters(layer, p, of_x, of_h, given)
    _settle(estimator, network, theta, *sizes, last_step)
    return estimator


def _settle(estimator, network, theta, n_channels, n_outputs, last_step):
    """Make an estimator a fitted one: it has seen one sequence of one step."""
    records = read_X(estimator, [np.zeros((1, n_channels), theta.dtype)])
    y = np.zeros((1, n_outputs)) if last_step else [np.zeros((1, n_outputs))]
    targets = read_y(y, records, theta.dtype)
    samples = Samples.weighted(records, targets, None, estimator.washout)
    estimator._look_at(samples, y)
    estimator._choose_units(samples)
    estimator._settle(network, samples)
    estimator._theta = theta
    estimator.alpha_ = estimator.alpha


def _check_modules(torch, recurrent, linear):
    """Refuse what is not of the right kind, or does not fit."""
    if type(recurrent) not in (torch.nn.RNN, torch.nn.GRU, torch.nn.LSTM):
        raise TypeError(
            "recurrent must be a torch.nn.RNN, GRU or LSTM; got "
            f"{type(recurrent).__name__}."
        )
    if type(linear) is not torch.nn.Linear:
        raise TypeError(f"linear must be a torch.nn.Linear; got {type(linear)}.")
    if recurrent.bidirectional:
        raise NotExportableError(
            "bidirectional=True: a second layer of the module reads sequences from "
            "their end, and estimators here read them in time order alone."
        )
    if recurrent.proj_size:
        raise NotExportableError(
            f"proj_size={recurrent.proj_size}: the LSTM here has no projection of h."
        )
    if linear.in_features != recurrent.hidden_size:
        raise ValueError(
            f"linear takes {linear.in_features} columns, but recurrent gives "
            f"{recurrent.hidden_size}."
        )
    kinds = {p.dtype for m in (recurrent, linear) for p in m.parameters()}
    if len(kinds) > 1 or not kinds <= {torch.float32, torch.float64}:
        raise NotExportableError(
            "Parameters must all be float32, or all float64; got "
            f"{sorted(map(str, kinds))}."
        )
