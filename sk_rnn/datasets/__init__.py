"""Small data sets for examples and tests."""

from ._sunspots import load_sunspots

__all__ = ["load_sunspots"]
