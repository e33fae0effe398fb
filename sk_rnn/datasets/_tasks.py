"""Standard tasks: long distances in time, chaotic and nonlinear series."""

from numbers import Real
from typing import TypeAlias

import numpy as np
from sklearn.utils import check_random_state

from .._compat import above, at_least, validate_params
from .._typing import Float, Int, Seed

Pair: TypeAlias = tuple[np.ndarray, np.ndarray]


def _whole(low):
    return [at_least(low)]


POSITIVE = [above(0)]


@validate_params(
    {"n_sequences": _whole(1), "n_steps": _whole(2), "random_state": ["random_state"]},
    prefer_skip_nested_validation=True,
)
def make_adding_problem(
    n_sequences: Int = 1000, n_steps: Int = 100, *, random_state: Seed = None
) -> Pair:
    """Make sequences whose target is the sum of two marked values.

    The first channel is uniform in [0, 1); the second is zero but for ones at two
    different steps, drawn anywhere in the sequence. Predicting 1 has a mean squared
    error of 1/6 = 0.167, the variance of the target.

    Parameters
    ----------
    n_sequences : int, default=1000
        How many sequences.
    n_steps : int, default=100
        Length of each, at least 2.
    random_state : int, RandomState instance or None, default=None
        Draws the values and the marked steps.

    Returns
    -------
    X : ndarray of shape (n_sequences, n_steps, 2)
        The values, and the marks.
    y : ndarray of shape (n_sequences,)
        The sum of the two marked values.

    See Also
    --------
    make_copy_memory : Many symbols to be remembered, and a target at every step.

    References
    ----------
    S. Hochreiter & J. Schmidhuber, "Long short-term memory", Neural Computation 9
    (1997), section 5.4; in the form of S. Bai, J. Z. Kolter & V. Koltun, "An empirical
    evaluation of generic convolutional and recurrent networks for sequence modeling",
    arXiv 1803.01271 (2018).

    Examples
    --------
    >>> from sk_rnn.datasets import make_adding_problem
    >>> X, y = make_adding_problem(3, 50, random_state=0)
    >>> X.shape, y.shape
    ((3, 50, 2), (3,))
    """
    rng = check_random_state(random_state)
    X = np.zeros((n_sequences, n_steps, 2))
    X[:, :, 0] = rng.uniform(size=(n_sequences, n_steps))
    first = rng.randint(n_steps, size=n_sequences)
    second = (first + rng.randint(1, n_steps, size=n_sequences)) % n_steps
    k = np.arange(n_sequences)
    X[k, first, 1] = X[k, second, 1] = 1
    return X, X[k, first, 0] + X[k, second, 0]


