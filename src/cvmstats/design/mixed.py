"""Mixed studies: several blocks of questions in one design, over one coding, with hold-out tasks that no fit sees."""

from __future__ import annotations

from collections.abc import Mapping
from math import lcm
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.errors import DesignError, examples

Floats = npt.NDArray[np.float64]

_MOST = 2000
"""Versions of a mixed design."""


class _Columns(NamedTuple):
    """Parameters by name, (prior block, number within it), and where each design's own parameters are among them."""

    names: list[tuple[str, int]]
    of: list[list[int]]


def combine_designs(blocks: Mapping[str, Design]) -> Design:
    """Ask several designs one after the other: a task for each of theirs, version by version.

    Parameters of the same prior block and number are the same parameters: items of one list, levels of one attribute, whether
    shown as levels (case 2) or in profiles. A block named ``holdout`` is kept out of all fits.

    Parameters
    ----------
    blocks : mapping of names to designs
        In the order in which they are asked; the names become ``Design.block``. A design that is mixed itself keeps the
        names of its blocks where its name here is empty.

    Returns
    -------
    Design
        With as many versions as the least common multiple: one-version blocks are the same for everybody.

    Raises
    ------
    DesignError
        Designs of different items, objects of one id that differ, numbers of versions without a small common multiple,
        different scales of graded answers, adaptive designs.

    Examples
    --------
    >>> from cvmstats.design import design_best_worst
    >>> asked = design_best_worst("ABCDEFG", items_per_task=3, n_versions=2, seed=1)
    >>> kept = design_best_worst("ABCDEFG", items_per_task=4, n_tasks=2, seed=2)
    >>> mixed = combine_designs({"MaxDiff": asked, "holdout": kept})
    >>> mixed.n_tasks, int(mixed.estimated.sum())
    (9, 7)
    """
    if not blocks:
        raise DesignError("no designs to combine\n  expected one or more, by the names of their blocks")
    designs = list(blocks.values())
    if any(d.adaptive for d in designs):
        raise DesignError("an adaptive design has no tasks before it is answered\n  combine designs that are not adaptive")
    grades = [d.grades for d in designs if d.grades]
    if any(g != grades[0] for g in grades):
        raise DesignError(f"{len(set(grades))} different scales of graded answers\n  expected one")
    objects, index = _objects(designs)
    columns = _columns(designs)
    coding = _rows(len(objects), columns, [(i, np.asarray(d.coding)) for i, d in zip(index, designs, strict=True)], objects.ids)
    if "none" in dict(columns.names):  # 1 for every profile, also of blocks that do not offer none
        coding[:, [name for name, _ in columns.names].index("none")] = _profile_rows(designs, index, len(objects))
    labels = list(dict.fromkeys(label for d in designs for label in d.report_labels or ()))
    place = {label: i for i, label in enumerate(labels)}
    report = _rows(len(labels), columns, [([place[x] for x in d.report_labels or ()], np.asarray(d.report)) for d in designs],
                   labels)  # fmt: skip
    n_versions = _versions(blocks)
    width = max(d.shown.shape[2] for d in designs)
    shown, kind, dual = [], [], []
    for which, d in zip(index, designs, strict=True):
        seen = np.append(np.asarray(which), -1)[d.shown]
        wide = np.pad(seen, ((0, 0), (0, 0), (0, width - seen.shape[2])), constant_values=-1)
        again = np.arange(n_versions) % d.n_versions
        shown.append(wide[again])
        kind.append(np.asarray(d.kind)[again])
        dual.append(np.asarray(d.dual)[again])
    named = [name or own for name, d in blocks.items() for own in d.block or ()]
    return Design(objects=objects, shown=np.concatenate(shown, axis=1), kind=np.concatenate(kind, axis=1), coding=coding,
                  report=report, report_labels=tuple(labels), parameter_block=tuple(name for name, _ in columns.names),
                  dual=np.concatenate(dual, axis=1), block=tuple(named), grades=grades[0] if grades else (),
                  source="; ".join(dict.fromkeys(d.source for d in designs if d.source)))  # fmt: skip


def _profile_rows(designs: list[Design], index: list[list[int]], n: int) -> Floats:
    out = np.zeros(n)
    for mine, d in zip(index, designs, strict=True):
        if isinstance(d.objects, Profiles):
            out[mine] = np.arange(len(d.objects)) != (-1 if d.objects.none is None else d.objects.none)
    return out


