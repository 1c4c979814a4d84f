"""What a format is: how it is known, what it carries, and how its answers become a long or a wide table of ours.

A format reads by turning its own layout into one of two tables, which one piece of code then checks, and writes by turning
answers into its own table. So that a further format is one file, named in ``formats/__init__.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.profiles import Profiles
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.naming import whole_numbers
from cvmstats.survey.problems import Problems
from cvmstats.survey.tables import file_rows

Ints = npt.NDArray[np.int64]
PICKED = ("best_worst", "best", "worst")


@dataclass(frozen=True, kw_only=True)
class Source:
    """What was given: a table, or the text of a file that is none."""

    name: str
    table: pd.DataFrame
    text: str | None = None
    ending: str = ""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the caller says beside the file."""

    problems: Problems
    columns: Mapping[str, Any] = field(default_factory=dict)
    things: Items | Profiles | Attributes | None = None
    design: Design | None = None
    picks: str | None = None
    best_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tidy:
    """Answers in a table of ours.

    ``pairs`` is None in a long table (``found`` names its columns: respondent, task, item or item_no, choice, and version,
    position, strength, count, seconds where there are any), and in a wide one it names the columns of picks. ``things`` are the
    objects where the file itself made them.
    """

    table: pd.DataFrame
    found: dict[str, str]
    pairs: dict[str, dict[str, str]] | None = None
    picks: str | None = None
    how: str = ""
    things: Items | Profiles | None = None


@dataclass(frozen=True, kw_only=True)
class Carries:
    """What the answers of a format can hold; the rest is refused by name when writing.

    ``ids``: any text, ``numbers`` (no leading zeros), or ``order`` (1, 2, ... and no column for them). ``versions``: whether
    there is a column for them; where there is none they must differ in their sets. ``tasks``: any name, ``numbers``, or
    ``order`` (1, 2, ..., each one asked). ``labels``: items stand by their labels, which must then be no other item's id.
    ``second``: second questions about an anchor. ``amounts``: which of strength, count and seconds.
    """

    kinds: tuple[str, ...] = PICKED
    profiles: bool = True
    labels: bool = False
    ids: str = "any"
    versions: bool = True
    tasks: str = "any"
    ties: bool = False
    left_out: bool = False
    displayed: bool = False
    second: bool = False
    amounts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format.

    ``detect`` says in a few words what it saw of the format in a source, and nothing where it does not see it. ``tidy`` reads
    answers, ``write`` gives a table or the bytes of a file; ``write_design`` gives a table. None where there is no such thing.
    """

    name: str
    what: str
    layout: str
    detect: Callable[[Source, Mapping[str, Any]], str]
    tidy: Callable[[Source, Reading], Tidy] | None = None
    write: Callable[[Choices], pd.DataFrame | bytes] | None = None
    carries: Carries = Carries()
    designs: str = ""
    """Designs in: ``file`` where ``read_design`` reads it, ``answers`` where the answers tell what was shown."""
    write_design: Callable[[Design], pd.DataFrame] | None = None
    endings: tuple[str, ...] = (".csv", ".parquet", ".pq")
    remark: str = ""


def never(source: Source, columns: Mapping[str, Any]) -> str:
    """Detection of a format that cannot be told by its columns: it must be named."""
    return ""


def check_carried(choices: Choices, form: Format) -> None:
    """Refuse answers that the format cannot hold.

    Raises
    ------
    ChoicesError
        With all that would be lost.
    """
    carries, design = form.carries, choices.design
    shown = design.shown[choices.version] >= 0
    kinds = np.asarray(design.kind)[(design.shown >= 0).any(axis=2)]
    lost = sorted({str(k) for k in kinds} - set(carries.kinds))
    if np.asarray(design.dual).any() and not carries.second:
        lost.append("dual")
    lost += [n for n in ("strength", "count") if getattr(choices, n) is not None and n not in carries.amounts]
    if isinstance(design.objects, Profiles) and not carries.profiles:
        lost.append("profiles")
    if not carries.ties and ((choices.place == 1).sum(axis=2) > 1).any():
        lost.append("ties")
    if not carries.left_out and (shown & (choices.place == NO_ANSWER)).any():
        lost.append("objects without an answer")
    if carries.labels:
        own = dict(zip(design.objects.ids, design.objects.labels, strict=True))
        if any(own.get(label, label) != label for label in design.objects.labels):
            lost.append("labels that are the ids of other items")
    if carries.ids != "any":
        ids = list(choices.respondents.ids)
        numbered = [str(i) for i in range(1, len(ids) + 1)] if carries.ids == "order" else [str(n) for n in whole_numbers(ids)]
        if ids != numbered:
            lost.append("ids of people other than 1, 2, ... in order" if carries.ids == "order" else
                        "ids of people that are no plain numbers")  # fmt: skip
    if not carries.versions and design.n_versions > 1:
        sets = np.sort(design.shown, axis=2).reshape(design.n_versions, -1)
        if len(np.unique(sets, axis=0)) < design.n_versions:
            lost.append("versions that show the same sets")
    tasks = list(design.task_ids or ())
    if carries.tasks == "numbers" and tasks != [str(n) for n in whole_numbers(tasks)]:
        lost.append("names of tasks that are no plain numbers")
    if carries.tasks == "order":
        if tasks != [str(t + 1) for t in range(len(tasks))]:
            lost.append("names of tasks other than 1, 2, ...")
        if not shown.any(axis=2).all():
            lost.append("tasks that a version does not ask")
    if lost:
        what = "a table of choices" if form.name in ("long", "wide") else f"the format {form.name!r}"
        raise ChoicesError(f"{what} cannot hold {examples(lost, 9)}\n  expected {', '.join(carries.kinds)} tasks that fit "
                           f"{form.layout}\n  keep them with cvmstats.save(choices, path), or write them long")  # fmt: skip


def as_written(choices: Choices) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Rows of a long table in the order seen: respondent, task, position (from 0), object and place of each, all flat."""
    design = choices.design
    shown = design.shown[choices.version]
    seen = shown if choices.displayed is None else choices.displayed
    r, t, a = np.nonzero(seen >= 0)
    item = seen[r, t, a].astype(np.int64)
    slot = np.argmax(shown[r, t] == item[:, None], axis=1)
    return r, t, a, item, choices.place[r, t, slot].astype(np.int64)


