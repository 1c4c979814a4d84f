"""Power by simulation: paired, honest about its error, and right where the answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cvmstats as cvm
from cvmstats.data.power import Power
from cvmstats.errors import DesignError, InputError
from cvmstats.workflows.assumptions import assume, draw_people
from cvmstats.workflows.power import compare, simulate_power

ITEMS = list("ABCDEFGH")
MEANS = np.linspace(1, -1, 8)


@pytest.fixture(scope="module")
def power() -> Power:
    return simulate_power(ITEMS, utilities=MEANS, spread=0.5, n_respondents=(30, 120), n_tasks=(6, 12), items_per_task=4,
                          top=2, n_replications=40)  # fmt: skip


def test_error_is_what_the_formula_expects(power: Power) -> None:
    """40 studies of 8 items: a standard error of 4% each; scaling takes one direction of eight."""
    ratio = power.table["error"] / power.table["expected_se"]
    assert ratio.between(0.82, 1.1).all()


def test_more_people_and_more_tasks_are_better(power: Power) -> None:
    table = power.table.set_index(["respondents", "tasks"])
    for column, sign in (("error", -1), ("order", 1), ("overlap", 1)):
        assert sign * (table[column][120, 12] - table[column][30, 6]) > 0
        assert sign * (table[column][120, 6] - table[column][30, 6]) > 0
    assert table["recovery"].isna().all()
    assert table["answers"].tolist() == [180, 360, 720, 1440]


def test_the_recommendation_is_the_cheapest_that_surely_suffices(power: Power) -> None:
    row = power.recommended
    assert row is not None
    enough = power.table[power.table["decision"] - power.table["decision_se"] >= 0.9]
    assert row["answers"] == enough["answers"].min()
    assert f"{row['respondents']:.0f} respondents x {row['tasks']:.0f} tasks" in repr(power)
    assert "recovery" not in repr(power)
    hard = Power(table=power.table.assign(decision=0.5), items=power.items, dropping=power.dropping, top=2, target=0.9,
                 n_replications=40)  # fmt: skip
    assert hard.recommended is None
    assert "no size gets the top 2 right" in repr(hard)
    assert "no size" in hard._repr_html_()


def test_items_that_can_be_left_out(power: Power) -> None:
    assert power.items["top_true"].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]  # nothing is uncertain about the truth here
    assert power.dropping["loss"].tolist() == [0.0] * 5
    assert set(power.dropping["label"]) <= set("CDEFGH")
    five_left = (3 - 1) / np.sqrt(3) / ((8 - 1) / np.sqrt(8))
    assert power.dropping["error_ratio"].iloc[-1] == pytest.approx(five_left)
    doubtful = simulate_power(ITEMS, utilities=MEANS, uncertainty=1.0, n_respondents=40, n_tasks=6, items_per_task=4, top=2,
                              n_replications=30)  # fmt: skip
    assert doubtful.dropping["loss"].is_monotonic_increasing
    assert doubtful.dropping["loss"].iloc[-1] > 0.2


def test_the_same_seed_gives_the_same_numbers_and_smaller_samples_are_part_of_larger_ones(power: Power) -> None:
    alone = simulate_power(ITEMS, utilities=MEANS, spread=0.5, n_respondents=30, n_tasks=12, items_per_task=4, top=2,
                           n_replications=40)  # fmt: skip
    both = power.table.query("respondents == 30 and tasks == 12").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.table, both)


@pytest.mark.parametrize("kind", ["best", "rank", "pair"])
def test_other_questions(kind: str) -> None:
    power = simulate_power(ITEMS, utilities=MEANS, spread=0.5, n_respondents=100, n_tasks=12, items_per_task=4,
                           kind=kind, n_replications=15)  # type: ignore[arg-type]  # fmt: skip
    assert 0.7 < power.table["error"][0] / power.table["expected_se"][0] < 1.25  # 15 studies: standard error 7%
    assert power.settings["items_per_task"] == (2 if kind == "pair" else 4)


def test_segments_are_looked_for_where_there_are_some() -> None:
    power = simulate_power(ITEMS, utilities=np.stack([MEANS, -MEANS]) * 1.5, shares=(0.6, 0.4), spread=0.3, n_tasks=8,
                           n_respondents=(40, 160), items_per_task=4, top=2, n_replications=8)  # fmt: skip
    table = power.table
    assert table["recovery"].between(0.8, 1).all()
    assert table["overlap"].iloc[1] >= table["overlap"].iloc[0] - 0.1
    assert power.items.set_index("label")["top_true"][["A", "B", "G", "H"]].tolist() == [1, 1, 1, 1]
    assert power.settings["method"] == "latent class"
    assert "recovery" in repr(power)


def test_hierarchical_fits_say_the_same() -> None:
    options = {"utilities": MEANS, "spread": 1.0, "n_respondents": 60, "n_tasks": 8, "items_per_task": 4, "n_replications": 8}
    pooled, ours = (simulate_power(ITEMS, method=m, **options).table for m in ("pooled", "hierarchical"))  # type: ignore[arg-type]
    assert ours["error"][0] == pytest.approx(pooled["error"][0], rel=0.25)  # the same answers, two estimators
    assert not np.isclose(ours["error"][0], pooled["error"][0], rtol=1e-6)


def test_comparison_with_the_truth_by_hand() -> None:
    truth = np.array([[2.0, 1, 0, -3]])
    seen = compare(np.array([[1.0, 1.1, -0.6, -1.5]]), truth, top=2)
    assert (seen.order, seen.decision, seen.overlap) == (5 / 6, 1, 1)
    assert compare(np.array([[2.0, -1, 1, -2]]), truth, top=2).overlap == 0.5
    assert compare(2.5 * truth, truth, top=2).error == pytest.approx(0, abs=1e-12)  # the scale of a pooled fit does not count
    tied = compare(np.array([[1.0, 0, 0.5, -1.5]]), np.array([[1.0, 1, 1, -3]]), top=2)
    assert tied.decision == 1  # any two of three equals are the top two


def test_people_are_as_assumed() -> None:
    assumed = assume(ITEMS, pd.DataFrame([MEANS, -MEANS], columns=ITEMS)[ITEMS[::-1]], (0.7, 0.3), 0.5, 0.2)
    people = draw_people(assumed, 20_000, np.random.default_rng(1))
    assert np.bincount(people.segment) / 20_000 == pytest.approx([0.7, 0.3], abs=0.015)  # over four standard errors
    own = people.utilities - people.means[people.segment]
    assert own.std() == pytest.approx(0.5 * np.sqrt(7 / 8), rel=0.01)
    np.testing.assert_allclose(people.utilities.sum(axis=1), 0, atol=1e-12)
    few = draw_people(assumed, 10, np.random.default_rng(1))
    np.testing.assert_array_equal(few.utilities, people.utilities[:10])
    assert 0.1 < (people.means - assumed.utilities).std() < 0.35


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"utilities": [0, 1]}, r"shape \(1, 2\)\n  expected \(segments, 8\)"),
        ({"utilities": pd.DataFrame({"A": [1.0]})}, "lacks 7 of 8 items\n  for example 'B'"),
        ({"shares": (0.5, 0.6)}, "2 positive numbers that sum to 1"),
        ({"spread": -1}, "spread is -1"),
        ({"n_tasks": 0}, "n_tasks is 0\n  expected a whole number"),
        ({"n_respondents": ()}, r"n_respondents is \(\)"),
        ({"kind": "graded"}, "unknown kind 'graded'\n  expected one of best_worst, best, rank, pair"),
        ({"method": "counts"}, "unknown method 'counts'"),
        ({"top": 8}, "top is 8 of 8 items\n  expected 1 to 7"),
        ({"target": 90}, "target is 90"),
        ({"n_respondents": 3, "shares": (0.5, 0.5)}, "3 respondents in 2 segments\n  expected 4"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_first(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        simulate_power(ITEMS, **options)  # type: ignore[arg-type]


def test_impossible_designs_are_refused_before_any_simulation() -> None:
    with pytest.raises(DesignError, match="8 sets of 9 out of 8 items.*\n.*items_per_task=8"):
        simulate_power(ITEMS, items_per_task=9)


def test_it_can_be_saved_and_drawn(power: Power, tmp_path) -> None:  # type: ignore[no-untyped-def]
    back = cvm.load(cvm.save(power, tmp_path / "power.cvm"))
    pd.testing.assert_frame_equal(back.table, power.table)
    assert repr(back) == repr(power)
    ax = cvm.plot_power(power)
    assert ax.get_ylabel() == "probability of the right top 2"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["6 tasks", "12 tasks"]
    assert cvm.write_png(ax, tmp_path / "power.png").stat().st_size > 10_000
