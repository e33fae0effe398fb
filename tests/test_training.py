"""What happens during a fit: curves, stopping, warm starts, interruptions."""

import pickle
import warnings

import numpy as np
import pytest
from estimators import NETWORKS, filtered, forms, make
from helpers import peak_memory
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score

import sk_rnn
from sk_rnn import NARXRegressor
from sk_rnn._compat import CallbackSupportMixin
from sk_rnn.data._dataset import Dataset
from sk_rnn.estimators._training import Training
from sk_rnn.solvers import SOLVERS
from sk_rnn.training._losses import SquaredError
from sk_rnn.training._objective import Objective

each = pytest.mark.parametrize("name", NETWORKS)
each_solver = pytest.mark.parametrize("solver", SOLVERS)
X = np.random.default_rng(0).standard_normal((40, 6))
Y = np.tanh(X @ 0.7 ** np.arange(6)[::-1])


@each
@each_solver
def test_curves(name, solver):
    model = make(name, solver=solver, max_iter=7, tol=0).fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_) == 7
    assert model.loss_ == model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.validation_loss_curve_ is None
    held = make(name, solver=solver, max_iter=7, tol=0, early_stopping=True).fit(X, Y)
    assert len(held.validation_loss_curve_) == held.n_iter_ == len(held.loss_curve_)
    best = int(np.argmin(held.validation_loss_curve_))
    assert held.loss_ == held.loss_curve_[best]


@each_solver
def test_early_stopping_ends_before_it_overfits(solver):
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(40)  # nothing to learn
    model = make(
        *("TDNNRegressor",),
        **{"solver": solver, "early_stopping": True, "max_iter": 500},
        **{"hidden_layer_sizes": 30, "learning_rate_init": 0.01, "alpha": 0},
        validation_fraction=0.25,
        n_iter_no_change=5,
    ).fit(X, noise)
    assert model.n_iter_ < 500
    best = int(np.argmin(model.validation_loss_curve_))
    n_stalls = 4 if solver == "adam" else 1  # three times the rate falls
    assert best >= model.n_iter_ - 1 - n_stalls * model.n_iter_no_change


@pytest.mark.parametrize("form", ["rows", "list, y per step", "table of records"])
def test_whole_sequences_are_held_out(form, monkeypatch):
    split = []
    original = Dataset.hold_out

    def spy(self, *args):
        split.append((self, *original(self, *args)))
        return split[0][1:]

    monkeypatch.setattr(Dataset, "hold_out", spy)
    x, y, params = forms()[form]
    make("GRURegressor", early_stopping=True, validation_fraction=0.3, **params).fit(
        x, y
    )
    ((whole, training, validation),) = split
    starts = sorted([*training.starts, *validation.starts])
    lengths = training.lengths.sum() + validation.lengths.sum()
    if whole.last:
        lengths, whole_length = len(training.y) + len(validation.y), len(whole.y)
    else:
        assert starts == sorted(whole.starts)
        whole_length = whole.lengths.sum()
    assert lengths == whole_length
    assert validation.n_sequences == max(1, round(0.3 * whole.n_sequences))
    if form == "table of records":
        assert validation.starts.tolist() == [40]  # the last in time


def test_the_last_stretch_of_one_record_is_held_out():
    """What happens in it does not reach the training, even as an input."""
    x, y, params = forms()["table"]
    params |= {"early_stopping": True, "validation_fraction": 0.2, "max_iter": 1}
    params |= {"standardize": False}
    one = make("GRURegressor", **params).fit(x, y)
    other_x, other_y = x.copy(), y.copy()
    other_x[48:], other_y[48:] = 5, -5
    two = make("GRURegressor", **params).fit(other_x, other_y)
    assert one.loss_curve_ == two.loss_curve_
    assert one.validation_loss_curve_ != two.validation_loss_curve_


def test_early_stopping_needs_something_to_hold_out():
    model = make("GRURegressor", early_stopping=True)
    with pytest.raises(ValueError, match="needs more than one sequence"):
        model.fit(X[:1], Y[:1])
    x, y, params = forms()["table"]
    weight = np.r_[np.ones(50), np.zeros(10)]
    model = make("GRURegressor", early_stopping=True, **params)
    with pytest.raises(ValueError, match="validation part .* positive weight"):
        model.fit(x, y, sample_weight=weight)


