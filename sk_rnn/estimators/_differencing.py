"""``standardize="differences"``: what is learnt is how series change, not their levels.

In training the network sees rows of changes, and targets less the newest value. Around
the trained network stand the layers that make the same of levels (`Difference`), and
levels of its outputs (`Newest`): states, forecasts and derivatives then hold as for any
other network.
"""

import numpy as np

from .._warnings import warn_caller
from ..data._scaling import Scaler
from ..layers import Chain, Difference, Newest

#: Two values of one series differ by at most twice its standard deviation in the root
#: of the mean square, whatever series it is (but for its ends, and for trends).
OF_ANOTHER = 3


class Differencing:
    """Changes of some channels, and of the targets from them, in standard units.

    Parameters
    ----------
    samples : Samples
        Of a first fit; the constants are learnt from them.
    channels : list of int
        For each output the channel that it is a later value of.

    Attributes
    ----------
    x, y : Scaler
        Of the rows and the targets in training: changes, and other channels as ever.
    x_levels, y_levels : Scaler
        Of rows and outputs as levels, in units of their changes.
    """

    def __init__(self, samples, channels):
        records, targets = samples.records, samples.targets
        self.channels = channels
        self.columns = sorted(set(channels))
        rows, weight, changes = records.rows, samples.x_weight, self._changes(records)
        if np.isnan(changes[weight > 0][:, channels[0]]).all():
            of_rows = f" (n_features={rows.shape[1]})"
            raise ValueError(
                "standardize='differences' looks at changes from step to step, but no "
                "sequence of X has more than one step"
                f"{of_rows if records.form == 'rows' else ''}. Set standardize=True."
            )
        self.x = _scaler(changes, weight, rows, "X")
        self.y = _scaler(
            self._rises(records, targets), samples.weight, targets.values, "y"
        )
        self.x_levels = Scaler(rows, weight, True, "X")
        self.x_levels.scale = np.copy(self.x.scale)
        self.y_levels = Scaler(targets.values, samples.weight, True, "y")
        self._warn_of_units()
        self.y_levels.mean = self.y.mean + self.x_levels.mean[channels]
        self.y_levels.scale = np.copy(self.y.scale)

    def _warn_of_units(self):
        """Warn of outputs that cannot be values of the series they are taken for."""
        far = np.flatnonzero(self.y.scale > OF_ANOTHER * self.y_levels.scale)
        if len(far):
            k = far[0]
            warn_caller(
                f"standardize='differences': output {k} less the newest value of "
                f"channel {self.channels[k]} varies by {self.y.scale[k]:g}, but the "
                f"output itself by {self.y_levels.scale[k]:g} alone, so it is no value "
                "of that channel, in its units: name the right one in target_columns, "
                "or set standardize=True."
            )

    def _changes(self, records):
        """Rows as the network sees them; NaN is a change that is not known."""
        rows = np.array(records.rows)
        rows[1:, self.columns] -= records.rows[:-1, self.columns]
        rows[np.ix_(records.starts, self.columns)] = np.nan
        return rows

    def _rises(self, records, targets):
        """Targets less the newest value."""
        ends = records.starts + records.lengths - 1
        newest = records.rows[ends] if targets.last else records.rows
        return targets.values - newest[:, self.channels]

    def encode(self, samples):
        """Rows and targets in training."""
        records, targets = samples.records, samples.targets
        x = np.nan_to_num(self.x.transform(self._changes(records)), copy=False)
        return x, self.y.transform(self._rises(records, targets))

    def around(self, network):
        """A trained network with what makes changes of levels, and levels of outputs.

        Parameters
        ----------
        network : Chain

        Returns
        -------
        Chain
            With the same parameters.
        """
        drift = (self.x.mean / self.x.scale)[self.columns]
        front = {"difference": Difference(network.n_in, self.columns, drift)}
        layers = dict(zip(network.names, network.layers, strict=True))
        weight, k = np.zeros((network.n_in, network.n_out)), np.arange(network.n_out)
        weight[self.channels, k] = self.x.scale[self.channels] / self.y.scale
        return Chain({"": Newest(Chain(front | layers), weight)})

    def of_levels(self, lag_coef):
        """Weights of changes as those of levels, which have one lag more.

        Parameters
        ----------
        lag_coef : ndarray of shape (n_lags, n_outputs, n_channels)
            By lag, in units of the data.

        Returns
        -------
        ndarray of shape (n_lags + 1, n_outputs, n_channels)
        """
        found = np.zeros((len(lag_coef) + 1, *lag_coef.shape[1:]))
        found[:-1] = lag_coef
        found[1:, :, self.columns] -= lag_coef[:, :, self.columns]
        found[0, np.arange(len(self.channels)), self.channels] += 1
        return found


def _scaler(values, weight, levels, name):
    """A scaler of values that differences of levels are."""
    scaler = Scaler(values, weight, True, name)
    # Levels are rounded; their differences are exact, and no larger for it.
    largest = np.nanmax(np.abs(levels[weight > 0]), axis=0)
    noise = 2 * np.finfo(levels.dtype).eps * largest
    scaler.scale[scaler.scale <= noise] = 1
    return scaler
