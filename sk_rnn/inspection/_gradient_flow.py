"""How the gradient shrinks or grows on its way back in time."""

from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._compat import at_least, check_parameters
from .._typing import ArrayLike, Int
from ..data._state import take
from ..data._steps import Steps
from ..estimators._hyper_parameters import instantiate
from ..estimators._network import NetworkRegressor
from ..numerics._workspace import Workspace
from ..training._losses import LOSSES
from ._jacobian import state_singular_values
from ._model import Model, check_kind, evenly_spaced, hidden_layers

CONSTRAINTS = {
    "max_distance": [at_least(0), None],
    "n_targets": [at_least(1)],
    "n_singular_values": [at_least(0)],
}


def gradient_flow(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    max_distance: Int | None = None,
    n_targets: Int = 1,
    n_singular_values: Int = 3,
) -> Bunch:
    r"""Compute norms of the gradient of one step's loss by distance back in time.

    With L_t the loss of step t alone, z_k the pre-activations of a hidden layer at step
    k (of all its gates) and h_k its outputs, back-propagation through time gives

    .. math::

        \delta_{t,k} = \frac{\partial L_t}{\partial z_k}
                     = f'(z_k) \odot U^T \delta_{t,k+1}
        \quad\Longrightarrow\quad
        \|\delta_{t,k}\| \approx C \gamma^{t-k}

    (written for the simple recurrence; every cell is followed through its own
    equations). With gamma below 1 the gradient vanishes, and what happened long ago
    cannot be learnt; above 1 it explodes.

    Parameters
    ----------
    estimator : estimator
        A fitted `RNNRegressor`, `GRURegressor`, `LSTMRegressor`, `TDNNRegressor` or
        `NARXRegressor` with a hidden layer. It is not changed.
    X : array-like or list of array-like
        Sequences in the form that `fit` saw; initial state and feedback are those of
        `predict`, so that a `NARXRegressor` runs free.
    y : array-like or list of array-like, default=None
        Targets in the form that `fit` saw: L_t is then the estimator's loss at step t.
        None: L_t is the sum of the outputs, dL_t/dy_t = 1, so that the flow itself is
        seen and not the size of the errors. Both are in standard units of y.
    max_distance : int, default=None
        The largest distance t - k looked at. None: every distance that occurs.
    n_targets : int, default=1
        How many steps t of each record, evenly spaced among those that `washout` leaves
        and the last step with them; all of them if there are fewer. Each costs a pass
        over the record up to there, of which `max_distance` steps are kept in memory.
    n_singular_values : int, default=3
        How many singular values of the step Jacobian; 0 leaves them out.

    Returns
    -------
    flow : :class:`~sklearn.utils.Bunch`
        With the attributes

        layers : list of str of length n_layers
            Names of the hidden layers, as in ``weights_``; the first is next to the
            inputs. Rows of other entries are in their order.
        distance : ndarray of int of shape (n_distances,)
            0, 1, 2, ...
        n_pairs : ndarray of int of shape (n_distances,)
            How many pairs of record and target step reach so far back. A record shorter
            than a distance contributes nothing there.
        delta_norm : ndarray of shape (n_layers, n_distances)
            Euclidean norm of delta_{t,k} at distance t - k, the arithmetic mean over
            these pairs. Gates count as far as they see x: r, z, n of a GRU, o, i, f, g
            of an LSTM.
        state_norm : ndarray of shape (n_layers, n_distances)
            The same of dL_t/dh_k.
        gamma, state_gamma : ndarray of shape (n_layers,)
            Fitted to ``delta_norm`` and to ``state_norm`` by least squares of the
            logarithms. Distance 0, which the output layer rules, and norms that are
            zero, below the range of normal numbers or infinite are left out; nan where
            fewer than two remain.
        scale, state_scale : ndarray of shape (n_layers,)
            The C of these fits.
        singular_values : ndarray of shape (n_recurrent, n_steps, k)
            The largest singular values, in falling order, of the Jacobian of one step,
            dh_t/dh_{t-1} (of an LSTM d(h_t, c_t)/d(h_{t-1}, c_{t-1})), at the last
            ``max_distance + 1`` steps of the first record; for every layer with a
            state. The state of a `NARXRegressor` is the outputs fed back; a
            `TDNNRegressor` has none (n_recurrent = 0). The largest bounds the growth of
            the gradient on its way from one state to the state before. k is
            `n_singular_values`, or the size of the smallest state if that is less. nan
            where the Jacobian is not finite.

    Raises
    ------
    TypeError
        If the estimator is not one of these networks.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If it has no hidden layer, if X or y do not fit what `fit` saw, if no step is
        left behind `washout`, or if `n_targets` is not 1 where y has one value per
        sequence, or if y is missing (NaN) at one of the steps t.

    See Also
    --------
    GradientFlowDisplay : The picture.
    attribution : The gradient of predictions by the inputs.

    Notes
    -----
    Gradients are exact (no truncation, no clipping, no dropout) and computed in double
    precision whatever that of the estimator. Where a free run has diverged and is held,
    they are zero. A linear path beside the network (``skip="linear"``) has no units;
    what is seen is the network, with the loss that both have together.

    References
    ----------
    S. Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", diploma thesis,
    TU München (1991). Y. Bengio, P. Simard & P. Frasconi, "Learning long-term
    dependencies with gradient descent is difficult", IEEE Trans. Neural Networks 5
    (1994), 157-166. R. Pascanu, T. Mikolov & Y. Bengio, "On the difficulty of training
    recurrent neural networks", ICML 2013, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import RNNRegressor
    >>> from sk_rnn.inspection import gradient_flow
    >>> X = np.random.default_rng(0).standard_normal((50, 30))
    >>> y = X[:, -2:].sum(axis=1)
    >>> simple = RNNRegressor(hidden_layer_sizes=8, random_state=0)
    >>> flow = gradient_flow(simple.fit(X, y), X)
    >>> flow.delta_norm.shape
    (1, 30)
    >>> print(flow.gamma < 0.95)
    [ True]
    >>> integrator = simple.set_params(recurrence="integrator").fit(X, y)
    >>> print(gradient_flow(integrator, X).state_gamma.round(3))
    [1.]
    """
    needs = (
        "gradient_flow needs a network of this package with hidden layers (an RNN, "
        "GRU, LSTM, TDNN or NARXRegressor)"
    )
    check_kind(estimator, NetworkRegressor, needs)
    parameters = {
        "max_distance": max_distance,
        "n_targets": n_targets,
        "n_singular_values": n_singular_values,
    }
    check_parameters("gradient_flow", CONSTRAINTS, **parameters)
    records = estimator._read(X)
    hidden = hidden_layers(estimator, "gradient_flow")
    model = Model(estimator, records)
    record, step = _pairs(records.lengths, estimator.washout, n_targets)
    slope = _slopes(estimator, records, y, record, step, n_targets)
    n_distances = int(step.max()) + 1
    if max_distance is not None:
        n_distances = min(n_distances, max_distance + 1)
    with np.errstate(over="ignore", invalid="ignore"):
        found = _mean_norms(model, len(hidden), record, step, slope, n_distances)
        values = _singular_values(model, n_distances, n_singular_values)
    delta, state, n_pairs = found
    distance = np.arange(n_distances)
    gamma, scale = _fit(distance, delta)
    state_gamma, state_scale = _fit(distance, state)
    return Bunch(
        layers=hidden,
        distance=distance,
        n_pairs=n_pairs,
        delta_norm=delta,
        state_norm=state,
        gamma=gamma,
        scale=scale,
        state_gamma=state_gamma,
        state_scale=state_scale,
        singular_values=values,
    )


