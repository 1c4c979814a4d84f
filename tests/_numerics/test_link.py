"""The sampler's coordinates of a person, against the design's coding."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats._numerics.blocks import Blocks
from cvmstats._numerics.coded import make_coded
from cvmstats._numerics.lanes import WIDTH
from cvmstats._numerics.layout import lay_out
from cvmstats._numerics.link import coordinates, make_link, own_coordinates, own_utilities, plain_link, utilities
from cvmstats._numerics.tasks import flatten
from cvmstats.data.design import sum_to_zero_basis

CODINGS = {
    "items": sum_to_zero_basis(6),
    "the object itself": np.eye(4),
    "more objects than parameters": np.random.default_rng(1).normal(size=(7, 3)),
    "deficient": np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]),
}


def one_block(coding: np.ndarray) -> Blocks:
    """A lane's worth of people who saw all objects, with rows of their own."""
    n, people = len(coding), WIDTH
    place = np.zeros((people, 1, n), int)
    place[:, 0, 0] = 1
    tasks = flatten([[np.arange(n)]], np.zeros(people, int), place, np.array([["best"]], object), n)
    return lay_out(tasks, make_coded(tasks, coding))


@pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS.keys())
def test_utilities_and_gradients_are_those_of_the_coding(coding: np.ndarray) -> None:
    link, rng = make_link(coding), np.random.default_rng(2)
    n_obj, n_par = coding.shape
    beta, slope = rng.normal(size=(n_par, WIDTH)), rng.normal(size=(n_obj, WIDTH))
    u, force = np.empty((n_obj, WIDTH)), np.empty((n_par, WIDTH))
    utilities(link, np.ascontiguousarray(link.inverse @ beta), u)
    np.testing.assert_allclose(u, coding @ beta, atol=1e-12)
    coordinates(link, slope, force)  # d beta / d gamma = basis
    np.testing.assert_allclose(force, link.basis.T @ coding.T @ slope, atol=1e-12)


def test_coordinates_are_utilities_of_objects() -> None:
    link = make_link(sum_to_zero_basis(6))
    assert sorted(link.own) == [-1, 0, 1, 2, 3, 4]
    np.testing.assert_allclose(link.coding[link.own >= 0], np.eye(5), atol=1e-14)
    np.testing.assert_allclose(link.coding[link.own < 0], -np.ones((1, 5)), atol=1e-12)  # the last makes the sum zero


def test_own_rows_and_signs() -> None:
    """Utilities are factor times rows'(beta, or e^beta with a sign) + shift; gradients follow by the chain rule."""
    coding, rng = CODINGS["more objects than parameters"], np.random.default_rng(3)
    blocks, link = one_block(coding), plain_link([0.0, -1.0, 1.0])
    blocks.own.factor[...] = rng.uniform(0.5, 2, blocks.own.factor.shape)
    blocks.own.shift[...] = rng.normal(size=blocks.own.shift.shape)
    gamma, slope = rng.normal(size=(3, WIDTH)), rng.normal(size=(7, WIDTH))
    u, force = np.empty((7, WIDTH)), np.empty((3, WIDTH))
    rows, _, _, factor, shift, _ = blocks.own
    own_utilities(link.sign, rows[0], factor[0], shift[0], gamma, u)
    beta = np.stack([gamma[0], -np.exp(gamma[1]), np.exp(gamma[2])])
    np.testing.assert_allclose(u, blocks.own.factor[0] * (coding @ beta) + blocks.own.shift[0], atol=1e-12)
    own_coordinates(link.sign, rows[0], factor[0], gamma, slope, force)
    inside = np.stack([np.ones(WIDTH), beta[1], beta[2]])
    np.testing.assert_allclose(force, inside * (coding.T @ (blocks.own.factor[0] * slope)), atol=1e-12)
