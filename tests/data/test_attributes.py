"""Attributes and profiles: coding, messages, fingerprints, what a person sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.attributes import Attributes, level_coding, level_items
from cvmstats.data.design import Design
from cvmstats.data.profiles import Profiles
from cvmstats.errors import AttributesError

PARTS = Attributes.from_dict({"price": [10, 20, 60.0], "brand": ["A", "B", "C"], "term": [1.5, 2]}, linear=("price",))


def test_levels_and_values_in_their_order() -> None:
    assert PARTS.names == ("price", "brand", "term")
    assert PARTS.levels == (("10", "20", "60"), ("A", "B", "C"), ("1.5", "2"))
    assert PARTS.labels[:4] == ("price: 10", "price: 20", "price: 60", "brand: A")
    assert PARTS.n_levels == (3, 3, 2)
    assert PARTS.first.tolist() == [0, 3, 6]
    assert PARTS.find("price", 10.0) == (0, 0)
    assert np.isnan(PARTS.values("brand")).all()


def test_coding_is_a_block_per_attribute_and_a_column_where_linear() -> None:
    coding = PARTS.coding
    assert coding.shape == (8, 1 + 2 + 1)
    np.testing.assert_allclose(coding[:3, 0], [-20, -10, 30])
    block = coding[3:6, 1:3]
    np.testing.assert_allclose(block.T @ block, np.eye(2), atol=1e-14)
    np.testing.assert_allclose(block.sum(axis=0), 0, atol=1e-14)
    assert np.count_nonzero(coding) == np.count_nonzero(coding[:3, 0]) + np.count_nonzero(block) + 2
    assert PARTS.parameter_block == ("price", "brand", "brand", "term")


def test_rows_of_an_attribute_are_put_together() -> None:
    table = pd.DataFrame({"attribute": ["b", "a", "b", "a"], "level": [1, 1, 2, 2], "fr": list("wxyz")})
    parts = Attributes(table=table)
    assert parts.labels == ("b: 1", "b: 2", "a: 1", "a: 2")
    assert parts.to_frame()["fr"].tolist() == ["w", "y", "x", "z"]
    assert parts.to_frame()["text"].tolist() == ["1", "2", "1", "2"]


@pytest.mark.parametrize(
    ("table", "linear", "message"),
    [
        ({"level": ["a"]}, (), "no column 'attribute'"),
        ({"attribute": [], "level": []}, (), "no rows"),
        ({"attribute": ["a", None], "level": [1, 2]}, (), "1 of 2 rows have no attribute\n.*'row 2'"),
        ({"attribute": ["a", "a"], "level": [1, " "]}, (), "1 of 2 rows have no level\n.*'row 2'"),
        ({"attribute": ["a", "a"], "level": [1, 1.0]}, (), "1 levels stand twice.*\n.*'a: 1'"),
        ({"attribute": ["a", "a", "b"], "level": [1, 2, 1]}, (), "1 of 2 attributes have one level only\n.*'b'\n.*two levels"),
        ({"attribute": ["task"] * 2, "level": [1, 2]}, (), "1 attributes have a name that is needed otherwise: 'task'"),
        ({"attribute": ["a"] * 2, "level": [1, 2], "value": ["1", "x"]}, (), "1 of 2 values are no numbers\n.*'x'"),
        ({"attribute": ["a"] * 2, "level": [1, 2]}, ("b",), "linear: unknown attributes 'b'\n.*some of a"),
        ({"attribute": ["a"] * 2, "level": [1, 2]}, ("a",), "'a' has levels without a number of their own\n.*'1', '2'"),
        ({"attribute": ["a"] * 2, "level": [1, 2], "value": [3, 3]}, "a", "without a number of their own"),
    ],
)
def test_messages(table: dict[str, list[object]], linear: Any, message: str) -> None:
    with pytest.raises(AttributesError, match=message):
        Attributes(table=pd.DataFrame(table), linear=linear)


def test_unknown_names_are_named() -> None:
    with pytest.raises(AttributesError, match="unknown attribute 'size'\n.*price, brand, term"):
        PARTS.find("size", 1)
    with pytest.raises(AttributesError, match="unknown level 'D' of 'brand'\n.*A, B, C"):
        PARTS.find("brand", "D")


def test_a_blank_text_is_the_level() -> None:
    table = pd.DataFrame({"attribute": ["b", "b"], "level": ["A", "B"], "text": ["", "Beta"]})
    assert Attributes(table=table).to_frame()["text"].tolist() == ["A", "Beta"]


def test_texts_do_not_count_but_coding_does() -> None:
    table = PARTS.to_frame()
    assert Attributes(table=table.assign(text="x"), linear=("price",)).fingerprint == PARTS.fingerprint
    assert Attributes(table=table).fingerprint != PARTS.fingerprint
    table.columns = [f"other {i}" for i in range(table.shape[1])]
    assert PARTS.names[0] == "price"


def test_profiles_are_coded_by_their_levels() -> None:
    offers = Profiles(attributes=PARTS, levels=np.array([[0, 1, 1], [2, 2, 0]]))
    coded = offers.coded()
    np.testing.assert_allclose(coded.coding, PARTS.coding[[0, 2]] + PARTS.coding[[4, 5]] + PARTS.coding[[7, 6]])
    np.testing.assert_array_equal(coded.report, PARTS.coding)
    assert coded.report_labels == PARTS.labels
    assert offers.ids == ("1.2.2", "3.3.1")
    assert offers.labels == ("10 · B · 2", "60 · C · 1.5")
    assert offers.none is None
    assert offers.to_frame()["brand"].tolist() == ["B", "C"]


def test_none_is_worth_minus_the_constant_of_profiles() -> None:
    offers = Profiles(attributes=PARTS, levels=np.array([[0, 1, 1], [-1, -1, -1], [2, 2, 0]]))
    coded = offers.coded()
    assert offers.none == 1
    np.testing.assert_array_equal(coded.coding[:, -1], [1, 0, 1])
    np.testing.assert_array_equal(coded.coding[1], 0)
    beta = np.array([0.02, 0.5, -0.3, 0.4, 1.7])
    read = dict(zip(coded.report_labels, coded.report @ beta, strict=True))
    utility = coded.coding @ beta
    assert read["none"] == pytest.approx(-1.7)
    assert utility[0] - utility[1] == pytest.approx(read["price: 10"] + read["brand: B"] + read["term: 2"] - read["none"])
    assert coded.parameter_block[-1] == "none"
    assert offers.to_frame()["brand"].tolist() == ["B", "", "C"]
    assert repr(offers) == "Profiles  2 of 3 attributes, and none\n  10 · B · 2 / none / 60 · C · 1.5"


@pytest.mark.parametrize(
    ("levels", "more", "message"),
    [
        ([[0, 1]], {}, r"shape \(1, 2\)\n.*3 attributes"),
        ([[0, 1, 2], [-1, 0, 0]], {}, r"2 of 2 profiles have levels that there are not\n.*row 1: \[0, 1, 2\].*\n.*\[2, 2, 1\]"),
        ([[-1, -1, -1], [-1, -1, -1]], {}, "2 profiles are the none option"),
        ([[0, 1, 1], [0, 1, 1]], {}, "1 ids of profiles stand twice\n.*'1.2.2'"),
        ([[0, 1, 1]], {"ids": ("a", "b")}, "2 ids for 1 profiles"),
    ],
)
def test_messages_of_profiles(levels: list[list[int]], more: dict[str, Any], message: str) -> None:
    with pytest.raises(AttributesError, match=message):
        Profiles(attributes=PARTS, levels=np.array(levels), **more)


def test_levels_as_objects_have_a_parameter_less_than_levels() -> None:
    parts = Attributes.from_dict({"price": [10, 20, 60], "brand": ["A", "B", "C"], "term": [1, 2]})
    items, coded = level_items(parts), level_coding(parts)
    assert items.ids == coded.report_labels
    assert items.groups[3] == "brand"
    assert coded.coding.shape == (8, 7)
    assert np.linalg.matrix_rank(coded.coding) == 7
    assert np.linalg.matrix_rank(np.hstack([coded.coding, np.ones((8, 1))])) == 8
    assert coded.parameter_block == ("price", "price", "brand", "brand", "term", "constants", "constants")


def test_a_design_of_profiles_knows_its_coding_and_what_may_meet() -> None:
    one = Profiles(attributes=PARTS, levels=np.array([[0, 1, 1], [2, 2, 0], [1, 0, 0], [-1, -1, -1]]))
    other = Profiles(attributes=PARTS, levels=np.array([[0, 0, 0], [2, 2, 1], [-1, -1, -1]]))
    design = Design(objects=one, shown=np.array([[[0, 1, 3], [1, 2, 3]]]), kind="best")
    later = Design(objects=other, shown=np.array([[[0, 1, 2]]]), kind="best")
    assert design.report_labels is not None
    assert design.report_labels[-1] == "none"
    assert design.objects_fingerprint == later.objects_fingerprint
    assert design.fingerprint != Design(objects=other, shown=np.array([[[0, 1, 2]]]), kind="best").fingerprint
    swapped = Design(objects=Profiles(attributes=PARTS, levels=one.levels[[1, 0, 2, 3]]), shown=design.shown, kind="best")
    assert swapped.fingerprint != design.fingerprint
    assert repr(design).startswith("Design  1 version x 2 tasks x 2 profiles and none\n  3 profiles · best · ")
    assert design.to_frame()["brand"].tolist() == ["B", "C", "", "C", "A", ""]
    own = Design(objects=one, shown=design.shown, kind="best", coding=np.eye(4))
    assert own.objects_fingerprint != design.objects_fingerprint
    without = Design(objects=Profiles(attributes=PARTS, levels=one.levels[:3]), shown=np.array([[[0, 1]]]), kind="best")
    assert without.objects_fingerprint != design.objects_fingerprint