@each_solver
def test_verbose(solver, capsys):
    model = make("GRURegressor", solver=solver, verbose=True, max_iter=3)
    model.fit(X, Y)
    out = capsys.readouterr().out
    assert out.count("loss = ") == 3 and "Iteration 3" in out
    model.set_params(verbose=False).fit(X, Y)
    assert capsys.readouterr().out == ""


def test_verbose_tells_of_the_validation(capsys):
    make("GRURegressor", verbose=True, early_stopping=True, max_iter=3).fit(X, Y)
    assert capsys.readouterr().out.count("validation loss = ") == 3


@each_solver
def test_a_loss_that_falls_too_slowly_ends_the_training(solver):
    params = {"solver": solver, "tol": 10.0, "n_iter_no_change": 4, "max_iter": 50}
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = make("GRURegressor", **params).fit(X, Y)
    # The first one, and four that do not count as better; of "adam" at four rates.
    assert model.n_iter_ == (17 if solver == "adam" else 5)
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        make("GRURegressor", solver=solver, max_iter=3).fit(X, Y)


@each_solver
def test_max_time(solver):
    model = make("GRURegressor", solver=solver, max_time=1e-9, max_iter=500)
    with pytest.warns(ConvergenceWarning, match="out of time.*max_time"):
        model.fit(X, Y)
    assert model.n_iter_ == 1 and np.isfinite(model.predict(X)).all()
    long = make("GRURegressor", solver=solver, max_time=1e6, max_iter=5).fit(X, Y)
    free = make("GRURegressor", solver=solver, max_iter=5).fit(X, Y)
    assert np.array_equal(long._theta, free._theta)


def test_max_time_is_that_of_the_whole_curriculum():
    model = NARXRegressor(
        n_input_lags=1, feedback="measured_then_predicted", time_axis=0, max_time=1e-9
    )
    with pytest.warns(ConvergenceWarning, match="out of time") as told:
        model.fit(X, Y)
    assert len(told) == 1 and model.n_iter_ == 1


@pytest.mark.parametrize(
    "solver, early_stopping, patience",
    [
        *[("lbfgs", False, 10), ("adam", False, 20), ("lm", False, 10)],
        *[("lbfgs", True, 50), ("adam", True, 20), ("lm", True, 30)],
    ],
)
def test_patience_that_fits_the_solver(solver, early_stopping, patience):
    params = {"solver": solver, "tol": 10.0, "max_iter": 200}
    params |= {"learning_rate": "constant", "early_stopping": early_stopping}
    model = make("GRURegressor", **params).fit(X, Y)
    assert model.n_iter_ == 1 + patience
    same = make("GRURegressor", n_iter_no_change=patience, **params).fit(X, Y)
    assert np.array_equal(model._theta, same._theta)


@pytest.mark.parametrize(
    "n_sequences, size", [(1, 1), (5, 5), (40, 8), (600, 12), (5000, 100), (10**6, 200)]
)
def test_automatic_batch_size(n_sequences, size):
    training = Training(sk_rnn.GRURegressor(), None, None, None, np.inf)
    assert training._batch_size(n_sequences) == size
    training.estimator.set_params(batch_size=500)
    assert training._batch_size(600) == min(500, 600)


def test_a_noisy_end_at_a_constant_rate_is_told_and_an_adaptive_one_is_none():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(40)
    params = {"solver": "adam", "learning_rate_init": 0.1, "max_iter": 1000}
    params |= {"n_iter_no_change": 5, "alpha": 1.0}
    with pytest.warns(ConvergenceWarning, match="at a learning rate that never fell"):
        constant = make("TDNNRegressor", learning_rate="constant", **params)
        constant.fit(X, noise)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adaptive = make("TDNNRegressor", **params).fit(X, noise)
    assert adaptive.loss_ < constant.loss_
    assert constant.loss_ == min(constant.loss_curve_)


def test_clipping_carries_training_past_a_cliff():
    params = {"solver": "adam", "activation": "identity", "max_iter": 20, "tol": 0}
    params |= {"recurrence": "integrator", "learning_rate_init": 1e-3}
    long = 1 + np.random.default_rng(0).standard_normal((20, 200))
    fits = [
        make("RNNRegressor", max_grad_norm=norm, **params).fit(long, long[:, 0])
        for norm in (1e-3, 1.0, None)
    ]
    assert len({model.loss_ for model in fits}) == 3
    assert all(np.isfinite(model.predict(long)).all() for model in fits)


