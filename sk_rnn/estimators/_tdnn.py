"""TDNNRegressor."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar, Literal

from .._compat import Number, StrOptions, at_least
from .._typing import Float, Ints
from ..layers import ACTIVATIONS, Delay, Dense
from ._documentation import document
from ._lags import integers, lags_or_all
from ._linear_start import beside
from ._network import NetworkRegressor


@document
@dataclass(kw_only=True, eq=False, repr=False)
class TDNNRegressor(NetworkRegressor):
    r"""Time-delay neural network: delay units at every layer.

    With h^(0)_t = x_t, layer l computes

    .. math::

        h^{(l)}_t = f\Big(b^{(l)} + \sum_{k=0}^{K_l} W^{(l)}_k h^{(l-1)}_{t-k}\Big)

    where f is the identity in the output layer. The output depends on the last
    1 + K_1 + K_2 + ... steps.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(32,)
        Units of each hidden layer; () is a linear finite-impulse-response filter.
    n_lags : int, sequence of int, or None, default=None
        K, the largest lag: as a sequence, of each hidden layer and of the output layer;
        a single one is that of the first layer, the others having none. None: every
        step of the row, where rows have a fixed number of steps.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        f of the hidden layers.
    dropout : float in [0, 1), default=0.0
        Share of the outputs of each hidden layer that is zeroed in training, for
        ``solver="adam"`` only.
    skip : {None, "linear"}, default=None
        "linear": a linear path beside the network, straight from x_t, ..., x_{t-K}, K =
        K_1, to the output.
        [skip parameters]
    [training parameters]
    [data parameters]

    Attributes
    ----------
    [data attributes]
        For layer k, ``hiddenk.weight`` ((K + 1) n_in, n_units), lag by lag from 0 to K,
        and ``hiddenk.bias`` (n_units,); then ``output.weight`` and ``output.bias``;
        with `skip` also ``output.skip`` ((K_1 + 1) n_channels, n_outputs), lag by lag.
    [training attributes]

    See Also
    --------
    NARXRegressor : Measured or predicted outputs as further inputs.
    sklearn.neural_network.MLPRegressor : Without delays.

    References
    ----------
    A. Waibel, T. Hanazawa, G. Hinton, K. Shikano & K. J. Lang, "Phoneme recognition
    using time-delay neural networks", IEEE Trans. ASSP 37 (1989), 328-339.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import TDNNRegressor
    >>> u = np.random.default_rng(0).standard_normal((300, 1))
    >>> y = np.convolve(np.tanh(u[:, 0]), [0.6, 0.3, 0.1])[:300]
    >>> model = TDNNRegressor(
    ...     hidden_layer_sizes=8, n_lags=2, time_axis=0, random_state=0
    ... )
    >>> model.fit(u[:200], y[:200]).score(u[200:], y[200:]) > 0.99
    True
    """

    n_lags: Ints | None = None
    activation: str = "tanh"
    dropout: Float = 0.0
    skip: Literal["linear"] | None = None

    _parameter_constraints: ClassVar[dict] = {
        **NetworkRegressor._parameter_constraints,
        "n_lags": ["array-like", at_least(0), None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Number(Real, 0, 1, closed="left")],
        "skip": [StrOptions({"linear"}), None],
    }

    def _may_difference(self, records):
        if self.n_lags is None:
            return True
        lag_counts = self._lag_counts(len(self._hidden_sizes()) + 1, None)
        return sum(lag_counts) + 1 < records.lengths.min()

    def _build(self, n_channels, n_outputs, n_steps):
        sizes = self._hidden_sizes()
        lag_counts = self._lag_counts(len(sizes) + 1, n_steps)
        layers, n_in = {}, n_channels
        for k, (n_out, n_lags) in enumerate(
            zip((*sizes, n_outputs), lag_counts, strict=True)
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
        return beside(layers, self.skip)

    def _lag_counts(self, n_layers, n_steps):
        """One number of lags per layer; a single one is that of the first layer."""
        if self.n_lags is None or isinstance(self.n_lags, Integral):
            first = lags_or_all("n_lags", self.n_lags, n_steps)
            return (first,) + (0,) * (n_layers - 1)
        each = "one for each hidden layer and one for the output"
        return integers("n_lags", self.n_lags, n_layers, each)
