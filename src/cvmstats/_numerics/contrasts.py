"""Pairs that are graded or may be tied (``blocks.Contrasts``), WIDTH people at a time.

With d, the utility of winning by the top grade, the sum over the outcomes is Z = sum over grades of C_g (e^(w_g d) +
e^(-w_g d)) + C_tie; an answer has C e^(w d) / Z of its own C and signed w. What is linear in d and in the response parameters
stands in ``Sets.linear`` and in ``Contrasts.constant``.
"""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lanes import exponential, load, logarithm, store


@compiled(fast=True)
def _sums(contrasts, n, d, e, f):  # type: ignore[no-untyped-def]
    """Z and its first and second derivative in d, e and f being e^d and e^-d."""
    part, weight = contrasts.part[contrasts.kind[n]], contrasts.weight
    top = len(weight) - 1
    both = part[top] * (e + f)
    z, first, second = both + part[top + 1], part[top] * (e - f), both
    for g in range(top):
        if part[g] > 0.0:
            w = weight[g]
            up = exponential(w * d)
            down = 1.0 / up
            both = part[g] * (up + down)
            z += both
            first += w * part[g] * (up - down)
            second += w * w * both
    return z, first, second


@compiled(fast=True)
def add_contrast_values(contrasts, b, u, work, value):  # type: ignore[no-untyped-def]
    """Add log probabilities, but for what is linear in d, to ``value`` (WIDTH)."""
    n_pairs = len(contrasts.kind)
    begin, total = u.shape[0] - n_pairs, load(value, 0) + load(contrasts.constant, b)
    for n in range(n_pairs):
        z, _, _ = _sums(contrasts, n, load(u, begin + n), load(work.e, begin + n), load(work.f, begin + n))
        total -= load(contrasts.times[b], n) * logarithm(z)
    store(value, 0, total)


@compiled(fast=True)
def add_contrast_gradients(contrasts, b, u, work, slope):  # type: ignore[no-untyped-def]
    """The same of gradients in utilities (J, WIDTH)."""
    n_pairs = len(contrasts.kind)
    begin = u.shape[0] - n_pairs
    for n in range(n_pairs):
        j = begin + n
        z, first, _ = _sums(contrasts, n, load(u, j), load(work.e, j), load(work.f, j))
        store(slope, j, load(slope, j) - load(contrasts.times[b], n) * first / z)


@compiled(fast=True)
def add_contrast_bends(contrasts, b, u, work, x, out):  # type: ignore[no-untyped-def]
    """Add minus the Hessian in coordinates to ``out`` (K (K + 1) / 2, WIDTH), ``x`` (K, J + 1, WIDTH) the derivatives of u."""
    n_pairs = len(contrasts.kind)
    begin = u.shape[0] - n_pairs
    for n in range(n_pairs):
        j = begin + n
        z, first, second = _sums(contrasts, n, load(u, j), load(work.e, j), load(work.f, j))
        mean = first / z
        bend, row = load(contrasts.times[b], n) * (second / z - mean * mean), 0
        for k in range(len(x)):
            x_k = bend * load(x[k], j)
            for q in range(k + 1):
                store(out, row, load(out, row) + x_k * load(x[q], j))
                row += 1


@compiled
def add_far_contrasts(contrasts, b, lane, u, slope, value):  # type: ignore[no-untyped-def]
    """Values and gradients of one person, e^|d| taken out of all sums; the top grade is always among the outcomes."""
    n_pairs, top = len(contrasts.kind), len(contrasts.weight) - 1
    begin = u.shape[0] - n_pairs
    value[lane] += contrasts.constant[b, lane]
    for n in range(n_pairs):
        d, times, part = u[begin + n, lane], contrasts.times[b, n, lane], contrasts.part[contrasts.kind[n]]
        high = abs(d)
        z, first = part[top + 1] * np.exp(-high), 0.0
        for g in range(top + 1):
            w = contrasts.weight[g]
            up, down = part[g] * np.exp(w * d - high), part[g] * np.exp(-w * d - high)
            z += up + down
            first += w * (up - down)
        value[lane] -= times * (high + np.log(z))
        slope[begin + n, lane] -= times * first / z
