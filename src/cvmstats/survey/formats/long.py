"""Long tables: our own, and that of bwsTools, JMP and SAS (White 2021, Journal of Choice Modelling 39, 100289)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.design import KINDS, Design
from cvmstats.errors import ChoicesError
from cvmstats.survey.amounts import AMOUNTS
from cvmstats.survey.formats.base import PICKED, Carries, Format, Reading, Source, Tidy, as_written
from cvmstats.survey.tables import find_columns, missing_columns, plain

OURS = ("respondent", "task", "position", "item", "item_no", "choice", "version", *AMOUNTS)
LAYOUT = "long: respondent, task, item, choice (1 best, -1 worst, 0), and version, position where there are any"
_BWS = {"respondent": "id", "task": "block", "item": "label", "choice": "value"}


def lacking(found: Mapping[str, str]) -> list[str]:
    """Which columns a long table lacks."""
    return [c for c in ("respondent", "task", "item", "choice")
            if c not in found and (c, "item_no" in found) != ("item", True)]  # fmt: skip


def texts_only(columns: Mapping[str, Any]) -> dict[str, str]:
    """What ``columns=`` says of all but the columns of picks."""
    return {k: v for k, v in columns.items() if k not in ("best", "worst")}


def _detect(source: Source, columns: Mapping[str, Any]) -> str:
    found = find_columns(source.table, OURS, texts_only(columns), ChoicesError, source.name)
    return "" if lacking(found) else ", ".join(sorted(found.values()))


def _tidy(source: Source, reading: Reading) -> Tidy:
    found = find_columns(source.table, OURS, texts_only(reading.columns), ChoicesError, source.name)
    absent = lacking(found)
    if absent:
        raise missing_columns(source.table, absent, ChoicesError, source.name, LAYOUT)
    return Tidy(table=source.table, found=found)


def _write(choices: Choices) -> pd.DataFrame:
    design = choices.design
    r, t, a, item, place = as_written(choices)
    amounts = {column: getattr(choices, name)[r, t] for name, column in AMOUNTS.items() if getattr(choices, name) is not None}
    return pd.DataFrame({
        "respondent": np.array(choices.respondents.ids, dtype=object)[r],
        "version": np.array(design.version_ids, dtype=object)[choices.version][r],
        "task": np.array(design.task_ids, dtype=object)[t], "position": a + 1,
        "item": np.array(design.objects.ids, dtype=object)[item], "choice": place, **amounts,
    })  # fmt: skip


def _write_design(design: Design) -> pd.DataFrame:
    return design.to_frame()


def _bws_columns(source: Source, columns: Mapping[str, Any]) -> dict[str, str]:
    """The columns id, block, label, value, in any case, or what ``columns=`` says."""
    there = {plain(c): c for c in source.table.columns}
    named = texts_only(columns)
    return {ours: named.get(ours, there.get(theirs, "")) for ours, theirs in _BWS.items()}


def _detect_bws(source: Source, columns: Mapping[str, Any]) -> str:
    found = _bws_columns(source, {})
    return ", ".join(found.values()) if all(found.values()) and not columns else ""


def _tidy_bws(source: Source, reading: Reading) -> Tidy:
    found = _bws_columns(source, reading.columns)
    absent = [theirs for ours, theirs in _BWS.items() if not found[ours] or found[ours] not in source.table.columns]
    if absent:
        raise missing_columns(source.table, absent, ChoicesError, source.name, BWS_LONG.layout)
    return Tidy(table=source.table, found=found)


def _write_bws(choices: Choices) -> pd.DataFrame:
    table = _write(choices)
    return pd.DataFrame({theirs: table[ours] for ours, theirs in _BWS.items()})


LONG = Format(
    name="long", what="our own long table", layout=LAYOUT, detect=_detect, tidy=_tidy, write=_write,
    carries=Carries(kinds=KINDS, ties=True, left_out=True, displayed=True, second=True, amounts=tuple(AMOUNTS)),
    designs="file", write_design=_write_design,
    remark="every kind of answer; rankings, grades and second questions only where design= or kind= says so",
)  # fmt: skip
BWS_LONG = Format(
    name="bws_long", what="bwsTools, JMP, SAS: long", layout="long: id, block, label, value (1 best, -1 worst, 0)",
    detect=_detect_bws, tidy=_tidy_bws, write=_write_bws,
    carries=Carries(kinds=(*PICKED, "pair"), ties=True, versions=False),
    designs="answers", remark="no version and no position: sets tell the version",
)  # fmt: skip
