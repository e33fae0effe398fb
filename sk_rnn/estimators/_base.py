"""The shared estimator: fit, predict, score and forecast for every network."""

from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import Interval, validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted

from ..data._dataset import Dataset
from ..data._records import read_X
from ..data._scaling import Scaler
from ..data._steps import Steps
from ..data._targets import read_weight, read_y
from ..layers import Delay, one_thread
from ..training._inference import run
from ._callbacks import CallbackSupportMixin, FitReport, with_callbacks


@dataclass(kw_only=True, eq=False, repr=False)
class SequenceRegressor(CallbackSupportMixin, RegressorMixin, BaseEstimator):
    """Data contract, standardisation and the passes over a fitted network.

    A subclass says how its network looks (`_build`) and how its parameters are found
    (`_train`). Estimators are dataclasses: their fields are the hyper-parameters, and
    ``__init__`` does nothing but assign them.
    """

    standardize: bool = True
    washout: int = 0
    n_channels: int = 1
    time_axis: int = 1
    sequence_column: int | str | None = None

    _parameter_constraints: ClassVar[dict] = {
        "n_channels": [Interval(Integral, 1, None, closed="left")],
        "time_axis": [Interval(Integral, 0, 1, closed="both")],
        "sequence_column": [str, Integral, None],
        "washout": [Interval(Integral, 0, None, closed="left")],
        "standardize": ["boolean"],
    }

    # ------------------------------------------------------------ for subclasses
    def _build(self, n_channels, n_outputs, n_steps):
        """Make the network.

        Parameters
        ----------
        n_channels, n_outputs : int
        n_steps : int or None
            Steps of every sequence where their number is fixed.
        """
        raise NotImplementedError

    def _samples(self, records, targets, weight):
        """The samples to learn from, in the form they came in."""
        return records, targets, weight

    def _check_run(self, state):
        """Warn of what the state after a run gives away."""

    def _train(self, network, data, theta, report):
        """Find the parameters.

        Parameters
        ----------
        network : Layer
        data : Dataset
            Standardised.
        theta : ndarray or None
            Where to go on (``warm_start``).
        report : FitReport

        Returns
        -------
        theta : ndarray of shape (network.size,)
        """
        raise NotImplementedError

    # ------------------------------------------------------------------- fitting
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model to sequences X and targets y.

        Parameters
        ----------
        X : array-like or list of array-like
            Sequences in any form of the data contract: (n_sequences, n_columns),
            (n_sequences, n_steps, n_channels), a list (or 1-D array of objects) of
            (n_steps_i, n_channels), or with ``time_axis=0`` a table of consecutive
            steps (n_steps, n_columns).
        y : array-like or list of array-like
            Targets: one per sequence, (n_sequences,) or (n_sequences, n_outputs);
            or one per step, (n_sequences, n_steps, n_outputs), or a list of
            (n_steps_i,) or (n_steps_i, n_outputs); with ``time_axis=0``, (n_steps,)
            or (n_steps, n_outputs).
        sample_weight : array-like of shape (n_sequences,), default=None
            One weight per sequence; with ``time_axis=0`` one per row, where 0 keeps the
            input and drops the loss.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            For input or hyper-parameters outside the contract. The estimator is then
            as it was before.
        """
        report = FitReport(self, X, y, sample_weight)
        with _all_or_nothing(self), one_thread():
            self._fit(X, y, sample_weight, report)
        report.end()
        return self

    def _fit(self, X, y, sample_weight, report):
        warm = getattr(self, "warm_start", False) and hasattr(self, "_theta")
        n_outputs = self.n_outputs_ if warm else None
        records = read_X(self, X, reset=not warm)
        targets = read_y(y, records, records.rows.dtype)
        if warm and targets.values.shape[1] != n_outputs:
            raise ValueError(
                f"warm_start=True: y has {targets.values.shape[1]} outputs, but the "
                f"fitted model has {n_outputs}."
            )
        weight = read_weight(sample_weight, records, targets, self.washout)
        fixed = records.form in ("rows", "array")
        network = self._build(
            records.rows.shape[1],
            targets.values.shape[1],
            int(records.lengths[0]) if fixed else None,
        )
        self._check_lengths(records, network)
        records, targets, weight = self._samples(records, targets, weight)
        if not warm:
            self._x_scaler, self._y_scaler = self._scalers(records, targets, weight)
        self.n_outputs_ = targets.values.shape[1]
        self._last, self._flat, self._form = targets.last, targets.flat, records.form
        data = Dataset(
            x=self._x_scaler.forward(records.rows),
            starts=records.starts,
            lengths=records.lengths,
            y=self._y_scaler.forward(targets.values),
            weight=weight,
            last=targets.last,
            skip=np.zeros(len(records.lengths), int),
        )
        self._network, self._state = network, None
        theta = self._theta if warm else None
        if warm and len(theta) != network.size:
            raise ValueError(
                f"warm_start=True: the fitted model has {len(theta)} parameters, the "
                f"one described by the present hyper-parameters {network.size}."
            )
        self._theta = self._train(network, data, theta, report)
        if self._continues(records):
            self._state = self._end_state(data)

    def _scalers(self, records, targets, weight):
        if targets.last:
            x_weight = np.repeat(weight, records.lengths)
        elif records.form == "table":
            x_weight = np.ones(len(records.rows))
        else:
            first = np.repeat(records.starts + records.lengths - 1, records.lengths)
            x_weight = weight[first]
        return (
            Scaler(records.rows, x_weight, self.standardize),
            Scaler(targets.values, weight, self.standardize),
        )

    def _check_lengths(self, records, network):
        needed = self._min_steps(network)
        if records.lengths.min() < needed:
            short = np.flatnonzero(records.lengths < needed)
            n_steps = records.lengths[short[0]]
            which = f"Record {short[0]} has {n_steps} step(s)"
            if self._continues(records):
                which = f"X has n_samples={n_steps} step(s)"
            raise ValueError(
                f"{which}, but the lags reach over {needed}: take fewer lags, or "
                "longer records."
            )

    @staticmethod
    def _lags_or_all(name, n_lags, n_steps):
        """`n_lags`, or as many as a row has earlier steps if it is None."""
        if n_lags is not None:
            return n_lags
        if n_steps is None:
            raise ValueError(
                f"{name}=None means every step of the row, but these records have no "
                f"fixed number of steps (a list, or time_axis=0): set {name}."
            )
        return n_steps - 1

    def _min_steps(self, network):
        """Steps that a record must have for its delay lines to be filled."""
        delays = [layer for layer in network.layers if isinstance(layer, Delay)]
        return 1 + max((layer.reach for layer in delays), default=0)

    def _continues(self, records):
        """Whether `predict` goes on from the end of the training rows."""
        return records.form == "table" and self.sequence_column is None

    def _end_state(self, data):
        """The state after the last training row."""
        x, steps, *_ = data.batch([0])
        return self._network.forward(self._theta, x, steps, steps.tail(1))[1]

    # ---------------------------------------------------------------- prediction
    def predict(self, X):
        """Predict the targets of sequences.

        Parameters
        ----------
        X : array-like or list of array-like
            Sequences in the form that `fit` saw. With ``time_axis=0`` and no
            ``sequence_column`` the rows are taken to follow the training rows.

        Returns
        -------
        y : ndarray or list of ndarray
            In the form of the y that `fit` saw.
        """
        records = self._read(X)
        rows, _ = self._run(records, self._start_state(records))
        return self._shape(self._y_scaler.backward(rows), records)

    def score(self, X, y, sample_weight=None):
        """Coefficient of determination R^2 of `predict`, over all steps that count.

        Steps of all records are pooled; the first ``washout`` steps of each are left
        out. Initial state and feedback are those of `predict`.

        Parameters
        ----------
        X, y : array-like or list of array-like
            As in `fit`.
        sample_weight : array-like of shape (n_sequences,), default=None
            As in `fit`.

        Returns
        -------
        score : float
        """
        records = self._read(X)
        targets = self._read_targets(y, records)
        weight = read_weight(sample_weight, records, targets, self.washout)
        rows, _ = self._run(records, self._start_state(records))
        y_pred, counts = self._y_scaler.backward(rows), weight > 0
        return r2_score(
            targets.values[counts], y_pred[counts], sample_weight=weight[counts]
        )

    def forecast(self, X, n_steps):
        """Read the history X, then feed each prediction back as the next input.

        Meaningful where the targets are the next values of the inputs.

        Parameters
        ----------
        X : array-like or list of array-like
            Histories, from a fresh start.
        n_steps : int
            How many steps to forecast.

        Returns
        -------
        y : ndarray of shape (n_sequences, n_steps) or (n_sequences, n_steps, n_outputs)
            The first forecast is for the step after the last one of X. Without the
            first axis for one table of steps (``time_axis=0``); without the last one
            where y had none.

        Raises
        ------
        ValueError
            If the model does not have one output per channel.
        """
        values, single = self._forecast(X, n_steps)
        return self._shape_forecast(values, single)

    def _forecast(self, X, n_steps):
        records = self._read(X)
        validate_parameter_constraints(
            {"n_steps": [Interval(Integral, 1, None, closed="left")]},
            {"n_steps": n_steps},
            caller_name=f"{type(self).__name__}.forecast",
        )
        n_channels = records.rows.shape[1]
        if n_channels != self.n_outputs_:
            raise ValueError(
                "forecast feeds the outputs back as inputs, which needs one output per "
                f"channel; the model has {n_channels} channel(s) and "
                f"{self.n_outputs_} output(s)."
            )
        self._check_lengths(records, self._network)
        rows, state = self._run(records, None, last=True)
        out = np.empty((len(rows), n_steps, self.n_outputs_), rows.dtype)
        steps = Steps(np.ones(len(rows), int))
        for k in range(n_steps):
            if k:
                x = self._x_scaler.forward(out[:, k - 1])
                rows, state, _ = self._network.forward(
                    self._theta, x, steps, steps, state
                )
            out[:, k] = self._y_scaler.backward(rows)
        self._check_run(state)
        return out, self._continues(records)

    def _shape_forecast(self, values, single):
        values = values[0] if single else values
        return values[..., 0] if self._flat else values

    def _read(self, X):
        check_is_fitted(self)
        records = read_X(self, X, reset=False)
        if records.rows.shape[1] != self._network.n_in:
            raise ValueError(
                f"X has {records.rows.shape[1]} channel(s) at each step; fit saw "
                f"{self._network.n_in} channel(s)."
            )
        records.rows = records.rows.astype(self._theta.dtype, copy=False)
        return records

    def _read_targets(self, y, records):
        targets = read_y(y, records, self._theta.dtype)
        if (targets.last, targets.values.shape[1]) != (self._last, self.n_outputs_):
            raise ValueError(
                f"y has {targets.values.shape[1]} output(s) per "
                f"{'sequence' if targets.last else 'step'}; fit saw {self.n_outputs_} "
                f"per {'sequence' if self._last else 'step'}."
            )
        return targets

    def _start_state(self, records):
        """The state in which `predict` begins; None is a fresh start."""
        if self._state is not None and self._continues(records):
            return self._state
        self._check_lengths(records, self._network)
        return None

    def _run(self, records, state, last=None):
        """Outputs of the fitted network for records, in standard units; see `run`.

        `last` says whether only those of last steps are wanted (default: as in fit).
        """
        x = self._x_scaler.forward(records.rows)
        last = self._last if last is None else last
        rows, state = run(self._network, self._theta, x, records, state, last)
        self._check_run(state)
        return rows, state

    def _shape(self, rows, records):
        """Give rows of outputs the form that y has for such records."""
        if self._flat:
            rows = rows[:, 0]
        if self._last or records.form == "table":
            return rows
        if records.form == "list":
            return records.split(rows)
        return rows.reshape(len(records.lengths), -1, *rows.shape[1:])

    # ------------------------------------------------------------------ weights
    @property
    def weights_(self):
        """Fitted parameters by name, as read-only views; see the class docstring."""
        check_is_fitted(self)
        named = self._network.views(self._theta)
        for view in named.values():
            view.flags.writeable = False
        return named

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_network")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.three_d_array = self.time_axis == 1
        return tags


@contextmanager
def _all_or_nothing(estimator):
    """Leave the estimator as it was if an error occurs."""
    before = estimator.__dict__.copy()
    try:
        yield
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise
