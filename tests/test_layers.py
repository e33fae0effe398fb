"""Layers: exact gradients, states that continue, records that do not touch.

Everything runs over the registries of cells and activations, over ragged sets of
lengths, and over all the ways in which rows can be wanted.
"""

import inspect
import warnings
from functools import partial

import numpy as np
import pytest
from cells import NEW_CELLS
from helpers import LENGTHS, TAILS, assert_near, central_difference, complex_step

from sk_rnn.data._steps import Steps
from sk_rnn.layers import (
    ACTIVATIONS,
    CELLS,
    Chain,
    Delay,
    Dense,
    Difference,
    Dropout,
    Feedback,
    Newest,
    Recurrent,
    Skip,
    _training_pass,
    taps_of,
)
from sk_rnn.layers._feedback import BOUND
from sk_rnn.numerics._workspace import Workspace

N_IN = 2

ALL_CELLS = CELLS | NEW_CELLS


def core(n_in, sizes, activation="tanh"):
    """Dense layers, the last of them linear."""
    layers = {}
    for k, n_out in enumerate(sizes):
        last = k == len(sizes) - 1
        layers[f"dense{k}"] = Dense(n_in, n_out, "identity" if last else activation)
        n_in = n_out
    return Chain(layers)


def feedback(n_lags, *sizes):
    n_line = np.broadcast_to(n_lags, sizes[-1]).sum()
    return Feedback(core(N_IN + n_line, sizes), n_lags)


def tdnn(first, second, activation="tanh"):
    delays = Delay([(N_IN, range(first + 1))]), Delay([(3, range(second + 1))])
    hidden = Dense(delays[0].n_out, 3, activation)
    output = Dense(delays[1].n_out, 2)
    return Chain({"d0": delays[0], "h": hidden, "d1": delays[1], "o": output})


def narx(n_input_lags, n_output_lags, sizes=(3, 2)):
    delay = Delay([(N_IN, range(n_input_lags + 1))])
    n_in = delay.n_out + np.broadcast_to(n_output_lags, sizes[-1]).sum()
    return Chain({"d": delay, "": Feedback(core(n_in, sizes), n_output_lags)})


def narx_each(n_output_lags, *sizes):
    """Inputs with dead times and lags of their own, outputs with lags of their own."""
    delay = Delay(taps_of([range(3, 5), range(0, 2)]))
    n_in = delay.n_out + sum(n_output_lags)
    return Chain({"d": delay, "": Feedback(core(n_in, sizes), n_output_lags)})


def stack(cell, learned_state=False):
    layers = {
        "a": Recurrent(cell(), N_IN, 3, learned_state=learned_state),
        "b": Recurrent(cell(), 3, 2, learned_state=learned_state),
    }
    return Chain(layers | {"output": Dense(2, 1)})


def mixed(cell):
    """Delays before and behind a recurrent layer."""
    before = Delay([(N_IN, (0, 2))])
    behind = Delay([(2, (0, 1, 2))])
    recurrent = Recurrent(cell(), before.n_out, 2)
    return Chain({"d": before, "r": recurrent, "b": behind, "o": Dense(6, 2)})


def skipping(cell, n_lags):
    """A recurrent layer that sees the newest step, and a path that sees lags."""
    delay = Delay([(N_IN, range(n_lags + 1))])
    newest = Delay([(N_IN, (0,)), (delay.n_out - N_IN, ())])
    layers = {"n": newest, "r": Recurrent(cell(), N_IN, 3), "output": Dense(3, 2)}
    return Chain({"d": delay, "": Skip(Chain(layers))})


def skipping_behind_layers():
    """A path that begins behind parameters, over delays on the way of the network."""
    delay = Delay([(2, range(3))])
    layers = {"h": Dense(3, 2, "tanh"), "d": delay, "output": Dense(6, 2)}
    return Chain({"first": Dense(N_IN, 3, "tanh"), "": Skip(Chain(layers))})


def rising(layers):
    """Layers that see changes, and whose outputs are added to the newest values."""
    front = {"d": Difference(N_IN, [1, 0], np.array([0.3, -0.1]))}
    weight = np.random.default_rng(0).standard_normal((N_IN, 2))
    return Chain({"": Newest(Chain(front | layers), weight)})


def rising_behind_delays():
    delays = Delay([(N_IN, range(2))]), Delay([(3, range(3))])
    hidden, output = Dense(4, 3, "tanh"), Dense(9, 2)
    return rising({"d0": delays[0], "h": hidden, "d1": delays[1], "output": output})


def rising_behind_layers():
    layers = {"d": Difference(2, [0], np.array([0.3])), "output": Dense(2, 2)}
    newest = Newest(Chain(layers), np.array([[0.5, 0.2], [0.0, -0.3]]))
    return Chain({"first": Dense(N_IN, 2, "tanh"), "": newest})


def rising_beside_a_path(cell):
    layers = {"r": Recurrent(cell(), N_IN, 3), "output": Dense(3, 2)}
    return rising({"": Skip(Chain(layers))})


def cells():
    """Every cell, with every activation where it has one."""
    for name, cell in ALL_CELLS.items():
        if "activation" in inspect.signature(cell).parameters:
            for activation in ACTIVATIONS:
                yield f"{name}-{activation}", partial(cell, activation)
        else:
            yield name, cell


