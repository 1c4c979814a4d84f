"""Small square matrices in compiled code: as fast as BLAS at these sizes, and the same whatever threads BLAS would use."""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lanes import WIDTH, load, spread, store


@compiled(fast=True)
def product(a, b):  # type: ignore[no-untyped-def]
    """a b, columns of b in lanes."""
    n, m, wide = a.shape[0], b.shape[1], (b.shape[1] + WIDTH - 1) // WIDTH
    padded, out = np.zeros((len(b) * wide, WIDTH)), np.empty((n, m))
    for q in range(len(b)):
        for j in range(m):
            padded[q * wide + j // WIDTH, j % WIDTH] = b[q, j]
    rows = np.empty((2, WIDTH))
    for i in range(0, n, 2):
        k = min(i + 1, n - 1)
        for c in range(wide):
            one, two = spread(0.0), spread(0.0)
            for q in range(len(b)):
                v = load(padded, q * wide + c)
                one += a[i, q] * v
                two += a[k, q] * v
            store(rows, 0, one)
            store(rows, 1, two)
            for j in range(min(WIDTH, m - c * WIDTH)):
                out[i, c * WIDTH + j] = rows[0, j]
                out[k, c * WIDTH + j] = rows[1, j]
    return out


@compiled
def transposed(a):  # type: ignore[no-untyped-def]
    """A copy of a'."""
    out = np.empty((a.shape[1], a.shape[0]))
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[j, i] = a[i, j]
    return out


@compiled
def scaled_rows(v, a):  # type: ignore[no-untyped-def]
    """diag(v) a."""
    out = np.empty_like(a)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i, j] = v[i] * a[i, j]
    return out


@compiled(fast=True)
def cholesky(a, out):  # type: ignore[no-untyped-def]
    """Lower factor of ``a``; False where it is not positive definite."""
    n = a.shape[0]
    out[:] = 0.0
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= out[i, k] * out[j, k]
            if i == j:
                if not s > 0.0:
                    return False
                out[i, i] = np.sqrt(s)
            else:
                out[i, j] = s / out[j, j]
    return True


@compiled(fast=True)
def invert_lower(a):  # type: ignore[no-untyped-def]
    """Inverse of a lower triangular matrix."""
    n = a.shape[0]
    out = np.zeros((n, n))
    for i in range(n):
        d = 1.0 / a[i, i]
        for k in range(i):
            v = -a[i, k] * d
            for j in range(k + 1):
                out[i, j] += v * out[k, j]
        out[i, i] = d
    return out
