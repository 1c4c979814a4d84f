"""Mean and covariance of the population moved together with everybody's utilities.

Given the utilities, m and Sigma are known almost exactly; given the answers alone they are not, and a sampler that
alternates between the two walks in small steps. Here (m, Sigma) follow a Hamiltonian trajectory while each person keeps
the place x_i within the distribution that (m, Sigma) and the answers give (a partially non-centred parametrisation,
Papaspiliopoulos, Roberts & Skoeld 2007, doi 10.1214/088342307000000014). With Sigma = M M', H the average curvature of the
likelihood, L L' = I + M'H M and A = M L^-T,

    beta_i = m + A z_i,    z_i = A'(h_i - H m) + x_i.

If a person's likelihood were exp(h_i'b - b'H b / 2), x_i would be standard normal whatever m and Sigma are; any fixed h_i and
H are right. As M shrinks, people come together at m.

With E = I - A'H A the squared distances from m are z_i'E z_i, and |L|^2 |E| = 1. So the log density of x has, with f_i the
likelihood's gradient and z'_i = A'f_i - E z_i, the gradients

    by m:  sum f_i - H A sum z'_i,
    by A:  sum f_i z_i' + sum (h_i - H m) z'_i' + H A (sum z_i z_i' - R L'L) =: G,
    by M:  (G + H A (F + F')) L^-1,

where F is the lower half, its diagonal halved, of -G'A (the Cholesky factor's part: Murray 2016, arXiv 1602.07527).

All of it in coordinates in which the covariance was I in warm-up and H = diag(stiff): Sigma = S M M' S' with M lower
triangular, m = S mu. M itself follows its trajectory in the logarithms of its diagonal and its rows over that, so that a
small covariance is no narrower than a large one. There the curvature of the answers is about R t_j t_k in M (twice that on
the diagonal) and R t_k in mu, t = stiff / (1 + stiff), which gives the masses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lane_algebra import combine, sum_outer, sum_rows, sum_square
from cvmstats._numerics.lanes import REAL, WIDTH, choose, load, spread, store
from cvmstats._numerics.likelihood import full_gradient, full_value, is_plain, plain_gradient, plain_value, room_for
from cvmstats._numerics.people import log_likelihood, settle
from cvmstats._numerics.population import draw_scales, log_prior
from cvmstats._numerics.square import cholesky, invert_lower, product, scaled_rows, transposed
from cvmstats._numerics.streams import draw_normal, draw_uniform

Floats = npt.NDArray[np.float64]
_OUTER = (3.0 - np.sqrt(3.0)) / 6.0
"""The outer drift of the two-stage integrator of least error (McLachlan 1995, doi 10.1137/0916010)."""


class Frame(NamedTuple):
    """What the move keeps fixed, learnt in warm-up.

    Attributes
    ----------
    basis, inverse : arrays (K, K)
        S and its inverse, to and from parameters beta.
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
def apart(people, b, gamma):  # type: ignore[no-untyped-def]
    """Coordinates of a block less what is each person's own."""
    for k in range(gamma.shape[0]):
        v = load(people.gamma[b], k)
        store(gamma, k, v - load(people.offset[b], k) if people.offset.shape[0] > 0 else v)


@compiled(fast=True)
def _bring(offset, b, gamma):  # type: ignore[no-untyped-def]
    """Add what is each person's own."""
    if offset.shape[0] > 0:
        for k in range(gamma.shape[0]):
            store(gamma, k, load(gamma, k) + load(offset[b], k))


