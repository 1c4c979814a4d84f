"""Designs in: long tables, the wide ones of MaxDiff programs, and those with a column per attribute."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.attributes import Attributes
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.errors import DesignError, examples
from cvmstats.survey.attribute_tables import case_2, levels_in, profiles_in
from cvmstats.survey.lists import read_items
from cvmstats.survey.naming import index_of_names, items_by_number, warn_of_twins, whole_numbers
from cvmstats.survey.tables import (
    MISSING,
    as_text,
    check_keys,
    file_rows,
    find_columns,
    missing_columns,
    natural_order,
    plain,
    read_table,
)


def read_design(
    source: Any,
    items: Items | Profiles | Attributes | Any | None = None,
    kind: str = "best_worst",
    *,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> Design:
    """Read what was shown.

    Two forms are read. Long: a row per position with ``task``, ``item`` (id or label) or ``item_no`` (1 to J), and
    where there are any ``version`` and ``position``. Wide: a row per task with ``version``, ``set`` and ``item1``,
    ``item2``, ... that hold item numbers or names, as MaxDiff programs write them (CSV, or tab-delimited ``.dat``).

    With attributes instead of items, and a column for each, that holds levels or their numbers from 1: several rows per task
    are
    profiles to choose from (case 3, conjoint; nothing in any column is the none option), one row per task is the one profile
    whose levels are compared (case 2), in the order of the columns. Long tables of levels (``brand: A``) are case 2 as well.

    Parameters
    ----------
    source : path, DataFrame
        CSV or Parquet.
    items : Items, Profiles, Attributes, path or DataFrame, optional
        The J items, in the order of their numbers; or profiles, or attributes. Without it: the order of ``item_no`` where the
        file has both,
        else the names in alphabetical order, else the numbers from 1 to the largest.
    kind : str
        What the tasks ask for, see :class:`~cvmstats.data.design.Design`.
    columns : mapping, optional
        Our names to the file's.
    encoding : str, optional
        Of a CSV file; UTF-8 where nothing is said.

    Raises
    ------
    DesignError
        A missing column, an unknown item, a position that stands twice, or what ``Design`` itself refuses.

    Examples
    --------
    >>> read_design(pd.DataFrame({"Version": [1, 1], "Set": [1, 2], "Item1": [1, 3], "Item2": [2, 1]})).shown.tolist()
    [[[0, 1], [2, 0]]]
    """
    table, name = read_table(source, DesignError, "the design", encoding=encoding)
    check_keys(columns, ("version", "task", "position", "item", "item_no"), DesignError)
    if items is not None and not isinstance(items, Items | Profiles | Attributes):
        items = read_items(items)
    if isinstance(items, Attributes):
        return _over_attributes(table, items, columns, kind, name)
    found = find_columns(table, ("version", "task", "position", "item", "item_no"), columns, DesignError, name)
    across = [c for c in table.columns if re.fullmatch(r"(item|itemno|pos|position|alt|alternative)\d+", plain(c))]
    told = {"task": "task" in found, "item": "item" in found or "item_no" in found or bool(across)}
    if not all(told.values()):
        expected = ("long: task, item (or item_no), and version, position where there are any; "
                    "or wide: version, set, item1, item2, ...")  # fmt: skip
        raise missing_columns(table, [c for c, there in told.items() if not there], DesignError, name, expected)
    if "item" not in found and "item_no" not in found:
        table, found = _long(table, found, sorted(across, key=lambda c: int(re.findall(r"\d+", c)[-1])), items), {
            "version": "version", "task": "task", "position": "position", "item": "item"}  # fmt: skip
        numbers = whole_numbers(table["item"].tolist()) > 0
        if 2 * numbers.sum() > len(numbers) and not _all_names(table["item"], items):
            found["item_no"] = found.pop("item")
    return _build(table, found, items, kind, name)


def _over_attributes(table: pd.DataFrame, attributes: Attributes, columns: Mapping[str, str] | None, kind: str,
                     name: str) -> Design:  # fmt: skip
    own = [c for c in table.columns if c in attributes.names]
    if set(own) != set(attributes.names):
        if own:
            absent = [a for a in attributes.names if a not in own]
            raise missing_columns(table, absent, DesignError, name, "a column for each attribute")
        items, coding = case_2(attributes)
        return replace(read_design(table, items, kind, columns=columns), source=name, **coding)
    found = find_columns(table, ("version", "task", "position", "item"), columns, DesignError, name)
    if "task" not in found:
        raise missing_columns(table, ["task"], DesignError, name, "task, a column for each attribute, and version, position "
                              "where there are any")  # fmt: skip
    if "position" in found or table.duplicated([found[c] for c in ("version", "task") if c in found]).any():
        profiles, _ = profiles_in(table, attributes, as_text(table[found["item"]]).tolist() if "item" in found else None, name)
        if "item" not in found:
            ids = [profiles.ids[i] for i in profiles_in(table, attributes, None, name)[1]]
            table, found = table.assign(**{"item ": ids}), {**found, "item": "item "}
        return _build(table, found, profiles, kind, name)
    levels = levels_in(table, attributes, name)[:, [attributes.names.index(c) for c in own]]
    if (levels < 0).any():
        rows = file_rows(np.flatnonzero((levels < 0).any(axis=1)))
        raise DesignError(f"{len(rows):,} of {len(table):,} rows of {name} have no levels\n  for example row "
                          f"{examples(rows)}\n"
                          "  expected a level of each attribute: one row per task is the profile that it shows (case "
                          "2)")  # fmt: skip
    items, coding = case_2(attributes)
    version = as_text(table[found["version"]]) if "version" in found else pd.Series(["1"] * len(table), dtype="str")
    task, labels = as_text(table[found["task"]]), np.array(attributes.labels, dtype=object)
    first = attributes.first[[attributes.names.index(c) for c in own]]
    parts = [pd.DataFrame({"version": version, "task": task, "position": a + 1, "item": labels[first[a] + levels[:, a]]})
             for a in range(len(own))]  # fmt: skip
    long = pd.concat(parts, ignore_index=True)
    return replace(_build(long, {c: c for c in long.columns}, items, kind, name), **coding)


def _all_names(values: pd.Series, items: Items | Profiles | None) -> bool:
    return items is not None and bool((index_of_names(values.unique().tolist(), items, DesignError) >= 0).all())


def _long(
    table: pd.DataFrame, found: Mapping[str, str], across: Sequence[str], items: Items | Profiles | None
) -> pd.DataFrame:
    """A row per position; the rows of the file stay its index, and what fills up the end of shorter tasks is left out."""
    version = as_text(table[found["version"]]) if "version" in found else pd.Series(["1"] * len(table), dtype="str")
    task = as_text(table[found["task"]])
    texts = pd.DataFrame({c: as_text(table[c]) for c in across})
    bare = texts.apply(lambda column: column.str.strip())
    fillers = {*MISSING, "-1"} - (set() if items is None else {*items.ids, *items.labels})
    end = np.logical_and.accumulate(bare.isin({"", "0"} | fillers).to_numpy()[:, ::-1], axis=1)[:, ::-1]
    kept = ~(end | bare.isin(["", "0"]).to_numpy())
    parts = [pd.DataFrame({"version": version, "task": task, "position": i + 1, "item": texts[c]})[kept[:, i]]
             for i, c in enumerate(across)]  # fmt: skip
    result: pd.DataFrame = pd.concat(parts)
    return result


def _build(table: pd.DataFrame, found: Mapping[str, str], items: Items | Profiles | None, kind: str, name: str) -> Design:
    n = len(table)
    for ours in [c for c in ("version", "task") if c in found]:
        blank = np.flatnonzero(as_text(table[found[ours]]).str.strip() == "")
        if len(blank):
            raise DesignError(f"{len(blank):,} of {n:,} rows of {name} have no {ours}\n  for example row "
                              f"{examples(file_rows(table.index[blank]))}\n  expected a {ours} on each row\n"
                              "  fill the column or take such rows away")  # fmt: skip
    version = as_text(table[found["version"]]) if "version" in found else pd.Series(["1"] * n, dtype="str")
    task = as_text(table[found["task"]])
    objects, index = _items(table, found, items, name)
    position = np.arange(n, dtype=float)
    if "position" in found:
        position = pd.to_numeric(as_text(table[found["position"]]), errors="coerce").to_numpy(float)
        bad = np.flatnonzero(np.isnan(position))
        if len(bad):
            raise DesignError(f"{len(bad):,} of {n:,} rows of {name} have a position that is no number\n"
                              f"  for example in row {examples(file_rows(table.index[bad]))}\n  expected 1, 2, "
                              "...")  # fmt: skip
    versions, tasks = natural_order(version), natural_order(task)
    v = pd.Index(versions).get_indexer(pd.Index(version))
    t = pd.Index(tasks).get_indexer(pd.Index(task))
    key = v * len(tasks) + t
    order = np.lexsort((np.arange(n), position, key))
    key, index, position = key[order], index[order], position[order]
    again = np.flatnonzero((key[1:] == key[:-1]) & (position[1:] == position[:-1]))
    if len(again):
        where = [f"version {versions[k // len(tasks)]} task {tasks[k % len(tasks)]}" for k in dict.fromkeys(key[again])]
        raise DesignError(f"{len(where):,} tasks of {name} have a position twice\n  for example {examples(where)}\n"
                          "  expected one row for each position of a task; is a column 'version' missing?")  # fmt: skip
    start = np.r_[True, key[1:] != key[:-1]]
    slot = np.arange(n) - np.maximum.accumulate(np.where(start, np.arange(n), 0))
    shown = np.full((len(versions), len(tasks), int(slot.max()) + 1), -1, np.int32)
    shown[key // len(tasks), key % len(tasks), slot] = index
    return Design(
        objects=objects, shown=shown, kind=kind, source=name, task_ids=tuple(tasks), version_ids=tuple(versions)
    )


def _items(
    table: pd.DataFrame, found: Mapping[str, str], items: Items | Profiles | None, name: str
) -> tuple[Items | Profiles, Any]:
    names = as_text(table[found["item"]]) if "item" in found else None
    numbers = whole_numbers(as_text(table[found["item_no"]]).tolist()) if "item_no" in found else None
    if numbers is not None and (numbers < 1).any():
        odd = np.flatnonzero(numbers < 1)
        said = as_text(table[found["item_no"]]).iloc[odd].tolist()
        raise DesignError(f"{len(odd):,} of {len(table):,} item numbers of {name} are none\n  for example in row "
                          f"{examples(file_rows(table.index[odd]))} ({examples(list(dict.fromkeys(said)))})\n"
                          "  expected 1, 2, ...\n  where they are names, give the items: items=")  # fmt: skip
    if items is None and numbers is not None:
        known = dict(zip(numbers.tolist(), names, strict=True)) if names is not None else {}
        items = items_by_number(int(numbers.max()), DesignError, known)
    if items is None and names is not None:
        items = Items.from_labels(sorted(n for n in set(names) if n.strip()))
        warn_of_twins(items.labels)
    assert items is not None
    index = None if names is None else index_of_names(names.tolist(), items, DesignError)
    if numbers is not None:
        numbers = np.where(numbers <= len(items), numbers - 1, -1)
        if index is not None and (index != numbers).any():
            rows = file_rows(table.index[index != numbers])
            raise DesignError(f"{len(rows):,} of {len(table):,} rows of {name} have an item whose number is another "
                              f"one's\n"
                              f"  for example in row {examples(rows)}\n  expected numbers in the order of "
                              f"the items\n"
                              "  give the items in the order of their numbers: items=")  # fmt: skip
        index = numbers
    assert index is not None
    if (index < 0).any():
        text = names if names is not None else as_text(table[found["item_no"]])
        unknown = text[index < 0].unique().tolist()
        raise DesignError(f"{len(unknown):,} items of {name} are not on the list of items\n  for example "
                          f"{examples(unknown)}\n"
                          f"  expected ids, labels or numbers of the {len(items)} items, such as "
                          f"{examples(items.ids)}")  # fmt: skip
    return items, index
