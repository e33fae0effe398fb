"""Scorers of scikit-learn, asked about the steps of sequences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer, make_scorer
from sklearn.utils import check_consistent_length, get_tags

from .._compat import accepts_sample_weight
from ..data._arrays import few, unboxed
from ..data._records import is_list_of_records
from ..data._weights import behind_washout, checked
from ..estimators._through import unwrap


def make_sequence_scorer(
    score_func: Callable[..., float] | str,
    *,
    greater_is_better: bool = True,
    response_method: str | Sequence[str] = "predict",
    **kwargs: Any,
) -> Callable[..., float]:
    """Make a scorer that takes the targets of sequences, a target at every step too.

    scikit-learn's :func:`~sklearn.metrics.make_scorer`, for targets and predictions
    that are lists of arrays (or 1-D arrays of objects) or 3-D arrays. The steps of all
    sequences are pooled, without the first ``washout`` ones of each, as in the `score`
    of the estimators: ``make_sequence_scorer(r2_score)`` gives the same number. Tables
    in time order and one target for each sequence are scored in the same way.

    Parameters
    ----------
    score_func : callable or str
        A function ``score_func(y_true, y_pred, **kwargs)`` of arrays (n_rows,) or
        (n_rows, n_outputs); or the name of a scorer of scikit-learn, such as
        "neg_mean_absolute_error" (:func:`~sklearn.metrics.get_scorer_names` has them).
    greater_is_better : bool, default=True
        False: the score is -score_func. A name implies it.
    response_method : str or sequence of str, default="predict"
        The method of the estimator that is asked, or several, of which the first one
        that it has. A name implies it.
    **kwargs : object
        Further arguments of `score_func`.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y, sample_weight=None)``, for ``scoring=`` of
        `cross_validate`, `GridSearchCV` and others; alone or in a dict of scorers. Its
        `sample_weight` is that of `fit`: one for each sequence, each of its steps, or
        each row of a table.

    Raises
    ------
    ValueError
        For a name together with what it implies.

    See Also
    --------
    sklearn.metrics.make_scorer : For targets that are arrays of one row per sample.

    Notes
    -----
    The washout is that of the fitted estimator of this package, also inside of a
    pipeline, a `TransformedTargetRegressor` or a search. So is ``missing_targets``:
    where it is "ignore", rows in which an output was not observed are left out. Of any
    other estimator, an ensemble for one, all steps count.

    A model with ``initial_state="estimated"`` is asked to predict without the outputs
    of the washout, from which its own `score` begins, and warns of it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from sk_rnn import RNNRegressor
    >>> from sk_rnn.metrics import make_sequence_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.standard_normal((n, 1)) for n in (30, 12, 25, 18)]
    >>> y = [np.cumsum(u, axis=0)[:, 0] for u in X]
    >>> scorer = make_sequence_scorer("neg_mean_absolute_error")
    >>> scorer
    make_sequence_scorer(mean_absolute_error, greater_is_better=False, ...)
    >>> model = RNNRegressor(hidden_layer_sizes=4, washout=5, random_state=0)
    >>> cross_val_score(model, X, y, cv=2, scoring=scorer).shape
    (2,)
    """
    if not isinstance(score_func, str):
        return _SequenceScorer(
            make_scorer(
                score_func,
                greater_is_better=greater_is_better,
                response_method=response_method,
                **kwargs,
            )
        )
    if kwargs or not greater_is_better or response_method != "predict":
        raise ValueError(
            f"The name {score_func!r} says all about the scorer; greater_is_better, "
            "response_method and further arguments go with a function."
        )
    return _SequenceScorer(get_scorer(score_func))


#: Methods that answer for each sequence or step.
RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function")


@dataclass(repr=False)
class _SequenceScorer:
    """A scorer that asks another one about rows: the steps of sequences that count."""

    scorer: Any

    def __call__(self, estimator, X, y, sample_weight=None, **params):
        y, lengths = _rows_of(y, is_list_of_records(unboxed(X)))
        counts = _counts(estimator, X, y)
        if sample_weight is not None:
            weight = _weight_of_rows(sample_weight, y, lengths)
            params["sample_weight"] = weight[counts]
        rows = _RowsOf(estimator, lengths, counts)
        return self.scorer(rows, X, y[counts], **params)

    def __repr__(self):
        return repr(self.scorer).replace("make_scorer", "make_sequence_scorer", 1)

    # ------------------------------------------------------------ metadata routing
    def set_score_request(self, **requests):
        """As that of scikit-learn's scorers."""
        self.scorer.set_score_request(**requests)
        return self

    def get_metadata_routing(self):
        """As that of scikit-learn's scorers."""
        return self.scorer.get_metadata_routing()

    def _accept_sample_weight(self):
        """Asked by scikit-learn where metadata are not routed."""
        return accepts_sample_weight(self.scorer)


