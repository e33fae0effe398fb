"""Versions of what matters, for reports of faults."""

import platform
import sys
from importlib import metadata

from threadpoolctl import threadpool_info

from ._version import __version__
from .numerics._compiler import status

#: What is needed, then what is used where it is there.
NEEDED = ("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl")
OPTIONAL = ("pandas", "polars", "pyarrow", "matplotlib", "skops", "torch", "llvmlite")


def show_versions() -> None:
    """Print versions of Python, of sk_rnn, of what it needs, and of BLAS.

    And whether networks run in compiled code. For reports of faults.

    See Also
    --------
    sklearn.show_versions : The same for scikit-learn.

    Examples
    --------
    >>> import sk_rnn
    >>> sk_rnn.show_versions()  # doctest: +ELLIPSIS
    sk_rnn: ...
    python: ...
    """
    rows = {"sk_rnn": __version__, "python": sys.version.split()[0]}
    rows["machine"] = platform.platform()
    for name in NEEDED + OPTIONAL:
        try:
            rows[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            rows[name] = "not installed"
    for name, value in rows.items():
        print(f"{name}: {value}")
    print(f"steps of networks: {status()}")
    for pool in threadpool_info():
        version, n_threads = pool.get("version"), pool["num_threads"]
        print(f"{pool['internal_api']}: {version}, {n_threads} thread(s)")
