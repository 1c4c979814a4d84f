"""Answers drawn from the sequential form, by inverse transform: one uniform number per pick."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled


def simulate_best_worst(utilities: npt.ArrayLike, shown: npt.ArrayLike, version: npt.ArrayLike,
                        uniforms: npt.ArrayLike) -> npt.NDArray[np.int8]:  # fmt: skip
    """Places (R, T, A): best 1, worst -1, others 0, and -128 where nothing was shown.

    Parameters
    ----------
    utilities : array (R, J)
    shown : array (V, T, A), object indices, -1 where a task is shorter
    version : array (R)
    uniforms : array (R, T, 2) in [0, 1)
        The first decides the best, the second the worst.
    """
    seen = np.ascontiguousarray(np.asarray(shown)[np.asarray(version)], dtype=np.int64)
    place = np.full(seen.shape, -128, np.int8)
    _draw(np.ascontiguousarray(utilities, dtype=float), seen, np.ascontiguousarray(uniforms, dtype=float), place)
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
def _draw(u, seen, uniforms, place):  # type: ignore[no-untyped-def]
    n_people, n_tasks, n_shown = seen.shape
    weight = np.empty(n_shown)
    for i in range(n_people):
        for t in range(n_tasks):
            size = 0
            high, low = -np.inf, np.inf
            for a in range(n_shown):
                if seen[i, t, a] >= 0:
                    size += 1
                    place[i, t, a] = 0
                    high, low = max(high, u[i, seen[i, t, a]]), min(low, u[i, seen[i, t, a]])
            if size < 2:
                continue
            for a in range(n_shown):
                weight[a] = np.exp(u[i, seen[i, t, a]] - high) if seen[i, t, a] >= 0 else 0.0
            best = _choose(weight, uniforms[i, t, 0])
            for a in range(n_shown):
                weight[a] = np.exp(low - u[i, seen[i, t, a]]) if seen[i, t, a] >= 0 and a != best else 0.0
            place[i, t, best] = 1
            place[i, t, _choose(weight, uniforms[i, t, 1])] = -1
