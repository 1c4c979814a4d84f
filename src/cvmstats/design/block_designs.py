"""Balanced incomplete block designs: every pair of v items together in lambda of b sets of k."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import combinations, product
from math import comb

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

IMPOSSIBLE = {(15, 21, 5): "(15, 21, 7, 5, 2) does not exist", (21, 28, 6): "(21, 28, 8, 6, 2) does not exist"}
"""Parameters (v, b, k) that pass the conditions of divisibility, though no design has them."""


def possible(n_items: int, n_sets: int, size: int) -> bool:
    """Whether the counts allow a balanced design: whole r = b k / v and lambda = r (k - 1) / (v - 1), and b >= v (Fisher).

    >>> possible(13, 13, 4), possible(20, 12, 5)
    (True, False)
    """
    if not 2 <= size < n_items or n_sets < n_items or n_sets * size % n_items:
        return False
    return n_sets * size // n_items * (size - 1) % (n_items - 1) == 0


def block_design(n_items: int, n_sets: int, size: int) -> Ints | None:
    """Sets (b, k) in which every pair meets equally often, None where the tables have none."""
    if n_sets == comb(n_items, size):
        return np.array(list(combinations(range(n_items), size)))
    found = _table().get((n_items, n_sets, size))
    if found is not None:
        return _develop(n_items, *found)
    other = _table().get((n_items, n_sets, n_items - size))
    if other is None:
        return None
    sets = _develop(n_items, *other)
    return np.array([np.setdiff1d(np.arange(n_items), one) for one in sets])


def known() -> tuple[tuple[int, int, int], ...]:
    """(v, b, k) of the tables."""
    return tuple(_table())


@cache
def _table() -> dict[tuple[int, int, int], tuple[str, tuple[str, ...]]]:
    out = {}
    for line in files("cvmstats.design").joinpath("block_designs.txt").read_text().splitlines():
        if not line.startswith("#"):
            numbers, group, blocks = line.split(" | ")
            v, b, k, _ = map(int, numbers.split())
            out[v, b, k] = group, tuple(blocks.split(" ; "))
    return out


def _develop(n_items: int, group: str, base: tuple[str, ...]) -> Ints:
    moves = _moves(n_items, group)
    sets = []
    for one in base:
        orbit = np.sort(moves[:, [int(point) for point in one.removeprefix("*").split()]], axis=1)
        sets.append(np.unique(orbit, axis=0) if one.startswith("*") else orbit)
    return np.concatenate(sets)


def _moves(n_items: int, group: str) -> Ints:
    """Where each element of the group sends each point (elements, v)."""
    if "*" in group:
        m, copies = map(int, group.split("*"))
        points = np.arange(m * copies)
        moved = np.array([points // m * m + (points + shift) % m for shift in range(m)])
    else:
        factors = tuple(map(int, group.split(",")))
        at = np.array(np.unravel_index(np.arange(np.prod(factors)), factors))
        moved = np.array([np.ravel_multi_index((at + np.array(shift)[:, None]) % np.array(factors)[:, None], factors)
                          for shift in product(*map(range, factors))])  # fmt: skip
    fixed = np.broadcast_to(np.arange(moved.shape[1], n_items), (len(moved), n_items - moved.shape[1]))
    return np.concatenate([moved, fixed], axis=1)
