"""Scorers of sequences, judged by loops over sequences and by the estimators' R^2."""

import pickle

import numpy as np
import pytest
import sklearn
from estimators import NAMES, filtered, forms, make
from helpers import optional
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import (
    accuracy_score,
    get_scorer,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_pinball_loss,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sk_rnn.data._arrays import boxed
from sk_rnn.metrics import make_sequence_scorer
from sk_rnn.preprocessing import ChannelTransformer

pd = optional("pandas")

MAE = make_sequence_scorer("neg_mean_absolute_error")
R2 = make_sequence_scorer(r2_score)


def error_by_hand(model, X, y, washout):
    """Mean absolute error, step by step."""
    errors = []
    for target, found in zip(y, model.predict(X), strict=True):
        for step, (a, b) in enumerate(zip(target, found, strict=True)):
            if step >= washout:
                errors.extend(np.atleast_1d(abs(a - b)))
    return sum(errors) / len(errors)


@pytest.mark.parametrize("washout", [0, 2])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("form", ["list, y per step", "array, y per step"])
def test_error_of_all_steps_behind_the_washout(form, n_outputs, washout):
    X, y, params = forms(n_outputs)[form]
    model = make("RNNRegressor", **params, washout=washout).fit(X, y)
    expected = error_by_hand(model, X, y, washout)
    assert np.isclose(MAE(model, X, y), -expected)
    if isinstance(X, list):
        assert MAE(model, boxed(X), y) == MAE(model, boxed(X), boxed(y))
        assert MAE(model, X, y) == MAE(model, tuple(X), [p.tolist() for p in y])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", forms())
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_r2_is_the_score_of_the_estimator(name, form, n_outputs):
    X, y, params = forms(n_outputs)[form]
    model = make(name, **params, washout=3).fit(X, y)
    assert np.isclose(R2(model, X, y), model.score(X, y), rtol=1e-12)
    weight = np.random.default_rng(0).integers(0, 3, len(X)).astype(float)
    score = R2(model, X, y, sample_weight=weight)
    assert np.isclose(score, model.score(X, y, sample_weight=weight), rtol=1e-12)


def test_single_precision_frames_and_one_of_everything():
    X, y, params = forms()["list, y per step"]
    X32 = [part.astype(np.float32) for part in X]
    y32 = [part.astype(np.float32) for part in y]
    model = make("GRURegressor", **params).fit(X32, y32)
    assert np.isclose(R2(model, X32, y32), model.score(X32, y32), rtol=1e-6)
    frames = [pd.DataFrame(part) for part in X]
    series = [pd.Series(part) for part in y]
    model = make("GRURegressor", **params, washout=1).fit(frames, series)
    assert MAE(model, frames, series) == MAE(model, X, y)
    model = make("RNNRegressor").fit(X, y)
    one = MAE(model, [X[0][:1]], [y[0][:1]])
    assert np.isclose(one, -abs(y[0][0] - model.predict([X[0][:1]])[0][0]))


# ---------------------------------------------------------------------- where it stands
def test_cross_validation_and_search():
    X, y, params = forms()["list, y per step"]
    model, cv = make("GRURegressor", **params, washout=2), KFold(2)
    scoring = {"mae": MAE, "r2": R2, "pinball": pinball(0.9)}
    found = cross_validate(model, X, y, cv=cv, scoring=scoring)
    for k, (train, test) in enumerate(cv.split(X)):
        fitted = clone(model).fit([X[i] for i in train], [y[i] for i in train])
        X_test, y_test = [X[i] for i in test], [y[i] for i in test]
        assert np.isclose(
            found["test_mae"][k], -error_by_hand(fitted, X_test, y_test, 2)
        )
        assert np.isclose(found["test_r2"][k], fitted.score(X_test, y_test))
    grid = {"alpha": [1e-4, 1e6]}
    search = GridSearchCV(model, grid, cv=cv, scoring=MAE).fit(X, y)
    assert search.best_params_ == {"alpha": 1e-4}
    assert search.score(X, y) == MAE(search.best_estimator_, X, y)
    nested = cross_val_score(search, X, y, cv=2, scoring=scoring["pinball"])
    assert (nested < 0).all()


def pinball(alpha):
    return make_sequence_scorer(mean_pinball_loss, greater_is_better=False, alpha=alpha)


def wrappings():
    return {
        "pipeline": lambda m: make_pipeline(ChannelTransformer(StandardScaler()), m),
        "passthrough": lambda m: make_pipeline("passthrough", None, m),
        "search": lambda m: GridSearchCV(m, {"alpha": [1e-4]}, cv=2),
        "searched washout": lambda m: GridSearchCV(
            m.set_params(washout=0), {"washout": [3]}, cv=2
        ),
        "search of a pipeline": lambda m: GridSearchCV(
            make_pipeline(None, m), {}, cv=2
        ),
        "search in a pipeline": lambda m: make_pipeline(
            None, GridSearchCV(m, {"alpha": [1e-4]}, cv=2)
        ),
    }


@pytest.mark.parametrize("wrapping", wrappings())
def test_the_washout_is_found_inside(wrapping):
    X, y, _ = forms()["list, y per step"]
    model = wrappings()[wrapping](make("RNNRegressor", washout=3))
    model.fit(X, y)
    expected = -error_by_hand(model, X, y, 3)
    assert np.isclose(MAE(model, X, y), expected)
    assert not np.isclose(expected, -error_by_hand(model, X, y, 0))


@pytest.mark.parametrize("form", ["table", "table of records"])
def test_tables(form):
    """The washout is that of each sequence, which only the model can see."""
    X, y, params = forms()[form]
    keep = np.arange(60) % 20 >= 4 if form != "table" else np.arange(60) >= 4
    model = make("RNNRegressor", **params, washout=4)
    if form == "table":
        shifted = make_pipeline(StandardScaler(), model)
    else:  # the column of sequences is where the pipeline leaves it
        shifted = make_pipeline(FunctionTransformer(np.roll, kw_args=ROLL), model)
        model.sequence_column = 2
    for one in (
        shifted,
        TransformedTargetRegressor(shifted, func=np.cbrt, inverse_func=cube),
    ):
        one.fit(X, y)
        error = -mean_absolute_error(y[keep], one.predict(X)[keep])
        assert np.isclose(MAE(one, X, y), error)
        assert np.isclose(MAE(one, X, y[:, None]), error)


ROLL = {"shift": 1, "axis": 1}


def cube(y):
    return y**3


def test_one_target_for_each_sequence():
    X, y, params = forms()["list"]
    long = np.array([len(part) > 5 for part in X])
    model = make("RNNRegressor", **params, washout=5).fit(X, y)
    error = mean_absolute_error(y[long], model.predict(X)[long])
    assert np.isclose(MAE(model, X, y), -error)
    assert np.isclose(MAE(model, X, y.tolist()), -error)
    model.washout = 0
    assert MAE(model, X, y) == get_scorer("neg_mean_absolute_error")(model, X, y)
    vote = VotingRegressor([("a", clone(model).set_params(washout=5))]).fit(X, y)
    assert np.isclose(MAE(vote, X, y), -mean_absolute_error(y, vote.predict(X)))
    cube, y, _ = forms()["array"]
    stack = StackingRegressor([("a", model)], cv=2).fit(cube, y)
    assert MAE(stack, cube, y) == get_scorer("neg_mean_absolute_error")(stack, cube, y)


def test_other_estimators_are_scored_as_ever():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    model = LinearRegression().fit(X, y)
    usual = make_scorer(mean_squared_error, greater_is_better=False)
    ours = make_sequence_scorer(mean_squared_error, greater_is_better=False)
    assert ours(model, X, y) == usual(model, X, y)
    weight = rng.random(20)
    found = ours(model, X, y, sample_weight=weight)
    assert np.isclose(found, usual(model, X, y, sample_weight=weight))


class Steps(ClassifierMixin, BaseEstimator):
    """A classifier of steps, by the sign of their first channel."""

    def __init__(self, washout=0):
        self.washout = washout

    def fit(self, X, y):
        self.classes_ = np.array(["down", "up"])
        return self

    def predict_proba(self, X):
        up = [1 / (1 + np.exp(-part[:, 0])) for part in X]
        return [np.column_stack([1 - p, p]) for p in up]

    def predict(self, X):
        return [self.classes_[p.argmax(axis=1)] for p in self.predict_proba(X)]


def test_classes_and_probabilities():
    X, y, _ = forms()["list, y per step"]
    y = [np.where(part > 0, "up", "down") for part in y]
    model = Steps().fit(X, y)
    labels, proba = np.concatenate(y), np.concatenate(model.predict_proba(X))
    accuracy = make_sequence_scorer(accuracy_score)
    assert accuracy(model, X, y) == np.mean(model.classes_[proba.argmax(1)] == labels)
    for scorer in (
        make_sequence_scorer("roc_auc"),
        make_sequence_scorer(
            roc_auc_score, response_method=("decision_function", "predict_proba")
        ),
    ):
        assert scorer(model, X, y) == roc_auc_score(labels, proba[:, 1])
    loss = make_sequence_scorer("neg_log_loss")
    assert np.isclose(loss(model, X, y), -log_loss(labels, proba))


# ----------------------------------------------------------------------- sample weights
def test_weights_of_sequences_reach_a_routed_search():
    X, y, params = forms()["list, y per step"]
    weight = np.array([0.0, 1, 1, 2, 5, 1, 3, 1])
    model = make("RNNRegressor", **params)
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True)
        scorer = make_sequence_scorer("r2").set_score_request(sample_weight=True)
        for scoring in (scorer, {"r2": scorer}):
            found = cross_validate(
                model, X, y, cv=2, params={"sample_weight": weight}, scoring=scoring
            )
            scores = found.get("test_score", found.get("test_r2"))
            for score, (train, test) in zip(scores, KFold(2).split(X), strict=True):
                fitted = clone(model)
                fitted.fit([X[i] for i in train], [y[i] for i in train], weight[train])
                own = fitted.score(
                    [X[i] for i in test], [y[i] for i in test], weight[test]
                )
                assert np.isclose(score, own)


