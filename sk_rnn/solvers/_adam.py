"""Adam on the flat parameter vector."""

import math

import numpy as np

from ._base import Solver


class Adam(Solver):
    """Stochastic gradient with adaptive moments, and clipping of the gradient's norm.

    Kingma & Ba, ICLR 2015, Algorithm 1 in the order given at the end of section 2,
    with the default decay rates; clipping: Pascanu, Mikolov & Bengio, ICML 2013,
    Algorithm 1.

    Parameters
    ----------
    learning_rate_init : float
    max_grad_norm : float or None
    """

    parameters = ("learning_rate_init", "max_grad_norm")
    same_function = False
    beta_1, beta_2, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, learning_rate_init, max_grad_norm):
        self.learning_rate, self.max_grad_norm = learning_rate_init, max_grad_norm

    def _iterate(self, objective, theta, monitor):
        m, v, t = np.zeros_like(theta), np.zeros_like(theta), 0
        while not monitor.stop:
            total = weights = 0.0
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
                self._step(theta, grad, m, v, t)
                total += weight * loss
                weights += weight
            monitor.update(theta, total / weights)

    def _step(self, theta, grad, m, v, t):
        """Update all in place; `grad` is used up."""
        step = grad - m
        step *= 1 - self.beta_1
        m += step
        grad *= grad
        grad -= v
        grad *= 1 - self.beta_2
        v += grad
        # A Python float: one of NumPy's would turn single precision into double.
        rate = self.learning_rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        np.sqrt(v, out=grad)
        grad += self.epsilon
        np.divide(m, grad, out=step)
        step *= rate
        theta -= step
