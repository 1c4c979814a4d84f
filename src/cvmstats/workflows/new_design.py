"""From a table of items to the file of a design, judged: what `cvmstats design` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cvmstats.data.store import save
from cvmstats.design import DesignAssessment, assess_design, design_best_worst
from cvmstats.errors import DesignError
from cvmstats.survey import read_items, write_design

TABLES = (".csv", ".parquet")


def write_new_design(items: str | Path, out: str | Path, *, wide: bool = False, picture: str | Path | None = None,
                     **options: Any) -> DesignAssessment:  # fmt: skip
    """Read items, make a best-worst design of them, and write it.

    Parameters
    ----------
    items : path
        Table of the items.
    out : path
        A table (``.csv``, ``.parquet``), or ``.cvm`` for all that a design holds, anchors too.
    wide : bool
        A row per set, items by number.
    picture : path, optional
        Where a PNG of the assessment goes.
    options
        Of ``design_best_worst``.

    Raises
    ------
    DesignError
        As ``design_best_worst`` does, or where a table cannot hold the design.
    """
    target = Path(out)
    if target.suffix.lower() not in (*TABLES, ".cvm"):
        raise DesignError(f"{target.name} ends in {target.suffix!r}\n  expected .csv or .parquet, or .cvm for all of it")
    if target.suffix.lower() in TABLES and options.get("anchor"):
        raise DesignError("a table of a design cannot hold an anchor\n  give a name that ends in .cvm")
    design = design_best_worst(read_items(items), **options)
    if target.suffix.lower() in TABLES:
        write_design(design, target, format="wide" if wide else "long")
    else:
        save(design, target)
    assessment = assess_design(design)
    if picture is not None:
        from cvmstats.report import plot_design, write_png

        write_png(plot_design(assessment), picture)
    return assessment
