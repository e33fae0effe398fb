"""Every form of X and y, for every estimator."""

import pickle

import numpy as np
import pytest
from estimators import LAGS, NAMES, NETWORKS, filtered, forms, make
from helpers import optional
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_rnn.solvers import SOLVERS

pd = optional("pandas")

each = pytest.mark.parametrize("name", NAMES)
each_form = pytest.mark.parametrize("form", forms())


def as_list(y):
    return y if isinstance(y, list) else list(y)


def with_parameters_of(model, other):
    """The other estimator, predicting with the parameters of the first."""
    for part in ("_theta", "_x_scaler", "_y_scaler"):
        setattr(other, part, getattr(model, part))
    return other


@each
@each_form
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_have_the_form_and_precision_of_the_data(
    name, form, n_outputs, dtype
):
    X, y, params = forms(n_outputs)[form]
    X = [x.astype(dtype) for x in X] if isinstance(X, list) else X.astype(dtype)
    model = make(name, **params).fit(X, y)
    before = pickle.dumps(model.__dict__)
    y_pred = model.predict(X)
    assert pickle.dumps(model.__dict__) == before
    assert isinstance(y_pred, list) == isinstance(y, list)
    for part, expected in zip(as_list(y_pred), as_list(y), strict=True):
        assert np.shape(part) == np.shape(expected)
        assert np.asarray(part).dtype == dtype
        assert np.isfinite(part).all()
    assert model.n_outputs_ == n_outputs
    features = X[0].shape[1] if isinstance(X, list) else X[0].size
    assert model.n_features_in_ == features
    assert np.isfinite(model.score(X, y))


@each
@pytest.mark.parametrize("time_axis", [0, 1])
def test_an_array_without_names_after_a_frame_that_had_them(name, time_axis):
    frame = pd.DataFrame(np.random.default_rng(0).standard_normal((20, 3)))
    frame.columns = ["a", "b", "c"]
    model = make(name, time_axis=time_axis, lags=time_axis == 0)
    model.fit(frame, frame.sum(axis=1))
    expected = model.predict(frame)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        found = model.predict(np.ascontiguousarray(frame))
    assert np.array_equal(found, expected)


def boxed(records):
    """What NumPy makes of records of different lengths."""
    array = np.empty(len(records), object)
    array[:] = records
    return array


@each
def test_an_array_of_records_is_a_list(name):
    X, y, params = forms()["list, y per step"]
    model, expected = make(name, **params), make(name, **params).fit(X, y)
    model.fit(boxed(X), boxed(y), sample_weight=boxed([1.0] * len(X)))
    assert np.array_equal(model._theta, expected._theta)
    for part, other in zip(model.predict(boxed(X)), expected.predict(X), strict=True):
        assert np.array_equal(part, other)
    assert model.score(boxed(X), boxed(y)) == expected.score(X, y)
    scores = cross_val_score(model, boxed(X), boxed(y), cv=2)
    assert np.array_equal(scores, cross_val_score(expected, X, y, cv=2))


@each
@each_form
def test_score_is_r2_over_the_steps_behind_the_washout(name, form):
    X, y, params = forms()[form]
    last = isinstance(y, np.ndarray) and y.ndim == 1 and params.get("time_axis") != 0
    washout = 1 if last else 2
    model = make(name, **params, washout=washout).fit(X, y)
    parts, true = model.predict(X), y
    if "records" in form:
        parts, true = np.split(parts, 3), np.split(y, 3)
    elif form == "table":
        parts, true = [parts], [y]
    if not last:
        true = np.concatenate([np.ravel(part)[washout:] for part in true])
        parts = np.concatenate([np.ravel(part)[washout:] for part in parts])
    assert model.score(X, y) == pytest.approx(r2_score(true, parts), abs=1e-12)


