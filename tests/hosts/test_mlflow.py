"""Models come back from a store, with trusted types; what autolog records."""

import logging

import numpy as np
import pytest
from series import N_TRAIN, ROOTS, network
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sk_rnn

mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
# Of its own code and of what it is built on.
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow", "ignore:::sqlalchemy")

X, Y = ROOTS[: N_TRAIN - 1, None], ROOTS[1:N_TRAIN]
LATER = ROOTS[N_TRAIN - 1 : -1, None]


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    """A store in files, without a server."""
    folder = tmp_path_factory.mktemp("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'runs.db'}")
    experiment = mlflow.create_experiment("roots", artifact_location=folder.as_uri())
    mlflow.set_experiment(experiment_id=experiment)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    yield
    mlflow.sklearn.autolog(disable=True)


def table():
    return network(time_axis=0, max_iter=20, skip=None)


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_a_model_comes_back(in_pipeline):
    """With the state in which fit ended, so that it goes on from there."""
    model = make_pipeline(StandardScaler(), table()) if in_pipeline else table()
    model.fit(X, Y)
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            skops_trusted_types=sk_rnn.SKOPS_TRUSTED,
            pip_requirements=["sk_rnn"],  # else it looks for them, for ten seconds
        )
    again = mlflow.sklearn.load_model(logged.model_uri)
    assert np.array_equal(again.predict(LATER), model.predict(LATER))
    served = mlflow.pyfunc.load_model(logged.model_uri)
    assert np.array_equal(served.predict(LATER), model.predict(LATER))


def test_types_that_are_not_trusted_are_refused():
    with mlflow.start_run(), pytest.raises(mlflow.MlflowException, match="trusted"):
        mlflow.sklearn.log_model(
            table().fit(X, Y),
            name="model",
            serialization_format="skops",
            pip_requirements=["sk_rnn"],
        )


def recorded(model):
    """What autolog recorded of a fit."""
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    with mlflow.start_run() as run:
        model.fit(X, Y)
    mlflow.sklearn.autolog(disable=True)
    return mlflow.get_run(run.info.run_id).data


def test_autolog_of_a_pipeline():
    data = recorded(make_pipeline(table()))
    for name, value in table().get_params().items():
        assert data.params[f"gruregressor__{name}"] == str(value)
    score = make_pipeline(table()).fit(X, Y).score(X, Y)
    assert data.metrics["training_r2_score"] == pytest.approx(score)


def test_autolog_of_a_search():
    search = GridSearchCV(table(), {"alpha": [1e-2, 1.0]}, cv=TimeSeriesSplit(2))
    data = recorded(search)
    assert float(data.params["best_alpha"]) == search.best_params_["alpha"]
    assert data.metrics["best_cv_score"] == pytest.approx(search.best_score_)


def test_autolog_knows_the_classes_of_scikit_learn_alone():
    """It patches what all_estimators lists; other estimators are recorded by hand."""
    assert recorded(table()).params == {}
    with mlflow.start_run() as run:
        mlflow.log_params(table().get_params())
    params = mlflow.get_run(run.info.run_id).data.params
    assert len(params) == len(table().get_params())
