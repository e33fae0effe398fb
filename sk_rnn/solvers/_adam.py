"""Adam on the flat parameter vector."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .._compat import StrOptions, above
from .._typing import Float
from ._base import Solver
from ._rates import SCHEDULES


@dataclass
class Adam(Solver):
    """Stochastic gradient with adaptive moments, and clipping of the gradient's norm.

    Kingma & Ba, ICLR 2015, Algorithm 1 in the order given at the end of section 2,
    with the default decay rates; clipping: Pascanu, Mikolov & Bengio, ICML 2013,
    Algorithm 1.

    Parameters
    ----------
    learning_rate_init : float > 0, default=1e-3
        Learning rate of "adam" at the beginning. Means nothing to the others, which
        find the length of their steps by themselves.
    learning_rate : {"adaptive", "constant", "cooldown"}, default="adaptive"
        What becomes of the learning rate of "adam". "adaptive": it is divided by 5 each
        time the loss has stalled (see `tol`), three times, and training ends when it
        stalls again. "constant": it stays, and the noise of the mini-batches with it;
        training ends when the loss stalls, with a ConvergenceWarning where it was then
        above its best. "cooldown": it stays for 60 % of `max_iter` epochs, then falls
        linearly to 0; all epochs are run.
    max_grad_norm : float > 0 or None, default=1.0
        "adam" scales gradients of a larger Euclidean norm down to this one; None leaves
        them as they are. Means nothing to the others.
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
        m, v, t = np.zeros_like(theta), np.zeros_like(theta), 0
        schedule = SCHEDULES[self.learning_rate](monitor)
        monitor.on_stall = schedule.on_stall
        while not monitor.stop:
            rate = self.learning_rate_init * schedule.factor
            total = weights = largest = 0.0
            for loss_and_grad in objective.minibatches():
                weight, loss, grad = loss_and_grad(theta)
                # In double precision: squares of a gradient to be clipped may overflow.
                norm = float(np.linalg.norm(grad.astype(float, copy=False)))
                if not (math.isfinite(loss) and math.isfinite(norm)):
                    monitor.not_finite(theta)
                    return
                if self.max_grad_norm is not None and norm > self.max_grad_norm:
                    grad *= self.max_grad_norm / norm
                t += 1
                self._step(theta, grad, m, v, t, rate)
                total += weight * loss
                weights += weight
                largest = max(largest, norm)
                if monitor.out_of_time:
                    break
            told = {"largest gradient norm": largest, "rate": rate}
            monitor.update(theta, total / weights, **told)

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
