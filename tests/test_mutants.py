"""What no other test noticed when the code was broken on purpose; see mutation.py."""

import re
import warnings

import numpy as np
import pytest
from estimators import filtered, make
from helpers import optional
from sklearn.exceptions import ConvergenceWarning

from sk_rnn.data._arrays import few
from sk_rnn.data._index import _is_plain, behind, counts_time
from sk_rnn.data._level import _share_beyond
from sk_rnn.data._steps import Steps
from sk_rnn.layers import CELLS, Chain, Dense, Mean, Recurrent, Skip
from sk_rnn.numerics._workspace import Workspace
from sk_rnn.solvers._monitor import Monitor

pd = optional("pandas")

RNG = np.random.default_rng(0)
TABLE = RNG.standard_normal((30, 2))


def test_a_few_items_are_four():
    assert few([1, 2, 3, 4]) == "1, 2, 3, 4"
    assert few(range(5)) == "0, 1, 2, 3, ..."


def test_behind_two_periods_is_one_as_far_again():
    months = pd.PeriodIndex(["2024-01", "2024-03"], freq="M")
    assert str(behind(months, 1)[0]) == "2024-05"
    assert str(behind(months[:1], 1)[0]) == "2024-02"


def test_a_plain_index_counts_from_zero():
    assert _is_plain(pd.RangeIndex(5))
    assert not _is_plain(pd.RangeIndex(1, 6))


@pytest.mark.parametrize("index", ["days", "numbers", "none"])
def test_an_index_of_another_kind_says_nothing_of_the_order(index):
    days = pd.date_range("2024-01-01", periods=30)
    model = make("GRURegressor", time_axis=0)
    model.fit(pd.DataFrame(TABLE, index=days), filtered(TABLE))
    after = pd.date_range(days[-1], periods=6)[1:]
    expected = model.predict(pd.DataFrame(TABLE[:5], index=after))
    later = TABLE[:5] if index == "none" else pd.DataFrame(TABLE[:5])
    if index == "days":
        with pytest.raises(ValueError, match="index of X begins at 2024-01-01"):
            model.predict(later.set_axis(days[:5]))
    else:
        np.testing.assert_array_equal(model.predict(later), expected)


def test_beyond_is_outside_the_range_of_all_before():
    old = np.linspace(0, 1, 18)

    def share(*new):
        return _share_beyond(np.array([*old, *new])[:, None]).tolist()

    assert share(2, 3) == share(-1, 2) == [1]
    assert share(0, 0) == share(1, 1) == [0]
    assert share(2, 0.5) == [0]  # a single row is no new level


def test_lengths_may_not_rise_even_by_one():
    with pytest.raises(ValueError, match="longest first"):
        Steps([3, 4])


def test_what_is_no_number_among_numbers_is_named():
    records = [TABLE[:3], TABLE[3:7]]
    with pytest.raises(
        ValueError, match=r"y\[0\] is of type float, y\[1\] of type list"
    ):
        make("GRURegressor").fit(records, [1.0, [2.0, 3.0]])


# The integrator has no recurrent weights.
@pytest.mark.parametrize("name", sorted({*CELLS} - {"integrator"}))
def test_recurrent_weights_begin_orthogonal_times_the_gain_of_the_cell(name):
    layer = Recurrent(CELLS[name](), 2, 4)
    theta = np.empty(layer.size)
    layer.initialise(theta, np.random.default_rng(0))
    p = layer.views(theta)
    gates = layer.layout.by_gate(p["weight_recurrent"], "h")
    products = [p[f"weight_{result}"] for result in layer.cell.products]
    for weight in [*gates.values(), *products]:
        expected = layer.cell.recurrent_gain**2 * np.eye(4)
        np.testing.assert_allclose(weight.T @ weight, expected, atol=1e-12)


