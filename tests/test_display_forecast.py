"""The picture of a forecast."""

import numpy as np
import pytest
from helpers import optional
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sk_rnn
from sk_rnn import AutoRegressor
from sk_rnn.datasets import load_air_passengers
from sk_rnn.inspection import ForecastDisplay

mpl = optional("matplotlib")
pd = optional("pandas")

mpl.use("Agg")


@pytest.fixture(autouse=True)
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def series(n=60, n_outputs=1):
    rng = np.random.default_rng(0)
    return np.cumsum(rng.standard_normal((n, n_outputs)), axis=0)


def fitted(X, **params):
    model = AutoRegressor(n_lags=2, time_axis=0, **params)
    return model.fit(X[:-1], np.asarray(X)[1:])


def test_lines_and_bands_are_those_of_forecast():
    X, later = series(), series(8)
    model = fitted(X)
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    display = ForecastDisplay.from_estimator(
        model, X, 8, y_true=later, quantiles=quantiles, n_history=20
    )
    y, bands = model.forecast(X, 8, quantiles=quantiles)
    history, forecast = display.history_lines_[0], display.forecast_lines_[0]
    assert np.array_equal(history.get_ydata(), X[-20:, 0])
    assert np.array_equal(history.get_xdata(), np.arange(-19, 1))
    assert np.array_equal(forecast.get_ydata(), y[:, 0])
    assert np.array_equal(forecast.get_xdata(), np.arange(1, 9))
    assert np.array_equal(display.true_lines_[0].get_ydata(), later[:, 0])
    cutoff = display.ax_.lines[1]
    assert cutoff.get_xdata()[0] == 0
    labels = [band.get_label() for band in display.bands_]
    assert labels == ["5 % to 95 %", "25 % to 75 %"]
    for k, band in enumerate(display.bands_):
        vertices = band.get_paths()[0].vertices[:, 1]
        assert vertices.min() == bands[:, 0, [k, -1 - k]].min()
        assert vertices.max() == bands[:, 0, [k, -1 - k]].max()
    assert np.array_equal(display.ax_.lines[3].get_ydata(), bands[:, 0, 2])  # a median
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert "AutoRegressor" in texts and "what came" in texts


def test_the_index_goes_on_behind_a_pipeline():
    passengers = load_air_passengers().data
    index = pd.date_range("1949-01", periods=len(passengers), freq="MS")
    frame = pd.DataFrame({"passengers": np.ravel(passengers)}, index=index)
    model = AutoRegressor(n_lags=13, time_axis=0)
    model = make_pipeline(StandardScaler().set_output(transform="pandas"), model)
    model.fit(frame[:-1], frame["passengers"].to_numpy()[1:])
    display = ForecastDisplay.from_estimator(model, frame, 12, random_state=0)
    (line,) = display.forecast_lines_
    expected = sk_rnn.forecast(model, frame, 12, as_frame=True)
    assert np.array_equal(line.get_xdata(), expected.index.to_numpy())
    assert np.array_equal(line.get_ydata(), expected["passengers"])
    assert line.get_label() == "AutoRegressor"
    assert np.array_equal(display.history_lines_[0].get_xdata(), index.to_numpy())
    assert display.ax_.get_ylabel() == "passengers"
    assert display.ax_.get_xlabel() == ""  # dates tell themselves
    display.figure_.canvas.draw()


def test_periods_and_an_index_without_frequency():
    X = series(30)
    periods = pd.DataFrame(X, index=pd.period_range("2000Q1", periods=30, freq="Q"))
    display = ForecastDisplay.from_estimator(
        fitted(X), periods.set_axis(["y"], axis=1).to_numpy(), 3
    )
    assert display.forecast_lines_[0].get_xdata().tolist() == [1, 2, 3]
    model = AutoRegressor(n_lags=2, time_axis=0).fit(
        periods.set_axis(["y"], axis=1)[:-1], X[1:, 0]
    )
    display = ForecastDisplay.from_estimator(
        model, periods.set_axis(["y"], axis=1), 3, quantiles=None
    )
    first = display.forecast_lines_[0].get_xdata()[0]
    assert first == np.datetime64("2007-07-01") and not display.bands_
    uneven = periods.set_axis(["y"], axis=1).set_axis(np.arange(30.0) ** 2)
    later = pd.Series([1.0, 2.0, 3.0], index=[900.0, 901.0, 902.0])
    for y_true, expected in ((None, [1, 2, 3]), (later, [900, 901, 902])):
        display = ForecastDisplay.from_estimator(model, uneven, 3, y_true=y_true)
        assert display.forecast_lines_[0].get_xdata().tolist() == expected


