"""Answers of units under each of S latent classes: probabilities, gradients and information, from e^u and e^-u (J, S).

The forms are those of ``logit.py``, written for many classes at once: exponentials are taken once per class and object.
"""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.ends import bend, ends
from cvmstats._numerics.tasks import JOINT

_NEGLIGIBLE = 1e-6  # memberships below this add nothing to gradients


@compiled
def _rest(objects, lo, hi, skip, f, s):  # type: ignore[no-untyped-def]
    """Sum of e^-u over a set without the object at ``skip``."""
    total = 0.0
    for m in range(lo, hi):
        if m != skip:
            total += f[objects[m], s]
    return total


@compiled
def _hidden_best(objects, lo, hi, worst, e, f, s):  # type: ignore[no-untyped-def]
    """Sum over the possible bests of e^u over what the worst is then chosen from."""
    total = 0.0
    for b in range(lo, hi):
        if b != lo + worst:
            total += e[objects[b], s] / _rest(objects, lo, hi, b, f, s)
    return total


@compiled
def _pair_chance(objects, lo, hi, best, worst, up, down, e, f, s):  # type: ignore[no-untyped-def]
    """Probability of a joint best and worst, a missing one summed out; ``down`` is the sum of e^-u without the best."""
    if best >= 0:
        b = objects[lo + best]
        last = f[objects[lo + worst], s] if worst >= 0 else down
        return e[b, s] * last / (up * (down + f[b, s]) - (hi - lo))
    w = objects[lo + worst]
    return f[w, s] * (up - e[w, s]) / (up * down - (hi - lo))


@compiled
def _pair_slope(objects, lo, hi, best, worst, w, e, f, g, h, curved):  # type: ignore[no-untyped-def]
    """The gradient and information of one joint answer, as ``_unit_slope`` adds them."""
    up, down = 0.0, 0.0
    for m in range(lo, hi):
        up += e[objects[m]]
        down += f[objects[m]]
    scale = 1.0 / (up * down - (hi - lo))
    for m in range(lo, hi):
        j = objects[m]
        if best < 0 and m != lo + worst:
            g[j] += w * e[j] / (up - e[objects[lo + worst]])
        if worst < 0 and m != lo + best:
            g[j] -= w * f[j] / (down - f[objects[lo + best]])
        p, q = e[j] * down * scale, f[j] * up * scale
        g[j] -= w * (p - q)
        if curved:
            h[j, j] += w * (p + q)
            for n in range(lo, m + 1):
                k = objects[n]
                other = (e[k] * down - f[k] * up) * scale
                h[j, k] -= w * ((e[j] * f[k] + e[k] * f[j]) * scale + (p - q) * other)
    if best >= 0:
        g[objects[lo + best]] += w
    if worst >= 0:
        g[objects[lo + worst]] -= w


@compiled
def _other(objects, lo, hi, best, worst, rule, w, e, g, h, curved):  # type: ignore[no-untyped-def]
    """Log probability of an answer that is no logit; gradient and information are added where ``g`` is not empty."""
    a = hi - lo
    v, part = np.empty(a), np.zeros(a)
    for m in range(a):
        v[m] = np.log(e[objects[lo + m]])
    value = ends(v, best, worst, rule, part)
    if len(g) == 0:
        return value
    for m in range(a):
        g[objects[lo + m]] += w * part[m]
    if curved:
        bent = np.zeros((a, a))
        bend(v, best, worst, rule, bent)
        for m in range(a):
            for n in range(m + 1):
                h[objects[lo + m], objects[lo + n]] -= w * bent[m, n]
    return value


# The two loops over a unit's tasks stand in one function each: a call per task would cost more than its arithmetic.
@compiled
def _unit_chances(begin, end, start, objects, best, worst, worst_only, rule, times, e, f, out):  # type: ignore[no-untyped-def]
    """Log probability of a unit's answers under each class, into ``out`` (S), from e^u and e^-u (J, S)."""
    n_classes = e.shape[1]
    first, second, product = np.empty(n_classes), np.empty(n_classes), np.ones(n_classes)
    nothing, empty = np.empty(0), np.empty((0, 0))
    for t in range(begin, end):
        lo, hi = start[t], start[t + 1]
        skip = lo + best[t] if best[t] >= 0 else -1
        for s in range(n_classes):
            first[s], second[s] = 0.0, 0.0
        for m in range(lo, hi):
            j = objects[m]
            for s in range(n_classes):
                first[s] += e[j, s]
            if m != skip:
                for s in range(n_classes):
                    second[s] += f[j, s]
        for s in range(n_classes):
            chance = 1.0
            if rule[t] > JOINT:
                chance = np.exp(_other(objects, lo, hi, best[t], worst[t], rule[t], 1.0, e[:, s], nothing, empty, False))
            elif rule[t] == JOINT:
                chance = _pair_chance(objects, lo, hi, best[t], worst[t], first[s], second[s], e, f, s)
            elif best[t] >= 0:
                chance = e[objects[skip], s] / first[s]
                if worst[t] >= 0:
                    chance *= f[objects[lo + worst[t]], s] / second[s]
            elif worst_only[t]:
                chance = f[objects[lo + worst[t]], s] / second[s]
            else:
                chance = _hidden_best(objects, lo, hi, worst[t], e, f, s) * f[objects[lo + worst[t]], s] / first[s]
            if times[t] != 1.0:
                out[s] += times[t] * np.log(chance)
                continue
            product[s] *= chance
            if product[s] < 1e-100:  # logarithms are dear: one for many factors
                out[s] += np.log(product[s])
                product[s] = 1.0
    for s in range(n_classes):
        out[s] += np.log(product[s])


