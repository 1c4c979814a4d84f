"""Qualtrics exports: the three public files, and what is refused."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvmstats.errors import ChoicesError
from cvmstats.survey import read_choices, write_choices
from tests.evidence.damaged_files import study

FOLDER = "format_qualtrics_maxdiff"
MATRIX = {"icecream_qualtrics_maxdiff_question_simulated.csv": 2256, "pizza_qualtrics_maxdiff_question.csv": 72}


def inside(choices: object) -> tuple[int, int]:
    """Choices, and how many of them lie in the sets shown."""
    picked = np.isin(choices.place, (1, -1))  # type: ignore[attr-defined]
    shown = choices.design.shown[choices.version] >= 0  # type: ignore[attr-defined]
    return int(picked.sum()), int((picked & shown).sum())


@pytest.mark.parametrize("name", MATRIX)
def test_matrix_questions_are_read_and_all_choices_lie_in_their_sets(shared_data: Path, name: str) -> None:
    path = shared_data / FOLDER / name
    choices = read_choices(path, best_code=2)
    assert inside(choices) == (MATRIX[name], MATRIX[name])
    assert "(qualtrics, best is 2, worst 1, order in numbers of the column tags, design inferred)" in choices.source
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, texts, _, *rows = csv.reader(file)
    shown = {c.removesuffix("_DO").removeprefix("DO-Q-"): i for i, c in enumerate(head)
             if c.endswith("_DO") or c.startswith("DO-Q-")}  # fmt: skip
    who = next(i for i, c in enumerate(head) if c.lower() == "responseid")
    expected = {}
    for row in rows:
        for tag, at in shown.items():
            for position, k in enumerate(row[at].split("|"), start=1):
                i = head.index(f"{tag}_{k}")
                label = texts[i].split("?-" if "?-" in texts[i] else "? - ")[1]
                expected[row[who], tag[1:], position, label] = {"": 0, "2": 1, "1": -1}[row[i]]
    got = {(r.respondent, r.task, r.position, r.item): r.choice for r in choices.to_frame().itertuples()}
    assert got == expected
    swapped = read_choices(path, best_code="1")
    assert np.array_equal(swapped.place == 1, choices.place == -1)


def test_the_module_is_read_as_the_csv_module_reads_it(shared_data: Path) -> None:
    path = shared_data / FOLDER / "sixfeatures_qualtrics_maxdiff_module.csv"
    choices = read_choices(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, _, _, *rows = csv.reader(file)
    expected = {}
    for row in rows:
        cells = dict(zip(head, row, strict=True))
        for q in range(1, 6):
            for p in range(1, 5):
                said = {"Most Important": 1, "Least Important": -1, "": 0}[cells[f"C{q}_{p}"]]
                expected[cells["ResponseId"], str(q), p, cells[f"{q}.{p}_MAXDIFF"]] = said
    got = {(r.respondent, r.task, r.position, r.item): r.choice for r in choices.to_frame().itertuples()}
    assert got == expected
    assert inside(choices) == (440, 440)


def test_the_code_of_best_must_be_said(shared_data: Path) -> None:
    path = shared_data / FOLDER / next(iter(MATRIX))
    for options, what in (({}, "does not say which of its codes means best"), ({"best_code": 3}, "has no code '3' "
                                                                                                 "(best_code=)")):
        with pytest.raises(ChoicesError) as caught:
            read_choices(path, **options)  # type: ignore[arg-type]
        assert str(caught.value) == (
            f"{path.name} {what}: '1' (1,128 times, 1,128 in their sets), '2' (1,128 times, 1,128 in their sets)\n"
            "  either reading fits: best_code='1' makes 1,128 choices best and 1,128 worst; or best_code='2' makes 1,128 "
            "choices "
            "best and 1,128 worst\n  expected the code that the question gave to best\n"
            "  look it up in the questionnaire and say it: read_choices(..., best_code=...)"
        )


def test_import_id_numbers_are_refused_with_both_counts(shared_data: Path) -> None:
    path = shared_data / FOLDER / next(iter(MATRIX))
    with pytest.raises(ChoicesError) as caught:
        read_choices(path, best_code=2, picks="import_ids")
    assert str(caught.value) == (
        f"the order of {path.name} cannot be read as ImportId numbers: as numbers of the column tags 0 of the 2,256 "
        f"choices were "
        "not shown in their task and as ImportId numbers 1,959 of the 2,256 choices were not shown in their task\n"
        "  expected choices of items that were shown\n  leave picks= away, or say picks='numbers'"
    )
    with pytest.raises(ChoicesError, match="picks='positions', and in the format 'qualtrics' the order is in item numbers"):
        read_choices(path, best_code=2, picks="positions")


def export(folder: Path, change: Callable[[pd.DataFrame], object], name: str = "qualtrics") -> Path:
    """A small export, changed."""
    path = write_choices(study(), folder / "whole.csv", format=name)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    made = change(table)
    table = made if isinstance(made, pd.DataFrame) else table
    table.to_csv(folder / "export.csv", index=False)
    return folder / "export.csv"


def put(row: int, column: str, value: str) -> Callable[[pd.DataFrame], None]:
    def change(table: pd.DataFrame) -> None:
        table.loc[row + 2, column] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(0, "Q1_DO", "1|2|9"), "1 of 15 tasks have an order that names no item\n  for example respondent '1' task "
                                   "1\n  expected "
                                   "numbers of the items' columns, such as 9|17|2"),
        (put(0, "Q1_DO", "1|2|3|2"), "have an order that names an item twice"),
        (put(0, "Q1_1", "7"), "1 of 15 tasks have a code other than those of best and worst"),
        (put(0, "Q1_6", "1"), "1 of 15 tasks name"),
        (put(0, "Q1_DO", ""), "1 of 15 tasks name an item that was not shown in the task"),
        (put(0, "ResponseId", "2"), "1 respondents stand more than once"),
        (put(0, "ResponseId", ""), "1 of 5 rows have no respondent\n  for example row '4'"),
        (lambda t: t.drop(columns="ResponseId"), "has no column for 'respondent'"),
        (lambda t: t.head(2), "is empty: it has no rows of answers"),
        (lambda t: t.drop(index=1), "has no third heading row with ImportId"),
        (lambda t: t.drop(columns=["Q1_DO", "Q2_DO", "Q3_DO"]), "has no column for 'Q1_1', 'Q1_DO'"),
        (put(-2, "Q2_1", "Which is best (1) and which is worst (2)? - other"), "item 1 of export.csv has two labels"),
    ],
)  # fmt: skip
def test_spoiled_matrix_exports(tmp_path: Path, change: Callable[[pd.DataFrame], object], message: str) -> None:
    with pytest.raises(ChoicesError) as caught:
        read_choices(export(tmp_path, change), format="qualtrics", best_code=1)
    assert message in str(caught.value)


def test_items_that_are_others(tmp_path: Path) -> None:
    from cvmstats.data.items import Items

    with pytest.raises(ChoicesError, match="6 of 6 items of export.csv are not on the list of items"):
        read_choices(export(tmp_path, lambda t: None), best_code=1, items=Items.from_labels("xyz"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(0, "C1_1", "Perhaps"), "1 of 15 tasks have an answer that is neither most nor least"),
        (put(0, "C2_4", "Most Important"), "1 of 15 tasks name an item where nothing was shown"),
        (lambda t: t.drop(columns="C1_2"), "has 1 columns whose partner is missing, and 0 tasks with a position left out\n"
                                           "  for example '1.2_MAXDIFF'"),
        (lambda t: t.drop(columns=["C1_2", "1.2_MAXDIFF"]), "has 0 columns whose partner is missing, and 1 tasks with a "
                                                            "position"),
        (lambda t: t[[c for c in t if "MAXDIFF" not in c]], "has no column for 'C1_1', '1.1_MAXDIFF'"),
    ],
)  # fmt: skip
def test_spoiled_module_exports(tmp_path: Path, change: Callable[[pd.DataFrame], object], message: str) -> None:
    with pytest.raises(ChoicesError) as caught:
        read_choices(export(tmp_path, change, "qualtrics_module"), format="qualtrics_module")
    assert message in str(caught.value)


def test_qualtrics_is_known_by_its_columns(tmp_path: Path) -> None:
    for name in ("qualtrics", "qualtrics_module"):
        assert f"({name}, " in read_choices(export(tmp_path, lambda t: None, name), best_code=1).source
