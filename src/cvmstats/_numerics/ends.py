"""Log probabilities of single answers with gradients and Hessians: logits, and what is no product of logits (``logit.py``)."""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.tasks import JOINT, LAST, LOGITS


@compiled
def stage(v, sign, skip, pick, p):  # type: ignore[no-untyped-def]
    """One logit over the set without ``skip``: log probability of ``pick``; probabilities into ``p``."""
    high = -np.inf
    for j in range(len(v)):
        if j != skip and sign * v[j] > high:
            high = sign * v[j]
    total = 0.0
    for j in range(len(v)):
        p[j] = 0.0 if j == skip else np.exp(sign * v[j] - high)
        total += p[j]
    for j in range(len(v)):
        p[j] /= total
    return sign * v[pick] - high - np.log(total)


@compiled
def pull(sign, pick, p, weight, g):  # type: ignore[no-untyped-def]
    """Add a stage's gradient."""
    for j in range(len(g)):
        g[j] -= weight * sign * p[j]
    g[pick] += weight * sign


@compiled
def bend_stage(p, weight, h):  # type: ignore[no-untyped-def]
    """Add a stage's Hessian."""
    for j in range(len(p)):
        h[j, j] -= weight * p[j]
        for k in range(len(p)):
            h[j, k] += weight * p[j] * p[k]


@compiled
def ends(v, best, worst, rule, g):  # type: ignore[no-untyped-def]
    """Log probability of an answer that is no product of logits; its gradient is added to ``g``."""
    if rule == JOINT:
        return _pair_of_ends(v, best, worst, g)
    if rule == LAST:
        return _last(v, worst, g, np.empty((0, 0)))
    if rule == LOGITS:
        return _hidden_best(v, worst, g)
    return _neither(v, best, worst >= 0, g)


@compiled
def bend(v, best, worst, rule, h):  # type: ignore[no-untyped-def]
    """Add the Hessian of such an answer."""
    if rule == JOINT:
        _bend_ends(v, best, worst, h)
    elif rule == LAST:
        _last(v, worst, np.zeros(len(v)), h)
    elif rule == LOGITS:
        _bend_hidden(v, worst, h)
    else:
        _bend_neither(v, best, worst >= 0, h)


@compiled
def _neither(v, anchor, last, g):  # type: ignore[no-untyped-def]
    """log of 1 less the probabilities that the anchor comes first and, if ``last``, that it comes last.

    With U' and D' the sums over the others, that is U' / U, or (U' D' - 1) / (U D): nothing small is taken from what is large.
    """
    others, p = _without(len(v), anchor), np.empty(len(v))
    some = others[0]  # its utility leaves again
    value = stage(v, 1.0, -1, some, p)
    pull(1.0, some, p, 1.0, g)
    if not last:
        value -= stage(v, 1.0, anchor, some, p)
        pull(1.0, some, p, -1.0, g)
        return value
    value += stage(v, -1.0, -1, some, p)
    pull(-1.0, some, p, 1.0, g)
    slope = np.zeros(len(others))
    value += take_pairs(v[others], 1.0, slope)
    for j in range(len(others)):
        g[others[j]] -= slope[j]
    return value


@compiled
def _bend_neither(v, anchor, last, h):  # type: ignore[no-untyped-def]
    """Add the Hessian of the same."""
    others, p = _without(len(v), anchor), np.empty(len(v))
    stage(v, 1.0, -1, others[0], p)
    bend_stage(p, 1.0, h)
    if not last:
        stage(v, 1.0, anchor, others[0], p)
        bend_stage(p, -1.0, h)
        return
    stage(v, -1.0, -1, others[0], p)
    bend_stage(p, 1.0, h)
    own = np.zeros((len(others), len(others)))
    _bend_pairs(v[others], 1.0, own)
    for j in range(len(others)):
        for k in range(len(others)):
            h[others[j], others[k]] -= own[j, k]


