"""Fitted estimators in files: what they hold, and of which version they are."""

import io
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from estimators import NAMES, NETWORKS, forms, make
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

import sk_rnn
from sk_rnn.estimators import _persistence

#: Made by `python tests/test_persistence.py` with the version in its name, and kept: a
#: model of a version is to be read by the next ones.
SAVED = Path(__file__).parent / "data" / "models_of_0.1.0.pickle"

OPTIONS = [
    *((name, {}) for name in NAMES),
    *((name, {"n_init": 2, "n_ensemble": 2}) for name in NETWORKS),
    *((name, {"solver": "adam"}) for name in NETWORKS),
    *(("RNNRegressor", {"recurrence": r}) for r in ("integrator", "residual")),
    *(("RNNRegressor", {"activation": a}) for a in ("relu", "logistic", "identity")),
    ("NARXRegressor", {"n_output_lags": 3}),
    ("GRURegressor", {"dropout": 0.1, "solver": "adam"}),
    ("GRURegressor", {"skip": "linear", "skip_lags": 2}),
    ("LSTMRegressor", {"initial_state": "learned"}),
    ("LSTMRegressor", {"initial_state": "estimated", "washout": 3}),
    ("GRURegressor", {"standardize": "differences", "target_columns": 0}),
    ("AutoRegressor", {"standardize": "differences", "target_columns": 0}),
]
# What is predicted is only compared.
pytestmark = pytest.mark.filterwarnings("ignore:initial_state='estimated'")

each_option = pytest.mark.parametrize("name, params", OPTIONS, ids=str)


def fitted(name, params, form="table"):
    X, y, demanded = forms()[form]
    return make(name, **demanded | params).fit(X, y), X


def types_in(data):
    """Names of all that a pickle imports of this package, or of the language."""
    names = set()

    class Spy(pickle.Unpickler):
        def find_class(self, module, name):
            names.add(f"{module}.{name}")
            return super().find_class(module, name)

    Spy(io.BytesIO(data)).load()
    return {name for name in names if name.startswith(("sk_rnn.", "builtins."))}


@each_option
def test_all_that_is_saved_is_named(name, params):
    model, X = fitted(name, params)
    data = pickle.dumps(model)
    assert types_in(data) <= {*sk_rnn.SKOPS_TRUSTED, "builtins.slice"}
    assert np.array_equal(pickle.loads(data).predict(X), model.predict(X))


def test_a_state_is_saved_as_well():
    model, X = fitted("LSTMRegressor", {})
    state = model.warm_up(X[:30])
    again = pickle.loads(pickle.dumps(state))
    assert np.array_equal(
        model.predict(X[30:], state=again), model.predict(X[30:], state=state)
    )


def test_another_version_is_warned_of(monkeypatch):
    model, X = fitted("GRURegressor", {})
    data = pickle.dumps(model)
    monkeypatch.setattr(_persistence, "__version__", "9.9")
    said = "GRURegressor was fitted by version 0.1.0 .* read by version 9.9"
    with pytest.warns(InconsistentVersionWarning, match=said):
        again = pickle.loads(data)
    assert np.array_equal(again.predict(X), model.predict(X))
    with pytest.warns(InconsistentVersionWarning, match="version unknown"):
        again.__setstate__(dict(vars(model)))


def test_what_was_not_fitted_is_of_no_version(monkeypatch):
    data = pickle.dumps(sk_rnn.GRURegressor())
    monkeypatch.setattr(_persistence, "__version__", "9.9")
    assert "_sk_rnn_version" not in vars(pickle.loads(data))
    clone(pickle.loads(data))


def test_models_of_an_earlier_version_predict_as_they_did():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        saved = pickle.loads(SAVED.read_bytes())
    assert len(saved) == len(OPTIONS)
    X = forms()["table"][0]
    for model, expected in saved:
        np.testing.assert_allclose(model.predict(X), expected, rtol=1e-10, atol=1e-12)


def test_versions_are_shown(capsys):
    sk_rnn.show_versions()
    shown = capsys.readouterr().out
    assert f"sk_rnn: {sk_rnn.__version__}\n" in shown
    assert f"numpy: {np.__version__}\n" in shown


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    models = [fitted(*option)[0] for option in OPTIONS]
    found = [(model, model.predict(forms()["table"][0])) for model in models]
    name = f"models_of_{sk_rnn.__version__}.pickle"
    (Path(__file__).parent / "data" / name).write_bytes(pickle.dumps(found, 4))