@compiled(fast=True)
def _keep(blocks, people, frame, mu, m, root, spread_of):  # type: ignore[no-untyped-def]
    """Places of the people, x = L' M^-1 (beta - m) - A' g, from where they stand."""
    n_blocks, n_par = people.gamma.shape[0], people.gamma.shape[1]
    own, pull, shift = product(transposed(root), invert_lower(m)), np.empty((n_par, n_par)), np.zeros(n_par)
    for i in range(n_par):
        for j in range(n_par):
            pull[i, j] = -spread_of[j, i]
            shift[i] -= own[i, j] * mu[j] + pull[i, j] * frame.stiff[j] * mu[j]
    own = product(own, frame.encode)
    x, z, gamma = np.empty_like(people.gamma), np.empty((n_par, WIDTH), REAL), np.empty((n_par, WIDTH), REAL)
    for b in range(n_blocks):
        apart(people, b, gamma)
        combine(own, gamma, pull, frame.anchor[b], shift, z)
        for k in range(n_par):
            store(x[b], k, choose(blocks.live[b], load(z, k), 0.0))
    kept = Kept(x, np.empty(n_par), np.empty((n_par, n_par)), np.empty((n_par, n_par)))
    sum_rows(x, kept.sum_x)
    sum_outer(frame.anchor, x, kept.hx)
    sum_square(x, kept.xx)
    return kept


@compiled(fast=True)
def _pass_gradients(blocks, link, people, frame, kept, by_h, by_x, shift, sum_f, fh, fx):  # type: ignore[no-untyped-def]
    """Sums over people of the likelihood's gradient f in gamma (K), and of f h' and f x' (K, K)."""
    sets, own, odd, live = blocks.sets, blocks.own, blocks.odd, blocks.live
    plain = is_plain(own, odd)
    anchor, x, offset = frame.anchor, kept.x, people.offset
    n_par, n_obj = x.shape[1], sets.seen.shape[1]
    work = room_for(sets)
    gamma, force = np.empty((n_par, WIDTH), REAL), np.empty_like(x)
    u, slope = np.empty((n_obj, WIDTH), REAL), np.empty((n_obj, WIDTH), REAL)
    for b in range(x.shape[0]):
        if live[b] == 0:
            for k in range(n_par):
                store(force[b], k, spread(0.0))
            continue
        combine(by_h, anchor[b], by_x, x[b], shift, gamma)
        _bring(offset, b, gamma)
        if not plain or plain_gradient(link, sets, b, gamma, u, work, slope, force[b]):
            full_gradient(link, sets, own, odd, b, gamma, u, work, slope, force[b])
        for k in range(n_par):
            store(force[b], k, choose(live[b], load(force[b], k), 0.0))
    sum_rows(force, sum_f)
    sum_outer(force, anchor, fh)
    sum_outer(force, x, fx)


@compiled(fast=True)
def _pass_values(blocks, link, people, frame, kept, by_h, by_x, shift, gamma, value):  # type: ignore[no-untyped-def]
    """Where people come to stand, and the log-likelihood there."""
    sets, own, odd, live = blocks.sets, blocks.own, blocks.odd, blocks.live
    plain = is_plain(own, odd)
    anchor, x, offset = frame.anchor, kept.x, people.offset
    n_obj = sets.seen.shape[1]
    work = room_for(sets)
    u = np.empty((n_obj, WIDTH), REAL)
    for b in range(gamma.shape[0]):
        if live[b] == 0:
            continue
        combine(by_h, anchor[b], by_x, x[b], shift, gamma[b])
        _bring(offset, b, gamma[b])
        if not plain or plain_value(link, sets, b, gamma[b], u, work, value[b]):
            full_value(link, sets, own, odd, b, gamma[b], u, work, value[b])
    return log_likelihood(blocks, value)


@compiled
def _factor(m, frame, root):  # type: ignore[no-untyped-def]
    """L at M into ``root``; L^-1 and A."""
    n_par = m.shape[0]
    inner = product(transposed(m), scaled_rows(frame.stiff, m))
    for k in range(n_par):
        inner[k, k] += 1.0
    cholesky(inner, root)
    inverse = invert_lower(root)
    return inverse, product(m, transposed(inverse))


