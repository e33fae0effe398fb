"""Descent with one penalty after the other, while what was held out gains by it."""

#: The penalties of alpha="auto". The first is a strong one, with which even a network
#: that is far too large for its data learns little else than what holds in general.
PENALTIES = (1.0, 1e-2, 1e-4)


def descend(solver, objective, theta, monitor, penalties):
    """Minimise with each penalty from where the best was reached with those before.

    Of the later penalties, the first that does not lower the validation loss is the
    end.

    Parameters
    ----------
    solver : Solver
    objective : Objective
    theta : ndarray of shape (n_parameters,)
        Where to start; not changed.
    monitor : Monitor
        Holds the result.
    penalties : sequence of float
        Several only where there is a validation loss.

    Returns
    -------
    float
        The penalty with which the result was found.
    """
    found = penalties[0]
    for k, penalty in enumerate(penalties):
        before = monitor.best
        objective.alpha = penalty
        solver.minimise(objective, theta, monitor)
        improved = monitor.is_better(before)
        if improved:
            found = penalty
        is_over = not monitor.at_rest or monitor.n_iter >= monitor.max_iter
        if is_over or (k > 0 and not improved):
            break
        theta = monitor.theta
    return found
