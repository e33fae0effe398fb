"""Cases: an estimator, its hyper-parameters and data, out of all that is accepted.

Hypothesis chooses the structure, which it can shrink; the numbers come from a seed.
"""

from dataclasses import dataclass, replace

import numpy as np
from estimators import NAMES
from hypothesis import strategies as st

import sk_rnn
from sk_rnn.layers import ACTIVATIONS
from sk_rnn.solvers import SOLVERS
from sk_rnn.training._losses import LOSSES

RECURRENT = ["RNNRegressor", "GRURegressor", "LSTMRegressor"]


@dataclass
class Case:
    """An estimator and data for it, sequence by sequence.

    Attributes
    ----------
    name : str
    params : dict
    X, y : list of ndarray of shape (n_steps_i, n_channels), (n_steps_i, n_outputs)
    last : bool
        Whether y is given for the last steps alone.
    flat : bool
        Whether y is given without an axis of outputs.
    weight : list of ndarray of shape (n_steps_i,), ndarray of one each, or None
    needed : int
        How many steps fill the delay lines.
    chosen : int
        A sequence that counts in any case, and suffices.
    seed : int
        For what the tests draw.
    """

    name: str
    params: dict
    X: list
    y: list
    last: bool
    flat: bool
    weight: object
    needed: int
    chosen: int
    seed: int

    def make(self, **more):
        return getattr(sk_rnn, self.name)(**self.params | more)

    @property
    def targets(self):
        """y, as it goes with X as a list."""
        y = [part[-1] for part in self.y] if self.last else self.y
        y = [part[..., 0] for part in y] if self.flat else y
        return np.array(y) if self.last else y

    @property
    def data(self):
        """X, y and weights, with X as a list."""
        return self.X, self.targets, self.weight

    def some(self, which):
        """The same with some of the sequences, in any order, perhaps repeated."""
        weight = self.weight
        if weight is not None:
            weight = [weight[k] for k in which]
            weight = weight if np.ndim(weight[0]) else np.array(weight)
        return replace(
            self,
            X=[self.X[k] for k in which],
            y=[self.y[k] for k in which],
            weight=weight,
        )

    @property
    def lengths(self):
        return [len(x) for x in self.X]

    @property
    def ends(self):
        """Where to cut rows into sequences."""
        return np.cumsum(self.lengths)[:-1]

    @property
    def is_regular(self):
        return len(set(self.lengths)) == 1

    @property
    def needs_row(self):
        """Whether the lags are those of rows of a fixed length."""
        names = {"AutoRegressor": "n_lags", "TDNNRegressor": "n_lags"}
        names["NARXRegressor"] = "n_input_lags"
        return self.params.get(names.get(self.name), 0) is None

    @property
    def is_double(self):
        return self.X[0].dtype == np.float64

    @property
    def rng(self):
        return np.random.default_rng(self.seed)

    def tolerance(self, double=1e-9):
        return double if self.is_double else 1e-3


def rarely(draw, values, usual, odds=4):
    """One of `values` in one of so many cases, else what is usual."""
    return draw(st.sampled_from([*values, *[usual] * ((odds - 1) * len(values))]))


# --------------------------------------------------------------------- hyper-parameters
@st.composite
def sizes(draw, minimum):
    n_layers = draw(st.sampled_from([1, 1, 2] if minimum else [0, 1, 1, 2]))
    found = tuple(draw(st.integers(1, 3)) for _ in range(n_layers))
    return found[0] if n_layers == 1 and draw(st.booleans()) else found


def of_training(draw, name):
    """Loss, solver and stopping."""
    solver = draw(st.sampled_from([*SOLVERS, "lbfgs", "lbfgs"]))
    loss = rarely(draw, LOSSES, "squared_error", 3)
    params = {
        "solver": solver,
        "loss": "squared_error" if solver == "lm" else loss,
        "alpha": draw(st.sampled_from([0.0, 1e-3, 0.1])),
        "max_iter": draw(st.integers(1, 3)),
        "random_state": draw(st.integers(0, 3)),
        "early_stopping": False,
        "n_init": rarely(draw, [2], 1),
    }
    params["n_ensemble"] = draw(st.integers(1, params["n_init"]))
    if loss == "quantile":
        params["quantile"] = draw(st.sampled_from([0.2, 0.5]))
    if solver == "adam":
        params["batch_size"] = draw(st.sampled_from(["auto", 1, 2, 3]))
        params["learning_rate_init"] = 0.03
        params["learning_rate"] = rarely(draw, ["constant", "cooldown"], "adaptive")
        params["shuffle"] = rarely(draw, [False], True)
        if name != "NARXRegressor":
            params["dropout"] = rarely(draw, [0.3], 0.0)
    return params


