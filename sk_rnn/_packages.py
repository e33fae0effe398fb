"""Packages of the extras, where they are installed."""

from importlib import import_module


def required(name, who, extra):
    """Import a package, or say which extra brings it.

    Parameters
    ----------
    name : str
    who : str
        What needs it.
    extra : str
        The extra that installs it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{who} needs {name.partition('.')[0]}, which the extra {extra!r} "
            f"installs: pip install 'sk_rnn[{extra}]'"
        ) from error
