"""Versions in which some pairs of items must never meet."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.ordering import order_sets
from cvmstats._numerics.swaps import anneal, as_sets, deal
from cvmstats.design.base import COLD, EVEN, HOT
from cvmstats.design.criteria import incidence
from cvmstats.errors import DesignError, examples

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_APART = 200.0
"""Price of a prohibited pair."""
_UNEVEN = 5.0
"""What unevenly shown items count for where prohibitions leave no even design."""
_MOVES = 600
_ATTEMPTS = 12


def check_prohibitions(apart: Bools, size: int, labels: tuple[str, ...]) -> None:
    """Refuse prohibitions under which an item fits into no set, by an exact search (HiGHS) for the largest set it fits into.

    Parameters
    ----------
    apart : array (J, J), bool
        Pairs that must not meet.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    pairs = np.argwhere(np.triu(apart, 1))
    rows = np.zeros((len(pairs), len(apart)))
    rows[np.arange(len(pairs))[:, None], pairs] = 1
    stuck = []
    for i in np.flatnonzero(apart.any(axis=1)):
        low = np.zeros(len(apart))
        low[i] = 1
        best = milp(-np.ones(len(apart)), integrality=np.ones(len(apart), np.int64), bounds=Bounds(low, np.ones(len(apart))),
                    constraints=LinearConstraint(rows, -np.inf, 1))  # fmt: skip
        most = round(-float(best.fun or 0.0))
        if most < size:
            stuck.append((most, i))
    if stuck:
        most, i = min(stuck)
        enemies = [labels[j] for j in np.flatnonzero(apart[i])]
        raise DesignError(
            f"prohibited pairs leave no set of {size} for {len(stuck)} of {len(apart)} items\n"
            f"  for example {examples([labels[j] for _, j in stuck])}: {labels[i]!r} must not meet {examples(enemies)}, and no "
            f"more than {most} items, itself included, may stand together\n"
            f"  {f'ask {most} items per task, or ' * (most > 1)}prohibit less"
        )


def restricted_versions(n_items: int, n_versions: int, n_sets: int, size: int, n_parts: int, always: Ints, apart: Bools,
                        labels: tuple[str, ...], rng: np.random.Generator) -> Ints:  # fmt: skip
    """Item indices (V, T, k), annealed version by version; pairs that met often in earlier versions cost more.

    Raises
    ------
    DesignError
        Where no version was found that keeps every pair apart.
    """
    total, shown = np.zeros((n_items, n_items)), np.zeros(n_items)
    shown[always] = -np.inf
    out = np.empty((n_versions, n_sets, size), np.int64)
    for v in range(n_versions):
        chosen = np.sort(np.lexsort((rng.random(n_items), shown))[:n_parts])
        price = total[np.ix_(chosen, chosen)]
        price = (price - price.mean()) / max(1.0, np.sqrt(v)) + _APART * apart[np.ix_(chosen, chosen)]
        out[v] = chosen[_one_version(n_parts, n_sets, size, shown[chosen], price, labels, chosen, rng)]
        member = incidence(out[v], n_items).astype(np.int64)
        total += member.T @ member
        np.fill_diagonal(total, 0)
        shown += member.sum(axis=0)
    return out


def _one_version(n_parts: int, n_sets: int, size: int, shown: npt.NDArray[np.float64], price: npt.NDArray[np.float64],
                 labels: tuple[str, ...], chosen: Ints, rng: np.random.Generator) -> Ints:  # fmt: skip
    apart = price > _APART / 2
    least: list[tuple[int, int]] = []
    for attempt in range(_ATTEMPTS):
        sets = as_sets(deal(n_parts, n_sets, size, rng, last=shown), n_parts)
        uneven = EVEN if attempt < _ATTEMPTS // 2 else _UNEVEN
        key = rng.integers(2**63, size=2, dtype=np.uint64)
        anneal(sets, price, uneven, HOT, COLD, (1 + attempt) * _MOVES * sets.shown.size, -np.inf, key)
        together = [(int(i), int(j)) for i, j in np.argwhere(np.triu(apart & (sets.met > 0)))]
        if not together:
            member = sets.inside.astype(np.int64)
            return sets.shown[order_sets(member @ member.T, rng, n_starts=3)]
        least = min(least or together, together, key=len)
    names = [f"{labels[chosen[i]]} with {labels[chosen[j]]}" for i, j in least]
    raise DesignError(f"no version of {n_sets} sets of {size} was found that keeps all prohibited pairs apart\n"
                      f"  the best of {_ATTEMPTS} attempts still shows {examples(names)} together\n"
                      f"  ask {size - 1} items per task, fewer tasks, or prohibit less")  # fmt: skip


def as_table(prohibited: Iterable[Iterable[str]], n_items: int, index: dict[str, int]) -> Bools:
    """Pairs that must not meet (J, J), from pairs or groups of labels or ids."""
    apart = np.zeros((n_items, n_items), bool)
    for group in prohibited:
        names = [str(name) for name in group]
        unknown = [name for name in names if name not in index]
        if unknown or len(set(names)) < 2:
            wrong = f"unknown items {examples(unknown)}" if unknown else "one item only"
            raise DesignError(f"prohibited {tuple(names)!r}: {wrong}\n  expected pairs or groups of ids or labels of the items")
        at = [index[name] for name in names]
        for one, other in combinations(at, 2):
            apart[one, other] = apart[other, one] = True
    return apart
