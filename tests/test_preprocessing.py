"""Windows, judged by loops over steps; transformers, judged by the stacked table."""

import pickle

import numpy as np
import pytest
from estimators import NAMES, make
from helpers import optional
from sklearn.base import TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    StandardScaler,
)
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_rnn import AutoRegressor
from sk_rnn.data._arrays import boxed
from sk_rnn.preprocessing import ChannelTransformer, make_windows

pd, pl = optional("pandas"), optional("polars")


def table_of(n, n_channels=2, seed=0):
    return np.random.default_rng(seed).standard_normal((n, n_channels))


# ----------------------------------------------------------------------------- windows
def windows_by_hand(sequences, n_steps, horizons, stride=1):
    """Windows and targets (n, n_horizons, ...), step by step."""
    X, y = [], []
    for sequence in sequences:
        for t in range(0, len(sequence), stride):
            last = t + n_steps - 1
            if last + max(horizons) < len(sequence):
                X.append([sequence[t + k] for k in range(n_steps)])
                y.append([sequence[last + h] for h in horizons])
    return np.array(X), np.array(y)


@pytest.mark.parametrize("horizon", [1, 3, (1,), (1, 2, 3), range(2, 4), (4, 1)])
@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("n_steps", [1, 4])
@pytest.mark.parametrize("lengths", [(12,), (8, 15, 9)])
def test_windows_are_those_of_a_loop(lengths, n_steps, stride, horizon):
    horizons = np.atleast_1d(horizon)
    sequences = [table_of(n, seed=n) for n in lengths]
    X_hand, y_hand = windows_by_hand(sequences, n_steps, horizons, stride)
    options = {"n_steps": n_steps, "horizon": horizon, "stride": stride}

    X, y = make_windows(sequences, **options)
    assert np.array_equal(X, X_hand)
    # Horizon by horizon: all channels at the first one, then at the next.
    assert np.array_equal(y, np.concatenate(list(np.moveaxis(y_hand, 1, 0)), axis=1))

    series = [sequence[:, 0] for sequence in sequences]
    X, y = make_windows(series, **options)
    assert np.array_equal(X, X_hand[..., 0])
    flat = y_hand[:, 0, 0] if np.ndim(horizon) == 0 else y_hand[..., 0]
    assert np.array_equal(y, flat) and y.shape == flat.shape


def test_every_form_gives_the_same_windows():
    sequences = [table_of(9, seed=k) for k in range(3)]
    options = {"n_steps": 3, "horizon": (1, 2)}
    X, y = make_windows(sequences, **options)
    table, groups = np.concatenate(sequences), np.repeat(["b", "a", "c"], 9)
    frames = [pd.DataFrame(part, columns=["u", "v"]) for part in sequences]
    for form, more in [
        (np.stack(sequences), {}),
        (np.stack(sequences).tolist(), {}),
        (tuple(sequences), {}),
        (boxed(sequences), {}),
        (frames, {}),
        (table, {"groups": groups}),
        (table.tolist(), {"groups": groups.tolist()}),
        (pd.DataFrame(table), {"groups": pd.Series(groups, dtype="category")}),
        (np.asfortranarray(table), {"groups": groups}),
    ]:
        X_same, y_same = make_windows(form, **options, **more)
        assert np.array_equal(X, X_same) and np.array_equal(y, y_same)
    series = make_windows(table[:, 0], **options, groups=groups)
    lists = [part[:, 0].tolist() for part in sequences[:2]] + [[1.0] * 5]
    assert np.array_equal(series[0], X[..., 0]) and np.array_equal(series[1], y[:, ::2])
    assert make_windows(lists, 3)[0].shape == (14, 3)
    X, y = make_windows(sequences[0][:, 0].tolist(), 3)
    assert np.array_equal(make_windows(pd.Series(sequences[0][:, 0]), 3)[0], X)


@pytest.mark.parametrize(
    "target_columns, positions",
    [
        ("v", 1),
        (1, 1),
        (-1, 2),
        (["v"], [1]),
        (["w", "u"], [2, 0]),
        ((2, "u"), [2, 0]),
        (np.array([2, 0]), [2, 0]),
        (pd.Index(["w", "u"]), [2, 0]),
        (None, [0, 1, 2]),
    ],
)
def test_target_columns(target_columns, positions):
    frame = pd.DataFrame(table_of(10, 3), columns=["u", "v", "w"])
    X, y = make_windows(frame, 4, target_columns=target_columns)
    assert X.shape == (6, 4, 3)
    assert np.array_equal(y, frame.to_numpy()[4:, positions])
    several = make_windows([frame, frame], 4, (1, 2), target_columns=target_columns)[1]
    ahead = [frame.to_numpy()[4 + k : 9 + k, positions] for k in range(2)]
    ahead = np.concatenate([part.reshape(5, -1) for part in ahead], axis=1)
    assert np.array_equal(several, np.concatenate([ahead, ahead]))