def test_a_panel_for_each_output_and_one_sequence_of_many():
    X = [series(n, 2) for n in (30, 20)]
    model = AutoRegressor(n_lags=2).fit([x[:-1] for x in X], [x[1:] for x in X])
    display = ForecastDisplay.from_estimator(model, X, 4, sequence=1)
    assert len(display.axes_) == len(display.forecast_lines_) == 2
    expected = model.forecast(X, 4)[1]
    for k, line in enumerate(display.forecast_lines_):
        assert np.array_equal(line.get_ydata(), expected[:, k])
        assert np.array_equal(display.history_lines_[k].get_ydata(), X[1][:, k])
    assert [ax.get_ylabel() for ax in display.axes_] == ["output 0", "output 1"]
    with pytest.raises(ValueError, match="sequence=2, but an index of 2 sequence"):
        ForecastDisplay.from_estimator(model, X, 4, sequence=2)


@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
def test_windows_and_known_inputs(order):
    long = series(40)[:, 0]
    X = np.lib.stride_tricks.sliding_window_view(long, 5)
    rows = X[:, ::-1] if order == "newest_first" else X
    model = AutoRegressor(lag_order=order).fit(rows[:-1], long[5:])
    display = ForecastDisplay.from_estimator(model, rows, 3, sequence=-1)
    assert np.array_equal(display.history_lines_[0].get_ydata(), long[-5:])
    table = np.column_stack([np.arange(40.0), long])
    model = AutoRegressor(n_lags=2, time_axis=0, target_columns=1)
    model.fit(table[:-1], long[1:])
    display = ForecastDisplay.from_estimator(model, table, 3, [[40.0], [41.0]])
    assert np.array_equal(display.history_lines_[0].get_ydata(), long)


def test_a_sequence_of_a_panel_in_a_table():
    frame = pd.DataFrame({"shop": np.repeat(["a", "b"], 20), "y": series(40)[:, 0]})
    model = AutoRegressor(n_lags=2, time_axis=0, sequence_column="shop")
    model.fit(frame, np.roll(frame["y"], -1))
    display = ForecastDisplay.from_estimator(
        model, frame, 3, sequence=1, target_columns="y"
    )
    assert np.array_equal(display.history_lines_[0].get_ydata(), frame["y"][20:])
    expected = model.forecast(frame, 3)[1]
    assert np.array_equal(display.forecast_lines_[0].get_ydata(), expected)


def test_numbers_that_are_there():
    history = pd.Series(range(5), index=pd.date_range("2000", periods=5))
    display = ForecastDisplay.from_predictions(
        *(history, [5, 6]),
        quantile_forecast=[[4, 6], [4, 8]],
        quantiles=[0.1, 0.9],
        color="red",
    )
    assert display.forecast_lines_[0].get_xdata()[0] == np.datetime64("2000-01-06")
    assert display.forecast_lines_[0].get_color() == "red"
    assert display.forecast_lines_[0].get_label() == "forecast"
    again = ForecastDisplay.from_predictions(
        history, [5], name="other", show_history=False, ax=display.ax_
    )
    assert again.forecast_lines_[0].get_marker() == "o" and not again.history_lines_
    assert len(display.ax_.lines) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"history": "abc"}, "history must hold numbers"),
        ({"history": np.ones((2, 2, 2))}, r"history must be an array \(n_steps,\)"),
        ({"forecast": np.ones((2, 2))}, r"forecast has 2 output\(s\), but 1"),
        ({"forecast": []}, "forecast must be an array"),
        ({"y_true": [1.0]}, r"y_true has 1 step\(s\), the forecast 2"),
        ({"quantiles": [0.5]}, "quantile_forecast is None"),
        ({"quantile_forecast": [[1.0]]}, "quantiles is None"),
        (
            {"quantiles": [0.5], "quantile_forecast": np.ones((3, 1))},
            r"must have shape \(2, 1, 1\); got \(3, 1\)",
        ),
        ({"n_history": 0}, "n_history"),
        ({"output_names": ["a", "b"]}, r"2 names are given for 1 output"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, message):
    arguments = {"history": [1.0, 2.0], "forecast": [3.0, 4.0]} | change
    with pytest.raises(ValueError, match=message):
        ForecastDisplay.from_predictions(**arguments)
