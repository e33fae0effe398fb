"""Adam on the flat parameter vector."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._compat import StrOptions, above
from .._typing import Float
from .._warnings import quiet
from ._base import Solver
from ._rates import SCHEDULES


@dataclass
class Course:
    """What "adam" knows besides the parameters, to go on with from epoch to epoch.

    Attributes
    ----------
    m, v : ndarray of shape (n_parameters,)
        Moving averages of the gradient, and of its square.
    t : int
        How many updates were made.
    n_falls : int
        How often an adaptive rate has fallen.
    best, stale : float and int
        The lowest loss of an epoch, and how many epochs it has stalled for.
    """

    m: np.ndarray
    v: np.ndarray
    t: int = 0
    n_falls: int = 0
    best: float = math.inf
    stale: int = 0

    @classmethod
    def at(cls, theta):
        """The beginning, at parameters of such a size and precision."""
        return cls(np.zeros_like(theta), np.zeros_like(theta))


@dataclass
class Adam(Solver):
    """Stochastic gradient with adaptive moments, and clipping of the gradient's norm.

    Kingma & Ba, ICLR 2015, Algorithm 1 in the order given at the end of section 2,
    with the default decay rates; clipping: Pascanu, Mikolov & Bengio, ICML 2013,
    Algorithm 1.

    Parameters
    ----------
    learning_rate_init : float > 0, default=1e-3
        Learning rate of "adam" at the beginning. The other solvers ignore it, because
        they find the length of their steps by themselves.
    learning_rate : {"adaptive", "constant", "cooldown"}, default="adaptive"
        What becomes of the learning rate of "adam". "adaptive": it is divided by 5 each
        time the loss has stalled (see `tol`), three times, and training ends when it
        stalls again. "constant": it stays, and the noise of the mini-batches with it;
        training ends when the loss stalls, with a ConvergenceWarning where it was then
        above its best. "cooldown": it stays for 60 % of `max_iter` epochs, then falls
        linearly to 0; all epochs are run.
    max_grad_norm : float > 0 or None, default=1.0
        "adam" scales gradients of a larger Euclidean norm down to this one; None leaves
        them as they are. The other solvers ignore it.
    """

    learning_rate_init: Float = 1e-3
    learning_rate: str = "adaptive"
    max_grad_norm: Float | None = 1.0

    constraints: ClassVar[dict] = {
        "learning_rate_init": [above(0)],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "max_grad_norm": [above(0), None],
    }
    same_function: ClassVar[bool] = False
    patience: ClassVar[int] = 20
    patience_held_out: ClassVar[int] = 20
    beta_1, beta_2, epsilon = 0.9, 0.999, 1e-8

    def _iterate(self, objective, theta, monitor):
        course = Course.at(theta)
        schedule = SCHEDULES[self.learning_rate](monitor)
        monitor.on_stall = schedule.on_stall
        while not monitor.stop:
            if not self._epoch(objective, theta, monitor, course, schedule.factor):
                monitor.not_finite(theta)

    def go_on(self, objective, theta, monitor, course):
        """Run one epoch from where an earlier one ended; all change in place.

        A rate that is adaptive falls as it would between the epochs of one training.
        At its smallest it stays, for there is no end to come to.

        Parameters
        ----------
        objective : object
        theta : ndarray of shape (n_parameters,)
        monitor : Monitor
            A new one for each epoch.
        course : Course

        Returns
        -------
        bool
            Whether all stayed finite. If not, what has changed is of no use.
        """
        schedule = SCHEDULES[self.learning_rate](monitor)
        schedule.n_falls = course.n_falls
        monitor.begin(theta, type(self).__name__)
        monitor.best, monitor.stale = course.best, course.stale
        monitor.on_stall = lambda: schedule.on_stall() or True
        with quiet():
            finite = self._epoch(objective, theta, monitor, course, schedule.factor)
        course.best, course.stale = monitor.best, monitor.stale
        course.n_falls = schedule.n_falls
        return finite and len(monitor.loss_curve) > 0

    def _epoch(self, objective, theta, monitor, course, factor):
        """One pass over the mini-batches; False where a loss is not finite any more."""
        rate = self.learning_rate_init * factor
        total = weights = largest = 0.0
        for loss_and_grad in objective.minibatches():
            weight, loss, grad = loss_and_grad(theta)
            # In double precision: squares of a gradient to be clipped may overflow.
            norm = float(np.linalg.norm(grad.astype(float, copy=False)))
            if not (math.isfinite(loss) and math.isfinite(norm)):
                return False
            if self.max_grad_norm is not None and norm > self.max_grad_norm:
                grad *= self.max_grad_norm / norm
            course.t += 1
            self._step(theta, grad, course.m, course.v, course.t, rate)
            total += weight * loss
            weights += weight
            largest = max(largest, norm)
            if monitor.out_of_time:
                break
        told = {"largest gradient norm": largest, "rate": rate}
        monitor.update(theta, total / weights, **told)
        return True

    def _step(self, theta, grad, m, v, t, rate):
        """Update all in place; `grad` is used up."""
        step = grad - m
        step *= 1 - self.beta_1
        m += step
        grad *= grad
        grad -= v
        grad *= 1 - self.beta_2
        v += grad
        # A Python float: one of NumPy's would turn single precision into double.
        rate *= math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        np.sqrt(v, out=grad)
        grad += self.epsilon
        np.divide(m, grad, out=step)
        step *= rate
        theta -= step
