"""Which question tells most for its burden: pairs, best-worst sets, rankings and ratings, side by side.

Best-worst questions are said to burden people less and to be statistically more efficient than other ways of asking; here
that is measured. Ratings are given as people give them: everybody uses the scale in their own way,

    rating = middle + shift[p] + stretch[p] (u + e), rounded and cut to 1 .. points,

with the same Gumbel error e as in choices, and are read as person-centred means.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.items import Items
from cvmstats.design import design_best_worst
from cvmstats.errors import ConvergenceWarning, InputError
from cvmstats.progress import progress_bar
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.hierarchical import fit_hierarchical
from cvmstats.utilities.pooled import fit_pooled
from cvmstats.workflows.assumptions import assume, draw_people
from cvmstats.workflows.power import SHORT, compare

Floats = npt.NDArray[np.float64]

BURDENS = ("texts", "clicks")


class RatingStyle(NamedTuple):
    """How people use a rating scale.

    Attributes
    ----------
    points : int
        Of the scale, 1 to so many.
    middle, shift : float
        Mean rating of an item that is neither liked nor disliked, and its standard deviation between people: near the top,
        because "everything is important".
    stretch, stretch_sd : float
        Points per logit, and the standard deviation of its logarithm between people.
    """

    points: int = 7
    middle: float = 5.5
    shift: float = 0.8
    stretch: float = 0.6
    stretch_sd: float = 0.3


def compare_questions(
    items: Any,
    *,
    utilities: Any = None,
    spread: float = 1.0,
    n_respondents: int = 200,
    burden: str = "texts",
    budget: int = 60,
    items_per_task: int = 5,
    n_versions: int = 10,
    top: int = 3,
    style: RatingStyle = RatingStyle(),  # noqa: B008
    individual: bool = False,
    n_replications: int = 50,
    seed: int = 0,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Ask the same simulated people in four ways at the same burden, and see what is learnt.

    Parameters
    ----------
    items, utilities, spread
        As in :func:`simulate_power`, for one segment.
    n_respondents : int
        R.
    burden : {"texts", "clicks"}
        What is held equal per person: texts read (a set of k has k, a pair 2, a rating 1) or clicks (best-worst 2, a pair 1,
        a ranking of k has k - 1, a rating 1).
    budget : int
        So many of them.
    items_per_task : int
        k of best-worst sets and rankings.
    n_versions : int
    top : int
        Of the decision.
    style : RatingStyle
        How ratings are given. Where the budget is above J, items are rated again.
    individual : bool
        Also fit everybody's utilities (hierarchical; ratings: a person's centred scores). Takes much longer.
    n_replications : int
        Simulated studies.
    seed : int
    progress : bool, optional

    Returns
    -------
    DataFrame
        A row per question: ``question``, ``tasks``, ``texts``, ``clicks``, and means over replications of ``error``,
        ``order``, ``decision``, ``overlap`` (see ``Power``), ``individual_r`` (correlation of people's estimated and true
        utilities within a person); ``relative_efficiency``: how many people best-worst needs for one of this question, by
        the squared errors.

    Raises
    ------
    InputError
        Where the burden does not pay for one question of each kind.
    """
    assumed = assume(items, utilities, None, spread, 0.0)
    if assumed.n_segments > 1:
        raise InputError(f"utilities of {assumed.n_segments} segments\n  expected one row: one population answers all")
    if burden not in BURDENS:
        raise InputError(f"unknown burden {burden!r}\n  expected one of {', '.join(BURDENS)}")
    things, k = assumed.items, items_per_task
    tasks = _tasks(len(things), k, burden, budget)
    sizes = {"pairs": 2, "best-worst": k, "ranking": k}
    kinds = {"pairs": "pair", "best-worst": "best_worst", "ranking": "rank"}
    designs = {}
    for name, size in sizes.items():
        sets = design_best_worst(things, items_per_task=size, n_tasks=tasks[name], n_versions=n_versions, seed=seed)
        designs[name] = replace(sets, kind=kinds[name])
    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in tasks}
    with progress_bar(n_replications * 4, "questions", progress=progress) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for r in range(n_replications):
            people = draw_people(assumed, n_respondents, np.random.default_rng([seed, r]))
            for number, name in enumerate(tasks):
                rng = np.random.default_rng([seed, r, number])
                own = None
                if name == "ratings":
                    own = rate(people.utilities, tasks[name], style, rng)
                    found = np.nanmean(own, axis=0)
                else:
                    answers = simulate_choices(people.utilities, designs[name], seed=rng)
                    found = fit_pooled(answers).reported()[0]
                    if individual:
                        own = fit_hierarchical(answers, sampler=SHORT, seed=r, progress=False).reported()
                seen = compare(found[None], people.means, top)
                each = _individual(own, people.utilities) if individual and own is not None else np.nan
                rows[name].append((seen.error, seen.order, seen.decision, seen.overlap, each, seen.error**2))
                bar.update()
    return _table(rows, tasks, k, things)


