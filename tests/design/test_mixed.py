"""Mixed studies: one design, one coding, and answers of every block read together; hold-outs are kept apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cvmstats as cvm
from cvmstats.errors import DesignError

LEVELS = {"price": [10, 20, 30], "brand": ["A", "B"], "service": ["none", "phone", "visit"]}
ITEMS = list("ABCDEFG")


def maxdiff(**options: object) -> cvm.Design:
    return cvm.design_best_worst(ITEMS, **{"items_per_task": 3, "n_tasks": 7, **options})  # type: ignore[arg-type]


def test_blocks_follow_one_another_version_by_version() -> None:
    one, two = maxdiff(n_versions=4, seed=1), maxdiff(items_per_task=4, n_tasks=2, n_versions=6, seed=2)
    mixed = cvm.combine_designs({"MaxDiff": one, "holdout": two})
    assert mixed.shown.shape == (12, 9, 4)
    for v in range(12):
        np.testing.assert_array_equal(mixed.shown[v, :7, :3], one.shown[v % 4])
        np.testing.assert_array_equal(mixed.shown[v, 7:], two.shown[v % 6])
    assert (mixed.shown[:, :7, 3] == -1).all()
    assert mixed.block == ("MaxDiff",) * 7 + ("holdout",) * 2
    assert mixed.objects_fingerprint == one.objects_fingerprint
    assert cvm.assess_design(mixed)["pairs within a version, SD"] == cvm.assess_design(one)["pairs within a version, SD"]


def test_holdout_answers_change_no_fit_and_stay_in_the_data() -> None:
    mixed = cvm.combine_designs({"MaxDiff": maxdiff(n_versions=2), "holdout": maxdiff(items_per_task=4, n_tasks=2)})
    answers = cvm.simulate_choices(np.random.default_rng(1).normal(size=(40, 7)), mixed, seed=1)
    other = np.array(answers.place)
    other[:, 7:] = -other[:, 7:] * (other[:, 7:] != -128) + other[:, 7:] * (other[:, 7:] == -128)
    changed = replace(answers, place=other)
    assert cvm.fit_pooled(changed).log_likelihood == cvm.fit_pooled(answers).log_likelihood
    assert len(answers.to_frame().query("task == '9'")) == 40 * 4


def test_an_anchor_block_joins_the_items_it_speaks_of() -> None:
    anchored = maxdiff(anchor="direct", seed=3)
    mixed = cvm.combine_designs({"MaxDiff": maxdiff(seed=1), "": anchored})
    assert set(mixed.block) == {"MaxDiff", *anchored.block}
    np.testing.assert_allclose(np.asarray(mixed.coding)[: len(ITEMS)], np.asarray(anchored.coding)[: len(ITEMS)])
    assert mixed.parameter_block == anchored.parameter_block


def test_levels_mean_the_same_in_case_2_and_in_profiles() -> None:
    """Both blocks speak of one set of utilities; together they find them better than either alone (400 people, all alike)."""
    case2 = cvm.design_cases(LEVELS, case=2, n_versions=2, seed=1)
    conjoint = cvm.design_conjoint(LEVELS, alternatives=3, n_tasks=9, n_versions=2, none=True, seed=1)
    mixed = cvm.combine_designs({"case 2": case2, "conjoint": conjoint})
    assert set(mixed.parameter_block or ()) == {"price", "brand", "service", "constants", "none"}
    assert len(mixed.report_labels or ()) == 8 + 1
    rng = np.random.default_rng(4)
    truth = rng.normal(size=np.asarray(mixed.coding).shape[1])
    people = np.tile(np.asarray(mixed.coding) @ truth, (400, 1))
    together = cvm.fit_pooled(cvm.simulate_choices(people, mixed, seed=1))
    error = together.mean[0] - truth
    se = np.sqrt(np.diag(together.population.mean_cov))
    assert np.abs(error / se).max() < 3.5
    se_alone = {}
    for name, part in (("case 2", case2), ("conjoint", conjoint)):
        keep = [i for i, b in enumerate(mixed.parameter_block or ()) if b in set(part.parameter_block or ())]
        own = cvm.simulate_choices(np.tile(np.asarray(part.coding) @ truth[keep], (400, 1)), part, seed=1)
        se_alone[name] = np.sqrt(np.diag(cvm.fit_pooled(own).population.mean_cov))[:5]
    assert (se[:5] < se_alone["case 2"]).all()
    assert (se[:5] < se_alone["conjoint"]).all()


def test_profiles_of_two_blocks_are_put_together() -> None:
    one, two = (cvm.design_conjoint(LEVELS, n_tasks=n, none=none, seed=n) for n, none in ((8, True), (3, False)))
    mixed = cvm.combine_designs({"conjoint": one, "holdout": two})
    assert mixed.objects.ids[: len(one.objects)] == one.objects.ids
    for design, tasks in ((one, slice(0, 8)), (two, slice(8, 11))):
        ids = np.array([*design.objects.ids, ""], dtype=object)[design.shown[0]]
        mine = np.array([*mixed.objects.ids, ""], dtype=object)[mixed.shown[0, tasks]][:, : ids.shape[1]]
        np.testing.assert_array_equal(mine, ids)
    assert mixed.objects_fingerprint == one.objects_fingerprint
    answers = cvm.simulate_choices(np.zeros((60, len(mixed.objects))), mixed)
    assert cvm.fit_pooled(answers).population is not None  # profiles that stand in hold-outs only need no answers


def test_a_mixed_design_is_kept_whole(tmp_path) -> None:  # type: ignore[no-untyped-def]
    mixed = cvm.combine_designs({"case 2": cvm.design_cases(LEVELS, case=2), "conjoint": cvm.design_conjoint(LEVELS)})
    back = cvm.load(cvm.save(mixed, tmp_path / "mixed.cvm"))
    assert back.fingerprint == mixed.fingerprint
    assert back.block == mixed.block


def test_second_questions_tell_utilities_from_the_anchor() -> None:
    dual = maxdiff(anchor="dual")
    u = np.append(np.linspace(1.5, -0.5, len(dual.objects) - 1), 0.0)  # the anchor has 0
    answers = cvm.simulate_choices(np.tile(u, (400, 1)), dual, response={"scale of dual": 0.3}, seed=1)
    fit = cvm.fit_pooled(answers)
    assert fit.response is not None
    got = fit.mean[0] @ np.asarray(dual.coding).T
    np.testing.assert_allclose(got, u, atol=0.15)
    assert fit.response["scale of dual"] == pytest.approx(0.3, abs=0.15)
    assert cvm.fit_latent_class(answers, 1, n_starts=1).model is not None  # with one error scale


@pytest.mark.parametrize(("blocks", "message"), [
    ({}, "no designs to combine"),
    ({"a": maxdiff(), "b": cvm.design_best_worst(ITEMS[:6], items_per_task=3)}, "'items' has 6 parameters in one design and 5"),
    ({"a": maxdiff(), "b": cvm.design_best_worst(ITEMS[::-1], items_per_task=3)}, "6 objects or levels are coded differently"),
    ({"a": maxdiff(), "b": replace(maxdiff(), adaptive=True)}, "an adaptive design"),
    ({"a": cvm.design_conjoint(LEVELS), "b": cvm.design_conjoint({**LEVELS, "brand": ["A", "C"]})}, "profiles of different"),
    ({"a": maxdiff(n_versions=47), "b": maxdiff(n_versions=53)}, "a 47, b 53; they come round together only after 2,491"),
    ({"a": cvm.design_pairs(ITEMS, grades=((0, "equal"), (1, "more"))),
      "b": cvm.design_pairs(ITEMS, grades=((0, "same"), (1, "more")))}, "2 different scales of graded answers"),
])  # fmt: skip
def test_what_does_not_go_together_is_said(blocks: dict[str, cvm.Design], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        cvm.combine_designs(blocks)
