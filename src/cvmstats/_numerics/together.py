"""Mean and covariance of the population moved together with everybody's utilities.

Given the utilities, m and Sigma are known almost exactly; given the answers alone they are not, and a sampler that
alternates between the two walks in small steps. Here (m, Sigma) follow a Hamiltonian trajectory while each person keeps
the place x_i within the distribution that (m, Sigma) and the answers give (a partially non-centred parametrisation,
Papaspiliopoulos, Roberts & Skoeld 2007, doi 10.1214/088342307000000014). With P = Sigma^-1, H the average curvature of the
likelihood, W = (P + H)^-1 and a fixed W0 = (P0 + H)^-1,

    beta_i = W (h_i + P m) + (W + W0) x_i / 2,

whose spread follows W to first order and whose Jacobian is |W + W0|. Any fixed h_i and H are right; good ones (from
warm-up) make x nearly independent of (m, Sigma).

All of it in coordinates in which P0 = I and H = diag(stiff): Sigma = G M M' G' with M lower triangular, m = G mu. There
the curvature of the answers in M is about R t_j t_k (twice that on the diagonal) and in mu R t_k, t = stiff / (1 + stiff),
which gives the masses. The gradients are those of matrix calculus: dW = -W dP W, dP = -P dSigma P.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.blocks import block_gradient, block_value, room_for
from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lane_algebra import add_outer, add_square, mirror, multiply, total
from cvmstats._numerics.lanes import REAL, WIDTH, choose, load, store
from cvmstats._numerics.link import to_coordinates, to_utilities
from cvmstats._numerics.people import log_likelihood
from cvmstats._numerics.population import cholesky, draw_normal, draw_scales, draw_uniform, invert_lower, log_prior

Floats = npt.NDArray[np.float64]
_OUTER = (3.0 - np.sqrt(3.0)) / 6.0
"""The outer drift of the two-stage integrator of least error (McLachlan 1995, doi 10.1137/0916010)."""


class Frame(NamedTuple):
    """What the move keeps fixed, learnt in warm-up.

    Attributes
    ----------
    basis, inverse : arrays (K, K)
        G and its inverse, to and from parameters beta.
    decode, encode : arrays (K, K)
        To and from the people's coordinates gamma.
    stiff : array (K)
        Diagonal of H.
    shapes : array (number of blocks or 1, K, K)
        The prior's (see ``log_prior``).
    anchor : array (B, K, WIDTH)
        h_i, 0 in idle lanes.
    mass : array (K, K + 1)
        Of the entries of M (lower half) and, in the last column, of mu.
    step : array (1)
        Step size; changed in place.
    """

    basis: Floats
    inverse: Floats
    decode: Floats
    encode: Floats
    stiff: Floats
    shapes: Floats
    anchor: Floats
    mass: Floats
    step: Floats


class Kept(NamedTuple):
    """What people keep along a trajectory: beta_i = W (y_i + P mu) + r_i with y = h + x / 2 and r = W0 x / 2.

    Attributes
    ----------
    y : array (B, K, WIDTH)
    r : array (B, K, WIDTH)
        In coordinates gamma.
    sum_y, sum_r : arrays (K)
    yy, yr, rr : arrays (K, K)
        Sums over people, r in the frame's own coordinates.
    """

    y: Floats
    r: Floats
    sum_y: Floats
    sum_r: Floats
    yy: Floats
    yr: Floats
    rr: Floats


@compiled(fast=True)
def _keep(blocks, people, frame, w, shift):  # type: ignore[no-untyped-def]
    """Places of the people, from where they stand; ``shift`` is W P mu."""
    n_blocks, n_par = people.gamma.shape[0], people.gamma.shape[1]
    rest = 1.0 / (1.0 + frame.stiff)
    half = np.linalg.inv(0.5 * (w + np.diag(rest)))
    y, r = np.empty_like(people.gamma), np.empty_like(people.gamma)
    beta, x, z = np.empty((n_par, WIDTH), REAL), np.empty((n_par, WIDTH), REAL), np.empty((n_par, WIDTH), REAL)
    sums = np.zeros((2, n_par, WIDTH), REAL)
    products = np.zeros((3, n_par * n_par, WIDTH), REAL)
    for b in range(n_blocks):
        live = blocks.live[b]
        multiply(frame.encode, people.gamma[b], beta)
        multiply(w, frame.anchor[b], z)
        for k in range(n_par):
            store(beta, k, load(beta, k) - load(z, k) - shift[k])
        multiply(half, beta, x)
        for k in range(n_par):
            v = choose(live, 0.5 * load(x, k), 0.0)
            store(y[b], k, load(frame.anchor[b], k) + v)
            store(z, k, rest[k] * v)
            store(sums[0], k, load(sums[0], k) + load(y[b], k))
            store(sums[1], k, load(sums[1], k) + load(z, k))
        add_square(y[b], products[0])
        add_outer(y[b], z, products[1])
        add_square(z, products[2])
        multiply(frame.decode, z, r[b])
    one, two = np.empty((2, n_par)), np.empty((3, n_par, n_par))
    for i in range(2):
        total(sums[i], one[i])
    for i in range(3):
        total(products[i], two[i].reshape(-1))
    mirror(two[0])
    mirror(two[2])
    return Kept(y, r, one[0], one[1], two[0], two[1], two[2])


@compiled(fast=True)
def _place(kept, b, carry, shift, gamma):  # type: ignore[no-untyped-def]
    """Coordinates of a block: ``carry`` = decode W, ``shift`` = decode W P mu."""
    multiply(carry, kept.y[b], gamma)
    for k in range(gamma.shape[0]):
        store(gamma, k, load(gamma, k) + load(kept.r[b], k) + shift[k])


@compiled(fast=True)
def _pass_gradients(blocks, link, kept, carry, shift, first, second):  # type: ignore[no-untyped-def]
    """Sums over people of the likelihood's gradient in gamma (K) and of gradient times y' (K, K)."""
    n_par, n_obj = kept.y.shape[1], link.own.shape[0]
    work = room_for(blocks)
    gamma, force = np.empty((n_par, WIDTH), REAL), np.empty((n_par, WIDTH), REAL)
    u, slope = np.empty((n_obj, WIDTH), REAL), np.empty((n_obj, WIDTH), REAL)
    sums, products = np.zeros((n_par, WIDTH), REAL), np.zeros((n_par * n_par, WIDTH), REAL)
    for b in range(kept.y.shape[0]):
        _place(kept, b, carry, shift, gamma)
        to_utilities(link, gamma, u)
        block_gradient(blocks, b, u, work, slope)
        to_coordinates(link, slope, force)
        for k in range(n_par):
            v = choose(blocks.live[b], load(force, k), 0.0)
            store(force, k, v)
            store(sums, k, load(sums, k) + v)
        add_outer(force, kept.y[b], products)
    total(sums, first)
    total(products, second.reshape(-1))


@compiled(fast=True)
def _pass_values(blocks, link, kept, carry, shift, gamma, value):  # type: ignore[no-untyped-def]
    """Where people come to stand, and the log-likelihood there."""
    n_obj = link.own.shape[0]
    work = room_for(blocks)
    u = np.empty((n_obj, WIDTH), REAL)
    for b in range(gamma.shape[0]):
        _place(kept, b, carry, shift, gamma[b])
        to_utilities(link, gamma[b], u)
        block_value(blocks, b, u, work, value[b])
    return log_likelihood(blocks, value)


@compiled
def _precision(m, frame):  # type: ignore[no-untyped-def]
    """P and W at M."""
    inverse = invert_lower(m)
    p = inverse.T.copy() @ inverse
    root = np.empty_like(p)
    cholesky(p + np.diag(frame.stiff), root)
    inverse = invert_lower(root)
    return p, inverse.T.copy() @ inverse


@compiled
def _density(frame, prior, kept, n_people, mu, m, p, w, first, second, slope):  # type: ignore[no-untyped-def]
    """Log density of (mu, M) less the log-likelihood of the answers; all of its gradient, into ``slope`` (K, K + 1).

    ``first`` and ``second`` are the likelihood's gradient, summed over people, in the frame's coordinates; where they are
    empty, the gradient is not wanted.
    """
    n_par = len(mu)
    rest = 1.0 / (1.0 + frame.stiff)
    p_mu = p @ mu
    back = w @ p_mu - mu
    sum_d = w @ kept.sum_y + kept.sum_r + n_people * back
    w_yr = w @ kept.yr
    cross = np.outer(sum_d - n_people * back, back)
    w_yy = w @ kept.yy
    dd = w_yy @ w + w_yr + w_yr.T + kept.rr + cross + cross.T + n_people * np.outer(back, back)
    both = w + np.diag(rest)
    root = np.empty_like(w)
    cholesky(both, root)
    log_both = 0.0
    for k in range(n_par):
        log_both += np.log(root[k, k])
    by_p = -0.5 * dd
    mean = frame.basis @ mu
    value = log_prior(prior, frame.shapes, p, by_p) - 0.5 * (p * dd).sum() + 2.0 * n_people * log_both
    # |Sigma| of the people and the prior, and the Jacobian of Sigma in M
    power = -(n_people + prior.degrees + n_par + 1.0)
    for k in range(n_par):
        value += (power + n_par - k) * np.log(m[k, k]) - 0.5 * prior.mean_precision[k] * mean[k] * mean[k]
    if len(first) == 0:
        return value
    ones = first - p @ sum_d
    w_ones = w @ ones
    inverse = invert_lower(root)
    by_w = second - p @ (w_yy + kept.yr.T + np.outer(back, kept.sum_y)) + np.outer(ones, p_mu)
    by_w += n_people * (inverse.T.copy() @ inverse)
    by_p += np.outer(w_ones, mu) - w @ by_w @ w
    by_p += by_p.T.copy()
    by_m = -(p @ by_p @ (p @ m))
    for k in range(n_par):
        by_m[k, k] += (power + n_par - k) / m[k, k]
        for j in range(k + 1):
            slope[k, j] = by_m[k, j]
    slope[:, n_par] = p @ (w_ones + sum_d) - frame.basis.T.copy() @ (prior.mean_precision * mean)
    return value


@compiled
def _drift(s, steps):  # type: ignore[no-untyped-def]
    """Length of drift s of 0 to ``steps``, an even number, in step sizes: two kicks to a step of twice the size."""
    if s == 0 or s == steps:
        return 2.0 * _OUTER
    return 4.0 * _OUTER if s % 2 == 0 else 2.0 - 4.0 * _OUTER


@compiled
def move_together(blocks, link, people, population, prior, frame, n_people, steps, adapt, metropolis):  # type: ignore[no-untyped-def]
    """One trajectory of (m, Sigma) with ``steps`` gradients; a is drawn anew after it."""
    n_par = len(population.mean)
    mu = frame.inverse @ population.mean
    m = np.empty((n_par, n_par))
    if not cholesky(frame.inverse @ population.cov @ frame.inverse.T.copy(), m):
        return
    p, w = _precision(m, frame)
    kept = _keep(blocks, people, frame, w, w @ (p @ mu))
    nothing = np.empty(0)
    slope = np.zeros((n_par, n_par + 1))
    before = log_likelihood(blocks, people.value)
    before += _density(frame, prior, kept, n_people, mu, m, p, w, nothing, p, slope)
    momentum = np.zeros((n_par, n_par + 1))
    for k in range(n_par):
        for j in range(n_par + 1):
            if j <= k or j == n_par:
                momentum[k, j] = np.sqrt(frame.mass[k, j]) * draw_normal(population.key)
                before -= 0.5 * momentum[k, j] ** 2 / frame.mass[k, j]
    size = frame.step[0] * (0.85 + 0.3 * draw_uniform(population.key))
    first, second = np.empty(n_par), np.empty((n_par, n_par))
    back = frame.decode.T.copy()
    inside = True
    for s in range(steps + 1):
        move = momentum / frame.mass * (size * _drift(s, steps))
        mu += move[:, n_par]
        for k in range(n_par):
            for j in range(k + 1):
                m[k, j] += move[k, j]
            inside &= m[k, k] > 0.0
        if not inside:
            break
        p, w = _precision(m, frame)
        if s < steps:
            _pass_gradients(blocks, link, kept, frame.decode @ w, frame.decode @ (w @ (p @ mu)), first, second)
            _density(frame, prior, kept, n_people, mu, m, p, w, back @ first, back @ second, slope)
            momentum += size * slope
    gain = -np.inf
    gamma, value = np.empty_like(people.gamma), np.empty_like(people.value)
    if inside:
        gain = _pass_values(blocks, link, kept, frame.decode @ w, frame.decode @ (w @ (p @ mu)), gamma, value) - before
        gain += _density(frame, prior, kept, n_people, mu, m, p, w, nothing, p, slope)
        for k in range(n_par):
            for j in range(n_par + 1):
                gain -= 0.5 * momentum[k, j] ** 2 / frame.mass[k, j]
    ratio = np.exp(min(0.0, gain)) if gain > -np.inf else 0.0  # not a number: no
    if ratio >= draw_uniform(population.key) or (inside and not metropolis):
        people.gamma[:] = gamma
        people.value[:] = value
        population.mean[:] = frame.basis @ mu
        half = frame.basis @ m
        population.cov[:] = half @ half.T.copy()
        population.precision[:] = frame.inverse.T.copy() @ p @ frame.inverse
        draw_scales(population, prior)
    if adapt > 0.0:
        frame.step[0] = min(1.5, max(0.01, frame.step[0] * np.exp(adapt * (ratio - 0.8))))


def no_frame(people_shape: tuple[int, ...]) -> Frame:
    """A frame that is not there yet."""
    n_par = people_shape[1]
    eye = np.eye(n_par)
    return Frame(basis=eye, inverse=eye, decode=eye, encode=eye, stiff=np.ones(n_par), shapes=eye[None],
                 anchor=np.zeros(people_shape, REAL), mass=np.ones((n_par, n_par + 1)), step=np.array([0.4]))  # fmt: skip
