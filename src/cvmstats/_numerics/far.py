"""The likelihood of people whose utilities are too far out for products of exponentials, one by one.

The largest utility of each set is taken out before exponentials.
"""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.contrasts import add_far_contrasts
from cvmstats._numerics.ends import ends, take_pairs
from cvmstats._numerics.lanes import WIDTH


@compiled
def add_one_by_one(sets, contrasts, odd, b, far, u, slope, value):  # type: ignore[no-untyped-def]
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
