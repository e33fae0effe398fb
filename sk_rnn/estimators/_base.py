"""The estimator frame: hyper-parameters of the data, fit as a transaction, inference.

Nothing here knows what targets mean; that is the business of `SequenceRegressor`.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._compat import (
    CallbackSupportMixin,
    Interval,
    _fit_context,
    at_least,
    is_of_callbacks,
    with_callbacks,
)
from ..data._dataset import Dataset
from ..data._index import IndexEnd
from ..data._records import read_X
from ..data._samples import Samples
from ..data._scaling import Scaler
from ..data._state import State, join, take
from ..layers import one_thread
from ..training._inference import infer
from ._callbacks import FitReport
from ._lags import check_lengths


@dataclass(kw_only=True, eq=False, repr=False)
class SequenceEstimator(CallbackSupportMixin, BaseEstimator):
    """Data contract, standardisation of X, and inference with a fitted network.

    A subclass says what targets are (`_read_targets`, `_learn_targets`,
    `_encode_targets`), how its network looks (`_build`) and how its parameters are
    found (`_train`). Estimators are dataclasses: their fields are the
    hyper-parameters, and ``__init__`` does nothing but assign them.
    """

    standardize: bool = True
    washout: int = 0
    n_channels: int = 1
    time_axis: int = 1
    sequence_column: int | str | None = None
    carry_state: bool = True

    _parameter_constraints: ClassVar[dict] = {
        "n_channels": [at_least(1)],
        "time_axis": [Interval(Integral, 0, 1, closed="both")],
        "sequence_column": [str, Integral, None],
        "washout": [at_least(0)],
        "standardize": ["boolean"],
        "carry_state": ["boolean"],
    }

    # ------------------------------------------------------------ for subclasses
    def _read_targets(self, y, records, dtype):
        """Check y, against what `fit` saw where there is such; return Targets."""
        raise NotImplementedError

    def _learn_targets(self, samples):
        """Learn from the targets of a first fit what `_encode_targets` needs."""
        raise NotImplementedError

    def _encode_targets(self, values):
        """Rows of targets as the loss wants them."""
        raise NotImplementedError

    def _distinct(self, samples):
        """The samples to learn from, in the form they came in."""
        return samples

    def _build(self, n_channels, n_outputs, n_steps):
        """Make the network.

        Parameters
        ----------
        n_channels, n_outputs : int
        n_steps : int or None
            Steps of every sequence where their number is fixed.
        """
        raise NotImplementedError

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

    def _check_simulation(self, state):
        """Warn if the state after a pass tells that the simulation diverged."""

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
        with _all_or_nothing(self):
            with one_thread():
                self._fit(X, y, sample_weight, report)
            report.end()
        return self

    def _fit(self, X, y, sample_weight, report):
        warm = getattr(self, "warm_start", False) and hasattr(self, "_theta")
        records = read_X(self, X)
        targets = self._read_targets(y, records, records.rows.dtype)
        if warm:
            self._check_outputs(targets)
        samples = Samples.weighted(records, targets, sample_weight, self.washout)
        n_outputs = targets.values.shape[1]
        network = self._build(records.rows.shape[1], n_outputs, records.fixed_steps)
        check_lengths(records, network)
        if warm:
            self._check_size(network)
        samples = self._distinct(samples)
        if not warm:
            rows, weight = samples.records.rows, samples.x_weight
            self._x_scaler = Scaler(rows, weight, self.standardize)
            self._learn_targets(samples)
        self.n_outputs_ = n_outputs
        self._last, self._flat, self._form = targets.last, targets.flat, records.form
        data = self._dataset(samples)
        self._network, self._end = network, None
        theta = self._theta if warm else None
        self._theta = self._train(network, data, theta, report)
        self._identify()
        if records.is_table:
            parts = self._after(records, data.x, data.y, None)
            self._end = self._state(records, parts, None)
            self._seen = len(records.rows), records.digest()
            self._index_end = IndexEnd.of(records.index)

    def _identify(self):
        """Give the fitted model a name, by which it knows its states again."""
        digest = blake2b(self._theta.tobytes(), digest_size=16)
        digest.update(f"{type(self).__name__} {self._network.shapes}".encode())
        for scaler in vars(self).values():
            if isinstance(scaler, Scaler):
                digest.update(scaler.mean.tobytes() + scaler.scale.tobytes())
        self._model = digest.hexdigest()

    def _check_outputs(self, targets):
        if targets.values.shape[1] != self.n_outputs_:
            raise ValueError(
                f"warm_start=True: y has {targets.values.shape[1]} outputs, but the "
                f"fitted model has {self.n_outputs_}."
            )

    def _check_size(self, network):
        if len(self._theta) != network.size:
            raise ValueError(
                f"warm_start=True: the fitted model has {len(self._theta)} parameters, "
                f"the one described by the present hyper-parameters {network.size}."
            )

    def _dataset(self, samples):
        """Samples as the network sees them."""
        records, targets = samples.records, samples.targets
        return Dataset(
            x=self._x_scaler.transform(records.rows),
            starts=records.starts,
            lengths=records.lengths,
            y=self._encode_targets(targets.values),
            weight=samples.weight,
            last=targets.last,
            skip=np.zeros(len(records.lengths), int),
        )

    # ----------------------------------------------------------------- inference
    def warm_up(self, X, y=None, state=None):
        """Read a past; return the state behind it, from which `predict` can go on.

        Parameters
        ----------
        X : array-like or list of array-like
            The past of each sequence, in the form that `fit` saw.
        y : array-like or list of array-like, default=None
            The outputs measured meanwhile, one at every step. A `NARXRegressor` needs
            them; without them it simulates the past. Other models have no use for them.
        state : State, default=None
            Where X goes on; None: X is the beginning. (`predict` without a state goes
            on behind the rows of `fit`; this does not.)

        Returns
        -------
        state : State
            With one entry for each sequence.

        Raises
        ------
        ValueError, TypeError
            For a state of another model or for another number of sequences.
        """
        records = self._read(X)
        known = None if state is None else self._own(state, records)
        x = self._x_scaler.transform(records.rows)
        if y is not None:
            y = self._encode_targets(self._read_steps(y, records))
        parts = self._after(records, x, y, self._parts(known, records))
        self._check_simulation(parts)
        return self._state(records, parts, known)

    def _read_steps(self, y, records):
        """Rows of targets, one at every step."""
        raise NotImplementedError

    def _after(self, records, x, y, parts):
        """State of the network behind standardised rows; parts None: from the start."""
        return infer(self._network, self._theta, x, records, parts, last=True)[1]

    def _state(self, records, parts, known):
        """The state behind records, and of sequences known that are not among them."""
        ids, seen = records.ids, records.lengths + self._steps_before(known, records)
        if ids is not None and known is not None:
            others = [k for k, one in enumerate(known.ids) if one not in set(ids)]
            if others:
                parts = join([take(known._parts, others), parts])
                ids = (*(known.ids[k] for k in others), *ids)
                seen = (*(known.n_steps[k] for k in others), *seen)
        seen = tuple(int(n) for n in seen)
        return State(len(seen), seen, ids, self._model, parts)

    @staticmethod
    def _steps_before(known, records):
        """How many steps of each sequence were read before."""
        if known is None:
            return np.zeros(len(records.lengths), int)
        if known.ids is None:
            return np.array(known.n_steps)
        seen = dict(zip(known.ids, known.n_steps, strict=True))
        return np.array([seen.get(one, 0) for one in records.ids])

    def _known(self, records, state):
        """The State in which `predict` begins, or None for a fresh start."""
        known = self._end_of_fit(records) if state is None else state
        known = None if known is None else self._own(known, records)
        before = self._steps_before(known, records)
        check_lengths(records, self._network, before)
        return known

    def _end_of_fit(self, records):
        """The State in which `fit` left a table that records may follow."""
        if self._end is None or not self.carry_state:
            return None
        same_size = len(records.rows) == self._seen[0]
        if same_size and records.digest() == self._seen[1]:
            return None  # the training rows do not follow themselves
        if self._index_end is not None:
            self._index_end.check(records.index)
        return self._end

    def _own(self, state, records):
        """A state that was handed in, if it is one of this model's."""
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
        n = len(records.lengths)
        if state.ids is None and state.n_sequences != n:
            raise ValueError(
                f"state holds {state.n_sequences} sequence(s), but X has {n}: they "
                "must be the same ones, in the same order."
            )
        return state

    def _parts(self, known, records):
        """State of the network, sequence by sequence; None is a fresh start."""
        if known is None or known.ids is None:
            return None if known is None else known._parts
        places = {one: k for k, one in enumerate(known.ids)}
        which = np.array([places.get(one, -1) for one in records.ids])
        fresh = self._network.initial_state(1, self._theta.dtype)
        return take(join([known._parts, fresh]), which)

    def _initial_state(self, records, state=None):
        """State of the network in which `predict` begins; None is a fresh start."""
        return self._parts(self._known(records, state), records)

    def _read(self, X):
        """Records of the form that `fit` saw."""
        check_is_fitted(self)
        records = read_X(self, X, self._form)
        if records.rows.shape[1] != self._network.n_in:
            raise ValueError(
                f"X has {records.rows.shape[1]} channel(s) at each step; fit saw "
                f"{self._network.n_in} channel(s)."
            )
        records.rows = records.rows.astype(self._theta.dtype, copy=False)
        return records

    def _infer(self, records, state, last=None):
        """Outputs of the fitted network for records; see `infer`.

        `last` says whether only those of last steps are wanted (default: as in fit).
        """
        x = self._x_scaler.transform(records.rows)
        last = self._last if last is None else last
        rows, state = infer(self._network, self._theta, x, records, state, last)
        self._check_simulation(state)
        return rows, state

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
        tags.input_tags.three_d_array = self.time_axis == 1
        return tags


@contextmanager
def _all_or_nothing(estimator):
    """Leave the estimator as it was if an error occurs, but for open callbacks."""
    before = estimator.__dict__.copy()
    try:
        yield
    except BaseException:
        now = estimator.__dict__.copy()
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        for name in filter(is_of_callbacks, now):
            estimator.__dict__[name] = now[name]
        raise
