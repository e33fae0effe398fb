"""What is held out: validation data of the user, ends of windows, free runs."""

from time import process_time

import numpy as np
import pytest
from estimators import NETWORKS, filtered, forms, make
from sklearn import config_context
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import AutoRegressor, NARXRegressor
from sk_rnn.data._dataset import Dataset
from sk_rnn.data._runs import Runs, find_runs
from sk_rnn.preprocessing import make_windows

each = pytest.mark.parametrize("name", NETWORKS)
each_form = pytest.mark.parametrize("form", forms())
RNG = np.random.default_rng(0)


def other_forms():
    """Other data of the same forms."""
    return forms(rng=np.random.default_rng(1))


def squared_error(y, y_pred):
    parts = zip(y, y_pred, strict=True) if isinstance(y, list) else [(y, y_pred)]
    errors = [np.ravel(a) - np.ravel(b) for a, b in parts]
    return np.mean(np.concatenate(errors) ** 2)


# ---------------------------------------------------------------- data of the user
@each
@each_form
def test_validation_data_is_what_validates(name, form):
    """The lowest validation loss is the error of `predict` on fresh sequences."""
    (X, y, params), (X_val, y_val, _) = forms()[form], other_forms()[form]
    params = params | {"max_iter": 5, "carry_state": False}
    if name == "NARXRegressor":
        params = params | {"feedback": "predicted"}
    model = make(name, early_stopping=True, **params)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    scale = np.std(np.concatenate([np.ravel(part) for part in y]))
    expected = squared_error(y_val, model.predict(X_val)) / scale**2 / 2
    assert np.isclose(min(model.validation_loss_curve_), expected, rtol=1e-6)
    plain = make(name, **params).fit(X, y)  # all of X is trained on
    assert model.loss_curve_ == plain.loss_curve_
    assert model.n_features_in_ == plain.n_features_in_


def test_weights_and_washout_of_validation_data():
    (X, y, params), (X_val, y_val, _) = (f["table"] for f in (forms(), other_forms()))
    weight = np.r_[np.ones(30), np.zeros(30)]
    model = make("GRURegressor", early_stopping=True, washout=5, **params)
    model.set_params(standardize=False, carry_state=False)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    expected = squared_error(y_val[5:30], model.predict(X_val)[5:30]) / 2
    assert np.isclose(min(model.validation_loss_curve_), expected)


def test_weights_of_validation_data_are_repetitions():
    X, y, _ = forms()["rows"]
    X_val, y_val, params = other_forms()["rows"]
    weight = np.arange(12) % 3
    model = make("GRURegressor", early_stopping=True, **params)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    one = model.validation_loss_curve_
    twice = np.repeat(np.arange(12), weight)[::-1]  # in any order
    model.fit(X, y, X_val=X_val[twice], y_val=y_val[twice])
    assert model.validation_loss_curve_ == one


def test_validation_data_may_have_gaps_and_another_dtype():
    X, y, params = forms()["array, y per step"]
    X_val, y_val, _ = other_forms()["array, y per step"]
    y_val[0, :3] = np.nan
    model = make("LSTMRegressor", early_stopping=True, **params)
    with pytest.raises(ValueError, match=r"Input y_val\[0\] contains NaN"):
        model.fit(X, y, X_val=X_val, y_val=y_val)
    model.set_params(missing_targets="ignore")
    model.fit(X.astype(np.float32), y, X_val=X_val[:, :, ::-1][..., ::-1], y_val=y_val)
    assert model.coefs_[0].dtype == model._residuals.values.dtype == np.float32
    error = (y_val - model.predict(X_val))[~np.isnan(y_val)]
    expected = np.mean(error**2) / y.std() ** 2 / 2
    assert np.isclose(min(model.validation_loss_curve_), expected, rtol=1e-3)


