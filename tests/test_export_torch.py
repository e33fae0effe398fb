"""To torch and back: torch's own layers compute the same."""

import pickle

import numpy as np
import pytest
from estimators import SMALL, forms, make
from helpers import assert_near

from sk_rnn import GRURegressor, LSTMRegressor, NARXRegressor, RNNRegressor

torch = pytest.importorskip("torch", reason="torch is what it is compared with")

from sk_rnn.export import from_torch, to_torch  # noqa: E402

RECURRENT = ("RNNRegressor", "GRURegressor", "LSTMRegressor")
NAMES = ("AutoRegressor", "TDNNRegressor", *RECURRENT)

each = pytest.mark.parametrize("name", NAMES)
each_kind = pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])

OPTIONS = [
    ("AutoRegressor", {"standardize": "differences", "target_columns": 0}),
    ("TDNNRegressor", {"n_lags": (2, 0, 3), "hidden_layer_sizes": (4, 3)}),
    ("TDNNRegressor", {"skip": "linear", "activation": "logistic"}),
    ("TDNNRegressor", {"activation": "relu", "n_init": 2, "n_ensemble": 2}),
    ("TDNNRegressor", {"standardize": "differences", "target_columns": 1}),
    ("RNNRegressor", {"activation": "relu"}),
    *[
        (name, params)
        for name in RECURRENT
        for params in (
            {"hidden_layer_sizes": (4, 1, 3), "dropout": 0.2, "solver": "adam"},
            {"initial_state": "learned", "alpha": 0.0},
            {"skip": "linear", "skip_lags": 2, "n_init": 2, "n_ensemble": 2},
            {"standardize": "differences", "target_columns": 0, "skip": "linear"},
        )
    ],
]


def run(module, X):
    with torch.no_grad():
        return module(torch.from_numpy(np.ascontiguousarray(X))).numpy()


# -------------------------------------------------------------------------------- there
@each
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("form", ["rows", "array", "array, y per step", "table"])
def test_it_predicts_the_same(name, form, n_outputs):
    X, y, params = forms(n_outputs)[form]
    model = make(name, carry_state=False, **params).fit(X, y)
    cube = X[None] if form == "table" else X.reshape(12, 6, 2)
    found, expected = run(to_torch(model), cube), model.predict(X)
    assert_near(found.reshape(expected.shape), expected, 1e-10)
    if form != "table":
        assert found.shape == expected.shape


@pytest.mark.parametrize(
    ("name", "params"), OPTIONS, ids=lambda part: str(part).replace(" ", "")
)
def test_options(name, params):
    X, y, _ = forms(2)["array, y per step"]
    lags = {"lags": True} if name == "TDNNRegressor" else {}
    lags = {"n_lags": 2} if name == "AutoRegressor" else lags
    model = make(name, **lags | params).fit(X, y)
    module = to_torch(model)
    X = np.concatenate([X, X], axis=1)
    for part in (X, X[:1], X[:, :6]):
        assert_near(run(module, part), model.predict(part), 1e-10)


def test_single_precision():
    X, y, _ = forms()["array"]
    model = GRURegressor(**SMALL).fit(X.astype(np.float32), y.astype(np.float32))
    found = run(to_torch(model), X.astype(np.float32))
    assert found.dtype == np.float32
    assert_near(found, model.predict(X.astype(np.float32)), 1e-5)


def test_what_is_trained_here_can_be_trained_on_there():
    X, y, _ = forms(2)["array, y per step"]
    params = {"standardize": "differences", "target_columns": 0, "skip": "linear"}
    model = GRURegressor(initial_state="learned", **SMALL, **params).fit(X, y)
    module = to_torch(model).train()
    loss = ((module(torch.from_numpy(X)) - torch.from_numpy(y)) ** 2).mean()
    loss.backward()
    trained = {n for n, p in module.named_parameters() if p.requires_grad}
    assert all(module.get_parameter(n).grad is not None for n in trained)
    # The network's, with two biases for one of the gates r and z of four units, and not
    # the path that holds the levels.
    n_trained = sum(module.get_parameter(n).numel() for n in trained)
    assert n_trained == len(model._theta) + 2 * 4


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (NARXRegressor(n_input_lags=1, **SMALL), "feeds its outputs back"),
        (RNNRegressor(activation="logistic", **SMALL), "activation='logistic'"),
        (RNNRegressor(recurrence="integrator", **SMALL), "recurrence='integrator'"),
        (RNNRegressor(recurrence="residual", **SMALL), "'residual'"),
        (LSTMRegressor(initial_state="estimated", washout=2, **SMALL), "estimated"),
    ],
)
def test_what_torch_does_not_hold(model, match):
    X, y, _ = forms()["array, y per step"]
    with pytest.raises(ValueError, match=match):
        to_torch(model.fit(X, y))


