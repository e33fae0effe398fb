"""An initial state that is estimated from measured outputs."""

from dataclasses import replace

import numpy as np

from .._warnings import warn_caller
from ..data._dataset import show
from ..data._targets import read_measured
from ..training._inference import infer


class EstimatedStateMixin:
    """For networks that see measured outputs in their warm-up, beside X.

    Behind the channels of X come the outputs, standardised, and a 1 that tells them.
    Where nothing is measured, all of these are 0; so they are at all steps that count.
    """

    def _n_shown(self, n_outputs):
        """How many inputs come behind those of X."""
        return n_outputs + 1 if self.initial_state == "estimated" else 0

    @property
    def _estimates(self):
        """Whether the (fitted) network has such inputs."""
        return self._network.n_in > self._n_channels

    @property
    def _past_has_outputs(self):
        return self._estimates

    def _inputs(self, rows):
        x = super()._inputs(rows)
        n = self._network.n_in - x.shape[1]
        return np.pad(x, ((0, 0), (0, n))) if n else x

    # ------------------------------------------------------------------- fitting
    def _read_targets(self, y, records, dtype):
        targets = super()._read_targets(y, records, dtype)
        if self.initial_state == "estimated" and targets.last:
            raise ValueError(
                "initial_state='estimated' needs measured outputs in the first steps "
                "of each sequence, but y has one target per sequence, for its last "
                "step. Take initial_state='zero' or 'learned'."
            )
        return targets

    def _dataset(self, samples):
        data = super()._dataset(samples)
        if not self._estimates:
            return data
        longest, warm_up = int(data.lengths.max()), self.washout
        if self.bptt_steps is not None and self.bptt_steps < longest:
            warm_up = max(warm_up, self.bptt_steps // 4)
        if not warm_up:
            raise ValueError(
                "initial_state='estimated' estimates from the measured outputs of "
                "steps that carry no loss, and there are none: washout=0, bptt_steps="
                f"{self.bptt_steps}, and the longest sequence has {longest} step(s). "
                "Set washout to the steps that tell the state, or bptt_steps of at "
                "least 4 and less than that."
            )
        return replace(
            data, warm_up=warm_up, skip=np.full_like(data.lengths, self.washout)
        )

    # ----------------------------------------------------------------- inference
    def _after(self, records, x, y, parts):
        if self._estimates and y is not None:
            x = show(x.copy(), y)
        return super()._after(records, x, y, parts)

    def _look_at_past(self, records, known, y=None):
        if not self._estimates:
            return
        fresh = np.ones(len(records.lengths), bool)
        if known is not None:
            ids = known.ids or ()
            fresh[:] = [one not in ids for one in records.ids or ()] or False
        if y is not None:
            shown = ~np.isnan(y).any(axis=1)
            fresh &= ~np.logical_or.reduceat(shown, records.starts)
        if fresh.any():
            warn_caller(
                f"initial_state='estimated': {fresh.sum()} of {len(fresh)} sequence(s) "
                "begin without a state or measured outputs, and so in a state of zeros "
                "that says nothing of the system. Hand in the outputs of the first "
                "steps, predict(X, y_start=...), or state=model.warm_up(X_past, "
                "y_past); score takes them from the first `washout` steps."
            )

    def predict(self, X, *, y_start=None, state=None, return_state=False):
        """Predict the targets of sequences.

        Parameters
        ----------
        X : array-like or list of array-like
            Sequences in the form that `fit` saw. With ``time_axis=0`` the rows are
            taken to follow the training rows, sequence by sequence, unless they are
            the training rows themselves, or ``carry_state=False``.
        y_start : array-like of shape (n_sequences, n_start) or \
                (n_sequences, n_start, n_outputs), or list, default=None
            With ``initial_state="estimated"``, the outputs measured at the first steps
            of X, from which the state is estimated: usually at as many as the
            `washout`. For one table of steps: (n_start,) or (n_start, n_outputs). At
            these steps they are returned themselves; what follows is the free run.
            (The ``y_init`` of a `NARXRegressor` lies before the first step of X.)
        state : State, default=None
            What is known of the past of these sequences, from `warm_up` or from an
            earlier `predict`. Rows may so come one by one.
        return_state : bool, default=False
            Also return the state behind X.

        Returns
        -------
        y : ndarray or list of ndarray
            In the form of the y that `fit` saw. For a target at every step of a list of
            sequences, a list of arrays; a 1-D array of them where X is one.
        state : State
            Only if `return_state`.

        Raises
        ------
        ValueError, TypeError
            For a state of another model or for another number of sequences; for a
            `y_start` that does not fit X, or that the model has no use for.

        Warns
        -----
        UserWarning
            With ``initial_state="estimated"``, if sequences begin without a state and
            without measured outputs.
        """
        if y_start is None:
            return super().predict(X, state=state, return_state=return_state)
        records = self._read(X)
        measured = self._read_start(y_start, records)
        known = self._before(records, state)
        rows, parts = self._begun(records, known, self._encode_targets(measured))
        rows = self._y_scaler.inverse_transform(rows)
        y = self._shape(np.where(np.isnan(measured), rows, measured), records)
        return (y, self._state(records, parts, known)) if return_state else y

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
        for k, part in enumerate(parts):
            first, n_steps = records.starts[k], records.lengths[k]
            if len(part) > n_steps:
                raise ValueError(
                    f"y_start holds the outputs of {len(part)} first steps of sequence "
                    f"{k}, which has {n_steps}."
                )
            y[first : first + len(part)] = part
        return y

    def _begun(self, records, known, y):
        """Outputs, and the state behind them, where outputs y were measured or NaN."""
        self._look_at_past(records, known, y)
        x = show(self._inputs(records.rows), y)
        return infer(self._forward, x, records, self._parts(known, records))

    def _scored(self, records, targets, state):
        if state is not None or not self._estimates:
            return super()._scored(records, targets, state)
        step = np.arange(len(records.rows)) - np.repeat(records.starts, records.lengths)
        y = self._encode_targets(targets.values)
        y[step >= self.washout] = np.nan
        return self._begun(records, self._before(records, None), y)[0]