def test_weights_without_routing():
    X, y, params = forms()["list, y per step"]
    model = make("RNNRegressor", **params)
    weight = np.array([0.0, 1, 1, 2, 5, 1, 3, 1])
    scoring = {"mae": MAE, "r2": R2}
    search = GridSearchCV(model, {}, cv=2, scoring=scoring, refit="r2")
    search.fit(X, y, sample_weight=weight)
    assert np.isfinite(search.score(X, y))
    assert search.cv_results_["mean_test_mae"] < 0


# -------------------------------------------------------------------------------- rest
def test_scorers_are_told_copied_and_pickled():
    text = repr(pinball(0.9))
    assert text.startswith("make_sequence_scorer(mean_pinball_loss") and "alpha" in text
    search = clone(GridSearchCV(make("RNNRegressor"), {}, scoring=pinball(0.9)))
    assert repr(pickle.loads(pickle.dumps(search.scoring))) == text


def test_what_is_refused():
    X, y, params = forms()["list, y per step"]
    model = make("RNNRegressor", **params).fit(X, y)
    for options in ({"greater_is_better": False}, {"alpha": 1}):
        with pytest.raises(ValueError, match="'r2' says all"):
            make_sequence_scorer("r2", **options)
    with pytest.raises(ValueError, match="'no_score'"):
        make_sequence_scorer("no_score")
    swapped = [y[1], y[0], *y[2:]]  # as many steps in all
    with pytest.raises(ValueError, match="8 sequences of 5, 9, 7, .* of 9, 5, 7"):
        MAE(model, X, swapped)
    with pytest.raises(ValueError, match="y has 8 rows, predict gives 8 sequences"):
        MAE(model, X, np.arange(8))
    with pytest.raises(ValueError, match="y has 7 sequences"):
        MAE(model, X, y[1:])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MAE(model, X, y, sample_weight=np.ones(7))
    model.washout = 100
    with pytest.raises(ValueError, match="no step that counts"):
        MAE(model, X, y)
    with pytest.raises(ValueError, match="y has 8 rows of targets; .* takes 55"):
        MAE(model, X, np.arange(8))
    table, level = np.ones((9, 1)), filtered(np.ones((9, 1)))
    model = make("RNNRegressor", time_axis=0).fit(table, level)
    with pytest.raises(ValueError, match="y has 8 rows, predict gives 9 rows"):
        MAE(model, table, level[1:])


