"""The sampler's coordinates of a person, against the design's coding."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats._numerics.lanes import WIDTH
from cvmstats._numerics.link import make_link, to_coordinates, to_utilities
from cvmstats.data.design import sum_to_zero_basis

CODINGS = {
    "items": sum_to_zero_basis(6),
    "the object itself": np.eye(4),
    "more objects than parameters": np.random.default_rng(1).normal(size=(7, 3)),
    "deficient": np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]),
}


@pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS.keys())
def test_utilities_and_gradients_are_those_of_the_coding(coding: np.ndarray) -> None:
    link, rng = make_link(coding), np.random.default_rng(2)
    n_obj, n_par = coding.shape
    beta, slope = rng.normal(size=(n_par, WIDTH)), rng.normal(size=(n_obj, WIDTH))
    u, force = np.empty((n_obj, WIDTH)), np.empty((n_par, WIDTH))
    to_utilities(link, np.ascontiguousarray(link.inverse @ beta), u)
    np.testing.assert_allclose(u, coding @ beta, atol=1e-12)
    to_coordinates(link, slope, force)  # d beta / d gamma = basis
    np.testing.assert_allclose(force, link.basis.T @ coding.T @ slope, atol=1e-12)


def test_coordinates_are_utilities_of_objects() -> None:
    link = make_link(sum_to_zero_basis(6))
    assert sorted(link.own) == [-1, 0, 1, 2, 3, 4]
    np.testing.assert_allclose(link.coding[link.own >= 0], np.eye(5), atol=1e-14)
    np.testing.assert_allclose(link.coding[link.own < 0], -np.ones((1, 5)), atol=1e-12)  # the last makes the sum zero
