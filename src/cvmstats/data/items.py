"""Items: the things that are shown, with label, text and group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from cvmstats.data.store import fingerprint
from cvmstats.data.texts import plain_text, text_or
from cvmstats.errors import ItemsError, examples


@dataclass(frozen=True, eq=False, kw_only=True)
class Items:
    """J items, one row each.

    Parameters
    ----------
    table : DataFrame
        Columns ``id`` (unique text), ``label``, ``text``, ``group``; further columns (languages) are kept.
        Where ``label`` or ``text`` is missing or blank, it is the id or the label.

    Raises
    ------
    ItemsError
        Where an id is empty or stands twice, or a label stands twice.

    Examples
    --------
    >>> Items.from_labels(["Price", "Quality", "Service"])
    Items  3
      Price · Quality · Service
    """

    table: pd.DataFrame

    def __post_init__(self) -> None:
        table = self.table.reset_index(drop=True).copy()
        if "id" not in table:
            raise ItemsError("a table of items has no column 'id'\n  expected columns id, label, text, group")
        if table.empty:
            raise ItemsError("a table of items has no rows")
        ids = [plain_text(v) for v in table["id"].tolist()]
        bad = [f"row {i + 1}" for i, v in enumerate(ids) if v.strip() == ""]
        if bad:
            raise ItemsError(f"{len(bad)} items have no id\n  for example {examples(bad)}")
        table["id"] = pd.Series(ids, dtype=object)
        for name, default in (("label", "id"), ("text", "label"), ("group", None)):
            given = table[name].tolist() if name in table else [None] * len(table)
            filled = table[default] if default else [""] * len(table)
            table[name] = [text_or(g, d) for g, d in zip(given, filled, strict=True)]
        for name in ("id", "label"):
            twice = table[name][table[name].duplicated()].unique().tolist()
            if twice:
                raise ItemsError(f"{len(twice)} item {name}s stand twice\n  for example {examples(twice)}\n"
                                 f"  give each item a {name} of its own")  # fmt: skip
        front = ["id", "label", "text", "group"]
        object.__setattr__(self, "table", table[front + [c for c in table if c not in front]])

    @classmethod
    def from_labels(cls, labels: Iterable[str]) -> Items:
        """Items whose ids are their labels."""
        return cls(table=pd.DataFrame({"id": list(labels)}))

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids (J)."""
        return tuple(self.table["id"])

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels (J)."""
        return tuple(self.table["label"])

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups (J), empty text where there is none."""
        return tuple(self.table["group"])

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the ids, in order; texts do not count."""
        return fingerprint(np.array(self.ids, dtype=object))

    def to_frame(self) -> pd.DataFrame:
        """A copy of the table."""
        return self.table.copy()

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        names = self.labels[:6]
        more = f" · … {len(self) - 6} more" if len(self) > 6 else ""
        groups = [g for g in dict.fromkeys(self.groups) if g]
        head = f"Items  {len(self)}" + (f" in {len(groups)} groups" if groups else "")
        return f"{head}\n  {' · '.join(names)}{more}"

    def _repr_html_(self) -> str:
        table: str = self.table.to_html(index=False, max_rows=20, escape=True)
        return f"<b>{escape(repr(self).splitlines()[0])}</b>{table}"
