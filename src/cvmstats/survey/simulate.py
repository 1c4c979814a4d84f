"""Answers drawn for given utilities: for tests, power and examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats._numerics.simulate import BEST, JOINT, RANK, SEQUENTIAL, WORST, simulate_places
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.forms import Form, best_worst_form
from cvmstats.data.frames import is_frame, to_pandas
from cvmstats.data.respondents import Respondents
from cvmstats.data.store import whole_numbers
from cvmstats.errors import ChoicesError, examples
from cvmstats.survey.second import Ways, answer_second, decide_pairs
from cvmstats.survey.styles import ResponseStyles, leave_out, task_utilities
from cvmstats.survey.tables import as_text

Floats = npt.NDArray[np.float64]


def simulate_choices(utilities: Any, design: Design, respondents: Respondents | None = None, *,
                     version: npt.ArrayLike | None = None, form: Form = "sequential",
                     response: Mapping[str, float] | None = None, styles: ResponseStyles | None = None,
                     seed: int | np.random.Generator = 0) -> Choices:  # fmt: skip
    """Answers to the tasks of a design: best-worst, best only, worst only, pairs, rankings, graded pairs, second questions.

    Parameters
    ----------
    utilities : array (R, J) or DataFrame
        Each person's utilities in logits; a DataFrame has a column per item (id or label), in any order, and may have
        a column ``respondent`` with ids.
    design : Design
        What is shown.
    respondents : Respondents, optional
        Who answers (R), matched by id where the table of utilities has ids; by default "1", "2", ... or the ids of the
        table.
    version : array (R), optional
        The version of the design that each one sees; by default they take turns.
    form : str, or mapping {kind: form}
        How people answer, see :func:`fit_pooled`: best and worst one after the other, as one pair (``maxdiff``), or as the ends
        of a ranking (``rank_unordered_middle``); pairs with ties (``davidson``). The ``marginal`` form, in which an item may be
        best and worst, is simulated by two half-answered tasks of kinds best and worst.
    response : mapping, optional
        Parameters of the answer by the names that fits give them: ``tie``, ``grade 1``, ..., ``position``, and ``scale of``
        a block or ``dual`` (the logarithm of a factor on utilities). What is left out is 0.
    styles : ResponseStyles, optional
        People who answer by chance or in straight lines, copies, position effects, fatigue, gaps. Who does what is written
        into the columns ``style`` and ``copy_of`` of the respondents.
    seed : int or Generator
        One uniform number per pick is drawn, person by person, so that the first people's answers stay the same when
        people are added. What styles need is drawn after that: honest people's picks are those they make without
        ``styles``, where neither position nor fatigue moves them.

    Raises
    ------
    ChoicesError
        Where the utilities do not fit the design or the respondents, or are not finite, or ``styles`` do not fit the design;
        for ids in one of the two tables only, versions that the design has not, and what is no seed.
    DesignError
        Where graded tasks have no grades, or are not about two objects.

    Examples
    --------
    >>> from cvmstats.data.items import Items
    >>> design = Design(objects=Items.from_labels("ABCD"), shown=np.array([[[0, 1, 2], [1, 2, 3]]]))
    >>> simulate_choices(np.zeros((5, 4)), design, seed=1)
    Choices  5 respondents x 2 tasks x 3 items, best and worst
      4 items · design ..., 1 version · 0 tasks incomplete
    """
    answer, ways = _answers(design, form), Ways.of(design, form, response or {})
    if not (respondents is None or isinstance(respondents, Respondents)):
        raise ChoicesError(f"respondents= is a {type(respondents).__name__}\n"
                           "  expected Respondents: read_respondents(...)")  # fmt: skip
    ids: list[str] = []
    if is_frame(utilities):
        table = to_pandas(utilities)
        ids, values = _ids(table), _by_item(table, design)
    else:
        values = _numbers(utilities)
    if values.ndim != 2 or values.shape[1] != len(design.objects):
        raise ChoicesError(f"utilities have shape {values.shape}\n  expected (respondents, {len(design.objects)})")
    wrong = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(wrong):
        raise ChoicesError(f"utilities of {len(wrong):,} of {len(values):,} people are not finite\n"
                           f"  for example row {examples([int(i) + 1 for i in wrong])}")  # fmt: skip
    people = respondents or Respondents.from_ids(ids or (str(i + 1) for i in range(len(values))))
    rows = np.array(_rows_of(ids, people.ids)) if ids else np.arange(len(values))
    if len(people) != len(values):
        raise ChoicesError(f"utilities of {len(values):,} people for {len(people):,} respondents\n"
                           "  expected a row each")  # fmt: skip
    values = values[rows]
    given = np.arange(len(values)) % design.n_versions if version is None else version
    seen = whole_numbers("version", given, np.int64, ChoicesError)
    if seen.shape != (len(values),) or seen.min() < 0 or seen.max() >= design.n_versions:
        raise ChoicesError(f"version must hold {len(values):,} numbers from 0 to {design.n_versions - 1}")
    most = max(2, design.shown.shape[2] - 1) if (answer == RANK).any() else 2
    try:
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ChoicesError(f"seed is {seed!r}\n  expected a whole number from 0, or a numpy Generator") from None
    uniforms = rng.random((len(values), design.n_tasks, most + ways.dual.any()))
    if styles is None and ways.plain:
        place = simulate_places(values, design.shown, seen, uniforms, answer)
        place = _ends(place, np.asarray(design.kind)[seen], ways)
        return Choices(design=design, respondents=people, version=seen.astype(np.int32), place=place, source="simulated")
    return _task_by_task(values, design, people, seen, uniforms, answer, ways, styles, rng)


def _task_by_task(values: Floats, design: Design, people: Respondents, version: npt.NDArray[np.int64], uniforms: Floats,
                  answer: npt.NDArray[np.int64], ways: Ways, styles: ResponseStyles | None,
                  rng: np.random.Generator) -> Choices:  # fmt: skip
    """Where tasks have utilities of their own: each task of each person is a person with one task, its objects positions."""
    shown = design.shown[version]
    n, n_tasks, width = shown.shape
    taken = [name for name in ("style", "copy_of") if styles is not None and name in people.table]
    if taken:
        raise ChoicesError(f"the respondents have a column {examples(taken)} already, which simulated styles are written into\n"
                           "  rename it")  # fmt: skip
    if styles is None:
        utilities = np.where(shown >= 0, np.take_along_axis(values[:, None, :], np.maximum(shown, 0), axis=2), 0.0)
    else:
        style, original = styles.assign(n, rng)
        utilities = task_utilities(values, shown, styles, style, rng)
    utilities = utilities * np.exp(ways.log_scale[:, None])
    anchor = ways.anchor[np.maximum(shown, 0)] & (shown >= 0) & ways.dual[version][:, :, None]
    slots = np.where((shown >= 0) & ~anchor, np.arange(width), -1).reshape(n * n_tasks, 1, width)
    place = simulate_places(utilities.reshape(n * n_tasks, width), slots, np.arange(n * n_tasks),
                            uniforms.reshape(n * n_tasks, 1, -1), answer[version].reshape(-1, 1))  # fmt: skip
    place = _ends(place.reshape(shown.shape), np.asarray(design.kind)[version], ways)
    strength = decide_pairs(utilities, shown, version, uniforms[:, :, 0], ways, place)
    if anchor.any():
        second = utilities * np.exp(ways.dual_log_scale - ways.log_scale[:, None])
        answer_second(second, shown, anchor, uniforms[:, :, -1], place)
    if styles is None:
        return Choices(design=design, respondents=people, version=version.astype(np.int32), place=place, strength=strength,
                       source="simulated")  # fmt: skip
    place = leave_out(place, np.asarray(design.kind)[version], styles.missing, rng)
    whose = np.where(original >= 0, original, np.arange(n))
    ids = np.array([*people.ids, ""], dtype=object)
    known = Respondents(table=people.to_frame().assign(style=style, copy_of=ids[original]), weight_kind=people.weight_kind)
    return Choices(design=design, respondents=known, version=version[whose].astype(np.int32), place=place[whose],
                   strength=None if strength is None else strength[whose],
                   source="simulated, with response styles")  # fmt: skip


def _ends(place: npt.NDArray[np.int8], kind: npt.NDArray[np.object_], ways: Ways) -> npt.NDArray[np.int8]:
    """Of best-worst tasks answered as rankings, the first and the last place."""
    if not ways.middle:
        return place
    last = place.max(axis=2, keepdims=True)
    ends = np.where(place == 1, 1, np.where((place == last) & (place > 1), -1, np.minimum(place, 0)))
    return np.where((kind == "best_worst")[:, :, None], ends, place).astype(np.int8)


def _answers(design: Design, form: Form) -> npt.NDArray[np.int64]:
    """How each task is answered (V, T), in the cellar's numbers; graded pairs and ties are decided anew after that."""
    best_worst = best_worst_form(form)
    if best_worst == "marginal":
        raise ChoicesError("the marginal form takes an item for best and worst at once now and then: no person answers so\n"
                           "  simulate form='sequential' or 'maxdiff', or tasks of kinds best and worst")  # fmt: skip
    number = {"best_worst": {"sequential": SEQUENTIAL, "maxdiff": JOINT}.get(best_worst, RANK), "best": BEST, "pair": BEST,
              "worst": WORST, "rank": RANK, "graded": BEST}  # fmt: skip
    return np.array([[number[str(k)] for k in row] for row in np.asarray(design.kind)])


