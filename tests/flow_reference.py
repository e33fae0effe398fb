"""The models once more, for the tests of the gradient flow.

`unroll` is a plain loop over one record, written from the docstrings of the estimators.
It adds an impulse to the pre-activations or to the output of one layer at one step:
what `gradient_flow` must find is the derivative with respect to the impulse.
"""

import numpy as np
from estimators import make
from helpers import complex_step

from sk_rnn import NARXRegressor, TDNNRegressor


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


FUNCTIONS = {
    "identity": lambda z: z,
    "tanh": np.tanh,
    "logistic": sigmoid,
    "relu": lambda z: z * (z.real > 0),
}


# ------------------------------------------------------------------- plain references
def recurrent_step(model, w, x, state, impulse_z, impulse_h):
    """One step of one layer; state is (h,) or (h, c)."""
    kind, h = type(model).__name__[:3], state[0]
    z = x @ w["weight_input"] + w["bias"]
    n = len(h)
    if kind == "GRU":
        see_h = h @ w["weight_recurrent"]
        z = z + impulse_z
        r = sigmoid(z[:n] + see_h[:n])
        update = sigmoid(z[n : 2 * n] + see_h[n : 2 * n])
        inner = see_h[2 * n :] + w["bias_recurrent"]
        candidate = np.tanh(z[2 * n :] + r * inner)
        return ((1 - update) * candidate + update * h + impulse_h,)
    if "weight_recurrent" in w:
        z = z + h @ w["weight_recurrent"]
    z = z + impulse_z
    if kind == "LST":
        o, i, f = (sigmoid(z[k * n : (k + 1) * n]) for k in range(3))
        c = f * state[1] + i * np.tanh(z[3 * n :])
        return o * np.tanh(c) + impulse_h, c
    a = FUNCTIONS[model.activation](z)
    return (a + impulse_h + (0 if model.recurrence == "simple" else h),)


def parts(model):
    """Parameters by layer."""
    found = {}
    for name, value in model.weights_.items():
        layer, _, key = name.partition(".")
        found.setdefault(layer, {})[key] = np.array(value, float)
    return found


def gates(model):
    kind = type(model).__name__
    return {"GRURegressor": 3, "LSTMRegressor": 4}.get(kind, 1)


class Impulses:
    """Of one layer at one step; zero elsewhere."""

    def __init__(self, layer=None, step=None, quantity=None, values=None):
        self.layer, self.step = layer, step
        self.quantity, self.values = quantity, values

    def __call__(self, layer, step, quantity, size):
        here = (layer, step, quantity) == (self.layer, self.step, self.quantity)
        return self.values if here else np.zeros(size)


NONE = Impulses()


