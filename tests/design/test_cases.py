"""Best-worst over attributes: case 2 from orthogonal plans, case 3 as profiles in block designs; and how they are judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cvmstats as cvm
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.errors import DesignError

PARTS = {"price": [10, 20, 30], "brand": ["A", "B", "C"], "term": [1, 2, 3], "service": ["none", "some"]}


@pytest.mark.parametrize("n_versions", [1, 3, 4])
def test_case_2_shows_one_level_of_each_attribute(n_versions: int) -> None:
    design = cvm.design_cases(PARTS, case=2, n_versions=n_versions)
    assert isinstance(design.objects, Items)
    group = np.array(design.objects.groups)
    asked = design.shown[(design.shown >= 0).all(axis=2)]
    assert len(asked) == 18
    assert all(set(group[task]) == set(PARTS) for task in asked)
    assert all(len({tuple(group[t]) for t in version if t[0] >= 0}) == 1 for version in design.shown)
    assert np.ptp((design.shown[:, :, 0] >= 0).sum(axis=1)) <= 1
    assert np.asarray(design.coding).shape == (11, 10)
    a = cvm.assess_design(design)
    assert a["D efficiency over all"] == pytest.approx(1)
    assert a["correlation of two attributes, largest"] == 0
    assert (a["D efficiency within a version"] == pytest.approx(1)) == (n_versions == 1)
    assert "11 levels" in repr(a)


def test_versions_of_case_2_are_balanced_where_a_column_more_allows_it() -> None:
    design = cvm.design_cases({"a": "xyz", "b": "xyz", "c": "xyz"}, case=2, n_versions=3, seed=1)
    counts = np.stack([np.bincount(version.ravel(), minlength=9) for version in design.shown])
    assert (counts == 1).all()
    dealt = cvm.design_cases(PARTS, case=2, n_versions=2, seed=1)
    counts = np.stack([np.bincount(version.ravel(), minlength=11) for version in dealt.shown])
    assert np.ptp(counts, axis=0).max() <= 1


def test_a_linear_attribute_of_case_2_has_one_parameter() -> None:
    parts = cvm.Attributes.from_dict({"price": [10, 20, 30], "brand": ["A", "B", "C"]}, linear=("price",))
    design = cvm.design_cases(parts, case=2)
    assert np.asarray(design.coding).shape == (6, 4)
    a = cvm.assess_design(design)
    assert 0.8 < a["D efficiency over all"] < 1  # only the outer prices would carry most


def test_case_3_takes_profiles_as_items_of_a_block_design() -> None:
    design = cvm.design_cases(PARTS, case=3, profiles_per_task=4, n_versions=2)
    assert isinstance(design.objects, Profiles)
    assert len(design.objects) == 18
    assert design.shown.shape == (2, 14, 4)
    assert np.asarray(design.coding).shape == (18, 7)
    often = np.bincount(design.shown.ravel(), minlength=18)
    assert np.ptp(often) <= 1
    a = cvm.assess_design(design)
    assert a["D efficiency over all"] > 0.87  # all pairs of the plan evenly would give .847: sets overlap
    assert a["versions that identify not all parameters"] == 0


def test_case_3_with_a_d_optimal_set_keeps_prohibitions() -> None:
    design = cvm.design_cases(PARTS, case=3, n_profiles=12, prohibited=[{"price": 10, "brand": "A"}])
    assert isinstance(design.objects, Profiles)
    table = design.objects.to_frame()
    assert len(table) == 12
    assert not ((table["price"] == "10") & (table["brand"] == "A")).any()
    assert len(cvm.design_cases(PARTS, case=3, prohibited=[{"price": 10, "brand": "A"}]).objects) == 18


@pytest.mark.parametrize(("parts", "more", "message"), [
    (PARTS, {"case": 1}, "case=1 is not known"),
    (PARTS, {"case": 2, "n_tasks": 5}, "case 2 takes no n_tasks"),
    (PARTS, {"case": 2, "n_versions": 19}, "18 profiles cannot be dealt to 19 versions\n  the nearest possible: n_versions=18"),
    ({"a": "xy"}, {"case": 2}, "two attributes or more"),
    (PARTS, {"case": 3, "n_profiles": 7}, "7 profiles cannot tell 7 parameters apart\n  the nearest possible: n_profiles=8"),
    (PARTS, {"case": 3, "profiles_per_task": 19}, "items_per_task=18"),
])  # fmt: skip
def test_messages(parts: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        cvm.design_cases(parts, **more)


def test_what_is_not_judged_is_refused() -> None:
    with pytest.raises(DesignError, match="a prior of items is not judged"):
        cvm.assess_design(cvm.design_pairs(list("abcd")), prior={"a": {}})
    with pytest.raises(DesignError, match="a prior of levels as objects"):
        cvm.assess_design(cvm.design_cases(PARTS, case=2), prior_sd=1.0)


def test_figures_of_a_design_counted_by_hand() -> None:
    parts = cvm.Attributes.from_dict({"a": ["x", "y"], "b": ["x", "y"]})
    profiles = Profiles(attributes=parts, levels=np.array([[0, 0], [1, 1], [0, 1]]))
    design = cvm.Design(objects=profiles, shown=np.array([[[0, 1], [2, 1]]]), kind="pair")
    a = cvm.assess_design(design)
    assert a["level counts, largest difference in an attribute"] == 2  # b: 1 and 3
    assert a["level balance, least of the attributes"] == pytest.approx(8 / 10)
    assert a["levels repeated within a task, per attribute"] == pytest.approx(1 / 4)  # b: y and y in the second
    assert a["correlation of two attributes, largest"] == pytest.approx(1 / np.sqrt(3))
    x = np.array([[2, 2], [2, 0]]) / np.sqrt(2)  # differences in the orthonormal coding
    best = np.array([[2, 2], [2, -2]]) / np.sqrt(2)
    assert a["D efficiency over all"] == pytest.approx(np.sqrt(np.linalg.det(x.T @ x) / np.linalg.det(best.T @ best)))
    assert a["D error at equal utilities"] == pytest.approx(1 / np.sqrt(np.linalg.det(x.T @ x / 4)))
    assert a.items["shown"].tolist() == [2, 2, 1, 3]
    assert a.pairs[0].tolist() == [2, 0, 1, 1]
    flat = cvm.Design(objects=profiles, shown=np.array([[[2, 1]]]), kind="pair")
    judged = cvm.assess_design(flat)
    assert judged["D efficiency over all"] == 0
    assert "fewer comparisons than the 2 parameters" in repr(judged)
    assert "1 levels are never shown: 'b: x'" in repr(judged)


def test_designs_of_profiles_are_written_and_saved(tmp_path: Path) -> None:
    design = cvm.design_conjoint(PARTS, n_tasks=6, none=True, n_starts=2)
    table = cvm.write_design(design, tmp_path / "d.csv").read_text().splitlines()
    assert table[0] == "version,task,position,item,price,brand,term,service"
    assert len(table) == 1 + 6 * 4
    assert table[4] == "1,1,4,none,,,,"
    with pytest.raises(DesignError, match="cannot hold 'profiles in the wide form'\n  keep it with cvmstats.save"):
        cvm.write_design(design, tmp_path / "w.csv", format="wide")
    dual = cvm.design_conjoint(PARTS, n_tasks=6, none="dual", n_starts=2)
    with pytest.raises(DesignError, match="'dual questions'"):
        cvm.write_design(dual, tmp_path / "w.csv")
    parts, levels = cvm.Attributes.from_dict(PARTS), cvm.design_cases(PARTS, case=2)
    assert cvm.read_design(cvm.write_design(levels, tmp_path / "w.csv"), items=parts).fingerprint == levels.fingerprint
    (tmp_path / "w.csv").unlink()
    for one in (design, dual, cvm.design_cases(PARTS, case=2), cvm.design_cases(PARTS, case=3)):
        back = cvm.load(cvm.save(one, tmp_path / "d.cvm"))
        assert back.fingerprint == one.fingerprint
        assert repr(back) == repr(one)
        assert repr(cvm.assess_design(back)) == repr(cvm.assess_design(one))
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["d.csv", "d.cvm"]


def test_attributes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Attribute,Level,Value,fr\nprice,10 EUR,10,dix\nprice,20 EUR,20,vingt\nbrand,007,,x\nbrand,B,,y\n")
    parts = cvm.read_attributes(path, linear=("price",))
    assert parts.labels == ("price: 10 EUR", "price: 20 EUR", "brand: 007", "brand: B")
    assert parts.values("price").tolist() == [10, 20]
    assert parts.to_frame()["fr"].tolist() == ["dix", "vingt", "x", "y"]
    path.write_text("attribute,x\na,1\n")
    with pytest.raises(cvm.errors.AttributesError, match="level"):
        cvm.read_attributes(path)
