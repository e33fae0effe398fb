"""Frames of pandas, polars and pyarrow are one; what is no number is named."""

import datetime

import numpy as np
import pytest
from estimators import NAMES, filtered, make
from helpers import optional

from sk_rnn.model_selection import backtest

pd = optional("pandas")

RNG = np.random.default_rng(0)
U = RNG.standard_normal((40, 2))
Y = filtered(U)
IDS = np.repeat(["north", "south"], 20)
TABLE = {"u": U[:, 0], "site": IDS, "v": U[:, 1]}
WHEN = np.arange("2024-01-01", "2024-02-10", dtype="datetime64[D]")
WHEN = WHEN.astype("datetime64[us]")


class Pandas:
    frame, series = pd.DataFrame, pd.Series


class Polars:
    @staticmethod
    def frame(columns):
        return pytest.importorskip("polars").DataFrame(columns)

    @staticmethod
    def series(values):
        return pytest.importorskip("polars").Series(values)


class Arrow:
    @staticmethod
    def frame(columns):
        return pytest.importorskip("pyarrow").table(columns)

    @staticmethod
    def series(values):
        pa = pytest.importorskip("pyarrow")
        return pa.chunked_array([pa.array(values[:3]), pa.array(values[3:])])


LIBRARIES = {"pandas": Pandas, "polars": Polars, "pyarrow": Arrow}
each = pytest.mark.parametrize("name", NAMES)
others = pytest.mark.parametrize("library", [Polars, Arrow])
libraries = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)

#: name: (hyper-parameters, columns to fit, those that follow them)
TABLES = {
    "one sequence": ({}, {"u": U[:, 0], "v": U[:, 1]}),
    "by name": ({"sequence_column": "site"}, TABLE),
    "by position": ({"sequence_column": -2}, TABLE),
    "numbers and dates": (
        *({"sequence_column": 1}, TABLE | {"site": np.repeat(WHEN[[4, 2]], 20)}),
    ),
}


@each
@others
@pytest.mark.parametrize("case", TABLES)
def test_tables(name, library, case):
    params, columns = TABLES[case]
    expected = make(name, lags=True, time_axis=0, **params)
    expected.fit(Pandas.frame(columns), Y)
    model = make(name, lags=True, time_axis=0, **params)
    model.fit(library.frame(columns), library.series(Y))
    assert np.array_equal(model._theta, expected._theta)
    assert list(model.feature_names_in_) == list(columns)
    assert model.n_features_in_ == len(columns)
    assert model.score(library.frame(columns), Y) == expected.score(
        Pandas.frame(columns), Y
    )
    # Rows that follow go on from the same state, whatever frame they come in.
    new = {key: values[30:] for key, values in columns.items()}
    after = expected.predict(Pandas.frame(new))
    assert np.array_equal(model.predict(library.frame(new)), after)
    assert np.array_equal(model.predict(Pandas.frame(new)), after)
    swapped = {key: new[key] for key in reversed(new)}
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(library.frame(swapped))


@each
@others
def test_rows_and_weights(name, library):
    X = {f"c{k}": RNG.standard_normal(12).astype(np.float32) for k in range(4)}
    y, weight = RNG.standard_normal((12, 2)), RNG.integers(1, 4, 12).astype(float)
    targets = {"p": y[:, 0], "q": y[:, 1]}
    expected = make(name).fit(Pandas.frame(X), Pandas.frame(targets), weight)
    model = make(name)
    model.fit(library.frame(X), library.frame(targets), library.series(weight))
    assert np.array_equal(model._theta, expected._theta)
    assert list(model.feature_names_in_) == list(X)
    y_pred = model.predict(library.frame(X))
    assert y_pred.dtype == np.float32
    assert np.array_equal(y_pred, expected.predict(Pandas.frame(X)))


