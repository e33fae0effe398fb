"""States as the tensors that a graph takes and returns."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._compat import StrOptions, check_parameters
from .._typing import Arrays, Ints
from ..data._state import State
from ._fitted import Precision, check_exportable, named_parts
from ._graph import AFTER, BEFORE


def state_to_onnx(
    estimator: Any, state: State, dtype: Precision = "float32"
) -> dict[str, np.ndarray]:
    """Make the tensors of a state, to be fed to a graph.

    A graph that was made with ``with_state=True`` then goes on where the estimator was.

    Parameters
    ----------
    estimator : estimator
        The fitted estimator that the graph was made of.
    state : State
        From its `warm_up`, or from ``predict(..., return_state=True)``.
    dtype : {"float32", "float64"}, default="float32"
        That of the graph.

    Returns
    -------
    dict of str to ndarray
        The parts of the state by the names of the inputs of the graph, sequence by
        sequence along the first axis.

    Raises
    ------
    ValueError, TypeError
        For a state of another model.

    See Also
    --------
    to_onnx : With ``with_state=True``; has a table of these names.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import LSTMRegressor
    >>> from sk_rnn.export import state_to_onnx
    >>> u = np.random.default_rng(0).standard_normal((60, 1))
    >>> model = LSTMRegressor(hidden_layer_sizes=4, time_axis=0, max_iter=20)
    >>> model = model.fit(u, np.cumsum(u))
    >>> tensors = state_to_onnx(model, model.warm_up(u))
    >>> {name: tensor.shape for name, tensor in tensors.items()}
    {'state.hidden0.h': (1, 4), 'state.hidden0.c': (1, 4)}
    """
    options = {"dtype": [StrOptions({"float32", "float64"})]}
    check_parameters("state_to_onnx", options, dtype=dtype)
    check_exportable(estimator, "state_to_onnx")
    estimator._check_state(state)
    return {
        BEFORE + name: part.astype(dtype)
        for name, part in named_parts(estimator._network, state._parts)
    }


def state_from_onnx(
    estimator: Any, tensors: Arrays, n_steps: Ints, ids: Sequence | None = None
) -> State:
    """Make a state of the tensors that a graph returned.

    The estimator then goes on where the graph was.

    Parameters
    ----------
    estimator : estimator
        The fitted estimator that the graph was made of.
    tensors : dict of str to ndarray
        All parts of the state, by the names of the outputs of the graph
        (``next_state.NAME``). Others are not looked at.
    n_steps : int or sequence of int
        How many steps of the sequences were read since their beginning.
    ids : sequence, default=None
        Their values of the ``sequence_column``, for a model that has one.

    Returns
    -------
    State
        For ``predict(X, state=...)`` and others.

    Raises
    ------
    ValueError
        For parts that are missing, or of another shape.

    See Also
    --------
    state_to_onnx : The way back.
    to_onnx : With ``with_state=True``; has a table of these names.

    Examples
    --------
    >>> import numpy as np
    >>> from onnxruntime import InferenceSession
    >>> from sk_rnn import RNNRegressor
    >>> from sk_rnn.export import state_from_onnx, to_onnx
    >>> X = np.random.default_rng(0).standard_normal((9, 20, 1)).astype("float32")
    >>> model = RNNRegressor(hidden_layer_sizes=4, random_state=0, max_iter=20)
    >>> model = model.fit(X, np.cumsum(X, axis=1))
    >>> graph = to_onnx(model, with_state=True)
    >>> session = InferenceSession(graph.SerializeToString())
    >>> names = [output.name for output in session.get_outputs()]
    >>> names
    ['y', 'next_state.hidden0.h']
    >>> found = dict(zip(names, session.run(names, {"X": X[:, :15]})))
    >>> state = state_from_onnx(model, found, n_steps=15)
    >>> rest = model.predict(X[:, 15:], state=state)
    >>> bool(np.allclose(rest, model.predict(X)[:, 15:], atol=1e-5))
    True
    """
    check_exportable(estimator, "state_from_onnx")
    needed = dict(named_parts(estimator._network, estimator._fresh(1)))
    missing = [AFTER + name for name in needed if AFTER + name not in tensors]
    if missing:
        raise ValueError(f"tensors lack {missing}, which are parts of the state.")
    given = {name: np.asarray(tensors[AFTER + name]) for name in needed}
    n = len(next(iter(given.values()))) if given else np.size(n_steps)
    parts = estimator._fresh(n)
    for name, part in named_parts(estimator._network, parts):
        if given[name].shape != part.shape:
            raise ValueError(
                f"{AFTER + name} has the shape {given[name].shape}; that of {n} "
                f"sequence(s) is {part.shape}."
            )
        part[...] = given[name]
    return _state(estimator, parts, n, n_steps, ids)


def _state(estimator, parts, n, n_steps, ids):
    """A State of parts of the network."""
    if (ids is None) != (estimator.sequence_column is None):
        raise ValueError(
            f"sequence_column={estimator.sequence_column!r}, but ids={ids!r}: they are "
            "the values of that column, and are given if there is one."
        )
    if ids is not None and len(ids) != n:
        raise ValueError(f"ids has {len(ids)} entries for {n} sequence(s).")
    if np.size(n_steps) not in (1, n):
        raise ValueError(f"n_steps has {np.size(n_steps)} entries for {n} sequence(s).")
    n_steps = tuple(int(k) for k in np.broadcast_to(n_steps, n))
    _tell_age(parts, n_steps)
    ids = None if ids is None else tuple(ids)
    return State(n, n_steps, ids, estimator._model, parts, None)


def _tell_age(parts, n_steps):
    """Tell the closed loops within parts how many steps they have simulated."""
    if hasattr(parts, "age"):
        parts.age[...] = n_steps
    elif isinstance(parts, list):
        for part in parts:
            _tell_age(part, n_steps)
