"""Sawtooth's .CHO file: choices and what was shown, in one text file (Sawtooth Software, CBC/HB manual, appendix on .CHO
files).

Per respondent a line ``id extras attributes tasks none``, a line of the extra variables where there are any, and per task a
line
``concepts 1``, a line of levels per concept, and a line ``chosen seconds`` (chosen 0: missing). A MaxDiff set of J items is
coded in J - 1 columns, 1 in that of the item (the last item: zeros), and comes as a task for best and then, negated, for worst.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.errors import ChoicesError
from cvmstats.survey.formats.base import PICKED, Carries, Format, Reading, Source, Tidy
from cvmstats.survey.formats.profile_rows import name_profiles

_NUMBER = re.compile(r"[+-]?\d+(?:\.0*)?|\d*\.\d+")


class Task(NamedTuple):
    """One task of the file: levels (concepts, attributes), what was chosen (from 1, 0 nothing), seconds."""

    levels: list[list[int]]
    chosen: int
    seconds: float


class Person(NamedTuple):
    """One respondent of the file; ``none`` says whether each task has a none option after its concepts."""

    id: str
    none: bool
    tasks: list[Task]


def _detect(source: Source, columns: Mapping[str, Any]) -> str:
    return "a .cho file" if source.ending == ".cho" else ""


def parse(text: str, name: str) -> list[Person]:
    """The people of a file.

    Raises
    ------
    ChoicesError
        Where a line is not what the lines before it announce.
    """
    lines = iter([(i, line.split()) for i, line in enumerate(text.splitlines(), start=1) if line.strip()])
    people = []
    for number, head in lines:
        if len(head) != 5 or not all(re.fullmatch(r"\d+", f) for f in head[1:]) or head[4] not in ("0", "1"):
            raise _broken(name, number, head, "a respondent: id, number of extra variables, of attributes, of tasks, "
                                              "none (0 or 1)")
        extra, attributes, tasks = map(int, head[1:4])
        if extra:
            number, values = _next(lines, name, f"{extra} extra variables of respondent {head[0]}")
            if len(values) != extra:
                raise _broken(name, number, values, f"{extra} extra variables of respondent {head[0]}")
        people.append(Person(head[0], head[4] == "1", [_task(lines, name, attributes, head[4] == "1", head[0])
                                                       for _ in range(tasks)]))  # fmt: skip
    return people


def _task(lines: Iterator[tuple[int, list[str]]], name: str, attributes: int, none: bool, who: str) -> Task:
    number, head = _next(lines, name, f"a task of respondent {who}")
    if len(head) != 2 or not re.fullmatch(r"\d+", head[0]) or head[1] != "1" or int(head[0]) < 1:
        raise _broken(name, number, head, f"a task of respondent {who}: number of concepts, 1")
    levels = []
    for _ in range(int(head[0])):
        number, row = _next(lines, name, f"{attributes} levels")
        if len(row) != attributes or not all(re.fullmatch(r"-?\d+", f) for f in row):
            raise _broken(name, number, row, f"{attributes} levels of a concept, whole numbers")
        levels.append([int(f) for f in row])
    number, end = _next(lines, name, "what was chosen, and the seconds")
    if len(end) != 2 or not re.fullmatch(r"\d+", end[0]) or not _NUMBER.fullmatch(end[1]) or float(end[1]) < 0:
        raise _broken(name, number, end, "what was chosen, and the seconds")
    if int(end[0]) > len(levels) + none:
        raise _broken(name, number, end, f"0 to {len(levels) + none} as what was chosen")
    return Task(levels, int(end[0]), float(end[1]))


def _next(lines: Iterator[tuple[int, list[str]]], name: str, expected: str) -> tuple[int, list[str]]:
    found = next(lines, None)
    if found is None:
        raise ChoicesError(f"{name} ends too early\n  expected {expected}\n  was the file cut off?")
    return found


def _broken(name: str, number: int, fields: list[str], expected: str) -> ChoicesError:
    return ChoicesError(f"line {number:,} of {name} does not follow from those before it\n  for example "
                        f"{' '.join(fields)[:60]!r}\n"
                        f"  expected {expected}\n  were lines lost, or is it another kind of file?")  # fmt: skip


def _tidy(source: Source, reading: Reading) -> Tidy:
    if source.text is None:
        raise ChoicesError(f"{source.name} is no .cho file\n  expected a path that ends in .cho")
    people = parse(source.text, source.name)
    if not people:
        raise ChoicesError(f"{source.name} is empty: it has no respondents\n  give the file with the answers")
    ids = [p.id for p in people]
    twice = sorted({v for v in ids if ids.count(v) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        reading.problems.add(f"{len(twice):,} respondents stand more than once, and so do their tasks",
                             where=f"respondent {twice[0]!r}", expected="each once", remedy="keep one of each")  # fmt: skip
    things = reading.things
    read = _profiles if isinstance(things, Attributes | Profiles) else _items
    table, made = read(people, things, source.name)
    table["seconds"] = table["seconds"].where(table["seconds"] > 0)  # 0: none was taken
    timed = bool(table["seconds"].notna().any())
    return Tidy(table=table, found={c: c for c in table.columns if timed or c != "seconds"}, things=made)


def _items(people: list[Person], items: Any, name: str) -> tuple[pd.DataFrame, Items]:
    """MaxDiff: item numbers; a task for best and its like for worst are one."""
    rows: list[tuple[str, str, int, int, int, float]] = []
    width = {len(row) for p in people for t in p.tasks for row in t.levels}
    n = max(width, default=0) + 1
    things = items if items is not None else Items.from_labels([str(i + 1) for i in range(n)])
    if len(width) > 1 or len(things) != n:
        raise ChoicesError(f"{name} codes {n} items ({n - 1} columns), and the list has {len(things)}\n  expected as many\n"
                           "  give the items of this study; of a study of profiles give the attributes: "
                           "items=read_attributes(...)")  # fmt: skip
    for person in people:
        number = 0
        before: tuple[int, list[int]] = (0, [])
        for k, task in enumerate(person.tasks, start=1):
            sign = -1 if any(v < 0 for row in task.levels for v in row) else 1
            seen = [_item(row, sign, n, name, person.id, k) for row in task.levels]
            if person.none or len(seen) < 2:
                raise ChoicesError(f"task {k} of respondent {person.id!r} in {name} is no MaxDiff set\n"
                                   "  expected two items or more, and no none option\n"
                                   "  of a study of profiles give the attributes: items=read_attributes(...)")  # fmt: skip
            second = sign < 0 and before == (1, seen)
            number += not second
            before = (0, []) if second else (sign, seen)
            for a, item in enumerate(seen, start=1):
                rows.append((person.id, str(number), a, item, sign * (task.chosen == a), task.seconds))
    table = pd.DataFrame(rows, columns=["respondent", "task", "position", "item_no", "choice", "seconds"])
    return _joined(table), things


def _joined(table: pd.DataFrame) -> pd.DataFrame:
    """Best and worst of a set in one row per item; an item that is both keeps both rows, which is then said."""
    key = ["respondent", "task", "position", "item_no"]
    sums = table.groupby(key, sort=False).agg(low=("choice", "min"), high=("choice", "max"), seconds=("seconds", "sum"))
    clash = sums[(sums["low"] < 0) & (sums["high"] > 0)].reset_index()
    joined = sums.assign(choice=sums["low"].where(sums["low"] < 0, sums["high"])).reset_index()
    extra = [clash.assign(choice=1), clash.assign(choice=-1)]
    keep = joined.merge(clash[key], how="left", on=key, indicator=True)["_merge"].eq("left_only").to_numpy()
    whole = pd.concat([joined[keep], *extra], ignore_index=True)[[*key, "choice", "seconds"]]
    return whole.astype({"item_no": "str", "choice": "str"})


def _item(row: list[int], sign: int, n: int, name: str, who: str, task: int) -> int:
    hit = [i for i, v in enumerate(row) if v]
    if len(hit) > 1 or (hit and row[hit[0]] != sign):
        raise ChoicesError(f"{name} is not coded as a MaxDiff study: task {task} of respondent {who!r} has the levels "
                           f"{row[:12]}\n"
                           f"  expected one {sign}, or none for the last item\n"
                           "  of a study of profiles give the attributes: items=read_attributes(...)")  # fmt: skip
    return hit[0] + 1 if hit else n


def _profiles(people: list[Person], things: Any, name: str) -> tuple[pd.DataFrame, Profiles]:
    """Choices of profiles: one is best."""
    rows, levels = [], []
    for person in people:
        for k, task in enumerate(person.tasks, start=1):
            shown = [*task.levels, *([[0] * len(task.levels[0])] if person.none else [])]
            levels += shown
            rows += [(person.id, str(k), a, int(task.chosen == a), task.seconds) for a in range(1, len(shown) + 1)]
    if len({len(row) for row in levels}) != 1:
        raise ChoicesError(f"the people of {name} have different numbers of attributes\n  expected the same for all\n"
                           "  give a file of one study")  # fmt: skip
    names, profiles = name_profiles(np.array(levels), things, name)
    table = pd.DataFrame(rows, columns=["respondent", "task", "position", "choice", "seconds"]).assign(item=names)
    return table.astype({"choice": "str"}), profiles


def _write(choices: Choices) -> bytes:
    design = choices.design
    shown = design.shown[choices.version]
    seen = shown if choices.displayed is None else choices.displayed
    profiles = design.objects if isinstance(design.objects, Profiles) else None
    none = profiles is not None and profiles.none is not None
    levels = np.eye(len(design.objects), dtype=int)[:, :-1] if profiles is None else profiles.levels + 1
    kinds = np.asarray(design.kind)[choices.version]
    if profiles is not None:
        for_none = (seen == profiles.none) if none else np.zeros(seen.shape, bool)
        last = np.take_along_axis(for_none, (seen >= 0).sum(axis=2, keepdims=True) - 1, axis=2)[..., 0]
        if not set(kinds.ravel()) <= {"best", "pair"} or (none and not (last & (for_none.sum(axis=2) == 1)).all()):
            raise ChoicesError("the format 'cho' cannot hold these choices of profiles\n  expected best tasks, a none "
                               "option last "
                               "in each of them or in none\n  keep them with cvmstats.save(choices, path)")  # fmt: skip
    lines = []
    for r, who in enumerate(choices.respondents.ids):
        tasks = [(t, sign) for t in range(design.n_tasks) for sign in (1, -1)
                 if kinds[r, t] == "best_worst" or (sign < 0) == (kinds[r, t] == "worst")]  # fmt: skip
        lines.append(f"{who} 0 {levels.shape[1]} {len(tasks)} {int(none)}")
        for t, sign in tasks:
            objects = seen[r, t][seen[r, t] >= 0]
            concepts = objects[:-1] if none else objects
            lines.append(f"{len(concepts)} 1")
            lines += [" ".join(map(str, sign * levels[j])) for j in concepts]
            place = dict(zip(shown[r, t].tolist(), choices.place[r, t].tolist(), strict=True))
            chosen = next((a for a, j in enumerate(objects.tolist(), start=1) if place[j] == sign), 0)
            time = 0.0 if choices.seconds is None or (sign < 0 and kinds[r, t] == "best_worst") else choices.seconds[r, t]
            lines.append(f"{chosen} {_seconds(float(time))}")
    return ("\n".join(lines) + "\n").encode()


def _seconds(time: float) -> str:
    """Digits and a point, as the format has them; 0 where a task has no time."""
    if np.isinf(time):
        raise ChoicesError("the format 'cho' cannot hold times without end\n  expected seconds, or not a number where none was "
                           "taken\n  mend Choices.seconds")  # fmt: skip
    return "0" if np.isnan(time) else np.format_float_positional(time, trim="-")


CHO = Format(
    name="cho", what="Sawtooth: .CHO", layout="a .CHO file: what was shown and chosen, by number", detect=_detect, tidy=_tidy,
    write=_write, designs="answers", endings=(".cho",),
    carries=Carries(kinds=(*PICKED, "pair"), ids="numbers", versions=False, tasks="order", displayed=True,
                    amounts=("seconds",)),
    remark="items by number (MaxDiff) or profiles by levels (choose one); seconds too",
)  # fmt: skip
