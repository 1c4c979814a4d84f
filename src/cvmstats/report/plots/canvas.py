"""Where pictures are drawn: figures of their own, without global state, and written as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def new_axes(width: float, height: float) -> Any:
    """Axes on a new figure (inches) that pyplot does not know of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def write_png(picture: Any, path: str | Path, *, dpi: int = 160) -> Path:
    """Write Axes or a Figure as PNG, and return the path.

    The file appears whole or not at all.
    """
    figure = getattr(picture, "figure", picture)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        figure.savefig(part, dpi=dpi, format="png", bbox_inches="tight", pad_inches=0.15)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target