# ------------------------------------------------------ gaps, and weights of steps
def test_targets_that_were_not_observed_are_left_out():
    X, y, _ = forms()["list, y per step"]
    y = [part.copy() for part in y]
    for part in y:
        part[1] = np.nan
    model = make("RNNRegressor", missing_targets="ignore").fit(X, y)
    scorer = make_sequence_scorer(r2_score)
    assert scorer(model, X, y) == pytest.approx(model.score(X, y), abs=1e-12)
    with pytest.raises(ValueError, match="NaN"):
        scorer(make("RNNRegressor").fit(X, forms()["list, y per step"][1]), X, y)
    with pytest.raises(ValueError, match="missing"):
        scorer(model, X, [part * np.nan for part in y])


@pytest.mark.parametrize("form", ["list, y per step", "array, y per step"])
def test_weights_of_steps_are_those_of_the_score(form):
    X, y, _ = forms()[form]
    rng = np.random.default_rng(0)
    weight = [rng.uniform(0, 2, len(part)) for part in X]
    weight = weight if form.startswith("list") else np.stack(weight)
    model = make("RNNRegressor").fit(X, y)
    score = make_sequence_scorer(r2_score)(model, X, y, sample_weight=weight)
    assert score == pytest.approx(model.score(X, y, weight), abs=1e-12)
    assert score != pytest.approx(model.score(X, y), abs=1e-6)


def test_weights_that_score_refuses_are_refused_by_the_scorer():
    X, y, _ = forms()["list, y per step"]
    model = make("RNNRegressor").fit(X, y)
    scorer = make_sequence_scorer(r2_score)
    with pytest.raises(ValueError, match="Negative values"):
        scorer(model, X, y, sample_weight=[-1.0] + [1.0] * (len(X) - 1))
    with pytest.raises(ValueError, match="one for each of its steps; got arrays"):
        scorer(model, X, y, sample_weight=[np.ones(2)] * len(X))
    with pytest.raises(ValueError, match="NaN"):
        scorer(model, X, y, sample_weight=[part * np.nan for part in y])
