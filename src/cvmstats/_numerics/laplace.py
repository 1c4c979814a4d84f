"""Likelihood of each person's answers with the person's utilities integrated out, in a second for a thousand people.

People's parameters are N(m, S), and a share q of people answer by chance, every pick as likely as the others:

    p(y_i) = (1 - q) integral of p(y_i | b) N(b; m, S) db + q p(y_i | 0),

the integral by Laplace's approximation at the person's mode (Tierney & Kadane 1986, doi 10.2307/2287970). A few steps of EM
give m, S and q (empirical Bayes); in each, people move by one Newton step towards their modes, and m and S by more than EM says
(over-relaxation, Salakhutdinov & Roweis 2003, ICML; of S by powers, so that it stays positive). S is drawn towards equal
variances by as many imagined people as there are parameters, so that it has full rank in any sample. Columns of the coding are
brought to one scale first: units of attributes change nothing.

Matrices of single people are decomposed in compiled code: LAPACK's threads, called for thousands of small ones, wait for one
another on a busy machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from cvmstats._numerics.coded import Coded, people_derivatives
from cvmstats._numerics.compiled import compiled

Floats = npt.NDArray[np.float64]

STEPS = 6
"""Of EM."""
LAST = 2
"""Newton steps after them, for the modes."""
_FARTHER = 1.8
"""Times as far as EM says; below 2 it converges."""
_STRIDE = 0.5
"""How far a person goes in one step, in logits of a coordinate."""
_CHANCE = (0.1, 0.001, 0.9)
"""q at the start, at least, at most."""


class People(NamedTuple):
    """What the answers of R people say of them all.

    Attributes
    ----------
    value : array (R)
        Log of p(y_i), up to what is the same for all answers to these sets.
    mean, cov : arrays (K), (K, K)
        m and S.
    share : float
        q.
    """

    value: Floats
    mean: Floats
    cov: Floats
    share: float


def fit_people(coded: Coded, start: npt.ArrayLike) -> People:
    """Population and likelihood of people whose answers have no parameters but theta.

    Parameters
    ----------
    coded : Coded
        Answers without response parameters and error scales.
    start : array (K)
        Parameters of a pooled fit.
    """
    unit = np.sqrt((coded.rows**2).mean(axis=0))
    unit = np.where(unit > 0, unit, 1.0)
    coded = coded._replace(rows=np.ascontiguousarray(coded.rows / unit))
    mean = np.asarray(start, float) * unit
    n, k = coded.tasks.n_people, len(mean)
    by_chance = people_derivatives(coded, np.zeros(k), curved=False)[0]
    people, cov, share = np.tile(mean, (n, 1)), np.eye(k) / k, _CHANCE[0]
    for step in range(STEPS + LAST):
        value, move, factor = _approximate(coded, people, mean, cov)
        people = people + np.clip(move, -_STRIDE, _STRIDE)
        if step < STEPS:
            weight = np.exp(np.log1p(-share) + value - _mix(value, by_chance, share))
            mean, cov = _population(people, factor, weight, mean, cov)
            share = float(np.clip(1 - weight.mean(), *_CHANCE[1:]))
    value = _mix(_approximate(coded, people, mean, cov)[0], by_chance, share)
    return People(value, mean / unit, cov / np.outer(unit, unit), share)


def _mix(value: Floats, by_chance: Floats, share: float) -> Floats:
    return np.asarray(np.logaddexp(np.log1p(-share) + value, np.log(share) + by_chance))


def _approximate(coded: Coded, people: Floats, mean: Floats, cov: Floats) -> tuple[Floats, Floats, Floats]:
    """Log of the integral (R), the Newton step to the mode (R, K) and the Cholesky factor of the information (R, K, K).

    The log posterior is taken for the quadratic that it is close to where the person stands: at the mode that is Laplace's.
    """
    precision = np.linalg.inv(cov)
    value, slope, hessian = people_derivatives(coded, people)
    away = people - mean
    pull = slope - away @ precision
    factor, move, volume = precision - hessian, np.empty(people.shape), np.empty(len(people))
    _decompose(factor, pull, move, volume)
    value = value - ((away @ precision) * away - pull * move).sum(axis=1) / 2
    return value - (volume + np.linalg.slogdet(cov)[1]) / 2, move, factor


def _population(people: Floats, factor: Floats, weight: Floats, mean: Floats, cov: Floats) -> tuple[Floats, Floats]:
    """Mean (K) and covariance (K, K) of people of these weights, farther than EM goes from where they were."""
    total, k = weight.sum(), people.shape[1]
    new = weight @ people / total
    away = people - new
    squares = (away * weight[:, None]).T @ away
    _add_inverses(factor, weight, squares)
    squares = (squares + np.trace(squares) / total * np.eye(k)) / (total + k)
    powers, vectors = eigh(squares, cov)
    axes = cov @ vectors
    return mean + _FARTHER * (new - mean), (axes * powers**_FARTHER) @ axes.T


@compiled(fast=True)
def _decompose(square, pull, move, volume):  # type: ignore[no-untyped-def]
    """Each positive matrix becomes its lower factor L; ``move`` solves LL' x = pull, ``volume`` is the log determinant."""
    n, size = pull.shape
    for i in range(n):
        low, x = square[i], move[i]
        volume[i] = 0.0
        for r in range(size):
            for c in range(r + 1):
                s = low[r, c]
                for q in range(c):
                    s -= low[r, q] * low[c, q]
                # answers summed over what is missing need not be concave
                low[r, c] = np.sqrt(max(s, 1e-6)) if c == r else s / low[c, c]
            volume[i] += 2.0 * np.log(low[r, r])
            s = pull[i, r]
            for q in range(r):
                s -= low[r, q] * x[q]
            x[r] = s / low[r, r]
        for r in range(size - 1, -1, -1):
            x[r] /= low[r, r]
            for q in range(r):
                x[q] -= low[r, q] * x[r]


@compiled(fast=True)
def _add_inverses(factor, weight, out):  # type: ignore[no-untyped-def]
    """Add the weighted sum of (LL')^-1 to ``out`` (K, K)."""
    n, size = factor.shape[:2]
    inverse = np.zeros((size, size))
    for i in range(n):
        low = factor[i]
        for r in range(size):
            inverse[r, : r + 1] = 0.0
            for q in range(r):
                for c in range(q + 1):
                    inverse[r, c] -= low[r, q] * inverse[q, c]
            for c in range(r):
                inverse[r, c] /= low[r, r]
            inverse[r, r] = 1.0 / low[r, r]
            for p in range(r + 1):
                for c in range(r + 1):
                    out[p, c] += weight[i] * inverse[r, p] * inverse[r, c]