X, Y, PARAMS = forms()["array"]
REFUSED = {
    "no y": ({"X_val": X}, "X_val and y_val, both; got no y_val"),
    "no X": ({"y_val": Y}, "got no X_val"),
    "weights alone": ({"sample_weight_val": Y}, "got no X_val and no y_val"),
    "channels": ({"X_val": X[..., :1], "y_val": Y}, r"^X_val has 1 channel.* saw 2"),
    "form": (
        {"X_val": list(X), "y_val": Y},
        "^X_val must have .* a 3-D array; got a",
    ),
    "outputs": ({"X_val": X, "y_val": np.c_[Y, Y]}, r"^y_val has 2 output"),
    "steps": ({"X_val": X, "y_val": X[..., :1]}, r"^y_val has 1 output.* per step"),
    "lengths": ({"X_val": X, "y_val": Y[:3]}, "X_val has 12 sequences, y_val has 3"),
    "NaN": ({"X_val": X * np.nan, "y_val": Y}, "^Input X_val contains NaN"),
    "NaN in y": ({"X_val": X, "y_val": Y * np.nan}, "^Input y_val contains NaN"),
    "text": ({"X_val": X, "y_val": np.array([f"{v}a" for v in Y])}, "y_val"),
    "weights": (
        {"X_val": X, "y_val": Y, "sample_weight_val": -(Y**2)},
        "sample_weight_val",
    ),
}


@pytest.mark.parametrize("given, message", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_and_leaves_the_estimator_as_it_was(given, message):
    model = make("GRURegressor", early_stopping=True, **PARAMS)
    before = dict(vars(model))
    for _ in range(2):  # not fitted, and fitted
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y, **given)
        assert vars(model) == before
        before = dict(vars(model.fit(X, Y)))


def test_rows_are_refused_by_their_columns():
    model = make("GRURegressor", early_stopping=True)
    rows, table = X.reshape(12, -1), forms()["table"]
    with pytest.raises(ValueError, match="^X_val has 11 features"):
        model.fit(rows, Y, X_val=rows[:, 1:], y_val=Y)
    with pytest.raises(ValueError, match=r"^X_val is 2-D.*\[X_val\]"):
        model.fit(X, Y, X_val=table[0], y_val=table[1])
    model.set_params(n_channels=2)
    with pytest.raises(ValueError, match="rows are sequences; got a 3-D array"):
        model.fit(rows, Y, X_val=X, y_val=Y)
    model = make("TDNNRegressor", n_lags=3, time_axis=0, early_stopping=True)
    with pytest.raises(ValueError, match="^X_val has n_samples=3 step"):
        model.fit(*table[:2], X_val=table[0][:3], y_val=table[1][:3])


def test_validation_data_needs_early_stopping():
    model = make("GRURegressor")
    with pytest.raises(ValueError, match="set early_stopping=True"):
        model.fit(X, Y, X_val=X, y_val=Y)
    with pytest.raises(TypeError, match="X_val"):
        AutoRegressor().fit(X, Y, X_val=X, y_val=Y)


def test_names_of_validation_data():
    pd = pytest.importorskip("pandas")
    x, y, params = forms(2)["table"]
    X, y = pd.DataFrame(x, columns=["X", "b"]), pd.DataFrame(y, columns=["p", "q"])
    model = make("GRURegressor", early_stopping=True, **params)
    model.fit(X, y, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="columns of y_val, .*'q', 'p'"):
        model.fit(X, y, X_val=X, y_val=y[["q", "p"]])
    with pytest.raises(ValueError, match="feature names should match"):
        model.fit(X, y, X_val=X[["b", "X"]], y_val=y)
    text = X.assign(X="a")
    with pytest.raises(ValueError, match="Column 'X' of X_val holds text"):
        model.fit(X, y, X_val=text, y_val=y)
    shuffled = X.sample(frac=1, random_state=0)
    with pytest.warns(UserWarning, match="The rows of X_val are not consecutive"):
        model.fit(X, y, X_val=shuffled, y_val=y.loc[shuffled.index])


def test_narx_refuses_gaps_in_y_val_that_it_would_feed_back():
    X, y, params = forms()["table"]
    y_val = np.r_[np.nan, y[1:]]
    model = make("NARXRegressor", early_stopping=True, **params)
    model.set_params(missing_targets="ignore")
    with pytest.raises(ValueError, match="feeds measured outputs back, but y_val is"):
        model.fit(X, y, X_val=X, y_val=y_val)
    model.set_params(feedback="predicted").fit(X, y, X_val=X, y_val=y_val)


def test_validation_data_is_routed_and_transformed_in_a_pipeline():
    X, y, _ = forms()["rows"]
    X_val, y_val, _ = other_forms()["rows"]
    X_val = 3 + 2 * X_val
    model = make("GRURegressor", early_stopping=True)
    scaler = StandardScaler().fit(X)
    model.fit(scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val)
    with config_context(enable_metadata_routing=True):
        routed = make("GRURegressor", early_stopping=True)
        routed.set_fit_request(X_val=True, y_val=True)
        steps = [("scale", StandardScaler()), ("model", routed)]
        pipe = Pipeline(steps, transform_input=["X_val"])
        pipe.fit(X, y, X_val=X_val, y_val=y_val)
    assert pipe[-1].validation_loss_curve_ == model.validation_loss_curve_


