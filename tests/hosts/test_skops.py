"""Saved estimators are read with the types that are named as trusted; no others."""

import numpy as np
import pytest
from estimators import forms
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_persistence import each_option, fitted

import sk_rnn

skops = pytest.importorskip("skops.io", reason="skops is not installed")


@each_option
@pytest.mark.filterwarnings("ignore:initial_state='estimated'")  # only compared
def test_skops_reads_what_it_is_told_to_trust(name, params):
    model, X = fitted(name, params)
    pipeline = make_pipeline(StandardScaler(), model)
    data = skops.dumps(model)
    again = skops.loads(data, trusted=sk_rnn.SKOPS_TRUSTED)
    assert np.array_equal(again.predict(X), model.predict(X))
    assert set(skops.get_untrusted_types(data=data)) <= set(sk_rnn.SKOPS_TRUSTED)
    if params.get("initial_state") != "estimated":
        data = skops.dumps(pipeline.fit(X, forms()["table"][1]))
        again = skops.loads(data, trusted=sk_rnn.SKOPS_TRUSTED)
        assert np.array_equal(again.predict(X), pipeline.predict(X))


def test_a_class_of_your_own_is_not_trusted():
    class Mine(sk_rnn.AutoRegressor):
        pass

    data = skops.dumps(Mine().fit(np.eye(4), np.ones(4)))
    with pytest.raises(skops.exceptions.UntrustedTypesFoundException, match="Mine"):
        skops.loads(data, trusted=sk_rnn.SKOPS_TRUSTED)
