"""Encoding: how a table of mixed columns was coded as numbers, remembered, so that new rows are coded the same.

Values are cleaned before they are compared (:func:`clean`), and it is the distinct values that are cleaned, not the
rows. A categorical column becomes one column of zeros and ones per level, none left out: under a quadratic penalty with
free intercepts the coefficients of a column sum to zero, so a row of zeros, which a value unknown to the encoding gets,
adds the average of the levels, that is nothing.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.accounts import is_number
from cvmstats.errors import AccountsError, examples

_MISSING = frozenset({"", "n/a", "#n/a", "nan", "nat", "null", "<na>", "-", "?"})
Floats = npt.NDArray[np.float64]


def clean(value: object) -> str:
    """The form in which a value is compared: no case, no blanks around it, one Unicode form; empty where it is missing.

    >>> [clean(v) for v in ["  Life   Sciences ", "LIFE SCIENCES", None, "n/a", True, 3.0]]
    ['life sciences', 'life sciences', '', '', 'true', '3']
    """
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    text = " ".join(unicodedata.normalize("NFKC", str(value)).split()).casefold()
    return "" if text in _MISSING else text


@dataclass(frozen=True, eq=False, kw_only=True)
class CategoryCode:
    """How one categorical column is coded: a column per level, one for the rare levels, one for missing values.

    Parameters
    ----------
    column : str
        Name in the table.
    levels : tuple of str
        Levels with a coefficient of their own, cleaned.
    rare : tuple of str
        Levels seen, but too rarely for that.
    pooled : bool
        Whether the rare levels together were frequent enough for a column; else they add nothing.
    missing : bool
        Whether missing values were frequent enough for a column; else they add nothing.
    """

    column: str
    levels: tuple[str, ...]
    rare: tuple[str, ...] = ()
    pooled: bool = False
    missing: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coded columns."""
        extra = ["(rare)"] * self.pooled + ["(missing)"] * self.missing
        return tuple(f"{self.column}={level}" for level in [*self.levels, *extra])

    def code(self, values: Sequence[object]) -> tuple[Floats, list[str]]:
        """Rows of zeros and ones for distinct values, and a caution for each, empty where all is well."""
        place = {level: i for i, level in enumerate(self.levels)}
        if self.pooled:
            place |= dict.fromkeys(self.rare, len(self.levels))
        if self.missing:
            place[""] = len(self.levels) + self.pooled
        block = np.zeros((len(values), len(self.names)))
        cautions = []
        for row, value in enumerate(values):
            key = clean(value)
            if key in place:
                block[row, place[key]] = 1.0
            if not key:
                cautions.append(f"{self.column}: missing")
            elif key in place:
                cautions.append("")
            else:
                kind = "seen too rarely" if key in self.rare else "unknown"
                cautions.append(f"{self.column}: {str(value)!r} {kind}")
        return block, cautions


