"""Transformers of tables, for the channels of sequences."""

from dataclasses import replace
from functools import partial, reduce
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import check_consistent_length, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .._compat import BaseEstimator, TransformerMixin, available_if
from .._typing import ArrayLike, Found
from ..data._arrays import boxed, unboxed
from ..data._records import dims_of, is_list_of_records
from ._sequences import check_alike

Container: TypeAlias = Literal["default", "pandas", "polars"]


def _inner_has(name):
    """Whether the transformer inside has a method."""

    def check(self):
        return hasattr(getattr(self, "transformer_", self.transformer), name)

    return check


class ChannelTransformer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Apply a transformer of tables to the channels of sequences.

    scikit-learn's transformers take tables, whose columns are features. Here all steps
    of all sequences become the rows of one table, whose columns are the channels. The
    transformer learns from them and changes them, and the form of X is given back, so
    that `StandardScaler`, `PowerTransformer`, `PCA`, `SimpleImputer` and others stand
    before an estimator in a pipeline.

    Every step is transformed by itself: the same in any sequence and at any time.

    Parameters
    ----------
    transformer : estimator
        A transformer of 2-D X that gives a row for each row. It stays as it is; a clone
        of it is fitted. Its parameters are searched as ``transformer__...``.

    Attributes
    ----------
    transformer_ : estimator
        The fitted clone.
    n_features_in_ : int
        Number of channels; of a 2-D X, of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X (or each sequence of X) is a DataFrame.

    See Also
    --------
    sklearn.compose.ColumnTransformer : Transformers for some of the channels; it may
        be the `transformer`.

    Notes
    -----
    A 2-D X is handed to the transformer as it is. For a table with ``time_axis=0`` its
    columns are the channels. Where its rows are sequences, its columns are steps, and
    each step is transformed on its own terms: to transform channels, reshape such rows
    to a 3-D X.

    The estimators of this package standardise inside already (``standardize=True``).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from sk_rnn.preprocessing import ChannelTransformer
    >>> X = [np.array([[0.0, 5.0], [10.0, 7.0]]), np.array([[5.0, 9.0]])]
    >>> model = ChannelTransformer(MinMaxScaler())
    >>> for sequence in model.fit_transform(X):
    ...     print(sequence)
    [[0.  0. ]
     [1.  0.5]]
    [[0.5 1. ]]
    """

    def __init__(self, transformer: Any) -> None:
        self.transformer = transformer

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Fit a clone of the transformer to all steps of all sequences.

        Parameters
        ----------
        X : array-like or list of array-like
            Sequences, (n_sequences, n_steps, n_channels) or a list (or 1-D array of
            objects) of (n_steps_i, n_channels); or a table (n_rows, n_columns).
        y : array-like, default=None
            Handed to the transformer with a table; not used with sequences, whose
            targets are not those of single steps.

        Returns
        -------
        self : object
            The transformer itself.

        Raises
        ------
        ValueError
            If the sequences differ in their channels.
        """
        self._fit("fit", X, y)
        return self

    def fit_transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Found:
        """Fit a clone of the transformer, and transform the same X.

        Parameters
        ----------
        X : array-like or list of array-like
            As in `fit`.
        y : array-like, default=None
            As in `fit`.

        Returns
        -------
        X : ndarray, list of ndarray, or what the transformer gives for a table
            As `transform` gives it.
        """
        if hasattr(self.transformer, "fit_transform"):
            return self._fit("fit_transform", X, y)
        return self.fit(X, y).transform(X)

    def _fit(self, method, X, y):
        rows, is_table, restored = _stacked(X)
        transformer = clone(self.transformer)
        out = getattr(transformer, method)(rows, *([y] if is_table else []))
        if method != "fit":
            out = restored(_checked(out, rows, is_table, transformer))
        self._check_channels(X, reset=True)
        self.transformer_ = transformer
        return out

    def transform(self, X: ArrayLike) -> Found:
        """Transform every step of X.

        Parameters
        ----------
        X : array-like or list of array-like
            As in `fit`; the form need not be the same, but the channels.

        Returns
        -------
        X : ndarray, list of ndarray, or what the transformer gives for a table
            In the form of X. After ``set_output(transform="pandas")`` (or "polars") the
            sequences of a list are DataFrames; a 3-D X stays an array.

        Raises
        ------
        ValueError
            If the channels are not those of `fit`, or the transformer gives another
            number of rows than it got, or a sparse matrix for sequences.
        """
        check_is_fitted(self)
        return self._applied("transform", X)

    @available_if(_inner_has("inverse_transform"))
    def inverse_transform(self, X: ArrayLike) -> Found:
        """Undo `transform`, where the transformer can.

        Parameters
        ----------
        X : array-like or list of array-like
            In the form that `transform` gives.

        Returns
        -------
        X : ndarray, list of ndarray, or what the transformer gives for a table
            In the form of X.
        """
        check_is_fitted(self)
        return self._applied("inverse_transform", X)

    @available_if(_inner_has("get_feature_names_out"))
    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> np.ndarray:
        """Get the names of the channels after `transform`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the channels before it.

        Returns
        -------
        names : ndarray of str
            One for each channel.
        """
        check_is_fitted(self)
        return self.transformer_.get_feature_names_out(input_features)

    def set_output(self, *, transform: Container | None = None) -> Self:
        """Set the container that `transform` returns: that of the transformer inside.

        Parameters
        ----------
        transform : {"default", "pandas", "polars", None}, default=None
            See scikit-learn's ``set_output``. None changes nothing.

        Returns
        -------
        self : object
            The transformer itself.
        """
        for one in (self.transformer, getattr(self, "transformer_", None)):
            if transform is not None and one is not None:
                one.set_output(transform=transform)
        return self

    def _applied(self, method, X):
        rows, is_table, restored = _stacked(X)
        out = getattr(self.transformer_, method)(rows)
        if method == "transform":
            self._check_channels(X, reset=False)
        return restored(_checked(out, rows, is_table, self.transformer_))

    def _check_channels(self, X, reset):
        """Set or compare number and names of the channels; all sequences are alike."""
        X = unboxed(X)
        first = X[0] if is_list_of_records(X) or dims_of(X) == 3 else X
        validate_data(self, first, reset=reset, skip_check_array=True)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "transformer_")

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.transformer)
        tags.input_tags = replace(inner.input_tags, three_d_array=True)
        tags.target_tags.required = inner.target_tags.required
        tags.non_deterministic = inner.non_deterministic
        return tags


