"""Findings: what a check saw, a row each, and whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import pandas as pd

from cvmstats.errors import InputError, examples

_COLUMNS = ("severity", "what", "count", "examples", "remedy")


@dataclass(frozen=True, eq=False, kw_only=True)
class Findings:
    """What was found in a file or a result.

    Parameters
    ----------
    table : DataFrame
        Columns ``severity`` ("error" or "note"), ``what``, ``count``, ``examples``, ``remedy``; where checks have names, also
        ``check``.
    source : str
        What was looked at.
    people : DataFrame, optional
        Columns ``check``, ``respondent`` (id) and ``detail`` (text): a row for each person whom a check concerns.

    Examples
    --------
    >>> people = pd.DataFrame({"check": ["speed", "speed"], "respondent": ["7", "9"], "detail": ["", ""]})
    >>> Findings(table=pd.DataFrame({"check": ["speed"], "severity": ["note"]}), people=people).respondents("speed")
    ('7', '9')
    """

    table: pd.DataFrame
    source: str = ""
    people: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        columns = [*(["check"] if "check" in self.table else []), *_COLUMNS]
        object.__setattr__(self, "table", self.table.reindex(columns=columns).reset_index(drop=True))
        if self.people is not None:
            people = self.people.reindex(columns=["check", "respondent", "detail"]).reset_index(drop=True)
            object.__setattr__(self, "people", people)

    @property
    def checks(self) -> tuple[str, ...]:
        """Names of the checks that found something, in the order of the table."""
        return tuple(dict.fromkeys(self.table["check"])) if "check" in self.table else ()

    @property
    def has_errors(self) -> bool:
        """Whether any of them is an error."""
        return bool((self.table["severity"] == "error").any())

    def respondents(self, checks: str | Iterable[str] | None = None) -> tuple[str, ...]:
        """Ids of the people whom these checks concern, each once; by default those of all checks.

        Raises
        ------
        InputError
            For the name of a check that found nothing.
        """
        wanted = self.checks if checks is None else (checks,) if isinstance(checks, str) else tuple(checks)
        unknown = [c for c in wanted if c not in self.checks]
        if unknown:
            raise InputError(f"{len(unknown)} checks found nothing here\n  for example {examples(unknown)}\n"
                             f"  expected some of {', '.join(self.checks) or 'none: nothing was found'}")  # fmt: skip
        if self.people is None:
            return ()
        return tuple(dict.fromkeys(self.people.loc[self.people["check"].isin(wanted), "respondent"]))

    def to_frame(self) -> pd.DataFrame:
        """A copy of the table."""
        return self.table.copy()

    def people_frame(self) -> pd.DataFrame:
        """A copy of the table of people: check, respondent, detail."""
        if self.people is None:
            return pd.DataFrame(columns=["check", "respondent", "detail"])
        return self.people.copy()

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        lines = [f"Findings  {len(self)} in {self.source or 'the data'}"]
        for severity, what, some in self.table[["severity", "what", "examples"]].itertuples(index=False, name=None):
            lines.append(f"  {severity}: {what}" + (f" ({some})" if some else ""))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<b>{escape(repr(self).splitlines()[0])}</b>{self.table.to_html(index=False)}"
