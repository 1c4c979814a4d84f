"""Answers in: long or wide, from a file or a dataframe, with all that is wrong told at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.design_file import read_design
from cvmstats.survey.lists import read_items, read_respondents
from cvmstats.survey.long import read_sets
from cvmstats.survey.matching import Ints, check_kinds, find_versions, infer_versions, place_answers
from cvmstats.survey.problems import Problems
from cvmstats.survey.tables import as_text, coded, find_columns, missing_columns, read_table
from cvmstats.survey.wide import PICKS, pick_columns, read_picks

_LONG = "long: respondent, task, item, choice (1 best, -1 worst, 0), and version, position where there are any"
_WIDE = "wide: respondent, a pair of columns for each task such as B1, W1, and version where there are several"


def read_choices(
    source: Any,
    *,
    format: Literal["long", "wide"] | None = None,
    design: Design | Any | None = None,
    items: Items | Any | None = None,
    respondents: Respondents | Any | None = None,
    columns: Mapping[str, Any] | None = None,
    picks: Literal["names", "numbers", "positions"] | None = None,
    invalid: Literal["raise", "drop"] = "raise",
    encoding: str | None = None,
) -> Choices:
    """Read answers to best-worst, best-only or worst-only tasks.

    **Long**: a row for each item that a person saw in a task, with columns respondent, task, item and choice: 1 best,
    -1 worst, 0, nothing or ``NA`` for the others (-128: no answer about this item, it leaves the set). ``position`` and
    ``version`` are optional. Without a design it is inferred: people who saw the same sets in the same order share a
    version, and a task without rows was not asked. With a column ``version`` the sets of a version are those of its
    people, and with a design those of the design: a task without rows is then asked and unanswered.

    **Wide**: a row for each person and a pair of columns for each task, such as ``B1, W1``; needs a design. Picks are
    item names (ids or labels), item numbers (1 to J in the order of the items) or positions in the task (1 to A). Where
    ``picks`` does not say, the one reading that puts every pick into its set is taken, and two of them are an error.

    A task with a best or a worst only is kept as it is. How the file was read stands in ``Choices.source``.

    Parameters
    ----------
    source : path, DataFrame
        CSV, Parquet, pandas or polars.
    format : {"long", "wide"}, optional
        Found from the columns; where both would fit, it must be said.
    design : Design, path or DataFrame, optional
        What was shown (:func:`read_design`). With several versions a column ``version`` says which a person saw; long
        answers can also be told apart by their sets.
    items : Items, path or DataFrame, optional
        The items (:func:`read_items`); else those of the design, else all in the answers, in alphabetical order.
    respondents : Respondents, path or DataFrame, optional
        Who answered (:func:`read_respondents`), joined by id.
    columns : mapping, optional
        Our names to the file's: respondent, task, position, item, choice, version; for wide answers ``best`` and
        ``worst``, each a list of columns or a pattern such as ``"Q{task}_top"``.
    picks : {"names", "numbers", "positions"}, optional
        What the picks of wide answers are.
    invalid : {"raise", "drop"}
        Whether a task that cannot be used is an error, or is left out as unanswered (as not asked, where no set can be
        told) with a warning that counts.
    encoding : str, optional
        Of a CSV file; UTF-8 where nothing is said.

    Raises
    ------
    ChoicesError
        All that is wrong with the answers, in one error: picks that were not shown, a best that is also the worst,
        tasks that stand twice, unknown items, another design, missing columns, no answers, choices that are no
        numbers, an empty file, another encoding, two readings that both fit.
    DesignError, ItemsError, RespondentsError
        From reading those.

    Examples
    --------
    >>> table = pd.DataFrame({"respondent": ["007"] * 3, "task": 1, "item": ["price", "speed", "advice"],
    ...                       "choice": [1, 0, -1]})
    >>> choices = read_choices(table)
    >>> choices.respondents.ids, choices.place.tolist(), choices.source
    (('007',), [[[1, 0, -1]]], 'the dataframe (long, design inferred)')
    """
    _check_options(format, picks, invalid)
    table, name = read_table(source, ChoicesError, "answers", encoding=encoding)
    form, found, pairs = _detect(table, format, columns, name)
    if isinstance(items, Design):
        raise ChoicesError("items= got a Design\n  say design=")
    known: Items | Profiles | None = items if items is None or isinstance(items, Items) else read_items(items)
    people = (
        respondents if respondents is None or isinstance(respondents, Respondents) else read_respondents(respondents)
    )
    plan = design
    if plan is not None and not isinstance(plan, Design):
        plan = read_design(plan, known, _kind_of(table, found, pairs, form))
    if plan is not None:
        _check_design(plan, known)
        known = plan.objects
    problems = Problems(drop=invalid == "drop")
    if form == "long":
        choices = _read_long(table, found, known, plan, problems, name)
    else:
        choices = _read_wide(table, found, pairs, plan, picks, problems, name)
    return choices if people is None else choices.with_respondents(people)


def _check_options(format: str | None, picks: str | None, invalid: str) -> None:
    for option, value, allowed in (("format", format, (None, "long", "wide")), ("picks", picks, (None, *PICKS)),
                                   ("invalid", invalid, ("raise", "drop"))):  # fmt: skip
        if value not in allowed:
            raise ChoicesError(
                f"{option}={value!r} is not known\n  expected {' or '.join(repr(a) for a in allowed if a)}"
            )


def _detect(
    table: pd.DataFrame, format: str | None, columns: Mapping[str, Any] | None, name: str
) -> tuple[str, dict[str, str], dict[str, dict[str, str]]]:
    strings = {k: v for k, v in (columns or {}).items() if k not in ("best", "worst")}
    wanted = ["respondent", "task", "position", "item", "item_no", "choice", "version"]
    if format == "wide":
        wanted = ["respondent", "version"]
    unknown = sorted(set(columns or {}) - {*wanted, "best", "worst"})
    if unknown:
        raise ChoicesError(f"columns= has names that are not ours: {examples(unknown)}\n  expected some of "
                           f"{', '.join(wanted)}, "
                           "best, worst")  # fmt: skip
    found = find_columns(table, wanted, strings, ChoicesError, name)
    pairs = pick_columns(table, columns) if format != "long" else {"best": {}, "worst": {}}
    absent = [
        c
        for c in ("respondent", "task", "item", "choice")
        if c not in found and (c, "item_no" in found) != ("item", True)
    ]
    has_picks = bool(pairs["best"] or pairs["worst"])
    fits_wide = has_picks and "respondent" in found
    if format is None and not absent and fits_wide:
        raise ChoicesError(f"{name} can be read in two ways: long ({', '.join(sorted(found.values()))}) or wide "
                           f"({', '.join([*pairs['best'].values(), *pairs['worst'].values()][:4])}, ...)\n"
                           "  expected one way\n  say which: format='long' or format='wide'")  # fmt: skip
    if format != "wide" and not absent:
        return "long", found, {"best": {}, "worst": {}}
    if format != "long" and fits_wide:
        return "wide", found, pairs
    if format == "wide" or (format is None and has_picks):
        short = ["respondent"] if "respondent" not in found else ["best"]
        raise missing_columns(table, short, ChoicesError, name, _WIDE)
    both = _LONG if format == "long" or len(absent) < 3 else f"{_LONG}; or {_WIDE}"
    raise missing_columns(table, absent, ChoicesError, name, both)


def _kind_of(table: pd.DataFrame, found: Mapping[str, str], pairs: Mapping[str, Any], form: str) -> str:
    """What the tasks ask for, by what is answered anywhere: best and worst, or one of them only."""
    if form == "wide":
        best, worst = bool(pairs["best"]), bool(pairs["worst"])
    else:
        said = {t.strip().removesuffix(".0") for t in coded(table[found["choice"]])[1]}
        best, worst = "1" in said, "-1" in said
    return "best_worst" if best == worst else "best" if best else "worst"


def _check_design(design: Design, items: Items | Profiles | None) -> None:
    other = sorted({str(k) for k in np.unique(np.asarray(design.kind).astype(str))} - {"best_worst", "best", "worst"})
    if other or np.asarray(design.dual).any():
        raise ChoicesError(f"the design has tasks that read_choices does not read: {examples(other or ['dual'])}\n"
                           "  expected best_worst, best or worst")  # fmt: skip
    if items is not None and items.ids != design.objects.ids:
        differ = sorted(set(items.ids) ^ set(design.objects.ids)) or list(items.ids)
        raise ChoicesError(f"items= are not those of the design {design.fingerprint[:6]}, or in another order\n"
                           f"  for example {examples(differ)}\n"
                           "  leave items= away, or give the design as a file")  # fmt: skip


def _read_long(
    table: pd.DataFrame,
    found: Mapping[str, str],
    items: Items | Profiles | None,
    design: Design | None,
    problems: Problems,
    name: str,
) -> Choices:
    sets, items, bad = read_sets(table, found, items, design, problems)
    if sets is None and problems.drop:
        problems.add("no task of the answers shows a set that can be used", expected="at least one",
                     remedy="mend what is said below")  # fmt: skip
    if problems.of_file or sets is None:
        problems.settle()
    assert sets is not None
    if design is None:
        shown, version, names = infer_versions(sets)
        kind = _kind_of(table, found, {}, "long")
        plan = Design(objects=items, shown=shown, kind=kind, version_ids=names, task_ids=sets.tasks,
                      source=f"inferred from {name}")  # fmt: skip
    else:
        plan = design
        if sets.version is None:
            version = find_versions(sets, design, problems)
        else:
            version = _given(sets.version, sets.versions, design, problems)
    place, order = place_answers(sets, plan, version, bad, problems, given=design is not None)
    _note_kinds(place, plan, version, problems, sets.ids, sets.tasks)
    if not problems.of_tasks or problems.drop:
        _check_answered(place, problems, "1 for the best and -1 for the worst in the column of choices")
    problems.settle()
    moved = "position" in found and bool((order != plan.shown[version]).any())
    how = "design inferred" if design is None else f"design {plan.fingerprint[:6]}"
    return Choices(design=plan, respondents=Respondents.from_ids(sets.ids), version=version.astype(np.int32),
                   place=place, displayed=order if moved else None, source=f"{name} (long, {how})")  # fmt: skip


def _read_wide(
    table: pd.DataFrame, found: Mapping[str, str], pairs: Mapping[str, Mapping[str, str]], design: Design | None,
    picks: str | None, problems: Problems, name: str,
) -> Choices:  # fmt: skip
    if design is None:
        raise ChoicesError(f"{name} has wide answers, and no design says what was shown\n  expected a design beside "
                           f"them\n"
                           "  give it: read_choices(..., design='design.csv')")  # fmt: skip
    ids = as_text(table[found["respondent"]])
    blank, twice = np.flatnonzero(ids == ""), ids[ids.duplicated() & (ids != "")].unique().tolist()
    if len(blank):
        problems.add(f"{len(blank):,} of {len(ids):,} rows have no "
                     f"respondent", where=f"row {examples((blank + 2).tolist())}",
                     expected="a respondent on each row", remedy="fill the column or take such rows away")  # fmt: skip
    if twice:
        problems.add(f"{len(twice):,} respondents stand more than once, and so do their tasks",
                     where=f"respondent {examples(twice)}", expected="one row for each person",
                     remedy="keep one row of each person")  # fmt: skip
    version = np.zeros(len(ids), np.int64)
    if "version" in found:
        names = as_text(table[found["version"]])
        codes, distinct = pd.factorize(names)
        version = _given(codes.astype(np.int64), tuple(str(v) for v in distinct), design, problems)
    elif design.n_versions > 1:
        problems.add(f"the design has {design.n_versions:,} versions, and {name} does not say which one a person saw",
                     expected="a column 'version' with values such as " + examples(design.version_ids or ()),
                     remedy="add it, or name it: columns={'version': '...'}")  # fmt: skip
    if problems.of_file:
        problems.settle()
    people = [str(v) for v in ids]
    place, how = read_picks(table, pairs, design, version, people, picks, problems)
    _note_kinds(place, design, version, problems, people, design.task_ids or ())
    if not problems.of_tasks or problems.drop:
        _check_answered(place, problems, f"{PICKS[how]} in columns such as {examples([*pairs['best'].values()])}")
    problems.settle()
    note = f"{name} (wide, picks read as {PICKS[how]}, design {design.fingerprint[:6]})"
    return Choices(design=design, respondents=Respondents.from_ids(people), version=version.astype(np.int32),
                   place=place, source=note)  # fmt: skip


def _given(version: Ints, names: tuple[str, ...], design: Design, problems: Problems) -> Ints:
    """Versions as the file names them, as places among the design's."""
    place = {v: i for i, v in enumerate(design.version_ids or ())}
    absent = [v for v in names if v not in place]
    if absent:
        problems.add(f"{len(absent)} of {len(names)} versions of the answers are not in the design "
                     f"{design.fingerprint[:6]}",
                     where=f"version {examples(absent)}", expected=f"versions such as "
                                                                   f"{examples(design.version_ids or ())}",
                     remedy="give the design that these answers were collected with: design=")  # fmt: skip
    return np.array([place.get(v, 0) for v in names], np.int64)[version]


def _note_kinds(
    place: npt.NDArray[np.int8], design: Design, version: Ints, problems: Problems, ids: Any, tasks: Any
) -> None:
    total = int((design.shown[version] >= 0).any(axis=2).sum())
    for mask, what, expected in check_kinds(place, design, version):
        problems.add_tasks(mask, what, of=total, ids=ids, tasks=tasks, expected=expected)
        place[mask[:, :, None] & (np.abs(place.astype(np.int64)) == 1)] = 0


def _check_answered(place: npt.NDArray[np.int8], problems: Problems, expected: str) -> None:
    asked = int((place != -128).any(axis=2).sum())
    if not (np.abs(place.astype(np.int64)) == 1).any():
        left_out = sum(1 for _ in problems.of_tasks)
        problems.add(f"none of the {asked:,} tasks has an "
                     f"answer" + (" that can be used" if left_out else ""), expected=expected,
                     remedy="is it the right file, and the right column?")  # fmt: skip
