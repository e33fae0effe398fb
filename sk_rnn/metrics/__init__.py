"""Scorers for sequences."""

from ._scorer import make_sequence_scorer

__all__ = ["make_sequence_scorer"]
