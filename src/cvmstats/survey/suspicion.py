"""Suspicions about a whole file: nothing but chance in it, best and worst swapped, numbers taken for positions.

A fit of the answers is compared with one of the answers as they would be under another coding. The fits are not nested; their
log-likelihoods are compared person by person (Vuong 1989, doi 10.2307/1912557): the mean difference over its standard error is
about standard normal where neither is nearer to the truth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2, norm

from cvmstats._numerics.coded import make_coded
from cvmstats._numerics.laplace import fit_people
from cvmstats._numerics.logit import log_likelihood
from cvmstats.data.choices import Choices
from cvmstats.data.places import NO_ANSWER
from cvmstats.survey.group import Group, fit_tasks, pool_tasks
from cvmstats.survey.picks import Answers, Floats, stages_of

MIRROR = -1.645
"""One file in twenty is suspected where neither reading is nearer to the truth; fewer where people choose the best first."""
LEAST = 2.0
"""Least standard error of a sum of log-likelihoods: two fits that nearly agree differ by what each has learnt from chance."""
READING = -3.0
"""Other codings change everything: three standard errors."""
CERTAIN = 0.99
"""That people do not answer by chance is taken for certain at one in a hundred, by either of two tests."""
TASK = -4.0
"""Standard errors by which people go against the group in a task: 1 in 30,000 by chance, for there are many tasks."""
_PEOPLE, _WORK = 2000, 100_000_000
"""People compared with their mirror images at most, and the numbers that their derivatives are made of: two seconds."""

Places = npt.NDArray[np.int8]


class Swapped(NamedTuple):
    """One thing that looks swapped, and the standard errors that say so."""

    what: str
    z: float


def is_chance(answers: Answers, group: Group) -> bool:
    """Whether nothing tells the answers of all people from chance, at one in a hundred each of two tests.

    The group's utilities against none, by their likelihood ratio with K degrees of freedom; and whether people say the same
    again: r_t, what was picked in a task less what chance would, has mean 0 by chance and is independent of r_t', so the sum
    over a person's pairs of tasks of r_t . r_t' is, over the people, a sum of independent terms of mean 0. The second sees
    people who all differ and each know what they want, the first surveys of one task.
    """
    if chi2.sf(2 * max(group.gain, 0.0), len(group.theta)) <= 1 - CERTAIN:
        return False
    rows = group.coding[np.maximum(answers.shown, 0)]
    residual = np.zeros(answers.shown.shape)
    for s in stages_of(answers):
        residual += s.sign * (s.pick - s.mask / np.maximum(s.mask.sum(axis=2, keepdims=True), 1))
    pull = np.einsum("nta,ntak->ntk", residual, rows)
    again = (pull.sum(axis=1) ** 2).sum(axis=1) - (pull**2).sum(axis=(1, 2))
    error = np.sqrt((again**2).sum())
    return bool(error == 0 or again.sum() / error < norm.ppf(CERTAIN))


def mirror(choices: Choices, place: Places) -> float:
    """Standard errors by which the answers fit better than with best and worst swapped; 0 where nothing can be swapped.

    In the sequential form the best is chosen from the whole set and the worst from what is left: surprising bests are more
    frequent than surprising worsts. That is all that tells the two apart, so the suspicion is a weak one: there is none where
    people choose both ends at once, and where they choose the worst first the right file is suspected. What is surprising
    depends on the person: people have utilities of their own, or answer by chance (``fit_people``).
    """
    both = (np.asarray(choices.design.kind)[choices.version] == "best_worst")[:, :, None] & (np.abs(place.astype(int)) == 1)
    both &= ((place == 1).any(axis=2) & (place == -1).any(axis=2))[:, :, None]
    rows = np.flatnonzero(both.any(axis=(1, 2)))
    if not len(rows):
        return 0.0
    limit = min(_PEOPLE, max(2, _WORK // (both[0].size * np.asarray(choices.design.coding).shape[1] ** 2)))
    if len(rows) > limit:
        rows = rows[np.linspace(0, len(rows) - 1, limit).astype(np.int64)]
    some, place, both = choices.take(rows), place[rows], both[rows]
    return _standard(_own_values(some, place) - _own_values(some, np.where(both, -place, place).astype(np.int8)), LEAST)


def ends(group: Group, choices: Choices) -> tuple[list[str], list[str]]:
    """Names of what the group prefers most, from the best, and least, from the worst: up to three each."""
    value = np.asarray(choices.design.report) @ group.theta
    order, n = np.argsort(-value, kind="stable"), min(3, len(value) // 2)
    names = choices.design.report_labels or ()
    return [names[i] for i in order[:n]], [names[i] for i in order[::-1][:n]]


def swapped_tasks(choices: Choices, answers: Answers, group: Group) -> list[Swapped]:
    """Tasks in which people go against the utilities that the other tasks give the group: columns swapped."""
    asked = choices.answered.any(axis=0)
    out = []
    coding = group.coding
    for t in np.flatnonzero(asked):
        rest = answers.place.copy()
        rest[:, t] = np.where(rest[:, t] == NO_ANSWER, NO_ANSWER, 0)
        tasks = pool_tasks(choices, rest)
        if not len(tasks.best):
            continue
        v = (coding @ fit_tasks(tasks, coding)[0])[np.maximum(answers.shown[:, t], 0)]
        total = variance = 0.0
        for s in stages_of(Answers(answers.shown[:, t : t + 1], answers.place[:, t : t + 1], answers.kind[:, t : t + 1])):
            mask, pick = s.mask[:, 0], s.pick[:, 0]
            size = np.maximum(mask.sum(axis=1), 1)
            away = np.where(mask, v - (np.where(mask, v, 0).sum(axis=1) / size)[:, None], 0)
            total += s.sign * float(away[pick].sum())
            variance += float(((away**2).sum(axis=1) / size).sum())
        z = total / np.sqrt(variance) if variance > 0 else 0.0
        if z < TASK:
            out.append(Swapped((choices.design.task_ids or ())[t], z))
    return out


def against_known(choices: Choices, group: Group, known: Floats) -> float:
    """Standard errors of the slope of the group's utilities on what is known of the objects (J, missing where unknown)."""
    have = np.isfinite(known)
    y, x = (group.coding @ group.theta)[have], known[have]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -0.999999, 0.999999))
    return float(r * np.sqrt((len(x) - 2) / (1 - r**2)))


