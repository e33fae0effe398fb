"""One case in every form that is accepted, and in every layout of memory."""

import numpy as np
import pytest

pd = pytest.importorskip("pandas", reason="cases take its form, too")
pl = pytest.importorskip("polars", reason="cases take its form, too")
pa = pytest.importorskip("pyarrow", reason="cases take its form, too")

# ------------------------------------------------------------------------------- memory


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def strided(x):
    return np.repeat(x, 2, axis=-1)[..., ::2]


def big_endian(x):
    return x.astype(x.dtype.newbyteorder(">")).astype(x.dtype.newbyteorder(">"))


#: As it is, in Fortran's order, not to be written to, with gaps, backwards, and in the
#: other order of bytes (which is read as doubles, and so is for doubles alone).
MEMORY = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "read-only": read_only,
    "strided": strided,
    "backwards": lambda x: x[::-1].copy()[::-1],
    "big-endian": big_endian,
}


# -------------------------------------------------------------------------------- forms
def boxed(parts):
    array = np.empty(len(parts), object)
    array[:] = parts
    return array


def names_of(x):
    return [f"u{k}" for k in range(x.shape[-1])]


def pandas_frame(x):
    return pd.DataFrame(x, columns=names_of(x))


def columns_of(x):
    """By name, in the order of bytes that Polars and Arrow know."""
    x = x.astype(x.dtype.newbyteorder("="))
    return {name: x[:, k] for k, name in enumerate(names_of(x))}


def polars_frame(x):
    return pl.DataFrame(columns_of(x))


def arrow_table(x):
    return pa.table(columns_of(x))


FRAMES = {"pandas": pandas_frame, "polars": polars_frame, "pyarrow": arrow_table}


class Form:
    """Data of a case as it is handed over.

    Attributes
    ----------
    params : dict
        The hyper-parameters that say how to read it.
    X, y, weight : object
    ids : ndarray of int of shape (n_sequences,)
        What a column of sequences holds of each.
    """

    def __init__(self, case, kind, memory="C", order=None):
        order = range(len(case.X)) if order is None else order
        self.ids = case.rng.permutation(len(case.X))[order]
        self.case, self.kind, self.params = case.some(order), kind, {}
        self.place = MEMORY[memory]
        self.X = self._X(self.case.X)
        self.y = self._y(self.case.targets)
        self.weight = self._weight(self.case.weight)

    def fit(self, **more):
        return self.case.make(**self.params | more).fit(self.X, self.y, self.weight)

    def rows(self, y):
        """Predictions as rows, one after the other."""
        n_outputs = self.case.y[0].shape[1]
        return np.concatenate([np.reshape(part, (-1, n_outputs)) for part in y])

    def parts(self, y):
        """Predictions sequence by sequence; for last steps of a single row each."""
        rows, n = self.rows(y), len(self.case.X)
        return np.split(rows, n if self.case.last else self.case.ends)


class List(Form):
    """Sequence by sequence."""

    KINDS = ["list", "tuple", "boxed", *(f"list of {name}" for name in FRAMES)]

    def _X(self, X):
        self.of_frames = FRAMES.get(self.kind.removeprefix("list of "))
        parts = [(self.of_frames or self.place)(x) for x in X]
        return self._held(parts)

    def _held(self, parts):
        if self.kind == "tuple":
            return tuple(parts)
        return boxed(parts) if self.kind == "boxed" else parts

    def _y(self, y):
        if self.case.last:
            return self.place(y)
        if self.kind == "list of pandas" and self.case.flat:
            return [pd.Series(part) for part in y]
        return self._held([self.place(part) for part in y])

    def _weight(self, weight):
        if isinstance(weight, list):
            return self._held(weight)
        return weight


