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
    return _neither(v, best, worst, g, np.empty((0, 0)))


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
        _neither(v, best, worst, np.zeros(len(v)), h)


@compiled
def _neither(v, best, worst, g, h):  # type: ignore[no-untyped-def]
    """log of 1 less the probabilities that ``best`` comes first and, if given, that ``worst`` comes last."""
    a = len(v)
    p, q = np.zeros(a), np.zeros(a)
    stage(v, 1.0, -1, best, p)
    first, last = p[best], 0.0
    if worst >= 0:
        stage(v, -1.0, -1, worst, q)
        last = q[worst]
    others, rest = 0.0, 1.0 if worst < 0 else 0.0
    for j in range(a):
        others += p[j] if j != best else 0.0
        rest += q[j] if j != worst else 0.0
    total = others - last if first > last else rest - first  # the smaller probability is taken from what is no difference
    slope = np.empty(a)
    for j in range(a):
        up = first * ((1.0 if j == best else 0.0) - p[j])
        down = -last * ((1.0 if j == worst else 0.0) - q[j])
        slope[j] = -(up + down) / total
        g[j] += slope[j]
    if h.shape[0]:
        for j in range(a):
            up, down = (1.0 if j == best else 0.0) - p[j], (1.0 if j == worst else 0.0) - q[j]
            h[j, j] += (first * p[j] + last * q[j]) / total
            for k in range(a):
                both = first * (up * ((1.0 if k == best else 0.0) - p[k]) + p[j] * p[k])
                both += last * (down * ((1.0 if k == worst else 0.0) - q[k]) + q[j] * q[k])
                h[j, k] -= both / total + slope[j] * slope[k]
    return np.log(total)


@compiled
def _last(v, worst, g, h):  # type: ignore[no-untyped-def]
    """log f(S - w), over subsets of what is taken before ``worst``; all terms are positive."""
    n = len(v) - 1
    curved = h.shape[0] > 0
    others, r, high = np.empty(n, np.int64), np.empty(n), v.max()
    for j in range(n):
        others[j] = j if j < worst else j + 1
        r[j] = np.exp(v[others[j]] - high)
    own = np.exp(v[worst] - high)
    chance, slope = np.zeros(1 << n), np.zeros((1 << n, n))
    curve = np.zeros((1 << n if curved else 0, n, n))
    chance[0] = 1.0
    for left in range(1, 1 << n):
        total = own
        for j in range(n):
            if (left >> j) & 1:
                total += r[j]
        for j in range(n):
            if (left >> j) & 1:
                chance[left] += r[j] * chance[left ^ (1 << j)] / total
        for k in range(n):
            if not (left >> k) & 1:
                continue
            without = left ^ (1 << k)
            up = r[k] * (chance[without] - chance[left])
            for j in range(n):
                if (left >> j) & 1:
                    up += r[j] * slope[left ^ (1 << j), k]
            slope[left, k] = up / total
        if curved:
            for k in range(n):
                if not (left >> k) & 1:
                    continue
                for m in range(k + 1):
                    if not (left >> m) & 1:
                        continue
                    up = r[k] * (slope[left ^ (1 << k), m] - slope[left, m])
                    up += r[m] * (slope[left ^ (1 << m), k] - slope[left, k])
                    if k == m:
                        up += r[k] * (chance[left ^ (1 << k)] - chance[left])
                    for j in range(n):
                        if (left >> j) & 1:
                            up += r[j] * curve[left ^ (1 << j), k, m]
                    curve[left, k, m] = curve[left, m, k] = up / total
    full = (1 << n) - 1
    p = slope[full] / chance[full]
    for k in range(n):
        g[others[k]] += p[k]
        g[worst] -= p[k]
    if curved:
        for k in range(n):
            for m in range(n):
                both = curve[full, k, m] / chance[full] - p[k] * p[m]
                h[others[k], others[m]] += both  # only differences from the worst matter
                h[others[k], worst] -= both
                h[worst, others[m]] -= both
                h[worst, worst] += both
    return np.log(chance[full])


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
    high, low = v.max(), v.min()
    up, down = np.exp(v - high), np.exp(low - v)
    u, d = up.sum(), down.sum()
    total = u * d - len(v) * np.exp(low - high)
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
