"""How many threads BLAS may use, and passes side by side.

Most products here are small, and threads that wait for each other at every step cost
more than they save. A pass whose products are large gets more than one, but never more
than were allowed before: those of ``OMP_NUM_THREADS``, of joblib's workers, or of a
``threadpool_limits`` around the call. Passes over much data are cut into parts, which
as many threads of Python run from the first step to the last.
"""

from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from threading import RLock, Thread

import numpy as np
from threadpoolctl import ThreadpoolController

#: So many multiplications of one product are worth a thread. On two idle processors
#: the second one makes a training pass 1.15 to 1.45 times faster (an LSTM of 256 units
#: on 32 sequences, float32: 1.45), and on busy ones up to 1.8 times slower.
WORTH_A_THREAD = 2_000_000

#: So many multiplications, those of all steps together, are worth a thread of Python:
#: on two idle processors training passes of an LSTM or a GRU that are twice as large
#: are 1.0 to 1.4 times faster in two, and ten times as large ones 1.5 to 1.8 times.
WORTH_A_PART = 20_000_000

#: Parts of fewer sequences than this waste the registers in every product.
FEWEST_OF_A_PART = 16

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


def parts(n_sequences, size):
    """Into how many parts to cut sequences, to be run `side_by_side`.

    Parameters
    ----------
    n_sequences : int
    size : int
        Multiplications in a pass over all of them.
    """
    allowed = _allowed.get() or 1
    worth_it = min(size // WORTH_A_PART, n_sequences // FEWEST_OF_A_PART)
    return max(1, min(allowed, worth_it))


def side_by_side(function, items, n_threads):
    """Call a function of (item, number of the thread) for each item, in turn.

    The same item is with the same thread each time, within which BLAS has one thread.
    An exception ends all of them, but not before they have done with the items they are
    at: nobody works on in memory that others give up.

    Parameters
    ----------
    function : callable
    items : sequence
    n_threads : int

    Returns
    -------
    list
        What was returned, in the order of the items.
    """
    if n_threads == 1 or len(items) == 1:
        return [function(item, 0) for item in items]
    found, errors = [None] * len(items), []

    def work(number, numpy_errors):
        _allowed.set(None)  # of a context that is copied for this
        try:
            # NumPy 1, and some builds of BLAS, have settings of each thread.
            with np.errstate(**numpy_errors), one_thread():
                _allowed.set(1)
                for k in range(number, len(items), n_threads):
                    if not errors:
                        found[k] = function(items[k], number)
        except BaseException as error:
            errors.append(error)

    starts = [(copy_context().run, (work, k, np.geterr())) for k in range(n_threads)]
    (run, first), *others = starts
    threads = [Thread(target=target, args=args) for target, args in others]
    try:
        for thread in threads:
            thread.start()
        run(*first)
        _wait(threads)
    except BaseException as error:  # Ctrl-C
        errors.append(error)
        _wait(threads)
    if errors:
        raise errors[0]
    return found


def _wait(threads):
    for thread in threads:
        if thread.ident is not None:
            thread.join()
