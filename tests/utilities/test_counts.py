"""Count scores against published counts and coefficients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError
from cvmstats.survey import read_choices
from cvmstats.utilities.counts import score_counts

SHOWN = [7145, 7144, 7144, 7144, 7145, 7145, 7144, 7146, 8166, 7145, 7144, 7144, 7145, 7144, 7145, 7144, 7146]
BEST = [1733, 968, 5218, 2704, 2307, 692, 1816, 689, 2483, 1422, 362, 2589, 4158, 825, 829, 859, 966]
WORST = [1324, 2139, 113, 1010, 772, 3986, 1438, 2397, 1041, 1538, 4597, 966, 305, 2875, 2256, 2259, 1604]
LOGIT = [.1146, -.3308, 1.7930, .4834, .4365, -.9972, .1059, -.4875, .3569, -.0325, -1.3640, .4624, 1.2062, -.5905,
         -.4049, -.3971, -.1790]  # fmt: skip


def with_totals(shown: list[int], best: list[int], worst: list[int]) -> Choices:
    """Answers with these totals: pairs of each item and a filler, answered by people with frequency weights."""
    n = len(shown)
    design = Design(objects=Items.from_labels([*(f"item {j}" for j in range(n)), "filler"]),
                    shown=np.array([[[j, n]] for j in range(n)]))  # fmt: skip
    place = np.tile([[[1, 0]], [[-1, 0]], [[0, 1]]], (n, 1, 1))
    weight = [w for s, b, z in zip(shown, best, worst, strict=True) for w in (b, z, s - b - z)]
    table = pd.DataFrame({"id": [str(i) for i in range(3 * n)], "weight": weight})
    return Choices(design=design, respondents=Respondents(table=table, weight_kind="frequency"),
                   version=np.repeat(np.arange(n), 3), place=place)  # fmt: skip


def test_lipovetsky_and_conklin_2014_table_6() -> None:
    table = score_counts(with_totals(SHOWN, BEST, WORST)).iloc[:17]
    assert table["shown"].tolist() == SHOWN
    assert table["best"].tolist() == BEST
    assert table["worst"].tolist() == WORST
    np.testing.assert_allclose(table["logit"], LOGIT, atol=1e-4)


@pytest.mark.parametrize(
    "study", ["bws1_issues_white2021", "bws1_mfa_synthetic_varsets", "bws1_rice_aizaki", "bws1_fruit_synthetic"]
)
def test_counts_of_real_studies(shared_data: Path, study: str) -> None:
    table = score_counts(read_choices(shared_data / study / "responses_long.csv")).set_index("item")
    expected = pd.read_csv(shared_data / study / "reference_computed.csv").set_index("item")
    for name in ("shown", "best", "worst", "bw"):
        assert table[name].to_dict() == expected[name].to_dict()
    np.testing.assert_allclose(table["bw_mean"][expected.index], expected["bw_mean_std"], atol=1e-6)
    assert table["share"].sum() == pytest.approx(1)


def test_abortion_is_302_times_best_and_352_times_worst(shared_data: Path) -> None:
    """Published: White, bwsTools, vignettes/aggregate.Rmd."""
    table = score_counts(read_choices(shared_data / "bws1_issues_white2021" / "responses_long.csv")).set_index("item")
    assert table.loc["abortion", ["best", "worst", "shown"]].tolist() == [302, 352, 1400]


def test_formulas_by_hand() -> None:
    row = score_counts(with_totals([100], [40], [10])).iloc[0]
    p = (100 - 10 + 40) / 200
    assert row["bw"] == 30
    assert row["bw_mean"] == 0.3
    assert row["sqrt_ratio"] == 2
    assert row["logit"] == pytest.approx(np.log(p / (1 - p)))
    assert row["se"] == pytest.approx(np.sqrt((0.5 - 0.3**2) / 400) / (p * (1 - p)))


def test_se_is_the_spread_of_the_logit_over_samples() -> None:
    """400 samples of 1,000 answers, best 40%, worst 10%: the spread of the spread is 3.5%."""
    draws = np.random.default_rng(3).multinomial(1000, [0.4, 0.1, 0.5], 400)
    p = (1000 - draws[:, 1] + draws[:, 0]) / 2000
    formula = score_counts(with_totals([1000], [400], [100])).iloc[0]["se"]
    assert np.log(p / (1 - p)).std() == pytest.approx(formula, rel=0.12)


def test_unanswered_tasks_and_left_out_objects_were_not_shown() -> None:
    design = Design(objects=Items.from_labels(["a", "b", "c"]), shown=np.array([[[0, 1, 2]]]))
    place = np.array([[[1, 0, -1]], [[0, 0, 0]], [[1, -1, -128]]])
    table = score_counts(Choices(design=design, respondents=Respondents.from_ids(["1", "2", "3"]),
                                 version=np.zeros(3, int), place=place))  # fmt: skip
    assert table["shown"].tolist() == [2, 2, 1]
    assert table["best"].tolist() == [2, 0, 0]
    assert table["worst"].tolist() == [0, 1, 1]


def test_adaptive_designs_are_refused() -> None:
    choices = with_totals([100], [40], [10])
    with pytest.raises(ChoicesError, match="counts of an adaptive design are biased.*\n.*fit_pooled"):
        score_counts(replace(choices, design=replace(choices.design, adaptive=True)))
