"""Long answers: a row for each item that a person saw in a task."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.choices import NO_ANSWER
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.matching import Bools, Ints, Sets
from cvmstats.survey.naming import index_of_names, whole_numbers
from cvmstats.survey.problems import Problems
from cvmstats.survey.tables import MISSING, coded, natural_order

NOT_NUMERIC, NOT_A_CHOICE = 101, 102
"""Codes inside this module for a choice that is no number, and a number that is no choice."""


def read_sets(
    table: pd.DataFrame, found: Mapping[str, str], items: Items | Profiles | None, design: Design | None, problems: Problems
) -> tuple[Sets | None, Items | Profiles, Bools]:
    """The sets (None where none is usable), the items, and which tasks (R, T) cannot be used."""
    n = len(table)
    respondent, ids = coded(table[found["respondent"]])
    task, tasks = _tasks(table[found["task"]], design)
    for codes, texts_of, what in ((respondent, ids, "respondent"), (task, tasks, "task")):
        blank = np.flatnonzero(np.array([v == "" for v in texts_of], bool)[codes])
        if len(blank):
            problems.add(f"{len(blank):,} of {n:,} rows have no {what}", where=f"row {examples((blank + 2).tolist())}",
                         expected=f"a {what} on each row", remedy="fill the column or take such rows away")  # fmt: skip
    if design is not None:
        known = set(design.task_ids or ())
        beyond = [v for v in tasks if v not in known]
        if beyond:
            problems.add(f"{len(beyond)} of {len(tasks)} tasks of the answers are not in the design "
                         f"{design.fingerprint[:6]}",
                         where=f"task {examples(beyond)}", expected=f"tasks such as {examples(sorted(known))}",
                         remedy="give the design that these answers were collected with: design=")  # fmt: skip
    items, index, strangers = _items(table, found, items)
    paired = set() if design is None else {name for name, kinds in zip(design.task_ids or (), np.asarray(design.kind).T,
                                                                         strict=True) if set(kinds) == {"pair"}}  # fmt: skip
    code, said_codes, said_texts = _choices(table[found["choice"]])
    position = _positions(table, found)
    key = respondent * len(tasks) + task
    shape = (len(ids), len(tasks))

    def mark(rows: npt.NDArray[np.intp] | Bools) -> Bools:
        mask = np.zeros(shape[0] * shape[1], bool)
        mask[key[rows]] = True
        return mask.reshape(shape)

    bad, lost = np.zeros(shape, bool), np.zeros(shape, bool)
    total = int(mark(np.ones(n, bool)).sum())

    def note(mask: Bools, what: str, expected: str, detail: str = "") -> None:
        problems.add_tasks(mask & ~bad, what, of=total, ids=ids, tasks=tasks, expected=expected, detail=detail)
        bad[mask] = True

    unknown = index < 0
    detail = "the item " + examples(strangers) if strangers else ""
    lost |= mark(unknown)
    expected = f"ids or labels of the {len(items)} items"
    note(lost.copy(), "show an item that is not on the list of items", expected, detail)
    strange = np.isnan(position)
    lost |= mark(strange)
    note(mark(strange), "have a position that is no number", "1, 2, ... in the column of positions")
    doubled, contradicting, spare = _doubles(key, index, position, code, "position" in found)
    lost |= mark(doubled)
    note(mark(contradicting), "name the same item best and worst", "two different items")
    note(mark(doubled), "stand more than once for the same respondent", "one row for each item of a task")
    strange_choices = {
        NOT_NUMERIC: "have a choice that is no number",
        NOT_A_CHOICE: "have a choice other than 1, -1, 0",
    }
    for value, what in strange_choices.items():
        rows = code == value
        note(mark(rows), what, "1 for the best, -1 for the worst, 0 or nothing for the others",
             "the choice " + examples([said_texts[i] for i in pd.unique(said_codes[rows])]) if rows.any() else "")  # fmt: skip
    for sign, word in ((1, "best"), (-1, "worst")):
        several = np.bincount(key[code == sign], minlength=shape[0] * shape[1]).reshape(shape) > 1
        several[:, [t in paired for t in tasks]] &= sign < 0
        note(several, f"name more than one {word}", f"one {word} item at most")
    few = np.bincount(key, minlength=shape[0] * shape[1]).reshape(shape) == 1
    lost |= few
    note(few, "show one item only", "two items at least")
    keep = ~lost.ravel()[key] & ~spare
    if not keep.any():
        return None, items, bad
    code = np.where(code > 100, 0, code).astype(np.int8)
    version, versions = _versions(table, found, respondent, ids, problems)
    rows = (key, index, position, code) if keep.all() else (key[keep], index[keep], position[keep], code[keep])
    seen, said = _arrange(shape, *rows)
    sets = Sets(ids=tuple(ids), tasks=tuple(tasks), seen=seen, code=said, version=version, versions=versions)
    return sets, items, bad


def _tasks(values: pd.Series, design: Design | None) -> tuple[Ints, list[str]]:
    codes, tasks = coded(values)
    if design is not None:
        tasks = match_tasks(tasks, design)
        order = [*(design.task_ids or ()), *dict.fromkeys(v for v in tasks if v not in (design.task_ids or ()))]
    else:
        order = natural_order(tasks)
    place = {v: i for i, v in enumerate(order)}
    return np.array([place[v] for v in tasks], np.int64)[codes], order


def match_tasks(tasks: list[str], design: Design) -> list[str]:
    """Names of tasks as the design writes them: ``01`` is ``1`` where the design has no ``01``."""
    known = design.task_ids or ()
    numbers = dict(zip(whole_numbers(known).tolist(), known, strict=True))
    numbers.pop(-1, None)
    return [v if v in known else numbers.get(int(whole_numbers([v])[0]), v) for v in tasks]


def _items(table: pd.DataFrame, found: Mapping[str, str],
           items: Items | Profiles | None) -> tuple[Items | Profiles, Ints, list[str]]:  # fmt: skip
    codes, texts = coded(table[found["item"] if "item" in found else found["item_no"]])
    if items is None:
        items = Items.from_labels(_names_of(texts, "item" in found))
    if "item" in found:
        index = index_of_names(texts, items, ChoicesError)
    else:
        numbers = whole_numbers(texts)
        index = np.where((numbers >= 1) & (numbers <= len(items)), numbers - 1, -1)
    return items, index[codes], [t for t, i in zip(texts, index, strict=True) if i < 0]


def _names_of(texts: list[str], named: bool) -> list[str]:
    """Items where nobody lists them: the names in alphabetical order, or the numbers from 1 to the largest."""
    if named:
        return sorted(v for v in texts if v.strip()) or ["?"]
    largest = int(whole_numbers(texts).max(initial=1))
    if largest > 10_000:
        raise ChoicesError(f"the largest item number is {largest:,}\n  expected numbers from 1 to the number of items\n"
                           "  are they ids? then name the column: columns={'item': '...'}, or give items=")  # fmt: skip
    return [str(i) for i in range(1, max(largest, 1) + 1)]


def _choices(values: pd.Series) -> tuple[Ints, Ints, list[str]]:
    """What each row says of its item; and which of the distinct texts it has, and these."""
    codes, texts = coded(values)

    def code(text: str) -> int:
        if text.strip() in MISSING:
            return 0
        try:
            number = float(text)
        except ValueError:
            return NOT_NUMERIC
        return int(number) if number in (1, 0, -1, NO_ANSWER) else NOT_A_CHOICE

    return np.array([code(t) for t in texts], np.int64)[codes], codes, texts


def _positions(table: pd.DataFrame, found: Mapping[str, str]) -> npt.NDArray[np.float64]:
    if "position" not in found:
        return np.arange(len(table), dtype=float)
    codes, texts = coded(table[found["position"]])
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(float)
    result: npt.NDArray[np.float64] = numbers[codes]
    return result


def _doubles(
    key: Ints, index: Ints, position: npt.NDArray[np.float64], code: Ints, numbered: bool
) -> tuple[Bools, Bools, Bools]:
    """Rows of tasks that stand twice; of tasks whose one item is best and worst; and rows that repeat an item."""
    n = len(key)
    n_items = int(index.max(initial=0)) + 2
    if _in_order(key, position, strictly=True) and not _repeats(key, index):
        return np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)
    spare = pd.Series(key * n_items + index + 1).duplicated().to_numpy()
    doubled = np.zeros(n, bool)
    contradicting = np.zeros(n, bool)
    if spare.any():
        n_rows, n_spare = np.bincount(key), np.bincount(key[spare], minlength=int(key.max()) + 1)
        signs = pd.DataFrame({"pair": key * n_items + index + 1, "key": key, "code": code}).groupby("pair")["code"]
        both = (signs.transform("max") == 1) & (signs.transform("min") == -1)
        once = (n_spare[key] < n_rows[key] - n_spare[key]) | (n_rows[key] == 2)
        clash = np.zeros(len(n_rows), bool)
        clash[key[both.to_numpy(bool) & once]] = True
        contradicting = clash[key] & (n_spare[key] > 0)
        doubled = (n_spare[key] > 0) & ~contradicting
    if numbered and not _in_order(key, position, strictly=True):
        order = np.lexsort((position, key))
        same = (key[order][1:] == key[order][:-1]) & (position[order][1:] == position[order][:-1])
        again = np.zeros(int(key.max()) + 1, bool)
        again[key[order][1:][same & ~spare[order][1:] & ~spare[order][:-1]]] = True
        doubled |= again[key] & ~contradicting
    return doubled, contradicting, spare


def _repeats(key: Ints, index: Ints) -> bool:
    """Whether an item stands twice in a task, of rows that stand by task: each is compared with those before it in its task."""
    step = 1
    while step < len(key):
        same = key[step:] == key[:-step]
        if not same.any():
            return False
        if (same & (index[step:] == index[:-step])).any():
            return True
        step += 1
    return False


def _in_order(key: Ints, position: npt.NDArray[np.float64], *, strictly: bool = False) -> bool:
    """Whether rows stand by task and position already; strictly: no position of a task twice."""
    step = np.diff(key)
    after = np.diff(position)
    return bool(((step > 0) | ((step == 0) & ((after > 0) if strictly else (after >= 0)))).all())


def _versions(
    table: pd.DataFrame, found: Mapping[str, str], respondent: Ints, ids: list[str], problems: Problems
) -> tuple[Ints | None, tuple[str, ...]]:
    if "version" not in found:
        return None, ()
    codes, texts = coded(table[found["version"]])
    names = natural_order(texts)
    place = {v: i for i, v in enumerate(names)}
    codes = np.array([place[v] for v in texts], np.int64)[codes]
    version = np.zeros(len(ids), np.int64)
    version[respondent[::-1]] = codes[::-1]
    several = np.unique(respondent[codes != version[respondent]])
    if len(several):
        problems.add(f"{len(several):,} of {len(ids):,} respondents have more than one version",
                     where=f"respondent {examples([ids[r] for r in several])}", expected="one version for each person",
                     remedy="give each person's rows one version, or take the column away")  # fmt: skip
    return version, tuple(names)


def _arrange(
    shape: tuple[int, int], key: Ints, index: Ints, position: npt.NDArray[np.float64], code: npt.NDArray[np.int8]
) -> tuple[Ints, npt.NDArray[np.int8]]:
    if not _in_order(key, position):
        order = np.lexsort((position, key))
        key, index, code = key[order], index[order], code[order]
    width = int(np.argmax(key != key[0])) or len(key)
    if len(key) % width == 0:  # as a rule all tasks are of one size
        firsts = key.reshape(-1, width)
        if (firsts == firsts[:, :1]).all() and (np.diff(firsts[:, 0]) > 0).all():
            seen = np.full((shape[0] * shape[1], width), -1, np.int64)
            said = np.zeros((shape[0] * shape[1], width), np.int8)
            seen[firsts[:, 0]], said[firsts[:, 0]] = index.reshape(-1, width), code.reshape(-1, width)
            return seen.reshape(*shape, width), said.reshape(*shape, width)
    start = np.r_[True, key[1:] != key[:-1]]
    row = np.arange(len(key))
    slot = row - np.maximum.accumulate(np.where(start, row, 0))
    width = int(slot.max()) + 1
    seen = np.full((shape[0] * shape[1], width), -1, np.int64)
    said = np.zeros((shape[0] * shape[1], width), np.int8)
    seen[key, slot], said[key, slot] = index, code
    return seen.reshape(*shape, width), said.reshape(*shape, width)
