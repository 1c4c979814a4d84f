"""Wide answers: names, numbers or positions, never guessed where two of them fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.errors import ChoicesError
from cvmstats.survey import read_choices, read_design

STUDIES = ("bws1_mfa_synthetic_varsets", "bws1_rice_aizaki", "bws1_fruit_synthetic")
ITEMS = Items(
    table=pd.DataFrame({"id": ["p", "q", "r", "s", "t"], "label": ["Price", "Quality", "Range", "Speed", "Trust"]})
)
DESIGN = Design(objects=ITEMS, shown=[[[4, 1, 0], [3, 4, 2]]])  # type: ignore[arg-type]


def wide(*rows: tuple[object, ...], names: tuple[str, ...] = ("ID", "B1", "W1", "B2", "W2")) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(names)).astype("str")


@pytest.mark.parametrize("study", STUDIES)
def test_wide_and_long_files_of_a_real_study_agree(shared_data: Path, study: str) -> None:
    long = read_choices(shared_data / study / "responses_long.csv")
    answers = read_choices(shared_data / study / "responses_wide.csv", design=long.design)
    assert np.array_equal(answers.place, long.place)
    assert answers.respondents.ids == long.respondents.ids
    assert "wide, picks read as positions in the task" in answers.source


def test_the_rice_study_is_read_with_its_own_files(shared_data: Path) -> None:
    folder = shared_data / "bws1_rice_aizaki"
    choices = read_choices(
        folder / "responses_wide.csv", design=folder / "design.csv", respondents=folder / "respondents.csv"
    )
    assert choices.design.objects.ids[:3] == ("Place_of_origin", "Variety", "Price")
    net = choices.to_frame().groupby("item")["choice"].sum()
    assert net[["Safety", "Price", "Washfree_rice"]].tolist() == [131, 121, -218]
    assert choices.respondents.table["age"].iloc[0] == 3


@pytest.mark.parametrize(
    ("row", "how"),
    [
        (("1", "t", "p", "r", "s"), "item names"),
        (("1", "Trust", "Price", "Range", "Speed"), "item names"),
        (("1", 5, 1, 3, 4), "item numbers"),
        (("1", 1, 3, 3, 1), "positions in the task"),
    ],
)
def test_the_one_reading_that_fits_is_taken_and_said(row: tuple[object, ...], how: str) -> None:
    choices = read_choices(wide(row), design=DESIGN)
    assert choices.place.tolist() == [[[1, 0, -1], [-1, 0, 1]]]
    assert f"picks read as {how}" in choices.source


def test_two_readings_that_fit_are_an_error_that_names_both() -> None:
    design = Design(objects=ITEMS, shown=[[[2, 1, 0], [3, 1, 2]]])  # type: ignore[arg-type]
    table = wide(("1", 1, 3, 3, 2))
    with pytest.raises(ChoicesError) as caught:
        read_choices(table, design=design)
    assert str(caught.value) == (
        "the 4 picks can be read in 2 ways: as item numbers or as positions in the task\n"
        "  for example '1'; each way puts all of them into the sets shown\n"
        "  expected one way\n  say which: picks='numbers' or picks='positions'")  # fmt: skip
    numbers = read_choices(table, design=design, picks="numbers")
    positions = read_choices(table, design=design, picks="positions")
    assert numbers.place.tolist() == [[[-1, 0, 1], [0, -1, 1]]]
    assert positions.place.tolist() == [[[1, 0, -1], [0, -1, 1]]]


def test_two_readings_that_say_the_same_are_no_ambiguity() -> None:
    design = Design(objects=Items.from_labels("123"), shown=[[[0, 1, 2]]])  # type: ignore[arg-type]
    choices = read_choices(wide(("1", 1, 3), names=("ID", "B1", "W1")), design=design)
    assert choices.place.tolist() == [[[1, 0, -1]]]


def test_no_reading_that_fits_is_an_error_with_counts_for_both() -> None:
    with pytest.raises(ChoicesError, match=r"the 4 picks cannot be read: as item numbers 2 of them were not shown in "
                                           r"their task, "
                                           r"as positions in the task 3\n(?s:.*)picks='numbers'"):  # fmt: skip
        read_choices(wide(("1", 5, 4, 3, 9)), design=DESIGN)


@pytest.mark.parametrize(
    "names",
    [("id", "b01", "w01", "b02", "w02"), ("RespID", "best_1", "worst_1", "Best_2", "Worst_2"),
     ("person", "task1_best", "task1_worst", "task2_best", "task2_worst"),
     ("id", "Most.1", "Least.1", "Most.2", "Least.2")],
)  # fmt: skip
def test_columns_are_found_by_their_usual_names(names: tuple[str, ...]) -> None:
    assert read_choices(wide(("007", "t", "p", "r", "s"), names=names), design=DESIGN).place.tolist() == [
        [[1, 0, -1], [-1, 0, 1]]
    ]


@pytest.mark.parametrize(
    "columns", [{"best": "x{task}", "worst": "y{task}"}, {"best": ["x1", "x2"], "worst": ["y1", "y2"]}]
)
def test_columns_can_be_named(columns: dict[str, object]) -> None:
    table = wide(("007", "t", "p", "r", "s"), names=("who", "x1", "y1", "x2", "y2"))
    choices = read_choices(table, design=DESIGN, columns={"respondent": "who", **columns})
    assert choices.place.tolist() == [[[1, 0, -1], [-1, 0, 1]]]
    with pytest.raises(ChoicesError, match="columns named in columns="):
        read_choices(table, design=DESIGN, columns={"respondent": "who", "best": ["x9"]})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"best": "Q{task}_tpo", "worst": "y{task}"}, "no column is called as columns={'best': 'Q{task}_tpo'} says\n"
                                                      "  its columns are 'ID', 'x1', 'y1', 'x2', 'y2'"),
        ({"best": ["x1"], "worst": ["y1", "y2"]}, "1 of 2 tasks that ask for a best have no column for it\n  for example "
                                                  "task '2'\n  its columns are 'x1'\n"),
        ({"best": ["x1", "x1"], "worst": ["y1", "y2"]}, "1 columns stand twice in columns={'best': ...}\n  for example 'x1'"),
        ({"best": []}, "no columns named in columns={'best': ...} are not there"),
        ({"best": "x1"}, "columns={'best': 'x1'} does not say where the number of the task stands\n"
                         "  expected a pattern such as 'Q{task}_top', or a list: columns={'best': ['x1', ...]}"),
    ],
)  # fmt: skip
def test_sides_that_are_named_must_be_there(columns: dict[str, object], message: str) -> None:
    table = wide(("007", "t", "p", "r", "s"), names=("ID", "x1", "y1", "x2", "y2"))
    with pytest.raises(ChoicesError) as caught:
        read_choices(table, design=DESIGN, columns=columns)
    assert message in str(caught.value)


def test_a_task_without_its_column_is_an_error() -> None:
    with pytest.raises(ChoicesError, match="1 of 2 tasks that ask for a worst have no column for it\n  for example task '2'"):
        read_choices(wide(("1", "t", "p", "r"), names=("ID", "B1", "W1", "B2")), design=DESIGN)
    mixed = Design(objects=ITEMS, shown=DESIGN.shown, kind=np.array([["best_worst", "best"]]))
    read = read_choices(wide(("1", "t", "p", "r"), names=("ID", "B1", "W1", "B2")), design=mixed)
    assert read.place.tolist() == [[[1, 0, -1], [0, 0, 1]]]


@pytest.mark.parametrize("label", ["NA", "NaN", "nan"])
def test_an_item_called_na_is_no_missing_answer(label: str) -> None:
    for items in (Items.from_labels(["A", label, "C"]), Items(table=pd.DataFrame({"id": list("abc"),
                                                                                  "label": ["A", label, "C"]}))):
        design = Design(objects=items, shown=np.array([[[0, 1, 2]]]))
        table = wide(("1", label, "A"), ("2", "C", label), ("3", "A", ""), names=("ID", "B1", "W1"))
        read = read_choices(table, design=design)
        assert read.place[:, 0].tolist() == [[-1, 1, 0], [0, -1, 1], [1, 0, 0]]
    numbered = wide(("1", 1, 2), ("2", 3, label), names=("ID", "B1", "W1"))
    assert read_choices(numbered, design=design, picks="numbers").place[1].tolist() == [[0, 0, 1]]


def test_a_pick_outside_its_set_is_quoted() -> None:
    with pytest.raises(ChoicesError, match=r"name a worst item that was not shown(?s:.*)task 2 \(the choice 'p'\)"):
        read_choices(wide(("1", "t", "p", "r", "p")), design=DESIGN)


def test_missing_answers_and_best_only() -> None:
    choices = read_choices(wide(("1", "t", "", "", "NA"), ("2", "t", "p", "r", "s")), design=DESIGN)
    assert choices.place[0].tolist() == [[1, 0, 0], [0, 0, 0]]
    table = DESIGN.to_frame().drop(columns="version")
    choices = read_choices(wide(("1", "t", "r"), names=("ID", "B1", "B2")), design=table)
    assert set(np.asarray(choices.design.kind).ravel()) == {"best"}


def test_versions_are_as_the_file_says() -> None:
    design = read_design(pd.DataFrame({"Version": [1, 1, 2, 2], "Set": [1, 2, 1, 2], "Item1": [5, 4, 1, 2],
                                       "Item2": [2, 5, 2, 3], "Item3": [1, 3, 3, 5]}), ITEMS)  # fmt: skip
    table = wide(("1", "t", "p", "r", "s"), ("2", "p", "q", "r", "t"))
    choices = read_choices(table.assign(version=["1", "2"]), design=design)
    assert choices.place[1].tolist() == [[1, -1, 0], [0, 1, -1]]
    with pytest.raises(ChoicesError, match="the design has 2 versions, and the dataframe does not say which"):
        read_choices(table, design=design)


def test_wide_answers_need_a_design() -> None:
    with pytest.raises(
        ChoicesError, match=r"wide answers, and no design says what was shown(?s:.*)design='design.csv'"
    ):
        read_choices(wide(("1", "t", "p", "r", "s")))


def test_two_formats_that_fit_are_an_error_that_names_both() -> None:
    table = pd.DataFrame(
        {"respondent": ["1", "1"], "task": [1, 1], "item": ["t", "q"], "choice": [1, -1], "B1": "t", "W1": "q"}
    )
    with pytest.raises(
        ChoicesError, match=r"can be read in two ways: long \(.*\) or wide \(B1, W1, ...\)\n(?s:.*)format='long'"
    ):
        read_choices(table)
    assert read_choices(table, format="long").n_respondents == 1


@pytest.mark.filterwarnings("error")
def test_two_columns_for_one_task_are_an_error() -> None:
    with pytest.raises(ChoicesError, match="2 columns may be the best of task 1: 'B1', 'best_1'"):
        read_choices(wide(("1", "t", "p", "t"), names=("ID", "B1", "W1", "best_1")), design=DESIGN)
