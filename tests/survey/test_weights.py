"""Raking: margins met, the solution of a second method, and margins that cannot be met refused by name."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from cvmstats.data.respondents import Respondents
from cvmstats.errors import FitError, RespondentsError
from cvmstats.survey import weights
from cvmstats.survey.feasible import find_conflict
from cvmstats.survey.weights import rake

MARGINS = {
    "region": {"north": 0.3, "south": 0.5, "west": 0.2},
    "size": {"big": 0.25, "small": 0.75},
    "old": {"0": 0.6, "1": 0.4},
}


def people(n=300, seed=0, **more):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "id": [str(i) for i in range(n)], "region": rng.choice(["north", "south", "west"], n, p=[0.5, 0.2, 0.3]),
        "size": rng.choice(["big", "small"], n), "old": rng.integers(2, size=n),
    })  # fmt: skip
    return Respondents(table=table.assign(**more), weight_kind="sampling" if "weight" in more else None)


def shares(respondents, column):
    table = respondents.to_frame()
    return (table.groupby(table[column].astype(str))["weight"].sum() / table["weight"].sum()).to_dict()


def test_margins_are_met():
    raked = rake(people(), MARGINS)
    assert raked.respondents.weight_kind == "sampling"
    assert raked.respondents.weight.mean() == pytest.approx(1)
    for column, part in MARGINS.items():
        assert shares(raked.respondents, column) == pytest.approx(part, abs=1e-8)
    assert raked.largest_miss < 1e-8
    w = raked.respondents.weight
    assert raked.design_effect == pytest.approx(300 * (w**2).sum() / w.sum() ** 2)
    assert raked.n_effective == pytest.approx(w.sum() ** 2 / (w**2).sum())
    assert list(raked.to_frame()) == ["margin", "category", "n", "before", "target", "after"]
    assert raked.table["n"].sum() == 900
    assert "Raked  300 respondents to 3 margins" in repr(raked)
    assert "margins met to" in repr(raked)
    assert "<table" in raked._repr_html_()


@pytest.mark.parametrize("start", [None, 1.0])
def test_weights_are_those_of_least_relative_entropy(start):
    """A second method: the convex dual, solved by BFGS; raking is its coordinate ascent, so the solutions are the same."""
    base = np.random.default_rng(5).lognormal(0, 0.5, 300) if start else np.ones(300)
    who = people(weight=base) if start else people()
    got = rake(who, MARGINS).respondents.weight / 300
    table = who.to_frame().astype({"old": str})
    design = np.column_stack([(table[m] == c).astype(float) for m, part in MARGINS.items() for c in part])
    goal = np.array([t for part in MARGINS.values() for t in part.values()])
    q = base / base.sum()

    def dual(b):
        w = q * np.exp(design @ b)
        return w.sum() - goal @ b, design.T @ w - goal

    best = minimize(dual, np.zeros(len(goal)), jac=True, method="BFGS", options={"gtol": 1e-12})
    w = q * np.exp(design @ best.x)
    assert np.abs(design.T @ w - goal).max() < 1e-7  # the other method is there too
    assert np.abs(got - w).max() < 1e-7 * w.max() * 10


def test_a_two_by_two_table_by_hand():
    """Cells 30 10 / 20 40 raked to .5 .5 and .5 .5: odds ratio kept, 30 x 40 / (10 x 20) = 6, so p / (.5 - p) = sqrt 6."""
    cells = [("a", "x")] * 30 + [("a", "y")] * 10 + [("b", "x")] * 20 + [("b", "y")] * 40
    table = pd.DataFrame(cells, columns=["row", "column"]).assign(id=[str(i) for i in range(100)])
    got = rake(Respondents(table=table), {"row": {"a": 50, "b": 50}, "column": {"x": 50, "y": 50}}).respondents.weight / 100
    p = 0.5 * np.sqrt(6) / (1 + np.sqrt(6))
    assert got[:30].sum() == pytest.approx(p, abs=1e-9)
    assert got[30:40].sum() == pytest.approx(0.5 - p, abs=1e-9)


def test_a_table_of_margins_and_counts_say_the_same():
    rows = [{"margin": m, "category": c, "target": 2000 * t} for m, part in MARGINS.items() for c, t in part.items()]
    again = rake(people(), pd.DataFrame(rows))
    assert np.allclose(again.respondents.weight, rake(people(), MARGINS).respondents.weight)


def test_raked_again_nothing_changes():
    once = rake(people(), MARGINS).respondents
    assert np.allclose(rake(once, MARGINS).respondents.weight, once.weight)


@pytest.mark.parametrize("trim", [2.0, (0.4, 2.2)])
def test_trimmed_weights_stay_within_their_bounds(trim):
    free = rake(people(), MARGINS)
    assert free.respondents.weight.max() > 2.2
    cut = rake(people(), MARGINS, trim=trim)
    low, high = (0, trim) if isinstance(trim, float) else trim
    w = cut.respondents.weight
    assert w.max() <= high * (1 + 1e-8)
    assert w.min() >= low * (1 - 1e-8)
    assert w.mean() == pytest.approx(1)
    assert cut.n_trimmed > 0
    assert cut.design_effect < free.design_effect
    assert f"{cut.n_trimmed} weights trimmed, margins missed by" in repr(cut)
    assert cut.largest_miss < 0.2


def test_wide_bounds_change_nothing():
    wide = rake(people(), MARGINS, trim=50)
    assert wide.n_trimmed == 0
    assert np.allclose(wide.respondents.weight, rake(people(), MARGINS).respondents.weight)


def without(margin, category):
    return {**MARGINS, margin: {c: t for c, t in MARGINS[margin].items() if c != category}}


@pytest.mark.parametrize(
    ("margins", "message"),
    [
        ({}, "no margins to rake to\n  expected"),
        ({"colour": {"red": 1}}, "1 margins are about columns that the respondents have not\n  for example 'colour'\n  its"),
        (without("region", "west"), "1 categories of 'region' have respondents and no target\n  for example 'west'\n"),
        ({"region": {**MARGINS["region"], "east": 0.1}}, "1 categories of 'region' have a target and no respondents: no weight "
                                                         "can reach it\n  for example 'east'\n  join them with others"),
        ({"size": {"big": 1, "small": 0}}, "1 categories of 'size' have respondents and a target of 0\n  for example 'small'"),
        ({"size": {"big": -1, "small": "x"}}, "2 targets of 'size' are no numbers of 0 or more\n  for .* '-1', 'x' of 'big'"),
        ({"size": {"big": 0.5, "small": 0.5}, "old": {"0": 60, "1": 40}}, "the margins do not sum alike\n  size: 1, old: 100\n"
                                                                         "  expected all shares"),
        (pd.DataFrame({"margin": ["size"]}), "the table of margins has no column 'category', 'target'\n  its columns"),
        (pd.DataFrame({"margin": ["size"] * 2, "category": "big", "target": 1}), "1 categories stand twice in the margins\n"
                                                                                "  for example 'size: big'"),
    ],
)  # fmt: skip
def test_margins_that_cannot_be_used_are_refused_by_name(margins, message):
    with pytest.raises(RespondentsError, match=message):
        rake(people(), margins)


def cross(*cells):
    rows = [pair for pair, n in cells for _ in range(n)]
    return Respondents(table=pd.DataFrame(rows, columns=["row", "column"]).assign(id=[str(i) for i in range(len(rows))]))


def test_margins_that_contradict_each_other_are_refused_by_name():
    """All of a are x: if a is .6, x cannot be .5."""
    who = cross((("a", "x"), 5), (("b", "x"), 3), (("b", "y"), 4))
    with pytest.raises(RespondentsError, match="the margins contradict each other.*\n  for example row=a "
                                               r"\(60.0%, 50.0% at most beside the others\).*\n  some"):  # fmt: skip
        rake(who, {"row": {"a": 0.6, "b": 0.4}, "column": {"x": 0.5, "y": 0.5}})
    with pytest.raises(RespondentsError, match="can be met only where 1 combinations of categories get no weight\n"
                                               "  for example 'row=b and column=x'"):  # fmt: skip
        rake(who, {"row": {"a": 0.5, "b": 0.5}, "column": {"x": 0.5, "y": 0.5}})
    assert rake(who, {"row": {"a": 0.4, "b": 0.6}, "column": {"x": 0.5, "y": 0.5}}).largest_miss < 1e-8


def test_two_conflicts_at_once_are_still_named():
    missed, _ = find_conflict(np.array([[0, 0, 0, 0], [1, 1, 1, 1]]), [np.array([0.5, 0.5]), np.array([0.7, 0.3])] * 2)
    assert missed


def test_other_refusals(monkeypatch):
    frequency = Respondents(table=people().to_frame().assign(weight=2), weight_kind="frequency")
    with pytest.raises(RespondentsError, match="frequency weights count people and cannot be raked"):
        rake(frequency, MARGINS)
    gap = people().to_frame()
    gap["region"] = gap["region"].astype(object)
    gap.loc[[3, 4], "region"] = None
    with pytest.raises(RespondentsError, match="2 of 300 respondents have no 'region'\n  for example '3', '4'\n  fill it in"):
        rake(Respondents(table=gap), MARGINS)
    for bad in (0.5, (1.5, 3)):
        with pytest.raises(RespondentsError, match="expected the largest weight as a multiple of the mean, above 1"):
            rake(people(), MARGINS, trim=bad)
    monkeypatch.setattr(weights, "_MOST", 1)
    with pytest.raises(FitError, match="raking did not end: after 1 rounds a share is still"):
        rake(people(), MARGINS)


@pytest.mark.parametrize(
    ("margins", "message"),
    [
        (pd.DataFrame({"margin": ["size", "size", None], "category": ["big", "small", "x"], "target": [0.5, 0.5, 1]}),
         "1 of 3 rows of the margins name no margin or no category\n  for example row '4'"),
        ({"size": {1: 0.2, "1": 0.5}}, "1 categories stand twice in the margins\n  for example 'size: 1'"),
        ({"size": {"big": "0,5", "small": 0.5}}, "1 targets of 'size' are no numbers of 0 or more\n  for example '0,5' of "
                                                 "'big'\n  expected shares or counts as numbers, with a point for decimals"),
        (3, "margins= is no mapping of mappings and no table: 3"),
        ({"size": 3}, "margins= is no mapping of mappings and no table: {'size': 3}"),
        ({"size": {}}, "no margins to rake to"),
    ],
)  # fmt: skip
def test_margins_of_the_wrong_kind(margins: Any, message: str) -> None:
    three = Respondents(table=pd.DataFrame({"id": list("abc"), "size": ["big", "big", "small"]}))
    with pytest.raises(RespondentsError) as caught:
        rake(three, margins)
    assert message in str(caught.value)


@pytest.mark.parametrize("trim", ["x", (1, 2, 3), [None, 3]])
def test_bounds_of_the_wrong_kind(trim: Any) -> None:
    three = Respondents(table=pd.DataFrame({"id": list("abc"), "size": ["big", "big", "small"]}))
    with pytest.raises(RespondentsError, match="expected the largest weight as a multiple of the mean"):
        rake(three, {"size": {"big": 0.5, "small": 0.5}}, trim=trim)
    with pytest.raises(RespondentsError, match="weights are of respondents, and these are str"):
        rake("people", {})  # type: ignore[arg-type]


def test_whole_numbers_are_categories_however_they_are_held() -> None:
    three = Respondents(table=pd.DataFrame({"id": list("abc"), "size": [1.0, 1.0, 2.0]}))
    margins = pd.DataFrame({"margin": "size", "category": [1.0, 2.0], "target": [0.5, 0.5]})
    assert rake(three, margins).respondents.weight.tolist() == [0.75, 0.75, 1.5]