class Cube(Form):
    """As an array of three dimensions, or nested lists of numbers."""

    KINDS = ["array", "channels first", "nested"]

    def _X(self, X):
        X = np.stack(X)
        if self.kind == "channels first":
            self.params["data_format"] = "channels_first"
            X = X.transpose(0, 2, 1)
        return X.tolist() if self.kind == "nested" else self.place(X)

    def _y(self, y):
        if self.case.last:
            return self.place(y)
        y = np.stack(y)
        y = y[..., None] if self.case.flat else y
        return y.tolist() if self.kind == "nested" else self.place(y)

    def _weight(self, weight):
        return np.array(weight) if isinstance(weight, list) else weight


class Rows(Cube):
    """A row for each sequence."""

    KINDS = [
        f"{order}, channels {format}{frame}"
        for order in ("oldest_first", "newest_first")
        for format in ("last", "first")
        for frame in ("", *(f", {name}" for name in FRAMES))
    ]

    def _X(self, X):
        X = np.stack(X)
        self.params["n_channels"] = X.shape[2]
        if "newest" in self.kind:
            self.params["lag_order"] = "newest_first"
            X = X[:, ::-1]
        if "channels first" in self.kind:
            self.params["data_format"] = "channels_first"
            X = X.transpose(0, 2, 1)
        X = self.place(X.reshape(len(X), -1))
        return FRAMES.get(self.kind.split(", ")[-1], lambda x: x)(X)


class Table(Form):
    """Row by row, with the sequence in a column; the targets are for each step."""

    KINDS = [
        f"table of {kind}, {place}"
        for kind in ("numbers", *FRAMES)
        for place in ("first", "last")
    ]

    def _X(self, X):
        ids = np.repeat(self.ids, self.case.lengths)
        at_end = self.kind.endswith("last")
        rows, n_channels = self.place(np.concatenate(X)), X[0].shape[1]
        self.params |= {"time_axis": 0, "sequence_column": -1 if at_end else 0}
        if "target_columns" in self.case.params and not at_end:
            columns = [k + 1 for k in self.case.params["target_columns"]]
            self.params["target_columns"] = columns
        if "numbers" in self.kind:
            column = ids[:, None].astype(rows.dtype)
            return np.hstack([rows, column] if at_end else [column, rows])
        frame = FRAMES[self.kind.split(", ")[0].removeprefix("table of ")]
        names = [f"run {k}" for k in ids]
        if frame is pandas_frame:
            found = frame(rows)
            found.insert(n_channels if at_end else 0, "run", names)
            return found
        columns = columns_of(rows)
        run = {"run": names}
        return (pl.DataFrame if frame is polars_frame else pa.table)(
            columns | run if at_end else run | columns
        )

    def _y(self, y):
        return self.place(np.concatenate(y))

    def _weight(self, weight):
        if weight is None or isinstance(weight, list):
            return None if weight is None else np.concatenate(weight)
        return np.repeat(weight, self.case.lengths)


class OneTable(Table):
    """A single sequence, as a table without a column of sequences."""

    KINDS = ["one table of numbers", *(f"one table of {name}" for name in FRAMES)]

    def _X(self, X):
        self.params["time_axis"] = 0
        frame = FRAMES.get(self.kind.removeprefix("one table of "), lambda x: x)
        return frame(self.place(X[0]))


KINDS = {
    kind: form for form in (List, Cube, Rows, Table, OneTable) for kind in form.KINDS
}


def kinds_for(case, tables):
    """The forms that a case may have: sequences as samples, or rows in time."""
    if tables:
        return [*Table.KINDS, *(OneTable.KINDS if len(case.X) == 1 else [])]
    found = [] if case.needs_row else List.KINDS
    if case.is_regular:
        cube = Cube.KINDS if case.is_double else Cube.KINDS[:-1]
        found = found + cube + Rows.KINDS
    return found


def memories_for(case):
    return [k for k in MEMORY if case.is_double or k != "big-endian"]


def form(case, kind, memory="C", order=None):
    return KINDS[kind](case, kind, memory, order)
