"""Four reductions equal windows by hand, also with inputs; its checks of estimators."""

import numpy as np
import pandas as pd
import pytest
from series import FUTURE, N_LAGS, PAST, mse, network, recursive, windows

pytest.importorskip("sktime", reason="sktime is not installed")
from sktime.forecasting.compose import make_reduction
from sktime.utils.estimator_checks import check_estimator

# Of sktime's own next version, and of dependencies of its own.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The default of config:FutureWarning", "ignore::DeprecationWarning"
)
STEPS = [1, 2, 3]
LAST = PAST[None, -N_LAGS:]


def reduced(strategy, model=None, **options):
    return make_reduction(
        network() if model is None else model,
        window_length=N_LAGS,
        strategy=strategy,
        **options,
    )


def forecasts(strategy):
    """By hand, of the next three values; all from windows before the last two years."""
    X, y = windows(horizon=STEPS)
    if strategy == "multioutput":
        return network().fit(X, y).predict(LAST)[0]
    found, rows, last = [], X, LAST
    for target in y.T:
        found.append(network().fit(rows, target).predict(last)[0])
        if strategy == "dirrec":  # what was forecast is one more step of the rows
            rows = np.column_stack([rows, target])
            last = np.append(last, found[-1])[None]
    return np.array(found)


def test_recursive_is_the_loop_by_hand():
    found = reduced("recursive").fit(pd.Series(PAST)).predict(fh=range(1, 13))
    expected = recursive(network().fit(*windows()), PAST, 12)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert mse(FUTURE[:12], found) < 0.6 * mse(FUTURE[:12], PAST[-1])


@pytest.mark.parametrize("strategy", ["direct", "dirrec", "multioutput"])
def test_a_model_for_each_step_is_windows_by_hand(strategy):
    found = reduced(strategy).fit(pd.Series(PAST), fh=STEPS).predict()
    np.testing.assert_allclose(np.ravel(found), forecasts(strategy), rtol=1e-9)


def test_inputs_come_in_blocks():
    """All lags of the series, then all lags of the input: data_format says so."""
    rng = np.random.default_rng(0)
    price, sales = rng.uniform(1, 2, 300), np.zeros(300)
    for t in range(1, 300):
        sales[t] = 5 + 0.6 * sales[t - 1] - 2 * price[t - 1]
    model = network(n_channels=2, data_format="channels_first")
    host = reduced("recursive", model)
    X, y = pd.DataFrame({"price": price}), pd.Series(sales)
    found = host.fit(y[:250], X[:250]).predict(fh=[1], X=X[250:251])
    rows = np.lib.stride_tricks.sliding_window_view(
        np.stack([sales, price]), N_LAGS, axis=1
    )
    cubes = rows.transpose(1, 2, 0)  # of the years 0 to 8 first
    by_hand = network().fit(cubes[: 250 - N_LAGS], sales[N_LAGS:250])
    expected = by_hand.predict(cubes[[250 - N_LAGS]])
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-9)
    assert abs(found.iloc[0] - sales[250]) < 0.1 * sales[:250].std()


CHECKS = [
    *("test_clone", "test_fit_idempotent", "test_fit_updates_state"),
    *("test_fit_does_not_overwrite_hyper_params", "test_persistence_via_pickle"),
    *("test_methods_have_no_side_effects", "test_multiprocessing_idempotent"),
    *("test_set_params_sklearn", "test_raises_not_fitted_error", "test_score"),
    *("test_update_predict_single", "test_hierarchical_with_exogenous"),
]


@pytest.mark.filterwarnings("ignore")  # whatever the checks provoke
def test_checks_of_sktime():
    small = network(hidden_layer_sizes=2, max_iter=3, skip=None)
    host = make_reduction(small, window_length=3, strategy="recursive")
    results = check_estimator(host, tests_to_run=CHECKS, verbose=False)
    names = {name.partition("[")[0] for name in results}
    assert names == set(CHECKS) and set(results.values()) == {"PASSED"}, results
