"""The whole objective: network + loss + penalty, on ragged weighted batches."""

import gc
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from helpers import assert_near, complex_step, peak_memory
from sklearn.neural_network import MLPRegressor

import sk_rnn
from sk_rnn.data import _dataset
from sk_rnn.data._dataset import Dataset
from sk_rnn.layers import ACTIVATIONS, Forward
from sk_rnn.training._inference import infer
from sk_rnn.training._losses import LOSSES, Loss
from sk_rnn.training._objective import Objective, penalised

N_CHANNELS, N_OUTPUTS = 2, 2


def build(name, **parameters):
    estimator = getattr(sk_rnn, name)(**parameters)
    return estimator._build(N_CHANNELS, N_OUTPUTS, None)


NETWORKS = {
    "ar": partial(build, "AutoRegressor", n_lags=3),
    "tdnn": partial(
        build, "TDNNRegressor", hidden_layer_sizes=(3, 2), n_lags=(2, 0, 1)
    ),
    "narx": partial(
        build,
        "NARXRegressor",
        hidden_layer_sizes=3,
        n_input_lags=1,
        n_output_lags=2,
    ),
    "gru": partial(build, "GRURegressor", hidden_layer_sizes=(3, 2)),
    "lstm": partial(build, "LSTMRegressor", hidden_layer_sizes=(3, 2)),
    "lstm-learned": partial(
        build, "LSTMRegressor", hidden_layer_sizes=(3, 2), initial_state="learned"
    ),
    **{
        f"rnn-{recurrence}": partial(
            build, "RNNRegressor", hidden_layer_sizes=(3, 2), recurrence=recurrence
        )
        for recurrence in ("simple", "integrator", "residual")
    },
}
each_network = pytest.mark.parametrize("name", NETWORKS)
each_target = pytest.mark.parametrize("last", [False, True], ids=["steps", "last"])


def ragged(last=False, lengths=(6, 3, 8, 1, 6), seed=0, skip=(1, 0, 2, 0, 0)):
    """Weighted records, two of which carry no loss in their first steps."""
    rng = np.random.RandomState(seed)
    lengths = np.array(lengths)
    n_rows = lengths.sum()
    n = len(lengths) if last else n_rows
    return Dataset(
        x=rng.standard_normal((n_rows, N_CHANNELS)),
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        y=rng.standard_normal((n, N_OUTPUTS)),
        weight=rng.uniform(0.5, 2, n),
        last=last,
        skip=np.zeros(len(lengths), int) if last else np.array(skip),
    )


def objective(name, data, loss="squared_error", alpha=0.7, **options):
    return Objective(NETWORKS[name](), LOSSES[loss](), alpha, data, **options)


def parameters(size, seed=1):
    return 0.6 * np.random.RandomState(seed).standard_normal(size)


# ------------------------------------------------------------------------- gradient
@each_network
@each_target
@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_is_the_complex_step(name, last, loss):
    data = ragged(last)
    real = objective(name, data, loss)
    theta = parameters(real.network.size)
    _, grad = real.loss_and_grad(theta)
    complex_data = replace(data, x=data.x.astype(complex))
    shifted = objective(name, complex_data, loss)
    numeric = complex_step(lambda v: shifted.loss_and_grad(v)[0], theta)
    assert_near(grad, numeric, 1e-12)


class GaussianLikelihood(Loss):
    """Minus the logarithm; the network predicts means and logarithms of variances."""

    def value(self, y_pred, y):
        mean, log_variance = np.split(y_pred, 2, axis=1)
        scaled = (y - mean) ** 2 * np.exp(-log_variance)
        return 0.5 * (log_variance + scaled).sum(axis=1)

    def gradient(self, y_pred, y):
        mean, log_variance = np.split(y_pred, 2, axis=1)
        r, precision = mean - y, np.exp(-log_variance)
        return np.hstack([r * precision, 0.5 * (1 - r * r * precision)])


class CrossEntropy(Loss):
    """Of scores of classes, y being the number of the class."""

    def value(self, y_pred, y):
        own = y_pred[np.arange(len(y)), y[:, 0].astype(int)]
        return np.log(np.exp(y_pred).sum(axis=1)) - own

    def gradient(self, y_pred, y):
        share = np.exp(y_pred)
        share /= share.sum(axis=1, keepdims=True)
        share[np.arange(len(y)), y[:, 0].astype(int)] -= 1
        return share


@each_network
@each_target
@pytest.mark.parametrize("loss", [GaussianLikelihood, CrossEntropy])
def test_losses_need_not_be_of_a_residual(name, last, loss):
    """Nor have as many predictions as there are targets: two for each here."""
    data = ragged(last)
    data = replace(data, y=np.abs(data.y[:, :1]).round().clip(0, 1))
    network = NETWORKS[name]()
    real = Objective(network, loss(), 0.7, data)
    theta = parameters(network.size)
    _, grad = real.loss_and_grad(theta)
    shifted = Objective(network, loss(), 0.7, replace(data, x=data.x.astype(complex)))
    numeric = complex_step(lambda v: shifted.loss_and_grad(v)[0], theta)
    assert_near(grad, numeric, 1e-12)


