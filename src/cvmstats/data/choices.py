"""Choices: what was answered, in one representation for every question type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.data.findings import Findings
from cvmstats.data.places import NO_ANSWER, how_many, misplaced, without_second
from cvmstats.data.respondents import Respondents
from cvmstats.data.store import read_only, whole_numbers
from cvmstats.errors import ChoicesError, examples


@dataclass(frozen=True, eq=False, kw_only=True)
class Choices:
    """The answers of R respondents to the tasks of a design.

    Parameters
    ----------
    design : Design
        What was shown.
    respondents : Respondents
        Who answered (R).
    version : array (R), int
        The version of the design that each one saw.
    place : array (R, T, A), int8
        1, 2, ... from the top; -1, -2, ... from the bottom; 0 in the set and not placed; -128 no answer about this
        object. Best-worst: best 1, worst -1. A task with nothing placed is unanswered.
    strength, count, seconds : array (R, T), optional
        Graded answers, aggregated data, time taken (seconds).
    displayed : array (R, T, A), optional
        Object indices in the order in which they were seen, where it differed from ``shown``.
    source : str
        Where the answers came from.
    left_out : tuple of (str, str)
        Who was left out of them, by id, and why (:meth:`without`).

    Raises
    ------
    ChoicesError
        Shapes that do not fit, versions or places that are no whole numbers, places where nothing was shown, two bests in a
        best-worst task, pairs without a winner, an anchor that is neither before nor after the one object beside it.
    """

    design: Design
    respondents: Respondents
    version: npt.NDArray[np.int32]
    place: npt.NDArray[np.int8]
    strength: npt.NDArray[np.float64] | None = None
    count: npt.NDArray[np.float64] | None = None
    displayed: npt.NDArray[np.int32] | None = None
    seconds: npt.NDArray[np.float64] | None = None
    source: str = ""
    left_out: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        n_tasks, n_shown = self.design.shown.shape[1:]
        n = len(self.respondents)
        put = object.__setattr__
        put(self, "version", whole_numbers("version", self.version, np.int32, ChoicesError))
        put(self, "place", whole_numbers("place", self.place, np.int8, ChoicesError))
        expected: dict[str, tuple[int, ...]] = {
            "version": (n,), "place": (n, n_tasks, n_shown), "strength": (n, n_tasks), "count": (n, n_tasks),
            "displayed": (n, n_tasks, n_shown), "seconds": (n, n_tasks),
        }  # fmt: skip
        for name, shape in expected.items():
            if getattr(self, name) is None:
                continue
            value = np.asarray(getattr(self, name))
            if value.shape != shape:
                raise ChoicesError(f"{name} has shape {value.shape}\n  expected {shape} (respondents, tasks, positions)")
            put(self, name, read_only(value))
        if self.version.min() < 0 or self.version.max() >= self.design.n_versions:
            raise ChoicesError(f"versions run from {self.version.min()} to {self.version.max()}\n"
                               f"  the design has 0 to {self.design.n_versions - 1}")  # fmt: skip
        put(self, "left_out", tuple((str(who), str(why)) for who, why in self.left_out))
        self._check_places()

    def _check_places(self) -> None:
        beyond = how_many((self.design.shown < 0)[self.version] & (self.place != NO_ANSWER)) > 0
        wrong = [(beyond, "place something where nothing was shown"),
                 *((mask, what) for mask, what, _ in misplaced(self.design, self.version, self.place))]  # fmt: skip
        for mask, what in wrong:
            rows = np.argwhere(mask)
            if len(rows):
                where = [f"{self.respondents.ids[r]} task {self.design.task_ids[t]}" for r, t in rows]  # type: ignore[index]
                raise ChoicesError(f"{len(rows):,} answers {what}\n  for example respondent {examples(where)}")

    @property
    def n_respondents(self) -> int:
        """R."""
        return len(self.respondents)

    @property
    def asked(self) -> npt.NDArray[np.bool_]:
        """Which tasks were asked (R, T)."""
        result: npt.NDArray[np.bool_] = (self.design.shown[self.version] >= 0).any(axis=2)
        return result

    @property
    def answered(self) -> npt.NDArray[np.bool_]:
        """Which tasks have something placed (R, T)."""
        result: npt.NDArray[np.bool_] = ((self.place != 0) & (self.place != NO_ANSWER)).any(axis=2)
        return result

    @property
    def own_place(self) -> npt.NDArray[np.int8]:
        """Places in each set without what a second question placed (R, T, A): there the anchor has left (-128)."""
        return without_second(self.design, self.version, self.place)

    @property
    def complete(self) -> npt.NDArray[np.bool_]:
        """Which tasks have all that their kind asks for (R, T)."""
        kinds, place = np.asarray(self.design.kind)[self.version], self.own_place
        best, worst = (place == 1).any(axis=2), (place == -1).any(axis=2)
        result: npt.NDArray[np.bool_] = np.where(kinds == "best_worst", best & worst, self.answered)
        return result

    def take(self, rows: npt.ArrayLike) -> Choices:
        """The answers of these respondents, in this order."""
        index = np.asarray(rows)
        parts = {n: getattr(self, n)[index] for n in ("strength", "count", "displayed", "seconds")
                 if getattr(self, n) is not None}  # fmt: skip
        return replace(self, respondents=self.respondents.take(index), version=self.version[index],
                       place=self.place[index], **parts)  # fmt: skip

    def without(self, findings: Findings, checks: str | Iterable[str] | None = None) -> Choices:
        """The answers without the people whom findings concern; ``left_out`` remembers who went, and why.

        Parameters
        ----------
        findings : Findings
            What ``check_choices`` found in these answers.
        checks : str or sequence of str, optional
            Names of the checks to act on, such as ``"duplicate"``; by default all that name people.

        Raises
        ------
        ChoicesError
            Where findings name people who are not here and were not left out before, or nobody would be left.
        InputError
            For the name of a check that found nothing.
        """
        going = findings.respondents(checks)
        table = findings.people_frame()
        if checks is not None:
            table = table[table["check"].isin([checks] if isinstance(checks, str) else list(checks))]
        why = {who: ", ".join(dict.fromkeys(part)) for who, part in table.groupby("respondent", sort=False)["check"]}
        gone = {who for who, _ in self.left_out}
        here = set(self.respondents.ids)
        strange = [who for who in going if who not in here and who not in gone]
        if strange:
            raise ChoicesError(f"{len(strange):,} of {len(going):,} people in the findings are not among those who answered\n"
                               f"  for example {examples(strange)}\n  expected the findings of these answers")  # fmt: skip
        stay = [i for i, who in enumerate(self.respondents.ids) if who not in why]
        if not stay:
            raise ChoicesError(f"findings concern all {self.n_respondents:,} respondents: nobody would be left\n"
                               f"  name the checks to act on: checks= some of {', '.join(findings.checks)}")  # fmt: skip
        now = tuple((who, why[who]) for who in self.respondents.ids if who in why)
        return replace(self.take(stay), left_out=self.left_out + now)

    def with_respondents(self, respondents: Respondents) -> Choices:
        """The same answers with what is known of the people, matched by id.

        Raises
        ------
        ChoicesError
            Where somebody who answered is not in the table, or ``respondents`` are none.
        """
        if not isinstance(respondents, Respondents):
            raise ChoicesError(f"with_respondents got a {type(respondents).__name__}\n"
                               "  expected Respondents, such as Respondents(table=...); join_respondents takes tables and "
                               "files")  # fmt: skip
        row = {v: i for i, v in enumerate(respondents.ids)}
        missing = [v for v in self.respondents.ids if v not in row]
        if missing:
            raise ChoicesError(f"{len(missing):,} of {self.n_respondents:,} people who answered are not in the table of "
                               f"respondents\n  for example {examples(missing)}\n  add a row for each of them")  # fmt: skip
        return replace(self, respondents=respondents.take([row[v] for v in self.respondents.ids]))

    def to_frame(self) -> pd.DataFrame:
        """Long: respondent, task, position, item, choice; one row per object that was in a set."""
        shown = self.design.shown[self.version]
        r, t, a = np.nonzero((shown >= 0) & (self.place != NO_ANSWER))
        ids = np.array(self.design.objects.ids, dtype=object)
        return pd.DataFrame({
            "respondent": np.array(self.respondents.ids, dtype=object)[r],
            "task": np.array(self.design.task_ids, dtype=object)[t], "position": a + 1,
            "item": ids[shown[r, t, a]], "choice": self.place[r, t, a].astype(np.int64),
        })  # fmt: skip

    def __repr__(self) -> str:
        design = self.design
        size = (design.shown >= 0).sum(axis=2)
        asked = size[size > 0]
        items = f"{asked.min()}" if asked.min() == asked.max() else f"{asked.min()}-{asked.max()}"
        kinds = sorted({str(k) for k in np.asarray(design.kind)[size > 0]})
        names = {"best_worst": "best and worst"}
        incomplete = int((self.asked & ~self.complete).sum())
        versions = f"{design.n_versions:,} version{'s' * (design.n_versions != 1)}"
        return (f"Choices  {self.n_respondents:,} respondents x {design.n_tasks} tasks x {items} {design.noun}, "
                f"{', '.join(names.get(k, k) for k in kinds)}\n"
                f"  {len(design.objects)} {design.noun} · design {design.fingerprint[:6]}, {versions} · "
                f"{incomplete:,} tasks incomplete"
                f"{f' · {len(self.left_out):,} people left out' if self.left_out else ''}")  # fmt: skip

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"