def _objects(designs: list[Design]) -> tuple[Items | Profiles, list[list[int]]]:
    """All objects, each once, and where each design's are among them."""
    first = designs[0].objects
    if all(isinstance(d.objects, Profiles) for d in designs):
        return _profiles([d.objects for d in designs if isinstance(d.objects, Profiles)])
    if all(d.objects.ids == first.ids for d in designs):
        return first, [list(range(len(first)))] * len(designs)
    tables = []
    for d in designs:
        table = d.objects.to_frame()
        tables.append(table if isinstance(d.objects, Items) else table.assign(text=table["label"], group=""))
    every = pd.concat(tables, ignore_index=True)
    once = every.drop_duplicates(["id", "label"])
    unlike = once["id"][once["id"].duplicated()].unique().tolist()
    if unlike:
        raise DesignError(f"{len(unlike)} objects of the same id have different labels\n  for example {examples(unlike)}")
    merged = Items(table=once)
    place = {i: j for j, i in enumerate(merged.ids)}
    return merged, [[place[i] for i in d.objects.ids] for d in designs]


def _profiles(every: list[Profiles]) -> tuple[Profiles, list[list[int]]]:
    if len({p.attributes.fingerprint for p in every}) > 1:
        raise DesignError("profiles of different attributes or levels cannot be asked in one design\n"
                          "  expected one Attributes")  # fmt: skip
    rows: dict[str, npt.NDArray[np.int32]] = {}
    for one in every:
        for name, levels in zip(one.ids, one.levels, strict=True):
            if not np.array_equal(rows.setdefault(name, levels), levels):
                raise DesignError(f"profiles of the id {name!r} differ between the designs\n"
                                  "  give each profile an id of its own")  # fmt: skip
    merged = Profiles(attributes=every[0].attributes, levels=np.array(list(rows.values())), ids=tuple(rows),
                      none_label=next((p.none_label for p in every if p.none is not None), "none"))  # fmt: skip
    place = {name: j for j, name in enumerate(merged.ids)}
    return merged, [[place[name] for name in one.ids] for one in every]


def _columns(designs: list[Design]) -> _Columns:
    names: dict[tuple[str, int], int] = {}
    of: list[list[int]] = []
    sizes: dict[str, int] = {}
    for d in designs:
        count: dict[str, int] = {}
        mine = []
        for block in d.parameter_block or ():
            number = count.get(block, 0)
            count[block] = number + 1
            mine.append(names.setdefault((block, number), len(names)))
        for block, n in count.items():
            if sizes.setdefault(block, n) != n:
                raise DesignError(f"{block!r} has {sizes[block]} parameters in one design and {n} in another: they are of "
                                  f"different {'items' if block == 'items' else 'levels'}\n"
                                  "  make all of them from the same table")  # fmt: skip
        of.append(mine)
    return _Columns(list(names), of)


def _rows(n_rows: int, columns: _Columns, parts: list[tuple[list[int], Floats]], names: object) -> Floats:
    """A matrix (n_rows, K) put together from the designs' own; where two speak of the same entry they must agree."""
    out = np.full((n_rows, len(columns.names)), np.nan)
    for mine, (rows, values) in zip(columns.of, parts, strict=True):
        old = out[np.ix_(rows, mine)]
        unlike = np.flatnonzero((~np.isnan(old) & ~np.isclose(old, values, atol=1e-12)).any(axis=1))
        if len(unlike):
            what = [list(names)[rows[int(u)]] for u in unlike]  # type: ignore[call-overload]
            raise DesignError(f"{len(what)} objects or levels are coded differently in two designs\n"
                              f"  for example {examples(what)}\n"
                              "  make all of them from the same table, in the same order")  # fmt: skip
        out[np.ix_(rows, mine)] = values
    return np.asarray(np.nan_to_num(out))


def _versions(blocks: Mapping[str, Design]) -> int:
    numbers = [d.n_versions for d in blocks.values()]
    n = lcm(*numbers)
    if n > _MOST:
        each = ", ".join(f"{name or 'mixed'} {v}" for name, v in zip(blocks, numbers, strict=True))
        raise DesignError(f"versions by block: {each}; they come round together only after {n:,}\n"
                          f"  give each block {max(numbers)} versions, or one")  # fmt: skip
    return n
