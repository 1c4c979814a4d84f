"""What formats refuse, reading and writing: each message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, CvmWarning, DesignError, LeftOutWarning
from cvmstats.survey import read_choices, read_items, write_choices, write_design
from tests.evidence.damaged_files import best_only, study

SMALL = Attributes.from_dict({"brand": ["A", "B"], "price": [10, 20]})


def refused(source: object, **options: Any) -> str:
    with pytest.raises(ChoicesError) as caught:
        read_choices(source, **options)
    return str(caught.value)


def changed(folder: Path, name: str, change: Callable[[pd.DataFrame], object], choices: Choices | None = None) -> pd.DataFrame:
    path = write_choices(choices or study(), folder / "whole.csv", name)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    made = change(table)
    return made if isinstance(made, pd.DataFrame) else table


def put(row: int, column: str, value: str) -> Callable[[pd.DataFrame], None]:
    def change(table: pd.DataFrame) -> None:
        table.loc[row, column] = value

    return change


def keep(table: pd.DataFrame) -> None:
    return None


def test_names_of_formats(tmp_path: Path) -> None:
    table = changed(tmp_path, "long", keep)
    assert refused(table, format="tall").startswith("format='tall' is not known\n  expected 'long' or 'wide' or 'bws_long' or ")
    assert refused(table, format="decipher").startswith("answers are not read in the format 'decipher'\n  expected 'long' or")
    with pytest.raises(ChoicesError, match="answers are not written in the format 'case_2'"):
        write_choices(study(), tmp_path / "a.csv", "case_2")
    with pytest.raises(DesignError, match="designs are not written in the format 'qualtrics'"):
        write_design(study().design, tmp_path / "a.csv", "qualtrics")
    with pytest.raises(ChoicesError, match=r"a.csv ends in '.csv'\n  expected .cho in this format"):
        write_choices(study(), tmp_path / "a.csv", "cho")
    with pytest.raises(DesignError, match=r"a.csv ends in '.csv'\n  expected .dat in this format"):
        write_design(study().design, tmp_path / "a.csv", "decipher")
    assert refused(table, format="cho") == "the dataframe is no .cho file\n  expected a path that ends in .cho"
    assert refused(table, format="spss") == "the dataframe is no SPSS file\n  expected a path that ends in .sav"


def test_two_formats_that_fit_are_named(tmp_path: Path) -> None:
    table = changed(tmp_path, "bws_long", keep).assign(task="1", item="i1", choice="1")
    text = refused(table)
    assert text.startswith("the dataframe can be read in two ways: long (choice, id, item, task) or bws_long (id, block, "
                           "label, value)")
    assert text.endswith("say which: format='long' or format='bws_long'")
    assert read_choices(table, format="bws_long", items=study().design.objects).n_respondents == 5


def test_formats_are_found_and_said(tmp_path: Path) -> None:
    for name in ("bws_long", "conjointly", "pypi_maxdiff"):
        table = changed(tmp_path, name, keep, best_only() if name == "conjointly" else None)
        assert f"({name}, design inferred)" in read_choices(table, items=study().design.objects).source
        assert read_choices(pl.from_pandas(table), items=study().design.objects).n_respondents == 5


def test_people_without_a_column_are_numbered_only_when_asked(tmp_path: Path) -> None:
    table = changed(tmp_path, "displayr", keep)
    text = refused(table, design=study().design)
    assert text.startswith("the dataframe has no column for 'respondent'")
    assert "where people have no column, format='displayr' numbers them by their rows" in text
    choices = read_choices(table, format="displayr", design=study().design)
    assert "(displayr, people numbered by their rows, picks read as positions in the task" in choices.source
    text = refused(table, format="displayr", picks="numbers", design=study().design)
    assert "in the format 'displayr' picks are positions" in text
    assert "has no column for 'best'" in refused(table[["Version"]], format="displayr", design=study().design)


def test_sawtooth_by_place(tmp_path: Path) -> None:
    table = changed(tmp_path, "sawtooth", keep)
    odd = refused(table.assign(age="1"), format="sawtooth", design=study().design)
    assert odd.startswith("the dataframe has 9 columns\n")
    assert "respondent, version, then best and worst of each task" in odd
    named = table.set_axis([f"x{i}" for i in range(8)], axis=1)
    choices = read_choices(named, format="sawtooth", design=study().design, picks="numbers")
    assert np.array_equal(choices.place, study().place)


def test_rice_read_as_item_numbers_is_refused_with_counts(shared_data: Path) -> None:
    folder = shared_data / "bws1_rice_aizaki"
    text = refused(folder / "responses_wide.csv", design=folder / "design.csv", picks="numbers")
    heads = [line for line in text.splitlines() if line[0] != " "]
    assert heads == ["308 of 630 tasks name a best item that was not shown in the task",
                     "174 of 630 tasks name a worst item that was not shown in the task"]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("conjointly", put(0, "CHOICE", "2"), "1 of 55 rows have a CHOICE other than 0 and 1\n  for example row '2' ('2')"),
        ("conjointly", lambda t: t.drop(columns="QES"), "has no column for 'QES'"),
        ("conjointly", lambda t: t.assign(A2="1"), "gives profiles by the numbers of their levels, and nobody says which"),
        ("pypi_maxdiff", put(0, "Best", "nothing"), "1 of 15 tasks name a best item that was not shown in the task\n  "
                                                    "for example "
                                                    "respondent '1' task 1 ('nothing')"),
        ("pypi_maxdiff", lambda t: t.assign(Worst=t["Best"]), "14 of 15 tasks name the same item best and worst"),
        ("pypi_maxdiff", lambda t: t.drop(columns="Attribute2"), "has the columns 'Attribute1', 'Attribute3', 'Attribute4'\n"),
        ("pypi_maxdiff", lambda t: t.drop(columns="Best"), "has no column for 'best'"),
        ("bws_long", lambda t: t.drop(columns="value"), "has no column for 'value'"),
    ],
)  # fmt: skip
def test_spoiled_tables(tmp_path: Path, name: str, change: Callable[[pd.DataFrame], object], message: str) -> None:
    table = changed(tmp_path, name, change, best_only() if name == "conjointly" else None)
    assert message in refused(table, format=name, items=study().design.objects)


def test_profiles_that_are_others(tmp_path: Path) -> None:
    table = pd.DataFrame({"PARTICIPANT": "1", "QES": "1", "ALT": ["1", "2"], "CHOICE": ["1", "0"], "A1": ["1", "2"],
                          "A2": ["1", "9"]})  # fmt: skip
    assert "1 of 2 alternatives of the dataframe have a level that there is not\n  for example alternative '2'" in refused(
        table, items=SMALL)  # fmt: skip
    three = Attributes.from_dict({"a": [1, 2], "b": [1, 2], "c": [1, 2]})
    assert "has 2 columns of levels, and there are 3 attributes" in refused(table, items=three)
    from cvmstats.data.profiles import Profiles

    one = Profiles(attributes=SMALL, levels=[[0, 0], [0, 1]])  # type: ignore[arg-type]
    design = Design(objects=one, shown=[[[0, 1]]], kind="best")  # type: ignore[arg-type]
    assert "1 of 2 alternatives of the dataframe are profiles that the design does not have" in refused(
        table.assign(A2=["1", "2"]), design=design)  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1 0 5 6 0\n", "1 0 5 6\n", "line 1 of a.cho does not follow from those before it\n  for example '1 0 5 6'\n  "
                                     "expected a respondent"),
        ("1 0 5 6 0\n", "1 3 5 6 0\n", "expected 3 extra variables of respondent 1"),
        ("4 1\n", "4 2\n", "expected a task of respondent 1: number of concepts, 1"),
        ("1 0 0 0 0\n", "1 0 0 0\n", "expected 5 levels of a concept, whole numbers"),
        ("1 0 0 0 0\n", "1 1 0 0 0\n", "a.cho is not coded as a MaxDiff study: task 1 of respondent '1'"),
        ("4 0\n", "x 0\n", "expected what was chosen, and the seconds"),
        ("4 0\n", "7 0\n", "expected 0 to 4 as what was chosen"),
        ("2 0 5 6 0\n", "1 0 5 6 0\n", "1 respondents stand more than once, and so do their tasks\n  for example "
                                       "respondent '1'"),
        ("1 0 5 6 0\n", "1 0 5 6 1\n", "task 1 of respondent '1' in a.cho is no MaxDiff set"),
    ],
)
def test_spoiled_cho_files(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write_choices(study(), tmp_path / "a.cho", "cho")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert message in refused(path, items=study().design.objects)


def test_cho_files_of_other_studies(tmp_path: Path) -> None:
    path = write_choices(study(), tmp_path / "a.cho", "cho")
    assert "a.cho codes 6 items (5 columns), and the list has 3" in refused(path, items=Items.from_labels("abc"))
    path.write_text(path.read_text()[:-4])
    assert "a.cho ends too early" in refused(path)
    path.write_text("\n")
    assert "a.cho is empty: it has no respondents" in refused(path)
    assert "there is no file of answers at" in refused(tmp_path / "no.cho")


def with_ids(*ids: str) -> Choices:
    whole = study().take([0, 1])
    return replace(whole, respondents=Respondents.from_ids(ids))


@pytest.mark.parametrize(
    ("name", "choices", "lost"),
    [
        ("cho", lambda: with_ids("01", "2"), "ids of people that are no plain numbers"),
        ("displayr", lambda: with_ids("2", "1"), "ids of people other than 1, 2, ... in order"),
        ("conjointly", study, "best_worst"),
        ("support_bws", lambda: replace(study(), design=replace(study().design, task_ids=("a", "b", "c"))),
         "names of tasks that are no plain numbers"),
        ("pypi_maxdiff", lambda: replace(study(), design=replace(study().design, task_ids=("2", "3", "4"))),
         "names of tasks other than 1, 2, ..."),
        ("bws_long", lambda: replace(study(), design=replace(study().design, shown=np.stack([study().design.shown[0]] * 2)),
                                     version=np.zeros(5, int), place=np.where(study().design.shown[[0] * 5] >= 0, 0, -128)),
         "versions that show the same sets"),
        ("qualtrics", lambda: labelled("i2"), "labels that are the ids of other items"),
    ],
)  # fmt: skip
def test_what_a_format_cannot_hold_is_refused(tmp_path: Path, name: str, choices: Callable[[], Choices], lost: str) -> None:
    ending = ".cho" if name == "cho" else ".csv"
    with pytest.raises(ChoicesError) as caught:
        write_choices(choices(), tmp_path / f"a{ending}", name)
    assert str(caught.value).startswith(f"the format {name!r} cannot hold ")
    assert lost in str(caught.value)
    assert not list(tmp_path.iterdir())


def labelled(first: str) -> Choices:
    """The study with another label of its first item."""
    whole = study()
    items = Items(table=whole.design.objects.to_frame().assign(label=[first, *whole.design.objects.labels[1:]]))
    return replace(whole, design=replace(whole.design, objects=items, report_labels=None))


def test_spss_refuses_texts_that_it_would_change(tmp_path: Path) -> None:
    with pytest.raises(ChoicesError, match="the format 'spss' cannot hold 1 texts that are empty or end in a blank\n"):
        write_choices(labelled("Preis "), tmp_path / "a.sav", "spss")
    with pytest.raises(ChoicesError, match="1 labels of more than 120 bytes"):
        write_choices(labelled("x" * 121), tmp_path / "a.sav", "spss")
    path = tmp_path / "a.sav"
    path.write_bytes(b"nothing")
    assert "a.sav is no readable SPSS file: its dictionary is damaged (it does not start with $FL2)" in refused(path)
    pyreadstat = pytest.importorskip("pyreadstat")
    labels = {"x": {1.0: "one", 2.0: "one"}}
    pyreadstat.write_sav(pd.DataFrame({"id": ["1"], "x": [1.0]}), str(path), variable_value_labels=labels)
    assert "two values of 'x' in a.sav have one label\n  for example 'one'" in refused(path)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b"UTF-8", b"]TF-8", r"the unknown encoding '\]TF-8'"),
        (b"best_2\t", b"best_2\x86", "codec can't decode byte 0x86"),
        (b"best_2\t", b"best_2 ", "the long names of variables"),
    ],
)
def test_spss_files_whose_names_are_damaged_are_refused(old: bytes, new: bytes, what: str, tmp_path: Path) -> None:
    """Each was read before: by another program's guess, or with a column under its short name."""
    pytest.importorskip("pyreadstat")
    path = write_choices(study(), tmp_path / "a.sav", "spss")
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    with pytest.raises(ChoicesError, match=f"its dictionary is damaged.*{what}"):
        read_choices(path, design=study().design, picks="names")


