"""Respondents: ids as they are, weights that say what they mean."""

from __future__ import annotations

import pandas as pd
import pytest

from cvmstats.data.respondents import Respondents
from cvmstats.errors import RespondentsError


def people(kind: str | None = None, **columns: list[object]) -> Respondents:
    return Respondents(table=pd.DataFrame(columns), weight_kind=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("columns", "kind", "message"),
    [
        ({"name": ["a"]}, None, "no column 'id'"),
        ({"id": []}, None, "no rows"),
        ({"id": ["a", "", None]}, None, "2 respondents have no id\n.*'row 2', 'row 3'"),
        ({"id": ["a", "a", "b"]}, None, "1 respondent ids stand twice\n.*'a'\n.*one row per person"),
        ({"id": ["a", "b", "c"], "weight": [1, 0, "x"]}, "sampling", "2 weights are not positive numbers\n.*'b', 'c'"),
        ({"id": ["a", "b"], "weight": [1, 2]}, None, "not what they mean\n.*frequency.*sampling"),
        ({"id": ["a", "b"], "weight": [1, 1.5]}, "frequency", "not whole numbers\n.*sampling"),
        ({"id": ["a", "b"], "weight": [1, 1]}, "foo", "weight_kind is 'foo'\n  expected 'frequency'.*'sampling'"),
        ({"id": [1.0, "1"]}, None, "1 respondent ids stand twice\n.*'1'"),
    ],
)
def test_messages(columns: dict[str, list[object]], kind: str | None, message: str) -> None:
    with pytest.raises(RespondentsError, match=message):
        people(kind, **columns)


def test_whole_numbers_are_ids_without_a_point() -> None:
    got = people(id=[1.0, 2.0], account=[7.0, None])
    assert (got.ids, got.accounts) == (("1", "2"), ("7", ""))
    assert Respondents.from_ids([1.0, 2.5]).ids == ("1", "2.5")  # type: ignore[list-item]


def test_take_keeps_weights_and_columns() -> None:
    some = people("sampling", id=["007", "b", "c"], weight=[1.5, 2, 3], age=[1, 2, 3]).take([2, 0])
    assert some.ids == ("c", "007")
    assert some.weight.tolist() == [3, 1.5]
    assert some.to_frame()["age"].tolist() == [3, 1]
    assert some.weight_kind == "sampling"


def test_what_a_person_sees() -> None:
    got = people("frequency", id=["<1>", "2"], account=["A", None], role=["buyer", "user"], weight=[1, 2])
    assert repr(got) == "Respondents  2 of 1 accounts in 2 roles with frequency weights"
    assert "<1>" not in got._repr_html_()
    assert Respondents.from_ids(["a"]).weight.tolist() == [1]