@each
@pytest.mark.parametrize("per_step", [False, True])
def test_the_same_data_in_any_form_is_the_same_fit(name, per_step):
    """Records as a list, a 3-D array and packed rows; the list cannot tell the lags."""
    rng = np.random.default_rng(1)
    cube = rng.standard_normal((10, 6, 2))
    y = np.stack([filtered(u) for u in cube])
    y = y[..., None] if per_step else y[:, -1]
    records = list(cube)
    list_y = [part for part in y] if per_step else y
    models = [
        make(name, lags=True).fit(cube, y),
        make(name, lags=True).fit(cube.tolist(), y),
        make(name, lags=True).fit(records, list_y),
        make(name, lags=True, n_channels=2).fit(cube.reshape(10, 12), y),
        make(name, lags=True, n_channels=2).fit(cube.reshape(10, 12).tolist(), y),
    ]
    inputs = [cube, cube.tolist(), records, cube.reshape(10, 12), cube.reshape(10, 12)]
    expected = models[0].predict(cube)
    for model, X in zip(models, inputs, strict=True):
        assert np.array_equal(np.array(model.predict(X)), expected)


@each
def test_a_sequence_column_is_a_list_of_records(name):
    X, y, _ = forms()["list, y per step"]
    ids = np.repeat(np.arange(len(X)), [len(x) for x in X])
    frame = pd.DataFrame(np.concatenate(X), columns=["u", "v"])
    frame.insert(1, "record", [f"no. {k}" for k in ids])
    joined = np.concatenate(y)
    params = {"lags": True, "time_axis": 0, "standardize": False}
    by_name = make(name, sequence_column="record", **params).fit(frame, joined)
    by_index = make(name, sequence_column=-2, **params)
    by_index.fit(np.column_stack([frame["u"], ids, frame["v"]]), joined)
    by_list = make(name, lags=True, standardize=False).fit(X, y)
    assert list(by_name.feature_names_in_) == ["u", "record", "v"]
    assert by_name.n_features_in_ == 3
    start = by_list if name == "AutoRegressor" else by_name
    for model in (by_name, by_index):  # the list is in another order: not to the bit
        weights = zip(model.weights_.values(), start.weights_.values(), strict=True)
        for one, two in weights:
            np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)
    # The same parameters predict the same in either form.
    by_list._theta = by_name._theta
    np.testing.assert_allclose(
        by_name.predict(frame), np.concatenate(by_list.predict(X)), atol=1e-12
    )


@each
def test_memory_layout_does_not_matter(name):
    X, y, params = forms()["array, y per step"]
    expected = make(name, **params).fit(X, y).predict(X)
    read_only = X.copy()
    read_only.flags.writeable = False
    wide = np.repeat(X, 2, axis=2)
    for same in (np.asfortranarray(X), read_only, wide[:, :, ::2], X[::-1][::-1]):
        model = make(name, **params).fit(same, y)
        assert np.array_equal(model.predict(same), expected)


@each
def test_a_list_of_data_frames_keeps_its_names(name):
    X, y, params = forms()["list, y per step"]
    frames = [pd.DataFrame(x, columns=["u", "v"]) for x in X]
    model = make(name, **params).fit(frames, [pd.Series(part) for part in y])
    assert list(model.feature_names_in_) == ["u", "v"]
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict([frame[["v", "u"]] for frame in frames])


@each
def test_frames_in_which_columns_change_places_are_refused(name):
    X, y, params = forms()["list, y per step"]
    frames = [pd.DataFrame(x, columns=["u", "v"]) for x in X]
    frames[1] = frames[1][["v", "u"]]
    model = make(name, **params)
    with pytest.raises(ValueError, match="feature names"):
        model.fit(frames, y)
    model.fit([pd.DataFrame(x, columns=["u", "v"]) for x in X], y)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frames)


@each
@pytest.mark.parametrize("form", ["rows", "table"])
def test_a_data_frame_keeps_its_names(name, form):
    X, y, params = forms()[form]
    frame = pd.DataFrame(X, columns=[f"c{k}" for k in range(X.shape[1])])
    model = make(name, **params).fit(frame, pd.Series(y, index=frame.index[::-1]))
    assert list(model.feature_names_in_) == list(frame.columns)
    expected = make(name, **params).fit(X, y).predict(X)
    assert np.array_equal(model.predict(frame), expected)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[frame.columns[::-1]])


