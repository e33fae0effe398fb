"""Warnings of what fits the contract and probably means something else."""

import warnings

import numpy as np
import pytest
from estimators import NAMES, filtered, make
from helpers import optional
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, TimeSeriesSplit, cross_val_score
from sklearn.preprocessing import StandardScaler

pd = optional("pandas")

RNG = np.random.default_rng(0)
SERIES = np.cumsum(RNG.standard_normal(60))
TABLE = RNG.standard_normal((30, 4))
CUBE = RNG.standard_normal((8, 5, 2))
DAYS = pd.date_range("2024-01-01", periods=60, freq="D")

each = pytest.mark.parametrize("name", NAMES)


def fit_warns(message, X, y, name="AutoRegressor", **params):
    """Fit, and see one such warning, at the line of the call."""
    with pytest.warns(UserWarning, match=message) as seen:
        make(name, **params).fit(X, y)
    (one,) = (w for w in seen if w.category is not ConvergenceWarning)
    assert one.filename == __file__
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message)
        model = make(name, **params)
        before = dict(model.__dict__)
        with pytest.raises(UserWarning):
            model.fit(X, y)
        assert model.__dict__ == before


def fit_is_quiet(X, y, name="AutoRegressor", **params):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        make(name, **params).fit(X, y)


# ------------------------------------------------------------ time_axis forgotten
INDICES = {
    "days": DAYS[:30],
    "work days": pd.date_range("2024-01-01", periods=30, freq="B"),
    "as read from a file": pd.DatetimeIndex(list(DAYS[:30])),
    "months": pd.period_range("2020-01", periods=30, freq="M"),
}
OTHERS = {
    "numbers": pd.RangeIndex(30),
    "names": pd.Index([f"no. {k}" for k in range(30)]),
    "out of order": DAYS[:30][::-1],
    "repeated": DAYS[np.repeat(np.arange(15), 2)],
    "irregular": DAYS[np.cumsum(RNG.integers(1, 3, 30))],
    "irregular months": pd.period_range("2020-01", periods=31, freq="M").delete(7),
}
FORGOTTEN = r"set time_axis=0\. .* X\.reset_index\(drop=True\)"


def table(index, columns=("a", "b", "c", "d")):
    return pd.DataFrame(TABLE, index=index, columns=list(columns))


@each
@pytest.mark.parametrize("kind", INDICES)
def test_a_table_whose_time_axis_was_forgotten(name, kind):
    frame, y = table(INDICES[kind]), filtered(TABLE)
    fit_warns(FORGOTTEN, frame, y, name)
    fit_warns(FORGOTTEN, frame[["a"]], y, name)
    fit_is_quiet(frame, y, name, time_axis=0, lags=True)
    fit_is_quiet(frame.reset_index(drop=True), y, name)
    fit_is_quiet(frame.to_numpy(), y, name)


@pytest.mark.parametrize("kind", OTHERS)
def test_an_index_that_does_not_count_time(kind):
    fit_is_quiet(table(OTHERS[kind]), filtered(TABLE))


def test_names_of_lags_say_what_rows_are():
    frame = table(DAYS[:30], ["lag_4", "lag_3", "lag_2", "lag_1"])
    fit_is_quiet(frame, filtered(TABLE))


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_windows_with_the_dates_of_their_targets(n_channels, newest_first, scaled):
    both = np.column_stack([SERIES, SERIES[::-1]])[:, :n_channels]
    windows = sliding_window_view(both[:-1], 6, axis=0).transpose(0, 2, 1)
    windows = windows[:, ::-1] if newest_first else windows
    X = windows.reshape(len(windows), -1)
    X = StandardScaler().fit_transform(X) if scaled else X
    frame = pd.DataFrame(X, index=DAYS[6:])
    fit_is_quiet(frame, SERIES[6:], n_channels=n_channels)


# ------------------------------------------------------------- other columns than lags
@each
@pytest.mark.parametrize(
    "names, other",
    [
        (("lag_1", "lag_2", "holiday"), "holiday"),
        (("lag_1", "lag_1_mean"), "lag_1_mean"),
        (("t", "lag_1"), "t"),
        (("price", "sales_t-2", "sales_t-1", "sales_t"), "price"),
    ],
)
def test_a_column_that_is_no_lag_beside_such(name, names, other):
    frame = pd.DataFrame(TABLE[:, : len(names)], columns=names)
    y = np.tanh(TABLE.sum(axis=1))
    fit_warns(f"{other} is no lag", frame, y, name)
    fit_is_quiet(frame.to_numpy(), y, name)
    steps = {"time_axis": 0, "lags": True}  # each column is a channel
    fit_is_quiet(frame, y, name, **steps)
    if len(names) == 2:  # of a single step nothing can be in a wrong place
        fit_is_quiet(frame, y, name, n_channels=2)


