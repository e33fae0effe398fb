"""Forecasts: point, quantiles, and their form."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from .._compat import at_least, check_parameters
from .._typing import Int
from .._warnings import quiet, warn_caller
from ..data._frames import is_frame, names_of, positions
from ..data._future import container
from ..layers import one_thread
from ._continuation import Continuation, MovingWindows, ThroughTransformers
from ._future_index import future_frame

#: Sequences times paths that go on at once.
PATHS_AT_ONCE = 2**15

DIVERGED = (
    "the model is unstable when its outputs are fed back, or they left the range in "
    "which the transformation of y can be inverted"
)


@dataclass
class Options:
    """What a user can ask of a forecast; see `SequenceRegressor.forecast`."""

    quantiles: object = None
    n_paths: Int = 500
    random_state: object = None
    return_paths: bool = False
    as_frame: bool = False
    return_std: bool = False

    @property
    def sampled(self):
        """Whether what is asked for needs more than the outputs themselves."""
        return self.quantiles is not None or self.return_paths


def forecast(outside, X, n_steps, X_future, state, options, target_columns=None):
    """Forecast with a model inside of whatever.

    Returns
    -------
    y : ndarray or DataFrame
        Alone, or in a tuple before what `options` asks for.
    """
    model, X = outside.model, container(X)
    check_parameters("forecast", {"n_steps": [at_least(1)]}, n_steps=n_steps)
    n_steps = int(n_steps)
    quantiles = check_options(options)
    if outside.of_X or X_future is not None or options.as_frame:
        _check_kind(X)
    targets = target_positions(outside, X, target_columns)
    with one_thread():
        steps = continuation(outside, X, targets, n_steps, options)
        steps.from_the_ends(state, X_future)
        y, *more = go_on(steps, quantiles, options)
    if options.as_frame:
        return future_frame(model, steps, y, more, quantiles, options)
    found = [_shape(model, steps.records, values) for values in (y, *more)]
    return found[0] if len(found) == 1 else tuple(found)


def continuation(outside, X, targets, n_steps, options):
    """Who goes on in X, whatever stands before the model."""
    outside.model._check_feedback(n_steps > 1 or options.sampled)
    kind = Continuation
    if outside.of_X:
        is_rows = outside.model._form == "rows"
        kind = MovingWindows if is_rows else ThroughTransformers
    return kind(outside, X, targets, n_steps - 1)


def go_on(steps, quantiles, options):
    """Forecasts of all sequences.

    Returns
    -------
    list of ndarray of shape (n_sequences, n_steps, n_outputs, ...)
        Point forecasts; standard deviations, quantiles and paths as wanted.
    """
    n_steps = steps.n_future + 1
    with quiet():  # told by _warn_of_divergence
        return _go_on(steps, n_steps, quantiles, options)


def _go_on(steps, n_steps, quantiles, options):
    found = [_roll(steps, np.arange(steps.n_sequences), n_steps)]
    y, std = found[0], None
    if steps.outside.is_bare:
        std = steps.model._forecast_std(n_steps, steps.places)
    if options.return_std:
        found.append(np.broadcast_to(std, y.shape).astype(y.dtype))
    if quantiles is not None and std is not None:
        band = y[..., None] + std[..., None] * norm.ppf(quantiles)
        found.append(band.astype(y.dtype))
        quantiles = None
    if quantiles is not None or options.return_paths:
        found += _sampled(steps, n_steps, quantiles, options)
    return found


def _check_kind(X):
    """Refuse frames whose steps cannot be put together here."""
    first = X[0] if isinstance(X, list | tuple) else X
    if is_frame(first) and not hasattr(first, "iloc"):
        raise TypeError(
            "Steps to come are put together in frames of pandas or in arrays; X is a "
            f"{type(first).__module__.partition('.')[0]} {type(first).__name__}: pass "
            "X.to_pandas()."
        )


def check_options(options):
    """The quantiles as an array, or None; all options checked."""
    check_parameters(
        "forecast",
        {
            "n_paths": [at_least(2)],
            "random_state": ["random_state"],
            "return_paths": ["boolean"],
            "as_frame": ["boolean"],
        },
        n_paths=options.n_paths,
        random_state=options.random_state,
        return_paths=options.return_paths,
        as_frame=options.as_frame,
    )
    if options.quantiles is None:
        return None
    try:
        quantiles = np.asarray(options.quantiles, float)
    except (TypeError, ValueError):
        quantiles = np.zeros(0)
    if (
        quantiles.ndim != 1
        or not len(quantiles)
        or not ((quantiles > 0) & (quantiles < 1)).all()
    ):
        raise ValueError(
            "quantiles must be a sequence of numbers between 0 and 1, such as (0.1, "
            f"0.9); got {options.quantiles!r}."
        )
    return quantiles


def target_positions(outside, X, columns):
    """Positions of the outputs among the columns of X as the outside has it."""
    model = outside.model
    told = columns is not None or model.target_columns is not None
    if not told and outside.are_next is False:
        raise ValueError(
            "forecast feeds the outputs back as the next inputs, but the y that fit "
            "saw is not the next value of X. Where other inputs drive the model, hand "
            "these to predict(X_future, state=warm_up(X, y)). Behind a scaler, use "
            "sk_rnn.forecast with the whole pipeline. If the outputs are next values "
            "all the same, say so: target_columns=..."
        )
    if columns is None and not outside.of_X:
        return model._target_positions()
    first = X[0] if isinstance(X, list | tuple) else X
    names, n_columns = names_of(first), _n_columns(model, X)
    if columns is None and n_columns != model._n_columns:
        raise ValueError(
            f"The transformers before the model make {model._n_columns} columns of "
            f"the {n_columns} of X: say of which columns of X the outputs are the next "
            "values, target_columns=..."
        )
    if columns is None:
        columns = model.target_columns
    if columns is None:
        columns = [k for k in range(n_columns) if k != model._sequence_position()]
    found = positions(columns, names, n_columns)
    if len(found) != model.n_outputs_:
        raise ValueError(
            "forecast feeds the outputs back as inputs, which needs to know which "
            f"columns of X they are the next values of: the model has "
            f"{model.n_outputs_} output(s), target_columns names {len(found)} of the "
            f"{n_columns} column(s)."
        )
    return found


def _n_columns(model, X):
    """Columns of X; of a single step where rows hold several."""
    if model._form == "rows":
        return model._n_columns
    axis = -1
    if model._form == "array" and model.data_format == "channels_first":
        axis = 1
    return np.shape(X[0] if isinstance(X, list | tuple) else X)[axis]


def _roll(steps, which, n_steps, noise=None):
    """Outputs of some sequences, (n, n_steps, n_outputs), with noise on each."""
    model, outside = steps.model, steps.outside
    rows, parts = steps.begin(which)
    out = np.empty((len(which), n_steps, model.n_outputs_), rows.dtype)
    for k in range(n_steps):
        if k:
            if outside.of_X and not np.isfinite(out[:, k - 1]).all():
                raise ValueError(
                    f"A forecast {k} step(s) ahead is not finite, and cannot pass "
                    f"through the transformers: {DIVERGED}."
                )
            rows, parts = steps.step(k - 1, out[:, k - 1], parts, which)
        if noise is not None:
            rows = rows + noise[:, k]
            parts = steps.corrected(parts, rows)
        out[:, k] = outside.inverse_transform(model._y_scaler.inverse_transform(rows))
    if noise is None:
        steps.check(parts)
    _warn_of_divergence(out, noise is not None)
    return out


def _warn_of_divergence(out, is_sampled):
    lost = ~np.isfinite(out).all(axis=2)
    if lost.any():
        what = f"{lost.any(axis=1).sum()} of {len(out)} "
        what += "sampled path(s)" if is_sampled else "forecast(s)"
        warn_caller(
            f"{what} are not finite from {lost.any(axis=0).argmax() + 1} step(s) ahead "
            f"on: {DIVERGED}.",
            ConvergenceWarning,
        )


def _sampled(steps, n_steps, quantiles, options):
    """Paths that feed back outputs with noise: their quantiles, and they themselves."""
    rng, n_paths = check_random_state(options.random_state), options.n_paths
    at_once, found = max(1, PATHS_AT_ONCE // n_paths), []
    for first in range(0, steps.n_sequences, at_once):
        which = np.arange(first, min(first + at_once, steps.n_sequences))
        noise = steps.model._noise(rng, len(which) * n_paths, n_steps)
        paths = _roll(steps, np.repeat(which, n_paths), n_steps, noise)
        paths = paths.reshape(len(which), n_paths, *paths.shape[1:])
        part = [np.moveaxis(paths, 1, -1)] * options.return_paths
        if quantiles is not None:
            of_paths = np.quantile(paths, quantiles, axis=1).astype(paths.dtype)
            part.insert(0, np.moveaxis(of_paths, 0, -1))
        found.append(part)
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _shape(model, records, values):
    """Forecasts (n_sequences, n_steps, n_outputs, ...) in the form that y has."""
    values = values[:, :, 0] if model._flat else values
    return values[0] if records.is_one_table else values
