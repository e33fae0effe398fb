"""What an estimator does to itself and to what it is given: nothing."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from cases import cases
from counting import holds_for
from estimators import NETWORKS
from hypothesis import assume
from hypothesis import strategies as st
from shapes import form, kinds_for, memories_for
from sklearn.base import clone

from sk_rnn.training._losses import LOSSES
from sk_rnn.training._objective import Objective

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def told(model):
    """All attributes, as bytes."""
    return pickle.dumps(model.__dict__)


def answers(model, X):
    return pickle.dumps([np.array(part) for part in model.predict(X)])


@holds_for(cases(of_rows=True), st.data(), st.booleans())
def test_nothing_that_is_handed_over_or_fitted_is_changed(case, data, table):
    kinds = kinds_for(case, table and not (case.last or case.needs_row))
    kind, place = data.draw(st.sampled_from(kinds)), memories_for(case)
    own = form(case, kind, data.draw(st.sampled_from(place)))
    given = [own.X, own.y, own.weight, own.params]
    before = pickle.dumps(given)
    model = own.fit()
    assert pickle.dumps(given) == before
    fitted = told(model)
    _, state = model.predict(own.X, return_state=True)
    handed = pickle.dumps(state)
    model.score(own.X, own.y, own.weight)
    if not case.last:
        model.warm_up(own.X, own.y)
    expected = answers(model, own.X)
    model.predict(own.X, state=model.warm_up(own.X, state=state))
    assert told(model) == fitted
    assert pickle.dumps(given) == before and pickle.dumps(state) == handed
    assert answers(model, own.X) == expected


@holds_for(cases())
def test_copies_answer_alike_and_a_fit_can_be_repeated(case):
    X, y, weight = case.data
    model = case.make().fit(X, y, weight)
    expected = answers(model, X)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert answers(copied, X) == expected
    unfitted = clone(model)
    assert unfitted.get_params() == model.get_params()
    assert not hasattr(unfitted, "_network")
    assert answers(unfitted.fit(X, y, weight), X) == expected
    assert answers(model.fit(X, y, weight), X) == expected


@holds_for(cases(NETWORKS, dropout=0.0))
def test_the_gradient_is_the_complex_step(case):
    """In a direction at random, through the windows and phases of training."""
    assume(case.is_double)
    X, y, weight = case.data
    model, loss = case.make(), LOSSES[case.params["loss"]]()
    *_, network, data = model._read_first(X, y, weight)
    data = data.windows(model._window_steps(data))
    theta, direction = case.rng.uniform(-0.5, 0.5, (2, network.size))
    for trained, of_phase in model._curriculum(network, data.last):
        own = of_phase(data)
        found = Objective(trained, loss, 0.7, own).loss_and_grad(theta)[1]
        shifted = Objective(trained, loss, 0.7, replace(own, x=own.x.astype(complex)))
        value, _ = shifted.loss_and_grad(theta + 1e-30j * direction)
        scale = np.abs(found) @ np.abs(direction)
        assume(np.isfinite(scale) and scale < 1e6)  # of a free run
        assert abs(found @ direction - value.imag / 1e-30) <= 1e-11 * max(scale, 1e-6)
