"""Respondents: who answered, for which account, in which role, with what weight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.texts import plain_text
from cvmstats.errors import RespondentsError, examples


@dataclass(frozen=True, eq=False, kw_only=True)
class Respondents:
    """R people, one row each.

    Parameters
    ----------
    table : DataFrame
        Column ``id`` (unique text); optional ``account``, ``role`` (text, empty where unknown) and ``weight``
        (positive); further columns (process and preference indicators, covariates) are kept as they are.
    weight_kind : {"frequency", "sampling", None}
        What the weights mean; required where ``weight`` is given and differs from 1.

    Raises
    ------
    RespondentsError
        Ids missing or twice, an unknown kind of weights, weights that are not positive, frequencies that are not whole.

    Examples
    --------
    >>> Respondents.from_ids(["r1", "r2"])
    Respondents  2
    """

    table: pd.DataFrame
    weight_kind: Literal["frequency", "sampling"] | None = None

    def __post_init__(self) -> None:
        table = self.table.reset_index(drop=True).copy()
        if "id" not in table:
            raise RespondentsError("a table of respondents has no column 'id'")
        if table.empty:
            raise RespondentsError("a table of respondents has no rows")
        table["id"] = [plain_text(v) for v in table["id"].tolist()]
        bad = [f"row {i + 1}" for i, v in enumerate(table["id"].tolist()) if v.strip() == ""]
        if bad:
            raise RespondentsError(f"{len(bad)} respondents have no id\n  for example {examples(bad)}")
        twice = table["id"][table["id"].duplicated()].unique().tolist()
        if twice:
            raise RespondentsError(f"{len(twice)} respondent ids stand twice\n  for example {examples(twice)}\n"
                                   "  expected one row per person")  # fmt: skip
        for name in ("account", "role"):
            table[name] = [plain_text(v) for v in table[name].tolist()] if name in table else [""] * len(table)
        if self.weight_kind not in (None, "frequency", "sampling"):
            raise RespondentsError(f"weight_kind is {self.weight_kind!r}\n"
                                   "  expected 'frequency' (that many people) or 'sampling'")  # fmt: skip
        if "weight" in table:
            self._check_weight(table)
        front = ["id", "account", "role"]
        object.__setattr__(self, "table", table[front + [c for c in table if c not in front]])

    def _check_weight(self, table: pd.DataFrame) -> None:
        weight = pd.to_numeric(table["weight"], errors="coerce").to_numpy(float)
        bad = table["id"][~(np.isfinite(weight) & (weight > 0))].tolist()
        if bad:
            raise RespondentsError(f"{len(bad)} weights are not positive numbers\n  for example of {examples(bad)}")
        if self.weight_kind is None and not np.all(weight == 1):
            raise RespondentsError("weights are given, but not what they mean\n"
                                   "  say weight_kind='frequency' (that many people) or 'sampling'")  # fmt: skip
        if self.weight_kind == "frequency" and not np.all(weight == np.round(weight)):
            raise RespondentsError("frequency weights are not whole numbers\n  did you mean weight_kind='sampling'?")
        table["weight"] = weight

    @classmethod
    def from_ids(cls, ids: Iterable[str]) -> Respondents:
        """Respondents of whom only the ids are known."""
        return cls(table=pd.DataFrame({"id": list(ids)}))

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids (R)."""
        return tuple(self.table["id"])

    @property
    def accounts(self) -> tuple[str, ...]:
        """Account of each (R), empty where unknown."""
        return tuple(self.table["account"])

    @property
    def roles(self) -> tuple[str, ...]:
        """Role of each (R), empty where unknown."""
        return tuple(self.table["role"])

    @property
    def weight(self) -> npt.NDArray[np.float64]:
        """Weights (R), ones where none are given."""
        if "weight" in self.table:
            return self.table["weight"].to_numpy(float, copy=True)
        return np.ones(len(self))

    def take(self, rows: npt.ArrayLike) -> Respondents:
        """These rows, in this order."""
        return Respondents(table=self.table.iloc[np.asarray(rows)], weight_kind=self.weight_kind)

    def to_frame(self) -> pd.DataFrame:
        """A copy of the table."""
        return self.table.copy()

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        n_accounts = len({a for a in self.accounts if a})
        roles = [r for r in dict.fromkeys(self.roles) if r]
        parts = [f"Respondents  {len(self):,}"]
        if n_accounts:
            parts.append(f"of {n_accounts:,} accounts")
        if roles:
            parts.append(f"in {len(roles)} roles")
        if self.weight_kind:
            parts.append(f"with {self.weight_kind} weights")
        return " ".join(parts)

    def _repr_html_(self) -> str:
        return f"<b>{escape(repr(self))}</b>{self.table.to_html(index=False, max_rows=8)}"