def _pairs(lengths, washout, n_targets):
    """Target steps of all records, among those that the washout leaves."""
    record, step = evenly_spaced(lengths, washout, n_targets)
    if not len(record):
        raise ValueError(
            f"washout={washout} leaves no step with a loss: the longest record has "
            f"{lengths.max()} step(s)."
        )
    return record, step


def _slopes(estimator, records, y, record, step, n_targets):
    """Function (outputs, indices of pairs) -> dL/dy."""
    if y is None:
        return lambda y_pred, _: np.ones_like(y_pred)
    targets = estimator._read_known_targets(y, records)
    if targets.last and n_targets > 1:
        raise ValueError(
            f"n_targets={n_targets}, but y has one value per sequence, for its last "
            "step: take n_targets=1, or leave y out."
        )
    rows = record if targets.last else records.starts[record] + step
    wanted = estimator._y_scaler.transform(targets.values[rows].astype(float))
    if np.isnan(wanted).any():
        raise ValueError(
            "y is missing (NaN) at a step whose loss is looked at: fill it in, or "
            "leave y out, so that the flow of the outputs themselves is seen."
        )
    loss = instantiate(LOSSES[estimator.loss], estimator)
    return lambda y_pred, pairs: loss.gradient(y_pred, wanted[pairs])


