"""Priors of other programs in our coordinates: their own coding by hand, symmetry of the items, the last wave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cvmstats.data.attributes import Attributes, level_coding, level_items
from cvmstats.data.coding import anchored_coding, sum_to_zero_basis
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.data.scales import SCALES
from cvmstats.data.utilities import Population, Utilities
from cvmstats.errors import InputError, UtilitiesError
from cvmstats.utilities.options import PRIORS, Prior, ResolvedPrior

J = 5
ITEMS = Design(objects=Items.from_labels("abcde"), shown=[[[0, 1, 2, 3], [1, 2, 3, 4]]])
DUMMY = np.hstack([np.eye(J - 1), -np.ones((J - 1, 1))])
"""Utilities (J) to dummy coding: less the last item."""


def resolved(prior: Prior, design: Design = ITEMS) -> ResolvedPrior:
    return prior.resolve(np.asarray(design.coding).shape[1], design.parameter_block, design=design)


def variance(prior: Prior, design: Design = ITEMS) -> np.ndarray:
    """V / nu of what people read (L, L)."""
    found = resolved(prior, design)
    return np.asarray(design.report @ found.iw_scale @ design.report.T / found.iw_df)


def mean_cov(prior: Prior, design: Design = ITEMS) -> np.ndarray:
    return np.asarray(design.report @ np.linalg.inv(resolved(prior, design).mean_precision) @ design.report.T)


def test_sawtooth_in_dummy_coding() -> None:
    """Prior variance 2 of independent items: 4 on the diagonal and 2 off it of the items less the last; 5 more degrees."""
    prior = Prior("sawtooth")
    np.testing.assert_allclose(DUMMY @ variance(prior) @ DUMMY.T, 2 * np.eye(J - 1) + 2, atol=1e-12)
    assert resolved(prior).iw_df == J - 1 + 5
    np.testing.assert_allclose(variance(Prior("sawtooth", prior_variance=0.5)), variance(prior) / 4)


def test_sawtooth_has_variance_1_for_levels_and_an_anchor_is_an_item() -> None:
    parts = Attributes.from_dict({"price": [10, 20, 30], "brand": ["A", "B"]}, linear=["price"])
    offers = Design(objects=Profiles(attributes=parts, levels=[[0, 1], [1, 0], [-1, -1]]), shown=[[[0, 1, 2]]], kind="best")
    np.testing.assert_allclose(resolved(Prior("sawtooth"), offers).iw_scale, (3 + 5) * np.eye(3))
    things = Items.from_labels("abcde")
    anchored = Design(objects=things, shown=[[[0, 1, 2, 3]]], **anchored_coding(things.labels, "c")._asdict())
    above = np.delete(np.delete(variance(Prior("sawtooth"), anchored), 2, axis=0), 2, axis=1)
    np.testing.assert_allclose(above, 2 * np.eye(J - 1) + 2, atol=1e-12)


def test_choicemodelr_in_effects_coding() -> None:
    """V / nu = 2 V0, V0 = 1 - 1/n and -1/n; E[Sigma] = 12 V0 at K = 19 (nu = 24); m ~ N(0, Sigma / .01)."""
    n = 20
    design = Design(objects=Items.from_labels(map(str, range(n))), shown=[[[0, 1, 2]]])
    prior = resolved(Prior("choicemodelr"), design)
    effects = sum_to_zero_basis(n)[:-1]
    v0 = np.eye(n - 1) - 1 / n
    assert prior.iw_df == 24
    np.testing.assert_allclose(effects @ prior.iw_scale @ effects.T / 24, 2 * v0, atol=1e-12)
    np.testing.assert_allclose(effects @ prior.iw_scale @ effects.T / (24 - 19 - 1), 12 * v0, atol=1e-12)
    np.testing.assert_allclose(effects @ np.linalg.inv(prior.mean_precision) @ effects.T, 200 * v0, atol=1e-9)


@pytest.mark.parametrize("reference", [None, "b"])
def test_bayesm_in_reference_coding(reference: str | None) -> None:
    prior = Prior("bayesm", reference=reference)
    found, at = resolved(prior), "abcde".index(reference or "e")
    less = np.delete(np.eye(J), at, axis=0) - np.eye(J)[at]
    np.testing.assert_allclose(less @ variance(prior) @ less.T, np.eye(J - 1), atol=1e-12)
    np.testing.assert_allclose(less @ mean_cov(prior) @ less.T, 100 * np.eye(J - 1), atol=1e-9)
    assert found.iw_df == J - 1 + 3
    assert not found.diagonal
    if reference is None:
        alone = prior.resolve(J - 1)  # without a design: our basis of the items
        np.testing.assert_allclose(alone.iw_scale, found.iw_scale, atol=1e-12)


def test_bayesm_for_profiles_case_2_and_anchors() -> None:
    parts = Attributes.from_dict({"price": [10, 20, 30], "brand": ["A", "B", "C"]}, linear=["price"])
    offers = Profiles(attributes=parts, levels=[[0, 1], [1, 0], [-1, -1]])
    design = Design(objects=offers, shown=[[[0, 1, 2]]], kind="best")
    got = variance(Prior("bayesm", reference="brand: B"), design)
    a, b, c = 3, 4, 5
    less = np.zeros((2, len(got)))
    less[0, [a, b]], less[1, [c, b]] = (1, -1), (1, -1)
    np.testing.assert_allclose(less @ got @ less.T, np.eye(2), atol=1e-12)
    assert got[-1, -1] == pytest.approx(1)  # none
    assert resolved(Prior("bayesm"), design).iw_scale[0, 0] == pytest.approx(4 + 3)  # the slope, in its own units
    plain = Attributes.from_dict({"price": [10, 20, 30], "brand": ["A", "B"]})
    levels = Design(objects=level_items(plain), shown=[[[0, 3], [1, 4], [2, 3]]], **level_coding(plain)._asdict())
    less = np.hstack([np.eye(4), -np.ones((4, 1))])
    np.testing.assert_allclose(less @ variance(Prior("bayesm"), levels) @ less.T, np.eye(4), atol=1e-12)
    things = Items.from_labels("abcde")
    anchored = Design(objects=things, shown=[[[0, 1, 2, 3]]], **anchored_coding(things.labels, "b")._asdict())
    above = np.delete(np.delete(variance(Prior("bayesm"), anchored), 1, axis=0), 1, axis=1)
    np.testing.assert_allclose(above, np.eye(4), atol=1e-12)
    last = anchored_coding(things.labels, "e")
    np.testing.assert_allclose(Prior("bayesm").resolve(4, last.parameter_block).iw_scale,
                               resolved(Prior("bayesm"), Design(objects=things, shown=[[[0, 1]]], **last._asdict())).iw_scale,
                               atol=1e-12)  # fmt: skip


@pytest.mark.parametrize("name", ["huang-wand", "inverse-wishart", "sawtooth", "choicemodelr"])
def test_no_item_is_a_reference(name: str) -> None:
    """Exchangeable: any two orders of the items, so any two reported references, have one prior on shares."""
    for cov in (variance(Prior(name)), mean_cov(Prior(name))):
        np.testing.assert_allclose(np.diagonal(cov), cov[0, 0], atol=1e-12)
        np.testing.assert_allclose(cov[~np.eye(J, dtype=bool)], cov[0, 1], atol=1e-12)


@pytest.mark.parametrize(("n", "reference_sd", "others_sd"), [(5, 0.400, 0.872), (13, 0.266, 0.958), (20, 0.218, 0.973)])
def test_bayesm_holds_the_reference_tighter(n: int, reference_sd: float, others_sd: float) -> None:
    """Prior sd of centred utilities at Sigma = V / nu: sqrt(n - 1) / n, the others sqrt(1 - 2 / n + (n - 1) / n^2)."""
    design = Design(objects=Items.from_labels(map(str, range(n))), shown=[[[0, 1, 2]]])
    sd = np.sqrt(np.diagonal(variance(Prior("bayesm"), design)))
    np.testing.assert_allclose(sd[-1], reference_sd, atol=5e-4)
    np.testing.assert_allclose(sd[:-1], others_sd, atol=5e-4)
    np.testing.assert_allclose(np.sqrt(np.diagonal(mean_cov(Prior("bayesm"), design))), 10 * sd)


def fitted(design: Design = ITEMS, *, cov: Any = "given") -> Utilities:
    k = np.asarray(design.coding).shape[1]
    rng = np.random.default_rng(1)
    root = rng.normal(size=(k, 2 * k))
    spread = root @ root.T / k
    population = Population(mean=rng.normal(size=k), mean_cov=spread / 30 + 0.01 * np.ones((k, k)),
                            cov=spread if isinstance(cov, str) else cov)  # fmt: skip
    return Utilities(design=design, respondents=Respondents.from_ids(map(str, range(30))), mean=np.zeros((30, k)),
                     sd=np.ones((30, k)), method="test", form="sequential", population=population)  # fmt: skip


def test_the_last_wave_in_another_order_of_items() -> None:
    last = fitted()
    prior = Prior.from_utilities(last, strength=12, inflate=4)
    assert "30 respondents x 5 items" in repr(prior)
    assert "IW(K + 13, V), E[Sigma] = V / 12" in repr(prior)
    assert hash(prior) == hash(Prior.from_utilities(last, strength=12, inflate=4))
    same = resolved(prior)
    np.testing.assert_allclose(same.mean, last.population.mean, atol=1e-12)
    np.testing.assert_allclose(np.linalg.inv(same.mean_precision), 4 * last.population.mean_cov, atol=1e-10)
    np.testing.assert_allclose(same.iw_scale / (same.iw_df - J), last.population.cov, atol=1e-10)
    np.testing.assert_allclose(prior.resolve(J - 1).mean, same.mean)
    order = [3, 0, 4, 1, 2]
    other = Design(objects=Items.from_labels(["abcde"[j] for j in order]), shown=[[[0, 1, 2]]])
    moved = resolved(prior, other)
    np.testing.assert_allclose(other.report @ moved.mean, (ITEMS.report @ last.population.mean)[order], atol=1e-12)
    np.testing.assert_allclose(variance(prior, other), variance(prior)[np.ix_(order, order)], atol=1e-10)


def test_a_last_wave_that_does_not_fit() -> None:
    prior = Prior.from_utilities(fitted(), strength=10)
    other = Design(objects=Items.from_labels("abcdx"), shown=[[[0, 1, 2]]])
    with pytest.raises(InputError, match=r"of other items.*\n  1 .*design, for example 'x'\n  1 .*wave.*'e'\n.*Prior\(\)"):
        resolved(prior, other)
    things = Items.from_labels("abcde")
    anchored = Design(objects=things, shown=[[[0, 1, 2, 3]]], **anchored_coding(things.labels, "b")._asdict())
    assert resolved(Prior.from_utilities(fitted(anchored), strength=3), anchored).iw_df == 4 + 1 + 3
    with pytest.raises(InputError, match="codes the same items or levels otherwise"):
        resolved(prior, anchored)
    with pytest.raises(InputError, match="the last wave has 4 parameters and this design 3"):
        prior.resolve(3)
    with pytest.raises(UtilitiesError, match="by test have no covariance between people.*\n  expected a fit by"):
        Prior.from_utilities(fitted(cov=None), strength=10)
    with pytest.raises(UtilitiesError, match="covariance between people of the last wave is not positive definite"):
        Prior.from_utilities(fitted(cov=np.zeros((4, 4))), strength=10)
    with pytest.raises(InputError, match="strength is 0\n  expected a positive number"):
        Prior.from_utilities(fitted(), strength=0)


def test_bayesm_says_what_it_needs() -> None:
    with pytest.raises(InputError, match="unknown reference 'z'\n  expected one of a, b, c, d, e"):
        resolved(Prior("bayesm", reference="z"))
    with pytest.raises(InputError, match="needs the design.*\n  give it: resolve"):
        Prior("bayesm").resolve(3, ("price", "price", "brand"))
    parts = Attributes.from_dict({"price": [10, 20, 30], "brand": ["A", "B"]}, linear=["price"])
    levels = Design(objects=level_items(parts), shown=[[[0, 3], [1, 4], [2, 3]]], **level_coding(parts)._asdict())
    with pytest.raises(InputError, match="no reference coding for 3 parameters of 5 levels"):
        resolved(Prior("bayesm"), levels)


def test_reprs_name_both_variances() -> None:
    assert repr(Prior("sawtooth")) == (
        "Prior  sawtooth\n  Sigma ~ IW(K + 5, V), V / nu = 2 I for items, I for levels, E[Sigma] = V / 4 = (K + 5) / 4 times "
        "that\n  m ~ N(0, 10^2)")  # fmt: skip
    assert "V / nu = 2 I, E[Sigma] = V / 4" in repr(Prior("choicemodelr"))


def test_the_page_has_every_scale_and_prior() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "scales_and_priors.md").read_text(encoding="utf-8")
    rows = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert set(rows) == {*SCALES, *PRIORS}
