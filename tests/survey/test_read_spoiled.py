"""Spoiled answers: each kind gives one clear error, with counts, examples, what was expected and the remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.errors import ChoicesError, CvmWarning
from cvmstats.survey import read_choices

SETS = ("abc", "bcd", "cda")
DESIGN = Design(objects=Items.from_labels("abcd"), shown=[[[0, 1, 2], [1, 2, 3], [2, 3, 0]]])  # type: ignore[arg-type]
DROP = 'to leave such tasks out: read_choices(..., invalid="drop")'


def sound() -> pd.DataFrame:
    rows = [
        (r, t + 1, a + 1, item, (1, 0, -1)[a])
        for r in ("01", "02")
        for t, s in enumerate(SETS)
        for a, item in enumerate(s)
    ]
    return pd.DataFrame(rows, columns=["respondent", "task", "position", "item", "choice"]).astype("str")


def wide() -> pd.DataFrame:
    return pd.DataFrame({"id": ["01", "02"], "B1": ["a", "a"], "W1": ["c", "c"], "B2": ["b", "b"], "W2": ["d", "d"],
                         "B3": ["c", "c"], "W3": ["a", "a"]})  # fmt: skip


def message(source: object, **options: object) -> str:
    with pytest.raises(ChoicesError) as caught:
        read_choices(source, **options)  # type: ignore[arg-type]
    return str(caught.value)


def spoil(table: pd.DataFrame, row: int, column: str, value: str) -> pd.DataFrame:
    table.loc[row, column] = value
    return table


def test_sound_answers_are_read() -> None:
    assert read_choices(sound(), design=DESIGN).complete.all()
    assert read_choices(wide(), design=DESIGN).complete.all()


def test_picked_item_not_shown() -> None:
    expected = ("1 of 6 tasks name a best item that was not shown in the task\n  for example respondent '02' task 1\n"
                f"  expected an item of the set that the design shows\n  {DROP}")  # fmt: skip
    assert message(spoil(sound(), 9, "item", "d"), design=DESIGN) == expected
    quoted = expected.replace("task 1\n", "task 1 (the choice 'd')\n")
    assert message(spoil(wide(), 1, "B1", "d"), design=DESIGN) == quoted


def test_best_equals_worst() -> None:
    expected = ("1 of 6 tasks name the same item best and worst\n  for example respondent '01' task 2\n"
                f"  expected two different items\n  {DROP}")  # fmt: skip
    assert message(spoil(wide(), 0, "W2", "b"), design=DESIGN) == expected
    table = sound()
    table = pd.concat([table, table.iloc[[3]].assign(choice="-1")])
    table = table.drop(index=5)
    table.loc[5] = ["01", "2", "3", "d", "0"]
    assert message(table, design=DESIGN) == expected
    assert message(table) == expected


def test_duplicated_task() -> None:
    table = sound()
    table = pd.concat([table, table.iloc[6:9]])
    assert message(table) == ("1 of 6 tasks stand more than once for the same respondent\n  for example respondent "
                              "'01' task 3\n"
                              f"  expected one row for each item of a task\n  {DROP}")  # fmt: skip
    other = pd.concat([sound(), sound().iloc[6:9].assign(item=list("bdx"))])
    assert "1 of 6 tasks stand more than once" in message(other)
    again = pd.concat([wide(), wide().iloc[:1]])
    assert message(again, design=DESIGN) == ("1 respondents stand more than once, and so do their tasks\n"
                                             "  for example respondent '01'\n  expected one row for each person\n"
                                             "  keep one row of each person")  # fmt: skip


def test_unknown_item() -> None:
    expected = ("1 of 6 tasks {} an item that is not on the list of items\n  for example respondent '02' task 2 "
                "({}'dd')\n"
                f"  expected {{}} of the 4 items\n  {DROP}")  # fmt: skip
    told = expected.format("show", "the item ", "ids or labels")
    assert message(spoil(sound(), 14, "item", "dd"), design=DESIGN) == told
    assert message(spoil(sound(), 14, "item", "dd"), items=DESIGN.objects) == told
    assert message(spoil(wide(), 1, "W2", "dd"), design=DESIGN) == expected.format("name", "the choice ", "item names")


def test_wrong_design() -> None:
    other = Design(objects=DESIGN.objects, shown=[[[0, 1, 3], [0, 1, 2], [2, 3, 0]]])  # type: ignore[arg-type]
    text = message(sound(), design=other)
    assert text == (f"4 of 6 tasks show other items than the design {other.fingerprint[:6]}\n  for example "
                    f"respondent '01' task 1\n"
                    "  expected the sets of the design\n"
                    "  give the design that these answers were collected with: design=")  # fmt: skip
    short = Design(objects=DESIGN.objects, shown=DESIGN.shown[:, :2])
    assert "1 of 3 tasks of the answers are not in the design" in message(sound(), design=short)
    assert "the answers have 3 tasks ('1', '2', '3'), the design" in message(wide(), design=short)
    assert "1 of 6 tasks show other items than the design" in message(spoil(sound(), 1, "item", "d"), design=DESIGN)


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("")
    assert message(path) == ("answers.csv is empty: nothing stands in it\n  expected a heading and rows of answers\n"
                             "  give the file with the answers")  # fmt: skip
    path.write_text("respondent,task,item,choice\n")
    assert message(path) == ("answers.csv is empty: it has no rows of answers\n"
                             "  its columns are 'respondent', 'task', 'item', 'choice'\n"
                             "  give the file with the answers")  # fmt: skip
    assert message(tmp_path / "none.csv").startswith("there is no file of answers at")


def test_wrong_encoding(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_bytes("respondent,task,item,choice\n1,1,Qualit\u00e4t,1\n1,1,Preis,-1\n".encode("cp1252"))
    assert message(path) == ("answers.csv is not written in UTF-8\n  for example byte 0xe4 in line 2\n  expected "
                             "UTF-8\n"
                             "  say how it is written: encoding='cp1252' (Windows, Excel), "
                             "'latin-1' or 'utf-16'")  # fmt: skip
    assert read_choices(path, encoding="cp1252").design.objects.ids == ("Preis", "Qualit\u00e4t")
    path.write_text("respondent,task,item,choice\n1,1,b,1\n1,1,a,-1\n", encoding="utf-16")
    assert read_choices(path).design.objects.ids == ("a", "b")
    assert "there is no encoding called 'klingon'" in message(path, encoding="klingon")


def test_blanks_are_no_respondent_and_no_task() -> None:
    for column, other in (("respondent", "task"), ("task", "respondent")):
        spoilt = spoil(sound(), 4, column, "  ")
        assert message(spoilt) == (f"1 of 18 rows have no {column}\n  for example row '6'\n  expected a {column} on each row\n"
                                   "  fill the column or take such rows away")  # fmt: skip
        assert message(spoilt, design=DESIGN) == message(spoilt)
        assert other not in message(spoilt)
    told = message(spoil(wide(), 1, "id", " "), design=DESIGN)
    assert told.startswith("1 of 2 rows have no respondent\n  for example row '3'")


def test_versions_are_matched_as_tasks_are() -> None:
    two = Design(objects=DESIGN.objects, shown=np.concatenate([DESIGN.shown, DESIGN.shown[:, ::-1]]))
    for first, second in (("01", "2"), ("1.0", "2.0")):
        table = wide().assign(version=[first, second], B1=["a", "c"], W1="c", B3=["c", "b"], W3=["a", "c"])
        table.loc[1, "W1"] = "a"
        assert read_choices(table, design=two).version.tolist() == [0, 1]
    told = message(table.assign(version=["1", "7"]), design=two)
    assert "1 of 2 versions of the answers are not in the design" in told
    assert "for example version '7' of respondent '02'\n" in told


def test_items_that_differ_by_blanks_or_capitals_are_told() -> None:
    with pytest.warns(CvmWarning, match="1 labels of items stand in spellings that differ only by blanks or capitals"):
        read_choices(spoil(sound(), 9, "item", "A ").assign(version=["1"] * 9 + ["2"] * 9))


def test_missing_column() -> None:
    assert message(sound().drop(columns="choice")) == (
        "the dataframe has no column for 'choice'\n  its columns are 'respondent', 'task', 'position', 'item'\n"
        "  expected long: respondent, task, item, choice (1 best, -1 worst, 0), and version, position where there "
        "are any\n"
        "  where it has another name: columns={'choice': '...'}")  # fmt: skip
    assert "has no column for 'respondent'" in message(wide().drop(columns="id"), design=DESIGN)
    assert "or wide: respondent, a pair of columns" in message(pd.DataFrame({"x": [1]}))
    assert "1 columns named in columns= are not in the dataframe" in message(sound(), columns={"item": "nothing"})
    assert "names that are not ours: 'itm'" in message(sound(), columns={"itm": "item"})


def test_all_answers_missing() -> None:
    for value in ("", "0", "NA"):
        text = message(sound().assign(choice=value), design=DESIGN)
        assert text == ("none of the 6 tasks has an answer\n"
                        "  expected 1 for the best and -1 for the worst in the column of choices\n"
                        "  is it the right file, and the right column?")  # fmt: skip
    empty = wide()
    empty.iloc[:, 1:] = ""
    assert message(empty, design=DESIGN).startswith(
        "none of the 6 tasks has an answer\n  expected item names in columns such"
    )


def test_non_numeric_choice() -> None:
    assert message(spoil(sound(), 0, "choice", "best")) == (
        "1 of 6 tasks have a choice that is no number\n  for example respondent '01' task 1 (the choice 'best')\n"
        f"  expected 1 for the best, -1 for the worst, 0 or nothing for the others\n  {DROP}")  # fmt: skip
    told = "1 of 6 tasks have a choice other than 1, -1, 0\n  for example respondent '01' task 1 (the choice '2')"
    assert told in message(spoil(sound(), 0, "choice", "2"))
    positions = wide().replace({"B1": {"a": "1"}, "W1": {"c": "3"}, "B2": {"b": "1"}, "W2": {"d": "3"},
                                "B3": {"c": "1"},
                                "W3": {"a": "3"}})  # fmt: skip
    assert message(spoil(positions, 1, "W3", "x"), design=DESIGN, picks="positions") == (
        "1 of 6 tasks have a choice that is no number\n  for example respondent '02' task 3 (the choice 'x')\n"
        f"  expected positions in the task: 1, 2, ...\n  {DROP}")  # fmt: skip


def test_all_findings_stand_in_one_error_and_can_be_left_out_together() -> None:
    table = spoil(spoil(spoil(sound(), 0, "choice", "x"), 9, "item", "d"), 4, "choice", "1")
    text = message(table, design=DESIGN)
    assert [line for line in text.splitlines() if line[0] != " "] == [
        "1 of 6 tasks have a choice that is no number",
        "1 of 6 tasks name more than one best",
        "1 of 6 tasks name a best item that was not shown in the task",
    ]
    with pytest.warns(CvmWarning, match="name a best item that was not shown"):
        choices = read_choices(table, design=DESIGN, invalid="drop")
    assert choices.answered.tolist() == [[False, False, True], [False, True, True]]
    with pytest.warns(CvmWarning, match="1 of 6 tasks name the same item best and worst"):
        choices = read_choices(spoil(wide(), 0, "W2", "b"), design=DESIGN, invalid="drop")
    assert choices.answered.tolist() == [[True, False, True], [True, True, True]]


def test_examples_are_three_and_the_rest_is_counted() -> None:
    table = wide()
    table[["W1", "W2"]] = table[["B1", "B2"]]
    assert "respondent '01' task 1, '01' task 2, '02' task 1 and 1 more" in message(table, design=DESIGN)


def test_what_leaving_tasks_out_would_not_mend_is_raised_all_the_same() -> None:
    assert "1 of 18 rows have no respondent" in message(spoil(sound(), 3, "respondent", ""), invalid="drop")
    assert "1 of 18 rows have no task" in message(spoil(sound(), 3, "task", ""), invalid="drop")
    versions = spoil(sound().assign(version="1"), 3, "version", "2")
    assert "1 of 2 respondents have more than one version" in message(versions, invalid="drop")
    assert "1 of 1 versions of the answers are not in the design" in message(sound().assign(version="9"), design=DESIGN)
    assert "none of the 6 tasks has an answer that can be used" in message(
        spoil(sound(), 0, "choice", "x").assign(choice="x"), invalid="drop")  # fmt: skip


def test_answers_that_the_design_did_not_ask_for() -> None:
    best = Design(objects=DESIGN.objects, shown=DESIGN.shown, kind="best")
    assert "6 of 6 tasks name a worst item, and the design asks for the best only" in message(sound(), design=best)
    rank = Design(objects=DESIGN.objects, shown=DESIGN.shown, kind="rank")
    assert "6 of 6 tasks are no ranking" in message(sound(), design=rank)
    assert "or in another order" in message(sound(), design=DESIGN, items=Items.from_labels("dcba"))


def test_two_columns_for_one_thing_and_unknown_options() -> None:
    assert "2 columns of the dataframe may be the task: 'set', 'task_no'" in message(
        sound().rename(columns={"task": "set"}).assign(task_no="1"))  # fmt: skip
    assert "column names of the dataframe stand twice" in message(sound().set_axis(list("aabcd"), axis=1))
    assert message(sound(), invalid="ignore") == "invalid='ignore' is not known\n  expected 'raise' or 'drop'"


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    for quote in ("", '"'):
        path.write_text(f"respondent,task,item,choice\n1,1,{quote}a{quote},1\n1,1,b,-1\n1,2,b")
        assert message(path) == (
            "answers.csv is no regular table: 1 rows have fewer fields than the heading\n  for example row '4'\n"
            "  expected as many fields in each row as in the heading\n  was the file cut off?"
        )
    path.write_text("respondent,task,item,choice\n1,1,a,1,7\n1,1,b,-1\n")
    assert message(path).startswith("answers.csv is no regular table")


def test_what_is_no_table() -> None:
    assert message([1, 2]) == "answers cannot be read from a list\n  expected a path or a DataFrame"


def test_nothing_is_left_where_no_set_can_be_used() -> None:
    text = message(sound(), items=Items.from_labels("xyz"), invalid="drop")
    assert text.startswith("no task of the answers shows a set that can be used\n")
    assert "6 of 6 tasks show an item that is not on the list of items" in text


def test_a_version_shows_the_same_to_all_its_people() -> None:
    table = spoil(sound().assign(version="1"), 10, "item", "d")
    assert "1 of 6 tasks show other items to some people of a version than to others" in message(table)
    table = spoil(sound().assign(version="1"), 9, "item", "d")
    assert "1 of 6 tasks name a best item that was not shown" in message(table)
