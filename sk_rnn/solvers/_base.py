"""The Solver contract."""

import numpy as np


class Solver:
    """Minimises an objective over one flat vector; knows neither networks nor losses.

    An objective has ``loss_and_grad(theta)`` over all data; ``minibatches()``, which
    yields functions ``theta -> (weight, loss, gradient)`` for one pass over the data;
    and where it is half a sum of squares ``residuals(theta)`` and ``jacobian(theta)``.

    Attributes
    ----------
    parameters : tuple of str
        The hyper-parameters of estimators that it is made with.
    same_function : bool
        Whether it needs the same function at every step: no chance in the network.
    sum_of_squares : bool
        Whether it needs residuals.
    """

    parameters = ()
    same_function = True
    sum_of_squares = False

    def minimise(self, objective, theta, monitor):
        """Run until the monitor says stop; Ctrl-C keeps what was reached.

        Parameters
        ----------
        objective : object
        theta : ndarray of shape (n_parameters,)
            Where to start; not changed.
        monitor : Monitor
            Holds the result.
        """
        monitor.start(theta)
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # the monitor tells
                self._iterate(objective, theta.copy(), monitor)
        except KeyboardInterrupt:
            monitor.interrupted()

    def _iterate(self, objective, theta, monitor):
        raise NotImplementedError
