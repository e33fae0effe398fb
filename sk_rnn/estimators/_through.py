"""Forecasts through pipelines, searches and transformed targets."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._typing import ArrayLike, Columns, Float, Found, Int, Seed
from ..data._state import State
from ._documentation import document
from ._forecast import Options
from ._forecast import forecast as forecast_with
from ._outside import Outside
from ._regressor import SequenceRegressor


@document
def forecast(
    estimator: Any,
    X: ArrayLike,
    n_steps: Int,
    X_future: ArrayLike | None = None,
    *,
    quantiles: Sequence[Float] | np.ndarray | None = None,
    n_paths: Int = 500,
    random_state: Seed = None,
    state: State | None = None,
    return_paths: bool = False,
    as_frame: bool = False,
    target_columns: Columns | None = None,
) -> Found:
    """Forecast with a fitted model that stands in a pipeline, search or the like.

    Each forecast comes back as the next input, in the units of X and y as they are
    handed in: it passes through the transformers before the model with the other
    columns of its step, and what comes out passes back through the transformers of y.
    A model alone forecasts as by its own method.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of this package; or a Pipeline, a TransformedTargetRegressor,
        a search such as GridSearchCV or a FrozenEstimator around one, nested in any
        way.
    [forecast parameters]
    target_columns : str, int or sequence of them, default=None
        The columns of X as it is handed in here (names or positions) whose next values
        the outputs are. None: those of the model, where the transformers leave the
        number of columns as it is.

    Returns
    -------
    [forecast results]

    Raises
    ------
    TypeError
        If there is no estimator of this package inside.
    ValueError
        For columns that do not fit, too few steps in `X_future`, or a transformer that
        needs more than a single step (a rolling mean, say) and so cannot take the steps
        to come one by one.

    See Also
    --------
    GRURegressor.forecast : The method of a model that stands alone.
    sk_rnn.model_selection.backtest : Forecasts from many origins.
    sk_rnn.inspection.ForecastDisplay : A picture of a forecast.

    Notes
    -----
    Where rows are windows (2-D, ``time_axis=1``) and transformers stand before the
    model, they see whole windows. Each forecast then is that of a window that has moved
    on by one step, read from a fresh start, as in fit.

    Examples
    --------
    >>> import numpy as np
    >>> import sk_rnn
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> series = np.exp(0.1 * np.arange(40))[:, None]
    >>> model = sk_rnn.AutoRegressor(n_lags=1, time_axis=0)
    >>> model = make_pipeline(FunctionTransformer(np.log), model)
    >>> model = TransformedTargetRegressor(model, func=np.log, inverse_func=np.exp)
    >>> model = model.fit(series[:-1], series[1:, 0])
    >>> print(np.log(sk_rnn.forecast(model, series, n_steps=3)).round(2))
    [4.  4.1 4.2]
    """
    options = Options(quantiles, n_paths, random_state, return_paths, as_frame)
    outside = unwrap(estimator)
    return forecast_with(outside, X, n_steps, X_future, state, options, target_columns)


def unwrap(estimator):
    """Find the model inside a fitted pipeline, search or regressor on transformed y.

    Parameters
    ----------
    estimator : estimator
        One of this package; or a Pipeline, a TransformedTargetRegressor, a search such
        as GridSearchCV or a FrozenEstimator around one, nested in any way.

    Returns
    -------
    Outside

    Raises
    ------
    TypeError
        Where there is something else.
    NotFittedError
        Where something is not fitted.
    """
    of_X, of_y, inner = [], [], estimator
    while not isinstance(inner, SequenceRegressor):
        if isinstance(inner, Pipeline):
            of_X += [t for _, t in inner.steps[:-1] if t not in (None, "passthrough")]
            inner = inner.steps[-1][1]
        elif isinstance(inner, TransformedTargetRegressor):
            check_is_fitted(inner, "regressor_")
            of_y.append(inner.transformer_)
            inner = inner.regressor_
        elif hasattr(inner, "refit") and hasattr(inner, "cv"):
            check_is_fitted(inner, "best_estimator_")
            inner = inner.best_estimator_
        elif type(inner).__name__ == "FrozenEstimator":
            inner = inner.estimator
        else:
            kind = "regressor" if isinstance(inner, RegressorMixin) else "object"
            raise TypeError(
                "estimator must be a regressor of sk_rnn, or a Pipeline, a search or a "
                "TransformedTargetRegressor around one; found the "
                f"{kind} {type(inner).__name__}."
            )
    check_is_fitted(inner)
    return Outside(inner, of_X, of_y)
