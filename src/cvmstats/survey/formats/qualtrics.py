"""Qualtrics' CSV export of MaxDiff asked by Matrix questions: three heading rows, a column per item, and the order shown.

``Q<q>_<i>`` holds one of two codes for the two items chosen, and ``Q<q>_DO`` or ``DO-Q-Q<q>`` the items shown, as ``9|17|2``.
These are the numbers of the columns' tags, not those of the third row (ImportId): both are tried, and every choice must lie in
its set. Which of the codes means best the file does not say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.items import Items
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.formats.base import (
    Carries,
    Format,
    Reading,
    Source,
    Tidy,
    as_written,
    check_people,
    long_of_rows,
    note_rows,
)
from cvmstats.survey.naming import index_of_names, whole_numbers
from cvmstats.survey.tables import as_text, find_columns, missing_columns, natural_order

Texts = npt.NDArray[np.object_]
WAYS = {"numbers": "numbers of the column tags", "import_ids": "ImportId numbers"}


class Question(NamedTuple):
    """One Matrix question: its tag, the number, ImportId number and label of each item column, the texts of these columns
    (rows, items), and those of the order shown (rows)."""  # fmt: skip

    tag: str
    tags: list[int]
    import_ids: list[int]
    labels: list[str]
    cells: Texts
    order: Texts


def headings(source: Source) -> bool:
    """Whether the third heading row of a Qualtrics export is there."""
    return len(source.table) > 1 and "ImportId" in str(source.table.iloc[1, 0])


def _order_columns(source: Source) -> dict[str, str]:
    """Tag of each question to the column of its order."""
    result = {}
    for c in source.table.columns:
        if m := re.fullmatch(r"(.+)_DO|DO-Q-(.+)", c):
            result[m[1] or m[2]] = c
    return result


def _item_columns(source: Source) -> dict[str, list[tuple[int, str]]]:
    result: dict[str, list[tuple[int, str]]] = {tag: [] for tag in _order_columns(source)}
    for c in source.table.columns:
        if (m := re.fullmatch(r"(.+)_([1-9]\d*)", c)) and m[1] in result:
            result[m[1]].append((int(m[2]), c))
    return {tag: columns for tag, columns in result.items() if columns}


def _detect(source: Source, columns: Mapping[str, Any]) -> str:
    found = _item_columns(source) if headings(source) else {}
    return f"{next(iter(found.values()))[0][1]}, ... with {_order_columns(source)[next(iter(found))]}" if found else ""


def respondents_of(source: Source, reading: Reading, layout: str) -> list[str]:
    """Ids of the people of a Qualtrics export, below its heading rows."""
    found = find_columns(source.table, ("respondent",), {k: v for k, v in reading.columns.items() if k == "respondent"},
                         ChoicesError, source.name)  # fmt: skip
    if not headings(source):
        raise ChoicesError(f"{source.name} has no third heading row with ImportId\n  expected the three heading rows of a CSV "
                           "export from Qualtrics: tags, texts, ImportId\n  export it again, or put the rows back")  # fmt: skip
    if "respondent" not in found:
        raise missing_columns(source.table, ["respondent"], ChoicesError, source.name, layout)
    ids = as_text(source.table[found["respondent"]]).tolist()[2:]
    if not ids:
        raise ChoicesError(f"{source.name} is empty: it has no rows of answers\n  give the file with the answers")
    check_people(ids, reading.problems, first=4)
    return ids


def task_name(tag: str) -> str:
    """Name of a task: the number of a tag such as Q7, any other tag as it is."""
    return tag[1:] if re.fullmatch(r"Q(0|[1-9]\d{0,8})", tag) else tag


def _questions(source: Source) -> list[Question]:
    orders, table = _order_columns(source), source.table
    result = []
    for tag, columns in _item_columns(source).items():
        columns = sorted(columns)
        texts = [str(table[c].iat[0]) for _, c in columns]
        told = [str(table[c].iat[1]) for _, c in columns]
        ids = [int(m[1]) if (m := re.search(r"[_-](\d+)['\"]\s*\}\s*$", t)) else -1 for t in told]
        cells = np.stack([as_text(table[c]).to_numpy(dtype=object)[2:] for _, c in columns], axis=1)
        result.append(Question(tag, [i for i, _ in columns], ids, labels_of(texts, str(table[orders[tag]].iat[0])), cells,
                               as_text(table[orders[tag]]).to_numpy(dtype=object)[2:]))  # fmt: skip
    return result


def labels_of(texts: list[str], order_text: str) -> list[str]:
    """Items' labels from the second heading row: what follows the question, which the column of the order repeats.

    >>> labels_of(["Which? - Red", "Which? - Blue"], "Which? - Display Order")
    ['Red', 'Blue']
    """
    question = re.sub(r"^Display Order: | - Display Order$", "", order_text)
    for joint in (" - ", "-"):
        if all(t.startswith(question + joint) for t in texts):
            return [t[len(question + joint):] for t in texts]  # fmt: skip
    return [re.split(r"\s?-\s?", t)[-1] for t in texts]


def _tidy(source: Source, reading: Reading) -> Tidy:
    people = respondents_of(source, reading, QUALTRICS.layout)
    questions = _questions(source)
    if not questions:
        raise missing_columns(source.table, ["Q1_1", "Q1_DO"], ChoicesError, source.name, QUALTRICS.layout)
    things = reading.design.objects if reading.design is not None else reading.things
    things, index = _items_of(questions, things, source.name)
    parts = [_shown(q) for q in questions]
    way = _way(questions, parts, reading.picks, source.name)
    best, worst = _codes(questions, parts, way, reading.best_code, source.name)
    seen, said, who, tasks, wrong = [], [], [], [], []
    for q, part in zip(questions, parts, strict=True):
        order = part[way]
        ids = np.array([*(things.ids[index[i]] for i in q.tags), ""], dtype=object)
        taken = np.concatenate([q.cells, np.full((len(people), 1), "", dtype=object)], axis=1)
        row = np.arange(len(people))[:, None]
        cell = np.vectorize(str.strip, otypes=[object])(taken[row, order])
        wrong.append(_wrong(q, order, (best, worst)))
        cell[wrong[-1].any(axis=1)] = ""
        seen.append(ids[order])
        said.append(np.where(cell == best, 1, np.where(cell == worst, -1, 0)))
        who += people
        tasks += [task_name(q.tag)] * len(people)
    for mask, (what, expected) in zip(np.concatenate(wrong).T, _WRONG, strict=True):
        note_rows(reading.problems, mask, what, people=who, tasks=tasks, expected=expected)
    width = max(a.shape[1] for a in seen)
    pad = [(0, 0), (0, 0)]
    seen_all = np.concatenate([np.pad(a, [pad[0], (0, width - a.shape[1])], constant_values="") for a in seen])
    said_all = np.concatenate([np.pad(a, [pad[0], (0, width - a.shape[1])]) for a in said])
    rank = {task: i for i, task in enumerate(natural_order(tasks))}
    order_of = np.argsort([rank[t] for t in tasks], kind="stable")
    how = f"best is {best}, worst {worst}, order in {WAYS[way]}"
    return long_of_rows([who[i] for i in order_of], [tasks[i] for i in order_of], seen_all[order_of],
                        said_all[order_of].astype(object), how=how, things=things)  # fmt: skip


def _items_of(questions: list[Question], things: Any, name: str) -> tuple[Any, dict[int, int]]:
    """The items, and which of them each tag number is: by label where all labels are known, else by number."""
    labels: dict[int, str] = {}
    for q in questions:
        for i, label in zip(q.tags, q.labels, strict=True):
            if labels.setdefault(i, label) != label:
                raise ChoicesError(f"item {i} of {name} has two labels: {labels[i]!r} and {label!r} in {q.tag}\n"
                                   "  expected the same items in each question\n  read the questions of each list "
                                   "apart")  # fmt: skip
    numbers = sorted(labels)
    if things is None:
        things = Items.from_labels([labels[i] for i in numbers])
    at = index_of_names([labels[i] for i in numbers], things, ChoicesError)
    if (at >= 0).all() and len(set(at.tolist())) == len(at):
        return things, dict(zip(numbers, at.tolist(), strict=True))
    if numbers != list(range(1, len(things) + 1)):
        raise ChoicesError(f"{(at < 0).sum()} of {len(at)} items of {name} are not on the list of items\n  for example "
                           f"{examples([labels[i] for i, k in zip(numbers, at, strict=True) if k < 0])}\n  expected "
                           f"their labels, or "
                           f"columns numbered 1 to {len(things)}\n  give the items as Qualtrics labels them")  # fmt: skip
    return things, {i: i - 1 for i in numbers}


def _shown(q: Question) -> dict[str, npt.NDArray[np.int64]]:
    """Columns shown (rows, A) by each way of reading the order; the number of columns where nothing stands, also where a
    number is no column's (what was chosen is then outside its set)."""  # fmt: skip
    split = [[int(n) for n in whole_numbers(t.split("|"))] if t.strip() else [] for t in q.order.tolist()]
    width = max([len(s) for s in split] + [1])
    result = {}
    for way, numbers in (("numbers", q.tags), ("import_ids", q.import_ids)):
        at = {n: i for i, n in enumerate(numbers) if n > 0}
        table = np.full((len(split), width), len(q.tags), np.int64)
        for row, s in enumerate(split):
            known = [at.get(n, len(q.tags)) for n in s]
            table[row, : len(s)] = known
        result[way] = table
    return result


