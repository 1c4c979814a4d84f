"""Rankings, grades, ties, counts and second questions in long tables."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cvmstats import Design, Items, read_choices, save, write_choices
from cvmstats.cli import app
from cvmstats.data.choices import Choices
from cvmstats.errors import ChoicesError, LeftOutWarning, StudyError
from cvmstats.survey.amounts import AMOUNTS
from tests.evidence.form_cases import CASES

ITEMS = Items.from_labels("abcd")


def table(kind: str = "rank") -> pd.DataFrame:
    """Two people, two tasks."""
    choice = {"rank": [1, 2, 3, 2, 1, 0, 3, 1, 2, 0, 1, 0], "graded": [1, 0, 1, 1, 0, 1, 0, 1]}[kind]
    items = {"rank": list("abcbcd"), "graded": list("abbc")}[kind] * 2
    size = len(items) // 4
    return pd.DataFrame({"respondent": np.repeat(["01", "02"], 2 * size), "task": np.tile(np.repeat([1, 2], size), 2),
                         "item": items, "choice": choice})  # fmt: skip


def graded(**change: Any) -> pd.DataFrame:
    frame = table("graded").assign(strength=["2", "2", "0", "0", "1", "", "2", "2"])
    return frame.assign(**change)


PAIRS = Design(objects=ITEMS, shown=np.array([[[0, 1], [1, 2]]]), kind="graded", grades=((0, "="), (1, "+"), (2, "++")))


def message(frame: pd.DataFrame, **options: Any) -> str:
    with pytest.raises(ChoicesError) as caught:
        read_choices(frame, **options)
    return str(caught.value)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_every_form_of_response_comes_back_from_a_file(name: str, ending: str, tmp_path: Path) -> None:
    choices, _ = replace(CASES[name], people=40).simulate(np.random.default_rng(1), 0.7)
    path = write_choices(choices, tmp_path / f"answers.{ending}")
    again = read_choices(path, design=choices.design)
    assert again.respondents.ids == choices.respondents.ids
    np.testing.assert_array_equal(again.version, choices.version)
    np.testing.assert_array_equal(again.place, choices.place)
    for amount in AMOUNTS:
        mine, theirs = getattr(choices, amount), getattr(again, amount)
        assert (mine is None) == (theirs is None)
        assert mine is None or np.array_equal(mine, theirs, equal_nan=True)


def test_a_ranking_without_a_design() -> None:
    choices = read_choices(table(), kind="rank")
    assert choices.place.tolist() == [[[1, 2, 3], [2, 1, 0]], [[3, 1, 2], [0, 1, 0]]]
    assert set(np.asarray(choices.design.kind).ravel()) == {"rank"}
    assert choices.complete.all()


def test_what_is_not_said_is_not_guessed() -> None:
    """1 and 2 may be ranks, or codes of best and worst."""
    assert "3 of 4 tasks have a choice other than 1, -1, 0" in message(table())
    plain = Design(objects=ITEMS, shown=np.array([[[0, 1, 2], [1, 2, 3]]]))
    assert "3 of 4 tasks have a choice other than 1, -1, 0" in message(table(), design=plain)
    mixed = replace(plain, kind=np.array([["rank", "best"]]))
    assert "1 of 4 tasks have a choice other than 1, -1, 0" in message(table(), design=mixed)


@pytest.mark.parametrize(("ranks", "n"), [([1, 1, 2], 1), ([1, 3, 0], 1), ([2, 3, 0], 1), ([-1, 1, 0], 1)])
def test_what_is_no_ranking(ranks: list[int], n: int) -> None:
    frame = table()
    frame.loc[:2, "choice"] = ranks
    said = message(frame, kind="rank")
    assert f"{n} of 4 tasks" in said
    assert "are no ranking" in said or "name more than one best" in said
    with pytest.warns(LeftOutWarning, match=f"{n} of 4 tasks"):
        choices = read_choices(frame, kind="rank", invalid="drop")
    assert choices.place.tolist() == [[[0, 0, 0], [2, 1, 0]], [[3, 1, 2], [0, 1, 0]]]


def test_a_task_that_is_a_ranking_in_one_version_only() -> None:
    """A rank where the other version asks for the best is told like anything else, and can be left out."""
    frame = table().query("task == 1").assign(version=["a"] * 3 + ["b"] * 3)
    design = Design(objects=ITEMS, shown=np.array([[[0, 1, 2]], [[0, 1, 2]]]), kind=np.array([["rank"], ["best"]]),
                    version_ids=("a", "b"))  # fmt: skip
    assert "1 of 2 tasks name more than one best or more than one worst" in message(frame, design=design)
    with pytest.warns(LeftOutWarning, match="1 of 2 tasks"):
        choices = read_choices(frame, design=design, invalid="drop")
    assert choices.place.tolist() == [[[1, 2, 3]], [[0, 0, 0]]]


def test_grades_stand_on_each_row_or_on_one() -> None:
    choices = read_choices(graded(), design=PAIRS)
    assert choices.place.tolist() == [[[1, 0], [1, 1]], [[0, 1], [0, 1]]]
    inferred = read_choices(graded(), kind="graded")
    for found in (choices, inferred):
        np.testing.assert_array_equal(np.asarray(found.strength), [[2, 0], [1, 2]])
    assert read_choices(graded(), kind="pair").strength is None


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"strength": ["", "", "0", "0", "1", "1", "2", "2"]}, "1 of 4 tasks are decided, and by no grade that is known"),
        ({"strength": ["3", "3", "0", "0", "1", "1", "2", "2"]}, "by no grade that is known(?s:.*)expected 1 or 2"),
        ({"strength": ["1", "2", "0", "0", "1", "1", "2", "2"]}, "1 of 4 tasks have more than one strength"),
        ({"answer_count": [1, 2, 1, 1, 1, 1, 1, 1]}, "1 of 4 tasks have more than one count"),
        ({"seconds": [1, 2, 1, 1, 1, 1, 1, 1]}, r"have more than one seconds(?s:.*)columns=\{'seconds': None\}"),
    ],
)
def test_numbers_of_a_task_that_cannot_be_used(change: dict[str, list[Any]], what: str) -> None:
    with pytest.raises(ChoicesError, match=what):
        read_choices(graded(**change), design=PAIRS)
    with pytest.warns(LeftOutWarning, match="1 of 4 tasks"):
        choices = read_choices(graded(**change), design=PAIRS, invalid="drop")
    assert choices.answered.tolist() == [[False, True], [True, True]]


@pytest.mark.parametrize("text", ["fast", "-1", "inf", "1,5"])
def test_numbers_of_a_task_that_are_none(text: str) -> None:
    frame = graded(seconds=[text, *["2"] * 7])
    said = message(frame, design=PAIRS)
    assert "1 of 8 rows have a seconds that is no number, 0 or more" in said
    assert "row '2'" in said
    assert "columns={'seconds': None}" in said
    assert read_choices(frame, design=PAIRS, columns={"seconds": None}).seconds is None


def test_counts_and_seconds_are_read_where_they_stand() -> None:
    frame = graded(answer_count=[3, 3, "", "", 1, 1, 0, 0], seconds=["7.5", "7.5", "NA", "", 1, 1, 2, 2])
    choices = read_choices(frame, design=PAIRS)
    np.testing.assert_array_equal(np.asarray(choices.count), [[3, 1], [1, 0]])
    np.testing.assert_array_equal(np.asarray(choices.seconds), [[7.5, np.nan], [1, 2]])


def test_kinds_that_do_not_fit_are_refused() -> None:
    assert "kind='ranks' is not known\n  expected 'best_worst' or" in message(table(), kind="ranks")
    assert "kind='rank', and the design asks for 'graded'" in message(graded(), kind="rank", design=PAIRS)
    wide = pd.DataFrame({"respondent": ["1"], "best_1": ["a"], "worst_1": ["b"]})
    rank = Design(objects=ITEMS, shown=np.array([[[0, 1, 2]]]), kind="rank")
    assert "the format 'wide' has no answers: 'rank'" in message(wide, design=rank)
    bws = table().rename(columns={"respondent": "id", "task": "block", "item": "label", "choice": "value"})
    assert "the format 'bws_long' has no answers of the kind 'rank'" in message(bws, kind="rank")
    dual = CASES["dual anchor"].design
    assert "the format 'wide' has no answers: 'dual'" in message(wide, design=dual)


def test_second_questions_that_cannot_be() -> None:
    case = CASES["dual anchor"]
    choices: Choices = replace(case, people=3).simulate(np.random.default_rng(1), 0.7)[0]
    frame = pd.DataFrame(choices.to_frame())
    anchor = case.design.objects.ids[int(np.flatnonzero(~np.asarray(case.design.coding).any(axis=1))[0])]
    here = (frame["respondent"] == "1") & (frame["task"] == "1")
    frame.loc[here, "choice"] = np.where(frame.loc[here, "item"] == anchor, 2, [1, 3, 0, -1][: here.sum()])
    assert "1 of 36 tasks" in message(frame, design=case.design)
    assert "name more than one best or more than one worst" in message(frame, design=case.design)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        again = read_choices(frame, design=case.design, invalid="drop")
    assert len(caught) == 1
    assert not again.answered[0, 0]
    np.testing.assert_array_equal(again.place[1:], choices.place[1:])


def test_rankings_on_the_command_line(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "ranks.csv", index=False)
    refused = CliRunner().invoke(app, ["check", str(tmp_path / "ranks.csv")])
    assert refused.exit_code == 1
    assert "have a choice other than 1, -1, 0" in refused.output
    out = tmp_path / "ranks.cvm"
    done = CliRunner().invoke(app, ["convert", str(tmp_path / "ranks.csv"), str(out), "--to", "cvm", "--kind", "rank"])
    assert done.exit_code == 0, done.output
    assert "2 respondents x 2 tasks x 3 items, rank" in done.output
    save(read_choices(table(), kind="rank").design, tmp_path / "design.cvm")
    checked = CliRunner().invoke(app, ["check", str(tmp_path / "ranks.csv"), "--design", str(tmp_path / "design.cvm")])
    assert "2 respondents" in checked.output


def test_a_column_that_is_not_to_be_read_on_the_command_line(tmp_path: Path) -> None:
    table().assign(seconds=range(12)).to_csv(tmp_path / "ranks.csv", index=False)
    line = ["convert", str(tmp_path / "ranks.csv"), str(tmp_path / "a.cvm"), "--to", "cvm", "--kind", "rank"]
    assert "have more than one seconds" in CliRunner().invoke(app, line).output
    assert CliRunner().invoke(app, [*line, "--columns", "seconds="]).exit_code == 0


def test_rankings_of_a_study_file(tmp_path: Path) -> None:
    from cvmstats.workflows.pipeline import read_inputs

    table().to_csv(tmp_path / "ranks.csv", index=False)
    study = tmp_path / "STUDY.toml"
    study.write_text('[choices]\nfile = "ranks.csv"\nkind = "rank"\n')
    assert read_inputs(study).choices.place.tolist() == read_choices(table(), kind="rank").place.tolist()
    study.write_text('[choices]\nfile = "ranks.csv"\nkind = "ranks"\n')
    with pytest.raises(StudyError, match="'ranks', expected 'best_worst' or"):
        read_inputs(study)
