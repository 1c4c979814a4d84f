"""Hold-out tasks: the same for everybody, and kept out of every fit, so that they can say how well utilities predict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cvmstats.data.design import Design
from cvmstats.data.profiles import Profiles
from cvmstats.errors import DesignError

Ints = npt.NDArray[np.int64]

_ATTEMPTS = 200


def add_holdouts(design: Design, n_tasks: int = 2, *, seed: int | np.random.Generator = 0) -> Design:
    """Add tasks of a block ``holdout`` to a design, spaced evenly among the others, the same in every version.

    They are asked as the others are, with as many objects; no object stands in a second one before all stood in one, and none
    of the sets is asked elsewhere.

    Parameters
    ----------
    design : Design
        All its tasks of one kind and size.
    n_tasks : int
        Hold-out tasks.
    seed : int or Generator

    Raises
    ------
    DesignError
        Tasks of several kinds or sizes, or no set that is not asked already.

    Examples
    --------
    >>> from cvmstats.design import design_best_worst
    >>> add_holdouts(design_best_worst("ABCDEFG", items_per_task=3, n_versions=2), 2).block
    ('MaxDiff', 'MaxDiff', 'holdout', 'MaxDiff', 'MaxDiff', 'MaxDiff', 'holdout', 'MaxDiff', 'MaxDiff')
    """
    rng = np.random.default_rng(seed)
    shown = np.asarray(design.shown, np.int64)
    size = (shown >= 0).sum(axis=2)
    kinds, sizes = np.unique(np.asarray(design.kind)[size > 0].astype(str)), np.unique(size[size > 0])
    if n_tasks < 1:
        raise DesignError(f"{n_tasks} hold-out tasks\n  expected one or more")
    if len(kinds) > 1 or len(sizes) > 1 or len(np.unique(np.asarray(design.dual)[size > 0])) > 1:
        raise DesignError(f"tasks of {len(kinds)} kinds and {len(sizes)} sizes: hold-outs could be asked in several ways\n"
                          "  add them to each design before combine_designs")  # fmt: skip
    new = np.full((n_tasks, shown.shape[2]), -1)
    sets = _sets(design, n_tasks, int(sizes[0]), rng)
    new[:, : sets.shape[1]] = sets
    before = np.round(np.arange(1, n_tasks + 1) * design.n_tasks / (n_tasks + 1)).astype(int)

    def put(old: Any, value: object) -> Any:
        return np.insert(old, before, value, axis=1)  # type: ignore[call-overload]

    return replace(
        design, shown=put(shown, new[None]), kind=put(np.asarray(design.kind), str(kinds[0])),
        dual=put(np.asarray(design.dual), bool(np.asarray(design.dual)[size > 0][0])),
        block=tuple(np.insert(np.array(design.block, dtype=object), before, "holdout")), task_ids=None,
    )  # fmt: skip


def _sets(design: Design, n_tasks: int, size: int, rng: np.random.Generator) -> Ints:
    """Sets (n_tasks, size) that the design does not ask; a none option stands last in each."""
    none = design.objects.none if isinstance(design.objects, Profiles) else None
    tail = [] if none is None or not (design.shown == none).any() else [none]
    asked = {frozenset(one[one >= 0].tolist()) for one in np.asarray(design.shown).reshape(-1, design.shown.shape[2])}
    free = np.array([j for j in np.unique(design.shown[design.shown >= 0]) if j != none])
    times: npt.NDArray[np.float64] = np.zeros(len(free))
    found: list[Ints] = []
    for _ in range(_ATTEMPTS * n_tasks):
        pick = np.lexsort((rng.random(len(free)), times))[: size - len(tail)]
        whole = np.array([*rng.permutation(free[pick]), *tail], np.int64)
        if frozenset(whole.tolist()) not in asked:
            asked.add(frozenset(whole.tolist()))
            times[pick] += 1
            found.append(whole)
        if len(found) == n_tasks:
            return np.array(found, np.int64)
    raise DesignError(f"{len(found)} of {n_tasks} hold-out sets were found: nearly all sets of {size - len(tail)} out of "
                      f"{len(free)} are asked already\n  ask for fewer, or for fewer versions")  # fmt: skip
