"""From the sampler's coordinates of a person to utilities, cheaply.

Parameters beta (K) are a choice of basis, and any other serves the sampler as well. Ours takes K objects whose utilities
themselves are the coordinates gamma; the others (for items one, which makes the sum zero) follow from these.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import qr

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lanes import REAL, WIDTH, above, choose, exponential, load, spread, store

Floats = npt.NDArray[np.float64]
_FARTHEST = 60.0


class Link(NamedTuple):
    """Utilities u = ``coding`` gamma, and beta = ``basis`` gamma.

    Where blocks have rows of their own (``blocks.py``), these are used instead of ``coding``, gamma is beta, and parameters may
    be held to a sign.

    Attributes
    ----------
    coding : array (J, K)
    basis, inverse : arrays (K, K)
    own : array (J)
        The coordinate that is this object's utility, -1 where there is none.
    sign : array (K)
        0 for a free parameter; 1 or -1 for one that is e^beta or -e^beta.
    """

    coding: Floats
    basis: Floats
    inverse: Floats
    own: npt.NDArray[np.int64]
    sign: Floats


def make_link(coding: npt.ArrayLike) -> Link:
    """The link of a design's coding (J, K); where its rank is below K, gamma is beta."""
    design = np.asarray(coding, dtype=float)
    n_objects, n_par = design.shape
    own = np.full(n_objects, -1)
    basis = np.eye(n_par)
    if np.linalg.matrix_rank(design) == n_par:
        chosen = np.sort(qr(design.T, mode="r", pivoting=True)[1][:n_par])
        own[chosen] = np.arange(n_par)
        basis = np.linalg.inv(design[chosen])
    linked = design @ basis
    linked[np.abs(linked) < 1e-12] = 0.0
    return Link(coding=linked, basis=basis, inverse=np.linalg.inv(basis), own=own, sign=np.zeros(n_par))


def plain_link(sign: npt.ArrayLike) -> Link:
    """The link for blocks that have rows of their own."""
    signs = np.asarray(sign, float)
    eye = np.eye(len(signs))
    return Link(coding=np.zeros((0, len(signs))), basis=eye, inverse=eye, own=np.zeros(0, np.int64), sign=signs)


@compiled(fast=True)
def to_parameters(sign, gamma, out):  # type: ignore[no-untyped-def]
    """What multiplies the rows: gamma, or where the sign is held its exponential."""
    for k in range(gamma.shape[0]):
        v = load(gamma, k)
        if sign[k] != 0.0:
            v = choose(above(v, _FARTHEST), _FARTHEST, choose(above(-_FARTHEST, v), -_FARTHEST, v))
            store(out, k, sign[k] * exponential(v))
        else:
            store(out, k, v)


@compiled(fast=True)
def utilities(link, gamma, u):  # type: ignore[no-untyped-def]
    """u (J, WIDTH) from gamma (K, WIDTH)."""
    for j in range(u.shape[0]):
        k = link.own[j]
        if k >= 0:
            store(u, j, load(gamma, k))
        else:
            s = spread(0.0)
            for q in range(gamma.shape[0]):
                s += link.coding[j, q] * load(gamma, q)
            store(u, j, s)


@compiled(fast=True)
def coordinates(link, slope, out):  # type: ignore[no-untyped-def]
    """Gradient in gamma (K, WIDTH) from the one in utilities (J, WIDTH)."""
    for q in range(out.shape[0]):
        store(out, q, spread(0.0))
    for j in range(slope.shape[0]):
        v = load(slope, j)
        if link.own[j] >= 0:
            store(out, link.own[j], load(out, link.own[j]) + v)
        else:
            for q in range(out.shape[0]):
                store(out, q, load(out, q) + link.coding[j, q] * v)


@compiled(fast=True)
def own_utilities(sign, rows, factor, shift, gamma, u):  # type: ignore[no-untyped-def]
    """The same of a block whose lanes have rows of their own (J, K, WIDTH)."""
    beta = np.empty((gamma.shape[0], WIDTH), REAL)
    to_parameters(sign, gamma, beta)
    for j in range(u.shape[0]):
        s = spread(0.0)
        for q in range(gamma.shape[0]):
            s += load(rows[j], q) * load(beta, q)
        store(u, j, load(factor, j) * s + load(shift, j))


@compiled(fast=True)
def own_coordinates(sign, rows, factor, gamma, slope, out):  # type: ignore[no-untyped-def]
    """The same of a block whose lanes have rows of their own (J, K, WIDTH)."""
    for q in range(out.shape[0]):
        store(out, q, spread(0.0))
    for j in range(slope.shape[0]):
        v = load(slope, j) * load(factor, j)
        for q in range(out.shape[0]):
            store(out, q, load(out, q) + load(rows[j], q) * v)
    beta = np.empty((gamma.shape[0], WIDTH), REAL)
    to_parameters(sign, gamma, beta)
    for q in range(out.shape[0]):
        if sign[q] != 0.0:
            store(out, q, load(out, q) * load(beta, q))
