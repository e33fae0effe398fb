"""Schedules of a learning rate: what becomes of it, and what a stall of the loss means.

A schedule has ``factor``, by which the initial rate is multiplied, and ``on_stall()``,
which returns whether training goes on where the loss has stalled.
"""

from sklearn.exceptions import ConvergenceWarning

from .._warnings import warn_caller

#: What a stall does to the adaptive rate, as scikit-learn has it; and how often.
FALL, N_FALLS = 1 / 5, 3

#: Share of the epochs over which the rate cools down.
COOLDOWN = 0.4


class Constant:
    """The same rate throughout; a stall is the end.

    The noise of mini-batches does not die away at a rate that stays: the loss may stall
    far above where it could be. Where it was last above its best, the user is told.
    """

    factor, n_falls = 1.0, 0

    def __init__(self, monitor):
        self.monitor = monitor

    def on_stall(self):
        if not self.monitor.validate and self.monitor.is_above_best:
            warn_caller(
                f"The loss stalled for {self.monitor.patience} epochs at a learning "
                "rate that never fell, and was last above its best: it was noisy, and "
                "had not converged. The parameters of the best epoch are kept. Take "
                "learning_rate='adaptive', or a smaller learning_rate_init, a larger "
                "n_iter_no_change or batch_size, or early_stopping=True.",
                ConvergenceWarning,
            )
        return False


class Adaptive(Constant):
    """A fifth of the rate after each stall; a stall at the smallest rate is the end."""

    @property
    def factor(self):
        return FALL**self.n_falls

    def on_stall(self):
        if self.n_falls == N_FALLS:
            return False
        self.n_falls += 1
        return True


class Cooldown(Constant):
    """Constant, then linearly towards 0 over the last part of `max_iter` epochs.

    It is planned for all of them, so that a stall means nothing. Haegele et al.,
    NeurIPS 2024, arXiv 2405.18392.
    """

    def __init__(self, monitor):
        super().__init__(monitor)
        monitor.planned = True

    @property
    def factor(self):
        n, n_left = self.monitor.max_iter, self.monitor.max_iter - self.monitor.n_iter
        return min(1.0, n_left / (COOLDOWN * n))

    def on_stall(self):
        return True


SCHEDULES = {"constant": Constant, "adaptive": Adaptive, "cooldown": Cooldown}
