"""BLAS keeps to one thread, but for large passes, and never gets more than allowed."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import local
from types import SimpleNamespace

import numpy as np
import pytest
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from sk_rnn import GRURegressor, LSTMRegressor, RNNRegressor
from sk_rnn.layers import one_thread
from sk_rnn.layers._training_pass import TrainingPass
from sk_rnn.numerics import _threads
from sk_rnn.numerics._compiler import SWITCH
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

    monkeypatch.setattr("sk_rnn.numerics._program.gemm", watched)
    monkeypatch.setenv(SWITCH, "0")  # compiled code calls BLAS itself
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


MANY_ROWS = np.random.default_rng(0).standard_normal((400, 5, 2))


def test_predictions_in_several_threads_give_the_threads_back():
    """Whoever came in second saw one thread, and kept it for the whole process."""
    model = GRURegressor(hidden_layer_sizes=4, max_iter=2, random_state=0)
    with threadpool_limits(3, user_api="blas"):
        model.fit(X, Y)
        expected = model.predict(MANY_ROWS)
        for _ in range(5):
            jobs = (delayed(model.predict)(MANY_ROWS) for _ in range(16))
            for found in Parallel(4, backend="threading")(jobs):
                np.testing.assert_array_equal(found, expected)
            assert numbers() == {3}


def test_who_comes_in_later_leaves_the_others_their_one_thread():
    with threadpool_limits(3, user_api="blas"):
        first, second = one_thread(), one_thread()
        in_thread = ThreadPoolExecutor(1).submit
        with first:
            in_thread(second.__enter__).result()
            with _threads.threads(3):
                assert numbers() == {1}  # the other one must not see three
        assert numbers() == {1}
        with _threads.threads(2):  # alone again
            assert numbers() == {2}
        assert numbers() == {1}
        in_thread(second.__exit__, None, None, None).result()
        assert numbers() == {3}


class PoolOfEachThread:
    """OpenBLAS on OpenMP: each Python thread has a number of its own."""

    internal_api, threading_layer = "openblas", "openmp"

    def __init__(self):
        self.own = local()

    @property
    def num_threads(self):
        return getattr(self.own, "number", 4)

    def set_num_threads(self, number):
        self.own.number = number


def test_a_pool_of_each_python_thread_is_given_back_by_each(monkeypatch):
    pool = PoolOfEachThread()
    controller = SimpleNamespace(lib_controllers=[pool])
    monkeypatch.setattr(_threads, "pools", lambda: controller)
    other = ThreadPoolExecutor(1).submit
    first, second = one_thread(), one_thread()
    with first:
        other(second.__enter__).result()
        assert pool.num_threads == other(lambda: pool.num_threads).result() == 1
        assert _threads.worth(10**9) == 4
    assert pool.num_threads == 4
    assert other(lambda: pool.num_threads).result() == 1
    other(second.__exit__, None, None, None).result()
    assert other(lambda: pool.num_threads).result() == 4


@pytest.mark.filterwarnings("ignore:The solver stopped")
def test_fits_in_several_threads_are_those_of_one_after_the_other(monkeypatch):
    """LAPACK's decompositions depend on the number of threads, to the last bits."""
    monkeypatch.setattr(_threads, "WORTH_A_THREAD", 2**60)

    def fit(seed):
        solver = ("lm", "lbfgs", "adam")[seed % 3]
        model = GRURegressor(
            **{"hidden_layer_sizes": 8, "max_iter": 3, "random_state": seed},
            **{"solver": solver, "alpha": 1e-4, "tol": 0, "early_stopping": False},
        )
        return model.fit(MANY_ROWS[:60], MANY_ROWS[:60].sum(axis=(1, 2)))._theta

    with threadpool_limits(3, user_api="blas"):
        expected = [fit(seed) for seed in range(6)]
        jobs = (delayed(fit)(seed % 6) for seed in range(18))
        found = Parallel(4, backend="threading")(jobs)
        assert numbers() == {3}
    for seed, theta in enumerate(found):
        np.testing.assert_array_equal(theta, expected[seed % 6])


@pytest.mark.parametrize("at", range(1, 4))
def test_ctrl_c_while_threads_are_set_gives_them_back(monkeypatch, at):
    calls = []

    def interrupted(self, number):
        calls.append(number)
        if len(calls) == at:
            raise KeyboardInterrupt
        return set_num_threads(self, number)

    set_num_threads = type(POOLS[0]).set_num_threads
    with threadpool_limits(3, user_api="blas"):
        monkeypatch.setattr(type(POOLS[0]), "set_num_threads", interrupted)
        with suppress(KeyboardInterrupt), one_thread():
            pass
        assert len(calls) >= at
        assert numbers() == {3}
        with one_thread():
            assert numbers() == {1}
        assert numbers() == {3}
