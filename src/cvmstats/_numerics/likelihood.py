"""The likelihood of a block of people, its gradient and curvature (``blocks.py`` says how the answers lie).

Loops over blocks call ``plain_value`` and ``plain_gradient``, which become part of them; where there is more than products of
logits over common codings, or a person's utilities are too far out for exponentials, ``full_value`` and ``full_gradient``.

Shapes: J objects, K parameters, T tasks, WIDTH people side by side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.contrasts import (
    add_contrast_bends,
    add_contrast_gradients,
    add_contrast_values,
    add_far_contrasts,
)
from cvmstats._numerics.ends import ends, take_pairs
from cvmstats._numerics.lanes import (
    REAL,
    WIDTH,
    above,
    choose,
    exponential,
    gather,
    load,
    logarithm,
    spread,
    store,
)
from cvmstats._numerics.link import coordinates, own_coordinates, own_utilities, utilities
from cvmstats._numerics.odd import add_odd_gradients, add_odd_values, odd_curvature

FARTHEST = 80.0
"""Beyond this (logits) products of four sums of exponentials may not fit a double; such people are computed one by one."""


class Work(NamedTuple):
    """Work space of one block: e^u and e^-u (J + 1, WIDTH); of each task (T + 1, WIDTH) what they are multiplied by, D and U
    over U D - a, and a over its square. The last rows are 0."""  # fmt: skip

    e: npt.NDArray[np.float64]
    f: npt.NDArray[np.float64]
    inv_b: npt.NDArray[np.float64]
    inv_w: npt.NDArray[np.float64]
    pair: npt.NDArray[np.float64]


@compiled
def room_for(sets):  # type: ignore[no-untyped-def]
    """Work space for the likelihood of a block."""
    n_objects, n_tasks = sets.seen.shape[1], sets.member.shape[1]
    return Work(np.zeros((n_objects + 1, WIDTH), REAL), np.zeros((n_objects + 1, WIDTH), REAL),
                np.zeros((n_tasks + 1, WIDTH), REAL), np.zeros((n_tasks + 1, WIDTH), REAL),
                np.zeros((n_tasks + 1, WIDTH), REAL))  # fmt: skip


@compiled(inside=True)
def is_plain(own, odd):  # type: ignore[no-untyped-def]
    """Whether there is nothing but products of logits over common codings."""
    return own.rows.shape[1] == 0 and len(odd.rule) == 0


@compiled(fast=True)
def _exponentials(u, work):  # type: ignore[no-untyped-def]
    """e^u and e^-u; returns the mask of the lanes with utilities too far out for them."""
    far = np.uint16(0)
    for j in range(u.shape[0]):
        v = load(u, j)
        high, low = above(v, FARTHEST), above(-FARTHEST, v)
        far = np.uint16(far | high | low)
        v = choose(high, FARTHEST, choose(low, -FARTHEST, v))
        e = exponential(v)
        store(work.e, j, e)
        store(work.f, j, 1.0 / e)
    return far


@compiled(fast=True)
def _sums(sets, b, t, work):  # type: ignore[no-untyped-def]
    """The two sums of task ``t``, 1 where nothing was picked from them."""
    member, rest = sets.member[b, t], sets.rest[b, t]
    best, worst = spread(0.0), spread(0.0)
    if sets.alike[b]:
        for a in range(member.shape[0]):
            m = member[a, 0]
            best += load(work.e, m)
            worst += choose(rest[a], load(work.f, m), 0.0)
    else:
        for a in range(member.shape[0]):
            best += gather(work.e, member, a)
            worst += choose(rest[a], gather(work.f, member, a), 0.0)
    return choose(sets.has_best[b, t], best, 1.0), choose(sets.has_worst[b, t], worst, 1.0)


@compiled(fast=True)
def _value(sets, b, u, work, value):  # type: ignore[no-untyped-def]
    """What is a product of logits; returns the mask of the lanes in which it is wrong, because utilities are far out."""
    far = _exponentials(u, work)
    total, sums = spread(0.0), spread(1.0)
    for t in range(sets.member.shape[1]):
        best, worst = _sums(sets, b, t, work)
        each = best * worst - load(sets.less[b], t)
        if sets.flip[b, t]:
            each = choose(sets.flip[b, t], 1.0 / each, each)
        sums = sums * each
        if t % 2 == 1:  # the product of four sums always fits a double
            total -= logarithm(sums)
            sums = spread(1.0)
    total -= logarithm(sums)
    for j in range(u.shape[0]):
        total += load(sets.linear[b], j) * load(u, j)
    store(value, 0, total)
    return far


@compiled(fast=True)
def _gradient(sets, b, u, work, slope):  # type: ignore[no-untyped-def]
    """The same of the gradient, without logarithms."""
    far = _exponentials(u, work)
    for t in range(sets.member.shape[1]):
        best, worst = _sums(sets, b, t, work)
        less = load(sets.less[b], t)
        both = 1.0 / (best * worst - less)
        pair = less * both * both
        if sets.flip[b, t]:
            both = choose(sets.flip[b, t], 0.0 - both, both)
            pair = choose(sets.flip[b, t], 0.0 - pair, pair)
        store(work.pair, t, pair)
        store(work.inv_b, t, choose(sets.has_best[b, t], worst * both, 0.0))
        store(work.inv_w, t, choose(sets.has_worst[b, t], best * both, 0.0))
    for j in range(u.shape[0]):
        best, worst = spread(0.0), spread(0.0)
        seen = sets.seen[b, j]
        if sets.alike[b]:
            for n in range(sets.often[b, j]):
                t = seen[n, 0]
                best += load(work.inv_b, t)
                worst += choose(sets.seen_rest[b, j, n], load(work.inv_w, t), 0.0)
        else:
            for n in range(sets.often[b, j]):
                best += gather(work.inv_b, seen, n)
                worst += choose(sets.seen_rest[b, j, n], gather(work.inv_w, seen, n), 0.0)
        store(slope, j, load(sets.linear[b], j) - load(work.e, j) * best + load(work.f, j) * worst)
    return far


@compiled(fast=True, inside=True)
def plain_value(link, sets, b, gamma, u, work, value):  # type: ignore[no-untyped-def]
    """Log-likelihood ``value`` (WIDTH) of block ``b`` at coordinates ``gamma`` (K, WIDTH), where there is nothing else.

    Returns the mask of the lanes in which it is wrong because utilities are far out. Leaves the utilities in ``u``.
    """
    utilities(link, gamma, u)
    return _value(sets, b, u, work, value)


@compiled(fast=True, inside=True)
def plain_gradient(link, sets, b, gamma, u, work, slope, out):  # type: ignore[no-untyped-def]
    """Its gradient ``out`` (K, WIDTH); leaves the one in utilities in ``slope``."""
    utilities(link, gamma, u)
    far = _gradient(sets, b, u, work, slope)
    coordinates(link, slope, out)
    return far


@compiled(fast=True)
def full_value(link, sets, own, odd, b, gamma, u, work, value):  # type: ignore[no-untyped-def]
    """The same whatever there is."""
    _all_utilities(link, own, b, gamma, u)
    far = _value(sets, b, u, work, value)
    if odd.first[b + 1] > odd.first[b]:
        far = np.uint16(far | add_odd_values(odd, b, work.e, work.f, value))
    if len(own.contrasts.kind) > 0:
        add_contrast_values(own.contrasts, b, u, work, value)
    if far:
        _one_by_one(sets, own.contrasts, odd, b, far, u, np.zeros_like(u), value)


@compiled(fast=True)
def full_gradient(link, sets, own, odd, b, gamma, u, work, slope, out):  # type: ignore[no-untyped-def]
    """The same whatever there is."""
    _all_utilities(link, own, b, gamma, u)
    far = _gradient(sets, b, u, work, slope)
    if odd.first[b + 1] > odd.first[b]:
        far = np.uint16(far | add_odd_gradients(odd, b, work.e, work.f, slope))
    if len(own.contrasts.kind) > 0:
        add_contrast_gradients(own.contrasts, b, u, work, slope)
    if far:
        _one_by_one(sets, own.contrasts, odd, b, far, u, slope, np.zeros(WIDTH, REAL))
    if own.rows.shape[1] > 0:
        own_coordinates(link.sign, own.rows[b], own.factor[b], gamma, slope, out)
    else:
        coordinates(link, slope, out)


@compiled(fast=True)
def _all_utilities(link, own, b, gamma, u):  # type: ignore[no-untyped-def]
    if own.rows.shape[1] > 0:
        own_utilities(link.sign, own.rows[b], own.factor[b], own.shift[b], gamma, u)
    else:
        utilities(link, gamma, u)


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


@compiled
def add_curvature(sets, odd, b, work, out):  # type: ignore[no-untyped-def]
    """Add minus the Hessian in utilities to ``out`` (J (J + 1) / 2, WIDTH), lower half by rows.

    To be called after ``plain_gradient`` or ``full_gradient``.
    """
    _add_bends(sets, b, work, out)
    if odd.first[b + 1] > odd.first[b]:
        _add_odd_bends(odd, b, work, out)


@compiled(fast=True)
def _at(alike, array, member, a):  # type: ignore[no-untyped-def]
    """What stands in the rows of ``array`` (N, WIDTH) that row ``a`` of ``member`` names."""
    return load(array, member[a, 0]) if alike else gather(array, member, a)


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


@compiled
def _one_by_one(sets, contrasts, odd, b, far, u, slope, value):  # type: ignore[no-untyped-def]
    """Lanes that are too far out anew, the largest utility of each set taken out before exponentials."""
    for lane in range(WIDTH):
        if (far >> lane) & 1:
            _one(sets, b, lane, u, slope, value)
            add_far_contrasts(contrasts, b, lane, u, slope, value)
            for t in range(odd.first[b], odd.first[b + 1]):
                if (odd.live[t] >> lane) & 1:
                    _one_odd(odd.member[t, : odd.size[t], lane], odd.rule[t], lane, u, slope, value)


@compiled
def _one_odd(member, rule, lane, u, g, value):  # type: ignore[no-untyped-def]
    v, part = np.empty(len(member)), np.zeros(len(member))
    for j in range(len(member)):
        v[j] = u[member[j], lane]
    value[lane] += ends(v, -1, 0, rule, part)
    for j in range(len(member)):
        g[member[j], lane] += part[j]


@compiled
def _one(sets, b, lane, u, g, value):  # type: ignore[no-untyped-def]
    n_objects = u.shape[0]
    value[lane] = 0.0
    for j in range(n_objects):
        g[j, lane] = sets.linear[b, j, lane]
        value[lane] += sets.linear[b, j, lane] * u[j, lane]
    for t in range(sets.member.shape[1]):
        turn = -1.0 if (sets.flip[b, t] >> lane) & 1 else 1.0
        if sets.less[b, t, lane] > 0.0:
            size = 0
            while size < sets.member.shape[2] and sets.member[b, t, size, lane] < n_objects:
                size += 1
            v, part = np.empty(size), np.zeros(size)
            for a in range(size):
                v[a] = u[sets.member[b, t, a, lane], lane]
            value[lane] -= turn * take_pairs(v, sets.less[b, t, lane], part)
            for a in range(size):
                g[sets.member[b, t, a, lane], lane] += turn * part[a]
            continue
        for sign in (1.0, -1.0):
            if not ((sets.has_best if sign > 0 else sets.has_worst)[b, t] >> lane) & 1:
                continue
            high = -np.inf
            for a in range(sets.member.shape[2]):
                m = sets.member[b, t, a, lane]
                if m < n_objects and (sign > 0 or (sets.rest[b, t, a] >> lane) & 1):
                    high = max(high, sign * u[m, lane])
            total = 0.0
            for a in range(sets.member.shape[2]):
                m = sets.member[b, t, a, lane]
                if m < n_objects and (sign > 0 or (sets.rest[b, t, a] >> lane) & 1):
                    total += np.exp(sign * u[m, lane] - high)
            value[lane] -= turn * (high + np.log(total))
            for a in range(sets.member.shape[2]):
                m = sets.member[b, t, a, lane]
                if m < n_objects and (sign > 0 or (sets.rest[b, t, a] >> lane) & 1):
                    g[m, lane] -= turn * sign * np.exp(sign * u[m, lane] - high) / total
