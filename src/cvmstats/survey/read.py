"""Answers in: long or wide, from a file or a dataframe, with all that is wrong told at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.design import KINDS, Design
from cvmstats.data.items import Items
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.amounts import read_amounts, ungraded
from cvmstats.survey.design_file import read_design
from cvmstats.survey.formats import find_format, named_format, wide
from cvmstats.survey.formats.base import Format, Reading, Source, Tidy, check_people
from cvmstats.survey.formats.long import LAYOUT as LONG_LAYOUT
from cvmstats.survey.formats.long import OURS, lacking, texts_only
from cvmstats.survey.lists import read_items, read_respondents
from cvmstats.survey.long import read_sets
from cvmstats.survey.matching import Ints, check_kinds, find_versions, infer_versions, place_answers
from cvmstats.survey.naming import match_names
from cvmstats.survey.problems import Problems
from cvmstats.survey.tables import as_text, check_keys, coded, find_columns, missing_columns, read_table, read_text
from cvmstats.survey.wide import PICKS, pick_columns, read_picks


def read_choices(
    source: Any,
    *,
    format: str | None = None,
    design: Design | Any | None = None,
    items: Items | Attributes | Any | None = None,
    respondents: Respondents | Any | None = None,
    columns: Mapping[str, Any] | None = None,
    kind: str | None = None,
    picks: Literal["names", "numbers", "positions", "import_ids"] | None = None,
    best_code: int | str | None = None,
    invalid: Literal["raise", "drop"] = "raise",
    encoding: str | None = None,
) -> Choices:
    """Read answers to tasks of every kind; most formats hold best and worst picks and pairs, the long one all.

    Every format of ``docs/reference/formats.md`` is read; most are known by their columns. The two of our own:

    **Long**: a row for each item that a person saw in a task, with columns respondent, task, item and choice: 1 best,
    -1 worst, 0, nothing or ``NA`` for the others (-128: no answer about this item, it leaves the set). Of a ranking: 1, 2, 3,
    ..., of a tie of a pair 1 and 1. A design (or ``kind``) must say that rankings or grades were asked; what a second question
    about an anchor says stands in the anchor's row: 1 before all others, which then begin with 2, -1 behind all, 0 between.
    ``position``, ``version``, ``strength`` (of graded pairs), ``answer_count`` (how many times the task was answered so) and
    ``seconds`` are optional, the last three the same on each row of a task. Without a design it is inferred: people who saw the
    same sets in the same order share a version, and a task without rows was not asked. With a column ``version`` the sets of a
    version are those of its people, and with a design those of the design: a task without rows is then asked and unanswered.

    **Wide**: a row for each person and a pair of columns for each task, such as ``B1, W1``; needs a design. Picks are
    item names (ids or labels), item numbers (1 to J in the order of the items) or positions in the task (1 to A). Where
    ``picks`` does not say, the one reading that puts every pick into its set is taken, and two of them are an error.

    What a file does not say must be said: ``best_code`` (which code of a Qualtrics export is best), ``picks`` where numbers and
    positions both fit, ``format="displayr"`` where people have no column.

    A task with a best or a worst only is kept as it is. How the file was read stands in ``Choices.source``.

    Parameters
    ----------
    source : path, DataFrame
        CSV, Parquet, SPSS (``.sav``) or ``.cho``; pandas or polars.
    format : str, optional
        ``long``, ``wide``, ``bws_long``, ``support_bws``, ``sawtooth`` (by the place of the columns), ``cho``, ``conjointly``,
        ``displayr``, ``pypi_maxdiff``, ``qualtrics``, ``qualtrics_module``, ``spss``. Found where nothing is said; where two
        would fit, it must be said.
    design : Design, path or DataFrame, optional
        What was shown (:func:`read_design`). With several versions a column ``version`` says which a person saw; long
        answers can also be told apart by their sets.
    items : Items, Attributes, path or DataFrame, optional
        The items (:func:`read_items`), or the attributes of profiles that a file gives by their levels; else those of the
        design, else all in the answers, in alphabetical order.
    respondents : Respondents, path or DataFrame, optional
        Who answered (:func:`read_respondents`), joined by id.
    columns : mapping, optional
        Our names to the file's: respondent, task, position, item, choice, version, strength, count, seconds; for wide answers
        ``best`` and ``worst``, each a list of columns or a pattern such as ``"Q{task}_top"``. None: there is no such column.
    kind : {"best_worst", "best", "worst", "rank", "pair", "graded"}, optional
        What all tasks ask for; by default what the design says, and without one what was answered: best, worst or both.
    picks : {"names", "numbers", "positions", "import_ids"}, optional
        What the picks of wide answers are; in a Qualtrics export, what the numbers of the order shown are.
    best_code : int or str, optional
        Qualtrics' code for best.
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
    _check_options(picks, invalid, columns, kind)
    given = _open(source, encoding)
    form = _format_of(given, format, columns or {})
    if isinstance(items, Design):
        raise ChoicesError("items= got a Design\n  say design=")
    known = items if items is None or isinstance(items, Items | Profiles | Attributes) else read_items(items)
    people = (
        respondents if respondents is None or isinstance(respondents, Respondents) else read_respondents(respondents)
    )
    problems = Problems(drop=invalid == "drop")
    plan = design if isinstance(design, Design) else None
    said = Reading(problems=problems, columns=columns or {}, things=known if plan is None else plan.objects, design=plan,
                   picks=picks, best_code=None if best_code is None else str(best_code))  # fmt: skip
    assert form.tidy is not None
    tidy = form.tidy(given, said)
    if design is not None and plan is None:
        plan = read_design(design, known, kind or _kind_of(tidy))
        tidy = form.tidy(given, replace(said, problems=problems.cleared(), things=plan.objects, design=plan))
    if plan is not None:
        _check_design(plan, None if isinstance(known, Attributes) else known, form, kind)
    name = f"{given.name} ({'spss, ' if given.ending == '.sav' else ''}{form.name}{', ' * bool(tidy.how)}{tidy.how}"
    if tidy.pairs is None:
        things = plan.objects if plan is not None else tidy.things or known
        _check_kind(kind, form)
        choices = _read_long(tidy, None if isinstance(things, Attributes) else things, plan, kind, problems, name, given.name)
    else:
        choices = _read_wide(tidy, plan, problems, name, given.name)
    return choices if people is None else choices.with_respondents(people)


