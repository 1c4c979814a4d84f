"""The check of a prior: its draws against their distributions, its probabilities by hand, what it remarks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from cvmstats.data.attributes import Attributes
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.errors import ChoicesError, InputError, UtilitiesError
from cvmstats.utilities.options import Prior
from cvmstats.utilities.prior_predictive import _chances, check_prior, draw_populations

DESIGN = Design(objects=Items.from_labels("abcdef"), shown=[[[0, 1, 2, 3], [2, 3, 4, 5], [0, 4, 5, -1]]])


@pytest.mark.parametrize("prior", [Prior(), Prior("bayesm"), Prior("inverse-wishart", expected_cov=0.5, mean_sd=1.0)])
def test_draws_are_the_priors(prior: Prior) -> None:
    """Kolmogorov-Smirnov at p > .001 for 6 quantities of 3,000 draws (fixed seed)."""
    n, k = 3000, 3
    found = prior.resolve(k)
    mean, root = draw_populations(found, n, np.random.default_rng(5))
    cov = root @ root.swapaxes(1, 2)
    at = np.sqrt(np.diagonal(np.linalg.inv(found.mean_precision)))
    for i in range(k):
        assert stats.kstest(mean[:, i], stats.norm(0, at[i]).cdf).pvalue > 0.001
        variance = cov[:, i, i]
        if prior.name == "huang-wand":  # half-t standard deviations
            assert stats.kstest(np.sqrt(variance), lambda x: 2 * stats.t(2, scale=2).cdf(x) - 1).pvalue > 0.001
        else:  # S_ii / Sigma_ii ~ chi2(df - K + 1)
            assert stats.kstest(found.iw_scale[i, i] / variance, stats.chi2(found.iw_df - k + 1).cdf).pvalue > 0.001


def test_chances_by_hand() -> None:
    u = np.array([[[1.0, 0.0, -2.0, 0.5], [0.0, 3.0, 0.0, 0.0]]])
    shown = np.array([[[0, 1, 2], [3, 1, -1], [0, 2, 3]]])
    sign, joint = np.array([[1.0, -1.0, 1.0]]), np.array([[False, False, True]])
    got = _chances(u, shown, sign, joint)
    for person in (0, 1):
        v = u[0, person]
        np.testing.assert_allclose(got[0, person, 0], np.exp(v[:3]) / np.exp(v[:3]).sum())
        np.testing.assert_allclose(got[0, person, 1], [*np.exp(-v[[3, 1]]) / np.exp(-v[[3, 1]]).sum(), 0])
        pairs = {(b, w): np.exp(v[b] - v[w]) for b, w in itertools.permutations([0, 2, 3], 2)}
        best = [sum(p for (b, _), p in pairs.items() if b == j) / sum(pairs.values()) for j in (0, 2, 3)]
        np.testing.assert_allclose(got[0, person, 2], best)


def test_two_items_by_quadrature() -> None:
    """With one parameter and hardly any spread between people p = expit(sqrt(2) m), m ~ N(0, 1)."""
    pair = Design(objects=Items.from_labels("ab"), shown=[[[0, 1]]], kind="pair")
    found = check_prior(pair, Prior("inverse-wishart", degrees_of_freedom=200, expected_cov=1e-6, mean_sd=1.0), n=20_000)
    m = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    p = 1 / (1 + np.exp(-np.sqrt(2) * m))
    best = np.maximum(p, 1 - p)
    np.testing.assert_allclose(found.favourite.mean(), best.mean(), atol=4 * best.std() / np.sqrt(20_000))
    np.testing.assert_allclose(found.top_share.mean(), best.mean(), atol=4 * best.std() / np.sqrt(20_000))
    np.testing.assert_allclose(found.open, 0)
    entropy = np.exp(best * np.log(best) + (1 - best) * np.log(1 - best)) * 2
    np.testing.assert_allclose(found.fit.mean(), entropy.mean(), atol=4 * entropy.std() / np.sqrt(20_000))
    np.testing.assert_allclose(np.median(found.people_sd), 1e-3 / np.sqrt(2), rtol=0.01)


def test_what_an_analyst_sees() -> None:
    found = check_prior(DESIGN, seed=1)
    assert repr(found).startswith("PriorCheck  huang-wand, 500 populations x 20 people, sequential form\n  favourite of a")
    assert found.chance == pytest.approx((1 / 4 + 1 / 4 + 1 / 3) / 3)
    assert found.remarks == ()
    table = found.to_frame(level=0.5).set_index("quantity")
    assert table.loc["choices with p > 0.99", "mean"] == found.certain
    np.testing.assert_allclose(table.loc["sd between people", "upper"], np.quantile(found.people_sd, 0.75))
    assert found._repr_html_().startswith("<pre>PriorCheck")
    again = check_prior(DESIGN, seed=1)
    np.testing.assert_array_equal(again.favourite, found.favourite)
    assert (check_prior(DESIGN, form="maxdiff", seed=1).favourite >= found.favourite - 1e-9).mean() > 0.5


def test_remarks() -> None:
    (certain,) = check_prior(DESIGN, Prior("inverse-wishart", expected_cov=100.0)).remarks
    assert certain.startswith("near-deterministic: in ")
    assert "a smaller scale, prior variance or mean_sd" in certain
    (random,) = check_prior(DESIGN, Prior("inverse-wishart", expected_cov=0.001, mean_sd=0.05)).remarks
    assert random.startswith("next to random: 100% of people")
    assert "heavy tail" in " ".join(check_prior(DESIGN, Prior(nu=0.5)).remarks)


def test_profiles_and_kinds() -> None:
    parts = Attributes.from_dict({"price": [10, 20, 30], "brand": ["A", "B"]}, linear=["price"])
    offers = Profiles(attributes=parts, levels=[[0, 1], [1, 0], [2, 0], [-1, -1]])
    design = Design(objects=offers, shown=[[[0, 1, 3], [1, 2, 3]]], kind="best")
    found = check_prior(design, Prior("sawtooth"), n=50)
    assert found.people_sd.shape == (50, 6)
    assert found.form == "logit"


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: check_prior(DESIGN, n=3), InputError, "n is 3\n  expected a whole number of populations, at least 10"),
    (lambda: check_prior(DESIGN, form="rank"), ChoicesError, "unknown form 'rank'"),
    (lambda: check_prior(DESIGN, Prior("bayesm", reference="z")), InputError, "unknown reference 'z'"),
    (lambda: check_prior(DESIGN, n=10).to_frame(level=2), UtilitiesError, "level is 2"),
])  # fmt: skip
def test_what_is_refused(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()  # type: ignore[operator]
