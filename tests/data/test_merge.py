"""Answers of several files as one: nothing is lost, and a fit of the whole is the fit of its parts together."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.merge import concat_choices
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.respondents import Respondents
from cvmstats.design import combine_designs, design_best_worst
from cvmstats.errors import ChoicesError, RespondentsError
from cvmstats.survey.simulate import simulate_choices
from cvmstats.utilities.pooled import fit_pooled

ITEMS = Items.from_labels("ABCDEF")
COLUMNS = ["respondent", "set", "item", "choice"]
UTILITIES = np.random.default_rng(0).normal(0, 1, (40, 6))


def asked(n_versions=2, items_per_task=3, seed=1, block="MaxDiff", first=0, n=20, **more):
    design = replace(design_best_worst(ITEMS, items_per_task=items_per_task, n_versions=n_versions, seed=seed), **more)
    people = Respondents.from_ids(f"r{i}" for i in range(first, first + n))
    named = replace(design, block=(block,) * design.n_tasks)
    answers = simulate_choices(UTILITIES[first : first + n], named, people, seed=seed)
    return replace(answers, source=f"file {seed}")


def long(choices):
    """Rows of answers without the names of tasks, in an order of their own."""
    table = choices.to_frame()
    sets = table.groupby(["respondent", "task"])["item"]
    table["set"] = sets.transform(lambda items: "".join(sorted(items)))
    return table[COLUMNS].sort_values(COLUMNS, ignore_index=True)


def same_answers(together, *parts):
    pd.testing.assert_frame_equal(long(together), long_of(*parts))


def long_of(*parts):
    rows = pd.concat([long(p) for p in parts])
    return rows.sort_values(COLUMNS, ignore_index=True)


def test_other_people_with_another_design_stand_below():
    wave_1, wave_2 = asked(), asked(n_versions=3, items_per_task=4, seed=2, first=20)
    both = concat_choices(wave_1, wave_2)
    assert both.design.n_versions == 5
    assert both.design.version_ids == ("1.1", "1.2", "2.1", "2.2", "2.3")
    assert both.design.n_tasks == max(wave_1.design.n_tasks, wave_2.design.n_tasks)
    assert set(both.version[20:]) == {2, 3, 4}
    assert both.source == "file 1; file 2"
    same_answers(both, wave_1, wave_2)
    assert both.design.objects_fingerprint == wave_1.design.objects_fingerprint
    value = fit_pooled(both).log_likelihood
    theta = np.asarray(fit_pooled(both).mean)[0]
    assert value > fit_pooled(wave_1).log_likelihood + fit_pooled(wave_2).log_likelihood - 20
    assert theta.shape == (5,)


def test_tasks_of_other_blocks_come_after_one_another():
    first, second = asked(), asked(seed=2, first=20, block="wave 2")
    both = concat_choices(first, second)
    assert both.design.n_tasks == first.design.n_tasks + second.design.n_tasks
    assert not both.asked[:20, first.design.n_tasks :].any()
    assert not both.asked[20:, : first.design.n_tasks].any()
    assert both.complete[:20, : first.design.n_tasks].all()
    same_answers(both, first, second)


def test_the_same_people_and_other_tasks_stand_beside():
    first = asked()
    second = asked(n_versions=3, items_per_task=4, seed=2, block="holdout", first=5, n=20)
    turned = second.take(np.arange(20)[::-1])
    both = concat_choices(first, turned)
    assert both.respondents.ids == tuple(f"r{i}" for i in [*range(20), *range(24, 19, -1)])
    assert both.design.block == ("MaxDiff",) * first.design.n_tasks + ("holdout",) * second.design.n_tasks
    same_answers(both, first, second)
    assert not both.asked[:5, first.design.n_tasks :].any()  # answered the first only: not asked, not missing
    assert (both.place[20:, : first.design.n_tasks] == NO_ANSWER).all()
    assert both.design.n_versions == len({tuple(v) for v in zip(both.version, strict=True)})
    assert {v.count("+") for v in both.design.version_ids} == {1}
    assert any(v.startswith("-") for v in both.design.version_ids)
    # a hold-out is kept out of fits
    assert fit_pooled(both).log_likelihood == pytest.approx(fit_pooled(first).log_likelihood)


def test_beside_is_what_one_mixed_design_would_have_been():
    one = design_best_worst(ITEMS, items_per_task=3, seed=1, n_versions=2)
    two = design_best_worst(ITEMS, items_per_task=4, seed=2, n_versions=2)
    mixed = combine_designs({"MaxDiff": one, "holdout": two})
    answers = simulate_choices(UTILITIES, mixed, seed=3)
    n = one.n_tasks
    kept = replace(two, block=("holdout",) * two.n_tasks)
    parts = [Choices(design=d, respondents=answers.respondents, version=answers.version, place=p)
             for d, p in ((one, answers.place[:, :n, :3]), (kept, answers.place[:, n:]))]  # fmt: skip
    both = concat_choices(*parts)
    assert both.design.fingerprint == mixed.fingerprint
    assert both.design.block == mixed.block
    assert np.array_equal(both.place, answers.place)
    assert np.array_equal(both.version, answers.version)


def test_optional_arrays_go_along():
    one = asked()
    two = asked(seed=2, items_per_task=4, block="more")
    with_time = [replace(c, seconds=np.full(c.place.shape[:2], s), displayed=c.design.shown[c.version])
                 for c, s in ((one, 2.0), (two, 3))]  # fmt: skip
    both = concat_choices(*with_time)
    assert both.seconds.tolist() == [[2.0] * one.design.n_tasks + [3.0] * two.design.n_tasks] * 20
    assert np.array_equal(both.displayed, both.design.shown[both.version])
    others = Respondents.from_ids(f"s{i}" for i in range(20))
    below = concat_choices(with_time[0], replace(with_time[1], respondents=others))
    assert np.isnan(below.seconds[0, one.design.n_tasks :]).all()
    with pytest.raises(ChoicesError, match="'seconds' is there for some of the answers only\n  expected it for all or none"):
        concat_choices(replace(with_time[0], displayed=None), two)


def test_what_is_known_of_people_is_put_together():
    one, two = asked(), asked(seed=2, items_per_task=4, block="more")
    ids = list(one.respondents.ids)
    known = one.with_respondents(Respondents(table=pd.DataFrame({"id": ids, "account": ["a"] * 10 + [""] * 10})))
    more = two.with_respondents(Respondents(table=pd.DataFrame({"id": ids, "account": [""] * 10 + ["b"] * 10, "years": 3})))
    table = concat_choices(known, more).respondents.to_frame()
    assert table["account"].tolist() == ["a"] * 10 + ["b"] * 10
    assert table["years"].tolist() == [3] * 20
    other = two.with_respondents(Respondents(table=pd.DataFrame({"id": ids, "account": "c"})))
    with pytest.raises(ChoicesError, match="10 people have another 'account' in one file than in another\n  for example 'r0'"):
        concat_choices(known, other)
    weighted = one.with_respondents(Respondents(table=pd.DataFrame({"id": ids, "weight": 2.0}), weight_kind="sampling"))
    fewer = asked(seed=2, items_per_task=4, block="more", n=21)
    with pytest.raises(ChoicesError, match="1 people have no weight, the others have\n  for example 'r20'"):
        concat_choices(weighted, fewer)


def test_what_cannot_be_put_together_is_said():
    with pytest.raises(ChoicesError, match="no answers to put together"):
        concat_choices()
    other = simulate_choices(np.zeros((2, 3)), Design(objects=Items.from_labels("ABC"), shown=[[[0, 1, 2]]]))
    with pytest.raises(ChoicesError, match="different objects or codings\n  for example number '2' is not about those of"):
        concat_choices(asked(), other)
    with pytest.raises(RespondentsError, match="20 respondent ids stand twice"):
        concat_choices(asked(), asked())
    graded = [replace(asked(seed=s, first=f, block=f"b{s}"), strength=None) for s, f in ((1, 0), (2, 20))]
    graded = [replace(c, design=replace(c.design, grades=((i, "x"),))) for i, c in enumerate(graded)]
    with pytest.raises(ChoicesError, match="different scales of graded answers"):
        concat_choices(*graded)
    heavy = asked(seed=2, first=20)
    heavy = heavy.with_respondents(Respondents(table=heavy.respondents.to_frame().assign(weight=2.0), weight_kind="sampling"))
    with pytest.raises(ChoicesError, match="weights of different kinds: none and sampling\n  expected one kind.*rake"):
        concat_choices(asked(), heavy)
    with pytest.raises(ChoicesError, match=r"got a list\n  expected Choices.*concat_choices\(\*files\)"):
        concat_choices([asked(), asked()])


def test_who_was_left_out_is_remembered():
    one, two = replace(asked(), left_out=(("x", "random"),)), replace(asked(seed=2, first=20), left_out=(("y", "few"),))
    assert concat_choices(one, two).left_out == (("x", "random"), ("y", "few"))


def test_nobody_answers_the_same_design_twice():
    one, more = asked(), asked(seed=2, items_per_task=4, block="more")
    for again in ((one, one, more), (one, more, one.take([3]))):
        with pytest.raises(ChoicesError, match="times a respondent answers the same design twice\n.*'r. in numbers 1 and"):
            concat_choices(*again)
    later = replace(one, respondents=Respondents.from_ids(f"s{i}" for i in range(20)))
    assert concat_choices(one, later, more).n_respondents == 40


def test_names_of_one_design_are_not_taken_for_others():
    one = asked()
    later = replace(one, respondents=Respondents.from_ids(f"s{i}" for i in range(20)))
    design = later.design
    turned = replace(later, design=replace(design, task_ids=design.task_ids[::-1]))
    with pytest.raises(ChoicesError, match="same design, and its tasks other names\n.*'1 and 6'.*\n.*replace"):
        concat_choices(one, turned)
    renamed = replace(later, design=replace(design, version_ids=("x", "y")))
    both = concat_choices(one, renamed)
    assert both.design.version_ids == (*design.version_ids, "x", "y")
    same_answers(both, one, renamed)
