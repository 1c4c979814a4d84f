"""The sampler's layout of answers against the plain likelihood, person by person."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvmstats._numerics.blocks import Blocks
from cvmstats._numerics.coded import make_coded, people_derivatives
from cvmstats._numerics.curvature import add_curvature, add_own_curvature
from cvmstats._numerics.lanes import WIDTH
from cvmstats._numerics.layout import lay_out
from cvmstats._numerics.likelihood import (
    FARTHEST,
    full_gradient,
    full_value,
    room_for,
)
from cvmstats._numerics.link import make_link, plain_link
from cvmstats._numerics.logit import average_curvature, gradient
from cvmstats._numerics.tasks import FORMS, Given, Tasks, flatten

N_OBJECTS = 7


def random_tasks(seed: int, people: int, versions: int, gaps: float, form: str = "sequential") -> Tasks:
    """Ragged sets, a part of the picks missing, a part of the tasks unanswered, all three kinds of task."""
    rng = np.random.default_rng(seed)
    n_tasks, most = 6, 5
    shown = np.full((versions, n_tasks, most), -1)
    for v in range(versions):
        for t in range(n_tasks):
            size = rng.integers(2, most + 1)
            shown[v, t, :size] = rng.permutation(N_OBJECTS)[:size]
    version = rng.integers(0, versions, people)
    kind = rng.choice(np.array(["best_worst", "best_worst", "best", "worst"], object), (versions, n_tasks))
    place = np.where(shown[version] >= 0, 0, -128)
    for r in range(people):
        for t in range(n_tasks):
            size = (shown[version[r], t] >= 0).sum()
            best, worst = rng.permutation(size)[:2]
            asks = kind[version[r], t]
            if asks != "worst" and rng.random() >= gaps:
                place[r, t, best] = 1
            if asks != "best" and rng.random() >= gaps:
                place[r, t, worst] = -1
            if size > 3 and rng.random() < gaps:
                place[r, t, next(a for a in range(size) if a not in (best, worst))] = -128
    return flatten(shown, version, place, kind, N_OBJECTS, form=form)


def by_blocks(tasks: Tasks, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihood (R), gradient (R, J) and minus the Hessian (R, J, J) of each person."""
    blocks, link = lay_out(tasks), make_link(np.eye(N_OBJECTS))
    assert (link.own == np.arange(N_OBJECTS)).all()  # utilities are the coordinates
    work, own = room_for(blocks.sets), blocks.row >= 0
    lanes = np.zeros((len(blocks.row), N_OBJECTS, WIDTH))
    lanes.transpose(0, 2, 1)[own] = u[blocks.row[own]]
    slope, value = np.zeros_like(lanes), np.zeros((len(lanes), WIDTH))
    curvature = np.zeros((len(lanes), N_OBJECTS * (N_OBJECTS + 1) // 2, WIDTH))
    for b in range(len(lanes)):
        full_value(link, *blocks[2:], b, lanes[b], np.empty_like(lanes[b]), work, value[b])
        full_gradient(link, *blocks[2:], b, lanes[b], np.empty_like(lanes[b]), work, slope[b], np.empty_like(lanes[b]))
        add_curvature(blocks.sets, blocks.odd, b, work, curvature[b])
    values, slopes, full = np.empty(len(u)), np.empty_like(u), np.zeros((len(u), N_OBJECTS, N_OBJECTS))
    values[blocks.row[own]] = value[own]
    slopes[blocks.row[own]] = slope.transpose(0, 2, 1)[own]
    lower = np.tril_indices(N_OBJECTS)
    half = np.empty((len(u), len(lower[0])))
    half[blocks.row[own]] = curvature.transpose(0, 2, 1)[own]
    full[:, lower[0], lower[1]] = full[:, lower[1], lower[0]] = half
    return values, slopes, full


def by_own_rows(tasks: Tasks, coding: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihood (R) and minus the Hessian (R, K, K) of each person, from blocks with rows of their own."""
    blocks, link = lay_out(tasks, make_coded(tasks, coding)), plain_link(np.zeros(coding.shape[1]))
    n_obj, n_par = blocks.own.rows.shape[1:3]
    values, full, lower = np.empty(len(beta)), np.empty((len(beta), n_par, n_par)), np.tril_indices(n_par)
    for b in range(len(blocks.row)):
        own = blocks.row[b] >= 0
        gamma = np.zeros((n_par, WIDTH))
        gamma[:, own] = beta[blocks.row[b, own]].T
        u, value, work = np.empty((n_obj, WIDTH)), np.empty(WIDTH), room_for(blocks.sets)
        half = np.zeros((n_par * (n_par + 1) // 2, WIDTH))
        full_value(link, *blocks[2:], b, gamma, u, work, value)
        full_gradient(link, *blocks[2:], b, gamma, u, work, np.empty_like(u), np.empty_like(gamma))
        add_own_curvature(*blocks[2:], b, u, work, gamma, link.sign, half)
        values[blocks.row[b, own]] = value[own]
        square = np.empty((WIDTH, n_par, n_par))
        square[:, lower[0], lower[1]] = square[:, lower[1], lower[0]] = half.T
        full[blocks.row[b, own]] = square[own]
    return values, full


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_rows_of_their_own_give_the_same(form: str, gaps: float) -> None:
    tasks = random_tasks(3, WIDTH + 5, 4, gaps, form)
    coding = np.random.default_rng(4).normal(size=(N_OBJECTS, 3))
    beta = np.random.default_rng(5).normal(size=(WIDTH + 5, 3))
    values, full = by_own_rows(tasks, coding, beta)
    expected, _, hessian = people_derivatives(make_coded(tasks, coding), beta)
    np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(full, -hessian, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000), people=st.integers(1, 2 * WIDTH + 5), versions=st.integers(1, 4),
    gaps=st.sampled_from([0.0, 0.3, 0.7]), form=st.sampled_from(FORMS),
)  # fmt: skip
def test_value_and_gradient_are_the_plain_ones(seed: int, people: int, versions: int, gaps: float, form: str) -> None:
    tasks = random_tasks(seed, people, versions, gaps, form)
    u = np.random.default_rng(seed).normal(0, 3, (people, N_OBJECTS))
    value, slope, _ = by_blocks(tasks, u)
    expected, expected_slope = gradient(tasks, u)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("versions", [1, 4])
@pytest.mark.parametrize("gaps", [0.0, 0.4])
def test_curvature_is_the_plain_one(gaps: float, versions: int, form: str) -> None:
    """Summed over people; blocks of people alike and mixed."""
    tasks = random_tasks(9, 3 * WIDTH, versions, gaps, form)
    u = np.random.default_rng(9).normal(0, 2, (3 * WIDTH, N_OBJECTS))
    curvature = by_blocks(tasks, u)[2]
    np.testing.assert_allclose(curvature.mean(axis=0), average_curvature(tasks, u), atol=1e-12)


def second_questions(seed: int, people: int, kind: str) -> Tasks:
    """Sets of up to four objects beside an anchor (the last object), which comes first, last or neither."""
    rng = np.random.default_rng(seed)
    shown = np.full((3, 5, 5), -1)
    place = np.full((people, 5, 5), -128)
    version = rng.integers(0, 3, people)
    for v, t in np.ndindex(3, 5):
        size = rng.integers(2, 5)
        shown[v, t, :size] = rng.permutation(N_OBJECTS - 1)[:size]
        shown[v, t, size] = N_OBJECTS - 1
    for r, t in np.ndindex(people, 5):
        size = int((shown[version[r], t] >= 0).sum()) - 1
        place[r, t, : size + 1] = 0
        best, worst = rng.permutation(size)[:2]
        anchor = rng.integers(-1 if kind == "best_worst" else 0, 2)
        place[r, t, best] = 2 if anchor == 1 else 1
        if kind == "best_worst":
            place[r, t, worst] = -2 if anchor == -1 else -1
        place[r, t, size] = anchor
    return flatten(shown, version, place, np.full((3, 5), kind, object), N_OBJECTS,
                   given=Given(dual=np.ones((3, 5), bool), anchor=np.arange(N_OBJECTS) == N_OBJECTS - 1))  # fmt: skip


@pytest.mark.parametrize("far", [0.0, FARTHEST + 1])
@pytest.mark.parametrize("kind", ["best_worst", "best"])
def test_second_questions_are_the_plain_ones(kind: str, far: float) -> None:
    tasks = second_questions(4, WIDTH + 5, kind)
    u = np.random.default_rng(6).normal(0, 2, (WIDTH + 5, N_OBJECTS))
    u[::2, 0] += far
    value, slope, curvature = by_blocks(tasks, u)
    expected, expected_slope = gradient(tasks, u)
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-9, atol=1e-10)
    if far == 0.0:
        np.testing.assert_allclose(curvature.mean(axis=0), average_curvature(tasks, u), atol=1e-11)
        coding = np.random.default_rng(4).normal(size=(N_OBJECTS, 3))
        beta = np.random.default_rng(5).normal(size=(WIDTH + 5, 3))
        values, full = by_own_rows(tasks, coding, beta)
        plain, _, hessian = people_derivatives(make_coded(tasks, coding), beta)
        np.testing.assert_allclose(values, plain, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(full, -hessian, atol=1e-9)


@pytest.mark.parametrize("far", [FARTHEST - 1, FARTHEST + 1, 300.0, 2000.0])
@pytest.mark.parametrize("gaps", [0.0, 0.4])
@pytest.mark.parametrize("form", ["sequential", "maxdiff", "rank_unordered_middle"])
def test_far_utilities_are_computed_exactly(far: float, gaps: float, form: str) -> None:
    tasks = random_tasks(5, WIDTH + 9, 3, gaps, form)
    rng = np.random.default_rng(6)
    u = rng.normal(0, 2, (WIDTH + 9, N_OBJECTS))
    u[::2, 0] += far
    u[::3, 1] -= far
    u[::4, 2] += far - 3
    value, slope, _ = by_blocks(tasks, u)
    expected, expected_slope = gradient(tasks, u)
    np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(slope, expected_slope, atol=1e-10)


def test_chances_too_small_for_a_double_are_computed_exactly() -> None:
    """Five objects 154 logits behind the one that comes last; lanes beside are not touched."""
    shown = np.arange(N_OBJECTS)[None, None]
    place = np.tile([1, -1, 0, 0, 0, 0, 0], (WIDTH, 1, 1))
    tasks = flatten(np.concatenate([shown, shown[..., ::-1]], axis=1), np.zeros(WIDTH, int), np.tile(place, (1, 2, 1)),
                    np.full((1, 2), "best_worst", object), N_OBJECTS, form="rank_unordered_middle")  # fmt: skip
    u = np.random.default_rng(1).normal(0, 1, (WIDTH, N_OBJECTS))
    u[3] = [-70, 79, -79, -78, -77, -76, -75]
    u[5] = [79, 79, -79, -78, -77, -76, -75]
    value, slope, _ = by_blocks(tasks, u)
    expected, expected_slope = gradient(tasks, u)
    assert expected[5] < -500
    np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(slope, expected_slope, atol=1e-10)


def test_everybody_has_one_lane_and_idle_lanes_say_so() -> None:
    blocks = lay_out(random_tasks(7, WIDTH + 3, 2, 0.2))
    assert sorted(blocks.row[blocks.row >= 0].tolist()) == list(range(WIDTH + 3))
    idle = blocks.row < 0
    np.testing.assert_array_equal(blocks.live, ((~idle) * (1 << np.arange(WIDTH))).sum(axis=1))
    assert not blocks.sets.linear.transpose(0, 2, 1)[idle].any()
    for masks in (blocks.sets.has_best, blocks.sets.has_worst):
        assert not (masks & ~blocks.live[:, None]).any()


def test_people_of_one_version_share_a_block() -> None:
    """Two versions: full blocks of their own, half-full ones too, and who is left over sits together."""
    shown = np.array([[[0, 1, 2]], [[4, 5, 6]]])
    kind = np.full((2, 1), "best_worst", object)

    def laid_out(*counts: int) -> Blocks:
        version = np.repeat([0, 1], counts)
        return lay_out(flatten(shown, version, np.tile([1, 0, -1], (sum(counts), 1, 1)), kind, N_OBJECTS))

    assert laid_out(WIDTH, WIDTH).sets.alike.all()
    assert laid_out(WIDTH + WIDTH // 2, WIDTH).sets.alike.tolist() == [True, True, True]
    mixed = laid_out(WIDTH + 2, WIDTH + 3)
    assert mixed.sets.alike.tolist() == [True, True, False]
    assert (mixed.row[2] >= 0).sum() == 5


def test_somebody_who_answered_nothing_has_no_likelihood() -> None:
    shown = np.array([[[0, 1, 2]]])
    place = np.array([[[1, 0, -1]], [[0, 0, 0]]])
    tasks = flatten(shown, [0, 0], place, np.array([["best_worst"]], object), N_OBJECTS)
    value, slope, _ = by_blocks(tasks, np.random.default_rng(0).normal(size=(2, N_OBJECTS)))
    assert value[0] < 0
    assert value[1] == 0
    assert not slope[1].any()