RECURRENT = {name: partial(Recurrent, cell(), N_IN, 3) for name, cell in cells()}
#: The same from a state before the first step that is a parameter.
LEARNED = {
    f"learned-{name}": partial(make, learned_state=True)
    for name, make in RECURRENT.items()
    if name.partition("-")[2] in ("", "tanh")
}
CHAINS = {
    **{f"stack-{name}": partial(stack, cell) for name, cell in ALL_CELLS.items()},
    "stack-learned-lstm": partial(stack, CELLS["lstm"], learned_state=True),
    "delay-lstm-delay": partial(mixed, CELLS["lstm"]),
    "delay-integrator-delay": partial(mixed, CELLS["integrator"]),
    "tdnn": partial(tdnn, 2, 1),
    "tdnn-late": partial(tdnn, 0, 3),
    "skip": partial(skipping, CELLS["gru"], 2),
    "skip-newest": lambda: Chain({"": Skip(stack(CELLS["lstm"]))}),
    "skip-delay": skipping_behind_layers,
    "rising": partial(rising_beside_a_path, CELLS["lstm"]),
    "rising-delay": rising_behind_delays,
    "rising-late": rising_behind_layers,
    "narx": partial(narx, 2, 2),
    "narx-open": partial(narx, 1, 0),
    "narx-each": partial(narx_each, (1, 3), 3, 2),
}
LAYERS = {
    **{f"dense-{name}": partial(Dense, N_IN, 3, name) for name in ACTIVATIONS},
    "delay": partial(Delay, [(N_IN, range(3))]),
    "delay-past-only": partial(Delay, [(N_IN, (1, 4))]),
    "delay-groups": partial(Delay, [(1, (0, 2)), (1, (1, 9))]),
    "delay-none": partial(Delay, [(N_IN, (0,))]),
    "difference": partial(Difference, N_IN, [1], np.array([0.3])),
    **RECURRENT,
    **LEARNED,
    "feedback-linear": partial(feedback, 1, 2),
    "feedback": partial(feedback, 2, 3, 2),
    "feedback-deep": partial(feedback, 3, 3, 2, 1),
    "feedback-none": partial(feedback, 0, 3, 1),
    "feedback-each": partial(feedback, (3, 0, 1), 4, 3),
    "feedback-each-linear": partial(feedback, (0, 2), 2),
    **CHAINS,
}
RAGGED = [7, 5, 5, 2, 1]


def wanted(layer, lengths):
    """The tails that a layer can be asked for, without repetition."""
    if isinstance(layer, Dense):
        return [None]
    return [n for n in TAILS if n is None or n < max(lengths)]


CASES = [
    pytest.param(name, lengths, tail, id=f"{name}-{lengths}-{tail}")
    for name, make in LAYERS.items()
    for lengths in LENGTHS
    for tail in wanted(make(), lengths)
]
each_case = pytest.mark.parametrize("name, lengths, n_last", CASES)
each_layer = pytest.mark.parametrize("name", LAYERS)
each_chain = pytest.mark.parametrize("name", CHAINS)


class Setup:
    """A layer with parameters, input rows, and a gradient for its output rows."""

    def __init__(self, name, lengths=RAGGED, n_last=None, dtype=float, seed=0):
        rng = np.random.RandomState(seed)
        self.layer = LAYERS[name]() if isinstance(name, str) else name
        self.steps = Steps(lengths)
        self.out = self.steps.tail(n_last)
        self.workspace = Workspace()
        self.theta = 0.6 * rng.standard_normal(self.layer.size).astype(dtype)
        self.x = rng.standard_normal((self.steps.n_rows, N_IN)).astype(dtype)
        self.dy = rng.standard_normal((self.out.n_rows, self.layer.n_out))
        self.dy = self.dy.astype(dtype)

    def run(self, theta=None, x=None, state=None):
        """Output and final state of the inference pass."""
        theta = self.theta if theta is None else theta
        x = self.x if x is None else x
        y, state, cache = self.layer.forward(theta, x, self.steps, self.out, state)
        assert cache is None
        return y, state

    def train(self, x=None, dy=None, state=None, need_dx=True):
        """Output, and gradients of parameters and input, of the training pass."""
        x = self.x if x is None else x
        dy = self.dy if dy is None else dy
        y, after, cache = self.layer.forward(
            self.theta, x, self.steps, self.out, state, self.workspace
        )
        assert after is None
        y = y.copy()
        dtheta = np.zeros_like(self.theta)
        dx = self.layer.backward(self.theta, dy.copy(), cache, dtheta, need_dx)
        return y, dtheta, dx

    def loss(self, theta=None, x=None):
        """A linear function of the output, whose gradient there is `dy`."""
        return (self.dy * self.run(theta, x)[0]).sum()


def rows_of_record(steps, k):
    return np.flatnonzero(steps.sequence == k)


def assert_states_near(one, other, tolerance):
    """Compare nested states."""
    if isinstance(one, np.ndarray):
        assert_near(one, other, tolerance)
    elif one is None:
        assert other is None
    else:
        for a, b in zip(one, other, strict=True):
            assert_states_near(a, b, tolerance)


def take(state, indices):
    """Some sequences of a nested state."""
    if state is None or isinstance(state, np.ndarray):
        return None if state is None else state[indices]
    return [take(part, indices) for part in state]


# ------------------------------------------------------------------------ gradients
@each_case
def test_gradient_is_the_complex_step(name, lengths, n_last):
    setup = Setup(name, lengths, n_last)
    _, dtheta, dx = setup.train()
    assert_near(dtheta, complex_step(lambda v: setup.loss(theta=v), setup.theta), 1e-12)
    assert_near(dx, complex_step(lambda v: setup.loss(x=v), setup.x), 1e-12)


@each_layer
def test_gradient_is_the_central_difference(name):
    setup = Setup(name)
    _, dtheta, dx = setup.train()
    numeric = central_difference(lambda v: setup.loss(theta=v), setup.theta)
    assert_near(dtheta, numeric, 1e-7)
    assert_near(dx, central_difference(lambda v: setup.loss(x=v), setup.x), 1e-7)


