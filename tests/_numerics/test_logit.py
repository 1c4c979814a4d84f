"""The likelihood of best-worst answers against brute force, finite differences and its own invariances."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvmstats._numerics import logit
from cvmstats._numerics.tasks import FORMS, Tasks, flatten

N_OBJECTS = 6
SETS = [[0, 1, 2, 3], [5, 1, 4, -1], [2, 4, 3, 0], [1, 5, -1, -1], [3, 2, 5, 4]]
CASES = {
    "best and worst": "best_worst", "missing best": "best_worst", "missing worst": "best_worst",
    "best only": "best", "worst only": "worst",
}  # fmt: skip
JOINT = {"joint best and worst": "best and worst", "joint missing best": "missing best", "joint missing worst": "missing worst"}
ALL = [*CASES, *JOINT]


def answers(case: str, seed: int = 0, people: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Shown (1, T, A) and random places (R, T, A) where each task lacks what the case says."""
    rng = np.random.default_rng(seed)
    shown = np.array([SETS])
    place = np.where(shown.repeat(people, axis=0) >= 0, 0, -128)
    for r in range(people):
        for t, members in enumerate(SETS):
            best, worst = rng.permutation([a for a, j in enumerate(members) if j >= 0])[:2]
            if case not in ("missing best", "worst only"):
                place[r, t, best] = 1
            if case not in ("missing worst", "best only"):
                place[r, t, worst] = -1
    return shown, place


def tasks_of(case: str, seed: int = 0, people: int = 3) -> Tasks:
    form, case = ("maxdiff", JOINT[case]) if case in JOINT else ("sequential", case)
    shown, place = answers(case, seed, people)
    return flatten(shown, np.zeros(people, int), place, np.full((1, len(SETS)), CASES[case], object), N_OBJECTS, form=form)


def one_task(members: list[int], best: int, worst: int, kind: str = "best_worst", n: int = N_OBJECTS,
             form: str = "sequential") -> Tasks:  # fmt: skip
    """One person, one task; places of the picks within ``members``, -1 where missing."""
    place = np.zeros((1, 1, len(members)), int)
    if best >= 0:
        place[0, 0, best] = 1
    if worst >= 0:
        place[0, 0, worst] = -1
    return flatten([[members]], [0], place, np.array([[kind]], object), n, form=form)


def brute_force(v: np.ndarray, best: int, worst: int, worst_only: bool, one_choice: bool) -> float:
    """P(task) from the formulas of the module, without any trick."""
    if one_choice:
        places = range(len(v))
        chance = {(b, w): np.exp(v[b] - v[w]) for b in places for w in places if b != w}
        hits = sum(p for (b, w), p in chance.items() if best in (b, -1) and worst in (w, -1))
        return float(hits / sum(chance.values()))

    def joint(b: int) -> float:
        rest = np.exp(-np.delete(v, b)).sum()
        return float(np.exp(v[b]) / np.exp(v).sum() * (np.exp(-v[worst]) / rest if worst >= 0 else 1.0))

    if worst_only:
        return float(np.exp(-v[worst]) / np.exp(-v).sum())
    return joint(best) if best >= 0 else sum(joint(b) for b in range(len(v)) if b != worst)


@pytest.mark.parametrize("case", ALL)
def test_probability_is_the_formula(case: str) -> None:
    tasks = tasks_of(case)
    u = np.random.default_rng(1).normal(0, 1.5, (3, N_OBJECTS))
    who = np.repeat(np.arange(3), np.diff(tasks.person))
    expected = [
        np.log(brute_force(u[i, tasks.objects[tasks.start[t] : tasks.start[t + 1]]], tasks.best[t], tasks.worst[t],
                           bool(tasks.worst_only[t]), tasks.rule is not None and tasks.rule[t] == 1))
        for t, i in enumerate(who)
    ]  # fmt: skip
    np.testing.assert_allclose(logit.task_log_likelihood(tasks, u), expected, rtol=1e-12)
    np.testing.assert_allclose(logit.log_likelihood(tasks, u), np.bincount(who, expected), rtol=1e-12)


@pytest.mark.parametrize("case", ALL)
def test_gradient_is_the_finite_difference(case: str) -> None:
    tasks = tasks_of(case)
    u = np.random.default_rng(2).normal(0, 1.5, (3, N_OBJECTS))
    value, slope = logit.gradient(tasks, u)
    np.testing.assert_allclose(value, logit.log_likelihood(tasks, u), rtol=1e-13)
    for j in range(N_OBJECTS):
        step = np.zeros(N_OBJECTS)
        step[j] = 1e-5
        difference = (logit.log_likelihood(tasks, u + step) - logit.log_likelihood(tasks, u - step)) / 2e-5
        np.testing.assert_allclose(slope[:, j], difference, atol=1e-8)


