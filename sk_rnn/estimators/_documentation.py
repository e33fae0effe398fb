"""Paragraphs that the docstrings of several estimators share, written once."""

import inspect
from typing import TypeVar

from ..solvers import SOLVERS
from ..training._losses import LOSSES


def _own_parameters(registry):
    """The Parameters sections of the losses, or of the solvers."""
    for part in registry.values():
        _, _, section = inspect.getdoc(part).partition("Parameters\n----------\n")
        yield from section.partition("\n\n")[0].splitlines()


def _names(registry):
    return "{" + ", ".join(f'"{name}"' for name in registry) + "}"


Thing = TypeVar("Thing")

SHARED = {
    "fit parameters": """
X : array-like or list of array-like
    Sequences in any form of the data contract: (n_sequences, n_columns),
    (n_sequences, n_steps, n_channels), a list (or 1-D array of objects) of
    (n_steps_i, n_channels), or with ``time_axis=0`` a table of consecutive
    steps (n_steps, n_columns). Frames of pandas, polars and pyarrow are 2-D.
y : array-like or list of array-like
    Targets: one per sequence, (n_sequences,) or (n_sequences, n_outputs);
    or one per step, (n_sequences, n_steps, n_outputs), or a list of
    (n_steps_i,) or (n_steps_i, n_outputs); with ``time_axis=0``, (n_steps,)
    or (n_steps, n_outputs). NaN is refused, or with
    ``missing_targets="ignore"`` a target that was not observed.
sample_weight : array-like or list of array-like, default=None
    One weight per sequence, (n_sequences,). Where y has a target at every step,
    also one per step: (n_sequences, n_steps), or beside a list of sequences a
    list of (n_steps_i,). With ``time_axis=0`` one per row, (n_steps,). Where the
    weight is 0, the input is read, and there is no loss.
""",
    "fit results": """
self : object
    The fitted estimator.
""",
    "fit errors": """
ValueError, TypeError
    For input or hyper-parameters that are not accepted, or a fit that would take
    more than the memory of the machine. The estimator is then as it was before.
""",
    "fit warnings": """
UserWarning
    For data that is accepted and probably means something else: a DataFrame
    whose index counts time with ``time_axis=1``, or one that has other columns
    beside lags; a 2-D y with as many columns as X has steps, or a y that is the
    newest value of X.
""",
    "recurrent parameters": """
dropout : float in [0, 1), default=0.0
    Share of the outputs of each hidden layer that is zeroed in training, for
    ``solver="adam"`` only.
bptt_steps : int, None or "auto", default="auto"
    Truncated BPTT: gradients reach back over at most so many steps. Longer sequences
    are cut into windows of this length, and `batch_size` then counts windows. Every
    window but the first of a sequence begins with a warm-up: its first quarter (or what
    `initial_state` says) repeats the end of the window before, builds up the state, and
    carries no loss. Where only the last step has a target, `fit` sees the last so many
    steps alone. None: gradients are exact over whole sequences. "auto" means
    windows of 500 steps, or of four times the largest of `time_scale`, `skip_lags` and
    `washout` if that is more, provided that there is a target at every step and the
    longest sequence has five windows or more; otherwise None. See `bptt_steps_`.
time_scale : float >= 2 or None, default=None
    Longest memory of the units at initialisation, in steps. Each unit draws a time
    constant tau between 1 and `time_scale`. Biases are set so that the gates that keep
    the state are 1 - 1/tau, and the input gates of an LSTM 1/tau ("chrono
    initialisation", Tallec & Ollivier, ICLR 2018). Without gates, the recurrent weights
    are the identity times 1 - 1/tau ("simple"; Le, Jaitly & Hinton, arXiv 1504.00941)
    or times -1/tau ("residual"); an "integrator" forgets nothing. All other recurrent
    weights are orthogonal (of "residual", a tenth of that), as all are with None. Where
    something must be remembered over a known distance, that distance is a good value.
initial_state : {"zero", "learned", "estimated"}, default="zero"
    The state of each recurrent layer where a sequence starts afresh. "learned": one for
    all sequences, trained with the weights from zero on, and free of the L2 penalty. It
    helps where all sequences begin in the same state, other than rest, and most where
    they are short. Windows of `bptt_steps` begin there, too, also those that are no
    beginning of a sequence.
    "estimated": from measured outputs, for an input that drives an output (a target at
    every step). In the first `washout` steps of a sequence, which carry no loss, and of
    each window of `bptt_steps` (whose warm-up this is then), the network also sees the
    outputs, standardised, and a 1 that tells them; at all other steps both are 0. So it
    learns to bring its state to that of the system while it is shown the outputs, and
    to run on freely from there (Mohajerin & Waslander, IEEE TNNLS 30 (2019), have a
    second network for it). A step at which an output is missing shows none. Later on
    hand in ``predict(X, y_start=...)``, the outputs at the first steps of X, or
    ``state=warm_up(X_past, y_past)``; `score` takes the first ones of y, unless it is
    given a state. With neither, sequences begin at zero, which is warned of.
skip : {None, "linear"}, default=None
    "linear": a linear path beside the network, straight from x_t, ..., x_{t-K}, K =
    `skip_lags`, to the output.
    [skip parameters]
skip_lags : int, default=0
    K, how many steps before x_t the path of `skip` sees. Ignored without `skip`.
    With `bptt_steps` it is at most a quarter of these (the warm-up of a window), and
    with ``initial_state="estimated"`` at most the `washout`.
""",
    "skip parameters": """
Training begins with the least-squares solution of this path (that of `AutoRegressor`,
whatever the `loss`), found over the steps that have K steps before them, and with
output weights of 0. So the network begins as the linear model and has only the rest to
learn. `alpha` holds the network and not the path: a large one means a nearly linear
model. With `early_stopping` the linear model itself is kept if no iteration has a
smaller validation loss. In the first K steps of a sequence the values before it count
as their mean; ``washout=K`` keeps these steps from bending the path.
""",
    "data parameters": """
standardize : bool, "differences" or "auto", default="auto" (AutoRegressor: True)
    True: bring every channel of X and every output of y to mean 0 and standard
    deviation 1 (weighted, learnt in `fit`). An unknown past then counts as the mean.
    "differences": do so with changes, for series with levels and trends. The network
    sees ``x_t - x_{t-1}`` of the channels that outputs are the next (or later) values
    of, and learns ``y_t - x_t``; predictions add ``x_t``. These channels are the
    `target_columns`, one for each output or one for all; without them channel k for
    output k, or the only one. The others are standardised as with True. The first
    change of a sequence is not known, and is the mean change. Lags then count changes,
    None as many as a row has. A `NARXRegressor` does not accept it.
    "auto": "differences" where the targets are the next values of channels of X, in a
    table or in windows of one series, and the series has left its range or wanders;
    else True. It has left its range if more than a quarter of the newest tenth (of half
    of the series of a panel) lies outside of all before it. It wanders if, of its
    changes, the level explains less than 7.5 % of what the two changes before leave.
    `standardize_` tells. An `AutoRegressor` has no "auto".
washout : int, default=0
    That many first steps of each sequence carry no loss and no score (burn-in).
missing_targets : {"error", "ignore"}, default="error"
    What NaN in y means. "error": an error is raised. "ignore": a target that was not
    observed, which carries no loss and no score. Of several outputs at a step, those
    that were observed count. NaN in X and infinity are errors in any case.
n_channels : int, default=1
    How many values a 2-D X holds per step: a row is n_columns / n_channels steps, each
    of n_channels values.
lag_order : {"oldest_first", "newest_first"}, default="oldest_first"
    Order of the steps in the rows of a 2-D X. "newest_first" is that of lag 1, lag 2,
    ... All other forms of X are in time order.
data_format : {"channels_last", "channels_first"}, default="channels_last"
    "channels_last": a 3-D X is (n_sequences, n_steps, n_channels), and the rows of a
    2-D X go step by step. "channels_first": (n_sequences, n_channels, n_steps), and
    rows hold all steps of the first channel, then all of the next. Records in a list
    and tables have a column for each channel. y is (n_sequences, n_steps, n_outputs)
    with either.
time_axis : {0, 1}, default=1
    1: the first axis of X counts sequences. 0: X is a table whose rows are consecutive
    steps.
sequence_column : int or str, default=None
    With ``time_axis=0``, the column (index or name) whose value names the sequence of a
    row. It is not used as a feature. None: all rows are one sequence, and `predict`
    goes on from the state in which the training rows ended.
target_columns : str, int or sequence of them, default=None
    The columns of X (names or positions; of 2-D windows the channels of a step) whose
    next values the outputs are, in the order of the outputs: `forecast` feeds them
    back. The others are known in advance. None: all of them, in order.
carry_state : bool, default=True
    With ``time_axis=0``, whether `predict` goes on behind the rows of `fit`, sequence
    by sequence: a sequence that `fit` saw goes on where it ended there, a new one
    starts afresh, and so do the rows of `fit` themselves. False: all start afresh.
    A ``state=`` that is handed in is used in any case.
""",
    "predicted sequences": """
X : array-like or list of array-like
    Sequences in the form that `fit` saw. With ``time_axis=0`` the rows are
    taken to follow the training rows, sequence by sequence, unless they are
    the training rows themselves, or ``carry_state=False``.
""",
    "predict state": """
state : State, default=None
    What is known of the past of these sequences, from `warm_up` or from an
    earlier `predict`. With it, rows can be handed in one by one.
return_state : bool, default=False
    Whether to return the state behind X, too.
""",
    "predictions": """
y : ndarray or list of ndarray
    In the form of the y that `fit` saw. For a target at every step of a list of
    sequences, a list of arrays; a 1-D array of them where X is one.
""",
    "state behind": """
state : State
    Only if `return_state`.
""",
    "forecast parameters": """
X : array-like or list of array-like
    Histories, from a fresh start (or from `state`).
n_steps : int
    How many steps to forecast.
X_future : array-like or list of array-like, default=None
    The channels that are not forecast (see ``target_columns``) and are known in
    advance, at least n_steps - 1 steps of them behind X. It has the form of X, with
    all of its columns or only those that are not forecast. The first forecast needs
    none of it, because its inputs are the last step of X. For a 2-D X of windows it is
    (n_sequences, n_steps - 1, n_known), or the same as rows, step by step.
quantiles : sequence of float in (0, 1), default=None
    Also forecast these quantiles, such as (0.1, 0.9) for a band of 80 %. An
    `AutoRegressor` computes them exactly, from its Gaussian law. For the other models,
    and through pipelines, they are those of `n_paths` sampled paths: each output comes
    back as an input, with a one-step residual added. The residuals are those of `fit`,
    which are too small by as much as the model is overfitted, and drawn in blocks.
n_paths : int, default=500
    How many paths to sample for each sequence.
random_state : int, RandomState instance or None, default=None
    Draws the paths.
state : State, default=None
    What is known of the past before X; see `warm_up`.
return_paths : bool, default=False
    Whether to return the sampled paths, too. The quantiles of what depends on several
    steps, such as their sum, can be computed from them.
as_frame : bool, default=False
    Where X is a DataFrame in time order (``time_axis=0``): return one, with the index
    of the steps to come.
""",
    "forecast results": """
y : ndarray of shape (n_sequences, n_steps) or (n_sequences, n_steps, n_outputs)
    The first forecast is for the step after the last one of X. Without the first axis
    for one table of steps (``time_axis=0``); without the last one where y had none.
    With ``as_frame=True`` a DataFrame with a column for each output and for each
    quantile of it, and that of the sequences.
y_quantiles : ndarray of shape (..., n_quantiles)
    As y, with one more axis at the end; only with `quantiles`, and not as a frame.
y_paths : ndarray of shape (..., n_paths)
    As y, with one more axis at the end; only with `return_paths`.
""",
    "training parameters": f"""
loss : {_names(LOSSES)}, default="squared_error"
    Loss of each output at each step that counts, in units of the standard deviation of
    y if `standardize`; r^2 / 2 for a residual r. The objective is its sum over the
    outputs, its weighted mean over the steps, plus the penalty.
[loss parameters]
solver : {{"auto", {_names(SOLVERS)[1:-1]}}}, default="auto"
    "lbfgs" is deterministic, needs no learning rate and suits thousands of samples;
    "adam" takes mini-batches and suits more of them; "lm" (Levenberg-Marquardt, for
    ``loss="squared_error"``) holds the derivative of every residual, and often takes
    recurrent networks of up to a few hundred parameters further in the same time.
    "auto" is "adam" from 32,768 steps in at least 100 sequences (or windows of
    `bptt_steps`) on, and with dropout; else "lbfgs". `solver_` tells which.
alpha : float >= 0 or "auto", default="auto"
    Strength of the L2 penalty, alpha / 2 times the squared weights (not the biases, nor
    initial states, nor those of a linear path) divided by the sum of the sample weights
    of all steps that count. "auto" trains with a penalty of 1, then goes on with 0.01,
    then with 1e-4, each time from the parameters of the lowest validation loss so far,
    and ends where that no longer falls; `alpha_` tells with which penalty the result
    was found. It is 1 where nothing is held out to choose by, and also with
    ``learning_rate="cooldown"``, which spends all of `max_iter` on the first penalty.
batch_size : int or "auto", default="auto"
    Sequences in a mini-batch of "adam" (windows with `bptt_steps`); at most all of
    them. "auto" is ``n_sequences // 50``, but at least 8 and at most 200: about 50
    updates in an epoch, because with one update in an epoch little is learnt. The
    other solvers always use all data.
[solver parameters]
max_iter : int, default=1000
    Maximum number of iterations ("lbfgs", "lm") or epochs ("adam"), with all penalties
    of ``alpha="auto"`` together; with
    ``feedback="measured_then_predicted"`` of each of the two trainings. Reaching it is
    a ConvergenceWarning, but for ``learning_rate="cooldown"``, which is made for it.
max_time : float > 0 or None, default=None
    Seconds after which training ends, with a ConvergenceWarning and the parameters that
    would be kept at that point. It holds for the whole fit, with every solver, and is
    checked after each iteration (of "adam" after each mini-batch), so that at least
    one of them is run.
shuffle : bool, default=True
    Whether "adam" draws the mini-batches in a new order in every epoch. The other
    solvers ignore it.
random_state : int, RandomState instance or None, default=None
    Draws the initial weights, the mini-batches and the held-out sequences. The same
    int gives the same fit to the last bit, in any order of the samples (but see
    `validation`).
tol : float >= 0, default=1e-4
    The loss (the validation loss with `early_stopping`) has stalled when it has fallen
    below its lowest value by less than this share of it in each of `n_iter_no_change`
    iterations. "lbfgs" and "lm" end there. "adam" watches the mean loss over the
    mini-batches of an epoch, which is noisy, and does what `learning_rate` says. 0
    switches this off, and with it the "adaptive" falls of the rate: all iterations are
    run unless the solver finds no lower point.
verbose : bool, default=False
    Print a line for each iteration: solver, loss, validation loss, norm of the gradient
    (of "adam" the largest of the epoch, before it is clipped), learning rate of "adam",
    length of the step of "lm", and seconds since the beginning.
warm_start : bool, default=False
    Go on from the parameters and the standardisation of the last `fit`. The solver
    itself starts anew: the moments and the learning rate of "adam", the curvature of
    "lbfgs", the trust region of "lm". If data is held out and no iteration has a lower
    validation loss, the old parameters are kept.
early_stopping : bool or "auto", default="auto"
    Guard against overfitting: hold a part of the data out of training, watch its loss,
    and keep the parameters with which it was lowest. Without it those of the lowest
    training loss are kept. "auto" does so with ``alpha="auto"``, which chooses by it,
    if at least 40 targets count and a part of them can be held out; with a penalty of
    your own, all data is trained on. If `fit` is given X_val and y_val, these are what
    is watched, and nothing of X is held out. Otherwise whole sequences are held out at
    random of rows, 3-D arrays and lists; of overlapping windows the last ones of each
    series (see `validation`); of a table (``time_axis=0``) with a `sequence_column` the
    last sequences. Of a single sequence, and of so few that the share is at most half
    of one (five at a tenth), the last stretch of each is held out if there is a target
    at every step. It is read from the beginning of the sequence on, or from a window
    of `bptt_steps` before it.
validation_fraction : float in (0, 1), default=0.1
    Share of the data that is held out: of the sequences, of the windows, or of the
    steps of a single sequence. Ignored if X_val is given.
validation : str, default="auto" (NARXRegressor: "free_run")
    What is held out if rows, or a 3-D X, are overlapping windows of series in the order
    of time. Such windows are recognised by their values: most begin with the values of
    the row before, from its second step on or a later one. (Held out at random, a
    window would have close neighbours in the training data.) "auto": the last windows
    of each series are held out. Windows before them that share a step with them (at
    least as many steps as there are outputs) are left out of training, unless fewer
    would remain than are left out: then all others are trained on. "random": windows
    are held out at random. Other data is not concerned. A `NARXRegressor` also takes
    "free_run", its default: the same data as with "auto" is held out, and its loss is
    that of the free run, as in `predict`, also if training feeds back measured outputs.
n_iter_no_change : int or "auto", default="auto"
    See `tol`. "auto" is, without held-out data, 10 ("lbfgs"), 10 ("lm") and 20 ("adam",
    whose loss is noisy); with held-out data, whose loss may rise between two plateaus,
    it is 50, 30 and 20 in the same order.
n_init : int, default=1
    How many times to train, from other initial weights each time. The first start is
    that of ``n_init=1``.
n_ensemble : int, default=1
    How many of these networks to keep, those of the lowest loss (validation loss with
    `early_stopping`). Predictions are their mean, which is often better than the best
    of them: with 3 of 3, say.
n_jobs : int or None, default=None
    How many starts are trained at once, in processes of joblib. None means 1, and -1
    all processors. Callbacks are not called in these processes.
""",
    "recurrent attributes": """
bptt_steps_ : int or None
    Length of the windows of truncated BPTT; None where gradients went back over whole
    sequences.
""",
    "data attributes": """
n_features_in_ : int
    Columns of a 2-D X, and of a 3-D one as rows: such rows (n_sequences,
    n_steps * n_channels) are accepted in its place. Of a list the channels.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Their names, if X had any.
n_outputs_ : int
    Number of outputs.
standardize_ : bool or "differences"
    What `standardize` was, or what "auto" took.
weights_ : dict of str to ndarray
    The parameters by name, in standard units (with ``standardize_="differences"`` of
    changes), read-only. With several networks (`n_ensemble`) each name begins with
    ``member0.``, ``member1.`` and so on, and the prediction is the mean of theirs.
""",
    "training attributes": """
coefs_, intercepts_ : list of ndarray
    The matrices and the vectors of `weights_`, in the order of the layers.
n_iter_ : int
    Iterations run.
loss_ : float
    Training loss, penalty included, of the iteration whose parameters were kept.
loss_curve_ : list of float of length `n_iter_`
    Training loss after each iteration, with the penalty of that iteration (with
    ``alpha="auto"`` it falls where a smaller one takes over); of "adam" its mean over
    the mini-batches, while the parameters moved on.
solver_ : str
    The solver that was used.
alpha_ : float
    The penalty with which the parameters were found; of several starts the best one's.
restarts_ : list of dict of length `n_init`
    Of each start its `alpha`, the `loss`, `validation_loss`, `n_iter`, and whether it
    was `kept`; `loss_` and the curves are those of the best.
validation_loss_curve_ : list of float or None
    Mean loss of what was held out, penalty excluded; None without `early_stopping`.
    Infinite where a free run diverged.
""",
}


SHARED["loss parameters"] = "\n".join(_own_parameters(LOSSES))
SHARED["solver parameters"] = "\n".join(_own_parameters(SOLVERS))


def document(thing: Thing) -> Thing:
    """Replace each line of a docstring like ``[data parameters]`` by that paragraph.

    The docstring is that of a class, a method or a function.
    """
    thing.__doc__ = "\n".join(_filled(thing.__doc__))
    return thing


def _filled(text, indent=""):
    """The lines of a text, with the paragraphs that it names in their places."""
    for line in text.strip("\n").splitlines():
        name = line.strip()
        if name.startswith("[") and name[1:-1] in SHARED:
            yield from _filled(SHARED[name[1:-1]], indent + line.partition("[")[0])
        else:
            yield (indent + line).rstrip()
