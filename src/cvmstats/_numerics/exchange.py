"""D-optimal choice sets of profiles, by coordinate exchange (Meyer & Nachtsheim 1995, Technometrics 37, 60-69).

A choice from a set with rows x_i and shares p_i of a multinomial logit gives information sum_i p_i (x_i - m)(x_i - m)', m the
mean row. An outside option is a row of zeros that is in every set. The criterion is log det of the sum over sets, mean over
draws of the utilities (one draw: a point prior; zeros: utility-neutral), plus the same with the information of other versions
added, where there are any: a version shall serve alone and beside the others.

The sets but one have information B; with S = (B + ridge)^-1 the one adds log det(I + U S U'), rows of U being
p_i^1/2 (x_i - m). One level exchanged changes x_i in a few columns, so that U S U' follows from a few products.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.streams import draw_below

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RIDGE = 1e-6
"""Added to the diagonal of the information, in which a parameter's entry is of the order of the number of sets."""


class Problem(NamedTuple):
    """What is sought.

    Attributes
    ----------
    rows : array (L, K)
        Levels to parameters; an attribute's rows are zero outside its own columns.
    first, n_levels : array (attributes)
        Each attribute's first row, and how many it has.
    column, n_columns : array (attributes)
        The same of columns.
    offset : array (K)
        What every profile's row has beside its levels: 1 in the column of the outside option's constant.
    outside : bool
        Whether every set has an outside option.
    draws : array (D, K)
        Utilities.
    other : array (D or 0, K, K)
        Information of other versions.
    pool : array (N, attributes)
        Profiles from which random sets are made.
    prohibited : array (P, attributes)
        Combinations that must not be, -1 where any level is meant.
    repeats : bool
        Whether a set may stand twice.
    """

    rows: Floats
    first: Ints
    n_levels: Ints
    column: Ints
    n_columns: Ints
    offset: Floats
    outside: bool
    draws: Floats
    other: Floats
    pool: Ints
    prohibited: Ints
    repeats: bool


@compiled
def random_sets(problem, n_sets, size, key):  # type: ignore[no-untyped-def]
    """Sets (T, A, attributes) of profiles of the pool; no profile twice in a set, nor a set twice while that is avoidable."""
    n_attributes = problem.pool.shape[1]
    out = np.empty((n_sets, size, n_attributes), np.int64)
    for t in range(n_sets):
        for _ in range(2000):
            for i in range(size):
                for _ in range(1000):
                    row = draw_below(problem.pool.shape[0], key)
                    for a in range(n_attributes):
                        out[t, i, a] = problem.pool[row, a]
                    if not _among(out, t, i, out[t, i], i):
                        break
            if problem.repeats or not _stands(out, t, t):
                break
    return out


@compiled
def exchange(sets, problem, n_sweeps):  # type: ignore[no-untyped-def]
    """Better ``sets`` (T, A, attributes) in place until no exchange of one level helps; returns the criterion."""
    n_sets, size = sets.shape[:2]
    n_draws, k = problem.draws.shape
    x = np.empty((n_sets, size, k))
    for t in range(n_sets):
        for i in range(size):
            _code(problem, sets[t, i], x[t, i])
    n_both = 1 + (problem.other.shape[0] > 0)
    inverse = np.empty((n_both, n_draws, k, k))
    room = np.empty((k, k))
    sx = np.empty((n_both, n_draws, size, k))
    q = np.empty((n_both, n_draws, size, size))
    u = np.empty((n_draws, size))
    for _ in range(n_sweeps):
        better = False
        total = np.zeros((n_draws, k, k))
        for t in range(n_sets):
            for d in range(n_draws):
                _add(x[t], problem.draws[d], problem.outside, total[d], 1.0)
        for t in range(n_sets):
            for d in range(n_draws):
                _add(x[t], problem.draws[d], problem.outside, total[d], -1.0)
                for i in range(size):
                    u[d, i] = _dot(x[t, i], problem.draws[d])
                for b in range(n_both):
                    _take(total[d], problem.other, d if b else -1, room)
                    _invert(room, inverse[b, d])
                    for i in range(size):
                        _products(x[t], i, inverse[b, d], sx[b, d], q[b, d])
            better |= _better_set(sets, t, x[t], problem, inverse, sx, q, u)
            for d in range(n_draws):
                _add(x[t], problem.draws[d], problem.outside, total[d], 1.0)
        if not better:
            break
    return criterion(x, problem)


