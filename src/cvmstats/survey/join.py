"""What is known of the people who answered, joined to their answers by id; what does not match is said, nobody is lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.findings import Findings
from cvmstats.data.merge import fill_column
from cvmstats.data.respondents import Respondents
from cvmstats.errors import RespondentsError, examples
from cvmstats.survey.lists import read_respondents


@dataclass(frozen=True, eq=False, kw_only=True)
class Joined:
    """Answers with what is known of the people, and what did not match.

    Attributes
    ----------
    choices : Choices
        The same R people in the same order, their ``respondents`` with the columns of the table.
    findings : Findings
        Checks ``unknown`` (answered, not in the table), ``silent`` (in the table, did not answer), ``similar`` (ids that differ
        by blanks, capitals or leading zeros only), ``no account``, ``no role``.
    """

    choices: Choices
    findings: Findings

    def __repr__(self) -> str:
        return f"{self.choices!r}\n{self.choices.respondents!r}\n{self.findings!r}"


def join_respondents(
    choices: Choices,
    respondents: Respondents | Any,
    *,
    columns: Mapping[str, str] | None = None,
    weight_kind: Literal["frequency", "sampling"] | None = None,
    encoding: str | None = None,
) -> Joined:
    """Join account, role, weight, covariates, process and preference indicators to the people who answered, by id.

    Everybody who answered stays, in order. Who is not in the table has no account and role and missing values; who is in the
    table and did not answer is not added. Both are findings, with counts and examples, and so are ids that would match but for
    blanks, capitals or leading zeros: they are never matched by themselves. Columns known already stay; where both speak of the
    same column, the table fills what is missing. The join may be repeated with other tables.

    Parameters
    ----------
    respondents : Respondents, path or DataFrame
        One row per person; a file is read by :func:`read_respondents`, to which ``columns``, ``weight_kind`` and ``encoding``
        go.

    Raises
    ------
    RespondentsError
        Where nobody matches, where the table and what is known already contradict each other, or where some of the people
        have a weight and others none.

    Examples
    --------
    >>> from cvmstats.data.design import Design
    >>> from cvmstats.data.items import Items
    >>> design = Design(objects=Items.from_labels("AB"), shown=[[[0, 1]]], kind="best")
    >>> answers = Choices(design=design, respondents=Respondents.from_ids(["1", "2", "3"]), version=[0] * 3,
    ...                   place=[[[1, 0]]] * 3)
    >>> known = pd.DataFrame({"id": ["1", "2", "03"], "account": ["a", "b", "b"], "years": [4, 9, 2]})
    >>> joined = join_respondents(answers, known)
    >>> joined.choices.respondents.accounts
    ('a', 'b', '')
    >>> joined.findings
    Findings  3 in 3 respondents who answered and 3 in the table
      note: 1 of 3 people who answered are not in the table of respondents ('3')
      note: 1 of 3 people in the table did not answer ('03')
      note: 1 of these ids differ by blanks, capitals or leading zeros only ('3' and '03')
    """
    if isinstance(respondents, Respondents):
        if columns is not None or weight_kind is not None or encoding is not None:
            raise RespondentsError("columns=, weight_kind= and encoding= beside Respondents\n  give them with a file")
        people = respondents
    else:
        people = read_respondents(respondents, columns, weight_kind, encoding=encoding)
    mine, theirs = list(choices.respondents.ids), set(people.ids)
    if not theirs & set(mine):
        raise RespondentsError(f"none of {len(mine):,} people who answered is in the table of {len(people):,} respondents\n"
                               f"  for example {examples(mine)} answered, {examples(people.ids)} are in the table\n"
                               "  expected the same ids: is it the right column? columns={'id': '...'}")  # fmt: skip
    table = _merge(choices.respondents.to_frame(), people.to_frame())
    kind = _weights(choices.respondents, people, table)
    joined = Respondents(table=table, weight_kind=kind)
    return Joined(choices=replace(choices, respondents=joined), findings=_findings(joined, mine, people))


def _merge(mine: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    known = table.set_index("id").reindex(mine["id"]).reset_index(drop=True)
    out = mine.copy()
    for name in known:
        if name not in out:
            out[name] = known[name]
            continue
        old, new = out[name], known[name]
        out[name], differ = fill_column(old, new)
        if differ.any():
            cases = [f"{i}: {a} and {b}" for i, a, b in zip(mine["id"][differ], old[differ], new[differ], strict=True)]
            raise RespondentsError(f"{differ.sum():,} people have another {name!r} in the table than what is known already\n"
                                   f"  for example {examples(cases)}\n"
                                   "  leave the column out of one of them, or rename it")  # fmt: skip
    for name in ("account", "role"):
        out[name] = out[name].fillna("")
    return out


def _weights(mine: Respondents, people: Respondents, table: pd.DataFrame) -> Literal["frequency", "sampling"] | None:
    if "weight" not in table:
        return None
    none = table["id"][table["weight"].isna()].tolist()
    if none:
        raise RespondentsError(f"{len(none):,} of {len(table):,} people who answered have no weight, the others have\n"
                               f"  for example {examples(none)}\n"
                               "  expected a weight for each: add their rows, leave the column out, or rake() after the "
                               "join")  # fmt: skip
    kinds = {p.weight_kind for p in (mine, people) if "weight" in p.table}
    if len(kinds) > 1:
        raise RespondentsError("the weights known already and those of the table are of different kinds\n"
                               "  leave one of them out")  # fmt: skip
    return kinds.pop()


def _findings(joined: Respondents, mine: list[str], people: Respondents) -> Findings:
    answered, listed = set(mine), set(people.ids)
    unknown, silent = [v for v in mine if v not in listed], [v for v in people.ids if v not in answered]
    rows: list[dict[str, Any]] = []
    whom: list[dict[str, str]] = []

    def add(check: str, what: str, some: list[str], remedy: str, ids: list[str]) -> None:
        if some:
            rows.append({"check": check, "severity": "note", "what": what, "count": len(some), "examples": examples(some),
                         "remedy": remedy})  # fmt: skip
            whom.extend({"check": check, "respondent": i, "detail": ""} for i in ids)

    add("unknown", f"{len(unknown):,} of {len(mine):,} people who answered are not in the table of respondents", unknown,
        "add a row for each; they stay, with nothing known of them", unknown)  # fmt: skip
    add("silent", f"{len(silent):,} of {len(people):,} people in the table did not answer", silent,
        "nothing, where they were asked and did not answer", [])  # fmt: skip
    by_shape: dict[str, list[str]] = {}
    for v in silent:
        by_shape.setdefault(_shape(v), []).append(v)
    near = [(v, by_shape[_shape(v)][0]) for v in unknown if _shape(v) in by_shape]
    if near:
        pairs = ", ".join(f"{a!r} and {b!r}" for a, b in near[:3]) + (f" and {len(near) - 3:,} more" if len(near) > 3 else "")
        add("similar", f"{len(near):,} of these ids differ by blanks, capitals or leading zeros only", [a for a, _ in near],
            "write them the same way in both files", [a for a, _ in near])  # fmt: skip
        rows[-1]["examples"] = pairs
    table = joined.table
    for name in ("account", "role"):
        empty = table["id"][(table[name] == "") & table["id"].isin(listed)].tolist()
        if (table[name] != "").any():
            add(f"no {name}", f"{len(empty):,} of {len(mine):,} people who answered have no {name} in the table", empty,
                f"fill the column {name!r}, where it is to be used", empty)  # fmt: skip
    source = f"{len(mine):,} respondents who answered and {len(people):,} in the table"
    columns = ["check", "severity", "what", "count", "examples", "remedy"]
    return Findings(table=pd.DataFrame(rows, columns=columns), source=source,
                    people=pd.DataFrame(whom, columns=["check", "respondent", "detail"]))  # fmt: skip


def _shape(text: str) -> str:
    """An id without blanks, capitals and leading zeros of its numbers.

    >>> _shape(" R-007") == _shape("r-7")
    True
    """
    return re.sub(r"(?<!\d)0+(?=\d)", "", "".join(text.split()).casefold())
