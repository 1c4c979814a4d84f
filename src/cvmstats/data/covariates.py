"""Covariates: what is known of respondents, as numbers that enter a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.respondents import Respondents
from cvmstats.data.store import read_only
from cvmstats.errors import RespondentsError, examples

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Covariates:
    """P columns made of columns of respondents: numbers as they are, texts as one column per level but the first.

    Parameters
    ----------
    names : tuple of str (P)
        ``size`` of a number, ``industry: retail`` of a level.
    column, level : tuples of str (P)
        Column of the respondents, and its level; the level is empty for numbers.
    center, spread : arrays (P)
        Weighted mean and standard deviation over the respondents who were fitted: fits see (x - center) / spread.
    known : tuple of (str, tuple of str)
        Of each column of texts all levels, the first being the one that the others are compared with.
    """

    names: tuple[str, ...]
    column: tuple[str, ...]
    level: tuple[str, ...]
    center: Floats
    spread: Floats
    known: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        for name in ("center", "spread"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    @classmethod
    def from_respondents(cls, respondents: Respondents, columns: Sequence[str]) -> Covariates:
        """Covariates from these columns.

        Raises
        ------
        RespondentsError
            A column that is not there, missing values, or a column in which all are alike.

        Examples
        --------
        >>> table = pd.DataFrame({"id": list("abcd"), "size": [1, 2, 3, 4], "trade": ["food", "wood", "food", "wood"]})
        >>> Covariates.from_respondents(Respondents(table=table), ["size", "trade"]).names
        ('size', 'trade: wood')
        """
        table = respondents.table
        absent = [c for c in columns if c not in table]
        if absent:
            raise RespondentsError(f"respondents have no column {examples(absent)}\n"
                                   f"  expected some of {', '.join(map(str, table))}")  # fmt: skip
        parts: list[tuple[str, str, str]] = []
        known: list[tuple[str, tuple[str, ...]]] = []
        for c in columns:
            _require_all(table, c)
            if pd.api.types.is_numeric_dtype(table[c]) and not pd.api.types.is_bool_dtype(table[c]):
                parts.append((str(c), str(c), ""))
                continue
            levels = tuple(sorted({str(v) for v in table[c]}))
            known.append((str(c), levels))
            parts += [(f"{c}: {value}", str(c), value) for value in levels[1:]]
        names, column, level = ([p[i] for p in parts] for i in range(3))
        draft = cls(names=tuple(names), column=tuple(column), level=tuple(level), center=np.zeros(len(names)),
                    spread=np.ones(len(names)), known=tuple(known))  # fmt: skip
        x, w = draft.matrix(respondents), respondents.weight / respondents.weight.sum()
        center = w @ x  # weights count here as elsewhere: w people are w copies
        spread = np.sqrt(w @ (x - center) ** 2)
        flat = [n for n, s in zip(names, spread, strict=True) if not s > 0] or ["" for c, v in known if len(v) < 2]
        if flat or not names:
            raise RespondentsError(f"all respondents are alike in {examples(flat or list(map(str, columns)))}\n"
                                   "  leave it out of the covariates")  # fmt: skip
        return cls(names=draft.names, column=draft.column, level=draft.level, center=center, spread=spread,
                   known=draft.known)  # fmt: skip

    def matrix(self, respondents: Respondents) -> Floats:
        """(x - center) / spread of respondents (R, P).

        Raises
        ------
        RespondentsError
            Missing columns or values, and texts that were not there in the fit.
        """
        table = respondents.table
        absent = [c for c in dict.fromkeys(self.column) if c not in table]
        if absent:
            raise RespondentsError(f"respondents have no column {examples(absent)}, which the fit has as a covariate")
        for c in dict.fromkeys(self.column):
            _require_all(table, c)
        for c, levels in self.known:
            strange = sorted({str(v) for v in table[c]} - set(levels))
            if strange:
                raise RespondentsError(f"{len(strange)} values of {c!r} were not there in the fit: {examples(strange)}\n"
                                       f"  expected one of {', '.join(levels)}")  # fmt: skip
        parts = [table[c].to_numpy(float) if not v else np.array([str(t) == v for t in table[c]], float)
                 for c, v in zip(self.column, self.level, strict=True)]  # fmt: skip
        return (np.stack(parts, axis=1) - self.center) / self.spread

    def __len__(self) -> int:
        return len(self.names)


def _require_all(table: pd.DataFrame, column: str) -> None:
    missing = table.loc[table[column].isna() | (table[column].astype(str).str.strip() == ""), "id"].tolist()
    if missing:
        raise RespondentsError(f"{len(missing):,} of {len(table):,} respondents have no {column!r}\n"
                               f"  for example {examples(missing)}\n"
                               "  give them one ('unknown' is one too), or leave them out")  # fmt: skip
