"""The Cell contract: one step and its derivative.

A cell sees one step of all living sequences at once. Every quantity of a step (a
gate, a state) is a *block*: ``n_units`` rows of one number per sequence, contiguous in
memory. Blocks that one operation can treat together lie side by side in a *record*, so
that one NumPy call serves them all. The driver (`Recurrent`) owns the records, the loop
over time and every matrix product; the cell is left with its equations.

The product of a step is ``z = W [h_{t-1}; x_t; 1]``, one block for each gate:

- the ``n_full`` gates depend on h and x,
- the ``n_recurrent`` ones on h alone,
- the ``n_input`` ones on x alone; they come apart, as `x_part`.

Blocks of a record are addressed by `block(record, first, stop)`; with a leading axis
the same call addresses them for a whole stretch of steps.
"""

import numpy as np


def constant(value, like):
    """A number as an array: NumPy takes twice as long over a Python float."""
    return np.array(value, like.dtype)


def block(record, first, stop=None):
    """Blocks `first` to `stop` of a record (..., n_blocks, size), flat, as a view."""
    stop = first + 1 if stop is None else stop
    return record[..., first:stop, :].reshape(*record.shape[:-2], -1)


class Cell:
    """One step of a recurrent network.

    Attributes
    ----------
    n_full, n_recurrent, n_input : int
        How many gates depend on h and x, on h alone, on x alone.
    n_sigmoids : int
        The first so many gates are sigmoids, written (1 + tanh(z / 2)) / 2: the driver
        hands them over as z / 2, the halves being folded into the weights.
    n_record : int
        Blocks of the forward record; z fills its first ones. 0: z is written to h.
    memory : int or None
        Block of the forward record that holds the second state, c_{t-1}.
    n_local : int
        Blocks of the record of local derivatives.
    first_delta : int
        First block of the local record that becomes dL/dz: the gates that depend on x
        alone, then the full ones, then those that depend on h alone.
    through : int or None
        Block of the local record that becomes the part of dL/dh_{t-1} that does not
        pass through a matrix product.
    kept : int or None
        Block of the local record that becomes dL/dc_{t-1}.
    recurrent_gain : float
        The orthogonal recurrent weights of the start are multiplied by it.
    """

    n_full = n_recurrent = n_input = n_sigmoids = n_record = n_local = first_delta = 0
    memory = through = kept = None
    recurrent_gain = 1.0

    @property
    def n_states(self):
        return 1 if self.memory is None else 2

    def start_bias(self, bias, n_units):
        """Starting values of the biases of the gates that see x."""
        bias[...] = 0

    def start_memory(self, weight_recurrent, bias, time_scale):
        """Starting values with which units remember for so many steps.

        Parameters
        ----------
        weight_recurrent : ndarray of shape (n_units, gates that see h * n_units)
        bias : ndarray of shape (gates that see x * n_units,)
        time_scale : ndarray of shape (n_units,)
            Steps after which a share of 1/e is left.
        """
        raise NotImplementedError

    def operands(self, record, x_part, h_prev, h, c):
        """Views for `step`; h and c are where the new states belong.

        Where nobody differentiates, h may be the memory of h_prev: what `step` needs of
        it must be read before h is written.
        """
        raise NotImplementedError

    def step(self, *operands):
        """Compute the new states from z."""
        raise NotImplementedError

    def local_operands(self, record, h, local):
        """Views for `local`, with a leading axis of steps."""
        raise NotImplementedError

    def local(self, *operands):
        """Compute the local derivatives of a stretch of steps."""
        raise NotImplementedError

    def back_operands(self, local, dh, dc_next, dc):
        """Views for `back`; dc_next comes from the step after, dc is free."""
        raise NotImplementedError

    def back(self, *operands):
        """Turn local derivatives into gradients, given dL/dh_t (and dL/dc_t)."""
        raise NotImplementedError
