"""Answers drawn for given utilities: for tests, power and examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats._numerics.simulate import BEST, JOINT, RANK, SEQUENTIAL, WORST, simulate_places
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.frames import is_frame, to_pandas
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, DesignError, examples


def simulate_choices(utilities: Any, design: Design, respondents: Respondents | None = None, *,
                     version: npt.ArrayLike | None = None, form: str = "sequential",
                     seed: int | np.random.Generator = 0) -> Choices:  # fmt: skip
    """Answers to the tasks of a design: best-worst, best only, worst only, pairs, rankings.

    Parameters
    ----------
    utilities : array (R, J) or DataFrame
        Each person's utilities in logits; a DataFrame has a column per item (id or label), in any order, and may have
        a column ``respondent`` with ids.
    design : Design
        What is shown.
    respondents : Respondents, optional
        Who answers (R); by default "1", "2", ... or the ids of the table.
    version : array (R), optional
        The version of the design that each one sees; by default they take turns.
    form : {"sequential", "maxdiff"}
        How best and worst are chosen: one after the other, or as one pair (joint). The ``marginal`` form, in which an item
        may be best and worst, is simulated by two half-answered tasks of kinds best and worst.
    seed : int or Generator
        One uniform number per pick is drawn, person by person, so that the first people's answers stay the same when
        people are added.

    Raises
    ------
    ChoicesError
        Where the utilities do not fit the design or the respondents, or are not finite.
    DesignError
        Where tasks are of a kind that cannot be simulated.

    Examples
    --------
    >>> from cvmstats.data.items import Items
    >>> design = Design(objects=Items.from_labels("ABCD"), shown=np.array([[[0, 1, 2], [1, 2, 3]]]))
    >>> simulate_choices(np.zeros((5, 4)), design, seed=1)
    Choices  5 respondents x 2 tasks x 3 items, best and worst
      4 items · design ..., 1 version · 0 tasks incomplete
    """
    answer = _answers(design, form)
    if is_frame(utilities):
        table = to_pandas(utilities)
        if respondents is None and "respondent" in table:
            respondents = Respondents.from_ids(str(v) for v in table["respondent"])
        values = _by_item(table, design)
    else:
        values = np.asarray(utilities, dtype=float)
    if values.ndim != 2 or values.shape[1] != len(design.objects):
        raise ChoicesError(f"utilities have shape {values.shape}\n  expected (respondents, {len(design.objects)})")
    wrong = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(wrong):
        raise ChoicesError(f"utilities of {len(wrong):,} of {len(values):,} people are not finite\n"
                           f"  for example row {examples([int(i) + 1 for i in wrong])}")  # fmt: skip
    people = respondents or Respondents.from_ids(str(i + 1) for i in range(len(values)))
    if len(people) != len(values):
        raise ChoicesError(f"utilities of {len(values):,} people for {len(people):,} respondents\n"
                           "  expected a row each")  # fmt: skip
    seen = np.arange(len(values)) % design.n_versions if version is None else np.asarray(version)
    if seen.shape != (len(values),) or seen.min() < 0 or seen.max() >= design.n_versions:
        raise ChoicesError(f"version must hold {len(values):,} numbers from 0 to {design.n_versions - 1}")
    most = max(2, design.shown.shape[2] - 1) if (answer == RANK).any() else 2
    uniforms = np.random.default_rng(seed).random((len(values), design.n_tasks, most))
    place = simulate_places(values, design.shown, seen, uniforms, answer)
    return Choices(design=design, respondents=people, version=seen.astype(np.int32), place=place, source="simulated")


def _answers(design: Design, form: str) -> npt.NDArray[np.int64]:
    """How each task is answered (V, T), in the cellar's numbers."""
    if form == "marginal":
        raise ChoicesError("the marginal form takes an item for best and worst at once now and then: no person answers so\n"
                           "  simulate form='sequential' or 'maxdiff', or tasks of kinds best and worst")  # fmt: skip
    if form not in ("sequential", "maxdiff"):
        raise ChoicesError(f"unknown form {form!r} of best-worst tasks\n  expected sequential or maxdiff")
    number = {"best_worst": SEQUENTIAL if form == "sequential" else JOINT, "best": BEST, "pair": BEST, "worst": WORST,
              "rank": RANK}  # fmt: skip
    kind, asked = np.asarray(design.kind), (design.shown >= 0).any(axis=2)
    strange = sorted({str(k) for k in kind[asked]} - set(number))
    if strange or np.asarray(design.dual)[asked].any():
        what = f"tasks of kind {', '.join(strange)}" if strange else "second questions about an anchor"
        raise DesignError(f"cannot simulate {what}\n  expected {', '.join(number)}")
    return np.array([[number.get(str(k), BEST) for k in row] for row in kind])


def _by_item(table: pd.DataFrame, design: Design) -> npt.NDArray[np.float64]:
    for names in (design.objects.ids, design.objects.labels):
        absent = [n for n in names if n not in table]
        if not absent:
            return table[list(names)].to_numpy(float)
    raise ChoicesError(f"the table of utilities lacks {len(absent)} of {len(design.objects)} items\n"
                       f"  for example {examples(absent)}\n"
                       "  expected a column per item, called by id or label")  # fmt: skip
