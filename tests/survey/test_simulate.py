"""Simulated answers follow the sequential form, and say what does not fit."""

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError, DesignError
from cvmstats.survey.simulate import simulate_choices

ITEMS = Items.from_labels(["a", "b", "c", "d"])
DESIGN = Design(objects=ITEMS, shown=np.array([[[0, 1, 2, 3], [0, 1, 2, -1]], [[3, 2, 1, 0], [1, 2, 3, -1]]]))


def test_frequencies_are_those_of_the_sequential_form():
    u = np.array([1.0, 0.5, -0.2, -1.0])
    n = 20000
    choices = simulate_choices(np.tile(u, (n, 1)), DESIGN, version=np.zeros(n, int), seed=3)
    best = choices.place[:, 0] == 1
    p = np.exp(u) / np.exp(u).sum()
    # four binomial standard errors at n = 20,000
    assert np.abs(best.mean(axis=0) - p).max() < 4 * 0.5 / np.sqrt(n)
    worst = choices.place[best[:, 0], 0] == -1
    q = np.exp(-u[1:]) / np.exp(-u[1:]).sum()
    assert np.abs(worst.mean(axis=0)[1:] - q).max() < 4 * 0.5 / np.sqrt(len(worst))


def test_every_asked_task_is_complete_and_short_tasks_stay_short():
    choices = simulate_choices(np.zeros((9, 4)), DESIGN, seed=1)
    assert choices.complete.all()
    assert (choices.place[:, 1, 3] == -128).all()
    assert choices.version.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0]


def test_people_added_later_change_no_earlier_answer():
    few = simulate_choices(np.zeros((5, 4)), DESIGN, seed=7)
    many = simulate_choices(np.zeros((50, 4)), DESIGN, seed=7)
    assert np.array_equal(few.place, many.place[:5])


def test_a_table_is_read_by_item_in_any_order():
    values = np.random.default_rng(0).normal(size=(6, 4))
    table = pd.DataFrame(values, columns=["a", "b", "c", "d"])[["d", "b", "a", "c"]]
    table.insert(0, "respondent", [f"r{i}" for i in range(6)])
    choices = simulate_choices(table, DESIGN, seed=2)
    assert choices.respondents.ids == tuple(f"r{i}" for i in range(6))
    assert np.array_equal(choices.place, simulate_choices(values, DESIGN, seed=2).place)


def of_people(*ids, values=None):
    drawn = np.random.default_rng(0).normal(0, 3, (len(ids), 4))
    return pd.DataFrame(drawn if values is None else values, columns=list("abcd")).assign(respondent=list(ids))


def test_a_table_with_ids_is_matched_to_the_respondents():
    table = of_people(2.0, 1.0, 3.0)
    assert simulate_choices(table, DESIGN).respondents.ids == ("2", "1", "3")
    people = Respondents.from_ids(["1", "2", "3"])
    in_order = table.iloc[[1, 0, 2]].drop(columns="respondent")
    assert np.array_equal(simulate_choices(table, DESIGN, people).place, simulate_choices(in_order, DESIGN, people).place)


@pytest.mark.parametrize(
    ("utilities", "options", "message"),
    [
        (np.zeros((3, 5)), {}, r"shape \(3, 5\)\n  expected \(respondents, 4\)"),
        (np.array([[0, 0, 0, np.nan]]), {}, "1 of 1 people are not finite"),
        (np.zeros((3, 4)), {"respondents": Respondents.from_ids(["x"])}, "3 people for 1 respondents"),
        (np.zeros((3, 4)), {"version": [0, 1, 2]}, "3 numbers from 0 to 1"),
        (np.zeros((2, 4)), {"version": [0.0, 0.4]}, "1 of 2 values of version are no whole numbers.*\n.*'0.4'"),
        (np.zeros((1, 4)), {"version": ["1"]}, "values of version are no whole numbers"),
        (np.zeros((1, 4)), {"version": 0.4}, "values of version are no whole numbers"),
        (np.zeros((1, 4)), {"seed": -1}, "seed is -1\n  expected a whole number from 0"),
        (np.zeros((1, 4)), {"respondents": pd.DataFrame({"id": ["1"]})}, "respondents= is a DataFrame\n.*read_respondents"),
        ([["a", "b", "c", "d"]], {}, "no table of numbers, but list"),
        (DESIGN, {}, "no table of numbers, but Design\n.*to_frame"),
        (of_people("1", values=[["x", 0, 0, 0]]), {}, "no table of numbers"),
        (of_people("1", None), {}, "1 of 2 rows of utilities have no respondent\n.*'row 2'"),
        (of_people("b", "c"), {"respondents": Respondents.from_ids(["a", "b"])}, "1 of 2 respondents have no utilities\n.*'a'"),
        (of_people("a", "b"), {"respondents": Respondents.from_ids(["a"])}, "1 of 2 rows of utilities are of nobody\n.*'b'"),
        (of_people("a", "a"), {"respondents": Respondents.from_ids(["a"])}, "utilities of 2 people for 1 respondents"),
        (pd.DataFrame({"a": [0.0], "b": [1.0]}), {}, "lacks 2 of 4 items\n  for example 'c', 'd'"),
    ],
)
def test_what_does_not_fit_is_said(utilities, options, message):
    with pytest.raises(ChoicesError, match=message):
        simulate_choices(utilities, DESIGN, **options)


def test_other_kinds_are_refused():
    design = Design(objects=ITEMS, shown=DESIGN.shown, kind="graded")
    with pytest.raises(DesignError, match="graded tasks without grades"):
        simulate_choices(np.zeros((2, 4)), design)
    with pytest.raises(ChoicesError, match="4 tasks have a second question .*\n.*version 1 task 1"):
        simulate_choices(np.zeros((2, 4)), Design(objects=ITEMS, shown=DESIGN.shown, dual=np.ones((2, 2), bool)))
    with pytest.raises(ChoicesError, match="unknown form 'logit'.*\n.*sequential, maxdiff"):
        simulate_choices(np.zeros((2, 4)), DESIGN, form="logit")
    with pytest.raises(ChoicesError, match="best and worst at once.*\n.*tasks of kinds best and worst"):
        simulate_choices(np.zeros((2, 4)), DESIGN, form="marginal")


def test_each_kind_is_answered_as_choices_are_written():
    kind = np.array([["pair", "rank"], ["best", "worst"]], dtype=object)
    shown = np.array([[[0, 1, -1, -1], [0, 1, 2, 3]], [[0, 1, 2, 3], [3, 1, 0, -1]]])
    choices = simulate_choices(np.tile([9.0, 3, -3, -9], (2, 1)), Design(objects=ITEMS, shown=shown, kind=kind), seed=1)
    assert choices.place.tolist() == [[[1, 0, -128, -128], [1, 2, 3, 4]], [[1, 0, 0, 0], [-1, 0, 0, -128]]]
    assert choices.complete.all()
