"""Attribution against differences of `predict`, torch, and linear models."""

import copy
import pickle
import sys

import numpy as np
import pytest
from estimators import NAMES, make
from helpers import assert_near, central_difference, optional
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import AutoRegressor, GRURegressor, LSTMRegressor, NARXRegressor
from sk_rnn.inspection import AttributionDisplay, attribution

mpl = optional("matplotlib")
pd = optional("pandas")

mpl.use("Agg")

each_estimator = pytest.mark.parametrize("name", NAMES)

STACKED = {
    "stacked GRU": make("GRURegressor", hidden_layer_sizes=(4, 3)),
    "stacked LSTM": make("LSTMRegressor", hidden_layer_sizes=(3, 4, 2)),
    "two delay lines": make(
        "TDNNRegressor", hidden_layer_sizes=(4, 3), n_lags=(2, 0, 1)
    ),
    "dropout": make(
        "RNNRegressor", hidden_layer_sizes=(4, 3), solver="adam", dropout=0.4
    ),
    "not standardised": make("GRURegressor", standardize=False),
}


def records(lengths=(9, 3, 5), n_outputs=2, seed=0):
    """Ragged records of two channels of different units, a target at every step."""
    rng = np.random.default_rng(seed)
    X = [rng.standard_normal((n, 2)) * [5, 0.2] + [3, -1] for n in lengths]
    scale = np.arange(1, n_outputs + 1) * 10
    y = [np.tanh(x.sum(axis=1, keepdims=True).cumsum(axis=0) / 5) * scale for x in X]
    return X, [part + 0.1 * rng.standard_normal(part.shape) for part in y]


def differences(predict, x, n_lags):
    """Of the last of the predictions, (n_outputs, n_lags, n_channels), newest first."""
    n_outputs = np.asarray(predict(x))[-1].size
    found = np.zeros((n_outputs, n_lags, x.shape[1]))
    n = min(n_lags, len(x))
    gradient = central_difference(
        lambda changed: np.atleast_1d(predict(changed)[-1]), x, 1e-4
    )
    found[:, :n] = gradient[:, ::-1][:, :n]
    return found


# --------------------------------------------------------- against differences, by hand
@each_estimator
def test_gradient_is_that_of_predict_for_ragged_records(name):
    X, y = records()
    model = make(name, lags=True).fit(X, y)
    found = attribution(model, X)
    desired = [differences(lambda x: model.predict([x])[0], x, 9) for x in X]
    assert_near(found, np.array(desired), 1e-6)


@pytest.mark.parametrize("name", STACKED)
def test_gradient_is_that_of_predict_for_deep_networks(name):
    X, y = records()
    model = copy.deepcopy(STACKED[name]).fit(X, y)
    before = pickle.dumps(model)
    found = attribution(model, X)
    assert pickle.dumps(model) == before  # nor was a number drawn
    desired = [differences(lambda x: model.predict([x])[0], x, 9) for x in X]
    assert_near(found, np.array(desired), 1e-6)


@each_estimator
def test_gradient_is_that_of_predict_for_rows(name):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 10)) * 4 + 1
    y = X[:, -2] + np.tanh(X[:, 3])
    model = make(name, n_channels=2).fit(X, y)

    def predict(x):
        return model.predict(x.reshape(1, -1))

    found = attribution(model, X[:3])
    desired = [differences(predict, x.reshape(5, 2), 5) for x in X[:3]]
    assert_near(found, np.array(desired), 1e-6)


@each_estimator
def test_targets_of_a_table_are_evenly_spaced_and_their_state_is_the_true_one(name):
    (table,), (y,) = records((46,))
    model = make(name, lags=True, time_axis=0).fit(table[:30], y[:30])
    X = table[30:]  # goes on behind the rows of fit
    found = attribution(model, X, n_lags=4, n_targets=3)
    assert found.shape == (3, 2, 4, 2)
    for part, t in zip(found, (7, 11, 15), strict=True):
        desired = differences(model.predict, X[: t + 1], 4)
        assert_near(part, desired, 1e-6)


