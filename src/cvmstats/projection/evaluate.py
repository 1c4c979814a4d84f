"""How well columns of the list predict the segment, on accounts that the classifier has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.accounts import Accounts
from cvmstats.data.encoding import Encoding
from cvmstats.data.segments import Segments
from cvmstats.data.store import read_only
from cvmstats.errors import AccountsError
from cvmstats.projection.classifier import assign_folds, fit_calibrated
from cvmstats.projection.project import join_sample, likelihoods

Floats = npt.NDArray[np.float64]
_PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """Out-of-fold accuracy of named sets of columns, on the same folds.

    Parameters
    ----------
    sets : mapping
        Columns of each set.
    segments : tuple of str
        Names (S).
    ids : tuple of str
        Accounts (G).
    membership : array (G, S)
        What the answers say, against which everything is measured.
    probabilities : mapping of array (G, S)
        Out of fold, averaged over repeats.
    hits : mapping of array (G)
        Membership of the predicted segment, averaged over repeats.
    hard_hits : mapping of array (G)
        Share of repeats in which the predicted segment is the likeliest.
    labels : {"latent", "soft"}
        What the probabilities speak of: the segment itself, or the membership as the answers give it.
    differences : DataFrame
        Pairs of sets: difference of their soft hit rates and its interval, by bootstrap over accounts.
    level : float
        Of the intervals.
    n_folds, n_repeats : int
    """

    sets: Mapping[str, tuple[str, ...]]
    segments: tuple[str, ...]
    ids: tuple[str, ...]
    membership: Floats
    probabilities: Mapping[str, Floats]
    hits: Mapping[str, Floats]
    hard_hits: Mapping[str, Floats]
    differences: pd.DataFrame
    labels: str
    level: float
    n_folds: int
    n_repeats: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "membership", read_only(self.membership, float))
        for name in ("probabilities", "hits", "hard_hits"):
            object.__setattr__(self, name, {k: read_only(v, float) for k, v in getattr(self, name).items()})
        object.__setattr__(self, "differences", self.differences.copy())

    @property
    def base_rate(self) -> float:
        """Share of the largest segment: what predicting it for everybody would hit."""
        return float(self.membership.mean(axis=0).max())

    @property
    def ceiling(self) -> float:
        """Mean of the largest membership: what a classifier that knew all answers would hit."""
        return float(self.membership.max(axis=1).mean())

    def hit_rate(self, name: str) -> float:
        """Soft hit rate of a set: mean membership of the predicted segment."""
        return float(self.hits[name].mean())

    def hard_hit_rate(self, name: str) -> float:
        """Share of accounts whose predicted segment is their likeliest."""
        return float(self.hard_hits[name].mean())

    def log_loss_skill(self, name: str) -> float:
        """Share of the log-loss of constant shares that the set takes away, against the memberships.

        0 is no better than constant shares; uncertain memberships keep it below 1. Probabilities of the segment itself
        are first turned into expected memberships, by the mean membership among accounts of each segment.
        """
        shares = self.membership.mean(axis=0)
        expected = self.probabilities[name]
        if self.labels == "latent":
            expected = expected @ (self.membership.T @ self.membership / len(self.membership) / shares[:, None])
        loss = -(self.membership * np.log(np.maximum(expected, 1e-300))).sum(axis=1).mean()
        constant = -(shares * np.log(np.maximum(shares, 1e-300))).sum()
        return float(1 - loss / constant)

    def table(self) -> pd.DataFrame:
        """A row per set: hit rates beside base rate and ceiling, and log-loss skill."""
        return pd.DataFrame([
            {"set": name, "columns": len(columns), "soft_hit_rate": self.hit_rate(name),
             "hard_hit_rate": self.hard_hit_rate(name), "base_rate": self.base_rate, "ceiling": self.ceiling,
             "log_loss_skill": self.log_loss_skill(name)}
            for name, columns in self.sets.items()
        ])  # fmt: skip

    def segment_table(self) -> pd.DataFrame:
        """A row per set and segment: recall and precision, both soft."""
        rows = []
        for name, p in self.probabilities.items():
            picked = np.eye(len(self.segments))[p.argmax(axis=1)]
            found = (self.membership * picked).sum(axis=0)
            there, said = self.membership.sum(axis=0), picked.sum(axis=0)
            for s, segment in enumerate(self.segments):
                rows.append({"set": name, "segment": segment, "share": there[s] / len(p), "recall": found[s] / there[s],
                             "precision": found[s] / said[s] if said[s] else np.nan})  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def verdict(self) -> str:
        """One sentence: what the first set reaches, and how it compares with the others."""
        first = next(iter(self.sets))
        text = (f"{first} predict the segment of {self.hit_rate(first):.0%} of accounts "
                f"(base rate {self.base_rate:.0%}, ceiling {self.ceiling:.0%})")  # fmt: skip
        parts = []
        for row in self.differences[self.differences["first"] == first].to_dict("records"):
            gap, low, high = (100 * float(row[c]) for c in ("difference", "lower", "upper"))
            if low > 0 or high < 0:
                size = f"{abs(gap):.0f} points {'more' if gap > 0 else 'fewer'} than"
            else:
                size = "no clear difference from"
            parts.append(f"{size} {row['second']} ({low:+.0f} to {high:+.0f} points)")
        return text + (": " + "; ".join(parts) if parts else "") + "."

    def __repr__(self) -> str:
        lines = [f"Evaluation  {len(self.ids):,} accounts, {self.n_folds} folds x {self.n_repeats}"]
        lines += [f"  {n}: soft hit rate {self.hit_rate(n):.3f}, log-loss skill {self.log_loss_skill(n):.2f}"
                  for n in self.sets]  # fmt: skip
        return "\n".join([*lines, f"  base rate {self.base_rate:.3f}, ceiling {self.ceiling:.3f}", f"  {self.verdict}"])

    def _repr_html_(self) -> str:
        return f"<b>{escape(self.verdict)}</b>{self.table().to_html(index=False, float_format='{:.3f}'.format)}"


def evaluate_classifier(
    segments: Segments,
    accounts: Accounts,
    *,
    columns: Sequence[str] | Mapping[str, Sequence[str]],
    labels: str = "latent",
    categorical: Sequence[str] = (),
    n_folds: int = 5,
    n_repeats: int = 1,
    n_draws: int = 2000,
    level: float = 0.95,
    seed: int | np.random.Generator = 0,
) -> Evaluation:
    """Accuracy of sets of columns by cross-validation over accounts; penalty and coding are chosen within each fold.

    Parameters
    ----------
    segments : Segments
        Of G accounts, with memberships from their answers only: a fit that saw the columns would flatter them.
    accounts : Accounts
        The list.
    columns : sequence of str, or mapping of names to such
        For example ``{"hooks": [...], "firmographics": [...], "both": [...]}``.
    labels : {"latent", "soft"}
        How the classifier takes the memberships (:func:`fit_classifier`); the measures take them as they are.
    categorical : sequence of str
        Columns that are categories although they look like numbers.
    n_folds, n_repeats : int
        Folds, and how often they are drawn anew.
    n_draws : int
        Of the bootstrap over accounts.
    level : float
        Of the intervals.
    seed : int or Generator
        Of folds and bootstrap.

    Raises
    ------
    AccountsError, SegmentsError
        As :func:`fit_classifier`; also where there are fewer accounts than folds.
    """
    given = columns if isinstance(columns, Mapping) else {"columns": columns}
    sets = {str(name): tuple(chosen) for name, chosen in given.items()}
    every = list(dict.fromkeys(c for chosen in sets.values() for c in chosen))
    sample, _ = join_sample(segments, accounts, every)
    if len(sample) < 2 * n_folds:
        raise AccountsError(f"{len(sample)} accounts are too few for {n_folds} folds\n  expected two per fold or more")
    rng = np.random.default_rng(seed)
    membership = np.asarray(segments.membership)
    best = membership.argmax(axis=1)
    latent = labels == "latent"
    target = likelihoods(segments) if latent else membership
    probabilities = {name: np.zeros(membership.shape) for name in sets}
    hits = {name: np.zeros(len(best)) for name in sets}
    hard = {name: np.zeros(len(best)) for name in sets}
    rows = np.arange(len(best))
    for _ in range(n_repeats):
        folds = assign_folds(rows, best, n_folds, rng)
        inner = assign_folds(rows, best, 3, rng)
        for name, chosen in sets.items():
            p = np.empty(membership.shape)
            for fold in range(n_folds):
                test = folds == fold
                encoding = Encoding.fit(sample[~test], chosen, categorical=categorical)
                fit = fit_calibrated(
                    encoding.encode(sample[~test]), target[~test], inner[~test], latent=latent, penalties=_PENALTIES
                )
                p[test] = fit.probabilities(encoding.encode(sample[test]))
            predicted = p.argmax(axis=1)
            probabilities[name] += p / n_repeats
            hits[name] += membership[rows, predicted] / n_repeats
            hard[name] += (predicted == best) / n_repeats
    return Evaluation(
        sets=sets, segments=segments.names, ids=segments.ids, membership=membership, probabilities=probabilities,
        hits=hits, hard_hits=hard, differences=_compare(hits, n_draws, level, rng), labels=labels, level=level,
        n_folds=n_folds, n_repeats=n_repeats,
    )  # fmt: skip


def _compare(hits: Mapping[str, Floats], n_draws: int, level: float, rng: np.random.Generator) -> pd.DataFrame:
    names = list(hits)
    n = len(next(iter(hits.values())))
    weight = rng.multinomial(n, np.full(n, 1 / n), size=n_draws) / n
    tail = (1 - level) / 2
    rows = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            gap = hits[first] - hits[second]
            lower, upper = np.quantile(weight @ gap, [tail, 1 - tail])
            rows.append({"first": first, "second": second, "difference": gap.mean(), "lower": lower, "upper": upper})
    return pd.DataFrame(rows, columns=["first", "second", "difference", "lower", "upper"])
