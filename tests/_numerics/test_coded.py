"""Answers about ties, grades, places in a pair, second questions and blocks with an error scale of their own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cvmstats._numerics.coded import make_coded, people_derivatives, sum_derivatives
from cvmstats._numerics.logit import task_log_likelihood
from cvmstats._numerics.tasks import Given, Reading, Tasks, flatten

J, K = 4, 3
CODING = np.random.default_rng(0).normal(size=(J, K))
ANCHORED = np.vstack([CODING[:3], np.zeros(K)])


def pairs(outcomes: list[tuple[int, int]], kind: str, **reading: object) -> Tasks:
    """One person, the pair (2, 0) once per outcome: place of 2, then strength."""
    place = [[[1, 0], [0, 1], [1, 1]][o] for o, _ in outcomes]
    return flatten([[[2, 0]] * len(outcomes)], [0], [place], np.full((1, len(outcomes)), kind, object), J,
                   reading=Reading(**reading), given=Given(strength=[[s for _, s in outcomes]]))  # type: ignore[arg-type]  # fmt: skip


def dual(answer: str, *, kind: str = "best_worst", scale: int = 0) -> Tasks:
    """Objects 0, 1, 2 and the anchor 3; best is 0, worst is 2."""
    place = {"none": [2, 0, -1, 1], "all": [1, 0, -2, -1], "some": [1, 0, -1, 0]}[answer]
    if kind == "best":
        place = [max(p, 0) for p in place]
    return flatten([[[0, 1, 2, 3]]], [0], [[place]], np.array([[kind]], object), J,
                   reading=Reading(dual_scale=scale, names=("dual",) * scale),
                   given=Given(dual=[[True]], anchor=[False, False, False, True]))  # fmt: skip


def middle(best: int, worst: int, size: int = 5) -> Tasks:
    place = np.zeros((1, 1, size), int)
    if best >= 0:
        place[0, 0, best] = 1
    if worst >= 0:
        place[0, 0, worst] = -1
    return flatten([[np.arange(size)]], [0], place, np.array([["best_worst"]], object), size, form="rank_unordered_middle")


def chance(tasks: Tasks, coding: np.ndarray, phi: np.ndarray) -> float:
    return float(np.exp(people_derivatives(make_coded(tasks, coding), phi, curved=False)[0][0]))


def test_davidson_is_the_formula() -> None:
    theta, tie = np.array([0.3, -0.7, 0.4]), -0.2
    v = np.exp(CODING @ theta)
    weights = np.array([v[2], v[0], np.exp(tie) * np.sqrt(v[2] * v[0])])
    got = [chance(pairs([(o, 0)], "pair", ties=True), CODING, np.append(theta, tie)) for o in range(3)]
    np.testing.assert_allclose(got, weights / weights.sum(), rtol=1e-12)


def test_grades_are_adjacent_logits() -> None:
    """Between neighbouring grades the log odds are the difference times that of the points, plus that of the cuts."""
    theta, rho = np.array([0.3, -0.7, 0.4]), np.array([0.5, -0.3])  # of grade 1, of ties
    grades = (0, 1, 3)
    ways = [(1, 3), (1, 1), (2, 0), (0, 1), (0, 3)]
    p = np.array([chance(pairs([way], "graded", grades=grades), CODING, np.append(theta, rho)) for way in ways])
    assert p.sum() == pytest.approx(1, rel=1e-12)
    d = (CODING[2] - CODING[0]) @ theta
    cut = np.array([0, 0.5, -0.3, 0.5, 0])
    np.testing.assert_allclose(np.diff(np.log(p)), np.diff([-1, -1 / 3, 0, 1 / 3, 1]) * d / 2 + np.diff(cut), rtol=1e-10)


def test_one_grade_without_ties_is_a_pair() -> None:
    theta = np.array([0.3, -0.7, 0.4])
    plain = chance(pairs([(0, 0)], "pair"), CODING, theta)
    assert chance(pairs([(0, 1)], "graded", grades=(1,)), CODING, theta) == pytest.approx(plain, rel=1e-12)
    first = chance(pairs([(0, 0)], "pair", position=True), CODING, np.append(theta, 0.8))
    assert np.log(first / (1 - first)) == pytest.approx(np.log(plain / (1 - plain)) + 0.8, rel=1e-12)


@pytest.mark.parametrize("kind", ["best_worst", "best"])
def test_second_questions_sum_to_one(kind: str) -> None:
    theta = np.array([0.3, -0.7, 0.4])
    v = ANCHORED @ theta
    first, last = np.exp(v[3]) / np.exp(v).sum(), np.exp(-v[3]) / np.exp(-v).sum()
    own = np.exp(v[0]) / np.exp(v[:3]).sum() * (np.exp(-v[2]) / np.exp(-v[1:3]).sum() if kind == "best_worst" else 1)
    expected = {"none": first, "all": last, "some": 1 - first - last}
    if kind == "best":
        expected = {"none": first, "some": 1 - first}
    for answer, p in expected.items():
        assert chance(dual(answer, kind=kind), ANCHORED, theta) == pytest.approx(p * own, rel=1e-12), answer


def test_second_questions_have_their_own_scale() -> None:
    theta = np.array([0.3, -0.7, 0.4])
    v = 2 * (ANCHORED @ theta)
    ratio = chance(dual("none", scale=1), ANCHORED, np.append(theta, np.log(2))) / chance(dual("none"), ANCHORED, theta)
    plain = np.exp(v[3] / 2) / np.exp(v / 2).sum()
    assert ratio == pytest.approx(np.exp(v[3]) / np.exp(v).sum() / plain, rel=1e-12)


def test_unordered_middle_sums_over_rankings() -> None:
    u = np.random.default_rng(1).normal(0, 2, 5)

    def ranking(order: tuple[int, ...]) -> float:
        left, p = list(range(5)), 1.0
        for j in order:
            p *= np.exp(u[j]) / np.exp(u[left]).sum()
            left.remove(j)
        return p

    orders = [(o, ranking(o)) for o in itertools.permutations(range(5))]
    total = 0.0
    for b, w in itertools.product([-1, *range(5)], repeat=2):
        if (b == w) or (b < 0 and w < 0):
            continue
        got = float(np.exp(task_log_likelihood(middle(b, w), u[None]).sum()))
        expected = sum(p for o, p in orders if b in (-1, o[0]) and w in (-1, o[-1]))
        assert got == pytest.approx(expected, rel=1e-12)
        total += got if b >= 0 and w >= 0 else 0
    assert total == pytest.approx(1, rel=1e-12)


MIXED = {
    "davidson": (pairs([(0, 0), (1, 0), (2, 0)], "pair", ties=True, position=True), CODING),
    "graded": (pairs([(0, 1), (1, 3), (2, 0)], "graded", grades=(0, 1, 3), scale=[0, 1, 1], names=("b",)), CODING),
    "none": (dual("none", scale=1), ANCHORED), "all": (dual("all", scale=1), ANCHORED),
    "some": (dual("some", scale=1), ANCHORED),
    "middle": (middle(0, 3), np.eye(5)[:, :4] - 0.3), "last": (middle(-1, 3), np.eye(5)[:, :4] - 0.3),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXED)
def test_derivatives_are_finite_differences(name: str) -> None:
    tasks, coding = MIXED[name]
    coded = make_coded(tasks, coding)
    phi = np.random.default_rng(2).normal(0, 0.7, coded.size)
    value, slope, hessian = sum_derivatives(coded, phi, np.full(tasks.n_people, 2.0))
    step = 1e-5

    def around(k: int) -> tuple[list[float], list[np.ndarray]]:
        move = step * np.eye(coded.size)[k]
        both = [sum_derivatives(coded, phi + s * move, np.full(tasks.n_people, 2.0)) for s in (1, -1)]
        return [b[0] for b in both], [b[1] for b in both]

    for k in range(coded.size):
        values, slopes = around(k)
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(slope[k], rel=1e-6, abs=1e-8)
        np.testing.assert_allclose((slopes[0] - slopes[1]) / (2 * step), hessian[k], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(people_derivatives(coded, phi)[1].sum(axis=0) * 2, slope, rtol=1e-12)
    u = coded.utilities(phi)
    assert 2 * task_log_likelihood(tasks, u[None]).sum() == pytest.approx(value, rel=1e-10)


def test_counts_repeat_answers() -> None:
    one = flatten([[[0, 1]]], [0], [[[1, 0]]], np.array([["pair"]], object), J, given=Given(times=[[3]]))
    assert one.person.tolist() == [0, 3]
    with pytest.raises(ValueError, match="1 counts of answers are not whole numbers"):
        flatten([[[0, 1]]], [0], [[[1, 0]]], np.array([["pair"]], object), J, given=Given(times=[[1.5]]))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="1 pairs are tied: form={'pair': 'davidson'}"):
        pairs([(2, 0)], "pair")
    with pytest.raises(ValueError, match="1 graded answers have no strength, or one other than 1, 3"):
        pairs([(0, 2)], "graded", grades=(1, 3))
    with pytest.raises(ValueError, match="1 pairs are tied"):
        pairs([(2, 0)], "graded", grades=(1, 3))
    with pytest.raises(ValueError, match="more than 12 objects"):
        middle(0, 1, 13)
