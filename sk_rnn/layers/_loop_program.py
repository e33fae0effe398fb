"""The steps of a closed loop, and of its way back, as compiled programs."""

from functools import cached_property, partial

import numpy as np

from ..numerics._program import Program, can_compile

#: To make a program takes about as long as so many steps of NumPy.
PAYS = 10


def loop_program(memory, activations):
    """The program of a free run, or None where NumPy is to run it.

    Parameters
    ----------
    memory : FreeRun
    activations : list of Activation
        Those of the hidden layers.
    """
    steps, dtype = memory.structure, memory.past.dtype
    pays = steps.n_steps >= PAYS * len(steps.spans)
    if pays and activations and memory.n_line and can_compile(dtype):
        return LoopProgram(memory, activations)
    return None


class LoopProgram:
    """Runs over the memory of a free run.

    Every product is added to what is there: layers behind the first, and the outputs,
    hold their biases before.
    """

    def __init__(self, memory, activations):
        self.memory, self.activations = memory, activations
        dtype, widths = memory.past.dtype, [*memory.widths, memory.n_out]
        shapes = [(memory.n_line, widths[0]), *zip(widths, widths[1:], strict=False)]
        self.weights = [np.empty(shape, dtype) for shape in shapes]
        self.back_weights = [np.empty(shape[::-1], dtype) for shape in shapes]

    def forward(self, w_line, parameters):
        """Run all steps; the first layer holds what comes from outside.

        Parameters
        ----------
        w_line : ndarray of shape (n_line, width of the first layer)
        parameters : list of dict of str to ndarray
            Those of the other layers.
        """
        memory = self.memory
        self.weights[0][...] = w_line
        for own, p in zip(self.weights[1:], parameters, strict=True):
            own[...] = p["weight"]
        *hidden, last = (p["bias"] for p in parameters)
        for layer, bias in zip(memory.layers[1:], hidden, strict=True):
            layer[...] = bias
        memory.past[:, : -memory.n_line] = np.tile(last, memory.structure.n_steps)
        for (first, stop), program in zip(
            memory.structure.spans, self._forward, strict=True
        ):
            program.run(0, stop - first)

    def backward(self):
        """Turn slopes into gradients, and add to dL/dy, from the last step on."""
        for back, own in zip(self.back_weights, self.weights, strict=True):
            back[...] = own.T
        spans = self.memory.structure.spans
        for (first, stop), program in reversed([*zip(spans, self._back, strict=True)]):
            program.run(0, stop - first)

    @cached_property
    def _forward(self):
        return [self._step(first) for first, _ in self.memory.structure.spans]

    @cached_property
    def _back(self):
        return [self._back_step(stop - 1) for _, stop in self.memory.structure.spans]

    def _step(self, t):
        memory = self.memory
        step = memory.step(t)
        actions, below = [], step.line
        for layer, weight, activation in zip(
            step.layers, self.weights, self.activations, strict=False
        ):
            actions.append(_add_product(below, weight, layer))
            actions.append(partial(activation.apply, layer, layer))
            below = layer
        actions.append(_add_product(below, self.weights[-1], step.newest))
        by = memory.n_out * memory.past.itemsize
        return Program(actions, [(memory.past, -by, None), *_rows(memory.layers, step)])

    def _back_step(self, t):
        memory = self.memory
        step = memory.step(t)
        actions, above = [], step.d_newest
        for slope, weight in zip(
            reversed(step.deltas), reversed(self.back_weights), strict=False
        ):
            through = np.empty_like(slope)
            actions.append(_add_product(above, weight, through, beta=0.0))
            actions.append(partial(np.multiply, slope, through, slope))
            above = slope
        actions.append(_add_product(above, self.back_weights[0], step.d_line))
        by = memory.n_out * memory.past.itemsize
        moving = [(array, -by, None) for array, by, _ in _rows(memory.deltas, step)]
        return Program(actions, [(memory.d_past, by, None), *moving])


def _add_product(left, right, out, beta=1.0):
    """Arguments for ``out = beta * out + left @ right``, row after row."""
    return (1.0, right.T, left.T, beta, out.T, 0, 0, 1)


def _rows(arrays, step):
    """How arrays of packed rows move on with a step like this one."""
    n = step.rows.stop - step.rows.start
    return [(array, n * array.strides[0], None) for array in arrays]
