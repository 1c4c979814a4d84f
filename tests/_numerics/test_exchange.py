"""Coordinate exchange: what it says it reached is what sums give, and no single exchange of a level is left that helps."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats._numerics.exchange import RIDGE, Problem, criterion, exchange, random_sets
from cvmstats._numerics.information import choice_information

RNG = np.random.default_rng(0)
N_LEVELS = np.array([3, 2, 4])
FIRST, COLUMN, N_COLUMNS = np.array([0, 3, 5]), np.array([0, 2, 3]), np.array([2, 1, 3])


def problem(*, outside: bool, n_draws: int, others: bool, repeats: bool = False) -> Problem:
    k = 6 + outside
    rows = np.zeros((9, k))
    for f, n, c, m in zip(FIRST, N_LEVELS, COLUMN, N_COLUMNS, strict=True):
        block = RNG.normal(size=(n, m))
        rows[f : f + n, c : c + m] = block - block.mean(axis=0)
    offset = np.zeros(k)
    offset[-1] = outside
    pool = np.stack(np.unravel_index(np.arange(24), N_LEVELS), axis=1)
    return Problem(rows=rows, first=FIRST, n_levels=N_LEVELS, column=COLUMN, n_columns=N_COLUMNS, offset=offset,
                   outside=outside, draws=RNG.normal(size=(n_draws, k)), pool=pool,
                   other=np.tile(np.eye(k), (n_draws if others else 0, 1, 1)),
                   prohibited=np.array([[0, 1, -1]]), repeats=repeats)  # fmt: skip


def by_sums(sets: np.ndarray, p: Problem) -> float:
    x = p.offset + p.rows[sets + p.first].sum(axis=2)
    if p.outside:
        x = np.concatenate([x, np.zeros_like(x[:, :1])], axis=1)
    total = 0.0
    for d, beta in enumerate(p.draws):
        matrix = choice_information(x, beta)
        total += np.linalg.slogdet(matrix + RIDGE * np.eye(len(matrix)))[1]
        if len(p.other):
            total += np.linalg.slogdet(matrix + p.other[d] + RIDGE * np.eye(len(matrix)))[1]
    return total / len(p.draws)


@pytest.mark.parametrize(("outside", "n_draws", "others"), [
    (False, 1, False), (True, 1, True), (False, 5, True), (True, 4, False),
])  # fmt: skip
def test_the_end_is_a_local_optimum_by_plain_sums(outside: bool, n_draws: int, others: bool) -> None:
    p = problem(outside=outside, n_draws=n_draws, others=others)
    key = np.array([3, 1], np.uint64)
    sets = random_sets(p, 6, 3, key)
    value = exchange(sets, p, 100)
    assert value == pytest.approx(by_sums(sets, p), rel=1e-6)
    assert criterion(p.offset + p.rows[sets + p.first].sum(axis=2), p) == pytest.approx(value)
    for t, i, a in np.ndindex(sets.shape):
        for level in range(N_LEVELS[a]):
            other = sets.copy()
            other[t, i, a] = level
            rows = [tuple(row) for row in other[t].tolist()]
            same = [set(rows) == {tuple(row) for row in other[s].tolist()} for s in range(6) if s != t]
            if len(set(rows)) == 3 and not any(same) and not (other[t, i, 0] == 0 and other[t, i, 1] == 1):
                assert by_sums(other, p) <= value + 1e-6


@pytest.mark.parametrize("repeats", [True, False])
def test_random_sets_hold_different_profiles_and_stand_once(repeats: bool) -> None:
    three = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]])
    p = problem(outside=False, n_draws=1, others=False, repeats=repeats)._replace(pool=three)
    sets = random_sets(p, 3, 2, np.array([5, 1], np.uint64))
    assert all(len({tuple(row) for row in one.tolist()}) == 2 for one in sets)
    several = {frozenset(tuple(row) for row in one.tolist()) for one in sets}
    assert repeats or len(several) == 3
