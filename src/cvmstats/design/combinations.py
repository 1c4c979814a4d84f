"""Which combinations of levels may be: prohibitions read, checked, and the profiles that are left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats.data.attributes import Attributes
from cvmstats.errors import DesignError, examples

Ints = npt.NDArray[np.int64]

_ALL = 50_000
"""Profiles up to which all are listed."""
_SAMPLE, _RARE = 20_000, 30
"""Profiles drawn where there are more; and how many are searched for a level that none of those that are left has."""
_PER_LEVEL = 300


class Allowed(NamedTuple):
    """Profiles that may be shown.

    Attributes
    ----------
    prohibited : array (P, attributes)
        -1 where any level is meant.
    pool : array (N, attributes)
        All of them, or a random part.
    levelled : array (N', attributes)
        Where there are prohibitions, as many of the pool with each level, some more than once: exchanges of single levels may
        not lead to a level that goes with few others.
    complete : bool
        Whether the pool holds all of them.
    """

    prohibited: Ints
    pool: Ints
    levelled: Ints
    complete: bool


def allowed_profiles(attributes: Attributes, prohibited: Iterable[Mapping[str, Any]], n_needed: int,
                     rng: np.random.Generator) -> Allowed:  # fmt: skip
    """The profiles that prohibitions leave.

    Parameters
    ----------
    prohibited : mappings
        Each names two attributes or more with a level: ``{"price": 10, "brand": "A"}``.
    n_needed : int
        Different profiles in a set.

    Raises
    ------
    DesignError
        Prohibitions that leave no profile for a level, too few profiles, or effects that cannot be told apart.
    """
    rules = _parse(attributes, prohibited)
    n = attributes.n_levels
    complete = prod(n) <= _ALL
    if complete:
        every = np.stack(np.unravel_index(np.arange(prod(n)), n), axis=1).astype(np.int64)
    else:
        every = np.stack([rng.integers(0, size, _SAMPLE) for size in n], axis=1)
    pool = every[~_meets(every, rules)]
    stuck = []
    for a, i in np.argwhere(~_present(pool, n)):
        drawn = [] if complete else [_search(n, rules, a, i, rng) for _ in range(_RARE)]
        found = [one for one in drawn if one is not None]
        if found:
            pool = np.vstack([pool, *found])
        else:
            stuck.append((a, i))
    labels, first = attributes.labels, attributes.first
    if stuck:
        a, i = stuck[0]
        rule = rules[rules[:, a] == i] if len(rules) else rules
        against = sorted({labels[first[b] + row[b]] for row in rule for b in range(len(n)) if b != a and row[b] >= 0})
        raise DesignError(f"prohibitions leave no profile for {len(stuck)} of {len(labels)} levels\n  for example "
                          f"{examples([labels[first[b] + j] for b, j in stuck])}: {labels[first[a] + i]!r} must not meet "
                          f"{examples(against) or 'what all others need'}\n  prohibit less, or take the level out")  # fmt: skip
    if len(pool) < n_needed:
        raise DesignError(f"{len(pool)} profiles are possible, and a set is to show {n_needed} different ones\n"
                          f"  the nearest possible: {len(pool)} profiles in a set")  # fmt: skip
    _check_rank(attributes, pool)
    return Allowed(rules, pool, _levelled(pool, n, rng) if len(rules) else pool, complete)


def _parse(attributes: Attributes, prohibited: Iterable[Mapping[str, Any]]) -> Ints:
    rows = []
    for one in prohibited:
        if not isinstance(one, Mapping) or len(one) < 2:
            raise DesignError(f"prohibited: {one!r}\n  expected two attributes or more, each with a level, such as "
                              f"{{{attributes.names[0]!r}: {attributes.levels[0][0]!r}, {attributes.names[-1]!r}: "
                              f"{attributes.levels[-1][0]!r}}}")  # fmt: skip
        row = np.full(len(attributes), -1)
        for name, level in one.items():
            a, i = attributes.find(name, level)
            row[a] = i
        rows.append(row)
    return np.array(rows, np.int64).reshape(len(rows), len(attributes))


def _meets(profiles: Ints, rules: Ints) -> npt.NDArray[np.bool_]:
    out = np.zeros(len(profiles), bool)
    for rule in rules:
        out |= ((rule < 0) | (profiles == rule)).all(axis=1)
    return out


def _present(pool: Ints, n: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Whether any profile has the level (attributes, most levels); True beyond an attribute's levels."""
    out = np.arange(max(n)) >= np.array(n)[:, None]
    for a in range(len(n)):
        out[a, pool[:, a]] = True
    return np.asarray(out)


def _levelled(pool: Ints, n: tuple[int, ...], rng: np.random.Generator) -> Ints:
    return np.vstack([rng.choice(pool[pool[:, a] == i], _PER_LEVEL) for a in range(len(n)) for i in range(n[a])])


def _search(n: tuple[int, ...], rules: Ints, attribute: int, level: int, rng: np.random.Generator) -> Ints | None:
    """A profile with this level, None where there is none, by a search in depth through the attributes that rules name."""
    order = rng.permutation([a for a in range(len(n)) if a != attribute and (rules[:, a] >= 0).any()])
    profile = np.full(len(n), -2)
    profile[attribute] = level

    def extend(depth: int) -> bool:
        if (((rules < 0) | (rules == profile)).all(axis=1)).any():
            return False
        if depth == len(order):
            return True
        for i in rng.permutation(n[order[depth]]):
            profile[order[depth]] = i
            if extend(depth + 1):
                return True
        profile[order[depth]] = -2
        return False

    if not extend(0):
        return None
    return np.where(profile >= 0, profile, [rng.integers(size) for size in n])


def _check_rank(attributes: Attributes, pool: Ints) -> None:
    coded = attributes.coding[pool + attributes.first].sum(axis=1)
    scale = np.abs(coded).max(axis=0)
    centred = (coded - coded.mean(axis=0)) / np.where(scale > 0, scale, 1)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    loose_ones = values <= 1e-10 * max(values[-1], 1e-300)
    rank = int((~loose_ones).sum())
    if rank < coded.shape[1]:
        loose = np.abs(vectors[:, loose_ones]).max(axis=1) > 1e-6
        names = [name for name in attributes.names if loose[np.array(attributes.parameter_block) == name].any()]
        raise DesignError(f"prohibitions leave {len(pool):,} profiles in which effects cannot be told apart: "
                          f"{coded.shape[1] - rank} of {coded.shape[1]} parameters are functions of the others\n"
                          f"  they are those of {examples(names)}\n  prohibit less")  # fmt: skip