@each_layer
@pytest.mark.parametrize("n_last", [None, 1])
def test_tangent_is_the_complex_step(name, n_last):
    if n_last not in wanted(LAYERS[name](), RAGGED):
        n_last = None
    setup = Setup(name, n_last=n_last)
    if not setup.layer.size:
        return  # nothing to be derived by
    _, _, cache = setup.layer.forward(
        setup.theta, setup.x, setup.steps, setup.out, None, setup.workspace
    )
    tangent = setup.layer.tangent(setup.theta, cache, None)
    for k in range(setup.layer.size):
        shifted = setup.theta.astype(complex)
        shifted[k] += 1e-30j
        assert_near(tangent[..., k], setup.run(shifted)[0].imag / 1e-30, 1e-12)


def test_tangent_of_a_difference_behind_a_given_state():
    setup = Setup("rising-late")
    state = Setup("rising-late", seed=1).run()[1]
    _, _, cache = setup.layer.forward(
        setup.theta, setup.x, setup.steps, setup.out, state, setup.workspace
    )
    tangent = setup.layer.tangent(setup.theta, cache, None)

    def loss(theta):
        return (setup.dy * setup.run(theta, state=state)[0]).sum()

    numeric = complex_step(loss, setup.theta)
    assert_near(np.einsum("ij,ijk", setup.dy, tangent), numeric, 1e-12)


@pytest.mark.parametrize("name", LEARNED)
def test_a_given_state_leaves_the_learned_one_alone(name):
    """It is no part of the function then, and neither gradient nor tangent sees it."""
    setup = Setup(name)
    state = Setup(name, seed=1).run()[1]
    _, dtheta, _ = setup.train(state=state)

    def loss(theta):
        return (setup.dy * setup.run(theta, state=state)[0]).sum()

    numeric = complex_step(loss, setup.theta)
    assert_near(dtheta, numeric, 1e-12)
    _, _, cache = setup.layer.forward(
        setup.theta, setup.x, setup.steps, setup.out, state, setup.workspace
    )
    tangent = setup.layer.tangent(setup.theta, cache, None)
    assert_near(np.einsum("ij,ijk", setup.dy, tangent), numeric, 1e-12)
    initial = setup.layer.cell.n_states * setup.layer.n_out
    assert not dtheta[-initial:].any() and dtheta[:-initial].any()


@each_layer
def test_gradient_is_added_and_that_of_the_input_can_be_left_out(name):
    setup = Setup(name)
    _, dtheta, _ = setup.train()
    _, _, cache = setup.layer.forward(
        setup.theta, setup.x, setup.steps, setup.out, workspace=Workspace()
    )
    total = np.ones_like(setup.theta)
    setup.layer.backward(setup.theta, setup.dy.copy(), cache, total, need_dx=False)
    assert_near(total, dtheta + 1, 1e-14)


@each_case
def test_inference_is_the_training_pass(name, lengths, n_last):
    setup = Setup(name, lengths, n_last)
    y, _ = setup.run()
    assert y.shape == (setup.out.n_rows, setup.layer.n_out)
    assert_near(setup.train()[0], y, 1e-14)


@each_layer
def test_a_pass_leaves_nothing_behind_for_the_next(name):
    """The working memory that layers keep for a structure is only memory."""
    setup = Setup(name)
    first = setup.train()
    other = Setup(name, seed=1)
    used = setup.train(x=other.x, dy=other.dy)
    assert not np.array_equal(used[0], first[0])
    again = setup.train()
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one, two)


@each_layer
def test_two_passes_share_no_memory_unless_told_to(name):
    """Forward, forward of the same shape, then back with the first cache."""
    setup, other = Setup(name), Setup(name, seed=1)
    _, expected, expected_dx = setup.train()
    theta, steps = setup.theta, setup.steps

    def forward(x, workspace):
        return setup.layer.forward(theta, x, steps, setup.out, None, workspace)[2]

    cache = forward(setup.x, Workspace())
    forward(other.x, Workspace())
    dtheta = np.zeros_like(theta)
    dx = setup.layer.backward(theta, setup.dy.copy(), cache, dtheta)
    assert np.array_equal(dtheta, expected) and np.array_equal(dx, expected_dx)
    # Told to share, they do not mix: the first cache is void, or still good.
    shared = Workspace()
    cache = forward(setup.x, shared)
    forward(other.x, shared)
    dtheta = np.zeros_like(theta)
    try:
        setup.layer.backward(theta, setup.dy.copy(), cache, dtheta)
    except RuntimeError as error:
        assert "workspace each" in str(error) and len(shared)
    else:
        assert np.array_equal(dtheta, expected)


def test_a_void_cache_is_refused():
    for name in ("gru", "feedback"):
        setup = Setup(name)
        forward = partial(setup.layer.forward, setup.theta, setup.x, setup.steps)
        _, _, cache = forward(setup.out, None, setup.workspace)
        forward(setup.out, None, setup.workspace)
        with pytest.raises(RuntimeError, match="workspace each"):
            setup.layer.backward(setup.theta, setup.dy, cache, setup.theta.copy())
        with pytest.raises(RuntimeError, match="workspace each"):
            setup.layer.tangent(setup.theta, cache, None)


@pytest.mark.parametrize("stretch_bytes", [1, 1500, 4000])
@pytest.mark.parametrize("name", RECURRENT | LEARNED)
def test_stretches_of_any_length_give_the_same(monkeypatch, name, stretch_bytes):
    whole = Setup(name, [12, 12, 9, 9, 9, 1]).train()
    monkeypatch.setattr(_training_pass, "STRETCH_BYTES", stretch_bytes)
    pieces = Setup(name, [12, 12, 9, 9, 9, 1]).train()
    for one, two in zip(whole, pieces, strict=True):
        assert_near(two, one, 1e-14)


