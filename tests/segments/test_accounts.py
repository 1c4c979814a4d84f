"""Accounts: the product of their people's likelihoods, not the mean of their posteriors."""

from dataclasses import replace

import numpy as np
import pytest

from cvmstats._numerics.logit import class_log_likelihood
from cvmstats._numerics.tasks import flatten
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.errors import RespondentsError, SegmentsError
from cvmstats.segments import assign_segments, fit_latent_class, segment_accounts


@pytest.fixture(scope="module")
def found(study):
    return fit_latent_class(study, 3, unit="respondent", n_starts=6)


def test_the_product_by_hand(study, found):
    accounts = segment_accounts(found, study)
    d = study.design
    tasks = flatten(d.shown, study.version, study.place, d.kind, len(d.objects))
    each = class_log_likelihood(tasks, found.model.means @ d.coding.T)
    joint = np.log(found.model.sizes) + each[0::2] + each[1::2]
    expected = np.exp(joint - np.logaddexp.reduce(joint, axis=1)[:, None])
    assert accounts.unit == "account"
    assert len(accounts.ids) == 60
    assert accounts.membership == pytest.approx(expected, abs=1e-10)
    soft = (found.membership[0::2] + found.membership[1::2]) / 2
    assert np.abs(accounts.membership - soft).max() > 0.1
    assert accounts.certainty > soft.max(axis=1).mean()


def test_people_of_an_account_need_not_stand_together(study, found):
    order = np.random.default_rng(0).permutation(study.n_respondents)
    one, two = segment_accounts(found, study), segment_accounts(found, study.take(order))
    where = {a: i for i, a in enumerate(two.ids)}
    assert two.membership[[where[a] for a in one.ids]] == pytest.approx(one.membership, abs=1e-10)


def test_the_same_people_get_the_same_membership(study, found):
    again = assign_segments(found, study)
    assert again.membership == pytest.approx(found.membership, abs=1e-9)
    assert again.bic == found.bic
    some = assign_segments(found, study.take([3, 1]))
    assert some.ids == ("r3", "r1")
    assert some.membership == pytest.approx(found.membership[[3, 1]], abs=1e-9)
    assert some.bic is None


def test_segments_of_accounts_assign_accounts(study):
    by_account = fit_latent_class(study, 3, n_starts=4)
    assert segment_accounts(by_account, study).membership == pytest.approx(by_account.membership, abs=1e-9)
    assert assign_segments(by_account, study.take(range(10))).ids == tuple(f"a{i:02d}" for i in range(5))
    assert assign_segments(by_account, study, unit="respondent").unit == "respondent"


def test_messages(study, found, without_accounts, with_people):
    accounts = list(study.respondents.accounts)
    accounts[4] = ""
    with pytest.raises(RespondentsError, match=r"1 of 120 respondents have no account\n  for example respondent 'r4'"):
        segment_accounts(found, with_people(account=accounts))
    with pytest.raises(RespondentsError, match="120 of 120 respondents have no account"):
        segment_accounts(found, without_accounts)
    with pytest.raises(SegmentsError, match="carry no model"):
        segment_accounts(replace(found, model=None), study)
    with pytest.raises(SegmentsError, match="found from utilities"):
        segment_accounts(replace(found, model=replace(found.model, route="utilities")), study)
    other = Design(objects=Items.from_labels([f"other {j}" for j in range(8)]), shown=study.design.shown)
    strange = Choices(design=other, respondents=study.respondents, version=study.version, place=study.place)
    with pytest.raises(SegmentsError, match="the segments speak of 8 items"):
        assign_segments(found, strange)
