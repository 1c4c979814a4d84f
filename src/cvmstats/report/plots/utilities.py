"""What people value: population means with intervals, highest first."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from cvmstats.data.utilities import Utilities
from cvmstats.report.plots.canvas import new_axes
from cvmstats.report.plots.colours import ACCENT, INK, QUIET, RULE


def plot_utilities(utilities: Utilities, ax: Any = None, *, level: float = 0.95) -> Any:
    """What the population values: means and their intervals in logits, and how far people spread about them.

    Parameters
    ----------
    utilities : Utilities
        With a population.
    ax : Axes, optional
    level : float
        Of the intervals.

    Returns
    -------
    Axes

    Raises
    ------
    UtilitiesError
        Where there is no population.
    """
    table = utilities.population_frame().sort_values("mean", kind="stable").reset_index(drop=True)
    n = len(table)
    if ax is None:
        ax = new_axes(4.6 + 0.072 * max(len(v) for v in table["item"]), 1.1 + 0.25 * n)
    y = np.arange(n)
    mean, half = table["mean"].to_numpy(), norm.ppf(0.5 + level / 2) * table["se"].to_numpy()
    ax.axvline(0, color=QUIET, linewidth=0.8, zorder=0)
    ax.hlines(y, mean.min() - 10, mean.max() + 10, color=RULE, linewidth=0.5, zorder=0)
    low, high = (mean - half).min(), (mean + half).max()
    label = f"population mean and {100 * level:.0f}% interval"
    if "sd" in table:
        sd = table["sd"].to_numpy()
        ax.hlines(y, mean - sd, mean + sd, color=ACCENT, alpha=0.22, linewidth=6, zorder=1, label="people, ± 1 sd")
        low, high = min(low, (mean - sd).min()), max(high, (mean + sd).max())
    ax.hlines(y, mean - half, mean + half, color=ACCENT, linewidth=1.6, zorder=2)
    ax.plot(mean, y, "o", color=ACCENT, markersize=5, zorder=3, label=label)
    ax.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    ax.set_ylim(-0.7, n - 0.3)
    ax.set_yticks(y, list(table["item"]), color=INK, fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", colors=QUIET, labelsize=8.5)
    ax.set_xlabel("utility, zero-centred (logits)", color=INK, fontsize=9)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(RULE)
    ax.legend(loc="lower right", frameon=False, fontsize=8, labelcolor=INK)
    return ax
