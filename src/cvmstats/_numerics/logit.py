"""Likelihood, gradient and curvature of best-worst and plain choices.

``sequential`` form: the best is a logit choice from the set S, the worst a logit choice on reversed utilities from
S without the best, P(b, w) = softmax(v)_b softmax(-v on S - b)_w. A missing worst leaves its factor out; a missing best
is summed out, P(w) = sum_b P(b, w). A task that asks for the worst only is softmax(-v)_w, for the best only softmax(v)_b.

``maxdiff`` form (joint): one choice among the ordered pairs, P(b, w) = e^(v_b - v_w) / sum over k != l of e^(v_k - v_l)
(Marley & Louviere 2005, doi 10.1016/j.jmp.2005.05.003). With U = sum e^v and D = sum e^-v over the set of a, the sum is
U D - a; a missing one is summed out, P(b) = e^(v_b) (D - e^(-v_b)) / (U D - a).

``rank_unordered_middle`` form: best a logit choice, the worst what is left when the others are taken one by one in any
order, P(w last of S) = f(S - w), f(empty) = 1, f(T) = sum over j in T of e^(v_j) f(T - j) / (e^(v_w) + sum over T of e^v).

A second question says that the anchor 0 comes first, P = softmax(v)_0, last, P = softmax(-v)_0, or neither, 1 less both.

``marginal`` answers, pairs and rankings come as several plain choices (see ``tasks.py``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.ends import bend, bend_stage, ends, pull, stage
from cvmstats._numerics.tasks import LOGITS, Tasks

Floats = npt.NDArray[np.float64]


def task_log_likelihood(tasks: Tasks, utilities: npt.ArrayLike) -> Floats:
    """Log probability of each answered task (n) under each person's utilities (R, J)."""
    out = np.zeros(len(tasks.best))
    _task_values(tasks.person, tasks.start, tasks.objects, tasks.best, tasks.worst, tasks.worst_only, rules(tasks),
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
    _gradients(tasks.person, tasks.start, tasks.objects, tasks.best, tasks.worst, tasks.worst_only, rules(tasks),
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
    value = _pooled(tasks.person, tasks.start, tasks.objects, tasks.best, tasks.worst, tasks.worst_only, rules(tasks),
                    np.ascontiguousarray(utilities, dtype=float)[None, :], np.ascontiguousarray(weight, dtype=float),
                    slope, hessian)  # fmt: skip
    return float(value), slope, hessian


def average_curvature(tasks: Tasks, utilities: npt.ArrayLike) -> Floats:
    """Average over people (J, J) of minus the Hessian at each person's utilities (R, J)."""
    hessian = np.zeros((tasks.n_objects, tasks.n_objects))
    _pooled(tasks.person, tasks.start, tasks.objects, tasks.best, tasks.worst, tasks.worst_only, rules(tasks),
            np.ascontiguousarray(utilities, dtype=float), np.ones(tasks.n_people), np.zeros(tasks.n_objects),
            hessian)  # fmt: skip
    return -hessian / tasks.n_people


def rules(tasks: Tasks) -> npt.NDArray[np.int8]:
    """How each answer is read (n)."""
    return np.zeros(len(tasks.best), np.int8) if tasks.rule is None else tasks.rule


def _per_person(tasks: Tasks, values: Floats) -> Floats:
    return np.bincount(tasks.owner, values, tasks.n_people)


@compiled
def task(v, best, worst, worst_only, rule, g, h):  # type: ignore[no-untyped-def]
    """Log probability of one task; its gradient is added to ``g`` and its Hessian to ``h`` (empty: not wanted)."""
    if rule != LOGITS or (best < 0 and not worst_only):
        if h.shape[0]:
            bend(v, best, worst, rule, h)
        return ends(v, best, worst, rule, g)
    p, value = np.empty(len(v)), 0.0
    for sign in (1.0, -1.0):
        pick = best if sign > 0 else worst
        if pick >= 0:
            value += stage(v, sign, -1 if sign > 0 else best, pick, p)
            pull(sign, pick, p, 1.0, g)
            if h.shape[0]:
                bend_stage(p, 1.0, h)
    return value


@compiled
def _task_values(person, start, objects, best, worst, worst_only, rule, u, out):  # type: ignore[no-untyped-def]
    nothing = np.empty((0, 0))
    for i in range(len(person) - 1):
        for t in range(person[i], person[i + 1]):
            members = objects[start[t] : start[t + 1]]
            v = np.empty(len(members))
            for j in range(len(members)):
                v[j] = u[i, members[j]]
            out[t] = task(v, best[t], worst[t], worst_only[t], rule[t], np.zeros(len(v)), nothing)


@compiled
def _gradients(person, start, objects, best, worst, worst_only, rule, u, value, slope):  # type: ignore[no-untyped-def]
    nothing = np.empty((0, 0))
    for i in range(len(person) - 1):
        for t in range(person[i], person[i + 1]):
            members = objects[start[t] : start[t + 1]]
            v = np.empty(len(members))
            for j in range(len(members)):
                v[j] = u[i, members[j]]
            g = np.zeros(len(v))
            value[i] += task(v, best[t], worst[t], worst_only[t], rule[t], g, nothing)
            for j in range(len(members)):
                slope[i, members[j]] += g[j]


@compiled
def _pooled(person, start, objects, best, worst, worst_only, rule, u, weight, slope, hessian):  # type: ignore[no-untyped-def]
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
            total += weight[i] * task(v, best[t], worst[t], worst_only[t], rule[t], g, h)
            for j in range(len(members)):
                slope[members[j]] += weight[i] * g[j]
                for k in range(len(members)):
                    hessian[members[j], members[k]] += weight[i] * h[j, k]
    return total
