"""One flat parameter vector, seen through named views."""

from math import prod


def size_of(shapes):
    """Count the parameters of ``{name: shape}``."""
    return sum(prod(shape) for shape in shapes.values())


def views(theta, shapes):
    """Cut a flat vector into named arrays that share its memory.

    Parameters
    ----------
    theta : ndarray of shape (..., size_of(shapes))
        Axes before the last stay in front of each shape.
    shapes : dict of str to tuple of int

    Returns
    -------
    dict of str to ndarray
    """
    out, start = {}, 0
    for name, shape in shapes.items():
        stop = start + prod(shape)
        part = theta[..., start:stop]
        out[name] = part if len(shape) == 1 else part.reshape(*part.shape[:-1], *shape)
        start = stop
    return out
