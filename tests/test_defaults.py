"""What the defaults choose: penalty, solver, windows, and whether to hold data out."""

import numpy as np
import pytest
from estimators import NETWORKS, forms
from sklearn.exceptions import ConvergenceWarning

import sk_rnn
from sk_rnn import GRURegressor, RNNRegressor, TDNNRegressor
from sk_rnn.solvers import LBFGS
from sk_rnn.training._descent import PENALTIES

each = pytest.mark.parametrize("name", NETWORKS)


def noisy(n, rng, noise=1.0):
    """Rows of ten values, the newest of which matter."""
    X = rng.standard_normal((n, 10))
    return X, X[:, -1] + 0.5 * X[:, -2] + noise * rng.standard_normal(n)


def behind(x):
    """What was at the input one step before."""
    return np.roll(x[:, 0], 1)


# ------------------------------------------------------------------------- penalties
@pytest.mark.parametrize("seed", range(3))
def test_noise_asks_for_a_strong_penalty(seed):
    X, y = np.split(np.random.default_rng(seed).standard_normal((120, 11)), [10], 1)
    model = TDNNRegressor(random_state=0).fit(X, y[:, 0])
    assert model.alpha_ == PENALTIES[0] == model.restarts_[0]["alpha"]


@each
def test_what_has_no_noise_asks_for_a_weak_one(name):
    rng = np.random.default_rng(0)
    X, y = noisy(300, rng, noise=0.0)
    model = getattr(sk_rnn, name)(hidden_layer_sizes=4, random_state=0, max_iter=3000)
    model.fit(X, np.tanh(y))
    assert model.alpha_ < PENALTIES[0]


def test_the_descents_are_those_of_each_penalty_in_turn():
    """By hand: each goes on from the best parameters of those before."""
    rng = np.random.default_rng(0)
    X, y = noisy(120, rng, noise=0.1)
    params = {"hidden_layer_sizes": 4, "random_state": 0, "early_stopping": True}
    model = TDNNRegressor(**params).fit(X, y)
    hand, curve = TDNNRegressor(**params, warm_start=True), []
    best = [np.inf]
    for alpha in PENALTIES:
        hand.set_params(alpha=alpha).fit(X, y)
        curve += hand.loss_curve_
        best.append(min(best[-1], *hand.validation_loss_curve_))
        if best[-1] > (1 - 1e-4) * best[-2]:
            break
    assert model.loss_curve_ == pytest.approx(curve, rel=1e-6)
    assert min(model.validation_loss_curve_) == pytest.approx(best[-1], rel=1e-6)