def test_spss_values_without_a_label_are_whole_numbers(tmp_path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    labels = {"id": {1.0: "one"}}
    pyreadstat.write_sav(pd.DataFrame({"id": [1.0, 2.0]}), str(tmp_path / "items.sav"), variable_value_labels=labels)
    assert read_items(tmp_path / "items.sav").ids == ("one", "2")


def test_times_of_a_cho_file(tmp_path: Path) -> None:
    whole = study()
    times = np.full(whole.place.shape[:2], 2.0)
    times[0, :2] = np.nan, 1e-5
    path = write_choices(replace(whole, seconds=times), tmp_path / "a.cho", "cho")
    back = read_choices(path, items=whole.design.objects, design=whole.design)
    assert back.seconds is not None
    np.testing.assert_array_equal(back.seconds[0], [np.nan, 1e-5, 2.0])  # no time is no time, not none at all
    times[0, 0] = np.inf
    with pytest.raises(ChoicesError, match="the format 'cho' cannot hold times without end"):
        write_choices(replace(whole, seconds=times), path, "cho")


def test_items_of_an_spss_file(tmp_path: Path) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    pyreadstat.write_sav(pd.DataFrame({"id": ["01", "b"], "label": ["x", "y"]}), str(tmp_path / "items.sav"))
    assert read_items(tmp_path / "items.sav").ids == ("01", "b")


def test_zero_bytes_and_columns_that_stand_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"respondent,task,item,choice\n1,1,a\x00,1\n1,1,b,-1\n")
    assert refused(path).startswith("a.csv has 1 zero bytes, which no text has\n  for example in line 2\n")
    path.write_text('respondent,task,item,item\n1,1,"a",1\n1,1,b,-1\n')
    assert refused(path).startswith("1 column names of a.csv stand twice\n  for example 'item'")


def test_item_numbers_without_a_list_are_numbered_to_the_largest() -> None:
    table = pd.DataFrame({"respondent": "1", "task": "1", "item_no": ["2", "10"], "choice": ["1", "-1"]})
    choices = read_choices(table)
    assert choices.to_frame()["item"].tolist() == ["2", "10"]
    assert len(choices.design.objects) == 10
    assert "the largest item number is 99,999" in refused(table.assign(item_no=["1", "99999"]))


def test_a_warning_names_each_task_that_is_left_out(tmp_path: Path) -> None:
    table = changed(tmp_path, "long", put(0, "choice", "x"))
    with pytest.warns(LeftOutWarning) as caught:
        read_choices(table, design=study().design, invalid="drop")
    assert caught[0].message.left_out == (("1", "1"),)


def test_what_is_not_written_is_said(tmp_path: Path) -> None:
    choices = replace(study(), seconds=np.ones((5, 3)))
    with pytest.warns(CvmWarning, match="seconds of the answers are not written"):
        write_choices(choices, tmp_path / "a.csv", "qualtrics")
