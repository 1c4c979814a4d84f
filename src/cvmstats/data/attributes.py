"""Attributes and their levels: what profiles are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.coding import Coding, sum_to_zero_basis
from cvmstats.data.items import Items
from cvmstats.data.store import fingerprint
from cvmstats.data.texts import plain_text, text_or
from cvmstats.errors import AttributesError, examples

RESERVED = ("id", "label", "version", "task", "position", "item", "none", "constants")
"""Names that tables of designs and parameter blocks need for themselves."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Attributes:
    """Attributes with their levels, one row per level; L levels in all.

    Parameters
    ----------
    table : DataFrame
        Columns ``attribute``, ``level``, and where there are any ``text`` (where missing or blank the level) and ``value`` (a
        number, in the attribute's own unit); further columns (languages) are kept. Attributes and levels stand in the order of
        the rows.
    linear : sequence of str
        Attributes whose utility is a straight line in ``value``: one parameter, utility per unit of the value.

    Raises
    ------
    AttributesError
        An attribute of one level, a level that stands twice, a name that tables need for themselves, a linear attribute
        without different numbers.

    Examples
    --------
    >>> Attributes.from_dict({"price": [10, 20, 30], "brand": ["A", "B"]}, linear=("price",))
    Attributes  2 with 5 levels
      price: 10 · 20 · 30 (linear)
      brand: A · B
    """

    table: pd.DataFrame
    linear: Sequence[str] = ()

    def __post_init__(self) -> None:
        table = self.table.reset_index(drop=True).copy()
        absent = [c for c in ("attribute", "level") if c not in table]
        if absent:
            raise AttributesError(f"a table of attributes has no column {examples(absent)}\n"
                                  "  expected columns attribute, level, and where known text, value")  # fmt: skip
        for name in ("attribute", "level"):
            table[name] = pd.Series([plain_text(v) for v in table[name].tolist()], dtype=object)
            empty = [f"row {i + 1}" for i, v in enumerate(table[name]) if v.strip() == ""]
            if empty:
                raise AttributesError(f"{len(empty)} of {len(table)} rows have no {name}\n  for example {examples(empty)}")
        if table.empty:
            raise AttributesError("a table of attributes has no rows")
        given = table["text"].tolist() if "text" in table else [None] * len(table)
        texts = [text_or(g, d) for g, d in zip(given, table["level"], strict=True)]
        table["text"] = pd.Series(texts, dtype=object)
        table["value"] = _numbers(table)
        order = {name: i for i, name in enumerate(dict.fromkeys(table["attribute"]))}
        table = table.sort_values("attribute", key=lambda names: names.map(order), kind="stable", ignore_index=True)
        table["attribute"], table["level"] = table["attribute"].astype(object), table["level"].astype(object)
        front = ["attribute", "level", "text", "value"]
        object.__setattr__(self, "table", table[front + [c for c in table if c not in front]])
        object.__setattr__(self, "linear", (self.linear,) if isinstance(self.linear, str) else tuple(map(str, self.linear)))
        self._check()

    def _check(self) -> None:
        table = self.table
        taken = [name for name in self.names if name in RESERVED]
        if taken:
            raise AttributesError(f"{len(taken)} attributes have a name that is needed otherwise: {examples(taken)}\n"
                                  f"  expected none of {', '.join(RESERVED)}")  # fmt: skip
        twice = table.loc[table.duplicated(["attribute", "level"]), ["attribute", "level"]].drop_duplicates()
        if len(twice):
            raise AttributesError(f"{len(twice)} levels stand twice within their attribute\n"
                                  f"  for example {examples([f'{a}: {b}' for a, b in twice.to_numpy().tolist()])}")  # fmt: skip
        single = [name for name, n in zip(self.names, self.n_levels, strict=True) if n < 2]
        if single:
            raise AttributesError(f"{len(single)} of {len(self)} attributes have one level only\n"
                                  f"  for example {examples(single)}\n  expected two levels or more")  # fmt: skip
        unknown = [name for name in self.linear if name not in self.names]
        if unknown:
            raise AttributesError(f"linear: unknown attributes {examples(unknown)}\n  expected some of {', '.join(self.names)}")
        for name in self.linear:
            values = self.values(name)
            if np.isnan(values).any() or len(np.unique(values)) < len(values):
                raise AttributesError(f"the linear attribute {name!r} has levels without a number of their own\n  its levels: "
                                      f"{examples(self.levels[self.names.index(name)])}\n"
                                      "  give each level a different number in the column 'value'")  # fmt: skip

    @classmethod
    def from_dict(cls, levels: Mapping[str, Sequence[Any]], *, linear: Sequence[str] = ()) -> Attributes:
        """Attributes from a mapping of names to levels; levels that are all numbers are their own values."""
        rows = []
        for name, given in levels.items():
            numeric = all(isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in given)
            rows += [{"attribute": name, "level": plain_text(v), "value": float(v) if numeric else np.nan} for v in given]
        return cls(table=pd.DataFrame(rows, columns=["attribute", "level", "value"]), linear=linear)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the attributes."""
        return tuple(dict.fromkeys(self.table["attribute"]))

    @cached_property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """Levels of each attribute."""
        of = self.table.groupby("attribute", sort=False)["level"]
        return tuple(tuple(group) for _, group in of)

    @property
    def n_levels(self) -> tuple[int, ...]:
        """Number of levels of each attribute."""
        return tuple(map(len, self.levels))

    @property
    def labels(self) -> tuple[str, ...]:
        """``attribute: level`` (L)."""
        return tuple(f"{a}: {b}" for a, b in zip(self.table["attribute"], self.table["level"], strict=True))

    @property
    def first(self) -> npt.NDArray[np.int64]:
        """Row of each attribute's first level."""
        return np.concatenate([[0], np.cumsum(self.n_levels)[:-1]]).astype(np.int64)

    def values(self, attribute: str) -> npt.NDArray[np.float64]:
        """Numbers of the levels of an attribute, missing where it has none."""
        return self.table.loc[self.table["attribute"] == attribute, "value"].to_numpy(float)

    def find(self, attribute: str, level: Any) -> tuple[int, int]:
        """Number of the attribute, and of the level within it.

        Raises
        ------
        AttributesError
            Where there is none of this name.
        """
        if attribute not in self.names:
            raise AttributesError(f"unknown attribute {attribute!r}\n  expected one of {', '.join(self.names)}")
        a = self.names.index(attribute)
        if plain_text(level) not in self.levels[a]:
            raise AttributesError(f"unknown level {plain_text(level)!r} of {attribute!r}\n"
                                  f"  expected one of {', '.join(self.levels[a])}")  # fmt: skip
        return a, self.levels[a].index(plain_text(level))

    @cached_property
    def coding(self) -> npt.NDArray[np.float64]:
        """Levels to parameters (L, K): of each attribute an orthonormal block in which its levels sum to zero, K + 1 levels;
        of a linear one a column, its value less the mean of its values."""  # fmt: skip
        blocks = [(v - v.mean())[:, None] if name in self.linear else sum_to_zero_basis(n)
                  for name, n in zip(self.names, self.n_levels, strict=True) for v in [self.values(name)]]  # fmt: skip
        out = np.zeros((len(self.table), sum(block.shape[1] for block in blocks)))
        row = column = 0
        for block in blocks:
            out[row : row + block.shape[0], column : column + block.shape[1]] = block
            row, column = row + block.shape[0], column + block.shape[1]
        out.setflags(write=False)
        return out

    @property
    def parameter_block(self) -> tuple[str, ...]:
        """The attribute of each parameter (K)."""
        sizes = zip(self.names, self.n_levels, strict=True)
        return tuple(name for name, n in sizes for _ in range(1 if name in self.linear else n - 1))

    @property
    def fingerprint(self) -> str:
        """Fingerprint of names, levels and coding; texts do not count."""
        return fingerprint(np.array(self.labels, dtype=object), np.array(self.names, dtype=object), np.round(self.coding, 12))

    def to_frame(self) -> pd.DataFrame:
        """A copy of the table."""
        return self.table.copy()

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        lines = [f"Attributes  {len(self)} with {len(self.table)} levels"]
        for name, levels in zip(self.names[:8], self.levels, strict=False):
            more = f" · … {len(levels) - 6} more" if len(levels) > 6 else ""
            lines.append(f"  {name}: {' · '.join(levels[:6])}{more}{' (linear)' * (name in self.linear)}")
        return "\n".join(lines + [f"  … {len(self) - 8} more"] * (len(self) > 8))

    def _repr_html_(self) -> str:
        table: str = self.table.to_html(index=False, max_rows=40, escape=True)
        return f"<b>{escape(repr(self).splitlines()[0])}</b>{table}"


