"""Designs over attributes: whole profiles (case 3, conjoint), levels (case 2), pairs; out and in again, and answers to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.design import design_cases, design_conjoint
from cvmstats.errors import ChoicesError, DesignError
from cvmstats.survey import read_choices, read_design, write_choices, write_design

PARTS = Attributes.from_dict({"brand": ["A", "B, C", "D"], "price": [10, 20, 30], "term": ["short", "long", "é\n"]})
SMALL = Attributes.from_dict({"brand": ["A", "B"], "price": [10, 20]})
OFFERS = Profiles(attributes=SMALL, levels=[[0, 0], [0, 1], [1, 0], [1, 1], [-1, -1]])  # type: ignore[arg-type]


def chosen(design: Design, seed: int = 0, last: int = 3) -> Choices:
    """Answers to best tasks or pairs of a design."""
    rng = np.random.default_rng(seed)
    version = rng.integers(0, design.n_versions, 4)
    shown = design.shown[version]
    place = np.where(shown >= 0, 0, -128)
    for r in range(4):
        for t in range(design.n_tasks):
            place[r, t, rng.integers(0, (shown[r, t] >= 0).sum())] = (r, t) != (last, 0)
    people = Respondents.from_ids(["1", "2", "3", "4"])
    return Choices(design=design, respondents=people, version=version, place=place)


def test_case_2_comes_back_long_and_by_profiles(tmp_path: Path) -> None:
    design = design_cases(PARTS, case=2, n_versions=1)
    for form in ("long", "case_2"):
        again = read_design(write_design(design, tmp_path / f"{form}.csv", form), PARTS)
        assert again.fingerprint == design.fingerprint
        assert again.report_labels == design.report_labels
    table = pd.read_csv(tmp_path / "case_2.csv", dtype=str)
    assert list(table.columns) == ["version", "task", "brand", "price", "term"]
    numbered = table.assign(brand=table["brand"].map({"A": "1", "B, C": "2", "D": "3"}))
    assert read_design(numbered, PARTS).fingerprint == design.fingerprint
    several = design_cases(PARTS, case=2, n_versions=3)
    assert read_design(write_design(several, tmp_path / "v.csv"), PARTS).fingerprint == several.fingerprint
    with pytest.raises(DesignError, match="cannot hold attributes in 3 different orders, or some only"):
        write_design(several, tmp_path / "v.csv", "case_2")
    items = Items.from_labels("ab")
    with pytest.raises(DesignError, match="the format 'case_2' is for levels of attributes as objects"):
        write_design(Design(objects=items, shown=[[[0, 1]]]), tmp_path / "v.csv", "case_2")  # type: ignore[arg-type]


def test_answers_to_case_2_are_read_in_the_usual_formats(tmp_path: Path) -> None:
    design = design_cases(PARTS, case=2)
    base = chosen(design)
    place = base.place.copy()
    place[0, 0] = [1, -1, 0]
    choices = Choices(design=design, respondents=base.respondents, version=base.version, place=place)
    for form, picks in (("long", None), ("wide", "names"), ("support_bws", "positions"), ("sawtooth", "numbers")):
        path = write_choices(choices, tmp_path / f"{form}.csv", form)
        assert np.array_equal(read_choices(path, format=form, design=design, picks=picks).place, choices.place)


def test_profiles_come_back(tmp_path: Path) -> None:
    design = design_cases(SMALL, case=3, profiles_per_task=2)
    path = write_design(design, tmp_path / "d.csv")
    again = read_design(path, SMALL)
    assert [again.objects.ids[j] for j in again.shown.ravel()] == [design.objects.ids[j] for j in design.shown.ravel()]
    assert again.objects_fingerprint == design.objects_fingerprint
    assert read_design(path, design.objects).fingerprint == design.fingerprint
    bare = pd.read_csv(path, dtype=str).drop(columns="item")
    assert [again.objects.labels[j] for j in read_design(bare, SMALL).shown.ravel()] == [
        again.objects.labels[j] for j in again.shown.ravel()
    ]


@pytest.mark.parametrize("kind", ["best", "pair"])
@pytest.mark.parametrize("form", ["cho", "conjointly"])
def test_choices_of_profiles_come_back_with_and_without_their_design(tmp_path: Path, form: str, kind: str) -> None:
    shown = [[[0, 3, 4], [1, 2, 4]], [[2, 0, 4], [3, 1, 4]]] if kind == "best" else [[[0, 3], [1, 2]], [[2, 0], [3, 1]]]
    design = Design(objects=OFFERS, shown=np.array(shown), kind=kind)
    if form == "cho" and kind == "pair":
        plain = Profiles(attributes=SMALL, levels=OFFERS.levels[:4])
        design = Design(objects=plain, shown=np.array(shown), kind=kind)
    choices = chosen(design)
    path = write_choices(choices, tmp_path / ("a.cho" if form == "cho" else "a.csv"), form)
    again = read_choices(path, design=design)
    assert np.array_equal(again.place, choices.place)
    assert f"({form}, " in again.source
    inferred = read_choices(path, items=SMALL)
    assert inferred.to_frame().equals(choices.to_frame())
    assert isinstance(inferred.design.objects, Profiles)


def test_seconds_come_back_in_a_cho_file(tmp_path: Path) -> None:
    design = design_conjoint(SMALL, n_tasks=3, alternatives=2, seed=1)
    base = chosen(design)
    seconds = np.round(np.random.default_rng(1).uniform(1, 60, (4, 3)), 1)
    choices = Choices(design=design, respondents=base.respondents, version=base.version, place=base.place, seconds=seconds)
    again = read_choices(write_choices(choices, tmp_path / "a.cho", "cho"), design=design)
    assert again.seconds is not None
    assert np.array_equal(again.seconds, seconds)


def test_a_tie_of_a_pair_is_kept_where_the_format_can(tmp_path: Path) -> None:
    design = Design(objects=OFFERS, shown=[[[0, 1], [2, 3]]], kind="pair")  # type: ignore[arg-type]
    choices = Choices(design=design, respondents=Respondents.from_ids(["1"]), version=np.array([0]),
                      place=np.array([[[1, 1], [0, 1]]]))  # fmt: skip
    for form in ("long", "bws_long", "conjointly"):
        path = write_choices(choices, tmp_path / "a.csv", form)
        assert np.array_equal(read_choices(path, format=form, design=design).place, choices.place)
    with pytest.raises(ChoicesError, match="a table of choices cannot hold 'ties'"):
        write_choices(choices, tmp_path / "a.csv", "wide")


def test_a_worst_of_a_pair_is_an_error(tmp_path: Path) -> None:
    design = Design(objects=OFFERS, shown=[[[0, 1], [2, 3]]], kind="pair")  # type: ignore[arg-type]
    table = pd.DataFrame({"respondent": "1", "task": [1, 1], "item": OFFERS.ids[:2], "choice": [1, -1]})
    with pytest.raises(ChoicesError, match="1 of 2 tasks name a worst item, and the design asks for the winner of a pair"):
        read_choices(table, design=design)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"brand": ["A", "Z"]}, "1 of 2 rows of the dataframe have no level, or one that there is not\n  for example row '3' "
                                "('brand: Z')"),
        ({"brand": ["A", ""]}, "1 of 2 rows of the dataframe have no level"),
        ({"brand": ["A", ""], "price": ["10", ""]}, "1 of 2 rows of the dataframe have no levels\n  for example row '3'"),
        ({"price": None}, "has no column for 'price'"),
        ({"task": None}, "has no column for 'task'"),
    ],
)  # fmt: skip
def test_spoiled_tables_of_levels(change: dict[str, list[str] | None], message: str) -> None:
    table = pd.DataFrame({"task": ["1", "2"], "brand": ["A", "B"], "price": ["10", "20"]})
    for column, values in change.items():
        table = table.drop(columns=column) if values is None else table.assign(**{column: values})
    with pytest.raises(DesignError) as caught:
        read_design(table, SMALL)
    assert message in str(caught.value)


def test_one_id_for_two_profiles() -> None:
    table = pd.DataFrame({"task": "1", "position": [1, 2], "item": ["x", "x"], "brand": ["A", "B"], "price": ["10", "20"]})
    with pytest.raises(DesignError, match="1 profiles of the dataframe have one id and different levels"):
        read_design(table, SMALL)