# ------------------------------------------------------------- against the equations
@pytest.mark.parametrize("name", [n for n in RECURRENT if "-" in n])
def test_recurrences_follow_their_equations(name):
    recurrence, activation = name.split("-")
    function = {
        "identity": lambda z: z,
        "tanh": np.tanh,
        "logistic": lambda z: 1 / (1 + np.exp(-z)),
        "relu": lambda z: np.where(z > 0, z, 0),
    }[activation]
    setup = Setup(name)
    p = setup.layer.views(setup.theta)
    y, (final,) = setup.run()
    for k in range(setup.steps.n_sequences):
        h = np.zeros(3)
        for row in rows_of_record(setup.steps, k):
            z = setup.x[row] @ p["weight_input"] + p["bias"]
            if recurrence != "integrator":
                z = z + h @ p["weight_recurrent"]
            h = function(z) + (0 if recurrence == "simple" else h)
            np.testing.assert_allclose(y[row], h, rtol=1e-12)
        np.testing.assert_allclose(final[k], h, rtol=1e-12)


@pytest.mark.parametrize("n_last", TAILS)
def test_delay_holds_earlier_rows_group_by_group(n_last):
    setup = Setup("delay-groups", n_last=n_last)  # [(1, (0, 2)), (1, (1, 9))]
    y, _ = setup.run()
    row_at = {
        (k, t): row
        for row, (t, k) in enumerate(
            zip(setup.steps.step, setup.steps.sequence, strict=True)
        )
    }
    for row, source in enumerate(setup.steps.rows_of(setup.out)):
        t, k = setup.steps.step[source], setup.steps.sequence[source]
        for column, (channel, lag) in enumerate([(0, 0), (0, 2), (1, 1), (1, 9)]):
            earlier = row_at.get((k, t - lag))
            expected = 0 if earlier is None else setup.x[earlier, channel]
            assert y[row, column] == expected


@pytest.mark.parametrize(
    "n_lags, sizes",
    [
        (1, (2,)),
        (2, (3, 2)),
        (3, (3, 2, 1)),
        ((2, 2), (3, 2)),
        ((3, 1), (3, 2)),
        ((0, 2, 1), (3,)),
        ((0, 0), (3, 2)),
    ],
)
def test_feedback_is_its_core_on_its_own_outputs(n_lags, sizes):
    """Lag by lag, or where these differ output by output."""
    setup = Setup(feedback(n_lags, *sizes))
    y, (line, _, _) = setup.run()
    each = np.broadcast_to(n_lags, sizes[-1]).tolist()
    if len(set(each)) == 1:
        order = [(lag, o) for lag in range(each[0]) for o in range(len(each))]
    else:
        order = [(lag, o) for o, n in enumerate(each) for lag in range(n)]
    for k in range(setup.steps.n_sequences):
        past = [np.zeros(sizes[-1])] * max(each)  # newest first
        for row in rows_of_record(setup.steps, k):
            back = [past[lag][o] for lag, o in order]
            a = np.concatenate([setup.x[row], back])[None]
            out, _, _ = setup.layer.core.forward(setup.theta, a, Steps([1]), Steps([1]))
            assert_near(y[row], out[0], 1e-13)
            past = [out[0], *past][: max(each)]
        assert_near(line[k], np.array([past[lag][o] for lag, o in order]), 1e-13)


@pytest.mark.parametrize(
    "layer, back",
    [
        (narx(2, 3), [(2, (1, 2, 3))]),
        (narx_each((3, 1), 3, 2), [(1, (1, 2, 3)), (1, (1,))]),
    ],
)
def test_closed_loop_is_the_open_loop_on_its_own_outputs(layer, back):
    setup = Setup(layer)
    y, _ = setup.run()
    delay, loop = layer.layers
    taps = [*delay.taps, *back]
    open_loop = Chain({"d": Delay(taps), "": loop.core})
    rows = np.concatenate([setup.x, y], axis=1)
    again, _, _ = open_loop.forward(setup.theta, rows, setup.steps, setup.steps)
    assert_near(again, y, 1e-14)


# --------------------------------------------------------------------------- states
CUTS = [
    ([7, 5, 5, 3], [3, 3, 3, 2]),
    ([7, 5, 5, 2], [1, 1, 1, 1]),
    ([7, 5, 5, 2], [6, 4, 4, 1]),
    ([6, 6], [5, 2]),
    ([4], [2]),
]


@each_layer
@pytest.mark.parametrize("lengths, cut", CUTS, ids=str)
def test_two_pieces_with_the_state_are_one_run(name, lengths, cut):
    whole = Setup(name, lengths)
    y, final = whole.run()
    first, second = Setup(name, cut), None
    rest = [n - m for n, m in zip(lengths, cut, strict=True)]
    order = np.argsort(-np.array(rest), kind="stable")
    second = Setup(name, np.array(rest)[order])
    for k, n in enumerate(cut):
        rows = rows_of_record(whole.steps, k)
        first.x[rows_of_record(first.steps, k)] = whole.x[rows[:n]]
        place = int(np.flatnonzero(order == k)[0])
        second.x[rows_of_record(second.steps, place)] = whole.x[rows[n:]]
    y_first, state = first.run()
    state = take(state, order)
    y_second, after = second.run(state=state)
    y_train, _, _ = second.train(state=state)
    joined = np.empty_like(y)
    for k, n in enumerate(cut):
        rows = rows_of_record(whole.steps, k)
        joined[rows[:n]] = y_first[rows_of_record(first.steps, k)]
        place = int(np.flatnonzero(order == k)[0])
        joined[rows[n:]] = y_second[rows_of_record(second.steps, place)]
    assert_near(joined, y, 1e-13)
    assert_near(y_train, y_second, 1e-13)
    assert_states_near(after, take(final, order), 1e-13)


