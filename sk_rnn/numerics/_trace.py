"""Record what a function does with blocks, as a straight-line program per element.

A block is handed in as a `Symbol`. NumPy passes every ufunc call on it to
``__array_ufunc__``, which notes the operation instead of computing it, as a line of
LLVM's intermediate representation. Nothing is guessed: whatever is not an element-wise
operation of OPERATIONS on whole blocks and numbers raises `CannotTrace`.
"""

from struct import pack

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

#: ufuncs and what they are in the intermediate representation: {t} is the type, {0} and
#: {1} are operands. All but tanh round as IEEE 754 says, and so as NumPy does.
OPERATIONS = {
    "add": "fadd {t} {0}, {1}",
    "subtract": "fsub {t} {0}, {1}",
    "multiply": "fmul {t} {0}, {1}",
    "divide": "fdiv {t} {0}, {1}",
    "square": "fmul {t} {0}, {0}",
    "negative": "fneg {t} {0}",
    "tanh": "call {t} @tanh({t} {0})",
    "absolute": "call {t} @llvm.fabs.{s}({t} {0})",
    "sqrt": "call {t} @llvm.sqrt.{s}({t} {0})",
    "maximum": "call {t} @llvm.maximum.{s}({t} {0}, {t} {1})",
    "minimum": "call {t} @llvm.minimum.{s}({t} {0}, {t} {1})",
    "greater": "uitofp i1 {0} to {t}",
}

#: Types of the intermediate representation, and suffixes of its functions.
TYPES = {"float32": ("float", "f32"), "float64": ("double", "f64")}


#: How names of values without a name begin.
TEMPORARY = "temporary "


def constant(value, dtype):
    """A number of a dtype: the bits of a double, which holds it exactly."""
    return f"0x{pack('>d', float(dtype.type(value))).hex().upper()}"


class CannotTrace(TypeError):
    """A function does something that has no place in a program per element."""


class Stage:
    """The program of one function.

    Attributes
    ----------
    lines : list of str
        Operations, in order.
    values : dict of str to str
        The value of each block at the end.
    reads : list of str
        Blocks whose value at the beginning matters: that of the k-th is ``%in{k}``.
    writes : list of str
        Blocks that get a new value.
    """

    def __init__(self):
        self.lines, self.values, self.reads, self.writes = [], {}, [], []

    def __eq__(self, other):
        return vars(self) == vars(other)

    def read(self, name):
        """The value of a block."""
        if name not in self.values:
            if name.startswith(TEMPORARY):
                raise CannotTrace("A value goes from one function to the next unnamed.")
            self.values[name] = f"%in{len(self.reads)}"
            self.reads.append(name)
        return self.values[name]

    def write(self, name, value):
        """Give a block a value."""
        self.values[name] = value
        if name not in self.writes:
            self.writes.append(name)


class Tape:
    """Records stage after stage on blocks of one dtype."""

    def __init__(self, dtype):
        self.dtype = np.dtype(dtype)
        if self.dtype.name not in TYPES:
            raise CannotTrace(f"There is no program for {self.dtype}.")
        self.type, self.suffix = TYPES[self.dtype.name]
        self.stage, self.n_temporary = None, 0

    def symbol(self, name):
        """Stands for a block."""
        return Symbol(self, (name,), 1)

    def stretch(self, names):
        """Stands for neighbouring blocks, one a row."""
        return Symbol(self, tuple(names), 2)

    def temporary(self, like):
        """Stands for a result without a name, as large as another symbol."""
        first = self.n_temporary
        self.n_temporary += len(like.names)
        names = (f"{TEMPORARY}{k}" for k in range(first, self.n_temporary))
        return Symbol(self, tuple(names), like.ndim)

    def record(self, *functions):
        """The stage of functions without arguments, one behind the other."""
        self.stage = stage = Stage()
        for function in functions:
            function()
        return stage

    def operate(self, name, operands):
        """Note an operation; return the name of its value."""
        if name not in OPERATIONS:
            raise CannotTrace(f"numpy.{name} has no program per element.")
        lines = self.stage.lines
        if name == "greater":
            lines.append(f"%v{len(lines)} = fcmp ogt {self.type} {', '.join(operands)}")
            operands = [f"%v{len(lines) - 1}"]
        text = OPERATIONS[name].format(*operands, t=self.type, s=self.suffix)
        lines.append(f"%v{len(lines)} = {text}")
        return f"%v{len(lines) - 1}"

    def number(self, value):
        """A number among the operands."""
        kind = np.asarray(value)
        if kind.ndim or kind.dtype.kind not in "bif":
            raise CannotTrace(f"{value!r} is neither a block nor a number.")
        return constant(value, self.dtype)


class Symbol(NDArrayOperatorsMixin):
    """Stands for blocks while functions are recorded."""

    def __init__(self, tape, names, ndim):
        self.tape, self.names, self.ndim = tape, names, ndim
        self.dtype = tape.dtype

    @property
    def real(self):
        return self

    def reshape(self, *shape):
        if shape not in ((-1,), ((-1,),)):
            raise CannotTrace(f"Blocks have no shape to be made {shape}.")
        return Symbol(self.tape, self.names, 1)

    def __getitem__(self, key):
        if key is Ellipsis:
            return self
        if self.ndim == 2 and isinstance(key, int | slice):
            if isinstance(key, slice):
                return Symbol(self.tape, self.names[key], 2)
            return Symbol(self.tape, (self.names[key],), 1)
        raise CannotTrace("Parts of a block have no program per element.")

    def __setitem__(self, key, value):
        target = self[key]
        for name, (operand,) in zip(target.names, target._rows([value]), strict=True):
            self.tape.stage.write(name, operand)

    def __array__(self, dtype=None, copy=None):
        raise CannotTrace("Blocks have no values yet.")

    def __bool__(self):
        raise CannotTrace("Blocks have no values yet.")

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        unsafe = options.pop("casting", "unsafe") == "unsafe"
        if method != "__call__" or options or not unsafe or ufunc.nout > 1:
            raise CannotTrace(f"numpy.{ufunc.__name__} is not called plainly.")
        if ufunc is np.power and _is_two(inputs[1]):
            ufunc, inputs = np.square, inputs[:1]
        if out is None:
            if ufunc is np.greater:  # whose sums are none of numbers
                raise CannotTrace("What is true or false has no place in a program.")
            largest = max((x for x in inputs if isinstance(x, Symbol)), key=_extent)
            target = self.tape.temporary(largest)
        else:
            (target,) = out
        if not isinstance(target, Symbol):
            raise CannotTrace("A result goes somewhere else than into a block.")
        rows = [
            self.tape.operate(ufunc.__name__, operands)
            for operands in target._rows(inputs)
        ]
        for name, value in zip(target.names, rows, strict=True):
            self.tape.stage.write(name, value)
        return target

    def _rows(self, inputs):
        """The operands of each block of a result."""
        columns = [self._column(x) for x in inputs]
        return list(zip(*columns, strict=True))

    def _column(self, operand):
        count = len(self.names)
        if not isinstance(operand, Symbol):
            return [self.tape.number(operand)] * count
        values = [self.tape.stage.read(name) for name in operand.names]
        if (operand.ndim, len(values)) == (self.ndim, count):
            return values
        if self.ndim == 2 and operand.ndim == 1 and len(values) == 1:
            return values * count
        raise CannotTrace("The shapes of blocks do not fit together.")


def _is_two(operand):
    return not isinstance(operand, Symbol) and np.ndim(operand) == 0 and operand == 2


def _extent(symbol):
    return symbol.ndim, len(symbol.names)
