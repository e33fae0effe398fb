"""The picture of the hidden units."""

import numpy as np
import pytest
from estimators import filtered, forms, make
from helpers import optional
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn.inspection import HiddenStateDisplay

mpl = optional("matplotlib")
pd = optional("pandas")

mpl.use("Agg")


@pytest.fixture(autouse=True)
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def predicted(model, states):
    """What the output layer makes of the last hidden one."""
    weights, scaler = model.weights_, model._y_scaler
    rows = list(states.values())[-1] @ weights["output.weight"]
    return scaler.inverse_transform(rows + weights["output.bias"])


NAMES = [
    *("RNNRegressor", "GRURegressor", "LSTMRegressor"),
    *("TDNNRegressor", "NARXRegressor"),
]


@pytest.mark.parametrize("form", ["array, y per step", "list, y per step", "table"])
@pytest.mark.parametrize("name", NAMES)
def test_the_output_layer_makes_the_predictions_of_them(name, form):
    X, y, params = forms()[form]
    model = make(name, **{"hidden_layer_sizes": (4, 3)} | params).fit(X, y)
    sequence = 0 if form == "table" else 2
    display = HiddenStateDisplay.from_estimator(model, X, sequence=sequence)
    assert list(display.states) == ["hidden0", "hidden1"]
    assert [part.shape[1] for part in display.states.values()] == [4, 3]
    y_pred = model.predict(X)
    y_pred = y_pred if form == "table" else y_pred[sequence]
    found = predicted(model, display.states)
    assert np.allclose(found, np.reshape(y_pred, found.shape), rtol=1e-10, atol=1e-12)


def test_the_first_layer_is_the_plain_recurrence():
    X, y, _ = forms()["array, y per step"]
    model = make("RNNRegressor").fit(X, y)
    display = HiddenStateDisplay.from_estimator(model, X, sequence=-1, kind="heatmap")
    w, h = model.weights_, np.zeros(4)
    z = (X[-1] - X.mean(axis=(0, 1))) / X.std(axis=(0, 1))
    expected = []
    for row in z:
        z_t = row @ w["hidden0.weight_input"] + h @ w["hidden0.weight_recurrent"]
        h = np.tanh(z_t + w["hidden0.bias"])
        expected.append(h)
    assert np.allclose(display.states["hidden0"], expected)
    mesh = display.heatmaps_["hidden0"]
    assert np.array_equal(mesh.get_array(), display.states["hidden0"].T)
    low, high = mesh.get_clim()
    assert high == -low == abs(display.states["hidden0"]).max()
    assert display.ax_.get_ylim() == (-0.5, 3.5)
    assert display.ax_.get_xlim() == (-0.5, 5.5)


def test_dates_pipelines_skip_and_dropout():
    u = np.random.default_rng(0).standard_normal((30, 1))
    X = pd.DataFrame(u, columns=["u"], index=pd.date_range("2000", periods=30))
    y = filtered(u)
    params = {"skip": "linear", "dropout": 0.3, "solver": "adam", "time_axis": 0}
    model = make("GRURegressor", hidden_layer_sizes=(8, 2), **params)
    scaler = StandardScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaler, model).fit(X, y)
    display = HiddenStateDisplay.from_estimator(pipeline, X)
    assert list(display.heatmaps_) == ["hidden0"] and list(display.lines_) == [
        "hidden1"
    ]
    lines = display.lines_["hidden1"]
    assert [line.get_label() for line in lines] == ["unit 0", "unit 1"]
    assert np.array_equal(lines[1].get_ydata(), display.states["hidden1"][:, 1])
    assert np.array_equal(lines[0].get_xdata(), X.index.to_numpy())
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == ["hidden0, 8 unit(s)", "hidden1, 2 unit(s)"]
    assert len(display.plot(layer=-1, kind="lines").axes_) == 1
    assert list(display.lines_) == ["hidden1"]


@pytest.mark.parametrize("kind", ["lines", "heatmap"])
def test_a_single_step_is_seen(kind):
    X = np.random.default_rng(0).standard_normal((20, 1))
    model = make("LSTMRegressor")
    display = HiddenStateDisplay.from_estimator(
        model.fit(X, X[:, 0] ** 2), X, kind=kind
    )
    assert display.states["hidden0"].shape == (1, 4)
    if kind == "lines":
        assert display.lines_["hidden0"][0].get_marker() == "o"
    display.figure_.canvas.draw()
    single = HiddenStateDisplay(display.states, time=np.array(["2000"], "M8[D]"))
    single.plot(kind=kind).figure_.canvas.draw()


def test_what_cannot_be_shown_is_refused_by_name():
    X, y, _ = forms()["array, y per step"]
    show = HiddenStateDisplay.from_estimator
    with pytest.raises(TypeError, match="HiddenStateDisplay needs a network.*AutoR"):
        show(make("AutoRegressor").fit(X, y), X)
    linear = make("TDNNRegressor", hidden_layer_sizes=()).fit(X, y)
    with pytest.raises(ValueError, match="no hidden layer"):
        show(linear, X)
    several = make("RNNRegressor", n_init=2, n_ensemble=2).fit(X, y)
    with pytest.raises(ValueError, match="HiddenStateDisplay looks into one network"):
        show(several, X)
    model = make("RNNRegressor").fit(X, y)
    with pytest.raises(ValueError, match="sequence=12, but an index of 12 sequence"):
        show(model, X, sequence=12)
    with pytest.raises(ValueError, match="layer=1, but an index of 1 hidden layer"):
        show(model, X, layer=1)
    with pytest.raises(ValueError, match="kind must be one of .* got 'map'"):
        show(model, X, kind="map")