@each
@others
def test_lists(name, library):
    lengths = [20, 20, 8]  # two of a length, which look like a regular nested list
    parts = [RNG.standard_normal((n, 2)) for n in lengths]
    targets = [filtered(part) for part in parts]

    def frames(make_frame, n):
        return [make_frame({"u": u[:, 0], "v": u[:, 1]}) for u in parts[:n]]

    for n in (2, 3):
        expected = make(name, lags=True)
        expected.fit(frames(Pandas.frame, n), targets[:n])
        model, X = make(name, lags=True), frames(library.frame, n)
        model.fit(X, [library.series(part) for part in targets[:n]])
        assert np.array_equal(model._theta, expected._theta)
        assert list(model.feature_names_in_) == ["u", "v"]
        after = expected.predict(frames(Pandas.frame, n))
        for one, two in zip(model.predict(X), after, strict=True):
            assert np.array_equal(one, two)
    X[1] = library.frame({"v": U[:20, 0], "u": U[:20, 1]})
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X)


# ------------------------------------------------------------- what is no number
IN_TIME = {"time_axis": 0}
DATES = "of X holds dates. Turn them into numbers, such as the hour .* the index"
TEXT = "could not convert string to float.* holds text, such as 'a': encode it"

#: name: (hyper-parameters, columns of X, what the message says)
COLUMNS = {
    "dates": (IN_TIME, {"u": U[:, 0], "when": WHEN}, f"Column 'when' {DATES}"),
    "dates alone": (IN_TIME, {"when": WHEN}, f"Column 'when' {DATES}"),
    "dates in rows": ({}, {"u": U[:, 0], "when": WHEN}, f"Column 'when' {DATES}"),
    "dates in a table of records": (
        *(IN_TIME | {"sequence_column": "site"}, TABLE | {"when": WHEN}),
        f"Column 'when' {DATES}",
    ),
    "time differences": (
        *(IN_TIME, {"u": U[:, 0], "age": WHEN - WHEN[0]}),
        "Column 'age' of X holds time differences",
    ),
    "text": (
        *(IN_TIME, {"u": U[:, 0], "kind": ["1", "a"] * 20}),
        "could not convert string to float: 'a'.*Column 'kind' of X holds text, such "
        "as 'a': encode it as numbers first",
    ),
    "text in rows": ({}, {"u": U[:, 0], "kind": ["a", "b"] * 20}, TEXT),
    "text in a table of records": (
        *(IN_TIME | {"sequence_column": "site"}, TABLE | {"kind": ["a"] * 40}),
        "Column 'kind' of X.*such as 'a'",
    ),
    "sequence column that is missing": (
        *(IN_TIME | {"sequence_column": "run"}, TABLE),
        r"sequence_column='run' is not a column of X, which has \['u', 'site', 'v'\]",
    ),
    "position that is missing": (
        *(IN_TIME | {"sequence_column": 3}, TABLE),
        "sequence_column=3 is out of range for X with 3 columns",
    ),
    "missing identifiers": (
        *(IN_TIME | {"sequence_column": "site"}, TABLE | {"site": ["a"] * 39 + [None]}),
        "sequence column contains",
    ),
    "missing values": (IN_TIME, {"u": [None, *U[1:, 0]]}, "Input X contains NaN"),
}


def refused(message, fit, *data, **params):
    model = make("AutoRegressor", n_lags=1, **params)
    before = dict(model.__dict__)
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}"):
        getattr(model, fit)(*data)
    assert model.__dict__ == before


@libraries
@pytest.mark.parametrize("case", COLUMNS)
def test_columns_that_are_no_numbers(library, case):
    params, columns, message = COLUMNS[case]
    refused(message, "fit", library.frame(columns), Y, **params)


@libraries
def test_targets_that_are_no_numbers(library):
    X = U[:, :1]
    text = library.series(["a", "b"] * 20)
    refused(r"string to float.*\. y holds text, such as 'a'", "fit", X, text)
    refused("^y holds dates", "fit", X, library.series(WHEN))
    frame = library.frame({"p": Y, "q": ["a", "b"] * 20})
    refused("Column 'q' of y holds text, such as 'a'", "fit", X, frame)
    records = [library.frame({"u": U[:, 0], "kind": ["a", "b"] * 20})] * 2
    refused(r"Column 'kind' of X\[0\] holds text", "fit", records, [Y, Y])
    refused(r"\. y\[1\] holds text", "fit", [U, U], [Y, text])


