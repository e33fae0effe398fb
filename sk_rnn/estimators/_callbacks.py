"""A fit, reported to scikit-learn's callbacks where the installed version has them."""

from .._compat import begin_callbacks, has_callbacks, is_of_callbacks


class FitReport:
    """Tell callbacks of the beginning and the end of a fit and of its iterations.

    Parameters
    ----------
    estimator : estimator
    X, y, sample_weight : object
        As passed to `fit`.
    """

    def __init__(self, estimator, X, y, sample_weight):
        self.estimator, self.context = estimator, None
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.data = {"X": X, "y": y, "metadata": metadata}

    def begin(self, max_iter):
        """Report the beginning of a fit of at most so many iterations."""
        self.context = begin_callbacks(self.estimator, max_iter, self.data)

    def iteration(self, theta):
        """Report a finished iteration; return whether a callback asks to stop."""
        if self.context is None or not has_callbacks(self.estimator):
            return False
        task = self.context.subcontext(task_name="iteration")
        task.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return self._end(task, theta)

    def end(self):
        """Report the end of the fit."""
        if self.context is not None:
            self._end(self.context, self.estimator._theta)

    def _end(self, context, theta):
        return context.call_on_fit_task_end(
            estimator=self.estimator,
            **self.data,
            reconstruction_attributes=lambda: self._fitted(theta),
        )

    def _fitted(self, theta):
        """Attributes that make a clone of the estimator predict with `theta`."""
        estimator = self.estimator
        names = set(vars(estimator)) - set(estimator.get_params(deep=False))
        names = {name for name in names if not is_of_callbacks(name)}
        return {name: getattr(estimator, name) for name in names} | {"_theta": theta}
