"""What of scikit-learn is used besides its public interface: all of it is here."""

from collections.abc import Callable, Iterator
from numbers import Integral, Real
from sys import float_info
from typing import Any, Self, TypeVar

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import _check_sample_weight

from ._typing import ArrayLike, Int

Function = TypeVar("Function", bound=Callable[..., Any])

#: True to mypy, which knows nothing of scikit-learn: a base class or a decorator of
#: which nothing is known would let any call pass. Others read scikit-learn itself.
MYPY = False

if MYPY:

    def _fit_context(
        *, prefer_skip_nested_validation: bool
    ) -> Callable[[Function], Function]: ...
    def validate_params(
        constraints: dict, *, prefer_skip_nested_validation: bool
    ) -> Callable[[Function], Function]: ...
    def with_callbacks(method: Function) -> Function: ...
    def available_if(check: Callable) -> Callable[[Function], Function]: ...

    class CallbackSupportMixin:
        def set_callbacks(self, *callbacks: Any) -> Self: ...

    class BaseEstimator:
        n_features_in_: int
        feature_names_in_: np.ndarray

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def get_metadata_routing(self) -> Any: ...
        def set_fit_request(self, **requests: bool | str | None) -> Self: ...
        def __sklearn_tags__(self) -> Any: ...

    class RegressorMixin:
        def set_predict_request(self, **requests: bool | str | None) -> Self: ...
        def set_score_request(self, **requests: bool | str | None) -> Self: ...

    class TransformerMixin:
        def __init_subclass__(cls, **kwargs: Any) -> None: ...

    class TimeSeriesSplit:
        n_splits: int

        def __init__(
            self,
            n_splits: Int = 5,
            *,
            max_train_size: Int | None = None,
            test_size: Int | None = None,
            gap: Int = 0,
        ) -> None: ...
        def get_n_splits(
            self, X: Any = ..., y: Any = ..., groups: Any = ...
        ) -> int: ...
        def get_metadata_routing(self) -> Any: ...
        def set_split_request(self, **requests: bool | str | None) -> Self: ...
        def split(
            self, X: ArrayLike, y: Any = None, groups: ArrayLike | None = None
        ) -> Iterator[tuple[np.ndarray, np.ndarray]]: ...

else:
    from sklearn.base import (
        BaseEstimator,
        RegressorMixin,
        TransformerMixin,
        _fit_context,
    )
    from sklearn.model_selection import TimeSeriesSplit
    from sklearn.utils._param_validation import validate_params
    from sklearn.utils.metaestimators import available_if

    try:
        from sklearn.callback import CallbackSupportMixin, with_callbacks
    except ImportError:  # scikit-learn < 1.9

        class CallbackSupportMixin:
            """No callbacks before scikit-learn 1.9."""

        def with_callbacks(method):
            return method


#: No count is larger; Python's lengths end at twice as much.
LARGEST = 2**62


class Number(Interval):
    """A number in a range: an int or a float, of Python or NumPy, and no bool."""

    def is_satisfied_by(self, value):
        if not isinstance(value, int | float | np.integer | np.floating):
            return False  # a Fraction, of which NumPy knows nothing
        if isinstance(value, bool) or abs(value) > float_info.max:
            return False
        return super().is_satisfied_by(value)

    def __str__(self):
        return super().__str__().replace(str(LARGEST), "2**62")


def at_least(low, kind=Integral):
    """What scikit-learn's constraints say of a number of a kind, not below `low`."""
    if kind is Integral:
        return Number(kind, low, LARGEST, closed="both")
    return Number(kind, low, None, closed="left")


def above(low):
    """The same of a real number above `low`."""
    return Number(Real, low, None, closed="neither")


def are_counts(values, low):
    """Whether all are ints, not below `low`."""
    return all(map(at_least(low).is_satisfied_by, values))


def check_parameters(name, constraints, **values):
    """Check the arguments of a function or method against scikit-learn's constraints.

    Parameters
    ----------
    name : str
        Of the function, for the message.
    constraints : dict of str to list
    **values : object
        The arguments by name.
    """
    validate_parameter_constraints(constraints, values, caller_name=name)


def begin_callbacks(estimator, max_iter, data):
    """Tell the callbacks of an estimator that its fit begins; None without support."""
    if not hasattr(estimator, "_init_callback_context"):
        return None
    context = estimator._init_callback_context(max_subtasks=max_iter)
    context.call_on_fit_task_begin(estimator=estimator, **data)
    return context


def is_of_callbacks(name):
    """Whether an attribute belongs to scikit-learn's callbacks, not to the model."""
    return "callback" in name


def has_callbacks(estimator):
    """Whether an estimator has callbacks that want to hear of iterations."""
    return bool(getattr(estimator, "_skl_callbacks", None))


def accepts_sample_weight(scorer):
    """Whether the function of a scorer takes a sample_weight."""
    return scorer._accept_sample_weight()


__all__ = [
    "BaseEstimator",
    "RegressorMixin",
    "TimeSeriesSplit",
    "TransformerMixin",
    "available_if",
    "above",
    "are_counts",
    "at_least",
    "CallbackSupportMixin",
    "Number",
    "StrOptions",
    "_check_sample_weight",
    "_fit_context",
    "_safe_indexing",
    "accepts_sample_weight",
    "begin_callbacks",
    "check_parameters",
    "has_callbacks",
    "is_of_callbacks",
    "validate_params",
    "with_callbacks",
]