@each_layer
def test_step_by_step_is_one_run(name):
    whole = Setup(name, [5, 5, 5])
    y, final = whole.run()
    state, one = None, Steps([1, 1, 1])
    for rows in whole.steps.slices:
        part, state, _ = whole.layer.forward(
            whole.theta, whole.x[rows], one, one, state
        )
        assert_near(part, y[rows], 1e-13)
    assert_states_near(state, final, 1e-13)


@each_chain
@pytest.mark.parametrize("n_last", [1, 3])
def test_state_is_complete_where_only_the_last_rows_are_computed(name, n_last):
    whole, pruned = Setup(name, [9, 8, 8, 1]), Setup(name, [9, 8, 8, 1], n_last)
    _, state = whole.run()
    _, after = pruned.run()
    more = Setup(name, [3, 3, 2, 1], seed=1)
    assert_near(more.run(state=after)[0], more.run(state=state)[0], 1e-13)


@each_layer
def test_a_state_is_not_changed_by_the_pass_that_starts_from_it(name):
    setup = Setup(name, [4, 4])
    _, state = setup.run()
    first = setup.run(state=state)[0]
    setup.train(state=state)
    assert np.array_equal(setup.run(state=state)[0], first)


# ------------------------------------------------------------ records do not touch
@each_case
def test_each_record_gives_the_same_alone(name, lengths, n_last):
    setup = Setup(name, lengths, n_last)
    y, final = setup.run()
    _, dtheta, dx = setup.train()
    total = np.zeros_like(dtheta)
    for k, n in enumerate(lengths):
        alone = Setup(name, [n], n_last)
        rows, out_rows = (rows_of_record(s, k) for s in (setup.steps, setup.out))
        alone.x, alone.dy = setup.x[rows], setup.dy[out_rows]
        y_alone, state = alone.run()
        _, dtheta_alone, dx_alone = alone.train()
        assert_near(y_alone, y[out_rows], 1e-13)
        assert_near(dx_alone, dx[rows], 1e-13)
        assert_states_near(state, take(final, [k]), 1e-13)
        total += dtheta_alone
    assert_near(total, dtheta, 1e-13)


@each_layer
@pytest.mark.parametrize("n_last", [None, 1, 3])
@pytest.mark.parametrize("changed", range(len(RAGGED)))
def test_shifting_one_record_changes_no_other(name, n_last, changed):
    if n_last not in wanted(LAYERS[name](), RAGGED):
        n_last = None
    setup = Setup(name, n_last=n_last)
    x = setup.x.copy()
    x[setup.steps.sequence == changed] += 3.0
    others, out_others = (s.sequence != changed for s in (setup.steps, setup.out))
    before, after = setup.run(), setup.run(x=x)
    assert np.array_equal(before[0][out_others], after[0][out_others])
    kept = np.delete(np.arange(len(RAGGED)), changed)
    assert_states_near(take(before[1], kept), take(after[1], kept), 0)
    # The gradient of a loss of the other records.
    dy = setup.dy * out_others[:, None]
    y, dtheta, dx = setup.train(dy=dy)
    y_after, dtheta_after, dx_after = setup.train(x=x, dy=dy)
    assert np.array_equal(y[out_others], y_after[out_others])
    assert_near(dtheta_after, dtheta, 1e-14)
    assert_near(dx_after[others], dx[others], 1e-14)
    assert not dx_after[~others].any()


@each_layer
def test_a_change_reaches_the_future_alone(name):
    setup = Setup(name)
    y, _ = setup.run()
    y_train, _, _ = setup.train()
    reached = False
    for t in range(setup.steps.n_steps):
        x = setup.x.copy()
        x[setup.steps.slices[t]] += 1.5
        earlier = setup.steps.step < t
        y_after, _ = setup.run(x=x)
        assert np.array_equal(y_after[earlier], y[earlier])
        assert np.array_equal(setup.train(x=x)[0][earlier], y_train[earlier])
        reached = reached or not np.array_equal(y_after, y)
        # And back: no gradient flows from an output to a later input.
        dy = np.zeros_like(setup.dy)
        dy[setup.steps.slices[t]] = 1
        assert not setup.train(dy=dy)[2][setup.steps.step > t].any()
    assert reached


@each_chain
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("n_last", [1, 3])
def test_only_the_rows_that_matter_are_computed(name, lengths, n_last):
    whole, pruned = Setup(name, lengths), Setup(name, lengths, n_last)
    rows = whole.steps.rows_of(whole.steps.tail(n_last))
    assert_near(pruned.run()[0], whole.run()[0][rows], 1e-13)
    dy = np.zeros_like(whole.dy)
    dy[rows] = pruned.dy
    y, dtheta, dx = whole.train(dy=dy)
    y_pruned, dtheta_pruned, dx_pruned = pruned.train()
    assert_near(y_pruned, y[rows], 1e-13)
    assert_near(dtheta_pruned, dtheta, 1e-13)
    assert_near(dx_pruned, dx, 1e-13)


def test_a_chain_of_delays_looks_no_further_back_than_it_must():
    layer = tdnn(2, 1)
    assert layer.reach == 3
    steps = Steps([20, 20, 3])
    structures = layer.between(steps, steps.tail(1))
    assert [s.n_steps for s in structures] == [4, 2, 2, 1, 1]
    assert stack(CELLS["gru"]).reach is None


