"""Small square matrices in compiled code: plain loops, faster here than calls of BLAS and quick to compile."""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.compiled import compiled


@compiled(fast=True)
def product(a, b):  # type: ignore[no-untyped-def]
    """a b."""
    n, m, k = a.shape[0], b.shape[1], a.shape[1]
    out = np.zeros((n, m))
    for i in range(n):
        for q in range(k):
            v = a[i, q]
            for j in range(m):
                out[i, j] += v * b[q, j]
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


@compiled
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


@compiled
def invert_lower(a):  # type: ignore[no-untyped-def]
    """Inverse of a lower triangular matrix."""
    n = a.shape[0]
    out = np.zeros((n, n))
    for i in range(n):
        out[i, i] = 1.0 / a[i, i]
        for j in range(i):
            s = 0.0
            for k in range(j, i):
                s += a[i, k] * out[k, j]
            out[i, j] = -s * out[i, i]
    return out
