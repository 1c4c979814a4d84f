"""Answers that are no product of logits, WIDTH people at a time (``ends.py`` has the same for one answer, and exactly).

Both are about a worst w, which stands first in ``member``. With e and f = e^u and e^-u, U the sum of e over the set:

- its best is not known: P(w) = f_w / U S, S the sum over b of e_b / R_b, R_b the sum of f over the set without b. Given w the
  unseen best is b with the probability pi_b = e_b / (R_b S).
- the others were taken before it in an order that is not known: a recursion over subsets T of them, chance(T) = sum over j in T
  of e_j chance(T - j) / (e_w + sum over T of e). Derivatives with respect to e_j come from the same recursion backwards.

Masks say in which lanes there is such an answer; what the other lanes hold is not looked at.
"""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.lanes import REAL, WIDTH, above, choose, gather, load, logarithm, spread, store
from cvmstats._numerics.tasks import LAST

_LEAST = 1e-290
"""Chances below this are left to exact computation, lane by lane."""


@compiled(fast=True)
def add_odd_values(odd, b, e, f, value):  # type: ignore[no-untyped-def]
    """Add log probabilities to ``value`` (WIDTH); returns the mask of the lanes in which they are wrong."""
    far, total = np.uint16(0), spread(0.0)
    for t in range(odd.first[b], odd.first[b + 1]):
        member, size, live = odd.member[t], odd.size[t], odd.live[t]
        if odd.rule[t] == LAST:
            chance, r, whole = _room(size)
            _chances(member, size, e, r, chance, whole)
            p = load(chance, len(chance) - 1)
        else:
            p = _hidden(member, size, e, f)
        total += choose(live, logarithm(choose(above(p, _LEAST), p, 1.0)), 0.0)
        far = np.uint16(far | (live & ~above(p, _LEAST)))
    store(value, 0, load(value, 0) + total)
    return far


@compiled(fast=True)
def add_odd_gradients(odd, b, e, f, slope):  # type: ignore[no-untyped-def]
    """Add gradients in utilities to ``slope`` (J, WIDTH); returns the mask of the lanes in which they are wrong."""
    far = np.uint16(0)
    own = np.empty((odd.member.shape[1], WIDTH), REAL)
    for t in range(odd.first[b], odd.first[b + 1]):
        member, size, live = odd.member[t], odd.size[t], odd.live[t]
        p = _last_gradient(member, size, e, own) if odd.rule[t] == LAST else _hidden_gradient(member, size, e, f, own)
        far = np.uint16(far | (live & ~above(p, _LEAST)))
        for a in range(size):
            for lane in range(WIDTH):
                if (live >> lane) & 1:
                    slope[member[a, lane], lane] += own[a, lane]
    return far


@compiled(fast=True)
def odd_curvature(odd, t, e, f, bent):  # type: ignore[no-untyped-def]
    """Minus the Hessian of slot ``t`` into ``bent`` (A, A, WIDTH), 0 in lanes without an answer."""
    member, size = odd.member[t], odd.size[t]
    p = _last_curvature(member, size, e, bent) if odd.rule[t] == LAST else _hidden_curvature(member, size, e, f, bent)
    good = np.uint16(odd.live[t] & above(p, _LEAST))
    for a in range(size):
        for c in range(size):
            store(bent[a], c, choose(good, load(bent[a], c), 0.0))


@compiled(fast=True)
def _others(rows, size, j, k):  # type: ignore[no-untyped-def]
    """Sum of rows but j and k; as a difference from the sum of all, what is small beside these would be lost."""
    rest = spread(0.0)
    for a in range(size):
        if a not in (j, k):
            rest += load(rows, a)
    return rest


