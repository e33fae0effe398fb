"""Standardisation of channels and outputs."""

import numpy as np


class Scaler:
    """``(values - mean) / scale`` for each column, with weighted mean and deviation.

    Parameters
    ----------
    values : ndarray of shape (n, n_columns)
    weight : ndarray of shape (n,)
    active : bool
        False makes it the identity.
    """

    def __init__(self, values, weight, active):
        self.mean = np.zeros(values.shape[1])
        self.scale = np.ones(values.shape[1])
        if not active:
            return
        if not weight.all():  # what does not count leaves no trace
            values, weight = values[weight > 0], weight[weight > 0]
        weight = weight / weight.sum(dtype=float)
        # Shifted by a first row, so that a large offset costs no digits.
        shift = values[0].astype(float)
        centred = values - shift
        mean = weight @ centred
        with np.errstate(over="ignore", invalid="ignore"):
            deviation = np.sqrt(weight @ (centred - mean) ** 2)
        if not np.isfinite(deviation).all():
            raise ValueError(
                f"The values are too large to square: up to {np.abs(values).max():g}. "
                "Rescale them."
            )
        self.mean = shift + mean
        # A column without variation (up to rounding) is only centred.
        noise = 10 * np.finfo(values.dtype).eps * np.abs(values).max(axis=0)
        self.scale = np.where(deviation > noise, deviation, 1.0)

    def transform(self, values):
        """To standard units, in the precision of `values`."""
        out = values - self.mean.astype(values.dtype)
        out /= self.scale.astype(values.dtype)
        return out

    def inverse_transform(self, values):
        """From standard units."""
        out = values * self.scale.astype(values.dtype)
        out += self.mean.astype(values.dtype)
        return out
