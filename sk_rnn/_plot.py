"""matplotlib, where it is installed."""


def pyplot(who):
    """Import matplotlib.pyplot, or say which extra brings it.

    Parameters
    ----------
    who : str
        What needs it.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            f"{who} needs matplotlib, which the extra 'plot' installs: "
            "pip install 'sk_rnn[plot]'"
        ) from error
    return pyplot
