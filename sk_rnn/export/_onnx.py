"""to_onnx."""

from numbers import Integral
from typing import Any

import numpy as np

from .._compat import Number, StrOptions, check_parameters
from .._packages import required
from .._typing import Int
from ._fitted import NotExportableError, Precision, check_exportable, named_parts
from ._graph import AFTER, BEFORE, END, Graph
from ._onnx_layers import convert

#: The format of the file for which onnxruntime of the last years is made.
IR_VERSION = 8

#: Names of the axes whose lengths are free.
N_SEQUENCES, N_STEPS = "n_sequences", "n_steps"


def to_onnx(
    estimator: Any,
    *,
    dtype: Precision = "float32",
    with_state: bool = False,
    opset: Int = 17,
) -> Any:
    """Export a fitted estimator to ONNX.

    The graph takes sequences in units of the data and returns what `predict` returns
    for them from a fresh start, in units of the data, too. It needs neither this
    package nor Python: onnxruntime and others run it. A recurrent layer becomes ONNX's
    operator RNN, GRU or LSTM; the recurrences "integrator" and "residual", and the
    closed loop of a `NARXRegressor`, become a Scan.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of this package. For one at the end of a pipeline see
        :func:`register_skl2onnx`.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the input, the parameters and the output. onnxruntime has the
        operators RNN, GRU and LSTM in single precision alone, so that in double
        precision these layers are a Scan, too, which is slower.
    with_state : bool, default=False
        Whether the graph also takes and returns the state of the network, so that a
        sequence can come piece by piece, or step by step. See Notes.
    opset : int, default=17
        The version of ONNX's operators, from 14 to the newest that onnx knows.

    Returns
    -------
    onnx.ModelProto
        Its input ``X`` has the shape (n_sequences, n_steps, n_channels), where the
        first two may have any length; for models that were fitted to rows (a 2-D X,
        ``time_axis=1``) it is (n_sequences, n_columns), with the columns in the order
        that `fit` saw, and for ``data_format="channels_first"`` an array is
        (n_sequences, n_channels, n_steps). For models of tables (``time_axis=0``) the
        rows of each table are the steps of a sequence, without the column of sequences.
        Its output ``y`` is (n_sequences,) or (n_sequences, n_outputs) where there is
        one target per sequence, else (n_sequences, n_steps) or (n_sequences, n_steps,
        n_outputs), as `predict` returns it.

    Raises
    ------
    ImportError
        If onnx is not installed.
    TypeError
        If `estimator` is none of this package.
    NotExportableError
        A ValueError, for a layer, cell or activation of your own that has no entry in
        the registries of ``sk_rnn/export``, and for ``initial_state="estimated"``
        without `with_state`: such a model begins in the state that measured outputs
        tell.

    See Also
    --------
    state_to_onnx, state_from_onnx : Between a `State` and tensors.
    register_skl2onnx : For pipelines.

    Notes
    -----
    All sequences of a batch have the same number of steps; others come one by one, or
    in batches of their own. A sequence shorter than the lags of a model is no error in
    the graph: steps before its beginning count as the mean.

    With `with_state` each part of the state is an input ``state.NAME``, which may be
    left out for a fresh start, and an output ``next_state.NAME``. Its first axis is
    n_sequences, and NAME is one of

    ========================  =======================  =================================
    NAME                      shape                    what it is
    ========================  =======================  =================================
    ``hiddenK.h``             (n, n_units)             h of a recurrent layer
    ``hiddenK.c``             (n, n_units)             c of an LSTM layer
    ``delay.past``,           (n, n_lags, n_columns)   the last inputs of a delay line,
    ``delayK.past``                                    standardised, the newest last
    ``line``                  (n, n_values)            the outputs that a NARXRegressor
                                                       feeds back, standardised
    ``difference.before``     (n, n_columns)           the last levels with
                                                       ``standardize="differences"``;
                                                       NaN: not known
    ========================  =======================  =================================

    With ``n_ensemble`` there is one of each for every member: ``memberM.hiddenK.h``.

    Examples
    --------
    >>> import numpy as np
    >>> from onnxruntime import InferenceSession
    >>> from sk_rnn import GRURegressor
    >>> from sk_rnn.export import to_onnx
    >>> X = np.random.default_rng(0).standard_normal((50, 12, 2)).astype("float32")
    >>> model = GRURegressor(hidden_layer_sizes=8, random_state=0).fit(X, X[:, 3, 0])
    >>> graph = to_onnx(model)
    >>> session = InferenceSession(graph.SerializeToString())
    >>> (y,) = session.run(["y"], {"X": X})
    >>> bool(np.allclose(y, model.predict(X), atol=1e-5))
    True
    """
    check_exportable(estimator, "to_onnx")
    newest = required("onnx", "to_onnx", "onnx").defs.onnx_opset_version()
    options = {
        "dtype": [StrOptions({"float32", "float64"})],
        "with_state": ["boolean"],
        "opset": [Number(Integral, 14, newest, closed="both")],
    }
    given = {"dtype": dtype, "opset": opset, "with_state": with_state}
    check_parameters("to_onnx", options, **given)
    op = Graph(dtype)
    y = outputs(op, estimator, "X", _form(estimator), with_state)
    if estimator._flat:
        y = op("Squeeze", y, np.array([-1]))
    op.nodes.append(op.onnx.helper.make_node("Identity", [y], ["y"]))
    graph_inputs, graph_outputs = _signature(op, estimator)
    if with_state:
        before, after = _states_of(op, estimator)
        graph_inputs, graph_outputs = graph_inputs + before, graph_outputs + after
    return _model(op, estimator, graph_inputs, graph_outputs, opset)


