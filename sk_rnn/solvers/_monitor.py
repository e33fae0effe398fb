"""What every solver reports to: curves, stopping, best parameters, verbosity."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._warnings import warn_caller


class Monitor:
    """Follow a minimisation and decide when it ends.

    The loss (the validation loss where there is one) must fall by more than `tol` times
    its size at least once in `n_iter_no_change` iterations.

    Parameters
    ----------
    max_iter : int
    tol : float
    n_iter_no_change : int
    verbose : bool
        Print a line for each iteration.
    validate : callable or None
        theta -> validation loss. If given, the best parameters are those with the
        smallest validation loss, else the last ones.
    callback : callable or None
        theta -> bool, called after each iteration; True stops.
    start_counts : bool, default=False
        Whether the parameters to begin with are kept if no others have a smaller
        validation loss.

    Attributes
    ----------
    theta : ndarray
        The parameters to keep; always finite.
    loss : float
        Training loss of `theta`.
    loss_curve, validation_loss_curve : list of float
        One entry per iteration.
    ended_by_user : bool
        Whether Ctrl-C or a callback ended it.
    """

    def __init__(
        self,
        max_iter,
        tol,
        n_iter_no_change,
        verbose,
        validate=None,
        callback=None,
        start_counts=False,
    ):
        self.max_iter, self.tol, self.patience = max_iter, tol, n_iter_no_change
        self.verbose, self.validate, self.callback = verbose, validate, callback
        self.start_counts = start_counts
        self.loss_curve, self.validation_loss_curve = [], []
        self.theta, self.loss, self.before = None, np.inf, None
        self.best, self.stale, self.stop = np.inf, 0, False
        self.ended_by_user = False

    @property
    def n_iter(self):
        return len(self.loss_curve)

    def begin(self, theta):
        """Remember where the minimisation begins."""
        self.theta = theta.copy()
        if self.validate and self.start_counts:
            self.best = self.validate(theta)

    def update(self, theta, loss):
        """Take note of a finished iteration; return whether to stop."""
        watched = self.validate(theta) if self.validate else loss
        if not (np.isfinite(loss) and np.isfinite(watched) and _finite(theta)):
            return self.not_finite(theta)
        self.loss_curve.append(float(loss))
        message = f"Iteration {self.n_iter}, loss = {loss:.8g}"
        if self.validate:
            self.validation_loss_curve.append(float(watched))
            message += f", validation loss = {watched:.8g}"
        if self.verbose:
            print(message)
        if not self.validate or watched < self.best:
            self.before = self.theta, self.loss
            self.theta, self.loss = theta.copy(), float(loss)
        self._judge(watched)
        if self.callback and self.callback(self.theta):
            self.stop = self.ended_by_user = True
        return self.stop

    def _judge(self, watched):
        improved = not np.isfinite(self.best) or (
            self.best - watched > self.tol * abs(self.best)
        )
        self.stale = 0 if improved else self.stale + 1
        self.best = min(self.best, watched)
        if self.stale >= self.patience:
            self.finish(
                f"the loss fell by less than a share of {self.tol:g} in each of "
                f"{self.patience} iterations"
            )
        elif self.n_iter >= self.max_iter:
            self.stop = True
            warn_caller(
                f"The solver stopped at max_iter={self.max_iter} iterations before it "
                "converged. Raise max_iter, or tol.",
                ConvergenceWarning,
            )

    def finish(self, reason):
        """End in good order."""
        self.stop = True
        if self.verbose:
            print(f"Stopped after {self.n_iter} iterations: {reason}.")

    def not_finite(self, theta):
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

    def interrupted(self):
        """End because the user pressed Ctrl-C."""
        self.stop = self.ended_by_user = True
        warn_caller(f"Training interrupted by user after iteration {self.n_iter}.")


def _finite(array):
    return bool(np.isfinite(array).all())
