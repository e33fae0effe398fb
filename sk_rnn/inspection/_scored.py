"""What was measured beside what is predicted, sequence by sequence."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..estimators._through import unwrap


class Scored(NamedTuple):
    """Targets and predictions of all steps, as `score` compares them.

    Attributes
    ----------
    y_true, y_pred : ndarray of shape (n, n_outputs)
        In units of y as it was handed in.
    x : ndarray of shape (n, n_channels)
        The inputs of these steps, as the model sees them.
    lengths : ndarray of int
        Of the sequences. Single targets of sequences are the steps of one, in order.
    washout : int
        So many first steps of each do not count.
    last : bool
        Whether they are such single targets.
    index : pandas Index or None
        Of the rows of X.
    output_names, input_names : list of str or None
    """

    y_true: np.ndarray
    y_pred: np.ndarray
    x: np.ndarray
    lengths: np.ndarray
    washout: int
    last: bool
    index: Any
    output_names: list[str] | None
    input_names: list[str] | None

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """Cut rows into sequences."""
        return np.split(values, np.cumsum(self.lengths)[:-1])

    def labels(self, first: int, length: int) -> Any:
        """The index of some steps, or None where not every step has a row of it."""
        if self.index is None or len(self.index) != len(self.y_true):
            return None
        return self.index[first : first + length]


def scored(estimator: Any, X: Any, y: Any, horizon: Any, state: Any) -> Scored:
    """Predict as `score` does; or so many steps ahead, where a `horizon` is given."""
    outside = unwrap(estimator)
    model, X = outside.model, outside.transform(X)
    records = model._read(X)
    targets = model._read_known_targets(y, records)
    inner = replace(targets, values=outside.transform_y(targets.values))
    if horizon is None:
        rows = model._scored(records, inner, state)
        y_pred = model._y_scaler.inverse_transform(rows)
    else:
        y_pred = _ahead(model, X, inner, records, horizon, state)
    ends, last = records.starts + records.lengths - 1, targets.last
    return Scored(
        y_true=targets.values.astype(float),
        y_pred=outside.inverse_transform(y_pred).astype(float),
        x=(records.rows[ends] if last else records.rows).astype(float),
        lengths=np.array([len(ends)]) if last else records.lengths,
        washout=0 if last else int(model.washout),
        last=last,
        index=records.index,
        output_names=model._target_names,
        input_names=model._channel_names(),
    )


def _ahead(model, X, targets, records, horizon, state):
    if not hasattr(model, "predict_ahead"):
        raise TypeError(
            f"horizon={horizon!r} needs a NARXRegressor, which predicts ahead from "
            f"measured outputs; got {type(model).__name__}: leave horizon=None."
        )
    y = model._shape(targets.values, records)
    y_pred = model.predict_ahead(X, y, horizon, state=state)
    return model._read_known_targets(y_pred, records).values