def rate(utilities: Floats, n_ratings: int, style: RatingStyle, rng: np.random.Generator) -> Floats:
    """Person-centred mean ratings (R, J) of ``n_ratings`` ratings per person, missing where an item was not rated."""
    n, n_items = utilities.shape
    times = np.full(n_items, n_ratings // n_items) + (np.argsort(rng.random((n, n_items)), axis=1) < n_ratings % n_items)
    shift = rng.normal(0, style.shift, (n, 1))
    stretch = style.stretch * np.exp(rng.normal(0, style.stretch_sd, (n, 1)))
    total = np.zeros((n, n_items))
    for again in range(int(times.max())):
        felt = utilities + rng.gumbel(size=(n, n_items)) - np.euler_gamma
        given = np.clip(np.rint(style.middle + shift + stretch * felt), 1, style.points)
        total += np.where(again < times, given, 0)
    with np.errstate(invalid="ignore"):
        mean = np.where(times > 0, total / np.maximum(times, 1), np.nan)
    return np.asarray(mean - np.nanmean(mean, axis=1, keepdims=True))


def _tasks(n_items: int, k: int, burden: str, budget: int) -> dict[str, int]:
    """Questions of each kind that the budget pays for."""
    price = {"texts": {"pairs": 2, "best-worst": k, "ranking": k, "ratings": 1},
             "clicks": {"pairs": 1, "best-worst": 2, "ranking": k - 1, "ratings": 1}}[burden]  # fmt: skip
    tasks = {name: budget // one for name, one in price.items()}
    least = -(-n_items // k)
    if min(tasks["best-worst"], tasks["ranking"]) < least or tasks["pairs"] < -(-n_items // 2):
        need = max(least * price["best-worst"], least * price["ranking"], -(-n_items // 2) * price["pairs"])
        raise InputError(f"a budget of {budget} {burden} per person does not show each of {n_items} items once in every kind "
                         f"of question\n  the nearest possible: budget={need}")  # fmt: skip
    return tasks


def _individual(own: Floats, truth: Floats) -> float:
    """Mean over people of the correlation of their estimates with their true utilities."""
    there = ~np.isnan(own)
    r = [np.corrcoef(a[t], b[t])[0, 1] for a, b, t in zip(own, truth, there, strict=True)
         if t.sum() > 2 and np.ptp(a[t]) > 0]  # fmt: skip
    return float(np.mean(r)) * len(r) / len(own)


def _table(rows: dict[str, list[tuple[float, ...]]], tasks: dict[str, int], k: int, items: Items) -> pd.DataFrame:
    texts = {"pairs": 2, "best-worst": k, "ranking": k, "ratings": 1}
    clicks = {"pairs": 1, "best-worst": 2, "ranking": k - 1, "ratings": 1}
    names: Sequence[str] = ("error", "order", "decision", "overlap", "individual_r", "square")
    table = pd.DataFrame([
        {"question": name, "tasks": tasks[name], "texts": tasks[name] * texts[name], "clicks": tasks[name] * clicks[name],
         **dict(zip(names, np.mean(each, axis=0), strict=True))}
        for name, each in rows.items()
    ])  # fmt: skip
    best_worst = float(table.loc[table["question"] == "best-worst", "square"].iloc[0])
    table["relative_efficiency"] = best_worst / table["square"]
    return table.drop(columns="square")
