"""Search, cross-validation, pipelines and pickling, as users combine them."""

import pickle

import numpy as np
import pytest
from estimators import NAMES, filtered, forms, make
from helpers import optional
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sk_rnn.data._arrays import boxed
from sk_rnn.model_selection import PanelTimeSeriesSplit

pd = optional("pandas")

each = pytest.mark.parametrize("name", NAMES)


def halve(X):
    return [x / 2 for x in X] if isinstance(X, list) else X / 2


@each
@pytest.mark.parametrize("form", forms())
def test_grid_search_over_a_pipeline(name, form):
    X, y, params = forms()[form]
    table = params.get("time_axis") == 0
    # Scalers want 2-D input; an identifier must stay what it is.
    first = (
        StandardScaler() if form in ("rows", "table") else FunctionTransformer(halve)
    )
    grid = {"model__alpha": [1e-4, 1e6]}
    model = make_pipeline(first, make(name, **params))
    model.steps[-1] = ("model", model.steps[-1][1])
    groups = X[:, 1] if "records" in form else None
    cv = GroupKFold(3) if groups is not None else KFold(3)
    if form == "table":
        cv = TimeSeriesSplit(2)
    search = GridSearchCV(model, grid, cv=cv, n_jobs=2, error_score="raise")
    search.fit(X, y, groups=groups)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all() and scores[0] != scores[1]
    alone = clone(model).set_params(**search.best_params_).fit(X, y)
    assert search.score(X, y) == alone.score(X, y)
    assert table == (len(search.predict(X)) == 60)


@pytest.mark.parametrize(
    "name, parameter, values",
    [
        ("AutoRegressor", "n_lags", [1, 3]),
        ("TDNNRegressor", "n_lags", [1, (2, 1)]),
        ("NARXRegressor", "n_output_lags", [1, 3]),
        ("NARXRegressor", "n_input_lags", [0, 2]),
        ("RNNRegressor", "recurrence", ["simple", "integrator", "residual"]),
        ("GRURegressor", "hidden_layer_sizes", [3, (3, 2)]),
        ("LSTMRegressor", "bptt_steps", [None, 8]),
        ("GRURegressor", "learning_rate", ["constant", "cooldown"]),
        ("GRURegressor", "n_init", [1, 4]),
        ("RNNRegressor", "initial_state", ["zero", "learned"]),
        ("TDNNRegressor", "standardize", [True, "differences"]),
        ("TDNNRegressor", "alpha", [1e-4, "auto"]),
    ],
)
def test_what_makes_a_model_can_be_searched(name, parameter, values):
    X, y, params = forms()["table"]
    solver = "adam" if parameter == "learning_rate" else "auto"
    model = make(name, **params)
    if name != "AutoRegressor":
        model.set_params(target_columns=0, solver=solver)
    cv = TimeSeriesSplit(2)
    search = GridSearchCV(model, {parameter: values}, cv=cv, error_score="raise")
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    assert len(set(scores)) == len(values)
    for value, score in zip(values, scores, strict=True):
        alone = clone(model).set_params(**{parameter: value})
        assert cross_val_score(alone, X, y, cv=cv).mean() == score


@each
def test_a_table_goes_through_a_target_transformer(name):
    X, y, params = forms()["table"]
    model = TransformedTargetRegressor(
        make(name, **params), transformer=StandardScaler()
    )
    scores = cross_val_score(model, X, y, cv=TimeSeriesSplit(3))
    assert np.isfinite(scores).all()
    search = GridSearchCV(
        model, {"regressor__washout": [0, 1]}, cv=TimeSeriesSplit(2), scoring="r2"
    )
    assert search.fit(X, y).predict(X).shape == y.shape


@each
def test_a_test_fold_starts_warm(name):
    """The score of a fold is that of predictions that go on from the training rows."""
    X, y, params = forms()["table"]
    train, test = np.arange(40), np.arange(40, 60)
    model = make(name, **params)
    (score,) = cross_val_score(model, X, y, cv=[(train, test)])
    fitted = clone(model).fit(X[train], y[train])
    assert score == fitted.score(X[test], y[test])
    cold = pickle.loads(pickle.dumps(fitted))
    cold._end = None
    assert cold.score(X[test], y[test]) != score


@each
@pytest.mark.parametrize("form", ["rows", "list, y per step", "table"])
def test_pickling_keeps_every_digit(name, form):
    X, y, params = forms()[form]
    model = make(name, **params).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    for one, two in zip(model.predict(X), again.predict(X), strict=True):
        assert np.array_equal(one, two)
    assert len(pickle.dumps(model)) < 20_000


@each
def test_a_clone_is_unfitted_and_equal(name):
    X, y, params = forms()["rows"]
    model = make(name, **params, standardize=False).fit(X, y)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "n_outputs_")
    assert copy.set_params(washout=3).washout == 3
    assert f"{name}(" in repr(model) and "standardize=False" in repr(model)