def level_items(attributes: Attributes) -> Items:
    """Levels as objects (best-worst case 2): an item per level, its group the attribute.

    >>> level_items(Attributes.from_dict({"brand": ["A", "B"], "price": [10, 20]})).ids
    ('brand: A', 'brand: B', 'price: 10', 'price: 20')
    """
    table = attributes.table
    return Items(table=pd.DataFrame({"id": attributes.labels, "label": attributes.labels, "text": table["text"],
                                     "group": table["attribute"], "level": table["level"]}))  # fmt: skip


def level_coding(attributes: Attributes) -> Coding:
    """Coding of levels as objects: the attributes' blocks, and beside them one of the attributes' own constants.

    K is the number of levels less one where no attribute is linear: in case 2 levels of different attributes are compared
    with one another, so that each attribute's mean counts too, up to what is common to all (Flynn, Louviere, Peters & Coast
    2007, Journal of Health Economics 26, 171-189, there with a reference level).

    >>> level_coding(Attributes.from_dict({"brand": ["A", "B"], "price": [10, 20, 30]})).coding.shape
    (5, 4)
    """
    constants = np.repeat(sum_to_zero_basis(len(attributes)), attributes.n_levels, axis=0)
    coding = np.hstack([attributes.coding, constants])
    block = attributes.parameter_block + ("constants",) * constants.shape[1]
    return Coding(coding, coding, attributes.labels, block)


def _numbers(table: pd.DataFrame) -> npt.NDArray[np.float64]:
    if "value" not in table:
        return np.full(len(table), np.nan)
    texts = [None if pd.isna(v) or str(v).strip() == "" else v for v in table["value"]]
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce")
    bad = [str(t) for t, x in zip(texts, numbers, strict=True) if t is not None and not np.isfinite(x)]
    if bad:
        raise AttributesError(f"{len(bad)} of {len(table)} values are no numbers\n  for example {examples(bad)}")
    return numbers.to_numpy(float)
