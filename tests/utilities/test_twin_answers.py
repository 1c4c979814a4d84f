"""Answers of all forms in PyTensor: the same likelihood as in the compiled kernels, in both layouts."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from cvmstats._numerics.coded import Coded, make_coded, people_derivatives
from cvmstats._numerics.tasks import FORMS, NEITHER, flatten
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.respondents import Respondents
from cvmstats.utilities.answers import to_tasks

ITEMS = Items.from_labels("abcdefg")
ANCHORED = np.vstack([np.random.default_rng(0).normal(size=(6, 4)), np.zeros(4)])  # object g is the anchor
GRADES = ((0, "equal"), (1, "a little"), (3, "much"))
PAIRS = [[0, 1], [1, 2], [3, 2], [6, 4], [5, 6], [4, 5], [0, 3], [2, 6]]


def answer(rng: np.random.Generator, shown: list[int], kind: str, *, dual: bool = False, ties: bool = False) -> list[int]:
    """Places of one task, drawn at random; a quarter of best-worst answers lacks one end."""
    free = [i for i, j in enumerate(shown) if j >= 0 and not (dual and j == 6)]
    place = [0 if j >= 0 else NO_ANSWER for j in shown]
    order = rng.permutation(free)
    if kind == "rank":
        for step, i in enumerate(order[: rng.integers(1, len(free) + 1)]):
            place[i] = step + 1
        return place
    if kind in ("pair", "graded"):
        place[order[0]] = 1
        if ties and rng.random() < 0.4:
            place[order[1]] = 1
        return place
    where = rng.integers(3) if dual else 1
    if kind != "worst":
        place[order[0]] = 2 if dual and where == 0 else 1
    if kind in ("worst", "best_worst"):
        place[order[-1]] = -2 if dual and where == 2 and kind == "best_worst" else -1
    if kind == "best_worst" and not dual and rng.random() < 0.5:
        place[order[0 if rng.random() < 0.5 else -1]] = 0
    if dual:
        place[shown.index(6)] = (1, 0, -1 if kind == "best_worst" else 0)[where]
    return place


def answers(shown: list[list[int]], kinds: list[str], *, n: int = 7, dual: bool = False, ties: bool = False, seed: int = 1,
            counts: bool = False, **design: Any) -> Choices:  # fmt: skip
    """Answers of ``n`` people to the same tasks."""
    rng = np.random.default_rng(seed)
    width = max(map(len, shown))
    padded = [[*s, *[-1] * (width - len(s))] for s in shown]
    whole = [dual and 6 in s and k != "pair" for s, k in zip(padded, kinds, strict=True)]
    place = [[answer(rng, s, k, dual=d, ties=ties) for s, k, d in zip(padded, kinds, whole, strict=True)] for _ in range(n)]
    strength = np.where((np.array(place) == 1).sum(axis=2) == 2, 0, rng.choice([1, 3], (n, len(shown))))
    plan = Design(objects=ITEMS, shown=[padded], kind=np.array([kinds], object), dual=np.array([whole]), **design)
    return Choices(design=plan, respondents=Respondents.from_ids(map(str, range(n))), version=np.zeros(n), place=place,
                   strength=strength if "graded" in kinds else None,
                   count=rng.integers(0, 4, (n, len(shown))) if counts else None)  # fmt: skip


SETS = [[0, 1, 2, 3], [4, 5, 6], [6, 2, 0, 1, 3], [3, 4], [1, 5, 2, 4], [6, 5, 4, 3, 2, 1]]
MIXED = [*PAIRS, *SETS[:3]]
CASES: dict[str, tuple[Choices, dict[str, Any]]] = {
    **{form: (answers(SETS, ["best_worst", "best_worst", "best_worst", "best", "worst", "best_worst"]), {"form": form})
       for form in FORMS},
    "large middle": (answers([[0, 1, 2, 3, 4, 5, 6]], ["best_worst"], n=12), {"form": "rank_unordered_middle"}),
    "rankings and pairs": (answers([*SETS, [0, 1]], ["rank"] * 6 + ["pair"]), {}),
    "ties": (answers(PAIRS, ["pair"] * 8, ties=True), {"form": {"pair": "davidson"}}),
    "ties and place": (answers(PAIRS, ["pair"] * 8, ties=True), {"form": {"pair": "davidson"}, "position": True}),
    "place": (answers(PAIRS, ["pair"] * 8), {"position": True}),
    "grades": (answers(PAIRS, ["graded"] * 8, ties=True, grades=GRADES), {}),
    "grades and place": (answers(PAIRS, ["graded"] * 8, ties=True, grades=GRADES), {"position": True}),
    "counts": (answers(MIXED, ["pair"] * 8 + ["best_worst"] * 3, counts=True), {}),
    "second questions": (answers(SETS, ["best_worst", "best_worst", "best", "pair", "best", "best_worst"], n=20, dual=True,
                                 coding=ANCHORED), {}),
    "second questions, one scale": (answers(SETS, ["best_worst", "best_worst", "best", "pair", "best", "best_worst"], n=20,
                                            dual=True, coding=ANCHORED), {"form": "maxdiff", "error_scale": False}),
    "two error scales": (answers(MIXED, ["pair"] * 8 + ["best_worst"] * 3, ties=True, block=("p",) * 8 + ("b",) * 3),
                         {"form": {"pair": "davidson"}, "position": True, "error_scale": ["b"]}),
}  # fmt: skip


def coded_of(name: str) -> Coded:
    choices, options = CASES[name]
    return make_coded(to_tasks(choices, **options), np.asarray(choices.design.coding))


def model(coded: Coded, *, wide: bool | None, by_person: bool, factor: bool = False) -> tuple[list[Any], Any]:
    """Inputs and the log-likelihood of them."""
    import pytensor.tensor as pt

    from cvmstats.utilities._pymc_answers import Common, log_likelihood

    beta, rest = pt.matrix("beta"), [pt.vector(name) for name in ("rho", "kappa", "factor")]
    common = Common(*(x if there else None for x, there in zip(rest, (coded.names, coded.scales, factor), strict=True)))
    return [beta, *rest], log_likelihood(coded, beta, common, by_person=by_person, wide=wide)


def random_point(coded: Coded, factor: bool, scale: float = 1.0) -> tuple[list[np.ndarray], np.ndarray]:
    """Parameters for ``model``, and as one phi per person."""
    rng, n = np.random.default_rng(5), coded.tasks.n_people
    beta, rho, kappa = (rng.normal(size=s) for s in ((n, coded.rows.shape[1]), len(coded.names), len(coded.scales)))
    own = rng.normal(size=n) if factor else np.zeros(n)
    phi = np.hstack([scale * beta * np.exp(own)[:, None], np.tile(rho, (n, 1)), np.tile(kappa, (n, 1))])
    return [scale * beta, rho, kappa, own], phi


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_the_likelihood_of_each_person_and_its_gradient_are_those_of_the_kernels(name: str, wide: bool) -> None:
    import pytensor

    coded = coded_of(name)
    assert coded.tasks.n_people >= 7
    inputs, value = model(coded, wide=wide, by_person=True, factor=True)
    slope = pytensor.grad(value.sum(), inputs, disconnected_inputs="ignore")
    both = pytensor.function(inputs, [value, *slope[:3]], mode="FAST_COMPILE", on_unused_input="ignore")
    point, phi = random_point(coded, factor=True)
    got, beta, rho, kappa = both(*point)
    expected, gradient, _ = people_derivatives(coded, phi, curved=False)
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)
    k, e = coded.rows.shape[1], len(coded.names)
    np.testing.assert_allclose(beta, gradient[:, :k] * np.exp(point[3])[:, None], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(rho, gradient[:, k : k + e].sum(axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(kappa, gradient[:, k + e :].sum(axis=0), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["sequential", "rank_unordered_middle", "second questions", "ties and place"])
def test_far_utilities_lose_nothing(name: str) -> None:
    """Utilities of +-100: the kernels shift exponents, this likelihood has sums of positive terms."""
    import pytensor

    coded = coded_of(name)
    inputs, value = model(coded, wide=None, by_person=False)
    point, phi = random_point(coded, factor=False, scale=40)
    got = pytensor.function(inputs, value, mode="FAST_COMPILE", on_unused_input="ignore")(*point)
    np.testing.assert_allclose(got, people_derivatives(coded, phi, curved=False)[0].sum(), rtol=1e-10)


def test_the_cases_hold_what_they_are_named_for() -> None:
    second = coded_of("second questions").tasks
    assert {(int(b) >= 0, int(w) >= 0) for b, w, r in zip(second.best, second.worst, second.rule, strict=True)
            if r == NEITHER} == {(True, True), (True, False)}  # fmt: skip
    assert coded_of("grades and place").names == ("grade 1", "tie", "position")
    assert coded_of("two error scales").scales == ("b",)
    assert coded_of("second questions").scales == ("dual",)
    assert np.diff(coded_of("large middle").tasks.start).max() == 7


def test_many_profiles_need_no_matrix_of_profiles_and_people() -> None:
    """17,000 profiles x 1,000 people would be 136 MB."""
    import pytensor

    rng, n_people, n_profiles = np.random.default_rng(2), 1000, 17_000
    rows = np.stack(np.unravel_index(np.arange(n_profiles), (26, 26, 26)), axis=1) / 10
    shown = np.array([rng.choice(n_profiles, (2, 3), replace=False) for _ in range(n_people)])
    place = np.tile([1, 0, 0], (n_people, 2, 1))
    coded = make_coded(flatten(shown, np.arange(n_people), place, np.full((n_people, 2), "best"), n_profiles), rows)
    inputs, value = model(coded, wide=None, by_person=False)
    outputs = [value, pytensor.grad(value, inputs[0])]
    compiled = pytensor.function(inputs, outputs, mode="FAST_COMPILE", on_unused_input="ignore")
    point, phi = random_point(coded, factor=False)
    tracemalloc.start()
    try:
        got, _ = compiled(*point)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(got, people_derivatives(coded, phi, curved=False)[0].sum(), rtol=1e-12)