@dataclass(frozen=True, eq=False, kw_only=True)
class NumberCode:
    """How one numeric column is coded: standardised, held within the range seen, the median where it is missing.

    Parameters
    ----------
    column : str
        Name in the table.
    mean, sd, median, low, high : float
        Of the values that were seen, in the column's own units; ``sd`` is 1 where they did not vary.
    missing : bool
        Whether missing values were frequent enough for an indicator of their own.
    """

    column: str
    mean: float
    sd: float
    median: float
    low: float
    high: float
    missing: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coded columns."""
        return (self.column, f"{self.column}=(missing)") if self.missing else (self.column,)

    def code(self, values: Sequence[object]) -> tuple[Floats, list[str]]:
        """Standardised distinct values, and a caution for each, empty where all is well."""
        keys = [clean(v) for v in values]
        number = np.array([float(k) if is_number(k) else np.nan for k in keys])
        absent = ~np.isfinite(number)
        within = np.where(absent, self.median, np.clip(number, self.low, self.high))
        block = ((within - self.mean) / self.sd)[:, None]
        if self.missing:
            block = np.column_stack([block, absent])
        cautions = []
        for value, key, x, empty in zip(values, keys, number, absent, strict=True):
            if not key:
                cautions.append(f"{self.column}: missing")
            elif empty:
                cautions.append(f"{self.column}: {str(value)!r} is no number")
            elif not self.low <= x <= self.high:
                cautions.append(f"{self.column}: {x:g} outside {self.low:g} to {self.high:g}")
            else:
                cautions.append("")
        return block, cautions


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoding:
    """How each column of a table is coded; P coded columns in all.

    Parameters
    ----------
    codes : tuple of CategoryCode or NumberCode
        One per column of the table, in order.

    Examples
    --------
    >>> table = pd.DataFrame({"industry": ["Steel"] * 5 + ["Pharma"] * 5, "staff": [10, 20, 30, 40, 50] * 2})
    >>> encoding = Encoding.fit(table)
    >>> encoding.names
    ('industry=steel', 'industry=pharma', 'staff')
    >>> new = pd.DataFrame({"industry": [" STEEL", "Space"], "staff": [30, None]})
    >>> encoding.encode(new).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    >>> encoding.cautions(new).tolist()
    ['', "industry: 'Space' unknown; staff: missing"]
    """

    codes: tuple[CategoryCode | NumberCode, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", tuple(self.codes))

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        columns: Sequence[str] | None = None,
        *,
        categorical: Sequence[str] = (),
        min_count: int = 5,
    ) -> Encoding:
        """Learn the coding of a table.

        A column is numeric where it has a numeric type, or where all its values are plain numbers as text.

        Parameters
        ----------
        table : DataFrame
            Rows to learn from.
        columns : sequence of str, optional
            Which to code; all by default.
        categorical : sequence of str
            Columns that are categories although they look like numbers (branch codes).
        min_count : int
            Rows that a level needs for a coefficient of its own.
        """
        names = list(table.columns) if columns is None else list(columns)
        require_columns(table, names)
        return cls(codes=tuple(_learn(table[name], name, name in categorical, min_count) for name in names))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that a table must have."""
        return tuple(code.column for code in self.codes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coded columns (P)."""
        return tuple(name for code in self.codes for name in code.names)

    def parts(self, table: pd.DataFrame) -> Iterator[tuple[npt.NDArray[np.intp], Floats, list[str]]]:
        """Per column: which distinct value each row has (N), these values coded, and their cautions.

        Raises
        ------
        AccountsError
            Where a column is missing.
        """
        require_columns(table, self.columns)
        for code in self.codes:
            which, values = pd.factorize(table[code.column], use_na_sentinel=False)
            block, cautions = code.code(list(values))
            yield which, block, cautions

    def encode(self, table: pd.DataFrame) -> Floats:
        """The coded table (N, P)."""
        blocks = [block[which] for which, block, _ in self.parts(table)]
        return np.hstack(blocks) if blocks else np.zeros((len(table), 0))

    def cautions(self, table: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Per row (N), which columns hold values that are missing, unknown or out of range; empty text where none."""
        result = np.full(len(table), "", dtype=object)
        for which, _, cautions in self.parts(table):
            texts = np.array(cautions, dtype=object)
            rows = np.flatnonzero((texts != "")[which])
            joint = np.where(result[rows] == "", "", "; ")
            result[rows] = result[rows] + joint.astype(object) + texts[which[rows]]
        return result

    def to_dict(self) -> list[dict[str, Any]]:
        """As plain lists and texts, for JSON."""
        return [{"kind": "category" if isinstance(c, CategoryCode) else "number", **asdict(c)} for c in self.codes]

    @classmethod
    def from_dict(cls, content: Sequence[dict[str, Any]]) -> Encoding:
        """From what :meth:`to_dict` gave."""
        codes: list[CategoryCode | NumberCode] = []
        for entry in content:
            fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
            kind = fields.pop("kind")
            codes.append(CategoryCode(**fields) if kind == "category" else NumberCode(**fields))
        return cls(codes=tuple(codes))

    def __repr__(self) -> str:
        numbers = sum(isinstance(code, NumberCode) for code in self.codes)
        return (f"Encoding  {len(self.codes)} columns as {len(self.names)}\n"
                f"  {len(self.codes) - numbers} of categories, {numbers} of numbers")  # fmt: skip


def require_columns(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a table that lacks columns, naming them and those that look alike."""
    present = [str(c) for c in table.columns]
    absent = [name for name in columns if name not in present]
    if absent:
        alike = sorted({m for name in absent for m in difflib.get_close_matches(name, present, 1)})
        hint = f"did you mean {examples(alike)}" if alike else f"it has {examples(present, 12)}"
        raise AccountsError(f"{len(absent)} of {len(columns)} columns are not in the table\n"
                            f"  for example {examples(absent)}\n  {hint}")  # fmt: skip


def _learn(values: pd.Series, column: str, categorical: bool, min_count: int) -> CategoryCode | NumberCode:
    counts: dict[str, int] = {}
    which, distinct = pd.factorize(values, use_na_sentinel=False)
    for value, n in zip(distinct, np.bincount(which, minlength=len(distinct)), strict=True):
        key = clean(value)
        counts[key] = counts.get(key, 0) + int(n)
    n_missing = counts.pop("", 0)
    typed = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if counts and not categorical and (typed or all(map(is_number, counts))):
        finite = {float(k): n for k, n in counts.items() if is_number(k)}
        if finite:
            number = np.repeat(list(finite), list(finite.values()))
            sd = float(number.std())
            return NumberCode(
                column=column, mean=float(number.mean()), sd=sd if sd > 0 else 1.0, median=float(np.median(number)),
                low=float(number.min()), high=float(number.max()), missing=n_missing >= min_count,
            )  # fmt: skip
    levels = tuple(k for k, n in counts.items() if n >= min_count)
    rare = tuple(k for k, n in counts.items() if n < min_count)
    pooled = sum(counts[k] for k in rare) >= min_count
    return CategoryCode(column=column, levels=levels, rare=rare, pooled=pooled, missing=n_missing >= min_count)
