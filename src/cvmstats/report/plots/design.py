"""Whether a design is even: how often each pair of items meets, and how often each item stands where."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvmstats.design.assess import DesignAssessment
from cvmstats.report.plots.canvas import new_axes
from cvmstats.report.plots.colours import ACCENT, INK, QUIET, RULE

_MOST = 60
"""Items whose labels still find room."""
_WORDS = {"pairs over all, SD": "pairs SD", "pairs within a version, SD": "within a version",
          "D efficiency within a version": "D efficiency within"}  # fmt: skip


def plot_design(assessment: DesignAssessment, ax: Any = None) -> Any:
    """Pairs of items by how often they meet over all versions; beside each item how often it is shown.

    Parameters
    ----------
    assessment : DesignAssessment
        From ``assess_design``.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap

    n = len(assessment.items)
    labels = [f"{label}  {shown:,}" for label, shown in zip(assessment.items["label"], assessment.items["shown"], strict=True)]
    if ax is None:
        side = 1.6 + 0.24 * n if n <= _MOST else 9.0
        ax = new_axes(side + 1.5 + 0.068 * (max(map(len, labels)) if n <= _MOST else 0), side + 0.7)
    met = assessment.pairs.astype(float)
    np.fill_diagonal(met, np.nan)
    low, high = int(np.nanmin(met)), int(np.nanmax(met))
    colours = LinearSegmentedColormap.from_list("meetings", ["#eef2f6", "#7ba3c4", ACCENT])
    step = max(1, -(-(high - low + 1) // 9))
    edges = np.arange(low, high + step + 1, step) - 0.5
    image = ax.imshow(met, cmap=colours, norm=BoundaryNorm(edges, 256), interpolation="nearest")
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.6, pad=0.02, ticks=edges[:-1] + step / 2)
    bar.minorticks_off()
    bar.ax.set_yticklabels([f"{a:.0f}" if step == 1 else f"{a:.0f}-{a + step - 1:.0f}" for a in edges[:-1] + 0.5])
    bar.ax.tick_params(colors=QUIET, labelsize=8.5, length=0)
    bar.outline.set_edgecolor(RULE)
    where = " in a profile" if _noun(assessment) == "levels" else ""
    bar.set_label(f"times a pair meets{where}, over all versions", color=INK, fontsize=9)
    if n <= _MOST:
        ax.set_yticks(np.arange(n), labels, color=INK, fontsize=8.5)
        ax.set_xticks(np.arange(n), np.arange(1, n + 1), color=QUIET, fontsize=7 if n > 30 else 8)
    else:
        ax.set_ylabel(f"{n} {_noun(assessment)}", color=INK, fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_color(RULE)
    table = assessment.table.set_index("figure")
    words = [f"{name} {float(table['value'][key]):.3f}{_beside(float(table['bound'][key]))}"
             for key, name in _WORDS.items() if key in table.index]  # fmt: skip
    design = assessment.design
    head = f"{design.n_versions:,} versions x {design.n_tasks} tasks; {_noun(assessment)} with the times they are shown"
    ax.set_title(f"{head}\n{' · '.join(words)}", fontsize=9.5, color=INK, loc="left")  # fmt: skip
    return ax


def _noun(assessment: DesignAssessment) -> str:
    return "levels" if "attribute" in assessment.items else "items"


def _beside(bound: float) -> str:
    return "" if np.isnan(bound) else f" (bound {bound:.3f})"
