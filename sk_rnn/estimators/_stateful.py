"""What a fitted estimator knows of the past: states, handed in and out."""

from hashlib import blake2b
from typing import Any

import numpy as np

from .._typing import ArrayLike
from .._warnings import quiet
from ..data._index import IndexEnd
from ..data._scaling import Scaler
from ..data._state import State, join, take
from ..training._inference import infer
from ._lags import check_lengths


class StatefulMixin:
    """States of an estimator that has a network, its parameters and scalers.

    `State` is what users see; the parts of it are a state of the network, with one
    entry for each sequence.
    """

    #: How many last steps of a past with measured outputs a state is made of, whatever
    #: came before them; None: all.
    _n_past = None

    def _identify(self):
        """Give the fitted model a name, by which it knows its states again."""
        digest = blake2b(self._theta.tobytes(), digest_size=16)
        digest.update(f"{type(self).__name__} {self._network.shapes}".encode())
        for scaler in vars(self).values():
            if isinstance(scaler, Scaler):
                digest.update(scaler.mean.tobytes() + scaler.scale.tobytes())
        self._model = digest.hexdigest()

    def _remember(self, records, targets, known=None):
        """Remember the end of the table that `fit` saw, for `predict` to go on.

        `known` is the State that its rows go on from; None is a fresh start.
        """
        x, y = self._inputs(records.rows), self._y_scaler.transform(targets.values)
        parts = self._after(records, x, y, self._parts(known, records))
        self._end = self._state(records, parts, known)
        self._seen = len(records.rows), records.digest()

    def warm_up(
        self: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        state: State | None = None,
    ) -> State:
        """Read a past; return the state behind it, from which `predict` can go on.

        Parameters
        ----------
        X : array-like or list of array-like
            The past of each sequence, in the form that `fit` saw.
        y : array-like or list of array-like, default=None
            The outputs that were measured in this past, one at every step. A
            `NARXRegressor` uses them as its last outputs. Without them it simulates the
            past, and so it does where some are missing (see its `feedback`). A
            recurrent network with ``initial_state="estimated"`` estimates its state
            from the last `washout` of them, which must all be in one call; without them
            it runs free. Other models ignore them.
        state : State, default=None
            The state behind which X goes on. None: X is the beginning, whereas
            `predict` without a state goes on behind the rows of `fit`.

        Returns
        -------
        state : State
            With one entry for each sequence.

        Raises
        ------
        ValueError, TypeError
            For a state of another model or for another number of sequences.

        Warns
        -----
        UserWarning
            With ``initial_state="estimated"``, if sequences begin without a state and
            without measured outputs.
        """
        records = self._read(X)
        known = self._own(state, records)
        with quiet():
            x = self._inputs(records.rows)
        if y is not None:
            y = self._y_scaler.transform(self._read_steps(y, records))
        self._check_past(records, known, y)
        with quiet():
            parts = self._after(records, x, y, self._parts(known, records))
        self._check_simulation(parts)
        return self._state(records, parts, known)

    def _check_past(self, records, known, y=None):
        """Warn or refuse if less is known than the model needs.

        Of the past of records that are to be predicted; or, with outputs y that were
        measured (standardised), of the records that are the past.
        """

    def _read_steps(self, y, records):
        """Rows of targets, one at every step."""
        raise NotImplementedError

    def _after(self, records, x, y, parts):
        """State of the network behind standardised rows; parts None: from the start."""
        return infer(self._forward, x, records, parts, last=True)[1]

    def _state(self, records, parts, known):
        """The state behind records, and of sequences known that are not among them."""
        ids, seen = records.ids, records.lengths + self._steps_before(known, records)
        end = IndexEnd.of(records, known and known._index_end)
        if ids is not None and known is not None:
            here = set(ids)
            others = [k for k, one in enumerate(known.ids) if one not in here]
            if others:
                parts = join([take(known._parts, others), parts])
                ids = (*(known.ids[k] for k in others), *ids)
                seen = (*(known.n_steps[k] for k in others), *seen)
                end = end and end.joined(known._index_end, others)
        seen = tuple(int(n) for n in seen)
        return State(len(seen), seen, ids, self._model, parts, end)

    @staticmethod
    def _steps_before(known, records):
        """How many steps of each sequence were read before."""
        if known is None:
            return 0
        if known.ids is None:
            return np.array(known.n_steps)
        seen = dict(zip(known.ids, known.n_steps, strict=True))
        return np.array([seen.get(one, 0) for one in records.ids])

    def _known(self, records, state):
        """The State in which `predict` begins, or None for a fresh start."""
        known = self._ready(
            self._end_of_fit(records) if state is None else state, records
        )
        self._check_past(records, known)
        return known

    def _ready(self, state, records):
        """A state (or None) behind which records fill the delay lines."""
        known = self._own(state, records)
        check_lengths(records, self, self._steps_before(known, records))
        return known

    def _end_of_fit(self, records):
        """The State in which `fit` left a table that records may follow."""
        if self._end is None or not self.carry_state:
            return None
        same_size = len(records.rows) == self._seen[0]
        if same_size and records.digest() == self._seen[1]:
            return None  # the training rows do not follow themselves
        known = self._followed(records)
        if known is not None:
            self._check_follows(records, known)
        return known

    def _followed(self, records):
        """The State behind the rows of `fit`, of the sequences that may go on there."""
        return self._end

    def _check_follows(self, records, known):
        """Warn if the first rows of records are seen not to follow those of `fit`.

        `known` is the State of the sequences that go on.
        """

    def _own(self, state, records):
        """A state that was handed in (or None), if it is one of this model's."""
        if state is None:
            return None
        self._check_state(state)
        n = len(records.lengths)
        if state.ids is None and state.n_sequences != n:
            raise ValueError(
                f"state holds {state.n_sequences} sequence(s), but X has {n}: they "
                "must be the same ones, in the same order."
            )
        if state._index_end is not None:
            state._index_end.check(records)
        return state

    def _check_state(self, state):
        """Refuse what is no state of this model."""
        if not isinstance(state, State):
            raise TypeError(
                "state must come from warm_up, or from predict(..., return_state=True);"
                f" got {type(state).__name__}."
            )
        if state._model != self._model:
            raise ValueError(
                "state belongs to another model, or to this one before it was fitted "
                "again. Make it anew with warm_up."
            )

    def _parts(self, known, records):
        """State of the network, sequence by sequence; None is a fresh start."""
        if known is None or known.ids is None:
            return None if known is None else known._parts
        places = {one: k for k, one in enumerate(known.ids)}
        which = np.array([places.get(one, -1) for one in records.ids])
        return take(join([known._parts, self._fresh(1)]), which)

    def _fresh(self, n_sequences):
        """State of the network before the first step."""
        return self._network.initial_state(self._theta, n_sequences)

    def _initial_state(self, records, state=None):
        """State of the network in which `predict` begins; None is a fresh start."""
        return self._parts(self._known(records, state), records)
