"""What all regressors share: targets are numbers, standardised, and scored by R^2."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from .._compat import RegressorMixin
from .._typing import ArrayLike, Float, Found, Int, Seed, Yes
from .._warnings import warn_caller
from ..data._arrays import boxed
from ..data._frames import names_of
from ..data._future import next_columns, share_in_order, share_of_next
from ..data._layout import rows_in_time
from ..data._samples import Samples
from ..data._scaling import Scaler
from ..data._state import State
from ..data._targets import read_y
from ._base import SequenceEstimator
from ._columns import ColumnsMixin
from ._differencing import Differencing
from ._documentation import document
from ._forecast import Options, forecast
from ._outside import Outside

#: The forms of X in words.
FORMS = {
    "rows": "a 2-D array whose rows are sequences",
    "array": "a 3-D array",
    "list": "a list of records",
    "table": "a table in time order (time_axis=0)",
}


@dataclass(kw_only=True, eq=False, repr=False)
class SequenceRegressor(ColumnsMixin, RegressorMixin, SequenceEstimator):
    """Targets that are numbers."""

    # ------------------------------------------------------------------- targets
    def _read_targets(self, y, records, dtype):
        return read_y(y, records, dtype, self.missing_targets)

    def _look_at(self, samples, y):
        """Remember also what the targets tell besides their values."""
        super()._look_at(samples, y)
        records, targets = samples.records, samples.targets
        share = share_of_next(records, targets)
        self._are_next = None if share is None else share > 0.5
        share = share_of_next(records, targets, share_in_order)
        self._are_next_in_order = None if share is None else share > 0.6
        names = names_of(y)
        if not names and getattr(y, "name", None) is not None:
            names = [y.name]
        self._target_names = [str(name) for name in names] or None
        next_of = next_columns(records, targets)
        self._next_of = [columns[0] if columns else None for columns in next_of]
        if self.standardize == "differences":
            self._check_channels(self._channels_of_outputs(), next_of)
        elif self.target_columns is not None:
            self._check_channels(self._target_channels(), next_of)
        ends = records.starts + records.lengths - 1
        self._last_targets = targets.values[ends] if records.is_table else None

    def _check_follows(self, records, known):
        """The first row behind a target that is a next value holds that value."""
        places = {one: k for k, one in enumerate(self._end.ids or [None])}
        pairs = zip(records.ids or [None], records.starts, strict=True)
        goes_on = set(known.ids or [None])
        found = [(places[one], start) for one, start in pairs if one in goes_on]
        for output, channel in enumerate(self._next_of):
            if channel is None or not found:
                continue
            known, rows = map(list, zip(*found, strict=True))
            expected = self._last_targets[known, output]
            seen = records.rows[rows, channel]
            far = np.abs(seen - expected) > 1e-5 * self._x_scaler.scale[channel]
            if far.any():
                k = np.flatnonzero(far)[0]
                warn_caller(
                    f"X begins with {seen[k]:g} in {self._channel_text(channel)}, but "
                    "the row behind those of fit would hold their last target, "
                    f"{expected[k]:g}. The model goes on as if X followed: of single "
                    "rows hand on the state (return_state=True), before other rows "
                    "read their past, state=warm_up(...), or set carry_state=False."
                )
                return

    def _learn_units(self, samples):
        self._differencing = None
        if self.standardize_ == "differences":
            self._differencing = Differencing(samples, self._channels_of_outputs())
            self._x_scaler = self._differencing.x_levels
            self._y_scaler = self._differencing.y_levels
            return
        rows, values = samples.records.rows, samples.targets.values
        self._x_scaler = Scaler(rows, samples.x_weight, self.standardize_, "X")
        self._y_scaler = Scaler(values, samples.weight, self.standardize_, "y")

    def _encode(self, samples):
        if self._differencing is not None:
            return self._differencing.encode(samples)
        rows, values = samples.records.rows, samples.targets.values
        return self._inputs(rows), self._y_scaler.transform(values)

    def _whole(self, network):
        is_bare = self._differencing is None
        return network if is_bare else self._differencing.around(network)

    def _read_known_targets(self, y, records):
        """Targets of the form that `fit` saw."""
        targets = read_y(y, records, self._theta.dtype, self.missing_targets)
        self._check_like_known(targets)
        return targets

    def _check_like_known(self, targets):
        if (targets.last, targets.values.shape[1]) != (self._last, self.n_outputs_):
            raise ValueError(
                f"y has {targets.values.shape[1]} output(s) per "
                f"{'sequence' if targets.last else 'step'}; fit saw {self.n_outputs_} "
                f"per {'sequence' if self._last else 'step'}."
            )

    def _read_steps(self, y, records):
        targets = read_y(y, records, self._theta.dtype, self.missing_targets)
        if targets.last or targets.values.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {targets.values.shape[1]} output(s) per "
                f"{'sequence' if targets.last else 'step'}; a past needs the "
                f"{self.n_outputs_} measured output(s) at every step."
            )
        return targets.values

    def _read_alike_with_targets(self, X, y, dtype):
        """Records and targets of the form, channels and outputs that `fit` saw."""
        records = self._read_alike(X, dtype)
        if records.form != self._form:
            raise ValueError(
                f"X must have the form that fit saw, {FORMS[self._form]}; got "
                f"{FORMS[records.form]}."
            )
        targets = self._read_targets(y, records, dtype)
        self._check_like_known(targets)
        names = [str(name) for name in names_of(y)]
        if names and self._target_names and names != self._target_names:
            raise ValueError(
                f"The columns of y, {names}, are not those that fit saw, "
                f"{self._target_names}."
            )
        return records, targets

    # ---------------------------------------------------------------- prediction
    @overload
    def predict(
        self, X: ArrayLike, *, state: State | None = ..., return_state: Yes
    ) -> tuple[Found, State]: ...
    @overload
    def predict(
        self, X: ArrayLike, *, state: State | None = ..., return_state: bool = ...
    ) -> Found: ...
    @document
    def predict(
        self,
        X: ArrayLike,
        *,
        state: State | None = None,
        return_state: bool = False,
    ) -> Found:
        """Predict the targets of sequences.

        Parameters
        ----------
        [predicted sequences]
        [predict state]

        Returns
        -------
        [predictions]
        [state behind]

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

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        state: State | None = None,
    ) -> float:
        """Coefficient of determination R^2 of `predict`, over all steps that count.

        Steps of all sequences are pooled; the first ``washout`` steps of each are left
        out, and with ``missing_targets="ignore"`` the targets that were not observed.
        It is the mean of the R^2 of the outputs. Initial state and feedback are those
        of `predict`; with ``initial_state="estimated"`` and without `state`, those of
        ``predict(X, y_start=...)`` with the outputs of the `washout`.

        Parameters
        ----------
        X, y : array-like or list of array-like
            As in `fit`.
        sample_weight : array-like or list of array-like, default=None
            As in `fit`: for each sequence, for each step, or for each row of a table.
        state : State, default=None
            As in `predict`.

        Returns
        -------
        score : float
            R^2: 1 is perfect, and 0 as good as the mean of y.
        """
        records = self._read(X)
        targets = self._read_known_targets(y, records)
        weight = Samples.weighted(records, targets, sample_weight, self.washout).weight
        rows = self._scored(records, targets, state)
        y_pred = self._y_scaler.inverse_transform(rows)
        return _mean_r2(targets.values, y_pred, weight)

    def _scored(self, records, targets, state):
        """The outputs that are scored, standardised."""
        return self._infer(records, self._initial_state(records, state))[0]

    @document
    def forecast(
        self,
        X: ArrayLike,
        n_steps: Int,
        X_future: ArrayLike | None = None,
        *,
        quantiles: Sequence[Float] | np.ndarray | None = None,
        n_paths: Int = 500,
        random_state: Seed = None,
        state: State | None = None,
        return_paths: bool = False,
        as_frame: bool = False,
    ) -> Found:
        """Read the history X, then feed each prediction back as the next input.

        It is for models whose targets are the next values of their inputs, or of some
        of them (`target_columns`). :func:`sk_rnn.forecast` does the same through a
        pipeline.

        Parameters
        ----------
        [forecast parameters]

        Returns
        -------
        [forecast results]

        Raises
        ------
        ValueError
            If the targets are not the next values of channels of X, or X_future does
            not fit.
        """
        check_is_fitted(self)
        options = Options(quantiles, n_paths, random_state, return_paths, as_frame)
        return forecast(Outside(self), X, n_steps, X_future, state, options)

    def _in_time(self, X):
        """The steps of a 2-D or 3-D X, oldest first, (n_rows, n_channels)."""
        X = np.asarray(X, self._theta.dtype)
        if X.ndim == 2:
            return rows_in_time(self, X)
        X = X.transpose(0, 2, 1) if self.data_format == "channels_first" else X
        return X.reshape(-1, X.shape[2])

    def _check_units(self):
        if self.standardize == "auto":
            return
        known = None if self._differencing is None else self._differencing.channels
        is_wanted = self.standardize == "differences"
        wanted = self._channels_of_outputs() if is_wanted else None
        if known != wanted:
            raise ValueError(
                "Training cannot go on: the fitted model has learnt changes of the "
                f"channels {known}, but standardize={self.standardize!r} and "
                f"target_columns={self.target_columns!r} ask for those of {wanted}."
            )

    # What `forecast` asks of a model, besides.
    def _check_feedback(self, feeds_back):
        """Refuse to feed back outputs that are not meant for it."""

    def _forecast_std(self, n_steps, places):
        """Standard deviations of the errors, (n_steps, n_outputs), if there is a law.

        `places` are the channels that the outputs are the next values of.
        """
        return None

    def _noise(self, rng, n_paths, n_steps):
        """Noise of outputs in standard units, (n_paths, n_steps, n_outputs)."""
        raise NotImplementedError

    @property
    def _past_has_outputs(self):
        """Whether a past holds measured outputs, too, besides inputs."""
        return False

    def _corrected(self, parts, rows):
        """State behind a step, had its outputs been `rows` (standardised)."""
        return parts

    def _shape(self, rows, records):
        """Give rows of outputs the form that y has for such records."""
        if self._flat:
            rows = rows[:, 0]
        if self._last or records.is_table:
            return rows
        if records.is_list:
            parts = records.split(rows)
            return boxed(parts) if records.is_boxed else parts
        return rows.reshape(len(records.lengths), -1, *rows.shape[1:])

    def __sklearn_tags__(self):
        tags, of_changes = super().__sklearn_tags__(), self.standardize == "differences"
        n_outputs = self.n_channels if of_changes else None
        if self.target_columns is not None:
            n_outputs = np.size(self.target_columns)
        tags.target_tags.single_output = n_outputs in (None, 1)
        # A single column may serve all outputs where they are learnt as changes of it.
        tags.target_tags.multi_output = n_outputs != 1 or of_changes
        return tags


def _mean_r2(y, y_pred, weight):
    """Mean of the R^2 of each output over the rows in which it was observed."""
    counts = (weight > 0)[:, None] & ~np.isnan(y)
    scores = [
        r2_score(y[rows, k], y_pred[rows, k], sample_weight=weight[rows])
        for k, rows in enumerate(counts.T)
    ]
    return float(np.mean(scores))
