"""Designs over attributes as tables: whole profiles (case 3, conjoint) and the levels of one profile (case 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.attributes import Attributes, level_coding, level_items
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.data.store import fingerprint
from cvmstats.data.texts import plain_text
from cvmstats.errors import AttributesError, DesignError, examples
from cvmstats.survey.tables import as_text, file_rows


def attributes_of(items: Items | Profiles) -> Attributes | None:
    """The attributes whose levels these items are (best-worst case 2), none of them linear; None where they are no levels."""
    if not isinstance(items, Items) or "level" not in items.table:
        return None
    table = items.table
    try:
        found = Attributes(table=pd.DataFrame({"attribute": table["group"], "level": table["level"].map(str)}))
    except AttributesError:
        return None
    return found if found.labels == items.ids else None


def is_case_2(design: Design) -> bool:
    """Whether a design's objects are levels, coded as ``design_cases`` codes them where no attribute is linear."""
    attributes = attributes_of(design.objects)
    if attributes is None:
        return False
    own = fingerprint(np.round(np.asarray(design.coding), 12), np.round(np.asarray(design.report), 12))
    made = level_coding(attributes)
    return own == fingerprint(np.round(made.coding, 12), np.round(made.report, 12))


def case_2(attributes: Attributes) -> tuple[Items, dict[str, Any]]:
    """The levels as items, and what ``Design`` takes beside them."""
    return level_items(attributes), level_coding(attributes)._asdict()


def profiles_in(
    table: pd.DataFrame, attributes: Attributes, ids: Sequence[str] | None, name: str
) -> tuple[Profiles, np.ndarray]:
    """The profiles of a table with a column per attribute, in the order in which they first stand there; and each row's.

    Raises
    ------
    DesignError
        Levels that the attributes do not have; one id for two profiles.
    """
    levels = levels_in(table, attributes, name)
    keys = [*map(tuple, levels.tolist())] if ids is None else list(ids)
    first: dict[object, int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    rows = list(first.values())
    again = {key: levels[row] for key, row in first.items()}
    differ = [str(key) for key, row in zip(keys, levels, strict=True) if (again[key] != row).any()]
    if differ:
        raise DesignError(f"{len(set(differ)):,} profiles of {name} have one id and different levels\n"
                          f"  for example {examples(list(dict.fromkeys(differ)))}\n  expected one profile for each "
                          f"id")  # fmt: skip
    made = Profiles(attributes=attributes, levels=levels[rows], ids=tuple(map(str, first)) if ids is not None else ())
    place = {key: i for i, key in enumerate(first)}
    return made, np.array([place[key] for key in keys], np.int64)


def levels_in(table: pd.DataFrame, attributes: Attributes, name: str) -> np.ndarray:
    """Which level (rows, attributes) each row has: by its text, else by its number from 1; -1 throughout where nothing stands.

    Raises
    ------
    DesignError
        Levels that the attributes do not have.
    """
    result = np.full((len(table), len(attributes)), -1, np.int32)
    blank = np.ones(len(table), bool)
    strange: list[str] = []
    for a, attribute in enumerate(attributes.names):
        texts = as_text(table[attribute])
        known = {level: i for i, level in enumerate(attributes.levels[a])}
        if not set(texts.unique()) - {""} <= set(known):
            known = known if not set(texts.unique()) - {""} <= {str(i + 1) for i in range(len(known))} else {
                str(i + 1): i for i in range(len(known))}  # fmt: skip
        filled = (texts != "").to_numpy()
        blank &= ~filled
        result[:, a] = [known.get(plain_text(t), -1) for t in texts]
        strange += [f"{attribute}: {t}" for t in texts[filled & (result[:, a] < 0)].unique()]
    part = np.flatnonzero(~blank & (result < 0).any(axis=1))
    if len(part):
        raise DesignError(f"{len(part):,} of {len(table):,} rows of {name} have no level, or one that there is not\n  "
                          f"for example row "
                          f"{examples(file_rows(part))}{f' ({examples(strange)})' if strange else ''}\n"
                          "  expected a level of each attribute, or its number, or nothing in all of them for the none option\n"
                          "  give the attributes of this study")  # fmt: skip
    return result
