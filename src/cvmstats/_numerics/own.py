"""Objects counted anew for each person, with rows of their own (``blocks.Own``), and pairs as contrasts of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.blocks import Blocks, Contrasts, Own
from cvmstats._numerics.coded import Coded
from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lanes import REAL, WIDTH
from cvmstats._numerics.tasks import Tasks, nth, select

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NOTHING, _CLOSED = -1, -2


class Pairs(NamedTuple):
    """The contrasts of all people, n of them.

    Attributes
    ----------
    person, slot, alternative : arrays (n)
        Whose it is, the how manieth of theirs, and "a beats b by the top grade".
    times, sign : arrays (n)
        How often it was answered, and the sum of the answers' signed weights.
    tally : array (R, E)
        How many answers of each person have each response parameter.
    kind, weight, column : arrays
        As in ``Contrasts``.
    """

    person: Ints
    slot: Ints
    alternative: Ints
    times: Floats
    sign: Floats
    tally: Floats
    kind: Ints
    weight: Floats
    column: Ints

    def pull(self, linear: Floats, seat: Ints) -> None:
        """Add what is linear in d to ``linear`` (B, J, WIDTH)."""
        block, lane = seat[self.person].T
        linear[block, linear.shape[1] - len(self.kind) + self.slot, lane] += self.sign


class Anew(NamedTuple):
    """Tasks whose objects are counted from 0 for each person, without pairs that are contrasts; what of ``coded`` these
    objects are (R, J), -1 where there are fewer, the last ones those of the pairs."""

    tasks: Tasks
    objects: Ints
    pairs: Pairs


def count_anew(given: Tasks, coded: Coded) -> Anew:
    """Count objects from 0 for each person, in order of appearance."""
    contrast = _contrasts(given)
    pairs = _pair_up(select(given, np.flatnonzero(contrast)), coded)
    tasks = select(given, np.flatnonzero(~contrast))
    objects, own = tasks.objects, []
    for i in range(tasks.n_people):
        lo, hi = tasks.start[tasks.person[i]], tasks.start[tasks.person[i + 1]]
        distinct, first, index = np.unique(objects[lo:hi], return_index=True, return_inverse=True)
        order = np.argsort(first)
        objects[lo:hi] = np.argsort(order)[index]
        own.append(distinct[order])
    most = max(2, *(len(o) for o in own))
    which = np.full((tasks.n_people, most + len(pairs.kind)), -1, np.int64)
    for i, distinct in enumerate(own):
        which[i, : len(distinct)] = distinct
    which[pairs.person, most + pairs.slot] = pairs.alternative
    return Anew(tasks._replace(objects=objects, n_objects=which.shape[1], alternatives=None), which, pairs)


def _contrasts(tasks: Tasks) -> npt.NDArray[np.bool_]:
    """Which tasks have nothing but outcomes of pairs in their sets: what counts for one object counts against the other."""
    if tasks.alternatives is None:
        return np.zeros(len(tasks.best), bool)
    outcome = (tasks.alternatives.plus == tasks.alternatives.minus)[tasks.objects]
    return np.asarray(np.logical_and.reduceat(outcome, tasks.start[:-1]), bool) if len(tasks.best) else np.zeros(0, bool)


def _pair_up(tasks: Tasks, coded: Coded) -> Pairs:
    """Sets of outcomes: those of a by rising grades, as many of b, and perhaps the tie."""
    names, a = coded.names, tasks.alternatives
    owner = tasks.owner
    tally = np.zeros((tasks.n_people, len(names)))
    if a is None or not len(owner):
        none, nothing = np.zeros(0, np.int64), np.zeros(0)
        return Pairs(none, none, none, nothing, nothing, tally, none, np.ones(1), np.zeros((0, 2), np.int64))
    size = np.diff(tasks.start)
    won, tied = size // 2, size % 2
    top, answer = tasks.objects[tasks.start[:-1] + won - 1], tasks.objects[tasks.start[:-1] + tasks.best]
    weight, sign = 2.0 * a.plus[answer], np.where(tasks.best < won, 1.0, -1.0)
    np.add.at(tally, owner, coded.response[answer] * [name != "position" for name in names])
    kinds, kind_of = np.unique(2 * (won > 1) + tied, return_inverse=True)  # one grade or all, without ties or with them
    n_free = len(a.weight) - 1  # grades below the top one
    column = np.full((len(kinds), n_free + 2), _NOTHING, np.int64)
    column[:, :n_free] = np.where(kinds[:, None] >= 2, np.arange(n_free), _CLOSED)
    column[:, -1] = np.where(kinds % 2 == 1, names.index("tie") if "tie" in names else _NOTHING, _CLOSED)
    (person, kind, alternative), index = np.unique(np.stack([owner, kind_of, top]), axis=1, return_inverse=True)
    turn = nth(person * len(kinds) + kind)
    many = np.zeros(len(kinds), np.int64)
    np.maximum.at(many, kind, turn + 1)
    return Pairs(
        person, (np.cumsum(many) - many)[kind] + turn, alternative, np.bincount(index).astype(float),
        np.bincount(index, sign * weight), tally, np.repeat(np.arange(len(kinds)), many), a.weight, column,
    )  # fmt: skip


def no_objects(n_blocks: int) -> Own:
    """Of blocks that share the coding of ``link.py``."""
    nothing, none = np.zeros((n_blocks, 0, WIDTH)), np.zeros(0, np.int64)
    pairs = Contrasts(none, nothing, np.zeros(0), none[:, None], np.zeros((0, 1)), nothing, np.zeros((n_blocks, WIDTH)))
    return Own(nothing[:, :, None], nothing[:, :, None], nothing.astype(np.int64), nothing, nothing, pairs)


def own_objects(anew: Anew, coded: Coded, row: Ints, seat: Ints) -> Own:
    """Rows of coding and response and the error scale of each lane's objects, 0 where there is none; who sits in which lane
    (B, WIDTH), and everybody's block and lane (R, 2)."""
    which = np.where(row[:, :, None] >= 0, anew.objects[row], -1)  # (B, WIDTH, J)
    there = which >= 0
    rows = np.where(there[..., None], coded.rows[which], 0.0).transpose(0, 2, 3, 1)
    response = np.where(there[..., None], coded.response[which], 0.0).transpose(0, 2, 3, 1)
    scale = np.where(there, coded.scale[which], 0).transpose(0, 2, 1)
    pairs = anew.pairs
    block, lane = seat[pairs.person].T
    times = np.zeros((len(row), len(pairs.kind), WIDTH), REAL)
    times[block, pairs.slot, lane] = pairs.times
    tally = np.where(row[:, :, None] >= 0, pairs.tally[row], 0.0).transpose(0, 2, 1)
    contrasts = Contrasts(pairs.kind, times, pairs.weight, pairs.column, np.ones(pairs.column.shape),
                          np.ascontiguousarray(tally, REAL), np.zeros(row.shape))  # fmt: skip
    return Own(np.ascontiguousarray(rows, REAL), np.ascontiguousarray(response, REAL), np.ascontiguousarray(scale),
               np.ones(scale.shape), np.zeros(scale.shape), contrasts)  # fmt: skip