# ---------------------------------------------------------------- memory and dtypes
@each_layer
def test_single_precision_stays_single(name):
    single, double = Setup(name, dtype=np.float32), Setup(name)
    y, state = single.run()
    y_train, dtheta, dx = single.train()
    assert {a.dtype for a in (y, y_train, dtheta, dx)} == {np.dtype(np.float32)}
    assert_near(y, double.run()[0], 2e-6)
    for one, two in zip((y_train, dtheta, dx), double.train(), strict=True):
        assert_near(one, two, 2e-5)

    def dtypes(state):
        if state is None:
            return set()
        if isinstance(state, np.ndarray):
            return {state.dtype} - {np.dtype(int)}  # counts of steps
        return set().union(*map(dtypes, state))

    assert dtypes(state) <= {np.dtype(np.float32)}


@each_layer
@pytest.mark.parametrize("n_last", [None, 3])
def test_memory_layout_does_not_matter_and_inputs_are_not_written(name, n_last):
    if n_last not in wanted(LAYERS[name](), RAGGED):
        n_last = None
    setup = Setup(name, n_last=n_last)
    y, dtheta, dx = setup.train()
    state = setup.run()[1]
    expected = setup.run(state=state)[0]
    wide = np.full((3 * len(setup.x), 4), np.nan)
    wide[::3, 1::2] = setup.x
    long = np.full(2 * len(setup.theta) + 1, np.nan)
    long[1::2] = setup.theta
    reversed_columns = np.asfortranarray(setup.x)
    for x in (wide[::3, 1::2], reversed_columns):
        other = Setup(name, n_last=n_last)
        other.x, other.theta = x, long[1::2]
        other.x.flags.writeable = other.theta.flags.writeable = False
        for one, two in zip(other.train(), (y, dtheta, dx), strict=True):
            assert_near(one, two, 1e-14)
        assert_near(other.run()[0], y, 1e-14)
        assert_near(other.run(state=state)[0], expected, 1e-14)
        assert np.array_equal(other.x, setup.x)
        assert np.array_equal(other.theta, setup.theta)


# ----------------------------------------------------------------------- parameters
@each_layer
def test_parameters_fill_the_flat_vector(name):
    layer = LAYERS[name]()
    theta = np.zeros(layer.size)
    for value, view in enumerate(layer.views(theta).values(), start=1):
        assert not view.any()
        view[...] = value
    assert (theta > 0).all() and (np.diff(theta) >= 0).all()


@each_layer
def test_start_is_finite_and_follows_the_random_state(name):
    layer = LAYERS[name]()
    starts = np.full((3, layer.size), np.nan)
    for theta, seed in zip(starts, (0, 0, 1), strict=True):
        layer.initialise(theta, np.random.RandomState(seed))
    assert np.isfinite(starts).all()
    assert np.array_equal(starts[0], starts[1])
    assert not layer.size or not np.array_equal(starts[0], starts[2])
    for key, view in layer.views(starts[0]).items():
        is_bias = key.rpartition(".")[2].startswith("bias")
        is_vector = key.rpartition(".")[2].startswith(("peep", "initial"))
        assert (is_bias or is_vector) == (view.ndim == 1)
        assert is_bias or np.abs(view).max() < 2.5


@pytest.mark.parametrize("name", [n for n in CELLS if n != "integrator"])
def test_recurrent_weights_start_orthogonal(name):
    layer = Recurrent(CELLS[name](), 3, 5)
    theta = np.empty(layer.size)
    layer.initialise(theta, np.random.RandomState(0))
    weights = layer.views(theta)["weight_recurrent"]
    for gate in np.split(weights, weights.shape[1] // 5, axis=1):
        gain = 0.1 if name == "residual" else 1.0
        np.testing.assert_allclose(gate.T @ gate, gain**2 * np.eye(5), atol=1e-14)


def test_forget_gates_start_open():
    layer = Recurrent(CELLS["lstm"](), 3, 2)
    theta = np.empty(layer.size)
    layer.initialise(theta, np.random.RandomState(0))
    assert list(layer.views(theta)["bias"]) == [0, 0, 0, 0, 1, 1, 0, 0]  # o, i, f, g


def test_a_cell_with_too_few_functions_is_told():
    class Wrong(CELLS["gru"]):
        products = {"v": "w"}

    setup = Setup(Recurrent(Wrong(), N_IN, 3))
    with pytest.raises(ValueError, match=r"Wrong has 1 product\(s\).*1 function"):
        setup.train()


def test_gates_in_another_order_are_refused():
    class Wrong(CELLS["gru"]):
        gates = {"n": "x", "r": "hx", "z": "hx", "u": "h"}

    with pytest.raises(ValueError, match="that see 'hx' come first"):
        Recurrent(Wrong(), N_IN, 3)
    Wrong.gates = {"r": "xh"}
    with pytest.raises(ValueError, match=r"that see 'hx' come first.*'xh'"):
        Recurrent(Wrong(), N_IN, 3)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"halved": ("r", "zz")}, r"halved names no gate: \['zz'\]"),
        ({"blocks": "ru"}, "blocks must be a tuple of names; got 'ru'"),
        ({"forward": lambda *_: None}, r"0 function\(s\) for a step"),
        ({"forward": lambda _, b, *__: b["z":"r"]}, "'r' lies before 'z'"),
        ({"forward": lambda _, b, *__: b["r":"q"]}, "no block 'q' among"),
    ],
    ids=["halved", "blocks", "nothing", "backwards", "unknown"],
)
def test_mistakes_in_a_cell_are_told(wrong, message):
    cell = type("Wrong", (CELLS["gru"],), wrong)()
    with pytest.raises((AttributeError, TypeError, ValueError), match=message):
        Setup(Recurrent(cell, N_IN, 3)).run()


