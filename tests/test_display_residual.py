"""The picture of residuals, and the numbers in it."""

import numpy as np
import pytest
from estimators import forms, make
from helpers import optional
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn import NARXRegressor
from sk_rnn.inspection import ResidualDisplay
from sk_rnn.inspection._correlation import correlation, ljung_box

mpl = optional("matplotlib")
pd = optional("pandas")

mpl.use("Agg")


@pytest.fixture(autouse=True)
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


WAVY = np.sin(np.arange(80.0) ** 2)

#: What statsmodels 0.15.0 makes of it:
#: acorr_ljungbox(np.sin(np.arange(80.0) ** 2), lags=[5, 12]) and acf(..., nlags=3).
LJUNG_BOX = {
    5: (1.1668906973272242, 0.9480140413030881),
    12: (2.07580581298796, 0.9992804995401431),
}
ACF = [1.0, -0.06992984521489247, -0.027761445705280927, 0.03001584051610776]


def test_a_series_has_the_numbers_of_statsmodels():
    for n_lags, expected in LJUNG_BOX.items():
        found = ljung_box(*correlation([WAVY], [WAVY], n_lags))
        assert found == pytest.approx(expected, rel=1e-9)
    r, n_pairs = correlation([WAVY], [WAVY], 3)
    assert r == pytest.approx(ACF, rel=1e-9)
    assert n_pairs.tolist() == [80, 79, 78, 77]


def test_sequences_are_not_joined_and_gaps_are_in_no_pair():
    rng = np.random.default_rng(0)
    parts = [rng.standard_normal(n) for n in (5, 9, 1)]
    values = np.concatenate(parts)
    d = [part - values.mean() for part in parts]
    r, n_pairs = correlation(parts, parts, 6)
    for k in range(7):
        expected = sum(one[t] * one[t - k] for one in d for t in range(k, len(one)))
        assert r[k] == pytest.approx(expected / sum(one @ one for one in d))
    assert n_pairs.tolist() == [15, 12, 10, 8, 6, 4, 3]
    # What is missing does as the end of a sequence does.
    whole = np.concatenate([parts[0], [np.nan] * 6, parts[1], [np.nan] * 6, parts[2]])
    gaps = correlation([whole], [whole], 6)
    assert np.allclose(gaps[0], r) and np.array_equal(gaps[1], n_pairs)


def test_inputs_are_earlier_by_the_lag():
    u = np.random.default_rng(0).standard_normal(500)
    delayed = np.concatenate([np.zeros(3), u[:-3]])
    r, _ = correlation([delayed], [u], 5)
    assert r.argmax() == 3 and r[3] > 0.99


def test_panels_show_what_they_say():
    rng = np.random.default_rng(1)
    y = [rng.standard_normal((n, 2)) for n in (30, 20)]
    pred = [0.5 * part for part in y]
    X = [rng.standard_normal((n, 3)) for n in (30, 20)]
    display = ResidualDisplay.from_predictions(y, pred, X, output=1, n_lags=7)
    e = [0.5 * part[:, 1] for part in y]
    in_time, auto, cross, histogram = display.axes_
    # The line is broken where a sequence ends.
    line = in_time.lines[1].get_ydata()
    assert np.flatnonzero(np.isnan(line)).tolist() == [30]
    assert np.array_equal(line[~np.isnan(line)], np.concatenate(e))
    assert in_time.get_ylabel() == "residual of output 1"
    r, n_pairs = correlation(e, e, 7)
    assert np.array_equal(auto.lines[-1].get_ydata(), r[1:])
    statistic, p = ljung_box(r, n_pairs)
    assert display.ljung_box_ == (statistic, p)
    assert auto.get_title() == f"Ljung-Box Q(7) = {statistic:.3g}, p = {p:.2g}"
    assert display.band_ == pytest.approx(1.959964 / np.sqrt(50), rel=1e-6)
    band = auto.patches[0].get_extents().transformed(auto.transData.inverted())
    assert band.y0 == pytest.approx(-display.band_)
    assert len(cross.lines) == 1 + 3 and display.cross_correlation_.shape == (3, 8)
    expected = correlation(e, [x[:, 2] for x in X], 7)[0]
    assert np.array_equal(cross.lines[-1].get_ydata(), expected)
    area = sum(bar.get_height() * bar.get_width() for bar in histogram.patches)
    assert area == pytest.approx(1)
    assert histogram.lines[0].get_label() == "normal density"


