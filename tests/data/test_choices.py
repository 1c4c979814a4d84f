"""Choices: checks, states of a task, taking and putting together, what a person sees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.merge import concat_choices
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, RespondentsError

DESIGN = Design(objects=Items.from_labels(["a", "b", "c"]), shown=np.array([[[0, 1, 2], [2, 1, -1]], [[1, 0, 2], [-1] * 3]]))
PLACE = np.array([[[1, 0, -1], [1, -1, -128]], [[0, 1, 0], [-128] * 3], [[0, 0, 0], [-1, 1, -128]]])


def choices(ids: tuple[str, ...] = ("007", "é", "3"), **options: object) -> Choices:
    given = {"design": DESIGN, "respondents": Respondents.from_ids(ids), "version": [0, 1, 0], "place": PLACE, **options}
    return Choices(**given)  # type: ignore[arg-type]


def changed(where: tuple[int, int, int], value: int) -> np.ndarray:
    place = PLACE.copy()
    place[where] = value
    return place


def test_states_of_a_task() -> None:
    c = choices()
    assert c.asked.tolist() == [[True, True], [True, False], [True, True]]
    assert c.answered.tolist() == [[True, True], [True, False], [False, True]]
    assert c.complete.tolist() == [[True, True], [False, False], [False, True]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"place": PLACE[:2]}, r"place has shape \(2, 2, 3\)\n.*\(3, 2, 3\)"),
        ({"version": [0, 1]}, "version has shape"),
        ({"seconds": [[1.0]]}, "seconds has shape"),
        ({"version": [0, 2, 0]}, "versions run from 0 to 2\n.*0 to 1"),
        ({"place": changed((0, 1, 2), 0)}, "1 answers place something where nothing was shown\n.*'007 task 2'"),
        ({"place": changed((0, 0, 1), 1)}, "1 answers name more than one best or more than one worst\n.*'007 task 1'"),
        ({"place": changed((1, 0, 0), 2)}, "1 answers name more than one best.*\n.*'é task 1'"),
    ],
)
def test_messages(options: dict[str, object], message: str) -> None:
    with pytest.raises(ChoicesError, match=message):
        choices(**options)


@pytest.mark.parametrize("name", ["version", "place", "seconds"])
def test_arrays_are_read_only(name: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        getattr(choices(seconds=np.ones((3, 2))), name)[0] = 0


def test_take_carries_all_that_belongs_to_a_person() -> None:
    some = choices(seconds=np.arange(6.0).reshape(3, 2)).take([2, 0])
    assert some.respondents.ids == ("3", "007")
    assert some.version.tolist() == [0, 0]
    np.testing.assert_array_equal(some.place, PLACE[[2, 0]])
    assert some.seconds is not None
    assert some.seconds.tolist() == [[4, 5], [0, 1]]


def test_with_respondents_matches_by_id() -> None:
    table = pd.DataFrame({"id": ["3", "other", "007", "é"], "age": [3, 9, 7, 5]})
    got = choices().with_respondents(Respondents(table=table))
    assert got.respondents.to_frame()["age"].tolist() == [7, 5, 3]
    np.testing.assert_array_equal(got.place, PLACE)
    with pytest.raises(ChoicesError, match="1 of 3 people who answered are not in the table.*\n.*'3'\n.*add a row"):
        choices().with_respondents(Respondents.from_ids(["007", "é"]))


def test_concat_puts_people_together() -> None:
    both = concat_choices(choices(), choices(("x", "y", "z")))
    assert both.respondents.ids == ("007", "é", "3", "x", "y", "z")
    np.testing.assert_array_equal(both.take([3, 4, 5]).place, PLACE)
    with pytest.raises(RespondentsError, match="stand twice"):
        concat_choices(choices(), choices())
    with pytest.raises(ChoicesError, match="'seconds' is there for some"):
        concat_choices(choices(), choices(("x", "y", "z"), seconds=np.ones((3, 2))))


def test_what_a_person_sees() -> None:
    assert repr(choices()).startswith("Choices  3 respondents x 2 tasks x 2-3 items, best and worst\n  3 items · design ")
    assert repr(choices()).endswith("2 versions · 2 tasks incomplete")
    table = choices().to_frame()
    assert len(table) == 3 + 2 + 3 + 3 + 2
    assert table[(table["respondent"] == "é")]["item"].tolist() == ["b", "a", "c"]
