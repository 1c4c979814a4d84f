"""Order of sets: beside every order there is."""

from itertools import pairwise, permutations

import numpy as np

from cvmstats._numerics.ordering import order_sets


def test_the_shortest_of_all_orders_is_found() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        table = rng.integers(0, 5, (7, 7))
        table += table.T
        length = [sum(table[a, b] for a, b in pairwise(order)) for order in permutations(range(7))]
        found = order_sets(table, rng)
        assert sorted(found.tolist()) == list(range(7))
        assert sum(table[a, b] for a, b in pairwise(found)) == min(length)


def test_one_set_needs_no_order() -> None:
    assert order_sets([[0]], np.random.default_rng(0)).tolist() == [0]