def of_stopping(draw):
    """What is held out, where enough is there."""
    if not draw(st.booleans()):
        return {}
    found = {"early_stopping": True, "alpha": draw(st.sampled_from(["auto", 0.1]))}
    return found | ({"validation": "random"} if draw(st.booleans()) else {})


def of_autoregressor(draw, shape):
    n_lags = draw(st.integers(1, 3))
    return {"n_lags": n_lags, "alpha": draw(st.sampled_from([0.0, 0.1]))}, n_lags


def of_tdnn(draw, shape):
    params = {
        "hidden_layer_sizes": draw(sizes(0)),
        "activation": draw(st.sampled_from(sorted(ACTIVATIONS))),
        "skip": rarely(draw, ["linear"], None),
        "n_lags": draw(st.integers(0, 3)),
    }
    if draw(st.booleans()):
        n = 1 + np.size(params["hidden_layer_sizes"])
        params["n_lags"] = tuple(draw(st.integers(0, 2)) for _ in range(n))
    return params, int(np.sum(params["n_lags"])) + 1


def of_narx(draw, shape):
    n_channels, n_outputs = shape

    def each(n, most):
        if draw(st.booleans()):
            return draw(st.integers(0, most))
        return tuple(draw(st.integers(0, most)) for _ in range(n))

    params = {
        "hidden_layer_sizes": draw(sizes(0)),
        "activation": draw(st.sampled_from(sorted(ACTIVATIONS))),
        "n_input_lags": each(n_channels, 2),
        "input_delay": each(n_channels, 2),
        "n_output_lags": each(n_outputs, 3),
        "feedback": draw(
            st.sampled_from(["measured", "predicted", "measured_then_predicted"])
        ),
    }
    reach = np.broadcast_to(params["n_input_lags"], n_channels) + params["input_delay"]
    return params, int(reach.max()) + 1


def of_recurrent(draw, name):
    """And how many steps each sequence must have."""
    params = {
        "hidden_layer_sizes": draw(sizes(1)),
        "initial_state": rarely(draw, ["learned", "estimated"], "zero", 2),
        "time_scale": rarely(draw, [2, 3.5], None, 3),
        "bptt_steps": rarely(draw, [4, 5], None, 3),
        "skip": rarely(draw, ["linear"], None, 2),
    }
    if params["skip"]:
        most = 2 if params["bptt_steps"] is None else 1
        params["skip_lags"] = draw(st.integers(0, most))
    if name == "RNNRegressor":
        kinds = ["simple", "integrator", "residual"]
        params["recurrence"] = draw(st.sampled_from(kinds))
        params["activation"] = draw(st.sampled_from(sorted(ACTIVATIONS)))
    return params, params.get("skip_lags", 0) + 1


def of_model(draw, name, shape):
    """Hyper-parameters, and how many steps each sequence must have."""
    if name == "AutoRegressor":
        return of_autoregressor(draw, shape)
    own = {"TDNNRegressor": of_tdnn, "NARXRegressor": of_narx}
    found, needed = own[name](draw, shape) if name in own else of_recurrent(draw, name)
    return of_training(draw, name) | found, needed


def of_units(draw, name, is_next, shape):
    """`standardize`, and of which columns the outputs are the next values."""
    usual = [True, False] + ["auto"] * (name != "AutoRegressor")
    is_possible = is_next and name != "NARXRegressor"
    kinds = [*usual, *["differences"] * (2 * is_possible)]
    params = {"standardize": draw(st.sampled_from(kinds))}
    if is_next and shape[0] != shape[1]:
        params["target_columns"] = list(range(shape[1]))
    return params


# ---------------------------------------------------------------------------- the data
KINDS = ["noise", "noise", "whole numbers", "constant", "far away", "twice"]


def numbers(rng, kind, lengths, n_channels):
    """Inputs of each sequence, one step more than it has."""
    X = [rng.standard_normal((n + 1, n_channels)) for n in lengths]
    if kind == "whole numbers":
        X = [np.round(2 * x) for x in X]
    elif kind == "constant":
        for x in X:
            x[:, -1] = 3.0
    elif kind == "far away":
        X = [1e3 * (x + 20) for x in X]
    elif kind == "twice":
        X = [X[lengths.index(n)].copy() for n in lengths]
    return X