# ------------------------------------------------------------- windows that overlap
def cut(series, n_steps, stride=1):
    return make_windows(series, n_steps, stride=stride)


def test_runs_are_found_with_their_strides():
    series = RNG.standard_normal((60, 2))
    for stride in (1, 2, 4):
        X, _ = cut(series, 5, stride)
        series_of, first = find_runs(X)
        assert (series_of == 0).all()
        assert np.array_equal(first, stride * np.arange(len(X)))


def test_several_series_make_several_runs():
    parts = [RNG.standard_normal(n) for n in (30, 9, 40)]
    X, _ = cut(parts, 6)
    series, first = find_runs(X[..., None])
    assert np.bincount(series).tolist() == [24, 3, 34]
    for k in range(3):
        own = first[series == k]
        assert np.array_equal(own - own[0], np.arange(len(own)))


def test_windows_that_were_dropped_leave_gaps_in_the_run():
    X, _ = cut(RNG.standard_normal(60), 8)
    kept = np.flatnonzero(RNG.uniform(size=len(X)) < 0.8)
    runs = find_runs(X[kept][..., None])
    assert np.array_equal(runs.first, kept - kept[0])


def test_where_a_series_stands_still_the_stride_is_that_of_the_rest():
    series = RNG.standard_normal(120)
    series[50:80] = 1.0
    X, _ = cut(series, 6, stride=3)
    runs = find_runs(X[..., None])
    assert np.array_equal(runs.first, 3 * np.arange(len(X)))


def levels(n, shape):
    return RNG.integers(n, size=shape).astype(float)


NO_RUNS = {
    "random": RNG.standard_normal((50, 6, 1)),
    "bits": levels(2, (200, 3, 1)),
    "bits of two channels": levels(2, (200, 2, 2)),
    "constant": np.ones((50, 6, 2)),
    "constant rows": np.repeat(levels(2, (50, 1, 1)), 6, axis=1),
    "rows that are there twice": np.repeat(RNG.standard_normal((25, 6, 1)), 2, axis=0),
    "one step": np.arange(50.0).reshape(50, 1, 1),
    "one row": RNG.standard_normal((1, 6, 1)),
    "windows that are few among others": np.concatenate(
        [cut(RNG.standard_normal(26), 6)[0], RNG.standard_normal((30, 6))]
    )[..., None],
    "no overlap": RNG.standard_normal((300, 1)).reshape(50, 6, 1),
    "shuffled": RNG.permutation(cut(RNG.standard_normal(60), 6)[0])[..., None],
    "periodic": np.tile(cut(np.tile([1.0, 2, 3], 40), 3)[0][..., None], (1, 2, 1)),
}


@pytest.mark.parametrize("windows", NO_RUNS.values(), ids=NO_RUNS)
def test_what_is_no_run(windows):
    assert find_runs(windows) is None


def test_a_series_of_few_values_is_a_run():
    X, _ = cut(levels(2, 300), 8)
    assert find_runs(X[..., None]).first.tolist() == list(range(len(X)))


def test_few_values_are_no_run_for_any_seed():
    """A fair coin deceives three standard deviations in one of 700."""
    rng = np.random.default_rng(2)
    found = [find_runs(rng.integers(2, size=(40, 3, 1))) for _ in range(300)]
    assert sum(runs is not None for runs in found) <= 3


