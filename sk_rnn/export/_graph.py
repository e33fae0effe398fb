"""A graph of ONNX nodes, written as if it were computed."""

import numpy as np

from .._packages import required

#: Before the names of the parts of a state, as they go in and as they come out.
BEFORE, AFTER = "state.", "next_state."

#: The end of an axis, whatever its length.
END = np.iinfo(np.int64).max


class Graph:
    """Nodes, their constants, and the state that goes through them.

    ``op("Add", a, b)`` adds a node and returns the name of its output. An operand is
    such a name, or an array, which becomes a constant; None leaves an operand out.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        Of all numbers that are not integers.
    prefix : str
        Of all names.
    outer : Graph or None
        The graph that this one is the body of a loop in. Constants are put there.
    """

    def __init__(self, dtype, prefix="", outer=None):
        self.onnx = required("onnx", "An ONNX graph", "onnx")
        self.dtype, self.prefix, self.nodes = np.dtype(dtype), prefix, []
        self.root = self if outer is None else outer.root
        if outer is None:
            self.constants, self.n_names = {}, 0
            self.states_before, self.states_after = {}, {}

    @property
    def element_type(self):
        """ONNX's number for the dtype."""
        return self.onnx.helper.np_dtype_to_tensor_dtype(self.dtype)

    def __call__(self, kind, *operands, n_results=1, **attributes):
        operands = [self._name_of(operand) for operand in operands]
        results = [self.new_name(kind) for _ in range(n_results)]
        name = self.new_name(kind)
        node = self.onnx.helper.make_node(kind, operands, results, name, **attributes)
        self.nodes.append(node)
        return results[0] if n_results == 1 else results

    def new_name(self, kind):
        """A name that is not in use yet."""
        self.root.n_names += 1
        return f"{self.root.prefix}{kind.lower()}_{self.root.n_names}"

    def _name_of(self, operand):
        if operand is None or isinstance(operand, str):
            return operand or ""
        return self.constant(self.new_name("constant"), operand)

    def constant(self, name, values):
        """Keep an array under a name; return the name."""
        values = np.asarray(values)
        dtype = np.int64 if values.dtype.kind in "iu" else self.dtype
        self.root.constants[name] = np.asarray(values, dtype, order="C")
        return name

    # -------------------------------------------------------------------- shorthands
    def slice(self, x, start, stop, axis, step=1):
        """``x[start:stop:step]`` along an axis."""
        ends = ([value] for value in (start, stop, axis, step))
        return self("Slice", x, *map(np.array, ends))

    def join(self, parts, axis):
        """Tensors one behind the other along an axis."""
        return parts[0] if len(parts) == 1 else self("Concat", *parts, axis=axis)

    def split(self, x, n_parts, width):
        """A tensor in parts of equal width along its last axis."""
        if n_parts == 1:
            return [x]
        widths = np.full(n_parts, width)
        return self("Split", x, widths, n_results=n_parts, axis=-1)

    def swap(self, x):
        """Exchange the first two axes of three."""
        return self("Transpose", x, perm=[1, 0, 2])

    def lengths(self, x):
        """The steps of each sequence, where an operator asks; None: they are all."""
        return None

    # ------------------------------------------------------------------------- state
    def begin(self, x, defaults):
        """Take note of the state before the first step, for each sequence of x.

        Parameters
        ----------
        x : str
            Of shape (n_steps, n_sequences, n_channels).
        defaults : dict of str to ndarray of shape (1, ...)
            The parts of a fresh start, by the names that they have in the network.
        """
        n_sequences = self.slice(self("Shape", x), 1, 2, 0)
        for name, value in defaults.items():
            # One row for all sequences, in whose place others may be fed.
            part = self.constant(f"{self.prefix}{BEFORE}{name}", value)
            shape = self.join([n_sequences, np.ones(value.ndim - 1, int)], 0)
            self.states_before[name] = self("Expand", part, shape)

    def scan(self, step, states, x):
        """Take steps, one after the other, along the first axis of x.

        Parameters
        ----------
        step : callable
            ``step(op, states, x_t) -> (states, y_t)`` in the graph `op` of a step.
        states : list of str
        x : str

        Returns
        -------
        states : list of str
            Those after the last step.
        y : str
            Along the first axis.
        """
        body, make = Graph(self.dtype, outer=self), self.onnx.helper
        inputs = [self.new_name("before") for _ in states] + [self.new_name("x")]
        after, y = step(body, inputs[:-1], inputs[-1])
        # An output of a body is one of its own nodes, and has a name of its own.
        outputs = [body("Identity", name) for name in (*after, y)]

        def known(names):
            return [
                make.make_tensor_value_info(name, self.element_type, None)
                for name in names
            ]

        name = self.new_name("step")
        graph = make.make_graph(body.nodes, name, known(inputs), known(outputs))
        found = self(
            "Scan",
            *states,
            x,
            n_results=len(outputs),
            body=graph,
            num_scan_inputs=1,
        )
        return found[:-1], found[-1]
