"""Best-worst designs (MaxDiff, case 1): which items are shown together, in which order, in how many versions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.coding import anchored_coding
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.design.base import base_designs
from cvmstats.design.criteria import concurrence, incidence, parts
from cvmstats.design.restricted import as_table, check_prohibitions, restricted_versions
from cvmstats.design.versions import place, spread_versions
from cvmstats.errors import DesignError, examples

Ints = npt.NDArray[np.int64]

_BASES = 10
"""Different base designs, where there are as many versions."""
_ATTEMPTS = 10


def design_best_worst(
    items: Items | Iterable[str],
    *,
    items_per_task: int = 5,
    n_tasks: int | None = None,
    n_versions: int = 10,
    items_per_version: int | None = None,
    prohibited: Iterable[Iterable[str]] = (),
    constant: Sequence[str] = (),
    must_appear: Sequence[str] = (),
    anchor: Literal["direct", "dual"] | None = None,
    anchor_label: str = "important enough to matter",
    seed: int | np.random.Generator = 0,
) -> Design:
    """V versions of T sets of k out of v items, at the bounds of what a design can reach.

    In order: every item is shown as often as any other, over all and in every version; within a version pairs meet as evenly
    as possible (exact tables where a balanced design exists, otherwise annealed to the bound); over all versions they meet
    evenly; every item stands in every position equally often; neighbouring sets share few items; the design is connected.
    ``assess_design`` shows each figure beside its bound.

    Parameters
    ----------
    items : Items, or labels
    items_per_task : int
        k; 4 or 5 are usual, at most half of the items.
    n_tasks : int, optional
        T sets per version; by default each item is shown three times or more. Where T k is below v, a version shows some of
        the items once each (a sparse design).
    n_versions : int
        V. Ten serve most studies.
    items_per_version : int, optional
        Build each version from a part of the items, a different one each time (express designs: about 30, three times each).
    prohibited : pairs or groups of ids or labels, optional
        Items that must never meet. Balance is then the best that was found; ``assess_design`` shows what it costs.
    constant : ids or labels, optional
        Items in every set.
    must_appear : ids or labels, optional
        Items in every version, where a version shows a part of them.
    anchor : "direct" or "dual", optional
        Also ask what is above a threshold: by a question on each item of the version after the sets, or by a second question
        on every set.
    anchor_label : str
        What the threshold is called.
    seed : int or Generator

    Raises
    ------
    DesignError
        A request that no design can meet, with the nearest one that can be met; prohibitions that conflict, named.
    ItemsError
        Labels that stand twice.

    Examples
    --------
    >>> design_best_worst([f"need {i + 1}" for i in range(13)], items_per_task=4, n_tasks=13, n_versions=2)
    Design  2 versions x 13 tasks x 4 items
      13 items · best_worst · dbb69c
    """
    things = items if isinstance(items, Items) else Items.from_labels(items)
    rng = np.random.default_rng(seed)
    if anchor not in (None, "direct", "dual"):
        raise DesignError(f"unknown anchor {anchor!r}\n  expected 'direct', 'dual' or None")
    index = _index(things)
    fixed, always = (_find(names, index, what) for names, what in ((constant, "constant"), (must_appear, "must_appear")))
    apart = as_table(prohibited, len(things), index)
    free = np.setdiff1d(np.arange(len(things)), fixed)
    size = items_per_task - len(fixed)
    n_sets = -(-3 * len(free) // max(1, size)) if n_tasks is None else n_tasks
    always = np.setdiff1d(always, fixed)
    n_parts = _check(len(free), len(things), items_per_task, len(fixed), n_sets, n_versions, items_per_version, len(always))
    if apart[fixed].any():
        i, j = np.argwhere(apart & np.isin(np.arange(len(things)), fixed)[:, None])[0]
        raise DesignError(f"{things.labels[i]!r} is in every set, so {things.labels[j]!r}, prohibited beside it, is never "
                          "shown\n  take it out of the items, or out of the prohibited pairs")  # fmt: skip
    inside = np.searchsorted(free, always)
    labels = tuple(things.labels[j] for j in free)
    shown = _sets(len(free), n_versions, n_sets, size, n_parts, inside, apart[np.ix_(free, free)], labels,
                  len(fixed) > 0, rng)  # fmt: skip
    whole = np.concatenate([np.broadcast_to(fixed, (n_versions, n_sets, len(fixed))), free[shown]], axis=2)
    return _as_design(things, place(whole, len(things), rng), anchor, anchor_label)


def _sets(n_items: int, n_versions: int, n_sets: int, size: int, n_parts: int, always: Ints, apart: npt.NDArray[np.bool_],
          labels: tuple[str, ...], linked: bool, rng: np.random.Generator) -> Ints:  # fmt: skip
    """Item indices (V, T, k), connected over all; ``linked`` where items in every set see to that."""
    if apart.any():
        check_prohibitions(apart, size, labels)
    for _ in range(_ATTEMPTS):
        if apart.any():
            shown = restricted_versions(n_items, n_versions, n_sets, size, n_parts, always, apart, labels, rng)
        else:
            bases = base_designs(n_parts, n_sets, size, min(n_versions, _BASES), rng)
            shown = spread_versions(bases, n_items, n_versions, always, rng)
        member = incidence(shown, n_items)
        loose = parts(concurrence(member).sum(axis=0))
        if not loose.any() or (linked and member.any(axis=(0, 1)).all()):
            return shown
    raise DesignError(f"in {_ATTEMPTS} attempts {len(np.unique(loose))} groups of items never met: their utilities could not "
                      f"be compared\n  for example {examples([labels[j] for j in np.flatnonzero(loose > 0)])}\n"
                      "  ask more tasks or versions, or prohibit less")  # fmt: skip


def _index(items: Items) -> dict[str, int]:
    """Items by id and by label; a name that means two items means none."""
    by_id, by_label = ({name: j for j, name in enumerate(names)} for names in (items.ids, items.labels))
    both = {name for name in by_id.keys() & by_label.keys() if by_id[name] != by_label[name]}
    return {name: j for name, j in (by_label | by_id).items() if name not in both}


def _find(names: Sequence[str], index: dict[str, int], what: str) -> Ints:
    unknown = [str(name) for name in names if str(name) not in index]
    if unknown:
        raise DesignError(f"{what}: {len(unknown)} unknown items\n  for example {examples(unknown)}\n  expected ids or labels, "
                          "each of one item only")  # fmt: skip
    return np.array(sorted({index[str(name)] for name in names}), np.int64)


def _check(n_free: int, n_items: int, size: int, n_fixed: int, n_sets: int, n_versions: int, wanted: int | None,
           n_always: int) -> int:  # fmt: skip
    """How many of the free items a version shows; refuses what cannot be."""
    asked = (f"{n_versions} version{'s' * (n_versions != 1)} of {n_sets} set{'s' * (n_sets != 1)} of {size} out of {n_items} "
             "items")  # fmt: skip
    own = size - n_fixed
    if min(n_sets, n_versions) < 1:
        raise DesignError(f"{asked}\n  expected one version of one set, or more")
    if not 2 <= size <= n_items:
        raise DesignError(f"{asked}: a set shows 2 items or more, and none of them twice\n"
                          f"  the nearest possible: items_per_task={min(max(size, 2), n_items)}")  # fmt: skip
    if own < 1:
        raise DesignError(f"{asked}, {n_fixed} of them constant: nothing else would ever be shown\n"
                          f"  the nearest possible: items_per_task={n_fixed + 1}")  # fmt: skip
    total = n_sets * n_versions
    needed = max(-(-n_free // own), -(-(n_free - 1) // (own - 1)) if own > 1 and n_fixed == 0 else 1)
    if total < needed:
        raise DesignError(
            f"{asked}: {total} sets in all, and {needed} are needed to show every item and compare it with all others\n"
            f"  the nearest possible: n_tasks={-(-needed // n_versions)}, or n_versions={-(-needed // n_sets)}"
        )
    most = min(n_free, n_sets * own)
    n_parts = most if wanted is None else wanted - n_fixed
    if not max(own, n_always) <= n_parts <= most:
        must = f", {n_always} of them in all" * bool(n_always)
        raise DesignError(f"{asked}, each version from {wanted or n_parts} items{must}: not possible\n"
                          f"  expected {max(own, n_always) + n_fixed} to {most + n_fixed}")  # fmt: skip
    ever = n_always + (n_parts - n_always) * n_versions
    if ever < n_free:
        raise DesignError(f"{asked}, each version from {n_parts + n_fixed} of them: {n_free - ever} would never be shown\n"
                          "  ask more versions, or more items per version")  # fmt: skip
    return n_parts


def _as_design(items: Items, shown: npt.NDArray[np.int32], anchor: str | None, anchor_label: str) -> Design:
    if anchor is None:
        return Design(objects=items, shown=shown, source="cvmstats")
    n_items, (n_versions, n_tasks, size) = len(items), shown.shape
    row = dict.fromkeys(items.table, "") | {"id": "anchor", "label": anchor_label, "text": anchor_label}
    objects = Items(table=pd.concat([items.to_frame(), pd.DataFrame([row])], ignore_index=True))
    coding, _, _, block = anchored_coding(objects.labels, anchor_label)
    if anchor == "dual":
        last = np.full((n_versions, n_tasks, 1), n_items, np.int32)
        return Design(objects=objects, shown=np.concatenate([shown, last], axis=2), coding=coding, parameter_block=block,
                      dual=np.ones((n_versions, n_tasks), bool), source="cvmstats")  # fmt: skip
    seen = [np.unique(version) for version in shown]
    more = max(map(len, seen))
    direct = np.full((n_versions, more, max(size, 2)), -1, np.int32)
    for v, one in enumerate(seen):
        direct[v, : len(one), 0], direct[v, : len(one), 1] = one, n_items
    kind = np.full((n_versions, n_tasks + more), "pair", object)
    kind[:, :n_tasks] = "best_worst"
    return Design(objects=objects, shown=np.concatenate([shown, direct], axis=1), kind=kind, coding=coding,
                  parameter_block=block, block=("MaxDiff",) * n_tasks + ("anchor",) * more, source="cvmstats")  # fmt: skip