def test_a_million_steps_take_two_seconds():
    X, _ = cut(RNG.standard_normal(20_000), 50)
    begun = process_time()
    assert find_runs(X[..., None]) is not None
    assert find_runs(RNG.permutation(X)[..., None]) is None
    assert process_time() - begun < 2


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.3])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("horizon", [1, 3, range(1, 4), range(1, 11)], ids=str)
@pytest.mark.parametrize("n_series", [1, 3])
def test_training_windows_share_no_step_with_those_held_out(
    fraction, stride, horizon, n_series, monkeypatch
):
    split = spy_on_the_split(monkeypatch)
    lengths = (150,) if n_series == 1 else (110, 70, 90)
    ends = np.cumsum(lengths)
    # The value of a step tells which it is.
    series = [np.arange(b - a, b) / 1.0 for a, b in zip(lengths, ends, strict=True)]
    X, y = make_windows(series, 7, horizon, stride=stride)
    X, y = X + 0.0, y + 0.0
    model = make("RNNRegressor", early_stopping=True, max_iter=1, standardize=False)
    model.set_params(validation_fraction=fraction).fit(X, y)
    ((whole, training, held),) = split
    assert held.n_sequences == max(1, round(fraction * len(X)))
    x = [part.x[part.starts[:, None] + np.arange(7), 0] for part in (training, held)]
    assert not set(x[0].ravel()) & set(x[1].ravel())
    assert not set(training.y.ravel()) & set(held.y.ravel())
    # No more is left out than has to be, and nothing behind what is held out.
    left_out = whole.n_sequences - training.n_sequences - held.n_sequences
    span = max(7, np.size(horizon))
    assert left_out <= n_series * -(-(span - 1) // stride)
    for a, b in zip(ends - lengths, ends, strict=True):
        inside = [part[(part[:, 0] >= a) & (part[:, 0] < b)] for part in x]
        assert inside[0].max(initial=-1) < inside[1].min(initial=np.inf)


def spy_on_the_split(monkeypatch):
    split, original = [], Dataset.hold_out

    def spy(self, *args):
        split.append((self, *original(self, *args)))
        return split[-1][1:]

    monkeypatch.setattr(Dataset, "hold_out", spy)
    return split


def test_windows_with_a_target_at_each_step(monkeypatch):
    split = spy_on_the_split(monkeypatch)
    series = np.arange(100.0)
    X = np.lib.stride_tricks.sliding_window_view(series[:-1], 6)
    y = np.lib.stride_tricks.sliding_window_view(series[1:], 6)[..., None]
    model = make("RNNRegressor", early_stopping=True, max_iter=1, standardize=False)
    model.fit(X, y)
    _, training, held = split[-1]
    seen = [
        set(part.y[part.starts[:, None] + np.arange(6)].ravel())
        for part in (training, held)
    ]
    assert seen == [set(range(1, 86)), set(range(86, 100))]


def test_a_gap_that_leaves_too_little_is_left_away(monkeypatch):
    split = spy_on_the_split(monkeypatch)
    for n_windows, gap in ((64, 29), (63, 0)):
        X, y = cut(RNG.standard_normal(30 + n_windows), 30)
        make("RNNRegressor", early_stopping=True, max_iter=1).fit(X, y)
        _, training, held = split[-1]
        assert training.n_sequences + held.n_sequences == n_windows - gap
        assert held.n_sequences == 6


def test_runs_split():
    runs = Runs(np.repeat([0, 1], [6, 4]), np.r_[0:6, 0:4] * 2)
    training, held = runs.take(np.arange(10)[::-1]).split(2, 4)
    assert sorted(9 - held) == [5, 9]  # the last of each
    assert sorted(9 - training) == [0, 1, 2, 3, 6, 7]


@each
def test_windows_in_each_layout_are_held_out_alike(name):
    table = RNG.standard_normal((50, 2))
    X, y = make_windows(table, 6, target_columns=0)
    model = make(name, early_stopping=True, max_iter=3)
    curve = model.fit(X, y).validation_loss_curve_
    newest = X[:, ::-1].transpose(0, 2, 1).reshape(len(X), -1)
    model.set_params(
        n_channels=2, lag_order="newest_first", data_format="channels_first"
    )
    assert model.fit(newest, y).validation_loss_curve_ == curve
    model.set_params(validation="random")
    assert model.fit(newest, y).validation_loss_curve_ != curve


def test_weights_and_repeated_windows_keep_the_run(monkeypatch):
    split = spy_on_the_split(monkeypatch)
    X, y = cut(np.arange(60.0), 5)
    weight = np.ones(len(X))
    weight[20:25] = 0
    model = make("RNNRegressor", early_stopping=True, standardize=False, max_iter=1)
    model.fit(X, y, weight)
    _, training, held = split[-1]
    assert sorted(held.y[:, 0]) == [55, 56, 57, 58, 59]
    assert sorted(training.y[:, 0]) == [*range(5, 25), *range(30, 51)]


@pytest.mark.parametrize("form", ["shuffled", "records", "apart"])
def test_other_data_is_held_out_at_random_as_ever(form):
    X, y = cut(RNG.standard_normal(80), 6)
    if form == "shuffled":
        order = RNG.permutation(len(X))
        X, y = X[order], y[order]
    elif form == "apart":
        X, y = X[::6], y[::6]
    else:
        X = list(X[..., None])
    curves = [
        make("GRURegressor", early_stopping=True, max_iter=3, validation=validation)
        .fit(X, y)
        .validation_loss_curve_
        for validation in ("auto", "random")
    ]
    assert curves[0] == curves[1]


# ----------------------------------------------------------------------- free runs
def simulated(n=200, seed=0):
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((n, 1))
    return u, filtered(np.tanh(u)) + 0.3 * rng.standard_normal(n)


@pytest.mark.parametrize("feedback", ["measured", "measured_then_predicted"])
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "lm"])
def test_the_free_run_validates(feedback, solver):
    """The parameters kept are those whose `predict` is best, of both trainings."""
    (X, y), (X_val, y_val) = simulated(), simulated(seed=1)
    model = make("NARXRegressor", lags=True, time_axis=0, early_stopping=True)
    model.set_params(validation="free_run", feedback=feedback, carry_state=False)
    model.set_params(max_iter=12, tol=0, solver=solver, n_output_lags=3)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    expected = squared_error(y_val, model.predict(X_val)) / y.var() / 2
    curve = model.validation_loss_curve_
    assert np.isclose(min(curve), expected)
    assert len(curve) == (12 if feedback == "measured" else 24)
    assert model.restarts_[0]["validation_loss"] == min(curve)


