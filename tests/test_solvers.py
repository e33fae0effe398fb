"""Solvers: what all of them promise, and what each is."""

import warnings
from dataclasses import fields

import numpy as np
import pytest
from scipy.optimize import linprog
from sklearn.exceptions import ConvergenceWarning

from sk_rnn.solvers import LBFGS, SOLVERS, Monitor

SETTINGS = {
    "learning_rate_init": 0.05,
    "learning_rate": "constant",
    "max_grad_norm": None,
}
each_solver = pytest.mark.parametrize("name", SOLVERS)


class LeastSquares:
    """Rows of a linear model whose minimiser is known, `noise` being orthogonal."""

    def __init__(self, n_batches=4, dtype=float, noise=0.0):
        rng = np.random.RandomState(0)
        self.minimiser = np.array([1.0, -2.0, 0.5], dtype)
        self.rows = rng.standard_normal((40, 3)).astype(dtype)
        q, _ = np.linalg.qr(np.column_stack([self.rows, rng.standard_normal(40)]))
        self.y = self.rows @ self.minimiser + (noise * q[:, 3]).astype(dtype)
        self.n_batches = n_batches

    def evaluate(self, theta, rows, y):
        r = rows @ theta - y
        return 0.5 * float(r @ r) / len(r), rows.T @ r / len(r)

    def loss_and_grad(self, theta):
        return self.evaluate(theta, self.rows, self.y)

    def residuals(self, theta):
        loss, _ = self.loss_and_grad(theta)
        return (self.rows @ theta - self.y) / np.sqrt(40) * (loss / loss if loss else 1)

    def jacobian(self, theta):
        """Twice too steep: with the true one a linear problem is solved in one step."""
        _, grad = self.loss_and_grad(theta)
        return 2 * self.rows / np.sqrt(40) + 0 * grad

    def minibatches(self):
        for part in np.array_split(np.arange(40), self.n_batches):
            yield lambda theta, part=part: (
                float(len(part)),
                *self.evaluate(theta, self.rows[part], self.y[part]),
            )


