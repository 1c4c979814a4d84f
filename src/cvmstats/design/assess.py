"""How good a design is: every figure beside the bound that no design can beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.design.assess_profiles import is_of_profiles, profile_figures
from cvmstats.design.block_designs import IMPOSSIBLE, block_design, possible
from cvmstats.design.criteria import (
    adjacent_repeats,
    best_efficiencies,
    concurrence,
    efficiencies,
    incidence,
    information,
    least_pair_squares,
    least_squares,
    pair_sd,
    pair_squares,
    parts,
)
from cvmstats.errors import DesignError, examples

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class DesignAssessment:
    """The figures of a design.

    Parameters
    ----------
    design : Design
    table : DataFrame
        One row per figure: ``figure``, ``value``, ``bound`` (missing where none is known), ``at_bound``.
    items : DataFrame
        One row per item: ``item``, ``label``, ``shown``, ``position 1`` ..., ``met`` (different items met), ``fewest`` and
        ``most`` meetings with another item. Of profiles one row per level, with ``attribute`` and ``level``.
    pairs : array (J, J), or (L, L) of profiles
        How often items meet over all versions, or levels in a profile; on the diagonal how often they are shown.
    remarks : tuple of str
        What an analyst should know.
    """

    design: Design
    table: pd.DataFrame
    items: pd.DataFrame
    pairs: Ints
    remarks: tuple[str, ...]

    def __getitem__(self, figure: str) -> float:
        """The value of a figure."""
        found = self.table.loc[self.table["figure"] == figure, "value"]
        if found.empty:
            raise KeyError(f"no figure {figure!r}; there are {', '.join(self.table['figure'])}")
        return float(found.iloc[0])

    def compare(self, other: DesignAssessment) -> pd.DataFrame:
        """Figures of two designs side by side; ``closer`` says which comes closer to its own bound."""
        both = self.table.merge(other.table, on="figure", suffixes=("_this", "_other"))
        gap = [(both[f"value_{which}"] - both[f"bound_{which}"]).abs().round(9) for which in ("this", "other")]
        both["closer"] = np.select([gap[0] < gap[1], gap[1] < gap[0]], ["this", "other"], "")
        return both[["figure", "value_this", "bound_this", "value_other", "bound_other", "closer"]]

    def __repr__(self) -> str:
        table, design, noun = self.table, self.design, "levels" if "attribute" in self.items else "items"
        lines = [f"Design assessed  {design.n_versions:,} versions x {design.n_tasks} tasks, {len(self.items)} {noun}: "
                 f"{table['at_bound'].sum()} of {table['bound'].notna().sum()} figures at their bound"]  # fmt: skip
        for figure, value, bound, at_bound in zip(*(table[c].tolist() for c in table), strict=True):
            beside = "at its bound" if at_bound else "" if np.isnan(bound) else f"bound {_text(bound)}"
            lines.append(f"  {figure:<44} {_text(value):>11}  {beside}".rstrip())
        return "\n".join(lines + [f"  {remark}" for remark in self.remarks])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def _text(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() else f"{value:.4f}"


def assess_design(design: Design, *, prior: Mapping[str, Any] | None = None,
                  prior_sd: float | Mapping[str, Any] | None = None, seed: int = 0) -> DesignAssessment:  # fmt: skip
    """Judge the best-worst sets of a design (best-only, worst-only), or its pairs where it has none; anchors and
    hold-out blocks are left out.

    Sums of squares, standard deviations (ddof 1) and efficiencies follow John & Mitchell (1977, JRSS B 39, 39-43); bounds on
    the efficiencies use the least possible variance of the eigenvalues. Sets of different sizes have bounds on counts and
    positions only.

    A design of profiles is judged by its levels: how evenly they are shown, how often one stands twice in a task, how
    attributes go together (the largest canonical correlation), and D efficiency at equal utilities, det(information)^(1/K) of
    a choice of the best relative to a bound that only a balanced design without overlap reaches. D error is det^(-1/K) of the
    mean version; of best-worst sets too it is that of the best alone.

    Parameters
    ----------
    design : Design
    prior, prior_sd : optional
        Of profiles: utilities at which to give the D error, as in ``design_conjoint``.
    seed : int
        For the draws of a prior.

    Raises
    ------
    DesignError
        A design without such sets; a prior of items.
    """
    if is_of_profiles(design):
        figures, levels, together, remarks = profile_figures(design, prior, prior_sd, seed)
        return DesignAssessment(design=design, table=_as_table(figures), items=levels, pairs=together, remarks=remarks)
    if prior is not None or prior_sd is not None:
        raise DesignError("a prior of items is not judged\n  leave prior and prior_sd away; profiles take them")
    shown, labels, ids = _item_sets(design)
    n_items, size = len(labels), (shown >= 0).sum(axis=2)
    member = incidence(shown, n_items)
    met = concurrence(member)
    total, positions = met.sum(axis=0), _positions(shown, n_items)
    partial = bool((member.any(axis=1).sum(axis=1) < n_items).any())
    rows = _over_all(total, positions, size, information(member).sum(axis=0))
    if not partial:
        rows |= _within(met, size, information(member))
    rows["versions with uneven positions"] = _uneven_positions(positions, size), 0
    rows["items repeated in adjacent sets, per version"] = adjacent_repeats(member).mean(), np.nan
    rows["sets repeated within a version"] = _repeated(member, size), 0
    others = np.where(np.eye(n_items, dtype=bool), np.nan, total)
    items = pd.DataFrame({"item": ids, "label": labels, "shown": total.diagonal()})
    for p, column in enumerate(positions.sum(axis=0).T, start=1):
        items[f"position {p}"] = column
    items["met"] = (others > 0).sum(axis=1)
    items["fewest"], items["most"] = np.nanmin(others, axis=1).astype(int), np.nanmax(others, axis=1).astype(int)
    return DesignAssessment(design=design, table=_as_table(rows), items=items, pairs=total,
                            remarks=_remarks(labels, parts(total), member, total.diagonal(), partial)
                            + _on_balance(met, size))  # fmt: skip


def _as_table(rows: Mapping[str, tuple[Any, Any]]) -> pd.DataFrame:
    table = pd.DataFrame([(figure, float(value), float(bound)) for figure, (value, bound) in rows.items()],
                         columns=["figure", "value", "bound"])  # fmt: skip
    table["at_bound"] = np.isclose(table["value"], table["bound"], rtol=1e-9, atol=1e-9)
    return table


def _over_all(total: Ints, positions: Ints, size: Ints, matrix: Floats) -> dict[str, tuple[Any, Any]]:
    """Figures over all versions, each with its bound."""
    often, sizes, n_items = total.diagonal(), size[size > 0], len(total)
    equal, by_position = len(np.unique(sizes)) == 1, positions.sum(axis=0)
    n_pairs, all_pairs = n_items * (n_items - 1) // 2, int((sizes * (sizes - 1) // 2).sum())
    d, a, e = efficiencies(matrix)
    best_d, best_a = best_efficiencies(often, sizes) if equal else (np.nan, np.nan)
    least = pair_sd(least_pair_squares(often, sizes), all_pairs, n_pairs) if equal else np.nan
    return {
        "times an item is shown, least": (often.min(), often.sum() // n_items),
        "times an item is shown, most": (often.max(), -(-often.sum() // n_items)),
        "times shown, sum of squares": (np.square(often).sum(), least_squares(int(often.sum()), n_items)),
        "positions, sum of squares": (np.square(by_position).sum(),
                                      sum(least_squares(int(column.sum()), n_items) for column in by_position.T)),
        "pairs over all, SD": (pair_sd(float(pair_squares(total)), all_pairs, n_pairs), least),
        "D efficiency over all": (d, best_d),
        "A efficiency over all": (a, best_a),
        "E efficiency over all": (e, np.nan),
        "groups of items that never meet": (parts(total).max() + 1, 1),
    }  # fmt: skip


def _within(met: Ints, size: Ints, matrix: Floats) -> dict[str, tuple[Any, Any]]:
    """Means over versions that show all items, each with the mean of its bounds."""
    n_items = met.shape[-1]
    n_pairs, standard = n_items * (n_items - 1) // 2, (np.maximum(size - 1, 0).sum(axis=1) >= n_items - 1).all()
    apart = sum(bool(parts(one).max() > 0) for one in met)
    out: dict[str, tuple[Any, Any]] = {"versions that fall apart": (apart, 0 if standard else np.nan)}
    if len(np.unique(size[size > 0])) > 1:
        return out
    squares, asked = pair_squares(met), [s[s > 0] for s in size]
    sums = [int((s * (s - 1) // 2).sum()) for s in asked]
    least = [least_pair_squares(one.diagonal(), s) for one, s in zip(met, asked, strict=True)]
    limits = np.array([best_efficiencies(one.diagonal(), s) for one, s in zip(met, asked, strict=True)])
    d, a, _ = efficiencies(matrix)
    sd, bound = ([pair_sd(float(x), p, n_pairs) for x, p in zip(which, sums, strict=True)] for which in (squares, least))
    return out | {
        "pairs within a version, SD": (np.mean(sd), np.mean(bound)),
        "pairs within a version, excess squares": (np.mean(squares - least), 0),
        "D efficiency within a version": (d.mean(), limits[:, 0].mean()),
        "A efficiency within a version": (a.mean(), limits[:, 1].mean()),
    }


def _item_sets(design: Design) -> tuple[npt.NDArray[np.int32], tuple[str, ...], tuple[str, ...]]:
    """Sets of items (V, T, A) of best-worst tasks, else of pairs, without the anchor; labels and ids of the items."""
    anchor = ~np.asarray(design.coding).any(axis=1)
    kind, there = np.asarray(design.kind), (np.asarray(design.shown) >= 0).any(axis=2) & design.estimated
    of_kind = (np.isin(kind, kinds) & there for kinds in (("best_worst", "best", "worst"), ("pair", "graded")))
    asked = next((one for one in of_kind if one.any()), None)
    if asked is None:
        raise DesignError(f"a design without best-worst sets or pairs (it has {examples(sorted(set(kind[there].tolist())))})\n"
                          "  only these are judged here")  # fmt: skip
    tasks = np.flatnonzero(asked.any(axis=0))
    number = np.append(np.cumsum(~anchor) - 1, -1)
    shown = np.where(asked[:, tasks, None], design.shown[:, tasks], -1)
    shown = np.where(shown < 0, -1, np.where(np.append(anchor, True)[shown], -1, number[shown]))
    last = np.argsort(shown < 0, axis=2, kind="stable")
    shown = np.take_along_axis(shown, last, axis=2)[:, :, : int((shown >= 0).sum(axis=2).max())]
    keep = [j for j in range(len(anchor)) if not anchor[j]]
    return (np.asarray(shown, np.int32), tuple(design.objects.labels[j] for j in keep),
            tuple(design.objects.ids[j] for j in keep))  # fmt: skip


def _positions(shown: npt.NDArray[np.int32], n_items: int) -> Ints:
    """How often each item stands in each position of each version (V, J, A)."""
    out = np.zeros((len(shown), n_items + 1, shown.shape[2]), np.int64)
    for a in range(shown.shape[2]):
        np.add.at(out[:, :, a], (np.arange(len(shown))[:, None], shown[:, :, a].astype(np.int64)), 1)
    return out[:, :-1]


def _uneven_positions(positions: Ints, size: Ints) -> int:
    """Versions in which an item stands in two positions more than once oftener in one than in the other (equal sets only)."""
    return int((np.ptp(positions, axis=2) > 1).any(axis=1).sum()) if len(np.unique(size[size > 0])) == 1 else 0


def _repeated(member: npt.NDArray[np.bool_], size: Ints) -> int:
    return int(sum(len(one[s > 0]) - len(np.unique(one[s > 0], axis=0)) for one, s in zip(member, size, strict=True)))


def _remarks(labels: tuple[str, ...], groups: Ints, member: npt.NDArray[np.bool_], often: Ints,
             partial: bool) -> tuple[str, ...]:  # fmt: skip
    out = []
    if groups.max() > 0:
        out.append(f"utilities cannot be compared between {groups.max() + 1} groups of items; one of them: "
                   f"{examples([labels[j] for j in np.flatnonzero(groups == groups.max())])}")  # fmt: skip
    thin = [labels[j] for j in np.flatnonzero(often == 1)]
    if thin:
        out.append(f"{len(thin)} items hang by a thread, shown in one set only: {examples(thin)}")
    if partial:
        each = member.any(axis=1).sum(axis=1)
        out.append(f"a version shows {each.min()} to {each.max()} of {len(labels)} items: not comparable person by person "
                   "by counts")  # fmt: skip
    if len(member) == 1 and len(labels) > 1:
        out.append("one version: the order of sets and items is the same for everybody")
    return tuple(out)


def _on_balance(met: Ints, size: Ints) -> tuple[str, ...]:
    """What is known of a balanced version where the counts would allow one and a version is none."""
    n_items, asked = met.shape[-1], size[0][size[0] > 0]
    if len(np.unique(asked)) != 1 or not possible(n_items, len(asked), int(asked[0])):
        return ()
    pairs = met[0][np.triu_indices(n_items, 1)]
    if np.ptp(pairs) == 0:
        return ()
    key = n_items, len(asked), int(asked[0])
    known = "a version in which all pairs meet equally often"
    if key in IMPOSSIBLE:
        return (f"the counts would allow {known}, but it is impossible: {IMPOSSIBLE[key]}",)
    return (f"the counts would allow {known}; " + ("there is one, see design_best_worst" if block_design(*key) is not None
                                                  else "none is known here"),)  # fmt: skip
