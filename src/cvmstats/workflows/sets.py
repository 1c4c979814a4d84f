"""Sets of items for a simulated study: each item as often as any other, pairs spread by a greedy choice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def balanced_sets(n_items: int, n_versions: int, n_tasks: int, set_size: int,
                  rng: np.random.Generator) -> npt.NDArray[np.int32]:  # fmt: skip
    """Item indices (V, T, A).

    Within a version no item is shown more than once oftener than another; the items with the extra showing change from
    version to version, so that over all versions the numbers differ by one at most. Of the items that must still be
    shown oftest, a set takes those that met the items already in it least often.

    >>> sets = balanced_sets(26, 8, 16, 5, np.random.default_rng(1))
    >>> counts = np.bincount(sets.ravel())
    >>> int(counts.max() - counts.min()) <= 1, sets.shape
    (True, (8, 16, 5))
    """
    met = np.zeros((n_items, n_items))
    used = np.zeros(n_items)
    versions = []
    for _ in range(n_versions):
        base, extra = divmod(n_tasks * set_size, n_items)
        quota = np.full(n_items, float(base))
        quota[np.lexsort((rng.random(n_items), used))[:extra]] += 1
        used += quota
        here = np.zeros((n_items, n_items))
        sets = np.empty((n_tasks, set_size), np.int32)
        for task in range(n_tasks):
            chosen: list[int] = []
            for _ in range(set_size):
                free = np.setdiff1d(np.flatnonzero(quota > 0), chosen)
                together = (10 * here + met)[free][:, chosen].sum(axis=1)
                best = free[np.lexsort((rng.random(len(free)), together, -quota[free]))[0]]
                quota[best] -= 1
                for other in chosen:
                    for table in (here, met):
                        table[best, other] += 1
                        table[other, best] += 1
                chosen.append(int(best))
            sets[task] = rng.permutation(chosen)
        versions.append(rng.permutation(sets))
    return np.stack(versions)
