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
        ({"place": np.where(PLACE == 1, 257, PLACE)}, "4 of 18 values of place are no whole numbers from -128 to 127\n.*'257'"),
        ({"version": [0.7, 1, 0]}, "1 of 3 values of version are no whole numbers.*\n.*'0.7'"),
        ({"version": [0, None, 1]}, "values of version are no whole numbers"),
        ({"version": [0, float("nan"), 1]}, "1 of 3 values of version are no whole numbers.*\n.*'nan'"),
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
    with pytest.raises(ChoicesError, match="got a DataFrame\n.*join_respondents"):
        choices().with_respondents(table)  # type: ignore[arg-type]
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


def answered(kind: str, place: list[int], **of_design: object) -> Choices:
    """One answer to one task: of a, b and c, or of the anchor z and a, b, c where there is a second question."""
    shown = [[list(range(len(place)))]]
    items = Items.from_labels("zabc" if of_design else "abc")
    design = Design(objects=items, kind=kind, shown=shown, **of_design)  # type: ignore[arg-type]
    return Choices(design=design, respondents=Respondents.from_ids(["r"]), version=[0], place=[[place]])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["pair", "graded"])
def test_pairs_have_a_winner(kind: str) -> None:
    for place in ([1, 0, -128], [1, 1, -128], [1, -1, -128], [0, 0, -128]):
        assert answered(kind, place).place.tolist() == [[place]]
    for place in ([0, -1, -128], [2, 1, -128]):
        with pytest.raises(ChoicesError, match="1 answers to pairs are neither a winner .*\n.*'r task 1'"):
            answered(kind, place)


ANCHORED = {"coding": np.vstack([np.zeros(3), np.eye(3)]), "dual": [[True]]}


@pytest.mark.parametrize("place", [[1, 2, -1, 0], [-1, 1, -2, 0], [0, 1, -1, 0], [0, 1, -1, -128], [0, 1, -128, -128],
                                   [1, -1, -128, -128], [-1, -2, -128, -128]])  # fmt: skip
def test_second_questions_have_a_place_for_the_anchor(place: list[int]) -> None:
    assert answered("best_worst", place, **ANCHORED).place.tolist() == [[place]]


@pytest.mark.parametrize(("place", "message"), [
    ([0, 1, 1, -1], "name more than one best"), ([1, 1, -1, 0], "name more than one best"),
    ([1, 3, -1, 0], "name more than one best"), ([-1, 1, -3, 0], "name more than one best"),
    ([2, 1, -1, 0], "name more than one best"), ([0, 1, -1, -1], "name more than one best"),
    ([0, -1, -128, -128], "put the anchor neither before nor after the one object beside it\n.*'r task 1'"),
])  # fmt: skip
def test_second_questions_are_checked(place: list[int], message: str) -> None:
    with pytest.raises(ChoicesError, match=message):
        answered("best_worst", place, **ANCHORED)
