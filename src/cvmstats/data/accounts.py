"""Accounts: the list that a segmentation is projected onto, ids as text, no row lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.errors import AccountsError, examples

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?")


def is_number(text: str) -> bool:
    """Whether a text is a plain number: no leading zero, no separator of thousands, a point for decimals.

    >>> [is_number(t) for t in ["12", "-3.50", "6.0E7", "007", "1,200", "+4"]]
    [True, True, True, False, False, False]
    """
    return _NUMBER.fullmatch(text) is not None


@dataclass(frozen=True, eq=False, kw_only=True)
class Accounts:
    """N rows of an account list, in the order of their source.

    Ids are text and are kept as they came, byte by byte: leading zeros, capitals and blanks stay, duplicates and empty
    ids too, because no row may be lost; how many there are is said in the repr.

    Parameters
    ----------
    table : DataFrame
        N rows; hooks, firmographics and what else is known are its columns.
    id : str
        The column with the ids. Whole numbers are taken over as text.
    source : str
        Where the list comes from.
    encoding : str
        How the file's text was encoded.

    Raises
    ------
    AccountsError
        Where the table is empty, a column name stands twice, or the id column is missing or holds decimal numbers.

    Examples
    --------
    >>> Accounts(table=pd.DataFrame({"id": ["007", "NA", "007"], "industry": ["Pharma", "Steel", ""]}))
    Accounts  3 rows x 2 columns, ids in 'id'
      1 id stands on more than one row
    """

    table: pd.DataFrame
    id: str = "id"
    source: str = ""
    encoding: str = ""

    def __post_init__(self) -> None:
        table = self.table.reset_index(drop=True).copy()
        table.columns = pd.Index([str(c) for c in table.columns])
        twice = table.columns[table.columns.duplicated()].unique().tolist()
        if twice:
            raise AccountsError(f"{len(twice)} column names of the account list stand twice\n"
                                f"  for example {examples(twice)}\n  give each column a name of its own")  # fmt: skip
        if self.id not in table:
            raise AccountsError(f"the account list has no id column {self.id!r}\n"
                                f"  its columns are {examples(table.columns.tolist(), 12)}\n"
                                "  name the one with the ids: id='...'")  # fmt: skip
        if table.empty:
            raise AccountsError("the account list has no rows")
        table[self.id] = pd.Series(self._texts(table[self.id]), dtype=object)
        object.__setattr__(self, "table", table)

    def _texts(self, ids: pd.Series) -> list[str]:
        decimals = [v for v in ids if isinstance(v, float | np.floating) and not np.isnan(v)]
        if decimals:
            raise AccountsError(f"{len(decimals):,} ids in column {self.id!r} are decimal numbers\n"
                                f"  for example {examples(decimals)}\n"
                                "  expected text: as a number an id loses leading zeros and digits after the 15th\n"
                                "  let read_accounts() read the file itself, or read the column as text")  # fmt: skip
        return ["" if pd.isna(v) else str(v) for v in ids]

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids (N), duplicates and empty texts included."""
        return tuple(self.table[self.id])

    @property
    def columns(self) -> tuple[str, ...]:
        """All column names but the id's, in order."""
        return tuple(c for c in self.table.columns if c != self.id)

    @property
    def duplicates(self) -> tuple[str, ...]:
        """Ids that stand on more than one row, each once."""
        ids = self.table[self.id]
        return tuple(ids[ids.duplicated() & (ids != "")].unique())

    @property
    def n_empty(self) -> int:
        """How many rows have no id."""
        return int((self.table[self.id] == "").sum())

    def numbers(self, column: str) -> npt.NDArray[np.float64]:
        """A column as numbers (N), NaN where it is empty; also a column that stayed text to keep its decimals.

        Raises
        ------
        AccountsError
            Where the column is missing or holds something else.
        """
        if column not in self.table:
            raise AccountsError(f"the account list has no column {column!r}")
        values = self.table[column]
        if pd.api.types.is_numeric_dtype(values):
            return values.to_numpy(dtype=float, na_value=np.nan, copy=True)
        texts = ["" if pd.isna(v) else str(v).strip() for v in values]
        bad = [t for t in texts if t and not is_number(t)]
        if bad:
            raise AccountsError(f"{len(bad):,} of {len(self):,} values of column {column!r} are no plain numbers\n"
                                f"  for example {examples(bad)}\n"
                                "  expected digits with a point for decimals and no other separator")  # fmt: skip
        return np.array([float(t) if t else np.nan for t in texts])

    def without(self, columns: Sequence[str]) -> Accounts:
        """The same list without these columns; names that it does not have are passed over."""
        kept = self.table.drop(columns=[c for c in columns if c in self.columns])
        return Accounts(table=kept, id=self.id, source=self.source, encoding=self.encoding)

    def take(self, rows: npt.ArrayLike) -> Accounts:
        """These rows, in this order."""
        kept = self.table.iloc[np.asarray(rows)]
        return Accounts(table=kept, id=self.id, source=self.source, encoding=self.encoding)

    def to_frame(self) -> pd.DataFrame:
        """A copy of the table."""
        return self.table.copy()

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        head = f"Accounts  {len(self):,} rows x {self.table.shape[1]} columns, ids in {self.id!r}"
        lines = []
        if self.source:
            lines.append(f"  from {self.source}" + (f", read as {self.encoding}" if self.encoding else ""))
        repeated = len(self.duplicates)
        if repeated:
            lines.append(f"  {repeated:,} id{'s stand' if repeated > 1 else ' stands'} on more than one row")
        if self.n_empty:
            lines.append(f"  {self.n_empty:,} rows have no id")
        return "\n".join([head, *lines])

    def _repr_html_(self) -> str:
        note = escape(repr(self)).replace("\n", "<br>")
        return f"<b>{note}</b>{self.table.head(8).to_html(index=False)}"
