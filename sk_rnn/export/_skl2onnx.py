"""A converter for skl2onnx, so that pipelines can be exported."""

from .._packages import required
from ..estimators._regressor import SequenceRegressor
from ._fitted import NotExportableError
from ._graph import Graph
from ._onnx import outputs


def register_skl2onnx() -> None:
    """Make all estimators of this package known to skl2onnx.

    ``skl2onnx.to_onnx`` then takes pipelines that end with one. The graph takes and
    returns what the pipeline does: rows, or a table whose rows are the steps of a
    single sequence, from a fresh start. It computes in single precision, or where the
    input is double in double.

    As skl2onnx has it, the output has an axis of outputs, also where there is one:
    (n_samples, n_outputs), or (n_sequences, n_steps, n_outputs) for targets at every
    step of rows.

    Estimators of your own, subclasses of `RecurrentRegressor`, are registered, too, if
    they exist by then.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    See Also
    --------
    to_onnx : For an estimator alone, and for states.

    Notes
    -----
    Conversion raises a NotExportableError for a model of a table with a
    ``sequence_column``: in a graph nothing can tell where its sequences begin. Take
    out the estimator and export it with :func:`to_onnx`, for sequences as an array. It
    raises one, too, for what :func:`to_onnx` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> import skl2onnx
    >>> from onnxruntime import InferenceSession
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from sk_rnn import LSTMRegressor
    >>> from sk_rnn.export import register_skl2onnx
    >>> register_skl2onnx()
    >>> X = np.random.default_rng(0).standard_normal((60, 10)).astype("float32")
    >>> lstm = LSTMRegressor(hidden_layer_sizes=4, random_state=0)
    >>> model = make_pipeline(MinMaxScaler(), lstm).fit(X, X[:, 7])
    >>> graph = skl2onnx.to_onnx(model, X[:1])
    >>> session = InferenceSession(graph.SerializeToString())
    >>> (y,) = session.run(None, {"X": X})
    >>> y.shape, bool(np.allclose(y[:, 0], model.predict(X), atol=1e-5))
    ((60, 1), True)
    """
    skl2onnx = required("skl2onnx", "register_skl2onnx", "onnx")
    for kind in _all_kinds(SequenceRegressor):
        alias = f"SkRnn{kind.__name__}"
        skl2onnx.update_registered_converter(kind, alias, _describe, _convert)


class _Graph(Graph):
    """A graph within that of skl2onnx."""

    def lengths(self, x):
        # skl2onnx cannot sort a node with an operand that is left out.
        shape = self("Shape", x)
        n_steps, n = self.slice(shape, 0, 1, 0), self.slice(shape, 1, 2, 0)
        all_of_them = self("Expand", n_steps, n)
        return self("Cast", all_of_them, to=self.onnx.TensorProto.INT32)


def _all_kinds(kind):
    """All subclasses, of any generation."""
    for child in kind.__subclasses__():
        yield child
        yield from _all_kinds(child)


def _describe(operator):
    """Tell skl2onnx the types and shapes of the outputs."""
    data_types = required("skl2onnx.common.data_types", "register_skl2onnx", "onnx")
    model, given = operator.raw_operator, operator.inputs[0].type
    _check_form(model)
    is_double = isinstance(given, data_types.DoubleTensorType)
    kind = data_types.DoubleTensorType if is_double else data_types.FloatTensorType
    shape = [given.shape[0], model.n_outputs_]
    if model._form != "table" and not model._last:
        shape.insert(1, model.n_features_in_ // model._n_channels)
    operator.outputs[0].type = kind(shape)


def _check_form(model):
    if model.sequence_column is not None:
        raise NotExportableError(
            f"sequence_column={model.sequence_column!r}: in a graph nothing can tell "
            "where the sequences of a table begin. Export the estimator alone with "
            "sk_rnn.export.to_onnx, which takes them as an array."
        )
    if model._form not in ("rows", "table"):
        raise NotExportableError(
            "The model was fitted to sequences in a list or a 3-D array, which "
            "skl2onnx does not know. Export it with sk_rnn.export.to_onnx."
        )


def _convert(scope, operator, container):
    """Add the nodes of an estimator to skl2onnx's graph."""
    data_types = required("skl2onnx.common.data_types", "register_skl2onnx", "onnx")
    model, (given,), (y,) = operator.raw_operator, operator.inputs, operator.outputs
    is_double = isinstance(y.type, data_types.DoubleTensorType)
    op = _Graph(
        "float64" if is_double else "float32",
        prefix=scope.get_unique_variable_name("sk_rnn") + "_",
    )
    X = given.full_name
    if not isinstance(given.type, type(y.type)):
        X = op("Cast", X, to=op.element_type)
    found = outputs(op, model, X, model._form)
    for name, values in op.constants.items():
        tensor = op.onnx.numpy_helper.from_array(values, name)
        container.add_initializer(name, tensor.data_type, values.shape, tensor)
    for node in op.nodes:
        value = op.onnx.helper.get_attribute_value
        attributes = {a.name: value(a) for a in node.attribute}
        container.add_node(
            node.op_type,
            list(node.input),
            list(node.output),
            name=scope.get_unique_operator_name(node.name),
            **attributes,
        )
    container.add_node(
        "Identity",
        [found],
        [y.full_name],
        name=scope.get_unique_operator_name("sk_rnn"),
    )
