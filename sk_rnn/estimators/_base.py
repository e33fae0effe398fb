"""The estimator frame: hyper-parameters of the data, fit as a transaction, inference.

Nothing here knows what targets mean; that is the business of `SequenceRegressor`.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar, Literal, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._compat import (
    BaseEstimator,
    CallbackSupportMixin,
    Number,
    StrOptions,
    _fit_context,
    at_least,
    is_of_callbacks,
    with_callbacks,
)
from .._typing import ArrayLike, Columns, Int
from .._warnings import quiet
from ..data._arrays import in_precision
from ..data._dataset import Dataset
from ..data._records import read_X
from ..data._samples import Samples
from ..data._traps import warn_of_traps
from ..layers import Forward, Mean, one_thread
from ..training._inference import infer
from ._callbacks import FitReport
from ._documentation import document
from ._lags import check_lengths
from ._persistence import VersionedMixin
from ._stateful import StatefulMixin


@dataclass(kw_only=True, eq=False, repr=False)
class SequenceEstimator(
    StatefulMixin, VersionedMixin, CallbackSupportMixin, BaseEstimator
):
    """Data contract, standardisation of X, and inference with a fitted network.

    A subclass says what targets are (`_read_targets`), in which units they are learnt
    (`_choose_units`, `_learn_units`, `_encode`), how its network looks (`_build`) and
    how its parameters are found (`_train`). Estimators are dataclasses: their fields
    are the hyper-parameters, and ``__init__`` does nothing but assign them.
    """

    standardize: bool | Literal["auto", "differences"] = True
    washout: Int = 0
    missing_targets: Literal["error", "ignore"] = "error"
    n_channels: Int = 1
    lag_order: Literal["oldest_first", "newest_first"] = "oldest_first"
    data_format: Literal["channels_last", "channels_first"] = "channels_last"
    time_axis: Int = 1
    sequence_column: Int | str | None = None
    target_columns: Columns | None = None
    carry_state: bool = True

    _parameter_constraints: ClassVar[dict] = {
        "n_channels": [at_least(1)],
        "lag_order": [StrOptions({"oldest_first", "newest_first"})],
        "data_format": [StrOptions({"channels_last", "channels_first"})],
        "time_axis": [Number(Integral, 0, 1, closed="both")],
        "sequence_column": [str, Integral, None],
        "target_columns": [str, Integral, "array-like", None],
        "washout": [at_least(0)],
        "missing_targets": [StrOptions({"error", "ignore"})],
        "standardize": ["boolean", StrOptions({"differences"})],
        "carry_state": ["boolean"],
    }

    #: The hyper-parameters that say how far the delay lines reach.
    _lags: ClassVar[tuple] = ("n_lags",)
    #: Steps of every sequence that `fit` saw, where their number was fixed.
    _n_steps = None

    # ------------------------------------------------------------ for subclasses
    def _read_targets(self, y, records, dtype):
        """Check y, against what `fit` saw where there is such; return Targets."""
        raise NotImplementedError

    def _choose_units(self, samples):
        """Decide what of samples is standardised."""
        self.standardize_ = self.standardize

    def _check_units(self):
        """Refuse to go on with a model of other units (``warm_start``)."""

    def _learn_units(self, samples):
        """Learn from the samples of a first fit what standardises rows and targets."""
        raise NotImplementedError

    def _encode(self, samples):
        """Rows and targets as the network is trained on them."""
        raise NotImplementedError

    def _whole(self, network):
        """The trained network with what stands around it in inference."""
        return network

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

    def _train(self, network, data, validation, theta, report):
        """Find the parameters.

        Parameters
        ----------
        network : Layer
        data : Dataset
            Standardised.
        validation : Dataset or None
            Data to validate with, if it was passed to `fit`.
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
    @document
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit the model to sequences X and targets y.

        Parameters
        ----------
        [fit parameters]

        Returns
        -------
        [fit results]

        Raises
        ------
        [fit errors]

        Warns
        -----
        [fit warnings]
        """
        return self._learn(self._fit, X, y, sample_weight)

    def _learn(self, fit, X, y, sample_weight, *more):
        """Fit, and leave the estimator as it was if an error occurs."""
        report = FitReport(self, X, y, sample_weight)
        with _all_or_nothing(self):
            with one_thread(), quiet():
                fit(X, y, sample_weight, report, *more)
            report.end()
        return self

    def _fit(self, X, y, sample_weight, report, validation_data=None):
        warm = getattr(self, "warm_start", False) and hasattr(self, "_theta")
        records, targets, network, data = self._read_first(X, y, sample_weight, warm)
        validation = None
        if validation_data is not None:
            samples = validation_data.read(self, data.x.dtype)
            validation = self._dataset(samples)
        theta = self._theta if warm else None
        theta = self._train(network, data, validation, theta, report)
        if len(theta) > network.size:
            self._network = Mean(self._network, len(theta) // network.size)
        self._theta = theta
        if records.is_table:
            self._remember(records, targets)

    def _read_first(self, X, y, sample_weight, warm=False):
        """Read what a model is fitted to, and settle what is known of it before.

        Returns
        -------
        records : Records
        targets : Targets
        network : Layer
        data : Dataset
            What the network is trained on.
        """
        records = read_X(self, X)
        targets = self._read_targets(y, records, records.rows.dtype)
        warn_of_traps(records, targets, y, getattr(self, "feature_names_in_", None))
        if warm:
            self._check_outputs(targets)
            self._check_channels_of(records)
        samples = Samples.weighted(records, targets, sample_weight, self.washout)
        self._look_at(samples, y)
        if warm:
            self._check_units()
        else:
            self._choose_units(samples)
        network = self._network_for(self._n_channels, self.n_outputs_)
        if warm:
            self._check_size(network)
        samples = self._settle(network, samples, warm)
        return records, targets, network, self._dataset(samples)

    def _network_for(self, n_channels, n_outputs):
        """The network that the present hyper-parameters describe."""
        n_steps = self._n_steps
        if n_steps is not None and self.standardize_ == "differences":
            n_steps = max(n_steps - 1, 1)  # one change less than there are values
        return self._build(n_channels, n_outputs, n_steps)

    def _look_at(self, samples, y):
        """Remember in what form the data comes."""
        records, targets = samples.records, samples.targets
        self.n_outputs_ = targets.values.shape[1]
        self._last, self._flat, self._form = targets.last, targets.flat, records.form
        self._n_channels, self._n_steps = records.rows.shape[1], records.fixed_steps

    def _settle(self, network, samples, warm=False):
        """Set what is known of a model before its parameters are.

        Returns
        -------
        samples : Samples
            Those to learn from.
        """
        records, samples = samples.records, self._distinct(samples)
        if not warm:
            self._learn_units(samples)
        self._network, self._end = self._whole(network), None
        check_lengths(records, self)
        return samples

    def _check_outputs(self, targets):
        if targets.values.shape[1] != self.n_outputs_:
            raise ValueError(
                f"warm_start=True: y has {targets.values.shape[1]} outputs, but the "
                f"fitted model has {self.n_outputs_}."
            )

    def _check_size(self, network):
        n, known = network.size * getattr(self, "n_ensemble", 1), self._network
        shapes = getattr(known, "members", [known])[0].shapes
        if len(self._theta) != n or network.shapes != shapes:
            raise ValueError(
                "Training cannot go on: the fitted model has "
                f"{len(self._theta)} parameters, the one described by the present "
                f"hyper-parameters {n}{', in other places' * (len(self._theta) == n)}."
            )

    def _dataset(self, samples):
        """Samples as the network sees them."""
        records, (x, y) = samples.records, self._encode(samples)
        return Dataset(
            x=x,
            starts=records.starts,
            lengths=records.lengths,
            y=y,
            weight=samples.weight,
            last=samples.targets.last,
            skip=np.zeros(len(records.lengths), int),
            runs=samples.runs,
        )

    # ----------------------------------------------------------------- inference
    def _inputs(self, rows):
        """Rows of channels as the network sees them where no output is measured."""
        return self._x_scaler.transform(rows)

    def _read(self, X):
        """Records of the form that `fit` saw."""
        if not self.__sklearn_is_fitted__():  # told in a tenth of the time
            check_is_fitted(self)
        return self._read_alike(X, self._theta.dtype)

    def _read_alike(self, X, dtype):
        """The same, while `fit` is not at its end yet."""
        records = read_X(self, X, self._form)
        self._check_channels_of(records)
        records.rows = in_precision(records.rows, dtype, "X")
        return records

    def _check_channels_of(self, records):
        if records.rows.shape[1] != self._n_channels:
            raise ValueError(
                f"X has {records.rows.shape[1]} channel(s) at each step; fit saw "
                f"{self._n_channels} channel(s)."
            )

    def _infer(self, records, state, last=None):
        """Outputs of the fitted network for records; see `infer`.

        `last` says whether only those of last steps are wanted (default: as in fit).
        """
        last = self._last if last is None else last
        with quiet():
            x = self._inputs(records.rows)
            rows, state = infer(self._forward, x, records, state, last)
        if not np.isfinite(rows).all():
            raise ValueError(
                "The outputs of the model are not finite: values of X, up to "
                f"{np.abs(records.rows).max():g}, or of its past are too large."
            )
        self._check_simulation(state)
        return rows, state

    # ---------------------------------------------------------------- parameters
    @property
    def _theta(self):
        """The fitted parameters, as a flat vector that stays as it is."""
        return self._forward.theta

    @_theta.setter
    def _theta(self, theta):
        self._forward = Forward(self._network, theta)
        self._identify()

    def _members(self, parts):
        """The networks whose mean predicts, their parameters, and states of each."""
        if not isinstance(self._network, Mean):
            return [(self._network, self._theta, parts)]
        thetas = [self._theta[part] for part in self._network.parts]
        parts = [None] * len(thetas) if parts is None else parts
        return list(zip(self._network.members, thetas, parts, strict=True))

    def _of_members(self, states):
        """States of the members as one of the network; the inverse."""
        return states if isinstance(self._network, Mean) else states[0]

    @property
    def weights_(self) -> dict[str, np.ndarray]:
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
        three_d = self.time_axis == 1 and self.lag_order == "oldest_first"
        tags.input_tags.three_d_array = three_d
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
