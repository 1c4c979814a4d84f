"""Answers of every kind as picks from what is left of a set: what the screens of ``check_choices`` count."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats.data.choices import Choices
from cvmstats.data.places import NO_ANSWER

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Answers(NamedTuple):
    """What n people saw and said.

    Attributes
    ----------
    shown : array (n, T, A), int
        Object indices, -1 where a task is shorter.
    place : array (n, T, A), int8
        As in ``Choices``; tasks that are no picks (ties, graded answers, second questions) have no answer here.
    kind : array (n, T) of str
    """

    shown: npt.NDArray[np.int32]
    place: npt.NDArray[np.int8]
    kind: npt.NDArray[np.object_]

    def take(self, rows: npt.NDArray[np.int64] | slice) -> Answers:
        """These people."""
        return Answers(self.shown[rows], self.place[rows], self.kind[rows])


class Stage(NamedTuple):
    """One pick of each task: ``sign`` 1 for the most, -1 for the least; from which positions, and which, both (n, T, A).

    Where a task has no such pick, neither has a position.
    """

    sign: float
    mask: Bools
    pick: Bools


def as_answers(choices: Choices) -> Answers:
    """The answers that are picks, of all tasks, hold-outs too."""
    design = choices.design
    kind, place = np.asarray(design.kind)[choices.version], np.array(choices.own_place)
    tied = (kind == "pair") & ((place == 1).sum(axis=2) > 1)
    ranks = np.sort(np.where(place > 0, place, -np.arange(1, place.shape[2] + 1)), axis=2)
    bottom = ((place < 0) & (place != NO_ANSWER)).any(axis=2)
    tied |= (kind == "rank") & ((ranks[:, :, 1:] == ranks[:, :, :-1]).any(axis=2) | bottom)
    away = tied | (kind == "graded")
    place[away[:, :, None] & (place != NO_ANSWER)] = 0
    return Answers(design.shown[choices.version], place, kind)


def stages_of(answers: Answers) -> list[Stage]:
    """Picks of the best, of the worst from what is left, and of rankings one after the other."""
    shown, place, kind = answers
    there = (shown >= 0) & (place != NO_ANSWER)
    best, worst = there & (place == 1), there & (place == -1)
    out = [_stage(1.0, there, best & (kind != "worst")[:, :, None])]
    if worst.any():
        out.append(_stage(-1.0, there & ~best, worst))
    rank = (kind == "rank")[:, :, None]
    for step in range(2, int(np.where(rank, place, 0).max(initial=1)) + 1):
        out.append(_stage(1.0, there & rank & ((place >= step) | (place == 0)), there & rank & (place == step)))
    return out


def _stage(sign: float, mask: Bools, pick: Bools) -> Stage:
    asked = pick.any(axis=2) & (mask.sum(axis=2) > 1)
    return Stage(sign, mask & asked[:, :, None], pick & asked[:, :, None])


def probabilities(utility: Floats, stage: Stage) -> Floats:
    """Logit probability (n, T, A) of each position of a stage's set under utilities (n, T, A); 0 outside."""
    signed = np.where(stage.mask, stage.sign * utility, -np.inf)
    high = signed.max(axis=2, keepdims=True)
    e = np.exp(signed - np.where(np.isfinite(high), high, 0.0))
    total = e.sum(axis=2, keepdims=True)
    return np.asarray(e / np.where(total > 0, total, 1.0))


def random_answers(like: Answers, n: int, rng: np.random.Generator) -> Answers:
    """``n`` people who answer by chance where the one in ``like`` answered: the same sets, the same gaps."""
    shown, place, kind = (part[0] for part in like)
    there = (shown >= 0) & (place != NO_ANSWER)
    key = np.where(there, rng.random((n, *shown.shape)), 2.0)
    order = key.argsort(axis=2).argsort(axis=2) + 1  # 1, 2, ... over the objects of the set
    size = there.sum(axis=1)
    out = np.where(there, 0, NO_ANSWER) + np.zeros((n, 1, 1), np.int64)
    has_best, has_worst = (there & (place == 1)).any(axis=1), (there & (place == -1)).any(axis=1)
    out[(order == 1) & there & has_best[:, None]] = 1
    out[(order == size[:, None]) & there & has_worst[:, None]] = -1
    placed = np.where(there, place, 0).max(axis=1)
    ranked = there & (kind == "rank")[:, None]
    out = np.where(ranked, np.where(order <= placed[:, None], order, 0), out)
    return Answers(*(np.broadcast_to(x, (n, *x.shape)) for x in (shown, out[0], kind)))._replace(place=out.astype(np.int8))
