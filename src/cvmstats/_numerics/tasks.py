"""Answers as flat arrays, the one form in which kernels read them.

Most question types are products of logits over what is left of a set, and come to the kernels as such: a pair is a choice
of the best of two; a ranking is a best choice from the whole set, one from what is left, and so on (exploded logit); best
and worst in the ``marginal`` form are two answers to two questions. The ``sequential`` and the joint ``maxdiff`` form keep
best and worst together, because a missing one of them is summed out. Where an answer is about something else than objects
as they are (a tie, a grade, what stands first, a second question), sets consist of ``alternatives.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.alternatives import Alternatives, Coder

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
NO_ANSWER = -128
FORMS = ("sequential", "maxdiff", "marginal", "rank_unordered_middle")
"""Likelihoods of best-worst tasks."""
KINDS = ("best_worst", "best", "worst", "pair", "rank", "graded")
"""Kinds of task that these likelihoods know."""
LOGITS, JOINT, LAST, NEITHER = range(4)
"""How an answer is read: best and worst as logits one after the other; as one choice among ordered pairs; the worst as what
is left when the others went one by one; or that an object is not the first, nor (where it is named as worst too) the last."""
LARGEST_LAST = 12
"""Objects of a set at most, where all orders of its middle are summed over."""


class Tasks(NamedTuple):
    """Answered choice tasks of R respondents, one after the other.

    Attributes
    ----------
    person : array (R + 1)
        Tasks ``person[i]`` to ``person[i + 1]`` are respondent i's.
    start : array (n + 1)
        Objects ``start[t]`` to ``start[t + 1]`` of ``objects`` are the set of task t.
    objects : array (m), int
        Indices of objects, or of alternatives where there are some; each set after the other.
    best, worst : array (n), int
        Place of the pick within its set, -1 where missing.
    worst_only : array (n), bool
        True where nothing but the worst was asked; else a missing best is summed out.
    n_objects : int
        J, or the number of alternatives.
    rule : array (n), int8, or None where all are ``LOGITS``
        How each answer is read.
    alternatives : Alternatives, optional
        What ``objects`` counts, where it is not the design's objects.
    """

    person: Ints
    start: Ints
    objects: Ints
    best: Ints
    worst: Ints
    worst_only: Bools
    n_objects: int
    rule: npt.NDArray[np.int8] | None = None
    alternatives: Alternatives | None = None

    @property
    def n_people(self) -> int:
        """R."""
        return len(self.person) - 1

    @property
    def owner(self) -> Ints:
        """Whose each task is (n)."""
        return np.repeat(np.arange(self.n_people), np.diff(self.person))


def nth(groups: npt.NDArray[np.int64]) -> Ints:
    """How many entries of the same group precede each; groups are contiguous."""
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    return np.asarray(np.arange(len(groups)) - np.repeat(first, np.diff(first, append=len(groups))))


def select(tasks: Tasks, which: Ints) -> Tasks:
    """Tasks by index, in their order and perhaps several times; people stay, whether they have some or none."""
    size = np.diff(tasks.start)[which]
    of = np.repeat(np.arange(len(which)), size)
    owner = tasks.owner[which]
    return tasks._replace(
        person=np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=tasks.n_people))]).astype(np.int64),
        start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64), objects=tasks.objects[tasks.start[which][of] + nth(of)],
        best=tasks.best[which], worst=tasks.worst[which], worst_only=tasks.worst_only[which],
        rule=None if tasks.rule is None else tasks.rule[which],
    )  # fmt: skip


class Reading(NamedTuple):
    """What flattening is to make of the answers beside their form.

    Attributes
    ----------
    ties : bool
        Whether pairs may be tied (Davidson).
    position : bool
        Whether what stands first in a pair has an advantage.
    grades : sequence of float
        Points of graded answers, with 0 where they may be ties.
    scale : sequence of int (T)
        Error scale of each task, 0 for that of the reference.
    dual_scale : int
        That of second questions.
    names : sequence of str
        Names of the error scales 1, 2, ...
    """

    ties: bool = False
    position: bool = False
    grades: Sequence[float] = ()
    scale: Sequence[int] = ()
    dual_scale: int = 0
    names: Sequence[str] = ()


class Given(NamedTuple):
    """Further answers, and what they are about.

    Attributes
    ----------
    dual : array (V, T), bool
        Where the anchor is placed by a second question.
    anchor : array (J), bool
        Which object that is.
    strength, times : arrays (R, T)
        Grades of graded answers; how many times each answer was given.
    first : array (R, T), int
        The object that was seen first.
    """

    dual: npt.ArrayLike | None = None
    anchor: npt.ArrayLike | None = None
    strength: npt.ArrayLike | None = None
    times: npt.ArrayLike | None = None
    first: npt.ArrayLike | None = None


class _Picks(NamedTuple):
    """Choices from sets: the answered task each belongs to (n), the codes of what is left of its set (n, A; -1 none), the picks
    (n; -1 none), and how they are read."""

    row: Ints
    left: Ints
    best: Ints
    worst: Ints
    worst_only: Bools
    rule: npt.NDArray[np.int8]


def flatten(shown: npt.ArrayLike, version: npt.ArrayLike, place: npt.ArrayLike, kind: npt.ArrayLike, n_objects: int,
            asked: npt.ArrayLike | None = None, form: str = "sequential", *, reading: Reading | None = None,
            given: Given | None = None) -> Tasks:  # fmt: skip
    """Flatten answers: tasks with nothing placed and sets of one leave, and so do objects without an answer.

    Parameters
    ----------
    shown : array (V, T, A)
    version : array (R)
    place : array (R, T, A)
    kind : array (V, T) of str
    n_objects : int
        J.
    asked : array (T) of bool, optional
        Tasks to use; by default all.
    form : str
        Likelihood of best-worst tasks; sets of two are one pair logit in each.
    reading, given : optional
        What to make of ties, places in a pair, grades, blocks with an error scale of their own, and second questions.

    Raises
    ------
    ValueError
        For an unknown form, a kind of task that these likelihoods do not know, ties where none are allowed, grades or
        counts that make no sense.
    """
    if form not in FORMS:
        raise ValueError(f"unknown form {form!r} of best-worst tasks")
    how, more = reading or Reading(), given or Given()
    who = np.asarray(version)
    seen = np.asarray(shown)[who]
    places = np.asarray(place)
    known = np.asarray(kind)[who]
    valid = (seen >= 0) & (places != NO_ANSWER)
    use = (valid & (places != 0)).any(axis=2) & (valid.sum(axis=2) >= 2)
    if asked is not None:
        use &= np.asarray(asked)[None, :]
    count = None if more.times is None else np.asarray(more.times, float)
    if count is not None:
        wrong = use & ~((count >= 0) & (count == np.round(count)))
        if wrong.any():
            raise ValueError(f"{wrong.sum():,} counts of answers are not whole numbers")
        use &= count > 0
    strange = sorted({str(k) for k in np.unique(known[use].astype(str))} - set(KINDS))
    if strange:
        raise ValueError(f"no likelihood for tasks of kind {', '.join(strange)}")
    r, t = np.nonzero(use)
    kinds, mask, placed, objects = known[r, t].astype(str), valid[r, t], places[r, t].astype(np.int64), seen[r, t]
    graded = (kinds == "graded") | ((kinds == "pair") & (how.ties or how.position))
    coder = Coder(int(n_objects), tuple(sorted(float(g) for g in how.grades if g > 0)) or (1.0,), how.ties or 0 in how.grades,
                  how.position, tuple(how.names))  # fmt: skip
    scale = np.zeros(len(r), np.int64) if not len(how.scale) else np.asarray(how.scale, np.int64)[t]
    parts = []
    if more.dual is not None and np.asarray(more.dual)[who][r, t].any():
        dual = np.asarray(more.dual)[who][r, t]
        anchor = np.asarray(more.anchor, bool)[np.maximum(objects, 0)] & mask & dual[:, None]
        parts.append(_scaled(_second(mask, placed, objects, anchor), np.full(len(r), how.dual_scale), coder))
        top, bottom = (anchor & (placed == 1)).any(axis=1), (anchor & (placed == -1)).any(axis=1)
        placed = placed - (top[:, None] & (placed > 0)) + (bottom[:, None] & (placed < 0))
        mask = mask & ~anchor
    rows = np.flatnonzero(~graded & (mask.sum(axis=1) >= 2) & (mask & (placed != 0)).any(axis=1))
    for part in _picks(kinds[rows], mask[rows], placed[rows], objects[rows], form):
        parts.append(_scaled(part._replace(row=rows[part.row]), scale, coder))
    if graded.any():
        rows = np.flatnonzero(graded)
        first = objects[np.arange(len(r)), mask.argmax(axis=1)] if more.first is None else np.asarray(more.first)[r, t]
        strength = None if more.strength is None else np.asarray(more.strength, float)[r, t][rows]
        part = _graded(kinds[rows], mask[rows], placed[rows], objects[rows], first[rows], strength, how, coder)
        parts.append(_scaled(part._replace(row=rows[part.row]), scale, coder))
    special = bool(graded.any() or scale.any() or (how.dual_scale and len(parts[0].row) and more.dual is not None))
    return _assemble(parts, r, len(use), coder, special, None if count is None else count[r, t].astype(np.int64))


def _scaled(part: _Picks, scale: Ints, coder: Coder) -> _Picks:
    """With the error scale of each answered task."""
    own = scale[part.row][:, None]
    return part._replace(left=np.where(part.left >= 0, part.left + own * coder.size, -1)) if own.any() else part


def _assemble(parts: list[_Picks], r: Ints, n_people: int, coder: Coder, special: bool, count: Ints | None) -> Tasks:
    """One flat list of all choices, person by person and task by task."""
    width = max(p.left.shape[1] for p in parts)
    parts = [p._replace(left=np.pad(p.left, ((0, 0), (0, width - p.left.shape[1])), constant_values=-1)) for p in parts]
    picks = _Picks(*(np.concatenate(x) for x in zip(*parts, strict=True)))
    order = np.argsort(picks.row, kind="stable")
    if count is not None:
        order = np.repeat(order, count[picks.row[order]])
    row, left = picks.row[order], picks.left[order] >= 0
    inside = np.cumsum(left, axis=1) - 1
    size = left.sum(axis=1)
    members, alternatives = picks.left[order][left], None
    if special:
        members, alternatives = coder.decode(members)

    def within(pick: Ints) -> Ints:
        return np.where(pick >= 0, np.take_along_axis(inside, np.maximum(pick, 0)[:, None], axis=1)[:, 0], -1)

    rule = picks.rule[order]
    return Tasks(
        person=np.concatenate([[0], np.cumsum(np.bincount(r[row], minlength=n_people))]).astype(np.int64),
        start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64), objects=members.astype(np.int64),
        best=within(picks.best[order]).astype(np.int64), worst=within(picks.worst[order]).astype(np.int64),
        worst_only=picks.worst_only[order],
        n_objects=coder.n_objects if alternatives is None else len(alternatives.scale),
        rule=rule if rule.any() else None, alternatives=alternatives,
    )  # fmt: skip


def _make(row: Ints, left: Ints, best: Ints | int, worst: Ints | int, *, worst_only: Bools | bool = False,
          rule: npt.ArrayLike = LOGITS) -> _Picks:  # fmt: skip
    n = len(row)
    return _Picks(row, left.astype(np.int64), np.broadcast_to(best, n), np.broadcast_to(worst, n),
                  np.broadcast_to(worst_only, n), np.broadcast_to(np.asarray(rule, np.int8), n))  # fmt: skip


def _picks(kind: npt.NDArray[np.str_], valid: Bools, places: Ints, objects: Ints, form: str) -> list[_Picks]:
    """The choices that answered tasks consist of, from their kinds (n), sets and places (n, A)."""
    rank, pair = kind == "rank", kind == "pair"
    plain = np.flatnonzero(~rank)
    asks, mask, placed = kind[plain], valid[plain], places[plain]
    tied = (pair & ((valid & (places == 1)).sum(axis=1) > 1)).sum()
    if tied:
        raise ValueError(f"no likelihood for ties, and {tied:,} pairs are tied: form={{'pair': 'davidson'}} has one")

    def pick(value: int) -> Ints:
        hit = mask & (placed == value)
        return np.where(hit.any(axis=1), hit.argmax(axis=1), -1)

    best = np.where(asks == "worst", -1, pick(1))
    worst = np.where(asks == "best", -1, pick(-1))
    left = np.where(mask, objects[plain], -1)
    size = mask.sum(axis=1)
    larger = (asks == "best_worst") & (size > 2)
    rule = np.where(larger & (form == "maxdiff"), JOINT, LOGITS).astype(np.int8)
    parts, worst_only = [], asks == "worst"
    if form in ("marginal", "rank_unordered_middle"):
        apart = larger & (worst >= 0)
        rest = left[apart]
        if form == "rank_unordered_middle":
            known, place = np.flatnonzero(best[apart] >= 0), best[apart]
            rest[known, place[known]] = -1
            if size[apart].max(initial=0) > LARGEST_LAST:
                many = (size[apart] > LARGEST_LAST).sum()
                raise ValueError(f"rank_unordered_middle sums over all orders of the middle, and {many:,} sets have more than "
                                 f"{LARGEST_LAST} objects")  # fmt: skip
            parts.append(_make(plain[apart], rest, -1, worst[apart], worst_only=True, rule=LAST))
        else:
            parts.append(_make(plain[apart], rest, -1, worst[apart], worst_only=True))
        worst = np.where(apart, -1, worst)
        keep = ~apart | (best >= 0)
        plain, left, best, worst, worst_only, rule = (x[keep] for x in (plain, left, best, worst, worst_only, rule))
    parts.insert(0, _make(plain, left, best, worst, worst_only=worst_only, rule=rule))
    return parts + _ranked(np.flatnonzero(rank), valid, places, objects)


def _ranked(rows: Ints, valid: Bools, places: Ints, objects: Ints) -> list[_Picks]:
    """Rankings as choices from what is left, until one object or none that was placed is left."""
    mask, placed = valid[rows].copy(), np.where(valid[rows], places[rows], 0)
    wrong = (placed < 0).any(axis=1).sum()
    ordered = np.sort(placed, axis=1)
    tied = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] > 0)).any(axis=1).sum()
    if wrong or tied:
        raise ValueError(f"no likelihood for {wrong + tied:,} rankings with ties or places counted from the bottom")
    parts = []
    for step in range(1, int(placed.max(initial=0)) + 1):
        here = (placed == step).any(axis=1) & (mask.sum(axis=1) > 1)
        best = (placed == step).argmax(axis=1)
        parts.append(_make(rows[here], np.where(mask, objects[rows], -1)[here], best[here], -1))
        mask &= placed != step
    return parts


def _second(valid: Bools, places: Ints, objects: Ints, anchor: Bools) -> _Picks:
    """Second questions: the anchor before all of the set, after all of it, or neither.

    After all of it only where best and worst were asked; where people choose the best alone, they take it or leave it.
    """
    rows = np.flatnonzero(anchor.any(axis=1))
    at = anchor[rows].argmax(axis=1)
    where = places[rows, at]
    both = (valid[rows] & ~anchor[rows] & (places[rows] < 0)).any(axis=1)
    middle = where == 0
    nowhere = (middle & both & ((valid[rows] & ~anchor[rows]).sum(axis=1) < 2)).sum()
    if nowhere:
        raise ValueError(f"{nowhere:,} second questions place the anchor amid one object: it is before it or after it")
    return _make(rows, np.where(valid[rows], objects[rows], -1), np.where((where == 1) | middle, at, -1),
                 np.where((where == -1) | (middle & both), at, -1), worst_only=where == -1,
                 rule=np.where(middle, NEITHER, LOGITS))  # fmt: skip


def _graded(kind: npt.NDArray[np.str_], valid: Bools, places: Ints, objects: Ints, first: Ints,
            strength: npt.NDArray[np.float64] | None, how: Reading, coder: Coder) -> _Picks:  # fmt: skip
    """Pairs as a choice of who wins and by how much, or of a tie."""
    n, is_graded, points = np.arange(len(kind)), kind == "graded", np.array(coder.points)
    several = (valid.sum(axis=1) != 2).sum()
    if several:
        raise ValueError(f"{several:,} answers to pairs are not about two objects")
    at, other = valid.argmax(axis=1), valid.shape[1] - 1 - valid[:, ::-1].argmax(axis=1)
    a, b = objects[n, at].astype(np.int64), objects[n, other].astype(np.int64)
    won = places[n, at] == 1
    tie = won & (places[n, other] == 1)
    tied = np.where(is_graded, 0 in how.grades, how.ties)
    if (tie & ~tied).any():
        raise ValueError(f"no likelihood for ties, and {(tie & ~tied).sum():,} pairs are tied: form={{'pair': 'davidson'}}, or "
                         "a grade of 0 points, has one")  # fmt: skip
    value = np.where(is_graded & ~tie, np.nan if strength is None else strength, points[-1])
    grade = np.searchsorted(points, value).clip(0, len(points) - 1)
    strange = (points[grade] != value).sum()
    if strange:
        expected = ", ".join(f"{p:g}" for p in points)
        raise ValueError(f"{strange:,} graded answers have no strength, or one other than {expected}")
    left = np.full((len(kind), 2 * len(points) + 1), -1, np.int64)
    ahead, behind = (np.where(first == x, 1, 2) * how.position for x in (a, b))
    for g in range(len(points)):
        open_ = is_graded | (g == len(points) - 1)
        left[:, g] = np.where(open_, coder.wins(a, b, g, ahead), -1)
        left[:, len(points) + g] = np.where(open_, coder.wins(b, a, g, behind), -1)
    left[:, -1] = np.where(tied, coder.tie(a, b), -1)
    return _make(n, left, np.where(tie, 2 * len(points), np.where(won, grade, len(points) + grade)), -1)
