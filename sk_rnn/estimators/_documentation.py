"""Paragraphs that the docstrings of several estimators share, written once."""

SHARED = {
    "recurrent parameters": """
dropout : float in [0, 1), default=0.0
    Share of the outputs of each hidden layer that is zeroed in training, for
    ``solver="adam"`` only.
bptt_steps : int or None, default=None
    Longest stretch of steps that is back-propagated. Longer records are cut into
    windows of this length, of which the first quarter, but for the first window, warms
    up the state and carries no loss; `batch_size` then counts windows. Where only the
    last step has a target, the last so many steps are all that `fit` sees.
time_scale : float >= 2 or None, default=None
    Longest memory of the units at the start, in steps. Each unit draws a time constant
    tau between 1 and it. Gates that keep start at 1 - 1/tau, by their biases, and the
    input gates of an LSTM at 1/tau ("chrono initialisation", Tallec & Ollivier, ICLR
    2018); without gates, recurrent weights start at the identity times 1 - 1/tau
    ("simple"; Le, Jaitly & Hinton, arXiv 1504.00941) or -1/tau ("residual"); the
    "integrator" keeps all as it is. None: no such start. Recurrent weights that this
    does not set start orthogonal (of "residual", a tenth of that). Where something must
    be remembered over a known distance, that distance is a good value.
""",
    "data parameters": """
standardize : bool, default=True
    Bring every channel of X and every output of y to mean 0 and standard deviation 1
    (weighted, learnt in `fit`). A past that is not known is then the mean.
washout : int, default=0
    That many first steps of each record carry no loss and no score.
n_channels : int, default=1
    How many values a 2-D X holds per step: a row is n_columns / n_channels steps,
    oldest first, each of n_channels values.
time_axis : {0, 1}, default=1
    1: the first axis of X counts sequences. 0: X is a table whose rows are consecutive
    steps.
sequence_column : int or str, default=None
    With ``time_axis=0``, the column (index or name) whose value names the record of a
    row; it is no feature. None: all rows are one record, and `predict` goes on from the
    state in which `fit` left the training rows.
""",
    "training parameters": """
loss : {"squared_error", "absolute_error", "huber", "quantile"}, default="squared_error"
    Loss of each output at each step that counts, in units of the standard deviation of
    y if `standardize`; r^2 / 2 for a residual r. The objective is its sum over the
    outputs, its weighted mean over the steps, plus the penalty.
quantile : float in (0, 1), default=0.5
    The quantile that ``loss="quantile"`` estimates.
huber_delta : float > 0, default=1.35
    Residual at which ``loss="huber"`` turns from quadratic to linear.
solver : {"lbfgs", "adam", "lm"}, default="lbfgs"
    "lbfgs" is deterministic, needs no learning rate and suits thousands of samples;
    "adam" takes mini-batches and suits more; "lm" (Levenberg-Marquardt, for
    ``loss="squared_error"``) holds the derivative of every residual, and often takes
    recurrent networks of up to a few hundred parameters further in the same time.
alpha : float >= 0, default=1e-4
    Strength of the L2 penalty, alpha / 2 times the squared weights (not the biases)
    divided by the sum of the sample weights of all steps that count.
batch_size : int or "auto", default="auto"
    Sequences in a mini-batch of "adam"; "auto" is min(200, n_sequences).
learning_rate_init : float > 0, default=1e-3
    Learning rate of "adam".
max_iter : int, default=200
    Maximum number of iterations ("lbfgs", "lm") or passes over the data ("adam"); with
    ``feedback="measured_then_predicted"`` of each of the two.
shuffle : bool, default=True
    Whether "adam" draws the mini-batches in a new order in every pass.
random_state : int, RandomState instance or None, default=None
    Draws the starting weights, the mini-batches and the held-out sequences. The same
    int gives the same fit to the last bit, in any order of the samples.
tol : float >= 0, default=1e-4
    Training ends when the loss (the validation loss with `early_stopping`) fell by less
    than this share of itself in each of `n_iter_no_change` iterations.
verbose : bool, default=False
    Print the loss of each iteration.
warm_start : bool, default=False
    Go on from the parameters and the standardisation of the last `fit`.
early_stopping : bool, default=False
    Hold out whole sequences (of a single record, and so with ``time_axis=0``, the last
    stretch), watch their loss, and keep the parameters with which it was lowest.
validation_fraction : float in (0, 1), default=0.1
    Share of the sequences (or of the stretch) that is held out.
n_iter_no_change : int, default=10
    See `tol`.
max_grad_norm : float > 0 or None, default=1.0
    "adam" scales gradients of a larger Euclidean norm down to this one.
""",
    "data attributes": """
n_features_in_ : int
    Columns of a 2-D X, channels of other forms.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Their names, if X had any.
n_outputs_ : int
    Number of outputs.
weights_ : dict of str to ndarray
    The parameters by name, in standard units, read-only.
""",
    "training attributes": """
coefs_, intercepts_ : list of ndarray
    The matrices and the vectors of `weights_`, in the order of the layers.
n_iter_ : int
    Iterations run.
loss_ : float
    Training loss, penalty included, at the parameters kept.
loss_curve_ : list of float of length `n_iter_`
    Training loss after each iteration.
validation_loss_curve_ : list of float or None
    Mean loss of what was held out, penalty excluded; None without `early_stopping`.
""",
}


def document(cls):
    """Replace lines like ``[data parameters]`` of a docstring by their text."""
    lines = []
    for line in cls.__doc__.splitlines():
        indent, text = line[: len(line) - len(line.lstrip())], line.strip()
        if text.startswith("[") and text[1:-1] in SHARED:
            shared = SHARED[text[1:-1]].strip("\n").splitlines()
            lines += [indent + part for part in shared]
        else:
            lines.append(line)
    cls.__doc__ = "\n".join(lines)
    return cls
