"""Tables of a survey in: CSV, Parquet or a dataframe, texts as they came, columns found by their usual names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.frames import is_frame, read_parquet, to_pandas
from cvmstats.errors import InputError, examples
from cvmstats.survey.texts import decode, parse, parse_plain

Codes = npt.NDArray[np.integer[Any]]
"""Numbers of distinct values, of any size that holds them."""

MISSING = frozenset({"", "NA", "NaN", "nan"})
"""Texts that mean no answer, in columns of answers only; everywhere else a text is a text."""

ALIASES: dict[str, frozenset[str]] = {
    "respondent": frozenset({"respondent", "respondentid", "respid", "resp", "id", "person", "personid", "participant",
                             "participantid", "subject", "subjectid", "sysrespnum", "respnum", "responseid"}),
    "task": frozenset({"task", "taskid", "taskno", "tasknumber", "set", "setid", "setno", "setnumber", "question",
                       "screen"}),
    "position": frozenset({"position", "pos", "positionno", "order"}),
    "item": frozenset({"item", "itemid", "itemname", "object", "objectid"}),
    "item_no": frozenset({"itemno", "itemnumber", "itemnum"}),
    "choice": frozenset({"choice", "response", "answer", "chosen"}),
    "strength": frozenset({"strength"}),
    "count": frozenset({"answercount"}),
    "seconds": frozenset({"seconds"}),
    "version": frozenset({"version", "versionid", "versionno", "designversion"}),
    "account": frozenset({"account", "accountid", "company", "companyid", "customer", "customerid"}),
    "role": frozenset({"role", "function", "jobrole"}),
    "weight": frozenset({"weight", "weights", "wt"}),
    "label": frozenset({"label", "name", "itemlabel"}),
    "text": frozenset({"text", "itemtext", "description", "wording"}),
    "group": frozenset({"group", "itemgroup"}),
    "attribute": frozenset({"attribute", "attributename", "factor", "feature"}),
    "level": frozenset({"level", "levelname"}),
    "value": frozenset({"value", "number", "amount"}),
}  # fmt: skip


def read_table(
    source: Any, error: type[InputError], what: str, *, encoding: str | None = None
) -> tuple[pd.DataFrame, str]:
    """A table and the name of where it came from; all columns of a CSV file are text, and no text is taken for missing.

    Parameters
    ----------
    source : path, DataFrame
        CSV (comma, semicolon, tab or bar between the fields), Parquet or SPSS; or a pandas or polars dataframe.
    error : type
        What to raise.
    what : str
        What the file is, for the message, such as ``answers``.
    encoding : str, optional
        Of a CSV file; UTF-8 where nothing is said.

    Raises
    ------
    InputError
        No such file, not in this encoding, nothing in it, a column name that stands twice.
    """
    name = "the dataframe"
    if is_frame(source):
        table = to_pandas(source).reset_index(drop=True)
    elif not isinstance(source, str | os.PathLike):
        raise error(f"{what} cannot be read from a {type(source).__name__}\n  expected a path or a DataFrame")
    else:
        path = Path(source)
        name = path.name
        if not path.is_file():
            raise error(f"there is no file of {what} at {path}")
        if path.suffix.lower() in {".parquet", ".pq"}:
            table = _read_parquet(path, error)
        elif path.suffix.lower() == ".sav":
            from cvmstats.survey.sav import read_sav

            table = read_sav(path, error)
        else:
            content = path.read_bytes()
            plain_table = parse_plain(content) if encoding is None else None
            table = plain_table if plain_table is not None else parse(decode(path, error, encoding), name, error, what)
    table.columns = pd.Index([str(c).strip() for c in table.columns], dtype=object)
    nameless = [i for i, c in enumerate(table.columns) if c == "" and not any(t.strip() for t in coded(table.iloc[:, i])[1])]
    if nameless:  # as Excel leaves them behind the last column
        table = table.iloc[:, [i for i in range(table.shape[1]) if i not in nameless]]
    if not len(table):
        raise error(f"{name} is empty: it has no rows of {what}\n  {_columns(table)}\n  give the file with the {what}")
    twice = table.columns[table.columns.duplicated()].unique().tolist()
    if twice:
        raise error(f"{len(twice)} column names of {name} stand twice\n  for example {examples(twice)}\n"
                    "  give each column a name of its own")  # fmt: skip
    return table, name


def read_text(source: Any, error: type[InputError], what: str, *, encoding: str | None = None) -> tuple[str, str]:
    """The text of a file that is no table, and its name.

    Raises
    ------
    InputError
        No such file, not in this encoding.
    """
    path = Path(source)
    if not path.is_file():
        raise error(f"there is no file of {what} at {path}")
    return decode(path, error, encoding), path.name


def check_keys(columns: Mapping[str, Any] | None, ours: Iterable[str], error: type[InputError]) -> None:
    """Refuse names in ``columns=`` that are not ours, which would be passed over, and columns that are named by no text.

    Raises
    ------
    InputError
        With the names that are known.
    """
    ours = list(ours)
    unknown = sorted(map(str, set(columns or {}) - set(ours)))
    if unknown:
        raise error(f"columns= has names that are not ours: {examples(unknown)}\n  expected some of {', '.join(ours)}")
    odd = [f"{k}: {v!r}" for k, v in (columns or {}).items() if not (v is None or isinstance(v, str | list | tuple))]
    if odd:
        raise error(f"columns= gives {len(odd)} columns that are no texts\n  for example {examples(odd)}\n"
                    "  expected the name of a column")  # fmt: skip


def find_columns(
    table: pd.DataFrame, wanted: Iterable[str], columns: Mapping[str, Any] | None, error: type[InputError], name: str
) -> dict[str, str]:
    """Our names to the table's, for those that are there: as ``columns`` says, else by their usual names in any case.

    A name for which ``columns`` says None is not looked for.

    Raises
    ------
    InputError
        Where ``columns`` names something that is not there, or two columns fit one name.
    """
    found: dict[str, str] = {}
    given = dict(columns or {})
    absent = [v for v in given.values() if isinstance(v, str) and "{" not in v and v not in table.columns]
    if absent:
        raise error(f"{len(absent)} columns named in columns= are not in {name}\n  for example {examples(absent)}\n"
                    f"  {_columns(table)}")  # fmt: skip
    named = [v for v in given.values() if isinstance(v, str) and "{" not in v]
    taken = set(named)
    if len(taken) < len(named):
        twice = [v for v in sorted(taken) if named.count(v) > 1]
        raise error(f"columns= gives {len(twice)} columns two names\n  for example {examples(twice)}\n"
                    "  expected a column of its own for each name")  # fmt: skip
    for ours in wanted:
        if ours in given and not isinstance(given[ours], list | tuple):
            if given[ours] is not None:
                found[ours] = given[ours]
            continue
        fits = [c for c in table.columns if plain(c) in ALIASES[ours] and c not in taken]
        exact = [c for c in fits if c.lower() == ours]
        if len(exact) == 1:
            fits = exact
        if len(fits) > 1:
            raise error(f"{len(fits)} columns of {name} may be the {ours}: {examples(fits, 6)}\n  expected one\n"
                        f"  say which: columns={{{ours!r}: {fits[0]!r}}}")  # fmt: skip
        if fits:
            found[ours] = fits[0]
    return found


def missing_columns(
    table: pd.DataFrame, absent: list[str], error: type[InputError], name: str, expected: str
) -> InputError:
    """The error that says which columns are missing, which are there, and how to name them."""
    return error(f"{name} has no column for {examples(absent, 6)}\n  {_columns(table)}\n  expected {expected}\n"
                 f"  where it has another name: columns={{{absent[0]!r}: '...'}}")  # fmt: skip


def plain(name: str) -> str:
    """A column name in small letters, without blanks and marks.

    >>> plain("Resp_ID")
    'respid'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def as_text(values: pd.Series) -> pd.Series:
    """A column as text, empty where nothing stands; whole numbers without a decimal point, texts untouched.

    Raises
    ------
    InputError
        Where a decimal number is so large that it may have lost digits, as long ids do.

    Examples
    --------
    >>> as_text(pd.Series([7.0, None])).tolist(), as_text(pd.Series(["007", None])).tolist()
    (['7', ''], ['007', ''])
    """
    if pd.api.types.is_float_dtype(values):
        return pd.Series(_float_texts(values.to_numpy(dtype=float, na_value=np.nan), values.name), dtype="str")
    if isinstance(values.dtype, pd.StringDtype):
        return values.fillna("").astype("str")
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, texts = coded(values)
        return pd.Series(np.array(texts, dtype=object)[codes], dtype="str")
    filled = values.astype(object)
    if values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) not in ("string", "empty", "integer"):
        floats = filled.map(lambda v: isinstance(v, float)) & filled.notna()
        if floats.any():
            filled = filled.mask(floats, pd.Series(_float_texts(filled[floats], values.name), filled.index[floats], object))
    return filled.where(filled.notna(), "").astype("str")


