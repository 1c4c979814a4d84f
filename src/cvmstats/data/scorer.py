"""Scorer: all that the projection needs, in one JSON file.

An additive multinomial logit: each value of each column adds to the log-odds of each segment, so that the same numbers
run as an expression in any engine and as a formula in a workbook.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.accounts import Accounts
from cvmstats.data.encoding import Encoding
from cvmstats.data.store import JsonFile, read_only
from cvmstats.errors import ScorerError

FORMAT = 1
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Scorer(JsonFile):
    """Segment probabilities of accounts from P coded columns, S segments.

    Parameters
    ----------
    encoding : Encoding
        How columns become P numbers.
    coefficients : array (P, S)
        Log-odds.
    intercepts : array (S)
        Log-odds.
    temperature : float
        Divides the log-odds; fitted on accounts that the coefficients had not seen.
    segments : tuple of str
        Names (S).
    sizes : array (S)
        Shares of the segments in the sample, the starting point of the correction of sizes.
    confusion : array (S, S), optional
        Row s: mean probabilities that accounts of segment s get, out of fold.
    draws : array (B, P + 1, S), optional
        Bootstrap of the coefficients over the surveyed accounts, the intercepts as last row.
    draw_sizes : array (B, S), optional
        The sample's shares in each of them.
    details : mapping
        How it was fitted: numbers of accounts, penalty, labels.
    version : int
        Format of the file.

    Raises
    ------
    ScorerError
        Where shapes do not fit together, a number is not finite, or the file's version is later than this library's.
    """

    encoding: Encoding
    coefficients: Floats
    intercepts: Floats
    segments: tuple[str, ...]
    sizes: Floats
    temperature: float = 1.0
    confusion: Floats | None = None
    draws: Floats | None = None
    draw_sizes: Floats | None = None
    details: Mapping[str, str | int | float] = field(default_factory=dict)
    version: int = FORMAT

    def __post_init__(self) -> None:
        n_columns, n_segments = len(self.encoding.names), len(self.segments)
        shapes = {"coefficients": (n_columns, n_segments), "intercepts": (n_segments,), "sizes": (n_segments,)}
        if self.confusion is not None:
            shapes["confusion"] = (n_segments, n_segments)
        if self.draws is not None:
            n_draws = len(self.draws)
            shapes |= {"draws": (n_draws, n_columns + 1, n_segments), "draw_sizes": (n_draws, n_segments)}
        for name, shape in shapes.items():
            array = read_only(getattr(self, name), float)
            if array.shape != shape:
                raise ScorerError(f"{name} of a scorer has shape {array.shape}\n  expected {shape}")
            if not np.all(np.isfinite(array)):
                raise ScorerError(f"{int((~np.isfinite(array)).sum())} numbers of {name} of a scorer are not finite")
            object.__setattr__(self, name, array)
        if len(set(self.segments)) != n_segments or n_segments < 2:
            raise ScorerError(f"a scorer needs two or more segments with different names, got {list(self.segments)}")
        if not self.temperature > 0:
            raise ScorerError(f"the temperature of a scorer must be positive, got {self.temperature}")
        if self.version > FORMAT:
            raise ScorerError(f"the scorer is of format {self.version}, this library reads up to {FORMAT}\n"
                              "  update cvmstats to read it")  # fmt: skip
        object.__setattr__(self, "segments", tuple(self.segments))
        object.__setattr__(self, "details", dict(self.details))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that a table must have."""
        return self.encoding.columns

    def probabilities(self, table: Accounts | pd.DataFrame, *, draw: int | None = None) -> Floats:
        """Segment probabilities (N, S) as in the sample, before any correction of sizes.

        Parameters
        ----------
        table : Accounts or DataFrame
            N rows with the scorer's columns.
        draw : int, optional
            Use the coefficients of this bootstrap draw.

        Raises
        ------
        AccountsError
            Where a column is missing.
        """
        frame = table.table if isinstance(table, Accounts) else table
        coefficients, intercepts = self.coefficients, self.intercepts
        if draw is not None:
            if self.draws is None:
                raise ScorerError("the scorer holds no bootstrap draws\n  fit it with fit_classifier(..., n_draws=40)")
            coefficients, intercepts = self.draws[draw, :-1], self.draws[draw, -1]
        logits = np.tile(intercepts, (len(frame), 1))
        start = 0
        for which, block, _ in self.encoding.parts(frame):
            end = start + block.shape[1]
            logits += (block @ coefficients[start:end])[which]
            start = end
        logits /= self.temperature
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def coefficient_table(self) -> pd.DataFrame:
        """Log-odds that each coded value adds, after the temperature; a row each, a column per segment."""
        rows = np.vstack([self.intercepts, self.coefficients]) / self.temperature
        return pd.DataFrame(rows, index=["(intercept)", *self.encoding.names], columns=list(self.segments))

    def to_json(self) -> str:
        """As JSON; read back it gives the same probabilities to the last bit."""
        arrays = ("coefficients", "intercepts", "sizes", "confusion", "draws", "draw_sizes")
        content = {
            "cvmstats_scorer": self.version, "segments": list(self.segments), "temperature": float(self.temperature),
            "encoding": self.encoding.to_dict(), "details": dict(self.details),
            **{name: None if getattr(self, name) is None else getattr(self, name).tolist() for name in arrays},
        }  # fmt: skip
        return json.dumps(content, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Scorer:
        """From what :meth:`to_json` gave.

        Raises
        ------
        ScorerError
            Where the text is no scorer.
        """
        try:
            content = json.loads(text)
            version = content.pop("cvmstats_scorer")
            if version > FORMAT:
                raise ScorerError(f"the scorer is of format {version}, this library reads up to {FORMAT}\n"
                                  "  update cvmstats to read it")  # fmt: skip
            n_columns = len(content["intercepts"])
            coefficients = np.array(content.pop("coefficients"), dtype=float).reshape(-1, n_columns)
            encoding = Encoding.from_dict(content.pop("encoding"))
            content["segments"] = tuple(content["segments"])
            for name in ("intercepts", "sizes", "confusion", "draws", "draw_sizes"):
                content[name] = None if content[name] is None else np.array(content[name], dtype=float)
            return cls(encoding=encoding, coefficients=coefficients, version=version, **content)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ScorerError(f"the text is no scorer: {error}\n  expected what Scorer.to_json() gives") from error

    def __repr__(self) -> str:
        shares = " · ".join(f"{n} {v:.0%}" for n, v in zip(self.segments, self.sizes, strict=True))
        how = ", ".join(f"{k} {v}" for k, v in self.details.items() if k != "left_out")
        head = f"Scorer  {len(self.segments)} segments from {len(self.columns)} columns"
        return "\n".join([head, f"  in the sample: {shares}", *([f"  {how}"] if how else [])])

    def _repr_html_(self) -> str:
        return f"<b>{escape(repr(self))}</b>{self.coefficient_table().to_html(float_format='{:.2f}'.format)}"
