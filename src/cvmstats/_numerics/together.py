"""Mean and covariance of the population moved together with everybody's utilities.

Given the utilities, m and Sigma are known almost exactly; given the answers alone they are not, and a sampler that
alternates between the two walks in small steps. Here (m, Sigma) follow a Hamiltonian trajectory while each person keeps
the place x_i within the distribution that (m, Sigma) and the answers give (a partially non-centred parametrisation,
Papaspiliopoulos, Roberts & Skoeld 2007, doi 10.1214/088342307000000014). With Sigma = M M', H the average curvature of the
likelihood, L L' = I + M'H M and g_i = h_i - H m,

    beta_i = m + M e_i,    e_i = L^-T (y_i + x_i),    y_i = L^-1 M' g_i.

If a person's likelihood were exp(h_i'b - b'H b / 2), x_i would be standard normal whatever m and Sigma are; any fixed h_i and
H are right. As M shrinks everything stays smooth: people come together at m, and M may change sign on the way.

All of it in coordinates in which the covariance was I in warm-up and H = diag(stiff): Sigma = G M M' G' with M lower
triangular, m = G mu. There the curvature of the answers in M is about R t_j t_k (twice that on the diagonal) and in mu R t_k,
t = stiff / (1 + stiff), which gives the masses. The gradient is that of matrix calculus, backwards through the lines above
(for a Cholesky factor, Murray 2016, arXiv 1602.07527).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.blocks import block_gradient, block_value, room_for
from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lane_algebra import add_outer, add_square, combine, mirror, total
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
    sum_h, hh : arrays (K), (K, K)
        Sums over people of h and of h h'.
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
    sum_h: Floats
    hh: Floats
    mass: Floats
    step: Floats


class Kept(NamedTuple):
    """What people keep along a trajectory.

    Attributes
    ----------
    x : array (B, K, WIDTH)
        0 in idle lanes.
    sum_x : array (K)
    hx, xx : arrays (K, K)
        Sums over people.
    """

    x: Floats
    sum_x: Floats
    hx: Floats
    xx: Floats


@compiled(fast=True)
def _keep(blocks, people, frame, mu, m, root, inverse):  # type: ignore[no-untyped-def]
    """Places of the people, x = L' M^-1 (beta - m) - L^-1 M' g, from where they stand."""
    n_blocks, n_par = people.gamma.shape[0], people.gamma.shape[1]
    own, pull = root.T.copy() @ invert_lower(m), inverse @ m.T.copy()
    shift = pull @ (frame.stiff * mu) - own @ mu
    own = own @ frame.encode
    pull = -pull
    x, z = np.empty_like(people.gamma), np.empty((n_par, WIDTH), REAL)
    sums = np.zeros((n_par, WIDTH), REAL)
    products = np.zeros((2, n_par * n_par, WIDTH), REAL)
    for b in range(n_blocks):
        combine(own, people.gamma[b], pull, frame.anchor[b], shift, z)
        for k in range(n_par):
            v = choose(blocks.live[b], load(z, k), 0.0)
            store(x[b], k, v)
            store(sums, k, load(sums, k) + v)
        add_outer(frame.anchor[b], x[b], products[0])
        add_square(x[b], products[1])
    kept = Kept(x, np.empty(n_par), np.empty((n_par, n_par)), np.empty((n_par, n_par)))
    total(sums, kept.sum_x)
    total(products[0], kept.hx.reshape(-1))
    total(products[1], kept.xx.reshape(-1))
    mirror(kept.xx)
    return kept


@compiled(fast=True)
def _pass_gradients(blocks, link, frame, kept, by_h, by_x, shift, sum_f, fh, fx):  # type: ignore[no-untyped-def]
    """Sums over people of the likelihood's gradient f in gamma (K), and of f h' and f x' (K, K)."""
    n_par, n_obj = kept.x.shape[1], link.own.shape[0]
    work = room_for(blocks)
    gamma, force = np.empty((n_par, WIDTH), REAL), np.empty((n_par, WIDTH), REAL)
    u, slope = np.empty((n_obj, WIDTH), REAL), np.empty((n_obj, WIDTH), REAL)
    sums, products = np.zeros((n_par, WIDTH), REAL), np.zeros((2, n_par * n_par, WIDTH), REAL)
    for b in range(kept.x.shape[0]):
        combine(by_h, frame.anchor[b], by_x, kept.x[b], shift, gamma)
        to_utilities(link, gamma, u)
        block_gradient(blocks, b, u, work, slope)
        to_coordinates(link, slope, force)
        for k in range(n_par):
            v = choose(blocks.live[b], load(force, k), 0.0)
            store(force, k, v)
            store(sums, k, load(sums, k) + v)
        add_outer(force, frame.anchor[b], products[0])
        add_outer(force, kept.x[b], products[1])
    total(sums, sum_f)
    total(products[0], fh.reshape(-1))
    total(products[1], fx.reshape(-1))


