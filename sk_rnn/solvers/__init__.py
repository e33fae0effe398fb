"""Solvers: minimise a function of one flat vector."""

from ._adam import Adam
from ._base import Solver
from ._lbfgs import LBFGS
from ._monitor import Monitor

SOLVERS = {"lbfgs": LBFGS, "adam": Adam}

__all__ = ["LBFGS", "SOLVERS", "Adam", "Monitor", "Solver"]
