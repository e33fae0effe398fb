"""RNNRegressor, GRURegressor and LSTMRegressor."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from ._network import NetworkRegressor
from .layers import ACTIVATIONS, CELLS, Chain, Dense, Recurrent


@dataclass(kw_only=True, eq=False, repr=False)
class RecurrentRegressor(NetworkRegressor):
    """Stacked recurrent layers and a linear output."""

    dropout: float = 0.0
    bptt_steps: int | None = None

    _parameter_constraints: ClassVar[dict] = {
        **NetworkRegressor._parameter_constraints,
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "bptt_steps": [Interval(Integral, 2, None, closed="left"), None],
    }

    def _cell(self):
        raise NotImplementedError

    def _build(self, n_channels, n_outputs, n_steps):
        layers, n_in = {}, n_channels
        for k, n_units in enumerate(self._hidden_sizes(minimum=1)):
            layers[f"hidden{k}"] = Recurrent(self._cell(), n_in, n_units)
            layers |= self._dropout(k, n_units)
            n_in = n_units
        return Chain(layers | {"output": Dense(n_in, n_outputs)})


@dataclass(kw_only=True, eq=False, repr=False)
class RNNRegressor(RecurrentRegressor):
    """RNN"""

    activation: str = "tanh"
    recurrence: str = "simple"

    _parameter_constraints: ClassVar[dict] = {
        **RecurrentRegressor._parameter_constraints,
        "activation": [StrOptions(set(ACTIVATIONS))],
        "recurrence": [StrOptions({"simple", "integrator", "residual"})],
    }

    def _cell(self):
        return CELLS[self.recurrence](self.activation)


class GRURegressor(RecurrentRegressor):
    """GRU"""

    def _cell(self):
        return CELLS["gru"]()


class LSTMRegressor(RecurrentRegressor):
    """LSTM"""

    def _cell(self):
        return CELLS["lstm"]()
