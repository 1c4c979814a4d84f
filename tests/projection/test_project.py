"""From the survey to every account of the list, with a known truth."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pandas as pd
import pytest

from cvmstats.data.accounts import Accounts
from cvmstats.data.scorer import Scorer
from cvmstats.errors import AccountsError, ScorerError, SegmentsError
from cvmstats.projection import fit_classifier, project, write_accounts
from cvmstats.projection.read import read_accounts

HOOKS = ["process", "contract", "service", "buyer"]


@pytest.fixture(scope="module")
def scorer(world):
    return fit_classifier(world.segments, world.accounts, seed=1)


def test_no_account_is_lost_and_none_moves(world, scorer, tmp_path):
    result = project(scorer, world.accounts)
    assert result.ids == world.accounts.ids
    pd.testing.assert_frame_equal(result.table[list(world.accounts.table)], world.accounts.table)
    new = ["p_A", "p_B", "p_C", "p_D", "p_E", "segment", "probability", "caution"]
    assert list(result.table)[-8:] == new
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(result.probabilities.mean(axis=0), result.corrected, atol=1e-6)
    write_accounts(result, tmp_path / "a.csv")
    back = read_accounts(tmp_path / "a.csv", neutralised=True)
    assert back.ids == world.accounts.ids
    np.testing.assert_array_equal(back.table[new[:5]].to_numpy(float), result.probabilities)


def test_accuracy_is_near_the_best_possible(world, scorer):
    assert 0.70 < world.bayes < 0.82
    p = scorer.probabilities(world.accounts)[len(world.sample_truth) :]
    right = (project(scorer, world.accounts).probabilities.argmax(axis=1) == world.truth)[len(world.sample_truth) :]
    assert right.mean() > world.bayes - 0.05
    sure = p.max(axis=1)
    assert abs(sure.mean() - (p.argmax(axis=1) == world.truth[len(world.sample_truth) :]).mean()) < 0.08


def test_corrected_sizes_beat_naive_ones_and_latent_labels_beat_soft_ones(worlds):
    naive, latent, soft, covered = [], [], [], []
    for w in worlds:
        result = project(fit_classifier(w.segments, w.accounts), w.accounts)
        flat = project(fit_classifier(w.segments, w.accounts, labels="soft"), w.accounts, interval=False)
        naive.append(np.abs(result.naive - w.sizes).max())
        latent.append(np.abs(result.corrected - w.sizes).max())
        soft.append(np.abs(flat.corrected - w.sizes).max())
        covered.append((result.interval[:, 0] <= w.sizes) & (w.sizes <= result.interval[:, 1]))
    assert np.median(latent) < 0.7 * np.median(naive)
    assert np.median(latent) < 0.05
    assert np.mean(latent) < np.mean(soft)
    assert np.mean(covered) >= 0.8


def test_cautions_name_the_column_and_the_value(world, scorer):
    result = project(scorer, world.accounts)
    n = len(world.sample_truth)
    assert result.table["caution"][n + 10] == "process: 'auction' unknown"
    assert result.table["caution"][n + 11] == "staff: missing"
    assert result.table["caution"][n + 14] == ""  # ' ALPHA ' is known
    assert any("1 of 6,400 accounts have unknown values" in text for text in result.cautions)
    assert "1 of 6,400 accounts have missing values" in repr(result)


def test_an_unknown_value_adds_nothing(world, scorer):
    row = world.accounts.table.iloc[[0]].assign(process="auction")
    whole = scorer.encoding.encode(row)
    assert not whole[0, : len(scorer.encoding.codes[0].names)].any()
    np.testing.assert_allclose(scorer.coefficients[: len(scorer.encoding.codes[0].names)].sum(axis=0), 0, atol=1e-5)


def test_surveyed_accounts_may_keep_their_membership(world, scorer):
    result = project(scorer, world.accounts, segments=world.segments, interval=False)
    n = len(world.sample_truth)
    np.testing.assert_allclose(result.probabilities[:n], world.segments.membership)
    assert set(result.table["caution"][:n]) == {"surveyed"}
    plain = project(scorer, world.accounts, interval=False)
    np.testing.assert_array_equal(result.probabilities[n:], plain.probabilities[n:])
    renamed = dataclasses.replace(world.segments, names=tuple("VWXYZ"))
    with pytest.raises(SegmentsError, match="expected those that the scorer was fitted to"):
        project(scorer, world.accounts, segments=renamed)


def test_the_file_gives_the_same_probabilities_to_the_last_bit(world, scorer, tmp_path):
    again = Scorer.load(scorer.save(tmp_path / "scorer.json"))
    np.testing.assert_array_equal(again.probabilities(world.accounts), scorer.probabilities(world.accounts))
    one, two = project(again, world.accounts), project(scorer, world.accounts)
    np.testing.assert_array_equal(one.interval, two.interval)
    assert again.to_json() == scorer.to_json()


def test_same_seed_same_scorer(world, scorer):
    assert fit_classifier(world.segments, world.accounts, seed=1).to_json() == scorer.to_json()
    assert fit_classifier(world.segments, world.accounts, seed=2).to_json() != scorer.to_json()


def test_labels_of_segments_permuted_permute_the_answer(world, scorer):
    order = [3, 1, 4, 0, 2]
    permuted = dataclasses.replace(
        world.segments, membership=world.segments.membership[:, order], names=tuple("ABCDE"[i] for i in order)
    )
    kwargs = {"penalty": 1.0, "n_draws": 0}
    one = fit_classifier(world.segments, world.accounts, **kwargs).coefficient_table()
    two = fit_classifier(permuted, world.accounts, **kwargs).coefficient_table()
    raw = (one - one.to_numpy()[0].mean()).iloc[1:]
    assert np.corrcoef(raw.to_numpy().ravel(), two[list("ABCDE")].iloc[1:].to_numpy().ravel())[0, 1] > 0.999


def test_surveyed_accounts_that_are_not_on_the_list(world):
    fewer = world.accounts.take(range(3, len(world.accounts)))
    message = (
        r"3 of 400 surveyed accounts are not on the list\n  for example '000', '001', '002'; the list has ids like"
    )
    with pytest.raises(AccountsError, match=message):
        fit_classifier(world.segments, fewer)


def test_rows_that_contradict_each_other(world):
    table = world.accounts.to_frame()
    same = Accounts(table=pd.concat([table, table.iloc[[0]].assign(process=" " + table["process"][0].upper())]))
    left, right = fit_classifier(world.segments, same), fit_classifier(world.segments, world.accounts)
    np.testing.assert_array_equal(left.coefficients, right.coefficients)
    other = "alpha" if table["process"][0] != "alpha" else "beta"
    torn = Accounts(table=pd.concat([table, table.iloc[[0]].assign(process=other)]))
    with pytest.raises(
        AccountsError, match=r"1 surveyed accounts have rows .* contradict each other\n.*'000 differs in"
    ):
        fit_classifier(world.segments, torn)
    fit_classifier(world.segments, torn, columns=["contract", "service"], n_draws=0)


def test_columns_by_default(world):
    table = world.accounts.to_frame()
    table["name"] = [f"Company {i}" for i in range(len(table))]
    table["same"] = "x"
    table["empty"] = ""
    found = fit_classifier(world.segments, Accounts(table=table), n_draws=0)
    assert found.columns == (*HOOKS, "industry", "staff")
    assert found.details["left_out"] == "name, same, empty"
    with pytest.raises(
        AccountsError, match=r"1 of 1 columns are not in the table\n.*'proces'\n  did you mean 'process'"
    ):
        fit_classifier(world.segments, world.accounts, columns=["proces"])
    with pytest.raises(AccountsError, match="none of the 3 columns of the list can be used"):
        fit_classifier(world.segments, Accounts(table=table[["id", "name", "same", "empty"]]))


def test_respondents_are_refused(world):
    people = dataclasses.replace(world.segments, unit="respondent")
    with pytest.raises(SegmentsError, match=r"the segments are of respondents\n  expected accounts: segment_accounts"):
        fit_classifier(people, world.accounts)


def test_columns_that_tell_nothing_are_refused_for_sizes(world):
    table = world.accounts.to_frame().assign(noise=np.arange(len(world.accounts)) % 3)
    noise = fit_classifier(world.segments, Accounts(table=table), columns=["noise"])
    with pytest.raises(ScorerError, match=r"cannot be corrected: the condition number .* more than 30\n") as error:
        project(noise, Accounts(table=table))
    assert "project(..., correct=False)" in str(error.value)
    plain = project(noise, Accounts(table=table), correct=False)
    assert plain.corrected is None
    np.testing.assert_allclose(plain.sizes, plain.probabilities.mean(axis=0))


def test_a_scored_list_is_not_scored_over(world, scorer):
    first = project(scorer, world.accounts, interval=False)
    again = Accounts(table=first.to_frame())
    with pytest.raises(AccountsError, match=r"8 columns that are to be written are on the list already"):
        project(scorer, again)
    second = project(scorer, again.without([c for c in first.table if c not in world.accounts.table]), interval=False)
    pd.testing.assert_frame_equal(first.table, second.table)


def test_a_large_list_takes_seconds(world, scorer):
    many = Accounts(table=pd.concat([world.accounts.table] * 16, ignore_index=True))
    start = time.perf_counter()
    assert len(project(scorer, many)) == 102_400
    assert time.perf_counter() - start < 10
