"""What is suspect in the answers of a survey, and whom it concerns."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.findings import Findings
from cvmstats.errors import ChoicesError, LeftOutWarning, examples
from cvmstats.survey.group import Group, against_chance, agreement, fit_group
from cvmstats.survey.picks import Answers, as_answers
from cvmstats.survey.problems import Part
from cvmstats.survey.read import read_choices
from cvmstats.survey.screens import (
    COINCIDENCE,
    OPPOSITE,
    PASSED,
    Copies,
    Flags,
    circles,
    identical_answers,
    repeated_positions,
    speeders,
    straight_lines,
    too_few,
)
from cvmstats.survey.suspicion import MIRROR, READING, against_known, ends, is_chance, mirror, other_reading, swapped_tasks

CHECKS = ("invalid", "displayed", "aggregated", "unanswered", "duplicate", "pattern", "straight", "random", "reversed",
          "circular", "fast", "few", "chance", "swapped", "reading")  # fmt: skip
"""Names of the checks."""


def check_choices(choices: Choices | Any, *, known: Mapping[str, float] | Sequence[str] | None = None, seed: int = 0,
                  **reading: Any) -> Findings:  # fmt: skip
    """Look through answers for what should be looked at before anything is fitted; nothing is changed.

    Of people, each with the ids whom it concerns: ``duplicate`` and ``pattern`` (answers of somebody else, the first of a
    group is not counted), ``straight`` (the same position again and again), ``random`` (no better than chance by the group's
    utilities and the person's own other tasks), ``reversed`` (against the group), ``circular`` (pairs that are not
    transitive), ``fast``, ``few``, ``unanswered``. Of the file: ``invalid`` (picks that were not shown, a best that is also
    the worst, where a file is given), ``displayed``, ``aggregated`` (where answers or people stand for several, copies,
    straight lines, chance and exchanged codes are not looked for), ``chance`` (all of it), ``swapped`` (best and worst),
    ``reading`` (numbers for positions).
    ``screens.py`` and ``suspicion.py`` give each threshold with its reason. What to leave out is the analyst's to decide:
    ``choices.without(findings, checks)``.

    Parameters
    ----------
    choices : Choices, path or DataFrame
        Answers; a file is read by :func:`read_choices`, its tasks that cannot be used left out and reported.
    known : mapping of item to number, or sequence of items, optional
        What is known of the items from elsewhere (ids or labels; larger is better, a sequence from the best down): the surest
        way to see best and worst swapped in the whole file.
    seed : int
        Of the chance answers that people are compared with.
    reading
        Options of ``read_choices``, for a file: ``design``, ``items``, ``columns``, ...

    Returns
    -------
    Findings
        A row per check that found something; ``findings.respondents(check)`` gives ids. Severity is ``error`` where the file
        should not be used as it is, ``note`` where a person or two want a look.

    Raises
    ------
    ChoicesError
        As ``read_choices`` does, for items in ``known`` that there are not or have no number, for options that there are not,
        and for options of reading beside ``Choices``.

    Examples
    --------
    >>> from cvmstats.data.design import Design
    >>> from cvmstats.data.items import Items
    >>> from cvmstats.survey.simulate import simulate_choices
    >>> from cvmstats.survey.styles import ResponseStyles
    >>> sets = [[(j + s) % 7 for j in (0, 1, 3)] for s in range(7)] * 2
    >>> design = Design(objects=Items.from_labels("ABCDEFG"), shown=np.array([sets]))
    >>> utilities = np.random.default_rng(1).normal(0, 2, (60, 7))
    >>> answers = simulate_choices(utilities, design, seed=1, styles=ResponseStyles(copies=0.05))
    >>> found = check_choices(answers)
    >>> found
    Findings  2 in 60 respondents, simulated, with response styles
      error: 3 of 60 respondents gave the very answers of somebody before them: 3 identical pairs, ... expected by chance (...)
      note: 4 of 60 respondents answer no better than 95% of people who answer by chance (...) (...)
    >>> found.respondents("duplicate")
    ('51', '57', '60')
    >>> answers.without(found, "duplicate").n_respondents
    57
    """
    rows = _Rows()
    if not isinstance(choices, Choices):
        choices = _read(choices, reading, rows)
    elif reading:
        raise ChoicesError(f"options of reading beside Choices: {examples(sorted(reading))}\n"
                           "  give them with a file, or leave them away")  # fmt: skip
    expected = _known(choices, known)
    _displayed(choices, rows)
    _people(choices, rows, "unanswered", "error", np.flatnonzero(~choices.answered.any(axis=1)), "answered nothing at all",
            "leave them out: they say nothing and count as people")  # fmt: skip
    aggregated = _aggregated(choices, rows)
    answers, group = as_answers(choices), None if aggregated else fit_group(choices)
    if not aggregated:
        _alike(choices, answers, group, rows, seed)
    if group is not None:
        _against_chance(choices, answers, group, rows, seed)
    _flags(choices, rows, "circular", "note", circles(choices), "are no more transitive in their pairs than chance",
           "look at them beside 'random'")  # fmt: skip
    _flags(choices, rows, "fast", "note", speeders(choices), "took less than a third of the usual time",
           "look at them beside 'random' and 'straight'")  # fmt: skip
    few = too_few(choices)
    some = choices.answered[few.rows].any(axis=1)
    _flags(choices, rows, "few", "note", Flags(few.rows[some], [w for w, s in zip(few.why, some, strict=True) if s]),
           "completed less than half of their tasks",
           "leave them out, or let a hierarchical fit borrow from the others")  # fmt: skip
    if group is not None:
        _file(choices, answers, group, expected, rows)
    return rows.findings(choices)


class _Rows:
    """Rows of findings as they come."""

    def __init__(self) -> None:
        self.table: list[dict[str, Any]] = []
        self.people: list[dict[str, str]] = []

    def add(self, check: str, severity: str, what: str, count: int, where: str, remedy: str) -> None:
        self.table.append({"check": check, "severity": severity, "what": what, "count": count, "examples": where,
                           "remedy": remedy})  # fmt: skip

    def name(self, check: str, ids: Sequence[str], details: Sequence[str]) -> None:
        self.people += [{"check": check, "respondent": i, "detail": d} for i, d in zip(ids, details, strict=True)]

    def findings(self, choices: Choices) -> Findings:
        columns = ["check", "severity", "what", "count", "examples", "remedy"]
        rank = {name: i for i, name in enumerate(CHECKS)}
        table = sorted(self.table, key=lambda row: (row["severity"] != "error", rank[row["check"]]))
        source = f"{choices.n_respondents:,} respondents" + (f", {choices.source}" if choices.source else "")
        return Findings(table=pd.DataFrame(table, columns=columns), source=source,
                        people=pd.DataFrame(self.people, columns=["check", "respondent", "detail"]))  # fmt: skip


def _read(source: Any, reading: Mapping[str, Any], rows: _Rows) -> Choices:
    options = [name for name in inspect.signature(read_choices).parameters if name != "source"]
    unknown = sorted(set(reading) - set(options))
    if unknown:
        raise ChoicesError(f"options that there are not: {examples(unknown)}\n  expected some of known, seed, "
                           f"{', '.join(options)}")  # fmt: skip
    given = {k: v for k, v in reading.items() if k != "invalid"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        choices = read_choices(source, invalid="drop", **given)
    for warning in caught:
        if not isinstance(warning.message, LeftOutWarning):
            warnings.warn(warning.message, stacklevel=3)
            continue
        for part in warning.message.parts:
            assert isinstance(part, Part)
            rows.add("invalid", "error", part.what, part.n_tasks, part.where,
                     "mend the file; such tasks count as unanswered here")  # fmt: skip
            people = list(dict.fromkeys(part.respondents))
            rows.name("invalid", people, [f"{part.respondents.count(p)} tasks" for p in people])
    return choices


def _known(choices: Choices, known: Mapping[str, float] | Sequence[str] | None) -> np.ndarray | None:
    if known is None:
        return None
    values = dict(known) if isinstance(known, Mapping) else {name: -i for i, name in enumerate(known)}
    objects = choices.design.objects
    place = {**{v: i for i, v in enumerate(objects.labels)}, **{v: i for i, v in enumerate(objects.ids)}}
    absent = [name for name in values if name not in place]
    if absent:
        raise ChoicesError(f"{len(absent)} of {len(values)} items in known= are not in the design\n  for example "
                           f"{examples(absent)}\n  expected ids or labels such as {examples(objects.ids)}")  # fmt: skip
    strange = [f"{name}: {value}" for name, value in values.items() if not isinstance(value, int | float | np.number)]
    if strange:
        raise ChoicesError(f"{len(strange)} of {len(values)} values in known= are no numbers\n"
                           f"  for example {examples(strange)}\n  expected a number for each item, or "
                           "the items from the best down")  # fmt: skip
    out = np.full(len(objects), np.nan)
    for name, value in values.items():
        out[place[name]] = value
    return out


def _displayed(choices: Choices, rows: _Rows) -> None:
    if choices.displayed is None:
        return
    shown = choices.design.shown[choices.version]
    bad = (np.sort(shown, axis=2) != np.sort(np.asarray(choices.displayed), axis=2)).any(axis=2)
    who = np.flatnonzero(bad.any(axis=1))
    if len(who):
        task = choices.design.task_ids or ()
        where = [f"{choices.respondents.ids[r]} task {task[t]}" for r, t in np.argwhere(bad)]
        rows.add("displayed", "error", f"{bad.sum():,} tasks were seen with other {choices.design.noun} than the design shows",
                 int(bad.sum()), f"respondent {examples(where)}", "is it the design of these answers?")  # fmt: skip
        rows.name("displayed", [choices.respondents.ids[r] for r in who], [f"{bad[r].sum()} tasks" for r in who])


def _people(choices: Choices, rows: _Rows, check: str, severity: str, who: Any, what: str, remedy: str,
            details: Sequence[str] | None = None) -> None:  # fmt: skip
    if not len(who):
        return
    ids = [choices.respondents.ids[r] for r in who]
    rows.add(check, severity, f"{len(who):,} of {choices.n_respondents:,} respondents {what}", len(who),
             f"respondent {examples(ids)}", remedy)  # fmt: skip
    rows.name(check, ids, details or [""] * len(ids))


def _flags(choices: Choices, rows: _Rows, check: str, severity: str, flags: Flags, what: str, remedy: str) -> None:
    _people(choices, rows, check, severity, flags.rows, what, remedy, flags.why)


def _copies(choices: Choices, copies: Copies, rows: _Rows) -> None:
    if not copies.pairs:
        return
    ids = choices.respondents.ids
    later = [(r, ids[g[0]]) for g in copies.groups for r in g[1:]]
    later.sort(key=lambda pair: int(pair[0]))
    sure = copies.expected <= COINCIDENCE * copies.pairs
    what = (f"gave the very answers of somebody before them: {copies.pairs:,} identical pairs, {copies.expected:.2g} expected "
            "by chance")  # fmt: skip
    if not sure:
        rows.add("duplicate", "note", f"{len(later):,} of {choices.n_respondents:,} respondents {what}", len(later),
                 f"respondent {examples([ids[r] for r, _ in later])}", "nothing: so few tasks let people coincide")  # fmt: skip
        return
    _people(choices, rows, "duplicate", "error", np.array([r for r, _ in later]), what,
            "was a file read twice, an interview copied? leave the later ones out",
            [f"as {first}" for _, first in later])  # fmt: skip


def _against_chance(choices: Choices, answers: Answers, group: Group, rows: _Rows, seed: int) -> None:
    said = choices.answered.any(axis=1)
    better, along = against_chance(group, answers, seed=seed), agreement(group, answers, group.without)
    random, reversed_ = said & (better > PASSED), said & (along < OPPOSITE)
    # chance answers have p-values spread evenly over 0 to 1 (Storey 2002, doi 10.1111/1467-9868.00346)
    likely = min(random.sum(), (1 - PASSED) * 2 * (said & (better > 0.5)).sum())
    _people(choices, rows, "random", "note", np.flatnonzero(random & ~reversed_),
            f"answer no better than {1 - PASSED:.0%} of people who answer by chance (about {likely:.0f} do, the rest are hard "
            "to tell)", "leave them out where fast or straight too; else compare a fit with and without them",
            [f"p = {better[r]:.3f}" for r in np.flatnonzero(random & ~reversed_)])  # fmt: skip
    _people(choices, rows, "reversed", "note", np.flatnonzero(reversed_), "answer the opposite of what the group does",
            "were best and worst swapped in their part of the file? some people do differ",
            [f"{-along[r]:.1f} standard errors against it" for r in np.flatnonzero(reversed_)])  # fmt: skip


def _aggregated(choices: Choices, rows: _Rows) -> bool:
    """Whether an answer or a person may stand for many."""
    answered, people = choices.answered, choices.respondents
    given = np.ones(answered.shape) if choices.count is None else choices.count.astype(float)
    if people.weight_kind == "frequency":
        given = given * people.weight[:, None]
    if (given[answered] == 1).all():
        return False
    n = int(answered.sum())
    rows.add("aggregated", "note", f"{n:,} answers stand for {given[answered].sum():,.0f}: copies, straight lines, chance and "
             "exchanged codes cannot be seen in counts", n, "", "check the answers before they are counted")  # fmt: skip
    return True


def _alike(choices: Choices, answers: Answers, group: Group | None, rows: _Rows, seed: int) -> None:
    """Copies, and straight lines."""
    straight = Flags(np.array([], np.int64), [])
    if group is not None:
        straight = straight_lines(choices, answers, group)
    _copies(choices, identical_answers(choices, answers, group, straight.rows, seed=seed), rows)
    _flags(choices, rows, "pattern", "error", repeated_positions(choices, straight.rows),
           "gave the sequence of positions of somebody who saw other sets",
           "ask who entered these interviews; leave them out where they were made up")  # fmt: skip
    _flags(choices, rows, "straight", "note", straight, "took the same position too often to be a preference",
           "leave them out: their picks tell where they clicked")  # fmt: skip


def _file(choices: Choices, answers: Answers, group: Group, known: np.ndarray | None, rows: _Rows) -> None:
    picks = int((answers.place == 1).sum() + (answers.place == -1).sum())
    if is_chance(answers, group):
        rows.add("chance", "error", f"all {picks:,} picks together do not differ from chance: people neither agree with one "
                 "another nor say the same again", picks, "",
                 "were positions taken for item numbers, or is it another design or version?")  # fmt: skip
    name, z = other_reading(choices, answers.place)
    if z < READING:
        rows.add("reading", "error", f"it looks as if {name}: that fits better by {-z:.1f} standard errors", picks, "",
                 "say how picks are to be read: read_choices(..., picks=)")  # fmt: skip
        return  # what else looks strange comes from that
    tasks = swapped_tasks(choices, answers, group)
    if tasks:
        rows.add("swapped", "error", f"best and worst look swapped in {len(tasks)} of {choices.design.n_tasks} tasks: people "
                 "pick against what the other tasks say", len(tasks), f"task {examples([s.what for s in tasks])}",
                 "are the columns of best and worst of these tasks exchanged?")  # fmt: skip
    elif known is not None and (z := against_known(choices, group, known)) < MIRROR:
        rows.add("swapped", "error", f"best and worst look swapped: utilities fall where known= rises, by {-z:.1f} standard "
                 "errors", picks, "", "is the code of best and worst exchanged?")  # fmt: skip
    elif (z := mirror(choices, answers.place)) < MIRROR:
        most, least = ends(group, choices)
        rows.add("swapped", "note", f"best and worst may be swapped: answers fit better with them exchanged, by {-z:.1f} "
                 "standard errors; or people chose the worst first", picks,
                 f"as it is read, most preferred {examples(most)}, least {examples(least)}",
                 "look at these names: where they are the wrong way round, exchange the columns of best and worst, or say "
                 "which code is best (best_code=); known= makes sure")  # fmt: skip
