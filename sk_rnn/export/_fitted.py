"""What an export asks of an estimator, and the names of the parts of its state."""

from typing import Literal, TypeAlias

from sklearn.utils.validation import check_is_fitted

from ..estimators._regressor import SequenceRegressor
from ..layers import (
    ACTIVATIONS,
    Beside,
    Chain,
    Delay,
    Difference,
    Feedback,
    Mean,
    Recurrent,
)

#: Of the numbers in a graph.
Precision: TypeAlias = Literal["float32", "float64"]


class NotExportableError(ValueError):
    """What cannot be held in the format asked for, and why.

    It is a ValueError.

    See Also
    --------
    to_onnx : Says what it cannot hold.
    to_torch : Says what torch has no layer for.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import RNNRegressor
    >>> from sk_rnn.export import NotExportableError, to_torch
    >>> X = np.random.default_rng(0).standard_normal((20, 5))
    >>> model = RNNRegressor(hidden_layer_sizes=2, recurrence="integrator", max_iter=5)
    >>> try:
    ...     to_torch(model.fit(X, X[:, 0]))
    ... except NotExportableError as error:
    ...     print(error)
    torch has no layer for recurrence='integrator' or 'residual': its nn.RNN is the
    simple recurrence. Export it with to_onnx.
    """


def check_exportable(estimator, who):
    """Refuse what is no fitted estimator of this package."""
    if not isinstance(estimator, SequenceRegressor):
        raise TypeError(
            f"{who} takes a fitted estimator of sk_rnn; got "
            f"{type(estimator).__name__}. Of a search take its best_estimator_; a "
            "pipeline goes through skl2onnx, see register_skl2onnx."
        )
    check_is_fitted(estimator)


def entry_for(registry, key, what, where):
    """What a registry holds for a kind of layer or cell; exactly this kind, no parent.

    A subclass may compute something else.
    """
    if key not in registry:
        name = getattr(key, "__name__", key)
        raise NotExportableError(
            f"{name} cannot be exported: {where} has no entry for this {what}. Add a "
            f"function to it that says how {name} computes."
        )
    return registry[key]


def activation_name(activation):
    """The name under which an activation is registered, or None."""
    # Equal, and not the same: those of a copied network are copies.
    return next((name for name, own in ACTIVATIONS.items() if own == activation), None)


def joined(*names):
    """The name of a layer within another, as those of parameters are put together."""
    return ".".join(filter(None, names))


def named_parts(layer, parts, name=""):
    """Yield the arrays of a state of the network by name.

    Parameters
    ----------
    layer : Layer
    parts : object
        A state of it; see `Layer.forward`.
    name : str
        Of the layer.

    Yields
    ------
    name : str
        ``hidden0.h``, say.
    part : ndarray of shape (n_sequences, ...)
        What has no entries is left out.
    """
    if isinstance(layer, Chain):
        for own, inner, part in zip(layer.names, layer.layers, parts, strict=True):
            yield from named_parts(inner, part, joined(name, own))
    elif isinstance(layer, Mean):
        for k, (member, part) in enumerate(zip(layer.members, parts, strict=True)):
            yield from named_parts(member, part, joined(name, f"member{k}"))
    elif isinstance(layer, Beside):
        yield from named_parts(layer.network, parts, name)
    else:
        for own, part in _own_parts(layer, parts):
            if part[:1].size:
                yield joined(name, own), part


def _own_parts(layer, parts):
    if isinstance(layer, Recurrent):
        return list(zip("hc", parts, strict=False))
    if isinstance(layer, Delay):
        return [("past", parts)]
    if isinstance(layer, Difference):
        return [("before", parts)]
    if isinstance(layer, Feedback):
        return [("line", parts.line)]
    return []