@compiled(fast=True)
def _weights(member, size, e, f, mine, weight):  # type: ignore[no-untyped-def]
    """f of the set into ``mine``, e_b / R_b^n, n = 1, 2, ..., into ``weight`` (n, A, WIDTH), 0 for w; returns U and S."""
    for a in range(size):
        store(mine, a, gather(f, member, a))
    total, s = gather(e, member, 0), spread(0.0)
    for n in range(len(weight)):
        store(weight[n], 0, spread(0.0))
    for b in range(1, size):
        e_b, part = gather(e, member, b), 1.0 / _others(mine, size, b, b)
        total += e_b
        for n in range(len(weight)):
            e_b = e_b * part
            store(weight[n], b, e_b)
        s += load(weight[0], b)
    return total, s


@compiled(fast=True)
def _hidden(member, size, e, f):  # type: ignore[no-untyped-def]
    """P(w)."""
    mine, weight = np.empty((size, WIDTH), REAL), np.empty((1, size, WIDTH), REAL)
    total, s = _weights(member, size, e, f, mine, weight)
    return s / total * load(mine, 0)


@compiled(fast=True)
def _hidden_gradient(member, size, e, f, out):  # type: ignore[no-untyped-def]
    """pi_j + f_j (sum over b other than j of pi_b / R_b) - e_j / U, less 1 for w; returns the probability."""
    mine, weight = np.empty((size, WIDTH), REAL), np.empty((2, size, WIDTH), REAL)
    total, s = _weights(member, size, e, f, mine, weight)
    for j in range(size):
        pulled = load(weight[0], j) + load(mine, j) * _others(weight[1], size, j, j)
        store(out, j, pulled / s - gather(e, member, j) / total)
    store(out, 0, load(out, 0) - 1.0)
    return s / total * load(mine, 0)


@compiled(fast=True)
def _hidden_curvature(member, size, e, f, bent):  # type: ignore[no-untyped-def]
    """With c_b = pi_b / R_b and d_b = c_b / R_b, C and D their sums over all b but j (and k), t = pi + f C the gradient of
    log S and p = e / U: minus the Hessian is t_j^2 - t_j + 2 f_j (C - f_j D) + p_j - p_j^2 on the diagonal, beside it
    t_j t_k - 2 f_j f_k D - c_j f_k - c_k f_j - p_j p_k.
    """  # fmt: skip
    mine, weight = np.empty((size, WIDTH), REAL), np.empty((3, size, WIDTH), REAL)
    total, s = _weights(member, size, e, f, mine, weight)
    pi, c, d = weight[0], weight[1], weight[2]
    for n in range(3):
        for b in range(size):
            store(weight[n], b, load(weight[n], b) / s)
    t = np.empty((size, WIDTH), REAL)
    for j in range(size):
        f_j, p_j, rest = load(mine, j), gather(e, member, j) / total, _others(c, size, j, j)
        t_j = load(pi, j) + f_j * rest
        store(t, j, t_j)
        own = t_j * t_j - t_j + 2.0 * f_j * (rest - f_j * _others(d, size, j, j))
        store(bent[j], j, own + p_j - p_j * p_j)
        for k in range(j):
            f_k, p_k = load(mine, k), gather(e, member, k) / total
            both = t_j * load(t, k) - 2.0 * f_j * f_k * _others(d, size, j, k)
            both = both - load(c, j) * f_k - load(c, k) * f_j - p_j * p_k
            store(bent[j], k, both)
            store(bent[k], j, both)
    return s / total * load(mine, 0)


@compiled
def _room(size):  # type: ignore[no-untyped-def]
    """For chances by subset of the others, their e, and the sums of e by subset and w."""
    n = size - 1
    return np.empty((1 << n, WIDTH), REAL), np.empty((n, WIDTH), REAL), np.empty((1 << n, WIDTH), REAL)


