"""Memory that is used again, and who may use it."""

from collections import OrderedDict


class LRU:
    """A few values by key; the one that was not asked for longest is forgotten."""

    def __init__(self, size):
        self._size, self._values = size, OrderedDict()

    def __len__(self):
        return len(self._values)

    def recall(self, key, make, serves=None):
        """Return the value of a key, made now where there is none.

        Parameters
        ----------
        key : hashable
        make : callable
            Makes a value, without arguments.
        serves : callable, default=None
            value -> bool: whether a value made earlier will do.
        """
        value = self._values.get(key)
        if value is None or (serves and not serves(value)):
            value = self._values[key] = make()
            if len(self) > self._size:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        return value


class Workspace(LRU):
    """Working memory of one training run, so that its next pass allocates nothing.

    Whoever trains owns one and hands it to every forward pass. The next pass of the
    same layer over sequences of the same shape takes the memory of the one before, so
    a workspace serves one pass at a time: forward, then backward. Two passes that are
    to live side by side take two workspaces.
    """

    def __init__(self, size=16):
        super().__init__(size)


class PassMemory:
    """Memory of one pass at a time, which refuses what an earlier pass left open."""

    _turn = 0

    def begin(self):
        """Begin a pass; return the ticket with which its way back is let in."""
        self._turn += 1
        return self._turn

    def check(self, ticket):
        """Refuse the ticket of an earlier pass, whose values are overwritten."""
        if ticket != self._turn:
            raise RuntimeError(
                "The memory of this forward pass has been used for another one since. "
                "Passes that live side by side need a workspace each."
            )
