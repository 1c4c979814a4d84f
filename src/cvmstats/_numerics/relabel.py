"""Many versions from a few good ones: who plays which part, so that over all versions pairs meet evenly.

A base design says which of its w parts meet how often, L. A version gives each part an object; with the other versions'
counts M, that adds sum over pairs of parts of 2 L M(objects) to the sum of squares over all: a quadratic assignment problem,
solved by exchanging the objects of two parts (annealed). Parts exchange within a group only: those shown once more than
the others stay so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.compiled import compiled
from cvmstats._numerics.streams import draw_uniform

Ints = npt.NDArray[np.int64]


class Neighbours(NamedTuple):
    """Which parts meet part i: ``other[start[i]:start[i + 1]]``, ``times`` often; ``group`` (w) of each part."""

    start: Ints
    other: Ints
    times: Ints
    group: Ints


def neighbours(met: Ints, often: Ints) -> Neighbours:
    """From the table of meetings (w, w), and from how often each part is shown."""
    one, other = np.nonzero(met)
    start = np.searchsorted(one, np.arange(len(met) + 1))
    return Neighbours(np.asarray(start, np.int64), other.astype(np.int64), met[one, other], np.asarray(often, np.int64))


@compiled
def add_version(total, near, label, sign):  # type: ignore[no-untyped-def]
    """Count a version's meetings in ``total`` (J, J), or take them out (``sign`` -1)."""
    for a in range(len(label)):
        for n in range(near.start[a], near.start[a + 1]):
            total[label[a], label[near.other[n]]] += sign * near.times[n]


@compiled
def _gain(total, near, label, a, b):  # type: ignore[no-untyped-def]
    """By how much the sum of L M over ordered pairs / 2 changes if parts a and b exchange objects."""
    x, y = label[a], label[b]
    change = 0
    for n in range(near.start[a], near.start[a + 1]):
        c = near.other[n]
        if c != b:
            change += near.times[n] * (total[y, label[c]] - total[x, label[c]])
    for n in range(near.start[b], near.start[b + 1]):
        c = near.other[n]
        if c != a:
            change += near.times[n] * (total[x, label[c]] - total[y, label[c]])
    return change


@compiled
def settle(total, near, label, heat, key):  # type: ignore[no-untyped-def]
    """Try every exchange of two objects of ``label`` (w) once; keep those that make pairs more even with ``total``.

    At a ``heat`` above 0 some that make them less even are kept too; ``key`` (2) is a random stream, see ``streams.py``.
    """
    for a in range(len(label)):
        for b in range(a):
            if near.group[a] == near.group[b]:
                change = _gain(total, near, label, a, b)
                if change < 0 or (heat > 0.0 and draw_uniform(key) < np.exp(-change / heat)):
                    label[a], label[b] = label[b], label[a]
