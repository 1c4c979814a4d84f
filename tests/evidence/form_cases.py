"""Small simulated studies, one for each form of response: what is asked, how it is answered, what is left of the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.design import combine_designs, design_best_worst, design_cases, design_conjoint, design_pairs
from cvmstats.survey.simulate import simulate_choices

Spoil = Callable[[Choices, np.random.Generator], Choices]
ATTRIBUTES = {"price": ["10", "20", "30"], "brand": ["A", "B", "C"], "term": ["1 year", "2 years"]}
GRADES = ((0, "equal"), (1, "somewhat"), (2, "much"))
PAIRED = {"pair": "davidson"}
MEAN = (0.9, -0.6, 0.4, -0.7, 0.6, 0.3, -0.5)
"""Mean parameters, the first K of them."""
SPREAD = 0.7
"""Standard deviation of people's parameters about the population's mean, where people differ."""


@dataclass(frozen=True)
class Case:
    """A form of response and a study of it.

    Parameters
    ----------
    make : callable
        Gives the design.
    form, options
        Form, and further arguments of fits.
    drawn : form, optional
        How people answer, where simulation has another name for it.
    response : mapping
        True parameters of the answer.
    spoil : callable, optional
        What becomes of the simulated answers.
    people : int
    thin : int
        Sweeps per draw of hierarchical fits.
    """

    make: Callable[[], Design]
    form: str | Mapping[str, str] = "sequential"
    drawn: str | Mapping[str, str] | None = None
    response: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    spoil: Spoil | None = None
    people: int = 160
    thin: int = 2

    @cached_property
    def design(self) -> Design:
        return self.make()

    def truth(self) -> np.ndarray:
        """Mean parameters (K), the same in all replications."""
        return np.array(MEAN)[: np.asarray(self.design.coding).shape[1]]

    def simulate(self, rng: np.random.Generator, spread: float) -> tuple[Choices, np.ndarray]:
        """Answers, and the parameters of those who gave them (R, K)."""
        mean = self.truth()
        beta = mean + spread * rng.standard_normal((self.people, len(mean)))
        drawn = self.form if self.drawn is None else self.drawn
        choices = simulate_choices(beta @ np.asarray(self.design.coding).T, self.design, form=drawn, response=self.response,
                                   seed=rng)  # fmt: skip
        choices = choices if self.spoil is None else self.spoil(choices, rng)
        return choices, beta[[int(i) - 1 for i in choices.respondents.ids]]


def labels(n: int) -> list[str]:
    return [f"item {j + 1}" for j in range(n)]


def sets(kind: str = "best_worst", n: int = 6, size: int = 4, n_tasks: int = 12, **options: Any) -> Design:
    design = design_best_worst(labels(n), items_per_task=size, n_tasks=n_tasks, n_versions=4, seed=1, **options)
    return design if kind == "best_worst" else replace(design, kind=kind)


def pairs(n: int = 6, **options: Any) -> Design:
    return design_pairs(labels(n), seed=1, **options)


def twice() -> Design:
    """Every pair twice."""
    design = pairs()
    return Design(objects=design.objects, shown=np.tile(design.shown, (1, 2, 1)), kind="pair")


def halves() -> Design:
    """Every set asked twice: for the best, and for the worst."""
    design = sets()
    kind = np.array([*["best"] * design.n_tasks, *["worst"] * design.n_tasks], dtype=object)
    return Design(objects=design.objects, shown=np.concatenate([design.shown, design.shown], axis=1),
                  kind=np.tile(kind, (design.n_versions, 1)))  # fmt: skip


def as_best_worst(choices: Choices, rng: np.random.Generator) -> Choices:
    """Tasks of which the best or the worst is missing."""
    return replace(choices, design=replace(choices.design, kind="best_worst"))


def ragged() -> Design:
    """Sets of two to five."""
    design = sets(size=5, n_tasks=12)
    size = 2 + np.arange(design.n_tasks) % 4
    return replace(design, shown=np.where(np.arange(5) < size[None, :, None], design.shown, -1))


def repeated() -> Design:
    """Every pair three times."""
    design = pairs(5)
    return Design(objects=design.objects, shown=np.tile(design.shown, (1, 3, 1)), kind="pair")


def counted(choices: Choices, rng: np.random.Generator) -> Choices:
    """How often the one and the other of each pair won, in two tasks."""
    n = choices.design.n_tasks // 3
    won = (choices.place[:, :, 0] == 1).reshape(-1, 3, n).sum(axis=1)
    shown = np.tile(choices.design.shown[:, :n], (1, 2, 1))
    place = np.zeros((len(won), 2 * n, 2), np.int8)
    place[:, :n, 0] = place[:, n:, 1] = 1
    return Choices(design=Design(objects=choices.design.objects, shown=shown, kind="pair"), respondents=choices.respondents,
                   version=choices.version, place=place, count=np.hstack([won, 3 - won]).astype(float))  # fmt: skip


def missing(choices: Choices, rng: np.random.Generator) -> Choices:
    """A fifth of the bests and a fifth of the worsts are missing, never both."""
    which = rng.random(choices.place.shape[:2])[:, :, None]
    gone = ((which < 0.2) & (choices.place == 1)) | ((which > 0.8) & (choices.place == -1))
    return replace(choices, place=np.where(gone, 0, choices.place))


def first_two(choices: Choices, rng: np.random.Generator) -> Choices:
    return replace(choices, place=np.where(choices.place > 2, 0, choices.place))


def merged(choices: Choices, rng: np.random.Generator) -> Choices:
    """People who answered alike as one, counted."""
    _, first, count = np.unique(choices.place.reshape(len(choices.place), -1), axis=0, return_index=True, return_counts=True)
    return weighted(choices.take(first), count, "frequency")


def sampled(choices: Choices, rng: np.random.Generator) -> Choices:
    """Weights that have nothing to do with what people value."""
    return weighted(choices, rng.choice([0.5, 1.0, 2.0], choices.n_respondents), "sampling")


def weighted(choices: Choices, weight: np.ndarray, kind: Any) -> Choices:
    table = choices.respondents.to_frame().assign(weight=weight.astype(float))
    return choices.with_respondents(Respondents(table=table, weight_kind=kind))


def fused() -> Design:
    items = Items.from_labels(labels(6))
    return combine_designs({"MaxDiff": design_best_worst(items, items_per_task=3, n_tasks=10, n_versions=4, seed=1),
                            "pairs": design_pairs(items, degree=3, seed=1)})  # fmt: skip


CASES = {
    "sequential": Case(sets),
    "maxdiff": Case(sets, "maxdiff"),
    "marginal": Case(halves, "marginal", drawn="sequential", spoil=as_best_worst),
    "rank_unordered_middle": Case(sets, "rank_unordered_middle"),
    "full ranking": Case(partial(sets, "rank")),
    "partial ranking (first two)": Case(partial(sets, "rank"), spoil=first_two),
    "best only": Case(partial(sets, "best", n_tasks=16)),
    "worst only": Case(partial(sets, "worst", n_tasks=16)),
    "pairs": Case(pairs),
    "pairs, ties": Case(twice, PAIRED, response={"tie": -0.3}, people=400),
    "pairs, first has an advantage": Case(pairs, options={"position": True}, response={"position": 0.4}, people=320),
    "graded pairs": Case(partial(pairs, grades=GRADES), response={"grade 1": 0.3, "tie": -0.2}),
    "graded pairs, advantage": Case(partial(pairs, grades=GRADES[1:]), options={"position": True},
                                    response={"grade 1": 0.3, "position": 0.4}),
    "case 2": Case(partial(design_cases, ATTRIBUTES, case=2, seed=1)),
    "case 3": Case(partial(design_cases, ATTRIBUTES, case=3, n_versions=2, n_tasks=12, seed=1)),
    "conjoint, none": Case(partial(design_conjoint, ATTRIBUTES, n_tasks=14, n_versions=2, none=True, seed=1)),
    "conjoint, dual none": Case(partial(design_conjoint, ATTRIBUTES, n_tasks=14, n_versions=2, none="dual", seed=1),
                                response={"scale of dual": 0.3}, people=1000, thin=4),
    "direct anchor": Case(partial(sets, size=3, anchor="direct"), response={"scale of anchor": 0.3}, people=800),
    "dual anchor": Case(partial(sets, size=3, anchor="dual"), response={"scale of dual": 0.3}),
    "best-worst and pairs": Case(fused, response={"scale of pairs": 0.3}),
    "sequential, missing": Case(partial(sets, n_tasks=14), spoil=missing),
    "maxdiff, missing": Case(partial(sets, n_tasks=14), "maxdiff", spoil=missing),
    "rank_unordered_middle, missing": Case(partial(sets, n_tasks=14), "rank_unordered_middle", spoil=missing),
    "sequential, ragged": Case(ragged),
    "maxdiff, ragged": Case(ragged, "maxdiff"),
    "counted pairs": Case(repeated, spoil=counted),
    "pairs, frequency weights": Case(partial(pairs, 4), spoil=merged, people=1000),
    "sequential, sampling weights": Case(sets, spoil=sampled, people=200),
}  # fmt: skip
"""By name; the first is the one that others are compared with. Maximum likelihood estimates of logits lie outward of the truth
by the order of 1 / n, which is 1 / sqrt(n) standard errors, and the prior draws posterior means inward by as much: people are
as many as make that small. Error scales of second questions and direct anchors, and six answers a person, need the most."""
