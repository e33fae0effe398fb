"""Find a learning rate with optuna, and ask shap which years a prediction rests on.

Rows are the square roots of the sunspot numbers of eleven years; the target is the next
year. optuna tries twenty settings of a GRU that is trained by "adam". A callback judges
the network after each epoch on the forty years behind those of `fit`, and gives up
where it is below the median of the trials before. The winner, an `AutoRegressor` and
persistence are judged on sixty later years that no trial has seen.

shap then tells how much each lag moves these predictions: exactly for the linear model,
by sampled coalitions for the network.

It prints a table and saves with_optuna_and_shap.png in the current folder.
"""

import numpy as np
import optuna
import shap

from sk_rnn import AutoRegressor, GRURegressor
from sk_rnn.datasets import load_sunspots
from sk_rnn.preprocessing import make_windows

N_LAGS, N_VALID, N_TEST = 11, 40, 60


class Pruner:
    """Reports to a trial after each epoch, and gives it up where optuna says so."""

    def __init__(self, trial, X, y):
        self.trial, self.X, self.y = trial, X, y

    def setup(self, estimator, context):
        self.epoch = 0

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "iteration":
            self.epoch += 1
            self.trial.report(fitted_estimator.score(self.X, self.y), self.epoch)
            if self.trial.should_prune():
                raise optuna.TrialPruned

    def teardown(self, estimator, context):
        pass


def network(learning_rate_init, units, alpha):
    return GRURegressor(
        hidden_layer_sizes=units,
        solver="adam",
        learning_rate_init=learning_rate_init,
        alpha=alpha,
        max_iter=60,
        learning_rate="cooldown",
        random_state=0,
    )


def tuned(X, y):
    """The study of twenty trials on the rows before the test."""
    end = len(X) - N_VALID

    def objective(trial):
        model = network(
            trial.suggest_float("learning_rate_init", 1e-4, 1e-1, log=True),
            trial.suggest_int("units", 2, 16, log=True),
            trial.suggest_float("alpha", 1e-4, 1.0, log=True),
        )
        model.set_callbacks(Pruner(trial, X[end:], y[end:])).fit(X[:end], y[:end])
        return model.score(X[end:], y[end:])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=10),
    )
    study.optimize(objective, n_trials=20)
    return study


def plot(study, values):
    """Draw the course of the trials and the weight of each lag; save the figure."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for trial in study.trials:
        curve = trial.intermediate_values
        style = "C3:" if trial.state.name == "PRUNED" else "C0"
        left.plot(list(curve), list(curve.values()), style, alpha=0.7)
    left.set(xlabel="epoch", ylabel="R² on validation years (dotted: pruned)")
    left.set_ylim(-0.5, 1)
    lags = np.arange(N_LAGS, 0, -1)
    for k, (name, one) in enumerate(values.items()):
        right.bar(lags + 0.4 * k - 0.2, abs(one).mean(axis=0), 0.4, label=name)
    right.set(xlabel="years before", ylabel="mean |Shapley value|")
    right.legend()
    figure.savefig("with_optuna_and_shap.png", dpi=120)


if __name__ == "__main__":
    X, y = make_windows(np.sqrt(load_sunspots().data), n_steps=N_LAGS)
    X, y, X_test, y_test = X[:-N_TEST], y[:-N_TEST], X[-N_TEST:], y[-N_TEST:]
    study = tuned(X, y)
    states = [trial.state.name for trial in study.trials]
    chosen = {name: float(f"{v:.2g}") for name, v in study.best_params.items()}
    print(f"{states.count('PRUNED')} of {len(states)} trials pruned; chosen: {chosen}")

    models = {"AR": AutoRegressor(), "GRU": network(**study.best_params)}
    base = np.mean((y_test - X_test[:, -1]) ** 2)
    print(f"{'one year ahead':<16}{'RMSE':>8}{'skill':>8}")
    print(f"{'persistence':<16}{np.sqrt(base):>8.2f}{0:>8.2f}")
    for name, model in models.items():
        mse = np.mean((y_test - model.fit(X, y).predict(X_test)) ** 2)
        print(f"{name:<16}{np.sqrt(mse):>8.2f}{1 - mse / base:>8.2f}")

    background = X[::8]
    explainers = {
        "AR": shap.LinearExplainer(models["AR"], background),
        "GRU": shap.KernelExplainer(models["GRU"].predict, background, seed=0),
    }
    values = {}
    for name, explainer in explainers.items():
        options = {} if name == "AR" else {"nsamples": 300, "silent": True}
        values[name] = explainer.shap_values(X_test, **options)
    plot(study, values)
    print("saved with_optuna_and_shap.png")