def test_residuals_are_those_of_score():
    X, y, params = forms()["table"]
    names = ["a", "b"]
    X = pd.DataFrame(X, columns=names, index=pd.date_range("2000", periods=len(X)))
    y = pd.Series(y, name="level")
    model = make("NARXRegressor", washout=4, **params).fit(X, y)
    display = ResidualDisplay.from_estimator(model, X, y)
    expected = y.to_numpy() - model.predict(X)
    assert np.array_equal(display.residuals[0][:, 0], expected[4:])
    line = display.axes_[0].lines[1]
    assert np.array_equal(line.get_xdata(), X.index[4:].to_numpy())
    assert [line.get_label() for line in display.axes_[2].lines[1:]] == names
    assert display.axes_[0].get_ylabel() == "residual of level"
    ahead = ResidualDisplay.from_estimator(model, X, y, horizon=1, kinds="time")
    expected = y.to_numpy() - model.predict_ahead(X, y)
    assert np.array_equal(ahead.residuals[0][:, 0], expected[4:])
    assert len(ahead.axes_) == 1


def test_pipelines_and_transformed_targets_in_units_of_y():
    X, y, params = forms()["table"]
    inner = make("NARXRegressor", **params)
    model = make_pipeline(StandardScaler(), inner)
    model = TransformedTargetRegressor(model, transformer=StandardScaler()).fit(X, y)
    display = ResidualDisplay.from_estimator(model, X, y)
    assert np.allclose(display.residuals[0][:, 0], y - model.predict(X), atol=1e-12)
    ahead = ResidualDisplay.from_estimator(model, X, y, horizon=10**6)
    assert np.allclose(ahead.residuals[0], display.residuals[0], atol=1e-9)


#: Single targets of sequences, or of the rows of a table, are one series in time.
N_SERIES = {"rows": 1, "array": 1, "list": 1, "table": 1, "table of records": 3}


@pytest.mark.parametrize("form", list(forms()))
def test_every_form_of_data(form):
    X, y, params = forms()[form]
    model = make("GRURegressor", **params).fit(X, y)
    display = ResidualDisplay.from_estimator(model, X, y)
    if not isinstance(y, list) and y.ndim == 1:
        expected = y - model.predict(X)
        assert np.array_equal(np.concatenate(display.residuals)[:, 0], expected)
    is_per_step = "per step" in form
    assert len(display.residuals) == (len(X) if is_per_step else N_SERIES[form])


def test_missing_targets_constant_residuals_and_estimated_states():
    rng = np.random.default_rng(0)
    y = np.where(np.arange(30) == 7, np.nan, rng.standard_normal(30))
    display = ResidualDisplay.from_predictions(y, np.zeros(30))
    assert np.isnan(display.residuals[0]).sum() == 1
    assert display.band_ == pytest.approx(1.959964 / np.sqrt(29), rel=1e-6)
    display = ResidualDisplay.from_predictions(np.full(9, 0.1), np.zeros(9))
    assert np.isnan(display.ljung_box_).all()
    display.figure_.canvas.draw()
    X = [rng.standard_normal((40, 1)) for _ in range(3)]
    y = [np.cumsum(x[:, 0]) for x in X]
    params = {"initial_state": "estimated", "washout": 5}
    model = make("RNNRegressor", **params).fit(X, y)
    display = ResidualDisplay.from_estimator(model, X, y)  # without a warning
    start = [part[:5] for part in y]
    expected = y[1] - model.predict(X, y_start=start)[1]
    assert np.allclose(display.residuals[1][:, 0], expected[5:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_pred": [1.0, 2.0]}, r"y_pred must hold sequences of 4 step\(s\); got"),
        ({"y_pred": np.ones((4, 2))}, r"y_pred has 2 column\(s\), but 1 were expected"),
        ({"X": np.ones(3)}, "X must hold sequences of"),
        ({"output": 1}, "output=1, but an index of 1 output"),
        ({"n_lags": 0}, "n_lags"),
        ({"n_lags": 4}, r"n_lags=4, but the longest sequence has 4 step\(s\)"),
        ({"kinds": ["spectrum"]}, "kinds must be some of .* got .'spectrum'."),
        ({"kinds": "cross_correlation"}, "no inputs X are known"),
        ({"y_true": [1.0], "y_pred": [1.0]}, "there is nothing to correlate"),
        ({"y_true": [np.nan] * 4}, r"0 residual\(s\) are known"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, message):
    arguments = {"y_true": [1.0, 2.0, 4.0, 3.0], "y_pred": np.zeros(4)} | change
    with pytest.raises(ValueError, match=message):
        ResidualDisplay.from_predictions(**arguments)


def test_a_washout_or_a_horizon_that_cannot_be():
    X, y, params = forms()["table"]
    model = make("GRURegressor", **params).fit(X, y)
    with pytest.raises(TypeError, match="horizon=2 needs a NARXRegressor.*GRU"):
        ResidualDisplay.from_estimator(model, X, y, horizon=2)
    model = NARXRegressor(n_input_lags=1, time_axis=0, washout=10, max_iter=20, tol=0.1)
    model.fit(X, y)
    with pytest.raises(ValueError, match="washout=10 leaves no residual"):
        ResidualDisplay.from_estimator(model, X[:10], y[:10], state=model.warm_up(X, y))
