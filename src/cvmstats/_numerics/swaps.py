"""Sets of objects in which pairs meet evenly, by simulated annealing.

Two moves: two sets exchange an object each, or a set takes another object for one of its own. The cost is the sum over pairs
of lambda^2 + 2 price lambda, where lambda is how often the pair meets within these sets, and ``uneven`` times by how much
the objects' sum of squares is above its least; what other sets have done, and what is prohibited, stands in the price.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.streams import draw_below, draw_uniform

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Sets(NamedTuple):
    """T sets of k objects; arrays are changed in place.

    Attributes
    ----------
    shown : array (T, k)
    inside : array (T, J), bool
        Whether the set has the object.
    met : array (J, J)
        lambda, 0 on the diagonal.
    often : array (J)
        Sets of each object.
    """

    shown: Ints
    inside: npt.NDArray[np.bool_]
    met: Ints
    often: Ints


def as_sets(shown: npt.ArrayLike, n_objects: int) -> Sets:
    """The tables that go with sets (T, k)."""
    sets = np.array(shown, dtype=np.int64)
    inside = np.zeros((len(sets), n_objects), bool)
    inside[np.arange(len(sets))[:, None], sets] = True
    met = inside.T.astype(np.int64) @ inside
    often = met.diagonal().copy()
    np.fill_diagonal(met, 0)
    return Sets(sets, inside, met, often)


def deal(n_objects: int, n_sets: int, size: int, rng: np.random.Generator, *, last: npt.ArrayLike = 0.0) -> Ints:
    """Sets (T, k) at random: nobody twice in a set, all as often as each other, to within one.

    Those with the least of ``last`` (J) get the places that are over.
    """
    places = n_sets * size
    often = np.full(n_objects, places // n_objects)
    often[np.lexsort((rng.random(n_objects), np.broadcast_to(last, n_objects)))[: places % n_objects]] += 1
    shown = np.empty((n_sets, size), np.int64)
    for t in range(n_sets):  # those who must still appear oftest come first: nobody is left over at the end
        chosen = np.lexsort((rng.random(n_objects), -often))[:size]
        often[chosen] -= 1
        shown[t] = chosen
    return shown


@compiled
def pair_cost(sets, price):  # type: ignore[no-untyped-def]
    """Sum over pairs of lambda^2 + 2 price lambda."""
    total = 0.0
    n = sets.met.shape[0]
    for i in range(n):
        for j in range(i):
            total += sets.met[i, j] * (sets.met[i, j] + 2.0 * price[i, j])
    return total


@compiled
def _exchange_cost(sets, price, a, b, i, j):  # type: ignore[no-untyped-def]
    """What it costs that set a gives i to set b for j; b = -1: that i leaves and j comes."""
    change = 0.0
    for x in sets.shown[a]:
        if x != i and (b < 0 or not sets.inside[b, x]):
            change += sets.met[j, x] - sets.met[i, x] + 1 + price[j, x] - price[i, x]
    if b >= 0:
        for x in sets.shown[b]:
            if x != j and not sets.inside[a, x]:
                change += sets.met[i, x] - sets.met[j, x] + 1 + price[i, x] - price[j, x]
    return 2.0 * change


@compiled
def _replace(sets, a, place, j):  # type: ignore[no-untyped-def]
    i = sets.shown[a, place]
    for x in sets.shown[a]:
        if x != i:
            sets.met[i, x] -= 1
            sets.met[x, i] -= 1
            sets.met[j, x] += 1
            sets.met[x, j] += 1
    sets.shown[a, place] = j
    sets.inside[a, i], sets.inside[a, j] = False, True
    sets.often[i] -= 1
    sets.often[j] += 1


@compiled
def anneal(sets, price, uneven, hot, cold, n_moves, goal, key):  # type: ignore[no-untyped-def]
    """Anneal ``sets`` from temperature ``hot`` to ``cold``; returns the cost, and stops where it is ``goal`` or less.

    ``key`` (2) is a random stream, see ``streams.py``.
    """
    n_sets, size = sets.shown.shape
    n_objects = sets.inside.shape[1]
    each, more = divmod(n_sets * size, n_objects)
    squares = (sets.often * sets.often).sum() - more * (each + 1) ** 2 - (n_objects - more) * each**2
    cost = pair_cost(sets, price) + uneven * squares
    cooling = (cold / hot) ** (1.0 / max(1, n_moves))
    heat = hot
    for _ in range(n_moves):
        if cost <= goal:
            break
        heat *= cooling
        a, place = draw_below(n_sets, key), draw_below(size, key)
        i = sets.shown[a, place]
        b = draw_below(n_sets + 1, key) - 1
        if b == a:
            continue
        if b >= 0:
            there = draw_below(size, key)
            j = sets.shown[b, there]
            if sets.inside[b, i]:
                continue
        else:
            there = 0
            j = draw_below(n_objects, key)
        if sets.inside[a, j]:
            continue
        change = _exchange_cost(sets, price, a, b, i, j)
        if b < 0:
            change += 2.0 * uneven * (sets.often[j] - sets.often[i] + 1)
        if change <= 0.0 or draw_uniform(key) < np.exp(-change / heat):
            _replace(sets, a, place, j)
            if b >= 0:
                _replace(sets, b, there, i)
            cost += change
    return cost
