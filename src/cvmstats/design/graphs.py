"""Which pairs are compared, as a regular graph: A efficiency decides, the mean variance of differences between items.

For paired comparisons at equal utilities the information is a quarter of the graph's Laplacian. Against a round robin of as
many comparisons, A efficiency is the harmonic mean of its nonzero eigenvalues over their mean.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from cvmstats.design.criteria import efficiencies, information

Ints = npt.NDArray[np.int64]

_EVERY = 20_000
"""Circulants beyond which a random part of them is tried."""
_SWITCHES = 1_500


def a_efficiency(edges: Ints, n_items: int) -> float:
    """A efficiency of comparisons (E, 2)."""
    member = np.zeros((len(edges), n_items), bool)
    member[np.arange(len(edges))[:, None], edges] = True
    return float(efficiencies(information(member))[1])


def regular_graph(n_items: int, degree: int, rng: np.random.Generator) -> Ints:
    """Edges (v degree / 2, 2) of a good graph in which every item meets ``degree`` others: the best circulant, bettered."""
    if degree == n_items - 1:
        return np.array(list(combinations(range(n_items), 2)))
    return _switched(best_circulant(n_items, degree, rng), n_items, rng)


def best_circulant(n_items: int, degree: int, rng: np.random.Generator) -> Ints:
    """Item i meets i + s for s in a set of steps, the best of all such sets (of 20,000 where there are more)."""
    half = (n_items - 1) // 2
    need = degree // 2
    fixed = (n_items // 2,) if degree % 2 else ()
    every = list(combinations(range(1, half + 1), need))
    if len(every) > _EVERY:
        every = [every[i] for i in rng.choice(len(every), _EVERY, replace=False)]
    j = np.arange(1, n_items)[:, None]
    waves = 1 - np.cos(2 * np.pi * j * np.arange(half + 1) / n_items)  # eigenvalue j of a step, both ways round
    steps = np.array(every, np.int64).reshape(len(every), need)
    values = 2 * waves[:, steps].sum(axis=2) + sum((1 - np.cos(np.pi * j) for _ in fixed), np.zeros((n_items - 1, 1)))
    with np.errstate(divide="ignore"):
        best = int(np.argmin(np.where(values > 1e-9, 1 / np.maximum(values, 1e-300), np.inf).sum(axis=0).round(9)))
    items = np.arange(n_items)
    rings = [np.stack([items, (items + s) % n_items], axis=1) for s in every[best]]
    across = [np.stack([items[: n_items // 2], items[: n_items // 2] + n_items // 2], axis=1) for _ in fixed]
    return np.concatenate(rings + across)


def _switched(edges: Ints, n_items: int, rng: np.random.Generator) -> Ints:
    """Exchange the ends of two edges as long as that makes the graph more efficient."""
    best, value = edges, a_efficiency(edges, n_items)
    there = {frozenset(edge) for edge in best.tolist()}
    for _ in range(_SWITCHES):
        one, other = rng.choice(len(best), 2, replace=False)
        (a, b), (c, d) = best[one], best[other][:: rng.choice([-1, 1])]
        if len({a, b, c, d}) < 4 or frozenset((a, c)) in there or frozenset((b, d)) in there:
            continue
        tried = best.copy()
        tried[one], tried[other] = (a, c), (b, d)
        if (new := a_efficiency(tried, n_items)) > value + 1e-12:
            there -= {frozenset((a, b)), frozenset((c, d))}
            there |= {frozenset((a, c)), frozenset((b, d))}
            best, value = tried, new
    return best
