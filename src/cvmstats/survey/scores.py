"""Utilities that another program estimated, in: Sawtooth's table of scores, a row for each person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.data.scales import rows_of
from cvmstats.data.utilities import Utilities
from cvmstats.errors import UtilitiesError, examples
from cvmstats.survey.lists import check_ids, numbers_in, read_items
from cvmstats.survey.naming import index_of_names
from cvmstats.survey.tables import as_text, check_keys, find_columns, missing_columns, plain, read_table


def read_utilities(
    source: Any,
    *,
    items: Items | Any | None = None,
    design: Design | None = None,
    scale: Literal["zero_centered", "raw"] = "zero_centered",
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> Utilities:
    """Read scores as utilities: columns ``Respondent ID``, ``RLH`` where there is one, and one for each item.

    They have no standard deviations (``sd`` is not a number), no draws and no population; what needs these says so.

    Parameters
    ----------
    source : path, DataFrame
        One row per person.
    items : Items, path or DataFrame, optional
        The J items, in any order of the columns, by id or label; else every further column is an item.
    design : Design, optional
        Of which the items are; else a design is made of one task that shows all of them.
    scale : {"zero_centered", "raw"}
        Scores in logits whose sum over the items is zero for each person (within 0.001 per item, for rounding), or whose origin
        is arbitrary. Scores from 0 to 100 cannot be turned back into logits and are refused.
    columns : mapping, optional
        ``respondent`` and ``rlh`` to the file's.
    encoding : str, optional
        Of a CSV file; UTF-8 where nothing is said.

    Raises
    ------
    UtilitiesError
        Missing columns, items that are not there, scores that are no numbers or not on the scale, people who stand twice.

    Examples
    --------
    >>> scores = read_utilities(pd.DataFrame({"Respondent ID": ["007"], "RLH": [512], "Price": [1.5], "Speed": [-1.5]}))
    >>> scores.ids, (scores.mean @ scores.report.T).round(6).tolist()
    (('007',), [[1.5, -1.5]])
    """
    if scale not in ("zero_centered", "raw"):
        raise UtilitiesError(f"scale={scale!r} is not known\n  expected 'zero_centered' or 'raw', both in logits")
    table, name = read_table(source, UtilitiesError, "scores", encoding=encoding)
    check_keys(columns, ("respondent", "rlh"), UtilitiesError)
    found = find_columns(table, ("respondent",), columns, UtilitiesError, name)
    if "respondent" not in found:
        raise missing_columns(table, ["respondent"], UtilitiesError, name, "Respondent ID, RLH, and a column for each item")
    ids = as_text(table[found["respondent"]])
    check_ids(ids, UtilitiesError, "people", name)
    bad = [*ids[ids.duplicated()].unique()]
    if bad:
        raise UtilitiesError(f"{len(bad):,} respondents of {name} stand twice\n  for example {examples(bad)}\n"
                             "  expected one row for each person\n  keep one row of each person")  # fmt: skip
    fit = (columns or {}).get("rlh") or next((c for c in table.columns if plain(c) == "rlh"), None)
    rest = [c for c in table.columns if c not in (found["respondent"], fit)]
    things = design.objects if design is not None else items if items is None or isinstance(items, Items) else read_items(items)
    if things is None:
        things = Items.from_labels(rest)
    where = index_of_names(rest, things, UtilitiesError)
    place = {int(j): c for j, c in zip(where, rest, strict=True) if j >= 0}
    absent = [things.labels[j] for j in range(len(things)) if j not in place]
    if absent or len(things) < 2 or (where >= 0).sum() > len(place):
        raise UtilitiesError(f"{name} has no column, or two, for {len(absent) or len(things):,} of {len(things):,} items\n"
                             f"  for example {examples(absent or rest)}\n  expected a column for each item, two items at "
                             f"least\n"
                             "  name the columns by the items' ids or labels")  # fmt: skip
    scores = np.stack([numbers_in(table[place[j]], UtilitiesError, f"scores of {things.labels[j]!r}", ids.tolist())
                       for j in range(len(things))], axis=1)  # fmt: skip
    _check(scores, ids, scale, name)
    plan = design or Design(objects=things, shown=np.arange(len(things), dtype=np.int32)[None, None], source=f"items of {name}")
    if len(plan.report_labels or ()) != len(things):
        raise UtilitiesError("scores of items cannot be utilities of profiles\n  expected a design of items\n  leave "
                             "design= away")
    mean = _parameters(scores, ids, plan, name)
    people = pd.DataFrame({"id": ids.astype(object)})
    if fit is not None:
        people["rlh"] = numbers_in(table[fit], UtilitiesError, f"values of {fit!r}", ids.tolist())
    return Utilities(design=plan, respondents=Respondents(table=people), mean=mean, sd=np.full(mean.shape, np.nan),
                     method="imported scores", form="unknown", settings={"source": name, "scale": scale})  # fmt: skip


def _parameters(scores: np.ndarray, ids: pd.Series, design: Design, name: str) -> np.ndarray:
    """Parameters (R, K) whose utilities are the scores (R, L), but for their origin: an anchor's is zero, else the mean."""
    anchor, report = rows_of(design).anchor, np.asarray(design.report)
    scores = scores - (scores.mean(axis=1) if anchor is None else scores[:, anchor])[:, None]
    mean = scores @ np.linalg.pinv(report).T
    lost = np.ptp(mean @ report.T - scores, axis=1) > 1e-6 * (1 + np.abs(scores).max(axis=1))
    if lost.any():
        raise UtilitiesError(f"the scores of {lost.sum():,} of {len(lost):,} people of {name} are no utilities of the design "
                             f"{design.fingerprint[:6]}: it has fewer parameters than they need\n  for example of respondent "
                             f"{examples(ids[lost].tolist())}\n  expected scores that differ as the design's coding lets "
                             "them\n  leave design= away and give items=")  # fmt: skip
    return np.asarray(mean)


def _check(scores: np.ndarray, ids: pd.Series, scale: str, name: str) -> None:
    strange = ~np.isfinite(scores)
    if strange.any():
        raise UtilitiesError(f"{strange.sum():,} of {strange.size:,} scores of {name} are no numbers\n  for example of "
                             f"respondent "
                             f"{examples(ids[strange.any(axis=1)].tolist())}\n  expected a number for each item\n"
                             "  take such people away")  # fmt: skip
    total = scores.sum(axis=1)
    if (scores >= 0).all() and np.allclose(total, 100, atol=0.1):
        raise UtilitiesError(f"the scores of {name} sum to 100 for each person: they are shares, and utilities cannot be "
                             f"had from "
                             "them\n  expected logits, zero-centred or raw\n  export the zero-centred or raw "
                             "scores")  # fmt: skip
    off = np.abs(total) > 0.001 * scores.shape[1]
    if scale == "zero_centered" and off.any():
        raise UtilitiesError(f"the scores of {off.sum():,} of {len(off):,} people of {name} do not sum to zero\n  for "
                             f"example of respondent "
                             f"{examples(ids[off].tolist())}\n  expected zero-centred logits\n  of logits with another "
                             f"origin say "
                             "scale='raw'")  # fmt: skip