@compiled(fast=True)
def _pass_values(blocks, link, frame, kept, by_h, by_x, shift, gamma, value):  # type: ignore[no-untyped-def]
    """Where people come to stand, and the log-likelihood there."""
    n_obj = link.own.shape[0]
    work = room_for(blocks)
    u = np.empty((n_obj, WIDTH), REAL)
    for b in range(gamma.shape[0]):
        combine(by_h, frame.anchor[b], by_x, kept.x[b], shift, gamma[b])
        to_utilities(link, gamma[b], u)
        block_value(blocks, b, u, work, value[b])
    return log_likelihood(blocks, value)


@compiled
def _factor(m, frame, root):  # type: ignore[no-untyped-def]
    """L at M into ``root``; its inverse."""
    n_par = m.shape[0]
    stiff_m = m * np.expand_dims(frame.stiff, 1)
    inner = m.T.copy() @ stiff_m
    for k in range(n_par):
        inner[k, k] += 1.0
    cholesky(inner, root)
    return invert_lower(root)


@compiled
def _carriers(frame, mu, m, inverse):  # type: ignore[no-untyped-def]
    """gamma_i = by_h h_i + by_x x_i + shift."""
    by_x = m @ inverse.T.copy()
    by_h = by_x @ by_x.T.copy()
    shift = frame.decode @ (mu - by_h @ (frame.stiff * mu))
    return frame.decode @ by_h, frame.decode @ by_x, shift


