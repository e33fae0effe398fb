"""torch's side of the comparisons: the same models, written as its users write them."""

import time

import numpy as np
from _common import peer

torch = peer("torch")

#: Threads by default.
MANY = torch.get_num_threads()


class Network(torch.nn.Module):
    """An LSTM, or another layer, with a linear output of its last step."""

    def __init__(self, n_units, dtype=torch.float32, layer="LSTM", n_in=1, n_out=1):
        super().__init__()
        layer = getattr(torch.nn, layer)
        self.lstm = layer(n_in, n_units, batch_first=True, dtype=dtype)
        self.output = torch.nn.Linear(n_units, n_out, dtype=dtype)

    def forward(self, x):
        return self.output(self.lstm(x)[0][:, -1])


def kind(dtype):
    """torch's name of a dtype of NumPy."""
    return getattr(torch, np.dtype(dtype).name)


def threads(number):
    """A function that sets the number of threads, for `interleave`."""
    return lambda: torch.set_num_threads(number)


def mean_loss(y_pred, y):
    return 0.5 * torch.nn.functional.mse_loss(y_pred, y)


def fit(X, y, n_units, batch_size, n_epochs):
    """Fit by Adam with clipping; return the predictions for X."""
    X, y = torch.from_numpy(X)[..., None], torch.from_numpy(y)[:, None]
    network = Network(n_units, X.dtype)
    adam = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    for _ in range(n_epochs):
        for part in torch.randperm(len(X)).split(batch_size):
            adam.zero_grad()
            mean_loss(network(X[part]), y[part]).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            adam.step()
    with torch.inference_mode():
        return network(X).numpy()[:, 0]


def fit_for(seconds, layer, X, y, X_test, seed):
    """Fit 32 units by Adam for so many seconds of processor time; predict X_test.

    X (n_sequences, n_steps, n_channels) and y are standardised; batches of 32.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    mean, scale = X.mean(axis=(0, 1)), X.std(axis=(0, 1))
    y_mean, y_scale = y.mean(axis=0), y.std(axis=0)
    inputs, given = (
        torch.tensor((x - mean) / np.where(scale > 0, scale, 1.0), dtype=torch.float32)
        for x in (X, X_test)
    )
    targets = torch.tensor((y - y_mean) / y_scale, dtype=torch.float32)
    targets = targets.reshape(len(y), -1)
    network = Network(32, torch.float32, layer, X.shape[2], targets.shape[1])
    adam = torch.optim.Adam(network.parameters(), lr=1e-3)
    end = time.process_time() + seconds
    while time.process_time() < end:
        for part in torch.randperm(len(inputs)).split(32):
            adam.zero_grad()
            mean_loss(network(inputs[part]), targets[part]).backward()
            adam.step()
    with torch.inference_mode():
        return network(given).numpy().reshape(-1, *y.shape[1:]) * y_scale + y_mean


def skorch_net(dtype, n_units, batch_size, n_epochs):
    """The same through skorch."""
    skorch = peer("skorch")
    return skorch.NeuralNetRegressor(
        Network,
        module__n_units=n_units,
        module__dtype=kind(dtype),
        max_epochs=n_epochs,
        batch_size=batch_size,
        lr=1e-3,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[("clip", skorch.callbacks.GradientNormClipping(1.0))],
        verbose=0,
    )


# ------------------------------------------------------------------------------ L-BFGS
class Reached(Exception):
    """The loss is low enough."""


def lbfgs(start, X, y, target):
    """Run L-BFGS down to a loss; return the number of evaluations, None in vain.

    `start` are the weights of a fitted LSTMRegressor.
    """
    X, y = torch.from_numpy(X)[..., None], torch.from_numpy(y)[:, None]
    network = with_weights(start, X.dtype)
    solver = torch.optim.LBFGS(
        [p for p in network.parameters() if p.requires_grad],
        max_iter=1000,
        max_eval=1500,
        tolerance_grad=0,
        tolerance_change=0,
        history_size=10,
        line_search_fn="strong_wolfe",
    )
    count = 0

    def closure():
        nonlocal count
        count += 1
        solver.zero_grad()
        loss = mean_loss(network(X), y)
        if loss.item() <= target:
            raise Reached
        loss.backward()
        return loss

    try:
        solver.step(closure)
    except Reached:
        return count


def with_weights(weights, dtype):
    """A network with the weights of ours, and like ours with one bias per gate."""
    n_units = len(weights["hidden0.weight_recurrent"])
    network = Network(n_units, dtype)
    o, i, f, g = np.arange(4 * n_units).reshape(4, -1)
    order = np.concatenate([i, f, g, o])
    for parameter, values in (
        (network.lstm.weight_ih_l0, weights["hidden0.weight_input"].T[order]),
        (network.lstm.weight_hh_l0, weights["hidden0.weight_recurrent"].T[order]),
        (network.lstm.bias_ih_l0, weights["hidden0.bias"][order]),
        (network.lstm.bias_hh_l0, 0.0),
        (network.output.weight, weights["output.weight"].T),
        (network.output.bias, weights["output.bias"]),
    ):
        parameter.data[...] = torch.as_tensor(np.array(values))
    network.lstm.bias_hh_l0.requires_grad_(False)
    return network


# ------------------------------------------------------------------------- closed loop
def closed_loop(u, y, n_lags, views):
    """Gradient of the mean loss of a free run, as a function of the parameters.

    Parameters
    ----------
    u, y : ndarray of shape (n_records, n_steps)
    n_lags : int
        Of u and of y.
    views : callable
        Cuts the parameter vector into named arrays.
    """
    n_steps = u.shape[1]
    taps = [np.pad(u, ((0, 0), (lag, 0)))[:, :n_steps] for lag in range(n_lags + 1)]
    inputs = torch.from_numpy(np.stack(taps, axis=2).swapaxes(0, 1).copy())
    targets = torch.from_numpy(y.T[..., None].copy())

    def gradient(theta):
        p = {
            name: torch.from_numpy(view.copy()).requires_grad_()
            for name, view in views(theta).items()
        }
        w_in, w_line = p["hidden0.weight"].split([n_lags + 1, n_lags])
        line = torch.zeros(len(u), n_lags, dtype=torch.float64)
        outputs = []
        for z in inputs @ w_in + p["hidden0.bias"]:
            h = torch.tanh(z + line @ w_line)
            outputs.append(h @ p["output.weight"] + p["output.bias"])
            line = torch.cat([outputs[-1], line[:, :-1]], dim=1)
        mean_loss(torch.stack(outputs), targets).backward()
        return np.concatenate([part.grad.numpy().ravel() for part in p.values()])

    return gradient
