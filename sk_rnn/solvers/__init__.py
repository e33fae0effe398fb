"""Solvers: minimise a function of one flat vector."""

from ._adam import Adam
from ._base import Solver
from ._lbfgs import LBFGS
from ._lm import LevenbergMarquardt
from ._monitor import Monitor

SOLVERS = {"lbfgs": LBFGS, "adam": Adam, "lm": LevenbergMarquardt}

__all__ = ["LBFGS", "SOLVERS", "Adam", "LevenbergMarquardt", "Monitor", "Solver"]
