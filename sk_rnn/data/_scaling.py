"""Standardisation of channels and outputs."""

import numpy as np


class Scaler:
    """``(values - mean) / scale`` for each column, with weighted mean and deviation.

    Parameters
    ----------
    values : ndarray of shape (n, n_columns)
        NaN is left out of the mean and the deviation of its column.
    weight : ndarray of shape (n,)
    active : bool
        False makes it the identity.
    name : str
        Of the values, for the message.
    """

    def __init__(self, values, weight, active, name):
        self.mean = np.zeros(values.shape[1])
        self.scale = np.ones(values.shape[1])
        if not active:
            _check_squares(np.nansum(np.square(values), axis=0), values, name)
            return
        gaps = np.isnan(values)
        if not gaps.any():
            self.mean, self.scale = _moments(values, weight, name)
            return
        for k in range(values.shape[1]):
            seen, column = ~gaps[:, k], slice(k, k + 1)
            self.mean[column], self.scale[column] = _moments(
                values[seen, column], weight[seen], name
            )

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


def _check_squares(squares, values, name):
    """Refuse values where what was made of their squares is not finite."""
    if not np.isfinite(squares).all():
        raise ValueError(
            f"The values of {name} are too large to square: up to "
            f"{np.nanmax(np.abs(values)):g}. Rescale them."
        )


def _moments(values, weight, name):
    """Mean of each column, and its standard deviation, or 1 where it does not vary."""
    if not weight.all():  # what does not count leaves no trace
        values, weight = values[weight > 0], weight[weight > 0]
    weight = weight / weight.sum(dtype=float)
    # Shifted by a first row, so that a large offset costs no digits.
    shift = values[0].astype(float)
    centred = values - shift
    mean = weight @ centred
    centred -= mean
    # In units of a power of two, so that no square overflows or vanishes.
    unit = np.ldexp(1.0, np.frexp(np.abs(centred).max(axis=0))[1])
    deviation = unit * np.sqrt(weight @ (centred / unit) ** 2)
    _check_squares(deviation, values, name)
    # A column without variation (up to rounding) is only centred.
    noise = 10 * np.finfo(values.dtype).eps * np.abs(values).max(axis=0)
    return shift + mean, np.where(deviation > noise, deviation, 1.0)
