"""Small linear algebra for WIDTH people at a time: triangular matrices of their own, square ones that all share.

A person's lower triangle is stored by rows, entry (i, j) in row i (i + 1) / 2 + j of an array (K (K + 1) / 2, WIDTH).
Rows are taken two at a time: as many independent sums as registers hold.
"""

from __future__ import annotations

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lanes import lane_sum, load, spread, square_root, store


@compiled(fast=True)
def factorise(shared, own, factor, inverse):  # type: ignore[no-untyped-def]
    """Cholesky factor of ``shared`` (K, K) + ``own`` (triangle); ``inverse`` (K, WIDTH) gets one over its diagonal."""
    n = inverse.shape[0]
    for j in range(n):
        rj = j * (j + 1) // 2
        s = load(own, rj + j) + shared[j, j]
        for k in range(j):
            x = load(factor, rj + k)
            s -= x * x
        s = square_root(s)
        d = 1.0 / s
        store(factor, rj + j, s)
        store(inverse, j, d)
        i = j + 1
        while i + 1 < n:
            r0 = i * (i + 1) // 2
            r1 = r0 + i + 1
            s0, s1 = load(own, r0 + j) + shared[i, j], load(own, r1 + j) + shared[i + 1, j]
            for k in range(j):
                x = load(factor, rj + k)
                s0 -= x * load(factor, r0 + k)
                s1 -= x * load(factor, r1 + k)
            store(factor, r0 + j, s0 * d)
            store(factor, r1 + j, s1 * d)
            i += 2
        while i < n:
            ri = i * (i + 1) // 2
            s = load(own, ri + j) + shared[i, j]
            for k in range(j):
                s -= load(factor, rj + k) * load(factor, ri + k)
            store(factor, ri + j, s * d)
            i += 1


@compiled(fast=True)
def solve_lower(factor, inverse, x):  # type: ignore[no-untyped-def]
    """L^-1 x, in place (K, WIDTH)."""
    n = inverse.shape[0]
    for j in range(n):
        v = load(x, j) * load(inverse, j)
        store(x, j, v)
        for i in range(j + 1, n):
            store(x, i, load(x, i) - load(factor, i * (i + 1) // 2 + j) * v)


@compiled(fast=True)
def solve_upper(factor, inverse, x):  # type: ignore[no-untyped-def]
    """L^-T x, in place (K, WIDTH)."""
    n = inverse.shape[0]
    for i in range(n - 1, -1, -1):
        v = load(x, i) * load(inverse, i)
        store(x, i, v)
        for j in range(i):
            store(x, j, load(x, j) - load(factor, i * (i + 1) // 2 + j) * v)


@compiled(fast=True)
def times_upper(factor, x, out):  # type: ignore[no-untyped-def]
    """L' x."""
    n = x.shape[0]
    for j in range(n):
        store(out, j, spread(0.0))
    for i in range(n):
        v = load(x, i)
        for j in range(i + 1):
            store(out, j, load(out, j) + load(factor, i * (i + 1) // 2 + j) * v)


@compiled(fast=True)
def multiply(a, x, out):  # type: ignore[no-untyped-def]
    """``out`` (M, WIDTH) = ``a`` (M, N) times ``x`` (N, WIDTH)."""
    m, n = a.shape
    for i in range(0, m, 2):
        j = min(i + 1, m - 1)
        s0, s1 = spread(0.0), spread(0.0)
        for k in range(n):
            v = load(x, k)
            s0 += a[i, k] * v
            s1 += a[j, k] * v
        store(out, i, s0)
        store(out, j, s1)


@compiled(fast=True)
def combine(a, x, b, y, shift, out):  # type: ignore[no-untyped-def]
    """``out`` = ``a`` x + ``b`` y + ``shift``."""
    m, n = a.shape
    for i in range(0, m, 2):
        j = min(i + 1, m - 1)
        s0, s1 = spread(shift[i]), spread(shift[j])
        for k in range(n):
            v = load(x, k)
            s0 += a[i, k] * v
            s1 += a[j, k] * v
        for k in range(n):
            v = load(y, k)
            s0 += b[i, k] * v
            s1 += b[j, k] * v
        store(out, i, s0)
        store(out, j, s1)


@compiled(fast=True)
def inner(x, y):  # type: ignore[no-untyped-def]
    """x'y of each person."""
    s = spread(0.0)
    for k in range(x.shape[0]):
        s += load(x, k) * load(y, k)
    return s


@compiled(fast=True)
def sum_rows(x, out):  # type: ignore[no-untyped-def]
    """Sums over people of (B, K, WIDTH) into ``out`` (K), always in the same order."""
    for i in range(len(out)):
        s = spread(0.0)
        for b in range(x.shape[0]):
            s += load(x[b], i)
        out[i] = lane_sum(s)


@compiled(fast=True)
def sum_outer(x, y, out):  # type: ignore[no-untyped-def]
    """Sums over people of x y' (B, K, WIDTH) into ``out`` (K, K), always in the same order."""
    n_blocks, n = x.shape[0], x.shape[1]
    for i in range(n):
        for j in range(0, n, 3):
            k, m = min(j + 1, n - 1), min(j + 2, n - 1)
            s0, s1, s2 = spread(0.0), spread(0.0), spread(0.0)
            for b in range(n_blocks):
                v = load(x[b], i)
                s0 += v * load(y[b], j)
                s1 += v * load(y[b], k)
                s2 += v * load(y[b], m)
            out[i, j] = lane_sum(s0)
            out[i, k] = lane_sum(s1)
            out[i, m] = lane_sum(s2)


@compiled(fast=True)
def sum_square(x, out):  # type: ignore[no-untyped-def]
    """The same for y = x."""
    n_blocks, n = x.shape[0], x.shape[1]
    for i in range(n):
        for j in range(0, i + 1, 3):
            k, m = min(j + 1, i), min(j + 2, i)
            s0, s1, s2 = spread(0.0), spread(0.0), spread(0.0)
            for b in range(n_blocks):
                v = load(x[b], i)
                s0 += v * load(x[b], j)
                s1 += v * load(x[b], k)
                s2 += v * load(x[b], m)
            out[i, j] = out[j, i] = lane_sum(s0)
            out[i, k] = out[k, i] = lane_sum(s1)
            out[i, m] = out[m, i] = lane_sum(s2)
