"""What all estimators share that are trained by gradient."""

from copy import deepcopy
from dataclasses import dataclass
from numbers import Integral, Real
from time import monotonic
from typing import ClassVar, NamedTuple

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from .._compat import (
    Interval,
    StrOptions,
    _fit_context,
    above,
    at_least,
    with_callbacks,
)
from ..layers import Dropout, Mean, one_thread
from ..solvers import SOLVERS, Monitor
from ..training._losses import LOSSES
from ..training._objective import Objective
from ..training._residuals import residuals
from ._documentation import document
from ._hyper_parameters import hyper_parameters, instantiate
from ._linear_start import begin_linear
from ._regressor import SequenceRegressor
from ._validation_data import ValidationData

#: Numbers that the derivatives of all residuals may take (1 GB).
MOST_DERIVATIVES = 2**27

#: The mini-batches of batch_size="auto": about so many in an epoch, but of no fewer
#: and no more sequences than these.
UPDATES, SMALLEST_BATCH, LARGEST_BATCH = 50, 8, 200

OfLossesAndSolvers = hyper_parameters(LOSSES, SOLVERS)


class TrainedNetwork(NamedTuple):
    """What came of one start; `score` is what is compared between them."""

    theta: np.ndarray
    loss: float
    score: float
    loss_curve: list
    validation_loss_curve: list
    ended_from_outside: bool


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkRegressor(OfLossesAndSolvers, SequenceRegressor):
    """Loss, solver and stopping: the hyper-parameters of MLPRegressor."""

    hidden_layer_sizes: int | tuple = (32,)
    loss: str = "squared_error"
    solver: str = "lbfgs"
    alpha: float = 1e-4
    batch_size: int | str = "auto"
    max_iter: int = 200
    max_time: float | None = None
    shuffle: bool = True
    random_state: object = None
    tol: float = 1e-4
    verbose: bool = False
    warm_start: bool = False
    early_stopping: bool = False
    validation_fraction: float = 0.1
    validation: str = "auto"
    n_iter_no_change: int | str = "auto"
    n_init: int = 1
    n_ensemble: int = 1
    n_jobs: int | None = None

    _parameter_constraints: ClassVar[dict] = {
        **SequenceRegressor._parameter_constraints,
        **OfLossesAndSolvers._parameter_constraints,
        "hidden_layer_sizes": ["array-like", at_least(1)],
        "loss": [StrOptions(set(LOSSES))],
        "solver": [StrOptions(set(SOLVERS))],
        "alpha": [at_least(0, Real)],
        "batch_size": [StrOptions({"auto"}), at_least(1)],
        "max_iter": [at_least(1)],
        "max_time": [above(0), None],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [at_least(0, Real)],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
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
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """Fit the model to sequences X and targets y.

        Parameters
        ----------
        [fit parameters]
        X_val, y_val : array-like or list of array-like, default=None
            Other sequences and their targets, of the same form, to validate with in
            place of a part of X; needs ``early_stopping=True``. They are standardised
            as X and y are, start afresh, and have the same `washout`. In a
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
        return self._learn(X, y, sample_weight, held_out)

    def _distinct(self, samples):
        if self.early_stopping and self.validation != "random":
            samples = samples.in_runs()
        return samples.merged()

    def _split(self, data, validation, rng):
        """Data to train on, and data to validate with (None without)."""
        if validation is not None or not self.early_stopping:
            return data, validation
        in_time = self.time_axis == 0
        return data.hold_out(self.validation_fraction, None if in_time else rng)

    def _train(self, network, data, validation, theta, report):
        deadline = np.inf if self.max_time is None else monotonic() + self.max_time
        rng = check_random_state(self.random_state)
        starts = self._starts(network, data.x.dtype, theta, rng)
        training, validation = self._split(data, validation, rng)
        if self._skips and theta is None:
            # The change of a first step is not known.
            known = training.behind(1) if self._differencing else training
            begin_linear(network, known, [start for start, _ in starts])
        training = training.windows(getattr(self, "bptt_steps", None))
        n_phases = len(self._curriculum(network, data.last))
        report.begin(self.max_iter * n_phases * len(starts))
        fits = self._run(starts, (network, training, validation, deadline), report)
        kept = sorted(range(len(fits)), key=lambda k: fits[k].score)
        kept = kept[: self.n_ensemble]
        self._describe(fits, kept, validation)
        theta = np.concatenate([fits[k].theta for k in kept])
        held_out = validation if validation is not None else data
        whole = Mean(network, len(kept)) if len(kept) > 1 else network
        self._residuals = residuals(*self._one_step(whole, held_out), theta)
        return theta

    @property
    def _skips(self):
        """Whether there is a linear path beside the network."""
        return getattr(self, "skip", None) is not None

    def _starts(self, network, dtype, theta, rng):
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
            start = np.zeros(network.size, dtype)
            network.initialise(start, own)
            starts.append((start, own))
        return starts

    def _run(self, starts, problem, report):
        """Train from every start, one by one or side by side."""
        if len(starts) == 1 or effective_n_jobs(self.n_jobs) == 1:
            fits = []
            for start in starts:
                fits.append(self._train_once(*start, problem, report.iteration))
                if fits[-1].ended_from_outside and len(fits) >= self.n_ensemble:
                    break
            return fits
        jobs = Parallel(self.n_jobs)
        return jobs(delayed(_in_worker)(self, *start, problem) for start in starts)

    def _train_once(self, theta, rng, problem, callback=None):
        """Go through the curriculum from one start."""
        network, training, validation, deadline = problem
        network = deepcopy(network)  # its dropout begins anew
        loss_curve, validation_loss_curve = [], []
        simulates = self.validation == "free_run"
        for trained, form in self._curriculum(network, training.last):
            watched = None
            if validation is not None:
                held = validation if simulates else form(validation)
                watched = self._watched(network if simulates else trained, held)
            objective = self._objective(trained, form(training), rng)
            # What was reached before counts where it was judged in the same way.
            start_counts = self._skips or (simulates and len(loss_curve) > 0)
            monitor = self._monitor(watched, start_counts, callback, deadline)
            self._minimise(objective, theta, monitor)
            theta = monitor.theta.astype(training.x.dtype)
            loss_curve += monitor.loss_curve
            validation_loss_curve += monitor.validation_loss_curve
            if monitor.ended_from_outside:
                break
        curves = loss_curve, validation_loss_curve
        score = monitor.best if validation is not None else monitor.loss
        return TrainedNetwork(
            theta, monitor.loss, float(score), *curves, monitor.ended_from_outside
        )

    def _describe(self, fits, kept, validation):
        """Set what is told of the fit: curves of the best start, and all starts."""
        best = fits[kept[0]]
        self.loss_, self.loss_curve_ = best.loss, best.loss_curve
        self.validation_loss_curve_ = best.validation_loss_curve if validation else None
        self.n_iter_ = len(best.loss_curve)
        self.restarts_ = [
            {
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
        return self._residuals.paths(rng, n_paths, n_steps)

    def _check_feedback(self, feeds_back):
        if feeds_back and self.loss == "quantile" and self.quantile != 0.5:
            raise ValueError(
                f"This model predicts the {self.quantile:g} quantile, and fed back it "
                "would drift away from the series. Fit loss='squared_error' (or "
                "'absolute_error', 'huber') and ask for forecast(..., "
                f"quantiles=({self.quantile:g},))."
            )

    def _objective(self, network, data, rng):
        loss = instantiate(LOSSES[self.loss], self)
        size = self._batch_size(data.n_sequences)
        rng = rng if self.shuffle else None
        return Objective(network, loss, self.alpha, data, batch_size=size, rng=rng)

    def _watched(self, network, validation):
        """The validation loss as a function of the parameters."""
        loss = instantiate(LOSSES[self.loss], self)
        return Objective(network, loss, 0.0, validation).value

    def _monitor(self, validate, start_counts, callback, deadline):
        patience = self.n_iter_no_change
        if patience == "auto":
            patience = SOLVERS[self.solver].patience
        return Monitor(
            self.max_iter,
            self.tol,
            patience,
            self.verbose,
            validate=validate,
            callback=callback,
            deadline=deadline,
            start_counts=start_counts,
        )

    def _minimise(self, objective, theta, monitor):
        solver = instantiate(SOLVERS[self.solver], self)
        if solver.sum_of_squares:
            self._check_squares(objective)
        solver.minimise(objective, theta, monitor)
        if not np.isfinite(monitor.loss):  # no iteration was finished
            with np.errstate(over="ignore", invalid="ignore"):
                monitor.loss = float(objective.loss_and_grad(monitor.theta)[0])

    def _check_squares(self, objective):
        """Refuse least squares of something else, or beyond memory."""
        if LOSSES[self.loss].residual is None:
            raise ValueError(
                f"solver={self.solver!r} minimises a sum of squares; got "
                f"loss={self.loss!r}. Take loss='squared_error' or solver='lbfgs'."
            )
        if objective.n_derivatives > MOST_DERIVATIVES:
            raise ValueError(
                f"solver={self.solver!r} would hold {objective.n_derivatives:.1e} "
                "derivatives (targets, or rows times units, times parameters) and "
                f"stops at {MOST_DERIVATIVES:.1e}. It is made for small networks: take "
                "solver='lbfgs'."
            )

    def _batch_size(self, n_sequences):
        size = self.batch_size
        if size == "auto":
            size = min(max(n_sequences // UPDATES, SMALLEST_BATCH), LARGEST_BATCH)
        return min(size, n_sequences)

    def _hidden_sizes(self, minimum=0):
        """The hidden layer sizes as a checked tuple."""
        sizes = self.hidden_layer_sizes
        sizes = (sizes,) if isinstance(sizes, Integral) else tuple(sizes)
        if len(sizes) < minimum or any(
            not isinstance(n, Integral) or n < 1 for n in sizes
        ):
            raise ValueError(
                f"hidden_layer_sizes must be a positive int or a sequence of at least "
                f"{minimum} of them; got {self.hidden_layer_sizes!r}."
            )
        return tuple(int(n) for n in sizes)

    def _dropout(self, index, n_units):
        """A dropout layer behind hidden layer `index`, named; none at rate 0."""
        if self.dropout == 0:
            return {}
        if SOLVERS[self.solver].same_function:
            raise ValueError(
                f"dropout={self.dropout} needs solver='adam': {self.solver!r} needs "
                "the same function at every step, and dropout changes it."
            )
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        rng = np.random.RandomState(seed + index)
        return {f"dropout{index}": Dropout(n_units, self.dropout, rng)}

    # ------------------------------------------------------------------- weights
    @property
    def coefs_(self):
        """Weight matrices in the order of the layers, inputs along the first axis."""
        return [w for w in self.weights_.values() if w.ndim == 2]

    @property
    def intercepts_(self):
        """Bias vectors in the order of the layers."""
        return [
            vector
            for name, vector in self.weights_.items()
            if name.rpartition(".")[2].startswith("bias")
        ]


def _in_worker(estimator, *start):
    """Train from one start, in a process that has threads of its own to limit."""
    with one_thread():
        return estimator._train_once(*start)