@validate_params(
    {
        "n_sequences": _whole(1),
        "delay": _whole(1),
        "n_symbols": _whole(1),
        "n_memory": _whole(1),
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_copy_memory(
    n_sequences: Int = 1000,
    delay: Int = 100,
    *,
    n_symbols: Int = 8,
    n_memory: Int = 10,
    random_state: Seed = None,
) -> Pair:
    """Make sequences that must be repeated after a delay.

    A sequence is `n_memory` symbols at random, ``delay - 1`` blanks, and ``n_memory +
    1`` delimiters; the target is blank until the last `n_memory` steps, which are the
    symbols. Both are coded one-hot: channel 0 is the blank, then the symbols, and in X
    the delimiter comes last.

    Parameters
    ----------
    n_sequences : int, default=1000
        How many sequences.
    delay : int, default=100
        Steps between the end of the symbols and the beginning of their repetition.
    n_symbols : int, default=8
        How many different symbols there are.
    n_memory : int, default=10
        How many symbols are to be remembered.
    random_state : int, RandomState instance or None, default=None
        Draws the symbols.

    Returns
    -------
    X : ndarray of shape (n_sequences, delay + 2 * n_memory, n_symbols + 2)
        The sequences, one-hot.
    y : ndarray of shape (n_sequences, delay + 2 * n_memory, n_symbols + 1)
        The targets at every step, one-hot.

    See Also
    --------
    make_adding_problem : Two numbers to be remembered, and one target.

    References
    ----------
    As in `make_adding_problem`; M. Arjovsky, A. Shah & Y. Bengio, "Unitary evolution
    recurrent neural networks", ICML 2016, section 5.1.

    Examples
    --------
    >>> from sk_rnn.datasets import make_copy_memory
    >>> X, y = make_copy_memory(2, 30, random_state=0)
    >>> X.shape, y.shape
    ((2, 50, 10), (2, 50, 9))
    """
    rng = check_random_state(random_state)
    n_steps = delay + 2 * n_memory
    symbols = rng.randint(1, n_symbols + 1, size=(n_sequences, n_memory))
    x = np.zeros((n_sequences, n_steps), int)
    x[:, :n_memory] = symbols
    x[:, delay + n_memory - 1 :] = n_symbols + 1
    y = np.zeros((n_sequences, n_steps), int)
    y[:, delay + n_memory :] = symbols
    return np.eye(n_symbols + 2)[x], np.eye(n_symbols + 1)[y]


@validate_params(
    {
        "n_steps": _whole(1),
        "tau": POSITIVE,
        "dt": POSITIVE,
        "sampling": _whole(1),
        "discard": _whole(0),
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_mackey_glass(
    n_steps: Int = 3000,
    *,
    tau: Float = 17.0,
    dt: Float = 0.1,
    sampling: Int = 10,
    discard: Int = 1000,
    random_state: Seed = None,
) -> np.ndarray:
    r"""Make a piece of the Mackey-Glass series, chaotic from tau = 16.8 on.

    .. math:: \dot x(t) = \frac{0.2\, x(t - \tau)}{1 + x(t - \tau)^{10}} - 0.1\, x(t)

    It is integrated by the classical Runge-Kutta method, with x(t - tau) at half steps
    by cubic interpolation, from a history around 1.2.

    Parameters
    ----------
    n_steps : int, default=3000
        Length of the series.
    tau : float, default=17.0
        Delay; a whole number of integration steps.
    dt : float, default=0.1
        Step of the integration.
    sampling : int, default=10
        Integration steps for each step of the series.
    discard : int, default=1000
        Steps of the series that are thrown away first.
    random_state : int, RandomState instance or None, default=None
        Disturbs the history by up to 0.1, so that every seed gives another piece.

    Returns
    -------
    x : ndarray of shape (n_steps,)
        The series.

    Raises
    ------
    ValueError
        If `tau` is no whole number of integration steps, or of fewer than 3 of them.

    See Also
    --------
    make_lorenz : Another chaotic system, of three channels.
    make_narma : A system that is driven by an input.

    References
    ----------
    M. C. Mackey & L. Glass, "Oscillation and chaos in physiological control systems",
    Science 197 (1977), 287-289. As a task: H. Jaeger & H. Haas, "Harnessing
    nonlinearity", Science 304 (2004), 78-80.

    Examples
    --------
    >>> from sk_rnn.datasets import make_mackey_glass
    >>> x = make_mackey_glass(500, random_state=0)
    >>> bool(0.2 < x.min() < x.max() < 1.4)
    True
    """
    n_delay = round(tau / dt)
    if n_delay < 3 or abs(n_delay * dt - tau) > 1e-9 * tau:
        raise ValueError(
            f"tau must be a whole number of at least 3 integration steps; got "
            f"tau={tau} and dt={dt}."
        )
    rng = check_random_state(random_state)
    n = (discard + n_steps - 1) * sampling + 1
    x = np.empty(n_delay + n)
    x[: n_delay + 1] = 1.2 + 0.1 * rng.uniform(-1, 1)

    def slope(now, delayed):
        return 0.2 * delayed / (1 + delayed**10) - 0.1 * now

    for k in range(n_delay, n_delay + n - 1):
        first, second = x[k - n_delay], x[k - n_delay + 1]
        before, after = x[max(k - n_delay - 1, 0)], x[k - n_delay + 2]
        half = (9 * (first + second) - before - after) / 16
        k1 = slope(x[k], first)
        k2 = slope(x[k] + dt / 2 * k1, half)
        k3 = slope(x[k] + dt / 2 * k2, half)
        k4 = slope(x[k] + dt * k3, second)
        x[k + 1] = x[k] + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x[n_delay + discard * sampling :: sampling].copy()


@validate_params(
    {"n_steps": _whole(1), "order": _whole(1), "random_state": ["random_state"]},
    prefer_skip_nested_validation=True,
)
def make_narma(
    n_steps: Int = 3000, *, order: Int = 10, random_state: Seed = None
) -> Pair:
    r"""Make input and output of the NARMA system.

    .. math:: y_t = 0.3\, y_{t-1} + 0.05\, y_{t-1} \sum_{i=1}^{10} y_{t-i}
              + 1.5\, u_{t-10}\, u_{t-1} + 0.1

    with u uniform in [0, 0.5), for order 10. The output of a step depends on inputs
    before it.

    Parameters
    ----------
    n_steps : int, default=3000
        Length of the series.
    order : int, default=10
        How many steps back the system looks. Beyond 10 it is unstable, and the series
        diverges sooner or later.
    random_state : int, RandomState instance or None, default=None
        Draws the input.

    Returns
    -------
    u : ndarray of shape (n_steps, 1)
        The input.
    y : ndarray of shape (n_steps,)
        The output.

    Raises
    ------
    ValueError
        If ten series in a row diverged.

    See Also
    --------
    make_mackey_glass : A series without an input.

    References
    ----------
    A. F. Atiya & A. G. Parlos, "New results on recurrent network training", IEEE Trans.
    Neural Networks 11 (2000), 697-709.

    Examples
    --------
    >>> from sk_rnn.datasets import make_narma
    >>> u, y = make_narma(200, random_state=0)
    >>> u.shape, y.shape
    ((200, 1), (200,))
    """
    rng = check_random_state(random_state)
    for _ in range(10):
        # `order` steps come before the first one, with the output at rest.
        u = rng.uniform(0, 0.5, n_steps + order)
        y = np.zeros(n_steps + order)
        for t in range(order, n_steps + order):
            past = y[t - order : t]
            y[t] = 0.3 * y[t - 1] + 0.05 * y[t - 1] * past.sum() + 0.1
            y[t] += 1.5 * u[t - order] * u[t - 1]
            if not y[t] < 10:
                break
        else:
            return u[order:, None].copy(), y[order:].copy()
    raise ValueError(
        f"The NARMA system of order {order} diverged within {n_steps} steps, ten times "
        "in a row. Take order=10 or fewer steps."
    )


@validate_params(
    {
        "n_steps": _whole(1),
        "dt": POSITIVE,
        "sigma": [Real],
        "rho": [Real],
        "beta": [Real],
        "discard": _whole(0),
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_lorenz(
    n_steps: Int = 3000,
    *,
    dt: Float = 0.02,
    sigma: Float = 10.0,
    rho: Float = 28.0,
    beta: Float = 8 / 3,
    discard: Int = 1000,
    random_state: Seed = None,
) -> np.ndarray:
    r"""Make a piece of the Lorenz attractor.

    .. math:: \dot x = \sigma (y - x), \quad \dot y = x (\rho - z) - y, \quad
              \dot z = x y - \beta z

    integrated by the classical Runge-Kutta method from a point near (1, 1, 1).

    Parameters
    ----------
    n_steps : int, default=3000
        Length of the series.
    dt : float, default=0.02
        Step of the series; ten steps of the integration make one.
    sigma : float, default=10.0
        Coefficient of the first equation (the Prandtl number).
    rho : float, default=28.0
        Coefficient of the second equation (the Rayleigh number by its critical value).
    beta : float, default=8/3
        Coefficient of the third equation.
    discard : int, default=1000
        Steps that are thrown away first.
    random_state : int, RandomState instance or None, default=None
        Draws the initial point.

    Returns
    -------
    X : ndarray of shape (n_steps, 3)
        The three coordinates x, y and z as channels.

    See Also
    --------
    make_mackey_glass : Another chaotic system, of one channel.

    References
    ----------
    E. N. Lorenz, "Deterministic nonperiodic flow", Journal of the Atmospheric Sciences
    20 (1963), 130-141.

    Examples
    --------
    >>> from sk_rnn.datasets import make_lorenz
    >>> make_lorenz(100, random_state=0).shape
    (100, 3)
    """
    rng = check_random_state(random_state)
    state, step, found = 1 + 0.1 * rng.uniform(-1, 1, 3), dt / 10, []

    def slope(s):
        x, y, z = s
        return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    for _ in range(discard + n_steps):
        found.append(state)
        for _ in range(10):
            k1 = slope(state)
            k2 = slope(state + step / 2 * k1)
            k3 = slope(state + step / 2 * k2)
            k4 = slope(state + step * k3)
            state = state + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.array(found[discard:])
