"""What an answer must not depend on, and what it must be."""

from dataclasses import replace

import numpy as np
import pytest
from cases import cases
from counting import holds_for
from helpers import assert_near
from hypothesis import assume
from hypothesis import strategies as st
from reference import predicted
from shapes import form, kinds_for, memories_for

# The advice that models give is not the matter here; NumPy's warnings fail a test.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def fitted(case, **more):
    X, y, weight = case.data
    return case.make(**more).fit(X, y, weight)


def drawn_form(data, case, tables):
    kind = data.draw(st.sampled_from(kinds_for(case, tables)))
    return form(case, kind, data.draw(st.sampled_from(memories_for(case))))


def may_be_table(case):
    return not (case.last or case.needs_row)


# ------------------------------------------------------------------------ of the form
@holds_for(cases(of_rows=True), st.data(), st.booleans())
def test_the_same_data_in_any_form_is_the_same_answer(case, data, tables):
    assume(may_be_table(case) or not tables)
    one, other = (drawn_form(data, case, tables) for _ in "ab")
    first, second = one.fit(), other.fit()
    assert np.array_equal(first._theta, second._theta)
    found = one.rows(first.predict(one.X))
    assert np.array_equal(found, other.rows(second.predict(other.X)))
    assert found.dtype == case.X[0].dtype
    scores = [m.score(f.X, f.y, f.weight) for m, f in ((first, one), (second, other))]
    assert np.array_equal(*scores, equal_nan=True)


@holds_for(cases(steps=True), st.data())
def test_a_table_of_one_sequence_is_a_list_of_one(case, data):
    case = case.some([case.chosen])
    if not isinstance(case.weight, list):  # rows of a table count 1 in the scale of X
        case.weight = None
    assume(may_be_table(case))
    table = drawn_form(data, case, True)
    one, other = fitted(case), table.fit()
    assert np.array_equal(one._theta, other._theta)
    found = table.rows(other.predict(table.X))
    assert np.array_equal(found, table.rows(one.predict(case.X)))


# ------------------------------------------------------------------- of the equations
@holds_for(cases(of_rows=True), st.data())
def test_predictions_are_the_equations(case, data):
    """In any form; rows of a table that were seen in `fit` start afresh."""
    own = drawn_form(data, case, may_be_table(case) and data.draw(st.booleans()))
    model = own.fit()
    expected = predicted(model, case.X)
    assume(np.abs(np.concatenate(expected)).max() < 1e6)  # of a free run
    if case.last:
        expected = [part[-1:] for part in expected]
    found = own.rows(model.predict(own.X))
    assert_near(found, np.concatenate(expected), case.tolerance())


# ------------------------------------------------------------- of order and repetition
@holds_for(cases())
def test_weight_is_repetition_in_any_order(case):
    """Weight 0 is absence, and without weights the order alone is another."""
    again = repeated(case)
    one, other = fitted(case), fitted(again)
    if case.name == "AutoRegressor":  # which sums the sequences in their order
        found = [np.concatenate(m.predict(case.X), axis=None) for m in (one, other)]
        assert_near(*found, case.tolerance(1e-6))
    else:
        assert np.array_equal(one._theta, other._theta)


