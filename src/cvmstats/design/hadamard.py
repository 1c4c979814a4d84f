"""Hadamard matrices and difference schemes, all by construction: the stones that orthogonal plans are built of.

A difference scheme D(r, c, s) is an array (r, c) over a group of s elements in which the difference of any two columns takes
every element equally often; a Hadamard matrix of order r is a D(r, r, 2). Source of the notions: Hedayat, Sloane & Stufken
(1999), Orthogonal Arrays, chapters 6 and 7.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.fields import addition, multiplication, prime_power

Ints = npt.NDArray[np.int64]


@cache
def hadamard(n: int) -> Ints | None:
    """A Hadamard matrix (n, n) of 0 and 1 whose first row and column are 0, None where none is constructed.

    Sylvester's doubling and both constructions of Paley (1933, Journal of Mathematics and Physics 12, 311-320), over prime
    fields.
    """
    made = _signs(n)
    if made is None:
        return None
    made = made * made[:1] * made[:, :1]
    return np.asarray((1 - made) // 2)


def _signs(n: int) -> Ints | None:
    if n <= 2:
        return np.array([[1, 1], [1, -1]])[:n, :n]
    if n % 4:
        return None
    if prime_power(n - 1) in ((n - 1, 1),):
        core = _quadratic(n - 1)
        skew = np.block([[np.zeros((1, 1), np.int64), np.ones((1, n - 1), np.int64)], [-np.ones((n - 1, 1), np.int64), core]])
        return np.asarray(skew + np.eye(n, dtype=np.int64))
    half = _signs(n // 2)
    if half is not None:
        return np.kron(np.array([[1, 1], [1, -1]]), half)
    q = n // 2 - 1
    if q % 4 == 1 and prime_power(q) == (q, 1):
        bordered = np.pad(_quadratic(q), ((1, 0), (1, 0)), constant_values=1)
        bordered[0, 0] = 0
        turn, stand = np.array([[1, 1], [1, -1]]), np.array([[1, -1], [-1, -1]])
        return np.kron(bordered, turn) + np.kron(np.eye(q + 1, dtype=np.int64), stand)
    return None


def _quadratic(q: int) -> Ints:
    """Jacobsthal's matrix (q, q): 1 where the difference is a square modulo q, -1 where it is not, 0 on the diagonal."""
    sign = -np.ones(q, np.int64)
    sign[np.arange(1, q) ** 2 % q] = 1
    sign[0] = 0
    return np.asarray(sign[(np.arange(q)[:, None] - np.arange(q)) % q])


@cache
def difference_scheme(r: int, s: int) -> Ints:
    """A difference scheme (r, c) over ``addition(s)`` with as many columns as are constructed here; one at least.

    Multiplication tables of GF(r), r and s powers of one prime, projected to the first digits; for r = 2 s, s odd, a pair of
    such tables with squares added (as Jungnickel 1979, Mathematische Zeitschrift 167, 49-60, has them; the squares here
    follow from completing the square in each difference of columns); Hadamard matrices; D(12, 12, 3) by a search.
    """
    ours, theirs = prime_power(s), prime_power(r)
    if s == 2 and (made := hadamard(r)) is not None:
        return made
    if ours and theirs and ours[0] == theirs[0] and r >= s:
        return multiplication(r) % s
    if ours and r == 2 * s and s % 2:
        return _twin_tables(s)
    if (r, s) == (12, 3):
        return _twelve_by_three()
    if r % s == 0:
        return np.stack([np.zeros(r, np.int64), np.arange(r) % s], axis=1)
    return np.zeros((r, 1), np.int64)


def _twin_tables(q: int) -> Ints:
    """D(2 q, 2 q, q), q odd: xy + x^2 + (1 - 1/n) y^2 / 4 and xy above, xy + n x^2 and n xy + (1 - n) y^2 / 4 below, n no
    square: differences of columns are quadratics in x with one least value, and the leading terms 1 and n."""  # fmt: skip
    plus, times = addition(q), multiplication(q)
    inverse = np.append(0, np.argmax(times[1:] == 1, axis=1))
    minus = np.argmax(plus == 0, axis=1)
    squares = times.diagonal()
    n = int(np.setdiff1d(np.arange(q), squares)[0])
    four = plus[plus[1, 1], plus[1, 1]]
    upper = times[plus[1, minus[inverse[n]]], inverse[four]]
    lower = times[plus[1, minus[n]], inverse[four]]
    return np.block([[plus[plus[times, squares[:, None]], times[upper, squares]], times],
                     [plus[times, times[n, squares][:, None]], plus[times[n, times], times[lower, squares]]]])  # fmt: skip


@cache
def _twelve_by_three() -> Ints:
    """D(12, 12, 3): a column of zeros, and the first eleven in lexical order that are as far apart as a scheme's must be."""
    every = []
    for zeros in combinations(range(1, 12), 3):
        rest = np.setdiff1d(np.arange(1, 12), zeros)
        for ones in combinations(rest.tolist(), 4):
            column = np.full(12, 2)
            column[[0, *zeros]], column[list(ones)] = 0, 1
            every.append(column)
    columns = np.array(every)
    roots = np.exp(2j * np.pi * columns / 3).astype(np.complex64)  # even differences are roots of unity that sum to zero
    found = first_clique(lambda one: np.abs(roots @ roots[one].conj()) < 1e-3, 11)
    return np.vstack([np.zeros(12, np.int64), columns[found]]).T


def first_clique(apart: Callable[[int], npt.NDArray[np.bool_]], size: int) -> list[int]:
    """The first ``size`` vertices in lexical order, with the vertex 0, of which each has an edge to all others.

    Parameters
    ----------
    apart : callable
        To which vertices (J), bool, a vertex has an edge.
    """

    def grow(chosen: list[int], free: npt.NDArray[np.bool_]) -> list[int] | None:
        if len(chosen) == size:
            return chosen
        later = free.copy()
        for one in np.flatnonzero(free):
            later[one] = False
            if (found := grow([*chosen, int(one)], later & apart(int(one)))) is not None:
                return found
        return None

    found = grow([0], apart(0))
    if found is None:
        raise ValueError(f"no clique of {size}")
    return found