class _RowsOf:
    """An estimator whose answers are rows: those of another at the steps that count.

    For all else it is the other.
    """

    def __init__(self, estimator, lengths, counts):
        self._estimator, self._lengths, self._counts = estimator, lengths, counts

    def __sklearn_tags__(self):
        return get_tags(self._estimator)

    def __getattr__(self, name):
        found = getattr(self._estimator, name)
        if name not in RESPONSES:
            return found

        @wraps(found)
        def answer(X):
            rows, lengths = _rows_of(found(X), True)
            if lengths != self._lengths or len(rows) != len(self._counts):
                raise ValueError(
                    f"y and {name} do not fit together: y has "
                    f"{_told(self._counts, self._lengths)}, {name} gives "
                    f"{_told(rows, lengths)}."
                )
            return rows[self._counts]

        return answer


def _weight_of_rows(weight, y, lengths):
    """A weight for each row, of one for each sequence, or for each of its steps."""
    weight = unboxed(weight)
    if lengths is not None:
        check_consistent_length(lengths, weight)
        if any(map(np.iterable, weight)):
            shapes = [np.shape(part) for part in weight]
            if shapes != [(n,) for n in lengths]:
                raise ValueError(
                    "sample_weight must hold one number per sequence, or one for each "
                    f"of its steps; got arrays of shapes {few(shapes)} for sequences "
                    f"of {few(lengths)} steps."
                )
            weight = np.concatenate([np.asarray(part) for part in weight])
        else:
            weight = np.repeat(weight, lengths)
    return checked(weight, len(y), float)


def _told(rows, lengths):
    if lengths is None:
        return f"{len(rows)} rows"
    return f"{len(lengths)} sequences of {few(lengths)} steps"


def _rows_of(y, of_list):
    """Targets or answers as rows; lengths of the sequences where each step has one.

    `of_list` says whether a list of arrays holds one for each sequence.
    """
    y = unboxed(y)
    if of_list and isinstance(y, list | tuple):
        parts = [np.asarray(part) for part in y]
        if all(part.ndim for part in parts):
            return np.concatenate(parts), [len(part) for part in parts]
    y = np.asarray(y)
    if y.ndim < 3:
        return y, None
    return y.reshape(-1, *y.shape[2:]), [y.shape[1]] * len(y)


def _counts(estimator, X, y):
    """Which rows of the targets are behind the washout."""
    try:
        outside = unwrap(estimator)
    except TypeError:  # no model of this package inside
        return np.ones(len(y), bool)
    model, counts = outside.model, np.ones(len(y), bool)
    if model.washout:
        records = model._read(outside.transform(X))
        counts = behind_washout(model.washout, records, model._last)
        if len(counts) != len(y):
            raise ValueError(
                f"y has {len(y)} rows of targets; this X takes {len(counts)}."
            )
        if not counts.any():
            raise ValueError("The washout leaves no step that counts: X is too short.")
    if model.missing_targets == "ignore":
        counts &= ~np.isnan(y.reshape(len(y), -1)).any(axis=1)
        if not counts.any():
            raise ValueError("y is missing (NaN) at every step that counts.")
    return counts
