"""Mean and covariance of the population given everybody's utilities, all conjugate.

m | beta, Sigma is normal; Sigma | beta, m, a inverse Wishart; a | Sigma inverse gamma, one per block of parameters (Huang &
Wand 2013, doi 10.1214/13-BA815). With a integrated out, Sigma has the density that ``log_prior`` gives.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.square import cholesky, invert_lower, product, transposed
from cvmstats._numerics.streams import draw_normal, draw_uniform

Floats = npt.NDArray[np.float64]


class Upper(NamedTuple):
    """The prior as the sampler needs it.

    Attributes
    ----------
    mean, mean_precision : arrays (K), (K, K)
        Of the normal prior of the mean.
    degrees : float
        Degrees of freedom of the inverse Wishart.
    scale : array (K, K)
        Its scale matrix; with ``n_scales`` > 0 it is 2 nu diag(1/a) instead, and this is not read.
    block : array (K), int
        Block of each parameter.
    n_scales : int
        Number of blocks under the Huang-Wand prior, 0 under an inverse Wishart.
    nu, spread : float
        Huang-Wand's nu and A.
    """

    mean: Floats
    mean_precision: Floats
    degrees: float
    scale: Floats
    block: npt.NDArray[np.int64]
    n_scales: int
    nu: float
    spread: float


class Population(NamedTuple):
    """Where the population stands; arrays are changed in place.

    Attributes
    ----------
    mean, cov, precision : arrays (K), (K, K), (K, K)
        m, Sigma and its inverse.
    scales : array (K)
        Huang-Wand's a, those of the blocks first.
    key : array (2), uint64
        Random stream and its counter.
    """

    mean: Floats
    cov: Floats
    precision: Floats
    scales: Floats
    key: npt.NDArray[np.uint64]


@compiled
def _gamma(shape, key):  # type: ignore[no-untyped-def]
    """Gamma(shape, 1): Marsaglia & Tsang 2000, doi 10.1145/358407.358414; below 1 by Gamma(shape + 1) U^(1 / shape)."""
    smaller = draw_uniform(key) ** (1.0 / shape) if shape < 1.0 else 1.0
    d = (shape + 1.0 if shape < 1.0 else shape) - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    while True:
        x = draw_normal(key)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and np.log(draw_uniform(key)) < 0.5 * x * x + d - d * v + d * np.log(v):
            return d * v * smaller


@compiled
def draw_population(population, prior, n_people, first, second):  # type: ignore[no-untyped-def]
    """Draw m, Sigma and a, given sums over people of beta (K) and of beta beta' (K, K)."""
    n_par = len(first)
    precise, root = np.empty((n_par, n_par)), np.empty((n_par, n_par))
    pull = np.zeros(n_par)
    for i in range(n_par):
        for j in range(n_par):
            precise[i, j] = n_people * population.precision[i, j] + prior.mean_precision[i, j]
            pull[i] += population.precision[i, j] * first[j] + prior.mean_precision[i, j] * prior.mean[j]
    cholesky(precise, root)
    inverse = invert_lower(root)
    mean = np.zeros(n_par)
    for i in range(n_par):
        at = draw_normal(population.key)
        for j in range(i + 1):
            at += inverse[i, j] * pull[j]
        for j in range(i + 1):
            mean[j] += inverse[i, j] * at
    population.mean[:] = mean
    scatter = np.empty((n_par, n_par))
    for i in range(n_par):
        for j in range(n_par):
            scatter[i, j] = second[i, j] - mean[i] * first[j] - first[i] * mean[j] + n_people * mean[i] * mean[j]
            if prior.n_scales == 0:
                scatter[i, j] += prior.scale[i, j]
        if prior.n_scales > 0:
            scatter[i, i] += 2.0 * prior.nu / population.scales[prior.block[i]]
    cholesky(scatter, root)
    bartlett = np.zeros((n_par, n_par))
    for i in range(n_par):
        bartlett[i, i] = np.sqrt(2.0 * _gamma(0.5 * (prior.degrees + n_people - i), population.key))
        for j in range(i):
            bartlett[i, j] = draw_normal(population.key)
    # Sigma^-1 = C^-T A A' C^-1, so Sigma = (C A^-T)(C A^-T)'
    half = product(root, transposed(invert_lower(bartlett)))
    population.cov[:] = product(half, transposed(half))
    half = product(transposed(invert_lower(root)), bartlett)
    population.precision[:] = product(half, transposed(half))
    draw_scales(population, prior)


@compiled
def draw_scales(population, prior):  # type: ignore[no-untyped-def]
    """a_g | Sigma ~ IG((1 + k_g (nu + K - 1)) / 2, 1/A^2 + nu sum of (Sigma^-1)_kk over the block)."""
    n_par = len(prior.block)
    for g in range(prior.n_scales):
        members, rate = 0, 1.0 / prior.spread**2
        for k in range(n_par):
            if prior.block[k] == g:
                members += 1
                rate += prior.nu * population.precision[k, k]
        population.scales[g] = rate / _gamma(0.5 * (1.0 + members * (prior.nu + n_par - 1.0)), population.key)


@compiled
def log_prior(prior, shapes, precision, slope):  # type: ignore[no-untyped-def]
    """Log density of Sigma with a integrated out, and its gradient in Sigma^-1 (added to ``slope``), without |Sigma|.

    The power of the determinant, -(degrees + K + 1) / 2, is the callers'.

    Parameters
    ----------
    shapes : array (number of blocks or 1, K, K)
        What is multiplied with Sigma^-1 and traced: the scale matrix of an inverse Wishart, or per block of Huang-Wand's
        prior the matrix with ones on the block's diagonal; in the coordinates of ``precision``.
    """
    n_par = len(prior.block)
    if prior.n_scales == 0:
        slope -= 0.5 * shapes[0]
        return -0.5 * (shapes[0] * precision).sum()
    value = 0.0
    for g in range(prior.n_scales):
        members = 0
        for k in range(n_par):
            members += prior.block[k] == g
        shape = 0.5 * (1.0 + members * (prior.nu + n_par - 1.0))
        rate = 1.0 / prior.spread**2 + prior.nu * (shapes[g] * precision).sum()
        value -= shape * np.log(rate)
        slope -= shape * prior.nu / rate * shapes[g]
    return value
