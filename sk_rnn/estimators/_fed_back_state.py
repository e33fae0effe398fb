"""States of a model that is fed back its outputs."""

import numpy as np

from .._warnings import warn_caller
from ..data._targets import read_measured
from ..layers import Chain, Forward
from ..training._inference import infer
from ._lags import check_lengths


class FedBackStateMixin:
    """For a network of two layers: a delay line of the inputs, and a `Feedback`.

    Behind a past with measured outputs these are what comes back next.
    """

    @property
    def _past_has_outputs(self):
        # Where only the last output of a sequence was known in training, the model has
        # learnt to run free up to there.
        return self._network.layers[1].n_lags > 0 and not self._last

    def _corrected(self, parts, rows):
        _, loop = self._network.layers
        lag, output = loop.returning
        found = []
        for _, _, (inputs, loop_state) in self._members(parts):
            line = loop_state.line.copy()
            line[:, lag == 1] = rows[:, output[lag == 1]]
            found.append([inputs, loop_state._replace(line=line)])
        return self._of_members(found)

    def _after(self, records, x, y, parts):
        if y is None:
            return super()._after(records, x, y, parts)
        parts = self._fresh(len(records.lengths)) if parts is None else parts
        y = self._fed_back(records, x, y, parts)
        members = self._members(parts)
        return self._of_members([self._past(records, x, y, own) for *_, own in members])

    def _past(self, records, x, y, parts):
        """The state of a member behind measured outputs y."""
        (delay, loop), (inputs, before) = self._network.layers, parts
        line = np.empty_like(before.line)
        for k, measured in enumerate(records.split(y)):
            line[k] = loop.line_behind(measured, before.line[k])
        taps = Forward(Chain({"delay": delay}), np.empty(0, x.dtype))
        (inputs,) = infer(taps, x, records, [inputs], last=True)[1]
        age = before.age + records.lengths
        return [inputs, before._replace(line=line, age=age)]

    def _with_y_init(self, y_init, records):
        """A fresh start, but for the outputs before it."""
        delay, loop = self._network.layers
        check_lengths(records, self)
        place, size = "before the first step", (self.n_outputs_, self._theta.dtype)
        given = read_measured("y_init", place, y_init, records, *size)
        fresh = self._fresh(len(records.lengths))
        for _, _, (_, own) in self._members(fresh):
            for k, y in enumerate(given):
                y = self._y_scaler.transform(y)
                own.line[k] = loop.line_behind(y, own.line[k])
        if delay.reach:
            warn_caller(
                "y_init holds outputs alone: the inputs before the first step are "
                f"taken to be their mean, and the model looks {delay.reach} step(s) "
                "back at them. state=model.warm_up(X_past, y_past) tells it both."
            )
        return fresh