def _inside(q: Question, order: npt.NDArray[np.int64]) -> tuple[int, int]:
    """How many choices there are, and how many of them lie in the sets."""
    chosen = np.vectorize(lambda t: t.strip() != "", otypes=[bool])(q.cells)
    shown = np.zeros((len(chosen), len(q.tags) + 1), bool)
    shown[np.arange(len(chosen))[:, None], order] = True
    return int(chosen.sum()), int((chosen & shown[:, :-1]).sum())


def _way(questions: list[Question], parts: list[dict[str, Any]], picks: str | None, name: str) -> str:
    """The reading of the order that puts every choice into its set."""
    counts = {way: np.sum([_inside(q, p[way]) for q, p in zip(questions, parts, strict=True)], axis=0) for way in WAYS}
    n = int(counts["numbers"][0])
    if picks in ("names", "positions"):
        raise ChoicesError(f"picks={picks!r}, and in the format 'qualtrics' the order is in item numbers\n"
                           "  expected picks='numbers' (of the column tags) or picks='import_ids', or nothing")  # fmt: skip
    inside = {way: int(c[1]) for way, c in counts.items()}
    same = all(np.array_equal(p["numbers"], p["import_ids"]) for p in parts)
    way = picks or max(WAYS, key=lambda w: inside[w])
    told = " and ".join(f"as {what} {n - inside[w]:,} of the {n:,} choices were not shown in their task"
                        for w, what in WAYS.items())  # fmt: skip
    if picks and inside[way] < n / 2:
        raise ChoicesError(f"the order of {name} cannot be read as {WAYS[way]}: {told}\n  expected choices of items that "
                           f"were shown\n"
                           f"  leave picks= away, or say picks={max(WAYS, key=lambda w: inside[w])!r}")  # fmt: skip
    if not picks and not same and inside["numbers"] == inside["import_ids"] and n:
        raise ChoicesError(f"the order of {name} can be read in two ways: {told}\n  expected one way\n"
                           "  say which: picks='numbers' or picks='import_ids'")  # fmt: skip
    if not picks and inside[way] < n / 2:
        raise ChoicesError(f"the order of {name} cannot be read: {told}\n  expected choices of items that were shown\n"
                           "  was the file mended by hand? read it as exported")  # fmt: skip
    return way


