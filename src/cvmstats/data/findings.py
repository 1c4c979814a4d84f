"""Findings: what a check saw, a row each."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd

_COLUMNS = ("severity", "what", "count", "examples", "remedy")


@dataclass(frozen=True, eq=False, kw_only=True)
class Findings:
    """What was found in a file or a result.

    Parameters
    ----------
    table : DataFrame
        Columns ``severity`` ("error" or "note"), ``what``, ``count``, ``examples``, ``remedy``.
    source : str
        What was looked at.
    """

    table: pd.DataFrame
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", self.table.reindex(columns=list(_COLUMNS)).reset_index(drop=True))

    def to_frame(self) -> pd.DataFrame:
        """A copy of the table."""
        return self.table.copy()

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        lines = [f"Findings  {len(self)} in {self.source or 'the data'}"]
        lines += [f"  {row.severity}: {row.what} ({row.examples})" for row in self.table.itertuples()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<b>{escape(repr(self).splitlines()[0])}</b>{self.table.to_html(index=False)}"