@each
@each_solver
def test_warm_start_goes_on(name, solver):
    model = make(name, solver=solver, max_iter=5, warm_start=True).fit(X, Y)
    theta, scaler = model._theta.copy(), model._y_scaler
    first = model.loss_
    model.fit(X, Y)
    assert model.loss_curve_[0] < first
    assert model._y_scaler is scaler
    assert not np.array_equal(model._theta, theta)
    before = pickle.dumps(model.__dict__)
    with pytest.raises(ValueError, match="2 outputs, but the fitted model has 1"):
        model.fit(X, np.column_stack([Y, Y]))
    model.hidden_layer_sizes = 7
    with pytest.raises(
        ValueError, match=r"Training cannot go on: the fitted model has \d+"
    ):
        model.fit(X, Y)
    model.hidden_layer_sizes = 4
    assert pickle.dumps(model.__dict__) == before


@each
@each_solver
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_seed_is_the_same_fit(name, solver, dtype):
    x = X.astype(dtype)
    fits = [make(name, solver=solver).fit(x, Y) for _ in "ab"]
    assert np.array_equal(fits[0]._theta, fits[1]._theta)
    other = make(name, solver=solver, random_state=1).fit(x, Y)
    assert not np.array_equal(fits[0]._theta, other._theta)


@pytest.mark.parametrize("name", [n for n in NETWORKS if n != "NARXRegressor"])
def test_dropout(name):
    params = {"solver": "adam", "max_iter": 3}
    plain = make(name, **params).fit(X, Y)
    dropped = make(name, **params, dropout=0.5).fit(X, Y)
    again = make(name, **params, dropout=0.5).fit(X, Y)
    assert not np.array_equal(plain._theta, dropped._theta)
    assert np.array_equal(dropped._theta, again._theta)
    assert np.array_equal(dropped.predict(X), dropped.predict(X))


@pytest.mark.parametrize("name", ["RNNRegressor", "GRURegressor", "LSTMRegressor"])
@each_solver
def test_windows_of_long_records(name, solver):
    """A memory of few steps is learnt from windows as from the whole record."""
    u = np.random.default_rng(0).standard_normal((600, 1))
    y = filtered(u)
    params = {"solver": solver, "time_axis": 0, "hidden_layer_sizes": 8}
    params |= {"learning_rate_init": 0.02, "batch_size": 4}
    params["max_iter"] = 20 if solver == "lm" else 150
    model = make(name, bptt_steps=40, **params).fit(u[:500], y[:500])
    assert model.score(u[500:], y[500:]) > 0.9
    params["max_iter"] = 3
    other = make(name, bptt_steps=20, **params).fit(u[:500], y[:500])
    assert not np.array_equal(model._theta, other._theta)
    whole = make(name, bptt_steps=500, **params).fit(u[:500], y[:500])
    free = make(name, **params).fit(u[:500], y[:500])
    assert np.array_equal(whole._theta, free._theta)


def lm_cases():
    rng = np.random.default_rng(0)
    cube = rng.standard_normal((40, 50, 1))
    records = [rng.standard_normal((n, 1)) for n in rng.integers(20, 60, 40)]
    sums = [np.cumsum(u) for u in records]
    long = rng.standard_normal((2000, 1))
    two = "GRURegressor", {"hidden_layer_sizes": (6, 5)}
    return {
        "every step": ("LSTMRegressor", {}, cube, cube.cumsum(1)),
        "three outputs": ("GRURegressor", {}, cube, np.repeat(cube.cumsum(1), 3, 2)),
        "last of ragged": ("LSTMRegressor", {}, records, [s[-1] for s in sums]),
        "one record": ("GRURegressor", {}, [long], [np.cumsum(long)]),
        "two layers": (*two, cube, cube[:, 0]),
        "delays": ("TDNNRegressor", {"n_lags": (5, 5)}, records, sums),
    }


