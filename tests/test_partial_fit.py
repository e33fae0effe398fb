"""Training block by block: what is carried on, and what a block may be."""

import pickle
import tracemalloc
from copy import deepcopy

import numpy as np
import pytest
from estimators import NETWORKS, forms, make
from helpers import assert_near
from sklearn.base import clone
from sklearn.model_selection import learning_curve
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPRegressor
from test_persistence import types_in
from test_training import needs_callbacks

import sk_rnn
from sk_rnn.layers import Dropout

# What is predicted is only compared.
pytestmark = pytest.mark.filterwarnings("ignore:initial_state='estimated'")

each = pytest.mark.parametrize("name", NETWORKS)
FORMS = list(forms())

#: What a fit of so many epochs does that never stalls, and holds nothing out.
ADAM = {"solver": "adam", "tol": 0.0, "learning_rate_init": 3e-3}


def same(one, other):
    """Whether two models are the same, to the last bit, and came there alike."""
    curves = one.loss_curve_ == other.loss_curve_ and one.n_iter_ == other.n_iter_
    return curves and np.array_equal(one._theta, other._theta)


def series(n, n_channels=2, seed=0):
    """Steps of a driven linear system."""
    u = np.random.default_rng(seed).standard_normal((n, n_channels))
    return u, np.convolve(u.sum(axis=1), 0.6 ** np.arange(9))[:n]


def in_blocks(model, X, y, cuts, **more):
    for rows in np.split(np.arange(len(X)), cuts):
        model.partial_fit(X[rows], y[rows], **more)
    return model


def table(name, **params):
    return make(name, lags=True, time_axis=0, **ADAM | params)


# ------------------------------------------------------------- one block, many times
def assert_one_fit(name, X, y, sample_weight=None, **params):
    params = ADAM | params
    whole = make(name, **params | {"max_iter": 5}).fit(X, y, sample_weight)
    assert np.argmin(whole.loss_curve_) == 4  # fit keeps the best: the last one here
    model = make(name, **params)
    for _ in range(5):
        assert model.partial_fit(X, y, sample_weight) is model
    both = model, whole
    assert same(*both)
    assert (model.loss_, model.alpha_) == (whole.loss_, whole.alpha_)
    assert model.solver_ == "adam" and model.validation_loss_curve_ is None
    one, two = (np.concatenate(list(map(np.ravel, m.predict(X)))) for m in both)
    assert np.array_equal(one, two)


@each
@pytest.mark.parametrize("form", FORMS)
def test_calls_on_one_block_are_the_epochs_of_one_fit(name, form):
    X, y, params = forms()[form]
    assert_one_fit(name, X, y, **params)


