"""Positions: every table as even as can be, and no set changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvmstats._numerics.positions import balance_positions


def tables(sets: np.ndarray, version: np.ndarray, n_objects: int) -> np.ndarray:
    """Times in each position (V, J, A)."""
    out = np.zeros((version.max() + 1, n_objects + 1, sets.shape[1]), int)
    for a in range(sets.shape[1]):
        np.add.at(out[:, :, a], (version, sets[:, a]), 1)
    return out[:, :-1]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.integers(0, 12), st.integers(1, 5), st.integers(1, 14), st.integers(0, 2**32 - 1))
def test_every_object_stands_everywhere_equally_often(size: int, more: int, n_versions: int, n_tasks: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_objects = size + more
    sets = np.stack([rng.permutation(n_objects)[:size] for _ in range(n_versions * n_tasks)])
    version = np.repeat(np.arange(n_versions), n_tasks)
    placed = balance_positions(sets, version, n_objects, rng)
    np.testing.assert_array_equal(np.sort(placed, axis=1), np.sort(sets, axis=1))
    within = tables(placed, version, n_objects)
    assert np.ptp(within, axis=2).max() <= 1
    assert np.ptp(within.sum(axis=0), axis=1).max() <= 1


def test_shorter_sets_keep_their_empty_places_at_the_end() -> None:
    rng = np.random.default_rng(3)
    sets = np.stack([np.append(rng.permutation(8)[:4], -1) if t % 3 else rng.permutation(8)[:5] for t in range(24)])
    placed = balance_positions(sets, np.zeros(24, int), 8, rng)
    np.testing.assert_array_equal((placed < 0), (sets < 0))
    np.testing.assert_array_equal(np.sort(placed, axis=1), np.sort(sets, axis=1))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_positions(seed: int) -> None:
    sets = np.stack([np.random.default_rng(t).permutation(9)[:4] for t in range(18)])
    one, other = (balance_positions(sets, np.arange(18) // 6, 9, np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