def picked(choices: Choices, sign: int) -> tuple[Ints, Ints]:
    """Object that each person placed first (sign 1) or last (-1) in each task (R, T), and its position from 0; -1: none."""
    shown = choices.design.shown[choices.version]
    hit = choices.place == sign
    at = np.where(hit.any(axis=2), hit.argmax(axis=2), -1)
    item = np.take_along_axis(shown, np.where(at >= 0, at, 0)[..., None], axis=2)[..., 0]
    return np.where(at >= 0, item, -1).astype(np.int64), at.astype(np.int64)


def long_of_rows(
    people: list[str], tasks: list[str], seen: npt.NDArray[np.object_], said: npt.NDArray[np.object_], **more: Any
) -> Tidy:
    """A long table from one row per person and task: texts shown (rows, A), empty where there is none, and said of each."""
    row, position = np.nonzero(seen != "")
    table = pd.DataFrame({
        "respondent": np.array(people, dtype=object)[row], "task": np.array(tasks, dtype=object)[row],
        "position": (position + 1), "item": seen[row, position], "choice": said[row, position],
    })  # fmt: skip
    return Tidy(table=table, found={c: c for c in table.columns}, **more)


def note_rows(problems: Problems, bad: npt.NDArray[np.bool_], what: str, *, people: list[str], tasks: list[str],
              expected: str, detail: str = "") -> None:  # fmt: skip
    """Note what is wrong with rows that are a person's task each."""
    ids, names = list(dict.fromkeys(people)), list(dict.fromkeys(tasks))
    mask = np.zeros((len(ids), len(names)), bool)
    at = {v: i for i, v in enumerate(ids)}, {v: i for i, v in enumerate(names)}
    for row in np.flatnonzero(bad):
        mask[at[0][people[row]], at[1][tasks[row]]] = True
    problems.add_tasks(mask, what, of=len(set(zip(people, tasks, strict=True))), ids=ids, tasks=names, expected=expected,
                       detail=detail)  # fmt: skip


def check_people(ids: list[str], problems: Problems, first: int = 2) -> None:
    """Note rows without a person, and people who stand twice; ``first`` is the number of the first row in the file."""
    blank = [str(row + first - 2) for row in file_rows([i for i, v in enumerate(ids) if not v.strip()])]
    if blank:
        problems.add(f"{len(blank):,} of {len(ids):,} rows have no respondent", where=f"row {examples(blank)}",
                     expected="a respondent on each row", remedy="fill the column or take such rows away")  # fmt: skip
    seen: dict[str, int] = {}
    for v in ids:
        seen[v] = seen.get(v, 0) + 1
    twice = [v for v, n in seen.items() if n > 1 and v.strip()]
    if twice:
        problems.add(f"{len(twice):,} respondents stand more than once, and so do their tasks",
                     where=f"respondent {examples(twice)}", expected="one row for each person",
                     remedy="keep one row of each person")  # fmt: skip
