"""Machine code of recorded stages: one loop over the elements of their blocks.

The text of the loop, in LLVM's intermediate representation, is put together here;
llvmlite (the extra "fast") turns it into code for the processor at hand within some
hundredths of a second, once for each cell and precision. Where llvmlite is not there,
does not work or is switched off by ``SK_RNN_COMPILE=0``, NumPy runs instead.

Operations are those of NumPy, in its order and with its rounding: nothing is
reassociated. tanh alone is our own; see `_tanh`.
"""

import os
import re
from functools import cache
from importlib import import_module
from math import factorial, log
from threading import Lock, Thread

import numpy as np

from ._trace import TYPES, constant

#: Switches compiled loops off where it is "0".
SWITCH = "SK_RNN_COMPILE"

#: ln 2 beyond the digits of a double.
LOG_2_REST = 2.3190468138462996e-17

#: Machine code by its text. It stays for ever, for there may be programs that run it.
_made: dict[str, tuple] = {}
_lock = Lock()

#: Older ones speak another dialect of the intermediate representation.
OLDEST = 0, 45

_LOOP = """
define void @{name}(ptr %arguments) #0 {{
entry:
  %n = load i64, ptr %arguments
  {addresses}
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  {body}
  %next = add nuw nsw i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done, !llvm.loop !1
done:
  ret void
}}
"""

#: No element depends on another one: the loop may take as many at once as registers
#: hold. The last few are taken together, too, where the processor can mask the others.
_HINTS = """
attributes #0 = {{ "prefer-vector-width"="512" }}
!0 = distinct !{{}}
!1 = distinct !{{!1, !2, !3, !4, !5}}
!2 = !{{!"llvm.loop.parallel_accesses", !0}}
!3 = !{{!"llvm.loop.vectorize.enable", i1 true}}
!4 = !{{!"llvm.loop.interleave.count", i32 2}}
!5 = !{{!"llvm.loop.vectorize.predicate.enable", i1 {masks}}}
"""

_DECLARATIONS = """
declare {t} @llvm.fabs.{s}({t})
declare {t} @llvm.sqrt.{s}({t})
declare {t} @llvm.maximum.{s}({t}, {t})
declare {t} @llvm.minimum.{s}({t}, {t})
declare {t} @llvm.copysign.{s}({t}, {t})
declare {t} @llvm.fmuladd.{s}({t}, {t}, {t})
"""

_TANH = """
define internal {t} @tanh({t} %x) alwaysinline {{
  %size = call {t} @llvm.fabs.{s}({t} %x)
  %large = fcmp ogt {t} %size, {bound}
  %bounded = select i1 %large, {t} {bound}, {t} %size
  %y = fadd {t} %bounded, %bounded
  %shifted = call {t} @llvm.fmuladd.{s}({t} %y, {t} {per_log_2}, {t} {shift})
  %k = fsub {t} %shifted, {shift}
  %nearly = call {t} @llvm.fmuladd.{s}({t} %k, {t} {minus_high}, {t} %y)
  %r = call {t} @llvm.fmuladd.{s}({t} %k, {t} {minus_low}, {t} %nearly)
  %q{degree} = fadd {t} {first}, {zero}
  {horner}
  %square = fmul {t} %r, %r
  %expm1_r = call {t} @llvm.fmuladd.{s}({t} %q2, {t} %square, {t} %r)
  %bits = bitcast {t} %shifted to {i}
  %exponent = shl {i} %bits, {mantissa}
  %biased = add {i} %exponent, {bias}
  %power = bitcast {i} %biased to {t}
  %less_1 = fsub {t} %power, {one}
  %e = call {t} @llvm.fmuladd.{s}({t} %power, {t} %expm1_r, {t} %less_1)
  %e_2 = fadd {t} %e, {two}
  %quotient = fdiv {t} %e, %e_2
  %found = call {t} @llvm.copysign.{s}({t} %quotient, {t} %x)
  ret {t} %found
}}
"""


def switched_on():
    """Whether compiled loops are wanted and possible."""
    return os.environ.get(SWITCH, "1") != "0" and not isinstance(_machine(), str)


def status():
    """What runs, and why, in words."""
    if os.environ.get(SWITCH, "1") == "0":
        return f"NumPy ({SWITCH}=0)"
    machine = _machine()
    if isinstance(machine, str):
        return f"NumPy ({machine})"
    return f"compiled for {machine.name}"


class _Machine:
    """The processor at hand, and the compiler for it."""

    def __init__(self):
        llvm = self.llvm = import_module("llvmlite.binding")
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.name, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features()
        self.features, self.masks = features.flatten(), features.get("avx512f", False)
        self.proof = self.compile("define void @nothing() { ret void }")

    def compile(self, text):
        """Addresses of the functions of a module, and what must be kept for them."""
        llvm = self.llvm
        module = llvm.parse_assembly(text)
        target = llvm.Target.from_default_triple().create_target_machine(
            cpu=self.name, features=self.features, opt=3
        )
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_vectorization = True
        options.loop_unrolling = False  # of no use to loops as short as these
        builder = llvm.create_pass_builder(target, options)
        builder.getModulePassManager().run(module, builder)
        engine = llvm.create_mcjit_compiler(module, target)
        engine.finalize_object()
        names = re.findall(r"^define void @(\w+)", text, re.MULTILINE)
        return {name: engine.get_function_address(name) for name in names}, engine