def repeated(case):
    """The same in other words: sequences as often as they count, in another order."""
    rng, n = case.rng, len(case.X)
    if case.weight is None:
        return case.some(rng.permutation(n))
    if isinstance(case.weight, list):  # those of steps are shared by two
        twice = case.some([*range(n), *range(n)])
        halves = [w // 2 for w in case.weight]
        rest = [w - half for w, half in zip(case.weight, halves, strict=True)]
        twice.weight = halves + rest
        return twice.some(rng.permutation(2 * n))
    which = np.repeat(np.arange(n), case.weight.astype(int))
    again = case.some(rng.permutation(which))
    again.weight = None
    return again


# -------------------------------------------------------------------- of what is ahead
@holds_for(cases(steps=True), st.data(), st.booleans())
def test_nothing_is_known_of_what_comes_later(case, data, table):
    own = drawn_form(data, case, table and may_be_table(case))
    model = own.fit(**{"carry_state": False})
    cuts = [int(case.rng.integers(0, n)) for n in case.lengths]
    changed = form(other_behind(case, cuts), own.kind)
    expected, found = (own.parts(model.predict(f.X)) for f in (own, changed))
    for one, other, t in zip(expected, found, cuts, strict=True):
        assert np.array_equal(one[:t], other[:t])


def other_behind(case, cuts):
    """The case with other inputs from the cuts on."""
    again = case.some(range(len(case.X)))
    again.X = [x.copy() for x in again.X]
    for x, t in zip(again.X, cuts, strict=True):
        x[t:] = 2 * x[t:] + 1
    return again


@holds_for(cases(["NARXRegressor"], steps=True), st.integers(1, 4))
def test_nothing_is_known_of_what_is_measured_later(case, horizon):
    """A prediction with horizon k knows the outputs up to k steps before."""
    model, rng = fitted(case), case.rng
    y = [part.copy() for part in case.targets]
    before = model.predict_ahead(case.X, y, horizon)
    cuts = [int(rng.integers(0, n)) for n in case.lengths]
    for part, t in zip(y, cuts, strict=True):
        part[t:] = 2 * part[t:] + 1
    after = model.predict_ahead(case.X, y, horizon)
    for one, other, t in zip(before, after, cuts, strict=True):
        assert np.array_equal(one[: t + horizon], other[: t + horizon])


# ----------------------------------------------------------------------- of any cutting
@holds_for(cases())
def test_sequences_do_not_know_of_each_other(case):
    model, n = fitted(case), len(case.X)
    which = case.rng.permutation(n)[: case.rng.integers(1, n + 1)]
    whole = list(model.predict(case.X))
    parts = model.predict([case.X[k] for k in which])
    for k, part in zip(which, parts, strict=True):
        assert_near(part, whole[k], case.tolerance(1e-10))


@holds_for(cases(), st.data(), st.booleans(), st.booleans())
def test_a_sequence_is_any_cutting_of_it(case, data, table, reads):
    """The state is handed on by `predict` or `warm_up`; of a table in any order."""
    table = table and may_be_table(case)
    kind = data.draw(st.sampled_from(kinds_for(case, True) if table else ["list"]))
    model = form(case, kind).fit(carry_state=False)
    order = case.rng.permutation(len(case.X)) if table else range(len(case.X))
    first, rest = in_two(case)
    first, rest = form(first, kind), form(rest, kind, order=order)
    state = model.warm_up(first.X)
    if not reads:
        _, state = model.predict(first.X, return_state=True)
    y, end = model.predict(rest.X, state=state, return_state=True)
    whole = form(case, kind, order=order)
    expected, own_end = model.predict(whole.X, return_state=True)
    tolerance = case.tolerance(1e-10)
    for part, one in zip(rest.parts(y), whole.parts(expected), strict=True):
        assert_near(part, one[len(one) - len(part) :], tolerance)
    seen = dict(zip(end.ids or order, end.n_steps, strict=True))
    assert seen == dict(zip(own_end.ids or order, own_end.n_steps, strict=True))
    ahead = [whole.rows(model.predict(whole.X, state=s)) for s in (end, own_end)]
    assert_near(*ahead, case.tolerance(1e-9))


def in_two(case):
    """Each sequence in two parts, the first of which fills the delay lines."""
    assume(all(n > case.needed for n in case.lengths))
    cuts = [int(case.rng.integers(case.needed, n)) for n in case.lengths]
    pairs = list(zip(case.X, case.y, cuts, strict=True))
    parts = [
        [(x[:t], y[:t]) for x, y, t in pairs],
        [(x[t:], y[t:]) for x, y, t in pairs],
    ]
    return [
        replace(case, X=[x for x, _ in part], y=[y for _, y in part], weight=None)
        for part in parts
    ]


# ---------------------------------------------------------------------- of a forecast
@holds_for(cases(next_values=True), st.integers(1, 3))
def test_a_forecast_is_the_loop_that_users_write(case, n_steps):
    assume(case.params.get("initial_state") != "estimated")
    assume(case.params.get("quantile", 0.5) == 0.5)
    assume(case.name != "NARXRegressor")  # whose past has measured outputs
    model, n_outputs = fitted(case), case.y[0].shape[1]
    future = [case.rng.standard_normal((n_steps, x.shape[1])) for x in case.X]
    history, expected = [x.copy() for x in case.X], []
    for step in range(n_steps):
        y = [np.reshape(p, (-1, n_outputs))[-1] for p in model.predict(history)]
        expected.append(y)
        rows = [part[step : step + 1].copy() for part in future]
        for row, value in zip(rows, y, strict=True):
            row[0, :n_outputs] = value
        history = [np.concatenate(p) for p in zip(history, rows, strict=True)]
        history = [x.astype(case.X[0].dtype) for x in history]
    known = {} if n_outputs == case.X[0].shape[1] else {"X_future": future}
    found = np.array(
        [np.reshape(p, (n_steps, -1)) for p in model.forecast(case.X, n_steps, **known)]
    )
    assert_near(found, np.array(expected).transpose(1, 0, 2), case.tolerance(1e-8))
