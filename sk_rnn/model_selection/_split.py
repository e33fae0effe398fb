"""Cut every sequence of a panel in time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from .._compat import TimeSeriesSplit
from .._typing import ArrayLike
from ..data._tables import is_missing


class PanelTimeSeriesSplit(TimeSeriesSplit):
    """Train on the first part of every sequence, test on what follows in each.

    scikit-learn's :class:`~sklearn.model_selection.TimeSeriesSplit`, sequence by
    sequence: fold k holds fold k of each. The rows of a test fold follow the rows of
    the training fold, sequence by sequence, as `predict` of a model with a
    ``sequence_column`` takes them to do::

        a a a a a a b b b        train on o, test on x, n_splits=2
        o o x x . . o x .
        o o o o x x o o x

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    max_train_size : int, default=None
        Largest number of training rows of a sequence: its last ones.
    test_size : int, default=None
        Number of test rows of each sequence. None: n_rows // (n_splits + 1).
    gap : int, default=0
        How many rows of each sequence are left out before its test rows. The model goes
        on as if they had not been, unless ``carry_state=False``. It warns where it can
        see that they are missing.

    See Also
    --------
    sklearn.model_selection.GroupKFold : Tests on sequences never seen.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn.model_selection import PanelTimeSeriesSplit
    >>> store = np.repeat(["a", "b"], [6, 3])
    >>> for train, test in PanelTimeSeriesSplit(2).split(store, groups=store):
    ...     print(train, test)
    [0 1 6] [2 3 7]
    [0 1 2 3 6 7] [4 5 8]
    """

    # With routed metadata, groups go here without a request, as to GroupKFold.
    __metadata_request__split = {"groups": True}

    def split(
        self, X: ArrayLike, y: Any = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the row numbers of training and test folds.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Its rows are cut; only their number counts.
        y : object, default=None
            Not used.
        groups : array-like of shape (n_rows,), default=None
            Required: the sequence of each row. Its rows are in the order of time.

        Yields
        ------
        train, test : ndarray of int
            In the order of the rows.

        Raises
        ------
        ValueError
            Without groups, where one is missing (NaN, None), or where a sequence has
            too few rows.
        """
        if groups is None:
            raise ValueError(
                "PanelTimeSeriesSplit cuts sequence by sequence: pass groups, which "
                "name the sequence of each row (the values of sequence_column)."
            )
        names = column_or_1d(groups)
        check_consistent_length(X, names)
        missing = np.flatnonzero([is_missing(name) for name in names])
        if len(missing):
            raise ValueError(
                f"groups must name the sequence of each row; that of row {missing[0]} "
                f"is missing ({names[missing[0]]})."
            )
        folds: list[list] = [[] for _ in range(self.n_splits)]
        for name in dict.fromkeys(names):
            rows = np.flatnonzero(names == name)
            try:
                parts = list(super().split(rows))
            except ValueError as error:
                raise ValueError(f"Sequence {name}: {error}") from error
            for fold, (train, test) in zip(folds, parts, strict=True):
                fold.append((rows[train], rows[test]))
        for fold in folds:
            trains, tests = zip(*fold, strict=True)
            yield np.sort(np.concatenate(trains)), np.sort(np.concatenate(tests))
