"""How a model goes on behind a history: its outputs come back as its next inputs.

`Continuation` feeds the channels of the model itself. Where transformers of X stand
before it, a step is put together in the form and units of the outside and passes
through them (`ThroughTransformers`); where they see whole windows, the window moves on
by a step (`MovingWindows`).
"""

import numpy as np
from sklearn.utils import check_array

from ..data._arrays import FLOATS
from ..data._future import complete
from ..data._index import IndexEnd
from ..data._layout import rows_of_steps
from ..data._records import Records
from ..data._state import put, take
from ..data._steps import Steps
from ..data._traps import warn_of_disorder
from ..training._inference import infer


class Continuation:
    """Steps of the model behind histories.

    Parameters
    ----------
    outside : Outside
    X : histories, as the outside has them
    targets : list of int
        Positions of the outputs among the columns of X (of a step, in rows).
    n_future : int
        How many steps to go on.
    """

    def __init__(self, outside, X, targets, n_future):
        self.model, self.outside = outside.model, outside
        self.X, self.targets, self.n_future = X, targets, n_future
        self.records = self._read(X)
        self.n_sequences = len(self.records.lengths)
        self.places = self.model._target_channels(targets)

    def _read(self, container):
        """Records of the model, of what the outside has."""
        return self.model._read(self.outside.transform(container))

    def from_the_ends(self, state, X_future):
        """Go on behind the last step of each history; known channels are X_future."""
        warn_of_disorder(self.records)
        self._read_history(state)
        self.before = state and state._index_end  # of what came before the histories
        self._read_future(X_future)
        return self

    def from_origins(self, origins, parts):
        """Go on behind some rows of a table, in which known channels are read, too.

        Parameters
        ----------
        origins : ndarray of int
            Row numbers.
        parts : states before these rows
        """
        model, n = self.model, len(origins)
        x = model._x_scaler.transform(self.records.rows[origins])
        last = Records(x, np.ones(n, int), "list")
        self.rows, self.parts = infer(model._forward, x, last, parts, last=True)
        self.n_sequences = n
        self._take_future(self.records.rows, self.X, origins[:, None] + 1)
        return self

    def _read_history(self, state):
        model, records = self.model, self.records
        parts = model._parts(model._ready(state, records), records)
        if model._past_has_outputs:
            parts = self._before_the_last(parts)
            ends = records.starts + records.lengths - 1
            ones = np.ones(self.n_sequences, int)
            records = Records(records.rows[ends], ones, "list")
        self.rows, self.parts = model._infer(records, parts, last=True)

    def _before_the_last(self, parts):
        """States before the last steps: up to there, measured outputs are in X."""
        model, lengths = self.model, self.records.lengths
        x = model._x_scaler.transform(self.records.rows)
        if parts is None:
            parts = model._fresh(len(lengths))
        long = np.flatnonzero(lengths > 1)
        if not len(long):
            return parts
        before = np.ones(len(x), bool)
        before[np.cumsum(lengths) - 1] = False
        past = Records(self.records.rows[before], lengths[long] - 1, "list")
        y = self._measured()[before]
        after = model._after(past, x[before], y, take(parts, long))
        return put(take(parts, np.arange(len(lengths))), long, after)

    def _measured(self):
        """The outputs measured in the history, as the network has them.

        That of a step stands in the next row. In the last row of a sequence they are
        anything.
        """
        X = self.X
        if isinstance(X, list | tuple):
            X = np.concatenate([_columns(part, self.targets) for part in X])
        elif self.records.is_table:
            X = _columns(X, self.targets)
        else:
            X = self.model._in_time(X)[:, self.targets]
        y = self.outside.transform_y(X.astype(self.records.rows.dtype))
        return self.model._y_scaler.transform(np.roll(y, -1, axis=0))

    def begin(self, which):
        """Standardised outputs behind the histories of some sequences, and states."""
        return self.rows[which], take(self.parts, which)

    def step(self, k, y, parts, which):
        """The same a step further on.

        Parameters
        ----------
        k : int
            Number of the step, from 0.
        y : ndarray of shape (n, n_outputs)
            The outputs of the step before, in the units of the outside.
        parts : states behind that step
        which : ndarray of int of shape (n,)
            Their sequences.
        """
        model = self.model
        x = model._x_scaler.transform(self._inputs(k, y, which).astype(y.dtype))
        steps = Steps(np.ones(len(x), int))
        rows, parts, _ = model._forward(x, steps, steps, parts)
        return rows, parts

    def corrected(self, parts, rows):
        """States behind a step, had its outputs been `rows`."""
        return self.model._corrected(parts, rows)

    def check(self, parts):
        """Warn if the states tell that the forecast diverged."""
        self.model._check_simulation(parts)

    # ------------------------------------------------------------- known channels
    def _read_future(self, X_future):
        n_channels = self.records.rows.shape[1]
        if not self._needs(X_future, n_channels):
            shape = self.n_sequences, self.n_future, n_channels
            self.future = np.broadcast_to(self.records.rows[0], shape)
        elif self.records.form == "rows":
            self.future = self._future_of_rows(X_future, n_channels)
        else:
            full = complete(X_future, self.X, self.targets, self._axis)
            records = self._read(full)
            self._take_future(records.rows, full, self._first_rows(records))

    @property
    def _axis(self):
        """The axis of the channels, in a part of X or in all of it."""
        first = self.model.data_format == "channels_first"
        return 1 if first and self.records.form == "array" else -1

    def _take_future(self, rows, container, first):
        """Keep the future steps: from row numbers `first` on, (n_sequences, 1).

        They are among the rows of channels of the model, made of a container in the
        form of X.
        """
        self.future = rows[first + np.arange(self.n_future)]

    def _needs(self, X_future, n_channels):
        """Whether there are channels to be read from X_future; refuse what is wrong."""
        if n_channels == len(self.targets):
            if X_future is not None:
                raise ValueError(
                    "X_future holds channels that are known in advance, but all "
                    f"{n_channels} channel(s) of X are forecast (see target_columns)."
                )
            return False
        if not self.n_future:
            return False  # the inputs of the only step are in X
        if X_future is None:
            raise ValueError(
                f"{n_channels - len(self.targets)} of the {n_channels} channels of X "
                "are not forecast: hand in what is known of them behind X, X_future, "
                f"of at least {self.n_future} step(s) (n_steps - 1)."
            )
        return True

    def _future_of_rows(self, X_future, n_channels):
        """X_future beside rows: their like, or (n_sequences, n_steps, n_channels)."""
        X_future = check_array(
            X_future, dtype=FLOATS, allow_nd=True, input_name="X_future"
        )
        n_known = n_channels - len(self.targets)
        if X_future.ndim == 2 and X_future.shape[1] % n_known == 0:
            X_future = X_future.reshape(len(X_future), -1, n_known)
        past = self.records.rows.reshape(self.n_sequences, -1, n_channels)
        full = complete(X_future, past, self.targets)
        self._check_lengths(np.full(len(full), full.shape[1]), len(full))
        return full

    def _first_rows(self, records):
        """Row numbers of the first future step of each sequence, (n_sequences, 1)."""
        order = np.arange(len(records.lengths))
        if records.ids is not None:
            if set(records.ids) != set(self.records.ids):
                differ = sorted(map(str, {*records.ids} ^ {*self.records.ids}))
                raise ValueError(
                    "X_future must hold the sequences of X; only one of the two has "
                    f"{', '.join(differ[:4])}."
                )
            places = {one: k for k, one in enumerate(records.ids)}
            order = np.array([places[one] for one in self.records.ids])
        self._check_lengths(records.lengths[order], len(order))
        end = IndexEnd.of(self.records, self.before)
        if end is not None:
            end.check(records, "X_future")
        return records.starts[order][:, None]

    def _check_lengths(self, lengths, n_sequences):
        if n_sequences != self.n_sequences:
            raise ValueError(
                f"X_future holds {n_sequences} sequence(s), X {self.n_sequences}."
            )
        if (lengths < self.n_future).any():
            raise ValueError(
                f"X_future has {lengths.min()} step(s); to forecast "
                f"{self.n_future + 1} steps, {self.n_future} are needed, those behind "
                "the last one of X."
            )

    def _inputs(self, k, y, which):
        """Channels of the model at future step k, in its units."""
        x = np.array(self.future[which, k], y.dtype)
        x[:, self.places] = y
        return x


