"""Forecasts from many origins, beside what came."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit, check_cv
from sklearn.utils import indexable
from sklearn.utils.parallel import Parallel, delayed

from .._compat import _safe_indexing, at_least, check_parameters
from .._typing import ArrayLike, Columns, Float, Int, Seed
from ..data._future import container
from ..data._records import Records
from ..data._state import join
from ..estimators._forecast import (
    Options,
    check_options,
    continuation,
    go_on,
    target_positions,
)
from ..estimators._through import unwrap
from ..layers import one_thread
from ._backtest_result import BacktestResult
from ._columns import check_table, fed_back, sequences_of
from ._split import PanelTimeSeriesSplit


def backtest(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    horizon: Int,
    cv: Any = None,
    groups: ArrayLike | None = None,
    stride: Int = 1,
    refit: bool = True,
    target_columns: Columns | None = None,
    quantiles: Sequence[Float] | np.ndarray | None = None,
    n_paths: Int = 500,
    random_state: Seed = None,
    return_paths: bool = False,
    n_jobs: Int | None = None,
) -> BacktestResult:
    """Forecast from many origins in a table, as it would have been done then.

    In each split the estimator is fitted to the training rows. The origins are rows of
    the test part: from each of them 1 to `horizon` steps are forecast, with all rows up
    to the origin known. Where the targets are the next values of all columns of X, or
    of those that ``target_columns`` names, these are fed back, and the other columns
    are taken as known in advance, as by :func:`sk_rnn.forecast`. Other models (inputs
    drive an output) are simulated from their inputs, from the outputs measured before
    the origin.

    Parameters
    ----------
    estimator : estimator
        With ``time_axis=0``; also inside a pipeline, a search or the like. It is
        cloned.
    X : array-like of shape (n_rows, n_columns)
        Rows in time order.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        The target of each row.
    horizon : int
        How many steps ahead, at the most.
    cv : int, splitter or iterable of (train, test) row numbers, default=None
        Test rows must follow the training rows (of their sequence). An int, or None for
        5, is the number of splits of a TimeSeriesSplit, or, with a ``sequence_column``,
        of a `PanelTimeSeriesSplit`.
    groups : array-like of shape (n_rows,), default=None
        For the splitter. None: the ``sequence_column``, where there is one.
    stride : int, default=1
        Rows from one origin to the next.
    refit : bool, default=True
        False: only the first split is fitted, and its model forecasts in all of them.
    target_columns : str, int or sequence of them, default=None
        As in :func:`sk_rnn.forecast`.
    quantiles : sequence of float in (0, 1), default=None
        Also forecast these quantiles; only where outputs are fed back.
    n_paths : int, default=500
        How many paths to sample for them.
    random_state : int, RandomState instance or None, default=None
        Draws the paths.
    return_paths : bool, default=False
        Also keep the sampled paths; only where outputs are fed back.
    n_jobs : int, default=None
        Splits that are computed at once, by joblib.

    Returns
    -------
    result : BacktestResult
        Forecasts whose target lies in the test part, split by split, sequence by
        sequence, origin by origin.

    Raises
    ------
    ValueError
        For models of separate sequences (``time_axis=1``), where test rows do not
        follow the training rows, or where targets are the next values of columns that
        no ``target_columns`` names.

    See Also
    --------
    BacktestDisplay : A picture of the result.
    sklearn.model_selection.cross_val_predict : One step ahead, for splitters that are
        partitions.

    Examples
    --------
    >>> from sk_rnn import AutoRegressor
    >>> from sk_rnn.datasets import load_sunspots
    >>> from sk_rnn.model_selection import backtest
    >>> series = load_sunspots().data[:, None]
    >>> model = AutoRegressor(n_lags=9, time_axis=0)
    >>> result = backtest(model, series[:-1], series[1:, 0], horizon=3, cv=4)
    >>> steps, error = result.by_horizon()
    >>> for h, value in zip(steps, error, strict=True):
    ...     print(h, round(value))
    1 17
    2 26
    3 31
    """
    constraints = {"horizon": [at_least(1)], "stride": [at_least(1)]}
    check_parameters("backtest", constraints, horizon=horizon, stride=stride)
    horizon, stride = int(horizon), int(stride)
    options = Options(quantiles, n_paths, random_state, return_paths)
    quantiles = check_options(options)
    X, y = indexable(container(X), y)
    check_table(estimator, X)
    sequences = sequences_of(estimator, X)
    if target_columns is None:
        target_columns = fed_back(estimator, X, y, sequences)
    groups = sequences if groups is None else groups
    splits = _splitter(cv, sequences).split(X, y, groups)
    splits = [(np.asarray(train), np.asarray(test)) for train, test in splits]
    _check_order(splits, sequences)

    def fit(train):
        return clone(estimator).fit(_safe_indexing(X, train), _safe_indexing(y, train))

    def run(number, train, test, fitted):
        fitted = fit(train) if fitted is None else fitted
        run = _Run(fitted, X, y, target_columns, horizon)
        origins = _origins(test, sequences, horizon, stride)
        return run.at(origins, quantiles, options) | {
            "fold": np.full(len(origins) * horizon, number)
        }

    once = None if refit else fit(splits[0][0])
    parts = Parallel(n_jobs=n_jobs)(
        delayed(run)(number, train, test, once)
        for number, (train, test) in enumerate(splits)
    )
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    row = joined["origin"] + joined["horizon"] - 1
    if sequences is not None:
        joined["sequence"] = sequences[row]
    if hasattr(X, "iloc"):
        joined["label"] = X.iloc[row].index
    given = None if quantiles is None else tuple(map(float, quantiles))
    return BacktestResult(**joined, quantiles=given)


class _Run:
    """Forecasts of one fitted estimator in a table."""

    def __init__(self, estimator, X, y, target_columns, horizon):
        self.outside = unwrap(estimator)
        self.model, self.horizon = self.outside.model, horizon
        self.y = np.asarray(y, self.model._theta.dtype)
        self.target_columns, self.X = target_columns, X

    @property
    def _feeds_back(self):
        columns = self.target_columns, self.model.target_columns
        return any(column is not None for column in columns)

    def at(self, origins, quantiles, options):
        """Forecasts from some origins, as columns of the result."""
        feeds_back = self._feeds_back
        if options.sampled and not feeds_back:
            raise ValueError(
                "quantiles and paths are those of forecasts that are fed back; this "
                "model's outputs are not the next values of its inputs."
            )
        with one_thread():
            found = (self._fed_back if feeds_back else self._simulated)(
                origins, quantiles, options
            )
        rows = (origins[:, None] + np.arange(self.horizon)).ravel()
        columns = {
            "origin": np.repeat(origins, self.horizon),
            "horizon": np.tile(np.arange(1, self.horizon + 1), len(origins)),
            "y": self.y[rows],
        }
        names = ["y_pred"] + ["y_quantiles"] * (quantiles is not None)
        names += ["y_paths"] * options.return_paths
        for name, values in zip(names, found, strict=True):
            values = values.reshape(-1, *values.shape[2:])
            columns[name] = values[:, 0] if self.model._flat else values
        return columns

    def _fed_back(self, origins, quantiles, options):
        X, horizon = self.X, self.horizon
        targets = target_positions(self.outside, X, self.target_columns)
        steps = continuation(self.outside, X, targets, horizon, options)
        parts = self._before(origins, steps.records)
        return go_on(steps.from_origins(origins, parts), quantiles, options)

    def _simulated(self, origins, quantiles, options):
        model, outside = self.model, self.outside
        records = model._read(outside.transform(self.X))
        parts = self._before(origins, records)
        rows = (origins[:, None] + np.arange(self.horizon)).ravel()
        ahead = np.full(len(origins), self.horizon)
        ahead = Records(records.rows[rows], ahead, "list")
        out, _ = model._infer(ahead, parts, last=False)
        out = outside.inverse_transform(model._y_scaler.inverse_transform(out))
        return [out.reshape(len(origins), self.horizon, -1)]

    def _before(self, origins, records):
        """States of the network before some rows, their sequences read from the start.

        Outputs before them are measured.
        """
        model = self.model
        x = model._inputs(records.rows)
        y = self.outside.transform_y(self.y.reshape(len(x), -1))
        y = model._y_scaler.transform(y)
        of = np.searchsorted(records.starts, origins, side="right") - 1
        found, last = [], None
        for sequence, origin in zip(of.tolist(), origins.tolist(), strict=True):
            if sequence != last:
                parts = model._fresh(1)
                first, last = records.starts[sequence], sequence
            if model._n_past is not None:
                first = max(records.starts[sequence], origin - model._n_past)
                model._warn_of_short_past(np.array([origin - first < model._n_past]))
            if first < origin:
                part = slice(first, origin)
                past = Records(x[part], np.array([origin - first]), "list")
                parts = model._after(past, x[part], y[part], parts)
            found.append(parts)
            first = origin
        return join(found)


def _splitter(cv, sequences):
    if cv is None or isinstance(cv, Integral):
        kind = TimeSeriesSplit if sequences is None else PanelTimeSeriesSplit
        return kind(5 if cv is None else cv)
    return check_cv(cv)


def _check_order(splits, sequences):
    """Refuse splits whose test rows do not follow the training rows."""
    for train, test in splits:
        before = _by_sequence(train, sequences)
        for name, rows in _by_sequence(test, sequences).items():
            known = before.get(name, rows[:0])
            if (np.diff(rows) != 1).any() or known.max(initial=-1) >= rows[0]:
                raise ValueError(
                    "backtest needs test rows that are adjacent and follow the "
                    "training rows (of their sequence), as TimeSeriesSplit or "
                    "PanelTimeSeriesSplit make them."
                )


def _by_sequence(rows, sequences):
    """The rows of each sequence, by its name."""
    rows = np.asarray(rows)
    if sequences is None:
        return {None: rows}
    names = sequences[rows]
    return {name: rows[names == name] for name in dict.fromkeys(names.tolist())}


def _origins(test, sequences, horizon, stride):
    """Rows from which `horizon` steps lie in the test part of their sequence."""
    parts = _by_sequence(test, sequences).values()
    found = [rows[: max(len(rows) - horizon + 1, 0) : stride] for rows in parts]
    origins = np.concatenate(found)
    if not len(origins):
        raise ValueError(
            f"horizon={horizon} is longer than the test part of every sequence, of at "
            f"most {max(map(len, parts))} row(s)."
        )
    return origins
