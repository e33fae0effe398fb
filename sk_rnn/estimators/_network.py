"""What all estimators share that are trained by gradient."""

from copy import deepcopy
from dataclasses import dataclass
from numbers import Integral, Real
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from .._compat import (
    Number,
    StrOptions,
    _fit_context,
    above,
    are_counts,
    at_least,
    with_callbacks,
)
from .._typing import ArrayLike, Auto, Float, Int, Ints, Seed
from ..data._level import has_no_level
from ..layers import Dropout, Mean, one_thread
from ..solvers import SOLVERS
from ..training._losses import LOSSES
from ..training._residuals import residuals
from ._documentation import document
from ._hyper_parameters import hyper_parameters
from ._incremental import IncrementalMixin
from ._linear_start import begin_linear
from ._memory import check_memory
from ._regressor import SequenceRegressor
from ._training import Training, choose_solver
from ._validation_data import ValidationData

#: With fewer targets, early_stopping="auto" holds nothing out: too little would be left
#: to train on, and what was held out would tell too little.
FEWEST_TARGETS = 40

if TYPE_CHECKING:
    # What is made below, for those who cannot run it.
    @dataclass(kw_only=True, eq=False, repr=False)
    class OfLossesAndSolvers:
        huber_delta: Float = 1.35
        quantile: Float = 0.5
        learning_rate_init: Float = 1e-3
        learning_rate: str = "adaptive"
        max_grad_norm: Float | None = 1.0

        _parameter_constraints: ClassVar[dict]

