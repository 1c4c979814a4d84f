"""How good a design of profiles is: levels, their balance and overlap, correlations of attributes, and information."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats._numerics.information import choice_information
from cvmstats.data.attributes import Attributes
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.design.criteria import least_squares
from cvmstats.design.prior_utilities import prior_draws
from cvmstats.errors import DesignError, examples

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = dict[str, tuple[float, float]]


class ProfileSets(NamedTuple):
    """What the figures are made of.

    Attributes
    ----------
    attributes : Attributes
    levels : array (V, T, A, attributes)
        Of the profiles of each task, -1 where there is none; the none option is left out. In case 2 a task has one.
    coding : array (J, K)
    shown : array (V, T, A or more)
        Objects that are chosen from, -1 where a task is shorter.
    none : bool
        Whether the none option is among them.
    block : tuple of str (K)
    """

    attributes: Attributes
    levels: Ints
    coding: Floats
    shown: Ints
    none: bool
    block: tuple[str, ...]


def is_of_profiles(design: Design) -> bool:
    """Whether a design shows profiles, or the levels of profiles (case 2)."""
    return isinstance(design.objects, Profiles) or _is_of_levels(design)


def _is_of_levels(design: Design) -> bool:
    levels = isinstance(design.objects, Items) and "level" in design.objects.table
    if not (levels and "constants" in (design.parameter_block or ())):
        return False
    if design.objects.to_frame()["level"].isna().any():
        raise DesignError("a mixed design of levels and profiles is not judged as one\n"
                          "  assess_design its blocks before they are combined")  # fmt: skip
    return True


def profile_figures(design: Design, prior: Mapping[str, Any] | None, prior_sd: float | Mapping[str, Any] | None,
                    seed: int) -> tuple[Rows, pd.DataFrame, Ints, tuple[str, ...]]:  # fmt: skip
    """Figures with their bounds, a table of levels, how often levels meet in a profile (L, L), and remarks."""
    sets = _sets(design)
    flat = sets.levels.reshape(-1, len(sets.attributes))
    flat = flat[flat[:, 0] >= 0] + sets.attributes.first
    member = np.zeros((len(flat), len(sets.attributes.table)), np.int64)
    np.put_along_axis(member, flat, 1, axis=1)
    met = member.T @ member
    rows = _counts(sets, met)
    whole, each, alone = _efficiency(sets)
    rows["D efficiency over all"] = whole, 1.0
    sizes = (sets.shown >= 0).sum(axis=2)
    enough = (np.maximum(sizes - 1, 0).sum(axis=1) >= sets.coding.shape[1]).all()
    rows["D efficiency within a version"] = float(each.mean()), 1.0 if enough else np.nan
    rows["versions that identify not all parameters"] = float((~alone).sum()), 0.0 if enough else np.nan
    if not _is_of_levels(design):
        rows["tasks repeated within a version"] = float(_repeated(sets.shown)), 0.0
    if prior is not None or prior_sd is not None:
        if _is_of_levels(design):
            raise DesignError("a prior of levels as objects (case 2) is not judged\n  leave prior and prior_sd away")
        draws = prior_draws(sets.attributes, prior, prior_sd, sets.none, np.random.default_rng(seed))
        rows["D error at the prior"] = _d_error(sets, draws), np.nan
    else:
        rows["D error at equal utilities"] = _d_error(sets, np.zeros((1, sets.coding.shape[1]))), np.nan
    return rows, _table(sets, met), met, _remarks(sets, met, alone, bool(enough))


def _sets(design: Design) -> ProfileSets:
    shown = np.where(design.estimated[:, None], np.asarray(design.shown, np.int64), -1)
    if isinstance(design.objects, Profiles):
        profiles, coded = design.objects, design.objects.coded()
        none = profiles.none
        levels = np.vstack([profiles.levels, np.full((1, profiles.levels.shape[1]), -1)]).astype(np.int64)[shown]
        last = np.argsort((levels[..., 0] < 0), axis=2, kind="stable")
        levels = np.take_along_axis(levels, last[..., None], axis=2)
        levels = levels[:, :, : int((levels[..., 0] >= 0).sum(axis=2).max())]
        if none is not None and np.asarray(design.dual).any():  # what the first question is about
            return ProfileSets(profiles.attributes, levels, coded.coding[:, :-1], np.where(shown == none, -1, shown), False,
                               coded.parameter_block[:-1])  # fmt: skip
        return ProfileSets(profiles.attributes, levels, coded.coding, shown, none is not None, coded.parameter_block)
    table = design.objects.table
    attributes = Attributes(table=table.rename(columns={"group": "attribute"})[["attribute", "level"]])
    coding, block = np.asarray(design.coding), tuple(design.parameter_block or ())
    number = np.append(pd.factorize(table["group"])[0], -1)
    ordered = np.take_along_axis(shown, np.argsort(number[shown], axis=2, kind="stable"), axis=2)
    levels = np.where(ordered >= 0, ordered - attributes.first, -1)[:, :, None]
    return ProfileSets(attributes, levels, coding, shown, False, block)


def _counts(sets: ProfileSets, met: Ints) -> Rows:
    """Balance, overlap, correlation, positions."""
    often, n_levels, first = met.diagonal(), sets.attributes.n_levels, sets.attributes.first
    by_attribute = [often[f : f + n] for f, n in zip(first, n_levels, strict=True)]
    total = int(by_attribute[0].sum())
    size = (sets.levels[..., 0] >= 0).sum(axis=2)
    rows: Rows = {
        "level counts, largest difference in an attribute": (float(max(np.ptp(x) for x in by_attribute)),
                                                             float(any(total % n for n in n_levels))),
        "level balance, least of the attributes": (min(least_squares(total, len(x)) / float(np.square(x).sum())
                                                       for x in by_attribute), 1.0),
        "correlation of two attributes, largest": (_correlation(met, first, n_levels), 0.0),
    }  # fmt: skip
    if sets.levels.shape[2] == 1:
        return rows
    asked = size[size > 0]
    overlap, least = [], []
    for a, n in enumerate(n_levels):
        there = (sets.levels[..., a, None] == np.arange(n)).any(axis=2).sum(axis=2)
        overlap.append((size - there)[size > 0].mean())
        least.append(np.maximum(asked - n, 0).mean())
    rows["levels repeated within a task, per attribute"] = float(np.mean(overlap)), float(np.mean(least))
    squares, fewest = 0, 0
    for p in range(sets.levels.shape[2]):
        here = sets.levels[:, :, p][sets.levels[:, :, p, 0] >= 0]
        squares += sum(int(np.square(np.bincount(here[:, a], minlength=n)).sum()) for a, n in enumerate(n_levels))
        fewest += sum(least_squares(len(here), n) for n in n_levels)
    rows["levels by position, sum of squares"] = float(squares), float(fewest)
    return rows


def _correlation(met: Ints, first: Ints, n_levels: tuple[int, ...]) -> float:
    """The largest canonical correlation between the levels of two attributes: 0 where they are orthogonal."""
    often, most = np.maximum(met.diagonal(), 1), 0.0
    for b in range(len(n_levels)):
        for a in range(b):
            one, other = (slice(first[i], first[i] + n_levels[i]) for i in (a, b))
            part = met[one, other] / np.sqrt(often[one, None] * often[other])
            most = max(most, float(np.linalg.svd(part, compute_uv=False)[1]))
    return most if most > 1e-7 else 0.0


def _efficiency(sets: ProfileSets) -> tuple[float, Floats, npt.NDArray[np.bool_]]:
    """D efficiency at equal utilities over its bound, of all versions and of each (V), and which versions identify all."""
    each = _information(sets, np.zeros(sets.coding.shape[1]))
    bounds = np.array([_bound(sets, tasks) for tasks in (sets.shown >= 0).sum(axis=2)])
    k = sets.coding.shape[1]
    whole = _bound(sets, (sets.shown >= 0).sum(axis=2).ravel())
    alone = _log_det(each) > -np.inf
    d = np.exp((np.stack([_log_det(one) for one in each]) - bounds) / k)
    return float(np.exp((_log_det(each.sum(axis=0)) - whole) / k)), d, alone


def _information(sets: ProfileSets, beta: Floats) -> Floats:
    rows = np.vstack([sets.coding, np.zeros(sets.coding.shape[1])])[sets.shown]
    return choice_information(rows, beta, sets.shown >= 0)


def _log_det(matrix: Floats) -> Floats:
    """log det (...), -inf where singular; columns are scaled first, so that units do not matter."""
    scale = np.sqrt(np.maximum(np.diagonal(matrix, axis1=-2, axis2=-1), 1e-300))
    inside = matrix / scale[..., :, None] / scale[..., None, :]
    least = np.linalg.eigvalsh(inside)[..., 0]
    value = np.linalg.slogdet(inside)[1] + 2 * np.log(scale).sum(axis=-1)
    return np.asarray(np.where(least > 1e-9, value, -np.inf))


def _bound(sets: ProfileSets, tasks: Ints) -> float:
    """log det that no design of tasks with so many objects can pass at equal utilities.

    det of a matrix is at most the product of those of its diagonal blocks (Fischer), and that of a block at most the power of
    its mean eigenvalue; traces are largest where each task's levels are as different as can be. Where no attribute is linear
    this is the bound of Street & Burgess (2007, The Construction of Optimal Stated Choice Experiments, theorem 6.3.1).
    """
    sizes, times = np.unique(tasks[tasks > 0], return_counts=True)
    value = 0.0
    for name in dict.fromkeys(sets.block):
        k = sets.block.count(name)
        trace = sum(t * _trace(sets, name, int(n)) for n, t in zip(sizes, times, strict=True))
        value += k * float(np.log(max(trace, 1e-300) / k))
    return value


def _trace(sets: ProfileSets, name: str, n_all: int) -> float:
    """The largest trace of a block's information in a task of ``n_all`` objects, the none option one of them."""
    if "constants" in sets.block:
        if name == "constants":
            return (n_all - 1) / n_all  # the basis is orthonormal over the attributes, all of which are there
        own = np.array(sets.block) == name
        return float(np.square(sets.coding[:, own]).sum(axis=1).max() * (1 - 1 / n_all) / n_all)
    size = n_all - sets.none
    if name == "none":
        return size / n_all - (size / n_all) ** 2
    n = sets.attributes.n_levels[sets.attributes.names.index(name)]
    if name in sets.attributes.linear:
        values = sets.attributes.values(name)
        low, high = values.min() - values.mean(), values.max() - values.mean()
        picks = [(m * high**2 + (size - m) * low**2) / n_all - ((m * high + (size - m) * low) / n_all) ** 2
                 for m in range(size + 1)]  # fmt: skip
        return float(max(picks))
    return size * (1 - 1 / n) / n_all - (least_squares(size, n) - size**2 / n) / n_all**2


