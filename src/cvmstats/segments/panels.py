"""Answers put together by respondent or account, and what their weights mean there."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics.coded import make_coded
from cvmstats._numerics.em import Panels, make_panels
from cvmstats._numerics.tasks import Given, Reading, flatten
from cvmstats.data.choices import Choices
from cvmstats.data.forms import Form, best_worst_form, given_of, reading_of
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, RespondentsError, SegmentsError, examples

Unit = Literal["respondent", "account"]


class Units(NamedTuple):
    """Panels with the ids of their G units, and names of the response parameters that stand behind the K of the coding."""

    panels: Panels
    ids: tuple[str, ...]
    unit: Unit
    response: tuple[str, ...]


def find_unit(respondents: Respondents, unit: str | None) -> Unit:
    """The unit asked for, else accounts where everybody has one.

    Raises
    ------
    SegmentsError
        For another unit.
    """
    if unit is None:
        return "account" if all(respondents.accounts) else "respondent"
    if unit == "account":
        return "account"
    if unit == "respondent":
        return "respondent"
    raise SegmentsError(f"unknown unit {unit!r}\n  expected 'respondent' or 'account'")


def unit_panels(choices: Choices, unit: Unit, form: Form) -> Units:
    """Panels of respondents (R) or accounts (G, in the order of their first person).

    Frequency weights: of a respondent, that many people; within an account, that many people with the same answers.
    Sampling weights: scaled to sum to Kish's effective number, (sum w)^2 / sum w^2; an account has its people's mean.

    Raises
    ------
    ChoicesError
        Where there is no likelihood for the form or for a kind of task, or nothing was answered.
    RespondentsError
        Where people have no account and accounts are asked for.
    """
    design, people = choices.design, choices.respondents
    reading = Reading(**reading_of(choices, form, error_scale=False))
    try:
        tasks = flatten(design.shown, choices.version, choices.place, design.kind, len(design.objects), design.estimated,
                        best_worst_form(form), reading=reading, given=Given(**given_of(choices)))  # fmt: skip
    except ValueError as error:
        raise ChoicesError(str(error)) from error
    if not len(tasks.best):
        raise ChoicesError(f"none of {choices.n_respondents:,} respondents answered a task\n"
                           "  expected at least one answered task")  # fmt: skip
    coded = make_coded(tasks, np.asarray(design.coding))
    coding = np.hstack([coded.rows, coded.response])
    given, sampling = people.weight, people.weight_kind == "sampling"
    if unit == "respondent":
        weight = _kish(given) if sampling else given
        return Units(make_panels(tasks, coding, weight=weight), people.ids, unit, coded.names)
    ids, index = account_index(people)
    if sampling:
        weight = _kish(np.bincount(index, given) / np.bincount(index))
        return Units(make_panels(tasks, coding, unit=index, weight=weight), ids, unit, coded.names)
    panels = make_panels(tasks, coding, unit=index, multiplicity=given, weight=np.ones(len(ids)))
    return Units(panels, ids, unit, coded.names)


def account_index(people: Respondents) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Ids of the G accounts in order of appearance, and the account of each person (R) as an index.

    Raises
    ------
    RespondentsError
        Where people have no account.
    """
    missing = [i for i, a in zip(people.ids, people.accounts, strict=True) if not a]
    if missing:
        raise RespondentsError(
            f"{len(missing):,} of {len(people):,} respondents have no account\n"
            f"  for example respondent {examples(missing)}\n"
            "  expected the account of each one in column 'account' of the respondents\n"
            "  add it with choices.with_respondents(...), leave these people out with choices.take(...), "
            "or use unit='respondent'"
        )
    ids = tuple(dict.fromkeys(people.accounts))
    place = {a: g for g, a in enumerate(ids)}
    return ids, np.array([place[a] for a in people.accounts], np.int64)


def _kish(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(weight * weight.sum() / (weight**2).sum())