else:
    OfLossesAndSolvers = hyper_parameters(LOSSES, SOLVERS)


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkRegressor(IncrementalMixin, OfLossesAndSolvers, SequenceRegressor):
    """Loss, solver and stopping: the hyper-parameters of MLPRegressor."""

    standardize: bool | Literal["auto", "differences"] = "auto"
    hidden_layer_sizes: Ints = (32,)
    loss: str = "squared_error"
    solver: str = "auto"
    alpha: Float | Auto = "auto"
    batch_size: Int | Auto = "auto"
    max_iter: Int = 1000
    max_time: Float | None = None
    shuffle: bool = True
    random_state: Seed = None
    tol: Float = 1e-4
    verbose: bool | Int = False
    warm_start: bool = False
    early_stopping: bool | Auto = "auto"
    validation_fraction: Float = 0.1
    validation: Literal["auto", "random", "free_run"] = "auto"
    n_iter_no_change: Int | Auto = "auto"
    n_init: Int = 1
    n_ensemble: Int = 1
    n_jobs: Int | None = None

    _parameter_constraints: ClassVar[dict] = {
        **SequenceRegressor._parameter_constraints,
        **OfLossesAndSolvers._parameter_constraints,
        "standardize": ["boolean", StrOptions({"auto", "differences"})],
        "hidden_layer_sizes": ["array-like", at_least(1)],
        "loss": [StrOptions(set(LOSSES))],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "alpha": [StrOptions({"auto"}), at_least(0, Real)],
        "batch_size": [StrOptions({"auto"}), at_least(1)],
        "max_iter": [at_least(1)],
        "max_time": [above(0), None],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [at_least(0, Real)],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Number(Real, 0, 1, closed="neither")],
        "validation": [StrOptions({"auto", "random"})],
        "n_iter_no_change": [StrOptions({"auto"}), at_least(1)],
        "n_init": [at_least(1)],
        "n_ensemble": [at_least(1)],
        "n_jobs": [Integral, None],
    }

    # ------------------------------------------------------------ for subclasses
    def _curriculum(self, network, last):
        """What is minimised, one after the other, from the parameters reached before.

        Parameters
        ----------
        network : Layer
        last : bool
            Whether there is one target per sequence, at its last step.

        Returns
        -------
        list of (network, function)
            Networks with the same parameter vector, and for each the function that
            makes its Dataset of that of the estimator.
        """
        return [(network, lambda data: data)]

    # ------------------------------------------------------------------ training
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    @document
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the model to sequences X and targets y.

        Parameters
        ----------
        [fit parameters]
        X_val, y_val : array-like or list of array-like, default=None
            Other sequences and their targets, of the same form, to validate with in
            place of a part of X; refused with ``early_stopping=False``. They are
            standardised as X and y are, start afresh, and have the same `washout`. In a
            :class:`~sklearn.pipeline.Pipeline`, ``transform_input=["X_val"]`` has
            X_val transformed as X is.
        sample_weight_val : array-like or list of array-like, default=None
            Weights of the validation data, as `sample_weight`.

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
        held_out = ValidationData.given(
            X_val, y_val, sample_weight_val, self.early_stopping
        )
        return self._learn(self._fit, X, y, sample_weight, held_out)

    @property
    def _holds_out(self):
        """Whether data is to be held out: by request, or because it is to choose."""
        is_auto = self.early_stopping == "auto"
        return self.alpha == "auto" if is_auto else self.early_stopping

    def _may_difference(self, records):
        """Whether the network could learn changes of such records."""
        return True

    def _choose_units(self, samples):
        super()._choose_units(samples)
        if self.standardize == "auto":
            records, channels = samples.records, self._next_of
            goes_on = records.is_table or self._last  # and is no other sequence
            is_possible = goes_on and self._may_difference(records)
            changes = is_possible and has_no_level(records, self._last, channels)
            self.standardize_ = "differences" if changes else True

    def _distinct(self, samples):
        if self._holds_out and self.validation != "random":
            samples = samples.in_runs()
        return samples.merged()

    def _window_steps(self, data):
        """Length of the windows that sequences are cut into for training, or None."""
        return None

    def _split(self, data, validation, rng, n_steps):
        """Data to train on, and data to validate with (None without)."""
        if validation is not None or not self._holds_out:
            return data, validation
        may_do_without = self.early_stopping == "auto"
        if may_do_without and data.n_targets < FEWEST_TARGETS:
            return data, None
        rng = None if self.time_axis == 0 else rng
        try:
            return data.hold_out(self.validation_fraction, rng, n_steps)
        except ValueError:
            if may_do_without:
                return data, None
            raise

    def _check_data(self, network, data):
        """Refuse or warn of data that does not go with the hyper-parameters."""

    @property
    def _deadline(self):
        return np.inf if self.max_time is None else monotonic() + self.max_time

    def _train(self, network, data, validation, theta, report):
        deadline = self._deadline
        self._check_data(network, data)
        self._end_blocks()
        rng = check_random_state(self.random_state)
        n_steps = self._window_steps(data)
        # Before anything else is drawn, so that a warm start holds out the same again.
        learnt, validation = self._split(data, validation, rng, n_steps)
        windows = learnt.windows(n_steps)
        self.solver_ = choose_solver(self, windows)
        check_memory(self, network, windows, self.solver_, int(self.n_init))
        starts = self._starts(network, learnt, theta, rng)
        n_phases = len(self._curriculum(network, data.last))
        report.begin(int(self.max_iter) * n_phases * len(starts))
        alpha = None if theta is None else self.alpha_
        training = Training(self, network, windows, validation, deadline, alpha)
        fits = self._run(starts, training, report)
        kept = sorted(range(len(fits)), key=lambda k: fits[k].score)
        kept = kept[: self.n_ensemble]
        self._describe(fits, kept, validation)
        theta = np.concatenate([fits[k].theta for k in kept])
        whole = Mean(network, len(kept)) if len(kept) > 1 else network
        # Of all data: what was held out is little, and flattered, for it chose.
        self._residuals = residuals(*self._one_step(whole, data), theta)
        return theta

    @property
    def _skips(self):
        """Whether there is a linear path beside the network."""
        return getattr(self, "skip", None) is not None

    def _starts(self, network, data, theta, rng):
        """Pairs of parameters to begin with and a random state.

        The first is that of a single start, to the last bit.
        """
        if theta is not None:
            return [(part, rng) for part in theta.reshape(-1, network.size)]
        if self.n_ensemble > self.n_init:
            raise ValueError(
                f"n_ensemble={self.n_ensemble} networks are to be kept of "
                f"n_init={self.n_init} that are trained: raise n_init."
            )
        seeds = deepcopy(rng).randint(2**31 - 1, size=self.n_init - 1)
        starts = []
        for own in (rng, *map(np.random.RandomState, seeds)):
            start = np.zeros(network.size, data.x.dtype)
            network.initialise(start, own)
            starts.append((start, own))
        if self._skips:
            # The change of a first step is not known.
            known = data.behind(1) if self._differencing else data
            begin_linear(network, known, [start for start, _ in starts])
        return starts

    def _run(self, starts, training, report):
        """Train from every start, one by one or side by side."""
        if len(starts) == 1 or effective_n_jobs(self.n_jobs) == 1:
            fits = []
            for start in starts:
                fits.append(training.run(*start, report.iteration))
                if fits[-1].ended_from_outside and len(fits) >= self.n_ensemble:
                    break
            return fits
        jobs = Parallel(self.n_jobs)
        return jobs(delayed(_in_worker)(training, *start) for start in starts)

    def _describe(self, fits, kept, validation):
        """Set what is told of the fit: curves of the best start, and all starts."""
        best = fits[kept[0]]
        self.alpha_, self.loss_ = best.alpha, best.loss
        self.n_iter_, self.loss_curve_ = len(best.loss_curve), best.loss_curve
        self.validation_loss_curve_ = best.validation_loss_curve if validation else None
        self.restarts_ = [
            {
                "alpha": fit.alpha,
                "loss": fit.loss,
                "validation_loss": fit.score if validation else None,
                "n_iter": len(fit.loss_curve),
                "kept": k in kept,
            }
            for k, fit in enumerate(fits)
        ]

    def _one_step(self, network, data):
        """The network and the data whose outputs are predictions one step ahead."""
        return network, data

    def _noise(self, rng, n_paths, n_steps):
        if not hasattr(self, "_residuals"):
            raise ValueError(
                "Quantiles and paths come from the residuals of a fit, and this model "
                "was not fitted here, but taken from torch."
            )
        return self._residuals.paths(rng, n_paths, n_steps)

    def _check_feedback(self, feeds_back):
        if feeds_back and self.loss == "quantile" and self.quantile != 0.5:
            raise ValueError(
                f"This model predicts the {self.quantile:g} quantile, and fed back it "
                "would drift away from the series. Fit loss='squared_error' (or "
                "'absolute_error', 'huber') and ask for forecast(..., "
                f"quantiles=({self.quantile:g},))."
            )

    def _hidden_sizes(self, minimum=0):
        """The hidden layer sizes as a checked tuple."""
        sizes = self.hidden_layer_sizes
        sizes = tuple(sizes) if np.iterable(sizes) else (sizes,)
        if len(sizes) < minimum or not are_counts(sizes, 1):
            raise ValueError(
                f"hidden_layer_sizes must be a positive int or a sequence of at least "
                f"{minimum} of them; got {self.hidden_layer_sizes!r}."
            )
        return tuple(int(n) for n in sizes)

    def _dropout(self, index, n_units):
        """A dropout layer behind hidden layer `index`, named; none at rate 0."""
        if self.dropout == 0:
            return {}
        if self.solver != "auto" and SOLVERS[self.solver].same_function:
            raise ValueError(
                f"dropout={self.dropout} needs solver='adam': {self.solver!r} needs "
                "the same function at every step, and dropout changes it."
            )
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        rng = np.random.RandomState(seed + index)
        return {f"dropout{index}": Dropout(n_units, self.dropout, rng)}

    # ------------------------------------------------------------------- weights
    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weight matrices in the order of the layers, inputs along the first axis."""
        return [w for w in self.weights_.values() if w.ndim == 2]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Bias vectors in the order of the layers."""
        return [
            vector
            for name, vector in self.weights_.items()
            if name.rpartition(".")[2].startswith("bias")
        ]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.max_time is not None  # as fast as the machine is
        return tags


def _in_worker(training, *start):
    """Train from one start, in a process that has threads of its own to limit."""
    with one_thread():
        return training.run(*start)
