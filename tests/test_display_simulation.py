"""The picture of a simulation."""

import numpy as np
import pytest
from estimators import filtered, make
from helpers import optional
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn.inspection import SimulationDisplay

mpl = optional("matplotlib")
pd = optional("pandas")

mpl.use("Agg")


@pytest.fixture(autouse=True)
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def table(n=60):
    u = np.random.default_rng(0).standard_normal((n, 1))
    y = filtered(u)
    index = pd.date_range("2000", periods=n, freq="D")
    X = pd.DataFrame(u, columns=["flow"], index=index)
    return X, pd.DataFrame({"level": y, "twice": -2 * y}, index=index)


def narx(**params):
    return make("NARXRegressor", n_input_lags=1, time_axis=0, **params)


def test_lines_are_those_of_predict_and_predict_ahead():
    X, y = table()
    model = narx(washout=5).fit(X[:40], y[:40])
    display = SimulationDisplay.from_estimator(model, X[40:], y[40:], horizon=2)
    y_pred = model.predict(X[40:])
    ahead = model.predict_ahead(X[40:], y[40:], 2, state=model.warm_up(X[:40], y[:40]))
    true = y[40:].to_numpy()
    assert len(display.axes_) == 2
    for k, name in enumerate(y.columns):
        panel = display.axes_[k]
        assert panel.get_ylabel() == name
        assert np.array_equal(display.true_lines_[k].get_ydata(), true[:, k])
        assert np.array_equal(display.lines_[k].get_ydata(), y_pred[:, k])
        assert np.allclose(display.ahead_lines_[k].get_ydata(), ahead[:, k])
        assert np.array_equal(display.lines_[k].get_xdata(), X.index[40:].to_numpy())
        error = (y_pred - true)[5:, k]
        rmse = np.sqrt(np.mean(error**2))
        nrmse = rmse / true[5:, k].std()
        assert panel.get_title() == f"RMSE {rmse:.3g}, NRMSE {nrmse:.3g}"
    (shade,) = display.ax_.patches
    left, right = mpl.dates.date2num(X.index[[40, 44]])
    box = shade.get_extents().transformed(display.ax_.transData.inverted())
    assert (box.x0, box.x1) == pytest.approx((left, right))
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [
        *("washout", "measured"),
        *("NARXRegressor, 2 step(s) ahead", "NARXRegressor, simulated"),
    ]


def test_one_of_several_sequences_behind_a_pipeline():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"u": rng.standard_normal(50), "id": np.repeat([0, 1], 25)})
    frame.index = [*range(25), *range(25)]
    y = np.concatenate([filtered(frame[["u"]].to_numpy()[k : k + 25]) for k in (0, 25)])
    model = make("GRURegressor", time_axis=0, sequence_column="id", washout=3)
    model.fit(frame, y)
    display = SimulationDisplay.from_estimator(model, frame, y, sequence=-1)
    assert np.array_equal(display.true_lines_[0].get_ydata(), y[25:])
    assert np.array_equal(display.lines_[0].get_ydata(), model.predict(frame)[25:])
    assert display.lines_[0].get_xdata().tolist() == list(range(25))
    X, y = table()
    pipeline = make_pipeline(StandardScaler(), narx()).fit(X, y["level"])
    display = SimulationDisplay.from_estimator(pipeline, X, y["level"], name="one")
    assert np.array_equal(display.lines_[0].get_ydata(), pipeline.predict(X))
    assert display.lines_[0].get_label() == "one, simulated"
    assert not display.ahead_lines_ and not display.ax_.patches


def test_numbers_that_are_there():
    true = [1.0, np.nan, 3.0, 4.0]
    display = SimulationDisplay.from_predictions(
        *(true, [1.0, 2.0, 3.0, 6.0]), washout=1, color="red"
    )
    assert display.rmse_ == pytest.approx(np.sqrt(2))
    assert display.nrmse_ == pytest.approx(np.sqrt(2) / 0.5)
    assert display.lines_[0].get_color() == "red"
    assert display.ax_.get_xlabel() == "step"
    other = SimulationDisplay.from_predictions(
        *(true, np.ones(4)), name="b", show_measured=False, ax=display.ax_
    )
    assert len(display.ax_.lines) == 3 and not other.true_lines_
    constant = SimulationDisplay.from_predictions([2.0], [3.0])
    assert constant.ax_.get_title() == "RMSE 1"
    assert constant.lines_[0].get_marker() == "o"
    nothing = SimulationDisplay.from_predictions([2.0], [3.0], washout=1)
    assert nothing.ax_.get_title() == "no step counts"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_pred": [1.0]}, r"y_pred has 1 step\(s\), y_true 2"),
        ({"y_pred": np.ones((2, 3))}, r"y_pred has 3 output\(s\), but 1"),
        ({"y_ahead": [1.0, 2.0]}, "horizon is None"),
        ({"horizon": 1}, "y_ahead is None"),
        ({"washout": -1}, "washout=-1"),
        ({"y_true": "ab"}, "y_true must hold numbers"),
        ({"output_names": []}, "0 names are given for 1 output"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, message):
    arguments = {"y_true": [1.0, 2.0], "y_pred": [1.0, 2.0]} | change
    with pytest.raises(ValueError, match=message):
        SimulationDisplay.from_predictions(**arguments)


def test_models_that_cannot_be_shown():
    X = np.random.default_rng(0).standard_normal((20, 6))
    model = make("RNNRegressor").fit(X, X[:, 0])
    with pytest.raises(ValueError, match="y has one value per sequence"):
        SimulationDisplay.from_estimator(model, X, X[:, 0])
    y = -(X[:, :, None] ** 2)
    model.fit(X, y)
    with pytest.raises(ValueError, match="sequence=20, but an index of 20 sequence"):
        SimulationDisplay.from_estimator(model, X, y, sequence=20)
    with pytest.raises(TypeError, match="horizon=1 needs a NARXRegressor.*RNN"):
        SimulationDisplay.from_estimator(model, X, y, horizon=1)