def _ids(table: pd.DataFrame) -> list[str]:
    """Ids of a table of utilities, none where it has none."""
    if "respondent" not in table:
        return []
    ids: list[str] = as_text(table["respondent"]).tolist()
    blank = [f"row {i + 1}" for i, v in enumerate(ids) if v.strip() == ""]
    if blank:
        raise ChoicesError(f"{len(blank):,} of {len(ids):,} rows of utilities have no respondent\n"
                           f"  for example {examples(blank)}\n  expected an id in each, or no such column")  # fmt: skip
    return ids


def _rows_of(ids: Sequence[str], people: Sequence[str]) -> list[int]:
    """The row of utilities of each person."""
    row, here = {v: i for i, v in enumerate(ids)}, set(people)
    for one, other, lack in ((people, row, "respondents have no utilities"), (ids, here, "rows of utilities are of nobody")):
        absent = [v for v in one if v not in other]
        if absent:
            raise ChoicesError(f"{len(absent):,} of {len(one):,} {lack}\n  for example {examples(absent)}\n"
                               "  expected the same ids in the column 'respondent' and in respondents=")  # fmt: skip
    return [row[v] for v in people]


def _numbers(utilities: Any) -> Floats:
    try:
        return np.asarray(utilities, dtype=float)
    except (TypeError, ValueError):
        raise ChoicesError(f"utilities are no table of numbers, but {type(utilities).__name__}\n"
                           "  expected an array (respondents, items) in logits, or a DataFrame with a column per item; of a "
                           "fit utilities.to_frame()") from None  # fmt: skip


def _by_item(table: pd.DataFrame, design: Design) -> npt.NDArray[np.float64]:
    for names in (design.objects.ids, design.objects.labels):
        absent = [n for n in names if n not in table]
        if not absent:
            return _numbers(table[list(names)])
    raise ChoicesError(f"the table of utilities lacks {len(absent)} of {len(design.objects)} items\n"
                       f"  for example {examples(absent)}\n"
                       "  expected a column per item, called by id or label")  # fmt: skip