@compiled
def criterion(x, problem):  # type: ignore[no-untyped-def]
    """Mean over draws of log det of the information of rows ``x`` (T, A, K), and the same with that of other versions."""
    n_draws, k = problem.draws.shape
    value = 0.0
    room = np.empty((k, k))
    for d in range(n_draws):
        total = np.zeros((k, k))
        for t in range(x.shape[0]):
            _add(x[t], problem.draws[d], problem.outside, total, 1.0)
        for b in range(1 + (problem.other.shape[0] > 0)):
            _take(total, problem.other, d if b else -1, room)
            value += _log_det(room)
    return value / n_draws


@compiled
def _take(total, other, d, out):  # type: ignore[no-untyped-def]
    """``total`` with the ridge, and with that of the other versions (d = -1: without). Whole arrays would compile slowly."""
    for j in range(out.shape[0]):
        for c in range(out.shape[0]):
            out[j, c] = total[j, c] + (other[d, j, c] if d >= 0 else 0.0)
        out[j, j] += RIDGE


@compiled
def _better_set(sets, t, x, problem, inverse, sx, q, u):  # type: ignore[no-untyped-def]
    """Exchange levels of set t, each for the best one, while the other sets stay; True where any was."""
    size, n_attributes = sets.shape[1], sets.shape[2]
    n_draws, k = problem.draws.shape
    n_both = q.shape[0]
    any_better = False
    n_all = size + problem.outside
    rooms = np.zeros((n_all, n_all)), np.empty(n_all), np.empty(n_all), np.empty(n_all)
    delta = np.empty(k)
    now = _value(q, u, -1, q[:, :, 0], u[:, 0], problem.outside, rooms)
    new_q, new_u = np.empty((n_both, n_draws, size)), np.empty(n_draws)
    tried = np.empty(n_attributes, np.int64)
    for i in range(size):
        for a in range(n_attributes):
            old = sets[t, i, a]
            best, most = old, now + 1e-9
            low, high = problem.column[a], problem.column[a] + problem.n_columns[a]
            for c in range(n_attributes):
                tried[c] = sets[t, i, c]
            for level in range(problem.n_levels[a]):
                if level == old:
                    continue
                tried[a] = level
                if not _allowed(problem.prohibited, tried) or _among(sets, t, size, tried, i):
                    continue
                if not problem.repeats:
                    sets[t, i, a] = level
                    twice = _stands(sets, t, sets.shape[0])
                    sets[t, i, a] = old
                    if twice:
                        continue
                for c in range(low, high):
                    delta[c] = problem.rows[problem.first[a] + level, c] - problem.rows[problem.first[a] + old, c]
                for d in range(n_draws):
                    new_u[d] = u[d, i]
                    for c in range(low, high):
                        new_u[d] += delta[c] * problem.draws[d, c]
                    for b in range(n_both):
                        for j in range(size):
                            product = 0.0
                            for c in range(low, high):
                                product += delta[c] * sx[b, d, j, c]
                            new_q[b, d, j] = q[b, d, i, j] + product
                            if j == i:
                                for c in range(low, high):
                                    for e in range(low, high):
                                        product += delta[c] * inverse[b, d, c, e] * delta[e]
                                new_q[b, d, i] += product
                value = _value(q, u, i, new_q, new_u, problem.outside, rooms)
                if value > most:
                    best, most = level, value
            if best != old:
                any_better = True
                sets[t, i, a] = best
                _code(problem, sets[t, i], x[i])
                for d in range(n_draws):
                    u[d, i] = _dot(x[i], problem.draws[d])
                    for b in range(n_both):
                        _products(x, i, inverse[b, d], sx[b, d], q[b, d])
                now = most
    return any_better


@compiled
def _value(q, u, i, new_q, new_u, outside, rooms):  # type: ignore[no-untyped-def]
    """Mean over draws of log det(I + U S U') where row i of x is another one (i = -1: none is)."""
    room, share, root, middle = rooms
    n_both, n_draws, size = q.shape[0], q.shape[1], q.shape[2]
    n_all = size + outside
    value = 0.0
    for d in range(n_draws):
        top = 0.0 if outside else -np.inf
        for j in range(size):
            share[j] = new_u[d] if j == i else u[d, j]
            top = max(top, share[j])
        if outside:
            share[size] = 0.0
        total = 0.0
        for j in range(n_all):
            share[j] = np.exp(share[j] - top)
            total += share[j]
        for j in range(n_all):
            share[j] /= total
            root[j] = np.sqrt(share[j])
        for b in range(n_both):
            for j in range(size):
                for m in range(size):
                    room[j, m] = new_q[b, d, m] if j == i else new_q[b, d, j] if m == i else q[b, d, j, m]
            if outside:
                for j in range(n_all):
                    room[size, j] = room[j, size] = 0.0
            mean = 0.0
            for j in range(n_all):
                middle[j] = 0.0
                for m in range(n_all):
                    middle[j] += room[j, m] * share[m]
                mean += share[j] * middle[j]
            for j in range(n_all):
                for m in range(j + 1):
                    room[j, m] = root[j] * root[m] * (room[j, m] - middle[j] - middle[m] + mean)
                room[j, j] += 1.0
            value += _log_det(room)
    return value / n_draws


