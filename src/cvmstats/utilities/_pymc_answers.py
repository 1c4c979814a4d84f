"""Likelihood of answers in PyTensor, for all forms and for alternatives of any number.

Utilities of alternatives are u = lambda_i e^(kappa_s) (row of the coding)'beta_i + (row of the response)'rho
(``_numerics/alternatives.py``), flat in one of two layouts. Where each person saw most alternatives there is one entry per
alternative and person, and exponentials are taken once for each. Where there are many (17,000 profiles) there is one entry per
place in an answered set, and no array of alternatives times people is made.

Probabilities are those of ``_numerics/logit.py``, as sums of positive terms:

- best and worst as logits, or as one choice among ordered pairs, U D - a in the denominator;
- the worst is what is left: f(T) = sum over j in T of e^(u_j) f(T - j) / (e^(u_w) + sum over T of e^u), all subsets of one size
  at once;
- a second question answered by "some": with U = sum e^u and D = sum e^-u over the set, X and Y the same without the anchor,
  1 - e^(u_0) / U - e^(-u_0) / D = (X Y - 1) / (U D), where X Y is at least the square of the number of the others; where nobody
  could say that the anchor comes last, 1 - e^(u_0) / U = X / U.

Utilities beyond +-700 overflow: the sampler rejects them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt

from cvmstats._numerics.coded import Coded
from cvmstats._numerics.logit import rules
from cvmstats._numerics.tasks import JOINT, LAST, LOGITS, NEITHER, Tasks

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Layout(NamedTuple):
    """Where utilities stand in the flat vector.

    Attributes
    ----------
    wide : bool
        One entry per alternative and person; else one per place in a set.
    cells : array (m)
        Entry of each place in the sets, in the order of ``Tasks.objects``.
    owner : array (number of entries)
        The person of each entry.
    """

    wide: bool
    cells: Ints
    owner: Ints


def lay_out(tasks: Tasks, wide: bool | None = None) -> Layout:
    """A layout, by default the smaller one."""
    n_people, m = tasks.n_people, len(tasks.objects)
    owner = np.repeat(tasks.owner, np.diff(tasks.start))
    if wide or (wide is None and tasks.n_objects * n_people <= m):
        return Layout(True, tasks.objects * n_people + owner, np.tile(np.arange(n_people), tasks.n_objects))
    return Layout(False, np.arange(m), owner)


class Common(NamedTuple):
    """What utilities depend on beside people's parameters, None where there is nothing.

    Attributes
    ----------
    response : vector (E)
        rho.
    log_scale : vector (S)
        kappa.
    log_factor : vector (R)
        log lambda.
    """

    response: Any = None
    log_scale: Any = None
    log_factor: Any = None


def flat_utilities(coded: Coded, layout: Layout, beta: Any, common: Common) -> Any:
    """Utilities of the alternatives in the layout, from people's parameters (R, K)."""
    which = slice(None) if layout.wide else coded.tasks.objects
    rows, scale = pt.constant(coded.rows[which]), coded.scale[which]
    log_scale = None if common.log_scale is None else pm.math.concatenate([np.zeros(1), common.log_scale])[scale]
    shift = None if common.response is None else pt.constant(coded.response[which]) @ common.response
    if layout.wide:
        value, own = rows @ beta.T, common.log_factor
        log_scale, shift = (None if x is None else x[:, None] for x in (log_scale, shift))
    else:
        value = (rows * beta[layout.owner]).sum(axis=1)
        own = None if common.log_factor is None else common.log_factor[layout.owner]
    for power in (log_scale, own):
        value = value if power is None else value * pt.exp(power)
    return (value if shift is None else value + shift).ravel()


class Sets(NamedTuple):
    """Sets of one size: their entries (n, a) of the flat vector, and whose they are (n)."""

    cells: Ints
    owner: Ints


class Sums(NamedTuple):
    """Which entries are summed, one ``Sets`` per size of set.

    Attributes
    ----------
    best : list of Sets
        Sets of e^u under the best.
    worst : list of Sets
        Sets of e^-u under the worst: the set without the best, or all of it where only the worst was asked.
    unseen : list of (Sets (n, a - 1), array (n, a - 1, a - 1))
        Missing best: each candidate, and the set that is left without it.
    pairs : list of Sets
        Whole sets of joint answers.
    any_best, any_worst : list of Sets (n, a - 1)
        Candidates for a pick that is missing from a joint answer.
    last : list of Sets
        The object that is left, then those that were taken before it.
    some, not_first : list of Sets
        The anchor that comes neither first nor last, or only not first; then the others.
    linear : array (number of entries)
        Times best less times worst.
    """

    best: list[Sets]
    worst: list[Sets]
    unseen: list[tuple[Sets, Ints]]
    pairs: list[Sets]
    any_best: list[Sets]
    any_worst: list[Sets]
    last: list[Sets]
    some: list[Sets]
    not_first: list[Sets]
    linear: Floats


