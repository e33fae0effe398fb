"""Models with memory for scikit-learn."""

from ._autoregressive import AutoRegressor
from ._narx import NARXRegressor
from ._recurrent import GRURegressor, LSTMRegressor, RNNRegressor
from ._tdnn import TDNNRegressor

__version__ = "0.1.0"

__all__ = [
    "AutoRegressor",
    "GRURegressor",
    "LSTMRegressor",
    "NARXRegressor",
    "RNNRegressor",
    "TDNNRegressor",
]