def place_factors(blocks: Blocks, response: Floats, log_scales: Floats, log_factor: Floats | None = None,
                  at: tuple[npt.NDArray[np.intp], ...] = ()) -> None:  # fmt: skip
    """What depends on response parameters, error scales and people's factors, in place.

    Parameters
    ----------
    log_factor : array (R), optional
        Of people, whose blocks and lanes are ``at``; without it all are 1.
    """
    if blocks.own.rows.shape[1] == 0:
        return
    of_people = np.zeros(blocks.row.shape)
    if log_factor is not None:
        of_people[at] = log_factor
    _place(blocks.own, np.append(response, 0.0), np.append(0.0, log_scales), of_people)


@compiled
def _place(own, response, log_scale, log_factor):  # type: ignore[no-untyped-def]
    """The same with the 0 of what has no parameter, at the end of ``response`` and the beginning of ``log_scale``."""
    n_response, n_scales = len(response) - 1, len(log_scale)
    factor, shift, pairs = own.factor, own.shift, own.contrasts
    scales = np.empty(n_scales)
    for b in range(factor.shape[0]):
        for lane in range(WIDTH):
            for s in range(n_scales):
                scales[s] = np.exp(log_scale[s] + log_factor[b, lane])
            for j in range(factor.shape[1]):
                factor[b, j, lane] = scales[own.scale[b, j, lane]]
                shift[b, j, lane] = 0.0
                for e in range(n_response):
                    shift[b, j, lane] += own.response[b, j, e, lane] * response[e]
            pairs.constant[b, lane] = 0.0
            for e in range(n_response):
                pairs.constant[b, lane] += pairs.tally[b, e, lane] * response[e]
    for y in range(pairs.part.shape[0]):
        for g in range(pairs.part.shape[1]):
            column = pairs.column[y, g]
            pairs.part[y, g] = 0.0 if column == _CLOSED else np.exp(response[column])
