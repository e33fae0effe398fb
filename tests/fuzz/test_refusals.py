"""Whatever is wrong with an argument: an error that names it, and nothing changes."""

import pickle

import numpy as np
import pytest
from cases import cases
from counting import holds_for
from hypothesis import assume
from hypothesis import strategies as st

# A number that cannot be converted is warned of by NumPy before it is refused.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore:.*complex:numpy.exceptions.ComplexWarning"),
]

X_, Y, WEIGHT = r"\bX\b", r"\by\b", r"sample_weight|[Ss]ample weights"


# ------------------------------------------------------------------- what can be wrong
def holding(value):
    """One number of one sequence is another."""

    def change(rng, parts):
        parts = [np.array(part) for part in parts]
        k = int(rng.integers(len(parts)))
        part = parts[k].astype(np.result_type(parts[k], np.asarray(value)))
        if isinstance(value, str):
            part = parts[k].astype(object)
        part[tuple(int(rng.integers(n)) for n in part.shape)] = value
        parts[k] = part
        return parts

    return change


def at_one(function):
    """One of the sequences is another."""

    def change(rng, parts):
        parts, k = list(parts), int(rng.integers(len(parts)))
        parts[k] = function(parts[k])
        return parts

    return change


def at_all(function):
    return lambda rng, parts: function(parts)


NUMBERS = {
    "NaN": holding(np.nan),
    "infinity": holding(np.inf),
    "complex": holding(1j),
    "text": holding("one"),
    "huge": holding(1e300),
}
OF_X = NUMBERS | {
    "empty": at_one(lambda x: x[:0]),
    "flat": at_one(lambda x: x[:, 0]),
    "too deep": at_one(lambda x: x[None]),
    "another number of channels": at_one(lambda x: np.hstack([x, x[:, :1]])),
    "nothing": at_all(lambda parts: []),
    "none": at_all(lambda parts: None),
    "a number": at_all(lambda parts: 3.0),
    "text for all": at_all(lambda parts: "one"),
}
#: Of targets, as a list of (n_steps_i, ...) or an array of last ones.
OF_Y = NUMBERS | {
    "one less": at_all(lambda parts: parts[:-1]),
    "one more": at_all(lambda parts: [*parts, parts[-1]]),
    "none": at_all(lambda parts: None),
    "a number": at_all(lambda parts: 3.0),
    "text for all": at_all(lambda parts: "one"),
}
OF_WEIGHT = {
    "NaN": holding(np.nan),
    "infinity": holding(np.inf),
    "negative": holding(-1.0),
    "text": holding("one"),
    "huge": holding(1e200),
    "one less": at_all(lambda parts: parts[:-1]),
    "one more": at_all(lambda parts: [*parts, parts[-1]]),
    "zeros": at_all(lambda parts: [0 * np.array(part) for part in parts]),
    "too deep": at_all(lambda parts: [np.ones((3, 1, 1))] * len(parts)),
}
NO_COUNT = [-1, 1.5, "one", True, np.nan, 10**20, None, (), [[1]]]
#: name: values that it never has
PARAMS = {
    "washout": NO_COUNT,
    "n_channels": [0, *NO_COUNT],
    "time_axis": [2, *NO_COUNT],
    "standardize": ["yes", 1.5, None],
    "missing_targets": ["drop", None, 1],
    "lag_order": ["newest", None],
    "data_format": ["last", None],
    "carry_state": ["yes", None],
    "alpha": [-1.0, np.nan, np.inf, "strong", None, True, (1,)],
    "max_iter": [0, *NO_COUNT],
    "n_init": [0, *NO_COUNT],
    "n_ensemble": [0, 7, *NO_COUNT],
    "batch_size": [0, *NO_COUNT],
    "loss": ["log", None, 1],
    "solver": ["sgd", None, 1],
    "tol": [-1.0, np.nan, "small", None],
    "learning_rate_init": [0.0, -1, np.nan, np.inf, "slow", None],
    "validation_fraction": [0.0, 1.0, np.nan, None],
    "early_stopping": ["yes", None],
    "random_state": [-1, 1.5, "one"],
    "hidden_layer_sizes": [0, (2, 0), (1.5,), "one", None, (True,), [[2]]],
    "activation": ["sine", None],
    "dropout": [1.0, -0.1, np.nan, "some", None],
    "skip": ["square", 1],
    "skip_lags": NO_COUNT,
    "bptt_steps": [1, 0, *(v for v in NO_COUNT if v is not None)],
    "time_scale": [1.5, 0, np.nan, np.inf, "long"],
    "initial_state": ["one", None],
    "recurrence": ["gated", None],
    "feedback": ["none", None],
    "n_output_lags": [v for v in NO_COUNT if v != [[1]]] + [(1, 1, 1)],
    "n_input_lags": [-1, 1.5, "one", True, 10**20, (1,) * 4],
    "input_delay": [-1, 1.5, "one", True, None, 10**20, (1,) * 4],
    "n_lags": [-1, 1.5, "one", True, 10**20, (1,) * 4],
}


