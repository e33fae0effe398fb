"""What the pictures share: axes, colours and scales."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.stats import norm

from .._packages import required

#: Colours that the colour-blind tell apart (Okabe & Ito 2008), the darkest ones first.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLUE, ORANGE, GREEN = COLORS[:3]
BLACK, GREY = "black", "0.5"

#: How dark the widest band is; those within lie on top of it.
BAND = 0.2


class Display:
    """A picture: where it is drawn."""

    axes_: np.ndarray
    ax_: Any
    figure_: Any

    @classmethod
    def _pyplot(cls):
        """Matplotlib's, or the error that says which extra brings it."""
        return required("matplotlib.pyplot", cls.__name__, "plot")

    def _panels(self, ax, n=1, n_columns=1, **options):
        """Axes to draw on, (n,): those given, or of a new figure."""
        plt = self._pyplot()
        if ax is None:
            options = {"squeeze": False, "layout": "constrained"} | options
            axes = plt.subplots(-(-n // n_columns), n_columns, **options)[1].ravel()
            for panel in axes[n:]:
                panel.remove()
            axes = axes[:n]
            for panel in axes:
                panel.set_prop_cycle(color=COLORS)
        else:
            axes = np.asarray(ax, object).ravel()
            if not all(hasattr(panel, "plot") for panel in axes):
                raise TypeError(
                    f"ax must be matplotlib Axes, or None for a new figure; got {ax!r}."
                )
            if len(axes) != n:
                raise ValueError(
                    f"ax holds {len(axes)} Axes, but {n} panel(s) are drawn: hand in "
                    f"{n}, or None for a new figure."
                )
        self.axes_, self.ax_, self.figure_ = axes, axes[0], axes[0].figure
        return axes


def log_scale(ax):
    """Make the vertical axis logarithmic: powers of ten are told, two at the least."""
    ticker = required("matplotlib.ticker", "a logarithmic axis", "plot")
    ax.set_yscale("log")
    ax.yaxis.set_minor_formatter(ticker.NullFormatter())
    low, high = np.log10(ax.get_ylim())
    if np.floor(high) <= np.ceil(low):  # one power of ten at the most is in view
        # auto=None: what is drawn later on has its say again.
        ax.set_ylim(10.0 ** np.floor(low), 10.0 ** np.ceil(high), auto=None)


def whole_numbers(axis: Any) -> None:
    """Have ticks of an axis at whole numbers alone: it counts something."""
    ticker = required("matplotlib.ticker", "an axis that counts", "plot")
    axis.set_major_locator(
        ticker.MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True)
    )


def styled(style: dict[str, Any], line_kwargs: dict[str, Any]) -> dict[str, Any]:
    """A style of lines, with what a user has to say of it, also by short names."""
    cbook = required("matplotlib.cbook", "a picture", "plot")
    lines = required("matplotlib.lines", "a picture", "plot")
    style = cbook.normalize_kwargs(style, lines.Line2D)
    return style | cbook.normalize_kwargs(line_kwargs, lines.Line2D)


def free_colors(ax: Any, n: int = 1) -> list[str]:
    """The next colours that no line has yet; any of them where all are taken."""
    to_hex = required("matplotlib.colors", "a picture", "plot").to_hex
    used = {to_hex(line.get_color()).upper() for line in ax.lines}
    free = [color for color in COLORS if color not in used]
    first = len(ax.lines) % len(COLORS)
    return (free + [*COLORS[first:], *COLORS] * n)[:n]


def check_index(name, value, n, what):
    """Refuse what is no index of n things."""
    if not isinstance(value, Integral) or not -n <= value < n:
        raise ValueError(f"{name}={value!r}, but an index of {n} {what}(s) is wanted")


def names_for(names: Sequence[str] | None, n: int, what: str) -> list[str]:
    """Names of n things: as given, or numbered."""
    if names is None:
        return [f"{what} {k}" for k in range(n)]
    if len(names) != n:
        raise ValueError(f"{len(names)} names are given for {n} {what}(s): {names!r}.")
    return [str(name) for name in names]


def draw_histogram(ax, values, label):
    """Draw a histogram, and the normal density of the same mean and deviation."""
    n_bins = int(np.clip(np.sqrt(len(values)), 5, 50))
    ax.hist(values, n_bins, density=True, color=COLORS[5], edgecolor="white")
    mean, std = values.mean(), values.std()
    if std > 0:
        grid = np.linspace(
            *(min(values.min(), mean - 3 * std), max(values.max(), mean + 3 * std)), 200
        )
        density = norm.pdf(grid, mean, std)
        ax.plot(grid, density, color=ORANGE, label="normal density")
        ax.legend(fontsize="small")
    ax.axvline(0, color=BLACK, lw=1, ls=":")
    title = f"mean {mean:.3g}, standard deviation {std:.3g}"
    ax.set(xlabel=label, ylabel="density", title=title)


def draw_bands(ax, time, values, quantiles, color):
    """Draw a band between the outermost two quantiles, and so on inwards.

    A median is a line. The bands are returned.
    """
    order = np.argsort(quantiles)
    values, shares = values[:, order], 100 * np.asarray(quantiles)[order]
    n_bands, found = len(order) // 2, []
    for k in range(n_bands):
        label = f"{shares[k]:.3g} % to {shares[-1 - k]:.3g} %"
        style = {"color": color, "lw": 0, "alpha": BAND * (k + 1) ** 0.5}
        edges = values[:, k], values[:, -1 - k]
        found.append(ax.fill_between(time, *edges, **style, label=label))
    if len(order) % 2:
        label = f"{shares[n_bands]:.3g} % quantile"
        ax.plot(time, values[:, n_bands], color=color, ls="-.", label=label)
    return found


def draw_history(ax, time, values):
    """Draw what was known, and a line at its end; the first line is returned."""
    marker = "o" if len(values) == 1 else None
    found = ax.plot(time, values, color=BLUE, marker=marker, label="history")
    ax.axvline(time[-1], color=GREY, ls=":", label="newest known step")
    return found
