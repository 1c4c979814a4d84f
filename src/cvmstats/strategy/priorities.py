"""Five grades of importance for each need and segment, as in figure 8b of the book that this library follows.

Grades come from the parameters *of the segment*, with their uncertainty: averages of utilities that were estimated as
one population shrink what is rare towards the majority. Cut-offs are the same for all segments, so that a segment may
have ten very important needs and another three; a quota per segment could not say that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from cvmstats.data.items import Items
from cvmstats.data.segments import Segments
from cvmstats.data.store import read_only
from cvmstats.errors import SegmentsError

Floats = npt.NDArray[np.float64]

GRADES = ("very important", "important", "somewhat important", "slightly important", "not important")
CUTOFFS = (2.0, 1.0, 0.5, 0.25)
"""Twice chance, chance, half and a quarter of chance."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Priorities:
    """A grade for each of L needs in each of S segments.

    Parameters
    ----------
    items : Items
        The needs (L), with their groups.
    segments : tuple of str (S)
        Names of the segments.
    sizes : array (S)
        Their shares.
    utility, se : array (L, S)
        Zero-centred utilities and their standard errors, in logits; ``se`` is NaN where the model has none.
    grade : array (L, S), int
        Index into ``GRADES``: 0 very important, ..., 4 not important.
    chances : array (L, S, 5)
        Probability of each grade, by the normal approximation; NaN where there is no standard error.
    cutoffs : tuple of float (4)
        In multiples of chance.
    set_size : float
        a, items per task: chance is 1 / a.
    """

    items: Items
    segments: tuple[str, ...]
    sizes: Floats
    utility: Floats
    se: Floats
    grade: npt.NDArray[np.int64]
    chances: Floats
    cutoffs: tuple[float, ...]
    set_size: float

    def __post_init__(self) -> None:
        for name in ("sizes", "utility", "se", "chances"):
            object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        object.__setattr__(self, "grade", read_only(self.grade, np.int64))

    @property
    def probability(self) -> Floats:
        """Sawtooth probability (L, S), e^u / (e^u + a - 1): of being picked as best among a - 1 average needs."""
        return np.asarray(1 / (1 + (self.set_size - 1) * np.exp(-self.utility)))

    @property
    def p_very(self) -> Floats:
        """Probability (L, S) that a need is very important to a segment."""
        return np.asarray(self.chances[:, :, 0])

    def table(self) -> pd.DataFrame:
        """One row per need and segment.

        Columns ``group``, ``item``, ``segment``, ``utility``, ``se``, ``sawtooth_probability`` (0 to 1), ``grade``,
        ``p_grade`` (that it has this grade), ``p_at_least`` (this grade or a higher one), ``p_very``.
        """
        n_items, n_segments = self.grade.shape
        at = np.take_along_axis(self.chances, self.grade[:, :, None], axis=2)[:, :, 0]
        above = np.take_along_axis(np.cumsum(self.chances, axis=2), self.grade[:, :, None], axis=2)[:, :, 0]
        return pd.DataFrame({
            "group": np.repeat(np.array(self.items.groups, dtype=object), n_segments),
            "item": np.repeat(np.array(self.items.labels, dtype=object), n_segments),
            "segment": np.tile(np.array(self.segments, dtype=object), n_items),
            "utility": self.utility.ravel(), "se": self.se.ravel(),
            "sawtooth_probability": self.probability.ravel(),
            "grade": [GRADES[g] for g in self.grade.ravel()],
            "p_grade": at.ravel(), "p_at_least": np.minimum(above, 1.0).ravel(), "p_very": self.p_very.ravel(),
        })  # fmt: skip

    def matrix(self) -> pd.DataFrame:
        """Grades as words: a row per need (index), a column per segment."""
        words = np.array(GRADES, dtype=object)[self.grade]
        return pd.DataFrame(words, index=pd.Index(self.items.labels, name="item"), columns=list(self.segments))

    def __repr__(self) -> str:
        names = " · ".join(f"{n} {v}" for n, v in zip(self.segments, (self.grade == 0).sum(axis=0), strict=True))
        cuts = ", ".join(f"{c:g}" for c in self.cutoffs)
        lines = [f"Priorities  {self.grade.shape[0]} needs x {self.grade.shape[1]} segments, five grades",
                 f"  very important: {names}",
                 f"  grades begin at {cuts} times chance, chance {1 / self.set_size:.2f}"]  # fmt: skip
        if np.isfinite(self.chances).all():
            unsure = int((self.chances.max(axis=2) < 0.8).sum())
            lines.append(f"  {unsure} of {self.grade.size} grades have a probability below .80")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>{self.matrix().to_html()}"


def grade_priorities(segments: Segments, *, cutoffs: Sequence[float] | None = None) -> Priorities:
    """Grade each need in each segment, from the segment's own parameters.

    With zero-centred utility u and a items per task, p = e^u / (e^u + a - 1) is the probability that the need is picked
    as best among a - 1 average ones (Chrzan & Orme 2019, p. 56); chance is 1 / a. A need is very important from twice
    chance (at a = 5 from p = .40, u = 0.98), important from chance (u = 0), somewhat important from half of chance
    (u = -0.81), slightly important from a quarter of it (u = -1.56), and not important below.

    Parameters
    ----------
    segments : Segments
        With a model: its ``means`` are graded, its ``mean_cov`` gives the probabilities.
    cutoffs : sequence of 4 floats, optional
        Where the grades begin, in multiples of chance, descending; below a (a probability of 1).

    Raises
    ------
    SegmentsError
        Where the segments carry no model, or the cut-offs are not four descending multiples of chance.
    """
    if segments.model is None:
        raise SegmentsError("these segments carry no model, and grades come from its parameters\n"
                            "  fit_latent_class(choices, ...) gives one")  # fmt: skip
    design, a = segments.design, segments.design.set_size
    cuts = tuple(float(c) for c in (CUTOFFS if cutoffs is None else cutoffs))
    if len(cuts) != 4 or any(x <= y for x, y in pairwise(cuts)) or cuts[-1] <= 0 or cuts[0] >= a:
        raise SegmentsError(f"cut-offs {', '.join(f'{c:g}' for c in cuts)}\n  expected four multiples of chance, "
                            f"descending, between 0 and {a:g} (items per task)")  # fmt: skip
    report = np.asarray(design.report)
    centred = report - report.mean(axis=0)
    utility = centred @ segments.model.utilities.T
    se = np.full_like(utility, np.nan)
    if segments.model.mean_cov is not None:
        se = np.sqrt(np.einsum("lk,skm,lm->ls", centred, segments.model.mean_cov, centred))
    p = np.array(cuts) / a
    edges = np.log(p * (a - 1) / (1 - p))
    # At or above each edge; the last grade has no edge below it.
    above = norm.cdf((utility[:, :, None] - edges) / np.where(se > 0, se, np.nan)[:, :, None])
    full = np.concatenate([np.zeros((*utility.shape, 1)), above, np.ones((*utility.shape, 1))], axis=2)
    return Priorities(
        items=_items(segments), segments=segments.names, sizes=segments.sizes, utility=utility, se=se,
        grade=(utility[:, :, None] < edges).sum(axis=2), chances=np.diff(full, axis=2), cutoffs=cuts, set_size=a,
    )  # fmt: skip


def _items(segments: Segments) -> Items:
    """What the report speaks of: the items, or levels without groups."""
    design = segments.design
    labels = tuple(design.report_labels or ())
    if isinstance(design.objects, Items) and labels == design.objects.labels:
        return design.objects
    return Items.from_labels(labels)
