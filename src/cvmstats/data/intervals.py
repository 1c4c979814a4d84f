"""Means and intervals of utilities on a named scale: of respondents, of groups of them, of everybody; block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from cvmstats.data.scales import Rows, centring, check_scale, rescale
from cvmstats.data.segments import Segments
from cvmstats.data.texts import plain_text
from cvmstats.errors import UtilitiesError, examples

if TYPE_CHECKING:
    from cvmstats.data.utilities import Utilities

Floats = npt.NDArray[np.float64]

_NUMBERS = 4_000_000
"""Numbers of a block, 32 MB: draws x respondents x levels."""


class Summary(NamedTuple):
    """Mean, standard deviation and interval, each (N, L)."""

    mean: Floats
    sd: Floats
    lower: Floats
    upper: Floats


class Groups(NamedTuple):
    """Groups of respondents.

    Attributes
    ----------
    names : tuple of str (G)
    weight : array (R, G)
        What each respondent counts in each group.
    people : array (G)
        How many respondents are in it; where they belong to groups in part, the sum of the parts.
    """

    names: tuple[str, ...]
    weight: Floats
    people: Floats


def check_level(level: float) -> None:
    """Refuse what is no probability of an interval.

    Raises
    ------
    UtilitiesError
    """
    if not (isinstance(level, int | float | np.number) and 0 < level < 1):
        raise UtilitiesError(f"level is {level!r}\n  expected a probability between 0 and 1, such as 0.9")


def scaled_draws(utilities: Utilities, scale: str, rows: Rows, people: npt.NDArray[np.intp] | None = None,
                 ) -> Iterator[tuple[npt.NDArray[np.intp], Floats]]:  # fmt: skip
    """Blocks of respondents: their row numbers (r) and all their draws on a scale (C D, r, L)."""
    draws = utilities.draws
    assert draws is not None
    which = np.arange(draws.shape[2]) if people is None else people
    n_draws, n_rows = draws.shape[0] * draws.shape[1], len(utilities.labels)
    for block in np.array_split(which, max(1, -(-len(which) * n_draws * n_rows // _NUMBERS))):
        if len(block):
            values = draws[:, :, block].reshape(n_draws, len(block), -1) @ utilities.report.T
            yield block, rescale(values, scale, **rows._asdict())


def of_respondents(utilities: Utilities, scale: str, rows: Rows, level: float) -> Summary:
    """Of each respondent (R, L): quantiles of the draws; without draws the normal approximation, for the linear scale."""
    check_level(level)
    check_scale(scale, rows)
    if utilities.draws is None:
        mean = utilities.mean @ (matrix := _linear(utilities, scale, rows)).T
        return _normal(mean, np.sqrt(utilities.sd**2 @ (matrix**2).T), level)
    shape = (len(utilities.ids), len(utilities.labels))
    out = Summary(*(np.empty(shape) for _ in Summary._fields))
    for block, values in scaled_draws(utilities, scale, rows):
        for part, value in zip(out, _of_draws(values, level), strict=True):
            part[block] = value
    return out


def of_groups(utilities: Utilities, weight: Floats, scale: str, rows: Rows, level: float) -> Summary:
    """Of weighted means (G, L) over respondents, ``weight`` (R, G): in each draw the mean of the scaled utilities."""
    check_level(level)
    check_scale(scale, rows)
    share = weight / weight.sum(axis=0)
    if utilities.draws is None:
        matrix = _linear(utilities, scale, rows)
        return _normal(share.T @ utilities.mean @ matrix.T, np.sqrt((share**2).T @ utilities.sd**2 @ (matrix**2).T), level)
    n_draws, n_rows = utilities.draws.shape[0] * utilities.draws.shape[1], len(utilities.labels)
    parts = []
    for groups in np.array_split(np.arange(weight.shape[1]), max(1, -(-weight.shape[1] * n_draws * n_rows // _NUMBERS))):
        own = share[:, groups]
        total = np.zeros((n_draws, len(groups), n_rows))
        for block, values in scaled_draws(utilities, scale, rows, np.flatnonzero(own.any(axis=1))):
            total += np.einsum("rg,drl->dgl", own[block], values, optimize=True)
        parts.append(_of_draws(total, level))
    return Summary(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def of_population(utilities: Utilities, rows: Rows, level: float) -> Summary:
    """Of the zero-centred population mean (1, L): quantiles of its draws, or the normal approximation."""
    check_level(level)
    population = utilities.population
    assert population is not None
    matrix = centring(rows, len(utilities.labels)) @ utilities.report
    mean = (matrix @ population.mean)[None]
    sd = np.sqrt(np.einsum("lk,km,lm->l", matrix, population.mean_cov, matrix))[None]
    if population.mean_draws is None:
        return _normal(mean, sd, level)
    lower, upper = np.quantile(population.mean_draws.reshape(-1, matrix.shape[1]) @ matrix.T, ends_of(level), axis=0)
    return Summary(mean, sd, lower[None], upper[None])


def groups_of(utilities: Utilities, by: Any) -> Groups:
    """Groups of respondents from what ``Utilities.group_frame`` takes.

    Raises
    ------
    UtilitiesError
        Where ``by`` names no column, does not fit the respondents, or leaves a group without anybody.
    """
    people = utilities.respondents
    if isinstance(by, str):
        table = people.to_frame()
        if by not in table:
            known = ", ".join(map(str, table.columns))
            raise UtilitiesError(f"respondents have no column {by!r}\n  expected one of {known}")
        by = table[by].to_numpy()
    if isinstance(by, Segments):
        names, member = by.names, _of_segments(utilities, by)
    else:
        if isinstance(by, pd.Series | pd.DataFrame):
            by = _in_order(by, people.ids)
        values = by if isinstance(by, pd.DataFrame | np.ndarray) else np.asarray(by, dtype=object)
        if len(values) != len(people):
            raise UtilitiesError(f"{len(values):,} labels or rows of weights for {len(people):,} respondents\n"
                                 "  expected one for each, in their order, or pandas with their ids as index")  # fmt: skip
        names, member = _of_labels(np.asarray(values)) if values.ndim == 1 else _of_weights(values)
    weight = member * people.weight[:, None]
    empty = [name for name, total in zip(names, weight.sum(axis=0), strict=True) if not total > 0]
    if empty or not names:
        raise UtilitiesError(f"{len(empty)} of {len(names)} groups have no respondents\n  for example {examples(empty)}\n"
                             "  leave them out, or give each respondent a group")  # fmt: skip
    return Groups(names, weight, member.sum(axis=0))


def _in_order(by: pd.Series | pd.DataFrame, ids: tuple[str, ...]) -> pd.Series | pd.DataFrame:
    """Rows in the order of the respondents where the index holds ids; a mere numbering of rows never does."""
    if isinstance(by.index, pd.RangeIndex):
        return by
    labels = [plain_text(v) for v in by.index]
    row = {v: i for i, v in enumerate(labels)}
    absent = [v for v in ids if v not in row]
    if len(absent) == len(ids):
        return by
    here = set(ids)
    twice = list(dict.fromkeys(v for i, v in enumerate(labels) if row[v] != i and v in here))
    if twice:
        raise UtilitiesError(f"{len(twice):,} respondents stand twice in the index of the groups\n"
                             f"  for example {examples(twice)}\n  expected each id once")  # fmt: skip
    if absent:
        strange = [v for v in labels if v not in here]
        instead = f"{examples(strange)} of the index are no respondents\n  " if strange else ""
        raise UtilitiesError(f"{len(absent):,} of {len(ids):,} respondents are not in the index of the groups\n"
                             f"  for example {examples(absent)}\n  {instead}expected the id of each; for rows in the order of "
                             "the respondents reset_index(drop=True)")  # fmt: skip
    return by.iloc[[row[v] for v in ids]]


def _of_labels(labels: npt.NDArray[Any]) -> tuple[tuple[str, ...], Floats]:
    """Groups in the order in which they first appear; who has no label is in none."""
    texts = ["" if pd.isna(v) else str(v) for v in labels]
    names = tuple(name for name in dict.fromkeys(texts) if name)
    column = {name: g for g, name in enumerate(names)}
    weight = np.zeros((len(texts), len(names)))
    for r, text in enumerate(texts):
        if text:
            weight[r, column[text]] = 1.0
    return names, weight


def _of_weights(values: Any) -> tuple[tuple[str, ...], Floats]:
    names = tuple(str(c) for c in values.columns) if isinstance(values, pd.DataFrame) else None
    weight = np.asarray(values, dtype=float)
    if weight.ndim != 2 or not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise UtilitiesError(f"weights of groups have shape {weight.shape}, or are not all numbers from 0\n"
                             "  expected a label for each respondent, or weights (respondents, groups)")  # fmt: skip
    return names or tuple(f"Group {g + 1}" for g in range(weight.shape[1])), weight


def _of_segments(utilities: Utilities, segments: Segments) -> Floats:
    """Membership (R, S) by id, or by the account of each."""
    people = utilities.respondents
    row = {v: i for i, v in enumerate(segments.ids)}
    keys = people.ids if segments.unit == "respondent" else people.accounts
    missing = [v for v in keys if v not in row and v != ""]
    if missing:
        raise UtilitiesError(f"{len(missing):,} of {len(keys):,} respondents are not in these segments\n"
                             f"  for example {examples(missing)}\n  expected segments of these respondents")  # fmt: skip
    none = np.zeros(segments.n_segments)
    return np.array([segments.membership[row[v]] if v in row else none for v in keys])


def _linear(utilities: Utilities, scale: str, rows: Rows) -> Floats:
    """Parameters to the one scale (L, K) whose sd follows from theirs, or an error that says why not."""
    if scale != "zero_centered":
        raise UtilitiesError(f"no interval on scale {scale!r} without draws: it is not linear, so that means and standard "
                             "deviations are not enough\n  use scale='zero_centered', or fit_hierarchical, which keeps "
                             "draws")  # fmt: skip
    if not (np.isfinite(utilities.sd).all() and (utilities.sd > 0).any()):
        raise UtilitiesError(f"utilities by {utilities.method} have no standard deviations of respondents\n"
                             "  use population_frame(level=...) where there is a population, or fit_hierarchical")  # fmt: skip
    return np.asarray(centring(rows, len(utilities.labels)) @ utilities.report)


def ends_of(level: float) -> tuple[float, float]:
    """Probabilities below the two ends of an interval."""
    return (1 - level) / 2, (1 + level) / 2


def _of_draws(values: Floats, level: float) -> Summary:
    lower, upper = np.quantile(values, ends_of(level), axis=0)
    return Summary(values.mean(axis=0), values.std(axis=0), lower, upper)


def _normal(mean: Floats, sd: Floats, level: float) -> Summary:
    half = norm.ppf((1 + level) / 2) * sd
    return Summary(np.asarray(mean), np.asarray(sd), np.asarray(mean - half), np.asarray(mean + half))