def other_reading(choices: Choices, place: Places) -> tuple[str, float]:
    """Of the other readings that put every pick into its set too the best, and by how much the present one is better.

    Positions may have been read as item numbers, and item numbers as positions. In standard errors; 0 where there is none.
    """
    kind = np.asarray(choices.design.kind)[choices.version]
    if not np.isin(kind[choices.asked].astype(str), ("best_worst", "best", "worst", "pair")).all():
        return "", 0.0
    shown = choices.design.shown[choices.version]
    size = (shown >= 0).sum(axis=2)
    best = ("", 0.0)
    for name, forward in (("positions were read as item numbers", True), ("item numbers were read as positions", False)):
        read = np.where(place == NO_ANSWER, NO_ANSWER, 0).astype(np.int8)
        fits = True
        for sign in (1, -1):
            r, t, a = np.nonzero(place == sign)
            if forward:  # the number of the object picked was its position
                to = shown[r, t, a]
                inside = to < size[r, t]
                to = np.where(inside, to, 0)
            else:  # the position picked was the number of an object
                hit = shown[r, t] == a[:, None]
                inside, to = hit.any(axis=1), hit.argmax(axis=1)
            fits &= bool(inside.all())
            read[r, t, to] = sign
        if fits and (read != place).any():
            best = min(best, (name, _compare(choices, place, read)), key=lambda found: found[1])
    return best


def _compare(choices: Choices, place: Places, other: Places) -> float:
    coding = np.asarray(choices.design.coding)
    values = []
    for one in (place, other):
        tasks = pool_tasks(choices, one)
        theta, _, _ = fit_tasks(tasks, coding)
        values.append(log_likelihood(tasks, np.tile(coding @ theta, (tasks.n_people, 1))))
    return _standard(values[0] - values[1])


def _own_values(choices: Choices, place: Places) -> Floats:
    """Log-likelihood of each person's answers, people with utilities of their own (R)."""
    tasks, coding = pool_tasks(choices, place), np.asarray(choices.design.coding)
    return fit_people(make_coded(tasks, coding), fit_tasks(tasks, coding)[0]).value


def _standard(gap: Floats, least: float = 0.0) -> float:
    error = max(least, gap.std(ddof=1) * np.sqrt(len(gap))) if len(gap) > 1 else 0.0
    return float(gap.sum() / error) if error > 0 else 0.0
