"""The Cell contract: one step of a recurrent network, and its derivative.

A cell sees one step of all sequences at once. Each quantity of the step (a gate, a
state, a gradient) is a *block*: ``n_units`` times one number per sequence, contiguous
and flat. Blocks have names, and neighbours can be taken together, so that one NumPy
call serves them all. The passes over time own the memory, the loop and every matrix
product; the cell is left with its equations.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..._typing import Arrays

#: The function of a step; or the functions before, between and behind its products.
Stages: TypeAlias = Callable[[], None] | tuple[Callable[[], None], ...]


class Blocks:
    """Blocks by name: ``b.r`` is one, ``b["r":"z"]`` a stretch of neighbours, flat.

    With a leading axis of steps the same names give them for all these steps.

    Parameters
    ----------
    array : ndarray of shape (n_blocks, size) or (n_steps, n_blocks, size)
    names : tuple of str of length n_blocks
    others : dict of str to ndarray
        Blocks that lie elsewhere.
    """

    def __init__(
        self,
        array: np.ndarray,
        names: Sequence[str],
        others: Arrays | tuple[()] = (),
    ) -> None:
        self._array, self._names = array, names
        self._spans: dict[tuple[str, str], np.ndarray] = {}
        self.__dict__.update(others)

    def __getattr__(self, name: str) -> Any:
        array, place = self._array, self._place(name)
        block = array[place] if array.ndim == 2 else array[:, place]
        self.__dict__[name] = block  # found without a call from now on
        return block

    def _place(self, name):
        if name in self._names:
            return self._names.index(name)
        raise AttributeError(f"There is no block {name!r} among {self._names}.")

    def __getitem__(self, span: slice) -> Any:
        ends = span.start, span.stop
        if ends not in self._spans:
            part = self.stacked(*ends)
            flat = -1 if part.ndim == 2 else (len(part), -1)
            self._spans[ends] = part.reshape(flat)
        return self._spans[ends]

    def stacked(self, first: str, last: str) -> np.ndarray:
        """A stretch as rows, (..., n_blocks, size): one block acts on all of them."""
        begin, end = self._place(first), self._place(last)
        if end < begin:
            raise ValueError(f"Block {last!r} lies before {first!r} in {self._names}.")
        array, rows = self._array, slice(begin, end + 1)
        return array[rows] if array.ndim == 2 else array[:, rows]


class Cell:
    """One step of a recurrent network.

    The pass computes ``z = W [h_{t-1}; x_t; 1]`` for all gates; `forward` turns it into
    the new state. Blocks of the forward step are the gates, which hold z, then
    `blocks`; blocks of its derivative are the gates, which end as dL/dz, then
    `derivatives`. Gates have the same order everywhere, parameters included.

    Attributes
    ----------
    gates : dict of str to {"hx", "h", "x"}
        What each gate sees: h_{t-1} and x_t, or one of them alone. Gates that see "hx"
        come first, then those that see "h", then those that see "x".
    halved : tuple of str
        Gates that are handed over as z / 2, as sigmoid(z) = (1 + tanh(z / 2)) / 2 wants
        it: the halves are folded into the weights, and cost nothing. Their derivative
        is dL/dz all the same, of the whole z.
    blocks : tuple of str
        What else `forward` keeps. A block named ``c`` is a second state: it holds
        c_{t-1}.
    derivatives : tuple of str
        What else `derive` and `backward` keep. ``h_prev`` ends as the part of
        dL/dh_{t-1} that passes through no matrix product, ``c_prev`` as dL/dc_{t-1}.
    vectors : tuple of str
        Parameters of one number per unit: blocks of `forward`, and of the derivative,
        where they end as dL/dvector of the step.
    products : dict of str to str
        Products behind a gate, ``{"u": "a"}`` for u = U a, in the order of computation.
        Both are blocks of both steps; a derivative u ends as dL/du, a is given then.
        Blocks of the derivative lie in the order gates, `derivatives`, `vectors`,
        results (u), operands (a).
    recurrent_gain : float
        The orthogonal initial values of recurrent weights are multiplied by it.
    """

    gates: Mapping[str, str] = {}
    halved: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    derivatives: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    products: Mapping[str, str] = {}
    recurrent_gain: float = 1.0

    @property
    def n_states(self) -> int:
        return 2 if "c" in self.blocks else 1

    def initialise(self, bias: Arrays, vectors: Arrays) -> None:
        """Write initial values other than zero, given by gate and by name."""

    def initialise_memory(
        self, recurrent: Arrays, bias: Arrays, time_scale: np.ndarray
    ) -> None:
        """Write initial values with which units remember for so many steps.

        Parameters
        ----------
        recurrent : dict of str to ndarray of shape (n_units, n_units)
            The recurrent weights of the gates that see h, transposed.
        bias : dict of str to ndarray of shape (n_units,)
            The biases of the gates that see x.
        time_scale : ndarray of shape (n_units,)
            Steps after which a share of 1/e is left.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not say how to initialise its memory: leave "
            "time_scale at None, or write initialise_memory."
        )

    def forward(
        self, b: Blocks, h_prev: np.ndarray, h: np.ndarray, c: np.ndarray
    ) -> Stages:
        """Make the function, without arguments, that computes the new state.

        Parameters
        ----------
        b : Blocks
        h_prev : ndarray
            The block of h_{t-1}.
        h, c : ndarray
            Where h_t and c_t belong. In inference they are the memory of h_{t-1} and
            c_{t-1}: what is needed of these is read before.

        Returns
        -------
        callable, or with `products` tuple of callable
            The k-th product is computed behind the k-th of them.
        """
        raise NotImplementedError

    def derive(
        self, b: Blocks, h_prev: np.ndarray, h: np.ndarray, d: Blocks
    ) -> Callable[[], None]:
        """Make the function that computes the local derivatives of several steps.

        All blocks have a leading axis of steps. Whatever `backward` needs of b goes
        into d: the blocks of the forward step do not last.
        """
        raise NotImplementedError

    def backward(
        self, d: Blocks, dh: np.ndarray, dc_next: np.ndarray, dc: np.ndarray
    ) -> Stages:
        """Make the function that turns local derivatives into gradients.

        Parameters
        ----------
        d : Blocks
        dh, dc_next : ndarray
            dL/dh_t, and dL/dc_t as far as it comes from the step after.
        dc : ndarray
            A block to work with, for the whole dL/dc_t.

        Returns
        -------
        callable, or with `products` tuple of callable
            In the order in which they run: the last product is taken back behind the
            first of them.
        """
        raise NotImplementedError


