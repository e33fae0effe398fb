"""NARXRegressor."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from .._compat import StrOptions, at_least, check_parameters
from .._warnings import warn_caller
from ..layers import ACTIVATIONS, BOUND, Chain, Delay, Dense, Feedback
from ..training._inference import infer
from ._documentation import document
from ._lags import lags_or_all
from ._network import NetworkRegressor


@document
@dataclass(kw_only=True, eq=False, repr=False)
class NARXRegressor(NetworkRegressor):
    r"""Nonlinear autoregression with exogenous inputs.

    .. math:: y_t = f(x_t, \dots, x_{t-K_x}, y_{t-1}, \dots, y_{t-K_y})

    with a feed-forward network f. `predict` is the free run (simulation): the model's
    own outputs come back as y. `predict_ahead` is k-step-ahead prediction from measured
    outputs.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(32,)
        Units of each hidden layer of f; () is the linear ARX model.
    n_input_lags : int or None, default=None
        K_x. None: every step of the row, where rows have a fixed number of steps.
    n_output_lags : int, default=1
        K_y; 0 is a model without feedback.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        Of the hidden layers.
    feedback : {"measured", "predicted", "measured_then_predicted"}, default="measured"
        What comes back in training. "measured": the outputs in y (teacher forcing,
        series-parallel), which fits one step ahead. "predicted": the model's own
        (free run, parallel), which fits the simulation error, by back-propagation
        through the feedback. The third trains the one way, then the other from there.
        Where y holds only the last output of each sequence, there is nothing measured
        to feed back, and training is by "predicted".
    [training parameters]
    [data parameters]

    Attributes
    ----------
    [data attributes]
        For layer k of f, ``hiddenk.weight`` (n_in, n_units) and ``hiddenk.bias``
        (n_units,); then ``output.weight`` and ``output.bias``. The inputs of the first
        layer are x_t, ..., x_{t-Kx}, then y_{t-1}, ..., y_{t-Ky}.
    [training attributes]

    See Also
    --------
    TDNNRegressor : Without feedback.
    AutoRegressor : Linear, without inputs besides the series itself.

    Notes
    -----
    Dropout is not offered: masks that change from step to step are noise that the free
    run accumulates.

    References
    ----------
    K. S. Narendra & K. Parthasarathy, "Identification and control of dynamical systems
    using neural networks", IEEE Trans. Neural Networks 1 (1990), 4-27, section III.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_rnn import NARXRegressor
    >>> u = np.random.default_rng(0).uniform(-1, 1, 400)
    >>> y = np.zeros(400)
    >>> for t in range(1, 400):
    ...     y[t] = 0.7 * np.sin(y[t - 1]) + u[t] ** 3
    >>> X = u[:, None]
    >>> model = NARXRegressor(
    ...     hidden_layer_sizes=8, n_input_lags=0, time_axis=0, random_state=0
    ... )
    >>> model.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.98
    True
    """

    n_input_lags: int | None = None
    n_output_lags: int = 1
    activation: str = "tanh"
    feedback: str = "measured"

    _parameter_constraints: ClassVar[dict] = {
        **NetworkRegressor._parameter_constraints,
        "n_input_lags": [at_least(0), None],
        "n_output_lags": [at_least(0)],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "feedback": [StrOptions({"measured", "predicted", "measured_then_predicted"})],
    }

    # ------------------------------------------------------------------- network
    def _build(self, n_channels, n_outputs, n_steps):
        """The closed loop; `_open_loop` has the same parameters."""
        n_input_lags = lags_or_all("n_input_lags", self.n_input_lags, n_steps)
        n_in = n_channels * (n_input_lags + 1) + n_outputs * self.n_output_lags
        core = {}
        for k, n_out in enumerate(self._hidden_sizes()):
            core[f"hidden{k}"] = Dense(n_in, n_out, self.activation)
            n_in = n_out
        core["output"] = Dense(n_in, n_outputs)
        delay = Delay([(n_channels, range(n_input_lags + 1))])
        return Chain({"delay": delay, "": Feedback(Chain(core), self.n_output_lags)})

    def _open_loop(self, network, separate=False):
        """The network on rows [x | y], y being what is fed back.

        With `separate`, rows are [x | y for lag 1 | y for lag 2 | ...].
        """
        delay, loop = network.layers
        lags = range(1, loop.n_lags + 1)
        groups = [(lag,) for lag in lags] if separate else [tuple(lags)] * bool(lags)
        taps = delay.taps + [(loop.n_out, group) for group in groups]
        return Chain({"delay": Delay(taps), "": loop.core})

    def _curriculum(self, network, last):
        # Where only the last output of a sequence is known there is nothing else to
        # feed back than predictions.
        found = []
        if self.feedback != "predicted" and not last:
            found.append((self._open_loop(network), self._with_outputs))
        if self.feedback != "measured" or last:
            found.append((network, lambda data: data))
        return found

    def _with_outputs(self, data):
        if not self.n_output_lags:
            return data
        return replace(data, x=np.concatenate([data.x, data.y], axis=1))

    # --------------------------------------------------------------------- state
    # The past of a sequence is one array (n_sequences, reach, n_channels + n_outputs):
    # rows [x | y] before its first step, zero (the mean) where unknown.
    def _state_at_end(self, data):
        rows = np.concatenate([data.x, data.y], axis=1)
        past = self._no_past(1)
        n = min(past.shape[1], len(rows))
        past[0, past.shape[1] - n :] = rows[len(rows) - n :]
        return past

    def _no_past(self, n_sequences):
        delay, loop = self._network.layers
        shape = max(delay.reach, loop.n_lags), delay.n_in + loop.n_out
        return np.zeros((n_sequences, *shape), self._theta.dtype)

    def _past(self, records, y_init=None):
        """The past in which a simulation begins; None where nothing is known."""
        past = super()._initial_state(records)
        if y_init is None:
            return past
        past = self._no_past(len(records.lengths)) if past is None else past.copy()
        delay, _ = self._network.layers
        for k, y in enumerate(self._read_y_init(y_init, records)):
            n = min(len(y), past.shape[1])
            scaled = self._y_scaler.transform(y)
            past[k, :, delay.n_in :] = 0
            if n:
                past[k, past.shape[1] - n :, delay.n_in :] = scaled[len(y) - n :]
        return past

    def _initial_state(self, records, y_init=None):
        past = self._past(records, y_init)
        if past is None:
            return None
        delay, loop = self._network.layers
        x = past[:, past.shape[1] - delay.reach :, : delay.n_in]
        newest_first = past[:, ::-1, delay.n_in :][:, : loop.n_lags]
        return [x, loop.state(newest_first.reshape(len(past), loop.n_line))]

    def _read_y_init(self, y_init, records):
        """Measured outputs before the first step, (n_i, n_outputs) per record."""
        n = len(records.lengths)
        if records.is_one_table:
            y_init = [y_init]
        n_given = len(y_init) if np.iterable(y_init) else 0
        if n_given != n:
            raise ValueError(
                "y_init must hold the outputs before the first step of each of the "
                f"{n} sequences; got {n_given} entries."
            )
        parts = []
        for k, part in enumerate(y_init):
            part = np.asarray(part, dtype=self._theta.dtype)
            if part.ndim == 1 and self.n_outputs_ == 1:
                part = part[:, None]
            if part.ndim != 2 or part.shape[1] != self.n_outputs_:
                raise ValueError(
                    f"y_init for sequence {k} has shape {part.shape}; expected "
                    f"(n_init, {self.n_outputs_})"
                    + (" or (n_init,)." if self.n_outputs_ == 1 else ".")
                )
            if len(part):
                check_array(part, input_name=f"y_init[{k}]")
            parts.append(part)
        return parts

    # ---------------------------------------------------------------- prediction
    def _check_simulation(self, state):
        diverged = state[1].diverged
        which = np.flatnonzero(diverged >= 0)
        if len(which):
            warn_caller(
                f"The free run diverged at step {diverged[which[0]]} of sequence "
                f"{which[0]} (both counted from 0), and in {len(which) - 1} other "
                f"sequence(s): from there on the prediction is held at {BOUND:g} "
                "standard deviations of the output. A smaller model, a larger alpha or "
                "feedback='predicted' may be stable.",
                ConvergenceWarning,
            )

    def predict(self, X, y_init=None):
        """Simulate: run free, feeding back the model's own outputs.

        Parameters
        ----------
        X : array-like or list of array-like
            Sequences in the form that `fit` saw. With ``time_axis=0`` and no
            ``sequence_column`` the rows are taken to follow the training rows, whose
            last outputs are then fed back first.
        y_init : array-like of shape (n_sequences, n_init) or \
                (n_sequences, n_init, n_outputs), or list, default=None
            Measured outputs before the first step of each sequence, oldest first; the
            last ``n_output_lags`` are used. Without them the past is unknown, and the
            mean stands in. For one table of steps: (n_init,) or (n_init, n_outputs).

        Returns
        -------
        y : ndarray or list of ndarray
            In the form of the y that `fit` saw.

        Warns
        -----
        ConvergenceWarning
            If the free run diverges, naming the step.
        """
        records = self._read(X)
        rows, _ = self._infer(records, self._initial_state(records, y_init))
        return self._shape(self._y_scaler.inverse_transform(rows), records)

    def predict_ahead(self, X, y, horizon=1):
        """Predict each step from outputs measured up to `horizon` steps before it.

        Parameters
        ----------
        X, y : array-like or list of array-like
            As in `fit`, with a target at every step.
        horizon : int, default=1
            1 is one-step-ahead prediction (all measured outputs up to y_{t-1}); the
            prediction of y_t with horizon k knows y up to t - k, and is fed back in
            between.

        Returns
        -------
        y : ndarray or list of ndarray
            Prediction of y at the same steps, in the form of y.
        """
        records = self._read(X)
        positive = {"horizon": [at_least(1)]}
        check_parameters("NARXRegressor.predict_ahead", positive, horizon=horizon)
        targets = self._read_known_targets(y, records)
        if targets.last:
            raise ValueError(
                "predict_ahead needs the measured output at every step; y has one "
                "value per sequence, and so has the y seen by fit."
            )
        return self._shape(self._ahead(records, targets.values, horizon), records)

    def _ahead(self, records, y, horizon):
        """Rows predicted `horizon` steps ahead."""
        delay, loop = self._network.layers
        n_in, lags = delay.n_in, range(1, loop.n_lags + 1)
        network = self._open_loop(self._network, separate=True)
        past = self._past(records)
        past = self._no_past(len(records.lengths)) if past is None else past
        outputs = np.tile(np.arange(n_in, past.shape[2]), len(lags))
        columns = np.concatenate([np.arange(n_in), outputs])
        reach = network.layers[0].reach
        state = [past[:, past.shape[1] - reach :, columns], None]
        x = self._x_scaler.transform(records.rows)
        known = [self._y_scaler.transform(y)]  # known[j]: predictions j steps ahead
        # A horizon beyond the first step of a record is the free run. Without
        # feedback, every horizon is the first.
        longest = min(horizon, int(records.lengths.max())) if lags else 1
        for ahead in range(1, longest + 1):
            fed_back = [known[max(ahead - lag, 0)] for lag in lags]
            rows = np.concatenate([x, *fed_back], axis=1)
            known.append(infer(network, self._theta, rows, records, state)[0])
            if ahead > len(lags):
                known[ahead - len(lags)] = None  # too old to be fed back again
        return self._y_scaler.inverse_transform(known[-1])
