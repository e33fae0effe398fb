"""What all pictures share."""

import sys

import numpy as np
import pytest
from estimators import make
from helpers import optional

from sk_rnn import inspection
from sk_rnn.inspection import (
    ForecastDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    ResidualDisplay,
    SimulationDisplay,
)

mpl = optional("matplotlib")
pd = optional("pandas")

mpl.use("Agg")


@pytest.fixture(autouse=True)
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


DISPLAYS = [name for name in inspection.__all__ if name.endswith("Display")]


@pytest.mark.parametrize("name", DISPLAYS)
def test_without_matplotlib_the_error_names_the_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # it is not there
    display = getattr(inspection, name)
    arguments = [None] * (1 if name == "LossCurveDisplay" else 2)
    arguments += [3] * (name in ("ForecastDisplay", "ResidualDisplay"))
    arguments += [None] * (name == "SimulationDisplay")
    with pytest.raises(ImportError, match=rf"{name} needs matplotlib.*sk_rnn\[plot\]"):
        display.from_estimator(*arguments)


@pytest.mark.parametrize("prepare", ["float32", "read-only", "strided", "frame"])
def test_arrays_of_all_kinds(prepare):
    u = np.random.default_rng(0).standard_normal((30, 2))
    if prepare == "float32":
        u = u.astype(np.float32)
    elif prepare == "read-only":
        u.flags.writeable = False
    elif prepare == "strided":
        u = np.repeat(u, 2, axis=1)[:, ::2]
    elif prepare == "frame":
        u = pd.DataFrame(u, columns=["a", "b"])
    y = -(np.asarray(u)[:, 0] ** 2)
    gru = make("GRURegressor", time_axis=0).fit(u, y)
    expected = gru.predict(u)
    simulation = SimulationDisplay.from_estimator(gru, u, y)
    assert np.array_equal(simulation.lines_[0].get_ydata(), expected)
    residual = ResidualDisplay.from_estimator(gru, u, y)
    assert np.allclose(residual.residuals[0][:, 0], y - expected)
    hidden = HiddenStateDisplay.from_estimator(gru, u)
    assert hidden.states["hidden0"].shape == (30, 4)
    ar = make("AutoRegressor", time_axis=0, n_lags=1).fit(u[:-1], np.asarray(u)[1:])
    forecast = ForecastDisplay.from_estimator(ar, u, 3, color="red")
    assert np.array_equal(forecast.history_lines_[1].get_ydata(), np.asarray(u)[:, 1])
    assert forecast.forecast_lines_[1].get_color() == "red"
    for display in (simulation, residual, hidden, forecast):
        display.figure_.canvas.draw()


def test_nothing_is_cut_off():
    rng = np.random.default_rng(0)
    y, t = rng.standard_normal((2, 60)) * 1e-5 + 1e3, np.arange(60)
    displays = [
        ForecastDisplay.from_predictions(y[0], y[1], output_names=["a long name, m/s"]),
        LossCurveDisplay.from_predictions(np.exp(-t / 1e3)),
        ResidualDisplay.from_predictions(y[0], y[1], y[0]),
        SimulationDisplay.from_predictions(y[0], y[1], washout=5),
        HiddenStateDisplay({"hidden0": rng.standard_normal((60, 20))}).plot(),
    ]
    for display in displays:
        display.figure_.canvas.draw()
        width, height = display.figure_.canvas.get_width_height()
        for ax in display.figure_.axes:
            box = ax.get_tightbbox()
            assert box.x0 >= 0 and box.y0 >= 0, display
            assert box.x1 <= width and box.y1 <= height, display


def test_a_second_model_goes_into_the_same_panels(pyplot):
    y = np.random.default_rng(0).standard_normal((2, 10, 2))
    first = SimulationDisplay.from_predictions(*y, name="a")
    second = SimulationDisplay.from_predictions(
        *y[::-1], name="b", show_measured=False, ax=first.axes_
    )
    assert second.figure_ is first.figure_ and len(first.ax_.lines) == 3
    colors = {line.get_color() for line in first.ax_.lines}
    assert len(colors) == 3
    short = SimulationDisplay.from_predictions(
        *y, c="red", ls=":"
    )  # matplotlib's names
    assert (short.lines_[0].get_color(), short.lines_[0].get_linestyle()) == (
        "red",
        ":",
    )
    with pytest.raises(ValueError, match="ax holds 1 Axes, but 2 panel"):
        SimulationDisplay.from_predictions(*y, ax=first.ax_)
    with pytest.raises(TypeError, match="ax must be matplotlib Axes"):
        ResidualDisplay.from_predictions(y[0], y[1], ax=3)
