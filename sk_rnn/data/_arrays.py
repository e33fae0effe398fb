"""What the doors for X and y share: what they take for an array, and its checks."""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from ._frames import is_frame, numbers_of, unframed

FLOATS = (np.float64, np.float32)


def unboxed(values):
    """A list in place of a 1-D array of arrays: NumPy holds ragged ones so.

    And an array of NumPy in place of a tensor, or one of another namespace.
    """
    if isinstance(values, list) and values and _is_foreign(values[0]):
        return [_of_numpy(part) if _is_foreign(part) else part for part in values]
    if _is_foreign(values):
        return _of_numpy(values)
    boxed = isinstance(values, np.ndarray) and values.dtype == object
    if boxed and values.ndim == 1 and len(values) and np.ndim(values[0]):
        return list(values)
    return values


def _is_foreign(values):
    """Whether it is an array of another namespace, or a tensor of torch."""
    if isinstance(values, np.ndarray | np.generic):
        return False
    is_tensor = type(values).__module__ == "torch"  # which is not imported for it
    return is_tensor or hasattr(values, "__array_namespace__")


def _of_numpy(array):
    try:
        return np.from_dlpack(array)
    except (BufferError, RuntimeError) as error:
        kind = f"{type(array).__module__}.{type(array).__name__}"
        raise TypeError(
            "Arrays of other libraries are read where they lie, in the memory of the "
            f"processor; this {kind} cannot be: {error}"
        ) from error


def boxed(parts):
    """The inverse: a 1-D array of arrays in place of a list."""
    return np.fromiter(parts, object, len(parts))


def is_regular(nested):
    """Whether a nested list has the same length everywhere on each level."""
    try:
        np.ndim(nested)
    except ValueError:
        return False
    return True


def n_dims(values):
    """Number of dimensions of an array, a frame or a regular nested list."""
    if hasattr(values, "ndim"):
        return values.ndim
    return 2 if is_frame(values) else np.asarray(values).ndim


def few(items):
    """The first few items as text."""
    text = ", ".join(str(item) for item in items[:4])
    return text + (", ..." if len(items) > 4 else "")


def is_clean(array):
    """Whether check_array would return it as it is; told in a tenth of the time."""
    return (
        type(array) is np.ndarray and array.dtype in FLOATS and np.isfinite(array).all()
    )


def in_precision(values, dtype, name):
    """Finite values, or NaN, in another precision, which must not be too small."""
    if values.dtype == dtype:
        return values
    with np.errstate(over="ignore"):
        found = values.astype(dtype)
    if np.isinf(found).any():
        raise ValueError(
            f"{name} holds values up to {np.nanmax(np.abs(values)):g}, beyond the "
            f"range of {np.dtype(dtype).name}, the type of the X of fit, in which the "
            "model computes. Rescale them, or fit to X.astype(float)."
        )
    return found


def validated(estimator, X, reset):
    """A checked 2-D array; what is clean is not checked at length."""
    known = not reset and not hasattr(estimator, "feature_names_in_")
    if known and is_clean(X) and X.flags.c_contiguous and len(X):
        if X.shape[1:] == (estimator.n_features_in_,):
            return X
    with numbers_of(X, "X"):
        array = unframed(X)
        if array is X:
            return validate_data(estimator, X, dtype=FLOATS, order="C", reset=reset)
        check_columns(estimator, X, reset)
        return check_array(
            array, dtype=FLOATS, order="C", estimator=estimator, input_name="X"
        )


def check_columns(estimator, X, reset):
    """Set or compare the number and names of columns, and no more."""
    validate_data(estimator, X, reset=reset, skip_check_array=True)
