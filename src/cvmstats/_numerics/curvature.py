"""Minus the Hessian of the likelihood of a block of people (``blocks.py`` says how the answers lie).

To be called after ``plain_gradient`` or ``full_gradient`` of ``likelihood.py``, which leave what it is made of in their work
space.

Shapes: J objects, K parameters, WIDTH people side by side.
"""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.contrasts import add_contrast_bends
from cvmstats._numerics.lanes import REAL, WIDTH, choose, gather, load, spread, store
from cvmstats._numerics.odd import odd_curvature


@compiled
def add_curvature(sets, odd, b, work, out):  # type: ignore[no-untyped-def]
    """Add minus the Hessian in utilities to ``out`` (J (J + 1) / 2, WIDTH), lower half by rows."""
    _add_bends(sets, b, work, out)
    if odd.first[b + 1] > odd.first[b]:
        _add_odd_bends(odd, b, work, out)


@compiled(fast=True)
def _add_bends(sets, b, work, out):  # type: ignore[no-untyped-def]
    """Of what is a product of logits.

    With p = e^u and q = e^-u times what they are multiplied by in a task, its part is diag(p + q) - p p' - q q', in the joint
    form plus a (e^u e^-u' + e^-u e^u') / (U D - a)^2.
    """
    member, rest = sets.member[b], sets.rest[b]
    n_objects = sets.seen.shape[1]
    for t in range(member.shape[0]):
        best, worst = load(work.inv_b, t), load(work.inv_w, t)
        pair = load(work.pair, t)
        turn = choose(sets.flip[b, t], -1.0, spread(1.0))
        for a in range(member.shape[1]):
            if sets.alike[b]:
                m = np.int64(member[t, a, 0])
                if m == n_objects:
                    continue
                em, fm = load(work.e, m), choose(rest[t, a], load(work.f, m), 0.0)
                p, q = em * best, fm * worst
                k = m * (m + 1) // 2 + m
                store(out, k, load(out, k) + p - turn * p * p + q - turn * q * q + 2.0 * pair * em * fm)
                for c in range(a):
                    n = np.int64(member[t, c, 0])
                    k = max(m, n) * (max(m, n) + 1) // 2 + min(m, n)
                    en, fn = load(work.e, n), choose(rest[t, c], load(work.f, n), 0.0)
                    both = turn * (en * best * p + fn * worst * q) - pair * (em * fn + en * fm)
                    store(out, k, load(out, k) - both)
            else:
                for lane in range(WIDTH):
                    m = np.int64(member[t, a, lane])
                    if m == n_objects:
                        continue
                    em, fm = work.e[m, lane], work.f[m, lane] if (rest[t, a] >> lane) & 1 else 0.0
                    p, q = em * work.inv_b[t, lane], fm * work.inv_w[t, lane]
                    for c in range(a + 1):
                        n = np.int64(member[t, c, lane])
                        en, fn = work.e[n, lane], work.f[n, lane] if (rest[t, c] >> lane) & 1 else 0.0
                        both = en * work.inv_b[t, lane] * p + fn * work.inv_w[t, lane] * q
                        if (sets.flip[b, t] >> lane) & 1:
                            both = -both
                        both -= work.pair[t, lane] * (em * fn + en * fm)
                        k = max(m, n) * (max(m, n) + 1) // 2 + min(m, n)
                        out[k, lane] += (p + q if c == a else 0.0) - both


@compiled
def _add_odd_bends(odd, b, work, out):  # type: ignore[no-untyped-def]
    most = odd.member.shape[1]
    bent = np.empty((most, most, WIDTH), REAL)
    for t in range(odd.first[b], odd.first[b + 1]):
        odd_curvature(odd, t, work.e, work.f, bent)
        for lane in range(WIDTH):
            if not (odd.live[t] >> lane) & 1:
                continue
            for a in range(odd.size[t]):
                for c in range(a + 1):
                    one, other = np.int64(odd.member[t, a, lane]), np.int64(odd.member[t, c, lane])
                    m, n = max(one, other), min(one, other)
                    out[m * (m + 1) // 2 + n, lane] += bent[a, c, lane]


@compiled(fast=True)
def add_own_curvature(sets, own, odd, b, u, work, beta, sign, out):  # type: ignore[no-untyped-def]
    """The same in coordinates (K (K + 1) / 2, WIDTH), of blocks with rows of their own; ``beta`` from ``to_parameters``.

    Without the gradient times the second derivatives of parameters that are held to a sign (Gauss-Newton).
    """
    n_objects, n_par = own.rows.shape[1], own.rows.shape[2]
    x = np.zeros((n_par, n_objects + 1, WIDTH), REAL)  # derivatives of utilities
    for k in range(n_par):
        held = load(beta, k) if sign[k] != 0.0 else spread(1.0)
        for j in range(n_objects):
            store(x[k], j, load(own.factor[b], j) * load(own.rows[b, j], k) * held)
    here, up, down = np.empty((n_par, WIDTH), REAL), np.empty((n_par, WIDTH), REAL), np.empty((n_par, WIDTH), REAL)
    alike = sets.alike[b]
    for t in range(sets.member.shape[1]):
        best, worst, pair = load(work.inv_b, t), load(work.inv_w, t), load(work.pair, t)
        turn = choose(sets.flip[b, t], -1.0, spread(1.0))
        for k in range(n_par):
            store(up, k, spread(0.0))
            store(down, k, spread(0.0))
        member = sets.member[b, t]
        for a in range(member.shape[0]):
            e, f = _at(alike, work.e, member, a), choose(sets.rest[b, t, a], _at(alike, work.f, member, a), 0.0)
            both, row = e * best + f * worst, 0
            for k in range(n_par):
                x_k = _at(alike, x[k], member, a)
                store(here, k, x_k)
                store(up, k, load(up, k) + e * x_k)
                store(down, k, load(down, k) + f * x_k)
                for q in range(k + 1):
                    store(out, row, load(out, row) + both * x_k * load(here, q))
                    row += 1
        best, worst, row = turn * best * best, turn * worst * worst, 0
        for k in range(n_par):
            up_k, down_k = load(up, k), load(down, k)
            for q in range(k + 1):
                bend = pair * (up_k * load(down, q) + down_k * load(up, q))
                bend = bend - best * up_k * load(up, q) - worst * down_k * load(down, q)
                store(out, row, load(out, row) + bend)
                row += 1
    if odd.first[b + 1] > odd.first[b]:
        _add_own_odd_bends(odd, b, work, x, out)
    if len(own.contrasts.kind) > 0:
        add_contrast_bends(own.contrasts, b, u, work, x, out)


@compiled(fast=True)
def _at(alike, array, member, a):  # type: ignore[no-untyped-def]
    """What stands in the rows of ``array`` (N, WIDTH) that row ``a`` of ``member`` names."""
    return load(array, member[a, 0]) if alike else gather(array, member, a)


@compiled(fast=True)
def _add_own_odd_bends(odd, b, work, x, out):  # type: ignore[no-untyped-def]
    most = odd.member.shape[1]
    bent = np.empty((most, most, WIDTH), REAL)
    for t in range(odd.first[b], odd.first[b + 1]):
        odd_curvature(odd, t, work.e, work.f, bent)
        member, size = odd.member[t], odd.size[t]
        for a in range(size):
            for c in range(size):
                both, row = load(bent[a], c), 0
                for k in range(len(x)):
                    x_k = both * gather(x[k], member, a)
                    for q in range(k + 1):
                        store(out, row, load(out, row) + x_k * gather(x[q], member, c))
                        row += 1