@pytest.mark.parametrize("n_channels", [None, 2])
def test_windows_of_one_sequence_are_a_read_only_view(n_channels):
    table = table_of(20, n_channels or 1)
    table = table if n_channels else table[:, 0]
    X, y = make_windows(table, 5, stride=3)
    assert np.shares_memory(X, table) and not X.flags.writeable
    assert not np.shares_memory(y, table)
    y[:] = 0
    assert table[5:].all()
    X, _ = make_windows([table, table], 5)
    assert not np.shares_memory(X, table)


def test_windows_keep_dtype_and_missing_values():
    series = np.arange(8, dtype=np.float32)
    series[3] = np.nan
    series.flags.writeable = False
    X, y = make_windows(series, 2)
    assert X.dtype == y.dtype == np.float32 and np.isnan(y).sum() == 1
    assert np.isnan(X).sum() == 2
    nullable = pd.DataFrame({"u": pd.array([1, 2, None, 4], dtype="Int64")})
    assert np.isnan(make_windows(nullable, 1)[1]).sum() == 1


def test_one_window():
    X, y = make_windows([[1.0], [2.0]], 1, stride=7)
    assert X.tolist() == [[[1.0]]] and y.tolist() == [[2.0]]


@pytest.mark.parametrize("name", NAMES)
def test_estimators_read_windows_as_meant(name):
    """x_t is 0.9 x_{t-1} - 0.8 x_{t-2}: the newest value is the last of a window."""
    x = np.array([1.0, 0.5] + [0.0] * 48)
    for t in range(2, 50):
        x[t] = 0.9 * x[t - 1] - 0.8 * x[t - 2]
    X, y = make_windows(x, 2)
    assert np.allclose(LinearRegression().fit(X, y).coef_, [-0.8, 0.9])
    model = make(name, max_iter=200) if name != "AutoRegressor" else make(name)
    assert model.fit(X, y).score(X, y) > 0.99
    if name == "AutoRegressor":
        assert np.allclose(model.forecast(X[-1:], 3)[0, 0], y[-1])
    X, y = make_windows(np.column_stack([x, -x]), 3, horizon=(1, 2), target_columns=0)
    assert model.fit(X, y).predict(X).shape == y.shape


def test_direct_forecasts_match_recursive_ones_of_a_linear_series():
    x = np.array([1.0, 0.5] + [0.0] * 48)
    for t in range(2, 50):
        x[t] = 0.9 * x[t - 1] - 0.8 * x[t - 2]
    X, y = make_windows(x, 4, horizon=range(1, 4))
    direct = LinearRegression().fit(X, y).predict(X[-1:])
    recursive = AutoRegressor().fit(X, y[:, 0]).forecast(X[-1:], 3)
    assert np.allclose(direct, recursive, atol=1e-3)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"n_steps": 0}, "n_steps"),
        ({"n_steps": 1.5}, "n_steps"),
        ({"stride": 0}, "stride"),
        ({"horizon": 0}, "horizon"),
        ({"horizon": (0, 1)}, "horizon=.0, 1. reaches back"),
        ({"horizon": ()}, "horizon must be an int or a sequence"),
        ({"horizon": (1.5,)}, "horizon must be an int or a sequence"),
        ({"n_steps": 10}, r"X has 10 step\(s\).*n_steps \+ max\(horizon\) = 11"),
        ({"horizon": (1, 8)}, "X has 10 .* = 11"),
        ({"X": [table_of(9), table_of(3)]}, r"Sequence 1 \(from 0\) has 3 step"),
        ({"groups": np.repeat([0, 1], [7, 3])}, "Sequence 1 .* has 3 step"),
        ({"groups": [0, 0, 0, 0, 1, 1, 1, 1, 0, 0]}, "groups returns to 0 at row 8"),
        ({"groups": [None] * 5 + [1] * 5}, "groups contains NaN"),
        ({"groups": [0] * 9}, "inconsistent numbers of samples"),
        ({"X": [table_of(9)], "groups": [0] * 9}, "several sequences already"),
        ({"X": [table_of(9), table_of(9, 3)]}, r"X\[0\] is of shape \(9, 2\)"),
        ({"X": [table_of(9), table_of(9)[:, 0]]}, "differ in their channels"),
        (
            {"X": [pd.DataFrame(table_of(9), columns=list(c)) for c in ("uv", "vu")]},
            "names of their columns",
        ),
        ({"X": np.zeros((2, 9, 2, 1))}, "X has 4 dimensions"),
        ({"X": [np.zeros((2, 9, 2))]}, r"X\[0\] has 3 dimensions"),
        ({"X": 3.0}, "at least 1 dimension"),
        ({"X": []}, "0 sample"),
        ({"X": ["a", "b", "c", "d", "e"]}, "could not convert|numeric"),
        ({"target_columns": "u"}, "target_columns='u' is not a column of X"),
        ({"target_columns": 2}, "target_columns=2 is out of range"),
        ({"target_columns": []}, "must name different columns"),
        ({"target_columns": [True, False]}, "positions of columns; got True"),
        ({"target_columns": [0.5]}, "positions of columns; got 0.5"),
        ({"X": np.arange(9), "target_columns": 0}, "X is 1-D and has no columns"),
    ],
    ids=str,
)
def test_windows_refuse(change, message):
    arguments = {"X": table_of(10), "n_steps": 3} | change
    with pytest.raises((ValueError, TypeError), match=message):
        make_windows(**arguments)


