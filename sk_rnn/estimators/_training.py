"""Training from one start: what is minimised, by which solver, and when it ends."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._warnings import quiet
from ..data._dataset import Dataset
from ..layers import Layer
from ..solvers import SOLVERS, Monitor
from ..training._descent import PENALTIES, descend
from ..training._losses import LOSSES
from ..training._objective import Objective
from ._hyper_parameters import instantiate

#: Numbers that the derivatives of all residuals may take (1 GB).
MOST_DERIVATIVES = 2**27

#: The mini-batches of batch_size="auto": about so many in an epoch, but of no fewer
#: and no more sequences than these.
UPDATES, SMALLEST_BATCH, LARGEST_BATCH = 50, 8, 200

#: From so many steps on, in so many sequences (or windows of truncated BPTT),
#: solver="auto" takes mini-batches: many updates in the time of one pass.
MANY_STEPS, MANY_SEQUENCES = 2**15, 100


def choose_solver(estimator, data):
    """The name of the solver of an estimator for such training data."""
    if estimator.solver != "auto":
        return estimator.solver
    many = data.n_steps >= MANY_STEPS and data.n_sequences >= MANY_SEQUENCES
    return "adam" if many or getattr(estimator, "dropout", 0) else "lbfgs"


class TrainedNetwork(NamedTuple):
    """What came of one start; `score` is what is compared between them."""

    theta: np.ndarray
    alpha: float
    loss: float
    score: float
    loss_curve: list
    validation_loss_curve: list
    ended_from_outside: bool


@dataclass
class Training:
    """Hyper-parameters, network and data, to train with from any start.

    Attributes
    ----------
    estimator : NetworkRegressor
        Whose `solver_` is known.
    network : Layer
    data : Dataset
    validation : Dataset or None
    deadline : float
        When to stop, as a time of `time.monotonic`.
    known_alpha : float or None
        With which penalty the parameters to begin with were found (``warm_start``).
    """

    estimator: Any
    network: Layer
    data: Dataset
    validation: Dataset | None
    deadline: float
    known_alpha: float | None = None

    def run(self, theta, rng, callback=None):
        """Go through the curriculum from one start; return a TrainedNetwork."""
        network = deepcopy(self.network)  # its dropout begins anew
        loss_curve, validation_loss_curve = [], []
        for trained, form in self.estimator._curriculum(network, self.data.last):
            objective = self._objective(trained, form(self.data), rng)
            watched = self._watched(network, trained, form)
            monitor = self._monitor(watched, len(loss_curve) > 0, callback)
            alpha = self._minimise(objective, theta, monitor)
            theta = monitor.theta.astype(self.data.x.dtype)
            loss_curve += monitor.loss_curve
            validation_loss_curve += monitor.validation_loss_curve
            if monitor.ended_from_outside:
                break
        score = float(monitor.loss if self.validation is None else monitor.best)
        curves, ended = (loss_curve, validation_loss_curve), monitor.ended_from_outside
        return TrainedNetwork(theta, alpha, monitor.loss, score, *curves, ended)

    def go_on(self, theta, rng, course, n_before):
        """Train for one more epoch; return its loss.

        Parameters
        ----------
        theta : ndarray
            Changed in place, as `rng` and `course` are.
        rng : RandomState
        course : Course
            Of "adam", in the epochs before.
        n_before : int
            How many they were.
        """
        ((trained, form),) = self.estimator._curriculum(self.network, self.data.last)
        objective = self._objective(trained, form(self.data), rng)
        objective.alpha, own = self.known_alpha, self.estimator
        # A rate that never falls has no use for a stall.
        tol = own.tol if own.learning_rate == "adaptive" else 0.0
        monitor = Monitor(
            np.inf, tol, self._patience, own.verbose, deadline=self.deadline
        )
        monitor.n_before = n_before
        solver = instantiate(self._solver, own)
        if not solver.go_on(objective, theta, monitor, course):
            raise ValueError(
                "Training turned non-finite in this block; the model is as it was "
                "before. A larger alpha may help, a smaller learning_rate_init or "
                "max_grad_norm; or values of the block are far beyond those of the "
                "first, by which they are standardised."
            )
        return monitor.loss_curve[-1]

    @property
    def _loss(self):
        return instantiate(LOSSES[self.estimator.loss], self.estimator)

    @property
    def _solver(self):
        return SOLVERS[self.estimator.solver_]

    def _objective(self, network, data, rng):
        size = self._batch_size(data.n_sequences)
        rng = rng if self.estimator.shuffle else None
        return Objective(network, self._loss, 0.0, data, batch_size=size, rng=rng)

    def _watched(self, network, trained, form):
        """The validation loss as a function of the parameters, or None."""
        if self.validation is None:
            return None
        if self.estimator.validation == "free_run":
            return Objective(network, self._loss, 0.0, self.validation).value
        return Objective(trained, self._loss, 0.0, form(self.validation)).value

    def _monitor(self, validate, is_later_phase, callback):
        own = self.estimator
        # What was reached before counts where it was judged in the same way.
        simulates_again = own.validation == "free_run" and is_later_phase
        goes_on = self.known_alpha is not None and not is_later_phase
        return Monitor(
            int(own.max_iter),
            own.tol,
            self._patience,
            own.verbose,
            validate=validate,
            callback=callback,
            deadline=self.deadline,
            start_counts=own._skips or simulates_again or goes_on,
        )

    def _minimise(self, objective, theta, monitor):
        """Descend; return the strength of the penalty that was best."""
        if self._solver.sum_of_squares:
            self._check_squares(objective)
        solver = instantiate(self._solver, self.estimator)
        alpha = descend(solver, objective, theta, monitor, self._penalties)
        if not np.isfinite(monitor.loss):  # no iteration was finished
            with quiet():
                monitor.loss = float(objective.loss_and_grad(monitor.theta)[0])
        return alpha

    @property
    def _penalties(self):
        """The strengths to descend with, one after the other."""
        if self.estimator.alpha != "auto":
            return (self.estimator.alpha,)
        if self.validation is None:
            return PENALTIES[:1]
        most = PENALTIES[0] if self.known_alpha is None else self.known_alpha
        return [alpha for alpha in PENALTIES if alpha <= most] or [most]

    @property
    def _patience(self):
        """How many iterations without a gain end a descent."""
        if self.estimator.n_iter_no_change != "auto":
            return self.estimator.n_iter_no_change
        validates = self.validation is not None
        return self._solver.patience_held_out if validates else self._solver.patience

    def _batch_size(self, n_sequences):
        size = self.estimator.batch_size
        if size == "auto":
            size = min(max(n_sequences // UPDATES, SMALLEST_BATCH), LARGEST_BATCH)
        return min(int(size), n_sequences)

    def _check_squares(self, objective):
        """Refuse least squares of something else, or beyond memory."""
        loss, solver = self.estimator.loss, self.estimator.solver_
        if LOSSES[loss].residual is None:
            raise ValueError(
                f"solver={solver!r} minimises a sum of squares; got "
                f"loss={loss!r}. Take loss='squared_error' or solver='lbfgs'."
            )
        if objective.n_derivatives > MOST_DERIVATIVES:
            raise ValueError(
                f"solver={solver!r} would hold {objective.n_derivatives:.1e} "
                "derivatives (targets, or rows times units, times parameters) and "
                f"stops at {MOST_DERIVATIVES:.1e}. It is made for small networks: take "
                "solver='lbfgs'."
            )
