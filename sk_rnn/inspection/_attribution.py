"""How an output depends on each input value before it."""

from typing import Any

import numpy as np

from .._compat import at_least, check_parameters
from .._typing import ArrayLike, Int
from ..estimators._regressor import SequenceRegressor
from ..numerics._workspace import Workspace
from ._model import Model, check_kind, evenly_spaced

CONSTRAINTS = {"n_lags": [at_least(1), None], "n_targets": [at_least(1)]}


def attribution(
    estimator: Any, X: ArrayLike, *, n_lags: Int | None = None, n_targets: Int = 1
) -> np.ndarray:
    r"""Exact gradient of predictions by lag and channel.

    How much the prediction for step t of a sequence changes with the value of channel c
    that came k steps before it,

    .. math:: g_{k,c} = \frac{\partial \hat y_t}{\partial x_{t-k,c}},

    by back-propagation through time. Of a linear model these are its coefficients; of
    any other they belong to the sequence at hand: to first order, a small change dx of
    the inputs changes the prediction by ``sum(g * dx)``.

    Parameters
    ----------
    estimator : estimator
        One of the six fitted regressors. It is not changed.
    X : array-like or list of array-like
        Sequences in the form that `fit` saw; initial state and feedback are those of
        `predict`, so that a `NARXRegressor` runs free.
    n_lags : int, default=None
        How many steps are looked at, step t with them. None: as many as the longest
        sequence has.
    n_targets : int, default=1
        How many steps t of each sequence. 1 is its last step. More, for models that
        predict every step, are evenly spaced among the steps with `n_lags` - 1 steps
        before them, the last step with them: of one long table a few hundred show its
        average and its range. All of them if there are fewer; of a sequence shorter
        than `n_lags` the last step alone. Each costs one pass over `n_lags` steps in
        both directions, and inference over the steps before, whose state is the true
        one.

    Returns
    -------
    gradient : ndarray of shape (n_targets_in_all, n_outputs, n_lags, n_channels)
        In units of the data: of y per unit of x. ``gradient[i, j, k, c]`` belongs to
        target i, which is sequence i where `n_targets` is 1; with more, the targets of
        each sequence follow one another in time. Lag 0 is step t itself, the newest.
        Steps before the start of a sequence have no influence: 0.

    Raises
    ------
    TypeError
        If the estimator is not one of these regressors.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If X does not fit what `fit` saw; if `n_targets` is more than 1 and `n_lags` is
        None, or y had one value per sequence, for its last step.

    See Also
    --------
    AttributionDisplay : The picture.
    gradient_flow : The gradient inside of the network, by distance in time.

    Notes
    -----
    Computed in double precision whatever that of the estimator, without dropout. The
    state in which `predict` begins counts as given. Where a free run has diverged and
    is held, the gradient is zero, as that of a constant.

    References
    ----------
    K. Simonyan, A. Vedaldi & A. Zisserman, "Deep inside convolutional networks:
    visualising image classification models and saliency maps", arXiv 1312.6034 (2013).

    Examples
    --------
    The output is the value of two steps ago, halved, plus the newest one:

    >>> import numpy as np
    >>> from sk_rnn import TDNNRegressor
    >>> from sk_rnn.inspection import attribution
    >>> X = np.random.default_rng(0).standard_normal((200, 4))
    >>> y = 0.5 * X[:, 1] + X[:, 3]
    >>> model = TDNNRegressor(hidden_layer_sizes=(), alpha=0, tol=1e-12).fit(X, y)
    >>> gradient = attribution(model, X)
    >>> gradient.shape
    (200, 1, 4, 1)
    >>> print(abs(gradient).mean(axis=0)[0, :, 0].round(3))
    [1.  0.  0.5 0. ]
    """
    needs = "attribution needs a regressor of this package"
    check_kind(estimator, SequenceRegressor, needs)
    check_parameters("attribution", CONSTRAINTS, n_lags=n_lags, n_targets=n_targets)
    records = estimator._read(X)
    _check_targets(estimator, n_lags, n_targets)
    n_lags = int(records.lengths.max()) if n_lags is None else n_lags
    skip = np.minimum(n_lags, records.lengths) - 1
    record, step = evenly_spaced(records.lengths, skip, n_targets)
    gradient = np.mean(
        [
            _gradient(Model(estimator, records, k), record, step, n_lags)
            for k in range(len(estimator._members(None)))
        ],
        axis=0,
    )
    y_scale, x_scale = estimator._y_scaler.scale, estimator._x_scaler.scale
    # Measured outputs that a warm-up would show are no channels of X.
    gradient = gradient[..., : len(x_scale)]
    return gradient * (y_scale[:, None, None] / x_scale)


def _check_targets(estimator, n_lags, n_targets):
    if n_targets > 1 and estimator._last:
        raise ValueError(
            f"n_targets={n_targets}, but fit saw one target per sequence, for its last "
            "step, and there is no prediction for the others: take n_targets=1."
        )
    if n_targets > 1 and n_lags is None:
        raise ValueError(
            f"n_targets={n_targets} needs n_lags, the number of steps to look at up to "
            "each of them: every step of the sequence lies before the last one alone."
        )


def _gradient(model, record, step, n_lags):
    """Gradients of the outputs at some steps of records, in standard units."""
    network, theta, workspace = model.network, model.theta, Workspace()
    unused = np.zeros_like(theta)
    found = np.zeros((len(step), network.n_out, n_lags, network.n_in))
    for indices, x, steps, state in model.windows(record, step, n_lags):
        wanted, target = steps.tail(1), indices[steps.sequence]
        lag = steps.lengths[steps.sequence] - 1 - steps.step
        for k in range(network.n_out):
            # The way back leaves nothing of a pass for the next output.
            y, _, cache = network.forward(theta, x, steps, wanted, state, workspace)
            dy = np.zeros_like(y)
            dy[:, k] = 1
            dx = network.backward(theta, dy, cache, unused)
            found[target, k, lag] = dx
    return found
