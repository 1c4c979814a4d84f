"""Latent classes find a known truth, and weights mean what they say."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from cvmstats._numerics.logit import class_log_likelihood
from cvmstats._numerics.tasks import FORMS, flatten
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents
from cvmstats.data.store import load, save
from cvmstats.errors import ChoicesError, ConvergenceWarning, RespondentsError, SegmentsError
from cvmstats.segments import assign_segments, choose_segments, fit_latent_class
from cvmstats.survey.simulate import simulate_choices
from tests.segments.conftest import MEANS


def test_a_known_truth_is_found(study, truth):
    found = fit_latent_class(study, 3)
    assert found.unit == "account"
    assert found.ids[:2] == ("a00", "a01")
    assert adjusted_rand_score(truth, found.labels) > 0.85
    assert found.starts_at_best >= 5
    assert (np.diff(found.sizes) <= 0).all()
    people = fit_latent_class(study, 3, unit="respondent")
    assert adjusted_rand_score(np.repeat(truth, 2), people.labels) > 0.7
    assert people.certainty < found.certainty


def test_the_log_likelihood_is_the_plain_one(study):
    found = fit_latent_class(study, 3, unit="respondent", n_starts=4)
    d = study.design
    tasks = flatten(d.shown, study.version, study.place, d.kind, len(d.objects))
    logs = class_log_likelihood(tasks, found.model.means @ d.coding.T) + np.log(found.model.sizes)
    total = np.logaddexp.reduce(logs, axis=1).sum()
    assert found.log_likelihood == pytest.approx(total, abs=1e-6)
    assert found.bic == pytest.approx(-2 * total + (3 * 7 + 2) * np.log(120), abs=1e-6)


def test_same_seed_same_answer_and_order_of_people_does_not_matter(study):
    one, two = (fit_latent_class(study, 3, seed=4, n_starts=6, threads=t) for t in (1, 2))
    assert (one.membership == two.membership).all()
    turned = np.arange(study.n_respondents)[::-1]
    other = fit_latent_class(study.take(turned), 3, n_starts=6)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=0.01)
    assert other.membership[::-1] == pytest.approx(one.membership, abs=0.01)
    drawn = fit_latent_class(study, 3, seed=np.random.default_rng(4), n_starts=6)
    assert drawn.log_likelihood == pytest.approx(one.log_likelihood, abs=0.01)


def test_frequency_weights_are_copies(study):
    few = study.take(np.arange(40))
    table = few.respondents.to_frame().assign(weight=np.tile([1.0, 2.0], 20))
    weighted = few.with_respondents(Respondents(table=table, weight_kind="frequency"))
    rows = np.repeat(np.arange(40), np.tile([1, 2], 20))
    ids = [f"c{i}" for i in range(len(rows))]
    frame = few.respondents.to_frame().iloc[rows].assign(id=ids)
    copies = Choices(design=few.design, respondents=Respondents(table=frame), version=few.version[rows],
                     place=few.place[rows])  # fmt: skip
    for unit in ("respondent", "account"):
        a, b = (fit_latent_class(c, 2, unit=unit, n_starts=60) for c in (weighted, copies))
        assert a.log_likelihood == pytest.approx(b.log_likelihood, abs=0.02)
        assert a.bic == pytest.approx(b.bic, abs=0.05)
        assert a.sizes == pytest.approx(b.sizes, abs=1e-2)


def test_sampling_weights_scale_to_kish(study, with_people):
    weight = np.tile([1.0, 3.0], 60)
    found = fit_latent_class(with_people(weight=weight, weight_kind="sampling"), 2, unit="respondent", n_starts=2)
    assert found.settings["n_units"] == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    other = fit_latent_class(with_people(weight=10 * weight, weight_kind="sampling"), 2, unit="respondent", n_starts=2)
    assert other.log_likelihood == pytest.approx(found.log_likelihood)


def test_bic_finds_the_number_and_the_table_says_it(study):
    choice = choose_segments(study, range(1, 5), n_starts=8)
    assert choice.best.n_segments == 3
    table = choice.table()
    assert list(table["n_segments"]) == [1, 2, 3, 4]
    assert (np.diff(table["log_likelihood"]) > 0).all()
    assert table["n_parameters"].tolist() == [7, 15, 23, 31]
    assert table["entropy"].between(0, 1).all()
    assert choice[2].n_segments == 2
    assert "BIC lowest at 3" in repr(choice)
    with pytest.raises(KeyError, match="no fit with 9 segments; there are 1, 2, 3, 4"):
        choice[9]
    with pytest.raises(SegmentsError, match="n_segments is empty"):
        choose_segments(study, [])


def test_save_and_load(study, tmp_path):
    found = fit_latent_class(study, 2, n_starts=2, names=["big", "small"])
    back = load(save(found, tmp_path / "segments.cvm"))
    assert back.names == ("big", "small")
    assert (back.model.mean_cov == found.model.mean_cov).all()


def test_robust_errors_are_near_the_models(study):
    plain, robust = (fit_latent_class(study, 3, n_starts=4, errors=e) for e in ("information", "robust"))
    assert (robust.model.means == plain.model.means).all()
    ratio = np.trace(robust.model.mean_cov.sum(0)) / np.trace(plain.model.mean_cov.sum(0))
    assert 0.7 < ratio < 1.6


@pytest.mark.parametrize("kind", ["pair", "rank", "marginal", "maxdiff"])
def test_segments_are_found_from_other_questions(study, truth, kind):
    rng = np.random.default_rng(4)
    size = 2 if kind == "pair" else 4
    shown = np.array([[rng.permutation(8)[:size] for _ in range(20 if kind == "pair" else 8)] for _ in range(6)])
    design = Design(objects=study.design.objects, shown=shown, kind=kind if kind in ("pair", "rank") else "best_worst")
    utilities = np.repeat(MEANS[truth], 2, axis=0) + rng.normal(0, 0.3, (120, 8))
    form = kind if kind in FORMS else "sequential"
    answers = simulate_choices(utilities, design, study.respondents, form=form.replace("marginal", "sequential"), seed=1)
    found = fit_latent_class(answers, 3, n_starts=6, form=form)
    assert adjusted_rand_score(truth, found.membership.argmax(axis=1)) > 0.9
    again = assign_segments(found, answers)
    np.testing.assert_allclose(again.membership, found.membership, atol=1e-4)


def test_holdout_blocks_do_not_count(study):
    parts = {n: getattr(study.design, n) for n in ("objects", "shown")}
    held = Design(**parts, block=("MaxDiff",) * 6 + ("holdout",) * 2)
    fewer = Design(objects=held.objects, shown=held.shown[:, :6])
    one = Choices(design=held, respondents=study.respondents, version=study.version, place=study.place)
    other = Choices(design=fewer, respondents=study.respondents, version=study.version, place=study.place[:, :6])
    assert fit_latent_class(one, 2, n_starts=2).log_likelihood == fit_latent_class(other, 2, n_starts=2).log_likelihood


def test_messages(study, without_accounts, with_people):
    with pytest.raises(SegmentsError, match="0 segments of 60 accounts\n  expected 1 to 60"):
        fit_latent_class(study, 0)
    with pytest.raises(SegmentsError, match="0 starts"):
        fit_latent_class(study, 2, n_starts=0)
    with pytest.raises(SegmentsError, match="unknown unit 'firm'"):
        fit_latent_class(study, 2, unit="firm")
    with pytest.raises(ChoicesError, match="unknown form 'exploded' of best-worst tasks"):
        fit_latent_class(study, 2, form="exploded")
    with pytest.raises(RespondentsError, match="120 of 120 respondents have no account\n  for example respondent 'r0'"):
        fit_latent_class(without_accounts, 2, unit="account")
    silent = Choices(design=study.design, respondents=study.respondents, version=study.version,
                     place=np.zeros_like(study.place))  # fmt: skip
    with pytest.raises(ChoicesError, match="none of 120 respondents answered"):
        fit_latent_class(silent, 2)
    with pytest.warns(ConvergenceWarning, match="3 of 3 starts stopped after 1 iterations"):
        fit_latent_class(study, 3, n_starts=3, max_iterations=1)
    assert fit_latent_class(without_accounts, 1, n_starts=1).unit == "respondent"


def test_real_study(shared_data):
    long = pd.read_csv(shared_data / "bws1_issues_white2021" / "responses_long.csv")
    items = Items.from_labels(sorted(long["item"].unique()))
    place = {name: i for i, name in enumerate(items.ids)}
    n, t = long["respondent_id"].nunique(), long["task"].nunique()
    long = long.sort_values(["respondent_id", "task", "position"])
    shown = long["item"].map(place).to_numpy().reshape(n, t, -1)
    version = np.arange(n)
    choices = Choices(
        design=Design(objects=items, shown=shown), version=version,
        respondents=Respondents.from_ids(str(i) for i in long["respondent_id"].unique()),
        place=long["choice"].to_numpy().reshape(shown.shape),
    )  # fmt: skip
    # Pooled sequential log-likelihood of the study: its reference_computed.csv.
    assert fit_latent_class(choices, 1, prior_sd=np.inf).log_likelihood == pytest.approx(-10284.83, abs=0.01)
    three = fit_latent_class(choices, 3, n_starts=8)
    assert three.log_likelihood > -10000
    assert three.unit == "respondent"
