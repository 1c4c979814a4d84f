"""The layout of PyPI's maxdiff: a row for each task, labels shown in Attribute1, ..., labels picked in Best, Worst."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.formats.base import Carries, Format, Reading, Source, Tidy, long_of_rows, note_rows, picked
from cvmstats.survey.tables import MISSING, as_text, missing_columns, plain

_PICKS = {"best": ("best", "most"), "worst": ("worst", "least")}


def _columns(source: Source) -> tuple[dict[str, str], list[str]]:
    there: dict[str, str] = {}
    for c in source.table.columns:
        there.setdefault(plain(c), c)
    found = {"respondent": there["responseid"]} if "responseid" in there else {}
    for side, words in _PICKS.items():
        fits = [there[w] for w in words if w in there]
        if len(fits) == 1:
            found[side] = fits[0]
    shown = sorted((c for c in there if re.fullmatch(r"attribute[1-9]\d*", c)), key=lambda c: int(c[9:]))
    return found, [there[c] for c in shown]


def _detect(source: Source, columns: Mapping[str, Any]) -> str:
    found, shown = _columns(source)
    return ", ".join([*found.values(), shown[0]]) if len(found) == 3 and shown else ""


def _tidy(source: Source, reading: Reading) -> Tidy:
    found, shown = _columns(source)
    absent = [c for c in ("respondent", "best", "worst") if c not in found] or ["Attribute1"] * (not shown)
    if absent:
        raise missing_columns(source.table, absent, ChoicesError, source.name, PYPI_MAXDIFF.layout)
    numbers = [int(re.findall(r"\d+", c)[-1]) for c in shown]
    if numbers != list(range(1, len(shown) + 1)):
        raise ChoicesError(f"{source.name} has the columns {examples(shown, 12)}\n  expected Attribute1, Attribute2, ... "
                           f"and none "
                           "left out\n  was a column lost?")  # fmt: skip
    people = as_text(source.table[found["respondent"]]).tolist()
    tasks = (pd.Series(people, dtype="str").groupby(people).cumcount() + 1).astype("str").tolist()
    seen = np.stack([as_text(source.table[c]).to_numpy(dtype=object) for c in shown], axis=1)
    said = np.zeros(seen.shape, dtype=object)
    bad = np.zeros(len(seen), bool)
    for side, sign in (("best", 1), ("worst", -1)):
        pick = as_text(source.table[found[side]])
        hit = (seen == pick.to_numpy(dtype=object)[:, None]) & (seen != "")
        blank = pick.str.strip().isin([*MISSING]).to_numpy() & ~hit.any(axis=1)  # NA may be an item
        outside = ~blank & ~hit.any(axis=1)
        note_rows(reading.problems, outside & ~bad, f"name a {side} item that was not shown in the task", people=people,
                  tasks=tasks, expected="a label of the same row", detail=f"{examples(pick[outside].unique().tolist())}"
                  if outside.any() else "")  # fmt: skip
        both = hit & (said != 0)
        note_rows(reading.problems, both.any(axis=1) & ~bad, "name the same item best and worst", people=people, tasks=tasks,
                  expected="two different items")  # fmt: skip
        bad |= outside | both.any(axis=1)
        said[hit] = sign
    said[bad] = 0
    return long_of_rows(people, tasks, seen, said.astype(int).astype(object))


def _write(choices: Choices) -> pd.DataFrame:
    design = choices.design
    shown = design.shown[choices.version]
    seen = (shown if choices.displayed is None else choices.displayed).reshape(-1, shown.shape[2])
    labels = np.array([*design.objects.labels, ""], dtype=object)
    best, worst = (picked(choices, sign)[0].ravel() for sign in (1, -1))
    table = {"Response ID": np.repeat(np.array(choices.respondents.ids, dtype=object), design.n_tasks)}
    table |= {f"Attribute{a + 1}": labels[seen[:, a]] for a in range(shown.shape[2])}
    return pd.DataFrame(table | {"Best": labels[best], "Worst": labels[worst]})


PYPI_MAXDIFF = Format(
    name="pypi_maxdiff", what="PyPI maxdiff: a row for each task, labels",
    layout="a row for each task: Response ID, Attribute1, Attribute2, ..., Best, Worst (or Most, Least)",
    detect=_detect, tidy=_tidy, write=_write, designs="answers",
    carries=Carries(labels=True, versions=False, tasks="order", displayed=True),
    remark="tasks are numbered as they come; labels, not ids",
)  # fmt: skip