@each
def test_a_sequence_column_survives_a_scaler(name):
    """Scaled identifiers are identifiers still."""
    X, y, params = forms()["table of records"]
    scaled = StandardScaler().fit_transform(X)
    model = make_pipeline(StandardScaler(), make(name, **params)).fit(X, y)
    records = [scaled[k : k + 20][:, [0, 2]] for k in (0, 20, 40)]
    whole = make(name, lags=True).fit(records, [y[k : k + 20] for k in (0, 20, 40)])
    expected = with_parameters_of(model[-1], whole).predict(records)
    assert np.array_equal(model.predict(X), np.concatenate(expected))


@each
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_nested_lists_of_numbers_are_an_array(name, n_outputs):
    X, y, params = forms(n_outputs)["array, y per step"]
    expected = make(name, **params).fit(X, y).predict(X)
    y_pred = make(name, **params).fit(X.tolist(), y.tolist()).predict(X.tolist())
    assert np.shape(y_pred) == y.shape and not isinstance(y_pred, list)
    assert np.array_equal(y_pred, expected)


@each
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (1, 1, 1), (3, 1, 2)])
def test_one_sample_one_step_one_feature(name, shape):
    X = np.random.default_rng(0).standard_normal(shape)
    y = np.arange(len(X)) + 1.0
    model = make(name).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert np.isfinite(model.predict(X)).all()


