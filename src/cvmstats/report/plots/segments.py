"""How segments differ: each one's utilities on one axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvmstats.data.segments import Segments
from cvmstats.report.plots.canvas import new_axes
from cvmstats.report.plots.colours import INK, QUIET, RULE, segment_colour


def plot_segments(segments: Segments, ax: Any = None) -> Any:
    """What sets the segments apart: utilities of each, needs where they differ most on top.

    Parameters
    ----------
    segments : Segments
        With a model.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    SegmentsError
        Where there is no model.
    """
    table = segments.means_frame()
    means = table[list(segments.names)].to_numpy(float)
    means = means - means.mean(axis=0)
    order = np.argsort(means.std(axis=1), kind="stable")
    means, labels = means[order], [str(table["item"].iloc[i]) for i in order]
    n = len(labels)
    if ax is None:
        ax = new_axes(6.6 + 0.072 * max(len(v) for v in labels), 1.1 + 0.25 * n)
    y = np.arange(n)
    ax.axvline(0, color=QUIET, linewidth=0.8, zorder=0)
    ax.hlines(y, means.min(axis=1), means.max(axis=1), color=RULE, linewidth=2.5, zorder=1)
    for s, name in enumerate(segments.names):
        label = f"{name}  {100 * segments.sizes[s]:.0f}%"
        ax.plot(means[:, s], y, "o", color=segment_colour(s), markersize=6, alpha=0.9, zorder=3, label=label,
                markeredgecolor="white", markeredgewidth=0.6)  # fmt: skip
    ax.set_ylim(-0.7, n - 0.3)
    ax.set_yticks(y, labels, color=INK, fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", colors=QUIET, labelsize=8.5)
    ax.set_xlabel("utility, zero-centred within the segment (logits)", color=INK, fontsize=9)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(RULE)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5, labelcolor=INK,
              borderaxespad=0.2)  # fmt: skip
    return ax