def check_cell(cell):
    """Refuse a cell whose attributes do not fit together."""
    name, sees = type(cell).__name__, list(cell.gates.values())
    order = ["hx", "h", "x"]
    if not set(sees) <= set(order) or sees != sorted(sees, key=order.index):
        raise ValueError(
            f"{name}.gates: those that see 'hx' come first, then those that see 'h', "
            f"then those that see 'x'; got {cell.gates}."
        )
    for attribute in ("halved", "blocks", "derivatives", "vectors"):
        if not isinstance(getattr(cell, attribute), tuple):
            raise TypeError(
                f"{name}.{attribute} must be a tuple of names; got "
                f"{getattr(cell, attribute)!r}."
            )
    if unknown := set(cell.halved) - set(cell.gates):
        raise ValueError(f"{name}.halved names no gate: {sorted(unknown)}.")


def stages(cell, functions):
    """The functions of a step as a tuple: one more than there are products."""
    functions = functions if isinstance(functions, tuple) else (functions,)
    if len(functions) != 1 + len(cell.products) or not all(map(callable, functions)):
        raise ValueError(
            f"{type(cell).__name__} has {len(cell.products)} product(s) behind its "
            f"gates, but {sum(map(callable, functions))} function(s) for a step: one "
            "before each product and one behind the last are needed."
        )
    return functions


def constant(value, like):
    """A number as an array: NumPy takes twice as long over a Python float."""
    return np.array(value, like.dtype)