def test_sequences_of_a_table_go_on_where_fit_left_them():
    (table,), (y,) = records((40,))
    ids = np.repeat([1.0, 2.0], 20)
    X = np.column_stack([table, ids])
    model = make("LSTMRegressor", time_axis=0, sequence_column=2).fit(X, y)
    new = np.column_stack([table[:12], np.repeat([2.0, 7.0], 6)])
    found = attribution(model, new)
    assert found.shape == (2, 2, 6, 2)
    for part, rows in zip(found, (new[:6], new[6:]), strict=True):

        def predict(x, one=rows[0, 2]):
            return model.predict(np.column_stack([x, np.full(len(x), one)]))

        assert_near(part, differences(predict, rows[:, :2], 6), 1e-6)


def test_gradients_of_the_most_targets_are_those_of_every_window():
    X, y = records((8, 2))
    model = make("GRURegressor").fit(X, y)
    found = attribution(model, X, n_lags=3, n_targets=100)
    assert len(found) == 6 + 1  # of the short record the last step alone
    for part, t in zip(found[:6], range(2, 8), strict=True):
        assert_near(part, attribution(model, [X[0][: t + 1]], n_lags=3)[0], 1e-12)
    assert not found[6, :, 2:].any() and found[6, :, :2].all()


@each_estimator
def test_fewer_lags_are_a_part_and_more_are_zero(name):
    X, y = records()
    model = make(name, lags=True).fit(X, y)
    whole = attribution(model, X)
    assert_near(attribution(model, X, n_lags=4), whole[:, :, :4], 1e-12)
    more = attribution(model, X, n_lags=12)
    assert_near(more[:, :, :9], whole, 1e-12)
    assert not more[:, :, 9:].any() and not whole[1, :, 3:].any()


# --------------------------------------------------------------- against other software
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear_models_have_their_coefficients(dtype):
    X, y = records((30, 20, 3))
    X, y = ([part.astype(dtype) for part in parts] for parts in (X, y))
    model = AutoRegressor(n_lags=2).fit(X, y)
    found = attribution(model, X, n_lags=5)
    assert found.dtype == float
    for part in found:
        lag_coef = part.swapaxes(0, 1)
        assert_near(lag_coef[:2], model.lag_coef_, 10 * np.finfo(dtype).eps)
        assert not lag_coef[2:].any()


def test_gradient_is_that_of_autograd():
    torch = pytest.importorskip("torch", reason="the live comparison needs torch")
    X, y = records((9,), n_outputs=1)
    model = LSTMRegressor(
        hidden_layer_sizes=5, max_iter=20, random_state=0, standardize=False
    ).fit(X, y)
    w = {name: torch.tensor(np.array(v)) for name, v in model.weights_.items()}
    x = torch.tensor(X[0], requires_grad=True)
    h, c = torch.zeros(5, dtype=float), torch.zeros(5, dtype=float)
    for x_t in x:
        z = x_t @ w["hidden0.weight_input"] + h @ w["hidden0.weight_recurrent"]
        o, i, f, g = (z + w["hidden0.bias"]).split(5)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    (h @ w["output.weight"] + w["output.bias"]).sum().backward()
    assert_near(attribution(model, X)[0, 0], x.grad.numpy()[::-1], 1e-12)


@pytest.mark.parametrize("name", ["LSTMRegressor", "NARXRegressor", "TDNNRegressor"])
def test_single_precision_is_computed_in_double(name):
    X, y = records()
    single = make(name, lags=True).fit([x.astype(np.float32) for x in X], y)
    assert single._theta.dtype == np.float32
    double = copy.deepcopy(single)
    double._theta = single._theta.astype(float)
    desired = [differences(lambda x: double.predict([x])[0], x, 9) for x in X]
    X = [np.asarray(x, np.float32) for x in X]
    assert_near(attribution(single, X), np.array(desired), 1e-5)


