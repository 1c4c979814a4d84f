"""Conjoint designs: as good as the best there is in small cases, at the bound where it can be, never what is prohibited."""

from __future__ import annotations

import importlib.util
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cvmstats as cvm
from cvmstats._numerics.arrange import arrange_profiles
from cvmstats._numerics.information import choice_information
from cvmstats.data.design import Design
from cvmstats.data.profiles import Profiles
from cvmstats.design.prior_utilities import prior_draws
from cvmstats.errors import AttributesError, DesignError

PARTS = {"price": [10, 20, 30], "brand": ["A", "B", "C"], "term": [1, 2, 3]}

EVIDENCE = Path(__file__).parents[1] / "evidence" / "profile_designs.py"
spec = importlib.util.spec_from_file_location("profile_designs", EVIDENCE)
assert spec is not None
evidence = importlib.util.module_from_spec(spec)
assert spec.loader is not None
spec.loader.exec_module(evidence)


def profiles_of(design: Design) -> Profiles:
    assert isinstance(design.objects, Profiles)
    return design.objects


def levels_of(design: Design) -> np.ndarray:
    return profiles_of(design).levels[design.shown]


@pytest.mark.parametrize("number", [0, 3, 5, 9, 13, 18])
@pytest.mark.parametrize("repeats", [True, False])
def test_small_designs_are_as_good_as_the_best_of_all(number: int, repeats: bool) -> None:
    """A slice of tests/evidence/profile_designs.py, where all designs are tried."""
    best, ratio, n = evidence.judge(evidence.CASES[number], repeats)
    assert n > 1
    assert best > 0
    assert 0.999 <= ratio < 1 + 1e-9


def test_three_levels_in_sets_of_three_reach_the_bound() -> None:
    a = cvm.assess_design(cvm.design_conjoint(PARTS, alternatives=3, n_tasks=9))
    assert a["D efficiency over all"] == pytest.approx(1)
    assert a["levels repeated within a task, per attribute"] == 0
    assert a["correlation of two attributes, largest"] == 0
    assert a["level counts, largest difference in an attribute"] == 0


@pytest.mark.parametrize(("n_levels", "size", "n_tasks", "n_versions", "over_all", "within"), [
    ((4, 4, 4, 4, 4, 4), 3, 12, 3, 0.98, 0.95), ((5, 4, 3, 3, 2), 4, 10, 3, 0.98, 0.95),
    ((3, 3, 3, 3, 2), 2, 12, 4, 0.98, 0.94),
])  # fmt: skip
def test_usual_sizes_come_close_to_the_bound(n_levels: Any, size: int, n_tasks: int, n_versions: int, over_all: float,
                                             within: float) -> None:  # fmt: skip
    design = cvm.design_conjoint(evidence.attributes_of(n_levels), alternatives=size, n_tasks=n_tasks, n_versions=n_versions)
    a = cvm.assess_design(design)
    assert a["D efficiency over all"] > over_all
    assert a["D efficiency within a version"] > within
    assert a["tasks repeated within a version"] == 0
    assert a["versions that identify not all parameters"] == 0
    assert design.block == ("conjoint",) * n_tasks
    assert set(np.asarray(design.kind).ravel()) == {"best"}