@cache
def _machine():
    """The machine, or why there is none, in words."""
    try:
        version = import_module("llvmlite").__version__
    except ImportError:
        return "llvmlite is not installed"
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        return f"llvmlite {version} is older than {'.'.join(map(str, OLDEST))}"
    try:
        machine = _apart(_Machine)
    except Exception as error:  # whatever keeps code from being made here
        return f"llvmlite {version} does not work here: {error}"
    return machine


def _apart(function, *arguments):
    """Call a function in a thread of its own.

    Ctrl-C reaches the main thread alone. Within llvmlite it would leave a lock closed,
    at which all other threads would wait for ever.
    """
    found = []

    def run():
        try:
            found.append((function(*arguments), None))
        except BaseException as error:
            found.append((None, error))

    thread = Thread(target=run)
    thread.start()
    thread.join()
    ((result, error),) = found
    if error is not None:
        raise error
    return result


def compiled(text):
    """Addresses of the functions of a text, by name."""
    with _lock:  # nobody may make the same again, and let go of what others run
        if text not in _made:
            _apart(_make, text)
        return _made[text][0]


def _make(text):
    """Make it, and keep it even if Ctrl-C is not waiting for it any more."""
    _made[text] = _machine().compile(text)


def loops(dtype, stages):
    """Addresses of machine code of stages, by name: the k-th is ``stage{k}``.

    Each takes a pointer to the number of elements, the addresses of the blocks that it
    reads, and of those that it stores.

    Parameters
    ----------
    dtype : dtype
    stages : list of (Stage, list of str)
        Programs, and which of the blocks that they write are to be stored.
    """
    kind, suffix = TYPES[dtype.name]
    masks = str(_machine().masks).lower()
    parts = [_DECLARATIONS.format(t=kind, s=suffix), _tanh(dtype)]
    parts += [_loop(f"stage{k}", kind, *stage) for k, stage in enumerate(stages)]
    return compiled("".join([*parts, _HINTS.format(masks=masks)]))


def _loop(name, kind, stage, stored):
    n_read = len(stage.reads)
    addresses, body = [], []
    for k in range(n_read + len(stored)):
        addresses.append(f"%slot{k} = getelementptr ptr, ptr %arguments, i64 {k + 1}")
        addresses.append(f"%block{k} = load ptr, ptr %slot{k}")
        body.append(f"%at{k} = getelementptr {kind}, ptr %block{k}, i64 %i")
    own = "!llvm.access.group !0"
    body += [f"%in{k} = load {kind}, ptr %at{k}, {own}" for k in range(n_read)]
    body += stage.lines
    body += [
        f"store {kind} {stage.values[block]}, ptr %at{k}, {own}"
        for k, block in enumerate(stored, start=n_read)
    ]
    addresses, body = ("\n  ".join(lines) for lines in (addresses, body))
    return _LOOP.format(name=name, addresses=addresses, body=body)


def _tanh(dtype):
    """tanh(x) = e / (e + 2), with e = exp(2 |x|) - 1, without branches.

    2 |x| = k ln 2 + r, and exp(r) - 1 is a Taylor polynomial, as |r| < 0.35. k is
    rounded by adding `shift`, beyond which there are no fractions; its last bits then
    hold k, and make 2^k where the exponent belongs. Small numbers keep their relative
    precision, as k is 0 and the polynomial has no constant term; beyond `bound` tanh is
    1, and NaN stays NaN. The result is within three units in the last place.
    """
    kind, suffix = TYPES[dtype.name]
    info = np.finfo(dtype)
    degree, bound = (7, 10) if dtype == np.float32 else (13, 20)
    bias = 1 - int(info.minexp)
    # So few digits of ln 2 that their product with k is exact.
    digits = info.nmant // 2
    high = round(log(2) * 2**digits) / 2**digits
    numbers = {
        "bound": bound,
        "per_log_2": 1 / log(2),
        "shift": 1.5 * 2.0**info.nmant,
        "minus_high": -high,
        "minus_low": high - log(2) - LOG_2_REST,
        "first": 1 / factorial(degree),
        **{"zero": 0, "one": 1, "two": 2},
    }
    horner = [
        f"%q{j} = call {kind} @llvm.fmuladd.{suffix}({kind} %q{j + 1}, {kind} %r, "
        f"{kind} {constant(1 / factorial(j), dtype)})"
        for j in range(degree - 1, 1, -1)
    ]
    return _TANH.format(
        **{name: constant(value, dtype) for name, value in numbers.items()},
        **{"t": kind, "s": suffix, "i": f"i{info.bits}", "degree": degree},
        **{"mantissa": info.nmant, "bias": bias << info.nmant},
        horner="\n  ".join(horner),
    )