class ScatteredCell(CELLS["lstm"]):
    """Gates that are halved need not be neighbours."""

    gates = {"o": "hx", "g": "hx", "f": "hx", "i": "hx"}
    blocks = "c", "tanh_c", "ig", "fc"

    def forward(self, b, h_prev, h, c):
        def step():
            np.tanh(b["o":"i"], b["o":"i"])
            for gate in (b.o, b.f, b.i):
                gate *= 0.5
                gate += 0.5
            np.multiply(b.i, b.g, b.ig)
            np.multiply(b.f, b.c, b.fc)
            np.add(b.ig, b.fc, c)
            np.tanh(c, b.tanh_c)
            np.multiply(b.o, b.tanh_c, h)

        return step


def test_halved_gates_may_lie_anywhere():
    ours, scattered = (
        Recurrent(cell(), N_IN, 3) for cell in (CELLS["lstm"], ScatteredCell)
    )
    theta = 0.6 * np.random.RandomState(0).standard_normal(ours.size)
    moved = np.empty_like(theta)
    for name, view in scattered.views(moved).items():
        o, i, f, g = np.split(ours.views(theta)[name], 4, axis=-1)
        view[...] = np.concatenate([o, g, f, i], axis=-1)
    setup = Setup(ours)
    y, _, _ = ours.forward(theta, setup.x, setup.steps, setup.out)
    again, _, _ = scattered.forward(moved, setup.x, setup.steps, setup.out)
    assert_near(again, y, 1e-14)


def test_a_block_that_does_not_exist_is_named():
    class Wrong(CELLS["gru"]):
        blocks = "ru", "diff"

    with pytest.raises(AttributeError, match="no block 'z_diff' among"):
        Setup(Recurrent(Wrong(), N_IN, 3)).train()


def test_chain_names_parameters_by_layer():
    shapes = narx(1, 1).shapes
    assert list(shapes) == [
        *("dense0.weight", "dense0.bias"),
        *("dense1.weight", "dense1.bias"),
    ]
    assert list(stack(CELLS["simple"]).shapes)[0] == "a.weight_input"


# ------------------------------------------------------------------------ activation
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_stay_finite_and_in_place(name, dtype):
    z = np.array([-1e4, -20, -1, 0, 1, 20, 1e4], dtype)
    a = z.copy()
    ACTIVATIONS[name].apply(a, a)
    slope = np.empty_like(a)
    ACTIVATIONS[name].slope(a, slope)
    assert a.dtype == slope.dtype == dtype
    assert np.isfinite(a).all() and np.isfinite(slope).all()
    assert (np.diff(a) >= 0).all() and (slope >= 0).all()


# --------------------------------------------------------------------------- dropout
def dropout(rate=0.4, seed=0):
    return Dropout(N_IN, rate, np.random.RandomState(seed))


def test_dropout_keeps_the_mean_and_rests_in_inference():
    steps = Steps([5000, 5000])
    x = np.ones((steps.n_rows, N_IN))
    y, _, _ = dropout().forward(np.empty(0), x, steps, steps, workspace=Workspace())
    kept = y != 0
    np.testing.assert_allclose(y[kept], 1 / 0.6)
    assert kept.mean() == pytest.approx(0.6, abs=0.015)
    again, _, _ = dropout().forward(np.empty(0), x, steps, steps)
    assert np.array_equal(again, x)


def test_dropout_draws_a_new_mask_for_every_pass():
    layer, steps = dropout(), Steps([50])
    x = np.ones((50, N_IN))
    masks = [
        layer.forward(np.empty(0), x, steps, steps, workspace=Workspace())[0]
        for _ in "ab"
    ]
    assert not np.array_equal(*masks)


def test_dropout_gradient_goes_through_the_same_mask():
    def network():
        layers = {"a": Recurrent(CELLS["gru"](), N_IN, N_IN), "d": dropout()}
        return Chain(layers | {"o": Dense(N_IN, 2)})

    setup = Setup(network())
    _, dtheta, dx = setup.train()

    def loss(theta, x):
        forward = network().forward  # with a fresh generator: the same mask
        y, _, _ = forward(theta, x, setup.steps, setup.out, workspace=Workspace())
        return (setup.dy * y).sum()

    assert_near(dtheta, complex_step(lambda v: loss(v, setup.x), setup.theta), 1e-12)
    assert_near(dx, complex_step(lambda v: loss(setup.theta, v), setup.x), 1e-12)


def test_dropout_keeps_single_precision():
    steps = Steps([5, 3])
    x = np.ones((8, N_IN), np.float32)
    layer = dropout()
    y, _, cache = layer.forward(np.empty(0), x, steps, steps, workspace=Workspace())
    dx = layer.backward(np.empty(0), np.ones_like(x), cache, np.empty(0))
    assert y.dtype == dx.dtype == np.float32


# ------------------------------------------------------------------ diverging free run
def diverging(gain=3.0, dtype=float):
    """y_t = x_t + gain y_{t-1} of two records, the second too short to diverge."""
    layer = Feedback(Chain({"o": Dense(2, 1)}), 1)
    steps = Steps([60, 5])
    theta = np.array([1.0, gain, 0.0], dtype)
    return layer, theta, np.ones((steps.n_rows, 1), dtype), steps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gain", [3.0, -4.0])
