"""What a saved estimator holds, and of which version it is."""

from inspect import isclass

from sklearn.exceptions import InconsistentVersionWarning

from .. import layers
from .._version import __version__
from .._warnings import warn_caller
from ..data._index import IndexEnd
from ..data._scaling import Scaler
from ..data._state import State
from ..data._trail import End, Trail
from ..layers import ACTIVATIONS, CELLS
from ..layers._feedback import LoopState
from ..layers._kernels import Layout
from ..numerics._activations import Activation
from ..solvers._adam import Course
from ..training._residuals import Residuals
from ._differencing import Differencing


class VersionWarning(InconsistentVersionWarning):
    """A fitted estimator was saved by another version of sk_rnn.

    What it predicts may differ, or it may fail. Where in doubt, fit it again.
    """

    def __init__(self, message):
        self.message = message

    def __str__(self):
        return self.message


class VersionedMixin:
    """Stamps what is pickled with the version of sk_rnn, and compares it again.

    It is scikit-learn's way, for scikit-learn stamps its own estimators alone.
    """

    def __getstate__(self):
        return {**super().__getstate__(), "_sk_rnn_version": __version__}

    def __setstate__(self, state):
        state = dict(state)
        version = state.pop("_sk_rnn_version", None)
        super().__setstate__(state)
        if version != __version__ and "_forward" in state:
            warn_caller(
                f"This {type(self).__name__} was fitted by version "
                f"{version or 'unknown'} of sk_rnn, and is read by version "
                f"{__version__}. What it predicts may differ. See "
                "https://scikit-learn.org/stable/model_persistence.html",
                VersionWarning,
            )


def trusted(*estimators):
    """Names of all types of ours that saved estimators hold, for skops."""
    kinds = [Activation, Differencing, IndexEnd, Layout, LoopState, Residuals, Scaler]
    kinds += [Course, End, State, Trail, range, *CELLS.values(), *estimators]
    kinds += [
        kind
        for name in layers.__all__
        if isclass(kind := getattr(layers, name)) and kind is not layers.Cell
    ]
    kinds += [function for pair in ACTIVATIONS.values() for function in pair]
    return sorted({f"{kind.__module__}.{kind.__qualname__}" for kind in kinds})
