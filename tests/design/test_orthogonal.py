"""Orthogonal plans: every pair of columns has all combinations equally often, in no more runs than are known to do."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvmstats._numerics.fields import addition, multiplication, prime_power
from cvmstats.design.hadamard import difference_scheme, hadamard
from cvmstats.design.orthogonal import fewest_runs, orthogonal_plan
from cvmstats.errors import DesignError


def assert_orthogonal(plan: np.ndarray, levels: list[int]) -> None:
    assert plan.shape[1] == len(levels)
    for i, n in enumerate(levels):
        assert np.bincount(plan[:, i], minlength=n).tolist() == [len(plan) // n] * n
    for i, j in combinations(range(len(levels)), 2):
        pairs = np.bincount(plan[:, i] * levels[j] + plan[:, j], minlength=levels[i] * levels[j])
        assert pairs.tolist() == [len(plan) // (levels[i] * levels[j])] * (levels[i] * levels[j])


@pytest.mark.parametrize(("levels", "runs"), [
    ([2] * 7, 8), ([2] * 11, 12), ([3] * 4, 9), ([4] * 5, 16), ([5] * 6, 25), ([3] * 7 + [2], 18),
    ([2] * 15, 16), ([2] * 19, 20), ([2] * 23, 24), ([2] * 27, 28), ([3] * 13, 27), ([2, 2, 3, 2, 2], 12), ([6, 2, 2], 12),
    ([4] + [2] * 12, 16), ([4] * 2 + [2] * 9, 16), ([2, 4, 4, 2, 4, 2, 2, 2, 2], 16), ([4] * 4 + [2] * 3, 16),
    ([6] + [3] * 6, 18), ([5] + [2] * 8, 20), ([3] + [2] * 16, 24), ([4, 3] + [2] * 12, 24), ([9] + [3] * 9, 27),
    ([4] * 9, 32), ([8] + [4] * 8, 32), ([3] * 12 + [2] * 11, 36), ([7] * 8, 49), ([5] * 11 + [2], 50), ([8] * 9, 64),
    ([3, 4, 2], 24), ([2], 2), ([7], 7), ([5, 4], 20),
])  # fmt: skip
def test_known_plans_are_found_in_as_many_runs(levels: list[int], runs: int) -> None:
    """Runs as in the tables of Hedayat, Sloane & Stufken (1999, chapter 12)."""
    plan = orthogonal_plan(levels)
    assert len(plan) == runs
    assert_orthogonal(plan, levels)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(2, 6), min_size=1, max_size=9))
def test_whatever_is_returned_is_orthogonal_and_has_no_fewer_runs_than_the_bound(levels: list[int]) -> None:
    try:
        plan = orthogonal_plan(levels)
    except DesignError as error:
        assert "expected one of up to 128 runs" in str(error)  # noqa: PT017
        return
    assert_orthogonal(plan, levels)
    assert len(plan) >= max(1 + sum(n - 1 for n in levels), fewest_runs(levels))


@pytest.mark.parametrize("r", [2, 3, 4, 6, 8, 9, 10, 12, 14, 16, 18, 20, 24, 25, 27, 32])
def test_differences_of_columns_are_even(r: int) -> None:
    for s in range(2, 10):
        scheme, plus = difference_scheme(r, s), addition(s)
        minus = np.argmax(plus == 0, axis=1)
        for i, j in combinations(range(scheme.shape[1]), 2):
            assert np.ptp(np.bincount(plus[scheme[:, i], minus[scheme[:, j]]], minlength=s)) == 0
    assert difference_scheme(12, 3).shape == (12, 12)
    assert difference_scheme(10, 5).shape == (10, 10)


def test_hadamard_matrices_of_paley_and_sylvester() -> None:
    made = [n for n in range(1, 65) if hadamard(n) is not None]
    assert made == [1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 56, 60, 64]
    for n in made:
        signs = 1 - 2 * np.asarray(hadamard(n))
        np.testing.assert_array_equal(signs @ signs.T, n * np.eye(n))


@pytest.mark.parametrize("q", [2, 3, 4, 5, 8, 9, 16, 25, 27])
def test_fields_are_fields(q: int) -> None:
    plus, times = addition(q), multiplication(q)
    every = np.arange(q)
    assert (np.sort(plus, axis=1) == every).all()
    assert (np.sort(times[1:], axis=1) == every).all()
    i, j, k = np.meshgrid(every, every, every, indexing="ij")
    np.testing.assert_array_equal(times[i, plus[j, k]], plus[times[i, j], times[i, k]])
    np.testing.assert_array_equal(times[times[i, j], k], times[i, times[j, k]])


def test_there_is_no_field_of_six() -> None:
    assert prime_power(6) is None
    with pytest.raises(ValueError, match="6 is no prime power"):
        multiplication(6)


@pytest.mark.parametrize(("levels", "message"), [
    ([2, 1], "each with 2 levels or more"), ([], "one attribute or more"),
    ([5, 4, 3, 7, 2, 6], r"6 attributes with 7 x 6 x 5 x 4 x 3 x 2 levels\n.*factorial has 5,040\n.*ask fewer"),
    ([7, 6, 5, 5], r"no orthogonal .*\n.*128 runs.*1,050\n  the nearest possible: 6\^2 x 5\^2 levels|nearest possible"),
])  # fmt: skip
def test_messages(levels: list[int], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        orthogonal_plan(levels)
