"""Memory that a fit will take: told before it is taken."""

import os

import numpy as np

from ..data._dataset import tiles
from ..solvers import SOLVERS

#: Bytes of the views of one step that layers with a loop make for all passes, at least.
OF_A_STEP = 2000

#: Vectors of parameters that a solver holds: L-BFGS its last ten pairs, and more.
OF_A_SOLVER = 40


def machine_memory():
    """Bytes of memory of this machine; infinite where it does not tell."""
    try:
        n_pages = os.sysconf("SC_PHYS_PAGES")
        # -1 in WebAssembly.
        return os.sysconf("SC_PAGE_SIZE") * n_pages if n_pages > 0 else np.inf
    except (AttributeError, ValueError, OSError):  # Windows
        return np.inf


def check_memory(estimator, network, data, solver, n_starts):
    """Refuse a fit that would need more memory than the machine has.

    Parameters
    ----------
    estimator : NetworkRegressor
    network : Layer
    data : Dataset
        Cut into windows.
    solver : str
    n_starts : int
    """
    of_data, of_parameters = _estimate(estimator, network, data, solver, n_starts)
    limit = machine_memory()
    if of_data + of_parameters <= limit:
        return
    lower = "n_init"
    if of_data > of_parameters:
        lower = f"the {data.lengths.max()} steps of the longest sequence"
        if hasattr(estimator, "bptt_steps") and not data.last:
            lower = f"bptt_steps (now windows of {data.lengths.max()} steps)"
    raise ValueError(
        f"This fit would take about {(of_data + of_parameters) / 2**30:.3g} GiB of "
        f"memory, {of_parameters / 2**30:.3g} GiB of them for {network.size:.3g} "
        f"parameters, and the machine has {limit / 2**30:.3g} GiB: lower "
        f"hidden_layer_sizes, or {lower}."
    )


def _estimate(estimator, network, data, solver, n_starts):
    """Bytes of the largest passes side by side, and of all vectors of parameters."""
    size, lengths = data.x.dtype.itemsize, data.lengths
    if not SOLVERS[solver].same_function and estimator.batch_size != "auto":
        lengths = np.sort(lengths)[-int(min(estimator.batch_size, len(lengths))) :]
    if data.last and network.reach is not None:
        lengths = np.ones_like(lengths)  # what is not looked at is not computed
    n_parts = 1
    if SOLVERS[solver].same_function:
        n_parts = network.n_parts(data.x.dtype, lengths)
    largest = max(
        int(lengths[tile].max()) * len(tile) for tile in tiles(lengths, n_parts)
    )
    views = OF_A_STEP * int(lengths.max()) if network.reach is None else 0
    of_data = n_parts * (size * largest * network.n_kept + views)
    return of_data, size * network.size * (n_starts + OF_A_SOLVER)
