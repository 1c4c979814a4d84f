"""Answers as flat arrays, the one form in which kernels read them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
NO_ANSWER = -128


class Tasks(NamedTuple):
    """Answered choice tasks of R respondents, one after the other.

    Attributes
    ----------
    person : array (R + 1)
        Tasks ``person[i]`` to ``person[i + 1]`` are respondent i's.
    start : array (n + 1)
        Objects ``start[t]`` to ``start[t + 1]`` of ``objects`` are the set of task t.
    objects : array (m), int
        Object indices, each set after the other.
    best, worst : array (n), int
        Place of the pick within its set, -1 where missing.
    worst_only : array (n), bool
        True where nothing but the worst was asked; else a missing best is summed out.
    n_objects : int
        J.
    """

    person: Ints
    start: Ints
    objects: Ints
    best: Ints
    worst: Ints
    worst_only: npt.NDArray[np.bool_]
    n_objects: int

    @property
    def n_people(self) -> int:
        """R."""
        return len(self.person) - 1


def flatten(shown: npt.ArrayLike, version: npt.ArrayLike, place: npt.ArrayLike, kind: npt.ArrayLike, n_objects: int,
            asked: npt.ArrayLike | None = None) -> Tasks:  # fmt: skip
    """Flatten answers: tasks with nothing placed and sets of one leave, and so do objects without an answer.

    Parameters
    ----------
    shown : array (V, T, A)
    version : array (R)
    place : array (R, T, A)
    kind : array (V, T) of str
        ``best_worst``, ``best`` and ``worst`` are read here.
    n_objects : int
        J.
    asked : array (T) of bool, optional
        Tasks to use; by default all.

    Raises
    ------
    ValueError
        For a kind of task that these likelihoods do not know.
    """
    seen = np.asarray(shown)[np.asarray(version)]
    places = np.asarray(place)
    known = np.asarray(kind)[np.asarray(version)]
    valid = (seen >= 0) & (places != NO_ANSWER)
    use = (valid & (places != 0)).any(axis=2) & (valid.sum(axis=2) >= 2)
    if asked is not None:
        use &= np.asarray(asked)[None, :]
    strange = sorted({str(k) for k in np.unique(known[use].astype(str))} - {"best_worst", "best", "worst"})
    if strange:
        raise ValueError(f"no likelihood for tasks of kind {', '.join(strange)}")
    r, t = np.nonzero(use)
    mask = valid[r, t]
    inside = np.cumsum(mask, axis=1) - 1

    def pick(value: int) -> Ints:
        hit = mask & (places[r, t] == value)
        return np.where(hit.any(axis=1), np.take_along_axis(inside, hit.argmax(axis=1)[:, None], axis=1)[:, 0], -1)

    best, worst = pick(1), pick(-1)
    asks = known[r, t]
    return Tasks(
        person=np.concatenate([[0], np.cumsum(use.sum(axis=1))]).astype(np.int64),
        start=np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64),
        objects=seen[r, t][mask].astype(np.int64),
        best=np.where(asks == "worst", -1, best).astype(np.int64),
        worst=np.where(asks == "best", -1, worst).astype(np.int64),
        worst_only=np.asarray(asks == "worst", bool),
        n_objects=int(n_objects),
    )
