"""scikit-learn's callbacks (sklearn.callback), where the installed version has them."""

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:
        """No callbacks before scikit-learn 1.9."""

    def with_callbacks(method):
        return method


class FitReport:
    """Tell callbacks of the beginning and the end of a fit and of its iterations.

    Parameters
    ----------
    estimator : estimator
    X, y, sample_weight : object
        As passed to `fit`.
    """

    def __init__(self, estimator, X, y, sample_weight):
        self.estimator = estimator
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.data = {"X": X, "y": y, "metadata": metadata}
        self.context = None
        if hasattr(estimator, "_init_callback_context"):
            self.context = estimator._init_callback_context(
                max_subtasks=getattr(estimator, "max_iter", 0)
            )
            self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def iteration(self, theta):
        """Report a finished iteration; return whether a callback asks to stop."""
        if not getattr(self.estimator, "_skl_callbacks", None):
            return False
        task = self.context.subcontext(task_name="iteration")
        task.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return task.call_on_fit_task_end(
            estimator=self.estimator,
            **self.data,
            reconstruction_attributes=lambda: self._fitted(theta),
        )

    def end(self):
        """Report the end of the fit."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator,
                **self.data,
                reconstruction_attributes=lambda: self._fitted(self.estimator._theta),
            )

    def _fitted(self, theta):
        """Attributes that make a clone of the estimator predict with `theta`."""
        estimator = self.estimator
        names = set(vars(estimator)) - set(estimator.get_params(deep=False))
        names = {name for name in names if "callback" not in name}
        return {name: getattr(estimator, name) for name in names} | {"_theta": theta}