def _d_error(sets: ProfileSets, draws: Floats) -> float:
    """det(information)^(-1/K) of one version, the mean over draws; infinite where parameters are not identified."""
    k = sets.coding.shape[1]
    logs = np.array([_log_det(_information(sets, beta).mean(axis=0)) for beta in draws])
    return float(np.exp(-logs / k).mean())


def _repeated(shown: Ints) -> int:
    ordered = [np.sort(one[(one >= 0).any(axis=1)], axis=1) for one in shown]
    return sum(len(one) - len(np.unique(one, axis=0)) for one in ordered)


def _table(sets: ProfileSets, met: Ints) -> pd.DataFrame:
    table = sets.attributes.table[["attribute", "level"]].copy()
    table.insert(0, "label", sets.attributes.labels)
    table.insert(0, "item", sets.attributes.labels)
    table["shown"] = met.diagonal()
    for p in range(sets.levels.shape[2] if sets.levels.shape[2] > 1 else 0):
        here = sets.levels[:, :, p][sets.levels[:, :, p, 0] >= 0] + sets.attributes.first
        table[f"position {p + 1}"] = np.bincount(here.ravel(), minlength=len(table))
    attribute = table["attribute"].to_numpy()
    others = np.where(attribute[:, None] == attribute, np.nan, met)
    alone = len(sets.attributes) == 1
    table["fewest"] = 0 if alone else np.nanmin(others, axis=1).astype(int)
    table["most"] = 0 if alone else np.nanmax(others, axis=1).astype(int)
    return table


def _remarks(sets: ProfileSets, met: Ints, alone: npt.NDArray[np.bool_], enough: bool) -> tuple[str, ...]:
    out = []
    never = [label for label, n in zip(sets.attributes.labels, met.diagonal(), strict=True) if n == 0]
    if never:
        out.append(f"{len(never)} levels are never shown: {examples(never)}")
    if not enough:
        out.append(f"a version has fewer comparisons than the {sets.coding.shape[1]} parameters: nobody's utilities follow "
                   "from their own answers alone")  # fmt: skip
    elif not alone.all():
        out.append(f"{(~alone).sum()} of {len(alone)} versions do not identify all parameters alone")
    if len(alone) == 1:
        out.append("one version: the order of tasks and profiles is the same for everybody")
    return tuple(out)
