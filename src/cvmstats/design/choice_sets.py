"""D-optimal sets of profiles, in versions that serve alone and beside one another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.arrange import arrange_profiles
from cvmstats._numerics.exchange import Problem, exchange, random_sets
from cvmstats._numerics.information import choice_information
from cvmstats.data.attributes import Attributes
from cvmstats.data.profiles import Profiles
from cvmstats.design.combinations import allowed_profiles
from cvmstats.design.orthogonal import known_plan

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WORK = 1.5e9
"""Elementary steps that all starts of a design may take."""
_FEWEST, _MOST = 3, 400
"""Starts per version, where nothing is said."""
_SWEEPS = 60


def choice_sets(attributes: Attributes, size: int, n_tasks: int, n_versions: int, draws: Floats, *, outside: bool = False,
                prohibited: Iterable[Mapping[str, Any]] = (), repeats: bool = False, n_starts: int | None = None,
                rng: np.random.Generator) -> Ints:  # fmt: skip
    """Levels (V, T, A, attributes) of sets of profiles with large log det information, by coordinate exchange.

    Versions are made one after the other, each the best of several starts: log det of its own information, plus that
    of its own and all before it. In the end profiles are put in an order in which levels stand in all positions evenly.

    Parameters
    ----------
    draws : array (D, K)
        Utilities at which the information is taken, their mean log det counts; the constant last, where ``outside``.
    outside : bool
        Whether each set also has a none option.
    repeats : bool
        Whether a set may stand twice in a version; otherwise it does only where there are not enough different ones.
    n_starts : int, optional
        By default up to 400, fewer in large designs.
    """
    allowed = allowed_profiles(attributes, prohibited, size, rng)
    problem = _problem(attributes, draws, outside, allowed.prohibited, allowed.levelled,
                       repeats or (allowed.complete and comb(len(allowed.pool), size) < n_tasks))  # fmt: skip
    starts = _starts(problem, size, n_tasks, n_versions) if n_starts is None else n_starts
    out = np.empty((n_versions, n_tasks, size, len(attributes)), np.int64)
    before = np.zeros((len(draws), problem.rows.shape[1], problem.rows.shape[1]))
    for v in range(n_versions):
        now = problem._replace(other=before if v else before[:0])
        out[v] = _best_start(now, _first_sets(attributes, problem, n_tasks, size, starts, rng))
        x = problem.offset + problem.rows[out[v] + problem.first].sum(axis=2)
        before = before + np.stack([_information(x, beta, outside) for beta in problem.draws])
    order = arrange_profiles(out.reshape(-1, size, len(attributes)), rng).reshape(out.shape[:3])
    return np.take_along_axis(out, order[..., None], axis=2)


def _first_sets(attributes: Attributes, problem: Problem, n_tasks: int, size: int, n: int,
                rng: np.random.Generator) -> list[Ints]:  # fmt: skip
    """Sets (T, A, attributes) to start from: at random, and where it may be every other one by shifts of an orthogonal plan.

    A run of the plan is the first profile of a task, and others follow by adding to its levels, modulo their number, so that
    few levels stand twice: at equal utilities such designs can be optimal (Street, Burgess & Louviere 2005, International
    Journal of Research in Marketing 22, 459-470).
    """
    key = rng.integers(2**63, size=2, dtype=np.uint64)
    levels = np.array(attributes.n_levels)
    plan = known_plan(attributes.n_levels) if not len(problem.prohibited) else None
    out = []
    for s in range(n):
        if plan is None or s % 2 == 0:
            out.append(random_sets(problem, n_tasks, size, key))
            continue
        runs = np.concatenate([rng.permutation(len(plan)) for _ in range(-(-n_tasks // len(plan)))])[:n_tasks]
        parts = []
        for first in range(0, n_tasks, len(plan)):  # each round of the plan with shifts of its own
            shift = np.stack([rng.permutation(np.arange(size) + rng.integers(n)) for n in levels], axis=1)
            parts.append((plan[runs[first : first + len(plan)], None] + shift - shift[0]) % levels)
        sets = np.concatenate(parts)
        codes = np.sort(sets @ np.concatenate([[1], np.cumprod(levels)[:-1]]), axis=1)
        different = (codes[:, 1:] > codes[:, :-1]).all()
        once = problem.repeats or len(np.unique(codes, axis=0)) == n_tasks
        out.append(sets if different and once else random_sets(problem, n_tasks, size, key))
    return out


def _best_start(problem: Problem, starts: list[Ints]) -> Ints:
    """The best of the sets that starts lead to, the first of equals: the same whatever the number of threads."""

    def run(sets: Ints) -> tuple[float, Ints]:
        return exchange(sets, problem, _SWEEPS), sets

    best, chosen = -np.inf, run(starts[0])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for value, sets in (chosen, *pool.map(run, starts[1:])):
            if value > best + 1e-9:
                best, chosen = value, (value, sets)
    return chosen[1]


def as_profiles(attributes: Attributes, levels: Ints, none: bool, **options: Any) -> tuple[Profiles, npt.NDArray[np.int32]]:
    """The different profiles of sets (V, T, A, attributes), the none option last, and their indices (V, T, A or A + 1)."""
    flat = levels.reshape(-1, levels.shape[-1])
    distinct, index = np.unique(flat, axis=0, return_inverse=True)
    shown = index.reshape(levels.shape[:-1]).astype(np.int32)
    if none:
        distinct = np.vstack([distinct, np.full((1, distinct.shape[1]), -1)])
        last = np.full((*shown.shape[:2], 1), len(distinct) - 1, np.int32)
        shown = np.concatenate([shown, last], axis=2)
    return Profiles(attributes=attributes, levels=distinct.astype(np.int32), **options), shown


def _problem(attributes: Attributes, draws: Floats, outside: bool, prohibited: Ints, pool: Ints, repeats: bool) -> Problem:
    coding = np.hstack([attributes.coding, np.zeros((len(attributes.table), int(outside)))])
    # D-optimality does not depend on units, but the ridge does
    unit = np.append(np.linalg.norm(attributes.coding, axis=0), np.ones(int(outside)))
    n_columns = np.array([attributes.parameter_block.count(name) for name in attributes.names])
    offset = np.zeros(coding.shape[1])
    offset[-1] = float(outside)
    return Problem(rows=np.ascontiguousarray(coding / unit), first=attributes.first, n_levels=np.array(attributes.n_levels),
                   column=np.concatenate([[0], np.cumsum(n_columns)[:-1]]), n_columns=n_columns, offset=offset, outside=outside,
                   draws=np.ascontiguousarray(draws * unit), other=np.zeros((0, coding.shape[1], coding.shape[1])), pool=pool,
                   prohibited=prohibited, repeats=repeats)  # fmt: skip


def _starts(problem: Problem, size: int, n_tasks: int, n_versions: int) -> int:
    levels, k = problem.rows.shape
    n_draws = len(problem.draws)
    per_set = size * levels * (60 + size * (size + 10 + k // max(1, len(problem.first)))) + 6 * k**3
    sweep = 8 * n_tasks * n_draws * per_set * (1 + (n_versions > 1))
    return int(np.clip(_WORK / (sweep * n_versions), _FEWEST, _MOST))


def _information(x: Floats, beta: Floats, outside: bool) -> Floats:
    if outside:
        x = np.concatenate([x, np.zeros((*x.shape[:-2], 1, x.shape[-1]))], axis=-2)
    return choice_information(x, beta)
