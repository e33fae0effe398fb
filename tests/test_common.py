"""scikit-learn's own checks of every estimator, in several forms."""

import os
import subprocess
import sys

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import sk_rnn
from sk_rnn.estimators import RecurrentRegressor

ESTIMATORS = [
    getattr(sk_rnn, name) for name in sk_rnn.__all__ if name.endswith("Regressor")
]
NETWORKS = [cls for cls in ESTIMATORS if cls is not sk_rnn.AutoRegressor]

#: With time_axis=0 rows are steps of one record, not exchangeable samples.
TIME_AXIS_0 = {
    "check_methods_sample_order_invariance": "a row's prediction depends on the rows "
    "before it, so another order of the rows is another record",
    "check_methods_subset_invariance": "a row's prediction depends on the rows before "
    "it, so a subset of the rows is another record",
    "check_sample_weight_equivalence_on_dense_data": "a row of weight 2 is one step, a "
    "row that is there twice is two; a row of weight 0 is still an input",
}

#: One lag more than none: rows then depend on the rows before them.
LAGS = {
    "AutoRegressor": {"n_lags": 2},
    "TDNNRegressor": {"n_lags": 1},
    "NARXRegressor": {"n_input_lags": 1},
}


#: A form of estimator that is checked beside the defaults is small and trained shortly.
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 50}


def tables():
    """Estimators with time_axis=0."""
    for cls in ESTIMATORS:
        size = {} if cls is sk_rnn.AutoRegressor else SMALL
        yield cls(time_axis=0, **size, **LAGS.get(cls.__name__, {}))


@parametrize_with_checks([cls() for cls in ESTIMATORS])
def test_default(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        cls(
            solver="adam",
            learning_rate_init=0.01,
            hidden_layer_sizes=(16,),
            max_iter=40,
        )
        for cls in NETWORKS
    ]
)
def test_adam(estimator, check):
    check(estimator)


@parametrize_with_checks([sk_rnn.TDNNRegressor(skip="linear", **SMALL)])
def test_linear_path(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        cls(initial_state="learned", **SMALL)
        for cls in NETWORKS
        if issubclass(cls, RecurrentRegressor)
    ]
)
def test_learned_state(estimator, check):
    check(estimator)


# In the check of partial_fit it is one indeed.
@pytest.mark.filterwarnings("ignore:.*so it is no value of that channel")
@parametrize_with_checks(
    [
        sk_rnn.AutoRegressor(standardize="differences"),
        sk_rnn.TDNNRegressor(standardize="differences", **SMALL),
        sk_rnn.GRURegressor(standardize="differences", **SMALL | {"max_iter": 200}),
    ]
)
def test_differences(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [cls(solver="lm", **SMALL | {"hidden_layer_sizes": (4,)}) for cls in NETWORKS]
)
def test_lm(estimator, check):
    check(estimator)


@parametrize_with_checks(
    list(tables()), expected_failed_checks=lambda estimator: TIME_AXIS_0
)
def test_time_axis_0(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_no_tag_hides_a_check(cls):
    tags = cls().__sklearn_tags__()
    assert not tags.non_deterministic and not tags._skip_test
    assert not tags.regressor_tags.poor_score


ARRAY_API = """
import sk_rnn
from sklearn.utils.estimator_checks import estimator_checks_generator
for name in sk_rnn.__all__:
    if not name.endswith("Regressor"):
        continue
    for estimator, check in estimator_checks_generator(getattr(sk_rnn, name)()):
        if "array_api" in check.func.__name__:
            check(estimator)
            print(name, check.func.__name__)
"""


def test_checks_that_need_the_array_api():
    """scikit-learn skips these unless SciPy was imported with SCIPY_ARRAY_API=1."""
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ARRAY_API],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    if not done.stdout:
        pytest.skip("this version of scikit-learn has no such check for them")
    assert len(done.stdout.splitlines()) >= len(ESTIMATORS)
