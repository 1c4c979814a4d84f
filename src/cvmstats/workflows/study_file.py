"""STUDY.toml: what `cvmstats run` is told. Unknown tables and keys are refused, paths are relative to the file."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from cvmstats.data.design import KINDS
from cvmstats.errors import StudyError
from cvmstats.survey.formats import FORMATS

Table = Mapping[str, Any]

TABLES: Mapping[str, Mapping[str, str]] = {
    "choices": {"file": "path", "format": "text", "columns": "columns", "kind": "text", "picks": "text", "best_code": "text",
                "invalid": "text", "encoding": "text"},
    "items": {"file": "path", "columns": "columns", "encoding": "text"},
    "design": {"file": "path", "kind": "text", "columns": "columns", "encoding": "text"},
    "respondents": {"file": "path", "columns": "columns", "weight_kind": "text", "encoding": "text"},
    "accounts": {"file": "path", "id": "text", "hooks": "texts", "firmographics": "texts", "columns": "columns",
                 "encoding": "text"},
    "segments": {"n": "range", "unit": "text", "n_starts": "count", "seed": "seed"},
    "fit": {"chains": "count", "draws": "count", "warmup": "count", "seed": "seed"},
}  # fmt: skip
"""Tables of a study file, their keys, and what each key holds."""

_EXPECTED = {
    "path": "the name of a file, as text", "text": "a text", "columns": "a table of our names to the file's",
    "texts": "a list of column names", "count": "a whole number of 1 or more", "seed": "a whole number of 0 or more",
    "range": "a whole number, or two of them as [first, last]",
}  # fmt: skip
_WORDS = {("choices", "format"): tuple(FORMATS), ("choices", "kind"): KINDS, ("design", "kind"): KINDS,
          ("choices", "picks"): ("names", "numbers", "positions", "import_ids"),
          ("choices", "invalid"): ("raise", "drop"), ("respondents", "weight_kind"): ("frequency", "sampling"),
          ("segments", "unit"): ("account", "respondent")}  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class StudyFile:
    """A study file, checked: files exist, keys are known, values are of their kind.

    Parameters
    ----------
    path : Path
        Where it was read from.
    choices, items, design, respondents, accounts, segments, fit : mapping
        Its tables, paths made absolute; empty where a table is not there.
    """

    path: Path
    choices: Table
    items: Table = field(default_factory=dict)
    design: Table = field(default_factory=dict)
    respondents: Table = field(default_factory=dict)
    accounts: Table = field(default_factory=dict)
    segments: Table = field(default_factory=dict)
    fit: Table = field(default_factory=dict)

    @property
    def n_segments(self) -> range:
        """Numbers of segments to try, 1 to 7 where nothing is said."""
        n = self.segments.get("n", [1, 7])
        return range(n, n + 1) if isinstance(n, int) else range(n[0], n[1] + 1)

    @property
    def unit(self) -> Literal["account", "respondent"] | None:
        """What is to be segmented, None where the answers decide."""
        return cast(Literal["account", "respondent"] | None, self.segments.get("unit"))

    @property
    def column_sets(self) -> dict[str, tuple[str, ...]]:
        """Columns of the account list to compare: hooks, firmographics, both; empty where none are named."""
        hooks, firmographics = (tuple(self.accounts.get(k, ())) for k in ("hooks", "firmographics"))
        named = {"hooks": hooks, "firmographics": firmographics}
        sets = {name: columns for name, columns in named.items() if columns}
        return {**sets, "both": hooks + firmographics} if len(sets) == 2 else sets

    def files(self) -> dict[str, Path]:
        """The input files by table."""
        names = ("choices", "items", "design", "respondents", "accounts")
        return {name: getattr(self, name)["file"] for name in names if getattr(self, name)}

    def to_dict(self) -> dict[str, Any]:
        """Its tables as plain values, paths relative to the file where they lie below it."""
        tables: dict[str, Any] = {}
        for name in TABLES:
            table = getattr(self, name)
            if table:
                tables[name] = {k: _relative(v, self.path.parent) for k, v in table.items()}
        return tables


def read_study(path: str | Path) -> StudyFile:
    """Read a study file.

    Raises
    ------
    StudyError
        All that is wrong with it, in one error: no such file, no TOML, unknown tables or keys with the nearest known
        names, values of the wrong kind, ``[choices]`` or a ``file`` missing, a file that does not exist.
    """
    source = Path(path)
    if not source.is_file():
        raise StudyError(f"there is no study file at {source}\n  expected a TOML file with at least a table [choices]")
    try:
        content = tomllib.loads(source.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{source.name} is no TOML file in UTF-8\n  {error}\n"
                         "  expected lines such as file = \"answers.csv\" under [choices]") from error  # fmt: skip
    problems: list[str] = []
    tables: dict[str, dict[str, Any]] = {}
    for name, table in content.items():
        if name not in TABLES:
            problems.append(f"unknown table [{name}]{_nearest(name, TABLES)}")
        elif not isinstance(table, dict):
            problems.append(f"{name} must be a table, written [{name}]")
        else:
            tables[name] = _check_table(name, table, source.parent.resolve(), problems)
    if "choices" not in content:
        problems.append("the table [choices] is missing: it names the file with the answers")
    if problems:
        plural = "s" if len(problems) > 1 else ""
        lines = "\n".join(f"  {p}" for p in problems)
        raise StudyError(f"{len(problems)} problem{plural} in {source.name}\n{lines}")
    return StudyFile(path=source.resolve(), **tables)


def _check_table(name: str, table: Table, folder: Path, problems: list[str]) -> dict[str, Any]:
    known = TABLES[name]
    checked: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            problems.append(f"unknown key '{key}' in [{name}]{_nearest(key, known)}")
            continue
        if not _fits(known[key], value):
            problems.append(f"{key} in [{name}] is {value!r}, expected {_EXPECTED[known[key]]}")
            continue
        words = _WORDS.get((name, key))
        if words and value not in words:
            problems.append(f"{key} in [{name}] is {value!r}, expected {' or '.join(map(repr, words))}")
        if known[key] == "path":
            value = folder / value
            if not value.is_file():
                problems.append(f"file in [{name}]: there is no file at {value}")
        checked[key] = value
    if "file" in known and "file" not in table:
        problems.append(f"[{name}] names no file")
    return checked


def _fits(kind: str, value: object) -> bool:
    if kind in ("path", "text"):
        return isinstance(value, str) and value != ""
    if kind == "columns":
        return isinstance(value, dict)
    if kind == "texts":
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    if kind == "seed":
        return type(value) is int and value >= 0
    if kind == "count":
        return type(value) is int and value >= 1
    if isinstance(value, list):
        return len(value) == 2 and all(type(v) is int for v in value) and 1 <= value[0] <= value[1]
    return type(value) is int and value >= 1


def _nearest(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    return ", did you mean " + " or ".join(near) + "?" if near else ", expected one of " + ", ".join(known)


def _relative(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return str(value.relative_to(folder)) if value.is_relative_to(folder) else str(value)
    return value
