"""What is not accepted is said clearly, and leaves the estimator as it was."""

import pickle

import numpy as np
import pytest
from estimators import NAMES, NETWORKS, filtered, make
from helpers import optional
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError

pd = optional("pandas")

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((8, 6))
CUBE = RNG.standard_normal((8, 6, 2))
RECORDS = [RNG.standard_normal((n, 2)) for n in (6, 9, 5)]
PER_STEP = [filtered(u) for u in RECORDS]
TABLE = RNG.standard_normal((30, 2))
TABLE_Y = filtered(TABLE)
FRAME = pd.DataFrame({"u": TABLE[:, 0], "id": np.repeat([1, 2, 1], 10)})

IN_TIME = {"time_axis": 0, "lags": True}
IN_RECORDS = IN_TIME | {"sequence_column": "id"}
LAGS = {"lags": True}


def with_value(value, X=ROWS):
    X = X.astype(object if isinstance(value, str) else np.result_type(X, value))
    X[1, 2] = value
    return X


#: name: (parameters, X, y, sample_weight, what the message says)
FITS = {
    "lengths of rows": ({}, ROWS, np.ones(7), None, "X has 8 sequences, y has 7"),
    "lengths of lists": (LAGS, RECORDS, PER_STEP[:2], None, "3 sequences, y has 2"),
    "lengths of one record": (
        *(LAGS, RECORDS, [PER_STEP[0], PER_STEP[1][:-2], PER_STEP[2]], None),
        "Record 1: X has 9 steps, y has 7",
    ),
    "lengths of a table": (IN_TIME, TABLE, TABLE_Y[:-1], None, "30 rows, y has 29"),
    "steps of a 3-D y": ({}, CUBE, np.ones((8, 5, 1)), None, "X has 6 steps, y has 5"),
    "4-D y": ({}, ROWS, np.ones((8, 6, 1, 1)), None, r"shape \(8, 6, 1, 1\)"),
    "4-D X": ({}, CUBE[None], np.ones(1), None, "4"),
    "1-D X": ({}, ROWS[0], np.ones(6), None, "Expected 2D array, got 1D array"),
    "no y": ({}, ROWS, None, None, "requires y to be passed"),
    "list mixed with 1-D": (
        *(LAGS, [RECORDS[0], RECORDS[1][:, 0]], np.ones(2), None),
        r"element 1 has 1 dimension",
    ),
    "list mixed with a number": (
        *(LAGS, [3.0, RECORDS[0]], np.ones(2), None),
        r"^X is a list .* \[0, 2\] dimensions\..*list of 2-D arrays",
    ),
    "empty record": (
        *(LAGS, [RECORDS[0], RECORDS[1][:0]], np.ones(2), None),
        r"X\[1\] is empty: shape \(0, 2\)",
    ),
    "empty 3-D": ({}, CUBE[:, :0], np.ones(8), None, r"shape \(8, 0, 2\)"),
    "channels that differ": (
        *(LAGS, [RECORDS[0], RECORDS[1][:, :1]], np.ones(2), None),
        r"X\[0\] has 2, X\[1\] has 1",
    ),
    "outputs that differ": (
        *(LAGS, RECORDS[:2], [PER_STEP[0], PER_STEP[1][:, None]], None),
        r"Record 1 of y has shape \(9, 1\), record 0 \(6,\)",
    ),
    "n_channels that does not divide": (
        *({"n_channels": 4}, ROWS, np.ones(8), None),
        "n_channels=4 does not divide the 6 columns",
    ),
    "n_channels against 3-D": (
        *({"n_channels": 3}, CUBE, np.ones(8), None),
        "n_channels=3, but the records have 2 channels",
    ),
    "sequence_column without a table": (
        *({"sequence_column": 0}, ROWS, np.ones(8), None),
        "needs time_axis=0",
    ),
    "n_channels of a table": (
        *(IN_TIME | {"n_channels": 2}, TABLE, TABLE_Y, None),
        "n_channels=2 describes rows that hold several steps",
    ),
    "values that cannot be squared": (
        *({"standardize": False}, ROWS, 1e200 * ROWS[:, 0], None),
        r"too large to square: up to \d.*e\+200",
    ),
    "list as a table": (IN_TIME, RECORDS, PER_STEP, None, "must be one 2-D array"),
    "3-D as a table": (IN_TIME, CUBE, np.ones(8), None, "must be one 2-D array"),
    "column that is not there": (
        *(IN_TIME | {"sequence_column": "run"}, FRAME, TABLE_Y, None),
        r"'run' is not a column of X, which has \['u', 'id'\]",
    ),
    "name without names": (
        IN_RECORDS,
        FRAME.to_numpy(),
        TABLE_Y,
        None,
        "no column name",
    ),
    "index out of range": (
        *(IN_TIME | {"sequence_column": 5}, TABLE, TABLE_Y, None),
        "sequence_column=5 is out of range for X with 2 columns",
    ),
    "nothing but the column": (
        *(IN_RECORDS, FRAME[["id"]], TABLE_Y, None),
        "no column besides",
    ),
    "id that comes back": (
        *(IN_RECORDS, FRAME, TABLE_Y, None),
        "returns to 1 at row 20",
    ),
    "id that is NaN": (
        *(IN_RECORDS, FRAME.assign(id=np.nan), TABLE_Y, None),
        "sequence column contains NaN",
    ),
    "NaN": ({}, with_value(np.nan), np.ones(8), None, "Input X contains NaN"),
    "infinity": ({}, with_value(np.inf), np.ones(8), None, "X contains infinity"),
    "complex": ({}, with_value(1j), np.ones(8), None, "Complex data not supported"),
    "string": ({}, with_value("a"), np.ones(8), None, "could not convert string"),
    "NaN in a record": (
        *(LAGS, [RECORDS[0], with_value(np.nan, RECORDS[1].T).T], np.ones(2), None),
        r"X\[1\] contains NaN",
    ),
    "NaN in y": ({}, ROWS, with_value(np.nan)[:, 2], None, "Input y contains NaN"),
    "NaN in a record of y": (
        *(LAGS, RECORDS, [PER_STEP[0], PER_STEP[1] * np.nan, PER_STEP[2]], None),
        r"y\[1\] contains NaN",
    ),
    "NaN in 3-D": ({}, CUBE * np.nan, np.ones(8), None, "Input X contains NaN"),
    "NaN in a table": (IN_TIME, TABLE * np.nan, TABLE_Y, None, "X contains NaN"),
    "infinity in y": ({}, ROWS, with_value(np.inf)[:, 2], None, "y contains infinity"),
    "complex in 3-D": ({}, CUBE + 1j, np.ones(8), None, "Complex data not supported"),
    "complex record": (LAGS, [r + 1j for r in RECORDS], PER_STEP, None, "Complex data"),
    "complex y": ({}, ROWS, np.ones(8) + 1j, None, "Complex data not supported"),
    "string in a record": (
        *(LAGS, [RECORDS[0], np.full((5, 2), "a", object)], np.ones(2), None),
        "could not convert string",
    ),
    "string in y": ({}, ROWS, np.array(list("abcdefgh")), None, "convert string"),
    "y for all steps in one": (
        *(LAGS, RECORDS, np.concatenate(PER_STEP), None),
        "X has 3 sequences, y has 20",
    ),
    "y with another number of steps": (
        *(LAGS, RECORDS, np.ones((3, 6, 1)), None),
        "Record 1: X has 9 steps, y has 6",
    ),
    "y in records for an array": (
        *({}, CUBE, [np.ones((6, 1))] * 8, None),
        r"\by\b.*list",
    ),
    "y in records for a table": (
        *(IN_TIME, TABLE, [TABLE_Y[:10], TABLE_Y[10:]], None),
        r"\by\b.*\(n_steps,\)",
    ),
    "y of records and numbers": (
        *(LAGS, RECORDS, [PER_STEP[0], 3.0, PER_STEP[2]], None),
        "^y is a list that mixes numbers and arrays",
    ),
    "y of numbers and records": (
        *(LAGS, RECORDS, [3.0, PER_STEP[1], PER_STEP[2]], None),
        "^y is a list that mixes numbers and arrays",
    ),
    "rows of different lengths": (
        *({}, [np.ones(4), np.ones(5)], np.ones(2), None),
        "list of 2-D arrays",
    ),
    "nothing": ({}, ROWS[:0], np.ones(0), None, r"0 sample\(s\) \(shape=\(0, 6\)"),
    "id that is missing": (
        IN_RECORDS,
        FRAME.assign(id=pd.array([pd.NA] * 30, dtype="string")),
        *(TABLE_Y, None, "sequence column contains"),
    ),
    "NaN weight": ({}, ROWS, np.ones(8), np.full(8, np.nan), "sample_weight contains"),
    "weights per step of records": (
        *(LAGS, RECORDS, PER_STEP, np.ones(20)),
        r"\(20,\), expected \(3,\)",
    ),
    "weights per step in records": (
        *(LAGS, RECORDS, np.ones(3), [np.ones(len(y)) for y in PER_STEP]),
        r"one number per sequence, 3 in all .*; got 3 elements of shapes \(6,\), ",
    ),
    "sparse table of records": (
        IN_TIME | {"sequence_column": 0},
        *(csr_array(TABLE), TABLE_Y, None, "Sparse data was passed for X"),
    ),
    "sparse record": (
        *(LAGS, [csr_array(u) for u in RECORDS], PER_STEP, None),
        r"Sparse data was passed for X\[0\]",
    ),
    "negative weight": ({}, ROWS, np.ones(8), -np.ones(8), "[Nn]egative values"),
    "zero weights": ({}, ROWS, np.ones(8), np.zeros(8), "zero"),
    "wrong number of weights": ({}, ROWS, np.ones(8), np.ones(7), r"\(7,\)"),
    "washout of everything": (
        *(IN_TIME | {"washout": 30}, TABLE, TABLE_Y, None),
        "washout=30 leaves no step .* 30 step",
    ),
    "washout of the last step": (
        *({"washout": 6}, ROWS, np.ones(8), None),
        "washout=6 leaves no step .* 6 step",
    ),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", FITS)
@pytest.mark.filterwarnings("ignore:.*complex.*")
def test_fit_refuses(name, case):
    params, X, y, weight, message = FITS[case]
    model = make(name).fit(ROWS, ROWS[:, 0])
    model.set_params(**make(name, **params).get_params())
    before = pickle.dumps(model.__dict__)
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(X, y, sample_weight=weight)
    assert pickle.dumps(model.__dict__) == before


#: name: (parameters, what is out of range)
HYPER_PARAMETERS = [
    ({"time_axis": 2}, "time_axis"),
    ({"washout": -1}, "washout"),
    ({"n_channels": 0}, "n_channels"),
    ({"standardize": "yes"}, "standardize"),
    ({"alpha": -1.0}, "alpha"),
]
OF_NETWORKS = [
    ({"loss": "log"}, "loss"),
    ({"solver": "sgd"}, "solver"),
    ({"quantile": 1.0}, "quantile"),
    ({"huber_delta": 0.0}, "huber_delta"),
    ({"max_iter": 0}, "max_iter"),
    ({"tol": -1.0}, "tol"),
    ({"batch_size": 0}, "batch_size"),
    ({"learning_rate_init": 0.0}, "learning_rate_init"),
    ({"validation_fraction": 1.0}, "validation_fraction"),
    ({"n_iter_no_change": 0}, "n_iter_no_change"),
    ({"n_iter_no_change": "long"}, "n_iter_no_change"),
    ({"max_time": 0}, "max_time"),
    ({"learning_rate": "invscaling"}, "learning_rate"),
    ({"max_grad_norm": 0.0}, "max_grad_norm"),
    ({"hidden_layer_sizes": (4, 0)}, r"hidden_layer_sizes .* \(4, 0\)"),
    ({"hidden_layer_sizes": (4, 2.5)}, r"hidden_layer_sizes .* \(4, 2.5\)"),
]
OF_ONE = [
    ("AutoRegressor", {"n_lags": 0}, "n_lags"),
    ("TDNNRegressor", {"n_lags": -1}, "n_lags"),
    ("TDNNRegressor", {"n_lags": (1, 2, 3)}, r"2 non-negative ints.*\(1, 2, 3\)"),
    ("TDNNRegressor", {"activation": "sine"}, "activation"),
    ("TDNNRegressor", {"dropout": 1.0}, "dropout"),
    ("NARXRegressor", {"n_output_lags": -1}, "n_output_lags"),
    ("NARXRegressor", {"feedback": "none"}, "feedback"),
    ("RNNRegressor", {"recurrence": "lstm"}, "recurrence"),
    ("RNNRegressor", {"hidden_layer_sizes": ()}, "at least 1 of them"),
    ("LSTMRegressor", {"bptt_steps": 1}, "bptt_steps"),
    ("GRURegressor", {"solver": "lbfgs", "dropout": 0.1}, "needs solver='adam'"),
    ("LSTMRegressor", {"time_scale": 1.5}, "time_scale"),
    ("LSTMRegressor", {"solver": "lm", "loss": "huber"}, "a sum of squares; got loss="),
    ("NARXRegressor", {"solver": "lm", "loss": "quantile"}, "a sum of squares"),
    ("TDNNRegressor", {"solver": "lm", "dropout": 0.1}, "needs solver='adam'"),
]
CASES = [(name, *case) for name in NAMES for case in HYPER_PARAMETERS]
CASES += [(name, *case) for name in NETWORKS for case in OF_NETWORKS] + OF_ONE


@pytest.mark.parametrize("name, params, message", CASES)
def test_hyper_parameters_out_of_range(name, params, message):
    model = make(name).fit(ROWS, ROWS[:, 0])
    before = dict(model.__dict__) | params
    model.set_params(**params)
    with pytest.raises(ValueError, match=message):
        model.fit(ROWS, ROWS[:, 0])
    assert model.__dict__ == before


def test_derivatives_that_do_not_fit_into_memory(monkeypatch):
    monkeypatch.setattr("sk_rnn.estimators._training.MOST_DERIVATIVES", 1000)
    with pytest.raises(
        ValueError, match=r"would hold .* derivatives .* small networks"
    ):
        make("GRURegressor", solver="lm").fit(ROWS, ROWS[:, 0])


LAG_NAMES = {
    "AutoRegressor": "n_lags",
    "TDNNRegressor": "n_lags",
    "NARXRegressor": "n_input_lags",
}


@pytest.mark.parametrize("name", LAG_NAMES)
def test_lags_must_be_given_where_rows_have_no_fixed_length(name):
    lag_name = LAG_NAMES[name]
    for params, X, y in (({}, RECORDS, PER_STEP), ({"time_axis": 0}, TABLE, TABLE_Y)):
        with pytest.raises(ValueError, match=f"set {lag_name}"):
            make(name, **params).fit(X, y)


@pytest.mark.parametrize("name", LAG_NAMES)
def test_records_shorter_than_the_lags(name):
    model = make(name, **{LAG_NAMES[name]: 7})
    needed = 7 if name == "AutoRegressor" else 8
    message = rf"Record 0 has 6 step\(s\), but the lags reach over {needed}"
    with pytest.raises(ValueError, match=message):
        model.fit(RECORDS, PER_STEP)
    long = [np.concatenate([x] * 3) for x in RECORDS]
    model.fit(long, [filtered(x) for x in long])
    before = pickle.dumps(model.__dict__)
    for method in (model.predict, lambda X: model.forecast(X, 2)):
        with pytest.raises(ValueError, match="6 step|one output per channel"):
            method(RECORDS)
    assert pickle.dumps(model.__dict__) == before


@pytest.mark.parametrize("name", LAG_NAMES)
def test_the_record_that_is_too_short_is_named(name):
    X = [RNG.standard_normal((n, 1)) for n in (20, 21, 22, 5, 23)]
    y = [filtered(x) for x in X]
    model = make(name, **{LAG_NAMES[name]: 9})
    message = r"Record 3 has 5 step\(s\)"
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    with pytest.raises(ValueError, match=r"Record 1 has 5 step\(s\)"):
        model.fit(X[::-1], y[::-1])
    model.fit(X[:3], y[:3])
    with pytest.raises(ValueError, match=message):
        model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.score(X, y)
    with pytest.raises(ValueError, match=message):
        model.set_params(target_columns=0).forecast(X, 2)
    model.set_params(target_columns=None)
    ids = np.repeat(np.arange(5), [len(x) for x in X])
    table = np.column_stack([ids, np.concatenate(X)])
    model.set_params(time_axis=0, sequence_column=0)
    with pytest.raises(ValueError, match=message):
        model.fit(table, np.concatenate(y))


@pytest.mark.parametrize("name", NAMES)
def test_predict_needs_the_channels_that_fit_saw(name):
    """As many columns are not as many channels."""
    six_channels = RNG.standard_normal((8, 5, 6))
    cases = (
        (make(name, lags=True).fit(six_channels, ROWS[:, 0]), ROWS),
        (make(name, lags=True).fit(ROWS, ROWS[:, 0]), six_channels),
        (make(name, lags=True).fit(ROWS, ROWS[:, 0]), list(six_channels)),
    )
    for model, X in cases:
        before = pickle.dumps(model.__dict__)
        for method in (model.predict, lambda X, m=model: m.score(X, ROWS[:, 0])):
            with pytest.raises(ValueError, match="1 channel|6 channel|X is 2-D"):
                method(X)
        assert pickle.dumps(model.__dict__) == before


@pytest.mark.parametrize("name", NAMES)
def test_one_record_is_not_many_sequences_of_one_step(name):
    records = [u[:, :1] for u in RECORDS]
    model = make(name, lags=True).fit(records, PER_STEP)
    with pytest.raises(ValueError, match=r"X is 2-D, \(9, 1\).* passed as \[X\]"):
        model.predict(records[1])
    assert len(model.predict([records[1]])[0]) == 9
    model.fit(np.stack([u[:5] for u in records]), np.ones(3))
    with pytest.raises(ValueError, match=r"X is 2-D, \(5, 1\).* passed as \[X\]"):
        model.predict(records[0][:5])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["predict", "score", "forecast"])
