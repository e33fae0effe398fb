"""The Layer contract, and layers in a chain."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._typing import Shapes
from ..numerics._parameters import size_of, views
from ..numerics._threads import parts, worth
from ..numerics._workspace import Workspace


class Layer:
    """Maps packed rows to packed rows; knows sizes, holds no data.

    Attributes
    ----------
    n_in, n_out : int
        Columns of the rows that come in and go out.
    reach : int or None
        How many steps back an output depends on the input; None for all of them.
    fixed : bool
        Whether the output is decided by the input alone: no parameters, no chance.
    shapes : dict of str to tuple
        The parameters, in the order in which they lie in the flat vector. A name whose
        last part begins with ``bias``, ``initial`` or ``skip`` is free of the L2
        penalty.
    """

    n_in: int
    n_out: int
    reach: int | None = 0
    fixed: bool = False
    shapes: Shapes = {}

    @property
    def size(self) -> int:
        """Number of parameters."""
        return size_of(self.shapes)

    @property
    def n_kept(self) -> int:
        """About how many numbers a training pass holds of each row."""
        return self.n_in + 2 * self.n_out

    def runs_beside(self, dtype: Any, lengths: np.ndarray) -> bool:
        """Whether passes over sequences of such lengths gain by running side by side.

        That is not so where most of a pass is Python, which has one lock for all, and
        where it is one of chance, which would come in another order.
        """
        return True

    def n_parts(self, dtype: Any, lengths: np.ndarray, training: bool = True) -> int:
        """Into how many parts to cut sequences, to be run `side_by_side`.

        Networks without memory make a few large calls of NumPy: they gain nothing. And
        where layers are so large that BLAS would have more threads, it is given them.
        """
        if self.reach is not None or not self.runs_beside(dtype, lengths):
            return 1
        n_sequences, n_rows = len(lengths), int(lengths.sum())
        found = parts(n_sequences, n_rows * self.size * (2 if training else 1))
        return found if found >= worth(n_sequences * self.size) else 1

    def views(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """The parameters by name, as views of the flat vector."""
        return views(theta, self.shapes)

    def initialise(self, theta: np.ndarray, rng: np.random.RandomState) -> None:
        """Write initial values into `theta`."""

    def initial_state(self, theta: np.ndarray, n_sequences: int) -> Any:
        """The state before the first step, which None stands for in `forward`.

        It is made of the parameters, in their precision, where it is learnt.
        """
        return None

    def forward(
        self,
        theta: np.ndarray,
        x: np.ndarray,
        steps: Any,
        wanted: Any,
        state: Any = None,
        workspace: Workspace | None = None,
    ) -> tuple[np.ndarray, Any, Any]:
        """Compute the output rows.

        Parameters
        ----------
        theta : ndarray of shape (size,)
        x : ndarray of shape (steps.n_rows, n_in)
        steps : Steps
            Structure of `x`.
        wanted : Steps
            Structure of the rows that are wanted: `steps` itself or a tail of it. A
            layer of reach 0 is only asked for all of its rows.
        state : object or None
            What an earlier call returned, to go on where it stopped; None is a fresh
            start. Its arrays have one entry per sequence along their first axis.
        workspace : Workspace or None
            Memory for a pass in training, which `backward` will follow. None is
            inference.

        Returns
        -------
        y : ndarray of shape (wanted.n_rows, n_out)
        state : object or None
            The state after the last step of each sequence (None in training).
        cache : object
            What `backward` needs (None in inference).
        """
        raise NotImplementedError

    def bind(self, theta: np.ndarray) -> Callable[..., tuple[np.ndarray, Any, Any]]:
        """Make the function (x, steps, wanted, state) of `forward` in inference.

        What depends on the parameters alone is done here, once for many calls. They
        must not change any more, and x has their precision.
        """
        return partial(self.forward, theta)

    def backward(
        self,
        theta: np.ndarray,
        dy: np.ndarray,
        cache: Any,
        dtheta: np.ndarray,
        need_dx: bool = True,
    ) -> np.ndarray | None:
        """Add the gradient to `dtheta`; return that of the input rows.

        Parameters
        ----------
        theta : ndarray of shape (size,)
        dy : ndarray of shape (wanted.n_rows, n_out)
            Gradient of the loss with respect to the output rows; may be overwritten.
        cache : object
            From the `forward` call with a workspace on the same rows. It is void as
            soon as the workspace serves another pass of this layer.
        dtheta : ndarray of shape (size,)
        need_dx : bool
            False where nobody reads the returned gradient (the first layer).

        Returns
        -------
        dx : ndarray of shape (steps.n_rows, n_in) or None
        """
        raise NotImplementedError

    def tangent(
        self, theta: np.ndarray, cache: Any, dx: np.ndarray | None
    ) -> np.ndarray | None:
        """Derivatives of the output rows with respect to parameters.

        Parameters
        ----------
        theta : ndarray of shape (size,)
        cache : object
            From the `forward` call with a workspace just before.
        dx : ndarray of shape (steps.n_rows, n_in, n_before) or None
            Derivatives of the input rows with respect to parameters of layers before;
            None where there are none.

        Returns
        -------
        dy : ndarray of shape (wanted.n_rows, n_out, n_before + size) or None
        """
        raise NotImplementedError

    def n_tangents(self, steps: Any, wanted: Any) -> int:
        """How many numbers `tangent` finds for each parameter."""
        return wanted.n_rows * self.n_out

    def unit_gradients(
        self, theta: np.ndarray, dy: np.ndarray, cache: Any
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Gradients of the units within, after `backward`: what a diagnostic looks at.

        Parameters
        ----------
        theta : ndarray of shape (size,)
        dy : ndarray of shape (steps.n_rows, n_out)
            As given to `backward`. All rows must have been wanted from `forward`.
        cache : object
            As given to `backward`.

        Returns
        -------
        list of (dz, dh)
            For each layer of units within, the gradients with respect to the
            pre-activations of its gates, (steps.n_rows, n_gates * n_units), and to its
            outputs, (steps.n_rows, n_units), on all ways that lead to the loss.
        """
        return []