@compiled(fast=True)
def _chances(member, size, e, r, chance, whole):  # type: ignore[no-untyped-def]
    """The recursion forwards."""
    n = size - 1
    for j in range(n):
        store(r, j, gather(e, member, j + 1))
    store(chance, 0, spread(1.0))
    store(whole, 0, gather(e, member, 0))
    for left in range(1, 1 << n):
        last, up = 0, spread(0.0)
        for j in range(n):
            if (left >> j) & 1:
                last = j
                up += load(r, j) * load(chance, left ^ (1 << j))
        total = load(whole, left ^ (1 << last)) + load(r, last)
        store(whole, left, total)
        store(chance, left, up / total)


@compiled(fast=True)
def _last_gradient(member, size, e, out):  # type: ignore[no-untyped-def]
    """Returns the probability. Chances do not change with all e together: the gradient of w is what makes the sum 0."""
    n = size - 1
    chance, r, whole = _room(size)
    _chances(member, size, e, r, chance, whole)
    back = np.zeros(chance.shape, REAL)
    full = len(chance) - 1
    for j in range(n):
        store(out, j + 1, spread(0.0))
    p = load(chance, full)
    store(back, full, 1.0 / p)
    for left in range(full, 0, -1):
        pulled, here = load(back, left) / load(whole, left), load(chance, left)
        for j in range(n):
            if (left >> j) & 1:
                without = left ^ (1 << j)
                store(out, j + 1, load(out, j + 1) + pulled * (load(chance, without) - here))
                store(back, without, load(back, without) + pulled * load(r, j))
    rest = spread(0.0)
    for j in range(1, size):
        slope = load(out, j) * load(r, j - 1)
        store(out, j, slope)
        rest += slope
    store(out, 0, 0.0 - rest)
    return p


@compiled(fast=True)
def _last_curvature(member, size, e, bent):  # type: ignore[no-untyped-def]
    """By first and second derivatives of all chances in the utilities of the others; returns the probability."""
    n = size - 1
    chance, r, whole = _room(size)
    _chances(member, size, e, r, chance, whole)
    slope, curve = np.zeros((1 << n, n, WIDTH), REAL), np.zeros((1 << n, n * n, WIDTH), REAL)
    for left in range(1, 1 << n):
        here, total = load(chance, left), load(whole, left)
        for k in range(n):
            if not (left >> k) & 1:
                continue
            up = load(r, k) * (load(chance, left ^ (1 << k)) - here)
            for j in range(n):
                if (left >> j) & 1:
                    up += load(r, j) * load(slope[left ^ (1 << j)], k)
            store(slope[left], k, up / total)
        for k in range(n):
            if not (left >> k) & 1:
                continue
            for m in range(k + 1):
                if not (left >> m) & 1:
                    continue
                up = load(r, k) * (load(slope[left ^ (1 << k)], m) - load(slope[left], m))
                up += load(r, m) * (load(slope[left ^ (1 << m)], k) - load(slope[left], k))
                if k == m:
                    up += load(r, k) * (load(chance, left ^ (1 << k)) - here)
                for j in range(n):
                    if (left >> j) & 1:
                        up += load(r, j) * load(curve[left ^ (1 << j)], k * n + m)
                store(curve[left], k * n + m, up / total)
    full = (1 << n) - 1
    p = load(chance, full)
    for a in range(size):
        store(bent[0], a, spread(0.0))
        store(bent[a], 0, spread(0.0))
    for k in range(n):
        for m in range(k + 1):
            both = load(slope[full], k) * load(slope[full], m) / (p * p) - load(curve[full], k * n + m) / p
            store(bent[k + 1], m + 1, both)
            store(bent[m + 1], k + 1, both)
            _against_worst(bent, k, m, both)
            if m < k:
                _against_worst(bent, m, k, both)
    return p


@compiled(fast=True)
def _against_worst(bent, k, m, both):  # type: ignore[no-untyped-def]
    """Only differences from the worst matter."""
    store(bent[k + 1], 0, load(bent[k + 1], 0) - both)
    store(bent[0], m + 1, load(bent[0], m + 1) - both)
    store(bent[0], 0, load(bent[0], 0) + both)
