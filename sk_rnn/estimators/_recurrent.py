"""RNNRegressor, GRURegressor and LSTMRegressor."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar, Literal

from .._compat import Number, StrOptions, at_least
from .._typing import Auto, Float, Int
from ..layers import ACTIVATIONS, CELLS, Delay, Dense, Recurrent
from ._documentation import document
from ._estimated_state import EstimatedStateMixin
from ._linear_start import beside
from ._network import NetworkRegressor

#: Where the longest sequence has MANY_WINDOWS windows, bptt_steps="auto" is a window of
#: so many steps, or of WARM_UPS times the longest memory that the settings speak of:
#: its warm-up is a quarter of it.
WINDOW, WARM_UPS, MANY_WINDOWS = 500, 4, 5


@dataclass(kw_only=True, eq=False, repr=False)
class RecurrentRegressor(EstimatedStateMixin, NetworkRegressor):
    """Stacked recurrent layers and a linear output.

    A subclass for a cell of its own names it in `cell`, as in `CELLS`.
    """

    cell: ClassVar[str]

    dropout: Float = 0.0
    bptt_steps: Int | Auto | None = "auto"
    time_scale: Float | None = None
    initial_state: Literal["zero", "learned", "estimated"] = "zero"
    skip: Literal["linear"] | None = None
    skip_lags: Int = 0

    _parameter_constraints: ClassVar[dict] = {
        **NetworkRegressor._parameter_constraints,
        "dropout": [Number(Real, 0, 1, closed="left")],
        "bptt_steps": [StrOptions({"auto"}), at_least(2), None],
        "time_scale": [at_least(2, Real), None],
        "initial_state": [StrOptions({"zero", "learned", "estimated"})],
        "skip": [StrOptions({"linear"}), None],
        "skip_lags": [at_least(0)],
    }

    _lags: ClassVar[tuple] = ("skip_lags",)

    def _cell(self):
        return CELLS[self.cell]()

    def _may_difference(self, records):
        is_long = self.skip_lags + 1 < records.lengths.min()
        return is_long and self.initial_state != "estimated"

    def _window_steps(self, data):
        steps = self.bptt_steps
        self.bptt_steps_ = int(steps) if isinstance(steps, Integral) else None
        if self.bptt_steps == "auto":
            n_steps = self._window
            cuts = not data.last and data.lengths.max() >= MANY_WINDOWS * n_steps
            self.bptt_steps_ = n_steps if cuts else None
        return self.bptt_steps_

    @property
    def _window(self):
        """Steps of a window where the length of the sequences asks for them."""
        memory = max(self.time_scale or 0, self.skip_lags, self.washout)
        return max(WINDOW, WARM_UPS * int(memory))

    @property
    def _n_kept(self):
        # The warm-up of a window, as in `Dataset.windows`.
        return self._n_past or (self.bptt_steps_ or self._window) // WARM_UPS

    def _build(self, n_channels, n_outputs, n_steps):
        n_shown = self._n_shown(n_outputs)
        layers, n_in = self._lines(n_channels, n_shown), n_channels + n_shown
        learned = self.initial_state == "learned"
        for k, n_units in enumerate(self._hidden_sizes(minimum=1)):
            layers[f"hidden{k}"] = Recurrent(
                self._cell(), n_in, n_units, self.time_scale, learned
            )
            layers |= self._dropout(k, n_units)
            n_in = n_units
        layers["output"] = Dense(n_in, n_outputs)
        return beside(layers, self.skip, n_channels * (int(self.skip_lags) + 1))

    def _lines(self, n_channels, n_shown):
        """A delay line for the linear path, and one that shows the newest step alone.

        The second is the network's, which has a memory of its own, and alone sees the
        `n_shown` inputs behind the channels.
        """
        if self.skip is None or not self.skip_lags:
            return {}
        is_given = self.bptt_steps not in (None, "auto")
        if is_given and not n_shown and self.skip_lags > self.bptt_steps // 4:
            raise ValueError(
                f"skip_lags={self.skip_lags} reaches beyond the warm-up of a window of "
                f"bptt_steps={self.bptt_steps}, a quarter of it: take at most "
                f"{self.bptt_steps // 4} lags, or longer windows."
            )
        shown = [(n_shown, (0,))] * (n_shown > 0)
        delay = Delay([(n_channels, range(int(self.skip_lags) + 1)), *shown])
        newest = [(n_channels, (0,)), (n_channels * int(self.skip_lags), ()), *shown]
        return {"delay": delay, "newest": Delay(newest)}


@document
@dataclass(kw_only=True, eq=False, repr=False)
class RNNRegressor(RecurrentRegressor):
    r"""Recurrent network of Elman's kind, or with one of two longer memories.

    With input x_t, hidden state h_t and h_0 = 0 (but see `initial_state`), every
    layer computes

    .. math::

        \text{simple:} \quad h_t &= f(W x_t + U h_{t-1} + b) \\
        \text{integrator:} \quad h_t &= h_{t-1} + f(W x_t + b) \\
        \text{residual:} \quad h_t &= h_{t-1} + f(W x_t + U h_{t-1} + b)

    and the output is a linear function of the last layer's h_t. Gradients are exact
    (back-propagation through time).

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(32,)
        Units of each recurrent layer.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        f.
    recurrence : {"simple", "integrator", "residual"}, default="simple"
        The gradient of "simple" shrinks or grows geometrically with distance in time.
        That of "integrator" keeps its size; that of "residual" begins close to it, a
        few per cent a step, and can leave it in training.
    [recurrent parameters]
    [training parameters]
    [data parameters]

    Attributes
    ----------
    [data attributes]
        For layer k, ``hiddenk.weight_input`` (n_in, n_units) is W transposed,
        ``hiddenk.weight_recurrent`` (n_units, n_units) U transposed,
        ``hiddenk.bias`` (n_units,) is b, and with ``initial_state="learned"``
        ``hiddenk.initial_h`` (n_units,) h_0; then ``output.weight`` and
        ``output.bias``, and with `skip` ``output.skip`` ((skip_lags + 1) n_channels,
        n_outputs), lag by lag. With ``initial_state="estimated"`` the inputs of the
        first layer are the channels, the outputs shown, and the 1 that tells them.
    [training attributes]
    [recurrent attributes]

    See Also
    --------
    GRURegressor, LSTMRegressor : Gated cells, for longer memory.
    TDNNRegressor : Finite memory.

    References
    ----------
    J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990), 179-211.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import RNNRegressor
    >>> wave = np.sin(0.3 * np.arange(120))
    >>> X = np.lib.stride_tricks.sliding_window_view(wave[:-1], 10)
    >>> y = wave[10:]
    >>> model = RNNRegressor(hidden_layer_sizes=8, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.99
    True
    """

    activation: str = "tanh"
    recurrence: Literal["simple", "integrator", "residual"] = "simple"

    _parameter_constraints: ClassVar[dict] = {
        **RecurrentRegressor._parameter_constraints,
        "activation": [StrOptions(set(ACTIVATIONS))],
        "recurrence": [StrOptions({"simple", "integrator", "residual"})],
    }

    def _cell(self):
        return CELLS[self.recurrence](self.activation)


@document
@dataclass(kw_only=True, eq=False, repr=False)
class GRURegressor(RecurrentRegressor):
    r"""Gated recurrent units.

    With input x_t, hidden state h_t and h_0 = 0 (but see `initial_state`), every
    layer computes

    .. math::

        r_t &= \sigma(W_r x_t + U_r h_{t-1} + b_r) \\
        z_t &= \sigma(W_z x_t + U_z h_{t-1} + b_z) \\
        n_t &= \tanh(W_n x_t + b_n + r_t \odot (U_n h_{t-1} + b_{un})) \\
        h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}

    (the form of cuDNN and torch, ONNX ``linear_before_reset=1``), and the output is a
    linear function of the last layer's h_t. Gradients are exact (back-propagation
    through time).

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(32,)
        Units of each recurrent layer.
    [recurrent parameters]
    [training parameters]
    [data parameters]

    Attributes
    ----------
    [data attributes]
        For layer k, ``hiddenk.weight_input`` (n_in, 3 n_units) and
        ``hiddenk.weight_recurrent`` (n_units, 3 n_units) hold W and U transposed,
        ``hiddenk.bias`` (3 n_units,) b, all in the order r, z, n, and
        ``hiddenk.bias_recurrent`` (n_units,) is b_un, and with
        ``initial_state="learned"`` ``hiddenk.initial_h`` (n_units,) h_0; then
        ``output.weight`` and ``output.bias``, and with `skip` ``output.skip``
        ((skip_lags + 1) n_channels, n_outputs), lag by lag. With
        ``initial_state="estimated"`` the inputs of the first layer are the channels,
        the outputs shown, and the 1 that tells them.
    [training attributes]
    [recurrent attributes]

    See Also
    --------
    LSTMRegressor : With a separate memory cell.
    RNNRegressor : Without gates.

    References
    ----------
    K. Cho et al., "Learning phrase representations using RNN encoder-decoder for
    statistical machine translation", EMNLP 2014, section 2.3.

    Examples
    --------
    Records of different lengths, with a target at every step:

    >>> import numpy as np
    >>> from sk_rnn import GRURegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.standard_normal((n, 1)) for n in (30, 45, 20)]
    >>> y = [np.convolve(x[:, 0], [0.5, 0.3, 0.2])[: len(x)] for x in X]
    >>> model = GRURegressor(hidden_layer_sizes=8, random_state=0).fit(X, y)
    >>> [len(part) for part in model.predict(X)]
    [30, 45, 20]
    >>> model.score(X, y) > 0.9
    True
    """

    cell = "gru"


@document
@dataclass(kw_only=True, eq=False, repr=False)
class LSTMRegressor(RecurrentRegressor):
    r"""Long short-term memory with forget gate.

    With input x_t, hidden state h_t, cell state c_t and h_0 = c_0 = 0 (but see
    `initial_state`), every layer computes

    .. math::

        o_t, i_t, f_t &= \sigma(W_{o,i,f} x_t + U_{o,i,f} h_{t-1} + b_{o,i,f}) \\
        g_t &= \tanh(W_g x_t + U_g h_{t-1} + b_g) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot \tanh(c_t)

    and the output is a linear function of the last layer's h_t. The biases of the
    forget gates start at 1 (but see `time_scale`). Gradients are exact
    (back-propagation through time).

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(32,)
        Units of each recurrent layer.
    [recurrent parameters]
    [training parameters]
    [data parameters]

    Attributes
    ----------
    [data attributes]
        For layer k, ``hiddenk.weight_input`` (n_in, 4 n_units) and
        ``hiddenk.weight_recurrent`` (n_units, 4 n_units) hold W and U transposed,
        ``hiddenk.bias`` (4 n_units,) b, all in the order o, i, f, g, and with
        ``initial_state="learned"`` ``hiddenk.initial_h`` and ``hiddenk.initial_c``
        (n_units,) are h_0 and c_0; then ``output.weight`` and ``output.bias``, and with
        `skip` ``output.skip`` ((skip_lags + 1) n_channels, n_outputs), lag by lag. With
        ``initial_state="estimated"`` the inputs of the first layer are the channels,
        the outputs shown, and the 1 that tells them.
    [training attributes]
    [recurrent attributes]

    See Also
    --------
    GRURegressor : Two gates instead of three, and one state instead of two.
    RNNRegressor : Without gates.

    References
    ----------
    S. Hochreiter & J. Schmidhuber, "Long short-term memory", Neural Computation 9
    (1997), 1735-1780. F. A. Gers, J. Schmidhuber & F. Cummins, "Learning to forget:
    continual prediction with LSTM", Neural Computation 12 (2000), 2451-2471.

    Examples
    --------
    A table in time order, and the rows that follow it:

    >>> import numpy as np
    >>> from sk_rnn import LSTMRegressor
    >>> u = np.random.default_rng(0).standard_normal((400, 1))
    >>> y = np.convolve(u[:, 0], 0.5 ** np.arange(10))[:400]
    >>> model = LSTMRegressor(hidden_layer_sizes=8, time_axis=0, random_state=0)
    >>> model.fit(u[:300], y[:300]).score(u[300:], y[300:]) > 0.9
    True
    """

    cell = "lstm"
