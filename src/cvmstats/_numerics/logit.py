"""Likelihood, gradient and curvature of best-worst and plain choices.

``sequential`` form: the best is a logit choice from the set S, the worst a logit choice on reversed utilities from
S without the best, P(b, w) = softmax(v)_b softmax(-v on S - b)_w. A missing worst leaves its factor out; a missing best
is summed out, P(w) = sum_b P(b, w). A task that asks for the worst only is softmax(-v)_w, for the best only softmax(v)_b.

``maxdiff`` form (joint): one choice among the ordered pairs, P(b, w) = e^(v_b - v_w) / sum over k != l of e^(v_k - v_l)
(Marley & Louviere 2005, doi 10.1016/j.jmp.2005.05.003). With U = sum e^v and D = sum e^-v over the set of a, the sum is
U D - a; a missing one is summed out, P(b) = e^(v_b) (D - e^(-v_b)) / (U D - a).

``marginal`` answers, pairs and rankings come as several plain choices (see ``tasks.py``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.tasks import Tasks

Floats = npt.NDArray[np.float64]


def task_log_likelihood(tasks: Tasks, utilities: npt.ArrayLike) -> Floats:
    """Log probability of each answered task (n) under each person's utilities (R, J)."""
    out = np.zeros(len(tasks.best))
    _task_values(tasks.person, tasks.start, tasks.objects, tasks.best, tasks.worst, tasks.worst_only, _joint(tasks),
                 np.ascontiguousarray(utilities, dtype=float), out)  # fmt: skip
    return out


def log_likelihood(tasks: Tasks, utilities: npt.ArrayLike) -> Floats:
    """Log-likelihood of each person's answers (R) under their utilities (R, J)."""
    return _per_person(tasks, task_log_likelihood(tasks, utilities))


def class_log_likelihood(tasks: Tasks, utilities: npt.ArrayLike) -> Floats:
    """Panel log-likelihood (R, S): each person's answers under each class's utilities (S, J)."""
    columns = [
        log_likelihood(tasks, np.broadcast_to(u, (tasks.n_people, tasks.n_objects)))
        for u in np.asarray(utilities, float)
    ]
    return np.stack(columns, axis=1)


def gradient(tasks: Tasks, utilities: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Log-likelihood (R) and its gradient (R, J) in each person's utilities (R, J)."""
    value = np.zeros(tasks.n_people)
    slope = np.zeros((tasks.n_people, tasks.n_objects))
    _gradients(tasks.person, tasks.start, tasks.objects, tasks.best, tasks.worst, tasks.worst_only, _joint(tasks),
               np.ascontiguousarray(utilities, dtype=float), value, slope)  # fmt: skip
    return value, slope


def pooled_derivatives(tasks: Tasks, utilities: npt.ArrayLike,
                       weight: npt.ArrayLike) -> tuple[float, Floats, Floats]:  # fmt: skip
    """Weighted log-likelihood, gradient (J) and Hessian (J, J) where all share the utilities (J).

    Parameters
    ----------
    weight : array (R)
        Weight of each person's answers, for example a class membership.
    """
    slope = np.zeros(tasks.n_objects)
    hessian = np.zeros((tasks.n_objects, tasks.n_objects))
    value = _pooled(tasks.person, tasks.start, tasks.objects, tasks.best, tasks.worst, tasks.worst_only, _joint(tasks),
                    np.ascontiguousarray(utilities, dtype=float)[None, :], np.ascontiguousarray(weight, dtype=float),
                    slope, hessian)  # fmt: skip
    return float(value), slope, hessian


def average_curvature(tasks: Tasks, utilities: npt.ArrayLike) -> Floats:
    """Average over people (J, J) of minus the Hessian at each person's utilities (R, J)."""
    hessian = np.zeros((tasks.n_objects, tasks.n_objects))
    _pooled(tasks.person, tasks.start, tasks.objects, tasks.best, tasks.worst, tasks.worst_only, _joint(tasks),
            np.ascontiguousarray(utilities, dtype=float), np.ones(tasks.n_people), np.zeros(tasks.n_objects),
            hessian)  # fmt: skip
    return -hessian / tasks.n_people


def _joint(tasks: Tasks) -> npt.NDArray[np.bool_]:
    return np.zeros(len(tasks.best), bool) if tasks.joint is None else tasks.joint


def _per_person(tasks: Tasks, values: Floats) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[tasks.person[1:]] - total[tasks.person[:-1]])


@compiled
def _stage(v, sign, skip, pick, p):  # type: ignore[no-untyped-def]
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
def _pull(sign, pick, p, weight, g):  # type: ignore[no-untyped-def]
    """Add a stage's gradient."""
    for j in range(len(g)):
        g[j] -= weight * sign * p[j]
    g[pick] += weight * sign


@compiled
def _bend(p, weight, h):  # type: ignore[no-untyped-def]
    """Add a stage's Hessian."""
    for j in range(len(p)):
        h[j, j] -= weight * p[j]
        for k in range(len(p)):
            h[j, k] += weight * p[j] * p[k]


