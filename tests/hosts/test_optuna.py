"""A study of a learning rate: trials are pruned in training, and repeat exactly."""

import numpy as np
import pytest
import sklearn
from series import N_TRAIN, ROOTS, network, skill

from sk_rnn import AutoRegressor

optuna = pytest.importorskip("optuna", reason="optuna is not installed")
TABLE, NEXT = ROOTS[:-1, None], ROOTS[1:]
END = N_TRAIN - 1


class Pruner:
    """Reports the score on later rows after each epoch; gives up where it is low."""

    def __init__(self, trial):
        self.trial = trial

    def setup(self, estimator, context):
        self.epoch = 0

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "iteration":
            self.epoch += 1
            self.trial.report(score(fitted_estimator), self.epoch)
            if self.trial.should_prune():
                raise optuna.TrialPruned

    def teardown(self, estimator, context):
        pass


def gru(rate):
    adam = {"solver": "adam", "max_iter": 30, "learning_rate_init": rate, "skip": None}
    return network(time_axis=0, alpha=1e-3, **adam)


def score(model):
    """On the rows behind those of fit, with these as their past."""
    state = model.warm_up(TABLE[:END])
    return model.score(TABLE[END:], NEXT[END:], state=state)


def study(objective):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=5),
    )
    found.optimize(objective, n_trials=12)
    return found


@pytest.mark.skipif(
    sklearn.__version__ < "1.9", reason="callbacks came with scikit-learn 1.9"
)
def test_trials_are_pruned_in_callbacks():
    def objective(trial):
        model = gru(trial.suggest_float("rate", 1e-5, 1e-1, log=True))
        model.set_callbacks(Pruner(trial)).fit(TABLE[:END], NEXT[:END])
        return score(model)

    found = study(objective)
    states = [trial.state.name for trial in found.trials]
    assert states.count("PRUNED") >= 2
    cut = [t for t in found.trials if t.state.name == "PRUNED"]
    assert all(len(trial.intermediate_values) < 30 for trial in cut)
    assert max(trial.value for trial in cut) < found.best_value
    best = gru(found.best_params["rate"]).fit(TABLE[:END], NEXT[:END])
    assert score(best) == found.best_value > 0.7
    linear = AutoRegressor(n_lags=9, time_axis=0).fit(TABLE[:END], NEXT[:END])
    y_pred = best.predict(TABLE[END:])
    assert skill(y_pred) > skill(linear.predict(TABLE[END:])) - 0.15


def test_trials_are_pruned_between_warm_starts():
    """With any scikit-learn: five epochs at a time, each from where the last ended."""

    def objective(trial):
        rate = trial.suggest_float("rate", 1e-5, 1e-1, log=True)
        model = gru(rate).set_params(warm_start=True, max_iter=5)
        for step in range(6):
            trial.report(score(model.fit(TABLE[:END], NEXT[:END])), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return score(model)

    found = study(objective)
    states = [trial.state.name for trial in found.trials]
    assert states.count("PRUNED") >= 2 and found.best_value > 0.7
    values = [np.max(list(t.intermediate_values.values())) for t in found.trials]
    assert max(values) - found.best_value < 0.05
