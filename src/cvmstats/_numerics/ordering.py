"""Order of the sets of a version, so that neighbours share few objects: a shortest path by 2-opt and moves of single sets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled


def order_sets(shared: npt.ArrayLike, rng: np.random.Generator, *, n_starts: int = 20) -> npt.NDArray[np.int64]:
    """A permutation (T) with a small sum of ``shared`` (T, T) between neighbours, the best of ``n_starts``."""
    table = np.ascontiguousarray(shared, dtype=np.int64)
    best, least = np.arange(len(table)), -1
    for _ in range(n_starts):
        order = rng.permutation(len(table))
        length = _shorten(table, order)
        if least < 0 or length < least:
            best, least = order, length
        if least == 0:
            break
    return best


@compiled
def _shorten(table, order):  # type: ignore[no-untyped-def]
    """Reverse stretches of ``order`` and move single sets as long as that helps; returns the length."""
    n = len(order)
    better = True
    while better:
        better = False
        for a in range(n):
            for b in range(a + 1, n):
                before = (table[order[a - 1], order[a]] if a > 0 else 0) + (table[order[b], order[b + 1]] if b + 1 < n else 0)
                after = (table[order[a - 1], order[b]] if a > 0 else 0) + (table[order[a], order[b + 1]] if b + 1 < n else 0)
                if after < before:
                    order[a : b + 1] = order[a : b + 1][::-1].copy()
                    better = True
        for a in range(n):
            if _move(table, order, a):
                better = True
    total = 0
    for t in range(1, n):
        total += table[order[t - 1], order[t]]
    return total


@compiled
def _move(table, order, a):  # type: ignore[no-untyped-def]
    """Put set ``a`` between two other neighbours, or at an end, where that shortens the path."""
    n, one = len(order), order[a]
    gain = 0
    if a > 0:
        gain += table[order[a - 1], one]
    if a + 1 < n:
        gain += table[one, order[a + 1]]
    if 0 < a < n - 1:
        gain -= table[order[a - 1], order[a + 1]]
    rest = np.concatenate((order[:a], order[a + 1 :]))
    for place in range(n):
        cost = 0
        if place > 0:
            cost += table[rest[place - 1], one]
        if place < n - 1:
            cost += table[one, rest[place]]
        if 0 < place < n - 1:
            cost -= table[rest[place - 1], rest[place]]
        if cost < gain:
            order[:place], order[place], order[place + 1 :] = rest[:place], one, rest[place:]
            return True
    return False
