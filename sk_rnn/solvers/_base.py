"""The Solver contract."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._warnings import quiet
from ._monitor import Monitor


@dataclass
class Solver:
    """Minimises an objective over one flat vector; knows neither networks nor losses.

    An objective has ``loss_and_grad(theta)`` over all data; ``minibatches()``, which
    yields functions ``theta -> (weight, loss, gradient)`` for one epoch; and where it
    is half a sum of squares ``residuals(theta)`` and ``jacobian(theta)``. A solver is a
    dataclass, whose fields are hyper-parameters of the estimators. It hands each
    iteration to ``monitor.update(theta, loss)``, with what else it has to tell by name,
    until that returns True. ``monitor.on_stall`` lets it try something where the loss
    has stalled, before that is the end.

    Attributes
    ----------
    constraints : dict
        What the fields may be, in scikit-learn's terms.
    same_function : bool
        Whether it needs the same function at every step: no chance in the network.
    sum_of_squares : bool
        Whether it needs residuals.
    patience : int
        What ``n_iter_no_change="auto"`` stands for where a training loss is watched.
    patience_held_out : int
        The same where a validation loss is watched, which may rise on the way from one
        plateau of the training loss to a lower one.
    """

    constraints: ClassVar[dict] = {}
    same_function: ClassVar[bool] = True
    sum_of_squares: ClassVar[bool] = False
    patience: ClassVar[int] = 10
    patience_held_out: ClassVar[int] = 50

    def minimise(self, objective: Any, theta: np.ndarray, monitor: Monitor) -> None:
        """Run until the monitor says stop; Ctrl-C keeps what was reached.

        Parameters
        ----------
        objective : object
        theta : ndarray of shape (n_parameters,)
            Where to start; not changed.
        monitor : Monitor
            Holds the result.
        """
        monitor.begin(theta, type(self).__name__)
        try:
            with quiet():  # the monitor tells
                self._iterate(objective, theta.copy(), monitor)
        except KeyboardInterrupt:
            monitor.interrupted()
        if monitor.error is not None:
            raise monitor.error

    def _iterate(self, objective: Any, theta: np.ndarray, monitor: Monitor) -> None:
        raise NotImplementedError

    @staticmethod
    def _end(monitor, theta, loss, trials, reason):
        """End where a routine of SciPy came to rest by itself."""
        if monitor.stop:
            return
        if trials.turned_back:
            monitor.not_finite(theta)
            return
        if monitor.n_iter == 0:
            monitor.update(theta, loss)
        monitor.finish(reason)


class Trials:
    """Whether points that were tried had to be refused, for good.

    Attributes
    ----------
    settled : float
        The lowest loss at the end of a step.
    turned_back : bool
        Whether a point that is not finite was refused since then.
    """

    def __init__(self, loss):
        self.settled, self.turned_back = loss, False

    def settle(self, loss):
        """Take note of the end of a step; a gain makes up for turning back."""
        if loss < self.settled:
            self.settled, self.turned_back = loss, False
