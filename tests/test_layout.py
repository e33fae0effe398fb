"""The order of the columns of X: what is read in another order is the same model."""

import numpy as np
import pytest
from estimators import NAMES, filtered, make
from helpers import optional
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_rnn import AutoRegressor, TDNNRegressor
from sk_rnn.data._layout import lags_of

pd = optional("pandas")

RNG = np.random.default_rng(0)
CUBE = RNG.standard_normal((12, 5, 2))
PER_STEP = np.stack([filtered(u) for u in CUBE])
Y = PER_STEP[:, -1]
ORDERS = ["oldest_first", "newest_first"]
FORMATS = ["channels_last", "channels_first"]

each = pytest.mark.parametrize("name", NAMES)
each_order = pytest.mark.parametrize("lag_order", ORDERS)
each_format = pytest.mark.parametrize("data_format", FORMATS)


def columns(lag_order, data_format, n_steps=5, n_channels=2):
    """(step, channel) of each column of a row, written out by hand."""
    steps = list(range(n_steps))
    steps = steps if lag_order == "oldest_first" else steps[::-1]
    if data_format == "channels_last":
        return [(t, c) for t in steps for c in range(n_channels)]
    return [(t, c) for c in range(n_channels) for t in steps]


def rows(cube, lag_order, data_format):
    order = columns(lag_order, data_format, *cube.shape[1:])
    return np.stack([cube[:, t, c] for t, c in order], axis=1)


@each
@each_order
@each_format
@pytest.mark.parametrize("per_step", [False, True])
def test_rows_in_any_order_are_the_same_model(name, lag_order, data_format, per_step):
    y = PER_STEP[..., None] if per_step else Y
    expected = make(name, n_channels=2).fit(CUBE.reshape(12, 10), y)
    params = {"lag_order": lag_order, "data_format": data_format, "n_channels": 2}
    X = rows(CUBE, lag_order, data_format)
    model = make(name, **params).fit(X, y)
    assert np.array_equal(model._theta, expected._theta)
    assert np.array_equal(model.predict(X), expected.predict(CUBE.reshape(12, 10)))
    assert model.score(X, y) == expected.score(CUBE.reshape(12, 10), y)
    assert model.n_features_in_ == 10
    X.flags.writeable = False
    assert np.array_equal(model.predict(np.asfortranarray(X)), model.predict(X))
    assert np.array_equal(model.predict(X.tolist()), model.predict(X))


@each
@pytest.mark.parametrize("per_step", [False, True])
def test_channels_first_in_3d(name, per_step):
    y = PER_STEP[..., None] if per_step else Y
    expected = make(name).fit(CUBE, y)
    first = CUBE.transpose(0, 2, 1)
    model = make(name, data_format="channels_first").fit(first, y)
    assert model.n_features_in_ == expected.n_features_in_ == CUBE[0].size
    assert np.array_equal(
        model.predict(first.reshape(len(first), -1)), model.predict(first)
    )
    assert np.array_equal(model._theta, expected._theta)
    assert np.array_equal(model.predict(first), expected.predict(CUBE))
    with pytest.raises(ValueError, match="X has 5 channel.*2"):
        model.predict(CUBE)


def test_float32_and_one_of_everything():
    model = AutoRegressor(lag_order="newest_first", data_format="channels_first")
    X = rows(CUBE, "newest_first", "channels_first").astype(np.float32)
    model.set_params(n_channels=2).fit(X, Y)
    assert model.predict(X).dtype == np.float32
    one = model.set_params(n_channels=1).fit(X[:1, :1], Y[:1])
    np.testing.assert_allclose(one.predict(X[:1, :1]), Y[:1], rtol=1e-6)


def test_coefficients_are_those_of_lags():
    """What least squares on lag columns finds, lag 1 first."""
    series = np.zeros(80)
    for t in range(2, 80):
        series[t] = 1.2 * series[t - 1] - 0.5 * series[t - 2] + RNG.standard_normal()
    X = np.column_stack([series[2:-1], series[1:-2], series[:-3]])  # lags 1, 2, 3
    y = series[3:]
    design = np.column_stack([X, np.ones(len(X))])
    expected = np.linalg.lstsq(design, y, rcond=None)[0]
    model = AutoRegressor(lag_order="newest_first").fit(X, y)
    np.testing.assert_allclose(model.coef_.ravel(), expected[:-1], rtol=1e-9)
    forecast = model.forecast(X[-1:], 1)
    np.testing.assert_allclose(forecast.ravel(), model.predict(X[-1:]), rtol=1e-12)


