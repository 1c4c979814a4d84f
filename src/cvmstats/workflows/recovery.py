"""What a run recovered of a simulated study, against its truth and against the oracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.segments import Segments
from cvmstats.workflows.example import Study, Truth

if TYPE_CHECKING:
    from cvmstats.workflows.pipeline import StudyResult

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NAN = float("nan")


@dataclass(frozen=True, eq=False, kw_only=True)
class Recovery:
    """Figures of one run on a simulated study.

    Parameters
    ----------
    n_segments : int
        Found, by BIC.
    ari, oracle_ari : float
        Adjusted Rand index of the accounts' segments against the truth, and the oracle's.
    recall, precision : float
        Over the cells of the figure that are truly "very important" (35) or were graded so.
    differing, n_differing : int
        Cells right, of those where a segment differs from the majority of segments (11).
    naive_error, corrected_error : float
        Largest error of a segment's share on the list.
    hooks, firmographics : float
        Held-out (soft) hit rates.
    gain, gain_lower, gain_upper : float
        Hooks less firmographics, with its interval.
    """

    n_segments: int
    ari: float
    oracle_ari: float = NAN
    recall: float
    precision: float
    differing: int
    n_differing: int
    naive_error: float = NAN
    corrected_error: float = NAN
    hooks: float = NAN
    firmographics: float = NAN
    gain: float = NAN
    gain_lower: float = NAN
    gain_upper: float = NAN

    def __repr__(self) -> str:
        lines = [
            "Recovered of the simulated truth",
            f"  segments by BIC: {self.n_segments} (truth 5)",
            f"  accounts in their segment: adjusted Rand index {self.ari:.3f}, oracle {self.oracle_ari:.3f}, "
            f"ratio {self.ari / self.oracle_ari:.3f}",
            f"  'very important' cells of figure 8b: recall {self.recall:.3f}, precision {self.precision:.3f}",
            f"  cells where a segment differs from the majority: {self.differing} of {self.n_differing} right",
            f"  shares on the list, largest error: naive {100 * self.naive_error:.1f} points, "
            f"corrected {100 * self.corrected_error:.1f} points",
            f"  held-out hit rate: hooks {self.hooks:.3f}, firmographics {self.firmographics:.3f}, "
            f"difference {self.gain:.3f} ({self.gain_lower:.3f} to {self.gain_upper:.3f})",
        ]
        return "\n".join(lines)


def assess_recovery(study: Study, result: StudyResult, *, n_draws: int = 64) -> Recovery:
    """Compare a run on a simulated study with what is true, and with the oracle.

    Parameters
    ----------
    study : Study
        From :func:`make_study`.
    result : StudyResult
        Of a run on its files.
    n_draws : int
        Points of the oracle's importance sampling; 0 for the Laplace approximation.
    """
    from cvmstats.workflows.oracle import oracle_membership

    figures: dict[str, float] = {}
    truth = study.truth
    oracle = oracle_membership(study, n_draws=n_draws).argmax(axis=1)
    to_truth = match_segments(segment_utilities(result.segments), truth.means)[0]
    if result.projection is not None:
        for name, shares in (("naive", result.projection.naive), ("corrected", result.projection.sizes)):
            found = np.bincount(to_truth, weights=shares, minlength=len(truth.segments))
            figures[f"{name}_error"] = float(np.abs(found - truth.list_shares).max())
    if result.evaluation is not None:
        pairs = result.evaluation.differences
        row = pairs[(pairs["first"] == "hooks") & (pairs["second"] == "firmographics")].iloc[0]
        figures |= {"hooks": result.evaluation.hit_rate("hooks"),
                    "firmographics": result.evaluation.hit_rate("firmographics"), "gain": float(row["difference"]),
                    "gain_lower": float(row["lower"]), "gain_upper": float(row["upper"])}  # fmt: skip
    return assess_segments(truth, result.segments, result.priorities.grade == 0, oracle=oracle, **figures)


def assess_segments(truth: Truth, segments: Segments, very: npt.ArrayLike, *, oracle: Ints | None = None,
                    **figures: float) -> Recovery:  # fmt: skip
    """Compare segments with the truth, ``very`` (J, S) saying which needs are very important to each.

    A true segment that no found one stands for takes the grades of the nearest.
    """
    label = dict(zip(segments.ids, segments.labels, strict=True))
    found = np.array([label[a] for a in truth.accounts])
    to_found = match_segments(segment_utilities(segments), truth.means)[1]
    said = np.asarray(very, dtype=bool)[:, to_found]
    true = truth.grades == 1
    usual = true.sum(axis=1) * 2 > true.shape[1]
    differs = true != usual[:, None]
    return Recovery(
        n_segments=segments.n_segments, ari=adjusted_rand_index(truth.segment, found),
        oracle_ari=NAN if oracle is None else adjusted_rand_index(truth.segment, oracle),
        recall=float((said & true).sum() / true.sum()), precision=float((said & true).sum() / max(said.sum(), 1)),
        differing=int((said == true)[differs].sum()), n_differing=int(differs.sum()), **figures,
    )  # fmt: skip


def segment_utilities(segments: Segments) -> Floats:
    """Utilities of each segment (S, J), rows sum to zero."""
    return segments.means_frame().drop(columns="item").to_numpy(float).T


def match_segments(found: Floats, true: Floats) -> tuple[Ints, Ints]:
    """The true segment of each found one, and the found segment of each true one.

    Pairs are matched one to one on the squared distance of their utilities; what is left over goes to the nearest.

    >>> match_segments(np.array([[0.0, 1], [1, 0]]), np.array([[1.0, 0], [0, 1], [0, 2]]))
    (array([1, 0]), array([1, 0, 0]))
    """
    from scipy.optimize import linear_sum_assignment

    distance = ((found[:, None, :] - true[None, :, :]) ** 2).sum(axis=2)
    to_true, to_found = distance.argmin(axis=1), distance.argmin(axis=0)
    rows, columns = linear_sum_assignment(distance)
    to_true[rows], to_found[columns] = columns, rows
    return to_true, to_found


def adjusted_rand_index(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Agreement of two partitions, 1 perfect and 0 by chance (Hubert & Arabie 1985, doi:10.1007/BF01908075).

    >>> adjusted_rand_index([0, 0, 1, 1], [1, 1, 0, 0])
    1.0
    """
    table = pd.crosstab(np.asarray(first), np.asarray(second)).to_numpy(float)

    def pairs(counts: Floats) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    chance = rows * columns / pairs(np.array([table.sum()]))
    most = (rows + columns) / 2
    return 1.0 if most == chance else (both - chance) / (most - chance)