def _check_options(picks: str | None, invalid: str, columns: Mapping[str, Any] | None, kind: str | None) -> None:
    for option, value, allowed in (("picks", picks, (None, *PICKS, "import_ids")), ("invalid", invalid, ("raise", "drop")),
                                   ("kind", kind, (None, *KINDS))):  # fmt: skip
        if value not in allowed:
            raise ChoicesError(
                f"{option}={value!r} is not known\n  expected {' or '.join(repr(a) for a in allowed if a)}"
            )
    check_keys(columns, (*OURS, "best", "worst"), ChoicesError)


def _open(source: Any, encoding: str | None) -> Source:
    ending = Path(source).suffix.lower() if isinstance(source, str | os.PathLike) else ""
    if ending == ".cho":
        text, name = read_text(source, ChoicesError, "answers", encoding=encoding)
        return Source(name=name, table=pd.DataFrame(), text=text, ending=ending)
    table, name = read_table(source, ChoicesError, "answers", encoding=encoding)
    return Source(name=name, table=table, ending=ending)


def _format_of(source: Source, name: str | None, columns: Mapping[str, Any]) -> Format:
    """The format that is named, or the one that fits."""
    if name == "spss":
        if source.ending != ".sav":
            raise ChoicesError(f"{source.name} is no SPSS file\n  expected a path that ends in .sav")
        name = None
    if name is not None:
        return named_format(name, ChoicesError, "tidy")
    form, _ = find_format(source, columns)
    if form is not None:
        return form
    found = find_columns(source.table, OURS, texts_only(columns), ChoicesError, source.name)
    if any(pick_columns(source.table, columns).values()):
        expected = f"{wide.LAYOUT}; where people have no column, format='displayr' numbers them by their rows"
        raise missing_columns(source.table, ["respondent"], ChoicesError, source.name, expected)
    absent = lacking(found)
    both = LONG_LAYOUT if len(absent) < 3 else f"{LONG_LAYOUT}; or {wide.LAYOUT}; or the columns of another format (format=)"
    raise missing_columns(source.table, absent, ChoicesError, source.name, both)


