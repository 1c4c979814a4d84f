"""Best-worst designs over attributes: case 2 (the levels of one profile) and case 3 (several profiles)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cvmstats.data.attributes import Attributes, level_coding, level_items
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.design.best_worst import design_best_worst
from cvmstats.design.choice_sets import choice_sets
from cvmstats.design.conjoint import Levels
from cvmstats.design.criteria import incidence, information, least_squares
from cvmstats.design.orthogonal import orthogonal_plan
from cvmstats.errors import DesignError

Ints = npt.NDArray[np.int64]

_ROUNDS = 20
_CASTS = 20_000
"""Exchanges of parts that are looked at."""


def design_cases(
    attributes: Levels,
    *,
    case: Literal[2, 3],
    n_versions: int = 1,
    profiles_per_task: int = 4,
    n_tasks: int | None = None,
    n_profiles: int | None = None,
    prohibited: Iterable[Mapping[str, Any]] = (),
    seed: int | np.random.Generator = 0,
) -> Design:
    """Best-worst scaling of attributes (Louviere, Flynn & Marley 2015, Best-Worst Scaling, chapters 3 and 4).

    Case 2: each task shows one profile, and its levels, one of each attribute, are the objects of which the best and the worst
    are named. The profiles are the runs of the smallest orthogonal main-effects plan, levels at random; with several versions
    they are dealt to them, every version with every level as often as can be. Attributes keep one order within a version, and
    it moves on by one from version to version.

    Case 3: each task shows several whole profiles. They are the runs of such a plan, or a D-optimal set, and stand in the
    sets of a block design, see :func:`~cvmstats.design.best_worst.design_best_worst`; which profile plays which of its items
    is chosen for information on the attributes, by exchanges.

    Parameters
    ----------
    attributes : Attributes, or mapping of names to levels
        Two or more in case 2.
    case : 2 or 3
    n_versions : int
        V.
    profiles_per_task : int
        Case 3: k, profiles in a set.
    n_tasks : int, optional
        Case 3: sets in a version, by default so many that each profile stands in three. In case 2 the plan says how many.
    n_profiles : int, optional
        Case 3: take a D-optimal set of so many profiles.
    prohibited : mappings, optional
        Case 3: combinations that no profile may have; the profiles are then a D-optimal set, by default of as many as the plan
        would have.
    seed : int or Generator

    Raises
    ------
    DesignError
        A request that no design can meet, with the nearest one that can be met.

    Examples
    --------
    >>> design_cases({"price": [10, 20, 30], "brand": ["A", "B", "C"], "term": [1, 2, 3]}, case=2)
    Design  1 version x 9 tasks x 3 items
      9 items · best_worst · ...
    """
    parts = attributes if isinstance(attributes, Attributes) else Attributes.from_dict(attributes)
    rng = np.random.default_rng(seed)
    rules = tuple(prohibited)
    if case == 3:
        return _case_3(parts, n_versions, profiles_per_task, n_tasks, n_profiles, rules, rng)
    if case != 2:
        raise DesignError(f"case={case!r} is not known\n  expected 2 (levels of a profile) or 3 (profiles); case 1, items, is "
                          "design_best_worst")  # fmt: skip
    given = [name for name, there in (("n_tasks", n_tasks), ("n_profiles", n_profiles), ("prohibited", rules)) if there]
    if given:
        raise DesignError(f"case 2 takes no {', '.join(given)}: its profiles are the runs of an orthogonal plan\n"
                          "  leave it out, or ask for case 3 or design_conjoint")  # fmt: skip
    return _case_2(parts, n_versions, rng)


def _case_2(attributes: Attributes, n_versions: int, rng: np.random.Generator) -> Design:
    if len(attributes) < 2:
        raise DesignError("a profile of one attribute leaves no best and worst to name\n  expected two attributes or more")
    levels = attributes.n_levels
    plan = orthogonal_plan(levels)
    if not 1 <= n_versions <= len(plan):
        raise DesignError(f"{len(plan)} profiles cannot be dealt to {n_versions} versions\n  the nearest possible: "
                          f"n_versions={min(max(n_versions, 1), len(plan))}")  # fmt: skip
    plan, version = _dealt(plan, levels, n_versions, rng)
    for a, n in enumerate(levels):
        plan[:, a] = rng.permutation(n)[plan[:, a]]
    most = int(np.bincount(version).max())
    shown = np.full((n_versions, most, len(levels)), -1, np.int32)
    for v in range(n_versions):
        mine = rng.permutation(plan[version == v]) + attributes.first
        shown[v, : len(mine)] = np.roll(mine, -v, axis=1)
    return Design(objects=level_items(attributes), shown=shown, kind="best_worst", block=("case 2",) * most, source="cvmstats",
                  **level_coding(attributes)._asdict())  # fmt: skip


def _dealt(plan: Ints, levels: tuple[int, ...], n_versions: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """The runs, and the version of each (runs): by a column more of the plan where that needs no more runs, or by exchanges."""
    if n_versions == 1:
        return plan.copy(), np.zeros(len(plan), np.int64)
    try:
        wider = orthogonal_plan([*levels, n_versions])
    except DesignError:
        wider = plan[:0]
    if len(wider) == len(plan):
        return wider[:, :-1].copy(), wider[:, -1]
    best: tuple[float, Ints] = (np.inf, np.zeros(0, np.int64))
    for _ in range(_ROUNDS):
        version = rng.permutation(np.arange(len(plan)) % n_versions)
        uneven = _exchanged(plan, levels, version, n_versions)
        if uneven < best[0]:
            best = uneven, version
    return plan.copy(), best[1]


def _exchanged(plan: Ints, levels: tuple[int, ...], version: Ints, n_versions: int) -> float:
    """Exchange runs between versions, in place, as long as levels come to stand more evenly; what is left of unevenness."""
    first = np.concatenate([[0], np.cumsum(levels)[:-1]])
    member = np.zeros((len(plan), sum(levels)), np.int64)
    np.put_along_axis(member, plan + first, 1, axis=1)
    count = np.stack([member[version == v].sum(axis=0) for v in range(n_versions)])
    better = True
    while better:
        better = False
        for e in range(len(plan)):
            others = np.flatnonzero(version != version[e])
            change = member[others] - member[e]
            # count[v] takes `change`, count[w] gives it
            gain = 2 * (change * (count[version[e]] - count[version[others]])).sum(axis=1) + 2 * np.square(change).sum(axis=1)
            if gain.min() < 0:
                f = others[int(np.argmin(gain))]
                count[version[e]] += member[f] - member[e]
                count[version[f]] += member[e] - member[f]
                version[[e, f]] = version[[f, e]]
                better = True
    sizes = np.bincount(version)
    return float(np.square(count).sum() - sum(least_squares(int(s), n) for s in sizes for n in levels))


def _case_3(attributes: Attributes, n_versions: int, size: int, n_tasks: int | None, n_profiles: int | None,
            rules: tuple[Mapping[str, Any], ...], rng: np.random.Generator) -> Design:  # fmt: skip
    k = attributes.coding.shape[1]
    if n_profiles is not None and n_profiles <= k:
        raise DesignError(f"{n_profiles} profiles cannot tell {k} parameters apart\n  the nearest possible: n_profiles={k + 1}")
    if n_profiles is None:
        plan = np.unique(orthogonal_plan(attributes.n_levels), axis=0)
    if n_profiles is not None or rules:
        number = len(plan) if n_profiles is None else n_profiles
        plan = choice_sets(attributes, number, 1, 1, np.zeros((1, k)), prohibited=rules, rng=rng)[0, 0]
    else:
        plan = np.stack([rng.permutation(n)[plan[:, a]] for a, n in enumerate(attributes.n_levels)], axis=1)
    profiles = Profiles(attributes=attributes, levels=plan.astype(np.int32))
    blocks = design_best_worst(Items.from_labels(profiles.ids), items_per_task=size, n_tasks=n_tasks, n_versions=n_versions,
                               seed=rng)  # fmt: skip
    shown = _cast(profiles.coded().coding, np.asarray(blocks.shown), rng)
    return Design(objects=profiles, shown=shown, kind="best_worst", block=("case 3",) * blocks.n_tasks, source="cvmstats")


def _cast(coding: npt.NDArray[np.float64], shown: npt.NDArray[np.int32], rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """The same sets with parts exchanged between profiles as long as log det of the information on parameters grows.

    A set's information on the utilities of its k objects at equal utilities is a multiple of I - J / k, all versions
    together.
    """
    between = information(incidence(shown, len(coding)).reshape(-1, len(coding)))
    scale = np.linalg.norm(coding, axis=0)
    rows = coding / np.where(scale > 0, scale, 1)
    ridge = 1e-9 * np.eye(rows.shape[1])
    best, most, n = np.arange(len(coding)), -np.inf, 0
    while n < _CASTS:
        part = rng.permutation(len(coding))
        x, met = rows[part], between @ rows[part]
        total = x.T @ met + ridge
        value, better = float(np.linalg.slogdet(total)[1]), True
        while better and n < _CASTS:
            better = False
            for i, j in combinations(range(len(coding)), 2):
                d, seen = x[i] - x[j], met[i] - met[j]
                crossed = np.outer(d, seen)
                own = between[i, i] + between[j, j] - 2 * between[i, j]
                new = total - crossed - crossed.T + own * np.outer(d, d)
                reached, n = float(np.linalg.slogdet(new)[1]), n + 1
                if reached > value + 1e-9:
                    value, total, better = reached, new, True
                    met = met - np.outer(between[:, i] - between[:, j], d)
                    x[[i, j]], part[[i, j]] = x[[j, i]], part[[j, i]]
                if n >= _CASTS:
                    break
        if value > most + 1e-9:
            best, most = part, value
    return np.asarray(best[shown], np.int32)