#: name: (hyper-parameters, X, y, what the message says)
REFUSED = {
    "newest first, 3-D": (
        *({"lag_order": "newest_first"}, CUBE, Y),
        r"a 3-D X is in time order.*X\[:, ::-1\]",
    ),
    "newest first, list": (
        *({"lag_order": "newest_first"}, list(CUBE), Y),
        r"each record of a list is in time order.*\[x\[::-1\] for x in X\]",
    ),
    "newest first, table": (
        *({"lag_order": "newest_first", "time_axis": 0}, CUBE[0], PER_STEP[0]),
        r"a table \(time_axis=0\) is in time order.*X\[::-1\]",
    ),
    "channels first, list": (
        *({"data_format": "channels_first"}, list(CUBE), Y),
        r"data_format='channels_first' .* each record .*\[x.T for x in X\]",
    ),
    "channels first, table": (
        *({"data_format": "channels_first", "time_axis": 0}, CUBE[0], PER_STEP[0]),
        r"data_format='channels_first' .* a table .*X\.T",
    ),
    "channels of blocks": (
        *({"data_format": "channels_first", "n_channels": 3}, CUBE[..., 0], Y),
        "n_channels=3 does not divide the 5 columns",
    ),
    "another order": ({"lag_order": "newest"}, CUBE[..., 0], Y, "lag_order"),
    "another format": ({"data_format": "NCW"}, CUBE, Y, "data_format"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("name", ["AutoRegressor", "GRURegressor"])
def test_refused(name, case):
    params, X, y, message = REFUSED[case]
    model = make(name, lags=True, **params)
    before = dict(model.__dict__)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert model.__dict__ == before


#: names of columns: the hyper-parameters that they ask for
TOLD = {
    ("lag_1", "lag_2", "lag_3"): {"lag_order": "newest_first"},
    ("lag1", "lag2", "lag14"): {"lag_order": "newest_first"},
    ("lag_3", "lag_2", "lag_1"): {},
    ("target_lag-3", "target_lag-2"): {},
    ("y_lag_1", "y_lag_2"): {"lag_order": "newest_first"},
    ("sales_t-2", "sales_t-1", "sales_t"): {},
    ("x(t)", "x(t-1)"): {"lag_order": "newest_first"},
    ("y_lag2", "x_lag2", "y_lag1", "x_lag1"): {"n_channels": 2},
    ("y_lag1", "x_lag1", "y_lag2", "x_lag2"): {
        "n_channels": 2,
        "lag_order": "newest_first",
    },
    ("y_lag1", "y_lag2", "x_lag1", "x_lag2"): {
        "n_channels": 2,
        "lag_order": "newest_first",
        "data_format": "channels_first",
    },
    ("y(t-1)", "y(t)", "x(t-1)", "x(t)"): {
        "n_channels": 2,
        "data_format": "channels_first",
    },
    ("a_lag_1", "b_lag_1"): {"n_channels": 2},
    # They are no lags, or their order tells nothing: nothing is concluded.
    ("lag_1", "lag_3", "lag_2"): {},
    ("flag1", "flag2"): {},
    ("weight-1", "weight-2"): {},
    ("c1", "c2", "c3"): {},
    ("t", "u"): {},
    ("y_lag1", "y_lag2", "x_lag1"): {},
    ("y_lag1", "x_lag2", "y_lag2", "x_lag1"): {},
}


@pytest.mark.parametrize("names", TOLD)
def test_names_that_contradict_hyper_parameters(names):
    frame = pd.DataFrame(RNG.standard_normal((20, len(names))), columns=names)
    y, model = RNG.standard_normal(20), AutoRegressor()
    told = TOLD[names]
    if told:
        with pytest.raises(ValueError) as error:
            model.fit(frame, y)
        for key, value in told.items():
            assert f"{key}={value!r}" in str(error.value).partition("set ")[2]
        assert names[0] in str(error.value)
        assert not hasattr(model, "feature_names_in_")
        model.fit(frame.to_numpy(), y)  # without names nothing is known
    model.set_params(**told).fit(frame, y)
    expected = columns(
        model.lag_order, model.data_format, len(names) // model.n_channels,
        model.n_channels,
    )  # fmt: skip
    rows_of = model._read(frame).rows.reshape(20, -1, model.n_channels)
    for k, (t, c) in enumerate(expected):
        assert np.array_equal(rows_of[:, t, c], frame.to_numpy()[:, k])


def test_the_other_way_round():
    """Names that fall from left to right contradict "newest_first"."""
    frame = pd.DataFrame(CUBE[:, :3, 0], columns=["lag_3", "lag_2", "lag_1"])
    model = TDNNRegressor(lag_order="newest_first")
    with pytest.raises(ValueError, match="set lag_order='oldest_first'"):
        model.fit(frame, Y)
    frame = pd.DataFrame(
        CUBE.reshape(12, 10)[:, :4], columns=["y_lag2", "x_lag2", "y_lag1", "x_lag1"]
    )
    model = TDNNRegressor(n_channels=2, data_format="channels_first")
    with pytest.raises(ValueError, match="set data_format='channels_last'"):
        model.fit(frame, Y)


def test_lags_of():
    assert lags_of(None) is None
    assert lags_of(["y_lag_12", "Lag 3"]) == [("y", 12), ("", 3)]
    assert lags_of(["y.lag.1"]) is None
    assert lags_of(["lag_1", "lag_1"]) == [("", 1), ("", 1)]
    assert lags_of(["in [t-1]", "in [t]"]) == [("in", 1), ("in", 0)]


@parametrize_with_checks(
    [
        AutoRegressor(lag_order="newest_first"),
        AutoRegressor(data_format="channels_first"),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
