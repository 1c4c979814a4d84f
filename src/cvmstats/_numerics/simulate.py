"""Answers drawn from the models of ``logit.py``, by inverse transform: one uniform number per pick."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled

SEQUENTIAL, JOINT, BEST, WORST, RANK = range(5)
"""How a task is answered: best and worst one after the other or as one choice, the best, the worst, a whole ranking."""


def simulate_places(utilities: npt.ArrayLike, shown: npt.ArrayLike, version: npt.ArrayLike, uniforms: npt.ArrayLike,
                    answer: npt.ArrayLike = SEQUENTIAL) -> npt.NDArray[np.int8]:  # fmt: skip
    """Places (R, T, A): best 1, worst -1, ranks 1, 2, ..., others 0, and -128 where nothing was shown.

    Parameters
    ----------
    utilities : array (R, J)
    shown : array (V, T, A), object indices, -1 where a task is shorter
    version : array (R)
    uniforms : array (R, T, n) in [0, 1)
        The first decides the best, the second the worst; of rankings one for each place but the last (n = A - 1).
    answer : array (V, T) or one for all
        ``SEQUENTIAL``, ``JOINT``, ``BEST``, ``WORST`` or ``RANK``.
    """
    who = np.asarray(version)
    seen = np.ascontiguousarray(np.asarray(shown)[who], dtype=np.int64)
    how = np.broadcast_to(np.asarray(answer, np.int64), np.asarray(shown).shape[:2])
    place = np.full(seen.shape, -128, np.int8)
    _draw(np.ascontiguousarray(utilities, dtype=float), seen, np.ascontiguousarray(uniforms, dtype=float),
          np.ascontiguousarray(how[who]), place)  # fmt: skip
    return place


@compiled
def _choose(weight, uniform):  # type: ignore[no-untyped-def]
    edge = uniform * weight.sum()
    last = 0
    for a in range(len(weight)):
        if weight[a] > 0.0:
            last = a
            edge -= weight[a]
            if edge < 0.0:
                return a
    return last


@compiled
def _weigh(u, seen, place, sign, weight):  # type: ignore[no-untyped-def]
    """e^(sign u) of the objects of a set that have no place yet, divided by the largest of them."""
    high = -np.inf
    for a in range(len(seen)):
        if seen[a] >= 0 and place[a] == 0:
            high = max(high, sign * u[seen[a]])
    for a in range(len(seen)):
        weight[a] = np.exp(sign * u[seen[a]] - high) if seen[a] >= 0 and place[a] == 0 else 0.0


@compiled
def _draw(u, seen, uniforms, answer, place):  # type: ignore[no-untyped-def]
    n_people, n_tasks, n_shown = seen.shape
    weight, other = np.empty(n_shown), np.empty(n_shown)
    for i in range(n_people):
        for t in range(n_tasks):
            size = 0
            for a in range(n_shown):
                if seen[i, t, a] >= 0:
                    size += 1
                    place[i, t, a] = 0
            if size < 2:
                continue
            here, members, how, first = place[i, t], seen[i, t], answer[i, t], uniforms[i, t, 0]
            if how == RANK:
                for step in range(size - 1):
                    _weigh(u[i], members, here, 1.0, weight)
                    here[_choose(weight, uniforms[i, t, step])] = step + 1
                for a in range(n_shown):
                    if here[a] == 0:
                        here[a] = size
            elif how == WORST:
                _weigh(u[i], members, here, -1.0, weight)
                here[_choose(weight, first)] = -1
            else:
                _weigh(u[i], members, here, 1.0, weight)
                # joint: P(best) is e^(u_b) times the sum of e^(-u_w) over the others, and the worst then as always
                if how == JOINT and size > 2:
                    _weigh(u[i], members, here, -1.0, other)
                    total = other.sum()
                    for a in range(n_shown):
                        weight[a] *= max(total - other[a], 0.0)
                here[_choose(weight, first)] = 1
                if how != BEST:
                    _weigh(u[i], members, here, -1.0, weight)
                    here[_choose(weight, uniforms[i, t, 1])] = -1