def test_memories_begin_between_one_step_and_the_time_scale(monkeypatch):
    seen = []
    monkeypatch.setattr(
        CELLS["gru"], "initialise_memory", lambda self, *parts: seen.append(parts[-1])
    )
    layer = Recurrent(CELLS["gru"](), 1, 200, time_scale=2.0)
    layer.initialise(np.empty(layer.size), np.random.default_rng(0))
    assert 1 < seen[0].min() < 1.1 < 1.9 < seen[0].max() < 2


def network():
    return Chain({"hidden": Recurrent(CELLS["gru"](), 2, 3), "output": Dense(3, 1)})


def test_a_path_begins_at_zero():
    layer = Skip(network())
    theta = np.full(layer.size, 7.0)
    layer.initialise(theta, np.random.default_rng(0))
    assert not layer.views(theta)["output.skip"].any()


def test_a_mean_in_training_is_the_mean_of_its_members():
    layer, steps = Mean(network(), 2), Steps([5, 3])
    theta = np.random.default_rng(0).standard_normal(layer.size)
    found, _, _ = layer.forward(theta, TABLE[:8], steps, steps, workspace=Workspace())
    each = [
        network().bind(part)(TABLE[:8], steps, steps)[0] for part in np.split(theta, 2)
    ]
    np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-12)


class Rederived(CELLS["gru"]):
    """Makes what its derivative needs again from the states."""

    def derive(self, b, h_prev, h, d):
        local = super().derive(b, h_prev, h, d)

        def again():
            np.subtract(h_prev, b.n, b.diff)
            np.multiply(b.z, b.diff, b.z_diff)
            local()

        return again


@pytest.mark.parametrize("switch", ["0", "1"])
def test_derivatives_are_given_the_state_before_the_step(switch, monkeypatch):
    monkeypatch.setenv("SK_RNN_COMPILE", switch)
    found, steps = [], Steps([5, 3])
    for cell in (CELLS["gru"], Rederived):
        layer = Recurrent(cell(), 2, 3)
        theta = np.random.default_rng(0).standard_normal(layer.size)
        gradient = np.zeros_like(theta)
        y, _, cache = layer.forward(
            theta, TABLE[:8], steps, steps, workspace=Workspace()
        )
        layer.backward(theta, y, cache, gradient)
        found.append(gradient)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


@pytest.mark.parametrize("solver", ["lbfgs", "lm"])
def test_where_scipy_comes_to_rest_is_an_end_in_good_order(solver, capsys):
    model = make(
        "TDNNRegressor",
        solver=solver,
        hidden_layer_sizes=(),
        verbose=1,
        max_iter=10_000,
    ).set_params(tol=0, n_iter_no_change=10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(TABLE, TABLE @ [1.0, -2.0])
    assert f"Stopped after {model.n_iter_} iterations: " in capsys.readouterr().out


def test_the_lines_of_verbose_hold_true_numbers(capsys):
    model = make("TDNNRegressor", solver="lm", hidden_layer_sizes=2, verbose=1)
    model.set_params(tol=0, max_iter=300, alpha=0.1).fit(TABLE, np.tanh(TABLE[:, 0]))
    line = re.findall("Iteration .*", capsys.readouterr().out)[-1]
    *_, step, seconds = line.split(", ")
    assert 0 <= float(step.removeprefix("step = ")) < 1e-2  # it is at the minimum
    assert 0 <= float(seconds.removesuffix(" s")) < 100
    model.set_params(verbose=0).fit(TABLE, TABLE[:, 0])
    assert not capsys.readouterr().out


def test_an_index_of_nanoseconds_counts_time():
    assert counts_time(pd.DatetimeIndex(np.arange(5).astype("M8[ns]"), freq="ns"))


@pytest.mark.parametrize("last, expected", [(2.0, False), (2.15, False), (2.3, True)])
def test_a_loss_is_above_the_best_by_more_than_a_share_of_it(last, expected):
    monitor = Monitor(max_iter=9, tol=0.1, n_iter_no_change=5, verbose=0)
    monitor.begin(np.zeros(1), "adam")
    for loss in (2.5, 2.0, 9.0, last):
        monitor.update(np.zeros(1), loss)
    assert monitor.best == 2.0 and monitor.is_above_best is expected
