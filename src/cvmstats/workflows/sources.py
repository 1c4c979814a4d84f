"""Files as the commands are given them: what was answered, what was shown; ours end in ``.cvm`` and hold all of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cvmstats.data.design import Design
from cvmstats.data.store import load
from cvmstats.errors import ChoicesError, DesignError, InputError, examples
from cvmstats.survey import read_attributes, read_items

OURS = ".cvm"


def is_ours(path: Any) -> bool:
    """Whether a path is that of a file of ``cvmstats.save``."""
    return isinstance(path, str | Path) and Path(path).suffix.lower() == OURS


def read_ours(path: str | Path, beside: Mapping[str, Any]) -> Any:
    """What one of our files holds.

    Raises
    ------
    ChoicesError
        Where there is no such file, or something is given ``beside`` it, which would not be looked at.
    """
    source = Path(path)
    if not source.is_file():
        raise ChoicesError(f"there is no file of answers at {source}")
    given = sorted(name for name, value in beside.items() if value is not None)
    if given:
        needless = set(given) <= {"attributes", "design", "items"}
        what = "has its own design and items" if needless else "holds all that is to be known of it"
        raise ChoicesError(f"{source.name} {what}\n  leave out {examples(given)}")
    return load(source)


def things_of(items: Any, attributes: Any) -> Any:
    """What was shown is made of: items or attributes, read where they are files.

    Raises
    ------
    InputError
        Where both are given.
    """
    if items is not None and attributes is not None:
        raise InputError("items and attributes are given\n  expected one of them")
    if items is not None:
        return read_items(items) if isinstance(items, str | Path) else items
    return None if attributes is None else read_attributes(attributes)


def open_design(design: Any) -> Any:
    """A design of ours loaded; what else is given stays as it is.

    Raises
    ------
    DesignError
        Where our file holds something else.
    """
    plan = load(design) if is_ours(design) else design
    if is_ours(design) and not isinstance(plan, Design):
        raise DesignError(f"{Path(design).name} holds {type(plan).__name__}\n  expected a Design")
    return plan
