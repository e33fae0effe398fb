"""Parts of the data run in several Python threads: faster, and the same."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Thread, get_ident

import numpy as np
import pytest
from estimators import make
from helpers import assert_near
from threadpoolctl import threadpool_limits

from sk_rnn.data._dataset import TILE_ROWS, tiles
from sk_rnn.estimators import _memory
from sk_rnn.layers import CELLS, Chain, Dense, Dropout, Recurrent, one_thread
from sk_rnn.numerics import _threads
from sk_rnn.numerics._threads import parts, side_by_side

POOLS = _threads.pools().lib_controllers
RNG = np.random.default_rng(0)
LENGTHS = (7, 3, 9, 4, 9, 5, 3, 8, 6, 9, 4, 7)
SPREAD = tuple(RNG.integers(10, 31, 1000).tolist())
RAGGED = [RNG.standard_normal((n, 2)) for n in LENGTHS]
EQUAL = [RNG.standard_normal((9, 2)) for _ in LENGTHS]


# ---------------------------------------------------------------------- side_by_side
@pytest.mark.parametrize("n_parts", [1, 2, 3])
def test_results_are_in_order_and_the_loads_of_a_part_are_about_equal(n_parts):
    loads = (5, 1, 1, 4, 2, 3, 8)

    def where(k, part):
        time.sleep(0.002)  # so that the others begin
        return k, part, get_ident()

    found = side_by_side(where, loads, n_parts)
    assert [k for k, *_ in found] == list(range(7))
    sums = np.zeros(n_parts)
    for k, part, _ in found:
        sums[part] += loads[k]
    assert np.ptp(sums) <= 1
    threads = [{ident for _, p, ident in found if p == part} for part in range(n_parts)]
    assert all(len(thread) == 1 for thread in threads)
    assert len(set.union(*threads)) == n_parts
    assert get_ident() in set.union(*threads)


@pytest.mark.skipif(not POOLS, reason="the BLAS of this machine has no threads")
def test_blas_has_one_thread_in_each():
    def look(k, part):
        return {pool.num_threads for pool in POOLS}, _threads.worth(10**12)

    with threadpool_limits(3, user_api="blas"):
        with one_thread():
            assert side_by_side(look, [1] * 4, 2) == [({1}, 1)] * 4
            assert _threads.worth(10**12) == 3
        assert {pool.num_threads for pool in POOLS} == {3}
        assert side_by_side(look, [1] * 4, 2) == [({1}, 1)] * 4
        assert {pool.num_threads for pool in POOLS} == {3}


def test_where_others_are_inside_the_parts_are_the_same_in_fewer_threads():
    def where(k, part):
        time.sleep(0.002)
        return part, get_ident()

    with one_thread():
        alone = side_by_side(where, [1] * 6, 3)
        other = ThreadPoolExecutor(1)
        second = one_thread()
        other.submit(second.__enter__).result()
        beside = side_by_side(where, [1] * 6, 3)
        other.submit(second.__exit__, None, None, None).result()
    assert [part for part, _ in beside] == [part for part, _ in alone]
    assert len({thread for _, thread in alone}) == 3
    assert {thread for _, thread in beside} == {get_ident()}


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("kind", [MemoryError, KeyboardInterrupt])
def test_an_error_ends_all_but_not_within_a_call(failing, kind):
    begun, done = [], []

    def work(k, part):
        begun.append(k)
        if k == failing:
            time.sleep(0.01)
            raise kind("here")
        time.sleep(0.05)
        done.append(k)

    with pytest.raises(kind, match="here"):
        side_by_side(work, [1] * 10, 2)
    assert sorted(begun) == [0, 1]
    assert done == [1 - failing]
    assert not _threads._inside


def test_ctrl_c_pressed_often_waits_for_all(monkeypatch):
    done, join = [], Thread.join

    def pressed(self, timeout=None):
        if len(presses) < 3:
            presses.append(1)
            raise KeyboardInterrupt
        return join(self, timeout)

    def work(k, part):
        time.sleep(0.05 * part)
        done.append(k)

    presses = []
    monkeypatch.setattr(Thread, "join", pressed)
    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, [1] * 2, 2)
    assert sorted(done) == [0, 1]


def test_threads_treat_numbers_as_their_caller_does():
    def overflow(k, part):
        return np.float64(1e300) * np.float64(1e300)

    with np.errstate(over="ignore"):
        assert side_by_side(overflow, [1] * 2, 2) == [np.inf] * 2
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        side_by_side(lambda k, part: part and overflow(k, 0), [1] * 2, 2)


# ----------------------------------------------------------------------------- parts
def test_parts_are_as_many_as_are_worth_it_and_allowed():
    size, few = _threads.WORTH_A_PART, _threads.FEWEST_OF_A_PART
    assert parts(10 * few, 10 * size) == 1  # nothing is known of what is allowed
    with threadpool_limits(3, user_api="blas"), one_thread():
        found = [parts(10 * few, factor * size) for factor in (0, 1, 2, 3, 10)]
        assert found == ([1, 1, 2, 3, 3] if POOLS else [1] * 5)
        assert parts(2 * few - 1, 10 * size) == 1


def test_networks_gain_that_spend_their_time_outside_of_the_lock(monkeypatch):
    monkeypatch.setattr(_threads, "_allowed", _Allowed(2))
    size = np.dtype(float), np.full(10**4, 1000)
    cell = Recurrent(CELLS["gru"](), 2, 8)
    assert cell.n_parts(*size) == (2 if cell.runs_beside(*size) else 1)
    monkeypatch.setattr(Recurrent, "runs_beside", lambda *arguments: True)
    readout = {"readout": Dense(8, 1)}
    assert Chain({"": cell} | readout).n_parts(*size) == 2
    dropout = {"dropout": Dropout(8, 0.5, np.random.RandomState(0))}
    assert Chain({"": cell} | dropout | readout).n_parts(*size) == 1
    assert Chain(readout).n_parts(*size) == 1
    wide = Recurrent(CELLS["gru"](), 2, 512)
    monkeypatch.setattr(_threads, "_allowed", _Allowed(16))
    few = np.dtype(float), np.full(40, 1000)
    assert wide.n_parts(*few) == 1  # two parts could have two threads, BLAS has more


class _Allowed:
    def __init__(self, number):
        self.get = lambda: number


@pytest.mark.parametrize("n_parts", [2, 3])
@pytest.mark.parametrize(
    "lengths",
    [LENGTHS, (9,) * 13, (5,) * 3000, (2,) * 9 + (1,), (24,) * 999 + (23,), SPREAD],
    ids=len,
)
def test_tiles_hold_every_sequence_once_and_make_parts_about_equal(lengths, n_parts):
    lengths = np.array(lengths)
    found = tiles(lengths, n_parts)
    np.testing.assert_array_equal(np.sort(np.concatenate(found)), range(len(lengths)))
    loads = [int(lengths[tile].sum()) for tile in found]
    sums = [sum(loads[k] for k in share) for share in _threads._deal(loads, n_parts)]
    assert len(sums) == n_parts
    assert max(sums) <= 1.15 * lengths.sum() / n_parts + lengths.max()


# ------------------------------------------------------------------------ estimators
@pytest.fixture
def in_parts(monkeypatch):
    """Small passes side by side; how many threads they had, each time."""
    monkeypatch.setattr(_threads, "WORTH_A_PART", 1)
    monkeypatch.setattr(_threads, "FEWEST_OF_A_PART", 1)
    monkeypatch.setattr("sk_rnn.layers.Recurrent.runs_beside", lambda *args: True)
    monkeypatch.setattr("sk_rnn.layers.Feedback.runs_beside", lambda *args: True)
    monkeypatch.setattr("sk_rnn.training._inference.FEW_ROWS", 0)
    seen = []
    for module in ("_objective", "_inference"):

        def watched(function, loads, n_parts):
            seen.append(min(n_parts, len(loads)))
            return side_by_side(function, loads, n_parts)

        monkeypatch.setattr(f"sk_rnn.training.{module}.side_by_side", watched)
    return seen


@pytest.mark.skipif(not POOLS, reason="the BLAS of this machine has no threads")
@pytest.mark.filterwarnings("ignore:The solver stopped")
@pytest.mark.parametrize("records", [RAGGED, EQUAL], ids=["ragged", "equal"])
@pytest.mark.parametrize("solver", ["lbfgs", "adam", "lm"])
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("RNNRegressor", {}),
        ("GRURegressor", {"hidden_layer_sizes": (3, 2)}),
        ("LSTMRegressor", {"initial_state": "learned"}),
        ("NARXRegressor", {"feedback": "predicted", "n_output_lags": 2}),
    ],
)
def test_fits_and_predictions_are_those_of_one_thread(
    in_parts, name, params, solver, records
):
    """To rounding; and with as many threads again they are the same to the last bit."""
    more = {"n_input_lags": 2} if name == "NARXRegressor" else {}
    params = {"max_iter": 4, "tol": 0, "solver": solver} | more | params
    y = [x[:, :1].cumsum(axis=0) for x in records]
    weight = RNG.uniform(0.5, 1, len(records))

    def fit_and_predict(n_threads):
        in_parts.clear()
        with threadpool_limits(n_threads, user_api="blas"):
            model = make(name, random_state=0, **params).fit(records, y, weight)
            found = [model._theta, *model.predict(records)]
        assert max(in_parts) == n_threads
        return found

    expected = fit_and_predict(1)
    found, again = fit_and_predict(3), fit_and_predict(3)
    for one, several, repeated in zip(expected, found, again, strict=True):
        assert_near(several, one, 1e-6)
        np.testing.assert_array_equal(several, repeated)


@pytest.mark.skipif(not POOLS, reason="the BLAS of this machine has no threads")
def test_the_estimate_of_memory_counts_the_passes_side_by_side(in_parts, monkeypatch):
    told, estimate = [], _memory._estimate

    def watched(*arguments):
        told.append(estimate(*arguments)[0])
        return estimate(*arguments)

    monkeypatch.setattr(_memory, "_estimate", watched)
    n_steps = 24
    X = RNG.standard_normal((4 * (TILE_ROWS // n_steps), n_steps, 1))
    params = {"solver": "lbfgs", "max_iter": 1, "early_stopping": False}
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            model = make("GRURegressor", random_state=0, alpha=1e-4, **params)
            with pytest.warns(match="stopped"):
                model.fit(X, X[..., 0].sum(axis=1))
    assert told[1] == pytest.approx(2 * told[0], rel=0.01)