def test_a_penalty_of_ones_own_is_the_only_one():
    X, y = noisy(60, np.random.default_rng(0))
    model = TDNNRegressor(alpha=0.3, max_iter=20, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert model.alpha_ == 0.3 and model.validation_loss_curve_ is None
    model.set_params(early_stopping=True).fit(X, y)
    assert model.alpha_ == 0.3 and model.validation_loss_curve_ is not None


def test_no_penalty_follows_where_the_iterations_are_used_up():
    X, y = noisy(60, np.random.default_rng(0), noise=0.0)
    params = {"solver": "adam", "learning_rate": "cooldown", "max_iter": 3}
    model = TDNNRegressor(random_state=0, **params).fit(X, y)
    assert model.n_iter_ == 3 and model.alpha_ == PENALTIES[0]


@pytest.mark.parametrize("alpha", ["auto", 1e-4])
def test_a_warm_start_is_not_worse_than_what_it_began_with(alpha):
    X, y = noisy(100, np.random.default_rng(1))
    params = {"early_stopping": True, "warm_start": True, "random_state": 0}
    model = GRURegressor(hidden_layer_sizes=4, alpha=alpha, **params).fit(X, y)
    before, alpha_ = min(model.validation_loss_curve_), model.alpha_
    model.set_params(solver="adam", learning_rate_init=3.0, max_iter=5)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert model.restarts_[0]["validation_loss"] == pytest.approx(before, rel=1e-9)
    assert model.alpha_ == alpha_


# --------------------------------------------------------------------- what is held out
@pytest.mark.parametrize("form", forms())
def test_what_is_too_little_is_all_trained_on(form):
    X, y, params = forms()[form]
    params = {key: value for key, value in params.items() if key != "lags"}
    model = GRURegressor(hidden_layer_sizes=3, random_state=0, **params).fit(X, y)
    targets = sum(map(np.size, y)) if isinstance(y, list) else np.size(y)
    assert (model.validation_loss_curve_ is None) == (targets < 40)
    if targets < 40:
        assert model.alpha_ == PENALTIES[0]


def test_what_cannot_be_held_out_is_all_trained_on():
    X, y, params = forms()["table"]
    weight = np.r_[np.ones(50), np.zeros(10)]  # nothing counts at the end
    model = TDNNRegressor(n_lags=2, time_axis=0, hidden_layer_sizes=3, random_state=0)
    assert model.fit(X, y).validation_loss_curve_ is not None
    assert model.fit(X, y, weight).validation_loss_curve_ is None
    with pytest.raises(ValueError, match="validation part of the data has a positive"):
        model.set_params(early_stopping=True).fit(X, y, weight)


# --------------------------------------------------------------------- solver, windows
def test_much_data_is_for_adam():
    rng = np.random.default_rng(0)
    few = rng.standard_normal((90, 400, 1))
    small = {"hidden_layer_sizes": 1, "max_iter": 1, "random_state": 0, "alpha": 1.0}
    model = RNNRegressor(**small)
    with pytest.warns(ConvergenceWarning):
        assert model.fit(few, few[:, -2, 0]).solver_ == "lbfgs"  # few sequences
        many = rng.standard_normal((110, 300, 1))
        assert model.fit(many, many[:, -2, 0]).solver_ == "adam"
        assert model.fit(many[:, :200], many[:, -2, 0]).solver_ == "lbfgs"
        model.set_params(dropout=0.1)
        assert model.fit(many[:, :9], many[:, -2, 0]).solver_ == "adam"
        model.set_params(dropout=0, solver="lbfgs")
        assert model.fit(many, many[:, -2, 0]).solver_ == "lbfgs"


@pytest.mark.parametrize(
    "n_steps, params, expected",
    [
        (2499, {}, None),
        (2500, {}, 500),
        (4500, {"time_scale": 200.0}, 800),
        (4500, {"washout": 150}, 600),
        (4500, {"skip": "linear", "skip_lags": 130}, 520),
        (4500, {"bptt_steps": None}, None),
        (4500, {"bptt_steps": 60}, 60),
    ],
)
def test_long_records_are_cut_into_windows(n_steps, params, expected):
    x = np.random.default_rng(0).standard_normal((n_steps, 1))
    model = RNNRegressor(hidden_layer_sizes=1, max_iter=1, alpha=1.0, **params)
    with pytest.warns(ConvergenceWarning):
        model.set_params(random_state=0).fit([x], [behind(x)])
        assert model.bptt_steps_ == expected
        explicit = model.loss_
        model.set_params(bptt_steps=expected).fit([x], [behind(x)])
        assert model.loss_ == explicit


def test_records_with_one_target_are_read_whole():
    x = np.random.default_rng(0).standard_normal((4500, 1))
    model = RNNRegressor(hidden_layer_sizes=1, max_iter=1, alpha=1.0, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit([x, x[1:]], [1.0, 2.0])
    assert model.bptt_steps_ is None


def test_held_out_ends_of_windows_are_read_from_a_window_before(monkeypatch):
    x = np.random.default_rng(0).standard_normal((5000, 1))
    model = RNNRegressor(hidden_layer_sizes=1, max_iter=1, early_stopping=True)
    model.set_params(random_state=0, alpha=1.0)
    with pytest.warns(ConvergenceWarning):
        model.fit([x], [behind(x)])
    loss = model.validation_loss_curve_[0]
    error = (model.predict([x[4000:]])[0] - behind(x)[4000:])[500:]
    assert loss == pytest.approx(
        0.5 * np.mean(error**2) / model._y_scaler.scale[0] ** 2
    )


def test_a_decomposition_that_fails_ends_training_with_a_warning(monkeypatch):
    """LAPACK's divide and conquer does so on rare matrices, all of them finite."""
    from scipy.optimize._lsq import trf

    X, y = noisy(50, np.random.default_rng(0))
    svd, calls = trf.svd, []

    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) == 4:
            raise np.linalg.LinAlgError("SVD did not converge")
        return svd(*args, **kwargs)

    monkeypatch.setattr(trf, "svd", failing)
    model = GRURegressor(hidden_layer_sizes=2, solver="lm", alpha=0.1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="decomposition .* did not converge"):
        model.fit(X, y)
    assert model.loss_ == min(model.loss_curve_) and np.isfinite(model.predict(X)).all()


def test_patience_bridges_a_plateau():
    assert LBFGS.patience < LBFGS.patience_held_out
