"""The likelihood of a block of people and its gradient (``blocks.py`` says how the answers lie).

Loops over blocks call ``plain_value`` and ``plain_gradient``, which become part of them; where there is more than products of
logits over common codings, or a person's utilities are too far out for exponentials, ``full_value`` and ``full_gradient``.

Shapes: J objects, K parameters, T tasks, WIDTH people side by side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.contrasts import add_contrast_gradients, add_contrast_values
from cvmstats._numerics.far import add_one_by_one
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
from cvmstats._numerics.odd import add_odd_gradients, add_odd_values

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
        add_one_by_one(sets, own.contrasts, odd, b, far, u, np.zeros_like(u), value)


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
        add_one_by_one(sets, own.contrasts, odd, b, far, u, slope, np.zeros(WIDTH, REAL))
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
