"""Answers of an adaptive survey as they arrive, against what was shown; all that is wrong is said at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.adaptive import AdaptiveState
from cvmstats.errors import ChoicesError, examples

Ints = npt.NDArray[np.int64]
type Answers = pd.DataFrame | Iterable[Mapping[str, object]]
COLUMNS = {"best_worst": {"best": 1, "worst": -1}, "pair": {"winner": 1}}
"""Columns of picks, and the place that each stands for."""


def read_answers(state: AdaptiveState, answers: Answers) -> tuple[Ints, npt.NDArray[np.int8]]:
    """Rows of the respondents (n), in the order of their first answer, and their places (n, T, A).

    Raises
    ------
    ChoicesError
        See ``update``.
    """
    table = _as_table(state, answers)
    found: dict[str, list[str]] = {}

    def note(what: str, where: str) -> None:
        found.setdefault(what, []).append(where)

    row_of = {name: r for r, name in enumerate(state.respondents)}
    item_of = {name: j for j, name in enumerate(state.items.ids)}
    places: dict[str, npt.NDArray[np.int8]] = {}
    done: set[tuple[str, str]] = set()
    for row in table.to_dict("records"):
        person, task = str(row["respondent"]), str(row["task"])
        if person not in row_of:
            note(_UNKNOWN, repr(person))
            continue
        if state.order[row_of[person]] >= 0:
            note(_BEFORE, repr(person))
            continue
        place = places.setdefault(person, np.zeros((state.n_tasks, state.items_per_task), np.int8))
        if not (task.isdecimal() and 1 <= int(task) <= state.n_tasks):
            note(_TASK, f"{person!r} task {task!r}")
            continue
        here = f"{person!r} task {int(task)}"
        if (person, str(int(task))) in done:
            note(_TWICE, here)
            continue
        done.add((person, str(int(task))))
        seen = state.shown[row_of[person], int(task) - 1]
        picks = {name: str(row[name]) for name in COLUMNS[state.kind] if not _missing(row[name])}
        for name, item in picks.items():
            hit = np.flatnonzero(seen == item_of.get(item, -1))
            if not len(hit):
                note(_NOT_SHOWN, f"{here}: {name} {item!r}")
            else:
                place[int(task) - 1, hit] = COLUMNS[state.kind][name]
        if len(picks) == 2 and picks["best"] == picks["worst"]:
            note(_SAME, f"{here}: {picks['best']!r}")
    if not found:
        for person in (p for p, place in places.items() if not place.any()):
            note(_NOTHING, repr(person))
    if found:
        raise ChoicesError("\n".join(_message(state, what, where) for what, where in found.items()))
    return np.array([row_of[p] for p in places], np.int64), np.array(list(places.values()), np.int8)


_UNKNOWN = "of respondents who were given no tasks"
_BEFORE = "of respondents who answered before"
_TASK = "to tasks that there are not"
_TWICE = "to a task that is answered already"
_NOT_SHOWN = "that the task did not show"
_SAME = "with the same item as best and worst"
_NOTHING = "with no answer in any row"
_REMEDY = {
    _UNKNOWN: "expected those to whom next_tasks(state, respondent) gave tasks; keep the state that it returns",
    _BEFORE: "expected all answers of a respondent at once; what was taken stays",
    _TASK: "expected 1 to {n_tasks}",
    _TWICE: "expected one row per respondent and task",
    _NOT_SHOWN: "expected the id of an item of the set, as state.tasks(respondent) lists them",
    _SAME: "expected two different items, or one of them missing",
    _NOTHING: "leave out who answered nothing",
}


def _message(state: AdaptiveState, what: str, where: list[str]) -> str:
    different = list(dict.fromkeys(where))
    thing = {_NOT_SHOWN: "item", _NOTHING: "respondent"}.get(what, "answer")
    shown = ", ".join(different[:3]) + (f" and {len(different) - 3:,} more" if len(different) > 3 else "")
    return (f"{len(where):,} {thing}{'s' * (len(where) != 1)} {what}\n  for example {shown}\n"
            f"  {_REMEDY[what].format(n_tasks=state.n_tasks)}")  # fmt: skip


def _as_table(state: AdaptiveState, answers: Answers) -> pd.DataFrame:
    table = answers if isinstance(answers, pd.DataFrame) else pd.DataFrame(list(answers))
    picks = list(COLUMNS[state.kind])
    needed = ["respondent", "task", *picks]
    if len(picks) > 1:  # only the best, or only the worst, may have been asked for
        missing = [c for c in ("respondent", "task") if c not in table] + picks * (not set(picks) & set(table))
    else:
        missing = [c for c in needed if c not in table]
    if missing or table.empty:
        lack = f"have no column {examples(missing)}" if missing and not table.empty else "are empty"
        raise ChoicesError(f"the answers {lack}\n  expected a row per task with {', '.join(needed)}")
    return table.reindex(columns=needed)


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value != value or str(value).strip() == ""
