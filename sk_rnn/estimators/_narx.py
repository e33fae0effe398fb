"""NARXRegressor."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, overload

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._compat import StrOptions, at_least, check_parameters
from .._typing import ArrayLike, Found, Int, Ints, Yes
from .._warnings import warn_caller
from ..data._state import State
from ..layers import ACTIVATIONS, BOUND, Chain, Delay, Dense, Feedback, Mean, taps_of
from ..training._inference import infer
from ._documentation import document
from ._fed_back_state import FedBackStateMixin
from ._lags import input_lags, per_channel
from ._network import NetworkRegressor
from ._open_loop import open_loop, rows_ahead


@document
@dataclass(kw_only=True, eq=False, repr=False)
class NARXRegressor(FedBackStateMixin, NetworkRegressor):
    r"""Nonlinear autoregression with exogenous inputs.

    .. math:: y_t = f(x_{t-d}, \dots, x_{t-d-K_x}, y_{t-1}, \dots, y_{t-K_y})

    with a feed-forward network f and a dead time d. `predict` is the free run
    (simulation): the model's own outputs come back as y. `predict_ahead` is
    k-step-ahead prediction from measured outputs.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(32,)
        Units of each hidden layer of f; () is the linear ARX model.
    n_input_lags : int, sequence of int, or None, default=None
        K_x, for all input channels alike or one for each. None: every step of the row
        that the dead time leaves, where rows have a fixed number of steps.
    n_output_lags : int or sequence of int, default=1
        K_y, for all outputs alike or one for each: over how many steps it is fed back.
        0 is an output that is not fed back, and for all a model without feedback. At
        most as many as the longest sequence has steps.
    input_delay : int or sequence of int, default=0
        The dead time d in steps, for all input channels alike or one for each: an input
        has no effect on the outputs before so many steps have passed.
    activation : {"tanh", "relu", "logistic", "identity"}, default="tanh"
        Of the hidden layers.
    feedback : {"measured", "predicted", "measured_then_predicted"}, default="measured"
        What comes back in training. "measured": the outputs in y (teacher forcing,
        series-parallel), which fits one step ahead. "predicted": the model's own
        (free run, parallel), which fits the simulation error, by back-propagation
        through the feedback. The third trains the one way, then the other from there.
        Outputs may be missing (``missing_targets="ignore"``) with "predicted" alone;
        where measured ones go into a state (`warm_up`, the end of a table in `fit`),
        the free run stands in for those that are missing.
        Where y holds only the last output of each sequence, there is nothing measured
        to feed back, and training is by "predicted".
    [training parameters]
    [data parameters]

    Attributes
    ----------
    [data attributes]
        For layer k of f, ``hiddenk.weight`` (n_in, n_units) and ``hiddenk.bias``
        (n_units,); then ``output.weight`` and ``output.bias``. The inputs of the first
        layer are x_{t-d}, ..., x_{t-d-Kx}, then y_{t-1}, ..., y_{t-Ky}: lag by lag, all
        channels of a lag side by side. Where the input channels differ in dead time or
        lags, x is channel by channel, each with its own lags from d to d + K_x; where
        the outputs differ in lags, y is output by output, each from 1 to K_y.
    [training attributes]

    See Also
    --------
    TDNNRegressor : Without feedback.
    AutoRegressor : Linear, without inputs besides the series itself.

    Notes
    -----
    Dropout is not offered: masks that change from step to step are noise that the free
    run accumulates.

    With ``loss="quantile"`` the quantile is one given what was fed back in training:
    with ``feedback="measured"`` that of ``predict_ahead(horizon=1)`` and not of the
    free run, of which `fit` warns; with ``feedback="predicted"`` that of the free run.

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

    n_input_lags: Ints | None = None
    n_output_lags: Ints = 1
    input_delay: Ints = 0
    activation: str = "tanh"
    feedback: Literal["measured", "predicted", "measured_then_predicted"] = "measured"
    validation: Literal["auto", "random", "free_run"] = "free_run"

    _parameter_constraints: ClassVar[dict] = {
        **NetworkRegressor._parameter_constraints,
        # Differences are added to the newest value in X, but outputs are fed back.
        "standardize": ["boolean", StrOptions({"auto"})],
        "n_input_lags": ["array-like", at_least(0), None],
        "n_output_lags": ["array-like", at_least(0)],
        "input_delay": ["array-like", at_least(0)],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "feedback": [StrOptions({"measured", "predicted", "measured_then_predicted"})],
        "validation": [StrOptions({"auto", "random", "free_run"})],
    }
    _lags: ClassVar[tuple] = ("n_input_lags", "input_delay")

    # ------------------------------------------------------------------- network
    def _may_difference(self, records):
        return False

    def _build(self, n_channels, n_outputs, n_steps):
        """The closed loop; `open_loop` has the same parameters."""
        lags = input_lags(self.n_input_lags, self.input_delay, n_channels, n_steps)
        delay = Delay(taps_of(lags))
        n_output_lags = self._output_lags(n_outputs)
        n_in, core = delay.n_out + sum(n_output_lags), {}
        for k, n_out in enumerate(self._hidden_sizes()):
            core[f"hidden{k}"] = Dense(n_in, n_out, self.activation)
            n_in = n_out
        core["output"] = Dense(n_in, n_outputs)
        return Chain({"delay": delay, "": Feedback(Chain(core), n_output_lags)})

    def _output_lags(self, n_outputs):
        lags, each = self.n_output_lags, "one for each output"
        return per_channel("n_output_lags", lags, n_outputs, each)

    def _curriculum(self, network, last):
        found = []
        if self.feedback != "predicted" and not last:
            found.append((open_loop(network), self._with_outputs))
        if self._trained_free(last):
            found.append((network, lambda data: data))
        return found

    @staticmethod
    def _with_outputs(data):
        return replace(data, x=np.concatenate([data.x, data.y], axis=1))

    def _one_step(self, network, data):
        if data.last or np.isnan(data.y).any():
            return network, data
        loops = [open_loop(member) for member in getattr(network, "members", [network])]
        loop = Mean(loops[0], len(loops)) if len(loops) > 1 else loops[0]
        return loop, self._with_outputs(data)

    def _check_data(self, network, data):
        n_lags, n_steps = network.layers[1].n_lags, int(data.lengths.max())
        if n_lags > n_steps:
            raise ValueError(
                f"n_output_lags={self.n_output_lags!r} is more than the {n_steps} "
                "step(s) of the longest sequence: from these lags nothing is learnt."
            )
        if self._returns_quantiles(network) and not self._trained_free(data.last):
            warn_caller(
                f"loss='quantile' with quantile={self.quantile:g} and output lags: the "
                "quantile is learnt given measured outputs, but predict feeds the "
                "model's own quantiles back, and what comes out is no quantile. Take "
                "predict_ahead with horizon=1, or feedback='predicted' for quantiles "
                "of the free run."
            )

    def _returns_quantiles(self, network):
        """Whether what is fed back is neither a mean nor a median."""
        _, loop = network.layers
        return loop.n_lags > 0 and self.loss == "quantile" and self.quantile != 0.5

    def _trained_free(self, last):
        """Whether training ends with the free run."""
        # Where only the last output of a sequence is known there is nothing else to
        # feed back than predictions.
        return self.feedback != "measured" or last

    # ------------------------------------------------------------------- targets
    def _read_targets(self, y, records, dtype):
        targets = super()._read_targets(y, records, dtype)
        if not targets.last:
            lags = self._output_lags(targets.values.shape[1])
            self._has_gaps(targets.values, any(lags))
        return targets

    def _has_gaps(self, y, are_fed_back):
        """Whether outputs that are fed back are missing, if that is allowed."""
        if not np.isnan(y).any() or not are_fed_back:
            return False
        if self.feedback != "predicted":
            raise ValueError(
                f"feedback={self.feedback!r} feeds measured outputs back, but y is "
                f"missing (NaN) at {np.isnan(y).any(axis=1).sum()} step(s). Fill the "
                "gaps, or fit with feedback='predicted'."
            )
        return True

    def _fed_back(self, records, x, y, parts):
        """Measured outputs; the free run stands in for those that are missing."""
        has_gaps = self._has_gaps(y, self._network.layers[1].n_lags > 0)
        rows = infer(self._forward, x, records, parts)[0] if has_gaps else y
        return np.where(np.isnan(y), rows, y)

    # ---------------------------------------------------------------- prediction
    def _check_simulation(self, state):
        runs = [own.diverged for _, _, (_, own) in self._members(state)]
        diverged = np.max(runs, axis=0)
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

    @overload
    def predict(
        self,
        X: ArrayLike,
        y_init: ArrayLike | None = ...,
        *,
        state: State | None = ...,
        return_state: Yes,
    ) -> tuple[Found, State]: ...
    @overload
    def predict(
        self,
        X: ArrayLike,
        y_init: ArrayLike | None = ...,
        *,
        state: State | None = ...,
        return_state: bool = ...,
    ) -> Found: ...
    def predict(
        self,
        X: ArrayLike,
        y_init: ArrayLike | None = None,
        *,
        state: State | None = None,
        return_state: bool = False,
    ) -> Found:
        """Simulate: run free, feeding back the model's own outputs.

        Parameters
        ----------
        X : array-like or list of array-like
            Sequences in the form that `fit` saw. With ``time_axis=0`` the rows are
            taken to follow the training rows, sequence by sequence, whose last outputs
            are then fed back first; unless they are the training rows themselves, or
            ``carry_state=False``.
        y_init : array-like or list, default=None
            Measured outputs before the first step of each sequence, oldest first, of
            shape (n_sequences, n_init) or (n_sequences, n_init, n_outputs); the last
            ``n_output_lags`` are used. Without them the past is unknown, and the
            mean stands in. For one table of steps: (n_init,) or (n_init, n_outputs).
            It is short for a past whose inputs are unknown, and count as their mean;
            where the model looks back at them, a `state` from `warm_up` says more.
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
        UserWarning
            With `y_init`, if the model has input lags or a dead time.
        """
        if y_init is None:
            return super().predict(X, state=state, return_state=return_state)
        if state is not None:
            raise ValueError("Give the past as y_init or as state, not as both.")
        records = self._read(X)
        parts = self._with_y_init(y_init, records)
        return self._predicted(records, None, parts, return_state)

    def predict_ahead(
        self,
        X: ArrayLike,
        y: ArrayLike,
        horizon: Int = 1,
        *,
        state: State | None = None,
    ) -> Found:
        """Predict each step from outputs measured up to `horizon` steps before it.

        Row t of y is taken to be measured at the time of row t of X. Where `fit` was
        given targets from later steps (y_t being the value six steps on, say), this
        method knows values from the future: a score of it says nothing, and no data
        can show it.

        Parameters
        ----------
        X, y : array-like or list of array-like
            As in `fit`, with a target at every step, measured at that step. With
            ``feedback="predicted"`` and ``missing_targets="ignore"`` outputs may be
            missing (NaN), and the free run stands in for them.
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

        Raises
        ------
        ValueError
            If y has no output at every step, or for a state as in `predict`.

        Warns
        -----
        UserWarning
            If ``loss="quantile"`` was fitted to the free run: given measured outputs,
            the model does not predict that quantile.
        """
        records, counts = self._read(X), {"horizon": [at_least(1)]}
        check_parameters("NARXRegressor.predict_ahead", counts, horizon=horizon)
        targets = self._read_known_targets(y, records)
        if targets.last:
            raise ValueError(
                "predict_ahead needs the measured output at every step; y has one "
                "value per sequence, and so has the y seen by fit."
            )
        if self._returns_quantiles(self._network) and self._trained_free(last=False):
            warn_caller(
                f"With feedback={self.feedback!r} the quantile was learnt given the "
                "model's own quantiles; predict_ahead gives it measured outputs "
                "instead, and what it then predicts is no quantile. Take predict, or "
                "fit with feedback='measured'."
            )
        parts = self._initial_state(records, state)
        parts = self._fresh(len(records.lengths)) if parts is None else parts
        x = self._inputs(records.rows)
        y = self._y_scaler.transform(targets.values)
        y = self._fed_back(records, x, y, parts)
        rows = [
            rows_ahead(network, theta, x, y, records, own, horizon)
            for network, theta, own in self._members(parts)
        ]
        rows = self._y_scaler.inverse_transform(np.mean(rows, axis=0))
        return self._shape(rows, records)
