"""Answers as flat arrays, the one form in which kernels read them.

Most question types are products of logits over what is left of a set, and come to the kernels as such: a pair is a choice
of the best of two; a ranking is a best choice from the whole set, one from what is left, and so on (exploded logit); best
and worst in the ``marginal`` form are two answers to two questions. The ``sequential`` and the joint ``maxdiff`` form keep
best and worst together, because a missing one of them is summed out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
NO_ANSWER = -128
FORMS = ("sequential", "maxdiff", "marginal")
"""Likelihoods of best-worst tasks."""
KINDS = ("best_worst", "best", "worst", "pair", "rank")
"""Kinds of task that these likelihoods know."""


class Tasks(NamedTuple):
    """Answered choice tasks of R respondents, one after the other.

    Attributes
    ----------
    person : array (R + 1)
        Tasks ``person[i]`` to ``person[i + 1]`` are respondent i's.
    start : array (n + 1)
        Objects ``start[t]`` to ``start[t + 1]`` of ``objects`` are the set of task t.
    objects : array (m), int
        Object indices, each set after the other.
    best, worst : array (n), int
        Place of the pick within its set, -1 where missing.
    worst_only : array (n), bool
        True where nothing but the worst was asked; else a missing best is summed out.
    n_objects : int
        J.
    joint : array (n), bool, or None where it is False everywhere
        Best and worst are one choice among the ordered pairs (``maxdiff``).
    """

    person: Ints
    start: Ints
    objects: Ints
    best: Ints
    worst: Ints
    worst_only: Bools
    n_objects: int
    joint: Bools | None = None

    @property
    def n_people(self) -> int:
        """R."""
        return len(self.person) - 1


class _Picks(NamedTuple):
    """Choices from sets: the answered task each belongs to (n), what is left of its set (n, A), the picks (n), -1 for none."""

    row: Ints
    left: Bools
    best: Ints
    worst: Ints
    worst_only: Bools


def flatten(shown: npt.ArrayLike, version: npt.ArrayLike, place: npt.ArrayLike, kind: npt.ArrayLike, n_objects: int,
            asked: npt.ArrayLike | None = None, form: str = "sequential") -> Tasks:  # fmt: skip
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

    Raises
    ------
    ValueError
        For an unknown form, a kind of task that these likelihoods do not know, and ties.
    """
    if form not in FORMS:
        raise ValueError(f"unknown form {form!r} of best-worst tasks")
    seen = np.asarray(shown)[np.asarray(version)]
    places = np.asarray(place)
    known = np.asarray(kind)[np.asarray(version)]
    valid = (seen >= 0) & (places != NO_ANSWER)
    use = (valid & (places != 0)).any(axis=2) & (valid.sum(axis=2) >= 2)
    if asked is not None:
        use &= np.asarray(asked)[None, :]
    strange = sorted({str(k) for k in np.unique(known[use].astype(str))} - set(KINDS))
    if strange:
        raise ValueError(f"no likelihood for tasks of kind {', '.join(strange)}")
    r, t = np.nonzero(use)
    picks = _picks(known[r, t].astype(str), valid[r, t], places[r, t], form)
    order = np.argsort(picks.row, kind="stable")
    row, left = picks.row[order], picks.left[order]
    inside = np.cumsum(left, axis=1) - 1
    size = left.sum(axis=1)
    count = np.bincount(r[row], minlength=len(use))

    def within(pick: Ints) -> Ints:
        return np.where(pick >= 0, np.take_along_axis(inside, np.maximum(pick, 0)[:, None], axis=1)[:, 0], -1)

    joint = (known[r, t][row] == "best_worst") & (size > 2) if form == "maxdiff" else None
    return Tasks(
        person=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        objects=seen[r, t][row][left].astype(np.int64), best=within(picks.best[order]).astype(np.int64),
        worst=within(picks.worst[order]).astype(np.int64), worst_only=picks.worst_only[order],
        n_objects=int(n_objects), joint=joint,
    )  # fmt: skip


def _picks(kind: npt.NDArray[np.str_], valid: Bools, places: Ints, form: str) -> _Picks:
    """The choices that answered tasks consist of, from their kinds (n), sets and places (n, A)."""
    rank, pair = kind == "rank", kind == "pair"
    plain = np.flatnonzero(~rank)
    asks, mask, placed = kind[plain], valid[plain], places[plain]
    tied = (pair & ((valid & (places == 1)).sum(axis=1) > 1)).sum()
    if tied:
        raise ValueError(f"no likelihood for ties, and {tied:,} pairs are tied")

    def pick(value: int) -> Ints:
        hit = mask & (placed == value)
        return np.where(hit.any(axis=1), hit.argmax(axis=1), -1)

    best = np.where(asks == "worst", -1, pick(1))
    worst = np.where(asks == "best", -1, pick(-1))
    parts = []
    if form == "marginal":
        apart = (asks == "best_worst") & (mask.sum(axis=1) > 2) & (worst >= 0)
        nothing = np.full(apart.sum(), -1)
        parts.append(_Picks(plain[apart], mask[apart], nothing, worst[apart], np.ones(apart.sum(), bool)))
        worst = np.where(apart, -1, worst)
        keep = ~apart | (best >= 0)
        plain, mask, best, worst, asks = (x[keep] for x in (plain, mask, best, worst, asks))
    parts.insert(0, _Picks(plain, mask, best, worst, asks == "worst"))
    return _Picks(*(np.concatenate(x) for x in zip(*parts, *_ranked(np.flatnonzero(rank), valid, places), strict=True)))


def _ranked(rows: Ints, valid: Bools, places: Ints) -> list[_Picks]:
    """Rankings as choices from what is left, until one object or none that was placed is left."""
    mask, placed = valid[rows].copy(), np.where(valid[rows], places[rows], 0)
    wrong = (placed < 0).any(axis=1).sum()
    tied = sum(bool((np.bincount(one[one > 0]) > 1).any()) for one in placed)
    if wrong or tied:
        raise ValueError(f"no likelihood for {wrong + tied:,} rankings with ties or places counted from the bottom")
    parts = []
    for step in range(1, int(placed.max(initial=0)) + 1):
        here = (placed == step).any(axis=1) & (mask.sum(axis=1) > 1)
        best = (placed == step).argmax(axis=1)
        none = np.full(here.sum(), -1)
        parts.append(_Picks(rows[here], mask[here], best[here], none, np.zeros(here.sum(), bool)))
        mask &= placed != step
    return parts
