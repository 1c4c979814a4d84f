"""Ways to build ``Choices`` from arrays, for studies whose files have no format of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.choices import Choices
from cvmstats.data.coding import sum_to_zero_basis
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.respondents import Respondents

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def coded(shown: Floats, person: Sequence[object] | pd.Series, place: npt.ArrayLike, kind: str, labels: Sequence[str], *,
          block: Sequence[str] | None = None, about: pd.DataFrame | None = None,
          distinct: bool = True) -> Choices:  # fmt: skip
    """Answers to n tasks of A alternatives, each given by its row of the coding.

    Parameters
    ----------
    shown : array (n, A, K)
    person : sequence (n)
        Who answered; people stand in the order in which they come first.
    place : array (n, A)
    kind : str
    labels : sequence of str (K)
        Names of the parameters, which are also what is reported.
    block : sequence of str (K), optional
        Prior block of each parameter, by default the parameter itself.
    about : DataFrame, optional
        What is known of the people, column ``id``.
    distinct : bool
        Whether equal alternatives are the same object; one that stands twice in a task is another object the second time.
    """
    n, size, k = shown.shape
    if distinct:
        coding, again, objects = alternatives(shown)
        ids = [" ".join(f"{x:g}" for x in row) + " again" * repeat for row, repeat in zip(coding, again, strict=True)]
    else:
        coding, objects = shown.reshape(-1, k), np.arange(n * size).reshape(n, size)
        ids = [f"task {t + 1} alternative {a + 1}" for t in range(n) for a in range(size)]
    return by_person(Design(objects=Items.from_labels(ids), shown=objects[:, None, :], kind=kind, coding=coding,
                            report=np.eye(k), report_labels=tuple(labels), parameter_block=tuple(block or labels)),
                     person, place, about)  # fmt: skip


def alternatives(shown: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Ints, Ints]:
    """Distinct alternatives of n tasks (n, A, K): rows (J, K), the how-manieth of its kind in a task (J), indices (n, A)."""
    n, size, k = shown.shape
    kinds, which = np.unique(shown.reshape(-1, k), axis=0, return_inverse=True)
    which = which.reshape(n, size)
    again = np.tril(which[:, :, None] == which[:, None, :], -1).sum(axis=2)
    pairs, objects = np.unique(np.stack([which, again], axis=2).reshape(-1, 2), axis=0, return_inverse=True)
    return kinds[pairs[:, 0]], pairs[:, 1], objects.reshape(n, size)


def by_person(design: Design, person: Sequence[object] | pd.Series, place: npt.ArrayLike,
              about: pd.DataFrame | None = None) -> Choices:  # fmt: skip
    """A design with a version for each of n tasks, and answers (n, A) to them, told apart by who answered (n)."""
    row, ids = pd.factorize(np.asarray(person, dtype=object))
    task = pd.Series(row).groupby(row).cumcount().to_numpy()
    n_people, n_tasks, size = len(ids), int(task.max()) + 1, design.shown.shape[2]
    shown, places = np.full((n_people, n_tasks, size), -1), np.full((n_people, n_tasks, size), NO_ANSWER)
    shown[row, task], places[row, task] = design.shown[:, 0], place
    kind = str(np.asarray(design.kind).ravel()[0])
    table = pd.DataFrame({"id": [str(i) for i in ids]})
    if about is not None:
        table = table.merge(about.assign(id=about["id"].astype(str)), on="id", how="left", validate="one_to_one")
    whole = replace(design, shown=shown, kind=kind, dual=None, block=None, task_ids=None, version_ids=None)
    return Choices(design=whole, respondents=Respondents(table=table), version=np.arange(n_people),
                   place=places)  # fmt: skip


def in_turn(shown: npt.ArrayLike, place: npt.ArrayLike, kind: str, labels: Sequence[str]) -> Choices:
    """One task per respondent, each its own version."""
    sets = np.asarray(shown)[:, None, :]
    design = Design(objects=Items.from_labels(labels), shown=sets, kind=kind)
    return Choices(design=design, respondents=Respondents.from_ids(str(i + 1) for i in range(len(sets))),
                   version=np.arange(len(sets)), place=np.asarray(place)[:, None, :])  # fmt: skip


def counted(pairs: Ints, wins: Ints, labels: Sequence[str]) -> Choices:
    """Pairs (n, 2) and how often the first and the second of them won (n, 2), as ``Choices.count``."""
    design = Design(objects=Items.from_labels(labels), shown=pairs[None, :, :], kind="pair")
    place = np.stack([np.tile(outcome, (len(pairs), 1)) for outcome in ([1, 0], [0, 1])])
    return Choices(design=design, respondents=Respondents.from_ids(["first won", "second won"]), version=np.zeros(2, int),
                   place=place, count=wins.T.astype(float))  # fmt: skip


def one_by_one(choices: Choices) -> Choices:
    """The same answers without counts: a respondent for each time that a pair was compared."""
    count = np.asarray(choices.count).astype(int)
    r, t = np.nonzero(choices.answered)
    repeat = np.repeat(np.arange(len(r)), count[r, t])
    design = choices.design
    shown = design.shown[choices.version[r], t][repeat]
    apart = replace(design, shown=shown[:, None, :], kind="pair", dual=None, block=None, task_ids=None, version_ids=None)
    return Choices(design=apart, respondents=Respondents.from_ids(str(i + 1) for i in range(len(repeat))),
                   version=np.arange(len(repeat)), place=choices.place[r, t][repeat][:, None, :])  # fmt: skip


def with_home_column(choices: Choices) -> Choices:
    """The same pairs with an object for each team at home and away, and a parameter for being shown first."""
    design = choices.design
    n, basis = len(design.objects), sum_to_zero_basis(len(design.objects))
    coding = np.block([[basis, np.zeros((n, 1))], [basis, np.ones((n, 1))]])
    report = np.block([[basis, np.zeros((n, 1))], [np.zeros((1, n - 1)), np.ones((1, 1))]])
    ids = [*(f"{label} away" for label in design.objects.labels), *(f"{label} at home" for label in design.objects.labels)]
    shown = design.shown + np.array([n, 0])
    return replace(choices, design=Design(
        objects=Items.from_labels(ids), shown=shown, kind="pair", coding=coding, report=report,
        report_labels=(*design.objects.labels, "at home"), parameter_block=("items",) * (n - 1) + ("at home",)))  # fmt: skip


def one_best(pick: npt.ArrayLike, size: int) -> Ints:
    """Places (n, A) where the alternative ``pick`` (n), from 0, is best."""
    return (np.asarray(pick)[:, None] == np.arange(size)).astype(np.int64)


def known(path: Path, column: str) -> pd.DataFrame:
    """A table of respondents, its ids in the column ``id``."""
    return pd.read_csv(path).rename(columns={column: "id"})