def _kind_of(tidy: Tidy) -> str:
    """What the tasks ask for, by what is answered anywhere: best and worst, or one of them only."""
    if tidy.pairs is not None:
        best, worst = bool(tidy.pairs["best"]), bool(tidy.pairs["worst"])
    else:
        said = {t.strip().removesuffix(".0") for t in coded(tidy.table[tidy.found["choice"]])[1]}
        best, worst = "1" in said, "-1" in said
    return "best_worst" if best == worst else "best" if best else "worst"


def _check_kind(kind: str | None, form: Format) -> None:
    if kind is not None and kind not in form.carries.kinds:
        raise ChoicesError(f"the format {form.name!r} has no answers of the kind {kind!r}\n"
                           f"  expected {' or '.join(form.carries.kinds)}\n  give them as a long table")  # fmt: skip


def _check_design(design: Design, items: Items | Profiles | None, form: Format, kind: str | None) -> None:
    kinds = {str(k) for k in np.unique(np.asarray(design.kind).astype(str))}
    second = bool(np.asarray(design.dual).any()) and not form.carries.second
    other = sorted(kinds - set(form.carries.kinds)) + ["dual"] * second
    if other:
        raise ChoicesError(f"the design has tasks of which the format {form.name!r} has no answers: {examples(other)}\n"
                           f"  expected {' or '.join(form.carries.kinds)}\n  give the answers as a long table")  # fmt: skip
    if kind is not None and kinds != {kind}:
        raise ChoicesError(f"kind={kind!r}, and the design asks for {examples(sorted(kinds))}\n"
                           "  leave kind= away, or give the design that these answers were collected with")  # fmt: skip
    if items is not None and items.ids != design.objects.ids:
        differ = sorted(set(items.ids) ^ set(design.objects.ids)) or list(items.ids)
        raise ChoicesError(f"items= are not those of the design {design.fingerprint[:6]}, or in another order\n"
                           f"  for example {examples(differ)}\n"
                           "  leave items= away, or give the design as a file")  # fmt: skip


def _read_long(
    tidy: Tidy, items: Items | Profiles | None, design: Design | None, kind: str | None, problems: Problems, how: str, name: str
) -> Choices:
    table, found = tidy.table, tidy.found
    sets, items, bad = read_sets(table, found, items, design, problems, kind)
    if sets is None and problems.drop:
        problems.add("no task of the answers shows a set that can be used", expected="at least one",
                     remedy="mend what is said below")  # fmt: skip
    if problems.of_file or sets is None:
        problems.settle()
    assert sets is not None
    if design is None:
        shown, version, names = infer_versions(sets)
        plan = Design(objects=items, shown=shown, kind=kind or _kind_of(tidy), version_ids=names, task_ids=sets.tasks,
                      source=f"inferred from {name}")  # fmt: skip
    else:
        plan = design
        if sets.version is None:
            version = find_versions(sets, design, problems)
        else:
            version = _given(sets.version, sets.versions, design, problems, sets.ids)
    place, order = place_answers(sets, plan, version, bad, problems, given=design is not None)
    _note_kinds(place, plan, version, problems, sets.ids, sets.tasks)
    amounts = _amounts(table, found, place, plan, version, problems, sets.ids)
    if not problems.of_tasks or problems.drop:
        _check_answered(place, problems, "1 for the best and -1 for the worst in the column of choices")
    problems.settle()
    moved = "position" in found and bool((order != plan.shown[version]).any())
    which = "design inferred" if design is None else f"design {plan.fingerprint[:6]}"
    return Choices(design=plan, respondents=Respondents.from_ids(sets.ids), version=version.astype(np.int32),
                   place=place, displayed=order if moved else None, source=f"{how}, {which})", **amounts)  # fmt: skip


