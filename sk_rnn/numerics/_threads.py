"""How many threads BLAS may use.

Most products here are small, and threads that wait for each other at every step cost
more than they save. A pass whose products are large gets more than one, but never more
than were allowed before: those of ``OMP_NUM_THREADS``, of joblib's workers, or of a
``threadpool_limits`` around the call.
"""

from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache

from threadpoolctl import ThreadpoolController

#: So many multiplications of one product are worth a thread. On two idle processors
#: the second one makes a training pass 1.15 to 1.45 times faster (an LSTM of 256 units
#: on 32 sequences, float32: 1.45), and on busy ones up to 1.8 times slower.
WORTH_A_THREAD = 2_000_000

_allowed = ContextVar("allowed", default=1)


@cache
def pools():
    """The thread pools of this process; to look for them takes milliseconds."""
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_thread():
    """Keep BLAS to one thread, but for passes that are `worth` more."""
    numbers = [pool.num_threads for pool in pools().lib_controllers]
    before = _allowed.set(max(numbers, default=1))
    try:
        with pools().limit(limits=1):
            yield
    finally:
        _allowed.reset(before)


def worth(size):
    """Threads for a product of so many multiplications; one outside `one_thread`."""
    return max(1, min(_allowed.get(), size // WORTH_A_THREAD))


def threads(n):
    """A context in which BLAS uses n threads, within `one_thread`."""
    return nullcontext() if n == 1 else pools().limit(limits=n)