class Forward:
    """A network with its parameters, which stay as they are; see `Layer.bind`.

    Pickles and copies hold the two, and not what was made of them.

    Parameters
    ----------
    network : Layer
    theta : ndarray of shape (network.size,)
    """

    def __init__(self, network, theta):
        theta.flags.writeable = False
        self.network, self.theta = network, theta
        self._forward = network.bind(theta)

    def __call__(self, x, steps, wanted, state=None):
        return self._forward(x, steps, wanted, state)

    def __reduce__(self):
        return Forward, (self.network, self.theta)


class Chain(Layer):
    """Layers one after another.

    Parameters
    ----------
    layers : dict of str to Layer
        In order. A parameter is named ``layer.parameter``; under an empty layer name
        it keeps its own name.
    """

    def __init__(self, layers):
        self.names, self.layers = list(layers), list(layers.values())
        self.n_in, self.n_out = self.layers[0].n_in, self.layers[-1].n_out
        reaches = [layer.reach for layer in self.layers]
        self.reach = None if None in reaches else sum(reaches)
        self.shapes = {
            f"{name}.{key}" if name else key: shape
            for name, layer in layers.items()
            for key, shape in layer.shapes.items()
        }
        ends = np.cumsum([0] + [layer.size for layer in self.layers]).tolist()
        self.parts = [slice(a, b) for a, b in zip(ends, ends[1:], strict=False)]

    @property
    def n_kept(self):
        return sum(layer.n_kept for layer in self.layers)

    def runs_beside(self, dtype, lengths):
        return all(layer.runs_beside(dtype, lengths) for layer in self.layers)

    def split(self):
        """The fixed layers at the front (or None), and the trained rest, as chains."""
        layers = dict(zip(self.names, self.layers, strict=True))
        n = 0
        while n < len(layers) - 1 and self.layers[n].fixed:
            n += 1
        fixed = {name: layers.pop(name) for name in self.names[:n]}
        return Chain(fixed) if fixed else None, Chain(layers)

    def initialise(self, theta, rng):
        for layer, part in zip(self.layers, self.parts, strict=True):
            layer.initialise(theta[part], rng)

    def initial_state(self, theta, n_sequences):
        return [
            layer.initial_state(theta[part], n_sequences)
            for layer, part in zip(self.layers, self.parts, strict=True)
        ]

    def between(self, steps, wanted):
        """The structure before, between and behind the layers: only the rows needed.

        Where only the last step of a sequence is wanted, a delay of K steps needs the
        last K + 1 rows of what comes before it, and no layer computes more.
        """
        found = [wanted]
        n_last = None if wanted is steps else int(wanted.lengths[0])
        for layer in reversed(self.layers):
            if n_last is not None:
                n_last = None if layer.reach is None else n_last + layer.reach
            found.append(steps.tail(n_last))
        return found[::-1]

    def forward(self, theta, x, steps, wanted, state=None, workspace=None):
        if workspace is None:
            theta = theta.astype(np.result_type(theta, x), copy=False)
            return self.bind(theta)(x, steps, wanted, state)
        passes = [
            partial(layer.forward, theta[part], workspace=workspace)
            for layer, part in zip(self.layers, self.parts, strict=True)
        ]
        x, _, caches, first = self._run(passes, x, steps, wanted, state)
        return x, None, (caches, steps, first)

    def bind(self, theta):
        passes = [
            layer.bind(theta[part])
            for layer, part in zip(self.layers, self.parts, strict=True)
        ]

        def forward(x, steps, wanted, state=None):
            x, after, _, _ = self._run(passes, x, steps, wanted, state)
            return x, after, None

        return forward

    def _run(self, passes, x, steps, wanted, state):
        """Outputs, states and caches of the layers; the structure of what they saw."""
        between = self.between(steps, wanted)
        if between[0] is not steps:
            x = x[steps.rows_of(between[0])]
        states, caches, after = state or [None] * len(passes), [], []
        for k, forward in enumerate(passes):
            x, new_state, cache = forward(x, between[k], between[k + 1], states[k])
            after.append(new_state)
            caches.append(cache)
        return x, after, caches, between[0]

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        caches, steps, first = cache
        for k in reversed(range(len(self.layers))):
            part, need = self.parts[k], need_dx or k > 0
            layer = self.layers[k]
            dy = layer.backward(theta[part], dy, caches[k], dtheta[part], need)
        if not need_dx or first is steps:
            return dy
        dx = np.zeros((steps.n_rows, dy.shape[1]), dy.dtype)
        dx[steps.rows_of(first)] = dy
        return dx

    def n_tangents(self, steps, wanted):
        between = self.between(steps, wanted)
        return max(
            layer.n_tangents(between[k], between[k + 1])
            for k, layer in enumerate(self.layers)
        )

    def tangent(self, theta, cache, dx=None):
        caches, _, _ = cache
        for layer, part, own in zip(self.layers, self.parts, caches, strict=True):
            dx = layer.tangent(theta[part], own, dx)
        return dx
