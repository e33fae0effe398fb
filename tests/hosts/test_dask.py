"""Searches, restarts and training by partitions equal those without it, to the bit."""

import joblib
import numpy as np
import pandas as pd
import pytest
from series import ROOTS, network
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

pytest.importorskip("distributed", reason="distributed is not installed")
import dask.array
import dask.dataframe
from distributed import Client, LocalCluster

TABLE, NEXT = ROOTS[:-1, None], ROOTS[1:]
X = np.random.default_rng(0).standard_normal((200, 12))
Y = np.tanh(X.sum(axis=1))


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        yield client


def plain(**params):
    return network(skip=None, **params)


def test_grid_search(client):
    def search():
        return GridSearchCV(
            plain(time_axis=0), {"alpha": [1e-3, 1.0]}, cv=TimeSeriesSplit(3), n_jobs=2
        ).fit(TABLE, NEXT)

    with joblib.parallel_config("sequential"):
        serial = search()
    with joblib.parallel_config("dask"):
        found = search()
    for name in (f"split{k}_test_score" for k in range(3)):
        assert np.array_equal(found.cv_results_[name], serial.cv_results_[name])
    assert np.array_equal(found.predict(TABLE), serial.predict(TABLE))


def test_restarts(client):
    starts = {"n_init": 3, "n_ensemble": 2}
    serial = plain(**starts).fit(X, Y)
    with joblib.parallel_config("dask"):
        found = plain(**starts, n_jobs=2).fit(X, Y)
    assert np.array_equal(found._theta, serial._theta)
    assert found.restarts_ == serial.restarts_


def test_arrays(client):
    """Fitted in memory, predicted block by block on the workers."""
    lazy, y = dask.array.from_array(X, chunks=(50, 12)), dask.array.from_array(Y)
    model = plain().fit(lazy, y)
    expected = plain().fit(X, Y).predict(X)
    assert np.array_equal(model.predict(lazy), expected)
    blocks = lazy.map_blocks(model.predict, drop_axis=1, dtype=float)
    assert np.array_equal(blocks.compute(), expected)


def test_frames(client):
    frame = pd.DataFrame(X).add_prefix("c")
    model = plain().fit(frame, Y)
    parts = dask.dataframe.from_pandas(frame, npartitions=4)
    found = parts.map_partitions(model.predict, meta=np.empty(0)).compute()
    assert np.array_equal(found, model.predict(frame))


def test_training_on_partitions_of_an_array(client):
    """Two epochs, of which the process that trains holds one block at a time."""
    lazy, y = dask.array.from_array(X, chunks=(50, 12)), dask.array.from_array(Y, 50)
    model, expected = (plain(solver="adam", alpha=0.1) for _ in range(2))
    for _ in range(2):
        for block, targets in zip(lazy.blocks, y.blocks, strict=True):
            model.partial_fit(block.compute(), targets.compute())
        for k in range(0, 200, 50):
            expected.partial_fit(X[k : k + 50], Y[k : k + 50])
    assert model.n_iter_ == 8
    assert np.array_equal(model.predict(lazy), expected.predict(X))


def test_incremental_of_dask_ml(client):
    wrappers = pytest.importorskip("dask_ml.wrappers", reason="dask-ml is missing")
    model, expected = (plain(solver="adam", alpha=0.1) for _ in range(2))
    lazy, y = dask.array.from_array(X, chunks=(50, 12)), dask.array.from_array(Y, 50)
    found = wrappers.Incremental(model, shuffle_blocks=False).fit(lazy, y)
    for k in range(0, 200, 50):
        expected.partial_fit(X[k : k + 50], Y[k : k + 50])
    assert np.array_equal(found.estimator_.predict(X), expected.predict(X))


def test_training_on_partitions_of_a_table(client):
    """They follow one another in time: the model goes on from one to the next."""
    frame = pd.DataFrame({"x": TABLE[:, 0], "y": NEXT})
    parts = dask.dataframe.from_pandas(frame, npartitions=3).partitions
    model, expected = (plain(solver="adam", alpha=0.1, time_axis=0) for _ in range(2))
    for part in parts:
        block = part.compute()
        model.partial_fit(block[["x"]], block["y"])
        expected.partial_fit(TABLE[block.index], NEXT[block.index])
    assert np.array_equal(model.predict(frame[["x"]]), expected.predict(TABLE))


def test_partitions_of_a_table_follow_one_another(client):
    """Their order is that of time: the state goes from one to the next."""
    frame = pd.DataFrame({"x": ROOTS[:-1]})
    model = plain(time_axis=0).fit(frame[:100], NEXT[:100])
    parts = dask.dataframe.from_pandas(frame[100:], npartitions=3)
    found, state = [], None
    for part in parts.partitions:
        y_pred, state = model.predict(part.compute(), state=state, return_state=True)
        found.append(y_pred)
    expected = model.predict(frame[100:])
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-12)
    with pytest.warns(UserWarning) as seen:
        model.predict(frame[150:])  # as a worker would that has this part alone
    assert any("goes on as if X followed" in str(w.message) for w in seen)
