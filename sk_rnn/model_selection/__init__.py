"""Splitters for sequences, and forecasts from many origins."""

from ._backtest import BacktestResult, backtest
from ._backtest_display import BacktestDisplay
from ._split import PanelTimeSeriesSplit

__all__ = [
    "BacktestDisplay",
    "BacktestResult",
    "PanelTimeSeriesSplit",
    "backtest",
]
