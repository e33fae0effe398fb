"""What holds for all estimators, all forms with a target at each step, all solvers."""

import numpy as np
import pytest
from estimators import NAMES, NETWORKS, forms, make
from helpers import assert_near
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_forecast import by_hand, cases, loop

import sk_rnn
from sk_rnn.solvers import SOLVERS

N_PIECES = 3
SHORTEST = 3  # first piece: no more steps than the lags and the step itself
FORMS = ["array, y per step", "list, y per step", "table", "table of records"]
ALL = [("AutoRegressor", None)] + [(n, s) for n in NETWORKS for s in SOLVERS]
#: The solvers with which the other tests do not fit.
OTHERS = [(name, solver) for name, solver in ALL if solver not in (None, "lbfgs")]
each = pytest.mark.parametrize("name, solver", ALL)
with_other_solvers = pytest.mark.parametrize("name, solver", OTHERS)
each_form = pytest.mark.parametrize("form", FORMS)


def solved_by(solver):
    return {} if solver is None else {"solver": solver}


# ------------------------------------------------------------------------ any cutting
def sequences_of(X, form):
    """The sequences of X, one array each."""
    if form == "table":
        return [X]
    if form == "table of records":
        return [X[X[:, 1] == k] for k in dict.fromkeys(X[:, 1].tolist())]
    return list(X)


def in_form(parts, form):
    """Pieces of the sequences as X."""
    return {
        "array, y per step": np.stack,
        "list, y per step": list,
    }.get(form, np.concatenate)(parts)


def outputs_of(y, parts):
    """The outputs of each piece, in the order of the pieces."""
    if isinstance(y, np.ndarray) and y.ndim < 3:
        return np.split(y, np.cumsum([len(part) for part in parts])[:-1])
    return list(y)


def cuttings(lengths, form, rng):
    """Where to cut each sequence; an array is cut through all of them at once."""

    def edges(n):
        inside = rng.choice(np.arange(SHORTEST, n), N_PIECES - 1, replace=False)
        return [0, *sorted(inside.tolist()), n]

    if form == "array, y per step":
        return [edges(lengths[0])] * len(lengths)
    return [edges(n) for n in lengths]


@each
@each_form
@pytest.mark.parametrize("seed", range(2))
def test_a_block_is_any_cutting_of_it(name, solver, form, seed):
    """The state is handed on by `predict` or `warm_up`, in any order of sequences."""
    X, y, params = forms()[form]
    if form == "list, y per step":
        long = [k for k, part in enumerate(X) if len(part) >= SHORTEST + N_PIECES]
        X, y = [X[k] for k in long], [y[k] for k in long]
    params = {"lags": True, "carry_state": False} | params | solved_by(solver)
    model = make(name, **params).fit(X, y)
    whole = sequences_of(X, form)
    y_whole, end = model.predict(in_form(whole, form), return_state=True)
    expected = outputs_of(y_whole, whole)
    rng = np.random.default_rng(seed)
    edges = cuttings([len(part) for part in whole], form, rng)
    state, order = None, np.arange(len(whole))
    for piece in range(N_PIECES):
        if form == "table of records":
            order = rng.permutation(len(whole))
        rows = [slice(*edges[k][piece : piece + 2]) for k in order]
        parts = [whole[k][cut] for k, cut in zip(order, rows, strict=True)]
        before = state
        found, state = model.predict(
            in_form(parts, form), state=before, return_state=True
        )
        if rng.random() < 0.5:
            state = model.warm_up(in_form(parts, form), state=before)
        for k, cut, one in zip(order, rows, outputs_of(found, parts), strict=True):
            assert_near(one, expected[k][cut], 1e-12)
    n_steps = dict(zip(state.ids or order, state.n_steps, strict=True))
    assert n_steps == dict(zip(end.ids or order, end.n_steps, strict=True))
    again = in_form(whole, form)
    one, other = (model.predict(again, state=s) for s in (state, end))
    for a, b in zip(outputs_of(one, whole), outputs_of(other, whole), strict=True):
        assert_near(a, b, 1e-12)


@each
def test_windows_that_follow_each_other_are_one_sequence(name, solver):
    """Rows have a fixed number of steps, and cannot be cut: they are put together."""
    X, y, params = forms()["rows, y per step"]
    cube = forms()["array, y per step"][0]
    params = {"lags": True} | solved_by(solver) | params
    model = make(name, **params).fit(X, y)
    same = make(name, **params | {"n_channels": 1}).fit(cube, y)
    rng, state = np.random.default_rng(0), None
    orders = [rng.permutation(len(X)) for _ in range(3)]
    expected = same.predict(np.concatenate([cube[k] for k in orders], axis=1))
    for k, part in zip(orders, np.split(expected, 3, axis=1), strict=True):
        found, state = model.predict(X[k], state=state, return_state=True)
        assert_near(found, part, 1e-12)


# -------------------------------------------------------------------------- forecasts
@with_other_solvers
@pytest.mark.parametrize("form", [form for form in cases() if form != "rows"])
def test_a_forecast_is_the_loop_that_users_write(name, solver, form):
    X, y, future, params = cases()[form]
    model = make(name, lags=True, solver=solver, **params).fit(X, y)
    ahead = model.forecast(X, 5, future)
    ahead = ahead[..., 0] if form == "array" else ahead
    assert_near(ahead, by_hand(model, form, X, future, 5), 1e-12)


@with_other_solvers
def test_wrappers_are_as_by_hand(name, solver):
    X, y, future, params = cases()["table"]
    X, y, future = X + [0, 9], y + 9, future + [0, 9]
    lags = {"n_output_lags": 0} if name == "NARXRegressor" else {}
    model = make(name, lags=True, carry_state=False, solver=solver, **params | lags)
    estimator = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), model), func=np.log, inverse_func=np.exp
    ).fit(X, y)
    found = sk_rnn.forecast(estimator, X, 5, future)
    assert_near(found, loop(estimator, X, future, 5), 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_pipeline_passes_the_state_on(name):
    X, y, params = forms()["table"]
    params = {"lags": True} | params
    pipe = make_pipeline(StandardScaler(), make(name, **params)).fit(X[:40], y[:40])
    block = pipe.predict(X[40:])
    # The past of a NARX has measured outputs.
    past = pipe[:-1].transform(X[:40]), y[:40] if name == "NARXRegressor" else None
    state, rows = pipe[-1].warm_up(*past), []
    for row in X[40:]:
        y_pred, state = pipe.predict(row[None], state=state, return_state=True)
        rows.append(y_pred[0])
    assert_near(rows, block, 1e-12)
