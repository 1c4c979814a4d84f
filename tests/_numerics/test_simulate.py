"""Simulated answers against exact probabilities."""

from __future__ import annotations

import numpy as np
from scipy import stats

from cvmstats._numerics.simulate import BEST, JOINT, RANK, WORST, simulate_places


def exact(v: np.ndarray) -> dict[tuple[int, int], float]:
    """P(best, worst) by the formula of the sequential form."""
    p = np.exp(v) / np.exp(v).sum()
    return {
        (b, w): p[b] * np.exp(-v[w]) / (np.exp(-v).sum() - np.exp(-v[b]))
        for b in range(len(v)) for w in range(len(v)) if b != w
    }  # fmt: skip


def test_frequencies_are_the_probabilities() -> None:
    rng = np.random.default_rng(20)
    v, people = np.array([0.8, -0.5, 0.1, -1.2, 3.0]), 20_000
    shown = np.array([[[3, 1, 0, 2]]])
    place = simulate_places(np.tile(v, (people, 1)), shown, np.zeros(people, int), rng.random((people, 1, 2)))
    best, worst = place[:, 0].argmax(axis=1), place[:, 0].argmin(axis=1)
    expected = exact(v[shown[0, 0]])
    seen = np.array([((best == b) & (worst == w)).sum() for b, w in expected])
    assert seen.sum() == people
    assert stats.chisquare(seen, people * np.array(list(expected.values()))).pvalue > 1e-3


def test_each_person_has_their_own_version_and_utilities() -> None:
    u = np.array([[50.0, 0.0, -50.0, 0.0], [-50.0, 0.0, 50.0, 100.0]])
    shown = np.array([[[0, 1, 2], [1, 2, -1]], [[3, 0, 1], [-1, -1, -1]]])
    place = simulate_places(u, shown, [0, 1], np.full((2, 2, 2), 0.5))
    assert place[0].tolist() == [[1, 0, -1], [1, -1, -128]]
    assert place[1].tolist() == [[1, -1, 0], [-128, -128, -128]]


def test_the_ends_of_the_unit_interval_and_far_utilities() -> None:
    """Exactly one best and one worst whatever the number, with utilities whose exponentials overflow."""
    u = np.array([[2000.0, -2000.0, 0.0, 1.0]])
    shown = np.array([[[0, 1, 2, 3]]])
    for a in (0.0, 0.5, np.nextafter(1, 0)):
        place = simulate_places(u, shown, [0], np.full((1, 1, 2), a))[0, 0]
        assert place.tolist() == [1, -1, 0, 0]
    flat = simulate_places(np.zeros((1, 4)), shown, [0], np.full((1, 1, 2), np.nextafter(1, 0)))[0, 0]
    assert sorted(flat.tolist()) == [-1, 0, 0, 1]


def test_the_worst_does_not_move_the_best() -> None:
    rng = np.random.default_rng(1)
    u, shown = rng.normal(size=(50, 4)), np.array([[[0, 1, 2, 3]]])
    numbers = rng.random((50, 1, 2))
    other = numbers.copy()
    other[..., 1] = rng.random((50, 1))
    one, two = (simulate_places(u, shown, np.zeros(50, int), n) for n in (numbers, other))
    np.testing.assert_array_equal(one == 1, two == 1)
    assert (one != two).any()


def test_joint_frequencies_are_the_probabilities() -> None:
    v, people = np.array([0.8, -0.5, 0.1, -1.2]), 20_000
    uniforms = np.random.default_rng(22).random((people, 1, 2))
    place = simulate_places(np.tile(v, (people, 1)), [[[0, 1, 2, 3]]], np.zeros(people, int), uniforms, JOINT)[:, 0]
    best, worst = place.argmax(axis=1), place.argmin(axis=1)
    chance = np.exp(v[:, None] - v[None, :])
    np.fill_diagonal(chance, 0)
    seen = np.zeros((4, 4))
    np.add.at(seen, (best, worst), 1)
    apart = ~np.eye(4, dtype=bool)
    assert stats.chisquare(seen[apart], people * chance[apart] / chance.sum()).pvalue > 1e-3


def test_rankings_follow_the_exploded_logit() -> None:
    v, people = np.array([0.8, -0.5, 0.1]), 20_000
    uniforms = np.random.default_rng(23).random((people, 1, 2))
    place = simulate_places(np.tile(v, (people, 1)), [[[0, 1, 2, -1]]], np.zeros(people, int), uniforms, RANK)[:, 0]
    assert (place[:, 3] == -128).all()
    e, orders = np.exp(v), [(a, b, 3 - a - b) for a in range(3) for b in range(3) if a != b]
    seen = [(place[:, :3].argsort(axis=1) == order).all(axis=1).sum() for order in orders]
    chance = np.array([e[a] / e.sum() * e[b] / (e[b] + e[c]) for a, b, c in orders])
    assert sum(seen) == people
    assert stats.chisquare(seen, people * chance).pvalue > 1e-3


def test_each_task_is_answered_in_its_own_way() -> None:
    u = np.array([[50.0, 0.0, -50.0]])
    shown = np.array([[[0, 1, 2], [0, 1, 2], [0, 1, 2], [1, 2, -1]]])
    place = simulate_places(u, shown, [0], np.full((1, 4, 2), 0.5), [[BEST, WORST, RANK, JOINT]])[0]
    assert place.tolist() == [[1, 0, 0], [0, 0, -1], [1, 2, 3], [1, -1, -128]]


def test_a_joint_pair_is_one_pair_logit() -> None:
    """At two objects all forms are the pair logit, not one of doubled utilities; five binomial standard errors."""
    people = 20_000
    uniforms = np.random.default_rng(24).random((people, 1, 2))
    place = simulate_places(np.tile([1.0, 0.0], (people, 1)), [[[0, 1]]], np.zeros(people, int), uniforms, JOINT)
    assert abs((place[:, 0, 0] == 1).mean() - 1 / (1 + np.exp(-1))) < 5 * 0.5 / np.sqrt(people)
