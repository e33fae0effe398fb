"""What exports refuse at the door, with or without the packages that they need."""

import sys

import pytest
from estimators import SMALL, forms
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sk_rnn import GRURegressor
from sk_rnn.export import (
    from_torch,
    register_skl2onnx,
    state_from_onnx,
    state_to_onnx,
    to_onnx,
    to_torch,
)


@pytest.fixture(scope="module")
def model():
    X, y, _ = forms()["array"]
    return GRURegressor(**SMALL).fit(X, y)


@pytest.mark.parametrize(
    ("package", "extra", "call"),
    [
        ("onnx", "onnx", to_onnx),
        ("skl2onnx", "onnx", lambda model: register_skl2onnx()),
        ("torch", "torch", to_torch),
        ("torch", "torch", lambda model: from_torch(None, None)),
    ],
)
def test_a_missing_package_is_told(model, package, extra, call, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    match = rf"needs {package}, which the extra '{extra}' .* 'sk_rnn\[{extra}\]'"
    with pytest.raises(ImportError, match=match):
        call(model)


CALLS = {
    "to_onnx": to_onnx,
    "to_torch": to_torch,
    "state_to_onnx": lambda model: state_to_onnx(model, None),
    "state_from_onnx": lambda model: state_from_onnx(model, {}, 1),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_fitted_estimator_is_refused(model, name):
    with pytest.raises(TypeError, match=f"{name} takes a fitted .*; got Pipeline"):
        CALLS[name](make_pipeline(model))
    with pytest.raises(TypeError, match="got type"):
        CALLS[name](GRURegressor)
    with pytest.raises(NotFittedError):
        CALLS[name](GRURegressor())


def test_states_are_checked(model):
    with pytest.raises(TypeError, match="warm_up"):
        state_to_onnx(model, None)
    with pytest.raises(ValueError, match="hidden0.h"):
        state_from_onnx(model, {}, 1)
