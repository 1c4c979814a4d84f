"""Segments: who belongs together, softly, and the model that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.data.store import read_only
from cvmstats.errors import SegmentsError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentModel:
    """What is needed to assign new people.

    Parameters
    ----------
    route : {"choices", "utilities"}
        Latent class on the choices, or a mixture on the utilities.
    sizes : array (S)
        Shares, summing to 1.
    means : array (S, K + E)
        Each segment's parameters, in logits, and those of the answer.
    mean_cov : array (S, K, K), optional
        Sampling covariance of each segment's ``means`` (from the information matrix).
    covariances : array (S, K, K), optional
        Spread of the people of a segment (mixtures).
    form : str or mapping
        Likelihood, for the route from choices.
    response : tuple of str (E)
        Names of the parameters of the answer: ties, grades.
    """

    route: Literal["choices", "utilities"]
    sizes: Floats
    means: Floats
    mean_cov: Floats | None = None
    covariances: Floats | None = None
    form: str | Mapping[str, str] = ""
    response: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "response", tuple(self.response))
        for name in ("sizes", "means", "mean_cov", "covariances"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    @property
    def utilities(self) -> Floats:
        """The parameters of utilities (S, K), without those of the answer."""
        return self.means[:, : self.means.shape[1] - len(self.response)]


@dataclass(frozen=True, eq=False, kw_only=True)
class Segments:
    """Soft membership of respondents or accounts in S segments.

    Parameters
    ----------
    design : Design
        Of what the means speak.
    unit : {"respondent", "account"}
        What the rows are.
    ids : tuple of str
        R respondents or G accounts.
    membership : array (R, S) or (G, S)
        Probabilities, each row summing to 1.
    names : tuple of str (S)
        Names of the segments, by default "Segment 1", ...
    model : SegmentModel, optional
        What is needed to assign new people; None for segments imported from elsewhere.
    log_likelihood, bic : float, optional
        Of the fit.
    n_starts, starts_at_best : int
        Starts made, and how many of them reached the best log-likelihood.
    settings : mapping
        Everything needed to repeat the fit.
    """

    design: Design
    unit: Literal["respondent", "account"]
    ids: tuple[str, ...]
    membership: Floats
    names: tuple[str, ...] = ()
    model: SegmentModel | None = None
    log_likelihood: float | None = None
    bic: float | None = None
    n_starts: int = 0
    starts_at_best: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        membership = read_only(self.membership, np.float64)
        put = object.__setattr__
        put(self, "ids", tuple(str(v) for v in self.ids))
        if membership.ndim != 2 or membership.shape[0] != len(self.ids):
            raise SegmentsError(f"membership has shape {membership.shape}\n  expected ({len(self.ids)}, segments)")
        if not np.isfinite(membership).all() or membership.min() < 0 or np.abs(membership.sum(axis=1) - 1).max() > 1e-6:
            raise SegmentsError("rows of membership are not probabilities that sum to 1")
        put(self, "membership", membership)
        put(self, "names", tuple(self.names or (f"Segment {s + 1}" for s in range(membership.shape[1]))))
        if len(self.names) != membership.shape[1] or len(set(self.names)) != len(self.names):
            raise SegmentsError(f"{len(self.names)} names for {membership.shape[1]} segments, or names that stand twice")

    @property
    def n_segments(self) -> int:
        """S."""
        return len(self.names)

    @property
    def sizes(self) -> Floats:
        """Shares of the segments (S): the model's, or the mean membership."""
        return np.asarray(self.membership.mean(axis=0) if self.model is None else self.model.sizes)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The likeliest segment of each row, as an index."""
        return self.membership.argmax(axis=1)

    @property
    def certainty(self) -> float:
        """Mean of the largest membership: the ceiling of any hit rate."""
        return float(self.membership.max(axis=1).mean())

    def to_frame(self) -> pd.DataFrame:
        """One row per unit: its id, a column of probabilities per segment, ``segment`` and ``probability``."""
        table = pd.DataFrame(np.array(self.membership), columns=list(self.names))
        table.insert(0, self.unit, list(self.ids))
        table["segment"] = [self.names[i] for i in self.labels]
        table["probability"] = self.membership.max(axis=1)
        return table

    def means_frame(self) -> pd.DataFrame:
        """One row per item, a column per segment: zero-centred utilities in logits.

        Raises
        ------
        SegmentsError
            Where there is no model.
        """
        if self.model is None:
            raise SegmentsError("these segments carry no model, only memberships\n  fit_latent_class gives one")
        values = np.asarray(self.design.report) @ self.model.utilities.T
        table = pd.DataFrame(values, columns=list(self.names))
        table.insert(0, "item", list(self.design.report_labels or ()))
        return table

    def __repr__(self) -> str:
        plural = "accounts" if self.unit == "account" else "respondents"
        shares = " · ".join(f"{n} {100 * s:.0f}%" for n, s in zip(self.names, self.sizes, strict=True))
        parts = [f"mean certainty {self.certainty:.2f}"]
        if self.bic is not None:
            parts.append(f"BIC {self.bic:,.1f}")
        if self.n_starts:
            parts.append(f"best solution reached by {self.starts_at_best} of {self.n_starts} starts")
        return f"Segments  {self.n_segments} of {len(self.ids):,} {plural}\n  {shares}\n  {' · '.join(parts)}"

    def _repr_html_(self) -> str:
        table = self.means_frame().round(2).to_html(index=False) if self.model is not None else ""
        return f"<pre>{escape(repr(self))}</pre>{table}"
