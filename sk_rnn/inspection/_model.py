"""A fitted network as the diagnostics see it, and the stretches they look at."""

from copy import copy
from typing import NamedTuple

import numpy as np

from ..data._dataset import tiles
from ..data._state import take
from ..data._steps import Steps
from ..layers import Beside, Chain, Dropout, Forward
from ..training._inference import infer


def check_kind(estimator, kind, needs):
    """Refuse what is no estimator of a kind; `needs` says who needs which."""
    if not isinstance(estimator, kind):
        raise TypeError(
            f"{needs}; got {type(estimator).__name__}. Of a search take its "
            "best_estimator_, of a pipeline its last step, with X as that step sees it."
        )


def hidden_layers(estimator, who):
    """The names of the hidden layers; `who` looks into a single network."""
    n = len(estimator._members(None))
    if n > 1:
        raise ValueError(
            f"{who} looks into one network; this model is the mean of {n}. Fit it with "
            "n_ensemble=1."
        )
    names = dict.fromkeys(name.partition(".")[0] for name in estimator._network.shapes)
    hidden = [name for name in names if name != "output"]
    if not hidden:
        raise ValueError(
            f"This {type(estimator).__name__} has no hidden layer "
            f"(hidden_layer_sizes=()), and so nothing for {who}."
        )
    return hidden


class _Spans(NamedTuple):
    """Stretches of the rows of a table, as `infer` wants them."""

    starts: np.ndarray
    lengths: np.ndarray


class Window(NamedTuple):
    """Packed stretches of steps, each with a last step that is looked at."""

    indices: np.ndarray  # of these last steps, among all that are looked at
    x: np.ndarray
    steps: Steps
    state: list | None  # of the network, before the first of them


class Model:
    """A fitted network in double precision, with the records it is to run on.

    Without dropout, which rests outside training.

    Parameters
    ----------
    estimator : SequenceRegressor
    records : Records
    member : int
        Which of the networks whose mean predicts.
    """

    def __init__(self, estimator, records, member=0):
        members = estimator._members(estimator._initial_state(records))
        network, theta, state = members[member]
        self.network, self.state = _at_rest(network, state)
        self.theta = theta.astype(float)
        self.x = estimator._inputs(records.rows.astype(float))
        self.starts, self.lengths = records.starts, records.lengths

    def layers(self, state):
        """The layers, their parameters, their parts of a state of the network.

        Of a network with a path beside it, those of the network.
        """
        return _layers(self.network, self.theta, state)

    def outputs(self, window):
        """Outputs at the last steps of a window, (n, n_out)."""
        last = window.steps.tail(1)
        forward = self.network.bind(self.theta)
        return forward(window.x, window.steps, last, window.state)[0]

    def windows(self, record, step, n_steps):
        """Yield all stretches of `n_steps` steps that end at some steps, tile by tile.

        Parameters
        ----------
        record, step : ndarray of int of shape (n,)
            A stretch is shorter where its record begins within it.
        n_steps : int
        """
        first = np.maximum(step + 1 - n_steps, 0)
        lengths = step + 1 - first
        for group in (np.flatnonzero(first == 0), np.flatnonzero(first)):
            for tile in tiles(lengths[group]):
                part = group[tile]
                steps = Steps(lengths[part])
                x = self.x[steps.packing(self.starts[record[part]] + first[part])]
                state = self._state_before(record[part], first[part])
                yield Window(part, x, steps, state)

    def _state_before(self, record, first):
        """The state before step `first` of records; all are 0, or none is."""
        state = take(self.state, record)
        if not first.any():
            return state
        spans = _Spans(self.starts[record], first)
        forward = Forward(self.network, self.theta)
        return infer(forward, self.x, spans, state, last=True)[1]


def _at_rest(chain, state):
    """A chain without dropout, and the same of its state."""
    states = [None] * len(chain.layers) if state is None else state
    layers, kept = {}, []
    for name, layer, own in zip(chain.names, chain.layers, states, strict=True):
        if isinstance(layer, Beside):
            inner, own = _at_rest(layer.network, own)
            layer = copy(layer)
            layer.network = inner
        if not isinstance(layer, Dropout):
            layers[name] = layer
            kept.append(own)
    return Chain(layers), None if state is None else kept


def _layers(chain, theta, state):
    """See `Model.layers`."""
    states = [None] * len(chain.layers) if state is None else state
    for layer, part, own in zip(chain.layers, chain.parts, states, strict=True):
        if isinstance(layer, Beside):
            yield from _layers(layer.network, theta[part][: layer.network.size], own)
        else:
            yield layer, theta[part], own


def evenly_spaced(lengths, skip, n_targets):
    """Some steps of all records, evenly spaced, the last one with them.

    Parameters
    ----------
    lengths : ndarray of int of shape (n_records,)
    skip : int or ndarray of int of shape (n_records,)
        So many first steps are left out.
    n_targets : int
        How many of each record; all if there are fewer.

    Returns
    -------
    record, step : ndarray of int
    """
    record, step = [], []
    for k, n_left in enumerate(np.maximum(lengths - skip, 0).tolist()):
        n = min(n_targets, n_left)
        share = np.arange(1, n + 1) * n_left
        step.append(lengths[k] - n_left - 1 - (-share // max(n, 1)))
        record.append(np.full(n, k))
    return np.concatenate(record), np.concatenate(step)
