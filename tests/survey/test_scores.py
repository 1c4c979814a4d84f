"""Scores of another program, in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.scales import rescale, rows_of
from cvmstats.design import design_best_worst
from cvmstats.errors import UtilitiesError
from cvmstats.survey import read_utilities
from tests.evidence.damaged_files import ITEMS, study

TABLE = pd.DataFrame({"Respondent ID": ["007", "8"], "RLH": [512, 300], "Price": [1.5, -2.0], "Speed": [-1.5, 2.0]})


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 8), st.integers(1, 5), st.integers(0, 2**32))
def test_scores_come_back(n_items: int, n: int, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(n, n_items)) * 3
    scores -= scores.mean(axis=1, keepdims=True)
    labels = [f'item {j}, "{j}"' for j in range(n_items)]
    table = pd.DataFrame(scores, columns=labels)[labels[::-1]]
    table.insert(0, "Respondent ID", [f"0{r}" for r in range(n)])
    found = read_utilities(table, items=Items.from_labels(labels))
    assert found.ids == tuple(f"0{r}" for r in range(n))
    assert found.labels == tuple(labels)
    assert np.allclose(found.mean @ found.report.T, scores, atol=1e-12)
    assert np.isnan(found.sd).all()


def test_files_frames_fit_and_scale(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "scores.csv", index=False)
    for source in (TABLE, pl.from_pandas(TABLE), tmp_path / "scores.csv"):
        found = read_utilities(source)
        assert found.respondents.table["rlh"].tolist() == [512, 300]
        assert (found.mean @ found.report.T).round(9).tolist() == [[1.5, -1.5], [-2.0, 2.0]]
        assert "by imported scores" in repr(found)
    raw = read_utilities(TABLE.assign(Price=TABLE["Price"] + 10), scale="raw")
    assert (raw.mean @ raw.report.T).round(9).tolist() == [[6.5, -6.5], [3.0, -3.0]]
    with pytest.raises(UtilitiesError, match="have no population"):
        found.population_frame()


def test_scores_of_a_design() -> None:
    table = pd.DataFrame(np.tile([1.0, -1, 2, -2, 0, 0], (2, 1)), columns=ITEMS.labels)
    found = read_utilities(table.assign(id=["a", "b"]), design=study().design)
    assert found.design is not None
    assert found.design.fingerprint == study().design.fingerprint


def test_scores_of_an_anchored_design_keep_their_distance_from_the_anchor() -> None:
    design = design_best_worst(Items.from_labels("ABCD"), items_per_task=3, n_versions=1, anchor="direct", seed=0)
    scores = np.array([[2.0, 1, -1, -3, 1], [0.5, 0.5, -1, 0, 0]])
    table = pd.DataFrame(scores, columns=list(design.objects.ids)).assign(id=["a", "b"])
    found = read_utilities(table, design=design)
    assert np.allclose(found.mean @ found.report.T, scores - scores[:, [-1]], atol=1e-12)
    size = rows_of(design).set_size
    assert np.allclose(found.reported(scale="anchored_100"), rescale(scores, "anchored_100", set_size=size, anchor=4))


def test_scores_that_a_coding_cannot_hold_are_refused() -> None:
    items = Items.from_labels("ABC")
    design = Design(objects=items, shown=np.array([[[0, 1, 2]]]), coding=np.array([[-1.0], [0], [1]]))
    table = pd.DataFrame({"id": ["a", "b"], "A": [-1.0, -1], "B": [0.0, 0.5], "C": [1.0, 0.5]})
    with pytest.raises(UtilitiesError) as caught:
        read_utilities(table, design=design)
    assert "the scores of 1 of 2 people of the dataframe are no utilities of the design" in str(caught.value)
    assert "for example of respondent 'b'\n" in str(caught.value)
    assert read_utilities(table[:1], design=design).mean.round(9).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"Respondent ID": None}, {}, "has no column for 'respondent'"),
        ({"Respondent ID": ["8", "8"]}, {}, "1 respondents of the dataframe stand twice\n  for example '8'"),
        ({"Price": ["x", "1"]}, {}, "1 of 2 scores of 'Price' are no numbers\n  for example 'x' of respondent '007'\n"),
        ({"Price": ["1,5", "-2"]}, {}, "for example '1,5' of respondent '007'\n  expected digits, with a point for decimals\n"
                                       "  write a point for decimals"),
        ({"Price": [None, 1]}, {}, "1 of 4 scores of the dataframe are no numbers\n  for example of respondent '007'"),
        ({"RLH": ["0,512", "0,3"]}, {}, "2 of 2 values of 'RLH' are no numbers\n  for example '0,512', '0,3' of respondent "
                                        "'007', '8'\n"),
        ({"Respondent ID": [" ", "8"]}, {}, "1 of 2 people of the dataframe have no id\n  for example row '2'\n"),
        ({}, {"columns": {"rhl": "RLH"}}, "columns= has names that are not ours: 'rhl'\n  expected some of respondent, rlh"),
        ({}, {"columns": {"rlh": "absent"}}, "1 columns named in columns= are not in the dataframe\n  for example 'absent'"),
        ({"Price": [1.5, 2.0]}, {}, "the scores of 1 of 2 people of the dataframe do not sum to zero\n  for example of "
                                    "respondent '8'\n"
                                    "  expected zero-centred logits\n  of logits with another origin say scale='raw'"),
        ({"Price": [60, 50], "Speed": [40, 50]}, {"scale": "raw"}, "sum to 100 for each person: they are shares"),
        ({}, {"items": Items.from_labels(["Price", "Trust"])}, "has no column, or two, for 1 of 2 items\n  for example "
                                                               "'Trust'"),
        ({}, {"scale": "points"}, "scale='points' is not known\n  expected 'zero_centered' or 'raw', both in logits"),
    ],
)  # fmt: skip
def test_spoiled_scores(change: dict[str, Any], options: dict[str, Any], message: str) -> None:
    table = TABLE
    for column, values in change.items():
        table = table.drop(columns=column) if values is None else table.assign(**{column: values})
    with pytest.raises(UtilitiesError) as caught:
        read_utilities(table, **options)
    assert message in str(caught.value)
