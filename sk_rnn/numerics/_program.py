"""What a pass does on given memory, step by step: called by Python, or compiled.

An operation is the address of a routine and an array of its arguments, addresses and
integers. A matrix product is one, too: BLAS takes everything by address, and SciPy
tells where it is. So a program is a table of pairs of addresses. One call runs it for
many steps, without Python and its lock.
"""

import ctypes
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from ._compiler import loops, switched_on
from ._products import gemm
from ._runtime import gemm_address, routine, runner
from ._trace import TYPES, CannotTrace, Tape

#: "Not transposed", "transposed".
_FLAGS = np.array([b"N", b"T"])


@dataclass(slots=True, frozen=True)
class Operation:
    """A routine, its arguments, and what must not be forgotten meanwhile."""

    routine: int
    arguments: np.ndarray
    keep: object


class Calls:
    """Steps of actions, which Python calls.

    Parameters
    ----------
    steps : list of list
        The actions of each step: arguments of gemm (a tuple), or functions without
        arguments.
    dtype : dtype
    """

    def __init__(self, steps, dtype):
        multiply = gemm(dtype)
        self.steps = [
            [partial(multiply, *a) if isinstance(a, tuple) else a for a in step]
            for step in steps
        ]

    def run(self, first, stop):
        """Run the steps from the first to that before the last."""
        for step in self.steps[first:stop]:
            for action in step:
                action()


class Program:
    """One step of actions, repeated by compiled code on memory that moves on.

    Parameters
    ----------
    step : list
        Arguments of gemm (a tuple), element-wise functions with their operands (a
        partial), of which the last is the result, or operations.
    moving : list of (ndarray, int, int or None)
        Arrays, by how many bytes all that the step does in them moves on with each
        step, and after how many steps it begins anew.
    given : list of (Operation, int, int)
        Addresses that every run is given: the k-th argument of an operation, and by how
        many bytes it moves on.
    """

    def __init__(self, step, moving=(), given=()):
        self._operations = [_operation(action) for action in step]
        self._slots = [
            (operation.arguments, k, value, by, period)
            for operation in self._operations
            for k, value in enumerate(operation.arguments.tolist())
            for first, last, by, period in _ranges(moving)
            if first <= value < last
        ]
        self._given = [(operation.arguments, k) for operation, k, _ in given]
        moves = [(arguments, k, by) for arguments, k, _, by, _ in self._slots]
        moves += [(operation.arguments, k, by) for operation, k, by in given]
        if moves:
            self._operations.append(_motion(moves))
        pairs = [(o.routine, address(o.arguments)) for o in self._operations]
        self._pairs = np.array(pairs, np.int64)
        self._first, self._run = address(self._pairs), runner()

    def run(self, first, stop, *given):
        """Run the steps from the first to that before the last, which may be none."""
        if first >= stop:
            return
        for (arguments, k), value in zip(self._given, given, strict=True):
            arguments[k] = value
        for arguments, k, begin, by, period in self._slots:
            arguments[k] = begin + by * (first % period if period else first)
        self._run(self._first, len(self._pairs), stop - first)


def _ranges(moving):
    for array, by, period in moving:
        begin = address(array)
        yield begin, begin + len(array) * array.strides[0], by, period


def _motion(moves):
    """An operation that moves addresses among arguments on by so many bytes."""
    pairs = [(address(arguments) + 8 * k, by) for arguments, k, by in moves]
    arguments = np.array([len(moves), *sum(pairs, ())], np.int64)
    return Operation(routine("move"), arguments, moves)


def _operation(action):
    if isinstance(action, tuple):
        return product(action)
    if isinstance(action, partial):
        return elementwise(action.args[-1].dtype, action.func, *action.args)
    return action


def address(array):
    """Where the memory of an array begins."""
    flags = array.flags
    if flags.writeable and array.size:  # a quarter of the time of .ctypes.data
        if flags.c_contiguous:
            return ctypes.addressof(ctypes.c_char.from_buffer(array))
        if flags.f_contiguous:
            return ctypes.addressof(ctypes.c_char.from_buffer(array.T))
    return array.ctypes.data


def can_compile(dtype):
    """Whether programs of real numbers of a dtype can be run here."""
    dtype = np.dtype(dtype)
    return dtype.name in TYPES and switched_on() and gemm_address(dtype) is not None


class Stages:
    """Machine code of stages; makes operations of them.

    Parameters
    ----------
    dtype : dtype
    stages : list of Stage
    wanted : set of str
        The blocks that are wanted behind the last stage.
    """

    def __init__(self, dtype, stages, wanted):
        found = []
        for stage in reversed(stages):
            found.insert(0, (stage, [name for name in stage.writes if name in wanted]))
            wanted = wanted.union(stage.reads)
        if not all(stage.reads or stored for stage, stored in found):
            raise CannotTrace("A function does nothing.")
        addresses = loops(dtype, found)
        self._stages = [
            (addresses[f"stage{k}"], [*stage.reads, *stored])
            for k, (stage, stored) in enumerate(found)
        ]

    def operations(self, find):
        """An operation for each stage.

        Parameters
        ----------
        find : callable
            str -> ndarray: the block of a name.
        """
        for loop, names in self._stages:
            blocks = [find(name) for name in names]
            arguments = np.array([blocks[0].size, *map(address, blocks)], np.int64)
            yield Operation(loop, arguments, blocks)


def elementwise(dtype, function, *blocks):
    """An operation ``function(*blocks)``, whose last argument is the result."""
    names = tuple(map(str, range(len(blocks))))
    (operation,) = _elementwise(np.dtype(dtype), function, names).operations(
        lambda name: blocks[int(name)]
    )
    return operation


@cache
def _elementwise(dtype, function, names):
    tape = Tape(dtype)
    symbols = [tape.symbol(name) for name in names]
    stage = tape.record(lambda: function(*symbols))
    return Stages(dtype, [stage], {names[-1]})


def product(call):
    """The operation of arguments made by `products` and `outer_product`."""
    alpha, a, b, beta, c, a_transposed, b_transposed, _ = call
    depth = a.shape[0] if a_transposed else a.shape[1]
    numbers = np.zeros(5, np.int64)
    numbers[:3].view(np.int32)[:] = *c.shape, depth, *map(_leading, (a, b, c))
    numbers[3:].view(c.dtype)[:2] = alpha, beta
    m, n, k, lda, ldb, ldc, alpha = range(address(numbers), address(numbers) + 28, 4)
    flags = [address(_FLAGS) + bool(x) for x in (a_transposed, b_transposed)]
    arguments = [
        *(gemm_address(c.dtype), *flags, m, n, k, alpha, address(a), lda),
        *(address(b), ldb, alpha + c.itemsize, address(c), ldc),
    ]
    keep = a, b, c, numbers
    return Operation(routine("gemm"), np.array(arguments, np.int64), keep)


def _leading(matrix):
    """From one column to the next, in entries; a single one may have any stride."""
    several = matrix.shape[1] > 1
    return matrix.strides[1] // matrix.itemsize if several else max(1, len(matrix))


def transposition(source, target):
    """An operation that transposes a matrix.

    Parameters
    ----------
    source : ndarray of shape (n_rows, n_columns) or None
    target : ndarray of shape (n_columns, n_rows) or None
        Both C-contiguous. The program is given the address of one that is None.
    """
    known = source if target is None else target.T
    where = [0 if x is None else address(x) for x in (source, target)]
    arguments = np.array([*where, *known.shape], np.int64)
    return Operation(routine(f"transpose_{known.dtype}"), arguments, known)