def outputs(rng, X, n_outputs):
    """What a system with a memory makes of inputs."""
    mix, found = rng.standard_normal((X[0].shape[1], n_outputs)), []
    scale = 1 + max(np.abs(x).max() for x in X)
    for x in X:
        y = np.tanh(x @ mix / scale) + 0.1 * rng.standard_normal((len(x), n_outputs))
        for t in range(1, len(x)):
            y[t] += 0.5 * y[t - 1]
        found.append(y)
    return found


def with_gaps(rng, y, kept):
    """Half of the outputs missing, but for those of one sequence at its end."""
    y = [np.where(rng.random(part.shape) < 0.5, np.nan, part) for part in y]
    return [part if k != kept[0] else kept[1] for k, part in enumerate(y)]


def weights(draw, rng, lengths, chosen, last):
    """Whole numbers, zeros among them; one sequence counts in any case."""
    kind = rarely(draw, ["sequences", "steps"], None, 2)
    if kind is None:
        return None
    found = rng.integers(0, 3, len(lengths)).astype(float)
    found[chosen] = 1
    if last or kind == "sequences":
        return found
    steps = [rng.integers(0, 3, n).astype(float) for n in lengths]
    steps[chosen][-1] = 1
    return steps


@st.composite
def cases(draw, names=NAMES, steps=None, next_values=None, of_rows=False, **fixed):
    """Any valid case.

    Parameters
    ----------
    names : sequence of str
        Of the estimators.
    steps : bool, default=None
        Whether y is given at each step; None: either.
    next_values : bool, default=None
        Whether y holds the next values of the first channels; None: either.
    of_rows : bool, default=False
        Whether lags may be those of the row (None), which lists do not have.
    **fixed
        Hyper-parameters, of the estimators that have them.
    """
    name = draw(st.sampled_from(names))
    shape = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    is_next = draw(st.booleans()) if next_values is None else next_values
    shape = (shape[0], min(shape)) if is_next else shape
    params, needed = of_model(draw, name, shape)
    params |= of_units(draw, name, is_next, shape)
    known = vars(sk_rnn)[name]().get_params()
    params |= {key: value for key, value in fixed.items() if key in known}
    last = not (draw(st.integers(0, 3)) if steps is None else steps)
    params["washout"] = rarely(draw, [1, 2], 0, 2)
    if params.get("initial_state") == "estimated":
        params["washout"] = draw(st.integers(max(needed - 1, 1), 3))
        last = False
        if params["standardize"] == "differences":
            params["standardize"] = True
    if needed > 1:  # one change less than there are values
        needed += params["standardize"] in ("auto", "differences")
    most = needed + draw(st.integers(0, 5))
    regular = draw(st.booleans())
    n = draw(st.integers(1, 6))
    lengths = [most if regular else draw(st.integers(needed, most)) for _ in range(n)]
    chosen = draw(st.integers(0, n - 1))
    least = max(params["washout"] + 1, int(np.max(params.get("n_output_lags", 0))), 2)
    lengths = [max(k, least) if regular else k for k in lengths]
    lengths[chosen] = max(lengths[chosen], least)
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    kind = draw(st.sampled_from(KINDS))
    series = numbers(rng, kind, lengths, shape[0])
    if is_next:
        walks = draw(st.booleans())
        series = [np.cumsum(x, axis=0) if walks else x for x in series]
    X = [x[:-1] for x in series]
    y = [x[1:, : shape[1]] for x in series] if is_next else outputs(rng, X, shape[1])
    may_lack = params.get("feedback", "predicted") == "predicted"
    if may_lack and rarely(draw, [True], False):
        params["missing_targets"] = "ignore"
        y = with_gaps(rng, y, (chosen, y[chosen]))
    dtype = draw(st.sampled_from([np.float64, np.float64, np.float32]))
    X, y = [x.astype(dtype) for x in X], [part.astype(dtype) for part in y]
    weight = weights(draw, rng, lengths, chosen, last)
    has_gaps = "missing_targets" in params
    all_count = weight is None and not params["washout"] and not has_gaps
    if name != "AutoRegressor" and n > 2 and kind == "noise" and all_count:
        params |= of_stopping(draw)
    if of_rows and regular and rarely(draw, [True], False, 8):
        for key in ("n_lags", "n_input_lags"):
            if key in params and "input_delay" not in params:
                params[key] = None
    flat = shape[1] == 1 and draw(st.booleans())
    return Case(name, params, X, y, last, flat, weight, needed, chosen, seed)
