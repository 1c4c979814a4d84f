"""From one format of answers or designs to another: what `cvmstats convert` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.store import load, save
from cvmstats.errors import InputError
from cvmstats.survey import read_attributes, read_choices, read_design, read_items, write_choices, write_design

OURS = ".cvm"


def convert_file(source: str | Path, out: str | Path, *, to: str, format: str | None = None, items: str | Path | None = None,
            attributes: str | Path | None = None, design: str | Path | None = None, kind: str = "best_worst",
            what: Literal["answers", "design"] = "answers", **options: Any) -> Choices | Design:  # fmt: skip
    """Read answers, or a design, in one format and write them in another.

    Parameters
    ----------
    source, out : path
        What is read and written; ``.cvm`` is a file of ``cvmstats.save``, which holds all of it.
    to : str
        The format to write; ``cvm`` for a file of ``cvmstats.save``.
    format : str, optional
        The format of ``source``, found where nothing is said.
    items, attributes, design : path, optional
        What was shown; a design may be ``.cvm`` too.
    kind : str
        What the tasks of a design ask for.
    what : {"answers", "design"}
        Which of the two ``source`` holds.
    options
        Of ``read_choices``: picks, best_code, invalid, encoding.

    Raises
    ------
    InputError
        As the functions for reading and writing do, and where ``out`` and ``to`` do not fit together.
    """
    if (Path(out).suffix.lower() == OURS) != (to == "cvm"):
        raise InputError(f"{Path(out).name} and the format {to!r} do not fit together\n"
                         "  expected a name that ends in .cvm for the format 'cvm', and only for it")  # fmt: skip
    if items is not None and attributes is not None:
        raise InputError("items and attributes are given\n  expected one of them")
    things: Any = read_items(items) if items is not None else read_attributes(attributes) if attributes is not None else None
    plan: Any = design
    if design is not None:
        plan = load(design) if Path(design).suffix.lower() == OURS else read_design(design, things, kind)
    result: Choices | Design
    if Path(source).suffix.lower() == OURS:
        result = load(source)
    elif what == "design":
        result = read_design(source, things, kind, encoding=options.get("encoding"))
    else:
        result = read_choices(source, format=format, design=plan, items=None if plan is not None else things, **options)
    if to == "cvm":
        save(result, out)
    elif isinstance(result, Design):
        write_design(result, out, to)
    elif isinstance(result, Choices):
        write_choices(result, out, to)
    else:
        raise InputError(f"{Path(source).name} holds {type(result).__name__}\n  expected answers or a design")
    return result
