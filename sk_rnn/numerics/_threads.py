"""How many threads BLAS may use, and passes side by side.

Most products here are small, and threads that wait for each other at every step cost
more than they save. A pass whose products are large gets more than one, but never more
than were allowed before: those of ``OMP_NUM_THREADS``, of joblib's workers, or of a
``threadpool_limits`` around the call. Passes over much data are cut into parts, which
as many threads of Python run from the first step to the last.
"""

from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from functools import cache, partial
from threading import RLock, Thread

import numpy as np
from threadpoolctl import ThreadpoolController

#: So many multiplications of one product are worth a thread. On two idle processors
#: the second one makes a training pass 1.15 to 1.45 times faster (an LSTM of 256 units
#: on 32 sequences, float32: 1.45), and on busy ones up to 1.8 times slower.
WORTH_A_THREAD = 2_000_000

#: So many multiplications, those of all steps together and in training counted twice,
#: are worth a thread of Python. On two idle processors two such parts take 0.7 to 1 of
#: the time of one pass, parts ten times as large 0.55 to 0.65.
WORTH_A_PART = 36_000_000

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


def threads(n):
    """Let BLAS use n threads, within `one_thread`, for a pass that is alone there.

    Who wants to come in meanwhile waits. Where others are inside, the processors are
    theirs, and small products of theirs must not see more than one thread.
    """
    return nullcontext() if n == 1 else _several_threads(n)


@contextmanager
def _several_threads(n):
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


def side_by_side(function, loads, n_parts):
    """Call a function of (k, part) for each of some loads, in parts of about equal sum.

    What is in a part is called one after the other, by one thread at a time, in which
    BLAS has one thread. There are as many threads as parts, or fewer where others are
    inside of `one_thread`. An exception ends all of them, but not before they have done
    with what they are at: nobody works on in memory that others give up.

    Parameters
    ----------
    function : callable
    loads : sequence of int
        How much work each call will be.
    n_parts : int

    Returns
    -------
    list
        What the calls returned, in the order of the loads.
    """
    shares = _deal(loads, n_parts)
    found, errors = [None] * len(loads), []
    if len(shares) == 1:
        return [function(k, 0) for k in shares[0]]
    n_threads = max(1, len(shares) // max(1, len(_inside)))

    def work(thread, numpy_errors):
        _allowed.set(None)  # of a context that is copied for this
        try:
            # NumPy 1, and some builds of BLAS, have settings of each thread.
            with np.errstate(**numpy_errors), one_thread():
                _allowed.set(1)
                for part in range(thread, len(shares), n_threads):
                    for k in shares[part]:
                        if not errors:
                            found[k] = function(k, part)
        except BaseException as error:
            errors.append(error)

    def run(thread):
        return partial(copy_context().run, work, thread, np.geterr())

    threads = [Thread(target=run(k)) for k in range(1, n_threads)]
    try:
        for thread in threads:
            thread.start()
        run(0)()
    except BaseException as error:  # Ctrl-C
        errors.append(error)
    _wait(threads, errors)
    if not errors:
        return found
    try:
        raise next((e for e in errors if isinstance(e, KeyboardInterrupt)), errors[0])
    finally:
        del found[:], errors[:]  # the traceback knows this frame, which knows it


def _wait(threads, errors):
    """Wait for all threads, however often Ctrl-C is pressed meanwhile."""
    for thread in threads:
        while thread.is_alive():
            try:
                thread.join()
            except BaseException as error:
                errors.append(error)


def _deal(loads, n_parts):
    """Indices of loads in so many shares of about equal sum, or fewer."""
    shares, sums = [[] for _ in range(n_parts)], [0] * n_parts
    for k in sorted(range(len(loads)), key=lambda k: -loads[k]):
        least = sums.index(min(sums))
        shares[least].append(k)
        sums[least] += loads[k]
    return [sorted(share) for share in shares if share]
