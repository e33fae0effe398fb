"""What a type checker knows of the public interface; read by mypy in `make lint`.

A line with ``type: ignore`` is a mistake, and mypy complains where it does not find it.
Nothing here is run.
"""

from typing import Any, assert_type

import numpy as np

import sk_rnn
from sk_rnn import (
    AutoRegressor,
    GRURegressor,
    LSTMRegressor,
    NARXRegressor,
    RNNRegressor,
    State,
    TDNNRegressor,
)
from sk_rnn.datasets import make_narma
from sk_rnn.estimators import RecurrentRegressor
from sk_rnn.export import state_to_onnx, to_onnx
from sk_rnn.inspection import (
    AttributionDisplay,
    HiddenStateDisplay,
    ResidualDisplay,
    attribution,
)
from sk_rnn.layers import Cell, Layer
from sk_rnn.metrics import make_sequence_scorer
from sk_rnn.model_selection import (
    BacktestDisplay,
    BacktestResult,
    PanelTimeSeriesSplit,
    backtest,
)
from sk_rnn.preprocessing import ChannelTransformer, make_windows

X = np.zeros((9, 5))
y = np.zeros(9)
Found = np.ndarray | Any  # an array, unless X is a list


def hyper_parameters() -> None:
    GRURegressor(hidden_layer_sizes=4)
    GRURegressor(hidden_layer_sizes=(4, 4))
    GRURegressor(hidden_layer_sizes=[4, 4])
    GRURegressor(hidden_layer_sizes=np.array([4, 4]))
    GRURegressor(hidden_layer_sizes="a")  # type: ignore[arg-type]
    GRURegressor(hidden_layer_sizes=4.0)  # type: ignore[arg-type]
    GRURegressor(32)  # type: ignore[arg-type, call-arg]
    GRURegressor(n_lags=3)  # type: ignore[call-arg]
    GRURegressor(hiden_layer_sizes=4)  # type: ignore[call-arg]
    GRURegressor(alpha="auto", bptt_steps=None, washout=np.int64(3))
    GRURegressor(alpha="none")  # type: ignore[arg-type]
    GRURegressor(bptt_steps="all")  # type: ignore[arg-type]
    LSTMRegressor(initial_state="estimated", time_scale=np.float32(30), dropout=0)
    LSTMRegressor(initial_state="guessed")  # type: ignore[arg-type]
    LSTMRegressor(random_state=np.random.RandomState(0))
    LSTMRegressor(random_state=np.random.default_rng(0))  # type: ignore[arg-type]
    RNNRegressor(recurrence="residual", activation="relu")
    RNNRegressor(recurrence="gated")  # type: ignore[arg-type]
    TDNNRegressor(n_lags=(3, 0), target_columns=["a", "b"], sequence_column="store")
    TDNNRegressor(data_format="channel_first")  # type: ignore[arg-type]
    NARXRegressor(feedback="predicted", validation="free_run", standardize=False)
    NARXRegressor(standardize="difference")  # type: ignore[arg-type]
    AutoRegressor(n_lags=(1, 2))  # type: ignore[arg-type]


def of_losses_and_solvers() -> None:
    GRURegressor(huber_delta=1, quantile=0.9, max_grad_norm=None)
    GRURegressor(learning_rate="cooldown", learning_rate_init=1e-2)
    GRURegressor(quantile="0.9")  # type: ignore[arg-type]