def _stacked(X):
    """All steps as rows; whether X is a table; and what gives rows the form of X."""
    parts = unboxed(X)
    if is_list_of_records(parts):
        ends = np.cumsum([len(part) for part in parts])
        rows = _joined(parts)
        return rows, False, partial(_cut, ends=ends, as_array=parts is not X)
    if dims_of(parts) == 3:
        cube = np.asarray(parts)
        rows = cube.reshape(-1, cube.shape[2])
        return rows, False, lambda out: np.asarray(out).reshape(*cube.shape[:2], -1)
    return X, True, lambda out: out


def _joined(parts):
    """The rows of all sequences: a DataFrame, if all are."""
    for i, part in enumerate(parts):
        if np.ndim(part) != 2 or 0 in np.shape(part):
            raise ValueError(
                f"X is a list of sequences (n_steps_i, n_channels), but X[{i}] has "
                f"shape {np.shape(part)}."
            )
    check_alike(parts)
    if all(hasattr(part, "iloc") for part in parts):
        import pandas as pd

        return pd.concat(parts)
    if all(hasattr(part, "vstack") for part in parts):  # polars
        return reduce(lambda above, part: above.vstack(part), parts)
    return np.concatenate(parts)


def _cut(rows, ends, as_array):
    """One piece for each sequence."""
    rows = getattr(rows, "iloc", rows)
    parts = [rows[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    return boxed(parts) if as_array else parts


def _checked(out, rows, is_table, transformer):
    """What the transformer made of rows, if it made one of each."""
    try:
        check_consistent_length(rows, out)
    except ValueError as error:
        raise ValueError(
            f"{transformer} changes the number of rows, but must give one for each: "
            f"{error}"
        ) from error
    if issparse(out) and not is_table:
        raise ValueError(
            f"{transformer} gives a sparse matrix, but sequences are dense: set its "
            "sparse_output=False, or the like."
        )
    return out
