"""Packed steps and data sets, against plain loops over the sequences."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import LENGTHS, TAILS

from sk_rnn.data import _dataset, _steps
from sk_rnn.data._dataset import Dataset
from sk_rnn.data._steps import Steps

RANDOM_LENGTHS = [
    sorted(np.random.RandomState(seed).randint(1, 12, size=seed + 2).tolist())[::-1]
    for seed in range(6)
]

each_length = pytest.mark.parametrize("lengths", [*LENGTHS, *RANDOM_LENGTHS], ids=str)
each_tail = pytest.mark.parametrize("n_last", TAILS)


def packed_rows(lengths):
    """(step, sequence) of each row, by the definition of the packing."""
    return [(t, k) for t in range(max(lengths)) for k, n in enumerate(lengths) if t < n]


# ---------------------------------------------------------------------------- Steps
@each_length
def test_rows_lie_step_by_step(lengths):
    steps, rows = Steps(lengths), packed_rows(lengths)
    assert list(zip(steps.step, steps.sequence, strict=True)) == rows
    assert steps.n_rows == len(rows) == sum(lengths)
    assert (steps.n_steps, steps.n_sequences) == (max(lengths), len(lengths))
    for t in range(steps.n_steps):
        here = [row for row, (step, _) in enumerate(rows) if step == t]
        assert steps.sizes[t] == len(here)
        assert list(range(steps.n_rows))[steps.slices[t]] == here
        assert here == list(range(steps.offsets[t], steps.offsets[t + 1]))
    assert list(steps.ends) == [rows.index((n - 1, k)) for k, n in enumerate(lengths)]


@each_length
def test_runs_are_the_longest_stretches_of_equal_size(lengths):
    steps = Steps(lengths)
    edges = [0, *(stop for _, stop in steps.spans)]
    assert steps.spans == list(zip(edges, edges[1:], strict=False))
    assert edges[-1] == steps.n_steps
    sizes = [set(steps.sizes[a:b]) for a, b in steps.spans]
    assert all(len(size) == 1 for size in sizes)
    assert all(a != b for a, b in zip(sizes, sizes[1:], strict=False))


@each_length
@each_tail
def test_tail_holds_the_last_steps_of_each_sequence(lengths, n_last):
    steps, rows = Steps(lengths), packed_rows(lengths)
    tail = steps.tail(n_last)
    kept = [n if n_last is None else min(n, n_last) for n in lengths]
    assert list(tail.lengths) == kept
    assert tail is steps.tail(n_last)
    assert (tail is steps) == (n_last is None or n_last >= max(lengths))
    expected = [rows.index((lengths[k] - kept[k] + t, k)) for t, k in packed_rows(kept)]
    assert list(steps.rows_of(tail)) == expected


@each_length
@each_tail
def test_lagged_finds_the_same_sequence_so_many_steps_earlier(lengths, n_last):
    steps, rows = Steps(lengths), packed_rows(lengths)
    tail = steps.tail(n_last)
    lags, expected = (0, 1, 3, 20), []
    for t, k in packed_rows(tail.lengths):
        sources = [lengths[k] - tail.lengths[k] + t - lag for lag in lags]
        expected.append([rows.index((s, k)) if s >= 0 else s for s in sources])
    source, early, back = steps.lagged(tail, lags)
    found = source.copy()
    found[early] = back
    assert found.tolist() == expected
    assert source.min() >= 0
    assert steps.lagged(tail, lags)[0] is source  # remembered


@each_length
@each_tail
def test_emissions_are_the_rows_of_the_tail_step_by_step(lengths, n_last):
    steps = Steps(lengths)
    tail = steps.tail(n_last)
    source = steps.rows_of(tail)
    expected = {}
    for row, (step, k) in enumerate(
        zip(steps.step[source], tail.sequence, strict=True)
    ):
        expected.setdefault(int(step), {})[int(k)] = row
    rows = np.arange(tail.n_rows)
    found = {
        t: {low + i: row for i, row in enumerate(rows[tail_rows])}
        for t, (low, tail_rows) in steps.emissions(tail).items()
    }
    assert found == expected
    for t, (low, tail_rows) in steps.emissions(tail).items():
        assert low + len(rows[tail_rows]) == steps.sizes[t]


@each_length
def test_packing_and_back(lengths):
    rng = np.random.RandomState(0)
    # The sequences lie in the table in any order, with unused rows between them.
    order, starts, first = rng.permutation(len(lengths)), {}, 2
    for k in order:
        starts[k], first = first, first + lengths[k] + rng.randint(3)
    starts = [starts[k] for k in range(len(lengths))]
    table = rng.standard_normal((first, 2))
    steps = Steps(lengths)
    source = steps.packing(starts)
    assert list(source) == [starts[k] + t for t, k in packed_rows(lengths)]
    unpacked = np.full_like(table, np.nan)
    unpacked[source] = table[source]
    for start, n in zip(starts, lengths, strict=True):
        assert np.array_equal(unpacked[start : start + n], table[start : start + n])
    assert np.isfinite(unpacked).all(axis=1).sum() == sum(lengths)


@pytest.mark.parametrize("lengths", [[1, 2], [3, 1, 2], [2, 0], [0]], ids=str)
def test_lengths_must_be_sorted_and_positive(lengths):
    with pytest.raises(ValueError, match="longest first"):
        Steps(lengths)


# -------------------------------------------------------------------------- Dataset
def dataset(lengths, last=False, skip=0, seed=0):
    """Sequences one after the other; x counts the rows."""
    rng = np.random.RandomState(seed)
    lengths = np.array(lengths)
    n_rows = lengths.sum()
    n = len(lengths) if last else n_rows
    return Dataset(
        x=np.arange(n_rows, dtype=float)[:, None],
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        y=rng.standard_normal((n, 2)),
        weight=rng.uniform(0.5, 2, n),
        last=last,
        skip=np.broadcast_to(skip, lengths.shape).copy(),
    )


def counting_rows(data):
    """Every row of the table, as often as it carries a loss."""
    parts = [
        np.arange(start + skip, start + n)
        for start, n, skip in zip(data.starts, data.lengths, data.skip, strict=True)
    ]
    return np.sort(np.concatenate(parts))


@pytest.mark.parametrize("n_steps", [2, 3, 4, 5, 8, 11, 40, None])
@pytest.mark.parametrize("skip", [0, 1, 6, 30])
def test_windows_count_every_step_once(n_steps, skip):
    data = dataset([31, 1, 12, 5, 4, 8, 17, 2, 9], skip=skip)
    windows = data.windows(n_steps)
    assert np.array_equal(counting_rows(windows), counting_rows(data))
    assert windows.weight_sum == pytest.approx(data.weight_sum, rel=1e-14)
    warm_up = 0 if n_steps is None else n_steps // 4
    record_ends = data.starts + data.lengths
    for start, n, skipped in zip(
        windows.starts, windows.lengths, windows.skip, strict=True
    ):
        assert 1 <= n <= (n_steps or data.lengths.max())
        record = np.searchsorted(data.starts, start, side="right") - 1
        assert start + n <= record_ends[record]  # within one record
        if start > data.starts[record]:
            assert skipped >= warm_up


def test_windows_do_not_touch_data_without_longer_sequences():
    data = dataset([5, 4])
    assert data.windows(5) is data
    assert data.windows(None) is data


def test_window_of_a_last_target_is_the_end_of_the_sequence():
    data = dataset([9, 3, 4], last=True)
    windows = data.windows(4)
    assert list(windows.lengths) == [4, 3, 4]
    assert list(windows.starts + windows.lengths) == list(data.starts + data.lengths)
    assert windows.y is data.y


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("skip", [0, 2, 50])
def test_weight_sum_is_that_of_the_batches(last, skip):
    data = dataset([5, 9, 1, 3, 3], last, 0 if last else skip)
    total = sum(batch.weight.sum() for batch in data.tiles())
    assert data.weight_sum == pytest.approx(total, rel=1e-14, abs=1e-14)
    every = data.subset(np.array([1, 1, 4]))  # sequences may overlap
    total = sum(batch.weight.sum() for batch in every.tiles())
    assert every.weight_sum == pytest.approx(total, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("last", [False, True])
def test_batch_packs_the_sequences_asked_for(last):
    data = dataset([3, 7, 1, 7, 4], last, skip=0 if last else [0, 2, 0, 9, 1])
    indices = [2, 4, 1, 3]
    batch = data.batch(indices)
    assert sorted(batch.order) == sorted(indices)
    assert list(batch.steps.lengths) == [7, 7, 4, 1]
    assert batch.wanted is batch.steps.tail(1 if last else None)
    for row, (t, k) in enumerate(packed_rows(batch.steps.lengths)):
        assert batch.x[row, 0] == data.starts[batch.order[k]] + t
    for row, (t, k) in enumerate(packed_rows(batch.wanted.lengths)):
        source = batch.order[k]
        target = source if last else data.starts[source] + t
        assert np.array_equal(batch.y[row], data.y[target])
        counts = last or t >= data.skip[source]
        assert batch.weight[row] == data.weight[target] * counts


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("rows, sequences, n", [(1, 1, 7), (7, 2, 3), (2**14, 128, 1)])
def test_tiles_are_one_batch_in_pieces(monkeypatch, last, rows, sequences, n):
    monkeypatch.setattr(_dataset, "TILE_ROWS", rows)
    monkeypatch.setattr(_dataset, "TILE_SEQUENCES", sequences)
    data = dataset([3, 7, 1, 7, 4, 2, 2], last)
    whole, tiles = data.batch(np.arange(data.n_sequences)), data.tiles()
    assert len(tiles) == n
    pairs = [np.concatenate([t.x[:, 0] for t in tiles]), whole.x[:, 0]]
    assert np.array_equal(*(np.sort(pair) for pair in pairs))
    pairs = [np.concatenate([t.weight for t in tiles]), whole.weight]
    assert np.array_equal(*(np.sort(pair) for pair in pairs))
    order = np.concatenate([t.order for t in tiles])
    assert np.array_equal(order, whole.order)
    longest = [t.steps.n_steps for t in tiles]
    assert longest == sorted(longest, reverse=True)
    for tile in tiles:
        area = tile.steps.n_steps * tile.steps.n_sequences
        alike = tile.steps.lengths.min() >= 0.75 * tile.steps.n_steps
        assert area <= rows or (alike and tile.steps.n_sequences <= sequences)


def test_a_long_sequence_does_not_widen_short_ones():
    lengths = np.array([10] * 31 + [100_000] + [10] * 100)
    parts = list(_dataset.tiles(lengths))
    assert [list(part) for part in parts[:1]] == [[31]]
    assert len(parts) == 2


def test_sizes_of_tiles_are_powers_of_two():
    lengths = np.random.RandomState(0).randint(5, 200, 3000)
    parts = list(_dataset.tiles(lengths))
    assert np.array_equal(np.concatenate(parts), np.argsort(-lengths, kind="stable"))
    sizes = [len(part) for part in parts[:-1]]
    assert all(size & (size - 1) == 0 for size in sizes)
    assert len(set(sizes)) < len(sizes)


def test_minibatches_hold_every_sequence_once():
    data = dataset([3, 7, 1, 7, 4, 2, 2])

    def orders(size, rng):
        batches = data.minibatches(size, rng)
        return [[i for tile in tiles for i in tile.order] for tiles in batches]

    in_order = [sorted(order) for order in orders(3, None)]
    assert in_order == [[0, 1, 2], [3, 4, 5], [6]]
    shuffled = orders(3, np.random.RandomState(0))
    assert sorted(len(order) for order in shuffled) == [1, 3, 3]
    assert sorted(sum(shuffled, [])) == list(range(7))
    assert sorted(shuffled[0]) != [0, 1, 2]


def test_shuffled_minibatches_hold_similar_lengths():
    rng = np.random.RandomState(0)
    data = dataset(rng.randint(5, 100, 500))
    passes = [list(data.minibatches(10, rng)) for _ in "ab"]
    steps = [sum(t.steps.n_steps for tiles in p for t in tiles) for p in passes]
    assert max(steps) < 1.1 * data.lengths.sum() / 10
    first, second = ([t.steps.n_steps for [t] in p] for p in passes)
    assert first != second and first != sorted(first) != sorted(first, reverse=True)
    members = [{frozenset(t.order) for [t] in p} for p in passes]
    assert members[0] != members[1]


def test_tables_of_lagged_rows_are_remembered_but_not_without_bound():
    steps = Steps([30])
    for n_lags in range(1, 30):
        steps.lagged(steps, range(n_lags))
    assert len(steps._tables) == _steps.TABLES


@pytest.mark.parametrize("last", [False, True])
def test_subset_takes_sequences_with_their_targets(last):
    data = dataset([3, 7, 1, 4], last)
    part = data.subset(np.array([3, 1]))
    whole, picked = data.batch([1, 3]), part.batch([0, 1])
    for name in ("x", "y", "weight"):
        assert np.array_equal(getattr(whole, name), getattr(picked, name))


# ------------------------------------------------------------------------- hold out
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("fraction", [0.11, 0.3, 0.99])
def test_hold_out_splits_whole_sequences(last, fraction):
    data = dataset([3, 7, 1, 4, 2], last)
    n_held = {0.11: 1, 0.3: 2, 0.99: 4}[fraction]
    training, validation = data.hold_out(fraction, None)
    assert list(training.starts) == list(data.starts[:-n_held])
    assert list(validation.starts) == list(data.starts[-n_held:])
    parts = data.hold_out(fraction, np.random.RandomState(1))
    starts = np.concatenate([part.starts for part in parts])
    assert sorted(starts) == sorted(data.starts)
    assert parts[1].n_sequences == n_held
    for part in parts:
        for start, length in zip(part.starts, part.lengths, strict=True):
            assert data.lengths[list(data.starts).index(start)] == length


def test_hold_out_at_random_follows_the_random_state():
    data = dataset([2] * 12)
    held = [
        data.hold_out(0.25, np.random.RandomState(seed))[1].starts.tolist()
        for seed in (0, 0, 1)
    ]
    assert held[0] == held[1] != held[2]


def test_hold_out_of_one_sequence_is_its_last_stretch():
    data = dataset([10], skip=1)
    training, validation = data.hold_out(0.3, None)
    assert list(counting_rows(training)) == [1, 2, 3, 4, 5, 6]
    assert list(counting_rows(validation)) == [7, 8, 9]
    # The state builds up over all the steps before.
    assert (validation.starts[0], validation.lengths[0]) == (0, 10)


@pytest.mark.parametrize("n_before, begins", [(None, [0, 10, 31]), (2, [7, 26, 34])])
def test_hold_out_of_few_sequences_is_the_last_stretch_of_each(n_before, begins):
    """A whole one of four would be a quarter, where a tenth is asked for."""
    data = dataset([10, 20, 1, 6], skip=1)
    training, validation = data.hold_out(0.1, np.random.RandomState(0), n_before)
    assert list(training.starts) == list(data.starts)
    assert list(training.lengths) == [9, 18, 1, 5]
    assert list(counting_rows(validation)) == [9, 28, 29, 36]
    assert list(validation.starts) == begins
    whole = dataset([10, 20, 1, 6], last=True).hold_out(0.1, None)
    assert whole[1].n_sequences == 1


@pytest.mark.parametrize(
    "data",
    [dataset([1]), dataset([10], last=True)],
    ids=["one step", "one target"],
)
def test_hold_out_needs_something_to_hold_out(data):
    with pytest.raises(ValueError, match="early_stopping=True needs"):
        data.hold_out(0.2, None)


@pytest.mark.parametrize("part", ["training", "validation"])
def test_hold_out_needs_weight_on_both_sides(part):
    data = dataset([3, 3, 3, 3])
    weight = np.ones(12)
    weight[slice(0, 9) if part == "training" else slice(9, 12)] = 0
    with pytest.raises(ValueError, match=f"no step of the {part} part"):
        replace(data, weight=weight).hold_out(0.25, None)