# --------------------------------------------------------------- steps as outputs
AS_OUTPUTS = r"y is 2-D with 5 columns, and X has 5 steps.*y\[\.\.\., None\].*DataFrame"


@each
def test_targets_at_each_step_that_are_read_as_outputs(name):
    y = np.stack([filtered(u) for u in CUBE])
    fit_warns(AS_OUTPUTS, CUBE, y, name)
    fit_warns(AS_OUTPUTS, list(CUBE), y, name, lags=True)
    fit_is_quiet(CUBE, y[..., None], name)
    fit_is_quiet(CUBE, pd.DataFrame(y), name)
    fit_is_quiet(CUBE, y[:, :4], name)
    fit_is_quiet(CUBE, y[:, -1], name)
    fit_is_quiet(CUBE[:, -1:], y[:, -1:], name)


def test_outputs_of_rows_and_of_records_of_other_lengths():
    y = np.stack([filtered(u) for u in CUBE])
    fit_is_quiet(CUBE.reshape(8, 10), y, n_channels=2)
    records = [*CUBE[:-1], CUBE[-1][:4]]
    fit_is_quiet(records, y, n_lags=2)


# ------------------------------------------------------------ target in the input
COPY = "newest value of channel {} of X.*y must be the value after it"


@each
def test_a_target_that_is_the_input(name):
    one, other = SERIES[:, None], np.column_stack([SERIES[::-1], SERIES])
    fit_warns(COPY.format(0), one, SERIES, name, time_axis=0, lags=True)
    fit_warns(COPY.format(1), other, SERIES, name, time_axis=0, lags=True)
    fit_is_quiet(one[:-1], SERIES[1:], name, time_axis=0, lags=True)
    windows = sliding_window_view(SERIES, 6)
    fit_warns(COPY.format(0), windows, SERIES[5:], name)
    fit_is_quiet(windows[:-1], SERIES[6:], name)
    fit_warns(COPY.format(1), CUBE, CUBE[:, -1, 1], name)
    fit_warns(COPY.format(1), list(CUBE), list(CUBE[..., 1]), name, lags=True)
    fit_is_quiet(CUBE, CUBE[:, 0, 1], name)


def test_a_target_in_other_layouts_and_outputs():
    windows = sliding_window_view(SERIES, 6)[:, ::-1]
    fit_warns(COPY.format(0), windows, SERIES[5:], lag_order="newest_first")
    fit_is_quiet(windows, SERIES[:-5], lag_order="newest_first")
    both = np.column_stack([SERIES[1:], SERIES[:-1]])
    fit_warns(COPY.format(0), SERIES[:-1, None], both, time_axis=0, n_lags=2)
    ids = np.repeat([1.0, 2.0], 30)
    X = np.column_stack([ids, SERIES])
    fit_warns(COPY.format(0), X, SERIES, time_axis=0, sequence_column=0, n_lags=2)


def test_a_target_that_differs_once_or_never_changes():
    y = SERIES.copy()
    y[17] += 1e-9
    fit_is_quiet(SERIES[:, None], y, time_axis=0, n_lags=2)
    constant = np.column_stack([np.ones(60), SERIES])
    fit_is_quiet(constant, np.ones(60), time_axis=0, n_lags=2)
    fit_is_quiet(SERIES[:1, None], SERIES[:1])


# ------------------------------------------------------------- rows that were drawn
WALK = np.cumsum(np.random.default_rng(3).standard_normal(301))[:, None]
DRAWN = "not consecutive steps in order of time"


def in_time(**params):
    return make("AutoRegressor", n_lags=1, time_axis=0, **params)


def test_shuffled_folds_of_a_table_are_told():
    X, y = WALK[:-1], WALK[1:, 0]
    with pytest.warns(UserWarning, match=DRAWN):
        cross_val_score(in_time(carry_state=False), X, y, cv=KFold(4, shuffle=True))
    frame = pd.DataFrame(X, columns=["u"])
    with pytest.warns(UserWarning, match=DRAWN):
        train = next(KFold(4, shuffle=True, random_state=0).split(X))[0]
        in_time().fit(frame.iloc[train], np.sin(y[train]))
    with pytest.warns(UserWarning, match=DRAWN):
        in_time().fit(frame.iloc[::-1], y[::-1])


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(300),
        pd.Index(np.cumsum(np.random.default_rng(0).integers(1, 9, 300))),  # clock
        pd.date_range("2024-01-01", periods=300, freq="B"),
        pd.date_range("2024-01-01", periods=400, freq="h")[:300],
    ],
    ids=["rows", "clock", "business days", "hours"],
)
def test_tables_in_order_are_not_told(index):
    X, y = WALK[:-1], WALK[1:, 0]
    in_time().fit(pd.DataFrame(X, index, columns=["u"]), y)
    in_time().fit(np.round(X), np.round(np.roll(y, -5)))  # equal by chance, at times
    for train, _ in TimeSeriesSplit(3).split(X):
        in_time().fit(X[train], y[train])
    for train, _ in KFold(4).split(X):  # one hole is not seen
        in_time().fit(X[train], y[train])


