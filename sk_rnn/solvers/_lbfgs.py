"""Limited-memory BFGS: SciPy's L-BFGS-B without bounds."""

import numpy as np
from scipy.optimize import minimize

from ._base import Solver

#: scipy.optimize.minimize: the line search found no lower point.
LINE_SEARCH_FAILED = 2


class LBFGS(Solver):
    """Deterministic, without a learning rate; every iteration sees all data.

    Byrd, Lu, Nocedal & Zhu, SIAM J. Sci. Comput. 16 (1995).
    """

    def _iterate(self, objective, theta, monitor):
        best = np.inf

        def loss_and_grad(theta):
            nonlocal best
            loss, grad = objective.loss_and_grad(theta)
            if not (np.isfinite(loss) and np.isfinite(grad).all()):
                if not np.isfinite(best):
                    return np.inf, np.zeros_like(theta)
                # A step too far: tell the line search to come back.
                return 1e10 * (1 + abs(best)), np.zeros_like(theta)
            best = min(best, loss)
            return float(loss), grad.astype(float)

        def callback(intermediate_result):
            if monitor.update(intermediate_result.x, intermediate_result.fun):
                raise StopIteration

        theta = theta.astype(float)
        while not monitor.stop:
            before = monitor.n_iter
            result = minimize(
                loss_and_grad,
                theta,
                jac=True,
                method="L-BFGS-B",
                callback=callback,
                options={
                    "maxiter": monitor.max_iter - before,
                    "maxfun": 1_000_000,
                    "ftol": 0.0,
                    "gtol": 1e-10,
                },
            )
            if not np.isfinite(best):
                monitor.not_finite()
            elif result.status != LINE_SEARCH_FAILED or monitor.n_iter == before:
                if monitor.n_iter == 0:
                    monitor.update(result.x, result.fun)
                if not monitor.stop:
                    monitor.finish("the gradient is zero to machine precision")
            # Else: a kink of the loss, or rounding, spoilt the curvature pairs; go on
            # from here with fresh ones as long as they gain something.
            theta = result.x
