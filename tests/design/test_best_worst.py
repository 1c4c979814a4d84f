"""Best-worst designs: at their bounds, whatever is asked; what cannot be is refused with what can."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvmstats.data.items import Items
from cvmstats.design import DesignAssessment, assess_design, design_best_worst
from cvmstats.design.base import spectrum
from cvmstats.design.criteria import concurrence, incidence
from cvmstats.errors import DesignError, ItemsError


def labels(n: int) -> list[str]:
    return [f"need {j + 1}" for j in range(n)]


def judged(n: int, size: int, n_tasks: int, n_versions: int, **more: object) -> DesignAssessment:
    more |= {"items_per_task": size, "n_tasks": n_tasks, "n_versions": n_versions}
    return assess_design(design_best_worst(labels(n), **more))  # type: ignore[arg-type]


def at_bound(a: DesignAssessment) -> dict[str, bool]:
    return dict(zip(a.table["figure"], a.table["at_bound"], strict=True))


ALWAYS = ("times shown, sum of squares", "positions, sum of squares", "versions with uneven positions",
          "groups of items that never meet", "sets repeated within a version")  # fmt: skip


@pytest.mark.parametrize(("v", "k", "n"), [
    (7, 4, 7), (12, 4, 9), (15, 4, 15), (20, 5, 12), (30, 5, 18), (40, 5, 24), (26, 5, 16), (13, 4, 10), (16, 4, 12),
    (25, 5, 15), (13, 4, 13), (25, 5, 30),
])  # fmt: skip
@pytest.mark.parametrize("n_versions", [1, 10])
def test_pairs_within_a_version_are_at_the_bound(v: int, k: int, n: int, n_versions: int) -> None:
    a = judged(v, k, n, n_versions)
    found = at_bound(a)
    assert [figure for figure in (*ALWAYS, "pairs within a version, excess squares", "versions that fall apart")
            if not found[figure]] == []  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.integers(6, 30), st.integers(3, 6), st.floats(2, 4), st.sampled_from([1, 2, 7]), st.integers(0, 1000))
def test_counts_and_positions_are_always_at_their_bound(v: int, k: int, times: float, n_versions: int, seed: int) -> None:
    n_tasks = max(2, round(times * v / k))
    a = judged(v, k, n_tasks, n_versions, seed=seed)
    found = at_bound(a)
    assert [figure for figure in ALWAYS[:-1] if not found[figure]] == []
    assert k == v or found["sets repeated within a version"]


def test_many_versions_beat_the_public_files() -> None:
    """Two public Sawtooth files: pair SD .522, within a version .618, D .972, positions 299 to 301, 9.9 adjacent repeats."""
    design = design_best_worst(labels(20), items_per_task=5, n_tasks=12, n_versions=500)
    a = assess_design(design)
    assert a["pairs over all, SD"] <= 0.50
    assert a["pairs within a version, SD"] == pytest.approx(0.4837, abs=5e-5)
    assert a["D efficiency within a version"] >= 0.985
    assert (a.items.filter(like="position").to_numpy() == 300).all()
    assert a["versions with uneven positions"] == 0
    assert a["items repeated in adjacent sets, per version"] <= 5
    assert len({spectrum(met) for met in concurrence(incidence(design.shown, 20))}) >= 5  # no one design relabelled


def test_the_same_seed_gives_the_same_design() -> None:
    one, other, third = (design_best_worst(labels(9), items_per_task=3, seed=s) for s in (1, 1, 2))
    assert one.fingerprint == other.fingerprint != third.fingerprint
    assert one.n_tasks == 9  # each item three times


def test_sparse_and_express_designs_show_a_part_of_the_items() -> None:
    sparse = design_best_worst(labels(60), items_per_task=5, n_tasks=8, n_versions=30)
    assert {len(np.unique(version)) for version in sparse.shown} == {40}
    a = assess_design(sparse)
    assert at_bound(a)["times shown, sum of squares"]
    assert "a version shows 40 to 40 of 60 items" in repr(a)
    express = design_best_worst(labels(60), items_per_task=5, n_tasks=18, n_versions=20, items_per_version=30,
                                must_appear=["need 7"])  # fmt: skip
    assert {len(np.unique(version)) for version in express.shown} == {30}
    assert all((version == 6).sum() == 3 for version in express.shown)
    assert assess_design(express)["groups of items that never meet"] == 1


def test_constant_items_are_in_every_set() -> None:
    design = design_best_worst(labels(13), items_per_task=4, n_tasks=12, n_versions=3, constant=["need 2"])
    assert (design.shown == 1).any(axis=2).all()
    a = assess_design(design)
    assert a["versions with uneven positions"] == 0
    assert set(a.items["shown"].drop(1)) == {9}


def test_prohibited_pairs_never_meet_and_the_rest_stays_even() -> None:
    prohibited = [("need 1", "need 2"), ("need 3", "need 4", "need 5")]
    design = design_best_worst(labels(20), n_tasks=12, n_versions=6, prohibited=prohibited)
    a = assess_design(design)
    assert a.pairs[0, 1] == a.pairs[2, 3] == a.pairs[2, 4] == a.pairs[3, 4] == 0
    assert at_bound(a)["times shown, sum of squares"]
    assert at_bound(a)["positions, sum of squares"]
    assert a["pairs within a version, excess squares"] < 8


@pytest.mark.parametrize("seed", range(50))
def test_random_prohibitions_are_honoured_or_refused_by_name(seed: int) -> None:
    rng = np.random.default_rng(seed)
    v = int(rng.integers(8, 18))
    pairs = [tuple(labels(v)[j] for j in rng.permutation(v)[:2]) for _ in range(int(rng.integers(1, v * 2)))]
    try:
        design = design_best_worst(labels(v), items_per_task=4, n_versions=2, prohibited=pairs, seed=seed)
    except DesignError as refusal:
        design, message = None, str(refusal)
    if design is None:
        assert re.search(r"(?s)prohibit.*'need \d+|'need \d+.*prohibit", message)
        return
    a = assess_design(design)
    index = {label: j for j, label in enumerate(labels(v))}
    assert all(a.pairs[index[x], index[y]] == 0 for x, y in pairs)
    assert a["groups of items that never meet"] == 1


def test_anchors_are_asked_directly_or_after_each_set() -> None:
    direct = design_best_worst(labels(8), items_per_task=4, n_tasks=6, n_versions=2, anchor="direct")
    assert direct.block == ("MaxDiff",) * 6 + ("anchor",) * 8
    assert direct.kind[:, :6].tolist() == [["best_worst"] * 6] * 2
    assert set(map(tuple, direct.shown[0, 6:, :2].tolist())) == {(j, 8) for j in range(8)}
    assert direct.coding.shape == (9, 8)  # type: ignore[union-attr]
    assert not direct.coding[8].any()  # type: ignore[index]
    assert direct.parameter_block == ("items",) * 7 + ("anchor",)
    dual = design_best_worst(labels(8), items_per_task=4, n_tasks=6, n_versions=2, anchor="dual")
    assert dual.dual.all()  # type: ignore[union-attr]
    assert (dual.shown[:, :, 4] == 8).all()
    for design in (direct, dual):  # the anchor is not judged
        assert len(assess_design(design).items) == 8


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_request_gives_a_design_or_a_refusal(data: st.DataObject) -> None:
    v = data.draw(st.integers(2, 24))
    some = st.lists(st.sampled_from(labels(v)), max_size=2, unique=True)
    more = {
        "items_per_task": data.draw(st.integers(2, 7)), "n_tasks": data.draw(st.none() | st.integers(1, 14)),
        "n_versions": data.draw(st.integers(1, 6)), "items_per_version": data.draw(st.none() | st.integers(2, v)),
        "constant": data.draw(some), "must_appear": data.draw(some),
        "prohibited": data.draw(st.lists(st.permutations(labels(v)).map(lambda names: names[:2]), max_size=2)),
        "anchor": data.draw(st.sampled_from([None, "direct", "dual"])),
    }  # fmt: skip
    try:
        design = design_best_worst(labels(v), **more)  # type: ignore[arg-type]
    except DesignError:
        return
    a = assess_design(design)
    asked = [np.unique(version[:, :-1] if more["anchor"] == "dual" else version) for version in design.shown]
    assert a["versions with uneven positions"] == 0
    assert a["groups of items that never meet"] == 1
    for names in (more["constant"], more["must_appear"]):
        assert all({labels(v).index(name) for name in names} <= set(one.tolist()) for one in asked)
    for group in more["prohibited"]:
        at = [labels(v).index(name) for name in group]
        assert not (a.pairs[np.ix_(at, at)] - np.diag(a.pairs.diagonal()[at])).any()


def test_ids_and_labels_both_name_items() -> None:
    items = Items(table=pd.DataFrame({"id": ["a", "b", "c", "d", "e"], "label": list("VWXYZ"), "lang_de": list("vwxyz")}))
    design = design_best_worst(items, items_per_task=3, constant=["b"], prohibited=[("X", "d")], anchor="dual")
    assert (design.shown == 1).any(axis=2).all()
    assert list(design.objects.to_frame()["lang_de"]) == [*"vwxyz", ""]


def test_a_name_that_two_items_share_names_neither() -> None:
    items = Items(table=pd.DataFrame({"id": ["1", "2", "3", "4"], "label": ["2", "1", "c", "d"]}))
    with pytest.raises(DesignError, match="unknown items\n  for example '1'"):
        design_best_worst(items, items_per_task=2, constant=["1"])
    assert (design_best_worst(items, items_per_task=2, constant=["c"]).shown == 2).any(axis=2).all()


@pytest.mark.parametrize(("more", "message"), [
    ({"items_per_task": 25}, "items_per_task=20"),
    ({"items_per_task": 1}, "items_per_task=2"),
    ({"n_tasks": 3, "n_versions": 1}, "n_tasks=5, or n_versions=2"),
    ({"n_tasks": 0}, "expected one version of one set"),
    ({"constant": ["need 1", "need 2", "need 3", "need 4", "need 5"]}, "items_per_task=6"),
    ({"items_per_version": 3}, "expected 5 to 20"),
    ({"items_per_version": 8, "n_versions": 2}, "4 would never be shown"),
    ({"must_appear": ["nobody"]}, "'nobody'"),
    ({"prohibited": [("need 1", "nobody")]}, "unknown items 'nobody'"),
    ({"prohibited": [("need 1",)]}, "one item only"),
    ({"prohibited": [tuple(labels(17))]}, "leave no set of 5 for 17 of 20 items"),
    ({"prohibited": [("need 1", one) for one in labels(20)[1:]]}, "'need 1' must not meet"),
    ({"constant": ["need 1"], "prohibited": [("need 1", "need 4")]}, "'need 4', prohibited beside it"),
    ({"anchor": "sideways"}, "expected 'direct', 'dual' or None"),
])  # fmt: skip
def test_impossible_requests_name_the_nearest_possible(more: dict[str, object], message: str) -> None:
    with pytest.raises(DesignError, match=message.replace("(", r"\(")):
        design_best_worst(labels(20), **({"n_tasks": 12} | more))  # type: ignore[arg-type]


def test_prohibitions_that_leave_no_whole_version_are_refused_with_pairs_by_name() -> None:
    sides = [(a, b) for a in labels(12)[:6] for b in labels(12)[6:]]  # two camps that must not meet
    with pytest.raises(DesignError, match="groups of items never met"):
        design_best_worst(labels(12), items_per_task=3, prohibited=sides, n_versions=2)
    with pytest.raises(DesignError, match=r"still shows 'need \d+ with need \d+'|never met|leave no set"):
        design_best_worst(labels(9), items_per_task=4, n_tasks=9, n_versions=1,
                          prohibited=[labels(9)[:3], labels(9)[3:6], labels(9)[5:9]])  # fmt: skip


def test_labels_that_stand_twice_are_refused() -> None:
    with pytest.raises(ItemsError, match="stand twice"):
        design_best_worst(["a", "b", "c", "a"], items_per_task=2)