def test_an_unfitted_estimator_says_so(name, method):
    other = {"score": (ROWS[:, 0],), "forecast": (2,)}.get(method, ())
    with pytest.raises(NotFittedError):
        getattr(make(name), method)(ROWS, *other)


#: name: (parameters, X and y to fit, X to predict, what the message says)
PREDICTS = {
    "columns of rows": ({}, ROWS, ROWS[:, 0], ROWS[:, :5], "X has 5 features.*6"),
    "channels of 3-D": ({}, CUBE, ROWS[:, 0], CUBE[..., :1], "X has 1 channel.*2"),
    "columns of a table": (IN_TIME, TABLE, TABLE_Y, TABLE[:, :1], "1 features.*2"),
    "NaN in rows": ({}, ROWS, ROWS[:, 0], ROWS * np.nan, "X contains NaN"),
    "NaN in 3-D": ({}, CUBE, ROWS[:, 0], CUBE * np.nan, "X contains NaN"),
    "NaN in a table": (IN_TIME, TABLE, TABLE_Y, TABLE * np.nan, "X contains NaN"),
    "list as a table": (IN_TIME, TABLE, TABLE_Y, [TABLE], "must be one 2-D array"),
    "ids that come back": (
        *(IN_TIME | {"sequence_column": 0}, TABLE // 10, TABLE_Y),
        *(np.column_stack([np.tile([0, 1], 15), TABLE_Y]), "returns to 0.0 at row 2"),
    ),
    "column that is gone": (
        *(IN_RECORDS, FRAME[:20], TABLE_Y[:20], FRAME[["u"]][:20]),
        "feature names should match",
    ),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", PREDICTS)
def test_predict_refuses_other_data(name, case):
    params, X, y, new, message = PREDICTS[case]
    if case == "ids that come back":
        X = np.column_stack([np.repeat([0, 1], 15), TABLE[:, 1]])
    model = make(name, **params).fit(X, y)
    before = pickle.dumps(model.__dict__)
    for method in (model.predict, lambda X: model.score(X, y[: len(X)])):
        with pytest.raises(ValueError, match=message):
            method(new)
    assert pickle.dumps(model.__dict__) == before


@pytest.mark.parametrize("name", NAMES)
def test_predict_refuses(name):
    model = make(name, lags=True).fit(RECORDS, PER_STEP)
    before = pickle.dumps(model.__dict__)
    with pytest.raises(ValueError, match="has 3 features.*expecting 2"):
        model.predict([np.ones((5, 3))])
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict([np.full((5, 2), np.nan)])
    with pytest.raises(ValueError, match="fit saw 1 per step"):
        model.score(RECORDS, np.ones(3))
    with pytest.raises(ValueError, match="fit saw 1 per step"):
        model.score(RECORDS, [np.ones((len(x), 2)) for x in RECORDS])
    with pytest.raises(ValueError, match=r"2 channel\(s\) and 1 output"):
        model.forecast(RECORDS, 3)
    assert pickle.dumps(model.__dict__) == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_steps", [0, -1, 2.5])
def test_forecast_needs_a_number_of_steps(name, n_steps):
    model = make(name).fit(ROWS, ROWS[:, 0])
    with pytest.raises(ValueError, match="n_steps"):
        model.forecast(ROWS, n_steps)
