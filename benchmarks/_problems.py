"""What a problem of the league is, its forms, and the halves."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sk_rnn.preprocessing import make_windows


@dataclass
class Problem:
    """Training part, test part behind it in time, and what the data demands.

    Attributes
    ----------
    X_train, y_train, X_test, y_test
        In the form in which the estimators of sk_rnn read them.
    flat : tuple of (X_train, y_train, X_test)
        The same for models that know no time: a row holds the last steps.
    params : dict
        Hyper-parameters of all estimators ("all"), and of some by name.
    naive : ndarray or None
        Predictions for X_test by persistence, or by the season before.
    skip : int
        First steps of each test record that are not scored.
    """

    X_train: object
    y_train: object
    X_test: object
    y_test: object
    flat: tuple
    params: dict
    naive: object = None
    skip: int = 0

    def scored(self, y):
        """The outputs that count, (n, n_outputs), of a y in the form of `y_test`."""
        if isinstance(y, list) or np.ndim(y) == 3:
            return np.concatenate([_columns(part[self.skip :]) for part in y])
        return _columns(y)

    def error(self, y_pred):
        """Root of the mean squared error in standard deviations of the test outputs."""
        y = self.scored(self.y_test)
        square = np.mean((_columns(y_pred) - y) ** 2, axis=0) / np.var(y, axis=0)
        return float(np.sqrt(np.mean(square)))


def is_tuning(name):
    """Whether a problem may be looked at to choose defaults; the others report.

    All problems of one data set, the part of the name before "/", are in one half.
    """
    data_set = name.split("/")[0]
    # A public benchmark, which nothing is ever tuned on.
    if data_set == "cascaded_tanks":
        return False
    # Byte 7 was chosen before any result was seen: it halves every kind.
    return sha256(data_set.encode()).digest()[7] % 2 == 0


# ------------------------------------------------------------------------------- forms
def rows(X_train, y_train, X_test, y_test, n_channels=1, naive=None):
    """A row is a sequence, with its target behind the last step."""
    flat = X_train, y_train, X_test
    params = {"all": {"n_channels": n_channels}}
    return Problem(X_train, y_train, X_test, y_test, flat, params, naive)


def windows(series, n_steps, n_test, *, horizon=1, season=1):
    """Windows of one series; the last `n_test` are the test, a gap before them."""
    X, y = make_windows(np.array(series, float), n_steps, horizon)
    ahead = np.atleast_1d(horizon)
    n = len(X) - n_test
    last = n - ahead.max() + 1
    naive = X[n:, ahead - 1 - season * (1 + (ahead - 1) // season)]
    return rows(X[:last], y[:last], X[n:], y[n:], naive=naive)


def table(x, n_lags, n_test, *, horizon=1, season=1):
    """Rows of a table, with the value of column 0 that comes `horizon` rows later.

    There is no gap, for the state goes on: the last ``horizon - 1`` training targets
    are values of the first test rows, for all models alike.
    """
    x = _columns(x)
    times = np.arange(len(x) - horizon)
    before = times + horizon - season * (1 + (horizon - 1) // season)
    naive = x[np.maximum(before, 0), 0]
    return system(x[times], x[times + horizon, 0], n_lags, n_test, naive)


def system(u, y, n_lags, n_test, naive=None):
    """Rows of a table, and outputs in the same rows; the last rows are the test."""
    u, n = _columns(u), len(u) - n_test
    lagged = _lagged(u, n_lags)
    flat = lagged[:-n_test], y[n_lags - 1 : n], lagged[-n_test:]
    params = {"all": {"time_axis": 0}, **_lags(n_lags)}
    naive = None if naive is None else naive[n:]
    return Problem(u[:n], y[:n], u[n:], y[n:], flat, params, naive)


def panel(sequences, n_lags, n_test):
    """A table of several sequences, column 1 predicted; the test ends each of them."""
    parts = [table(x, n_lags, n_test) for x in sequences]

    def joined(name):
        return np.concatenate([getattr(part, name) for part in parts])

    def named(name):
        lengths = [len(getattr(part, name)) for part in parts]
        return np.column_stack(
            [np.repeat(np.arange(len(parts)), lengths), joined(name)]
        )

    flat = tuple(
        np.concatenate(each) for each in zip(*(p.flat for p in parts), strict=True)
    )
    params = {"all": {"time_axis": 0, "sequence_column": 0}, **_lags(n_lags)}
    return Problem(
        *(named("X_train"), joined("y_train"), named("X_test"), joined("y_test")),
        *(flat, params, joined("naive")),
    )


def records(train, test, n_lags, naive=None):
    """Lists of (X, y), a target at every step; the test is of other records."""
    (X, y), (X_test, y_test) = (
        map(list, zip(*part, strict=True)) for part in (train, test)
    )
    flat = (
        np.concatenate([_lagged(x, n_lags) for x in X]),
        np.concatenate([part[n_lags - 1 :] for part in y]),
        np.concatenate([_lagged(x, n_lags) for x in X_test]),
    )
    params = {"all": {}, **_lags(n_lags)}
    return Problem(X, y, X_test, y_test, flat, params, naive, skip=n_lags - 1)


def _lags(n_lags):
    """`n_lags` steps, the newest included, for the models of finite memory."""
    return {
        "AutoRegressor": {"n_lags": n_lags},
        "TDNNRegressor": {"n_lags": n_lags - 1},
        "NARXRegressor": {"n_input_lags": n_lags - 1},
    }


def _lagged(x, n_lags):
    found = sliding_window_view(x, n_lags, axis=0).swapaxes(1, 2)
    return found.reshape(len(found), -1)


def _columns(y):
    y = np.asarray(y, float)
    return y.reshape(len(y), -1)
