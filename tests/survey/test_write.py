"""Answers out and in again."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, CvmWarning, DesignError
from cvmstats.survey import read_choices, read_design, write_choices, write_design

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)


@st.composite
def answers(draw: st.DrawFn, *, partial: bool = True) -> Choices:
    n, n_versions, n_tasks = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    items = draw(
        st.lists(
            TEXTS.filter(lambda t: t.strip() != "" and t not in ("NA", "NaN")), min_size=3, max_size=6, unique=True
        )
    )
    ids = draw(st.lists(TEXTS.filter(lambda t: t.strip() != ""), min_size=n, max_size=n, unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shown = np.full((n_versions, n_tasks, len(items)), -1)
    for v in range(n_versions):
        for t in range(n_tasks):
            size = rng.integers(2, len(items) + 1) if t == 0 or rng.random() < 0.8 else 0
            shown[v, t, :size] = rng.permutation(len(items))[:size]
    design = Design(
        objects=Items.from_labels(items), shown=shown, kind=draw(st.sampled_from(["best_worst", "best", "worst"]))
    )
    version = rng.integers(0, n_versions, n)
    place = np.where(shown[version] >= 0, 0, NO_ANSWER)
    kind = str(design.kind[0, 0])  # type: ignore[index]
    for r in range(n):
        for t in range(n_tasks):
            size = int((shown[version[r], t] >= 0).sum())
            if size == 0 or (rng.random() < 0.3 and (r, t) != (0, 0)):
                continue
            best, worst, other = rng.permutation(max(size, 3))[:3]
            signs = {"best_worst": rng.choice([0, 1, 2]), "best": 1, "worst": 2}[kind]
            if best < size and signs in (0, 1):
                place[r, t, best] = 1
            if worst < size and signs in (0, 2):
                place[r, t, worst] = -1
            if partial and other < size and rng.random() < 0.2:
                place[r, t, other] = NO_ANSWER
    if not np.isin(place, (1, -1)).any():
        place[0, 0, 0] = -1 if kind == "worst" else 1
    return Choices(design=design, respondents=Respondents.from_ids(ids), version=version, place=place)


def assert_same(first: Choices, second: Choices) -> None:
    assert second.respondents.ids == first.respondents.ids
    assert np.array_equal(second.version, first.version)
    assert np.array_equal(second.place, first.place)
    assert second.design.fingerprint == first.design.fingerprint


@settings(max_examples=40, deadline=None)
@given(answers(), st.sampled_from([".csv", ".parquet"]))
def test_long_files_are_read_again_place_by_place(choices: Choices, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_choices(choices, Path(folder) / f"answers{ending}")
        assert_same(choices, read_choices(path, design=choices.design))


@settings(max_examples=40, deadline=None)
@given(answers(partial=False), st.sampled_from([".csv", ".parquet"]))
def test_wide_files_are_read_again_place_by_place(choices: Choices, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_choices(choices, Path(folder) / f"answers{ending}", format="wide")
        assert_same(choices, read_choices(path, design=choices.design, picks="names"))


@pytest.mark.parametrize("study", ["bws1_issues_white2021", "bws1_mfa_synthetic_varsets"])
def test_real_studies_come_back(shared_data: Path, tmp_path: Path, study: str) -> None:
    choices = read_choices(shared_data / study / "responses_long.csv")
    assert_same(choices, read_choices(write_choices(choices, tmp_path / "a.csv")))
    assert_same(choices, read_choices(write_choices(choices, tmp_path / "b.csv", format="wide"), design=choices.design))


def simple(**more: Any) -> Choices:
    design = Design(objects=Items.from_labels("abc"), shown=[[[0, 1, 2]]])  # type: ignore[arg-type]
    parts = {"design": design, "respondents": Respondents.from_ids(["01"]), "version": np.array([0]),
             "place": np.array([[[1, 0, -1]]])}  # fmt: skip
    return Choices(**{**parts, **more})


def test_the_file_looks_as_documented(tmp_path: Path) -> None:
    path = write_choices(simple(), tmp_path / "deep" / "a.csv")
    assert (
        path.read_text() == "respondent,version,task,position,item,choice\n01,1,1,1,a,1\n01,1,1,2,b,0\n01,1,1,3,c,-1\n"
    )
    path = write_choices(simple(), path, format="wide")
    assert path.read_text() == "respondent,version,best_1,worst_1\n01,1,a,c\n"
    assert os.listdir(path.parent) == ["a.csv"]


def test_the_order_seen_comes_back(tmp_path: Path) -> None:
    choices = simple(displayed=np.array([[[2, 0, 1]]]))
    again = read_choices(write_choices(choices, tmp_path / "a.csv"), design=choices.design)
    assert_same(choices, again)
    assert again.displayed is not None
    assert again.displayed.tolist() == [[[2, 0, 1]]]


def test_a_write_that_fails_leaves_the_former_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_choices(simple(), tmp_path / "a.csv")
    before = path.read_bytes()

    def full(self: pd.DataFrame, target: str, **options: object) -> None:
        Path(target).write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="disk full"):
        write_choices(simple(), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.csv"]


def test_what_a_table_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChoicesError, match=r"cannot hold 'count'(?s:.*)cvmstats.save"):
        write_choices(simple(count=np.ones((1, 1))), tmp_path / "a.csv", format="wide")
    ranked = replace(simple().design, kind="rank")
    with pytest.raises(ChoicesError, match="cannot hold 'rank'(?s:.*)write them long"):
        write_choices(simple(design=ranked), tmp_path / "a.csv", format="wide")
    with pytest.raises(ChoicesError, match=r"expected \.csv or \.parquet"):
        write_choices(simple(), tmp_path / "a.xlsx")
    with pytest.raises(ChoicesError, match="cannot hold 'objects without an answer'(?s:.*)write them long"):
        write_choices(simple(place=np.array([[[1, NO_ANSWER, -1]]])), tmp_path / "a.csv", format="wide")
    nobody = Design(objects=Items.from_labels("abc"), shown=np.array([[[-1, -1, -1]], [[0, 1, 2]]]))
    with pytest.raises(ChoicesError, match=r"1 respondents were asked nothing"):
        write_choices(simple(design=nobody, place=np.full((1, 1, 3), NO_ANSWER)), tmp_path / "a.csv")
    with pytest.warns(CvmWarning, match="seconds of the answers are not written"):
        write_choices(simple(seconds=np.ones((1, 1))), tmp_path / "a.csv", format="wide")


@pytest.mark.parametrize("form", ["long", "wide"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_design_comes_back_as_it_was(tmp_path: Path, form: Any, ending: str) -> None:
    rng = np.random.default_rng(2)
    shown = np.stack([[rng.permutation(6)[:3] for _ in range(4)] for _ in range(11)])
    shown[3, 1, 2] = -1  # a shorter set
    design = Design(objects=Items.from_labels(["a", "b,", "007", "é", 'q"', "=1"]), shown=shown)
    path = write_design(design, tmp_path / f"design.{ending}", format=form)
    back = read_design(path, design.objects)
    assert back.fingerprint == design.fingerprint
    assert back.version_ids == design.version_ids
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_what_a_table_of_a_design_cannot_hold_is_refused(tmp_path: Path) -> None:
    items = Items.from_labels("abc")
    mixed = Design(objects=items, shown=[[[0, 1], [1, 2]]], kind=np.array([["pair", "best"]], object), block=("x", "y"))
    with pytest.raises(DesignError, match="'several kinds of task', 'blocks'"):
        write_design(mixed, tmp_path / "d.csv")
    with pytest.raises(DesignError, match="'a coding of its own'"):
        write_design(Design(objects=items, shown=[[[0, 1]]], coding=np.eye(3)), tmp_path / "d.csv")
    plain = Design(objects=items, shown=[[[0, 1]]])
    with pytest.raises(DesignError, match=r"expected \.csv or \.parquet"):
        write_design(plain, tmp_path / "d.txt")
    with pytest.raises(DesignError, match="expected 'long' or 'wide'"):
        write_design(plain, tmp_path / "d.csv", format="tall")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
