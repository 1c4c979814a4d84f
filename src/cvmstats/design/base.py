"""Good single versions: T sets of k out of w items, pairs at their bound, connected, no set twice."""

from __future__ import annotations

from math import comb
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.ordering import order_sets
from cvmstats._numerics.swaps import anneal, as_sets, deal
from cvmstats.design.block_designs import block_design
from cvmstats.design.criteria import concurrence, efficiencies, incidence, information, least_pair_squares, pair_squares, parts

Ints = npt.NDArray[np.int64]

HOT, COLD = 1.0, 0.2
"""Temperatures of an anneal; a move changes the sum of squares of pairs by 2 or more."""
EVEN = 50.0
"""What unevenly shown items count for: too much for an anneal to accept."""
_MOVES = 3_000
"""Moves of an anneal per place in the design, long enough to reach the bound nearly always."""
_ATTEMPTS = 20
_CHOICE = 2
"""Designs from which each wanted one is chosen, by D."""
_REPEAT, _APART = 4.0, 8.0
"""What a repeated set and a disconnected part count for beside the sum of squares."""


class Base(NamedTuple):
    """One version before items are named.

    Attributes
    ----------
    sets : array (T, k)
        In an order in which neighbours share few.
    fault : float
        Excess of the sum of squares over its bound, and what repeated sets and loose parts add to it.
    d : float
        D efficiency.
    spectrum : bytes
        What stays the same if items are renamed, so that designs in which it differs are different ones.
    """

    sets: Ints
    fault: float
    d: float
    spectrum: bytes


def base_designs(n_items: int, n_sets: int, size: int, n_wanted: int, rng: np.random.Generator) -> list[Base]:
    """At most ``n_wanted`` different designs, all as good as the best one found; the first by D comes first.

    An exact table is used where there is one for just so many sets. Otherwise designs are annealed until as many as wanted
    are at the bound, or until the attempts are used up.
    """
    table, fault = block_design(n_items, n_sets, size), 0.0
    if table is not None and (fault := _fault(table, n_items)) < _REPEAT:
        return [_in_order(_measured(table, fault, n_items), rng)]
    found = [] if table is None else [_measured(table, fault, n_items)]
    for attempt in range(_ATTEMPTS + _CHOICE * n_wanted):
        least = min((base.fault for base in found), default=np.inf)
        found = list({base.spectrum: base for base in found if base.fault <= least}.values())
        if len(found) >= _CHOICE * n_wanted and (least <= 0 or attempt >= _ATTEMPTS):
            break
        sets = _annealed(n_items, n_sets, size, rng)
        if (fault := _fault(sets, n_items)) <= least:
            found.append(_measured(sets, fault, n_items))
    least = min(base.fault for base in found)
    distinct = {base.spectrum: base for base in found if base.fault <= least}
    chosen = sorted(distinct.values(), key=lambda base: -round(base.d, 6))[:n_wanted]  # the same on every machine
    return [_in_order(base, rng) for base in chosen]


def _annealed(n_items: int, n_sets: int, size: int, rng: np.random.Generator) -> Ints:
    """One anneal; where there are more sets than different ones, whole rounds of all of them first."""
    rounds, rest = divmod(n_sets, comb(n_items, size))
    every = block_design(n_items, comb(n_items, size), size) if rounds else None
    whole = [every] * rounds if every is not None else []
    if rest == 0:
        return np.concatenate(whole)
    sets = as_sets(deal(n_items, rest, size, rng), n_items)
    often = np.bincount(sets.shown.ravel(), minlength=n_items)
    goal = float(least_pair_squares(often, np.full(rest, size)))
    key = rng.integers(2**63, size=2, dtype=np.uint64)
    anneal(sets, np.zeros((n_items, n_items)), EVEN, HOT, COLD, _MOVES * sets.shown.size, goal, key)
    return np.concatenate([*whole, sets.shown])


def _fault(sets: Ints, n_items: int) -> float:
    """How far the sets are from what could be wished."""
    n_sets, size = sets.shape
    member = incidence(sets, n_items)
    met = concurrence(member)
    excess = float(pair_squares(met)) - least_pair_squares(met.diagonal(), np.full(n_sets, size))
    repeated = n_sets - len(np.unique(member, axis=0))
    needed = max(0, n_sets - comb(n_items, size))
    loose = int(parts(met).max()) if n_sets * (size - 1) >= n_items - 1 else 0
    return float(excess + _REPEAT * max(0, repeated - needed) + _APART * loose)


def _measured(sets: Ints, fault: float, n_items: int) -> Base:
    member = incidence(sets, n_items)
    return Base(sets, fault, float(efficiencies(information(member))[0]), spectrum(concurrence(member)))


def _in_order(base: Base, rng: np.random.Generator) -> Base:
    member = incidence(base.sets, int(base.sets.max()) + 1).astype(np.int64)
    return base._replace(sets=base.sets[order_sets(member @ member.T, rng)])


def spectrum(met: Ints) -> bytes:
    """Eigenvalues of a matrix made of how pairs meet, directly and through others; a cosine keeps cospectral ones apart."""
    near = met.astype(float)
    values = np.linalg.eigvalsh(np.cos(near @ near + 0.1 * near)).round(6)
    return (values + 0.0).tobytes()  # no -0