def test_a_diverging_free_run_is_held_and_says_where(gain, dtype):
    layer, theta, x, steps = diverging(gain, dtype)
    expected = [1.0]
    while len(expected) < 60:
        expected.append(np.clip(1 + gain * expected[-1], -BOUND, BOUND))
    expected = np.array(expected)
    first = int(np.flatnonzero(np.abs(expected) >= BOUND)[0])
    y, (line, age, diverged), _ = layer.forward(theta, x, steps, steps)
    assert age.tolist() == [60, 5] and diverged.tolist() == [first, -1]
    np.testing.assert_allclose(y[steps.sequence == 0, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(y[steps.sequence == 1, 0], expected[:5], rtol=1e-5)
    assert np.isfinite(line).all()


def test_a_free_run_stays_finite_with_huge_weights():
    layer, theta, x, steps = diverging(1e30, np.float32)
    y, (line, _, diverged), _ = layer.forward(theta, x, steps, steps)
    assert np.isfinite(y).all() and np.isfinite(line).all()
    assert diverged.tolist() == [1, 1]


def test_gradient_of_a_held_run_is_exact_and_finite():
    layer, theta, x, steps = diverging()
    dy = np.random.RandomState(0).standard_normal((steps.n_rows, 1))
    dtheta = np.zeros(3)
    with warnings.catch_warnings():  # training does not warn: the loss tells
        warnings.simplefilter("error")
        _, _, cache = layer.forward(theta, x, steps, steps, workspace=Workspace())
        dx = layer.backward(theta, dy.copy(), cache, dtheta)

    def loss(theta, x):
        y, _, _ = layer.forward(theta, x, steps, steps, workspace=Workspace())
        return (dy * y).sum()

    assert_near(dtheta, complex_step(lambda v: loss(v, x), theta), 1e-12)
    assert_near(dx, complex_step(lambda v: loss(theta, v), x), 1e-12)


# ----------------------------------------------------------------------- time scale
@pytest.mark.parametrize("cell", ALL_CELLS)
def test_units_start_with_memories_up_to_the_time_scale(cell):
    """Left alone, a disturbance of the state falls to 1/e after tau steps."""
    n_units, longest = 40, 50.0
    layer = Recurrent(ALL_CELLS[cell](), 1, n_units, time_scale=longest)
    theta = np.zeros(layer.size)
    layer.initialise(theta, np.random.RandomState(0))
    p = layer.views(theta)
    p["weight_input"][...] = 0
    if len(layer.cell.gates) > 1:  # only gates keep the state
        for key in p:
            if key.startswith("weight"):
                p[key][...] = 0
    steps = Steps([1])
    state = [np.full((1, n_units), 1e-6) for _ in range(layer.cell.n_states)]
    _, after, _ = layer.forward(theta, np.zeros((1, 1)), steps, steps, state)
    kept = after[-1] / 1e-6
    if cell == "integrator":
        assert np.array_equal(kept, np.ones((1, n_units)))
        return
    tau = 1 / (1 - kept)
    assert 1 <= tau.min() < 10 and 40 < tau.max() < longest
    assert len(np.unique(tau.round(6))) == n_units


# ------------------------------------------------------------------ long rectangles
@pytest.mark.parametrize("cell", ALL_CELLS)
@pytest.mark.parametrize("scale", [0.2, 1.0])
def test_gradient_of_the_last_step_where_it_vanishes_on_the_way(cell, scale):
    """The same as with a gradient, zero, at every other step, where none is cut off."""
    n_steps, n = 120, 2
    layer, rng = Recurrent(ALL_CELLS[cell](), 1, 4), np.random.RandomState(0)
    theta = scale * rng.standard_normal(layer.size)
    steps = Steps(np.full(n, n_steps))
    x, dy = rng.standard_normal((steps.n_rows, 1)), rng.standard_normal((n, 4))
    wide = np.zeros((steps.n_rows, 4))
    wide[-n:] = dy
    found = []
    for out, given in ((steps.tail(1), dy), (steps, wide)):
        grad = np.zeros_like(theta)
        _, _, cache = layer.forward(theta, x, steps, out, workspace=Workspace())
        dx = layer.backward(theta, given.copy(), cache, grad)
        found.append((grad, dx))
    (grad, dx), (expected, expected_dx) = found
    assert_near(grad, expected, 1e-14)
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-10, atol=1e-190)


def test_backward_pass_stops_where_the_gradient_has_vanished():
    layer, steps = Recurrent(CELLS["simple"](), 1, 4), Steps([600])
    theta = 0.01 * np.random.RandomState(0).standard_normal(layer.size)
    _, _, cache = layer.forward(
        theta, np.ones((600, 1)), steps, steps.tail(1), workspace=Workspace()
    )
    grad = np.zeros_like(theta)
    cache[0].derivatives[:400] = np.nan  # never read
    dx = layer.backward(theta, np.ones((1, 4)), cache, grad)
    assert np.isfinite(grad).all() and np.array_equal(dx[:400], np.zeros((400, 1)))


def test_what_ended_may_diverge():
    """A short sequence is carried on with input zero; what it does there is nothing."""
    layer = Recurrent(CELLS["simple"]("relu"), 1, 1)
    p = layer.views(theta := np.zeros(layer.size))
    p["weight_input"][...], p["weight_recurrent"][...], p["bias"][...] = 1, 1e3, 1.0
    steps = Steps([200, 1])
    x = np.full((steps.n_rows, 1), -1.0)  # the long one stays at zero
    x[1] = 5.0
    grad = np.zeros_like(theta)
    y, _, cache = layer.forward(theta, x, steps, steps, workspace=Workspace())
    layer.backward(theta, np.ones_like(y), cache, grad)
    assert np.isfinite(grad).all()
    assert grad[0] == 5.0 and y[1] == 6.0


def test_the_first_divergence_is_remembered_over_pieces():
    core = Chain({"output": Dense(2, 1)})
    loop, steps = Feedback(core, 1), Steps([20])
    theta = np.array([1.0, 10.0, 0.0])  # y_t = x_t + 10 y_{t-1}
    x, state = np.ones((20, 1)), None
    for _ in "ab":
        _, state, _ = loop.forward(theta, x, steps, steps, state)
        assert state.diverged.tolist() == [8]
    assert state.age.tolist() == [40]
