"""Numbers of a whole task that stand on its rows in a long table: strength, how many times it was answered, seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.errors import examples
from cvmstats.survey.long import match_tasks
from cvmstats.survey.problems import Problems
from cvmstats.survey.tables import MISSING, as_text, coded, file_rows

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
AMOUNTS = {"strength": "strength", "count": "answer_count", "seconds": "seconds"}
"""Arrays of ``Choices`` (R, T), and the columns in which they are written."""


def read_amounts(table: pd.DataFrame, found: Mapping[str, str], ids: Sequence[str], design: Design,
                 problems: Problems) -> tuple[dict[str, Floats], Bools]:  # fmt: skip
    """Arrays (R, T) by name, and the tasks (R, T) of which something is wrong.

    Not a number where a task has none; without a count it was answered once. ``found`` names the table's columns.
    """
    tasks = list(design.task_ids or ())
    bad, result = np.zeros((len(ids), len(tasks)), bool), {}
    columns = {name: found[name] for name in AMOUNTS if name in found}
    if not columns:
        return {}, bad
    r = pd.Index(ids).get_indexer(pd.Index(as_text(table[found["respondent"]])))
    codes, distinct = coded(table[found["task"]])
    t = pd.Index(tasks).get_indexer(pd.Index(match_tasks(distinct, design)))[codes]
    for name, column in columns.items():
        value, strange = _numbers(table[column])
        if len(strange):
            problems.add(f"{len(strange):,} of {len(table):,} rows have a {name} that is no number, 0 or more",
                         where=f"row {examples(file_rows(strange))}", expected="a number, or nothing where there is none",
                         remedy=f"mend them, or leave the column out: columns={{{name!r}: None}}")  # fmt: skip
        array = np.full(bad.shape, np.nan)
        rows = np.flatnonzero((r >= 0) & (t >= 0) & ~np.isnan(value))
        array[r[rows], t[rows]] = value[rows]
        other = rows[array[r[rows], t[rows]] != value[rows]]
        several = np.zeros(bad.shape, bool)
        several[r[other], t[other]] = True
        expected = f"the same on each row of a task, or the column left out: columns={{{name!r}: None}}"
        problems.add_tasks(several, f"have more than one {name}", of=bad.size, ids=ids, tasks=tasks, expected=expected)
        bad |= several
        result[name] = np.where(np.isnan(array), 1.0, array) if name == "count" else array
    return result, bad


def _numbers(values: pd.Series) -> tuple[Floats, npt.NDArray[np.int64]]:
    """A column as numbers, and the rows where there is something else."""
    codes, texts = coded(values)

    def number(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            return np.nan

    numbers = np.array([number(text) for text in texts])
    blank = np.array([text.strip() in MISSING for text in texts])
    return numbers[codes], np.flatnonzero((~blank & ~((numbers >= 0) & np.isfinite(numbers)))[codes])


def ungraded(strength: Floats | None, place: npt.NDArray[np.int8], design: Design,
             version: npt.NDArray[np.int64]) -> tuple[Bools, str]:  # fmt: skip
    """Graded answers (R, T) without a strength, or with one that the design has not; and what is expected."""
    graded = (np.asarray(design.kind) == "graded")[version]
    points = sorted(float(p) for p, _ in design.grades if p > 0)
    given = np.full(graded.shape, np.nan) if strength is None else strength
    wrong = ~np.isin(given, points) if points else ~(given > 0)
    decided = (place == 1).sum(axis=2) == 1
    return graded & decided & wrong, " or ".join(f"{p:g}" for p in points) or "a number above 0"