def test_dates_of_a_panel_run_back_between_its_sequences_only():
    days = pd.date_range("2024-01-01", periods=100)
    X = pd.DataFrame(WALK[:200], [*days, *days], columns=["u"])
    X["store"] = np.repeat([0, 1], 100)
    y = WALK[1:201, 0]
    model = in_time(sequence_column="store").fit(X, y)
    with pytest.warns(UserWarning, match=DRAWN):
        model.fit(X.iloc[[*range(99, -1, -1), *range(100, 200)]], y)


def test_dates_that_stand_still_or_a_history_that_runs_back_are_told():
    X, y = pd.DataFrame(WALK[:20], columns=["u"]), WALK[1:21, 0]
    days = pd.date_range("2024-01-01", periods=20)
    for index in (days[::-1], days.to_period()[::-1], days.repeat(2)[:20]):
        with pytest.warns(UserWarning, match=f"{DRAWN}.*name the sequence_column"):
            in_time().fit(X.set_axis(index), y)
    model = in_time().fit(X.set_axis(days), y)
    with pytest.warns(UserWarning, match=DRAWN):
        model.forecast(X.set_axis(days[::-1]), 2)


# --------------------------------------------------- rows that do not follow fit's
NO_FOLLOWERS = "but the row behind those of fit would hold their last target"


def test_rows_that_do_not_follow_those_of_fit_are_told():
    X, y = WALK[:-1], WALK[1:, 0]
    model = in_time().fit(X[:200], y[:200])
    model.predict(X[200:])  # these do
    model.predict(X[200:201])
    model.predict(X[:200])  # those of fit start afresh
    state = model.warm_up(X[:210])
    model.predict(X[210:], state=state)
    with pytest.warns(UserWarning, match=NO_FOLLOWERS):
        model.predict(X[201:202])  # the second of rows that come one by one
    with pytest.warns(UserWarning, match=NO_FOLLOWERS):
        model.predict(X[210:])  # behind a gap
    with pytest.warns(UserWarning, match=NO_FOLLOWERS):
        model.predict(X[:50])
    model.set_params(carry_state=False).predict(X[210:])


def test_folds_that_lie_before_the_training_rows_are_told():
    X, y = WALK[:-1], WALK[1:, 0]
    cross_val_score(in_time(), X, y, cv=TimeSeriesSplit(4))
    with pytest.warns(UserWarning, match=NO_FOLLOWERS):
        cross_val_score(in_time(), X, y, cv=4)


def test_followers_in_panels_and_driven_models():
    X = np.column_stack([np.repeat([0, 1], 150), WALK[:300]])
    y = WALK[1:, 0]
    rows = np.r_[0:100, 150:250]
    model = in_time(sequence_column=0, target_columns=1).fit(X[rows], y[rows])
    later = np.r_[250:299, 100:149]
    model.predict(X[later])
    model.predict(np.insert(X[later], len(later), [7, 0.0], axis=0))  # a new sequence
    with pytest.warns(UserWarning, match=NO_FOLLOWERS):
        model.predict(X[np.r_[250:299, 101:149]])
    u = np.random.default_rng(0).standard_normal((100, 1))
    driven = in_time().fit(u[:50], filtered(u)[:50])
    driven.predict(u[70:])  # it cannot be seen


def test_the_column_is_named_where_it_has_a_name():
    X, y = pd.DataFrame({"store": 0, "sales": WALK[:-1, 0]}), WALK[1:, 0]
    model = in_time(sequence_column="store", target_columns="sales")
    model.fit(X[:200], y[:200])
    with pytest.warns(UserWarning, match=r"begins with \S+ in column 'sales', but"):
        model.predict(X[201:].reset_index(drop=True))
    model = in_time().fit(WALK[:200], y[:200])
    with pytest.warns(UserWarning, match=r"begins with \S+ in channel 0, but"):
        model.predict(WALK[201:])


# ------------------------------------------------ missing rows behind rows in pieces
NEW = pd.__version__ >= "2.2"  # which renamed two
FREQUENCIES = ["D", "MS", "h", "W", "ME" if NEW else "M", "B", "QS", "2D", "15min"]
SPACED = {
    freq: pd.date_range("2024-01-01", periods=60, freq=freq) for freq in FREQUENCIES
} | {
    "local days": pd.date_range("2024-02-20", periods=60, tz="Europe/Berlin"),
    "periods": pd.period_range("2020-01", periods=60, freq="M"),
    "every second period": pd.period_range("2020-01", periods=120, freq="M")[::2],
    "numbers": pd.Index(np.arange(5, 65)),
    "even numbers": pd.Index(np.arange(5, 125, 2)),
    "times": pd.to_timedelta(np.arange(60), "h"),
}
GAP = "rows are missing, and the model goes on"


