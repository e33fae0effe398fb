"""What every solver reports to: curves, stopping, best parameters, verbosity."""

import math
from collections.abc import Callable
from time import monotonic
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._warnings import warn_caller


class Monitor:
    """Follow a minimisation and decide when it ends.

    What is watched is the validation loss where there is one, else the training loss.
    It must fall by more than `tol` times its lowest value so far at least once in
    `n_iter_no_change` iterations; else it has stalled.

    Parameters
    ----------
    max_iter : int
    tol : float
        0 never calls it stalled.
    n_iter_no_change : int
    verbose : bool
        Print a line for each iteration.
    validate : callable or None
        theta -> validation loss. An infinite one is only worse than any other: training
        goes on, and does not stall before there was a finite one.
    callback : callable or None
        theta -> bool, called after each iteration; True stops.
    deadline : float
        When to stop, as a time of `time.monotonic`.
    start_counts : bool, default=False
        Whether the parameters to begin with are kept if no others have a smaller
        validation loss.

    Attributes
    ----------
    theta : ndarray
        The parameters to keep, with which what is watched was lowest (the newest, as
        long as all validation losses are infinite); always finite.
    loss : float
        Training loss of `theta`.
    loss_curve, validation_loss_curve : list of float
        One entry per iteration.
    error : Exception or None
        What the callback raised. Routines of SciPy take some exceptions for their own.
    at_rest : bool
        Whether the last minimisation ended in good order.
    ended_from_outside : bool
        Whether Ctrl-C, a callback or the deadline ended it.
    on_stall : callable or None
        () -> bool, for the solver to set: called where the loss has stalled; True if
        it has changed something and goes on.
    n_before : int
        Iterations of an earlier training that this one goes on with, to be counted in.
    planned : bool
        For the solver to set: whether it is at its end after `max_iter` iterations.
    """

    def __init__(
        self,
        max_iter: int,
        tol: float,
        n_iter_no_change: int,
        verbose: bool | int,
        validate: Callable[[np.ndarray], float] | None = None,
        callback: Callable[[np.ndarray], bool] | None = None,
        deadline: float = math.inf,
        start_counts: bool = False,
    ) -> None:
        self.max_iter, self.tol, self.patience = max_iter, tol, n_iter_no_change
        self.verbose, self.validate, self.callback = verbose, validate, callback
        self.deadline, self.on_stall, self.planned = deadline, None, False
        self.start_counts, self.n_before = start_counts, 0
        # Pairs: Ctrl-C leaves curves of the same length.
        self._curve: list[tuple[float, float]] = []
        self.error: Any = None
        self.theta: Any = None
        self.before: Any = None
        self.loss = np.inf
        self.best, self.stale, self.stop = np.inf, 0, False
        self.at_rest = self.ended_from_outside = False

    @property
    def n_iter(self) -> int:
        return self.n_before + len(self._curve)

    @property
    def loss_curve(self) -> list[float]:
        return [loss for loss, _ in self._curve]

    @property
    def validation_loss_curve(self) -> list[float]:
        return [watched for _, watched in self._curve] if self.validate else []

    @property
    def is_above_best(self) -> bool:
        """Whether what is watched was last above its best by more than `tol`."""
        return self._curve[-1][1] - self.best > self.tol * abs(self.best)

    @property
    def out_of_time(self) -> bool:
        return monotonic() >= self.deadline

    def begin(self, theta: np.ndarray, solver: str) -> None:
        """Remember where and when a minimisation by that solver begins.

        A further one, of the same objective with another penalty, goes on with the
        curves and what was best so far.
        """
        self.solver, self.stale, self.stop, self.at_rest = solver, 0, False, False
        self.on_stall, self.planned = None, False
        if self.theta is not None:
            return
        self.theta, self.begun = theta.copy(), monotonic()
        if self.validate and self.start_counts:
            self.best = self.validate(theta)

    def update(self, theta: np.ndarray, loss: float, **numbers: float) -> bool:
        """Take note of a finished iteration; return whether to stop.

        Parameters
        ----------
        theta : ndarray
        loss : float
        **numbers : float
            What else the solver has to tell of the iteration, for `verbose`.
        """
        watched = self.validate(theta) if self.validate else loss
        if not np.isfinite(loss) or np.isnan(watched) or not _finite(theta):
            return self.not_finite(theta)
        self._curve.append((float(loss), float(watched)))
        if self.validate:
            numbers = {"validation loss": watched} | numbers
        if self.verbose:
            self._tell({"loss": loss} | numbers)
        gained = self.is_better(self.best, watched)
        if watched < self.best or self.best == np.inf:
            self.before = self.theta, self.loss
            # In one go, as Ctrl-C may come between two statements.
            self.theta, self.loss, self.best = theta.copy(), float(loss), watched
        self._judge(gained)
        self._ask_callback()
        return self.stop

    def _ask_callback(self):
        try:
            if self.callback and self.callback(self.theta):
                self.stop = self.ended_from_outside = True
        except Exception as error:
            self.error = error
            raise

    def _tell(self, numbers):
        told = [f"{name} = {value:.6g}" for name, value in numbers.items()]
        seconds = f"{monotonic() - self.begun:.2f} s"
        print(f"Iteration {self.n_iter}", self.solver, *told, seconds, sep=", ")

    def is_better(self, before: float, watched: float | None = None) -> bool:
        """Whether what is watched (its best so far) is lower than before by `tol`."""
        watched = self.best if watched is None else watched
        return not np.isfinite(before) or before - watched > self.tol * abs(before)

    def _judge(self, gained):
        self.stale = 0 if gained else self.stale + 1
        if self.tol > 0 and self.stale >= self.patience:
            self._stalled()
        if self.stop:
            return
        if self.n_iter >= self.max_iter and self.planned:
            self.finish("as planned")
        elif self.n_iter >= self.max_iter:
            self._cut_short(f"at max_iter={self.max_iter} iterations", "max_iter")
        elif self.out_of_time:
            self.ended_from_outside = True
            self._cut_short(f"after iteration {self.n_iter}, out of time", "max_time")

    def _stalled(self):
        if self.on_stall and self.on_stall():
            self.stale = 0
            return
        self.finish(
            f"the loss fell by less than a share of {self.tol:g} in each of "
            f"{self.patience} iterations"
        )

    def _cut_short(self, when, limit):
        self.stop = True
        warn_caller(
            f"The solver stopped {when}, before it converged. Raise {limit}, or tol.",
            ConvergenceWarning,
        )

    def finish(self, reason: str) -> None:
        """End in good order."""
        self.stop = self.at_rest = True
        if self.verbose:
            print(f"Stopped after {self.n_iter} iterations: {reason}.")

    def not_finite(self, theta: np.ndarray) -> bool:
        """End because a loss or a gradient at `theta`, or `theta`, is not finite."""
        self.stop = True
        if self.before is not None and np.array_equal(theta, self.theta):
            self.theta, self.loss = self.before  # finite, but their loss is not
        warn_caller(
            f"Training turned non-finite after iteration {self.n_iter}; the last "
            "finite parameters are kept. A larger alpha may help, and with "
            "solver='adam' a smaller learning_rate_init or max_grad_norm.",
            ConvergenceWarning,
        )
        return True

    def not_decomposed(self) -> None:
        """End because LAPACK gave up on the derivatives at the newest parameters."""
        self.stop = True
        warn_caller(
            f"Training stopped after iteration {self.n_iter}: LAPACK's singular value "
            "decomposition of the derivatives did not converge. The parameters of the "
            "lowest loss are kept. Another alpha or random_state, or solver='lbfgs', "
            "goes on.",
            ConvergenceWarning,
        )

    def interrupted(self) -> None:
        """End because the user pressed Ctrl-C."""
        self.stop = self.ended_from_outside = True
        warn_caller(f"Training interrupted by user after iteration {self.n_iter}.")


def _finite(array):
    return bool(np.isfinite(array).all())
