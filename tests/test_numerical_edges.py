"""Numbers at the edges: huge, tiny, constant, equal, saturating, very many.

A warning of NumPy is a failure in all of them.
"""

import warnings

import numpy as np
import pytest
from estimators import NAMES, NETWORKS, filtered, make
from helpers import assert_near

import sk_rnn
from sk_rnn.estimators import RecurrentRegressor

RECURRENT = [n for n in NAMES if issubclass(getattr(sk_rnn, n), RecurrentRegressor)]
RNG = np.random.default_rng(0)
SERIES = [RNG.standard_normal((n, 2)) for n in (30, 12, 21)]
TARGETS = [filtered(u) for u in SERIES]

each = pytest.mark.parametrize("name", NAMES)


def fitted(name, X=SERIES, y=TARGETS, **params):
    return make(name, lags=True, **params).fit(X, y)


def predicted(name, X=SERIES, y=TARGETS, **params):
    return np.concatenate(fitted(name, X, y, **params).predict(X))


def scaled(parts, factor):
    return [factor * part for part in parts]


# --------------------------------------------------------------------------- scales
@each
@pytest.mark.parametrize("power", [-990, -400, 400, 990])
def test_units_do_not_matter(name, power):
    """A power of two changes no digit of the data."""
    factor = 2.0**power
    found = predicted(name, scaled(SERIES, factor), scaled(TARGETS, factor))
    assert_near(found / factor, predicted(name), 1e-10)


@each
@pytest.mark.parametrize("factor", [1e-300, 1e-12, 1e12, 1e300])
def test_units_of_ten(name, factor):
    found = predicted(name, scaled(SERIES, factor), scaled(TARGETS, factor))
    assert_near(found / factor, predicted(name), 1e-3)


@each
@pytest.mark.parametrize("factor", [1e-30, 1e-3, 1e3, 1e15])
def test_units_in_single_precision(name, factor):
    X, y = ([part.astype("f4") for part in parts] for parts in (SERIES, TARGETS))
    small = np.float32(factor)
    found = predicted(name, scaled(X, small), scaled(y, small))
    assert found.dtype == np.float32
    assert_near(found / small, predicted(name), 0.1)


@each
def test_denormal_numbers_beside_others_are_zeros(name):
    tiny = [np.where(np.abs(u) < 1, 1e-310, u) for u in SERIES]
    zeros = [np.where(np.abs(u) < 1, 0, u) for u in SERIES]
    assert_near(predicted(name, tiny), predicted(name, zeros), 1e-6)


@each
def test_a_channel_of_denormal_numbers_alone(name):
    X = [np.column_stack([u, np.where(u[:, 0] > 0, 1e-310, 2e-310)]) for u in SERIES]
    assert np.isfinite(predicted(name, X)).all()


@each
def test_an_offset_much_larger_than_what_varies(name):
    X, y = ([1e8 + part for part in parts] for parts in (SERIES, TARGETS))
    assert_near(predicted(name, X, y) - 1e8, predicted(name), 1e-3)


# --------------------------------------------------------------------- little to learn
@each
@pytest.mark.parametrize("value", [0.0, 3.0, -1e100])
def test_constant_targets(name, value):
    """They have no unit to be measured in, and are learnt as if it were 1."""
    found = predicted(name, y=[np.full(len(u), value) for u in SERIES])
    np.testing.assert_allclose(found, value, rtol=1e-12, atol=0.05)


@each
def test_constant_inputs_leave_the_mean(name):
    """Steps that nothing tells apart but where they are in their sequence."""
    X = [np.full((20, 1), 7.0)] * 4
    y = [np.full(20, float(k)) for k in range(4)]
    assert_near(fitted(name, X, y).predict(X)[0][-5:], np.full(5, 1.5), 0.2)


@each
def test_a_channel_that_is_there_twice(name):
    twice = [np.column_stack([u, u]) for u in SERIES]
    model = (
        fitted(name, twice, max_iter=200) if name in NETWORKS else fitted(name, twice)
    )
    assert model.score(twice, TARGETS) > 0.9


@each
def test_lags_that_repeat_each_other(name):
    """A pure sine: three lags of it are linearly dependent, to rounding."""
    t = np.arange(200.0)
    X, y = [np.sin(0.1 * t)[:, None]], [np.sin(0.1 * (t + 1))]
    params = {"washout": 5}
    if name not in RECURRENT:
        params["n_input_lags" if name == "NARXRegressor" else "n_lags"] = 12
    if name in NETWORKS:
        params["max_iter"] = 200
    model = make(name, lags=True, **params).fit(X, y)
    assert_near(model.predict(X)[0][20:], y[0][20:], 0.1)


@each
def test_an_outlier(name):
    X = [u.copy() for u in SERIES]
    X[0][3, 1] = 1e9
    found = fitted(name, X).predict(X)
    assert np.isfinite(np.concatenate(found)).all()


# ------------------------------------------------------------------ far and saturated
@each
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_gates_that_saturate(name, dtype):
    """Inputs ten million times those of the training drive every gate to its end."""
    X = [u.astype(dtype) for u in SERIES]
    far = [1e7 * u for u in X]
    model = fitted(name, X)
    found = np.concatenate(model.predict(far))
    assert found.dtype == dtype and np.isfinite(found).all()
    if name in RECURRENT:
        assert np.abs(found).max() < 100 * np.abs(np.concatenate(TARGETS)).max()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "lm"])
def test_training_goes_on_from_saturated_units(name, solver):
    """Where all derivatives vanish nothing can be learnt, and nothing breaks."""
    X = [1e6 * u for u in SERIES]
    model = fitted(name, X, standardize=False, solver=solver)
    assert np.isfinite(model.loss_curve_).all()
    assert np.isfinite(np.concatenate(model.predict(X))).all()


@each
def test_twenty_thousand_steps(name):
    x = RNG.standard_normal((20_000, 1))
    model = fitted(name, [x[:200]], [filtered(x[:200])])
    whole = model.predict([x])[0]
    assert np.isfinite(whole).all()
    first, state = model.predict([x[:7001]], return_state=True)
    second = model.predict([x[7001:]], state=state)
    assert_near(np.concatenate([first[0], second[0]]), whole, 1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_rate_that_is_far_too_large_repeats_and_ends_finite(name):
    def run():
        model = make(name, lags=True, solver="adam", learning_rate_init=1e3)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            model.fit(SERIES, TARGETS)
        return np.concatenate(model.predict(SERIES)), model.loss_curve_

    (first, curve), (second, again) = run(), run()
    assert np.isfinite(first).all() and curve == again
    np.testing.assert_array_equal(first, second)