def _mean_norms(model, n_hidden, record, step, slope, n_distances):
    """Means over the pairs at each distance: of dL/dz, of dL/dh; and their number."""
    total = np.zeros((2, n_hidden, n_distances))
    n_pairs = np.zeros(n_distances, int)
    for window in model.windows(record, step, n_distances):
        steps = window.steps
        distance = steps.lengths[steps.sequence] - 1 - steps.step
        n_pairs += np.bincount(distance, minlength=n_distances)
        for k, gradients in enumerate(_unit_gradients(model, window, slope)):
            for sums, rows in zip(total[:, k], gradients, strict=True):
                sums += np.bincount(distance, _norms(rows), n_distances)
    return *(total / n_pairs), n_pairs


def _unit_gradients(model, window, slope):
    """(dz, dh) of each hidden layer: one pass, and back from the last steps.

    `slope` makes dL/dy of the outputs there and of the indices of their pairs.
    """
    x, steps, passed, workspace = window.x, window.steps, [], Workspace()
    for layer, theta, own in model.layers(window.state):
        x, _, cache = layer.forward(theta, x, steps, steps, own, workspace)
        passed.append((layer, theta, cache))
    dy = np.zeros_like(x)
    dy[steps.ends] = slope(model.outputs(window), window.indices)
    found = []
    for layer, theta, cache in reversed(passed):
        given, unused = dy.copy(), np.zeros_like(theta)
        dy = layer.backward(theta, dy, cache, unused)
        found = layer.unit_gradients(theta, given, cache) + found
    return found[:-1]  # the last is the output


def _singular_values(model, n_last, n_values):
    """Of the step Jacobians of all layers with a state; see `gradient_flow`."""
    n_steps = int(model.lengths[0])
    n_last = min(n_last, n_steps)
    x, steps, found = model.x[:n_steps], Steps([n_steps]), []
    for layer, theta, own in model.layers(take(model.state, [0])):
        if layer.reach is None:
            values, x = state_singular_values(layer, theta, x, own, n_last, n_values)
            found.append(values)
        else:
            x, _, _ = layer.forward(theta, x, steps, steps, own)
    k = min((values.shape[1] for values in found), default=0)
    return np.array([v[:, :k] for v in found]).reshape(len(found), n_last, k)


def _norms(rows):
    """Euclidean norms of rows whose squares may be too small or large for a number."""
    largest = np.abs(rows).max(axis=1)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1)
    return scale * np.sqrt(((rows / scale[:, None]) ** 2).sum(axis=1))


def _fit(distance, norms):
    """Least squares of ``log norm = log scale + distance log gamma``, row by row."""
    found = np.full((len(norms), 2), np.nan)
    for k, norm in enumerate(norms):
        use = (distance > 0) & np.isfinite(norm) & (norm > np.finfo(float).tiny)
        if use.sum() > 1:
            found[k] = np.polyfit(distance[use], np.log(norm[use]), 1)
    return np.exp(found).T
