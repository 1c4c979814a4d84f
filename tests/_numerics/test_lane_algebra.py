"""Algebra of WIDTH people at a time, and of small matrices, against numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats._numerics import lane_algebra as la
from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lanes import WIDTH, store
from cvmstats._numerics.square import cholesky, invert_lower, product, scaled_rows, transposed

SIZES = [1, 2, 3, 5, 12, 19]


@compiled
def _inner(x, y, out):  # type: ignore[no-untyped-def]
    store(out, 0, la.inner(x, y))


def spd(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Positive definite matrices (..., K, K) of condition numbers below about 100."""
    a = rng.normal(size=(*shape, shape[-1]))
    return a @ np.swapaxes(a, -1, -2) + shape[-1] * np.eye(shape[-1])


@pytest.mark.parametrize("n", SIZES)
def test_triangles_of_every_person(n: int) -> None:
    rng = np.random.default_rng(n)
    shared, own = spd(rng, n), spd(rng, WIDTH, n)
    rows = np.tril_indices(n)
    factor, inverse = np.empty((len(rows[0]), WIDTH)), np.empty((n, WIDTH))
    la.factorise(shared, np.ascontiguousarray(own[:, rows[0], rows[1]].T), factor, inverse)
    want = np.linalg.cholesky(shared + own)
    np.testing.assert_allclose(factor, want[:, rows[0], rows[1]].T, rtol=1e-12)
    np.testing.assert_allclose(inverse, 1 / np.diagonal(want, axis1=1, axis2=2).T, rtol=1e-12)
    x = rng.normal(size=(n, WIDTH))
    for solve, matrix in ((la.solve_lower, want), (la.solve_upper, want.transpose(0, 2, 1))):
        y = x.copy()
        solve(factor, inverse, y)
        np.testing.assert_allclose(y.T, np.linalg.solve(matrix, x.T[..., None])[..., 0], rtol=1e-9, atol=1e-12)
    out = np.empty_like(x)
    la.times_upper(factor, x, out)
    np.testing.assert_allclose(out.T, np.einsum("wji,wj->wi", want, x.T), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n", SIZES)
def test_matrices_that_all_share(n: int) -> None:
    rng = np.random.default_rng(n)
    a, b, shift = rng.normal(size=(n + 1, n)), rng.normal(size=(n + 1, n)), rng.normal(size=n + 1)
    x, y, out = rng.normal(size=(n, WIDTH)), rng.normal(size=(n, WIDTH)), np.empty((n + 1, WIDTH))
    la.multiply(a, x, out)
    np.testing.assert_allclose(out, a @ x, rtol=1e-12, atol=1e-13)
    la.combine(a, x, b, y, shift, out)
    np.testing.assert_allclose(out, a @ x + b @ y + shift[:, None], rtol=1e-12, atol=1e-13)
    one = np.empty((1, WIDTH))
    _inner(x, y, one)
    np.testing.assert_allclose(one[0], (x * y).sum(axis=0), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("n", SIZES)
def test_sums_over_people(n: int) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(2, 3, n, WIDTH))
    one, two = np.empty(n), np.empty((n, n))
    la.sum_rows(x, one)
    np.testing.assert_allclose(one, x.sum(axis=(0, 2)), rtol=1e-12, atol=1e-12)
    la.sum_outer(x, y, two)
    np.testing.assert_allclose(two, np.einsum("biw,bjw->ij", x, y), rtol=1e-12, atol=1e-12)
    la.sum_square(x, two)
    np.testing.assert_allclose(two, np.einsum("biw,bjw->ij", x, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", SIZES)
def test_small_matrices(n: int) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(n + 1, n)), rng.normal(size=(n, n + 2))
    np.testing.assert_allclose(product(a, b), a @ b, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(transposed(a), a.T)
    np.testing.assert_array_equal(scaled_rows(np.arange(n + 1.0), a), np.arange(n + 1.0)[:, None] * a)
    s, root = spd(rng, n), np.empty((n, n))
    assert cholesky(s, root)
    np.testing.assert_allclose(root, np.linalg.cholesky(s), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(invert_lower(root), np.linalg.inv(root), rtol=1e-10, atol=1e-12)


def test_what_is_not_positive_definite_is_noticed() -> None:
    assert not cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]), np.empty((2, 2)))
