"""Matrix products into given memory, as arguments for BLAS.

`scipy.linalg.blas` writes into an array it is given, and can add to it; NumPy cannot.
BLAS counts columns first, so every argument is handed over transposed, which costs
nothing: a C-contiguous matrix is the transpose of an F-contiguous one.
"""

from functools import cache

import numpy as np
from scipy.linalg import get_blas_funcs

from ._memory import aligned
from ._threads import pools, worth

#: OpenBLAS has kernels for small products (rows * columns * depth up to this) on
#: processors with AVX-512: 1.2 to 1.4 times faster than a large one. They do not use
#: threads.
SMALL = 1_000_000

#: A small matrix times one or a few columns takes 0.6 to 0.9 of the time where its
#: columns are contiguous; a larger one, or more columns, takes more.
FEW_COLUMNS, FEW_WEIGHTS = 8, 20_000

#: Parts of fewer rows would waste their registers.
FEWEST_ROWS = 16


@cache
def gemm(dtype):
    """The BLAS routine that takes the arguments made here."""
    return get_blas_funcs("gemm", dtype=np.dtype(dtype))


def weights(n_rows, depth, n_columns, dtype):
    """Memory for the `left` of products with so many columns."""
    flat = aligned(n_rows * depth, dtype)
    if n_columns <= FEW_COLUMNS and len(flat) <= FEW_WEIGHTS:
        return flat.reshape(depth, n_rows).T
    return flat.reshape(n_rows, depth)


def products(left, right, out, beta=0.0):
    """Arguments for ``out = beta * out + left @ right``, by parts of the rows.

    Parameters
    ----------
    left : ndarray of shape (n_rows, depth)
        From `weights`, or C-contiguous.
    right : ndarray of shape (depth, n_columns)
    out : ndarray of shape (n_rows, n_columns)
        Both C-contiguous.
    beta : float

    Returns
    -------
    list of tuple
    """
    if not len(left):
        return []
    if not left.flags.c_contiguous:
        return [(1.0, right.T, left, beta, out.T, 0, 1, 1)]
    size = -(-len(left) // _parts(*left.shape, right.shape[1]))
    return [
        (1.0, right.T, left[a : a + size].T, beta, out[a : a + size].T, 0, 0, 1)
        for a in range(0, len(left), size)
    ]


def outer_product(left, right, out):
    """Arguments for ``out += left @ right.T``, both of shape (n_rows, depth)."""
    return (1.0, right.T, left.T, 1.0, out.T, 1, 0, 1)


def _parts(n_rows, depth, n_columns):
    """The smallest number of equal parts that are small products, or 1."""
    size = n_rows * depth * n_columns
    if not _has_small_kernels() or worth(size) > 1:
        return 1
    parts = -(-size // SMALL)
    while parts < n_rows and n_rows % parts:
        parts += 1
    return parts if n_rows // parts >= FEWEST_ROWS else 1


@cache
def _has_small_kernels():
    return any(
        library.get("internal_api") == "openblas"
        and library.get("architecture") in ("SkylakeX", "Cooperlake", "SapphireRapids")
        for library in pools().info()
    )