class ThroughTransformers(Continuation):
    """Each step passes through transformers of X, in the form of the outside."""

    def __init__(self, outside, X, targets, n_future):
        super().__init__(outside, X, targets, n_future)
        self._check_row_by_row()

    def _read_future(self, X_future):
        n_columns = np.shape(self.X[0] if self._is_list else self.X)[self._axis]
        column = self.model._sequence_position() is not None
        if self._needs(X_future, n_columns - column):
            full = complete(X_future, self.X, self.targets, self._axis)
            records = self._read(full)
            self._take_future(records.rows, full, self._first_rows(records))
        else:
            # Only the targets will be read of these.
            self.container = self.X
            self.numbers = np.repeat(self._last_steps(), self.n_future, axis=1)

    def _take_future(self, rows, container, first):
        self.container = container
        if not self.records.is_table:
            first = np.zeros_like(first)  # of each sequence
        self.numbers = first + np.arange(self.n_future)

    @property
    def _is_list(self):
        return isinstance(self.X, list | tuple)

    def _last_steps(self):
        """Row numbers of last steps, within each sequence where X has them apart."""
        ends = self.records.lengths - 1
        return (ends + self.records.starts * self.records.is_table)[:, None]

    def _check_row_by_row(self):
        """Refuse transformers that need more than the step itself."""
        self.container, all_of_them = self.X, np.arange(self.n_sequences)
        last = self._container(self._last_steps()[:, 0], all_of_them)
        alone = self._read(last).rows
        together = self.records.rows[self.records.starts + self.records.lengths - 1]
        if not np.allclose(alone, together, rtol=1e-5, atol=1e-8):
            raise ValueError(
                "A transformer before the model makes something else of the last step "
                "of X alone than of X as a whole, so steps to come cannot pass through "
                "it one by one. Make lags and rolling means before the pipeline, as "
                "columns, or let the model do it."
            )

    def _container(self, numbers, which, y=None):
        """One step of each of some sequences, in the form of X, outputs filled in."""
        if self._is_list:
            parts = zip(numbers, which, strict=True)
            steps = [_rows(self.container[i], [k]) for k, i in parts]
            rows = [None] * len(steps) if y is None else y[:, None]
            return [
                _filled(step, self.targets, row)
                for step, row in zip(steps, rows, strict=True)
            ]
        if self.records.is_table:
            return _filled(_rows(self.container, numbers), self.targets, y)
        cube = np.moveaxis(np.asarray(self.container), self._axis, -1)
        steps = cube[which, numbers][:, None]
        steps = _filled(steps, self.targets, None if y is None else y[:, None])
        return np.moveaxis(steps, -1, self._axis)

    def _inputs(self, k, y, which):
        step = self._container(self.numbers[which, k], which, y)
        return self._read(step).rows