def test_same_seed_same_design() -> None:
    one, again, other = (cvm.design_conjoint(PARTS, n_tasks=5, n_starts=3, seed=s) for s in (4, 4, 5))
    assert one.fingerprint == again.fingerprint != other.fingerprint
    drawn = [cvm.design_conjoint(PARTS, n_tasks=5, n_starts=1, prior_sd=0.5, seed=4).fingerprint for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_profiles_of_a_task_differ_and_tasks_differ() -> None:
    design = cvm.design_conjoint({"a": [1, 2], "b": [1, 2]}, alternatives=3, n_tasks=4)
    assert len({tuple(sorted(task)) for task in design.shown[0].tolist()}) == 4
    more = cvm.design_conjoint({"a": [1, 2], "b": [1, 2]}, alternatives=3, n_tasks=5)  # only four different sets
    assert cvm.assess_design(more)["tasks repeated within a version"] >= 1


PROHIBITED = [{"price": 10, "brand": "A"}, {"price": 30, "brand": "C", "term": 3}, {"brand": "B", "term": 1}]


@pytest.mark.parametrize("options", [
    {}, {"none": True}, {"prior_sd": 0.3, "n_starts": 2}, {"alternatives": 2, "n_versions": 4},
])  # fmt: skip
def test_what_is_prohibited_is_never_shown(options: dict[str, Any]) -> None:
    design = cvm.design_conjoint(PARTS, n_tasks=8, prohibited=PROHIBITED, **options)
    table = profiles_of(design).to_frame().astype(str)
    for rule in PROHIBITED:
        meets = np.ones(len(table), bool)
        for name, level in rule.items():
            meets &= (table[name] == str(level)).to_numpy()
        assert not meets.any()
    assert cvm.assess_design(design)["versions that identify not all parameters"] == 0


def test_prohibitions_hold_where_not_all_profiles_are_listed() -> None:
    parts = evidence.attributes_of((5,) * 8)
    rules = [{"a1": "l1", f"a{i}": f"l{j}"} for i in range(2, 9) for j in range(1, 5)]  # a1 = l1 leaves one profile
    design = cvm.design_conjoint(parts, n_tasks=17, n_starts=2, prohibited=rules)
    levels = levels_of(design).reshape(-1, 8)
    rare = levels[levels[:, 0] == 0]
    assert len(rare)
    assert (rare[:, 1:] == 4).all()


def test_the_none_option_stands_last_and_has_a_parameter_of_its_own() -> None:
    design = cvm.design_conjoint(PARTS, n_tasks=9, none=True)
    none = profiles_of(design).none
    assert none is not None
    assert (design.shown[:, :, -1] == none).all()
    assert (design.shown[:, :, :-1] != none).all()
    assert not np.asarray(design.dual).any()
    assert design.parameter_block == ("price",) * 2 + ("brand",) * 2 + ("term",) * 2 + ("none",)
    assert cvm.assess_design(design)["D efficiency over all"] == pytest.approx(1)
    dual = cvm.design_conjoint(PARTS, n_tasks=9, none="dual", prior={"none": 1.0})
    assert np.asarray(dual.dual).all()
    assert "and none (dual)" in repr(dual)
    assert cvm.assess_design(dual)["D efficiency over all"] == pytest.approx(1)


def test_levels_stand_in_every_position_evenly() -> None:
    a = cvm.assess_design(cvm.design_conjoint(PARTS, alternatives=3, n_tasks=9, n_versions=4))
    row = a.table.set_index("figure").loc["levels by position, sum of squares"]
    assert row["value"] <= 1.01 * row["bound"]
    sets = np.random.default_rng(0).integers(0, 3, (40, 3, 4))
    order = arrange_profiles(sets, np.random.default_rng(1))
    assert (np.sort(order, axis=1) == np.arange(3)).all()


def test_a_prior_is_worth_having_where_it_is_true() -> None:
    prior = {"price": {10: 1.5, 20: 0.0, 30: -1.5}, "brand": {"A": 1.0, "B": 0.0, "C": -1.0}}
    plain, local = (cvm.design_conjoint(PARTS, n_tasks=9, prior=p) for p in (None, prior))
    errors = [cvm.assess_design(d, prior=prior)["D error at the prior"] for d in (plain, local)]
    assert errors[1] < 0.9 * errors[0]
    bayesian = cvm.design_conjoint(PARTS, n_tasks=9, prior=prior, prior_sd=0.8)
    spread = [cvm.assess_design(d, prior=prior, prior_sd=0.8)["D error at the prior"] for d in (plain, local, bayesian)]
    assert spread[2] < spread[0]
    assert spread[2] <= spread[1]


def test_priors_are_read_as_utilities_of_levels() -> None:
    parts = cvm.Attributes.from_dict(PARTS, linear=("price",))
    prior = {"price": -0.05, "brand": {"A": 2.0, "B": 1.0, "C": 0.0}, "none": 0.7}
    draws = prior_draws(parts, prior, None, True, np.random.default_rng(0))
    assert draws.shape == (1, 6)
    np.testing.assert_allclose(parts.coding @ draws[0, :-1], [0.5, 0, -0.5, 1, 0, -1, 0, 0, 0], atol=1e-12)
    assert draws[0, -1] == -0.7
    by_level = prior_draws(parts, {"price": {10: 0.5, 20: 0, 30: -0.5}}, None, False, np.random.default_rng(0))
    assert by_level[0, 0] == pytest.approx(-0.05)
    many = prior_draws(parts, prior, {"brand": 0.6, "none": 0.3}, True, np.random.default_rng(0))
    assert many.shape == (64, 6)
    np.testing.assert_allclose((parts.coding @ many[:, :-1].T).std(axis=1)[3:6], 0.6, rtol=0.1)
    assert many[:, -1].std() == pytest.approx(0.3, rel=0.1)
    assert np.ptp(many[:, 0]) == 0
    np.testing.assert_allclose(many.mean(axis=0), draws[0], atol=0.02)


def test_information_is_the_curvature_of_the_likelihood() -> None:
    rng = np.random.default_rng(0)
    x, beta = rng.normal(size=(3, 4, 3)), rng.normal(size=3)

    def log_likelihood(b: np.ndarray, chosen: np.ndarray) -> float:
        u = x @ b
        return float((np.take_along_axis(u, chosen[:, None], 1)[:, 0] - np.log(np.exp(u).sum(axis=1))).sum())

    step, eye = 1e-4, np.eye(3)
    curvature = np.zeros((3, 3))
    for i, j in combinations([0, 0, 1, 1, 2, 2], 2):
        a, b = step * eye[i], step * eye[j]
        f = [log_likelihood(beta + s * a + t * b, np.array([0, 1, 2])) for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
        curvature[i, j] = curvature[j, i] = -(f[0] - f[1] - f[2] + f[3]) / (4 * step**2)
    np.testing.assert_allclose(choice_information(x, beta), curvature, atol=1e-5)
    there = np.array([[True, True, False, False]] * 3)
    np.testing.assert_allclose(choice_information(x, beta, there), choice_information(x[:, :2], beta))
    np.testing.assert_array_equal(choice_information(x, beta, there & False), np.zeros((3, 3)))


@pytest.mark.parametrize(("more", "message"), [
    ({"alternatives": 1}, "nothing to choose from\n  the nearest possible: alternatives=2"),
    ({"n_tasks": 0}, "one version of one task"),
    ({"n_tasks": 2}, "4 comparisons in all, and 6 parameters\n  the nearest possible: n_tasks=3, or n_versions=2"),
    ({"none": "some"}, "expected False, True or 'dual'"),
    ({"alternatives": 28}, "27 profiles are possible.*28 different ones\n  the nearest possible: 27"),
    ({"prohibited": [{"price": 10}]}, "expected two attributes or more"),
    ({"prohibited": [{"price": 10, "brand": b} for b in "ABC"]},
     "no profile for 1 of 9 levels\n  for example 'price: 10': 'price: 10' must not meet 'brand: A', 'brand: B', 'brand: C'"),
    ({"prohibited": [{"price": p, "brand": b} for p, own in ((10, "A"), (20, "B"), (30, "C")) for b in "ABC" if b != own]},
     "cannot be told apart: 2 of 6 parameters.*\n  they are those of 'price', 'brand'"),
    ({"prior": {"size": {}}}, "prior names 1 unknown attributes: 'size'"),
    ({"prior": {"none": 1}}, "prior names 1 unknown attributes: 'none'"),
    ({"prior": {"price": -1.0}}, "expected a utility for each level"),
    ({"prior": {"price": {10: 1}}}, "lacks 2 of 3 levels\n  for example '20', '30'"),
    ({"prior": {"price": {10: "x", 20: 0, 30: 0}}}, "price: 10 is 'x'\n  expected a number"),
    ({"prior_sd": -1}, "expected 0 or more"),
    ({"prior_sd": {"size": 1}}, "prior_sd names 1 unknown"),
])  # fmt: skip
def test_impossible_requests_name_what_is_wrong(more: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        cvm.design_conjoint(PARTS, **more)


def test_unknown_levels_are_named() -> None:
    with pytest.raises(AttributesError, match="unknown level '40' of 'price'\n  expected one of 10, 20, 30"):
        cvm.design_conjoint(PARTS, prohibited=[{"price": 40, "brand": "A"}])


def test_pairs_of_profiles() -> None:
    parts = cvm.Attributes.from_dict(PARTS)
    design = cvm.design_pairs(parts, n_tasks=12, n_versions=3, seed=2)
    assert design.shown.shape == (3, 12, 2)
    assert set(np.asarray(design.kind).ravel()) == {"pair"}
    a = cvm.assess_design(design)
    assert a["D efficiency over all"] > 0.97
    assert a["levels repeated within a task, per attribute"] < 0.15
    sides = [np.bincount((levels_of(design)[:, :, p] + parts.first).ravel(), minlength=9) for p in (0, 1)]
    assert np.abs(sides[0] - sides[1]).max() <= 2
    graded = cvm.design_pairs(parts, n_tasks=12, grades=((0, "equal"), (1, "more")))
    assert set(np.asarray(graded.kind).ravel()) == {"graded"}


@pytest.mark.parametrize(("things", "more", "message"), [
    (cvm.Attributes.from_dict(PARTS), {}, "n_tasks is missing"),
    (cvm.Attributes.from_dict(PARTS), {"n_tasks": 9, "degree": 3}, "degree is of items"),
    (cvm.Attributes.from_dict(PARTS), {"n_tasks": 2}, "2 comparisons in all, and 6 parameters"),
    (list("abcd"), {"n_tasks": 9, "prior": {}}, "pairs of items take no n_tasks, prior"),
    (list("abcd"), {"prohibited": [{"a": 1}]}, "pairs of items take no prohibited"),
])  # fmt: skip
def test_messages_of_pairs(things: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        cvm.design_pairs(things, **more)


def test_utilities_are_recovered_from_answers_to_a_design_of_profiles() -> None:
    parts = cvm.Attributes.from_dict(PARTS, linear=("price",))
    design = cvm.design_conjoint(parts, n_tasks=9, n_versions=4, none=True)
    beta = np.array([-0.05, 0.5, -0.3, 0.2, 0.6, 0.8])
    rng, version = np.random.default_rng(0), np.arange(600) % 4
    shown = design.shown[version]
    felt = (np.asarray(design.coding) @ beta)[shown] + rng.gumbel(size=shown.shape)
    people = cvm.Respondents.from_ids([str(i) for i in range(600)])
    choices = cvm.Choices(design=design, respondents=people, version=version,
                          place=(felt == felt.max(axis=2, keepdims=True)).astype(np.int8))  # fmt: skip
    fitted = cvm.fit_pooled(choices)
    information = choice_information(np.asarray(design.coding)[shown.reshape(-1, 4)], beta)
    z = (np.asarray(fitted.mean)[0] - beta) / np.sqrt(np.linalg.inv(information).diagonal())
    assert np.abs(z).max() < 3
    assert repr(choices).startswith("Choices  600 respondents x 9 tasks x 4 profiles, best")
