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
def _add_stage(sign, pick, p, weight, g, h):  # type: ignore[no-untyped-def]
    """Add a stage's gradient and, where ``h`` is not empty, its Hessian."""
    for j in range(len(g)):
        g[j] -= weight * sign * p[j]
    g[pick] += weight * sign
    if h.shape[0]:
        for j in range(len(g)):
            h[j, j] -= weight * p[j]
            for k in range(len(g)):
                h[j, k] += weight * p[j] * p[k]


@compiled
def _task(v, best, worst, worst_only, joint, g, h):  # type: ignore[no-untyped-def]
    """Log probability of one task; its gradient is added to ``g`` and its Hessian to ``h`` (empty: not wanted)."""
    p = np.empty(len(v))
    if joint:
        return _pair_of_ends(v, best, worst, p, g, h)
    if best >= 0:
        value = _stage(v, 1.0, -1, best, p)
        _add_stage(1.0, best, p, 1.0, g, h)
        if worst >= 0:
            value += _stage(v, -1.0, best, worst, p)
            _add_stage(-1.0, worst, p, 1.0, g, h)
        return value
    if worst_only:
        value = _stage(v, -1.0, -1, worst, p)
        _add_stage(-1.0, worst, p, 1.0, g, h)
        return value
    return _missing_best(v, worst, g, h)


@compiled
def _pair_of_ends(v, best, worst, p, g, h):  # type: ignore[no-untyped-def]
    """Joint best and worst, the numerators (a missing pick summed out) over U D - a."""
    a = len(v)
    if best >= 0 and worst >= 0:
        value = v[best] - v[worst]
        g[best] += 1.0
        g[worst] -= 1.0
    else:
        # the missing pick is any other: P(b) = e^(v_b) sum over w of e^(-v_w), one logit's denominator with a plus
        pick, sign = (best, 1.0) if best >= 0 else (worst, -1.0)
        other = 0 if pick else 1
        total = -sign * v[other] - _stage(v, -sign, pick, other, p)
        value = sign * v[pick] + total
        g[pick] += sign
        for j in range(a):
            g[j] -= sign * p[j]
            if h.shape[0]:
                h[j, j] += p[j]
                for k in range(a):
                    h[j, k] -= p[j] * p[k]
    return value - _take_pairs(v, g, h)


@compiled
def _take_pairs(v, g, h):  # type: ignore[no-untyped-def]
    """log(U D - a); its gradient is taken from ``g`` and its Hessian from ``h``. All is divided by e^(max v - min v) first."""
    a, high, low = len(v), v.max(), v.min()
    up, down = np.exp(v - high), np.exp(low - v)
    u, d, unit = up.sum(), down.sum(), np.exp(low - high)
    total = u * d - a * unit
    mean = (up * d - u * down) / total
    for j in range(a):
        g[j] -= mean[j]
        if h.shape[0]:
            h[j, j] -= (up[j] * d + u * down[j]) / total
            for k in range(a):
                h[j, k] += (up[j] * down[k] + up[k] * down[j]) / total + mean[j] * mean[k]
    return high - low + np.log(total)


@compiled
def _missing_best(v, worst, g, h):  # type: ignore[no-untyped-def]
    """P(w) = sum over b of P(b, w): a mixture over the unseen best, with its exact derivatives."""
    a = len(v)
    p, q = np.empty(a), np.empty(a)
    logs = np.full(a, -np.inf)
    for b in range(a):
        if b != worst:
            logs[b] = _stage(v, 1.0, -1, b, p) + _stage(v, -1.0, b, worst, q)
    high = logs.max()
    value = high + np.log(np.exp(logs - high).sum())
    mean = np.zeros(a)
    for b in range(a):
        if b == worst:
            continue
        r = np.exp(logs[b] - value)
        part = np.zeros(a)
        _stage(v, 1.0, -1, b, p)
        _add_stage(1.0, b, p, 1.0, part, h[:0])
        _stage(v, -1.0, b, worst, q)
        _add_stage(-1.0, worst, q, 1.0, part, h[:0])
        mean += r * part
        if h.shape[0]:
            scratch = np.zeros(a)
            _add_stage(1.0, b, p, r, scratch, h)
            _add_stage(-1.0, worst, q, r, scratch, h)
            h += r * np.outer(part, part)
    g += mean
    if h.shape[0]:
        h -= np.outer(mean, mean)
    return value


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
