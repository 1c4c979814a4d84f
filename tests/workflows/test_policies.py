"""Policies compared on simulated people; a slice of tests/evidence/adaptive_designs.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import cvmstats as cvm
from cvmstats.design.adaptive import start_adaptive
from cvmstats.errors import DesignError
from cvmstats.workflows.policies import compare_policies, draw_people, hit_rate, run_policy, summarise_hits
from tests.utilities.test_hierarchical import evidence

script = evidence("adaptive_designs")
SMALL: dict[str, Any] = {"n_items": 40, "items_per_person": 10, "items_per_task": 5, "n_tasks": 6, "batch": 10}
MANY = SMALL | {"n_items": 80, "batch": 20}


def test_thompson_and_diffuse_find_more_of_the_top_than_express() -> None:
    table = compare_policies(**MANY, n_respondents=(160,), top=(8,), n_replications=25, seed=1)
    for policy in ("thompson", "diffuse"):
        assert script.row_of(table, 160, 8, policy, "express")["lower"] > 0


def test_a_misinformed_start_traps_thompson_and_not_diffuse() -> None:
    table = compare_policies(**MANY, misinformed=40, n_respondents=(160,), top=(3,), n_replications=12, seed=1)
    assert script.row_of(table, 160, 3, "diffuse", "thompson")["lower"] > 0
    assert script.row_of(table, 160, 3, "thompson", "express")["upper"] < 0


def test_a_pair_of_policies_that_are_one_does_not_differ_but_by_its_draws() -> None:
    table = compare_policies(**SMALL, policies=("express", "express"), n_respondents=(20,), top=(5,), n_replications=5)
    assert table["value"].iloc[2] == 0
    assert table["value"].iloc[0] == table["value"].iloc[1]


def test_the_same_seed_gives_the_same_table_and_another_does_not() -> None:
    small = SMALL | {"n_respondents": (25,), "top": (3, 5), "n_replications": 4}
    first, same, other = (compare_policies(**small, seed=s) for s in (3, 3, 4))
    pd.testing.assert_frame_equal(first, same)
    assert not np.allclose(first["value"], other["value"])
    assert list(first) == ["n", "top", "policy", "versus", "value", "lower", "upper"]
    assert len(first) == 2 * (3 + 3)
    assert cvm.compare_policies is compare_policies


def test_people_are_what_they_are_said_to_be() -> None:
    start = start_adaptive([f"i{j}" for j in range(50)], seed=7)
    people = draw_people(start, 2000, 0, misinformed=500, noise_sd=0.5)
    np.testing.assert_allclose(people.utilities[500:].mean(axis=0), people.means, atol=0.06)
    np.testing.assert_allclose(people.utilities[:500].mean(axis=0), -people.means, atol=0.1)
    assert (people.utilities[500:] - people.means).std() == pytest.approx(0.5, abs=0.01)
    uniform = np.concatenate([draw_people(start, 1, i, means="uniform").means for i in range(40)])
    assert -2 <= uniform.min() < -1.95
    assert 1.95 < uniform.max() <= 2
    assert draw_people(start, 1, 0, means=np.arange(50)).means.tolist() == list(range(50))


def test_sizes_between_two_fits_use_all_answers() -> None:
    start = start_adaptive([f"i{j}" for j in range(40)], **{k: v for k, v in SMALL.items() if k != "n_items"})
    people = draw_people(start, 15, 0, means=np.linspace(0, 20, 40), noise_sd=0.1)
    five, fifteen = run_policy(start, "express", people, 0, (15, 5), (10,))[::-1, 0]
    assert fifteen > five


def test_hit_rates_and_intervals_by_hand() -> None:
    assert hit_rate([5, 4, 3, 2, 1], [1, 2, 3, 4, 5], 3) == pytest.approx(1 / 3)
    hits = np.array([[[[0.0]], [[1.0]]], [[[0.5]], [[1.0]]]])
    table = summarise_hits(hits, ("a", "b"), (10,), (2,))
    assert table[["policy", "versus"]].to_numpy().tolist() == [["a", ""], ["b", ""], ["b", "a"]]
    half = 1.96 * np.std([1.0, 0.5], ddof=1) / np.sqrt(2)
    np.testing.assert_allclose(table.iloc[2, 4:].to_numpy(float), [0.75, 0.75 - half, 0.75 + half])
    assert np.isnan(summarise_hits(hits[:1], ("a", "b"), (10,), (2,))["lower"]).all()


@pytest.mark.parametrize(("more", "message"), [
    ({"policies": ("express", "greedy")}, "1 unknown policies: 'greedy'\n  expected one or more of diffuse, thompson, express"),
    ({"policies": ()}, "0 unknown policies"),
    ({"means": "skewed"}, "unknown means 'skewed'\n  expected 'normal', 'uniform' or 40 numbers"),
    ({"means": [1.0, 2.0]}, r"means have shape \(2,\)\n  expected \(40,\)"),
    ({"n_respondents": (0,)}, "expected different sizes of 1 or more"),
    ({"n_respondents": (50, 50)}, "expected different sizes of 1 or more"),
    ({"top": (40,)}, r"top=\(40,\) of 40 items\n  expected 1 to 39"),
    ({"n_respondents": (50,), "misinformed": 60}, "60 misinformed of 50 respondents\n  expected 0 to 50"),
    ({"n_replications": 0}, "n_replications=0\n  expected 1 or more"),
    ({"items_per_person": 40}, "nothing is left to adapt"),
])  # fmt: skip
def test_requests_that_cannot_be_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        compare_policies(**(SMALL | more))


def test_the_evidence_prints_what_it_found() -> None:
    tables = {name: compare_policies(**(SMALL | {"n_respondents": (260, 500), "top": (3, 10), "n_replications": 1}))
              for name in [script.PLAIN]}  # fmt: skip
    assert "| 260 | 10 | 0." in script.rates(tables)[3] or "| 260 | 10 | 1." in script.rates(tables)[3]
    assert script.rates(tables)[3].endswith("| 0.91 |")
