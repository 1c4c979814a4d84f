"""Questions compared: the same people, the same burden, ratings given as people give them."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats.errors import InputError
from cvmstats.workflows.questions import RatingStyle, compare_questions, rate

ITEMS = [f"item {j}" for j in range(10)]


def test_burdens_are_equal_and_choices_cost_what_they_cost() -> None:
    texts, clicks = (compare_questions(ITEMS, burden=b, budget=n, n_respondents=60, n_replications=4, items_per_task=5)
                     for b, n in (("texts", 40), ("clicks", 24)))  # fmt: skip
    assert texts["question"].tolist() == ["pairs", "best-worst", "ranking", "ratings"]
    assert texts["texts"].tolist() == [40] * 4
    assert texts["clicks"].tolist() == [20, 16, 32, 40]
    assert clicks["clicks"].tolist() == [24] * 4
    assert clicks["tasks"].tolist() == [24, 12, 6, 24]
    assert texts["relative_efficiency"][1] == 1
    assert texts["individual_r"].isna().all()
    assert (texts[["order", "overlap"]] > 0.5).all(axis=None)


def test_a_ranking_tells_more_than_the_best_and_worst_of_the_same_sets() -> None:
    """Information 1.9 to 1 at sets of 5 and equal utilities; people differ by little here, and 30 studies tell it apart."""
    table = compare_questions(ITEMS, budget=30, spread=0.2, n_respondents=50, n_replications=30).set_index("question")
    assert table["relative_efficiency"]["ranking"] > 1.2
    assert table["relative_efficiency"]["pairs"] < 1


def test_individuals() -> None:
    table = compare_questions(ITEMS, budget=40, n_respondents=50, n_replications=2, individual=True)
    assert table["individual_r"].between(0.4, 0.95).all()


def test_ratings_follow_the_model() -> None:
    """People far apart on the scale: centred scores know nothing of shifts, and their means rise with utilities."""
    u = np.tile(np.linspace(-1, 1, 5), (4000, 1))
    scores = rate(u, 5, RatingStyle(points=101, middle=50, shift=8, stretch=5, stretch_sd=0), np.random.default_rng(1))
    np.testing.assert_allclose(np.nanmean(scores, axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(np.nanmean(scores, axis=0), 5 * u[0], atol=0.35)  # Gumbel errors x 5 of 4,000 people: .1 each
    part = rate(u, 3, RatingStyle(), np.random.default_rng(1))
    assert (np.isnan(part).sum(axis=1) == 2).all()
    twice = rate(u, 10, RatingStyle(points=101, middle=50, shift=0, stretch=5, stretch_sd=0), np.random.default_rng(1))
    assert twice.var(axis=0).mean() < 0.6 * scores.var(axis=0).mean()
    ceiling = rate(u + 9, 5, RatingStyle(shift=0), np.random.default_rng(1))
    assert (ceiling == 0).all()  # everything is important


@pytest.mark.parametrize(("options", "message"), [
    ({"burden": "minutes"}, "unknown burden 'minutes'\n  expected one of texts, clicks"),
    ({"budget": 5}, "a budget of 5 texts.*\n  the nearest possible: budget=10"),
    ({"burden": "clicks", "budget": 4}, "a budget of 4 clicks.*\n  the nearest possible: budget=8"),
    ({"utilities": np.zeros((2, 10))}, "utilities of 2 segments\n  expected one row"),
])  # fmt: skip
def test_what_makes_no_sense_is_said_first(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare_questions(ITEMS, **options)  # type: ignore[arg-type]


def test_the_nearest_budget_is_enough() -> None:
    assert len(compare_questions(ITEMS, budget=10, n_respondents=20, n_replications=2)) == 4