# ------------------------------------------------------------------------ transformers
@parametrize_with_checks(
    [ChannelTransformer(StandardScaler()), ChannelTransformer(PCA())]
)
def test_channel_transformer_keeps_the_contract(estimator, check):
    check(estimator)


def sequences(lengths=(9, 1, 7, 12)):
    return [10 + table_of(n, 3, seed=n) * [1, 5, 20] for n in lengths]


TRANSFORMERS = [StandardScaler(), PowerTransformer(), MinMaxScaler(), PCA(2)]


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
def test_what_all_steps_in_one_table_give(transformer):
    X = sequences()
    table = np.concatenate(X)
    expected = clone(transformer).fit_transform(table)
    model = ChannelTransformer(transformer)
    found = model.fit_transform(X)
    assert isinstance(found, list) and [len(p) for p in found] == [9, 1, 7, 12]
    assert np.array_equal(np.concatenate(found), expected)
    assert np.allclose(np.concatenate(model.fit(X).transform(X)), expected)
    assert not hasattr(transformer, "n_features_in_") and model.n_features_in_ == 3
    back, expected_back = model.inverse_transform(found), model.transformer_
    expected_back = expected_back.inverse_transform(expected)
    assert np.allclose(np.concatenate(back), expected_back)
    # Other forms of the same steps.
    array = model.transform(boxed(X))
    assert array.dtype == object and np.allclose(array[2], found[2])
    cube = np.stack([X[0], X[0] + 1])
    out = model.transform(cube)
    assert out.shape == (2, 9, expected.shape[1]) and np.allclose(out[0], found[0])
    if expected.shape[1] == 3:
        assert np.allclose(model.inverse_transform(out), cube)
    assert np.allclose(model.transform(X[0]), found[0])


def test_a_table_is_passed_straight_through():
    frame = pd.DataFrame(table_of(20, 3), columns=list("uvw"))
    y = frame["v"] + 0.1 * frame["w"]
    model = ChannelTransformer(SelectKBest(f_regression, k=1)).fit(frame, y)
    assert model.get_feature_names_out().tolist() == ["v"]
    assert np.array_equal(model.transform(frame), frame[["v"]])
    out = model.set_output(transform="pandas").transform(frame)
    assert out.columns.tolist() == ["v"]


def test_frames_in_a_list_keep_their_names():
    X = [pd.DataFrame(part, columns=list("uvw")) for part in sequences()]
    model = ChannelTransformer(StandardScaler())
    found = model.fit_transform(X)
    assert isinstance(found[0], np.ndarray)
    assert model.get_feature_names_out().tolist() == list("uvw")
    assert model.feature_names_in_.tolist() == list("uvw")
    frames = clone(model.set_output(transform="pandas")).fit_transform(X)
    for frame, array, given in zip(frames, found, X, strict=True):
        assert frame.columns.tolist() == list("uvw") and np.array_equal(frame, array)
        assert frame.index.equals(given.index)
    with pytest.raises(ValueError, match="feature names"):
        model.transform([part[["v", "u", "w"]] for part in X])
    with pytest.raises(ValueError, match=r"names of their columns.*X\[1\]"):
        model.fit([X[0], X[1][["v", "u", "w"]]])
    pipeline = make_pipeline(StandardScaler(), model).set_output(transform="default")
    assert isinstance(pipeline[-1].transform(X)[0], np.ndarray)


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_the_frames_that_were_asked_for(container, library):
    """Of frames of either library, names included; new names where channels are new."""
    arrays = sequences()
    X = [library.DataFrame(dict(zip("uvw", part.T, strict=True))) for part in arrays]
    kind = {"pandas": pd.DataFrame, "polars": pl.DataFrame}[container]
    for inner, names in ((StandardScaler(), [*"uvw"]), (PCA(2), ["pca0", "pca1"])):
        expected = ChannelTransformer(inner).fit_transform(arrays)
        model = ChannelTransformer(inner).set_output(transform=container).fit(X)
        assert model.get_feature_names_out().tolist() == names
        for found in (model.transform(X), [model.transform(X[0])]):
            for frame, array in zip(found, expected, strict=False):
                assert isinstance(frame, kind) and [*frame.columns] == names
                assert np.allclose(frame.to_numpy(), array, rtol=1e-12)
        cube = np.stack([arrays[0]] * 2)
        assert type(ChannelTransformer(inner).fit_transform(cube)) is np.ndarray