@libraries
def test_a_series_is_no_table(library):
    message = (
        "Expected 2D array, got 1D array instead: X is a series of 40 values. Reshape "
        r"your data: with time_axis=0 .* X\[:, None\] or X.to_frame\(\); .* windows"
    )
    for params in ({}, IN_TIME):
        refused(message, "fit", library.series(Y), Y, **params)
        refused(message, "fit", Y, Y, **params)
        refused(message, "fit", Y.tolist(), Y, **params)
    model = make("AutoRegressor", n_lags=1, time_axis=0).fit(U[:, :1], Y)
    with pytest.raises(ValueError, match=message):
        model.predict(library.series(Y))


@pytest.mark.parametrize(
    "values",
    [
        pd.date_range("2024-01-01", periods=40, tz="UTC"),
        pd.period_range("2024-01-01", periods=40, freq="D"),
        pd.Series([datetime.date(2024, 1, 1)] * 40),
    ],
)
def test_dates_of_any_kind(values):
    frame = pd.DataFrame({"u": U[:, 0], "when": values})
    refused(f"Column 'when' {DATES}", "fit", frame, Y, time_axis=0)
    refused(f"Column 'when' {DATES}", "fit", frame[["when"]], Y, time_axis=0)
    refused("Column 0 of X holds dates", "fit", WHEN[:, None], Y, time_axis=0)


def test_arrays_of_text_and_objects():
    X = U.astype(object)
    X[3, 1] = "a"
    refused("string to float: 'a'. Column 1 of X holds text", "fit", X, Y)
    X[3, 1] = {}
    refused("Column 1 of X holds a value of type dict", "fit", X, Y)
    X = pd.DataFrame({"u": U[:, 0], "kind": pd.Categorical(["a", "b"] * 20)})
    refused("Column 'kind' of X holds text, such as 'a'", "fit", X, Y)


def test_numbers_that_are_objects_are_numbers():
    X = U.astype(object)
    model = make("AutoRegressor").fit(X, Y)
    assert np.array_equal(model.coef_, make("AutoRegressor").fit(U, Y).coef_)


def test_a_lazy_frame():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"u": U[:, 0]}).lazy()
    refused(r"LazyFrame.*X\.collect\(\)", "fit", frame, Y, time_axis=0)


def test_dates_that_name_sequences_are_the_same_in_any_unit():
    days = np.repeat(WHEN[[4, 2]], 20)
    model = make("AutoRegressor", time_axis=0, sequence_column=1, n_lags=2)
    model.fit(pd.DataFrame({"u": U[:, 0], "day": days.astype("M8[s]")}), Y)
    new = {"u": U[:20, 0], "day": days[:20].astype("M8[ns]")}
    after = model.predict(pd.DataFrame(new), state=model._end)
    assert np.array_equal(model.predict(pd.DataFrame(new)), after)
    state = model.predict(pd.DataFrame(new), return_state=True)[1]
    assert sorted(state.n_steps) == [20, 40]


@others
def test_forecasts_of_other_frames(library):
    columns = {"u": U[:, 0], "v": U[:, 1]}
    before = {name: column[:-1] for name, column in columns.items()}
    model = make("AutoRegressor", n_lags=1, time_axis=0).fit(U[:-1], U[1:])
    expected, X = model.forecast(U, 3), library.frame(columns)
    model.fit(library.frame(before), U[1:])
    assert np.array_equal(model.forecast(X, 3), expected)
    with pytest.raises(TypeError, match="to_pandas"):
        model.forecast(X, 3, as_frame=True)
    with pytest.raises(TypeError, match="to_pandas"):
        backtest(model, X, Y, horizon=2)