@each_network
@each_target
def test_derivative_of_every_residual_is_the_complex_step(name, last):
    data = ragged(last)
    real = objective(name, data)
    theta = parameters(real.network.size)
    shifted = objective(name, replace(data, x=data.x.astype(complex)))
    numeric = complex_step(lambda v: _residuals(shifted, v), theta)
    assert_near(real.jacobian(theta), numeric, 1e-12)


def _residuals(objective, theta):
    """Without the last cast to real numbers."""
    found = objective._each_prediction(
        theta, lambda tile, y_pred: objective._weighted(y_pred - tile.y, tile)
    )
    free = np.flatnonzero(objective.penalised)
    strength = np.sqrt(objective.alpha / objective.weight_sum)
    return np.concatenate([*found, strength * theta[free]])


@each_network
@each_target
def test_residuals_are_those_of_the_loss(name, last, monkeypatch):
    monkeypatch.setattr(_dataset, "TILE_ROWS", 6)
    monkeypatch.setattr(_dataset, "TILE_SEQUENCES", 2)
    whole = objective(name, ragged(last))
    theta = parameters(whole.network.size)
    value, grad = whole.loss_and_grad(theta)
    residuals, jacobian = whole.residuals(theta), whole.jacobian(theta)
    assert 0.5 * residuals @ residuals == pytest.approx(value, rel=1e-13)
    assert_near(jacobian.T @ residuals, grad, 1e-12)


@each_network
@each_target
def test_value_is_the_weighted_mean_over_the_steps_that_count(name, last):
    data, total, weights = ragged(last), 0.0, 0.0
    whole = objective(name, data, alpha=0.7)
    network, theta = whole.network, parameters(whole.network.size)
    for k in range(data.n_sequences):
        x, _, steps, out = (data.batch([k])[i] for i in (0, 3, 1, 2))
        y_pred, _, _ = network.forward(theta, x, steps, out)
        first = data.starts[k]
        rows = [k] if last else range(first, first + data.lengths[k])
        for step, row in enumerate(rows):
            if step >= data.skip[k]:
                squares = (y_pred[step] - data.y[row]) ** 2
                total += data.weight[row] * 0.5 * squares.sum()
                weights += data.weight[row]
    weight_matrices = [w for w in network.views(theta).values() if w.ndim == 2]
    penalty = 0.5 * 0.7 * sum((w**2).sum() for w in weight_matrices)
    value, _ = whole.loss_and_grad(theta)
    assert value == pytest.approx((total + penalty) / weights, rel=1e-13)
    assert whole.value(theta) == pytest.approx(total / weights, rel=1e-13)


@each_network
def test_penalty_leaves_biases_and_initial_states_free(name):
    data = ragged()
    free, held = objective(name, data, alpha=0.0), objective(name, data, alpha=2.0)
    network, theta = free.network, parameters(free.network.size)
    difference = held.loss_and_grad(theta)[1] - free.loss_and_grad(theta)[1]
    mask = network.views(penalised(network))
    for key, pull in network.views(difference).items():
        weights = network.views(theta)[key]
        is_free = "bias" in key or "initial" in key
        expected = 0 * weights if is_free else 2.0 * weights / data.weight_sum
        np.testing.assert_allclose(pull, expected, atol=1e-14)
        assert mask[key].all() != is_free
        assert mask[key].any() != is_free


@each_network
@each_target
def test_weights_are_repetition(name, last):
    data = ragged(last)
    times = np.array([2, 0, 1, 3, 1])
    by_row = times if last else np.repeat(times, data.lengths)
    weighted = replace(data, weight=by_row.astype(float))
    ones = replace(data, weight=np.ones(len(data.weight)))
    repeated = ones.subset(np.repeat(np.arange(data.n_sequences), times))
    one, two = objective(name, weighted), objective(name, repeated)
    theta = parameters(one.network.size)
    values, grads = zip(one.loss_and_grad(theta), two.loss_and_grad(theta), strict=True)
    assert values[0] == pytest.approx(values[1], rel=1e-13)
    assert_near(*grads, 1e-13)


@each_network
def test_a_row_without_weight_is_input_alone(name):
    """Its target may be anything; what comes after it still sees its input."""
    data = ragged()
    row = data.starts[2] + 4
    data.weight[row] = 0
    theta = parameters(NETWORKS[name]().size)
    value, grad = objective(name, data).loss_and_grad(theta)
    data.y[row] += 10
    value_after, grad_after = objective(name, data).loss_and_grad(theta)
    assert value_after == value
    assert_near(grad_after, grad, 1e-15)
    data.x[row] += 1
    assert objective(name, data).loss_and_grad(theta)[0] != value


