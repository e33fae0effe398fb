"""Training block by block, of data that is too large or comes too late for `fit`."""

from copy import deepcopy
from typing import Self

import numpy as np
from sklearn.utils import check_random_state

from .._compat import _fit_context, available_if, with_callbacks
from .._typing import ArrayLike
from ..data._samples import Samples
from ..data._trail import Trail, behind_kept_rows
from ..data._traps import warn_of_traps
from ..layers import Dropout, flattened
from ..solvers._adam import Course
from ..training._descent import PENALTIES
from ..training._residuals import residuals
from ._documentation import document
from ._lags import check_lengths
from ._training import TrainedNetwork, Training

#: Where the memory of a network has no end and no window bounds it, so many rows of a
#: sequence are read once more before the next ones.
WARM_UP = 125


def _takes_blocks(estimator):
    """Whether the solver goes on from block to block; else scikit-learn tells why."""
    if estimator.solver not in ("auto", "adam"):
        raise AttributeError(
            f"partial_fit needs solver='adam' (or 'auto'); solver={estimator.solver!r} "
            "needs all data at each of its steps."
        )
    return True


class IncrementalMixin:
    """For networks: `partial_fit`.

    What is carried from block to block is what "adam" knows (`_course`), the random
    states of shuffling and dropout (`_rngs`), and of a table the end of each sequence
    (`_trail`). `fit` begins all of it anew.
    """

    _course = _rngs = _trail = None

    @available_if(_takes_blocks)
    @with_callbacks
    @document
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch of "adam" on a block of the data.

        The first call settles the model as `fit` does: form, columns and outputs of the
        data, mean and standard deviation of both, initial parameters. Later ones go on
        from the parameters, the moving averages, the number of steps and the learning
        rate reached. Calls on one block are the epochs of one `fit` on it, but that the
        parameters of the last epoch are kept. Behind `fit` it goes on from its
        parameters and scales; `fit` begins anew, unless ``warm_start=True``.

        Nothing is held out; ``alpha="auto"`` is 1 (behind a `fit`, the penalty found
        there), and a penalty is relative to the block. `max_iter` and `warm_start` mean
        nothing here, and `max_time` bounds each call. With ``learning_rate="adaptive"``
        the rate falls where the loss stalls from block to block.

        With ``time_axis=0`` and ``carry_state=True`` the rows of a block follow those
        of the block before, sequence by sequence; a sequence that begins with the rows
        of its first block begins anew. The last rows before are read once more without
        a loss: as many as the lags reach, or as the warm-up of a window of `bptt_steps`
        (of a `NARXRegressor` at least 125). So a table in blocks is trained as it is in
        windows. `predict` goes on behind the last block.

        Parameters
        ----------
        [fit parameters]

        Returns
        -------
        [fit results]

        Raises
        ------
        AttributeError
            If `solver` is neither "adam" nor "auto": there is no such method then.
        ValueError, TypeError
            For input outside the contract, or another than that of the first block; for
            ``early_stopping=True``, several starts, ``learning_rate="cooldown"`` and
            ``feedback="measured_then_predicted"``, which are for `fit`; if training
            turns non-finite. The estimator is then as it was before.

        Warns
        -----
        [fit warnings]

        Examples
        --------
        >>> import numpy as np
        >>> from sk_rnn import TDNNRegressor
        >>> rng = np.random.default_rng(0)
        >>> model = TDNNRegressor(learning_rate_init=0.01, random_state=0)
        >>> for _ in range(30):
        ...     X = rng.standard_normal((200, 5))  # a new block, or one of a file
        ...     model = model.partial_fit(X, X[:, -1] - X[:, -2])
        >>> model.n_iter_, model.score(X, X[:, -1] - X[:, -2]) > 0.9
        (30, True)
        """
        # Decorated inside: `_fit_context` would not look at the hyper-parameters of a
        # later partial_fit, which may have been changed.
        return self._partial_fit(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def _partial_fit(self, X, y, sample_weight):
        self._check_one_epoch()
        return self._learn(self._fit_block, X, y, sample_weight)

    def _check_one_epoch(self):
        """Refuse what has a meaning for a training over all data alone."""
        refused = {
            "n_init": (
                self.n_init > 1,
                "from one start, for the losses of several cannot be compared",
            ),
            "n_ensemble": (self.n_ensemble > 1, "one network"),
            "early_stopping": (
                self.early_stopping is True,
                "on all of a block, and holds nothing out",
            ),
            "learning_rate": (
                self.learning_rate == "cooldown",
                "without a plan of all epochs: take 'adaptive' or 'constant'",
            ),
            "feedback": (
                getattr(self, "feedback", None) == "measured_then_predicted",
                "in one way at a time: take 'measured', and for later blocks "
                "'predicted'",
            ),
        }
        for name, (is_refused, how) in refused.items():
            if is_refused:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} is for fit: partial_fit trains "
                    f"{how}."
                )

    def _end_blocks(self):
        self._course = self._rngs = self._trail = None

    # -------------------------------------------------------------------- a block
    def _fit_block(self, X, y, sample_weight, report):
        theta = known = None
        if self.__sklearn_is_fitted__():
            theta = self._theta.copy()
            known, *read = self._read_next(X, y, sample_weight)
            self._end = None  # until its parameters are known again
        else:
            read = self._read_first(X, y, sample_weight)
        records, targets, network, data = read
        self._check_data(network, data)
        self._theta = self._train_block(network, data, theta, report)
        if records.is_table:
            self._remember(records, targets, known)

    def _read_next(self, X, y, sample_weight):
        """Read a block like the one before; with the State that it goes on from."""
        records, targets = self._read_alike_with_targets(X, y, self._theta.dtype)
        warn_of_traps(records, targets, y, getattr(self, "feature_names_in_", None))
        known, kept, before = self._end_of_fit(records), {}, 0
        if known is not None:
            if known._index_end is not None:
                known._index_end.check(records)
            measured = self._y_scaler.transform(targets.values)
            self._check_past(records, known, measured)
        if known is not None and self._trail is not None:
            kept = self._trail.of(known.ids)
            before = self._steps_before(known, records)
        samples = Samples.weighted(
            records, targets, sample_weight, self.washout, before
        )
        samples = behind_kept_rows(samples, kept) if kept else samples.merged()
        self._check_units()
        network = self._network_for(self._n_channels, self.n_outputs_)
        self._check_size(network)
        self._network = self._whole(network)
        check_lengths(samples.records, self)
        return known, records, targets, network, self._dataset(samples)

    def _train_block(self, network, data, theta, report):
        """Run one epoch; return the parameters behind it."""
        alpha = self._fixed_alpha
        if theta is None:
            rng = check_random_state(self.random_state)
            ((theta, rng),) = self._starts(network, data, None, rng)
            self._rngs = [rng]
        elif self._course is None:  # behind a fit
            self._rngs = [check_random_state(self.random_state)]
        course = deepcopy(self._course) or Course.at(theta)
        rng, *chances = deepcopy(self._rngs)
        dropouts = [
            layer for layer in flattened(network.layers) if isinstance(layer, Dropout)
        ]
        for layer, chance in zip(dropouts, chances, strict=False):
            layer.rng = chance
        learnt = data.windows(self._window_steps(data))
        self.solver_ = "adam"
        training = Training(self, network, learnt, None, self._deadline, alpha)
        report.begin(1)
        curve = getattr(self, "loss_curve_", [])
        loss = training.go_on(theta, rng, course, len(curve))
        report.iteration(theta)
        trained = TrainedNetwork(theta, alpha, loss, loss, [*curve, loss], [], False)
        self._describe([trained], [0], None)
        self._course, self._rngs = course, [rng, *(layer.rng for layer in dropouts)]
        self._residuals = residuals(*self._one_step(network, data), theta)
        return theta

    @property
    def _fixed_alpha(self):
        """The penalty, where no data is held out to choose it by."""
        if self.alpha != "auto":
            return self.alpha
        return getattr(self, "alpha_", PENALTIES[0])

    # ------------------------------------------------- what goes on behind a block
    @property
    def _n_kept(self):
        """How many last rows of a sequence are read once more before the next ones."""
        layers = list(flattened(self._network.layers))
        reach = sum(layer.reach or getattr(layer, "n_lags", 0) for layer in layers)
        return max(reach, WARM_UP) if self._network.reach is None else reach

    def _remember(self, records, targets, known=None):
        before = {}
        if known is not None:
            trail = self._trail or Trail.unknown(
                known.ids, self._n_channels, self._last_targets
            )
            before = trail.of(known.ids)
        super()._remember(records, targets, known)
        if self._course is not None:
            n_kept = self._n_kept if self.carry_state else 0
            self._trail = Trail.behind(records, targets, n_kept, before)
            self._last_targets = np.array([end.last for end in self._trail.ends])

    def _followed(self, records):
        if self._trail is None:
            return self._end
        return self._end._without(self._trail.begun_again(records))