def test_single_precision_and_missing_values_are_kept():
    X = [part.astype(np.float32) for part in sequences()]
    for form in (X, np.stack([X[0]] * 2)):
        out = ChannelTransformer(StandardScaler()).fit_transform(form)
        assert out[0].dtype == np.float32
    X[0][2, 1] = np.nan
    out = ChannelTransformer(SimpleImputer()).fit_transform(X)
    assert np.isclose(out[0][2, 1], np.nanmean(np.concatenate(X)[:, 1]))


@pytest.mark.parametrize("name", NAMES)
def test_pipeline_search_and_predictions_out_of_fold(name):
    X = sequences((9, 6, 7, 12, 8, 9))
    y = [np.cumsum(part[:, 0] - 10) for part in X]
    model = make_pipeline(
        ChannelTransformer(PCA(random_state=0)),
        make(name, lags=True, standardize=False),
    )
    grid = {"channeltransformer__transformer__n_components": [1, 3]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    again = pickle.loads(pickle.dumps(search))
    assert np.array_equal(again.predict(X)[3], search.predict(X)[3])
    assert len(search.predict(X)[3]) == 12
    found = cross_val_predict(model, boxed(X), y, cv=2)
    assert [len(part) for part in found] == [9, 6, 7, 12, 8, 9]


def test_a_scaler_before_the_model_is_the_one_inside():
    X = sequences()
    y = [np.cumsum(part[:, 0] - 10) for part in X]
    inside = make("GRURegressor").fit(X, y)
    outside = make_pipeline(ChannelTransformer(StandardScaler()), make("GRURegressor"))
    for one, two in zip(inside.predict(X), outside.fit(X, y).predict(X), strict=True):
        assert np.allclose(one, two, rtol=1e-4, atol=1e-4)


def test_tables_in_time_order():
    table = table_of(60, 2)
    y = np.cumsum(table[:, 0])
    scores = []
    for transformer in (StandardScaler(), ChannelTransformer(StandardScaler())):
        model = make_pipeline(transformer, make("RNNRegressor", time_axis=0))
        cv = TimeSeriesSplit(2)
        scores.append(GridSearchCV(model, {}, cv=cv).fit(table, y).best_score_)
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    "transformer, X, message",
    [
        (FunctionTransformer(lambda X: X[1:]), "list", "changes the number of rows"),
        (FunctionTransformer(lambda X: X[1:]), "table", "changes the number of rows"),
        (FunctionTransformer(lambda X: X[1:]), "cube", "changes the number of rows"),
        (OneHotEncoder(), "list", "sparse_output=False"),
        (OneHotEncoder(), "cube", "sparse_output=False"),
        (StandardScaler(), [table_of(3), table_of(3, 1)], r"X\[1\] of shape \(3, 1\)"),
        (
            StandardScaler(),
            [table_of(3), table_of(3)[:, 0]],
            r"X\[1\] has shape \(3,\)",
        ),
        (StandardScaler(), [table_of(3), table_of(0)], r"X\[1\] has shape \(0, 2\)"),
        (StandardScaler(), [np.arange(3), np.arange(4)], "X is a list of elements"),
        (StandardScaler(), np.zeros((1, 2, 3, 4)), "dim 4"),
    ],
)
def test_transformers_refuse(transformer, X, message):
    known = {"list": sequences(), "table": table_of(9), "cube": np.ones((2, 3, 1))}
    model = ChannelTransformer(transformer)
    with pytest.raises(ValueError, match=message):
        model.fit_transform(known[X] if isinstance(X, str) else X)
    assert vars(model) == {"transformer": transformer}  # as it was


def test_transform_refuses_other_channels():
    model = ChannelTransformer(FunctionTransformer()).fit(sequences())
    for other in ([table_of(4)], np.ones((2, 3, 2)), table_of(4)):
        with pytest.raises(ValueError, match="2 features, but ChannelTransformer"):
            model.transform(other)


def test_what_the_transformer_lacks_is_lacking():
    for method in ("inverse_transform", "get_feature_names_out"):
        assert hasattr(ChannelTransformer(PCA()), method)
        assert not hasattr(ChannelTransformer(TransformerMixin()), method)