# ------------------------------------------------------------- tiles and mini-batches
@each_network
@each_target
@pytest.mark.parametrize("limits", [(1, 1), (8, 2), (10, 3)], ids=str)
def test_any_tiling_gives_the_same(monkeypatch, name, last, limits):
    data = ragged(last)
    whole = objective(name, data)
    theta = parameters(whole.network.size)
    value, grad = whole.loss_and_grad(theta)
    monkeypatch.setattr(_dataset, "TILE_ROWS", limits[0])
    monkeypatch.setattr(_dataset, "TILE_SEQUENCES", limits[1])
    tiled = objective(name, data)
    assert len(data.tiles()) > 1
    for _ in range(2):  # memory of the pass before is used again
        value_tiled, grad_tiled = tiled.loss_and_grad(theta)
        assert value_tiled == pytest.approx(value, rel=1e-13)
        assert_near(grad_tiled, grad, 1e-13)
    assert tiled.value(theta) == pytest.approx(whole.value(theta), rel=1e-13)


@each_network
@each_target
@pytest.mark.parametrize("limits", [(1, 1), (8, 2)], ids=str)
def test_inference_is_the_same_in_any_tiling(monkeypatch, name, last, limits):
    """Rows and states come back in the order of the records, and states go on."""
    data, more = ragged(last), ragged(last, lengths=(2, 9, 1, 4, 4), seed=1)
    network = NETWORKS[name]()
    theta = parameters(network.size)

    def passes():
        forward = Forward(network, theta)
        rows, state = infer(forward, data.x, data, last=last)
        again, _ = infer(forward, more.x, more, state, last)
        return rows, again

    whole = passes()
    monkeypatch.setattr(_dataset, "TILE_ROWS", limits[0])
    monkeypatch.setattr(_dataset, "TILE_SEQUENCES", limits[1])
    for tiled, at_once in zip(passes(), whole, strict=True):
        assert_near(tiled, at_once, 1e-13)
    # Each record for itself, its second half going on where the first one stopped.
    for k in range(data.n_sequences):
        state, parts = None, []
        for half in (data, more):
            batch = half.batch([k])
            y, state, _ = network.forward(theta, *batch[:3], state)
            parts.append(y)
        for half, rows, y in zip((data, more), whole, parts, strict=True):
            first = half.starts[k]
            expected = rows[[k]] if last else rows[first : first + half.lengths[k]]
            assert_near(y, expected, 1e-13)


def test_tiles_share_their_working_memory(monkeypatch):
    monkeypatch.setattr(_dataset, "TILE_ROWS", 1)
    monkeypatch.setattr(_dataset, "TILE_SEQUENCES", 1)
    tiled = objective("lstm", ragged())
    tiled.loss_and_grad(parameters(tiled.network.size))
    assert len(tiled.tiles) == 5
    n_recurrent = len(tiled.network.layers) - 1
    assert len(tiled.workspaces[0]) == n_recurrent  # of one width


def test_minibatches_share_structures_but_not_without_bound():
    data = replace(ragged(), lengths=np.full(5, 1))
    several = objective("gru", data, batch_size=2)
    theta = parameters(several.network.size)
    for _ in "ab":
        list(part(theta) for part in several.minibatches())
    structures = [key for key in several.workspaces[0]._values if type(key) is bytes]
    assert len(structures) == 2  # of two sequences, and of the one left over
    several = objective(
        "gru", ragged(lengths=range(1, 40), skip=[0] * 39), batch_size=1
    )
    list(part(theta) for part in several.minibatches())
    assert len(several.workspaces[0]) == 16