def fit_and_predict(frames: list[np.ndarray], state: State, flag: bool) -> None:
    model = GRURegressor()
    assert_type(model.fit(X, y), GRURegressor)
    assert_type(AutoRegressor().fit(X.tolist(), y.tolist()), AutoRegressor)
    assert_type(NARXRegressor().fit(X, y, X_val=X, y_val=y), NARXRegressor)
    assert_type(model.fit(X, y).predict(X), Found)
    assert_type(model.predict(X, return_state=True), tuple[Found, State])
    assert_type(model.predict(X, return_state=flag), Found)
    assert_type(model.score(X, y, state=state), float)
    assert_type(model.warm_up(X), State)
    assert_type(model.weights_, dict[str, np.ndarray])
    assert_type(model.coefs_, list[np.ndarray])
    assert_type(model.forecast(X, 3, quantiles=(0.1, 0.9)), Found)
    assert_type(TDNNRegressor().predict(X, state=state), Found)
    assert_type(NARXRegressor().predict(X, y, return_state=True), tuple[Found, State])
    assert_type(NARXRegressor().predict_ahead(X, y, horizon=2), Found)
    assert_type(AutoRegressor().predict(X, True), tuple[Found, Found])
    assert_type(AutoRegressor().predict(X, return_state=True), tuple[Found, State])
    assert_type(sk_rnn.forecast(model, X, 3), Found)
    model.fit(frames, frames).predict(frames)
    model.predict(X).clp(0)  # type: ignore[union-attr]
    model.fit(X)  # type: ignore[call-arg]
    model.fit(X, y, X_valid=X)  # type: ignore[call-arg]
    model.predict(X, state=y)  # type: ignore[call-overload]
    model.predict(X, y)  # type: ignore[call-overload]
    model.predict(X, y_init=y)  # type: ignore[call-overload]
    model.forecast(X)  # type: ignore[call-arg]
    model.forecast(X, "3")  # type: ignore[arg-type]
    model.predict_ahead(X, y)  # type: ignore[attr-defined]
    model.set_params(alpha=1).set_score_request(sample_weight=True).fit(X, y)
    AutoRegressor().fit(X, y, X_val=X)  # type: ignore[call-arg]
    state.n_steps = (3,)  # type: ignore[misc]


def functions(model: GRURegressor, state: State) -> None:
    assert_type(make_narma(100, order=np.int64(5)), tuple[np.ndarray, np.ndarray])
    make_narma(100, 5)  # type: ignore[call-arg]
    assert_type(make_windows(X, 3, (1, 2)), tuple[np.ndarray, np.ndarray])
    make_windows(X, 3, horizons=2)  # type: ignore[call-arg]
    assert_type(attribution(model, X, n_lags=3), np.ndarray)
    assert_type(AttributionDisplay.from_estimator(model, X), AttributionDisplay)
    assert_type(ResidualDisplay.from_estimator(model, X, y), ResidualDisplay)
    ResidualDisplay.from_estimator(model, X)  # type: ignore[call-arg]
    HiddenStateDisplay.from_estimator(model, X, kind="map")  # type: ignore[arg-type]
    assert_type(backtest(model, X, y, horizon=3), BacktestResult)
    backtest(model, X, y)  # type: ignore[call-arg]
    assert_type(backtest(model, X, y, horizon=3).coverage(), float)
    assert_type(PanelTimeSeriesSplit(3, gap=1).get_n_splits(), int)
    PanelTimeSeriesSplit(n_split=3)  # type: ignore[call-arg]
    BacktestDisplay.from_estimator(model, X, y, kind="errors")  # type: ignore[arg-type]
    assert_type(state_to_onnx(model, state), dict[str, np.ndarray])
    to_onnx(model, dtype="float16")  # type: ignore[arg-type]
    assert_type(ChannelTransformer(model).fit(X), ChannelTransformer)
    ChannelTransformer(model).set_output(transform="numpy")  # type: ignore[arg-type]
    assert_type(make_sequence_scorer("r2")(model, X, y), float)
    make_sequence_scorer(r2=1)  # type: ignore[call-arg]


class Leaky(Cell):
    gates = {"z": "hx"}
    blocks = ["c"]  # type: ignore[assignment]


class LeakyRegressor(RecurrentRegressor):
    cell = "leaky"


class Shift(Layer):
    def __init__(self) -> None:
        self.n_in = self.n_out = 1
        self.reach = None
        self.fixed = "no"  # type: ignore[assignment]


def extensions() -> None:
    assert_type(LeakyRegressor(time_scale=9.0).fit(X, y), LeakyRegressor)
    assert_type(Shift().size, int)
    assert_type(Leaky().n_states, int)
