"""The yearly sunspot numbers."""

from importlib import resources

import numpy as np
from sklearn.utils import Bunch

DESCR = """\
Yearly mean sunspot number, 1700 to 2008: 309 consecutive years, none missing.

The activity of the sun rises and falls in cycles of 9 to 14 years whose height
differs from one to the next; the rise is steeper than the fall. The scale is the one
used before the revision of 2015.

Source: National Geophysical Data Center (NOAA), in the public domain; the same
series as ``statsmodels.api.datasets.sunspots``.
"""


def load_sunspots(*, as_frame: bool = False) -> Bunch:
    """Load the yearly sunspot numbers from 1700 to 2008.

    A short series with a cycle of 9 to 14 years whose height varies.

    Parameters
    ----------
    as_frame : bool, default=False
        Return pandas objects indexed by year instead of arrays (needs pandas).

    Returns
    -------
    sunspots : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray or Series of shape (309,), float64
            The sunspot number of each year, oldest first.
        year : ndarray or Series of shape (309,), int64
            The year of each number.
        frame : DataFrame of shape (309, 2)
            Both as columns `year` and `sunspots`; None unless `as_frame` is True.
        DESCR : str
            What the numbers are and where they come from.

    See Also
    --------
    load_air_passengers : A series with a trend and a season.

    Notes
    -----
    The series is in the public domain. It was compiled by the National Geophysical
    Data Center of NOAA and is the one that statsmodels distributes.

    Examples
    --------
    >>> from sk_rnn.datasets import load_sunspots
    >>> sunspots = load_sunspots()
    >>> sunspots.data.shape
    (309,)
    >>> print(sunspots.year[0], sunspots.data[0])
    1700 5.0

    One row per year, and the number of the year after it as the target:

    >>> X, y = sunspots.data[:-1, None], sunspots.data[1:]
    >>> X.shape, y.shape
    ((308, 1), (308,))
    """
    with resources.files(__package__).joinpath("sunspots.csv").open() as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1)
    year, data, frame = table[:, 0].astype(np.int64), table[:, 1].copy(), None
    if as_frame:
        import pandas as pd

        index = pd.Index(year, name="year")
        frame = pd.DataFrame({"year": year, "sunspots": data}, index=index.rename(None))
        year, data = frame["year"], frame["sunspots"]
    return Bunch(data=data, year=year, frame=frame, DESCR=DESCR)
