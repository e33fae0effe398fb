"""A fitted network is bound to its parameters once; nobody may see that."""

import copy
import gc
import pickle
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest
from estimators import NAMES, make

from sk_rnn import LSTMRegressor
from sk_rnn.layers._inference_pass import KEPT_WALKS, InferencePass

N_SERIES = 256
TABLE = np.random.default_rng(0).standard_normal((60, 2))
TARGET = np.cumsum(TABLE[:, 0]) / 5


def fitted(name="LSTMRegressor", **params):
    return make(name, lags=True, time_axis=0, **params).fit(TABLE, TARGET)


def rows_one_by_one(model, n=20):
    state, found = model.warm_up(TABLE[:30]), []
    for row in TABLE[30 : 30 + n]:
        y, state = model.predict(row[None], state=state, return_state=True)
        found.append(y[0])
    return np.array(found)


@pytest.mark.parametrize("name", NAMES)
def test_another_fit_is_another_model(name):
    model = fitted(name)
    first = rows_one_by_one(model)
    model.fit(TABLE, -TARGET)
    other = rows_one_by_one(model)
    assert not np.allclose(first, other)
    fresh = make(name, lags=True, time_axis=0).fit(TABLE, -TARGET)
    assert np.array_equal(other, rows_one_by_one(fresh))


def test_parameters_put_in_are_those_that_count():
    model = fitted()
    expected = rows_one_by_one(model)
    theta = model._theta
    model._theta = np.zeros_like(theta)
    assert len(set(rows_one_by_one(model))) == 1
    model._theta = theta
    assert np.array_equal(rows_one_by_one(model), expected)


def test_warm_start_leaves_the_parameters_before_it_as_they_were():
    model = fitted(warm_start=True, solver="adam")
    before, values = model._theta, model._theta.copy()
    model.fit(TABLE, TARGET)
    assert np.array_equal(before, values) and not np.array_equal(before, model._theta)


@pytest.mark.parametrize(
    "again", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_copies_have_read_only_parameters_and_predict_the_same(again):
    model = fitted()
    other = again(model)
    assert np.array_equal(rows_one_by_one(other), rows_one_by_one(model))
    for one in (model, other):
        with pytest.raises(ValueError, match="read-only"):
            one._theta[0] = 1


def test_nothing_keeps_a_model_that_is_gone():
    model = fitted()
    model.predict(TABLE)
    gone = weakref.ref(model), weakref.ref(model._theta), weakref.ref(model._network)
    del model
    gc.collect()
    assert [reference() for reference in gone] == [None] * 3


def test_an_estimator_need_not_be_hashable():
    @dataclass(kw_only=True)
    class Own(LSTMRegressor):
        hidden_layer_sizes: int = 3

    with pytest.raises(TypeError, match="unhashable"):
        hash(Own())
    model = Own(time_axis=0, max_iter=2, random_state=0).fit(TABLE, TARGET)
    assert np.isfinite(rows_one_by_one(model)).all()


def test_one_model_predicts_in_several_threads():
    X = np.random.default_rng(1).standard_normal((N_SERIES, 300, 2))
    model = LSTMRegressor(hidden_layer_sizes=16, max_iter=2, random_state=0)
    model.fit(X, -X[..., :1])
    expected = [model.predict(x[None]) for x in X]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns within a pass
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(
                pool.map(lambda k: model.predict(X[[k % N_SERIES]]), range(40))
            )
    finally:
        sys.setswitchinterval(before)
    for k, y in enumerate(found):
        assert np.array_equal(y, expected[k])


@pytest.mark.parametrize("n", [1, 200, 300])
def test_a_pass_leaves_nothing_to_the_next_one(n):
    """Not even where the one before it overflowed."""
    X = np.random.default_rng(1).standard_normal((n, 9, 1))
    params = {"activation": "relu", "recurrence": "residual", "random_state": 0}
    model = make("RNNRegressor", **params).fit(X, -X)
    expected = model.predict(X)
    with suppress(ValueError):  # of outputs that are not finite
        model.predict(np.full((n, 2, 1), 1e308))
    assert np.array_equal(model.predict(X), expected)


def test_the_memory_of_the_last_passes_is_kept():
    """And never that of the first ones for good, so that a stream stays fast."""
    X = np.random.default_rng(1).standard_normal((60, 300, 1))
    model = LSTMRegressor(hidden_layer_sizes=4, max_iter=2, random_state=0)
    model.fit(X, -X)
    passes = []
    bound = InferencePass.__init__

    def watched(self, *arguments):
        passes.append(self)
        bound(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InferencePass, "__init__", watched)
        model = copy.deepcopy(model)
    for n in (*range(20, 50, 2), 1, 1):
        model.predict(X[:n])
    (own,) = passes
    sizes = [walk.n for walk in own.idle]
    assert len(sizes) == KEPT_WALKS
    assert sizes[-1] == 1
    assert sizes.count(1) == 1
