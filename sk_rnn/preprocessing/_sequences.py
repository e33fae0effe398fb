"""What is checked of a list of sequences, whoever reads it."""

import numpy as np


def check_alike(parts):
    """Refuse sequences that differ in number or names of their channels."""
    shape, names = np.shape(parts[0])[1:], _names(parts[0])
    for i, part in enumerate(parts):
        if np.shape(part)[1:] != shape:
            raise ValueError(
                "The sequences of X differ in their channels: X[0] is of shape "
                f"{np.shape(parts[0])}, X[{i}] of shape {np.shape(part)}."
            )
        if _names(part) != names:
            raise ValueError(
                "The sequences of X differ in the names of their columns: X[0] has "
                f"{names}, X[{i}] has {_names(part)}."
            )


def _names(part):
    columns = getattr(part, "columns", None)
    return None if columns is None else list(columns)
