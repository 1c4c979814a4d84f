"""Utilities of accounts: a Utilities whose rows are accounts, and which says what they are means of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.intervals import check_level, ends_of
from cvmstats.data.utilities import Utilities
from cvmstats.errors import InputError

ESTIMANDS = {"people": "the mean of its people who answered", "account": "the account's effect, the mean of all its people"}


@dataclass(frozen=True, eq=False, kw_only=True)
class AccountUtilities(Utilities):
    """Utilities of G accounts, which serve wherever those of respondents do; ``respondents`` holds the accounts.

    Their table has ``id`` and ``account`` (the account), ``people`` (how many counted) and ``roles`` (which roles these have).

    Parameters
    ----------
    estimand : {"people", "account"}
        What a row is: the mean of the people who answered, or the account's effect.
    roles : mapping
        How often a person of each role counts; empty where roles do not matter.
    without : tuple of str
        Accounts of which nobody counts.
    """

    estimand: str = "people"
    roles: Mapping[str, float] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "without", tuple(self.without))
        if self.estimand not in ESTIMANDS:
            raise InputError(f"unknown estimand {self.estimand!r}\n  expected one of {', '.join(ESTIMANDS)}")

    @property
    def people(self) -> tuple[int, ...]:
        """How many people of each account counted (G)."""
        return tuple(int(n) for n in self.respondents.table["people"])

    def to_frame(self, **how: Any) -> pd.DataFrame:
        """One row per account: ``account`` and a column per level; the rest as in :meth:`Utilities.to_frame`."""
        return super().to_frame(**how).rename(columns={"respondent": "account"})

    def account_frame(self, *, level: float = 0.9) -> pd.DataFrame:
        """One row per account and level: ``account``, ``people``, ``item``, ``mean``, ``lower``, ``upper``, in logits.

        Bounds are quantiles of the account's own draws. An account of one person, a segment of one, has that person's.

        Raises
        ------
        InputError
            For a level outside 0 to 1.
        """
        check_level(level)
        assert self.draws is not None
        report, n = self.report, len(self.labels)
        parts = []
        for g in range(len(self.ids)):
            values = self.draws[:, :, g].reshape(-1, report.shape[1]) @ report.T
            lower, upper = np.quantile(values, ends_of(level), axis=0)
            parts.append(pd.DataFrame({"account": [self.ids[g]] * n, "people": self.people[g], "item": list(self.labels),
                                       "mean": report @ self.mean[g], "lower": lower, "upper": upper}))  # fmt: skip
        return pd.concat(parts, ignore_index=True)

    def __repr__(self) -> str:
        size = np.array(self.people)
        each = f"{size.min()}" if size.min() == size.max() else f"{size.min()} to {size.max()}"
        best = np.argsort(-(self.mean.mean(axis=0) @ self.report.T))[:3]
        lines = [f"AccountUtilities  {len(size):,} accounts x {len(self.labels)} items, of {size.sum():,} people ({each} each)",
                 f"each account: {ESTIMANDS[self.estimand]}",
                 "highest: " + " · ".join(self.labels[i] for i in best)]  # fmt: skip
        if self.roles:
            lines.insert(2, "weights: " + " · ".join(f"{role or 'no role'} {w:g}" for role, w in self.roles.items()))
        if (ones := int((size == 1).sum())) and self.estimand == "people":
            lines.append(f"{ones:,} of one person, whose own utilities they are")
        if self.without:
            lines.append(f"without {len(self.without):,} accounts of which nobody counts")
        return "\n  ".join(lines)
