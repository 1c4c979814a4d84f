"""Account lists out, for the programs that people open them with.

A text that starts with = + - @ or a tab may be run by a workbook as a formula (OWASP, "CSV injection"): such texts get
an apostrophe in front, which reading takes away again. Numbers and ids are left as they are.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from cvmstats.data.accounts import Accounts, is_number
from cvmstats.data.projection import Projection
from cvmstats.data.store import whole_file
from cvmstats.errors import AccountsError

_RISKY = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


def neutralise(text: str) -> str:
    """A text with an apostrophe in front where a workbook would run it; :func:`undo` is its exact inverse.

    >>> [neutralise(t) for t in ["=1+1", "-5", "Smith", "'=1"]]
    ["'=1+1", '-5', 'Smith', "''=1"]
    """
    return "'" + text if _RISKY.match(text) and not is_number(text) else text


def undo(text: str) -> str:
    """The text that :func:`neutralise` was given.

    >>> [undo(neutralise(t)) for t in ["=1+1", "-5", "Smith", "'=1"]]
    ['=1+1', '-5', 'Smith', "'=1"]
    """
    return text[1:] if _GUARDED.match(text) else text


def restore(table: pd.DataFrame) -> pd.DataFrame:
    """A table of texts with :func:`undo` on every cell and heading."""
    texts = {undo(str(c)): table[c].map({t: undo(t) for t in table[c].unique()}) for c in table}
    return pd.DataFrame(texts)


def write_accounts(
    result: Projection | Accounts, path: str | Path, *, bom: bool = False, for_excel: bool = False
) -> Path:
    """Write a list or its projection to a CSV or Parquet file, whole or not at all.

    Texts that a workbook would run as a formula get an apostrophe in front in CSV files (in Parquet nothing runs);
    ``read_accounts(..., neutralised=True)`` takes it away. Ids are never touched, unless ``for_excel`` is asked for.

    Parameters
    ----------
    result : Projection or Accounts
        What to write, all its rows in order.
    path : path
        Ends in ``.csv`` or ``.parquet``.
    bom : bool
        Start with a byte order mark, which Excel needs and Salesforce's Data Loader does not want.
    for_excel : bool
        Ids too get the apostrophe where a workbook would run them, and the mark is written. Such a file must be read
        with ``neutralised=True`` before its ids are matched with anything.

    Raises
    ------
    AccountsError
        Where the ending is neither.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in {".csv", ".parquet"}:
        raise AccountsError(f"cannot write accounts to {target.name!r}\n  expected a name ending in .csv or .parquet")
    with whole_file(target) as part:
        if suffix == ".parquet":
            result.table.to_parquet(part, index=False)
        else:
            spared = "" if for_excel else result.id
            table = pd.DataFrame({
                neutralise(c) if c != spared else c: _cells(result.table[c], guard=c != spared)
                for c in map(str, result.table)
            })  # fmt: skip
            encoding = "utf-8-sig" if bom or for_excel else "utf-8"
            table.to_csv(part, index=False, encoding=encoding, lineterminator="\n")
    return target


def _cells(values: pd.Series, *, guard: bool) -> pd.Series:
    """A column as texts, empty where missing; numbers as they are read again."""
    if pd.api.types.is_float_dtype(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        return pd.Series(["" if np.isnan(v) else repr(v) for v in numbers.tolist()], dtype=object)
    which, distinct = pd.factorize(values, use_na_sentinel=False)
    texts = ["" if pd.isna(v) else str(v) for v in distinct]
    if guard and not pd.api.types.is_numeric_dtype(values):
        texts = [t if isinstance(v, int | float) else neutralise(t) for t, v in zip(texts, distinct, strict=True)]
    return pd.Series(np.array(texts, dtype=object)[which], dtype=object)
