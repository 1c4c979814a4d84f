"""The annealer: its tables stay true, its cost is the cost, and it finds what is known to exist."""

import numpy as np
import pytest

from cvmstats._numerics.swaps import anneal, as_sets, deal, pair_cost

KEY = (5, 0)


def test_tables_and_cost_are_those_of_the_sets() -> None:
    rng = np.random.default_rng(1)
    price = rng.normal(size=(12, 12))
    price += price.T
    sets = as_sets(deal(12, 10, 4, rng), 12)
    cost = anneal(sets, price, 3.0, 2.0, 1.0, 5_000, -np.inf, np.array(KEY, np.uint64))
    again = as_sets(sets.shown, 12)
    for mine, true in zip(sets, again, strict=True):
        np.testing.assert_array_equal(mine, true)
    least = 4 * 4**2 + 8 * 3**2
    direct = sum(again.met[i, j] * (again.met[i, j] + 2 * price[i, j]) for i in range(12) for j in range(i))
    np.testing.assert_allclose(cost, direct + 3.0 * (np.square(again.often).sum() - least), rtol=1e-9)
    np.testing.assert_allclose(pair_cost(again, price), direct, rtol=1e-12)


def test_dealt_sets_show_nobody_twice_and_all_equally() -> None:
    last = np.arange(11.0)
    shown = deal(11, 9, 5, np.random.default_rng(2), last=last)
    assert all(len(set(one)) == 5 for one in shown.tolist())
    np.testing.assert_array_equal(np.bincount(shown.ravel()), [5] + [4] * 10)


@pytest.mark.parametrize(("v", "k", "n"), [(7, 3, 7), (13, 4, 13), (9, 3, 12)])
def test_a_balanced_design_is_found(v: int, k: int, n: int) -> None:
    pairs = n * k * (k - 1) // 2
    for attempt in range(5):
        sets = as_sets(deal(v, n, k, np.random.default_rng(attempt)), v)
        key = np.array([attempt, 0], np.uint64)
        if anneal(sets, np.zeros((v, v)), 50.0, 1.0, 0.2, 3_000 * n * k, float(pairs), key) == pairs:
            break
    np.testing.assert_array_equal(sets.met, 1 - np.eye(v))


def test_what_costs_too_much_does_not_meet() -> None:
    price = np.zeros((10, 10))
    price[0, 1] = price[1, 0] = 500.0
    sets = as_sets(deal(10, 12, 4, np.random.default_rng(0)), 10)
    anneal(sets, price, 50.0, 1.0, 0.2, 20_000, -np.inf, np.array(KEY, np.uint64))
    assert sets.met[0, 1] == 0