def read_from_elsewhere(index):
    """The same labels, of which pandas does not know that they are regular."""
    return pd.Index(list(index))


def in_pieces(predict, X, size, state=None):
    """The state behind rows 30 to 39, read piece by piece."""
    for k in range(30, 40, size):
        _, state = predict(X[k : k + size], state=state, return_state=True)
    return state


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("kind", SPACED)
def test_a_gap_behind_rows_in_pieces_is_told(kind, size):
    X = pd.DataFrame({"u": WALK[:60, 0]}, read_from_elsewhere(SPACED[kind]))
    y = np.sin(WALK[:60, 0])
    model = in_time().fit(X[:30], y[:30])
    state = in_pieces(model.predict, X, size)
    model.predict(X[40:], state=state)
    with pytest.warns(UserWarning, match=GAP):
        model.predict(X[41:], state=state)
    with pytest.warns(UserWarning, match=GAP):
        model.predict(X[55:56], state=state)


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("kind", [kind for kind in SPACED if "numbers" not in kind])
def test_a_gap_in_one_sequence_of_a_panel_is_told(kind, size):
    index, y = SPACED[kind], np.sin(WALK[:120, 0])
    frames = [
        pd.DataFrame({"store": store, "u": WALK[:60, 0]}, read_from_elsewhere(index))
        for store in ("a", "b")
    ]
    model = in_time(sequence_column="store")
    model.fit(pd.concat([frame[:30] for frame in frames]), y[:60])
    state = None
    for frame in frames:  # of which the other one is kept
        state = in_pieces(model.predict, frame, size, state)
    model.predict(pd.concat([frame[40:] for frame in frames]), state=state)
    with pytest.warns(UserWarning, match=f"Sequence a of X .*{GAP}"):
        model.predict(pd.concat([frames[0][42:], frames[1][40:]]), state=state)


def test_each_sequence_has_a_spacing_of_its_own():
    frames = [
        pd.DataFrame({"store": kind, "u": WALK[:60, 0]}, read_from_elsewhere(index))
        for kind, index in SPACED.items()
        if kind in ("D", "MS", "15min")
    ]
    model = in_time(sequence_column="store")
    model.fit(pd.concat([X[:30] for X in frames]), np.sin(WALK[:90, 0]))
    state = in_pieces(model.predict, frames[1], 1)
    state = in_pieces(model.predict, frames[0], 1, state)
    model.predict(pd.concat([X[40:41] for X in frames[:2]]), state=state)
    for X in frames[:2]:
        with pytest.warns(UserWarning, match=GAP):
            model.predict(X[41:42], state=state)


def test_a_gap_before_what_is_known_of_the_future_is_told():
    index = read_from_elsewhere(SPACED["MS"])
    X = pd.DataFrame({"u": WALK[:60, 0], "v": WALK[60:120, 0]}, index)
    model = in_time(target_columns="u").fit(X[:30], WALK[1:31, 0])
    state = model.warm_up(X[:30])
    model.forecast(X[30:31], 3, X_future=X[["v"]][31:34], state=state)
    with pytest.warns(UserWarning, match=f"X_future begins.*{GAP}"):
        model.forecast(X[30:31], 3, X_future=X[["v"]][33:36], state=state)


def test_rows_of_no_known_spacing_are_not_told():
    """Of two dates nobody knows whether they are days apart, or business days."""
    index = read_from_elsewhere(SPACED["B"])
    X, y = pd.DataFrame({"u": WALK[:60, 0]}, index), np.sin(WALK[:60, 0])
    model = in_time().fit(X[:30], y[:30])
    model.predict(X[5:8], state=model.warm_up(X[3:5]))  # Thursday and Friday
    model.predict(X[8:9], state=model.warm_up(X[3:4]))


def test_holidays_of_a_calendar_outlive_single_rows():
    days = pd.bdate_range("2024-12-02", periods=60, freq="C", holidays=["2025-01-01"])
    X, y = pd.DataFrame({"u": WALK[:60, 0]}, days), np.sin(WALK[:60, 0])
    model = in_time().fit(X[:21], y[:21])
    row = X[21:22].set_axis(read_from_elsewhere(days[21:22]))
    _, state = model.predict(row, return_state=True)
    model.predict(X[22:], state=state)  # behind the 1st of January
    with pytest.warns(UserWarning, match=GAP):
        model.predict(X[23:])
