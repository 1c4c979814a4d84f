"""Sizes of segments on a list whose mix is not the sample's: label shift.

The classifier's probabilities carry the mix of the sample it was fitted on. Where only the mix differs, and not what
the accounts of a segment look like, the list's own mix is a maximum likelihood estimate by EM: Saerens, Latinne &
Decaestecker 2002, Neural Computation 14(1), 21-41, doi:10.1162/089976602753284446, equations 2.4 and 2.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm

from cvmstats.data.store import read_only
from cvmstats.errors import ScorerError

Floats = npt.NDArray[np.float64]
MAX_CONDITION = 30.0


@dataclass(frozen=True, eq=False, kw_only=True)
class CorrectedSizes:
    """Shares of S segments on a list of N accounts.

    Parameters
    ----------
    sizes : array (S)
        Corrected shares.
    naive : array (S)
        Means of the probabilities as they were.
    training_sizes : array (S)
        Shares in the sample.
    probabilities : array (N, S)
        Probabilities adjusted to the corrected shares; their mean is ``sizes``.
    interval : array (S, 2), optional
        Bootstrap over list and survey, at ``level``.
    condition : float, optional
        Condition number of the confusion matrix.
    iterations : int
        Steps of EM.
    segments : tuple of str
        Names (S).
    """

    sizes: Floats
    naive: Floats
    training_sizes: Floats
    probabilities: Floats
    segments: tuple[str, ...]
    iterations: int
    interval: Floats | None = None
    level: float = 0.95
    condition: float | None = None

    def __post_init__(self) -> None:
        for name in ("sizes", "naive", "training_sizes", "probabilities", "interval"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, read_only(getattr(self, name), float))

    def to_frame(self) -> pd.DataFrame:
        """A row per segment: shares in the sample, naive and corrected, with the interval."""
        table = pd.DataFrame({"segment": self.segments, "sample": self.training_sizes, "naive": self.naive,
                              "corrected": self.sizes})  # fmt: skip
        if self.interval is not None:
            table["lower"], table["upper"] = self.interval[:, 0], self.interval[:, 1]
        return table

    def __repr__(self) -> str:
        n_accounts = len(self.probabilities)
        lines = [f"Sizes  {len(self.sizes)} segments on {n_accounts:,} accounts, corrected for label shift"]
        for row in self.to_frame().itertuples():
            between = f" ({row.lower:.1%} to {row.upper:.1%})" if self.interval is not None else ""
            before = f"naive {row.naive:.1%}, sample {row.sample:.1%}"
            lines.append(f"  {row.segment}: {row.corrected:.1%}{between}, {before}")
        return "\n".join(lines)


def correct_sizes(
    probabilities: npt.ArrayLike,
    training_sizes: npt.ArrayLike,
    *,
    confusion: npt.ArrayLike | None = None,
    draws: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]] = (),
    segments: Sequence[str] | None = None,
    level: float = 0.95,
    max_condition: float = MAX_CONDITION,
    seed: int | np.random.Generator = 0,
) -> CorrectedSizes:
    """Correct the sizes of segments for a list whose mix differs from the sample's.

    Parameters
    ----------
    probabilities : array (N, S)
        The classifier's calibrated probabilities on the list.
    training_sizes : array (S)
        Shares of the segments in the sample, all positive.
    confusion : array (S, S), optional
        Row s: mean out-of-fold probabilities of accounts of segment s. Where its rows are nearly equal the list's mix
        cannot be told, and the correction is refused.
    draws : sequence of (probabilities, training_sizes), two or more
        The same from bootstrap samples of the survey, for accounts drawn from the list; gives the interval.
    segments : sequence of str, optional
        Names (S).
    level : float
        Of the interval.
    max_condition : float
        Largest condition number of ``confusion`` that is accepted.
    seed : int or Generator
        Of the bootstrap over the list.

    Raises
    ------
    ScorerError
        Where shapes do not fit, shares are not positive, or the confusion matrix is ill-conditioned.
    """
    p = np.asarray(probabilities, dtype=float)
    prior = np.asarray(training_sizes, dtype=float)
    if p.ndim != 2 or prior.shape != (p.shape[1],) or not len(p):
        raise ScorerError(f"probabilities have shape {p.shape} and sizes of the sample {prior.shape}\n"
                          "  expected (N, S) and (S,)")  # fmt: skip
    off = int((~(np.abs(p.sum(axis=1) - 1) <= 1e-6)).sum())
    if off:
        raise ScorerError(f"the probabilities of {off:,} of {len(p):,} accounts do not sum to one")
    if not np.all(prior > 0):
        raise ScorerError(f"{int((prior <= 0).sum())} segments have no share in the sample\n  leave them out")
    names = tuple(segments) if segments is not None else tuple(f"Segment {s + 1}" for s in range(len(prior)))
    prior = prior / prior.sum()
    condition = None if confusion is None else check_condition(confusion, max_condition)
    sizes, iterations = _saerens(p, prior, prior, 1e-10)
    interval = None
    if len(draws) > 1:
        rng = np.random.default_rng(seed)
        found = []
        for drawn, drawn_prior in draws:
            pool, start = np.asarray(drawn, dtype=float), np.asarray(drawn_prior, dtype=float)
            rows = rng.integers(len(pool), size=len(pool))
            found.append(_saerens(pool[rows], start / start.sum(), sizes, 1e-6)[0])
        interval = _interval(sizes, np.array(found), level)
    return CorrectedSizes(
        sizes=sizes, naive=p.mean(axis=0), training_sizes=prior, probabilities=adjust(p, prior, sizes),
        segments=names, iterations=iterations, interval=interval, level=level, condition=condition,
    )  # fmt: skip


def adjust(probabilities: Floats, old: Floats, new: Floats) -> Floats:
    """Probabilities (N, S) under other shares of the segments."""
    odds = probabilities * (new / old)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def check_condition(confusion: npt.ArrayLike, max_condition: float = MAX_CONDITION) -> float:
    """Condition number of a confusion matrix (S, S), rows scaled to sum to one.

    Raises
    ------
    ScorerError
        Where it exceeds ``max_condition``.
    """
    matrix = np.asarray(confusion, dtype=float)
    matrix = matrix / matrix.sum(axis=1, keepdims=True)
    condition = float(np.linalg.cond(matrix))
    if not condition <= max_condition:
        own = ", ".join(f"{v:.2f}" for v in np.diag(matrix))
        raise ScorerError(
            f"the sizes of {len(matrix)} segments cannot be corrected: the condition number of the classifier's "
            f"confusion matrix is {condition:,.3g}, more than {max_condition:g}\n"
            f"  accounts of a segment get it with mean probabilities of {own}\n"
            "  expected columns that tell the segments apart: add hooks, or join segments that look alike\n"
            "  to score without the correction: project(..., correct=False)"
        )
    return condition


def _interval(sizes: Floats, found: Floats, level: float) -> Floats:
    """Normal interval (S, 2) of the log-odds of the shares: steadier than quantiles of few draws, within 0 and 1."""
    centre = logit(np.clip(sizes, 1e-4, 1 - 1e-4))
    spread = logit(np.clip(found, 1e-4, 1 - 1e-4)).std(axis=0, ddof=1)
    reach = norm.ppf((1 + level) / 2) * spread
    bounds = expit(np.column_stack([centre - reach, centre + reach]))
    return np.column_stack([np.minimum(bounds[:, 0], sizes), np.maximum(bounds[:, 1], sizes)])


def _saerens(p: Floats, prior: Floats, start: Floats, tolerance: float) -> tuple[Floats, int]:
    """Shares by EM, every second and third step extrapolated (SQUAREM, Varadhan & Roland 2008) where that goes up."""
    ratio = p / prior

    def step(sizes: Floats) -> tuple[Floats, float]:
        joint = ratio * sizes
        total = joint.sum(axis=1)
        return np.asarray((joint / total[:, None]).mean(axis=0)), float(np.log(total).mean())

    sizes, iteration = start / start.sum(), 0
    while iteration < 2000:
        first, value = step(sizes)
        second, _ = step(first)
        iteration += 2
        r, v = first - sizes, (second - first) - (first - sizes)
        if np.abs(r).max() < tolerance:
            return first, iteration
        length = -np.sqrt((r @ r) / max(float(v @ v), 1e-300))
        far = sizes - 2 * length * r + length**2 * v
        if length < -1 and far.min() > 0:
            onward, reached = step(far / far.sum())
            iteration += 1
            sizes = onward if reached >= value else second
        else:
            sizes = second
    return sizes, iteration
