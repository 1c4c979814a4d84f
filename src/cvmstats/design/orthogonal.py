"""Orthogonal main-effects plans: in any two columns all combinations of levels stand equally often.

None is looked up: a plan of n = r s runs is built from a difference scheme D(r, c, s), whose columns are developed over the
group of s elements, beside any plan in r runs, each of its runs repeated s times (Hedayat, Sloane & Stufken 1999, Orthogonal
Arrays, theorem 9.15). Columns of many levels make room for several of fewer (Addelman 1962, Technometrics 4, 21-46): one of
four levels for three of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import combinations, combinations_with_replacement, product
from math import lcm, prod

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.fields import addition
from cvmstats.design.hadamard import difference_scheme, first_clique, hadamard
from cvmstats.errors import DesignError

Ints = npt.NDArray[np.int64]

MOST_RUNS = 128
"""Runs of the largest plan that is looked for; full factorials may be larger."""
_FULL = 1024
_ROOM = {4: ((2, 2, 2),), 6: ((3, 2),), 8: ((2,) * 7, (4, 2, 2, 2, 2)), 9: ((3,) * 4,), 10: ((5, 2),), 12: ((3, 2, 2, 2, 2),)}
"""What a column of so many levels can be replaced by."""
_BESIDE = {(12, 3): 4, (20, 5): 8}
"""Columns of two levels that are searched for beside one of so many levels in so many runs."""


def orthogonal_plan(levels: Sequence[int]) -> Ints:
    """The smallest orthogonal main-effects plan that is known here.

    Parameters
    ----------
    levels : sequence of int
        Number of levels of each attribute, 2 or more.

    Returns
    -------
    array (runs, attributes), int64
        Levels from 0. Fewer runs than 1 + sum(levels - 1) are impossible.

    Raises
    ------
    DesignError
        Where no plan in 128 runs or fewer is known and the full factorial is larger than 1,024.

    Examples
    --------
    >>> orthogonal_plan([2] * 11).shape, orthogonal_plan([3] * 7 + [2]).shape
    ((12, 11), (18, 8))
    """
    asked = tuple(int(n) for n in levels)
    if not asked or min(asked) < 2:
        raise DesignError(f"an orthogonal plan for levels {list(levels)!r}\n  expected one attribute or more, each with 2 "
                          "levels or more")  # fmt: skip
    ordered = tuple(sorted(asked, reverse=True))
    found = known_plan(asked)
    if found is None:
        raise DesignError(f"no orthogonal main-effects plan is known here for {len(asked)} attributes with "
                          f"{' x '.join(_powers(ordered))} levels\n  expected one of up to {MOST_RUNS} runs; the full "
                          f"factorial has {prod(asked):,}\n  {_nearest(ordered)}")  # fmt: skip
    return found


def known_plan(levels: Sequence[int]) -> Ints | None:
    """As :func:`orthogonal_plan`; None where none is known."""
    found = _smallest(tuple(sorted(levels, reverse=True)))
    if found is None:
        return None
    back = np.empty(len(levels), np.int64)
    back[sorted(range(len(levels)), key=lambda i: -levels[i])] = np.arange(len(levels))
    return found[:, back].copy()


def fewest_runs(levels: Sequence[int]) -> int:
    """The bound on runs: more than parameters, and a multiple of every product of two numbers of levels."""
    step = lcm(*(a * b for a, b in combinations(levels, 2)), *levels)
    return -(-(1 + sum(n - 1 for n in levels)) // step) * step


@cache
def _smallest(levels: tuple[int, ...]) -> Ints | None:
    first, step = fewest_runs(levels), lcm(*(a * b for a, b in combinations(levels, 2)), *levels)
    for n in range(first, MOST_RUNS + 1, step):
        plan = _fit(n, levels)
        if plan is not None:
            return plan
    return _factorial(prod(levels), levels) if prod(levels) <= _FULL else None


@cache
def _fit(n: int, levels: tuple[int, ...]) -> Ints | None:
    """A plan in n runs for levels in falling order, None where none is built here."""
    if n < fewest_runs(levels) or n % fewest_runs(levels[:2] or (1,)):
        return None
    if n % prod(levels) == 0:
        return _factorial(n, levels)
    table = hadamard(n) if set(levels) == {2} else None
    if table is not None and len(levels) < n:
        return table[:, 1 : len(levels) + 1]
    if _BESIDE.get((n, levels[0]), 0) >= len(levels) - 1 and set(levels[1:]) == {2}:
        return _beside(n, levels[0])[:, : len(levels)]
    sizes = sorted((s for s in range(2, n) if n % s == 0), key=lambda s: -difference_scheme(n // s, s).shape[1])
    for s in sizes:
        for hosted, rest in _shares(levels, s, difference_scheme(n // s, s).shape[1]):
            below = _fit(n // s, rest)
            if below is not None:
                return _developed(n, s, hosted, rest, below, levels)
    return None


def _shares(levels: tuple[int, ...], s: int, most: int) -> list[tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]]:
    """Ways to give columns of s levels to attributes, or to several where there is room; and which attributes are left."""
    rooms = ((s,), *_ROOM.get(s, ()))
    out = []
    for used in product(*(range(most + 1) for _ in rooms)):
        if not 0 < sum(used) <= most:
            continue
        left, hosted = Counter(levels), []
        for room, times in zip(rooms, used, strict=True):
            for _ in range(times):
                there = tuple(sorted((Counter(room) & left).elements(), reverse=True))
                if there:
                    left -= Counter(there)
                    hosted.append(there)
        if len(hosted) == sum(used):
            out.append((tuple(hosted), tuple(sorted(left.elements(), reverse=True))))
    return sorted(out, key=lambda way: (len(way[1]), len(way[0])))


def _developed(n: int, s: int, hosted: tuple[tuple[int, ...], ...], rest: tuple[int, ...], below: Ints,
               levels: tuple[int, ...]) -> Ints:  # fmt: skip
    scheme = difference_scheme(n // s, s)
    made: list[tuple[int, Ints]] = [(level, np.repeat(below[:, i], s)) for i, level in enumerate(rest)]
    for j, there in enumerate(hosted):
        column = addition(s)[scheme[:, j]].ravel()
        inside = _fit(s, there)
        assert inside is not None  # the rooms are plans
        made += [(level, inside[column, i]) for i, level in enumerate(there)]
    made.sort(key=lambda one: -one[0])
    assert tuple(level for level, _ in made) == levels
    return np.stack([column for _, column in made], axis=1)


def _factorial(n: int, levels: tuple[int, ...]) -> Ints:
    once = np.array(list(product(*map(range, levels))), np.int64).reshape(prod(levels), len(levels))
    return np.tile(once, (n // len(once), 1))


@cache
def _beside(n: int, g: int) -> Ints:
    """A column of g levels, and columns of two that are orthogonal to it and to one another, by a search in depth.

    The order of the columns is drawn: in that of the digits the search for (20, 5) takes a million steps, in others a dozen.
    """
    group = np.repeat(np.arange(g), n // g)
    halves = [np.isin(range(n // g), half) * 2 - 1 for half in combinations(range(n // g), n // g // 2)]
    signed = [half for half in halves if half[0] > 0]  # the other ones are the same with levels exchanged
    every = np.array([np.concatenate(one) for one in product(signed, *[halves] * (g - 1))])
    every = np.random.default_rng(0).permutation(every).astype(np.float32)
    found = first_clique(lambda one: every @ every[one] == 0, _BESIDE[n, g])
    return np.column_stack([group, *((every[i] > 0).astype(np.int64) for i in found)])


def _powers(levels: Sequence[int]) -> list[str]:
    return [f"{level}^{times}" if times > 1 else str(level) for level, times in Counter(levels).items()]


def _nearest(levels: tuple[int, ...]) -> str:
    """The smallest plan after one or two attributes were given a level more or less."""
    for n_changes in (1, 2):
        found = []
        for which in combinations_with_replacement(range(len(levels)), n_changes):
            for by in product((-1, 1), repeat=n_changes):
                changed = list(levels)
                for i, d in zip(which, by, strict=True):
                    changed[i] += d
                plan = _smallest(tuple(sorted(changed, reverse=True))) if min(changed) > 1 else None
                if plan is not None:
                    found.append((len(plan), tuple(sorted(changed, reverse=True))))
        if found:
            runs, near = min(found)
            return f"the nearest possible: {' x '.join(_powers(near))} levels, in {runs} runs"
    return "ask fewer attributes or levels; design_conjoint needs no orthogonal plan"
