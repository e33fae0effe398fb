"""Warnings that carry the line of the user's call, and none of NumPy's."""

import sys
import warnings

import numpy as np

#: Packages between the user's line and ours.
INSIDE = {"sk_rnn", "scipy", "sklearn", "joblib", "contextlib"}


def warn_caller(message, category=UserWarning):
    """Warn at the line outside of this package that called it."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back and _package(frame) in INSIDE:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def quiet():
    """A context without NumPy's warnings of numbers that overflow, or vanish.

    Who enters it looks at the results; and ``np.seterr(all="raise")`` is for the code
    of who set it.
    """
    return np.errstate(over="ignore", invalid="ignore", under="ignore")


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