def _codes(questions: list[Question], parts: list[dict[str, Any]], way: str, best: str | None, name: str) -> tuple[str, str]:
    """The code of best, which the caller must say, and that of worst."""
    count: dict[str, int] = {}
    fits: dict[str, int] = {}
    for q, part in zip(questions, parts, strict=True):
        for row, column in np.argwhere(np.vectorize(lambda t: t.strip() != "", otypes=[bool])(q.cells)):
            code = str(q.cells[row, column]).strip()
            count[code] = count.get(code, 0) + 1
            fits[code] = fits.get(code, 0) + int(column in part[way][row])
    codes = sorted(count, key=lambda c: -count[c])[:2]
    codes = sorted({*codes, *(["1", "2"] if len(codes) < 2 and set(codes) <= {"1", "2"} else [])})
    shown = ", ".join(f"{c!r} ({count.get(c, 0):,} times, {fits.get(c, 0):,} in their sets)" for c in codes)
    if best is None or best not in codes:
        what = "does not say which of its codes means best" if best is None else f"has no code {best!r} (best_code=)"
        raise ChoicesError(f"{name} {what}: {shown or 'there are none'}\n  either reading fits: " + "; or ".join(
            f"best_code={c!r} makes {count.get(c, 0):,} choices best and "
            f"{sum(count.get(o, 0) for o in codes if o != c):,} worst"
            for c in codes) + "\n  expected the code that the question gave to best\n  look it up in the questionnaire "
                              "and say it: "
            "read_choices(..., best_code=...)")  # fmt: skip
    return best, next((c for c in codes if c != best), "")


