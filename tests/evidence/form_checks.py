"""Two identities of each form: gradients are finite differences, and probabilities of all answers to a task sum to one."""

from __future__ import annotations

from itertools import permutations, product
from typing import NamedTuple

import numpy as np
from form_cases import Case, first_two

from cvmstats._numerics.coded import Coded, make_coded, people_derivatives, sum_derivatives
from cvmstats._numerics.tasks import Given, Reading, flatten
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.forms import best_worst_form, given_of, reading_of
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.respondents import Respondents
from cvmstats.utilities.answers import to_tasks

STEP = 1e-4
Event = tuple[list[int], float]
"""Places of the set, and a strength."""


class Answer(NamedTuple):
    """What an answer to one task says of its set."""

    best: int = -1
    worst: int = -1
    anchor: int = 0


def coded_of(case: Case, choices: Choices) -> Coded:
    return make_coded(to_tasks(choices, form=case.form, **case.options), choices.design.coding)


def point_of(case: Case, coded: Coded, rng: np.random.Generator) -> np.ndarray:
    """Parameters somewhere about the truth (K + E + S)."""
    truth = np.append(case.truth(), [case.response[name] for name in (*coded.names, *(f"scale of {s}" for s in coded.scales))])
    return np.asarray(truth + 0.3 * rng.standard_normal(len(truth)))


def gradient_error(case: Case, rng: np.random.Generator) -> float:
    """Largest error of the gradient of simulated answers, relative to its largest entry; differences of fourth order."""
    choices, _ = case.simulate(rng, 0.0)
    coded, weight = coded_of(case, choices), choices.respondents.weight
    point = point_of(case, coded, rng)
    slope = sum_derivatives(coded, point, weight)[1]

    def moved(k: int, steps: int) -> float:
        return sum_derivatives(coded, point + steps * STEP * np.eye(len(point))[k], weight)[0]

    seen = [(8 * (moved(k, 1) - moved(k, -1)) - (moved(k, 2) - moved(k, -2))) / (12 * STEP) for k in range(len(point))]
    return float(np.abs(np.array(seen) - slope).max() / np.abs(slope).max())


def sum_error(case: Case, rng: np.random.Generator) -> float:
    """How far from one the probabilities of all answers to a task sum, at most: tasks of each size and kind of the design."""
    design = case.simulate(rng, 0.0)[0].design
    worst, known = 0.0, set()
    for t in range(design.n_tasks):
        shown, kind, dual = design.shown[0, t], str(np.asarray(design.kind)[0, t]), bool(np.asarray(design.dual)[0, t])
        what = (kind, dual, int((shown >= 0).sum()), (design.block or ())[t])
        if what in known or what[2] == 0:
            continue
        known.add(what)
        for events in ways(case, design, shown, kind, dual):
            worst = max(worst, abs(total(case, design, t, events, rng) - 1))
    return worst


def ways(case: Case, design: Design, shown: np.ndarray, kind: str, dual: bool) -> list[list[Event]]:
    """Sets of answers to one task that leave nothing out and do not overlap."""
    there = np.flatnonzero(shown >= 0)
    anchor = [a for a in there if dual and not np.asarray(design.coding)[shown[a]].any()]
    plain = [a for a in there if a not in anchor]
    if kind in ("pair", "graded"):
        grades = sorted(p for p, _ in design.grades if p > 0) or [1]
        events: list[Event] = [(ranked(shown, (w,)), g) for w in there for g in grades]
        tied = case.form == {"pair": "davidson"} or any(p == 0 for p, _ in design.grades)
        return [events + [([1 if s >= 0 else NO_ANSWER for s in shown], 0.0)] * tied]
    if kind == "rank":
        n = len(there) if case.spoil is not first_two else 2
        return [[(ranked(shown, order), 0.0) for order in permutations(there, n)]]
    best = [Answer(best=b) for b in plain]
    worst = [Answer(worst=w) for w in plain]
    both = [Answer(b, w) for b, w in product(plain, plain) if b != w]
    asked = {"best": [best], "worst": [worst]}.get(kind, [both] if dual else [both, best, worst])
    if case.form == "marginal":  # its events are pairs of two answers
        asked = [best, worst]
    if dual:
        places = (1, 0, -1) if kind == "best_worst" else (1, 0)
        asked = [[a._replace(anchor=p) for a, p in product(answers, places)] for answers in asked]
    return [[(written(shown, answer, anchor), 0.0) for answer in answers] for answers in asked]


def ranked(shown: np.ndarray, order: tuple[int, ...]) -> list[int]:
    return [NO_ANSWER if s < 0 else order.index(a) + 1 if a in order else 0 for a, s in enumerate(shown)]


def written(shown: np.ndarray, answer: Answer, anchor: list[int]) -> list[int]:
    """Places: an anchor that comes first (or last) moves what was picked to the second place."""
    place = [NO_ANSWER if s < 0 else 0 for s in shown]
    if answer.best >= 0:
        place[answer.best] = 2 if answer.anchor == 1 else 1
    if answer.worst >= 0:
        place[answer.worst] = -2 if answer.anchor == -1 else -1
    for a in anchor:
        place[a] = answer.anchor
    return place


def total(case: Case, design: Design, t: int, events: list[Event], rng: np.random.Generator) -> float:
    """Probability of these answers to task ``t``, one of them by each of so many people."""
    n = len(events)
    place = np.where(design.shown[0] >= 0, 0, NO_ANSWER)[None].repeat(n, axis=0)
    place[:, t] = [p for p, _ in events]
    strength = np.full(place.shape[:2], np.nan)
    strength[:, t] = [s for _, s in events]
    choices = Choices(design=design, respondents=Respondents.from_ids(map(str, range(n))), version=np.zeros(n, int),
                      place=place, strength=strength if design.grades else None)  # fmt: skip
    tasks = flatten(design.shown, choices.version, choices.place, design.kind, len(design.objects),
                    form=best_worst_form(case.form), reading=Reading(**reading_of(choices, case.form, **case.options)),
                    given=Given(**given_of(choices)))  # fmt: skip
    coded = make_coded(tasks, design.coding)
    return float(np.exp(people_derivatives(coded, point_of(case, coded, rng), curved=False)[0]).sum())
