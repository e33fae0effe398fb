"""Which columns of X the outputs are later values of."""

from ..data._frames import positions


class ColumnsMixin:
    """For regressors: `target_columns` and `sequence_column`, as positions."""

    def _channels_of_outputs(self):
        """For each output the channel that it is the next, or a later, value of."""
        if self.standardize == "auto":
            return self._next_of
        n_outputs, n_channels = self.n_outputs_, self._n_channels
        channels = list(range(n_channels))
        if self.target_columns is not None:
            channels = self._target_channels(self._named_columns())
        if len(channels) == 1:
            return channels * n_outputs
        if len(channels) != n_outputs:
            raise ValueError(
                "standardize='differences' has to know of which channel each output is "
                f"the next (or a later) value: X has {n_channels} channels, y "
                f"{n_outputs} output(s). Name them in target_columns: one for each "
                "output, or a single one for all of them; got "
                f"{self.target_columns!r}."
            )
        return channels

    def _named_columns(self):
        """Positions of the `target_columns`."""
        names = getattr(self, "feature_names_in_", None)
        names = None if self._form == "rows" else names
        return positions(self.target_columns, names, self._n_columns)

    def _target_positions(self):
        """Positions of the columns whose next values the outputs are."""
        if self.target_columns is not None:
            found = self._named_columns()
            if len(found) != self.n_outputs_:
                raise ValueError(
                    f"target_columns={self.target_columns!r} must name one column of X "
                    f"for each output; y has {self.n_outputs_} output(s)."
                )
            return found
        found = [k for k in range(self._n_columns) if k != self._sequence_position()]
        if len(found) != self.n_outputs_:
            raise ValueError(
                "forecast feeds the outputs back as inputs, which needs one output per "
                f"channel, or target_columns; the model has {len(found)} channel(s) "
                f"and {self.n_outputs_} output(s)."
            )
        return found

    @property
    def _n_columns(self):
        """Columns of the X that `fit` saw; of a single step where rows hold several."""
        return self.n_features_in_ if self._form == "table" else self._n_channels

    def _target_channels(self, columns=None):
        """The same among the channels: the column of sequences is none of them."""
        columns = self._target_positions() if columns is None else columns
        ids = self._sequence_position()
        return [k - (ids is not None and k > ids) for k in columns]

    def _channel_names(self):
        """The names of the channels, where columns are channels and have names."""
        names = getattr(self, "feature_names_in_", None)
        if names is None or self._form == "rows":
            return None
        ids = self._sequence_position()
        return [name for k, name in enumerate(names) if k != ids]

    def _channel_text(self, channel):
        """What a message calls a channel."""
        names = self._channel_names()
        return f"channel {channel}" if names is None else f"column {names[channel]!r}"

    def _sequence_position(self):
        """Position of the column of sequences among those of X, or None."""
        if self.sequence_column is None:
            return None
        names = getattr(self, "feature_names_in_", None)
        return positions(
            self.sequence_column, names, self.n_features_in_, "sequence_column"
        )[0]

    def _check_channels(self, channels, found):
        """Refuse channels where outputs clearly are the next values of others."""
        for place, columns in zip(channels, found, strict=True):
            if columns and place not in columns:
                raise ValueError(
                    f"target_columns={self.target_columns!r} takes "
                    f"{self._channel_text(place)} of X for an output that is the next "
                    f"value of {self._channel_text(columns[0])}."
                )
