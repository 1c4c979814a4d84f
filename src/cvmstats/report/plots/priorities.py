"""Figure 8b: what matters to whom, needs by segments, a Harvey ball in each cell."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from cvmstats.report.plots.canvas import new_axes
from cvmstats.report.plots.colours import BAND, INK, QUIET, RULE, segment_colour
from cvmstats.strategy.priorities import GRADES, Priorities

_BALL = 0.35  # radius, in rows
_LETTER = 0.245  # width of a letter of a label, in rows


def plot_priorities(priorities: Priorities, ax: Any = None) -> Any:
    """What matters to whom: a row per need, a column per segment, a ball filled by quarters in each cell.

    Full is very important, empty not important. Needs keep their order within their groups.

    Parameters
    ----------
    priorities : Priorities
    ax : Axes, optional
        By default a new figure of fitting size.

    Returns
    -------
    Axes
    """
    items, n_segments = priorities.items, len(priorities.segments)
    rows = _rows(items.groups)
    wrap = textwrap.TextWrapper(14, break_long_words=False, break_on_hyphens=False)
    heads = [wrap.wrap(n) or [""] for n in priorities.segments]
    column = max(3.0, 0.275 * max(len(line) for lines in heads for line in lines) + 0.6)
    head = 0.8 * max(len(lines) for lines in heads) + 1.2
    left = _LETTER * max(*(len(v) for v in items.labels), *(len(g) * 1.12 for g in items.groups), 12) + 1.2
    width, bottom = left + column * n_segments, float(len(rows))
    if ax is None:
        ax = new_axes(0.29 * width + 0.3, 0.29 * (head + bottom + 2.6) + 0.2)
    ax.set_xlim(-0.2, width + 0.2)
    ax.set_ylim(bottom + 2.2, -head - 0.2)
    ax.set_aspect("equal")
    ax.set_axis_off()
    _draw_heads(ax, priorities, heads, left, column)
    for y, (kind, index) in enumerate(rows):
        if kind == "group":
            ax.fill_between([0, width], y, y + 1, color=BAND, linewidth=0, zorder=0)
            ax.text(0.25, y + 0.53, items.groups[index], va="center", fontsize=9.5, fontweight="bold", color=INK)
            continue
        ax.plot([0, width], [y + 1, y + 1], color=RULE, linewidth=0.6, zorder=0)
        ax.text(0.6, y + 0.53, items.labels[index], va="center", fontsize=9.5, color=INK)
        for s in range(n_segments):
            grade = int(priorities.grade[index, s])
            _ball(ax, left + column * (s + 0.5), y + 0.5, 4 - grade, segment_colour(s))
    _draw_legend(ax, width, bottom + 1.3)
    return ax


def _rows(groups: tuple[str, ...]) -> list[tuple[str, int]]:
    """Rows from the top: the head of a group, then its needs; without groups, needs only."""
    rows: list[tuple[str, int]] = []
    for group in dict.fromkeys(groups):
        members = [i for i, g in enumerate(groups) if g == group]
        if group:
            rows.append(("group", members[0]))
        rows.extend(("need", i) for i in members)
    return rows


def _draw_heads(ax: Any, priorities: Priorities, heads: list[list[str]], left: float, column: float) -> None:
    for s, lines in enumerate(heads):
        x, colour = left + column * (s + 0.5), segment_colour(s)
        for k, line in enumerate(reversed(lines)):  # one by one, so that columns share their base lines
            ax.text(x, -1.3 - 0.78 * k, line, ha="center", va="baseline", fontsize=9.5, fontweight="bold", color=colour)
        ax.text(x, -0.45, f"{100 * priorities.sizes[s]:.0f}%", ha="center", va="baseline", fontsize=9.5, color=QUIET)
        ax.plot([x - 0.44 * column, x + 0.44 * column], [-0.12, -0.12], color=colour, linewidth=2.2,
                solid_capstyle="butt")  # fmt: skip


def _ball(ax: Any, x: float, y: float, quarters: int, colour: str) -> None:
    from matplotlib.patches import Circle, Wedge

    ax.add_patch(Circle((x, y), _BALL, facecolor="white", edgecolor=colour, linewidth=1.1, zorder=2))
    if quarters == 4:
        ax.add_patch(Circle((x, y), _BALL, facecolor=colour, edgecolor=colour, linewidth=1.1, zorder=3))
    elif quarters:
        # The axis runs downwards: from the top clockwise is from -90 degrees on.
        ax.add_patch(Wedge((x, y), _BALL, -90, -90 + 90 * quarters, facecolor=colour, linewidth=0, zorder=3))


def _draw_legend(ax: Any, width: float, y: float) -> None:
    room = [1.0 + 0.235 * len(g) + 0.9 for g in GRADES]
    scale = min(1.0, width / sum(room))
    x = width - scale * sum(room) if scale < 1 else (width - sum(room)) / 2
    for k, (grade, step) in enumerate(zip(GRADES, np.array(room) * scale, strict=True)):
        _ball(ax, x + 0.5, y, 4 - k, INK)
        ax.text(x + 1.05, y + 0.03, grade, va="center", fontsize=8.5 * scale, color=INK)
        x += float(step)
