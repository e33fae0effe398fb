"""What the fitted weights say, step by step in plain NumPy: the equations, no more.

Nothing here is shared with the package, and nothing is made fast.
"""

import numpy as np

ACTIVATE = {
    "identity": lambda z: z,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "logistic": lambda z: 0.5 + 0.5 * np.tanh(0.5 * z),  # which does not overflow
}
sigmoid = ACTIVATE["logistic"]


def predicted(model, X):
    """Outputs at every step of each sequence, (n_steps_i, n_outputs)."""
    return [one_sequence(model, x.astype(float)) for x in X]


def one_sequence(model, x):
    units, levels = units_of(model)
    z = (changes(x, units) - levels[0]) / levels[1]
    if units is not None:
        z[0, units.columns] = 0  # the change before the first step is not known
    members = members_of(model)
    y = sum(network(model, w, z) for w in members) / len(members)
    y = y * levels[3] + levels[2]
    return y if units is None else y + x[:, units.channels]


def units_of(model):
    """What is learnt of changes, and mean and scale of the inputs and the outputs."""
    own = model._differencing
    x, y = (model._x_scaler, model._y_scaler) if own is None else (own.x, own.y)
    return own, (x.mean, x.scale, y.mean, y.scale)


def changes(x, units):
    z = x.copy()
    if units is not None:
        z[1:, units.columns] -= x[:-1, units.columns]
    return z


def members_of(model):
    """The weights of each network, by name."""
    weights = {name: w.astype(float) for name, w in model.weights_.items()}
    n = getattr(model, "n_ensemble", 1)
    if n == 1:
        return [weights]
    return [
        {
            name.removeprefix(f"member{k}."): w
            for name, w in weights.items()
            if name.startswith(f"member{k}.")
        }
        for k in range(n)
    ]


def network(model, w, z):
    kind = type(model).__name__
    if kind == "AutoRegressor":
        return weighted(lagged(z, len(w["output.weight"]) // z.shape[1]), w, "output")
    if kind == "NARXRegressor":
        return free_run(model, w, z)
    return tdnn(model, w, z) if kind == "TDNNRegressor" else recurrent(model, w, z)


def lagged(z, n):
    """Each step beside the n - 1 before it, lag by lag; zero before the first."""
    found = np.zeros((len(z), n, z.shape[1]))
    for t in range(len(z)):
        for lag in range(min(n, t + 1)):
            found[t, lag] = z[t - lag]
    return found.reshape(len(z), -1)


def weighted(z, w, layer):
    return z @ w[f"{layer}.weight"] + w[f"{layer}.bias"]


def linear_path(w, z):
    skip = w.get("output.skip")
    return 0 if skip is None else lagged(z, len(skip) // z.shape[1]) @ skip


def tdnn(model, w, z):
    f, h, k = ACTIVATE[model.activation], z, 0
    while f"hidden{k}.weight" in w:
        n = len(w[f"hidden{k}.weight"]) // h.shape[1]
        h, k = f(weighted(lagged(h, n), w, f"hidden{k}")), k + 1
    n = len(w["output.weight"]) // h.shape[1]
    return weighted(lagged(h, n), w, "output") + linear_path(w, z)


def free_run(model, w, z):
    n_channels, n_outputs = z.shape[1], len(w["output.bias"])
    lags, n_back = lags_of_narx(model, len(z), n_channels, n_outputs)
    y, f = np.zeros((len(z), n_outputs)), ACTIVATE[model.activation]
    for t in range(len(z)):
        row = np.array(values_at(z, t, lags) + values_at(y, t, n_back))
        k = 0
        while f"hidden{k}.weight" in w:
            row, k = f(weighted(row, w, f"hidden{k}")), k + 1
        y[t] = weighted(row, w, "output")
    return y


def lags_of_narx(model, n_steps, n_channels, n_outputs):
    first = np.broadcast_to(model.input_delay, n_channels)
    if model.n_input_lags is None:
        lags = [range(d, n_steps) for d in first]
    else:
        more = np.broadcast_to(model.n_input_lags, n_channels)
        lags = [range(d, d + n + 1) for d, n in zip(first, more, strict=True)]
    back = np.broadcast_to(model.n_output_lags, n_outputs)
    return lags, [range(1, n + 1) for n in back]


def values_at(z, t, lags):
    """Lag by lag where all columns have the same lags, else column by column."""
    alike = all(own == lags[0] for own in lags)
    order = [(k, lag) for k, own in enumerate(lags) for lag in own]
    if alike:
        order = sorted(order, key=lambda pair: (pair[1], pair[0]))
    return [z[t - lag, k] if lag <= t else 0.0 for k, lag in order]


def recurrent(model, w, z):
    step, h, k = STEPS[type(model).__name__], z, 0
    if model.initial_state == "estimated":  # no output is shown, nor told to be
        h = np.hstack([z, np.zeros((len(z), model.n_outputs_ + 1))])
    while f"hidden{k}.weight_input" in w:
        own = {name.split(".")[1]: v for name, v in w.items() if f"hidden{k}." in name}
        n = own["bias"].size // GATES[type(model).__name__]
        zero, found = np.zeros(n), []
        state = own.get("initial_h", zero), own.get("initial_c", zero)
        for x in h:
            state = step(model, own, x, *state)
            found.append(state[0])
        h, k = np.array(found), k + 1
    return weighted(h, w, "output") + linear_path(w, z)


def rnn_step(model, w, x, h, c):
    z = x @ w["weight_input"] + w["bias"]
    if model.recurrence != "integrator":
        z = z + h @ w["weight_recurrent"]
    new = ACTIVATE[model.activation](z)
    return (new if model.recurrence == "simple" else h + new), c


def gru_step(model, w, x, h, c):
    r_x, z_x, n_x = np.split(x @ w["weight_input"] + w["bias"], 3)
    r_h, z_h, n_h = np.split(h @ w["weight_recurrent"], 3)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    n = np.tanh(n_x + r * (n_h + w["bias_recurrent"]))
    return (1 - z) * n + z * h, c


def lstm_step(model, w, x, h, c):
    gates = x @ w["weight_input"] + h @ w["weight_recurrent"] + w["bias"]
    o, i, f, g = np.split(gates, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


STEPS = {"RNNRegressor": rnn_step, "GRURegressor": gru_step, "LSTMRegressor": lstm_step}
GATES = {"RNNRegressor": 1, "GRURegressor": 3, "LSTMRegressor": 4}