def test_the_free_run_of_one_phase_is_kept_if_the_next_is_worse(monkeypatch):
    (X, y), (X_val, y_val) = simulated(), simulated(seed=1)
    params = {"time_axis": 0, "early_stopping": True, "validation": "free_run"}
    params |= {"tol": 0, "max_iter": 30, "hidden_layer_sizes": 12, "solver": "adam"}
    given = {"X_val": X_val, "y_val": y_val}
    one = make("NARXRegressor", lags=True, **params).fit(X, y, **given)
    params |= {"feedback": "measured_then_predicted"}
    params |= {"learning_rate": "constant", "learning_rate_init": 0.01}
    model = make("NARXRegressor", lags=True, **params)
    model.fit(X, y, **given)
    first = make("NARXRegressor", lags=True, **params | {"feedback": "measured"})
    first.fit(X, y, **given)
    assert model.validation_loss_curve_[:30] == first.validation_loss_curve_
    best = min(model.validation_loss_curve_)
    score = model.restarts_[0]["validation_loss"]
    assert score == best <= min(first.validation_loss_curve_)
    assert one.n_iter_ == 30


def test_the_free_run_without_validation_data_is_that_of_the_last_stretch():
    X, y = simulated()
    model = make("NARXRegressor", lags=True, time_axis=0, early_stopping=True)
    model.set_params(validation="free_run", standardize=False).fit(X, y)
    expected = np.mean((y - model.predict(X))[180:] ** 2) / 2
    assert np.isclose(min(model.validation_loss_curve_), expected)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_a_free_run_that_diverges_is_a_bad_validation_loss(solver):
    """An unstable system is learnt one step ahead, and its free run explodes."""
    y = (1.2 ** np.arange(1, 31) - 1) / 0.2  # y_t = 1.2 y_{t-1} + 1
    X_val, y_val = [np.zeros((300, 1))], [np.ones(300)]
    params = {"n_input_lags": 0, "early_stopping": True, "validation": "free_run"}
    model = NARXRegressor(hidden_layer_sizes=(), alpha=0, random_state=0, **params)
    model.set_params(tol=0, standardize=False, solver=solver, learning_rate_init=0.1)
    model.set_params(max_iter=80)
    model.fit([np.zeros((30, 1))] * 2, [y, y], X_val=X_val, y_val=y_val)
    curve = np.array(model.validation_loss_curve_)
    assert np.isinf(curve[-1]) and not np.isnan(curve).any()
    assert model.loss_curve_[-1] < 1e-2 * model.loss_curve_[0]  # it went on
    if solver == "lbfgs":  # at once: the newest are kept
        assert np.isinf(curve).all() and model.loss_ == model.loss_curve_[-1]
    else:  # after some iterations
        expected = np.mean((model.predict(X_val)[0] - 1) ** 2) / 2
        assert np.isclose(min(curve), expected)


@each
def test_others_have_no_free_run(name):
    model = make(name, validation="free_run")
    if name == "NARXRegressor":
        model.fit(X, Y)  # without early_stopping it means nothing
    else:
        with pytest.raises(ValueError, match="'validation' parameter"):
            model.fit(X, Y)
