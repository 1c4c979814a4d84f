"""Wide answers: a row for each person, a pair of columns for each task; and what a pick in them means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.long import match_tasks
from cvmstats.survey.matching import Bools, Ints
from cvmstats.survey.naming import index_of_names, whole_numbers
from cvmstats.survey.problems import Problems
from cvmstats.survey.tables import MISSING, as_text

PICKS = {"names": "item names", "numbers": "item numbers", "positions": "positions in the task"}
_BEST, _WORST = "b|best|most", "w|worst|least"


def pick_columns(table: pd.DataFrame, columns: Mapping[str, Any] | None) -> dict[str, dict[str, str]]:
    """Columns of picks: ``{"best": {task: column}, "worst": {task: column}}``.

    Found are ``B1``, ``w01``, ``best_1``, ``worst.1``, ``task1_best`` and the like, in any case. ``columns`` may give
    ``best`` and ``worst`` as lists of columns in the order of the tasks, or as a pattern such as ``"Q{task}_top"``.

    >>> pick_columns(pd.DataFrame(columns=["ID", "B1", "W1", "age"]), None)
    {'best': {'1': 'B1'}, 'worst': {'1': 'W1'}}
    """
    result: dict[str, dict[str, str]] = {}
    for side, words in (("best", _BEST), ("worst", _WORST)):
        given = (columns or {}).get(side)
        if given is not None and not isinstance(given, str):
            result[side] = _listed(table, side, list(given))
            continue
        if given is not None:
            patterns = [_pattern(side, given)]
        else:
            patterns = [rf"(?:{words})[ _.\-]?(\d+)", rf"(?:task|set|q|t)?[ _.\-]?(\d+)[ _.\-]?(?:{words})"]
        fits = [(c, m[1]) for c in table.columns for p in patterns if (m := re.fullmatch(p, c, re.IGNORECASE))]
        found: dict[str, str] = {}
        for column, task in fits:
            if str(int(task)) in found:
                raise ChoicesError(f"2 columns may be the {side} of task {task}: {found[str(int(task))]!r}, "
                                   f"{column!r}\n"
                                   f"  expected one\n  say which: columns={{{side!r}: [...]}}")  # fmt: skip
            found[str(int(task))] = column
        if given is not None and not found:
            raise ChoicesError(f"no column is called as columns={{{side!r}: {given!r}}} says\n"
                               f"  its columns are {examples(table.columns.tolist(), 12)}\n"
                               "  expected a column for each task, its number where {task} stands")  # fmt: skip
        result[side] = found
    return result


def _listed(table: pd.DataFrame, side: str, names: list[Any]) -> dict[str, str]:
    absent = [c for c in names if c not in table.columns]
    if absent or not names:
        raise ChoicesError(f"{len(absent) or 'no'} columns named in columns={{{side!r}: ...}} are not there\n"
                           f"  for example {examples(absent or ['[]'])}\n"
                           f"  its columns are {examples(table.columns.tolist(), 12)}")  # fmt: skip
    twice = [c for c in dict.fromkeys(names) if names.count(c) > 1]
    if twice:
        raise ChoicesError(f"{len(twice)} columns stand twice in columns={{{side!r}: ...}}\n  for example {examples(twice)}\n"
                           "  expected a column for each task, in the order of the tasks")  # fmt: skip
    return {str(i): c for i, c in enumerate(names, start=1)}


def _pattern(side: str, given: str) -> str:
    if "{task}" not in given:
        raise ChoicesError(f"columns={{{side!r}: {given!r}}} does not say where the number of the task stands\n"
                           f"  expected a pattern such as 'Q{{task}}_top', or a list: columns={{{side!r}: [{given!r}, ...]}}")
    first, *others = (re.escape(part) for part in given.split("{task}"))
    return rf"{first}(\d+){r'\1'.join(others)}"


def read_picks(
    table: pd.DataFrame, pairs: Mapping[str, Mapping[str, str]], design: Design, version: Ints, ids: list[str],
    picks: str | None, problems: Problems,
) -> tuple[npt.NDArray[np.int8], str]:  # fmt: skip
    """Places (R, T, A), and how the picks were read."""
    names = list(dict.fromkeys([*pairs["best"], *pairs["worst"]]))
    matched = dict(zip(names, match_tasks(names, design), strict=True))
    tasks = list(design.task_ids or ())
    if sorted(matched.values()) != sorted(tasks):
        raise ChoicesError(f"the answers have {len(names)} tasks ({examples(names)}), the design "
                           f"{design.fingerprint[:6]} has "
                           f"{len(tasks)} ({examples(tasks)})\n  expected a column for each task of the design\n"
                           "  give the design that these answers were collected with: design=")  # fmt: skip
    shape = (len(ids), len(tasks))
    columns = {side: {matched[k]: c for k, c in pairs[side].items()} for side in ("best", "worst")}
    _check_sides(columns, design)
    texts = {side: _texts(table, columns[side], tasks) for side in columns}
    flat = np.concatenate([texts["best"].ravel(), texts["worst"].ravel()])
    codes, distinct = pd.factorize(flat)
    words = [str(v) for v in distinct]
    shown = design.shown[version].astype(np.int64)
    missing = np.array([w.strip() in MISSING for w in words], bool)
    blank = missing[codes].reshape(2, *shape)
    readings = {k: _read_as(k, words, codes.reshape(2, *shape), design, shown) for k in PICKS}
    how = picks or _choose(readings, blank, words, codes, shown)
    if how == "names":  # NA may be an item
        known = {*design.objects.ids, *design.objects.labels}
        blank = (missing & np.array([w.strip() not in known for w in words], bool))[codes].reshape(2, *shape)
    object_of = np.where(blank, -1, readings[how])
    in_set = (object_of[..., None] == shown[None]).any(axis=-1) & (object_of >= 0)
    bad = np.zeros(shape, bool)
    total = int((shown >= 0).any(axis=2).sum())

    def note(mask: Bools, what: str, expected: str, detail: str = "") -> None:
        problems.add_tasks(mask & ~bad, what, of=total, ids=ids, tasks=tasks, expected=expected, detail=detail)
        bad[mask] = True

    def such(mask: Bools, said: npt.NDArray[np.object_] = flat) -> str:
        return "the choice " + examples(pd.unique(said[mask.ravel()]).tolist()) if mask.any() else ""

    if how != "names":
        strange = ~blank & (whole_numbers(words)[codes].reshape(2, *shape) < 0)
        note(strange.any(axis=0), "have a choice that is no number", f"{PICKS[how]}: 1, 2, ...", such(strange))
    if how != "positions":
        unknown = ~blank & (object_of < 0) & ~bad
        note(unknown.any(axis=0), "name an item that is not on the list of items",
             f"{PICKS[how]} of the {len(design.objects)} items", such(unknown))  # fmt: skip
    for side, word in enumerate(("best", "worst")):
        outside = ~blank[side] & ~in_set[side] & ~bad
        note(outside, f"name a {word} item that was not shown in the task", "an item of the set that the design shows",
             such(outside, texts[word].ravel()))  # fmt: skip
    same = (object_of[0] == object_of[1]) & (object_of[0] >= 0)
    note(same, "name the same item best and worst", "two different items")
    place = np.zeros(shown.shape, np.int8)
    place[object_of[0][..., None] == shown] = 1
    place[object_of[1][..., None] == shown] = -1
    place[bad] = 0
    place[shown < 0] = -128
    return place, how


def _check_sides(columns: Mapping[str, Mapping[str, str]], design: Design) -> None:
    """Refuse answers of which one side has columns for some of the tasks that ask for it, and none for others."""
    kinds = np.asarray(design.kind).T
    for side, own in columns.items():
        asked = [t for t, of in zip(design.task_ids or (), kinds, strict=True) if {side, "best_worst"} & set(of.tolist())
                 or (side == "best" and "pair" in of)]  # fmt: skip
        lost = [t for t in asked if t not in own]
        if own and lost:
            raise ChoicesError(f"{len(lost)} of {len(asked)} tasks that ask for a {side} have no column for it\n"
                               f"  for example task {examples(lost)}\n  its columns are {examples([*own.values()], 12)}\n"
                               f"  expected one for each of them\n  was a column lost? else name them: "
                               f"columns={{{side!r}: [...]}}, in the order of the tasks")  # fmt: skip


def _texts(table: pd.DataFrame, columns: Mapping[str, str], tasks: list[str]) -> npt.NDArray[np.object_]:
    result = np.full((len(table), len(tasks)), "", dtype=object)
    for i, task in enumerate(tasks):
        if task in columns:
            result[:, i] = as_text(table[columns[task]]).to_numpy(dtype=object)
    return result


def _read_as(how: str, words: list[str], codes: Ints, design: Design, shown: Ints) -> Ints:
    """Object indices (2, R, T) of the picks read in one way, -1 where they cannot be."""
    n = len(design.objects)
    if how == "names":
        return index_of_names(words, design.objects, ChoicesError)[codes]
    numbers = whole_numbers(words)
    if how == "numbers":
        return np.where((numbers >= 1) & (numbers <= n), numbers - 1, -1)[codes]
    position = numbers[codes]
    inside = (position >= 1) & (position <= shown.shape[2])
    row = np.broadcast_to(shown, (2, *shown.shape))
    taken = np.take_along_axis(row, np.where(inside, position - 1, 0)[..., None], axis=3)[..., 0]
    return np.where(inside, taken, -1)


def _choose(readings: Mapping[str, Ints], blank: Bools, words: list[str], codes: Ints, shown: Ints) -> str:
    """The one reading that puts every pick into the set that was shown."""
    numeric = ~blank & (whole_numbers(words)[codes].reshape(blank.shape) >= 0)
    if numeric.sum() < (~blank).sum() / 2:
        return "names"
    inside = {k: (v >= 0) & (v[..., None] == shown[None]).any(axis=-1) for k, v in readings.items()}
    named = int((inside["names"] & ~blank).sum())
    counted = ~blank if named > max(int((inside[k] & numeric).sum()) for k in ("numbers", "positions")) else numeric
    n_picks = int(counted.sum())
    hits = {k: int((counted & v).sum()) for k, v in inside.items()}
    fit = [k for k in PICKS if hits[k] == n_picks]
    if fit and all(np.array_equal(readings[fit[0]][counted], readings[k][counted]) for k in fit):
        return fit[0]
    if fit:
        raise ChoicesError(f"the {n_picks:,} picks can be read in {len(fit)} ways: as "
                           f"{' or as '.join(PICKS[k] for k in fit)}\n"
                           f"  for example {words[codes[counted.ravel()][0]]!r}; each way puts all of them into the "
                           f"sets shown\n"
                           f"  expected one way\n  say which: {' or '.join(f'picks={k!r}' for k in fit)}")  # fmt: skip
    if hits["names"] > max(hits["numbers"], hits["positions"]):
        return "names"
    raise ChoicesError(f"the {n_picks:,} picks cannot be read: as item numbers {n_picks - hits['numbers']:,} of them "
                       f"were not "
                       f"shown in their task, as positions in the task {n_picks - hits['positions']:,}\n"
                       "  expected item numbers or positions that the design shows\n"
                       "  is it the design of these answers? else say what the picks are: picks='numbers' or "
                       "picks='positions'; with invalid='drop' the others are left out")  # fmt: skip
