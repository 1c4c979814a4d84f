"""From one format of answers or designs to another: what `cvmstats convert` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.store import save
from cvmstats.errors import InputError, examples
from cvmstats.survey import read_choices, read_design, write_choices, write_design
from cvmstats.workflows.sources import is_ours, open_design, read_ours, things_of


def convert_file(source: str | Path, out: str | Path, *, to: str, format: str | None = None, items: str | Path | None = None,
            attributes: str | Path | None = None, design: str | Path | None = None, kind: str | None = None,
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
    kind : str, optional
        What the tasks ask for; else what was answered: best, worst or both.
    what : {"answers", "design"}
        Which of the two ``source`` holds.
    options
        Of ``read_choices``: columns, picks, best_code, invalid, encoding.

    Raises
    ------
    InputError
        As the functions for reading and writing do, where ``out`` and ``to`` do not fit together, and where something is given
        beside a ``.cvm`` file, which holds all of it.
    """
    if is_ours(out) != (to == "cvm"):
        raise InputError(f"{Path(out).name} and the format {to!r} do not fit together\n"
                         "  expected a name that ends in .cvm for the format 'cvm', and only for it")  # fmt: skip
    result: Choices | Design
    if is_ours(source):
        beside = {name: value for name, value in options.items() if name != "invalid"}
        result = read_ours(source, {"design": design, "items": items, "attributes": attributes, "format": format, "kind": kind,
                                    **beside})
        if what == "design" and isinstance(result, Choices):
            raise InputError(f"{Path(source).name} holds Choices\n  expected a design")
    elif what == "design":
        needless = {"design": design, "format": format, "picks": options.get("picks"), "best_code": options.get("best_code")}
        given = [name for name, value in needless.items() if value is not None]
        if given:
            raise InputError(f"{Path(source).name} is read as a design, which has no {examples(given)}\n  leave them out")
        result = read_design(source, things_of(items, attributes), kind or "best_worst", columns=options.get("columns"),
                             encoding=options.get("encoding"))  # fmt: skip
    else:
        result = read_choices(source, format=format, design=open_design(design), items=things_of(items, attributes), kind=kind,
                              **options)  # fmt: skip
    if to == "cvm":
        save(result, out)
    elif isinstance(result, Design):
        write_design(result, out, to)
    elif isinstance(result, Choices):
        write_choices(result, out, to)
    else:
        raise InputError(f"{Path(source).name} holds {type(result).__name__}\n  expected answers or a design")
    return result
