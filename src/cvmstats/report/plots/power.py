"""How large a study must be: the probability of the right decision by its size."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvmstats.data.power import Power
from cvmstats.report.plots.canvas import new_axes
from cvmstats.report.plots.colours import INK, QUIET, RULE, segment_colour


def plot_power(power: Power, ax: Any = None) -> Any:
    """Probability of the right decision over the number of respondents, a line per number of tasks (and versions).

    Bars are one simulation error; the ring is the recommended size.

    Parameters
    ----------
    power : Power
        From ``simulate_power``.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    if ax is None:
        ax = new_axes(7.2, 4.4)
    table, several = power.table, power.table["versions"].nunique() > 1
    groups = table.groupby(["tasks", "versions"], sort=True)
    width = float(table["respondents"].max()) * 0.006
    for number, ((tasks, versions), rows) in enumerate(groups):
        colour = segment_colour(number)
        x = rows["respondents"].to_numpy(float) + width * (number - (len(groups) - 1) / 2)
        label = f"{tasks} tasks" + (f", {versions} versions" if several else "")
        ax.errorbar(x, rows["decision"], yerr=rows["decision_se"], color=colour, marker="o", markersize=5, linewidth=1.8,
                    elinewidth=1, label=label)  # fmt: skip
    ax.axhline(power.target, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    ax.annotate(f"target {power.target:.0%}", (1.0, power.target), xycoords=("axes fraction", "data"), xytext=(-2, 3),
                textcoords="offset points", ha="right", va="bottom", fontsize=8.5, color=QUIET)  # fmt: skip
    row = power.recommended
    if row is not None:
        ax.plot(row["respondents"], row["decision"], marker="o", markersize=13, markerfacecolor="none", markeredgecolor=INK,
                markeredgewidth=1.6, linestyle="none", zorder=5)  # fmt: skip
    ax.set_xlabel("respondents", color=INK, fontsize=9.5)
    ax.set_ylabel(f"probability of the right top {power.top}", color=INK, fontsize=9.5)
    ax.set_xticks(np.unique(table["respondents"]))
    ax.set_ylim(0, 1.02)
    ax.tick_params(colors=QUIET, labelsize=9, length=0)
    ax.grid(axis="y", color=RULE, linewidth=0.7)
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(RULE)
    ax.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower right")
    ax.set_title(_wrapped(power.verdict), fontsize=9.5, color=INK, loc="left")
    return ax


def _wrapped(text: str, width: int = 92) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
