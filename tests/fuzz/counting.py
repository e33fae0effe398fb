"""How many cases each property was tried with."""

from collections import Counter
from functools import wraps

from hypothesis import given

#: Of those that it holds for; cases that a property does not speak of are not counted.
COUNT = Counter()


def holds_for(*strategies):
    """A property of all cases: `given`, and counted."""

    def decorate(test):
        name = test.__name__.removeprefix("test_")

        @wraps(test)
        def counted(*args, **kwargs):
            test(*args, **kwargs)
            COUNT[name] += 1

        return given(*strategies)(counted)

    return decorate
