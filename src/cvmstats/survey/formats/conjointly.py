"""Conjointly's upload of choice data: a row for each alternative, levels by number in A1, A2, ... (items: A1 alone)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.profiles import Profiles
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.formats.base import Carries, Format, Reading, Source, Tidy, as_written
from cvmstats.survey.formats.profile_rows import name_profiles
from cvmstats.survey.naming import whole_numbers
from cvmstats.survey.tables import as_text, file_rows, missing_columns

_HEADS = ("PARTICIPANT", "QES", "ALT", "CHOICE")


def _columns(source: Source) -> tuple[dict[str, str], list[str]]:
    there = {c.upper(): c for c in source.table.columns}
    levels = sorted((c for c in there if re.fullmatch(r"A[1-9]\d*", c)), key=lambda c: int(c[1:]))
    return {h: there[h] for h in _HEADS if h in there}, [there[c] for c in levels]


def _detect(source: Source, columns: Mapping[str, Any]) -> str:
    found, levels = _columns(source)
    return ", ".join([*found.values(), *levels[:1]]) if len(found) == len(_HEADS) and levels else ""


def _tidy(source: Source, reading: Reading) -> Tidy:
    found, levels = _columns(source)
    absent = [h for h in _HEADS if h not in found] or ["A1"] * (not levels)
    if absent:
        raise missing_columns(source.table, absent, ChoicesError, source.name, CONJOINTLY.layout)
    table = pd.DataFrame({ours: as_text(source.table[found[theirs]]) for ours, theirs in
                          zip(("respondent", "task", "position", "choice"), _HEADS, strict=True)})  # fmt: skip
    odd = ~table["choice"].str.strip().isin(["", "0", "1", "0.0", "1.0"])
    if odd.any():
        reading.problems.add(f"{odd.sum():,} of {len(table):,} rows have a CHOICE other than 0 and 1",
                             where=f"row {examples(file_rows(np.flatnonzero(odd)))} "
                                   f"({examples(table['choice'][odd].unique().tolist())})",
                             expected="1 for the alternative that was chosen, 0 for the others",
                             remedy="mend the column CHOICE")  # fmt: skip
        table.loc[odd, "choice"] = "0"
    numbers = np.stack([whole_numbers(as_text(source.table[c]).tolist()) for c in levels], axis=1)
    things = reading.things
    if len(levels) == 1 and (things is None or not hasattr(things, "attributes")) and not hasattr(things, "n_levels"):
        table["item_no"] = as_text(source.table[levels[0]])
        found_all = {c: c for c in table.columns}
        return Tidy(table=table, found=found_all)
    blank = np.stack([(as_text(source.table[c]).str.strip() == "").to_numpy() for c in levels], axis=1)
    names, profiles = name_profiles(np.where(blank, 0, numbers), things, source.name)
    table["item"] = names
    return Tidy(table=table, found={c: c for c in table.columns}, things=profiles)


def _write(choices: Choices) -> pd.DataFrame:
    design = choices.design
    r, t, a, item, place = as_written(choices)
    table = {"PARTICIPANT": np.array(choices.respondents.ids, dtype=object)[r],
             "QES": np.array(design.task_ids, dtype=object)[t], "ALT": a + 1, "CHOICE": place}  # fmt: skip
    if isinstance(design.objects, Profiles):
        levels = design.objects.levels[item] + 1
        return pd.DataFrame(table | {f"A{i + 1}": levels[:, i] for i in range(levels.shape[1])})
    return pd.DataFrame(table | {"A1": item + 1})


CONJOINTLY = Format(
    name="conjointly", what="Conjointly: upload of choices", layout="long: PARTICIPANT, QES, ALT, CHOICE (1 or 0), A1, A2, ...",
    detect=_detect, tidy=_tidy, write=_write, designs="answers",
    carries=Carries(kinds=("best", "pair"), ties=True, versions=False, displayed=True),
    remark="one choice per task; levels (or, in A1, items) by number from 1, 0 throughout for none",
)  # fmt: skip