@pytest.mark.parametrize(
    "name, params",
    [
        ("GRURegressor", {"dropout": 0.2}),
        ("TDNNRegressor", {"dropout": 0.2, "hidden_layer_sizes": (4, 3)}),
        ("TDNNRegressor", {"skip": "linear"}),
        ("LSTMRegressor", {"skip": "linear", "skip_lags": 2, "bptt_steps": 20}),
        ("GRURegressor", {"initial_state": "learned", "bptt_steps": 12}),
        ("GRURegressor", {"initial_state": "estimated", "washout": 4}),
        ("GRURegressor", {"standardize": "differences", "target_columns": 0}),
        ("TDNNRegressor", {"standardize": "differences", "target_columns": 0}),
        ("NARXRegressor", {"feedback": "predicted"}),
        ("RNNRegressor", {"loss": "huber", "batch_size": 3, "shuffle": False}),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:.*so it is no value of that channel")
def test_so_they_are_with_other_settings(name, params):
    X, y, demanded = forms()["list, y per step"]
    demanded = demanded | {"learning_rate_init": 0.01}
    if params.get("dropout"):  # its losses jump about, and fit keeps the best
        whole = make(name, **ADAM | demanded | params | {"max_iter": 5}).fit(X, y)
        model = make(name, **ADAM | demanded | params)
        for _ in range(5):
            model.partial_fit(X, y)
        assert model.loss_curve_ == whole.loss_curve_
        return
    long = [np.tile(x, (4, 1)) for x in X], [np.tile(part, 4) for part in y]
    assert_one_fit(name, *long, **demanded | params)


def test_a_random_state_that_was_handed_in_is_left_where_fit_began():
    X, y, params = forms()["rows"]
    rng = np.random.RandomState(3)
    settings = ADAM | params
    whole = make("GRURegressor", **settings | {"random_state": deepcopy(rng)})
    model = make("GRURegressor", **settings | {"random_state": rng})
    whole.set_params(max_iter=2).fit(X, y)
    model.partial_fit(X, y)
    left = rng.get_state()[2]
    assert same(model.partial_fit(X, y), whole) and rng.get_state()[2] == left


def test_so_they_are_with_weights_gaps_and_in_single_precision():
    X, y, params = forms(2)["table"]
    X, y = X.astype(np.float32), y.astype(np.float32)
    y[::7, 1] = y[::5] = np.nan
    weight = np.random.default_rng(0).uniform(0, 2, len(X))
    weight[::3] = 0
    more = {"missing_targets": "ignore"} | params
    assert_one_fit("GRURegressor", X, y, weight, **more)
    model = make("GRURegressor", **ADAM | more).partial_fit(X, y, weight)
    # The first block settles the precision.
    model.partial_fit(X.astype(float), y.astype(float))
    assert model._theta.dtype == model._course.m.dtype == np.float32


def test_an_adaptive_rate_falls_as_in_fit():
    X, y, params = forms()["rows"]
    params |= {"tol": 0.2, "n_iter_no_change": 2, "solver": "adam"}
    whole = make("GRURegressor", **params | {"max_iter": 100}).fit(X, y)
    assert whole.n_iter_ > 8
    model = make("GRURegressor", **params)
    for _ in whole.loss_curve_:
        model.partial_fit(X, y)
    assert model.loss_curve_ == whole.loss_curve_ and model._course.n_falls == 3
    for _ in range(5):  # and stays at its smallest
        model.partial_fit(X, y)
    assert model._course.n_falls == 3
    constant = make("GRURegressor", **params | {"learning_rate": "constant"})
    for _ in range(12):
        constant.partial_fit(X, y)
    assert constant._course.n_falls == 0


@pytest.mark.filterwarnings("ignore:Got `batch_size`")  # of MLPRegressor
def test_blocks_take_the_steps_of_scikit_learns_adam():
    X, y, _ = forms(2)["rows"]
    X = X[:, -1:]
    settings = {"alpha": 0.3, "learning_rate_init": 0.01, "shuffle": False}
    settings |= {"hidden_layer_sizes": (5,), "activation": "tanh", "batch_size": 12}
    model = sk_rnn.TDNNRegressor(
        n_lags=0, standardize=False, max_grad_norm=None, max_iter=1, **settings
    )
    mlp = MLPRegressor(solver="adam", max_iter=1, **settings).fit(X, y)
    model.set_params(solver="lbfgs").fit(X, y).set_params(solver="adam")
    del mlp._optimizer
    mlp.coefs_ = [w.copy() for w in model.coefs_]
    mlp.intercepts_ = [b.copy() for b in model.intercepts_]
    for rows in (slice(0, 4), slice(4, 12), slice(0, 8), slice(8, 12)):
        model.partial_fit(X[rows], y[rows])
        mlp.partial_fit(X[rows], y[rows])
    assert model._course.t == 4 and model.n_iter_ == 5
    theirs = [*mlp.coefs_, *mlp.intercepts_]
    for own, their in zip([*model.coefs_, *model.intercepts_], theirs, strict=True):
        assert_near(own, their, 1e-12)


# ------------------------------------------------------- a table that goes on in time
WINDOW = 40  # of which a quarter is warm-up
CUTS = [40, 70, 100, 130]  # where windows end


@pytest.mark.parametrize("name", ["RNNRegressor", "GRURegressor", "LSTMRegressor"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"initial_state": "learned", "washout": 7},
        {"initial_state": "estimated", "washout": 10},
        {"skip_lags": 10, "hidden_layer_sizes": (3, 2)},
    ],
    ids=str,
)
def test_a_table_in_blocks_trains_as_its_windows_do(name, params):
    """To the last bit, where each block is a window and they come in order."""
    X, y = series(160)
    params = params | {"bptt_steps": WINDOW, "standardize": False, "alpha": 0.0}
    params |= {"shuffle": False, "batch_size": 1}
    whole = table(name, **params, max_iter=1).fit(X, y)
    model = in_blocks(table(name, **params), X, y, CUTS)
    assert model._course.t == 5
    assert np.array_equal(model._theta, whole._theta)
    assert model._end.n_steps == (160,)
    larger = in_blocks(table(name, **params), X, y, CUTS[1::2])
    assert np.array_equal(larger._theta, whole._theta)


def assert_goes_on(model, X, y, n_read):
    """The rows behind the first `n_read` are learnt as if those were read once more."""
    afresh = pickle.loads(pickle.dumps(model)).set_params(carry_state=False)
    weight = np.where(np.arange(len(X)) < n_read, 0.0, 1.0)
    afresh.partial_fit(X, y, weight)
    model.partial_fit(X[n_read:], y[n_read:])
    assert_near(model._theta, afresh._theta, 1e-12)
    assert_near(model.loss_curve_[-1], afresh.loss_curve_[-1], 1e-12)


@each
@pytest.mark.parametrize("n_new", [30, 1])
def test_a_block_goes_on_behind_the_one_before(name, n_new):
    """Exactly where all that came before is kept (or all that lags reach)."""
    X, y = series(100)
    model = table(name).partial_fit(X[:50], y[:50])
    for n in (50 + n_new, 50 + 2 * n_new):
        assert_goes_on(model, X[:n], y[:n], n - n_new)
    afresh = table(name, carry_state=False).partial_fit(X[:50], y[:50])
    afresh.partial_fit(X[50 : 50 + n_new], y[50 : 50 + n_new]) if n_new > 2 else None
    assert afresh._end.n_steps[0] < model._end.n_steps[0]


@pytest.mark.parametrize(
    "name, params, n_kept",
    [
        ("TDNNRegressor", {"n_lags": 6}, 6),
        ("TDNNRegressor", {"n_lags": (3, 4), "skip": "linear"}, 7),
        ("TDNNRegressor", {"standardize": "differences", "target_columns": 0}, 3),
        ("NARXRegressor", {"n_input_lags": 1, "n_output_lags": 2}, 125),
        ("NARXRegressor", {"feedback": "predicted"}, 125),
        ("GRURegressor", {"standardize": "differences", "target_columns": 0}, 125),
        ("GRURegressor", {"bptt_steps": 48, "skip_lags": 9, "skip": "linear"}, 12),
        ("LSTMRegressor", {"time_scale": 300}, 300),
        ("LSTMRegressor", {"initial_state": "estimated", "washout": 9}, 9),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:.*so it is no value of that channel")
def test_as_much_is_kept_as_the_model_looks_back(name, params, n_kept):
    X, y = series(400)
    model = in_blocks(table(name, **params), X[:350], y[:350], [5 * 40, 250])
    (end,) = model._trail.ends
    assert np.array_equal(end.rows, X[350 - n_kept : 350])
    assert np.array_equal(end.values[:, 0], y[350 - n_kept : 350])
    if name == "TDNNRegressor" or params.get("feedback") == "measured":
        assert_goes_on(model, X, y, 350)


def test_washout_and_lags_count_from_the_beginning_of_the_sequence():
    X, y = series(60)
    model = table("GRURegressor", washout=8)
    model.partial_fit(X[:10], y[:10])
    assert_goes_on(model, X[:12], y[:12], 10)
    short = table("TDNNRegressor", n_lags=4).partial_fit(X[:5], y[:5])
    short.partial_fit(X[5:6], y[5:6])
    with pytest.raises(ValueError, match=r"1 step\(s\), but the lags reach over 5"):
        table("TDNNRegressor", n_lags=4).partial_fit(X[:1], y[:1])


def panel(parts):
    """A table of stretches (name, first, last) of two series, and its targets."""
    data = {one: series(200, seed=int(one)) for one in (1, 2, 3)}
    X = [np.insert(data[one][0][a:b], 0, one, axis=1) for one, a, b in parts]
    return np.concatenate(X), np.concatenate([data[one][1][a:b] for one, a, b in parts])


@each
def test_sequences_go_on_by_name(name):
    model = table(name, sequence_column=0)
    model.partial_fit(*panel([(1, 0, 30), (2, 0, 20)]))
    afresh = pickle.loads(pickle.dumps(model)).set_params(carry_state=False)
    model.partial_fit(*panel([(3, 0, 10), (1, 30, 40)]))  # one pauses, one is new
    X, y = panel([(3, 0, 10), (1, 0, 40)])
    afresh.partial_fit(X, y, np.r_[np.ones(10), np.zeros(30), np.ones(10)])
    assert_near(model._theta, afresh._theta, 1e-12)
    assert dict(zip(model._end.ids, model._end.n_steps, strict=True)) == {
        **{2: 20, 3: 10, 1: 40}
    }
    assert model._trail.ids == model._end.ids
    model.partial_fit(*panel([(2, 20, 25)]))
    assert dict(zip(model._end.ids, model._end.n_steps, strict=True))[2] == 25


def test_prediction_goes_on_behind_the_last_block():
    X, y = series(300)
    model = in_blocks(table("TDNNRegressor", n_lags=4), X[:200], y[:200], [80, 81, 150])
    state = model.warm_up(X[:200])
    assert np.array_equal(model.predict(X[200:]), model.predict(X[200:], state=state))
    # All rows begin with those of the first block: they follow nothing.
    whole = model.predict(X)
    last = model.predict(X[150:200])
    fresh = model.set_params(carry_state=False)
    assert np.array_equal(whole, fresh.predict(X))
    assert np.array_equal(last, fresh.predict(X[150:200]))


def test_the_state_is_that_of_all_blocks():
    X, y = series(300)
    model = in_blocks(table("GRURegressor", bptt_steps=4), X[:200], y[:200], [100])
    frozen = deepcopy(model).set_params(learning_rate_init=1e-300)
    before = model._theta
    frozen.partial_fit(X[200:], y[200:])
    assert np.array_equal(frozen._theta, before)
    state = model.warm_up(X[200:], state=model._end)
    for own, expected in zip(frozen._end._parts[0], state._parts[0], strict=True):
        assert np.array_equal(own, expected)


def test_the_first_block_begins_a_new_pass():
    X, y = series(90)
    model = in_blocks(table("GRURegressor"), X, y, [30, 60])
    afresh = pickle.loads(pickle.dumps(model)).set_params(carry_state=False)
    model.partial_fit(X[:30], y[:30])
    assert same(model, afresh.partial_fit(X[:30], y[:30]))
    assert model._end.n_steps == (30,)
    assert_goes_on(model, X[:60], y[:60], 30)


def test_whole_sequences_come_again_in_any_order():
    blocks = [panel([(1, 0, 30)]), panel([(2, 0, 20), (3, 0, 25)])]
    model, afresh = (table("LSTMRegressor", sequence_column=0) for _ in "ab")
    afresh.set_params(carry_state=False)
    for k in (0, 1, 1, 0, 1):
        model.partial_fit(*blocks[k])
        afresh.partial_fit(*blocks[k])
    assert same(model, afresh)


def test_rows_that_do_not_follow_are_told():
    pd = pytest.importorskip("pandas")
    walk = np.cumsum(np.random.default_rng(0).standard_normal(100))
    X, y = walk[:-1, None], walk[1:]
    model = table("GRURegressor").partial_fit(X[:40], y[:40])
    model.partial_fit(X[40:60], y[40:60])
    with pytest.warns(UserWarning, match="The model goes on as if X followed"):
        model.partial_fit(X[70:90], y[70:90])
    frame = pd.DataFrame(X, pd.date_range("2024-01-01", periods=99), ["u"])
    model, y = table("GRURegressor"), np.sin(y)
    model.partial_fit(frame[:40], y[:40])
    with pytest.raises(ValueError, match="The index of X begins at 2024-01-31"):
        model.partial_fit(frame[30:60], y[30:60])
    with pytest.warns(UserWarning, match="rows are missing"):
        model.partial_fit(frame[41:60], y[41:60])


# ------------------------------------------------------------ what a block must be like
def bad_blocks():
    X, y = series(40)
    gap, wild = X.copy(), y.copy()
    gap[3, 0], wild[5] = np.nan, np.nan
    return {
        "fewer columns": (X[:, :1], y, "expecting 2 features"),
        "NaN in X": (gap, y, "Input X contains NaN"),
        "NaN in y": (X, wild, "Input y contains NaN"),
        "another length": (X, y[:-1], "inconsistent numbers of samples"),
        "more outputs": (X, np.stack([y, y], 1), r"y has 2 output\(s\) per step"),
        "too large": (X, 1e160 * y, "Training turned non-finite in this block"),
        "a list": ([X], [y], "X must be one 2-D array"),
        "weightless": (X, y, "ample weights (are zero|must contain)"),
    }


@pytest.mark.parametrize("name", ["GRURegressor", "NARXRegressor"])
@pytest.mark.parametrize("case", bad_blocks())
def test_a_block_that_is_refused_leaves_all_as_it_was(name, case):
    X, y = series(120)
    dropout = {"dropout": 0.1} if name == "GRURegressor" else {}
    model = in_blocks(table(name, **dropout), X[:80], y[:80], [50])
    untouched = pickle.loads(pickle.dumps(model))
    bad_X, bad_y, message = bad_blocks()[case]
    weight = np.zeros(40) if case == "weightless" else None
    with pytest.raises((ValueError, TypeError), match=message):
        model.partial_fit(bad_X, bad_y, weight)
    assert np.array_equal(model.predict(X[80:]), untouched.predict(X[80:]))
    for one in (model, untouched):
        one.partial_fit(X[80:], y[80:])
    assert same(model, untouched)
    assert np.array_equal(model.predict(X[:9]), untouched.predict(X[:9]))


def test_a_first_block_that_is_refused_leaves_nothing():
    X, y = series(40)
    model = table("GRURegressor")
    before = dict(vars(model))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.partial_fit(X, y[1:])
    assert vars(model) == before


def test_blocks_are_of_one_form_with_the_same_names():
    pd = pytest.importorskip("pandas")
    rows, last, params = forms(2)["rows"]
    cube = rows.reshape(12, 6, 2)
    model = make("GRURegressor", **ADAM | params).partial_fit(rows, last)
    with pytest.raises(ValueError, match="fit saw, a 2-D array .* got a 3-D array"):
        model.partial_fit(cube, last)
    with pytest.raises(ValueError, match="per step; fit saw 2 per sequence"):
        model.partial_fit(rows, np.zeros((12, 6, 2)))
    model = make("GRURegressor", **ADAM).partial_fit(cube, last)
    model.partial_fit(rows, last)  # the same as rows
    assert model._form == "array"
    with pytest.raises(ValueError, match="X must have the form that fit saw"):
        model.partial_fit(list(cube), last)
    y = pd.DataFrame(last, columns=["p", "q"])
    model = make("GRURegressor", **ADAM).partial_fit(cube, y).partial_fit(cube, last)
    with pytest.raises(ValueError, match=r"y, \['q', 'p'\], are not those"):
        model.partial_fit(cube, y[["q", "p"]])


def test_sequences_of_other_lengths_train_the_lags_of_the_first_block():
    X = np.random.default_rng(0).standard_normal((20, 7, 1))
    model = make("TDNNRegressor", **ADAM).partial_fit(X[:, :4], X.sum(axis=1))
    model.partial_fit(X, X.sum(axis=1))
    assert model.weights_["hidden0.weight"].shape == (4, 4)
    with pytest.raises(ValueError, match="the lags reach over 4"):
        model.partial_fit(X[:, :3], X.sum(axis=1))


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_init": 2}, "n_init=2 is for fit: .* from one start"),
        ({"n_init": 2, "n_ensemble": 2}, "n_init=2 is for fit"),
        ({"early_stopping": True}, "early_stopping=True is for fit: .* nothing out"),
        ({"learning_rate": "cooldown"}, "'cooldown' is for fit: .* without a plan"),
        ({"feedback": "measured_then_predicted"}, "is for fit: .* one way at a time"),
        ({"alpha": -1.0}, "The 'alpha' parameter"),
        ({"hidden_layer_sizes": (2, 2)}, "the fitted model has"),
    ],
    ids=str,
)
def test_settings_that_are_for_fit_are_refused_in_every_call(params, message):
    X, y = series(60)
    model = table("NARXRegressor")
    if "hidden_layer_sizes" not in params:
        with pytest.raises(ValueError, match=message):
            clone(model).set_params(**params).partial_fit(X, y)
    model.partial_fit(X[:30], y[:30])
    before = model._theta
    with pytest.raises(ValueError, match=message):
        model.set_params(**params).partial_fit(X[30:], y[30:])
    assert model._theta is before


def test_as_many_parameters_in_other_places_are_told():
    X, y = series(60, n_channels=1)
    model = table("TDNNRegressor", n_lags=0, hidden_layer_sizes=(4, 8))
    model.partial_fit(X, y).set_params(hidden_layer_sizes=(8, 4), warm_start=True)
    for goes_on in (model.partial_fit, model.fit):
        with pytest.raises(ValueError, match="57 parameters, .* 57, in other places"):
            goes_on(X, y)


@pytest.mark.parametrize("solver", ["lbfgs", "lm"])
def test_solvers_that_need_all_data_have_no_such_method(solver):
    model = make("GRURegressor", solver=solver)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as error:
        model.partial_fit([[0.0]], [0.0])
    assert f"solver={solver!r} needs all data" in str(error.value.__cause__)
    assert not hasattr(sk_rnn.AutoRegressor(), "partial_fit")


def test_settings_may_change_from_block_to_block():
    X, y = series(90)
    model = in_blocks(table("TDNNRegressor"), X[:60], y[:60], [30])
    other = pickle.loads(pickle.dumps(model)).set_params(activation="relu")
    for one in (model, other):
        one.set_params(learning_rate_init=1e-300).partial_fit(X[60:], y[60:])
    assert np.array_equal(model._theta, other._theta)
    assert not np.array_equal(model.predict(X), other.predict(X))


# --------------------------------------------------------------- beside fit, and saved
def test_blocks_go_on_from_a_fit():
    X, y = series(200)
    model = table("GRURegressor", solver="lbfgs", alpha="auto", early_stopping="auto")
    model.fit(X[:100], y[:100])
    theta, alpha, n_iter = model._theta, model.alpha_, model.n_iter_
    scale = model._x_scaler.scale
    model.set_params(solver="adam", learning_rate_init=1e-300)
    model.partial_fit(X[100:150], y[100:150])
    assert np.array_equal(model._theta, theta) and model.alpha_ == alpha
    assert model._x_scaler.scale is scale and model.n_iter_ == n_iter + 1
    assert model._end.n_steps == (150,)  # rows of fit are not kept, its state is
    assert len(model._trail.ends[0].rows) == 50
    assert_goes_on(model.set_params(learning_rate_init=1e-3), X[100:], y[100:], 50)


def test_a_penalty_by_itself_is_1():
    X, y = series(60)
    one = table("GRURegressor", alpha="auto", early_stopping="auto").partial_fit(X, y)
    other = table("GRURegressor", alpha=1.0).partial_fit(X, y)
    assert one.alpha_ == 1.0 and same(one, other)


@pytest.mark.parametrize("warm_start", [False, True])
def test_fit_begins_anew_unless_it_is_warm(warm_start):
    X, y = series(120)
    model = in_blocks(table("GRURegressor", warm_start=warm_start), X, y, [60])
    start, expected = model._theta, table("GRURegressor")
    if warm_start:
        expected = deepcopy(model)
        expected._course = expected._rngs = expected._trail = None
    expected.fit(X, y)
    model.fit(X, y)
    assert np.array_equal(model._theta, expected._theta)
    assert model._trail is None and model._course is None
    assert not np.array_equal(model._theta, start)


@pytest.mark.parametrize(
    "name, params",
    [*((name, {}) for name in NETWORKS), ("GRURegressor", {"dropout": 0.3})],
    ids=str,
)
def test_saved_between_blocks_it_goes_on_alike(name, params):
    X, y = series(150)
    model = in_blocks(table(name, **params), X[:100], y[:100], [50])
    data = pickle.dumps(model)
    again, copy = pickle.loads(data), deepcopy(model)
    for one in (model, again, copy):
        in_blocks(one, X[100:], y[100:], [25])
    assert same(model, again) and same(model, copy)
    assert types_in(data) <= {*sk_rnn.SKOPS_TRUSTED, "builtins.slice"}
    assert clone(model)._course is None and not hasattr(clone(model), "n_iter_")


def test_skops_reads_what_goes_on():
    skops = pytest.importorskip("skops.io", reason="skops is not installed")
    X, y = panel([(1, 0, 40), (2, 0, 30)])
    model = table("GRURegressor", sequence_column=0, dropout=0.2).partial_fit(X, y)
    again = skops.loads(skops.dumps(model), trusted=sk_rnn.SKOPS_TRUSTED)
    for one in (model, again):
        one.partial_fit(*panel([(1, 40, 60)]))
    assert same(model, again)


def test_masks_of_dropout_are_not_those_of_the_block_before():
    X, y = series(60)
    model, seen = table("GRURegressor", dropout=0.5), []
    for _ in range(3):
        model.partial_fit(X, y)
        (layer,) = (la for la in model._network.layers if isinstance(la, Dropout))
        seen.append(deepcopy(layer.rng).uniform())
    assert len(set(seen)) == 3


# ------------------------------------------------------------------------- out of core
def mapped(folder, name, values):
    """Values on the disk, opened for reading."""
    path = folder / name
    np.save(path, values)
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize("form", ["table", "array"])
def test_blocks_of_a_memory_map_are_all_that_is_copied(tmp_path, form):
    X, y = series(120_000)
    if form == "array":
        X, y = X.reshape(6000, 20, 2), y[::20]
    X, y = mapped(tmp_path, "X.npy", X), mapped(tmp_path, "y.npy", y)
    model = make("TDNNRegressor", n_lags=2, time_axis=1 - (form == "table"), **ADAM)
    size = len(X) // 60
    model.partial_fit(X[:size], y[:size])
    tracemalloc.start()
    try:
        for first in range(size, 10 * size, size):
            model.partial_fit(X[first : first + size], y[first : first + size])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 2
    assert all(type(v) is not np.memmap for v in arrays_of(model))


def arrays_of(thing):
    """All arrays that an object holds."""
    if isinstance(thing, np.ndarray):
        yield thing
    elif isinstance(thing, list | tuple):
        for part in thing:
            yield from arrays_of(part)
    elif hasattr(thing, "__dict__"):
        yield from arrays_of(list(vars(thing).values()))


def test_lists_of_memory_maps_are_read(tmp_path):
    X, y, params = forms()["list, y per step"]
    on_disk = [mapped(tmp_path, f"{k}.npy", x) for k, x in enumerate(X)]
    targets = [mapped(tmp_path, f"y{k}.npy", part) for k, part in enumerate(y)]
    one, other = (make("GRURegressor", **params) for _ in "ab")
    assert np.array_equal(one.fit(on_disk, targets)._theta, other.fit(X, y)._theta)
    one, other = (make("GRURegressor", **params) for _ in "ab")
    assert same(one.partial_fit(on_disk, targets), other.partial_fit(X, y))


# -------------------------------------------------------------- what others make of it
@each
def test_meta_estimators_hand_blocks_on(name):
    X, y, params = forms(2)["rows"]
    each_output = MultiOutputRegressor(make(name, **ADAM | params))
    each_output.partial_fit(X[:6], y[:6])
    each_output.partial_fit(X[6:], y[6:])
    alone = make(name, **ADAM | params)
    alone.partial_fit(X[:6], y[:6, 0]).partial_fit(X[6:], y[6:, 0])
    assert same(each_output.estimators_[0], alone)
    sizes, *scores = learning_curve(
        make(name, **ADAM | params),
        *(X, y),
        train_sizes=[3, 6],
        cv=2,
        exploit_incremental_learning=True,
    )
    assert list(sizes) == [3, 6] and np.isfinite(scores).all()


@needs_callbacks
def test_a_callback_hears_of_each_block():
    from sklearn.callback import ScoringMonitor

    X, y = series(90)
    monitor = ScoringMonitor(scoring="r2")
    model = table("GRURegressor").set_callbacks(monitor)
    for rows in (slice(0, 30), slice(30, 60), slice(60, 90)):
        model.partial_fit(X[rows], y[rows])
    assert model.n_iter_ == 3
    quiet = in_blocks(table("GRURegressor"), X, y, [30, 60])
    assert same(model, quiet)


def test_verbose_counts_on_and_time_is_that_of_a_call(capsys):
    X, y = series(90)
    model = table("GRURegressor", verbose=True, bptt_steps=4, batch_size=1)
    in_blocks(model, X[:60], y[:60], [30])
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(", loss")[0] for line in told] == [
        "Iteration 1, Adam",
        "Iteration 2, Adam",
    ]
    t = model._course.t
    with pytest.warns(UserWarning, match="after iteration 3, out of time"):
        model.set_params(max_time=1e-9).partial_fit(X[60:], y[60:])
    assert model._course.t == t + 1
