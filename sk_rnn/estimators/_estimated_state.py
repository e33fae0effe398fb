"""An initial state that is estimated from measured outputs."""

from dataclasses import replace
from typing import Any, overload

import numpy as np

from .._typing import ArrayLike, Found, Yes
from .._warnings import warn_caller
from ..data._dataset import show
from ..data._records import Records
from ..data._state import State
from ..data._targets import read_measured
from ..training._inference import infer
from ._documentation import document
from ._lags import check_lengths


class EstimatedStateMixin:
    """For networks that see measured outputs in a warm-up, beside X.

    Behind the channels of X come the outputs, standardised, and a 1 that tells them.
    Where nothing is shown, all of these are 0; so they are at all steps that count.

    A network learns to find its state from zero in a warm-up of a certain length, that
    of the washout, and what it would make of a longer one, nobody knows. So the state
    is always found in this way, and of a longer past the end is read alone.
    """

    def _n_shown(self, n_outputs):
        """How many inputs come behind those of X."""
        return n_outputs + 1 if self.initial_state == "estimated" else 0

    @property
    def _estimates(self):
        """Whether the (fitted) network has such inputs."""
        return self._network.n_in > self._n_channels

    def _inputs(self, rows):
        x = super()._inputs(rows)
        n = self._network.n_in - x.shape[1]
        return np.pad(x, ((0, 0), (0, n))) if n else x

    # ------------------------------------------------------------------- fitting
    def _read_targets(self, y, records, dtype):
        targets = super()._read_targets(y, records, dtype)
        if self.initial_state == "estimated":
            self._check_warm_up(targets)
        return targets

    def _check_warm_up(self, targets):
        """Refuse what has no steps from whose outputs the state could be estimated."""
        if targets.last:
            raise ValueError(
                "initial_state='estimated' needs measured outputs at the first steps "
                "of each sequence, but y has one target per sequence, for its last "
                "step. Take initial_state='zero' or 'learned'."
            )
        if self.standardize == "differences":
            raise ValueError(
                "initial_state='estimated' is for inputs that drive an output, and "
                "standardize='differences' for targets that are later values of X: "
                "take one of them."
            )
        if not self.washout:
            raise ValueError(
                "initial_state='estimated' estimates the state from the outputs "
                "measured during the washout, and washout=0. Set it to as many steps "
                "as tell the state of the system."
            )
        is_given = self.bptt_steps not in (None, "auto")
        if is_given and self.bptt_steps <= self.washout:
            raise ValueError(
                f"bptt_steps={self.bptt_steps} leaves nothing of a window behind its "
                f"warm-up, which is washout={self.washout} with "
                "initial_state='estimated'. Take windows a few times as long."
            )
        if self.skip is not None and self.skip_lags > self.washout:
            raise ValueError(
                f"skip_lags={self.skip_lags} reaches beyond the warm-up, of washout="
                f"{self.washout} steps, of which alone the state is made with "
                "initial_state='estimated': take fewer lags, or a longer washout."
            )

    def _dataset(self, samples):
        data, self._n_past = super()._dataset(samples), None
        if not self._estimates:
            return data
        self._n_past = int(self.washout)
        skip = np.full_like(data.lengths, self._n_past)
        return replace(data, warm_up=self._n_past, skip=skip)

    # ----------------------------------------------------------------- inference
    def _after(self, records, x, y, parts):
        if not self._estimates or y is None:
            return super()._after(records, x, y, parts)
        end, near = self._ends(records)
        return super()._after(end, show(x[near], y[near]), y, None)

    def _ends(self, records):
        """The last steps that a state is made of, and which rows they are."""
        stops = np.repeat(records.starts + records.lengths, records.lengths)
        near = stops - np.arange(len(stops)) <= self._n_past
        lengths = np.minimum(records.lengths, self._n_past)
        return Records(np.empty((0, 0)), lengths, "list"), near

    def _check_past(self, records, known, y=None):
        if not self._estimates:
            return
        if y is not None:
            self._check_measured(records, known, y)
            return
        short = np.full(len(records.lengths), known is None)
        if known is not None:
            short = self._steps_before(known, records) < self._n_past
        self._warn_of_short_past(short)

    def _check_measured(self, records, known, y):
        """The same of outputs that were measured."""
        short = records.lengths < self._n_past
        if known is not None and short.any():
            raise ValueError(
                f"initial_state='estimated': the state is estimated from the last "
                f"{self._n_past} steps of a past alone, which is the washout of fit, "
                f"and X has {records.lengths.min()}. Hand in that many at once."
            )
        end, near = self._ends(records)
        measured = ~np.isnan(y[near]).any(axis=1)
        self._warn_of_short_past(short | ~np.logical_or.reduceat(measured, end.starts))

    def _warn_of_short_past(self, short):
        if short.any():
            warn_caller(
                f"initial_state='estimated': {short.sum()} of {len(short)} sequence(s) "
                f"begin without a state, or the {self._n_past} measured outputs from "
                "which the network has learnt to estimate it, and so in a state that "
                "says little of the system. Hand in y_start, the outputs at the first "
                "steps of X, or state=model.warm_up(X_past, y_past)."
            )

    def _check_feedback(self, feeds_back):
        super()._check_feedback(feeds_back)
        if self._estimates:
            raise ValueError(
                "initial_state='estimated' is for inputs that drive an output. Where "
                "the outputs come back as the next inputs, X itself holds what was "
                "measured: fit with initial_state='zero' or 'learned' to forecast."
            )

    @overload
    def predict(
        self,
        X: ArrayLike,
        *,
        y_start: ArrayLike | None = ...,
        state: State | None = ...,
        return_state: Yes,
    ) -> tuple[Found, State]: ...
    @overload
    def predict(
        self,
        X: ArrayLike,
        *,
        y_start: ArrayLike | None = ...,
        state: State | None = ...,
        return_state: bool = ...,
    ) -> Found: ...
    @document
    def predict(
        self: Any,
        X: ArrayLike,
        *,
        y_start: ArrayLike | None = None,
        state: State | None = None,
        return_state: bool = False,
    ) -> Found:
        """Predict the targets of sequences.

        Parameters
        ----------
        [predicted sequences]
        y_start : array-like or list, default=None
            With ``initial_state="estimated"``, the outputs measured at the first steps
            of X, as many as the `washout`, from which the state is estimated. Their
            shape is (n_sequences, n_start) or (n_sequences, n_start, n_outputs); for
            one table of steps (n_start,) or (n_start, n_outputs). What they say is
            taken for the predictions of these steps, too; the free run follows. The
            ``y_init`` of a `NARXRegressor` lies before the first step of X.
        [predict state]

        Returns
        -------
        [predictions]
        [state behind]

        Raises
        ------
        ValueError, TypeError
            For a state of another model or for another number of sequences; for a
            `y_start` that does not fit X, that holds more than the `washout`, that the
            model has no use for, or that comes together with a state.

        Warns
        -----
        UserWarning
            With ``initial_state="estimated"``, if sequences begin without a state and
            without as many measured outputs.
        """
        if y_start is None:
            options = {"state": state, "return_state": return_state}
            return super().predict(X, **options)  # type: ignore[misc]
        if state is not None:
            raise ValueError("Give y_start or the state before X, not both.")
        records = self._read(X)
        measured = self._read_start(y_start, records)
        rows, parts = self._begun(records, self._y_scaler.transform(measured))
        rows = self._y_scaler.inverse_transform(rows)
        y = self._shape(np.where(np.isnan(measured), rows, measured), records)
        return (y, self._state(records, parts, None)) if return_state else y

    def _read_start(self, y_start, records):
        """Measured outputs at all rows of records, NaN where there are none."""
        if not self._estimates:
            raise ValueError(
                "y_start tells a model with initial_state='estimated' where to begin; "
                "this one was fitted without and has no use for it."
            )
        y = np.full((len(records.rows), self.n_outputs_), np.nan, self._theta.dtype)
        place, size = "at the first steps", (self.n_outputs_, y.dtype)
        parts = read_measured(
            "y_start", place, y_start, records, *size, self.missing_targets
        )
        given = np.array([len(part) for part in parts])
        most = np.minimum(records.lengths, self._n_past)
        if (given > most).any():
            k = np.argmax(given > most)
            raise ValueError(
                f"y_start holds {given[k]} outputs for sequence {k}, which has "
                f"{records.lengths[k]} step(s), and the state is estimated from "
                f"{self._n_past}, the washout of fit. Of a longer past hand in "
                "state=model.warm_up(X_past, y_past)."
            )
        self._warn_of_short_past(given < most)
        for first, part in zip(records.starts, parts, strict=True):
            y[first : first + len(part)] = part
        return y

    def _begun(self, records, y):
        """Outputs and the state behind them, where outputs y were measured, or NaN."""
        check_lengths(records, self)
        x = show(self._inputs(records.rows), y)
        return infer(self._forward, x, records)

    def _scored(self, records, targets, state):
        if state is not None or not self._estimates:
            return super()._scored(records, targets, state)
        step = np.arange(len(records.rows)) - np.repeat(records.starts, records.lengths)
        y = self._y_scaler.transform(targets.values)
        y[step >= self._n_past] = np.nan
        return self._begun(records, y)[0]
