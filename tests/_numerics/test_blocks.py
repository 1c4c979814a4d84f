"""The sampler's layout of answers against the plain likelihood, person by person."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvmstats._numerics.blocks import FARTHEST, lay_out
from cvmstats._numerics.gibbs import refresh
from cvmstats._numerics.lanes import LANES
from cvmstats._numerics.logit import gradient
from cvmstats._numerics.tasks import Tasks, flatten

N_OBJECTS = 7


def random_tasks(seed: int, people: int, versions: int, gaps: float) -> Tasks:
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
    return flatten(shown, version, place, kind, N_OBJECTS)


def by_blocks(tasks: Tasks, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    blocks = lay_out(tasks)
    n_blocks, own = len(blocks.row), blocks.row >= 0
    beta = np.zeros((n_blocks, N_OBJECTS, LANES))
    slope, value = np.zeros_like(beta), np.zeros((n_blocks, LANES))
    beta.transpose(0, 2, 1)[own] = u[blocks.row[own]]
    refresh(blocks, np.eye(N_OBJECTS), beta, slope, value)
    values, slopes = np.empty(len(u)), np.empty_like(u)
    values[blocks.row[own]] = value[own]
    slopes[blocks.row[own]] = slope.transpose(0, 2, 1)[own]
    return values, slopes


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000), people=st.integers(1, 2 * LANES + 5), versions=st.integers(1, 4),
    gaps=st.sampled_from([0.0, 0.3, 0.7]),
)  # fmt: skip
def test_value_and_gradient_are_the_plain_ones(seed: int, people: int, versions: int, gaps: float) -> None:
    tasks = random_tasks(seed, people, versions, gaps)
    u = np.random.default_rng(seed).normal(0, 3, (people, N_OBJECTS))
    value, slope = by_blocks(tasks, u)
    expected, expected_slope = gradient(tasks, u)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("far", [FARTHEST - 1, FARTHEST + 1, 300.0, 2000.0])
@pytest.mark.parametrize("gaps", [0.0, 0.4])
def test_far_utilities_are_computed_exactly(far: float, gaps: float) -> None:
    tasks = random_tasks(5, LANES + 9, 3, gaps)
    rng = np.random.default_rng(6)
    u = rng.normal(0, 2, (LANES + 9, N_OBJECTS))
    u[::2, 0] += far
    u[::3, 1] -= far
    u[::4, 2] += far - 3
    value, slope = by_blocks(tasks, u)
    expected, expected_slope = gradient(tasks, u)
    np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(slope, expected_slope, atol=1e-10)


def test_everybody_has_one_lane_and_idle_lanes_say_so() -> None:
    blocks = lay_out(random_tasks(7, LANES + 3, 2, 0.2))
    assert blocks.row.shape == (2, LANES)
    assert sorted(blocks.row[blocks.row >= 0].tolist()) == list(range(LANES + 3))
    assert (blocks.row == -1).sum() == LANES - 3
    assert not blocks.linear[1, :, 3:].any()


def test_people_of_one_version_share_a_block() -> None:
    """Two versions, no gaps, as many people of each as a block has lanes: all lanes alike."""
    shown = np.array([[[0, 1, 2]], [[4, 5, 6]]])
    version = np.tile([0, 1], LANES)
    place = np.tile([1, 0, -1], (2 * LANES, 1, 1))
    blocks = lay_out(flatten(shown, version, place, np.full((2, 1), "best_worst", object), N_OBJECTS))
    assert blocks.alike.all()
    mixed = lay_out(flatten(shown, version[: LANES + 1], place[: LANES + 1], np.full((2, 1), "best_worst", object), N_OBJECTS))
    assert not mixed.alike[0]


def test_somebody_who_answered_nothing_has_no_likelihood() -> None:
    shown = np.array([[[0, 1, 2]]])
    place = np.array([[[1, 0, -1]], [[0, 0, 0]]])
    tasks = flatten(shown, [0, 0], place, np.array([["best_worst"]], object), N_OBJECTS)
    value, slope = by_blocks(tasks, np.random.default_rng(0).normal(size=(2, N_OBJECTS)))
    assert value[0] < 0
    assert value[1] == 0
    assert not slope[1].any()
