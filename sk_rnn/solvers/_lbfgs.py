"""Limited-memory BFGS: SciPy's L-BFGS-B without bounds."""

import numpy as np
from scipy.optimize import minimize

from ._base import Solver

#: The monitor decides when to stop; these only catch what is exactly solved.
OPTIONS = {"maxfun": 1_000_000, "ftol": 0.0, "gtol": 1e-10}

#: Losses this many times higher than where a line search began are all the same to it.
PLATEAU = 10.0


class LBFGS(Solver):
    """Deterministic, without a learning rate; every iteration sees all data.

    Byrd, Lu, Nocedal & Zhu, SIAM J. Sci. Comput. 16 (1995).
    """

    def _iterate(self, objective, theta, monitor):
        function = _Guarded(objective.loss_and_grad)

        def callback(intermediate_result):
            function.settle(intermediate_result.fun)
            if monitor.update(intermediate_result.x, intermediate_result.fun):
                raise StopIteration

        result = minimize(
            *(function, theta.astype(float)),
            jac=True,
            method="L-BFGS-B",
            callback=callback,
            options=OPTIONS | {"maxiter": monitor.max_iter},
        )
        if monitor.stop:
            return
        if function.turned_back:
            monitor.not_finite(result.x)
            return
        if monitor.n_iter == 0:
            monitor.update(result.x, result.fun)
        monitor.finish("there is no lower point along the gradient")


class _Guarded:
    """Loss and gradient; where they are absurdly high, a plateau to come back from.

    The line search interpolates. A loss that is not finite, or a free run that diverged
    to 1e16, would bring it back to within rounding of where it started.
    """

    def __init__(self, loss_and_grad):
        self.loss_and_grad = loss_and_grad
        self.settled, self.turned_back = None, False

    def __call__(self, theta):
        loss, grad = self.loss_and_grad(theta)
        finite = bool(np.isfinite(loss) and np.isfinite(grad).all())
        if self.settled is None:
            self.settled = loss if finite else 0.0
        if finite and loss <= PLATEAU * abs(self.settled):
            return float(loss), grad.astype(float)
        self.turned_back |= not finite
        return PLATEAU * abs(self.settled), np.zeros(len(theta))

    def settle(self, loss):
        """Take note of the end of a search; a gain makes up for turning back."""
        if loss < self.settled:
            self.settled, self.turned_back = loss, False
