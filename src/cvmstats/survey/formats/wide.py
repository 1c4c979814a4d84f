"""A row for each person and a pair of columns for each task: support.BWS, Sawtooth, Displayr.

They differ in what a pick is (a name, the number of an item, a position in the set) and in whether people and versions have a
column. Aizaki, Nakatani & Sato 2014, Stated Preference Methods Using R, chapter 6 (support.BWS).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.formats.base import PICKED, Carries, Format, Reading, Source, Tidy, never, picked
from cvmstats.survey.formats.long import texts_only
from cvmstats.survey.tables import as_text, find_columns, missing_columns
from cvmstats.survey.wide import pick_columns

LAYOUT = "wide: respondent, a pair of columns for each task such as B1, W1, and version where there are several"
_OURS = ("respondent", "version")


def _detect(source: Source, columns: Mapping[str, Any]) -> str:
    found = find_columns(source.table, _OURS, texts_only(columns), ChoicesError, source.name)
    pairs = pick_columns(source.table, columns)
    names = [*pairs["best"].values(), *pairs["worst"].values()]
    return f"{', '.join(names[:4])}, ..." if names and "respondent" in found else ""


def _tidy(source: Source, reading: Reading) -> Tidy:
    found = find_columns(source.table, _OURS, texts_only(reading.columns), ChoicesError, source.name)
    pairs = pick_columns(source.table, reading.columns)
    absent = ["respondent"] * ("respondent" not in found) or ["best"] * (not any(pairs.values()))
    if absent:
        raise missing_columns(source.table, absent, ChoicesError, source.name, LAYOUT)
    return Tidy(table=source.table, found=found, pairs=pairs, picks=reading.picks)


def _tidy_sawtooth(source: Source, reading: Reading) -> Tidy:
    """By place, whatever the columns are called: respondent, version, then best and worst of each task."""
    names = list(source.table.columns)
    if len(names) < 4 or len(names) % 2:
        raise ChoicesError(f"{source.name} has {len(names)} columns\n  for example {examples(names, 12)}\n"
                           f"  expected respondent, version, then best and worst of each task\n"
                           "  take the other columns away, or read it as format='wide' with columns=")  # fmt: skip
    return _by_place(source, reading, {"respondent": names[0], "version": names[1]}, names[2:])


def _tidy_displayr(source: Source, reading: Reading) -> Tidy:
    """Pairs of positions and nobody's name: people are numbered in the order of the rows."""
    found = find_columns(source.table, ("version",), {}, ChoicesError, source.name)
    pairs = pick_columns(source.table, reading.columns)
    if not any(pairs.values()):
        raise missing_columns(source.table, ["best"], ChoicesError, source.name, DISPLAYR.layout)
    if reading.picks not in (None, "positions"):
        raise ChoicesError(f"picks={reading.picks!r}, and in the format 'displayr' picks are positions in the task\n"
                           "  leave picks= away, or say format='wide'")  # fmt: skip
    table = source.table.assign(**{"respondent ": [str(i + 1) for i in range(len(source.table))]})
    return Tidy(table=table, found={"respondent": "respondent ", **found}, pairs=pairs, picks="positions",
                how="people numbered by their rows")  # fmt: skip


