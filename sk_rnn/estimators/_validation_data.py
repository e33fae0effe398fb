"""Validation data that users hand to `fit`: read like X and y, by its own names."""

import re
from contextlib import contextmanager
from typing import NamedTuple

from ..data._samples import Samples
from ..data._traps import warn_of_disorder
from ._lags import check_lengths

#: The arguments of `fit` where an error speaks of them; not a column of such a name.
ARGUMENTS = re.compile(r"(?<!['\"])(?<!- )\b(X|y|sample_weight)\b(?!['\"])")


class ValidationData(NamedTuple):
    """`X_val`, `y_val` and `sample_weight_val` as they were passed to `fit`."""

    X: object
    y: object
    sample_weight: object

    @classmethod
    def given(cls, X, y, sample_weight, early_stopping):
        """What was passed, if it can be used; None where nothing was."""
        if X is None and y is None and sample_weight is None:
            return None
        if X is None or y is None:
            missing = [name for name, v in (("X_val", X), ("y_val", y)) if v is None]
            raise ValueError(
                "Validation data is passed to fit as X_val and y_val, both; got no "
                f"{' and no '.join(missing)}."
            )
        if not early_stopping:
            raise ValueError(
                "X_val and y_val are passed to fit, but early_stopping=False has no "
                "use for them: set early_stopping=True, or leave them out."
            )
        return cls(X, y, sample_weight)

    def read(self, estimator, dtype):
        """Samples of the form, the channels and the outputs that `fit` was given.

        Parameters
        ----------
        estimator : estimator
            Which has seen X and y, and has its network.
        dtype : dtype
            In which to train.

        Returns
        -------
        Samples
        """
        with _by_their_names():
            records, targets = estimator._read_alike_with_targets(self.X, self.y, dtype)
            check_lengths(records, estimator)
            samples = Samples.weighted(
                records, targets, self.sample_weight, estimator.washout
            )
        warn_of_disorder(records, "X_val")
        return samples.merged()


@contextmanager
def _by_their_names():
    """Let errors speak of X_val, y_val and sample_weight_val.

    The doors for X, y and weights, and scikit-learn's checks behind them, know no other
    names than those of the training data.
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(ARGUMENTS.sub(r"\1_val", str(error))) from error