def _amounts(table: pd.DataFrame, found: Mapping[str, str], place: npt.NDArray[np.int8], design: Design, version: Ints,
             problems: Problems, ids: Sequence[str]) -> dict[str, Any]:  # fmt: skip
    """Strength, counts and seconds (R, T) where the file has them; tasks of which they are wrong lose their places."""
    graded = bool((np.asarray(design.kind) == "graded").any())
    result, bad = read_amounts(table, {k: v for k, v in found.items() if graded or k != "strength"}, ids, design, problems)
    if graded:
        wrong, expected = ungraded(result.get("strength"), place, design, version)
        wrong &= ~bad
        problems.add_tasks(wrong, "are decided, and by no grade that is known", of=bad.size, ids=ids,
                           tasks=design.task_ids or (), expected=f"{expected} in a column 'strength'")  # fmt: skip
        bad |= wrong
    if bad.any():
        place[bad[:, :, None] & (place != NO_ANSWER)] = 0
    return result


def _read_wide(tidy: Tidy, design: Design | None, problems: Problems, how: str, name: str) -> Choices:
    table, found, pairs = tidy.table, tidy.found, tidy.pairs or {}
    if design is None:
        raise ChoicesError(f"{name} has wide answers, and no design says what was shown\n  expected a design beside "
                           f"them\n"
                           "  give it: read_choices(..., design='design.csv')")  # fmt: skip
    ids = as_text(table[found["respondent"]])
    check_people(ids.tolist(), problems)
    version = np.zeros(len(ids), np.int64)
    if "version" in found:
        names = as_text(table[found["version"]])
        codes, distinct = pd.factorize(names)
        version = _given(codes.astype(np.int64), tuple(str(v) for v in distinct), design, problems, ids.tolist())
    elif design.n_versions > 1:
        problems.add(f"the design has {design.n_versions:,} versions, and {name} does not say which one a person saw",
                     expected="a column 'version' with values such as " + examples(design.version_ids or ()),
                     remedy="add it, or name it: columns={'version': '...'}")  # fmt: skip
    if problems.of_file:
        problems.settle()
    people = [str(v) for v in ids]
    place, read_as = read_picks(table, pairs, design, version, people, tidy.picks, problems)
    _note_kinds(place, design, version, problems, people, design.task_ids or ())
    if not problems.of_tasks or problems.drop:
        _check_answered(place, problems, f"{PICKS[read_as]} in columns such as {examples([*pairs['best'].values()])}")
    problems.settle()
    note = f"{how}, picks read as {PICKS[read_as]}, design {design.fingerprint[:6]})"
    return Choices(design=design, respondents=Respondents.from_ids(people), version=version.astype(np.int32),
                   place=place, source=note)  # fmt: skip


def _given(version: Ints, texts: tuple[str, ...], design: Design, problems: Problems, ids: Sequence[str]) -> Ints:
    """Versions as the file names them, as places among the design's."""
    place = {v: i for i, v in enumerate(design.version_ids or ())}
    names = match_names(texts, tuple(place))
    absent = [i for i, v in enumerate(names) if v not in place]
    if absent:
        who = np.flatnonzero(np.isin(version, absent)).tolist()
        problems.add(f"{len(absent)} of {len(names)} versions of the answers are not in the design "
                     f"{design.fingerprint[:6]}",
                     where=f"version {examples([names[i] for i in absent])} of respondent {examples([ids[r] for r in who])}",
                     expected=f"versions such as {examples(design.version_ids or ())}",
                     remedy="give the design that these answers were collected with: design=")  # fmt: skip
    return np.array([place.get(v, 0) for v in names], np.int64)[version]


def _note_kinds(
    place: npt.NDArray[np.int8], design: Design, version: Ints, problems: Problems, ids: Any, tasks: Any
) -> None:
    total = int((design.shown >= 0).any(axis=2)[version].sum())
    for mask, what, expected in check_kinds(place, design, version):
        problems.add_tasks(mask, what, of=total, ids=ids, tasks=tasks, expected=expected)
        place[mask[:, :, None] & (place != NO_ANSWER)] = 0


def _check_answered(place: npt.NDArray[np.int8], problems: Problems, expected: str) -> None:
    if not ((place == 1) | (place == -1)).any():
        asked = int((place != -128).any(axis=2).sum())
        left_out = sum(1 for _ in problems.of_tasks)
        problems.add(f"none of the {asked:,} tasks has an "
                     f"answer" + (" that can be used" if left_out else ""), expected=expected,
                     remedy="is it the right file, and the right column?")  # fmt: skip
