"""Likelihoods written down directly and maximised by scipy: a second computation that shares no code with the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp

Floats = npt.NDArray[np.float64]


def maximum(log_likelihood: Callable[[Floats], float], n_parameters: int) -> tuple[Floats, float]:
    """Where a concave log-likelihood is largest, and how large; BFGS with numerical gradients, twice."""
    found = minimize(lambda x: -log_likelihood(x), np.zeros(n_parameters), method="BFGS")
    found = minimize(lambda x: -log_likelihood(x), found.x, method="BFGS")
    return found.x, -float(found.fun)


def centred(utilities: npt.ArrayLike) -> Floats:
    """Utilities less their mean."""
    values = np.asarray(utilities, float)
    return np.asarray(values - values.mean())


def beside_first(utilities: npt.ArrayLike) -> Floats:
    """Utilities of J objects from the J - 1 others', the first's being 0."""
    return np.concatenate([[0.0], np.asarray(utilities, float)])


def logits(shown: Floats, pick: npt.NDArray[Any], there: npt.NDArray[np.bool_] | None = None
           ) -> Callable[[Floats], float]:  # fmt: skip
    """Logit choices ``pick`` (n) among alternatives with these rows (n, A, K), those that are ``there`` (n, A)."""
    inside = np.ones(shown.shape[:2], bool) if there is None else there

    def value(theta: Floats) -> float:
        v = np.where(inside, shown @ theta, -np.inf)
        return float((v[np.arange(len(v)), pick] - logsumexp(v, axis=1)).sum())

    return value


def stages(shown: Floats, order: npt.NDArray[Any]) -> Callable[[Floats], float]:
    """Rankings as logit choices from what is left; ``order`` (n, A) has who comes first, second, ..., -1 where unknown."""
    parts, there = [], np.ones(shown.shape[:2], bool)
    for place in range(order.shape[1] - 1):
        known = np.flatnonzero(order[:, place] >= 0)
        parts.append(logits(shown[known], order[known, place], there[known].copy()))
        there[known, order[known, place]] = False
    return lambda theta: sum(part(theta) for part in parts)


def unordered_middle(sets: npt.NDArray[Any], best: npt.NDArray[Any], worst: npt.NDArray[Any]) -> Callable[[Floats], float]:
    """Best first, worst last and the middle in any order: sets (n, A) of one size, places of the picks (n).

    Parameters of the likelihood are the utilities of all items but the first.
    """
    middle = np.array([[a for a in range(sets.shape[1]) if a not in (b, w)] for b, w in zip(best, worst, strict=True)])
    rows, size = np.arange(len(sets)), middle.shape[1]

    def value(theta: Floats) -> float:
        worth = np.exp(beside_first(theta))[sets]
        bottom, others = worth[rows, worst], worth[rows[:, None], middle]
        orders = [np.ones(len(sets))]  # of each subset of the middle, by its bits
        for subset in range(1, 2**size):
            inside = [j for j in range(size) if subset >> j & 1]
            parts = sum(others[:, j] * orders[subset ^ 1 << j] for j in inside)
            orders.append(parts / (bottom + others[:, inside].sum(axis=1)))
        return float(np.log(worth[rows, best] / worth.sum(axis=1) * orders[-1]).sum())

    return value


def adjacent_categories(pairs: npt.NDArray[Any], outcome: npt.NDArray[Any], n_items: int, *, step: float, position: bool = False
                        ) -> Callable[[Floats], float]:  # fmt: skip
    """Pairs (n, 2) graded -M to M in favour of the first: P(c) proportional to exp(tau_|c| + c step (v_1 - v_2 + position)).

    Neighbouring grades are a logit of the difference (Agresti 1992, doi 10.2307/2347562). M = 1 with ``step`` 1/2 is Davidson's
    model of ties (1970, doi 10.1080/01621459.1970.10481082), e^tau_0 his nu. Parameters: J - 1 utilities beside the
    first, tau_0 to tau_(M-1) beside tau_M, and the advantage of who is shown first.
    """
    most = int(np.abs(outcome).max())
    grades = np.arange(-most, most + 1)

    def value(theta: Floats) -> float:
        v = beside_first(theta[: n_items - 1])
        tau = np.concatenate([theta[n_items - 1 : n_items - 1 + most], [0.0]])
        difference = v[pairs[:, 0]] - v[pairs[:, 1]] + (theta[-1] if position else 0.0)
        score = tau[np.abs(grades)] + step * difference[:, None] * grades
        return float((score[np.arange(len(score)), outcome + most] - logsumexp(score, axis=1)).sum())

    return value


def deviance(count: Sequence[Sequence[float]] | Floats, probability: Floats) -> float:
    """Residual deviance of binomial rows: wins (n, 2) and the probability of the first (n)."""
    wins = np.asarray(count, float)
    expected = np.stack([probability, 1 - probability], axis=1) * wins.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(2 * np.where(wins > 0, wins * np.log(wins / expected), 0.0).sum())
