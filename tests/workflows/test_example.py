"""The simulated study is what it says: figure, mixes, hooks, streams, dirt; and the oracle's integral is right."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cvmstats.errors import InputError
from cvmstats.workflows import make_study, oracle_membership
from cvmstats.workflows.figure_8b import NEEDS, SEGMENTS, grades, true_means
from cvmstats.workflows.profiles import HOOKS
from cvmstats.workflows.recovery import adjusted_rand_index, match_segments


@pytest.fixture(scope="module")
def study():
    return make_study(seed=3)


def test_the_figure_has_its_counts():
    table = grades()
    assert table.shape == (26, 5) == (len(NEEDS), len(SEGMENTS))
    # columns of figure 8b as printed: 8, 10, 7, 7 and 3 very important needs
    assert (table == 1).sum(axis=0).tolist() == [8, 10, 7, 7, 3]
    usual = (table == 1).sum(axis=1) >= 3
    assert ((table == 1) != usual[:, None]).sum() == 11


def test_lower_grades_are_those_of_the_stated_seed():
    table = grades()
    drawn = np.random.default_rng(8).integers(2, 6, table.shape)
    assert np.array_equal(table, np.where(table == 1, 1, drawn))


def test_very_important_stands_three_logits_above_the_middle_of_the_others():
    means, table = true_means().T, grades()
    for s in range(5):
        levels = [means[table[:, s] == g, s] for g in range(1, 6)]
        assert all(np.ptp(v) < 1e-12 for v in levels)
        lower = np.array([v[0] for v in levels[1:]])
        assert levels[0][0] - lower.mean() == pytest.approx(3.0)
        assert -np.diff(lower) == pytest.approx([0.5, 0.5, 0.5])


def test_sizes_mixes_and_people(study):
    truth = study.truth
    assert len(truth.accounts) == 400
    assert study.choices.n_respondents == 800
    assert study.design.shown.shape[1:] == (16, 5)
    assert truth.sample_shares.min() >= 0.14
    assert 0.20 <= np.abs(truth.sample_shares - truth.list_shares).sum() / 2 <= 0.25
    assert len(study.accounts) == len(truth.list_segment) == 8000
    # sd of 26 draws of a normal with sd .4, both roles the same size: four standard errors
    assert abs(truth.role_effects.std() - 0.4) < 4 * 0.4 / np.sqrt(2 * 26)
    assert np.allclose(truth.role_effects.sum(axis=0), 0)


def test_each_version_shows_all_items_equally_often(study):
    for sets in study.design.shown:
        counts = np.bincount(sets.ravel(), minlength=26)
        assert counts.max() - counts.min() <= 1


def test_accounts_of_the_sample_are_rows_of_the_list_in_the_same_segment(study):
    ids = list(study.accounts.ids)
    assert len(set(study.truth.accounts)) == 400
    for account, segment in zip(study.truth.accounts[:50], study.truth.segment, strict=False):
        assert ids.count(account) == 1
        assert study.truth.list_segment[ids.index(account)] == segment


def test_the_list_is_dirty(study):
    table = study.accounts.to_frame()
    assert any(v.startswith("0") for v in study.accounts.ids)
    assert study.accounts.duplicates
    assert not set(study.accounts.duplicates) & set(study.truth.accounts)
    assert table["employees"].isna().any()
    assert any(v.startswith("=") for v in table["name"])
    assert any(not v.isascii() for v in table["name"])
    values = set(table["sells online"])
    assert {"", "tbd", "NO", "no  "} <= values


def test_hooks_predict_and_firmographics_hardly_do(study):
    rng = np.random.default_rng(1)
    segment = rng.choice(5, size=40000, p=study.truth.sample_shares)
    from cvmstats.workflows.profiles import draw_hooks

    hooks = draw_hooks(segment, rng)
    score = np.log(study.truth.sample_shares) + sum(
        np.log(np.array(chances).T[[levels.index(v) for v in hooks[name]]]) for name, (levels, chances) in HOOKS.items()
    )
    # Bayes accuracy; what 400 accounts teach of it is some points less
    assert 0.74 < (score.argmax(axis=1) == segment).mean() < 0.82


def test_streams_are_apart_and_repeatable():
    first, again, longer = make_study(seed=5), make_study(seed=5), make_study(seed=5, n_list=9000)
    assert np.array_equal(first.choices.place, again.choices.place)
    pd.testing.assert_frame_equal(first.accounts.to_frame(), again.accounts.to_frame())
    assert np.array_equal(first.choices.place, longer.choices.place)
    assert not np.array_equal(first.choices.place, make_study(seed=6).choices.place)


def test_a_list_that_cannot_hold_the_sample_is_refused():
    with pytest.raises(InputError, match="at least three times as long"):
        make_study(n_accounts=400, n_list=900)


def test_the_written_table_is_that_of_the_source(shared_data: Path):
    source = shared_data.parent / "figure_8b.csv"
    if not source.is_file():
        pytest.skip(f"no source table at {source}")
    table = pd.read_csv(source)
    assert table["need"].tolist() == [need for _, need, _ in NEEDS]
    assert np.array_equal(table.iloc[:, 2:].to_numpy() == 1, grades() == 1)


def test_oracle_is_stable_when_its_draws_are_doubled():
    study = make_study(seed=1, n_accounts=40, n_list=200)
    some, more = (oracle_membership(study, n_draws=n) for n in (32, 64))
    assert np.abs(some - more).max() < 0.02
    assert np.abs(oracle_membership(study, n_draws=0) - more).max() < 0.05
    assert adjusted_rand_index(study.truth.segment, more.argmax(axis=1)) > 0.8


def test_oracle_is_calibrated():
    study = make_study(seed=2)
    p = oracle_membership(study, n_draws=0)
    hits = p.argmax(axis=1) == study.truth.segment
    expected, spread = p.max(axis=1), np.sqrt((p.max(axis=1) * (1 - p.max(axis=1))).sum())
    assert abs(hits.sum() - expected.sum()) < 4 * spread


def test_rand_index_and_matching():
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(0)
    a, b = rng.integers(4, size=200), rng.integers(3, size=200)
    assert adjusted_rand_index(a, b) == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)
    assert adjusted_rand_index(a, a + 7) == 1.0
    true = rng.normal(size=(5, 8))
    to_true, to_found = match_segments(true[[3, 1, 4, 0]], true)
    assert to_true.tolist() == [3, 1, 4, 0]
    assert to_found[[3, 1, 4, 0]].tolist() == [0, 1, 2, 3]
