"""Colours that mean the same in every picture."""

from __future__ import annotations

INK = "#1f2933"
QUIET = "#6b7785"
RULE = "#d5dae1"
BAND = "#f3f5f8"
ACCENT = "#12507b"

SEGMENTS = ("#12507b", "#d1772c", "#3b8a5f", "#a33b52", "#7a62a8", "#8c7a3d", "#3c9aa8", "#636d78")
"""Colour of the first, second, ... segment; told apart also by people who do not see red or green."""


def segment_colour(number: int) -> str:
    """The colour of segment 0, 1, ...; from the ninth on they come again.

    >>> segment_colour(0) == segment_colour(8)
    True
    """
    return SEGMENTS[number % len(SEGMENTS)]
