"""scikit-learn's tags say what estimators do, in every form; here it is done."""

import numpy as np
import pytest
from estimators import NAMES
from scipy.sparse import csr_array
from sklearn.decomposition import NMF
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags

import sk_rnn
from sk_rnn.preprocessing import ChannelTransformer

rng = np.random.default_rng(0)
N_SEQUENCES, N_STEPS, N_CHANNELS = 12, 6, 2
ROWS = rng.normal(size=(N_SEQUENCES, N_STEPS))
CUBE = rng.normal(size=(N_SEQUENCES, N_STEPS, N_CHANNELS))
Y = rng.normal(size=(N_SEQUENCES, 2))

FORMS = {
    "default": {},
    "newest first": {"lag_order": "newest_first"},
    "channels first": {"data_format": "channels_first"},
    "table": {"time_axis": 0},
    "panel": {"time_axis": 0, "sequence_column": 0},
    "channels": {"n_channels": 2},
    "missing targets": {"missing_targets": "ignore"},
    "differences": {"standardize": "differences"},
    "differences of two": {"standardize": "differences", "n_channels": 2},
    "a target": {"target_columns": 0},
    "a target in a list": {"target_columns": [0]},
    "two targets": {"target_columns": [0, 1], "n_channels": 2},
    "a target of a table": {"target_columns": 0, "time_axis": 0},
    "two targets of a table": {"target_columns": [0, 1], "time_axis": 0},
    "differences of a target": {"standardize": "differences", "target_columns": 0},
}

LAGS = {
    "AutoRegressor": "n_lags",
    "TDNNRegressor": "n_lags",
    "NARXRegressor": "n_input_lags",
}


def made(name, form, **options):
    """A small estimator; with one lag, as rows of tables have no fixed length."""
    if name != "AutoRegressor":
        options = {"hidden_layer_sizes": 2, "max_iter": 2, "random_state": 0} | options
    if FORMS[form].get("time_axis") == 0 and name in LAGS:
        options[LAGS[name]] = 1
    return getattr(sk_rnn, name)(**FORMS[form], **options)


def takes(estimator, X, y):
    """Whether fit accepts it."""
    try:
        estimator.fit(X, y)
    except (TypeError, ValueError):
        return False
    return True


def forms():
    for name in NAMES:
        for form in FORMS:
            # A NARX is fed back its outputs, and of no form learns changes.
            if name != "NARXRegressor" or "differences" not in form:
                yield name, form


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name, form", list(forms()))
def test_what_is_read_is_what_the_tags_say(name, form):
    estimator = made(name, form)
    tags, X = get_tags(estimator), ROWS
    if "sequence_column" in FORMS[form]:
        X = np.column_stack([np.repeat([0, 1], N_SEQUENCES // 2), ROWS])
    targets = tags.target_tags
    assert takes(estimator, X, Y[:, 0]) is targets.single_output
    assert takes(estimator, X, Y) is targets.multi_output
    assert targets.required and not takes(estimator, X, None)
    y = Y if targets.multi_output else Y[:, 0]
    cube = CUBE if form != "channels first" else CUBE.transpose(0, 2, 1)
    read = tags.input_tags
    assert read.two_d_array and takes(estimator, X, y)
    assert takes(estimator, cube, y) is read.three_d_array
    assert not read.one_d_array and not takes(estimator, X[:, 0], y)
    gaps = np.where(np.arange(X.shape[1]) == 1, np.nan, X)
    assert not read.allow_nan and not takes(estimator, gaps, y)
    assert not read.sparse and not takes(estimator, csr_array(X), y)
    text = np.full(X.shape, "a")
    assert not (read.string or read.categorical) and not takes(estimator, text, y)
    assert not (read.positive_only or targets.positive_only)  # all are of both signs


@pytest.mark.parametrize("name", NAMES)
def test_what_is_needed_and_what_hangs_on_chance(name):
    estimator = made(name, "default")
    tags = get_tags(estimator)
    with pytest.raises(NotFittedError):
        estimator.predict(ROWS)
    assert tags.requires_fit and not tags.no_validation
    first, second = (made(name, "default").fit(ROWS, Y).predict(ROWS) for _ in range(2))
    assert not tags.non_deterministic and np.array_equal(first, second)
    if name != "AutoRegressor":  # how far it comes is for the machine to say
        assert get_tags(estimator.set_params(max_time=9.0)).non_deterministic


@pytest.mark.parametrize(
    "inner",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        SimpleImputer(),
        NMF(1, max_iter=500),
        OneHotEncoder(sparse_output=False),
    ],
    ids=lambda inner: str(inner),
)
def test_a_transformer_of_channels_is_as_the_one_inside(inner):
    model = ChannelTransformer(inner)
    tags, X, text = get_tags(model), np.abs(ROWS), np.array([["a"], ["b"]] * 6)
    read = tags.input_tags
    assert read.two_d_array and takes(model, X, None) and not tags.target_tags.required
    assert read.three_d_array and takes(model, np.abs(CUBE), None)
    assert takes(model, -X, None) is not read.positive_only
    assert takes(model, np.where(X < X.max(), X, np.nan), None) is read.allow_nan
    # scikit-learn 1.6 keeps it back of transformers that take sparse matrices.
    assert takes(model, csr_array(X), None) or not read.sparse
    assert takes(model, text, None) is (read.categorical or read.string)
