"""The series that ships with the package."""

import numpy as np
import pytest

from sk_rnn.datasets import load_sunspots


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
