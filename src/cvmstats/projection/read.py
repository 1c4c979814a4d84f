"""Account lists in: CSV, Parquet or a dataframe; ids stay text, byte by byte."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cvmstats.data.accounts import Accounts, is_number
from cvmstats.data.frames import is_frame, to_pandas
from cvmstats.errors import AccountsError, examples
from cvmstats.projection.crm import restore

_ID_NAMES = ("id", "accountid", "account")


def read_accounts(
    source: Any,
    *,
    id: str | None = None,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    neutralised: bool = False,
) -> Accounts:
    """Read an account list; every row stays, ids byte-identical.

    All of a CSV file is read as text. A column becomes numeric only where each value is a plain number that is written
    again exactly as it stood; so ``12.50`` and ``007`` stay text, and nothing of a list changes when it is written back
    (:meth:`Accounts.numbers` gives such a column as numbers). No word is taken for a missing value: an id ``NA`` stays.

    Parameters
    ----------
    source : path, DataFrame
        ``.csv``, ``.tsv``, ``.txt`` or ``.parquet``; or a pandas or polars dataframe.
    id : str, optional
        The column with the ids; found where exactly one is called id, account_id or account (in any case).
    encoding : str, optional
        Of a CSV file; by default UTF-8 (with or without a byte order mark), else Windows-1252, else Latin-1; the
        result says which.
    columns : mapping, optional
        Our names to the file's, for columns that are to be renamed.
    neutralised : bool
        Take away the apostrophes that :func:`write_accounts` put before texts that a workbook would run.

    Raises
    ------
    AccountsError
        Where the file cannot be read, rows have too many or too few fields, or the id column is missing or ambiguous.
    """
    used, name = "", ""
    if is_frame(source):
        table = to_pandas(source)
    else:
        path = Path(source)
        name = path.name
        if not path.is_file():
            raise AccountsError(f"there is no account list at {path}")
        if path.suffix.lower() in {".parquet", ".pq"}:
            table = pd.read_parquet(path)
        else:
            text, used = _decode(path, encoding)
            table = _parse(text, name)
            if neutralised:
                table = restore(table)
    table.columns = pd.Index([str(c) for c in table.columns])
    if columns:
        absent = [c for c in columns.values() if c not in table.columns]
        if absent:
            raise AccountsError(f"{len(absent)} columns to rename are not there\n  for example {examples(absent)}")
        table = table.rename(columns={theirs: ours for ours, theirs in columns.items()})
    key = id if id is not None else _find_id([str(c) for c in table.columns])
    if used:
        for column in table.columns:
            if column != key:
                table[column] = _to_numbers(table[column])
    return Accounts(table=table, id=key, source=name, encoding=used)


def _decode(path: Path, encoding: str | None) -> tuple[str, str]:
    content = path.read_bytes()
    if encoding is not None:
        tries = [encoding]
    elif content.startswith(codecs.BOM_UTF8):
        tries = ["utf-8-sig"]
    elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tries = ["utf-16"]
    else:
        tries = ["utf-8", "cp1252", "latin-1"]
    problem: Exception | None = None
    for name in tries:
        try:
            return content.decode(name), name
        except UnicodeDecodeError as error:
            problem = error
            line = content[: error.start].count(b"\n") + 1
            where = f"byte {content[error.start]:#04x} in line {line:,}"
        except LookupError as error:
            raise AccountsError(f"there is no encoding called {name!r}") from error
    raise AccountsError(f"{path.name} is not written in {tries[-1]}\n  for example {where}\n"
                        "  leave encoding away to let it be found, or try encoding='cp1252'") from problem  # fmt: skip


def _parse(text: str, name: str) -> pd.DataFrame:
    head = text[: text.find("\n") + 1 or None]
    delimiter = max(",;\t|", key=head.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    except csv.Error as error:
        raise AccountsError(f"{name} is no CSV file: {error}") from error
    if len(rows) < 2:
        raise AccountsError(f"{name} has {'a heading, but no rows' if rows else 'nothing in it'}")
    header, body = rows[0], rows[1:]
    twice = sorted({c for c in header if header.count(c) > 1})
    if twice:
        raise AccountsError(f"{len(twice)} columns of {name} stand twice\n  for example {examples(twice)}")
    bad = [f"row {i + 2} has {len(row)}" for i, row in enumerate(body) if len(row) != len(header)]
    if bad:
        raise AccountsError(f"{len(bad):,} of {len(body):,} rows of {name} do not have {len(header)} fields\n"
                            f"  for example {examples(bad)}\n"
                            f"  expected as many as the heading has, divided by {delimiter!r}")  # fmt: skip
    fields = zip(*body, strict=True)
    return pd.DataFrame({c: pd.Series(list(v), dtype=object) for c, v in zip(header, fields, strict=True)})


def _find_id(names: list[str]) -> str:
    found = [n for n in names if "".join(c for c in n.casefold() if c.isalnum()) in _ID_NAMES]
    if len(found) == 1:
        return found[0]
    if found:
        raise AccountsError(f"{len(found)} columns may hold the ids: {examples(found, 6)}\n"
                            f"  say which: read_accounts(..., id={found[0]!r})")  # fmt: skip
    near = [n for n in names if "id" in n.casefold() or "number" in n.casefold()] or names
    raise AccountsError(f"no column is called id, account_id or account\n  candidates are {examples(near, 8)}\n"
                        f"  say which: read_accounts(..., id={near[0]!r})")  # fmt: skip


def _to_numbers(texts: pd.Series) -> pd.Series:
    """Numbers where every text comes back exactly from them, else the texts."""
    distinct = [t for t in texts.unique() if t]
    if not distinct or not all(map(is_number, distinct)):
        return texts
    empty = (texts == "").to_numpy()
    if all(str(int(t)) == t and abs(int(t)) < 2**63 for t in distinct if t.lstrip("-").isdigit()) and all(
        t.lstrip("-").isdigit() for t in distinct
    ):
        if not empty.any():
            return texts.map({t: int(t) for t in distinct}).astype("int64")
        return pd.Series([int(t) if t else None for t in texts], dtype="Int64")
    if all(repr(float(t)) == t for t in distinct):
        return pd.Series([float(t) if t else float("nan") for t in texts], dtype="float64")
    return texts