def test_a_free_run_that_is_held_depends_on_nothing():
    rng = np.random.default_rng(0)
    u = rng.standard_normal((60, 1))
    y = 1.01 ** np.arange(60) + 0.01 * u[:, 0]
    params = {"hidden_layer_sizes": (), "n_input_lags": 0, "n_output_lags": 1}
    model = NARXRegressor(time_axis=0, carry_state=False, **params).fit(u, y)
    model._theta = np.array([1.0, 40.0, 0.0])  # y_t = x_t + 40 y_{t-1}
    one = attribution(model, u[:5], n_lags=5)[0, 0, :, 0]
    assert_near(one / one[0], 40.0 ** np.arange(5), 1e-12)
    assert not attribution(model, u).any()


# ------------------------------------------------------------------------------- errors
def test_what_is_refused():
    X, y = records(n_outputs=1)
    model = make("GRURegressor")
    with pytest.raises(NotFittedError):
        attribution(model, X)
    model.fit(X, y)
    with pytest.raises(TypeError, match="its last step, with X as that step sees it"):
        attribution(make_pipeline(StandardScaler(), model), X)
    for params in ({"n_lags": 0}, {"n_lags": 2.0}, {"n_targets": 0}):
        with pytest.raises(ValueError, match="parameter of attribution must be"):
            attribution(model, X, **params)
    with pytest.raises(ValueError, match="n_targets=2 needs n_lags"):
        attribution(model, X, n_targets=2)
    with pytest.raises(ValueError, match="1 features, but GRU"):
        attribution(model, [x[:, :1] for x in X])
    model.fit(X, np.arange(3.0))
    with pytest.raises(ValueError, match="one target per sequence"):
        attribution(model, X, n_lags=2, n_targets=2)


# ----------------------------------------------------------------------------- pictures
@pytest.fixture
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_display_draws_a_line_for_each_channel(pyplot):
    (table,), (y,) = records((40,))
    frame = pd.DataFrame(table, columns=["heat", "flow"]).assign(unit="a")
    model = make("GRURegressor", time_axis=0, sequence_column="unit").fit(frame, y)
    options = {"n_lags": 6, "n_targets": 10}
    display = AttributionDisplay.from_estimator(
        *(model, frame), output=1, lw=3, **options
    )
    assert display.figure_ is display.ax_.figure
    assert [line.get_label() for line in display.lines_] == ["heat", "flow"]
    assert {line.get_linewidth() for line in display.lines_} == {3}
    assert display.ax_.get_ylabel() == "mean |dy / dx|, in standard deviations"
    found = np.abs(attribution(model, frame, **options)[:, 1]).mean(axis=0)
    for k, line in enumerate(display.lines_):
        assert line.get_xdata().tolist() == [0, 1, 2, 3, 4, 5]
        values = found[:, k] * table[:, k].std() / y[:, 1].std()
        np.testing.assert_allclose(line.get_ydata(), values)
    other = display.plot(display.ax_)
    assert other is display and len(display.ax_.lines) == 4
    display.figure_.canvas.draw()


def test_display_without_names_and_scales(pyplot):
    X, y = records()
    model = make("GRURegressor", standardize=False).fit(X, y)
    display = AttributionDisplay.from_estimator(model, X, n_lags=1)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["channel 0", "channel 1"]
    assert display.ax_.get_ylabel() == "mean |dy / dx|"
    assert display.lines_[0].get_marker() == "o"  # a point that stands alone is seen
    gradient = attribution(model, X, n_lags=1)
    assert display.lines_[1].get_ydata() == np.abs(gradient[:, 0, 0, 1]).mean()
    for output in (2, 0.0, "y"):
        with pytest.raises(ValueError, match=f"output={output!r}, but an index of 2"):
            display.plot(output=output)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # it is not there
    with pytest.raises(ImportError, match=r"AttributionDisplay needs.*sk_rnn\[plot\]"):
        AttributionDisplay.from_estimator(GRURegressor(), [[0.0]])
