"""Forecasts as a table of pandas, with the index of the time to come."""

import numpy as np

from ..data._index import behind


def future_frame(model, steps, y, more, quantiles, options):
    """Forecasts of tables as a DataFrame.

    Parameters
    ----------
    model : SequenceRegressor
    steps : Continuation
    y : ndarray of shape (n_sequences, n_steps, n_outputs)
    more : list of ndarray
        Standard deviations and quantiles, as wanted.
    quantiles : ndarray or None
    options : Options

    Returns
    -------
    DataFrame
        A column for each output (by its name in y, or else in X), and behind it
        ``name_std`` or ``name_0.1`` for each quantile; before them that of the
        sequences, where there is one.
    """
    X, records = steps.X, steps.records
    if options.return_paths:
        raise ValueError("as_frame=True has no room for paths: return_paths=False.")
    if not (records.is_table and hasattr(X, "iloc")):
        raise ValueError(
            "as_frame=True needs X as a DataFrame in time order (time_axis=0); its "
            "index says what the index of the forecast is."
        )
    import pandas as pd

    names = model._target_names or [str(X.columns[k]) for k in steps.targets]
    n, n_steps, _ = y.shape
    columns = {}
    for k, name in enumerate(names):
        columns[name] = y[..., k]
        if options.return_std:
            columns[f"{name}_std"] = more[0][..., k]
        for j, quantile in enumerate([] if quantiles is None else quantiles):
            columns[f"{name}_{quantile:g}"] = more[-1][..., k, j]
    frame = pd.DataFrame({name: part.reshape(-1) for name, part in columns.items()})
    if records.ids is not None:
        name = model.sequence_column
        if not isinstance(name, str):
            name = X.columns[model._sequence_position()]
        frame.insert(0, name, np.repeat(np.asarray(records.ids), n_steps))
    bounds = zip(records.starts, records.lengths, strict=True)
    parts = [future_labels(X.index[first : first + k], n_steps) for first, k in bounds]
    frame.index = parts[0].append(parts[1:])
    return frame


def future_labels(index, n_steps):
    """The next labels of an index of known frequency."""
    labels = [behind(index, k) for k in range(1, n_steps + 1)]
    if labels[0] is not None and labels[0][0] > index[-1]:
        return labels[0].append(labels[1:])
    if index.dtype.kind in "iuf" and len(index) > 1:
        numbers = np.asarray(index)
        steps = np.diff(numbers.astype(np.result_type(numbers, np.int64)))
        if steps[0] > 0 and np.allclose(steps, steps[0], atol=0):
            import pandas as pd

            step = steps[0] if index.dtype.kind != "f" else steps.mean()
            return pd.Index(
                numbers[-1] + step * np.arange(1, n_steps + 1), name=index.name
            )
    raise ValueError(
        "as_frame=True needs an index with a known frequency: dates, periods or "
        "numbers that rise evenly; X ends with "
        f"{list(map(str, index[-3:]))}."
    )
