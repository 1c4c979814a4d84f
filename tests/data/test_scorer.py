"""Scorer and Projection: what they hold, refuse and write."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.accounts import Accounts
from cvmstats.data.encoding import Encoding
from cvmstats.data.projection import Projection
from cvmstats.data.scorer import Scorer
from cvmstats.data.store import load, save
from cvmstats.errors import AccountsError, ScorerError


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"hook": rng.choice(["a", "b", "c"], 60), "staff": rng.normal(5, 2, 60)})


@pytest.fixture
def scorer(table):
    rng = np.random.default_rng(1)
    return Scorer(
        encoding=Encoding.fit(table), coefficients=rng.normal(size=(4, 3)), intercepts=rng.normal(size=3),
        segments=("Savers", "Größe", "Partners"), sizes=np.array([0.2, 0.3, 0.5]), temperature=0.7,
        draws=rng.normal(size=(2, 5, 3)), draw_sizes=np.full((2, 3), 1 / 3), details={"accounts": 60},
    )  # fmt: skip


def test_probabilities_are_a_multinomial_logit(scorer, table):
    logits = (scorer.encoding.encode(table) @ scorer.coefficients + scorer.intercepts) / 0.7
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scorer.probabilities(table), expected, rtol=1e-12)
    accounts = Accounts(table=table.assign(id=[str(i) for i in range(60)]))
    np.testing.assert_array_equal(scorer.probabilities(accounts), scorer.probabilities(table))
    drawn = (scorer.encoding.encode(table) @ scorer.draws[1, :-1] + scorer.draws[1, -1]) / 0.7
    np.testing.assert_allclose(np.log(scorer.probabilities(table, draw=1)).T - drawn.T,
                               (np.log(scorer.probabilities(table, draw=1)) - drawn)[:, :1].T.repeat(3, 0))  # fmt: skip
    with pytest.raises(ScorerError, match=r"holds no bootstrap draws\n  fit it with"):
        dataclasses.replace(scorer, draws=None, draw_sizes=None).probabilities(table, draw=0)


def test_round_trips_are_exact(scorer, table, tmp_path):
    for again in (Scorer.from_json(scorer.to_json()), Scorer.load(scorer.save(tmp_path / "s.json")),
                  load(save(scorer, tmp_path / "s.cvm"))):  # fmt: skip
        np.testing.assert_array_equal(again.probabilities(table), scorer.probabilities(table))
        np.testing.assert_array_equal(again.draws, scorer.draws)
        assert again.segments == scorer.segments
        assert again.to_json() == scorer.to_json()
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coefficients": np.zeros((3, 3))}, r"coefficients of a scorer has shape \(3, 3\)\n  expected \(4, 3\)"),
        ({"intercepts": np.array([0, np.nan, 0])}, "1 numbers of intercepts of a scorer are not finite"),
        ({"segments": ("a", "a", "b")}, "two or more segments with different names"),
        ({"temperature": 0.0}, "temperature of a scorer must be positive"),
        ({"version": 99}, r"the scorer is of format 99, this library reads up to 1\n  update cvmstats"),
        ({"confusion": np.eye(2)}, "confusion of a scorer has shape"),
    ],
)
def test_what_is_refused(scorer, change, message):
    with pytest.raises(ScorerError, match=message):
        dataclasses.replace(scorer, **change)


def test_files_that_are_no_scorer(scorer):
    for text in ("{}", "[1]", "no json"):
        with pytest.raises(ScorerError, match=r"the text is no scorer: .*\n  expected what Scorer.to_json\(\) gives"):
            Scorer.from_json(text)
    later = json.loads(scorer.to_json()) | {"cvmstats_scorer": 2}
    with pytest.raises(ScorerError, match="of format 2"):
        Scorer.from_json(json.dumps(later))


def test_it_is_frozen(scorer):
    with pytest.raises(dataclasses.FrozenInstanceError):
        scorer.temperature = 1
    with pytest.raises(ValueError, match="read-only"):
        scorer.coefficients[0, 0] = 1
    assert repr(scorer).startswith("Scorer  3 segments from 2 columns\n  in the sample: Savers 20% · Größe 30%")


def _projection(**change):
    table = pd.DataFrame({"id": ["01", "01"], "p_A": [0.9, 0.2], "p_B": [0.1, 0.8], "segment": ["A", "B"],
                          "probability": [0.9, 0.8], "caution": ["", "x: missing"]})  # fmt: skip
    fields = {"table": table, "id": "id", "segments": ("A", "B"), "naive": [0.6, 0.4], "corrected": [0.55, 0.45],
              "interval": [[0.4, 0.7], [0.3, 0.6]], "cautions": ("1 of 2 accounts have missing values",)}  # fmt: skip
    return Projection(**(fields | change))


def test_projection(tmp_path):
    result = _projection()
    assert result.ids == ("01", "01")
    assert result.sizes.tolist() == [0.55, 0.45]
    assert result.size_table()["accounts"].tolist() == [1.1, 0.9]
    assert "A: naive 60.0%, corrected 55.0% (40.0% to 70.0%)" in repr(result)
    assert "1 of 2 accounts have missing values" in result._repr_html_()
    back = load(save(result, tmp_path / "p.cvm"))
    pd.testing.assert_frame_equal(back.table, result.table)
    assert repr(back) == repr(result)
    with pytest.raises(AccountsError, match=r"a projection lacks the columns \['p_C'\]"):
        _projection(segments=("A", "C"))
    with pytest.raises(AccountsError, match="naive of a projection has shape"):
        _projection(naive=[1.0])
    with pytest.raises(AccountsError, match="probabilities of 1 of 2 accounts do not sum to one"):
        _projection(table=result.to_frame().assign(p_A=[0.9, 0.5]))
