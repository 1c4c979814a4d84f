"""Bounds and figures: hand-made numbers, published ones, and brute force."""

from itertools import combinations, product

import numpy as np
import pytest

from cvmstats.design.criteria import (
    adjacent_repeats,
    best_efficiencies,
    concurrence,
    efficiencies,
    incidence,
    information,
    least_pair_squares,
    least_squares,
    pair_sd,
    pair_squares,
    parts,
)

FANO = np.array([(0, 1, 3), (1, 2, 4), (2, 3, 5), (3, 4, 6), (4, 5, 0), (5, 6, 1), (6, 0, 2)])


def test_figures_of_the_fano_plane() -> None:
    member = incidence(FANO, 7)
    met = concurrence(member)
    np.testing.assert_array_equal(met, 2 * np.eye(7) + 1)
    assert int(pair_squares(met)) == least_pair_squares([3] * 7, [3] * 7) == 21
    matrix = information(member)
    np.testing.assert_allclose(matrix, 7 / 3 * (np.eye(7) - 1 / 7))
    np.testing.assert_allclose(efficiencies(matrix), 1.0)
    assert best_efficiencies([3] * 7, [3] * 7) == (1.0, 1.0)
    assert adjacent_repeats(member[None]).tolist() == [6.0]


@pytest.mark.parametrize(("total", "n"), [(0, 3), (7, 3), (12, 4), (5, 5)])
def test_least_squares_by_trying_everything(total: int, n: int) -> None:
    every = [sum(x * x for x in p) for p in product(range(6), repeat=n) if sum(p) == total]
    assert least_squares(total, n) == min(every)


def test_no_design_of_four_sets_beats_the_bound_on_pairs() -> None:
    sets = list(combinations(range(5), 3))
    for chosen in combinations(range(len(sets)), 4):
        met = concurrence(incidence(np.array([sets[c] for c in chosen]), 5))
        assert int(pair_squares(met)) >= least_pair_squares(met.diagonal(), [3] * 4)


# v, k, T, D bound, pair SD bound: the customer's table of methods (regular graph designs)
@pytest.mark.parametrize(("v", "k", "n", "d", "sd"), [
    (7, 4, 7, 1.0, 0.0), (12, 4, 9, .99258, .3887), (15, 4, 15, .99547, .3516), (20, 5, 12, .98981, .4837),
    (30, 5, 18, .98600, .4931), (40, 5, 24, .98499, .4618),
])  # fmt: skip
def test_bounds_are_the_published_ones(v: int, k: int, n: int, d: float, sd: float) -> None:
    often, sizes = [n * k // v] * v, [k] * n
    assert best_efficiencies(often, sizes)[0] == pytest.approx(d, abs=6e-6)
    bound = pair_sd(least_pair_squares(often, sizes), n * k * (k - 1) // 2, v * (v - 1) // 2)
    assert bound == pytest.approx(sd, abs=6e-5)


def test_a_design_in_two_parts_has_no_efficiency() -> None:
    member = incidence([[0, 1, 2], [3, 4, 5]], 6)
    assert parts(concurrence(member)).tolist() == [0, 0, 0, 1, 1, 1]
    assert [float(x) for x in efficiencies(information(member))] == [0.0, 0.0, 0.0]
