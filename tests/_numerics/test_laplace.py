"""Utilities integrated out: the integral by quadrature, a known population found, units without effect."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats._numerics.coded import Coded, make_coded, people_derivatives
from cvmstats._numerics.laplace import _add_inverses, _approximate, _decompose, fit_people
from cvmstats._numerics.simulate import SEQUENTIAL, simulate_places
from cvmstats._numerics.tasks import flatten

SETS = np.array([[[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]] * 4])
BASIS = np.linalg.qr(np.column_stack([np.ones(4), np.eye(4)[:, :3]]))[0][:, 1:]


def answered(utilities: np.ndarray, coding: np.ndarray = BASIS) -> Coded:
    n = len(utilities)
    uniforms = np.random.default_rng(3).random((n, SETS.shape[1], 2))
    kinds = np.full(SETS.shape[:2], SEQUENTIAL)
    place = simulate_places(utilities, SETS, np.zeros(n, int), uniforms, kinds)
    tasks = flatten(SETS, np.zeros(n, int), place, np.full(SETS.shape[:2], "best_worst", object), 4)
    return make_coded(tasks, coding)


def test_the_integral_is_that_of_quadrature() -> None:
    """Along one coordinate Gauss-Hermite with 60 points is exact; Laplace's error is of the order of 1 / picks."""
    line = BASIS[:, :1]
    coded = answered(np.array([[1.0, 0, 0, -1], [0, 2, 0, 0], [0, 0, 0, 0]]), line)
    mean, cov = np.array([0.4]), np.array([[0.7]])
    people = np.tile(mean, (3, 1))
    for _ in range(20):
        value, move, _ = _approximate(coded, people, mean, cov)
        people = people + move
    x, w = np.polynomial.hermite_e.hermegauss(60)
    at = [people_derivatives(coded, mean + np.sqrt(0.7) * z, curved=False)[0] for z in x]
    exact = np.log(np.sum(w[:, None] / np.sqrt(2 * np.pi) * np.exp(at), axis=0))
    np.testing.assert_allclose(value, exact, atol=0.02)
    assert np.abs(exact - people_derivatives(coded, people, curved=False)[0]).min() > 0.3  # the integral is no maximum


def test_factors_are_those_of_linear_algebra() -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 4, 6))
    square, pull, weight = root @ root.transpose(0, 2, 1), rng.normal(size=(5, 4)), rng.random(5)
    factor, move, volume = square.copy(), np.empty((5, 4)), np.empty(5)
    _decompose(factor, pull, move, volume)
    np.testing.assert_allclose(move, np.linalg.solve(square, pull[:, :, None])[:, :, 0], rtol=1e-9)
    np.testing.assert_allclose(volume, np.linalg.slogdet(square)[1], rtol=1e-9)
    total = np.ones((4, 4))
    _add_inverses(factor, weight, total)
    np.testing.assert_allclose(total, 1 + np.tensordot(weight, np.linalg.inv(square), 1), rtol=1e-9)


def test_a_known_population_is_found() -> None:
    rng = np.random.default_rng(0)
    mean, sds = np.array([1.5, -0.5, 0.0]), np.array([1.2, 0.6, 0.9])
    utilities = (mean + sds * rng.normal(size=(2000, 3))) @ BASIS.T
    utilities[:500] = 0
    found = fit_people(answered(utilities), np.zeros(3))
    assert found.share == pytest.approx(0.25, abs=0.06)
    # modes in the place of means make all utilities smaller, by a seventh here
    np.testing.assert_allclose(found.mean, mean, atol=0.25)
    np.testing.assert_allclose(np.sqrt(np.diag(found.cov)), sds, atol=0.25)


def test_units_of_the_coding_change_nothing() -> None:
    utilities = np.random.default_rng(2).normal([1, 0.5, 0, -1.5], 0.7, (50, 4))
    unit = np.array([1.0, 1000.0, 0.01])
    one, other = fit_people(answered(utilities), np.zeros(3)), fit_people(answered(utilities, BASIS * unit), np.zeros(3))
    np.testing.assert_allclose(one.value, other.value, rtol=1e-6)
    np.testing.assert_allclose(one.mean, other.mean * unit, rtol=1e-5)
    np.testing.assert_allclose(one.cov, other.cov * np.outer(unit, unit), rtol=1e-4, atol=1e-8)
