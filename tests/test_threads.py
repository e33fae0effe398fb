"""BLAS keeps to one thread, but for large passes, and never gets more than allowed."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sk_rnn import GRURegressor, LSTMRegressor, RNNRegressor
from sk_rnn.layers import one_thread
from sk_rnn.layers._training_pass import TrainingPass
from sk_rnn.numerics import _threads
from sk_rnn.numerics._products import gemm

POOLS = _threads.pools().lib_controllers

pytestmark = pytest.mark.skipif(
    not POOLS, reason="the BLAS of this machine has no threads to be told of"
)

X = np.random.default_rng(0).standard_normal((6, 5, 2))
Y = X.sum(axis=(1, 2))


def numbers():
    return {pool.num_threads for pool in POOLS}


@pytest.fixture
def seen(monkeypatch):
    """Numbers of threads with which products of recurrent layers ran."""
    found = []

    def watched(dtype):
        def product(*arguments):
            found.append(numbers())
            return gemm(dtype)(*arguments)

        return product

    for module in ("_training_pass", "_inference_pass"):
        monkeypatch.setattr(f"sk_rnn.layers.{module}.gemm", watched)
    return found


def fit_and_predict(make=LSTMRegressor, **params):
    model = make(hidden_layer_sizes=4, max_iter=5, random_state=0, **params)
    return model.fit(X, Y).predict(np.repeat(X, 100, axis=0))


@pytest.mark.parametrize("allowed", [1, 3])
def test_small_passes_have_one_thread(seen, allowed):
    with threadpool_limits(allowed, user_api="blas"):
        fit_and_predict()
        assert numbers() == {allowed}
    assert seen
    assert all(number == {1} for number in seen)


@pytest.mark.parametrize("allowed", [1, 3])
def test_large_passes_have_those_that_were_allowed(seen, allowed, monkeypatch):
    monkeypatch.setattr(_threads, "WORTH_A_THREAD", 10)
    with threadpool_limits(allowed, user_api="blas"):
        fit_and_predict()
        assert numbers() == {allowed}
    assert seen
    assert all(number == {allowed} for number in seen)


@pytest.mark.parametrize("make", [LSTMRegressor, GRURegressor, RNNRegressor])
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_the_number_of_threads_changes_nothing(make, solver, monkeypatch):
    expected = fit_and_predict(make, solver=solver)
    monkeypatch.setattr(_threads, "WORTH_A_THREAD", 10)
    with threadpool_limits(3, user_api="blas"):
        found = fit_and_predict(make, solver=solver)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_thread_more_for_so_many_multiplications_more():
    size = _threads.WORTH_A_THREAD
    assert _threads.worth(10 * size) == 1  # nothing is known of what is allowed
    with threadpool_limits(3, user_api="blas"), one_thread():
        found = [_threads.worth(factor * size) for factor in (0, 1, 2, 3, 10)]
    assert found == [1, 1, 2, 3, 3]


def test_an_error_gives_the_threads_back(monkeypatch):
    def fail(*arguments, **keywords):
        raise RuntimeError("here")

    monkeypatch.setattr(TrainingPass, "forward", fail)
    monkeypatch.setattr(_threads, "WORTH_A_THREAD", 10)
    with threadpool_limits(3, user_api="blas"):
        with pytest.raises(RuntimeError, match="here"):
            fit_and_predict()
        assert numbers() == {3}
        assert _threads.worth(10**9) == 1
