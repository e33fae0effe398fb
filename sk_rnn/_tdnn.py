"""TDNNRegressor."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from ._network import NetworkRegressor
from .layers import ACTIVATIONS, Chain, Delay, Dense


@dataclass(kw_only=True, eq=False, repr=False)
class TDNNRegressor(NetworkRegressor):
    """TDNN"""

    n_lags: int | tuple | None = None
    activation: str = "tanh"
    dropout: float = 0.0

    _parameter_constraints: ClassVar[dict] = {
        **NetworkRegressor._parameter_constraints,
        "n_lags": ["array-like", Interval(Integral, 0, None, closed="left"), None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def _build(self, n_channels, n_outputs, n_steps):
        sizes = self._hidden_sizes()
        layers, n_in = {}, n_channels
        for k, (n_out, n_lags) in enumerate(
            zip((*sizes, n_outputs), self._lag_counts(len(sizes) + 1, n_steps))
        ):
            if n_lags:
                layers[f"delay{k}"] = Delay([(n_in, range(n_lags + 1))])
            is_output = k == len(sizes)
            layers["output" if is_output else f"hidden{k}"] = Dense(
                n_in * (n_lags + 1),
                n_out,
                "identity" if is_output else self.activation,
            )
            if not is_output:
                layers |= self._dropout(k, n_out)
            n_in = n_out
        return Chain(layers)

    def _lag_counts(self, n_layers, n_steps):
        """One number of lags per layer; a single one is that of the first layer."""
        if self.n_lags is None or isinstance(self.n_lags, Integral):
            first = self._lags_or_all("n_lags", self.n_lags, n_steps)
            return (first,) + (0,) * (n_layers - 1)
        counts = tuple(self.n_lags)
        if len(counts) != n_layers or any(
            not isinstance(n, Integral) or n < 0 for n in counts
        ):
            raise ValueError(
                f"n_lags must be None, an int, or {n_layers} non-negative ints, one for "
                f"each hidden layer and one for the output; got {self.n_lags!r}."
            )
        return counts