@each
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_cross_val_predict_of_ragged_sequences(name, n_outputs):
    """An array of sequences gives an array of predictions; a list gives a list."""
    X, y, params = forms(n_outputs)["list, y per step"]
    model, cv = make(name, **params), KFold(3)
    found = cross_val_predict(model, boxed(X), y, cv=cv)
    assert found.shape == (len(X),) and found.dtype == object
    for train, test in cv.split(X):
        fitted = clone(model).fit([X[i] for i in train], [y[i] for i in train])
        alone = fitted.predict([X[i] for i in test])
        assert isinstance(alone, list)
        for i, part in zip(test, alone, strict=True):
            assert np.array_equal(found[i], part) and part.shape == y[i].shape


# ------------------------------------------------------------------------------ panels
def panel(n=30):
    rng = np.random.default_rng(0)
    store = np.repeat([7.0, 3.0, 5.0], [n, n + 6, n - 5])
    u = rng.standard_normal(len(store))
    y = np.concatenate([filtered(u[store == s][:, None]) for s in (7.0, 3.0, 5.0)])
    return np.column_stack([store, u]), y, store


@pytest.mark.parametrize("options", [{}, {"gap": 2}, {"test_size": 3}], ids=str)
def test_panel_split_is_that_of_each_sequence(options):
    X, y, store = panel()
    splitter = PanelTimeSeriesSplit(3, **options)
    folds = list(splitter.split(X, y, store))
    assert len(folds) == splitter.get_n_splits(X, y, store) == 3
    for one in np.unique(store):
        rows = np.flatnonzero(store == one)
        alone = TimeSeriesSplit(3, **options).split(rows)
        for (train, test), (own_train, own_test) in zip(folds, alone, strict=True):
            assert np.array_equal(train[store[train] == one], rows[own_train])
            assert np.array_equal(test[store[test] == one], rows[own_test])


def test_panel_split_keeps_interleaved_rows_in_order():
    store = np.tile(["a", "b"], 6)
    for train, test in PanelTimeSeriesSplit(2).split(store, groups=store):
        assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()
        assert train.max() < test.min()


def test_panel_split_in_a_search_starts_warm():
    X, y, store = panel(60)
    model = make(
        "GRURegressor",
        time_axis=0,
        sequence_column=0,
        max_iter=100,
        hidden_layer_sizes=8,
    )
    search = GridSearchCV(
        model, {"carry_state": [True, False]}, cv=PanelTimeSeriesSplit(3)
    )
    search.fit(X, y, groups=store)
    assert search.best_params_ == {"carry_state": True}  # the past helps
    assert search.best_score_ > 0.9


def test_panel_split_refuses_what_it_cannot_cut():
    X, y, store = panel()
    with pytest.raises(ValueError, match="pass groups"):
        next(PanelTimeSeriesSplit(2).split(X, y))
    with pytest.raises(ValueError, match="inconsistent numbers"):
        next(PanelTimeSeriesSplit(2).split(X, y, store[1:]))
    with pytest.raises(ValueError, match="Sequence b: .*folds"):
        next(PanelTimeSeriesSplit(3).split(X[:8], groups=list("aaaaaabb")))
    assert "PanelTimeSeriesSplit(gap=1" in repr(PanelTimeSeriesSplit(2, gap=1))


@pytest.mark.parametrize("missing", [None, np.nan, "NA", "NaT"])
def test_panel_split_refuses_missing_groups(missing):
    missing = getattr(pd, missing) if isinstance(missing, str) else missing
    groups = pd.Series(["a"] * 5 + [missing] + ["b"] * 6, dtype=object)
    with pytest.raises(ValueError, match="that of row 5 is missing"):
        next(PanelTimeSeriesSplit(2).split(groups, groups=groups))


def test_panel_split_takes_names_of_any_kind():
    mixed = np.array([1] * 6 + ["a"] * 6, dtype=object)
    days = pd.Series(pd.to_datetime(["2024-01-02", "2024-01-01"]).repeat(6))
    plain = np.repeat([0, 1], 6)
    expected = list(PanelTimeSeriesSplit(2).split(plain, groups=plain))
    for groups in (mixed, days, days.dt.tz_localize("UTC"), plain.tolist()):
        found = PanelTimeSeriesSplit(2).split(plain, groups=groups)
        for one, other in zip(found, expected, strict=True):
            assert np.array_equal(one[0], other[0])
            assert np.array_equal(one[1], other[1])


def test_groups_are_routed_to_the_panel_split():
    X, y, store = panel()
    model = make("AutoRegressor", lags=True, time_axis=0, sequence_column=0)
    cv = PanelTimeSeriesSplit(2)
    expected = cross_val_score(model, X, y, cv=cv, groups=store)
    with config_context(enable_metadata_routing=True):
        found = cross_val_score(model, X, y, cv=cv, params={"groups": store})
        search = GridSearchCV(model, {"n_lags": [1, 2]}, cv=cv)
        search.fit(X, y, groups=store)
    assert np.array_equal(found, expected)