@pytest.mark.parametrize("case", ALL)
def test_hessian_is_the_finite_difference_of_the_gradient(case: str) -> None:
    tasks = tasks_of(case)
    weight = np.array([1.0, 0.0, 2.5])
    u = np.random.default_rng(3).normal(0, 1.5, N_OBJECTS)
    value, slope, hessian = logit.pooled_derivatives(tasks, u, weight)
    alone, slopes = logit.gradient(tasks, np.tile(u, (3, 1)))
    assert value == pytest.approx(weight @ alone, rel=1e-13)
    np.testing.assert_allclose(slope, weight @ slopes, atol=1e-12)
    for j in range(N_OBJECTS):
        step = np.zeros(N_OBJECTS)
        step[j] = 1e-5
        up, down = (logit.pooled_derivatives(tasks, u + s, weight)[1] for s in (step, -step))
        np.testing.assert_allclose(hessian[j], (up - down) / 2e-5, atol=1e-8)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-13)
    np.testing.assert_allclose(hessian.sum(axis=1), 0, atol=1e-12)


def test_average_curvature_is_the_mean_of_each_persons_hessian() -> None:
    tasks = tasks_of("missing best")
    u = np.random.default_rng(4).normal(size=(3, N_OBJECTS))
    expected = [-logit.pooled_derivatives(tasks, u[i], np.eye(3)[i])[2] for i in range(3)]
    np.testing.assert_allclose(logit.average_curvature(tasks, u), np.mean(expected, axis=0), atol=1e-13)


def test_class_log_likelihood_is_that_of_everybody_at_the_class() -> None:
    tasks = tasks_of("best and worst")
    classes = np.random.default_rng(5).normal(size=(2, N_OBJECTS))
    panel = logit.class_log_likelihood(tasks, classes)
    assert panel.shape == (3, 2)
    for s in range(2):
        np.testing.assert_allclose(panel[:, s], logit.log_likelihood(tasks, np.tile(classes[s], (3, 1))))


@pytest.mark.parametrize("members", [[0, 1], [2, 0, 4], [5, 3, 1, 0], [0, 1, 2, 3, 4, 5]])
def test_probabilities_over_all_answers_sum_to_one(members: list[int]) -> None:
    u = np.random.default_rng(6).normal(0, 2, (1, N_OBJECTS))
    places = range(len(members))
    pairs = [(b, w) for b in places for w in places if b != w]
    for answers_, kind in ((pairs, "best_worst"), ([(-1, w) for w in places], "best_worst"),
                           ([(b, -1) for b in places], "best"), ([(-1, w) for w in places], "worst")):  # fmt: skip
        total = sum(np.exp(logit.log_likelihood(one_task(members, b, w, kind), u)[0]) for b, w in answers_)
        assert total == pytest.approx(1, abs=1e-13)
    for answers_ in (pairs, [(-1, w) for w in places], [(b, -1) for b in places]):
        total = sum(np.exp(logit.log_likelihood(one_task(members, b, w, form="maxdiff"), u)[0]) for b, w in answers_)
        assert total == pytest.approx(1, abs=1e-13)


def test_a_missing_best_is_the_sum_over_the_best() -> None:
    u = np.random.default_rng(7).normal(0, 2, (1, N_OBJECTS))
    members, worst = [4, 0, 3, 5], 2
    total = sum(np.exp(logit.log_likelihood(one_task(members, b, worst), u)[0]) for b in (0, 1, 3))
    assert np.exp(logit.log_likelihood(one_task(members, -1, worst), u)[0]) == pytest.approx(total, rel=1e-13)
    plain = np.exp(logit.log_likelihood(one_task(members, -1, worst, "worst"), u)[0])
    assert plain != pytest.approx(total, rel=1e-3)


def test_a_pair_is_one_logit_to_which_the_worst_adds_nothing() -> None:
    u = np.array([[0.7, -0.4, 9.0]])
    expected = np.log(1 / (1 + np.exp(-(0.7 - -0.4))))
    forms = [("best_worst", f) for f in FORMS] + [("pair", "sequential")]
    for (best, worst), (kind, form) in product(((0, 1), (0, -1), (-1, 1)), forms):
        tasks = one_task([0, 1], best, worst, kind, n=3, form=form)
        value, slope = logit.gradient(tasks, u)
        assert value[0] == pytest.approx(expected, rel=1e-13)
        np.testing.assert_allclose(slope[0], np.array([1, -1, 0]) / (1 + np.exp(1.1)), atol=1e-14)


