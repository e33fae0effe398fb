"""Models with memory for scikit-learn."""

from ._show_versions import show_versions
from ._version import __version__
from .data._state import State
from .estimators import (
    AutoRegressor,
    GRURegressor,
    LSTMRegressor,
    NARXRegressor,
    RNNRegressor,
    TDNNRegressor,
    forecast,
)
from .estimators._persistence import trusted

#: Names of the types that a saved estimator of sk_rnn may hold: what skops is to trust,
#: ``skops.io.load(file, trusted=sk_rnn.SKOPS_TRUSTED)``. All of them are plain data, or
#: functions of NumPy arrays.
SKOPS_TRUSTED = trusted(
    *(AutoRegressor, GRURegressor, LSTMRegressor),
    *(NARXRegressor, RNNRegressor, TDNNRegressor),
)

__all__ = [
    "SKOPS_TRUSTED",
    "AutoRegressor",
    "GRURegressor",
    "LSTMRegressor",
    "NARXRegressor",
    "RNNRegressor",
    "State",
    "TDNNRegressor",
    "__version__",
    "forecast",
    "show_versions",
]
