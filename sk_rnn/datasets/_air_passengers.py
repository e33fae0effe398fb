"""The monthly numbers of airline passengers."""

from importlib import resources

import numpy as np
from sklearn.utils import Bunch

DESCR = """\
International airline passengers in thousands, monthly totals from January 1949 to
December 1960: 144 consecutive months, none missing.

The numbers grow from year to year, with a peak in July and August; the seasonal swing
grows in proportion to the level, so that logarithms are the usual scale.

Source: series G of G. E. P. Box & G. M. Jenkins, "Time Series Analysis: Forecasting
and Control", Holden-Day 1970; the same series as ``AirPassengers`` of R.
"""


def load_air_passengers(*, as_frame: bool = False) -> Bunch:
    """Load the monthly numbers of airline passengers from 1949 to 1960.

    A short series with a trend and a season whose swing grows with the level.

    Parameters
    ----------
    as_frame : bool, default=False
        Return pandas objects indexed by month instead of arrays (needs pandas).

    Returns
    -------
    air_passengers : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray or Series of shape (144,), float64
            Passengers of each month in thousands, oldest first.
        month : ndarray of shape (144,), datetime64[M], or PeriodIndex
            The month of each number.
        frame : DataFrame of shape (144, 1)
            The column `passengers`, indexed by `month`; None unless `as_frame` is True.
        DESCR : str
            What the numbers are and where they come from.

    See Also
    --------
    load_sunspots : A series with a cycle of varying length.

    Notes
    -----
    The series is series G of [1]_, and is the one that R distributes as
    ``AirPassengers``.

    References
    ----------
    .. [1] G. E. P. Box & G. M. Jenkins, "Time Series Analysis: Forecasting and
       Control", Holden-Day 1970.

    Examples
    --------
    >>> from sk_rnn.datasets import load_air_passengers
    >>> passengers = load_air_passengers()
    >>> passengers.data.shape
    (144,)
    >>> print(passengers.month[0], passengers.data[0])
    1949-01 112.0

    As a DataFrame it is a table in time order (``time_axis=0``), whose index says what
    months a forecast is for:

    >>> from sk_rnn import AutoRegressor
    >>> X = load_air_passengers(as_frame=True).frame
    >>> model = AutoRegressor(n_lags=13, time_axis=0)
    >>> model = model.fit(X[:-1], X["passengers"][1:])
    >>> print(model.forecast(X, n_steps=2, as_frame=True).round(1))
             passengers
    month
    1961-01       449.5
    1961-02       419.0
    """
    with resources.files(__package__).joinpath("air_passengers.csv").open() as file:
        table = np.loadtxt(file, str, delimiter=",", skiprows=1)
    month, data = table[:, 0].astype("datetime64[M]"), table[:, 1].astype(float)
    frame = None
    if as_frame:
        import pandas as pd

        month = pd.PeriodIndex(table[:, 0], freq="M", name="month")
        frame = pd.DataFrame({"passengers": data}, index=month)
        data = frame["passengers"]
    return Bunch(data=data, month=month, frame=frame, DESCR=DESCR)
