"""Splitters for sequences."""

from ._split import PanelTimeSeriesSplit

__all__ = ["PanelTimeSeriesSplit"]
