"""Long answers: a row for each item that a person saw in a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.profiles import Profiles
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.matching import Bools, Ints, Sets
from cvmstats.survey.naming import index_of_names, items_by_number, match_names, warn_of_twins, whole_numbers
from cvmstats.survey.problems import Problems
from cvmstats.survey.tables import MISSING, Codes, coded, file_rows, natural_order

LOWEST = 100
"""The lowest rank that is read."""
NOT_NUMERIC, NOT_A_CHOICE = 101, 102
"""Codes inside this module for a choice that is no number, and a number that is no choice."""


def read_sets(
    table: pd.DataFrame, found: Mapping[str, str], items: Items | Profiles | None, design: Design | None, problems: Problems,
    kind: str | None = None,
) -> tuple[Sets | None, Items | Profiles, Bools]:
    """The sets (None where none is usable), the items, and which tasks (R, T) cannot be used.

    ``kind`` is that of all tasks where there is no design, if it is known.
    """
    respondent, ids = coded(table[found["respondent"]])
    task, tasks = _tasks(table[found["task"]], design)
    nobody = _note_blanks(respondent, ids, "respondent", problems)
    nowhere = _note_blanks(task, tasks, "task", problems)
    if design is not None:
        _note_tasks([t for t in tasks if t.strip()], design, problems)
    items, index, strangers = _items(table, found, items)
    ranked, paired = _ranked_and_paired(tasks, design, kind)
    code, said_codes, said_texts = _choices(table[found["choice"]], LOWEST if ranked.any() else 1)
    if ranked.any():
        code[(np.abs(code) > 1) & (np.abs(code) <= LOWEST) & ~ranked[task]] = NOT_A_CHOICE
    position, unplaced = _positions(table, found)
    shape = (len(ids), len(tasks))
    size = shape[0] * shape[1]
    # a row's task as one number, in 32 bits where they hold it: half the memory, and faster by as much
    key = np.multiply(respondent, len(tasks), dtype=np.int32 if size < 1 << 31 else np.int64) + task
    n_rows = np.bincount(key, minlength=size).reshape(shape)
    total = int(np.count_nonzero(n_rows))
    bad, lost = np.zeros(shape, bool), np.zeros(shape, bool)
    bad[nobody], bad[:, nowhere] = True, True  # what else is wrong with them is not worth saying

    def mark(rows: Ints) -> Bools:
        mask = np.zeros(size, bool)
        mask[key[rows]] = True
        return mask.reshape(shape)

    def note(mask: Bools, what: str, expected: str, detail: str = "", *, loses: bool = False) -> None:
        problems.add_tasks(mask & ~bad, what, of=total, ids=ids, tasks=tasks, expected=expected, detail=detail)
        bad[mask] = True
        lost[mask] |= loses

    detail = "the item " + examples(strangers) if strangers else ""
    note(mark(np.flatnonzero(index < 0)), "show an item that is not on the list of items",
         f"ids or labels of the {len(items)} items", detail, loses=True)  # fmt: skip
    note(mark(unplaced), "have a position that is no number", "1, 2, ... in the column of positions", loses=True)
    doubled, contradicting, spare = _doubles(key, index, position, code, "position" in found)
    note(mark(contradicting), "name the same item best and worst", "two different items")
    note(mark(doubled), "stand more than once for the same respondent", "one row for each item of a task", loses=True)
    strange_choices = {
        NOT_NUMERIC: "have a choice that is no number",
        NOT_A_CHOICE: "have a choice other than 1, -1, 0",
    }
    for value, what in strange_choices.items():
        odd = np.flatnonzero(code == value)
        note(mark(odd), what, "1 for the best, -1 for the worst, 0 or nothing for the others",
             "the choice " + examples([said_texts[i] for i in pd.unique(said_codes[odd])]) if len(odd) else "")  # fmt: skip
    for sign, word in ((1, "best"), (-1, "worst")):
        several = np.bincount(key[code == sign], minlength=size).reshape(shape) > 1
        several[:, paired] &= sign < 0
        note(several, f"name more than one {word}", f"one {word} item at most")
    note(n_rows == 1, "show one item only", "two items at least", loses=True)
    code[code > 100] = 0
    keep: slice | Bools = slice(None)
    if lost.any() or len(spare):
        keep = ~lost.ravel()[key]
        keep[spare] = False
        if not keep.any():
            return None, items, bad
    version, versions = _versions(table, found, respondent, ids, problems)
    seen, said = _arrange(shape, key[keep], index[keep], position[keep], code[keep])
    sets = Sets(ids=tuple(ids), tasks=tuple(tasks), seen=seen, code=said, version=version, versions=versions)
    return sets, items, bad


def _note_blanks(codes: Codes, texts: list[str], what: str, problems: Problems) -> list[int]:
    """Note rows without a respondent or task, and which of the texts are blank."""
    empty = [i for i, t in enumerate(texts) if not t.strip()]
    blank = np.flatnonzero(np.isin(codes, empty)) if empty else np.zeros(0, np.int64)
    if len(blank):
        problems.add(f"{len(blank):,} of {len(codes):,} rows have no {what}", where=f"row {examples(file_rows(blank))}",
                     expected=f"a {what} on each row", remedy="fill the column or take such rows away")  # fmt: skip
    return empty


def _note_tasks(tasks: list[str], design: Design, problems: Problems) -> None:
    """Note tasks that the design has not."""
    known = set(design.task_ids or ())
    beyond = [v for v in tasks if v not in known]
    if beyond:
        problems.add(f"{len(beyond)} of {len(tasks)} tasks of the answers are not in the design {design.fingerprint[:6]}",
                     where=f"task {examples(beyond)}", expected=f"tasks such as {examples(sorted(known))}",
                     remedy="give the design that these answers were collected with: design=")  # fmt: skip


def _ranked_and_paired(tasks: list[str], design: Design | None, kind: str | None) -> tuple[Bools, Bools]:
    """Tasks (T) in which more than the first and the last may be said in some version, and those that are pairs in all."""
    if design is None:
        return np.full(len(tasks), kind == "rank"), np.full(len(tasks), kind in ("pair", "graded"))
    kinds = np.asarray(design.kind)
    far = ((kinds == "rank") | np.asarray(design.dual)).any(axis=0)
    pair = np.isin(kinds, ("pair", "graded")).all(axis=0)
    place = {name: t for t, name in enumerate(design.task_ids or ())}
    at = [place.get(name, -1) for name in tasks]
    return np.append(far, False)[at], np.append(pair, False)[at]


def _tasks(values: pd.Series, design: Design | None) -> tuple[Codes, list[str]]:
    codes, tasks = coded(values)
    if design is not None:
        tasks = match_tasks(tasks, design)
        order = [*(design.task_ids or ()), *dict.fromkeys(v for v in tasks if v not in (design.task_ids or ()))]
    else:
        order = natural_order(tasks)
    place = {v: i for i, v in enumerate(order)}
    return np.array([place[v] for v in tasks], np.int32).take(codes), order


def match_tasks(tasks: list[str], design: Design) -> list[str]:
    """Names of tasks as the design writes them: ``01`` is ``1`` where the design has no ``01``."""
    return match_names(tasks, design.task_ids or ())


def _items(table: pd.DataFrame, found: Mapping[str, str],
           items: Items | Profiles | None) -> tuple[Items | Profiles, Codes, list[str]]:  # fmt: skip
    codes, texts = coded(table[found["item"] if "item" in found else found["item_no"]])
    if items is None:
        items = _items_in(texts, "item" in found)
    if "item" in found:
        index = index_of_names(texts, items, ChoicesError)
    else:
        numbers = whole_numbers(texts)
        index = np.where((numbers >= 1) & (numbers <= len(items)), numbers - 1, -1)
    return items, index.astype(np.int32).take(codes), [t for t, i in zip(texts, index, strict=True) if i < 0]


def _items_in(texts: list[str], named: bool) -> Items:
    """Items where nobody lists them: the names in alphabetical order, or the numbers from 1 to the largest."""
    if not named:
        return items_by_number(int(whole_numbers(texts).max(initial=1)), ChoicesError)
    names = sorted(v for v in texts if v.strip()) or ["?"]
    warn_of_twins(names)
    return Items.from_labels(names)


def _choices(values: pd.Series, most: int) -> tuple[npt.NDArray[np.int8], Codes, list[str]]:
    """What each row says of its item, places up to ``most``; and which of the distinct texts it has, and these."""
    codes, texts = coded(values)

    def code(text: str) -> int:
        if text.strip() in MISSING:
            return 0
        try:
            number = float(text)
        except ValueError:
            return NOT_NUMERIC
        return int(number) if number == NO_ANSWER or (abs(number) <= most and number % 1 == 0) else NOT_A_CHOICE

    return np.array([code(t) for t in texts], np.int8).take(codes), codes, texts


def _positions(table: pd.DataFrame, found: Mapping[str, str]) -> tuple[Codes, Ints]:
    """Places of the rows by position, equal where it is the same, and the rows whose position is no number."""
    if "position" not in found:
        return np.arange(len(table)), np.zeros(0, np.int64)
    codes, texts = coded(table[found["position"]])
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").to_numpy(float)
    strange = np.isnan(numbers)
    rank = np.unique(numbers, return_inverse=True)[1].astype(np.int32)
    return rank.take(codes), np.flatnonzero(strange[codes]) if strange.any() else np.zeros(0, np.int64)


def _doubles(key: Codes, index: Codes, position: Codes, code: npt.NDArray[np.int8], numbered: bool) -> tuple[Ints, Ints, Ints]:
    """Rows of tasks that stand twice; of tasks whose one item is best and worst; and rows that repeat an item."""
    none = np.zeros(0, np.int64)
    if _in_order(key, position, strictly=True) and not _repeats(key, index):
        return none, none, none
    pair = key.astype(np.int64) * (int(index.max(initial=0)) + 2) + index + 1
    spare = pd.Series(pair).duplicated().to_numpy()
    doubled = np.zeros(len(key), bool)
    contradicting = np.zeros(len(key), bool)
    if spare.any():
        n_rows, n_spare = np.bincount(key), np.bincount(key[spare], minlength=int(key.max()) + 1)
        signs = pd.DataFrame({"pair": pair, "code": code}).groupby("pair")["code"]
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
    return np.flatnonzero(doubled), np.flatnonzero(contradicting), np.flatnonzero(spare)


def _repeats(key: Codes, index: Codes) -> bool:
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


def _in_order(key: Codes, position: Codes, *, strictly: bool = False) -> bool:
    """Whether rows stand by task and position already; strictly: no position of a task twice."""
    after = position[1:] > position[:-1] if strictly else position[1:] >= position[:-1]
    return bool((key[1:] >= key[:-1]).all() and (after | (key[1:] > key[:-1])).all())


def _versions(
    table: pd.DataFrame, found: Mapping[str, str], respondent: Codes, ids: list[str], problems: Problems
) -> tuple[Ints | None, tuple[str, ...]]:
    if "version" not in found:
        return None, ()
    codes, texts = coded(table[found["version"]])
    new = (respondent[1:] != respondent[:-1]) | (codes[1:] != codes[:-1])
    rows = np.flatnonzero(np.concatenate([[True], new]))  # the others only say once more what the row before says
    respondent, codes = respondent[rows], codes[rows]
    version = np.zeros(len(ids), np.int64)
    version[respondent[::-1]] = codes[::-1]
    several = np.unique(respondent[codes != version[respondent]])
    if len(several):
        problems.add(f"{len(several):,} of {len(ids):,} respondents have more than one version",
                     where=f"respondent {examples([ids[r] for r in several])}", expected="one version for each person",
                     remedy="give each person's rows one version, or take the column away")  # fmt: skip
    names = natural_order(texts)
    place = {v: i for i, v in enumerate(names)}
    return np.array([place[v] for v in texts], np.int64)[version], tuple(names)


def _arrange(
    shape: tuple[int, int], key: Codes, index: Codes, position: Codes, code: npt.NDArray[np.int8]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """What each task showed and what was said of it (R, T, A), in the order of the positions."""
    if not _in_order(key, position):
        order = np.lexsort((position, key))
        key, index, code = key[order], index[order], code[order]
    width = int(np.argmax(key != key[0])) or len(key)
    into: Any = key[::width]
    if len(key) % width == 0 and (into == key[width - 1 :: width]).all() and (into[1:] != into[:-1]).all():
        index, code = index.reshape(-1, width), code.reshape(-1, width)  # as a rule all tasks are of one size
    else:
        start = np.r_[True, key[1:] != key[:-1]]
        row = np.arange(len(key))
        slot = row - np.maximum.accumulate(np.where(start, row, 0))
        width, into = int(slot.max()) + 1, (key, slot)
    seen = np.full((shape[0] * shape[1], width), -1, np.int32)
    said = np.zeros((shape[0] * shape[1], width), np.int8)
    seen[into], said[into] = index, code
    return seen.reshape(*shape, width), said.reshape(*shape, width)
