"""Finite fields as tables: GF(q) for prime powers, elements 0 .. q - 1 in base p, the first digit the lowest."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def prime_power(q: int) -> tuple[int, int] | None:
    """(p, m) with q = p^m, p prime; None where there are none.

    >>> prime_power(27), prime_power(12)
    ((3, 3), None)
    """
    if q < 2:
        return None
    p = next((d for d in range(2, int(q**0.5) + 1) if q % d == 0), q)
    m, rest = 0, q
    while rest % p == 0:
        rest, m = rest // p, m + 1
    return (p, m) if rest == 1 else None


@cache
def addition(q: int) -> Ints:
    """Sums (q, q): digit by digit modulo p; of numbers that are no prime power, modulo q."""
    p, m = prime_power(q) or (q, 1)
    digits = _digits(p, m)
    return _number((digits[:, None] + digits) % p, p)


@cache
def multiplication(q: int) -> Ints:
    """Products (q, q) in GF(q): of polynomials modulo the first monic irreducible one.

    A polynomial is irreducible if no two elements other than zero have the product zero.
    """
    found = prime_power(q)
    if found is None:
        raise ValueError(f"{q} is no prime power: there is no field of so many elements")
    p, m = found
    digits = _digits(p, m)
    for tail in product(range(p), repeat=m):
        table = _products(digits, np.array(tail), p)
        if table[1:, 1:].all():
            return table
    raise AssertionError  # there is one for every p and m


def _digits(p: int, m: int) -> Ints:
    return np.arange(p**m)[:, None] // p ** np.arange(m) % p


def _number(digits: Ints, p: int) -> Ints:
    return np.asarray(digits @ p ** np.arange(digits.shape[-1]))


def _products(digits: Ints, tail: Ints, p: int) -> Ints:
    """Products modulo x^m + tail."""
    m = digits.shape[1]
    out = np.zeros((len(digits), len(digits), 2 * m - 1), np.int64)
    for i in range(m):
        out[:, :, i : i + m] += digits[:, None, i : i + 1] * digits
    for power in range(2 * m - 2, m - 1, -1):
        out[:, :, power - m : power] -= out[:, :, power : power + 1] * tail
        out %= p
    return _number(out[:, :, :m] % p, p)
