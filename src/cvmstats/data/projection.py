"""Projection: the account list scored, every account in its place."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.store import read_only
from cvmstats.errors import AccountsError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Projection:
    """N accounts with their probabilities of S segments.

    Parameters
    ----------
    table : DataFrame
        N rows in the order of the list: its columns unchanged, then ``p_<segment>`` (S), ``segment`` (the most
        probable), ``probability`` (of that one) and ``caution`` (text, empty where all is well).
    id : str
        The column with the ids.
    segments : tuple of str
        Names (S).
    naive : array (S)
        Shares as the mean of uncorrected probabilities: biased where the list's mix differs from the sample's.
    corrected : array (S), optional
        Shares corrected for label shift; then the table's probabilities are adjusted to them.
    interval : array (S, 2), optional
        Interval of the corrected shares, over survey and list.
    level : float
        Its level.
    condition : float, optional
        Condition number of the classifier's confusion matrix.
    cautions : tuple of str
        What to know before the list is used, a sentence each.

    Raises
    ------
    AccountsError
        Where a column is missing or probabilities do not sum to one.
    """

    table: pd.DataFrame
    id: str
    segments: tuple[str, ...]
    naive: Floats
    corrected: Floats | None = None
    interval: Floats | None = None
    level: float = 0.95
    condition: float | None = None
    cautions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", self.table.reset_index(drop=True).copy())
        object.__setattr__(self, "segments", tuple(self.segments))
        object.__setattr__(self, "cautions", tuple(self.cautions))
        wanted = [self.id, *probability_columns(self.segments), "segment", "probability", "caution"]
        absent = [c for c in wanted if c not in self.table]
        if absent:
            raise AccountsError(f"a projection lacks the columns {absent}")
        for name, shape in (("naive", (self.n_segments,)), ("corrected", (self.n_segments,)),
                            ("interval", (self.n_segments, 2))):  # fmt: skip
            if getattr(self, name) is not None:
                array = read_only(getattr(self, name), float)
                if array.shape != shape:
                    raise AccountsError(f"{name} of a projection has shape {array.shape}\n  expected {shape}")
                object.__setattr__(self, name, array)
        off = int((np.abs(self.probabilities.sum(axis=1) - 1) > 1e-6).sum())
        if off:
            raise AccountsError(f"the probabilities of {off:,} of {len(self):,} accounts do not sum to one")

    @property
    def n_segments(self) -> int:
        """S."""
        return len(self.segments)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids (N), as on the list."""
        return tuple(self.table[self.id])

    @property
    def probabilities(self) -> Floats:
        """Segment probabilities (N, S)."""
        return self.table[probability_columns(self.segments)].to_numpy(float, copy=True)

    @property
    def sizes(self) -> Floats:
        """Shares of the segments on the list (S): corrected where they were corrected, else naive."""
        return self.naive if self.corrected is None else self.corrected

    def size_table(self) -> pd.DataFrame:
        """Shares and expected numbers of accounts per segment, the naive figures beside the corrected."""
        table = pd.DataFrame({"segment": self.segments, "naive": self.naive})
        if self.corrected is not None:
            table["corrected"] = self.corrected
        if self.interval is not None:
            table["lower"], table["upper"] = self.interval[:, 0], self.interval[:, 1]
        table["accounts"] = self.sizes * len(self)
        return table

    def to_frame(self) -> pd.DataFrame:
        """A copy of the table."""
        return self.table.copy()

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        lines = [f"Projection  {len(self):,} accounts onto {self.n_segments} segments"]
        for row in self.size_table().itertuples():
            shares = f"naive {row.naive:.1%}"
            if self.corrected is not None:
                shares += f", corrected {row.corrected:.1%}"
            if self.interval is not None:
                shares += f" ({row.lower:.1%} to {row.upper:.1%})"
            lines.append(f"  {row.segment}: {shares}")
        certain = float((self.table["probability"] >= 0.5).mean())
        lines.append(f"  {certain:.0%} of accounts have a segment with a probability of .5 or more")
        return "\n".join(lines + [f"  {text}" for text in self.cautions])

    def _repr_html_(self) -> str:
        lines = repr(self).splitlines()
        notes = "".join(f"<p>{escape(text)}</p>" for text in self.cautions)
        sizes = self.size_table().to_html(index=False, float_format="{:.3f}".format)
        return f"<b>{escape(lines[0])}</b>{sizes}{notes}"


def probability_columns(segments: tuple[str, ...]) -> list[str]:
    """Names of the columns with the probabilities (S)."""
    return [f"p_{name}" for name in segments]