def test_far_utilities_stay_finite_and_exact() -> None:
    u = np.array([[900.0, -900.0, 899.0, 0.0, 0.0, 0.0]])
    value, slope = logit.gradient(one_task([0, 2, 1], 1, 2), u)
    assert value[0] == pytest.approx(-1 - np.log1p(np.exp(-1)), rel=1e-12)
    assert np.isfinite(slope).all()
    assert np.isfinite(logit.gradient(one_task([0, 2, 1], -1, 0), u)[0]).all()
    joint = logit.gradient(one_task([0, 2, 1], 1, 2, form="maxdiff"), u)
    assert joint[0][0] == pytest.approx(-1 - np.log1p(np.exp(-1)), rel=1e-12)
    assert np.isfinite(joint[1]).all()
    for best, worst in ((-1, 0), (2, -1)):
        assert np.isfinite(logit.gradient(one_task([0, 2, 1], best, worst, form="maxdiff"), u)[0]).all()


@settings(max_examples=40, deadline=None)
@given(case=st.sampled_from(sorted(ALL)), seed=st.integers(0, 10_000), constant=st.floats(-50, 50))
def test_a_constant_changes_nothing(case: str, seed: int, constant: float) -> None:
    tasks = tasks_of(case, seed)
    u = np.random.default_rng(seed).normal(0, 2, (3, N_OBJECTS))
    value, slope = logit.gradient(tasks, u)
    moved, moved_slope = logit.gradient(tasks, u + constant)
    np.testing.assert_allclose(moved, value, atol=1e-10)
    np.testing.assert_allclose(moved_slope, slope, atol=1e-10)
    np.testing.assert_allclose(slope.sum(axis=1), 0, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(case=st.sampled_from(sorted(ALL)), seed=st.integers(0, 10_000), new=st.permutations(range(N_OBJECTS)))
def test_new_names_of_objects_permute_the_gradient(case: str, seed: int, new: list[int]) -> None:
    name = np.array(new)
    tasks = tasks_of(case, seed)
    u = np.random.default_rng(seed).normal(0, 2, (3, N_OBJECTS))
    renamed = np.empty_like(u)
    renamed[:, name] = u
    value, slope = logit.gradient(tasks, u)
    again, again_slope = logit.gradient(tasks._replace(objects=name[tasks.objects]), renamed)
    np.testing.assert_allclose(again, value, rtol=1e-12)
    np.testing.assert_allclose(again_slope[:, name], slope, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(4)))
def test_the_order_on_the_screen_does_not_matter(seed: int, order: list[int]) -> None:
    shown, place = answers("best and worst", seed)
    kind = np.full((1, len(SETS)), "best_worst", object)
    u = np.random.default_rng(seed).normal(0, 2, (3, N_OBJECTS))
    here, there = (flatten(s, np.zeros(3, int), p, kind, N_OBJECTS)
                   for s, p in ((shown, place), (shown[:, :, order], place[:, :, order])))  # fmt: skip
    np.testing.assert_allclose(logit.gradient(here, u)[1], logit.gradient(there, u)[1], atol=1e-12)


def test_a_ranking_is_choices_from_what_is_left_and_rankings_sum_to_one() -> None:
    u = np.random.default_rng(8).normal(0, 1.5, (1, N_OBJECTS))
    members, total = [4, 0, 3, 5], 0.0
    for order in permutations(range(4)):
        place = np.empty((1, 1, 4), int)
        place[0, 0, list(order)] = np.arange(1, 5)
        value = logit.log_likelihood(flatten([[members]], [0], place, np.array([["rank"]], object), N_OBJECTS), u)[0]
        left = [np.exp(u[0, members[a]]) for a in order]
        assert value == pytest.approx(sum(np.log(left[s] / sum(left[s:])) for s in range(3)), rel=1e-12)
        total += np.exp(value)
    assert total == pytest.approx(1, abs=1e-13)


def test_a_partial_ranking_is_the_sum_over_what_was_not_said() -> None:
    u = np.random.default_rng(9).normal(0, 1.5, (1, N_OBJECTS))
    kind = np.array([["rank"]], object)

    def value(place: list[int]) -> float:
        return float(np.exp(logit.log_likelihood(flatten([[[4, 0, 3, 5]]], [0], [[place]], kind, N_OBJECTS), u)[0]))

    assert value([0, 1, 2, 0]) == pytest.approx(value([3, 1, 2, 4]) + value([4, 1, 2, 3]), rel=1e-12)


def test_marginal_is_a_best_and_a_worst_of_the_whole_set() -> None:
    u = np.random.default_rng(10).normal(0, 1.5, (1, N_OBJECTS))
    members = [4, 0, 3, 5]
    whole = logit.log_likelihood(one_task(members, 1, 2, form="marginal"), u)[0]
    halves = [logit.log_likelihood(one_task(members, b, w, kind), u)[0] for b, w, kind in ((1, -1, "best"), (-1, 2, "worst"))]
    assert whole == pytest.approx(sum(halves), rel=1e-13)
    for (b, w), half in zip(((1, -1), (-1, 2)), halves, strict=True):  # here a missing pick leaves its factor out
        assert logit.log_likelihood(one_task(members, b, w, form="marginal"), u)[0] == pytest.approx(half, rel=1e-13)