@pytest.mark.parametrize("case", lm_cases())
def test_what_lm_holds_is_known_before(case, monkeypatch):
    name, params, X, y = lm_cases()[case]
    told, count = [], Objective.n_derivatives.fget

    def watched(objective):
        told.append(count(objective))
        return told[0]

    monkeypatch.setattr(Objective, "n_derivatives", property(watched))
    params = {"hidden_layer_sizes": 6} | params
    model = make(name, solver="lm", max_iter=2, **params)
    peak = peak_memory(lambda: model.fit(X, y))
    assert peak < 2 * 8 * told[0] + 10e6
    assert peak > 8 * told[0] / 4


# --------------------------------------------------------------- when things go wrong
def test_training_that_turns_non_finite_keeps_finite_parameters():
    params = {"activation": "identity", "solver": "adam", "learning_rate_init": 1e6}
    long = np.random.default_rng(0).standard_normal((20, 80))
    model = make("RNNRegressor", max_grad_norm=None, max_iter=100, **params)
    with pytest.warns(ConvergenceWarning, match="non-finite"):
        model.fit(long, long[:, 0])
    assert np.isfinite(model._theta).all() and np.isfinite(model.loss_)
    assert np.isfinite(model.predict(long)).all()


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])  # "lm" squares in double
def test_a_start_whose_loss_overflows_is_kept_and_told_once(solver):
    params = {"activation": "identity", "solver": solver, "max_iter": 1}
    x, y = X.astype(np.float32), Y.astype(np.float32)
    model = make("RNNRegressor", warm_start=True, **params).fit(x, y)
    model._theta = start = model._theta * np.float32(1e3)
    with pytest.warns(ConvergenceWarning, match="non-finite") as told:
        model.fit(x, y)
    assert len(told) == 1
    assert np.array_equal(model._theta, start)
    assert not np.isfinite(model.loss_) and model.n_iter_ == 0


@each_solver
def test_an_interrupted_fit_keeps_what_it_reached(solver, monkeypatch):
    """Ctrl-C in the middle of a pass."""
    calls, gradient = [], SquaredError.gradient

    def interrupted_gradient(self, y_pred, y):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return gradient(self, y_pred, y)

    monkeypatch.setattr(SquaredError, "gradient", interrupted_gradient)
    jacobian = Objective.jacobian  # "lm" asks for no gradients

    def interrupted(self, theta):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return jacobian(self, theta)

    monkeypatch.setattr(Objective, "jacobian", interrupted)
    model = make("GRURegressor", solver=solver, max_iter=500, tol=0)
    with pytest.warns(UserWarning, match="interrupted by user after iteration"):
        model.fit(X, Y)
    assert 1 <= model.n_iter_ < 8
    monkeypatch.undo()
    reference = make("GRURegressor", solver=solver, max_iter=model.n_iter_, tol=0)
    assert np.array_equal(model._theta, reference.fit(X, Y)._theta)
    assert np.isfinite(model.predict(X)).all()


def test_a_failing_fit_leaves_the_fitted_estimator(monkeypatch):
    model = make("GRURegressor").fit(X, Y)
    before = pickle.dumps(model.__dict__)
    monkeypatch.setattr(
        "sk_rnn.estimators._training.Monitor.update",
        lambda *a, **b: (_ for _ in ()).throw(OSError("x")),
    )
    with pytest.raises(OSError):
        model.fit(np.ones((3, 2)), np.ones(3))
    assert pickle.dumps(model.__dict__) == before


# -------------------------------------------------------------------------- callbacks
class Stopper:
    """Counts iterations, sees fitted estimators, stops after three."""

    def __init__(self, names):
        self.names, self.scores, self.set_up, self.torn_down = names, [], 0, 0

    def setup(self, estimator, context):
        self.set_up += 1

    def on_fit_task_begin(self, estimator, context):
        self.names.append(context.task_name)

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        if context.task_name == "iteration":
            self.scores.append(fitted_estimator.score(X, y))
        return len(self.scores) == 3

    def teardown(self, estimator, context):
        self.torn_down += 1


needs_callbacks = pytest.mark.skipif(
    not hasattr(CallbackSupportMixin, "set_callbacks"),
    reason="callbacks came with scikit-learn 1.9",
)


