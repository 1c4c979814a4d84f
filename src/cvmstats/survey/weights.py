"""Weights that bring a sample to known margins: raking (Deming & Stephan 1940, doi 10.1214/aoms/1177731829).

Of all weights that meet the margins raking gives those nearest to the weights at the start, in the sense of relative entropy
sum w log(w / start) (Ireland & Kullback 1968, doi 10.1093/biomet/55.1.179).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.frames import is_frame, to_pandas
from cvmstats.data.respondents import Respondents
from cvmstats.errors import FitError, RespondentsError, examples
from cvmstats.survey.feasible import find_conflict
from cvmstats.survey.tables import file_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TOLERANCE = 1e-10
"""Largest deviation of a share from its target, before trimming."""
_MOST = 20_000
_ROUNDS = 100


@dataclass(frozen=True, eq=False, kw_only=True)
class Raked:
    """Weighted respondents, and how far the margins are met.

    Attributes
    ----------
    respondents : Respondents
        With ``weight`` (mean 1) and ``weight_kind`` sampling.
    table : DataFrame
        A row per category: ``margin``, ``category``, ``n`` respondents, shares ``before``, ``target``, ``after``.
    design_effect : float
        Kish's n sum w^2 / (sum w)^2 (Kish 1965, Survey Sampling): how many times larger the variance of a mean is than without
        weights, where what is measured has nothing to do with them.
    n_effective : float
        n over the design effect.
    n_trimmed : int
        Weights at a bound of ``trim``.
    """

    respondents: Respondents
    table: pd.DataFrame
    design_effect: float
    n_effective: float
    n_trimmed: int

    @property
    def largest_miss(self) -> float:
        """Largest distance of a share from its target."""
        return float((self.table["after"] - self.table["target"]).abs().max())

    def to_frame(self) -> pd.DataFrame:
        """A copy of the table of margins."""
        return self.table.copy()

    def __repr__(self) -> str:
        weight = self.respondents.weight
        miss = f"margins met to {max(self.largest_miss, 1e-16):.0e}" if not self.n_trimmed else (
            f"{self.n_trimmed:,} weights trimmed, margins missed by {self.largest_miss:.2%} at most")  # fmt: skip
        with pd.option_context("display.float_format", "{:.4f}".format):
            return (f"Raked  {len(weight):,} respondents to {self.table['margin'].nunique()} margins\n"
                    f"  weights {weight.min():.3g} to {weight.max():.3g} · design effect {self.design_effect:.3f}, "
                    f"{self.n_effective:,.0f} effective respondents · {miss}\n{self.table.to_string(index=False)}")  # fmt: skip

    def _repr_html_(self) -> str:
        lines = repr(self).splitlines()
        return f"<b>{escape(lines[0])}</b><br>{escape(lines[1])}{self.table.to_html(index=False, float_format='{:.4f}'.format)}"


def rake(respondents: Respondents, margins: Mapping[str, Mapping[Any, float]] | Any, *,
         trim: float | tuple[float, float] | None = None) -> Raked:  # fmt: skip
    """Weight respondents so that the sample has known margins.

    Parameters
    ----------
    respondents : Respondents
        With the columns that the margins are about. Sampling weights that they have are where it starts (design weights).
    margins : mapping or DataFrame
        ``{column: {category: share or count}}``; or a table with columns ``margin`` (the respondents' column), ``category`` and
        ``target``. Categories are compared as text. All margins must have the same sum.
    trim : float or (float, float), optional
        Largest weight, or least and largest, as multiples of the mean weight. Weights are cut and raked again until both hold
        or cutting can do no more; the margins are then met as far as the bounds allow, and the result says how far.

    Returns
    -------
    Raked
        ``choices.with_respondents(raked.respondents)`` puts the weights to use.

    Raises
    ------
    RespondentsError
        Columns or categories that there are not, on either side; respondents without a category; targets that are no positive
        numbers; margins with different sums; margins that contradict each other among the people there are; bounds that
        exclude the mean; frequency weights.
    FitError
        Where raking does not come to an end.

    Examples
    --------
    >>> people = Respondents(table=pd.DataFrame({"id": list("abcd"), "size": ["big", "big", "big", "small"]}))
    >>> raked = rake(people, {"size": {"big": 0.5, "small": 0.5}})
    >>> raked.respondents.weight.round(4).tolist(), round(raked.design_effect, 3)
    ([0.6667, 0.6667, 0.6667, 2.0], 1.333)
    """
    if not isinstance(respondents, Respondents):
        raise RespondentsError(f"weights are of respondents, and these are {type(respondents).__name__}\n"
                               "  expected Respondents\n  of choices give theirs: rake(choices.respondents, ...)")  # fmt: skip
    if respondents.weight_kind == "frequency":
        raise RespondentsError("frequency weights count people and cannot be raked\n  give each person a row of their own")
    low, high = _bounds(trim)
    names, codes, targets = _read_margins(respondents, _as_mapping(margins))
    start = respondents.weight / respondents.weight.sum()
    cells, of = np.unique(codes, axis=0, return_inverse=True)
    of = of.ravel()
    _refuse_conflicts(names, cells, targets)
    weight = _rake(start, codes, targets)
    trimmed = np.zeros(len(weight), bool)
    if np.isfinite(high) or low > 0:
        weight, trimmed = _trim(weight, codes, targets, low / len(weight), high / len(weight))
    weight = weight / weight.sum()
    rows = []
    for m, (name, categories) in enumerate(names):
        shares = [np.bincount(codes[:, m], w, len(categories)) for w in (start, weight)]
        count = np.bincount(codes[:, m], minlength=len(categories))
        rows += [{"margin": name, "category": c, "n": int(count[i]), "before": shares[0][i], "target": targets[m][i],
                  "after": shares[1][i]} for i, c in enumerate(categories)]  # fmt: skip
    effect = len(weight) * float((weight**2).sum())
    table = respondents.to_frame().assign(weight=weight * len(weight))
    return Raked(respondents=Respondents(table=table, weight_kind="sampling"), table=pd.DataFrame(rows), design_effect=effect,
                 n_effective=len(weight) / effect, n_trimmed=int(trimmed.sum()))  # fmt: skip


def _bounds(trim: float | tuple[float, float] | None) -> tuple[float, float]:
    try:
        low, high = (0.0, np.inf) if trim is None else (0.0, trim) if np.isscalar(trim) else trim
        low, high = float(low), float(high)
    except (TypeError, ValueError):
        low = high = np.nan
    if not (0 <= low < 1 < high):
        raise RespondentsError(f"trim={trim!r}\n  expected the largest weight as a multiple of the mean, above 1, or also the "
                               "least, from 0 to below 1, such as (0.2, 5)")  # fmt: skip
    return low, high


def _as_mapping(margins: Any) -> dict[str, dict[str, Any]]:
    """Targets by margin and category, both as text."""
    is_table = is_frame(margins)
    if is_table:
        table = to_pandas(margins)
        absent = [c for c in ("margin", "category", "target") if c not in table]
        if absent:
            raise RespondentsError(f"the table of margins has no column {examples(absent)}\n  its columns are "
                                   f"{examples(list(table), 8)}\n  expected margin, category, target")  # fmt: skip
        rows = [*zip(table["margin"], table["category"], table["target"], strict=True)]
    else:
        if not isinstance(margins, Mapping) or not all(isinstance(part, Mapping) for part in margins.values()):
            raise RespondentsError(f"margins= is no mapping of mappings and no table: {margins!r:.60}\n  expected {{column: "
                                   "{category: share or count}}, or a table of margin, category, target")  # fmt: skip
        rows = [(m, c, t) for m, part in margins.items() for c, t in part.items()]
    if not rows or not (is_table or all(margins.values())):
        raise RespondentsError("no margins to rake to\n  expected {column: {category: share or count}}")
    names = [(_category(m), _category(c)) for m, c, _ in rows]
    nameless = [i for i, name in enumerate(names) if "" in name]
    if nameless:
        raise RespondentsError(f"{len(nameless)} of {len(rows)} rows of the margins name no margin or no category\n"
                               f"  for example row {examples(file_rows(nameless))}\n  expected both on each row\n"
                               "  fill them in, or take such rows away")  # fmt: skip
    twice = [f"{m}: {c}" for (m, c), n in Counter(names).items() if n > 1]
    if twice:
        raise RespondentsError(f"{len(twice)} categories stand twice in the margins\n  for example {examples(twice)}\n"
                               "  expected one target for each; categories are compared as text")  # fmt: skip
    out: dict[str, dict[str, Any]] = {m: {} for m, _ in names}
    for (m, c), (_, _, target) in zip(names, rows, strict=True):
        out[m][c] = target
    return out


def _category(value: Any) -> str:
    """A category as text, whole numbers without a decimal point, empty where there is none."""
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    return "" if pd.isna(value) else str(value)


def _read_margins(respondents: Respondents, margins: Mapping[str, Mapping[str, float]]) -> tuple[
        list[tuple[str, list[str]]], Ints, list[Floats]]:  # fmt: skip
    """Names of margins with their categories, the category of each respondent in each (R, M), and target shares of each."""
    table = respondents.table
    absent = [m for m in margins if m not in table]
    if absent:
        raise RespondentsError(f"{len(absent)} margins are about columns that the respondents have not\n  for example "
                               f"{examples(absent)}\n  its columns are {examples(list(table.columns), 12)}")  # fmt: skip
    names, codes, targets, sums = [], [], [], []
    for margin, part in margins.items():
        wrong = [c for c, t in part.items() if not _is_target(t)]
        if wrong:
            raise RespondentsError(f"{len(wrong)} targets of {margin!r} are no numbers of 0 or more\n"
                                   f"  for example {examples([part[c] for c in wrong])} of {examples(wrong)}\n"
                                   "  expected shares or counts as numbers, with a point for decimals")  # fmt: skip
        values = table[margin]
        none = table["id"][[not _category(v).strip() for v in values]].tolist()
        if none:
            raise RespondentsError(f"{len(none):,} of {len(table):,} respondents have no {margin!r}\n"
                                   f"  for example {examples(none)}\n  fill it in, or give them a category and a target of "
                                   "their own")  # fmt: skip
        texts = [_category(v) for v in values]
        there = dict.fromkeys(texts)
        lone = [c for c in there if c not in part]
        if lone:
            raise RespondentsError(f"{len(lone)} categories of {margin!r} have respondents and no target\n"
                                   f"  for example {examples(lone)}\n  expected some of {', '.join(part)}")  # fmt: skip
        empty = [c for c, t in part.items() if t > 0 and c not in there]
        if empty:
            raise RespondentsError(f"{len(empty)} categories of {margin!r} have a target and no respondents: no weight can "
                                   f"reach it\n  for example {examples(empty)}\n  join them with others, in the margin "
                                   "and in the column")  # fmt: skip
        zero = [c for c, t in part.items() if t == 0 and c in there]
        if zero:
            raise RespondentsError(f"{len(zero)} categories of {margin!r} have respondents and a target of 0\n"
                                   f"  for example {examples(zero)}\n  leave these respondents out first")  # fmt: skip
        categories = [c for c in part if c in there]
        place = {c: i for i, c in enumerate(categories)}
        names.append((margin, categories))
        codes.append([place[v] for v in texts])
        target = np.array([float(part[c]) for c in categories])
        sums.append(float(target.sum()))
        targets.append(target / target.sum())
    if max(sums) - min(sums) > 1e-6 * max(sums):
        cases = [f"{m}: {s:.6g}" for m, s in zip(margins, sums, strict=True)]
        raise RespondentsError(f"the margins do not sum alike\n  {', '.join(cases)}\n  expected all shares (1) or all counts "
                               "of the same people; divide each by its sum where only rounding differs")  # fmt: skip
    return names, np.array(codes, np.int64).T, targets


def _is_target(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value) and value >= 0)


def _refuse_conflicts(names: list[tuple[str, list[str]]], cells: Ints, targets: list[Floats]) -> None:
    missed, zero = find_conflict(cells, targets)
    if missed:
        cases = [f"{names[m][0]}={names[m][1][c]} ({targets[m][c]:.1%}, {share:.1%} at "
                 f"{'most' if share < targets[m][c] else 'least'} beside the others)" for m, c, share in missed]  # fmt: skip
        raise RespondentsError("the margins contradict each other: no weights of these respondents meet all of them\n"
                               f"  for example {', '.join(cases[:3])}\n  some combinations of categories have no respondents; "
                               "join categories, or leave a margin out")  # fmt: skip
    if zero:
        cases = [" and ".join(f"{names[m][0]}={names[m][1][c]}" for m, c in enumerate(cells[i])) for i in zero]
        raise RespondentsError(f"the margins can be met only where {len(zero)} combinations of categories get no weight\n"
                               f"  for example {examples(cases)}\n  join categories, or leave a margin out")  # fmt: skip


def _rake(start: Floats, codes: Ints, targets: list[Floats]) -> Floats:
    weight = start.copy()
    for _ in range(_MOST):
        worst = 0.0
        for m, target in enumerate(targets):
            share = np.bincount(codes[:, m], weight, len(target))
            worst = max(worst, float(np.abs(share - target).max()))
            weight *= (target / share)[codes[:, m]]
        if worst < TOLERANCE:
            return weight
    raise FitError(f"raking did not end: after {_MOST:,} rounds a share is still {worst:.1e} from its target\n"
                   "  some combination of categories has hardly anybody; join categories, or leave a margin out")  # fmt: skip


def _trim(weight: Floats, codes: Ints, targets: list[Floats], low: float, high: float) -> tuple[
        Floats, npt.NDArray[np.bool_]]:  # fmt: skip
    """Cut and rake in turn; what is returned lies within the bounds."""
    for _ in range(_ROUNDS):
        cut = np.clip(weight, low, high)
        if np.abs(cut - weight).max() < 1e-9 / len(weight):
            break
        weight = _rake(cut, codes, targets)
    cut = np.clip(weight, low, high)
    for _ in range(_ROUNDS):  # to a sum of 1, by those that lie between
        free = (cut > low) & (cut < high)
        if abs(cut.sum() - 1) < 1e-12 or not free.any():
            break
        cut[free] *= max(1 - cut[~free].sum(), 0.0) / cut[free].sum()
        cut = np.clip(cut, low, high)
    return cut, (cut <= low * (1 + 1e-9)) | (cut >= high * (1 - 1e-9))