@compiled
def _unit_slope(begin, end, start, objects, best, worst, worst_only, rule, times, e, f, weight, g, h, curved):  # type: ignore[no-untyped-def]
    """Add one class's gradient g (J) and, where ``curved``, its information h (J, J; one entry for each pair).

    Here e and f are of the class (J).
    """
    for t in range(begin, end):
        lo, hi = start[t], start[t + 1]
        if rule[t] > JOINT:
            _other(objects, lo, hi, best[t], worst[t], rule[t], weight * times[t], e, g, h, curved)
            continue
        if rule[t] == JOINT:
            _pair_slope(objects, lo, hi, best[t], worst[t], weight * times[t], e, f, g, h, curved)
            continue
        hidden = best[t] < 0 and not worst_only[t]
        first, possible = 0.0, 0.0
        for m in range(lo, hi):
            first += e[objects[m]]
        if hidden:
            for b in range(lo, hi):
                if b != lo + worst[t]:
                    rest = 0.0
                    for m in range(lo, hi):
                        if m != b:
                            rest += f[objects[m]]
                    possible += e[objects[b]] / rest
        for case in range(hi - lo if hidden else 1):
            pick = -1
            if hidden:
                pick = lo + case
                if case == worst[t]:
                    continue
            elif best[t] >= 0:
                pick = lo + best[t]
            second = 0.0
            for m in range(lo, hi):
                if m != pick:
                    second += f[objects[m]]
            w = weight * times[t]
            if hidden:
                w *= e[objects[pick]] / (second * possible)
            if pick >= 0:
                g[objects[pick]] += w
                scale = 1.0 / first
                for m in range(lo, hi):
                    j = objects[m]
                    wp = w * e[j] * scale
                    g[j] -= wp
                    if curved:
                        h[j, j] += wp
                        for n in range(lo, m + 1):
                            h[j, objects[n]] -= wp * e[objects[n]] * scale
            if worst[t] >= 0:
                g[objects[lo + worst[t]]] -= w
                scale = 1.0 / second
                for m in range(lo, hi):
                    if m == pick:
                        continue
                    j = objects[m]
                    wq = w * f[j] * scale
                    g[j] += wq
                    if curved:
                        h[j, j] += wq
                        for n in range(lo, m + 1):
                            if n != pick:
                                h[j, objects[n]] -= wq * f[objects[n]] * scale


@compiled
def pass_over(  # type: ignore[no-untyped-def]
    person, start, objects, best, worst, worst_only, rule, times, weight, e, f, log_sizes, order, logs, membership, slope,
    curve,
):  # fmt: skip
    """Observed log-likelihood of all units; their ``logs`` and ``membership`` (G, S), and where ``order`` is 1 or 2 gradients
    ``slope`` (S, J) and informations ``curve`` (S, J, J; one entry for each pair)."""
    n_classes = e.shape[1]
    across, down = np.ascontiguousarray(e.T), np.ascontiguousarray(f.T)
    total = 0.0
    for i in range(len(person) - 1):
        _unit_chances(person[i], person[i + 1], start, objects, best, worst, worst_only, rule, times, e, f, logs[i])
        high = -np.inf
        for s in range(n_classes):
            high = max(high, logs[i, s] + log_sizes[s])
        mass = 0.0
        for s in range(n_classes):
            membership[i, s] = np.exp(logs[i, s] + log_sizes[s] - high)
            mass += membership[i, s]
        total += weight[i] * (high + np.log(mass))
        for s in range(n_classes):
            membership[i, s] /= mass
            if order > 0 and membership[i, s] > _NEGLIGIBLE:
                _unit_slope(person[i], person[i + 1], start, objects, best, worst, worst_only, rule, times, across[s],
                            down[s], weight[i] * membership[i, s], slope[s], curve[s], order > 1)  # fmt: skip
    return total


@compiled
def unit_slopes(person, start, objects, best, worst, worst_only, rule, times, e, f, slopes):  # type: ignore[no-untyped-def]
    """Gradient of each unit's answers under each class, into ``slopes`` (G, S, J)."""
    across, down = np.ascontiguousarray(e.T), np.ascontiguousarray(f.T)
    nothing = np.empty((0, 0))
    for i in range(len(person) - 1):
        for s in range(e.shape[1]):
            _unit_slope(person[i], person[i + 1], start, objects, best, worst, worst_only, rule, times, across[s], down[s],
                        1.0, slopes[i, s], nothing, False)  # fmt: skip
