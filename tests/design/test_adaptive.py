"""Adaptive surveys: the same tasks whatever is saved and reloaded, answers checked, and top items found sooner."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cvmstats as cvm
from cvmstats._numerics.simulate import simulate_places
from cvmstats.data.adaptive import AdaptiveState
from cvmstats.design.adaptive import ask, estimate, next_tasks, record, start_adaptive, update
from cvmstats.errors import ChoicesError, DesignError, RespondentsError

LABELS = [f"need {j + 1}" for j in range(24)]
TRUTH = np.linspace(-2, 2, 24)
SMALL: dict[str, Any] = {"items_per_person": 8, "items_per_task": 4, "n_tasks": 6, "batch": 5}


def small(**more: Any) -> AdaptiveState:
    return start_adaptive(LABELS, **(SMALL | more))


def answers_of(state: AdaptiveState, respondent: str, seed: int = 0) -> pd.DataFrame:
    """Answers to the tasks of one respondent, as a survey program would send them."""
    seen = state.shown[state.respondents.index(respondent)]
    rng = np.random.default_rng([seed, *respondent.encode()])
    place = simulate_places(TRUTH[None], seen[None], [0], rng.random((1, len(seen), 2)))[0]
    ids = np.array(state.items.ids, object)
    table = pd.DataFrame({"respondent": respondent, "task": range(1, len(seen) + 1), "best": ids[seen[place == 1]],
                          "worst": ids[seen[place == -1]]})  # fmt: skip
    return table if state.kind == "best_worst" else table.rename(columns={"best": "winner"}).drop(columns="worst")


def fielded(state: AdaptiveState, n: int, *, first: int = 0, reload: bool = False) -> AdaptiveState:
    for r in range(first, first + n):
        state, _ = next_tasks(state, f"r{r}")
        state = update(state, answers_of(state, f"r{r}"))
        if reload:
            state = AdaptiveState.from_json(state.to_json())
    return state


def assert_equal(one: AdaptiveState, other: AdaptiveState) -> None:
    assert one.to_json() == other.to_json()
    for name in ("slots", "shown", "place", "order", "mean", "cov"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        assert not b.flags.writeable


@pytest.mark.parametrize("policy", ["thompson", "diffuse", "express"])
def test_tasks_are_good_sets_of_so_many_items(policy: str) -> None:
    state = fielded(small(policy=policy), 12)
    for seen in state.shown:
        assert len(np.unique(seen)) == 8
        assert np.bincount(seen.ravel(), minlength=24).max() == 3  # 6 x 4 places for 8 items
        assert all(len(set(task)) == 4 for task in seen.tolist())
    assert state.n_fitted == 10


def test_the_first_respondents_and_express_deal_evenly() -> None:
    state = ask(small(), [f"r{r}" for r in range(6)])
    assert np.bincount(state.shown.ravel(), minlength=24).tolist() == [6] * 24
    state = fielded(small(policy="express"), 15)
    assert np.bincount(state.shown.ravel(), minlength=24).tolist() == [15] * 24


def test_asked_again_nothing_changes() -> None:
    state, tasks = next_tasks(small(), "r17")
    again, same = next_tasks(fielded(state, 7), "r17")
    pd.testing.assert_frame_equal(tasks, same)
    assert next_tasks(again, "r17")[0] is again
    assert list(tasks) == ["respondent", "task", "position", "item", "label", "text"]
    assert len(tasks) == 24


@pytest.mark.parametrize("more", [
    {"policy": "thompson"}, {"policy": "diffuse"}, {"policy": "express"},
    {"kind": "pair", "items_per_task": 2}, {"kind": "pair", "items_per_task": 2, "policy": "random"},
], ids=lambda m: str(m.get("policy", "information")))  # fmt: skip
def test_a_state_reloaded_after_every_call_gives_the_same_tasks(more: dict[str, Any], tmp_path: Path) -> None:
    never, always = (fielded(small(**more), 13, reload=reload) for reload in (False, True))
    assert_equal(never, always)
    for path, save, load in ((tmp_path / "s.json", AdaptiveState.save, AdaptiveState.load),
                             (tmp_path / "s.cvm", cvm.save, cvm.load)):  # fmt: skip
        back = load(save(never, path))
        assert_equal(never, back)
        assert_equal(fielded(never, 4, first=13), fielded(back, 4, first=13))


def test_items_with_texts_and_further_columns_come_back() -> None:
    items = cvm.Items(table=pd.DataFrame({"id": ["a", "b", "c"], "text": ["é", None, "x"], "fr": ["u", None, "w"],
                                          "n": [1, 2, 3]}))  # fmt: skip
    state = start_adaptive(items, items_per_person=2, items_per_task=2, n_tasks=1)
    back = AdaptiveState.from_json(state.to_json())
    assert back.items.ids == items.ids
    assert back.items.table["text"].tolist() == ["é", "b", "x"]
    assert back.items.table["n"].tolist() == [1, 2, 3]
    assert back.to_json() == state.to_json()


def test_it_does_not_matter_how_answers_are_grouped() -> None:
    names = [f"r{r}" for r in range(13)]
    asked = ask(small(), names)
    one_by_one = asked
    for name in names:
        one_by_one = update(one_by_one, answers_of(asked, name))
    assert_equal(one_by_one, update(asked, pd.concat([answers_of(asked, name) for name in names])))
    assert one_by_one.n_fitted == 10
    for cuts in ([4, 5], [1, 9, 12], [6]):
        parts = asked
        for some in np.split(np.array(names), cuts):
            parts = update(AdaptiveState.from_json(parts.to_json()), pd.concat([answers_of(asked, str(n)) for n in some]))
        assert_equal(one_by_one, parts)


def test_answers_of_those_asked_later_may_come_first() -> None:
    asked = ask(small(), ["a", "b", "c"])
    state = update(update(asked, answers_of(asked, "c")), answers_of(asked, "a"))
    assert state.order.tolist() == [1, -1, 0]
    assert state.choices.respondents.ids == ("a", "c")
    np.testing.assert_array_equal(state.choices.version, [0, 2])
    assert state.choices.complete.all()


def test_seeds_decide() -> None:
    assert_equal(fielded(small(seed=4), 8), fielded(small(seed=4), 8))
    assert (fielded(small(seed=4), 8).shown != fielded(small(seed=5), 8).shown).any()
    assert small(seed=np.random.default_rng(1)).seed == small(seed=np.random.default_rng(1)).seed


def test_a_state_never_changes() -> None:
    state = fielded(small(), 4)
    before = state.to_json()
    fielded(state, 3, first=4)
    assert state.to_json() == before
    with pytest.raises(ValueError, match="read-only"):
        state.shown[0, 0, 0] = 1


def test_the_posterior_is_fitted_after_each_batch_and_agrees_with_the_pooled_fit() -> None:
    state = fielded(small(prior_sd=50.0), 60)
    assert (state.n_fitted, state.n_answered, state.n_asked) == (60, 60, 60)
    fit = cvm.fit_pooled(state.choices)
    coding = np.asarray(state.design.coding)
    np.testing.assert_allclose(state.mean - state.mean.mean(), coding @ fit.population.mean, atol=0.01)  # type: ignore[union-attr]
    contrasts = coding.T @ state.cov @ coding
    np.testing.assert_allclose(contrasts, fit.population.mean_cov, rtol=0.02, atol=0.01)  # type: ignore[union-attr]
    assert fielded(state, 1, first=60).mean is state.mean


def test_thompson_shows_the_best_and_diffuse_others_too() -> None:
    """Once much is known, 6 of 8 items are surely the top; a wide draw brings items back that nobody would show."""
    state = fielded(small(policy="thompson", batch=20), 100)
    top = set(range(18, 24))
    later = [ask(replace(state, policy=p, delta=d, epsilon=0.25), [f"x{i}" for i in range(40)]).shown[100:]
             for p, d in (("thompson", 1.0), ("diffuse", 100.0), ("express", 1.0))]  # fmt: skip
    share = [np.mean([len(top & set(seen.ravel().tolist())) / 6 for seen in shown]) for shown in later]
    assert share[0] > 0.95
    assert 0.85 < share[1] < share[0]
    assert share[2] < 0.5
    reach = [len(np.unique(shown)) for shown in later]
    assert reach[0] < 20 < reach[1]


def test_design_and_choices_are_adaptive_and_counts_refuse_them() -> None:
    state = ask(fielded(small(), 6), ["late"])
    design, choices = state.design, state.choices
    assert design.adaptive
    assert (design.n_versions, choices.n_respondents) == (7, 6)
    assert design.version_ids == (*(f"r{r}" for r in range(6)), "late")
    assert choices.complete.all()
    with pytest.raises(ChoicesError, match="counts of an adaptive design are biased"):
        cvm.score_counts(choices)


def test_part_answers_are_taken() -> None:
    state, tasks = next_tasks(small(batch=1), "r1")
    items = tasks.groupby("task")["item"].apply(list)
    state = update(state, [{"respondent": "r1", "task": "1", "best": items["1"][2], "worst": None},
                           {"respondent": "r1", "task": "3", "worst": items["3"][0]},
                           {"respondent": "r1", "task": "4"}])  # fmt: skip
    choices = state.choices
    assert choices.answered[0].tolist() == [True, False, True, False, False, False]
    assert choices.place[0, 0].tolist() == [0, 0, 1, 0]
    assert choices.place[0, 2].tolist() == [-1, 0, 0, 0]
    assert state.n_fitted == 1
    index = {name: j for j, name in enumerate(state.items.ids)}
    assert state.mean[index[items["1"][2]]] > 0 > state.mean[index[items["3"][0]]]


def test_the_best_alone_is_enough() -> None:
    state, tasks = next_tasks(small(), "r1")
    after = update(state, pd.DataFrame({"respondent": ["r1"], "task": [2], "best": [tasks["item"][4]]}))
    assert after.place[0, 1].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(("rows", "message"), [
    ([{"respondent": "zz"}], "1 answer of respondents who were given no tasks\n  for example 'zz'\n  expected those to whom"),
    ([{"respondent": "done"}], "1 answer of respondents who answered before\n  for example 'done'"),
    ([{"task": 7}, {"task": "x"}], r"2 answers to tasks that there are not\n  for example 'r1' task '7', 'r1' task 'x'\n"
                                   "  expected 1 to 6"),
    ([{}, {"task": "01"}], "1 answer to a task that is answered already\n  for example 'r1' task 1"),
    ([{"best": "need 99"}], "1 item that the task did not show\n  for example 'r1' task 1: best 'need 99'"),
    ([{"worst": None, "best": "other"}], "1 item that the task did not show"),
    ([{"worst": "same"}], "1 answer with the same item as best and worst\n  for example 'r1' task 1: "),
    ([{"best": None, "worst": float("nan")}], "1 respondent with no answer in any row\n  for example 'r1'"),
    ([{"respondent": "zz"}, {"best": "need 99"}], "given no tasks\n.*\n.*\n1 item that the task did not show"),
])  # fmt: skip
def test_wrong_answers_are_refused(rows: list[dict[str, Any]], message: str) -> None:
    state = fielded(small(), 0)
    for name in ("done", "r1"):
        state, tasks = next_tasks(state, name)
        if name == "done":
            state = update(state, answers_of(state, name))
    seen = tasks["item"].tolist()[:4]
    other = next(name for name in state.items.ids if name not in seen)
    known = {"other": other, "same": seen[0]}
    given = [{"respondent": "r1", "task": 1, "best": seen[0], "worst": seen[1]} | row for row in rows]
    given = [{k: known.get(v, v) if isinstance(v, str) else v for k, v in row.items()} for row in given]
    with pytest.raises(ChoicesError, match=message):
        update(state, given)


@pytest.mark.parametrize(("answers", "message"), [
    ([], "the answers are empty\n  expected a row per task with respondent, task, best, worst"),
    ([{"respondent": "r1", "best": "x"}], "have no column 'task'"),
    ([{"respondent": "r1", "task": 1}], "have no column 'best', 'worst'"),
])  # fmt: skip
def test_tables_without_what_is_needed_are_refused(answers: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ChoicesError, match=message):
        update(small(), answers)


@pytest.mark.parametrize(("more", "message"), [
    ({"kind": "best"}, "unknown kind 'best' of adaptive tasks\n  expected one of best_worst, pair"),
    ({"policy": "greedy"}, "unknown policy 'greedy' for best_worst tasks\n  expected one of diffuse, thompson, express"),
    ({"kind": "pair", "policy": "thompson"}, "unknown policy 'thompson' for pair tasks\n  expected one of information, random"),
    ({"items_per_person": 24}, "items_per_person=23, or design_best_worst"),
    ({"items_per_task": 9}, "items_per_task=8"), ({"items_per_task": 1}, "items_per_task=2"),
    ({"n_tasks": 1}, "only 4 of them find a place\n  the nearest possible: n_tasks=2, or items_per_person=4"),
    ({"epsilon": 1.5, "delta": 0.5}, r"2 arguments out of range\n  epsilon=1.5 \(expected 0 to 1\), delta=0.5"),
    ({"n_tasks": 0}, "1 argument out of range\n  n_tasks=0"), ({"batch": 0}, "batch=0"), ({"prior_sd": 0}, "prior_sd=0"),
    ({"seed": -1}, "seed -1 is negative"),
    ({"kind": "pair", "items_per_task": 3}, "items_per_task=2, or kind='best_worst'"),
    ({"kind": "pair", "items_per_task": None, "n_tasks": 277}, "24 items make 276 different ones\n.*n_tasks=276"),
])  # fmt: skip
def test_impossible_requests_name_the_nearest_possible(more: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        small(**more)


def test_one_item_makes_no_pairs() -> None:
    with pytest.raises(DesignError, match="expected two items or more"):
        start_adaptive(["a"], kind="pair", n_tasks=1)


def test_before_anybody_was_asked_there_is_nothing() -> None:
    state = small()
    with pytest.raises(DesignError, match="nobody was given tasks yet"):
        _ = state.design
    with pytest.raises(ChoicesError, match="none of 0 respondents has answered yet"):
        _ = state.choices
    with pytest.raises(RespondentsError, match="respondent 'r9' was given no tasks"):
        state.tasks("r9")
    with pytest.raises(RespondentsError, match="without an id"):
        next_tasks(state, " ")
    assert "0 asked, 0 answered, not fitted yet (every 5)" in repr(state)
    assert "highest so far: need" in fielded(state, 5)._repr_html_()


@pytest.mark.parametrize(("change", "message"), [
    (lambda c: c.pop("mean"), "the text is no adaptive state"),
    (lambda c: c.update(cvmstats_adaptive=9), "is of format 9, this library reads up to 1"),
    (lambda c: c["order"].append(3), r"order of an adaptive state has shape \(4,\)\n  expected \(3,\)"),
    (lambda c: c.update(shown=[1, 2, 3]), "the text is no adaptive state"),
])  # fmt: skip
def test_other_texts_are_no_states(change: Any, message: str) -> None:
    content = json.loads(fielded(small(), 3).to_json())
    change(content)
    with pytest.raises(DesignError, match=message):
        AdaptiveState.from_json(json.dumps(content))
    with pytest.raises(DesignError, match="no adaptive state"):
        AdaptiveState.from_json("[1, 2]")


def test_the_estimate_before_a_batch_is_full_uses_all_answers() -> None:
    state = fielded(small(), 3)
    assert state.n_fitted == 0
    mean, cov = estimate(state)
    assert np.corrcoef(mean, TRUTH)[0, 1] > 0.5
    assert np.linalg.eigvalsh(cov).min() > 0
    assert_equal(record(state, [], np.empty((0, 6, 4), np.int8)), state)
