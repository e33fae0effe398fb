"""What all programs share: four routines in LLVM's intermediate representation.

`run` goes over a table of routines and their arguments; the other three stand in such
tables, beside the loops of `_compiler`.
"""

import ctypes
import re
from functools import cache

from scipy.linalg import cython_blas

from ._compiler import compiled
from ._trace import TYPES

#: What SciPy says about its gemm, but for the name of the type of real numbers.
_GEMM = (
    r"void \(char \*, char \*, int \*, int \*, int \*, (\w+) \*, \1 \*, int \*, "
    r"\1 \*, int \*, \1 \*, \1 \*, int \*\)"
)

#: Calls the second of each of n pairs of addresses with ...
_RUN = """
define void @run(ptr %first, i64 %n, i64 %times) {
entry:
  %end = getelementptr {ptr, ptr}, ptr %first, i64 %n
  br label %round
round:
  %left = phi i64 [%times, %entry], [%fewer, %round_done]
  br label %loop
loop:
  %pair = phi ptr [%first, %round], [%next, %loop]
  %second = getelementptr ptr, ptr %pair, i64 1
  %routine = load ptr, ptr %pair
  %arguments = load ptr, ptr %second
  call void %routine(ptr %arguments)
  %next = getelementptr {ptr, ptr}, ptr %pair, i64 1
  %more = icmp ne ptr %next, %end
  br i1 %more, label %loop, label %round_done
round_done:
  %fewer = sub i64 %left, 1
  %again = icmp ne i64 %fewer, 0
  br i1 %again, label %round, label %done
done:
  ret void
}
"""

#: Calls BLAS, whose address comes first, with all the others.
_GEMM_CALL = """
define void @gemm(ptr %arguments) {{
  %routine = load ptr, ptr %arguments
  {loads}
  call void %routine({operands})
  ret void
}}
"""

#: Moves addresses on: n of them, for each the place where it stands, and the bytes.
_MOVE = """
define void @move(ptr %arguments) {
entry:
  %n = load i64, ptr %arguments
  %moves = getelementptr i64, ptr %arguments, i64 1
  br label %loop
loop:
  %k = phi i64 [0, %entry], [%next, %loop]
  %move = getelementptr {ptr, i64}, ptr %moves, i64 %k
  %by_at = getelementptr i64, ptr %move, i64 1
  %place = load ptr, ptr %move
  %by = load i64, ptr %by_at
  %value = load i64, ptr %place
  %moved = add i64 %value, %by
  store i64 %moved, ptr %place
  %next = add nuw nsw i64 %k, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  ret void
}
"""

#: target[j, i] = source[i, j], by stripes of 16 columns: lines of the cache that are
#: written are still there when their next entry comes.
_TRANSPOSE = """
define void @transpose_{name}(ptr %arguments) {{
entry:
  {places}
  %source = load ptr, ptr %a0
  %target = load ptr, ptr %a1
  %n_rows = load i64, ptr %a2
  %n_columns = load i64, ptr %a3
  br label %stripe
stripe:
  %first = phi i64 [0, %entry], [%next, %stripe_done]
  %next = add nuw nsw i64 %first, 16
  %more = icmp ult i64 %next, %n_columns
  %stop = select i1 %more, i64 %next, i64 %n_columns
  br label %row
row:
  %i = phi i64 [0, %stripe], [%next_i, %row_done]
  %begin = mul i64 %i, %n_columns
  %from = getelementptr {t}, ptr %source, i64 %begin
  %to = getelementptr {t}, ptr %target, i64 %i
  br label %column
column:
  %j = phi i64 [%first, %row], [%next_j, %column]
  %from_j = getelementptr {t}, ptr %from, i64 %j
  %far = mul i64 %j, %n_rows
  %to_j = getelementptr {t}, ptr %to, i64 %far
  %value = load {t}, ptr %from_j
  store {t} %value, ptr %to_j
  %next_j = add nuw nsw i64 %j, 1
  %more_j = icmp ult i64 %next_j, %stop
  br i1 %more_j, label %column, label %row_done, !llvm.loop !0
row_done:
  %next_i = add nuw nsw i64 %i, 1
  %more_i = icmp ult i64 %next_i, %n_rows
  br i1 %more_i, label %row, label %stripe_done
stripe_done:
  br i1 %more, label %stripe, label %done
done:
  ret void
}}
"""

#: Scattered stores are slower than one after the other.
_HINTS = """
!0 = distinct !{!0, !1, !2}
!1 = !{!"llvm.loop.vectorize.enable", i1 false}
!2 = !{!"llvm.loop.unroll.count", i32 8}
"""


@cache
def gemm_address(dtype):
    """Where BLAS's matrix product is, if it is of the kind that we know, or None."""
    kind = {"float32": "s", "float64": "d"}[dtype.name]
    capsule = cython_blas.__pyx_capi__[f"{kind}gemm"]
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    signature = name(capsule)
    known = re.fullmatch(_GEMM, signature.decode())
    return pointer(capsule, signature) if known else None


@cache
def routine(name):
    """The address of one of the routines here."""
    return _code()[name]


@cache
def runner():
    """`run`, as a function of Python: (first pair, number of pairs, times)."""
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    return kind(routine("run"))


@cache
def _code():
    gemm_call = _GEMM_CALL.format(
        loads="\n  ".join(f"{_place(k)}\n  %v{k} = load ptr, ptr %a{k}" for k in _REST),
        operands=", ".join(f"ptr %v{k}" for k in _REST),
    )
    places = "\n  ".join(map(_place, range(4)))
    transposes = [
        _TRANSPOSE.format(name=name, places=places, t=kind)
        for name, (kind, _) in TYPES.items()
    ]
    return compiled("".join([_RUN, _MOVE, gemm_call, *transposes, _HINTS]))


#: The arguments of gemm, behind its address.
_REST = range(1, 14)


def _place(k):
    return f"%a{k} = getelementptr ptr, ptr %arguments, i64 {k}"
