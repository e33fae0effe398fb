"""The estimators: hyper-parameters, and the way from fit to predict."""

from ._autoregressive import AutoRegressor
from ._narx import NARXRegressor
from ._recurrent import (
    GRURegressor,
    LSTMRegressor,
    RecurrentRegressor,
    RNNRegressor,
)
from ._tdnn import TDNNRegressor
from ._through import forecast

__all__ = [
    "AutoRegressor",
    "GRURegressor",
    "LSTMRegressor",
    "NARXRegressor",
    "RNNRegressor",
    "RecurrentRegressor",
    "TDNNRegressor",
    "forecast",
]
