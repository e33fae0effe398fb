"""How many threads BLAS may use.

Most products here are small, and threads that wait for each other at every step cost
more than they save. A pass whose products are large gets more than one, but never more
than were allowed before: those of ``OMP_NUM_THREADS``, of joblib's workers, or of a
``threadpool_limits`` around the call.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import RLock

from threadpoolctl import ThreadpoolController

#: So many multiplications of one product are worth a thread. On two idle processors
#: the second one makes a training pass 1.15 to 1.45 times faster (an LSTM of 256 units
#: on 32 sequences, float32: 1.45), and on busy ones up to 1.8 times slower.
WORTH_A_THREAD = 2_000_000

#: How many threads a pass may have, where it runs within `one_thread`.
_allowed = ContextVar("allowed", default=None)

#: Most pools belong to the process: who is inside of `one_thread`, in whatever Python
#: thread, and the numbers of threads that are to come back.
_lock = RLock()
_inside: dict[object, list[int]] = {}


@cache
def pools():
    """The thread pools of this process; to look for them takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_thread():
    """Keep BLAS to one thread, but for passes that are `worth` more.

    The last of those who are inside at the same time gives back what the first found.
    """
    if _allowed.get() is not None:  # inside already
        yield
        return
    token = object()
    try:
        _allowed.set(_come_in(token))
        yield
    finally:
        try:
            _leave(token)
        except BaseException:  # Ctrl-C
            _leave(token)
            raise


def _come_in(token):
    """Set one thread; return how many there were before anybody came in."""
    controllers = pools().lib_controllers
    with _lock:
        before = [pool.num_threads for pool in controllers]
        for first in list(_inside.values())[:1]:
            for k, pool in enumerate(controllers):
                before[k] = before[k] if _is_of_a_thread(pool) else first[k]
        _inside[token] = before
        _set([1] * len(before))
        return max(before, default=1)


def _leave(token):
    """Give the threads back where nobody else is inside; twice is as good as once."""
    _allowed.set(None)
    with _lock:
        if token in _inside:
            _set(_inside[token], only_own=len(_inside) > 1)
            del _inside[token]


def _set(numbers, only_own=False):
    """Set the threads of each pool, or only of those that a Python thread has alone."""
    for pool, number in zip(pools().lib_controllers, numbers, strict=True):
        if only_own and not _is_of_a_thread(pool):
            continue
        # Newer versions of threadpoolctl leave a pool to the first Python thread that
        # sets it, and ignore the others; here all of them take turns.
        free = getattr(pool, "clear_controlling_thread", lambda force: None)
        free(force=True)
        pool.set_num_threads(number)
        free(force=True)


def _is_of_a_thread(pool):
    """Whether each Python thread has a number of its own, as OpenBLAS on OpenMP has."""
    layer = pool.internal_api, getattr(pool, "threading_layer", None)
    return layer == ("openblas", "openmp")


def worth(size):
    """Threads for a product of so many multiplications; one outside `one_thread`."""
    return max(1, min(_allowed.get() or 1, size // WORTH_A_THREAD))


@contextmanager
def threads(n):
    """Let BLAS use n threads, within `one_thread`, for a pass that is alone there.

    Who wants to come in meanwhile waits. Where others are inside, the processors are
    theirs, and small products of theirs must not see more than one thread.
    """
    if n == 1:
        yield
        return
    with _lock:
        if len(_inside) <= 1:
            try:
                _set([n] * len(pools().lib_controllers))
                yield
            finally:
                _set([1] * len(pools().lib_controllers))
            return
    yield
