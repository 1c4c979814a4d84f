"""How many segments: the same fit for a range of numbers, compared by information criteria.

BIC finds the true number best among the criteria (Nylund, Asparouhov & Muthén 2007, doi:10.1080/10705510701575396).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.segments import Segments
from cvmstats.errors import SegmentsError
from cvmstats.segments.latent_class import fit_latent_class


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentChoice:
    """Fits with several numbers of segments; ``choice[5]`` is the one with five, ``choice.best`` that of lowest BIC.

    Parameters
    ----------
    fits : tuple of Segments
        In ascending number of segments.
    """

    fits: tuple[Segments, ...]

    @property
    def best(self) -> Segments:
        """The fit with the lowest BIC."""
        return min(self.fits, key=lambda f: np.inf if f.bic is None else f.bic)

    def __getitem__(self, n_segments: int) -> Segments:
        for fit in self.fits:
            if fit.n_segments == n_segments:
                return fit
        raise KeyError(f"no fit with {n_segments} segments; there are {', '.join(str(n) for n in self)}")

    def __iter__(self) -> Iterator[int]:
        return (f.n_segments for f in self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    def table(self) -> pd.DataFrame:
        """One row per number of segments.

        ``bic``, ``aic``, ``caic``, ``sabic`` (lower is better); ``entropy``, 1 for certain memberships and 0 for none;
        ``smallest``, the share of the smallest segment; ``starts_at_best`` of ``n_starts``.
        """
        return pd.DataFrame([_row(f) for f in self.fits])

    def __repr__(self) -> str:
        best = self.best
        lines = [f"SegmentChoice  {min(self)} to {max(self)} segments of {len(best.ids):,} {best.unit}s, "
                 f"BIC lowest at {best.n_segments}"]  # fmt: skip
        for row in self.table().itertuples():
            mark = "  <" if row.n_segments == best.n_segments else ""
            lines.append(f"  {row.n_segments:>2}  log-likelihood {row.log_likelihood:,.1f} · BIC {row.bic:,.1f} · "
                         f"entropy {row.entropy:.2f} · smallest {100 * float(str(row.smallest)):.0f}% · "
                         f"best reached by {row.starts_at_best} of {row.n_starts} starts{mark}")  # fmt: skip
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<b>BIC lowest at {self.best.n_segments} segments</b>{self.table().round(3).to_html(index=False)}"


def choose_segments(choices: Choices, n_segments: Iterable[int] = range(1, 9), **options: Any) -> SegmentChoice:
    """Fit latent classes with each of several numbers of segments.

    Parameters
    ----------
    choices : Choices
    n_segments : iterable of int
        Numbers to try.
    **options
        As in :func:`fit_latent_class`.

    Raises
    ------
    SegmentsError
        Where there is no number to try.
    """
    numbers = sorted(set(n_segments))
    if not numbers:
        raise SegmentsError("n_segments is empty\n  expected numbers of segments, for example range(1, 9)")
    return SegmentChoice(fits=tuple(fit_latent_class(choices, n, **options) for n in numbers))


def _row(fit: Segments) -> dict[str, float | int]:
    assert fit.model is not None
    assert fit.log_likelihood is not None
    count, n = fit.model.means.size + fit.n_segments - 1, float(fit.settings["n_units"])
    deviance = -2 * fit.log_likelihood
    p = np.asarray(fit.membership)
    chaos = -(p * np.log(np.maximum(p, 1e-300))).sum()
    return {
        "n_segments": fit.n_segments, "log_likelihood": fit.log_likelihood, "n_parameters": count,
        "bic": deviance + count * np.log(n), "aic": deviance + 2 * count, "caic": deviance + count * (np.log(n) + 1),
        "sabic": deviance + count * np.log((n + 2) / 24),
        "entropy": 1.0 if fit.n_segments == 1 else float(1 - chaos / (len(p) * np.log(fit.n_segments))),
        "smallest": float(fit.sizes.min()), "starts_at_best": fit.starts_at_best, "n_starts": fit.n_starts,
    }  # fmt: skip