@compiled
def _density(frame, prior, kept, n_people, mu, m, root, inverse, sum_f, fh, fx, slope):  # type: ignore[no-untyped-def]
    """Log density of (mu, M) less the log-likelihood of the answers; all of its gradient, into ``slope`` (K, K + 1).

    ``sum_f``, ``fh`` and ``fx`` are those of ``_pass_gradients`` in the frame's coordinates; where they are empty, the
    gradient is not wanted.
    """
    n_par = len(mu)
    pull = inverse @ m.T.copy()  # y = pull g
    off = frame.stiff * mu
    sum_g = frame.sum_h - n_people * off
    cross = np.outer(off, frame.sum_h)
    gg = frame.hh - cross - cross.T + n_people * np.outer(off, off)
    gx = kept.hx - np.outer(off, kept.sum_x)
    ex = pull @ gx + kept.xx  # sums of (y + x) x' and of (y + x) g'
    eg = pull @ gg + gx.T
    zz = ex + eg @ pull.T.copy()
    precision = invert_lower(m)
    precision = precision.T.copy() @ precision
    by_p = np.zeros((n_par, n_par))
    mean = frame.basis @ mu
    back = inverse @ inverse.T.copy()
    value = log_prior(prior, frame.shapes, precision, by_p) - 0.5 * (back * zz).sum()
    power = -(prior.degrees + n_par + 1.0)  # |Sigma| of the prior; n_par - k: Jacobian of Sigma in M; k + 1: of M in (z, w)
    for k in range(n_par):
        value += (power + n_par + 1.0) * np.log(m[k, k]) - n_people * np.log(root[k, k])
        value -= 0.5 * prior.mean_precision[k] * mean[k] * mean[k]
    if len(sum_f) == 0:
        return value
    # q is the gradient in e: M'f - e
    fg = fh - np.outer(sum_f, off)
    m_t, up = m.T.copy(), inverse.T.copy()
    sum_q = m_t @ sum_f - up @ (pull @ sum_g + kept.sum_x)
    qg = m_t @ fg - up @ eg
    qx = m_t @ fx - up @ ex
    by_m = (fg @ pull.T.copy() + fx) @ inverse + qg.T.copy() @ (up @ inverse)
    by_inverse = pull @ qg.T.copy() + qx.T.copy() + inverse @ qg @ m
    for k in range(n_par):
        by_inverse[k, k] += n_people * root[k, k]
    inner = -(by_inverse @ up)
    for i in range(n_par):
        inner[i, i] *= 0.5
        for j in range(i + 1, n_par):
            inner[i, j] = 0.0
    inner = up @ inner @ inverse
    by_m += np.expand_dims(frame.stiff, 1) * (m @ (inner + inner.T))
    by_m -= precision @ ((by_p + by_p.T) @ (precision @ m))
    for k in range(n_par):
        slope[k, k] = by_m[k, k] * m[k, k] + power + n_par + 1.0
        for j in range(k):
            slope[k, j] = by_m[k, j] * m[k, k]
            slope[k, k] += by_m[k, j] * m[k, j]
    slope[:, n_par] = sum_f - frame.stiff * (m @ (up @ (inverse @ sum_q)))
    slope[:, n_par] -= frame.basis.T.copy() @ (prior.mean_precision * mean)
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
    root = np.empty((n_par, n_par))
    inverse = _factor(m, frame, root)
    kept = _keep(blocks, people, frame, mu, m, root, inverse)
    slope = np.zeros((n_par, n_par + 1))
    nothing, square = np.empty(0), np.empty((0, 0))
    before = log_likelihood(blocks, people.value)
    before += _density(frame, prior, kept, n_people, mu, m, root, inverse, nothing, square, square, slope)
    momentum = np.zeros((n_par, n_par + 1))
    for k in range(n_par):
        for j in range(n_par + 1):
            if j <= k or j == n_par:
                momentum[k, j] = np.sqrt(frame.mass[k, j]) * draw_normal(population.key)
                before -= 0.5 * momentum[k, j] ** 2 / frame.mass[k, j]
    size = frame.step[0] * (0.85 + 0.3 * draw_uniform(population.key))
    sum_f, fh, fx = np.empty(n_par), np.empty((n_par, n_par)), np.empty((n_par, n_par))
    back = frame.decode.T.copy()
    for s in range(steps + 1):
        move = momentum / frame.mass * (size * _drift(s, steps))
        mu += move[:, n_par]
        for k in range(n_par):
            grown = np.exp(move[k, k])
            for j in range(k):
                m[k, j] = (m[k, j] + m[k, k] * move[k, j]) * grown
            m[k, k] *= grown
        inverse = _factor(m, frame, root)
        if s < steps:
            by_h, by_x, shift = _carriers(frame, mu, m, inverse)
            _pass_gradients(blocks, link, frame, kept, by_h, by_x, shift, sum_f, fh, fx)
            _density(frame, prior, kept, n_people, mu, m, root, inverse, back @ sum_f, back @ fh, back @ fx, slope)
            momentum += size * slope
    gamma, value = np.empty_like(people.gamma), np.empty_like(people.value)
    by_h, by_x, shift = _carriers(frame, mu, m, inverse)
    gain = _pass_values(blocks, link, frame, kept, by_h, by_x, shift, gamma, value) - before
    gain += _density(frame, prior, kept, n_people, mu, m, root, inverse, nothing, square, square, slope)
    for k in range(n_par):
        for j in range(n_par + 1):
            gain -= 0.5 * momentum[k, j] ** 2 / frame.mass[k, j]
    ratio = np.exp(min(0.0, gain)) if gain > -np.inf else 0.0  # not a number: no
    if ratio >= draw_uniform(population.key) or not metropolis:
        people.gamma[:] = gamma
        people.value[:] = value
        population.mean[:] = frame.basis @ mu
        half = frame.basis @ m
        population.cov[:] = half @ half.T.copy()
        half = invert_lower(m) @ frame.inverse
        population.precision[:] = half.T.copy() @ half
        draw_scales(population, prior)
    if adapt > 0.0:
        frame.step[0] = min(1.5, max(0.01, frame.step[0] * np.exp(adapt * (ratio - 0.8))))


def no_frame(people_shape: tuple[int, ...]) -> Frame:
    """A frame that is not there yet."""
    n_par = people_shape[1]
    eye = np.eye(n_par)
    return Frame(basis=eye, inverse=eye, decode=eye, encode=eye, stiff=np.ones(n_par), shapes=eye[None],
                 anchor=np.zeros(people_shape, REAL), sum_h=np.zeros(n_par), hh=eye, mass=np.ones((n_par, n_par + 1)), step=np.array([0.4]))  # fmt: skip
