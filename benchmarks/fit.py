"""Whole fits through the public API, against the libraries that people use today.

Each section prints a table; name some to run only those. Contenders fit the same data
in turns, and the ratio is their median time over ours. What each of them achieves
stands beside it, so that nobody is fast by doing less.
"""

import copy
import os
import time
import warnings
from functools import partial
from unittest import mock

import numpy as np
from _common import (
    PLAIN,
    Table,
    duration,
    header,
    interleave,
    parser,
    peak_memory,
    peer,
    ratio,
    size,
)
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from sk_rnn import AutoRegressor, LSTMRegressor, NARXRegressor, TDNNRegressor
from sk_rnn.data._dataset import Dataset
from sk_rnn.layers import one_thread
from sk_rnn.training._losses import SquaredError
from sk_rnn.training._objective import Objective

#: All epochs, whatever the loss does.
FOREVER = PLAIN | {"tol": 0.0, "n_iter_no_change": 10**6}


def noisy_waves(n, seed=0, noise=0.1):
    """Two sines of unrelated periods and noise."""
    t = np.arange(n)
    waves = np.sin(0.2 * t) + 0.5 * np.sin(0.31 * t)
    return waves + noise * np.random.default_rng(seed).standard_normal(n)


def windows(n_windows, n_steps, dtype=float):
    """Standardised windows of a series, and the value that follows each."""
    series = noisy_waves(n_windows + n_steps)
    series = ((series - series.mean()) / series.std()).astype(dtype)
    return sliding_window_view(series[:-1], n_steps).copy(), series[n_steps:].copy()


# --------------------------------------------------------------------- LSTM with Adam
def sk_rnn_fit(X, y, n_units, batch_size, n_epochs):
    model = LSTMRegressor(
        hidden_layer_sizes=n_units,
        batch_size=batch_size,
        **FOREVER | {"solver": "adam", "max_iter": n_epochs},
    )
    return model.fit(X, y).predict(X)


def keras_fit(X, y, n_units, batch_size, n_epochs):
    keras = peer("keras")
    keras.utils.clear_session()
    network = keras.Sequential(
        [
            keras.Input((X.shape[1], 1), dtype=X.dtype),
            keras.layers.LSTM(n_units, dtype=X.dtype),
            keras.layers.Dense(1, dtype=X.dtype),
        ]
    )
    network.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0), loss="mse")
    network.fit(X[..., None], y, batch_size, n_epochs, verbose=0)
    return network.predict(X[..., None], verbose=0)[:, 0]


def adam(quick):
    peer("skorch")
    import _torch

    many = _torch.MANY

    def skorch_fit(X, y, *sizes):
        net = _torch.skorch_net(X.dtype, *sizes).fit(X[..., None], y[:, None])
        return net.predict(X[..., None])[:, 0]

    contenders = {
        "sk_rnn": (sk_rnn_fit, many),
        "torch, 1 thread": (_torch.fit, 1),
        f"torch, {many} threads": (_torch.fit, many),
        "skorch, 1 thread": (skorch_fit, 1),
        f"skorch, {many} threads": (skorch_fit, many),
    }
    before = {name: _torch.threads(n) for name, (_, n) in contenders.items()}
    fits = {name: fit for name, (fit, _) in contenders.items()}
    lstm_by_adam(fits, before, quick)


def keras(quick):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    library = peer("keras", optional=True)
    if library is not None:
        name = f"keras on {library.backend.backend()}"
        lstm_by_adam({"sk_rnn": sk_rnn_fit, name: keras_fit}, {}, quick)
        print("Keras builds and traces its graph in every fit, as its wrappers do.\n")


def lstm_by_adam(fits, before, quick):
    """A table of fits, which return their predictions for the training data."""
    n_epochs = 5 if quick else 20
    table = Table(
        f"LSTM, Adam: 1,000 windows of 24 steps, 32 units, {n_epochs} epochs of batches"
        " of 32",
        *("dtype", "fit with".ljust(19), "median", "ratio", "R² on them"),
    )
    for dtype in (np.float32, np.float64):
        X, y = windows(1000, 24, dtype)
        predictions = {}

        def call(name, X=X, y=y, predictions=predictions):
            predictions[name] = fits[name](X, y, 32, 32, n_epochs)

        calls = {name: partial(call, name) for name in fits}
        times = interleave(calls, 3 if quick else 7, before)
        for name, seconds in times.items():
            table.row(
                *(np.dtype(dtype).name, name, duration(seconds)),
                ratio(seconds, times["sk_rnn"]),
                f"{r2_score(y, predictions[name]):.3f}",
            )
    table.end()