@needs_callbacks
@each
@each_solver
def test_callbacks_see_every_iteration_and_may_stop(name, solver):
    stopper = Stopper([])
    model = make(name, solver=solver, max_iter=50, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.set_callbacks(stopper).fit(X, Y)
    assert stopper.names == ["fit", "iteration", "iteration", "iteration"]
    assert model.n_iter_ == 3 and stopper.torn_down == 1
    assert stopper.scores[-1] == pytest.approx(model.score(X, Y), abs=1e-12)


@needs_callbacks
@pytest.mark.parametrize("name", ["AutoRegressor", *NETWORKS])
def test_scoring_monitor(name):
    """scikit-learn's own callback: the training score after every iteration."""
    pytest.importorskip("pandas", reason="it shows its logs as a table")
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="r2")
    model = make(name) if name == "AutoRegressor" else make(name, max_iter=4, tol=0)
    model.set_callbacks(monitor).fit(X, Y)
    scores = monitor.get_logs().data_as_pandas["r2"]
    assert len(scores) == (1 if name == "AutoRegressor" else 5)
    np.testing.assert_allclose(scores.to_numpy()[-1], model.score(X, Y), atol=1e-12)


@needs_callbacks
@each
def test_callbacks_may_go_on_from_a_past(name):
    """As pruners do, which judge each iteration on the rows behind those of fit."""

    class Judge(Stopper):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            if context.task_name == "iteration":
                state = fitted_estimator.warm_up(X[:30], Y[:30])
                self.scores.append(fitted_estimator.score(X[30:], Y[30:], state=state))

    judge = Judge([])
    options = {"solver": "adam", "learning_rate": "cooldown", "tol": 0}
    model = make(name, lags=True, time_axis=0, **options)
    model.set_callbacks(judge).fit(X[:30], Y[:30])
    last = model.score(X[30:], Y[30:], state=model.warm_up(X[:30], Y[:30]))
    assert len(judge.scores) == 15 and len(set(judge.scores)) > 10
    assert last in judge.scores  # the best iteration, not always the last one


@needs_callbacks
def test_callbacks_are_torn_down_after_an_error():
    stopper = Stopper([])
    model = make("GRURegressor").set_callbacks(stopper)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X * np.nan, Y)
    assert stopper.torn_down == stopper.set_up


@needs_callbacks
def test_an_error_in_a_callback_leaves_the_estimator_as_it_was():
    class Failing(Stopper):
        def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
            raise OSError("disk full")

    failing = Failing([])
    model = make("GRURegressor").set_callbacks(failing)
    with pytest.raises(OSError, match="disk full"):
        model.fit(X, Y)
    assert failing.set_up == failing.torn_down == 1
    assert not hasattr(model, "n_iter_")


@needs_callbacks
@pytest.mark.parametrize(
    "feedback", ["measured", "predicted", "measured_then_predicted"]
)
def test_a_progress_bar_counts_all_iterations_of_a_curriculum(feedback, capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    model = NARXRegressor(
        n_input_lags=1, feedback=feedback, time_axis=0, max_iter=4, tol=0, solver="adam"
    )
    model.set_callbacks(ProgressBar()).fit(X, Y)
    assert model.n_iter_ == (8 if "then" in feedback else 4)


@needs_callbacks
def test_a_callback_that_asks_to_stop_ends_the_whole_curriculum():
    model = NARXRegressor(
        n_input_lags=1, feedback="measured_then_predicted", time_axis=0, tol=0
    )
    model.set_callbacks(Stopper([])).fit(X, Y)
    assert model.n_iter_ == 3


def test_ctrl_c_ends_the_whole_curriculum(monkeypatch):
    calls, loss_and_grad = [], Objective.loss_and_grad

    def interrupted(self, theta):
        calls.append(self.network)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return loss_and_grad(self, theta)

    model = NARXRegressor(
        n_input_lags=1, feedback="measured_then_predicted", time_axis=0, tol=0
    )
    monkeypatch.setattr(Objective, "loss_and_grad", interrupted)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, Y)
    assert len(set(calls)) == 1 and model.n_iter_ < 3


def test_warnings_carry_the_line_of_the_caller():
    model = make("GRURegressor", max_iter=1)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(X, Y)
        cross_val_score(model, X, Y, cv=2)
    assert len(told) == 3
    assert {w.filename for w in told} == {__file__}  # not the one that warns


