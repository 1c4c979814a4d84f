"""Answers laid out for the sampler: WIDTH people side by side, so that one instruction serves several of them.

For each person the sequential likelihood needs, per task, the sums U of e^v over the set and D of e^-v over the set without
the best; of a set of a in the joint form both are over the whole set, and a is taken from their product (see ``logit.py``).
Exponentials are taken once per item. Gradients gather the tasks that showed an item, so that nothing is
scattered. People who saw the same sets are put together: what they saw is then read once for all of them.

That an anchor is neither first nor last in its set has the probability 1 - e^v / U - e^-v / D = (U' D' - 1) / (U D), U' and D'
being the sums without the anchor: two tasks here, of which the first stands on top of the fraction (``flip``).

Where alternatives are many, or a person's utilities depend on more than the parameters (``coded.py``), objects are counted
anew for each person, and blocks hold the rows of the coding of each lane. People whose sets have the same pattern are then
alike, whatever they saw.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.ends import bend, ends, take_pairs
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

FARTHEST = 80.0
"""Beyond this (logits) sums of exponentials no longer fit a double; such people are computed one by one, exactly."""

Bits = npt.NDArray[np.uint16]


class Blocks(NamedTuple):
    """People in B blocks of WIDTH.

    Attributes
    ----------
    row : array (B, WIDTH)
        Which person, -1 for an idle lane.
    live : array (B)
        Mask of the lanes that are not idle.
    alike : array (B), bool
        Whether all lanes of the block saw the same sets in the same order.
    member : array (B, T, A, WIDTH)
        Object of each place, J where there is none.
    rest : array (B, T, A)
        Mask of the lanes in which the object belongs to the set from which the worst is chosen.
    has_best, has_worst : arrays (B, T)
        Masks of the lanes in which the pick is there.
    less : array (B, T, WIDTH)
        What is taken from the product of the two sums: the size of the set in the joint form, else 0.
    flip : array (B, T)
        Mask of the lanes in which the sums stand on top of the fraction.
    linear : array (B, J, WIDTH)
        Times best less times worst.
    seen : array (B, J, N, WIDTH)
        The tasks that showed the object, T as filler.
    seen_rest : array (B, J, N)
        Mask of the lanes in which the object was in the worst set of that task.
    often : array (B, J)
        How many of the N are needed.
    rows : array (B, J, K, WIDTH)
        Each lane's own coding, and J its own objects; (B, 0, 0, WIDTH) where all share that of ``link.py``.
    response : array (B, J, E, WIDTH)
        The same of the response parameters.
    scale : array (B, J, WIDTH), int
        Error scale, 0 for the reference.
    factor, shift : arrays (B, J, WIDTH)
        Utilities are ``factor`` times (rows)'beta + ``shift``; changed in place.
    odd, odd_start, odd_objects, odd_best, odd_worst, odd_rule
        Tasks that are no product of logits, per lane (B WIDTH + 1), taken apart.
    """

    row: npt.NDArray[np.int64]
    live: Bits
    alike: npt.NDArray[np.bool_]
    member: npt.NDArray[np.uint32]
    rest: Bits
    has_best: Bits
    has_worst: Bits
    less: npt.NDArray[np.float64]
    flip: Bits
    linear: npt.NDArray[np.float64]
    seen: npt.NDArray[np.uint32]
    seen_rest: Bits
    often: npt.NDArray[np.int64]
    rows: npt.NDArray[np.float64]
    response: npt.NDArray[np.float64]
    scale: npt.NDArray[np.int64]
    factor: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]
    odd: npt.NDArray[np.int64]
    odd_start: npt.NDArray[np.int64]
    odd_objects: npt.NDArray[np.int64]
    odd_best: npt.NDArray[np.int64]
    odd_worst: npt.NDArray[np.int64]
    odd_rule: npt.NDArray[np.int8]


class Work(NamedTuple):
    """Work space of one block: e^u and e^-u (J + 1, WIDTH); of each task (T + 1, WIDTH) what they are multiplied by, D and U
    over U D - a, and a over its square. The last rows are 0."""  # fmt: skip

    e: npt.NDArray[np.float64]
    f: npt.NDArray[np.float64]
    inv_b: npt.NDArray[np.float64]
    inv_w: npt.NDArray[np.float64]
    pair: npt.NDArray[np.float64]


@compiled
def room_for(blocks):  # type: ignore[no-untyped-def]
    """Work space for the likelihood of a block."""
    n_objects, n_tasks = blocks.seen.shape[1], blocks.member.shape[1]
    return Work(np.zeros((n_objects + 1, WIDTH), REAL), np.zeros((n_objects + 1, WIDTH), REAL),
                np.zeros((n_tasks + 1, WIDTH), REAL), np.zeros((n_tasks + 1, WIDTH), REAL),
                np.zeros((n_tasks + 1, WIDTH), REAL))  # fmt: skip


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
def _sums(blocks, b, t, work):  # type: ignore[no-untyped-def]
    """The two sums of task ``t``, 1 where nothing was picked from them."""
    member, rest = blocks.member[b, t], blocks.rest[b, t]
    best, worst = spread(0.0), spread(0.0)
    if blocks.alike[b]:
        for a in range(member.shape[0]):
            m = member[a, 0]
            best += load(work.e, m)
            worst += choose(rest[a], load(work.f, m), 0.0)
    else:
        for a in range(member.shape[0]):
            best += gather(work.e, member, a)
            worst += choose(rest[a], gather(work.f, member, a), 0.0)
    return choose(blocks.has_best[b, t], best, 1.0), choose(blocks.has_worst[b, t], worst, 1.0)


@compiled(fast=True)
def block_value(blocks, b, u, work, value):  # type: ignore[no-untyped-def]
    """Log-likelihood ``value`` (WIDTH) of block ``b`` at utilities ``u`` (J, WIDTH)."""
    far = _exponentials(u, work)
    total, sums = spread(0.0), spread(1.0)
    for t in range(blocks.member.shape[1]):
        best, worst = _sums(blocks, b, t, work)
        each = best * worst - load(blocks.less[b], t)
        if blocks.flip[b, t]:
            each = choose(blocks.flip[b, t], 1.0 / each, each)
        sums = sums * each
        if t % 2 == 1:  # the product of four sums always fits a double
            total -= logarithm(sums)
            sums = spread(1.0)
    total -= logarithm(sums)
    for j in range(u.shape[0]):
        total += load(blocks.linear[b], j) * load(u, j)
    store(value, 0, total)
    if far or blocks.odd[(b + 1) * WIDTH] > blocks.odd[b * WIDTH]:
        _correct(blocks, b, far, u, np.zeros_like(u), value)


@compiled(fast=True)
def block_gradient(blocks, b, u, work, slope):  # type: ignore[no-untyped-def]
    """Its gradient ``slope`` (J, WIDTH), without logarithms."""
    far = _exponentials(u, work)
    for t in range(blocks.member.shape[1]):
        best, worst = _sums(blocks, b, t, work)
        less = load(blocks.less[b], t)
        both = 1.0 / (best * worst - less)
        pair = less * both * both
        if blocks.flip[b, t]:
            both = choose(blocks.flip[b, t], 0.0 - both, both)
            pair = choose(blocks.flip[b, t], 0.0 - pair, pair)
        store(work.pair, t, pair)
        store(work.inv_b, t, choose(blocks.has_best[b, t], worst * both, 0.0))
        store(work.inv_w, t, choose(blocks.has_worst[b, t], best * both, 0.0))
    for j in range(u.shape[0]):
        best, worst = spread(0.0), spread(0.0)
        seen = blocks.seen[b, j]
        if blocks.alike[b]:
            for n in range(blocks.often[b, j]):
                t = seen[n, 0]
                best += load(work.inv_b, t)
                worst += choose(blocks.seen_rest[b, j, n], load(work.inv_w, t), 0.0)
        else:
            for n in range(blocks.often[b, j]):
                best += gather(work.inv_b, seen, n)
                worst += choose(blocks.seen_rest[b, j, n], gather(work.inv_w, seen, n), 0.0)
        store(slope, j, load(blocks.linear[b], j) - load(work.e, j) * best + load(work.f, j) * worst)
    if far or blocks.odd[(b + 1) * WIDTH] > blocks.odd[b * WIDTH]:
        _correct(blocks, b, far, u, slope, np.zeros(WIDTH, REAL))


@compiled(fast=True)
def add_curvature(blocks, b, u, work, out):  # type: ignore[no-untyped-def]
    """Add minus the Hessian in utilities to ``out`` (J (J + 1) / 2, WIDTH), lower half by rows.

    To be called after ``block_gradient``. With p = e^u and q = e^-u times what they are multiplied by in a
    task, its part is diag(p + q) - p p' - q q', in the joint form plus a (e^u e^-u' + e^-u e^u') / (U D - a)^2.
    """
    member, rest = blocks.member[b], blocks.rest[b]
    n_objects = blocks.seen.shape[1]
    for t in range(member.shape[0]):
        best, worst = load(work.inv_b, t), load(work.inv_w, t)
        pair = load(work.pair, t)
        turn = choose(blocks.flip[b, t], -1.0, spread(1.0))
        for a in range(member.shape[1]):
            if blocks.alike[b]:
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
                        if (blocks.flip[b, t] >> lane) & 1:
                            both = -both
                        both -= work.pair[t, lane] * (em * fn + en * fm)
                        k = max(m, n) * (max(m, n) + 1) // 2 + min(m, n)
                        out[k, lane] += (p + q if c == a else 0.0) - both
    if blocks.odd[(b + 1) * WIDTH] > blocks.odd[b * WIDTH]:
        for lane in range(WIDTH):
            for t in range(blocks.odd[b * WIDTH + lane], blocks.odd[b * WIDTH + lane + 1]):
                members = blocks.odd_objects[blocks.odd_start[t] : blocks.odd_start[t + 1]]
                bent = _bent(blocks, t, members, u, lane)
                for a in range(len(members)):
                    for c in range(a + 1):
                        m, n = max(members[a], members[c]), min(members[a], members[c])
                        out[m * (m + 1) // 2 + n, lane] -= bent[a, c]


@compiled
def _bent(blocks, t, members, u, lane):  # type: ignore[no-untyped-def]
    """Hessian of an odd task in the utilities of its set."""
    v, bent = np.empty(len(members)), np.zeros((len(members), len(members)))
    for j in range(len(members)):
        v[j] = u[members[j], lane]
    bend(v, blocks.odd_best[t], blocks.odd_worst[t], blocks.odd_rule[t], bent)
    return bent


@compiled
def add_own_curvature(blocks, b, u, work, beta, sign, out):  # type: ignore[no-untyped-def]
    """The same in coordinates (K (K + 1) / 2, WIDTH), of blocks with rows of their own; ``beta`` from ``to_parameters``."""
    n_objects, n_par = blocks.rows.shape[1], blocks.rows.shape[2]
    x, full = np.empty((n_objects, n_par)), np.empty((n_par, n_par))
    up, down = np.empty(n_par), np.empty(n_par)
    for lane in range(WIDTH):
        if not (blocks.live[b] >> lane) & 1:
            continue
        full[:] = 0.0
        for j in range(n_objects):
            for k in range(n_par):
                x[j, k] = blocks.factor[b, j, lane] * blocks.rows[b, j, k, lane] * (beta[k, lane] if sign[k] != 0.0 else 1.0)
        for t in range(blocks.member.shape[1]):
            best, worst, pair = work.inv_b[t, lane], work.inv_w[t, lane], work.pair[t, lane]
            turn = -1.0 if (blocks.flip[b, t] >> lane) & 1 else 1.0
            up[:] = 0.0
            down[:] = 0.0
            for a in range(blocks.member.shape[2]):
                m = blocks.member[b, t, a, lane]
                if m == n_objects:
                    continue
                e, f = work.e[m, lane], work.f[m, lane] if (blocks.rest[b, t, a] >> lane) & 1 else 0.0
                both = e * best + f * worst
                for k in range(n_par):
                    up[k] += e * x[m, k]
                    down[k] += f * x[m, k]
                    for q in range(k + 1):
                        full[k, q] += both * x[m, k] * x[m, q]
            for k in range(n_par):
                for q in range(k + 1):
                    full[k, q] -= turn * (best * best * up[k] * up[q] + worst * worst * down[k] * down[q])
                    full[k, q] += pair * (up[k] * down[q] + down[k] * up[q])
        for t in range(blocks.odd[b * WIDTH + lane], blocks.odd[b * WIDTH + lane + 1]):
            members = blocks.odd_objects[blocks.odd_start[t] : blocks.odd_start[t + 1]]
            bent = _bent(blocks, t, members, u, lane)
            for a in range(len(members)):
                for c in range(len(members)):
                    for k in range(n_par):
                        for q in range(k + 1):
                            full[k, q] -= bent[a, c] * x[members[a], k] * x[members[c], q]
        for k in range(n_par):
            for q in range(k + 1):
                out[k * (k + 1) // 2 + q, lane] += full[k, q]


@compiled
def _correct(blocks, b, far, u, slope, value):  # type: ignore[no-untyped-def]
    """Lanes far out anew, and the tasks whose best is missing."""
    for lane in range(WIDTH):
        if (far >> lane) & 1:
            _one_by_one(blocks, b, lane, u, slope, value)
    _add_odd(blocks, b, u, slope, value)


@compiled
def _one_by_one(blocks, b, lane, u, g, value):  # type: ignore[no-untyped-def]
    """The same for one person, with the largest utility of each set taken out before exponentials."""
    n_objects = u.shape[0]
    value[lane] = 0.0
    for j in range(n_objects):
        g[j, lane] = blocks.linear[b, j, lane]
        value[lane] += blocks.linear[b, j, lane] * u[j, lane]
    for t in range(blocks.member.shape[1]):
        turn = -1.0 if (blocks.flip[b, t] >> lane) & 1 else 1.0
        if blocks.less[b, t, lane] > 0.0:
            size = 0
            while size < blocks.member.shape[2] and blocks.member[b, t, size, lane] < n_objects:
                size += 1
            v, part = np.empty(size), np.zeros(size)
            for a in range(size):
                v[a] = u[blocks.member[b, t, a, lane], lane]
            value[lane] -= turn * take_pairs(v, blocks.less[b, t, lane], part)
            for a in range(size):
                g[blocks.member[b, t, a, lane], lane] += turn * part[a]
            continue
        for sign in (1.0, -1.0):
            if not ((blocks.has_best if sign > 0 else blocks.has_worst)[b, t] >> lane) & 1:
                continue
            high = -np.inf
            for a in range(blocks.member.shape[2]):
                m = blocks.member[b, t, a, lane]
                if m < n_objects and (sign > 0 or (blocks.rest[b, t, a] >> lane) & 1):
                    high = max(high, sign * u[m, lane])
            total = 0.0
            for a in range(blocks.member.shape[2]):
                m = blocks.member[b, t, a, lane]
                if m < n_objects and (sign > 0 or (blocks.rest[b, t, a] >> lane) & 1):
                    total += np.exp(sign * u[m, lane] - high)
            value[lane] -= turn * (high + np.log(total))
            for a in range(blocks.member.shape[2]):
                m = blocks.member[b, t, a, lane]
                if m < n_objects and (sign > 0 or (blocks.rest[b, t, a] >> lane) & 1):
                    g[m, lane] -= turn * sign * np.exp(sign * u[m, lane] - high) / total


@compiled
def _add_odd(blocks, b, u, g, value):  # type: ignore[no-untyped-def]
    for lane in range(WIDTH):
        for t in range(blocks.odd[b * WIDTH + lane], blocks.odd[b * WIDTH + lane + 1]):
            members = blocks.odd_objects[blocks.odd_start[t] : blocks.odd_start[t + 1]]
            v, part = np.empty(len(members)), np.zeros(len(members))
            for j in range(len(members)):
                v[j] = u[members[j], lane]
            value[lane] += ends(v, blocks.odd_best[t], blocks.odd_worst[t], blocks.odd_rule[t], part)
            for j in range(len(members)):
                g[members[j], lane] += part[j]
