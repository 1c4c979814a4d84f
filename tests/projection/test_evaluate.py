"""Evaluation: honest figures on accounts that were not seen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.accounts import Accounts
from cvmstats.errors import AccountsError
from cvmstats.projection import evaluate_classifier

HOOKS = ["process", "contract", "service", "buyer"]
FIRMOGRAPHICS = ["industry", "staff"]


@pytest.fixture(scope="module")
def evaluation(world):
    sets = {"hooks": HOOKS, "firmographics": FIRMOGRAPHICS, "both": HOOKS + FIRMOGRAPHICS}
    return evaluate_classifier(world.segments, world.accounts, columns=sets, n_repeats=2, seed=3)


def test_hooks_predict_and_firmographics_do_not(world, evaluation):
    table = evaluation.table().set_index("set")
    assert table.loc["hooks", "soft_hit_rate"] > table.loc["firmographics", "soft_hit_rate"] + 0.25
    assert abs(table.loc["firmographics", "soft_hit_rate"] - table.loc["firmographics", "base_rate"]) < 0.08
    assert table.loc["hooks", "soft_hit_rate"] < table.loc["hooks", "ceiling"]
    assert table.loc["hooks", "log_loss_skill"] > 0.2
    assert table.loc["firmographics", "log_loss_skill"] < 0.05
    gap = evaluation.differences.set_index(["first", "second"]).loc[("hooks", "firmographics")]
    assert 0 < gap["lower"] < gap["difference"] < gap["upper"]


def test_measures_by_hand(world, evaluation):
    membership = world.segments.membership
    one = evaluate_classifier(world.segments, world.accounts, columns=HOOKS, seed=3)
    p = one.probabilities["columns"]
    picked = p.argmax(axis=1)
    assert p.shape == (400, 5)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert one.hit_rate("columns") == pytest.approx(np.mean([membership[i, s] for i, s in enumerate(picked)]))
    assert one.hard_hit_rate("columns") == pytest.approx((picked == membership.argmax(axis=1)).mean())
    assert one.base_rate == pytest.approx(membership.sum(axis=0).max() / 400)
    assert one.ceiling == pytest.approx(membership.max(axis=1).mean())
    first = one.segment_table().iloc[0]
    assert first["recall"] == pytest.approx(membership[picked == 0, 0].sum() / membership[:, 0].sum())
    assert first["precision"] == pytest.approx(membership[picked == 0, 0].mean())


def test_labels_that_are_shuffled_are_not_predicted(world):
    order = np.random.default_rng(0).permutation(400)
    shuffled = dataclasses.replace(world.segments, membership=world.segments.membership[order])
    result = evaluate_classifier(shuffled, world.accounts, columns=HOOKS, seed=1)
    assert result.hit_rate("columns") < result.base_rate + 0.03
    assert result.log_loss_skill("columns") < 0.03


def test_a_column_of_ids_gives_nothing(world):
    table = world.accounts.to_frame().assign(name=[f"Company {i}" for i in range(len(world.accounts))])
    result = evaluate_classifier(world.segments, Accounts(table=table), columns=["name"], seed=1)
    assert result.hit_rate("columns") <= result.base_rate + 1e-9


def test_folds_are_the_same_for_all_sets(world):
    sets = {"one": HOOKS, "two": HOOKS}
    result = evaluate_classifier(world.segments, world.accounts, columns=sets, seed=1)
    np.testing.assert_array_equal(result.probabilities["one"], result.probabilities["two"])
    assert result.differences["difference"].tolist() == [0.0]
    assert "no clear difference from two" in result.verdict


def test_verdict_and_repr(evaluation):
    assert "points more than firmographics" in evaluation.verdict
    assert evaluation.verdict.count(".") == 1
    assert "400 accounts, 5 folds x 2" in repr(evaluation)
    assert "base rate" in evaluation._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        evaluation.probabilities["hooks"][0, 0] = 1


def test_too_few_accounts(world):
    few = dataclasses.replace(world.segments, ids=world.segments.ids[:8], membership=world.segments.membership[:8])
    with pytest.raises(AccountsError, match="8 accounts are too few for 5 folds"):
        evaluate_classifier(few, world.accounts, columns=HOOKS)


def test_more_than_one_row_per_account_changes_nothing(world):
    table = world.accounts.to_frame()
    doubled = Accounts(table=pd.concat([table, table.iloc[:400]], ignore_index=True))
    one = evaluate_classifier(world.segments, world.accounts, columns=HOOKS, seed=1)
    two = evaluate_classifier(world.segments, doubled, columns=HOOKS, seed=1)
    np.testing.assert_array_equal(one.probabilities["columns"], two.probabilities["columns"])