# ----------------------------------------------------------------------------- losses
@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantiles_cover_their_share(quantile):
    """Noise that grows with the input: the quantiles fan out."""
    rng = np.random.default_rng(0)
    u = rng.uniform(0, 1, (1500, 3))
    y = u[:, -1] + (0.2 + u[:, -2]) * rng.standard_normal(1500)
    params = {"loss": "quantile", "quantile": quantile, "max_iter": 300}
    model = make("TDNNRegressor", **params, alpha=0.1).fit(u[:1000], y[:1000])
    below = np.mean(y[1000:] < model.predict(u[1000:]))
    assert below == pytest.approx(quantile, abs=0.05)


@pytest.mark.parametrize("loss", ["huber", "absolute_error"])
def test_robust_losses_shrug_off_outliers(loss):
    rng = np.random.default_rng(0)
    u = rng.standard_normal((400, 4))
    clean = u @ [0.1, 0.2, 0.3, 0.4]
    y = clean + 0.1 * rng.standard_normal(400)
    y[::10] += 20
    params = {"hidden_layer_sizes": (), "max_iter": 500}
    plain = make("TDNNRegressor", **params).fit(u, y)
    robust = make("TDNNRegressor", **params, loss=loss, huber_delta=0.1).fit(u, y)

    def error(model):
        return np.mean((model.predict(u) - clean) ** 2)

    assert error(robust) < 0.1 * error(plain)


# -------------------------------------------------------------------------- forecasts
@pytest.mark.parametrize("name", ["AutoRegressor", *NETWORKS])
def test_forecasts_feed_predictions_back(name):
    """By hand: append each prediction to the history, and predict again."""
    wave = np.sin(0.4 * np.arange(150))
    windows = np.lib.stride_tricks.sliding_window_view(wave[:-1], 12)
    model = make(name, max_iter=60) if name in NETWORKS else make(name)
    model.fit(windows, wave[12:])
    ahead = model.forecast(windows[-3:], 5)
    assert ahead.shape == (3, 5)
    np.testing.assert_allclose(ahead[:, 0], model.predict(windows[-3:]), atol=1e-12)
    records = make(name, lags=True).fit([wave[:-1, None]], [wave[1:]])
    histories = [wave[:40, None], wave[10:31, None]]
    ahead = records.forecast(histories, 4)
    for k in range(4):
        states = None
        if name == "NARXRegressor":
            # What was measured comes back in its history; then what was predicted.
            states = records.warm_up(
                [h[:-1] for h in histories], [h[1:, 0] for h in histories]
            )
        now = histories if states is None else [h[-1:] for h in histories]
        last = np.array([part[-1] for part in records.predict(now, state=states)])
        np.testing.assert_allclose(ahead[:, k], last, atol=1e-9)
        histories = [
            np.vstack([h, [[value]]]) for h, value in zip(histories, last, strict=True)
        ]


@pytest.mark.parametrize("name", ["AutoRegressor", *NETWORKS])
def test_forecasts_of_several_channels(name):
    series = np.cumsum(np.random.default_rng(0).standard_normal((9, 12, 2)), axis=1)
    X, y = series[:, :-1], series[:, -1]
    ahead = make(name).fit(X, y).forecast(X, 3)
    assert ahead.shape == (9, 3, 2) and np.isfinite(ahead).all()
    alone = make(name).fit(X, y).forecast(X[4:5], 3)
    np.testing.assert_allclose(alone, ahead[4:5], atol=1e-9)
    with pytest.raises(ValueError, match=r"2 channel\(s\) and 1 output"):
        make(name).fit(X, y[:, 0]).forecast(X, 3)


@pytest.mark.parametrize("name", ["AutoRegressor", *NETWORKS])
def test_forecasts_of_a_table(name):
    series = np.cumsum(np.random.default_rng(0).standard_normal((60, 2)), axis=0)
    model = make(name, lags=True, time_axis=0).fit(series[:-1], series[1:])
    assert model.forecast(series, 7).shape == (7, 2)
    single = make(name, lags=True, time_axis=0).fit(series[:-1, :1], series[1:, 0])
    assert single.forecast(series[:, :1], 7).shape == (7,)


@each_solver
def test_excursions_of_a_solver_do_not_warn_of_overflow(solver):
    rng = np.random.default_rng(0)
    long = rng.standard_normal((20, 150))
    model = make("RNNRegressor", activation="identity", solver=solver, max_iter=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model.set_params(alpha=0).fit(long, long[:, 0])
    assert np.isfinite(model.loss_)