# ----------------------------------------------------------------------- what is tried
def refused(case, act, pattern):
    """Whether it raises what it should, and the fitted model is as it was."""
    X, y, weight = case.data
    model = case.make().fit(X, y, weight)
    before, expected = pickle.dumps(model.__dict__), pickle.dumps(model.predict(X))
    with pytest.raises((ValueError, TypeError), match=pattern):
        act(model)
    model.set_params(**case.make().get_params())
    assert pickle.dumps(model.__dict__) == before
    assert pickle.dumps(model.predict(X)) == expected


METHODS = {
    "fit": lambda model, X, y, weight: model.fit(X, y, weight),
    "predict": lambda model, X, y, weight: model.predict(X),
    "score": lambda model, X, y, weight: model.score(X, y, weight),
    "warm_up": lambda model, X, y, weight: model.warm_up(X),
}
method = st.sampled_from(sorted(METHODS))
with_y = st.sampled_from(["fit", "score"])


def all_counts(case):
    """Whether no step has weight 0: there, a number leaves no trace."""
    has_gaps = "missing_targets" in case.params
    return case.weight is None and not case.params["washout"] and not has_gaps


def too_large(case, kind, name):
    """Try huge numbers only where they are: not in units of their own."""
    if kind == "huge":
        case.params["standardize"] = False
        assume(name == "fit" and all_counts(case))


@holds_for(cases(), st.sampled_from(sorted(OF_X)), method)
def test_bad_X_is_refused_by_name(case, kind, name):
    X, y, weight = case.data
    X = OF_X[kind](case.rng, X)
    is_same = kind in ("flat", "another number of channels") and len(case.X) == 1
    assume(not (is_same and name == "fit"))  # another X, but a good one
    too_large(case, kind, name)
    refused(case, lambda model: METHODS[name](model, X, y, weight), X_)


@holds_for(cases(), st.sampled_from(sorted(OF_Y)), with_y)
def test_bad_y_is_refused_by_name(case, kind, name):
    X, y, weight = case.data
    if kind == "NaN":
        case.params["missing_targets"] = "error"
        assume(not any(np.isnan(part).any() for part in case.y))
    y = OF_Y[kind](case.rng, y)
    if case.last and isinstance(y, list):
        y = np.array(y, object if kind == "text" else None)
    too_large(case, kind, name)
    refused(case, lambda model: METHODS[name](model, X, y, weight), Y)


@holds_for(cases(), st.sampled_from(sorted(OF_WEIGHT)), with_y)
def test_a_bad_weight_is_refused_by_name(case, kind, name):
    X, y, weight = case.data
    weight = np.ones(len(X)) if weight is None else weight
    weight = OF_WEIGHT[kind](case.rng, weight)
    refused(case, lambda model: METHODS[name](model, X, y, weight), WEIGHT)


@holds_for(cases(), st.data())
def test_a_bad_hyper_parameter_is_refused_by_name(case, data):
    X, y, weight = case.data
    known = [name for name in sorted(PARAMS) if name in case.make().get_params()]
    name = data.draw(st.sampled_from(known))
    value = data.draw(st.sampled_from(PARAMS[name]))
    refused(case, lambda m: m.set_params(**{name: value}).fit(X, y, weight), name)


def other_models(case, model, state):
    X, y, weight = case.data
    other = case.make().fit([2 * x + 1 for x in X], y, weight)
    assume(not np.array_equal(other._theta, model._theta))  # else it is the same model
    return other.warm_up(X)


def of_one_more(case, model, state):
    return model.warm_up([*case.X, case.X[0]])


#: What is no state of a model and its sequences.
STATES = [other_models, of_one_more, lambda case, model, state: vars(state)]


@holds_for(cases(), st.sampled_from(STATES), st.sampled_from(["predict", "warm_up"]))
def test_a_bad_state_is_refused_by_name(case, make, name):
    def act(model):
        state = make(case, model, model.warm_up(case.X))
        getattr(model, name)(case.X, state=state)

    refused(case, act, r"\bstate\b")
