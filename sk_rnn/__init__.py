"""Models with memory for scikit-learn."""

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

__version__ = "0.1.0"

__all__ = [
    "AutoRegressor",
    "GRURegressor",
    "LSTMRegressor",
    "NARXRegressor",
    "RNNRegressor",
    "State",
    "TDNNRegressor",
    "forecast",
]