def passes(model, X, y):
    """How often a fit goes over all data; the line search of L-BFGS decides."""
    with mock.patch.object(
        Objective, "loss_and_grad", autospec=True, side_effect=Objective.loss_and_grad
    ) as seen:
        model.fit(X, y)
    return seen.call_count or model.n_iter_


def ragged(quick):
    """Records of 5 to 100 steps, as they are and padded with zeros to 100."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 101, 200 if quick else 600)
    parts = np.split(noisy_waves(lengths.sum() + 1), np.cumsum(lengths)[:-1])
    parts[-1] = parts[-1][:-1]
    X = [part[:, None] for part in parts]
    padded = np.zeros((len(X), lengths.max(), 1))
    for row, part in zip(padded, X, strict=True):
        row[len(row) - len(part) :] = part  # in front: the last step stays the last
    table = Table(
        f"LSTM, 32 units, {len(X)} records of 5 to 100 steps",
        *("solver", "target at", "ragged", "passes", "padded", "passes"),
        *("padded / ragged", "per pass"),
    )
    for solver in ("adam", "lbfgs"):
        for where in ("last step", "every step"):
            if where == "last step":
                y = y_padded = np.array([part[-1] ** 2 for part in parts])
            else:
                y, y_padded = [part**2 for part in parts], padded**2
            n_iter = 5 if solver == "adam" else 15
            model = LSTMRegressor(
                hidden_layer_sizes=32,
                batch_size=32,
                **FOREVER | {"solver": solver, "max_iter": n_iter},
            )
            n = [passes(model, X, y), passes(model, padded, y_padded)]
            times = interleave(
                {
                    "ragged": lambda m=model, y=y: m.fit(X, y),
                    "padded": lambda m=model, y=y_padded: m.fit(padded, y),
                },
                1 if quick else 5,
            )
            table.row(
                *(solver, where, duration(times["ragged"]), n[0]),
                *(duration(times["padded"]), n[1]),
                ratio(times["padded"], times["ragged"]),
                ratio(times["padded"] / n[1], times["ragged"] / n[0]),
            )
    table.end(f"Padded steps per step: {ratio(padded.size, lengths.sum())}.")


# ------------------------------------------------------------------------------ L-BFGS
def lbfgs(quick):
    import _torch

    many = _torch.MANY
    table = Table(
        "LSTM, L-BFGS to equal training loss: 1,000 windows of 24 steps, 32 units",
        *("dtype", "start", "loss", "sk_rnn", "iterations"),
        *("torch, 1 thread", f"torch, {many} threads", "evaluations"),
        *("ratio, 1", f"ratio, {many}"),
    )
    before = {"one": _torch.threads(1), "many": _torch.threads(many)}
    for dtype in (np.float32, np.float64):
        X, y = windows(1000, 24, dtype)
        for seed in range(1 if quick else 3):
            model = LSTMRegressor(
                standardize=False,
                warm_start=True,
                random_state=seed,
                **FOREVER | {"alpha": 0.0, "max_iter": 1},
            )
            start = copy.deepcopy(model.fit(X, y))
            model.set_params(max_iter=15 if quick else 60).fit(X, y)
            # A level that is met before the end, where curves are no longer flat.
            target = 1.05 * model.loss_
            n_iter = 1 + int(np.argmax(np.array(model.loss_curve_) <= target))
            counts = set()

            def ours(start=start, n_iter=n_iter, X=X, y=y):
                copy.deepcopy(start).set_params(max_iter=n_iter).fit(X, y)

            def theirs(start=start, target=target, X=X, y=y, counts=counts):
                counts.add(_torch.lbfgs(start.weights_, X, y, target))

            calls = {"sk_rnn": ours, "one": theirs, "many": theirs}
            times = interleave(calls, 1 if quick else 3, before)
            one, many_, mine = times["one"], times["many"], times["sk_rnn"]
            table.row(
                *(np.dtype(dtype).name, seed, f"{target:.2e}", duration(mine), n_iter),
                *(duration(one), duration(many_)),
                " or ".join(str(count or "not met") for count in counts),
                *(ratio(one, mine), ratio(many_, mine)),
            )
    table.end()


# -------------------------------------------------------------------- TDNN and NARX
def feed_forward(title, pairs, quick):
    """Print a table of our fits beside fits of MLPRegressor.

    `pairs` holds for each case a name and the two models, each with X and y.
    """
    table = Table(
        title,
        *("case".ljust(28), "sk_rnn", "R²", "MLPRegressor", "R²"),
        *("ratio", "MLP, BLAS 1 thread", "ratio"),
    )
    for name, (model, X, y), (mlp, Z, z) in pairs:

        def with_one(mlp=mlp, Z=Z, z=z):
            with threadpool_limits(1, user_api="blas"):
                mlp.fit(Z, z)

        times = interleave(
            {
                "sk_rnn": lambda m=model, X=X, y=y: m.fit(X, y),
                "mlp": lambda m=mlp, X=Z, y=z: m.fit(X, y),
                "one": with_one,
            },
            1 if quick else 5,
        )
        ahead = getattr(model, "predict_ahead", None)
        score = r2_score(np.ravel(y), np.ravel(ahead(X, y))) if ahead else None
        score = model.score(X, y) if score is None else score
        table.row(
            *(name, duration(times["sk_rnn"]), f"{score:.4f}"),
            *(duration(times["mlp"]), f"{mlp.score(Z, z):.4f}"),
            ratio(times["mlp"], times["sk_rnn"]),
            *(duration(times["one"]), ratio(times["one"], times["sk_rnn"])),
        )
    table.end("R² of one-step-ahead prediction of the training data.")


def tdnn(quick):
    n_rows, n_lags, n_epochs = 10_000, 19, 5 if quick else 20
    X, y = windows(n_rows, n_lags + 1)
    series = np.concatenate([X[0], y])
    pairs = []
    for solver, activation in (("adam", "relu"), ("adam", "tanh"), ("lbfgs", "tanh")):
        same = FOREVER | dict(
            hidden_layer_sizes=(32,),
            solver=solver,
            activation=activation,
            max_iter=n_epochs,
            random_state=0,
        )
        mlp = MLPRegressor(**same), X[:, ::-1].copy(), y
        pairs.append((f"{solver}, {activation}", (TDNNRegressor(**same), X, y), mlp))
        if solver == "lbfgs":
            model = TDNNRegressor(n_lags=n_lags, time_axis=0, washout=n_lags, **same)
            record = model, series[:-1, None], series[1:]
            pairs.append((f"{solver}, {activation}, one record", record, mlp))
    feed_forward(
        f"TDNN on {n_rows:,} windows of {n_lags + 1} steps, 32 units, "
        f"{n_epochs} epochs of batches of 200 (L-BFGS: iterations)",
        *(pairs, quick),
    )


def plant(n, seed=0, noise=0.02):
    """y_t = y_{t-1} / (1 + y_{t-1}²) + u_{t-1}³, with noise on what is measured.

    Narendra & Parthasarathy, IEEE Trans. Neural Networks 1 (1990), example 3.
    """
    rng = np.random.default_rng(seed)
    u, y = rng.uniform(-1, 1, n), np.zeros(n)
    for t in range(1, n):
        y[t] = y[t - 1] / (1 + y[t - 1] ** 2) + u[t - 1] ** 3
    return u, y + noise * rng.standard_normal(n)


def narx(quick):
    n_records, n_steps, n_lags, n_epochs = 100, 100, 5, 5 if quick else 20
    u, y = (part.reshape(n_records, n_steps) for part in plant(10_000))
    lags = [
        np.pad(part, ((0, 0), (lag, 0)))[:, :n_steps]
        for part, first in ((u, 0), (y, 1))
        for lag in range(first, n_lags + 1)
    ]
    lag_matrix = np.stack(lags, axis=2).reshape(n_records * n_steps, -1)
    pairs = []
    for solver in ("adam", "lbfgs"):
        same = FOREVER | dict(
            hidden_layer_sizes=(32,),
            solver=solver,
            activation="tanh",
            max_iter=n_epochs,
            random_state=0,
        )
        model = NARXRegressor(
            n_input_lags=n_lags, n_output_lags=n_lags, batch_size=2, **same
        )
        mlp = MLPRegressor(batch_size=2 * n_steps, **same)
        pairs.append(
            (solver, (model, u[..., None], y[..., None]), (mlp, lag_matrix, y.ravel()))
        )
    feed_forward(
        f"NARX, teacher-forced: {n_records} records of {n_steps} steps, {n_lags} lags, "
        f"32 units, {n_epochs} epochs of batches of 200 rows (L-BFGS: iterations)",
        *(pairs, quick),
    )


def closed(quick):
    """One gradient of the free run, ours and the same loop in torch."""
    import _torch

    many = _torch.MANY
    table = Table(
        "NARX, closed loop: one gradient, float64",
        *("steps, records, lags, units", "sk_rnn", "torch, 1 thread", "ratio"),
        *(f"torch, {many} threads", "ratio", "difference"),
    )
    before = {"one": _torch.threads(1), "many": _torch.threads(many)}
    cases = [(200, 1, 5, 10), (100, 32, 5, 10), (100, 200, 10, 32), (1000, 1, 10, 32)]
    for n_steps, n_records, n_lags, n_units in cases[: 2 if quick else None]:
        u, y = (part.reshape(n_records, n_steps) for part in plant(n_steps * n_records))
        objective, theta = free_run(u, y, n_lags, n_units)
        ours = partial(objective.loss_and_grad, theta)
        views = objective.network.views
        theirs = partial(_torch.closed_loop(u, y, n_lags, views), theta)
        calls = {"sk_rnn": ours, "one": theirs, "many": theirs}
        with one_thread():  # as in fit
            times = interleave(calls, 3 if quick else 15, before)
        one, many_, mine = times["one"], times["many"], times["sk_rnn"]
        table.row(
            f"{n_steps}, {n_records}, {n_lags}, {n_units}",
            *(duration(mine), duration(one), ratio(one, mine)),
            *(duration(many_), ratio(many_, mine)),
            f"{np.abs(ours()[1] - theirs()).max():.0e}",
        )
    table.end()


def free_run(u, y, n_lags, n_units):
    """What NARXRegressor minimises with feedback="predicted", and a start."""
    n_records, n_steps = u.shape
    model = NARXRegressor(
        hidden_layer_sizes=n_units, n_input_lags=n_lags, n_output_lags=n_lags
    )
    network = model._build(1, 1, None)
    theta = np.zeros(network.size)
    network.initialise(theta, np.random.RandomState(0))
    data = Dataset(
        x=u.reshape(-1, 1),
        starts=np.arange(n_records) * n_steps,
        lengths=np.full(n_records, n_steps),
        y=y.reshape(-1, 1),
        weight=np.ones(y.size),
        last=False,
        skip=np.zeros(n_records, int),
    )
    return Objective(network, SquaredError(), 0.0, data), theta


# ---------------------------------------------------------------------------------- AR
def ar_sk_rnn(n_rows, n_lags):
    series = noisy_waves(n_rows)
    model = AutoRegressor(n_lags=n_lags, time_axis=0)

    def call():
        model.fit(series[:-1, None], series[1:])
        return np.append(model.intercept_, model.lag_coef_)

    return call


def ar_statsmodels(n_rows, n_lags):
    peer("statsmodels")
    from statsmodels.tsa.ar_model import AutoReg

    series = noisy_waves(n_rows)
    return lambda: AutoReg(series, n_lags).fit().params


def ar_linear(n_rows, n_lags):
    series = noisy_waves(n_rows)

    def call():
        lag_matrix = sliding_window_view(series[:-1], n_lags)[:, ::-1]
        model = LinearRegression().fit(lag_matrix, series[n_lags:])
        return np.append(model.intercept_, model.coef_)

    return call


def ar(quick):
    contenders = {
        "sk_rnn": ar_sk_rnn,
        "AutoReg": ar_statsmodels,
        "LinearRegression": ar_linear,
    }
    table = Table(
        "AR: AutoReg of statsmodels and LinearRegression on the lags",
        *("rows".rjust(9), "lags", "fit with".ljust(16), "median", "ratio"),
        *("peak memory", "ratio", "difference"),
    )
    for n_rows in (10**4, 10**5) if quick else (10**4, 10**5, 10**6):
        for n_lags in (10, 50) if quick else (10, 50, 200):
            fits = {name: make(n_rows, n_lags) for name, make in contenders.items()}
            found = {}

            def call(name, fits=fits, found=found):
                found[name] = fits[name]()

            times = interleave(
                {name: partial(call, name) for name in fits}, 1 if quick else 5
            )
            peaks = {
                name: peak_memory(make, n_rows, n_lags)
                for name, make in contenders.items()
            }
            for name, seconds in times.items():
                difference = np.abs(found[name] - found["sk_rnn"]).max()
                table.row(
                    *(f"{n_rows:,}", n_lags, name, duration(seconds)),
                    *(ratio(seconds, times["sk_rnn"]), size(peaks[name])),
                    *(ratio(peaks[name], peaks["sk_rnn"]), f"{difference:.0e}"),
                )
    table.end("Difference: the largest of a coefficient or of the intercept from ours.")


# ---------------------------------------------------------------------- identification
def identify(quick):
    """One record: fit on its beginning, free run over the rest."""
    n_train = 700 if quick else 1500
    u, y = plant(n_train + 500, seed=1)
    U, train, test = u[:, None], slice(n_train), slice(n_train, None)
    table = Table(
        f"NARX on one record: fit to {n_train} steps, free run over the next 500",
        *("model".ljust(31), "fit", "ratio", "free run", "R²"),
    )

    def ours(feedback):
        model = NARXRegressor(
            hidden_layer_sizes=8,
            n_input_lags=2,
            n_output_lags=2,
            feedback=feedback,
            time_axis=0,
            random_state=0,
            **PLAIN,
        )
        return model.fit(U[train], y[train])

    def run_ours(model):
        return model.predict(U[test])

    def fastcan():
        make_narx = __import__("fastcan.narx").narx.make_narx
        model = make_narx(
            U[train],
            y[train],
            n_terms_to_select=8,
            max_delay=2,
            poly_degree=3,
            verbose=0,
        )
        return model.fit(U[train], y[train])

    def sysidentpy():
        from sysidentpy.basis_function import Polynomial
        from sysidentpy.model_structure_selection import FROLS
        from sysidentpy.parameter_estimation import LeastSquares

        model = FROLS(
            ylag=2,
            xlag=2,
            n_terms=8,
            order_selection=False,
            basis_function=Polynomial(degree=3),
            estimator=LeastSquares(),
        )
        return model.fit(X=U[train], y=y[train, None])

    def run_fastcan(model):
        return model.predict(U[test], y_init=y[n_train - 2 : n_train])

    def run_sysidentpy(model):
        later = slice(n_train - model.max_lag, None)
        return model.predict(X=U[later], y=y[later, None])[model.max_lag :, 0]

    contenders = {
        "sk_rnn, 8 units, measured": (partial(ours, "measured"), run_ours),
        "sk_rnn, 8 units, predicted": (partial(ours, "predicted"), run_ours),
        "fastcan, 8 terms of degree 3": (fastcan, run_fastcan),
        "sysidentpy, 8 terms of degree 3": (sysidentpy, run_sysidentpy),
    }
    for library in ("fastcan", "sysidentpy"):
        peer(library)
    fits = {name: fit for name, (fit, _) in contenders.items()}
    times = interleave(fits, 1 if quick else 5)
    for name, (fit, run) in contenders.items():
        model = fit()
        start = time.perf_counter()
        y_pred = run(model)
        seconds = time.perf_counter() - start
        table.row(
            *(name, duration(times[name])),
            ratio(times[name], times["sk_rnn, 8 units, measured"]),
            *(duration(seconds), f"{r2_score(y[test], y_pred):.4f}"),
        )
    table.end()


# Keras comes last: its libraries and threads stay in the process.
SECTIONS = (adam, ragged, lbfgs, tdnn, narx, closed, ar, identify, keras)


def main():
    names = {section.__name__: section for section in SECTIONS}
    arguments = parser(__doc__)
    arguments.add_argument("sections", nargs="*", help=", ".join(names))
    options = arguments.parse_args()
    for name in options.sections:
        if name not in names:
            arguments.error(f"no section {name!r}: choose from {', '.join(names)}")
    header("Whole fits: peer / sk_rnn")
    warnings.simplefilter("ignore", ConvergenceWarning)  # a number of epochs is given
    for name in options.sections or names:
        names[name](options.quick)


if __name__ == "__main__":
    main()
