"""The common scale of the population moved together with everybody's utilities.

Of all that is said of a population, its overall spread is tied closest to the utilities. Here Sigma becomes c^2 Sigma while
each person keeps the place x_i within the normal distribution that Sigma and the person's own reference (h_i, H_i,
``people.py``) give: with P = Sigma^-1, L_i L_i' = P + H_i,

    beta_i = L_i^-T (x_i + L_i^-1 (h_i + P m)),

a random walk in log c, taken or refused as a whole.
"""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lane_algebra import factorise, inner, multiply, solve_lower, solve_upper, sum_rows, times_upper
from cvmstats._numerics.lanes import REAL, WIDTH, choose, load, logarithm, spread, store
from cvmstats._numerics.likelihood import full_value, is_plain, plain_value, room_for
from cvmstats._numerics.people import log_likelihood, settle
from cvmstats._numerics.population import draw_scales, log_prior
from cvmstats._numerics.square import product, transposed
from cvmstats._numerics.streams import draw_normal, draw_uniform

_ACCEPT = 0.44
"""Best rate of a random walk in one dimension (Gelman, Roberts & Gilks 1996)."""


@compiled(fast=True)
def _places(blocks, link, people, precision, mean, shrunk, gamma, value, out):  # type: ignore[no-untyped-def]
    """Where people come to stand, with P times ``shrunk``, and their log-likelihood.

    Into ``out``: sums over people of log |L| before less after, and of (beta - m)'P(beta - m) / 2 before and after.
    """
    sets, own, odd, live = blocks.sets, blocks.own, blocks.odd, blocks.live
    plain = is_plain(own, odd)
    at, guide, stiffness, offset = people.gamma, people.pull, people.stiffness, people.offset
    n_par, n_obj = at.shape[1], sets.seen.shape[1]
    work = room_for(sets)
    factor, inverse = np.empty((n_par * (n_par + 1) // 2, WIDTH), REAL), np.empty((n_par, WIDTH), REAL)
    center, x, u = np.empty((n_par, WIDTH), REAL), np.empty((n_par, WIDTH), REAL), np.empty((n_obj, WIDTH), REAL)
    sums = np.zeros((1, 3, WIDTH), REAL)
    scaled, moved = shrunk * precision, offset.shape[0] > 0
    middle, pull, before = (np.empty((n_par, WIDTH), REAL), np.empty((n_par, WIDTH), REAL), np.empty((n_par, WIDTH), REAL))
    for b in range(at.shape[0]):
        if live[b] == 0:
            continue
        for k in range(n_par):
            store(middle, k, (load(offset[b], k) if moved else spread(0.0)) + mean[k])
        multiply(precision, middle, pull)
        factorise(precision, stiffness[b], factor, inverse)
        for k in range(n_par):
            store(center, k, load(guide[b], k) + load(pull, k))
            store(before, k, load(inverse, k))
        solve_lower(factor, inverse, center)
        times_upper(factor, at[b], x)
        for k in range(n_par):
            store(x, k, load(x, k) - load(center, k))
        factorise(scaled, stiffness[b], factor, inverse)
        change, logs = spread(1.0), spread(0.0)
        for k in range(n_par):
            store(center, k, load(guide[b], k) + shrunk * load(pull, k))
            change = change * load(inverse, k) / load(before, k)
            if k % 16 == 15:  # products of more may not fit a double
                logs += logarithm(change)
                change = spread(1.0)
        solve_lower(factor, inverse, center)
        for k in range(n_par):
            store(gamma[b], k, load(x, k) + load(center, k))
        solve_upper(factor, inverse, gamma[b])
        if not plain or plain_value(link, sets, b, gamma[b], u, work, value[b]):
            full_value(link, sets, own, odd, b, gamma[b], u, work, value[b])
        store(sums[0], 0, load(sums[0], 0) + choose(live[b], logs + logarithm(change), 0.0))
        for side in range(2):
            for k in range(n_par):
                store(x, k, (load(at[b], k) if side == 0 else load(gamma[b], k)) - load(middle, k))
            multiply(precision, x, center)
            store(sums[0], 1 + side, load(sums[0], 1 + side) + choose(live[b], 0.5 * inner(x, center), 0.0))
    sum_rows(sums, out)


@compiled
def rescale(blocks, link, people, population, prior, n_people, step, adapt):  # type: ignore[no-untyped-def]
    """One proposal of c; a is drawn anew after it. ``step`` (1) is changed in place while ``adapt`` > 0."""
    n_par = len(population.mean)
    log_c = step[0] * draw_normal(population.key)
    shrunk = np.exp(-2.0 * log_c)
    shapes = _shapes(prior)
    nothing = np.empty((n_par, n_par))
    gamma, value, sums = np.empty_like(people.gamma), np.empty_like(people.value), np.empty(3)
    precision = product(product(transposed(link.basis), population.precision), link.basis)
    _places(blocks, link, people, precision, link.inverse @ population.mean, shrunk, gamma, value, sums)
    gain = log_likelihood(blocks, value) - log_likelihood(blocks, people.value) + sums[0] + sums[1] - shrunk * sums[2]
    gain -= n_par * (n_people + prior.degrees) * log_c  # |Sigma| of people and prior, and K (K + 1) log c of the Jacobian
    gain += log_prior(prior, shapes, shrunk * population.precision, nothing)
    gain -= log_prior(prior, shapes, population.precision, nothing)
    ratio = np.exp(min(0.0, gain)) if gain > -np.inf else 0.0  # not a number: no
    if ratio >= draw_uniform(population.key):
        settle(blocks, people, gamma, value)
        population.cov[:] /= shrunk
        population.precision[:] *= shrunk
        draw_scales(population, prior)
    if adapt > 0.0:
        step[0] = min(3.0, step[0] * np.exp(adapt * (ratio - _ACCEPT)))


@compiled
def _shapes(prior):  # type: ignore[no-untyped-def]
    """The prior's shapes (see ``log_prior``) in parameters beta."""
    n_par = len(prior.block)
    if prior.n_scales == 0:
        return prior.scale.reshape(1, n_par, n_par)
    out = np.zeros((prior.n_scales, n_par, n_par))
    for k in range(n_par):
        out[prior.block[k], k, k] = 1.0
    return out
