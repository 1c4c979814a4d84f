"""Order of the profiles within sets: every level in every position as often as exchanges of two places can make it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled

Ints = npt.NDArray[np.int64]

_WORK = 50_000
"""Levels that are looked at in all starts together."""


def arrange_profiles(levels: npt.ArrayLike, rng: np.random.Generator) -> Ints:
    """An order (S, A) of the profiles in sets with levels (S, A, attributes); sums of squares of counts are made small."""
    sets = np.asarray(levels, np.int64)
    best, least = np.zeros(sets.shape[:2], np.int64), np.inf
    for _ in range(int(np.clip(_WORK / max(1, sets.size), 2, 200))):
        order = np.argsort(rng.random(sets.shape[:2]), axis=1)
        count = np.zeros((sets.shape[1], sets.shape[2], int(sets.max(initial=0)) + 1), np.int64)
        _arrange(sets, order, count)
        if np.square(count).sum() < least:
            best, least = order, np.square(count).sum()
    return best


@compiled
def _arrange(sets, order, count):  # type: ignore[no-untyped-def]
    n_sets, size, n_attributes = sets.shape
    for s in range(n_sets):
        for p in range(size):
            for a in range(n_attributes):
                count[p, a, sets[s, order[s, p], a]] += 1
    better = True
    while better:
        better = False
        for s in range(n_sets):
            for p in range(size):
                for q in range(p):
                    change = 0
                    for a in range(n_attributes):
                        one, other = sets[s, order[s, p], a], sets[s, order[s, q], a]
                        if one != other:
                            change += count[q, a, one] - count[p, a, one] + count[p, a, other] - count[q, a, other] + 2
                    if change < 0:
                        better = True
                        for a in range(n_attributes):
                            one, other = sets[s, order[s, p], a], sets[s, order[s, q], a]
                            count[p, a, one] -= 1
                            count[q, a, one] += 1
                            count[p, a, other] += 1
                            count[q, a, other] -= 1
                        order[s, p], order[s, q] = order[s, q], order[s, p]
