"""The six estimators, small, and real-shaped data in every form they accept."""

import numpy as np

import sk_rnn

NAMES = [name for name in sk_rnn.__all__ if name.endswith("Regressor")]
NETWORKS = [name for name in NAMES if name != "AutoRegressor"]

#: Lags for records without a fixed number of steps.
LAGS = {
    "AutoRegressor": {"n_lags": 2},
    "TDNNRegressor": {"n_lags": 2},
    "NARXRegressor": {"n_input_lags": 2, "n_output_lags": 2},
}


#: As few numbers and iterations as show what is to be seen, and a plain minimisation.
SMALL = {
    **{"hidden_layer_sizes": 4, "max_iter": 15, "random_state": 0},
    **{"alpha": 1e-4, "early_stopping": False},
}


def make(name, *, lags=False, **params):
    """A small estimator; with `lags` where rows have no fixed length."""
    if name != "AutoRegressor":
        params = SMALL | params
    if lags:
        params = LAGS.get(name, {}) | params
    return getattr(sk_rnn, name)(**params)


def filtered(u):
    """A linear system driven by the columns of u."""
    y = np.zeros(len(u))
    for t in range(len(u)):
        y[t] = 0.5 * (y[t - 1] if t else 0) + u[t].sum()
    return y


def forms(n_outputs=1, rng=None):
    """X, y and parameters for each line of the data contract."""
    rng = np.random.default_rng(0) if rng is None else rng

    def outputs(u):
        y = filtered(u)
        return y if n_outputs == 1 else np.stack([y, -2 * y], axis=1)

    cube = rng.standard_normal((12, 6, 2))
    per_step = np.stack([outputs(u) for u in cube])
    records = [rng.standard_normal((n, 2)) for n in (9, 5, 7, 5, 12, 3, 6, 8)]
    table = rng.standard_normal((60, 2))
    ids = np.repeat([3.0, 1.0, 2.0], 20)
    rows = cube.reshape(12, 12)
    cube_y = per_step[..., None] if n_outputs == 1 else per_step
    joined = np.concatenate([outputs(table[k : k + 20]) for k in (0, 20, 40)])
    return {
        "rows": (rows, per_step[:, -1], {"n_channels": 2}),
        "rows, y per step": (rows, cube_y, {"n_channels": 2}),
        "array": (cube, per_step[:, -1], {}),
        "array, y per step": (cube, cube_y, {}),
        "list": (records, np.array([outputs(u)[-1] for u in records]), {"lags": True}),
        "list, y per step": (records, [outputs(u) for u in records], {"lags": True}),
        "table": (table, outputs(table), {"lags": True, "time_axis": 0}),
        "table of records": (
            np.column_stack([table[:, :1], ids, table[:, 1:]]),
            joined,
            {"lags": True, "time_axis": 0, "sequence_column": 1},
        ),
    }
