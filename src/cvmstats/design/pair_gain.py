"""Which pairs the next respondent compares: those that tell most, along spanning trees of the items.

A comparison with difference x of the items adds p (1 - p) x x' to the information, so that the log determinant of the
covariance V falls by log(1 + p (1 - p) x' V x), its gain. Pairs of a batch lie along a spanning tree of the largest gains:
they then tell different things and reach all items (Li, Mantiuk, Wang, Le Callet & Dauwels 2018, "Hybrid-MST", NeurIPS 31).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_JITTER = 1e-6
"""Relative noise on gains, so that equal ones are taken at random."""


def pair_gain(mean: Floats, cov: Floats) -> Floats:
    """log(1 + p (1 - p) x' V x) of each pair of items (J, J).

    >>> pair_gain(np.zeros(2), np.eye(2)).round(4)
    array([[0.    , 0.4055],
           [0.4055, 0.    ]])
    """
    spread = np.diag(cov)
    variance = np.maximum(spread[:, None] + spread[None, :] - 2 * cov, 0.0)
    return np.asarray(np.log1p(_weight(mean[:, None] - mean[None, :]) * variance))


def choose_pairs(mean: Floats, cov: Floats, pending: Ints, n: int, rng: np.random.Generator) -> Ints:
    """``n`` different pairs (n, 2), chosen by gain along one spanning tree after another.

    Parameters
    ----------
    pending : array (M, 2)
        Pairs that others were given and whose answers are not in the posterior: they count as if answered.
    """
    from scipy.sparse.csgraph import minimum_spanning_tree

    n_items = len(mean)
    precision = np.linalg.inv(cov)
    _add(precision, mean, pending)
    free = np.triu(np.ones((n_items, n_items), bool), 1)
    noise = 1 + _JITTER * rng.random((n_items, n_items))
    chosen: list[Ints] = []
    while n > 0:
        gain = pair_gain(mean, np.linalg.inv(precision)) * noise
        cost = np.where(free, 1 + gain.max() - gain, 0.0)  # a zero is no edge
        tree = minimum_spanning_tree(cost).tocoo()
        edges = np.stack([tree.row, tree.col], axis=1).astype(np.int64)
        edges = edges[np.argsort(tree.data, kind="stable")][:n]
        _add(precision, mean, edges)
        free[edges[:, 0], edges[:, 1]] = False
        chosen.append(edges)
        n -= len(edges)
    return np.concatenate(chosen)


def _weight(difference: Floats) -> Floats:
    """p (1 - p) at a difference of utilities."""
    return np.asarray(0.25 / np.cosh(np.clip(difference / 2, -300, 300)) ** 2)


def _add(precision: Floats, mean: Floats, pairs: Ints) -> None:
    """Add the information of comparisons."""
    i, j = pairs[:, 0], pairs[:, 1]
    w = _weight(mean[i] - mean[j])
    for a, b, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
        np.add.at(precision, (a, b), sign * w)