# --------------------------------------------------------------------------------- back
def modules(kind, n_layers=2, dtype=torch.float64, **options):
    torch.manual_seed(0)
    options = {"batch_first": True, "dtype": dtype} | options
    recurrent = getattr(torch.nn, kind)(3, 5, num_layers=n_layers, **options)
    return recurrent, torch.nn.Linear(5, 2, dtype=dtype)


@each_kind
@pytest.mark.parametrize("last_step", [False, True])
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"n_layers": 1}])
def test_from_torch(kind, last_step, options):
    recurrent, linear = modules(kind, **options)
    model = from_torch(recurrent, linear, last_step=last_step)
    X = np.random.default_rng(0).standard_normal((4, 9, 3))
    with torch.no_grad():
        y = linear(recurrent(torch.from_numpy(X))[0]).numpy()
    y = y[:, -1] if last_step else y
    assert_near(model.predict(X), y, 1e-10)
    assert_near(np.stack(list(model.predict(list(X)))), y, 1e-10)
    assert_near(run(to_torch(model), X), y, 1e-10)
    assert model.score(X, y) == pytest.approx(1)
    assert_near(pickle.loads(pickle.dumps(model)).predict(X), y, 1e-10)


@each_kind
def test_steps_first_and_single_precision(kind):
    recurrent, linear = modules(kind, batch_first=False, dtype=torch.float32)
    X = np.random.default_rng(0).standard_normal((4, 9, 3)).astype(np.float32)
    with torch.no_grad():
        y = linear(recurrent(torch.from_numpy(X.transpose(1, 0, 2)))[0]).numpy()
    found = from_torch(recurrent, linear).predict(X)
    assert found.dtype == np.float32
    assert_near(found, y.transpose(1, 0, 2), 1e-5)


def test_what_comes_from_torch_knows_states_and_relu():
    recurrent, linear = modules("RNN", nonlinearity="relu")
    model = from_torch(recurrent, linear)
    assert model.activation == "relu"
    X = np.random.default_rng(0).standard_normal((4, 9, 3))
    state = model.warm_up(X[:, :5])
    rest = model.predict(X[:, 5:], state=state)
    assert_near(rest, model.predict(X)[:, 5:], 1e-10)


def test_what_comes_from_torch_can_be_trained_on():
    model = from_torch(*modules("GRU"))
    X = np.random.default_rng(0).standard_normal((4, 9, 3))
    y = model.predict(X)
    model.set_params(warm_start=True, max_iter=5, early_stopping=False).fit(X, y)
    assert model.loss_ < 1e-20  # it began where it was
    with pytest.raises(ValueError, match="channel"):
        from_torch(*modules("GRU")).predict(X[..., :2])


def test_quantiles_have_no_residuals():
    recurrent = torch.nn.GRU(1, 4, dtype=torch.float64)
    model = from_torch(recurrent, torch.nn.Linear(4, 1, dtype=torch.float64))
    X = [np.arange(10.0)[:, None]]
    assert model.forecast(X, 3)[0].shape == (3, 1)
    with pytest.raises(ValueError, match="taken from torch"):
        model.forecast(X, 3, quantiles=(0.1, 0.9))


@pytest.mark.parametrize(
    ("recurrent", "linear", "error", "match"),
    [
        (torch.nn.Linear(3, 5), torch.nn.Linear(5, 2), TypeError, "RNN, GRU or LSTM"),
        (torch.nn.GRU(3, 5), torch.nn.ReLU(), TypeError, "torch.nn.Linear"),
        (torch.nn.GRU(3, 5), torch.nn.Linear(4, 2), ValueError, "4 columns"),
        (
            torch.nn.GRU(3, 5, bidirectional=True),
            torch.nn.Linear(10, 2),
            ValueError,
            "bidirectional",
        ),
        (torch.nn.LSTM(3, 5, proj_size=2), torch.nn.Linear(2, 2), ValueError, "proj"),
        (torch.nn.GRU(3, 5), torch.nn.Linear(5, 2).double(), ValueError, "float64"),
        (torch.nn.GRU(3, 5).half(), torch.nn.Linear(5, 2).half(), ValueError, "16"),
    ],
)
def test_what_cannot_come_from_torch(recurrent, linear, error, match):
    with pytest.raises(error, match=match):
        from_torch(recurrent, linear)
