"""Items: defaults, messages, fingerprint, what a person sees."""

from __future__ import annotations

import pandas as pd
import pytest

from cvmstats.data.items import Items
from cvmstats.errors import ItemsError


def test_missing_texts_are_labels_and_missing_labels_ids() -> None:
    items = Items(table=pd.DataFrame({"fr": ["x", "y"], "id": [7, 8], "label": ["Price", None]}))
    assert items.ids == ("7", "8")
    assert items.labels == ("Price", "8")
    assert items.to_frame()["text"].tolist() == ["Price", "8"]
    assert items.groups == ("", "")
    assert list(items.to_frame()) == ["id", "label", "text", "group", "fr"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"label": ["a"]}, "no column 'id'"),
        ({"id": []}, "no rows"),
        ({"id": ["a", " ", None]}, "2 items have no id\n.*'row 2', 'row 3'"),
        ({"id": ["a", "b", "a"]}, "1 item ids stand twice\n.*'a'\n.*of its own"),
        ({"id": ["a", "b"], "label": ["x", "x"]}, "1 item labels stand twice\n.*'x'"),
    ],
)
def test_messages(table: dict[str, list[object]], message: str) -> None:
    with pytest.raises(ItemsError, match=message):
        Items(table=pd.DataFrame(table))


def test_what_is_blank_is_missing_and_whole_numbers_have_no_point() -> None:
    items = Items(table=pd.DataFrame({"id": [1.0, 2.0], "label": ["", "B"], "text": [" ", ""], "group": [3.0, None]}))
    assert (items.ids, items.labels, items.groups) == (("1", "2"), ("1", "B"), ("3", ""))
    assert items.to_frame()["text"].tolist() == ["1", "B"]


def test_texts_do_not_count_but_order_does() -> None:
    one = Items(table=pd.DataFrame({"id": ["a", "b"]}))
    assert one.fingerprint == Items(table=pd.DataFrame({"id": ["a", "b"], "label": ["X", "Y"], "text": ["p", "q"]})).fingerprint
    assert one.fingerprint != Items.from_labels(["b", "a"]).fingerprint
    assert Items.from_labels(["ab", "c"]).fingerprint != Items.from_labels(["a", "bc"]).fingerprint


def test_tables_are_copies() -> None:
    given = pd.DataFrame({"id": ["a", "b"]})
    items = Items(table=given)
    given.columns = ["other"]
    copy = items.to_frame()
    copy.columns = [f"other {i}" for i in range(copy.shape[1])]
    assert items.ids == ("a", "b")


def test_what_a_person_sees() -> None:
    table = pd.DataFrame({"id": [f"<i{j}>" for j in range(8)], "group": ["g"] * 4 + ["h"] * 4})
    items = Items(table=table)
    assert repr(items).startswith("Items  8 in 2 groups\n  <i0> · <i1>")
    assert repr(items).endswith("… 2 more")
    assert "<i0>" not in items._repr_html_()
    assert "&lt;i0&gt;" in items._repr_html_()
