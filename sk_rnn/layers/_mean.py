"""The mean of several networks."""

from copy import deepcopy

from ._base import Layer


class Mean(Layer):
    """Mean of the outputs of equal networks, each with its own parameters and state.

    They are trained one by one; together they predict, and have gradients by their
    inputs.

    Parameters
    ----------
    network : Chain
    n_members : int
    """

    def __init__(self, network, n_members):
        # Each is an object of its own: memory of training belongs to a layer.
        self.members = [deepcopy(network) for _ in range(n_members)]
        self.n_in, self.n_out, self.reach = network.n_in, network.n_out, network.reach
        self.shapes = {
            f"member{k}.{name}": shape
            for k in range(n_members)
            for name, shape in network.shapes.items()
        }
        self.parts = [
            slice(k * network.size, (k + 1) * network.size) for k in range(n_members)
        ]

    @property
    def layers(self):
        """Those of a member; all are alike."""
        return self.members[0].layers

    def runs_beside(self, dtype, lengths):
        return self.members[0].runs_beside(dtype, lengths)

    def initialise(self, theta, rng):
        for member, part in zip(self.members, self.parts, strict=True):
            member.initialise(theta[part], rng)

    def initial_state(self, theta, n_sequences):
        return [
            member.initial_state(theta[part], n_sequences)
            for member, part in zip(self.members, self.parts, strict=True)
        ]

    def bind(self, theta):
        passes = [
            member.bind(theta[part])
            for member, part in zip(self.members, self.parts, strict=True)
        ]

        def forward(x, steps, wanted, state=None):
            states = state or [None] * len(passes)
            pairs = zip(passes, states, strict=True)
            found = [run(x, steps, wanted, own)[:2] for run, own in pairs]
            outputs, after = zip(*found, strict=True)
            return sum(outputs) / len(outputs), list(after), None

        return forward

    def forward(self, theta, x, steps, wanted, state=None, workspace=None):
        if workspace is None:
            return self.bind(theta)(x, steps, wanted, state)
        states, total, caches = state or [None] * len(self.members), 0, []
        for member, part, own in zip(self.members, self.parts, states, strict=True):
            y, _, cache = member.forward(theta[part], x, steps, wanted, own, workspace)
            total = total + y
            caches.append(cache)
        return total / len(caches), None, caches

    def backward(self, theta, dy, cache, dtheta, need_dx=True):
        dx = 0
        for member, part, own in zip(self.members, self.parts, cache, strict=True):
            share = dy / len(self.members)
            own_dx = member.backward(theta[part], share, own, dtheta[part], need_dx)
            dx = dx + own_dx if need_dx else None
        return dx