@compiled
def _task(v, best, worst, worst_only, joint, g, h):  # type: ignore[no-untyped-def]
    """Log probability of one task; its gradient is added to ``g`` and its Hessian to ``h`` (empty: not wanted)."""
    if joint or (best < 0 and not worst_only):
        if h.shape[0]:
            if joint:
                _bend_ends(v, best, worst, h)
            else:
                _bend_hidden(v, worst, h)
        return ends(v, best, worst, joint, g)
    p, value = np.empty(len(v)), 0.0
    for sign in (1.0, -1.0):
        pick = best if sign > 0 else worst
        if pick >= 0:
            value += _stage(v, sign, -1 if sign > 0 else best, pick, p)
            _pull(sign, pick, p, 1.0, g)
            if h.shape[0]:
                _bend(p, 1.0, h)
    return value


@compiled
def ends(v, best, worst, joint, g):  # type: ignore[no-untyped-def]
    """Log probability of a best and worst that are no product of logits: joint ones, or a best that is summed out."""
    return _pair_of_ends(v, best, worst, g) if joint else _hidden_best(v, worst, g)


@compiled
def _pair_of_ends(v, best, worst, g):  # type: ignore[no-untyped-def]
    """Joint best and worst, the numerators (a missing pick summed out) over U D - a."""
    value = -take_pairs(v, g)
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
        value += sign * v[other] - _stage(v, sign, pick, other, p)
        for j in range(len(v)):
            g[j] += sign * p[j]
    return value


@compiled
def take_pairs(v, g):  # type: ignore[no-untyped-def]
    """log(U D - a); its gradient is taken from ``g``."""
    high, low, u, d = v[0], v[0], 0.0, 0.0
    for j in range(len(v)):
        high, low = max(high, v[j]), min(low, v[j])
    for j in range(len(v)):
        u += np.exp(v[j] - high)
        d += np.exp(low - v[j])
    total = u * d - len(v) * np.exp(low - high)  # all of it divided by e^(max v - min v)
    for j in range(len(v)):
        g[j] -= (np.exp(v[j] - high) * d - u * np.exp(low - v[j])) / total
    return high - low + np.log(total)


@compiled
def _bend_ends(v, best, worst, h):  # type: ignore[no-untyped-def]
    """Add the Hessian of a joint best and worst."""
    p = np.empty(len(v))
    if best < 0 or worst < 0:
        pick, sign = (best, -1.0) if best >= 0 else (worst, 1.0)
        _stage(v, sign, pick, 0 if pick else 1, p)
        _bend(p, -1.0, h)
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
            _stage(v, 1.0, -1, b, p)
            _pull(1.0, b, p, chance[b], g)
            _stage(v, -1.0, b, worst, p)
            _pull(-1.0, worst, p, chance[b], g)
    return value


@compiled
def _chances(v, worst, p, chance):  # type: ignore[no-untyped-def]
    """log P(w), and the probability of each unseen best given w into ``chance``."""
    high, total = -np.inf, 0.0
    for b in range(len(v)):
        if b != worst:
            chance[b] = _stage(v, 1.0, -1, b, p) + _stage(v, -1.0, b, worst, p)
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
        _stage(v, 1.0, -1, b, p)
        _pull(1.0, b, p, 1.0, part)
        _stage(v, -1.0, b, worst, q)
        _pull(-1.0, worst, q, 1.0, part)
        _bend(p, chance[b], h)
        _bend(q, chance[b], h)
        for j in range(a):
            mean[j] += chance[b] * part[j]
            for k in range(a):
                h[j, k] += chance[b] * part[j] * part[k]
    for j in range(a):
        for k in range(a):
            h[j, k] -= mean[j] * mean[k]


@compiled
def _task_values(person, start, objects, best, worst, worst_only, joint, u, out):  # type: ignore[no-untyped-def]
    nothing = np.empty((0, 0))
    for i in range(len(person) - 1):
        for t in range(person[i], person[i + 1]):
            members = objects[start[t] : start[t + 1]]
            v = np.empty(len(members))
            for j in range(len(members)):
                v[j] = u[i, members[j]]
            out[t] = _task(v, best[t], worst[t], worst_only[t], joint[t], np.zeros(len(v)), nothing)


@compiled
def _gradients(person, start, objects, best, worst, worst_only, joint, u, value, slope):  # type: ignore[no-untyped-def]
    nothing = np.empty((0, 0))
    for i in range(len(person) - 1):
        for t in range(person[i], person[i + 1]):
            members = objects[start[t] : start[t + 1]]
            v = np.empty(len(members))
            for j in range(len(members)):
                v[j] = u[i, members[j]]
            g = np.zeros(len(v))
            value[i] += _task(v, best[t], worst[t], worst_only[t], joint[t], g, nothing)
            for j in range(len(members)):
                slope[i, members[j]] += g[j]


@compiled
def _pooled(person, start, objects, best, worst, worst_only, joint, u, weight, slope, hessian):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(person) - 1):
        if weight[i] == 0.0:
            continue
        row = i if u.shape[0] > 1 else 0
        for t in range(person[i], person[i + 1]):
            members = objects[start[t] : start[t + 1]]
            v = np.empty(len(members))
            for j in range(len(members)):
                v[j] = u[row, members[j]]
            g = np.zeros(len(v))
            h = np.zeros((len(v), len(v)))
            total += weight[i] * _task(v, best[t], worst[t], worst_only[t], joint[t], g, h)
            for j in range(len(members)):
                slope[members[j]] += weight[i] * g[j]
                for k in range(len(members)):
                    hessian[members[j], members[k]] += weight[i] * h[j, k]
    return total