@compiled
def _carriers(frame, mu, a):  # type: ignore[no-untyped-def]
    """gamma_i = by_h h_i + by_x x_i + shift."""
    n_par = len(mu)
    by_x = product(frame.decode, a)
    by_h = product(by_x, transposed(a))
    shift = np.zeros(n_par)
    for i in range(n_par):
        for j in range(n_par):
            shift[i] += (frame.decode[i, j] - by_h[i, j] * frame.stiff[j]) * mu[j]
    return by_h, by_x, shift


@compiled
def _density(frame, prior, kept, n_people, mu, m, root, inverse, a, sum_f, fh, fx, slope):  # type: ignore[no-untyped-def]
    """Log density of (mu, M) less the log-likelihood of the answers; all of its gradient, into ``slope`` (K, K + 1).

    ``sum_f``, ``fh`` and ``fx`` are those of ``_pass_gradients`` in the frame's coordinates; where they are empty, the
    gradient is not wanted.
    """
    n_par = len(mu)
    a_t, off = transposed(a), frame.stiff * mu
    gg, gx = np.empty((n_par, n_par)), np.empty((n_par, n_par))
    for i in range(n_par):
        for j in range(n_par):
            gg[i, j] = frame.hh[i, j] - off[i] * frame.sum_h[j] - frame.sum_h[i] * off[j] + n_people * off[i] * off[j]
            gx[i, j] = kept.hx[i, j] - off[i] * kept.sum_x[j]
    gz = product(gg, a)
    gz += gx
    zz, cross = product(a_t, gz), product(a_t, gx)
    stiff_a = scaled_rows(frame.stiff, a)
    e = product(a_t, stiff_a)
    m_inverse = invert_lower(m)
    precision = product(transposed(m_inverse), m_inverse)
    by_p = np.zeros((n_par, n_par))
    value = log_prior(prior, frame.shapes, precision, by_p)
    mean_slope, off_mean = np.zeros(n_par), np.empty(n_par)
    for i in range(n_par):
        off_mean[i] = -prior.mean[i]
        for j in range(n_par):
            off_mean[i] += frame.basis[i, j] * mu[j]
    power = -prior.degrees  # |Sigma| to the power -(degrees + K + 1) / 2, and K + 1 from the Jacobian
    for i in range(n_par):
        held = 0.0
        for j in range(n_par):
            held += prior.mean_precision[i, j] * off_mean[j]
            zz[i, j] += cross[j, i] + kept.xx[i, j]
            e[i, j] = (1.0 if i == j else 0.0) - e[i, j]
            value -= 0.5 * e[i, j] * zz[i, j]
        value += power * np.log(m[i, i]) - n_people * np.log(root[i, i]) - 0.5 * off_mean[i] * held
        for j in range(n_par):
            mean_slope[j] -= frame.basis[i, j] * held
    if len(sum_f) == 0:
        return value
    fg = np.empty((n_par, n_par))
    for i in range(n_par):
        for j in range(n_par):
            fg[i, j] = fh[i, j] - sum_f[i] * off[j]
    by_a = product(fg, a)
    by_a += fx
    by_a += product(transposed(fg), a)
    by_a -= product(gz, e)
    zz -= n_people * product(transposed(root), root)
    by_a += product(stiff_a, zz)
    factor = product(transposed(by_a), a)
    for i in range(n_par):
        for j in range(i + 1):
            factor[i, j] = factor[j, i] = -factor[i, j]
    by_a += product(stiff_a, factor)
    by_m = product(by_a, inverse)
    for i in range(n_par):
        for j in range(i + 1):
            by_p[i, j] = by_p[j, i] = by_p[i, j] + by_p[j, i]
    by_m -= product(product(precision, by_p), transposed(m_inverse))
    for i in range(n_par):
        slope[i, i] = by_m[i, i] * m[i, i] + power
        for j in range(i):
            slope[i, j] = by_m[i, j] * m[i, i]
            slope[i, i] += by_m[i, j] * m[i, j]
    back = np.zeros(n_par)  # sums of z'
    for i in range(n_par):
        for j in range(n_par):
            back[i] += a_t[i, j] * sum_f[j]
    for j in range(n_par):
        z = kept.sum_x[j]
        for i in range(n_par):
            z += a_t[j, i] * (frame.sum_h[i] - n_people * off[i])
        for i in range(n_par):
            back[i] -= e[i, j] * z
    for i in range(n_par):
        slope[i, n_par] = sum_f[i] + mean_slope[i]
        for j in range(n_par):
            slope[i, n_par] -= stiff_a[i, j] * back[j]
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
    if not cholesky(product(product(frame.inverse, population.cov), transposed(frame.inverse)), m):
        return
    root = np.empty((n_par, n_par))
    inverse, a = _factor(m, frame, root)
    kept = _keep(blocks, people, frame, mu, m, root, a)
    slope = np.zeros((n_par, n_par + 1))
    nothing, square = np.empty(0), np.empty((0, 0))
    before = log_likelihood(blocks, people.value)
    before += _density(frame, prior, kept, n_people, mu, m, root, inverse, a, nothing, square, square, slope)
    momentum = np.zeros((n_par, n_par + 1))
    for k in range(n_par):
        for j in range(n_par + 1):
            if j <= k or j == n_par:
                momentum[k, j] = np.sqrt(frame.mass[k, j]) * draw_normal(population.key)
                before -= 0.5 * momentum[k, j] ** 2 / frame.mass[k, j]
    size = frame.step[0] * (0.85 + 0.3 * draw_uniform(population.key))
    sum_f, fh, fx = np.empty(n_par), np.empty((n_par, n_par)), np.empty((n_par, n_par))
    back = transposed(frame.decode)
    for s in range(steps + 1):
        move = momentum / frame.mass * (size * _drift(s, steps))
        mu += move[:, n_par]
        for k in range(n_par):
            grown = np.exp(move[k, k])
            for j in range(k):
                m[k, j] = (m[k, j] + m[k, k] * move[k, j]) * grown
            m[k, k] *= grown
        inverse, a = _factor(m, frame, root)
        if s < steps:
            by_h, by_x, shift = _carriers(frame, mu, a)
            _pass_gradients(blocks, link, people, frame, kept, by_h, by_x, shift, sum_f, fh, fx)
            _density(frame, prior, kept, n_people, mu, m, root, inverse, a, back @ sum_f, product(back, fh),
                     product(back, fx), slope)  # fmt: skip
            momentum += size * slope
    gamma, value = np.empty_like(people.gamma), np.empty_like(people.value)
    by_h, by_x, shift = _carriers(frame, mu, a)
    gain = _pass_values(blocks, link, people, frame, kept, by_h, by_x, shift, gamma, value) - before
    gain += _density(frame, prior, kept, n_people, mu, m, root, inverse, a, nothing, square, square, slope)
    for k in range(n_par):
        for j in range(n_par + 1):
            gain -= 0.5 * momentum[k, j] ** 2 / frame.mass[k, j]
    ratio = np.exp(min(0.0, gain)) if gain > -np.inf else 0.0  # not a number: no
    if ratio >= draw_uniform(population.key) or not metropolis:
        settle(blocks, people, gamma, value)
        population.mean[:] = frame.basis @ mu
        half = product(frame.basis, m)
        population.cov[:] = product(half, transposed(half))
        half = product(invert_lower(m), frame.inverse)
        population.precision[:] = product(transposed(half), half)
        draw_scales(population, prior)
    if adapt > 0.0:
        frame.step[0] = min(1.5, max(0.01, frame.step[0] * np.exp(adapt * (ratio - 0.8))))


def no_frame(people_shape: tuple[int, ...]) -> Frame:
    """A frame that is not there yet."""
    n_par = people_shape[1]
    eye = np.eye(n_par)
    return Frame(basis=eye, inverse=eye, decode=eye, encode=eye, stiff=np.ones(n_par), shapes=eye[None],
                 anchor=np.zeros(people_shape, REAL), sum_h=np.zeros(n_par), hh=eye, mass=np.ones((n_par, n_par + 1)),
                 step=np.array([0.4]))  # fmt: skip