@compiled
def _log_det(matrix):  # type: ignore[no-untyped-def]
    """log det by Cholesky's factor, which takes the place of ``matrix``; very low where it is not positive."""
    n = matrix.shape[0]
    value, before = 1.0, 0.0
    for j in range(n):
        for m in range(j):
            for c in range(m):
                matrix[j, m] -= matrix[j, c] * matrix[m, c]
            matrix[j, m] /= matrix[m, m]
            matrix[j, j] -= matrix[j, m] * matrix[j, m]
        if matrix[j, j] <= 0.0:
            return -1e6
        value *= matrix[j, j]
        if value > 1e100 or value < 1e-100:
            value, before = 1.0, before + np.log(value)
        matrix[j, j] = np.sqrt(matrix[j, j])
    return before + np.log(value)


@compiled
def _add(x, beta, outside, total, sign):  # type: ignore[no-untyped-def]
    """Add the information of a set with rows ``x`` (A, K)."""
    size, k = x.shape
    p = np.empty(size)
    top = 0.0 if outside else -np.inf
    for i in range(size):
        p[i] = _dot(x[i], beta)
        top = max(top, p[i])
    whole = np.exp(-top) if outside else 0.0
    for i in range(size):
        p[i] = np.exp(p[i] - top)
        whole += p[i]
    mean = np.zeros(k)
    for i in range(size):
        p[i] /= whole
        for c in range(k):
            mean[c] += p[i] * x[i, c]
    for c in range(k):
        for e in range(c + 1):
            value = -mean[c] * mean[e]
            for i in range(size):
                value += p[i] * x[i, c] * x[i, e]
            total[c, e] += sign * value
            if e < c:
                total[e, c] += sign * value


@compiled
def _dot(one, other):  # type: ignore[no-untyped-def]
    value = 0.0
    for c in range(len(one)):
        value += one[c] * other[c]
    return value


@compiled
def _products(x, i, inverse, sx, q):  # type: ignore[no-untyped-def]
    """Row i of x S, and row and column i of x S x'."""
    for c in range(x.shape[1]):
        sx[i, c] = _dot(x[i], inverse[c])
    for j in range(x.shape[0]):
        q[i, j] = q[j, i] = _dot(sx[i], x[j])


@compiled
def _invert(matrix, out):  # type: ignore[no-untyped-def]
    """Inverse of a positive definite ``matrix``, whose lower triangle is lost, by Cholesky's factor."""
    n = matrix.shape[0]
    _log_det(matrix)
    for col in range(n):
        for j in range(n):
            value = 1.0 if j == col else 0.0
            for c in range(col, j):
                value -= matrix[j, c] * out[c, col]
            out[j, col] = value / matrix[j, j] if j >= col else 0.0
        for j in range(n - 1, -1, -1):
            value = out[j, col]
            for c in range(j + 1, n):
                value -= matrix[c, j] * out[c, col]
            out[j, col] = value / matrix[j, j]


@compiled
def _code(problem, profile, out):  # type: ignore[no-untyped-def]
    for c in range(len(out)):
        out[c] = problem.offset[c]
        for a in range(len(profile)):
            out[c] += problem.rows[problem.first[a] + profile[a], c]


@compiled
def _allowed(prohibited, profile):  # type: ignore[no-untyped-def]
    for row in prohibited:
        meets = True
        for a in range(len(profile)):
            meets &= row[a] < 0 or row[a] == profile[a]
        if meets:
            return False
    return True


@compiled
def _among(sets, t, size, profile, but):  # type: ignore[no-untyped-def]
    """Whether one of the first ``size`` profiles of set t, ``but`` left out, is this one."""
    for i in range(size):
        if i == but:
            continue
        same = True
        for a in range(len(profile)):
            same &= sets[t, i, a] == profile[a]
        if same:
            return True
    return False


@compiled
def _stands(sets, t, n_sets):  # type: ignore[no-untyped-def]
    """Whether one of the first ``n_sets`` sets, t left out, shows the same profiles as set t."""
    size = sets.shape[1]
    for s in range(n_sets):
        if s == t:
            continue
        same = True
        for i in range(size):
            if not _among(sets, s, size, sets[t, i], -1):
                same = False
                break
        if same:
            return True
    return False