@each
@pytest.mark.parametrize("form", ["rows", "list, y per step"])
def test_weight_is_repetition(name, form):
    X, y, params = forms()[form]
    weight = np.array([0, 1, 2, 3, 1, 0, 1, 2, 1, 1, 1, 1][: len(X)])
    which = np.repeat(np.arange(len(X)), weight)
    if isinstance(X, list):
        again = [X[k] for k in which], [y[k] for k in which]
    else:
        again = X[which], y[which]
    weighted = make(name, **params).fit(X, y, sample_weight=weight)
    repeated = make(name, **params).fit(*again)
    for one, two in zip(weighted.predict(X), repeated.predict(X), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("form", ["rows", "array, y per step", "list, y per step"])
def test_the_order_of_samples_does_not_matter(name, solver, form):
    X, y, params = forms()[form]
    order = np.random.default_rng(0).permutation(len(X))
    again = [X[k] for k in order], [y[k] for k in order]
    if form != "list, y per step":
        again = np.array(again[0]), np.array(again[1])
    one = make(name, solver=solver, **params).fit(X, y)
    two = make(name, solver=solver, **params).fit(*again)
    assert np.array_equal(one._theta, two._theta)


@each
@pytest.mark.parametrize("form", ["rows", "list, y per step", "table"])
def test_score_counts_weights(name, form):
    X, y, params = forms()[form]
    model = make(name, **params).fit(X, y)
    weight = np.random.default_rng(0).integers(0, 3, len(X)).astype(float)
    y_pred, per_step = model.predict(X), weight
    if isinstance(y, list):
        per_step = np.repeat(weight, [len(part) for part in y])
        y, y_pred = np.concatenate(y), np.concatenate(y_pred)
    expected = r2_score(y, y_pred, sample_weight=per_step)
    got = model.score(X, forms()[form][1], sample_weight=weight)
    assert got == pytest.approx(expected, abs=1e-12)


@each
@pytest.mark.parametrize("form", ["array, y per step", "list, y per step", "table"])
def test_targets_in_the_washout_do_not_matter(name, form):
    X, y, params = forms()[form]
    if name == "NARXRegressor":  # whose measured outputs are inputs as well
        params = params | {"feedback": "predicted"}
    shifted = [part.copy() for part in y] if isinstance(y, list) else y.copy()
    for part in [shifted] if form == "table" else shifted:
        part[:2] += 50
    # L-BFGS: mini-batches come in the order of a hash of the data, targets included.
    one = make(name, **params, washout=2).fit(X, y)
    two = make(name, **params, washout=2).fit(X, shifted)
    for a, b in zip(one.predict(X), two.predict(X), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)
    kept = make(name, **params).fit(X, y).predict(X)
    assert not np.allclose(
        np.concatenate(as_list(kept), axis=None)[:8],
        np.concatenate(as_list(one.predict(X)), axis=None)[:8],
    )


@each
def test_a_row_of_weight_0_is_an_input_without_a_loss(name):
    X, y, params = forms()["table"]
    weight = np.ones(len(X))
    weight[::3] = 0
    wrong = np.where(weight == 0, 1e6, y)
    one = make(name, **params).fit(X, y, sample_weight=weight)
    two = make(name, **params).fit(X, wrong, sample_weight=weight)
    if name != "NARXRegressor":  # whose measured outputs are inputs as well
        assert np.array_equal(one._theta, two._theta)
    X = X.copy()
    X[30] += 1
    assert not np.array_equal(one._theta, make(name, **params).fit(X, y, weight)._theta)


@each
def test_predict_goes_on_where_the_training_rows_ended(name):
    """The rows after the training rows, as if all were predicted in one run."""
    rng = np.random.default_rng(2)
    u = rng.standard_normal((90, 2))
    y = filtered(u)
    model = make(name, lags=True, time_axis=0).fit(u[:60], y[:60])
    rest = model.predict(u[60:])
    whole = with_parameters_of(model, make(name, lags=True).fit([u], [y]))
    if name == "NARXRegressor":  # goes on from the measured outputs
        known = list(y[:60])
        for stop in range(61, 91):
            measured = [np.array([*known, 0.0])]
            known.append(whole.predict_ahead([u[:stop]], measured)[0][-1])
        expected = known[60:]
    else:
        expected = whole.predict([u])[0][60:]
    np.testing.assert_allclose(rest, expected, atol=1e-12)
    # Rows predicted before leave no trace.
    assert np.array_equal(model.predict(u[60:]), rest)


@each
def test_records_do_not_see_each_other(name):
    X, y, params = forms()["list, y per step"]
    model = make(name, **params).fit(X, y)
    expected = model.predict(X)
    changed = list(X)
    changed[2] = X[2] + 100
    for k, part in enumerate(model.predict(changed)):
        assert np.array_equal(part, expected[k]) == (k != 2)


@each
def test_lags_default_to_the_row(name):
    if name not in LAGS:
        return
    X, y, _ = forms()["rows"]
    model = make(name).fit(X, y)
    needed = {"AutoRegressor": 12, "TDNNRegressor": 11, "NARXRegressor": 11}[name]
    parameter = {"NARXRegressor": "n_input_lags"}.get(name, "n_lags")
    explicit = make(name, **{parameter: needed}).fit(X, y)
    assert np.array_equal(model._theta, explicit._theta)


@each
def test_lists_and_3d_arrays_stand_for_each_other(name):
    X, y, params = forms()["array"]
    by_cube = make(name, lags=True, **params).fit(X, y)
    by_list = make(name, lags=True, **params).fit(list(X), y)
    assert np.array_equal(by_cube.predict(list(X)), by_cube.predict(X))
    assert np.array_equal(by_list.predict(X), by_list.predict(list(X)))
    assert np.array_equal(by_cube.predict(X.reshape(len(X), -1)), by_cube.predict(X))
    for model in (by_cube, by_list):
        with pytest.raises(ValueError, match=r"3 (channel|features)"):
            model.predict([np.ones((6, 3))])


# ------------------------------------------------------------ arrays of other libraries
@pytest.mark.parametrize("form", forms())
@pytest.mark.parametrize("library", ["torch", "array_api_strict"])
def test_arrays_of_other_libraries_are_read(form, library):
    """In any namespace, and what comes back is NumPy's."""
    xp = pytest.importorskip(library, reason=f"{library} is not installed")
    X, y, params = forms()[form]

    def foreign(v):
        return [xp.asarray(p) for p in v] if isinstance(v, list) else xp.asarray(v)

    model = make("TDNNRegressor", **params)
    expected = as_list(model.fit(X, y).predict(X))
    found = model.fit(foreign(X), foreign(y)).predict(foreign(X))
    assert model.score(foreign(X), foreign(y)) == model.score(X, y)
    for one, two in zip(as_list(found), expected, strict=True):
        assert isinstance(one, np.ndarray | np.generic) and np.array_equal(one, two)


def test_a_tensor_that_cannot_be_read_says_why():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    X = torch.randn(20, 4, requires_grad=True)
    with pytest.raises(TypeError, match="torch.Tensor cannot be: .*gradient"):
        make("TDNNRegressor").fit(X, np.ones(20))
