"""One random stream, as a key and a counter in an array (2) of 64-bit words: the hash of ``lanes.py``, for plain numbers."""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.compiled import compiled


@compiled
def draw_uniform(key):  # type: ignore[no-untyped-def]
    """In (0, 1]."""
    key[1] += np.uint64(1)
    z = key[0] + key[1] * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (np.float64(z >> np.uint64(11)) + 1.0) / 9007199254740992.0


@compiled
def draw_normal(key):  # type: ignore[no-untyped-def]
    """Standard normal."""
    return np.sqrt(-2.0 * np.log(draw_uniform(key))) * np.cos(2.0 * np.pi * draw_uniform(key))


@compiled
def draw_below(n, key):  # type: ignore[no-untyped-def]
    """A whole number from 0 to ``n`` - 1."""
    return min(n - 1, np.int64(draw_uniform(key) * n))