class MovingWindows(Continuation):
    """Windows that pass through transformers as a whole, and move on by a step."""

    def _read_history(self, state):
        if state is not None:
            raise ValueError(
                "state= cannot be combined with transformers of windows: each window "
                "is read from a fresh start, as in fit."
            )
        rows = self.model._in_time(self.X)
        self.windows = rows.reshape(self.n_sequences, -1, rows.shape[1])

    def begin(self, which):
        return self._predicted(self.windows[which])

    def step(self, k, y, parts, which):
        step = self._inputs(k, y, which)[:, None]
        return self._predicted(np.concatenate([parts[:, 1:], step], axis=1))

    def _predicted(self, windows):
        X = rows_of_steps(self.model, windows)
        if hasattr(self.X, "iloc"):
            X = type(self.X)(X, columns=self.X.columns)
        return self.model._infer(self._read(X), None, last=True)[0], windows

    def corrected(self, parts, rows):
        return parts  # the next window holds the outputs

    def check(self, parts):
        pass


def _columns(container, columns):
    """Some columns of an array or a frame, as an array."""
    if hasattr(container, "iloc"):
        return container.iloc[:, columns].to_numpy()
    return np.asarray(container)[:, columns]


def _rows(container, numbers):
    """Some rows of an array or a frame, as a copy."""
    if hasattr(container, "iloc"):
        return container.iloc[numbers].copy()
    return np.asarray(container)[numbers]


def _filled(container, columns, values):
    """Columns replaced by values (n, len(columns)), in place where that holds them."""
    if values is None:
        return container
    if hasattr(container, "iloc"):
        for k, column in enumerate(columns):
            container[container.columns[column]] = values[:, k]
        return container
    container = container.astype(np.result_type(container, values), copy=False)
    container[..., columns] = values
    return container
