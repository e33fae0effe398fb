"""What is checked of a list of sequences, whoever reads it."""

import numpy as np

from ..data._frames import names_of


def check_alike(parts):
    """Refuse sequences that differ in number or names of their channels."""
    shape, names = np.shape(parts[0])[1:], names_of(parts[0])
    for i, part in enumerate(parts):
        if np.shape(part)[1:] != shape:
            raise ValueError(
                "The sequences of X differ in their channels: X[0] is of shape "
                f"{np.shape(parts[0])}, X[{i}] of shape {np.shape(part)}."
            )
        if names_of(part) != names:
            raise ValueError(
                "The sequences of X differ in the names of their columns: X[0] has "
                f"{names or None}, X[{i}] has {names_of(part) or None}."
            )