def sums_of(tasks: Tasks, layout: Layout) -> Sums:
    """Index arrays of the sums in the likelihood, from flat tasks."""
    result = Sums([], [], [], [], [], [], [], [], [], np.zeros(len(layout.owner)))
    size, rule = np.diff(tasks.start), rules(tasks)
    for a in np.unique(size):
        of_size = np.flatnonzero(size == a)
        cells = layout.cells[tasks.start[of_size, None] + np.arange(a)]
        best, worst, only, how = tasks.best[of_size], tasks.worst[of_size], tasks.worst_only[of_size], rule[of_size]
        owner = layout.owner[cells[:, 0]]
        _picked(result.linear, cells, best, worst, how)

        joint, logits = how == JOINT, how == LOGITS
        result.pairs.append(Sets(cells[joint], owner[joint]))
        for missing, there, into in ((best, worst, result.any_best), (worst, best, result.any_worst)):
            half = joint & (missing < 0)
            into.append(Sets(_without(cells[half], there[half]), owner[half]))
        both, unseen = (best >= 0) & (worst >= 0) & logits, (best < 0) & ~only & logits
        result.best.append(Sets(cells[~only & logits], owner[~only & logits]))
        result.worst.append(Sets(_without(cells[both], best[both]), owner[both]))
        result.worst.append(Sets(cells[only & logits], owner[only & logits]))
        if unseen.any():
            candidates = _without(cells[unseen], worst[unseen])
            left = [_without(cells[unseen], np.full(unseen.sum(), p)) for p in range(a)]
            result.unseen.append((Sets(candidates, owner[unseen]), _without(np.stack(left, axis=1), worst[unseen])))
        for chosen, place, into in ((how == LAST, worst, result.last), ((how == NEITHER) & (worst >= 0), best, result.some),
                                    ((how == NEITHER) & (worst < 0), best, result.not_first)):  # fmt: skip
            first = np.take_along_axis(cells[chosen], place[chosen][:, None], axis=1)
            into.append(Sets(np.hstack([first, _without(cells[chosen], place[chosen])]), owner[chosen]))
    for sets in (result.best, result.worst, result.pairs, result.any_best, result.any_worst, result.last, result.some,
                 result.not_first):  # fmt: skip
        sets[:] = [s for s in sets if s.cells.size]
    return result


def _picked(linear: Floats, cells: Ints, best: Ints, worst: Ints, how: npt.NDArray[np.int8]) -> None:
    """Add what stands in the exponents of the numerators."""
    for pick, sign in ((best, 1.0), (worst, -1.0)):
        here = np.flatnonzero((pick >= 0) & ((how == LOGITS) | (how == JOINT)))
        np.add.at(linear, cells[here, pick[here]], sign)


def _without(cells: Ints, place: Ints) -> Ints:
    """Each row of ``cells`` (n, a, ...) without the entry at its place: (n, a - 1, ...)."""
    n, a = cells.shape[:2]
    kept: Ints = cells[np.arange(a)[None, :] != place[:, None]]
    return kept.reshape(n, a - 1, *cells.shape[2:])


def log_likelihood(coded: Coded, beta: Any, common: Common, *, by_person: bool = False, wide: bool | None = None) -> Any:
    """Log-likelihood of all answers, or of each person's (R), from parameters (R, K); ``wide`` decides on the layout."""
    layout = lay_out(coded.tasks, wide)
    sums = sums_of(coded.tasks, layout)
    u = flat_utilities(coded, layout, beta, common)
    parts = [(u * sums.linear, layout.owner), *_log_probabilities(sums, u)]
    if not by_person:
        return sum(value.sum() for value, _ in parts)
    owner = np.concatenate([whose for _, whose in parts])
    return pt.zeros(coded.tasks.n_people)[owner].inc(pm.math.concatenate([value for value, _ in parts]))


def _log_probabilities(sums: Sums, u: Any) -> Iterator[tuple[Any, Ints]]:
    """All but what is linear: terms (n), and whose they are (n)."""
    up, down = pt.exp(u), pt.exp(-u)
    for sets in sums.best:
        yield -pt.log(_total(up, sets.cells)), sets.owner
    for sets in sums.worst:
        yield -pt.log(_total(down, sets.cells)), sets.owner
    for sets in sums.pairs:
        yield -pt.log(_total(up, sets.cells) * _total(down, sets.cells) - sets.cells.shape[1]), sets.owner
    for sets in sums.any_best:
        yield pt.log(_total(up, sets.cells)), sets.owner
    for sets in sums.any_worst:
        yield pt.log(_total(down, sets.cells)), sets.owner
    for sets, others in sums.unseen:
        yield pt.log((_at(up, sets.cells) / _total(down, others)).sum(axis=1)), sets.owner
    for sets in sums.last:
        yield pt.log(_left_last(_at(up, sets.cells.T), sets.cells.shape[1] - 1)), sets.owner
    for sets in sums.not_first:
        yield pt.log(_total(up, sets.cells[:, 1:]) / _total(up, sets.cells)), sets.owner
    for sets in sums.some:
        others = _total(up, sets.cells[:, 1:]) * _total(down, sets.cells[:, 1:]) - 1
        yield pt.log(others / (_total(up, sets.cells) * _total(down, sets.cells))), sets.owner


def _at(values: Any, cells: Ints) -> Any:
    return values[cells.ravel()].reshape(cells.shape)


def _total(values: Any, cells: Ints) -> Any:
    return _at(values, cells).sum(axis=-1)


def _left_last(r: Any, n_others: int) -> Any:
    """Probability (n) that the first of ``r`` = e^u (1 + n_others, n) is left when the others are taken one by one."""
    chance: Any = np.ones((1, 1))
    place: dict[tuple[int, ...], int] = {(): 0}
    for size in range(1, n_others + 1):
        subsets = list(combinations(range(1, n_others + 1), size))
        before = np.array([[place[s[:i] + s[i + 1 :]] for i in range(size)] for s in subsets])
        of = r[np.array(subsets).ravel()].reshape((len(subsets), size, -1))
        earlier = chance[before.ravel()].reshape((len(subsets), size, -1))
        chance = (of * earlier).sum(axis=1) / (r[0] + of.sum(axis=1))
        place = {s: i for i, s in enumerate(subsets)}
    return chance[0]
