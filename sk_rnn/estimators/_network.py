"""What all estimators share that are trained by gradient."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from ..data._samples import merge_equal
from ..layers import Dropout
from ..solvers import SOLVERS, Monitor
from ..training._losses import LOSSES
from ..training._objective import Objective
from ._base import SequenceRegressor

#: Numbers that the derivatives of all residuals may take (1 GB).
MOST_DERIVATIVES = 2**27


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkRegressor(SequenceRegressor):
    """Loss, solver and stopping: the hyper-parameters of MLPRegressor."""

    hidden_layer_sizes: int | tuple = (32,)
    loss: str = "squared_error"
    quantile: float = 0.5
    huber_delta: float = 1.35
    solver: str = "lbfgs"
    alpha: float = 1e-4
    batch_size: int | str = "auto"
    learning_rate_init: float = 1e-3
    max_iter: int = 200
    shuffle: bool = True
    random_state: object = None
    tol: float = 1e-4
    verbose: bool = False
    warm_start: bool = False
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    max_grad_norm: float | None = 1.0

    _parameter_constraints: ClassVar[dict] = {
        **SequenceRegressor._parameter_constraints,
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "loss": [StrOptions(set(LOSSES))],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
        "solver": [StrOptions(set(SOLVERS))],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
        ],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    }

    # ------------------------------------------------------------ for subclasses
    def _phases(self, network, data):
        """Yield (network, function of a Dataset), to be trained one after the other.

        All take the same parameter vector; a phase starts where the one before ended.
        """
        yield network, lambda data: data

    def _network_state(self, state):
        """State of the network for what `_start_state` gave."""
        return state

    # ------------------------------------------------------------------ training
    def _samples(self, records, targets, weight):
        return merge_equal(records, targets, weight)

    def _train(self, network, data, theta, report):
        rng = check_random_state(self.random_state)
        if theta is None:
            theta = np.zeros(network.size, data.x.dtype)
            network.start(theta, rng)
        training, validation = data, None
        if self.early_stopping:
            in_time = self.time_axis == 0
            training, validation = data.hold_out(
                self.validation_fraction, None if in_time else rng
            )
        training = training.windows(getattr(self, "bptt_steps", None))
        loss_curve, validation_loss_curve = [], []
        for phase_network, form in self._phases(network, data):
            monitor = self._minimise(
                phase_network,
                form(training),
                form(validation) if validation is not None else None,
                *(theta, rng, report),
            )
            theta = monitor.theta.astype(data.x.dtype)
            loss_curve += monitor.loss_curve
            validation_loss_curve += monitor.validation_loss_curve
        self.loss_, self.loss_curve_ = monitor.loss, loss_curve
        self.validation_loss_curve_ = validation_loss_curve if validation else None
        self.n_iter_ = len(loss_curve)
        return theta

    def _check_squares(self, objective):
        """Refuse least squares of something else, or beyond memory."""
        if self.loss != "squared_error":
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

    def _minimise(self, network, training, validation, theta, rng, report):
        loss = self._make(LOSSES[self.loss])
        objective = Objective(
            *(network, loss, self.alpha, training),
            batch_size=self._batch_size(training.n_sequences),
            rng=rng if self.shuffle else None,
        )
        solver = self._make(SOLVERS[self.solver])
        if solver.sum_of_squares:
            self._check_squares(objective)
        validate = None
        if validation is not None:
            validate = Objective(network, loss, 0.0, validation).value
        monitor = Monitor(
            *(self.max_iter, self.tol, self.n_iter_no_change, self.verbose),
            validate=validate,
            callback=report.iteration,
        )
        solver.minimise(objective, theta, monitor)
        if not np.isfinite(monitor.loss):  # no iteration was finished
            with np.errstate(over="ignore", invalid="ignore"):
                monitor.loss = float(objective.loss_and_grad(monitor.theta)[0])
        return monitor

    def _make(self, part):
        """Make a loss or a solver from the hyper-parameters it names."""
        return part(**{name: getattr(self, name) for name in part.parameters})

    def _batch_size(self, n_sequences):
        size = 200 if self.batch_size == "auto" else self.batch_size
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
        return [b for b in self.weights_.values() if b.ndim == 1]
