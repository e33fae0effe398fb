"""Weights of the steps of sequences."""

import numpy as np
import pytest
from estimators import NAMES, forms, make
from helpers import optional
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_score

pd = optional("pandas")

each = pytest.mark.parametrize("name", NAMES)
PER_STEP = ["rows, y per step", "array, y per step", "list, y per step"]
each_form = pytest.mark.parametrize("form", PER_STEP)


def lengths(y):
    return [len(part) for part in y]


def per_step(X, parts):
    """Weights of steps in the form that goes with X."""
    return parts if isinstance(X, list) else np.array(parts)


def random_weights(X, y, seed=0):
    rng = np.random.default_rng(seed)
    return per_step(X, [rng.integers(0, 3, n).astype(float) for n in lengths(y)])


@each
@each_form
def test_equal_weights_of_steps_are_that_of_their_sequence(name, form):
    X, y, params = forms(n_outputs=2)[form]
    weight = np.random.default_rng(0).choice([0, 0.3, 1.0, 2.7], len(X))
    steps = [np.full(n, w) for n, w in zip(lengths(y), weight, strict=True)]
    one = make(name, **params).fit(X, y, weight)
    two = make(name, **params).fit(X, y, per_step(X, steps))
    assert np.array_equal(one._theta, two._theta)
    assert np.array_equal(one._x_scaler.mean, two._x_scaler.mean)
    assert one.score(X, y, weight) == two.score(X, y, per_step(X, steps))


@each
@each_form
def test_washout_is_weight_0_of_the_first_steps(name, form):
    X, y, params = forms()[form]
    steps = [(np.arange(n) >= 2).astype(float) for n in lengths(y)]
    one = make(name, washout=2, **params).fit(X, y)
    two = make(name, **params).fit(X, y, per_step(X, steps))
    assert np.array_equal(one._theta, two._theta)
    assert one.score(X, y) == two.score(X, y, per_step(X, steps))


@each
@each_form
def test_a_step_of_weight_0_is_an_input_without_a_loss(name, form):
    X, y, params = forms()[form]
    X, y = X[:1], y[:1]  # several come in the order of a hash of their values
    weight = np.ones((1, len(y[0])))
    weight[0, ::3] = 0
    dropped = (weight == 0).reshape(np.shape(y))
    wrong = [part + 1e3 * gone for part, gone in zip(y, dropped, strict=True)]
    wrong = wrong if isinstance(y, list) else np.array(wrong)
    if name == "NARXRegressor":  # whose measured outputs are inputs as well
        params = params | {"feedback": "predicted"}
    one = make(name, **params).fit(X, y, weight)
    two = make(name, **params).fit(X, wrong, weight)
    assert np.array_equal(one._theta, two._theta)
    assert not np.array_equal(one._theta, make(name, **params).fit(X, y)._theta)


@each
@pytest.mark.parametrize("form", PER_STEP[1:])
def test_weights_of_steps_are_repetitions(name, form):
    """Sequences that are there twice count the sum of their weights, step by step."""
    X, y, params = forms()[form]
    one, two = random_weights(X, y), random_weights(X, y, 1)
    if isinstance(X, list):
        summed = [a + b for a, b in zip(one, two, strict=True)]
        twice = X + X, y + y, one + two
    else:
        summed = one + two
        twice = np.r_[X, X], np.r_[y, y], np.r_[one, two]
    if name == "AutoRegressor":  # X is standardised before equal samples meet
        params = params | {"standardize": False}
    weighted, repeated = make(name, **params), make(name, **params)
    weighted.fit(X, y, summed), repeated.fit(*twice)
    np.testing.assert_allclose(weighted._theta, repeated._theta, atol=1e-10)


