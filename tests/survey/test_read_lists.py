"""Items, respondents and designs in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cvmstats.data.items import Items
from cvmstats.errors import CvmWarning, DesignError, InputError, ItemsError, RespondentsError
from cvmstats.survey import read_attributes, read_design, read_items, read_respondents


def test_items_keep_ids_texts_and_further_columns(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("ID,Name,Description,group,de\n01,Price,The price,Money,Preis\nNA,Speed,How fast,Time,Tempo\n")
    items = read_items(path)
    assert items.ids == ("01", "NA")
    assert items.labels == ("Price", "Speed")
    assert items.groups == ("Money", "Time")
    assert items.table["de"].tolist() == ["Preis", "Tempo"]
    assert read_items(pd.DataFrame({"label": ["x", "y"]})).ids == ("x", "y")
    assert read_items(pd.DataFrame({"code": [1, 2], "label": ["x", "y"]}), columns={"id": "code"}).ids == ("1", "2")


def test_items_errors() -> None:
    with pytest.raises(ItemsError, match=r"has no column for 'id'\n  its columns are 'x'\n  expected one row per item"):
        read_items(pd.DataFrame({"x": [1]}))
    with pytest.raises(ItemsError, match="stand twice"):
        read_items(pd.DataFrame({"id": ["a", "a"]}))


def test_respondents_keep_ids_and_turn_plain_numbers_into_numbers(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("resp_id,Company,size,zip,role,w\n007,0012,12.5,01234,buyer,2\n008,0012,,99999,user,1\n")
    people = read_respondents(path, columns={"weight": "w"}, weight_kind="frequency")
    assert people.ids == ("007", "008")
    assert people.accounts == ("0012", "0012")
    assert people.roles == ("buyer", "user")
    assert people.weight.tolist() == [2, 1]
    assert people.table["size"].iloc[0] == 12.5
    assert np.isnan(people.table["size"].iloc[1])
    assert people.table["zip"].tolist() == ["01234", "99999"]


@pytest.mark.parametrize("file", [True, False])
def test_long_numbers_with_a_gap_keep_their_digits(tmp_path: Path, file: bool) -> None:
    long = [123456789012345678, 123456789012345679, None]
    table = pl.DataFrame({"id": ["a", "b", "c"], "account": long, "crm": long, "size": [1, None, 3]})
    table.write_parquet(tmp_path / "people.parquet")
    people = read_respondents(tmp_path / "people.parquet" if file else table)
    assert people.accounts == ("123456789012345678", "123456789012345679", "")
    assert people.table["crm"].tolist() == list(people.accounts)
    assert people.table["size"].fillna(-1).tolist() == [1.0, -1.0, 3.0]
    with pytest.raises(InputError, match="2 of 3 values of column 'account' are decimal numbers of 16 digits or more\n  for "):
        read_respondents(table.to_pandas())


def test_columns_that_numbers_do_not_hold_stay_text() -> None:
    table = pd.DataFrame({"id": ["1", "2"], "crm": ["123456789012345678", "123456789012345679"], "code": ["1E3", "2E4"],
                          "size": ["0.5", "123456789012345"]})  # fmt: skip
    people = read_respondents(table).table
    assert people[["crm", "code"]].to_numpy().tolist() == table[["crm", "code"]].to_numpy().tolist()
    assert people["size"].tolist() == [0.5, 123456789012345]
    for texts in (["1,234", "2,500", "900"], ["1 234", "2 500", ""], ["1,5", "2", "3,25"]):
        with pytest.warns(CvmWarning, match="of column 'size' are digits with separators, so the column stays text\n  for"):
            kept = read_respondents(pd.DataFrame({"id": [1, 2, 3], "size": texts}))
        assert kept.table["size"].tolist() == texts
    assert read_respondents(pd.DataFrame({"id": [1, 2], "size": ["1,000", "big"]})).table["size"].tolist() == ["1,000", "big"]


def test_numbers_among_texts_are_written_as_numbers_are() -> None:
    assert read_items(pd.DataFrame({"id": ["a", 1.0, 2.5]})).ids == ("a", "1", "2.5")


@pytest.mark.parametrize("padding", ["NA", "-1", "", "0", "nan"])
def test_shorter_tasks_of_wide_designs_may_be_filled_up(padding: str) -> None:
    table = pd.DataFrame({"Version": ["1"] * 3, "Set": ["1", "2", "3"], "Item1": ["1", "3", "10"], "Item2": ["2", "4", "9"],
                          "Item3": ["10", padding, padding]})  # fmt: skip
    design = read_design(table)
    assert design.objects.ids == tuple(str(i) for i in range(1, 11))
    assert design.shown.tolist() == [[[0, 1, 9], [2, 3, -1], [9, 8, -1]]]
    assert read_design(table, Items.from_labels("abcdefghij")).shown.tolist() == design.shown.tolist()


def test_an_item_called_na_is_no_padding() -> None:
    table = pd.DataFrame({"Set": ["1", "2"], "Item1": ["a", "NA"], "Item2": ["b", "b"], "Item3": ["NA", ""]})
    assert read_design(table, Items.from_labels(["a", "b", "NA"])).shown.tolist() == [[[0, 1, 2], [2, 1, -1]]]


def test_a_gap_within_a_task_is_no_padding() -> None:
    table = pd.DataFrame({"Set": ["1", "2"], "Item1": ["1", "NA"], "Item2": ["2", "2"], "Item3": ["3", "1"]})
    with pytest.raises(DesignError, match=r"1 of 6 item numbers of .* are none\n  for example in row '3' \('NA'\)"):
        read_design(table)


def test_odd_ones_among_numbers_are_named_with_their_rows() -> None:
    table = pd.DataFrame({"Set": ["1", "2"], "Item1": ["1", "2"], "Item2": ["2", "x"], "Item3": ["3", "3"]})
    with pytest.raises(DesignError, match=r"1 of 6 item numbers of the dataframe are none\n  for .* row '3' \('x'\)"):
        read_design(table)


def test_a_blank_label_is_the_id() -> None:
    table = pd.DataFrame({"id": ["a", "b", "c"], "label": ["A", "", " "], "text": ["", "The b", ""]})
    items = read_items(table)
    assert items.labels == ("A", "b", "c")
    assert items.table["text"].tolist() == ["A", "The b", "c"]
    levels = pd.DataFrame({"attribute": ["x", "x"], "level": ["1", "2"], "text": ["one", ""]})
    assert read_attributes(levels).table["text"].tolist() == ["one", "2"]


def test_labels_that_differ_by_blanks_or_capitals_are_told() -> None:
    with pytest.warns(CvmWarning, match="1 labels of items stand in spellings that differ only by blanks or capitals(?s:.*)"
                                        "for example 'Low price', 'low  price'"):  # fmt: skip
        read_items(pd.DataFrame({"id": ["a", "b"], "label": ["Low price", "low  price"]}))


def test_blank_ids_name_the_rows_of_the_file() -> None:
    table = pd.DataFrame({"id": ["a", " "], "label": ["A", "B"]})
    with pytest.raises(ItemsError, match="1 of 2 items of the dataframe have no id\n  for example row '3'"):
        read_items(table)
    with pytest.raises(RespondentsError, match="1 of 2 respondents of the dataframe have no id\n  for example row '3'"):
        read_respondents(table)


@pytest.mark.parametrize("read", [read_items, read_respondents, read_attributes, read_design])
def test_names_in_columns_that_are_not_ours_are_refused(read: Callable[..., object]) -> None:
    table = pd.DataFrame({"id": ["a", "b"], "label": ["A", "B"], "attribute": "x", "level": ["1", "2"], "task": 1,
                          "item": ["a", "b"]})  # fmt: skip
    with pytest.raises(InputError, match="columns= has names that are not ours: 'lable'\n  expected some of"):
        read(table, columns={"lable": "label"})
    with pytest.raises(InputError, match="columns= gives 1 columns that are no texts\n  for example '.*: 3'"):
        read(table, columns={"level" if read is read_attributes else "id" if read is not read_design else "task": 3})


def test_a_column_has_one_name() -> None:
    with pytest.raises(RespondentsError, match="columns= gives 1 columns two names\n  for example 'who'"):
        read_respondents(pd.DataFrame({"who": ["a"]}), columns={"id": "who", "account": "who"})


def test_weights_that_are_no_numbers_are_quoted() -> None:
    with pytest.raises(RespondentsError) as caught:
        read_respondents(pd.DataFrame({"id": ["a", "b"], "weight": ["0,5", "1"]}), weight_kind="sampling")
    assert str(caught.value) == ("1 of 2 weights are no numbers\n  for example '0,5' of respondent 'a'\n"
                                 "  expected digits, with a point for decimals\n  write a point for decimals")  # fmt: skip


def test_respondents_errors(tmp_path: Path) -> None:
    with pytest.raises(RespondentsError, match="has no column for 'id'"):
        read_respondents(pd.DataFrame({"x": [1]}))
    with pytest.raises(RespondentsError, match="say weight_kind="):
        read_respondents(pd.DataFrame({"id": [1, 2], "weight": [1.5, 2]}))
    path = tmp_path / "people.csv"
    path.write_text("id,x\n1,2,3\n")
    with pytest.raises(RespondentsError, match="is no regular table"):
        read_respondents(path)


def test_long_designs() -> None:
    table = pd.DataFrame({"task": [10, 10, 9, 9, 9], "position": [2, 1, 1, 2, 3], "item": list("abcab")})
    design = read_design(table)
    assert design.task_ids == ("9", "10")
    assert design.shown.tolist() == [[[2, 0, 1], [1, 0, -1]]]
    items = Items.from_labels("cab")
    assert read_design(table, items).shown.tolist() == [[[0, 1, 2], [2, 1, -1]]]
    assert read_design(design.to_frame(), design.objects).fingerprint == design.fingerprint
    numbers = table.drop(columns="item").assign(item_no=[1, 2, 3, 1, 2])
    assert read_design(numbers, items).shown.tolist() == [[[2, 0, 1], [1, 0, -1]]]
    assert read_design(numbers, kind="best").kind[0, 0] == "best"  # type: ignore[index]


def test_wide_designs_by_number_and_by_name() -> None:
    table = pd.DataFrame({"Version": [1, 1, 2, 2], "Set": [1, 2, 1, 2], "Item1": [1, 3, 2, 1], "Item2": [2, 1, 3, 3],
                          "Item3": [3, 0, 1, 2]})  # fmt: skip
    design = read_design(table)
    assert design.shown.tolist() == [[[0, 1, 2], [2, 0, -1]], [[1, 2, 0], [0, 2, 1]]]
    assert design.objects.ids == ("1", "2", "3")
    named = read_design(table.replace({c: {1: "x", 2: "y", 3: "z", 0: ""} for c in ("Item1", "Item2", "Item3")}))
    assert np.array_equal(named.shown, design.shown)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"task": None}, r"has no column for 'task'\n  its columns are"),
        (
            {"position": ["x", 1, 1, 2]},
            r"1 of 4 rows of the dataframe have a position that is no number\n  for example in row '2'",
        ),
        (
            {"position": [1, 1, 1, 2]},
            r"1 tasks of the dataframe have a position twice\n  for example 'version 1 task 1'",
        ),
        ({"item_no": [1, 2, 3, "x"]}, r"1 of 4 item numbers of the dataframe are none\n  for example in row '5' \('x'\)"),
        ({"item_no": [1, 2, 3, 200_000]}, "the largest item number is 200,000\n  expected numbers from 1"),
        ({"task": ["1", " ", "2", "2"]}, "1 of 4 rows of the dataframe have no task\n  for example row '3'"),
        ({"item": list("abca")}, "show an item twice|another one's"),
    ],
)
def test_design_errors(change: dict[str, list[object] | None], text: str) -> None:
    table = pd.DataFrame({"task": [1, 1, 2, 2], "position": [1, 2, 1, 2], "item_no": [1, 2, 1, 2]}).astype(object)
    for column, values in change.items():
        table = table.drop(columns=column) if values is None else table.assign(**{column: values})
    with pytest.raises(DesignError, match=text):
        read_design(table)


def test_unknown_items_of_a_design() -> None:
    table = pd.DataFrame({"task": [1, 1], "item": ["a", "q"]})
    with pytest.raises(DesignError, match=r"1 items of the dataframe are not on the list of items\n  for example 'q'"):
        read_design(table, Items.from_labels("ab"))