def unroll_recurrent(model, x, impulses=NONE):
    w = parts(model)
    hidden = [name for name in w if name != "output"]
    sizes = [len(w[name]["bias"]) // gates(model) for name in hidden]
    n_states = 2 if type(model).__name__ == "LSTMRegressor" else 1
    states = [(np.zeros(n),) * n_states for n in sizes]
    for t, a in enumerate(x):
        for k, name in enumerate(hidden):
            states[k] = recurrent_step(
                *(model, w[name], a, states[k]),
                impulses(k, t, "delta", gates(model) * sizes[k]),
                impulses(k, t, "state", sizes[k]),
            )
            a = states[k][0]
        yield a @ w["output"]["weight"] + w["output"]["bias"]


def unroll_tdnn(model, x, impulses=NONE):
    w, lags = parts(model), model.n_lags
    line = list(x)
    for k, name in enumerate(w):
        past = [np.zeros_like(line[0])] * lags[k]
        rows = []
        for t, a in enumerate(line):
            seen = np.concatenate([a, *past])
            past = [a, *past][: lags[k]]
            z = seen @ w[name]["weight"] + w[name]["bias"]
            if name != "output":
                z = z + impulses(k, t, "delta", len(z))
                z = FUNCTIONS[model.activation](z) + impulses(k, t, "state", len(z))
            rows.append(z)
        line = rows
    yield from line


def narx_order(first, n_lags, n_channels):
    """(lag, channel) of the inputs of a NARX network, of x or of y, in their order."""
    first, n_lags = (np.broadcast_to(v, n_channels).tolist() for v in (first, n_lags))
    lags = [range(d, d + n) for d, n in zip(first, n_lags, strict=True)]
    found = [(lag, c) for c, own in enumerate(lags) for lag in own]
    return sorted(found) if len(set(lags)) == 1 else found


def narx_inputs(model, x):
    """The lagged x of every step."""
    n_lags = np.add(model.n_input_lags, 1)
    order = narx_order(model.input_delay, n_lags, x.shape[1])
    for t in range(len(x)):
        yield np.array([x[t - lag, c] if t >= lag else 0.0 for lag, c in order])


def unroll_narx(model, x, impulses=NONE):
    w, outputs = parts(model), []
    order = narx_order(1, model.n_output_lags, model.n_outputs_)
    for t, a in enumerate(narx_inputs(model, x)):
        past = [outputs[t - lag][o] if t >= lag else 0.0 for lag, o in order]
        a = np.concatenate([a, past])
        for k, name in enumerate(w):
            a = a @ w[name]["weight"] + w[name]["bias"]
            if name != "output":
                a = a + impulses(k, t, "delta", len(a))
                a = FUNCTIONS[model.activation](a) + impulses(k, t, "state", len(a))
        outputs.append(a)
        yield a


def unroll(model, x, impulses=NONE):
    """Outputs of one record, in standard units."""
    function = {TDNNRegressor: unroll_tdnn, NARXRegressor: unroll_narx}
    return list(function.get(type(model), unroll_recurrent)(model, x, impulses))


def reference(model, x, t, loss, layer, quantity, distance, gradient=complex_step):
    """Gradient of the loss of step t with respect to a layer `distance` steps before.

    `x` is one record in standard units.
    """
    bias = parts(model)[f"hidden{layer}"]["bias"]
    size = len(bias) if quantity == "delta" else len(bias) // gates(model)

    def of_impulse(values):
        impulses = Impulses(layer, t - distance, quantity, values)
        value = loss(unroll(model, x[: t + 1], impulses)[t])
        return value if gradient is complex_step else float(value)

    return gradient(of_impulse, np.zeros(size))


def singular_values(function, values):
    columns = []
    for k in range(len(values)):
        columns.append(
            [
                function(values + sign * 1e-6 * np.eye(len(values))[k])
                for sign in (1, -1)
            ]
        )
    jacobian = np.array([(a - b) / 2e-6 for a, b in columns]).T
    return np.linalg.svd(jacobian, compute_uv=False)


def layer_values(model, p, a, states):
    n = len(states[0])

    def step(flat):
        state = np.split(flat, len(states))
        zero = np.zeros(gates(model) * n), np.zeros(n)
        return np.concatenate(recurrent_step(model, p, a, state, *zero))

    return singular_values(step, np.concatenate(states))


def narx_values(model, x, t):
    w, outputs = parts(model), unroll(model, x)
    seen = list(narx_inputs(model, x))[t]
    order = narx_order(1, model.n_output_lags, model.n_outputs_)

    def step(past):
        a = np.concatenate([seen, past])
        for name in w:
            a = a @ w[name]["weight"] + w[name]["bias"]
            a = a if name == "output" else np.tanh(a)
        # y_{t-1} and those before it are carried on as they are.
        before = dict(zip(order, past, strict=True))
        return np.array([before[lag - 1, o] if lag > 1 else a[o] for lag, o in order])

    line = [outputs[t - lag][o] if t >= lag else 0.0 for lag, o in order]
    return singular_values(step, np.array(line))


# ------------------------------------------------------------------------------ models
PLAIN = {"standardize": False}


def recurrent(name, **params):
    return make(name, hidden_layer_sizes=(4, 3), max_iter=3, **PLAIN, **params)


MODELS = {
    **{
        f"{recurrence}-{activation}": lambda r=recurrence, a=activation: recurrent(
            "RNNRegressor", recurrence=r, activation=a
        )
        for recurrence in ("simple", "integrator", "residual")
        for activation in ("tanh", "logistic", "relu")
    },
    "gru": lambda: recurrent("GRURegressor"),
    "lstm": lambda: recurrent("LSTMRegressor"),
    "tdnn": lambda: recurrent("TDNNRegressor", n_lags=(2, 0, 1)),
    "narx": lambda: recurrent("NARXRegressor", n_input_lags=1, n_output_lags=2),
    "narx-each": lambda: recurrent(
        "NARXRegressor", n_input_lags=(0, 2), n_output_lags=(1, 3), input_delay=(1, 0)
    ),
}


def records(lengths=(6, 4, 3, 8), n_outputs=2, seed=0):
    rng = np.random.default_rng(seed)
    X = [rng.standard_normal((n, 2)) for n in lengths]
    y = [rng.standard_normal((n, n_outputs)) for n in lengths]
    return X, y


def perturbed(model, seed=0, scale=0.6):
    """Other weights than those fitted: large, so that nothing is linear."""
    rng = np.random.default_rng(seed)
    model._theta = scale * rng.standard_normal(model._theta.shape)
    return model


def fitted(name, X, y, **params):
    return perturbed(MODELS[name]().set_params(**params).fit(X, y))


def expected_norms(model, X, pairs, losses, layer, quantity, **kwargs):
    """Means over pairs (record, step) by distance."""
    norms = {}
    for (k, t), loss in zip(pairs, losses, strict=True):
        for distance in range(t + 1):
            found = reference(model, X[k], t, loss, layer, quantity, distance, **kwargs)
            norms.setdefault(distance, []).append(np.linalg.norm(found))
    return np.array([np.mean(norms[d]) for d in range(len(norms))])
