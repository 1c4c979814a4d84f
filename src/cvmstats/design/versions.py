"""From good single versions to V of them: who plays which part, and in which position."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.positions import balance_positions
from cvmstats._numerics.relabel import add_version, neighbours, settle
from cvmstats.design.base import Base
from cvmstats.design.criteria import concurrence, incidence

Ints = npt.NDArray[np.int64]

_WORK, _ROUNDS = 3e8, (1, 30)
"""Elementary steps that evening out the pairs over all versions may take; the fewest and the most rounds of it."""
_HOT, _COLD, _ENOUGH = 0.6, 0.15, 12
"""Temperatures of these rounds where there are enough of them, and how many are."""


def spread_versions(bases: list[Base], n_items: int, n_versions: int, always: Ints, rng: np.random.Generator) -> Ints:
    """Item indices (V, T, k): base designs in turn, their w parts played by items so that all meet evenly.

    Items are dealt so that each is shown as often as any other over all versions, to within one where w = v; pairs are
    evened out version by version, and then again, each version beside all others.

    Parameters
    ----------
    always : array, int
        Items that every version shows, where w < v.
    """
    n_parts = int(max(base.sets.max() for base in bases)) + 1
    member = [incidence(base.sets, n_parts) for base in bases]
    met = [concurrence(m) for m in member]
    near = []
    for table in met:
        often = table.diagonal().copy()
        np.fill_diagonal(table, 0)
        near.append(neighbours(table, often))
    total = np.zeros((n_items, n_items), np.int64)
    shown = np.zeros(n_items)
    shown[always] = -np.inf
    label = np.empty((n_versions, n_parts), np.int64)
    steps = n_versions * n_parts * max(1, *(len(n.other) for n in near))
    rounds = int(np.clip(_WORK / steps, *_ROUNDS))
    key = rng.integers(2**63, size=2, dtype=np.uint64)
    for v in range(n_versions):
        one = near[v % len(bases)]
        chosen = np.lexsort((rng.random(n_items), shown))[:n_parts]
        label[v, np.lexsort((rng.random(n_parts), -one.group))] = chosen  # who was shown least so far is shown oftest
        shown[label[v]] += one.group
        settle(total, one, label[v], 0.0, key)
        add_version(total, one, label[v], 1)
    heats = [*np.geomspace(_HOT, _COLD, rounds - 2), 0.0, 0.0] if rounds >= _ENOUGH else [0.0] * rounds
    for heat in heats:
        for v in range(n_versions):
            one = near[v % len(bases)]
            add_version(total, one, label[v], -1)
            settle(total, one, label[v], heat, key)
            add_version(total, one, label[v], 1)
    return np.stack([label[v][bases[v % len(bases)].sets] for v in range(n_versions)])


def place(shown: Ints, n_items: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """The same sets (V, T, A), positions even within every version and over all."""
    n_versions, n_tasks, size = shown.shape
    version = np.repeat(np.arange(n_versions), n_tasks)
    return balance_positions(shown.reshape(-1, size), version, n_items, rng).reshape(shown.shape)