@each
def test_the_fit_minimises_the_weighted_sum(name):
    """Weights of steps of one sequence are those of the rows of a table."""
    X, y, params = forms()["table"]
    weight = np.random.default_rng(0).integers(1, 4, len(X)).astype(float)
    one = make(name, **params).fit(X, y, weight)
    params = {k: v for k, v in params.items() if k != "time_axis"}
    two = make(name, **params).fit([X], [y], [weight])
    np.testing.assert_allclose(one.predict(X, state=None), two.predict([X])[0])


@each
@each_form
def test_score(name, form):
    X, y, params = forms(n_outputs=2)[form]
    model, weight = make(name, **params).fit(X, y), random_weights(X, y)
    expected = r2_score(
        np.concatenate(y),
        np.concatenate(model.predict(X)),
        sample_weight=np.concatenate(weight),
    )
    assert model.score(X, y, weight) == pytest.approx(expected, abs=1e-12)


def test_all_steps_of_a_sequence_count_for_the_mean_of_x_as_its_largest_weight():
    X, y, params = forms()["list, y per step"]
    weight = [np.zeros(n) for n in lengths(y)]
    weight[0][3], weight[2][:] = 2.0, 1.0  # the others leave no trace
    weight[2][0] = 0.0
    model = make("GRURegressor", **params).fit(X, y, weight)
    rows, counts = np.r_[X[0], X[2]], np.repeat([2.0, 1.0], [len(X[0]), len(X[2])])
    mean = np.average(rows, axis=0, weights=counts)
    np.testing.assert_allclose(model._x_scaler.mean, mean, rtol=1e-12)


def test_forms_that_mean_the_same():
    X, y, params = forms()["array, y per step"]
    weight = random_weights(X, y)
    expected = make("GRURegressor", **params).fit(X, y, weight)._theta
    boxed = np.empty(len(weight), object)
    boxed[:] = list(weight)
    for same in (
        weight.tolist(),
        list(weight),
        boxed,
        pd.DataFrame(weight),
        np.asfortranarray(weight),
    ):
        assert np.array_equal(make("GRURegressor").fit(X, y, same)._theta, expected)


def test_cross_validation_splits_them():
    X, y, params = forms()["list, y per step"]
    weight = {"sample_weight": random_weights(X, y)}
    model = make("GRURegressor", **params)
    found = cross_val_score(model, X, y, cv=KFold(2), params=weight)
    model.fit(X[4:], y[4:], weight["sample_weight"][4:])
    assert found[0] == model.score(X[:4], y[:4])


#: name: (form, weight, message)
REFUSED = {
    "one target": ("array", np.ones((12, 6)), "per sequence, 12 in all .*shapes .6,"),
    "one target, list": ("list", [[1.0]] * 8, "need a y with a target at every step"),
    "table": ("table", np.ones((60, 1)), "one number per row, 60 in all; got 60"),
    "steps": ("array, y per step", np.ones((12, 5)), r"its steps, \(12, 6\); got 12"),
    "sequences": ("array, y per step", np.ones((11, 6)), r"\(12, 6\); got 11 elements"),
    "lengths": ("list, y per step", [np.ones(9)] * 8, r"\(n_steps_i,\); got 8 .*\(9,"),
    "mixed": ("list, y per step", [1.0, *[np.ones(9)] * 7], r"shapes \(\), \(9,\)"),
    "3-D": ("array, y per step", np.ones((12, 6, 1)), r"shapes \(6, 1\)"),
    "ragged": ("list, y per step", [[1, [1, 2]]] * 8, "shapes ragged"),
    "negative": ("array, y per step", -np.ones((12, 6)), "[Nn]egative values"),
    "NaN": ("array, y per step", np.full((12, 6), np.nan), "contains NaN"),
    "zero": ("array, y per step", np.zeros((12, 6)), "zero"),
}


@each
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(name, case):
    form, weight, message = REFUSED[case]
    X, y, params = forms()[form]
    model = make(name, **params)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, weight)
    assert not hasattr(model, "_theta")
    with pytest.raises(ValueError, match=message):
        model.fit(X, y).score(X, y, weight)
