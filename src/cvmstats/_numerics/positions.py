"""Positions of objects within sets: every object in every position as often as in any other, exactly.

Take two positions p and q. A set is then an edge between the object it shows in p and the one it shows in q, and to swap the
two is to turn the edge round. Ends of edges are paired wherever they meet, first within a version and an object, then what is
left over within an object. Paired ends make trails, and if every trail is walked in one direction, each object stands in p as
often as in q, to within one, both in every version and over all (Euler's argument). No such step makes the sum of squares of
any table of positions larger, and each one that changes a table makes it smaller; so going through all pairs of positions
ends, and where it ends all of them differ by one at most: no table could be more even.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled


def balance_positions(sets: npt.ArrayLike, version: npt.ArrayLike, n_objects: int,
                      rng: np.random.Generator) -> npt.NDArray[np.int32]:  # fmt: skip
    """The same sets (S, A), each in an order of its own; -1, at the end of a row, where a set is shorter.

    Parameters
    ----------
    version : array (S), int
        Version of each set; sets of a version stand together.
    """
    out = np.array(sets, dtype=np.int32)
    of = np.asarray(version, dtype=np.int64)
    size = (out >= 0).sum(axis=1)
    order = np.argsort(np.where(out >= 0, rng.random(out.shape), 2.0), axis=1)
    out = np.take_along_axis(out, order, axis=1)
    pairs = [(p, q, size > q) for p, q in combinations(range(out.shape[1]), 2)]
    waiting = set(range(len(pairs)))
    while waiting:
        for n, (p, q, there) in enumerate(pairs):
            if n not in waiting:
                continue
            waiting.discard(n)
            rows = np.flatnonzero(there)
            edges = np.ascontiguousarray(out[rows][:, [p, q]])
            if _turn(edges, of[rows], n_objects, rng.integers(2, size=len(rows), dtype=np.int64)):
                out[rows, p], out[rows, q] = edges.T
                waiting |= {m for m, (a, b, _) in enumerate(pairs) if m != n and {a, b} & {p, q}}
    return out


@compiled
def _turn(edges, version, n_objects, coin):  # type: ignore[no-untyped-def]
    """Turn ``edges`` (E, 2) so that both columns hold every object as often, to within one; False where they did already."""
    n = len(edges)
    within, over = np.zeros(n_objects, np.int64), np.zeros(n_objects, np.int64)
    uneven = False
    first = 0
    while first < n:
        last = first
        while last < n and version[last] == version[first]:
            within[edges[last, 0]] += 1
            within[edges[last, 1]] -= 1
            last += 1
        for e in range(first, last):
            for side in range(2):
                i = edges[e, side]
                uneven |= abs(within[i]) > 1
                over[i] += within[i]
                within[i] = 0
        first = last
    for i in range(n_objects):
        uneven |= abs(over[i]) > 1
    if not uneven:
        return False
    partner = _pair_ends(edges, version, n_objects)
    done = np.zeros(n, np.bool_)
    for closed in range(2):  # trails that end somewhere first, then circles
        for end in range(2 * n):
            if done[end // 2] or (closed == 0 and partner[end] >= 0):
                continue
            at, head = end, coin[end // 2]
            while at >= 0 and not done[at // 2]:
                e = at // 2
                done[e] = True
                if at % 2 != head:
                    edges[e, 0], edges[e, 1] = edges[e, 1], edges[e, 0]
                at = partner[2 * e + 1 - at % 2]
    return True


@compiled
def _pair_ends(edges, version, n_objects):  # type: ignore[no-untyped-def]
    """Of each end of an edge (2 E) the one it is paired with, -1 where there is none."""
    n = len(edges)
    partner = np.full(2 * n, -1)
    within, over = np.full(n_objects, -1), np.full(n_objects, -1)
    first = 0
    while first < n:
        last = first
        while last < n and version[last] == version[first]:
            for side in range(2):
                _meet(partner, within, edges[last, side], 2 * last + side)
            last += 1
        for e in range(first, last):
            for side in range(2):
                i = edges[e, side]
                if within[i] >= 0:
                    _meet(partner, over, i, within[i])
                    within[i] = -1
        first = last
    return partner


@compiled
def _meet(partner, waiting, i, end):  # type: ignore[no-untyped-def]
    """Pair ``end`` with the one that waits at object ``i``, or let it wait there."""
    other = waiting[i]
    if other < 0:
        waiting[i] = end
    else:
        partner[end], partner[other] = other, end
        waiting[i] = -1