def _by_place(source: Source, reading: Reading, found: dict[str, str], names: list[str]) -> Tidy:
    tasks = (reading.design.task_ids if reading.design is not None else None) or ()
    if len(tasks) != len(names) // 2:
        tasks = tuple(str(t + 1) for t in range(len(names) // 2))
    pairs = {"best": dict(zip(tasks, names[::2], strict=True)), "worst": dict(zip(tasks, names[1::2], strict=True))}
    pairs = {side: ours for side, ours in pairs.items() if (as_text_any(source.table, list(ours.values())))} | {
        side: {} for side, ours in pairs.items() if not as_text_any(source.table, list(ours.values()))}  # fmt: skip
    return Tidy(table=source.table, found=found, pairs=pairs, picks=reading.picks)


def as_text_any(table: pd.DataFrame, names: list[str]) -> bool:
    """Whether anything stands in any of these columns."""
    return any((as_text(table[c]).str.strip() != "").any() for c in names)


def _write(choices: Choices, picks: str, heads: Callable[[str, str], str], front: tuple[str, ...], *,
           both: bool = False) -> pd.DataFrame:  # fmt: skip
    """``heads`` names the column of a side and a task, ``front`` those of person and version; ``both`` sides at any rate."""
    design = choices.design
    ids = np.array([*design.objects.ids, ""], dtype=object)
    columns = {"respondent": list(choices.respondents.ids),
               "version": np.array(design.version_ids, dtype=object)[choices.version]}  # fmt: skip
    table: dict[str, Any] = {c: columns[ours] for c, ours in zip(front, ("respondent", "version"), strict=True) if c}
    asked = {str(k) for k in np.asarray(design.kind)[(design.shown >= 0).any(axis=2)]}
    found = {sign: picked(choices, sign) for sign in (1, -1)}
    for t, task in enumerate(design.task_ids or ()):
        for side, sign in (("best", 1), ("worst", -1)):
            if not both and asked <= ({"worst"} if side == "best" else {"best", "pair"}):
                continue
            item, at = (part[:, t] for part in found[sign])
            if picks == "names":
                table[heads(side, task)] = ids[item]
            else:
                number = pd.Series((item if picks == "numbers" else at) + 1)
                table[heads(side, task)] = number.where(number > 0).astype("Int64")
    return pd.DataFrame(table)


def write_design_by_number(design: Design) -> pd.DataFrame:
    """Version, Set, Item1, Item2, ... with the items' numbers from 1."""
    table = design.to_frame()
    number = dict(zip(design.objects.ids, range(1, 1 + len(design.objects)), strict=True))
    wide = table.assign(item=table["item"].map(number)).pivot(index=["version", "task"], columns="position", values="item")
    order = table[["version", "task"]].drop_duplicates()
    wide = wide.loc[pd.MultiIndex.from_frame(order)].astype("Int64")
    wide.columns = pd.Index([f"Item{p}" for p in wide.columns])
    return wide.reset_index().rename(columns={"version": "Version", "task": "Set"})


def _short(side: str, task: str) -> str:
    return f"{side[0].upper()}{task}"


WIDE = Format(
    name="wide", what="our own wide table, items by id", layout=LAYOUT, detect=_detect, tidy=_tidy,
    write=partial(_write, picks="names", heads=lambda side, task: f"{side}_{task}", front=("respondent", "version")),
    carries=Carries(kinds=(*PICKED, "pair")), designs="file", write_design=write_design_by_number,
    remark="picks may be names, numbers or positions: the one that fits, else picks= must say",
)  # fmt: skip
SUPPORT_BWS = Format(
    name="support_bws", what="support.BWS: wide, picks are positions", layout="wide: id, B1, W1, B2, W2, ...", detect=never,
    tidy=_tidy, write=partial(_write, picks="positions", heads=_short, front=("id", "version")),
    carries=Carries(kinds=(*PICKED, "pair"), tasks="numbers"),
    remark="read as wide where nothing is said; a column version is added",
)  # fmt: skip
SAWTOOTH = Format(
    name="sawtooth", what="Sawtooth: design CSV, and answers by item number", detect=never, tidy=_tidy_sawtooth,
    layout="by place: respondent, version, then best and worst of each task",
    write=partial(_write, picks="numbers", heads=lambda side, task: f"Q{task}_{side.title()}",
                  front=("Respondent ID", "Version"), both=True),
    carries=Carries(kinds=(*PICKED, "pair")), designs="file", write_design=write_design_by_number,
    remark="design: Version, Set, Item1, ...; answers may be positions instead of numbers, read as wide",
)  # fmt: skip
DECIPHER = Format(
    name="decipher", what="Forsta/Decipher: design .dat, tab-delimited", detect=never, layout="Version, Set, Item1, ...",
    designs="file", write_design=write_design_by_number, endings=(".dat",), remark="the Sawtooth design with tabs",
)  # fmt: skip
DISPLAYR = Format(
    name="displayr", what="Displayr: compressed, picks are positions", layout="wide: B1, W1, B2, W2, ..., and no people",
    detect=never, tidy=_tidy_displayr,
    write=partial(_write, picks="positions", heads=_short, front=("", "Version")),
    carries=Carries(kinds=(*PICKED, "pair"), ids="order", tasks="numbers"),
    remark="must be named, since people are numbered by their rows",
)  # fmt: skip
