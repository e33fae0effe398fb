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
from ._lags import check_lengths, lags_or_all
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
    def _after(self, records, x, y, parts):
        if y is None:
            return super()._after(records, x, y, parts)
        delay, _ = self._network.layers
        n = len(records.lengths)
        if parts is None:
            parts = self._network.initial_state(n, self._theta.dtype)
        inputs, before = parts
        line = np.empty_like(before.line)
        for k, measured in enumerate(records.split(y)):
            line[k] = _line_behind(measured, before.line[k])
        taps = Chain({"delay": delay}).bind(np.empty(0, x.dtype))
        (inputs,) = infer(taps, x, records, [inputs], last=True)[1]
        age = before.age + records.lengths
        return [inputs, before._replace(line=line, age=age)]

    def _with_y_init(self, y_init, records):
        """A fresh start, but for the outputs before it."""
        n = len(records.lengths)
        check_lengths(records, self._network)
        inputs, fresh = self._network.initial_state(n, self._theta.dtype)
        for k, y in enumerate(self._read_y_init(y_init, records)):
            fresh.line[k] = _line_behind(self._y_scaler.transform(y), fresh.line[k])
        return [inputs, fresh]

    def _open_state(self, parts):
        """State of the open loop with separate lags: rows [x | y | y | ...]."""
        (inputs, loop_state), (_, loop) = parts, self._network.layers
        n, n_x, n_in = inputs.shape
        lines = loop_state.line.reshape(n, loop.n_lags, loop.n_out)[:, ::-1]
        reach = max(n_x, loop.n_lags)
        rows = np.zeros((n, reach, n_in + loop.n_line), inputs.dtype)
        rows[:, reach - n_x :, :n_in] = inputs
        rows[:, reach - loop.n_lags :, n_in:] = np.tile(lines, loop.n_lags)
        return [rows, None]

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

    def predict(self, X, y_init=None, *, state=None, return_state=False):
        """Simulate: run free, feeding back the model's own outputs.

        Parameters
        ----------
        X : array-like or list of array-like
            Sequences in the form that `fit` saw. With ``time_axis=0`` the rows are
            taken to follow the training rows, sequence by sequence, whose last outputs
            are then fed back first; unless they are the training rows themselves, or
            ``carry_state=False``.
        y_init : array-like of shape (n_sequences, n_init) or \
                (n_sequences, n_init, n_outputs), or list, default=None
            Measured outputs before the first step of each sequence, oldest first; the
            last ``n_output_lags`` are used. Without them the past is unknown, and the
            mean stands in. For one table of steps: (n_init,) or (n_init, n_outputs).
            It is a fresh start: the inputs before the first step stay unknown, so that
            with ``n_input_lags > 0`` a `state` from `warm_up` says more.
        state : State, default=None
            What is known of the past of these sequences, inputs and outputs: from
            ``warm_up(X_past, y_past)`` or from an earlier `predict`.
        return_state : bool, default=False
            Also return the state behind X.

        Returns
        -------
        y : ndarray or list of ndarray
            In the form of the y that `fit` saw.
        state : State
            Only if `return_state`.

        Raises
        ------
        ValueError, TypeError
            For a state of another model or for another number of sequences, or for
            both `y_init` and `state`.

        Warns
        -----
        ConvergenceWarning
            If the free run diverges, naming the step.
        """
        if y_init is None:
            return super().predict(X, state=state, return_state=return_state)
        if state is not None:
            raise ValueError("Give the past as y_init or as state, not as both.")
        records = self._read(X)
        parts = self._with_y_init(y_init, records)
        return self._predicted(records, None, parts, return_state)

    def predict_ahead(self, X, y, horizon=1, *, state=None):
        """Predict each step from outputs measured up to `horizon` steps before it.

        Parameters
        ----------
        X, y : array-like or list of array-like
            As in `fit`, with a target at every step.
        horizon : int, default=1
            1 is one-step-ahead prediction (all measured outputs up to y_{t-1}); the
            prediction of y_t with horizon k knows y up to t - k, and is fed back in
            between.
        state : State, default=None
            What is known of the past before X; see `predict`.

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
        return self._shape(
            self._ahead(records, targets.values, horizon, state), records
        )

    def _ahead(self, records, y, horizon, state):
        """Rows predicted `horizon` steps ahead."""
        _, loop = self._network.layers
        lags = range(1, loop.n_lags + 1)
        forward = self._open_loop(self._network, separate=True).bind(self._theta)
        parts = self._initial_state(records, state)
        if parts is None:
            n = len(records.lengths)
            parts = self._network.initial_state(n, self._theta.dtype)
        state = self._open_state(parts)
        x = self._x_scaler.transform(records.rows)
        known = [self._y_scaler.transform(y)]  # known[j]: predictions j steps ahead
        # A horizon beyond the first step of a record is the free run. Without
        # feedback, every horizon is the first.
        longest = min(horizon, int(records.lengths.max())) if lags else 1
        for ahead in range(1, longest + 1):
            fed_back = [known[max(ahead - lag, 0)] for lag in lags]
            rows = np.concatenate([x, *fed_back], axis=1)
            known.append(infer(forward, rows, records, state)[0])
            if lags and ahead > len(lags):
                known[ahead - len(lags)] = None  # too old to be fed back again
        return self._y_scaler.inverse_transform(known[-1])


def _line_behind(y, line):
    """The line of a closed loop behind outputs y (n, n_outputs) that follow `line`."""
    newest_first = y[::-1].reshape(-1)[: len(line)]
    return np.concatenate([newest_first, line])[: len(line)]