class Interrupted(LeastSquares):
    """Ctrl-C after some evaluations."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def evaluate(self, theta, rows, y):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().evaluate(theta, rows, y)


class Cliff(LeastSquares):
    """Finite only near the start, and falling towards the edge."""

    start = np.zeros(3)

    def __init__(self, width, failure, n_batches):
        super().__init__(n_batches)
        self.width, self.failure = width, failure

    def evaluate(self, theta, rows, y):
        loss, grad = super().evaluate(theta, rows, y)
        if np.abs(theta - self.start).max() <= self.width:
            return loss, grad
        return (loss, grad * np.nan) if self.failure is None else (self.failure, grad)


def make(name, **settings):
    solver = SOLVERS[name]
    names = [field.name for field in fields(solver)]
    return solver(**{key: (SETTINGS | settings)[key] for key in names})


def minimise(name, objective, start=None, **options):
    options = {
        "max_iter": 3000,
        "tol": 0.0,
        "n_iter_no_change": 3000,
        "verbose": False,
    } | options
    monitor = Monitor(**options)
    start = np.zeros(3) if start is None else start
    make(name).minimise(objective, start, monitor)
    return monitor


# ------------------------------------------------------------------------ the contract
@each_solver
def test_finds_the_minimiser(name):
    problem, start = LeastSquares(), np.array([3.0, 3.0, 3.0])
    monitor = minimise(name, problem, start)
    np.testing.assert_allclose(monitor.theta, problem.minimiser, atol=1e-6)
    assert list(start) == [3, 3, 3]
    assert problem.loss_and_grad(monitor.theta)[0] == pytest.approx(0, abs=1e-12)


@each_solver
def test_reports_a_loss_for_each_iteration(name):
    seen = []
    monitor = minimise(name, LeastSquares(), callback=lambda theta: seen.append(1))
    assert monitor.n_iter == len(monitor.loss_curve) == len(seen)
    assert monitor.validation_loss_curve == []
    assert monitor.loss == monitor.loss_curve[-1]
    assert all(isinstance(loss, float) for loss in monitor.loss_curve)
    first = LeastSquares().loss_and_grad(np.zeros(3))[0]
    assert monitor.loss_curve[-1] < 1e-9 < monitor.loss_curve[0] <= 1.01 * first


@each_solver
@pytest.mark.parametrize("max_iter", [1, 4])
def test_stops_at_max_iter_and_says_so(name, max_iter):
    with pytest.warns(ConvergenceWarning, match=f"max_iter={max_iter} iterations"):
        monitor = minimise(name, LeastSquares(), max_iter=max_iter)
    assert monitor.n_iter == max_iter


@each_solver
def test_stops_where_nothing_is_gained(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem = LeastSquares(n_batches=1, noise=2.0)
        monitor = minimise(name, problem, tol=0.01, n_iter_no_change=3)
    curve = monitor.loss_curve
    assert 4 < monitor.n_iter < 500
    # None of the last three iterations gained; the one before them did.
    gained = [a - b > 0.01 * a for a, b in zip(curve, curve[1:], strict=False)]
    assert gained[-4:] == [True, False, False, False]


@each_solver
def test_stops_when_the_callback_says_so(name):
    calls = []

    def callback(theta):
        calls.append(theta.copy())
        return len(calls) == 3

    monitor = minimise(name, LeastSquares(), callback=callback)
    assert monitor.n_iter == len(calls) == 3
    assert np.array_equal(monitor.theta, calls[-1])


@each_solver
def test_keeps_the_parameters_that_validate_best(name):
    losses, seen = [3.0, 1.0, 2.0, 2.5, 4.0], []

    def validate(theta):
        seen.append(theta.copy())
        return losses[len(seen) - 1]

    problem = LeastSquares()
    monitor = minimise(name, problem, validate=validate, tol=1e-9, n_iter_no_change=3)
    assert monitor.validation_loss_curve == losses
    assert np.array_equal(monitor.theta, seen[1])
    assert monitor.loss == monitor.loss_curve[1]


@each_solver
def test_infinite_validation_losses_do_not_end_it(name):
    """They are worse than any other; the newest parameters are kept until then."""
    losses, seen = [np.inf] * 6 + [3.0, np.inf, 2.0, *[np.inf] * 50], []

    def validate(theta):
        seen.append(theta.copy())
        return losses[len(seen) - 1]

    kept = []
    monitor = minimise(
        *(name, LeastSquares()),
        validate=validate,
        callback=lambda theta: kept.append(theta.copy()),
        **{"tol": 1e-9, "n_iter_no_change": 3, "max_iter": 40},
    )
    n = min(len(seen), 6)
    assert n > 3 and np.array_equal(kept[:n], seen[:n])
    if len(seen) > 9:
        assert np.array_equal(monitor.theta, seen[8]) and monitor.best == 2


@each_solver
def test_verbose_prints_a_line_for_each_iteration(name, capsys):
    minimise(name, LeastSquares(), verbose=True, max_iter=3)
    lines = [line for line in capsys.readouterr().out.splitlines() if "loss" in line]
    assert [line.split(",")[0] for line in lines] == [
        f"Iteration {k}" for k in (1, 2, 3)
    ]


@each_solver
@pytest.mark.parametrize("after", [0, 1, 4])
def test_interruption_keeps_what_was_reached(name, after):
    reached = [np.zeros(3)]
    with pytest.warns(UserWarning, match="interrupted by user"):
        monitor = minimise(
            name,
            Interrupted(after),
            callback=lambda theta: reached.append(theta.copy()),
        )
    assert np.array_equal(monitor.theta, reached[-1])
    assert np.isfinite(monitor.theta).all()


@each_solver
@pytest.mark.parametrize("failure", [np.nan, np.inf, None], ids=["nan", "inf", "grad"])
def test_a_start_that_is_not_finite_is_kept_with_a_warning(name, failure):
    problem = Cliff(-1.0, failure, n_batches=1)
    with pytest.warns(ConvergenceWarning, match="non-finite"):
        monitor = minimise(name, problem, problem.start)
    assert np.array_equal(monitor.theta, problem.start)
    assert monitor.n_iter == 0


@each_solver
def test_derivatives_whose_squares_overflow_end_in_finite_parameters(name):
    problem = LeastSquares()
    problem.rows, problem.y = problem.rows * 1e160, problem.y * 1e80
    with np.errstate(over="ignore", invalid="ignore"):
        with pytest.warns(ConvergenceWarning):
            monitor = minimise(name, problem, np.full(3, 1e-100), max_iter=20)
        assert np.isfinite(problem.loss_and_grad(monitor.theta)[0])
    assert np.isfinite(monitor.theta).all()


@each_solver
@pytest.mark.parametrize("n_batches", [1, 4])
@pytest.mark.parametrize("width", [0.0, 0.3])
@pytest.mark.parametrize("failure", [np.nan, np.inf, None], ids=["nan", "inf", "grad"])
def test_where_training_turns_non_finite(name, failure, width, n_batches):
    """The parameters kept are finite, and so is their loss; and the user knows."""
    problem = Cliff(width, failure, n_batches)
    with pytest.warns(ConvergenceWarning, match="non-finite"):
        monitor = minimise(name, problem, problem.start, max_iter=200)
    assert np.isfinite(monitor.theta).all()
    assert np.isfinite(monitor.loss_curve).all()
    loss, _ = problem.loss_and_grad(monitor.theta)
    assert np.isfinite(loss)
    assert loss <= problem.loss_and_grad(problem.start)[0]


@each_solver
def test_start_at_the_minimum_stays_there(name):
    problem = LeastSquares()
    monitor = minimise(name, problem, problem.minimiser, max_iter=3)
    assert monitor.n_iter >= 1
    np.testing.assert_allclose(monitor.theta, problem.minimiser, atol=1e-12)


@each_solver
def test_same_start_same_end(name):
    runs = [minimise(name, LeastSquares(), max_iter=7) for _ in "ab"]
    assert np.array_equal(runs[0].theta, runs[1].theta)
    assert runs[0].loss_curve == runs[1].loss_curve


@each_solver
def test_single_precision_is_enough(name):
    problem = LeastSquares(dtype=np.float32)
    monitor = minimise(name, problem, np.zeros(3, np.float32), max_iter=1000)
    np.testing.assert_allclose(monitor.theta, problem.minimiser, atol=1e-4)


# -------------------------------------------------------------------------------- Adam
def test_adam_stays_in_single_precision():
    seen = []
    problem = LeastSquares(dtype=np.float32)
    minimise(
        "adam",
        problem,
        np.zeros(3, np.float32),
        max_iter=2,
        callback=lambda theta: seen.append(theta.dtype),
    )
    assert set(seen) == {np.dtype(np.float32)}


def clipped(grad, max_norm):
    norm = np.sqrt((grad**2).sum())
    return grad * (max_norm / norm) if max_norm and norm > max_norm else grad


def adam_trajectory(max_grad_norm, problem, n_iter, start=(3.0, 0.0, -1.0)):
    """The parameters after each epoch, not the best ones."""
    seen = []

    def validate(theta):
        seen.append(theta.copy())
        return 0.0

    monitor = Monitor(n_iter, 0.0, 1000, False, validate)
    solver = make("adam", max_grad_norm=max_grad_norm)
    solver.minimise(problem, np.array(start), monitor)
    return np.array(seen)


@pytest.mark.parametrize("max_norm", [None, 0.5])
def test_adam_is_algorithm_1(max_norm):
    """Kingma & Ba, ICLR 2015, in the order of computation that section 2 gives."""
    problem, n_iter = LeastSquares(), 40
    seen = adam_trajectory(max_norm, problem, n_iter)
    theta, m, v, t = np.array([3.0, 0.0, -1.0]), np.zeros(3), np.zeros(3), 0
    for k in range(n_iter):
        for part in problem.minibatches():
            t += 1
            g = clipped(part(theta)[2], max_norm)
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g**2
            rate = 0.05 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            theta = theta - rate * m / (np.sqrt(v) + 1e-8)
        np.testing.assert_allclose(seen[k], theta, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("max_norm", [None, 0.5])
def test_adam_is_that_of_torch(max_norm):
    torch = pytest.importorskip("torch", reason="compares with torch.optim.Adam")
    problem, n_iter = LeastSquares(), 40
    seen = adam_trajectory(max_norm, problem, n_iter)
    theta = torch.tensor([3.0, 0.0, -1.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([theta], lr=0.05)
    for k in range(n_iter):
        for part in problem.minibatches():
            _, _, grad = part(theta.detach().numpy().copy())
            theta.grad = torch.from_numpy(grad)
            if max_norm:
                torch.nn.utils.clip_grad_norm_([theta], max_norm)
            optimizer.step()
        # torch adds its 1e-8 (and 1e-6 to the norm) in another place.
        np.testing.assert_allclose(seen[k], theta.detach().numpy(), atol=1e-6)


def test_clipping_bounds_the_gradient_that_adam_sees():
    """A single huge gradient does not spoil the moments of those that follow."""

    class Spike(LeastSquares):
        calls = 0

        def evaluate(self, theta, rows, y):
            self.calls += 1
            loss, grad = super().evaluate(theta, rows, y)
            return loss, grad * (1e8 if self.calls == 5 else 1)

    final = {
        max_norm: adam_trajectory(max_norm, Spike(), 200)[-1]
        for max_norm in (None, 1.0)
    }
    error = {key: np.abs(theta - [1, -2, 0.5]).max() for key, theta in final.items()}
    assert error[1.0] < 1e-2 < 0.1 < error[None]


# ------------------------------------------------------------------------------ L-BFGS
class LeastAbsolute:
    """Mean absolute error of a linear model, with kinks everywhere."""

    def __init__(self):
        rng = np.random.RandomState(0)
        self.rows = np.column_stack([rng.standard_normal((200, 4)), np.ones(200)])
        self.y = self.rows @ [1, -2, 0.5, 0, 3] + rng.standard_t(2, 200)

    def loss_and_grad(self, theta):
        r = self.rows @ theta - self.y
        return np.abs(r).mean(), self.rows.T @ np.sign(r) / len(r)

    @property
    def minimum(self):
        """By linear programming: r = u - v with u, v >= 0."""
        n, d = self.rows.shape
        cost = np.concatenate([np.zeros(d), np.full(2 * n, 1 / n)])
        equations = np.hstack([self.rows, -np.eye(n), np.eye(n)])
        bounds = [(None, None)] * d + [(0, None)] * (2 * n)
        return linprog(cost, A_eq=equations, b_eq=self.y, bounds=bounds).fun


def test_lbfgs_goes_on_across_kinks():
    problem = LeastAbsolute()
    monitor = Monitor(500, 1e-4, 10, False)
    LBFGS().minimise(problem, np.zeros(5), monitor)
    assert monitor.n_iter > 10
    assert monitor.loss == pytest.approx(problem.minimum, rel=0.02)
    assert monitor.loss_curve == sorted(monitor.loss_curve, reverse=True)


def test_lbfgs_comes_back_from_a_step_too_far():
    """Non-finite values on the way are no end where there is a way around them."""

    class Wall:
        hits = 0

        def loss_and_grad(self, theta):
            # -log barrier of theta < 1, least at theta = 0.9.
            gap = 1 - theta[0]
            if gap <= 0:
                self.hits += 1
                return np.nan, np.array([np.nan])
            return -np.log(gap) - 10 * theta[0], np.array([1 / gap - 10])

    wall, monitor = Wall(), Monitor(100, 0.0, 100, False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LBFGS().minimise(wall, np.array([-5.0]), monitor)
    assert wall.hits
    assert monitor.theta[0] == pytest.approx(0.9, abs=1e-6)


def test_residuals_of_an_accepted_step_are_computed_once():
    seen = []

    class Watched(LeastSquares):
        def residuals(self, theta):
            seen.append(tuple(theta))
            return super().residuals(theta)

    minimise("lm", Watched(noise=1.0), max_iter=20)
    assert len(seen) > 5 and len(set(seen)) == len(seen)


# ------------------------------------------------------------------------ how they end
class Scripted(LeastSquares):
    """The gradient of a parabola, and losses of epochs as written."""

    def __init__(self, losses):
        super().__init__(n_batches=1)
        self.losses = iter(losses)

    def minibatches(self):
        loss = next(self.losses)
        yield lambda theta: (1.0, loss, theta - 1.0)


def rates_of(learning_rate, losses, **options):
    """A minimisation with those losses, and the rate of each of its epochs."""
    rates, options = [], {"tol": 1e-4, "max_iter": 1000} | options

    class Watching(Monitor):
        def update(self, theta, loss, **numbers):
            rates.append(numbers["rate"])
            return super().update(theta, loss, **numbers)

    monitor = Watching(n_iter_no_change=3, verbose=False, **options)
    solver = make("adam", learning_rate=learning_rate)
    solver.minimise(Scripted(losses), np.zeros(3), monitor)
    return monitor, np.array(rates) / 0.05


FALLING_THEN_NOISY = [4.0, 3.0, 2.0, 1.0, *np.tile([1.2, 1.1], 50)]


def test_adaptive_rate_falls_at_each_stall_and_then_has_converged():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor, rates = rates_of("adaptive", FALLING_THEN_NOISY)
    expected = np.repeat([1, 1 / 5, 1 / 25, 1 / 125], [7, 3, 3, 3])
    np.testing.assert_allclose(rates, expected)
    assert monitor.loss == 1.0


def test_a_constant_rate_that_stalls_above_its_best_is_told():
    with pytest.warns(ConvergenceWarning, match="learning_rate='adaptive'"):
        monitor, rates = rates_of("constant", FALLING_THEN_NOISY)
    assert len(rates) == 7 and set(rates) == {1.0}
    assert monitor.loss == 1.0


@pytest.mark.parametrize("case", ["flat", "validated"])
def test_a_constant_rate_that_stalls_at_its_best_is_a_good_end(case):
    losses, validate = [4.0, 3.0, *[2.0] * 50], None
    if case == "validated":
        losses, held = FALLING_THEN_NOISY, iter(FALLING_THEN_NOISY)
        validate = lambda theta: next(held)  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor, _ = rates_of("constant", losses, validate=validate)
    assert monitor.n_iter < 10


def test_cooldown_runs_all_epochs_and_ends_at_a_rate_near_zero():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor, rates = rates_of("cooldown", FALLING_THEN_NOISY, max_iter=20)
    expected = [*np.ones(12), *np.arange(8, 0, -1) / 8]
    np.testing.assert_allclose(rates, expected)
    assert monitor.n_iter == 20


@pytest.mark.parametrize("max_iter", [1, 2])
def test_cooldown_of_few_epochs(max_iter):
    _, rates = rates_of("cooldown", FALLING_THEN_NOISY, max_iter=max_iter)
    assert list(rates) == [1.0] * max_iter


def test_adam_keeps_the_parameters_of_its_best_epoch():
    seen = []
    losses = [3.0, 1.0, 2.0, 2.0]
    monitor = minimise(
        "adam", Scripted(losses), max_iter=4, callback=lambda t: seen.append(t.copy())
    )
    reached = adam_trajectory(None, Scripted(losses), 4, np.zeros(3))
    assert monitor.loss == 1.0
    assert np.array_equal(monitor.theta, reached[1])
    assert not np.array_equal(monitor.theta, reached[-1])
    assert np.array_equal(seen[-1], reached[1])


@pytest.mark.parametrize("tol, n_iter", [(1e-4, 4), (0.0, 9)])
def test_tol_of_zero_switches_the_stopping_off(tol, n_iter):
    monitor = Monitor(100, tol, 3, False)
    monitor.begin(np.zeros(1), "test")
    for _ in range(9):
        if not monitor.stop:
            monitor.update(np.zeros(1), 1.0)
    assert monitor.n_iter == n_iter


@each_solver
def test_a_deadline_ends_in_good_order(name):
    with pytest.warns(ConvergenceWarning, match="iteration 1, out of time.*max_time"):
        monitor = minimise(name, LeastSquares(), deadline=0.0)
    assert monitor.n_iter == 1 and monitor.ended_from_outside
    assert np.isfinite(monitor.theta).all() and np.abs(monitor.theta).max() > 0


def test_a_deadline_ends_adam_within_an_epoch():
    calls = []

    class Counted(LeastSquares):
        def evaluate(self, theta, rows, y):
            calls.append(1)
            return super().evaluate(theta, rows, y)

    with pytest.warns(ConvergenceWarning, match="out of time"):
        minimise("adam", Counted(n_batches=10), deadline=0.0)
    assert len(calls) == 1


@each_solver
def test_what_verbose_tells(name, capsys):
    told = {
        "lbfgs": ["gradient norm"],
        "adam": ["largest gradient norm", "rate"],
        "lm": ["gradient norm", "step"],
    }
    losses = iter([3.0, 2.0])
    minimise(
        name,
        LeastSquares(),
        verbose=True,
        max_iter=2,
        validate=lambda theta: next(losses),
    )
    line = capsys.readouterr().out.splitlines()[1].split(", ")
    assert line[:2] == ["Iteration 2", SOLVERS[name].__name__]
    names = [part.partition(" = ")[0] for part in line[2:-1]]
    assert names == ["loss", "validation loss", *told[name]]
    assert line[3] == "validation loss = 2" and line[-1].endswith(" s")


def test_the_gradient_norm_of_lbfgs_is_that_of_the_parameters(capsys):
    problem = LeastSquares(noise=1.0)
    monitor = minimise("lbfgs", problem, verbose=True, max_iter=3)
    told = float(
        capsys.readouterr().out.splitlines()[2].split("norm = ")[1].split(",")[0]
    )
    norm = np.linalg.norm(problem.loss_and_grad(monitor.theta)[1])
    assert told == pytest.approx(norm, rel=1e-4)
