"""The picture of a training."""

import numpy as np
import pytest
from estimators import make
from helpers import optional
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn.inspection import LossCurveDisplay

mpl = optional("matplotlib")

mpl.use("Agg")


@pytest.fixture(autouse=True)
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 8))
    return X, X[:, -2] + 0.5 * rng.standard_normal(60)


@pytest.fixture(scope="module")
def validated():
    params = {"early_stopping": True, "n_init": 3, "tol": 0, "max_iter": 25}
    return make("RNNRegressor", **params).fit(*data())


def test_the_iteration_of_the_lowest_validation_loss_is_marked(validated):
    display = LossCurveDisplay.from_estimator(validated)
    (name,) = display.lines_
    assert name == "RNNRegressor" and display.ax_.get_yscale() == "log"
    losses = display.lines_[name].get_ydata(), display.validation_lines_[name]
    assert np.array_equal(losses[0], validated.loss_curve_)
    assert np.array_equal(losses[1].get_ydata(), validated.validation_loss_curve_)
    best = np.argmin(validated.validation_loss_curve_)
    assert 0 < best + 1 < len(losses[0])  # neither the first nor the last
    (kept,), (loss,) = display.marks_[name].get_data()
    assert (kept, loss) == (best + 1, validated.validation_loss_curve_[best])
    ends = set(zip(*display.restart_marks_[name].get_data(), strict=True))
    others = [one for one in validated.restarts_ if not one["kept"]]
    assert ends == {(one["n_iter"], one["validation_loss"]) for one in others}


def test_without_validation_it_is_the_lowest_training_loss():
    model = make("GRURegressor").fit(*data())
    pipeline = make_pipeline(StandardScaler(), model).fit(*data())
    display = LossCurveDisplay.from_estimator(pipeline, scale="linear", name="one")
    curve = pipeline[-1].loss_curve_
    assert display.marks_["one"].get_xdata()[0] == np.argmin(curve) + 1
    assert not display.validation_lines_ and not display.restart_marks_
    assert display.ax_.get_yscale() == "linear"
    assert len(display.ax_.lines) == 2


def test_several_estimators_have_names_and_colours(validated):
    other = make("RNNRegressor").fit(*data())
    display = LossCurveDisplay.from_estimator([validated, other])
    assert list(display.lines_) == ["RNNRegressor 0", "RNNRegressor 1"]
    display = LossCurveDisplay.from_estimator({"a": validated, "b": other})
    colors = {line.get_color() for line in display.lines_.values()}
    assert list(display.lines_) == ["a", "b"] and len(colors) == 2
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels.count("parameters kept") == 1 and "b, training" in labels


def test_curves_that_are_there():
    display = LossCurveDisplay.from_predictions([3.0, np.inf, 1.0], [2.0, 1.0, 3.0])
    assert np.isnan(display.lines_["loss"].get_ydata()[1]) and not display.marks_
    display = LossCurveDisplay.from_predictions([3.0], kept=1, color="red")
    assert display.lines_["loss"].get_color() == "red"
    assert display.lines_["loss"].get_marker() == "."


def test_what_has_no_curve_is_refused_by_name(validated):
    X, y = data()
    linear = make("AutoRegressor").fit(X, y)
    with pytest.raises(TypeError, match="linear has no loss curve: AutoRegressor"):
        LossCurveDisplay.from_estimator({"rnn": validated, "linear": linear})
    with pytest.raises(ValueError, match="estimator holds no estimator"):
        LossCurveDisplay.from_estimator([])
    with pytest.raises(ValueError, match="name='a' is for a single estimator"):
        LossCurveDisplay.from_estimator([validated], name="a")
    with pytest.raises(ValueError, match="scale must be 'log' or 'linear'; got 'sq'"):
        LossCurveDisplay.from_estimator(validated, scale="sq")
    make_curve = LossCurveDisplay.from_predictions
    with pytest.raises(ValueError, match=r"validation_loss has 1 iteration\(s\), los"):
        make_curve([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="kept=3, but there are iterations 0 to 2"):
        make_curve([1.0, 2.0], kept=3)
    with pytest.raises(ValueError, match="loss must hold one number for each"):
        make_curve([[1.0]])
