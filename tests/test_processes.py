"""Fits and predictions in other processes and threads are those of this one."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from estimators import NAMES, forms, make
from joblib import Parallel, delayed

X, Y, _ = forms()["array"]


def fit_and_predict(name, seed=0):
    params = {} if name == "AutoRegressor" else {"random_state": seed}
    model = make(name, **params).fit(X, Y)
    return np.concatenate([model.predict(X), model.predict(X[::-1])])


EXPECTED = {name: fit_and_predict(name) for name in NAMES}


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
# From 3.12 on Python warns of any fork beside threads, as pytest's workers have some.
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_processes_however_they_are_started(method):
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        for name, found in zip(NAMES, pool.map(fit_and_predict, NAMES), strict=True):
            np.testing.assert_array_equal(found, EXPECTED[name])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_of_joblib(backend):
    jobs = [delayed(fit_and_predict)(name) for name in NAMES]
    found = Parallel(2, backend=backend)(jobs)
    for name, values in zip(NAMES, found, strict=True):
        np.testing.assert_array_equal(values, EXPECTED[name])


def test_fits_and_predictions_of_all_estimators_in_eight_threads():
    before = np.geterr(), np.getbufsize()
    names = NAMES * 8
    with ThreadPoolExecutor(8) as pool:
        for name, found in zip(names, pool.map(fit_and_predict, names), strict=True):
            np.testing.assert_array_equal(found, EXPECTED[name])
    assert before == (np.geterr(), np.getbufsize())


@pytest.mark.parametrize("name", NAMES)
def test_one_model_predicts_in_eight_threads(name):
    model = make(name).fit(X, Y)
    parts = [X[k:] for k in range(8)] * 8
    expected = [model.predict(part) for part in parts]
    interval = sys.getswitchinterval()
    try:
        sys.setswitchinterval(1e-6)  # threads take turns within a prediction
        with ThreadPoolExecutor(8) as pool:
            for found, wanted in zip(
                pool.map(model.predict, parts), expected, strict=True
            ):
                np.testing.assert_array_equal(found, wanted)
    finally:
        sys.setswitchinterval(interval)
