"""What all regressors share: targets are numbers, standardised, and scored by R^2."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from .._compat import at_least, check_parameters
from ..data._samples import Samples
from ..data._scaling import Scaler
from ..data._steps import Steps
from ..data._targets import read_y
from ._base import SequenceEstimator


@dataclass(kw_only=True, eq=False, repr=False)
class SequenceRegressor(RegressorMixin, SequenceEstimator):
    """Targets that are numbers."""

    # ------------------------------------------------------------------- targets
    def _read_targets(self, y, records, dtype):
        return read_y(y, records, dtype)

    def _learn_targets(self, samples):
        values, weight = samples.targets.values, samples.weight
        self._y_scaler = Scaler(values, weight, self.standardize)

    def _encode_targets(self, values):
        return self._y_scaler.transform(values)

    def _read_known_targets(self, y, records):
        """Targets of the form that `fit` saw."""
        targets = read_y(y, records, self._theta.dtype)
        if (targets.last, targets.values.shape[1]) != (self._last, self.n_outputs_):
            raise ValueError(
                f"y has {targets.values.shape[1]} output(s) per "
                f"{'sequence' if targets.last else 'step'}; fit saw {self.n_outputs_} "
                f"per {'sequence' if self._last else 'step'}."
            )
        return targets

    def _read_steps(self, y, records):
        targets = read_y(y, records, self._theta.dtype)
        if targets.last or targets.values.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {targets.values.shape[1]} output(s) per "
                f"{'sequence' if targets.last else 'step'}; a past needs the "
                f"{self.n_outputs_} measured output(s) at every step."
            )
        return targets.values

    # ---------------------------------------------------------------- prediction
    def predict(self, X, *, state=None, return_state=False):
        """Predict the targets of sequences.

        Parameters
        ----------
        X : array-like or list of array-like
            Sequences in the form that `fit` saw. With ``time_axis=0`` the rows are
            taken to follow the training rows, sequence by sequence, unless they are
            the training rows themselves, or ``carry_state=False``.
        state : State, default=None
            What is known of the past of these sequences, from `warm_up` or from an
            earlier `predict`. Rows may so come one by one.
        return_state : bool, default=False
            Also return the state behind X.

        Returns
        -------
        y : ndarray or list of ndarray
            In the form of the y that `fit` saw.
        state : State
            Only if `return_state`.

        Raises
        ------
        ValueError, TypeError
            For a state of another model or for another number of sequences.
        """
        records = self._read(X)
        known = self._known(records, state)
        return self._predicted(
            records, known, self._parts(known, records), return_state
        )

    def _predicted(self, records, known, parts, return_state):
        """Predictions from a state of the network, and the state behind them."""
        rows, parts = self._infer(records, parts)
        y = self._shape(self._y_scaler.inverse_transform(rows), records)
        return (y, self._state(records, parts, known)) if return_state else y

    def score(self, X, y, sample_weight=None):
        """Coefficient of determination R^2 of `predict`, over all steps that count.

        Steps of all sequences are pooled; the first ``washout`` steps of each are left
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
        targets = self._read_known_targets(y, records)
        weight = Samples.weighted(records, targets, sample_weight, self.washout).weight
        rows, _ = self._infer(records, self._initial_state(records))
        y_pred, counts = self._y_scaler.inverse_transform(rows), weight > 0
        return r2_score(
            targets.values[counts], y_pred[counts], sample_weight=weight[counts]
        )

    def forecast(self, X, n_steps, *, state=None):
        """Read the history X, then feed each prediction back as the next input.

        Meaningful where the targets are the next values of the inputs.

        Parameters
        ----------
        X : array-like or list of array-like
            Histories, from a fresh start.
        n_steps : int
            How many steps to forecast.
        state : State, default=None
            What is known of the past before X; see `warm_up`.

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
        values, single = self._forecast(X, n_steps, state)
        return self._shape_forecast(values, single)

    def _forecast(self, X, n_steps, state):
        records = self._read(X)
        positive = {"n_steps": [at_least(1)]}
        check_parameters(f"{type(self).__name__}.forecast", positive, n_steps=n_steps)
        n_channels = records.rows.shape[1]
        if n_channels != self.n_outputs_:
            raise ValueError(
                "forecast feeds the outputs back as inputs, which needs one output per "
                f"channel; the model has {n_channels} channel(s) and "
                f"{self.n_outputs_} output(s)."
            )
        parts = self._parts(self._ready(state, records), records)
        rows, state = self._infer(records, parts, last=True)
        out = np.empty((len(rows), n_steps, self.n_outputs_), rows.dtype)
        steps, forward = Steps(np.ones(len(rows), int)), self._forward()
        for k in range(n_steps):
            if k:
                x = self._x_scaler.transform(out[:, k - 1])
                rows, state, _ = forward(x, steps, steps, state)
            out[:, k] = self._y_scaler.inverse_transform(rows)
        self._check_simulation(state)
        return out, records.is_one_table

    def _shape_forecast(self, values, single):
        values = values[0] if single else values
        return values[..., 0] if self._flat else values

    def _shape(self, rows, records):
        """Give rows of outputs the form that y has for such records."""
        if self._flat:
            rows = rows[:, 0]
        if self._last or records.is_table:
            return rows
        if records.is_list:
            return records.split(rows)
        return rows.reshape(len(records.lengths), -1, *rows.shape[1:])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
