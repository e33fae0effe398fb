"""In which order the columns of X, or its axes, hold steps and channels.

Behind this door everything is in time order, the oldest step first, step by step.
"""

import re

import numpy as np

from ._arrays import few

#: Names like lag_1, y_lag_3, target_lag-24, sales_t-2 and x(t-2): a channel and a lag.
LAGGED = re.compile(
    r"(?P<channel>.*?)[\s_.(\[-]*(?<![a-z])(?:lag[\s_-]*|(?P<t>t\s*-\s*))"
    r"(?P<lag>\d+)[)\]]?",
    re.IGNORECASE,
)
#: Names like sales_t and x(t) beside such ones: lag 0.
NOW = re.compile(r"(?P<channel>.*?)[\s_.(\[-]*(?<![a-z])t[)\]]?", re.IGNORECASE)


def rows_in_time(estimator, X):
    """The steps of the rows of a 2-D X, one after the other, (n_rows, n_channels)."""
    n_channels, n_columns = estimator.n_channels, X.shape[1]
    if n_columns % n_channels:
        raise ValueError(
            f"n_channels={n_channels} does not divide the {n_columns} columns of X: a "
            "row holds n_columns / n_channels steps of n_channels values."
        )
    if estimator.data_format == "channels_first":
        cube = X.reshape(len(X), n_channels, -1).transpose(0, 2, 1)
    else:
        cube = X.reshape(len(X), -1, n_channels)
    if estimator.lag_order == "newest_first":
        cube = cube[:, ::-1]
    return np.ascontiguousarray(cube).reshape(-1, n_channels)


def rows_of_steps(estimator, cube):
    """The inverse: steps (n, n_steps, n_channels) in time order as rows."""
    if estimator.lag_order == "newest_first":
        cube = cube[:, ::-1]
    if estimator.data_format == "channels_first":
        cube = cube.transpose(0, 2, 1)
    return np.ascontiguousarray(cube).reshape(len(cube), -1)


def check_in_time(estimator, what, *, reverse, transpose=None):
    """Refuse a layout of columns for data whose order their form fixes.

    Parameters
    ----------
    estimator : estimator
    what : str
        The form of X in words.
    reverse, transpose : str
        Code that brings X into order; `transpose` is None where both are accepted.
    """
    if estimator.lag_order != "oldest_first":
        raise ValueError(
            f"lag_order={estimator.lag_order!r} describes the columns of a 2-D X whose "
            f"rows are sequences; {what} is in time order, the oldest step first. "
            f"Leave lag_order='oldest_first', and where X is not in this order pass "
            f"{reverse}."
        )
    if transpose is not None and estimator.data_format != "channels_last":
        raise ValueError(
            f"data_format={estimator.data_format!r} describes a 3-D X, or a 2-D X "
            f"whose rows are sequences; {what} has a row for each step and a column "
            "for each channel. Leave data_format='channels_last', and where X is not "
            f"so pass {transpose}."
        )


def lags_of(names):
    """Channel and lag of each column; None unless the names of all tell them."""
    if names is None:
        return None
    found = [LAGGED.fullmatch(name) or NOW.fullmatch(name) for name in names]
    if not all(found):
        return None
    lagged = [match for match in found if match.re is LAGGED]
    if not lagged or (len(lagged) < len(found) and not all(m["t"] for m in lagged)):
        return None  # a column "t" beside lag_1 is something else
    return [(m["channel"], int(m.groupdict().get("lag", 0))) for m in found]


def no_lags(names):
    """Names of columns that are no lags, beside others that are."""
    lagged = [name for name in names if LAGGED.fullmatch(name)]
    times = bool(lagged) and all(LAGGED.fullmatch(name)["t"] for name in lagged)
    others = [name for name in names if name not in lagged]
    others = [name for name in others if not (times and NOW.fullmatch(name))]
    return others if lagged else []


def check_names(estimator, names):
    """Refuse hyper-parameters that clearly contradict the names of the columns."""
    lags = lags_of(names)
    told = {} if lags is None else _told(lags)
    wrong = {key: v for key, v in told.items() if getattr(estimator, key) != v}
    if not wrong:
        return
    seen = ", ".join(f"{key}={getattr(estimator, key)!r}" for key in wrong)
    wanted = ", ".join(f"{key}={value!r}" for key, value in wrong.items())
    raise ValueError(
        f"The columns of X are named {few(list(names))}, which contradicts {seen}: set "
        f"{wanted}. If the names mean something else, pass X without them, as an array."
    )


def _told(lags):
    """The hyper-parameters that columns of such channels and lags ask for."""
    order = [channel for channel, _ in lags]
    channels = list(dict.fromkeys(order))
    steps = [lag for channel, lag in lags if channel == channels[0]]
    n_steps, told = len(steps), {"n_channels": len(channels)}
    if sorted(lags) != sorted((c, lag) for c in channels for lag in set(steps)):
        return {}
    if n_steps > 1 and len(channels) > 1:
        blocks = [(c, lag) for c in channels for lag in steps]
        alternating = [(c, lag) for lag in steps for c in channels]
        if lags not in (blocks, alternating):
            return {}
        told["data_format"] = "channels_first" if lags == blocks else "channels_last"
    if n_steps > 1:
        if steps not in (sorted(steps), sorted(steps, reverse=True)):
            return {}
        rising = steps[0] < steps[-1]
        told["lag_order"] = "newest_first" if rising else "oldest_first"
    return told
