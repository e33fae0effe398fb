"""The picture of the gradient flow."""

import sys

import numpy as np
import pytest
from estimators import make
from flow_reference import fitted, records
from helpers import optional

from sk_rnn.inspection import GradientFlowDisplay, gradient_flow

mpl = optional("matplotlib")

mpl.use("Agg")


# ----------------------------------------------------------------------------- pictures
@pytest.fixture
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.fixture(scope="module")
def models():
    X, y = records((12, 8))
    return X, y, [fitted(name, X, y) for name in ("simple-tanh", "lstm")]


def test_display_draws_one_line(pyplot, models):
    X, y, (model, _) = models
    display = GradientFlowDisplay.from_estimator(model, X, y, color="red")
    flow = gradient_flow(model, X, y)
    assert display.figure_ is display.ax_.figure
    assert display.ax_.get_yscale() == "log"
    assert display.line_ in display.ax_.lines
    assert display.line_.get_color() == "red"
    assert display.line_.get_label() == f"RNNRegressor, gamma = {flow.gamma[0]:.3g}"
    assert np.array_equal(display.line_.get_ydata(), flow.delta_norm[0])
    assert np.array_equal(display.line_.get_xdata(), flow.distance)


def test_two_models_in_one_picture(pyplot, models):
    X, _, (simple, lstm) = models
    first = GradientFlowDisplay.from_estimator(simple, X, name="simple")
    second = GradientFlowDisplay.from_estimator(
        *(lstm, X), ax=first.ax_, name="LSTM", quantity="state", layer=-1
    )
    assert second.ax_ is first.ax_ and len(first.ax_.lines) == 2
    labels = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert [label.partition(",")[0] for label in labels] == ["simple", "LSTM"]
    flow = second.flow
    assert np.array_equal(second.line_.get_ydata(), flow.state_norm[-1])
    assert f"{flow.state_gamma[-1]:.3g}" in labels[1]


def test_a_display_can_be_drawn_again(pyplot, models):
    X, _, (model, _) = models
    display = GradientFlowDisplay(gradient_flow(model, X), name="one")
    assert display.plot() is display
    first = display.ax_
    display.plot(name="other")
    assert display.ax_ is not first
    assert display.line_.get_label().startswith("other, gamma = ")
    display.plot(label="mine")
    assert display.line_.get_label() == "mine"


def test_zeros_are_not_drawn(pyplot):
    X, y = records((12, 9))
    model = fitted("tdnn", X, y)
    display = GradientFlowDisplay.from_estimator(model, X)
    assert np.isfinite(display.line_.get_ydata()).sum() == 2
    assert display.line_.get_label() == "TDNNRegressor"  # there is no gamma to tell
    display.figure_.canvas.draw()


def test_display_refuses_what_is_not_there(pyplot, models):
    X, _, (model, _) = models
    display = GradientFlowDisplay(gradient_flow(model, X))
    with pytest.raises(ValueError, match="quantity"):
        display.plot(quantity="gamma")
    for layer in (2, 0.0, "hidden0"):
        with pytest.raises(ValueError, match=f"layer={layer!r}, but an index of"):
            display.plot(layer=layer)


def test_a_distance_that_stands_alone_is_seen(pyplot):
    X = np.random.default_rng(0).standard_normal((20, 6))
    model = make("TDNNRegressor").fit(X, X[:, 0])
    display = GradientFlowDisplay.from_estimator(model, X)
    assert np.count_nonzero(np.isfinite(display.line_.get_ydata())) == 1
    assert display.line_.get_marker() == "o"
    assert display.plot(marker="s").line_.get_marker() == "s"


def test_without_matplotlib_the_error_names_the_extra(monkeypatch, models):
    X, _, (model, _) = models
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # it is not there
    with pytest.raises(ImportError, match=r"sk_rnn\[plot\]"):
        GradientFlowDisplay.from_estimator(model, X)


def test_a_flat_line_has_few_ticks_and_a_whole_label(pyplot):
    flow = gradient_flow(*_integrator(), max_distance=10)
    display = GradientFlowDisplay(flow, name="one").plot(quantity="state")
    norm = display.line_.get_ydata()
    assert norm.max() < 1.5 * norm.min()  # less than a decade
    display.figure_.canvas.draw()
    axis = display.ax_.yaxis
    assert not any(text.get_text() for text in axis.get_minorticklabels())
    low, high = display.ax_.get_ylim()
    assert np.floor(np.log10(high)) > np.ceil(np.log10(low)) and low < norm.min()
    assert np.log10(high / low) <= 2 and high > norm.max()
    assert axis.label.get_window_extent().x0 >= 0
    # A second line widens the axis again.
    flow.state_norm = 1e-7 * flow.state_norm
    GradientFlowDisplay(flow).plot(display.ax_, quantity="state")
    assert display.ax_.get_ylim()[0] < 1e-7


def _integrator():
    X = np.random.default_rng(0).standard_normal((20, 15))
    model = make("RNNRegressor", recurrence="integrator").fit(X, X[:, 0])
    return model, X


def test_axes_are_counted_and_known(pyplot, models):
    X, _, (model, _) = models
    display = GradientFlowDisplay(gradient_flow(model, X))
    with pytest.raises(ValueError, match="ax holds 2 Axes, but 1 panel"):
        display.plot(pyplot.subplots(2)[1])
    with pytest.raises(TypeError, match="ax must be matplotlib Axes"):
        display.plot("left")