@compiled
def _without(n, one):  # type: ignore[no-untyped-def]
    """0 to n - 1 without ``one``."""
    others = np.arange(n - 1)
    others[one:] += 1
    return others


@compiled
def _last(v, worst, g, h):  # type: ignore[no-untyped-def]
    """log f(S - w), over subsets of what is taken before ``worst``.

    Logarithms of chances: the worst may be as good as impossible. Of what is left in a subset, the next to go is j with the
    probability ``first[j]``, given that the worst goes last; derivatives are averages over j.
    """
    n, others, curved = len(v) - 1, _without(len(v), worst), h.shape[0] > 0
    chance, whole, first = np.zeros(1 << n), np.empty(1 << n), np.zeros(n)
    slope, curve = np.zeros((1 << n, n)), np.zeros((1 << n if curved else 0, n, n))
    p, toward = np.empty(n), np.empty((n, n))
    whole[0] = v[worst]
    for left in range(1, 1 << n):
        high, total, one = -np.inf, 0.0, 0
        for j in range(n):
            if (left >> j) & 1:
                first[j] = v[others[j]] + chance[left ^ (1 << j)]
                high, one = max(high, first[j]), j
        for j in range(n):
            first[j] = np.exp(first[j] - high) if (left >> j) & 1 else 0.0
            total += first[j]
        whole[left] = np.logaddexp(whole[left ^ (1 << one)], v[others[one]])
        chance[left] = high + np.log(total) - whole[left]
        for k in range(n):
            first[k] /= total
            p[k] = np.exp(v[others[k]] - whole[left]) if (left >> k) & 1 else 0.0
        for k in range(n):
            if not (left >> k) & 1:
                continue
            slope[left, k] = first[k] - p[k]
            for j in range(n):
                if (left >> j) & 1:
                    slope[left, k] += first[j] * slope[left ^ (1 << j), k]
        if not curved:
            continue
        for j in range(n):
            for k in range(n):
                toward[j, k] = (slope[left ^ (1 << j), k] if (left >> j) & 1 else 0.0) + (1.0 if j == k else 0.0)
        for k in range(n):
            for m in range(k + 1):
                if not ((left >> k) & 1 and (left >> m) & 1):
                    continue
                bent = p[k] * p[m] - (p[k] if k == m else 0.0) - (slope[left, k] + p[k]) * (slope[left, m] + p[m])
                for j in range(n):
                    if (left >> j) & 1:
                        bent += first[j] * (curve[left ^ (1 << j), k, m] + toward[j, k] * toward[j, m])
                curve[left, k, m] = curve[left, m, k] = bent
    full = (1 << n) - 1
    for k in range(n):
        g[others[k]] += slope[full, k]
        g[worst] -= slope[full, k]
    if curved:
        for k in range(n):
            for m in range(n):
                both = curve[full, k, m]
                h[others[k], others[m]] += both  # only differences from the worst matter
                h[others[k], worst] -= both
                h[worst, others[m]] -= both
                h[worst, worst] += both
    return chance[full]


@compiled
def _pair_of_ends(v, best, worst, g):  # type: ignore[no-untyped-def]
    """Joint best and worst, the numerators (a missing pick summed out) over U D - a."""
    value = -take_pairs(v, float(len(v)), g)
    if best >= 0:
        value += v[best]
        g[best] += 1.0
    if worst >= 0:
        value -= v[worst]
        g[worst] -= 1.0
    if best < 0 or worst < 0:
        # the missing pick is any other: P(b) = e^(v_b) times the sum over w of e^(-v_w), a logit's denominator on top
        pick, sign = (best, -1.0) if best >= 0 else (worst, 1.0)
        other, p = 0 if pick else 1, np.empty(len(v))
        value += sign * v[other] - stage(v, sign, pick, other, p)
        for j in range(len(v)):
            g[j] += sign * p[j]
    return value