def _form(estimator):
    """The form of the X of a graph: tables and lists come as arrays."""
    return "rows" if estimator._form == "rows" else "array"


def outputs(op, estimator, X, form, with_state=False):
    """Add a whole estimator to a graph.

    Parameters
    ----------
    op : Graph
    estimator : estimator
    X : str
        The tensor of inputs, in units of the data.
    form : {"rows", "array", "table"}
        How it holds sequences; a table is a single one.
    with_state : bool

    Returns
    -------
    str
        The tensor of outputs, in units of the data, (n_sequences, n_steps, n_outputs);
        (n_sequences, n_outputs) where only those of last steps are wanted, and
        (n_steps, n_outputs) for a table.
    """
    network, theta = estimator._network, estimator._theta
    _check_start(estimator, with_state)
    x = _in_time(op, estimator, X, form)
    if estimator._last and network.reach is not None and not with_state:
        x = op.slice(x, -network.reach - 1, END, axis=0)  # no more is needed
    x = _scaled(op, x, estimator._x_scaler)
    n_shown = network.n_in - estimator._n_channels
    if n_shown:
        x = op("Pad", x, np.array([0, 0, 0, 0, 0, n_shown]))
    defaults = network.initial_state(theta, 1)
    op.begin(x, dict(named_parts(network, defaults)))
    y = convert(op, network, theta, x)
    if estimator._last:
        y = op("Gather", y, np.array(-1), axis=0)
    elif form == "table":
        y = op("Squeeze", y, np.array([1]))
    else:
        y = op.swap(y)
    y = op("Mul", y, estimator._y_scaler.scale)
    return op("Add", y, estimator._y_scaler.mean)


def _check_start(estimator, with_state):
    if estimator._network.n_in > estimator._n_channels and not with_state:
        raise NotExportableError(
            "initial_state='estimated': the state is estimated from outputs measured "
            "before, which are no input of the graph, and from a fresh start it would "
            "say little. Export with with_state=True, and feed the state that "
            "model.warm_up(X_past, y_past) finds: see state_to_onnx."
        )


def _in_time(op, estimator, X, form):
    """Steps in time order, (n_steps, n_sequences, n_channels)."""
    if form == "table":
        return op("Unsqueeze", X, np.array([1]))
    n_channels = estimator._n_channels
    first = estimator.data_format == "channels_first" and estimator._form in (
        "rows",
        "array",
    )
    if form == "rows":
        shape = [0, n_channels, -1] if first else [0, -1, n_channels]
        X = op("Reshape", X, np.array(shape))
    x = op("Transpose", X, perm=[2, 0, 1] if first else [1, 0, 2])
    if form == "rows" and estimator.lag_order == "newest_first":
        x = op.slice(x, -1, -END, axis=0, step=-1)
    return x


def _scaled(op, x, scaler):
    """In standard units."""
    if scaler.mean.any():
        x = op("Sub", x, scaler.mean)
    if (scaler.scale != 1).any():
        x = op("Div", x, scaler.scale)
    return x


def _signature(op, estimator):
    """The input and the output of a graph, as ONNX describes them."""

    def described(name, *shape):
        make = op.onnx.helper.make_tensor_value_info
        return [make(name, op.element_type, [N_SEQUENCES, *shape])]

    n_channels, own_outputs = estimator._n_channels, [estimator.n_outputs_]
    steps = (N_STEPS, n_channels)
    if estimator._form == "rows":
        steps = (estimator.n_features_in_,)
    elif estimator._form == "array" and estimator.data_format == "channels_first":
        steps = steps[::-1]
    behind = [] if estimator._flat else own_outputs
    if not estimator._last:
        is_rows = estimator._form == "rows"
        n_steps = estimator.n_features_in_ // n_channels if is_rows else N_STEPS
        behind = [n_steps, *behind]
    return described("X", *steps), described("y", *behind)


def _states_of(op, estimator):
    """The parts of the state as inputs and outputs of a graph, as ONNX describes them.

    An input whose name is that of a constant is optional: the constant stands in.
    """
    make, before, after = op.onnx.helper, [], []
    for name, tensor in op.states_after.items():
        shape = [N_SEQUENCES, *op.constants[BEFORE + name].shape[1:]]
        free = [None, *shape[1:]]
        info = make.make_tensor_value_info
        before.append(info(BEFORE + name, op.element_type, free))
        after.append(info(AFTER + name, op.element_type, shape))
        op.nodes.append(make.make_node("Identity", [tensor], [AFTER + name]))
    return before, after


def _model(op, estimator, graph_inputs, graph_outputs, opset):
    onnx = op.onnx
    constants = [
        onnx.numpy_helper.from_array(values, name)
        for name, values in op.constants.items()
    ]
    name = type(estimator).__name__
    graph = onnx.helper.make_graph(
        op.nodes, name, graph_inputs, graph_outputs, constants
    )
    model = onnx.helper.make_model(
        graph,
        producer_name="sk_rnn",
        opset_imports=[onnx.helper.make_opsetid("", opset)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model)
    return model
