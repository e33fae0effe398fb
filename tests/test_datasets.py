"""The series that ships with the package, and the standard tasks."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sk_rnn.datasets import (
    load_air_passengers,
    load_sunspots,
    make_adding_problem,
    make_copy_memory,
    make_lorenz,
    make_mackey_glass,
    make_narma,
)


def test_sunspots_are_the_published_series():
    sunspots = load_sunspots()
    assert sunspots.data.dtype == np.float64
    assert np.array_equal(sunspots.year, np.arange(1700, 2009))
    value = dict(zip(sunspots.year, sunspots.data, strict=True))
    # The first and last year, two years without a spot, the highest maximum.
    known = {1700: 5.0, 1711: 0.0, 1712: 0.0, 1957: 190.2, 2008: 2.9}
    assert {year: value[year] for year in known} == known
    assert max(value.values()) == value[1957]
    assert sunspots.data.mean() == pytest.approx(49.752104, abs=1e-6)
    assert sunspots.frame is None
    assert "public domain" in sunspots.DESCR


def test_sunspots_have_their_eleven_year_cycle():
    data = load_sunspots().data
    power = np.abs(np.fft.rfft(data - data.mean())) ** 2
    assert 10 < len(data) / np.argmax(power) < 12


def test_sunspots_as_frame_hold_the_same_numbers():
    pytest.importorskip("pandas")
    arrays, frames = load_sunspots(), load_sunspots(as_frame=True)
    assert list(frames.frame.columns) == ["year", "sunspots"]
    assert np.array_equal(frames.frame.index, arrays.year)
    assert np.array_equal(frames.data, arrays.data)
    assert np.array_equal(frames.year, arrays.year)


def test_each_call_returns_its_own_arrays():
    load_sunspots().data[:] = -1
    assert load_sunspots().data.min() == 0
    load_air_passengers().data[:] = -1
    assert load_air_passengers().data.min() == 104


def test_air_passengers_are_the_published_series():
    air = load_air_passengers()
    assert air.data.dtype == np.float64
    assert np.array_equal(air.month, np.arange("1949-01", "1961-01", dtype="M8[M]"))
    yearly = air.data.reshape(12, 12)
    first = [112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118]
    last = [417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432]
    assert yearly[[0, -1]].tolist() == [first, last]
    # Totals of the years of R's AirPassengers.
    sums = [1520, 1676, 2042, 2364, 2700, 2867, 3408, 3939, 4421, 4572, 5140, 5714]
    assert yearly.sum(axis=1).tolist() == sums
    assert air.frame is None
    assert "Box" in air.DESCR


def test_air_passengers_as_frame_hold_the_same_numbers():
    pytest.importorskip("pandas")
    arrays, frames = load_air_passengers(), load_air_passengers(as_frame=True)
    assert list(frames.frame.columns) == ["passengers"]
    assert frames.frame.index.freqstr == "M" and frames.frame.index.name == "month"
    assert frames.month is frames.frame.index
    months = frames.month.to_timestamp().to_numpy().astype("datetime64[M]")
    assert np.array_equal(months, arrays.month)
    assert np.array_equal(frames.data, arrays.data)
    assert frames.data.index.equals(frames.month)


# ------------------------------------------------------------------------------- tasks
def test_adding_problem():
    X, y = make_adding_problem(500, 20, random_state=0)
    assert X.shape == (500, 20, 2) and y.shape == (500,)
    assert set(np.unique(X[:, :, 1])) == {0.0, 1.0}
    assert np.all(X[:, :, 1].sum(axis=1) == 2)
    assert 0 <= X.min() and X[:, :, 0].max() < 1
    np.testing.assert_allclose(y, (X[:, :, 0] * X[:, :, 1]).sum(axis=1), rtol=1e-15)
    # The marks lie everywhere, and every pair of steps is as likely as any other.
    marked = X[:, :, 1].mean(axis=0)
    assert 0.05 < marked.min() and marked.max() < 0.16
    assert y.var() == pytest.approx(1 / 6, rel=0.2)


def test_adding_problem_of_two_steps():
    X, y = make_adding_problem(1, 2, random_state=0)
    assert np.array_equal(X[0, :, 1], [1, 1])
    assert y[0] == X[0, :, 0].sum()


def test_copy_memory():
    X, y = make_copy_memory(50, 13, n_symbols=4, n_memory=3, random_state=0)
    assert X.shape == (50, 19, 6) and y.shape == (50, 19, 5)
    assert np.all(X.sum(axis=2) == 1) and np.all(y.sum(axis=2) == 1)
    x, wanted = X.argmax(axis=2), y.argmax(axis=2)
    assert np.all((1 <= x[:, :3]) & (x[:, :3] <= 4))
    assert np.all(x[:, 3:15] == 0) and np.all(x[:, 15:] == 5)
    assert np.all(wanted[:, :16] == 0)
    assert np.array_equal(wanted[:, 16:], x[:, :3])
    assert set(np.unique(x[:, :3])) == {1, 2, 3, 4}


def test_mackey_glass_solves_its_equation():
    """The integral of the slope between samples, by Simpson's rule on a finer grid."""
    x = make_mackey_glass(4000, sampling=1, discard=500, random_state=0)
    past, now = x[:-170], x[170:]
    slope = 0.2 * past / (1 + past**10) - 0.1 * now
    change = (slope[:-2:2] + 4 * slope[1:-1:2] + slope[2::2]) * 0.1 / 3
    np.testing.assert_allclose(now[2::2] - now[:-2:2], change, atol=2e-9)