_WRONG = (
    ("have an order that names no item", "numbers of the items' columns, such as 9|17|2"),
    ("have an order that names an item twice", "each item once"),
    ("have a code other than those of best and worst", "the two codes of the question"),
    ("name more than one best or worst", "one best and one worst item at most"),
    ("name an item that was not shown in the task", "an item of the order shown"),
)


def _wrong(q: Question, order: npt.NDArray[np.int64], codes: tuple[str, str]) -> npt.NDArray[np.bool_]:
    """What is wrong with each row of a question: rows by ``_WRONG``, one mark at most in each; sets that cannot be told are
    emptied in ``order``."""  # fmt: skip
    n, rows = len(q.tags), np.arange(len(order))
    cell = np.vectorize(str.strip, otypes=[object])(q.cells)
    shown = np.zeros((len(rows), n + 1), bool)
    shown[rows[:, None], order] = True
    numbers = [t.split("|") if t.strip() else [] for t in q.order.tolist()]
    unknown = np.array([(order[r, : len(s)] == n).any() for r, s in enumerate(numbers)])
    twice = np.array([len({*order[r, : len(s)].tolist()}) < len(s) for r, s in enumerate(numbers)])
    strange = ~np.isin(cell, ["", *codes]).all(axis=1)
    several = ((cell == codes[0]).sum(axis=1) > 1) | ((cell == codes[1]).sum(axis=1) > 1)
    outside = ((cell != "") & ~shown[:, :-1]).any(axis=1)
    order[unknown | twice] = n
    marks = np.stack([unknown, twice, strange, several, outside], axis=1)
    result: npt.NDArray[np.bool_] = marks & (np.cumsum(marks, axis=1) == 1)
    return result


def _write(choices: Choices) -> pd.DataFrame:
    design = choices.design
    n, labels = len(design.objects), design.objects.labels
    r, t, a, item, place = as_written(choices)
    width = int(a.max(initial=0)) + 1
    shape = (choices.n_respondents, design.n_tasks)
    order = np.full((*shape, width), "", dtype=object)
    order[r, t, a] = (item + 1).astype(str)
    cells = np.full((*shape, n), "", dtype=object)
    cells[r[place == 1], t[place == 1], item[place == 1]] = "1"
    cells[r[place == -1], t[place == -1], item[place == -1]] = "2"
    question = "Which is best (1) and which is worst (2)?"
    columns: dict[str, list[str]] = {"ResponseId": ["Response ID", '{"ImportId":"_recordId"}', *choices.respondents.ids]}
    for k, task in enumerate(design.task_ids or ()):
        for j in range(n):
            columns[f"Q{task}_{j + 1}"] = [f"{question} - {labels[j]}", f'{{"ImportId":"QID{task}_{j + 1}"}}', *cells[:, k, j]]
        joined = ["|".join(x for x in row if x) for row in order[:, k]]
        columns[f"Q{task}_DO"] = [f"{question} - Display Order", f'{{"ImportId":"QID{task}_DO"}}', *joined]
    return pd.DataFrame(columns)


QUALTRICS = Format(
    name="qualtrics", what="Qualtrics CSV: Matrix questions",
    layout="three heading rows, then Q1_1, Q1_2, ... (codes), and the order shown in Q1_DO or DO-Q-Q1",
    detect=_detect, tidy=_tidy, write=_write, designs="answers", endings=(".csv",),
    carries=Carries(labels=True, versions=False, tasks="numbers", displayed=True, profiles=False),
    remark="best_code= must say which code is best; written with 1 for best and 2 for worst",
)  # fmt: skip