def _float_texts(numbers: Iterable[float], column: object) -> list[str]:
    numbers = [float(v) for v in numbers]
    large = [v for v in numbers if np.isfinite(v) and abs(v) >= 2**53]
    if large:
        raise InputError(f"{len(large):,} of {len(numbers):,} values of column {column!r} are decimal numbers of 16 digits or "
                         f"more\n  for example {examples(large)}\n  expected text: as a decimal number an id loses digits "
                         "after the 15th\n  let cvmstats read the file itself, or read the column as text")  # fmt: skip
    return ["" if np.isnan(v) else str(int(v)) if v == np.floor(v) and np.isfinite(v) else repr(v) for v in numbers]


def file_rows(rows: npt.ArrayLike) -> list[int]:
    """Rows of a table, counted from 0, as a person finds them in the file: the heading is row 1.

    A line break inside quotes makes no new row, as in a spreadsheet; lines in which nothing stands are not counted.

    >>> file_rows([0, 5])
    [2, 7]
    """
    return [int(i) + 2 for i in np.asarray(rows, np.int64)]


def coded(values: pd.Series) -> tuple[Codes, list[str]]:
    """A column as text: which of its distinct texts each row has, and these, in the order in which they first appear.

    >>> codes, texts = coded(pd.Series([7.0, None, 7.0]))
    >>> codes.tolist(), texts
    ([0, 1, 0], ['7', ''])
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        given = values.cat.codes.to_numpy()
        if values.cat.ordered and _by_first_row(given, values.cat.categories):
            return given, values.cat.categories.tolist()
        codes, seen = pd.factorize(given)
        texts = [*as_text(pd.Series(values.cat.categories)).tolist(), ""]  # the last one for what is missing, code -1
        names = [texts[i] for i in seen]
        if len(set(names)) == len(names):
            return codes, names
        again, distinct = pd.factorize(pd.Series(names, dtype="str"))  # categories that are the same as text
        return again[codes], [str(v) for v in distinct]
    codes, distinct = pd.factorize(as_text(values))
    return codes, [str(v) for v in distinct]


def _by_first_row(codes: Codes, categories: pd.Index) -> bool:
    """Whether categories are texts in the order in which they first appear, as read_plain_csv makes them; others may not be."""
    if not len(codes) or codes[0] != 0 or codes.min() < 0:
        return False
    for rows in (codes[:10_000], codes):  # as a rule the first rows show all there are
        highest = np.maximum.accumulate(rows)
        if (highest[1:] - highest[:-1] > 1).any():
            return False
        if highest[-1] == len(categories) - 1:
            return all(isinstance(v, str) for v in categories)
    return False


def natural_order(values: Iterable[str]) -> list[str]:
    """Whole numbers by size, other texts as they first appeared.

    >>> natural_order(["10", "9", "9"]), natural_order(["b", "a", "b"])
    (['9', '10'], ['b', 'a'])
    """
    distinct = list(dict.fromkeys(values))
    return sorted(distinct, key=int) if all(re.fullmatch(r"\d{1,15}", v) for v in distinct) else distinct


def _columns(table: pd.DataFrame) -> str:
    return f"its columns are {examples(table.columns.tolist(), 12)}"


def _read_parquet(path: Path, error: type[InputError]) -> pd.DataFrame:
    try:
        return read_parquet(path)
    except Exception as problem:
        raise error(f"{path.name} is no readable Parquet file: {problem}") from problem
