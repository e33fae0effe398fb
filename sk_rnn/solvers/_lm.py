"""Levenberg-Marquardt: SciPy's least squares."""

from typing import ClassVar

import numpy as np
from scipy.optimize import least_squares

from ._base import Solver, Trials

#: The monitor decides when to stop; SciPy's own tests end only what is solved exactly.
OPTIONS = {"ftol": None, "xtol": 1e-15, "gtol": 1e-13, "max_nfev": 1_000_000}

#: Where residuals are not finite they count as so many times those of the last step.
HIGH = 10.0


class LevenbergMarquardt(Solver):
    """Sums of squares, with the derivative of every residual; for small networks.

    The trust-region form of Branch, Coleman & Li, SIAM J. Sci. Comput. 21 (1999), with
    all parameters on one scale, as Hagan & Menhaj, IEEE Trans. Neural Networks 5 (1994)
    have it: scaled by the diagonal, long free runs end in poor minima.
    """

    sum_of_squares: ClassVar[bool] = True
    patience_held_out: ClassVar[int] = 30

    def _iterate(self, objective, theta, monitor):
        step = _Step(objective, monitor)
        theta = theta.astype(float)
        if not np.isfinite(step.residuals(theta)).all():
            monitor.not_finite(theta)
            return
        try:
            result = least_squares(
                step.residuals,
                theta,
                step.jacobian,
                method="trf",
                x_scale=1.0,
                tr_solver="exact",
                **OPTIONS,
            )
        except StopIteration:
            return
        except np.linalg.LinAlgError as error:
            if error is not monitor.error:
                monitor.not_decomposed()
            return
        reason = "there is no lower point nearby"
        self._end(monitor, result.x, result.cost, step.trials, reason)


class _Step:
    """Residuals and their derivatives; an accepted step goes to the monitor.

    SciPy asks for derivatives where it starts and where it has found a lower sum, which
    is where it has just asked for the residuals.
    """

    def __init__(self, objective, monitor):
        self.objective, self.monitor = objective, monitor
        self.trials, self.theta, self.found, self.last = None, None, None, None

    def residuals(self, theta):
        if not np.isfinite(theta).all():  # the squares of the derivatives overflow
            self.monitor.not_finite(theta)
            raise StopIteration
        if self.theta is None or not np.array_equal(theta, self.theta):
            found = self.objective.residuals(theta)
            if self.trials is not None and not np.isfinite(found).all():
                self.trials.turned_back = True
                # SciPy takes a smaller step where the sum is higher.
                return HIGH * np.abs(self.settled) + HIGH
            self.theta, self.found = theta.copy(), found
        return self.found

    def jacobian(self, theta):
        found = self.objective.jacobian(theta)
        if not np.isfinite(found).all():
            self.monitor.not_finite(theta)
            raise StopIteration
        self.settled = self.residuals(theta)
        loss = 0.5 * float(self.settled @ self.settled)
        if self.trials is None:
            self.trials, self.last = Trials(loss), theta.copy()
            return found
        self.trials.settle(loss)
        norm, step = np.linalg.norm(found.T @ self.settled), theta - self.last
        told = {"gradient norm": norm, "step": np.linalg.norm(step)}
        self.last = theta.copy()
        if self.monitor.update(theta, loss, **told):
            raise StopIteration
        return found