@compiled
def take_pairs(v, less, g):  # type: ignore[no-untyped-def]
    """log(U D - ``less``); its gradient is taken from ``g``."""
    high, low, u, d = v[0], v[0], 0.0, 0.0
    for j in range(len(v)):
        high, low = max(high, v[j]), min(low, v[j])
    for j in range(len(v)):
        u += np.exp(v[j] - high)
        d += np.exp(low - v[j])
    total = u * d - less * np.exp(low - high)  # all of it divided by e^(max v - min v)
    for j in range(len(v)):
        g[j] -= (np.exp(v[j] - high) * d - u * np.exp(low - v[j])) / total
    return high - low + np.log(total)


@compiled
def _bend_ends(v, best, worst, h):  # type: ignore[no-untyped-def]
    """Add the Hessian of a joint best and worst."""
    p = np.empty(len(v))
    if best < 0 or worst < 0:
        pick, sign = (best, -1.0) if best >= 0 else (worst, 1.0)
        stage(v, sign, pick, 0 if pick else 1, p)
        bend_stage(p, -1.0, h)
    _bend_pairs(v, float(len(v)), h)


@compiled
def _bend_pairs(v, less, h):  # type: ignore[no-untyped-def]
    """Take the Hessian of log(U D - ``less``) from ``h``."""
    high, low = v.max(), v.min()
    up, down = np.exp(v - high), np.exp(low - v)
    u, d = up.sum(), down.sum()
    total = u * d - less * np.exp(low - high)
    mean = (up * d - u * down) / total
    for j in range(len(v)):
        h[j, j] -= (up[j] * d + u * down[j]) / total
        for k in range(len(v)):
            h[j, k] += (up[j] * down[k] + up[k] * down[j]) / total + mean[j] * mean[k]


@compiled
def _hidden_best(v, worst, g):  # type: ignore[no-untyped-def]
    """P(w) = sum over b of P(b, w), a mixture over the unseen best."""
    a = len(v)
    p, chance = np.empty(a), np.empty(a)
    value = _chances(v, worst, p, chance)
    for b in range(a):
        if b != worst:
            stage(v, 1.0, -1, b, p)
            pull(1.0, b, p, chance[b], g)
            stage(v, -1.0, b, worst, p)
            pull(-1.0, worst, p, chance[b], g)
    return value


@compiled
def _chances(v, worst, p, chance):  # type: ignore[no-untyped-def]
    """log P(w), and the probability of each unseen best given w into ``chance``."""
    high, total = -np.inf, 0.0
    for b in range(len(v)):
        if b != worst:
            chance[b] = stage(v, 1.0, -1, b, p) + stage(v, -1.0, b, worst, p)
            high = max(high, chance[b])
    for b in range(len(v)):
        chance[b] = np.exp(chance[b] - high) if b != worst else 0.0
        total += chance[b]
    for b in range(len(v)):
        chance[b] /= total
    return high + np.log(total)


@compiled
def _bend_hidden(v, worst, h):  # type: ignore[no-untyped-def]
    """Add the Hessian of a worst whose best is summed out: the mean of those of the mixture, and the spread of gradients."""
    a = len(v)
    p, q, chance, mean = np.empty(a), np.empty(a), np.empty(a), np.zeros(a)
    _chances(v, worst, p, chance)
    for b in range(a):
        if b == worst:
            continue
        part = np.zeros(a)
        stage(v, 1.0, -1, b, p)
        pull(1.0, b, p, 1.0, part)
        stage(v, -1.0, b, worst, q)
        pull(-1.0, worst, q, 1.0, part)
        bend_stage(p, chance[b], h)
        bend_stage(q, chance[b], h)
        for j in range(a):
            mean[j] += chance[b] * part[j]
            for k in range(a):
                h[j, k] += chance[b] * part[j] * part[k]
    for j in range(a):
        for k in range(a):
            h[j, k] -= mean[j] * mean[k]
