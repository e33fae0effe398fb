"""What no other test noticed when the code was broken on purpose; see mutation.py."""

import numpy as np
import pytest
from estimators import filtered, make
from helpers import optional

from sk_rnn.data._arrays import few
from sk_rnn.data._index import _is_plain, behind
from sk_rnn.data._level import _share_beyond
from sk_rnn.data._steps import Steps

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
