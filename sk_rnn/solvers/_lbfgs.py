"""Limited-memory BFGS: SciPy's L-BFGS-B without bounds."""

import numpy as np
from scipy.optimize import minimize

from ._base import Solver, Trials

#: The monitor decides when to stop; SciPy's own tests end only what is solved exactly.
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
            function.trials.settle(intermediate_result.fun)
            x, loss = intermediate_result.x, intermediate_result.fun
            if monitor.update(x, loss, **{"gradient norm": function.norm}):
                raise StopIteration

        result = minimize(
            function,
            theta.astype(float),
            jac=True,
            method="L-BFGS-B",
            callback=callback,
            options=OPTIONS | {"maxiter": monitor.max_iter},
        )
        reason = "there is no lower point along the gradient"
        self._end(monitor, result.x, result.fun, function.trials, reason)


class _Guarded:
    """Loss and gradient; where they are absurdly high, a plateau to come back from.

    The line search interpolates. A loss that is not finite, or a free run that diverged
    to 1e16, would bring it back to within rounding of where it started.

    Attributes
    ----------
    norm : float
        Of the last gradient, which at the end of an iteration is that of its end.
    """

    def __init__(self, loss_and_grad):
        self.loss_and_grad, self.trials, self.norm = loss_and_grad, None, np.nan

    def __call__(self, theta):
        loss, grad = self.loss_and_grad(theta)
        finite = bool(np.isfinite(loss) and np.isfinite(grad).all())
        if self.trials is None:
            self.trials = Trials(loss if finite else 0.0)
        plateau = PLATEAU * abs(self.trials.settled)
        if finite and loss <= plateau:
            grad = grad.astype(float)
            self.norm = float(np.linalg.norm(grad))
            return float(loss), grad
        self.trials.turned_back |= not finite
        return plateau, np.zeros(len(theta))
