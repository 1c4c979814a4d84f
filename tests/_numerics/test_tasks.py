"""What leaves a set and what leaves the data, when answers are flattened."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats._numerics.logit import task_log_likelihood
from cvmstats._numerics.tasks import Given, flatten

SHOWN = np.array([[[0, 1, 2, 3], [3, 2, 1, -1]], [[2, 3, 0, 1], [-1, -1, -1, -1]]])


def flat(place: list[list[list[int]]], version: list[int], kind: object = "best_worst", **options: object):  # type: ignore[no-untyped-def]
    kinds = np.broadcast_to(np.asarray(kind, object), (2, 2))
    return flatten(SHOWN, version, np.array(place), kinds, 4, **options)


def test_picks_and_sets_by_hand() -> None:
    tasks = flat([[[0, -1, 1, 0], [1, 0, -1, -128]], [[0, 0, -1, 1], [-128] * 4]], [0, 1])
    assert tasks.n_people == 2
    assert tasks.person.tolist() == [0, 2, 3]
    assert tasks.start.tolist() == [0, 4, 7, 11]
    assert tasks.objects.tolist() == [0, 1, 2, 3, 3, 2, 1, 2, 3, 0, 1]
    assert tasks.best.tolist() == [2, 0, 3]
    assert tasks.worst.tolist() == [1, 2, 2]
    assert not tasks.worst_only.any()


def test_an_object_without_answer_leaves_the_set() -> None:
    u = np.random.default_rng(0).normal(size=(1, 4))
    left_out = flat([[[-128, -1, 0, 1], [0, 0, 0, -128]]], [0])
    assert left_out.objects.tolist() == [1, 2, 3]
    assert (left_out.best.tolist(), left_out.worst.tolist()) == ([2], [0])
    three = flatten([[[1, 2, 3]]], [0], [[[-1, 0, 1]]], np.array([["best_worst"]], object), 4)
    np.testing.assert_array_equal(task_log_likelihood(left_out, u), task_log_likelihood(three, u))


def test_an_anchor_amid_one_object_is_refused() -> None:
    """Neither before all of the set nor after all of it: with one object beside it, that cannot be."""
    given = Given(dual=[[True]], anchor=[True, False, False])
    with pytest.raises(ValueError, match="1 second questions place the anchor amid one object"):
        flatten([[[0, 1, 2]]], [0], [[[0, -1, -128]]], np.array([["best_worst"]], object), 3, given=given)


def test_unanswered_tasks_and_sets_of_one_leave() -> None:
    tasks = flat([[[0, 0, 0, 0], [1, -128, -128, -128]], [[0, 0, 1, 0], [0, 0, 0, -128]]], [0, 0])
    assert tasks.person.tolist() == [0, 0, 1]
    assert (tasks.best.tolist(), tasks.worst.tolist()) == ([2], [-1])


def test_only_tasks_that_are_asked_for() -> None:
    place = [[[0, -1, 1, 0], [1, 0, -1, -128]]]
    tasks = flat(place, [0], asked=[False, True])
    assert tasks.objects.tolist() == [3, 2, 1]


def test_kinds_decide_which_picks_are_read() -> None:
    place = [[[0, -1, 1, 0], [1, 0, -1, -128]]]
    tasks = flat(place, [0], kind=[["best", "worst"], ["best", "worst"]])
    assert tasks.best.tolist() == [2, -1]
    assert tasks.worst.tolist() == [-1, 2]
    assert tasks.worst_only.tolist() == [False, True]


def test_a_kind_without_likelihood_is_named_only_where_it_was_answered() -> None:
    kinds = [["poll", "best_worst"], ["poll", "best_worst"]]
    with pytest.raises(ValueError, match="no likelihood for tasks of kind poll"):
        flat([[[1, 2, 3, 4], [1, 0, -1, -128]]], [0], kind=kinds)
    assert len(flat([[[0, 0, 0, 0], [1, 0, -1, -128]]], [0], kind=kinds).best) == 1


def test_rankings_and_marginal_answers_become_plain_choices_in_their_order() -> None:
    kinds = [["best_worst", "rank"], ["rank", "best_worst"]]
    tasks = flat([[[0, -1, 1, 0], [2, 3, 1, -128]], [[0, 1, -128, 2], [-128] * 4]], [0, 1], kind=kinds, form="marginal")
    assert tasks.person.tolist() == [0, 4, 6]
    sets = [tasks.objects[a:b].tolist() for a, b in zip(tasks.start[:-1], tasks.start[1:], strict=True)]
    assert sets == [[0, 1, 2, 3], [0, 1, 2, 3], [3, 2, 1], [3, 2], [2, 3, 1], [2, 1]]
    assert tasks.best.tolist() == [2, -1, 2, 0, 1, 1]
    assert tasks.worst.tolist() == [-1, 1, -1, -1, -1, -1]
    assert tasks.worst_only.tolist() == [False, True, False, False, False, False]


def test_joint_answers_of_two_are_a_pair() -> None:
    tasks = flat([[[0, -1, 1, 0], [1, -1, -128, -128]]], [0], form="maxdiff")
    assert tasks.rule is not None
    assert tasks.rule.tolist() == [1, 0]
    assert flat([[[0, -1, 1, 0], [1, -1, 0, -128]]], [0]).rule is None


def test_ties_and_unknown_forms_are_refused() -> None:
    with pytest.raises(ValueError, match="ties, and 1 pairs are tied"):
        flat([[[1, 1, -128, -128], [0, 0, 0, -128]]], [0], kind="pair")
    with pytest.raises(ValueError, match="2 rankings with ties or places counted from the bottom"):
        flat([[[1, 2, 2, 3], [1, 0, -1, -128]]], [0], kind="rank")
    with pytest.raises(ValueError, match="unknown form 'logit'"):
        flat([[[1, 0, 0, 0], [0, 0, 0, -128]]], [0], form="logit")
