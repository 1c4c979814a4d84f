"""Qualtrics' CSV export of its MaxDiff module: three heading rows, what was said of each position, and the labels shown there.

``C<q>_<p>`` holds "Most Important" or "Least Important", ``<q>.<p>_MAXDIFF`` the label shown, ``vers_MAXDIFF`` the version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.formats.base import Carries, Format, Reading, Source, Tidy, as_written, long_of_rows, note_rows
from cvmstats.survey.formats.qualtrics import headings, respondents_of
from cvmstats.survey.tables import as_text, missing_columns, natural_order

_BEST, _WORST = ("most", "best"), ("least", "worst")


def _columns(source: Source) -> dict[tuple[str, int], tuple[str, str]]:
    """Task and position to the columns of what was said and of the label shown; one of them "" where it is not there."""
    shown, said = {}, {}
    for c in source.table.columns:
        if m := re.fullmatch(r"(\d+)\.([1-9]\d*)_MAXDIFF", c):
            shown[m[1], int(m[2])] = c
        elif m := re.fullmatch(r"C(\d+)_([1-9]\d*)", c):
            said[m[1], int(m[2])] = c
    return {k: (said.get(k, ""), shown.get(k, "")) for k in sorted({*shown, *said})} if shown else {}


def _detect(source: Source, columns: Mapping[str, Any]) -> str:
    found = [c for pair in _columns(source).values() for c in pair if c] if headings(source) else []
    return f"{found[0]}, ... with {found[1]}" if len(found) > 1 else ""


def _tidy(source: Source, reading: Reading) -> Tidy:
    people = respondents_of(source, reading, QUALTRICS_MODULE.layout)
    found = _columns(source)
    if not found:
        raise missing_columns(source.table, ["C1_1", "1.1_MAXDIFF"], ChoicesError, source.name, QUALTRICS_MODULE.layout)
    alone = [a or b for a, b in found.values() if not (a and b)]
    sizes = {task: [p for t, p in found if t == task] for task in dict.fromkeys(t for t, _ in found)}
    gaps = [f"C{task}" for task, at in sizes.items() if at != list(range(1, len(at) + 1))]
    if alone or gaps:
        raise ChoicesError(f"{source.name} has {len(alone)} columns whose partner is missing, and {len(gaps)} tasks with "
                           f"a position "
                           f"left out\n  for example {examples([*alone, *gaps])}\n"
                           "  expected C<q>_<p> and <q>.<p>_MAXDIFF for each task and position\n  was a column "
                           "lost?")  # fmt: skip
    width = max(len(at) for at in sizes.values())
    names, rows = natural_order(sizes), len(people)
    seen = np.full((len(names) * rows, width), "", dtype=object)
    told = seen.copy()
    for (task, p), (said, shown) in found.items():
        at = slice(names.index(task) * rows, (names.index(task) + 1) * rows)
        seen[at, p - 1] = as_text(source.table[shown]).to_numpy(dtype=object)[2:]
        told[at, p - 1] = as_text(source.table[said]).to_numpy(dtype=object)[2:]
    who, tasks = people * len(names), [task for task in names for _ in people]
    word = np.vectorize(lambda t: t.strip().lower().split(" ")[0], otypes=[object])(told)
    best, worst = np.isin(word, _BEST), np.isin(word, _WORST)
    strange, outside = ~(best | worst) & (word != ""), (best | worst) & (seen == "")
    for mask, what, expected in (
        (strange, "have an answer that is neither most nor least", "texts such as 'Most Important' and 'Least Important'"),
        (outside & ~strange.any(axis=1, keepdims=True), "name an item where nothing was shown", "a label beside each answer"),
    ):
        detail = examples(list(dict.fromkeys(told[mask].tolist()))) if mask.any() else ""
        note_rows(reading.problems, mask.any(axis=1), what, people=who, tasks=tasks, expected=expected, detail=detail)
    bad = (strange | outside).any(axis=1)
    value = np.where(bad[:, None], 0, best.astype(int) - worst.astype(int)).astype(object)
    tidy = long_of_rows(who, tasks, seen, value)
    if "vers_MAXDIFF" not in source.table or reading.design is None:
        return tidy
    version = dict(zip(people, as_text(source.table["vers_MAXDIFF"]).tolist()[2:], strict=True))
    table = tidy.table.assign(version=[version[v] for v in tidy.table["respondent"]])
    return Tidy(table=table, found={c: c for c in table.columns})


def _write(choices: Choices) -> pd.DataFrame:
    design = choices.design
    r, t, a, item, place = as_written(choices)
    width = int(a.max(initial=0)) + 1
    labels = np.array(design.objects.labels, dtype=object)
    seen = np.full((choices.n_respondents, design.n_tasks, width), "", dtype=object)
    said = seen.copy()
    seen[r, t, a] = labels[item]
    said[r, t, a] = np.where(place == 1, "Most Important", np.where(place == -1, "Least Important", "")).astype(object)
    version = np.array(design.version_ids, dtype=object)[choices.version]
    columns: dict[str, list[str]] = {"ResponseId": ["Response ID", '{"ImportId":"_recordId"}', *choices.respondents.ids]}
    slots = [(k, task, p) for k, task in enumerate(design.task_ids or ()) for p in range(width)]
    for k, task, p in slots:
        text, told = f"Choose - [Field-{task}.{p + 1}_MAXDIFF]", f'{{"ImportId":"QID{task}_{p + 1}"}}'
        columns[f"C{task}_{p + 1}"] = [text, told, *said[:, k, p]]
    columns["vers_MAXDIFF"] = ["vers_MAXDIFF", '{"ImportId":"vers_MAXDIFF"}', *version]
    for k, task, p in slots:
        name = f"{task}.{p + 1}_MAXDIFF"
        columns[name] = [name, f'{{"ImportId":"{name}"}}', *seen[:, k, p]]
    return pd.DataFrame(columns)


QUALTRICS_MODULE = Format(
    name="qualtrics_module", what="Qualtrics CSV: MaxDiff module",
    layout="three heading rows, then C1_1, C1_2, ... (most, least), 1.1_MAXDIFF, 1.2_MAXDIFF, ... (labels shown), vers_MAXDIFF",
    detect=_detect, tidy=_tidy, write=_write, designs="answers", endings=(".csv",),
    carries=Carries(labels=True, tasks="numbers", displayed=True, profiles=False),
    remark="the version is used where a design is given; labels, not ids",
)  # fmt: skip