def test_mackey_glass_does_not_depend_on_the_step():
    coarse, fine = (
        make_mackey_glass(60, dt=dt, sampling=n, discard=0, random_state=3)
        for dt, n in ((0.1, 10), (0.025, 40))
    )
    np.testing.assert_allclose(coarse, fine, atol=1e-4)


def test_mackey_glass_is_chaotic_at_17_and_not_at_10():
    chaotic, steady = (make_mackey_glass(3000, tau=t, random_state=0) for t in (17, 10))
    assert 0.2 < chaotic.std() < 0.3
    period = np.flatnonzero((steady[1:-1] > steady[:-2]) & (steady[1:-1] > steady[2:]))
    assert np.ptp(np.diff(period)) <= 1
    other = make_mackey_glass(3000, random_state=1)
    assert np.abs(chaotic - other).max() > 0.5


def test_narma():
    u, y = make_narma(300, random_state=0)
    assert u.shape == (300, 1) and y.shape == (300,)
    assert 0 <= u.min() and u.max() < 0.5
    for t in range(10, 300):
        expected = 0.3 * y[t - 1] + 0.05 * y[t - 1] * y[t - 10 : t].sum() + 0.1
        expected += 1.5 * u[t - 10, 0] * u[t - 1, 0]
        assert y[t] == pytest.approx(expected, rel=1e-13)


def test_narma_that_diverges():
    with pytest.raises(ValueError, match="order 60 diverged within 20000 steps"):
        make_narma(20_000, order=60, random_state=0)


def test_lorenz_solves_its_equation():
    X = make_lorenz(50, discard=10, random_state=0)

    def slope(t, s):
        x, y, z = s
        return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z

    times = 0.02 * np.arange(50)
    with np.errstate(under="ignore"):  # in SciPy
        exact = solve_ivp(slope, (0, 1), X[0], "DOP853", times, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(X, exact.y.T, atol=1e-5)


@pytest.mark.parametrize(
    "make, size",
    [
        (make_adding_problem, (3, 8)),
        (make_copy_memory, (3, 8)),
        (make_mackey_glass, (30,)),
        (make_narma, (30,)),
        (make_lorenz, (30,)),
    ],
)
def test_the_same_seed_makes_the_same_data(make, size):
    runs = [make(*size, random_state=seed) for seed in (0, 0, 1)]
    runs = [run if isinstance(run, tuple) else (run,) for run in runs]
    for one, two, other in zip(*runs, strict=True):
        assert np.array_equal(one, two)
        assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: make_adding_problem(0, 10), "n_sequences"),
        (lambda: make_adding_problem(10, 1), "n_steps"),
        (lambda: make_copy_memory(10, 0), "delay"),
        (lambda: make_mackey_glass(10, tau=17.03), "whole number .* tau=17.03"),
        (lambda: make_mackey_glass(10, tau=-1.0), "tau"),
        (lambda: make_narma(10, order=0), "order"),
        (lambda: make_lorenz(10, dt=0.0), "dt"),
        (lambda: make_lorenz(10, random_state="a"), "random_state"),
    ],
)
def test_tasks_refuse_what_makes_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call()
