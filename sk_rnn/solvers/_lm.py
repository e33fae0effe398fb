"""Levenberg-Marquardt: SciPy's least squares."""

import numpy as np
from scipy.optimize import least_squares

from ._base import Solver

#: The monitor decides when to stop; these only catch what is exactly solved.
OPTIONS = {"ftol": None, "xtol": 1e-15, "gtol": 1e-13, "max_nfev": 1_000_000}

#: Where residuals are not finite they count as so many times those of the last step.
HIGH = 10.0


class LevenbergMarquardt(Solver):
    """Sums of squares, with the derivative of every residual; for small networks.

    The trust-region form of Branch, Coleman & Li, SIAM J. Sci. Comput. 21 (1999), with
    all parameters on one scale, as Hagan & Menhaj, IEEE Trans. Neural Networks 5 (1994)
    have it: scaled by the diagonal, long free runs end in poor minima.
    """

    sum_of_squares = True

    def _iterate(self, objective, theta, monitor):
        step = _Step(objective, monitor)
        if not np.isfinite(step.residuals(theta.astype(float))).all():
            monitor.not_finite(theta)
            return
        try:
            result = least_squares(
                *(step.residuals, theta.astype(float), step.jacobian),
                method="trf",
                x_scale=1.0,
                tr_solver="exact",
                **OPTIONS,
            )
        except StopIteration:
            return
        if step.turned_back:
            monitor.not_finite(result.x)
            return
        if monitor.n_iter == 0:
            monitor.update(result.x, result.cost)
        monitor.finish("there is no lower point nearby")


class _Step:
    """Residuals and their derivatives; an accepted step goes to the monitor.

    SciPy asks for derivatives where it starts and where it has found a lower sum.
    """

    def __init__(self, objective, monitor):
        self.objective, self.monitor = objective, monitor
        self.settled, self.turned_back = None, False

    def residuals(self, theta):
        if not np.isfinite(theta).all():  # the squares of the derivatives overflow
            self.monitor.not_finite(theta)
            raise StopIteration
        found = self.objective.residuals(theta)
        if np.isfinite(found).all() or self.settled is None:
            return found
        self.turned_back = True  # SciPy takes a smaller step where the sum is higher
        return HIGH * np.abs(self.settled) + HIGH

    def jacobian(self, theta):
        found = self.objective.jacobian(theta)
        if not np.isfinite(found).all():
            self.monitor.not_finite(theta)
            raise StopIteration
        started = self.settled is not None
        self.settled = self.objective.residuals(theta)
        if started:
            self.turned_back = False  # the gain makes up for it
            if self.monitor.update(theta, 0.5 * float(self.settled @ self.settled)):
                raise StopIteration
        return found