@each_network
@each_target
@pytest.mark.parametrize("batch_size", [1, 2, 5])
@pytest.mark.parametrize("shuffle", [False, True])
def test_minibatch_gradients_add_up(name, last, batch_size, shuffle):
    rng = np.random.RandomState(0) if shuffle else None
    whole = objective(name, ragged(last), batch_size=batch_size, rng=rng)
    theta = parameters(whole.network.size)
    value, grad = whole.loss_and_grad(theta)
    parts = [part(theta) for part in whole.minibatches()]
    weights, values, grads = zip(*parts, strict=True)
    assert len(parts) == -(-5 // batch_size)
    assert np.sum(weights) == pytest.approx(whole.weight_sum, rel=1e-14)
    assert np.average(values, weights=weights) == pytest.approx(value, rel=1e-13)
    assert_near(np.average(grads, axis=0, weights=weights), grad, 1e-13)


def test_minibatches_without_weight_are_left_out():
    data = ragged()
    data.weight[data.starts[1] : data.starts[2]] = 0
    whole = objective("gru", data, batch_size=1)
    assert len(list(whole.minibatches())) == 4


def test_minibatches_come_in_a_new_order_every_time():
    whole = objective("ar", ragged(), batch_size=1, rng=np.random.RandomState(0))
    passes = [[part.__defaults__[1] for part in whole.minibatches()] for _ in "abc"]
    assert sorted(passes[0]) == sorted(passes[1]) == sorted(passes[2])
    assert not passes[0] == passes[1] == passes[2]


@each_network
def test_single_precision_stays_single(name):
    data = ragged()
    single = replace(data, **{k: getattr(data, k).astype("f4") for k in ("x", "y")})
    one, two = objective(name, single), objective(name, data)
    theta = parameters(one.network.size)
    # A solver in double precision is served too.
    (value, grad), (value_double, grad_double) = (
        each.loss_and_grad(theta) for each in (one, two)
    )
    assert grad.dtype == np.float32
    assert value == pytest.approx(value_double, rel=1e-5)
    assert_near(grad, grad_double, 1e-5)


# --------------------------------------------------------------------- MLPRegressor
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_network_without_delays_is_scikit_learns(activation, n_outputs):
    """Value and gradient, read off two steps of plain gradient descent."""
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((30, 4)), rng.standard_normal((30, n_outputs))
    mlp = MLPRegressor(
        hidden_layer_sizes=(5, 3),
        activation=activation,
        solver="sgd",
        alpha=0.3,
        batch_size=30,
        learning_rate_init=1.0,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        random_state=0,
    )
    # A vanishing first step sets up the weights; the second is the gradient.
    mlp.set_params(learning_rate_init=1e-9).partial_fit(X, y.squeeze())
    mlp.set_params(learning_rate_init=1.0)
    mlp._optimizer.learning_rate = 1.0
    before = [w.copy() for w in (*mlp.coefs_, *mlp.intercepts_)]
    mlp.partial_fit(X, y.squeeze())
    descent = [
        a - b for a, b in zip(before, (*mlp.coefs_, *mlp.intercepts_), strict=True)
    ]

    tdnn = sk_rnn.TDNNRegressor(
        hidden_layer_sizes=(5, 3), activation=activation, n_lags=0
    )
    network = tdnn._build(4, n_outputs, 1)
    data = Dataset(
        *(X, np.arange(30), np.ones(30, int), y, np.ones(30)),
        *(True, np.zeros(30, int)),
    )
    theta = np.empty(network.size)
    views = network.views(theta)
    matrices = [key for key in views if key.endswith("weight")]
    biases = [key for key in views if key.endswith("bias")]
    for key, values in zip(matrices + biases, before, strict=True):
        views[key][...] = values
    whole = Objective(network, LOSSES["squared_error"](), 0.3, data)
    value, grad = whole.loss_and_grad(theta)
    for key, expected in zip(matrices + biases, descent, strict=True):
        np.testing.assert_allclose(network.views(grad)[key], expected, atol=1e-14)
    # MLPRegressor descends the sum over the outputs, but reports their mean.
    mean_part = whole.value(theta)
    reported = mean_part / n_outputs + (value - mean_part)
    assert mlp.loss_ == pytest.approx(reported, rel=1e-12)


def peak(call):
    """Bytes that a call takes at the most, the second time."""
    call()
    gc.collect()
    return peak_memory(call)


def test_memory_does_not_grow_with_the_number_of_tiles(monkeypatch):
    """Neither that of gradients, one for each, nor that of structures in inference."""
    monkeypatch.setattr(_dataset, "TILE_ROWS", 400)
    monkeypatch.setattr(_dataset, "TILE_SEQUENCES", 32)
    monkeypatch.setattr(_dataset, "FEWEST", 1)
    network = build("TDNNRegressor", hidden_layer_sizes=100, n_lags=2)
    theta = parameters(network.size)
    forward = Forward(network, theta)
    n_tiles, n_rows, of_gradients, of_outputs = [], [], [], []
    for n_sequences in (1600, 3200):
        lengths = np.full(n_sequences, 10)
        data = ragged(lengths=lengths, skip=np.zeros(n_sequences, int))
        whole = Objective(network, LOSSES["squared_error"](), 0.1, data)
        n_tiles.append(len(whole.tiles))
        n_rows.append(data.n_steps)
        of_gradients.append(peak(partial(whole.loss_and_grad, theta)))
        run = partial(infer, forward, data.x, data)
        of_outputs.append(peak(run) - data.y.nbytes)
    assert n_tiles[1] > 1.9 * n_tiles[0]
    # What grows are small things: a number for each tile, the state of each sequence.
    assert np.diff(of_gradients) < network.size * np.diff(n_tiles)
    assert np.diff(of_outputs) < 10 * np.diff(n_rows)
