"""What of scikit-learn is used besides its public interface: all of it is here."""

from numbers import Integral, Real

from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)
from sklearn.utils.validation import _check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:
        """No callbacks before scikit-learn 1.9."""

    def with_callbacks(method):
        return method


def at_least(low, kind=Integral):
    """What scikit-learn's constraints say of a number of a kind, not below `low`."""
    return Interval(kind, low, None, closed="left")


def above(low):
    """The same of a real number above `low`."""
    return Interval(Real, low, None, closed="neither")


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
    "above",
    "at_least",
    "CallbackSupportMixin",
    "Interval",
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
